/* SPDX-License-Identifier: MIT */
/*
 * Every kind of fault does what its name says, as often as it counts, and nothing once healed. Link
 * faults are shown with scripted ends, host faults with stacks.
 */
#include "test/sim/net.h"

#include <stdlib.h>

struct rig {
  tct_sim *w;
  struct net_end a, b;
  tct_sim_link *l;
  unsigned sent, arrived, injected, altered, lost;
  uint32_t largest_arrival;
};

static void on_tap(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct rig *r = ctx;
  r->sent += !arriving;
  r->lost += !arriving && f->arrives_at == TCT_NEVER;
  r->arrived += arriving;
  r->injected += arriving && f->injected;
  r->altered += arriving && f->fate == TCT_SIM_CORRUPTED;
  if (arriving && f->len > r->largest_arrival)
    r->largest_arrival = f->len;
}

static struct rig *make_rig(bool ipv6) {
  static const tct_sim_path path = {.delay_ns = 1000000};
  struct rig *r = calloc(1, sizeof *r);
  tct_addr a = tct_addr_ipv4(10, 0, 0, 1), b = tct_addr_ipv4(10, 0, 0, 2);
  assert_non_null(r);
  if (ipv6) {
    a = (tct_addr){{0xfd, [15] = 1}};
    b = (tct_addr){{0xfd, [15] = 2}};
  }
  r->w = tct_sim_new(11);
  net_end_make(&r->a, r->w, a);
  net_end_make(&r->b, r->w, b);
  r->l = tct_sim_link_new(r->w, tct_sim_peer_end(r->a.peer), tct_sim_peer_end(r->b.peer), &path,
                          &path);
  tct_sim_link_tap(r->l, on_tap, r);
  return r;
}

static void end_rig(struct rig *r) {
  tct_sim_free(r->w);
  free(r);
}

static void install(tct_sim *w, tct_sim_fault f) {
  assert_int_equal(tct_sim_fault_install(w, &f), TCT_OK);
}

static uint64_t count(const struct rig *r, tct_sim_fault_kind kind) {
  return tct_sim_fault_count(r->w, kind);
}

/* n segments, one each millisecond, in both directions when `flags` says ACK only. */
static void send_many(struct rig *r, unsigned n, uint8_t flags, uint32_t len) {
  for (unsigned i = 0; i < n; i++) {
    net_send(&r->a, &r->b, i, flags, len);
    tct_sim_run(r->w, tct_sim_now(r->w) + MS(1));
  }
  tct_sim_run(r->w, tct_sim_now(r->w) + SEC(1));
}

static void names__each_kind__found_again(void **state) {
  (void)state;
  for (unsigned i = 0; i < TCT_SIM_FAULT_COUNT; i++) {
    assert_int_equal(tct_sim_fault_find(tct_sim_fault_name(i)), (int)i);
    assert_non_null(tct_sim_fault_text(i));
  }
  assert_null(tct_sim_fault_name(TCT_SIM_FAULT_COUNT));
  assert_int_equal(tct_sim_fault_find("kindness"), -1);
}

static void install__no_such_target__refused(void **state) {
  struct rig *r = make_rig(false);
  tct_sim_fault f = {.kind = TCT_SIM_FAULT_LOSS, .target = 1};
  (void)state;
  assert_int_equal(tct_sim_fault_install(r->w, &f), TCT_EINVAL);
  f = (tct_sim_fault){.kind = TCT_SIM_FAULT_APP_STOP};
  assert_int_equal(tct_sim_fault_install(r->w, &f), TCT_EINVAL);
  f = (tct_sim_fault){.kind = TCT_SIM_FAULT_COUNT};
  assert_int_equal(tct_sim_fault_install(r->w, &f), TCT_EINVAL);
  f = (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS, .dir = 3};
  assert_int_equal(tct_sim_fault_install(r->w, &f), TCT_EINVAL);
  end_rig(r);
}

/* Each kind of loss takes its own prey and spares the rest. */
static void loss__by_kind__prey_only(void **state) {
  static const struct {
    tct_sim_fault_kind kind;
    uint8_t prey, spared;
    uint32_t prey_len, spared_len;
  } rows[] = {
      {TCT_SIM_FAULT_LOSS_SYN_ACK, TCT_SYN | TCT_ACK, TCT_SYN, 0, 0},
      {TCT_SIM_FAULT_LOSS_PURE_ACK, TCT_ACK, TCT_ACK, 0, 10},
      {TCT_SIM_FAULT_LOSS_FIN, TCT_FIN | TCT_ACK, TCT_ACK, 0, 0},
      {TCT_SIM_FAULT_BLACK_HOLE, TCT_ACK, TCT_ACK, 1300, 1000},
  };
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (int v6 = 0; v6 < 2; v6++) {
      struct rig *r = make_rig(v6 == 1);
      install(r->w, (tct_sim_fault){.kind = (uint8_t)rows[i].kind, .dir = TCT_SIM_BOTH});
      send_many(r, 20, rows[i].prey, rows[i].prey_len);
      assert_int_equal(r->b.n, 0);
      assert_int_equal(count(r, rows[i].kind), 20);
      send_many(r, 20, rows[i].spared, rows[i].spared_len);
      assert_int_equal(r->b.n, 20);
      assert_int_equal(count(r, rows[i].kind), 20);
      tct_sim_heal(r->w);
      send_many(r, 20, rows[i].prey, rows[i].prey_len);
      assert_int_equal(r->b.n, 40);
      end_rig(r);
    }
}

