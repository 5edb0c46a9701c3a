/* SPDX-License-Identifier: MIT */
/*
 * Questions to the record of a story: which segments, which states, when, how many. Called by the
 * checks of stories; changes nothing but the note of a failed expectation.
 */
#include <string.h>

#include "cli/stories/stage.h"

static bool fits(const struct stage_record *r, const struct pick *p) {
  const tct_seg *s = &r->t.seg;
  if (r->scene != p->scene || r->end != p->end)
    return false;
  if (r->t.kind != (p->in ? TCT_TRACE_SEG_IN : TCT_TRACE_SEG_OUT))
    return false;
  if ((s->flags & p->mask) != p->flags || s->len < p->len_min)
    return false;
  if (p->pure && s->len != 0)
    return false;
  if (p->port != 0 && s->sport != p->port && s->dport != p->port)
    return false;
  if (p->why != 0 && r->t.why != p->why)
    return false;
  return r->t.at >= p->from && (p->to == 0 || r->t.at <= p->to);
}

unsigned stage_count(const struct stage *st, struct pick p) {
  unsigned n = 0;
  for (size_t i = 0; i < st->n_records; i++)
    n += fits(&st->records[i], &p);
  return n;
}

const struct stage_record *stage_nth(const struct stage *st, struct pick p, unsigned n) {
  static const struct stage_record none = {.t = {.kind = 0xff, .at = TCT_NEVER}};
  for (size_t i = 0; i < st->n_records; i++)
    if (fits(&st->records[i], &p) && --n == 0)
      return &st->records[i];
  return &none;
}

const tct_seg *stage_seg(const struct stage *st, struct pick p, unsigned n) {
  return &stage_nth(st, p, n)->t.seg;
}

static bool is_change(const struct stage_record *r, unsigned scene, int end) {
  return r->scene == scene && r->end == end && r->t.kind == TCT_TRACE_STATE;
}

tct_time stage_went(const struct stage *st, unsigned scene, int end, tct_state from, tct_state to) {
  for (size_t i = 0; i < st->n_records; i++) {
    const struct stage_record *r = &st->records[i];
    if (is_change(r, scene, end) && r->t.state_old == from && r->t.state_new == to)
      return r->t.at;
  }
  return TCT_NEVER;
}

unsigned stage_went_count(const struct stage *st, unsigned scene, int end, tct_state from,
                          tct_state to) {
  unsigned n = 0;
  for (size_t i = 0; i < st->n_records; i++) {
    const struct stage_record *r = &st->records[i];
    n += is_change(r, scene, end) && r->t.state_old == from && r->t.state_new == to;
  }
  return n;
}

tct_state stage_state(const struct stage *st, unsigned scene, int end) {
  tct_state last = TCT_CLOSED;
  for (size_t i = 0; i < st->n_records; i++) {
    const struct stage_record *r = &st->records[i];
    if (is_change(r, scene, end))
      last = (tct_state)r->t.state_new;
  }
  return last;
}

unsigned stage_fates(const struct stage *st, unsigned scene, unsigned dir, tct_sim_fate fate) {
  unsigned n = 0;
  for (size_t i = 0; i < st->n_frames; i++) {
    const struct stage_frame *f = &st->frames[i];
    n += f->scene == scene && (dir == 2 || f->f.dir == dir) && f->f.fate == fate;
  }
  return n;
}

unsigned stage_frames(const struct stage *st, unsigned scene, unsigned dir) {
  unsigned n = 0;
  for (size_t i = 0; i < st->n_frames; i++)
    n += st->frames[i].scene == scene && (dir == 2 || st->frames[i].f.dir == dir);
  return n;
}

const struct stage_frame *stage_frame_nth(const struct stage *st, unsigned scene, unsigned n) {
  static const struct stage_frame none;
  for (size_t i = 0; i < st->n_frames; i++)
    if (st->frames[i].scene == scene && --n == 0)
      return &st->frames[i];
  return &none;
}

bool stage_fail(struct stage *st, const char *what, const char *file, int line) {
  if (st->failed != NULL)
    return false;
  st->failed = what;
  st->failed_file = file;
  st->failed_line = line;
  return false;
}
