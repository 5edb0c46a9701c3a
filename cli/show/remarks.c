/* SPDX-License-Identifier: MIT */
/*
 * remarks.c - what is worth saying about a row: why it was sent, what became of it, what it
 * acknowledges. Words for every reason and verdict of the core. See words.h.
 */
#include <string.h>

#include "cli/show/words.h"
#include "util/mem.h"
#include "util/seq.h"

static const struct {
  uint16_t why;
  const char *rfc;
} rfc_of[] = {
    {TCT_WHY_SYN, "RFC 9293 3.5"},
    {TCT_WHY_SYN_ACK, "RFC 9293 3.5"},
    {TCT_WHY_SYN_REXMIT, "RFC 6298 5"},
    {TCT_WHY_SYN_ACK_REXMIT, "RFC 6298 5"},
    {TCT_WHY_SYN_ACK_COOKIE, "RFC 4987 3.6"},
    {TCT_WHY_HANDSHAKE_ACK, "RFC 9293 3.5"},
    {TCT_WHY_DATA, "RFC 9293 3.8"},
    {TCT_WHY_FIN, "RFC 9293 3.6"},
    {TCT_WHY_FIN_REXMIT, "RFC 6298 5"},
    {TCT_WHY_RTO, "RFC 6298 5.4"},
    {TCT_WHY_FAST_REXMIT, "RFC 5681 3.2"},
    {TCT_WHY_PARTIAL_ACK, "RFC 6582 3.2"},
    {TCT_WHY_TLP, "RFC 8985 7"},
    {TCT_WHY_RACK, "RFC 8985 6.2"},
    {TCT_WHY_REORDER, "RFC 8985 6.3"},
    {TCT_WHY_RESCUE, "RFC 6675 4"},
    {TCT_WHY_FRTO, "RFC 5682 3"},
    {TCT_WHY_MTU_PROBE, "RFC 4821 7"},
    {TCT_WHY_LIMITED_TRANSMIT, "RFC 3042 2"},
    {TCT_WHY_MTU_REDUCED, "RFC 9293 3.7.5"},
    {TCT_WHY_PROBE, "RFC 9293 3.8.6.1"},
    {TCT_WHY_KEEPALIVE, "RFC 9293 3.8.4"},
    {TCT_WHY_WINDOW, "RFC 9293 3.8.6"},
    {TCT_WHY_SWS_OVERRIDE, "RFC 9293 3.8.6.2.1"},
    {TCT_WHY_ACK_SECOND, "RFC 9293 3.8.6.3"},
    {TCT_WHY_ACK_DELAYED, "RFC 9293 3.8.6.3"},
    {TCT_WHY_ACK_QUICK, "RFC 9293 3.8.6.3"},
    {TCT_WHY_ACK_DUP, "RFC 5681 4.2"},
    {TCT_WHY_ACK_GAP_FILLED, "RFC 5681 4.2"},
    {TCT_WHY_ACK_OLD, "RFC 9293 3.10.7.4"},
    {TCT_WHY_ACK_FIN, "RFC 9293 3.6"},
    {TCT_WHY_ACK_CHALLENGE, "RFC 5961 3-5"},
    {TCT_WHY_ACK_UNSENT, "RFC 9293 3.10.7.4"},
    {TCT_WHY_ACK_PROBE, "RFC 9293 3.8.6.1"},
    {TCT_WHY_ACK_TIME_WAIT, "RFC 9293 3.10.7.4"},
    {TCT_WHY_RST_NO_SOCKET, "RFC 9293 3.10.7.1"},
    {TCT_WHY_RST_LISTEN, "RFC 9293 3.10.7.2"},
    {TCT_WHY_RST_BAD_ACK, "RFC 9293 3.10.7.3"},
    {TCT_WHY_RST_ABORT, "RFC 9293 3.10.5"},
    {TCT_WHY_RST_UNREAD, "RFC 9293 3.6.1"},
    {TCT_WHY_RST_AFTER_CLOSE, "RFC 9293 3.6.1"},
    {TCT_WHY_ICMP_ERROR, "RFC 1122 3.2.2"},
};

