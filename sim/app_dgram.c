/* SPDX-License-Identifier: MIT */
/*
 * Datagrams of a trial: a client sends so many, a server sends each back to where it came from.
 * Called by app_flow.c. Nothing is promised but that a datagram is whole or not there (I25).
 */
#include "sim/app.h"
#include "sim/world.h"
#include "util/mem.h"
#include "wire/bytes.h"

enum { DGRAM_MAX = 8192, HEAD = 4 };
#define MS(x) ((tct_time)(x)*1000000u)

static tct_stack *stack_of(const struct sim_app_end *e) {
  return tct_sim_host_stack(e->app.host);
}

/* All of it follows from its first four octets and its length. */
static void check_content(struct sim_app_end *e, const uint8_t *b, long len) {
  if (len < HEAD)
    return;
  uint32_t key = tct_bytes_get32(b) & 0x7fff;
  const uint8_t *want = sim_app_pattern(e->flow->world, key, (uint32_t)len - HEAD);
  if (memcmp(b + HEAD, want, (size_t)len - HEAD) != 0)
    tct_sim_check_fail(e->flow->world->check, TCT_SIM_I25, 0, "a datagram that nobody sent");
}

static void send_dgram(struct sim_app_end *e, tct_dgram *to, const uint8_t *b, size_t len) {
  long n = tct_dgram_send(stack_of(e), e->app.sock, to, b, len);
  if (n >= 0)
    tct_sim_check_dgram(e->app.host, true, b, len);
}

static void take_all(struct sim_app_end *e) {
  uint8_t b[DGRAM_MAX];
  tct_dgram d;
  for (;;) {
    long n = tct_dgram_recv(stack_of(e), e->app.sock, &d, b, sizeof b, 0);
    if (n < 0)
      return;
    tct_sim_check_dgram(e->app.host, false, b, (size_t)n);
    check_content(e, b, n);
    e->rx_done += (uint64_t)n;
    if (e->is_server)
      send_dgram(e, &(tct_dgram){.remote = d.remote}, b, (size_t)n);
  }
}

static void on_dgram_event(tct_sim_app *app, const tct_event *ev) {
  struct sim_app_end *e = TCT_CONTAINER_OF(app, struct sim_app_end, app);
  if (ev->flags & TCT_EV_CLOSED)
    sim_app_end_over(e);
  else if (!e->over)
    take_all(e);
}

static bool open_end(struct sim_app_end *e, uint16_t port) {
  tct_endpoint any = {.port = port};
  e->app.on_event = on_dgram_event;
  if (tct_sock_open(stack_of(e), TCT_UDP, &e->app, &e->app.sock) < 0)
    e->app.sock.gen = 0;
  else if (tct_sock_bind(stack_of(e), e->app.sock, &any) >= 0)
    return true;
  sim_app_end_over(e);
  return false;
}

void sim_app_dgram_listen(struct sim_app_flow *f) {
  struct sim_app_end *e = sim_app_end_new(f, true);
  open_end(e, (uint16_t)f->plan->port);
}

static void send_next(void *ctx) {
  struct sim_app_end *e = ctx;
  struct sim_app_flow *f = e->flow;
  uint32_t len = tct_clamp_u32(f->plan->dgram, HEAD, DGRAM_MAX);
  uint32_t key = (e->key * 31 + (uint32_t)(e->tx_done / len)) & 0x7fff;
  tct_dgram to = {.remote = {.addr = f->server_addr, .port = (uint16_t)f->plan->port}};
  uint8_t b[DGRAM_MAX];
  if (e->over)
    return;
  if (e->tx_done >= e->tx_total || f->world->healed) {
    sim_app_dgram_close(e);
    return;
  }
  tct_bytes_put32(b, key);
  memcpy(b + HEAD, sim_app_pattern(f->world, key, len - HEAD), len - HEAD);
  send_dgram(e, &to, b, len);
  e->tx_done += len;
  sim_app_later(f->world, MS(f->plan->think_ms + 1), f->client, send_next, e);
}

static void begin(void *ctx) {
  struct sim_app_flow *f = ctx;
  struct sim_app_end *e = sim_app_end_new(f, false);
  f->n_open++;
  f->n_opened = f->plan->conns;
  f->world->dgram_flows++;
  if (open_end(e, 0))
    send_next(e);
}

void sim_app_dgram_start(struct sim_app_flow *f) {
  sim_app_later(f->world, MS(f->plan->start_ms), f->client, begin, f);
}

void sim_app_dgram_close(struct sim_app_end *e) {
  if (e->over || e->closing || stack_of(e) == NULL)
    return;
  e->closing = true;
  if (tct_sock_close(stack_of(e), e->app.sock) < 0)
    sim_app_end_over(e);
}
