/* SPDX-License-Identifier: MIT */
/*
 * tercet.h - the whole public interface of the core: a TCP/IP stack as a value machine.
 *
 * The caller owns clock, threads, descriptors and frame buffers. Four calls move frames and time
 * (tct_input, tct_output, tct_advance, tct_deadline); events are pulled (tct_event_next); the
 * socket calls never block and never call back. A stack belongs to one thread; several stacks may
 * live side by side. Every call that can fail returns >= 0 or a negative TCT_E*, whose values are
 * Linux's errno numbers.
 */
#ifndef TERCET_TERCET_H
#define TERCET_TERCET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/info.h"
#include "tercet/lists.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TCT_API __attribute__((visibility("default")))
#define TCT_MUST_CHECK __attribute__((warn_unused_result))
#else
#define TCT_API
#define TCT_MUST_CHECK
#endif

#define TCT_VERSION "0.1.0"

/* ---- Numbers ------------------------------------------------------------------------------- */

typedef uint64_t tct_time; /* nanoseconds, monotonic, from the caller's own epoch */
#define TCT_NEVER UINT64_MAX

/* clang-format off */
enum {
  TCT_OK = 0,                   TCT_ENOENT = -2,              TCT_EINTR = -4,
  TCT_EBADF = -9,               TCT_EAGAIN = -11,             TCT_ENOMEM = -12,
  TCT_EACCES = -13,             TCT_EFAULT = -14,             TCT_EEXIST = -17,
  TCT_ENODEV = -19,             TCT_EINVAL = -22,             TCT_EPIPE = -32,
  TCT_EDESTADDRREQ = -89,       TCT_EMSGSIZE = -90,           TCT_ENOPROTOOPT = -92,
  TCT_EOPNOTSUPP = -95,         TCT_EADDRINUSE = -98,         TCT_EADDRNOTAVAIL = -99,
  TCT_ENETDOWN = -100,          TCT_ENETUNREACH = -101,       TCT_ECONNABORTED = -103,
  TCT_ECONNRESET = -104,        TCT_ENOBUFS = -105,           TCT_EISCONN = -106,
  TCT_ENOTCONN = -107,          TCT_ESHUTDOWN = -108,         TCT_ETIMEDOUT = -110,
  TCT_ECONNREFUSED = -111,      TCT_EHOSTDOWN = -112,         TCT_EHOSTUNREACH = -113,
  TCT_EALREADY = -114,          TCT_EINPROGRESS = -115,       TCT_EPROTO = -71
};
/* clang-format on */

/* ---- Names --------------------------------------------------------------------------------- */

typedef struct tct_stack tct_stack;
/* Handles. gen is never 0 and outlives the slot's reuse: a stale handle gives TCT_EBADF. */
typedef struct {
  uint32_t index, gen;
} tct_sock;
typedef struct {
  uint32_t index, gen;
} tct_if;
typedef struct {
  uint32_t index, gen;
} tct_syn; /* a half-open connection that waits for our word */

/* One address of either family; IPv4 as ::ffff:a.b.c.d. All zero: any address of any family. */
typedef struct tct_addr {
  uint8_t b[16];
} tct_addr;
typedef struct tct_endpoint {
  tct_addr addr;
  uint16_t port;
  tct_if ifc; /* {0,0}: let routing choose; needed for link-local peers */
} tct_endpoint;

/* ---- Frames -------------------------------------------------------------------------------- */

typedef struct tct_iov {
  const void *base;
  size_t len;
} tct_iov;

typedef enum tct_csum {
  TCT_CSUM_CHECK = 0,
  TCT_CSUM_GOOD = 1,
  TCT_CSUM_PARTIAL = 2,
  TCT_CSUM_DONE = 0
} tct_csum;
enum { TCT_FRAME_LENT = 1, TCT_FRAME_CWR_FIRST_ONLY = 2 };

/* One frame, in or out; a super-segment (GRO in, GSO out) is one frame. */
typedef struct tct_frame {
  tct_iov *iov;        /* in: all headers lie in the first piece, borrowed for the call.
                          out: set by the core; valid until the next call on the stack */
  uint32_t n_iov, len; /* pieces; bytes over all pieces */
  uint16_t seg_size;   /* 0, or payload bytes of each segment but the last */
  uint8_t csum;        /* tct_csum; out PARTIAL: finish at csum_start + csum_offset */
  uint8_t flags;       /* TCT_FRAME_* */
  uint16_t csum_start, csum_offset;
  uint16_t why;     /* out: tct_why */
  uint16_t verdict; /* in: filled in by the core, tct_verdict */
  tct_sock sock;    /* out: the socket that sends, {0,0} if none; in: the one that received */
  tct_time at;      /* in: when it reached this machine, <= now */
  uint64_t token;   /* lent memory, both ways */
} tct_frame;

