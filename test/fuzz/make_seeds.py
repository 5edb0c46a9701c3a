#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzz targets: test/fuzz/corpus/TARGET/seed-*.

  test/fuzz/make_seeds.py [CORPUS_DIRECTORY]

Run it after a target's input format has changed and commit what it writes. Inputs that once broke
something are kept beside the seeds as bug-*; they are not made here. cov-* were found by fuzzing and
reach code that no seed reaches. Nothing here is random: the same seeds each time.
"""
import os
import struct
import sys


def noise(seed, n):
    """n bytes that look like any, the same on every machine."""
    out = bytearray()
    state = seed * 2654435761 % 2**32 or 1
    for _ in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return bytes(out)


def tcp(flags, options=b"", data=b"", offset=None):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if offset is None else offset
    return struct.pack(">HHIIBBHHH", 4000, 80, 1000, 2000, words << 4, flags, 65535, 0, 9) + options + data


MSS = b"\2\4\5\xb4"
RICH = MSS + b"\4\2\x08\x0a" + struct.pack(">II", 5000, 0) + b"\1\3\3\7"
SACK = b"\1\1\5\x22" + struct.pack(">8I", *range(1, 9))


def ipv4(payload, proto=6, options=b"", flags=0, total=None):
    header_len = 20 + len(options)
    head = struct.pack(">BBHHHBBH4s4s", 0x40 | header_len // 4, 0, total or header_len + len(payload), 7,
                       flags, 60, proto, 0, bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1])) + options
    total = sum(struct.unpack(">%dH" % (len(head) // 2), head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + head[12:] + payload


def ipv6(payload, proto=6, length=None):
    src, dst = bytes([0xFD, 7] + [0] * 13 + [2]), bytes([0xFD, 7] + [0] * 13 + [1])
    return struct.pack(">IHBB", 6 << 28, len(payload) if length is None else length, proto, 60) + src + dst + payload


def wire_tcp():
    for i, segment in enumerate([
            tcp(2, MSS), tcp(2, RICH), tcp(0x18, b"", b"hello"), tcp(0x10, SACK), tcp(2, b"\x22\6abcd" + MSS),
            tcp(2, b"\xfe\x08\xf9\x89wxyz"), tcp(2, b"\2\0\0\0"), tcp(2, b"\2\1\0\0"), tcp(2, b"\5\xff\0\0"),
            tcp(2, b"", b"", 15), tcp(2, b"", b"", 4), tcp(0x3F, b"\x1c\4\x80\x10" + b"\x08\x0a" + b"\1" * 8)]):
        yield bytes([i, 40 if i % 2 else 12]) + segment


def wire_udp():
    for i, said in enumerate([13, 8, 7, 0, 14, 65535]):
        yield bytes([i & 1, 255 if i < 4 else 9, 4]) + struct.pack(">HHHH", 5, 9, said, 0) + b"hello"


def wire_ip():
    hop = b"\x3c\0\1\4\0\0\0\0"
    route0 = b"\6\4\0\1" + b"\0" * 36
    frag = b"\6\0\0\1\0\0\0\7"
    packets = [ipv4(tcp(2, MSS)), ipv4(tcp(2), options=b"\x83\7\4\x0a\0\0\1\1"), ipv4(tcp(2), total=1500),
               ipv4(tcp(2), flags=0x2001), ipv4(b"", options=b"\x94\4\0\0"), ipv6(tcp(2)),
               ipv6(hop + b"\6\0\1\4\0\0\0\0" + tcp(2), 0), ipv6(route0 + tcp(2), 43), ipv6(frag + tcp(2), 44),
               ipv6(b"\x3b\0\xc5\2\0\0\0\0", 60), ipv6(tcp(2), length=9), ipv6(b"", 59)]
    for i, p in enumerate(packets):
        yield bytes([2 + (i & 1), i, 60]) + p


def wire_icmp():
    quotes = [ipv4(tcp(16)[:8]), ipv6(tcp(16)), ipv4(struct.pack(">HHHH", 5, 9, 8, 0), 17), ipv4(tcp(16), flags=0x2000)]
    for kind in range(0, 18, 2):
        v4 = kind % 4 == 0
        head = struct.pack(">BBHHH", 3 if v4 else 2, 4 if v4 else 0, 0, 0, 1280)
        yield bytes([1 if v4 else 0, kind]) + head + quotes[kind // 2 % 4]
    yield b"\1\0\x08\0\0\0\0\1\0\2ping"
    yield b"\0\0\x80\0\0\0\0\1\0\2ping"


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    n = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + n + body + n


def pcapng():
    for order in "<>":
        section = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
        interface = block(order, 1, struct.pack(order + "HHI", 101, 0, 0) + struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0))
        packet = ipv4(tcp(2))
        comment = struct.pack(order + "HH4sHHIHH", 1, 4, b"FAST", 2, 4, 1, 0, 0)
        enhanced = block(order, 6, struct.pack(order + "IIIII", 0, 1, 2, len(packet), len(packet)) + packet + comment)
        simple = block(order, 3, struct.pack(order + "I", len(packet)) + packet)
        yield section + interface + enhanced + simple
        yield section + interface + block(order, 5, noise(1, 20)) + enhanced[:-5]

    for order in "<>":  # the older format
        packet = ipv4(tcp(2))
        yield struct.pack(order + "IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + struct.pack(
            order + "IIII", 1, 2, len(packet), len(packet)) + packet


def plot():
    for capture in pcapng():
        yield b"\0" + capture
    for how in (1, 3, 9, 1 | 16 | 32):
        for n in (40, 300, 1500):
            yield bytes([how]) + noise(how + n, n)


def url_http():
    texts = [
        (0, "http://example.org:8080/a/b%20c.txt?q=1#f"), (0, "http://[fd07::1]:80/"), (0, "[::1]:22"), (0, "http://h/.."),
        (0, "10.0.0.1:65535"), (0, "http://u@h/"), (1, "GET /a?b HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1,5-\r\n\r\n"),
        (1, "HEAD * HTTP/1.0\n\n"), (1, "POST http://h/x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabcdefghi"),
        (2, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n"),
        (2, "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 3\r\n\r\nabc"), (2, "HTTP/1.0 200\r\n\r\nto the end"),
        (3, "bytes=0-0,-5,7-"), (3, "bytes=18446744073709551615-"), (4, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (4, "Sunday, 06-Nov-94 08:49:37 GMT"), (4, "Sun Nov  6 08:49:37 1994"), (5, "/a/./b//c%2e%2e/../x?y"),
        (5, "/%00/..%2f..%2fetc/<&\">")]
    for kind, text in texts:
        yield bytes([kind]) + text.encode()


DRILLS = ["""// open, send, close
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257 <sack 1:2 3:4,TS val 1 ecr 2>
""", """--ip_version=ipv6
0.5~0.7 < R. 1:1(0) ack 5 win 0
* > F. 1:1(0) ack 1
%{ assert tcpi_cwnd == 10 }%
`true`
+0 > icmp unreachable frag_needed mtu 1000 [1:1(0)]
""", "0 < [ect0] SEWP. 0:10(10) ack 1 win 3 urg 5 <md5 000102,unknown 200 ff>\n+1...2 read(3, ..., 5) = -1 EAGAIN (x)\n"]


def stateful(lead, lengths):
    for i, (head, n) in enumerate((h, n) for h in lead for n in lengths):
        yield head + noise(i + 1, n)


def input_target():
    syn = bytes([3, 0, 2]) # a SYN from the peer that has sent nothing yet
    data = bytes([0, 16, 24]) + struct.pack(">H", 500)
    read = bytes([10, 0, 0, 2, 88])
    second = bytes([9, 3])
    for how in range(0, 256, 37):
        yield bytes([how, how & 3]) + b"\0" + syn + b"\0" + data + read + second + noise(how + 9, 60)
    yield from stateful([b"\x1d\0", b"\x7c\1", b"\xe2\2"], [40, 200])


def tcp_pair():
    everything = b"\x0a\x0a\x0a" # three rounds of an honest wire
    write = bytes([18]) + struct.pack(">H", 20000) + b"\0"
    read = bytes([14]) + struct.pack(">H", 60000)
    for how in (0, 1, 4, 17, 34, 64, 128, 255):
        for more in (0, 65, 192):
            if (how + more) % 3 == 0:
                yield bytes([how, more]) + everything + write + everything + read + noise(how + more + 1, 120)


def fast():
    calm = bytes([18, 19, 12, 13, 22, 23, 24, 6, 8, 0xe0, 0xe1])
    for n in range(12):
        yield bytes([n * 37 % 256, n * 11 % 256]) + noise(n + 1, 500)
        busy = bytearray(noise(n + 100, 500))
        busy[0] &= 0x35
        busy[1::3] = bytes(calm[b % len(calm)] for b in busy[1::3])
        yield bytes([n * 37 % 256, n * 11 % 256 & 0xf1]) + bytes(busy)


def api():
    opening = b"\0\1" + b"\x80\5" # a socket on each side
    yield from stateful([b"\0\0" + opening, b"\1\0" + opening, b"\3\x14" + opening], [60, 200, 400])


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def record():
    """The inside of a block (closed, then not), by the numbers of record/calls.h; and calls alone."""
    new, result, advance, addr = b"\2", b"\4", b"\x0a", bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 1])
    config = b"deterministic=1\nprofile=1\nseed=" + b"07" * 32 + b"\n"
    ok = result + b"\0\0"
    calls = new + varint(len(config)) + config + ok + advance + varint(2 * 10**9)
    calls += b"\x0f" + bytes([0]) + varint(1500) + bytes(5) + result + b"\0\2" + varint(2 * 77) + b"\0"
    calls += b"\x11\1" + varint(77) + b"\x18" + varint(16) + addr + ok
    calls += b"\x17\6" + result + b"\0\2\2\0"
    frame = ipv4(tcp(2, MSS))
    calls += b"\7\0\1\5\1" + varint(len(frame) + 3) + b"\1" + varint(len(frame)) + b"\0" + frame + result + b"\2\1\1\0"
    calls += b"\x08\0\1\5\x40" + result + b"\0\1\0" + b"\x0c" + result + bytes(7)
    yield b"\1" + calls
    yield b"\2" + calls
    yield b"\1" + calls + b"\3\5" + b"\5\1\2\3\6"
    yield b"\0tercet record 1\n" + b"TRB1" + bytes(12) + b"\1\0" + calls
    yield from stateful([b"\3", b"\3\x16\4\x16\4"], [60, 200, 400])


def link():
    """A flow that waits, the answer of its neighbour, output; then noise."""
    flow4, flow6, pull, second = b"\3\2\2", b"\3\3\2", b"\6\x20", b"\4\3\xe8"
    arp = b"\1\1\2\1\2\1\2\1"
    nd = b"\2\x2e\2\2\2\1\2"
    yield flow4 + pull + arp + pull + second * 60 + pull + second * 10 + pull
    yield flow6 + second * 2 + pull + nd + pull + second * 60 + pull + second * 10 + pull
    yield flow4 + flow6 + (second + pull) * 12
    yield from stateful([b"\3\2\2\6\x20", b"\3\3\2\6\x20"], [60, 200, 400])


def merge():
    for how in range(4):
        start = bytes([how]) + struct.pack(">I", 0xFFFFF000) + struct.pack(">H", 1000)
        yield start + bytes(24)
        yield start + bytes([0] * 5 + [2] + [0] * 5 + [32, 0, 9] + [0] * 4)
        yield start + bytes([16] * 8 + [8, 5] * 6)
        yield start + noise(how + 3, 100)
        yield start + b"".join(b"\0\0\1" + bytes([what]) + noise(what + how, 4) for what in range(8))
        yield start + b"".join(b"\0\4" + noise(at * 4 + how, 3) for at in range(10))


def plain():
    yield from stateful([b"\0", b"\1", b"\2", b"\3"], [30, 120, 300])


def states():
    for state in range(11):
        for how in (0x0A, 0x1D, 0x38, 0x63):
            yield bytes([state, how]) + noise(state * 8 + (how & 7), 24)


PLAN = """plan 1
seed 12
head ipv6=1 heal_ms=1000
host 0 kind=stack rcvbuf=8192 features=wscale,ecn,sack
host 1 kind=stack features=wscale,ecn,ipv6
link 0 b=1 delay_us=100
flow 0 talk=stream client=1 port=1001 conns=1 up=2000 down=100
"""


def plan():
    yield PLAN.encode()
    yield PLAN.replace("host 1", "host 2").encode()
    yield PLAN.replace("conns=1", "conns=4294967296").encode()


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    targets = {"wire_tcp": wire_tcp, "wire_udp": wire_udp, "wire_ip": wire_ip, "wire_icmp": wire_icmp,
               "merge": merge, "pcapng": pcapng, "plot": plot, "url_http": url_http, "drill": lambda: (d.encode() for d in DRILLS),
               "input": input_target, "tcp_pair": tcp_pair, "tcp_bulk": tcp_pair, "states": states, "plan": plan,
               "wheel": plain, "model": plain, "api": api, "ranges": plain, "queue": plain,
               "reasm": plain, "record": record, "link": link, "fast": fast}
    for name, make in targets.items():
        folder = os.path.join(root, name)
        os.makedirs(folder, exist_ok=True)
        for old in os.listdir(folder):
            if old.startswith("seed-"):
                os.remove(os.path.join(folder, old))
        for i, seed in enumerate(make()):
            with open(os.path.join(folder, "seed-%02d" % i), "wb") as out:
                out.write(seed)


if __name__ == "__main__":
    main()
