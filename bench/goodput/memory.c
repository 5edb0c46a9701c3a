/* SPDX-License-Identifier: MIT */
/*
 * memory.c - goodput of this stack in virtual time: bulk flows between two simulated hosts over the
 * path of a row, one run a seed, in as many processes as there are cores.
 *
 *   goodput_memory [--rows LIST] [--algos LIST] [--seeds N] [--seconds N] [--oracle]
 *                        [--seed N [--series] [--pcapng FILE]] [--list]
 *
 * Prints a line a row and algorithm, fields with tabs between: see print_head. Called by
 * tools/goodput. The oracle is the same run with nothing to be mistaken about: late packets hold
 * back those behind them, and a sender that is stalled has a time-out of a minute. With --oracle
 * each run is made both ways, and what a mistake costs is printed.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/goodput/path.h"
#include "drivers/tee_pcapng.h"
#include "tercet/sim.h"
#include "util/mem.h"

#define SEC UINT64_C(1000000000)

enum {
  SEEDS_MAX = 100,
  SEEDS_STEADY = 3,
  SEEDS_OF_LINUX = 5,
  PATTERN = 65521,
  BUFFER = 64 << 20,
  JOBS_MAX = 20000
};

struct algo {
  const char *name;
  tct_cc value;
};
static const struct algo algos[] = {
    {"reno", TCT_CC_NEWRENO}, {"cubic", TCT_CC_CUBIC}, {"bbr", TCT_CC_BBR}};
enum { ALGOS = sizeof algos / sizeof algos[0] };

struct options {
  const char *rows, *algos, *pcapng;
  uint32_t seeds, seconds;
  uint64_t seed; /* 0: all */
  bool oracle, series;
};

struct result {
  bool done, wrong;
  double mbit_s, jain;
  uint64_t data_segs, resent_segs, episodes, mistakes, timeouts;
  double oracle_mbit_s;
  double cost; /* of a mistake, in round trips of bytes at the link's rate */
};

struct job {
  const struct goodput_row *row;
  const struct algo *algo;
  uint64_t seed;
};

/* ---- One run --------------------------------------------------------------------------------- */

struct flow {
  tct_sim_app tx, rx, listener;
  uint64_t sent, received;
  bool wrong;
};

struct run {
  tct_sim *world;
  tct_sim_host *host[2];
  struct goodput_path path;
  struct flow flow[GOODPUT_FLOWS];
  struct tct_tee_pcapng *capture;
};

static uint8_t pattern[2 * PATTERN];

static void make_pattern(void) {
  uint32_t x = 1;
  for (unsigned i = 0; i < PATTERN; i++) {
    x = x * 1664525u + 1013904223u;
    pattern[i] = pattern[i + PATTERN] = (uint8_t)(x >> 24);
  }
}

static void send_some(struct flow *f) {
  tct_stack *s = tct_sim_host_stack(f->tx.host);
  long n;
  while ((n = tct_sock_send(s, f->tx.sock, pattern + f->sent % PATTERN, PATTERN, 0)) > 0)
    f->sent += (uint64_t)n;
}

static void on_sender_event(tct_sim_app *app, const tct_event *ev) {
  struct flow *f = TCT_CONTAINER_OF(app, struct flow, tx);
  if (ev->flags & TCT_EV_CLOSED)
    f->wrong = true;
  else if (ev->flags & (TCT_EV_CONNECTED | TCT_EV_WRITABLE))
    send_some(f);
}

static void check_piece(struct flow *f, const uint8_t *bytes, size_t len) {
  while (len > 0) {
    size_t n = len < PATTERN ? len : PATTERN;
    if (memcmp(bytes, pattern + f->received % PATTERN, n) != 0)
      f->wrong = true;
    f->received += n;
    bytes += n;
    len -= n;
  }
}

static void on_receiver_event(tct_sim_app *app, const tct_event *ev) {
  struct flow *f = TCT_CONTAINER_OF(app, struct flow, rx);
  tct_stack *s = tct_sim_host_stack(app->host);
  tct_iov v[8];
  unsigned n = 8;
  (void)ev;
  while (tct_sock_rx_peek(s, app->sock, v, &n) >= 0 && n > 0) {
    uint64_t before = f->received;
    for (unsigned i = 0; i < n; i++)
      check_piece(f, v[i].base, v[i].len);
    if (f->received == before || tct_sock_rx_consume(s, app->sock, f->received - before) < 0)
      return;
    n = 8;
  }
}

