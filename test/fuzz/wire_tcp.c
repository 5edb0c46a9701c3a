/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the TCP header and its options. Any bytes are parsed; what was understood is written
 * again, in both layouts, and must be understood as the same. Checksums agree however a frame is
 * cut.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "wire/ip.h"
#include "wire/tcp.h"

/* b was written from a, with room for at most 40 bytes. */
static void same_options(const struct tct_tcp_opts *a, const struct tct_tcp_opts *b, bool all_fit) {
  FUZZ_CHECK(!b->malformed && b->n_unknown == 0);
  FUZZ_CHECK(b->n_sack <= a->n_sack);
  FUZZ_CHECK(memcmp(a->sack, b->sack, b->n_sack * sizeof b->sack[0]) == 0);
  FUZZ_CHECK(!b->has_mss || (a->has_mss && a->mss == b->mss));
  FUZZ_CHECK(!b->has_wscale || (a->has_wscale && a->wscale == b->wscale));
  FUZZ_CHECK(!b->sack_permitted || a->sack_permitted);
  FUZZ_CHECK(!b->has_ts || (a->has_ts && a->tsval == b->tsval && a->tsecr == b->tsecr));
  FUZZ_CHECK(!b->has_uto || (a->has_uto && a->uto_raw == b->uto_raw));
  FUZZ_CHECK(!b->has_tfo || (a->has_tfo && a->tfo_len == b->tfo_len &&
                             memcmp(a->tfo_cookie, b->tfo_cookie, a->tfo_len) == 0));
  FUZZ_CHECK(b->accecn.kind == 0 || memcmp(&a->accecn, &b->accecn, sizeof a->accecn) == 0);
  if (!all_fit)
    return;
  FUZZ_CHECK(a->has_mss == b->has_mss && a->has_wscale == b->has_wscale && a->has_ts == b->has_ts);
  FUZZ_CHECK(a->sack_permitted == b->sack_permitted && a->has_uto == b->has_uto);
  FUZZ_CHECK(a->has_tfo == b->has_tfo && a->n_sack == b->n_sack);
}

static void write_options(const struct tct_tcp_opts *o, size_t cap) {
  for (enum tct_tcp_opt_layout l = 0; l < TCT_TCP_OPT_LAYOUT_COUNT; l++) {
    size_t whole = tct_wire_tcp_opt_len(o, l);
    uint8_t *p = malloc(cap + 1);
    FUZZ_CHECK(p != NULL);
    size_t n = tct_wire_tcp_opt_emit(p, cap, o, l);
    FUZZ_CHECK(n % 4 == 0 && n <= cap && n <= TCT_TCP_OPT_BYTES_MAX);
    FUZZ_CHECK(cap < TCT_TCP_OPT_BYTES_MAX || n == whole);
    struct tct_tcp_opts again;
    tct_wire_tcp_opt_parse(p, n, &again);
    same_options(o, &again, false);
    free(p);
  }
}

static void write_header(const struct tct_tcp_hdr *h) {
  for (enum tct_tcp_opt_layout l = 0; l < TCT_TCP_OPT_LAYOUT_COUNT; l++) {
    uint8_t p[TCT_TCP_HEADER_MAX];
    struct tct_tcp_hdr again;
    size_t n = tct_wire_tcp_emit(p, h, l);
    FUZZ_CHECK(n >= TCT_TCP_HEADER_LEN && n <= TCT_TCP_HEADER_MAX && n % 4 == 0);
    FUZZ_CHECK(tct_wire_tcp_parse(p, n, &again) == TCT_ACCEPTED);
    FUZZ_CHECK(again.header_len == n && again.reserved == 0);
    FUZZ_CHECK(again.sport == h->sport && again.dport == h->dport && again.seq == h->seq);
    FUZZ_CHECK(again.ack == h->ack && again.flags == h->flags && again.window == h->window);
    FUZZ_CHECK(again.urgent == h->urgent);
    same_options(&h->opt, &again.opt, false);
  }
}

/* The same answer for one piece and for any cut into three, behind a header of either family. */
static void check_sums(const uint8_t *p, size_t n, uint8_t where) {
  struct tct_ip_hdr ip = {.header_len = 20, .payload_len = (uint16_t)n};
  static uint8_t frame[20 + 65536];
  ip.src = where & 1 ? tct_addr_ipv4(10, 0, 0, 2) : (tct_addr){{0xfd, 1}};
  ip.dst = where & 1 ? tct_addr_ipv4(10, 0, 0, 1) : (tct_addr){{0xfd, 2}};
  ip.family = where & 1 ? 4 : 6;
  memcpy(frame + 20, p, n);
  size_t a = 20 + where % (n + 1), b = a + (n + 20 - a) / 2;
  tct_iov v[3] = {{frame, a}, {frame + a, b - a}, {frame + b, n + 20 - b}};
  bool flat = tct_wire_tcp_checksum_ok(&ip.src, &ip.dst, p, n);
  FUZZ_CHECK(tct_wire_tcp_checksum_ok_iov(&ip, v, 3, NULL) == flat);
  if (n < TCT_TCP_HEADER_LEN)
    return;
  tct_iov payload = {frame + 40, n - 20};
  tct_wire_tcp_finish(frame + 20, &ip.src, &ip.dst, &payload, 1);
  uint8_t header = frame[32];
  if (header >> 4 == 5) /* finish knows the header's length from the header */
    FUZZ_CHECK(tct_wire_tcp_checksum_ok(&ip.src, &ip.dst, frame + 20, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct tct_tcp_hdr h;
  struct tct_tcp_opts o;
  if (size < 2 || size > 2000)
    return 0;
  uint8_t where = data[0], cap = data[1];
  const uint8_t *p = data + 2;
  size_t n = size - 2;
  uint8_t *exact = fuzz_copy(p, n);
  tct_verdict v = tct_wire_tcp_parse(exact, n, &h);
  FUZZ_CHECK(v == TCT_ACCEPTED || v == TCT_DROP_TCP_SHORT || v == TCT_DROP_TCP_OFFSET);
  if (v == TCT_ACCEPTED) {
    FUZZ_CHECK(h.header_len >= TCT_TCP_HEADER_LEN && h.header_len <= n && h.header_len % 4 == 0);
    FUZZ_CHECK(h.opt.n_sack <= TCT_TCP_OPT_SACK_MAX && h.opt.tfo_len <= TCT_TCP_OPT_COOKIE_MAX);
    write_header(&h);
  }
  tct_wire_tcp_opt_parse(exact, n, &o);
  write_options(&o, cap % 48);
  check_sums(exact, n, where);
  free(exact);
  return 0;
}
