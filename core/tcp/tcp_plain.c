/* SPDX-License-Identifier: MIT */
/*
 * tcp_plain.c - a segment of the plain state: new data or an ACK of an established connection where
 * nothing is lost, due, marked or out of order, as nearly all segments are. Its header comes from a
 * template, its checksum from sums that are kept, and its facts go straight to the fields. Called
 * by tcp_output, when tcp_plan says that a plan is plain; byte for byte, and in what is known
 * afterwards, it is what tcp_output does with any other plan. Alone writes active->head. RFC 9293
 * section 3.1, RFC 7323 section 3.
 */
#include "tcp/plain.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum { NOP_NOP_TS = 0x0101080a, HEADER_LEN = 20, HEADER_TS_LEN = 32, PORTS_LEN = 4 };
enum { AT_IP4_LEN = 2, AT_IP4_SUM = 10, AT_IP6_LEN = 4 };

/* ---- The header ------------------------------------------------------------------------------ */

static uint32_t sum_words(const uint8_t *p, size_t n) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i += 4)
    sum += tct_bytes_get32(p + i);
  return tct_checksum_fold(sum);
}

static bool is_made(const struct tct_tcp_template *t, const struct tct_tcp *c) {
  return t->ip_len != 0 && t->hop_limit == c->hop_limit && t->tclass == c->tclass &&
         t->ifi == c->ifi;
}

static __attribute__((noinline)) void make(tct_stack *s, const struct tct_tcp *c,
                                           struct tct_tcp_template *t) {
  struct tct_ip_tx tx = {.src = c->key.laddr,
                         .dst = c->key.raddr,
                         .ifi = c->ifi,
                         .proto = TCT_IPPROTO_TCP,
                         .hop_limit = c->hop_limit,
                         .tclass = c->tclass,
                         .dont_frag = true};
  if (!tct_bytes_addr_is_ipv4(&tx.dst))
    tx.flow_label = tct_ip_flow_label(s, tx.src, tx.dst, c->key.lport, c->key.rport);
  t->ip_len = (uint8_t)tct_ip_output_header(s, &tx, 0, t->ip);
  tct_bytes_put16(t->ip + t->ip_len, c->key.lport);
  tct_bytes_put16(t->ip + t->ip_len + 2, c->key.rport);
  t->ports = tct_bytes_get32(t->ip + t->ip_len);
  t->pseudo_sum = sum_words(tx.src.b, 16) + sum_words(tx.dst.b, 16) + TCT_IPPROTO_TCP;
  t->hop_limit = c->hop_limit;
  t->tclass = c->tclass;
  t->ifi = c->ifi;
  if (t->ip_len != TCT_IP4_HEADER_LEN)
    return;
  tct_bytes_put16(t->ip + AT_IP4_LEN, 0);
  tct_bytes_put16(t->ip + AT_IP4_SUM, 0);
  t->ip_sum = sum_words(t->ip, TCT_IP4_HEADER_LEN);
}

static void write_ip(const struct tct_tcp_template *t, uint32_t tcp_len, uint8_t *p) {
  if (t->ip_len != TCT_IP4_HEADER_LEN) {
    memcpy(p, t->ip, TCT_IP6_HEADER_LEN + PORTS_LEN);
    tct_bytes_put16(p + AT_IP6_LEN, (uint16_t)tcp_len);
    return;
  }
  memcpy(p, t->ip, TCT_IP4_HEADER_LEN + PORTS_LEN);
  uint32_t len = TCT_IP4_HEADER_LEN + tcp_len;
  tct_bytes_put16(p + AT_IP4_LEN, (uint16_t)len);
  tct_bytes_put16(p + AT_IP4_SUM, (uint16_t)~tct_checksum_fold((uint64_t)t->ip_sum + len));
}

/* What follows the ports; returns the sum of all of the header. */
static uint64_t write_tcp(const tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_plan *p,
                          uint16_t window, uint8_t *tcp) {
  bool ts = (c->open & TCT_OPEN_TS) != 0;
  uint32_t offset = (ts ? (uint32_t)HEADER_TS_LEN : (uint32_t)HEADER_LEN) / 4;
  uint32_t bits = offset << 28 | (uint32_t)p->flags << 16 | window;
  uint64_t sum = (uint64_t)c->active->head.ports + p->seq + c->rcv.nxt + bits;
  tct_bytes_put32(tcp + 4, p->seq);
  tct_bytes_put32(tcp + 8, c->rcv.nxt);
  tct_bytes_put32(tcp + 12, bits);
  tct_bytes_put32(tcp + 16, 0);
  if (!ts)
    return sum;
  uint32_t tsval = tct_tcp_options_tsval(s, c);
  tct_bytes_put32(tcp + 20, NOP_NOP_TS);
  tct_bytes_put32(tcp + 24, tsval);
  tct_bytes_put32(tcp + 28, c->rcv.ts_recent);
  return sum + NOP_NOP_TS + tsval + c->rcv.ts_recent;
}

