/* SPDX-License-Identifier: MIT */
/*
 * tcp_block.c - the life of a connection's three blocks: conn from a slab, active and extra while
 * they are needed; extra has its place in the slab where every connection has one. Called by sock/
 * (open), tcp_listen (children) and whoever needs a queue or a counter. What is quiet is given back
 * lazily, oldest first; that changes no later frame.
 */
#include "tcp/calls.h"
#include "util/plant.h"

#define RECLAIM_PER_CALL 16u
#define GIVE_WAY_PER_CALL 2u

static struct tct_tcp_state *state_of(tct_stack *s) {
  return s->tcp;
}

static bool has_place_for_extra(const tct_stack *s) {
  return s->cfg.info == TCT_INFO_FULL;
}

uint32_t tct_tcp_block_bytes(const tct_stack *s) {
  return has_place_for_extra(s) ? (sizeof(struct tct_tcp_full) + 63) / 64 * 64
                                : sizeof(struct tct_tcp);
}

uint32_t tct_tcp_block_near_bytes(const tct_stack *s) {
  return has_place_for_extra(s) ? offsetof(struct tct_tcp_full, extra) + TCT_EXTRA_HOT_BYTES
                                : sizeof(struct tct_tcp);
}

static struct tct_extra *place_for_extra(struct tct_tcp *c) {
  return &TCT_CONTAINER_OF(c, struct tct_tcp_full, conn)->extra;
}

struct tct_tcp *tct_tcp_block_new(tct_stack *s) {
  uint32_t index;
  struct tct_tcp *c = tct_slab_alloc(&state_of(s)->conns, &index);
  if (c == NULL)
    return NULL;
  uint32_t gen = c->gen + 1; /* even while free, odd while live; outlives the slot's reuse */
  memset(c, 0, sizeof *c);
  c->gen = gen;
  c->index = index;
  c->state = TCT_CLOSED;
  tct_list_init(&c->ready);
  tct_list_init(&c->event);
  tct_tcp_timer_init(c);
  tct_tcp_rtt_init(c);
  c->hop_limit = s->cfg.hop_limit;
  c->rcv.buf_max = s->cfg.rcvbuf_bytes;
  c->heard_ms = s->now_ms;
  s->n.ConnsNow++;
  if (has_place_for_extra(s))
    (void)tct_tcp_block_extra(s, c);
  return c;
}

void tct_tcp_block_free(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_timer_stop(s, c);
  tct_list_remove(&c->ready);
  tct_list_remove(&c->event);
  tct_tcp_demux_remove(s, c);
  tct_tcp_port_release(s, c);
  tct_tcp_block_drop_active(s, c);
  if (c->extra != NULL) {
    tct_stack_free(s, c->extra->marks, TCT_MARKS_MAX * sizeof(struct tct_tcp_mark));
    tct_tcp_cc_drop(s, c->extra);
    tct_stack_free(s, c->extra->fastopen, sizeof *c->extra->fastopen);
    if (!has_place_for_extra(s))
      tct_stack_keep(s, &state_of(s)->kept_extra, c->extra, sizeof *c->extra);
    c->extra = NULL;
  }
  c->state = TCT_CLOSED;
  c->gen = c->gen + 1 == 0 ? 2 : c->gen + 1; /* handles are stale from here on */
  s->n.ConnsNow--;
  tct_slab_free(&state_of(s)->conns, c->index);
}

bool tct_tcp_block_is_live(const tct_stack *s, const struct tct_tcp *c) {
  (void)s;
  return (c->gen & 1u) != 0;
}

struct tct_tcp *tct_tcp_block_at(tct_stack *s, tct_sock k) {
  if ((k.gen & 1u) == 0 || (k.index & TCT_SOCK_UDP_BIT) != 0)
    return NULL;
  struct tct_tcp *c = tct_slab_at(&state_of(s)->conns, k.index);
  if (TCT_PLANT(STALE_HANDLE) && c != NULL && tct_tcp_block_is_live(s, c))
    return c;
  if (c != NULL && c == state_of(s)->found_last)
    return c->gen == k.gen ? c : NULL;
  tct_mem_prefetch(c, state_of(s)->near_bytes); /* one among very many has left the cache ... */
  if (c == NULL || c->gen != k.gen)
    return NULL;
  tct_tcp_block_prefetch(s, c); /* ... and so have its other blocks */
  if (c->state != TCT_LISTEN)
    state_of(s)->found_last = c; /* the next call is about it, most likely */
  return c;
}

