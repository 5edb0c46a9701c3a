/* SPDX-License-Identifier: MIT */
/*
 * xdp.c - frames a second through AF_XDP on a veth pair, and the CPU time that each takes: the
 * driver alone, the whole stack sending, and two stacks talking to each other.
 *
 *   bench_xdp [milliseconds=400]      (root; a network namespace of its own)
 *
 * `raw_out`: one finished frame of 64 bytes, again and again. `udp_out`: the same frame made anew
 * by the stack, 22 bytes of payload each. Both go to a MAC that nobody has, so that the far kernel
 * drops them early. `tcp_echo`: 64 connections on which 64 bytes go there and back between two
 * stacks, one on each end, both run by this thread; a frame is made, sent, received and answered.
 * CPU time is the thread's and has the kernel's share in it: what a send sets off at the far end
 * too (veth delivers in the sender's time). Five rounds of each in turn, so that all see the same
 * minutes of this machine; medians. Output: name<TAB>value<TAB>unit lines.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/af_xdp.h"
#include "drivers/fast_sum.h"
#include "tercet/host.h"

enum {
  ROUNDS = 5,
  BURST = 64,
  FRAME = 64,
  CONNECTIONS = 64,
  MESSAGE = 64,
  PORT = 7,
  PAYLOAD = FRAME - 42
};

struct side {
  tct_stack *stack;
  tct_if ifc;
  struct tct_af_xdp *xdp;
  struct tct_driver drv;
  uint64_t frames_in, frames_out;
};

struct meter {
  uint64_t wall, cpu;
};

struct row {
  const char *name;
  double cpu_ns[ROUNDS], wall_ns[ROUNDS]; /* a frame */
  size_t n;
};
static struct row raw = {.name = "raw_out"}, udp = {.name = "udp_out"}, tcp = {.name = "tcp_echo"};
static char mode[32];

static uint64_t run_ns; /* a row and round */

static void stop(const char *what) {
  fprintf(stderr, "bench_xdp: %s\n", what);
  exit(2);
}

