#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Hours in small: tercet and the kernel's TCP talk in both roles until SOAK_SECONDS (20) are over:
# bytes verified, RSS flat, and kill -9 of either side leaves nothing behind. `make soak MINUTES=n`.
. "$(dirname "$0")/lib.sh"
need curl nginx pkill
checks /usr/bin/env python3 "$here/soak.py" "$tercet" "$work" "${SOAK_SECONDS:-20}"

# Neither we nor what was killed left a network namespace to any process here.
namespaces() { readlink /proc/[0-9]*/ns/net | sort -u | wc -l; }
if [ "$(namespaces)" = 1 ]; then ok soak__namespaces__only_our_own; else not_ok soak__namespaces__only_our_own "$(namespaces)"; fi
