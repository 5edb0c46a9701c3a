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

uint64_t drill_run_tolerance(const struct drill_run *r, uint64_t span_ns) {
  uint64_t part = (uint64_t)((double)span_ns * r->set->tolerance_percent / 100.0);
  return part > r->set->tolerance_ns ? part : r->set->tolerance_ns;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static bool go_to(struct drill_run *r, uint64_t due_ns) {
  if (r->stack)
    return drill_world_advance(r, due_ns);
  if (due_ns > r->now_ns)
    r->now_ns = due_ns;
  return true;
}

static bool play_packet(struct drill_run *r, const struct drill_event *e) {
  if (e->packet->is_out) {
    bool ok = drill_match_expect(r, e);
    if (!ok && r->set->non_fatal_packet)
      r->failure = NULL;
    return !r->failure;
  }
  return drill_build_inject(r, e->packet);
}

static bool play_event(struct drill_run *r, const struct drill_event *e) {
  bool is_after = e->when == DRILL_AFTER || e->when == DRILL_AFTER_RANGE;
  uint64_t due_ns = e->when == DRILL_ANYTIME ? r->now_ns : e->from_ns + (is_after ? r->now_ns : 0);
  bool is_expected = e->kind == DRILL_EVENT_PACKET && e->packet->is_out;
  r->line = e->line;
  if (e->kind != DRILL_EVENT_SHELL && !drill_world_start(r))
    return false;
  if (!is_expected && !go_to(r, due_ns))
    return false;
  bool ok = false;
  switch (e->kind) {
  case DRILL_EVENT_PACKET:
    ok = play_packet(r, e);
    break;
  case DRILL_EVENT_CALL:
    ok = drill_call_play(r, e);
    break;
  case DRILL_EVENT_SHELL:
    ok = drill_shell(r, e->text);
    break;
  case DRILL_EVENT_CODE:
    ok = drill_eval(r, e->text);
    break;
  }
  r->previous_ns = due_ns;
  return ok && !r->failure;
}

bool drill_run_play(struct drill_run *r) {
  const struct drill_script *s = r->script;
  r->line = s->init_line;
  if (s->init && !drill_shell(r, s->init))
    return false;
  for (const struct drill_event *e = s->events; e; e = e->next)
    if (!play_event(r, e))
      return false;
  if (!drill_call_finish(r))
    return false;
  if (r->stack && (!drill_world_settle(r) || !drill_match_leftovers(r)))
    return false;
  if (!s->cleanup)
    return true;
  r->line = s->cleanup_line;
  return strstr(s->cleanup, "sysctl") || drill_shell(r, s->cleanup);
}
