#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tercet serve against clients on the kernel's TCP: files, ranges, conditions, paths, pipelining,
# bad requests, resets, slow readers, many at a time, and an orderly end.
. "$(dirname "$0")/lib.sh"

peer serve-dir "$work/www"
make_file www/f20000000 20000000
start_serve "$work/www"
checks peer serve-checks

# SIGTERM in the middle of a download: it is finished, new clients are refused, then we leave.
peer slow-download /f20000000 20000000 >"$work/slow" 2>&1 &
slow=$!
wait_text "$work/slow" begun
check drain__sigterm__ends_in_good_order stop_serve
check drain__download_in_progress__is_finished wait $slow
check log__one_line_a_request grep -q '"GET /f1460"  200  1460 B' "$work/serve.log"
if is_left; then not_ok device__after_the_end__is_gone "it is there"; else ok device__after_the_end__is_gone; fi

# A client that never reads can't hold us longer than --drain says.
start_serve "$work/www" --drain 1 --json
peer stuck-download /f20000000 20 >"$work/stuck" 2>&1 &
stuck=$!
wait_text "$work/stuck" begun
sleep 0.2
check drain__client_that_never_reads__ends_in_good_order stop_serve
wait $stuck
check drain__client_that_never_reads__is_reset grep -q reset "$work/stuck"
check log__json__names_its_schema grep -q '"schema":"tercet.requests"' "$work/serve.log"

# A file that becomes shorter while it is sent: its bytes are lent as they are mapped, to the kernel
# or, where a capture looks at them, to this process.
shrink() { # NAME [OPTIONS...]
  local name=$1 getting
  shift
  cp "$work/www/f20000000" "$work/www/shrinks"
  rm -f "$work/shrunk"
  start_serve "$work/www" "$@"
  curl -s -m 30 --limit-rate 4M -o "$work/shrunk" http://10.7.0.2/shrinks &
  getting=$!
  for ((i = 0; i < 100; i++)); do
    [ -s "$work/shrunk" ] && break
    sleep 0.05
  done
  truncate -s 5000 "$work/www/shrinks"
  if wait $getting; then not_ok "shrinks__${name}__answer_is_broken_off" whole; else ok "shrinks__${name}__answer_is_broken_off"; fi
  check "shrinks__${name}__others_are_served" curl -sf -m 10 -o "$work/got" http://10.7.0.2/f1460
  check "shrinks__${name}__ends_in_good_order" stop_serve
}
shrink lent
shrink captured --pcapng "$work/shrinks.pcapng"

# All of the answer is lent and waits when the file becomes shorter: no zeros in place of what is gone,
# and no client that waits for them. 17000: in the last page that is left nothing would signal it.
waits() { # NAME [OPTIONS...]
  local name=$1 to
  shift
  start_serve "$work/www" "$@"
  for to in 5000 17000; do
    make_file www/waits 18000
    check "shrinks_to_${to}__${name}__no_zeros" peer shrunk-answer /waits "$work/www/waits" 18000 $to
    make_file www/waits 18000
    check "shrinks_to_${to}__${name}_others_asked_for_behind__no_zeros" \
      peer shrunk-answer /waits "$work/www/waits" 18000 $to /f1460 /f1
  done
  check "shrinks__${name}_while_it_waits__ends_in_good_order" stop_serve
}
waits lent
waits captured --pcapng "$work/waits.pcapng"
[ "$DEV" = xdp ] || waits without_offload --no-offload
