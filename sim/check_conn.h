/* SPDX-License-Identifier: MIT */
/*
 * check_conn.h - one TCP socket as the checker remembers it: check_conn.c its life, timers and
 * readiness, check_stream.c (the part so marked) its octets.
 */
#ifndef SIM_CHECK_CONN_H
#define SIM_CHECK_CONN_H

#include "sim/check.h"
#include "stack_probe.h"

struct sim_fifo { /* written and not yet read at the other end */
  uint8_t *at;
  size_t cap, head, n; /* cap: a power of two, or 0 */
};

struct sim_conn {
  struct sim_check_host *host;
  struct sim_wire *wire;  /* what check_wire.c keeps of the same end; NULL until it is known */
  struct sim_conn *older; /* all that the host ever had, newest first */
  struct sim_conn *next_touched; /* this step */
  bool touched;
  tct_sock sock;
  /* life: I4, I20 */
  bool gone;   /* its host has crashed */
  bool ended;  /* CLOSED was told, or the application aborted */
  bool closed; /* the application has called close */
  bool shut_wr, shut_rd;
  /* readiness: I27 */
  bool told_readable, told_accept;
  bool wants_room; /* a write was refused, and nothing was told since */
  /* timers and windows: I7, I11, I12 */
  bool timed_out, heard; /* in this step */
  bool seen;             /* what follows holds */
  uint64_t recuts, tlp_cuts;
  uint32_t segs;
  uint32_t una, nxt, rcv_nxt, cwnd, ssthresh, mss, cut_nxt, srtt_us8;
  bool cut;
  uint8_t state, timer;
  uint32_t snd_wnd;
  tct_time main_at, rto_ns;
  bool persisted, fired; /* in this step: the persist timer, any timer */
  bool has_read;         /* in this step: octets left the buffer */
  uint32_t rto_ssthresh; /* after the last expiry */
  tct_time rto_wait;     /* as armed by the last expiry; 0: none, or answered since */
  uint32_t rto_una, rto_srtt_us8, rto_rttvar_us4;
  uint8_t rto_tries;
  bool rto_sacked; /* the peer has SACKed something since */
  /* octets: check_stream.c */
  bool known; /* iss and the tuple are, and it is in the table */
  tct_addr laddr, raddr;
  uint16_t lport, rport;
  uint32_t iss, irs;
  bool irs_known, eof;
  struct sim_conn *writer; /* the other end, once met */
  bool forged;             /* a third party's segment was taken: its octets are anybody's */
  bool twin;               /* its host had another with the same numbers: a cookie came twice */
  struct sim_conn *reader; /* and the first that met this one */
  struct sim_fifo fifo;    /* of what is written here */
  uint64_t written, read;
  bool untold; /* its reader does not say what it reads: nothing is kept */
};

/* The same as sim_conn_at for one that is not known yet. */
struct sim_conn *sim_conn_meet(struct sim_check_host *h, tct_sock sock);
/* NULL for no socket, a datagram's, and a stale handle. */
static inline struct sim_conn *sim_conn_at(struct sim_check_host *h, tct_sock sock) {
  struct sim_conn *c = sock.index < h->conns_cap ? h->conns[sock.index] : NULL;
  return c != NULL && c->sock.gen == sock.gen ? c : sim_conn_meet(h, sock);
}

static inline bool sim_conn_is_over(const struct sim_conn *c) {
  return c->ended || c->gone;
}

#endif
