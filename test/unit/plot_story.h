/* SPDX-License-Identifier: MIT */
/*
 * plot_story.h - made-up connections for the tests of cli/plot, told as a stack's trace tells them.
 */
#ifndef TCT_TEST_PLOT_STORY_H
#define TCT_TEST_PLOT_STORY_H

#include "cli/plot/plot.h"

enum { MSS = 1000 };
#define MS(x) ((tct_time)(x)*1000000u)
#define ISN 4294960000u /* numbers wrap soon */

static struct plot *plot;

static inline int set_up(void **state) {
  (void)state;
  plot = plot_new();
  return plot == NULL;
}

static inline int tear_down(void **state) {
  (void)state;
  plot_free(plot);
  return 0;
}

/* ---- A connection told by hand --------------------------------------------------------------- */

static inline tct_seg segment(int from, uint8_t flags, uint32_t rel, uint32_t len, uint32_t ack) {
  tct_addr a[2] = {tct_addr_ipv4(192, 0, 2, 10), tct_addr_ipv4(192, 0, 2, 80)};
  tct_seg s = {.src = a[from], .dst = a[!from], .flags = flags, .len = len, .wscale = 0xff};
  s.sport = from == 0 ? 40112 : 80;
  s.dport = from == 0 ? 80 : 40112;
  s.seq = (from == 0 ? ISN : 300u) + rel;
  s.ack = (from == 0 ? 300u : ISN) + ack;
  s.window_raw = 20000;
  s.window_bytes = 20000;
  return s;
}

static inline void tell(tct_time at, bool out, uint16_t why, const tct_seg *seg) {
  tct_trace t = {.kind = out ? TCT_TRACE_SEG_OUT : TCT_TRACE_SEG_IN, .at = at, .why = why};
  t.seg = *seg;
  plot_trace(plot, &t);
}

static inline void open_at(tct_time at) {
  tct_seg syn = segment(0, TCT_SYN, 0, 0, 0), answer = segment(1, TCT_SYN | TCT_ACK, 0, 0, 1);
  tell(at, true, TCT_WHY_SYN, &syn);
  tell(at + MS(20), false, TCT_WHY_NONE, &answer);
}

static inline void send_data(tct_time at, uint32_t nth, uint16_t why) {
  tct_seg s = segment(0, TCT_ACK, 1 + nth * MSS, MSS, 1);
  tell(at, true, why, &s);
}

static inline void acknowledge(tct_time at, uint32_t upto, uint32_t sack_from, uint32_t sack_to) {
  tct_seg s = segment(1, TCT_ACK, 1, 0, 1 + upto * MSS);
  if (sack_to != 0) {
    s.n_sack = 1;
    s.sack[0][0] = ISN + 1 + sack_from * MSS;
    s.sack[0][1] = ISN + 1 + sack_to * MSS;
  }
  tell(at, false, TCT_WHY_NONE, &s);
}

static inline void tell_cc(tct_time at, uint32_t cwnd, uint32_t ssthresh) {
  tct_seg s = segment(0, 0, 0, 0, 0);
  tct_trace t = {.kind = TCT_TRACE_CC, .at = at, .value = cwnd, .value2 = ssthresh};
  t.local = s.src;
  t.remote = s.dst;
  t.lport = s.sport;
  t.rport = s.dport;
  t.value3 = 20000;
  plot_trace(plot, &t);
}

/* Ten segments; the third is lost, SACKed around, sent again; a tail loss probe too many. */
static inline void tell_recovery(void) {
  open_at(MS(1000));
  for (uint32_t i = 0; i < 10; i++)
    send_data(MS(1021), i, TCT_WHY_DATA);
  tct_seg third = segment(0, TCT_ACK, 1 + 2 * MSS, MSS, 1);
  plot_lost(plot, MS(1021), &third);
  acknowledge(MS(1041), 2, 0, 0);
  tell_cc(MS(1041), 12000, 0x7fffffff);
  for (uint32_t i = 4; i <= 10; i++)
    acknowledge(MS(1041) + i * 1000, 2, 3, i);
  tell_cc(MS(1042), 6000, 6000);
  send_data(MS(1042), 2, TCT_WHY_RACK);
  acknowledge(MS(1062), 10, 0, 0);
  send_data(MS(1090), 9, TCT_WHY_TLP);
  acknowledge(MS(1110), 10, 9, 10); /* below the ACK: a D-SACK */
}

#endif
