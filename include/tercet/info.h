/* SPDX-License-Identifier: MIT */
/*
 * info.h - what a connection tells about itself: a superset of Linux's tcp_info, by its names.
 * Included by tercet.h; filled in by tct_sock_info.
 */
#ifndef TERCET_INFO_H
#define TERCET_INFO_H

#include <stddef.h>
#include <stdint.h>

typedef struct tct_info { /* times in microseconds unless named */
  size_t size;
  uint8_t state, ca_state, retransmits, probes, backoff, snd_wscale, rcv_wscale, options;
  uint32_t rto, ato, snd_mss, rcv_mss, advmss, pmtu;
  uint32_t rtt, rttvar, min_rtt;
  uint32_t snd_cwnd, snd_ssthresh; /* bytes */
  uint32_t snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd, iss, irs;
  uint32_t unacked, sacked, lost, retrans; /* segments */
  uint32_t notsent_bytes, unread_bytes, reordering;
  uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans;
  uint32_t segs_out, segs_in, data_segs_out, data_segs_in, total_retrans;
  uint32_t last_data_sent_ms, last_data_recv_ms, last_ack_recv_ms;
  uint32_t dsack_dups, challenge_acks;
  uint64_t busy_time;      /* something to send or in flight ... */
  uint64_t rwnd_limited;   /* ... of it held back by the peer's window ... */
  uint64_t sndbuf_limited; /* ... and by a full send buffer while nothing was left to send */
  uint32_t rcv_rtt;        /* as the receiver sees it; 0: not known */
  uint32_t rcv_space;      /* bytes that the application took in the last round trip */
  uint32_t rcv_ssthresh;   /* most that the window may be now */
  uint32_t rcv_ooopack;    /* segments that came out of order */
  uint8_t ecn_mode;        /* TCT_INFO_ECN_* */
  /* marks: packets and payload bytes as they came here, and as the peer tells of ours */
  uint32_t received_ce, received_e1_bytes, received_e0_bytes, received_ce_bytes;
  uint32_t delivered_ce, delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
  uint32_t reord_seen, total_rto, total_rto_recoveries, total_rto_time_ms;
  uint64_t pacing_rate, max_pacing_rate; /* bytes a second; UINT64_MAX: none */
  uint64_t delivery_rate;                /* bytes a second, of the last good sample */
  uint32_t delivered;                    /* segments, the SYN included */
  uint8_t delivery_rate_app_limited;
} tct_info;
enum { TCT_INFO_ECN_NONE, TCT_INFO_ECN_CLASSIC, TCT_INFO_ECN_ACCURATE };
enum { /* options */
       TCT_INFO_TIMESTAMPS = 1,
       TCT_INFO_SACK = 2,
       TCT_INFO_WSCALE = 4,
       TCT_INFO_ECN = 8,             /* agreed */
       TCT_INFO_ECN_SEEN = 16,       /* a packet came with ECT or CE */
       TCT_INFO_SYN_DATA = 32,       /* data that went with a SYN was taken */
       TCT_INFO_FASTOPEN_CHILD = 128 /* opened by a SYN, before the handshake was over */
};

#endif
