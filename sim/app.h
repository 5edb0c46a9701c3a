/* SPDX-License-Identifier: MIT */
/*
 * app.h - the applications of a trial: flows that open connections one after the other, and the two
 * ends of each. They write, read, dawdle, stop, turn round, close and abort as the plan says.
 * See app.c, app_flow.c, app_dgram.c; set up by trial.c.
 */
#ifndef SIM_APP_H
#define SIM_APP_H

#include "sim/trial.h"
#include "tercet/sim_check.h"

struct sim_app_flow;
struct sim_app_later;

/* Calls of an application, as events of the state machine. */
/* clang-format off */
#define SIM_CALLS(X)                                                                               \
  X(CONNECT, "connect")                                                                            \
  X(LISTEN, "listen") X(SEND, "send") X(RECEIVE, "receive") X(SHUT, "shutdown") X(CLOSE, "close")  \
      X(ABORT, "abort")
/* clang-format on */
typedef enum sim_call {
#define X(name, word) SIM_CALL_##name,
  SIM_CALLS(X)
#undef X
      SIM_CALL_COUNT
} sim_call;

/* Shared by all applications of a trial. */
struct sim_app_world {
  tct_sim *w;
  tct_sim_check *check;
  bool healed;             /* slow ones hurry, stopped ones read on, those that stay close */
  bool ending;             /* all that is still open is closed, whatever was to come */
  uint64_t pending;        /* ends that are open, flows that will open more */
  uint64_t opened, failed; /* connections: tried, refused on the spot */
  uint64_t dgram_flows;
  struct sim_app_end *ends; /* all there ever were */
  struct sim_app_later *laters;
  uint32_t n_ends;
  uint8_t *pattern;     /* what is written, as far as it was asked for: see app.c */
  uint32_t made, drawn; /* octets of it, and the generator behind them */
  /* Asked when an application acts, so that calls are counted by state. */
  void (*on_call)(void *ctx, tct_sim_host *h, tct_sock k, sim_call call);
  /* A client got its connection. */
  void (*on_open)(void *ctx, const struct sim_app_end *e);
  void *ctx;
};

/* One end of one connection. */
struct sim_app_end {
  tct_sim_app app; /* first: the socket's user */
  struct sim_app_end *next;
  struct sim_app_flow *flow;
  uint32_t key; /* of what it writes; the first four octets say it */
  uint32_t rx_key;
  bool is_server, connected, shut, eof, closing, over;
  bool thinking, dozing, idled,
      stopped;    /* a timer runs: before the next write, before the next read */
  uint32_t calls; /* callbacks so far, for deeds */
  uint64_t tx_total, tx_done, rx_total, rx_done;
};

struct sim_app_flow {
  struct sim_app_world *world;
  const struct sim_trial_flow *plan;
  tct_sim_app listener; /* or the server's datagram socket */
  tct_sim_host *client, *server;
  tct_addr client_addr, server_addr;
  uint64_t server_features, client_features; /* SIM_FEATURE_BIT */
  uint32_t n_opened, n_open;
  bool waiting;  /* a timer will open the next */
  bool finished; /* no more will be opened */
};

void sim_app_world_init(struct sim_app_world *a, tct_sim *w, tct_sim_check *check);
void sim_app_world_deinit(struct sim_app_world *a);
/* `len` octets (16384 at the most) of the content that all ends write, from there on. */
const uint8_t *sim_app_pattern(struct sim_app_world *a, uint64_t position, uint32_t len);
/* Listens, and plans the first connection. */
void sim_app_flow_start(struct sim_app_flow *f);
/* The faults have stopped. */
void sim_app_heal(struct sim_app_world *a, struct sim_app_flow *flows, uint32_t n);
/* Patience is over: listeners too. */
void sim_app_end_all(struct sim_app_world *a, struct sim_app_flow *flows, uint32_t n);
/* A host lost all it had, or is there again. */
void sim_app_on_host(struct sim_app_world *a, struct sim_app_flow *flows, uint32_t n,
                     tct_sim_host *h, bool up);
/* Nothing more will happen by itself: no end is open, no flow will open one. */
bool sim_app_is_done(const struct sim_app_world *a);
/* An act of the plan on the application whose socket this is. */
void sim_app_do(struct sim_app_world *a, tct_sim_host *h, tct_sock k, sim_deed deed);

/* ---- Between the files ---- */

struct sim_app_end *sim_app_end_new(struct sim_app_flow *f, bool is_server);
void sim_app_end_connected(struct sim_app_end *e);
/* Reads, writes, closes: whatever is due. */
void sim_app_end_poke(struct sim_app_end *e);
/* Fast Open: what is written before it is connected goes with the SYN. */
void sim_app_end_early(struct sim_app_end *e);
void sim_app_end_give_up(struct sim_app_end *e);
void sim_app_end_over(struct sim_app_end *e);
void sim_app_end_deed(struct sim_app_end *e, sim_deed deed);
void sim_app_flow_next(struct sim_app_flow *f); /* one is over: the next, or no more */
void sim_app_flow_wait(struct sim_app_flow *f, uint32_t ms);
void sim_app_dgram_start(struct sim_app_flow *f);
void sim_app_dgram_listen(struct sim_app_flow *f);
void sim_app_dgram_close(struct sim_app_end *e);
/* fn(arg) after ns, while the host is up, with its clock set. */
void sim_app_later(struct sim_app_world *a, tct_time ns, tct_sim_host *h, void (*fn)(void *),
                   void *arg);

#endif
