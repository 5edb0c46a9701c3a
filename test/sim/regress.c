/* SPDX-License-Identifier: MIT */
/*
 * What random simulations once found wrong, each replayed by a scripted client against one stack,
 * so that it stays right. The server's stack has ISS 300; the client begins with 500.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tercet/sim.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

enum { SEEN_MAX = 64, PORT = 80 };

struct rig {
  tct_sim *w;
  tct_sim_host *host;
  tct_sim_peer *peer;
  tct_sim_server listener;
  tct_sim_flow flow;
  tct_seg seen[SEEN_MAX]; /* what the client got, in order */
  unsigned n, drops;      /* drops: trace events about frames that became no segment */
};

static void on_seg(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  struct rig *r = ctx;
  (void)p, (void)payload;
  assert_true(r->n < SEEN_MAX);
  r->seen[r->n++] = *seg;
}

static void on_trace(void *ctx, const tct_trace *t) {
  struct rig *r = ctx;
  r->drops += t->kind == TCT_TRACE_DROP;
}

static void make_rig(struct rig *r, bool scaled) {
  static const tct_sim_path path = {.delay_ns = 1000000};
  tct_sim_host_config c;
  memset(r, 0, sizeof *r);
  r->w = tct_sim_new(1);
  tct_sim_config_init(r->w, &c);
  c.addr = tct_addr_ipv4(10, 0, 0, 2);
  c.prefix_len = 24;
  c.stack.no_timestamps = c.stack.no_sack = true;
  c.stack.no_wscale = !scaled;
  c.stack.rcvbuf_bytes = scaled ? 4u << 20 : 0;
  c.stack.trace = on_trace;
  c.stack.trace_ctx = r;
  r->host = tct_sim_host_new(r->w, &c);
  assert_non_null(r->host);
  r->peer = tct_sim_peer_new(r->w, on_seg, r, NULL, NULL);
  tct_sim_link_new(r->w, tct_sim_peer_end(r->peer), tct_sim_host_end(r->host), &path, &path);
  r->listener.flows = &r->flow;
  r->listener.n_flows = 1;
  assert_int_equal(tct_sim_server_open(&r->listener, r->host), 0);
  assert_int_equal(
      tct_sock_set(tct_sim_host_stack(r->host), r->listener.app.sock, TCT_OPT_ISN, 300), 0);
  assert_int_equal(tct_sim_server_start(&r->listener, PORT, 4), 0);
}

static void run(struct rig *r, tct_time span) {
  assert_int_not_equal(tct_sim_run(r->w, tct_sim_now(r->w) + span), TCT_SIM_STUCK);
}

/* The client sends; what the server answers within 10 ms is in seen[]. */
static void say(struct rig *r, tct_seg s) {
  static const uint8_t text[2000];
  s.src = tct_addr_ipv4(10, 0, 0, 1);
  s.dst = tct_addr_ipv4(10, 0, 0, 2);
  s.sport = 1000;
  s.dport = PORT;
  if ((s.flags & TCT_SYN) == 0)
    s.wscale = 0xff;
  tct_sim_peer_send(r->peer, &s, text);
  run(r, MS(10));
}

static void open_rig(struct rig *r, uint16_t window) {
  say(r,
      (tct_seg){.seq = 500, .flags = TCT_SYN, .window_raw = window, .mss = 1000, .wscale = 0xff});
  say(r, (tct_seg){.seq = 501, .ack = 301, .flags = TCT_ACK, .window_raw = window});
  assert_true(r->flow.connected);
}

static const tct_seg *last(const struct rig *r) {
  assert_true(r->n > 0);
  return &r->seen[r->n - 1];
}

/* An ACK that counts the probe's octet lies beyond the window of a peer that refused it: the peer
 * would not take it, and repeat its data until the window opens. */
static void established__data_after_our_window_probe__ack_has_the_number_at_the_edge(void **state) {
  struct rig r;
  (void)state;
  make_rig(&r, false);
  r.flow.tx_total = 3000;
  r.flow.rx_any = true;
  open_rig(&r, 1000);
  assert_int_equal(last(&r)->seq, 301);
  say(&r, (tct_seg){.seq = 501, .ack = 1301, .flags = TCT_ACK, .window_raw = 0});
  run(&r, SEC(3));
  assert_int_equal(last(&r)->seq, 1301); /* the probe */
  assert_int_equal(last(&r)->len, 1);
  say(&r, (tct_seg){.seq = 501, .ack = 1301, .flags = TCT_ACK, .window_raw = 0}); /* refused */
  say(&r, (tct_seg){.seq = 501, .ack = 1301, .flags = TCT_ACK, .window_raw = 0, .len = 1000});
  say(&r, (tct_seg){.seq = 1501, .ack = 1301, .flags = TCT_ACK, .window_raw = 0, .len = 1000});
  assert_int_equal(last(&r)->len, 0);
  assert_int_equal(last(&r)->ack, 2501);
  assert_int_equal(last(&r)->seq, 1301);
  tct_sim_free(r.w);
}

