/* SPDX-License-Identifier: MIT */
/*
 * tcp_accecn.c - accurate ECN: every packet says how many CE marks have come so far, modulo eight,
 * and an option how many bytes came with each mark. Writes extra->ecn_n and, with tcp_ecn, which
 * calls it, c->rcv.ecn. Leaves who asks to tcp_ecn, how much is cut to tcp_cc, room among the
 * options to tcp_options. RFC 9768 sections 3.1 and 3.2, appendix A.
 *
 * Names are the RFC's: r.cep is received_ce + 5, s.cep is delivered_ce + 5, r.e0b is
 * received[ECT(0)] + 1 and so on: counters here start at zero.
 */
#include "tcp/tcp_ecn.h"

enum { CEP_INIT = 5, ACE_MASK = 7 };
enum { E0B_INIT = 1, E1B_INIT = 1, CEB_INIT = 0 };
enum { PENDING_WITH_DATA = 2, PENDING_BARE = 3 }; /* marks that draw an ACK: 3.2.2.5.1 */
enum { DEMAND_ACKS = 2 };                         /* ACKs that tell of a change: one may be lost */
enum { UNUSED_CODE = 5 };

#define AT(field) ((field)-1) /* of arrays without a place for Not-ECT */

/* ---- The handshake: 3.1.1, 3.2.2.1 ----------------------------------------------------------- */

unsigned tct_tcp_accecn_code(unsigned field) {
  static const uint8_t codes[] = {2, 3, 4, 6};
  return codes[field & TCT_IP_ECN_MASK];
}

bool tct_tcp_accecn_start(tct_stack *s, struct tct_tcp *c, unsigned field) {
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  tct_ecn_put(c, TCT_ECNF_CLASSIC, false);
  tct_ecn_put(c, TCT_ECNF_ACCURATE, x != NULL);
  if (x == NULL)
    return false;
  memset(&x->ecn_n, 0, sizeof x->ecn_n);
  x->ecn_n.field = (uint8_t)field;
  x->ecn_n.demand = DEMAND_ACKS;
  tct_ecn_put(c, TCT_ECNF_FIRST, true);
  tct_ecn_set_syn_field(c, field);
  return true;
}

/* Our SYN, or SYN,ACK, left Not-ECT: any other code is a path that writes into the field, where no
 * mark can be trusted, so we send nothing that could be marked (3.2.2.2, 3.2.2.3). */
static void judge_code(struct tct_tcp *c, unsigned ace) {
  if (ace != tct_tcp_accecn_code(TCT_IP_NOT_ECT))
    tct_ecn_put(c, TCT_ECNF_NO_ECT, true);
}

/* Both ECT counters start at one, so a zero is not the peer's: the path clears the option
 * (3.2.3.2.4). */
static void judge_option(struct tct_tcp *c, const struct tct_tcp_accecn *o) {
  bool zeroed =
      (tct_tcp_accecn_has_e0b(o) && o->e0b == 0) || (tct_tcp_accecn_has_e1b(o) && o->e1b == 0);
  if (zeroed)
    tct_ecn_put(c, TCT_ECNF_OPT_BAD, true);
}

/* [RFC9768 3.1.3] 101 is in nobody's use yet: as if it said that the SYN had come unchanged. */
void tct_tcp_accecn_on_syn_ack(struct tct_tcp *c, const struct tct_tcp_hdr *h) {
  unsigned ace = tct_wire_tcp_ace(h);
  if (ace != UNUSED_CODE)
    judge_code(c, ace);
  if (h->opt.accecn.kind != 0)
    judge_option(c, &h->opt.accecn);
  tct_ecn_put(c, TCT_ECNF_HANDSHAKE, true);
  if (c->extra->ecn_n.field == TCT_IP_CE)
    c->extra->ecn_n.received_ce = 1;
}

/* Table 4: what a bare ACK says of our SYN,ACK. Zero is what a path leaves that clears the bits;
 * 1, 5 and 7 mean nothing yet. */
void tct_tcp_accecn_on_third_ack(struct tct_tcp *c, unsigned ace) {
  tct_ecn_put(c, TCT_ECNF_THIRD, true);
  if (ace == tct_tcp_accecn_code(TCT_IP_CE))
    c->extra->ecn_n.delivered_ce = 1;
  if (ace != 1 && ace != UNUSED_CODE && ace != 7)
    judge_code(c, ace);
}

/* ---- What came: 3.2.2.5.1, 3.2.3.3 ----------------------------------------------------------- */

static void count_bytes(struct tct_ecn_counts *n, unsigned field, uint32_t bytes) {
  uint32_t *at = &n->received[AT(field)];
  uint32_t before = *at;
  *at += bytes;
  n->on_data = true;
  if (((before ^ *at) & ~0x3fffffu) != 0 && n->demand == 0) /* well within the 24 bits */
    n->demand = 1;
}

