/* SPDX-License-Identifier: MIT */
/*
 * Two stacks, random transfers both ways, random faults; then the faults stop and everything has to
 * finish. Each seed draws its own settings and faults, about half of them off. Checked: what is
 * read is what was written, in order; every connection ends, once; nothing is left in the stacks.
 *
 *   random_pair            seeds 1..1000, at most 10 s
 *   random_pair 17         one seed, and its numbers
 *   random_pair 1 20000    all seeds from one to the other, however long it takes
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tercet/sim_check.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

enum { SEEDS = 1000, SECONDS_MAX = 10, FLOWS_MAX = 6, ACTS_MAX = 64, PORT = 80 };
/* Three of the longest time-outs, and what 120 kB take at the slowest rate drawn. */
#define HEAL_AT SEC(20)
#define LIVENESS_BOUND SEC(400)
#define QUIET_BOUND SEC(700)

struct act { /* something that an application or a machine does at a random time */
  struct run *run;
  tct_sim_flow *flow;
};

struct run {
  uint64_t seed;
  tct_sim *w;
  tct_sim_host *host[2];
  tct_sim_link *link;
  bool fast[2];
  tct_sim_server listener;
  tct_sim_flow client[FLOWS_MAX], server[FLOWS_MAX];
  struct act acts[ACTS_MAX];
  unsigned n, n_acts;
  bool lawless; /* somebody aborts or crashes: octets may be missing at the end, never wrong */
  bool ipv6;
  tct_sim_check *check;
  char wrong[400];
};

static uint32_t below(struct run *r, uint32_t bound) {
  return tct_sim_below(r->w, bound);
}

static bool coin(struct run *r) {
  return below(r, 2) == 1;
}

#define WRONG(r, ...)                                                                              \
  do {                                                                                             \
    if ((r)->wrong[0] == 0)                                                                        \
      snprintf((r)->wrong, sizeof(r)->wrong, __VA_ARGS__);                                         \
  } while (0)

/* ---- Drawing a run ---- */

static tct_addr address(const struct run *r, int end) {
  tct_addr a = tct_addr_ipv4(10, 0, 0, (uint8_t)(1 + end));
  if (r->ipv6)
    a = (tct_addr){{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(1 + end)}};
  return a;
}

static tct_sim_path draw_path(struct run *r) {
  tct_sim_path p = {.delay_ns = MS(below(r, 100))};
  if (coin(r))
    p.loss_ppm = below(r, 200000);
  if (coin(r))
    p.duplicate_ppm = below(r, 50000);
  if (coin(r))
    p.reorder_ppm = below(r, 100000);
  if (coin(r))
    p.corrupt_ppm = below(r, 20000);
  if (coin(r))
    p.jitter_ns = below(r, 5000000);
  if (coin(r))
    p.rate_bps = 500000u + below(r, 100000000);
  if (coin(r))
    p.queue_bytes = 20000 + below(r, 200000);
  p.reorder_ns = below(r, 50000000);
  if (coin(r))
    p.mark_bytes = 1 + below(r, 50000);
  return p;
}

static void draw_host(struct run *r, int end) {
  tct_sim_host_config c;
  tct_sim_config_init(r->w, &c);
  c.stack.profile = coin(r) ? TCT_PROFILE_LINUX : TCT_PROFILE_STRICT;
  c.stack.no_timestamps = coin(r);
  c.stack.no_sack = coin(r);
  c.stack.no_wscale = coin(r);
  if (coin(r))
    c.stack.rcvbuf_bytes = 2048 + below(r, 100000);
  if (coin(r))
    c.stack.sndbuf_bytes = 2048 + below(r, 100000);
  c.mtu = coin(r) ? 1500 : 576 + below(r, 924);
  c.burst = 1 + below(r, 16);
  c.gso_max_bytes = coin(r) ? 65536 : 0;
  c.csum_offload = coin(r);
  c.stack.ecn = (uint8_t)below(r, TCT_ECN_ACCURATE_PASSIVE + 1);
  c.stack.ecn_option = (uint8_t)below(r, TCT_ECN_OPTION_ALWAYS + 1);
  c.stack.mtu_probing = (uint8_t)below(r, TCT_MTU_PROBING_ALWAYS + 1);
  c.stack.congestion = coin(r) ? TCT_CC_DCTCP : TCT_CC_DEFAULT;
  r->fast[end] = coin(r);
  if (r->fast[end]) /* Fast Open, with cookies or without */
    c.stack.fastopen = TCT_FASTOPEN_CLIENT | TCT_FASTOPEN_SERVER | TCT_FASTOPEN_ALL_LISTENERS;
  if (r->fast[end] && coin(r))
    c.stack.fastopen |= TCT_FASTOPEN_CLIENT_NO_COOKIE | TCT_FASTOPEN_SERVER_NO_COOKIE;
  c.addr = address(r, end);
  c.prefix_len = r->ipv6 ? 64 : 24;
  if (r->ipv6 && c.mtu < 1280)
    c.mtu = 1280;
  r->host[end] = tct_sim_host_new(r->w, &c);
}

