/* SPDX-License-Identifier: MIT */
/*
 * The simulated network itself, without any stack: two scripted peers and a link between them. What
 * it does to frames must be what it was told, or no other simulation proves anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tercet/sim.h"

#define MS(x) ((tct_time)(x)*1000000u)

struct seen {
  tct_sim *w;
  unsigned n, taps, arrivals, fates[TCT_SIM_FATE_COUNT];
  tct_time at[64];
  uint32_t seq[64];
  uint8_t payload[64], tclass[64];
};

struct pair {
  struct seen left, right;
  tct_sim *w;
  tct_sim_peer *a, *b;
  tct_sim_link *l;
};

static void on_seg(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  struct seen *s = ctx;
  (void)p;
  if (s->n >= 64)
    return;
  s->at[s->n] = tct_sim_now(s->w);
  s->seq[s->n] = seg->seq;
  s->tclass[s->n] = seg->tclass;
  s->payload[s->n++] = seg->len ? payload[0] : 0;
}

static void on_tap(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct seen *s = ctx;
  if (arriving) {
    s->arrivals++;
    return;
  }
  s->taps++;
  s->fates[f->fate]++;
}

static void make_pair(struct pair *p, const tct_sim_path *ab) {
  static const tct_sim_path ideal;
  memset(p, 0, sizeof *p);
  p->w = tct_sim_new(7);
  p->left.w = p->right.w = p->w;
  p->a = tct_sim_peer_new(p->w, on_seg, &p->left, NULL, NULL);
  p->b = tct_sim_peer_new(p->w, on_seg, &p->right, NULL, NULL);
  p->l = tct_sim_link_new(p->w, tct_sim_peer_end(p->a), tct_sim_peer_end(p->b), ab, &ideal);
  tct_sim_link_tap(p->l, on_tap, &p->left);
}

static tct_seg make_seg(uint32_t seq, uint8_t flags, uint32_t len) {
  tct_seg s;
  memset(&s, 0, sizeof s);
  s.src = tct_addr_ipv4(10, 0, 0, 1);
  s.dst = tct_addr_ipv4(10, 0, 0, 2);
  s.sport = 1000;
  s.dport = 80;
  s.seq = seq;
  s.flags = flags;
  s.len = len;
  s.wscale = 0xff;
  return s;
}

static void send_seg(struct pair *p, uint32_t seq, uint8_t flags, uint32_t len) {
  static const uint8_t payload[1000] = {'x'};
  tct_seg s = make_seg(seq, flags, len);
  tct_sim_peer_send(p->a, &s, payload);
}

static void link__delay_and_rate__arrival_is_exact(void **state) {
  /* 40 bytes of headers and 60 of payload are 800 bits: 100 us at 8 Mbit/s. */
  const tct_sim_path path = {.delay_ns = MS(9), .rate_bps = 8000000};
  struct pair p;
  (void)state;
  make_pair(&p, &path);
  for (uint32_t i = 0; i < 3; i++)
    send_seg(&p, i, TCT_ACK, 60);
  assert_int_equal(tct_sim_run(p.w, TCT_NEVER), TCT_SIM_IDLE);
  assert_int_equal(p.right.n, 3);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(p.right.at[i], MS(9) + (i + 1) * 100000u);
  assert_int_equal(p.right.payload[2], 'x');
  tct_sim_free(p.w);
}

static void link__queue_full__the_rest_is_lost(void **state) {
  const tct_sim_path path = {.rate_bps = 8000, .queue_bytes = 250};
  struct pair p;
  (void)state;
  make_pair(&p, &path);
  for (uint32_t i = 0; i < 10; i++)
    send_seg(&p, i, TCT_ACK, 60);
  tct_sim_run(p.w, TCT_NEVER);
  assert_int_equal(p.right.n, 3);
  assert_int_equal(p.left.fates[TCT_SIM_QUEUE_FULL], 7);
  tct_sim_free(p.w);
}

/* Both families, and only what says that it may be marked; RFC 3168 5. The peer's parser checks the
 * IPv4 header's checksum. */
