/* SPDX-License-Identifier: MIT */
/*
 * world.c - the stack under test, its one interface, and virtual time: nothing waits, the clock
 * jumps from one deadline of the stack to the next. Called by run.c, build.c, match.c and the
 * calls.
 */
#include "drill/run.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_AT_ONE_TIME_MAX = 10000, HELD_MAX = 64 };

static void *get_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  size_t unit = align < 16 ? 16 : align;
  return aligned_alloc(unit, (size + unit - 1) / unit * unit);
}

static void give_memory(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static bool add_address(struct drill_run *r, const char *text, unsigned prefix_len) {
  tct_addr a;
  char host[64];
  const char *slash = strchr(text, '/');
  size_t n = slash ? (size_t)(slash - text) : strlen(text);
  if (n >= sizeof host)
    return drill_run_fail(r, "%s is no address", text);
  memcpy(host, text, n);
  host[n] = '\0';
  if (slash)
    prefix_len = (unsigned)strtoul(slash + 1, NULL, 10);
  if (tct_addr_parse(host, &a) != TCT_OK)
    return drill_run_fail(r, "%s is no address", text);
  int err = tct_if_addr_add(r->stack, r->ifc, a, prefix_len);
  return err == TCT_OK || drill_run_fail(r, "cannot add address %s: %s", text, tct_strerror(err));
}

static bool add_interface(struct drill_run *r) {
  bool is_v6 = r->set->ip == DRILL_IP6;
  tct_if_config c = {.size = sizeof c, .link = TCT_LINK_IP};
  c.mtu = r->set->mtu ? r->set->mtu : is_v6 ? 1520 : 1500;
  int err = tct_if_add(r->stack, &c, &r->ifc);
  if (err != TCT_OK)
    return drill_run_fail(r, "cannot add an interface: %s", tct_strerror(err));
  const char *local = r->set->local_ip ? r->set->local_ip
                      : is_v6          ? "fd3d:0a0b:17d6::1"
                                       : "192.168.0.1";
  if (!add_address(r, local, is_v6 ? 48 : 16))
    return false;
  if (r->set->extra_ip && !add_address(r, r->set->extra_ip, is_v6 ? 48 : 16))
    return false;
  tct_addr any = {{0}}, dst = is_v6 ? any : tct_addr_ipv4(0, 0, 0, 0);
  err = tct_route_add(r->stack, dst, 0, any, r->ifc);
  return err == TCT_OK || drill_run_fail(r, "cannot add a route: %s", tct_strerror(err));
}

static void set_ends(struct drill_run *r) {
  bool is_v6 = r->set->ip == DRILL_IP6;
  const char *remote = r->set->remote_ip ? r->set->remote_ip
                       : is_v6           ? "fd3d:fa7b:d17d::1"
                                         : "192.0.2.1";
  const char *local = r->set->local_ip ? r->set->local_ip
                      : is_v6          ? "fd3d:0a0b:17d6::1"
                                       : "192.168.0.1";
  r->remote = drill_conn_address(remote);
  r->local = drill_conn_address(local);
}

bool drill_world_start(struct drill_run *r) {
  int err = TCT_OK;
  if (r->stack)
    return true;
  r->config.alloc = (tct_alloc){get_memory, give_memory, NULL};
  memcpy(r->config.seed, "packet scripts are deterministic", sizeof r->config.seed);
  r->config.deterministic = true;
  r->stack = tct_new(&r->config, &err);
  if (!r->stack)
    return drill_run_fail(r, "cannot make a stack: %s", tct_strerror(err));
  set_ends(r);
  tct_advance(r->stack, DRILL_BASE_NS + r->now_ns);
  if (!add_interface(r))
    return false;
  r->lsock = lsock_new(r->stack);
  return r->lsock || drill_run_fail(r, "no memory for sockets");
}

void drill_world_stop(struct drill_run *r) {
  lsock_free(r->lsock);
  if (r->stack)
    tct_free(r->stack);
  r->lsock = NULL;
  r->stack = NULL;
}

static struct drill_frame *add_frame(struct drill_run *r, bool is_out) {
  struct drill_frame *f = drill_arena_get(r->arena, sizeof *f);
  f->is_out = is_out;
  f->at_ns = r->now_ns;
  *r->frames_end = f;
  r->frames_end = &f->next;
  return f;
}

static void keep_out(struct drill_run *r, const tct_frame *from) {
  struct drill_frame *f = add_frame(r, true);
  f->bytes = drill_arena_get(r->arena, (size_t)from->len + 1);
  for (uint32_t i = 0; i < from->n_iov; i++) {
    memcpy(f->bytes + f->len, from->iov[i].base, from->iov[i].len);
    f->len += from->iov[i].len;
  }
  f->why = from->why;
  drill_frame_decode(f);
  drill_conn_on_out(r, f);
  if (f->broken)
    drill_run_differ(r, NULL, drill_show_frame(r, f), "a frame is broken: %s", f->broken);
}

static size_t pull_out(struct drill_run *r) {
  tct_frame frames[TCT_BURST_MAX];
  memset(frames, 0, sizeof frames);
  size_t n = tct_output(r->stack, r->ifc, frames, TCT_BURST_MAX, DRILL_BASE_NS + r->now_ns);
  for (size_t i = 0; i < n; i++)
    keep_out(r, &frames[i]);
  return n;
}

/* Until the stack has nothing more to say at this instant. */
bool drill_world_settle(struct drill_run *r) {
  for (int turn = 0; turn < STEPS_AT_ONE_TIME_MAX && !r->failure; turn++) {
    lsock_on_news(r->lsock);
    if (pull_out(r) > 0)
      continue;
    if (!r->pending.is_active || !drill_call_retry(r))
      return !r->failure;
  }
  return r->failure ? false : drill_run_fail(r, "the stack sends without end at one instant");
}

bool drill_world_step(struct drill_run *r, uint64_t limit_ns) {
  tct_time deadline = tct_deadline(r->stack);
  if (r->pending.is_active && r->pending.has_deadline &&
      deadline > DRILL_BASE_NS + r->pending.deadline_ns)
    deadline = DRILL_BASE_NS + r->pending.deadline_ns;
  if (deadline == TCT_NEVER || deadline > DRILL_BASE_NS + limit_ns)
    return false;
  if (deadline > DRILL_BASE_NS + r->now_ns)
    r->now_ns = deadline - DRILL_BASE_NS;
  tct_advance(r->stack, DRILL_BASE_NS + r->now_ns);
  return drill_world_settle(r);
}

bool drill_world_advance(struct drill_run *r, uint64_t to_ns) {
  int same = 0;
  while (!r->failure) {
    uint64_t before = r->now_ns;
    if (!drill_world_step(r, to_ns))
      break;
    same = r->now_ns == before ? same + 1 : 0;
    if (same > STEPS_AT_ONE_TIME_MAX)
      return drill_run_fail(r, "a timer of the stack is due without end at one instant");
  }
  if (r->failure)
    return false;
  if (to_ns > r->now_ns)
    r->now_ns = to_ns;
  tct_advance(r->stack, DRILL_BASE_NS + r->now_ns);
  return drill_world_settle(r);
}

/* Frames of ours may have come between those that are held. */
static struct drill_frame *next_held(struct drill_frame *f) {
  do
    f = f->next;
  while (f && f->is_out);
  return f;
}

static bool hand_in(struct drill_run *r) {
  tct_frame frames[HELD_MAX];
  tct_iov iov[HELD_MAX];
  memset(frames, 0, sizeof frames);
  struct drill_frame *f = r->held;
  for (unsigned i = 0; i < r->n_held; i++, f = next_held(f)) {
    iov[i] = (tct_iov){f->bytes, f->len};
    frames[i] = (tct_frame){
        .iov = &iov[i], .n_iov = 1, .len = (uint32_t)f->len, .at = DRILL_BASE_NS + r->now_ns};
  }
  (void)tct_input(r->stack, r->ifc, frames, r->n_held, DRILL_BASE_NS + r->now_ns);
  f = r->held;
  for (unsigned i = 0; i < r->n_held; i++, f = next_held(f))
    f->verdict = frames[i].verdict;
  r->n_held = 0;
  return drill_world_settle(r);
}

bool drill_world_inject(struct drill_run *r, uint8_t *bytes, size_t len, bool is_more) {
  struct drill_frame *f = add_frame(r, false);
  /* A block of its very size, so that a read past its end is seen. */
  f->bytes = drill_arena_get(r->arena, len);
  memcpy(f->bytes, bytes, len);
  f->len = len;
  f->conn = r->current;
  drill_frame_decode(f);
  if (r->n_held == 0)
    r->held = f;
  r->n_held++;
  return is_more && r->n_held < HELD_MAX ? true : hand_in(r);
}
