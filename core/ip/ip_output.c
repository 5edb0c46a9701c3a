/* SPDX-License-Identifier: MIT */
/*
 * ip_output.c - the header of an outgoing packet, its identification and its flow label.
 *
 * Called by TCP and UDP for each frame and by ip_reply.c. Where a packet goes was settled before
 * (ip_path.c); whether it fits is the caller's business. RFC 791, RFC 6864 (IPv4 ID), RFC 8200,
 * RFC 7739 (fragment identification), RFC 6437 (flow label).
 */
#include "ip/ip.h"

enum { STEP_MAX = 8 };

/* An identification must not repeat for a pair and protocol while an earlier packet may live, and
 * nobody else shall guess it. So each pair counts up from a secret start of its own. Pairs whose
 * hash falls into one slot share its counter; the random step keeps one of them from counting what
 * the other was sent. */
uint32_t tct_ip_output_id(tct_stack *s, const struct tct_ip_tx *tx) {
  uint64_t hash = tct_ip_hash(s, TCT_IP_HASH_ID, tx->src, tx->dst, tx->proto);
  uint32_t *counter = &s->ip->ids[hash % TCT_IP_ID_SLOTS];
  *counter += 1 + tct_prng_below(&s->prng, STEP_MAX);
  uint32_t id = (uint32_t)(hash >> 32) + *counter;
  return tct_bytes_addr_is_ipv4(&tx->dst) ? id & 0xffff : id;
}

static void fill(const struct tct_ip_tx *tx, bool v4, struct tct_ip_hdr *h) {
  memset(h, 0, sizeof *h);
  h->src = tx->src;
  h->dst = tx->dst;
  h->family = v4 ? 4 : 6;
  h->proto = tx->proto;
  h->hop_limit = tx->hop_limit;
  h->tclass = tx->tclass;
  h->flow_label = tx->flow_label;
}

size_t tct_ip_output_header(tct_stack *s, const struct tct_ip_tx *tx, uint32_t l4_len, uint8_t *p) {
  bool v4 = tct_bytes_addr_is_ipv4(&tx->dst);
  TCT_ASSERT(l4_len <= (v4 ? UINT16_MAX - TCT_IP4_HEADER_LEN : UINT16_MAX));
  struct tct_ip_hdr h;
  fill(tx, v4, &h);
  h.payload_len = (uint16_t)l4_len;
  h.dont_frag = tx->dont_frag;
  /* RFC 6864 4.1: the ID of what can never be a fragment means nothing, and tells nothing; a resend
   * may repeat it [RFC9293 MAY-4]. */
  if (v4 && !tx->dont_frag)
    h.id = tct_ip_output_id(s, tx);
  return tct_wire_ip_emit(p, &h);
}

size_t tct_ip_output_fragment(tct_stack *s, const struct tct_ip_tx *tx,
                              const struct tct_ip_piece *piece, uint8_t *p) {
  struct tct_ip_hdr h;
  fill(tx, tct_bytes_addr_is_ipv4(&tx->dst), &h);
  h.payload_len = (uint16_t)piece->len;
  h.id = piece->id;
  h.frag_off_bytes = (uint16_t)piece->off;
  h.frag_more = piece->more;
  h.is_frag = true;
  s->n.FragCreates++;
  return tct_wire_ip_emit(p, &h);
}

uint32_t tct_ip_flow_label(tct_stack *s, tct_addr src, tct_addr dst, uint16_t sport,
                           uint16_t dport) {
  uint64_t hash = tct_ip_hash(s, TCT_IP_HASH_FLOW, src, dst, (uint32_t)sport << 16 | dport);
  uint32_t label = (uint32_t)hash & 0xfffff;
  return label == 0 ? 1 : label; /* 0 says that there is none */
}