static void on_listener_event(tct_sim_app *app, const tct_event *ev) {
  struct flow *f = TCT_CONTAINER_OF(app, struct flow, listener);
  (void)ev;
  if (f->rx.sock.gen != 0)
    return;
  f->rx.on_event = on_receiver_event;
  f->rx.host = app->host;
  if (tct_sock_accept(tct_sim_host_stack(app->host), app->sock, &f->rx, &f->rx.sock) < 0)
    f->wrong = true;
}

static tct_time carry(void *ctx, const tct_sim_frame *frame) {
  struct run *r = ctx;
  uint64_t at = frame->is_tcp ? goodput_path_carry(&r->path, frame->dir, frame->sent_at,
                                                   frame->bytes, frame->len)
                              : GOODPUT_LOST;
  if (r->capture != NULL)
    tct_tee_pcapng_raw(r->capture, frame->bytes, frame->len,
                       frame->dir == 0 ? TCT_PCAPNG_OUTBOUND : TCT_PCAPNG_INBOUND, frame->sent_at,
                       at == GOODPUT_LOST ? "lost here" : tct_why_text((tct_why)frame->why));
  return at;
}

static bool make_host(struct run *r, unsigned which, const struct job *j, bool oracle) {
  tct_sim_host_config c;
  tct_sim_config_init(r->world, &c);
  c.stack.profile = TCT_PROFILE_LINUX;
  c.stack.sndbuf_bytes = c.stack.rcvbuf_bytes = BUFFER;
  if (oracle && j->row->stall_max_ns != 0)
    c.stack.rto_min_ms = 60000;
  c.addr = tct_addr_ipv4(10, 9, 0, (uint8_t)(which + 1));
  c.prefix_len = 24;
  c.clock_ns = j->row->clock_ns;
  r->host[which] = tct_sim_host_new(r->world, &c);
  return r->host[which] != NULL;
}

static int open_app(struct run *r, unsigned which, tct_sim_app *app) {
  app->host = r->host[which];
  return tct_sock_open(tct_sim_host_stack(app->host), TCT_TCP, app, &app->sock);
}

/* A negative TCT_E* when this stack has no such algorithm, or worse. */
static int start_flow(struct run *r, unsigned i, const struct algo *a) {
  struct flow *f = &r->flow[i];
  tct_endpoint at = {.port = (uint16_t)(GOODPUT_PORT + i)};
  tct_stack *from = tct_sim_host_stack(r->host[0]), *to = tct_sim_host_stack(r->host[1]);
  int err = open_app(r, 1, &f->listener);
  f->listener.on_event = on_listener_event;
  f->tx.on_event = on_sender_event;
  if (err >= 0)
    err = tct_sock_bind(to, f->listener.sock, &at);
  if (err >= 0)
    err = tct_sock_listen(to, f->listener.sock, 4);
  if (err >= 0)
    err = open_app(r, 0, &f->tx);
  if (err >= 0)
    err = tct_sock_set(from, f->tx.sock, TCT_OPT_CONGESTION, (int64_t)a->value);
  at.addr = tct_sim_host_addr(r->host[1]);
  return err >= 0 ? tct_sock_connect(from, f->tx.sock, &at) : err;
}

/* The world of a job, with its flows begun; false: there is no such algorithm. */
static bool start_run(struct run *r, const struct job *j, bool oracle) {
  static const tct_sim_path unused;
  tct_sim_link *l;
  memset(r, 0, sizeof *r);
  r->world = tct_sim_new(j->seed);
  tct_sim_skip_digest(r->world);
  goodput_path_init(&r->path, j->row, j->seed);
  r->path.resequence = oracle && j->row->reorder_ppm != 0;
  if (!make_host(r, 0, j, oracle) || !make_host(r, 1, j, oracle))
    return false;
  l = tct_sim_link_new(r->world, tct_sim_host_end(r->host[0]), tct_sim_host_end(r->host[1]),
                       &unused, &unused);
  tct_sim_link_carry(l, carry, r);
  for (unsigned i = 0; i < j->row->flows; i++)
    if (start_flow(r, i, j->algo) < 0)
      return false;
  return true;
}

