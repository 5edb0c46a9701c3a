#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Large and many: curl from tercet serve and tercet get from nginx, 1 B to 100 MB, both families,
# equal hashes; 50 parallel downloads; wrk and ab for ten seconds without a failed request.
. "$(dirname "$0")/lib.sh"
need curl nginx wrk ab

sizes="1 1460 1000000 100000000"
mkdir "$work/www"
for n in $sizes; do make_file "www/f$n" "$n"; done
hash_of() { sha256sum <"$1" | cut -d' ' -f1; }
same() { # FILE SIZE
  [ "$(hash_of "$1")" = "$(hash_of "$work/www/f$2")" ] || { echo "the hashes differ"; return 1; }
}

start_serve "$work/www"
curl_same() { # HOST SIZE
  curl -sSf -m 60 -g -o "$work/got" "http://$1/f$2" && same "$work/got" "$2"
}
for n in $sizes; do
  check "curl__ipv4_${n}_bytes__same_hash" curl_same 10.7.0.2 "$n"
  check "curl__ipv6_${n}_bytes__same_hash" curl_same '[fd07::2]' "$n"
done

parallel() {
  local urls=() i
  mkdir -p "$work/many"
  for i in $(seq 50); do urls+=(-o "$work/many/$i" "http://10.7.0.2/f1000000?$i"); done
  curl -sSf -m 60 -Z --parallel-max 50 "${urls[@]}" || return 1
  for i in $(seq 50); do same "$work/many/$i" 1000000 || return 1; done
}
check curl__50_parallel__same_hashes parallel

load_wrk() { # CONNECTIONS PATH
  local said
  said=$(wrk -t 2 -c "$1" -d 10 "http://10.7.0.2/$2" 2>&1) || { echo "$said"; return 1; }
  echo "# wrk, $1 connections, $2: $(grep -E 'Requests/sec' <<<"$said" | tr -s ' ')" >&3
  if grep -qE 'Socket errors|Non-2xx' <<<"$said"; then echo "$said"; return 1; fi
}
load_ab() {
  local said
  said=$(ab -q -t 10 -n 1000000 -c 32 http://10.7.0.2/f1460 2>&1) || { echo "$said"; return 1; }
  echo "# ab, 32 connections, one request each: $(grep 'Requests per second' <<<"$said" | tr -s ' ')" >&3
  grep -qE '^Failed requests: +0$' <<<"$said" || { echo "$said"; return 1; }
}
exec 3>&1
(ulimit -n 20000; peer many-idle 3000) >"$work/many.out" 2>&1 &
many=$!
peer half-request 40 >"$work/half" 2>&1 &
half=$!
check serve__3000_connections_at_once__all_answered wait $many
check serve__half_a_request__is_told_so_in_time wait $half
check wrk__64_connections_10_s__nothing_failed load_wrk 64 f1460
check ab__new_connection_each_10_s__nothing_failed load_ab
check serve__after_the_load__ends_in_good_order stop_serve

# tercet get from nginx, on the kernel's end.
cat >"$work/nginx.conf" <<CONF
error_log $work/nginx.err; pid $work/nginx.pid; worker_processes 1; daemon on; user root;
events { worker_connections 256; }
http { access_log off; sendfile on;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 0.0.0.0:80; listen [::]:80; root $work/www; } }
CONF
nginx -c "$work/nginx.conf" || { not_ok nginx "could not be started"; exit 1; }
get_same() { # HOST SIZE
  "$tercet" get -q --dev tun:tct0 --addr 10.7.0.2/24 --addr fd07::2/64 -o "$work/got" "http://$1/f$2" &&
    same "$work/got" "$2"
}
for n in $sizes; do
  check "get__nginx_ipv4_${n}_bytes__same_hash" get_same 10.7.0.1 "$n"
  check "get__nginx_ipv6_${n}_bytes__same_hash" get_same '[fd07::1]' "$n"
done