/* In two rounds, as demux does for the frames of a burst. */
void tct_tcp_block_prefetch_all(const tct_stack *s, const tct_sock *k, size_t n) {
  struct tct_tcp *c[TCT_BURST_MAX];
  for (size_t i = 0; i < n; i++) {
    bool udp = (k[i].index & TCT_SOCK_UDP_BIT) != 0;
    c[i] = udp ? NULL : tct_slab_at(&s->tcp->conns, k[i].index);
    tct_mem_prefetch(c[i], s->tcp->near_bytes);
  }
  for (size_t i = 0; i < n; i++)
    if (c[i] != NULL)
      tct_tcp_block_prefetch(s, c[i]);
}

/* SYN and FIN take a number and no byte. */
static tct_seq unacked_byte(const struct tct_tcp *c) {
  bool fin_acked = (c->snd.flags & TCT_SND_FIN_SENT) != 0 && c->snd.una == c->snd.nxt;
  if (!tct_tcp_syn_acked(c))
    return tct_seq_add(c->iss, 1);
  return fin_acked ? tct_seq_sub(c->snd.una, 1) : c->snd.una;
}

/* What a fresh block would say, but for what is zero in one and what past_recall knows. */
static void begin_history(struct tct_tcp_active *a) {
  a->ecn_cut = tct_tcp_ecn_fresh_cut(a->conn);
  a->cc.used_end = a->conn->snd.una;
  a->pace.wake_at = TCT_NEVER;
  a->train_end = a->conn->snd.una;
  a->small_end = a->conn->snd.una;
  a->read_at_ack = tct_tcp_reasm_data_end(a->conn);
}

/* So that giving a quiet one back changes no later frame. */
static void forget_history(struct tct_tcp_active *a) {
  memset(&a->cc, 0, sizeof a->cc);
  memset(&a->pace, 0, sizeof a->pace);
  tct_tcp_past_forget(a->conn, &a->rec);
  a->sent_at = 0;
  a->full_since_ack = 0;
  a->ooo.n_recent = 0;
  begin_history(a);
}

static void leave_quiet(tct_stack *s, struct tct_tcp_active *a) {
  tct_list_remove(&a->quiet);
  state_of(s)->quiet_n--;
}

void tct_tcp_block_drop_active(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return;
  if (tct_list_is_linked(&a->quiet))
    leave_quiet(s, a);
  tct_queue_deinit(&a->rx, &s->chunks);
  tct_queue_deinit(&a->tx, &s->chunks);
  tct_tcp_send_return_lent(s, &a->tx);
  if (!TCT_PLANT(LEAK_OF_RUNS))
    tct_tcp_sack_deinit(s, &a->runs);
  tct_tcp_reasm_deinit(s, &a->ooo);
  tct_tcp_past_save(c);
  tct_tcp_tune_save(c);
  c->active = NULL;
  tct_stack_keep(s, &state_of(s)->kept_active, a, sizeof *a);
  s->n.ActiveNow--;
}

/* Nothing in it that a fresh block would not say as well. */
static bool is_quiet(const struct tct_tcp *c, const struct tct_tcp_active *a) {
  bool read_all = a->rx.begin == tct_tcp_reasm_data_end(c);
  return a->tx.begin == a->tx.end && a->tx.reserved_bytes == 0 && read_all &&
         (a->ooo.set.n == 0 || TCT_PLANT(ACTIVE_GIVEN_EARLY)) && a->ooo.n_dsack == 0 &&
         a->runs.n == 0 && a->delack_at == TCT_NEVER && (c->rcv.flags & TCT_RCV_FIN_OOO) == 0 &&
         tct_tcp_syn_acked(c) && a->n_eor == 0;
}

/* Nothing is queued, or waits for an ACK, but perhaps a FIN. */
TCT_HOT static __attribute__((noinline)) void settle_drained(tct_stack *s, struct tct_tcp *c,
                                                             struct tct_tcp_active *a) {
  if (a->runs.n == 0 && c->snd.una == c->snd.nxt)
    tct_tcp_recover_on_quiet(s, c);
  bool quiet = is_quiet(c, a);
  if (quiet && !tct_list_is_linked(&a->quiet)) {
    a->quiet_at = s->now;
    forget_history(a);
    tct_list_push_tail(&state_of(s)->quiet, &a->quiet);
    state_of(s)->quiet_n++;
  } else if (!quiet && tct_list_is_linked(&a->quiet)) {
    leave_quiet(s, a);
  }
}

TCT_HOT void tct_tcp_block_settle(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  tct_tcp_chrono_update(s, c);
  if (a == NULL)
    return;
  if (a->tx.begin == a->tx.end)
    settle_drained(s, c, a);
  else if (tct_list_is_linked(&a->quiet))
    leave_quiet(s, a);
}

