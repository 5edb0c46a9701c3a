/* SPDX-License-Identifier: MIT */
/*
 * The figures of many trials: added up, told, and held against the floors that a long run must
 * reach. Called by `tercet sim`; trial_watch.c does the counting.
 */
#include "sim/trial_count.h"

#include <inttypes.h>
#include <string.h>

#include "util/mem.h"

static const char *const event_words[SIM_EVENT_COUNT] = {
#define X(name, word) [SIM_SEGMENT_##name] = (word),
    SIM_SEGMENTS(X)
#undef X
#define X(name, word) [SIM_EVENT_CALL + SIM_CALL_##name] = (word),
        SIM_CALLS(X)
#undef X
};

void sim_trial_counts_add(struct sim_trial_counts *to, const struct sim_trial_counts *from) {
  uint64_t *a = (uint64_t *)(void *)to;
  const uint64_t *b = (const uint64_t *)(const void *)from;
  for (size_t i = 0; i < sizeof *to / sizeof *a; i++)
    a[i] += b[i];
}

uint64_t sim_trial_counts_median(const struct sim_trial_counts *c) {
  uint64_t all = 0, below = 0;
  for (unsigned i = 0; i <= SIM_CONN_PACKETS_MAX; i++)
    all += c->conn_packets[i];
  for (unsigned i = 0; i <= SIM_CONN_PACKETS_MAX; i++) {
    below += c->conn_packets[i];
    if (below * 2 >= all && all != 0)
      return i;
  }
  return 0;
}

/* ---- Sums ---- */

struct spread { /* of a table */
  uint64_t least, seen, of;
  unsigned least_a, least_b;
};

/* One congestion control a host, one kind of ECN: pairs of them need unlike ends, and count too. */
static struct spread spread_of_pairs(const struct sim_trial_counts *c) {
  struct spread s = {.least = UINT64_MAX};
  for (unsigned a = 0; a < SIM_FEATURE_COUNT; a++)
    for (unsigned b = a + 1; b < SIM_FEATURE_COUNT; b++) {
      s.of++;
      s.seen += c->pair[a][b] != 0;
      if (c->pair[a][b] >= s.least)
        continue;
      s.least = c->pair[a][b];
      s.least_a = a;
      s.least_b = b;
    }
  return s;
}

static uint64_t cells_seen(const struct sim_trial_counts *c) {
  uint64_t n = 0;
  for (unsigned s = 0; s < TCT_STATE_COUNT; s++)
    for (unsigned e = 0; e < SIM_EVENT_COUNT; e++)
      n += c->cell[s][e] != 0;
  return n;
}

static uint64_t edges_seen(const struct sim_trial_counts *c) {
  uint64_t n = 0;
  for (unsigned i = 0; i < SIM_EDGES; i++)
    n += c->edge[i] != 0;
  return n;
}

static uint64_t edge_pairs_seen(const struct sim_trial_counts *c) {
  uint64_t n = 0;
  for (unsigned i = 0; i < SIM_EDGES; i++)
    for (unsigned k = 0; k < SIM_EDGES; k++)
      n += c->edge_pair[i][k] != 0;
  return n;
}

/* ---- Telling ---- */

static const char *event_word(unsigned e) {
  if (event_words[e] != NULL)
    return event_words[e];
  return tct_timer_name((tct_timer)(e - SIM_EVENT_TIMER));
}

static void print_cells(const struct sim_trial_counts *c, FILE *to) {
  fprintf(to, "states x events\n");
  for (unsigned s = 0; s < TCT_STATE_COUNT; s++) {
    fprintf(to, "  %-12s", tct_state_name((tct_state)s));
    for (unsigned e = 0; e < SIM_EVENT_COUNT; e++)
      if (c->cell[s][e] != 0)
        fprintf(to, " %s:%" PRIu64, event_word(e), c->cell[s][e]);
    fputc('\n', to);
  }
}

static void print_edge(unsigned edge, FILE *to) {
  fprintf(to, "%s>%s", tct_state_name((tct_state)(edge / TCT_STATE_COUNT)),
          tct_state_name((tct_state)(edge % TCT_STATE_COUNT)));
}

static void print_edges(const struct sim_trial_counts *c, FILE *to) {
  fprintf(to, "transitions, and what came after\n");
  for (unsigned i = 0; i < SIM_EDGES; i++) {
    if (c->edge[i] == 0)
      continue;
    fputs("  ", to);
    print_edge(i, to);
    fprintf(to, ":%" PRIu64, c->edge[i]);
    for (unsigned k = 0; k < SIM_EDGES; k++) {
      if (c->edge_pair[i][k] == 0)
        continue;
      fputs(" +", to);
      print_edge(k, to);
      fprintf(to, ":%" PRIu64, c->edge_pair[i][k]);
    }
    fputc('\n', to);
  }
}

