/* SPDX-License-Identifier: MIT */
/*
 * scale.c - very many connections in one stack. The other side has no state: it answers each packet
 * from the packet alone (a SYN,ACK by an ACK, 64 bytes by 64 bytes, a FIN by a FIN), so that all
 * memory and all time is this stack's own. Called by tools/bench.
 *
 *   bench_scale conns=N [hot=N] [trips=N] [batch=N] [calls=N] [ipv6=1] [info=full|basic]
 *                [kind=established|half-open|time-wait|ports]
 *
 * established (the default): time to accept N, bytes each, cost of a round trip over all of them in
 * random order and over a hot few, cost of opening and closing among them, longest single call of
 * the interface by thread CPU time. half-open and time-wait: bytes each. ports: what an active open
 * costs when 95 % of the ports to one peer are taken. Output: name<TAB>value lines.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "drivers/fast_sum.h"
#include "tercet/tercet.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum {
  PORT = 80,
  LISTENERS = 16,
  PER_ADDR = 60000,
  PACKET_MAX = 256,
  REQUEST = 64,
  BATCH_MAX = 64
};
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct args {
  uint64_t conns, hot, trips, batch, calls;
  bool ipv6, basic;
  const char *kind;
};

static struct {
  struct args a;
  tct_stack *stack;
  tct_if ifc;
  tct_sock listener, *socks;
  uint64_t accepted, replies, ended, memory;
  tct_time now;
  tct_frame frames[TCT_BURST_MAX], in[TCT_BURST_MAX];
  tct_iov iov[TCT_BURST_MAX];
  uint8_t packet[TCT_BURST_MAX][PACKET_MAX];
  size_t n_in;
  bool silent; /* the peer answers nothing: SYN,ACKs stay unacknowledged */
} b;

static void *get_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  b.memory += size;
  if (align <= 16 && size < 1u << 21)
    return malloc(size);
  if (size < 1u << 21)
    return aligned_alloc(align, (size + align - 1) / align * align);
  /* fresh pages come zeroed and one by one: nothing is touched before it is used */
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static void give_back(void *ctx, void *p, size_t size) {
  (void)ctx;
  b.memory -= size;
  if (size < 1u << 21)
    free(p);
  else
    (void)munmap(p, size);
}

static void stop(const char *what) {
  fprintf(stderr, "bench_scale: %s\n", what);
  exit(1);
}

static void say(const char *name, double value) {
  printf("%s\t%.6g\n", name, value);
  fflush(stdout);
}

static uint64_t clock_of(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void) {
  return clock_of(CLOCK_THREAD_CPUTIME_ID);
}

static uint64_t rss_bytes(void) {
  unsigned long pages = 0, size = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL || fscanf(f, "%lu %lu", &size, &pages) != 2)
    stop("no /proc/self/statm");
  fclose(f);
  return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- The longest call ------------------------------------------------------------------------ */

static struct {
  bool on;
  uint64_t calls, worst_ns, worst_wall_ns, over_100us;
  const char *worst;
} pause_;

struct stamp {
  uint64_t cpu, wall;
};

static struct stamp begin(void) {
  struct stamp s = {0, 0};
  if (pause_.on)
    s = (struct stamp){cpu_ns(), clock_of(CLOCK_MONOTONIC)};
  return s;
}

static void end(struct stamp s, const char *what) {
  if (!pause_.on)
    return;
  uint64_t took = cpu_ns() - s.cpu, wall = clock_of(CLOCK_MONOTONIC) - s.wall;
  pause_.calls++;
  pause_.over_100us += took > 100000;
  if (wall > pause_.worst_wall_ns)
    pause_.worst_wall_ns = wall;
  if (took > pause_.worst_ns) {
    pause_.worst_ns = took;
    pause_.worst = what;
  }
}

/* ---- The other side -------------------------------------------------------------------------- */

struct tuple {
  tct_addr src, dst;
  uint16_t sport, dport;
};

static tct_addr local_addr(uint32_t k) {
  tct_addr six = {{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, (uint8_t)(k >> 8), (uint8_t)k}};
  return b.a.ipv6 ? six : tct_addr_ipv4(10, 200, (uint8_t)(k >> 8), (uint8_t)k);
}

static tct_addr remote_addr(uint32_t k) {
  tct_addr six = {{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, (uint8_t)(k >> 8), (uint8_t)k}};
  return b.a.ipv6 ? six : tct_addr_ipv4(10, 1, (uint8_t)(k >> 8), (uint8_t)k);
}