static struct result sum_up(const struct run *r, const struct job *j, uint32_t seconds) {
  struct result out = {.done = true};
  double sum = 0, squares = 0;
  tct_counters c;
  tct_stack_counters(tct_sim_host_stack(r->host[0]), &c);
  for (unsigned i = 0; i < j->row->flows; i++) {
    const struct goodput_count *n = &r->path.count[i];
    double mbit_s = (double)r->flow[i].received * 8 / 1e6 / seconds;
    sum += mbit_s;
    squares += mbit_s * mbit_s;
    out.wrong = out.wrong || r->flow[i].wrong;
    out.data_segs += n->data_segs;
    out.resent_segs += n->resent_segs;
    out.episodes += n->episodes;
    out.mistakes += n->mistakes;
  }
  out.mbit_s = sum;
  out.jain = squares > 0 ? sum * sum / (j->row->flows * squares) : 0;
  out.timeouts = c.TCPTimeouts;
  return out;
}

static struct result run_once(const struct job *j, uint32_t seconds, bool oracle) {
  struct run r;
  struct result out = {0};
  if (start_run(&r, j, oracle)) {
    tct_sim_run(r.world, seconds * SEC);
    out = sum_up(&r, j, seconds);
  }
  tct_sim_free(r.world);
  return out;
}

static struct result run_job(const struct job *j, const struct options *o) {
  struct result out = run_once(j, o->seconds, false), oracle;
  double round_trip_mbit = (double)j->row->rate_bps * (double)j->row->rtt_ns / 1e15;
  if (!o->oracle || !out.done)
    return out;
  oracle = run_once(j, o->seconds, true);
  out.oracle_mbit_s = oracle.mbit_s;
  out.cost = (oracle.mbit_s - out.mbit_s) * o->seconds / round_trip_mbit;
  if (out.mistakes > 0)
    out.cost /= (double)out.mistakes;
  return out;
}

/* ---- One run, watched ------------------------------------------------------------------------ */

static void print_moment(const struct run *r, uint64_t received_before) {
  tct_info i = {.size = sizeof i};
  if (tct_sock_info(tct_sim_host_stack(r->host[0]), r->flow[0].tx.sock, &i) < 0)
    return;
  printf("%7.1f %8.2f %9u %10u %9u %7u %7u %6" PRIu64 " %5" PRIu64 " %6" PRIu64 "\n",
         (double)tct_sim_now(r->world) / 1e9,
         (double)(r->flow[0].received - received_before) * 8 / 1e5, i.snd_cwnd, i.snd_ssthresh,
         i.snd_nxt - i.snd_una, i.rtt, i.rto, r->path.count[0].resent_segs,
         r->path.count[0].episodes,
         r->path.dropped_by_fault + r->path.dropped_by_queue + r->path.dropped_by_policer);
}

static void print_ends(const struct run *r) {
  tct_counters tx, rx;
  tct_stack_counters(tct_sim_host_stack(r->host[0]), &tx);
  tct_stack_counters(tct_sim_host_stack(r->host[1]), &rx);
  printf("dropped: %" PRIu64 " by chance, %" PRIu64 " by the queue, %" PRIu64 " by the policer\n"
         "resent: %" PRIu64 ", of them needlessly %" PRIu64 "; spells %" PRIu64
         ", of them mistaken %" PRIu64 "; time-outs %" PRIu64 "\n"
         "receiver: %" PRIu64 " out of order, %" PRIu64 " of them given up\n",
         r->path.dropped_by_fault, r->path.dropped_by_queue, r->path.dropped_by_policer,
         r->path.count[0].resent_segs, r->path.count[0].needless_segs, r->path.count[0].episodes,
         r->path.count[0].mistakes, tx.TCPTimeouts, rx.TCPOFOQueue, rx.TCPOFODrop);
  for (int v = 1; v < TCT_VERDICT_COUNT; v++)
    for (unsigned i = 0; i < 2; i++)
      if (tct_verdict_count(tct_sim_host_stack(r->host[i]), (tct_verdict)v) != 0)
        printf("%s: %s %" PRIu64 "\n", i == 0 ? "sender" : "receiver",
               tct_verdict_name((tct_verdict)v),
               tct_verdict_count(tct_sim_host_stack(r->host[i]), (tct_verdict)v));
}

