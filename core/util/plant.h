/* SPDX-License-Identifier: MIT */
/*
 * plant.h - mistakes that real stacks have made, planted here to see whether the simulator finds
 * them. docs/planted.tsv says of each what is wrong and who made it; beside these it uses the
 * switches of rule.h. Used by whatever code the mistake belongs to. In every normal build a plant
 * is the constant false and costs nothing; `make planted` chooses one at run time.
 *
 *   if (!tct_seq_gt(ack, nxt) || TCT_PLANT(ACK_OF_UNSENT)) …
 */
#ifndef TCT_UTIL_PLANT_H
#define TCT_UTIL_PLANT_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define TCT_PLANTS(X)                                                                              \
  X(PLAIN_COMPARE_ACK) X(PLAIN_COMPARE_WINDOW) X(PLAIN_COMPARE_RANGES)                             \
  X(WL1_KEPT) X(WSCALE_ON_SYN) X(SEND_WINDOW_PLUS_ONE) X(SEND_PAST_CWND) X(CLOSE_DROPS_QUEUE)      \
  X(ACK_OF_UNSENT) X(RST_IN_WINDOW) X(SYN_RESETS) X(DATA_AFTER_FIN) X(OFF_BY_ONE_BEYOND_GAP)       \
  X(GAP_NEVER_JOINED) X(ACK_WITHOUT_MEMORY) X(EDGE_MOVES_LEFT) X(CHALLENGES_UNLIMITED)             \
  X(DELAYED_ACK_FORGOTTEN) X(WINDOW_UPDATE_MISSING)                                                \
  X(RTO_PUSHED_BACK) X(NO_BACKOFF) X(RTO_WITHOUT_FLOOR) X(FIN_NOT_RESENT)                          \
  X(RESENDS_SACKED) X(CUT_TWICE_A_WINDOW) X(CWND_KEPT_AT_TIME_OUT)                                 \
  X(SIMULTANEOUS_CLOSE_LOST) X(TIME_WAIT_TAKES_OLD_SYN)                                            \
  X(LEAK_OF_RUNS) X(LEAK_OF_HALF_OPEN) X(LEAK_OF_FRAGMENTS) X(PORT_LEAK) X(ACTIVE_GIVEN_EARLY)     \
  X(STALE_HANDLE) X(CLOSED_BEFORE_READ) X(LOST_WAKE_UP) X(LAST_OCTET_UNTOLD)                       \
  X(RST_ANSWERS_RST) X(ERROR_ANSWERS_ERROR) X(SYN_ACK_FOR_EVER) X(PMTU_BELOW_FLOOR)                \
  X(FRAGMENTS_OVERLAP) X(ODD_OCTET_UNSUMMED) X(SENT_NOT_COUNTED)
/* clang-format on */

/* The compare that forgets that numbers wrap. */
static inline bool tct_plant_less(uint32_t a, uint32_t b) {
  return a < b;
}

enum tct_plant {
#define X(name) TCT_PLANT_##name,
  TCT_PLANTS(X)
#undef X
      TCT_PLANT_COUNT
};

#ifdef TCT_PROBE
bool tct_plant_is(enum tct_plant which); /* defined by the tests' library */
#define TCT_PLANT(name) tct_plant_is(TCT_PLANT_##name)
#else
#define TCT_PLANT(name) ((int)TCT_PLANT_##name >= (int)TCT_PLANT_COUNT)
#endif

#endif