static void loss__rate__about_so_many_and_all_counted(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS, .rate_ppm = 250000});
  send_many(r, 2000, TCT_ACK, 10);
  assert_in_range(r->lost, 420, 580);
  assert_int_equal(count(r, TCT_SIM_FAULT_LOSS), r->lost);
  assert_int_equal(r->b.n, 2000 - r->lost);
  end_rig(r);
}

static void loss__start_and_stop__only_between(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS, .start = MS(100), .stop = MS(300)});
  send_many(r, 400, TCT_ACK, 10);
  assert_int_equal(r->lost, 200);
  end_rig(r);
}

/* Runs of losses: their mean is what was asked, and they are longer than chance would have it. */
static void loss_burst__runs_of_losses(void **state) {
  struct rig *r = make_rig(false);
  unsigned runs = 0;
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS_BURST, .rate_ppm = 20000, .burst = 10});
  send_many(r, 4000, TCT_ACK, 10);
  for (unsigned i = 1; i < r->b.n; i++)
    runs += r->b.seg[i].seq != r->b.seg[i - 1].seq + 1;
  assert_int_equal(count(r, TCT_SIM_FAULT_LOSS_BURST), 4000 - r->b.n);
  assert_in_range((4000 - r->b.n) / runs, 7, 13);
  end_rig(r);
}

static void loss_one_way__the_other_way_is_whole(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS_ONE_WAY, .dir = TCT_SIM_BOTH});
  for (unsigned i = 0; i < 50; i++) {
    net_send(&r->a, &r->b, i, TCT_ACK, 10);
    net_send(&r->b, &r->a, i, TCT_ACK, 10);
  }
  tct_sim_run(r->w, SEC(1));
  assert_int_equal(r->b.n, 0);
  assert_int_equal(r->a.n, 50);
  assert_int_equal(count(r, TCT_SIM_FAULT_LOSS_ONE_WAY), 50);
  end_rig(r);
}

static void duplicate__each_arrives_twice(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_DUPLICATE, .a = MS(5)});
  send_many(r, 100, TCT_ACK, 10);
  assert_int_equal(r->b.n, 200);
  assert_int_equal(count(r, TCT_SIM_FAULT_DUPLICATE), 100);
  end_rig(r);
}

static unsigned overtaken(const struct net_end *e) {
  unsigned n = 0;
  for (unsigned i = 1; i < e->n; i++)
    n += e->seg[i].seq < e->seg[i - 1].seq;
  return n;
}

static void reorder_time__some_are_overtaken(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w,
          (tct_sim_fault){.kind = TCT_SIM_FAULT_REORDER_TIME, .rate_ppm = 200000, .a = MS(8)});
  send_many(r, 500, TCT_ACK, 10);
  assert_int_equal(r->b.n, 500);
  assert_in_range(count(r, TCT_SIM_FAULT_REORDER_TIME), 70, 130);
  assert_in_range(overtaken(&r->b), 40, count(r, TCT_SIM_FAULT_REORDER_TIME));
  end_rig(r);
}

/* The first of each five arrives behind the next four. */
static void reorder_count__so_many_pass_first(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_REORDER_COUNT, .a = 4});
  send_many(r, 5, TCT_ACK, 10);
  assert_int_equal(r->b.n, 5);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(r->b.seg[i].seq, i + 1);
  assert_int_equal(r->b.seg[4].seq, 0);
  assert_int_equal(count(r, TCT_SIM_FAULT_REORDER_COUNT), 1);
  end_rig(r);
}

static void reorder_count__nobody_passes__goes_on_in_time(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_REORDER_COUNT, .a = 4, .b = MS(70)});
  net_send(&r->a, &r->b, 0, TCT_ACK, 10);
  tct_sim_run(r->w, SEC(1));
  assert_int_equal(r->b.n, 1);
  assert_int_equal(r->b.at[0], MS(71));
  net_send(&r->a, &r->b, 1, TCT_ACK, 10);
  tct_sim_heal(r->w);
  tct_sim_run(r->w, SEC(1) + 1);
  assert_int_equal(r->b.n, 2);
  end_rig(r);
}

