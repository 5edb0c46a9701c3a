/* SPDX-License-Identifier: MIT */
/*
 * sim_check.h - what must hold in every simulated network, checked while it runs.
 *
 *   tct_sim *w = tct_sim_new(42);
 *   tct_sim_check *k = tct_sim_check_new(w);
 *   …hosts, links, flows, tct_sim_run…
 *   if (tct_sim_check_failed(k) != NULL) …
 *
 * All hosts made after tct_sim_check_new are watched: what they send and are given, what their
 * stacks trace, what their applications are told. tct_sim_run stops with TCT_SIM_WRONG at the first
 * invariant that does not hold. Applications of your own say what they write and read by
 * tct_sim_check_call; those of sim.h (flow, server) do so themselves. docs/sim.md has the table:
 * what exactly is checked, how often, what is allowed.
 */
#ifndef TERCET_SIM_CHECK_H
#define TERCET_SIM_CHECK_H

#include "tercet/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* number, name, where the rule stands */
#define TCT_SIM_INVARIANTS(X)                                                                      \
  X(1, PREFIX, "RFC 9293 3.4")                                                                     \
  X(2, EVERY_OCTET, "RFC 9293 2.2, 3.6")                                                           \
  X(3, DAMAGED, "RFC 9293 3.1")                                                                    \
  X(4, ONE_END, "RFC 9293 3.9.1")                                                                  \
  X(5, GRACEFUL, "RFC 9293 3.6")                                                                   \
  X(6, STATES, "RFC 9293 3.3.2, 3.10")                                                             \
  X(7, NUMBERS, "RFC 9293 3.4")                                                                    \
  X(8, NOT_AGAIN, "RFC 9293 3.8.1, RFC 2018 5")                                                    \
  X(9, IN_FLIGHT, "RFC 5681 3.1, RFC 9293 3.8.6")                                                  \
  X(10, RIGHT_EDGE, "RFC 9293 3.8.6")                                                              \
  X(11, CWND, "RFC 5681 3.1")                                                                      \
  X(12, TIMER, "RFC 6298 2, 3, 5")                                                                 \
  X(13, ALIVE, "RFC 9293 3.8.3, 3.8.6.1")                                                          \
  X(14, QUIET, "RFC 9293 3.8.4")                                                                   \
  X(15, NO_LOOP, "RFC 9293 3.8.6")                                                                 \
  X(16, FEW_REPLIES, "RFC 9293 3.5.2, RFC 1122 3.2.2")                                             \
  X(17, NO_AMPLIFIER, "RFC 4987 3")                                                                \
  X(18, MEMORY, "tct_limits")                                                                      \
  X(19, TIMERS_ARMED, "RFC 6298 5")                                                                \
  X(20, HANDLES, "tercet.h: names")                                                                \
  X(21, APART, "RFC 9293 3.3.1")                                                                   \
  X(22, WELL_FORMED, "RFC 9293 3.1, RFC 791 3.1, RFC 8200 3")                                      \
  X(23, UNPREDICTABLE, "RFC 6528, RFC 6056, RFC 7739")                                             \
  X(24, ICMP, "RFC 5927 4, 7")                                                                     \
  X(25, REASSEMBLY, "RFC 791 3.2, RFC 5722")                                                       \
  X(26, WORK, "docs/security.md")                                                                  \
  X(27, READINESS, "tercet.h: news")                                                               \
  X(28, COUNTERS, "tercet.h: counters")                                                            \
  X(29, SAME_SEED, "docs/ARCHITECTURE.md")                                                         \
  X(30, SNAPSHOT, "not built")                                                                     \
  X(31, GIVING_BACK, "docs/ARCHITECTURE.md")                                                       \
  X(32, BURSTS, "RFC 5681 4.2, RFC 2883")

typedef enum tct_sim_invariant {
  TCT_SIM_I_NONE,
#define X(number, name, where) TCT_SIM_I##number,
  TCT_SIM_INVARIANTS(X)
#undef X
      TCT_SIM_I_COUNT
} tct_sim_invariant;
const char *tct_sim_invariant_name(tct_sim_invariant i);  /* "RIGHT_EDGE" */
const char *tct_sim_invariant_where(tct_sim_invariant i); /* "RFC 9293 3.8.6" */

