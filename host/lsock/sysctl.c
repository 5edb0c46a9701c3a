/* SPDX-License-Identifier: MIT */
/*
 * sysctl.c - the table from net.ipv4's names to fields of tct_config. Called by drill/shell.c for
 * the commands that scripts write, and by packetdrill/ for what /proc/sys says. A value that the
 * stack has not is refused, a knob without any meaning here is taken.
 */
#include "host/lsock/sysctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The n-th number of "4096 131072 6291456"; the last one if there are fewer. */
static int64_t nth_number(const char *text, int n) {
  int64_t v = 0;
  char *end = (char *)(uintptr_t)text;
  for (int i = 0; i <= n; i++) {
    char *next;
    int64_t got = strtoll(end, &next, 0);
    if (next == end)
      break;
    v = got;
    end = next;
  }
  return v;
}

static bool set_timestamps(tct_config *c, const char *v) {
  c->no_timestamps = nth_number(v, 0) == 0;
  return true;
}
static bool set_sack(tct_config *c, const char *v) {
  c->no_sack = nth_number(v, 0) == 0;
  return true;
}
static bool set_min_tso_segs(tct_config *c, const char *v) {
  c->min_tso_segs = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_wscale(tct_config *c, const char *v) {
  c->no_wscale = nth_number(v, 0) == 0;
  return true;
}
static bool set_syn_retries(tct_config *c, const char *v) {
  c->syn_retries = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_synack_retries(tct_config *c, const char *v) {
  c->syn_ack_retries = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_retries2(tct_config *c, const char *v) {
  c->data_retries = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_fin_timeout(tct_config *c, const char *v) {
  c->fin_wait_2_ms = (uint32_t)nth_number(v, 0) * 1000;
  return true;
}
static bool set_rto_min(tct_config *c, const char *v) {
  c->rto_min_ms = (uint32_t)(nth_number(v, 0) / 1000);
  return true;
}
static bool set_rmem(tct_config *c, const char *v) {
  /* Linux keeps half of it for bookkeeping: the window is the other half */
  c->rcvbuf_bytes = (uint32_t)nth_number(v, 1) / (c->profile == TCT_PROFILE_LINUX ? 2 : 1);
  c->rcvbuf_max_bytes = (uint32_t)nth_number(v, 2);
  return true;
}
static bool set_wmem(tct_config *c, const char *v) {
  c->sndbuf_bytes = (uint32_t)nth_number(v, 1);
  c->sndbuf_max_bytes = (uint32_t)nth_number(v, 2);
  return true;
}
static bool set_ports(tct_config *c, const char *v) {
  c->port_first = (uint16_t)nth_number(v, 0);
  c->port_last = (uint16_t)nth_number(v, 1);
  return true;
}
static bool set_cookies(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->cookies = n == 2 ? TCT_COOKIES_ALWAYS : n == 1 ? TCT_COOKIES_OVERFLOW : TCT_COOKIES_NEVER;
  return n >= 0 && n <= 2;
}
static bool set_ttl(tct_config *c, const char *v) {
  c->hop_limit = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_ecn(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->ecn = (uint8_t)(n + 1);
  return n >= 0 && n < TCT_ECN_ACCURATE_PASSIVE;
}
static bool set_ecn_option(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->ecn_option = (uint8_t)(n + 1);
  return n >= 0 && n < TCT_ECN_OPTION_ALWAYS;
}
static bool set_ecn_fallback(tct_config *c, const char *v) {
  c->ecn_fallback = nth_number(v, 0) != 0 ? TCT_ON : TCT_OFF;
  return true;
}
/* Linux has bits that only it knows: they change nothing here. */
static bool set_fastopen(tct_config *c, const char *v) {
  c->fastopen = ((uint32_t)nth_number(v, 0) & 0x607u) | TCT_FASTOPEN_NONE;
  return true;
}
static bool set_fastopen_blackhole(tct_config *c, const char *v) {
  c->fastopen_blackhole_s = (uint32_t)nth_number(v, 0);
  return true;
}
/* Four words in hex, as Linux prints the bytes of a key; behind a comma the one before. */
static bool read_key(const char **v, uint64_t key[2]) {
  uint32_t words[4];
  for (int i = 0; i < 4; i++) {
    char *end;
    words[i] = (uint32_t)strtoul(*v, &end, 16);
    if (end == *v || (i < 3 && *end != '-'))
      return false;
    *v = end + (i < 3);
  }
  key[0] = words[0] | (uint64_t)words[1] << 32;
  key[1] = words[2] | (uint64_t)words[3] << 32;
  return true;
}
static bool set_fastopen_key(tct_config *c, const char *v) {
  if (!read_key(&v, c->keys.fastopen[0]))
    return false;
  memcpy(c->keys.fastopen[1], c->keys.fastopen[0], sizeof c->keys.fastopen[0]);
  return *v != ',' || (v++, read_key(&v, c->keys.fastopen[1]));
}
static bool set_mtu_probing(tct_config *c, const char *v) {
  c->mtu_probing = (uint8_t)nth_number(v, 0);
  return c->mtu_probing <= TCT_MTU_PROBING_ALWAYS;
}
static bool set_base_mss(tct_config *c, const char *v) {
  c->mtu_base_mss = (uint16_t)nth_number(v, 0);
  return true;
}
static bool set_probe_floor(tct_config *c, const char *v) {
  c->mtu_probe_floor = (uint16_t)nth_number(v, 0);
  return true;
}
static bool set_probe_threshold(tct_config *c, const char *v) {
  c->mtu_probe_threshold = (uint16_t)nth_number(v, 0);
  return true;
}
static bool set_probe_interval(tct_config *c, const char *v) {
  c->mtu_probe_interval_s = (uint32_t)nth_number(v, 0);
  return true;
}
static bool set_congestion(tct_config *c, const char *v) {
  static const char *const names[] = {[TCT_CC_NEWRENO] = "reno",
                                      [TCT_CC_CUBIC] = "cubic",
                                      [TCT_CC_BBR] = "bbr",
                                      [TCT_CC_DCTCP] = "dctcp"};
  for (size_t i = TCT_CC_NEWRENO; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i], v) != 0)
      continue;
    c->congestion = (uint8_t)i;
    return true;
  }
  return false;
}
static bool set_pacing_ss(tct_config *c, const char *v) {
  c->pacing_ss_percent = (uint16_t)nth_number(v, 0);
  return true;
}
static bool set_pacing_ca(tct_config *c, const char *v) {
  c->pacing_ca_percent = (uint16_t)nth_number(v, 0);
  return true;
}
static bool set_after_idle(tct_config *c, const char *v) {
  c->slow_start_after_idle = nth_number(v, 0) != 0 ? TCT_ON : TCT_OFF;
  return true;
}
static bool set_notsent_lowat(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->notsent_lowat_bytes = n < 0 || n >= UINT32_MAX ? UINT32_MAX : (uint32_t)n;
  return true;
}
static bool set_rto_max(tct_config *c, const char *v) {
  c->rto_max_ms = (uint32_t)nth_number(v, 0);
  return true;
}
static bool set_mss_min(tct_config *c, const char *v) {
  c->mss_min = (uint16_t)nth_number(v, 0);
  return true;
}
/* Bit 0 is without effect since Linux 6.17: RACK is always on. */
static bool set_recovery(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->rack_static_window = (n & 2) != 0;
  c->rack_no_dupthresh = (n & 4) != 0;
  return true;
}
static bool set_early_retrans(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->tlp = n == 3 || n == 4 ? TCT_ON : TCT_OFF;
  return true;
}
static bool set_frto(tct_config *c, const char *v) {
  c->frto = nth_number(v, 0) != 0 ? TCT_ON : TCT_OFF;
  return true;
}
static bool set_reordering(tct_config *c, const char *v) {
  c->reordering = (uint16_t)nth_number(v, 0);
  return true;
}
static bool set_max_reordering(tct_config *c, const char *v) {
  c->max_reordering = (uint16_t)nth_number(v, 0);
  return true;
}
/* How the kernel batches and paces; nothing that a script sees here. */
static bool take_any(tct_config *c, const char *v) {
  (void)c;
  (void)v;
  return true;
}

static const struct {
  const char *key;
  bool (*set)(tct_config *c, const char *v);
} settings[] = {
    {"tcp_timestamps", set_timestamps},
    {"tcp_sack", set_sack},
    {"tcp_window_scaling", set_wscale},
    {"tcp_syn_retries", set_syn_retries},
    {"tcp_synack_retries", set_synack_retries},
    {"tcp_retries2", set_retries2},
    {"tcp_fin_timeout", set_fin_timeout},
    {"tcp_rto_min_us", set_rto_min},
    {"tcp_rmem", set_rmem},
    {"tcp_wmem", set_wmem},
    {"ip_local_port_range", set_ports},
    {"tcp_syncookies", set_cookies},
    {"ip_default_ttl", set_ttl},
    {"tcp_ecn", set_ecn},
    {"tcp_ecn_fallback", set_ecn_fallback},
    {"tcp_ecn_option", set_ecn_option},
    {"tcp_fastopen", set_fastopen},
    {"tcp_fastopen_key", set_fastopen_key},
    {"tcp_mtu_probing", set_mtu_probing},
    {"tcp_base_mss", set_base_mss},
    {"tcp_mtu_probe_floor", set_probe_floor},
    {"tcp_probe_threshold", set_probe_threshold},
    {"tcp_probe_interval", set_probe_interval},
    {"tcp_congestion_control", set_congestion},
    {"tcp_slow_start_after_idle", set_after_idle},
    {"tcp_notsent_lowat", set_notsent_lowat},
    {"tcp_rto_max_ms", set_rto_max},
    {"tcp_min_snd_mss", set_mss_min},
    {"tcp_recovery", set_recovery},
    {"tcp_early_retrans", set_early_retrans},
    {"tcp_frto", set_frto},
    {"tcp_reordering", set_reordering},
    {"tcp_max_reordering", set_max_reordering},
    {"tcp_min_tso_segs", set_min_tso_segs},
    {"tcp_tso_win_divisor", take_any},
    {"tcp_pacing_ss_ratio", set_pacing_ss},
    {"tcp_pacing_ca_ratio", set_pacing_ca},
    {"tcp_no_metrics_save", take_any},
    {"tcp_fastopen_blackhole_timeout_sec", set_fastopen_blackhole},
};

/* The last part of net.ipv4.x, net/ipv4/x or /proc/sys/net/ipv4/x. */
static const char *base_name(const char *path) {
  const char *base = path;
  for (const char *c = path; *c; c++)
    if (*c == '/' || *c == '.')
      base = c + 1;
  return base;
}

/* What the kernel has beside the settings above, and what changes nothing that a script sees here.
 */
static bool is_without_effect(const char *path, const char *base) {
  static const char *const names[] = {
      "tcp_dsack",
      "tcp_fack",
      "tcp_autocorking",
      "tcp_limit_output_bytes",
      "tcp_moderate_rcvbuf",
      "tcp_adv_win_scale",
      "tcp_app_win",
      "tcp_notsent_lowat",
      "tcp_slow_start_after_idle",
      "tcp_retries1",
      "tcp_orphan_retries",
      "tcp_tw_reuse",
      "tcp_max_syn_backlog",
      "tcp_comp_sack_delay_ns",
      "tcp_comp_sack_nr",
      "tcp_comp_sack_slack_ns",
      "tcp_invalid_ratelimit",
      "tcp_challenge_ack_limit",
      "tcp_min_rtt_wlen",
      "tcp_syn_linear_timeouts",
      "tcp_tso_rtt_log",
      "tcp_thin_linear_timeouts",
      "tcp_keepalive_time",
      "tcp_keepalive_intvl",
      "tcp_keepalive_probes",
      "tcp_backlog_ack_defer",
      "tcp_pingpong_thresh",
      "tcp_shrink_window",
      "tcp_reflect_tos",
      "tcp_no_ssthresh_metrics_save",
      "tcp_min_snd_mss",
      "tcp_rto_max_ms",
      "tcp_congestion_control",
      "tcp_fastopen",
      "tcp_fastopen_key",
  };
  if (strstr(path, "net.core.") || strstr(path, "net/core/") || strstr(path, "conf"))
    return true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], base) == 0)
      return true;
  return false;
}

int lsock_sysctl_set(tct_config *c, const char *name, const char *value) {
  const char *base = base_name(name);
  int result = -ENOENT;
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    if (strcmp(settings[i].key, base) != 0)
      continue;
    tct_config next = *c;
    if (settings[i].set(&next, value)) {
      *c = next;
      return 0;
    }
    result = -EINVAL;
  }
  return is_without_effect(name, base) ? 0 : result;
}

bool lsock_sysctl_is_known(const char *name) {
  const char *base = base_name(name);
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    if (strcmp(settings[i].key, base) == 0)
      return true;
  return is_without_effect(name, base);
}

const char *lsock_sysctl_name(size_t i) {
  return i < sizeof settings / sizeof settings[0] ? settings[i].key : NULL;
}
