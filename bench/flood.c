/* SPDX-License-Identifier: MIT */
/*
 * flood.c - a SYN flood in process: a server's stack meets spoofed SYNs, honest clients and one
 * established flow that it sends, all by tct_input and tct_output in virtual time (1 ms a turn, 2
 * ms a round trip). Called by `make flood` and by the step `flood` of tools/check-all.sh. RFC
 * 4987 3.6.
 *
 *   bench_flood [seconds=10] [rate=200000] [floors=0] [cookies=1]
 *
 * Four worlds take turns of 100 ms, so that all see the same minutes of this machine: `idle`
 * (clients only), `quiet` (flow and clients), `flood` (SYNs and clients) and `both`. What is timed
 * is CPU time of this thread in the server's calls and in its application, nothing of the clients
 * or of the attacker. The flow costs quiet - idle, and beside the flood both - flood. Output:
 * name<TAB>value<TAB>unit lines; floors=1 fails when one is missed. Counts are exact; the times'
 * floors leave room for a busy machine. cookies=0 shows that the counts can fail.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/fast_sum.h"
#include "tercet/tercet.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum {
  HTTP = 80,
  BULK = 81,
  BACKLOG = 1024,
  MTU = 1500,
  SLOT = 1536,
  SLOTS = 4096,
  BUFFER = 1 << 20,
  TURNS_A_BLOCK = 100,
  TURNS_A_CLIENT = 10,
  WARM_UP_TURNS = 500,
  BLOCKS_MAX = 6000
};
#define TURN_NS UINT64_C(1000000)
#define SOON_NS UINT64_C(3000000000)

struct queue {
  uint8_t *memory;
  uint32_t len[SLOTS];
  uint32_t n, lost;
};

struct world {
  const char *name;
  bool flow, flooded;
  tct_stack *server, *client;
  tct_if server_if, client_if;
  tct_sock http, bulk, flow_end; /* the server's */
  struct queue up, down;
  uint64_t turns, syns;
  uint64_t received; /* bytes of the flow, by the client */
  uint64_t begun, served, in_time, pending;
  tct_time slowest;
  uint64_t memory_before, memory_first, memory_peak; /* first: the peak of the first fifth */
  uint64_t cpu_ns[BLOCKS_MAX], bytes[BLOCKS_MAX];
};

enum { IDLE, QUIET, FLOOD, BOTH, WORLDS };
static struct world worlds[WORLDS] = {{.name = "idle"},
                                      {.name = "quiet", .flow = true},
                                      {.name = "flood", .flooded = true},
                                      {.name = "both", .flow = true, .flooded = true}};
static uint64_t seconds = 10, rate = 200000, floors, cookies = 1;
static uint8_t source[1 << 16];

static void stop(const char *what) {
  fprintf(stderr, "bench_flood: %s\n", what);
  exit(1);
}

static uint64_t cpu_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static tct_time now_of(const struct world *w) {
  return w->turns * TURN_NS;
}

/* ---- Making the worlds ----------------------------------------------------------------------- */

static void *get_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  return align <= 16 ? malloc(size) : aligned_alloc(align, (size + align - 1) / align * align);
}

static void give_back(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static tct_addr address(bool six, unsigned side) {
  tct_addr a = {{0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)side}};
  return six ? a : tct_addr_ipv4(10, 0, 0, (uint8_t)side);
}

static tct_stack *make_stack(unsigned side, tct_if *ifc) {
  static const tct_addr any6;
  tct_config c;
  tct_if_config link = {.size = sizeof link, .link = TCT_LINK_IP, .mtu = MTU};
  int err;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){get_memory, give_back, NULL};
  memset(c.seed, (int)side, sizeof c.seed);
  c.epoch_ns = UINT64_C(1700000000000000000);
  c.sum = tct_fast_sum();
  c.cookies = cookies != 0 ? TCT_COOKIES_OVERFLOW : TCT_COOKIES_NEVER;
  c.sndbuf_bytes = c.sndbuf_max_bytes = c.rcvbuf_bytes = c.rcvbuf_max_bytes = BUFFER;
  tct_stack *s = tct_new(&c, &err);
  if (s == NULL || tct_if_add(s, &link, ifc) < 0 || tct_if_set(s, *ifc, TCT_IF_UP, 1) < 0 ||
      tct_if_addr_add(s, *ifc, address(false, side), 24) < 0 ||
      tct_if_addr_add(s, *ifc, address(true, side), 64) < 0 ||
      tct_route_add(s, tct_addr_ipv4(0, 0, 0, 0), 0, any6, *ifc) < 0 ||
      tct_route_add(s, any6, 0, any6, *ifc) < 0)
    stop("no stack");
  return s;
}

