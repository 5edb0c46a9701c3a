/* SPDX-License-Identifier: MIT */
/*
 * trial.h - a trial: one seed drawn into a plan, the plan played, every invariant watched.
 *
 * A plan is data: hosts, links, faults, flows, acts, each a flat record of numbers. Drawing it
 * (trial_draw.c) and playing it (trial.c) know nothing of each other, so that a shrinker, or a
 * person with an editor, changes a plan and plays it again: drop a host with its flows, drop a
 * fault, halve a rate or a size, cut the end. What is drawn while it plays (which frame is lost,
 * how many octets a read takes) goes through the world's tape.
 *
 * Used by `tercet sim`, by the tests and by tools/digest.sh.
 */
#ifndef SIM_TRIAL_H
#define SIM_TRIAL_H

#include <stdio.h>

#include "tercet/sim_net.h"

/* ---- What a plan says -------------------------------------------------------------------------
 */

enum {
  SIM_TRIAL_HOSTS_MAX = 24, /* 2 to 16 stacks, the rest routers and the like */
  SIM_TRIAL_LINKS_MAX = 24,
  SIM_TRIAL_FAULTS_MAX = 48,
  SIM_TRIAL_FLOWS_MAX = 24,
  SIM_TRIAL_ACTS_MAX = 12,
  SIM_TRIAL_CONNS_MAX = 64 /* of one flow */
};

typedef enum sim_trial_kind {
  SIM_TRIAL_STACK,
  SIM_TRIAL_ROUTER,
  SIM_TRIAL_NAT,
  SIM_TRIAL_MIDDLEBOX,
  SIM_TRIAL_ATTACKER,
  SIM_TRIAL_KIND_COUNT
} sim_trial_kind;

/* What a host has or has not: each on with 1/2, every pair of them counted. */
/* clang-format off */
#define SIM_FEATURES(X)                                                                            \
  X(SACK, "sack")              X(TIMESTAMPS, "timestamps")  X(WSCALE, "wscale")                    \
  X(ECN, "ecn")                X(ACCECN, "accecn")          X(RACK, "rack")                        \
  X(TLP, "tlp")                X(FRTO, "frto")              X(FASTOPEN, "fastopen")                \
  X(NAGLE, "nagle")            X(DELACK, "delack")          X(QUICKACK, "quickack")                \
  X(KEEPALIVE, "keepalive")    X(IPV6, "ipv6")              X(GSO, "gso")                          \
  X(CSUM, "csum-offload")      X(FRAGMENTS, "fragments")    X(UDP, "udp")                          \
  X(COOKIES, "cookies")        X(PLPMTUD, "plpmtud")        X(NEWRENO, "newreno")                  \
  X(CUBIC, "cubic")            X(BBR, "bbr")                X(DCTCP, "dctcp")                      \
  X(BASIC, "basic-info")       X(LINUX, "linux")            X(PACING, "pacing")                    \
  X(AUTOTUNE, "autotune")      X(BURSTS, "bursts")          X(SMALL_BUFFERS, "small-buffers")      \
  X(COARSE_CLOCK, "coarse-clock") X(IDLE_RESTART, "idle-restart")
/* clang-format on */
typedef enum sim_feature {
#define X(name, word) SIM_FEATURE_##name,
  SIM_FEATURES(X)
#undef X
      SIM_FEATURE_COUNT
} sim_feature;
#define SIM_FEATURE_BIT(name) (UINT64_C(1) << SIM_FEATURE_##name)
const char *sim_feature_name(sim_feature f);

/* clang-format off */
#define SIM_TRIAL_HEAD_FIELDS(X)                                                                   \
  X(ipv6, "1: all addresses are IPv6")                                                             \
  X(heal_ms, "faults stop, applications read on and close")                                        \
  X(give_back, "quiet blocks: 0 as ever, 1 never given back, 2 at random (I31)")                   \
  X(one_by_one, "1: bursts are handed to the stacks frame by frame (I32)")
#define SIM_TRIAL_HOST_FIELDS(X)                                                                   \
  X(kind, "sim_trial_kind")                                                                        \
  X(mtu, "octets of the largest IP packet")                                                        \
  X(burst, "most frames handed in at once")                                                        \
  X(clock_us, "the clock's step; 0: each nanosecond")                                              \
  X(rcvbuf, "octets; 0: the default") X(sndbuf, "octets; 0: the default")                          \
  X(iw, "initial window, segments; 0: the default")                                                \
  X(delack_ms, "0: the default") X(half_open, "limit; 0: the default")                             \
  X(time_wait, "limit; 0: the default") X(conns, "limit; 0: the default")                          \
  X(buffers, "limit of all queues, octets; 0: the default")
