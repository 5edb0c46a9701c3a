/* SPDX-License-Identifier: MIT */
/*
 * A middlebox: passes everything on at once, and does to TCP what its faults say. Called by link.c
 * with what arrives at its two ends. It learns flows from their SYNs: what it did to a SYN it does
 * to the flow for ever, healed or not, as a real one must. RFC 3360, RFC 6056 (why real ones shift
 * sequence numbers), RFC 3449 (ACKs thinned), RFC 9293 section 3.8.3.
 */
#include <stdlib.h>

#include "sim/fault.h"
#include "sim/rewrite.h"
#include "util/mem.h"
#include "util/seq.h"
#include "util/siphash.h"
#include "wire/bytes.h"
#include "wire/icmp.h"
#include "wire/tcp_opt.h"

enum { SEQ_AT = 4, ACK_AT = 8, FLAGS_AT = 13, WINDOW_AT = 14, OPTIONS_AT = 20 };

struct flow {
  struct flow *next;
  tct_addr addr[2]; /* of the ends on side 0 and 1 */
  uint16_t port[2];
  uint32_t shift[2]; /* added to sequence numbers that come from that side */
  uint32_t last_ack[2];
  bool saw_ack[2];
  bool sack_left; /* the shift forgets SACK */
  uint32_t strip; /* options that its SYNs lose, by mask */
};

struct side {
  struct sim_node node;
  struct tct_sim_box *box;
  unsigned number;
};

struct tct_sim_box {
  struct sim_node node; /* no link: for the world to free */
  struct side *side[2];
  struct flow **buckets;
  uint32_t n_flows, n_buckets;
  struct sim_slot *slots;
};

/* A segment on its way through. */
struct through {
  struct tct_sim_box *box;
  struct sim_packet *p;
  unsigned from;
  struct sim_view v;
  struct flow *flow; /* NULL: its SYN was never seen */
  tct_seg seg;
};

/* ---- Flows ---- */

static uint32_t hash_flow(const tct_addr addr[2], const uint16_t port[2]) {
  static const uint64_t key[2] = {3, 4};
  uint8_t bytes[36];
  memcpy(bytes, addr[0].b, 16);
  memcpy(bytes + 16, addr[1].b, 16);
  tct_bytes_put16(bytes + 32, port[0]);
  tct_bytes_put16(bytes + 34, port[1]);
  return (uint32_t)tct_siphash13(key, bytes, sizeof bytes);
}

static void ends_of(const struct through *t, tct_addr addr[2], uint16_t port[2]) {
  addr[t->from] = t->seg.src;
  addr[!t->from] = t->seg.dst;
  port[t->from] = t->seg.sport;
  port[!t->from] = t->seg.dport;
}

static struct flow *find_flow(const struct tct_sim_box *b, const tct_addr addr[2],
                              const uint16_t port[2]) {
  struct flow *f = b->n_buckets ? b->buckets[hash_flow(addr, port) % b->n_buckets] : NULL;
  while (f != NULL && (f->port[0] != port[0] || f->port[1] != port[1] ||
                       memcmp(f->addr, addr, sizeof f->addr) != 0))
    f = f->next;
  return f;
}

static void grow(struct tct_sim_box *b) {
  uint32_t n = b->n_buckets ? b->n_buckets * 2 : 64;
  struct flow **to = sim_world_alloc(n * sizeof(struct flow *));
  memset(to, 0, n * sizeof(struct flow *));
  for (uint32_t i = 0; i < b->n_buckets; i++)
    for (struct flow *f = b->buckets[i], *next; f != NULL; f = next) {
      struct flow **head = &to[hash_flow(f->addr, f->port) % n];
      next = f->next;
      f->next = *head;
      *head = f;
    }
  free(b->buckets);
  b->buckets = to;
  b->n_buckets = n;
}

static struct flow *add_flow(struct tct_sim_box *b, const tct_addr addr[2],
                             const uint16_t port[2]) {
  struct flow *f = sim_world_alloc(sizeof *f), **head;
  if (b->n_flows >= b->n_buckets)
    grow(b);
  memset(f, 0, sizeof *f);
  memcpy(f->addr, addr, sizeof f->addr);
  memcpy(f->port, port, sizeof f->port);
  head = &b->buckets[hash_flow(addr, port) % b->n_buckets];
  f->next = *head;
  *head = f;
  b->n_flows++;
  return f;
}

/* ---- A new flow: what is to become of it ---- */

