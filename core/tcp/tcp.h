/* SPDX-License-Identifier: MIT */
/*
 * tcp.h - a TCP connection as data. Every file of tcp/ includes it; each sub-struct is written by
 * one file alone (named beside it) and read by all. Names are RFC 9293 section 3.3.1's.
 *
 * A connection is three blocks: `conn` (struct tct_tcp, 256 bytes, always), `active` (queues, sent
 * runs, reassembly, recovery: only while data is about), `extra` (counters and options that differ
 * from the stack's defaults). What must outlive quiet is in conn, and conn alone can send ACK, FIN,
 * RST and probes: a stack without memory can still close.
 *
 * Invariants (tcp_check.c asserts them after each call in check builds, by these numbers):
 *  C1  snd.una <= snd.nxt; both within 2^31 of each other.
 *  C2  SYN-SENT, SYN-RECEIVED: snd.una == iss, snd.nxt == iss + 1, SYN_ACKED is off; on in every
 * later state, but for a FIN-WAIT-1 that was entered by closing in SYN-RECEIVED. With Fast Open
 * snd.nxt is beyond that by what went with the SYN, or behind a child's SYN,ACK; and it is iss
 * while a connect waits for its first data (docs/decisions/0005). C3
 * active->tx.begin <= snd.una' <= tx.end, where una' leaves out an acknowledged SYN or FIN. C4 sent
 * runs are contiguous from snd.una to snd.nxt, sorted, not empty (without active: one, implied). C5
 * rcv.nxt <= rcv.edge; the edge never goes back. C6  out-of-order ranges lie above rcv.nxt, at or
 * below rcv.edge, disjoint and sorted. C7  a connection is on its interface's ready list iff
 * tcp_plan may have something to send now. C8  something outstanding or waiting behind a closed
 * window <=> tmr.kind is REXMIT (or TLP or REORDER in its place), PERSIST or OVERRIDE. C9  cwnd >=
 * 1 tct_tcp_send_mss; ssthresh >= 2. C10 after a FIN was received in order, rcv.nxt never moves
 * again. C11 the sums in struct tct_runs are what a count over the runs gives. C12 a CLOSED or
 * TIME-WAIT socket has no armed timer, nothing to send, and active only for unread data.
 */
#ifndef TCT_TCP_TCP_H
#define TCT_TCP_TCP_H

#include "stack.h"
#include "util/queue.h"
#include "util/ranges.h"
#include "util/seq.h"
#include "wire/tcp.h"

struct tct_tuple { /* local first; 36 bytes, no padding: hashed and compared as bytes */
  tct_addr laddr, raddr;
  uint16_t lport, rport;
};

/* ---- conn ---------------------------------------------------------------------------------- */

enum { /* snd.flags */
       TCT_SND_FIN_WANTED =
           1,                /* the application has closed its side; FIN follows the queued data */
       TCT_SND_FIN_SENT = 2, /* nxt counts it */
       TCT_SND_NODELAY = 4,
       TCT_SND_CORK = 8,
       TCT_SND_MORE = 16,      /* the last write said MORE */
       TCT_SND_URGENT = 32,    /* extra->snd_up is meaningful */
       TCT_SND_OVERRIDE = 64,  /* the override timer fired: send what fits, however small */
       TCT_SND_PROBE_DUE = 128 /* a window probe is to be sent */
};
struct tct_tcp_snd { /* tcp_send.c */
  tct_seq una;       /* oldest unacknowledged */
  tct_seq nxt;       /* next to send; also the highest ever sent + 1 */
  tct_seq wl1, wl2;  /* SEG.SEQ and SEG.ACK of the last window update */
  uint32_t wnd;      /* peer's window in bytes, from una */
  uint32_t wnd_max;  /* largest ever offered (silly windows, RFC 5961) */
  uint16_t mss;      /* payload bytes a segment may carry, options not yet taken off [MUST-16] */
  uint8_t flags;
  uint8_t
      ato; /* tcp_delack.c: how long an ACK waits, in 4 ms, 0: no data came yet; room was here */
};

