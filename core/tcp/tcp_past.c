/* SPDX-License-Identifier: MIT */
/*
 * tcp_past.c - what recovery has learnt, across quiet times: kept in extra while there is no active
 * block. Called by tcp_block when a block comes or goes and by tcp_send, which wants one back.
 * Giving a quiet block back so changes no later frame.
 */
#include "tcp/calls.h"

/* A phase goes on over a quiet time: it ends when more than rec.recover is acknowledged, and all
 * that was sent is. */
static void begin_recover(const struct tct_tcp *c, struct tct_tcp_rec *rec) {
  rec->recover = rec->phase == TCT_REC_OPEN ? tct_seq_sub(c->snd.una, 1) : c->snd.una;
}

/* What a fresh block knows: what was learnt, if there is an extra to keep it; else nothing. */
void tct_tcp_past_forget(const struct tct_tcp *c, struct tct_tcp_rec *rec) {
  struct tct_tcp_past past = rec->past;
  past.phase = rec->phase;
  past.prr = rec->prr;
  memset(rec, 0, sizeof *rec);
  if (c->extra != NULL) {
    rec->past = past;
    rec->phase = past.phase;
    rec->prr = past.prr;
  }
  begin_recover(c, rec);
}

/* The block goes; a later one begins with what this one knew. */
void tct_tcp_past_save(struct tct_tcp *c) {
  const struct tct_tcp_rec *rec = &c->active->rec;
  if (c->extra == NULL)
    return;
  c->extra->past = rec->past;
  c->extra->past.phase = rec->phase;
  c->extra->past.prr = rec->prr;
}

/* But phase and prr, which are the block's while there is one. */
const struct tct_tcp_past *tct_tcp_past_of(const struct tct_tcp *c) {
  if (c->active != NULL)
    return &c->active->rec.past;
  return c->extra != NULL ? &c->extra->past : NULL;
}

/* rec is all zero. */
void tct_tcp_past_recall(const struct tct_tcp *c, struct tct_tcp_rec *rec) {
  if (c->extra != NULL) {
    rec->past = c->extra->past;
    rec->phase = c->extra->past.phase;
    rec->prr = c->extra->past.prr;
  }
  begin_recover(c, rec);
}

/* A report of duplicates, or the answer to a probe, may come when there is no block any more. */
bool tct_tcp_past_is_waiting(const struct tct_tcp *c) {
  return c->extra != NULL && (c->extra->past.undo_on || c->extra->past.tlp != TCT_TLP_NONE);
}

/* One more time-out; `again`: of a series that goes on. */
void tct_tcp_past_count_rto(const tct_stack *s, struct tct_tcp *c, bool again) {
  struct tct_extra *x = c->extra;
  if (x == NULL)
    return;
  x->rto_count = (uint16_t)tct_min_u32(x->rto_count + 1u, UINT16_MAX);
  if (again)
    return;
  x->rto_recoveries = (uint16_t)tct_min_u32(x->rto_recoveries + 1u, UINT16_MAX);
  if (x->rto_since_ms == 0)
    x->rto_since_ms = tct_max_u32(s->now_ms, 1);
}

/* The time spent in a series of time-outs. */
void tct_tcp_past_end_rto(const tct_stack *s, struct tct_tcp *c) {
  struct tct_extra *x = c->extra;
  if (x == NULL || x->rto_since_ms == 0)
    return;
  x->rto_ms += tct_ms32_since(s->now_ms, x->rto_since_ms);
  x->rto_since_ms = 0;
}
