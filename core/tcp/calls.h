/* SPDX-License-Identifier: MIT */
/*
 * calls.h - what each file of tcp/ offers to the others, file by file, from the wire up and back
 * down. A function's prefix is its file. Down the left column of docs/ARCHITECTURE.md's drawing in,
 * up the right column out; the bridge is state, and struct tct_tcp_ack.
 */
#ifndef TCT_TCP_CALLS_H
#define TCT_TCP_CALLS_H

#include "tcp/calls_sender.h"
#include "tcp/tcp.h"

/* ---- tcp_profile.c: where STRICT and LINUX differ, one row each ----------------------------- */
#define TCT_RTO_LIMIT_MS 3600000u /* no configured RTO is longer: none of its sums can wrap */
struct tct_tcp_profile {
  uint32_t rto_initial_ms, rto_min_ms, rto_max_ms;
  uint32_t delack_ms, msl_ms, fin_wait_2_ms;
  uint8_t syn_retries, syn_linear, syn_ack_retries,
      data_retries;             /* syn_linear: first ones 1 s apart, not counted in syn_retries */
  uint8_t min_tso_segs;         /* least length of a train that ends with PSH; 1: there are none */
  bool empty_probe;             /* a shut window is asked after with nothing, one below */
  bool minshall;                /* Nagle holds back only behind an unacknowledged small segment */
  bool time_wait_old_syn_acked; /* an old SYN in TIME-WAIT: ACK (Linux) or silence (RFC 6191) */
  uint8_t layout;               /* enum tct_tcp_opt_layout */
  uint32_t rcvbuf_bytes, sndbuf_bytes;         /* at first */
  uint32_t rcvbuf_max_bytes, sndbuf_max_bytes; /* what they grow to */
  uint16_t port_first, port_last;
  uint32_t override_ms; /* silly-window override, 100..1000 [MUST-38] */
  uint32_t persist_max_ms;
  uint8_t congestion;     /* the algorithm that sockets start with */
  uint32_t fastopen;      /* TCT_FASTOPEN_* */
  bool syn_mss_of_path;   /* a SYN that was too big for the path goes again with its MSS */
  bool icmp_ends_opening; /* any unreachable ends a connect, soft or hard */
  bool shut_keeps_text;   /* shutdown for reading discards nothing; after both ways, text is refused
                             as by nobody */
  bool acks_crossed_syn_ack; /* the SYN,ACK that ends a simultaneous open is told as a duplicate */
  bool adaptive_acks;        /* delayed ACKs follow the traffic: tcp_delack.c */
  bool whole_windows;       /* the first window is whole segments of a buffer that nobody has set */
  bool half_small_window;   /* segments of at most half the largest window seen */
  bool keeps_window;        /* a repeated segment may open the window or shut it, not narrow it */
  bool joins_resent;        /* short segments that go again go together */
  bool cork_for_rto;        /* a corked remnant leaves after an RTO, not after 200 ms */
  bool ack_ends_soft_error; /* what ICMP said is over when the path works */
  bool crossed_syn_offers_all; /* a SYN,ACK to a crossing SYN repeats our own options */
  uint8_t wscale_min;          /* least window scale offered */
  uint8_t paws_slack_ticks;    /* a timestamp may be so much older than the last one */
  uint32_t challenge_pause_ms; /* between two challenge ACKs of a connection */
  int16_t close_wait_reset;    /* TCT_E* of a RST in CLOSE-WAIT */
  uint32_t syn_bad_ack_ms; /* a SYN answered by a wrong ACK goes again so soon; 0: when it is due */
};
const struct tct_tcp_profile *tct_tcp_profile(tct_profile p);

/* ---- tcp_demux.c: state of the folder; four-tuple -> connection, listener or nobody ---------- */
/* What a plain segment touches of the other blocks; behind it are runs and what they point to. */
#define TCT_EXTRA_HOT_BYTES offsetof(struct tct_extra, fin_wait_2_ms)
#define TCT_ACTIVE_HOT_BYTES offsetof(struct tct_tcp_active, ooo.recent)
#define TCT_TRACE_HELD_MAX 4 /* one segment draws fewer */
#define TCT_QUIET_NS TCT_S(1)
#define TCT_QUIET_MAX 128u /* so few that they stay in the cache */
#define TCT_QUIET_MAX_WAITING                                                                      \
  1024u /* where they must wait: without extra what tcp_tune knows goes with them */

