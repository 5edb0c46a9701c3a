/* SPDX-License-Identifier: MIT */
/*
 * P3: the option writer, for every combination of options (each Fast Open length, SACK count,
 * accurate ECN count), both orders and every room from 0 to 44: nothing beyond the room and 40 is
 * written, the length is a multiple of 4 and the one that was told before, and what was written
 * reads as what was meant, or is left out whole. Then TCP, UDP and IP headers: lengths and round
 * trips over each field's edge values.
 */
#include "prove/exhaustive/exhaustive.h"
#include "wire/checksum.c"
#include "wire/ip.c"
#include "wire/ipv4.c"
/* each file has its own refuse_option and the like */
#define refuse_option refuse_option6
#define walk_options walk_options6
#define read_fixed read_fixed6
#define check_fragment check_fragment6
#define AT_CHECKSUM AT_CHECKSUM6
#include "wire/ipv6.c"
#undef AT_CHECKSUM
#define AT_CHECKSUM AT_CHECKSUM_UDP
#define AT_LEN AT_LEN_UDP
#include "wire/tcp_opt.c"
#include "wire/udp.c"
#define add_lengths add_lengths_tcp
#include "wire/tcp.c"

#include <string.h>

#define ROOM 44u

static struct tct_tcp_opts make(unsigned n) {
  struct tct_tcp_opts o;
  memset(&o, 0, sizeof o);
  o.has_mss = n & 1;
  o.has_wscale = n >> 1 & 1;
  o.sack_permitted = n >> 2 & 1;
  o.has_ts = n >> 3 & 1;
  o.has_uto = n >> 4 & 1;
  o.n_sack = (uint8_t)((n >> 5) % 6); /* 5 is one too many */
  unsigned tfo = (n >> 5) / 6 % 9;    /* none, asking, 4..16 both forms */
  static const uint8_t lens[] = {0, 0, 4, 8, 16, 0, 6, 10, 16};
  o.has_tfo = tfo > 0;
  o.tfo_len = lens[tfo];
  o.tfo_exp = tfo >= 5;
  unsigned ecn = (n >> 5) / 54 % 6; /* none; 0..3 fields; the other order */
  o.accecn.kind = ecn == 0 ? 0 : ecn == 5 ? TCT_TOPT_ACCECN0 : TCT_TOPT_ACCECN1;
  o.accecn.fields = (uint8_t)(ecn == 0 ? 0 : ecn == 5 ? 3 : ecn - 1);
  o.accecn.e1b = 0x123456;
  o.accecn.e0b = 0xfedcba;
  o.accecn.ceb = 0x00ff01;
  o.mss = 0xfffe;
  o.wscale = 14;
  o.tsval = 0xdeadbeef;
  o.tsecr = 0x01020304;
  o.uto_raw = 0x8001;
  for (uint32_t i = 0; i < 4; i++)
    o.sack[i] = (struct tct_tcp_sack_block){0xfffffff0u + 100 * i, 100 * i + 7};
  for (uint8_t i = 0; i < 16; i++)
    o.tfo_cookie[i] = (uint8_t)(i * 17 + 1);
  return o;
}
#define COMBINATIONS (32u * 6 * 9 * 6)

static bool same_accecn(const struct tct_tcp_accecn *a, const struct tct_tcp_accecn *b) {
  return a->kind == b->kind && a->fields == b->fields &&
         (!tct_tcp_accecn_has_e0b(a) || a->e0b == b->e0b) &&
         (!tct_tcp_accecn_has_e1b(a) || a->e1b == b->e1b) &&
         (!tct_tcp_accecn_has_ceb(a) || a->ceb == b->ceb);
}

