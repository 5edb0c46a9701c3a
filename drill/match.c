/* SPDX-License-Identifier: MIT */
/*
 * match.c - a '>' line against what the stack sent: waits (in virtual time) for a frame of the
 * connection under test, joins segments up to the wanted length, compares in the script's numbers,
 * then the time. Called by run.c.
 */
#include "drill/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_BEYOND_NS 2000000000u
#define WAIT_ANYTIME_NS 86400000000000u
#define WAIT_ANYTIME_REAL_NS 60000000000u

struct match {
  struct drill_run *r;
  const struct drill_packet *k;
  struct drill_conn *c;
  struct drill_frame *f; /* the frame compared; a joined one is a copy */
};

static uint32_t get32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool differ(struct match *m, const char *what, long long expected, long long seen) {
  return drill_run_differ(m->r, drill_show_packet(m->r, m->k), drill_show_frame(m->r, m->f),
                          "%s: expected %lld, seen %lld", what, expected, seen);
}

/* ---- Which frame -------------------------------------------------------------------------------
 */

static struct drill_frame *find_frame(struct match *m) {
  for (struct drill_frame *f = m->r->frames; f; f = f->next) {
    if (!f->is_out || f->is_taken)
      continue;
    if (f->conn == m->c || (f->proto != 6 && m->k->proto != DRILL_TCP))
      return f;
  }
  return NULL;
}

static struct drill_frame *wait_frame(struct match *m, uint64_t until_ns) {
  for (;;) {
    struct drill_frame *f = find_frame(m);
    if (f || m->r->failure)
      return f;
    if (!drill_world_step(m->r, until_ns))
      return NULL;
  }
}

/* A segment that may be the next part of one written line: the same but for where it begins. */
static bool is_continuation(const struct drill_frame *a, const struct drill_frame *b,
                            size_t so_far) {
  const uint8_t same = TCT_SYN | TCT_RST | TCT_ACK | TCT_URG | TCT_ECE;
  return a->proto == 6 && b->proto == 6 && b->seq == a->seq + (uint32_t)so_far &&
         ((a->flags ^ b->flags) & same) == 0 && a->ae == b->ae && a->ack == b->ack &&
         a->win == b->win && a->options_len == b->options_len;
}

static void join_one(struct drill_frame *whole, const struct drill_frame *f) {
  const uint8_t of_first = TCT_CWR;
  whole->flags = (uint8_t)((f->flags & ~of_first) | (whole->flags & of_first));
  whole->options = f->options;
  whole->at_ns = f->at_ns;
  memcpy(whole->bytes + whole->len, f->bytes + f->payload_at, f->payload_len);
  whole->len += f->payload_len;
  whole->payload_len += f->payload_len;
}

/* Payload shorter than the line wants: take more. */
static bool join_frames(struct match *m, uint64_t until_ns) {
  struct drill_frame *first = m->f, *whole = drill_arena_get(m->r->arena, sizeof *whole);
  size_t piece = first->payload_len;
  *whole = *first;
  whole->bytes = drill_arena_get(m->r->arena, first->len + m->k->len);
  memcpy(whole->bytes, first->bytes, first->len);
  m->f = whole;
  while (whole->payload_len < m->k->len) {
    struct drill_frame *f = wait_frame(m, until_ns);
    if (!f || !is_continuation(first, f, whole->payload_len) || f->payload_len > piece ||
        whole->payload_len + f->payload_len > m->k->len || f->payload_len == 0)
      return m->r->failure ? false
                           : differ(m, "payload length", m->k->len, (long long)whole->payload_len);
    bool is_last = whole->payload_len + f->payload_len == m->k->len;
    if (f->payload_len < piece && !is_last)
      return differ(m, "payload length", m->k->len,
                    (long long)whole->payload_len + (long long)f->payload_len);
    f->is_taken = true;
    join_one(whole, f);
  }
  return true;
}

/* ---- What it holds ------------------------------------------------------------------------------
 */

