/* SPDX-License-Identifier: MIT */
/*
 * sim_net.h - the hostile half of a simulated world: faults that come and go, and nodes between
 * hosts (routers, NATs, middleboxes, attackers). Included by who wants more than sim.h's links.
 *
 * A fault is installed once and acts from `start` to `stop`; its harm is counted where it is done.
 *
 *   tct_sim_fault f = {.kind = TCT_SIM_FAULT_LOSS, .dir = TCT_SIM_BOTH, .rate_ppm = 50000};
 *   tct_sim_fault_install(w, &f);          // on link 0, from now on
 *   tct_sim_run(w, SEC(20));
 *   tct_sim_heal(w);                       // every fault ends
 *   tct_sim_fault_count(w, TCT_SIM_FAULT_LOSS);
 */
#ifndef TERCET_SIM_NET_H
#define TERCET_SIM_NET_H

#include "tercet/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Faults ---------------------------------------------------------------------------------- */

/* What target counts: links, hosts, NATs, middleboxes, each in the order made. APP: the world does
 * nothing, the application does it and calls tct_sim_fault_note. */
typedef enum tct_sim_fault_class {
  TCT_SIM_CLASS_LINK,
  TCT_SIM_CLASS_HOST,
  TCT_SIM_CLASS_NAT,
  TCT_SIM_CLASS_BOX,
  TCT_SIM_CLASS_APP
} tct_sim_fault_class;

/* Kind, word, class, what it does with a, b. "Frames" are those that rate_ppm chose.
 * Times in ns, 0: the value in parentheses. */