/* Each option is either as meant or absent; of SACK, the first blocks. */
static bool is_part_of(const struct tct_tcp_opts *got, const struct tct_tcp_opts *o) {
  bool ok = !got->malformed && got->n_unknown == 0;
  ok = ok && (!got->has_mss || (o->has_mss && got->mss == o->mss));
  ok = ok && (!got->has_wscale || (o->has_wscale && got->wscale == o->wscale));
  ok = ok && (!got->sack_permitted || o->sack_permitted);
  ok = ok && (!got->has_ts || (o->has_ts && got->tsval == o->tsval && got->tsecr == o->tsecr));
  ok = ok && (!got->has_uto || (o->has_uto && got->uto_raw == o->uto_raw));
  ok = ok &&
       (!got->has_tfo || (o->has_tfo && got->tfo_len == o->tfo_len && got->tfo_exp == o->tfo_exp &&
                          memcmp(got->tfo_cookie, o->tfo_cookie, o->tfo_len) == 0));
  ok = ok && (got->accecn.kind == 0 || same_accecn(&got->accecn, &o->accecn));
  ok = ok && got->n_sack <= o->n_sack;
  for (unsigned i = 0; ok && i < got->n_sack; i++)
    ok = got->sack[i].begin == o->sack[i].begin && got->sack[i].end == o->sack[i].end;
  return ok;
}

static unsigned count(const struct tct_tcp_opts *o) {
  return o->has_mss + o->has_wscale + o->sack_permitted + o->has_ts + o->has_uto + o->has_tfo +
         (o->accecn.kind != 0) + (o->n_sack < 4 ? o->n_sack : 4u);
}

static void try_options(unsigned n, enum tct_tcp_opt_layout layout, size_t cap) {
  uint8_t b[ROOM + 20];
  struct tct_tcp_opts o = make(n), got;
  memset(b, 0xa5, sizeof b);
  size_t len = tct_wire_tcp_opt_emit(b + 8, cap, &o, layout);
  CLAIM(len <= cap && len <= TCT_TCP_OPT_BYTES_MAX && len % 4 == 0, "%u cap %zu: %zu", n, cap, len);
  for (size_t i = 0; i < sizeof b; i++)
    CLAIM((i >= 8 && i < 8 + len) || b[i] == 0xa5, "%u cap %zu: byte %zu", n, cap, i);
  tct_wire_tcp_opt_parse(b + 8, len, &got);
  CLAIM(is_part_of(&got, &o), "%u layout %d cap %zu", n, layout, cap);
  if (cap >= TCT_TCP_OPT_BYTES_MAX)
    CLAIM(len == tct_wire_tcp_opt_len(&o, layout), "%u: told another length", n);
  /* room for all: nothing is left out */
  size_t need = 0;
  need += o.has_mss ? 4 : 0;
  need += o.has_wscale ? 4 : 0;
  need += o.sack_permitted ? 4 : 0;
  need += o.has_ts ? 12 : 0;
  need += o.has_uto ? 4 : 0;
  need += o.has_tfo ? (size_t)o.tfo_len + 4 : 0;
  need += o.accecn.kind != 0 ? ((size_t)o.accecn.fields * 3 + 5) & ~(size_t)3 : 0;
  need += o.n_sack > 0 ? 4 + 8 * (size_t)o.n_sack : 0;
  if (need + 3 <= tct_min_size(cap, TCT_TCP_OPT_BYTES_MAX))
    CLAIM(count(&got) == count(&o), "%u layout %d cap %zu: %u of %u", n, layout, cap, count(&got),
          count(&o));
}

