/* SPDX-License-Identifier: MIT */
/*
 * One fixed scenario with every kind of fault, and the digest of all its frames: the proof that the
 * same seed gives the same bytes at the same times, whatever the compiler. With FIRST LAST: the
 * small trials of these seeds instead, and one digest over all. tools/digest.sh builds it several
 * ways and compares.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trial.h"
#include "tercet/sim.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

enum { FLOWS = 4, OCTETS = 80000 };

static tct_sim_host *make_host(tct_sim *w, uint8_t number, tct_profile profile) {
  tct_sim_host_config c;
  tct_sim_config_init(w, &c);
  c.stack.profile = profile;
  c.addr = tct_addr_ipv4(10, 0, 0, number);
  c.prefix_len = 24;
  c.burst = number * 3u;
  return tct_sim_host_new(w, &c);
}

static void play(tct_sim *w, tct_sim_host *a, tct_sim_host *b) {
  static tct_sim_flow client[FLOWS], server[FLOWS];
  tct_sim_server listener = {.flows = server, .n_flows = FLOWS};
  tct_endpoint to = {.addr = tct_sim_host_addr(b), .port = 80};
  if (tct_sim_server_listen(&listener, b, 80, 16) < 0)
    return;
  for (unsigned i = 0; i < FLOWS; i++) {
    client[i].tx_total = OCTETS / (i + 1);
    server[i].tx_total = OCTETS / (FLOWS - i);
    client[i].rx_key = server[i].tx_key = 9;
    client[i].close = server[i].close = TCT_SIM_CLOSE_AFTER_SEND;
    if (tct_sim_flow_connect(&client[i], a, &to) < 0)
      return;
  }
  tct_sim_run(w, SEC(2000));
}

static int play_seeds(uint64_t first, uint64_t last) {
  static struct sim_trial_plan plan;
  struct sim_trial_run run = {.until_event = 0};
  struct sim_trial_result r;
  uint64_t digest = 0, frames = 0;
  for (uint64_t seed = first; seed <= last; seed++) {
    sim_trial_draw(&plan, seed, SIM_TRIAL_SMALL);
    sim_trial_play(&plan, &run, &r);
    digest ^= sim_trial_digest(&plan, &r);
    frames += r.frames;
  }
  printf("%016" PRIx64 " %" PRIu64 " frames of %" PRIu64 " seeds\n", digest, frames,
         last - first + 1);
  return 0;
}

int main(int argc, char **argv) {
  static const tct_sim_path path = {.delay_ns = MS(20),
                                    .jitter_ns = MS(1),
                                    .rate_bps = 20000000,
                                    .queue_bytes = 60000,
                                    .loss_ppm = 20000,
                                    .duplicate_ppm = 10000,
                                    .reorder_ppm = 20000,
                                    .corrupt_ppm = 10000,
                                    .reorder_ns = MS(15)};
  if (argc == 3)
    return play_seeds(strtoull(argv[1], NULL, 10), strtoull(argv[2], NULL, 10));
  tct_sim *w = tct_sim_new(UINT64_C(0x7e9ce7));
  tct_sim_host *a = make_host(w, 1, TCT_PROFILE_STRICT), *b = make_host(w, 2, TCT_PROFILE_LINUX);
  if (a == NULL || b == NULL)
    return 1;
  tct_sim_link_new(w, tct_sim_host_end(a), tct_sim_host_end(b), &path, &path);
  play(w, a, b);
  printf("%016" PRIx64 " %" PRIu64 " frames\n", tct_sim_digest(w), tct_sim_frames(w));
  tct_sim_free(w);
  return 0;
}
