/* SPDX-License-Identifier: MIT */
/*
 * segment.c - cuts a super-segment, or finishes a packet whose checksum was left open, in software.
 *
 * The last step before a link that has no offload: the TUN driver, the simulated link and the
 * capture tee call it. TCP itself never knows (one path, not two). IPv4 and IPv6, TCP and UDP; a
 * frame of anything else goes through as it is. Every segment but the last carries seg_size bytes;
 * FIN and PSH stay on the last, CWR on the first if the frame asks for it, IPv4 IDs count up.
 */
#include "drivers/segment.h"

#include <string.h>

#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum {
  LINK_MAX = 14,
  PACKET_MAX = LINK_MAX + 40 + 65535,
  HEADERS_MAX = LINK_MAX + TCT_IP6_HEADER_LEN + TCT_IP6_EXT_BYTES_MAX + TCT_TCP_HEADER_MAX
};

/* Where the next byte of a scattered frame is. */
struct cursor {
  const tct_frame *f;
  size_t piece, offset;
};

struct cut {
  struct tct_ip_hdr ip;
  size_t link_len, headers_len; /* headers_len: link, IP and TCP or UDP header */
  uint32_t payload_len;
  uint32_t seq;
  uint16_t id;
  uint8_t tcp_flags;
  bool no_checksum; /* UDP over IPv4 whose sender made none */
};

/* Copies up to len bytes and moves on; feeds them to c unless NULL. Returns how many there were. */
static size_t copy_out(struct cursor *at, uint8_t *to, size_t len, struct tct_checksum *c) {
  size_t done = 0;
  while (done < len && at->piece < at->f->n_iov) {
    const tct_iov *v = &at->f->iov[at->piece];
    size_t n = tct_min_size(v->len - at->offset, len - done);
    const uint8_t *from = (const uint8_t *)v->base + at->offset;
    if (c != NULL && n != 0)
      tct_checksum_copy(c, to + done, from, n);
    else if (n != 0)
      memcpy(to + done, from, n);
    done += n;
    at->offset += n;
    if (at->offset == v->len)
      *at = (struct cursor){at->f, at->piece + 1, 0};
  }
  return done;
}

static size_t emit_as_it_is(const tct_frame *f, uint8_t *buf, tct_segment_fn fn, void *ctx) {
  if (f->n_iov == 1) {
    fn(ctx, f->iov[0].base, f->iov[0].len);
    return 1;
  }
  struct cursor at = {f, 0, 0};
  if (f->len > PACKET_MAX || copy_out(&at, buf, f->len, NULL) != f->len)
    return 0;
  fn(ctx, buf, f->len);
  return 1;
}

/* The field holds the pseudo-header's sum; it and all that follows csum_start is added up. */
static size_t emit_finished(const tct_frame *f, uint8_t *buf, tct_segment_fn fn, void *ctx) {
  struct cursor at = {f, 0, 0};
  size_t field_at = (size_t)f->csum_start + f->csum_offset;
  if (f->len > PACKET_MAX || field_at + 2 > f->len || copy_out(&at, buf, f->len, NULL) != f->len)
    return 0;
  uint16_t field = tct_checksum_of(buf + f->csum_start, f->len - f->csum_start);
  tct_bytes_put16(buf + field_at, field == 0 ? 0xffff : field);
  fn(ctx, buf, f->len);
  return 1;
}

/* False: not a frame that can be cut. */
static bool find_headers(const tct_frame *f, struct cut *c) {
  size_t link = c->link_len;
  if (f->n_iov == 0 || f->iov[0].len < link || f->len < link || link > LINK_MAX)
    return false;
  const uint8_t *packet = (const uint8_t *)f->iov[0].base + link;
  if (tct_wire_ip_parse(packet, f->iov[0].len - link, f->len - link, &c->ip) != TCT_ACCEPTED)
    return false;
  const uint8_t *l4 = c->ip.payload;
  size_t have = c->ip.payload_have, len = 0;
  if (c->ip.is_frag)
    return false;
  if (c->ip.proto == TCT_IPPROTO_TCP && have >= TCT_TCP_HEADER_LEN)
    len = (size_t)(l4[12] >> 4) * 4;
  else if (c->ip.proto == TCT_IPPROTO_UDP)
    len = TCT_UDP_HEADER_LEN;
  if (len < TCT_UDP_HEADER_LEN || len > have)
    return false;
  c->headers_len = link + c->ip.header_len + len;
  c->payload_len = (uint32_t)(c->ip.payload_len - len);
  if (c->headers_len > HEADERS_MAX || c->headers_len + f->seg_size > PACKET_MAX)
    return false;
  c->id = c->ip.family == 4 ? tct_bytes_get16(packet + 4) : 0;
  if (c->ip.proto == TCT_IPPROTO_UDP) {
    c->no_checksum =
        c->ip.family == 4 && f->csum != TCT_CSUM_PARTIAL && tct_bytes_get16(l4 + 6) == 0;
    return true;
  }
  c->seq = tct_bytes_get32(l4 + 4);
  c->tcp_flags = l4[13];
  return len >= TCT_TCP_HEADER_LEN;
}

