/* SPDX-License-Identifier: MIT */
/*
 * tcp_fastopen_client.c - Fast Open, the opener's side: what the first SYN carries, what the answer
 * to it means, and when not to try. Called by sock/ (connect, the first send), tcp_input (SYN,ACK,
 * RST), tcp_timer (time-outs), tcp_icmp, tcp_state (the end). Leaves what servers said to
 * tcp_fastopen_cache, the data that a server did not take to tcp_recover. RFC 7413 sections 4.1.3,
 * 4.2.1, 4.3; when a black hole is suspected and for how long are Linux's rules.
 *
 * The SYN's data is a run like any other, behind the SYN's number. Should the SYN be lost, it goes
 * again alone, and the data when the server's window is known.
 */
#include "tcp/calls.h"

#define OPTIONS_RESERVE                                                                            \
  40u /* middle boxes add options: a SYN's data leaves room for all of them                        \
       */
#define PAUSE_DOUBLINGS_MAX 6u
#define BLACK_HOLE_TIMEOUTS 2u /* so many expiries before the one that tells */

static struct tct_tcp_fastopen *own(const struct tct_tcp *c) {
  return c->extra != NULL ? c->extra->fastopen : NULL;
}

/* ---- Black holes: paths that carry the SYN and nothing after it -------------------------------
 */

static bool is_paused(const tct_stack *s, struct tct_tcp_fastopen *f) {
  const struct tct_tcp_state *t = s->tcp;
  uint64_t first_s = s->cfg.fastopen_blackhole_s;
  if (first_s == 0 || t->fastopen_off_n == 0)
    return false;
  unsigned doublings = tct_min_u32(t->fastopen_off_n - 1, PAUSE_DOUBLINGS_MAX);
  if (s->now < tct_time_add(t->fastopen_off_at, TCT_S(first_s << doublings)))
    return true;
  f->flags |= TCT_FO_PROVING;
  return false;
}

static void pause(tct_stack *s) {
  if (s->cfg.fastopen_blackhole_s == 0)
    return;
  s->tcp->fastopen_off_at = s->now;
  s->tcp->fastopen_off_n++;
  s->n.TCPFastOpenBlackhole++;
}

/* The third time-out in a row, or giving up before: of a connection that Fast Open touched. */
void tct_tcp_fastopen_client_on_timeout(tct_stack *s, struct tct_tcp *c, bool gives_up) {
  const struct tct_tcp_fastopen *f = own(c);
  bool touched = f != NULL && ((f->flags & TCT_FO_ASKED) != 0 ||
                               (f->syn_len > 0 && (f->flags & TCT_FO_CHILD) == 0));
  if (touched &&
      (c->tmr.tries == BLACK_HOLE_TIMEOUTS || (c->tmr.tries < BLACK_HOLE_TIMEOUTS && gives_up)))
    pause(s);
}

/* Nothing came but a RST beyond a gap: what is in the gap was lost to a middle box. */
void tct_tcp_fastopen_client_on_stray_rst(tct_stack *s, struct tct_tcp *c) {
  if (tct_tcp_fastopen_has(c, TCT_FO_ASKED) && c->extra->data_segs_in == 0 &&
      c->state == TCT_ESTABLISHED)
    pause(s);
}

/* Or nothing but a FIN beyond a gap. If data came, the path is good. */
void tct_tcp_fastopen_client_on_end(tct_stack *s, struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (!tct_tcp_fastopen_has(c, TCT_FO_ASKED))
    return;
  if (c->extra->data_segs_in > 0) {
    if (tct_tcp_fastopen_has(c, TCT_FO_PROVING) && !s->ifs[c->ifi].cfg.loopback)
      s->tcp->fastopen_off_n = 0;
  } else if ((c->rcv.flags & TCT_RCV_FIN_OOO) != 0 && a != NULL && a->ooo.set.n <= 1) {
    pause(s);
  }
}

/* ---- The first SYN --------------------------------------------------------------------------- */

enum means { PLAIN, ASK, COOKIE, BARE }; /* BARE: data, and no option */

static enum means choose(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_fastopen *f,
                         struct tct_fastopen_known *k) {
  tct_tcp_fastopen_cache_get(s, &c->key, k);
  if (is_paused(s, f))
    return PLAIN;
  if ((s->cfg.fastopen & TCT_FASTOPEN_CLIENT_NO_COOKIE) != 0 || (f->flags & TCT_FO_NO_COOKIE) != 0)
    return BARE;
  return k->cookie_len > 0 ? COOKIE : ASK;
}

/* By the MSS that the server told last time; else by our own. [RFC7413 4.1.3] */
static uint32_t room_by(tct_stack *s, const struct tct_tcp *c, uint16_t known_mss) {
  uint32_t maxseg = c->extra->maxseg;
  uint32_t mss = tct_tcp_options_mss(s, c->key.raddr, c->ifi, maxseg);
  uint32_t headers = (uint32_t)tct_ip_header_len(c->key.raddr) + TCT_TCP_HEADER_LEN;
  uint32_t path = tct_sub_floor_u32(tct_ip_pmtu(s, c->key.raddr, c->ifi), headers);
  if (known_mss != 0)
    mss = tct_min_u32(mss, tct_max_u32(known_mss, s->cfg.mss_min));
  return tct_sub_floor_u32(tct_min_u32(mss, path), OPTIONS_RESERVE);
}

