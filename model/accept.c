/* SPDX-License-Identifier: MIT */
/*
 * SEGMENT ARRIVES in all other states: RFC 9293 section 3.10.7.4, its eight steps in their order,
 * with RFC 5961's challenge ACKs and RFC 7323's test of timestamps. Called by arrive.c.
 */
#include "model/model.h"

/* ---- first step: the four cases ---------------------------------------------------------------
 */

static bool is_inside(const struct model *m, model_pos at) {
  return m->rcv.nxt <= at && at < m->rcv.edge;
}

static bool is_acceptable(const struct model *m, const struct model_arrival *a) {
  int64_t wnd = m->rcv.edge - m->rcv.nxt;
  if (a->len == 0 && wnd == 0)
    return a->seq == m->rcv.nxt;
  if (a->len == 0)
    return is_inside(m, a->seq);
  if (wnd == 0)
    return false;
  return is_inside(m, a->seq) || is_inside(m, a->seq + a->len - 1);
}

/* With no window a segment at the left edge still counts for its ACK, URG and RST
 * [RFC9293 MUST-66, EP-15]: it is taken as if it were empty, but answered. */
static bool is_probe_of_shut_window(const struct model *m, const struct model_arrival *a) {
  return m->rcv.edge == m->rcv.nxt && a->seq == m->rcv.nxt && a->len > 0;
}

/* RFC 7323 5.3 R1. False: dropped. */
static bool passes_timestamps(struct model *m, const struct model_arrival *a) {
  if (!m->ts.on || (a->flags & TCT_RST))
    return true;
  if (!a->seg->has_ts)
    return (a->flags & TCT_SYN) != 0; /* RFC 7323 3.2: silence; a SYN comes from a new peer */
  uint32_t age = (uint32_t)(((uint64_t)m->ts.recent + (1ull << 32) - a->seg->tsval) & 0xffffffffu);
  if (age != 0 && age < 0x80000000u) {
    model_send_ack(m);
    return false;
  }
  return true;
}

/* RFC 7323 5.3 R3; what is dropped for its SYN, for want of an ACK, or
 * for a wrong ACK before the handshake is over, tells nothing. */
static void note_timestamp(struct model *m, const struct model_arrival *a) {
  if (m->ts.on && a->seg->has_ts && a->seq <= m->ts.last_ack_sent)
    m->ts.recent = a->seg->tsval;
}

/* ---- second step: RST -------------------------------------------------------------------------
 */

static void take_rst(struct model *m, const struct model_arrival *a) {
  if (m->state == TCT_TIME_WAIT) /* RFC 1337 3 (F1): the wait is not cut short */
    return;
  if (a->seq != m->rcv.nxt) {
    if (is_inside(m, a->seq))
      model_send_ack(m); /* RFC 5961 3.2 (3) */
    return;
  }
  switch (m->state) {
  case TCT_SYN_RECEIVED: /* [RFC9293 MUST-11] */
    model_user_gone(m, m->from_listen ? 0 : MODEL_REFUSED);
    return;
  case TCT_CLOSING:
  case TCT_LAST_ACK:
    model_user_gone(m, 0);
    return;
  default:
    model_user_gone(m, MODEL_RESET);
  }
}

/* ---- fourth step: SYN -------------------------------------------------------------------------
 */

/* RFC 6191 section 2: timestamps tell new from old, else the number (MAY-2). */
static bool may_open_anew(const struct model *m, const struct model_arrival *a) {
  if (!m->listening)
    return false;
  if (!a->seg->has_ts || !m->cfg.timestamps)
    return a->seq >= m->rcv.nxt;
  if (!m->ts.on)
    return true;
  uint32_t ahead = (uint32_t)((a->seg->tsval + (1ull << 32) - m->ts.recent) & 0xffffffffu);
  return ahead != 0 ? ahead < 0x80000000u : a->seq >= m->rcv.nxt;
}

/* True: it was such a SYN. */
static bool take_syn_in_time_wait(struct model *m, const struct model_arrival *a) {
  uint8_t bits = TCT_SYN | TCT_ACK | TCT_RST | TCT_FIN;
  if (m->state != TCT_TIME_WAIT || (a->flags & bits) != TCT_SYN)
    return false;
  if (may_open_anew(m, a)) {
    struct model_parked old = {true, m->snd, m->rcv, m->ts, m->tmr.time_wait};
    model_user_gone(m, 0);
    model_arrive(m, a->seg, a->payload);
    m->parked = old;
  }
  return true;
}