struct tct_tcp_state {
  struct tct_slab conns;   /* struct tct_tcp, or tct_tcp_full */
  struct tct_table tuples; /* keyed hash of struct tct_tuple -> conn index */
  /* tcp_demux.c: whose the last segment was, or the last call (tcp_block.c), which may have ended
   * since; whose a burst's frames are, perhaps; the last hash, which is asked for by several tables
   * in a row */
  struct tct_tcp *found_last;
  uint32_t near_bytes; /* of a connection's slot: what a plain segment touches */
  struct tct_tcp *guess[TCT_BURST_MAX];
  struct tct_tuple hashed;
  uint64_t hashed_key[2], hash;
  struct { /* tcp_options.c: timestamp offset of the pair of addresses that was last asked for */
    tct_addr laddr, raddr;
    uint64_t key[2];
    uint32_t offset;
    bool known;
  } stamped;
  struct { /* tcp_port.c: whom a port was chosen for last; rport 0: nobody yet */
    tct_addr laddr, raddr;
    uint64_t key[2];
    uint32_t step, begin;
    uint16_t rport;
  } chosen;
  struct { /* tcp_port.c: the one listener that takes this, as long as none comes or goes */
    tct_addr laddr;
    uint16_t lport;
    struct tct_tcp *conn; /* NULL: not known */
  } listening;
  struct tct_table listeners; /* of (laddr, lport) -> conn index in LISTEN */
  struct tct_table bound;     /* of lport -> conn index that holds the port */
  struct tct_list quiet;      /* active blocks that could be given back, oldest first */
  struct tct_list due;        /* tcp.c: whose time has come, and the last call had no time for */
  void *kept_active, *kept_extra; /* tcp_block.c: the last ones given back, for the next */
  uint32_t quiet_n, quiet_max;    /* more than that go before their time */
  tct_time quiet_ns;              /* for how long they are kept */
  const struct tct_tcp_profile *profile;
  struct tct_syn_cache *syn;           /* tcp_listen.c */
  struct tct_tw_table *tw;             /* tcp_timewait.c */
  struct tct_fastopen_cache *fastopen; /* tcp_fastopen_cache.c; NULL until something is known */
  tct_time fastopen_off_at;            /* tcp_fastopen_client.c: when a black hole was seen last */
  uint32_t fastopen_off_n;             /* and how often */
  uint16_t *port_steps; /* tcp_port.c: where the search for a port stands, by hash of the peer */
  uint64_t fast_segs;   /* tcp_fast.c: how many it took */
  bool udp_turn;        /* sock_event.c: whose news is next */
  uint64_t plain_n;     /* tcp_plain.c: segments that it made */
  tct_time drain_at;
  /* tcp_trace.c: answers made while a segment is taken in are told after it */
  tct_trace held[TCT_TRACE_HELD_MAX];
  uint8_t held_n;
  bool holding;
};
tct_verdict tct_tcp_demux_input(tct_stack *s, struct tct_pkt *p);
void tct_tcp_demux_tuple(const struct tct_pkt *p, const struct tct_tcp_hdr *h, struct tct_tuple *t);
#define TCT_TUPLE_BYTES 36u
void tct_tcp_demux_bytes(const struct tct_tuple *t, uint8_t b[TCT_TUPLE_BYTES]); /* for hashes */
uint64_t tct_tcp_demux_hash(const tct_stack *s, const struct tct_tuple *t);
/* The same of a tuple that goes: the one in hand stays remembered. */
uint64_t tct_tcp_demux_hash_once(const tct_stack *s, const struct tct_tuple *t);
struct tct_tcp *tct_tcp_demux_find(tct_stack *s, const struct tct_tuple *t);
bool tct_tcp_demux_add(tct_stack *s, struct tct_tcp *c);    /* false: no memory. Sets SOCKF_DEMUX */
void tct_tcp_demux_remove(tct_stack *s, struct tct_tcp *c); /* all tables it is in */
/* tcp_port.c: of t's local end: (addr, port), then (any of the family, port), then (any, port)
 * unless V6ONLY */
struct tct_tcp *tct_tcp_port_listener(tct_stack *s, const struct tct_tuple *t);
/* ---- tcp_port.c: bind conflicts and ephemeral ports (RFC 6056) */
int tct_tcp_port_bind(tct_stack *s, struct tct_tcp *c, tct_addr a,
                      uint16_t port);                       /* 0: choose one */
int tct_tcp_port_choose(tct_stack *s, struct tct_tuple *t); /* fills in lport; EADDRNOTAVAIL */
void tct_tcp_port_release(tct_stack *s, struct tct_tcp *c);
int tct_tcp_port_listen(tct_stack *s, struct tct_tcp *c); /* enters the listener table */
bool tct_tcp_port_is_used(tct_stack *s,
                          const struct tct_tuple *t); /* by a connection or a TIME-WAIT record */
void tct_tcp_port_free(tct_stack *s);

/* ---- tcp_block.c: life of the three blocks ----------------------------------------------------
 */