#define SIM_TRIAL_LINK_FIELDS(X)                                                                   \
  X(a, "host") X(b, "host") X(delay_us, "one way") X(jitter_us, "most, added")                     \
  X(rate_kbps, "0: endless") X(queue, "octets that wait; 0: endless")                              \
  X(mark, "octets that wait before marking; 0: never")
#define SIM_TRIAL_FAULT_FIELDS(X)                                                                  \
  X(target, "a link of the plan, or a host, as the kind says")                                     \
  X(dir, "0: from a to b, 1: back, 2: both")                                                       \
  X(rate_ppm, "of a million") X(burst, "in a row")                                                 \
  X(start_ms, "from here") X(stop_ms, "to here; 0: until heal")
#define SIM_TRIAL_FLOW_FIELDS(X)                                                                   \
  X(talk, "sim_talk") X(client, "host") X(server, "host") X(port, "the server's")                  \
  X(local_port, "the client's; 0: any")                                                            \
  X(conns, "opened in all") X(parallel, "open at once") X(backlog, "the listener's")               \
  X(start_ms, "the first") X(gap_ms, "between the end of one and the next")                        \
  X(up, "octets from client to server, each connection") X(down, "octets back")                    \
  X(rounds, "request and response: so many turns; 0: both at once")                                \
  X(write_max, "octets a call; 0: whatever fits") X(read_max, "octets a call; 0: all")             \
  X(think_ms, "between two writes") X(idle_minutes, "silence after half of it")                    \
  X(client_end, "sim_talk_end") X(server_end, "sim_talk_end")                                      \
  X(client_slow_ms, "pause between reads") X(server_slow_ms, "pause between reads")                \
  X(client_stop, "octet at which reading stops until heal; 0: never")                              \
  X(server_stop, "octet at which reading stops until heal; 0: never")                              \
  X(client_deed_at, "callback at which the deed is done; 0: never") X(client_deed, "sim_deed")     \
  X(server_deed_at, "callback at which the deed is done; 0: never") X(server_deed, "sim_deed")     \
  X(isn, "0: drawn; else first number, for both ends") X(fastopen, "1: data with the SYN")         \
  X(dgram, "octets of a datagram")
/* A deed done, or a segment forged, the nth time that a connection of host enters state. */
#define SIM_TRIAL_ACT_FIELDS(X)                                                                    \
  X(host, "whose connection") X(state, "tct_state entered") X(nth, "from 1")                       \
  X(after_us, "then wait so long") X(deed, "sim_deed") X(where, "of forged segments: sim_where")
/* clang-format on */

#define SIM_TRIAL_FIELD(name, about) uint32_t name;
struct sim_trial_host {
  SIM_TRIAL_HOST_FIELDS(SIM_TRIAL_FIELD)
  uint64_t features; /* SIM_FEATURE_BIT */
};
struct sim_trial_link {
  SIM_TRIAL_LINK_FIELDS(SIM_TRIAL_FIELD)
};
struct sim_trial_fault { /* becomes a tct_sim_fault: see sim_net.h */
  uint32_t kind;         /* tct_sim_fault_kind */
  SIM_TRIAL_FAULT_FIELDS(SIM_TRIAL_FIELD)
  uint64_t a, b;
};
struct sim_trial_flow {
  SIM_TRIAL_FLOW_FIELDS(SIM_TRIAL_FIELD)
};
struct sim_trial_act {
  SIM_TRIAL_ACT_FIELDS(SIM_TRIAL_FIELD)
};

struct sim_trial_plan {
  uint64_t seed;
  SIM_TRIAL_HEAD_FIELDS(SIM_TRIAL_FIELD)
  uint32_t n_hosts, n_links, n_faults, n_flows, n_acts;
  struct sim_trial_host host[SIM_TRIAL_HOSTS_MAX];
  struct sim_trial_link link[SIM_TRIAL_LINKS_MAX];
  struct sim_trial_fault fault[SIM_TRIAL_FAULTS_MAX];
  struct sim_trial_flow flow[SIM_TRIAL_FLOWS_MAX];
  struct sim_trial_act act[SIM_TRIAL_ACTS_MAX];
};
#undef SIM_TRIAL_FIELD

typedef enum sim_talk {
  SIM_TALK_STREAM,       /* a connection, opened by the client */
  SIM_TALK_SIMULTANEOUS, /* both ends open at the same time, on fixed ports */
  SIM_TALK_DATAGRAMS,    /* UDP, echoed */
  SIM_TALK_COUNT
} sim_talk;

