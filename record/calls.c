/* SPDX-License-Identifier: MIT */
/*
 * calls.c - the list of calls.h as a table, and a call as a line of text.
 *
 * Used by the reader, the player and `tercet replay`.
 */
#include "record/calls.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const struct record_shape shapes[RECORD_OPS] = {
#define X(name, function, args, before, outs, after)                                               \
  [RECORD_##name] = {function, args, before, outs, after},
    RECORD_CALLS(X)
#undef X
};

const struct record_shape *record_calls_shape(unsigned op) {
  return op > RECORD_NOTHING && op < RECORD_OPS ? &shapes[op] : NULL;
}

bool record_calls_has_result(const struct record_shape *h) {
  return h->outs[0] != '\0' || h->after[0] != '\0';
}

unsigned record_calls_count(const char *list) {
  unsigned n = list[0] != '\0';
  for (; *list != '\0'; list++)
    n += *list == ' ';
  return n;
}

void record_calls_word(const char *list, unsigned i, char word[24]) {
  size_t n;
  for (; i > 0 && *list != '\0'; i--) {
    list += strcspn(list, " ");
    list += *list == ' ';
  }
  n = strcspn(list, " ");
  n = n < 23 ? n : 23;
  memcpy(word, list, n);
  word[n] = '\0';
}

/* ---- Words ----------------------------------------------------------------------------------- */

struct text {
  char *p;
  size_t cap, n;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->p + t->n, t->cap - t->n, format, args);
  va_end(args);
  t->n = n < 0 ? t->n : t->n + (size_t)n;
  t->n = t->n < t->cap ? t->n : t->cap - 1;
}

/* "sock.index sock.gen": one thing in two numbers. True: the second one was told with the first. */
static bool add_pair(struct text *t, const char *word, uint64_t index, uint64_t gen) {
  size_t n = strlen(word);
  if (n < 6 || strcmp(word + n - 6, ".index") != 0)
    return false;
  add(t, "%.*s %" PRIu64 ".%" PRIx64, (int)(n - 6), word, index, gen);
  return true;
}

static void add_args(struct text *t, const struct record_call *c, const struct record_shape *h) {
  unsigned n = record_calls_count(h->args);
  char word[24];
  for (unsigned i = 0; i < n; i++) {
    record_calls_word(h->args, i, word);
    add(t, i > 0 ? ", " : "");
    if (i + 1 < n && add_pair(t, word, c->arg[i], c->arg[i + 1]))
      i++;
    else if (c->op == RECORD_SOCK_SET && strcmp(word, "value") == 0)
      add(t, "%s %" PRId64, word, (int64_t)c->arg[i]);
    else
      add(t, "%s %" PRIu64, word, c->arg[i]);
  }
  if (c->before_len > 0)
    add(t, "%s%s: %zu bytes", n > 0 ? ", " : "", h->before, c->before_len);
}

static void add_outs(struct text *t, const struct record_call *c, const struct record_shape *h) {
  unsigned n = record_calls_count(h->outs);
  char word[24];
  for (unsigned i = 0; i < n; i++) {
    record_calls_word(h->outs, i, word);
    add(t, i > 0 ? ", " : " = ");
    if (i + 1 < n && add_pair(t, word, (uint64_t)c->out[i], (uint64_t)c->out[i + 1]))
      i++;
    else if (i == 0 && c->out[0] < 0)
      add(t, "%" PRId64 " (%s)", c->out[0], tct_strerror((int)c->out[0]));
    else if (i == 0)
      add(t, "%" PRId64, c->out[i]);
    else
      add(t, "%s %" PRId64, word, c->out[i]);
    if (i == 0 && c->out[0] == 0 && strcmp(word, "found") == 0)
      return; /* the rest is zeros */
  }
}

void record_calls_text(const struct record_call *c, char *text, size_t cap) {
  const struct record_shape *h = record_calls_shape(c->op);
  struct text t = {text, cap, 0};
  if (h == NULL || cap == 0)
    return;
  text[0] = '\0';
  add(&t, "%s(", h->function);
  add_args(&t, c, h);
  add(&t, ")");
  if (c->has_result && record_calls_has_result(h))
    add_outs(&t, c, h);
  else if (record_calls_has_result(h))
    add(&t, " never came back");
  if (c->n_refused > 0)
    add(&t, ", %zu allocations refused", c->n_refused);
}