static const uint32_t edge[] = {0,      1,      0x7f,    0x80,       0xff,       0x100,     0x7fff,
                                0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
#define EDGES TCT_ARRAY_LEN(edge)

static void try_tcp(unsigned flags, uint32_t x, uint32_t y, bool ae) {
  uint8_t b[80];
  struct tct_tcp_hdr got, h = {.sport = (uint16_t)x,
                               .dport = (uint16_t)y,
                               .seq = x,
                               .ack = y,
                               .flags = (uint8_t)flags,
                               .ae = ae,
                               .window = (uint16_t)(x ^ y),
                               .urgent = (uint16_t)(x >> 16)};
  memset(b, 0xa5, sizeof b);
  h.opt = make(flags * 37 % COMBINATIONS);
  size_t len = tct_wire_tcp_emit(b + 8, &h, TCT_TCP_OPT_LINUX);
  CLAIM(len >= 20 && len <= 60 && len % 4 == 0 && b[7] == 0xa5 && b[8 + len] == 0xa5, "%zu", len);
  CLAIM(tct_wire_tcp_parse(b + 8, len, &got) == TCT_ACCEPTED && got.header_len == len, "%zu", len);
  CLAIM(got.sport == h.sport && got.dport == h.dport && got.seq == h.seq && got.ack == h.ack &&
            got.flags == h.flags && got.ae == h.ae && got.reserved == 0 && got.window == h.window &&
            got.urgent == h.urgent,
        "flags %#x", flags);
}

static void try_ip(uint8_t family, uint32_t x, uint32_t y, unsigned frag) {
  uint8_t b[80 + 64];
  struct tct_ip_hdr got, h;
  memset(&h, 0, sizeof h);
  memset(b, 0, sizeof b);
  h.family = family;
  h.proto = TCT_IPPROTO_UDP;
  h.hop_limit = (uint8_t)x;
  h.tclass = (uint8_t)y;
  h.payload_len = 64;
  h.id = family == 4 ? (uint16_t)y : y;
  h.flow_label = family == 6 ? x & 0xfffff : 0;
  h.is_frag = frag != 0;
  h.frag_more = (frag & 1) != 0;
  h.frag_off_bytes = (uint16_t)((frag >> 1) * 0x1ff8u);
  h.dont_frag = family == 4 && (x & 1) != 0;
  for (unsigned i = 0; i < 16; i++) {
    h.src.b[i] =
        family == 4 && i < 12 ? (uint8_t)(i < 10 ? 0 : 0xff) : (uint8_t)(0x20 + i + (x & 63));
    h.dst.b[i] =
        family == 4 && i < 12 ? (uint8_t)(i < 10 ? 0 : 0xff) : (uint8_t)(0x30 + i + (y & 63));
  }
  size_t len = tct_wire_ip_emit(b, &h);
  CLAIM(len == tct_wire_ip_emit_len(&h) && len <= TCT_IP_EMIT_MAX, "%zu", len);
  CLAIM(tct_wire_ip_parse(b, len + 64, len + 64, &got) == TCT_ACCEPTED, "family %u", family);
  CLAIM(got.family == h.family && got.proto == h.proto && got.hop_limit == h.hop_limit &&
            got.tclass == h.tclass && got.header_len == len && got.payload_len == 64 &&
            got.payload == b + len && memcmp(&got.src, &h.src, 32) == 0 &&
            got.is_frag == h.is_frag && got.frag_more == h.frag_more &&
            got.frag_off_bytes == h.frag_off_bytes && got.flow_label == h.flow_label &&
            ((family == 6 && !h.is_frag) || got.id == h.id),
        "family %u %x %x", family, x, y);
}

int main(void) {
  for (unsigned n = 0; n < COMBINATIONS; n++) {
    for (unsigned layout = 0; layout < TCT_TCP_OPT_LAYOUT_COUNT; layout++) {
      for (size_t cap = 0; cap <= ROOM; cap++)
        try_options(n, (enum tct_tcp_opt_layout)layout, cap);
    }
  }
  settle("P3 options: within the room, told length, what is read is what was meant");
  for (unsigned flags = 0; flags < 256; flags++) {
    for (unsigned n = 0; n < EDGES * EDGES * 2; n++)
      try_tcp(flags, edge[n / 2 % EDGES], edge[n / 2 / EDGES], n & 1);
  }
  settle("P3 TCP header: 20 to 60 bytes, what is read is what was written");
  for (unsigned n = 0; n < EDGES * EDGES * 18; n++)
    try_ip(n % 2 != 0 ? 4 : 6, edge[n / 18 % EDGES], edge[n / 18 / EDGES], n % 18 / 2);
  settle("P3 IP headers, fragments too: told length, what is read is what was written");
  printf("%u goals, %u proved\n", goals, goals);
  return 0;
}