/* Enough marks that the peer could lose count; or a change, which the peer wants to hear of soon.
 */
static void owe_ack(struct tct_tcp *c, unsigned before, uint32_t text_len) {
  struct tct_ecn_counts *n = &c->extra->ecn_n;
  bool unacked = text_len > 0 || c->rcv.nxt != c->rcv.ack_sent;
  bool edge = n->field == TCT_IP_CE && before != TCT_IP_CE && text_len > 0;
  if (edge || n->pending >= (unacked ? PENDING_WITH_DATA : PENDING_BARE))
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_ECN);
}

/* Every acceptable packet counts, bare ACKs too. */
void tct_tcp_accecn_on_segment(struct tct_tcp *c, const struct tct_pkt *p, uint32_t text_len) {
  struct tct_ecn_counts *n = &c->extra->ecn_n;
  unsigned field = p->ip.tclass & TCT_IP_ECN_MASK, before = n->field;
  uint32_t packets = tct_tcp_reasm_segments(p, text_len);
  n->field = (uint8_t)field;
  if (field != TCT_IP_NOT_ECT) {
    tct_ecn_put(c, TCT_ECNF_SEEN, true);
    if (text_len > 0)
      count_bytes(n, field, text_len);
  }
  if (field == TCT_IP_CE) {
    packets = tct_max_u32(packets, 1);
    n->received_ce += packets;
    n->pending = (uint8_t)tct_min_u32(n->pending + packets, UINT8_MAX);
    owe_ack(c, before, text_len);
  }
  if (field == TCT_IP_CE || field != before)
    n->demand = DEMAND_ACKS;
}

/* ---- What goes out --------------------------------------------------------------------------- */

/* The bare ACK of a SYN,ACK tells how that one came; everything else counts. */
unsigned tct_tcp_accecn_ace(const struct tct_tcp *c, bool bare) {
  if (bare && (c->rcv.ecn & TCT_ECNF_HANDSHAKE) != 0)
    return tct_tcp_accecn_code(tct_ecn_syn_field(c));
  return (c->extra->ecn_n.received_ce + CEP_INIT) & ACE_MASK;
}

void tct_tcp_accecn_on_sent(struct tct_tcp *c, bool bare) {
  struct tct_ecn_counts *n = &c->extra->ecn_n;
  n->pending = 0;
  if (n->demand > 0)
    n->demand--;
  if (bare)
    tct_ecn_put(c, TCT_ECNF_HANDSHAKE, false);
}

/* Which counter may be left out: the one that never moved. */
static uint8_t short_kind(const struct tct_ecn_counts *n) {
  return n->received[AT(TCT_IP_ECT1)] == 0 ? TCT_TOPT_ACCECN0 : TCT_TOPT_ACCECN1;
}

void tct_tcp_accecn_initial(struct tct_tcp_opts *o) {
  o->accecn = (struct tct_tcp_accecn){
      .e1b = E1B_INIT, .e0b = E0B_INIT, .ceb = CEB_INIT, .kind = TCT_TOPT_ACCECN1, .fields = 3};
}

/* Whole where there is room. News outweighs a third SACK block, which earlier ACKs have told. */
void tct_tcp_accecn_option(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_opts *o) {
  uint32_t used = o->has_ts ? 12 : 0;
  if (!tct_ecn_is_accurate(c) || s->cfg.ecn_option == TCT_ECN_OPTION_NEVER)
    return;
  const struct tct_ecn_counts *n = &c->extra->ecn_n;
  bool news = n->demand > 0;
  if (!news && s->cfg.ecn_option == TCT_ECN_OPTION_NEWS)
    return;
  if (news && o->has_ts && o->n_sack > 2)
    o->n_sack = 2;
  used += o->n_sack > 0 ? 4 + 8u * o->n_sack : 0;
  uint32_t room = TCT_TCP_OPT_BYTES_MAX - used;
  if (room < 8 || (room < 12 && !news))
    return;
  o->accecn.kind = room >= 12 ? (uint8_t)TCT_TOPT_ACCECN1 : short_kind(n);
  o->accecn.fields = room >= 12 ? 3 : 2;
  o->accecn.e1b = (n->received[AT(TCT_IP_ECT1)] + E1B_INIT) & 0xffffffu;
  o->accecn.e0b = (n->received[AT(TCT_IP_ECT0)] + E0B_INIT) & 0xffffffu;
  o->accecn.ceb = (n->received[AT(TCT_IP_CE)] + CEB_INIT) & 0xffffffu;
}

