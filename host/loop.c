/* SPDX-License-Identifier: MIT */
/*
 * loop.c - turns the wheel of one stack: frames in, time, events, frames out, sleep.
 *
 * Used by programs through include/tercet/host.h. A turn drains the device (bounded) before it
 * lets time pass, so that a late process does not look like a slow network, and it reads as much
 * as it can before it answers, so that ACKs merge. Sleeping is epoll with nanosecond time-out.
 */
#define _GNU_SOURCE
#include "host/host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "drivers/fast_sum.h"
#include "drivers/merge.h"

enum {
  KEY_DEVICE = 1000,
  KEY_SIGNAL = 1001,
  KEY_MESH = 1002,
  BUSY_TURNS_MAX = 16,
  WAIT_EVENTS = 16
};

tct_time tct_host_loop_clock(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (tct_time)ts.tv_sec * 1000000000u + (tct_time)ts.tv_nsec;
}

static int add_to_epoll(tct_host *h, int fd, uint32_t want, uint32_t key) {
  struct epoll_event ev = {.events = want, .data.u32 = key};
  if (epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0)
    return 0;
  if (errno == EEXIST)
    return epoll_ctl(h->epoll_fd, EPOLL_CTL_MOD, fd, &ev) == 0 ? 0 : -errno;
  return -errno;
}

int tct_host_loop_init(tct_host *h) {
  for (unsigned i = 0; i < TCT_HOST_WATCHES; i++)
    h->watch[i].fd = -1;
  prctl(PR_SET_TIMERSLACK, 1000); /* the default of 50 us would blur every timer */
  h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (h->epoll_fd < 0)
    return -errno;
  if (h->mesh != NULL && add_to_epoll(h, h->mesh->core[h->core].event_fd, EPOLLIN, KEY_MESH) < 0)
    return -errno;
  return add_to_epoll(h, h->drv.fd, EPOLLIN, KEY_DEVICE);
}

void tct_host_loop_deinit(tct_host *h) {
  if (h->epoll_fd >= 0)
    close(h->epoll_fd);
  if (h->signal_fd >= 0)
    close(h->signal_fd);
}

/* ---- One turn -------------------------------------------------------------------------------- */

static void show_frames(tct_host *h, size_t n, bool outbound) {
  if (h->frame_fn == NULL)
    return;
  for (size_t i = 0; i < n; i++)
    h->frame_fn(h->frame_ctx, &h->frames[i], outbound, h->now);
}

static size_t bytes_of(const tct_frame *f, size_t n) {
  size_t bytes = 0;
  for (size_t i = 0; i < n; i++)
    bytes += f[i].len;
  return bytes;
}

static void hand_in(tct_host *h, size_t n) {
  if (!h->drv.csum_offload)
    n = tct_merge(h->frames, n, h->drv.link, tct_fast_sum());
  if (n > 0)
    tct_input(h->stack, h->ifc, h->frames, n, h->now);
  show_frames(h, n, false);
}

/* What other cores met of ours. */
static long take_strays(tct_host *h) {
  if (h->mesh == NULL)
    return 0;
  size_t n = tct_host_mesh_take(h, h->frames, h->taken_iov, TCT_BURST_MAX);
  hand_in(h, n);
  return (long)n;
}

/* How many frames came in, or a negative error; *drained: the device has no more. */
static long drain_device(tct_host *h, bool *drained) {
  long total = 0;
  size_t bytes = 0;
  *drained = false;
  while (total < TCT_HOST_TURN_FRAMES && bytes < TCT_HOST_TURN_BYTES && !*drained) {
    h->now = tct_host_loop_clock();
    long n = h->drv.ops->recv(h->drv.ctx, h->frames, TCT_BURST_MAX, h->now, drained);
    if (n < 0)
      return n;
    bytes += bytes_of(h->frames, (size_t)n);
    total += n;
    hand_in(h, h->mesh != NULL ? tct_host_mesh_steer(h, h->frames, (size_t)n) : (size_t)n);
  }
  return total + take_strays(h);
}

