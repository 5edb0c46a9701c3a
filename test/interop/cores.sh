#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Several stacks on one device (serve --cores): every download is whole, connections that were idle
# for longer than the kernel remembers their queue go on, and nothing is reset.
. "$(dirname "$0")/lib.sh"
need curl wrk

mkdir "$work/www" && head -c 3000000 /dev/urandom >"$work/www/file" && head -c 1000 "$work/www/file" >"$work/www/k"
downloads() { # ADDRESS
  for _ in $(seq 12); do
    curl -sSf -g -m 20 "http://$1/file" | cmp - "$work/www/file" || return 1
  done
}
idle() { # COUNT SECONDS: that many connections, one request, silence, one request
  /usr/bin/env python3 - "$1" "$2" <<'PY'
import socket, sys, time
def ask(s):
    s.sendall(b"GET /k HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < 1000:
        piece = s.recv(4096)
        if not piece:
            raise OSError("closed early")
        got += piece
many = [socket.create_connection(("10.7.0.2", 80), timeout=10) for _ in range(int(sys.argv[1]))]
for s in many:
    ask(s)
time.sleep(float(sys.argv[2]))
for s in many:
    ask(s)
PY
}
no_errors() { # FILE of wrk
  grep -q 'Requests/sec' "$1" && ! grep -qE 'Socket errors|Non-2xx' "$1"
}

start_serve "$work/www" --cores 3
check cores__three__downloads_over_ipv4_are_whole downloads 10.7.0.2
check cores__three__downloads_over_ipv6_are_whole downloads '[fd07::2]'
wrk -t1 -c64 -d2 http://10.7.0.2/k >"$work/wrk" 2>&1
check cores__three__many_short_requests_without_an_error no_errors "$work/wrk"
check cores__three__idle_for_ten_seconds__go_on idle 60 10.5
check cores__three__end_in_good_order stop_serve
check cores__frames_for_other_cores__were_handed_on grep -qE '[1-9][0-9]* frames were handed' "$work/serve.err"

# Ended at once in the middle of answers: what is mapped belongs to a thread, and goes with it. The
# stacks of more threads than the C library keeps are given back when they end.
peer make "$work/www/large" 20000000
start_serve "$work/www" --cores 16
peer stuck-downloads /large 64 >"$work/stuck" 2>&1 &
stuck=$!
wait_text "$work/stuck" begun
sleep 0.5
kill -TERM "$served"; kill -INT "$served"; kill -HUP "$served"
check cores__sixteen__ended_at_once_amid_answers__in_good_order stop_serve
kill $stuck
check cores__with_a_capture__is_refused bash -c \
  "'$tercet' serve --dev tun:tct0 --addr 10.7.0.2/24 --cores 2 --pcapng '$work/x' '$work/www' 2>&1 | grep -q 'one stack'"
if has_device tct0; then not_ok cores__after_the_end__no_device "tct0 is there"; else ok cores__after_the_end__no_device; fi