static void patch_ip(const struct cut *c, uint8_t *p, uint32_t nth, uint32_t len) {
  if (c->ip.family == 6) {
    tct_bytes_put16(p + 4, (uint16_t)(len - TCT_IP6_HEADER_LEN));
    return;
  }
  tct_bytes_put16(p + 2, (uint16_t)len);
  tct_bytes_put16(p + 4, (uint16_t)(c->id + nth));
  tct_bytes_put16(p + 10, 0);
  tct_bytes_put16(p + 10, tct_checksum_of(p, c->ip.header_len));
}

static uint8_t flags_of(const struct cut *c, const tct_frame *f, bool first, bool last) {
  uint8_t flags = c->tcp_flags;
  if (!last)
    flags = (uint8_t)(flags & ~(TCT_FIN | TCT_PSH));
  if (!first && (f->flags & TCT_FRAME_CWR_FIRST_ONLY) != 0)
    flags = (uint8_t)(flags & ~TCT_CWR);
  return flags;
}

static void patch_l4(const struct cut *c, uint8_t *l4, uint32_t offset, uint8_t flags,
                     uint32_t l4_len) {
  if (c->ip.proto == TCT_IPPROTO_UDP) {
    tct_bytes_put16(l4 + 4, (uint16_t)l4_len);
    return;
  }
  tct_bytes_put32(l4 + 4, c->seq + offset);
  l4[13] = flags;
}

static size_t checksum_at(const struct cut *c) {
  return c->ip.proto == TCT_IPPROTO_UDP ? 6 : TCT_TCP_CHECKSUM_AT;
}

/* Over pseudo-header and header; the payload is added while it is copied. */
static void start_checksum(const struct cut *c, uint8_t *l4, uint32_t l4_len,
                           struct tct_checksum *sum) {
  tct_bytes_put16(l4 + checksum_at(c), 0);
  tct_checksum_init(sum);
  tct_checksum_feed_pseudo(sum, &c->ip.src, &c->ip.dst, c->ip.proto, l4_len);
  tct_checksum_feed(sum, l4, c->headers_len - c->link_len - c->ip.header_len);
}

static void finish_checksum(const struct cut *c, uint8_t *l4, const struct tct_checksum *sum) {
  uint16_t field = tct_checksum_field(sum);
  if (c->no_checksum)
    return;
  if (field == 0 && c->ip.proto == TCT_IPPROTO_UDP)
    field = 0xffff; /* 0 would mean "none", RFC 768 */
  tct_bytes_put16(l4 + checksum_at(c), field);
}

static size_t emit_cut(const tct_frame *f, const struct cut *c, uint8_t *buf, tct_segment_fn fn,
                       void *ctx) {
  struct cursor at = {f, 0, 0};
  uint8_t headers[HEADERS_MAX], *ip = buf + c->link_len, *l4 = ip + c->ip.header_len;
  const uint32_t ip_headers = (uint32_t)(c->headers_len - c->link_len);
  uint32_t size = f->seg_size != 0 ? f->seg_size : c->payload_len;
  uint32_t done = 0;
  size_t nth = 0;
  if (copy_out(&at, headers, c->headers_len, NULL) != c->headers_len)
    return 0;
  do {
    uint32_t n = tct_min_u32(size, c->payload_len - done);
    uint32_t l4_len = ip_headers - (uint32_t)c->ip.header_len + n;
    struct tct_checksum sum;
    memcpy(buf, headers, c->headers_len);
    patch_ip(c, ip, (uint32_t)nth, ip_headers + n);
    patch_l4(c, l4, done, flags_of(c, f, nth == 0, done + n == c->payload_len), l4_len);
    start_checksum(c, l4, l4_len, &sum);
    if (copy_out(&at, buf + c->headers_len, n, &sum) != n)
      break; /* f->len promised more than its pieces hold */
    finish_checksum(c, l4, &sum);
    fn(ctx, buf, c->headers_len + n);
    done += n;
    nth++;
  } while (done < c->payload_len);
  return nth;
}

size_t tct_segment_linked(const tct_frame *f, size_t link_len, tct_segment_fn fn, void *ctx) {
  uint8_t buf[PACKET_MAX];
  struct cut c = {.link_len = link_len};
  if (tct_segment_is_plain(f))
    return emit_as_it_is(f, buf, fn, ctx);
  if (f->seg_size == 0 && f->csum == TCT_CSUM_PARTIAL)
    return emit_finished(f, buf, fn, ctx);
  if (!find_headers(f, &c))
    return f->seg_size == 0 ? emit_as_it_is(f, buf, fn, ctx) : 0;
  return emit_cut(f, &c, buf, fn, ctx);
}

size_t tct_segment(const tct_frame *f, tct_segment_fn fn, void *ctx) {
  return tct_segment_linked(f, 0, fn, ctx);
}
