#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The device's MTU from the smallest to the largest, and the STRICT profile: whole files both ways.
. "$(dirname "$0")/lib.sh"
export TERCET=$tercet

mkdir "$work/www"
make_file www/f1000000 1000000
for options in '--mtu 576' '--mtu 1280' '--mtu 9000' '--mtu 65535' '--profile strict'; do
  name=${options#--}
  name=${name// /_}
  # shellcheck disable=SC2086 # options are words
  "$tercet" serve --dev tun:tct0 --addr 10.7.0.2/24 $options "$work/www" \
    >"$work/serve.log" 2>"$work/serve.err" &
  served=$!
  wait_text "$work/serve.err" '^tercet serves'
  check "${name}__serve__same_bytes" peer same f1000000 1000000 10.7.0.2
  check "${name}__serve__ends_in_good_order" stop_serve
  # shellcheck disable=SC2086
  check "${name}__get__same_bytes" peer fetch-with "$work" 1000000 $options
done
