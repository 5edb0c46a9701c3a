/* SPDX-License-Identifier: MIT */
/*
 * One end of a connection of a trial: reads, writes and closes as its flow's plan says, on the
 * stack's events and on timers of its own. Opening and accepting is app_flow.c's. Every octet is a
 * piece of one pattern at a place of the writer's own, named by the first four octets; so a reader
 * knows each octet that may come, and any other, or one at another place, is seen at once.
 */
#include "sim/app.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/check.h"
#include "sim/world.h"
#include "util/mem.h"
#include "wire/bytes.h"

enum {
  PATTERN = 65521, /* a prime: no power of two of octets lost or doubled looks right */
  PIECE = 16384,
  HEAD = 4 /* octets that name the writer */
};
#define MINUTE_NS UINT64_C(60000000000)
#define MODULUS UINT32_C(0x7fffffff)

struct sim_app_later {
  struct sim_app_later *next, **link; /* all that have not run */
  tct_sim_host *host;
  void (*fn)(void *);
  void *arg;
};

void sim_app_world_init(struct sim_app_world *a, tct_sim *w, tct_sim_check *check) {
  memset(a, 0, sizeof *a);
  a->w = w;
  a->check = check;
  a->pattern = sim_world_alloc(PATTERN + PIECE + 4);
  a->drawn = 1;
}

/* All of it takes longer to make than a small world to play. */
static void make_pattern(struct sim_app_world *a, uint32_t to) {
  uint32_t i = a->made, x = a->drawn;
  for (; i < PATTERN && i < to; i += 3) {
    uint64_t y = (uint64_t)x * 48271u; /* taken mod 2^31 - 1 */
    y = (y & MODULUS) + (y >> 31);
    x = (uint32_t)(y < MODULUS ? y : y - MODULUS);
    tct_bytes_put32(a->pattern + i, x);
  }
  a->made = i;
  a->drawn = x;
  if (i < PATTERN)
    return;
  memcpy(a->pattern + PATTERN, a->pattern, PIECE);
  a->made = PATTERN + PIECE;
}

const uint8_t *sim_app_pattern(struct sim_app_world *a, uint64_t position, uint32_t len) {
  uint32_t at = (uint32_t)(position % PATTERN);
  if (at + len > a->made)
    make_pattern(a, at + len + PIECE);
  return a->pattern + at;
}

void sim_app_world_deinit(struct sim_app_world *a) {
  for (struct sim_app_end *e = a->ends, *next; e != NULL; e = next) {
    next = e->next;
    free(e);
  }
  for (struct sim_app_later *l = a->laters, *next; l != NULL; l = next) {
    next = l->next;
    free(l);
  }
  free(a->pattern);
}

bool sim_app_is_done(const struct sim_app_world *a) {
  return a->pending == 0;
}

/* ---- Timers ---- */

/* Socket calls use the stack's last known clock: let it be this instant; then let it act. */
static void run_later(void *ctx, void *arg) {
  struct sim_app_later *l = ctx, todo = *l;
  (void)arg;
  *l->link = l->next;
  if (l->next != NULL)
    l->next->link = l->link;
  free(l);
  if (tct_sim_host_stack(todo.host) == NULL)
    return;
  tct_sim_host_kick(todo.host);
  todo.fn(todo.arg);
  tct_sim_host_kick(todo.host);
}

void sim_app_later(struct sim_app_world *a, tct_time ns, tct_sim_host *h, void (*fn)(void *),
                   void *arg) {
  struct sim_app_later *l = sim_world_alloc(sizeof *l);
  *l = (struct sim_app_later){a->laters, &a->laters, h, fn, arg};
  if (l->next != NULL)
    l->next->link = &l->next;
  a->laters = l;
  sim_world_schedule(a->w, tct_sim_now(a->w) + ns, run_later, l, NULL);
}

/* ---- What an end knows ---- */

static const struct sim_trial_flow *plan_of(const struct sim_app_end *e) {
  return e->flow->plan;
}

static struct sim_app_world *world_of(const struct sim_app_end *e) {
  return e->flow->world;
}

static tct_stack *stack_of(const struct sim_app_end *e) {
  return tct_sim_host_stack(e->app.host);
}

static void say_call(const struct sim_app_end *e, sim_call call) {
  struct sim_app_world *a = world_of(e);
  if (a->on_call != NULL)
    a->on_call(a->ctx, e->app.host, e->app.sock, call);
}

