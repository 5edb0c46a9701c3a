/* SPDX-License-Identifier: MIT */
/* Timing wheel: exact, never late, in order; random use against a plain list of deadlines. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/expect_trap.h"
#include "util/mem.h"
#include "util/prng.h"
#include "util/time.h"
#include "util/wheel.h"

/* What a connection is to the wheel. */
struct owner {
  struct tct_list node;
  tct_time deadline; /* TCT_NEVER: not armed */
  uint32_t handed;   /* times handed over since armed by the test */
};

static struct owner *get_owner(struct tct_list *node) {
  return TCT_CONTAINER_OF(node, struct owner, node);
}

static void init_owner(struct owner *o) {
  tct_list_init(&o->node);
  o->deadline = TCT_NEVER;
}

static void arm(struct tct_wheel *w, struct owner *o, tct_time deadline) {
  o->deadline = deadline;
  o->handed = 0;
  tct_wheel_arm(w, &o->node, deadline);
}

static void empty__next_is_never(void **state) {
  (void)state;
  struct tct_wheel w;
  struct tct_list due;
  tct_list_init(&due);
  tct_wheel_init(&w, 77);
  assert_true(tct_wheel_next(&w) == TCT_NEVER);
  tct_wheel_advance(&w, TCT_S(100), &due);
  assert_true(tct_list_is_empty(&due));
  tct_wheel_check(&w);
}

/* At any distance, next() is the very deadline, and advance to it hands the node over. */
static void one_node__any_deadline__exact_to_the_nanosecond(void **state) {
  (void)state;
  const tct_time starts[] = {0, 1, TCT_MS(5), (1ull << 53) - 3, TCT_S(3000000), 1ull << 62};
  for (size_t i = 0; i < TCT_ARRAY_LEN(starts); i++) {
    for (uint32_t shift = 0; shift < 64; shift++) {
      struct tct_wheel w;
      struct tct_list due;
      struct owner o;
      tct_time deadline = tct_time_add(starts[i], (1ull << shift) + 1);
      if (deadline == TCT_NEVER)
        continue;
      init_owner(&o);
      tct_list_init(&due);
      tct_wheel_init(&w, starts[i]);
      arm(&w, &o, deadline);
      tct_wheel_check(&w);
      assert_true(tct_wheel_next(&w) == deadline);
      tct_wheel_advance(&w, deadline - 1, &due);
      assert_true(tct_list_is_empty(&due));
      assert_true(tct_wheel_next(&w) == deadline);
      tct_wheel_advance(&w, deadline, &due);
      assert_ptr_equal(tct_list_pop_head(&due), &o.node);
      assert_true(tct_wheel_next(&w) == TCT_NEVER);
      tct_wheel_check(&w);
    }
  }
}

static void deadline_in_the_past__is_handed_over_by_the_next_advance(void **state) {
  (void)state;
  struct tct_wheel w;
  struct tct_list due;
  struct owner o;
  init_owner(&o);
  tct_list_init(&due);
  tct_wheel_init(&w, TCT_S(10));
  arm(&w, &o, TCT_S(9));
  assert_true(tct_wheel_next(&w) <= TCT_S(10));
  tct_wheel_advance(&w, TCT_S(10), &due);
  assert_ptr_equal(tct_list_pop_head(&due), &o.node);
}

static void cancel__anywhere_and_twice__leaves_nothing(void **state) {
  (void)state;
  struct tct_wheel w;
  struct tct_list due;
  struct owner o[3];
  tct_list_init(&due);
  tct_wheel_init(&w, 0);
  for (int i = 0; i < 3; i++) {
    init_owner(&o[i]);
    arm(&w, &o[i], TCT_MS(7));
  }
  tct_wheel_cancel(&w, &o[1].node);
  tct_wheel_cancel(&w, &o[1].node);
  tct_wheel_check(&w);
  assert_true(tct_wheel_next(&w) == TCT_MS(7));
  tct_wheel_advance(&w, TCT_MS(7), &due);
  tct_wheel_cancel(&w, &o[0].node); /* already on the due list */
  assert_ptr_equal(tct_list_pop_head(&due), &o[2].node);
  assert_true(tct_list_is_empty(&due));
  arm(&w, &o[0], TCT_S(7));
  arm(&w, &o[0], TCT_S(700)); /* moved */
  tct_wheel_check(&w);
  assert_true(tct_wheel_next(&w) == TCT_S(700));
  arm(&w, &o[0], TCT_NEVER); /* only cancels */
  tct_wheel_check(&w);
  assert_true(tct_wheel_next(&w) == TCT_NEVER);
}

