/* SPDX-License-Identifier: MIT */
/*
 * calls_sender.h - what the sender's files offer, file by file: what is out, what of it is lost,
 * how much may fly and how fast; and when the receiver's ACKs go. Part of calls.h, which includes
 * it.
 */
#ifndef TCT_TCP_CALLS_SENDER_H
#define TCT_TCP_CALLS_SENDER_H

#include "tcp/tcp.h"

/* ---- tcp_sack.c: the runs of what was sent, and their sums ----------------------------------- */
void tct_tcp_sack_init(struct tct_runs *r);
void tct_tcp_sack_deinit(tct_stack *s, struct tct_runs *r);
uint32_t tct_tcp_sack_find(const struct tct_runs *r, tct_seq pos); /* first that ends behind pos */
tct_seq tct_tcp_sack_fack(const struct tct_tcp *c); /* one past the highest SACKed, or snd.una */
void tct_tcp_sack_on_sent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end,
                          uint16_t seg_size);
void tct_tcp_sack_on_resent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end,
                            bool probe);
void tct_tcp_sack_merge(struct tct_tcp *c, tct_seq begin,
                        tct_seq end); /* one segment from now on */
void tct_tcp_sack_on_ack(struct tct_tcp *c, tct_seq una, struct tct_tcp_ack *a);
void tct_tcp_sack_on_plain_ack(struct tct_tcp *c, tct_seq una,
                               struct tct_tcp_ack *a); /* nothing is SACKed, lost or resent */
void tct_tcp_sack_mark_lost(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end);
void tct_tcp_sack_lose(tct_stack *s, struct tct_runs *r, uint32_t i); /* run i */
void tct_tcp_sack_clear_lost(struct tct_tcp *c);
void tct_tcp_sack_forget_sacked(struct tct_tcp *c);
void tct_tcp_sack_recut(struct tct_runs *r, uint32_t i, uint16_t seg_size);
const struct tct_run *tct_tcp_sack_next_lost(const struct tct_tcp *c);
/* for tcp_blocks.c */
void tct_tcp_sack_set_flags(struct tct_runs *r, struct tct_run *run, unsigned flags);
bool tct_tcp_sack_split(tct_stack *s, struct tct_runs *r, uint32_t i, tct_seq pos);
void tct_tcp_sack_remove(struct tct_runs *r, uint32_t i, uint32_t k); /* unbooked before */
void tct_tcp_sack_note_reordering(struct tct_tcp_ack *a, tct_seq begin);
void tct_tcp_sack_deliver(struct tct_tcp *c, struct tct_tcp_ack *a, const struct tct_run *piece,
                          uint32_t segs);

/* ---- tcp_blocks.c: a SACK option comes in ---------------------------------------------------- */
void tct_tcp_blocks_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                           struct tct_tcp_ack *a);

/* ---- tcp_push.c: where PSH stands ------------------------------------------------------------ */
bool tct_tcp_push_is_end(const struct tct_tcp *c, tct_seq end);
bool tct_tcp_push_should_wait(const tct_stack *s, const struct tct_tcp *c, uint32_t usable_bytes);
uint32_t tct_tcp_push_train(const tct_stack *s, const struct tct_tcp *c, uint32_t usable_bytes);
uint32_t tct_tcp_push_resend_train(const tct_stack *s, const struct tct_tcp *c,
                                   const struct tct_run *run);
void tct_tcp_push_on_resent(struct tct_tcp *c, tct_seq begin, uint32_t train_bytes_left);
void tct_tcp_push_on_sent(struct tct_tcp *c, tct_seq begin, uint32_t train_bytes_left);

/* ---- tcp_delack.c: how long an ACK may wait -------------------------------------------------- */
void tct_tcp_delack_on_data(tct_stack *s, struct tct_tcp *c, uint32_t seg_len);
uint32_t tct_tcp_delack_ms(const tct_stack *s, const struct tct_tcp *c);
void tct_tcp_delack_on_timer(tct_stack *s, struct tct_tcp *c);
void tct_tcp_delack_on_ack_sent(const tct_stack *s, struct tct_tcp *c, bool owed);
void tct_tcp_delack_on_data_sent(const tct_stack *s, struct tct_tcp *c);
void tct_tcp_delack_hurry(const tct_stack *s, struct tct_tcp *c, uint8_t max);
void tct_tcp_delack_expect_reply(const tct_stack *s, struct tct_tcp *c);
void tct_tcp_delack_forbid_quick(struct tct_tcp *c);

