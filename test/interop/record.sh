#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --record on the verbs over TUN, then tercet replay: the same frames, also after kill -9; the same
# capture, byte for byte; damaged and foreign files refused.
. "$(dirname "$0")/lib.sh"

fetch() { # URL FILE: by the kernel's TCP
  python3 -c 'import sys, urllib.request as u; open(sys.argv[2], "wb").write(u.urlopen(sys.argv[1]).read())' "$@"
}
kernel_serves() { # DIR PORT
  (cd "$1" && exec python3 -m http.server "$2" --bind 0.0.0.0 >/dev/null 2>&1) &
  server=$!
}
replays() { # FILE [OPTIONS...]: to the same frames
  "$tercet" replay "$@" >"$work/replay.out" 2>&1 || { cat "$work/replay.out"; return 1; }
  grep -q 'the same frames' "$work/replay.out" || { cat "$work/replay.out"; return 1; }
}
exits() { # CODE COMMAND...
  local want=$1
  shift
  "$@" >"$work/exits.out" 2>&1
  local code=$?
  cat "$work/exits.out"
  [ $code = "$want" ] || { echo "exit code $code, not $want"; return 1; }
}

mkdir "$work/www"
make_file www/file 700000

start_serve "$work/www" --record "$work/serve.rec" --pcapng "$work/live.pcapng"
fetch http://10.7.0.2/file "$work/got4" && fetch 'http://[fd07::2]/file' "$work/got6" &&
  fetch http://10.7.0.2/ "$work/list"
check 'served files are right' cmp "$work/got6" "$work/www/file"
stop_serve >/dev/null
check 'serve replays' replays "$work/serve.rec" --pcapng "$work/again.pcapng"
check 'its capture is the same, byte for byte' cmp "$work/live.pcapng" "$work/again.pcapng"
check 'a recording is its owner'\''s alone' [ "$(stat -c %a "$work/serve.rec")" = 600 ]
check 'the last call can be left out' replays "$work/serve.rec" --until 40

kernel_serves "$work/www" 8000
"$tercet" get --dev tun:tct0 --addr 10.7.0.2/24 --record "$work/get.rec" -q -o "$work/got" \
  http://10.7.0.1:8000/file 2>"$work/get.err" ||
  { sleep 1; "$tercet" get --dev tun:tct0 --addr 10.7.0.2/24 --record "$work/get.rec" -q \
    -o "$work/got" http://10.7.0.1:8000/file 2>"$work/get.err"; }
kill $server
check 'what get fetched is right' cmp "$work/got" "$work/www/file"
check 'get replays' replays "$work/get.rec"

"$tercet" get --dev tun:tct0 --addr 10.7.0.2/24 --record "$work/refused.rec" -q \
  http://10.7.0.1:81/ 2>"$work/get.err"
check 'a refused connection replays' replays "$work/refused.rec"

echo hello >"$work/hello"
"$tercet" listen -q --dev tun:tct0 --addr 10.7.0.2/24 --record "$work/listen.rec" 7000 \
  <"$work/hello" >"$work/heard" 2>"$work/listen.err" &
listener=$!
has_device tct0 || sleep 0.3
python3 - <<'END' || true
import socket, time
for i in range(50):
    try:
        s = socket.create_connection(("10.7.0.2", 7000), 1)
        break
    except OSError:
        time.sleep(0.1)
s.sendall(b"from the kernel\n")
s.shutdown(socket.SHUT_WR)
while s.recv(100):
    pass
END
wait $listener
check 'listen heard' grep -q 'from the kernel' "$work/heard"
check 'listen replays' replays "$work/listen.rec"

# Killed while it sends: everything up to the last call is there.
make_file www/large 20000000
start_serve "$work/www" --record "$work/killed.rec"
fetch http://10.7.0.2/large "$work/got" 2>/dev/null &
fetcher=$!
sleep 0.4
kill -9 $served $fetcher
wait 2>/dev/null
check 'after kill -9 it replays' replays "$work/killed.rec"
check 'and says that it was cut' grep -qE 'not finished|ends inside' "$work/replay.out"

# Files that are no good recordings.
cp "$work/get.rec" "$work/bent.rec"
printf 'X' | dd of="$work/bent.rec" bs=1 seek=5000 conv=notrunc 2>/dev/null
check 'a damaged file is refused' exits 2 "$tercet" replay "$work/bent.rec"
check 'and the block is named' grep -q 'check sum' "$work/exits.out"
check 'a foreign file is refused' exits 2 "$tercet" replay "$work/www/file"
head -c 30000 "$work/get.rec" >"$work/short.rec"
check 'a file cut short replays as far as it goes' replays "$work/short.rec"
check 'a refused connection becomes a script' bash -c "'$tercet' replay -q --script '$work/r.pkt' '$work/refused.rec' &&
  '$tercet' drill '$work/r.pkt'"
check 'steps are told' "$tercet" replay --step --from 20 --until 40 "$work/get.rec"
check 'recording where nothing may be written fails at once' \
  exits 2 "$tercet" get --record /nowhere/x.rec http://10.7.0.1/
mkdir "$work/full" && mount -t tmpfs -o size=64k none "$work/full" && {
  "$tercet" get --dev tun:tct0 --addr 10.7.0.2/24 --record "$work/full/x.rec" -q \
    http://10.7.0.1:81/ 2>"$work/full.err"
  check 'a full disk is said' grep -q 'No space' "$work/full.err"
  umount "$work/full"
}
