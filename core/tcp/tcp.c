/* SPDX-License-Identifier: MIT */
/*
 * tcp.c - the door of the folder: birth and end of its state, and what stack.c and ip/ ask of TCP
 * as a whole. Time comes in here: connections from the wheel, then the clock hands of the SYN cache
 * and of TIME-WAIT. Everything about one connection is in the files beside it; tcp_demux says whose
 * a segment is.
 */
#include "tcp/calls.h"
#include "util/rule.h"

int tct_tcp_new(tct_stack *s) {
  struct tct_tcp_state *t = tct_stack_alloc(s, sizeof *t);
  if (t == NULL)
    return TCT_ENOMEM;
  s->tcp = t;
  t->profile = tct_tcp_profile(s->cfg.profile);
  t->drain_at = TCT_NEVER;
  tct_slab_init(&t->conns, &s->alloc, tct_tcp_block_bytes(s), offsetof(struct tct_tcp, iss),
                s->cfg.limits.conns);
  t->near_bytes = tct_tcp_block_near_bytes(s);
  tct_table_init(&t->tuples, &s->alloc, s->cfg.limits.conns);
  tct_table_init(&t->listeners, &s->alloc, s->cfg.limits.conns);
  tct_table_init(&t->bound, &s->alloc, s->cfg.limits.conns);
  tct_list_init(&t->quiet);
  t->quiet_ns = TCT_QUIET_NS;
  bool waits = s->cfg.info != TCT_INFO_FULL && tct_tcp_tune_is_on(s);
  t->quiet_max = waits ? TCT_QUIET_MAX_WAITING : TCT_QUIET_MAX;
  tct_list_init(&t->due);
  int e = tct_tcp_listen_new(s);
  return e != TCT_OK ? e : tct_tcp_timewait_new(s);
}

void tct_tcp_free(tct_stack *s) {
  struct tct_tcp_state *t = s->tcp;
  if (t == NULL)
    return;
  for (uint32_t i = 0; i < tct_slab_index_end(&t->conns); i++) {
    struct tct_tcp *c = tct_slab_at(&t->conns, i);
    if (!tct_tcp_block_is_live(s, c))
      continue;
    if (c->state == TCT_LISTEN)
      tct_tcp_listen_stop(s, c);
    if (c->state == TCT_LISTEN)
      tct_tcp_state_set(s, c, TCT_CLOSED, TCT_WHY_ABORTED);
  }
  for (uint32_t i = 0; i < tct_slab_index_end(&t->conns); i++) {
    struct tct_tcp *c = tct_slab_at(&t->conns, i);
    if (tct_tcp_block_is_live(s, c))
      tct_tcp_block_free(s, c);
  }
  tct_stack_end_kept(s, &t->kept_active, sizeof(struct tct_tcp_active));
  tct_stack_end_kept(s, &t->kept_extra, sizeof(struct tct_extra));
  tct_tcp_fastopen_cache_free(s);
  tct_tcp_timewait_free(s);
  tct_tcp_listen_free(s);
  tct_tcp_port_free(s);
  tct_table_deinit(&t->bound);
  tct_table_deinit(&t->listeners);
  tct_table_deinit(&t->tuples);
  tct_slab_deinit(&t->conns);
  tct_stack_free(s, t, sizeof *t);
  s->tcp = NULL;
}

tct_verdict tct_tcp_input(tct_stack *s, struct tct_pkt *p) {
  return tct_tcp_demux_input(s, p);
}

/* ---- Time ------------------------------------------------------------------------------------ */

#define FIRED_PER_CALL 256u /* a million may be due at once: no call takes so long */

static void fire_due(tct_stack *s) {
  struct tct_list *due = &s->tcp->due;
  tct_wheel_advance(&s->wheel, s->now, due);
  for (unsigned i = 0; i < FIRED_PER_CALL; i++) {
    struct tct_list *node = tct_list_pop_head(due);
    if (node == NULL)
      return;
    struct tct_list *next = tct_list_first(due); /* among very many it is not in the cache */
    if (next != NULL)
      tct_mem_prefetch(TCT_CONTAINER_OF(next, struct tct_tcp, tmr.node), sizeof(struct tct_tcp));
    tct_tcp_timer_fire(s, TCT_CONTAINER_OF(node, struct tct_tcp, tmr.node));
  }
}

/* Drain: what is left at the deadline is reset. */
static void end_drain(tct_stack *s) {
  s->tcp->drain_at = TCT_NEVER;
  for (uint32_t i = 0; i < tct_slab_index_end(&s->tcp->conns); i++) {
    struct tct_tcp *c = tct_slab_at(&s->tcp->conns, i);
    if (tct_tcp_block_is_live(s, c) && c->state != TCT_CLOSED && c->state != TCT_TIME_WAIT)
      tct_tcp_state_abort(s, c, TCT_WHY_RST_DRAIN);
  }
}

void tct_tcp_advance(tct_stack *s) {
  fire_due(s);
  if (s->tcp->drain_at <= s->now)
    end_drain(s);
  tct_tcp_listen_advance(s);
  tct_tcp_timewait_advance(s);
  tct_tcp_block_reclaim(s);
}

tct_time tct_tcp_next_deadline(const tct_stack *s) {
  if (!tct_list_is_empty(&s->tcp->due))
    return s->now;
  tct_time at = tct_time_min(tct_tcp_listen_next_deadline(s), tct_tcp_timewait_next_deadline(s));
  return tct_time_min(at, s->tcp->drain_at);
}

/* FIN on every connection, no new ones; the application hears of each as it ends. */
void tct_tcp_drain(tct_stack *s, tct_time deadline) {
  s->tcp->drain_at = deadline;
  for (uint32_t i = 0; i < tct_slab_index_end(&s->tcp->conns); i++) {
    struct tct_tcp *c = tct_slab_at(&s->tcp->conns, i);
    if (!tct_tcp_block_is_live(s, c))
      continue;
    if (c->state == TCT_LISTEN)
      tct_tcp_state_close(s, c);
    else
      tct_tcp_state_shut_send(s, c);
  }
}

/* ---- What happened to an interface or an address: all connections, rarely -------------------- */

/* The interface's own MTU changed: all its connections. A path's MTU reaches the connection that
 * the error quotes, through tct_tcp_icmp_input; others of that path ask again at R1 or find out by
 * an error of their own. */
void tct_tcp_on_mtu(tct_stack *s, uint32_t ifi, tct_addr dst, uint32_t mtu) {
  if (!tct_ip_is_any(dst))
    return;
  for (uint32_t i = 0; i < tct_slab_index_end(&s->tcp->conns); i++) {
    struct tct_tcp *c = tct_slab_at(&s->tcp->conns, i);
    if (tct_tcp_block_is_live(s, c) && c->ifi == ifi && c->state >= TCT_SYN_SENT)
      tct_tcp_mtu_set(s, c, tct_min_u32(mtu, tct_ip_pmtu(s, c->key.raddr, ifi)));
  }
}

void tct_tcp_on_addr_removed(tct_stack *s, tct_addr a) {
  for (uint32_t i = 0; i < tct_slab_index_end(&s->tcp->conns); i++) {
    struct tct_tcp *c = tct_slab_at(&s->tcp->conns, i);
    if (tct_tcp_block_is_live(s, c) && c->state >= TCT_SYN_SENT && tct_ip_equal(c->key.laddr, a))
      tct_tcp_state_end(s, c, TCT_EADDRNOTAVAIL, TCT_WHY_ADDRESS_REMOVED);
  }
}
