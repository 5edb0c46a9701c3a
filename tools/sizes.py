# SPDX-License-Identifier: MIT
"""Reads `readelf --debug-dump=info` and prints one struct as a table; called by sizes.sh."""
import re
import sys

DIE = re.compile(r"^ *<(\d+)><([0-9a-f]+)>: Abbrev Number: \d+ \((\w+)\)")
ATTRIBUTE = re.compile(r"^ +<[0-9a-f]+> +(\w+) *: (.*)$")


def read_dies(lines):
    """offset -> {tag, children, attributes}; the tree as readelf indents it."""
    dies, path, die = {}, [], None
    for line in lines:
        start, attribute = DIE.match(line), ATTRIBUTE.match(line)
        if start:
            depth = int(start.group(1))
            die = {"tag": start.group(3), "children": []}
            dies[start.group(2)] = die
            del path[depth:]
            if path:
                path[-1]["children"].append(die)
            path.append(die)
        elif attribute and die is not None:
            value = attribute.group(2).strip()
            value = re.sub(r"^\(indirect (?:line )?string, offset: 0x[0-9a-f]+\): ", "", value)
            die.setdefault(attribute.group(1), value)
    return dies


def type_of(dies, die):
    link = die.get("DW_AT_type", "").strip("<>").replace("0x", "")
    return dies.get(link)


def size_of(dies, die):
    if die is None:
        return 0
    if "DW_AT_byte_size" in die:
        return int(die["DW_AT_byte_size"])
    size = size_of(dies, type_of(dies, die))
    if die["tag"] == "DW_TAG_array_type":
        for part in die["children"]:
            if "DW_AT_upper_bound" in part:
                size *= int(part["DW_AT_upper_bound"]) + 1
    return size


def fields(dies, struct, base=0, prefix=""):
    """(offset, size in bytes, bits or None, name), sub-structs taken apart."""
    for member in struct["children"]:
        if member["tag"] != "DW_TAG_member":
            continue
        name = prefix + member.get("DW_AT_name", "").split()[-1] if "DW_AT_name" in member else prefix
        at = base + int(member.get("DW_AT_data_member_location", 0))
        bits = int(member["DW_AT_bit_size"]) if "DW_AT_bit_size" in member else None
        inner = type_of(dies, member)
        while inner and inner["tag"] in ("DW_TAG_typedef", "DW_TAG_const_type"):
            inner = type_of(dies, inner)
        if inner and inner["tag"] == "DW_TAG_structure_type" and size_of(dies, inner) > 8:
            yield from fields(dies, inner, at, name + "." if name != prefix else prefix)
        else:
            yield at, size_of(dies, type_of(dies, member)), bits, name


def main():
    name, budget, brief = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
    dies = read_dies(sys.stdin)
    struct = next(d for d in dies.values() if d["tag"] == "DW_TAG_structure_type" and
                  d.get("DW_AT_name") == name and "DW_AT_byte_size" in d)
    size = int(struct["DW_AT_byte_size"])
    limit = f" of {budget}" if budget else ""
    print(f"struct {name}: {size}{limit} bytes")
    end, holes = 0, 0
    for at, length, bits, field in fields(dies, struct):
        if at > end:
            holes += at - end
            if not brief:
                print(f"  {end:5} {at - end:5}  (hole)")
        if not brief:
            line = "  --- cache line ---" if at // 64 > max(end - 1, 0) // 64 and end else ""
            if line:
                print(line)
            print(f"  {at:5} {length:5}  {field}" + (f" : {bits}" if bits else ""))
        end = max(end, at + length)
    holes += size - end
    if size > end and not brief:
        print(f"  {end:5} {size - end:5}  (hole)")
    if holes:
        print(f"  {holes} bytes in holes")
    if budget and size > budget:
        print(f"  over its budget by {size - budget}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