/* ---- The wire and the clock: the whole event loop ---------------------------------------------
 */

#define TCT_BURST_MAX 64 /* frames that one tct_output fills at the most */

/* Hand in frames. Never sends, never fires a timer. Returns how many were looked at (always n). */
TCT_API size_t tct_input(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now);
/* Whose of several stacks (tct_config.cores) a frame is: its number, or one of these. */
enum { TCT_OWNER_ANY = -1, TCT_OWNER_ALL = -2 /* a fragment: every stack must see it */ };
TCT_API int tct_frame_owner(const tct_stack *s, const tct_frame *f);
/* Pull up to n frames (at most TCT_BURST_MAX). 0: nothing to send now. */
TCT_API size_t tct_output(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now);
/* The same for one frame, copied flat; 0 when none, TCT_EMSGSIZE-safe: a frame never exceeds MTU.
 */
TCT_API size_t tct_output_copy(tct_stack *s, tct_if i, void *buf, size_t cap, tct_time now);
/* When tct_advance is next needed, TCT_NEVER if not at all. <= now means at once. */
TCT_API tct_time tct_deadline(const tct_stack *s);
/* The stack's clock: the latest `now` that it was given. */
TCT_API tct_time tct_now(const tct_stack *s);
/* The only place where timers fire, some hundreds a call: while more are due tct_deadline says so.
 * Time never goes back: an earlier `now` is taken as the last. */
TCT_API void tct_advance(tct_stack *s, tct_time now);
/* Memory lent to the core (TX_DONE, LENT frames) comes back here. */
TCT_API bool tct_returned_next(tct_stack *s, uint64_t *token);

/* ---- News ----------------------------------------------------------------------------------- */

enum {
  TCT_EV_CONNECTED = 1,   /* active open completed */
  TCT_EV_READABLE = 2,    /* bytes or a datagram arrived, or the end of the stream */
  TCT_EV_WRITABLE = 4,    /* room again after a short send */
  TCT_EV_ACCEPT = 8,      /* a listener has a connection to accept */
  TCT_EV_SYN = 16,        /* a listener with policy ASK holds a SYN */
  TCT_EV_URGENT = 32,     /* urgent data newly appeared or its end moved [MUST-32] */
  TCT_EV_SOFT_ERROR = 64, /* err says which; the connection lives [MUST-47] */
  TCT_EV_EOF = 128,       /* the peer's FIN was reached in order */
  TCT_EV_TX_DONE = 256,   /* lent memory was acknowledged: pull tct_returned_next */
  TCT_EV_MARK = 512,      /* a mark was reached: pull tct_sock_mark_next */
  TCT_EV_CLOSED = 1024    /* once per socket, always last; the handle is stale afterwards */
};
typedef struct tct_event {
  tct_sock sock;
  uint32_t flags; /* TCT_EV_*, OR-ed since the last pull */
  int err;        /* CLOSED: 0 or TCT_E*; SOFT_ERROR: TCT_E* */
  uint16_t why;   /* CLOSED: tct_why */
  void *user;
} tct_event;
TCT_API bool tct_event_next(tct_stack *s, tct_event *ev);

/* ---- Trace ----------------------------------------------------------------------------------- */

/* What one segment says, in host order. */
typedef struct tct_seg {
  tct_addr src, dst;
  uint16_t sport, dport;
  uint32_t seq, ack, len; /* len: payload bytes of the frame (all segments of it) */
  uint8_t flags;          /* TCT_FIN ... */
  uint8_t hop_limit, tclass;
  uint8_t wscale;        /* option's shift, 0xff: absent */
  uint16_t window_raw;   /* the field */
  uint16_t urgent, mss;  /* mss 0: absent */
  uint16_t seg_size;     /* super-segment: payload bytes of each but the last, else 0 */
  uint32_t window_bytes; /* scaled as the connection scales; = raw when unknown */
  bool sack_permitted, has_ts;
  uint32_t tsval, tsecr;
  uint8_t n_sack;
  uint32_t sack[4][2];
} tct_seg;