typedef struct tct_sim_failure {
  tct_sim_invariant id;
  uint64_t event; /* of the world, from 1: the run up to it shows the failure */
  uint64_t frame; /* number of the newest frame */
  tct_time at;
  unsigned host; /* in the order made, from 0 */
  char text[240];
} tct_sim_failure;

typedef struct tct_sim_check tct_sim_check;
/* Before the hosts are made. Freed with the world. One a world; again: the same. */
tct_sim_check *tct_sim_check_new(tct_sim *w);
/* NULL: all holds so far. */
const tct_sim_failure *tct_sim_check_failed(const tct_sim_check *k);
/* One line: "I10 RIGHT_EDGE (RFC 9293 3.8.6): event 17, frame 9, 1.234567 s, host 1: …". */
size_t tct_sim_check_line(const tct_sim_failure *f, char *to, size_t cap);
/* Leaves an invariant out (a test that breaks it on purpose), or takes it in again. */
void tct_sim_check_switch(tct_sim_check *k, tct_sim_invariant i, bool on);
/* How often each was asked: an invariant that is never asked proves nothing. */
uint64_t tct_sim_check_count(const tct_sim_check *k, tct_sim_invariant i);
/* State changes seen, from and to. */
uint64_t tct_sim_check_moves(const tct_sim_check *k, tct_state from, tct_state to);
/* Something that a test or a trial finds out by itself; the first failure stays. */
void tct_sim_check_fail(tct_sim_check *k, tct_sim_invariant i, unsigned host, const char *text);

/* ---- What an application did: right after the call on the stack, n is what the call returned. */
typedef enum tct_sim_doing {
  TCT_SIM_WROTE,   /* bytes: what was given; n: taken, or an error */
  TCT_SIM_READ,    /* bytes: what came; n as tct_sock_recv says, 0 is the end */
  TCT_SIM_SHUT_WR, /* no more writing */
  TCT_SIM_SHUT_RD,
  TCT_SIM_CLOSED, /* tct_sock_close */
  TCT_SIM_ABORTED /* tct_sock_abort */
} tct_sim_doing;
void tct_sim_check_call(tct_sim_host *h, tct_sock sock, tct_sim_doing what, const void *bytes,
                        long n);
/* Datagrams, for I25: what was sent whole, and what came. */
void tct_sim_check_dgram(tct_sim_host *h, bool sent, const void *bytes, size_t len);

/* ---- Phases ------------------------------------------------------------------------------------
 */

/* All faults have ended now. */
void tct_sim_check_heal(tct_sim_check *k);
/* I13: every connection whose application has closed or shut its side should be over now, and all
 * that was written be read, where both applications read. Full sweeps of I18, I19, I28. */
void tct_sim_check_live(tct_sim_check *k);
/* I14: applications do nothing from now on, and all is acknowledged: keep-alives and their answers
 * only; `silent`: everything is closed and 2 MSL have passed, so nothing at all. Ends with
 * tct_sim_check_busy. */
void tct_sim_check_quiet(tct_sim_check *k, bool silent);
void tct_sim_check_busy(tct_sim_check *k);
/* Everything has been closed: nothing may be left (I18, I19, I20, I23, I28). */
void tct_sim_check_end(tct_sim_check *k);

/* ---- Differential runs: I21, I31, I32 ----------------------------------------------------------
 */

/* Over what one end sent with this local port so far: times and segments (IP's identification left
 * out). The same connection in two worlds gives the same, whatever else goes on (I21), whether its
 * active block is given back or not (I31). 0: nothing was sent. */
uint64_t tct_sim_check_digest(const tct_sim_check *k, const tct_sim_host *h, uint16_t lport,
                              uint16_t rport);
/* Pure ACKs with this local port: how many, and a digest of their numbers, SACK and D-SACK blocks,
 * without times (I32). */
uint64_t tct_sim_check_acks(const tct_sim_check *k, const tct_sim_host *h, uint16_t lport,
                            uint16_t rport, uint64_t *n);

#ifdef __cplusplus
}
#endif
#endif
