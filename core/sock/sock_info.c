/* SPDX-License-Identifier: MIT */
/*
 * sock_info.c - STATUS: what a connection knows about itself, as numbers for people and programs.
 * Reads only. RFC 9293 section 3.9.1.6; a superset of Linux's tcp_info.
 */
#include "sock/sock.h"

static void fill_handshake(const struct tct_tcp *c, tct_info *i) {
  bool ts = (c->open & TCT_OPEN_TS) != 0, sack = (c->open & TCT_OPEN_SACK) != 0;
  bool scaled = (c->open & TCT_OPEN_WSCALE) != 0;
  i->state = c->state;
  i->options =
      (uint8_t)((ts ? TCT_INFO_TIMESTAMPS : 0) | (sack ? TCT_INFO_SACK : 0) |
                (scaled ? TCT_INFO_WSCALE : 0) |
                ((c->rcv.ecn & (TCT_ECNF_CLASSIC | TCT_ECNF_ACCURATE)) != 0 ? TCT_INFO_ECN : 0) |
                ((c->rcv.ecn & TCT_ECNF_SEEN) != 0 ? TCT_INFO_ECN_SEEN : 0) |
                (tct_tcp_fastopen_has(c, TCT_FO_TAKEN) ? TCT_INFO_SYN_DATA : 0) |
                (tct_tcp_fastopen_has(c, TCT_FO_CHILD) ? TCT_INFO_FASTOPEN_CHILD : 0));
  i->snd_wscale = tct_tcp_snd_shift(c);
  i->rcv_wscale = tct_tcp_rcv_shift(c);
  i->iss = c->iss;
  i->irs = c->irs;
}

static void fill_marks(const struct tct_tcp *c, tct_info *i) {
  const struct tct_extra *x = c->extra;
  i->ecn_mode = (c->rcv.ecn & TCT_ECNF_ACCURATE) != 0  ? TCT_INFO_ECN_ACCURATE
                : (c->rcv.ecn & TCT_ECNF_CLASSIC) != 0 ? TCT_INFO_ECN_CLASSIC
                                                       : TCT_INFO_ECN_NONE;
  if (x == NULL)
    return;
  i->received_ce = x->ecn_n.received_ce;
  i->received_e1_bytes = x->ecn_n.received[0];
  i->received_e0_bytes = x->ecn_n.received[1];
  i->received_ce_bytes = x->ecn_n.received[2];
  i->delivered_ce = x->ecn_n.delivered_ce;
  i->delivered_e1_bytes = x->ecn_n.delivered[0];
  i->delivered_e0_bytes = x->ecn_n.delivered[1];
  i->delivered_ce_bytes = x->ecn_n.delivered[2];
}

static void fill_path(tct_stack *s, const struct tct_tcp *c, tct_info *i) {
  const struct tct_extra *x = c->extra;
  i->snd_mss = tct_tcp_send_mss(s, c);
  i->rcv_mss = c->rcv.mss;
  i->advmss = tct_tcp_options_mss(s, c->key.raddr, c->ifi, x != NULL ? x->maxseg : 0);
  i->pmtu = tct_ip_pmtu(s, c->key.raddr, c->ifi);
  i->rto = (uint32_t)(tct_tcp_rtt_rto_ns(s, c) / 1000);
  i->ato = tct_tcp_delack_ms(s, c) * 1000;
  i->rtt = c->rtt.srtt_us8 / 8;
  i->rttvar = c->rtt.rttvar_us4 / 4;
  i->min_rtt = c->rtt.min_us;
}

static void fill_windows(const tct_stack *s, const struct tct_tcp *c, tct_info *i) {
  const struct tct_tcp_tune *tune = tct_tcp_tune_known(s, c);
  bool probing = c->tmr.kind == TCT_TIMER_PERSIST || c->tmr.kind == TCT_TIMER_KEEPALIVE;
  i->retransmits = probing ? 0 : c->tmr.tries;
  i->probes = probing ? c->tmr.tries : 0;
  i->backoff = c->tmr.backoff;
  i->snd_cwnd = c->cc.cwnd;
  i->snd_ssthresh = c->cc.ssthresh;
  i->snd_una = c->snd.una;
  i->snd_nxt = c->snd.nxt;
  i->snd_wnd = c->snd.wnd;
  i->rcv_nxt = c->rcv.nxt;
  i->rcv_wnd = tct_tcp_recv_window(c);
  i->notsent_bytes = tct_tcp_send_unsent(c);
  i->unread_bytes = tct_sock_io_unread(c);
  i->rcv_ssthresh = tct_tcp_recv_limit(c);
  i->rcv_rtt = tct_tcp_tune_rtt_of(tune, c);
  i->rcv_space = tune != NULL ? tune->taken : 0;
}

