/* SPDX-License-Identifier: MIT */
/*
 * check_stack.c - whole stacks: I3 and I24 (a damaged frame, an ICMP error about nothing that is in
 * flight: nothing changes), I16 for ICMP, I18 memory, I19 timers, I25 datagrams, I28 counters.
 * Cheap things after each step, walks over everything (sim_stack_sweep) every SWEEP_EVERY steps and
 * when a phase ends. RFC 9293 3.1, RFC 5927 4, RFC 1122 3.2.2.
 */
#include <stdlib.h>

#include "sim/check_conn.h"
#include "sim/check_wire.h"
#include "sim/hash.h"
#include "util/mem.h"

enum { SWEEP_EVERY = 4096, TIME_WAIT_ROOM = 65536, ICMP4 = 1, TCP = 6, ICMP6 = 58 };

#define ASK(h, i) sim_check_asks((h)->check, TCT_SIM_I##i)
#define WRONG(h, i, ...) sim_check_wrong(h, TCT_SIM_I##i, __VA_ARGS__)

static unsigned get16(const uint8_t *p) {
  return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p) {
  return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* ---- ICMP errors, in and out ---- */

static tct_addr address4(const uint8_t *p) {
  return tct_addr_ipv4(p[0], p[1], p[2], p[3]);
}

static tct_addr address6(const uint8_t *p) {
  tct_addr a = {{0}};
  memcpy(a.b, p, 16);
  return a;
}

/* The packet that an ICMP error quotes, and how much of it is there; NULL: it is no such error. */
static const uint8_t *quote_of(const uint8_t *p, uint32_t len, uint32_t *have) {
  bool v4 = len > 0 && p[0] >> 4 == 4;
  uint32_t at = v4 ? (uint32_t)(p[0] & 15) * 4 : 40;
  if (len < at + 8 + (v4 ? 20 : 40))
    return NULL;
  if (v4 ? p[9] != ICMP4 || (get16(p + 6) & 0x1fff) != 0 : p[6] != ICMP6)
    return NULL;
  if (v4 ? p[at] != 3 && p[at] != 4 && p[at] != 5 && p[at] != 11 && p[at] != 12 : p[at] >= 128)
    return NULL;
  *have = len - at - 8;
  return p + at + 8;
}

/* The end of a connection that a quoted TCP packet left, NULL if none is known. */
static struct sim_wire *wire_of_quote(struct sim_check_host *h, const uint8_t *q, uint32_t have,
                                      uint32_t *seq) {
  bool v4 = q[0] >> 4 == 4;
  uint32_t at = v4 ? (uint32_t)(q[0] & 15) * 4 : 40;
  tct_addr src, dst;
  if (have < at + 8 || q[v4 ? 9 : 6] != TCP)
    return NULL;
  src = v4 ? address4(q + 12) : address6(q + 8);
  dst = v4 ? address4(q + 16) : address6(q + 24);
  *seq = get32(q + at + 4);
  return sim_wire_find(h, &src, &dst, (uint16_t)get16(q + at), (uint16_t)get16(q + at + 2));
}

static bool is_in_flight(const struct sim_check_host *h, const struct sim_wire *w, uint32_t seq) {
  struct tct_probe_conn p;
  if (tct_stack_probe_conn(h->stack, w->sock, &p))
    return tct_seq_between(p.una, seq, p.nxt) && seq != p.nxt;
  return w->syn_sent; /* a half-open record: check_wire knows no better */
}

/* I16: no error about an error, about a later fragment. */
static void judge_error(struct sim_check_host *h, const tct_sim_frame *f) {
  uint32_t have, inner;
  const uint8_t *q = quote_of(f->bytes, f->len, &have);
  bool v4;
  if (q == NULL || !ASK(h, 16))
    return;
  v4 = q[0] >> 4 == 4;
  if (quote_of(q, have, &inner) != NULL)
    WRONG(h, 16, "an ICMP error about an ICMP error");
  if (v4 && (get16(q + 6) & 0x1fff) != 0)
    WRONG(h, 16, "an ICMP error about a fragment that is not the first");
}

void sim_stack_sent(struct sim_check_host *h, const tct_sim_frame *f) {
  if (!f->is_tcp)
    judge_error(h, f);
  sim_numbers_sent(h, f);
}

/* ---- I3, I24: what must change nothing ---- */

struct still { /* a frame that nothing may follow from */
  tct_sim_invariant id;
  const char *what;
  tct_sock sock;
  tct_addr to; /* its path's MTU must stay, too; all zero: never mind */
};

static tct_sock sock_of_damaged(struct sim_check_host *h, const tct_sim_frame *f) {
  tct_seg g;
  const uint8_t *payload;
  if (!tct_sim_seg_parse(f->bytes, f->len, &g, &payload))
    return (tct_sock){0, 0};
  return sim_wire_find(h, &g.dst, &g.src, g.dport, g.sport)->sock;
}

static bool is_still(struct sim_check_host *h, const tct_sim_frame *f, struct still *s) {
  uint32_t have, seq = 0;
  const uint8_t *q;
  struct sim_wire *w;
  if (f->harmed && sim_form_is_damaged(f->bytes, f->len)) {
    *s = (struct still){TCT_SIM_I3, "a damaged frame", sock_of_damaged(h, f), {{0}}};
    return true;
  }
  q = f->is_tcp ? NULL : quote_of(f->bytes, f->len, &have);
  if (q == NULL)
    return false;
  w = wire_of_quote(h, q, have, &seq);
  if (w == NULL || is_in_flight(h, w, seq))
    return false;
  *s = (struct still){TCT_SIM_I24, "an ICMP error about nothing in flight", w->sock, w->remote};
  return true;
}

static uint32_t pmtu_of(struct sim_check_host *h, const struct still *s) {
  return s->id == TCT_SIM_I24 ? tct_stack_probe_pmtu(h->stack, s->to) : 0;
}

/* I26: what one call cost, in list steps, for each frame that it was given. */
static void give(struct sim_check_host *h, tct_frame *f, unsigned n, tct_time now) {
  uint64_t before = tct_stack_probe_steps(), steps;
  if (n == 0)
    return;
  tct_input(h->stack, tct_sim_host_if(h->host), f, n, now);
  steps = tct_stack_probe_steps() - before;
  if (steps / n > h->check->steps_max)
    h->check->steps_max = steps / n;
  if (ASK(h, 26) && steps > n * h->check->steps_limit)
    WRONG(h, 26, "%llu list steps for %u frames", (unsigned long long)steps, n);
}

static void input_still(struct sim_check_host *h, tct_frame *f, tct_time now,
                        const struct still *s) {
  uint32_t pmtu;
  uint64_t hash;
  (void)tct_output(h->stack, tct_sim_host_if(h->host), f, 0, now); /* takes back what it lent */
  pmtu = pmtu_of(h, s);
  hash = tct_stack_probe_hash(h->stack, s->sock);
  give(h, f, 1, now);
  if (!sim_check_asks(h->check, s->id))
    return;
  if (tct_stack_probe_hash(h->stack, s->sock) != hash || pmtu_of(h, s) != pmtu)
    sim_check_wrong(h, s->id, "%s (%s) has changed something", s->what,
                    tct_verdict_name((tct_verdict)f->verdict));
}

/* What an ICMP error made of the path: never below the floor, never above the link. */
static void judge_pmtu(struct sim_check_host *h, const tct_sim_frame *f) {
  uint32_t have, pmtu, floor, seq = 0;
  const uint8_t *q = f->is_tcp ? NULL : quote_of(f->bytes, f->len, &have);
  struct sim_wire *w = q != NULL ? wire_of_quote(h, q, have, &seq) : NULL;
  if (w == NULL || !ASK(h, 24))
    return;
  pmtu = tct_stack_probe_pmtu(h->stack, w->remote);
  floor = tct_min_u32(tct_addr_is_ipv4(w->remote) ? 552 : 1280, h->config.mtu);
  if (pmtu != 0 && (pmtu < floor || pmtu > h->config.mtu))
    WRONG(h, 24, "the path's MTU is %u after an ICMP error (link: %u)", (unsigned)pmtu,
          (unsigned)h->config.mtu);
}

/* Frames go in one by one only where one has to be watched; no frame tells how they were given. */
void sim_check_input(struct sim_node *n, struct sim_packet *const *p, tct_frame *f, unsigned count,
                     tct_time now) {
  struct sim_check_host *h = n->check;
  unsigned given = 0;
  struct still s;
  h->frames_in += count;
  for (unsigned i = 0; i < count; i++) {
    if ((p[i]->frame.is_tcp && !p[i]->frame.harmed) || !is_still(h, &p[i]->frame, &s))
      continue;
    give(h, f + given, i - given, now);
    input_still(h, f + i, now, &s);
    given = i + 1;
  }
  give(h, f + given, count - given, now);
  for (unsigned i = 0; i < count; i++) {
    if (p[i]->frame.injected && f[i].verdict == TCT_ACCEPTED)
      sim_stream_forged(h, f[i].sock);
    if (!p[i]->frame.is_tcp)
      judge_pmtu(h, &p[i]->frame);
  }
}

/* ---- I25: datagrams ---- */

void sim_stack_dgram(struct sim_check_host *h, bool sent, const void *bytes, size_t len) {
  uint64_t hash = sim_hash(len, bytes, len);
  size_t at = SIZE_MAX;
  if (sent) {
    sim_table_add(&h->check->dgrams, hash, h->check);
    return;
  }
  if (ASK(h, 25) && sim_table_next(&h->check->dgrams, hash, &at) == NULL)
    WRONG(h, 25, "a datagram of %zu octets that nobody has sent", len);
}

void sim_stack_free(struct tct_sim_check *k) {
  sim_table_free(&k->dgrams, NULL);
}

/* ---- I18, I19, I28 ---- */

static void judge_memory(struct sim_check_host *h, const struct tct_probe_stack *p) {
  const tct_limits *most = &h->resolved.limits;
  if (!ASK(h, 18))
    return;
  if (p->buffer_bytes > most->buffer_bytes)
    WRONG(h, 18, "%llu octets of buffers", (unsigned long long)p->buffer_bytes);
  if (p->conns > most->conns || p->half_open > most->half_open || p->time_wait > most->time_wait)
    WRONG(h, 18, "%u sockets, %u half-open, %u in TIME-WAIT", p->conns, p->half_open, p->time_wait);
  if (ASK(h, 25) && p->reasm_bytes > most->reasm_bytes)
    WRONG(h, 25, "%llu octets of fragments", (unsigned long long)p->reasm_bytes);
  if (ASK(h, 25) && p->reasm_overlaps > 0)
    WRONG(h, 25, "%u fragments lie over others", p->reasm_overlaps);
  if (p->reply_bytes > most->reply_bytes)
    WRONG(h, 18, "%llu octets of answers wait", (unsigned long long)p->reply_bytes);
  if (p->memory_bytes > tct_sim_host_memory(h->host))
    WRONG(h, 18, "the stack counts %llu octets, and has been given %zu",
          (unsigned long long)p->memory_bytes, tct_sim_host_memory(h->host));
}

static void judge_wheel(struct sim_check_host *h, const struct tct_probe_stack *p) {
  if (ASK(h, 19) && (p->wheel_nodes != p->conns_armed || p->wheel_nodes > p->conns))
    WRONG(h, 19, "%u timers are armed, %u of them of the %u sockets", p->wheel_nodes,
          p->conns_armed, p->conns);
}

/* Each frame that came has one verdict; each segment sent was counted once. */
static void judge_counters(struct sim_check_host *h) {
  tct_counters n;
  uint64_t verdicts = 0;
  if (!ASK(h, 28))
    return;
  tct_stack_counters(h->stack, &n);
  for (int v = 0; v < TCT_VERDICT_COUNT; v++)
    verdicts += tct_verdict_count(h->stack, (tct_verdict)v);
  if (n.InReceives != h->frames_in)
    WRONG(h, 28, "InReceives is %llu, and %llu frames came", (unsigned long long)n.InReceives,
          (unsigned long long)h->frames_in);
  if (verdicts < h->frames_in)
    WRONG(h, 28, "%llu verdicts on %llu frames", (unsigned long long)verdicts,
          (unsigned long long)h->frames_in);
  if (n.OutSegs != h->tcp_out)
    WRONG(h, 28, "OutSegs is %llu, and %llu segments left", (unsigned long long)n.OutSegs,
          (unsigned long long)h->tcp_out);
  if (n.OutRsts != h->rst_out)
    WRONG(h, 28, "OutRsts is %llu, and %llu resets left", (unsigned long long)n.OutRsts,
          (unsigned long long)h->rst_out);
}

/* RFC 9293 3.6.1: TIME-WAIT is cut short for want of room only. */
static void judge_time_wait(struct sim_check_host *h) {
  tct_counters n;
  bool room = h->resolved.limits.time_wait >= TIME_WAIT_ROOM &&
              tct_sim_fault_count(h->check->w, TCT_SIM_FAULT_ALLOC_FAILURE) == 0;
  if (!room || !ASK(h, 6))
    return;
  tct_stack_counters(h->stack, &n);
  if (n.TCPTimeWaitOverflow != 0)
    WRONG(h, 6, "TIME-WAIT was cut short %llu times, and there is room for %u",
          (unsigned long long)n.TCPTimeWaitOverflow, h->resolved.limits.time_wait);
}

void sim_stack_sweep(struct sim_check_host *h) {
  struct tct_probe_stack p;
  if (h->stack == NULL)
    return;
  tct_stack_probe(h->stack, &p);
  tct_config_get(h->stack, &h->resolved);
  judge_memory(h, &p);
  judge_wheel(h, &p);
  judge_counters(h);
  judge_time_wait(h);
  sim_conn_sweep(h);
}

void sim_stack_step(struct sim_check_host *h) {
  if (++h->steps % SWEEP_EVERY == 0)
    sim_stack_sweep(h);
}

/* All is closed: what is left are listeners. */
void sim_stack_end(struct sim_check_host *h) {
  struct tct_probe_stack p;
  tct_counters n;
  tct_stack_probe(h->stack, &p);
  tct_stack_counters(h->stack, &n);
  if (ASK(h, 18) && (p.buffer_bytes != 0 || p.reasm_bytes != 0 || p.reply_bytes != 0 ||
                     p.half_open != 0 || p.time_wait != 0))
    WRONG(h, 18, "left over: %llu octets of buffers, %llu of fragments, %u half-open, %u TIME-WAIT",
          (unsigned long long)p.buffer_bytes, (unsigned long long)p.reasm_bytes, p.half_open,
          p.time_wait);
  if (ASK(h, 18) && p.memory_bytes != n.MemoryBytesNow)
    WRONG(h, 18, "%llu octets counted", (unsigned long long)n.MemoryBytesNow);
  if (ASK(h, 19) && p.wheel_nodes != 0)
    WRONG(h, 19, "%u timers are still armed", p.wheel_nodes);
  if (ASK(h, 20) && (p.tuples != 0 || p.bound > p.conns || n.CurrEstab != 0 || n.OrphansNow != 0))
    WRONG(h, 20, "%u tuples, %u ports of %u sockets, %llu established, %llu orphans", p.tuples,
          p.bound, p.conns, (unsigned long long)n.CurrEstab, (unsigned long long)n.OrphansNow);
}