enum {                     /* rcv.flags */
       TCT_RCV_FIN = 1,    /* the peer's FIN was taken in order */
       TCT_RCV_DELACK = 2, /* a delayed ACK is pending: active->delack_at */
       TCT_RCV_ACK_NOW =
           4,            /* in-order data wants one ACK at the next chance: merges over a burst */
       TCT_RCV_SHUT = 8, /* the application reads no more */
       TCT_RCV_URGENT = 16,   /* extra->rcv_up is meaningful */
       TCT_RCV_FIN_OOO = 32,  /* a FIN waits beyond a gap at active->fin_seq */
       TCT_RCV_WINDOW = 64,   /* the window opened enough to tell the peer */
       TCT_RCV_QUICKACK = 128 /* the application asked for quick ACKs */
};
#define TCT_DELACK_QUICK_MAX 16u
enum {                               /* rcv.delack */
       TCT_DELACK_QUICK = 31,        /* quick ACKs left */
       TCT_DELACK_DIALOGUE = 32,     /* our data answers theirs: ACKs ride on it */
       TCT_DELACK_PUSHED = 64,       /* a small segment came since the last ACK ... */
       TCT_DELACK_PUSHED_TWICE = 128 /* ... and another */
};
struct tct_tcp_rcv { /* tcp_recv.c */
  tct_seq nxt;
  tct_seq edge;     /* right edge: the highest nxt + window ever offered */
  tct_seq ack_sent; /* rcv.nxt of the last ACK sent (RFC 7323 Last.ACK.sent) */
  uint32_t ts_recent;
  uint32_t ts_recent_s; /* seconds of the stack's clock when it was taken, for PAWS's 24 days */
  uint32_t buf_max;     /* receive buffer, bytes */
  uint16_t mss;         /* size of full segments the peer sends, as seen */
  uint8_t debts;        /* immediate ACKs owed, one a segment; <= TCT_ACK_DEBT_MAX */
  uint8_t flags;
  uint8_t ack_why; /* tct_why of the ACK owed */
  uint8_t delack;  /* TCT_DELACK_*; tcp_delack.c */
  uint16_t ecn;    /* TCT_ECNF_*; tcp_ecn.c */
};
#define TCT_ACK_DEBT_MAX 16
enum {                          /* rcv.ecn: both directions, here because there was room */
       TCT_ECNF_CLASSIC = 1,    /* agreed: RFC 3168 */
       TCT_ECNF_ACCURATE = 2,   /* agreed: RFC 9768; extra is there */
       TCT_ECNF_ASKED = 4,      /* our SYN asked */
       TCT_ECNF_ECHO = 8,       /* CE came: ECE on every ACK until the peer's CWR */
       TCT_ECNF_TELL_CWR = 16,  /* our window was cut: CWR on the next new segment */
       TCT_ECNF_SEEN = 32,      /* ECT or CE came */
       TCT_ECNF_CUT_HERE = 128, /* una is where the window was cut: marks told now are old */
       TCT_ECNF_ASKED_ACCURATE = 256,
       TCT_ECNF_NO_ECT = 512,     /* the path spoils marks or what is told of them: send none */
       TCT_ECNF_HANDSHAKE = 1024, /* the next bare ACK tells how the SYN,ACK came */
       TCT_ECNF_FIRST = 2048,     /* no count of the peer's was seen yet */
       TCT_ECNF_OPT_BAD = 4096,   /* the path spoils the peer's option */
       TCT_ECNF_THIRD = 8192,     /* the segment in hand was judged as the third of the handshake */
       TCT_ECNF_ANY_SAID = TCT_ECNF_CLASSIC | TCT_ECNF_ACCURATE | TCT_ECNF_ECHO |
                           TCT_ECNF_TELL_CWR | TCT_ECNF_HANDSHAKE, /* headers may say something */
       TCT_ECNF_SYN_FIELD = 3 << 14, /* IP's two bits of the peer's SYN or SYN,ACK */
       TCT_ECNF_SYN_SHIFT = 14
};

enum { /* tmr.due: what tcp_plan has to see to; a timer never sends */
       TCT_DUE_SYN = 1,
       TCT_DUE_KEEPALIVE = 2,
       TCT_DUE_FIN = 4,
       TCT_DUE_TLP = 8 /* a tail loss probe */
};
struct tct_tcp_tmr { /* tcp_timer.c */
  tct_time main_at;  /* deadline of `kind`, TCT_NEVER if none */
  tct_time wheel_at; /* what the node is armed for: <= the true earliest deadline */
  struct tct_list node;
  uint32_t since_ms; /* first transmission of what is unanswered now (user time-out, R2) */
  uint8_t kind;    /* tct_timer: one of REXMIT TLP REORDER PERSIST OVERRIDE KEEPALIVE FIN_WAIT_2 */
  uint8_t backoff; /* doublings in force [EP-50] */
  uint8_t tries;   /* expiries in a row; probes or keep-alives unanswered */
  uint8_t due;
};