struct tct_tcp_full { /* info = FULL: side by side, so that both come into the cache together */
  struct tct_tcp conn;
  struct tct_extra extra;
};
#if UINTPTR_MAX > 0xffffffffu
_Static_assert(sizeof(struct tct_tcp_full) == 832, "thirteen cache lines");
#endif
uint32_t tct_tcp_block_bytes(const tct_stack *s);      /* of a slot of the slab ... */
uint32_t tct_tcp_block_near_bytes(const tct_stack *s); /* ... and what is touched of it */
struct tct_tcp *tct_tcp_block_new(tct_stack *s); /* CLOSED, all fields set; NULL: limit or memory */
void tct_tcp_block_free(tct_stack *s, struct tct_tcp *c); /* leaves every table, list and wheel */
bool tct_tcp_block_is_live(const tct_stack *s,
                           const struct tct_tcp *c);        /* of slab slots: in use? */
struct tct_tcp *tct_tcp_block_at(tct_stack *s, tct_sock k); /* NULL: stale */
void tct_tcp_block_prefetch_all(const tct_stack *s, const tct_sock *k, size_t n); /* a burst */
static inline tct_sock tct_tcp_block_handle(const struct tct_tcp *c) {
  return (tct_sock){c->index, c->gen};
}
struct tct_tcp_active *tct_tcp_block_attach(tct_stack *s,
                                            struct tct_tcp *c); /* NULL: no memory; see quick.h */
bool tct_tcp_block_may_drop_active(const tct_stack *s, const struct tct_tcp *c);
void tct_tcp_block_drop_active(tct_stack *s, struct tct_tcp *c); /* with all that is in it */
void tct_tcp_block_settle(tct_stack *s, struct tct_tcp *c); /* after a call: quiet list in or out */
void tct_tcp_block_reclaim(tct_stack *s);                   /* gives old quiet blocks back */
struct tct_extra *tct_tcp_block_extra(tct_stack *s,
                                      struct tct_tcp *c); /* attach; NULL: no memory */

/* ---- tcp_state.c: the transition table, the one assignment, the ends of a life ----------------
 */
void tct_tcp_state_set(tct_stack *s, struct tct_tcp *c, tct_state to, tct_why why);
/* The connection is over: timers off, CLOSED posted with err and why; the block goes when nobody
 * needs it. */
void tct_tcp_state_end(tct_stack *s, struct tct_tcp *c, int err, tct_why why);
void tct_tcp_state_on_fin_received(tct_stack *s, struct tct_tcp *c);    /* step 8's transitions */
void tct_tcp_state_on_fin_acked(tct_stack *s, struct tct_tcp *c);       /* step 5's */
void tct_tcp_state_close(tct_stack *s, struct tct_tcp *c);              /* the CLOSE call, 3.10.4 */
void tct_tcp_state_abort(tct_stack *s, struct tct_tcp *c, tct_why why); /* the ABORT call, 3.10.5 */
void tct_tcp_state_shut_send(tct_stack *s,
                             struct tct_tcp *c); /* no more from us: FIN after what is queued */
void tct_tcp_state_time_wait(tct_stack *s, struct tct_tcp *c); /* the record takes over */

/* ---- tcp_input.c: RFC 9293 3.10.7.3 and .4 ------------------------------------------------------
 */
tct_verdict tct_tcp_input_segment(tct_stack *s, struct tct_tcp *c, struct tct_pkt *p,
                                  const struct tct_tcp_hdr *h);
void tct_tcp_input_take_fin(tct_stack *s, struct tct_tcp *c); /* all before it has come */

/* ---- tcp_fast.c: the same for the segment that nearly all are ---------------------------------
 */
bool tct_tcp_fast_input(tct_stack *s, struct tct_tcp *c, struct tct_pkt *p,
                        const struct tct_tcp_hdr *h, tct_verdict *v);

/* ---- tcp_options.c: what is offered, what was agreed ----------------------------------------- */
void tct_tcp_options_syn(const tct_stack *s, const struct tct_tcp *c,
                         struct tct_tcp_opts *o); /* SYN, SYN-ACK of conn; o is empty */
void tct_tcp_options_data(const tct_stack *s, const struct tct_tcp *c,
                          struct tct_tcp_opts *o); /* TS, SACK blocks; o is empty */
void tct_tcp_options_agree(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_opts *theirs,
                           uint16_t window);
bool tct_tcp_options_offers(const tct_stack *s, const struct tct_tcp *c,
                            tct_opt o); /* TIMESTAMPS, SACK, WSCALE */
uint16_t tct_tcp_options_mss(const tct_stack *s, tct_addr peer, uint32_t ifi,
                             uint32_t maxseg); /* what we announce */
