/* SPDX-License-Identifier: MIT */
/*
 * tcp_dupack.c - what duplicate ACKs prove where the peer has no SACK: each that one segment more
 * has arrived. Alone writes rec.dupacks and its limits, but for resets by tcp_recover, which calls
 * it. RFC 5681 section 3.2, RFC 6582 section 3.2; counted as Linux does.
 */
#include "tcp/calls.h"

/* No more can have arrived than is out, less the hole. */
static void limit_duplicates(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                             uint32_t more) {
  uint32_t out = a->runs.all.segs;
  uint32_t holes = tct_min_u32(tct_max_u32(a->runs.lost.segs, 1), out);
  if (a->rec.dupacks + holes <= out)
    return;
  a->rec.dupacks = (uint16_t)(out - holes);
  tct_tcp_rack_on_many_duplicates(s, c, out + more);
}

/* A round trip brings at most one duplicate for each segment that was out when it began: forged
 * ones buy nothing (Savage 1999; RFC 5681 3.2 allows such a limit). */
void tct_tcp_dupack_add(tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = c->active;
  struct tct_tcp_rec *rec = &a->rec;
  uint32_t now_ms = s->now_ms, round_ms = c->rtt.srtt_us8 / 8000 + 1;
  uint32_t before = rec->dupacks;
  if ((c->open & TCT_OPEN_SACK) != 0 || !ack->duplicate)
    return;
  if (rec->dupacks == 0 || tct_ms32_since(now_ms, rec->dupacks_ms) >= round_ms) {
    rec->dupacks_max = (uint16_t)tct_min_u32(before + a->runs.all.segs, UINT16_MAX);
    rec->dupacks_ms = now_ms;
  }
  if (rec->dupacks < rec->dupacks_max)
    rec->dupacks++;
  limit_duplicates(s, c, a, 0);
  if (rec->dupacks > before) {
    ack->delivered_segs++;
    ack->delivered_bytes += c->snd.mss;
  }
}

/* One segment filled the hole, the others had been told of by duplicates. */
void tct_tcp_dupack_eat(tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = c->active;
  uint32_t segs = ack->acked_segs;
  if ((c->open & TCT_OPEN_SACK) != 0 || segs == 0)
    return;
  if (ack->resent_acked) /* what lay behind the hole had come before: no proof of a false time-out
                          */
    ack->orig_acked = false;
  uint32_t told = tct_min_u32(a->rec.dupacks, segs - 1);
  ack->delivered_segs = segs - told;
  ack->delivered_bytes = tct_sub_floor_u32(ack->delivered_bytes, told * c->snd.mss);
  a->rec.dupacks = (uint16_t)(a->rec.dupacks - told);
  limit_duplicates(s, c, a, segs);
}