struct tct_tcp_rtt {   /* tcp_rtt.c */
  uint32_t srtt_us8;   /* smoothed, in eighths of a microsecond; 0: no sample yet */
  uint32_t rttvar_us4; /* in quarters */
  uint32_t min_us;     /* least of the last five minutes; UINT32_MAX: none */
};

struct tct_tcp_cc {        /* tcp_cc_*.c */
  uint32_t cwnd, ssthresh; /* bytes */
};

enum {                      /* open: what the handshake settled. tcp_options.c */
       TCT_OPEN_ACTIVE = 1, /* entered SYN-RECEIVED from SYN-SENT [MUST-11] */
       TCT_OPEN_TS = 2,
       TCT_OPEN_SACK = 4,
       TCT_OPEN_WSCALE = 8,
       TCT_OPEN_SYN_LOST = 16,  /* the SYN was sent again: RTO starts at 3 s, window at 1 segment */
       TCT_OPEN_CONNECTED = 32, /* reached ESTABLISHED */
       TCT_OPEN_SYN_ACKED =
           64 /* our SYN is acknowledged (una may come round to iss again); tcp_send.c */
};

enum {                           /* sock: sock/ alone */
       TCT_SOCKF_CLOSED = 1,     /* the application has called close: an orphan */
       TCT_SOCKF_WANTS_ROOM = 2, /* a send came up short: WRITABLE is owed */
       TCT_SOCKF_IN_ACCEPT =
           4,              /* in a listener's accept queue: no events yet; user is the listener */
       TCT_SOCKF_DONE = 8, /* the protocol is through: CLOSED follows once all is read */
       TCT_SOCKF_V6ONLY = 16,
       TCT_SOCKF_REUSEADDR = 32,
       TCT_SOCKF_REUSEPORT = 64,
       TCT_SOCKF_KEEPALIVE = 128,
       TCT_SOCKF_BOUND = 256,    /* in the table of bound ports */
       TCT_SOCKF_DEMUX = 512,    /* in the table of tuples */
       TCT_SOCKF_NO_SOFT = 1024, /* soft errors are not reported */
       TCT_SOCKF_NO_DF = 2048,
       TCT_SOCKF_IFC = 4096,     /* bind named the interface: ifi */
       TCT_SOCKF_ERR_TOLD = 8192 /* TCT_OPT_ERROR was read */
};

struct tct_tcp {
  /* line 0: who */
  struct tct_tuple key;
  uint32_t gen;                  /* survives the slot's reuse */
  uint32_t index;                /* in the slab */
  uint8_t state;                 /* tct_state; tcp_state.c alone */
  uint8_t open;                  /* TCT_OPEN_* */
  uint16_t sockf;                /* TCT_SOCKF_* */
  struct tct_tcp_active *active; /* NULL in state LISTEN, too */
  struct tct_extra *extra;
  /* line 1: hot */
  struct tct_tcp_snd snd;
  struct tct_tcp_rcv rcv;
  uint32_t sent_ms; /* when data last left: idle restart; tcp_send.c */
  /* line 2 */
  struct tct_tcp_tmr tmr;
  struct tct_tcp_rtt rtt;
  struct tct_tcp_cc cc;
  uint16_t peer_mss; /* as offered, or the default [MUST-15]; tcp_options.c */
  uint8_t wscale;    /* low nibble: theirs (snd), high: ours (rcv); tcp_options.c */
  uint8_t ifi;       /* interface; limits.ifs <= 255 */
  /* line 3 */
  union {
    struct tct_list ready; /* interface's ready list (C7); on the slab's freelist while free */
    struct tct_listener *listener; /* in state LISTEN: that is never ready, as ready.next tells */
  };
  struct tct_list event; /* stack's event list, or a listener's accept queue */
  union {
    void *user;
    uint64_t parent;
  } ctx; /* parent: listener's handle, gen << 32 | index */
  tct_seq iss, irs;
  uint32_t ts_offset;    /* our TSval = milliseconds + this (RFC 7323 section 5.4) */
  uint32_t heard_ms;     /* when anything last arrived: keep-alive [MUST-26] */
  uint16_t news;         /* TCT_EV_* not yet pulled */
  uint8_t err, soft_err; /* -TCT_E*, 0: none */
  uint8_t why;           /* tct_why of the end */
  uint8_t tclass;        /* DSCP << 2 */
  uint8_t hop_limit;
  uint8_t recv_tclass; /* of the last packet [MAY-9] */
};
#if UINTPTR_MAX > 0xffffffffu
_Static_assert(sizeof(struct tct_tcp) == 256, "conn is four cache lines: docs/ARCHITECTURE.md");
#endif
_Static_assert(sizeof(struct tct_tcp) <= 256, "conn is at most four cache lines");
_Static_assert(sizeof(struct tct_tuple) == 36, "a tuple is hashed as bytes");

