/* SPDX-License-Identifier: MIT */
/*
 * ip.h - the state of the IP layer and what its files ask of each other. stack.h has what the other
 * layers may ask. Each sub-struct is written by the one file named at it.
 *
 * IPv4 addresses are ::ffff:a.b.c.d everywhere, so prefixes count in 128 bits: an IPv4 /24 is 120.
 */
#ifndef TCT_IP_IP_H
#define TCT_IP_IP_H

#include "stack.h"

#define TCT_IP_NO_IF UINT32_MAX

/* ---- own addresses: ip_addr.c ---------------------------------------------------------------- */

struct tct_ip_addr {
  tct_addr addr;
  uint32_t ifi;
  uint32_t order;      /* of adding: the last tie break among sources */
  uint8_t prefix_bits; /* 0..128 */
};

struct tct_ip_addrs {
  struct tct_ip_addr *at; /* sorted by address, then interface */
  uint32_t *broadcast;    /* of our IPv4 subnets, host order, sorted; one an address with one */
  uint32_t n, n_broadcast;
  uint32_t cap; /* of both arrays */
  uint32_t order;
};

/* Pairs of addresses that were found good on an interface: a unicast peer, and one of ours or what
 * the interface takes. Forgotten when an address of ours comes or goes. */
#define TCT_IP_PAIRS 64u
struct tct_ip_pair {
  tct_addr src, dst;
  uint32_t ifi;
  bool known;
};

/* The question that was asked of ip_path.c last: one peer is connected to again and again.
 * Forgotten when an address, a route or an interface comes, goes, or goes up or down. */
struct tct_ip_asked {
  tct_addr dst, src_want, src;
  uint32_t ifi_want, ifi;
  bool known;
};

void tct_ip_addr_deinit(tct_stack *s);
void tct_ip_addr_forget_pairs(tct_stack *s);
/* Makes a checked address ours; TCT_OK or TCT_ENOMEM. prefix_len as in tct_if_addr_add. */
int tct_ip_addr_install(tct_stack *s, uint32_t ifi, tct_addr a, unsigned prefix_len);
bool tct_ip_addr_is_on(const tct_stack *s, tct_addr a, uint32_t ifi);
bool tct_ip_addr_is_loopback(tct_addr a);
bool tct_ip_addr_is_link_local(tct_addr a);
/* The groups that every host is in: we join no others. */
bool tct_ip_addr_is_all_nodes(tct_addr a);
/* Legal as somebody's address: not any, multicast, limited broadcast, reserved. */
bool tct_ip_addr_is_unicast(tct_addr a);
tct_addr tct_ip_addr_mask(tct_addr a, unsigned bits);
unsigned tct_ip_addr_common_bits(tct_addr a, tct_addr b);
/* A copy of the memory with room for more; NULL and nothing changed if there is none. */
void *tct_ip_addr_regrow(tct_stack *s, void *old, size_t old_bytes, size_t new_bytes);

/* ---- routes: route.c ------------------------------------------------------------------------- */

struct tct_ip_route {
  tct_addr prefix, gateway; /* gateway: kept for links that need a next hop */
  uint32_t ifi;
  uint32_t addrs; /* own addresses that make this subnet on-link; 0: added by tct_route_add */
  uint8_t bits;
};

struct tct_ip_routes {
  struct tct_ip_route *at; /* longest first, then by prefix, added before on-link, by ifi */
  uint32_t n, cap;
  uint32_t n_added;    /* by tct_route_add */
  uint64_t changes;    /* so far: who remembers a next hop compares */
  uint16_t count[129]; /* routes of each length */
};

void tct_route_deinit(tct_stack *s);
/* The longest match whose interface is up (and is ifi_want, unless that is TCT_IP_NO_IF). NULL with
 * *err = TCT_ENETUNREACH, or TCT_ENETDOWN if only the interface's state was in the way. */
const struct tct_ip_route *tct_route_find(const tct_stack *s, tct_addr dst, uint32_t ifi_want,
                                          int *err);
/* The subnet of an own address is on-link while one such address is there. */
bool tct_route_link_add(tct_stack *s, tct_addr a, unsigned bits, uint32_t ifi);
void tct_route_link_del(tct_stack *s, tct_addr a, unsigned bits, uint32_t ifi);

/* ---- fragments: ip_reasm.c ------------------------------------------------------------------- */

#define TCT_IP_REASM_BUCKETS 64
#define TCT_IP_REASM_FRAGS_MAX                                                                     \
  128 /* 64 KiB over links of 576 bytes: a bound on work, not on use                               \
       */
#define TCT_IP_REASM_TIMEOUT_NS TCT_S(60)

struct tct_ip_reasm_bucket { /* what the sources of one hash value hold */
  struct tct_list dgrams;    /* oldest first */
  uint32_t bytes;            /* fragments and structs: who is the heaviest? */
};

struct tct_ip_reasm {
  struct tct_slab dgrams;
  struct tct_table table;
  struct tct_list by_age; /* oldest first: all have the same time-out */
  struct tct_ip_reasm_bucket bucket[TCT_IP_REASM_BUCKETS];
  uint32_t bytes, bytes_max; /* of fragments; the datagrams' structs are bounded by the slab */
};