static bool match_ip(struct match *m) {
  const struct drill_packet *k = m->k;
  const struct drill_frame *f = m->f;
  static const int ecn[] = {
      [DRILL_ECN_NONE] = 0, [DRILL_ECN_ECT0] = 2, [DRILL_ECN_ECT1] = 1, [DRILL_ECN_CE] = 3};
  int want_version = m->r->set->ip == DRILL_IP6 ? 6 : 4, seen_ecn = f->tos & 3;
  tct_addr a;
  if (f->version != want_version)
    return differ(m, "IP version", want_version, f->version);
  if (k->ecn == DRILL_ECN_TOS && f->tos != k->tos)
    return differ(m, "tos", k->tos, f->tos);
  if (k->ecn == DRILL_ECN_ECT01 && (seen_ecn == 0 || seen_ecn == 3))
    return differ(m, "ECN bits (1 or 2)", 2, seen_ecn);
  if (k->ecn >= DRILL_ECN_NONE && k->ecn <= DRILL_ECN_CE && seen_ecn != ecn[k->ecn])
    return differ(m, "ECN bits", ecn[k->ecn], seen_ecn);
  if (k->ttl >= 0 && f->ttl != k->ttl)
    return differ(m, "ttl", k->ttl, f->ttl);
  if (k->twist.src && (tct_addr_parse(k->twist.src, &a) || memcmp(a.b, f->src.b, 16) != 0))
    return differ(m, "source address (as asked: 1)", 1, 0);
  if (k->twist.dst && (tct_addr_parse(k->twist.dst, &a) || memcmp(a.b, f->dst.b, 16) != 0))
    return differ(m, "destination address (as asked: 1)", 1, 0);
  return true;
}

/* Equal labels in the script are equal live, changed ones changed, and none is 0. */
static bool match_flowlabel(struct match *m) {
  struct drill_conn *c = m->c;
  if (m->k->flowlabel < 0 || m->f->version != 6 || !c)
    return true;
  uint32_t want = (uint32_t)m->k->flowlabel, seen = m->f->flowlabel;
  if (seen == 0)
    return differ(m, "flow label (not 0)", want, 0);
  if (c->has_flow && (want == c->flow_script) != (seen == c->flow_live))
    return differ(m, "flow label (changed)", want != c->flow_script, seen != c->flow_live);
  c->has_flow = true;
  c->flow_script = want;
  c->flow_live = seen;
  return true;
}

static bool match_flags(struct match *m) {
  const struct drill_packet *k = m->k;
  const struct drill_frame *f = m->f;
  if (k->flags != f->flags || k->ae != f->ae)
    return drill_run_differ(m->r, drill_show_packet(m->r, k), drill_show_frame(m->r, f),
                            "the flags differ");
  int reserved = f->reserved & 14, want = k->twist.reserved > 0 ? k->twist.reserved & 14 : 0;
  return reserved == want || differ(m, "reserved bits", want, reserved);
}

/* The first expected SYN of ours tells which number the script gives to our ISN. */
static void learn_script_isn(struct match *m) {
  struct drill_conn *c = m->c;
  const struct drill_packet *k = m->k;
  if (!c || !(k->flags & TCT_SYN) || !(m->f->flags & TCT_SYN))
    return;
  if (c->state == DRILL_CONN_SYN_SENT && !(k->flags & TCT_ACK))
    c->isn_script = k->seq;
  if (c->state == DRILL_CONN_RECEIVED && (k->flags & TCT_ACK)) {
    c->isn_script = k->seq;
    c->state = DRILL_CONN_SYNACK_SENT;
  }
}

static bool match_numbers(struct match *m) {
  const struct drill_packet *k = m->k;
  const struct drill_frame *f = m->f;
  learn_script_isn(m);
  uint32_t seq = k->is_absolute ? f->seq : drill_conn_seq_out(m->c, f);
  uint32_t ack =
      f->flags & TCT_ACK && !k->is_absolute ? drill_conn_ack_out(m->c, f, f->ack) : f->ack;
  if (f->payload_len != k->len)
    return differ(m, "payload length", k->len, (long long)f->payload_len);
  if (seq != k->seq)
    return differ(m, "seq", k->seq, seq);
  if (ack != (k->has_ack ? k->ack : 0))
    return differ(m, "ack", k->has_ack ? k->ack : 0, ack);
  if (f->urg != k->urg)
    return differ(m, "urg", k->urg, f->urg);
  if (k->has_win && f->win != k->win)
    return differ(m, "win", k->win, f->win);
  return true;
}

