/* SPDX-License-Identifier: MIT */
/*
 * host.h - tercet for programs on Linux: one stack, one device, one event loop.
 *
 * A tct_host owns a stack, the device that joins it to the kernel, the clock and the waiting. News
 * goes to one callback per event, called outside the stack, so that every tct_sock_* call may be
 * made from it. Small programs may instead use the blocking calls at the end. One thread.
 */
#ifndef TERCET_HOST_H
#define TERCET_HOST_H

#include "tercet/record.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tct_host tct_host;
typedef struct tct_host_mesh tct_host_mesh;

/* One address of the stack, on its end of the device. */
typedef struct tct_host_addr {
  tct_addr addr;
  unsigned prefix_len; /* in the address's own family */
  tct_addr peer;       /* the kernel's end; all zero: the prefix's other first host address */
} tct_host_addr;

enum { TCT_HOST_ADDRS = 8 };

/* Sees each frame, after it came in (verdict known) and before it goes out. */
typedef void (*tct_host_frame_fn)(void *ctx, const tct_frame *f, bool outbound, tct_time now);

typedef struct tct_host_config {
  size_t size;
  tct_config stack; /* allocator, seed and wall clock are filled in by tct_host_config_init */
  const char *dev;  /* "tun:NAME", "tap:NAME", "xdp:INTERFACE" */
  uint32_t mtu;     /* 0: 1500 */
  bool no_offload;  /* one packet a call, checksums by us: what a plain device does */
  /* After work, look at the device for so long before sleeping: saves the wake-up, costs the core.
     Shortened while nothing comes of it. 0: sleep at once. */
  tct_time spin_ns;
  tct_host_mesh *mesh; /* NULL: this host alone; else host number `core` of several */
  unsigned core;
  tct_host_addr addr[TCT_HOST_ADDRS];
  unsigned n_addr;
  tct_host_frame_fn frame_fn; /* or NULL */
  void *frame_ctx;
  tct_record
      *record; /* every call is recorded; the caller closes it after tct_host_free. Or NULL */
} tct_host_config;

/* 0, or TCT_E* when the system gave no random seed. */
TCT_API int tct_host_config_init(tct_host_config *c, size_t size) TCT_MUST_CHECK;
/* NULL on failure, with one sentence in error[]. Default routes point to the kernel's end. */
TCT_API tct_host *tct_host_new(const tct_host_config *c, char *error, size_t cap) TCT_MUST_CHECK;
/* Sends what is ready, then frees; the device vanishes. NULL is allowed. */
TCT_API void tct_host_free(tct_host *h);

TCT_API tct_stack *tct_host_stack(tct_host *h);
TCT_API tct_if tct_host_if(tct_host *h);
TCT_API const char *tct_host_dev_name(tct_host *h);
TCT_API bool tct_host_has_offload(const tct_host *h); /* the device takes super-segments */
/* The loop's clock as of this turn: CLOCK_MONOTONIC, nanoseconds. */
TCT_API tct_time tct_host_now(tct_host *h);
/* The default allocator: the C library's. */
TCT_API tct_alloc tct_host_alloc(void);

/* ---- The loop ----------------------------------------------------------------------------------
 */

typedef void (*tct_host_event_fn)(void *ctx, const tct_event *ev);
typedef void (*tct_host_fd_fn)(void *ctx, int fd, uint32_t ready); /* EPOLL* bits */
typedef void (*tct_host_fn)(void *ctx);
typedef void (*tct_host_signal_fn)(void *ctx, int signal);

TCT_API void tct_host_on_event(tct_host *h, tct_host_event_fn fn, void *ctx);
/* Called before the loop sleeps: the place for flushing logs. */
TCT_API void tct_host_on_idle(tct_host *h, tct_host_fn fn, void *ctx);
/* Called in each turn, before frames go out: a last look at memory that was lent. */
TCT_API void tct_host_on_output(tct_host *h, tct_host_fn fn, void *ctx);
/* One alarm of the program's own; setting it replaces the last one. TCT_NEVER: none. */
TCT_API void tct_host_on_alarm(tct_host *h, tct_host_fn fn, void *ctx);
TCT_API void tct_host_set_alarm(tct_host *h, tct_time at);
/* SIGINT and SIGTERM (and SIGHUP) arrive here instead of ending the process. */
TCT_API int tct_host_on_signal(tct_host *h, tct_host_signal_fn fn, void *ctx) TCT_MUST_CHECK;
/* Other descriptors: `want` are EPOLL* bits, 0 stops. TCT_EOPNOTSUPP: a plain file, always ready.
 */