typedef enum tct_trace_kind {
  TCT_TRACE_SEG_IN,  /* seg, verdict, why unused */
  TCT_TRACE_SEG_OUT, /* seg, why */
  TCT_TRACE_STATE,   /* state_old, state_new, why */
  TCT_TRACE_TIMER,   /* timer fired: value = tct_timer */
  TCT_TRACE_DROP,    /* a frame that never became a segment: verdict */
  TCT_TRACE_CC       /* value = cwnd, value2 = ssthresh, bytes; value3 = srtt in us */
} tct_trace_kind;
typedef struct tct_trace {
  uint8_t kind;                 /* tct_trace_kind */
  uint8_t state_old, state_new; /* tct_state */
  uint16_t why, verdict;
  tct_time at;
  tct_if ifc;
  tct_sock sock; /* {0,0}: half-open, TIME-WAIT or nobody */
  tct_addr local, remote;
  uint16_t lport, rport;
  tct_seg seg;
  uint32_t value, value2, value3;
} tct_trace;
/* Called inside the core; must not call back in. */
typedef void (*tct_trace_fn)(void *ctx, const tct_trace *t);

/* ---- Configuration --------------------------------------------------------------------------- */

/* Memory comes from here, 16-byte aligned at least, contents undefined. free gets the same size. */
typedef struct tct_alloc {
  void *(*alloc)(void *ctx, size_t size, size_t align);
  void (*free)(void *ctx, void *p, size_t size);
  void *ctx;
} tct_alloc;

typedef enum tct_profile { TCT_PROFILE_LINUX, TCT_PROFILE_STRICT } tct_profile;
typedef enum tct_cookies {
  TCT_COOKIES_OVERFLOW,
  TCT_COOKIES_NEVER,
  TCT_COOKIES_ALWAYS
} tct_cookies;
typedef enum tct_info_level { TCT_INFO_FULL, TCT_INFO_BASIC } tct_info_level;

typedef struct tct_keys { /* 128-bit keys; all-zero ones are drawn from the seed */
  uint64_t table[2], isn[2], port[2], ts[2], cookie[2][2], fastopen[2][2];
} tct_keys;

typedef struct tct_limits {    /* 0: the default in parentheses */
  uint32_t conns;              /* TCP sockets (1 Mi) */
  uint32_t half_open;          /* SYN cache records (65536) */
  uint32_t held;               /* of them, waiting for tct_syn_answer (1024) */
  uint32_t time_wait;          /* TIME-WAIT records (262144) */
  uint32_t udp;                /* UDP sockets (65536) */
  uint32_t orphans;            /* closed by the application, not yet by the peer (16384) */
  uint64_t buffer_bytes;       /* chunks of all queues (1 GiB) */
  uint32_t reasm_bytes;        /* fragments waiting (1 MiB) */
  uint32_t reply_bytes;        /* answers waiting for tct_output, per interface (256 KiB) */
  uint32_t routes, addrs, ifs; /* (1024, 1024, 64) */
  uint32_t neighbours;         /* on all Ethernet links (1024) */
} tct_limits;

enum { /* tct_config.fastopen: Linux's tcp_fastopen */
       TCT_FASTOPEN_CLIENT = 1,
       TCT_FASTOPEN_SERVER = 2,
       TCT_FASTOPEN_CLIENT_NO_COOKIE = 4, /* data goes with a SYN without one */
       TCT_FASTOPEN_SERVER_NO_COOKIE = 0x200,
       TCT_FASTOPEN_ALL_LISTENERS = 0x400, /* TCT_OPT_FASTOPEN is their backlog if not set */
       TCT_FASTOPEN_NONE = 0x800           /* nothing, where 0 would mean the profile's */
};

/* Adds up the 16-bit words at p as this machine's memory holds them, an odd last byte as the first
 * of a word: exactly, or less multiples of 0xffff, but 0 only if all are 0. For processors that can
 * do it faster than portable C; called with pieces of 128 bytes and more. */
typedef uint64_t (*tct_sum_fn)(const void *p, size_t len);
/* The same while the bytes are copied, for tct_output_copy. They do not overlap. */
typedef uint64_t (*tct_copy_sum_fn)(void *to, const void *from, size_t len);

