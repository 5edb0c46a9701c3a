/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: bursts of packets that nearly continue one another, joined by drivers/merge.c and
 * cut again by drivers/segment.c. Each packet must come back as it was, but for IPv4's
 * identification, and only packets whose checksums are right may have been joined or passed as
 * good.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/merge.h"
#include "drivers/segment.h"
#include "util/seq.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum { PACKETS = 24, ROOM = 2048, LINK = 14 };

static struct {
  size_t link_len, n, at; /* at: the packet that is to come back next */
  uint8_t *packet[PACKETS];
  uint8_t before[PACKETS][ROOM];
  size_t len[PACKETS];
  tct_iov iov[PACKETS];
  tct_frame f[PACKETS];
} b;

/* What the sender's next packet says, by the input changed now and then. */
struct sender {
  struct tct_ip_hdr ip;
  uint32_t seq, ack, window, ts;
  uint8_t flags;
};

static uint32_t emit(const struct sender *s, uint32_t text_len, uint8_t *to) {
  struct tct_ip_hdr ip = s->ip;
  ip.payload_len = (uint16_t)(32 + text_len);
  uint8_t *tcp = to + tct_wire_ip_emit(to, &ip);
  tct_bytes_put16(tcp, 4000);
  tct_bytes_put16(tcp + 2, 80);
  tct_bytes_put32(tcp + 4, s->seq);
  tct_bytes_put32(tcp + 8, s->ack);
  tct_bytes_put32(tcp + 12, 8u << 28 | (uint32_t)s->flags << 16 | s->window);
  tct_bytes_put32(tcp + 16, 0);
  tct_bytes_put32(tcp + 20, 0x0101080a);
  tct_bytes_put32(tcp + 24, s->ts);
  tct_bytes_put32(tcp + 28, 1);
  for (uint32_t i = 0; i < text_len; i++)
    tcp[32 + i] = (uint8_t)(s->seq + i);
  tct_bytes_put16(tcp + 16,
                  tct_checksum_of_packet(&ip.src, &ip.dst, TCT_IPPROTO_TCP, tcp, ip.payload_len));
  return (uint32_t)(tcp - to) + ip.payload_len;
}

static void change(struct sender *s, struct fuzz_in *in) {
  switch (fuzz_below(in, 8)) {
  case 0:
    s->seq = fuzz_u32(in);
    break;
  case 1:
    s->ack++;
    break;
  case 2:
    s->window = fuzz_u8(in);
    break;
  case 3:
    s->ts++;
    break;
  case 4:
    s->flags = fuzz_u8(in);
    break;
  case 5:
    s->ip.tclass = fuzz_u8(in);
    break;
  case 6:
    s->ip.id = fuzz_u16(in);
    break;
  default:
    s->ip.hop_limit ^= 1;
  }
}

enum {
  CHANGED = 1,
  PUSHED = 2,
  SPOILED = 4,
  PADDED = 8,
  BELIEVED = 16,
  CUT_SHORT = 32,
  APART = 64
};

static void add(struct sender *s, struct fuzz_in *in, uint32_t size) {
  uint8_t what = fuzz_u8(in), bytes[ROOM] = {0};
  size_t i = b.n++;
  if ((what & CHANGED) != 0)
    change(s, in);
  uint8_t flags = s->flags;
  s->flags |= (what & PUSHED) != 0 ? TCT_PSH : 0;
  uint32_t text_len = (what & CUT_SHORT) != 0 ? fuzz_below(in, 1460) : size;
  uint32_t len = (uint32_t)b.link_len + emit(s, text_len, bytes + b.link_len);
  s->flags = flags;
  s->seq = tct_seq_add(s->seq, text_len);
  if ((what & SPOILED) != 0)
    bytes[fuzz_below(in, len)] ^= fuzz_u8(in);
  len += (what & PADDED) != 0 ? fuzz_below(in, 16) : 0;
  b.packet[i] = fuzz_copy(bytes, len);
  memcpy(b.before[i], bytes, ROOM);
  b.len[i] = len;
  b.iov[i] = (tct_iov){b.packet[i], len};
  b.f[i] = (tct_frame){.iov = &b.iov[i], .n_iov = 1, .len = len};
  b.f[i].csum = (what & BELIEVED) != 0 ? TCT_CSUM_GOOD : TCT_CSUM_CHECK;
  b.f[i].seg_size = (what & APART) != 0 ? 7 : 0;
}