static struct sim_slot *striking(struct tct_sim_box *b, tct_sim_fault_kind kind) {
  for (struct sim_slot *s = b->slots; s != NULL; s = s->next)
    if (s->what.kind == kind && sim_fault_strikes(s))
      return s;
  return NULL;
}

/* Once for each pair of ends: a forged SYN must not undo what the live connection relies on. */
static void decide_flow(struct tct_sim_box *b, struct flow *f) {
  struct sim_slot *shift = striking(b, TCT_SIM_FAULT_SEQ_SHIFT);
  struct sim_slot *strip = striking(b, TCT_SIM_FAULT_OPTION_STRIP);
  if (shift != NULL) {
    f->shift[0] = sim_fault_below(shift, UINT32_MAX);
    f->shift[1] = sim_fault_below(shift, UINT32_MAX);
    f->sack_left = shift->what.b != 0;
    sim_fault_count_up(shift, NULL);
  }
  if (strip != NULL)
    f->strip = strip->what.a ? (uint32_t)strip->what.a : UINT32_MAX;
}

/* ---- Options ---- */

static uint32_t bit_of(uint8_t kind) {
  switch (kind) {
  case TCT_TOPT_MSS:
    return TCT_SIM_STRIP_MSS;
  case TCT_TOPT_WSCALE:
    return TCT_SIM_STRIP_WSCALE;
  case TCT_TOPT_SACKOK:
  case TCT_TOPT_SACK:
    return TCT_SIM_STRIP_SACK;
  case TCT_TOPT_TS:
    return TCT_SIM_STRIP_TS;
  case TCT_TOPT_TFO:
  case TCT_TOPT_EXPERIMENT:
    return TCT_SIM_STRIP_TFO;
  case TCT_TOPT_ACCECN0:
  case TCT_TOPT_ACCECN1:
    return TCT_SIM_STRIP_ACCECN;
  default:
    return TCT_SIM_STRIP_OTHER;
  }
}

/* The next option at or after *at: its place, and its length in *len; 0: no more. */
static uint32_t next_option(const struct sim_view *v, uint32_t *at, uint32_t *len) {
  uint32_t end = tct_min_u32((uint32_t)(v->upper[12] >> 4) * 4, v->upper_len);
  while (*at < end && v->upper[*at] == TCT_TOPT_NOP)
    ++*at;
  if (*at + 1 >= end || v->upper[*at] == TCT_TOPT_END)
    return 0;
  *len = v->upper[*at + 1];
  return *len < 2 || *at + *len > end ? 0 : *at;
}

static bool strip_options(struct sim_view *v, uint32_t mask) {
  static const uint8_t nops[40] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  uint32_t at = OPTIONS_AT, len;
  bool any = false;
  while (next_option(v, &at, &len) != 0) {
    if ((mask & bit_of(v->upper[at])) != 0) {
      sim_rewrite_upper(v, at, nops, tct_min_u32(len, sizeof nops));
      any = true;
    }
    at += len;
  }
  return any;
}

static void do_strip(struct through *t) {
  bool is_syn = (t->seg.flags & TCT_SYN) != 0;
  if (is_syn && t->flow != NULL && t->flow->strip != 0 && strip_options(&t->v, t->flow->strip))
    tct_sim_fault_note(t->box->node.world, TCT_SIM_FAULT_OPTION_STRIP);
  for (struct sim_slot *s = t->box->slots; s != NULL && !is_syn; s = s->next)
    if (s->what.kind == TCT_SIM_FAULT_OPTION_STRIP && s->what.b != 0 && sim_fault_strikes(s) &&
        strip_options(&t->v, s->what.a ? (uint32_t)s->what.a : UINT32_MAX))
      sim_fault_count_up(s, NULL);
}

/* ---- Sequence numbers ---- */

static void shift_sack(struct sim_view *v, uint32_t shift) {
  uint32_t at = OPTIONS_AT, len;
  while (next_option(v, &at, &len) != 0) {
    for (uint32_t i = 2; v->upper[at] == TCT_TOPT_SACK && i + 4 <= len; i += 4)
      sim_rewrite_upper32(v, at + i, tct_seq_sub(tct_bytes_get32(v->upper + at + i), shift));
    at += len;
  }
}

