/* SPDX-License-Identifier: MIT */
/*
 * Flows: who opens connections, how many, one after the other or at once, and who accepts them.
 * What happens on a connection is app.c's; datagrams are app_dgram.c's. Called by trial.c.
 */
#include "sim/app.h"
#include "sim/world.h"
#include "util/mem.h"
#include "util/seq.h"

#define MS(x) ((tct_time)(x)*1000000u)

static void set(tct_sim_host *h, tct_sock k, tct_opt o, int64_t value) {
  int err = tct_sock_set(tct_sim_host_stack(h), k, o, value);
  (void)err; /* what a socket refuses (an option of the other kind) stays as it was */
}

/* Of clients and of listeners, whose children inherit. */
static void set_options(const struct sim_app_flow *f, tct_sim_host *h, tct_sock k, bool server) {
  uint64_t features = server ? f->server_features : f->client_features;
  if (f->plan->isn !=
      0) { /* near the corner, but no two alike: else nobody could tell them apart */
    set(h, k, TCT_OPT_ISN, tct_seq_add(f->plan->isn, 3001 * f->n_opened));
    tct_sim_fault_note(f->world->w, TCT_SIM_FAULT_PRESET_NUMBERS);
  }
  if ((features & SIM_FEATURE_BIT(NAGLE)) == 0)
    set(h, k, TCT_OPT_NODELAY, 1);
  if (features & SIM_FEATURE_BIT(QUICKACK))
    set(h, k, TCT_OPT_QUICKACK, 1);
  if ((features & SIM_FEATURE_BIT(KEEPALIVE)) == 0)
    return;
  set(h, k, TCT_OPT_KEEPALIVE, 1);
  set(h, k, TCT_OPT_KEEPIDLE_S, 20 + f->plan->idle_minutes * 10);
  set(h, k, TCT_OPT_KEEPINTVL_S, 5);
  set(h, k, TCT_OPT_KEEPCNT, 9);
}

/* ---- Opening ---- */

static bool has_more(const struct sim_app_flow *f) {
  return !f->world->healed && f->n_opened < f->plan->conns;
}

static void finish(struct sim_app_flow *f) {
  if (f->finished)
    return;
  f->finished = true;
  f->world->pending--;
}

static int connect_end(struct sim_app_flow *f, struct sim_app_end *e) {
  const struct sim_trial_flow *p = f->plan;
  tct_stack *s = tct_sim_host_stack(f->client);
  tct_endpoint to = {.addr = f->server_addr, .port = (uint16_t)p->port};
  tct_endpoint from = {.port = (uint16_t)p->local_port};
  int err = tct_sock_open(s, TCT_TCP, &e->app, &e->app.sock);
  if (err < 0)
    return err;
  set_options(f, f->client, e->app.sock, false);
  if (p->local_port != 0) {
    set(f->client, e->app.sock, TCT_OPT_REUSEADDR, 1);
    err = tct_sock_bind(s, e->app.sock, &from);
  }
  if (p->fastopen && p->up > 0)
    set(f->client, e->app.sock, TCT_OPT_FASTOPEN_CONNECT, 1);
  if (err >= 0)
    err = tct_sock_connect(s, e->app.sock, &to);
  if (f->world->on_call != NULL)
    f->world->on_call(f->world->ctx, f->client, e->app.sock, SIM_CALL_CONNECT);
  if (err < 0 && tct_sock_abort(s, e->app.sock) >= 0)
    tct_sim_check_call(f->client, e->app.sock, TCT_SIM_ABORTED, NULL, 0);
  return err;
}

static void open_one(struct sim_app_flow *f) {
  struct sim_app_end *e = sim_app_end_new(f, false);
  f->n_opened++;
  f->n_open++;
  f->world->opened++;
  if (connect_end(f, e) < 0) {
    f->world->failed++;
    e->app.sock.gen = 0;
    sim_app_end_over(e);
  } else if (f->plan->fastopen && f->plan->up > 0) {
    sim_app_end_early(e);
  }
}

static void open_more(void *ctx) {
  struct sim_app_flow *f = ctx;
  f->waiting = false;
  if (!has_more(f))
    finish(f);
  else if (f->n_open < tct_max_u32(f->plan->parallel, 1))
    open_one(f);
  if (has_more(f) && f->n_open < tct_max_u32(f->plan->parallel, 1))
    sim_app_flow_wait(f, f->plan->gap_ms);
}

void sim_app_flow_wait(struct sim_app_flow *f, uint32_t ms) {
  if (f->waiting || f->finished)
    return;
  f->waiting = true;
  sim_app_later(f->world, MS(ms), f->client, open_more, f);
}

void sim_app_flow_next(struct sim_app_flow *f) {
  f->n_open--;
  if (has_more(f))
    sim_app_flow_wait(f, f->plan->gap_ms);
  else
    finish(f);
}

/* ---- Accepting ---- */

static bool accept_one(struct sim_app_flow *f) {
  struct sim_app_end *e = sim_app_end_new(f, true);
  tct_stack *s = tct_sim_host_stack(f->server);
  if (tct_sock_accept(s, f->listener.sock, &e->app, &e->app.sock) < 0) {
    sim_app_end_over(e);
    return false;
  }
  sim_app_end_connected(e);
  sim_app_end_poke(e);
  return true;
}

