/* SPDX-License-Identifier: MIT */
/*
 * The model at one end of a bad link, the stack at the other: every byte arrives, both ways, both
 * end, whoever opens and whoever closes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "tercet/sim.h"
#include "util/prng.h"

#define MS ((tct_time)1000000)
#define PORT 80
#define MODEL_PORT 4000

enum { SEEDS = 400, KEY_CORE = 7, KEY_MODEL = 9 };

struct draw { /* one run */
  bool ipv6, model_opens, timestamps, wscale;
  uint32_t core_bytes, model_bytes, rcv_buffer;
  tct_sim_path path;
};

struct end {
  struct model m;
  tct_sim *world;
  tct_sim_peer *peer;
  const struct draw *d;
  uint64_t got;
  bool started, shut, wrong;
  tct_time wake; /* of the earliest call that is under way */
};

/* ---- the model as a node -----------------------------------------------------------------------
 */

static void on_wake(void *ctx);

static void use_application(struct end *e) {
  static uint8_t buf[65536];
  size_t n;
  while ((n = model_user_receive(&e->m, buf, sizeof buf)) > 0)
    for (size_t i = 0; i < n; i++)
      e->wrong |= buf[i] != tct_sim_flow_octet(KEY_CORE, e->got++);
  bool open = e->m.state == TCT_ESTABLISHED || e->m.state == TCT_CLOSE_WAIT;
  if (open && !e->started) {
    uint8_t *bytes = malloc(e->d->model_bytes + 1u);
    for (uint32_t i = 0; i < e->d->model_bytes; i++)
      bytes[i] = tct_sim_flow_octet(KEY_MODEL, i);
    e->started = true;
    model_user_send(&e->m, bytes, e->d->model_bytes);
    free(bytes);
  }
  if (open && e->started && !e->shut) {
    e->shut = true;
    model_user_close(&e->m);
  }
}

static void flush(struct end *e) {
  use_application(e);
  for (size_t i = 0; i < e->m.n_out; i++)
    tct_sim_peer_send(e->peer, &e->m.out[i].seg, e->m.out[i].payload);
  model_send_clear(&e->m);
  tct_time at = model_timer_deadline(&e->m);
  if (at == TCT_NEVER || (e->wake > tct_sim_now(e->world) && e->wake <= at))
    return;
  e->wake = at;
  tct_sim_at(e->world, at, on_wake, e);
}

static void on_wake(void *ctx) {
  struct end *e = ctx;
  model_timer_advance(&e->m, tct_sim_now(e->world));
  flush(e);
}

static void on_segment(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  struct end *e = ctx;
  (void)p;
  model_timer_advance(&e->m, tct_sim_now(e->world));
  model_arrive(&e->m, seg, payload);
  flush(e);
}

/* ---- one run -----------------------------------------------------------------------------------
 */

static void draw_run(struct draw *d, uint64_t seed) {
  static const uint32_t buffers[] = {65535, 20000, 4000};
  struct tct_prng r;
  uint8_t key[32] = {3};
  memcpy(key + 1, &seed, sizeof seed);
  tct_prng_init(&r, key);
  memset(d, 0, sizeof *d);
  d->ipv6 = tct_prng_below(&r, 2) != 0;
  d->model_opens = tct_prng_below(&r, 2) != 0;
  d->timestamps = tct_prng_below(&r, 2) != 0;
  d->wscale = tct_prng_below(&r, 2) != 0;
  d->core_bytes = tct_prng_below(&r, 40000);
  d->model_bytes = tct_prng_below(&r, 40000);
  d->rcv_buffer = buffers[tct_prng_below(&r, 3)];
  d->path.delay_ns = tct_prng_below(&r, 100) * MS;
  d->path.jitter_ns = tct_prng_below(&r, 20) * MS;
  d->path.loss_ppm = tct_prng_below(&r, 4) * 15000;
  d->path.duplicate_ppm = tct_prng_below(&r, 3) * 20000;
  d->path.reorder_ppm = tct_prng_below(&r, 3) * 50000;
  d->path.reorder_ns = 30 * MS;
  d->path.corrupt_ppm = tct_prng_below(&r, 3) * 5000;
}

static tct_addr addr_of(const struct draw *d, uint8_t n) {
  tct_addr v6 = {{0xfd, [15] = n}};
  return d->ipv6 ? v6 : tct_addr_ipv4(10, 0, 0, n);
}

