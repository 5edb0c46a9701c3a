/* SPDX-License-Identifier: MIT */
/*
 * stack_probe.c - the inside of a stack, for checkers: facts about one connection, sums over all,
 * and a hash that tells whether anything has changed. Called by sim/check_*.c and by tests, never
 * by the stack itself; changes nothing, unless it is told how long quiet blocks are to be kept.
 */
#include "stack_probe.h"

#include "ip/ip.h"
#include "sock/sock.h"
#include "tcp/calls.h"
#include "tcp/tcp_listen.h"
#include "util/steps.h"

static const struct tct_tcp *find(const tct_stack *s, tct_sock k) {
  if ((k.gen & 1u) == 0 || (k.index & TCT_SOCK_UDP_BIT) != 0)
    return NULL;
  const struct tct_tcp *c = tct_slab_at(&s->tcp->conns, k.index);
  return c != NULL && c->gen == k.gen ? c : NULL;
}

int tct_stack_probe_state(const tct_stack *s, tct_sock k) {
  const struct tct_tcp *c = find(s, k);
  return c != NULL ? c->state : -1;
}

static void probe_who(const struct tct_tcp *c, struct tct_probe_conn *p) {
  p->laddr = c->key.laddr;
  p->raddr = c->key.raddr;
  p->lport = c->key.lport;
  p->rport = c->key.rport;
  p->state = c->state;
  p->ready = tct_list_is_linked(&c->ready);
  p->connected = (c->open & TCT_OPEN_CONNECTED) != 0;
  p->closed = (c->sockf & TCT_SOCKF_CLOSED) != 0;
  p->done = (c->sockf & TCT_SOCKF_DONE) != 0;
  p->accepting = (c->sockf & TCT_SOCKF_IN_ACCEPT) != 0;
  p->news = c->news;
  p->news_queued = !p->accepting && tct_list_is_linked(&c->event);
}

static void probe_timer(const tct_stack *s, const struct tct_tcp *c, struct tct_probe_conn *p) {
  const struct tct_tcp_active *a = c->active;
  p->timer = c->tmr.kind;
  p->tries = c->tmr.tries;
  p->backoff = c->tmr.backoff;
  p->in_wheel = tct_list_is_linked(&c->tmr.node);
  p->main_at = c->tmr.main_at;
  p->wheel_at = c->tmr.wheel_at;
  p->next_at = tct_tcp_timer_next(c);
  p->rto_ns = tct_tcp_rtt_rto_ns(s, c);
  p->srtt_us8 = c->rtt.srtt_us8;
  p->rttvar_us4 = c->rtt.rttvar_us4;
  p->pace_held = a != NULL && a->pace.wake_at != TCT_NEVER;
}

static void probe_numbers(const tct_stack *s, const struct tct_tcp *c, struct tct_probe_conn *p) {
  const struct tct_tcp_active *a = c->active;
  p->opening = !tct_tcp_syn_acked(c) && c->snd.nxt != c->iss;
  p->iss = c->iss;
  p->irs = c->irs;
  p->una = c->snd.una;
  p->nxt = c->snd.nxt;
  p->rcv_nxt = c->rcv.nxt;
  p->rcv_edge = c->rcv.edge;
  p->snd_wnd = c->snd.wnd;
  p->wnd_max = c->snd.wnd_max;
  p->rcv_limit = tct_tcp_recv_limit(c);
  p->rcv_free = tct_min_u32(tct_tcp_recv_free(c), 65535u << tct_tcp_rcv_shift(c));
  p->rcv_mss = c->rcv.mss;
  p->cwnd = c->cc.cwnd;
  p->ssthresh = c->cc.ssthresh;
  p->mss = tct_tcp_send_mss(s, c);
  p->pipe = tct_tcp_recover_pipe(c);
  p->pipe_segs = tct_tcp_recover_pipe_segs(c);
  p->sack = (c->open & TCT_OPEN_SACK) != 0;
  p->flight = tct_tcp_send_flight(c);
  p->unread = tct_sock_io_unread(c);
  p->unsent = tct_tcp_send_unsent(c);
  p->recuts = s->n.TCPFullUndo + s->n.TCPPartialUndo + s->n.TCPDSACKUndo + s->n.TCPLossUndo +
              s->n.TCPSpuriousRTOs + s->n.TCPLostRetransmit;
  p->tlp_cuts = s->n.TCPLossProbeRecovery;
  if (a == NULL)
    return;
  p->segs = a->runs.all.segs;
  p->sent = a->runs.all.bytes;
  p->sacked = a->runs.sacked.bytes;
  p->lost = a->runs.lost.bytes;
  p->resent = a->runs.resent.bytes;
  p->hopeful_segs = tct_sub_floor_u32(a->runs.all.segs, a->runs.sacked.segs + a->runs.lost.segs);
  p->dupacks = a->rec.dupacks;
}

bool tct_stack_probe_conn(const tct_stack *s, tct_sock k, struct tct_probe_conn *p) {
  const struct tct_tcp *c = find(s, k);
  if (c == NULL)
    return false;
  memset(p, 0, sizeof *p);
  probe_who(c, p);
  if (c->state == TCT_LISTEN)
    return true;
  probe_timer(s, c, p);
  if (c->state >= TCT_SYN_SENT)
    probe_numbers(s, c, p);
  return true;
}

