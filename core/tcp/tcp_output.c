/* SPDX-License-Identifier: MIT */
/*
 * tcp_output.c - from a plan to a frame: header, options, payload in place, and the facts told to
 * their owners. Called by stack.c (tct_output), which gives each ready connection a turn of one
 * frame. Also the segments that no plan makes: RST, and what the SYN cache and TIME-WAIT answer,
 * which go to the interface's reply queue. RFC 9293 section 3.1.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

/* ---- A planned segment ----------------------------------------------------------------------- */

static void fill_ip(tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_plan *p,
                    struct tct_ip_tx *tx) {
  memset(tx, 0, sizeof *tx);
  tx->src = TCT_RULE_ELSE(MUST_45, c->key.laddr,
                          c->key.raddr); /* as it was at the start [RFC9293 MUST-45] */
  tx->dst = c->key.raddr;
  tx->ifi = c->ifi;
  tx->proto = TCT_IPPROTO_TCP;
  tx->hop_limit = TCT_RULE_ELSE(MUST_49, c->hop_limit, 64); /* [RFC9293 MUST-49] */
  tx->tclass = TCT_RULE_ELSE(MUST_48, c->tclass, 0); /* [RFC9293 MUST-48] [RFC9293 SHLD-22] */
  tx->tclass |= tct_tcp_ecn_ip(s, c, p);
  tx->dont_frag = (c->sockf & TCT_SOCKF_NO_DF) == 0;
  if (!tct_bytes_addr_is_ipv4(&tx->dst))
    tx->flow_label = tct_ip_flow_label(s, tx->src, tx->dst, c->key.lport, c->key.rport);
}

/* As every SYN's, told unscaled; a SYN,ACK's also not beyond the edge that goes with it. */
static uint16_t syn_window(const tct_stack *s, const struct tct_tcp *c, tct_seq edge, bool ack) {
  uint32_t window = tct_tcp_recv_syn_window(s, c);
  return (uint16_t)(ack ? tct_min_u32(window, tct_seq_len(c->rcv.nxt, edge)) : window);
}

static void fill_header(tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_plan *p,
                        tct_seq edge, struct tct_tcp_hdr *h) {
  bool syn = (p->flags & TCT_SYN) != 0;
  memset(h, 0, sizeof *h);
  h->sport = c->key.lport;
  h->dport = c->key.rport;
  h->seq = p->seq;
  h->flags = p->flags;
  tct_wire_tcp_set_ace(h, tct_tcp_ecn_ace(s, c, p));
  if ((p->flags & TCT_ACK) != 0)
    h->ack = c->rcv.nxt;
  if (syn)
    h->window = syn_window(s, c, edge, (p->flags & TCT_ACK) != 0);
  else
    h->window = tct_tcp_recv_window_field(c, edge, false);
  if ((p->flags & TCT_URG) != 0)
    h->urgent = (uint16_t)tct_min_u32(tct_seq_ahead(p->seq, c->extra->snd_up), 65535);
  if (syn)
    tct_tcp_options_syn(s, c, &h->opt);
  else
    tct_tcp_options_data(s, c, &h->opt);
}

/* SACK blocks take room from the payload only when both are there: then the blocks give way. */
static void trim_options(const struct tct_tcp *c, const struct tct_tcp_plan *p,
                         struct tct_tcp_hdr *h) {
  if (p->len > 0)
    h->opt.n_sack = 0;
  if (p->len > 0 && tct_tcp_accecn_len(c) == 0)
    h->opt.accecn.kind = 0;
}

/* A SYN takes a number before its data. */
static tct_seq text_seq(const struct tct_tcp_plan *p) {
  return tct_seq_add(p->seq, (p->flags & TCT_SYN) != 0 ? 1u : 0u);
}

/* Payload pieces behind the header; returns the bytes that they hold. */
static uint32_t fill_payload(struct tct_tcp *c, struct tct_tcp_plan *p, struct tct_out *out,
                             unsigned *n) {
  static const uint8_t garbage = 0;
  *n = TCT_OUT_PIECES_MAX - 1;
  if (p->probe_byte) {
    out->iov[1] = (tct_iov){&garbage, 1};
    *n = 1;
    return 1;
  }
  if (p->len == 0) {
    *n = 0;
    return 0;
  }
  return tct_queue_peek(&c->active->tx, text_seq(p), p->len, out->iov + 1, n);
}

