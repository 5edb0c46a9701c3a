/* SPDX-License-Identifier: MIT */
/*
 * sim.h - a network in one process: stacks, links with faults, one virtual clock, one seed.
 *
 * For tests, demonstrations and anybody who wants to see a protocol without a network. A world
 * holds hosts (each a tercet stack), peers (scripted ends that are no stack) and links between
 * them. The same seed and the same calls give the same frames at the same nanoseconds on every
 * machine. Nothing here sleeps, opens a file or looks at a clock.
 *
 *   tct_sim *w = tct_sim_new(42);
 *   tct_sim_host *a = tct_sim_host_new(w, &config_a), *b = tct_sim_host_new(w, &config_b);
 *   tct_sim_link_new(w, tct_sim_host_end(a), tct_sim_host_end(b), &path, &path);
 *   …open sockets on tct_sim_host_stack(a), write, listen…
 *   tct_sim_run(w, TCT_NEVER);
 */
#ifndef TERCET_SIM_H
#define TERCET_SIM_H

#include "tercet/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The world ---------------------------------------------------------------------------------
 */

typedef struct tct_sim tct_sim;
typedef struct tct_sim_host tct_sim_host;
typedef struct tct_sim_peer tct_sim_peer;
typedef struct tct_sim_link tct_sim_link;

typedef enum tct_sim_outcome {
  TCT_SIM_TIME,  /* the clock reached `until` */
  TCT_SIM_IDLE,  /* nothing is due any more, ever */
  TCT_SIM_DONE,  /* the condition came true */
  TCT_SIM_STUCK, /* too much happened at one instant: something answers itself without end */
  TCT_SIM_WRONG  /* an invariant does not hold: sim_check.h */
} tct_sim_outcome;

tct_sim *tct_sim_new(uint64_t seed);
/* Frees all hosts, peers and links too. */
void tct_sim_free(tct_sim *w);
tct_time tct_sim_now(const tct_sim *w);
/* Uniform in 0 .. bound-1 from the world's one generator; bound must not be 0. */
uint32_t tct_sim_below(tct_sim *w, uint32_t bound);
/* Calls fn(ctx) at `when` (at once if that has passed), then lets every host act. */
void tct_sim_at(tct_sim *w, tct_time when, void (*fn)(void *ctx), void *ctx);
/* Plays what happens up to `until`, and that included. TCT_NEVER: until nothing is due. */
tct_sim_outcome tct_sim_run(tct_sim *w, tct_time until);
/* The same, but stops as soon as done(ctx) is true; it is asked after each event. */
tct_sim_outcome tct_sim_run_while(tct_sim *w, tct_time until, bool (*done)(void *ctx), void *ctx);
/* Over every frame that was put on a link: its bytes, time and direction, in order. */
uint64_t tct_sim_digest(const tct_sim *w);
/* For runs of many frames that nobody compares: the digest stays as it is from now on. */
void tct_sim_skip_digest(tct_sim *w);
uint64_t tct_sim_frames(const tct_sim *w);

/* ---- Hosts ----------------------------------------------------------------------------------- */

typedef struct tct_sim_end {
  void *node;
} tct_sim_end; /* what a link is fastened to */

/* When a stack gives back what only a connection in flight needs. Its frames must not tell. */
typedef enum tct_sim_give_back {
  TCT_SIM_GIVE_BACK_LATER,
  TCT_SIM_GIVE_BACK_NEVER,
  TCT_SIM_GIVE_BACK_AT_RANDOM
} tct_sim_give_back;

typedef struct tct_sim_host_config {
  tct_config stack; /* from tct_sim_config_init */
  tct_addr addr;
  unsigned prefix_len;
  uint32_t mtu;           /* 0: 1500 */
  uint32_t burst;         /* most frames handed to the stack at once; 0: 1 */
  uint32_t gso_max_bytes; /* super-segments out, cut before they reach the link; 0: none */
  bool csum_offload;      /* the simulated device finishes checksums */
  tct_time clock_ns;      /* the host's clock ticks so seldom; 0: each nanosecond */
  tct_record *record;     /* of this host alone; the caller closes it after the world. Or NULL */
  bool one_by_one;        /* each frame of a burst by a call of its own */
  tct_sim_give_back give_back;
} tct_sim_host_config;

