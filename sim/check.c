/* SPDX-License-Identifier: MIT */
/*
 * check.c - the checker of one world: what world.c, link.c and host.c tell it goes to the files
 * that judge it, and what these find wrong is kept here, the first thing only. Leaves every
 * judgement to the other check_*.c. Changes nothing in the world: the frames are the same with it
 * and without.
 */
#include "sim/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"

static const char *const names[TCT_SIM_I_COUNT] = {[TCT_SIM_I_NONE] = "NONE",
#define X(number, name, where) [TCT_SIM_I##number] = #name,
                                                   TCT_SIM_INVARIANTS(X)
#undef X
};

static const char *const places[TCT_SIM_I_COUNT] = {[TCT_SIM_I_NONE] = "",
#define X(number, name, where) [TCT_SIM_I##number] = (where),
                                                    TCT_SIM_INVARIANTS(X)
#undef X
};

const char *tct_sim_invariant_name(tct_sim_invariant i) {
  return (unsigned)i < TCT_SIM_I_COUNT ? names[i] : "?";
}

const char *tct_sim_invariant_where(tct_sim_invariant i) {
  return (unsigned)i < TCT_SIM_I_COUNT ? places[i] : "?";
}

/* ---- Life ---- */

tct_sim_check *tct_sim_check_new(tct_sim *w) {
  if (w->check != NULL)
    return w->check;
  w->check = sim_world_alloc(sizeof *w->check);
  memset(w->check, 0, sizeof *w->check);
  w->check->w = w;
  w->check->healed_at = TCT_NEVER;
  w->check->steps_limit = SIM_CHECK_STEPS_MAX;
  return w->check;
}

void sim_check_free(struct tct_sim *w) {
  struct tct_sim_check *k = w->check;
  if (k == NULL)
    return;
  sim_stream_free(k);
  sim_wire_free(k);
  sim_stack_free(k);
  for (unsigned i = 0; i < k->n_hosts; i++) {
    sim_conn_free(k->host[i]);
    sim_numbers_free(k->host[i]);
    free(k->host[i]);
  }
  free(k);
  w->check = NULL;
}

/* ---- What is wrong ---- */

const tct_sim_failure *tct_sim_check_failed(const tct_sim_check *k) {
  return k->failure.id == TCT_SIM_I_NONE ? NULL : &k->failure;
}

static bool begin_failure(struct tct_sim_check *k, unsigned host, tct_sim_invariant i) {
  tct_sim_failure *f = &k->failure;
  if (f->id != TCT_SIM_I_NONE || k->off[i])
    return false;
  *f = (tct_sim_failure){
      .id = i, .event = k->w->events, .frame = k->w->frames, .at = k->w->now, .host = host};
  return true;
}

void sim_check_wrong(struct sim_check_host *h, tct_sim_invariant i, const char *format, ...) {
  va_list args;
  if (!begin_failure(h->check, h->number, i))
    return;
  va_start(args, format);
  vsnprintf(h->check->failure.text, sizeof h->check->failure.text, format, args);
  va_end(args);
}

void tct_sim_check_fail(tct_sim_check *k, tct_sim_invariant i, unsigned host, const char *text) {
  if (begin_failure(k, host, i))
    snprintf(k->failure.text, sizeof k->failure.text, "%s", text);
}

size_t tct_sim_check_line(const tct_sim_failure *f, char *to, size_t cap) {
  int n = snprintf(to, cap, "I%u %s (%s): event %llu, frame %llu, %.6f s, host %u: %s",
                   (unsigned)f->id, names[f->id], places[f->id], (unsigned long long)f->event,
                   (unsigned long long)f->frame, (double)f->at / 1e9, f->host, f->text);
  return n < 0 ? 0 : (size_t)n;
}

void tct_sim_check_switch(tct_sim_check *k, tct_sim_invariant i, bool on) {
  k->off[i] = !on;
}

uint64_t tct_sim_check_count(const tct_sim_check *k, tct_sim_invariant i) {
  return k->asked[i];
}

uint64_t tct_sim_check_moves(const tct_sim_check *k, tct_state from, tct_state to) {
  return k->moves[from][to];
}

/* ---- Hosts ---- */

static void on_trace(void *ctx, const tct_trace *t) {
  struct sim_check_host *h = ctx;
  if (t->kind == TCT_TRACE_SEG_IN) {
    h->segs_in++;
    sim_wire_heard(h, t);
  }
  if (t->kind == TCT_TRACE_STATE)
    sim_conn_moved(h, t);
  if (t->kind == TCT_TRACE_TIMER) {
    sim_wire_timer(h, t);
    sim_conn_timer(h, t);
  }
  if (h->trace != NULL)
    h->trace(h->trace_ctx, t);
}