static size_t put_ip(uint8_t *p, const struct tuple *t, size_t l4_len) {
  memset(p, 0, 40);
  if (b.a.ipv6) {
    p[0] = 0x60;
    tct_bytes_put16(p + 4, (uint16_t)l4_len);
    p[6] = 6;
    p[7] = 64;
    memcpy(p + 8, t->src.b, 16);
    memcpy(p + 24, t->dst.b, 16);
    return 40;
  }
  p[0] = 0x45;
  tct_bytes_put16(p + 2, (uint16_t)(20 + l4_len));
  p[6] = 0x40;
  p[8] = 64;
  p[9] = 6;
  memcpy(p + 12, t->src.b + 12, 4);
  memcpy(p + 16, t->dst.b + 12, 4);
  tct_bytes_put16(p + 10, tct_checksum_of(p, 20));
  return 20;
}

/* Queues a segment; `n` bytes of text. */
static void forge(const struct tuple *t, uint32_t seq, uint32_t ack, uint8_t flags, size_t n) {
  uint8_t *p = b.packet[b.n_in], *h;
  size_t options = (flags & SYN) != 0 ? 4 : 0, len = 20 + options + n;
  h = p + put_ip(p, t, len);
  memset(h, 0, 20);
  tct_bytes_put16(h, t->sport);
  tct_bytes_put16(h + 2, t->dport);
  tct_bytes_put32(h + 4, seq);
  tct_bytes_put32(h + 8, ack);
  h[12] = (uint8_t)((20 + options) / 4 << 4);
  h[13] = flags;
  tct_bytes_put16(h + 14, 60000);
  if (options != 0)
    memcpy(h + 20, (uint8_t[]){2, 4, 5, 0xb4}, 4);
  memset(h + 20 + options, 'x', n);
  struct tct_checksum sum;
  tct_checksum_init(&sum);
  tct_checksum_feed_pseudo(&sum, &t->src, &t->dst, 6, (uint32_t)len);
  tct_checksum_feed(&sum, h, len);
  tct_bytes_put16(h + 16, tct_checksum_field(&sum));
  b.iov[b.n_in] = (tct_iov){p, (size_t)(h - p) + len};
  b.in[b.n_in] = (tct_frame){
      .iov = &b.iov[b.n_in], .n_iov = 1, .len = (uint32_t)b.iov[b.n_in].len, .at = b.now};
  b.n_in++;
}

/* From the packet alone. */
static void answer(const tct_frame *f) {
  const uint8_t *ip = f->iov[0].base, *h = ip + (b.a.ipv6 ? 40 : 20);
  struct tuple t;
  memset(&t, 0, sizeof t);
  if (b.a.ipv6) {
    memcpy(t.dst.b, ip + 8, 16);
    memcpy(t.src.b, ip + 24, 16);
  } else {
    t.dst = tct_addr_ipv4(ip[12], ip[13], ip[14], ip[15]);
    t.src = tct_addr_ipv4(ip[16], ip[17], ip[18], ip[19]);
  }
  t.dport = tct_bytes_get16(h);
  t.sport = tct_bytes_get16(h + 2);
  uint32_t seq = tct_bytes_get32(h + 4), ack = tct_bytes_get32(h + 8);
  uint32_t header = (uint32_t)(h - ip) + (uint32_t)(h[12] >> 4) * 4, len = f->len - header;
  uint8_t flags = h[13];
  if ((flags & RST) != 0 || b.silent)
    return;
  if ((flags & (SYN | ACK)) == SYN)
    forge(&t, 1000, seq + 1, SYN | ACK, 0);
  else if ((flags & SYN) != 0)
    forge(&t, ack, seq + 1, ACK, 0);
  else if ((flags & FIN) != 0)
    forge(&t, ack, seq + len + 1, FIN | ACK, 0);
  else if (len > 0)
    forge(&t, ack, seq + len, ACK | PSH, len);
}

static void give(void) {
  if (b.n_in == 0)
    return;
  struct stamp s = begin();
  tct_input(b.stack, b.ifc, b.in, b.n_in, b.now);
  end(s, "tct_input");
  b.n_in = 0;
}

/* ---- Our side -------------------------------------------------------------------------------- */

static void consume(tct_sock k) {
  tct_iov v;
  unsigned n = 1;
  if (tct_sock_rx_peek(b.stack, k, &v, &n) < 0 || n == 0)
    return;
  b.replies += v.len / REQUEST;
  (void)!tct_sock_rx_consume(b.stack, k, v.len);
}