/* Defaults: allocator, a seed drawn from the world, `deterministic`, profile STRICT. */
void tct_sim_config_init(tct_sim *w, tct_sim_host_config *c);
/* NULL when the stack refuses the configuration. */
tct_sim_host *tct_sim_host_new(tct_sim *w, const tct_sim_host_config *c);
tct_sim_end tct_sim_host_end(tct_sim_host *h);
tct_stack *tct_sim_host_stack(tct_sim_host *h); /* NULL while it is down */
tct_if tct_sim_host_if(const tct_sim_host *h);
tct_sim *tct_sim_host_world(const tct_sim_host *h);
tct_addr tct_sim_host_addr(const tct_sim_host *h);
/* Loses all state at once, without a word to anybody; boot starts with an empty stack. */
void tct_sim_host_crash(tct_sim_host *h);
bool tct_sim_host_boot(tct_sim_host *h);
/* Lets the host act now: for callers outside of its own applications and of tct_sim_at. */
void tct_sim_host_kick(tct_sim_host *h);
size_t tct_sim_host_memory(const tct_sim_host *h); /* bytes its stack holds now */

/* ---- Applications ---------------------------------------------------------------------------- */

/* The `user` of every socket opened on a simulated host is NULL or points to one of these. */
typedef struct tct_sim_app tct_sim_app;
struct tct_sim_app {
  void (*on_event)(tct_sim_app *app, const tct_event *ev);
  tct_sim_host *host;
  tct_sock sock;
};

typedef enum tct_sim_close {
  TCT_SIM_KEEP_OPEN,
  TCT_SIM_CLOSE_AFTER_SEND, /* shut down the sending side after the last octet, close at the end */
  TCT_SIM_CLOSE_ON_EOF,     /* when the peer has closed and all is sent */
  TCT_SIM_CLOSE_ABRUPTLY    /* close at once after the last octet is written */
} tct_sim_close;

/* One end of one transfer. Fill in the first part (all zero is legal), then connect or serve it. */
typedef struct tct_sim_flow {
  tct_sim_app app;
  uint64_t tx_total;       /* octets to send */
  const uint8_t *tx_bytes; /* them; NULL: made up from tx_key and the position */
  uint64_t tx_key, rx_key; /* of the made-up content, each way */
  bool rx_any;             /* do not compare what arrives with rx_key */
  tct_sim_close close;
  tct_time start_after_ns; /* between the opening and the first write */
  tct_time close_after_ns; /* between deciding to close and doing it */
  uint32_t write_max;      /* per call; 0: whatever fits */
  bool rx_paused;          /* leave what arrives in the stack */
  void (*on_data)(struct tct_sim_flow *f, const uint8_t *bytes, size_t len);

  uint64_t tx_done, rx_done;
  uint64_t rx_hash; /* a chain over what was read, in the order read */
  bool connected, waiting, shut, eof, closed, rx_wrong, close_asked, close_done;
  int err; /* of CLOSED, or what a call said */
  uint16_t why;
  tct_time connected_at, first_rx_at, eof_at, closed_at;
} tct_sim_flow;

int tct_sim_flow_connect(tct_sim_flow *f, tct_sim_host *h, const tct_endpoint *remote);
/* For a socket that is already open (bound, with options set): user must be &f->app. */
int tct_sim_flow_connect_sock(tct_sim_flow *f, const tct_endpoint *remote);
int tct_sim_flow_open(tct_sim_flow *f, tct_sim_host *h); /* opens f->app.sock, no more */
/* Continues after rx_paused or a change of close, tx_total. */
void tct_sim_flow_poke(tct_sim_flow *f);
/* The octet that the made-up content of `key` has at `position`. */
uint8_t tct_sim_flow_octet(uint64_t key, uint64_t position);

/* Accepts connections into the flows of an array, in order; what comes beyond stays unaccepted. */
typedef struct tct_sim_server {
  tct_sim_app app;
  tct_sim_flow *flows;
  size_t n_flows, n_taken;
} tct_sim_server;
/* Opens, binds and listens; `port` on any address. */
int tct_sim_server_listen(tct_sim_server *v, tct_sim_host *h, uint16_t port, unsigned backlog);
/* For a listener with options: open, then set, then start. */
int tct_sim_server_open(tct_sim_server *v, tct_sim_host *h);
int tct_sim_server_start(tct_sim_server *v, uint16_t port, unsigned backlog);
/* Accepts what waits, after n_flows grew. */
void tct_sim_server_poke(tct_sim_server *v);

/* ---- Links ----------------------------------------------------------------------------------- */

typedef enum tct_sim_fate {
  TCT_SIM_DELIVERED,
  TCT_SIM_LOST,
  TCT_SIM_QUEUE_FULL, /* lost, too: the sender was faster than the link */
  TCT_SIM_DUPLICATED,
  TCT_SIM_DELAYED,   /* may be overtaken */
  TCT_SIM_CORRUPTED, /* delivered with one bit flipped */
  TCT_SIM_FATE_COUNT
} tct_sim_fate;

