/* SPDX-License-Identifier: MIT */
/*
 * Trials: the same seed plays the same frames, from a tape too; a plan that was cut can be played;
 * what is counted is what was played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/trial_count.h"

static struct sim_trial_plan plan;
static struct sim_trial_counts counts;

static struct sim_trial_result play(tct_sim_tape *tape) {
  struct sim_trial_run run = {.counts = &counts, .tape = tape};
  struct sim_trial_result r;
  memset(&counts, 0, sizeof counts);
  sim_trial_play(&plan, &run, &r);
  return r;
}

static void trial__played_twice__same_frames(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 20; seed++) {
    struct sim_trial_result a, b;
    sim_trial_draw(&plan, seed, SIM_TRIAL_SMALL);
    a = play(NULL);
    b = play(NULL);
    assert_true(a.frames > 0);
    assert_int_equal(a.digest, b.digest);
    assert_int_equal(a.events, b.events);
  }
}

static void trial__from_its_tape__same_frames(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 20; seed++) {
    tct_sim_tape tape = {0};
    struct sim_trial_result a, b;
    sim_trial_draw(&plan, seed, SIM_TRIAL_SMALL);
    a = play(&tape);
    tape.replaying = true;
    tape.pos = 0;
    b = play(&tape);
    assert_int_equal(a.digest, b.digest);
    tct_sim_tape_free(&tape);
  }
}

static void trial__cut_short__stops_at_the_event(void **state) {
  struct sim_trial_run run = {.until_event = 50};
  struct sim_trial_result r;
  (void)state;
  sim_trial_draw(&plan, 3, 0);
  sim_trial_play(&plan, &run, &r);
  assert_false(r.failed);
  assert_in_range(r.events, 50, 51);
}

static void trial__counted__adds_up(void **state) {
  static struct sim_trial_counts sum;
  struct sim_trial_result a, b;
  (void)state;
  sim_trial_draw(&plan, 3, SIM_TRIAL_SMALL);
  a = play(NULL);
  assert_int_equal(counts.trials, 1);
  assert_int_equal(counts.packets, a.frames);
  assert_int_equal(counts.events, a.events);
  assert_true(counts.connections > 0);
  sim_trial_counts_add(&sum, &counts);
  sim_trial_draw(&plan, 5, SIM_TRIAL_SMALL);
  b = play(NULL);
  sim_trial_counts_add(&sum, &counts);
  assert_int_equal(sum.trials, 2);
  assert_int_equal(sum.packets, a.frames + b.frames);
}

static void trial__without_a_link__says_so(void **state) {
  struct sim_trial_result r;
  (void)state;
  sim_trial_draw(&plan, 1, SIM_TRIAL_SMALL);
  while (plan.link[plan.n_links - 1].a != plan.link[0].a)
    plan.n_links--;
  plan.link[plan.n_links++] = plan.link[0]; /* a stack has one link only */
  plan.link[plan.n_links++] = plan.link[0];
  r = play(NULL);
  assert_true(r.failed);
  assert_non_null(strstr(r.what, "cannot be made"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trial__played_twice__same_frames),
      cmocka_unit_test(trial__from_its_tape__same_frames),
      cmocka_unit_test(trial__cut_short__stops_at_the_event),
      cmocka_unit_test(trial__counted__adds_up),
      cmocka_unit_test(trial__without_a_link__says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