/* ---- Options ------------------------------------------------------------------------------------
 */

static bool match_tsval(struct match *m, uint32_t want, uint32_t seen) {
  struct drill_conn *c = m->c;
  if (!c)
    return true;
  if (c->n_ts < DRILL_TS_MAX) {
    c->ts[c->n_ts].script = want;
    c->ts[c->n_ts++].live = seen;
  }
  uint64_t tick_ns = m->r->set->ts_tick_us * 1000;
  if (!tick_ns)
    return true;
  uint32_t as_script = c->ts[0].script + (seen - c->ts[0].live);
  int32_t off = (int32_t)(as_script - want);
  uint64_t off_ns = (uint64_t)llabs((long long)off) * tick_ns;
  if (off_ns <= drill_run_tolerance(m->r, m->r->now_ns))
    return true;
  return differ(m, "TS val", want, as_script);
}

static bool match_sack(struct match *m, const struct drill_option *o, const uint8_t *seen) {
  for (unsigned i = 0; i < o->n_sack * 2; i++) {
    uint32_t edge = drill_conn_ack_out(m->c, m->f, get32(seen + 2 + i * 4));
    if (edge != o->sack[i])
      return differ(m, "an edge of a SACK block", o->sack[i], edge);
  }
  return true;
}

/* One option at the same place in both; true with *used = its length. */
static bool match_option(struct match *m, const struct drill_option *o, size_t at, size_t *used) {
  const uint8_t *seen = m->f->options + at;
  size_t left = m->f->options_len - at;
  *used = o->len;
  if (left < o->len || seen[0] != o->kind || (o->kind > 1 && seen[1] != o->bytes[1]))
    return drill_run_differ(m->r, drill_show_packet(m->r, m->k), drill_show_frame(m->r, m->f),
                            "the TCP options differ");
  if (o->has_ts)
    return match_tsval(m, o->tsval, get32(seen + 2));
  if (o->kind == 5)
    return match_sack(m, o, seen);
  return memcmp(seen, o->bytes, o->len) == 0 ||
         drill_run_differ(m->r, drill_show_packet(m->r, m->k), drill_show_frame(m->r, m->f),
                          "a TCP option has another value");
}

static bool match_options(struct match *m) {
  size_t at = 0, used = 0;
  if (m->k->any_options)
    return true;
  for (unsigned i = 0; i < m->k->n_options; i++, at += used)
    if (!match_option(m, &m->k->options[i], at, &used))
      return false;
  return at == m->f->options_len ||
         drill_run_differ(m->r, drill_show_packet(m->r, m->k), drill_show_frame(m->r, m->f),
                          "the TCP options differ");
}

/* What we send is what was written, wherever it stands in the stream. */
static bool match_payload(struct match *m) {
  const struct drill_frame *f = m->f;
  const struct drill_twist *t = &m->k->twist;
  const uint8_t *p = f->bytes + f->payload_at;
  if (t->payload)
    return (f->payload_len == t->payload_len && memcmp(p, t->payload, t->payload_len) == 0) ||
           differ(m, "payload (as asked: 1)", 1, 0);
  if (!m->c || m->c->own_tx || !m->c->has_live || f->why == TCT_WHY_KEEPALIVE)
    return true;
  uint32_t offset = f->seq + (f->flags & TCT_SYN ? 1u : 0u) - m->c->isn_live - 1;
  for (size_t i = 0; i < f->payload_len; i++)
    if (p[i] != drill_frame_pattern(offset + (uint32_t)i))
      return drill_run_differ(m->r, drill_show_packet(m->r, m->k), drill_show_frame(m->r, f),
                              "byte %u of our stream is not what was written",
                              offset + (uint32_t)i);
  return true;
}

static bool match_why(struct match *m) {
  const char *want = m->k->twist.why;
  bool is_told = m->r->subject == &drill_subject_ours;
  if (!want || !is_told || strcmp(want, tct_why_name((tct_why)m->f->why)) == 0)
    return true;
  return drill_run_differ(m->r, drill_show_packet(m->r, m->k), drill_show_frame(m->r, m->f),
                          "why it was sent: expected %s, seen %s", want,
                          tct_why_name((tct_why)m->f->why));
}

