/* SPDX-License-Identifier: MIT */
/*
 * tcp_state.c - the states of a connection: the table of legal moves, the one place that assigns
 * `state`, and the calls and facts that end a life. Called by tcp_input (FIN, RST), tcp_timer
 * (time-outs), sock/ (CLOSE, ABORT). Leaves segments to tcp_plan and news to sock_event. RFC 9293
 * sections 3.3.2, 3.6, 3.10.4, 3.10.5.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

#define BIT(st) (1u << (st))

/* RFC 9293 figure 5, and what RFC 5961 and time-outs add: from any state to CLOSED. */
static const uint16_t moves[TCT_STATE_COUNT] = {
    [TCT_CLOSED] = BIT(TCT_LISTEN) | BIT(TCT_SYN_SENT) | BIT(TCT_SYN_RECEIVED),
    [TCT_LISTEN] = BIT(TCT_CLOSED),
    [TCT_SYN_SENT] = BIT(TCT_SYN_RECEIVED) | BIT(TCT_ESTABLISHED) | BIT(TCT_CLOSED),
    [TCT_SYN_RECEIVED] =
        BIT(TCT_ESTABLISHED) | BIT(TCT_FIN_WAIT_1) | BIT(TCT_CLOSE_WAIT) | BIT(TCT_CLOSED),
    [TCT_ESTABLISHED] = BIT(TCT_FIN_WAIT_1) | BIT(TCT_CLOSE_WAIT) | BIT(TCT_CLOSED),
    [TCT_FIN_WAIT_1] =
        BIT(TCT_FIN_WAIT_2) | BIT(TCT_CLOSING) | BIT(TCT_TIME_WAIT) | BIT(TCT_CLOSED),
    [TCT_FIN_WAIT_2] = BIT(TCT_TIME_WAIT) | BIT(TCT_CLOSED),
    [TCT_CLOSE_WAIT] = BIT(TCT_LAST_ACK) | BIT(TCT_CLOSED),
    [TCT_CLOSING] = BIT(TCT_TIME_WAIT) | BIT(TCT_CLOSED),
    [TCT_LAST_ACK] = BIT(TCT_CLOSED),
    [TCT_TIME_WAIT] = BIT(TCT_CLOSED),
};

/* What SNMP calls CurrEstab. */
static unsigned is_counted(unsigned st) {
  return (BIT(TCT_ESTABLISHED) | BIT(TCT_CLOSE_WAIT)) >> st & 1u;
}

void tct_tcp_state_set(tct_stack *s, struct tct_tcp *c, tct_state to, tct_why why) {
  tct_state from = (tct_state)c->state;
  if (from == to)
    return;
  TCT_ASSERT((moves[from] & BIT(to)) != 0);
  s->n.CurrEstab += is_counted(to);
  s->n.CurrEstab -= is_counted(from);
  if (to == TCT_CLOSED && (from == TCT_SYN_SENT || from == TCT_SYN_RECEIVED))
    s->n.AttemptFails++;
  c->state = (uint8_t)to;
  if (why != TCT_WHY_NONE && tct_stack_traces(s)) /* a child of the SYN cache was traced there */
    tct_tcp_trace_state(
        s, (struct tct_tcp_who){.key = &c->key, .sock = tct_tcp_block_handle(c), .ifi = c->ifi},
        from, to, why);
}

/* Nothing more leaves or is awaited; what was received stays readable. */
static void fall_silent(tct_stack *s, struct tct_tcp *c) {
  if ((c->sockf & (TCT_SOCKF_CLOSED | TCT_SOCKF_DONE)) ==
      TCT_SOCKF_CLOSED) /* not again after TIME-WAIT */
    s->n.OrphansNow--;
  tct_tcp_fastopen_release(s, c, false);
  tct_tcp_fastopen_client_on_end(s, c);
  tct_tcp_timer_stop(s, c);
  tct_list_remove(&c->ready);
  tct_tcp_demux_remove(s, c);
  if ((c->sockf & TCT_SOCKF_CLOSED) != 0)
    tct_tcp_block_drop_active(s, c);
  else
    tct_tcp_send_drop(s, c);
  tct_tcp_block_settle(s, c);
}