static inline bool tct_tcp_syn_acked(const struct tct_tcp *c) {
  return (c->open & TCT_OPEN_SYN_ACKED) != 0;
}
static inline uint8_t tct_tcp_snd_shift(const struct tct_tcp *c) {
  return c->wscale & 15u;
}
static inline uint8_t tct_tcp_rcv_shift(const struct tct_tcp *c) {
  return (uint8_t)(c->wscale >> 4);
}

/* ---- active -------------------------------------------------------------------------------- */

enum {                     /* run.flags */
       TCT_RUN_LOST = 1,   /* declared lost, to be sent again */
       TCT_RUN_RESENT = 2, /* sent again since, and that is believed to be under way */
       TCT_RUN_SACKED = 4, /* the peer holds it */
       TCT_RUN_FIN = 8,    /* its last number is our FIN */
       TCT_RUN_PUSH = 16,  /* a write ended with it: PSH again when it goes again */
       TCT_RUN_TRAIN = 32, /* a train ended with it: what goes again goes train by train */
       TCT_RUN_LAST = TCT_RUN_FIN | TCT_RUN_PUSH | TCT_RUN_TRAIN /* what belongs to a run's end */
};
struct tct_run { /* what was sent: contiguous, alike. tcp_sack.c splits and merges */
  tct_seq begin, end;
  tct_time sent_at;  /* last transmission */
  uint16_t seg_size; /* payload of each of its segments but the last */
  uint8_t times;     /* transmissions, saturating */
  uint8_t flags;
  /* as it was when this left last: tcp_rate.c */
  uint32_t delivered;                   /* extra->rate's ... */
  tct_time delivered_at, first_sent_at; /* ... counts */
  uint32_t in_flight;                   /* this one included; lowest bit: app_limited */
  uint32_t lost;
};
_Static_assert(sizeof(struct tct_run) <= 48, "up to 4096 of them a connection");
#define TCT_RUNS_INLINE 16
/* 24 MB of flight that lost every second segment are 17,000 runs (100 Mbit/s over 600 ms, at the
 * end of slow start); what is merged can be neither SACKed nor found lost. */
#define TCT_RUNS_MAX 32768
struct tct_run_sum {
  uint32_t bytes, segs;
};
struct tct_runs { /* ring, grown by doubling up to TCT_RUNS_MAX; then neighbours merge, losing
                     detail */
  struct tct_run *at;
  uint32_t head, n, cap;                        /* cap: power of two */
  struct tct_run_sum all, sacked, lost, resent; /* by flag (C11); lost: with what was resent */
  struct tct_run_sum lost_ever;                 /* declared lost, also again; wraps */
  uint32_t waiting_bytes;                       /* LOST and not RESENT */
  tct_seq fack;             /* one past the highest SACKed; meaningful while sacked.segs > 0 */
  tct_seq lost_from;        /* nothing below waits to be resent */
  tct_seq judged_to;        /* from lost_from up to here all is SACKed or waits; tcp_rack.c */
  struct tct_range told[4]; /* SACK blocks of the last ACK that had any: seen, marked */
  uint8_t n_told;
  struct tct_run first[TCT_RUNS_INLINE];
};

/* Out-of-order ranges held: one for so many bytes of receive buffer, within these; what would be
 * one more is dropped (SegmentSmack). A long path that lost thousands of segments needs thousands.
 */
#define TCT_OOO_BYTES 512
#define TCT_OOO_INLINE 32
#define TCT_OOO_MAX 16384
#define TCT_DSACK_MAX 4
struct tct_tcp_ooo { /* tcp_reasm.c */
  struct tct_ranges set;
  tct_seq recent[4]; /* starts of arrivals, newest first: the order of SACK blocks (RFC 2018 4) */
  struct tct_range dsack[TCT_DSACK_MAX]; /* duplicates to report, oldest first (RFC 2883) */
  uint8_t n_recent, n_dsack;
  struct tct_range first[TCT_OOO_INLINE]; /* set.at is this, or grown by doubling */
};