static void delay_step__all_are_late_by_it(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_DELAY_STEP, .a = MS(30), .start = MS(10)});
  send_many(r, 20, TCT_ACK, 10);
  for (unsigned i = 0; i < 20; i++)
    assert_int_equal(r->b.at[i], MS(i + 1) + (i >= 10 ? MS(30) : 0));
  assert_int_equal(count(r, TCT_SIM_FAULT_DELAY_STEP), 10);
  end_rig(r);
}

static void jitter__within_its_bounds(void **state) {
  struct rig *r = make_rig(false);
  tct_time least = SEC(1), most = 0;
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_JITTER, .a = 900000});
  send_many(r, 200, TCT_ACK, 10);
  for (unsigned i = 0; i < 200; i++) {
    tct_time late = r->b.at[i] - MS(i + 1);
    least = late < least ? late : least;
    most = late > most ? late : most;
  }
  assert_in_range(least, 0, 100000);
  assert_in_range(most, 800000, 900000);
  end_rig(r);
}

/* 40 + 960 octets are 8000 bits: 8 ms at 1 Mbit/s. */
static void rate_limit__frames_queue(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_RATE_LIMIT, .a = 1000000});
  for (unsigned i = 0; i < 10; i++)
    net_send(&r->a, &r->b, i, TCT_ACK, 960);
  tct_sim_run(r->w, SEC(1));
  for (unsigned i = 0; i < 10; i++)
    assert_int_equal(r->b.at[i], MS(1) + MS(8) * (i + 1));
  assert_int_equal(count(r, TCT_SIM_FAULT_RATE_LIMIT), 10);
  end_rig(r);
}

static void queue_limit__the_rest_is_lost(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_RATE_LIMIT, .a = 1000000});
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_QUEUE_LIMIT, .a = 2500});
  for (unsigned i = 0; i < 10; i++)
    net_send(&r->a, &r->b, i, TCT_ACK, 960);
  tct_sim_run(r->w, SEC(1));
  assert_int_equal(r->b.n, 3);
  assert_int_equal(count(r, TCT_SIM_FAULT_QUEUE_LIMIT), 7);
  end_rig(r);
}

static void truncate__refused_by_its_length(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_TRUNCATE});
  send_many(r, 100, TCT_ACK, 100);
  assert_int_equal(r->arrived, 100);
  assert_int_equal(r->b.n, 0);
  assert_in_range(r->largest_arrival, 1, 139);
  assert_int_equal(count(r, TCT_SIM_FAULT_TRUNCATE), 100);
  end_rig(r);
}

static void flip__arrives_altered_or_dies_of_its_crc(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_FLIP, .a = 15, .stop = MS(100)});
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_FLIP_CRC, .start = MS(100)});
  send_many(r, 300, TCT_ACK, 100);
  assert_int_equal(r->altered, 100);
  assert_int_equal(r->arrived, 100);
  assert_int_equal(count(r, TCT_SIM_FAULT_FLIP), 100);
  assert_int_equal(count(r, TCT_SIM_FAULT_FLIP_CRC), 200);
  end_rig(r);
}

static void mtu_change__large_ones_are_answered(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct rig *r = make_rig(v6 == 1);
    install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_MTU_CHANGE, .a = 1280});
    send_many(r, 10, TCT_ACK, 1400);
    assert_int_equal(r->b.n, 0);
    assert_int_equal(r->injected, 10);
    send_many(r, 10, TCT_ACK, 1200);
    assert_int_equal(r->b.n, 10);
    assert_int_equal(count(r, TCT_SIM_FAULT_MTU_CHANGE), 10);
    end_rig(r);
  }
}

static void replay__the_same_again_later(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_REPLAY, .stop = MS(50)});
  send_many(r, 100, TCT_ACK, 10);
  tct_sim_run(r->w, SEC(300));
  assert_int_equal(count(r, TCT_SIM_FAULT_REPLAY), 50);
  assert_int_equal(r->b.n, 150);
  assert_in_range(r->b.at[149], SEC(200), SEC(241));
  assert_int_equal(r->b.seg[149].len, 10);
  end_rig(r);
}

static void replay__healed__no_more_come(void **state) {
  struct rig *r = make_rig(false);
  (void)state;
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_REPLAY, .a = SEC(100)});
  for (unsigned i = 0; i < 50; i++)
    net_send(&r->a, &r->b, i, TCT_ACK, 10);
  tct_sim_heal(r->w);
  assert_int_equal(tct_sim_run(r->w, SEC(300)), TCT_SIM_IDLE);
  assert_int_equal(r->b.n, 50);
  end_rig(r);
}

