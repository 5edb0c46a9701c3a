/* SPDX-License-Identifier: MIT */
/*
 * A trial as a capture file: every frame that was put on a link, with why it was sent and what
 * became of it. Called by sim.c; the file format is drivers/pcapng_write.c's.
 */
#include <string.h>

#include "cli/sim.h"
#include "drivers/pcapng.h"

struct capture {
  struct tct_pcapng_writer w;
  uint32_t ifc;
};

static const char *fate_text(const tct_sim_frame *f) {
  static const char *const texts[TCT_SIM_FATE_COUNT] = {
      [TCT_SIM_DELIVERED] = "",
      [TCT_SIM_LOST] = "; lost",
      [TCT_SIM_QUEUE_FULL] = "; lost, the queue was full",
      [TCT_SIM_DUPLICATED] = "; comes twice",
      [TCT_SIM_DELAYED] = "; late",
      [TCT_SIM_CORRUPTED] = "; damaged on the way"};
  return f->fate < TCT_SIM_FATE_COUNT ? texts[f->fate] : "";
}

static void put_frame(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct capture *c = ctx;
  char comment[200];
  tct_iov iov = {f->bytes, f->len};
  struct tct_pcapng_packet p = {.ifc = c->ifc,
                                .at = f->sent_at,
                                .iov = &iov,
                                .n_iov = 1,
                                .len = f->len,
                                .dir = f->dir ? TCT_PCAPNG_INBOUND : TCT_PCAPNG_OUTBOUND,
                                .comment = comment};
  if (arriving)
    return;
  snprintf(comment, sizeof comment, "%llu: %s%s", (unsigned long long)f->number,
           f->injected ? "forged" : tct_why_text((tct_why)f->why), fate_text(f));
  tct_pcapng_put(&c->w, &p);
}

int sim_capture(const struct sim_trial_plan *p, tct_sim_tape *tape, uint64_t until,
                const char *path) {
  struct capture c;
  struct sim_trial_run run = {.tape = tape, .until_event = until, .tap = put_frame, .tap_ctx = &c};
  struct sim_trial_result r;
  int n, err;
  memset(&c, 0, sizeof c);
  if (tape != NULL) {
    tape->replaying = true;
    tape->pos = 0;
  }
  err = tct_pcapng_create(&c.w, path);
  if (err < 0)
    return err;
  n = tct_pcapng_add_if(&c.w, "sim", TCT_PCAPNG_RAW_IP);
  c.ifc = n < 0 ? 0 : (uint32_t)n;
  if (n >= 0)
    sim_trial_play(p, &run, &r);
  return tct_pcapng_close(&c.w);
}