bool tct_stack_probe_room(const tct_stack *s, tct_sock k, uint32_t *room, uint32_t *limit) {
  const struct tct_tcp *c = find(s, k);
  if (c == NULL || c->state < TCT_SYN_SENT)
    return false;
  *room = tct_tcp_send_room(s, c);
  *limit = tct_tcp_send_limit(s, c);
  return true;
}

/* ---- Sums ---- */

static uint32_t count_wheel(const struct tct_wheel *w) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < TCT_WHEEL_LEVELS * TCT_WHEEL_SLOTS; i++)
    for (const struct tct_list *at = w->slot[i].nodes.next; at != &w->slot[i].nodes; at = at->next)
      n++;
  return n;
}

static void count_conns(const tct_stack *s, struct tct_probe_stack *p) {
  for (uint32_t i = 0; i < tct_slab_index_end(&s->tcp->conns); i++) {
    const struct tct_tcp *c = tct_slab_at(&s->tcp->conns, i);
    if (!tct_tcp_block_is_live(s, c))
      continue;
    p->conns++;
    p->conns_armed += tct_list_is_linked(&c->tmr.node);
    p->actives += c->active != NULL;
    p->extras += c->extra != NULL;
  }
}

void tct_stack_probe(const tct_stack *s, struct tct_probe_stack *p) {
  memset(p, 0, sizeof *p);
  count_conns(s, p);
  p->wheel_nodes = count_wheel(&s->wheel);
  p->half_open = s->tcp->syn->used;
  p->time_wait = (uint32_t)s->n.TimeWaitNow;
  p->tuples = s->tcp->tuples.used;
  p->bound = s->tcp->bound.used;
  p->listeners = s->tcp->listeners.used;
  p->buffer_bytes = s->chunks.used_bytes;
  p->memory_bytes = s->memory_bytes;
  p->reasm_bytes = s->ip->reasm.bytes;
  p->reasm_overlaps = tct_ip_reasm_overlaps(s);
  for (uint32_t i = 0; i < s->n_ifs; i++)
    p->reply_bytes += s->ifs[i].replies.used;
}

uint32_t tct_stack_probe_pmtu(tct_stack *s, tct_addr dst) {
  struct tct_ip_path path;
  return tct_ip_path(s, dst, (tct_addr){{0}}, UINT32_MAX, &path) < 0 ? 0 : path.mtu;
}

/* ---- Has anything changed? ---- */

static uint64_t mix(uint64_t h, uint64_t x) {
  h ^= x;
  h = h << 29 | h >> 35; /* linear, so that nothing wraps */
  return h ^ h >> 17;    /* and one to one: however much follows, a change shows */
}

static uint64_t mix_bytes(uint64_t h, const void *p, size_t len) {
  const uint8_t *b = p;
  uint64_t x;
  for (; len >= sizeof x; len -= sizeof x, b += sizeof x) {
    memcpy(&x, b, sizeof x);
    h = mix(h, x);
  }
  for (; len > 0; len--)
    h = mix(h, *b++);
  return h;
}

/* Without what is not in use of its arrays: that was never written. */
static uint64_t hash_active(uint64_t h, const struct tct_tcp_active *a) {
  h = mix_bytes(h, a, offsetof(struct tct_tcp_active, ooo.first));
  h = mix_bytes(h, a->ooo.set.at, a->ooo.set.n * sizeof a->ooo.set.at[0]);
  h = mix_bytes(h, &a->runs, offsetof(struct tct_runs, first));
  for (uint32_t i = 0; i < a->runs.n; i++)
    h = mix_bytes(h, tct_tcp_sack_at(&a->runs, i), sizeof a->runs.first[0]);
  return mix_bytes(h, a->eor, a->n_eor * sizeof a->eor[0]);
}

static uint64_t hash_conn(uint64_t h, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  h = mix_bytes(h, c, sizeof *c);
  if (a != NULL)
    h = hash_active(h, a);
  if (c->extra != NULL)
    h = mix_bytes(h, c->extra, sizeof *c->extra);
  return h;
}

uint64_t tct_stack_probe_hash(const tct_stack *s, tct_sock k) {
  const struct tct_tcp *c = find(s, k);
  uint64_t h = mix(0, s->memory_bytes);
  h = mix(h, s->chunks.used_bytes);
  h = mix_bytes(h, &s->prng, sizeof s->prng);
  h = mix(h, tct_deadline(s));
  h = mix(h, s->ip->reasm.bytes);
  h = mix(h, (uint64_t)s->tcp->syn->used << 32 | s->tcp->tuples.used);
  h = mix(h, s->n.TimeWaitNow << 32 | s->n.ConnsNow);
  h = mix(h, s->n.ActiveNow << 32 | s->n.OrphansNow);
  h = mix(h, tct_list_is_empty(&s->events));
  for (uint32_t i = 0; i < s->n_ifs; i++) {
    h = mix(h, s->ifs[i].replies.used);
    h = mix_bytes(h, &s->ifs[i].tcp_ready, sizeof s->ifs[i].tcp_ready);
  }
  return c == NULL ? h : hash_conn(h, c);
}

/* ---- Quiet blocks ---- */

void tct_stack_probe_keep(tct_stack *s, tct_time quiet_ns) {
  s->tcp->quiet_ns = quiet_ns;
  s->tcp->quiet_max = quiet_ns == 0 ? 0 : UINT32_MAX;
}

/* ---- Steps ---- */

#if defined(TCT_CHECK) && TCT_CHECK
uint64_t tct_stack_probe_steps(void) {
  return tct_steps_taken;
}
#else
uint64_t tct_stack_probe_steps(void) {
  return 0;
}
#endif