/* The peer's SYN once more, in SYN-RECEIVED. With an ACK it is the end of a simultaneous open
 * (figure 8), without one an old duplicate, however much else it carries: trimmed to the window it
 * is no SYN any more. True: it was that, and is done with. */
static bool take_syn_again(struct model *m, struct model_arrival *a) {
  if (m->state != TCT_SYN_RECEIVED || !(a->flags & TCT_SYN) || a->seq != m->rcv.irs)
    return false;
  if ((a->flags & TCT_ACK) && !m->from_listen) {
    a->flags &= (uint8_t)~TCT_SYN;
    a->seq++;
    a->len--;
    return false;
  }
  if (m->from_listen && !(a->flags & TCT_ACK)) /* sent later, from the left edge: RFC 7323 5.3 R3 */
    note_timestamp(m, a);
  model_send_ack(m);
  return true;
}

/* ---- fifth step: ACK --------------------------------------------------------------------------
 */

static bool is_fin_acked(const struct model *m) {
  return m->snd.fin_sent && m->snd.una > model_send_end(m);
}

/* What acknowledges more than any before it is newer, too, whatever its number [RFC9293 EP-47]. */
static void take_window(struct model *m, const struct model_arrival *a, bool more) {
  bool newer = more || m->snd.wl1 < a->raw || (m->snd.wl1 == a->raw && m->snd.wl2 <= a->ack);
  if (a->ack < m->snd.una || !newer)
    return;
  m->snd.wnd = a->wnd;
  m->snd.wnd_max = a->wnd > m->snd.wnd_max ? a->wnd : m->snd.wnd_max;
  m->snd.wl1 = a->raw > m->snd.wl1 ? a->raw : m->snd.wl1;
  m->snd.wl2 = a->ack;
}

/* Also after a CLOSE in SYN-RECEIVED: FIN-WAIT-1 has come, the handshake is not over.
 * False: the segment is dropped. */
static bool take_ack_of_syn(struct model *m, const struct model_arrival *a) {
  if (a->ack <= m->snd.una || a->ack > m->snd.nxt) {
    model_send_rst(m, a);
    return false;
  }
  m->state = m->snd.fin_asked ? TCT_FIN_WAIT_1 : TCT_ESTABLISHED;
  m->parked.held = false;
  m->news |= MODEL_OPENED;
  m->snd.wl1 = a->raw > m->rcv.irs ? a->raw : m->rcv.irs; /* before its ISN no peer numbers */
  m->snd.wl2 = a->ack;
  m->snd.wnd = a->wnd;
  m->snd.wnd_max = a->wnd > m->snd.wnd_max ? a->wnd : m->snd.wnd_max;
  return true;
}

static void follow_fin_acked(struct model *m) {
  if (m->state == TCT_FIN_WAIT_1) {
    m->state = TCT_FIN_WAIT_2;
    if (m->deaf)
      m->tmr.fin_wait_2 = m->now + 60000000000u;
  } else if (m->state == TCT_CLOSING) {
    model_timer_time_wait(m);
  } else if (m->state == TCT_LAST_ACK) {
    model_user_gone(m, 0);
  }
}

static bool take_ack(struct model *m, const struct model_arrival *a) {
  if (!(a->flags & TCT_ACK))
    return false;
  if (m->snd.una == m->snd.iss && !take_ack_of_syn(m, a))
    return false;
  if (a->ack > m->snd.nxt || a->ack < m->snd.una - m->snd.wnd_max) { /* RFC 5961 5.2 */
    model_send_ack(m);
    return false;
  }
  bool more = a->ack > m->snd.una;
  if (more)
    m->snd.una = a->ack;
  take_window(m, a, more);
  if (more || m->snd.wnd == 0)
    model_timer_on_ack(m);
  if (is_fin_acked(m))
    follow_fin_acked(m);
  return m->state != TCT_CLOSED && m->state != TCT_LISTEN;
}

/* ---- sixth to eighth step: URG, text, FIN -----------------------------------------------------
 */

static bool takes_text(const struct model *m) {
  return m->state == TCT_ESTABLISHED || m->state == TCT_FIN_WAIT_1 || m->state == TCT_FIN_WAIT_2;
}

static void take_urgent(struct model *m, const struct model_arrival *a) {
  model_pos up = a->seq + a->seg->urgent;
  if (!(a->flags & TCT_URG) || !takes_text(m) || up <= m->rcv.up || up <= m->rcv.read)
    return;
  m->rcv.up = up;
  m->news |= MODEL_URGENT;
}

