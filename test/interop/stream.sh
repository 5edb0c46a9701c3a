#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tercet connect, listen and handshake against the kernel: both closing orders, half-close, resets,
# refused and filtered ports.
. "$(dirname "$0")/lib.sh"
export TERCET=$tercet
checks peer stream-checks "$work"