/* Would no later frame be another one? */
bool tct_tcp_block_may_drop_active(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a != NULL && tct_list_is_linked(&a->quiet) && is_quiet(c, a) &&
         (c->extra != NULL || tct_tcp_tune_is_stale(s, &a->tune, c));
}

/* A further block is wanted: who has been quiet for longest gives back. So among very many
 * connections the same few blocks go round, which are in the cache, and there is not one kept for
 * each. One that must wait stands in the way of all: tct_tcp_block_reclaim sees to it. */
static void give_way(tct_stack *s) {
  struct tct_tcp_state *t = state_of(s);
  for (unsigned i = 0; i < GIVE_WAY_PER_CALL && t->quiet_n > t->quiet_max; i++) {
    struct tct_list *first = tct_list_first(&t->quiet);
    struct tct_tcp_active *a = TCT_CONTAINER_OF(first, struct tct_tcp_active, quiet);
    if (tct_tcp_block_may_drop_active(s, a->conn))
      tct_tcp_block_drop_active(s, a->conn);
    else if (is_quiet(a->conn, a))
      return;
    else
      leave_quiet(s, a); /* in use again since */
  }
  /* the next one's connection, for the next time */
  struct tct_list *next = tct_list_first(&t->quiet);
  if (next != NULL && t->quiet_n >= t->quiet_max)
    tct_mem_prefetch(TCT_CONTAINER_OF(next, struct tct_tcp_active, quiet)->conn,
                     sizeof(struct tct_tcp));
}

struct tct_tcp_active *tct_tcp_block_attach(tct_stack *s, struct tct_tcp *c) {
  TCT_ASSERT(c->state != TCT_LISTEN && c->active == NULL);
  give_way(s);
  const size_t zeroed = offsetof(struct tct_tcp_active, ooo.first); /* sack_init clears the rest */
  struct tct_tcp_active *a = tct_stack_alloc_kept(s, &state_of(s)->kept_active, sizeof *a, zeroed);
  if (a == NULL)
    return NULL;
  tct_list_init(&a->quiet);
  a->conn = c;
  tct_queue_init(&a->tx, unacked_byte(c));
  tct_queue_init(&a->rx, tct_tcp_reasm_data_end(c));
  tct_tcp_sack_init(&a->runs);
  tct_tcp_reasm_init(&a->ooo);
  a->delack_at = TCT_NEVER;
  a->cork_at = TCT_NEVER;
  begin_history(a);
  tct_tcp_tune_recall(c, &a->tune);
  tct_tcp_past_recall(c, &a->rec);
  c->active = a;
  s->n.ActiveNow++;
  return a;
}

/* Quiet between two bursts of a transfer whose round trips are being measured. */
static void wait_longer(tct_stack *s, struct tct_tcp_active *a) {
  tct_list_remove(&a->quiet);
  tct_list_push_tail(&state_of(s)->quiet, &a->quiet);
  a->quiet_at = s->now;
}

void tct_tcp_block_reclaim(tct_stack *s) {
  for (unsigned i = 0; i < RECLAIM_PER_CALL; i++) {
    struct tct_list *first = tct_list_first(&state_of(s)->quiet);
    if (first == NULL)
      return;
    struct tct_tcp_active *a = TCT_CONTAINER_OF(first, struct tct_tcp_active, quiet);
    if (state_of(s)->quiet_n <= state_of(s)->quiet_max &&
        tct_time_add(a->quiet_at, state_of(s)->quiet_ns) > s->now)
      return;
    if (tct_tcp_block_may_drop_active(s, a->conn))
      tct_tcp_block_drop_active(s, a->conn);
    else if (!is_quiet(a->conn, a))
      tct_tcp_block_settle(s, a->conn); /* in use again since */
    else
      wait_longer(s, a);
  }
}

static struct tct_extra *new_extra(tct_stack *s, struct tct_tcp *c) {
  const size_t size = sizeof *c->extra;
  if (!has_place_for_extra(s))
    return tct_stack_alloc_kept(s, &state_of(s)->kept_extra, size, size);
  return memset(place_for_extra(c), 0, size);
}

struct tct_extra *tct_tcp_block_extra(tct_stack *s, struct tct_tcp *c) {
  if (c->extra != NULL)
    return c->extra;
  c->extra = new_extra(s, c);
  if (c->extra != NULL)
    tct_tcp_tune_init(&c->extra->tune);
  if (c->extra != NULL && tct_tcp_syn_acked(c)) /* attached late: what can still be known */
    c->extra->bytes_acked = tct_seq_sub(c->snd.una, tct_seq_add(c->iss, 1));
  return c->extra;
}
