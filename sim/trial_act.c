/* SPDX-License-Identifier: MIT */
/*
 * Acts of a plan: what is done to a connection when it has come to the state drawn. The deeds of an
 * application go to app.c; a third party's segments are made here, with numbers that no honest
 * receiver takes for the stream's (inside the window only where TCP must not mind). Called by
 * trial_watch.c, from the world's events.
 */
#include "sim/trial_run.h"
#include "sim/world.h"
#include "util/mem.h"

#define SEC(x) ((tct_time)(x)*1000000000u)

enum { FORGED_OCTETS = 32 };

static struct sim_trial_node *node_of(const struct sim_trial_doing *d) {
  return &d->trial->node[d->plan->host];
}

/* ---- Machines and wires ---- */

static void boot(void *ctx, void *arg) {
  struct sim_trial_node *n = ctx;
  (void)arg;
  tct_sim_host_boot(n->host);
}

static void crash(const struct sim_trial_doing *d) {
  struct sim_trial_node *n = node_of(d);
  tct_sim_fault_note(d->trial->w, TCT_SIM_FAULT_HOST_CRASH);
  tct_sim_host_crash(n->host);
  sim_world_schedule(d->trial->w, tct_sim_now(d->trial->w) + SEC(1), boot, n, NULL);
}

static void cut_wire(const struct sim_trial_doing *d) {
  struct sim_trial_node *n = node_of(d);
  tct_time now = tct_sim_now(d->trial->w);
  tct_sim_fault f = {.kind = TCT_SIM_FAULT_LOSS, .dir = TCT_SIM_BOTH, .rate_ppm = 1000000};
  if (n->n_links == 0)
    return;
  f.target = n->link[0];
  f.start = now;
  f.stop = now + SEC(2);
  if (tct_sim_fault_install(d->trial->w, &f) < 0)
    return;
}

/* ---- A third party ---- */

/* Data behind the peer's FIN, which nobody may take. */
static bool is_behind_fin(const struct sim_trial_doing *d) {
  uint32_t st = d->plan->state;
  return d->plan->deed == SIM_DEED_FORGE_DATA &&
         (st == TCT_CLOSE_WAIT || st == TCT_CLOSING || st == TCT_LAST_ACK || st == TCT_TIME_WAIT);
}

/* In order, but for its ACK of what was never sent. */
static bool is_of_unsent(const struct sim_trial_doing *d) {
  return d->plan->deed == SIM_DEED_FORGE_ACK && d->plan->where == SIM_BEYOND;
}

/* Of what draws a challenge (RFC 5961), now and then more than anybody should answer. */
static unsigned copies_of(const struct sim_trial_doing *d) {
  bool draws = d->plan->deed == SIM_DEED_FORGE_RST || d->plan->deed == SIM_DEED_FORGE_SYN;
  return draws && d->plan->where == SIM_RIGHT_EDGE ? 60 : 1;
}

static uint32_t forged_seq(const struct sim_trial_doing *d) {
  const struct sim_watch_conn *c = &d->conn;
  if (is_behind_fin(d) || is_of_unsent(d))
    return c->ack;
  switch ((sim_where)d->plan->where) {
  case SIM_LEFT:
    return c->ack - FORGED_OCTETS - 1;
  case SIM_INSIDE:
    return c->ack + 1 + c->window / 2;
  case SIM_RIGHT_EDGE:
    return c->ack + c->window - 1;
  case SIM_BEYOND:
  case SIM_WHERE_COUNT:
    break;
  }
  return c->ack + c->window + 1000;
}

static uint8_t forged_flags(sim_deed deed) {
  static const uint8_t flags[SIM_DEED_COUNT] = {
      [SIM_DEED_FORGE_SYN] = TCT_SYN,           [SIM_DEED_FORGE_SYN_ACK] = TCT_SYN | TCT_ACK,
      [SIM_DEED_FORGE_ACK] = TCT_ACK,           [SIM_DEED_FORGE_DATA] = TCT_ACK | TCT_PSH,
      [SIM_DEED_FORGE_FIN] = TCT_FIN | TCT_ACK, [SIM_DEED_FORGE_RST] = TCT_RST,
      [SIM_DEED_FORGE_URG] = TCT_URG | TCT_ACK, [SIM_DEED_FORGE_BARE] = 0};
  return flags[deed];
}

/* What the connection said since its state changed is known to the watch, unless another took its
 * place there. */
static void look_again(struct sim_trial_doing *d) {
  const struct sim_trial_node *n = node_of(d);
  for (unsigned i = 0; i < SIM_WATCH_CONNS; i++) {
    const struct sim_watch_conn *c = &n->conns[i];
    if (c->used && c->lport == d->conn.lport && c->rport == d->conn.rport &&
        memcmp(&c->remote, &d->conn.remote, sizeof c->remote) == 0) {
      d->conn = *c;
      return;
    }
  }
}

static void forge(struct sim_trial_doing *d) {
  static const uint8_t octets[FORGED_OCTETS];
  uint8_t packet[200];
  struct sim_trial_node *n = node_of(d);
  tct_seg g;
  uint32_t len;
  look_again(d);
  memset(&g, 0, sizeof g);
  g.src = d->conn.remote;
  g.dst = d->conn.local;
  g.sport = d->conn.rport;
  g.dport = d->conn.lport;
  g.wscale = 0xff;
  g.flags = forged_flags((sim_deed)d->plan->deed);
  g.seq = forged_seq(d);
  g.ack = g.flags & TCT_ACK ? d->conn.heard_ack : 0;
  if (is_of_unsent(d))
    g.ack = d->conn.seq + FORGED_OCTETS;
  g.window_raw = d->conn.heard_window;
  g.len = d->plan->deed == SIM_DEED_FORGE_DATA ? FORGED_OCTETS : 0;
  g.has_ts = d->conn.has_ts && (g.flags & TCT_SYN) == 0;
  g.tsval = d->conn.tsval;
  g.tsecr = d->conn.tsecr;
  len = tct_sim_seg_emit(&g, octets, packet, sizeof packet);
  for (unsigned i = len == 0 || n->n_links == 0 ? 0 : copies_of(d); i > 0; i--)
    tct_sim_link_inject(d->trial->link[n->link[0]],
                        d->trial->plan->link[n->link[0]].b == n->index ? 0 : 1, packet, len);
}

void sim_act_do(struct sim_trial_doing *d) {
  struct sim_trial_node *n = node_of(d);
  sim_deed deed = (sim_deed)d->plan->deed;
  if (tct_sim_host_stack(n->host) == NULL)
    return;
  if (deed >= SIM_DEED_FORGE) {
    forge(d);
    return;
  }
  if (deed == SIM_DEED_CUT_WIRE) {
    cut_wire(d);
    return;
  }
  if (deed == SIM_DEED_CRASH) {
    crash(d);
    return;
  }
  tct_sim_host_kick(n->host);
  sim_app_do(&d->trial->app, n->host, d->sock, deed);
  tct_sim_host_kick(n->host);
}
