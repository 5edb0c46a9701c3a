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

#include <sys/socket.h>
#include <time.h>

/* ---- Frames --------------------------------------------------------------------------------- */

struct drill_frame { /* one frame that crossed the interface, taken apart */
  struct drill_frame *next;
  int line;       /* that was being played when it came */
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
  bool is_used, is_host; /* is_host: a file of this machine, whatever the subject */
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
  uint64_t returned_ns; /* 0: now; else when it really did */
  void *job;            /* linux_call.c's: the call in its own thread */
};

/* ---- Variables of code blocks ---------------------------------------------------------------- */

struct drill_var {
  struct drill_var *next;
  const char *name;
  int64_t value;
};

/* ---- What happened, for a comparison of two runs ------------------------------------------------
 */

struct drill_note {
  struct drill_note *next;
  int line;
  uint64_t at_ns;
  const char *text; /* NULL: an event begins */
};

struct drill_run {
  struct drill_arena *arena;
  const struct drill_subject *subject;
  struct drill_linux *linux; /* linux.c's; NULL: the subject is our stack */
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
  bool is_logged; /* expectations that fail are only noted: the other run is the judge */
  struct drill_note *notes, **notes_end;
  uint8_t *buffer;
  size_t buffer_cap;
  struct drill_frame *held; /* {more}: waiting to be handed in together */
  unsigned n_held;
  volatile int *progress; /* where the line is told to a watching process, or NULL */
  bool is_holding;        /* hold_output: what follows happens at this very instant */
  bool is_dropping;       /* tc ... limit 0: what leaves gets nowhere */
  int64_t *noted;         /* the counters when nstat was last run */
  bool is_started;
  bool is_packet_before; /* the event before was an injected packet */
  int line;              /* of the event being played */
  uint64_t due_ns, previous_ns;
  int fail_line;
  const char *failure; /* NULL so far */
  bool is_skip;        /* the failure only means that the subject cannot play this script */
  bool is_refused;     /* this machine does not let us ask its kernel */
  bool is_unanswered;  /* a name was asked that only our stack knows */
  bool is_timing;      /* the failure is one of time: on a busy machine worth another try */
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
/* What only our own stack can do, while the kernel is the subject: the script is skipped. */
bool drill_run_skip(struct drill_run *r, const char *what);
/* By how much a time may be off; span_ns: since the event before. */
uint64_t drill_run_tolerance(const struct drill_run *r, uint64_t span_ns);

/* ---- The subject: what is under test -----------------------------------------------------------
 */

/* Results of calls are >= 0, a negative errno or LSOCK_SLEEP: then it is asked again, with the same
 * op, after anything happened. */
struct drill_subject {
  const char *name;
  bool (*start)(struct drill_run *r);
  void (*stop)(struct drill_run *r);
  bool (*settle)(struct drill_run *r);
  bool (*advance)(struct drill_run *r, uint64_t to_ns);
  bool (*step)(struct drill_run *r, uint64_t limit_ns);
  bool (*inject)(struct drill_run *r, struct drill_frame *f, bool is_more);
  bool (*shell)(struct drill_run *r, const char *command);
  /* A stamp in a control message, in script time. */
  int64_t (*stamp)(struct drill_run *r, const struct timespec *t);
  /* tcpi_* without the prefix, of a descriptor; then everything else. False: no such name. */
  bool (*tcpi)(struct drill_run *r, int fd, const char *name, int64_t *v);
  bool (*counter)(struct drill_run *r, const char *name, int64_t *v);

