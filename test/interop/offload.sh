#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Segmentation and checksum offload of the TUN device, both ways and both families: the same bytes
# arrive with it and without, it is really used, and a capture shows what would be on a wire.
. "$(dirname "$0")/lib.sh"
need curl nginx tshark

bytes=60000000
mkdir "$work/www" && head -c $bytes /dev/urandom >"$work/www/file"
cat >"$work/nginx.conf" <<CONF
error_log $work/nginx.err; pid $work/nginx.pid; worker_processes 1; daemon on; user root;
events { worker_connections 64; }
http { access_log off; sendfile on;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 0.0.0.0:80; listen [::]:80; root $work/www; } }
CONF
same() { cmp -s "$1" "$work/www/file"; }
written() { awk '$1 == "tct0:" { print $3 }' /proc/net/dev; } # packets that we gave the kernel, as it counts
down() { curl -sSf -g -m 60 -o "$work/got" "http://$1/file" && same "$work/got"; }
up() { # ADDRESS [OPTION...]
  local from=$1
  shift
  "$tercet" get --dev tun:tct0 --addr 10.7.0.2/24 --addr fd07::2/64 "$@" -o "$work/got" "http://$from/file" &&
    same "$work/got"
}
between() { [ "$1" -lt "$2" ] && [ "$2" -lt "$3" ] || { echo "$2 is not between $1 and $3"; return 1; }; }

for how in with without; do
  option=()
  [ $how = with ] || option=(--no-offload)
  start_serve "$work/www" "${option[@]}"
  check "offload__${how}_it_serve_to_curl_ipv4__same_bytes" down 10.7.0.2
  packets=$(written)
  check "offload__${how}_it_serve_to_curl_ipv6__same_bytes" down '[fd07::2]'
  packets=$(($(written) - packets))
  stop_serve >/dev/null 2>&1
  case $how in
  with) check offload__with_it__few_packets_carry_much between $((bytes / 65536)) $packets $((bytes / 6000)) ;;
  *) check offload__without_it__each_segment_is_a_packet between $((bytes / 1500)) $packets $bytes ;;
  esac
  nginx -c "$work/nginx.conf" 2>/dev/null
  check "offload__${how}_it_nginx_to_get_ipv4__same_bytes" up 10.7.0.1 "${option[@]}"
  check "offload__${how}_it_nginx_to_get_ipv6__same_bytes" up '[fd07::1]' "${option[@]}"
  check "offload__${how}_it_spinning__same_bytes" up 10.7.0.1 --spin 50 "${option[@]}"
  nginx -c "$work/nginx.conf" -s stop 2>/dev/null
  sleep 0.2
done

# What the capture says must be what a wire would carry: whole checksums, nothing over the MTU.
on_a_wire() { # FILE
  local bad n
  n=$(tshark -r "$1" 2>/dev/null | wc -l)
  bad=$(tshark -r "$1" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE \
    -Y 'frame.len > 1500 or tcp.checksum.status == 0 or ip.checksum.status == 0' 2>/dev/null | wc -l)
  [ "$n" -gt 500 ] && [ "$bad" = 0 ] || { echo "$bad of $n packets"; return 1; }
}
head -c 1000000 "$work/www/file" >"$work/www/small"
start_serve "$work/www" --pcapng "$work/out.pcapng"
curl -sSf -m 60 -o /dev/null http://10.7.0.2/small
stop_serve >/dev/null 2>&1
check offload__capture_of_what_we_send__is_what_a_wire_carries on_a_wire "$work/out.pcapng"
nginx -c "$work/nginx.conf" 2>/dev/null
"$tercet" get --dev tun:tct0 --addr 10.7.0.2/24 --pcapng "$work/in.pcapng" -o /dev/null http://10.7.0.1/small 2>/dev/null
check offload__capture_of_what_we_get__is_what_a_wire_carries on_a_wire "$work/in.pcapng"
nginx -c "$work/nginx.conf" -s stop 2>/dev/null