static void do_shift(struct through *t) {
  const struct flow *f = t->flow;
  uint32_t mine, other;
  if (f == NULL || (f->shift[0] == 0 && f->shift[1] == 0))
    return;
  mine = f->shift[t->from];
  other = f->shift[!t->from];
  sim_rewrite_upper32(&t->v, SEQ_AT, tct_seq_add(t->seg.seq, mine));
  if ((t->seg.flags & TCT_ACK) == 0)
    return;
  sim_rewrite_upper32(&t->v, ACK_AT, tct_seq_sub(tct_bytes_get32(t->v.upper + ACK_AT), other));
  if (!f->sack_left)
    shift_sack(&t->v, other);
}

/* An error's quote is put as the sender of the quoted segment knows it. */
static void shift_quote(struct through *t) {
  uint32_t seq_at = TCT_ICMP_HEADER_LEN + (t->v.ip.family == 4 ? 20u : 40u) + SEQ_AT;
  struct tct_icmp_hdr h;
  struct tct_icmp_quote q;
  tct_addr addr[2];
  uint16_t port[2];
  const struct flow *f;
  if (tct_wire_icmp_parse(t->v.ip.family, t->v.upper, t->v.upper_len, &h) != TCT_ACCEPTED ||
      !tct_icmp_kind_is_error(h.kind) ||
      !tct_wire_icmp_parse_quote(t->v.ip.family, h.body, h.body_len, &q) || !q.has_seq ||
      seq_at + 4 > t->v.upper_len)
    return;
  addr[t->from] = q.dst;
  addr[!t->from] = q.src;
  port[t->from] = q.dport;
  port[!t->from] = q.sport;
  f = find_flow(t->box, addr, port);
  if (f != NULL && q.proto == TCT_IPPROTO_TCP)
    sim_rewrite_upper32(&t->v, seq_at, tct_seq_sub(q.seq, f->shift[!t->from]));
}

/* ---- Windows, ECN ---- */

static void do_window(struct through *t) {
  struct sim_slot *s = striking(t->box, TCT_SIM_FAULT_WINDOW_CHANGE);
  uint32_t most = s != NULL && s->what.a != 0 ? (uint32_t)s->what.a : 1000;
  if (s == NULL || t->seg.window_raw <= most)
    return;
  sim_rewrite_upper16(&t->v, WINDOW_AT, (uint16_t)most);
  sim_fault_count_up(s, NULL);
}

static void do_bleach(struct through *t, bool is_tcp) {
  struct sim_slot *s = striking(t->box, TCT_SIM_FAULT_ECN_BLEACH);
  uint64_t where = s != NULL && s->what.a != 0 ? s->what.a : 1;
  bool any = false;
  if (s == NULL)
    return;
  if ((where & 1) != 0 && (t->v.ip.tclass & 3) != 0) {
    sim_rewrite_ecn(&t->v, 0);
    any = true;
  }
  if (is_tcp && (where & 2) != 0 && (t->v.upper[12] & 1 || t->v.upper[13] & (TCT_ECE | TCT_CWR))) {
    const uint8_t bits[2] = {(uint8_t)(t->v.upper[12] & 0xfe),
                             (uint8_t)(t->v.upper[13] & ~(TCT_ECE | TCT_CWR))};
    sim_rewrite_upper(&t->v, 12, bits, sizeof bits);
    any = true;
  }
  if (any)
    sim_fault_count_up(s, NULL);
}

/* ---- ACKs ---- */

static void send_on(const struct through *t) {
  sim_link_send_bytes(&t->box->side[!t->from]->node, t->p->bytes, t->p->frame.len, t->p->frame.why);
}

/* By how much a pure ACK without news of gaps moves on; 0: it is none. */
static uint32_t progress(struct through *t) {
  struct flow *f = t->flow;
  unsigned flags = t->seg.flags & (TCT_SYN | TCT_FIN | TCT_RST | TCT_ACK | TCT_URG);
  uint32_t by = 0;
  if (f == NULL || (t->seg.flags & TCT_ACK) == 0)
    return 0;
  if (f->saw_ack[t->from])
    by = tct_seq_ahead(f->last_ack[t->from], t->seg.ack);
  if (by != 0 || !f->saw_ack[t->from])
    f->last_ack[t->from] = t->seg.ack;
  f->saw_ack[t->from] = true;
  return flags == TCT_ACK && t->seg.len == 0 && t->seg.n_sack == 0 ? by : 0;
}

static bool is_thinned(struct through *t) {
  for (struct sim_slot *s = t->box->slots; s != NULL; s = s->next) {
    uint64_t one_in = s->what.a ? s->what.a : 2;
    if (s->what.kind != TCT_SIM_FAULT_ACK_THIN || !sim_fault_strikes(s) || s->seen++ % one_in == 0)
      continue;
    sim_fault_count_up(s, NULL);
    return true;
  }
  return false;
}