static sim_talk_end manner_of(const struct sim_app_end *e) {
  const struct sim_trial_flow *p = plan_of(e);
  sim_talk_end end = (sim_talk_end)(e->is_server ? p->server_end : p->client_end);
  bool waits = end == SIM_END_STAY || end == SIM_END_CLOSE_ON_EOF;
  return waits && world_of(e)->healed ? SIM_END_SHUT_AFTER_SEND : end;
}

static bool may_call(const struct sim_app_end *e) {
  return !e->over && !e->closing && e->app.sock.gen != 0 && stack_of(e) != NULL;
}

/* ---- Ends of ends ---- */

void sim_app_end_over(struct sim_app_end *e) {
  if (e->over)
    return;
  e->over = true;
  world_of(e)->pending--;
  if (!e->is_server)
    sim_app_flow_next(e->flow);
}

static void close_end(struct sim_app_end *e) {
  long err;
  say_call(e, SIM_CALL_CLOSE);
  e->closing = true;
  err = tct_sock_close(stack_of(e), e->app.sock);
  tct_sim_check_call(e->app.host, e->app.sock, TCT_SIM_CLOSED, NULL, err);
  if (err < 0)
    sim_app_end_over(e);
}

static void abort_end(struct sim_app_end *e) {
  long err;
  say_call(e, SIM_CALL_ABORT);
  e->closing = true;
  err = tct_sock_abort(stack_of(e), e->app.sock);
  tct_sim_check_call(e->app.host, e->app.sock, TCT_SIM_ABORTED, NULL, err);
  sim_app_end_over(e);
}

static void shut_end(struct sim_app_end *e, tct_how how) {
  long err;
  if (how == TCT_SHUT_WR && e->shut)
    return;
  say_call(e, SIM_CALL_SHUT);
  e->shut = e->shut || how == TCT_SHUT_WR;
  err = tct_sock_shutdown(stack_of(e), e->app.sock, how);
  tct_sim_check_call(e->app.host, e->app.sock,
                     how == TCT_SHUT_WR ? TCT_SIM_SHUT_WR : TCT_SIM_SHUT_RD, NULL, err);
}

/* ---- Reading ---- */

static void wrong_octets(const struct sim_app_end *e, const char *what) {
  char text[160];
  if (sim_check_is_anybodys(e->app.host, e->app.sock))
    return;
  snprintf(text, sizeof text, "the %s of port %u, connection %u: %s, at octet %u",
           e->is_server ? "server" : "client", (unsigned)plan_of(e)->port, (unsigned)e->key, what,
           (unsigned)e->rx_done);
  tct_sim_check_fail(world_of(e)->check, TCT_SIM_I1, 0, text);
}

/* The head names the writer: known only when all of it is in. */
static uint32_t take_head(struct sim_app_end *e, const uint8_t *b, uint32_t len) {
  uint32_t n = 0;
  while (n < len && e->rx_done < HEAD) {
    e->rx_key = (e->rx_key & 0xffffff) << 8 | b[n++];
    e->rx_done++;
  }
  return n;
}

static void take_octets(struct sim_app_end *e, const uint8_t *b, uint32_t len) {
  uint32_t n = take_head(e, b, len);
  const uint8_t *want = sim_app_pattern(world_of(e), e->rx_done + e->rx_key, len - n);
  if (memcmp(b + n, want, len - n) != 0)
    wrong_octets(e, "an octet that was not written there");
  e->rx_done += len - n;
  if (e->rx_done > e->rx_total)
    wrong_octets(e, "more than was written");
}

static void read_on(void *ctx) {
  struct sim_app_end *e = ctx;
  e->dozing = false;
  sim_app_end_poke(e);
}

/* Does it leave what there is in the stack, for now? */
static bool does_pause(struct sim_app_end *e) {
  const struct sim_trial_flow *p = plan_of(e);
  struct sim_app_world *a = world_of(e);
  uint32_t slow_ms = e->is_server ? p->server_slow_ms : p->client_slow_ms;
  uint32_t stop = e->is_server ? p->server_stop : p->client_stop;
  if (a->healed)
    return false;
  if (stop != 0 && e->rx_done >= stop) {
    if (!e->stopped)
      tct_sim_fault_note(a->w, TCT_SIM_FAULT_APP_STOP);
    e->stopped = true;
    return true;
  }
  if (slow_ms == 0 || e->rx_done == 0)
    return e->dozing;
  if (!e->dozing) {
    tct_sim_fault_note(a->w, TCT_SIM_FAULT_APP_SLOW);
    e->dozing = true;
    sim_app_later(a, slow_ms * UINT64_C(1000000), e->app.host, read_on, e);
  }
  return true;
}

