/* SPDX-License-Identifier: MIT */
/*
 * tcp_cookie.c - SYN cookies: a listener that has no room keeps nothing, and finds what it needs in
 * the segment that answers. Called by tcp_listen. Leaves to it when to do so. RFC 4987 section 3.6.
 *
 * The ISS is 28 bits of a keyed hash over the tuple, the peer's number, the time in 64 s and the
 * low bits, then one bit of that time and three that name an MSS. It holds for 64 to 128 s. Both
 * keys of the pair are tried, so that keys can be replaced while cookies are under way. If the peer
 * offers timestamps, window scale, SACK and ECN ride in the low six bits of our TSval, which is set
 * back by at most 63 ms so that it never runs ahead.
 */
#include "tcp/tcp_listen.h"
#include "util/siphash.h"

#define CLOCK_NS TCT_S(64)
#define NEAR_S 128u
#define LOW_BITS 15u
#define TS_BITS 63u

/* The first stands for whatever is smaller. */
static const uint16_t mss_table[8] = {0, 536, 1220, 1300, 1400, 1440, 1460, 8940};

static unsigned index_of_mss(uint32_t mss) {
  unsigned i = TCT_ARRAY_LEN(mss_table) - 1;
  while (mss_table[i] > mss)
    i--;
  return i;
}

static uint64_t clock_of(const tct_stack *s) {
  return (s->now + s->cfg.epoch_ns) / CLOCK_NS;
}

static tct_seq make(const uint64_t key[2], const struct tct_tuple *t, tct_seq irs, uint64_t clock,
                    unsigned low) {
  uint8_t b[TCT_TUPLE_BYTES + 13];
  tct_tcp_demux_bytes(t, b);
  for (unsigned i = 0; i < 4; i++)
    b[36 + i] = (uint8_t)(irs >> (24 - 8 * i));
  for (unsigned i = 0; i < 8; i++)
    b[40 + i] = (uint8_t)(clock >> (56 - 8 * i));
  b[48] = (uint8_t)low;
  return ((uint32_t)tct_siphash24(key, b, sizeof b) & ~LOW_BITS) | low;
}

/* Our clock, with what was agreed in its low bits; never ahead of the clock itself. */
static uint32_t make_tsval(const tct_stack *s, const struct tct_half_open *r) {
  uint32_t now_ms = s->now_ms;
  uint32_t bits = r->opts & TCT_HALF_WSCALE;
  bits |= (r->opts & TCT_HALF_SACK) != 0 ? 16u : 0u;
  bits |= (r->opts & TCT_HALF_ECN) != 0 ? 32u : 0u;
  uint32_t ts = (now_ms & ~TS_BITS) | bits;
  return bits > (now_ms & TS_BITS) ? tct_ms32_since(ts, TS_BITS + 1) : ts;
}

void tct_tcp_cookie_send(tct_stack *s, const struct tct_listen_syn *y) {
  struct tct_half_open r;
  struct tct_tcp_reply a;
  uint64_t clock = clock_of(s);
  memset(&r, 0, sizeof r);
  r.key = *y->t;
  tct_tcp_listen_fill_record(s, y, &r);
  uint32_t mss = tct_tcp_options_peer_mss(s, &y->h->opt, tct_addr_is_ipv4(y->t->raddr));
  r.iss =
      make(s->keys.cookie[0], y->t, r.irs, clock, (unsigned)(clock & 1) << 3 | index_of_mss(mss));
  if ((r.opts & TCT_HALF_TS) == 0) /* nowhere to keep them */
    r.opts = TCT_HALF_WSCALE;
  r.accecn = 0; /* nor anywhere for what accurate ECN wants to know: the classic one then */
  tct_tcp_listen_syn_ack(s, y->l, &r, &a);
  if (a.h.opt.has_ts)
    a.h.opt.tsval = tct_ms32_add(make_tsval(s, &r), tct_tcp_options_ts_offset(s, y->t));
  a.why = TCT_WHY_SYN_ACK_COOKIE;
  y->l->listener->cookie_any = true;
  y->l->listener->cookie_s = (uint32_t)(s->now / TCT_S(1));
  if (tct_tcp_output_reply(s, &a))
    s->n.SyncookiesSent++;
}

bool tct_tcp_cookie_is_near(const tct_stack *s, const struct tct_tcp *l) {
  const struct tct_listener *li = l->listener;
  return li->cookie_any && (uint32_t)(s->now / TCT_S(1)) - li->cookie_s <= NEAR_S;
}

static bool is_ours(const tct_stack *s, const struct tct_tuple *t, tct_seq irs, tct_seq cookie) {
  unsigned low = cookie & LOW_BITS;
  uint64_t clock = clock_of(s);
  bool is_last = (clock & 1) != (low >> 3 & 1u); /* made in the last period, or it is none */
  if (is_last && clock == 0)
    return false;
  clock -= is_last ? 1 : 0;
  return make(s->keys.cookie[0], t, irs, clock, low) == cookie ||
         make(s->keys.cookie[1], t, irs, clock, low) == cookie;
}

bool tct_tcp_cookie_check(tct_stack *s, const struct tct_listen_syn *y, struct tct_half_open *r) {
  tct_seq cookie = tct_seq_sub(y->h->ack, 1), irs = tct_seq_sub(y->h->seq, 1);
  if (!is_ours(s, y->t, irs, cookie))
    return false;
  memset(r, 0, sizeof *r);
  r->key = *y->t;
  tct_half_set_phase(r, TCT_HALF_ANSWERING);
  r->irs = irs;
  r->iss = cookie;
  r->mss = mss_table[cookie & 7u] != 0 ? mss_table[cookie & 7u] : s->cfg.mss_min;
  r->ifi = (uint8_t)y->p->ifi;
  r->listener = y->l->index;
  r->opts = TCT_HALF_WSCALE;
  if (!y->h->opt.has_ts || !tct_tcp_options_offers(s, y->l, TCT_OPT_TIMESTAMPS))
    return true;
  uint32_t bits = tct_ms32_since(y->h->opt.tsecr, tct_tcp_options_ts_offset(s, y->t));
  r->tsval = y->h->opt.tsval;
  r->opts = (uint8_t)(TCT_HALF_TS | (bits & TCT_HALF_WSCALE));
  r->opts |= (bits & 16u) != 0 ? TCT_HALF_SACK : 0;
  r->opts |= (bits & 32u) != 0 ? TCT_HALF_ECN : 0;
  return true;
}
