/* SPDX-License-Identifier: MIT */
/*
 * tcp_ask.c - listeners with policy ASK: a SYN is held, the application is told, and its word
 * decides. Called by tcp_listen (segments) and sock/ (tct_syn_next, tct_syn_answer). A gateway uses
 * the time to try the far side.
 *
 * A SYN is held for 5 s, and anew from each repetition: a live peer repeats after 1, 2 and 4 s and
 * so keeps its place for 12 s at least, a forged one loses it soon. What is forgotten asks again
 * with the peer's next SYN. limits.held bounds all listeners together.
 */
#include "tcp/tcp_listen.h"

#define HELD_NS TCT_S(5)
#define ASKED_FROM 16u

/* ---- Whom the application was not told of yet: a ring of handles ----------------------------- */

static void drop_stale(tct_stack *s, struct tct_listener *li) {
  while (li->asked_n > 0 && tct_tcp_syncache_at(s, li->asked[li->asked_head]) == NULL) {
    li->asked_head = (li->asked_head + 1) & (li->asked_cap - 1);
    li->asked_n--;
  }
}

static bool grow(tct_stack *s, struct tct_listener *li) {
  uint32_t cap = li->asked_cap == 0 ? ASKED_FROM : 2 * li->asked_cap;
  if (li->asked_n >= s->cfg.limits.held)
    return false;
  tct_syn *at = tct_stack_alloc(s, cap * sizeof *at);
  if (at == NULL)
    return false;
  for (uint32_t i = 0; i < li->asked_n; i++)
    at[i] = li->asked[(li->asked_head + i) & (li->asked_cap - 1)];
  tct_tcp_ask_free(s, li);
  li->asked = at;
  li->asked_cap = cap;
  li->asked_head = 0;
  return true;
}

/* Those that nobody asked for any more make room first. */
static bool push(tct_stack *s, struct tct_listener *li, tct_syn y) {
  if (li->asked_n == li->asked_cap)
    drop_stale(s, li);
  if (li->asked_n == li->asked_cap && !grow(s, li))
    return false;
  li->asked[(li->asked_head + li->asked_n) & (li->asked_cap - 1)] = y;
  li->asked_n++;
  return true;
}

void tct_tcp_ask_free(tct_stack *s, struct tct_listener *li) {
  tct_stack_free(s, li->asked, li->asked_cap * sizeof *li->asked);
  li->asked = NULL;
  li->asked_cap = 0;
}

/* ---- Segments -------------------------------------------------------------------------------- */

static tct_verdict refuse(tct_stack *s, tct_verdict v) {
  s->n.ListenDrops++;
  return v;
}

tct_verdict tct_tcp_ask_hold(tct_stack *s, const struct tct_listen_syn *y) {
  struct tct_listener *li = y->l->listener;
  struct tct_half_open *r = NULL;
  if (s->tcp->syn->held < s->cfg.limits.held)
    r = tct_tcp_syncache_insert(s, y->t);
  if (r == NULL)
    return refuse(s, TCT_DROP_SYN_LIMIT);
  if (!push(s, li, tct_tcp_syncache_handle(s, r))) {
    tct_tcp_syncache_remove(s, r);
    return refuse(s, TCT_DROP_NO_MEMORY);
  }
  if (y->reopens)
    tct_tcp_timewait_park(s, y->t);
  tct_tcp_listen_fill_record(s, y, r);
  tct_half_set_phase(r, TCT_HALF_HELD);
  li->held_n++;
  s->tcp->syn->held++;
  s->n.HeldNow++;
  tct_tcp_syncache_set_due(s, r, tct_time_add(s->now, HELD_NS));
  tct_sock_event_post(s, y->l, TCT_EV_SYN);
  return TCT_ACCEPTED;
}

/* A held SYN again, or what does not belong to it: we have said nothing yet, so nothing can answer
 * us. */
tct_verdict tct_tcp_ask_input(tct_stack *s, struct tct_half_open *r,
                              const struct tct_listen_syn *y) {
  const struct tct_tcp_hdr *h = y->h;
  if ((h->flags & TCT_RST) != 0) {
    if (h->seq != r->irs && h->seq != tct_seq_add(r->irs, 1))
      return TCT_DROP_RST_OUTSIDE_WINDOW;
    tct_tcp_listen_forget(s, r, TCT_LISTEN, TCT_WHY_RESET);
    return TCT_ACCEPTED;
  }
  if ((h->flags & TCT_ACK) != 0) {
    tct_tcp_output_reset(s, y->p, h, TCT_WHY_RST_LISTEN);
    return TCT_DROP_TCP_LISTEN_ACK;
  }
  if ((h->flags & TCT_SYN) == 0)
    return TCT_DROP_TCP_LISTEN_FLAGS;
  if (h->seq != r->irs) { /* the peer began anew: the question is the same, the numbers are these */
    struct tct_listen_syn again = *y;
    again.iss = r->iss;
    again.reopens = false;
    tct_tcp_listen_fill_record(s, &again, r);
  }
  tct_tcp_syncache_set_due(s, r, tct_time_add(s->now, HELD_NS));
  return TCT_DROP_SYN_HELD;
}