static void take_news(void) {
  tct_event ev;
  tct_sock child;
  for (;;) {
    struct stamp s = begin();
    bool more = tct_event_next(b.stack, &ev);
    end(s, "tct_event_next");
    if (!more)
      return;
    while ((ev.flags & TCT_EV_ACCEPT) != 0 &&
           tct_sock_accept(b.stack, b.listener, NULL, &child) == TCT_OK) {
      if (b.accepted < b.a.conns)
        b.socks[b.accepted] = child;
      b.accepted++;
    }
    if ((ev.flags & TCT_EV_CONNECTED) != 0)
      (void)tct_sock_close(b.stack, ev.sock);
    if ((ev.flags & TCT_EV_READABLE) != 0)
      consume(ev.sock);
    if ((ev.flags & TCT_EV_CLOSED) != 0)
      b.ended++;
  }
}

/* Until nothing moves. */
static void settle(void) {
  size_t n;
  do {
    give();
    take_news();
    struct stamp s = begin();
    n = tct_output(b.stack, b.ifc, b.frames, BATCH_MAX, b.now);
    end(s, "tct_output");
    for (size_t i = 0; i < n; i++)
      answer(&b.frames[i]);
  } while (n > 0 || b.n_in > 0);
}

static void pass_time(tct_time ns) {
  b.now += ns;
  struct stamp s = begin();
  tct_advance(b.stack, b.now);
  end(s, "tct_advance");
}

static void open_listener(uint16_t port, tct_sock *k) {
  tct_endpoint here = {.port = port};
  if (tct_sock_open(b.stack, TCT_TCP, NULL, k) < 0 || tct_sock_bind(b.stack, *k, &here) < 0 ||
      tct_sock_listen(b.stack, *k, 65535) < 0)
    stop("no listener");
}

static void start(void) {
  tct_config c;
  tct_sock other;
  tct_if_config link = {.size = sizeof link, .link = TCT_LINK_IP, .mtu = 1500};
  int err;
  uint32_t n = (uint32_t)b.a.conns;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){get_memory, give_back, NULL};
  memset(c.seed, 7, sizeof c.seed);
  c.sum = tct_fast_sum();
  c.info = b.a.basic ? TCT_INFO_BASIC : TCT_INFO_FULL;
  c.cookies = TCT_COOKIES_NEVER;
  c.limits.conns = n + 70000;
  c.limits.half_open = n + 1000;
  c.limits.time_wait = n + 1000;
  c.limits.orphans = n + 1000;
  c.limits.buffer_bytes = UINT64_C(8) << 30;
  c.port_first = 1024;
  c.port_last = 65535;
  b.now = 1000000000;
  b.stack = tct_new(&c, &err);
  if (b.stack == NULL || tct_if_add(b.stack, &link, &b.ifc) < 0 ||
      tct_if_set(b.stack, b.ifc, TCT_IF_UP, 1) < 0)
    stop("no stack");
  for (uint32_t k = 1; k <= 200; k++)
    if (tct_if_addr_add(b.stack, b.ifc, local_addr(k), b.a.ipv6 ? 64 : 8) < 0)
      stop("no address");
  for (uint16_t i = 0; i < LISTENERS; i++) /* a backlog is 65535 at most */
    open_listener((uint16_t)(PORT + i), i == 0 ? &b.listener : &other);
  b.socks = calloc(b.a.conns + 1, sizeof *b.socks);
  if (b.socks == NULL)
    stop("no memory");
  memset(b.socks, 1, (b.a.conns + 1) * sizeof *b.socks); /* the benchmark's own pages, now */
}

static void send_syns(uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    struct tuple t = {remote_addr((uint32_t)(i / PER_ADDR) + 1), local_addr(1),
                      (uint16_t)(i % PER_ADDR + 1024),
                      (uint16_t)(PORT + (b.silent ? i / PER_ADDR % LISTENERS : 0))};
    forge(&t, (uint32_t)i * 7919, 0, SYN, 0);
    if (b.n_in == 32 || i + 1 == n)
      settle();
    if (i % 4096 == 0)
      pass_time(10000000); /* 400,000 a second */
  }
}

/* ---- What is measured ------------------------------------------------------------------------ */

static void tell_bytes(uint64_t rss_before, uint64_t memory_before, uint64_t n) {
  say("bytes_allocated_each", (double)(b.memory - memory_before) / (double)n);
  say("bytes_rss_each", (double)(rss_bytes() - rss_before) / (double)n);
  say("rss_total_bytes", (double)rss_bytes());
}

static uint32_t *order;

