#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The loops of soak.sh: tercet on one side, Linux's own TCP on the other, both roles, until the time
is over; every byte is compared, RSS is sampled, processes are killed at random moments. Prints TAP
lines. Runs in a network namespace of its own.

  soak.py TERCET WORK SECONDS [SEED]
"""
import hashlib
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

TERCET, WORK, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else int.from_bytes(os.urandom(4), "little")
SIZES = (1, 1460, 65536, 1000003, 8000000)
SLACK_KIB = 4096  # buffers come and go
END = time.monotonic() + SECONDS

BYTES = {n: random.Random(n).randbytes(n) for n in SIZES}
HASH = {n: hashlib.sha256(b).digest() for n, b in BYTES.items()}
faults, counts, lock = [], {}, threading.Lock()


def fault(loop, what):
    with lock:
        faults.append(f"{loop}: {what}")


def count(what, n=1):
    with lock:
        counts[what] = counts.get(what, 0) + n


def say(name, why=""):
    print(f"not ok - {name}: {why}" if why else f"ok - {name}", flush=True)


# ---- Processes -----------------------------------------------------------------------------------

def has_device(name):
    with open("/proc/net/dev", encoding="ascii") as f:
        return any(line.strip().startswith(name + ":") for line in f)


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def run(command, stdin=b"", timeout=60):
    """Returns exit code, output."""
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    stop = threading.Timer(timeout, p.kill)
    stop.start()

    def feed():
        try:
            p.stdin.write(stdin)
            p.stdin.close()
        except OSError:
            pass
    feeder = threading.Thread(target=feed)
    feeder.start()
    out = p.stdout.read()
    p.wait()
    stop.cancel()
    feeder.join()
    p.stdout.close()
    return p.returncode, out


class Server:
    """A tercet that lives long: `serve`, `listen -d -k`, or one `connect`."""

    def __init__(self, name, net, *words, pipes=False):
        self.name, self.samples = name, []
        self.device = f"soak{net}"
        self.log = os.path.join(WORK, f"{name}.err")
        with open(self.log, "wb") as err:
            self.p = subprocess.Popen(
                [TERCET, words[0], "--dev", f"tun:{self.device}", "--addr", f"10.{net}.0.2/24",
                 "--addr", f"fd{net:02}::2/64", *words[1:]],
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else err, stderr=err)

    def wait_ready(self, net, port, seconds=15):
        """Until the kernel's TCP reaches it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                socket.create_connection((f"10.{net}.0.2", port), timeout=2).close()
                return True
            except OSError:
                if self.p.poll() is not None:
                    return False
                time.sleep(0.02)
        return False

    def sample(self):
        try:
            self.samples.append(rss_kib(self.p.pid))
        except OSError:
            fault("serve" if self.name == "listen" else self.name, f"{self.name} has ended")

    def fds(self):
        return len(os.listdir(f"/proc/{self.p.pid}/fd"))

    def judge_rss(self):
        """Flat: the last third stays where the second one was."""
        third = len(self.samples) // 3
        if third < 3:
            return f"only {len(self.samples)} samples"
        before = statistics.median(self.samples[third:2 * third])
        after = statistics.median(self.samples[2 * third:])
        print(f"# {self.name}: RSS of the second third {before:.0f} KiB, of the last {after:.0f}, "
              f"peak {max(self.samples)}, {len(self.samples)} samples")
        return "" if after <= before + SLACK_KIB else f"grew from {before} to {after} KiB"


def told(server):
    with open(server.log, encoding="utf-8", errors="replace") as f:
        return " ".join(f.read().split()[-30:])


def address(net, six):
    return f"[fd{net:02}::2]" if six else f"10.{net}.0.2"


# ---- The loops -----------------------------------------------------------------------------------

def curl_loop(draw):
    """serve, and now and then a peer that dies in the middle."""
    n = draw.choice(SIZES)
    url = f"http://{address(71, draw.random() < 0.5)}/f{n}"
    if draw.random() < 0.2:
        run(["curl", "-sg", "-o", "/dev/null", "--limit-rate", "2M", url], timeout=draw.random() / 2)
        count("curls killed at random")
        return ""
    code, out = run(["curl", "-sSfg", "-m", "50", url])
    count("curl from serve: bytes", len(out))
    count("curl from serve")
    return "" if code == 0 and hashlib.sha256(out).digest() == HASH[n] else f"{url}: exit {code}"


def get_loop(draw):
    n, six = draw.choice(SIZES), draw.random() < 0.5
    host = "[fd72::1]:8080" if six else "10.72.0.1:8080"
    code, out = run([TERCET, "get", "-q", "--dev", "tun:soak72", "--addr", "10.72.0.2/24",
                           "--addr", "fd72::2/64", f"http://{host}/f{n}"])
    count("get from nginx: bytes", len(out))
    count("get from nginx")
    if has_device("soak72"):
        return "get left its device behind"
    return "" if code == 0 and hashlib.sha256(out).digest() == HASH[n] else f"f{n}: exit {code}"