static uint64_t read_clock(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static tct_time now(void) {
  return read_clock(CLOCK_MONOTONIC);
}

static struct meter start(void) {
  return (struct meter){now(), read_clock(CLOCK_THREAD_CPUTIME_ID)};
}

static void take(struct row *r, struct meter from, uint64_t frames) {
  r->cpu_ns[r->n] = (double)(read_clock(CLOCK_THREAD_CPUTIME_ID) - from.cpu) / (double)frames;
  r->wall_ns[r->n++] = (double)(now() - from.wall) / (double)frames;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void tell(struct row *r) {
  qsort(r->cpu_ns, r->n, sizeof *r->cpu_ns, compare);
  qsort(r->wall_ns, r->n, sizeof *r->wall_ns, compare);
  double cpu = r->cpu_ns[r->n / 2];
  printf("%s\t%.0f\tns of CPU a frame (%.0f to %.0f)\n", r->name, cpu, r->cpu_ns[0],
         r->cpu_ns[r->n - 1]);
  printf("%s\t%.2f\tM frames/s of CPU time\n", r->name, 1e3 / cpu);
  printf("%s\t%.2f\tM frames/s of wall time\n", r->name, 1e3 / r->wall_ns[r->n / 2]);
}

static void stay_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

/* ---- The two ends ---------------------------------------------------------------------------- */

static void run(const char *command) {
  if (system(command) != 0)
    stop(command);
}

static void make_link(void) {
  if (unshare(CLONE_NEWNET) < 0)
    stop("no network namespace can be made: run as root");
  run("ip link add xa type veth peer name xb");
  run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 || true");
  run("ip link set xa up && ip link set xb up");
}

static void open_driver(struct side *s, const char *name) {
  char error[300];
  struct tct_af_xdp_config c = {.name = name};
  s->xdp = tct_af_xdp_open(&c, error, sizeof error);
  if (s->xdp == NULL)
    stop(error);
  s->drv = tct_af_xdp_driver(s->xdp);
}

static void open_side(struct side *s, const char *name, uint8_t last_byte) {
  tct_host_config c;
  int err;
  open_driver(s, name);
  tct_if_config link = {.size = sizeof link, .link = s->drv.link, .mtu = s->drv.mtu};
  memcpy(link.mac, s->drv.mac, sizeof link.mac);
  if (tct_host_config_init(&c, sizeof c) < 0 || (s->stack = tct_new(&c.stack, &err)) == NULL)
    stop("no stack");
  tct_advance(s->stack, now());
  if (tct_if_add(s->stack, &link, &s->ifc) < 0 || tct_if_set(s->stack, s->ifc, TCT_IF_UP, 1) < 0 ||
      tct_if_addr_add(s->stack, s->ifc, tct_addr_ipv4(10, 7, 0, last_byte), 24) < 0)
    stop("no address");
}

static void close_side(struct side *s) {
  if (s->stack != NULL)
    tct_free(s->stack);
  s->drv.ops->close(s->drv.ctx);
}

static void read_frames(struct side *s, tct_time at) {
  tct_frame f[BURST];
  bool drained = false;
  for (int i = 0; i < 4 && !drained; i++) {
    long n = s->drv.ops->recv(s->drv.ctx, f, BURST, at, &drained);
    if (n < 0)
      stop("the interface is gone");
    s->frames_in += (uint64_t)n;
    if (n > 0)
      tct_input(s->stack, s->ifc, f, (size_t)n, at);
  }
}

static void write_frames(struct side *s, tct_time at) {
  tct_frame f[BURST];
  size_t n;
  while ((n = tct_output(s->stack, s->ifc, f, BURST, at)) > 0) {
    s->frames_out += n;
    s->drv.ops->send(s->drv.ctx, f, n);
  }
}

/* ---- Out only -------------------------------------------------------------------------------- */

static const uint8_t nobody[6] = {2, 0, 0, 0, 0, 0x99};

static void measure_raw(void) {
  struct side s = {0};
  uint8_t bytes[FRAME] = {0};
  tct_iov v = {bytes, sizeof bytes};
  tct_frame f[BURST], in[BURST];
  bool drained;
  uint64_t sent = 0;
  open_driver(&s, "xa");
  memcpy(bytes, nobody, 6);
  memcpy(bytes + 6, s.drv.mac, 6);
  bytes[12] = 8; /* IPv4 */
  for (int i = 0; i < BURST; i++)
    f[i] = (tct_frame){.iov = &v, .n_iov = 1, .len = sizeof bytes};
  struct meter m = start();
  for (; now() < m.wall + run_ns; sent += BURST) {
    s.drv.ops->send(s.drv.ctx, f, BURST);
    (void)s.drv.ops->recv(s.drv.ctx, in, BURST, 0, &drained);
  }
  take(&raw, m, sent);
  snprintf(mode, sizeof mode, "%s", tct_af_xdp_mode(s.xdp));
  close_side(&s);
}

/* What a neighbour would say who is not there. */
static void answer_arp(struct side *s, uint8_t last_byte) {
  uint8_t p[42] = {[12] = 8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
  const uint8_t theirs[4] = {10, 7, 0, last_byte}, ours[4] = {10, 7, 0, 2};
  memcpy(p, s->drv.mac, 6);
  memcpy(p + 6, nobody, 6);
  memcpy(p + 22, nobody, 6);
  memcpy(p + 28, theirs, 4);
  memcpy(p + 32, s->drv.mac, 6);
  memcpy(p + 38, ours, 4);
  tct_iov v = {p, sizeof p};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = sizeof p, .at = now()};
  tct_input(s->stack, s->ifc, &f, 1, f.at);
}

static void send_datagrams(struct side *s, tct_sock k) {
  static const uint8_t payload[PAYLOAD];
  for (int i = 0; i < BURST; i++)
    if (tct_dgram_send(s->stack, k, &(tct_dgram){0}, payload, sizeof payload) < 0)
      break;
}

static void measure_udp(void) {
  struct side s = {0};
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 7, 0, 9), .port = 9};
  tct_sock k;
  open_side(&s, "xa", 2);
  if (tct_sock_open(s.stack, TCT_UDP, NULL, &k) < 0 || tct_sock_connect(s.stack, k, &to) < 0)
    stop("no UDP socket");
  send_datagrams(&s, k);
  write_frames(&s, now());
  answer_arp(&s, 9);
  write_frames(&s, now());
  s.frames_out = 0;
  struct meter m = start();
  tct_time at;
  while ((at = now()) < m.wall + run_ns) {
    read_frames(&s, at);
    tct_advance(s.stack, at);
    send_datagrams(&s, k);
    write_frames(&s, at);
  }
  take(&udp, m, s.frames_out);
  close_side(&s);
}