static void shuffle(void) {
  uint64_t x = 88172645463325252u, n = b.a.conns;
  order = malloc(n * sizeof *order);
  if (order == NULL)
    stop("no memory");
  for (uint64_t i = 0; i < n; i++)
    order[i] = (uint32_t)i;
  for (uint64_t i = n - 1; i > 0; i--) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    uint64_t k = x % (i + 1);
    uint32_t v = order[i];
    order[i] = order[k];
    order[k] = v;
  }
}

/* n round trips over the first `among` of the shuffled order. */
static void trips(uint64_t n, uint64_t among, uint64_t *at) {
  static uint8_t text[REQUEST];
  uint64_t batch = b.a.batch < among ? b.a.batch : among;
  for (uint64_t done = 0; done < n; done += batch) {
    uint64_t want = b.replies + batch;
    tct_sock k[BATCH_MAX];
    for (uint64_t i = 0; i < batch; i++)
      k[i] = b.socks[order[(*at + i) % among]];
    *at = (*at + batch) % among;
    tct_sock_prefetch(b.stack, k, batch);
    for (uint64_t i = 0; i < batch; i++) {
      struct stamp s = begin();
      long took = tct_sock_send(b.stack, k[i], text, REQUEST, 0);
      end(s, "tct_sock_send");
      if (took != REQUEST)
        stop("a send was not taken");
    }
    settle();
    if (b.replies != want)
      stop("a reply is missing");
    if (done % 1024 < batch)
      pass_time(1000000);
  }
}

static void measure_trips(const char *name, uint64_t among) {
  uint64_t at = 0;
  trips(among < b.a.trips ? among : b.a.trips, among, &at); /* each once, to begin with */
  uint64_t began = cpu_ns();
  trips(b.a.trips, among, &at);
  say(name, (double)(cpu_ns() - began) / (double)b.a.trips);
}

static bool open_one(uint32_t k, uint32_t to) {
  tct_sock s;
  tct_endpoint from = {.addr = local_addr(2 + k % 199)},
               peer = {.addr = remote_addr(to), .port = 443};
  if (tct_sock_open(b.stack, TCT_TCP, NULL, &s) < 0 || tct_sock_bind(b.stack, s, &from) < 0)
    stop("no socket");
  struct stamp st = begin();
  int e = tct_sock_connect(b.stack, s, &peer);
  end(st, "tct_sock_connect");
  if (e != TCT_OK) /* the port that bind drew leads to a pair in TIME-WAIT */
    (void)tct_sock_abort(b.stack, s);
  return e == TCT_OK;
}

static void measure_open_close(void) {
  uint64_t n = 100000, began = cpu_ns(), ended = b.ended;
  for (uint64_t i = 0; i < n; i++) {
    if (open_one((uint32_t)i, 60000))
      settle();
    if (i % 1024 == 0)
      pass_time(1000000);
  }
  say("open_close_ns", (double)(cpu_ns() - began) / (double)n);
  say("open_close_done", (double)(b.ended - ended));
}

static void measure_pause(void) {
  uint64_t at = 0, step = 0;
  memset(&pause_, 0, sizeof pause_);
  pause_.on = true;
  while (pause_.calls < b.a.calls) {
    trips(1024, b.a.conns, &at);
    for (uint32_t i = 0; i < 64; i++)
      if (open_one((uint32_t)step++, 60001))
        settle();
    pass_time(10000000);
  }
  pause_.on = false;
  say("pause_calls", (double)pause_.calls);
  say("pause_worst_cpu_us", (double)pause_.worst_ns / 1e3);
  say("pause_worst_wall_us", (double)pause_.worst_wall_ns / 1e3);
  say("pause_calls_over_100us_cpu", (double)pause_.over_100us);
  printf("pause_worst_call\t%s\n", pause_.worst);
}

static void measure_established(void) {
  uint64_t rss = rss_bytes(), memory = b.memory, began = cpu_ns();
  send_syns(b.a.conns);
  if (b.accepted != b.a.conns)
    stop("not all were accepted");
  say("accept_ns", (double)(cpu_ns() - began) / (double)b.a.conns);
  for (int i = 0; i < 100; i++) /* what falls quiet is given back in slices */
    pass_time(2000000000), settle();
  for (uint64_t i = 0; i < b.a.conns / 16 + 10; i++)
    pass_time(1000000);
  settle();
  tct_counters n;
  tct_stack_counters(b.stack, &n);
  say("active_blocks", (double)n.ActiveNow);
  tell_bytes(rss, memory, b.a.conns);
  shuffle();
  measure_trips("round_trip_cold_ns", b.a.conns);
  if (b.a.hot < b.a.conns)
    measure_trips("round_trip_hot_ns", b.a.hot);
  measure_open_close();
  if (b.a.calls > 0)
    measure_pause();
}