uint32_t tct_tcp_fastopen_client_room(tct_stack *s, struct tct_tcp *c) {
  struct tct_fastopen_known k;
  struct tct_tcp_fastopen *f = tct_tcp_fastopen_of(s, c);
  if (f == NULL)
    return 0;
  enum means m = choose(s, c, f, &k);
  return m == COOKIE || m == BARE ? room_by(s, c, k.mss) : 0;
}

bool tct_tcp_fastopen_client_defers(tct_stack *s, struct tct_tcp *c) {
  if (!tct_tcp_fastopen_has(c, TCT_FO_CONNECT) || tct_tcp_fastopen_client_room(s, c) == 0)
    return false;
  own(c)->flags |= TCT_FO_DEFERRED;
  return true;
}

static void set_option(struct tct_tcp_fastopen *f, enum means m,
                       const struct tct_fastopen_known *k) {
  f->flags |= TCT_FO_FIRST;
  if (m != ASK && m != COOKIE)
    return;
  bool exp = m == COOKIE ? k->exp : k->try_exp == 1;
  f->flags |= (uint16_t)(TCT_FO_OPTION | TCT_FO_ASKED | (exp ? TCT_FO_EXP : 0));
  f->cookie_len = m == COOKIE ? k->cookie_len : 0;
  memcpy(f->cookie, k->cookie, sizeof f->cookie);
}

/* Looks again: between a deferred connect and its first data a pause may have begun, or a cookie
 * have come. */
void tct_tcp_fastopen_client_launch(tct_stack *s, struct tct_tcp *c) {
  struct tct_fastopen_known k;
  struct tct_tcp_fastopen *f = own(c);
  if (f == NULL)
    return;
  f->flags &= (uint16_t)~TCT_FO_DEFERRED;
  enum means m = choose(s, c, f, &k);
  const struct tct_tcp_active *a = c->active;
  bool carries = (m == COOKIE || m == BARE) && a != NULL;
  f->syn_len = carries ? (uint16_t)tct_min_u32(tct_queue_len(&a->tx), room_by(s, c, k.mss)) : 0;
  set_option(f, m, &k);
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* [RFC7413 4.1.3.1] A server that ignores our form may know the older one, and is asked so next
 * time; if it ignores both, in the standard form again. */
static void learn(tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_fastopen *f,
                  const struct tct_tcp_opts *o) {
  struct tct_fastopen_known k;
  bool asked = (f->flags & TCT_FO_ASKED) != 0;
  bool lost = (c->open & TCT_OPEN_SYN_LOST) != 0;
  tct_tcp_fastopen_cache_get(s, &c->key, &k);
  if (o->has_mss)
    k.mss = o->mss;
  if (asked && o->has_tfo && o->tfo_len > 0) {
    k.cookie_len = o->tfo_len;
    k.exp = o->tfo_exp;
    memcpy(k.cookie, o->tfo_cookie, o->tfo_len);
  } else if (asked && !lost && !o->has_tfo && f->syn_len == 0 && k.cookie_len == 0) {
    uint8_t next = (f->flags & TCT_FO_EXP) != 0 ? 2 : 1;
    k.try_exp = next > k.try_exp ? next : k.try_exp;
  }
  tct_tcp_fastopen_cache_set(s, &c->key, &k);
}

/* The handshake is complete on our side. [RFC7413 4.2.1] */
void tct_tcp_fastopen_client_on_syn_ack(tct_stack *s, struct tct_tcp *c,
                                        const struct tct_tcp_opts *o) {
  struct tct_tcp_fastopen *f = own(c);
  if (f == NULL || ((f->flags & TCT_FO_ASKED) == 0 && f->syn_len == 0))
    return;
  learn(s, c, f, o);
  if (c->snd.una != c->snd.nxt) { /* it took the SYN, not its data, or not all */
    tct_tcp_recover_on_refused(s, c, TCT_WHY_SYN_DATA);
    s->n.TCPFastOpenActiveFail++;
  } else if (f->syn_len > 0) {
    f->flags |= TCT_FO_TAKEN;
    s->n.TCPFastOpenActive++;
  }
}

/* The SYN with its data was too large for the path: it goes again at once, alone. */
void tct_tcp_fastopen_client_on_too_big(tct_stack *s, struct tct_tcp *c, uint32_t mtu) {
  if (c->state != TCT_SYN_SENT || c->snd.nxt == tct_seq_add(c->iss, 1))
    return;
  if (s->tcp->profile->syn_mss_of_path && own(c) != NULL) {
    uint32_t headers = (uint32_t)tct_ip_header_len(c->key.raddr) + TCT_TCP_HEADER_LEN;
    uint32_t mss = tct_sub_floor_u32(mtu, headers);
    own(c)->syn_mss = (uint16_t)tct_min_u32(mss, 65535);
  }
  c->open |= TCT_OPEN_SYN_LOST;
  tct_tcp_timer_set_due(s, c, TCT_DUE_SYN);
}
