/* SPDX-License-Identifier: MIT */
/*
 * relay.h - packets between two TUN devices in real time, over the path of a row. See relay.c.
 */
#ifndef GOODPUT_RELAY_H
#define GOODPUT_RELAY_H

#include "bench/goodput/path.h"

enum { GOODPUT_LATE_BINS = 4096, GOODPUT_LATE_BIN_NS = 10000 };

struct goodput_relay {
  struct goodput_path path;
  int tun[2];       /* non-blocking; data enters by 0 and leaves by 1 */
  uint64_t carried; /* packets written to a device */
  uint64_t refused; /* that the device did not take */
  /* How long after its due time each packet left: bins of 10 us, the last one for all beyond. */
  uint64_t late[GOODPUT_LATE_BINS];
  uint64_t late_max_ns;
};

/* Until the monotonic clock shows `until`. 0, or a negated errno. */
int goodput_relay_run(struct goodput_relay *r, uint64_t until_ns);
/* The lateness that so many in a thousand packets did not exceed. */
uint64_t goodput_relay_late_ns(const struct goodput_relay *r, unsigned permille);
uint64_t goodput_monotonic_ns(void);

#endif