/* What is new and inside goes to its place; what is beyond a gap waits there [RFC9293 SHLD-31]. */
static void take_text(struct model *m, const struct model_arrival *a, model_pos at) {
  model_pos end = at + (model_pos)a->seg->len, first = m->rcv.irs + 1;
  model_pos from = at < m->rcv.nxt ? m->rcv.nxt : at;
  model_pos to = end > m->rcv.edge ? m->rcv.edge : end;
  if (m->rcv.fin != 0 && to > m->rcv.fin)
    to = m->rcv.fin;
  if (from < to)
    model_bytes_put(&m->rx, (size_t)(from - first), a->payload + (from - at), (size_t)(to - from));
  if ((a->flags & TCT_FIN) && end < m->rcv.edge && (m->rcv.fin == 0 || end < m->rcv.fin))
    m->rcv.fin = end;
  m->rcv.nxt = first + (model_pos)model_bytes_whole(&m->rx, (size_t)(m->rcv.nxt - first));
  if (m->rcv.fin != 0 && m->rcv.nxt > m->rcv.fin)
    m->rcv.nxt = m->rcv.fin;
}

static void take_fin(struct model *m) {
  if (m->rcv.fin == 0 || m->rcv.nxt != m->rcv.fin)
    return;
  m->rcv.nxt++;
  m->news |= MODEL_EOF;
  switch (m->state) {
  case TCT_SYN_RECEIVED:
  case TCT_ESTABLISHED:
    m->state = TCT_CLOSE_WAIT;
    return;
  case TCT_FIN_WAIT_1: /* had our FIN been acknowledged, this were FIN-WAIT-2 */
    m->state = TCT_CLOSING;
    return;
  case TCT_FIN_WAIT_2:
    model_timer_time_wait(m);
    return;
  default:
    return;
  }
}

static bool has_new_text(const struct model *m, const struct model_arrival *a, model_pos at) {
  bool behind_fin = m->rcv.fin != 0 && at >= m->rcv.fin;
  return takes_text(m) && a->seg->len > 0 && at + (model_pos)a->seg->len > m->rcv.nxt &&
         !behind_fin;
}

void model_accept_rest(struct model *m, struct model_arrival *a) {
  model_pos at = a->seq + ((a->flags & TCT_SYN) != 0);
  take_urgent(m, a);
  if (a->seg->len == 0 && !(a->flags & TCT_FIN))
    return;
  if (m->deaf && has_new_text(m, a, at)) {
    model_send_abort(m); /* [RFC9293 SHLD-3] */
    model_user_gone(m, 0);
    return;
  }
  if (!takes_text(m)) /* nothing can follow a FIN: neither text nor another FIN [RFC9293 EP-35] */
    return;
  take_text(m, a, at);
  take_fin(m);
  size_t before = m->n_out;
  model_send_ready(m, false);
  if (m->n_out == before)
    model_send_ack(m);
}

void model_accept(struct model *m, struct model_arrival *a) {
  bool rst = (a->flags & TCT_RST) != 0;
  if (take_syn_in_time_wait(m, a) || !passes_timestamps(m, a))
    return;
  if (rst) { /* by its number alone, however much it carries [RFC9293 SHLD-2] */
    take_rst(m, a);
    return;
  }
  if (take_syn_again(m, a))
    return;
  bool probe = is_probe_of_shut_window(m, a);
  if (!is_acceptable(m, a) && !probe) {
    model_send_ack(m);
    if (m->state == TCT_TIME_WAIT && (a->flags & TCT_FIN))
      model_timer_time_wait(m); /* [RFC9293 EP-31] */
    return;
  }
  if (a->flags & TCT_SYN) {
    if (m->state == TCT_SYN_RECEIVED && m->from_listen)
      model_user_gone(m, 0); /* [RFC9293 EP-22] */
    else
      model_send_ack(m); /* RFC 5961 4.2 */
    return;
  }
  bool half_open = m->state == TCT_SYN_RECEIVED && m->from_listen;
  if ((a->flags & TCT_ACK) && !(half_open && a->ack != m->snd.nxt))
    note_timestamp(m, a);
  size_t before = m->n_out;
  if (!take_ack(m, a))
    return;
  if (probe) {
    take_urgent(m, a);
    model_send_ack(m);
    return;
  }
  model_accept_rest(m, a);
  if (m->n_out == before)
    model_send_ready(m, false);
}