/* clang-format off */
#define TCT_SIM_FAULTS(X)                                                                          \
  X(LOSS, "loss", LINK, "frames vanish")                                                           \
  X(LOSS_BURST, "loss-burst", LINK, "and the next 0 .. 2*burst-2 with them")                       \
  X(LOSS_SYN_ACK, "loss-syn-ack", LINK, "of SYN,ACKs")                                             \
  X(LOSS_PURE_ACK, "loss-pure-ack", LINK, "of ACKs without data, SYN, FIN, RST")                   \
  X(LOSS_FIN, "loss-fin", LINK, "of segments with a FIN")                                          \
  X(LOSS_ONE_WAY, "loss-one-way", LINK, "in direction dir only; BOTH means 0")                     \
  X(DUPLICATE, "duplicate", LINK, "a copy follows within a (1 ms)")                                \
  X(REORDER_TIME, "reorder-time", LINK, "frames are late by up to a (10 ms)")                      \
  X(REORDER_COUNT, "reorder-count", LINK, "a (3) later ones pass first, or b (200 ms)")            \
  X(DELAY_STEP, "delay-step", LINK, "all are late by a (50 ms)")                                   \
  X(JITTER, "jitter", LINK, "all are late by 0 .. a (5 ms)")                                       \
  X(RATE_LIMIT, "rate-limit", LINK, "a (1 Mbit/s) bits a second")                                  \
  X(QUEUE_LIMIT, "queue-limit", LINK, "a (4500) bytes wait, no more; needs a rate")                \
  X(MTU_CHANGE, "mtu-change", LINK, "a (1280) bytes; what is larger draws a true ICMP error")      \
  X(BLACK_HOLE, "black-hole", LINK, "what is larger than a (1280) bytes vanishes")                 \
  X(TRUNCATE, "truncate", LINK, "the end of frames is cut off")                                    \
  X(FLIP, "flip", LINK, "1 .. a (1) bits in a row are inverted")                                   \
  X(FLIP_CRC, "flip-crc", LINK, "the same, and the link's CRC catches it")                         \
  X(FRAGMENT, "fragment-any-order", LINK, "IP fragments of up to a (576) bytes, mixed")            \
  X(ICMP_TRUE, "icmp-true", LINK, "frames are answered: unreachable, time exceeded; lost")         \
  X(ICMP_FORGED, "icmp-forged", LINK, "the sender gets an error that quotes a wrong sequence")     \
  X(REPLAY, "replay", LINK, "frames come again, within a (240 s)")                                 \
  X(BLIND_INJECTION, "blind-injection", LINK, "forged segments with the flow's addresses")         \
  X(SEQ_SHIFT, "seq-shift", BOX, "new flows have other sequence numbers; b: not in SACK")          \
  X(OPTION_STRIP, "option-strip", BOX, "options of mask a (all) leave SYNs; b: all segments")      \
  X(WINDOW_CHANGE, "window-change", BOX, "the window field is at most a (1000)")                   \
  X(ECN_BLEACH, "ecn-bleach", BOX, "ECN bits cleared; a: 1 of IP (default), 2 of TCP, 3 both")     \
  X(ACK_THIN, "ack-thin", BOX, "of ACKs that move on, one in a (2) passes")                        \
  X(ACK_DIVIDE, "ack-divide", BOX, "ACKs become a (4) that move on by a part")                     \
  X(NAT_REBIND, "nat-rebind", NAT, "a mapping gets another port")                                  \
  X(HOST_PAUSE, "host-pause", HOST, "stands still for a (100 ms); b (256) frames wait")            \
  X(HOST_CRASH, "host-crash", HOST, "crashes at start, boots a (1 s) later")                       \
  X(CLOCK_JUMP, "clock-jump", HOST, "its clock jumps a (1 s) ahead")                               \
  X(CLOCK_RATE, "clock-rate", HOST, "its clock runs at a (1010000) millionths of true")            \
  X(CLOCK_COARSE, "clock-coarse", HOST, "its clock ticks each a (10 ms)")                          \
  X(ALLOC_FAILURE, "alloc-failure", HOST, "allocations fail: by rate, or the a-th, then b (1)")    \
  X(TABLE_FULL, "table-full", APP, "tct_sim_small_tables; the world counts refusals")              \
  X(APP_SLOW, "app-slow", APP, "reads or writes late")                                             \
  X(APP_STOP, "app-stop", APP, "stops reading")                                                    \
  X(APP_CLOSE, "app-close-anywhere", APP, "closes or aborts at any event")                         \
  X(PRESET_NUMBERS, "preset-numbers", APP, "ISS or time stamps about to pass 2^31, 2^32")          \
  X(IDLE_SKIP, "idle-skip", APP, "nothing for 1 h .. 60 days")
/* clang-format on */
typedef enum tct_sim_fault_kind {
#define X(name, word, target, text) TCT_SIM_FAULT_##name,
  TCT_SIM_FAULTS(X)
#undef X
      TCT_SIM_FAULT_COUNT
} tct_sim_fault_kind;

enum { TCT_SIM_BOTH = 2 }; /* both directions of a link */
enum {                     /* a of OPTION_STRIP */
       TCT_SIM_STRIP_MSS = 1,
       TCT_SIM_STRIP_WSCALE = 2,
       TCT_SIM_STRIP_SACK = 4,
       TCT_SIM_STRIP_TS = 8,
       TCT_SIM_STRIP_TFO = 16,
       TCT_SIM_STRIP_ACCECN = 32,
       TCT_SIM_STRIP_OTHER = 64
};

/* rate_ppm: how many of a million frames of its target are chosen; 0: all (see `what it does`).
 * For hosts: of frames that reach it (PAUSE, CRASH, CLOCK_JUMP; 0: once, at start) or of
 * allocations. burst: so many in a row; 0 and 1: single ones. */
typedef struct tct_sim_fault {
  uint8_t kind; /* tct_sim_fault_kind */
  uint8_t dir;  /* 0, 1, TCT_SIM_BOTH; of links */
  uint32_t target;
  uint32_t rate_ppm, burst;
  tct_time start, stop; /* stop 0: until healed */
  uint64_t a, b;
} tct_sim_fault;

