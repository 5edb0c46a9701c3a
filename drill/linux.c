/* SPDX-License-Identifier: MIT */
/*
 * linux.c - this machine's kernel as the subject of a script: packets go in through a TUN device,
 * what leaves is read, with the time it left, from a packet socket on it, and the clock is the real
 * one. Called through the subject's table, in a process that has a network namespace of its own.
 * Leaves the namespace to linux_net.c, calls to linux_call.c.
 */
#define _GNU_SOURCE
#include "drill/linux.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_packet.h>

enum { FRAME_CAP = 65536 + 64 };
#define SPIN_NS 40000u /* a sleep that ends this much before the time leaves room for the rest */

static uint64_t read_clock(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t drill_linux_now(const struct drill_run *r) {
  if (!r->linux->base_ns)
    r->linux->base_ns = read_clock(CLOCK_MONOTONIC);
  return read_clock(CLOCK_MONOTONIC) - r->linux->base_ns;
}

bool drill_linux_start(struct drill_run *r) {
  static const struct drill_wire wire = {drill_linux_settle, drill_linux_advance, drill_linux_step,
                                         drill_linux_inject, drill_linux_stamp};
  r->linux->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  r->linux->sys = &drill_linux_sys;
  r->linux->wire = &wire;
  r->linux->now = drill_linux_now;
  return drill_linux_net(r) && (!r->linux->so || drill_so_open(r, r->linux->so));
}

void drill_linux_stop(struct drill_run *r) {
  (void)r; /* the process ends, and with it everything */
}

/* ---- Packets that leave ---------------------------------------------------------------------- */

/* When a packet with this stamp of the real-time clock left, in script time. */
static uint64_t stamp_to_script(const struct drill_run *r, const struct timespec *t) {
  uint64_t stamp = (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
  uint64_t real = read_clock(CLOCK_REALTIME), now = drill_linux_now(r);
  uint64_t ago = real > stamp ? real - stamp : 0;
  return now > ago ? now - ago : 0;
}

int64_t drill_linux_stamp(struct drill_run *r, const struct timespec *t) {
  return (int64_t)stamp_to_script(r, t);
}

static uint64_t sent_at(const struct drill_run *r, struct msghdr *m) {
  struct timespec t;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
      continue;
    memcpy(&t, CMSG_DATA(c), sizeof t);
    return stamp_to_script(r, &t);
  }
  return drill_linux_now(r);
}

/* The kernel speaks of itself: neighbours, groups, routers. No script is about that. */
static bool is_noise(const uint8_t *p, size_t n) {
  if (n < 20)
    return true;
  if (p[0] >> 4 == 4)
    return p[9] != 6 && p[9] != 17 && p[9] != 1;
  if (n < 48 || p[0] >> 4 != 6)
    return true;
  bool is_known = p[6] == 6 || p[6] == 17 || p[6] == 58;
  bool is_own = p[6] == 58 && ((p[40] >= 130 && p[40] <= 137) || p[40] == 143);
  return !is_known || is_own;
}

static void keep_packet(struct drill_run *r, const uint8_t *p, size_t n, uint64_t at_ns) {
  if (is_noise(p, n))
    return;
  struct drill_frame *f = drill_world_frame(r, true, n);
  memcpy(f->bytes, p, n);
  f->at_ns = at_ns;
  drill_world_came(r, f);
}

/* What came since; and the device's own queue is kept empty, or the kernel would see losses. */
static unsigned take_packets(struct drill_run *r) {
  static uint8_t bytes[FRAME_CAP];
  char control[256];
  unsigned kept = 0;
  for (;;) {
    struct sockaddr_ll from;
    struct iovec v = {bytes, sizeof bytes};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof from,
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    ssize_t n = recvmsg(r->linux->tap, &m, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      break;
    if (from.sll_pkttype != PACKET_OUTGOING)
      continue;
    keep_packet(r, bytes, (size_t)n, sent_at(r, &m));
    kept++;
  }
  while (read(r->linux->tun, bytes, sizeof bytes) > 0)
    continue;
  return kept;
}

/* ---- The clock ------------------------------------------------------------------------------- */

bool drill_linux_settle(struct drill_run *r) {
  uint64_t count;
  (void)!read(r->linux->wake, &count, sizeof count);
  (void)take_packets(r);
  r->now_ns = drill_linux_now(r);
  if (r->pending.is_active && !r->failure)
    (void)drill_call_retry(r);
  return !r->failure;
}

/* Until something happens or the time has come. */
static bool wait_until(struct drill_run *r, uint64_t limit_ns) {
  struct pollfd p[] = {{.fd = r->linux->tap, .events = POLLIN},
                       {.fd = r->linux->wake, .events = POLLIN},
                       {.fd = r->linux->tun, .events = POLLIN}};
  for (;;) {
    uint64_t now = drill_linux_now(r);
    uint64_t left = limit_ns > now ? limit_ns - now : 0;
    uint64_t sleep_ns = left > SPIN_NS ? left - SPIN_NS : 0;
    struct timespec t = {(time_t)(sleep_ns / 1000000000u), (long)(sleep_ns % 1000000000u)};
    if (ppoll(p, 3, &t, NULL) > 0)
      return true;
    if (left == 0)
      return false;
  }
}

bool drill_linux_step(struct drill_run *r, uint64_t limit_ns) {
  return wait_until(r, limit_ns) && drill_linux_settle(r);
}

bool drill_linux_advance(struct drill_run *r, uint64_t to_ns) {
  while (!r->failure && drill_linux_step(r, to_ns))
    continue;
  return drill_linux_settle(r);
}

bool drill_linux_inject(struct drill_run *r, struct drill_frame *f, bool is_more) {
  (void)is_more; /* a device takes one at a time */
  /* The device refuses what is shorter than any IP header; the kernel would drop it unseen. */
  if (write(r->linux->tun, f->bytes, f->len) < 0 && errno != EINVAL)
    return drill_run_fail(r, "cannot inject a packet: %s", strerror(errno));
  return drill_linux_settle(r);
}