static void print_features(const struct sim_trial_counts *c, FILE *to) {
  fprintf(to, "features\n ");
  for (unsigned i = 0; i < SIM_FEATURE_COUNT; i++)
    fprintf(to, " %s:%" PRIu64, sim_feature_name((sim_feature)i), c->feature[i]);
  fputc('\n', to);
}

static void print_faults(const struct sim_trial_counts *c, FILE *to) {
  fprintf(to, "faults injected\n ");
  for (unsigned i = 0; i < TCT_SIM_FAULT_COUNT; i++)
    fprintf(to, " %s:%" PRIu64, tct_sim_fault_name(i), c->fault[i]);
  fputc('\n', to);
}

static void print_asked(const struct sim_trial_counts *c, FILE *to) {
  fprintf(to, "invariants, how often judged\n ");
  for (unsigned i = 1; i < TCT_SIM_I_COUNT; i++)
    if (c->asked[i] != 0)
      fprintf(to, " I%u:%" PRIu64, i, c->asked[i]);
  fputc('\n', to);
}

static void print_sizes(const struct sim_trial_counts *c, FILE *to) {
  fprintf(to, "octets of a frame\n ");
  for (unsigned i = 0; i < SIM_SIZES; i++)
    fprintf(to, " %u-:%" PRIu64, i * 64, c->size[i]);
  fputc('\n', to);
}

static uint64_t share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : part * 100 / whole;
}

void sim_trial_counts_print(const struct sim_trial_counts *c, bool all, FILE *to) {
  struct spread pairs = spread_of_pairs(c);
  uint64_t hours10 = c->host_ms / 360000;
  fprintf(to,
          "%" PRIu64 " trials (%" PRIu64 " steered), %" PRIu64 " connections (%" PRIu64
          " %% IPv6), %" PRIu64 " refused at once, %" PRIu64 " datagram flows\n",
          c->trials, c->steered, c->connections, share(c->connections_v6, c->connections),
          c->refused, c->datagram_flows);
  fprintf(to,
          "%" PRIu64 " packets (%" PRIu64 " %% IPv6), %" PRIu64 " octets on average, %" PRIu64
          " a connection (median), %" PRIu64 " events, %" PRIu64 ".%" PRIu64 " host-hours\n",
          c->packets, share(c->packets_v6, c->packets), c->packets ? c->octets / c->packets : 0,
          sim_trial_counts_median(c), c->events, hours10 / 10, hours10 % 10);
  fprintf(to,
          "%" PRIu64 " of %u states x events, %" PRIu64 " transitions, %" PRIu64 " pairs of them\n",
          cells_seen(c), (unsigned)(TCT_STATE_COUNT * SIM_EVENT_COUNT), edges_seen(c),
          edge_pairs_seen(c));
  if (pairs.of != 0)
    fprintf(to, "%" PRIu64 " of %" PRIu64 " pairs of features, the rarest %s+%s: %" PRIu64 "\n",
            pairs.seen, pairs.of, sim_feature_name((sim_feature)pairs.least_a),
            sim_feature_name((sim_feature)pairs.least_b), pairs.least);
  if (c->twice != 0)
    fprintf(to, "%" PRIu64 " trials played twice, for I31 and I32\n", c->twice);
  print_faults(c, to);
  if (!all)
    return;
  print_features(c, to);
  print_asked(c, to);
  print_sizes(c, to);
  print_cells(c, to);
  print_edges(c, to);
}

/* ---- Floors ---- */

enum {
  CONNECTIONS_MIN = 200000,
  PACKETS_MIN = 20000000,
  MEDIAN_MIN = 50,
  INJECTIONS_MIN = 1000,
  PAIR_MIN = 100,
  V6_PERCENT_MIN = 45
};

static unsigned miss(FILE *to, const char *what, uint64_t is, uint64_t least) {
  if (is >= least)
    return 0;
  fprintf(to, "too few: %s %" PRIu64 ", should be %" PRIu64 "\n", what, is, least);
  return 1;
}

unsigned sim_trial_counts_floors(const struct sim_trial_counts *c, FILE *to) {
  unsigned missed = 0;
  char words[100];
  missed += miss(to, "connections", c->connections, CONNECTIONS_MIN);
  missed += miss(to, "packets", c->packets, PACKETS_MIN);
  missed += miss(to, "packets a connection (median)", sim_trial_counts_median(c), MEDIAN_MIN);
  missed += miss(to, "percent of connections over IPv6", share(c->connections_v6, c->connections),
                 V6_PERCENT_MIN);
  for (unsigned i = 0; i < TCT_SIM_FAULT_COUNT; i++)
    missed += miss(to, tct_sim_fault_name(i), c->fault[i], INJECTIONS_MIN);
  for (unsigned a = 0; a < SIM_FEATURE_COUNT; a++)
    for (unsigned b = a + 1; b < SIM_FEATURE_COUNT; b++) {
      snprintf(words, sizeof words, "trials with %s and %s", sim_feature_name((sim_feature)a),
               sim_feature_name((sim_feature)b));
      missed += miss(to, words, c->pair[a][b], PAIR_MIN);
    }
  return missed;
}