/* After a cancel, next() may be too early, once; what the slot remembers is renewed then. */
static void cancel_of_the_earliest_in_a_slot__one_early_wake_at_most(void **state) {
  (void)state;
  struct tct_wheel w;
  struct tct_list due;
  struct owner a;
  struct owner b;
  init_owner(&a);
  init_owner(&b);
  tct_list_init(&due);
  tct_wheel_init(&w, 0);
  arm(&w, &a, 1000);
  arm(&w, &b, 2000);
  tct_wheel_cancel(&w, &a.node);
  assert_true(tct_wheel_next(&w) == 1000);
  tct_wheel_advance(&w, 1000, &due);
  assert_ptr_equal(tct_list_pop_head(&due), &b.node);
  tct_wheel_arm(&w, &b.node, b.deadline);
  assert_true(tct_wheel_next(&w) == 2000);
}

static void due__slots_in_time_order__first_armed_first_within(void **state) {
  (void)state;
  struct tct_wheel w;
  struct tct_list due;
  struct owner o[6];
  const tct_time at[6] = {TCT_S(5), TCT_MS(1), TCT_MS(30), TCT_MS(1), TCT_S(500), TCT_MS(1)};
  const int order[6] = {1, 3, 5, 2, 0, 4};
  tct_list_init(&due);
  tct_wheel_init(&w, 0);
  for (int i = 0; i < 6; i++) {
    init_owner(&o[i]);
    arm(&w, &o[i], at[i]);
  }
  tct_wheel_advance(&w, TCT_S(1000), &due);
  for (int i = 0; i < 6; i++)
    assert_ptr_equal(tct_list_pop_head(&due), &o[order[i]].node);
  assert_true(tct_list_is_empty(&due));
}

static void advance_backwards(void *arg) {
  struct tct_list due;
  tct_list_init(&due);
  tct_wheel_advance(arg, 99, &due);
}

static void advance__backwards__traps(void **state) {
  (void)state;
  struct tct_wheel w;
  tct_wheel_init(&w, 100);
  assert_true(call_traps(advance_backwards, &w));
}

/* -- against a plain list -------------------------------------------------------------------------
 */

#define OWNERS 300u

struct world {
  struct tct_wheel w;
  struct tct_prng prng;
  struct owner o[OWNERS];
  tct_time now;
};

static tct_time find_minimum(const struct world *x) {
  tct_time least = TCT_NEVER;
  for (uint32_t i = 0; i < OWNERS; i++)
    least = tct_time_min(least, x->o[i].deadline);
  return least;
}

/* From nanoseconds to years, all magnitudes alike. */
static tct_time draw_span(struct world *x, uint32_t bits) {
  return tct_prng_u64(&x->prng) >> (64 - 1 - tct_prng_below(&x->prng, bits));
}

/* Takes what is due; the early ones are armed again. Returns how many fired. */
static uint32_t fire(struct world *x) {
  struct tct_list due;
  struct tct_list *node;
  uint32_t fired = 0;
  tct_list_init(&due);
  tct_wheel_advance(&x->w, x->now, &due);
  while ((node = tct_list_pop_head(&due)) != NULL) {
    struct owner *o = get_owner(node);
    assert_true(o->deadline != TCT_NEVER);
    if (o->deadline <= x->now) {
      o->deadline = TCT_NEVER;
      fired++;
    } else {
      o->handed++;
      tct_wheel_arm(&x->w, &o->node, o->deadline);
    }
  }
  for (uint32_t i = 0; i < OWNERS; i++)
    assert_true(x->o[i].deadline > x->now); /* none was missed */
  return fired;
}

static void init_world(struct world *x, uint8_t seed) {
  tct_prng_init(&x->prng, (const uint8_t[32]){seed});
  x->now = seed % 2 ? 0 : draw_span(x, 60);
  tct_wheel_init(&x->w, x->now);
  for (uint32_t i = 0; i < OWNERS; i++)
    init_owner(&x->o[i]);
}

