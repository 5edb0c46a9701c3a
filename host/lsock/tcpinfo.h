/* SPDX-License-Identifier: MIT */
/*
 * tcpinfo.h - struct tcp_info as Linux 6.18 gives it to getsockopt(TCP_INFO), field by field, so
 * that a program sees all of it whatever headers it was built with. Filled in by tcpinfo.c.
 */
#ifndef HOST_LSOCK_TCPINFO_H
#define HOST_LSOCK_TCPINFO_H

#include "host/lsock/internal.h"

struct lsock_tcp_info {
  uint8_t state, ca_state, retransmits, probes, backoff, options;
  uint8_t wscales; /* snd in the low nibble, rcv in the high one */
  uint8_t flags;   /* bit 0: the delivery rate was application-limited; 1, 2: fast open failed */
  uint32_t rto, ato, snd_mss, rcv_mss;
  uint32_t unacked, sacked, lost, retrans, fackets;
  uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
  uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
  uint32_t rcv_rtt, rcv_space, total_retrans;
  uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
  uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
  uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
  uint32_t delivered, delivered_ce;
  uint64_t bytes_sent, bytes_retrans;
  uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
  uint16_t total_rto, total_rto_recoveries;
  uint32_t total_rto_time, received_ce;
  uint32_t delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
  uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
  uint16_t accecn_fail_mode, accecn_opt_seen;
};
_Static_assert(sizeof(struct lsock_tcp_info) == 280, "Linux 6.18's struct tcp_info");

void lsock_tcpinfo_fill(struct lsock *l, struct lsock_file *f, struct lsock_tcp_info *out);

#endif
