/* SPDX-License-Identifier: MIT */
/*
 * tcp_check.c - the numbered invariants of tcp.h, asserted after each call in check builds. Called
 * by tcp_demux, tcp_output and tests; changes nothing. In other builds it is empty.
 */
#include "tcp/calls.h"
#include "util/steps.h"

#ifdef TCT_CHECK

static bool is_live_state(const struct tct_tcp *c) {
  return c->state >= TCT_SYN_SENT && c->state < TCT_TIME_WAIT;
}

static bool is_syn_sent_as_told(const struct tct_tcp *c) {
  uint32_t sent = tct_seq_len(c->iss, c->snd.nxt);
  if (tct_tcp_fastopen_has(c, TCT_FO_DEFERRED))
    return sent == 0;
  bool may_more = c->extra != NULL && c->extra->fastopen != NULL;
  return sent == 1 || (may_more && sent > 1);
}

static void check_send(const struct tct_tcp *c) {
  TCT_ASSERT(tct_seq_leq(c->snd.una, c->snd.nxt)); /* C1 */
  if (c->state == TCT_SYN_SENT || c->state == TCT_SYN_RECEIVED)
    TCT_ASSERT(c->snd.una == c->iss && is_syn_sent_as_told(c) && !tct_tcp_syn_acked(c)); /* C2 */
  if (c->state > TCT_FIN_WAIT_1 || c->state == TCT_ESTABLISHED)
    TCT_ASSERT(tct_tcp_syn_acked(c)); /* C2 */
}

static void check_queue(const struct tct_tcp *c, const struct tct_tcp_active *a) {
  tct_seq una = tct_tcp_syn_acked(c) ? c->snd.una : tct_seq_add(c->iss, 1);
  bool fin_acked = (c->snd.flags & TCT_SND_FIN_SENT) != 0 && c->snd.una == c->snd.nxt;
  TCT_ASSERT(a->tx.begin == (fin_acked ? tct_seq_sub(una, 1) : una)); /* C3 */
  TCT_ASSERT(tct_seq_leq(a->tx.begin, a->tx.end));
  tct_queue_check(&a->tx);
  tct_queue_check(&a->rx);
}

static void count(struct tct_run_sum *sum, const struct tct_run *run, bool counts) {
  sum->bytes += counts ? tct_seq_len(run->begin, run->end) : 0;
  sum->segs += counts ? tct_tcp_sack_segs(run) : 0;
}

static void check_sum(struct tct_run_sum kept, struct tct_run_sum counted) {
  TCT_ASSERT(kept.bytes == counted.bytes && kept.segs == counted.segs); /* C11 */
}

static void check_runs(const struct tct_tcp *c, const struct tct_tcp_active *a) {
  const struct tct_runs *r = &a->runs;
  struct tct_run_sum all = {0}, sacked = {0}, lost = {0}, resent = {0}, waiting = {0};
  tct_seq at = tct_tcp_syn_acked(c) ? c->snd.una : tct_seq_add(c->iss, 1);
  for (uint32_t i = 0; i < r->n; i++) {
    const struct tct_run *run = tct_tcp_sack_at(r, i);
    bool waits = (run->flags & (TCT_RUN_LOST | TCT_RUN_RESENT)) == TCT_RUN_LOST;
    TCT_ASSERT(run->begin == at && tct_seq_lt(run->begin, run->end)); /* C4 */
    TCT_ASSERT((run->flags & (TCT_RUN_LOST | TCT_RUN_SACKED)) != (TCT_RUN_LOST | TCT_RUN_SACKED));
    count(&all, run, true);
    count(&sacked, run, (run->flags & TCT_RUN_SACKED) != 0);
    count(&lost, run, (run->flags & TCT_RUN_LOST) != 0);
    count(&resent, run, (run->flags & TCT_RUN_RESENT) != 0);
    count(&waiting, run, waits);
    TCT_ASSERT(!waits || tct_seq_geq(run->begin, r->lost_from));
    if (r->waiting_bytes > 0 && tct_seq_geq(run->begin, r->lost_from) &&
        tct_seq_lt(run->begin, r->judged_to))
      TCT_ASSERT(waits || (run->flags & TCT_RUN_SACKED) != 0);
    TCT_ASSERT((run->flags & TCT_RUN_SACKED) == 0 || tct_seq_leq(run->end, r->fack));
    at = run->end;
  }
  if (r->n > 0)
    TCT_ASSERT(at == c->snd.nxt); /* C4 */
  check_sum(r->all, all);
  check_sum(r->sacked, sacked);
  check_sum(r->lost, lost);
  check_sum(r->resent, resent);
  TCT_ASSERT(r->waiting_bytes == waiting.bytes); /* C11 */
}

static void check_receive(const struct tct_tcp *c, const struct tct_tcp_active *a) {
  TCT_ASSERT(tct_seq_leq(c->rcv.nxt, c->rcv.edge)); /* C5 */
  if (a == NULL || a->ooo.set.n == 0)
    return;
  tct_ranges_check(&a->ooo.set); /* C6 */
  TCT_ASSERT(tct_seq_gt(a->ooo.set.at[0].begin, c->rcv.nxt));
  TCT_ASSERT(tct_seq_leq(a->ooo.set.at[a->ooo.set.n - 1].end, c->rcv.edge));
}

static void check_timers(const tct_stack *s, const struct tct_tcp *c) {
  bool waiting = c->snd.una != c->snd.nxt;
  (void)s;
  if (waiting && !tct_list_is_linked(&c->ready)) /* C8, once output has asked the plan */
    TCT_ASSERT(c->tmr.kind == TCT_TIMER_REXMIT || c->tmr.kind == TCT_TIMER_TLP ||
               c->tmr.kind == TCT_TIMER_REORDER || c->tmr.kind == TCT_TIMER_PERSIST);
  if (tct_tcp_timer_next(c) != TCT_NEVER)
    TCT_ASSERT(c->tmr.wheel_at <= tct_tcp_timer_next(c));
}

static void check_live(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (!is_live_state(c)) {
    if (c->state != TCT_LISTEN)
      TCT_ASSERT(c->tmr.main_at == TCT_NEVER); /* C12 */
    return;
  }
  check_send(c);
  check_receive(c, a);
  check_timers(s, c);
  if (a != NULL) {
    check_queue(c, a);
    check_runs(c, a);
  }
  if (c->state >= TCT_ESTABLISHED && tct_tcp_syn_acked(c))
    TCT_ASSERT(c->cc.cwnd >= tct_tcp_send_mss(s, c) &&
               c->cc.ssthresh >= 2 * tct_tcp_send_mss(s, c)); /* C9 */
}

bool tct_tcp_check_conn(const tct_stack *s, const struct tct_tcp *c) {
  uint64_t steps = tct_steps_taken;
  check_live(s, c);
  tct_steps_taken = steps; /* its own do not count */
  return true;
}

void tct_tcp_check_all(const tct_stack *s) {
  for (uint32_t i = 0; i < tct_slab_index_end(&s->tcp->conns); i++) {
    const struct tct_tcp *c = tct_slab_at(&s->tcp->conns, i);
    if (tct_tcp_block_is_live(s, c))
      tct_tcp_check(s, c);
  }
}

#else

bool tct_tcp_check_conn(const tct_stack *s, const struct tct_tcp *c) {
  (void)s;
  (void)c;
  return true;
}

void tct_tcp_check_all(const tct_stack *s) {
  (void)s;
}

#endif
