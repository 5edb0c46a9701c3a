#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How fast, in one run: curl from tercet serve and tercet get from nginx through TUN at MTU 1500 with
# and without offload, beside curl from nginx over veth (kernel to kernel) with and without. It
# reports; the goals are judged by a reader of docs/performance.md. SPEED_MB is the file's size, 400.
. "$(dirname "$0")/lib.sh"
need curl nginx ip ethtool

mb=${SPEED_MB:-400}
mount -t tmpfs none "$work" || skip_all "no tmpfs can be mounted"
mkdir "$work/www" && head -c "${mb}000000" /dev/zero >"$work/www/file"

# Best of three, GB/s with two decimals.
best() { # COMMAND... prints bytes per second
  local r top=0
  for _ in 1 2 3; do
    r=$("$@") || return 1
    [ "${r%.*}" -gt "$top" ] && top=${r%.*}
  done
  echo "$((top / 1000000000)).$(printf '%02d' $((top / 10000000 % 100)))"
}
by_curl() { curl -sSf -g -m 60 -o /dev/null -w '%{speed_download}' "http://$1/file"; }
by_get() {
  local s
  s=$("$tercet" get --dev tun:tct0 --addr 10.7.0.2/24 "$@" -o /dev/null http://10.7.0.1/file 2>&1) || {
    echo "$s" >&2
    return 1
  }
  sed -n 's/.* bytes in \([0-9.]*\) s/\1/p' <<<"$s" | awk -v b="${mb}000000" '{ printf "%d", b / $1 }'
}
measured() { # NAME GB/S: speed is told, not judged: a test that can fail by a busy neighbour is none
  if awk -v got="${2:-0}" 'BEGIN { exit !(got > 0) }'; then
    ok "$1"
  else
    not_ok "$1" "no figure: a transfer failed"
  fi
}
nginx_conf() { # FILE
  cat >"$1" <<CONF
error_log $work/nginx.err; pid $1.pid; worker_processes 1; daemon on; user root;
events { worker_connections 256; }
http { access_log off; sendfile on;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 0.0.0.0:80; root $work/www; } }
CONF
}

start_serve "$work/www"
fast4=$(best by_curl 10.7.0.2)
fast6=$(best by_curl '[fd07::2]')
check serve__after_the_runs__ends_in_good_order stop_serve
start_serve "$work/www" --no-offload
down4=$(best by_curl 10.7.0.2)
down6=$(best by_curl '[fd07::2]')
check serve__after_the_plain_runs__ends_in_good_order stop_serve
nginx_conf "$work/a.conf"
nginx -c "$work/a.conf"
fast_up=$(best by_get)
up=$(best by_get --no-offload)
# The kernel on both sides: nginx in a second namespace, over a veth pair.
unshare --net sleep 1000 &
other=$!
sleep 0.2
ip link add v0 type veth peer name v1 netns $other
ip addr add 10.8.0.1/24 dev v0 && ip link set v0 up
nsenter -t $other -n sh -c 'ip addr add 10.8.0.2/24 dev v1; ip link set v1 up; ip link set lo up'
nginx_conf "$work/b.conf"
nsenter -t $other -n nginx -c "$work/b.conf"
veth=$(best by_curl 10.8.0.2)
ethtool -K v0 tso off gso off gro off >/dev/null 2>&1
nsenter -t $other -n ethtool -K v1 tso off gso off gro off >/dev/null 2>&1
plain=$(best by_curl 10.8.0.2)
measured speed__serve_to_curl_ipv4__measured "$fast4"
measured speed__serve_to_curl_ipv6__measured "$fast6"
measured speed__nginx_to_get__measured "$fast_up"
measured speed__plain_serve_to_curl_ipv4__measured "$down4"
measured speed__plain_serve_to_curl_ipv6__measured "$down6"
measured speed__plain_nginx_to_get__measured "$up"
echo "# ${mb} MB, MTU 1500, GB/s, with offloads and without; nginx's kernel sends by $(cat /proc/sys/net/ipv4/tcp_congestion_control):"
echo "#   tercet serve -> curl over TUN, IPv4    $fast4  $down4"
echo "#   tercet serve -> curl over TUN, IPv6    $fast6  $down6"
echo "#   nginx -> tercet get over TUN, IPv4     $fast_up  $up"
echo "#   nginx -> curl over veth                $veth  $plain"