def echo_server(port):
    def serve(c):
        try:
            while data := c.recv(65536):
                c.sendall(data)
            c.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        c.close()
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()


def connect_loop(draw):
    n, six = draw.choice(SIZES), draw.random() < 0.5
    code, out = run([TERCET, "connect", "-q", "--dev", "tun:soak73", "--addr", "10.73.0.2/24",
                           "--addr", "fd73::2/64", "fd73::1" if six else "10.73.0.1", "7"], BYTES[n])
    count("connect to an echo: bytes", 2 * len(out))
    count("connect to an echo")
    return "" if code == 0 and out == BYTES[n] else f"{n} bytes: exit {code}, {len(out)} came back"


def listen_loop(draw, sent):
    n, six = draw.choice(SIZES), draw.random() < 0.5
    with socket.create_connection(("fd74::2" if six else "10.74.0.2", 7000), timeout=30) as s:
        s.sendall(BYTES[n])
        s.shutdown(socket.SHUT_WR)
        if s.recv(1) != b"":
            return "listen said something"
    sent.update(BYTES[n])
    count("to listen: bytes", n)
    count("to listen")
    return ""


def crash_serve(draw):
    """kill -9 of serve under load: its device goes, and the same name, address and port come back."""
    s = Server("crash", 75, "serve", "-q", os.path.join(WORK, "www"))
    if not s.wait_ready(75, 80):
        s.p.kill()
        return "serve did not come up after kill -9"
    curls = [subprocess.Popen(["curl", "-sg", "-m", "30", "-o", "/dev/null",
                               f"http://{address(75, i % 2 == 1)}/f8000000"]) for i in range(3)]
    time.sleep(draw.random() * 0.5)
    s.p.send_signal(signal.SIGKILL)
    s.p.wait()
    gone = not has_device("soak75")
    for c in curls:
        c.kill()
        c.wait()
    count("serves killed at random")
    return "" if gone else "the device outlived kill -9"


def crash_get(draw, nginx):
    """kill -9 of nginx's worker: get says so and leaves no file; then of get itself."""
    path = os.path.join(WORK, "crash-got")
    p = subprocess.Popen([TERCET, "get", "-q", "--dev", "tun:soak76", "--addr", "10.76.0.2/24",
                          "-o", path, "http://10.76.0.1:8081/f8000000"],
                         stderr=subprocess.DEVNULL)
    time.sleep(draw.random() * 1.5)
    ours = draw.random() < 0.5
    if ours:
        p.kill()
    else:
        subprocess.run(["pkill", "-9", "-P", str(nginx.pid)], check=False)
    try:
        code = p.wait(timeout=45)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()
        return "get did not end when its peer was killed"
    count("gets killed at random" if ours else "nginx workers killed at random")
    whole = os.path.exists(path)
    if whole and os.path.getsize(path) != 8000000:
        return "half a file"
    if whole:
        os.unlink(path)
    if code == 0 and not whole:
        return "exit 0 without a file"
    return "the device outlived its get" if has_device("soak76") else ""


def go(name, loop, *args):
    draw = random.Random(f"{SEED} {name}")

    def work():
        while time.monotonic() < END:
            try:
                why = loop(draw, *args)
            except (OSError, ValueError) as e:
                why = repr(e)
            if why:
                fault(name, why)
                time.sleep(0.2)
    t = threading.Thread(target=work)
    t.start()
    return t


# ---- All together --------------------------------------------------------------------------------