enum { /* rec.phase; the numbers are Linux's tcpi_ca_state */
       TCT_REC_OPEN = 0,
       TCT_REC_DISORDER = 1, /* duplicates or SACKs, nothing declared lost */
       TCT_REC_CWR = 2,      /* the window is being reduced, nothing is resent (ECN) */
       TCT_REC_FAST = 3,     /* losses are repaired, the window is being reduced */
       TCT_REC_RTO = 4       /* after a time-out */
};
enum { TCT_TLP_NONE, TCT_TLP_NEW, TCT_TLP_RESENT };

struct tct_tcp_prr { /* tcp_cc_prr.c; bytes, or segments (LINUX) */
  uint32_t delivered, out, prior_cwnd;
};

/* What recovery has learnt that outlives a quiet time: a copy is kept in extra. All zero is what a
 * new connection knows. */
struct tct_tcp_past {
  /* tcp_undo.c */
  bool undo_on : 1;        /* the last cut may turn out to be needless */
  bool stamped : 1;        /* first_resent_ts is there */
  bool reo_dsack : 1;      /* a D-SACK wants a step more; tcp_rack.c */
  uint8_t tlp;             /* TCT_TLP_*: a probe is out; tcp_tlp.c */
  uint8_t reo_steps;       /* window is (1 + this) * min_rtt / 4; tcp_rack.c */
  uint8_t reo_persist;     /* recoveries for which reo_steps stays; tcp_rack.c */
  uint8_t phase;           /* that of a quiet time: TCT_REC_*; tcp_past.c */
  uint16_t reordering;     /* segments; 0: the configured one; tcp_rack.c */
  tct_seq undo_from;       /* snd.una at the cut */
  int32_t undo_resent;     /* segments resent since and not reported as duplicates; -1: none yet */
  uint32_t prior_ssthresh; /* before the cut; 0: not to be restored */
  uint32_t prior_cwnd;
  uint32_t first_resent_ts; /* our TSval when the first of the episode was resent */
  tct_seq tlp_end;          /* snd.nxt behind the probe; tcp_tlp.c */
  uint32_t reord_seen;      /* times reordering was seen; tcp_rack.c */
  struct tct_tcp_prr prr;   /* with `phase`; tcp_past.c */
  tct_time reo_changed_at;  /* reo_steps moves once a round trip; tcp_rack.c */
};
struct tct_tcp_rack { /* tcp_rack.c */
  tct_time sent_at;   /* when the newest that has arrived was sent ... */
  tct_seq end;        /* ... and where it ends */
  bool advanced;      /* something arrived since losses were looked for */
  uint64_t rtt_ns;    /* of what arrived last */
};
struct tct_tcp_rec { /* tcp_recover.c, but for what is named */
  tct_seq recover;   /* snd.nxt when the phase began (RFC 6582) */
  uint16_t dupacks;  /* segments that duplicates prove to have arrived, where there is no SACK */
  uint16_t dupacks_max;
  uint32_t dupacks_ms;   /* when the round trip of dupacks_max began */
  uint8_t phase;         /* TCT_REC_* */
  uint8_t why;           /* tct_why of the retransmission to come */
  bool repaired;         /* STRICT: duplicates of a repaired window may still come */
  bool frto;             /* the time-out may be false (RFC 5682) */
  bool frto_new;         /* and new data goes before retransmissions, to see */
  uint32_t flight_bytes; /* outstanding when the last ACK came */
  bool reneging;         /* it has just done so: a time-out will come soon */
  bool reneged;          /* the peer took SACKed data back: no rates from it */
  struct tct_tcp_rack rack;
  struct tct_tcp_prr prr;
  struct tct_tcp_past past;
};

struct tct_tcp_tune { /* tcp_tune.c: how fast the application takes what comes */
  tct_time since;     /* when this round trip began; TCT_NEVER: none has */
  tct_seq seq;        /* and where the application was then */
  uint32_t taken;     /* bytes in the last whole one */
  uint32_t rtt_us;    /* as the receiver sees it; 0: not measured */
  tct_seq window_end; /* without timestamps: the edge offered at window_since */
  tct_time window_since;
};

#define TCT_EOR_MAX 64    /* write boundaries waiting; a further one makes send return EAGAIN */
struct tct_tcp_cc_use {   /* tcp_cc.c */
  tct_seq used_end;       /* snd.nxt when the use of the window was last judged */
  uint32_t out_max_bytes; /* outstanding then: the most in a round trip, in whole segments */
  uint32_t acked_segs;    /* towards the next growth, where there is no extra */
  bool limited;           /* the window was the limit then */
  bool sent;              /* something left since */
};