const char *words_rfc(uint16_t why) {
  for (size_t i = 0; i < TCT_ARRAY_LEN(rfc_of); i++)
    if (rfc_of[i].why == why)
      return rfc_of[i].rfc;
  return NULL;
}

bool words_why_is_news(uint16_t why) {
  switch (why) {
  case TCT_WHY_NONE:
  case TCT_WHY_SYN:
  case TCT_WHY_SYN_ACK:
  case TCT_WHY_HANDSHAKE_ACK:
  case TCT_WHY_DATA:
  case TCT_WHY_FIN:
  case TCT_WHY_ACK_SECOND:
  case TCT_WHY_ACK_DELAYED:
  case TCT_WHY_ACK_QUICK:
  case TCT_WHY_ACK_FIN:
  case TCT_WHY_ECHO_REPLY:
  case TCT_WHY_DATAGRAM:
  case TCT_WHY_FRAGMENT:
    return false;
  default:
    return true;
  }
}

static const struct {
  uint16_t verdict;
  const char *words;
} verdict_words[] = {
    {TCT_DROP_IP_CHECKSUM, "IP checksum is wrong"},
    {TCT_DROP_TCP_CHECKSUM, "TCP checksum is wrong"},
    {TCT_DROP_UDP_CHECKSUM, "UDP checksum is wrong"},
    {TCT_DROP_TCP_NO_SOCKET, "nobody listens there"},
    {TCT_DROP_TCP_LISTEN_RST, "a reset for a listener"},
    {TCT_DROP_TCP_LISTEN_ACK, "an ACK of no half-open connection"},
    {TCT_DROP_SYN_BACKLOG, "the backlog is full"},
    {TCT_DROP_ACCEPT_QUEUE, "the accept queue is full"},
    {TCT_DROP_SYN_REPEAT, "the SYN again; it is being answered"},
    {TCT_DROP_SYN_DEFERRED, "waits for data before it opens"},
    {TCT_DROP_SYN_REFUSED, "the application refuses it"},
    {TCT_DROP_COOKIE, "no valid SYN cookie"},
    {TCT_DROP_SYN_SENT_ACK, "acknowledges what was never sent"},
    {TCT_DROP_SYN_SENT_RST, "a reset that does not acknowledge our SYN"},
    {TCT_DROP_SYN_SENT_NO_SYN, "no SYN in it"},
    {TCT_DROP_PAWS, "its timestamp is older than the last"},
    {TCT_DROP_NO_TIMESTAMP, "the agreed timestamp is missing"},
    {TCT_DROP_SEQ_OUTSIDE_WINDOW, "its numbers lie outside the window"},
    {TCT_DROP_RST_OUTSIDE_WINDOW, "a reset outside the window"},
    {TCT_DROP_RST_CHALLENGED, "a reset in the window but not exact: challenged"},
    {TCT_DROP_SYN_CHALLENGED, "a SYN in an open connection: challenged"},
    {TCT_DROP_NO_ACK, "no ACK flag"},
    {TCT_DROP_ACK_UNSENT, "acknowledges what was never sent"},
    {TCT_DROP_ACK_TOO_OLD, "its acknowledgment is too old"},
    {TCT_DROP_DATA_AFTER_FIN, "data after the FIN"},
    {TCT_DROP_DATA_AFTER_CLOSE, "data after close"},
    {TCT_DROP_OUT_OF_ORDER_LIMIT, "too much out of order"},
    {TCT_DROP_TIME_WAIT_RST, "a reset in TIME-WAIT is ignored"},
    {TCT_DROP_TIME_WAIT_SYN, "a SYN in TIME-WAIT that may be old"},
    {TCT_DROP_TIME_WAIT_OLD, "an old segment in TIME-WAIT"},
    {TCT_DROP_NO_MEMORY, "no memory"},
    {TCT_DROP_IP_NOT_FOR_US, "not addressed to it"},
};