static void draw_flow(struct run *r, tct_sim_flow *f, uint64_t tx_key, uint64_t rx_key) {
  f->tx_total = coin(r) ? below(r, 120000) : below(r, 2000);
  f->tx_key = tx_key;
  f->rx_key = rx_key;
  f->write_max = coin(r) ? 0 : 1 + below(r, 3000);
  f->start_after_ns = coin(r) ? 0 : MS(below(r, 2000));
  f->close_after_ns = coin(r) ? 0 : MS(below(r, 1000));
}

static void set(struct run *r, int end, tct_sock k, tct_opt o, int64_t value) {
  int err = tct_sock_set(tct_sim_host_stack(r->host[end]), k, o, value);
  if (err < 0)
    WRONG(r, "option %d = %" PRId64 ": %s", (int)o, value, tct_strerror(err));
}

/* Options of a client or of the listener: numbers about to wrap, Nagle, keep-alive. */
static void draw_options(struct run *r, int end, tct_sock k) {
  static const uint32_t corners[3] = {0, 0x7fffffff, UINT32_MAX};
  if (coin(r))
    set(r, end, k, TCT_OPT_ISN, (uint32_t)(corners[below(r, 3)] - below(r, 50000)));
  if (coin(r))
    set(r, end, k, TCT_OPT_NODELAY, 1);
  if (!r->lawless && coin(r))
    return;
  set(r, end, k, TCT_OPT_KEEPALIVE, 1);
  set(r, end, k, TCT_OPT_KEEPIDLE_S, 1 + below(r, 10));
  set(r, end, k, TCT_OPT_KEEPINTVL_S, 1 + below(r, 5));
  set(r, end, k, TCT_OPT_KEEPCNT, 9);
}

static void start_flow(struct run *r, unsigned i) {
  tct_endpoint to = {.addr = address(r, 1), .port = PORT};
  int err = tct_sim_flow_open(&r->client[i], r->host[0]);
  if (err == TCT_OK) {
    draw_options(r, 0, r->client[i].app.sock);
    if (r->client[i].tx_total > 0 && r->fast[0])
      set(r, 0, r->client[i].app.sock, TCT_OPT_FASTOPEN_CONNECT, 1);
    err = tct_sim_flow_connect_sock(&r->client[i], &to);
  }
  if (err < 0)
    WRONG(r, "connect of flow %u: %s", i, tct_strerror(err));
}

/* ---- What happens besides ---- */

static void at(struct run *r, tct_time when, void (*fn)(void *), tct_sim_flow *f) {
  struct act *a;
  if (r->n_acts == ACTS_MAX)
    return;
  a = &r->acts[r->n_acts++];
  *a = (struct act){r, f};
  tct_sim_at(r->w, when, fn, a);
}

static void pause_reading(void *ctx) {
  struct act *a = ctx;
  a->flow->rx_paused = true;
}

static void go_on_reading(void *ctx) {
  struct act *a = ctx;
  a->flow->rx_paused = false;
  tct_sim_flow_poke(a->flow);
}

static void abort_flow(void *ctx) {
  struct act *a = ctx;
  tct_sim_flow *f = a->flow;
  if (f->closed || f->app.sock.gen == 0)
    return;
  int err = tct_sock_abort(tct_sim_host_stack(f->app.host), f->app.sock);
  tct_sim_check_call(f->app.host, f->app.sock, TCT_SIM_ABORTED, NULL, err);
  if (err < 0)
    WRONG(a->run, "abort failed");
  f->closed = true;
}

static void crash_server(void *ctx) {
  struct act *a = ctx;
  struct run *r = a->run;
  tct_sim_host_crash(r->host[1]);
  if (tct_sim_host_memory(r->host[1]) != 0)
    WRONG(r, "a crash leaks");
  if (!tct_sim_host_boot(r->host[1]))
    WRONG(r, "no boot");
  for (unsigned i = 0; i < r->n; i++)
    r->server[i].closed = true;
}

static void draw_acts(struct run *r) {
  for (unsigned i = 0; i < r->n; i++) {
    for (int end = 0; end < 2; end++) {
      tct_sim_flow *f = end ? &r->server[i] : &r->client[i];
      tct_time when = MS(below(r, 15000));
      if (coin(r)) {
        at(r, when, pause_reading, f);
        at(r, when + MS(below(r, 30000)), go_on_reading, f);
      }
      if (r->lawless && coin(r))
        at(r, MS(below(r, 15000)), abort_flow, f);
    }
  }
  if (r->lawless && coin(r))
    at(r, MS(below(r, 5000)), crash_server, NULL);
}

