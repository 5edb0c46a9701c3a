/* SPDX-License-Identifier: MIT */
/*
 * info.c - the names that a code block may read: Linux's tcpi_* of the connection under test, the
 * constants that go with them, and ours: counters by their name, refused frames by their verdict,
 * isn1, isn2 ... for the live ISN of connection 1, 2 ... Called by eval.c.
 */
#include "drill/run.h"

#include <stdlib.h>
#include <string.h>

struct constant {
  const char *name;
  int64_t value;
};

/* clang-format off */
static const struct constant constants[] = {
    {"TCP_ESTABLISHED", 1}, {"TCP_SYN_SENT", 2}, {"TCP_SYN_RECV", 3}, {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5}, {"TCP_TIME_WAIT", 6}, {"TCP_CLOSE", 7}, {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9}, {"TCP_LISTEN", 10}, {"TCP_CLOSING", 11},
    {"TCPI_ESTABLISHED", 1}, {"TCPI_SYN_SENT", 2}, {"TCPI_SYN_RECEIVED", 3},
    {"TCPI_FIN_WAIT_1", 4}, {"TCPI_FIN_WAIT_2", 5}, {"TCPI_TIME_WAIT", 6}, {"TCPI_CLOSED", 7},
    {"TCPI_CLOSE_WAIT", 8}, {"TCPI_LAST_ACK", 9}, {"TCPI_LISTEN", 10}, {"TCPI_CLOSING", 11},
    {"TCP_CA_Open", 0}, {"TCP_CA_Disorder", 1}, {"TCP_CA_CWR", 2}, {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4}, {"TCPI_OPT_TIMESTAMPS", 1}, {"TCPI_OPT_SACK", 2},
    {"TCPI_OPT_WSCALE", 4}, {"TCPI_OPT_ECN", 8}, {"TCPI_OPT_ECN_SEEN", 16},
    {"TCPI_OPT_SYN_DATA", 32}, {"TCPI_OPT_USEC_TS", 64}, {"TCPI_OPT_TFO_CHILD", 128},
};
/* clang-format on */

/* Beside what Linux tells, which sockinfo.c reads. */
static bool find_ours(const tct_info *i, const char *name, int64_t *v) {
  /* clang-format off */
  const struct constant fields[] = {
      {"cwnd_bytes", i->snd_cwnd}, {"ssthresh_bytes", i->snd_ssthresh},
      {"unread_bytes", i->unread_bytes}, {"challenge_acks", i->challenge_acks},
      {"snd_una", i->snd_una - i->iss}, {"snd_nxt", i->snd_nxt - i->iss},
      {"rcv_nxt", i->rcv_nxt - i->irs},
      {"ecn_mode", i->ecn_mode},
  };
  /* clang-format on */
  for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
    if (strcmp(fields[f].name, name) != 0)
      continue;
    *v = fields[f].value;
    return true;
  }
  return false;
}

bool drill_info_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v) {
  tct_info info = {.size = sizeof info};
  long err = lsock_info(r->lsock, fd, &info);
  if (err < 0)
    return drill_run_fail(r, "tcp_info: %s", tct_strerror((int)err));
  return find_ours(&info, name, v);
}

/* The descriptor of the connection under test; -1: it has none. */
static int find_live(const struct drill_run *r) {
  const struct drill_conn *c = r->current;
  for (int i = 0; c && c->fd >= 0 && i < DRILL_FDS_MAX; i++)
    if (r->fds[i].is_used && r->fds[i].conn == c)
      return r->fds[i].live;
  return -1;
}

static bool lookup_tcpi(struct drill_run *r, const char *name, int64_t *v) {
  const tct_info none = {.size = sizeof none};
  int fd = find_live(r);
  if (fd < 0)
    return drill_run_fail(r, "tcpi_%s: the connection has no descriptor", name);
  if (r->subject->tcpi(r, fd, name, v) || drill_sockinfo_tcpi(r, fd, name, v))
    return true;
  return (r->linux && (r->is_unanswered = find_ours(&none, name, v))) ||
         drill_run_fail(r, "there is no tcpi_%s here", name);
}

/* Of the congestion control, and of the buffers. */
static bool lookup_other(struct drill_run *r, const char *name, int64_t *v) {
  static const char *const prefixes[] = {"SK_MEMINFO_", "bbr_", "dctcp_", "tcpv_"};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
    int fd = find_live(r);
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0 && fd >= 0)
      return drill_sockinfo_other(r, fd, name, v);
  }
  return false;
}

