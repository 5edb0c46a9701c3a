/* SPDX-License-Identifier: MIT */
/*
 * How many packets a second the simulator gets through: two stacks, one link, 32 connections,
 * half of them bulk, half of small writes. CPU time of this thread, so that others on the machine
 * do not count.
 *
 *   bench_sim           without invariants and with them
 *   bench_sim plain     one of the two, for a profiler
 *   bench_sim checked
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tercet/sim_check.h"

enum { FLOWS = 32, OCTETS = 3000000 };

static tct_sim_host *make_host(tct_sim *w, uint8_t number) {
  tct_sim_host_config c;
  tct_sim_config_init(w, &c);
  c.addr = tct_addr_ipv4(10, 0, 0, number);
  c.prefix_len = 24;
  return tct_sim_host_new(w, &c);
}

static double cpu_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int start(tct_sim_flow *f, tct_sim_host *from, const tct_endpoint *to, bool small) {
  int err = tct_sim_flow_open(f, from);
  f->tx_total = small ? OCTETS / 4 : OCTETS;
  f->write_max = small ? 400 : 0;
  f->close = TCT_SIM_CLOSE_AFTER_SEND;
  if (err == TCT_OK && small)
    err = tct_sock_set(tct_sim_host_stack(from), f->app.sock, TCT_OPT_NODELAY, 1);
  return err == TCT_OK ? tct_sim_flow_connect_sock(f, to) : err;
}

/* Packets, or 0 if the run failed. */
static uint64_t play(bool checked) {
  static const tct_sim_path path = {
      .delay_ns = 10000000, .rate_bps = 1000000000, .queue_bytes = 500000};
  static tct_sim_flow client[FLOWS], server[FLOWS];
  tct_sim *w = tct_sim_new(1);
  tct_sim_check *k = checked ? tct_sim_check_new(w) : NULL;
  tct_sim_host *a = make_host(w, 1), *b = make_host(w, 2);
  tct_sim_server listener = {.flows = server, .n_flows = FLOWS};
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  uint64_t packets;
  bool ok = a != NULL && b != NULL && (k != NULL || !checked);
  memset(client, 0, sizeof client);
  memset(server, 0, sizeof server);
  tct_sim_link_new(w, tct_sim_host_end(a), tct_sim_host_end(b), &path, &path);
  ok = ok && tct_sim_server_listen(&listener, b, 80, FLOWS) == TCT_OK;
  for (unsigned i = 0; i < FLOWS && ok; i++) {
    server[i].close = TCT_SIM_CLOSE_AFTER_SEND;
    ok = start(&client[i], a, &to, i % 2 == 1) == TCT_OK;
  }
  tct_sim_run(w, (tct_time)1000 * 1000000000u);
  for (unsigned i = 0; i < FLOWS; i++)
    ok = ok && client[i].closed && server[i].closed && client[i].err == 0;
  if (checked && tct_sim_check_failed(k) != NULL)
    printf("an invariant failed: %s\n", tct_sim_check_failed(k)->text);
  packets = ok ? tct_sim_frames(w) : 0;
  tct_sim_free(w);
  return packets;
}

static int measure(const char *name, bool checked) {
  double from = cpu_s(), took;
  uint64_t packets = play(checked);
  took = cpu_s() - from;
  if (packets == 0) {
    printf("%s: the transfers did not end well\n", name);
    return 1;
  }
  printf("%-8s %9" PRIu64 " packets  %6.3f s of CPU  %9.0f packets/s\n", name, packets, took,
         (double)packets / took);
  return 0;
}

int main(int argc, char **argv) {
  bool all = argc < 2;
  int bad = 0;
  if (all || strcmp(argv[1], "plain") == 0)
    bad |= measure("plain", false);
  if (all || strcmp(argv[1], "checked") == 0)
    bad |= measure("checked", true);
  return bad;
}
