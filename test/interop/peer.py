#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's side of the interop tests: clients and servers on Linux's own TCP, standard library
only. `peer.py COMMAND ...`; the commands whose names end in _checks print TAP lines."""
import email.utils
import fcntl
import hashlib
import http.client
import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time

DEV = os.environ.get("DEV", "tun") + ":tct0"


def up(name):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    request = struct.pack("16sh22x", name.encode(), 0)
    flags = struct.unpack("16sh22x", fcntl.ioctl(s, 0x8913, request))[1]
    fcntl.ioctl(s, 0x8914, struct.pack("16sh22x", name.encode(), flags | 1))


def content(n):
    return random.Random(n).randbytes(n)


def make(path, n):
    with open(path, "wb") as f:
        f.write(content(int(n)))


def nobody(*command):
    os.setgid(65534)
    os.setuid(65534)
    os.execvp(command[0], command)


def reach(host, port):
    socket.create_connection((host, int(port)), timeout=10).close()


def pour(host, port, n):
    s = socket.create_connection((host, int(port)), timeout=10)
    s.sendall(content(int(n)))
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
    s.close()


def echo_client(host, port, n):
    data = content(int(n))
    s = socket.create_connection((host, int(port)), timeout=20)

    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    t = threading.Thread(target=send)
    t.start()
    got = read_all(s)
    t.join()
    expect(got == data, True)


def hello_server(port):
    def handle(c):
        read_head(c)
        c.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello from the kernel\n")
    with Server(handle, int(port)):
        print("ready", flush=True)
        time.sleep(600)


# ---- TAP -------------------------------------------------------------------------------------------

def run_checks(checks, *args):
    for c in checks:
        name = c.__name__
        try:
            c(*args)
            print(f"ok - {name}", flush=True)
        except Exception as wrong:
            print(f"not ok - {name}: {type(wrong).__name__} {wrong}".replace("\n", " ")[:400], flush=True)


def expect(what, want):
    if what != want:
        raise AssertionError(f"{str(what)[:120]!r} is not {str(want)[:120]!r}")


# ---- A client of tercet serve ------------------------------------------------------------------------

V4, V6 = "10.7.0.2", "fd07::2"


def ask(path, headers=None, method="GET", host=V4, conn=None, body=None):
    c = conn or http.client.HTTPConnection(host, 80, timeout=20)
    c.request(method, path, headers=headers or {}, body=body)
    r = c.getresponse()
    data = r.read()
    if conn is None:
        c.close()
    return r, data


def raw(data, shut=False, host=V4):
    s = socket.create_connection((host, 80), timeout=20)
    s.sendall(data)
    if shut:
        s.shutdown(socket.SHUT_WR)
    answer = b""
    while True:
        piece = s.recv(65536)
        if not piece:
            break
        answer += piece
    s.close()
    return answer


def same(name, n, host):
    r, data = ask("/" + name, host=host)
    n = int(n)
    expect(r.status, 200)
    expect(int(r.headers["Content-Length"]), n)
    expect(hashlib.sha256(data).hexdigest(), hashlib.sha256(content(n)).hexdigest())


def download__ipv4__same_bytes(_):
    for n in (1, 1460, 1000000):
        same(f"f{n}", n, V4)


def download__ipv6__same_bytes(_):
    for n in (1, 1460, 1000000):
        same(f"f{n}", n, V6)


def download__empty_file__is_empty(_):
    r, data = ask("/empty")
    expect((r.status, data, r.headers["Content-Length"]), (200, b"", "0"))


def head__gives_length_and_no_body(_):
    r, data = ask("/f1000000", method="HEAD")
    expect((r.status, r.headers["Content-Length"], data), (200, "1000000", b""))


def range__single_suffix_open__exact_bytes(_):
    whole = content(1000000)
    for field, a, b in (("0-0", 0, 1), ("10-19", 10, 20), ("999990-", 999990, 1000000),
                        ("-5", 999995, 1000000), ("500000-2000000", 500000, 1000000)):
        r, data = ask("/f1000000", {"Range": "bytes=" + field})
        expect((r.status, data), (206, whole[a:b]))
        expect(r.headers["Content-Range"], f"bytes {a}-{b - 1}/1000000")


def range__several__multipart(_):
    whole = content(1000000)
    r, data = ask("/f1000000", {"Range": "bytes=0-4,100-109,-3"})
    expect(r.status, 206)
    expect(int(r.headers["Content-Length"]), len(data))
    boundary = re.search("boundary=(.*)", r.headers["Content-Type"]).group(1).encode()
    parts = data.split(b"--" + boundary)[1:-1]
    bodies = [p.split(b"\r\n\r\n", 1)[1][:-2] for p in parts]
    expect(bodies, [whole[0:5], whole[100:110], whole[-3:]])
    expect(data.endswith(b"--" + boundary + b"--\r\n"), True)


def range__outside__is_416(_):
    r, _data = ask("/f1460", {"Range": "bytes=1460-"})
    expect((r.status, r.headers["Content-Range"]), (416, "bytes */1460"))


def condition__etag_and_date__304(_):
    r, _ = ask("/f1460")
    etag, date = r.headers["ETag"], r.headers["Last-Modified"]
    expect(ask("/f1460", {"If-None-Match": etag})[0].status, 304)
    expect(ask("/f1460", {"If-None-Match": '"x", W/' + etag})[0].status, 304)
    expect(ask("/f1460", {"If-None-Match": '"x"'})[0].status, 200)
    expect(ask("/f1460", {"If-Modified-Since": date})[0].status, 304)
    expect(ask("/f1460", {"If-Modified-Since": email.utils.formatdate(0, usegmt=True)})[0].status, 200)
    expect(ask("/f1460", {"If-Match": '"x"'})[0].status, 412)
    expect(ask("/f1460", {"Range": "bytes=0-1", "If-Range": etag})[0].status, 206)
    expect(ask("/f1460", {"Range": "bytes=0-1", "If-Range": '"x"'})[0].status, 200)


def path__outside_or_missing__is_404(_):
    for p in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/link-out", "/link-dir/passwd",
              "/nothing", "/f1/", "//../x"):
        answer = raw(b"GET " + p.encode() + b" HTTP/1.0\r\n\r\n")
        expect((p, answer[:12]), (p, b"HTTP/1.1 404"))


def path__device_or_unreadable__is_refused(_):
    expect(ask("/pipe")[0].status, 403)


def directory__listed_redirected_or_indexed(_):
    r, data = ask("/dir")
    expect((r.status, r.headers["Location"]), (301, "/dir/"))
    r, data = ask("/dir/")
    expect((r.status, b"&lt;b&gt; &amp;.txt" in data, b"./%3Cb%3E%20%26.txt" in data), (200, True, True))
    expect(ask("/dir/%3Cb%3E%20%26.txt")[1], b"inside\n")
    expect(ask("/indexed/")[1], b"<h1>index</h1>\n")


def keep_alive__hundred_requests_one_connection(_):
    c = http.client.HTTPConnection(V4, 80, timeout=20)
    for _i in range(100):
        r, data = ask("/f1460", conn=c)
        expect((r.status, len(data)), (200, 1460))
    c.close()


def pipelined__requests_in_one_write__answers_in_order(_):
    one = b"GET /f1 HTTP/1.1\r\nHost: x\r\n\r\n"
    two = b"GET /f1460 HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = raw(one + two * 200 + last)
    expect(re.findall(rb"HTTP/1.1 (\d+)", answer), [b"200"] * 201 + [b"404"])
    expect(answer.count(b"Content-Length: 1460"), 200)


def request__in_single_bytes__is_answered(_):
    s = socket.create_connection((V4, 80), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for b in b"GET /f1 HTTP/1.0\r\n\r\n":
        s.sendall(bytes([b]))
        time.sleep(0.001)
    expect(s.recv(100)[:15], b"HTTP/1.1 200 OK")
    s.close()


def request__half_closed_after_it__is_answered(_):
    answer = raw(b"GET /f1000000 HTTP/1.1\r\nHost: x\r\n\r\n", shut=True)
    expect(answer.split(b"\r\n\r\n", 1)[1], content(1000000))


def request__wrong__gets_its_status(_):
    for text, status in ((b"GET / HTTP/1.1\r\n\r\n", b"400"), (b"nonsense\r\n\r\n", b"400"),
                         (b"GET / HTTP/3.0\r\n\r\n", b"505"),
                         (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", b"405"),
                         (b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"501"),
                         (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431")):
        expect(raw(text)[9:12], status)


def request__with_body__is_skipped_and_the_next_answered(_):
    text = b"POST /f1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
    answer = raw(text + b"GET /f1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    expect(re.findall(rb"HTTP/1.1 (\d+)", answer), [b"405", b"200"])


def parallel__fifty_downloads__all_whole(_):
    wrong = []

    def one(i):
        try:
            same("f1000000", 1000000, V6 if i % 2 else V4)
        except Exception as e:
            wrong.append(e)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if wrong:
        raise wrong[0]


def reset__in_the_middle__others_go_on(_):
    for _i in range(20):
        s = socket.create_connection((V4, 80), timeout=20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(b"GET /f1000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(10000)
        s.close()
    same("f1000000", 1000000, V4)


def reader__slow__gets_everything(_):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(20)
    s.connect((V4, 80))
    s.sendall(b"GET /f1000000 HTTP/1.0\r\n\r\n")
    answer = b""
    while True:
        piece = s.recv(20000)
        if not piece:
            break
        answer += piece
        time.sleep(0.002)
    expect(answer.split(b"\r\n\r\n", 1)[1], content(1000000))


def serve_dir(path):
    os.makedirs(path + "/dir")
    os.makedirs(path + "/indexed")
    for n in (1, 1460, 1000000):
        make(f"{path}/f{n}", n)
    make(path + "/empty", 0)
    os.symlink("/etc/passwd", path + "/link-out")
    os.symlink("/etc", path + "/link-dir")
    os.mkfifo(path + "/pipe")
    for name, text in (("dir/<b> &.txt", "inside\n"), ("indexed/index.html", "<h1>index</h1>\n")):
        with open(f"{path}/{name}", "w") as f:
            f.write(text)


def serve_checks():
    run_checks([
        download__ipv4__same_bytes, download__ipv6__same_bytes, download__empty_file__is_empty,
        head__gives_length_and_no_body, range__single_suffix_open__exact_bytes,
        range__several__multipart, range__outside__is_416, condition__etag_and_date__304,
        path__outside_or_missing__is_404, path__device_or_unreadable__is_refused,
        directory__listed_redirected_or_indexed, keep_alive__hundred_requests_one_connection,
        pipelined__requests_in_one_write__answers_in_order, request__in_single_bytes__is_answered,
        request__half_closed_after_it__is_answered, request__wrong__gets_its_status,
        request__with_body__is_skipped_and_the_next_answered,
        parallel__fifty_downloads__all_whole, reset__in_the_middle__others_go_on,
        reader__slow__gets_everything], None)


def slow_download(path, n):
    """Begins, waits for a line on stdin, then reads the rest: for drain."""
    s = socket.create_connection((V4, 80))
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = s.recv(1000)
    print("begun", flush=True)
    time.sleep(1)
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            break
        answer += piece
    expect(len(answer.split(b"\r\n\r\n", 1)[1]), int(n))


def stuck_download(path, seconds):
    """Begins and never reads; says how the connection ended within the time."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((V4, 80))
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    print("begun", flush=True)
    end = time.time() + float(seconds)
    while time.time() < end:
        if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 104:
            print("reset", flush=True)
            return
        time.sleep(0.05)