/* held: nothing goes before `at`; free: the flow itself had nothing to send */
enum { TCT_PACE_FREE, TCT_PACE_RUNNING, TCT_PACE_HELD };
struct tct_tcp_pace { /* tcp_pace.c */
  tct_time at;        /* when what has left has been paid for */
  tct_time wake_at;   /* data waits until then; TCT_NEVER: none does */
  uint8_t phase;
};

/* tcp_plain.c: what is the same in every segment of the plain state */
struct tct_tcp_template {
  uint8_t ip[44];                 /* the IP header; behind it, at ip_len, both ports */
  uint32_t ip_sum;                /* of an IPv4 header without its length, in words of 16 bits */
  uint32_t pseudo_sum;            /* of the pseudo-header without its length */
  uint32_t ports;                 /* as a word of the TCP header */
  uint8_t ip_len;                 /* 0: not made yet */
  uint8_t hop_limit, tclass, ifi; /* made with */
};

struct tct_tcp_active {
  struct tct_list quiet; /* stack's list of blocks that could be given back */
  struct tct_tcp *conn;
  struct tct_queue tx; /* tcp_send.c: [una, queued end) */
  struct tct_queue rx; /* tcp_reasm.c; begin: next byte the application reads */
  struct tct_tcp_rec rec;
  struct tct_tcp_tune tune;
  struct tct_tcp_cc_use cc;
  struct tct_tcp_pace pace;
  tct_time delack_at; /* tcp_recv.c; TCT_NEVER: none */
  tct_time cork_at;   /* tcp_send.c: a corked remnant leaves at; TCT_NEVER: none */
  tct_time quiet_at;
  tct_time sent_at;   /* tcp_send.c: new numbers last left; 0: not since it was quiet */
  tct_seq ecn_cut;    /* tcp_ecn.c: snd.nxt when a mark last cut the window */
  tct_seq train_end;  /* tcp_push.c: end of the train that was begun */
  tct_seq resend_end; /* and of the one that goes again */
  tct_seq small_end;  /* end of the last segment that was less than full: Minshall */
  tct_seq fin_seq;    /* of a FIN beyond a gap */
  uint8_t n_eor;
  tct_seq read_at_ack;     /* rx.begin when the last ACK left; tcp_recv.c */
  uint32_t full_since_ack; /* bytes in order since the last ACK */
  struct tct_tcp_template head;
  /* last: their arrays, more than half of the block, are not cleared with it (tcp_block.c) */
  struct tct_tcp_ooo ooo;
  struct tct_runs runs;     /* tcp_sack.c */
  tct_seq eor[TCT_EOR_MAX]; /* no segment may cross these positions, oldest first */
};

/* ---- extra: counters, rare state, options that differ ------------------------------------------
 */

enum {                        /* fastopen.flags */
       TCT_FO_CONNECT = 1,    /* option: connect waits for the first data */
       TCT_FO_NO_COOKIE = 2,  /* option: neither asked for nor sent, nor wanted */
       TCT_FO_DEFERRED = 4,   /* connected by name only: the first data goes with the SYN */
       TCT_FO_FIRST = 8,      /* the first SYN or SYN,ACK is still to go: */
       TCT_FO_OPTION = 16,    /* with the option */
       TCT_FO_EXP = 32,       /* in its experimental form */
       TCT_FO_ASKED = 64,     /* a SYN with the option was planned */
       TCT_FO_CHILD = 128,    /* opened by a SYN, before the handshake was over */
       TCT_FO_PENDING = 256,  /* and still counted against the listener's limit */
       TCT_FO_TAKEN = 512,    /* a SYN's data was taken, by us or by the peer */
       TCT_FO_PROVING = 1024, /* opened after a pause: its success ends the suspicion */
       TCT_FO_MORE = 2048,    /* more data follows at once: it will carry the handshake's ACK */
       TCT_FO_AGAIN = 4096    /* again_ms tells of an answer to a repeated SYN */
};
struct tct_tcp_fastopen { /* tcp_fastopen.c, tcp_fastopen_client.c; where Fast Open is used */
  uint64_t key[2][2];     /* listener's own, n_keys of them */
  uint64_t parent;        /* child: its listener's handle, gen << 32 | index */
  uint32_t limit;         /* listener: TCT_OPT_FASTOPEN */
  uint32_t again_ms;
  uint16_t flags;
  uint16_t syn_len; /* bytes that go, or went, with the SYN */
  uint16_t syn_mss; /* what a further SYN announces at the most, 0: no such limit */
  uint8_t n_keys;
  uint8_t cookie_len;
  uint8_t cookie[TCT_TCP_OPT_COOKIE_MAX]; /* for the first SYN or SYN,ACK */
};

