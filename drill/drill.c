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
#include "drill/run.h"

enum { SCRIPT_BYTES_MAX = 4 << 20, SHOWN_FRAMES_MAX = 60, FIRST_PORT = 50001 };

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
  out->line = r->fail_line;
  snprintf(out->why, sizeof out->why, "%s", r->failure);
  FILE *to = open_memstream(&out->details, &size);
  if (!to)
    return;
  if (r->expected)
    fprintf(to, "    expected %s\n", r->expected);
  if (r->seen)
    fprintf(to, "    seen     %s\n", r->seen);
  write_frames(r, to);
  fclose(to);
}

static void play_parsed(struct drill_arena *a, const struct drill_script *s, const char *path,
                        struct drill_result *out) {
  struct drill_run *r = drill_arena_get(a, sizeof *r);
  r->arena = a;
  r->script = s;
  r->set = &s->set;
  r->path = path;
  r->frames_end = &r->frames;
  r->next_port = FIRST_PORT;
  tct_config_init(&r->config, sizeof r->config);
  r->config.profile = s->set.profile;
  if (s->set.epoch_set)
    r->config.epoch_ns = s->set.epoch_ns;
  out->passed = drill_run_play(r);
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
  drill_parse(&arena, text, len, o->overrides, o->n_overrides, &script);
  out->names_ip_version = script.set.ip_named;
  if (script.error) {
    out->line = script.error_line;
    snprintf(out->why, sizeof out->why, "%s", script.error);
  } else if (o->parse_only || script.set.parse_only) {
    out->passed = true;
  } else {
    play_parsed(&arena, &script, path, out);
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
