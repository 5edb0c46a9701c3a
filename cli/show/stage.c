/* SPDX-License-Identifier: MIT */
/*
 * stage.c - sets the rows of a conversation for drawing: OPEN, DATA and CLOSE rules, the sentence
 * after a handshake, gaps where time passes, and runs of equal segments folded into one row.
 *
 * A run of data is one round trip: it ends when the sender goes on after the first ACK for the run
 * has come back, so that a growing window can be seen. Whatever is worth a look (lost, resent,
 * refused, a change of state) is never folded. Fed by show.c in the order of sending; feeds
 * ladder.c and svg.c. plain.c and json.c get every row without this.
 */
#include "cli/show/stage.h"

#include <stdio.h>
#include <string.h>

#include "cli/show/words.h"
#include "util/seq.h"

enum { GAP_MS = 150, LIVE_FOLD_MS = 300 };
enum { SECTION_NONE, SECTION_OPEN, SECTION_DATA, SECTION_CLOSE };

/* ---- Out ------------------------------------------------------------------------------------- */

static void send_row(struct show_stage *s, const struct show_row *r) {
  for (unsigned i = 0; i < s->n_out; i++)
    s->out[i].row(s->out[i].ctx, r);
}

static struct show_row extra_row(const struct show_row *near, enum show_kind kind) {
  struct show_row r = {.kind = (uint8_t)kind, .from = near->from, .conn = near->conn};
  r.at = near->at;
  /* For the head of a drawing, which shows the states before the first row. */
  r.depart = near->depart;
  r.arrive = near->arrive;
  r.has_arrived = near->has_arrived;
  r.arrived_at = near->arrived_at;
  r.cross = near->cross;
  memcpy(r.state, near->state, sizeof r.state);
  memcpy(r.state_known, near->state_known, sizeof r.state_known);
  return r;
}

static void send_gap(struct show_stage *s, const struct show_row *r) {
  if (s->any && r->at > s->last_at + (tct_time)GAP_MS * 1000000) {
    struct show_row gap = extra_row(r, SHOW_GAP);
    struct line l;
    line_clear(&l);
    words_duration(&l, r->at - s->last_at);
    line_add(&l, " pass");
    line_copy(&l, gap.text, sizeof gap.text);
    send_row(s, &gap);
  }
  tct_time last = r->until > r->at ? r->until : r->at;
  s->any = true;
  s->last_at = last > s->last_at ? last : s->last_at;
}

static void send_conn(struct show_stage *s, const struct show_row *r) {
  struct show_conn *c = r->conn;
  if (c == NULL || c == s->conn)
    return;
  bool is_first = s->conn == NULL && c->number == 1;
  s->conn = c;
  if (is_first)
    return;
  struct show_row conn = extra_row(r, SHOW_CONN);
  struct line l;
  int client = show_client_end(c);
  line_clear(&l);
  line_add(&l, "connection %u", c->number);
  if (!c->told_conn) {
    line_add(&l, ": ");
    words_endpoint(&l, &c->addr[client], c->port[client]);
    line_add(&l, " → ");
    words_endpoint(&l, &c->addr[!client], c->port[!client]);
  }
  c->told_conn = true;
  line_copy(&l, conn.text, sizeof conn.text);
  send_row(s, &conn);
}

static void send_section(struct show_stage *s, const struct show_row *r, uint8_t section) {
  struct show_row rule = extra_row(r, SHOW_SECTION);
  bool is_rst = (r->seg.flags & TCT_RST) != 0;
  r->conn->section = section;
  if (s->no_sections)
    return;
  if (section == SECTION_OPEN)
    snprintf(rule.text, sizeof rule.text, "OPEN");
  else if (section == SECTION_DATA)
    snprintf(rule.text, sizeof rule.text, "DATA");
  else
    snprintf(rule.text, sizeof rule.text, is_rst ? "RESET by %s" : "CLOSE, %s first",
             s->names[r->from]);
  send_row(s, &rule);
}

static void begin_section(struct show_stage *s, const struct show_row *r) {
  struct show_conn *c = r->conn;
  bool has_syn = (r->seg.flags & TCT_SYN) != 0;
  bool closes = (r->seg.flags & TCT_FIN) != 0 || ((r->seg.flags & TCT_RST) != 0 && r->ends_by_rst);
  if (c->section == SECTION_NONE)
    send_section(s, r, has_syn ? SECTION_OPEN : SECTION_DATA);
  if (c->section == SECTION_OPEN && r->opened && (c->told_open || r->seg.len != 0) && !closes &&
      !has_syn)
    send_section(s, r, SECTION_DATA);
  if (closes && c->section < SECTION_CLOSE && (r->opened || c->section == SECTION_DATA))
    send_section(s, r, SECTION_CLOSE);
}