/* ---- tcp_tune.c: sizes of the buffers
 * --------------------------------------------------------- */
void tct_tcp_tune_init(struct tct_tcp_tune *t);
void tct_tcp_tune_save(struct tct_tcp *c); /* the block goes */
void tct_tcp_tune_recall(const struct tct_tcp *c, struct tct_tcp_tune *t);
const struct tct_tcp_tune *tct_tcp_tune_known(const tct_stack *s, const struct tct_tcp *c);
uint32_t tct_tcp_tune_rcv_max(const tct_stack *s, const struct tct_tcp *c);
void tct_tcp_tune_on_text(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h);
void tct_tcp_tune_on_read(tct_stack *s, struct tct_tcp *c);
uint32_t tct_tcp_tune_next(uint32_t buf_bytes, uint32_t taken_bytes, uint32_t max_bytes);
uint32_t tct_tcp_tune_snd_limit(const tct_stack *s, const struct tct_tcp *c);

/* ---- tcp_chrono.c: what the sender's time goes into
 * ------------------------------------------ */
uint8_t tct_tcp_chrono_kind_busy(const tct_stack *s, const struct tct_tcp *c);
void tct_tcp_chrono_set(const tct_stack *s, struct tct_extra *x, uint8_t kind);
uint64_t tct_tcp_chrono_ns(const tct_stack *s, const struct tct_tcp *c, uint8_t kind);

/* ---- tcp_rtt.c ------------------------------------------------------------------------------- */
void tct_tcp_rtt_init(struct tct_tcp *c);
void tct_tcp_rtt_sample(const tct_stack *s, struct tct_tcp *c, uint64_t rtt_ns);
tct_time tct_tcp_rtt_rto_ns(const tct_stack *s, const struct tct_tcp *c);      /* with backoff */
tct_time tct_tcp_rtt_base_rto_ns(const tct_stack *s, const struct tct_tcp *c); /* without */

/* ---- tcp_recover.c: the phases of recovery --------------------------------------------------- */
void tct_tcp_recover_on_ack(tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *ack);
/* For tcp_fast.c: the phase is OPEN, nothing is dubious; of those that acknowledge nothing new. */
void tct_tcp_recover_on_rto(tct_stack *s, struct tct_tcp *c);
void tct_tcp_recover_on_reorder_timer(tct_stack *s, struct tct_tcp *c);
void tct_tcp_recover_enter_cwr(tct_stack *s, struct tct_tcp *c); /* ECN: less, once a window */
/* What is out was not taken: a shut window opened over it, or the peer took a SYN without its data.
 */
void tct_tcp_recover_on_refused(tct_stack *s, struct tct_tcp *c, tct_why why);
void tct_tcp_recover_on_mtu(tct_stack *s, struct tct_tcp *c);
void tct_tcp_recover_on_resent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end,
                               tct_why why);
bool tct_tcp_recover_may_resend(const tct_stack *s, const struct tct_tcp *c,
                                const struct tct_run *run, uint32_t bytes);
bool tct_tcp_recover_holds_back(const tct_stack *s, const struct tct_tcp *c); /* F-RTO */
void tct_tcp_recover_on_quiet(tct_stack *s, struct tct_tcp *c);

/* ---- tcp_dupack.c: without SACK ------------------------------------------------------------- */
void tct_tcp_dupack_add(tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *ack);
void tct_tcp_dupack_eat(tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *ack);

/* ---- tcp_past.c: what was learnt, across quiet times ----------------------------------------- */
void tct_tcp_past_forget(const struct tct_tcp *c, struct tct_tcp_rec *rec);
void tct_tcp_past_save(struct tct_tcp *c);
const struct tct_tcp_past *tct_tcp_past_of(const struct tct_tcp *c); /* NULL: nothing is known */
void tct_tcp_past_recall(const struct tct_tcp *c, struct tct_tcp_rec *rec);
bool tct_tcp_past_is_waiting(const struct tct_tcp *c); /* for a D-SACK, without a block */
void tct_tcp_past_count_rto(const tct_stack *s, struct tct_tcp *c, bool again);
void tct_tcp_past_end_rto(const tct_stack *s, struct tct_tcp *c);

