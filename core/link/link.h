/* SPDX-License-Identifier: MIT */
/*
 * link.h - the state of the link layer and what its files ask of each other; stack.h has what the
 * other layers may ask. Made with the first Ethernet interface: a stack without one has none.
 *
 * Invariants, asserted by tct_link_check:
 * L1 an entry is on `known` (its MAC is usable) or on `asking` (it is not), and n_asking counts
 * these L2 an entry has its timer running exactly in INCOMPLETE, FAILED, DELAY and PROBE L3 flows
 * and a kept packet wait at INCOMPLETE entries only L4 there are at most limits.neighbours entries,
 * a quarter of them asking
 */
#ifndef TCT_LINK_LINK_H
#define TCT_LINK_LINK_H

#include "stack.h"
#include "wire/arp.h"
#include "wire/nd.h"

#define TCT_LINK_HOPS 256u
#define TCT_LINK_DEFENCES 16u
#define TCT_RA_PREFIXES 8

enum tct_neigh_state { /* RFC 4861 7.3.2; ARP's entries live by the same rules (RFC 1122 2.3.2.1) */
                       TCT_NEIGH_INCOMPLETE,
                       TCT_NEIGH_FAILED, /* nobody asks again before a second is over */
                       TCT_NEIGH_REACHABLE,
                       TCT_NEIGH_STALE,
                       TCT_NEIGH_DELAY,
                       TCT_NEIGH_PROBE
};

struct tct_neigh { /* owner: neigh.c */
  uint32_t link;   /* of the slab */
  uint32_t ifi;
  tct_addr addr;
  struct tct_mac mac;
  uint8_t state; /* enum tct_neigh_state */
  uint8_t tries; /* questions asked in this state */
  bool router;
  bool used;                /* something was sent there, at used_at */
  tct_time due;             /* of the timer, where there is one */
  tct_time reachable_until; /* REACHABLE becomes STALE, which is noticed when it is used */
  tct_time used_at;
  struct tct_list order, timer;
  struct tct_list flows[2]; /* by enum tct_link_flow */
  uint8_t *held;            /* the latest answer that could not leave: RFC 1122 2.3.2.2 */
  uint32_t held_len;
  uint16_t held_why;
};

struct tct_link_hop { /* what routing and the table said last; direct-mapped. Owner: neigh.c */
  tct_addr dst;
  uint32_t ifi, neigh;
  uint64_t stamp; /* of the time it was true; 0: never */
};

struct tct_dad { /* an address that waits to be ours. Owner: dad.c */
  tct_addr addr;
  uint32_t ifi;
  uint8_t prefix_len;
  bool duplicate; /* somebody has it: kept until it is removed, so that one may ask */
  tct_time due;
};

struct tct_ra_prefix {
  tct_addr prefix, own; /* own: the address made from it */
  uint8_t bits;
  bool used, on_link, has_own;
  tct_time until;
};

struct tct_ra {          /* one interface that listens to routers. Owner: ra.c */
  uint32_t ifi, mtu_max; /* mtu_max: the application's, 0 before the first advertisement */
  uint8_t asks, duplicates;
  bool has_router;
  tct_addr router;
  tct_time step_at, router_until;
  struct tct_ra_prefix prefixes[TCT_RA_PREFIXES];
};

struct tct_link_state {
  struct tct_slab slab;
  struct tct_table table;
  struct tct_list known, asking; /* reclaimed from the head, where the longest unused are */
  struct tct_list second, delay; /* timers, by their length: in order of time */
  uint32_t n_asking;
  uint64_t stamp; /* grows when an entry goes */
  uint64_t key[2];
  struct tct_link_hop hops[TCT_LINK_HOPS];
  struct tct_dad *dads;
  uint32_t n_dads, dads_cap;
  struct tct_ra *ras;
  uint32_t n_ras;
  tct_time mld_due;                        /* an answer to a query; TCT_NEVER: none. Owner: mld.c */
  tct_time defended_at[TCT_LINK_DEFENCES]; /* arp.c: 0 never. By a hash of the address */
};

static inline struct tct_mac tct_link_mac(const tct_stack *s, uint32_t ifi) {
  struct tct_mac m = {{0}};
  memcpy(m.b, s->ifs[ifi].cfg.mac, sizeof m.b);
  return m;
}

