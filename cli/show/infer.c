/* SPDX-License-Identifier: MIT */
/*
 * infer.c - TCP's state diagram driven by what was seen on the wire (RFC 9293 section 3.3.2).
 *
 * conv.c asks it about an end without a trace: a kernel's, or both ends of a capture. It knows only
 * the transitions that segments show; what an application did in between stays unseen.
 */
#include "cli/show/infer.h"

uint8_t infer_send(uint8_t state, uint8_t flags) {
  bool is_open = state == TCT_ESTABLISHED || state == TCT_SYN_RECEIVED;
  if ((flags & TCT_RST) != 0)
    return state == TCT_LISTEN ? TCT_LISTEN : TCT_CLOSED;
  if ((flags & TCT_SYN) != 0 && state >= TCT_ESTABLISHED)
    return state; /* sent again, late */
  if ((flags & TCT_SYN) != 0)
    return (flags & TCT_ACK) != 0 ? (uint8_t)TCT_SYN_RECEIVED : (uint8_t)TCT_SYN_SENT;
  if ((flags & TCT_FIN) == 0)
    return state;
  if (state == TCT_CLOSE_WAIT)
    return TCT_LAST_ACK;
  return is_open ? (uint8_t)TCT_FIN_WAIT_1 : state;
}

static uint8_t receive_syn(uint8_t state, const struct infer_seg *s) {
  bool opens = state == TCT_SYN_SENT || state == TCT_SYN_RECEIVED;
  if ((s->flags & TCT_ACK) != 0)
    return opens && s->acks_syn ? (uint8_t)TCT_ESTABLISHED : state;
  bool waits = state == TCT_CLOSED || state == TCT_LISTEN || state == TCT_SYN_SENT;
  return waits ? (uint8_t)TCT_SYN_RECEIVED : state;
}

static uint8_t receive_ack(uint8_t state, const struct infer_seg *s) {
  if (state == TCT_SYN_RECEIVED && s->acks_syn)
    return TCT_ESTABLISHED;
  if (!s->acks_fin)
    return state;
  switch (state) {
  case TCT_FIN_WAIT_1:
    return TCT_FIN_WAIT_2;
  case TCT_CLOSING:
    return TCT_TIME_WAIT;
  case TCT_LAST_ACK:
    return TCT_CLOSED;
  default:
    return state;
  }
}

static uint8_t receive_fin(uint8_t state) {
  switch (state) {
  case TCT_SYN_RECEIVED:
  case TCT_ESTABLISHED:
    return TCT_CLOSE_WAIT;
  case TCT_FIN_WAIT_1:
    return TCT_CLOSING;
  case TCT_FIN_WAIT_2:
    return TCT_TIME_WAIT;
  default:
    return state;
  }
}

uint8_t infer_receive(uint8_t state, const struct infer_seg *s) {
  if ((s->flags & TCT_RST) != 0)
    return state == TCT_LISTEN ? TCT_LISTEN : TCT_CLOSED;
  if ((s->flags & TCT_SYN) != 0)
    return receive_syn(state, s);
  if ((s->flags & TCT_ACK) != 0)
    state = receive_ack(state, s);
  return (s->flags & TCT_FIN) != 0 ? receive_fin(state) : state;
}
