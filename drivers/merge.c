/* SPDX-License-Identifier: MIT */
/*
 * merge.c - joins packets that follow one another into a super-segment, as segment.c cuts one: the
 * stack then takes a burst of a bulk transfer in one step (generic receive offload).
 *
 * Called between a device that does not join by itself and tct_input: host/loop.c, bench/engine.
 * Only neighbours in a burst are joined, and only TCP of the same connection that differs in
 * nothing but the sequence number (the next octet), IPv4's identification, PSH on the last, and the
 * length of the last, which may be shorter. So what the stack sees is what it would have seen, but
 * for the boundaries; anything else passes untouched. Checksums are looked at here, as they are
 * lost by joining; a packet that is wrong goes on alone, and the stack names it. No copy is made: a
 * packet's payload is a further piece of the first one's frame.
 */
#include "drivers/merge.h"

#include <string.h>

#include "util/mem.h"
#include "util/seq.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ip.h"
#include "wire/tcp.h"

enum { IP_MAX = 65535, FLAGS_AT = 13, IP4_DF = 0x4000 };

/* A packet that could be part of a super-segment. */
struct part {
  uint8_t *link, *ip, *tcp;
  uint32_t ip_len, tcp_len, text_len; /* of the headers, and of what is behind them */
  bool checked;
};

/* ---- One packet -------------------------------------------------------------------------------
 */

/* How long it is with its IP header; 0: not TCP over IP without options or fragments. */
static uint32_t read_ip(struct part *p, size_t have) {
  if (have >= TCT_IP4_HEADER_LEN && p->ip[0] == 0x45) {
    p->ip_len = TCT_IP4_HEADER_LEN;
    bool alone = (tct_bytes_get16(p->ip + 6) & ~(unsigned)IP4_DF) == 0;
    return alone && p->ip[9] == TCT_IPPROTO_TCP ? tct_bytes_get16(p->ip + 2) : 0;
  }
  if (have < TCT_IP6_HEADER_LEN || p->ip[0] >> 4 != 6 || p->ip[6] != TCT_IPPROTO_TCP)
    return 0;
  p->ip_len = TCT_IP6_HEADER_LEN;
  return (uint32_t)TCT_IP6_HEADER_LEN + tct_bytes_get16(p->ip + 4);
}

/* Data of an established connection, and nothing said besides. */
static bool read_part(const tct_frame *f, size_t link_len, struct part *p) {
  bool single = f->n_iov == 1 && f->seg_size == 0 && f->flags == 0;
  if (!single || f->csum == TCT_CSUM_PARTIAL || f->len < link_len)
    return false;
  size_t have = f->len - link_len;
  p->link = (uint8_t *)(uintptr_t)f->iov[0].base;
  p->ip = p->link + link_len;
  p->checked = false;
  uint32_t len = read_ip(p, have);
  if (len == 0 || len > have || len < p->ip_len + TCT_TCP_HEADER_LEN)
    return false;
  p->tcp = p->ip + p->ip_len;
  p->tcp_len = (uint32_t)(p->tcp[12] >> 4) * 4;
  bool is_plain = (p->tcp[12] & 0x0f) == 0 && (p->tcp[FLAGS_AT] | TCT_PSH) == (TCT_ACK | TCT_PSH);
  if (!is_plain || p->tcp_len < TCT_TCP_HEADER_LEN || p->ip_len + p->tcp_len >= len)
    return false;
  p->text_len = len - p->ip_len - p->tcp_len;
  return true;
}

static bool is_right(const struct part *p, const tct_frame *f, tct_sum_fn sum) {
  tct_addr src, dst;
  if (p->ip_len == TCT_IP4_HEADER_LEN) {
    if (tct_checksum_of(p->ip, TCT_IP4_HEADER_LEN) != 0)
      return false;
    src = tct_addr_ipv4(p->ip[12], p->ip[13], p->ip[14], p->ip[15]);
    dst = tct_addr_ipv4(p->ip[16], p->ip[17], p->ip[18], p->ip[19]);
  } else {
    memcpy(&src, p->ip + 8, 16);
    memcpy(&dst, p->ip + 24, 16);
  }
  return f->csum == TCT_CSUM_GOOD || tct_checksum_is_packet_ok(&src, &dst, TCT_IPPROTO_TCP, p->tcp,
                                                               p->tcp_len + p->text_len, sum);
}

/* Once a packet; the stack need not do it again. */
static bool check(struct part *p, tct_frame *f, tct_sum_fn sum) {
  if (!p->checked && !is_right(p, f, sum))
    return false;
  p->checked = true;
  f->csum = TCT_CSUM_GOOD;
  return true;
}

/* ---- Two --------------------------------------------------------------------------------------
 */

/* In which bits of n bytes (a multiple of 4) two headers differ. */
static uint32_t difference(const uint8_t *a, const uint8_t *b, uint32_t n) {
  uint32_t odd = 0, v, w;
  for (uint32_t i = 0; i < n; i += 4) {
    memcpy(&v, a + i, 4);
    memcpy(&w, b + i, 4);
    odd |= v ^ w;
  }
  return odd;
}

