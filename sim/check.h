/* SPDX-License-Identifier: MIT */
/*
 * check.h - what the files of the checker share. check.c owns the checker and is called by world.c,
 * link.c and host.c where something happens; it hands each fact to the files that judge it:
 * check_wire.c what an end sends, check_form.c the bytes of it, check_stream.c what applications
 * write and read, check_conn.c states, timers and readiness, check_stack.c whole stacks,
 * check_numbers.c what must not be guessed. The public half is tercet/sim_check.h.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "sim/world.h"
#include "tercet/sim_check.h"

/* ---- Tables: a key of up to 64 bits of hash to a pointer; check_table.c ---- */

struct sim_table {
  struct sim_table_slot {
    uint64_t hash;
    void *item;
  } * slot;
  size_t n, cap; /* cap: a power of two, or 0 */
};
/* The first or next item with this hash; *at is where the search stands, SIZE_MAX to begin. */
void *sim_table_next(const struct sim_table *t, uint64_t hash, size_t *at);
void sim_table_add(struct sim_table *t, uint64_t hash, void *item);
void sim_table_free(struct sim_table *t, void (*free_item)(void *item));

/* ---- Hosts ---- */

struct sim_wire;          /* what one end of one connection has sent and heard: check_wire.c */
struct sim_conn;          /* one socket of a host: check_conn.c */
struct sim_check_numbers; /* check_numbers.c */

#define SIM_CHECK_HOSTS_MAX 64
#define SIM_CHECK_STEPS_MAX 8192 /* list steps for one frame: I26 */

struct sim_check_host {
  struct tct_sim_check *check;
  struct tct_sim_host *host;
  struct tct_stack *stack; /* NULL while it is down */
  tct_sim_host_config config;
  tct_trace_fn trace; /* the user's own sink */
  void *trace_ctx;
  unsigned number;
  uint32_t boot; /* lives of the stack so far */
  /* since the boot; check_stack.c compares them with the stack's own counters */
  uint64_t frames_in, frames_out, tcp_out, rst_out, resent_out;
  uint64_t segs_in; /* told by the trace */
  uint64_t steps;
  struct sim_conn **conns; /* by socket index; check_conn.c */
  struct sim_conn *all;    /* every socket since the world began; check_conn.c */
  tct_config resolved;     /* as the stack understands its configuration */
  uint32_t conns_cap;
  struct sim_conn *touched; /* since the last step; check_conn.c */
  struct sim_wire *newest;  /* the last that was asked for; check_wire.c */
  struct sim_check_numbers *numbers;
};

struct tct_sim_check {
  struct tct_sim *w;
  tct_sim_failure failure; /* id NONE: all well */
  bool off[TCT_SIM_I_COUNT];
  uint64_t asked[TCT_SIM_I_COUNT];
  uint64_t moves[TCT_STATE_COUNT][TCT_STATE_COUNT];
  struct sim_check_host *host[SIM_CHECK_HOSTS_MAX];
  unsigned n_hosts;
  struct sim_table wires;   /* check_wire.c */
  struct sim_table streams; /* check_stream.c */
  struct sim_table dgrams;  /* check_stack.c: hashes of datagrams sent */
  bool quiet, silent;
  tct_time healed_at;
  uint64_t steps_max;   /* most list steps that a frame cost so far ... */
  uint64_t steps_limit; /* ... and may cost */
};

/* True if the invariant is to be judged; counts that it was. */
static inline bool sim_check_asks(struct tct_sim_check *k, tct_sim_invariant i) {
  k->asked[i]++;
  return !k->off[i];
}
__attribute__((format(printf, 3, 4))) void
sim_check_wrong(struct sim_check_host *h, tct_sim_invariant i, const char *format, ...);

/* ---- check_form.c: bytes ---- */

/* What is wrong with a packet as an end should send it: NULL if nothing. */
const char *sim_form_fault(const uint8_t *p, uint32_t len);
/* Does a packet's own checksum or length say that it was damaged? */
bool sim_form_is_damaged(const uint8_t *p, uint32_t len);
void sim_form_sent(struct sim_check_host *h, const tct_sim_frame *f);

/* ---- check_wire.c: what one end of one connection has sent and heard ---- */

struct sim_wire *sim_wire_find(struct sim_check_host *h, const tct_addr *local,
                               const tct_addr *remote, uint16_t lport, uint16_t rport);
void sim_wire_sent(struct sim_check_host *h, const tct_sim_frame *f);
void sim_wire_other_sent(struct sim_check_host *h, const tct_sim_frame *f);
void sim_wire_heard(struct sim_check_host *h, const tct_trace *t);
void sim_wire_timer(struct sim_check_host *h, const tct_trace *t);
/* A call of the application may be answered by a segment or two. */
void sim_wire_pay(struct sim_wire *w);
void sim_wire_free(struct tct_sim_check *k);

