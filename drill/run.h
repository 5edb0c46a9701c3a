/* SPDX-License-Identifier: MIT */
/*
 * run.h - a script while it is played: one stack in virtual time, the frames that came and went,
 * the connections that the script talks about. What the files of the runner share; from outside
 * use drill.h.
 */
#ifndef DRILL_RUN_H
#define DRILL_RUN_H

#include "drill/arena.h"
#include "drill/script.h"
#include "host/lsock/lsock.h"

/* ---- Frames --------------------------------------------------------------------------------- */

struct drill_frame { /* one frame that crossed the interface, taken apart */
  struct drill_frame *next;
  uint64_t at_ns; /* since the script began */
  bool is_out, is_taken;
  struct drill_conn *conn; /* NULL: of no connection of the script */
  uint16_t why, verdict;
  uint8_t *bytes;
  size_t len;
  const char *broken; /* what no frame of ours may have, or NULL */
  uint8_t version, proto, tos, ttl;
  uint32_t flowlabel;
  tct_addr src, dst;
  size_t l4_at, payload_at, payload_len;
  /* TCP, UDP: ports; ICMP: type and code */
  uint16_t sport, dport, win, urg;
  uint32_t seq, ack;
  uint8_t flags, reserved; /* reserved: the four bits above CWR, AE the lowest */
  bool ae;
  const uint8_t *options;
  size_t options_len;
  uint8_t icmp_type, icmp_code;
};

/* ---- Connections -------------------------------------------------------------------------------
 */

enum drill_conn_state {
  DRILL_CONN_NEW,
  DRILL_CONN_LISTENING,
  DRILL_CONN_CONNECTING,
  DRILL_CONN_SYN_SENT,
  DRILL_CONN_RECEIVED,
  DRILL_CONN_SYNACK_SENT,
  DRILL_CONN_ACKED
};

enum { DRILL_TS_MAX = 256 };

struct drill_conn {
  struct drill_conn *older;
  enum drill_conn_state state;
  int number; /* 1, 2 ... for {conn N}; 0: a socket that has no peer yet */
  int fd;     /* the script's, -1: not accepted */
  bool is_udp;
  tct_addr local, remote;
  uint16_t lport, rport;
  uint32_t isn_script, isn_live, isn_remote;
  bool has_live, own_rx, own_tx; /* own_*: payload not from the pattern: not compared */
  struct {
    uint32_t script, live;
  } ts[DRILL_TS_MAX];
  unsigned n_ts;
  uint32_t flow_script, flow_live; /* IPv6 flow label last seen */
  bool has_flow;
};

/* ---- Descriptors and calls ------------------------------------------------------------------- */

enum { DRILL_FDS_MAX = 256, DRILL_BUFFER_MAX = 64 << 20 };

struct drill_fd {
  bool is_used;
  int script, live;
  struct drill_conn *conn;
  uint32_t rx, tx; /* bytes read and written: where the pattern goes on */
};

struct drill_run;
struct drill_op { /* a call under way */
  const struct drill_call *call;
  long (*attempt)(struct drill_run *r, struct drill_op *op);
  int line;
  uint64_t start_ns, end_ns, deadline_ns;
  bool has_deadline, is_begun, is_active;
  size_t done;
};

/* ---- Variables of code blocks ---------------------------------------------------------------- */

struct drill_var {
  struct drill_var *next;
  const char *name;
  int64_t value;
};

struct drill_run {
  struct drill_arena *arena;
  const struct drill_script *script;
  const struct drill_settings *set;
  const char *path;
  tct_config config; /* until the stack is made: shell steps write here */
  tct_stack *stack;
  tct_if ifc;
  struct lsock *lsock;
  uint64_t now_ns; /* since the script began */
  struct drill_frame *frames, **frames_end;
  struct drill_conn *conns, *current; /* newest first; the one under test */
  int n_conns;
  uint16_t next_port;
  tct_addr local, remote;
  struct drill_fd fds[DRILL_FDS_MAX];
  struct drill_op pending;
  struct drill_var *vars;
  uint8_t *buffer;
  size_t buffer_cap;
  struct drill_frame *held; /* {more}: waiting to be handed in together */
  unsigned n_held;
  int line; /* of the event being played */
  uint64_t due_ns, previous_ns;
  int fail_line;
  const char *failure; /* NULL so far */
  const char *expected, *seen;
};