static void finish(tct_stack *s, const struct tct_tcp *c, tct_frame *f, struct tct_out *out,
                   size_t ip_len) {
  uint8_t *tcp = out->header + ip_len;
  uint32_t payload = f->len - (uint32_t)out->iov[0].len;
  bool offload = s->ifs[c->ifi].cfg.csum_offload || s->copies;
  f->csum = TCT_CSUM_DONE;
  if (!offload && f->seg_size == 0) {
    struct tct_wire_payload text = {out->iov + 1, f->n_iov - 1, s->cfg.sum};
    tct_wire_tcp_finish_with(tcp, &c->key.laddr, &c->key.raddr, &text);
    return;
  }
  tct_wire_tcp_finish_partial(tcp, &c->key.laddr, &c->key.raddr, payload);
  f->csum = TCT_CSUM_PARTIAL;
  f->csum_start = (uint16_t)ip_len;
  f->csum_offset = TCT_TCP_CHECKSUM_AT;
}

/* The plan becomes bytes in `out` and a frame that points at them. */
static void build(tct_stack *s, struct tct_tcp *c, struct tct_tcp_plan *p, tct_seq edge,
                  tct_frame *f, struct tct_out *out) {
  struct tct_tcp_hdr h;
  struct tct_ip_tx tx;
  unsigned pieces;
  uint32_t payload = fill_payload(c, p, out, &pieces);
  if (payload < p->len) { /* more pieces than a frame has: a shorter segment, which ends nothing */
    if (p->seg_size != 0 && payload > p->seg_size)
      payload -= payload % p->seg_size;
    p->len = payload;
    p->flags &= (uint8_t) ~(TCT_PSH | TCT_FIN);
    payload = fill_payload(c, p, out, &pieces);
    p->seg_size = p->len > p->seg_size ? p->seg_size : 0;
  }
  fill_ip(s, c, p, &tx);
  fill_header(s, c, p, edge, &h);
  trim_options(c, p, &h);
  size_t ip_len = tct_ip_header_len(tx.dst);
  size_t tcp_len =
      tct_wire_tcp_emit(out->header + ip_len, &h, (enum tct_tcp_opt_layout)s->tcp->profile->layout);
  (void)tct_ip_output_header(s, &tx, (uint32_t)tcp_len + payload, out->header);
  out->iov[0] = (tct_iov){out->header, ip_len + tcp_len};
  memset(f, 0, sizeof *f);
  f->iov = out->iov;
  f->n_iov = pieces + 1;
  f->len = (uint32_t)(ip_len + tcp_len) + payload;
  f->seg_size = p->seg_size;
  f->why = (uint16_t)p->why;
  f->sock = tct_tcp_block_handle(c);
  f->at = s->now;
  finish(s, c, f, out, ip_len);
}

/* The trace is told what left, before anybody is told that it did. */
static void trace(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p, tct_seq edge) {
  struct tct_tcp_hdr h;
  if (!tct_stack_traces(s))
    return;
  fill_header(s, c, p, edge, &h);
  trim_options(c, p, &h);
  tct_tcp_trace_out(s, c, &h, p);
}

/* The frame that tcp_plain made is, byte for byte, what would have been made here. */
static bool is_as_any(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p,
                      const tct_frame *f) {
  struct tct_tcp_plan plan = *p;
  struct tct_out out;
  tct_frame other;
  build(s, c, &plan, tct_tcp_recv_edge_to_offer(c), &other, &out);
  bool same = plan.len == p->len && f->n_iov == other.n_iov && f->len == other.len &&
              f->seg_size == other.seg_size && f->csum == other.csum && f->flags == other.flags &&
              f->csum_start == other.csum_start && f->csum_offset == other.csum_offset &&
              f->why == other.why && f->sock.index == other.sock.index && f->at == other.at;
  for (uint32_t i = 1; same && i < f->n_iov; i++)
    same = f->iov[i].base == other.iov[i].base && f->iov[i].len == other.iov[i].len;
  return same && f->iov[0].len == other.iov[0].len &&
         memcmp(f->iov[0].base, out.header, out.iov[0].len) == 0;
}