typedef struct tct_sim_path { /* one direction; all zero: ideal */
  tct_time delay_ns, jitter_ns;
  uint64_t rate_bps;    /* bits a second, 0: endless */
  uint32_t queue_bytes; /* waiting for a slow link, 0: endless */
  uint32_t mark_bytes;  /* waiting: more than this is marked (RFC 3168) if it may be; 0: never */
  uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm; /* of a million frames */
  tct_time reorder_ns; /* extra delay of those chosen to be late */
  uint32_t mtu_bytes;  /* what is larger is lost (a router in front says so); 0: endless */
} tct_sim_path;

typedef struct tct_sim_frame {
  uint64_t number;              /* 1, 2, … over the whole world, in the order sent */
  uint8_t dir;                  /* 0: from end a to end b of the link */
  bool injected;                /* by a third party */
  bool copy;                    /* the second one of a duplicated frame */
  bool is_tcp;                  /* then seg holds */
  bool marked;                  /* by this link: congestion experienced */
  bool harmed;                  /* its bytes were changed after it was sent */
  uint8_t fate;                 /* tct_sim_fate */
  uint64_t faults;              /* bits of tct_sim_fault_kind that touched it (sim_net.h) */
  uint16_t why;                 /* tct_why of the sender */
  tct_time sent_at, arrives_at; /* TCT_NEVER: it does not */
  const uint8_t *bytes;
  uint32_t len;
  tct_seg seg;
} tct_sim_frame;

/* `arriving`: told when it is sent (fate known) and again when it arrives. */
typedef void (*tct_sim_tap)(void *ctx, const tct_sim_frame *f, bool arriving);

/* Acts on frames chosen by what they say. The first rule that matches and is not spent decides. */
typedef struct tct_sim_rule {
  uint8_t flags_mask, flags; /* (seg.flags & flags_mask) == flags */
  uint32_t len_min, len_max; /* payload octets; len_max 0: no limit */
  bool no_payload;
  uint32_t skip, count; /* leave so many matches alone, then act on so many (0: one) */
  tct_sim_fate fate;
  tct_time extra_ns; /* of DELAYED, and of the copy of DUPLICATED */
} tct_sim_rule;
#define TCT_SIM_RULES_MAX 16

tct_sim_link *tct_sim_link_new(tct_sim *w, tct_sim_end a, tct_sim_end b, const tct_sim_path *ab,
                               const tct_sim_path *ba);
void tct_sim_link_set(tct_sim_link *l, unsigned dir, const tct_sim_path *path);
int tct_sim_link_rule(tct_sim_link *l, unsigned dir, const tct_sim_rule *rule);
void tct_sim_link_clear_rules(tct_sim_link *l);
/* A model of the caller's own instead of path and rules, for both directions: says when the frame
 * arrives, TCT_NEVER to lose it. */
typedef tct_time (*tct_sim_carrier)(void *ctx, const tct_sim_frame *f);
void tct_sim_link_carry(tct_sim_link *l, tct_sim_carrier fn, void *ctx);
void tct_sim_link_tap(tct_sim_link *l, tct_sim_tap fn, void *ctx);
/* A third party that can write to the wire but is neither end. */
void tct_sim_link_inject(tct_sim_link *l, unsigned dir, const void *bytes, uint32_t len);

/* ---- Peers ----------------------------------------------------------------------------------- */

/* An end that does only what its script says: it sees segments and sends any it likes. */
typedef void (*tct_sim_peer_fn)(void *ctx, tct_sim_peer *p, const tct_seg *seg,
                                const uint8_t *payload);
/* trace (may be NULL) is told of the peer's segments as a stack would tell. */
tct_sim_peer *tct_sim_peer_new(tct_sim *w, tct_sim_peer_fn fn, void *ctx, tct_trace_fn trace,
                               void *trace_ctx);
tct_sim_end tct_sim_peer_end(tct_sim_peer *p);
void tct_sim_peer_send(tct_sim_peer *p, const tct_seg *seg, const void *payload);
/* A segment that answers `seg`: addresses and ports turned round, the rest zero, wscale absent. */
tct_seg tct_sim_seg_reply(const tct_seg *seg);
/* Bytes of one IP packet from seg; 0 if cap is too small. */
uint32_t tct_sim_seg_emit(const tct_seg *seg, const void *payload, uint8_t *to, uint32_t cap);
/* False: no TCP in it. The checksum is not looked at. */
bool tct_sim_seg_parse(const uint8_t *bytes, uint32_t len, tct_seg *seg, const uint8_t **payload);

#ifdef __cplusplus
}
#endif
#endif
