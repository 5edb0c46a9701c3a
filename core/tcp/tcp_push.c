/* SPDX-License-Identifier: MIT */
/*
 * tcp_push.c - where PSH stands. Always on the segment that empties the queue [RFC9293 MUST-61]
 * [RFC9293 SHLD-27]; in the LINUX profile also on the last segment of each train, which is what
 * Linux hands to its device in one piece: the receiver then need not wait for more before it passes
 * the train on. Alone writes active->train_end. Called by tcp_plan and tcp_output.
 */
#include "tcp/calls.h"

#define TRAIN_SHIFT 10u  /* a train is what leaves in 2^-10 s at the pacing rate ... */
#define TRAIN_RTT_LOG 9u /* ... and the more the nearer the peer is */
#define TRAIN_MAX_BYTES 65536u

/* Where a write ends that nothing may be merged with any more: at the end of what is queued, and at
 * each boundary set by MSG_EOR. */
bool tct_tcp_push_is_end(const struct tct_tcp *c, tct_seq end) {
  const struct tct_tcp_active *a = c->active;
  for (unsigned i = 0; a != NULL && i < a->n_eor; i++) {
    if (a->eor[i] == end)
      return true;
  }
  return end == tct_tcp_send_data_end(c);
}

static uint32_t train_bytes(const tct_stack *s, const struct tct_tcp *c) {
  uint64_t bytes = tct_tcp_pace_rate(s, c) >> TRAIN_SHIFT;
  uint32_t near = c->rtt.min_us >> TRAIN_RTT_LOG;
  if (near < 17)
    bytes += TRAIN_MAX_BYTES >> near;
  return (uint32_t)tct_min_u64(bytes, TRAIN_MAX_BYTES);
}

static uint32_t train_segs(const tct_stack *s, const struct tct_tcp *c, uint32_t usable_bytes) {
  uint32_t mss = tct_tcp_send_mss(s, c), half = c->cc.cwnd / mss / 2;
  uint32_t most = tct_max_u32(train_bytes(s, c) / mss, s->cfg.min_tso_segs);
  most = tct_min_u32(most, tct_max_u32(half, 1)); /* at least two trains a window */
  return tct_min_u32(usable_bytes / mss, most);
}

/* Bytes from snd.nxt to the end of the train that the next segment is in, or begins when so much
 * may go now; 0: of none. */
uint32_t tct_tcp_push_train(const tct_stack *s, const struct tct_tcp *c, uint32_t usable_bytes) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL || s->cfg.min_tso_segs < 2)
    return 0;
  uint32_t begun = tct_seq_ahead(c->snd.nxt, a->train_end);
  uint32_t segs = begun > 0 ? 0 : train_segs(s, c, usable_bytes);
  return segs > 1 ? segs * tct_tcp_send_mss(s, c) : begun;
}

/* Linux: a train that is cut short by the window waits for the ACK that makes it whole, if that is
 * due within half a round trip, the last one left within a millisecond, and less than a third of
 * the window would go. Here in disorder alone, where waiting lets the first SACKs pass before new
 * data: with an open window it cost 8 % of the goodput at 1 % loss. */
bool tct_tcp_push_should_wait(const tct_stack *s, const struct tct_tcp *c, uint32_t usable_bytes) {
  const struct tct_tcp_active *a = c->active;
  uint32_t mss = tct_tcp_send_mss(s, c), unsent = tct_tcp_send_unsent(c);
  if (a == NULL || s->cfg.min_tso_segs < 2 || a->runs.n == 0 || unsent <= mss ||
      usable_bytes >= unsent || tct_seq_lt(c->snd.nxt, a->train_end))
    return false;
  uint32_t train = tct_max_u32(train_bytes(s, c) / mss, s->cfg.min_tso_segs) * mss;
  uint32_t third = tct_min_u32(c->snd.wnd, c->cc.cwnd) / 3;
  if (a->rec.phase != TCT_REC_DISORDER || usable_bytes >= train || usable_bytes >= third ||
      tct_time_sub(s->now, a->sent_at) > TCT_MS(1))
    return false;
  tct_time oldest = tct_tcp_sack_at(&a->runs, 0)->sent_at;
  return tct_time_sub(s->now, oldest) >= TCT_US(c->rtt.srtt_us8 / 16);
}

void tct_tcp_push_on_sent(struct tct_tcp *c, tct_seq begin, uint32_t train_bytes_left) {
  struct tct_tcp_active *a = c->active;
  if (a != NULL)
    a->train_end = tct_seq_add(begin, train_bytes_left);
}

/* The same for what goes again: as much of the lost run, which is one train or the rest of one, as
 * there is room for. */
uint32_t tct_tcp_push_resend_train(const tct_stack *s, const struct tct_tcp *c,
                                   const struct tct_run *run) {
  const struct tct_tcp_active *a = c->active;
  uint32_t mss = tct_tcp_send_mss(s, c);
  if (s->cfg.min_tso_segs < 2)
    return 0;
  if (tct_seq_between(tct_seq_add(run->begin, 1), a->resend_end, tct_seq_add(run->end, 1)))
    return tct_seq_len(run->begin, a->resend_end);
  uint32_t most = tct_max_u32(train_bytes(s, c) / mss, s->cfg.min_tso_segs);
  uint32_t bytes = tct_seq_len(run->begin, run->end);
  uint32_t segs = tct_min_u32((bytes + mss - 1) / mss, most);
  segs = tct_min_u32(segs, tct_tcp_recover_room(s, c) / mss);
  return segs > 1 ? tct_min_u32(segs * mss, bytes) : 0;
}

void tct_tcp_push_on_resent(struct tct_tcp *c, tct_seq begin, uint32_t train_bytes_left) {
  struct tct_tcp_active *a = c->active;
  if (a != NULL)
    a->resend_end = tct_seq_add(begin, train_bytes_left);
}
