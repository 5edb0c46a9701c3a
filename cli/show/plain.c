/* SPDX-License-Identifier: MIT */
/*
 * plain.c - one event, one line: for pipes, logs and grep. No colour, no cursor movement, ASCII.
 *
 *   0.018200 #2  S>C SYN,ACK seq=0 ack=1 win=65160 mss=1460 sack ts wscale=7 C:SYN-SENT>ESTABLISHED
 *
 * Where that is longer than the line may be, states and reasons take a shorter form.
 */
#include "cli/show/render.h"

static char letter(const struct show_row *r, int end) {
  return end == show_client_end(r->conn) ? 'C' : 'S';
}

static void add_time(const struct render *x, struct line *l, tct_time at) {
  uint64_t ns = at > x->base ? at - x->base : 0;
  line_add(l, "%llu.%06u", (unsigned long long)(ns / 1000000000), (unsigned)(ns / 1000 % 1000000));
}

static void add_number(const struct render *x, struct line *l, const char *name, uint32_t rel,
                       uint32_t abs) {
  if (x->words.numbers == SHOW_BOTH)
    line_add(l, " %s=%u/%u", name, rel, abs);
  else
    line_add(l, " %s=%u", name, x->words.numbers == SHOW_ABSOLUTE ? abs : rel);
}

static void add_options(struct line *l, const struct show_row *r) {
  const tct_seg *seg = &r->seg;
  uint32_t isn = seg->ack - r->ack_rel;
  bool is_syn = (seg->flags & TCT_SYN) != 0;
  if (seg->mss != 0)
    line_add(l, " mss=%u", seg->mss);
  if (seg->sack_permitted)
    line_add(l, " sack");
  if (seg->has_ts && is_syn)
    line_add(l, " ts");
  if (seg->wscale != 0xff)
    line_add(l, " wscale=%u", seg->wscale);
  for (unsigned i = 0; i < seg->n_sack && i < 4; i++)
    line_add(l, "%s%u-%u", i == 0 ? " sack=" : ",", seg->sack[i][0] - isn, seg->sack[i][1] - isn);
}

/* The steps of one end; short: only where it went. */
static void add_steps(struct line *l, const struct show_row *r, int end, bool is_short) {
  const struct show_path *own = end == r->from ? &r->depart : &r->arrive;
  const struct show_path *late = end == r->from ? &r->late : NULL;
  const char *last = "";
  if (own->n == 0 && (late == NULL || late->n == 0))
    return;
  line_add(l, " %c:", letter(r, end));
  for (unsigned i = is_short; i < own->n; i++) {
    last = words_state(own->state[i]);
    line_add(l, "%s%s", i == 0 ? "" : ">", last);
  }
  for (unsigned i = is_short || last[0] != '\0'; late != NULL && i < late->n; i++)
    line_add(l, "%s%s", i == 0 ? "" : ">", words_state(late->state[i]));
}

static void add_fate(struct line *l, const struct show_row *r) {
  static const char *const fates[] = {"", " lost", " doubled", " late", " damaged"};
  line_add(l, "%s", fates[r->fate]);
  if (r->is_injected)
    line_add(l, " forged");
  if (r->has_arrived && r->verdict != TCT_ACCEPTED)
    line_add(l, " dropped=%s", tct_verdict_name((tct_verdict)r->verdict));
}

static void add_why(const struct render *x, struct line *l, const struct show_row *r,
                    bool is_short) {
  const char *rfc = x->words.why ? words_rfc(r->why) : NULL;
  if (r->why == TCT_WHY_NONE && r->is_rexmit)
    line_add(l, " (sent again)");
  if (r->why == TCT_WHY_NONE || (!x->words.why && !words_why_is_news(r->why)))
    return;
  if (is_short)
    line_add(l, " why=%s", tct_why_name((tct_why)r->why));
  else
    line_add(l, " (%s%s%s)", tct_why_text((tct_why)r->why), rfc != NULL ? "; " : "",
             rfc != NULL ? rfc : "");
}

static void add_tcp(const struct render *x, struct line *l, const struct show_row *r) {
  bool is_syn = (r->seg.flags & TCT_SYN) != 0;
  words_flags(l, r->seg.flags);
  if (r->conn == NULL)
    return;
  if (line_columns(l) < 24)
    line_add(l, "%*s", 24 - (int)line_columns(l), "");
  add_number(x, l, "seq", r->seq_rel, r->seg.seq);
  if ((r->seg.flags & TCT_ACK) != 0)
    add_number(x, l, "ack", r->ack_rel, r->seg.ack);
  if (r->seg.len != 0)
    line_add(l, " len=%u", r->seg.len);
  if (is_syn || x->words.window || (r->seg.flags & TCT_RST) == 0)
    line_add(l, " win=%u", is_syn ? r->seg.window_raw : r->seg.window_bytes);
  if ((r->seg.flags & TCT_URG) != 0)
    line_add(l, " urg=%u", r->seg.urgent);
  add_options(l, r);
}

static void add_tail(const struct render *x, struct line *l, const struct show_row *r,
                     bool is_short) {
  add_steps(l, r, r->from, is_short);
  add_steps(l, r, !r->from, is_short);
  add_why(x, l, r, is_short);
}

static void add_segment(const struct render *x, struct line *l, const struct show_row *r) {
  line_add(l, " #");
  words_frames(l, r->frame_first, r->frame_last, true);
  line_pad_to(l, 13);
  if (r->conn != NULL && r->conn->number > 1)
    line_add(l, "[%u] ", r->conn->number);
  line_add(l, "%c>%c ", letter(r, r->from), letter(r, !r->from));
  if (r->proto == SHOW_TCP)
    add_tcp(x, l, r);
  else
    line_add(l, "%s", r->text[0] != '\0' ? r->text : tct_why_text((tct_why)r->why));
  add_fate(l, r);
  struct line full = *l;
  add_tail(x, &full, r, false);
  if (line_columns(&full) <= x->term.width)
    *l = full;
  else
    add_tail(x, l, r, true);
}

static void add_event(const struct render *x, struct line *l, const struct show_row *r) {
  line_pad_to(l, 13);
  if (r->kind == SHOW_STATE) {
    line_add(l, "--");
    add_steps(l, r, r->from, false);
    line_add(l, " (");
    words_event(l, r, &x->words);
    line_add(l, ")");
  } else {
    line_add(l, "-- ");
    words_event(l, r, &x->words);
  }
}

void plain_row(void *ctx, const struct show_row *r) {
  struct render *x = ctx;
  struct line l;
  if ((r->kind == SHOW_CC || r->kind == SHOW_TIMER) && !x->words.why)
    return;
  line_clear(&l);
  add_time(x, &l, r->at);
  if (r->kind == SHOW_SEG)
    add_segment(x, &l, r);
  else
    add_event(x, &l, r);
  words_to_ascii(l.b);
  fprintf(x->out, "%s\n", l.b);
  if (x->term.tty)
    fflush(x->out);
}