static tct_sock listen_on(struct world *w, uint16_t port) {
  tct_endpoint here = {.port = port};
  tct_sock k;
  if (tct_sock_open(w->server, TCT_TCP, NULL, &k) < 0 || tct_sock_bind(w->server, k, &here) < 0 ||
      tct_sock_listen(w->server, k, BACKLOG) < 0)
    stop("no listener");
  return k;
}

/* user: 0 the flow, else when it began, in turns. */
static void connect_to(struct world *w, bool six, uint16_t port, uintptr_t user) {
  tct_endpoint to = {.addr = address(six, 1), .port = port};
  tct_sock k;
  if (tct_sock_open(w->client, TCT_TCP, (void *)user, &k) < 0 ||
      tct_sock_connect(w->client, k, &to) < 0)
    stop("a client has no socket");
}

static void make_world(struct world *w) {
  w->turns = 1000;
  w->server = make_stack(1, &w->server_if);
  w->client = make_stack(2, &w->client_if);
  w->http = listen_on(w, HTTP);
  w->bulk = listen_on(w, BULK);
  w->up.memory = malloc((size_t)SLOT * SLOTS);
  w->down.memory = malloc((size_t)SLOT * SLOTS);
  if (w->up.memory == NULL || w->down.memory == NULL)
    stop("no memory");
  if (w->flow)
    connect_to(w, true, BULK, 0);
}

/* ---- The attacker ---------------------------------------------------------------------------- */

static uint8_t *put_spoofed_ip(uint8_t *p, uint64_t i, tct_addr *src, tct_addr *dst, size_t len) {
  bool six = (i & 1) != 0;
  uint32_t h = (uint32_t)(i * 2654435761u);
  memset(p, 0, 40);
  *dst = address(six, 1);
  if (six) {
    *src = (tct_addr){{0xfd, 9}};
    tct_bytes_put64(src->b + 8, i);
    p[0] = 0x60;
    tct_bytes_put16(p + 4, (uint16_t)len);
    p[6] = 6;
    p[7] = 60;
    memcpy(p + 8, src->b, 16);
    memcpy(p + 24, dst->b, 16);
    return p + 40;
  }
  *src = tct_addr_ipv4(11, (uint8_t)(h >> 24), (uint8_t)(h >> 16), (uint8_t)(h >> 8 | 1));
  p[0] = 0x45;
  tct_bytes_put16(p + 2, (uint16_t)(20 + len));
  p[6] = 0x40;
  p[8] = 60;
  p[9] = 6;
  memcpy(p + 12, src->b + 12, 4);
  memcpy(p + 16, dst->b + 12, 4);
  tct_bytes_put16(p + 10, tct_checksum_of(p, 20));
  return p + 20;
}

/* A SYN as Linux sends it, from nobody; families take turns. Returns its length. */
static uint32_t forge_syn(uint8_t *p, uint64_t i) {
  static const uint8_t options[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
                                      0, 1, 0, 0,    0, 0, 1, 3,  3, 7};
  const uint32_t len = 20 + sizeof options;
  tct_addr src, dst;
  struct tct_checksum sum;
  uint8_t *h = put_spoofed_ip(p, i, &src, &dst, len);
  memset(h, 0, 20);
  tct_bytes_put16(h, (uint16_t)(1024 + i * 7 % 60000));
  tct_bytes_put16(h + 2, HTTP);
  tct_bytes_put32(h + 4, (uint32_t)(i * 77777));
  h[12] = (uint8_t)(len / 4 << 4);
  h[13] = TCT_SYN;
  tct_bytes_put16(h + 14, 64240);
  memcpy(h + 20, options, sizeof options);
  tct_checksum_init(&sum);
  tct_checksum_feed_pseudo(&sum, &src, &dst, 6, len);
  tct_checksum_feed(&sum, h, len);
  tct_bytes_put16(h + 16, tct_checksum_field(&sum));
  return (uint32_t)(h - p) + len;
}

/* ---- The link -------------------------------------------------------------------------------- */

static uint8_t *slot_of(const struct queue *q, uint32_t i) {
  return q->memory + (size_t)i * SLOT;
}

/* Copied flat, as into a device. Answers to spoofed addresses are copied too, and then forgotten.
 */