uint16_t tct_tcp_options_peer_mss(const tct_stack *s, const struct tct_tcp_opts *o, bool ipv4);
uint8_t tct_tcp_options_wscale(uint32_t rcvbuf_bytes);
uint32_t tct_tcp_options_ts_offset(const tct_stack *s, const struct tct_tuple *t);
tct_seq tct_tcp_options_isn(tct_stack *s, const struct tct_tuple *t); /* RFC 6528 */

/* ---- tcp_recv.c: acceptability, the window to offer, when an ACK is owed --------------------- */
void tct_tcp_recv_init(tct_stack *s, struct tct_tcp *c, uint32_t buf_max);
void tct_tcp_recv_start(tct_stack *s, struct tct_tcp *c, tct_seq irs); /* rcv.nxt = irs + 1 */
bool tct_tcp_recv_is_acceptable(const struct tct_tcp *c, tct_seq seq, uint32_t len);
/* The part of an acceptable segment's text that is new and inside the window; false: none. */
bool tct_tcp_recv_trim(const struct tct_tcp *c, tct_seq begin, uint32_t len,
                       struct tct_range *part);
uint32_t tct_tcp_recv_limit(const struct tct_tcp *c); /* buffer, or the clamp */
uint32_t tct_tcp_recv_syn_window(const tct_stack *s,
                                 const struct tct_tcp *c); /* told unscaled on a SYN */
uint32_t tct_tcp_recv_window_for(const tct_stack *s, const struct tct_tcp *c, tct_addr peer,
                                 uint32_t ifi);              /* the same, of a listener */
uint32_t tct_tcp_recv_free(const struct tct_tcp *c);         /* room in the buffer */
tct_seq tct_tcp_recv_edge_to_offer(const struct tct_tcp *c); /* pure; >= edge */
tct_seq tct_tcp_recv_syn_edge(const tct_stack *s, const struct tct_tcp *c); /* of a SYN,ACK */
uint16_t tct_tcp_recv_window_field(const struct tct_tcp *c, tct_seq edge, bool syn);
bool tct_tcp_recv_is_owing(const struct tct_tcp *c);   /* an ACK is owed, now or delayed */
void tct_tcp_recv_owe(struct tct_tcp *c, tct_why why); /* one debt */
void tct_tcp_recv_owe_segments(struct tct_tcp *c, tct_why why, uint32_t n);
void tct_tcp_recv_ack_now(struct tct_tcp *c, tct_why why); /* merges over a burst */
/* Something to carry it is to follow at once; if not, it goes by the delayed ACK's timer. */
void tct_tcp_recv_ack_later(tct_stack *s, struct tct_tcp *c, tct_why why);
void tct_tcp_recv_pay_debt(struct tct_tcp *c);
void tct_tcp_recv_on_in_order(tct_stack *s, struct tct_tcp *c, uint32_t bytes, uint32_t seg_len,
                              bool filled_gap);
void tct_tcp_recv_on_ack_sent(tct_stack *s, struct tct_tcp *c,
                              tct_seq edge); /* any segment with ACK left */
void tct_tcp_recv_on_app_read(tct_stack *s, struct tct_tcp *c);
void tct_tcp_recv_on_delack_timer(tct_stack *s, struct tct_tcp *c);
void tct_tcp_recv_set_quickack(tct_stack *s, struct tct_tcp *c, bool on);
bool tct_tcp_recv_challenge(tct_stack *s, struct tct_tcp *c); /* RFC 5961, limited per connection */
bool tct_tcp_recv_paws_ok(const tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_hdr *h);
void tct_tcp_recv_on_timestamp(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h);
void tct_tcp_recv_urgent(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h);
uint32_t tct_tcp_recv_urgent_unread(const struct tct_tcp *c);

/* ---- tcp_reasm.c: bytes to their places; SACK blocks to send --------------------------------- */
struct tct_text { /* payload, trimmed to the window; skip: from the TCP header to its first byte */
  tct_seq seq;
  uint32_t len, skip;
  const struct tct_pkt *pkt;
};
/* Puts the bytes where they belong and moves rcv.nxt over what is in order now. */
tct_verdict tct_tcp_reasm_input(tct_stack *s, struct tct_tcp *c, const struct tct_text *t);
void tct_tcp_reasm_discard(tct_stack *s,
                           struct tct_tcp *c); /* nobody will read: all in order is thrown away */
/* The stream ends at `end`: what came from beyond is no part of it. */
void tct_tcp_reasm_end_at(tct_stack *s, struct tct_tcp *c, tct_seq end);
void tct_tcp_reasm_duplicate(tct_stack *s, struct tct_tcp *c, tct_seq begin,
                             tct_seq end); /* to be told as D-SACK */
