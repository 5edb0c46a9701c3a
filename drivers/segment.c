/* SPDX-License-Identifier: MIT */
/*
 * segment.c - cuts a super-segment, or finishes a packet whose checksum was left open, in software.
 *
 * The last step before a link that has no offload: the drivers, the simulated link and the capture
 * tee call it. TCP itself never knows (one path, not two). IPv4 and IPv6, TCP and UDP; a frame of
 * anything else goes through as it is. Every segment but the last carries seg_size bytes; FIN and
 * PSH stay on the last, CWR on the first if the frame asks for it, IPv4 IDs count up. What all
 * packets of a frame have in common is added up once; the payload's sum is made while it is copied.
 */
#include "drivers/segment.h"

#include <string.h>

#include "util/seq.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/udp.h"

/* ---- A frame's bytes in order -----------------------------------------------------------------
 */

/* Copies up to len bytes and moves on; feeds them to sum unless NULL. Returns how many there were.
 */
static size_t copy_out(struct tct_cut *c, uint8_t *to, size_t len, struct tct_checksum *sum) {
  size_t done = 0;
  while (done < len && c->piece < c->f->n_iov) {
    const tct_iov *v = &c->f->iov[c->piece];
    size_t n = tct_min_size(v->len - c->offset, len - done);
    const uint8_t *from = (const uint8_t *)v->base + c->offset;
    if (sum != NULL && n != 0)
      tct_checksum_copy(sum, to + done, from, n);
    else if (n != 0)
      memcpy(to + done, from, n);
    done += n;
    c->offset += n;
    if (c->offset == v->len)
      c->offset = 0, c->piece++;
  }
  return done;
}

/* The sum of n bytes of headers as a number. */
static uint32_t sum_of(const uint8_t *p, size_t n) {
  return (uint16_t)~tct_checksum_of(p, n);
}

/* ---- One packet -------------------------------------------------------------------------------
 */

static size_t copy_whole(struct tct_cut *c, uint8_t *to) {
  return copy_out(c, to, c->f->len, NULL) == c->f->len ? c->f->len : 0;
}

/* The field holds the pseudo-header's sum; it and all that follows csum_start is added up. */
static size_t copy_finished(struct tct_cut *c, uint8_t *to) {
  const tct_frame *f = c->f;
  struct tct_checksum sum;
  size_t field_at = (size_t)f->csum_start + f->csum_offset;
  if (field_at + 2 > f->len || copy_out(c, to, f->csum_start, NULL) != f->csum_start)
    return 0;
  size_t rest = f->len - f->csum_start;
  tct_checksum_init(&sum);
  sum.fast_copy = c->copy_sum;
  if (copy_out(c, to + f->csum_start, rest, &sum) != rest)
    return 0;
  uint16_t field = tct_checksum_field(&sum);
  tct_bytes_put16(to + field_at, field == 0 ? 0xffff : field);
  return f->len;
}

/* ---- Many -------------------------------------------------------------------------------------
 */

/* False: not a frame that can be cut. */
static bool find_headers(struct tct_cut *c, struct tct_ip_hdr *ip) {
  const tct_frame *f = c->f;
  size_t link = c->link_len;
  if (f->n_iov == 0 || f->iov[0].len < link || f->len < link || link > TCT_SEGMENT_LINK_MAX)
    return false;
  const uint8_t *packet = (const uint8_t *)f->iov[0].base + link;
  if (tct_wire_ip_parse(packet, f->iov[0].len - link, f->len - link, ip) != TCT_ACCEPTED)
    return false;
  size_t len = 0;
  if (ip->is_frag)
    return false;
  if (ip->proto == TCT_IPPROTO_TCP && ip->payload_have >= TCT_TCP_HEADER_LEN)
    len = (size_t)(ip->payload[12] >> 4) * 4;
  else if (ip->proto == TCT_IPPROTO_UDP)
    len = TCT_UDP_HEADER_LEN;
  if (len < TCT_UDP_HEADER_LEN || len > ip->payload_have)
    return false;
  c->l4_at = link + ip->header_len;
  c->headers_len = c->l4_at + len;
  c->payload_len = (uint32_t)(ip->payload_len - len);
  c->family = ip->family;
  c->proto = ip->proto;
  return c->headers_len <= TCT_SEGMENT_HEADERS_MAX &&
         (ip->proto == TCT_IPPROTO_UDP || len >= TCT_TCP_HEADER_LEN);
}

/* What differs from packet to packet is taken out of the headers, and the rest is added up. */
static void prepare_headers(struct tct_cut *c, const struct tct_ip_hdr *ip) {
  uint8_t *packet = c->headers + c->link_len, *l4 = c->headers + c->l4_at;
  struct tct_checksum pseudo;
  if (c->family == 4) {
    c->id = tct_bytes_get16(packet + 4);
    memset(packet + 2, 0, 4);
    tct_bytes_put16(packet + 10, 0);
    c->ip_sum = sum_of(packet, ip->header_len);
  }
  if (c->proto == TCT_IPPROTO_UDP) {
    c->no_checksum =
        c->family == 4 && c->f->csum != TCT_CSUM_PARTIAL && tct_bytes_get16(l4 + 6) == 0;
    memset(l4 + 4, 0, 4);
  } else {
    c->seq = tct_bytes_get32(l4 + 4);
    c->tcp_flags = l4[13];
    memset(l4 + 4, 0, 4);
    l4[13] = 0;
    tct_bytes_put16(l4 + TCT_TCP_CHECKSUM_AT, 0);
  }
  tct_checksum_init(&pseudo);
  tct_checksum_feed_pseudo(&pseudo, &ip->src, &ip->dst, c->proto, 0);
  c->l4_sum = tct_checksum_sum(&pseudo) + sum_of(l4, c->headers_len - c->l4_at);
}