/* ---- The peer's word: appendix A ------------------------------------------------------------- */

/* The difference of 24-bit counters; an older one gives nothing. */
static uint32_t advance(uint32_t *count, uint32_t init, uint32_t field) {
  uint32_t d = (field + 0x2000000u - init - (*count & 0xffffffu)) & 0xffffffu;
  if (d >= 0x800000u)
    return 0;
  *count += d;
  return d;
}

/* False: no option, or none to believe. *ce: bytes newly told as marked. */
static bool take_option(struct tct_tcp *c, const struct tct_tcp_accecn *o, uint32_t *ce) {
  struct tct_ecn_counts *n = &c->extra->ecn_n;
  *ce = 0;
  if (o->kind == 0 || o->fields == 0 || (c->rcv.ecn & TCT_ECNF_OPT_BAD) != 0)
    return false;
  if (tct_tcp_accecn_has_e0b(o))
    (void)advance(&n->delivered[AT(TCT_IP_ECT0)], E0B_INIT, o->e0b);
  if (tct_tcp_accecn_has_e1b(o))
    (void)advance(&n->delivered[AT(TCT_IP_ECT1)], E1B_INIT, o->e1b);
  if (!tct_tcp_accecn_has_ceb(o))
    return false;
  *ce = advance(&n->delivered[AT(TCT_IP_CE)], CEB_INIT, o->ceb);
  return true;
}

/* Packets newly marked. Three bits tell it while fewer than eight packets are acknowledged; with
 * more they may have gone round, and the option says whether they did; without one the worst is
 * assumed (A.2). */
static uint32_t count_marks(uint32_t told, uint32_t packets, bool has_bytes, uint32_t ce_bytes,
                            uint32_t mss) {
  if (packets <= ACE_MASK)
    return told;
  uint32_t most = packets - ((packets - told) & ACE_MASK);
  if (!has_bytes)
    return most;
  if (ce_bytes > told * mss)
    return tct_min_u32(most, told + (((ce_bytes + mss - 1) / mss - told + ACE_MASK) & ~7u));
  return told;
}

/* Only what is newer than all before: an ACK that was overtaken counts backwards. */
static bool is_newer(struct tct_tcp *c, const struct tct_tcp_hdr *h, const struct tct_tcp_ack *a) {
  struct tct_ecn_counts *n = &c->extra->ecn_n;
  bool has_ts = (c->open & TCT_OPEN_TS) != 0 && h->opt.has_ts;
  bool newer = has_ts && (int32_t)tct_ms32_since(h->opt.tsval, n->tsval) > 0;
  if (newer || (has_ts && n->tsval == 0))
    n->tsval = h->opt.tsval;
  return a->advanced || a->sacked_bytes > 0 || (newer && h->ack == c->snd.una);
}

/* The first packet behind the handshake whose count is zero: the path clears the bits (3.2.2.4). */
static bool is_cleared(struct tct_tcp *c, unsigned ace) {
  bool first = (c->rcv.ecn & TCT_ECNF_FIRST) != 0;
  tct_ecn_put(c, TCT_ECNF_FIRST, false);
  if (first && ace == 0)
    tct_ecn_put(c, TCT_ECNF_NO_ECT, true);
  return first && ace == 0;
}

void tct_tcp_accecn_on_ack(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                           struct tct_tcp_ack *a) {
  struct tct_ecn_counts *n = &c->extra->ecn_n;
  uint32_t mss = tct_tcp_send_mss(s, c), ce_bytes = 0;
  unsigned ace = tct_wire_tcp_ace(h);
  bool third = (c->rcv.ecn & TCT_ECNF_THIRD) != 0;
  tct_ecn_put(c, TCT_ECNF_THIRD, false);
  if ((h->flags & TCT_SYN) != 0)
    return;
  if ((c->rcv.ecn & TCT_ECNF_FIRST) != 0 && h->opt.accecn.kind != 0)
    judge_option(c, &h->opt.accecn);
  if (third || !is_newer(c, h, a) || is_cleared(c, ace))
    return;
  bool has_bytes = take_option(c, &h->opt.accecn, &ce_bytes);
  uint32_t bytes = tct_add_sat_u32(a->acked_bytes, a->sacked_bytes);
  uint32_t told = (ace + 2 * (ACE_MASK + 1) - CEP_INIT - (n->delivered_ce & ACE_MASK)) & ACE_MASK;
  uint32_t marks = count_marks(told, (bytes + mss - 1) / mss, has_bytes, ce_bytes, mss);
  n->delivered_ce += marks;
  a->ece = marks > 0;
  a->ce_bytes = has_bytes ? ce_bytes : tct_min_u32(marks * mss, bytes);
}