static bool match_icmp(struct match *m) {
  if (m->f->icmp_type != m->k->icmp_type)
    return differ(m, "ICMP type", m->k->icmp_type, m->f->icmp_type);
  if (m->f->icmp_code != m->k->icmp_code)
    return differ(m, "ICMP code", m->k->icmp_code, m->f->icmp_code);
  return true;
}

static bool match_all(struct match *m) {
  static const uint8_t protos4[] = {[DRILL_TCP] = 6, [DRILL_UDP] = 17, [DRILL_ICMP] = 1};
  uint8_t want = m->k->proto == DRILL_ICMP && m->f->version == 6 ? 58 : protos4[m->k->proto];
  if (m->k->n_layers > 0)
    return drill_run_fail(m->r, "nothing sends packets with headers around them here");
  if (m->f->proto != want)
    return differ(m, "protocol", want, m->f->proto);
  if (!match_ip(m) || !match_flowlabel(m))
    return false;
  if (m->k->proto == DRILL_ICMP)
    return match_icmp(m);
  if (m->k->proto == DRILL_UDP)
    return m->f->payload_len == m->k->len ||
           differ(m, "payload length", m->k->len, (long long)m->f->payload_len);
  return match_flags(m) && match_numbers(m) && match_options(m) && match_payload(m) && match_why(m);
}

/* ---- When ------------------------------------------------------------------------------------ */

static bool match_time(struct match *m, const struct drill_event *e, uint64_t base_ns) {
  struct drill_run *r = m->r;
  if (e->when == DRILL_ANYTIME)
    return true;
  bool is_after = e->when == DRILL_AFTER || e->when == DRILL_AFTER_RANGE;
  uint64_t from = e->from_ns + (is_after ? base_ns : 0), to = e->to_ns + (is_after ? base_ns : 0);
  uint64_t slack = drill_run_tolerance(r, to > r->previous_ns ? to - r->previous_ns : 0);
  uint64_t at = m->f->at_ns;
  if (at + slack >= from && at <= to + slack)
    return true;
  r->is_timing = true;
  return drill_run_differ(r, drill_show_packet(r, m->k), drill_show_frame(r, m->f),
                          "time: expected at %.6f s, seen at %.6f s", (double)from / 1e9,
                          (double)at / 1e9);
}

static uint64_t wait_limit(const struct drill_run *r, const struct drill_event *e) {
  bool is_after = e->when == DRILL_AFTER || e->when == DRILL_AFTER_RANGE;
  if (e->when == DRILL_ANYTIME)
    return r->now_ns + (r->linux ? WAIT_ANYTIME_REAL_NS : WAIT_ANYTIME_NS);
  uint64_t due = e->to_ns + (is_after ? r->now_ns : 0);
  return (due > r->now_ns ? due : r->now_ns) + WAIT_BEYOND_NS;
}

bool drill_match_expect(struct drill_run *r, const struct drill_event *e) {
  struct match m = {.r = r, .k = e->packet, .c = r->current};
  uint64_t base_ns = r->now_ns, until_ns = wait_limit(r, e);
  if (e->packet->twist.conn) {
    m.c = drill_conn_by_number(r, e->packet->twist.conn);
    if (!m.c)
      return false;
  }
  m.f = wait_frame(&m, until_ns);
  if (r->failure)
    return false;
  if (!m.f) {
    if (until_ns > r->now_ns)
      (void)drill_world_advance(r, until_ns);
    return drill_run_differ(r, drill_show_packet(r, e->packet), NULL,
                            "nothing was sent until %.6f s", (double)until_ns / 1e9);
  }
  m.f->is_taken = true;
  bool is_short = m.k->proto == DRILL_TCP && m.f->proto == 6 && m.f->payload_len > 0 &&
                  m.f->payload_len < m.k->len;
  if (is_short && !r->set->strict_segments && !join_frames(&m, until_ns))
    return false;
  return match_all(&m) && match_time(&m, e, base_ns);
}

bool drill_match_leftovers(struct drill_run *r) {
  if (r->set->allow_leftovers)
    return true;
  for (struct drill_frame *f = r->frames; f; f = f->next) {
    if (!f->is_out || f->is_taken)
      continue;
    return drill_run_differ(r, NULL, drill_show_frame(r, f),
                            "the stack sent what no line of the script expects");
  }
  return true;
}
