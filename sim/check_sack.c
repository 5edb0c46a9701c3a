/* SPDX-License-Identifier: MIT */
/*
 * check_sack.c - which octets the peer says it holds beyond its acknowledgment number, for I8.
 * Called by check_wire.c. Knows less rather than more: what it forgets is not judged. RFC 2018.
 */
#include "sim/check_wire.h"
#include "util/mem.h"

static void remove_at(struct sim_sack *s, uint32_t i, uint32_t n) {
  memmove(&s->at[i], &s->at[i + n], (s->n - i - n) * sizeof s->at[0]);
  s->n -= n;
}

void sim_sack_add(struct sim_sack *s, tct_seq begin, tct_seq end) {
  uint32_t i = 0, j;
  while (i < s->n && tct_seq_lt(s->at[i].end, begin))
    i++;
  for (j = i; j < s->n && tct_seq_leq(s->at[j].begin, end); j++) {
    begin = tct_seq_min(begin, s->at[j].begin);
    end = tct_seq_max(end, s->at[j].end);
  }
  if (j > i) {
    s->at[i].begin = begin;
    s->at[i].end = end;
    remove_at(s, i + 1, j - i - 1);
    return;
  }
  if (s->n == SIM_SACK_MAX)
    return;
  memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof s->at[0]);
  s->at[i].begin = begin;
  s->at[i].end = end;
  s->n++;
}

void sim_sack_drop_below(struct sim_sack *s, tct_seq una) {
  uint32_t n = 0;
  while (n < s->n && tct_seq_leq(s->at[n].end, una))
    n++;
  if (n > 0)
    remove_at(s, 0, n);
  if (s->n > 0 && tct_seq_leq(s->at[0].begin, una))
    s->n = 0; /* it had said that it holds what it now asks for: reneged (RFC 2018 8) */
}

bool sim_sack_holds(const struct sim_sack *s, tct_seq begin, tct_seq end) {
  for (uint32_t i = 0; i < s->n; i++)
    if (tct_seq_leq(s->at[i].begin, begin) && tct_seq_leq(end, s->at[i].end))
      return true;
  return false;
}