typedef struct tct_config {
  size_t size; /* sizeof(tct_config) of the caller: versioning */
  tct_alloc alloc;
  uint8_t seed[32]; /* secret; all zero fails unless `deterministic` */
  bool deterministic;
  tct_keys keys;
  uint64_t epoch_ns; /* added to `now` for ISN and cookie clocks: wall time at time 0 */
  tct_profile profile;
  tct_info_level info;
  tct_limits limits;
  tct_trace_fn trace;
  void *trace_ctx;
  tct_cookies cookies;
  /* Several stacks that share an address, one a core: this is number `core` of `cores` (0: alone).
   * All need the same `keys`; whoever moves frames gives each to tct_frame_owner's stack. */
  uint16_t cores, core;
  /* Defaults of new sockets; 0 means the profile's own value. */
  uint32_t sndbuf_bytes, rcvbuf_bytes;
  uint32_t sndbuf_max_bytes, rcvbuf_max_bytes; /* autotuning up to here; = the two above: none */
  uint32_t notsent_lowat_bytes;                /* TCT_OPT_NOTSENT_LOWAT's default: no limit */
  uint32_t msl_ms;        /* TIME-WAIT is 2 * this. STRICT 120000, LINUX 30000 */
  uint32_t fin_wait_2_ms; /* for orphans: 60000 */
  uint32_t rto_min_ms, rto_max_ms, rto_initial_ms;    /* an hour at the most */
  uint32_t r2_ms;                                     /* data; 0: profile */
  uint8_t syn_retries, syn_ack_retries, data_retries; /* 0: profile */
  uint8_t initial_window_segs;                        /* 10 */
  uint8_t min_tso_segs; /* PSH ends each train of at least so many; 1: only what was written */
  uint32_t delack_ms;   /* STRICT 200, LINUX 40 */
  uint16_t mss_min;     /* floor for what a peer may ask: 48 */
  bool no_timestamps, no_sack, no_wscale, no_quickack;
  /* Loss recovery. DEFAULT: on. Linux's tcp_recovery bit 1 and tcp_early_retrans, tcp_frto */
  uint8_t rack, tlp, frto;                    /* tct_switch */
  bool rack_static_window, rack_no_dupthresh; /* tcp_recovery bits 2 and 4 */
  uint16_t reordering, max_reordering;        /* segments: 3, 300 */
  uint16_t port_first, port_last; /* ephemeral: 1024..65535 STRICT, 32768..60999 LINUX */
  uint8_t hop_limit;              /* 64 */
  uint8_t ecn;                    /* tct_ecn: PASSIVE */
  uint8_t ecn_fallback; /* tct_switch, ON: a lost SYN that asked for ECN goes again plain */
  uint8_t congestion;   /* tct_cc: STRICT NewReno, LINUX CUBIC */
  uint8_t pacing,       /* tct_switch, OFF; BBR and TCT_OPT_MAX_PACING_RATE pace whatever this is */
      slow_start_after_idle; /* tct_switch, ON: the window shrinks in silence and while unused */
  uint8_t ecn_option;        /* tct_ecn_option: ALWAYS */
  uint32_t fastopen;         /* TCT_FASTOPEN_*. LINUX CLIENT, STRICT NONE */
  uint32_t fastopen_blackhole_s; /* no Fast Open for so long after a black hole; 0: never mind */
  uint16_t pacing_ss_percent, pacing_ca_percent; /* of a window a round trip: 200 and 120 */
  uint8_t mtu_probing;                           /* tct_mtu_probing: OFF */
  uint16_t mtu_base_mss;                         /* where the search begins: 1024 */
  uint16_t mtu_probe_floor;                      /* nothing smaller is tried: 48 */
  uint16_t mtu_probe_threshold;                  /* ends of the search this near have met: 8 */
  uint32_t mtu_probe_interval_s;                 /* until the next search: 600 */
  tct_sum_fn sum;                                /* NULL: the core's own, which is portable C */
  tct_copy_sum_fn copy_sum;                      /* likewise */
  bool no_fast_path; /* every segment goes the general way, in and out: for tests, which compare */
} tct_config;

typedef enum tct_cc {
  TCT_CC_DEFAULT,
  TCT_CC_NEWRENO,
  TCT_CC_CUBIC,
  TCT_CC_BBR,
  TCT_CC_DCTCP
} tct_cc;
typedef enum tct_ecn { /* Linux's tcp_ecn plus one; accurate: RFC 9768, else RFC 3168 */
                       TCT_ECN_DEFAULT,
                       TCT_ECN_OFF,
                       TCT_ECN_ON,                   /* ask, and agree if asked */
                       TCT_ECN_PASSIVE,              /* agree if asked, never ask */
                       TCT_ECN_ACCURATE,             /* ask for it, agree to either */
                       TCT_ECN_ACCURATE_ASK_CLASSIC, /* agree to either, ask for the classic one */
                       TCT_ECN_ACCURATE_PASSIVE      /* agree to either, never ask */
} tct_ecn;
typedef enum tct_ecn_option { /* accurate ECN's option on ACKs; Linux's tcp_ecn_option plus one */
                              TCT_ECN_OPTION_DEFAULT,
                              TCT_ECN_OPTION_NEVER,
                              TCT_ECN_OPTION_NEWS,  /* when a counter of another kind moves */
                              TCT_ECN_OPTION_ALWAYS /* where there is room */
} tct_ecn_option;
typedef enum tct_switch { TCT_DEFAULT, TCT_OFF, TCT_ON } tct_switch; /* DEFAULT: the profile's */