void tct_tcp_reasm_sack_blocks(const struct tct_tcp *c, struct tct_tcp_opts *o, unsigned room);
void tct_tcp_reasm_on_fin(struct tct_tcp *c); /* one beyond a gap came: it is told of, too */
void tct_tcp_reasm_on_sack_sent(struct tct_tcp *c);
void tct_tcp_reasm_init(struct tct_tcp_ooo *o);
void tct_tcp_reasm_deinit(tct_stack *s, struct tct_tcp_ooo *o);
uint32_t tct_tcp_reasm_ranges_max(const struct tct_tcp *c);

/* ---- tcp_send.c: una, nxt, the peer's window, Nagle, silly windows --------------------------- */
void tct_tcp_send_init(tct_stack *s, struct tct_tcp *c, tct_seq iss);
/* Takes in SEG.ACK, SEG.WND; fills in *a. May free sent data and post WRITABLE. */
void tct_tcp_send_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                         const struct tct_tcp_hdr *h, struct tct_tcp_ack *a);
void tct_tcp_send_window(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                         bool syn); /* WL1/WL2 rule [EP-28] */
/* For plain.h: the round trip that an ACK tells, TCT_NEVER: none. */
uint64_t tct_tcp_send_rtt_of(const tct_stack *s, const struct tct_tcp *c,
                             const struct tct_tcp_ack *a);
bool tct_tcp_send_is_eor(const struct tct_tcp *c, tct_seq pos);
uint32_t tct_tcp_send_sendable(const struct tct_tcp *c); /* of that, up to the next MSG_EOR */
/* How much new data may go now, 0 if Nagle, SWS, window or cwnd say no; *wait: override is needed
 */
uint32_t tct_tcp_send_usable(const tct_stack *s, const struct tct_tcp *c, bool *wants_override);
tct_seq tct_tcp_send_bare_seq(const struct tct_tcp *c); /* of ACKs and RSTs */
uint32_t tct_tcp_send_window_left(
    const struct tct_tcp *c); /* nxt to the peer's right edge, 0 if beyond it */
void tct_tcp_send_on_sent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end, bool fin);
void tct_tcp_send_on_probe_sent(struct tct_tcp *c);
void tct_tcp_send_drop(tct_stack *s, struct tct_tcp *c); /* queued and sent data is given up */
void tct_tcp_send_return_lent(tct_stack *s,
                              struct tct_queue *q); /* tokens of lent memory, back to the caller */
long tct_tcp_send_queue(tct_stack *s, struct tct_tcp *c, const void *buf, size_t len,
                        unsigned flags);
void tct_tcp_send_on_queued(tct_stack *s, struct tct_tcp *c,
                            unsigned flags); /* TCT_MSG_* of bytes now in tx */
uint32_t tct_tcp_send_room(const tct_stack *s, const struct tct_tcp *c);
uint32_t tct_tcp_send_room_of(const tct_stack *s, const struct tct_tcp *c, uint32_t limit);
uint32_t tct_tcp_send_limit(const tct_stack *s, const struct tct_tcp *c);

/* ---- tcp_timer.c: which deadlines exist, the earliest; marks what is due --------------------- */
void tct_tcp_timer_init(struct tct_tcp *c);
void tct_tcp_timer_set(tct_stack *s, struct tct_tcp *c, tct_timer kind,
                       tct_time at); /* the main timer */
void tct_tcp_timer_stop(tct_stack *s, struct tct_tcp *c);
void tct_tcp_timer_arm(tct_stack *s, struct tct_tcp *c, tct_time at); /* earlier than it is */
void tct_tcp_timer_update(tct_stack *s,
                          struct tct_tcp *c); /* decides the main timer from the state (C8) */
void tct_tcp_timer_restart(tct_stack *s, struct tct_tcp *c); /* new ACK: RFC 6298 5.3 */
void tct_tcp_timer_on_progress(const tct_stack *s, struct tct_tcp *c);
void tct_tcp_timer_on_new_data(tct_stack *s, struct tct_tcp *c, bool first);
void tct_tcp_timer_on_head_resent(tct_stack *s, struct tct_tcp *c);
void tct_tcp_timer_on_idle(tct_stack *s, struct tct_tcp *c); /* the plan has nothing to send */
tct_time tct_tcp_timer_syn_age_ns(const tct_stack *s, const struct tct_tcp *c, tct_time at);
void tct_tcp_timer_on_bad_ack(tct_stack *s, struct tct_tcp *c); /* answers our SYN, and wrongly */
void tct_tcp_timer_on_answer(struct tct_tcp *c,
                             tct_time now); /* the peer is alive, if its window is shut */