const char *words_verdict(uint16_t verdict) {
  for (size_t i = 0; i < TCT_ARRAY_LEN(verdict_words); i++)
    if (verdict_words[i].verdict == verdict)
      return verdict_words[i].words;
  return verdict < TCT_VERDICT_COUNT ? tct_verdict_name((tct_verdict)verdict) : "?";
}

/* ---- Notes ----------------------------------------------------------------------------------- */

struct pen {
  struct words_note *notes;
  unsigned n;
};

static struct line *new_note(struct pen *p, enum term_role role) {
  if (p->n < WORDS_NOTES_MAX)
    p->n++;
  struct words_note *note = &p->notes[p->n - 1];
  note->role = role;
  line_clear(&note->text);
  return &note->text;
}

/* Which frames it covers, and how long ago the last of them left. */
static void note_acks(struct pen *p, const struct show_row *r) {
  bool is_bare = (r->seg.flags & (TCT_SYN | TCT_FIN)) == 0 && r->seg.len == 0;
  if (r->acks_first == 0 || !is_bare || r->why == TCT_WHY_HANDSHAKE_ACK)
    return;
  struct line *l = new_note(p, TERM_DIM);
  line_add(l, "acks ");
  words_frames(l, r->acks_first, r->acks_last, r->fold == SHOW_FOLD_NONE);
  if (r->rtt_ns == 0 || r->fold != SHOW_FOLD_NONE)
    return;
  line_add(l, ": ");
  words_duration(l, r->rtt_ns);
}

static void note_why(struct pen *p, const struct show_row *r, const struct words_context *x) {
  const char *rfc = x->why ? words_rfc(r->why) : NULL;
  bool is_news = words_why_is_news(r->why);
  if (r->why == TCT_WHY_NONE && r->is_rexmit) {
    line_add(new_note(p, TERM_REXMIT), "↻ sent again");
    return;
  }
  if (r->why == TCT_WHY_NONE || (!is_news && !x->why))
    return;
  bool is_loud = is_news && words_role(r) != TERM_ACK;
  enum term_role role = r->is_rexmit ? TERM_REXMIT : is_loud ? words_role(r) : TERM_DIM;
  struct line *l = new_note(p, role);
  line_add(l, "%s%s", r->is_rexmit ? "↻ " : "", tct_why_text((tct_why)r->why));
  if (rfc != NULL)
    line_add(l, " (%s)", rfc);
}

static void note_fate(struct pen *p, const struct show_row *r, const struct words_context *x) {
  const char *to = x->names[!r->from], *from = x->names[r->from];
  switch (r->fate) {
  case SHOW_LOST:
    line_add(new_note(p, TERM_LOST), "✗ lost on the way");
    break;
  case SHOW_CORRUPTED:
    line_add(new_note(p, TERM_LOST), "✗ damaged on the way");
    break;
  case SHOW_DUPLICATED:
    line_add(new_note(p, TERM_WARN), "the link doubles it");
    break;
  case SHOW_DELAYED:
    line_add(new_note(p, TERM_WARN), "the link holds it back");
    break;
  default:
    break;
  }
  if (r->is_injected)
    line_add(new_note(p, TERM_BAD), "⚠ forged: %s never sent this", from);
  /* Where nobody listens, the reset that follows says it. */
  if (r->has_arrived && r->verdict != TCT_ACCEPTED && r->verdict != TCT_DROP_TCP_NO_SOCKET)
    line_add(new_note(p, TERM_WARN), "%s does not take it: %s", to, words_verdict(r->verdict));
}