/* Fills in `c` with defaults; the caller still supplies alloc and seed. */
TCT_API void tct_config_init(tct_config *c, size_t size);
/* NULL on failure, with *err = TCT_EINVAL (seed, size) or TCT_ENOMEM. */
TCT_API tct_stack *tct_new(const tct_config *c, int *err) TCT_MUST_CHECK;
TCT_API void tct_free(tct_stack *s);
/* The configuration with all defaults resolved; and a changed one from now on, as sysctls are:
 * new sockets start with it, and rules that are not copied into a socket hold at once. What a stack
 * is made of (alloc, seed, deterministic, keys but Fast Open's, epoch_ns, profile, info, limits,
 * trace) must be as it was: TCT_EINVAL. */
TCT_API void tct_config_get(const tct_stack *s, tct_config *c);
TCT_API int tct_config_set(tct_stack *s, const tct_config *c) TCT_MUST_CHECK;
/* New keys from now on; all-zero ones are drawn. The table key stays while there are TCP sockets or
 * records. */
TCT_API int tct_keys_set(tct_stack *s, const tct_keys *k);

/* Frames are bare IP packets, or Ethernet frames without check sequence. */
typedef enum tct_link { TCT_LINK_IP, TCT_LINK_ETHERNET } tct_link;
typedef struct tct_if_config {
  size_t size;
  tct_link link;
  uint32_t mtu;                         /* largest IP packet, >= 576 (IPv4), >= 1280 (IPv6) */
  uint32_t gso_max_bytes, gso_max_segs; /* 0: no super-segments out */
  bool csum_offload;                    /* outgoing checksums may be PARTIAL */
  bool any_dst;                         /* accept packets to any destination (gateways) */
  bool loopback;                        /* 127/8 and ::1 are legal here */
  uint8_t mac[6];                       /* ETHERNET: ours, one station's */
  bool no_dad;   /* ETHERNET: IPv6 addresses are used before it is known that nobody has them */
  bool autoconf; /* ETHERNET: a link-local address, and what routers advertise */
} tct_if_config;
TCT_API int tct_if_add(tct_stack *s, const tct_if_config *c, tct_if *out) TCT_MUST_CHECK;
typedef enum tct_if_what { TCT_IF_UP, TCT_IF_MTU } tct_if_what;
TCT_API int tct_if_set(tct_stack *s, tct_if i, tct_if_what what, uint32_t value);
TCT_API int tct_if_addr_add(tct_stack *s, tct_if i, tct_addr a, unsigned prefix_len);
/* An IPv6 address on Ethernet is ours about a second later, when nobody has claimed it (RFC 4862).
 * TCT_OK: it is; TCT_EINPROGRESS: not yet; TCT_EADDRINUSE: somebody else's; TCT_EADDRNOTAVAIL. */
TCT_API int tct_if_addr_state(const tct_stack *s, tct_if i, tct_addr a);
/* Connections from a removed address end with ADDRESS_REMOVED. */
TCT_API int tct_if_addr_del(tct_stack *s, tct_if i, tct_addr a);
/* prefix_len counts in the address's own family (0..32 or 0..128). gateway all zero: on link. */
TCT_API int tct_route_add(tct_stack *s, tct_addr dst, unsigned prefix_len, tct_addr gateway,
                          tct_if i);
TCT_API int tct_route_del(tct_stack *s, tct_addr dst, unsigned prefix_len);

/* ---- Sockets --------------------------------------------------------------------------------- */

typedef enum tct_proto { TCT_TCP = 6, TCT_UDP = 17 } tct_proto;
typedef enum tct_how { TCT_SHUT_RD, TCT_SHUT_WR, TCT_SHUT_RDWR } tct_how;

TCT_API int tct_sock_open(tct_stack *s, tct_proto p, void *user, tct_sock *out) TCT_MUST_CHECK;
TCT_API int tct_sock_bind(tct_stack *s, tct_sock k, const tct_endpoint *local) TCT_MUST_CHECK;
/* Starts an active open; TCT_OK means the SYN is ready to be pulled. UDP: sets the peer. */
TCT_API int tct_sock_connect(tct_stack *s, tct_sock k, const tct_endpoint *remote) TCT_MUST_CHECK;
/* Fast Open (RFC 7413): connects, and sends as much of buf with the SYN as may go with it: nothing
 * when no cookie is known (the SYN then asks for one). Returns the bytes taken, 0 or more; the rest
 * is for tct_sock_send. TCT_MSG_MORE: that follows at once. With TCT_OPT_FASTOPEN_CONNECT
 * tct_sock_connect waits instead, and the first tct_sock_send does this by itself; remote NULL: the
 * socket waits so. TCT_EOPNOTSUPP: tct_config.fastopen says no. Data in a SYN may reach the
 * server's application twice: only for requests that may be repeated. */