static void on_listener_event(tct_sim_app *app, const tct_event *ev) {
  struct sim_app_flow *f = TCT_CONTAINER_OF(app, struct sim_app_flow, listener);
  if ((ev->flags & TCT_EV_ACCEPT) == 0 || (ev->flags & TCT_EV_CLOSED) != 0)
    return;
  while (accept_one(f)) {
  }
}

static void listen_stream(struct sim_app_flow *f) {
  tct_stack *s = tct_sim_host_stack(f->server);
  tct_endpoint any = {.port = (uint16_t)f->plan->port};
  int err;
  f->listener.host = f->server;
  f->listener.on_event = on_listener_event;
  if (tct_sock_open(s, TCT_TCP, &f->listener, &f->listener.sock) < 0)
    return;
  set_options(f, f->server, f->listener.sock, true);
  set(f->server, f->listener.sock, TCT_OPT_REUSEADDR, 1);
  err = tct_sock_bind(s, f->listener.sock, &any);
  if (err >= 0)
    err = tct_sock_listen(s, f->listener.sock, tct_max_u32(f->plan->backlog, 1));
  if (f->world->on_call != NULL)
    f->world->on_call(f->world->ctx, f->server, f->listener.sock, SIM_CALL_LISTEN);
  if (err < 0)
    f->world->failed++;
}

/* ---- Two that open towards each other ---- */

static int connect_back(struct sim_app_flow *f, struct sim_app_end *e) {
  tct_stack *s = tct_sim_host_stack(f->server);
  tct_endpoint from = {.port = (uint16_t)f->plan->port};
  tct_endpoint to = {.addr = f->client_addr, .port = (uint16_t)f->plan->local_port};
  int err = tct_sock_open(s, TCT_TCP, &e->app, &e->app.sock);
  if (err < 0)
    return err;
  set_options(f, f->server, e->app.sock, true);
  set(f->server, e->app.sock, TCT_OPT_REUSEADDR, 1);
  err = tct_sock_bind(s, e->app.sock, &from);
  if (err >= 0)
    err = tct_sock_connect(s, e->app.sock, &to);
  if (err < 0 && tct_sock_abort(s, e->app.sock) >= 0)
    tct_sim_check_call(f->server, e->app.sock, TCT_SIM_ABORTED, NULL, 0);
  return err;
}

static void open_back(void *ctx) {
  struct sim_app_flow *f = ctx;
  struct sim_app_end *e;
  if (f->world->healed)
    return;
  e = sim_app_end_new(f, true);
  if (connect_back(f, e) < 0) {
    e->app.sock.gen = 0;
    sim_app_end_over(e);
  }
}

/* ---- Life of a flow ---- */

static void listen_flow(struct sim_app_flow *f) {
  if (tct_sim_host_stack(f->server) == NULL)
    return;
  if (f->plan->talk == SIM_TALK_STREAM)
    listen_stream(f);
  else if (f->plan->talk == SIM_TALK_DATAGRAMS)
    sim_app_dgram_listen(f);
}

void sim_app_flow_start(struct sim_app_flow *f) {
  f->world->pending++;
  listen_flow(f);
  if (f->plan->talk == SIM_TALK_SIMULTANEOUS)
    sim_app_later(f->world, MS(f->plan->start_ms), f->server, open_back, f);
  if (f->plan->talk == SIM_TALK_DATAGRAMS)
    sim_app_dgram_start(f);
  else
    sim_app_flow_wait(f, f->plan->start_ms);
}

void sim_app_heal(struct sim_app_world *a, struct sim_app_flow *flows, uint32_t n) {
  a->healed = true;
  for (uint32_t i = 0; i < n; i++)
    if (flows[i].n_open == 0)
      finish(&flows[i]);
  for (struct sim_app_end *e = a->ends; e != NULL; e = e->next)
    if (e->flow->plan->talk == SIM_TALK_DATAGRAMS)
      sim_app_dgram_close(e);
    else
      sim_app_end_poke(e);
}

void sim_app_end_all(struct sim_app_world *a, struct sim_app_flow *flows, uint32_t n) {
  a->ending = true;
  for (struct sim_app_end *e = a->ends; e != NULL; e = e->next)
    sim_app_end_give_up(e);
  for (uint32_t i = 0; i < n; i++) {
    tct_stack *s = tct_sim_host_stack(flows[i].server);
    if (s != NULL && flows[i].listener.sock.gen != 0 &&
        tct_sock_close(s, flows[i].listener.sock) >= 0)
      tct_sim_check_call(flows[i].server, flows[i].listener.sock, TCT_SIM_CLOSED, NULL, 0);
    flows[i].listener.sock.gen = 0;
    finish(&flows[i]);
  }
}

void sim_app_on_host(struct sim_app_world *a, struct sim_app_flow *flows, uint32_t n,
                     tct_sim_host *h, bool up) {
  for (struct sim_app_end *e = a->ends; e != NULL && !up; e = e->next)
    if (e->app.host == h)
      sim_app_end_over(e);
  for (uint32_t i = 0; i < n; i++) {
    struct sim_app_flow *f = &flows[i];
    if (f->server == h && !up)
      f->listener.sock.gen = 0;
    if (f->server == h && up && !a->ending)
      listen_flow(f);
    if (f->client != h || !up || f->finished)
      continue;
    f->waiting = false; /* its timer died with the host */
    if (has_more(f) && f->plan->talk != SIM_TALK_DATAGRAMS)
      sim_app_flow_wait(f, f->plan->gap_ms);
    else if (f->n_open == 0)
      finish(f);
  }
}