static unsigned dispatch_events(tct_host *h) {
  tct_event ev;
  unsigned n = 0;
  while (n < TCT_HOST_TURN_EVENTS && tct_event_next(h->stack, &ev)) {
    n++;
    if (!tct_host_block_event(h, &ev) && h->event_fn != NULL)
      h->event_fn(h->event_ctx, &ev);
  }
  return n;
}

static size_t pull_output(tct_host *h) {
  size_t total = 0;
  while (total < TCT_HOST_TURN_FRAMES) {
    size_t n = tct_output(h->stack, h->ifc, h->frames, TCT_BURST_MAX, h->now);
    if (n == 0)
      break;
    show_frames(h, n, true);
    h->drv.ops->send(h->drv.ctx, h->frames, n);
    total += n;
  }
  return total;
}

void tct_host_loop_flush(tct_host *h) {
  h->now = tct_host_loop_clock();
  while (pull_output(h) == TCT_HOST_TURN_FRAMES)
    ;
}

static void fire_alarm(tct_host *h) {
  if (h->alarm_at > h->now)
    return;
  h->alarm_at = TCT_NEVER;
  if (h->alarm_fn != NULL)
    h->alarm_fn(h->alarm_ctx);
}

/* ---- Sleeping -------------------------------------------------------------------------------- */