void tct_tcp_state_end(tct_stack *s, struct tct_tcp *c, int err, tct_why why) {
  if (c->state == TCT_CLOSED)
    return;
  if (err == TCT_ECONNRESET && is_counted(c->state) != 0)
    s->n.EstabResets++;
  bool was_over = c->state == TCT_TIME_WAIT; /* the record took over and the application knows */
  tct_tcp_state_set(s, c, TCT_CLOSED, why);
  if (was_over)
    return;
  fall_silent(s, c);
  tct_sock_event_done(s, c, err, why);
}

/* TIME-WAIT is a record of its own from the first moment, so that it costs 64 bytes and the
 * connection's block is free as soon as the application has taken its data and its last event. If
 * the table is full the wait is cut short, and counted. [RFC9293 MUST-13] */
void tct_tcp_state_time_wait(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_state_set(s, c, TCT_TIME_WAIT, TCT_WHY_ACK_FIN);
  if (tct_tcp_recv_is_owing(c))
    tct_tcp_output_ack_now(s, c, TCT_WHY_ACK_FIN); /* while there is a connection to say it */
  if (!TCT_RULE(MUST_13) || !tct_tcp_timewait_add(s, c))
    s->n.TCPTimeWaitOverflow++;
  fall_silent(s, c);
  tct_sock_event_done(s, c, 0, TCT_WHY_CLOSED);
}

/* [RFC9293 EP-37] [RFC9293 EP-38] Our own FIN's acknowledgment, if this segment had it, was seen in
 * step 5. */
void tct_tcp_state_on_fin_received(tct_stack *s, struct tct_tcp *c) {
  switch (c->state) {
  case TCT_SYN_RECEIVED:
  case TCT_ESTABLISHED:
    tct_tcp_state_set(s, c, TCT_CLOSE_WAIT, TCT_WHY_ACK_FIN);
    break;
  case TCT_FIN_WAIT_1:
    if (TCT_PLANT(SIMULTANEOUS_CLOSE_LOST))
      break;
    tct_tcp_state_set(s, c, TCT_CLOSING, TCT_WHY_ACK_FIN);
    break;
  case TCT_FIN_WAIT_2:
    tct_tcp_state_time_wait(s, c);
    break;
  default:
    break;
  }
}

/* [RFC9293 EP-29] [RFC9293 EP-30] */
void tct_tcp_state_on_fin_acked(tct_stack *s, struct tct_tcp *c) {
  switch (c->state) {
  case TCT_FIN_WAIT_1:
    tct_tcp_state_set(s, c, TCT_FIN_WAIT_2, TCT_WHY_FIN);
    break;
  case TCT_CLOSING:
    tct_tcp_state_time_wait(s, c);
    break;
  case TCT_LAST_ACK:
    tct_tcp_state_end(s, c, 0, TCT_WHY_CLOSED);
    break;
  default:
    break;
  }
}

/* With Fast Open data does not wait: close ends the stream behind it at once, shutdown after the
 * handshake (Linux's way). */
static bool may_fin_early(const struct tct_tcp *c) {
  if (tct_tcp_fastopen_is_early(c))
    return (c->sockf & TCT_SOCKF_CLOSED) != 0;
  return tct_tcp_send_unsent(c) == 0;
}