const char *tct_sim_fault_name(unsigned kind); /* the word; NULL beyond the list */
const char *tct_sim_fault_text(unsigned kind);
tct_sim_fault_class tct_sim_fault_class_of(unsigned kind);
/* -1: no such word. */
int tct_sim_fault_find(const char *word);
/* TCT_OK; TCT_EINVAL: no such kind or target. */
int tct_sim_fault_install(tct_sim *w, const tct_sim_fault *f);
/* All faults end at once and what they held back goes on its way; replays to come do not. What a
 * NAT or a middlebox did to flows that live stays done. Paths (tct_sim_path) are the caller's. */
void tct_sim_heal(tct_sim *w);
/* How often harm was done: frames lost, altered, late, made up; allocations failed; and so on. */
uint64_t tct_sim_fault_count(const tct_sim *w, unsigned kind);
/* For harm that the caller does: kinds of class APP. */
void tct_sim_fault_note(tct_sim *w, unsigned kind);

/* Limits of a host's stack so small that `n` connections fill each table. Before tct_sim_host_new.
 */
void tct_sim_small_tables(tct_sim_host_config *c, uint32_t n);

/* ---- Hosts, once more ------------------------------------------------------------------------ */

/* Told after a crash (up false) and after a boot (up true), whoever caused it. */
typedef void (*tct_sim_host_fn)(void *ctx, tct_sim_host *h, bool up);
void tct_sim_host_watch(tct_sim_host *h, tct_sim_host_fn fn, void *ctx);
/* What the host takes for the time. */
tct_time tct_sim_host_clock(const tct_sim_host *h);

/* ---- Tapes: each decision of a run, one by one ----------------------------------------------- */

/* Each random choice of a running world is one entry. With a tape to replay, choices come from it;
 * after its end each is 0, which always means "no harm, as usual". So a shorter tape is a valid
 * run, and a failing run shrinks by shortening or zeroing its tape. */
typedef struct tct_sim_choice {
  uint32_t group; /* a fault's kind + 1; 0: anything else; callers' own from TCT_SIM_GROUP_USER */
  uint32_t value; /* of a chance: 1 if it came true; else 0 .. bound-1 */
} tct_sim_choice;
enum { TCT_SIM_GROUP_USER = 256 };

typedef struct tct_sim_tape {
  tct_sim_choice *at;
  size_t n, cap;
  size_t pos;     /* replay: the next one */
  bool replaying; /* else what is drawn is appended */
} tct_sim_tape;
/* All zero is an empty tape. It is the caller's: free with tct_sim_tape_free. NULL: no tape. */
void tct_sim_tape_set(tct_sim *w, tct_sim_tape *t);
void tct_sim_tape_free(tct_sim_tape *t);
void tct_sim_tape_append(tct_sim_tape *t, uint32_t group, uint32_t value);
/* Uniform in 0 .. bound-1, through the tape. bound must not be 0. */
uint32_t tct_sim_draw(tct_sim *w, unsigned group, uint32_t bound);
/* True for ppm of a million, through the tape. */
bool tct_sim_chance(tct_sim *w, unsigned group, uint32_t ppm);

/* ---- Nodes between hosts --------------------------------------------------------------------- */

/* Forwards by address between any number of links: counts the hop limit down, fragments IPv4 that
 * may be, answers what it cannot forward with ICMP. A link's mtu_bytes is that of its far side. */
typedef struct tct_sim_router tct_sim_router;
/* `addr`s are the sources of its ICMP errors. */
tct_sim_router *tct_sim_router_new(tct_sim *w, tct_addr addr4, tct_addr addr6);
/* A new port, for one link. Ports count from 0. */
tct_sim_end tct_sim_router_end(tct_sim_router *r);
/* To `net`/len (of 128: IPv4's are 96 longer) through `port`; longest prefix wins. */
void tct_sim_router_route(tct_sim_router *r, tct_addr net, unsigned prefix_len, unsigned port);
/* No ICMP at all from now on: the classic black hole. */
void tct_sim_router_hush(tct_sim_router *r, bool hushed);
typedef struct tct_sim_router_counts {
  uint64_t forwarded, fragmented, too_big, expired, unreachable, dropped, icmp_sent;
} tct_sim_router_counts;
tct_sim_router_counts tct_sim_router_count(const tct_sim_router *r);