/* One call: false when nothing came. */
static bool read_piece(struct sim_app_end *e) {
  uint8_t piece[PIECE];
  uint32_t most = plan_of(e)->read_max;
  long n = tct_sock_recv(stack_of(e), e->app.sock, piece,
                         most != 0 ? tct_min_u32(most, PIECE) : PIECE, 0);
  if (n == TCT_EAGAIN)
    return false;
  say_call(e, SIM_CALL_RECEIVE);
  tct_sim_check_call(e->app.host, e->app.sock, TCT_SIM_READ, piece, n);
  if (n <= 0) {
    e->eof = true;
    return false;
  }
  take_octets(e, piece, (uint32_t)n);
  return true;
}

static void read_all(struct sim_app_end *e) {
  if (e->dozing || (e->stopped && !world_of(e)->healed))
    return;
  while (may_call(e) && !e->eof && read_piece(e))
    if (does_pause(e))
      return;
}

/* ---- Writing ---- */

/* In turns the client speaks first; nobody says more than the turns that he has heard allow. */
static uint64_t may_have_written(const struct sim_app_end *e) {
  uint32_t rounds = plan_of(e)->rounds;
  uint64_t tx = rounds ? e->tx_total / rounds : 0, rx = rounds ? e->rx_total / rounds : 0, heard;
  if (tx == 0 || rx == 0 || e->eof)
    return e->tx_total;
  heard = e->rx_done / rx + (e->is_server ? 0 : 1);
  return e->rx_done >= e->rx_total || heard >= rounds ? e->tx_total : heard * tx;
}

static void write_on(void *ctx) {
  struct sim_app_end *e = ctx;
  e->thinking = false;
  sim_app_end_poke(e);
}

/* After a write: the next may have to wait. */
static bool does_think(struct sim_app_end *e) {
  const struct sim_trial_flow *p = plan_of(e);
  struct sim_app_world *a = world_of(e);
  uint64_t ns = p->think_ms * UINT64_C(1000000);
  if (p->idle_minutes != 0 && !e->idled && e->tx_done * 2 >= e->tx_total) {
    e->idled = true;
    ns = p->idle_minutes * MINUTE_NS;
    tct_sim_fault_note(a->w, TCT_SIM_FAULT_IDLE_SKIP);
  } else if (a->healed || ns == 0) {
    return false;
  } else {
    tct_sim_fault_note(a->w, TCT_SIM_FAULT_APP_SLOW);
  }
  e->thinking = true;
  sim_app_later(a, ns, e->app.host, write_on, e);
  return true;
}

/* What comes next: as it stands in the pattern, but for the head. */
static const uint8_t *next_piece(const struct sim_app_end *e, uint8_t *room, uint32_t len) {
  const uint8_t *from = sim_app_pattern(world_of(e), e->tx_done + e->key, len);
  if (e->tx_done >= HEAD)
    return from;
  memcpy(room, from, len);
  for (uint64_t i = e->tx_done; i < HEAD && i - e->tx_done < len; i++)
    room[i - e->tx_done] = (uint8_t)(e->key >> (8 * (HEAD - 1 - i)));
  return room;
}

/* One call: false when it may not go on. */
static bool write_piece(struct sim_app_end *e) {
  uint8_t room[PIECE];
  const uint8_t *piece;
  uint64_t to = may_have_written(e);
  uint32_t most = plan_of(e)->write_max, len;
  long n;
  if (e->tx_done >= to || e->shut || e->thinking)
    return false;
  len = (uint32_t)tct_min_u64(to - e->tx_done, most != 0 ? tct_min_u32(most, PIECE) : PIECE);
  piece = next_piece(e, room, len);
  n = tct_sock_send(stack_of(e), e->app.sock, piece, len, 0);
  say_call(e, SIM_CALL_SEND);
  tct_sim_check_call(e->app.host, e->app.sock, TCT_SIM_WROTE, piece, n);
  if (n <= 0)
    return false;
  e->tx_done += (uint64_t)n;
  return !does_think(e);
}

