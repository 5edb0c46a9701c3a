/* SPDX-License-Identifier: MIT */
/*
 * What the model sends: controls, new bytes as far as the peer's window and the rules against silly
 * windows let them go, old ones again, probes, and the window it tells of itself. RFC 9293 sections
 * 3.5.2, 3.8.6.1, 3.8.6.2. No congestion control.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* ---- one segment -------------------------------------------------------------------------------
 */

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* [RFC9293 MUST-39] The right edge moves by what is worth it, and never back [RFC9293 SHLD-14]. */
static model_pos next_edge(const struct model *m) {
  int64_t unread = m->rcv.nxt - m->rcv.read;
  model_pos edge = m->rcv.nxt + (int64_t)m->cfg.rcv_buffer - unread;
  int64_t step = least((int64_t)m->cfg.rcv_buffer / 2, m->snd.mss);
  return edge - m->rcv.edge >= step ? edge : m->rcv.edge;
}

static uint16_t window_field(const struct model *m, bool syn) {
  uint8_t shift = syn ? 0 : m->rcv.shift;
  int64_t wnd = (m->rcv.edge - m->rcv.nxt) >> shift;
  return (uint16_t)least(wnd, 65535);
}

static void set_options(struct model *m, tct_seg *g) {
  bool syn = (g->flags & TCT_SYN) != 0, first = (g->flags & TCT_ACK) == 0;
  g->wscale = 0xff;
  if (g->flags & TCT_RST)
    return;
  if (syn) {
    g->mss = (uint16_t)m->cfg.mss;
    if (m->cfg.wscale && (first || m->rcv.shift != 0))
      g->wscale = m->cfg.shift;
  }
  g->has_ts = m->ts.on || (syn && first && m->cfg.timestamps);
  if (g->has_ts) {
    g->tsval = (uint32_t)(m->now / 1000000);
    g->tsecr = (g->flags & TCT_ACK) ? m->ts.recent : 0;
  }
}

static void put_segment(struct model *m, const tct_seg *g, const uint8_t *payload) {
  if (m->n_out == m->cap_out) {
    m->cap_out = m->cap_out ? 2 * m->cap_out : 16;
    m->out = realloc(m->out, m->cap_out * sizeof m->out[0]);
  }
  struct model_segment *s = m->out + m->n_out++;
  s->seg = *g;
  s->payload = NULL;
  if (g->len == 0)
    return;
  s->payload = malloc(g->len);
  memcpy(s->payload, payload, g->len);
}

static tct_seg make_segment(const struct model *m, uint8_t flags) {
  tct_seg g;
  memset(&g, 0, sizeof g);
  g.src = m->cfg.local.addr;
  g.dst = m->cfg.remote.addr;
  g.sport = m->cfg.local.port;
  g.dport = m->cfg.remote.port;
  g.flags = flags;
  g.wscale = 0xff;
  return g;
}

static void send_at(struct model *m, uint8_t flags, model_pos seq, uint32_t len) {
  tct_seg g = make_segment(m, flags);
  bool syn = (flags & TCT_SYN) != 0;
  const uint8_t *payload = len > 0 ? m->tx.at + (seq - m->snd.iss - 1) : NULL;
  g.seq = (uint32_t)(seq & 0xffffffff);
  g.len = len;
  if (flags & TCT_ACK) {
    m->rcv.edge = next_edge(m);
    g.ack = (uint32_t)(m->rcv.nxt & 0xffffffff);
    g.window_raw = window_field(m, syn);
    m->ts.last_ack_sent = m->rcv.nxt;
  } else if (syn) {
    g.window_raw = (uint16_t)least(m->cfg.rcv_buffer, 65535);
  }
  set_options(m, &g);
  put_segment(m, &g, payload);
}

/* ---- controls ----------------------------------------------------------------------------------
 */

void model_send_syn(struct model *m) {
  uint8_t flags = m->state == TCT_SYN_SENT ? TCT_SYN : TCT_SYN | TCT_ACK;
  bool again = m->tmr.rexmit != TCT_NEVER;
  send_at(m, flags, m->snd.iss, 0);
  model_timer_on_sent(m, m->snd.iss + 1, again);
}

void model_send_ack(struct model *m) {
  send_at(m, TCT_ACK, m->snd.nxt, 0);
}

/* Section 3.10.7.1: from an ACK its number, else one that covers the segment. */
void model_send_rst(struct model *m, const struct model_arrival *a) {
  bool acks = (a->flags & TCT_ACK) != 0;
  tct_seg g = make_segment(m, acks ? TCT_RST : TCT_RST | TCT_ACK);
  if (acks)
    g.seq = a->seg->ack;
  else
    g.ack = (uint32_t)((a->seq + a->len) & 0xffffffff);
  put_segment(m, &g, NULL);
}

