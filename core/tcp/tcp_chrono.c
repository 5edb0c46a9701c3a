/* SPDX-License-Identifier: MIT */
/*
 * tcp_chrono.c - what a sender's time goes into: with something to send or in flight at all (busy),
 * held back by the peer's window, or by a send buffer that the application had filled. Alone writes
 * extra->chrono. Called by tcp_block when a connection settles; read by sock_info. The meanings are
 * Linux's (tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited).
 */
#include "tcp/calls.h"

static bool is_held_by_window(const tct_stack *s, const struct tct_tcp *c, uint32_t unsent) {
  uint32_t left = tct_tcp_send_window_left(c);
  return left < unsent && tct_tcp_syn_acked(c) && left < tct_tcp_send_mss(s, c) &&
         tct_tcp_recover_pipe(c) < tct_tcp_cc_window(c);
}

static bool is_held_by_buffer(const struct tct_tcp *c) {
  bool wants = (c->sockf & TCT_SOCKF_WANTS_ROOM) != 0;
  return wants && tct_tcp_recover_pipe(c) < tct_tcp_cc_window(c);
}

/* Something is queued or out. */
uint8_t tct_tcp_chrono_kind_busy(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t unsent = tct_tcp_send_unsent(c);
  if (unsent > 0)
    return is_held_by_window(s, c, unsent) ? TCT_CHRONO_RWND : TCT_CHRONO_BUSY;
  return is_held_by_buffer(c) ? TCT_CHRONO_SNDBUF : TCT_CHRONO_BUSY;
}

void tct_tcp_chrono_set(const tct_stack *s, struct tct_extra *x, uint8_t kind) {
  x->chrono.spent_ns[x->chrono_kind] += tct_time_sub(s->now, x->chrono.since);
  x->chrono_kind = kind;
  x->chrono.since = s->now;
}

/* With what has run since the last change. */
uint64_t tct_tcp_chrono_ns(const tct_stack *s, const struct tct_tcp *c, uint8_t kind) {
  const struct tct_tcp_chrono *t = &c->extra->chrono;
  uint64_t running = c->extra->chrono_kind == kind ? tct_time_sub(s->now, t->since) : 0;
  return t->spent_ns[kind] + running;
}
