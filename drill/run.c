/* SPDX-License-Identifier: MIT */
/*
 * run.c - goes through a script's events in virtual time. Called by drill.c. Packets are build.c's
 * and match.c's, calls call.c's, the clock world.c's; here are the order, the due times and the
 * failure.
 */
#include "drill/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool keep_failure(struct drill_run *r, const char *format, va_list args) {
  char text[900];
  if (r->failure)
    return false;
  vsnprintf(text, sizeof text, format, args);
  r->failure = drill_arena_copy(r->arena, text, strlen(text));
  r->fail_line = r->line;
  return true;
}

bool drill_run_fail(struct drill_run *r, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)keep_failure(r, format, args);
  va_end(args);
  return false;
}

bool drill_run_differ(struct drill_run *r, const char *expected, const char *seen,
                      const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (keep_failure(r, format, args)) {
    r->expected = expected;
    r->seen = seen;
  }
  va_end(args);
  return false;
}

bool drill_run_skip(struct drill_run *r, const char *what) {
  r->is_skip = !r->failure;
  return drill_run_fail(r, "ours only: %s", what);
}

uint64_t drill_run_tolerance(const struct drill_run *r, uint64_t span_ns) {
  uint64_t part = (uint64_t)((double)span_ns * r->set->tolerance_percent / 100.0);
  return part > r->set->tolerance_ns ? part : r->set->tolerance_ns;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static bool go_to(struct drill_run *r, uint64_t due_ns) {
  if (r->is_started)
    return drill_world_advance(r, due_ns);
  if (due_ns > r->now_ns)
    r->now_ns = due_ns;
  return true;
}

static bool play_packet(struct drill_run *r, const struct drill_event *e) {
  if (e->packet->is_out) {
    bool ok = drill_match_expect(r, e);
    if (!ok && (r->set->non_fatal_packet || r->is_logged))
      r->failure = NULL;
    return !r->failure;
  }
  return drill_build_inject(r, e->packet);
}

/* Relative to now, but between injected packets to the time that was written. */
static uint64_t due_time(const struct drill_run *r, const struct drill_event *e, bool is_injected) {
  bool is_after = e->when == DRILL_AFTER || e->when == DRILL_AFTER_RANGE;
  uint64_t base_ns = is_injected && r->is_packet_before ? r->previous_ns : r->now_ns;
  if (e->when == DRILL_ANYTIME)
    return r->now_ns;
  return e->from_ns + (is_after ? base_ns : 0);
}

/* hold_output: before an event at a later time, or one that expects a packet, the stack says what
 * it has to; while the others of an instant are played it is silent. */
static bool let_out(struct drill_run *r, bool is_expected, uint64_t due_ns) {
  r->is_holding = r->is_holding && !is_expected && due_ns <= r->now_ns;
  return r->is_holding || !r->set->hold_output || !r->is_started || drill_world_settle(r);
}

static bool check_late(struct drill_run *r, uint64_t due_ns) {
  uint64_t slack = drill_run_tolerance(r, due_ns > r->previous_ns ? due_ns - r->previous_ns : 0);
  if (!r->linux || r->is_logged || r->now_ns <= due_ns + slack)
    return true;
  r->is_timing = true;
  return drill_run_fail(r, "this machine was late: due at %.6f s, done at %.6f s",
                        (double)due_ns / 1e9, (double)r->now_ns / 1e9);
}

static bool play_event(struct drill_run *r, const struct drill_event *e) {
  bool is_expected = e->kind == DRILL_EVENT_PACKET && e->packet->is_out;
  bool is_injected = e->kind == DRILL_EVENT_PACKET && !e->packet->is_out;
  r->line = e->line;
  if (r->progress)
    *r->progress = e->line;
  if (e->kind != DRILL_EVENT_SHELL && !drill_world_start(r))
    return false;
  if (r->linux && !drill_world_settle(r))
    return false;
  uint64_t due_ns = due_time(r, e, is_injected);
  if (!let_out(r, is_expected, due_ns))
    return false;
  if (!is_expected && (!go_to(r, due_ns) || !check_late(r, due_ns)))
    return false;
  r->is_holding = r->set->hold_output && !is_expected;
  bool ok = false;
  if (!is_expected)
    drill_log_event(r);
  switch (e->kind) {
  case DRILL_EVENT_PACKET:
    ok = play_packet(r, e);
    break;
  case DRILL_EVENT_CALL:
    ok = drill_call_play(r, e);
    break;
  case DRILL_EVENT_SHELL:
    ok = r->subject->shell(r, e->text);
    break;
  case DRILL_EVENT_CODE:
    ok = drill_eval(r, e->text);
    break;
  }
  bool is_passable = r->is_logged && e->kind == DRILL_EVENT_CALL && r->failure;
  if (is_passable) {
    drill_log_note(r, e->line, "%s", r->failure);
    r->failure = NULL;
    ok = true;
  }
  r->previous_ns = due_ns;
  r->is_packet_before = is_injected;
  return ok && !r->failure;
}

bool drill_run_play(struct drill_run *r) {
  const struct drill_script *s = r->script;
  r->line = s->init_line;
  if (r->linux && !drill_world_start(r))
    return false;
  if (s->init && !r->subject->shell(r, s->init))
    return false;
  for (const struct drill_event *e = s->events; e; e = e->next)
    if (!play_event(r, e))
      return false;
  r->is_holding = false;
  if (!drill_call_finish(r))
    return false;
  if (r->is_started && !drill_world_settle(r))
    return false;
  if (r->is_started && !r->is_logged && !drill_match_leftovers(r))
    return false;
  if (!s->cleanup)
    return true;
  r->line = s->cleanup_line;
  return strstr(s->cleanup, "sysctl") || r->subject->shell(r, s->cleanup);
}