static void note_fold(struct pen *p, const struct show_row *r) {
  uint32_t each = r->seg.seg_size != 0 ? r->seg.seg_size : r->seg.len;
  uint32_t bytes = r->fold == SHOW_FOLD_DATA ? r->fold_bytes : r->seg.len;
  if (r->segs == 1)
    return;
  struct line *l = new_note(p, TERM_DIM);
  if (r->fold == SHOW_FOLD_ACKS)
    line_add(l, "%u ACKs, folded", r->segs);
  else if (r->fold == SHOW_FOLD_DUPACKS)
    line_add(l, "%u of them, folded", r->segs);
  else if (r->fold == SHOW_FOLD_SYNS)
    line_add(l, "of %u connections, folded", r->segs);
  else if (each * r->segs == bytes)
    line_add(l, "%u × %u B, folded", r->segs, each);
  else
    line_add(l, "%u segments of up to %u B, folded", r->segs, each);
}

static void note_contents(struct pen *p, const struct show_row *r, const struct words_context *x) {
  struct line *l;
  bool is_syn = (r->seg.flags & TCT_SYN) != 0;
  const struct show_conn *c = r->conn;
  if (r->seg.n_sack != 0) {
    l = new_note(p, TERM_DIM);
    line_add(l, "holds ");
    words_sack(l, r, x->numbers);
  }
  if ((r->seg.flags & TCT_URG) != 0)
    line_add(new_note(p, TERM_WARN), "urgent up to %u", r->seq_rel + r->seg.urgent);
  bool zero = r->seg.window_raw == 0 && (r->seg.flags & TCT_RST) == 0;
  if (!is_syn && (x->window || zero || r->why == TCT_WHY_WINDOW)) {
    l = new_note(p, zero ? TERM_WARN : TERM_DIM);
    words_window(l, r);
    if (zero)
      line_add(l, ": no room");
  }
  if (c != NULL && c->has_fin[!r->from] && r->acks_first != 0 && r->fold == SHOW_FOLD_NONE &&
      r->seg.len == 0 && r->seg.ack == c->fin_end[!r->from])
    line_add(new_note(p, TERM_DIM), "a FIN counts one");
}

unsigned words_notes(struct words_note *notes, const struct show_row *r,
                     const struct words_context *x) {
  struct pen p = {notes, 0};
  if ((r->seg.flags & TCT_SYN) != 0)
    words_window(new_note(&p, TERM_SYN), r);
  note_why(&p, r, x);
  note_fate(&p, r, x);
  note_acks(&p, r);
  note_contents(&p, r, x);
  note_fold(&p, r);
  return p.n;
}

/* ---- Rows without a segment ------------------------------------------------------------------ */

static void describe_change(struct line *l, const struct show_row *r,
                            const struct words_context *x) {
  uint8_t from = r->depart.state[0], to = show_path_last(&r->depart);
  const char *name = x->names[r->from];
  if (r->frame_first != 0)
    line_add(l, "#%u arrives at the %s", r->frame_first, name);
  else if (from == TCT_TIME_WAIT && to == TCT_CLOSED)
    line_add(l, "%s: the quiet time is over", name);
  else if (to == TCT_FIN_WAIT_1 || to == TCT_LAST_ACK)
    line_add(l, "%s closes; its FIN comes after the data", name);
  else if (r->why != TCT_WHY_NONE)
    line_add(l, "%s: %s", name, tct_why_text((tct_why)r->why));
  else
    line_add(l, "%s: %s", name, words_state(to));
}

void words_event(struct line *l, const struct show_row *r, const struct words_context *x) {
  const char *name = x->names[r->from];
  switch (r->kind) {
  case SHOW_STATE:
    describe_change(l, r, x);
    break;
  case SHOW_TIMER:
    line_add(l, "%s: timer %s", name, tct_timer_name((tct_timer)r->value));
    break;
  case SHOW_DROP:
    line_add(l, "✗ %s drops a packet: %s", name, words_verdict(r->verdict));
    break;
  case SHOW_CC:
    line_add(l, "%s: cwnd %u ssthresh %u", name, r->value, r->value2);
    break;
  case SHOW_AGAIN:
    line_add(l, "#%u arrives a second time", r->frame_first);
    if (r->verdict != TCT_ACCEPTED)
      line_add(l, ": %s", words_verdict(r->verdict));
    break;
  default:
    line_add(l, "%s", r->text);
    break;
  }
}