static void push(struct queue *q, const tct_frame *f) {
  if (q->n == SLOTS) {
    q->lost++;
    return;
  }
  uint8_t *p = slot_of(q, q->n), *at = p;
  for (uint32_t i = 0; i < f->n_iov; i++) {
    memcpy(at, f->iov[i].base, f->iov[i].len);
    at += f->iov[i].len;
  }
  q->len[q->n] = f->len;
  if (p[0] >> 4 == 4 ? p[16] == 10 : p[25] == 7)
    q->n++;
}

static void pull_all(tct_stack *s, tct_if ifc, struct queue *to, tct_time now) {
  tct_frame f[TCT_BURST_MAX];
  size_t n;
  while ((n = tct_output(s, ifc, f, TCT_BURST_MAX, now)) > 0)
    for (size_t i = 0; i < n; i++)
      push(to, &f[i]);
}

static size_t take_burst(const struct queue *q, uint32_t from, tct_frame *f, tct_iov *v) {
  size_t n = 0;
  for (; n < TCT_BURST_MAX && from + n < q->n; n++) {
    v[n] = (tct_iov){slot_of(q, from + (uint32_t)n), q->len[from + n]};
    f[n] = (tct_frame){.iov = &v[n], .n_iov = 1, .len = q->len[from + n]};
  }
  return n;
}

/* The SYNs of one turn, spread among the frames of the clients. */
static void add_syns(struct world *w, struct queue *mixed) {
  uint64_t want = rate / 1000, clients = w->up.n;
  uint64_t total = want + clients, sent = 0, taken = 0;
  mixed->n = 0;
  for (uint64_t i = 0; i < total && mixed->n < SLOTS; i++) {
    uint8_t *p = slot_of(mixed, mixed->n);
    if (taken == clients || (sent < want && sent * total <= i * want)) {
      mixed->len[mixed->n++] = forge_syn(p, w->syns++);
      sent++;
    } else {
      memcpy(p, slot_of(&w->up, (uint32_t)taken), w->up.len[taken]);
      mixed->len[mixed->n++] = w->up.len[taken++];
    }
  }
}

/* ---- The server ------------------------------------------------------------------------------ */

static void accept_from(struct world *w, tct_sock listener) {
  tct_sock k;
  while (tct_sock_accept(w->server, listener, NULL, &k) == TCT_OK)
    if (listener.index == w->bulk.index)
      w->flow_end = k;
}

/* One answer to one request. */
static void answer(struct world *w, tct_sock k) {
  uint8_t buf[64];
  long n = tct_sock_recv(w->server, k, buf, sizeof buf, 0);
  if (n > 0 && tct_sock_send(w->server, k, buf, (size_t)n, 0) != n)
    stop("an answer was not taken");
}

static void serve(struct world *w) {
  tct_event ev;
  while (tct_event_next(w->server, &ev)) {
    if ((ev.flags & TCT_EV_ACCEPT) != 0)
      accept_from(w, ev.sock);
    if ((ev.flags & TCT_EV_READABLE) != 0)
      answer(w, ev.sock);
    if ((ev.flags & TCT_EV_EOF) != 0)
      (void)tct_sock_close(w->server, ev.sock);
  }
  if (w->flow_end.gen == 0)
    return;
  while (tct_sock_send(w->server, w->flow_end, source, sizeof source, 0) == (long)sizeof source)
    continue;
}

/* Returns its CPU time. */
static uint64_t run_server(struct world *w, const struct queue *in) {
  tct_frame f[TCT_BURST_MAX];
  tct_iov v[TCT_BURST_MAX];
  tct_time now = now_of(w);
  uint64_t began = cpu_now();
  w->down.n = 0;
  if (tct_deadline(w->server) <= now)
    tct_advance(w->server, now);
  for (uint32_t at = 0; at < in->n; at += TCT_BURST_MAX) {
    size_t n = take_burst(in, at, f, v);
    tct_input(w->server, w->server_if, f, n, now);
    serve(w);
    pull_all(w->server, w->server_if, &w->down, now);
  }
  pull_all(w->server, w->server_if, &w->down, now);
  return cpu_now() - began;
}

/* ---- The clients ----------------------------------------------------------------------------- */

static void read_flow(struct world *w, tct_sock k) {
  tct_iov v[24];
  unsigned n = 24;
  size_t len = 0;
  if (tct_sock_rx_peek(w->client, k, v, &n) < 0)
    return;
  for (unsigned i = 0; i < n; i++)
    len += v[i].len;
  w->received += len;
  if (len > 0 && tct_sock_rx_consume(w->client, k, len) < 0)
    stop("the flow could not be read");
}

