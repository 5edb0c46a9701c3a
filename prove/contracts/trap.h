/* SPDX-License-Identifier: MIT */
/* trap.h - what TCT_ASSERT calls when it fails, for Frama-C: proving that nobody calls it proves
 * the assertion. */
#ifndef PROVE_TRAP_H
#define PROVE_TRAP_H
/*@ requires \false;
    assigns \nothing; */
void tct_prove_trap(void);
#endif