static int watch(const struct job *j, const struct options *o) {
  struct run r;
  struct tct_tee_pcapng capture;
  if (!start_run(&r, j, o->oracle))
    return 1;
  if (o->pcapng != NULL && tct_tee_pcapng_open(&capture, o->pcapng, "sender", TCT_LINK_IP) == 0)
    r.capture = &capture;
  puts("   time   Mbit/s      cwnd   ssthresh    flight  rtt/us  rto/us resent spell   lost");
  for (uint64_t t = SEC / 10; t <= o->seconds * SEC; t += SEC / 10) {
    uint64_t before = r.flow[0].received;
    tct_sim_run(r.world, t);
    print_moment(&r, before);
  }
  for (unsigned i = 0; i < r.path.n_stalls && r.path.stall[i][0] < o->seconds * SEC; i++)
    printf("stall from %.3f to %.3f s\n", (double)r.path.stall[i][0] / 1e9,
           (double)r.path.stall[i][1] / 1e9);
  print_ends(&r);
  if (r.capture != NULL)
    tct_tee_pcapng_close(&capture);
  tct_sim_free(r.world);
  return 0;
}

/* ---- Many runs ------------------------------------------------------------------------------- */

struct board { /* shared by the workers */
  atomic_uint next;
  struct result result[JOBS_MAX];
};

static struct job jobs[JOBS_MAX];
static unsigned n_jobs;

static bool is_algo_chosen(const struct algo *a, const char *list) {
  const struct goodput_row as_row = {.name = a->name};
  return goodput_row_is_chosen(&as_row, list);
}

static void list_jobs(const struct options *o) {
  for (unsigned i = 0; i < goodput_n_rows; i++) {
    const struct goodput_row *r = &goodput_rows[i];
    uint32_t seeds = goodput_row_is_random(r) || o->seeds < SEEDS_STEADY ? o->seeds : SEEDS_STEADY;
    for (unsigned a = 0; a < ALGOS; a++)
      for (uint32_t s = 1; s <= seeds && n_jobs < JOBS_MAX; s++)
        if (goodput_row_is_chosen(r, o->rows) && is_algo_chosen(&algos[a], o->algos))
          jobs[n_jobs++] = (struct job){r, &algos[a], o->seed != 0 ? o->seed : s};
  }
}

static void work(struct board *b, const struct options *o) {
  unsigned i;
  while ((i = atomic_fetch_add(&b->next, 1)) < n_jobs)
    b->result[i] = run_job(&jobs[i], o);
}

static bool run_all(struct board *b, const struct options *o) {
  long workers = sysconf(_SC_NPROCESSORS_ONLN);
  bool good = true;
  int status;
  for (long i = 0; i < workers; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      work(b, o);
      _exit(0);
    }
  }
  while (wait(&status) > 0)
    good = good && status == 0;
  return good;
}

static int compare_results(const void *a, const void *b) {
  const struct result *x = a, *y = b;
  return (x->mbit_s > y->mbit_s) - (x->mbit_s < y->mbit_s);
}

static int compare_costs(const void *a, const void *b) {
  const struct result *x = a, *y = b;
  return (x->cost > y->cost) - (x->cost < y->cost);
}

static void print_head(bool oracle) {
  fputs("row\talgo\truns\tmedian\tmin\tmax\tjain\tresent_permille\tspells\ttimeouts\tmistakes"
        "\tmedian5",
        stdout);
  puts(oracle ? "\toracle\tcost\tcost_max" : "");
}

static void print_costs(struct result *r, unsigned n) {
  double median = r[(n - 1) / 2].oracle_mbit_s;
  qsort(r, n, sizeof *r, compare_costs);
  printf("\t%.2f\t%.2f\t%.2f", median, r[(n - 1) / 2].cost, r[n - 1].cost);
}

