# SPDX-License-Identifier: MIT
"""The part of tools/bench that goes through a TUN device: runs bench/tun.sh, tells, draws."""
import os
import statistics
import subprocess

from bench_chart import number

PLACES = (("same", "same core"), ("cross", "client on another core"))
WAYS = (("to", "to the kernel"), ("from", "from the kernel"))

FAIRNESS = """\
Rules, for all alike: wall clock, one connection, the client always the same program on the kernel's
TCP (256 KiB a call, from and to a set of 512 KiB); the servers on the first core, one after the
other within a round; medians, in parentheses the least and the most; IPv4; the kernel's buffers grow
to its stock limits, whatever this machine has set. *To the kernel*: the stack sends. The kernel
sends by CUBIC, its stock choice and tercet's; where this machine has chosen another algorithm there
are rows with that one, too. *Spinning*: for up to 50 us after the last packet the stack looks at the
device before it sleeps. With offloads: MTU 1500 on both sides, the device tercet's own
(`IFF_VNET_HDR`, TSO, checksums left to the kernel both ways, which is what veth does, too), buffers
that grow by default. Without: one packet a system call, software checksums of both stacks (ours AVX2 for
what comes in and plain C while super-segments are cut, lwIP's its own C), buffers and windows of 256 KiB,
the same queue length of the device. tercet cuts super-segments and joins what continues in a burst in
software, in its own time; lwIP has nothing like it, and takes packet by packet. lwIP has the
options of the engine rows: raw calls, one read is one pbuf that it takes where it lies, writes of
whole segments without copying; both loops read until nothing is left, at most 64 in a row, before
timers and sleeping. tercet is the full profile, *parity* as above. The kernel's sink copies into the
application's memory; lwIP's and ours have the data in memory of the process already and do not look
at it. Our sources lend, the kernel's copies. veth without offloads is there to show the kernel's own
cost. CPU time is that of the process, system calls and the kernel's TCP receiver inside them
included; octets are those of the packets."""

SLIRP = """\
slirp4netns joins a network namespace to the host without rights: it ends the namespace's TCP in user
space and opens a socket of the host's kernel for each connection. Beside it tercet over TAP. Equal:
the client, a kernel on a tap device behind which a process ends TCP; a server which drops, sends or
echoes; nobody pinned. Not equal: slirp4netns hands each byte to a server of its own on the host's
loopback, one process and one kernel TCP more, whereas tercet is the server itself; its tap has no
offloads, but an MTU of 65520 if asked, as its manual advises. So this tells what a container's
bytes cost either way, not which stack is the faster one."""


def measure(top, build, rounds, ms):
    """Question -> who -> values; what was left out, and why, under "left out"."""
    done = subprocess.run([os.path.join(top, "bench/tun.sh"), build, str(rounds), str(ms)],
                          capture_output=True, text=True, check=False, timeout=1800)
    told = {"left out": {}}
    for line in done.stdout.splitlines():
        if line.startswith("ok - "):
            told["left out"]["TUN"] = line.split("# SKIP ")[-1]
        if line.count("\t") == 2:
            what, who, value = line.split("\t")
            if what == "left out":
                told[what][who] = value
            else:
                told.setdefault(what, {}).setdefault(who, []).append(float(value))
    if done.returncode:
        told["left out"]["the rest"] = (done.stderr.strip().splitlines() or ["bench/tun.sh failed"])[-1]
    return told


def questions():
    """key, title, unit, scale, goal as a ratio to the peer."""
    for place, where in PLACES:
        for way, whither in WAYS:
            yield (f"offload-{way}-{place}", f"TUN with offload, {whither}, {where}", "GB/s", 1e9,
                   2.5 if way == "to" else 1.0)
    for place, where in PLACES:
        for way, whither in WAYS:
            yield (f"plain-{way}-{place}", f"TUN, MTU 1500, no offload, {whither}, {where}", "GB/s", 1e9,
                   1.0)
    for way, whither in WAYS:
        yield (f"plain-{way}-cpu",
               f"TUN, MTU 1500, no offload, {whither}, same core, by the stack's CPU time", "GB/s", 1e9, None)
    for way, whither in WAYS:
        yield f"slirp-{way}", f"behind a tap, {whither}", "GB/s", 1e9, None
    yield "slirp-connect", "behind a tap: connect, 1 B there and back, close", "k/s", 1e3, None


PEER = {"offload": "veth", "plain": "lwIP", "slirp": "slirp4netns"}


def peers_of(who, kind, rows):
    """With whom one of our rows is compared: who works in the same way, else the plain one."""
    name, _, how = who.partition(", ")
    peers = [n for n in rows if n.split(",")[0] == PEER[kind] and 0 not in rows[n]]
    if name != "tercet":
        return []
    if kind == "slirp":
        return peers
    if not how:
        return [n for n in peers if not n.endswith(", spinning")]
    return [n for n in peers if n == f"{PEER[kind]}, {how}"] or [n for n in peers if n == PEER[kind]]


def tell_row(rows, question, who):
    key, _, unit, scale, goal = question
    kind, v = key.split("-")[0], rows[who]
    if 0 in v:
        return f"came to a halt in {v.count(0)} of {len(v)} rounds", "", ""
    m = statistics.median(v)
    cell = f"{number(m / scale)} {unit} ({number(min(v) / scale)}-{number(max(v) / scale)})"
    ratio = {n: m / statistics.median(rows[n]) for n in peers_of(who, kind, rows)}
    judged, base = "", PEER[kind]
    if goal and who == "tercet" and base in ratio:
        judged = f">= {goal} x {base}: {'met' if ratio[base] >= goal else 'missed'}"
    return cell, "; ".join(f"{r:.2f} x {n}" for n, r in ratio.items()), judged


def tell_table(told, kind):
    out = ["", "| question | who | median (spread) | ratio | goal |", "|---|---|---|---|---|"]
    for question in questions():
        rows = told.get(question[0], {})
        if question[0].startswith(kind):
            for i, who in enumerate(rows):
                cells = tell_row(rows, question, who)
                out.append(f"| {question[1] if i == 0 else ''} | {who} | " + " | ".join(cells) + " |")
    return out if len(out) > 3 else []


def tell(told):
    if not told:
        return []
    out = ["", "### Through a TUN device, beside the kernel, lwIP and slirp4netns"]
    out += tell_table(told, "offload") + tell_table(told, "plain") + ["", FAIRNESS]
    slirp = tell_table(told, "slirp")
    if slirp:
        out += slirp + ["", SLIRP]
    if told["left out"]:
        out += ["", "Left out: " + "; ".join(f"{who}: {why}" for who, why in told["left out"].items()) + "."]
    return out


def charts(told):
    """(title, unit, {who: values}) of each question that was answered."""
    for key, title, unit, scale, _ in questions():
        rows = {who: [x / scale for x in v] for who, v in told.get(key, {}).items() if 0 not in v}
        if rows:
            yield title, unit, rows