/* This side sends no more: FIN follows what is queued. [RFC9293 EP-40] */
void tct_tcp_state_shut_send(tct_stack *s, struct tct_tcp *c) {
  switch (c->state) {
  case TCT_SYN_SENT:
    tct_tcp_state_end(s, c, 0, TCT_WHY_CLOSED_LOCAL);
    return;
  case TCT_SYN_RECEIVED: /* queued data must wait for ESTABLISHED, a FIN alone need not */
    c->snd.flags |= TCT_SND_FIN_WANTED;
    if (may_fin_early(c))
      tct_tcp_state_set(s, c, TCT_FIN_WAIT_1, TCT_WHY_FIN);
    break;
  case TCT_ESTABLISHED:
    if (TCT_PLANT(CLOSE_DROPS_QUEUE) && tct_tcp_send_flight(c) == 0)
      tct_tcp_send_drop(s, c);
    c->snd.flags |= TCT_SND_FIN_WANTED;
    tct_tcp_state_set(s, c, TCT_FIN_WAIT_1, TCT_WHY_FIN);
    break;
  case TCT_CLOSE_WAIT:
    c->snd.flags |= TCT_SND_FIN_WANTED;
    tct_tcp_state_set(s, c, TCT_LAST_ACK, TCT_WHY_FIN);
    break;
  default:
    return;
  }
  tct_tcp_output_wake(s, c);
}

static bool has_unread(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a != NULL && tct_seq_lt(a->rx.begin, tct_tcp_reasm_data_end(c));
}

/* Close ends reading too: what comes later is answered by RST [RFC9293 MAY-1]; shutdown ends one
 * side alone. */
void tct_tcp_state_close(tct_stack *s, struct tct_tcp *c) {
  if ((c->sockf & TCT_SOCKF_CLOSED) != 0)
    return;
  bool unread = has_unread(c) && TCT_RULE(SHLD_3);
  c->sockf |= TCT_SOCKF_CLOSED;
  c->rcv.flags |= TCT_RCV_SHUT;
  if (c->state == TCT_CLOSED || c->state == TCT_TIME_WAIT) {
    tct_tcp_block_drop_active(s, c);
    tct_sock_event_done(s, c, -(int)c->err, (tct_why)c->why);
    return;
  }
  s->n.OrphansNow++;
  if (c->state == TCT_LISTEN) {
    tct_tcp_listen_stop(s, c);
    tct_tcp_state_end(s, c, 0, TCT_WHY_CLOSED_LOCAL);
    return;
  }
  if (unread && c->state != TCT_LAST_ACK && c->state != TCT_CLOSING) {
    s->n.TCPAbortOnData++; /* the peer must learn that its data was lost [RFC9293 SHLD-3] */
    tct_tcp_output_rst(s, c, TCT_WHY_RST_UNREAD);
    tct_tcp_state_end(s, c, 0, TCT_WHY_RST_UNREAD);
    return;
  }
  tct_tcp_state_shut_send(s, c);
  tct_tcp_timer_update(s, c); /* an orphan in FIN-WAIT-2 does not wait for ever */
}

/* [RFC9293 EP-41] The states that owe the peer a RST. The side that resets keeps no TIME-WAIT
 * [RFC9293 EP-44]: its next connection's numbers and timestamps are above this one's. */
static bool abort_sends_rst(const struct tct_tcp *c) {
  switch (c->state) {
  case TCT_SYN_RECEIVED:
  case TCT_ESTABLISHED:
  case TCT_FIN_WAIT_1:
  case TCT_FIN_WAIT_2:
  case TCT_CLOSE_WAIT:
    return true;
  case TCT_CLOSING: /* the text has both begin with our FIN; here it may still be waiting */
  case TCT_LAST_ACK:
    return (c->snd.flags & TCT_SND_FIN_SENT) == 0;
  default:
    return false;
  }
}

void tct_tcp_state_abort(tct_stack *s, struct tct_tcp *c, tct_why why) {
  if (c->state == TCT_LISTEN)
    tct_tcp_listen_stop(s, c);
  if (abort_sends_rst(c) && TCT_RULE(EP_41))
    tct_tcp_output_rst(s, c, why);
  tct_tcp_state_end(s, c, TCT_ECONNABORTED, TCT_WHY_ABORTED);
}
