/* SPDX-License-Identifier: MIT */
/*
 * tcp_rate.c - what an ACK delivered. Called by tcp_send and tcp_sack for what is newly
 * acknowledged. Leaves the use of it to tcp_cc and its algorithms.
 */
#include "tcp/calls.h"

/* Segments of `bytes` that end a run; a FIN that rides on data is none of its own. */
static uint32_t segs_of(const struct tct_run *run, uint32_t bytes) {
  uint32_t size = tct_max_u32(run->seg_size, 1);
  uint32_t text = (run->flags & TCT_RUN_FIN) != 0 && bytes > 1 ? bytes - 1 : bytes;
  return (text + size - 1) / size;
}

/* A segment counts when its last byte is acknowledged, as in Linux. */
void tct_tcp_rate_on_acked(const struct tct_tcp *c, tct_seq ack, struct tct_tcp_ack *a) {
  const struct tct_tcp_active *act = tct_tcp_active(c);
  for (uint32_t i = 0; act != NULL && i < act->runs.n; i++) {
    const struct tct_run *run = tct_tcp_sack_at(&act->runs, i);
    if (tct_seq_leq(ack, run->begin))
      return;
    uint32_t rest = tct_seq_ahead(ack, run->end);
    if ((run->flags & TCT_RUN_SACKED) == 0)
      a->delivered_segs += segs_of(run, tct_seq_len(run->begin, run->end)) - segs_of(run, rest);
  }
}
