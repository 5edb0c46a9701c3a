/* SPDX-License-Identifier: MIT */
/*
 * words.h - the words for a row: flags, numbers, sizes, options, reasons. One place, so that
 * ladder, picture, plain lines and JSON say the same.
 *
 * Text is UTF-8; words_to_ascii turns a finished line into ASCII of the same width.
 */
#ifndef TCT_SHOW_WORDS_H
#define TCT_SHOW_WORDS_H

#include "cli/show/row.h"

/* A line that is being written; too long a line is cut at a whole character. */
struct line {
  size_t n;
  char b[1000];
};

void line_clear(struct line *l);
void line_add(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As much of it as fits, whole characters. */
void line_copy(const struct line *l, char *to, size_t cap);
unsigned line_columns(const struct line *l);
/* Spaces up to a column; two if the line is there already. */
void line_pad_to(struct line *l, unsigned column);
/* n times the text. */
void line_repeat(struct line *l, const char *text, unsigned n);

void words_to_ascii(char *text);
void words_flags(struct line *l, uint8_t flags);
void words_size(struct line *l, uint64_t bytes);  /* "5.8 kB" */
void words_count(struct line *l, uint64_t n);     /* "5 792" */
void words_duration(struct line *l, tct_time ns); /* "18.3 ms" */
void words_number(struct line *l, enum show_numbers how, uint32_t rel, uint32_t abs);
void words_range(struct line *l, enum show_numbers how, const struct show_row *r);
void words_frames(struct line *l, uint32_t first, uint32_t last, bool contiguous);
/* brevity 0: in full; 1: TS for timestamps; 2: also without the factor. */
void words_options(struct line *l, const tct_seg *seg, unsigned brevity);
void words_endpoint(struct line *l, const tct_addr *a, uint16_t port);
/* Its window: "win 0", "win 502 ×128 = 64256". */
void words_window(struct line *l, const struct show_row *r);
void words_sack(struct line *l, const struct show_row *r, enum show_numbers how);
const char *words_state(uint8_t state);
const char *words_verdict(uint16_t verdict);
/* "RFC 6298 5.4", or NULL. */
const char *words_rfc(uint16_t why);
/* The reason is worth a word without being asked. */
bool words_why_is_news(uint16_t why);
enum term_role words_role(const struct show_row *r);

/* Flags, numbers, size; in columns when wide. */
void words_facts(struct line *l, const struct show_row *r, enum show_numbers how, bool wide);
/* Where absolute numbers stand beside relative ones: on rows that begin or end a stream. */
enum show_numbers words_seq_how(enum show_numbers how, const struct show_row *r);
enum show_numbers words_ack_how(enum show_numbers how, const struct show_row *r);

/* The remarks of a row, in the order of their weight. */
enum { WORDS_NOTES_MAX = 8 };
struct words_note {
  enum term_role role;
  struct line text;
};
struct words_context {
  enum show_numbers numbers;
  bool why, window;
  const char *const *names;
};
unsigned words_notes(struct words_note *notes, const struct show_row *r,
                     const struct words_context *x);
/* What a row without a segment says. */
void words_event(struct line *l, const struct show_row *r, const struct words_context *x);

#endif