def shrunk_answer(path, file, size, to, *more):
    """The file becomes shorter when all of the answer waits to be sent, and those behind it: what comes
    must be the file's bytes, and its length must not be made up."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((V4, 80))
    s.settimeout(10)
    for target in (path,) + more:
        s.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(0.5)
    os.truncate(file, int(to))
    answer = body = b""
    try:
        while len(body) < int(size) and (piece := s.recv(1 << 16)):
            answer += piece
            body = answer.split(b"\r\n\r\n", 1)[1]
    except ConnectionResetError:
        pass
    expect(len(body) < int(size), True)
    expect(body, content(int(size))[:len(body)])


def stuck_downloads(path, count):
    """Many that begin and never read."""
    held = []
    for _ in range(int(count)):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((V4, 80))
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        held.append(s)
    print("begun", flush=True)
    time.sleep(30)


def half_request(seconds):
    """Sends half a head; expects 408 and the end, no earlier than in 10 s."""
    began = time.time()
    s = socket.create_connection((V4, 80), timeout=float(seconds))
    s.sendall(b"GET /f1 HTTP/1.1\r\nHo")
    answer = read_all(s)
    expect(answer[:12], b"HTTP/1.1 408")
    expect(10 < time.time() - began, True)


def many_idle(count):
    """Opens that many connections, leaves them open, and asks on each of them once."""
    all_of = []
    for _i in range(int(count)):
        all_of.append(socket.create_connection((V4, 80), timeout=20))
    for s in all_of:
        s.sendall(b"GET /f1 HTTP/1.1\r\nHost: x\r\n\r\n")
    for s in all_of:
        expect(s.recv(1000)[:15], b"HTTP/1.1 200 OK")
    for s in all_of:
        s.close()


# ---- tercet as a client: servers of the kernel ----------------------------------------------------------

def tercet(verb, *args, data=b"", timeout=40):
    command = [os.environ["TERCET"], verb, "--dev", DEV, "--addr", "10.7.0.2/24",
               "--addr", "fd07::2/64", *args]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout)


def expect_exit(done, code, word=""):
    said = done.stderr.decode(errors="replace")
    if done.returncode != code or word not in said:
        raise AssertionError(f"exit {done.returncode}, not {code} with '{word}': {said[-200:]}")


class Server:
    """Listens on any address of both families, port 8080; handle() gets each connection."""

    def __init__(self, handle, port=8080):
        self.s = socket.socket(socket.AF_INET6)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind(("::", port))
        self.s.listen(64)
        self.handle, self.result = handle, None
        threading.Thread(target=self.loop, daemon=True).start()

    def loop(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            c.settimeout(20)
            threading.Thread(target=self.one, args=(c,), daemon=True).start()

    def one(self, c):
        try:
            self.result = self.handle(c)
        except Exception as e:
            self.result = e
        c.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()


def read_head(c):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = c.recv(4096)
        if not piece:
            break
        head += piece
    return head


def read_all(c):
    data = b""
    while True:
        piece = c.recv(65536)
        if not piece:
            return data
        data += piece


def reset(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def by_length(n, cut=0):
    def handle(c):
        read_head(c)
        body = content(n)
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n + body[:n - cut])
    return handle


def by_chunks(c):
    read_head(c)
    body = content(300000)
    c.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    at = 0
    for size in [1, 2, 1000, 65536, 100000]:
        c.sendall(b"%x;a=b\r\n" % size + body[at:at + size] + b"\r\n")
        at += size
    c.sendall(b"%x\r\n" % (len(body) - at) + body[at:] + b"\r\n0\r\nX: y\r\n\r\n")


def by_end(c):
    read_head(c)
    c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + content(70000))


def answer(text):
    def handle(c):
        read_head(c)
        c.sendall(text)
    return handle


def fetched(work, handle, n, url="http://10.7.0.1:8080/x"):
    out = work + "/got"
    with Server(handle):
        done = tercet("get", "-q", "-o", out, url)
    expect_exit(done, 0)
    with open(out, "rb") as f:
        expect(f.read() == content(n), True)
    os.unlink(out)


def fetch_with(work, n, *options):
    with Server(by_length(int(n))):
        done = subprocess.run([os.environ["TERCET"], "get", "-q", "--dev", DEV, "--addr",
                               "10.7.0.2/24", *options, "http://10.7.0.1:8080/"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=40)
    expect_exit(done, 0)
    expect(done.stdout == content(int(n)), True)


def get__length_both_families__same_bytes(work):
    for n in (0, 1, 1460, 1000000):
        fetched(work, by_length(n), n)
        fetched(work, by_length(n), n, "http://[fd07::1]:8080/x")


def get__chunked__same_bytes(work):
    fetched(work, by_chunks, 300000)


def get__until_the_end__same_bytes(work):
    fetched(work, by_end, 70000)


def get__to_stdout__same_bytes(work):
    with Server(by_length(200000)):
        done = tercet("get", "http://10.7.0.1:8080/")
    expect_exit(done, 0)
    expect(done.stdout == content(200000), True)


def get_fails(work, handle, word):
    with Server(handle):
        done = tercet("get", "-o", work + "/got", "http://10.7.0.1:8080/x")
    expect_exit(done, 1, word)
    expect(os.path.exists(work + "/got"), False)
    expect([f for f in os.listdir(work) if "got" in f], [])


def get__cut_short__exit_1_and_no_file(work):
    get_fails(work, by_length(100000, cut=1), "99999 of 100000")
    get_fails(work, answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), "middle")
    get_fails(work, answer(b"HTTP/1.1 200"), "before it had answered")


def get__reset_in_the_middle__exit_1_and_no_file(work):
    def handle(c):
        read_head(c)
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        time.sleep(0.1)
        reset(c)
    get_fails(work, handle, "reset")


def get__status_or_nonsense__exit_1_and_no_file(work):
    get_fails(work, answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "404")
    get_fails(work, answer(b"HTTP/1.1 302 Found\r\nLocation: http://y/\r\n\r\n"), "moved to http://y/")
    get_fails(work, answer(b"SSH-2.0-x\r\n\r\n"), "HTTP")
    get_fails(work, answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "malformed")


def get__refused__exit_1_at_once(work):
    began = time.time()
    expect_exit(tercet("get", "http://10.7.0.1:8081/x"), 1, "refused")
    expect_exit(tercet("get", "http://[fd07::1]:8081/x"), 1, "refused")
    expect(time.time() - began < 5, True)


def get__filtered__exit_1_after_the_time_out(work):
    done = tercet("get", "--timeout", "2", "http://10.9.9.9:8081/x")  # the kernel forwards nothing
    expect_exit(done, 1, "no answer")


def get__wrong_words__exit_2_one_sentence(work):
    for args, word in ((["https://x/"], "https"), (["nonsense"], "http://"), (["http://h:0/"], "port"),
                       (["-o", "/nowhere/x", "http://10.7.0.1/"], "/nowhere/x"),
                       (["-o", work, "http://10.7.0.1/"], "directory"), ([], "missing"),
                       (["--nope", "http://x/"], "--nope")):
        done = tercet("get", *args)
        expect_exit(done, 2, word)
        expect(len(done.stderr.strip().splitlines()), 1)


def get_checks(work):
    run_checks([
        get__length_both_families__same_bytes, get__chunked__same_bytes,
        get__until_the_end__same_bytes, get__to_stdout__same_bytes,
        get__cut_short__exit_1_and_no_file, get__reset_in_the_middle__exit_1_and_no_file,
        get__status_or_nonsense__exit_1_and_no_file, get__refused__exit_1_at_once,
        get__filtered__exit_1_after_the_time_out, get__wrong_words__exit_2_one_sentence], work)


# ---- connect, listen, handshake --------------------------------------------------------------------------

def connect__both_ways__same_bytes(_):
    up_data, down_data = content(700000), content(500000)

    def handle(c):
        t = threading.Thread(target=lambda: (c.sendall(down_data), c.shutdown(socket.SHUT_WR)))
        t.start()
        got = read_all(c)
        t.join()
        return got
    # Many times: what waits must go out though the peer has fallen silent, and that is a race.
    for host in ("10.7.0.1", "fd07::1") * 6:
        with Server(handle) as server:
            done = tercet("connect", "-q", host, "8080", data=up_data, timeout=15)
            expect_exit(done, 0)
            expect(done.stdout == down_data, True)
            time.sleep(0.1)
            expect(server.result == up_data, True)


def connect__we_close_first__peer_still_answers(_):
    def handle(c):
        got = read_all(c)  # until our FIN
        c.sendall(b"got " + got)
    with Server(handle):
        done = tercet("connect", "10.7.0.1", "8080", data=b"all of it")
    expect_exit(done, 0)
    expect(done.stdout, b"got all of it")


def connect__peer_closes_first__we_still_send(_):
    def handle(c):
        c.shutdown(socket.SHUT_WR)
        return read_all(c)
    with Server(handle) as server:
        done = tercet("connect", "10.7.0.1", "8080", data=b"after the end")
        expect_exit(done, 0)
        time.sleep(0.1)
        expect(server.result, b"after the end")


def connect__peer_resets__exit_1(_):
    def handle(c):
        c.recv(10)
        reset(c)
    with Server(handle):
        expect_exit(tercet("connect", "10.7.0.1", "8080", data=b"x"), 1, "reset")


def connect__refused_or_filtered__exit_1(_):
    expect_exit(tercet("connect", "10.7.0.1", "8081"), 1, "refused")
    expect_exit(tercet("connect", "--timeout", "2", "10.9.9.9", "80"), 1, "no answer")


def listening(*args, stdin=b""):
    p = subprocess.Popen([os.environ["TERCET"], "listen", "--dev", DEV, "--addr", "10.7.0.2/24",
                          *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if b"listening" not in p.stderr.readline():
        raise AssertionError("not listening")
    p.stdin.write(stdin)
    p.stdin.close()
    return p


def listen__client_closes_first__both_whole(_):
    p = listening("7000", stdin=b"from tercet")
    c = socket.create_connection(("10.7.0.2", 7000), timeout=20)
    c.sendall(content(50000))
    c.shutdown(socket.SHUT_WR)
    expect(read_all(c), b"from tercet")
    expect(p.stdout.read() == content(50000), True)
    expect(p.wait(20), 0)


def listen__client_resets__exit_1(_):
    p = listening("7000")
    c = socket.create_connection(("10.7.0.2", 7000), timeout=20)
    c.sendall(b"abc")
    time.sleep(0.2)
    reset(c)
    c.close()
    expect((p.wait(20), b"reset" in p.stderr.read()), (1, True))


def listen__other_port__is_refused_by_us(_):
    p = listening("7000")
    try:
        socket.create_connection(("10.7.0.2", 7001), timeout=20)
        raise AssertionError("port 7001 was open")
    except ConnectionRefusedError:
        pass
    p.terminate()
    expect(p.wait(20), 0)


def handshake__open_port__drawn_and_exit_0(work):
    with open(work + "/request", "w") as f:
        f.write("GET / HTTP/1.0\r\n\r\n")
    with Server(by_length(5000)):
        done = tercet("handshake", "--plain", "--send", work + "/request", "10.7.0.1:8080")
    expect_exit(done, 0)
    text = done.stdout.decode()
    for word in ("SYN-SENT", "ESTABLISHED", "SYN,ACK", "FIN"):
        expect(word in text, True)


def handshake__refused_or_filtered__exit_1(_):
    expect_exit(tercet("handshake", "--plain", "10.7.0.1:8081"), 1, "refused")
    expect_exit(tercet("handshake", "--plain", "--timeout", "2", "10.9.9.9:80"), 1, "no answer")


def stream_checks(work):
    run_checks([
        connect__both_ways__same_bytes, connect__we_close_first__peer_still_answers,
        connect__peer_closes_first__we_still_send, connect__peer_resets__exit_1,
        connect__refused_or_filtered__exit_1, listen__client_closes_first__both_whole,
        listen__client_resets__exit_1, listen__other_port__is_refused_by_us,
        handshake__open_port__drawn_and_exit_0, handshake__refused_or_filtered__exit_1], work)


def parallel_checks():
    run_checks([parallel__fifty_downloads__all_whole], None)


if __name__ == "__main__":
    sys.exit(globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:]))