static bool is_right(const uint8_t *packet, size_t len) {
  struct tct_ip_hdr ip;
  if (tct_wire_ip_parse(packet, len, len, &ip) != TCT_ACCEPTED)
    return false;
  return tct_checksum_is_packet_ok(&ip.src, &ip.dst, ip.proto, ip.payload, ip.payload_len, NULL);
}

/* The sums, and IPv4's identification, are judged by themselves. */
static void blank(uint8_t *packet) {
  bool v4 = packet[0] >> 4 == 4;
  if (v4)
    memset(packet + 4, 0, 2);
  if (v4)
    memset(packet + 10, 0, 2);
  memset(packet + (v4 ? 20 : 40) + TCT_TCP_CHECKSUM_AT, 0, 2);
}

static void on_cut(void *ctx, const void *packet, size_t len) {
  const tct_frame *f = ctx;
  uint8_t is[ROOM], was[ROOM];
  FUZZ_CHECK(b.at < b.n && len <= b.len[b.at]);
  memcpy(is, packet, len);
  memcpy(was, b.before[b.at], ROOM);
  FUZZ_CHECK(is_right(is + b.link_len, len - b.link_len));
  FUZZ_CHECK(is_right(was + b.link_len, len - b.link_len) || f->token != 0);
  blank(is + b.link_len);
  blank(was + b.link_len);
  FUZZ_CHECK(memcmp(is, was, len) == 0);
  b.at++;
}

static void check(const tct_frame *f, const bool *believed) {
  if (f->n_iov > 1) {
    tct_frame copy = *f;
    for (size_t i = 0; i < f->n_iov; i++) /* what the device vouches for need not be right */
      copy.token |= believed[b.at + i];
    FUZZ_CHECK(f->csum == TCT_CSUM_GOOD && f->seg_size != 0);
    FUZZ_CHECK(tct_segment_linked(f, b.link_len, on_cut, &copy) == f->n_iov);
    return;
  }
  FUZZ_CHECK(f->len == b.len[b.at] && f->iov[0].len == f->len);
  FUZZ_CHECK(memcmp(f->iov[0].base, b.before[b.at], f->len) == 0);
  if (f->csum == TCT_CSUM_GOOD && !believed[b.at])
    FUZZ_CHECK(is_right(b.before[b.at] + b.link_len, f->len - b.link_len));
  b.at++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_in in = {data, size};
  struct sender s = {.flags = TCT_ACK, .window = 500};
  bool believed[PACKETS];
  memset(&b, 0, sizeof b);
  uint8_t how = fuzz_u8(&in);
  bool v4 = (how & 1) != 0;
  s.ip = (struct tct_ip_hdr){.src = v4 ? tct_addr_ipv4(10, 0, 0, 2) : (tct_addr){{0xfd, 1}},
                             .dst = v4 ? tct_addr_ipv4(10, 0, 0, 1) : (tct_addr){{0xfd, 2}},
                             .family = v4 ? 4 : 6,
                             .proto = TCT_IPPROTO_TCP,
                             .hop_limit = 64};
  s.seq = fuzz_u32(&in);
  b.link_len = (how & 2) != 0 ? LINK : 0;
  uint32_t text_len = fuzz_below(&in, 1460);
  while (in.left > 0 && b.n < PACKETS)
    add(&s, &in, text_len);
  for (size_t i = 0; i < b.n; i++)
    believed[i] = b.f[i].csum == TCT_CSUM_GOOD;
  size_t left = tct_merge(b.f, b.n, b.link_len != 0 ? TCT_LINK_ETHERNET : TCT_LINK_IP, NULL);
  FUZZ_CHECK(left <= b.n);
  for (size_t i = 0; i < left; i++)
    check(&b.f[i], believed);
  FUZZ_CHECK(b.at == b.n);
  for (size_t i = 0; i < b.n; i++)
    free(b.packet[i]);
  return 0;
}
