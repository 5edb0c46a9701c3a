/* SPDX-License-Identifier: MIT */
/*
 * tally.c - what a connection comes to: opened or not, how much moved, who closed, what was lost.
 * Fed with every row in order by conv.c; summary.c and stage.c read it.
 */
#include "cli/show/conv.h"
#include "util/seq.h"

static bool is_past_open(uint8_t state) {
  return state >= TCT_ESTABLISHED && state != TCT_STATE_COUNT;
}

static void note_path(struct show_tally *t, int end, const struct show_path *p, tct_time at) {
  for (unsigned i = 0; i < p->n; i++)
    if (is_past_open(p->state[i]) && !t->established[end]) {
      t->established[end] = true;
      if (!t->opened)
        t->open_at = at;
      t->opened = true;
    }
  if (p->n != 0 && show_path_last(p) == TCT_CLOSED)
    t->closed_why[end] = p->why;
}

/* One that the other side does not believe changes nothing. */
static bool is_effective_rst(const struct show_row *r) {
  bool sees_end = r->conn->known[!r->from];
  bool ends = (r->arrive.n != 0 && show_path_last(&r->arrive) <= TCT_LISTEN) ||
              (r->depart.n != 0 && show_path_last(&r->depart) == TCT_CLOSED);
  return (r->seg.flags & TCT_RST) != 0 && (ends || !sees_end);
}

static void note_flags(struct show_tally *t, const struct show_row *r) {
  uint8_t flags = r->seg.flags;
  int from = r->from;
  if ((flags & TCT_SYN) != 0) {
    if (!t->has_syn)
      t->syn_at = r->at;
    t->has_syn = true;
    t->syns[from] += (flags & TCT_ACK) == 0;
    t->syn_acks += (flags & TCT_ACK) != 0;
    t->syn_verdict = r->verdict;
    t->both_syn = t->syns[0] != 0 && t->syns[1] != 0;
  }
  if ((flags & TCT_FIN) != 0) {
    if (t->first_fin < 0)
      t->first_fin = from;
    t->fin[from] = true;
  }
  if (t->rst_from < 0 && is_effective_rst(r)) {
    t->rst = true;
    t->rst_from = from;
    t->rst_frame = r->frame_first;
    t->rst_in_open = !t->opened;
  }
}

static void note_progress(struct show_tally *t, const struct show_row *r) {
  uint32_t end = r->seq_rel + r->seg.len;
  bool arrived = r->has_arrived && r->verdict == TCT_ACCEPTED;
  if ((r->seg.flags & TCT_SYN) != 0)
    end++;
  if (r->seg.len != 0 && arrived && tct_seq_gt(end, t->data_end[r->from]))
    t->data_end[r->from] = end;
  const struct show_conn *c = r->conn;
  if ((r->seg.flags & TCT_ACK) != 0 && c->has_fin[!r->from] && t->fin[!r->from] && arrived &&
      tct_seq_geq(r->seg.ack, c->fin_end[!r->from]))
    t->fin_acked[!r->from] = true;
}

void tally_row(struct show_tally *t, const struct show_row *r) {
  if (!t->any)
    t->first_at = r->at;
  t->any = true;
  t->last_at = r->has_arrived && r->arrived_at > r->at ? r->arrived_at : r->at;
  note_path(t, r->from, &r->depart, r->at);
  if (r->kind != SHOW_SEG || r->proto != SHOW_TCP)
    return;
  t->segs[r->from] += r->segs;
  t->resent += r->is_rexmit;
  t->lost += r->fate == SHOW_LOST || r->fate == SHOW_CORRUPTED;
  note_flags(t, r);
  note_progress(t, r);
  note_path(t, !r->from, &r->arrive, r->arrived_at);
  note_path(t, r->from, &r->late, r->at);
}
