/* SPDX-License-Identifier: MIT */
/*
 * ip.h - what nodes between hosts do to IP packets: fragments (frag.c), ICMP errors (icmp.c), and
 * segments that nobody sent (forge.c). Used by router.c, nat.c, attacker.c and link_fault.c.
 */
#ifndef SIM_IP_H
#define SIM_IP_H

#include "sim/world.h"
#include "wire/icmp.h"

enum { SIM_IP_FRAGMENT_MAX = 9000, SIM_IP_ERROR_MAX = 1280 };

typedef void (*sim_ip_fn)(void *ctx, const uint8_t *bytes, uint32_t len);

/* Hands fn each fragment of at most mtu_bytes, in order. Don't-fragment is the caller's to obey; id
 * is that of the fragments of what was whole. False, and none: it cannot be cut. */
bool sim_ip_fragment(const uint8_t *packet, uint32_t len, uint32_t mtu_bytes, uint32_t id,
                     sim_ip_fn fn, void *ctx);

/* An IP packet with the ICMP error about `packet`, to its source, from `from` (all zero: a router's
 * address of the family). Its length; 0: this packet draws none (RFC 1122 3.2.2, RFC 4443 2.4(e)).
 */
uint32_t sim_icmp_error(const uint8_t *packet, uint32_t len, enum tct_icmp_kind kind,
                        uint32_t mtu_bytes, const tct_addr *from, uint8_t *to, uint32_t cap);

/* What a stranger makes up for dst: numbers that happen to be seq and ack. */
struct sim_forgery {
  tct_sim_aim aim;
  tct_sim_shot shot;
  uint32_t seq, ack, mtu_bytes, payload_len;
};
/* Length of the IP packet written to `to`; cap is 1600 at least. */
uint32_t sim_forge(const struct sim_forgery *f, uint8_t *to, uint32_t cap);
/* With numbers drawn in group. */
struct sim_forgery sim_forge_draw(struct tct_sim *w, unsigned group, const tct_sim_aim *aim,
                                  tct_sim_shot shot);
/* One of the bits of mask. */
unsigned sim_forge_pick(struct tct_sim *w, unsigned group, uint32_t mask);

#endif