void tct_tcp_timer_set_due(tct_stack *s, struct tct_tcp *c, uint8_t bit);
void tct_tcp_timer_clear_due(struct tct_tcp *c, uint8_t bit);
void tct_tcp_timer_count_try(struct tct_tcp *c);
void tct_tcp_timer_reset_tries(struct tct_tcp *c);
void tct_tcp_timer_on_sent(tct_stack *s, struct tct_tcp *c); /* RFC 6298 5.1 */
void tct_tcp_timer_fire(tct_stack *s, struct tct_tcp *c);    /* its node came off the wheel */

/* ---- tcp_plan.c: the next segment, and why. Pure. -------------------------------------------- */
struct tct_tcp_plan {
  tct_why why; /* NONE: nothing now */
  tct_seq seq;
  uint32_t len;      /* payload */
  uint32_t train;    /* of new text: bytes from seq to the end of its train, 0: of none */
  uint16_t seg_size; /* 0: one segment */
  uint8_t flags;
  bool resend, pays_debt, probe_byte;
  bool plain;   /* new data or an ACK in the plain state: tcp_plain.c knows how it leaves */
  uint32_t mss; /* plain: tct_tcp_send_mss, where there is text */
};
void tct_tcp_plan(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_plan *plan);
bool tct_tcp_plan_wants_data(const tct_stack *s, const struct tct_tcp *c); /* if unpaced */
bool tct_tcp_plan_is_idle(const tct_stack *s, const struct tct_tcp *c);    /* why == NONE */
bool tct_tcp_plan_is_spent(const struct tct_tcp *c); /* idle, as is seen at once */

/* ---- tcp_plain.c: a segment of the plain state ------------------------------------------------
 */
/* False: it does not go into one frame as it is; nothing was changed. */
bool tct_tcp_plain_build(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p,
                         tct_seq *edge, tct_frame *f, struct tct_out *out);
void tct_tcp_plain_on_sent(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p,
                           tct_seq edge);

/* ---- tcp_output.c: plan -> bytes; segments without a connection ------------------------------ */
/* A segment fixed by what came in (RST, SYN-ACK, TIME-WAIT's ACK), to the reply queue. */
struct tct_tcp_reply {
  struct tct_tuple key;
  uint32_t ifi;
  uint8_t tclass, hop_limit;
  tct_why why;
  struct tct_tcp_hdr h; /* but for its ports */
};
bool tct_tcp_output_reply(tct_stack *s, struct tct_tcp_reply *r);
void tct_tcp_output_rst(tct_stack *s, struct tct_tcp *c, tct_why why); /* RST, SEQ = snd.nxt */
void tct_tcp_output_ack_now(tct_stack *s, struct tct_tcp *c,
                            tct_why why); /* an ACK that cannot wait for the plan */
/* RST for a segment that belongs to nobody [EP-1]; silent for a RST. */
void tct_tcp_output_reset(tct_stack *s, const struct tct_pkt *p, const struct tct_tcp_hdr *h,
                          tct_why why);

/* ---- tcp_listen.c: SYN cache, cookies, backlog ----------------------------------------------- */
int tct_tcp_listen_new(tct_stack *s);
void tct_tcp_listen_free(tct_stack *s);
int tct_tcp_listen_start(tct_stack *s, struct tct_tcp *c, unsigned backlog);
void tct_tcp_listen_stop(tct_stack *s, struct tct_tcp *c); /* half-open dropped, children reset */
/* A segment that no connection took and whose local end has (or may have) a listener. */
tct_verdict tct_tcp_listen_input(tct_stack *s, struct tct_tcp *l, struct tct_pkt *p,
                                 const struct tct_tcp_hdr *h, const struct tct_tuple *t);
/* A SYN that may end a TIME-WAIT record (timewait's word): the SYN,ACK's number is at least
 * iss_min. */
tct_verdict tct_tcp_listen_reopen(tct_stack *s, struct tct_tcp *l, struct tct_pkt *p,
                                  const struct tct_tcp_hdr *h, const struct tct_tuple *t,
                                  tct_seq iss_min);
void tct_tcp_listen_advance(tct_stack *s); /* the clock hand: SYN-ACKs again, records end */
tct_time tct_tcp_listen_next_deadline(const tct_stack *s);
bool tct_tcp_listen_icmp(tct_stack *s, const struct tct_icmp_event *e, const struct tct_tuple *t);
struct tct_tcp *tct_tcp_listen_accept(tct_stack *s, struct tct_tcp *l); /* NULL: none */
tct_seq tct_tcp_listen_iss(tct_stack *s, struct tct_tcp *c,
                           const struct tct_tuple *t); /* TCT_OPT_ISN, or RFC 6528 */