/* The memory that a reassembled packet lies in, until it is released. */
struct tct_ip_whole {
  tct_iov iov;
  uint8_t *buf;
  size_t size;
};

void tct_ip_reasm_init(tct_stack *s);
void tct_ip_reasm_deinit(tct_stack *s);
/* Takes the fragment p. TCT_HELD_FRAGMENT, a refusal, or ACCEPTED: p is then the whole packet. */
tct_verdict tct_ip_reasm_input(tct_stack *s, struct tct_pkt *p, struct tct_ip_whole *whole);
void tct_ip_reasm_release(tct_stack *s, struct tct_ip_whole *whole);
tct_time tct_ip_reasm_next_deadline(const tct_stack *s);
void tct_ip_reasm_advance(tct_stack *s);
void tct_ip_reasm_check(const tct_stack *s);
uint32_t tct_ip_reasm_overlaps(const tct_stack *s); /* fragments over others; 0 (RFC 5722) */

/* ---- path MTU: pmtu.c ------------------------------------------------------------------------ */

#define TCT_PMTU_SETS 256
#define TCT_PMTU_WAYS 4
#define TCT_PMTU_AGE_NS TCT_S(600)
#define TCT_PMTU_FLOOR4 552 /* as Linux: below it, an error is a better weapon than a help */
#define TCT_PMTU_FLOOR6 1280

struct tct_pmtu_entry {
  tct_addr dst;
  uint32_t ifi; /* link-local destinations only, else 0 */
  uint32_t mtu; /* 0: free */
  tct_time expires;
};

struct tct_pmtu {
  struct tct_pmtu_entry *at; /* SETS * WAYS; NULL until the first error comes */
  tct_time earliest;         /* no entry expires before */
};

void tct_pmtu_init(tct_stack *s);
void tct_pmtu_deinit(tct_stack *s);
/* What a router that does not say its MTU means, by the length of what it refused. */
uint32_t tct_pmtu_plateau(uint32_t refused_bytes);
void tct_pmtu_learn(tct_stack *s, tct_addr dst, uint32_t ifi, uint32_t mtu);
tct_time tct_pmtu_next_deadline(const tct_stack *s);
void tct_pmtu_advance(tct_stack *s);

/* ---- ICMP: icmp.c ---------------------------------------------------------------------------- */

#define TCT_ICMP_LIMIT_BUCKETS 512
#define TCT_ICMP_LIMIT_PER_S 5
#define TCT_ICMP_LIMIT_BURST 6

struct tct_icmp_bucket { /* credit in milliseconds; a message costs 1000 / PER_S and some noise */
  uint32_t credit_ms, at_ms;
};

void tct_icmp_init(tct_stack *s);
tct_verdict tct_icmp_input(tct_stack *s, struct tct_pkt *p);

/* ---- answers: ip_reply.c, headers: ip_output.c ----------------------------------------------- */

/* The frames of the last tct_output are void: their bytes may be used again. */
void tct_ip_reply_release_shown(tct_stack *s, struct tct_replies *r);
static inline void tct_ip_reply_release(tct_stack *s, uint32_t ifi) {
  if (!tct_ip_reply_is_idle(&s->ifs[ifi].replies))
    tct_ip_reply_release_shown(s, &s->ifs[ifi].replies);
}
void tct_ip_reply_deinit(tct_stack *s);
void tct_ip_reply_check(const struct tct_replies *r);

#define TCT_IP_ID_SLOTS 1024

struct tct_ip_piece { /* one fragment */
  uint32_t id, off, len;
  bool more;
};
uint32_t tct_ip_output_id(tct_stack *s, const struct tct_ip_tx *tx);
size_t tct_ip_output_fragment(tct_stack *s, const struct tct_ip_tx *tx,
                              const struct tct_ip_piece *piece, uint8_t *p);

/* ---- all of it ------------------------------------------------------------------------------- */

struct tct_ip_state {
  struct tct_ip_addrs addrs;
  struct tct_ip_pair pairs[TCT_IP_PAIRS]; /* ip_input.c */
  struct tct_ip_asked asked;              /* ip_path.c */
  struct tct_ip_routes routes;
  struct tct_ip_reasm reasm;
  struct tct_pmtu pmtu;
  struct tct_icmp_bucket icmp_limit[TCT_ICMP_LIMIT_BUCKETS];
  uint32_t ids[TCT_IP_ID_SLOTS]; /* ip_output.c */
  uint64_t key[2];               /* for every hash below; drawn once, never shown */
};

enum tct_ip_hash { /* so that one key serves several tables without relating them */
                   TCT_IP_HASH_REASM,
                   TCT_IP_HASH_REASM_SOURCE,
                   TCT_IP_HASH_PMTU,
                   TCT_IP_HASH_ICMP_LIMIT,
                   TCT_IP_HASH_ID,
                   TCT_IP_HASH_FLOW
};
uint64_t tct_ip_hash(const tct_stack *s, enum tct_ip_hash use, tct_addr a, tct_addr b,
                     uint32_t more);

#endif
