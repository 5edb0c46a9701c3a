#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The programs of examples/ do what their first comment says.
. "$(dirname "$0")/lib.sh"

check embed__two_stacks_in_one_process__talk bash -c \
  "'$build/examples/example_embed' | grep -q 'the client read: hello'"

"$build/examples/example_echo" >"$work/echo.out" 2>&1 &
echo_server=$!
wait_text "$work/echo.out" 'echo at 10.7.0.2' || not_ok echo__starts "$(cat "$work/echo.out")"
check echo__3_MB_from_the_kernel__come_back peer echo-client 10.7.0.2 7 3000000
kill $echo_server
wait $echo_server 2>/dev/null

peer hello-server 80 >"$work/hello.out" &
hello=$!
wait_text "$work/hello.out" ready
check fetch__from_the_kernel__prints_the_page bash -c \
  "'$build/examples/example_fetch' | grep -q 'hello from the kernel'"
check fetch__wrong_address__exit_2 bash -c "'$build/examples/example_fetch' nonsense; [ \$? = 2 ]"
kill $hello