/* Between an inside link and an outside link: inside addresses become `outside`, with a port of its
 * own for each flow (TCP, UDP and echo; errors are translated with what they quote). One family. */
typedef struct tct_sim_nat tct_sim_nat;
typedef struct tct_sim_nat_config {
  tct_addr outside;
  uint16_t port_first, port_last; /* 0: 1024 .. 65535 */
  uint32_t mappings_max;          /* 0: 1024; the one unused for longest makes room */
  tct_time idle_ns;               /* forgets mappings unused for so long; 0: 2 h 4 min */
} tct_sim_nat_config;
tct_sim_nat *tct_sim_nat_new(tct_sim *w, const tct_sim_nat_config *c);
tct_sim_end tct_sim_nat_inside(tct_sim_nat *n);
tct_sim_end tct_sim_nat_outside(tct_sim_nat *n);
/* From outside to `port` -> inside endpoint, for servers behind it. */
int tct_sim_nat_forward(tct_sim_nat *n, uint16_t port, const tct_endpoint *inside);
/* Every mapping gets another port, as after a reboot of a home router. */
void tct_sim_nat_rebind(tct_sim_nat *n);
uint32_t tct_sim_nat_mappings(const tct_sim_nat *n);

/* A wire with opinions: two ends, passes all frames on at once, rewrites TCP as its faults say. */
typedef struct tct_sim_box tct_sim_box;
tct_sim_box *tct_sim_box_new(tct_sim *w);
tct_sim_end tct_sim_box_end(tct_sim_box *b, unsigned side); /* 0, 1 */

/* A host that is no party to any connection. It sends what it likes, under any address. */
typedef struct tct_sim_attacker tct_sim_attacker;
typedef enum tct_sim_shot {
  TCT_SIM_SHOT_RST,
  TCT_SIM_SHOT_SYN,
  TCT_SIM_SHOT_DATA,
  TCT_SIM_SHOT_ACK,
  TCT_SIM_SHOT_FIN,
  TCT_SIM_SHOT_ICMP_UNREACH, /* an ICMP error about a segment that aim.dst never sent */
  TCT_SIM_SHOT_ICMP_TOO_BIG,
  TCT_SIM_SHOT_ICMP_QUENCH, /* IPv6 has none: time exceeded */
  TCT_SIM_SHOT_COUNT
} tct_sim_shot;
typedef struct tct_sim_aim { /* the flow as the victim dst receives it: src is pretended */
  tct_addr src, dst;
  uint16_t sport, dport;
} tct_sim_aim;
tct_sim_attacker *tct_sim_attacker_new(tct_sim *w);
tct_sim_end tct_sim_attacker_end(tct_sim_attacker *a);
/* One frame with drawn numbers. */
void tct_sim_attacker_shoot(tct_sim_attacker *a, const tct_sim_aim *aim, tct_sim_shot shot);
/* n of them drawn from `shots` (bits of tct_sim_shot), one each `every_ns`. */
void tct_sim_attacker_volley(tct_sim_attacker *a, const tct_sim_aim *aim, uint32_t shots,
                             uint32_t n, tct_time every_ns);
/* Sees what passes there from now on (the last 1024 frames) and may replay it. */
void tct_sim_attacker_listen(tct_sim_attacker *a, tct_sim_link *l);
/* Sends one of the frames seen, drawn; false: none yet. */
bool tct_sim_attacker_replay(tct_sim_attacker *a);
uint64_t tct_sim_attacker_shots(const tct_sim_attacker *a);

#ifdef __cplusplus
}
#endif
#endif