static void patch_ip(const struct tct_cut *c, uint8_t *packet, uint32_t len) {
  if (c->family == 6) {
    tct_bytes_put16(packet + 4, (uint16_t)(len - TCT_IP6_HEADER_LEN));
    return;
  }
  uint16_t id = (uint16_t)(c->id + c->nth);
  tct_bytes_put16(packet + 2, (uint16_t)len);
  tct_bytes_put16(packet + 4, id);
  tct_bytes_put16(packet + 10, (uint16_t)~tct_checksum_fold((uint64_t)c->ip_sum + len + id));
}

static uint8_t flags_of(const struct tct_cut *c, bool last) {
  uint8_t flags = c->tcp_flags;
  if (!last)
    flags = (uint8_t)(flags & ~(TCT_FIN | TCT_PSH));
  if (c->nth > 0 && (c->f->flags & TCT_FRAME_CWR_FIRST_ONLY) != 0)
    flags = (uint8_t)(flags & ~TCT_CWR);
  return flags;
}

static void patch_tcp(const struct tct_cut *c, uint8_t *l4, uint32_t l4_len, bool last,
                      uint32_t payload_sum) {
  uint32_t seq = tct_seq_add(c->seq, c->done);
  uint8_t flags = flags_of(c, last);
  uint64_t sum = (uint64_t)c->l4_sum + l4_len + seq + flags + payload_sum;
  tct_bytes_put32(l4 + 4, seq);
  l4[13] = flags;
  tct_bytes_put16(l4 + TCT_TCP_CHECKSUM_AT, (uint16_t)~tct_checksum_fold(sum));
}

static void patch_udp(const struct tct_cut *c, uint8_t *l4, uint32_t l4_len, uint32_t payload_sum) {
  uint64_t sum = (uint64_t)c->l4_sum + l4_len + l4_len + payload_sum;
  uint16_t field = (uint16_t)~tct_checksum_fold(sum);
  tct_bytes_put16(l4 + 4, (uint16_t)l4_len);
  if (!c->no_checksum)
    tct_bytes_put16(l4 + 6, field == 0 ? 0xffff : field); /* 0 would mean "none", RFC 768 */
}

static size_t copy_cut(struct tct_cut *c, uint8_t *to, size_t cap) {
  uint32_t size = c->f->seg_size != 0 ? c->f->seg_size : c->payload_len;
  uint32_t n = tct_min_u32(size, c->payload_len - c->done);
  uint32_t l4_len = (uint32_t)(c->headers_len - c->l4_at) + n;
  struct tct_checksum sum;
  if (c->headers_len + n > cap)
    return 0;
  tct_checksum_init(&sum);
  sum.fast_copy = c->copy_sum;
  memcpy(to, c->headers, c->headers_len);
  if (copy_out(c, to + c->headers_len, n, &sum) != n)
    return 0; /* f->len promised more than its pieces hold */
  patch_ip(c, to + c->link_len, (uint32_t)(c->l4_at - c->link_len) + l4_len);
  if (c->proto == TCT_IPPROTO_UDP)
    patch_udp(c, to + c->l4_at, l4_len, tct_checksum_sum(&sum));
  else
    patch_tcp(c, to + c->l4_at, l4_len, c->done + n == c->payload_len, tct_checksum_sum(&sum));
  c->done += n;
  c->nth++;
  return c->headers_len + n;
}

void tct_segment_begin(struct tct_cut *c, const tct_frame *f, size_t link_len,
                       tct_copy_sum_fn copy_sum) {
  struct tct_ip_hdr ip;
  memset(c, 0, offsetof(struct tct_cut, headers));
  c->f = f;
  c->link_len = link_len;
  c->copy_sum = copy_sum;
  c->whole = tct_segment_is_plain(f) || (f->seg_size == 0 && f->csum == TCT_CSUM_PARTIAL);
  if (c->whole)
    return;
  bool known = find_headers(c, &ip);
  if (known && copy_out(c, c->headers, c->headers_len, NULL) == c->headers_len)
    prepare_headers(c, &ip);
  else
    c->whole = true;
}

/* What is whole, or cannot be cut: that only goes out where it is no more than one packet. */
static size_t copy_one(struct tct_cut *c, uint8_t *to, size_t cap) {
  if (c->f->len > cap || c->f->seg_size != 0)
    return 0;
  return c->f->csum == TCT_CSUM_PARTIAL ? copy_finished(c, to) : copy_whole(c, to);
}

size_t tct_segment_next(struct tct_cut *c, uint8_t *to, size_t cap) {
  if (c->nth > 0 && (c->whole || c->done == c->payload_len))
    return 0;
  if (!c->whole)
    return copy_cut(c, to, cap);
  c->nth++;
  return copy_one(c, to, cap);
}

/* ---- To who wants them one by one -------------------------------------------------------------
 */

size_t tct_segment_linked(const tct_frame *f, size_t link_len, tct_segment_fn fn, void *ctx) {
  uint8_t buf[TCT_SEGMENT_PACKET_MAX];
  struct tct_cut c;
  size_t n = 0, len;
  if (tct_segment_is_plain(f) && f->n_iov == 1) {
    fn(ctx, f->iov[0].base, f->iov[0].len);
    return 1;
  }
  tct_segment_begin(&c, f, link_len, NULL);
  while ((len = tct_segment_next(&c, buf, sizeof buf)) > 0) {
    fn(ctx, buf, len);
    n++;
  }
  return n;
}

size_t tct_segment(const tct_frame *f, tct_segment_fn fn, void *ctx) {
  return tct_segment_linked(f, 0, fn, ctx);
}
