/* SPDX-License-Identifier: MIT */
/*
 * host.c - makes and frees a tct_host: configuration, device, stack, addresses, routes.
 *
 * The first file of host/ to read. Turning the loop is loop.c, blocking calls are block.c, the
 * device itself is drivers/tun.c. Nothing here runs after tct_host_new has returned.
 */
#define _GNU_SOURCE
#include "host/host.h"

#include "drivers/fast_sum.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static void *host_alloc(void *ctx, size_t size, size_t align) {
  (void)ctx;
  if (align < 16)
    align = 16;
  return aligned_alloc(align, (size + align - 1) / align * align);
}

static void host_release(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

tct_alloc tct_host_alloc(void) {
  return (tct_alloc){host_alloc, host_release, NULL};
}

static bool fill_random(void *buf, size_t len) {
  return getrandom(buf, len, 0) == (ssize_t)len; /* up to 256 bytes are never cut short */
}

/* Wall time at the loop clock's zero, for the ISN and cookie clocks. */
static uint64_t wall_epoch(void) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  uint64_t wall = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
  return wall - tct_host_loop_clock();
}

int tct_host_config_init(tct_host_config *c, size_t size) {
  if (size != sizeof *c)
    return TCT_EINVAL;
  memset(c, 0, sizeof *c);
  c->size = size;
  tct_config_init(&c->stack, sizeof c->stack);
  c->stack.alloc = tct_host_alloc();
  c->stack.sum = tct_fast_sum();
  c->stack.epoch_ns = wall_epoch();
  return fill_random(c->stack.seed, sizeof c->stack.seed) ? TCT_OK : TCT_EAGAIN;
}

/* ---- Making -------------------------------------------------------------------------------------
 */

struct complaint {
  char *text;
  size_t cap;
};

