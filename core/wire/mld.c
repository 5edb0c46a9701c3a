/* SPDX-License-Identifier: MIT */
/*
 * mld.c - multicast listener messages. Called by link/mld.c. RFC 3810 sections 5.1 and 5.2.
 */
#include "wire/mld.h"

#include "wire/bytes.h"
#include "wire/ip.h"

enum {
  HOP_BY_HOP_LEN = 8,
  OPT_PAD1 = 0,
  OPT_ROUTER_ALERT = 5,
  OPT_PADN = 1,
  AT_MAX_WAIT = 4,
  AT_GROUP = 8,
  QUERY_MIN = 24, /* all of it, in version 1 */
  QUERY_2_MIN = 28,
  EXPONENT_FROM = 0x8000
};

static void sum_up(struct tct_checksum *c, const tct_addr *src, const tct_addr *dst,
                   const uint8_t *p, size_t len) {
  tct_checksum_init(c);
  tct_checksum_feed_pseudo(c, src, dst, TCT_IPPROTO_ICMP6, (uint32_t)len);
  tct_checksum_feed(c, p, len);
}

void tct_wire_mld_emit_report(uint8_t p[TCT_MLD_REPORT_LEN], const tct_addr *src,
                              const tct_addr *dst, enum tct_mld_record what,
                              const tct_addr *group) {
  struct tct_checksum c;
  uint8_t *m = p + HOP_BY_HOP_LEN, *record = m + 8;
  memset(p, 0, TCT_MLD_REPORT_LEN);
  p[0] = TCT_IPPROTO_ICMP6;
  p[2] = OPT_ROUTER_ALERT;
  p[3] = 2;
  p[6] = OPT_PADN;
  m[0] = TCT_MLD_REPORT;
  m[7] = 1; /* one record, of no sources */
  record[0] = (uint8_t)what;
  memcpy(record + 4, group->b, 16);
  sum_up(&c, src, dst, m, TCT_MLD_REPORT_LEN - HOP_BY_HOP_LEN);
  tct_bytes_put16(m + 2, tct_checksum_field(&c));
}

/* A header of one unit: any forged packet may carry more, no querier does. */
static bool has_alert(const uint8_t *p) {
  static const uint8_t alert[] = {OPT_ROUTER_ALERT, 2, 0, 0};
  if (p[0] != TCT_IPPROTO_ICMP6 || p[1] != 0)
    return false;
  return memcmp(p + 2, alert, sizeof alert) == 0 ||
         (p[2] == OPT_PADN && p[3] == 0 && memcmp(p + 4, alert, sizeof alert) == 0) ||
         (p[2] == OPT_PAD1 && p[3] == OPT_PAD1 && memcmp(p + 4, alert, sizeof alert) == 0);
}

/* RFC 3810 5.1.3: from 32768 on a small floating number. */
static uint32_t read_wait(uint32_t code, bool version_2) {
  if (code < EXPONENT_FROM || !version_2)
    return code;
  return ((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
}

bool tct_wire_mld_parse_query(const uint8_t *p, size_t len, const tct_addr *src,
                              const tct_addr *dst, struct tct_mld_query *out) {
  struct tct_checksum c;
  if (len < HOP_BY_HOP_LEN + QUERY_MIN || !has_alert(p))
    return false;
  const uint8_t *m = p + HOP_BY_HOP_LEN;
  len -= HOP_BY_HOP_LEN;
  if (m[0] != TCT_MLD_QUERY || (len > QUERY_MIN && len < QUERY_2_MIN))
    return false;
  sum_up(&c, src, dst, m, len);
  out->max_wait_ms = read_wait(tct_bytes_get16(m + AT_MAX_WAIT), len >= QUERY_2_MIN);
  tct_bytes_get_addr6(m + AT_GROUP, &out->group);
  return tct_checksum_is_ok(&c);
}