def start_nginx(name, port):
    conf = os.path.join(WORK, f"{name}.conf")
    temp = " ".join(f"{what}_temp_path {WORK}/{name}-{what};"
                    for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"error_log {WORK}/{name}.err; pid {WORK}/{name}.pid; worker_processes 1; daemon off;"
                f" user root; events {{ worker_connections 256; }}\n"
                f"http {{ access_log off; {temp} server {{ listen 0.0.0.0:{port}; listen [::]:{port};"
                f" root {WORK}/www; }} }}\n")
    return subprocess.Popen(["nginx", "-c", conf], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def read_from(server, got):
    def read():
        while data := server.p.stdout.read1(1 << 16):
            got.update(data)
    t = threading.Thread(target=read)
    t.start()
    return t


def write_to(server, sent):
    """One connection as long as the soak: some MB a second to the kernel's echo and back."""
    def write():
        try:
            for n in range(1 << 62):
                if time.monotonic() >= END:
                    break
                piece = BYTES[8000000][n * 65536 % 7900000:][:65536]
                server.p.stdin.write(piece)
                sent.update(piece)
                count("through one connection: bytes", len(piece))
                time.sleep(0.01)
            server.p.stdin.close()
        except OSError as e:
            fault("stream", repr(e))
    t = threading.Thread(target=write)
    t.start()
    return t


def established(net):
    """The kernel's connections to 10.NET.0.2 and fdNET::2 that are neither closed nor waiting."""
    four = f"{2 << 24 | net << 8 | 10:08X}"
    six = f"{int.from_bytes(bytes([0xfd, int(str(net), 16), 0, 0]), 'little'):08X}"
    left = 0
    for file, start in (("/proc/net/tcp", four), ("/proc/net/tcp6", six)):
        with open(file, encoding="ascii") as f:
            left += sum(line.split()[2].startswith(start) and line.split()[3] == "01"
                        for line in f.readlines()[1:])
    return left


def judge_loops():
    names = ("curl", "get", "connect", "listen", "crash_serve", "crash_get", "stream",
             "serve")
    for name in names:
        mine = [f for f in faults if f.startswith(name + ":")]
        say(f"soak_{name}__all_rounds__as_expected",
            f"{len(mine)} times, first {mine[0]}" if mine else "")
    for what, n in sorted(counts.items()):
        print(f"# {what} {n}")


def judge_end(serve, fds):
    """Nothing is left: descriptors, connections, device; and SIGTERM has nothing to wait for."""
    time.sleep(2)
    late = time.monotonic() + 20  # a map keeps its file's descriptor for ten seconds
    while serve.fds() > fds and time.monotonic() < late:
        time.sleep(0.5)
    say("soak_serve__idle_again__same_descriptors",
        "" if serve.fds() <= fds else f"{fds} before, {serve.fds()} now")
    say("soak_serve__idle_again__no_connection",
        "" if established(71) == 0 else f"{established(71)} in the kernel's table")
    began = time.monotonic()
    serve.p.terminate()
    try:
        code = serve.p.wait(timeout=30)
    except subprocess.TimeoutExpired:
        serve.p.kill()
        code = "none, killed"
    took = time.monotonic() - began
    say("soak_serve__sigterm_when_idle__ends_at_once",
        "" if code == 0 and took < 3 else f"exit code {code} after {took:.1f} s of a drain of 10")


def main():
    print(f"# soak of {SECONDS:.0f} s, seed {SEED}", flush=True)
    os.mkdir(os.path.join(WORK, "www"))
    for n in SIZES:
        with open(os.path.join(WORK, "www", f"f{n}"), "wb") as f:
            f.write(BYTES[n])
    nginx, victim = start_nginx("nginx", 8080), start_nginx("victim", 8081)
    threading.Thread(target=echo_server, args=(7,), daemon=True).start()
    serve = Server("serve", 71, "serve", "--drain", "10", "-q", os.path.join(WORK, "www"))
    listen = Server("listen", 74, "listen", "-d", "-k", "-q", "7000", pipes=True)
    stream = Server("stream", 77, "connect", "-q", "10.77.0.1", "7", pipes=True)
    sent, got, there, back = (hashlib.sha256() for _ in range(4))
    reader, echoes = read_from(listen, got), read_from(stream, back)
    ready = serve.wait_ready(71, 80) and listen.wait_ready(74, 7000)
    say("soak__servers__come_up", "" if ready else told(serve) + told(listen))
    if not ready:
        return
    fds = serve.fds()
    threads = [go("curl", curl_loop), go("curl", curl_loop), go("get", get_loop),
               go("connect", connect_loop), go("listen", listen_loop, sent),
               go("crash_serve", crash_serve), go("crash_get", crash_get, victim), write_to(stream, there)]
    while any(t.is_alive() for t in threads):
        time.sleep(0.25)
        if time.monotonic() < END:
            serve.sample()
            listen.sample()
            stream.sample()
    judge_loops()
    for s in (serve, listen, stream):
        say(f"soak_{s.name}__rss__flat", s.judge_rss())
    echoes.join()
    say("soak_stream__one_connection__same_hash_and_exit_0",
        "" if stream.p.wait() == 0 and there.digest() == back.digest() else "not so")
    judge_end(serve, fds)
    listen.p.terminate()
    listen.p.wait()
    reader.join()
    say("soak_listen__all_bytes__same_hash",
        "" if sent.digest() == got.digest() else "the hashes differ")
    left = [d for d in ("soak71", "soak72", "soak73", "soak74", "soak75", "soak76", "soak77") if has_device(d)]
    say("soak__devices__all_gone", " ".join(left))
    for p in (nginx, victim):
        p.terminate()
        p.wait()


try:
    main()
except BaseException as wrong:  # pylint: disable=broad-except
    say("soak__itself__runs", repr(wrong))
finally:
    sys.stdout.flush()
    os._exit(0)  # threads that still wait; processes go with the namespace
