/* SPDX-License-Identifier: MIT */
/*
 * drill.c - a script file from reading to report: what went wrong where, and the frames up to
 * there. Called by the `drill` command. Leaves the events to run.c; the language is in
 * docs/drill.md.
 */
#define _GNU_SOURCE
#include "drill/drill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drill/parse.h"
#include "drill/linux.h"
#include "drill/run.h"

enum {
  SCRIPT_BYTES_MAX = 4 << 20,
  SHOWN_FRAMES_MAX = 60,
  FIRST_PORT = 50001,
  REAL_SECONDS_MAX = 150,
  OPTIONS_MAX = 128,
  DIRS_MAX = 8
};
#define REAL_TOLERANCE_NS 4000000u
#define REAL_TOLERANCE_PERCENT 12.5

/* ---- The report ------------------------------------------------------------------------------ */

static void write_frames(struct drill_run *r, FILE *to) {
  unsigned n = 0, i = 0;
  for (const struct drill_frame *f = r->frames; f; f = f->next)
    n++;
  if (n == 0)
    return;
  fputs("    so far:\n", to);
  for (const struct drill_frame *f = r->frames; f; f = f->next, i++) {
    if (n - i > SHOWN_FRAMES_MAX)
      continue;
    fprintf(to, "      %s%s\n", drill_show_frame(r, f),
            f->conn || !f->is_out ? "" : "  [no connection of the script]");
  }
}

static void report_failure(struct drill_run *r, struct drill_result *out) {
  size_t size;
  out->passed = false;
  out->skipped = r->is_skip;
  out->is_refused = r->is_refused;
  out->is_timing = r->is_timing;
  out->line = r->fail_line;
  snprintf(out->why, sizeof out->why, "%s", r->failure);
  FILE *to = open_memstream(&out->details, &size);
  if (!to)
    return;
  if (r->expected)
    fprintf(to, "    expected %s\n", r->expected);
  if (r->seen)
    fprintf(to, "    seen     %s\n", r->seen);
  fclose(to);
  to = open_memstream(&out->frames, &size);
  if (!to)
    return;
  write_frames(r, to);
  fclose(to);
}

/* What a real clock asks for at least. */
static void loosen(struct drill_settings *s) {
  if (s->tolerance_ns < REAL_TOLERANCE_NS)
    s->tolerance_ns = REAL_TOLERANCE_NS;
  if (s->tolerance_percent < REAL_TOLERANCE_PERCENT)
    s->tolerance_percent = REAL_TOLERANCE_PERCENT;
}

static void choose_subject(struct drill_run *r, struct drill_script *s,
                           const struct drill_options *o) {
  r->subject = &drill_subject_ours;
  if (o->against != DRILL_AGAINST_LINUX)
    return;
  r->subject = &drill_subject_linux;
  r->linux = drill_arena_get(r->arena, sizeof *r->linux);
  r->linux->so = o->so;
  loosen(&s->set);
}

/* As long as the script waits by its own words. */
static uint64_t script_seconds(const struct drill_script *s) {
  uint64_t ns = 0;
  for (const struct drill_event *e = s->events; e; e = e->next) {
    bool is_after = e->when == DRILL_AFTER || e->when == DRILL_AFTER_RANGE;
    ns = is_after ? ns + e->from_ns : e->from_ns > ns ? e->from_ns : ns;
  }
  return ns / 1000000000u;
}

/* Why the kernel cannot play this script. */
static bool check_playable(struct drill_run *r, const struct drill_options *o) {
  char text[64];
  uint64_t seconds = script_seconds(r->script);
  if (r->set->profile == TCT_PROFILE_STRICT && !o->any_profile)
    return drill_run_skip(r, "the strict profile");
  if (seconds <= REAL_SECONDS_MAX)
    return true;
  snprintf(text, sizeof text, "it takes %llu s", (unsigned long long)seconds);
  return drill_run_skip(r, text);
}