/* All events; false with r->failure. */
bool drill_run_play(struct drill_run *r);
/* The first failure stays; always false. */
bool drill_run_fail(struct drill_run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, with what was wanted and what was there on lines of their own. */
bool drill_run_differ(struct drill_run *r, const char *expected, const char *seen,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* By how much a time may be off; span_ns: since the event before. */
uint64_t drill_run_tolerance(const struct drill_run *r, uint64_t span_ns);

/* world.c: the stack and its clock. */
#define DRILL_BASE_NS 1000000000u /* the stack's clock when the script begins */
bool drill_world_start(struct drill_run *r);
void drill_world_stop(struct drill_run *r);
bool drill_world_settle(struct drill_run *r);
/* To the given script time, firing timers on the way. */
bool drill_world_advance(struct drill_run *r, uint64_t to_ns);
/* One timer, at most at `limit`; false: none is due until then (or the run failed). */
bool drill_world_step(struct drill_run *r, uint64_t limit_ns);
bool drill_world_inject(struct drill_run *r, uint8_t *bytes, size_t len, bool is_more);

/* frame.c: bytes to struct drill_frame. */
void drill_frame_decode(struct drill_frame *f);
uint32_t drill_frame_sum(const uint8_t *p, size_t len, uint32_t sum);
uint16_t drill_frame_fold(uint32_t sum);
uint32_t drill_frame_pseudo(const struct drill_frame *f, uint32_t len);
/* The byte at a place of a stream; scripts' payload is made of these. */
uint8_t drill_frame_pattern(uint32_t offset);

/* conn.c: who talks, and in whose numbers. */
/* Zero if the text is none. */
tct_addr drill_conn_address(const char *text);
struct drill_conn *drill_conn_new(struct drill_run *r, enum drill_conn_state state);
struct drill_conn *drill_conn_by_number(struct drill_run *r, int number);
/* Which connection an outgoing frame is of; learns ports and initial numbers from it. */
void drill_conn_on_out(struct drill_run *r, struct drill_frame *f);
/* The connection that a packet to inject is of, made if it is the first of one. */
struct drill_conn *drill_conn_for_in(struct drill_run *r, const struct drill_packet *k);
uint32_t drill_conn_seq_in(const struct drill_conn *c, const struct drill_packet *k);
uint32_t drill_conn_ack_in(const struct drill_conn *c, const struct drill_packet *k, uint32_t ack);
uint32_t drill_conn_seq_out(const struct drill_conn *c, const struct drill_frame *f);
uint32_t drill_conn_ack_out(const struct drill_conn *c, const struct drill_frame *f, uint32_t ack);

/* build.c, match.c, show.c */
bool drill_build_inject(struct drill_run *r, const struct drill_packet *k);
bool drill_match_expect(struct drill_run *r, const struct drill_event *e);
/* Frames that came and that no line asked for: fails if there are any. */
bool drill_match_leftovers(struct drill_run *r);
char *drill_show_packet(struct drill_run *r, const struct drill_packet *k);
char *drill_show_frame(struct drill_run *r, const struct drill_frame *f);

/* call.c: calls in general; the others: tables of them. */
typedef long drill_attempt(struct drill_run *r, struct drill_op *op);
struct drill_call_row {
  const char *name;
  unsigned min_args, max_args;
  drill_attempt *attempt;
  bool makes_fd; /* any live descriptor will do for the one that is written */
};
bool drill_call_play(struct drill_run *r, const struct drill_event *e);
/* Tries the blocked call again; false if it goes on sleeping. */
bool drill_call_retry(struct drill_run *r);
/* Waits for it, at the script's end. */
bool drill_call_finish(struct drill_run *r);
extern const struct drill_call_row drill_call_sock_rows[], drill_call_io_rows[],
    drill_call_tct_rows[]; /* each ends with a NULL name */
/* The descriptor that argument i names; NULL with a failure. */
struct drill_fd *drill_call_fd(struct drill_run *r, const struct drill_op *op, size_t i);
struct drill_fd *drill_call_fd_named(struct drill_run *r, const struct drill_expr *e);
/* Names a live descriptor by the call's wanted result. */
struct drill_fd *drill_call_fd_new(struct drill_run *r, const struct drill_op *op, long live);
/* Numbers; 0 with a failure. */
int drill_call_int(struct drill_run *r, const struct drill_op *op, size_t i);
bool drill_call_number(struct drill_run *r, const struct drill_expr *e, int64_t *v);
/* The value of a field of { }, or NULL. */
const struct drill_expr *drill_call_field(const struct drill_expr *e, const char *name);
/* The call sleeps, at most `ms` from its beginning (negative: for ever); else `at_end`. */
long drill_call_sleep(struct drill_run *r, struct drill_op *op, int64_t ms, long at_end);

/* eval.c, info.c, shell.c */
bool drill_eval(struct drill_run *r, const char *code);
bool drill_info_lookup(struct drill_run *r, const char *name, int64_t *v);
bool drill_shell(struct drill_run *r, const char *command);

#endif