/* Of the seeds that the kernel is given. */
static double median_of_first(const struct result *r, unsigned n) {
  struct result first[SEEDS_OF_LINUX];
  n = n < SEEDS_OF_LINUX ? n : SEEDS_OF_LINUX;
  memcpy(first, r, n * sizeof *r);
  qsort(first, n, sizeof *first, compare_results);
  return first[(n - 1) / 2].mbit_s;
}

/* r: of one row and algorithm, by seed. The last columns are of the median run. */
static void print_line(const struct job *j, struct result *r, unsigned n, bool oracle) {
  double median5 = median_of_first(r, n);
  struct result m;
  qsort(r, n, sizeof *r, compare_results);
  m = r[(n - 1) / 2];
  printf("%s\t%s\t%u\t%.2f\t%.2f\t%.2f\t%.3f\t%.1f", j->row->name, j->algo->name, n, m.mbit_s,
         r[0].mbit_s, r[n - 1].mbit_s, m.jain,
         m.data_segs ? (double)m.resent_segs * 1000 / (double)m.data_segs : 0);
  printf("\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%.2f", m.episodes, m.timeouts, m.mistakes,
         median5);
  if (oracle)
    print_costs(r, n);
  putchar('\n');
}

static int print_all(struct board *b, bool oracle) {
  int code = 0;
  print_head(oracle);
  for (unsigned i = 0, n; i < n_jobs; i += n) {
    for (n = 0; i + n < n_jobs && jobs[i + n].row == jobs[i].row; n++) {
      if (jobs[i + n].algo != jobs[i].algo)
        break;
      if (!b->result[i + n].wrong)
        continue;
      fprintf(stderr, "%s %s seed %" PRIu64 ": wrong octets, or the connection broke\n",
              jobs[i].row->name, jobs[i].algo->name, jobs[i + n].seed);
      code = 1;
    }
    if (b->result[i].done)
      print_line(&jobs[i], &b->result[i], n, oracle);
  }
  return code;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int list_rows(void) {
  for (unsigned i = 0; i < goodput_n_rows; i++)
    printf("%s\t%s\t%d\n", goodput_rows[i].name, goodput_rows[i].title,
           goodput_rows[i].clock_ns == 0);
  return 0;
}

static bool read_option(struct options *o, const char *name, const char *value) {
  if (strcmp(name, "--rows") == 0)
    o->rows = value;
  else if (strcmp(name, "--algos") == 0)
    o->algos = value;
  else if (strcmp(name, "--pcapng") == 0)
    o->pcapng = value;
  else if (strcmp(name, "--seeds") == 0)
    o->seeds = (uint32_t)strtoul(value, NULL, 10);
  else if (strcmp(name, "--seconds") == 0)
    o->seconds = (uint32_t)strtoul(value, NULL, 10);
  else if (strcmp(name, "--seed") == 0)
    o->seed = strtoull(value, NULL, 10);
  else
    return false;
  return true;
}

static bool read_options(struct options *o, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--oracle") == 0)
      o->oracle = true;
    else if (strcmp(argv[i], "--series") == 0)
      o->series = true;
    else if (i + 1 == argc || !read_option(o, argv[i], argv[i + 1]))
      return false;
    else
      i++;
  }
  return o->seeds > 0 && o->seeds <= SEEDS_MAX && o->seconds > 0;
}

int main(int argc, char **argv) {
  struct options o = {.seeds = 20, .seconds = 30};
  struct board *b;
  if (argc == 2 && strcmp(argv[1], "--list") == 0)
    return list_rows();
  if (!read_options(&o, argc, argv)) {
    fprintf(stderr, "%s: see the head of bench/goodput/memory.c\n", argv[0]);
    return 2;
  }
  if (o.seed != 0)
    o.seeds = 1;
  make_pattern();
  list_jobs(&o);
  if (o.series || o.pcapng != NULL)
    return n_jobs == 1 ? watch(&jobs[0], &o) : 2;
  b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (b == MAP_FAILED || !run_all(b, &o)) {
    fputs("a run did not come to its end\n", stderr);
    return 1;
  }
  return print_all(b, o.oracle);
}
