#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What goes over the wire, judged by tshark: no malformed packet and no wrong checksum, in the
# captures that we write and in those that the kernel's side writes of the same traffic.
. "$(dirname "$0")/lib.sh"
need curl tshark dumpcap

mkdir "$work/www"
for n in 1 1460 3000000; do make_file "www/f$n" "$n"; done

clean() { # FILE: tshark finds nothing wrong, and there is something to judge
  local n bad
  n=$(tshark -n -r "$1" 2>/dev/null | wc -l)
  [ "$n" -gt 50 ] || { echo "only $n packets in it"; return 1; }
  bad=$(tshark -n -r "$1" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
    -o udp.check_checksum:TRUE -o icmp.check_checksum:TRUE -o icmpv6.check_checksum:TRUE \
    -Y '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" ||
        icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad" || tcp.option.len.invalid' \
    2>/dev/null)
  [ -z "$bad" ] || { head -n 3 <<<"$bad"; return 1; }
}
# [RFC9293 SHLD-13] [RFC9293 SHLD-23]
plain() { # FILE: we send no urgent data, and one Diffserv value all along
  local odd
  odd=$(tshark -n -r "$1" -Y '(ip.src == 10.7.0.2 || ipv6.src == fd07::2) && tcp && !icmp && !icmpv6 &&
    (tcp.flags.urg == 1 || ip.dsfield.dscp > 0 || ipv6.tclass.dscp > 0)' 2>/dev/null)
  [ -z "$odd" ] || { head -n 3 <<<"$odd"; return 1; }
}
# The kernel's own packets count, too: TUN offers no offload, so it must complete its checksums.

capture() { # NAME: starts dumpcap on tct0; the device is there
  dumpcap -q -i tct0 -w "$work/$1.kernel.pcapng" 2>"$work/dumpcap.err" &
  dumper=$!
  wait_text "$work/dumpcap.err" 'File:' || sleep 1
}
end_capture() {
  sleep 0.5
  kill -INT "$dumper" 2>/dev/null
  wait "$dumper" 2>/dev/null
}

start_serve "$work/www" --pcapng "$work/serve.pcapng"
capture serve
for n in 1 1460 3000000; do
  curl -sSf -m 30 -o /dev/null "http://10.7.0.2/f$n"
  curl -sSf -m 30 -g -o /dev/null "http://[fd07::2]/f$n"
done
curl -s -m 30 -o /dev/null http://10.7.0.2:81/                # refused
ping -c 2 -q 10.7.0.2 >/dev/null 2>&1                         # echo
ping -c 2 -q fd07::2 >/dev/null 2>&1
curl -s --limit-rate 500k -m 1 -o /dev/null http://10.7.0.2/f3000000   # cut off in the middle
end_capture
check serve__with_pcapng__ends_in_good_order stop_serve
check capture__ours_of_serve__nothing_wrong clean "$work/serve.pcapng"
check capture__kernels_of_serve__nothing_wrong clean "$work/serve.kernel.pcapng"
check capture__ours_of_serve__not_urgent_and_one_dscp plain "$work/serve.pcapng"

comments=$(tshark -n -r "$work/serve.pcapng" -T fields -e frame.comment 2>/dev/null | sort | uniq -c | sort -rn)
for word in "answering the SYN" "new data" "nobody listens"; do
  check "capture__comment_${word// /_}__is_there" grep -q "$word" <<<"$comments"
done

"$tercet" listen -d --dev tun:tct0 --addr 10.7.0.2/24 --pcapng "$work/listen.pcapng" 7000 \
  >"$work/received" 2>"$work/listen.err" &
listener=$!
wait_text "$work/listen.err" listening
capture listen
peer pour 10.7.0.2 7000 3000000
wait $listener
end_capture
check capture__ours_of_listen__nothing_wrong clean "$work/listen.pcapng"
check capture__kernels_of_listen__nothing_wrong clean "$work/listen.kernel.pcapng"
