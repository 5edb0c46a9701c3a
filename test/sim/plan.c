/* SPDX-License-Identifier: MIT */
/*
 * Plans of trials: what is drawn can be printed, read back and cut, and stays one that can be
 * played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trial.h"

enum { SEEDS = 300 };

static struct sim_trial_plan drawn, again;

static void read_text(const char *text, char *error, size_t cap, bool good) {
  FILE *f = tmpfile();
  assert_non_null(f);
  fputs(text, f);
  rewind(f);
  error[0] = '\0';
  assert_int_equal(sim_trial_read(&again, f, error, cap), good);
  fclose(f);
}

static void print_and_read(void) {
  char error[200] = "";
  FILE *f = tmpfile();
  assert_non_null(f);
  sim_trial_print(&drawn, f);
  rewind(f);
  if (!sim_trial_read(&again, f, error, sizeof error))
    fail_msg("seed %u: %s", (unsigned)drawn.seed, error);
  fclose(f);
}

static void plan__drawn_printed_read__is_the_same(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= SEEDS; seed++) {
    sim_trial_draw(&drawn, seed, seed % 2 ? SIM_TRIAL_SMALL : 0);
    assert_null(sim_trial_judge(&drawn));
    print_and_read();
    assert_memory_equal(&drawn, &again, sizeof drawn);
  }
}

static void plan__same_seed__same_plan(void **state) {
  (void)state;
  sim_trial_draw(&drawn, 99, 0);
  sim_trial_draw(&again, 99, 0);
  assert_memory_equal(&drawn, &again, sizeof drawn);
  sim_trial_draw(&again, 100, 0);
  assert_memory_not_equal(&drawn.host, &again.host, sizeof drawn.host);
}

static void plan__every_host_dropped_in_turn__can_still_be_played(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= SEEDS; seed++) {
    sim_trial_draw(&drawn, seed, 0);
    for (unsigned i = 0; i < drawn.n_hosts && drawn.n_hosts > 2; i++) {
      again = drawn;
      sim_trial_drop_host(&again, i);
      assert_int_equal(again.n_hosts, drawn.n_hosts - 1);
      assert_null(sim_trial_judge(&again));
    }
  }
}

static void plan__rows_dropped__those_behind_close_up(void **state) {
  (void)state;
  sim_trial_draw(&drawn, 5, 0);
  while (drawn.n_flows < 3)
    drawn.flow[drawn.n_flows++] = drawn.flow[0];
  drawn.flow[2].port = 77;
  again = drawn;
  sim_trial_drop_flow(&again, 1);
  assert_int_equal(again.n_flows, drawn.n_flows - 1);
  assert_int_equal(again.flow[1].port, 77);
  sim_trial_drop_flow(&again, 1000);
  assert_int_equal(again.n_flows, drawn.n_flows - 1);
}

static void plan__wrong_text__is_refused_with_its_line(void **state) {
  static const struct {
    const char *text, *error;
  } cases[] = {
      {"host 0 kind=stack\n", "line 1: fewer than two hosts"},
      {"host 0 kind=cow\n", "line 1: neither a number nor a word: cow"},
      {"plan 1\nhost 0 wings=2\n", "line 2: there is no such field: wings"},
      {"fault rain\n", "line 1: there is no such fault: rain"},
      {"horse 0\n", "line 1: there is no such record: horse"},
      {"host 0\nhost 1\nlink 0 a=0 b=7\n", "line 3: a link's host is not there"},
      {"host 0\nhost 1\nflow 0 client=1 server=1\n", "line 3: a flow's host is not there"},
      {"host 0 mtu=99999999999\n", "line 1: neither a number nor a word: 99999999999"},
      {"host 0 features=sack,wings\n", "line 1: there is no such feature: wings"},
  };
  char error[200];
  (void)state;
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    read_text(cases[i].text, error, sizeof error, false);
    assert_string_equal(error, cases[i].error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plan__drawn_printed_read__is_the_same),
      cmocka_unit_test(plan__same_seed__same_plan),
      cmocka_unit_test(plan__every_host_dropped_in_turn__can_still_be_played),
      cmocka_unit_test(plan__rows_dropped__those_behind_close_up),
      cmocka_unit_test(plan__wrong_text__is_refused_with_its_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
