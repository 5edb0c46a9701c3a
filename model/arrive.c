/* SPDX-License-Identifier: MIT */
/*
 * SEGMENT ARRIVES where there is no connection yet: RFC 9293 sections 3.10.7.1 (CLOSED), .2
 * (LISTEN) and .3 (SYN-SENT). All else is accept.c.
 */
#include "model/model.h"

static uint8_t clamp_shift(uint8_t shift) {
  return shift > 14 ? 14 : shift; /* RFC 7323 2.3 */
}

/* What a SYN says of the peer: numbers, options, its window (never scaled in a SYN). */
static void learn_from_syn(struct model *m, const struct model_arrival *a) {
  bool ipv4 = tct_addr_is_ipv4(m->cfg.local.addr);
  const tct_seg *g = a->seg;
  uint32_t mss = g->mss != 0 ? g->mss : ipv4 ? 536u : 1220u; /* [RFC9293 MUST-15] */
  m->rcv.irs = MODEL_FIRST_TURN + g->seq;
  m->rcv.nxt = m->rcv.read = m->rcv.irs + 1;
  m->rcv.edge = m->rcv.nxt;
  if (m->state == TCT_SYN_SENT) /* our SYN has told */
    m->rcv.edge += m->cfg.rcv_buffer < 65535 ? m->cfg.rcv_buffer : 65535;
  m->snd.wnd = m->snd.wnd_max = g->window_raw;
  m->ts.on = m->cfg.timestamps && g->has_ts;
  m->ts.recent = g->tsval;
  if (m->cfg.wscale && g->wscale != 0xff) {
    m->snd.shift = clamp_shift(g->wscale);
    m->rcv.shift = m->cfg.shift;
  }
  m->snd.mss = (mss < m->cfg.mss ? mss : m->cfg.mss) - (m->ts.on ? 12u : 0u);
}

static void arrive_in_listen(struct model *m, struct model_arrival *a) {
  if (a->flags & TCT_RST)
    return;
  if (a->flags & TCT_ACK) {
    model_send_rst(m, a);
    return;
  }
  if (!(a->flags & TCT_SYN))
    return;
  model_user_forget(m);
  m->from_listen = true;
  learn_from_syn(m, a);
  m->snd.iss = m->snd.una = MODEL_FIRST_TURN + m->next_iss;
  m->snd.nxt = m->snd.iss + 1;
  m->snd.wl1 = m->rcv.irs;
  m->snd.wl2 = m->snd.iss;
  m->state = TCT_SYN_RECEIVED; /* text on the SYN is left for the peer to send again (EP-5) */
  model_send_syn(m);
}

static void arrive_in_syn_sent(struct model *m, struct model_arrival *a) {
  bool acks = (a->flags & TCT_ACK) != 0;
  a->ack = model_bytes_near(m->snd.una, a->seg->ack);
  if (acks && (a->ack <= m->snd.iss || a->ack > m->snd.nxt)) {
    if (!(a->flags & TCT_RST))
      model_send_rst(m, a);
    return;
  }
  if (a->flags & TCT_RST) {
    if (acks)
      model_user_gone(m, MODEL_REFUSED);
    return;
  }
  if (!(a->flags & TCT_SYN))
    return;
  learn_from_syn(m, a);
  a->seq = m->rcv.irs;
  m->snd.wl1 = a->seq;
  m->snd.wl2 = acks ? a->ack : m->snd.iss;
  if (!acks) {
    m->state = TCT_SYN_RECEIVED;
    model_send_syn(m);
    return;
  }
  m->snd.una = a->ack;
  m->state = TCT_ESTABLISHED;
  m->news |= MODEL_OPENED;
  model_timer_on_ack(m);
  size_t before = m->n_out;
  model_accept_rest(m, a);
  if (m->n_out == before)
    model_send_ready(m, false);
  if (m->n_out == before)
    model_send_ack(m);
}

void model_arrive(struct model *m, const tct_seg *seg, const uint8_t *payload) {
  struct model_arrival a = {.seg = seg, .payload = payload, .flags = seg->flags};
  bool syn = (seg->flags & TCT_SYN) != 0;
  a.len = (int64_t)seg->len + syn + ((seg->flags & TCT_FIN) != 0);
  a.wnd = seg->window_raw;
  a.seq = MODEL_FIRST_TURN + seg->seq;
  a.ack = MODEL_FIRST_TURN + seg->ack;
  switch (m->state) {
  case TCT_CLOSED:
    if (!(a.flags & TCT_RST))
      model_send_rst(m, &a);
    return;
  case TCT_LISTEN:
    arrive_in_listen(m, &a);
    return;
  case TCT_SYN_SENT:
    arrive_in_syn_sent(m, &a);
    return;
  default:
    a.seq = model_bytes_near(m->rcv.nxt, seg->seq);
    a.raw = a.seq;
    a.ack = model_bytes_near(m->snd.una, seg->ack);
    if (!syn)
      a.wnd = (int64_t)seg->window_raw << m->snd.shift;
    model_accept(m, &a);
  }
}