static void draw_run(struct run *r) {
  tct_sim_path ab = draw_path(r), ba = draw_path(r);
  r->ipv6 = below(r, 4) == 0;
  r->lawless = below(r, 4) == 0;
  draw_host(r, 0);
  draw_host(r, 1);
  if (r->host[0] == NULL || r->host[1] == NULL) {
    WRONG(r, "a stack refused its configuration");
    return;
  }
  r->link =
      tct_sim_link_new(r->w, tct_sim_host_end(r->host[0]), tct_sim_host_end(r->host[1]), &ab, &ba);
  r->n = 1 + below(r, FLOWS_MAX);
  r->listener.flows = r->server;
  r->listener.n_flows = r->n;
  if (tct_sim_server_open(&r->listener, r->host[1]) < 0)
    WRONG(r, "open failed");
  draw_options(r, 1, r->listener.app.sock);
  if (tct_sim_server_start(&r->listener, PORT, 16) < 0)
    WRONG(r, "listen failed");
  for (unsigned i = 0; i < r->n; i++) {
    /* The keys of both directions differ; which server flow a client meets is chance, so all
     * server flows are alike in content. */
    draw_flow(r, &r->client[i], 1, 2);
    draw_flow(r, &r->server[i], 2, 1);
    r->client[i].close = coin(r) ? TCT_SIM_CLOSE_AFTER_SEND : TCT_SIM_CLOSE_ON_EOF;
    r->server[i].close = TCT_SIM_CLOSE_AFTER_SEND;
    start_flow(r, i);
  }
  draw_acts(r);
}

/* ---- Judging ---- */

/* A server flow that never got a connection: its client gave up before. */
static bool is_unmet(const struct run *r, unsigned i) {
  return r->lawless && r->server[i].app.sock.gen == 0;
}

static bool is_over(void *ctx) {
  struct run *r = ctx;
  for (unsigned i = 0; i < r->n; i++)
    if (!r->client[i].closed || (!r->server[i].closed && !is_unmet(r, i)))
      return false;
  return true;
}

static void judge_flow(struct run *r, const char *name, unsigned i, const tct_sim_flow *f) {
  if (f->rx_wrong)
    WRONG(r, "%s %u read an octet that was not written there", name, i);
  if (!f->closed)
    WRONG(r, "%s %u never closed: sent %" PRIu64 "/%" PRIu64 " read %" PRIu64 "%s", name, i,
          f->tx_done, f->tx_total, f->rx_done, f->eof ? " eof" : "");
  if (f->closed && f->err != 0 && !r->lawless)
    WRONG(r, "%s %u ended with %s (%s)", name, i, tct_strerror(f->err), tct_why_text(f->why));
}

static void judge_totals(struct run *r) {
  uint64_t sent[2] = {0, 0}, got[2] = {0, 0};
  for (unsigned i = 0; i < r->n; i++) {
    sent[0] += r->client[i].tx_total;
    sent[1] += r->server[i].tx_total;
    got[0] += r->server[i].rx_done;
    got[1] += r->client[i].rx_done;
  }
  for (int d = 0; d < 2; d++)
    if (sent[d] != got[d])
      WRONG(r, "direction %d: %" PRIu64 " octets written, %" PRIu64 " read", d, sent[d], got[d]);
}

static void judge_rest(struct run *r, int end) {
  tct_counters c;
  tct_frame f;
  tct_stack *s = tct_sim_host_stack(r->host[end]);
  tct_if ifc = tct_sim_host_if(r->host[end]);
  if (tct_output(s, ifc, &f, 1, tct_sim_now(r->w)) != 0)
    WRONG(r, "end %d is not quiet", end);
  tct_stack_counters(s, &c);
  if (c.TimeWaitNow + c.HalfOpenNow + c.HeldNow + c.OrphansNow + c.CurrEstab != 0)
    WRONG(r,
          "end %d keeps %" PRIu64 " TIME-WAIT, %" PRIu64 " half-open, %" PRIu64 " orphans, %" PRIu64
          " established",
          end, c.TimeWaitNow, c.HalfOpenNow, c.OrphansNow, c.CurrEstab);
  if (c.BufferBytesNow != 0)
    WRONG(r, "end %d keeps %" PRIu64 " buffer bytes", end, c.BufferBytesNow);
  tct_sim_host_crash(r->host[end]);
  if (tct_sim_host_memory(r->host[end]) != 0)
    WRONG(r, "end %d leaks %zu bytes", end, tct_sim_host_memory(r->host[end]));
}

