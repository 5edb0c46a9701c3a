/* SPDX-License-Identifier: MIT */
/*
 * tcp_options.c - what our SYNs offer, what two SYNs agree on, and the numbers that identify a
 * connection: initial sequence number and timestamp offset. Called by tcp_output, tcp_input,
 * tcp_listen. Leaves bytes to wire/tcp_opt. RFC 9293 sections 3.2, 3.4.1, 3.7.1; RFC 6528, RFC
 * 7323, RFC 2018.
 */
#include "tcp/calls.h"
#include "util/rule.h"
#include "util/siphash.h"

#define WSCALE_MAX 14u
#define DEFAULT_MSS_IPV4 536u
#define DEFAULT_MSS_IPV6 1220u

static uint32_t header_bytes(tct_addr peer) {
  return (uint32_t)tct_ip_header_len(peer) + TCT_TCP_HEADER_LEN;
}

/* Only fixed headers are taken off, never option bytes [RFC9293 MUST-67]; of the interface's MTU,
 * not the path's (RFC 2923) [RFC9293 SHLD-6]. */
uint16_t tct_tcp_options_mss(const tct_stack *s, tct_addr peer, uint32_t ifi, uint32_t maxseg) {
  uint32_t mtu = tct_min_u32(s->ifs[ifi].cfg.mtu, 65535);
  uint32_t extra = TCT_RULE(MUST_67) ? 0 : 20;
  uint32_t mss = tct_sub_floor_u32(mtu, header_bytes(peer)) + extra;
  if (maxseg != 0)
    mss = tct_min_u32(mss, maxseg);
  return (uint16_t)tct_max_u32(mss, s->cfg.mss_min);
}

/* [RFC9293 MUST-15] without an option; a floor keeps tiny values from costing a header a byte. */
uint16_t tct_tcp_options_peer_mss(const tct_stack *s, const struct tct_tcp_opts *o, bool ipv4) {
  if (!o->has_mss || o->mss == 0 || !TCT_RULE(MUST_14))
    return TCT_RULE_ELSE(MUST_15, ipv4 ? DEFAULT_MSS_IPV4 : DEFAULT_MSS_IPV6, 1460);
  return (uint16_t)tct_max_u32(o->mss, s->cfg.mss_min);
}

/* The least shift by which the whole buffer can be told; Linux's habit is 7 at the least. */
uint8_t tct_tcp_options_wscale(uint32_t rcvbuf_bytes) {
  if (rcvbuf_bytes <= 65535)
    return 0;
  uint32_t units = (rcvbuf_bytes - 1) / 65535; /* one less than are needed: at least one */
  return (uint8_t)tct_min_u32(32u - (uint32_t)__builtin_clz(units), WSCALE_MAX);
}

static uint8_t our_wscale(const tct_stack *s, const struct tct_tcp *c) {
  uint8_t least = s->tcp->profile->wscale_min;
  uint8_t needed = tct_tcp_options_wscale(tct_tcp_tune_rcv_max(s, c));
  return needed > least ? needed : least;
}

/* A SYN offers what is configured; a SYN,ACK only what the SYN offered as well. [RFC9293 MUST-14,
 * SHLD-5] MSS also when it equals the default [RFC9293 MAY-3]. */
void tct_tcp_options_syn(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_opts *o) {
  /* crossing SYNs: Linux repeats its own options, whatever the peer's SYN offered */
  bool repeats = s->tcp->profile->crossed_syn_offers_all && (c->open & TCT_OPEN_ACTIVE) != 0;
  bool answer = c->state != TCT_SYN_SENT && !repeats;
  o->has_mss = TCT_RULE(MUST_14);
  o->mss = tct_tcp_options_mss(s, c->key.raddr, c->ifi,
                               tct_tcp_is_set(c, TCT_OPT_MAXSEG) ? c->extra->maxseg : 0);
  o->has_ts =
      answer ? (c->open & TCT_OPEN_TS) != 0 : tct_tcp_options_offers(s, c, TCT_OPT_TIMESTAMPS);
  o->tsval = tct_tcp_options_tsval(s, c);
  o->tsecr = c->state != TCT_SYN_SENT ? c->rcv.ts_recent : 0;
  o->sack_permitted =
      answer ? (c->open & TCT_OPEN_SACK) != 0 : tct_tcp_options_offers(s, c, TCT_OPT_SACK);
  o->has_wscale =
      answer ? (c->open & TCT_OPEN_WSCALE) != 0 : tct_tcp_options_offers(s, c, TCT_OPT_WSCALE);
  o->wscale = our_wscale(s, c);
  tct_tcp_fastopen_option(c, o);
}

bool tct_tcp_options_offers(const tct_stack *s, const struct tct_tcp *c, tct_opt o) {
  const struct tct_extra *x = c->extra;
  switch (o) {
  case TCT_OPT_TIMESTAMPS:
    return tct_tcp_is_set(c, o) ? !x->no_ts : !s->cfg.no_timestamps;
  case TCT_OPT_SACK:
    return tct_tcp_is_set(c, o) ? !x->no_sack : !s->cfg.no_sack;
  default:
    return tct_tcp_is_set(c, o) ? !x->no_wscale : !s->cfg.no_wscale;
  }
}