/* clang-format off */
#define COUNTERS(X)                                                                                \
  X(InSegs) X(OutSegs) X(RetransSegs) X(InErrs) X(OutRsts) X(ActiveOpens) X(PassiveOpens)          \
  X(AttemptFails) X(EstabResets) X(CurrEstab) X(InReceives) X(OutRequests) X(ReasmOKs)             \
  X(ReasmFails) X(FragCreates) X(InDatagrams) X(OutDatagrams) X(NoPorts) X(InEchos)                \
  X(OutEchoReps) X(OutIcmpErrors) X(SyncookiesSent) X(SyncookiesRecv) X(SyncookiesFailed)          \
  X(ListenOverflows) X(ListenDrops) X(TCPChallengeACK) X(TCPDSACKOldSent) X(TCPDSACKOfoSent)       \
  X(TCPOFOQueue) X(TCPOFODrop) X(TCPTimeouts) X(TCPFastRetrans) X(TCPKeepAlive)                    \
  X(TCPAbortOnTimeout) X(TCPAbortOnData) X(TCPAbortOnMemory) X(TCPTimeWaitOverflow) X(PAWSEstab)   \
  X(TW) X(HeldNow) X(HalfOpenNow) X(TimeWaitNow) X(OrphansNow) X(ConnsNow) X(ActiveNow)            \
  X(BufferBytesNow) X(MemoryBytesNow) X(TCPAckMerged) \
  X(TCPSackRecovery) X(TCPRenoRecovery) X(TCPSlowStartRetrans) X(TCPLostRetransmit)                \
  X(TCPMTUPSuccess) X(TCPMTUPFail) X(TCPLossProbes) X(TCPLossProbeRecovery) X(TCPSACKReneging)     \
  X(TCPSACKDiscard)                                                                                \
  X(TCPSACKReorder) X(TCPRenoReorder) X(TCPTSReorder)                                              \
  X(TCPDSACKRecv) X(TCPDSACKOfoRecv) X(TCPDSACKIgnored)                                            \
  X(TCPFullUndo) X(TCPPartialUndo) X(TCPDSACKUndo) X(TCPLossUndo) X(TCPSpuriousRTOs) \
  X(TCPFastOpenActive) X(TCPFastOpenActiveFail) X(TCPFastOpenPassive) X(TCPFastOpenPassiveFail)    \
  X(TCPFastOpenListenOverflow) X(TCPFastOpenCookieReqd) X(TCPFastOpenBlackhole)                    \
  X(TCPFastOpenPassiveAltKey)
/* clang-format on */

#define SAME(x) {#x, offsetof(tct_counters, x)},
static const struct counter {
  const char *name;
  size_t at;
} counters[] = {COUNTERS(SAME)};
#undef SAME
enum { COUNTERS_HERE = sizeof counters / sizeof counters[0] };

static int64_t read_counter(const tct_counters *c, const struct counter *k) {
  uint64_t v;
  memcpy(&v, (const uint8_t *)c + k->at, sizeof v);
  return (int64_t)v;
}

static bool lookup_counter(struct drill_run *r, const char *name, int64_t *v) {
  tct_counters c;
  memset(&c, 0, sizeof c);
  tct_stack_counters(r->stack, &c);
  for (size_t i = 0; i < COUNTERS_HERE; i++) {
    if (strcmp(counters[i].name, name) != 0)
      continue;
    *v = read_counter(&c, &counters[i]);
    return true;
  }
  return false;
}

void drill_info_note(struct drill_run *r) {
  tct_counters c;
  memset(&c, 0, sizeof c);
  if (r->stack)
    tct_stack_counters(r->stack, &c);
  if (!r->noted)
    r->noted = drill_arena_get(r->arena, sizeof(int64_t) * COUNTERS_HERE);
  for (size_t i = 0; i < COUNTERS_HERE; i++)
    r->noted[i] = read_counter(&c, &counters[i]);
}

bool drill_info_rose(struct drill_run *r, const char *part) {
  tct_counters c;
  memset(&c, 0, sizeof c);
  if (r->stack)
    tct_stack_counters(r->stack, &c);
  for (size_t i = 0; i < COUNTERS_HERE; i++)
    if (strstr(counters[i].name, part) &&
        read_counter(&c, &counters[i]) > (r->noted ? r->noted[i] : 0))
      return true;
  return false;
}

static bool lookup_verdict(struct drill_run *r, const char *name, int64_t *v) {
  for (int i = 0; i < TCT_VERDICT_COUNT; i++) {
    const char *known = tct_verdict_name((tct_verdict)i);
    if (!known || strcmp(known, name) != 0)
      continue;
    *v = (int64_t)tct_verdict_count(r->stack, (tct_verdict)i);
    return true;
  }
  return false;
}

bool drill_info_counter(struct drill_run *r, const char *name, int64_t *v) {
  return r->stack && (lookup_counter(r, name, v) || lookup_verdict(r, name, v));
}

static bool lookup_isn(struct drill_run *r, const char *name, int64_t *v) {
  char *end;
  if (strncmp(name, "isn", 3) != 0 || name[3] < '1' || name[3] > '9')
    return false;
  long number = strtol(name + 3, &end, 10);
  if (*end || number > 1000000)
    return false;
  const struct drill_conn *c = drill_conn_by_number(r, (int)number);
  *v = c ? (int64_t)c->isn_live : 0;
  return true;
}

/* A name that the kernel has no answer to: whatever is asserted of it is passed over. */
static bool is_ours_only(struct drill_run *r, const char *name) {
  bool is_known = strncmp(name, "DROP_", 5) == 0;
  for (size_t i = 0; i < COUNTERS_HERE; i++)
    is_known = is_known || strcmp(counters[i].name, name) == 0;
  return r->is_unanswered = r->linux && is_known;
}

bool drill_info_lookup(struct drill_run *r, const char *name, int64_t *v) {
  for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
    if (strcmp(constants[i].name, name) != 0)
      continue;
    *v = constants[i].value;
    return true;
  }
  if (strncmp(name, "tcpi_", 5) == 0)
    return lookup_tcpi(r, name + 5, v);
  if (lookup_other(r, name, v) || r->subject->counter(r, name, v) || lookup_isn(r, name, v))
    return true;
  return is_ours_only(r, name) || drill_run_fail(r, "unknown name %s", name);
}
