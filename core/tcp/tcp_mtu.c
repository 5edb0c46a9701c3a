/* SPDX-License-Identifier: MIT */
/*
 * tcp_mtu.c - the path's MTU as a connection sees it: the size of its segments, and the search for
 * a larger one where no router tells (PLPMTUD). Alone writes extra->mtup. Called by tcp_options and
 * tcp_input (opening), tcp_icmp (an error told of a smaller path), tcp_timer (expiries), tcp.c (the
 * interface changed), tcp_plan (is a probe due?), tcp_output (it left, or was sent again),
 * tcp_recover (it was lost). RFC 9293 section 3.7.1, RFC 1191, RFC 8201, RFC 4821, RFC 8899.
 *
 * A probe is one segment of queued data, larger than the others, with enough behind it that its
 * loss is told by duplicate ACKs. Sizes are those of IP packets: `low` is known to pass, above
 * `high` nothing is tried. A lost probe is no sign of congestion (RFC 4821 7.7). The numbers are
 * Linux's; docs/profiles.md says where STRICT differs.
 */
#include "tcp/calls.h"
#include "util/rule.h"

#define CWND_SEGS_MIN 11u
#define BLACK_HOLE_MTU 1280u /* every IPv6 path carries it, and nearly every IPv4 path */
#define R1_RETRIES 3u

static uint32_t header_bytes(const struct tct_tcp *c) {
  return (uint32_t)tct_ip_header_len(c->key.raddr) + TCT_TCP_HEADER_LEN;
}

static struct tct_tcp_mtup *search_of(const struct tct_tcp *c) {
  return c->extra != NULL && c->extra->mtup.on ? &c->extra->mtup : NULL;
}

/* What peer and application allow, whatever the path. */
static uint32_t mss_allowed(const struct tct_tcp *c) {
  uint32_t own = c->extra != NULL && c->extra->maxseg != 0 ? c->extra->maxseg : 65535;
  return tct_min_u32(c->peer_mss, own);
}

/* [RFC9293 MUST-16] [RFC9293 EP-51] */
void tct_tcp_mtu_set(tct_stack *s, struct tct_tcp *c, uint32_t mtu) {
  struct tct_tcp_mtup *m = search_of(c);
  if (m != NULL) {
    m->high = tct_min_u32(m->high, mtu);
    mtu = tct_min_u32(mtu, m->low);
  }
  uint32_t path_mss = tct_max_u32(tct_sub_floor_u32(mtu, header_bytes(c)), s->cfg.mss_min);
  uint16_t mss = (uint16_t)tct_min_u32(mss_allowed(c), TCT_RULE(MUST_16) ? path_mss : 65535);
  if (c->state < TCT_ESTABLISHED) { /* there is no window yet that counts in segments */
    c->snd.mss = mss;
    return;
  }
  bool shrank = mss < c->snd.mss;
  uint32_t before = tct_tcp_send_mss(s, c);
  c->snd.mss = mss;
  tct_tcp_cc_on_mss(s, c, before);
  if (shrank) {
    tct_tcp_recover_on_mtu(s, c);
    tct_tcp_output_wake(s, c);
  }
}

static void resize(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_mtu_set(s, c, tct_ip_pmtu(s, c->key.raddr, c->ifi));
}

/* ---- The search ------------------------------------------------------------------------------ */

tct_mtu_probing tct_tcp_mtu_mode(const tct_stack *s, const struct tct_tcp *c) {
  bool own = tct_tcp_is_set(c, TCT_OPT_MTU_PROBING);
  return (tct_mtu_probing)(own ? c->extra->mtu_probing : s->cfg.mtu_probing);
}

/* From the least that is taken to pass, up to what the peer takes. */
static struct tct_tcp_mtup *start_search(tct_stack *s, struct tct_tcp *c) {
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  if (x == NULL)
    return NULL;
  struct tct_tcp_mtup *m = &x->mtup;
  memset(m, 0, sizeof *m);
  m->on = true;
  m->high = tct_min_u32(mss_allowed(c) + header_bytes(c), tct_ip_pmtu(s, c->key.raddr, c->ifi));
  m->low = tct_min_u32(s->cfg.mtu_base_mss + tct_tcp_options_len(c) + header_bytes(c), m->high);
  m->since_ms = s->now_ms;
  return m;
}