struct tct_tcp_mark {
  uint64_t offset, token;
  uint8_t what;
};
enum { TCT_CHRONO_NONE, TCT_CHRONO_BUSY, TCT_CHRONO_RWND, TCT_CHRONO_SNDBUF, TCT_CHRONO_KINDS };
struct tct_tcp_chrono { /* tcp_chrono.c: what the sender's time went into */
  uint64_t spent_ns[TCT_CHRONO_KINDS];
  tct_time since; /* when the present kind (chrono_kind) began */
};
#define TCT_MARKS_MAX 64

/* What congestion control knows of the path, for as long as the connection lives: tcp_cc.c. */
struct tct_tcp_cc_keep {
  void *state;          /* the algorithm's own record, state_bytes long; cc_room if it fits */
  uint32_t acked_segs;  /* acknowledged towards the next growth */
  uint32_t used_bytes;  /* most that was outstanding since stamp_ms, when the window was not full */
  uint32_t stamp_ms;    /* when the window was last full, or data acknowledged */
  uint16_t state_bytes; /* 0: none */
  uint8_t algorithm;    /* tct_cc; 0: the stack's default */
};

struct tct_ecn_counts {  /* accurate ECN, all from zero; tcp_accecn.c */
  uint32_t received_ce;  /* packets */
  uint32_t received[3];  /* payload bytes by IP's two bits less one: ECT(1), ECT(0), CE */
  uint32_t delivered_ce; /* the peer's counts of ours */
  uint32_t delivered[3];
  uint32_t tsval;  /* of the newest ACK that counted */
  uint8_t pending; /* marks since the last ACK */
  uint8_t field;   /* of the last packet */
  uint8_t demand;  /* ACKs that should carry the option */
  bool on_data;    /* data segments leave room for it */
};
struct tct_tcp_least { /* tcp_rtt.c: the least, then the least since it was seen, and so on */
  uint32_t us[3], at_ms[3];
};
struct tct_tcp_rate_keep {              /* tcp_rate.c */
  tct_time delivered_at, first_sent_at; /* when something arrived last, and when that had left */
  uint32_t delivered_bytes;             /* so far; wraps */
  uint32_t app_limited_end;             /* delivered_bytes when the last limited one arrives */
  bool app_limited, told_limited;       /* now; the sample that was told */
  uint64_t told;                        /* bytes a second, for tct_info */
  uint32_t delivered_segs, delivered_ce_segs;
};
struct tct_tcp_mtup { /* tcp_mtu.c: the search for the path's MTU; sizes of IP packets */
  bool on;
  uint32_t low, high; /* known to pass; nothing larger is tried */
  uint32_t size;      /* of the probe under way, 0: none ... */
  tct_seq begin, end; /* ... and its bytes */
  uint32_t since_ms;  /* when the search began */
};
struct tct_extra {
  /* first what a plain segment and its ACK touch; calls and bursts ask for it ahead */
  uint64_t bytes_sent, bytes_acked, bytes_received;
  uint32_t segs_out, segs_in, data_segs_out, data_segs_in;
  uint32_t last_sent_ms, last_recv_ms, last_ack_ms;
  uint32_t dev_us,
      dev_max_us;  /* tcp_rtt.c, LINUX: deviation in the RTO; largest in this round trip */
  tct_seq dev_end; /* which ends when this is acknowledged */
  struct tct_tcp_chrono chrono;
  struct tct_tcp_rate_keep rate;
  struct tct_tcp_least least;
  struct tct_tcp_cc_keep cc;
  uint64_t cc_room[10]; /* CUBIC's record, or another so small */
  /* options; a zero `set` bit means the stack's default */
  uint64_t set;             /* bit per tct_opt */
  uint64_t max_pacing_rate; /* bytes a second; 0: no limit */
  uint32_t sndbuf, notsent_lowat, user_timeout_ms, window_clamp, rcvlowat;
  uint8_t n_marks, n_reached;
  uint8_t ecn;              /* tct_ecn */
  uint8_t chrono_kind;      /* TCT_CHRONO_*; tcp_chrono.c */
  struct tct_tcp_past past; /* tcp_recover.c: while there is no active block */
  struct tct_tcp_tune tune; /* tcp_tune.c: likewise */
  struct tct_tcp_fastopen *fastopen;
  struct tct_tcp_mtup mtup;
  /* rarely; more options */
  uint32_t fin_wait_2_ms, fixed_isn;
  uint16_t keepidle_s, keepintvl_s, maxseg, pmtu_tries;
  uint8_t keepcnt, r1_retries, syn_retries, keep_garbage, mtu_probing;
  uint8_t defer_accept_s, syn_policy, no_ts, no_sack, no_wscale;
  uint8_t challenge_left;             /* per connection, refilled each second */
  uint32_t challenge_s, challenge_ms; /* second, and moment, of the last one */
  struct tct_ecn_counts ecn_n;
  /* counters, where events happen */
  uint32_t total_retrans, dsack_dups, challenge_acks;
  uint32_t rcv_ooopack;               /* segments that came out of order */
  uint16_t rto_count, rto_recoveries; /* tcp_recover.c: time-outs, series of them ... */
  uint32_t rto_ms, rto_since_ms; /* ... time spent in them; begin of the running one, 0: none */
  tct_seq snd_up, rcv_up; /* urgent mechanism, RFC 9293 3.8.5: one past the last urgent byte */
  uint64_t bytes_retrans;
  struct tct_tcp_mark *marks; /* TCT_MARKS_MAX of them when first used */
};