static void write_opened(struct line *l, const struct show_tally *t) {
  uint32_t syns = t->syns[0] + t->syns[1];
  line_clear(l);
  line_add(l, "✓ open in ");
  words_duration(l, t->open_at - t->syn_at);
  if (t->both_syn)
    line_add(l, "; both sent a SYN: one connection");
  else if (syns > 1 || t->syn_acks > 1)
    line_add(l, "; took %u SYN and %u SYN,ACK", syns, t->syn_acks);
  else
    line_add(l, ", one round trip; a SYN counts one");
}

/* After the row that made the second end ESTABLISHED. */
static void send_opened(struct show_stage *s, const struct show_row *r) {
  struct show_conn *c = r->conn;
  const struct show_tally *t = &c->tally;
  struct line l;
  if (c->section != SECTION_OPEN || c->told_open || !r->established[0] || !r->established[1])
    return;
  c->told_open = true;
  if (s->no_sections)
    return;
  struct show_row opened = extra_row(r, SHOW_OPENED);
  write_opened(&l, t);
  line_copy(&l, opened.text, sizeof opened.text);
  send_row(s, &opened);
}

/* The head of a drawing wants addresses and states; a remark before the first segment has none, so
 * it waits and borrows them. */
static void draw_lead(struct show_stage *s, const struct show_row *first) {
  unsigned n = s->n_lead;
  s->n_lead = 0;
  for (unsigned i = 0; i < n; i++) {
    struct show_row note = extra_row(first != NULL ? first : &s->lead[i], SHOW_NOTE);
    note.at = s->lead[i].at;
    memcpy(note.text, s->lead[i].text, sizeof note.text);
    send_gap(s, &note);
    send_row(s, &note);
  }
}

static bool is_lead(const struct show_stage *s, const struct show_row *r) {
  return r->kind == SHOW_NOTE && s->conn == NULL && !s->any && s->n_lead < STAGE_LEAD_MAX;
}

static void draw(struct show_stage *s, const struct show_row *r) {
  if (is_lead(s, r)) {
    s->lead[s->n_lead++] = *r;
    return;
  }
  draw_lead(s, r);
  bool is_segment = r->kind == SHOW_SEG && r->proto == SHOW_TCP && r->conn != NULL;
  send_gap(s, r);
  if (r->kind != SHOW_NOTE && r->fold != SHOW_FOLD_SYNS)
    send_conn(s, r);
  if (is_segment && r->fold != SHOW_FOLD_SYNS)
    begin_section(s, r);
  send_row(s, r);
  if (is_segment && r->fold != SHOW_FOLD_SYNS)
    send_opened(s, r);
}

/* ---- Folding --------------------------------------------------------------------------------- */

static bool is_remarkable(const struct show_row *r) {
  return r->kind != SHOW_SEG || r->proto != SHOW_TCP || r->conn == NULL || r->is_rexmit ||
         r->is_injected || r->fate != SHOW_DELIVERED || r->verdict != TCT_ACCEPTED ||
         r->cross != 0 || r->late.n != 0;
}

static bool changes_state(const struct show_row *r) {
  return r->depart.n != 0 || r->arrive.n != 0;
}

static uint8_t fold_kind(const struct show_row *r) {
  uint8_t flags = r->seg.flags;
  if (is_remarkable(r))
    return SHOW_FOLD_NONE;
  if ((flags & TCT_SYN) != 0)
    return (flags & (TCT_FIN | TCT_RST)) == 0 && r->seg.len == 0 && r->conn->is_foreign
               ? SHOW_FOLD_SYNS
               : SHOW_FOLD_NONE;
  if (changes_state(r) || (flags & ~(TCT_ACK | TCT_PSH)) != 0 || r->seg.window_raw == 0)
    return SHOW_FOLD_NONE;
  if (r->seg.len != 0)
    return r->why == TCT_WHY_NONE || r->why == TCT_WHY_DATA ? SHOW_FOLD_DATA : SHOW_FOLD_NONE;
  if (r->why == TCT_WHY_ACK_DUP)
    return SHOW_FOLD_DUPACKS;
  bool is_plain = r->why == TCT_WHY_NONE || r->why == TCT_WHY_ACK_SECOND ||
                  r->why == TCT_WHY_ACK_DELAYED || r->why == TCT_WHY_ACK_QUICK;
  return is_plain && r->acks_first != 0 && r->seg.n_sack == 0 ? SHOW_FOLD_ACKS : SHOW_FOLD_NONE;
}

static void close_fold(struct show_stage *s, int end) {
  struct stage_fold *f = &s->fold[end];
  if (!f->active)
    return;
  f->active = false;
  if (f->row.segs == 1)
    f->row.fold = SHOW_FOLD_NONE;
  draw(s, &f->row);
}

/* Older ones first, so that times go on. */
static void close_older(struct show_stage *s, int end) {
  if (s->fold[!end].active && s->born[!end] < s->born[end])
    close_fold(s, !end);
  close_fold(s, end);
}