/* The handshake is complete. RFC 4821 7.2 begins at the low end; Linux goes on with the size that
 * it has until the first probe is answered. */
void tct_tcp_mtu_on_established(tct_stack *s, struct tct_tcp *c) {
  if (tct_tcp_mtu_mode(s, c) != TCT_MTU_PROBING_ALWAYS || start_search(s, c) == NULL)
    return;
  if (s->cfg.profile == TCT_PROFILE_STRICT)
    resize(s, c);
}

/* TCT_OPT_MTU_PROBING on a running connection. */
void tct_tcp_mtu_on_option(tct_stack *s, struct tct_tcp *c) {
  tct_mtu_probing mode = tct_tcp_mtu_mode(s, c);
  if (c->state < TCT_ESTABLISHED)
    return;
  if (mode == TCT_MTU_PROBING_OFF && search_of(c) != NULL) {
    c->extra->mtup.on = false;
    resize(s, c);
  } else if (mode == TCT_MTU_PROBING_ALWAYS && search_of(c) == NULL) {
    tct_tcp_mtu_on_established(s, c);
  }
}

/* ---- Probes ---------------------------------------------------------------------------------- */

/* Nothing is being repaired, reported or paced around, and losses would be told. */
static bool is_calm(const tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_active *a) {
  bool holes = tct_tcp_reasm_has_news(c, a); /* SACK blocks make sizes differ */
  bool marks = a->n_eor > 0 || (c->snd.flags & TCT_SND_URGENT) != 0;
  return a->rec.phase == TCT_REC_OPEN && !holes && !marks && (c->sockf & TCT_SOCKF_NO_DF) == 0 &&
         tct_tcp_cc_segs(s, c) >= CWND_SEGS_MIN;
}

/* Halfway, or 0: the ends have met. */
static uint32_t next_size(const tct_stack *s, const struct tct_tcp_mtup *m) {
  if (m->high < m->low || m->high - m->low < s->cfg.mtu_probe_threshold)
    return 0;
  return (m->high + m->low) / 2;
}

/* Payload bytes of the probe that should go now, 0: none. *wait: none yet, and nothing else either,
 * until what is under way has made room. */
uint32_t tct_tcp_mtu_probe_len(const tct_stack *s, const struct tct_tcp *c, bool *wait) {
  const struct tct_tcp_active *a = c->active;
  const struct tct_tcp_mtup *m = search_of(c);
  *wait = false;
  if (m == NULL || m->size != 0 || a == NULL || !is_calm(s, c, a))
    return 0;
  uint32_t size = next_size(s, m), headers = header_bytes(c) + tct_tcp_options_len(c);
  if (size <= headers)
    return 0;
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t needed = size - headers + (tct_tcp_rack_reordering(s, c) + 1) * mss;
  if (tct_tcp_send_unsent(c) < needed || c->snd.wnd < needed)
    return 0;
  uint32_t out = tct_tcp_recover_pipe_segs(c);
  bool full = tct_tcp_send_window_left(c) < needed || out + 2 > tct_tcp_cc_segs(s, c);
  *wait = full && out > 0;
  return full ? 0 : size - headers;
}

void tct_tcp_mtu_on_probe_sent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end) {
  struct tct_tcp_mtup *m = search_of(c);
  m->begin = begin;
  m->end = end;
  m->size = tct_seq_len(begin, end) + header_bytes(c) + tct_tcp_options_len(c);
  tct_tcp_cc_on_probe(s, c, false); /* it is nearly two segments long */
}

bool tct_tcp_mtu_is_probe(const struct tct_tcp *c, tct_seq begin) {
  const struct tct_tcp_mtup *m = search_of(c);
  return m != NULL && m->size != 0 && m->begin == begin;
}