/* ---- tcp_rack.c: which bytes are lost -------------------------------------------------------- */
bool tct_tcp_rack_is_on(const tct_stack *s, const struct tct_tcp *c);
uint32_t tct_tcp_rack_reordering(const tct_stack *s, const struct tct_tcp *c); /* segments */
void tct_tcp_rack_on_delivered(struct tct_tcp *c, const struct tct_tcp_ack *ack,
                               const struct tct_run *run);
void tct_tcp_rack_look_again(struct tct_tcp *c);
void tct_tcp_rack_adapt(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack);
void tct_tcp_rack_on_dsack(struct tct_tcp *c);
void tct_tcp_rack_on_recovered(struct tct_tcp *c, bool needless);
void tct_tcp_rack_on_reordered(tct_stack *s, struct tct_tcp *c, tct_seq low, bool by_echo);
void tct_tcp_rack_on_many_duplicates(tct_stack *s, struct tct_tcp *c, uint32_t segs);
void tct_tcp_rack_on_rto(const tct_stack *s, struct tct_tcp *c, uint32_t proven_segs);
bool tct_tcp_rack_is_recent(const tct_stack *s, const struct tct_tcp *c, const struct tct_run *run);
uint64_t tct_tcp_rack_detect(tct_stack *s, struct tct_tcp *c);
bool tct_tcp_rack_on_ack(tct_stack *s, struct tct_tcp *c);
void tct_tcp_rack_without(tct_stack *s, struct tct_tcp *c); /* RFC 6675 in its place */

/* ---- tcp_tlp.c: the tail loss probe ---------------------------------------------------------- */
tct_time tct_tcp_tlp_at(const tct_stack *s, const struct tct_tcp *c, tct_time rto_at);
bool tct_tcp_tlp_may_go(const struct tct_tcp *c);
void tct_tcp_tlp_on_sent(tct_stack *s, struct tct_tcp *c, bool resent);
void tct_tcp_tlp_forget(struct tct_tcp *c);
bool tct_tcp_tlp_on_ack(struct tct_tcp *c, const struct tct_tcp_ack *ack);

/* ---- tcp_undo.c: was the repair needless? ---------------------------------------------------- */
bool tct_tcp_undo_echo_is_before(const struct tct_tcp *c, const struct tct_tcp_ack *ack,
                                 tct_time at);
void tct_tcp_undo_begin(struct tct_tcp *c);
void tct_tcp_undo_remember(struct tct_tcp *c, uint32_t ssthresh, uint32_t cwnd);
void tct_tcp_undo_off(struct tct_tcp *c);
void tct_tcp_undo_unstamp(struct tct_tcp *c);
bool tct_tcp_undo_has_resent(const struct tct_tcp *c);
void tct_tcp_undo_on_resent(const tct_stack *s, struct tct_tcp *c, uint32_t segs);
void tct_tcp_undo_on_duplicate(struct tct_tcp *c, tct_seq end, uint32_t segs);
bool tct_tcp_undo_on_dsack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                           struct tct_tcp_ack *a);
bool tct_tcp_undo_is_late(const struct tct_tcp *c, const struct tct_tcp_ack *ack);
bool tct_tcp_undo_is_all_duplicate(const struct tct_tcp *c);
bool tct_tcp_undo_may(const struct tct_tcp *c, const struct tct_tcp_ack *ack);
void tct_tcp_undo_now(tct_stack *s, struct tct_tcp *c, bool not_lost);

