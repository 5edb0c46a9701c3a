/* SPDX-License-Identifier: MIT */
/*
 * content.h - made-up content of applications: an octet for each key and position. A world keeps
 * the beginning of it, since computing it would take longer than all else that it does.
 */
#ifndef SIM_CONTENT_H
#define SIM_CONTENT_H

#include "sim/world.h"

void sim_content_fill(struct tct_sim *w, uint64_t key, uint64_t position, uint8_t *to, size_t len);
bool sim_content_is(struct tct_sim *w, uint64_t key, uint64_t position, const uint8_t *bytes,
                    size_t len);

#endif