/* The edge that tct_tcp_recv_edge_to_offer finds: no FIN has come, and the handshake is over. */
static tct_seq edge_to_offer(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  uint32_t clamp = c->extra != NULL ? c->extra->window_clamp : 0;
  uint32_t limit = clamp != 0 ? tct_min_u32(c->rcv.buf_max, clamp) : c->rcv.buf_max;
  uint32_t most = 65535u << tct_tcp_rcv_shift(c);
  uint32_t room = tct_sub_floor_u32(limit, tct_seq_len(a->rx.begin, c->rcv.nxt));
  tct_seq target = tct_seq_add(c->rcv.nxt, tct_min_u32(room, most));
  uint32_t gain = tct_seq_ahead(c->rcv.edge, target);
  return gain > 0 && gain >= tct_min_u32(limit / 2, c->rcv.mss) ? target : c->rcv.edge;
}

/* The checksum goes in, or what a device needs to finish it. */
static void finish(const tct_stack *s, const struct tct_tcp_template *t, uint64_t header_sum,
                   tct_frame *f) {
  uint8_t *tcp = (uint8_t *)f->iov[0].base + t->ip_len;
  uint64_t pseudo = (uint64_t)t->pseudo_sum + f->len - t->ip_len;
  f->csum = TCT_CSUM_DONE;
  if (!s->ifs[t->ifi].cfg.csum_offload && !s->copies && f->seg_size == 0) {
    uint64_t text = f->n_iov > 1 ? tct_checksum_sum_iov(f->iov + 1, f->n_iov - 1, s->cfg.sum) : 0;
    tct_bytes_put16(tcp + TCT_TCP_CHECKSUM_AT,
                    (uint16_t)~tct_checksum_fold(pseudo + header_sum + text));
    return;
  }
  tct_bytes_put16(tcp + TCT_TCP_CHECKSUM_AT, (uint16_t)tct_checksum_fold(pseudo));
  f->csum = TCT_CSUM_PARTIAL;
  f->csum_start = t->ip_len;
  f->csum_offset = TCT_TCP_CHECKSUM_AT;
}

bool tct_tcp_plain_build(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p,
                         tct_seq *edge, tct_frame *f, struct tct_out *out) {
  struct tct_tcp_active *a = c->active;
  struct tct_tcp_template *t = &a->head;
  unsigned pieces = p->len > 0 ? TCT_OUT_PIECES_MAX - 1 : 0;
  if ((c->sockf & TCT_SOCKF_NO_DF) != 0)
    return false; /* each packet has an identification of its own */
  if (p->len > 0 && tct_queue_peek(&a->tx, p->seq, p->len, out->iov + 1, &pieces) < p->len)
    return false;
  if (!is_made(t, c))
    make(s, c, t);
  *edge = edge_to_offer(c);
  uint32_t tcp_len = (c->open & TCT_OPEN_TS) != 0 ? HEADER_TS_LEN : HEADER_LEN;
  uint32_t units = tct_seq_len(c->rcv.nxt, *edge) >> tct_tcp_rcv_shift(c);
  uint16_t window = (uint16_t)tct_min_u32(units, 65535);
  write_ip(t, tcp_len + p->len, out->header);
  uint64_t sum = write_tcp(s, c, p, window, out->header + t->ip_len);
  out->iov[0] = (tct_iov){out->header, t->ip_len + tcp_len};
  *f = (tct_frame){.iov = out->iov,
                   .n_iov = pieces + 1,
                   .len = t->ip_len + tcp_len + p->len,
                   .seg_size = p->seg_size,
                   .why = (uint16_t)p->why,
                   .sock = {c->index, c->gen},
                   .at = s->now};
  finish(s, t, sum, f);
  return true;
}

/* ---- What has left --------------------------------------------------------------------------- */

static void count(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p, uint32_t now_ms) {
  struct tct_extra *x = c->extra;
  uint32_t segs = p->seg_size == 0 ? 1 : (p->len + p->seg_size - 1) / p->seg_size;
  s->n.OutSegs += segs;
  s->tcp->plain_n++;
  if (x == NULL)
    return;
  x->segs_out += segs;
  x->data_segs_out += p->len > 0 ? segs : 0;
  x->bytes_sent += p->len;
  x->last_sent_ms = now_ms;
}

void tct_tcp_plain_on_sent(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p,
                           tct_seq edge) {
  uint32_t now_ms = s->now_ms;
  bool first = c->snd.una == c->snd.nxt;
  if (p->len > 0)
    tct_tcp_delack_plain_data(s, c, now_ms);
  tct_tcp_recv_plain_ack(s, c, edge);
  count(s, c, p, now_ms);
  if (p->len == 0) {
    tct_tcp_timer_on_sent(s, c);
    return;
  }
  tct_tcp_send_plain_data(s, c, p, now_ms);
  tct_tcp_push_plain_data(c, p);
  tct_tcp_sack_plain_data(s, c, p->seq,
                          (uint16_t)tct_min_u32(p->seg_size != 0 ? p->seg_size : p->len, 65535));
  tct_tcp_timer_on_new_data(s, c, first);
  tct_sock_event_plain_data(s, c);
}