/* ---- tcp_cc_prr.c: the window during a reduction --------------------------------------------- */
struct tct_tcp_prr_in { /* segments (LINUX) or bytes; unit: one segment in them */
  uint32_t delivered, pipe, ssthresh, unit;
  bool safe; /* the ACK shows progress and no new loss */
};
uint32_t tct_tcp_cc_prr_window(const struct tct_tcp_prr *prr, const struct tct_tcp_prr_in *in);
void tct_tcp_cc_prr_begin(tct_stack *s, struct tct_tcp *c);
bool tct_tcp_cc_prr_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack);
void tct_tcp_cc_prr_on_sent(const tct_stack *s, struct tct_tcp *c, uint32_t segs, uint32_t bytes);
void tct_tcp_cc_prr_end(tct_stack *s, struct tct_tcp *c);
void tct_tcp_cc_prr_restart(tct_stack *s, struct tct_tcp *c);

/* ---- tcp_cc.c and the algorithms (tcp_cc.h): how much may be in flight ------------------------
 */
void tct_tcp_cc_init(tct_stack *s, struct tct_tcp *c); /* initial window */
bool tct_tcp_cc_is_known(tct_cc id);
int tct_tcp_cc_choose(tct_stack *s, struct tct_tcp *c, tct_cc id); /* ENOENT, ENOMEM */
void tct_tcp_cc_drop(tct_stack *s, struct tct_extra *x);           /* the algorithm's record */
void tct_tcp_cc_on_news(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *a);
void tct_tcp_cc_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *a);
/* For tcp_fast.c, where tct_tcp_cc_is_plain says so: the two above at once. */
void tct_tcp_cc_on_plain_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *a);
void tct_tcp_cc_on_loss(tct_stack *s, struct tct_tcp *c,
                        uint32_t flight); /* once a window: ssthresh */
void tct_tcp_cc_on_rto(tct_stack *s, struct tct_tcp *c, uint32_t flight);
void tct_tcp_cc_on_recovered(tct_stack *s, struct tct_tcp *c, uint32_t flight);
void tct_tcp_cc_on_undo(tct_stack *s, struct tct_tcp *c, uint32_t prior_cwnd,
                        uint32_t prior_ssthresh);          /* the loss was none */
void tct_tcp_cc_on_idle(tct_stack *s, struct tct_tcp *c);  /* restart window, RFC 5681 4.1 */
void tct_tcp_cc_on_start(tct_stack *s, struct tct_tcp *c); /* data leaves, none is outstanding */
uint32_t tct_tcp_cc_segs(const tct_stack *s, const struct tct_tcp *c); /* the window */
/* A probe of the MTU left (lost: it was too large): a segment less (more). */
void tct_tcp_cc_on_probe(const tct_stack *s, struct tct_tcp *c, bool lost);
/* It arrived: packets grow from `before` to `now` bytes, the window does not. */
void tct_tcp_cc_on_probed(const tct_stack *s, struct tct_tcp *c, uint32_t before, uint32_t now);
void tct_tcp_cc_on_mss(tct_stack *s, struct tct_tcp *c, uint32_t before); /* tct_tcp_send_mss */
bool tct_tcp_cc_is_limited(const struct tct_tcp *c); /* did the window hold back the newest data? */
void tct_tcp_cc_on_sent(struct tct_tcp *c);
void tct_tcp_cc_judge_burst(tct_stack *s, struct tct_tcp *c); /* with active; see quick.h */

/* ---- tcp_rate.c: what was delivered, how fast ------------------------------------------------ */
void tct_tcp_rate_init(struct tct_tcp *c);
void tct_tcp_rate_on_ack(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *a);
void tct_tcp_rate_mark_limited(struct tct_tcp *c);

/* ---- tcp_pace.c: not all at once ------------------------------------------------------------- */
uint64_t tct_tcp_pace_rate(const tct_stack *s, const struct tct_tcp *c);       /* bytes a second */
tct_time tct_tcp_pace_held_until(const tct_stack *s, const struct tct_tcp *c); /* 0: not held */
uint32_t tct_tcp_pace_quantum(const tct_stack *s, const struct tct_tcp *c);    /* bytes a frame */
void tct_tcp_pace_on_sent(const tct_stack *s, struct tct_tcp *c, uint32_t bytes);
void tct_tcp_pace_wait(tct_stack *s, struct tct_tcp *c, tct_time at);
bool tct_tcp_pace_on_timer(const tct_stack *s, struct tct_tcp *c); /* the wait is over */

#endif