static void read_signals(tct_host *h) {
  struct signalfd_siginfo info;
  while (read(h->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
    if (h->signal_fn != NULL)
      h->signal_fn(h->signal_ctx, (int)info.ssi_signo);
}

static void wake_watch(tct_host *h, uint32_t key, uint32_t ready) {
  if (key == KEY_SIGNAL) {
    read_signals(h);
  } else if (key < TCT_HOST_WATCHES && h->watch[key].fd >= 0) {
    struct tct_host_watch w = h->watch[key];
    w.fn(w.ctx, w.fd, ready);
  }
}

static int epoll_for(tct_host *h, struct epoll_event *ev, tct_time wait_ns) {
  if (wait_ns == TCT_NEVER)
    return epoll_wait(h->epoll_fd, ev, WAIT_EVENTS, -1);
  struct timespec ts = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
  int n = epoll_pwait2(h->epoll_fd, ev, WAIT_EVENTS, &ts, NULL);
  if (n >= 0 || errno != ENOSYS)
    return n;
  return epoll_wait(h->epoll_fd, ev, WAIT_EVENTS, (int)(wait_ns / 1000000u) + 1);
}

static tct_time time_to_sleep(const tct_host *h, tct_time until) {
  tct_time at = tct_deadline(h->stack);
  if (h->alarm_at < at)
    at = h->alarm_at;
  if (until < at)
    at = until;
  if (at == TCT_NEVER)
    return TCT_NEVER;
  tct_time now = tct_host_loop_clock();
  return at > now ? at - now : 0;
}

/* Work within the time that was spun away: spin as long again. None: half as long next time. */
static bool should_spin(tct_host *h, bool busy, tct_time until) {
  if (h->spin_max_ns == 0)
    return false;
  tct_time now = tct_host_loop_clock();
  if (busy)
    h->worked_at = now;
  if (busy || (now - h->worked_at < h->spin_ns && now < until))
    return true;
  h->spin_ns = h->spin_ns / 2 < h->spin_max_ns / 16 ? h->spin_max_ns / 16 : h->spin_ns / 2;
  return false;
}

/* What came so soon after falling asleep would have been met by spinning. */
static void learn_from_sleep(tct_host *h, int n) {
  if (h->spin_max_ns != 0 && n > 0 && tct_host_loop_clock() - h->worked_at < h->spin_max_ns)
    h->spin_ns = h->spin_max_ns;
}

static void sleep_until(tct_host *h, tct_time until, bool busy) {
  struct epoll_event ev[WAIT_EVENTS];
  tct_time wait_ns = busy || h->stopped ? 0 : time_to_sleep(h, until);
  if (wait_ns > 0 && h->idle_fn != NULL)
    h->idle_fn(h->idle_ctx);
  if (h->mesh != NULL && wait_ns > 0 && !tct_host_mesh_may_sleep(h))
    wait_ns = 0;
  int n = epoll_for(h, ev, wait_ns);
  if (wait_ns > 0)
    learn_from_sleep(h, n);
  if (h->mesh != NULL)
    tct_host_mesh_awake(h);
  for (int i = 0; i < n; i++)
    wake_watch(h, ev[i].data.u32, ev[i].events);
  h->busy_turns = 0;
}

int tct_host_turn(tct_host *h, tct_time until) {
  bool drained;
  long in = drain_device(h, &drained);
  if (in < 0)
    return TCT_ENODEV;
  /* Not drained: what waits in the device may answer a timer, so time stops at what was read. */
  if (drained)
    h->now = tct_host_loop_clock();
  tct_advance(h->stack, h->now);
  fire_alarm(h);
  unsigned news = dispatch_events(h);
  if (h->output_fn != NULL)
    h->output_fn(h->output_ctx);
  size_t out = pull_output(h);
  /* After work there is often more at once: look again before paying for a sleep. */
  bool busy = in > 0 || news > 0 || out > 0;
  bool again = should_spin(h, busy, until) || busy;
  if (again && ++h->busy_turns < BUSY_TURNS_MAX)
    return TCT_OK;
  sleep_until(h, until, again);
  return TCT_OK;
}

int tct_host_run(tct_host *h) {
  h->stopped = false;
  while (!h->stopped) {
    int err = tct_host_turn(h, TCT_NEVER);
    if (err < 0)
      return err;
  }
  return h->result;
}

void tct_host_stop(tct_host *h, int result) {
  h->stopped = true;
  h->result = result;
}

/* ---- What the program hangs in --------------------------------------------------------------- */

void tct_host_on_event(tct_host *h, tct_host_event_fn fn, void *ctx) {
  h->event_fn = fn;
  h->event_ctx = ctx;
}

void tct_host_on_poke(tct_host *h, tct_host_fn fn, void *ctx) {
  h->poke_fn = fn;
  h->poke_ctx = ctx;
}

void tct_host_on_idle(tct_host *h, tct_host_fn fn, void *ctx) {
  h->idle_fn = fn;
  h->idle_ctx = ctx;
}

void tct_host_on_output(tct_host *h, tct_host_fn fn, void *ctx) {
  h->output_fn = fn;
  h->output_ctx = ctx;
}

void tct_host_on_alarm(tct_host *h, tct_host_fn fn, void *ctx) {
  h->alarm_fn = fn;
  h->alarm_ctx = ctx;
}

void tct_host_set_alarm(tct_host *h, tct_time at) {
  h->alarm_at = at;
}

int tct_host_on_signal(tct_host *h, tct_host_signal_fn fn, void *ctx) {
  sigset_t set;
  h->signal_fn = fn;
  h->signal_ctx = ctx;
  if (h->signal_fd >= 0)
    return TCT_OK;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
    return -errno;
  h->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (h->signal_fd < 0)
    return -errno;
  return add_to_epoll(h, h->signal_fd, EPOLLIN, KEY_SIGNAL);
}

static struct tct_host_watch *find_watch(tct_host *h, int fd) {
  for (unsigned i = 0; i < TCT_HOST_WATCHES; i++)
    if (h->watch[i].fd == fd)
      return &h->watch[i];
  return NULL;
}

int tct_host_watch(tct_host *h, int fd, uint32_t want, tct_host_fd_fn fn, void *ctx) {
  struct tct_host_watch *w = find_watch(h, fd);
  if (want == 0) {
    if (w != NULL)
      epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    if (w != NULL)
      w->fd = -1;
    return TCT_OK;
  }
  if (w == NULL)
    w = find_watch(h, -1);
  if (w == NULL)
    return TCT_ENOBUFS;
  int err = add_to_epoll(h, fd, want, (uint32_t)(w - h->watch));
  if (err < 0)
    return err == -EPERM ? TCT_EOPNOTSUPP : err;
  *w = (struct tct_host_watch){fd, fn, ctx};
  return TCT_OK;
}