TCT_API int tct_host_watch(tct_host *h, int fd, uint32_t want, tct_host_fd_fn fn,
                           void *ctx) TCT_MUST_CHECK;
/* One turn: frames in, time, events, frames out; sleeps until something happens or `until`.
   TCT_ENODEV: the device is gone. */
TCT_API int tct_host_turn(tct_host *h, tct_time until) TCT_MUST_CHECK;
/* Turns until tct_host_stop; returns its argument, or TCT_ENODEV. */
TCT_API int tct_host_run(tct_host *h) TCT_MUST_CHECK;
TCT_API void tct_host_stop(tct_host *h, int result);

/* ---- Many cores --------------------------------------------------------------------------------
 */
/* Hosts on queues of one device, each with a stack of its own and run by a thread of its own, which
   share nothing else: a connection belongs to one of them for good. Make the mesh, then host 0,
   which makes the device, then the others with the same configuration; listen on each. */

/* NULL: 1 to 64 cores are possible, or no memory, or no descriptors. */
TCT_API tct_host_mesh *tct_host_mesh_new(unsigned cores) TCT_MUST_CHECK;
TCT_API void tct_host_mesh_free(tct_host_mesh *m); /* after its hosts */
/* From any thread: that host's loop wakes and calls what tct_host_on_poke hung in. */
TCT_API void tct_host_mesh_poke(tct_host_mesh *m, unsigned core);
TCT_API void tct_host_on_poke(tct_host *h, tct_host_fn fn, void *ctx);
/* Frames that came to another core than their owner, and were handed on. */
TCT_API uint64_t tct_host_mesh_strays(const tct_host_mesh *m);

/* ---- Blocking calls -----------------------------------------------------------------------------
 */
/* Each runs the loop until it can answer or `timeout_ns` is over (TCT_ETIMEDOUT). TCT_EINTR: a
   signal callback called tct_host_stop meanwhile. Events of their sockets go nowhere else. */

TCT_API int tct_host_connect(tct_host *h, const tct_endpoint *remote, tct_time timeout_ns,
                             tct_sock *out) TCT_MUST_CHECK;
TCT_API int tct_host_listen(tct_host *h, const tct_endpoint *local, unsigned backlog,
                            tct_sock *out) TCT_MUST_CHECK;
TCT_API int tct_host_accept(tct_host *h, tct_sock listener, tct_time timeout_ns,
                            tct_sock *out) TCT_MUST_CHECK;
/* All of it, or an error. */
TCT_API int tct_host_send(tct_host *h, tct_sock k, const void *buf, size_t len,
                          tct_time timeout_ns) TCT_MUST_CHECK;
/* At least one byte; 0: end of stream. */
TCT_API long tct_host_recv(tct_host *h, tct_sock k, void *buf, size_t len,
                           tct_time timeout_ns) TCT_MUST_CHECK;
/* Until one of the TCT_EV_* bits holds for the socket; returns the bits that do. */
TCT_API int tct_host_wait(tct_host *h, tct_sock k, uint32_t bits,
                          tct_time timeout_ns) TCT_MUST_CHECK;
/* Orderly; waits for the end and says how it was. After the time-out the rest is reset. */
TCT_API int tct_host_close(tct_host *h, tct_sock k, tct_time timeout_ns);
/* How a socket of these calls ended, before tct_host_close: TCT_E* and the reason; 0: it lives. */
TCT_API int tct_host_ended(tct_host *h, tct_sock k, tct_why *why);

#ifdef __cplusplus
}
#endif
#endif