/* Without cancels next() is exact, so each advance to it fires somebody: virtual time never spins.
 */
static void virtual_time__each_step_fires(void **state) {
  (void)state;
  static struct world x;
  for (uint8_t seed = 0; seed < 20; seed++) {
    uint32_t bits = 20 + 2u * seed;
    uint32_t armed = 0;
    init_world(&x, seed);
    for (uint32_t i = 0; i < OWNERS; i++, armed++)
      arm(&x.w, &x.o[i], tct_time_add(x.now, draw_span(&x, bits)));
    while (armed > 0) {
      tct_wheel_check(&x.w);
      assert_true(tct_wheel_next(&x.w) == find_minimum(&x));
      x.now = tct_time_max(x.now, tct_wheel_next(&x.w));
      uint32_t fired = fire(&x);
      assert_true(fired > 0);
      armed -= fired;
    }
    assert_true(tct_wheel_next(&x.w) == TCT_NEVER);
  }
}

static void random_use__never_late_and_seldom_early(void **state) {
  (void)state;
  static struct world x;
  for (uint8_t seed = 0; seed < 20; seed++) {
    uint32_t early = 0;
    init_world(&x, seed);
    for (uint32_t step = 0; step < 4000; step++) {
      struct owner *o = &x.o[tct_prng_below(&x.prng, OWNERS)];
      uint32_t what = tct_prng_below(&x.prng, 100);
      if (what < 50) {
        arm(&x.w, o, tct_time_add(x.now, draw_span(&x, 44)));
      } else if (what < 65) {
        o->deadline = TCT_NEVER;
        tct_wheel_cancel(&x.w, &o->node);
      } else {
        tct_time next = tct_wheel_next(&x.w);
        assert_true(next <= find_minimum(&x));
        bool jump = what < 80 && next != TCT_NEVER;
        x.now = jump ? tct_time_max(next, x.now) : x.now + draw_span(&x, 30);
        early += fire(&x) == 0 && jump;
        assert_true(tct_wheel_next(&x.w) > x.now);
      }
    }
    assert_true(early < 500); /* of some 600 jumps; what cancels left behind */
    tct_wheel_check(&x.w);
  }
}

/* A node is early when another of its slot is due. Mates at all distances before it: at most once a
 * level. */
static void early_node__comes_down_level_by_level(void **state) {
  (void)state;
  static struct owner mate[60];
  struct tct_wheel w;
  struct owner far;
  struct tct_list due;
  struct tct_list *node;
  init_owner(&far);
  tct_list_init(&due);
  tct_wheel_init(&w, 0);
  arm(&w, &far, (1ull << 63) - 1);
  for (uint32_t i = TCT_WHEEL_TICK_SHIFT; i < TCT_ARRAY_LEN(mate); i++) {
    init_owner(&mate[i]);
    arm(&w, &mate[i], far.deadline - (1ull << i));
  }
  while (tct_list_is_linked(&far.node)) {
    tct_time now = tct_wheel_next(&w);
    tct_wheel_advance(&w, now, &due);
    while ((node = tct_list_pop_head(&due)) != NULL) {
      struct owner *o = get_owner(node);
      if (o->deadline <= now)
        continue;
      o->handed++;
      tct_wheel_arm(&w, node, o->deadline);
    }
  }
  assert_in_range(far.handed, 4, TCT_WHEEL_LEVELS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty__next_is_never),
      cmocka_unit_test(one_node__any_deadline__exact_to_the_nanosecond),
      cmocka_unit_test(deadline_in_the_past__is_handed_over_by_the_next_advance),
      cmocka_unit_test(cancel__anywhere_and_twice__leaves_nothing),
      cmocka_unit_test(cancel_of_the_earliest_in_a_slot__one_early_wake_at_most),
      cmocka_unit_test(due__slots_in_time_order__first_armed_first_within),
      cmocka_unit_test(advance__backwards__traps),
      cmocka_unit_test(virtual_time__each_step_fires),
      cmocka_unit_test(random_use__never_late_and_seldom_early),
      cmocka_unit_test(early_node__comes_down_level_by_level),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