TCT_API long tct_sock_connect_send(tct_stack *s, tct_sock k, const tct_endpoint *remote,
                                   const void *buf, size_t len, unsigned flags) TCT_MUST_CHECK;
/* A listener's own Fast Open keys, 1 or 2: the first makes cookies, the second is still taken.
 * get: those in use, and how many. */
TCT_API int tct_sock_fastopen_key_set(tct_stack *s, tct_sock k, const uint64_t keys[][2],
                                      unsigned n) TCT_MUST_CHECK;
TCT_API int tct_sock_fastopen_key_get(tct_stack *s, tct_sock k, uint64_t keys[2][2]) TCT_MUST_CHECK;
TCT_API void tct_fastopen_forget(tct_stack *s); /* what was learnt from all servers */
TCT_API int tct_sock_listen(tct_stack *s, tct_sock k, unsigned backlog) TCT_MUST_CHECK;
TCT_API int tct_sock_accept(tct_stack *s, tct_sock k, void *user, tct_sock *child) TCT_MUST_CHECK;
TCT_API int tct_sock_shutdown(tct_stack *s, tct_sock k, tct_how how);
/* Orderly. With unread data: RST [SHLD-3]. The handle lives until CLOSED is pulled. */
TCT_API int tct_sock_close(tct_stack *s, tct_sock k);
/* RST where RFC 9293 3.10.5 says so. The handle is stale at once and no event follows. */
TCT_API int tct_sock_abort(tct_stack *s, tct_sock k);
/* Walk all sockets: start with *cursor = {0,0}; false at the end. */
TCT_API bool tct_sock_next(tct_stack *s, tct_sock *cursor);
TCT_API int tct_sock_name(tct_stack *s, tct_sock k, tct_endpoint *local, tct_endpoint *remote);
TCT_API int tct_sock_user(tct_stack *s, tct_sock k, void **user);

enum {                     /* tct_sock_send / tct_sock_recv flags */
       TCT_MSG_MORE = 1,   /* more follows: hold a partial segment */
       TCT_MSG_EOR = 2,    /* never merge the next write into this segment */
       TCT_MSG_URGENT = 4, /* the last byte ends urgent data */
       TCT_MSG_PEEK = 8
};
/* Bytes taken (>= 1), or TCT_EAGAIN when full (WRITABLE will follow), TCT_EPIPE after shutdown. */
TCT_API long tct_sock_send(tct_stack *s, tct_sock k, const void *buf, size_t len,
                           unsigned flags) TCT_MUST_CHECK;
/* Bytes copied; 0: end of stream; TCT_EAGAIN: none now; TCT_ECONNRESET... after the data is read.
 */
TCT_API long tct_sock_recv(tct_stack *s, tct_sock k, void *buf, size_t len,
                           unsigned flags) TCT_MUST_CHECK;
/* Write in place: room of at least 1 byte in up to *n pieces; then say how much was written. */
TCT_API int tct_sock_tx_space(tct_stack *s, tct_sock k, tct_iov *v, unsigned *n) TCT_MUST_CHECK;
TCT_API int tct_sock_tx_commit(tct_stack *s, tct_sock k, size_t len, unsigned flags) TCT_MUST_CHECK;
/* Read in place, then open the window by consuming. *n in: pieces offered, out: pieces filled. */
TCT_API int tct_sock_rx_peek(tct_stack *s, tct_sock k, tct_iov *v, unsigned *n) TCT_MUST_CHECK;
TCT_API int tct_sock_rx_consume(tct_stack *s, tct_sock k, size_t len) TCT_MUST_CHECK;
/* The caller's memory, no copy; unchanged until the token comes back by tct_returned_next. */
TCT_API int tct_sock_tx_lend(tct_stack *s, tct_sock k, const void *base, size_t len,
                             uint64_t token) TCT_MUST_CHECK;
typedef enum tct_mark { TCT_MARK_SENT, TCT_MARK_ACKED } tct_mark;
/* Tell (EV_MARK) when the stream up to `offset` (bytes since the start) was sent or acknowledged.
 */
TCT_API int tct_sock_mark(tct_stack *s, tct_sock k, uint64_t offset, tct_mark what,
                          uint64_t token) TCT_MUST_CHECK;
TCT_API bool tct_sock_mark_next(tct_stack *s, tct_sock k, uint64_t *token);
/* What holds now, by level: TCT_EV_* bits, recomputed from the state. */
TCT_API int tct_sock_ready(tct_stack *s, tct_sock k);
/* A hint: calls on these n sockets come next. Asks for their memory, all at once, and changes
 * nothing; stale handles are no harm. For who has many to write to among very many. */
