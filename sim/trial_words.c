/* SPDX-License-Identifier: MIT */
/*
 * Words for the numbers of a plan that are choices: kinds of host, ways to talk, ends, deeds.
 * Called by trial_plan.c; a field that is not listed here is a plain number.
 */
#include "sim/trial_words.h"

#include <string.h>

#include "sim/trial.h"

static const char *const kinds[] = {"stack", "router", "nat", "middlebox", "attacker", NULL};
static const char *const talks[] = {"stream", "simultaneous", "datagrams", NULL};
static const char *const ends[] = {
    "shut-after-send", "close-on-eof", "close-at-once", "stay", "abort", NULL};
static const char *const deeds[] = {
    "none",      "close",     "shut-send", "shut-receive", "abort",     "send",
    "crash",     "cut-wire",  "forge-syn", "forge-synack", "forge-ack", "forge-data",
    "forge-fin", "forge-rst", "forge-urg", "forge-bare",   NULL};
static const char *const wheres[] = {"left", "inside", "right-edge", "beyond", NULL};
static const char *const states[] = {"closed",      "listen",     "syn-sent",   "syn-received",
                                     "established", "fin-wait-1", "fin-wait-2", "close-wait",
                                     "closing",     "last-ack",   "time-wait",  NULL};

static const struct {
  const char *field;
  const char *const *words;
} table[] = {{"kind", kinds},      {"talk", talks},        {"client_end", ends},
             {"server_end", ends}, {"client_deed", deeds}, {"server_deed", deeds},
             {"deed", deeds},      {"where", wheres},      {"state", states}};

static const char *const *words_of(const char *field) {
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (strcmp(table[i].field, field) == 0)
      return table[i].words;
  return NULL;
}

const char *sim_trial_word(const char *field, uint64_t n) {
  const char *const *words = words_of(field);
  for (uint64_t i = 0; words != NULL && words[i] != NULL; i++)
    if (i == n)
      return words[i];
  return NULL;
}

bool sim_trial_number(const char *field, const char *word, uint64_t *n) {
  const char *const *words = words_of(field);
  for (uint64_t i = 0; words != NULL && words[i] != NULL; i++)
    if (strcmp(words[i], word) == 0) {
      *n = i;
      return true;
    }
  return false;
}