/* ---- tcp_ask.c: listeners with policy ASK ---------------------------------------------------- */
bool tct_tcp_ask_next(tct_stack *s, struct tct_tcp *l, tct_syn_info *info);
bool tct_tcp_ask_has(tct_stack *s, struct tct_tcp *l); /* somebody waits to be told of */
int tct_tcp_ask_answer(tct_stack *s, tct_syn y, tct_syn_word word, unsigned icmp_code);

/* ---- tcp_timewait.c: 64-byte records --------------------------------------------------------- */
int tct_tcp_timewait_new(tct_stack *s);
void tct_tcp_timewait_free(tct_stack *s);
bool tct_tcp_timewait_add(tct_stack *s,
                          const struct tct_tcp *c); /* c may be freed after; false: no room */
struct tct_time_wait *tct_tcp_timewait_find(tct_stack *s, const struct tct_tuple *t);
/* ACCEPTED with *reopen set: the SYN may open anew, iss above the old range (RFC 6191, MAY-2). */
tct_verdict tct_tcp_timewait_input(tct_stack *s, struct tct_time_wait *w, struct tct_pkt *p,
                                   const struct tct_tcp_hdr *h, bool *reopen, tct_seq *iss_min);
void tct_tcp_timewait_advance(tct_stack *s);
tct_time tct_tcp_timewait_next_deadline(const tct_stack *s);
/* A SYN reopens the tuple: the record steps aside (find is blind to it) until the handshake is
 * complete, then it is dropped; or comes back when the SYN leads to nothing [RFC9293 MAY-2]. */
void tct_tcp_timewait_park(tct_stack *s, const struct tct_tuple *t);
void tct_tcp_timewait_unpark(tct_stack *s, const struct tct_tuple *t);
void tct_tcp_timewait_drop(tct_stack *s, const struct tct_tuple *t);
bool tct_tcp_timewait_has(const tct_stack *s, const struct tct_tuple *t); /* parked ones too */
/* The same judgement for a connection still in state TIME-WAIT. */
bool tct_tcp_timewait_may_reopen(const struct tct_tcp_hdr *h, tct_seq rcv_nxt, bool has_ts,
                                 uint32_t ts_recent);

/* ---- tcp.c: the folder's door (and stack.h) -------------------------------------------------- */
void tct_tcp_drain(tct_stack *s, tct_time deadline); /* tct_drain */

/* ---- tcp_mtu.c (tcp_icmp.c: stack.h) --------------------------------------------------------- */
void tct_tcp_mtu_set(tct_stack *s, struct tct_tcp *c, uint32_t mtu);
tct_mtu_probing tct_tcp_mtu_mode(const tct_stack *s, const struct tct_tcp *c);
void tct_tcp_mtu_on_established(tct_stack *s, struct tct_tcp *c);
void tct_tcp_mtu_on_option(tct_stack *s, struct tct_tcp *c);
/* Bytes of the probe to send now, 0: none. *wait: new data waits for it. */
uint32_t tct_tcp_mtu_probe_len(const tct_stack *s, const struct tct_tcp *c, bool *wait);
void tct_tcp_mtu_on_probe_sent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end);
bool tct_tcp_mtu_is_probe(const struct tct_tcp *c, tct_seq begin); /* under way from there */
void tct_tcp_mtu_on_ack(tct_stack *s, struct tct_tcp *c);          /* una moved */
bool tct_tcp_mtu_take_loss(tct_stack *s, struct tct_tcp *c); /* was it but a probe? Then no cut */
void tct_tcp_mtu_on_resent(struct tct_tcp *c);
void tct_tcp_mtu_on_timeout(tct_stack *s, struct tct_tcp *c, uint32_t r1);

/* ---- tcp_ecn.c: marks seen, told and heeded -------------------------------------------------- */
tct_ecn tct_tcp_ecn_mode(const tct_stack *s, const struct tct_tcp *c);
/* AE, CWR and ECE of a segment (wire/tcp.h's ACE), and the two bits of its IP header. */
unsigned tct_tcp_ecn_ace(const tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_plan *p);
uint8_t tct_tcp_ecn_ip(const tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_plan *p);
void tct_tcp_ecn_on_sent(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p);
/* A SYN, or SYN,ACK, that answers or crosses ours. */
void tct_tcp_ecn_on_syn(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                        const struct tct_tcp_hdr *h);
/* A SYN,ACK again: its ACK tells how it came. */
void tct_tcp_ecn_on_syn_ack_again(struct tct_tcp *c, const struct tct_pkt *p);
/* What a listener agrees to of that which a SYN asks for, into the record; of a SYN that repeats
 * it; what the SYN,ACK says; and the child. */
void tct_tcp_ecn_agree(const tct_stack *s, const struct tct_tcp *l, const struct tct_pkt *p,
                       const struct tct_tcp_hdr *h, struct tct_half_open *r);