/* ---- There and back -------------------------------------------------------------------------- */

/* What came is sent back; each message keeps its connection going. */
static void reflect(struct side *s, tct_sock k) {
  uint8_t buf[4 * MESSAGE];
  long n;
  while ((n = tct_sock_recv(s->stack, k, buf, sizeof buf, 0)) > 0)
    if (tct_sock_send(s->stack, k, buf, (size_t)n, 0) != n)
      stop("a message did not fit");
}

static void take_news(struct side *s) {
  static const uint8_t message[MESSAGE];
  tct_event ev;
  tct_sock child;
  while (tct_event_next(s->stack, &ev)) {
    while ((ev.flags & TCT_EV_ACCEPT) != 0 &&
           tct_sock_accept(s->stack, ev.sock, NULL, &child) == TCT_OK)
      if (tct_sock_set(s->stack, child, TCT_OPT_NODELAY, 1) < 0)
        stop("no NODELAY");
    if ((ev.flags & TCT_EV_CONNECTED) != 0 &&
        tct_sock_send(s->stack, ev.sock, message, MESSAGE, 0) != MESSAGE)
      stop("no first message");
    if ((ev.flags & TCT_EV_READABLE) != 0)
      reflect(s, ev.sock);
    if ((ev.flags & TCT_EV_CLOSED) != 0)
      stop("a connection ended");
  }
}

static void turn(struct side *s, tct_time at) {
  read_frames(s, at);
  tct_advance(s->stack, at);
  take_news(s);
  write_frames(s, at);
}

static void open_connections(struct side *near, struct side *far) {
  tct_endpoint here = {.port = PORT}, there = {.addr = tct_addr_ipv4(10, 7, 0, 3), .port = PORT};
  tct_sock k;
  if (tct_sock_open(far->stack, TCT_TCP, NULL, &k) < 0 || tct_sock_bind(far->stack, k, &here) < 0 ||
      tct_sock_listen(far->stack, k, CONNECTIONS) < 0)
    stop("no listener");
  for (int i = 0; i < CONNECTIONS; i++)
    if (tct_sock_open(near->stack, TCT_TCP, NULL, &k) < 0 ||
        tct_sock_set(near->stack, k, TCT_OPT_NODELAY, 1) < 0 ||
        tct_sock_connect(near->stack, k, &there) < 0)
      stop("no connection");
}

/* One after the other in one thread: no time is spent waiting for the other end's. */
static void exchange(struct side *near, struct side *far, uint64_t ns) {
  tct_time at;
  for (tct_time until = now() + ns; (at = now()) < until;) {
    turn(near, at);
    turn(far, at);
  }
}

static void measure_tcp(void) {
  struct side near = {0}, far = {0};
  open_side(&near, "xa", 2);
  open_side(&far, "xb", 3);
  open_connections(&near, &far);
  exchange(&near, &far, run_ns / 4);
  near.frames_in = near.frames_out = 0;
  struct meter m = start();
  exchange(&near, &far, run_ns);
  take(&tcp, m, near.frames_in + near.frames_out);
  close_side(&near);
  close_side(&far);
}

int main(int argc, char **argv) {
  if (tct_af_xdp_missing() != NULL)
    stop(tct_af_xdp_missing());
  uint32_t ms = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
  run_ns = (uint64_t)(ms != 0 ? ms : 400) * 1000000u;
  make_link();
  stay_on(0);
  for (int i = 0; i < ROUNDS; i++) {
    measure_raw();
    measure_udp();
    measure_tcp();
  }
  tell(&raw);
  tell(&udp);
  tell(&tcp);
  printf("mode\t%s\tof the socket\n", mode);
  return 0;
}