static uint32_t segs_of(const struct tct_tcp_plan *p) {
  return p->seg_size == 0 ? 1 : (p->len + p->seg_size - 1) / p->seg_size;
}

/* again: payload bytes of it that had left before. */
static void count(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p, uint32_t again) {
  uint32_t segs = segs_of(p);
  s->n.OutSegs += TCT_PLANT(SENT_NOT_COUNTED) && p->resend ? 0 : segs;
  TCT_EXTRA_ADD(c, segs_out, segs);
  if (p->len > 0)
    TCT_EXTRA_ADD(c, data_segs_out, segs);
  if (p->len > 0)
    TCT_EXTRA_ADD(c, bytes_sent, p->len);
  if (p->resend) {
    s->n.RetransSegs += segs;
    TCT_EXTRA_ADD(c, total_retrans, segs);
    TCT_EXTRA_ADD(c, bytes_retrans, again);
  }
  if (c->extra != NULL)
    c->extra->last_sent_ms = s->now_ms;
}

/* New numbers left: [seq, end) with the FIN. */
static void on_new_sent(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p) {
  bool fin = (p->flags & TCT_FIN) != 0, first = c->snd.una == c->snd.nxt;
  tct_seq begin = text_seq(p), end = tct_seq_add(begin, p->len + (fin ? 1u : 0u));
  if (p->why == TCT_WHY_MTU_PROBE)
    tct_tcp_mtu_on_probe_sent(s, c, begin, end);
  tct_tcp_send_on_sent(s, c, begin, end, fin);
  tct_tcp_push_on_sent(c, begin, p->train);
  uint16_t size =
      (uint16_t)tct_min_u32(p->seg_size != 0 ? p->seg_size : tct_max_u32(p->len, 1), 65535);
  tct_tcp_sack_on_sent(s, c, begin, end, size);
  tct_tcp_cc_prr_on_sent(s, c, segs_of(p), p->len);
  if (p->why == TCT_WHY_TLP)
    tct_tcp_tlp_on_sent(s, c, p->resend);
  else
    tct_tcp_timer_on_new_data(s, c, first);
  tct_sock_event_marks(s, c);
  tct_sock_event_writable(s, c); /* BBR's window may grow when something leaves */
}

/* Old numbers left again; new ones may follow them in the same segment. */
static void on_resent(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p) {
  tct_seq end = tct_seq_add(p->seq, p->len + ((p->flags & TCT_FIN) != 0 ? 1u : 0u));
  tct_seq old_end = tct_seq_min(end, c->snd.nxt);
  tct_tcp_mtu_on_resent(c);
  tct_tcp_recover_on_resent(s, c, p->seq, old_end, p->why);
  if (p->why == TCT_WHY_TLP)
    tct_tcp_tlp_on_sent(s, c, true);
  else
    tct_tcp_push_on_resent(c, p->seq, p->train);
  if (p->seq == c->snd.una)
    tct_tcp_timer_on_head_resent(s, c);
  if (old_end == end)
    return;
  struct tct_tcp_plan rest = *p;
  rest.seq = old_end;
  rest.len = tct_seq_len(old_end, end);
  rest.train = 0;
  on_new_sent(s, c, &rest);
}

/* Tells the owners of the fields what has left. */
static void on_sent(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p, tct_seq edge) {
  bool takes_numbers = (p->len > 0 && !p->probe_byte) || (p->flags & TCT_FIN) != 0;
  uint32_t again = tct_min_u32(p->len, tct_seq_ahead(p->seq, c->snd.nxt));
  if (p->pays_debt)
    tct_tcp_recv_pay_debt(c);
  if (p->len > 0)
    tct_tcp_delack_on_data_sent(s, c);
  if ((p->flags & TCT_ACK) != 0)
    tct_tcp_recv_on_ack_sent(s, c, edge);
  if ((p->flags & (TCT_ACK | TCT_SYN)) == TCT_ACK && p->len == 0)
    tct_tcp_reasm_on_sack_sent(c);
  if ((p->flags & TCT_SYN) != 0)
    tct_tcp_fastopen_on_syn_sent(c);
  if (p->why == TCT_WHY_KEEPALIVE)
    tct_tcp_timer_clear_due(c, TCT_DUE_KEEPALIVE);
  if (p->why == TCT_WHY_PROBE)
    tct_tcp_send_on_probe_sent(c);
  if (takes_numbers && !p->resend)
    on_new_sent(s, c, p);
  else if (takes_numbers)
    on_resent(s, c, p);
  count(s, c, p, again);
  tct_tcp_ecn_on_sent(s, c, p);
  if (takes_numbers)
    tct_tcp_pace_on_sent(s, c, p->len);
  tct_tcp_timer_on_sent(s, c);
  if (p->why == TCT_WHY_TLP) {
    tct_tcp_timer_clear_due(c, TCT_DUE_TLP);
    tct_tcp_timer_on_head_resent(s, c);
  }
}