static void judge_check(struct run *r) {
  const tct_sim_failure *f = tct_sim_check_failed(r->check);
  if (f == NULL || r->wrong[0] != 0)
    return;
  tct_sim_check_line(f, r->wrong, sizeof r->wrong);
}

static void play(struct run *r) {
  static const tct_sim_path fair = {.delay_ns = 10000000};
  tct_sim_outcome o = tct_sim_run(r->w, HEAL_AT);
  tct_sim_link_set(r->link, 0, &fair);
  tct_sim_link_set(r->link, 1, &fair);
  tct_sim_check_heal(r->check);
  if (o != TCT_SIM_STUCK)
    o = tct_sim_run_while(r->w, HEAL_AT + LIVENESS_BOUND, is_over, r);
  judge_check(r);
  if (r->wrong[0] != 0)
    return;
  tct_sim_check_live(r->check);
  for (unsigned i = 0; i < r->n; i++) {
    judge_flow(r, "client", i, &r->client[i]);
    if (!is_unmet(r, i))
      judge_flow(r, "server", i, &r->server[i]);
  }
  if (!r->lawless)
    judge_totals(r);
  if (o != TCT_SIM_STUCK)
    o = tct_sim_run(r->w, tct_sim_now(r->w) + QUIET_BOUND);
  tct_sim_check_quiet(r->check, true);
  if (o != TCT_SIM_STUCK)
    o = tct_sim_run(r->w, tct_sim_now(r->w) + QUIET_BOUND);
  judge_check(r);
  if (o == TCT_SIM_STUCK)
    WRONG(r, "too much happens at one instant, %.6f s", (double)tct_sim_now(r->w) / 1e9);
}

static void tell(const struct run *r) {
  printf("# seed %" PRIu64 ": %u flows%s%s, %" PRIu64 " frames, %.3f s, digest %016" PRIx64 "\n",
         r->seed, r->n, r->ipv6 ? ", IPv6" : "", r->lawless ? ", lawless" : "",
         tct_sim_frames(r->w), (double)tct_sim_now(r->w) / 1e9, tct_sim_digest(r->w));
  for (int end = 0; end < 2; end++) {
    tct_counters c;
    tct_stack_counters(tct_sim_host_stack(r->host[end]), &c);
    printf("# end %d: %" PRIu64 " segments out, %" PRIu64 " again, %" PRIu64 " time-outs, %" PRIu64
           " fast, %" PRIu64 " out of order, %" PRIu64 " bad\n",
           end, c.OutSegs, c.RetransSegs, c.TCPTimeouts, c.TCPFastRetrans, c.TCPOFOQueue, c.InErrs);
  }
}

static bool run_seed(uint64_t seed, bool loud) {
  struct run *r = calloc(1, sizeof *r);
  bool ok;
  if (r == NULL)
    return false;
  r->seed = seed;
  r->w = tct_sim_new(seed);
  r->check = tct_sim_check_new(r->w);
  tct_sim_check_switch(r->check, TCT_SIM_I23, false); /* its numbers are preset */
  draw_run(r);
  if (r->wrong[0] == 0)
    play(r);
  if (loud && r->host[0] != NULL && r->host[1] != NULL)
    tell(r);
  if (r->wrong[0] == 0) {
    tct_sim_check_end(r->check);
    judge_check(r);
    judge_rest(r, 0);
    judge_rest(r, 1);
  }
  ok = r->wrong[0] == 0;
  if (!ok)
    printf("# seed %" PRIu64 ": %s\n# replay: random_pair %" PRIu64 "\n", seed, r->wrong, seed);
  tct_sim_free(r->w);
  free(r);
  return ok;
}

/* Each found a mistake once. Draws may have changed since; test/sim/regress.c replays what it was.
 */
static const uint64_t once_wrong[] = {9, 209, 1468, 2753, 4263, 8016, 57404, 59614};

int main(int argc, char **argv) {
  time_t start = time(NULL);
  uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
  uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 0) : SEEDS;
  unsigned ran = 0, bad = 0;
  if (argc == 2)
    return run_seed(first, true) ? 0 : 1;
  for (size_t i = 0; argc == 1 && i < sizeof once_wrong / sizeof once_wrong[0]; i++)
    bad += !run_seed(once_wrong[i], false);
  for (uint64_t seed = first; seed <= last; seed++) {
    if (argc == 1 && time(NULL) - start >= SECONDS_MAX)
      break;
    ran++;
    bad += !run_seed(seed, false);
  }
  printf("# %u seeds\n", ran);
  printf("%s - pair__random_faults__all_octets_arrive_and_all_closes\n", bad ? "not ok" : "ok");
  return bad != 0;
}