/* ---- Events ---- */

static void close_if_due(struct sim_app_end *e) {
  bool sent = e->connected && !e->thinking && e->tx_done == e->tx_total;
  sim_talk_end manner = manner_of(e);
  if (!may_call(e))
    return;
  if (manner == SIM_END_SHUT_AFTER_SEND && sent)
    shut_end(e, TCT_SHUT_WR);
  if (e->eof && (e->shut || (manner != SIM_END_STAY && sent)))
    close_end(e);
  else if (manner == SIM_END_CLOSE_AT_ONCE && sent)
    close_end(e);
  else if (manner == SIM_END_ABORT && sent)
    abort_end(e);
}

void sim_app_end_early(struct sim_app_end *e) {
  while (may_call(e) && write_piece(e)) {
  }
}

void sim_app_end_poke(struct sim_app_end *e) {
  if (!may_call(e) || !e->connected)
    return;
  read_all(e);
  while (may_call(e) && write_piece(e)) {
  }
  close_if_due(e);
}

void sim_app_end_deed(struct sim_app_end *e, sim_deed deed) {
  if (!may_call(e))
    return;
  tct_sim_fault_note(world_of(e)->w, TCT_SIM_FAULT_APP_CLOSE);
  if (deed == SIM_DEED_CLOSE)
    close_end(e);
  else if (deed == SIM_DEED_ABORT)
    abort_end(e);
  else if (deed == SIM_DEED_SHUT_SEND)
    shut_end(e, TCT_SHUT_WR);
  else if (deed == SIM_DEED_SHUT_RECEIVE)
    shut_end(e, TCT_SHUT_RD);
  else if (deed == SIM_DEED_SEND)
    sim_app_end_poke(e);
}

void sim_app_end_connected(struct sim_app_end *e) {
  struct sim_app_world *a = world_of(e);
  e->connected = true;
  if (!e->is_server && a->on_open != NULL)
    a->on_open(a->ctx, e);
}

static void on_end_event(tct_sim_app *app, const tct_event *ev) {
  struct sim_app_end *e = TCT_CONTAINER_OF(app, struct sim_app_end, app);
  const struct sim_trial_flow *p = plan_of(e);
  e->calls++;
  if (ev->flags & TCT_EV_CONNECTED)
    sim_app_end_connected(e);
  if (ev->flags & TCT_EV_CLOSED) {
    sim_app_end_over(e);
    return;
  }
  if (e->calls == (e->is_server ? p->server_deed_at : p->client_deed_at))
    sim_app_end_deed(e, (sim_deed)(e->is_server ? p->server_deed : p->client_deed));
  sim_app_end_poke(e);
}

struct sim_app_end *sim_app_end_new(struct sim_app_flow *f, bool is_server) {
  struct sim_app_world *a = f->world;
  struct sim_app_end *e = sim_world_alloc(sizeof *e);
  memset(e, 0, sizeof *e);
  e->next = a->ends;
  a->ends = e;
  e->flow = f;
  e->is_server = is_server;
  e->key = ++a->n_ends;
  e->app.on_event = on_end_event;
  e->app.host = is_server ? f->server : f->client;
  e->tx_total = is_server ? f->plan->down : f->plan->up;
  e->rx_total = is_server ? f->plan->up : f->plan->down;
  a->pending++;
  return e;
}

/* ---- Acts from outside ---- */

void sim_app_do(struct sim_app_world *a, tct_sim_host *h, tct_sock k, sim_deed deed) {
  struct sim_app_end *e;
  void *user = NULL;
  (void)a;
  if (tct_sim_host_stack(h) == NULL || tct_sock_user(tct_sim_host_stack(h), k, &user) < 0)
    return;
  if (user == NULL || ((tct_sim_app *)user)->on_event != on_end_event)
    return;
  e = TCT_CONTAINER_OF((tct_sim_app *)user, struct sim_app_end, app);
  sim_app_end_deed(e, deed);
}

void sim_app_end_give_up(struct sim_app_end *e) {
  if (plan_of(e)->talk == SIM_TALK_DATAGRAMS)
    sim_app_dgram_close(e);
  else if (may_call(e))
    close_end(e);
}