static void link__queue_grows__what_may_be_is_marked(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct pair p;
    tct_sim_path path = {.rate_bps = 1000000, .queue_bytes = 5000, .mark_bytes = 1500};
    static const uint8_t payload[1000];
    make_pair(&p, &path);
    for (uint32_t i = 0; i < 6; i++) {
      tct_seg s = make_seg(i, TCT_ACK, 900);
      s.tclass = i == 4 ? 0 : 2;
      if (v6) {
        s.src.b[0] = s.dst.b[0] = 0xfd;
        s.src.b[15] = 9;
      }
      tct_sim_peer_send(p.a, &s, payload);
    }
    tct_sim_run(p.w, TCT_NEVER);
    static const uint8_t want[] = {2, 2, 3, 3, 0, 3};
    assert_int_equal(p.right.n, 6);
    assert_memory_equal(p.right.tclass, want, sizeof want);
    tct_sim_free(p.w);
  }
}

static void link__rule__acts_on_the_chosen_segments_only(void **state) {
  static const tct_sim_path ideal;
  const tct_sim_rule second_syn = {
      .flags_mask = TCT_SYN, .flags = TCT_SYN, .skip = 1, .fate = TCT_SIM_LOST};
  struct pair p;
  (void)state;
  make_pair(&p, &ideal);
  assert_int_equal(tct_sim_link_rule(p.l, 0, &second_syn), TCT_OK);
  send_seg(&p, 1, TCT_SYN, 0);
  send_seg(&p, 2, TCT_ACK, 0);
  send_seg(&p, 3, TCT_SYN, 0);
  send_seg(&p, 4, TCT_SYN, 0);
  tct_sim_run(p.w, TCT_NEVER);
  assert_int_equal(p.right.n, 3);
  assert_int_equal(p.right.seq[0], 1);
  assert_int_equal(p.right.seq[1], 2);
  assert_int_equal(p.right.seq[2], 4);
  tct_sim_free(p.w);
}

static void link__rules__duplicate_and_delay(void **state) {
  const tct_sim_path path = {.delay_ns = MS(10)};
  const tct_sim_rule late = {.skip = 0, .fate = TCT_SIM_DELAYED, .extra_ns = MS(5)};
  const tct_sim_rule twice = {.skip = 0, .fate = TCT_SIM_DUPLICATED, .extra_ns = MS(20)};
  struct pair p;
  (void)state;
  make_pair(&p, &path);
  assert_int_equal(tct_sim_link_rule(p.l, 0, &late), TCT_OK);
  assert_int_equal(tct_sim_link_rule(p.l, 0, &twice), TCT_OK);
  for (uint32_t i = 1; i <= 3; i++)
    send_seg(&p, i, TCT_ACK, 0);
  tct_sim_run(p.w, TCT_NEVER);
  assert_int_equal(p.right.n, 4);
  assert_int_equal(p.right.seq[0], 2);
  assert_int_equal(p.right.seq[1], 3);
  assert_int_equal(p.right.seq[2], 1);
  assert_int_equal(p.right.at[2], MS(15));
  assert_int_equal(p.right.seq[3], 2);
  assert_int_equal(p.right.at[3], MS(30));
  assert_int_equal(p.left.taps, 3);
  assert_int_equal(p.left.arrivals, 4);
  tct_sim_free(p.w);
}

static void link__loss_rate__is_met_roughly_and_all_are_told(void **state) {
  const tct_sim_path path = {.loss_ppm = 250000, .corrupt_ppm = 100000};
  struct pair p;
  (void)state;
  make_pair(&p, &path);
  for (uint32_t i = 0; i < 4000; i++)
    send_seg(&p, i, TCT_ACK, 0);
  tct_sim_run(p.w, TCT_NEVER);
  assert_in_range(p.left.fates[TCT_SIM_LOST], 850, 1150);
  assert_in_range(p.left.fates[TCT_SIM_CORRUPTED], 230, 370);
  assert_int_equal(p.left.taps, 4000);
  assert_int_equal(p.left.arrivals, 4000 - p.left.fates[TCT_SIM_LOST]);
  tct_sim_free(p.w);
}

