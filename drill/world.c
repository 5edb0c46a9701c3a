/* SPDX-License-Identifier: MIT */
/*
 * world.c - what came out of the subject and went into it, and its clock, whichever it is: our
 * stack (ours.c) or this machine's kernel (linux.c). Called by run.c, build.c, match.c and the
 * calls.
 */
#include "drill/run.h"

#include <string.h>

static void set_ends(struct drill_run *r) {
  bool is_v6 = r->set->ip == DRILL_IP6;
  const char *remote = r->set->remote_ip ? r->set->remote_ip
                       : is_v6           ? "fd3d:fa7b:d17d::1"
                                         : "192.0.2.1";
  const char *local = r->set->local_ip ? r->set->local_ip
                      : is_v6          ? "fd3d:0a0b:17d6::1"
                                       : "192.168.0.1";
  r->remote = drill_conn_address(remote);
  r->local = drill_conn_address(local);
}

bool drill_world_start(struct drill_run *r) {
  if (r->is_started)
    return true;
  r->is_started = true;
  set_ends(r);
  return r->subject->start(r);
}

void drill_world_stop(struct drill_run *r) {
  r->subject->stop(r);
}

struct drill_frame *drill_world_frame(struct drill_run *r, bool is_out, size_t len) {
  struct drill_frame *f = drill_arena_get(r->arena, sizeof *f);
  /* A block of its very size, so that a read past its end is seen. */
  f->bytes = drill_arena_get(r->arena, len);
  f->len = len;
  f->is_out = is_out;
  f->at_ns = r->now_ns;
  f->line = r->line;
  *r->frames_end = f;
  r->frames_end = &f->next;
  return f;
}

void drill_world_came(struct drill_run *r, struct drill_frame *f) {
  drill_frame_decode(f);
  drill_conn_on_out(r, f);
  if (f->broken)
    drill_run_differ(r, NULL, drill_show_frame(r, f), "a frame is broken: %s", f->broken);
}

bool drill_world_settle(struct drill_run *r) {
  return r->subject->settle(r);
}

bool drill_world_step(struct drill_run *r, uint64_t limit_ns) {
  return r->subject->step(r, limit_ns);
}

bool drill_world_advance(struct drill_run *r, uint64_t to_ns) {
  return r->subject->advance(r, to_ns);
}

bool drill_world_inject(struct drill_run *r, uint8_t *bytes, size_t len, bool is_more) {
  struct drill_frame *f = drill_world_frame(r, false, len);
  memcpy(f->bytes, bytes, len);
  f->conn = r->current;
  drill_frame_decode(f);
  return r->subject->inject(r, f, is_more);
}