/* A retransmission has an old number, but what it acknowledges first, it offers a window for:
 * with the old window the right edge would move along. [RFC9293 EP-47] */
static void established__window_of_a_retransmission_that_acks_more__is_taken(void **state) {
  struct rig r;
  uint32_t end = 0;
  (void)state;
  make_rig(&r, false);
  r.flow.tx_total = 10000;
  r.flow.rx_any = true;
  open_rig(&r, 2000);
  /* The second piece first, then the first one again: it has the lower number and the higher ACK.
   */
  say(&r, (tct_seg){.seq = 1501, .ack = 301, .flags = TCT_ACK, .window_raw = 2000, .len = 1000});
  say(&r, (tct_seg){.seq = 501, .ack = 1301, .flags = TCT_ACK, .window_raw = 1000, .len = 1000});
  for (unsigned i = 0; i < r.n; i++)
    if (r.seen[i].seq + r.seen[i].len > end)
      end = r.seen[i].seq + r.seen[i].len;
  assert_int_equal(end, 2301); /* 1301 + 1000, and not + 2000 */
  tct_sim_free(r.w);
}

/* A peer that probed our window with an octet, and does not know yet that we took it, sends its
 * ACKs one below. They are answered, and they count: else two such ends would wait for ever. */
static void established__empty_segment_one_below__is_answered_and_its_ack_counts(void **state) {
  struct rig r;
  (void)state;
  make_rig(&r, false);
  r.flow.tx_total = 1000;
  open_rig(&r, 2000);
  assert_int_equal(last(&r)->seq, 301);
  assert_int_equal(last(&r)->len, 1000);
  say(&r, (tct_seg){.seq = 500, .ack = 1301, .flags = TCT_ACK, .window_raw = 2000});
  assert_int_equal(r.n, 3);
  assert_int_equal(last(&r)->flags, TCT_ACK);
  assert_int_equal(last(&r)->ack, 501);
  run(&r, SEC(10));
  assert_int_equal(r.n, 3); /* nothing is sent again */
  tct_sim_free(r.w);
}

/* The field is scaled in everything but a SYN, also before the handshake is complete. */
static void syn_received__old_segment__answer_has_a_scaled_window(void **state) {
  struct rig r;
  (void)state;
  make_rig(&r, true);
  say(&r, (tct_seg){.seq = 500, .flags = TCT_SYN, .window_raw = 60000, .mss = 1000, .wscale = 2});
  assert_int_equal(last(&r)->flags, TCT_SYN | TCT_ACK);
  uint8_t shift = last(&r)->wscale;
  uint32_t window = last(&r)->window_raw;
  assert_in_range(shift, 1, 14);
  say(&r, (tct_seg){.seq = 500, .ack = 301, .flags = TCT_ACK, .window_raw = 60000, .len = 1});
  assert_int_equal(r.n, 2);
  assert_int_equal(last(&r)->flags, TCT_ACK);
  assert_int_equal(last(&r)->window_raw, window >> shift);
  tct_sim_free(r.w);
}

/* One event for one segment: its verdict is in SEG_IN; DROP is for what never became one. */
static void trace__refused_segment__is_told_once(void **state) {
  struct rig r;
  (void)state;
  make_rig(&r, false);
  open_rig(&r, 1000);
  assert_int_equal(r.drops, 0);
  say(&r, (tct_seg){.seq = 90000000, .ack = 301, .flags = TCT_ACK, .window_raw = 1000, .len = 10});
  assert_int_equal(tct_verdict_count(tct_sim_host_stack(r.host), TCT_DROP_SEQ_OUTSIDE_WINDOW), 1);
  assert_int_equal(r.drops, 0);
  tct_sim_free(r.w);
}

/* Probes of a shut window go ever more seldom; what is sent when it opens waits a plain time-out.
 */
static void established__window_opens_after_many_probes__lost_data_goes_again_soon(void **state) {
  struct rig r;
  unsigned sent;
  (void)state;
  make_rig(&r, false);
  r.flow.tx_total = 3000;
  r.flow.rx_any = true;
  open_rig(&r, 1000);
  say(&r, (tct_seg){.seq = 501, .ack = 1301, .flags = TCT_ACK, .window_raw = 0});
  run(&r, SEC(100));
  say(&r, (tct_seg){.seq = 501, .ack = 1301, .flags = TCT_ACK, .window_raw = 2000});
  sent = r.n;
  assert_int_equal(last(&r)->seq + last(&r)->len, 3301);
  run(&r, SEC(4));
  assert_in_range(r.n, sent + 1, sent + 4);
  tct_sim_free(r.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(established__data_after_our_window_probe__ack_has_the_number_at_the_edge),
      cmocka_unit_test(established__window_of_a_retransmission_that_acks_more__is_taken),
      cmocka_unit_test(established__empty_segment_one_below__is_answered_and_its_ack_counts),
      cmocka_unit_test(syn_received__old_segment__answer_has_a_scaled_window),
      cmocka_unit_test(trace__refused_segment__is_told_once),
      cmocka_unit_test(established__window_opens_after_many_probes__lost_data_goes_again_soon),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