/* Has the application set this option, or does the stack's default hold? */
static inline bool tct_tcp_is_set(const struct tct_tcp *c, tct_opt o) {
  return c->extra != NULL && (c->extra->set >> o & 1) != 0;
}

/* ---- what an ACK meant: tcp_send.c makes it, tcp_rtt, tcp_recover and tcp_cc read it -----------
 */

struct tct_tcp_rate {       /* a sample; tcp_rate.c */
  uint64_t interval_ns;     /* 0: none */
  uint32_t delivered_bytes; /* in that time */
  uint32_t prior_delivered; /* extra->rate.delivered_bytes when the newest of it left */
  uint32_t lost_bytes;      /* found lost since then */
  uint32_t in_flight;       /* with it, when it left */
  bool app_limited;
};
struct tct_tcp_ack {
  tct_seq ack;
  tct_time at;              /* when it came */
  uint32_t acked_bytes;     /* newly acknowledged cumulatively, SYN and FIN left out */
  uint32_t acked_segs;      /* segments that this completes, SACKed before or not */
  uint32_t delivered_bytes; /* newly known to have arrived: acknowledged or SACKed */
  uint32_t delivered_segs;
  uint32_t sacked_bytes;                      /* newly SACKed, of delivered_bytes */
  uint32_t newly_lost_bytes, newly_lost_segs; /* tcp_recover.c */
  uint32_t flight_before;                     /* outstanding before this ACK */
  uint64_t rtt_ns;                            /* one sample, TCT_NEVER: none (Karn) */
  tct_time first_at;                          /* oldest and newest transmission of ... */
  tct_time last_at; /* ... what went once and is acknowledged now; TCT_NEVER: none */
  tct_time sacked_first_at, sacked_last_at; /* the same of what is SACKed now */
  tct_seq fack_before;                      /* one past the highest SACKed before this ACK */
  tct_seq reord;  /* lowest that arrived though later data had before (reorders) */
  uint32_t tsecr; /* echo of our clock (has_ts) */
  bool has_ts;
  bool advanced;        /* snd.una moved */
  bool moves_no_window; /* it came late, or has ended a recovery (RFC 6582 3.2 step 3) */
  bool duplicate;       /* RFC 5681 section 2's definition */
  bool window_changed;
  bool has_text; /* it came on a segment with data */
  bool fin_acked;
  bool ece;                 /* the peer tells of marks: a reason to cut, once a window */
  uint32_t ce_bytes;        /* of what it acknowledges, as far as is known: DCTCP */
  bool reorders;            /* reord is meaningful */
  bool dsack;               /* reports a duplicate that we may have caused (RFC 2883) */
  bool dsack_tlp;           /* and it is the tail loss probe's */
  bool resent_acked;        /* acknowledges something that went more than once */
  bool orig_acked;          /* or SACKs or acknowledges, at or below rec.recover, what went once */
  bool reneged;             /* what is unacknowledged now had been SACKed */
  bool lost_resent;         /* a retransmission was found lost */
  bool restart_timer;       /* RFC 6298 5.3; off where recovery has set another */
  struct tct_run newest;    /* of what arrived: what was sent last; end == begin: nothing arrived */
  struct tct_tcp_rate rate; /* nothing but interval_ns means anything when that is 0 */
};

#include "tcp/records.h"

#endif
