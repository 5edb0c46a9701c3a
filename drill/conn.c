/* SPDX-License-Identifier: MIT */
/*
 * conn.c - the connections of a script: which one a packet is of, and the way between the script's
 * sequence numbers (first data byte is 1, numbers with SYN absolute) and the live ones. Called by
 * build.c, match.c, world.c.
 */
#include "drill/run.h"

#include <string.h>

static bool is_same_addr(const tct_addr *a, const tct_addr *b) {
  return memcmp(a->b, b->b, sizeof a->b) == 0;
}

tct_addr drill_conn_address(const char *text) {
  tct_addr a = {{0}};
  return tct_addr_parse(text, &a) == TCT_OK ? a : (tct_addr){{0}};
}

struct drill_conn *drill_conn_new(struct drill_run *r, enum drill_conn_state state) {
  struct drill_conn *c = drill_arena_get(r->arena, sizeof *c);
  c->older = r->conns;
  r->conns = c;
  c->state = state;
  c->fd = -1;
  c->local = r->local;
  c->remote = r->remote;
  if (state != DRILL_CONN_NEW)
    c->number = ++r->n_conns;
  return c;
}

struct drill_conn *drill_conn_by_number(struct drill_run *r, int number) {
  for (struct drill_conn *c = r->conns; c; c = c->older)
    if (c->number == number)
      return c;
  drill_run_fail(r, "there is no connection number %d yet", number);
  return NULL;
}

static bool is_of(const struct drill_conn *c, const struct drill_frame *f) {
  return c->lport == f->sport && c->rport == f->dport && is_same_addr(&c->remote, &f->dst) &&
         is_same_addr(&c->local, &f->src);
}

static bool is_opening(const struct drill_conn *c, const struct drill_frame *f) {
  bool is_syn = (f->flags & (TCT_SYN | TCT_ACK)) == TCT_SYN;
  return c->state == DRILL_CONN_CONNECTING && c->lport == 0 && is_syn && c->rport == f->dport &&
         is_same_addr(&c->remote, &f->dst);
}

static struct drill_conn *find_of(struct drill_run *r, const struct drill_frame *f) {
  for (struct drill_conn *c = r->conns; c; c = c->older)
    if (!c->is_udp && c->rport && is_of(c, f))
      return c;
  for (struct drill_conn *c = r->conns; c; c = c->older)
    if (is_opening(c, f))
      return c;
  return NULL;
}

static void learn_isn(struct drill_conn *c, uint32_t isn) {
  c->isn_live = isn;
  c->has_live = true;
}

void drill_conn_on_out(struct drill_run *r, struct drill_frame *f) {
  if (f->proto != 6) {
    f->conn = r->current;
    if (f->proto == 17 && r->current && r->current->is_udp && !r->current->lport)
      r->current->lport = f->sport;
    return;
  }
  struct drill_conn *c = f->conn = find_of(r, f);
  if (!c || !(f->flags & TCT_SYN) || c->has_live)
    return;
  if (!(f->flags & TCT_ACK) && c->state == DRILL_CONN_CONNECTING) {
    c->lport = f->sport;
    c->local = f->src;
    c->state = DRILL_CONN_SYN_SENT;
    learn_isn(c, f->seq);
  } else if ((f->flags & TCT_ACK) && c->state == DRILL_CONN_RECEIVED) {
    learn_isn(c, f->seq);
  }
}

static void set_addresses(struct drill_conn *c, const struct drill_packet *k) {
  const struct drill_twist *t = &k->twist;
  if (t->src)
    c->remote = drill_conn_address(t->src);
  if (t->dst)
    c->local = drill_conn_address(t->dst);
  if (k->sport)
    c->rport = k->sport;
  if (k->dport)
    c->lport = k->dport;
  if (t->sport > 0)
    c->rport = (uint16_t)t->sport;
  if (t->dport > 0)
    c->lport = (uint16_t)t->dport;
}

static struct drill_conn *new_child(struct drill_run *r, const struct drill_packet *k) {
  const struct drill_conn *parent = r->current;
  struct drill_conn *c = drill_conn_new(r, DRILL_CONN_RECEIVED);
  c->lport = r->set->bind_port;
  c->rport = r->next_port++;
  if (k->twist.is_again && parent) {
    c->local = parent->local;
    c->remote = parent->remote;
    c->lport = parent->lport;
    c->rport = parent->rport;
  }
  set_addresses(c, k);
  c->isn_remote = k->seq;
  r->current = c;
  return c;
}

/* A first datagram fixes both ends of a bound UDP socket. */
static struct drill_conn *settle_udp(struct drill_run *r, const struct drill_packet *k) {
  struct drill_conn *c = r->current ? r->current : drill_conn_new(r, DRILL_CONN_ACKED);
  c->is_udp = true;
  if (!c->lport)
    c->lport = r->set->bind_port;
  if (!c->rport)
    c->rport = r->next_port++;
  set_addresses(c, k);
  r->current = c;
  return c;
}

struct drill_conn *drill_conn_for_in(struct drill_run *r, const struct drill_packet *k) {
  struct drill_conn *c = r->current;
  if (k->twist.conn)
    return drill_conn_by_number(r, k->twist.conn);
  if (k->proto == DRILL_UDP)
    return settle_udp(r, k);
  if (k->proto != DRILL_TCP)
    return c;
  bool is_first = !c || c->state == DRILL_CONN_NEW || c->state == DRILL_CONN_LISTENING;
  if (is_first || k->twist.is_new || k->twist.is_again)
    return new_child(r, k);
  bool is_syn = k->flags & TCT_SYN;
  if (c->state == DRILL_CONN_SYN_SENT && is_syn)
    c->isn_remote = k->seq;
  if (c->state == DRILL_CONN_SYNACK_SENT && (k->flags & TCT_ACK))
    c->state = DRILL_CONN_ACKED;
  return c;
}

uint32_t drill_conn_seq_in(const struct drill_conn *c, const struct drill_packet *k) {
  if (k->is_absolute || (k->flags & TCT_SYN))
    return k->seq;
  return k->seq + c->isn_remote;
}

uint32_t drill_conn_ack_in(const struct drill_conn *c, const struct drill_packet *k, uint32_t ack) {
  if (k->is_absolute)
    return ack;
  return ack + c->isn_live - (k->flags & TCT_SYN ? c->isn_script : 0);
}

uint32_t drill_conn_seq_out(const struct drill_conn *c, const struct drill_frame *f) {
  if (!c)
    return f->seq;
  return f->seq - c->isn_live + (f->flags & TCT_SYN ? c->isn_script : 0);
}

uint32_t drill_conn_ack_out(const struct drill_conn *c, const struct drill_frame *f, uint32_t ack) {
  if (!c || (f->flags & TCT_SYN))
    return ack;
  return ack - c->isn_remote;
}