static void close_all(struct show_stage *s) {
  int first = s->born[0] <= s->born[1] ? 0 : 1;
  close_fold(s, first);
  close_fold(s, !first);
}

static void start_fold(struct show_stage *s, const struct show_row *r, uint8_t kind) {
  struct stage_fold *f = &s->fold[r->from];
  memset(f, 0, sizeof *f);
  f->active = true;
  f->row = *r;
  f->row.fold = kind;
  f->row.fold_bytes = r->seg.len;
  f->end = kind == SHOW_FOLD_DATA ? r->seg.seq + r->seg.len : r->seg.ack;
  s->born[r->from] = ++s->births;
}

static bool fits(const struct stage_fold *f, const struct show_row *r, uint8_t kind) {
  const struct show_row *head = &f->row;
  if (!f->active || head->fold != kind)
    return false;
  if (kind == SHOW_FOLD_SYNS)
    return head->seg.flags == r->seg.flags && head->conn != r->conn && head->why == r->why;
  if (head->conn != r->conn)
    return false;
  if (kind == SHOW_FOLD_DUPACKS)
    return head->seg.ack == r->seg.ack;
  if (kind == SHOW_FOLD_ACKS)
    return tct_seq_gt(r->seg.ack, f->end) && !(f->has_limit && tct_seq_gt(r->seg.ack, f->limit));
  bool is_over = f->round_end_at != 0 && r->at >= f->round_end_at;
  return r->seg.seq == f->end && head->seg.ack == r->seg.ack && !is_over;
}

static void merge(struct stage_fold *f, const struct show_row *r, uint8_t kind) {
  struct show_row *row = &f->row;
  row->segs += r->segs;
  row->frame_last = r->frame_last;
  row->fold_bytes += r->seg.len;
  row->seg.flags |= r->seg.flags;
  row->has_arrived = row->has_arrived && r->has_arrived;
  row->arrived_at = r->arrived_at;
  row->until = r->at;
  memcpy(row->state, r->state, sizeof row->state);
  f->end = kind == SHOW_FOLD_DATA ? r->seg.seq + r->seg.len : r->seg.ack;
  if (kind == SHOW_FOLD_DATA)
    return;
  row->seg.ack = r->seg.ack;
  row->ack_rel = r->ack_rel;
  row->seg.window_raw = r->seg.window_raw;
  row->seg.window_bytes = r->seg.window_bytes;
  row->seg.n_sack = r->seg.n_sack;
  memcpy(row->seg.sack, r->seg.sack, sizeof row->seg.sack);
  if (row->acks_first == 0)
    row->acks_first = r->acks_first;
  row->acks_last = r->acks_last > row->acks_last ? r->acks_last : row->acks_last;
}

/* The first ACK for a run of data ends the round once it is back at the sender. */
static void note_round(struct show_stage *s, const struct show_row *r) {
  struct stage_fold *data = &s->fold[!r->from];
  if (data->active && data->row.fold == SHOW_FOLD_DATA && data->row.conn == r->conn &&
      data->round_end_at == 0 && tct_seq_gt(r->seg.ack, data->row.seg.seq))
    data->round_end_at = r->has_arrived ? r->arrived_at : r->at;
}

static void fold_in(struct show_stage *s, const struct show_row *r, uint8_t kind) {
  struct stage_fold *f = &s->fold[r->from], *other = &s->fold[!r->from];
  bool is_data = kind == SHOW_FOLD_DATA;
  if (other->active && (other->row.fold == SHOW_FOLD_SYNS) != (kind == SHOW_FOLD_SYNS))
    close_fold(s, !r->from);
  if (fits(f, r, kind)) {
    merge(f, r, kind);
  } else {
    /* ACKs still to come for the run that ends here are not for the next one. */
    if (is_data && f->active && f->row.fold == SHOW_FOLD_DATA && other->active &&
        other->row.fold == SHOW_FOLD_ACKS) {
      other->has_limit = true;
      other->limit = f->end;
    }
    close_older(s, r->from);
    start_fold(s, r, kind);
  }
  if (!is_data)
    note_round(s, r);
}

void stage_row(struct show_stage *s, const struct show_row *r) {
  if (r->kind == SHOW_CC || r->kind == SHOW_TIMER)
    return;
  uint8_t kind = s->no_fold ? (uint8_t)SHOW_FOLD_NONE : fold_kind(r);
  if (kind != SHOW_FOLD_NONE) {
    fold_in(s, r, kind);
    return;
  }
  close_all(s);
  draw(s, r);
}

void stage_flush(struct show_stage *s, tct_time at) {
  if (at == UINT64_MAX && !s->fold[0].active && !s->fold[1].active)
    draw_lead(s, NULL);
  for (int e = 0; e < 2; e++)
    if (s->fold[e].active && at > s->fold[e].row.at + (tct_time)LIVE_FOLD_MS * 1000000) {
      close_all(s);
      return;
    }
}
