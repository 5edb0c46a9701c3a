/* SPDX-License-Identifier: MIT */
/*
 * af_xdp_none.c - stands in for af_xdp.c in a build without libxdp and libbpf: says so.
 *
 * Chosen by drivers/meson.build; called by host/device.c and tercet doctor.
 */
#include "drivers/af_xdp.h"

#include <stdio.h>

const char *tct_af_xdp_missing(void) {
  return "tercet was built without libxdp and libbpf";
}

struct tct_af_xdp *tct_af_xdp_open(const struct tct_af_xdp_config *c, char *error, size_t cap) {
  snprintf(error, cap, "cannot use %s: %s; install libxdp-dev and libbpf-dev and build it again",
           c->name, tct_af_xdp_missing());
  return NULL;
}

void tct_af_xdp_close(struct tct_af_xdp *x) {
  (void)x;
}

struct tct_driver tct_af_xdp_driver(struct tct_af_xdp *x) {
  (void)x;
  return (struct tct_driver){.fd = -1};
}

const char *tct_af_xdp_mode(const struct tct_af_xdp *x) {
  (void)x;
  return "none";
}

void tct_af_xdp_stats_get(const struct tct_af_xdp *x, struct tct_af_xdp_stats *out) {
  (void)x;
  *out = (struct tct_af_xdp_stats){0};
}