/* Counted in segments as Linux does: sacked are also those that duplicate ACKs stand for. */
static void fill_recovery(const tct_stack *s, const struct tct_tcp *c, tct_info *i) {
  const struct tct_tcp_active *a = c->active;
  const struct tct_tcp_past *past = tct_tcp_past_of(c);
  i->reordering = tct_tcp_rack_reordering(s, c);
  i->reord_seen = past != NULL ? past->reord_seen : 0;
  if (a == NULL) {
    i->unacked = c->snd.una != c->snd.nxt ? 1 : 0;
    i->ca_state = past != NULL ? past->phase : TCT_REC_OPEN;
    return;
  }
  i->ca_state = a->rec.phase;
  i->unacked = a->runs.all.segs;
  i->sacked = a->runs.sacked.segs + a->rec.dupacks;
  i->lost = a->runs.lost.segs;
  i->retrans = a->runs.resent.segs;
}

static void fill_rates(const tct_stack *s, const struct tct_tcp *c, tct_info *i) {
  const struct tct_extra *x = c->extra;
  i->pacing_rate = tct_tcp_pace_rate(s, c);
  i->max_pacing_rate = UINT64_MAX;
  if (x == NULL)
    return;
  if (x->max_pacing_rate != 0)
    i->max_pacing_rate = x->max_pacing_rate;
  i->delivery_rate = x->rate.told;
  i->delivery_rate_app_limited = x->rate.told_limited;
  i->delivered = x->rate.delivered_segs;
}

static void fill_counters(const tct_stack *s, const struct tct_tcp *c, tct_info *i) {
  const struct tct_extra *x = c->extra;
  uint32_t now_ms = s->now_ms;
  if (x == NULL)
    return;
  i->bytes_sent = x->bytes_sent;
  i->bytes_acked = x->bytes_acked;
  i->bytes_received = x->bytes_received;
  i->bytes_retrans = x->bytes_retrans;
  i->segs_out = x->segs_out;
  i->segs_in = x->segs_in;
  i->data_segs_out = x->data_segs_out;
  i->data_segs_in = x->data_segs_in;
  i->total_retrans = x->total_retrans;
  i->dsack_dups = x->dsack_dups;
  i->total_rto = x->rto_count;
  i->total_rto_recoveries = x->rto_recoveries;
  i->total_rto_time_ms = x->rto_ms;
  i->challenge_acks = x->challenge_acks;
  i->rcv_ooopack = x->rcv_ooopack;
  i->rwnd_limited = tct_tcp_chrono_ns(s, c, TCT_CHRONO_RWND) / 1000;
  i->sndbuf_limited = tct_tcp_chrono_ns(s, c, TCT_CHRONO_SNDBUF) / 1000;
  i->busy_time =
      tct_tcp_chrono_ns(s, c, TCT_CHRONO_BUSY) / 1000 + i->rwnd_limited + i->sndbuf_limited;
  i->last_data_sent_ms = tct_ms32_since(now_ms, x->last_sent_ms);
  i->last_data_recv_ms = tct_ms32_since(now_ms, x->last_recv_ms);
  i->last_ack_recv_ms = tct_ms32_since(now_ms, x->last_ack_ms);
}

int tct_sock_info(tct_stack *s, tct_sock k, tct_info *info) {
  tct_info i;
  if (tct_sock_is_udp(k))
    return TCT_EOPNOTSUPP;
  const struct tct_tcp *c = tct_tcp_block_at(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (info->size < sizeof info->size || info->size > sizeof i)
    return TCT_EINVAL;
  memset(&i, 0, sizeof i);
  i.size = info->size;
  fill_handshake(c, &i);
  if (c->state >= TCT_SYN_SENT) {
    fill_path(s, c, &i);
    fill_windows(s, c, &i);
    fill_rates(s, c, &i);
    fill_recovery(s, c, &i);
  }
  fill_counters(s, c, &i);
  fill_marks(c, &i);
  memcpy(info, &i, info->size); /* as much of it as the caller knows of */
  return TCT_OK;
}