void model_send_abort(struct model *m) {
  send_at(m, TCT_RST | TCT_ACK, m->snd.nxt, 0);
}

/* ---- bytes -------------------------------------------------------------------------------------
 */

model_pos model_send_end(const struct model *m) {
  return m->snd.iss + 1 + (model_pos)m->tx.n;
}

bool model_send_is_waiting(const struct model *m) {
  return m->snd.nxt < model_send_end(m) || (m->snd.fin_asked && !m->snd.fin_sent);
}

static bool may_send(const struct model *m) {
  switch (m->state) {
  case TCT_ESTABLISHED:
  case TCT_FIN_WAIT_1:
  case TCT_CLOSE_WAIT:
  case TCT_CLOSING: /* with bytes still before the FIN */
  case TCT_LAST_ACK:
    return !m->snd.fin_sent;
  default:
    return false;
  }
}

/* [RFC9293 MUST-38] Nagle's rule is off here: each write counts as pushed, and what the RFC puts in
 * brackets (nothing is under way) is not asked. */
static bool is_worth_sending(const struct model *m, int64_t n, int64_t waiting) {
  return n >= m->snd.mss || n == waiting || 2 * n >= m->snd.wnd_max;
}

static void send_new(struct model *m, int64_t n, bool fin) {
  model_pos seq = m->snd.nxt;
  uint8_t flags = TCT_ACK;
  if (n > 0)
    flags |= TCT_PSH;
  if (fin)
    flags |= TCT_FIN;
  m->snd.nxt += n + fin;
  m->snd.fin_sent = fin;
  if (fin && m->state == TCT_CLOSE_WAIT)
    m->state = TCT_LAST_ACK;
  send_at(m, flags, seq, (uint32_t)n);
  model_timer_on_sent(m, m->snd.nxt, false);
}

static void plan_persist(struct model *m) {
  bool needed = may_send(m) && model_send_is_waiting(m) && m->snd.una == m->snd.nxt;
  if (!needed)
    m->tmr.persist = TCT_NEVER;
  else if (m->tmr.persist == TCT_NEVER)
    m->tmr.persist = m->now + (m->snd.wnd == 0 ? m->tmr.rto : 500000000u);
}

void model_send_ready(struct model *m, bool override) {
  while (may_send(m) && model_send_is_waiting(m)) {
    int64_t waiting = model_send_end(m) - m->snd.nxt;
    int64_t usable = m->snd.una + m->snd.wnd - m->snd.nxt;
    int64_t n = least(least(waiting, usable), m->snd.mss);
    bool fin = m->snd.fin_asked && n == waiting && usable > n;
    if (n < 0 || (n == 0 && !fin))
      break;
    if (n > 0 && !is_worth_sending(m, n, waiting) && !override)
      break;
    send_new(m, n, fin);
  }
  plan_persist(m);
}

/* The first segment of the queue, as the numbers stand now. */
void model_send_again(struct model *m) {
  if (m->snd.una == m->snd.iss) { /* the SYN, whatever the state has become by a close */
    model_send_syn(m);
    return;
  }
  int64_t bytes = least(m->snd.nxt, model_send_end(m)) - m->snd.una;
  int64_t n = least(bytes, m->snd.mss);
  if (m->snd.wnd < n)
    n = m->snd.wnd > 0 ? m->snd.wnd : least(n, 1); /* [RFC9293 SHLD-16] */
  bool fin = m->snd.fin_sent && n == bytes;
  uint8_t flags = fin ? TCT_ACK | TCT_FIN : TCT_ACK | TCT_PSH;
  send_at(m, flags, m->snd.una, (uint32_t)n);
  model_timer_on_sent(m, m->snd.una + n + fin, true);
}

/* [RFC9293 MUST-36] One octet, or the FIN, whatever the window says. */
void model_send_probe(struct model *m) {
  int64_t waiting = model_send_end(m) - m->snd.nxt;
  if (m->snd.wnd > 0)
    model_send_ready(m, true);
  else
    send_new(m, least(waiting, 1), waiting == 0);
}

void model_send_window(struct model *m) {
  bool heard =
      m->state == TCT_ESTABLISHED || m->state == TCT_FIN_WAIT_1 || m->state == TCT_FIN_WAIT_2;
  if (heard && next_edge(m) > m->rcv.edge)
    model_send_ack(m);
}

void model_send_clear(struct model *m) {
  for (size_t i = 0; i < m->n_out; i++)
    free(m->out[i].payload);
  m->n_out = 0;
}
