/* SPDX-License-Identifier: MIT */
/*
 * The model's calls: RFC 9293 sections 3.10.1 to 3.10.6, state by state as they stand there.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

void model_user_forget(struct model *m) {
  model_bytes_clear(&m->tx);
  model_bytes_clear(&m->rx);
  memset(&m->snd, 0, sizeof m->snd);
  memset(&m->rcv, 0, sizeof m->rcv);
  memset(&m->ts, 0, sizeof m->ts);
  m->deaf = m->from_listen = false;
  m->news = 0;
  model_timer_init(m);
}

void model_user_init(struct model *m, const struct model_config *c) {
  memset(m, 0, sizeof *m);
  m->cfg = *c;
  m->state = TCT_CLOSED;
  model_user_forget(m);
}

void model_user_deinit(struct model *m) {
  model_user_forget(m);
  model_send_clear(m);
  free(m->out);
}

void model_user_gone(struct model *m, unsigned news) {
  bool waits_again = m->state == TCT_SYN_RECEIVED && m->parked.held && m->now < m->parked.until;
  m->news |= news;
  m->state = m->listening ? TCT_LISTEN : TCT_CLOSED;
  m->tmr.rexmit = m->tmr.persist = m->tmr.time_wait = m->tmr.fin_wait_2 = TCT_NEVER;
  if (waits_again) {
    m->snd = m->parked.snd;
    m->rcv = m->parked.rcv;
    m->ts = m->parked.ts;
    m->state = TCT_TIME_WAIT;
    m->tmr.time_wait = m->parked.until;
  }
  m->parked.held = false;
}

void model_user_listen(struct model *m) {
  m->listening = true;
  m->state = TCT_LISTEN;
}

void model_user_connect(struct model *m) {
  model_user_forget(m);
  m->snd.iss = m->snd.una = MODEL_FIRST_TURN + m->next_iss;
  m->snd.nxt = m->snd.iss + 1;
  m->state = TCT_SYN_SENT;
  model_send_syn(m);
}

int model_user_send(struct model *m, const void *bytes, size_t n) {
  switch (m->state) {
  case TCT_SYN_SENT:
  case TCT_SYN_RECEIVED:
  case TCT_ESTABLISHED:
  case TCT_CLOSE_WAIT:
    break;
  default:
    return TCT_EPIPE;
  }
  if (m->snd.fin_asked)
    return TCT_EPIPE;
  model_bytes_put(&m->tx, m->tx.n, bytes, n);
  model_send_ready(m, false);
  return TCT_OK;
}

size_t model_user_receive(struct model *m, void *to, size_t n) {
  model_pos first = m->rcv.irs + 1;
  size_t whole = model_bytes_whole(&m->rx, (size_t)(m->rcv.read - first));
  size_t at = (size_t)(m->rcv.read - first);
  if (m->rcv.irs == 0)
    return 0;
  if (m->rcv.fin != 0 && first + (model_pos)whole > m->rcv.fin)
    whole = (size_t)(m->rcv.fin - first);
  if (n > whole - at)
    n = whole - at;
  if (n > 0)
    memcpy(to, m->rx.at + at, n);
  m->rcv.read += (model_pos)n;
  if (n > 0)
    model_send_window(m);
  return n;
}

int model_user_close(struct model *m) {
  if (m->snd.fin_asked)
    return TCT_EPIPE;
  switch (m->state) {
  case TCT_LISTEN:
  case TCT_SYN_SENT:
    m->listening = false;
    model_user_gone(m, 0);
    return TCT_OK;
  case TCT_SYN_RECEIVED: /* with bytes queued the FIN waits for ESTABLISHED */
    m->snd.fin_asked = true;
    if (m->tx.n == 0)
      m->state = TCT_FIN_WAIT_1;
    break;
  case TCT_ESTABLISHED:
    m->snd.fin_asked = true;
    m->state = TCT_FIN_WAIT_1;
    break;
  case TCT_CLOSE_WAIT: /* LAST-ACK when the FIN leaves */
    m->snd.fin_asked = true;
    break;
  default:
    return TCT_EPIPE;
  }
  model_send_ready(m, false);
  return TCT_OK;
}

/* Bytes that nobody will read: the peer has to know [RFC9293 SHLD-3]. */
static bool has_unread(const struct model *m) {
  model_pos end = m->rcv.fin != 0 && m->rcv.fin < m->rcv.nxt ? m->rcv.fin : m->rcv.nxt;
  return end > m->rcv.read;
}

int model_user_close_both(struct model *m) {
  bool open = m->state == TCT_ESTABLISHED || m->state == TCT_FIN_WAIT_1 ||
              m->state == TCT_FIN_WAIT_2 || (m->state == TCT_CLOSE_WAIT && !m->snd.fin_asked);
  if (has_unread(m) && open) { /* in CLOSING and LAST-ACK an ABORT sends none (3.10.5) */
    model_send_abort(m);
    model_user_gone(m, 0);
    return TCT_OK;
  }
  m->deaf = true;
  if (m->state == TCT_FIN_WAIT_2)
    m->tmr.fin_wait_2 = m->now + 60000000000u;
  return model_user_close(m);
}

void model_user_abort(struct model *m) {
  switch (m->state) {
  case TCT_SYN_RECEIVED:
  case TCT_ESTABLISHED:
  case TCT_FIN_WAIT_1:
  case TCT_FIN_WAIT_2:
  case TCT_CLOSE_WAIT:
    model_send_abort(m);
    break;
  case TCT_CLOSING: /* LAST-ACK begins when the FIN has left, and so should this one */
    if (!m->snd.fin_sent)
      model_send_abort(m);
    break;
  case TCT_TIME_WAIT: /* "respond with ok, delete the TCB" is left out: the wait goes on */
    return;
  default:
    break;
  }
  model_user_gone(m, 0);
}