TCT_API void tct_sock_prefetch(const tct_stack *s, const tct_sock *k, size_t n);

typedef enum tct_opt {
  TCT_OPT_NODELAY, /* Nagle off [MUST-17] */
  TCT_OPT_CORK,    /* hold partial segments, at most 200 ms */
  TCT_OPT_QUICKACK,
  TCT_OPT_KEEPALIVE,       /* [MUST-24, 25] */
  TCT_OPT_KEEPIDLE_S,      /* 7200 [MUST-27, 28] */
  TCT_OPT_KEEPINTVL_S,     /* 75 */
  TCT_OPT_KEEPCNT,         /* 9 */
  TCT_OPT_KEEP_GARBAGE,    /* probe with one byte of old data [MAY-6] */
  TCT_OPT_USER_TIMEOUT_MS, /* R2 by time [MUST-21]; UINT32_MAX: endless; 0: default */
  TCT_OPT_R1_RETRIES,      /* [SHLD-10] 3 */
  TCT_OPT_SYN_RETRIES,     /* LINUX: beside the first four, which are a second apart */
  TCT_OPT_MAXSEG,
  TCT_OPT_SNDBUF,
  TCT_OPT_RCVBUF,
  TCT_OPT_RCVLOWAT,
  TCT_OPT_NOTSENT_LOWAT,
  TCT_OPT_WINDOW_CLAMP,
  TCT_OPT_DSCP,          /* 6 bits, all that is sent [MUST-48, SHLD-21] */
  TCT_OPT_RECV_DSCP,     /* get: last one received [MAY-9] */
  TCT_OPT_HOP_LIMIT,     /* [MUST-49] */
  TCT_OPT_SOFT_ERRORS,   /* reports on (default) or off [SHLD-20] */
  TCT_OPT_ERROR,         /* get: pending error, cleared by reading */
  TCT_OPT_SOFT_ERROR,    /* get: last soft error, cleared by reading */
  TCT_OPT_URGENT_UNREAD, /* get: bytes up to the urgent mark still unread, 0: none [MUST-33] */
  TCT_OPT_V6ONLY,
  TCT_OPT_REUSEADDR,
  TCT_OPT_REUSEPORT,
  TCT_OPT_DEFER_ACCEPT_S, /* listener: wait for data */
  TCT_OPT_SYN_POLICY,     /* listener: tct_syn_policy */
  TCT_OPT_FIN_WAIT_2_MS,
  TCT_OPT_TIMESTAMPS,
  TCT_OPT_SACK,
  TCT_OPT_WSCALE,           /* what the SYN offers; before connect/listen */
  TCT_OPT_CONGESTION,       /* tct_cc */
  TCT_OPT_PMTU_DISCOVER,    /* DF on (default) or off */
  TCT_OPT_BROADCAST,        /* UDP */
  TCT_OPT_ECN,              /* tct_ecn; before connect/listen */
  TCT_OPT_FASTOPEN,         /* listener: children that may wait unacknowledged, 0: off (RFC 7413) */
  TCT_OPT_FASTOPEN_CONNECT, /* connect waits for the first data */
  TCT_OPT_FASTOPEN_NO_COOKIE, /* neither asked for nor sent */
  TCT_OPT_MAX_PACING_RATE,    /* bytes a second */
  TCT_OPT_MTU_PROBING,        /* tct_mtu_probing */
  TCT_OPT_ISN /* only in deterministic stacks: fixes the next ISS (demos, scripts) */
} tct_opt;
typedef enum tct_mtu_probing {
  TCT_MTU_PROBING_OFF,
  TCT_MTU_PROBING_BLACK_HOLE,
  TCT_MTU_PROBING_ALWAYS
} tct_mtu_probing;
/* An option that is not supported, or not on this socket, gives TCT_ENOPROTOOPT: never ignored. */
TCT_API int tct_sock_set(tct_stack *s, tct_sock k, tct_opt o, int64_t value) TCT_MUST_CHECK;
TCT_API int tct_sock_get(tct_stack *s, tct_sock k, tct_opt o, int64_t *value) TCT_MUST_CHECK;

TCT_API int tct_sock_info(tct_stack *s, tct_sock k, tct_info *info) TCT_MUST_CHECK;

/* Listeners with policy ASK: a SYN is held until the application has spoken. */
typedef enum tct_syn_policy { TCT_SYN_ANSWER, TCT_SYN_ASK } tct_syn_policy;
typedef enum tct_syn_word {
  TCT_SYN_ACCEPT,
  TCT_SYN_RESET,
  TCT_SYN_UNREACH,
  TCT_SYN_DROP
} tct_syn_word;
typedef struct tct_syn_info {
  tct_syn syn;
  tct_endpoint local, remote;
} tct_syn_info;
TCT_API bool tct_syn_next(tct_stack *s, tct_sock listener, tct_syn_info *info);
TCT_API int tct_syn_answer(tct_stack *s, tct_syn y, tct_syn_word word,
                           unsigned icmp_code) TCT_MUST_CHECK;

