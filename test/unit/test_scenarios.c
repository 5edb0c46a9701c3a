/* SPDX-License-Identifier: MIT */
/* The named worlds: each is a plan that can be played, and the small ones hold and do as named. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cli/scenarios.h"
#include "sim/trial_count.h"

static void read_plan(const struct scenario *s, struct sim_trial_plan *p) {
  char error[200];
  FILE *f = fmemopen((void *)(uintptr_t)s->plan, strlen(s->plan), "r");
  assert_non_null(f);
  if (!sim_trial_read(p, f, error, sizeof error))
    fail_msg("%s, %s", s->name, error);
  fclose(f);
}

static void every_scenario__is_a_plan_with_flows_and_words(void **state) {
  struct sim_trial_plan p;
  (void)state;
  assert_true(n_scenarios >= 12);
  for (size_t i = 0; i < n_scenarios; i++) {
    read_plan(&scenarios[i], &p);
    assert_true(p.n_flows > 0 && p.n_links > 0 && p.heal_ms > 0);
    assert_true(strlen(scenarios[i].about) < 80 && strlen(scenarios[i].sees) < 100);
    assert_ptr_equal(scenarios_find(scenarios[i].name), &scenarios[i]);
  }
  assert_null(scenarios_find("lossy"));
}

/* Plays it; the harm that gives it its name must have been done. */
static void play(const char *name, tct_sim_fault_kind harm) {
  static struct sim_trial_counts counts;
  struct sim_trial_plan p;
  struct sim_trial_result r;
  struct sim_trial_run run = {.counts = &counts};
  memset(&counts, 0, sizeof counts);
  read_plan(scenarios_find(name), &p);
  p.seed = 1;
  sim_trial_play(&p, &run, &r);
  if (r.failed)
    fail_msg("%s: I%u: %s", name, r.invariant, r.what);
  assert_true(counts.connections > 0 && counts.fault[harm] > 0);
}

static void small_scenarios__hold(void **state) {
  (void)state;
  play("nat-rebind", TCT_SIM_FAULT_NAT_REBIND);
  play("black-hole", TCT_SIM_FAULT_BLACK_HOLE);
  play("broken-middlebox", TCT_SIM_FAULT_SEQ_SHIFT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_scenario__is_a_plan_with_flows_and_words),
      cmocka_unit_test(small_scenarios__hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
