/* SPDX-License-Identifier: MIT */
/*
 * show.c - the way in: takes traces, runs them through conv.c and hands the rows to the outputs
 * that were asked for. Called by the verbs; knows no format itself.
 */
#include "cli/show/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/show/conv.h"
#include "cli/show/render.h"
#include "cli/show/stage.h"
#include "drivers/discard.h"

enum { SENTENCES_MAX = 3 }; /* more connections than this are summed up */

struct show_sink {
  struct show *show;
  int end;
};

struct show {
  struct show_opts opts;
  const char *names[2];
  struct show_sink sink[2];
  struct conv conv;
  struct show_stage stage;
  struct render render;
  struct ladder ladder;
  struct svg *svg;
  FILE *svg_file;
  bool finished;
  char error[300];
};

void show_opts_init(struct show_opts *o, FILE *out) {
  memset(o, 0, sizeof *o);
  o->out = out;
  term_init(&o->term, out);
  o->mode = o->term.tty ? SHOW_LADDER : SHOW_PLAIN;
  o->traced = 1u << SHOW_LEFT | 1u << SHOW_RIGHT;
}

/* Time 0 is known with the first row. */
static void set_base(struct show *s) {
  if (s->render.has_base || !s->conv.has_base)
    return;
  s->render.base = s->ladder.r.base = s->conv.base;
  s->render.has_base = true;
  if (s->svg != NULL)
    svg_set_base(s->svg, s->conv.base);
}

static void on_row(void *ctx, const struct show_row *r) {
  struct show *s = ctx;
  set_base(s);
  if (s->opts.mode == SHOW_PLAIN)
    plain_row(&s->render, r);
  if (s->opts.mode == SHOW_JSON)
    json_row(&s->render, r);
  if (s->stage.n_out != 0)
    stage_row(&s->stage, r);
}

static void init_render(struct show *s) {
  const struct show_opts *o = &s->opts;
  s->names[0] = o->names[0] != NULL ? o->names[0] : "left";
  s->names[1] = o->names[1] != NULL ? o->names[1] : "right";
  s->render = (struct render){.out = o->out,
                              .term = o->term,
                              .words = {o->numbers, o->why, o->window, s->names},
                              .title = o->title,
                              .traced = o->traced};
  s->stage.no_fold = o->no_fold;
  s->stage.no_sections = o->no_sections;
  s->stage.names = s->names;
}

static bool open_svg(struct show *s, char *error, size_t cap) {
  if (s->opts.svg_path == NULL)
    return true;
  s->svg_file = fopen(s->opts.svg_path, "w");
  if (s->svg_file == NULL) {
    snprintf(error, cap, "cannot write %s: %s", s->opts.svg_path, strerror(errno));
    return false;
  }
  s->svg = svg_new(&s->render, s->opts.svg_animated);
  if (s->svg == NULL)
    snprintf(error, cap, "no memory for the picture");
  return s->svg != NULL;
}

static void add_output(struct show *s, void (*row)(void *, const struct show_row *), void *ctx) {
  s->stage.out[s->stage.n_out++] = (struct show_renderer){row, ctx};
}

struct show *show_new(const struct show_opts *o, char *error, size_t cap) {
  struct show *s = calloc(1, sizeof *s);
  if (s == NULL || !conv_init(&s->conv, o->traced, (struct show_renderer){on_row, s})) {
    snprintf(error, cap, "no memory for the ladder");
    free(s);
    return NULL;
  }
  s->opts = *o;
  for (int e = 0; e < 2; e++)
    s->sink[e] = (struct show_sink){s, e};
  init_render(s);
  if (!open_svg(s, error, cap)) {
    show_free(s);
    return NULL;
  }
  if (o->mode == SHOW_LADDER) {
    ladder_init(&s->ladder, &s->render);
    add_output(s, ladder_row, &s->ladder);
  }
  if (s->svg != NULL)
    add_output(s, svg_row, s->svg);
  if (o->mode == SHOW_JSON)
    json_begin(&s->render);
  return s;
}

void show_free(struct show *s) {
  if (s == NULL)
    return;
  if (s->svg_file != NULL) { /* never finished: no half-made picture stays */
    fclose(s->svg_file);
    tct_discard(s->opts.svg_path);
  }
  svg_free(s->svg);
  conv_deinit(&s->conv);
  free(s);
}

void show_trace(struct show *s, int end, const tct_trace *t) {
  conv_trace(&s->conv, end, t);
}

void show_sink_fn(void *ctx, const tct_trace *t) {
  struct show_sink *k = ctx;
  show_trace(k->show, k->end, t);
}

struct show_sink *show_sink(struct show *s, int end) {
  return &s->sink[end];
}

void show_link(struct show *s, int from, const void *packet, size_t len, enum show_fate fate,
               tct_time at) {
  conv_link(&s->conv, from, packet, len, fate, at);
}

void show_note(struct show *s, tct_time at, const char *text) {
  conv_note(&s->conv, at, text);
}