typedef struct tct_dgram {
  tct_endpoint local, remote; /* send: local may be all zero */
  uint8_t hop_limit, tclass;  /* send: 0 = the socket's */
  uint16_t seg_size;          /* 0, or cut the payload into datagrams of this size */
  uint32_t len;               /* recv: the datagram's full length */
} tct_dgram;
TCT_API long tct_dgram_send(tct_stack *s, tct_sock k, const tct_dgram *d, const void *buf,
                            size_t len) TCT_MUST_CHECK;
TCT_API long tct_dgram_recv(tct_stack *s, tct_sock k, tct_dgram *d, void *buf, size_t len,
                            unsigned flags) TCT_MUST_CHECK;

/* FIN on all connections, listeners closed; what is left at `deadline` is reset. */
TCT_API void tct_drain(tct_stack *s, tct_time deadline);

/* ---- Counters and words ------------------------------------------------------------------------
 */

typedef struct tct_counters { /* Linux's SNMP names where the meaning is equal */
  uint64_t InSegs, OutSegs, RetransSegs, InErrs, OutRsts, ActiveOpens, PassiveOpens, AttemptFails;
  uint64_t EstabResets, CurrEstab, InReceives, OutRequests, ReasmOKs, ReasmFails, FragCreates;
  uint64_t InDatagrams, OutDatagrams, NoPorts, InEchos, OutEchoReps, OutIcmpErrors;
  uint64_t SyncookiesSent, SyncookiesRecv, SyncookiesFailed, ListenOverflows, ListenDrops;
  uint64_t TCPChallengeACK, TCPDSACKOldSent, TCPDSACKOfoSent, TCPOFOQueue, TCPOFODrop;
  uint64_t TCPTimeouts, TCPFastRetrans, TCPKeepAlive, TCPAbortOnTimeout, TCPAbortOnData;
  uint64_t TCPAbortOnMemory, TCPTimeWaitOverflow, PAWSEstab, TW, HeldNow, HalfOpenNow, TimeWaitNow;
  uint64_t OrphansNow, ConnsNow, ActiveNow, BufferBytesNow, MemoryBytesNow, TCPAckMerged;
  uint64_t TCPSackRecovery, TCPRenoRecovery, TCPSlowStartRetrans, TCPLostRetransmit;
  uint64_t TCPMTUPSuccess, TCPMTUPFail;
  uint64_t TCPLossProbes, TCPLossProbeRecovery, TCPSACKReneging, TCPSACKDiscard;
  uint64_t TCPSACKReorder, TCPRenoReorder, TCPTSReorder;
  uint64_t TCPDSACKRecv, TCPDSACKOfoRecv, TCPDSACKIgnored;
  uint64_t TCPFullUndo, TCPPartialUndo, TCPDSACKUndo, TCPLossUndo, TCPSpuriousRTOs;
  uint64_t TCPFastOpenActive, TCPFastOpenActiveFail, TCPFastOpenPassive, TCPFastOpenPassiveFail;
  uint64_t TCPFastOpenListenOverflow, TCPFastOpenCookieReqd, TCPFastOpenBlackhole;
  uint64_t TCPFastOpenPassiveAltKey;
  uint64_t NeighboursNow, AddrConflicts; /* another station says that it has our address */
} tct_counters;
TCT_API void tct_stack_counters(const tct_stack *s, tct_counters *c);
TCT_API uint64_t tct_verdict_count(const tct_stack *s, tct_verdict v);

TCT_API const char *tct_verdict_name(tct_verdict v); /* "DROP_TCP_CHECKSUM" */
TCT_API const char *tct_why_name(tct_why w);         /* "FAST_REXMIT" */
TCT_API const char *tct_why_text(tct_why w);         /* "fast retransmit" */
TCT_API const char *tct_state_name(tct_state st);    /* "SYN-RECEIVED" */
TCT_API const char *tct_timer_name(tct_timer t);
TCT_API const char *tct_strerror(int err); /* "connection refused" */

/* Addresses. tct_addr_text needs 46 bytes; returns the length. parse: TCT_EINVAL if it is none. */
TCT_API tct_addr tct_addr_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
TCT_API bool tct_addr_is_ipv4(tct_addr a);
TCT_API size_t tct_addr_text(tct_addr a, char *buf, size_t cap);
TCT_API int tct_addr_parse(const char *text, tct_addr *a) TCT_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
