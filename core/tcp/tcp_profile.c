/* SPDX-License-Identifier: MIT */
/*
 * tcp_profile.c - the table of rules on which Linux and the standard part ways. Whoever needs such
 * a value asks here; no coordinator has an `if` about profiles. docs/profiles.md argues each row.
 */
#include "tcp/calls.h"

static const struct tct_tcp_profile linux_profile = {
    .rto_initial_ms = 1000,
    .rto_min_ms = 200,
    .rto_max_ms = 120000,
    .delack_ms = 40,
    .msl_ms = 30000,
    .fin_wait_2_ms = 60000,
    .syn_retries = 6, /* and syn_linear before them */
    .syn_linear = 4,
    .syn_ack_retries = 5,
    .data_retries = 15,
    .min_tso_segs = 2,
    .empty_probe = true,
    .minshall = true,
    .time_wait_old_syn_acked = true,
    .layout = TCT_TCP_OPT_LINUX,
    .rcvbuf_bytes = 65536,
    .sndbuf_bytes = 65536,
    .rcvbuf_max_bytes = 6u << 20,
    .sndbuf_max_bytes = 4u << 20,
    .port_first = 32768,
    .port_last = 60999,
    .override_ms = 200,
    .persist_max_ms = 120000,
    .congestion = TCT_CC_CUBIC,
    .fastopen = TCT_FASTOPEN_CLIENT,
    .syn_mss_of_path = true,
    .icmp_ends_opening = true,
    .acks_crossed_syn_ack = true,
    .shut_keeps_text = true,
    .adaptive_acks = true,
    .whole_windows = true,
    .half_small_window = true,
    .keeps_window = true,
    .joins_resent = true,
    .cork_for_rto = true,
    .ack_ends_soft_error = true,
    .crossed_syn_offers_all = true,
    .wscale_min = 7,
    .paws_slack_ticks = 1, /* clocks of two processors */
    .challenge_pause_ms = 500,
    .close_wait_reset = TCT_EPIPE,
    .syn_bad_ack_ms = 8,
};

static const struct tct_tcp_profile strict_profile = {
    .rto_initial_ms = 1000,
    .rto_min_ms = 1000,
    .rto_max_ms = 60000,
    .delack_ms = 200,
    .msl_ms = 120000,
    .fin_wait_2_ms = 60000,
    /* SYNs at 0, 1, 3, 7, 15, 31, 63, 123 and 183 s [RFC9293 MUST-23] */
    .syn_retries = 8,
    .syn_linear = 0,
    .syn_ack_retries = 5,
    .data_retries = 15, /* [RFC9293 SHLD-11] */
    .min_tso_segs = 1,
    .time_wait_old_syn_acked = false,
    .layout = TCT_TCP_OPT_STRICT,
    .rcvbuf_bytes = 65535,
    .sndbuf_bytes = 1u << 18,
    .rcvbuf_max_bytes = 65535, /* as they are: no autotuning */
    .sndbuf_max_bytes = 1u << 18,
    .port_first = 1024,
    .port_last = 65535,
    .override_ms = 500,
    .persist_max_ms = 60000,
    .congestion = TCT_CC_NEWRENO,
    .close_wait_reset = TCT_ECONNRESET,
    .fastopen = TCT_FASTOPEN_NONE, /* RFC 7413 is an experiment */
};

const struct tct_tcp_profile *tct_tcp_profile(tct_profile p) {
  return p == TCT_PROFILE_STRICT ? &strict_profile : &linux_profile;
}