/* Sends all but the last of the ACKs that one becomes; numbers are shifted already. */
static void divide(struct through *t, uint32_t by) {
  struct sim_slot *s = striking(t->box, TCT_SIM_FAULT_ACK_DIVIDE);
  uint32_t parts = s != NULL && s->what.a != 0 ? (uint32_t)s->what.a : 4;
  uint32_t last = tct_bytes_get32(t->v.upper + ACK_AT);
  if (s == NULL)
    return;
  parts = tct_min_u32(parts, by);
  for (uint32_t i = 1; i < parts; i++) {
    uint32_t left = (uint32_t)((uint64_t)by * (parts - i) / parts);
    sim_rewrite_upper32(&t->v, ACK_AT, tct_seq_sub(last, left));
    send_on(t);
  }
  sim_rewrite_upper32(&t->v, ACK_AT, last);
  if (parts > 1)
    sim_fault_count_up(s, NULL);
}

/* ---- Through ---- */

static bool is_whole_tcp(const struct through *t) {
  const uint8_t *payload;
  tct_seg seg;
  return t->v.ip.proto == TCT_IPPROTO_TCP && t->v.upper_len >= OPTIONS_AT &&
         tct_sim_seg_parse(t->p->bytes, t->p->frame.len, &seg, &payload);
}

/* False: it goes no further. */
static bool handle_tcp(struct through *t) {
  tct_addr addr[2];
  uint16_t port[2];
  const uint8_t *payload;
  uint32_t by;
  (void)tct_sim_seg_parse(t->p->bytes, t->p->frame.len, &t->seg, &payload);
  ends_of(t, addr, port);
  t->flow = find_flow(t->box, addr, port);
  if (t->flow == NULL && (t->seg.flags & TCT_SYN) != 0) {
    t->flow = add_flow(t->box, addr, port);
    decide_flow(t->box, t->flow);
  }
  by = progress(t);
  if (by != 0 && is_thinned(t))
    return false;
  do_shift(t);
  do_strip(t);
  do_window(t);
  do_bleach(t, true);
  if (by > 1)
    divide(t, by);
  return true;
}

static void deliver_to_side(struct sim_node *node, struct sim_packet *p) {
  const struct side *from = (const struct side *)(const void *)node;
  struct through t = {.box = from->box, .p = p, .from = from->number};
  bool goes_on = true;
  if (sim_rewrite_open(p->bytes, p->frame.len, &t.v)) {
    if (is_whole_tcp(&t))
      goes_on = handle_tcp(&t);
    else
      do_bleach(&t, false);
    if (t.v.ip.proto == TCT_IPPROTO_ICMP || t.v.ip.proto == TCT_IPPROTO_ICMP6)
      shift_quote(&t);
  }
  if (goes_on)
    send_on(&t);
  sim_packet_free(node->world, p);
}

/* ---- Faults, life ---- */

void sim_box_fault_add(struct tct_sim_box *b, struct sim_slot *s) {
  s->next = b->slots;
  b->slots = s;
}

void sim_box_fault_drop_all(struct tct_sim_box *b) {
  b->slots = NULL;
}

static void free_side(struct sim_node *node) {
  free(node);
}

static void free_box(struct sim_node *node) {
  struct tct_sim_box *b = (struct tct_sim_box *)(void *)node;
  for (uint32_t i = 0; i < b->n_buckets; i++)
    for (struct flow *f = b->buckets[i], *next; f != NULL; f = next) {
      next = f->next;
      free(f);
    }
  free(b->buckets);
  free(b);
}

tct_sim_box *tct_sim_box_new(tct_sim *w) {
  tct_sim_box *b = sim_world_alloc(sizeof *b);
  memset(b, 0, sizeof *b);
  b->node.free = free_box;
  sim_world_add(w, &b->node);
  sim_world_add_target(w, TCT_SIM_CLASS_BOX, b);
  for (unsigned i = 0; i < 2; i++) {
    struct side *s = sim_world_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    s->box = b;
    s->number = i;
    s->node.deliver = deliver_to_side;
    s->node.free = free_side;
    sim_world_add(w, &s->node);
    b->side[i] = s;
  }
  return b;
}

tct_sim_end tct_sim_box_end(tct_sim_box *b, unsigned side) {
  return (tct_sim_end){&b->side[side & 1]->node};
}
