/* SPDX-License-Identifier: MIT */
/*
 * tape.h - the list of choices that a world's run made, to be made again. Called by world.c, which
 * asks for each choice; shrinkers edit the list through sim_net.h.
 */
#ifndef SIM_TAPE_H
#define SIM_TAPE_H

#include "tercet/sim_net.h"

/* The next choice: of the tape when it replays (0 after its end), else `drawn`, which it keeps. */
uint32_t sim_tape_choose(struct tct_sim_tape *t, unsigned group, uint32_t bound, uint32_t drawn);

#endif
