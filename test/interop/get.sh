#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tercet get against servers on the kernel's TCP: framings, broken answers, refused, filtered.
. "$(dirname "$0")/lib.sh"
export TERCET=$tercet
checks peer get-checks "$work"