typedef enum sim_talk_end {
  SIM_END_SHUT_AFTER_SEND, /* half-closes after the last octet, closes when the peer has too */
  SIM_END_CLOSE_ON_EOF,    /* when the peer has closed and all is sent */
  SIM_END_CLOSE_AT_ONCE,   /* after the last octet is written, whatever is still to be read */
  SIM_END_STAY,            /* keeps it open until the faults stop */
  SIM_END_ABORT,           /* resets it after the last octet */
  SIM_END_COUNT
} sim_talk_end;

typedef enum sim_deed {
  SIM_DEED_NONE,
  SIM_DEED_CLOSE,
  SIM_DEED_SHUT_SEND,
  SIM_DEED_SHUT_RECEIVE,
  SIM_DEED_ABORT,
  SIM_DEED_SEND,
  SIM_DEED_CRASH,
  SIM_DEED_CUT_WIRE, /* nothing passes to or from the host for two seconds */
  SIM_DEED_FORGE,    /* from here: a segment towards the host, as a third party would write it */
  SIM_DEED_FORGE_SYN = SIM_DEED_FORGE,
  SIM_DEED_FORGE_SYN_ACK,
  SIM_DEED_FORGE_ACK,
  SIM_DEED_FORGE_DATA,
  SIM_DEED_FORGE_FIN,
  SIM_DEED_FORGE_RST,
  SIM_DEED_FORGE_URG,
  SIM_DEED_FORGE_BARE, /* no flags at all */
  SIM_DEED_COUNT
} sim_deed;
typedef enum sim_where {
  SIM_LEFT,
  SIM_INSIDE,
  SIM_RIGHT_EDGE,
  SIM_BEYOND,
  SIM_WHERE_COUNT
} sim_where;

/* ---- Plans ------------------------------------------------------------------------------------
 */

enum { SIM_TRIAL_SMALL = 1 }; /* a few hundred frames: for slow machines */
void sim_trial_draw(struct sim_trial_plan *p, uint64_t seed, unsigned flags);
/* As text, one record a line, fields that are 0 left out. */
void sim_trial_print(const struct sim_trial_plan *p, FILE *to);
/* False: not a plan; error says where and why. */
bool sim_trial_read(struct sim_trial_plan *p, FILE *from, char *error, size_t cap);
/* Is it one that can be played: indices in range, hosts joined by links? NULL, or what is wrong. */
const char *sim_trial_judge(const struct sim_trial_plan *p);
/* For shrinkers: what refers to it goes too, indices close up. */
void sim_trial_drop_host(struct sim_trial_plan *p, unsigned i);
void sim_trial_drop_flow(struct sim_trial_plan *p, unsigned i);
void sim_trial_drop_fault(struct sim_trial_plan *p, unsigned i);
void sim_trial_drop_act(struct sim_trial_plan *p, unsigned i);

/* ---- Playing ----------------------------------------------------------------------------------
 */

struct sim_trial_counts; /* trial_count.h */

struct sim_trial_run {
  tct_sim_tape *tape;              /* records or replays what is drawn on the way; NULL: neither */
  struct sim_trial_counts *counts; /* added to; NULL: nobody counts */
  uint64_t skip;                   /* invariants that are not judged, a bit each */
  uint64_t until_event;            /* stops after so many events; 0: at the end */
  bool again;                      /* play it twice: I31, I32 (trial_again.c) */
  tct_sim_tap tap;                 /* sees every frame of every link; NULL */
  void *tap_ctx;
  tct_trace_fn trace; /* and what every stack tells; NULL */
  void *trace_ctx;
  tct_record *record; /* of one stack, by its number among hosts of the plan; NULL */
  unsigned record_host;
  bool no_fast_path; /* every stack takes every segment in the general way */
};

struct sim_trial_result {
  bool failed;
  unsigned invariant;    /* the first that did not hold: tct_sim_invariant, 13 is I13 */
  char what[240];        /* one sentence */
  uint64_t event, frame; /* the run up to here shows it */
  unsigned host;         /* of the plan: the stack at fault */
  tct_time at;
  uint64_t frames, events, digest;
  tct_time ended_at;
};

void sim_trial_play(const struct sim_trial_plan *p, const struct sim_trial_run *run,
                    struct sim_trial_result *out);
/* Plays it with blocks given back otherwise and bursts cut otherwise: out, the first play's result,
 * fails if a frame differs. Not where chance asks how much memory there is. */
void sim_trial_again(const struct sim_trial_plan *p, const struct sim_trial_run *run,
                     struct sim_trial_result *out);
/* One number for what a trial did; those of many trials are joined by exclusive or. */
uint64_t sim_trial_digest(const struct sim_trial_plan *p, const struct sim_trial_result *r);
/* "I7,I13" to bits; NULL, or the word that is no invariant. */
const char *sim_trial_skip(const char *list, uint64_t *bits);

#endif