static void measure_half_open(void) {
  b.silent = true;
  uint64_t rss = rss_bytes(), memory = b.memory;
  send_syns(b.a.conns);
  tct_counters n;
  tct_stack_counters(b.stack, &n);
  say("half_open", (double)n.HalfOpenNow);
  tell_bytes(rss, memory, n.HalfOpenNow);
}

static void measure_time_wait(void) {
  uint64_t rss = rss_bytes(), memory = b.memory;
  for (uint64_t i = 0; i < b.a.conns; i++) {
    struct tuple t = {remote_addr((uint32_t)(i / PER_ADDR) + 1), local_addr(1),
                      (uint16_t)(i % PER_ADDR + 1024), PORT};
    forge(&t, (uint32_t)i * 7919, 0, SYN, 0);
    settle();
    (void)tct_sock_close(b.stack, b.socks[i]);
    settle();
    if (i % 4096 == 0)
      pass_time(10000000);
  }
  tct_counters n;
  tct_stack_counters(b.stack, &n);
  say("time_wait", (double)n.TimeWaitNow);
  tell_bytes(rss, memory, n.TimeWaitNow);
}

static tct_sock open_to(const tct_endpoint *peer) {
  tct_sock s;
  if (tct_sock_open(b.stack, TCT_TCP, NULL, &s) < 0 || tct_sock_connect(b.stack, s, peer) < 0)
    stop("no port");
  while (tct_output(b.stack, b.ifc, b.frames, BATCH_MAX, b.now) > 0)
    continue;
  return s;
}

/* One remote address and port, one of ours: 64512 ports; SYN-SENT holds one as well as anything. At
 * each level: what opening and aborting one more costs. */
static void measure_ports(void) {
  static const uint32_t percents[] = {1, 5, 50, 80, 90, 95};
  uint32_t opened = 0;
  tct_endpoint peer = {.addr = remote_addr(1), .port = 443};
  for (unsigned k = 0; k < sizeof percents / sizeof percents[0]; k++) {
    char name[40];
    for (; opened < 64512 * percents[k] / 100; opened++)
      (void)open_to(&peer);
    for (int rep = 0; rep < 2; rep++) {
      uint64_t began = cpu_ns();
      for (int i = 0; i < 20000; i++)
        (void)tct_sock_abort(b.stack, open_to(&peer));
      snprintf(name, sizeof name, "open_abort_ns_at_%u_percent", percents[k]);
      if (rep == 1)
        say(name, (double)(cpu_ns() - began) / 20000);
    }
  }
}

int main(int argc, char **argv) {
  b.a = (struct args){
      .conns = 1000, .hot = 100, .trips = 200000, .batch = 32, .calls = 0, .kind = "established"};
  for (int i = 1; i < argc; i++) {
    char *eq = strchr(argv[i], '=');
    uint64_t v = eq != NULL ? strtoull(eq + 1, NULL, 0) : 0;
    if (eq == NULL)
      stop(argv[i]);
    if (strncmp(argv[i], "conns=", 6) == 0)
      b.a.conns = v;
    else if (strncmp(argv[i], "hot=", 4) == 0)
      b.a.hot = v;
    else if (strncmp(argv[i], "trips=", 6) == 0)
      b.a.trips = v;
    else if (strncmp(argv[i], "batch=", 6) == 0)
      b.a.batch = v < BATCH_MAX ? v : BATCH_MAX;
    else if (strncmp(argv[i], "calls=", 6) == 0)
      b.a.calls = v;
    else if (strncmp(argv[i], "ipv6=", 5) == 0)
      b.a.ipv6 = v != 0;
    else if (strncmp(argv[i], "info=", 5) == 0)
      b.a.basic = strcmp(eq + 1, "basic") == 0;
    else if (strncmp(argv[i], "kind=", 5) == 0)
      b.a.kind = eq + 1;
    else
      stop(argv[i]);
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET((unsigned)sched_getcpu(), &one);
  (void)sched_setaffinity(0, sizeof one, &one);
  start();
  if (strcmp(b.a.kind, "established") == 0)
    measure_established();
  else if (strcmp(b.a.kind, "half-open") == 0)
    measure_half_open();
  else if (strcmp(b.a.kind, "time-wait") == 0)
    measure_time_wait();
  else if (strcmp(b.a.kind, "ports") == 0)
    measure_ports();
  else
    stop("no such kind");
  return 0;
}
