/* SPDX-License-Identifier: MIT */
/*
 * log.c - what a run did, in lines that those of another run can be compared with: results of
 * calls, values in assertions, frames that left. Live numbers (TSval, windows that no line asks
 * for) are left out. Called by call.c, eval.c and, at the end, drill.c; compare.c reads it.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add_note(struct drill_run *r, int line, const char *text) {
  struct drill_note *n = drill_arena_get(r->arena, sizeof *n);
  *n = (struct drill_note){.line = line, .at_ns = r->now_ns, .text = text};
  if (!r->notes_end)
    r->notes_end = &r->notes;
  *r->notes_end = n;
  r->notes_end = &n->next;
}

void drill_log_note(struct drill_run *r, int line, const char *format, ...) {
  char text[400];
  va_list args;
  if (!r->is_logged)
    return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  add_note(r, line, drill_arena_copy(r->arena, text, strlen(text)));
}

void drill_log_event(struct drill_run *r) {
  if (r->is_logged)
    add_note(r, r->line, NULL);
}

/* Without the time in front, the reason behind, the window and the time stamps. */
static void write_plain(FILE *to, const char *shown) {
  const char *p = strchr(shown, ' ');
  p = p ? p + 1 : shown;
  while (*p && strncmp(p, "   (", 4) != 0) {
    if (strncmp(p, " win ", 5) == 0) {
      p += 5 + strspn(p + 5, "0123456789");
    } else if (strncmp(p, "TS val ", 7) == 0) {
      fputs("TS", to);
      p += strcspn(p, ",>");
    } else {
      fputc(*p++, to);
    }
  }
  fputc('\n', to);
}

char *drill_log_text(struct drill_run *r) {
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to)
    return NULL;
  for (const struct drill_note *n = r->notes; n; n = n->next)
    fprintf(to, "%c %d %llu %s\n", n->text ? 'C' : 'E', n->line,
            (unsigned long long)(n->at_ns / 1000), n->text ? n->text : "");
  for (const struct drill_frame *f = r->frames; f; f = f->next) {
    if (!f->is_out)
      continue;
    fprintf(to, "P %d %llu ", f->line, (unsigned long long)(f->at_ns / 1000));
    write_plain(to, drill_show_frame(r, f));
  }
  fclose(to);
  return text;
}