/* ---- The application's side ------------------------------------------------------------------ */

bool tct_tcp_ask_has(tct_stack *s, struct tct_tcp *l) {
  drop_stale(s, l->listener);
  return l->listener->asked_n > 0;
}

bool tct_tcp_ask_next(tct_stack *s, struct tct_tcp *l, tct_syn_info *info) {
  struct tct_listener *li = l->listener;
  if (!tct_tcp_ask_has(s, l))
    return false;
  tct_syn y = li->asked[li->asked_head];
  li->asked_head = (li->asked_head + 1) & (li->asked_cap - 1);
  li->asked_n--;
  const struct tct_half_open *r = tct_tcp_syncache_at(s, y);
  tct_if ifc = tct_stack_if_handle(s, r->ifi);
  *info = (tct_syn_info){y, {r->key.laddr, r->key.lport, ifc}, {r->key.raddr, r->key.rport, ifc}};
  return true;
}

static void send_refusal(tct_stack *s, const struct tct_half_open *r) {
  struct tct_tcp_reply a;
  memset(&a, 0, sizeof a);
  a.key = r->key;
  a.ifi = r->ifi;
  a.h.ack = tct_seq_add(r->irs, 1);
  a.h.flags = TCT_RST | TCT_ACK;
  a.why = TCT_WHY_RST_REFUSED;
  (void)tct_tcp_output_reply(s, &a);
}

/* The SYN's frame is gone; an error quotes its headers as the record remembers them: addresses,
 * ports and number are what the peer looks for. */
static void send_unreachable(tct_stack *s, const struct tct_half_open *r, unsigned code) {
  uint8_t b[TCT_IP_EMIT_MAX + TCT_TCP_HEADER_MAX];
  bool ipv4 = tct_addr_is_ipv4(r->key.raddr);
  struct tct_tcp_hdr h = {
      .sport = r->key.rport, .dport = r->key.lport, .seq = r->irs, .flags = TCT_SYN};
  struct tct_pkt p;
  memset(&p, 0, sizeof p);
  p.ip.src = r->key.raddr;
  p.ip.dst = r->key.laddr;
  p.ip.family = ipv4 ? 4 : 6;
  p.ip.proto = TCT_IPPROTO_TCP;
  p.ip.hop_limit = 1;
  p.ip.payload_len = TCT_TCP_HEADER_LEN;
  p.ip.header_len = (uint16_t)tct_wire_ip_emit(b, &p.ip);
  (void)tct_wire_tcp_emit(b + p.ip.header_len, &h, TCT_TCP_OPT_STRICT);
  tct_wire_tcp_finish(b + p.ip.header_len, &p.ip.src, &p.ip.dst, NULL, 0);
  p.ip.payload = p.l4 = b + p.ip.header_len;
  p.ip.payload_have = TCT_TCP_HEADER_LEN;
  p.l4_have = p.l4_len = TCT_TCP_HEADER_LEN;
  p.ifi = r->ifi;
  tct_iov piece = {b, (size_t)p.ip.header_len + TCT_TCP_HEADER_LEN};
  p.iov = &piece;
  p.n_iov = 1;
  struct tct_ip_problem what = {.type = ipv4 ? 3 : 1, .code = (uint8_t)code, .report = true};
  tct_icmp_send_error(s, &p, what);
}

int tct_tcp_ask_answer(tct_stack *s, tct_syn y, tct_syn_word word, unsigned icmp_code) {
  struct tct_half_open *r = tct_tcp_syncache_at(s, y);
  if (r == NULL || tct_half_phase(r) != TCT_HALF_HELD)
    return TCT_ENOENT;
  if (word > TCT_SYN_DROP || (word == TCT_SYN_UNREACH && icmp_code > 255))
    return TCT_EINVAL;
  struct tct_tcp *l = tct_slab_at(&s->tcp->conns, r->listener);
  if (word == TCT_SYN_ACCEPT) {
    l->listener->held_n--;
    s->tcp->syn->held--;
    s->n.HeldNow--;
    tct_tcp_listen_answer(s, l, r, NULL);
    return TCT_OK;
  }
  if (word == TCT_SYN_RESET)
    send_refusal(s, r);
  if (word == TCT_SYN_UNREACH)
    send_unreachable(s, r, icmp_code);
  tct_tcp_listen_forget(s, r, TCT_LISTEN, TCT_WHY_RST_REFUSED);
  return TCT_OK;
}
