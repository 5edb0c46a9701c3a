/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_bbr.h - what BBR remembers of a path. Written by tcp_cc_bbr.c alone; read by tcp_pace (the
 * rate) and tests. Names as in draft-ietf-ccwg-bbr, section 2.
 */
#ifndef TCT_TCP_TCP_CC_BBR_H
#define TCT_TCP_TCP_CC_BBR_H

#include "tcp/tcp.h"

enum tct_bbr_state {
  TCT_BBR_STARTUP,
  TCT_BBR_DRAIN,
  TCT_BBR_DOWN,
  TCT_BBR_CRUISE,
  TCT_BBR_REFILL,
  TCT_BBR_UP,
  TCT_BBR_PROBE_RTT
};
enum { /* ack_phase: which part of a probe the ACKs tell of */
       TCT_BBR_ACKS_INIT,
       TCT_BBR_ACKS_REFILLING,
       TCT_BBR_ACKS_STARTING,
       TCT_BBR_ACKS_FEEDBACK,
       TCT_BBR_ACKS_STOPPING
};

struct tct_bbr {
  uint64_t rate;      /* to pace at, bytes a second */
  uint64_t bw_hi[2];  /* greatest rate seen: in the last probing cycle, in this one */
  uint64_t bw_lo;     /* short-term bound; UINT64_MAX: none */
  uint64_t bw_latest; /* greatest in this loss round */
  uint64_t full_bw;   /* Startup: the rate to outdo by a quarter */
  uint64_t min_rtt_ns, probe_rtt_ns;
  tct_time min_rtt_at, probe_rtt_at, probe_rtt_done_at;
  tct_time cycle_at;
  uint64_t probe_wait_ns;
  tct_time heap_at;
  uint32_t heap_bytes, extra_acked[2];
  uint32_t round_end, loss_round_end; /* marks in extra->rate.delivered_bytes */
  uint32_t rounds, rounds_since_probe;
  uint32_t inflight_hi, inflight_lo, inflight_latest; /* UINT32_MAX: no bound */
  uint32_t up_cnt_bytes, up_acked_bytes;              /* one segment more for so many */
  uint32_t saved_cwnd;
  uint16_t pacing_gain, cwnd_gain; /* 1/256 */
  uint8_t state, ack_phase;        /* tct_bbr_state */
  uint8_t full_rounds, losses, losses_in_round, up_rounds, heap_rounds;
  bool full, round_start, loss_round_start, probing_samples, probe_rtt_round, idle_restart;
  bool in_recovery;
};

#endif