void show_flush(struct show *s, tct_time now) {
  conv_flush(&s->conv, now);
  if (s->stage.n_out != 0)
    stage_flush(&s->stage, now);
}

/* ---- The end --------------------------------------------------------------------------------- */

static const struct show_conn *first_conn(const struct show *s) {
  if (s->conv.has_first)
    return &s->conv.first;
  return s->conv.n_conns != 0 ? s->conv.conn[0] : NULL;
}

static void put_sentence(struct show *s, bool good, const struct line *sentence) {
  const struct term *t = &s->render.term;
  enum term_role role = good ? TERM_GOOD : TERM_BAD;
  struct line copy = *sentence;
  if (!t->unicode || s->opts.mode == SHOW_PLAIN)
    words_to_ascii(copy.b);
  if (s->opts.mode == SHOW_PLAIN) {
    fprintf(s->opts.out, "summary: %s\n", copy.b);
    return;
  }
  fprintf(s->opts.out, " %s%s%s %s\n", term_on(t, role),
          t->unicode ? (good ? "✓" : "✗") : (good ? "+" : "X"), term_off(t, role), copy.b);
}

static void sum_up_conn(struct show *s, const struct show_conn *c) {
  struct line l, whole;
  bool good = summary_write(&l, c, s->names);
  line_clear(&whole);
  if (s->conv.conns_seen > 1)
    line_add(&whole, "%u: ", c->number);
  line_add(&whole, "%s", l.b);
  if (s->opts.mode == SHOW_JSON)
    json_summary(&s->render, c, &l);
  else if (s->opts.mode != SHOW_NONE)
    put_sentence(s, good, &whole);
  if (s->svg != NULL && c == first_conn(s))
    svg_summary(s->svg, good, l.b);
}

static void sum_up_many(struct show *s) {
  struct line l;
  line_clear(&l);
  line_add(&l, "%u connections, %u segments, %u lost, %u sent again.", s->conv.conns_seen,
           s->conv.segments, s->conv.lost, s->conv.resent);
  if (s->opts.mode == SHOW_LADDER || s->opts.mode == SHOW_PLAIN)
    put_sentence(s, true, &l);
  if (s->svg != NULL)
    svg_summary(s->svg, true, l.b);
}

static void sum_up(struct show *s) {
  if (s->opts.no_summary)
    return;
  if (s->opts.mode == SHOW_LADDER && s->conv.conns_seen != 0)
    fputc('\n', s->opts.out);
  if (s->conv.conns_seen > SENTENCES_MAX && s->opts.mode != SHOW_JSON) {
    sum_up_many(s);
    return;
  }
  for (size_t i = 0; i < s->conv.n_conns; i++)
    if (s->conv.conn[i]->tally.any)
      sum_up_conn(s, s->conv.conn[i]);
}

static void fill_outcome(const struct show *s, struct show_outcome *o) {
  const struct show_conn *c = first_conn(s);
  memset(o, 0, sizeof *o);
  o->segments = s->conv.segments;
  o->lost = s->conv.lost;
  o->resent = s->conv.resent;
  o->connections = s->conv.conns_seen;
  if (c == NULL)
    return;
  const struct show_tally *t = &c->tally;
  o->opened = t->opened;
  o->refused = !t->opened && t->rst && t->rst_from != c->opener;
  o->no_answer = !t->opened && t->has_syn && t->syn_acks == 0 && !t->rst && !t->both_syn;
  o->reset = t->opened && t->rst;
  o->closed = t->fin_acked[0] && t->fin_acked[1];
  for (int e = 0; e < 2; e++)
    o->bytes[e] = t->data_end[e] != 0 ? t->data_end[e] - 1 : 0;
}

static bool close_svg(struct show *s) {
  if (s->svg == NULL)
    return true;
  int wrote = svg_write(s->svg, s->svg_file);
  int closed = fclose(s->svg_file);
  s->svg_file = NULL;
  if (wrote == 0 && closed == 0)
    return true;
  snprintf(s->error, sizeof s->error, "cannot write %s: %s", s->opts.svg_path, strerror(errno));
  tct_discard(s->opts.svg_path);
  return false;
}

int show_finish(struct show *s, struct show_outcome *o) {
  if (!s->finished) {
    s->finished = true;
    conv_finish(&s->conv);
    if (s->stage.n_out != 0)
      stage_flush(&s->stage, UINT64_MAX);
    sum_up(s);
    close_svg(s);
    if (s->opts.mode != SHOW_NONE && (fflush(s->opts.out) != 0 || ferror(s->opts.out)) &&
        s->error[0] == '\0')
      snprintf(s->error, sizeof s->error, "cannot write the output: %s", strerror(errno));
    if (s->conv.failed && s->error[0] == '\0')
      snprintf(s->error, sizeof s->error, "no memory: the drawing is not complete");
  }
  if (o != NULL)
    fill_outcome(s, o);
  return s->error[0] == '\0' ? 0 : -1;
}

const char *show_error(const struct show *s) {
  return s->error;
}
