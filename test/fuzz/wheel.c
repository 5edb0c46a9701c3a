/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the timing wheel against a plain list of deadlines. Whatever is armed, moved,
 * cancelled and however time goes on: nothing fires late, nothing early, nothing twice, and
 * next() is never after the earliest deadline. RFC 6298's timers stand on it.
 */
#include "util/wheel.h"

#include "test/fuzz/fuzz.h"
#include "util/mem.h"
#include "util/time.h"

enum { OWNERS = 24, STEPS_MAX = 300 };

struct owner {
  struct tct_list node;
  tct_time deadline; /* TCT_NEVER: not armed */
};

static struct tct_wheel wheel;
static struct owner owners[OWNERS];
static tct_time now;

static tct_time earliest(void) {
  tct_time least = TCT_NEVER;
  for (unsigned i = 0; i < OWNERS; i++)
    least = tct_time_min(least, owners[i].deadline);
  return least;
}

/* Of all magnitudes, edges of slots and levels among them. */
static tct_time take_span(struct fuzz_in *in) {
  uint8_t shape = fuzz_u8(in);
  tct_time span = (tct_time)1 << (shape & 63);
  if ((shape & 64) != 0)
    span += fuzz_u16(in);
  if ((shape & 128) != 0 && span > 0)
    span--;
  return span;
}

static void arm(struct owner *o, tct_time deadline) {
  o->deadline = deadline;
  tct_wheel_arm(&wheel, &o->node, deadline);
}

/* What comes back early is armed again, as connections do. */
static void advance_to(tct_time to) {
  struct tct_list due;
  tct_list_init(&due);
  now = to;
  tct_wheel_advance(&wheel, now, &due);
  for (struct tct_list *n = tct_list_pop_head(&due); n != NULL; n = tct_list_pop_head(&due)) {
    struct owner *o = TCT_CONTAINER_OF(n, struct owner, node);
    FUZZ_CHECK(o->deadline != TCT_NEVER);
    if (o->deadline <= now)
      o->deadline = TCT_NEVER;
    else
      tct_wheel_arm(&wheel, &o->node, o->deadline);
  }
  FUZZ_CHECK(now == TCT_NEVER || earliest() > now);
}

static void step(struct fuzz_in *in) {
  uint8_t op = fuzz_u8(in);
  struct owner *o = &owners[op % OWNERS];
  switch (op / OWNERS % 8) {
  case 0:
  case 1:
  case 2:
    arm(o, tct_time_add(now, take_span(in)));
    break;
  case 3:
    arm(o, now - tct_time_min(now, take_span(in)));
    break;
  case 4:
    o->deadline = TCT_NEVER;
    tct_wheel_cancel(&wheel, &o->node);
    break;
  case 5:
    if (tct_wheel_next(&wheel) != TCT_NEVER)
      advance_to(tct_wheel_next(&wheel) > now ? tct_wheel_next(&wheel) : now);
    break;
  case 6:
    if (earliest() != TCT_NEVER && earliest() > now + 1)
      advance_to(earliest() - 1);
    break;
  default: {
    tct_time to = tct_time_add(now, take_span(in));
    advance_to(to == TCT_NEVER ? to - (now < to) : to);
  }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_in in = {data, size};
  now = take_span(&in);
  tct_wheel_init(&wheel, now);
  for (unsigned i = 0; i < OWNERS; i++) {
    tct_list_init(&owners[i].node);
    owners[i].deadline = TCT_NEVER;
  }
  for (unsigned n = 0; in.left > 0 && n < STEPS_MAX; n++) {
    step(&in);
    FUZZ_CHECK(tct_wheel_next(&wheel) <= earliest() || earliest() <= now);
    tct_wheel_check(&wheel);
  }
  return 0;
}
