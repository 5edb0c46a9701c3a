/* SPDX-License-Identifier: MIT */
/*
 * host.c - makes and frees a tct_host: configuration, stack, addresses, routes.
 *
 * The first file of host/ to read. Choosing the device is device.c, turning the loop loop.c,
 * blocking calls are block.c. Nothing here runs after tct_host_new has returned.
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
  c->stack.copy_sum = tct_fast_copy_sum();
  c->stack.epoch_ns = wall_epoch();
  return fill_random(c->stack.seed, sizeof c->stack.seed) ? TCT_OK : TCT_EAGAIN;
}

/* ---- Making -------------------------------------------------------------------------------------
 */

bool tct_host_complain(struct tct_host_complaint *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(e->text, e->cap, format, args);
  va_end(args);
  return false;
}

static int add_default_route(tct_host *h, tct_addr gateway) {
  tct_addr any = {{0}};
  if (tct_addr_is_ipv4(gateway))
    any = tct_addr_ipv4(0, 0, 0, 0);
  int err = tct_route_add(h->stack, any, 0, gateway, h->ifc);
  return err == TCT_EEXIST ? TCT_OK : err; /* the first address of a family decides */
}

static int join_device(tct_host *h) {
  tct_if_config ifc = {.size = sizeof ifc,
                       .link = h->drv.link,
                       .mtu = h->drv.mtu,
                       .no_dad = h->drv.alone,
                       .csum_offload = h->drv.csum_offload,
                       .gso_max_bytes = h->drv.gso_max_bytes,
                       .gso_max_segs = h->drv.gso_max_segs};
  memcpy(ifc.mac, h->drv.mac, sizeof ifc.mac);
  int err = tct_if_add(h->stack, &ifc, &h->ifc);
  if (err == TCT_OK)
    err = tct_if_set(h->stack, h->ifc, TCT_IF_UP, 1);
  for (unsigned i = 0; i < h->n_addr && err >= 0; i++) {
    err = tct_if_addr_add(h->stack, h->ifc, h->addr[i].stack, h->addr[i].prefix_len);
    if (err >= 0)
      err = add_default_route(h, h->addr[i].kernel);
  }
  return err;
}

/* On a link with others an IPv6 address is ours a second after the question who else has it. Then,
   and not before, the program gets its host. */
static bool settle_addr(tct_host *h, tct_addr a, struct tct_host_complaint *e) {
  char text[46];
  int state;
  tct_time until = h->now + 3000000000u;
  while ((state = tct_if_addr_state(h->stack, h->ifc, a)) == TCT_EINPROGRESS && h->now < until)
    if (tct_host_turn(h, until) < 0)
      return tct_host_complain(e, "%s vanished", h->drv.name);
  tct_addr_text(a, text, sizeof text);
  if (state == TCT_EADDRINUSE)
    return tct_host_complain(e, "%s belongs to another station behind %s; choose another address",
                             text, h->drv.name);
  return state == TCT_OK ||
         tct_host_complain(e, "%s could not be used: %s", text, tct_strerror(state));
}

static bool build(tct_host *h, const tct_host_config *c, struct tct_host_complaint *e) {
  int err = 0;
  if (!tct_host_device_open(h, c, e))
    return false;
  if (tct_host_loop_init(h) < 0)
    return tct_host_complain(e, "the event loop could not be made: %s", strerror(errno));
  tct_config config = c->stack;
  if (h->mesh != NULL && c->record != NULL)
    return tct_host_complain(e, "a record is of one stack, not of one on each core");
  if (h->mesh != NULL) {
    config.keys = h->mesh->keys;
    config.cores = (uint16_t)h->mesh->n;
    config.core = (uint16_t)h->core;
  }
  h->stack = tct_record_new(c->record, &config, &err);
  if (h->stack == NULL)
    return tct_host_complain(e, "the stack could not be made: %s", tct_strerror(err));
  tct_advance(h->stack, h->now); /* socket calls use the last time told: it should not be 0 */
  err = join_device(h);
  if (err < 0)
    return tct_host_complain(e, "the stack refused its address: %s", tct_strerror(err));
  for (unsigned i = 0; i < h->n_addr; i++)
    if (!settle_addr(h, h->addr[i].stack, e))
      return false;
  return true;
}

tct_host *tct_host_new(const tct_host_config *c, char *error, size_t cap) {
  struct tct_host_complaint e = {error, cap};
  tct_host *h = calloc(1, sizeof *h);
  bool in_mesh = c->mesh == NULL || c->core < c->mesh->n;
  if (h == NULL || c->size != sizeof *c || !in_mesh) {
    tct_host_complain(&e, "%s",
                      h == NULL  ? "out of memory"
                      : !in_mesh ? "the mesh has not so many cores"
                                 : "tct_host_config_init was not called");
    free(h);
    return NULL;
  }
  h->epoll_fd = h->signal_fd = -1;
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
  if (h->drv.ops != NULL)
    h->drv.ops->close(h->drv.ctx);
  free(h);
}

tct_stack *tct_host_stack(tct_host *h) {
  return h->stack;
}

tct_if tct_host_if(tct_host *h) {
  return h->ifc;
}

const char *tct_host_dev_name(tct_host *h) {
  return h->drv.name;
}

tct_time tct_host_now(tct_host *h) {
  return h->now;
}

bool tct_host_has_offload(const tct_host *h) {
  return h->drv.csum_offload;
}