static bool complain(struct complaint *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(struct complaint *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(e->text, e->cap, format, args);
  va_end(args);
  return false;
}

static bool is_any(tct_addr a) {
  static const tct_addr zero;
  return memcmp(&a, &zero, sizeof a) == 0;
}

static bool is_multicast(tct_addr a) {
  return tct_addr_is_ipv4(a) ? a.b[12] >= 224 : a.b[0] == 0xff;
}

/* All host bits 0 or (IPv4) all 1, on a prefix that has room for such names. */
static bool is_not_a_host(tct_addr a, unsigned prefix_len) {
  unsigned width = tct_addr_is_ipv4(a) ? 32 : 128, bits = width - prefix_len;
  bool all_0 = true, all_1 = true;
  if (bits < 2)
    return false;
  for (unsigned i = 0; i < bits; i++) {
    bool one = (a.b[15 - i / 8] >> (i % 8) & 1) != 0;
    all_0 = all_0 && !one;
    all_1 = all_1 && one;
  }
  return all_0 || (all_1 && width == 32);
}

static bool check_addr(const tct_host_addr *in, struct complaint *e) {
  char text[46];
  tct_addr_text(in->addr, text, sizeof text);
  unsigned width = tct_addr_is_ipv4(in->addr) ? 32 : 128;
  if (in->prefix_len > width)
    return complain(e, "%s/%u: a prefix has at most %u bits here", text, in->prefix_len, width);
  if (is_any(in->addr) || is_multicast(in->addr) || is_not_a_host(in->addr, in->prefix_len))
    return complain(e, "%s/%u is no address of a host; use one inside the prefix, as 10.7.0.2/24",
                    text, in->prefix_len);
  return true;
}

static bool choose_peer(const tct_host_addr *in, struct tct_tun_addr *out, struct complaint *e) {
  char text[46];
  *out = (struct tct_tun_addr){in->addr, in->peer, in->prefix_len};
  if (!check_addr(in, e))
    return false;
  tct_addr_text(in->addr, text, sizeof text);
  if (is_any(in->peer) && !tct_tun_other_addr(in->addr, in->prefix_len, &out->kernel))
    return complain(e, "%s/%u has no other address for the kernel's end; say it with --peer-addr",
                    text, in->prefix_len);
  if (memcmp(&out->kernel, &in->addr, sizeof in->addr) == 0 || is_multicast(out->kernel) ||
      tct_addr_is_ipv4(out->kernel) != tct_addr_is_ipv4(in->addr))
    return complain(e, "the peer address of %s must be another host address of the same family",
                    text);
  return true;
}

static bool open_device(tct_host *h, const tct_host_config *c, struct tct_tun_config *tun,
                        struct complaint *e) {
  const char *dev = c->mesh != NULL && c->core > 0 ? c->mesh->dev : c->dev;
  if (dev == NULL || strncmp(dev, "tun:", 4) != 0)
    return complain(e, "'%s' is no device; use tun:NAME, as tun:tct0", dev != NULL ? dev : "");
  if (c->n_addr == 0 || c->n_addr > TCT_HOST_ADDRS)
    return complain(e, "an address is needed, as 10.7.0.2/24 (at most %d)", TCT_HOST_ADDRS);
  tun->name = dev + 4;
  tun->queues = c->mesh != NULL;
  tun->join = c->mesh != NULL && c->core > 0;
  tun->mtu = c->mtu;
  tun->offload = !c->no_offload;
  tun->n_addr = c->n_addr;
  for (unsigned i = 0; i < c->n_addr; i++)
    if (!choose_peer(&c->addr[i], &tun->addr[i], e))
      return false;
  for (unsigned i = 0; i < c->n_addr; i++)
    if (!tct_addr_is_ipv4(c->addr[i].addr) && c->mtu != 0 && c->mtu < 1280)
      return complain(e, "IPv6 needs an MTU of at least 1280, not %u", c->mtu);
  if (tct_tun_open(&h->tun, tun) < 0)
    return complain(e, "%s", h->tun.error);
  h->drv = tct_tun_driver(&h->tun);
  if (c->mesh != NULL)
    snprintf(c->mesh->dev, sizeof c->mesh->dev, "tun:%s", h->tun.name);
  return true;
}

static int add_default_route(tct_host *h, tct_addr gateway) {
  tct_addr any = {{0}};
  if (tct_addr_is_ipv4(gateway))
    any = tct_addr_ipv4(0, 0, 0, 0);
  int err = tct_route_add(h->stack, any, 0, gateway, h->ifc);
  return err == TCT_EEXIST ? TCT_OK : err; /* the first address of a family decides */
}

static int join_device(tct_host *h, const struct tct_tun_config *tun) {
  tct_if_config ifc = {.size = sizeof ifc,
                       .link = TCT_LINK_IP,
                       .mtu = h->tun.mtu,
                       .csum_offload = h->drv.csum_offload,
                       .gso_max_bytes = h->drv.gso_max_bytes,
                       .gso_max_segs = h->drv.gso_max_segs};
  int err = tct_if_add(h->stack, &ifc, &h->ifc);
  if (err == TCT_OK)
    err = tct_if_set(h->stack, h->ifc, TCT_IF_UP, 1);
  for (unsigned i = 0; i < tun->n_addr && err >= 0; i++) {
    err = tct_if_addr_add(h->stack, h->ifc, tun->addr[i].stack, tun->addr[i].prefix_len);
    if (err >= 0)
      err = add_default_route(h, tun->addr[i].kernel);
  }
  return err;
}

static bool build(tct_host *h, const tct_host_config *c, struct complaint *e) {
  struct tct_tun_config tun = {0};
  int err = 0;
  if (!open_device(h, c, &tun, e))
    return false;
  if (tct_host_loop_init(h) < 0)
    return complain(e, "the event loop could not be made: %s", strerror(errno));
  tct_config config = c->stack;
  if (h->mesh != NULL && c->record != NULL)
    return complain(e, "a record is of one stack, not of one on each core");
  if (h->mesh != NULL) {
    config.keys = h->mesh->keys;
    config.cores = (uint16_t)h->mesh->n;
    config.core = (uint16_t)h->core;
  }
  h->stack = tct_record_new(c->record, &config, &err);
  if (h->stack == NULL)
    return complain(e, "the stack could not be made: %s", tct_strerror(err));
  tct_advance(h->stack, h->now); /* socket calls use the last time told: it should not be 0 */
  err = join_device(h, &tun);
  return err >= 0 || complain(e, "the stack refused its address: %s", tct_strerror(err));
}

tct_host *tct_host_new(const tct_host_config *c, char *error, size_t cap) {
  struct complaint e = {error, cap};
  tct_host *h = calloc(1, sizeof *h);
  bool in_mesh = c->mesh == NULL || c->core < c->mesh->n;
  if (h == NULL || c->size != sizeof *c || !in_mesh) {
    complain(&e, "%s",
             h == NULL  ? "out of memory"
             : !in_mesh ? "the mesh has not so many cores"
                        : "tct_host_config_init was not called");
    free(h);
    return NULL;
  }
  h->tun.fd = h->epoll_fd = h->signal_fd = -1;
  h->frame_fn = c->frame_fn;
  h->frame_ctx = c->frame_ctx;
  h->mesh = c->mesh;
  h->core = c->core;
  h->alarm_at = TCT_NEVER;
  h->spin_max_ns = h->spin_ns = c->spin_ns;
  h->now = tct_host_loop_clock();
  if (build(h, c, &e))
    return h;
  tct_host_free(h);
  return NULL;
}

void tct_host_free(tct_host *h) {
  if (h == NULL)
    return;
  if (h->stack != NULL) {
    tct_host_loop_flush(h);
    tct_free(h->stack);
  }
  tct_host_loop_deinit(h);
  tct_tun_close(&h->tun);
  free(h);
}

tct_stack *tct_host_stack(tct_host *h) {
  return h->stack;
}

tct_if tct_host_if(tct_host *h) {
  return h->ifc;
}

const char *tct_host_dev_name(tct_host *h) {
  return h->tun.name;
}

tct_time tct_host_now(tct_host *h) {
  return h->now;
}

bool tct_host_has_offload(const tct_host *h) {
  return h->drv.gso_max_bytes != 0;
}
