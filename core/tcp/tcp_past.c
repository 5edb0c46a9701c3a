/* SPDX-License-Identifier: MIT */
/*
 * tcp_past.c - what recovery has learnt, across quiet times: kept in extra while there is no active
 * block. Called by tcp_block when a block comes or goes and by tcp_send, which wants one back.
 * Giving a quiet block back so changes no later frame.
 */
#include "tcp/calls.h"

/* What a fresh block knows: what was learnt, if there is an extra to keep it; else nothing. */
void tct_tcp_past_forget(const struct tct_tcp *c, struct tct_tcp_rec *rec) {
  struct tct_tcp_past past = rec->past;
  memset(rec, 0, sizeof *rec);
  rec->recover = tct_seq_sub(c->snd.una, 1);
  if (c->extra != NULL)
    rec->past = past;
}

/* The block goes; a later one begins with what this one knew. */
void tct_tcp_past_save(struct tct_tcp *c) {
  if (c->extra != NULL)
    c->extra->past = tct_tcp_active(c)->rec.past;
}

void tct_tcp_past_recall(const struct tct_tcp *c, struct tct_tcp_rec *rec) {
  tct_tcp_past_forget(c, rec);
  if (c->extra != NULL)
    rec->past = c->extra->past;
}

/* A report of duplicates, or the answer to a probe, may come when there is no block any more. */
bool tct_tcp_past_is_waiting(const struct tct_tcp *c) {
  return c->extra != NULL && (c->extra->past.undo_on || c->extra->past.tlp != TCT_TLP_NONE);
}
