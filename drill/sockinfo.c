/* SPDX-License-Identifier: MIT */
/*
 * sockinfo.c - what code blocks read of a live descriptor by getsockopt: TCP_INFO, TCP_CC_INFO,
 * SO_MEMINFO, by Linux's names and layouts, from either subject. Called by info.c.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum { OPT_MEMINFO = 55, OPT_CC_INFO = 26 }; /* SO_MEMINFO, TCP_CC_INFO */

/* clang-format off */
struct field {
  const char *name;
  uint16_t at;
  uint8_t bytes;
};

/* struct tcp_info; headers are older than kernels, so its layout stands here. */
static const struct field tcp_info[] = {
    {"state", 0, 1}, {"ca_state", 1, 1}, {"retransmits", 2, 1}, {"probes", 3, 1},
    {"backoff", 4, 1}, {"options", 5, 1},
    {"rto", 8, 4}, {"ato", 12, 4}, {"snd_mss", 16, 4}, {"rcv_mss", 20, 4}, {"unacked", 24, 4},
    {"sacked", 28, 4}, {"lost", 32, 4}, {"retrans", 36, 4}, {"fackets", 40, 4},
    {"last_data_sent", 44, 4}, {"last_ack_sent", 48, 4}, {"last_data_recv", 52, 4},
    {"last_ack_recv", 56, 4}, {"pmtu", 60, 4}, {"rcv_ssthresh", 64, 4}, {"rtt", 68, 4},
    {"rttvar", 72, 4}, {"snd_ssthresh", 76, 4}, {"snd_cwnd", 80, 4}, {"advmss", 84, 4},
    {"reordering", 88, 4}, {"rcv_rtt", 92, 4}, {"rcv_space", 96, 4}, {"total_retrans", 100, 4},
    {"pacing_rate", 104, 8}, {"max_pacing_rate", 112, 8}, {"bytes_acked", 120, 8},
    {"bytes_received", 128, 8}, {"segs_out", 136, 4}, {"segs_in", 140, 4},
    {"notsent_bytes", 144, 4}, {"min_rtt", 148, 4}, {"data_segs_in", 152, 4},
    {"data_segs_out", 156, 4}, {"delivery_rate", 160, 8}, {"busy_time", 168, 8},
    {"rwnd_limited", 176, 8}, {"sndbuf_limited", 184, 8}, {"delivered", 192, 4},
    {"delivered_ce", 196, 4}, {"bytes_sent", 200, 8}, {"bytes_retrans", 208, 8},
    {"dsack_dups", 216, 4}, {"reord_seen", 220, 4}, {"rcv_ooopack", 224, 4}, {"snd_wnd", 228, 4},
    {"rcv_wnd", 232, 4}, {"rehash", 236, 4}, {"total_rto", 240, 2},
    {"total_rto_recoveries", 242, 2}, {"total_rto_time", 244, 4}, {"received_ce", 248, 4},
    {"delivered_e1_bytes", 252, 4}, {"delivered_e0_bytes", 256, 4},
    {"delivered_ce_bytes", 260, 4}, {"received_e1_bytes", 264, 4},
    {"received_e0_bytes", 268, 4}, {"received_ce_bytes", 272, 4},
};

/* What TCP_CC_INFO gives, by algorithm. */
static const struct field cc_info[] = {
    {"bbr_bw_lo", 0, 4}, {"bbr_bw_hi", 4, 4}, {"bbr_min_rtt", 8, 4}, {"bbr_pacing_gain", 12, 4},
    {"bbr_cwnd_gain", 16, 4}, {"dctcp_enabled", 0, 2}, {"dctcp_ce_state", 2, 2},
    {"dctcp_alpha", 4, 4}, {"dctcp_ab_ecn", 8, 4}, {"dctcp_ab_tot", 12, 4},
    {"tcpv_enabled", 0, 4}, {"tcpv_rttcnt", 4, 4}, {"tcpv_rtt", 8, 4}, {"tcpv_minrtt", 12, 4},
};

static const struct field meminfo[] = {
    {"SK_MEMINFO_RMEM_ALLOC", 0, 4}, {"SK_MEMINFO_RCVBUF", 4, 4},
    {"SK_MEMINFO_WMEM_ALLOC", 8, 4}, {"SK_MEMINFO_SNDBUF", 12, 4},
    {"SK_MEMINFO_FWD_ALLOC", 16, 4}, {"SK_MEMINFO_WMEM_QUEUED", 20, 4},
    {"SK_MEMINFO_OPTMEM", 24, 4}, {"SK_MEMINFO_BACKLOG", 28, 4}, {"SK_MEMINFO_DROPS", 32, 4},
};
/* clang-format on */
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static bool find_field(const struct field *all, size_t n, const uint8_t *info, size_t len,
                       const char *name, int64_t *v) {
  uint8_t one;
  uint16_t two;
  uint32_t four;
  for (size_t i = 0; i < n; i++) {
    const struct field *f = &all[i];
    if (strcmp(f->name, name) != 0 || (size_t)f->at + f->bytes > len)
      continue;
    const uint8_t *p = info + f->at;
    if (f->bytes == 8)
      memcpy(v, p, 8);
    else if (f->bytes == 4)
      *v = (memcpy(&four, p, 4), four);
    else if (f->bytes == 2)
      *v = (memcpy(&two, p, 2), two);
    else
      *v = (memcpy(&one, p, 1), one);
    return true;
  }
  return false;
}

/* Bit fields have no offset. */
static bool find_bits(const uint8_t *info, const char *name, int64_t *v) {
  if (strcmp(name, "snd_wscale") == 0)
    *v = info[6] & 15;
  else if (strcmp(name, "rcv_wscale") == 0)
    *v = info[6] >> 4;
  else if (strcmp(name, "delivery_rate_app_limited") == 0)
    *v = info[7] & 1;
  else if (strcmp(name, "fastopen_client_fail") == 0)
    *v = info[7] >> 1 & 3;
  else
    return false;
  return true;
}

bool drill_sockinfo_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v) {
  uint8_t info[512] = {0};
  size_t len = sizeof info;
  if (r->subject->getsockopt(r, fd, IPPROTO_TCP, TCP_INFO, info, &len) < 0)
    return false;
  return find_bits(info, name, v) || find_field(tcp_info, COUNT(tcp_info), info, len, name, v);
}

bool drill_sockinfo_other(struct drill_run *r, int fd, const char *name, int64_t *v) {
  uint8_t info[512] = {0};
  size_t len = sizeof info;
  if (strncmp(name, "SK_MEMINFO_", 11) == 0)
    return r->subject->getsockopt(r, fd, SOL_SOCKET, OPT_MEMINFO, info, &len) >= 0 &&
           find_field(meminfo, COUNT(meminfo), info, len, name, v);
  return r->subject->getsockopt(r, fd, IPPROTO_TCP, OPT_CC_INFO, info, &len) >= 0 &&
         find_field(cc_info, COUNT(cc_info), info, len, name, v);
}
