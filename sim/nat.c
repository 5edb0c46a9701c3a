/* SPDX-License-Identifier: MIT */
/* Address and port translation; the node itself follows. */
#include "sim/fault.h"

void sim_nat_fault_add(struct tct_sim_nat *n, struct sim_slot *s) {
  (void)n;
  (void)s;
}

void sim_nat_fault_drop_all(struct tct_sim_nat *n) {
  (void)n;
}