void sim_check_attach(struct tct_sim *w, struct sim_node *n, struct tct_sim_host *host,
                      tct_sim_host_config *c) {
  struct tct_sim_check *k = w->check;
  struct sim_check_host *h;
  if (k->n_hosts == SIM_CHECK_HOSTS_MAX)
    return;
  h = sim_world_alloc(sizeof *h);
  memset(h, 0, sizeof *h);
  h->check = k;
  h->host = host;
  h->number = k->n_hosts;
  h->trace = c->stack.trace;
  h->trace_ctx = c->stack.trace_ctx;
  c->stack.trace = on_trace;
  c->stack.trace_ctx = h;
  h->config = *c;
  k->host[k->n_hosts++] = h;
  n->check = h;
}

void sim_check_boot(struct sim_node *n, struct tct_stack *s) {
  struct sim_check_host *h = n->check;
  h->stack = s;
  h->boot++;
  h->frames_in = h->frames_out = h->tcp_out = h->rst_out = h->resent_out = h->segs_in = 0;
  tct_config_get(s, &h->resolved);
}

void sim_check_crash(struct sim_node *n) {
  struct sim_check_host *h = n->check;
  if (h->stack == NULL)
    return;
  sim_stack_sweep(h);
  sim_conn_crash(h);
  h->stack = NULL;
}

void sim_check_sent(struct sim_node *n, const tct_sim_frame *f) {
  struct sim_check_host *h = n->check;
  h->frames_out++;
  sim_form_sent(h, f);
  if (f->is_tcp)
    sim_wire_sent(h, f);
  else
    sim_wire_other_sent(h, f);
  sim_stack_sent(h, f);
}

void sim_check_event(struct sim_node *n, const tct_event *ev) {
  sim_conn_event(n->check, ev);
  sim_stream_event(n->check, ev);
}

void sim_check_step(struct sim_node *n) {
  sim_conn_step(n->check);
  sim_stack_step(n->check);
}

void sim_check_stuck(struct tct_sim *w) {
  if (w->check != NULL && sim_check_asks(w->check, TCT_SIM_I15))
    tct_sim_check_fail(w->check, TCT_SIM_I15, 0, "too much happens at one instant");
}

/* ---- Applications ---- */

static struct sim_check_host *watched(tct_sim_host *h) {
  struct sim_node *n = tct_sim_host_end(h).node;
  return n->check;
}

void tct_sim_check_call(tct_sim_host *host, tct_sock sock, tct_sim_doing what, const void *bytes,
                        long n) {
  struct sim_check_host *h = watched(host);
  if (h == NULL || h->stack == NULL)
    return;
  sim_stream_call(h, sock, what, bytes, n);
  sim_conn_call(h, sock, what, n);
}

bool sim_check_is_anybodys(tct_sim_host *host, tct_sock sock) {
  struct sim_check_host *h = watched(host);
  return h != NULL && sim_stream_is_anybodys(h, sock);
}

void tct_sim_check_dgram(tct_sim_host *host, bool sent, const void *bytes, size_t len) {
  struct sim_check_host *h = watched(host);
  if (h != NULL)
    sim_stack_dgram(h, sent, bytes, len);
}

/* ---- Phases ---- */

void tct_sim_check_heal(tct_sim_check *k) {
  k->healed_at = k->w->now;
}

static void sweep_all(tct_sim_check *k) {
  for (unsigned i = 0; i < k->n_hosts; i++)
    if (k->host[i]->stack != NULL)
      sim_stack_sweep(k->host[i]);
}

void tct_sim_check_live(tct_sim_check *k) {
  sim_stream_live(k);
  sweep_all(k);
}

void tct_sim_check_quiet(tct_sim_check *k, bool silent) {
  k->quiet = true;
  k->silent = silent;
}

void tct_sim_check_busy(tct_sim_check *k) {
  k->quiet = false;
  k->silent = false;
}

void tct_sim_check_end(tct_sim_check *k) {
  sweep_all(k);
  for (unsigned i = 0; i < k->n_hosts; i++) {
    if (k->host[i]->stack == NULL)
      continue;
    sim_stack_end(k->host[i]);
    sim_conn_end(k->host[i]);
    sim_numbers_end(k->host[i]);
  }
}
