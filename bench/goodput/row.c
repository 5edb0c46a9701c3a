/* SPDX-License-Identifier: MIT */
/*
 * row.c - the table of conditions. A buffer of one bandwidth-delay product each, but never less
 * than 64 kB: without delay the product is nothing, and no device has so little.
 */
#include "bench/goodput/row.h"

#include <string.h>

#define MS(x) ((uint64_t)(x)*1000000u)

enum { RATE = 100000000, BDP = 500000, QUEUE_MIN = 64000 };

#define USUAL .rate_bps = RATE, .rtt_ns = MS(40), .queue_bytes = BDP, .flows = 1

const struct goodput_row goodput_rows[] = {
    {.name = "loss-0", .title = "no loss", USUAL},
    {.name = "loss-0.1", .title = "loss 0.1 %", USUAL, .loss_ppm = 1000},
    {.name = "loss-1", .title = "loss 1 %", USUAL, .loss_ppm = 10000},
    {.name = "loss-3", .title = "loss 3 %", USUAL, .loss_ppm = 30000},
    {.name = "loss-10", .title = "loss 10 %", USUAL, .loss_ppm = 100000},
    {.name = "reorder-0.3",
     .title = "0.3 % late by up to 10 ms",
     USUAL,
     .reorder_ppm = 3000,
     .reorder_max_ns = MS(10)},
    {.name = "reorder-1",
     .title = "1 % late by up to 10 ms",
     USUAL,
     .reorder_ppm = 10000,
     .reorder_max_ns = MS(10)},
    {.name = "reorder-3",
     .title = "3 % late by up to 10 ms",
     USUAL,
     .reorder_ppm = 30000,
     .reorder_max_ns = MS(10)},
    {.name = "stall",
     .title = "stalls of 0.3 to 2.5 s",
     USUAL,
     .stall_min_ns = MS(300),
     .stall_max_ns = MS(2500)},
    {.name = "policer",
     .title = "policed to 20 Mbit/s, bucket 100 kB",
     USUAL,
     .policer_bps = 20000000,
     .policer_bytes = 100000},
    {.name = "rtt-0", .title = "RTT 0", .rate_bps = RATE, .queue_bytes = QUEUE_MIN, .flows = 1},
    {.name = "rtt-1",
     .title = "RTT 1 ms",
     .rate_bps = RATE,
     .rtt_ns = MS(1),
     .queue_bytes = QUEUE_MIN,
     .flows = 1},
    {.name = "rtt-600",
     .title = "RTT 600 ms",
     .rate_bps = RATE,
     .rtt_ns = MS(600),
     .queue_bytes = 15 * BDP,
     .flows = 1},
    {.name = "clock-1us",
     .title = "clock 1 us, loss 0.1 %",
     USUAL,
     .loss_ppm = 1000,
     .clock_ns = 1000},
    {.name = "clock-1ms",
     .title = "clock 1 ms, loss 0.1 %",
     USUAL,
     .loss_ppm = 1000,
     .clock_ns = MS(1)},
    {.name = "clock-15.6ms",
     .title = "clock 15.6 ms, loss 0.1 %",
     USUAL,
     .loss_ppm = 1000,
     .clock_ns = 15600000},
    {.name = "two-flows",
     .title = "two flows, RTT 20 and 80 ms",
     .rate_bps = RATE,
     .rtt_ns = MS(20),
     .queue_bytes = BDP,
     .flows = 2,
     .flow_rtt_ns = {0, MS(60)}},
};
const unsigned goodput_n_rows = sizeof goodput_rows / sizeof goodput_rows[0];

const struct goodput_row *goodput_row_find(const char *name) {
  for (unsigned i = 0; i < goodput_n_rows; i++)
    if (strcmp(goodput_rows[i].name, name) == 0)
      return &goodput_rows[i];
  return NULL;
}

bool goodput_row_is_random(const struct goodput_row *r) {
  return r->loss_ppm != 0 || r->reorder_ppm != 0 || r->stall_max_ns != 0;
}

bool goodput_row_is_chosen(const struct goodput_row *r, const char *list) {
  if (list == NULL)
    return true;
  while (*list != '\0') {
    size_t n = strcspn(list, ",");
    bool whole = strncmp(r->name, list, n) == 0 && r->name[n] == '\0';
    if (whole || (n > 0 && list[n - 1] == '*' && strncmp(r->name, list, n - 1) == 0))
      return true;
    list += n + (list[n] == ',');
  }
  return false;
}