/* ---- neigh.c --------------------------------------------------------------------------------- */

void tct_neigh_init(tct_stack *s);
void tct_neigh_deinit(tct_stack *s);
struct tct_neigh *tct_neigh_find(const tct_stack *s, uint32_t ifi, tct_addr a);
/* The entry that packets to dst go by, by route; one is made, and asked for, if there is none.
 * NULL: there is no room. flow: somebody waits, who goes before answers to strangers. */
struct tct_neigh *tct_neigh_next_hop(tct_stack *s, uint32_t ifi, tct_addr dst, bool flow);
bool tct_neigh_is_known(const struct tct_neigh *n);
/* Something is sent there: an entry in doubt is looked after. */
void tct_neigh_on_use(tct_stack *s, struct tct_neigh *n);
void tct_neigh_hold(tct_stack *s, struct tct_neigh *n, const tct_frame *f);
/* Somebody says who he is while asking for us: a new entry is made if there is a place. */
void tct_neigh_on_hint(tct_stack *s, uint32_t ifi, tct_addr a, const struct tct_mac *mac);
/* What a neighbour's answer or announcement says of an entry, RFC 4861 7.2.5. */
struct tct_neigh_news {
  struct tct_mac mac;
  bool has_mac, solicited, override, router;
};
/* False: there is no such entry, and none is made. */
bool tct_neigh_on_answer(tct_stack *s, uint32_t ifi, tct_addr a, const struct tct_neigh_news *w);
tct_time tct_neigh_next_deadline(const tct_stack *s);
void tct_neigh_advance(tct_stack *s);
void tct_neigh_check(const tct_stack *s);

/* ---- arp.c, nd.c: the two ways to ask -------------------------------------------------------- */

tct_verdict tct_arp_input(tct_stack *s, uint32_t ifi, const uint8_t *p, size_t have);
/* to: whom, or NULL: all. */
void tct_arp_ask(tct_stack *s, uint32_t ifi, tct_addr target, const struct tct_mac *to);
void tct_arp_announce(tct_stack *s, uint32_t ifi, tct_addr a);

/* Is the frame's packet a neighbour discovery message? Then *v is its verdict. */
bool tct_nd_input(tct_stack *s, uint32_t ifi, const tct_frame *f, const struct tct_eth_hdr *eth,
                  tct_verdict *v);
void tct_nd_ask(tct_stack *s, uint32_t ifi, tct_addr target, bool unicast);
void tct_nd_announce(tct_stack *s, uint32_t ifi, tct_addr a);
/* Asks on behalf of nobody whether anybody has it: RFC 4862 5.4.2. */
void tct_nd_ask_duplicate(tct_stack *s, uint32_t ifi, tct_addr a);

void tct_nd_ask_router(tct_stack *s, uint32_t ifi, tct_addr from);

/* ---- ra.c ------------------------------------------------------------------------------------ */

/* The interface to be listens to routers, and gets a link-local address. */
int tct_ra_if_add(tct_stack *s, uint32_t ifi);
tct_verdict tct_ra_input(tct_stack *s, uint32_t ifi, const struct tct_ip_hdr *ip,
                         const struct tct_nd *nd);
tct_time tct_ra_next_deadline(const tct_stack *s);
void tct_ra_advance(tct_stack *s);
void tct_ra_deinit(tct_stack *s);

/* ---- mld.c ----------------------------------------------------------------------------------- */

void tct_mld_init(tct_stack *s);
/* The address is, or is going to be, ours. */
void tct_mld_join(tct_stack *s, uint32_t ifi, tct_addr a);
/* An IPv6 packet: true when it was a query, which is taken care of. */
bool tct_mld_input(tct_stack *s, const tct_frame *f);
void tct_mld_advance(tct_stack *s);

/* ---- dad.c ----------------------------------------------------------------------------------- */

bool tct_dad_is_tentative(const tct_stack *s, uint32_t ifi, tct_addr a);
void tct_dad_on_claim(tct_stack *s, uint32_t ifi, tct_addr a); /* somebody else has it */
tct_time tct_dad_next_deadline(const tct_stack *s);
void tct_dad_advance(tct_stack *s);
void tct_dad_deinit(tct_stack *s);

#endif