/* It arrived: segments are as large from here on, and the window is as many bytes as before. */
static void on_success(tct_stack *s, struct tct_tcp *c, struct tct_tcp_mtup *m) {
  uint32_t before = tct_tcp_send_mss(s, c) + header_bytes(c) + tct_tcp_options_len(c);
  m->low = m->size;
  m->size = 0;
  s->n.TCPMTUPSuccess++;
  tct_tcp_cc_on_probed(s, c, before, m->low);
  resize(s, c);
}

/* Later the path may be another one; what the own interface carries is still all (RFC 4821 7.3). */
static void search_again(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_mtup *m) {
  uint32_t now_ms = s->now_ms;
  if (next_size(s, m) != 0 ||
      tct_ms32_since(now_ms, m->since_ms) < s->cfg.mtu_probe_interval_s * 1000)
    return;
  m->low = tct_tcp_send_mss(s, c) + header_bytes(c) + tct_tcp_options_len(c);
  m->high = tct_min_u32(mss_allowed(c) + header_bytes(c), s->ifs[c->ifi].cfg.mtu);
  m->since_ms = now_ms;
}

void tct_tcp_mtu_on_ack(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_mtup *m = search_of(c);
  if (m == NULL)
    return;
  if (m->size != 0 && tct_seq_geq(c->snd.una, m->end))
    on_success(s, c, m);
  else if (m->size == 0)
    search_again(s, c, m);
}

/* The lowest byte that is missing is the probe's: it was too large, and that is all. True: it is to
 * be sent again in pieces, with the window as it was. */
bool tct_tcp_mtu_take_loss(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_mtup *m = search_of(c);
  if (m == NULL || m->size == 0 || c->snd.una != m->begin)
    return false;
  m->high = m->size - 1;
  m->size = 0;
  s->n.TCPMTUPFail++;
  tct_tcp_cc_on_probe(s, c, true);
  return true;
}

/* Something went again before the probe was answered: it proves nothing then. */
void tct_tcp_mtu_on_resent(struct tct_tcp *c) {
  struct tct_tcp_mtup *m = search_of(c);
  if (m != NULL)
    m->size = 0;
}

/* ---- Black holes ----------------------------------------------------------------------------- */

/* R1 by time: as long as three expiries of the least time-out would have taken (Linux's rule). */
static bool is_silent_long(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t gone_ms = tct_ms32_since(s->now_ms, c->tmr.since_ms);
  uint32_t first_ms = (uint32_t)(tct_tcp_rtt_base_rto_ns(s, c) / 1000000);
  uint32_t r1_ms = s->cfg.rto_min_ms * ((2u << R1_RETRIES) - 1);
  return c->tmr.tries > 1 && gone_ms >= first_ms + r1_ms;
}

/* First down to what is taken to pass, then by halves. */
static void shrink(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_mtup *m = search_of(c);
  if (m == NULL) {
    m = start_search(s, c);
  } else {
    uint32_t rest = header_bytes(c) + tct_tcp_options_len(c);
    uint32_t mss = tct_min_u32(tct_sub_floor_u32(m->low, rest) / 2, s->cfg.mtu_base_mss);
    mss = tct_max_u32(tct_max_u32(mss, s->cfg.mtu_probe_floor), s->cfg.mss_min);
    m->low = mss + rest;
    m->size = 0;
  }
  if (m != NULL)
    resize(s, c);
}

/* Data is unanswered again: large packets may vanish in silence where small ones do not (RFC
 * 2923 2.1). Without the search one smaller size is tried, at R1 [RFC9293 SHLD-10]. */
void tct_tcp_mtu_on_timeout(tct_stack *s, struct tct_tcp *c, uint32_t r1) {
  bool searches = tct_tcp_mtu_mode(s, c) != TCT_MTU_PROBING_OFF;
  if (searches && is_silent_long(s, c))
    shrink(s, c);
  else if (!searches && c->tmr.tries == r1 && TCT_RULE(EP_51))
    tct_tcp_mtu_set(s, c, tct_min_u32(tct_ip_pmtu(s, c->key.raddr, c->ifi), BLACK_HOLE_MTU));
}
