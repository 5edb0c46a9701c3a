/* SPDX-License-Identifier: MIT */
/*
 * rewrite.h - changes inside a packet that keep its checksum as right, or as wrong, as it was. Used
 * by nat.c and box.c.
 */
#ifndef SIM_REWRITE_H
#define SIM_REWRITE_H

#include "sim/world.h"
#include "wire/ip.h"

struct sim_view { /* a whole packet, and what IP carries */
  uint8_t *b, *upper;
  uint32_t len, upper_len;
  uint32_t sum_at; /* of the checksum, from upper; UINT32_MAX: there is none to keep */
  struct tct_ip_hdr ip;
};

/* False: not IP, or cut short. upper_len is 0 for fragments: nothing there may be changed. */
bool sim_rewrite_open(uint8_t *packet, uint32_t len, struct sim_view *v);
/* n octets at `at` of what IP carries. */
void sim_rewrite_upper(struct sim_view *v, uint32_t at, const void *to, uint32_t n);
void sim_rewrite_upper16(struct sim_view *v, uint32_t at, uint16_t to);
void sim_rewrite_upper32(struct sim_view *v, uint32_t at, uint32_t to);
/* The source (or destination) address, of the same family. */
void sim_rewrite_addr(struct sim_view *v, bool source, const tct_addr *to);
/* ECN bits of the IP header. */
void sim_rewrite_ecn(struct sim_view *v, unsigned ecn);

#endif