static void blind_injection__forged_with_the_flows_addresses(void **state) {
  unsigned kinds[256] = {0};
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct rig *r = make_rig(v6 == 1);
    install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_BLIND_INJECTION});
    send_many(r, 200, TCT_ACK, 10);
    assert_int_equal(r->injected, 200);
    assert_int_equal(r->b.n, 400);
    for (unsigned i = 0; i < r->b.n; i++) {
      assert_int_equal(r->b.seg[i].sport, 1000);
      assert_memory_equal(&r->b.seg[i].src, &r->a.addr, sizeof(tct_addr));
      kinds[r->b.seg[i].flags]++;
    }
    end_rig(r);
  }
  assert_true(kinds[TCT_RST] > 40 && kinds[TCT_SYN] > 40 && kinds[TCT_ACK | TCT_PSH] > 40 &&
              kinds[TCT_ACK | TCT_FIN] > 40);
}

static void icmp__true_and_forged__the_sender_is_told(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct rig *r = make_rig(v6 == 1);
    install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ICMP_TRUE, .stop = MS(100)});
    install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ICMP_FORGED, .start = MS(100)});
    send_many(r, 200, TCT_ACK, 10);
    assert_int_equal(count(r, TCT_SIM_FAULT_ICMP_TRUE), 100);
    assert_int_equal(count(r, TCT_SIM_FAULT_ICMP_FORGED), 100);
    assert_int_equal(r->injected, 200);
    assert_int_equal(r->b.n, 100); /* the first hundred was refused */
    end_rig(r);
  }
}

/* ---- Tapes ---- */

static uint64_t play_taped(tct_sim_tape *t, unsigned *lost) {
  struct rig *r = make_rig(false);
  uint64_t digest;
  tct_sim_tape_set(r->w, t);
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS, .rate_ppm = 300000});
  install(r->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_REPLAY, .rate_ppm = 100000, .a = SEC(1)});
  send_many(r, 100, TCT_ACK, 10);
  digest = tct_sim_digest(r->w);
  *lost = r->lost;
  end_rig(r);
  return digest;
}

static void tape__replayed__the_same_run(void **state) {
  tct_sim_tape t = {0};
  unsigned lost, lost_again;
  uint64_t first = play_taped(&t, &lost), again;
  (void)state;
  assert_true(lost > 0 && t.n > 100);
  t.replaying = true;
  again = play_taped(&t, &lost_again);
  assert_int_equal(first, again);
  assert_int_equal(t.pos, t.n);
  assert_int_equal(lost, lost_again);
  tct_sim_tape_free(&t);
}

static void tape__cut__no_harm_after_its_end(void **state) {
  tct_sim_tape t = {0};
  unsigned lost;
  (void)state;
  t.replaying = true;
  (void)play_taped(&t, &lost);
  assert_int_equal(lost, 0);
  tct_sim_tape_append(&t, TCT_SIM_FAULT_LOSS + 1, 1);
  t.pos = 0;
  (void)play_taped(&t, &lost);
  assert_int_equal(lost, 1);
  tct_sim_tape_free(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names__each_kind__found_again),
      cmocka_unit_test(install__no_such_target__refused),
      cmocka_unit_test(loss__by_kind__prey_only),
      cmocka_unit_test(loss__rate__about_so_many_and_all_counted),
      cmocka_unit_test(loss__start_and_stop__only_between),
      cmocka_unit_test(loss_burst__runs_of_losses),
      cmocka_unit_test(loss_one_way__the_other_way_is_whole),
      cmocka_unit_test(duplicate__each_arrives_twice),
      cmocka_unit_test(reorder_time__some_are_overtaken),
      cmocka_unit_test(reorder_count__so_many_pass_first),
      cmocka_unit_test(reorder_count__nobody_passes__goes_on_in_time),
      cmocka_unit_test(delay_step__all_are_late_by_it),
      cmocka_unit_test(jitter__within_its_bounds),
      cmocka_unit_test(rate_limit__frames_queue),
      cmocka_unit_test(queue_limit__the_rest_is_lost),
      cmocka_unit_test(truncate__refused_by_its_length),
      cmocka_unit_test(flip__arrives_altered_or_dies_of_its_crc),
      cmocka_unit_test(mtu_change__large_ones_are_answered),
      cmocka_unit_test(replay__the_same_again_later),
      cmocka_unit_test(replay__healed__no_more_come),
      cmocka_unit_test(blind_injection__forged_with_the_flows_addresses),
      cmocka_unit_test(icmp__true_and_forged__the_sender_is_told),
      cmocka_unit_test(tape__replayed__the_same_run),
      cmocka_unit_test(tape__cut__no_harm_after_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
