/* SPDX-License-Identifier: MIT */
/*
 * tcp_mtu.c - the path's MTU as a connection sees it: the size of its segments. Called by
 * tcp_options (opening), tcp_icmp (an error told of a smaller path), tcp_timer (R1) and tcp.c (the
 * interface changed). RFC 9293 section 3.7.1, RFC 1191, RFC 8201.
 */
#include "tcp/calls.h"
#include "util/rule.h"

/* [RFC9293 MUST-16] [RFC9293 EP-51] */
void tct_tcp_mtu_set(tct_stack *s, struct tct_tcp *c, uint32_t mtu) {
  uint32_t headers = (uint32_t)tct_ip_header_len(c->key.raddr) + TCT_TCP_HEADER_LEN;
  uint32_t path_mss = tct_max_u32(tct_sub_floor_u32(mtu, headers), s->cfg.mss_min);
  uint32_t own = c->extra != NULL && c->extra->maxseg != 0 ? c->extra->maxseg : 65535;
  uint16_t mss =
      (uint16_t)tct_min_u32(tct_min_u32(c->peer_mss, own), TCT_RULE(MUST_16) ? path_mss : 65535);
  bool shrank = mss < c->snd.mss && c->state >= TCT_ESTABLISHED;
  uint32_t before = tct_tcp_send_mss(s, c);
  c->snd.mss = mss;
  tct_tcp_cc_on_mss(s, c, before);
  if (shrank) {
    tct_tcp_recover_on_mtu(s, c);
    tct_tcp_output_wake(s, c);
  }
}
