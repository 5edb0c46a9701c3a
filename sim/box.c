/* SPDX-License-Identifier: MIT */
/* A wire with opinions; the node itself follows. */
#include "sim/fault.h"

void sim_box_fault_add(struct tct_sim_box *b, struct sim_slot *s) {
  (void)b;
  (void)s;
}

void sim_box_fault_drop_all(struct tct_sim_box *b) {
  (void)b;
}