/* All but length, identification and checksum: those are IPv4's bytes 2-5 and 10-11. */
static bool is_same_ip(const struct part *a, const struct part *b) {
  if (a->ip_len != b->ip_len)
    return false;
  if (a->ip_len == TCT_IP6_HEADER_LEN)
    return (difference(a->ip, b->ip, 4) | (uint32_t)(a->ip[7] ^ b->ip[7]) |
            difference(a->ip + 8, b->ip + 8, 32)) == 0;
  return a->ip[1] == b->ip[1] && tct_bytes_get16(a->ip + 6) == tct_bytes_get16(b->ip + 6) &&
         a->ip[8] == b->ip[8] && difference(a->ip + 12, b->ip + 12, 8) == 0;
}

/* All but the sequence number, PSH and the checksum. */
static bool is_same_tcp(const struct part *a, const struct part *b) {
  if (a->tcp_len != b->tcp_len)
    return false;
  uint32_t said = tct_bytes_get32(a->tcp + 12) ^ tct_bytes_get32(b->tcp + 12);
  uint32_t odd = said & ~((uint32_t)TCT_PSH << 16);
  odd |= difference(a->tcp, b->tcp, 4) | difference(a->tcp + 8, b->tcp + 8, 4);
  odd |= (uint32_t)(tct_bytes_get16(a->tcp + 18) ^ tct_bytes_get16(b->tcp + 18));
  return (odd | difference(a->tcp + 20, b->tcp + 20, a->tcp_len - 20)) == 0;
}

/* ---- A super-segment that grows ---------------------------------------------------------------
 */

struct merger {
  struct part head;
  tct_frame *f;      /* the head's; NULL: there is none */
  uint32_t size;     /* of the head's text, so of each but the last */
  uint32_t text_len; /* in all */
  bool open;         /* none shorter, and none with PSH so far */
};

static bool is_next(const struct merger *m, const struct part *p, const tct_frame *f) {
  const struct part *h = &m->head;
  size_t link_len = (size_t)(h->ip - h->link);
  return m->f != NULL && m->open && f->iov == m->f->iov + m->f->n_iov && p->text_len <= m->size &&
         h->ip_len + h->tcp_len + m->text_len + p->text_len <= IP_MAX &&
         tct_bytes_get32(p->tcp + 4) == tct_seq_add(tct_bytes_get32(h->tcp + 4), m->text_len) &&
         is_same_tcp(h, p) && is_same_ip(h, p) && memcmp(h->link, p->link, link_len) == 0;
}

static bool is_last(const struct merger *m, const struct part *p) {
  return p->text_len < m->size || (p->tcp[FLAGS_AT] & TCT_PSH) != 0;
}

static void begin(struct merger *m, const struct part *p, tct_frame *f) {
  m->head = *p;
  m->f = f;
  m->size = m->text_len = p->text_len;
  m->open = !is_last(m, p);
}

/* False: one of the two is wrong. */
static bool join(struct merger *m, struct part *p, tct_frame *f, tct_sum_fn sum) {
  tct_frame *to = m->f;
  if (!check(&m->head, to, sum) || !check(p, f, sum))
    return false;
  uint32_t headers_len = (uint32_t)(p->tcp - p->link) + p->tcp_len;
  if (to->n_iov == 1) /* no padding between the pieces */
    to->iov[0].len = headers_len + m->size;
  f->iov[0] = (tct_iov){p->link + headers_len, p->text_len};
  to->n_iov++;
  to->seg_size = (uint16_t)m->size;
  m->text_len += p->text_len;
  m->head.tcp[FLAGS_AT] |= p->tcp[FLAGS_AT];
  m->open = !is_last(m, p);
  return true;
}

/* The lengths of what it has become. */
static void finish(const struct merger *m) {
  const struct part *h = &m->head;
  if (m->f == NULL || m->f->n_iov == 1)
    return;
  uint16_t len = (uint16_t)(h->ip_len + h->tcp_len + m->text_len);
  m->f->len = (uint32_t)(h->ip - h->link) + len;
  if (h->ip_len == TCT_IP6_HEADER_LEN) {
    tct_bytes_put16(h->ip + 4, (uint16_t)(len - TCT_IP6_HEADER_LEN));
    return;
  }
  uint16_t was = tct_bytes_get16(h->ip + 2), sum = tct_bytes_get16(h->ip + 10);
  tct_bytes_put16(h->ip + 10, tct_checksum_update16(sum, was, len));
  tct_bytes_put16(h->ip + 2, len);
}

size_t tct_merge(tct_frame *f, size_t n, tct_link link, tct_sum_fn sum) {
  const size_t link_len = link == TCT_LINK_ETHERNET ? TCT_ETH_HEADER_LEN : 0;
  struct merger m = {.f = NULL};
  size_t left = 0;
  if (n < 2)
    return n;
  for (size_t i = 0; i < n; i++) {
    struct part p;
    bool fits = read_part(&f[i], link_len, &p);
    if (fits && is_next(&m, &p, &f[i]) && join(&m, &p, &f[i], sum))
      continue;
    finish(&m);
    if (left != i)
      f[left] = f[i];
    m.f = NULL;
    if (fits)
      begin(&m, &p, &f[left]);
    left++;
  }
  finish(&m);
  return left;
}
