/* SPDX-License-Identifier: MIT */
/*
 * The shrinker: given worlds with a failure that is ours to choose, it must find the least one. And
 * a recording of a stack in such a world plays by itself.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/play.h"
#include "sim/shrink.h"

/* "Fails" as soon as so many data segments were lost, whatever else goes on. */
struct wish {
  unsigned losses, seen;
  struct sim_trial_result *out;
};

static void on_frame(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct wish *x = ctx;
  if (arriving || f->fate != TCT_SIM_LOST || !f->is_tcp || f->seg.len == 0)
    return;
  if (++x->seen != x->losses)
    return;
  x->out->failed = true;
  x->out->invariant = 1;
  x->out->event = f->number;
  x->out->frame = f->number;
  x->out->at = f->sent_at;
}

static void play_wish(void *ctx, const struct sim_trial_plan *p, const struct sim_trial_run *run,
                      struct sim_trial_result *out) {
  struct wish *x = ctx;
  struct sim_trial_run tapped = *run;
  struct sim_trial_result whole, mine = {0};
  tapped.tap = on_frame;
  tapped.tap_ctx = x;
  tapped.until_event = 2000;
  x->seen = 0;
  x->out = &mine;
  sim_trial_play(p, &tapped, &whole);
  *out = mine;
}

/* A seed whose world loses data often enough. */
static bool find_failing(sim_shrink *s, struct wish *x, uint64_t from) {
  struct sim_trial_result r;
  struct sim_trial_run run = {0};
  for (uint64_t seed = from; seed < from + 200; seed++) {
    sim_trial_draw(&s->plan, seed, SIM_TRIAL_SMALL);
    play_wish(x, &s->plan, &run, &r);
    if (r.failed && s->plan.n_faults >= 3)
      return true;
  }
  return false;
}

static void two_lost_segments__shrink_to_a_few_frames_and_two_choices(void **state) {
  struct wish x = {.losses = 2};
  sim_shrink s = {.play = play_wish, .ctx = &x};
  (void)state;
  for (uint64_t from = 1; from <= 401; from += 200) {
    assert_true(find_failing(&s, &x, from));
    assert_true(sim_shrink_run(&s));
    assert_int_equal(s.plan.n_hosts, 2);
    assert_int_equal(s.plan.n_flows, 1);
    assert_true(s.plan.n_faults <= 2);
    assert_true(s.result.frame <= 12);
    assert_true(sim_shrink_choices(&s.tape) <= 4);
    tct_sim_tape_free(&s.tape);
  }
}

static void plan_with_its_tape__is_the_same_run_when_read_again(void **state) {
  struct wish x = {.losses = 3};
  sim_shrink s = {.play = play_wish, .ctx = &x};
  struct sim_trial_plan back;
  struct sim_trial_result r, again;
  struct sim_trial_run run = {0};
  tct_sim_tape tape = {0};
  char error[200];
  FILE *f = tmpfile();
  (void)state;
  assert_non_null(f);
  assert_true(find_failing(&s, &x, 601));
  assert_true(sim_shrink_run(&s));
  sim_trial_print(&s.plan, f);
  sim_shrink_print_tape(&s.tape, f);
  rewind(f);
  assert_true(sim_trial_read(&back, f, error, sizeof error));
  rewind(f);
  assert_true(sim_shrink_read_tape(&tape, f));
  fclose(f);
  assert_int_equal(tape.n, s.tape.n);
  sim_shrink_replay(&s, &run, &r);
  tape.replaying = true;
  run = (struct sim_trial_run){.tape = &tape};
  play_wish(&x, &back, &run, &again);
  assert_true(r.failed && again.failed);
  assert_int_equal(r.frame, again.frame);
  assert_true(r.at == again.at);
  tct_sim_tape_free(&tape);
  tct_sim_tape_free(&s.tape);
}

static void world_without_failure__is_left_alone(void **state) {
  struct wish x = {.losses = 1000000};
  sim_shrink s = {.play = play_wish, .ctx = &x};
  (void)state;
  sim_trial_draw(&s.plan, 1, SIM_TRIAL_SMALL);
  assert_false(sim_shrink_run(&s));
  assert_int_equal(s.plays, 1);
}

static bool no_time(void *ctx) {
  (void)ctx;
  return false;
}

static void no_time_left__the_failure_is_kept(void **state) {
  struct wish x = {.losses = 1};
  sim_shrink s = {.play = play_wish, .ctx = &x};
  (void)state;
  assert_true(find_failing(&s, &x, 1));
  s.go_on = no_time;
  assert_true(sim_shrink_run(&s));
  assert_true(s.result.failed && s.plays <= 4);
  tct_sim_tape_free(&s.tape);
}

/* A stack of a trial, recorded, plays by itself: middleboxes, faults and give-back included. */
static void recorded_stack_of_a_trial__replays(void **state) {
  char path[] = "/tmp/tercet-shrink-XXXXXX", error[300];
  int fd = mkstemp(path);
  (void)state;
  assert_true(fd >= 0);
  close(fd);
  for (uint64_t seed = 1; seed <= 24; seed++) {
    struct sim_trial_plan p;
    struct sim_trial_result r;
    struct record_play play;
    struct record_call c;
    struct record_reader *reader;
    enum record_verdict v = RECORD_SAME;
    int got = 0;
    sim_trial_draw(&p, seed, SIM_TRIAL_SMALL);
    struct sim_trial_run run = {.record = tct_record_open(path, "", error, sizeof error)};
    assert_non_null(run.record);
    for (uint32_t i = 0; i < p.n_hosts; i++)
      if (p.host[i].kind == SIM_TRIAL_STACK)
        run.record_host = i;
    sim_trial_play(&p, &run, &r);
    assert_int_equal(tct_record_close(run.record), 0);
    reader = record_read_open(path, error, sizeof error);
    assert_non_null(reader);
    record_play_init(&play);
    while (v == RECORD_SAME && (got = record_read_next(reader, &c)) > 0)
      v = record_play_call(&play, &c);
    if (got < 0 || v != RECORD_SAME)
      fail_msg("seed %u, call %u: %s", (unsigned)seed, (unsigned)c.number,
               got < 0 ? record_read_error(reader) : play.why);
    record_play_deinit(&play);
    record_read_free(reader);
  }
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_lost_segments__shrink_to_a_few_frames_and_two_choices),
      cmocka_unit_test(plan_with_its_tape__is_the_same_run_when_read_again),
      cmocka_unit_test(world_without_failure__is_left_alone),
      cmocka_unit_test(no_time_left__the_failure_is_kept),
      cmocka_unit_test(recorded_stack_of_a_trial__replays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