void tct_tcp_options_data(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_opts *o) {
  o->has_mss = !TCT_RULE(MUST_65); /* [RFC9293 MUST-65] never without SYN */
  o->mss = 1460;
  if ((c->open & TCT_OPEN_TS) != 0) {
    o->has_ts = true;
    o->tsval = tct_tcp_options_tsval(s, c);
    o->tsecr = c->rcv.ts_recent;
  }
  const struct tct_tcp_active *a = c->active;
  if ((c->open & TCT_OPEN_SACK) != 0 && a != NULL && tct_tcp_reasm_has_news(c, a))
    tct_tcp_reasm_sack_blocks(c, o, (c->open & TCT_OPEN_TS) != 0 ? 3 : 4);
  tct_tcp_accecn_option(s, c, o);
}

/* Takes in the peer's SYN or SYN,ACK. The window in a SYN is never scaled (RFC 7323 2.2): what is
 * kept here is what both have offered. */
void tct_tcp_options_agree(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_opts *theirs,
                           uint16_t window) {
  bool ipv4 = tct_bytes_addr_is_ipv4(&c->key.raddr);
  c->open &= (uint8_t) ~(TCT_OPEN_TS | TCT_OPEN_SACK | TCT_OPEN_WSCALE);
  c->wscale = 0;
  c->peer_mss = tct_tcp_options_peer_mss(s, theirs, ipv4);
  if (theirs->has_ts && tct_tcp_options_offers(s, c, TCT_OPT_TIMESTAMPS)) {
    c->open |= TCT_OPEN_TS;
    c->rcv.ts_recent = theirs->tsval;
    c->rcv.ts_recent_s = (uint32_t)(s->now / TCT_S(1));
  }
  if (theirs->sack_permitted && tct_tcp_options_offers(s, c, TCT_OPT_SACK))
    c->open |= TCT_OPEN_SACK;
  if (theirs->has_wscale && tct_tcp_options_offers(s, c, TCT_OPT_WSCALE)) {
    uint8_t shift = theirs->wscale > WSCALE_MAX ? WSCALE_MAX : theirs->wscale; /* RFC 7323 2.3 */
    c->open |= TCT_OPEN_WSCALE;
    c->wscale = (uint8_t)(shift | our_wscale(s, c) << 4);
  }
  c->snd.wnd = window;
  c->snd.wnd_max = window;
  tct_tcp_mtu_set(s, c, tct_ip_pmtu(s, c->key.raddr, c->ifi));
}

/* Both addresses and ports as bytes, the same on every machine. */
static uint32_t hash_tuple(const uint64_t key[2], const struct tct_tuple *t) {
  uint8_t b[TCT_TUPLE_BYTES];
  tct_tcp_demux_bytes(t, b);
  return (uint32_t)tct_siphash24(key, b, sizeof b);
}

/* One offset for all connections of an address pair: timestamps of a later connection on the same
 * ports are then newer, which is what PAWS and TIME-WAIT's reuse live by (RFC 7323 5.4, RFC 6191).
 */
uint32_t tct_tcp_options_ts_offset(const tct_stack *s, const struct tct_tuple *t) {
  struct tct_tcp_state *state = s->tcp;
  if (state->stamped.known && tct_ip_equal(state->stamped.raddr, t->raddr) &&
      tct_ip_equal(state->stamped.laddr, t->laddr) &&
      memcmp(state->stamped.key, s->keys.ts, sizeof state->stamped.key) == 0)
    return state->stamped.offset;
  struct tct_tuple pair = {.laddr = t->laddr, .raddr = t->raddr};
  state->stamped.offset = hash_tuple(s->keys.ts, &pair);
  state->stamped.laddr = t->laddr;
  state->stamped.raddr = t->raddr;
  memcpy(state->stamped.key, s->keys.ts, sizeof state->stamped.key);
  state->stamped.known = true;
  return state->stamped.offset;
}

/* A crashed host need not keep quiet: the clock goes on and the secret is new [RFC9293 EP-46]. ISN
 * = M + F(tuple, secret): M ticks every 4 us [RFC9293 MUST-8], F is keyed [RFC9293 MUST-9] [RFC9293
 * SHLD-1]. */
tct_seq tct_tcp_options_isn(tct_stack *s, const struct tct_tuple *t) {
  uint64_t ticks = (s->now + s->cfg.epoch_ns) / 4000;
  uint32_t clock = TCT_RULE(MUST_8) ? (uint32_t)ticks : 0;
  uint32_t secret = TCT_RULE(MUST_9) ? hash_tuple(s->keys.isn, t) : 0;
  return TCT_RULE(SHLD_1) ? tct_seq_add(clock, secret) : 0;
}