enum turn { QUIET, SENT, SENT_LAST, WAITS };

/* What tcp_plain.c does not make; apart, so that the usual way is short. */
static __attribute__((noinline)) enum turn output_any(tct_stack *s, struct tct_tcp *c,
                                                      struct tct_tcp_plan *p, tct_frame *f,
                                                      struct tct_out *out) {
  tct_seq edge = c->rcv.edge;
  if ((p->flags & TCT_ACK) != 0)
    edge = (p->flags & TCT_SYN) != 0 ? tct_tcp_recv_syn_edge(s, c) : tct_tcp_recv_edge_to_offer(c);
  if ((p->flags & TCT_FIN) != 0 || p->len > 0)
    (void)tct_tcp_block_active(s, c); /* runs; a FIN does without if there is no memory */
  build(s, c, p, edge, f, out);
  trace(s, c, p, edge);
  on_sent(s, c, p, edge);
  tct_tcp_check(s, c);
  if (!tct_tcp_plan_is_spent(c))
    return SENT;
  TCT_CHECKED(tct_tcp_plan_is_idle(s, c));
  return SENT_LAST;
}

/* One frame from one connection, which is on no list: unless it has nothing to say now, or waits
 * for its neighbour. SENT_LAST: asked again, it would have nothing to say. */
static enum turn output_one(tct_stack *s, struct tct_tcp *c, tct_frame *f, struct tct_out *out) {
  struct tct_tcp_plan p;
  tct_tcp_plan(s, c, &p);
  if (p.why == TCT_WHY_NONE)
    return QUIET;
  if (!tct_stack_may_send(s, c->ifi, c->key.raddr, &c->ready, TCT_LINK_TCP))
    return WAITS;
  tct_seq edge = c->rcv.edge;
  if (p.plain && tct_tcp_plain_build(s, c, &p, &edge, f, out)) {
    TCT_CHECKED(is_as_any(s, c, &p, f));
    trace(s, c, &p, edge);
    tct_tcp_plain_on_sent(s, c, &p, edge);
    tct_tcp_check(s, c);
    if (tct_tcp_send_unsent(c) > 0)
      return SENT;
    TCT_CHECKED(tct_tcp_plan_is_idle(s, c)); /* what the plan could speak of is paid or absent */
    return SENT_LAST;
  }
  return output_any(s, c, &p, f, out);
}

static void end_burst(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_cc_on_burst_end(s, c);
  tct_tcp_pace_on_burst_end(s, c);
  tct_tcp_timer_on_idle(s, c);
  tct_tcp_block_settle(s, c);
}

/* Fair turns; who is alone has the next one at once. */
size_t tct_tcp_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out, size_t n) {
  struct tct_list *ready = &s->ifs[ifi].tcp_ready, *node;
  size_t made = 0;
  while (made < n && (node = tct_list_pop_head(ready)) != NULL) {
    struct tct_tcp *c = TCT_CONTAINER_OF(node, struct tct_tcp, ready);
    enum turn turn = output_one(s, c, &f[made], &out[made]);
    if (turn == WAITS)
      continue;
    if (turn != QUIET)
      made++;
    bool has_more = turn == SENT || (turn == SENT_LAST && (made == n || !tct_list_is_empty(ready)));
    if (has_more)
      tct_list_push_tail(ready, &c->ready);
    else
      end_burst(s, c);
  }
  return made;
}

/* ---- Segments without a plan ----------------------------------------------------------------- */

