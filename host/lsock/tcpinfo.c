/* SPDX-License-Identifier: MIT */
/*
 * tcpinfo.c - the core's tct_info in Linux's layout, units and state numbers. Called by
 * option_struct.c.
 */
#include "host/lsock/tcpinfo.h"

#include <string.h>

enum { SSTHRESH_INFINITE = 0x7fffffff };

/* Linux numbers its states in another order than the RFC. */
static uint8_t state_of(uint8_t state) {
  static const uint8_t numbers[TCT_STATE_COUNT] = {
      [TCT_CLOSED] = 7,      [TCT_LISTEN] = 10,    [TCT_SYN_SENT] = 2,   [TCT_SYN_RECEIVED] = 3,
      [TCT_ESTABLISHED] = 1, [TCT_FIN_WAIT_1] = 4, [TCT_FIN_WAIT_2] = 5, [TCT_CLOSE_WAIT] = 8,
      [TCT_CLOSING] = 11,    [TCT_LAST_ACK] = 9,   [TCT_TIME_WAIT] = 6};
  return state < TCT_STATE_COUNT ? numbers[state] : 7;
}

static uint32_t in_segments(uint32_t bytes, uint32_t mss) {
  return bytes >= SSTHRESH_INFINITE ? (uint32_t)SSTHRESH_INFINITE : mss ? bytes / mss : 0;
}

static void fill_path(const tct_info *i, struct lsock_tcp_info *out) {
  out->rto = i->rto;
  out->ato = i->ato;
  out->snd_mss = i->snd_mss;
  out->rcv_mss = i->rcv_mss;
  out->advmss = i->advmss;
  out->pmtu = i->pmtu;
  out->rtt = i->rtt;
  out->rttvar = i->rttvar;
  out->min_rtt = i->min_rtt;
  out->reordering = i->reordering;
  out->rcv_rtt = i->rcv_rtt;
  out->rcv_space = i->rcv_space;
  out->rcv_ssthresh = i->rcv_ssthresh;
}

static void fill_flight(const tct_info *i, struct lsock_tcp_info *out) {
  out->unacked = i->unacked;
  out->sacked = i->sacked;
  out->lost = i->lost;
  out->retrans = i->retrans;
  out->snd_cwnd = in_segments(i->snd_cwnd, i->snd_mss);
  out->snd_ssthresh = in_segments(i->snd_ssthresh, i->snd_mss);
  out->snd_wnd = i->snd_wnd;
  out->rcv_wnd = i->rcv_wnd;
  out->notsent_bytes = i->notsent_bytes;
  out->last_data_sent = i->last_data_sent_ms;
  out->last_data_recv = i->last_data_recv_ms;
  out->last_ack_recv = i->last_ack_recv_ms;
}

static void fill_counters(const tct_info *i, struct lsock_tcp_info *out) {
  out->bytes_sent = i->bytes_sent;
  out->bytes_acked = i->bytes_acked;
  out->bytes_received = i->bytes_received;
  out->bytes_retrans = i->bytes_retrans;
  out->segs_out = i->segs_out;
  out->segs_in = i->segs_in;
  out->data_segs_out = i->data_segs_out;
  out->data_segs_in = i->data_segs_in;
  out->total_retrans = i->total_retrans;
  out->dsack_dups = i->dsack_dups;
  out->reord_seen = i->reord_seen;
  out->total_rto = (uint16_t)i->total_rto;
  out->total_rto_recoveries = (uint16_t)i->total_rto_recoveries;
  out->total_rto_time = i->total_rto_time_ms;
  out->rcv_ooopack = i->rcv_ooopack;
  out->busy_time = i->busy_time;
  out->rwnd_limited = i->rwnd_limited;
  out->sndbuf_limited = i->sndbuf_limited;
}

/* Rates in bytes a second, what was delivered, time-outs. */
static void fill_delivery(const tct_info *i, struct lsock_tcp_info *out) {
  out->pacing_rate = i->pacing_rate;
  out->max_pacing_rate = i->max_pacing_rate;
  out->delivery_rate = i->delivery_rate;
  out->delivered = i->delivered;
  out->flags = i->delivery_rate_app_limited & 1;
  out->reord_seen = i->reord_seen;
  out->total_rto = (uint16_t)(i->total_rto < UINT16_MAX ? i->total_rto : UINT16_MAX);
  out->total_rto_recoveries =
      (uint16_t)(i->total_rto_recoveries < UINT16_MAX ? i->total_rto_recoveries : UINT16_MAX);
  out->total_rto_time = i->total_rto_time_ms;
}

static void fill_marks(const tct_info *i, struct lsock_tcp_info *out) {
  out->received_ce = i->received_ce;
  out->received_e1_bytes = i->received_e1_bytes;
  out->received_e0_bytes = i->received_e0_bytes;
  out->received_ce_bytes = i->received_ce_bytes;
  out->delivered_ce = i->delivered_ce;
  out->delivered_e1_bytes = i->delivered_e1_bytes;
  out->delivered_e0_bytes = i->delivered_e0_bytes;
  out->delivered_ce_bytes = i->delivered_ce_bytes;
}

void lsock_tcpinfo_fill(struct lsock *l, struct lsock_file *f, struct lsock_tcp_info *out) {
  tct_info i;
  memset(out, 0, sizeof *out);
  memset(&i, 0, sizeof i);
  i.size = sizeof i;
  if (!f->has_handle || tct_sock_info(l->stack, f->handle, &i) < 0)
    i.state = TCT_CLOSED;
  out->state = state_of(i.state);
  out->ca_state = i.ca_state;
  out->retransmits = i.retransmits;
  out->probes = i.probes;
  out->backoff = i.backoff;
  out->options = i.options;
  out->wscales = (uint8_t)((i.snd_wscale & 15) | i.rcv_wscale << 4);
  fill_path(&i, out);
  fill_flight(&i, out);
  fill_counters(&i, out);
  if (f->is_active && !f->is_strict && i.state >= TCT_ESTABLISHED)
    out->bytes_acked++; /* Linux counts the SYN of a connect, not that of an accept */
  fill_delivery(&i, out);
  fill_marks(&i, out);
}