static tct_time lose_every_second(void *ctx, const tct_sim_frame *f) {
  unsigned *n = ctx;
  return (*n)++ % 2 == 0 ? f->sent_at + MS(3) * *n : TCT_NEVER;
}

static void link__carrier__decides_instead_of_path_and_rules(void **state) {
  const tct_sim_path path = {.delay_ns = MS(100), .loss_ppm = 1000000};
  unsigned n = 0;
  struct pair p;
  (void)state;
  make_pair(&p, &path);
  tct_sim_link_carry(p.l, lose_every_second, &n);
  for (uint32_t i = 0; i < 4; i++)
    send_seg(&p, i, TCT_ACK, 0);
  tct_sim_run(p.w, TCT_NEVER);
  assert_int_equal(p.right.n, 2);
  assert_int_equal(p.right.seq[1], 2);
  assert_int_equal(p.right.at[0], MS(3));
  assert_int_equal(p.right.at[1], MS(9));
  assert_int_equal(p.left.fates[TCT_SIM_LOST], 2);
  assert_int_equal(p.left.fates[TCT_SIM_DELIVERED], 2);
  tct_sim_free(p.w);
}

/* The time-out of 1 s is over at 1000 ms, but this clock shows that at 1200 ms only. */
static void host__coarse_clock__timers_fire_at_its_ticks(void **state) {
  static const tct_sim_path ideal;
  const tct_endpoint nobody = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  tct_sim_flow flow = {.tx_total = 1};
  tct_sim_host_config c;
  struct seen s = {.w = tct_sim_new(1)};
  tct_sim_peer *silent = tct_sim_peer_new(s.w, on_seg, &s, NULL, NULL);
  tct_sim_host *h;
  (void)state;
  tct_sim_config_init(s.w, &c);
  c.addr = tct_addr_ipv4(10, 0, 0, 1);
  c.prefix_len = 24;
  c.clock_ns = MS(300);
  h = tct_sim_host_new(s.w, &c);
  assert_non_null(h);
  tct_sim_link_new(s.w, tct_sim_host_end(h), tct_sim_peer_end(silent), &ideal, &ideal);
  assert_true(tct_sim_flow_connect(&flow, h, &nobody) >= 0);
  tct_sim_run(s.w, MS(2000));
  assert_int_equal(s.n, 2);
  assert_int_equal(s.at[0], 0);
  assert_int_equal(s.at[1], MS(1200));
  tct_sim_free(s.w);
}

static uint64_t digest_of(uint64_t seed, uint32_t odd_one) {
  static const tct_sim_path ideal;
  tct_sim *w = tct_sim_new(seed);
  tct_sim_peer *a = tct_sim_peer_new(w, NULL, NULL, NULL, NULL);
  tct_sim_peer *b = tct_sim_peer_new(w, NULL, NULL, NULL, NULL);
  uint64_t d;
  tct_sim_link_new(w, tct_sim_peer_end(a), tct_sim_peer_end(b), &ideal, &ideal);
  for (uint32_t i = 0; i < 10; i++) {
    tct_seg s = make_seg(i + (i == odd_one), TCT_ACK, 0);
    tct_sim_peer_send(a, &s, NULL);
  }
  tct_sim_run(w, TCT_NEVER);
  d = tct_sim_digest(w);
  tct_sim_free(w);
  return d;
}

static void digest__same_frames__same_number_and_one_bit_changes_it(void **state) {
  (void)state;
  assert_true(digest_of(1, 99) == digest_of(1, 99));
  assert_true(digest_of(1, 99) != digest_of(1, 9));
  assert_true(digest_of(1, 99) != digest_of(1, 0));
}

static void echo(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  tct_seg r = tct_sim_seg_reply(seg);
  (void)ctx, (void)payload;
  tct_sim_peer_send(p, &r, NULL);
}