bool tct_tcp_output_reply(tct_stack *s, struct tct_tcp_reply *r) {
  uint8_t buf[TCT_TCP_HEADER_MAX];
  r->h.sport = r->key.lport;
  r->h.dport = r->key.rport;
  struct tct_ip_tx tx = {
      .src = r->key.laddr,
      .dst = r->key.raddr,
      .ifi = r->ifi,
      .proto = TCT_IPPROTO_TCP,
      .hop_limit = r->hop_limit != 0 ? r->hop_limit : s->cfg.hop_limit,
      .tclass = r->tclass,
      .dont_frag = true,
  };
  if (!tct_bytes_addr_is_ipv4(&tx.dst))
    tx.flow_label = tct_ip_flow_label(s, tx.src, tx.dst, r->key.lport, r->key.rport);
  size_t len = tct_wire_tcp_emit(buf, &r->h, (enum tct_tcp_opt_layout)s->tcp->profile->layout);
  tct_wire_tcp_finish(buf, &tx.src, &tx.dst, NULL, 0);
  if (!tct_ip_reply(s, &tx, buf, (uint32_t)len, r->why))
    return false;
  s->n.OutSegs++;
  if ((r->h.flags & TCT_RST) != 0)
    s->n.OutRsts++;
  tct_tcp_trace_reply(s, r);
  return true;
}

/* [RFC9293 EP-1] [RFC9293 EP-3]: with an ACK, its number is our SEQ; without, we acknowledge all of
 * it. */
void tct_tcp_output_reset(tct_stack *s, const struct tct_pkt *p, const struct tct_tcp_hdr *h,
                          tct_why why) {
  struct tct_tcp_reply r;
  uint32_t len = p->l4_len - h->header_len;
  if ((h->flags & TCT_RST) != 0 && !TCT_PLANT(RST_ANSWERS_RST))
    return;
  memset(&r, 0, sizeof r);
  tct_tcp_demux_tuple(p, h, &r.key);
  r.ifi = p->ifi;
  r.why = why;
  if ((h->flags & TCT_ACK) != 0 && TCT_RULE(EP_1)) {
    r.h.seq = h->ack;
    r.h.flags = TCT_RST;
  } else {
    uint32_t syn = (h->flags & TCT_SYN) != 0 ? 1 : 0, fin = (h->flags & TCT_FIN) != 0 ? 1 : 0;
    r.h.ack = tct_seq_add(h->seq, len + syn + fin);
    r.h.flags = TCT_RST | TCT_ACK;
  }
  (void)tct_tcp_output_reply(s, &r);
}

static void from_conn(tct_stack *s, const struct tct_tcp *c, uint8_t flags, tct_why why,
                      struct tct_tcp_reply *r) {
  memset(r, 0, sizeof *r);
  r->key = c->key;
  r->ifi = c->ifi;
  r->h.seq = tct_tcp_send_bare_seq(c);
  r->h.ack = c->rcv.nxt;
  r->h.flags = flags;
  r->tclass = c->tclass;
  if (flags == TCT_ACK) {
    struct tct_tcp_plan bare = {.flags = TCT_ACK};
    tct_wire_tcp_set_ace(&r->h, tct_tcp_ecn_ace(s, c, &bare));
    r->tclass |= tct_tcp_ecn_ip(s, c, &bare);
  }
  r->h.window = tct_tcp_recv_window_field(c, c->rcv.edge, false);
  r->hop_limit = c->hop_limit;
  r->why = why;
  if ((c->open & TCT_OPEN_TS) != 0) {
    tct_tcp_options_data(s, c, &r->h.opt);
    r->h.opt.n_sack = 0;
    r->h.opt.accecn.kind = 0;
  }
}

/* [RFC9293 EP-41] SEQ = SND.NXT; but after a window probe that is beyond the peer's window, where
 * an exact check (RFC 5961 3.2) would never take the RST: then the window's edge (bare_seq). */
void tct_tcp_output_rst(tct_stack *s, struct tct_tcp *c, tct_why why) {
  struct tct_tcp_reply r;
  from_conn(s, c, TCT_RST | TCT_ACK, why, &r);
  (void)tct_tcp_output_reply(s, &r);
}

void tct_tcp_output_ack_now(tct_stack *s, struct tct_tcp *c, tct_why why) {
  struct tct_tcp_reply r;
  from_conn(s, c, TCT_ACK, why, &r);
  (void)tct_tcp_output_reply(s, &r);
}
