/* SPDX-License-Identifier: MIT */
/* P11: what a SYN cookie carries in our TSval comes back, and TSval never runs ahead of the clock.
 * The number itself and its expiry are prove/exhaustive's. RFC 4987 section 3.6. */
#include "tcp/tcp_cookie.c"

#define AGREED (TCT_HALF_WSCALE | TCT_HALF_SACK | TCT_HALF_ECN)

/* As tct_tcp_cookie_check reads them, behind any offset of the connection. */
bool lemma_agreed_options_come_back(tct_time now, uint8_t opts, uint32_t offset) {
  tct_stack s;
  struct tct_half_open r;
  s.now = now;
  s.now_ms = tct_time_ms32(now);
  r.opts = opts;
  uint32_t sent = (uint32_t)(make_tsval(&s, &r) + offset);
  uint32_t bits = (uint32_t)(sent - offset);
  unsigned back = bits & TCT_HALF_WSCALE;
  back |= (bits & 16u) != 0 ? TCT_HALF_SACK : 0u;
  back |= (bits & 32u) != 0 ? TCT_HALF_ECN : 0u;
  return back == ((unsigned)opts & AGREED);
}

bool lemma_tsval_is_never_ahead_and_little_behind(tct_time now, uint8_t opts) {
  tct_stack s;
  struct tct_half_open r;
  s.now = now;
  s.now_ms = tct_time_ms32(now);
  r.opts = opts;
  return tct_ms32_since(tct_time_ms32(now), make_tsval(&s, &r)) <= TS_BITS;
}
