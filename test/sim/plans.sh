#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Worlds that were shrunk around a mistake (tercet sim --shrink): every invariant holds in them now.
#   test/sim/plans.sh TERCET
set -u
for plan in test/sim/plans/*.plan; do
  if said=$("$1" sim -q --plan "$plan"); then
    echo "ok - $(basename "$plan" .plan)"
  else
    echo "not ok - $(basename "$plan" .plan): $said"
  fi
done
