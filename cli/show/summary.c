/* SPDX-License-Identifier: MIT */
/*
 * summary.c - one connection in one sentence: opened or why not, what moved, how it ended, what was
 * lost. The verdict words are those of `tercet explain`. Reads the tally; called by show.c.
 */
#include "cli/show/render.h"

static uint32_t bytes_of(const struct show_conn *c, int end) {
  return c->tally.data_end[end] != 0 ? c->tally.data_end[end] - 1 : 0;
}

static void add_bytes(struct line *l, uint32_t n) {
  if (n < 100000)
    words_count(l, n);
  else
    words_size(l, n);
  if (n < 100000)
    line_add(l, " B");
}

static void add_moved(struct line *l, const struct show_conn *c) {
  int client = show_client_end(c);
  uint32_t up = bytes_of(c, client), down = bytes_of(c, !client);
  if (up == 0 && down == 0) {
    line_add(l, ", moved nothing");
    return;
  }
  line_add(l, ", moved ");
  if (up != 0)
    add_bytes(l, up);
  line_add(l, "%s%s", up != 0 ? " up" : "", up != 0 && down != 0 ? " and " : "");
  if (down != 0) {
    add_bytes(l, down);
    line_add(l, " down");
  }
}

/* Returns true when it ended well. */
static bool add_ending(struct line *l, const struct show_conn *c, const char *const *names) {
  const struct show_tally *t = &c->tally;
  if (t->rst) {
    line_add(l, ", reset by the %s (#%u)", names[t->rst_from], t->rst_frame);
    return false;
  }
  if (t->fin_acked[0] && t->fin_acked[1]) {
    line_add(l, ", closed cleanly by both sides");
    return true;
  }
  if (t->fin[0] && t->fin[1])
    line_add(l, ", the last ACK was not seen");
  else if (t->fin[0] || t->fin[1])
    line_add(l, ", half-closed by the %s", names[t->fin[0] ? 0 : 1]);
  else
    line_add(l, ", still open");
  return true;
}

static void add_losses(struct line *l, const struct show_tally *t) {
  if (t->lost == 0 && t->resent == 0)
    line_add(l, " Nothing lost or sent again.");
  else if (t->lost == 0)
    line_add(l, " %u segment%s sent again.", t->resent, t->resent == 1 ? "" : "s");
  else if (t->resent == 0)
    line_add(l, " %u segment%s lost, nothing sent again.", t->lost, t->lost == 1 ? "" : "s");
  else
    line_add(l, " %u segment%s lost, %u sent again.", t->lost, t->lost == 1 ? "" : "s", t->resent);
}

static const char *reason_of(const struct show_tally *t, int end) {
  uint16_t why = end < 0 ? (uint16_t)TCT_WHY_NONE : t->closed_why[end];
  return why != TCT_WHY_NONE && why != TCT_WHY_CLOSED ? tct_why_text((tct_why)why) : NULL;
}

static void write_unopened(struct line *l, const struct show_conn *c, const char *const *names) {
  const struct show_tally *t = &c->tally;
  uint32_t syns = t->syns[0] + t->syns[1];
  const char *reason = reason_of(t, c->opener);
  if (t->rst && t->rst_from != c->opener) {
    line_add(l, "refused: the %s answers the SYN with a reset (#%u).", names[t->rst_from],
             t->rst_frame);
  } else if (t->rst) {
    line_add(l, "SYN,ACK rejected: the %s resets it (#%u).", names[t->rst_from], t->rst_frame);
  } else if (!t->has_syn) {
    line_add(l, "handshake not captured.");
  } else if (t->syn_acks != 0) {
    line_add(l, "half-open: %u SYN,ACK, and the handshake was never completed.", t->syn_acks);
  } else {
    line_add(l, "no answer to %u SYN%s in ", syns, syns == 1 ? "" : "s");
    words_duration(l, t->last_at - t->syn_at);
    if (t->syn_verdict != TCT_ACCEPTED) {
      line_add(l, ": %s.", words_verdict(t->syn_verdict));
      return;
    }
    line_add(l,
             reason != NULL ? " (%s): filtered, or the host is down."
                            : ": filtered, or the host is down.",
             reason);
  }
}

bool summary_write(struct line *l, const struct show_conn *c, const char *const *names) {
  const struct show_tally *t = &c->tally;
  line_clear(l);
  if (!t->opened) {
    bool seen_data = !t->has_syn && (bytes_of(c, 0) != 0 || bytes_of(c, 1) != 0);
    if (!seen_data) {
      write_unopened(l, c, names);
      return false;
    }
    line_add(l, "joined in the middle");
  } else {
    line_add(l, t->both_syn ? "opened (simultaneous)" : "opened");
  }
  add_moved(l, c);
  bool good = add_ending(l, c, names);
  line_add(l, " in ");
  words_duration(l, t->last_at - t->first_at);
  line_add(l, ".");
  add_losses(l, t);
  return good;
}