static tct_sim_host *make_host(tct_sim *w, const struct draw *d) {
  tct_sim_host_config c;
  tct_sim_config_init(w, &c);
  c.addr = addr_of(d, 1);
  c.prefix_len = d->ipv6 ? 64 : 24;
  tct_sim_host *h = tct_sim_host_new(w, &c);
  assert_non_null(h);
  return h;
}

static void make_end(struct end *e, tct_sim *w, const struct draw *d, uint16_t core_port) {
  struct model_config c = {.local = {.addr = addr_of(d, 2), .port = MODEL_PORT},
                           .remote = {.addr = addr_of(d, 1), .port = core_port},
                           .mss = d->ipv6 ? 1440 : 1460,
                           .rcv_buffer = d->rcv_buffer,
                           .timestamps = d->timestamps,
                           .wscale = d->wscale,
                           .shift = 2,
                           .msl_ns = 1000 * MS};
  memset(e, 0, sizeof *e);
  model_user_init(&e->m, &c);
  e->m.next_iss = tct_sim_below(w, 2) ? 0xffffff00u : 12345;
  e->world = w;
  e->d = d;
  e->peer = tct_sim_peer_new(w, on_segment, e, NULL, NULL);
}

static void open_one(struct end *e, tct_sim_flow *f, tct_sim_server *v, tct_sim_host *h) {
  tct_endpoint model = {.addr = addr_of(e->d, 2), .port = MODEL_PORT};
  if (e->d->model_opens) {
    assert_int_equal(tct_sim_server_listen(v, h, PORT, 4), TCT_OK);
    model_user_connect(&e->m);
  } else {
    model_user_listen(&e->m);
    tct_endpoint here = {.addr = addr_of(e->d, 1), .port = PORT};
    assert_int_equal(tct_sim_flow_open(f, h), TCT_OK);
    assert_int_equal(tct_sock_bind(tct_sim_host_stack(h), f->app.sock, &here), TCT_OK);
    assert_int_equal(tct_sim_flow_connect_sock(f, &model), TCT_OK);
  }
  flush(e);
  tct_sim_host_kick(h);
}

static void run_one(uint64_t seed, uint64_t *bytes) {
  struct draw d;
  struct end e;
  tct_sim *w = tct_sim_new(seed);
  draw_run(&d, seed);
  tct_sim_host *h = make_host(w, &d);
  tct_sim_flow f = {.tx_total = d.core_bytes,
                    .tx_key = KEY_CORE,
                    .rx_key = KEY_MODEL,
                    .close = TCT_SIM_CLOSE_AFTER_SEND};
  tct_sim_server v = {.flows = &f, .n_flows = 1};
  make_end(&e, w, &d, PORT);
  tct_sim_path to_model = d.path; /* a peer's checksums are looked at by nobody */
  to_model.corrupt_ppm = 0;
  tct_sim_link_new(w, tct_sim_host_end(h), tct_sim_peer_end(e.peer), &to_model, &d.path);
  open_one(&e, &f, &v, h);
  (void)tct_sim_run(w, 3600000 * MS);
  bool whole = e.got == d.core_bytes && f.rx_done == d.model_bytes && !e.wrong && !f.rx_wrong;
  if (!whole || f.err != 0 || !(f.eof || f.closed) ||
      (e.m.news & (MODEL_RESET | MODEL_TIMEOUT)) != 0)
    fail_msg("seed %llu: model got %llu of %u, stack %llu of %u, err %d, model %s news %#x",
             (unsigned long long)seed, (unsigned long long)e.got, d.core_bytes,
             (unsigned long long)f.rx_done, d.model_bytes, f.err, tct_state_name(e.m.state),
             e.m.news);
  *bytes += e.got + f.rx_done;
  model_user_deinit(&e.m);
  tct_sim_free(w);
}

static void bad_link__model_and_stack__every_byte_arrives(void **state) {
  (void)state;
  const char *from = getenv("MODEL_SEED");
  uint64_t first = from != NULL ? strtoull(from, NULL, 10) : 1, bytes = 0;
  for (uint64_t i = 0; i < SEEDS; i++)
    run_one(first + i, &bytes);
  print_message("# %d transfers, %llu bytes\n", SEEDS, (unsigned long long)bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_link__model_and_stack__every_byte_arrives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
