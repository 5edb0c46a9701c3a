#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/own_protocol.c: the right server passes, the wrong one is caught, and by the same seed again.
#   test/sim/example.sh PROGRAM
set -u
check() { # NAME EXIT-CODE PATTERN ARGUMENTS...
  local name=$1 want=$2 pattern=$3 said code
  shift 3
  said=$("$program" "$@")
  code=$?
  if [ $code = "$want" ] && grep -q "$pattern" <<<"$said"; then
    echo "ok - $name"
  else
    echo "not ok - $name: exit code $code: $said"
  fi
}
program=$1
check right_server__passes 0 '200 bad networks: every answer right'
check wrong_server__is_right_on_a_good_network 1 'a good network: every answer right' --wrong
check wrong_server__is_caught 1 'is wrong' --wrong
check wrong_server__same_seed_again 1 'seed 1: answer' --wrong 1