/* ---- check_heard.c: may an end take what it takes? Asked before the shadow learns it. ---- */

void sim_heard_judge(struct sim_check_host *h, struct sim_wire *w, const struct tct_trace *t);
void sim_heard_learn(struct sim_wire *w, const struct tct_trace *t);
void sim_heard_wakes(struct sim_wire *w);
/* Does an ACK leave out what was SACKed before? */
void sim_heard_said(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f);

/* ---- check_window.c: the peer's window, our own, and their timers ---- */

struct tct_probe_conn;
void sim_window_judge(struct sim_check_host *h, const struct sim_conn *c, const struct sim_wire *w,
                      const struct tct_probe_conn *p);

/* ---- check_stream.c: what applications write and read ---- */

void sim_stream_call(struct sim_check_host *h, tct_sock sock, tct_sim_doing what, const void *bytes,
                     long n);
void sim_stream_event(struct sim_check_host *h, const tct_event *ev);
void sim_stream_learn(struct sim_check_host *h, struct sim_conn *c);
/* A segment of a third party was right in all its numbers, and taken. */
void sim_stream_forged(struct sim_check_host *h, tct_sock sock);
/* Is there no telling who wrote what is read there? The other end has been opened twice with the
 * same numbers, by a cookie that came twice; or what a third party sent was right in its numbers:
 * a cookie's are all that opens a connection, and data may come with it (RFC 4987 3.6). */
bool sim_stream_is_anybodys(struct sim_check_host *h, tct_sock sock);
void sim_stream_live(struct tct_sim_check *k);
void sim_stream_free(struct tct_sim_check *k);

/* ---- check_conn.c: sockets ---- */

void sim_conn_touch(struct sim_check_host *h, struct sim_conn *c);
void sim_conn_moved(struct sim_check_host *h, const tct_trace *t);
void sim_conn_timer(struct sim_check_host *h, const tct_trace *t);
void sim_conn_event(struct sim_check_host *h, const tct_event *ev);
void sim_conn_call(struct sim_check_host *h, tct_sock sock, tct_sim_doing what, long n);
void sim_conn_step(struct sim_check_host *h);
void sim_conn_end(struct sim_check_host *h);
void sim_conn_sweep(struct sim_check_host *h);
void sim_conn_crash(struct sim_check_host *h);
void sim_conn_free(struct sim_check_host *h);

/* ---- check_stack.c: whole stacks ---- */

void sim_stack_sent(struct sim_check_host *h, const tct_sim_frame *f);
void sim_stack_step(struct sim_check_host *h);
void sim_stack_sweep(struct sim_check_host *h);
void sim_stack_end(struct sim_check_host *h);
void sim_stack_dgram(struct sim_check_host *h, bool sent, const void *bytes, size_t len);
void sim_stack_free(struct tct_sim_check *k);

/* ---- check_numbers.c: what must not be guessed ---- */

void sim_numbers_sent(struct sim_check_host *h, const tct_sim_frame *f);
void sim_numbers_end(struct sim_check_host *h);
void sim_numbers_free(struct sim_check_host *h);

/* ---- Told by the world. All take a node that may be watched or not. ---- */

/* Before the first boot: puts the checker's trace sink in front of the user's. */
void sim_check_attach(struct tct_sim *w, struct sim_node *n, struct tct_sim_host *h,
                      tct_sim_host_config *c);
void sim_check_boot(struct sim_node *n, struct tct_stack *s);
void sim_check_crash(struct sim_node *n);
/* A node puts a frame on its link; before the network does anything to it. */
void sim_check_sent(struct sim_node *n, const tct_sim_frame *f);
/* Hands n frames to the stack, as tct_input would, and looks at what they do. */
void sim_check_input(struct sim_node *n, struct sim_packet *const *p, tct_frame *f, unsigned count,
                     tct_time now);
void sim_check_event(struct sim_node *n, const tct_event *ev);
/* Nobody can say whose octets an application reads: sim_stream_is_anybodys. */
bool sim_check_is_anybodys(struct tct_sim_host *host, tct_sock sock);
/* The host has nothing more to do at this instant. */
void sim_check_step(struct sim_node *n);
void sim_check_stuck(struct tct_sim *w);
void sim_check_free(struct tct_sim *w);
static inline bool sim_check_is_wrong(const struct tct_sim *w) {
  return w->check != NULL && w->check->failure.id != TCT_SIM_I_NONE;
}

#endif