/* An honest client: a request when connected; served when the answer is there. */
static void use_client(struct world *w, const tct_event *ev) {
  uint8_t buf[64];
  tct_time took = now_of(w) - (uintptr_t)ev->user * TURN_NS;
  if ((ev->flags & TCT_EV_CONNECTED) != 0 && tct_sock_send(w->client, ev->sock, "?", 1, 0) != 1)
    stop("a request was not taken");
  if ((ev->flags & TCT_EV_READABLE) != 0 &&
      tct_sock_recv(w->client, ev->sock, buf, sizeof buf, 0) == 1) {
    w->served++;
    w->pending--;
    w->in_time += took <= SOON_NS;
    w->slowest = took > w->slowest ? took : w->slowest;
    (void)tct_sock_close(w->client, ev->sock);
  }
}

static void run_clients(struct world *w, bool new_ones) {
  tct_frame f[TCT_BURST_MAX];
  tct_iov v[TCT_BURST_MAX];
  tct_time now = now_of(w);
  tct_event ev;
  if (new_ones && w->turns % TURNS_A_CLIENT == 0) {
    connect_to(w, w->begun % 2 != 0, HTTP, (uintptr_t)w->turns);
    w->begun++;
    w->pending++;
  }
  w->up.n = 0;
  tct_advance(w->client, now);
  for (uint32_t at = 0; at < w->down.n; at += TCT_BURST_MAX) {
    size_t n = take_burst(&w->down, at, f, v);
    tct_input(w->client, w->client_if, f, n, now);
    while (tct_event_next(w->client, &ev))
      if (ev.user != NULL)
        use_client(w, &ev);
      else if ((ev.flags & TCT_EV_READABLE) != 0)
        read_flow(w, ev.sock);
    pull_all(w->client, w->client_if, &w->up, now);
  }
  pull_all(w->client, w->client_if, &w->up, now);
}

/* ---- Measuring ------------------------------------------------------------------------------- */

static uint64_t memory_of(const struct world *w) {
  tct_counters n;
  tct_stack_counters(w->server, &n);
  return n.MemoryBytesNow;
}

static uint64_t turn(struct world *w, struct queue *mixed, bool flooded, bool new_ones) {
  const struct queue *in = &w->up;
  w->turns++;
  run_clients(w, new_ones);
  if (flooded && w->flooded) {
    add_syns(w, mixed);
    in = mixed;
  }
  return run_server(w, in);
}

static void run_block(struct world *w, struct queue *mixed, uint64_t block, bool first) {
  uint64_t before = w->received;
  for (unsigned i = 0; i < TURNS_A_BLOCK; i++) {
    w->cpu_ns[block] += turn(w, mixed, true, true);
    uint64_t memory = memory_of(w);
    if (memory > w->memory_peak)
      w->memory_peak = memory;
  }
  w->bytes[block] = w->received - before;
  if (first)
    w->memory_first = w->memory_peak;
}

static void run_all(uint64_t blocks) {
  static struct queue mixed;
  mixed.memory = malloc((size_t)SLOT * SLOTS);
  if (mixed.memory == NULL)
    stop("no memory");
  for (size_t k = 0; k < WORLDS; k++) {
    make_world(&worlds[k]);
    for (unsigned i = 0; i < WARM_UP_TURNS; i++)
      (void)turn(&worlds[k], &mixed, false, i < WARM_UP_TURNS / 2);
    worlds[k].memory_before = memory_of(&worlds[k]);
  }
  for (uint64_t block = 0; block < blocks; block++)
    for (size_t k = 0; k < WORLDS; k++)
      run_block(&worlds[k], &mixed, block, block <= blocks / 5);
  for (size_t k = 0; k < WORLDS; k++) /* the last clients have their three seconds, too */
    for (uint64_t i = 0; i <= SOON_NS / TURN_NS && worlds[k].pending > 0; i++)
      (void)turn(&worlds[k], &mixed, true, false);
  free(mixed.memory);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *v, uint64_t n) {
  qsort(v, n, sizeof *v, compare);
  return v[n / 2];
}

static uint64_t missed;

/* A value that must not be below its floor (0: no floor). */
static void tell(const char *name, double value, const char *unit, double floor_value) {
  bool low = value < floor_value;
  printf("%s\t%.6g\t%s\n", name, value, unit);
  if (!low || floors == 0)
    return;
  printf("not ok - %s: %.4g is below its floor of %.4g\n", name, value, floor_value);
  missed++;
}