  long (*socket)(struct drill_run *r, int domain, int type, int protocol);
  long (*bind)(struct drill_run *r, int fd, const tct_endpoint *local);
  long (*listen)(struct drill_run *r, int fd, int backlog);
  long (*accept)(struct drill_run *r, struct drill_op *op, int fd, int flags, tct_endpoint *peer);
  /* remote NULL: AF_UNSPEC */
  long (*connect)(struct drill_run *r, struct drill_op *op, int fd, const tct_endpoint *remote);
  long (*shutdown)(struct drill_run *r, int fd, int how);
  long (*close)(struct drill_run *r, struct drill_op *op, int fd);
  long (*abort)(struct drill_run *r, int fd);
  long (*fcntl)(struct drill_run *r, int fd, int cmd, long arg);
  long (*ioctl)(struct drill_run *r, int fd, unsigned long request, int *value);
  long (*setsockopt)(struct drill_run *r, int fd, int level, int name, const void *v, size_t len);
  long (*getsockopt)(struct drill_run *r, int fd, int level, int name, void *v, size_t *len);
  /* The bytes of all iov stand in one piece. */
  long (*sendmsg)(struct drill_run *r, struct drill_op *op, int fd, const struct msghdr *m,
                  int flags);
  long (*recvmsg)(struct drill_run *r, struct drill_op *op, int fd, struct msghdr *m, int flags);
  long (*pipe)(struct drill_run *r, int fds[2]);
  long (*splice)(struct drill_run *r, struct drill_op *op, int in, int out, size_t len, int flags);
  long (*sendfile)(struct drill_run *r, struct drill_op *op, int out, int in, off_t *off,
                   size_t len);
  long (*poll)(struct drill_run *r, struct drill_op *op, struct pollfd *fds, size_t n, int ms);
  long (*epoll_create)(struct drill_run *r);
  long (*epoll_ctl)(struct drill_run *r, int ep, int what, int fd, struct epoll_event *ev);
  long (*epoll_wait)(struct drill_run *r, struct drill_op *op, int ep, struct epoll_event *ev,
                     int max, int ms);
};
extern const struct drill_subject drill_subject_ours, drill_subject_linux;

/* world.c: the subject's frames and its clock. */
bool drill_world_start(struct drill_run *r);
void drill_world_stop(struct drill_run *r);
/* Until it has nothing more to say at this instant. */
bool drill_world_settle(struct drill_run *r);
/* To the given script time, whatever happens on the way. */
bool drill_world_advance(struct drill_run *r, uint64_t to_ns);
/* The next thing that happens, at most at `limit`; false: nothing does until then (or the run
 * failed). */
bool drill_world_step(struct drill_run *r, uint64_t limit_ns);
bool drill_world_inject(struct drill_run *r, uint8_t *bytes, size_t len, bool is_more);
/* A frame of len bytes to be filled in by the subject, then given to drill_world_came. */
struct drill_frame *drill_world_frame(struct drill_run *r, bool is_out, size_t len);
void drill_world_came(struct drill_run *r, struct drill_frame *f);
/* The stack's clock when the script begins. */
#define DRILL_BASE_NS 1000000000u

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

/* build_encap.c: what stands around the packet, put before it; the new length. */
size_t drill_build_encap(struct drill_run *r, const struct drill_packet *k, uint8_t **bytes,
                         size_t len);
/* build.c, match.c, show.c */
bool drill_build_inject(struct drill_run *r, const struct drill_packet *k);
void drill_build_put16(uint8_t *p, uint32_t v);
void drill_build_put32(uint8_t *p, uint32_t v);
uint8_t drill_build_tos(enum drill_ecn_word ecn, uint8_t tos);
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
    drill_call_file_rows[], drill_call_tct_rows[]; /* each ends with a NULL name */
/* The descriptor that argument i names; NULL with a failure. */
struct drill_fd *drill_call_fd(struct drill_run *r, const struct drill_op *op, size_t i);
struct drill_fd *drill_call_fd_named(struct drill_run *r, const struct drill_expr *e);
/* Names a live descriptor, by the call's wanted result or as it is said. */
struct drill_fd *drill_call_fd_add(struct drill_run *r, int64_t script, long live);
struct drill_fd *drill_call_fd_new(struct drill_run *r, const struct drill_op *op, long live);
/* Numbers; 0 with a failure. */
int drill_call_int(struct drill_run *r, const struct drill_op *op, size_t i);
bool drill_call_number(struct drill_run *r, const struct drill_expr *e, int64_t *v);
/* What the calls of this script call an address: sockaddr_in, or sockaddr_in6 where the script's
 * sockets are; NULL: AF_UNSPEC. The length. */
size_t drill_call_sockaddr(const struct drill_run *r, const tct_endpoint *e,
                           struct sockaddr_storage *out);
bool drill_call_endpoint(const struct sockaddr_storage *from, tct_endpoint *out);
bool drill_call_is_null(const struct drill_expr *e);
/* connect, or a send that does the same, has begun: the next SYN is of this descriptor. */
void drill_call_connecting(struct drill_run *r, struct drill_fd *fd, const tct_endpoint *remote);
/* The value of a field of { }, or NULL. */
const struct drill_expr *drill_call_field(const struct drill_expr *e, const char *name);
/* The call sleeps, at most `ms` from its beginning (negative: for ever); else `at_end`. */
long drill_call_sleep(struct drill_run *r, struct drill_op *op, int64_t ms, long at_end);

/* call_msg.c: control messages, as they are written and as they are. */
struct drill_control {
  _Alignas(16) uint8_t bytes[1024];
  size_t len;
};
bool drill_cmsg_build(struct drill_run *r, const struct drill_expr *list, struct drill_control *c);
bool drill_cmsg_check(struct drill_run *r, const struct drill_control *wanted,
                      const struct drill_control *seen);

/* log.c: results of calls and values asserted (C), when each event was played (E), then frames (P),
 * one a line: kind, line, microseconds, text. */
void drill_log_event(struct drill_run *r);
void drill_log_note(struct drill_run *r, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
char *drill_log_text(struct drill_run *r);

/* eval.c, info.c, shell.c */
bool drill_eval(struct drill_run *r, const char *code);
bool drill_info_lookup(struct drill_run *r, const char *name, int64_t *v);
/* sockinfo.c: tcpi_ without the prefix; SK_MEMINFO_*, bbr_*, dctcp_*, tcpv_*. */
bool drill_sockinfo_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v);
bool drill_sockinfo_other(struct drill_run *r, int fd, const char *name, int64_t *v);
/* All counters now, for drill_info_rose: has one with this in its name risen since? */
void drill_info_note(struct drill_run *r);
bool drill_info_rose(struct drill_run *r, const char *part);
bool drill_info_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v);
bool drill_info_counter(struct drill_run *r, const char *name, int64_t *v);
bool drill_shell(struct drill_run *r, const char *command);

#endif