static void world__endless_answers_at_one_instant__is_stuck(void **state) {
  static const tct_sim_path ideal;
  tct_sim *w = tct_sim_new(1);
  tct_sim_peer *a = tct_sim_peer_new(w, echo, NULL, NULL, NULL);
  tct_sim_peer *b = tct_sim_peer_new(w, echo, NULL, NULL, NULL);
  tct_seg s = make_seg(1, TCT_ACK, 0);
  (void)state;
  tct_sim_link_new(w, tct_sim_peer_end(a), tct_sim_peer_end(b), &ideal, &ideal);
  tct_sim_peer_send(a, &s, NULL);
  assert_int_equal(tct_sim_run(w, MS(1)), TCT_SIM_STUCK);
  tct_sim_free(w);
}

struct order {
  unsigned n, at[4];
};
struct mark {
  struct order *order;
  unsigned number;
};

static void note_order(void *ctx) {
  struct mark *m = ctx;
  m->order->at[m->order->n++] = m->number;
}

static void world__actions__run_by_time_then_by_order_of_asking(void **state) {
  tct_sim *w = tct_sim_new(1);
  struct order o = {.n = 0};
  struct mark m[4] = {{&o, 0}, {&o, 1}, {&o, 2}, {&o, 3}};
  static const unsigned when[4] = {5, 3, 5, 3}, expected[4] = {1, 3, 0, 2};
  (void)state;
  for (unsigned i = 0; i < 4; i++)
    tct_sim_at(w, MS(when[i]), note_order, &m[i]);
  assert_int_equal(tct_sim_run(w, MS(4)), TCT_SIM_TIME);
  assert_int_equal(tct_sim_now(w), MS(4));
  assert_int_equal(o.n, 2);
  assert_int_equal(tct_sim_run(w, TCT_NEVER), TCT_SIM_IDLE);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(o.at[i], expected[i]);
  tct_sim_free(w);
}

static void segment__emit_then_parse__is_the_same(void **state) {
  tct_seg s = make_seg(UINT32_MAX, TCT_SYN | TCT_ACK, 5), back;
  uint8_t bytes[128];
  const uint8_t *payload = NULL;
  uint32_t len;
  (void)state;
  s.ack = 77;
  s.mss = 1460;
  s.wscale = 7;
  s.has_ts = true;
  s.tsval = 5;
  s.tsecr = 6;
  s.sack_permitted = true;
  s.window_raw = 4000;
  len = tct_sim_seg_emit(&s, "hello", bytes, sizeof bytes);
  assert_true(len > 45);
  assert_true(tct_sim_seg_parse(bytes, len, &back, &payload));
  assert_int_equal(back.seq, UINT32_MAX);
  assert_int_equal(back.ack, 77);
  assert_int_equal(back.mss, 1460);
  assert_int_equal(back.wscale, 7);
  assert_int_equal(back.tsval, 5);
  assert_int_equal(back.window_raw, 4000);
  assert_true(back.sack_permitted && back.flags == (TCT_SYN | TCT_ACK) && back.len == 5);
  assert_memory_equal(payload, "hello", 5);
  assert_int_equal(tct_sim_seg_emit(&s, "hello", bytes, 60), 0);
  assert_false(tct_sim_seg_parse(bytes, 30, &back, &payload));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(link__delay_and_rate__arrival_is_exact),
      cmocka_unit_test(link__queue_full__the_rest_is_lost),
      cmocka_unit_test(link__queue_grows__what_may_be_is_marked),
      cmocka_unit_test(link__rule__acts_on_the_chosen_segments_only),
      cmocka_unit_test(link__rules__duplicate_and_delay),
      cmocka_unit_test(link__loss_rate__is_met_roughly_and_all_are_told),
      cmocka_unit_test(link__carrier__decides_instead_of_path_and_rules),
      cmocka_unit_test(host__coarse_clock__timers_fire_at_its_ticks),
      cmocka_unit_test(digest__same_frames__same_number_and_one_bit_changes_it),
      cmocka_unit_test(world__endless_answers_at_one_instant__is_stuck),
      cmocka_unit_test(world__actions__run_by_time_then_by_order_of_asking),
      cmocka_unit_test(segment__emit_then_parse__is_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
