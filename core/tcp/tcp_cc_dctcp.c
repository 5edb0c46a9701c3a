/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_dctcp.c - DCTCP: the window is cut by half of the share of bytes that met congestion, not
 * by half. For networks that mark at a low threshold, under one administration. Called through
 * tcp_cc.c alone; the shares come from tcp_ecn (ack.ce_bytes). Growth, and loss, are NewReno's.
 * RFC 8257 sections 3.3 to 3.5.
 */
#include "tcp/tcp_cc.h"

#define ALPHA_MAX 1024u /* 1.0; also the start: careful until the first round says better */
#define GAIN_SHIFT 4    /* g = 1/16 */

struct dctcp {
  uint32_t alpha;
  uint32_t delivered, marked; /* bytes in this window of data */
  tct_seq end;                /* where it ends */
};

static void init(tct_stack *s, struct tct_tcp *c, void *state) {
  struct dctcp *d = state;
  (void)s;
  d->alpha = ALPHA_MAX;
  d->end = c->snd.nxt;
}

/* RFC 8257 3.3, 4 to 6: once a window, alpha = (1 - g) alpha + g M. */
static void end_window(const struct tct_tcp *c, struct dctcp *d) {
  uint32_t less = d->alpha >> GAIN_SHIFT;
  d->alpha -= less > 0 ? less : d->alpha;
  uint64_t share = ((uint64_t)d->marked << (10 - GAIN_SHIFT)) / tct_max_u32(d->delivered, 1);
  d->alpha = (uint32_t)tct_min_u64(d->alpha + share, ALPHA_MAX);
  d->delivered = 0;
  d->marked = 0;
  d->end = c->snd.nxt;
}

static void on_news(tct_stack *s, struct tct_tcp *c, void *state, const struct tct_tcp_ack *ack) {
  struct dctcp *d = state;
  (void)s;
  d->delivered = tct_add_sat_u32(d->delivered, ack->delivered_bytes);
  d->marked = tct_add_sat_u32(d->marked, ack->ce_bytes);
  if (tct_seq_geq(c->snd.una, d->end))
    end_window(c, d);
}

/* RFC 8257 3.3, 9: cwnd * (1 - alpha / 2) for marks; 3.5: half for loss. */
static uint32_t ssthresh(tct_stack *s, struct tct_tcp *c, void *state, uint32_t flight) {
  const struct dctcp *d = state;
  uint32_t segs = tct_tcp_cc_segs(s, c);
  if (!tct_tcp_cc_is_marked(c))
    return tct_tcp_cc_reno_half(s, c, flight);
  segs -= (uint32_t)((uint64_t)segs * d->alpha >> 11);
  return tct_max_u32(segs, 2) * tct_tcp_send_mss(s, c);
}

const struct tct_cc_ops *tct_tcp_cc_dctcp(void) {
  static const struct tct_cc_ops ops = {.id = TCT_CC_DCTCP,
                                        .state_bytes = sizeof(struct dctcp),
                                        .init = init,
                                        .on_news = on_news,
                                        .on_ack = tct_tcp_cc_reno_grow,
                                        .ssthresh = ssthresh};
  return &ops;
}