static void tell_clients(void) {
  for (size_t k = 0; k < WORLDS; k++) {
    const struct world *w = &worlds[k];
    printf("-- %s: %" PRIu64 " SYNs, %" PRIu64 " clients, slowest %.1f ms\n", w->name, w->syns,
           w->begun, (double)w->slowest / 1e6);
    tell("clients served within 3 s", 100.0 * (double)w->in_time / (double)w->begun, "%", 99);
    printf("memory before, first fifth's peak, peak\t%" PRIu64 " %" PRIu64 " %" PRIu64 "\tbytes\n",
           w->memory_before, w->memory_first, w->memory_peak);
    double grew = (double)w->memory_peak - (double)w->memory_first;
    if (w->flooded) {
      tell("memory: room left to 1 MiB over its start",
           1048576.0 - (double)(w->memory_peak - w->memory_before), "bytes", 0);
      tell("memory: room left to 64 KiB over the first fifth", 65536 - grew, "bytes", 0);
    }
    tct_counters n;
    tct_stack_counters(w->server, &n);
    printf("half-open %" PRIu64 ", cookies sent %" PRIu64 ", taken %" PRIu64 "\n", n.HalfOpenNow,
           n.SyncookiesSent, n.SyncookiesRecv);
  }
}

/* Medians over the blocks. */
static void tell_times(uint64_t blocks) {
  static double quiet[BLOCKS_MAX], syn[BLOCKS_MAX], kept[BLOCKS_MAX], moved[BLOCKS_MAX];
  const double block_ns = (double)TURNS_A_BLOCK * (double)TURN_NS;
  const double syns_a_block = (double)(rate / 1000) * TURNS_A_BLOCK;
  for (uint64_t i = 0; i < blocks; i++) {
    double idle = (double)worlds[IDLE].cpu_ns[i], flood = (double)worlds[FLOOD].cpu_ns[i];
    double alone = (double)worlds[QUIET].bytes[i] / ((double)worlds[QUIET].cpu_ns[i] - idle);
    double beside = (double)worlds[BOTH].bytes[i] / ((double)worlds[BOTH].cpu_ns[i] - flood);
    quiet[i] = alone;
    kept[i] = beside / alone;
    syn[i] = (flood - idle) / syns_a_block;
    moved[i] = (double)worlds[BOTH].bytes[i] / (double)worlds[QUIET].bytes[i];
  }
  double syn_ns = median(syn, blocks), share = median(kept, blocks);
  double flood_cpu = syn_ns * syns_a_block / block_ns;
  printf("-- CPU time of the server, medians over %" PRIu64 " blocks of 100 ms\n", blocks);
  tell("a SYN and its answer", syn_ns, "ns", 0);
  tell("SYNs a second of CPU time", 1e9 / syn_ns, "/s", (double)rate);
  tell("the flood's share of one core", 100 * flood_cpu, "%", 0);
  tell("flow, quiet", median(quiet, blocks), "GB/s of CPU time", 0);
  tell("flow's speed kept, in the CPU time that the flood leaves", 100 * share, "%", 80);
  tell("flow's speed kept on a full core, the flood's time taken off",
       100 * share * (1 - flood_cpu), "%", 0);
  tell("flow's bytes a second of virtual time, to those of quiet", 100 * median(moved, blocks), "%",
       99);
}

static void read_args(int argc, char **argv) {
  static const struct {
    const char *name;
    uint64_t *value;
  } known[] = {
      {"seconds=", &seconds}, {"rate=", &rate}, {"floors=", &floors}, {"cookies=", &cookies}};
  for (int i = 1; i < argc; i++) {
    bool found = false;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
      size_t n = strlen(known[k].name);
      if (strncmp(argv[i], known[k].name, n) != 0)
        continue;
      *known[k].value = strtoull(argv[i] + n, NULL, 0);
      found = true;
    }
    if (!found)
      stop("usage: bench_flood [seconds=10] [rate=200000] [floors=0] [cookies=1]");
  }
  if (seconds < 1 || seconds > BLOCKS_MAX / 10 || rate < 1000 || rate > 2000000)
    stop("seconds are 1 to 600, rate is 1000 to 2000000");
}

int main(int argc, char **argv) {
  read_args(argc, argv);
  uint64_t blocks = seconds * 10;
  run_all(blocks);
  tell_clients();
  tell_times(blocks);
  for (size_t k = 0; k < WORLDS; k++) {
    if (worlds[k].up.lost + worlds[k].down.lost > 0)
      stop("the link lost frames: no such thing was asked for");
    tct_free(worlds[k].server);
    tct_free(worlds[k].client);
    free(worlds[k].up.memory);
    free(worlds[k].down.memory);
  }
  if (floors != 0)
    printf("%d passed, %" PRIu64 " failed\n", missed == 0, missed);
  return missed == 0 ? 0 : 1;
}