void tct_tcp_ecn_on_syn_again(struct tct_half_open *r, const struct tct_tcp_hdr *h);
unsigned tct_tcp_ecn_syn_ack(const tct_stack *s, const struct tct_half_open *r,
                             struct tct_tcp_opts *o);
void tct_tcp_ecn_on_child(tct_stack *s, struct tct_tcp *c, const struct tct_half_open *r);
/* The ACK that completes the handshake, before it is taken. */
void tct_tcp_ecn_on_third_ack(struct tct_tcp *c, const struct tct_tcp_hdr *h, uint32_t text_len);
/* Any acceptable segment. */
void tct_tcp_ecn_on_segment(const tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                            const struct tct_tcp_hdr *h, uint32_t text_len);
/* Text that is new, before it is taken in. */
void tct_tcp_ecn_on_text(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p);
tct_seq tct_tcp_ecn_fresh_cut(const struct tct_tcp *c); /* of a new active block */
void tct_tcp_ecn_on_ack(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                        struct tct_tcp_ack *a);
/* A mark was told: cuts the window, once a round trip. After tct_tcp_recover_on_ack. */
void tct_tcp_ecn_heed(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *a);
void tct_tcp_ecn_on_cut(struct tct_tcp *c); /* for whatever reason: CWR is owed */
void tct_tcp_ecn_on_undo(struct tct_tcp *c);

/* ---- tcp_accecn.c: byte counters as an option ------------------------------------------------ */
void tct_tcp_accecn_initial(struct tct_tcp_opts *o); /* of a SYN,ACK */
void tct_tcp_accecn_option(const tct_stack *s, const struct tct_tcp *c,
                           struct tct_tcp_opts *o); /* behind TS and SACK, which it may shorten */

/* ---- tcp_keep.c ------------------------------------------------------------------------------ */
tct_time tct_tcp_keep_next(const tct_stack *s,
                           const struct tct_tcp *c); /* when the next probe is due */
void tct_tcp_keep_on_timer(tct_stack *s, struct tct_tcp *c);
void tct_tcp_keep_on_heard(tct_stack *s, struct tct_tcp *c);

/* ---- sock/sock_event.c: news ----------------------------------------------------------------- */
void tct_sock_event_post(tct_stack *s, struct tct_tcp *c, uint32_t flags);
void tct_sock_event_readable(
    tct_stack *s, struct tct_tcp *c); /* bytes came in order; RCVLOWAT may hold it back */
void tct_sock_event_writable(
    tct_stack *s, struct tct_tcp *c); /* una moved: WRITABLE if it is owed and there is a third */
void tct_sock_event_soft(tct_stack *s, struct tct_tcp *c, int err);
void tct_sock_event_done(tct_stack *s, struct tct_tcp *c, int err,
                         tct_why why); /* CLOSED, once all is read */
void tct_sock_event_on_drained(tct_stack *s,
                               struct tct_tcp *c); /* receive queue emptied: CLOSED may go now */
void tct_sock_event_marks_told(tct_stack *s, struct tct_tcp *c); /* with extra; see quick.h */

/* ---- tcp_check.c ----------------------------------------------------------------------------- */
bool tct_tcp_check_conn(const tct_stack *s, const struct tct_tcp *c); /* true, or it traps */
void tct_tcp_check_all(const tct_stack *s);

/* ---- tcp_trace.c: segments and states for whoever listens ------------------------------------ */
void tct_tcp_trace_seg(const struct tct_pkt *p, const struct tct_tcp_hdr *h, tct_seg *seg);
void tct_tcp_trace_tell_in(tct_stack *s, const struct tct_pkt *p, const struct tct_tcp *c,
                           tct_verdict v);
void tct_tcp_trace_out(tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_hdr *h,
                       const struct tct_tcp_plan *p);
void tct_tcp_trace_reply(tct_stack *s, const struct tct_tcp_reply *r);
struct tct_tcp_who { /* a connection as the trace names it, also where there is only a record */
  const struct tct_tuple *key;
  tct_sock sock;
  uint32_t ifi;
};
void tct_tcp_trace_state(tct_stack *s, struct tct_tcp_who who, tct_state from, tct_state to,
                         tct_why why);
void tct_tcp_trace_timer(tct_stack *s, const struct tct_tcp *c, tct_timer kind);
void tct_tcp_trace_cc(tct_stack *s, const struct tct_tcp *c);

/* Counters that live in extra, if there is one. */
#define TCT_EXTRA_ADD(c, field, n)                                                                 \
  do {                                                                                             \
    if ((c)->extra != NULL)                                                                        \
      (c)->extra->field += (n);                                                                    \
  } while (0)

#include "tcp/quick.h"
#include "tcp/tcp_fastopen.h"

#endif