static void play_parsed(struct drill_arena *a, struct drill_script *s, const char *path,
                        const struct drill_options *o, struct drill_result *out) {
  struct drill_run *r = drill_arena_get(a, sizeof *r);
  r->arena = a;
  r->script = s;
  r->set = &s->set;
  r->progress = o->progress;
  r->is_logged = o->log;
  choose_subject(r, s, o);
  r->path = path;
  r->frames_end = &r->frames;
  r->next_port = FIRST_PORT;
  tct_config_init(&r->config, sizeof r->config);
  r->config.profile = s->set.profile;
  r->config.trace = o->trace;
  r->config.trace_ctx = o->trace_ctx;
  if (s->set.epoch_set)
    r->config.epoch_ns = s->set.epoch_ns;
  if (!r->linux || check_playable(r, o))
    out->passed = drill_run_play(r);
  if (o->log)
    out->log = drill_log_text(r);
  if (!out->passed)
    report_failure(r, out);
  drill_world_stop(r);
  free(r->buffer);
}

static char *read_file(struct drill_arena *a, const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f)
    return NULL;
  char *text = drill_arena_get(a, SCRIPT_BYTES_MAX / 64 + 1);
  size_t cap = SCRIPT_BYTES_MAX / 64;
  *len = fread(text, 1, cap, f);
  while (*len == cap && cap < SCRIPT_BYTES_MAX) {
    char *more = drill_arena_get(a, cap * 2 + 1);
    memcpy(more, text, *len);
    *len += fread(more + *len, 1, cap, f);
    text = more;
    cap *= 2;
  }
  bool failed = ferror(f) != 0;
  fclose(f);
  text[*len] = '\0';
  return failed ? NULL : text;
}

/* ---- Options of a directory --------------------------------------------------------------------
 */

struct given {
  const char *at[OPTIONS_MAX];
  size_t n;
};

/* One option a line, as in a script; what does not begin with -- is a comment. */
static void read_options(struct drill_arena *a, char *text, struct given *g) {
  char *rest;
  for (char *l = strtok_r(text, "\r\n", &rest); l; l = strtok_r(NULL, "\r\n", &rest))
    if (strncmp(l, "--", 2) == 0 && g->n < OPTIONS_MAX)
      g->at[g->n++] = drill_arena_printf(a, DRILL_BEFORE "%s", l + 2);
}

/* The file drill.options beside the script, or in the nearest directory above that has one. */
static void find_options(struct drill_arena *a, const char *path, struct given *g) {
  const char *slash = strrchr(path, '/');
  char *dir = drill_arena_printf(a, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
  for (int up = 0; up < DIRS_MAX; up++) {
    size_t len;
    char *text = read_file(a, drill_arena_printf(a, "%s/drill.options", dir), &len);
    if (text) {
      read_options(a, text, g);
      return;
    }
    char *last = strrchr(dir, '/');
    bool can_cut = last && last != dir && strcmp(last, "/..") != 0;
    if (can_cut)
      *last = '\0';
    else
      dir = drill_arena_printf(a, "%s/..", dir);
  }
}

void drill_play_file(const char *path, const struct drill_options *o, struct drill_result *out) {
  struct drill_arena arena = {NULL};
  struct drill_script script;
  size_t len = 0;
  *out = (struct drill_result){.passed = false};
  errno = 0;
  const char *text = read_file(&arena, path, &len);
  if (!text) {
    snprintf(out->why, sizeof out->why, "cannot be read: %s", strerror(errno));
    drill_arena_free(&arena);
    return;
  }
  struct given given = {.n = 0};
  find_options(&arena, path, &given);
  for (size_t i = 0; i < o->n_overrides && given.n < OPTIONS_MAX; i++)
    given.at[given.n++] = o->overrides[i];
  drill_parse(&arena, text, len, given.at, given.n, &script);
  out->names_ip_version = script.set.ip_named;
  if (script.error) {
    out->line = script.error_line;
    snprintf(out->why, sizeof out->why, "%s", script.error);
  } else if (o->parse_only || script.set.parse_only) {
    out->passed = true;
  } else {
    play_parsed(&arena, &script, path, o, out);
  }
  drill_arena_free(&arena);
}

bool drill_check_option(const char *option, char *why, size_t cap) {
  static const char text[] = "0 `true`\n";
  struct drill_arena arena = {NULL};
  struct drill_script script;
  drill_parse(&arena, text, sizeof text - 1, &option, 1, &script);
  bool is_known = script.error == NULL;
  if (!is_known)
    snprintf(why, cap, "%s", script.error);
  drill_arena_free(&arena);
  return is_known;
}
