/* SPDX-License-Identifier: MIT */
/* Two stacks back to back; see world.h. */
#include "test/lib/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/at.h"

struct world_frame {
  struct world_frame *next;
  tct_time at;
  unsigned to;
  size_t len;
  uint8_t bytes[];
};

static bool make_side(struct world *w, struct world_how how, unsigned i) {
  tct_config c;
  tct_if_config ic;
  int err = 0;
  at_config(&c, &w->mem[i], !how.linux_profile);
  c.seed[0] = (uint8_t)(how.seed + i + 1);
  if (how.config != NULL)
    how.config(&c);
  memset(&ic, 0, sizeof ic);
  ic.size = sizeof ic;
  ic.mtu = 1500;
  if (how.ethernet)
    ic.link = TCT_LINK_ETHERNET;
  ic.mac[0] = 2;
  ic.mac[5] = (uint8_t)(i + 1);
  w->addr[i] = tct_addr_ipv4(10, 0, 0, (uint8_t)(i + 1));
  if (how.ipv6)
    w->addr[i] = (tct_addr){{0xfd, 7, [15] = (uint8_t)(i + 1)}};
  w->s[i] = tct_new(&c, &err);
  if (w->s[i] == NULL)
    return false;
  tct_advance(w->s[i], w->now);
  return tct_if_add(w->s[i], &ic, &w->ifc[i]) == TCT_OK &&
         tct_if_addr_add(w->s[i], w->ifc[i], w->addr[i], how.ipv6 ? 64 : 24) == TCT_OK;
}

bool world_start(struct world *w, struct world_how how, bool keep) {
  struct failing_alloc mem[2] = {w->mem[0], w->mem[1]};
  memset(w, 0, sizeof *w);
  for (unsigned i = 0; i < 2; i++) {
    w->mem[i] = mem[i];
    if (!keep)
      failing_alloc_init(&w->mem[i]);
    w->mem[i].vtable.ctx = &w->mem[i];
  }
  w->now = TCT_S(1000);
  w->ipv6 = how.ipv6;
  w->delay_ns = how.delay_ns != 0 ? how.delay_ns : TCT_MS(10);
  w->digest = 14695981039346656037u;
  if (make_side(w, how, 0) && make_side(w, how, 1))
    return true;
  assert_true(keep);
  return false;
}

void world_end(struct world *w) {
  while (w->first != NULL) {
    struct world_frame *f = w->first;
    w->first = f->next;
    free(f);
  }
  for (unsigned i = 0; i < 2; i++) {
    tct_free(w->s[i]);
    failing_alloc_finish(&w->mem[i]);
  }
}

static void add_digest(struct world *w, const void *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    w->digest = (w->digest ^ ((const uint8_t *)p)[i]) * 1099511628211u;
}

static void put_on_wire(struct world *w, unsigned from, const tct_frame *f) {
  struct world_frame *x = malloc(sizeof *x + f->len);
  assert_non_null(x);
  x->next = NULL;
  x->len = 0;
  x->to = 1 - from;
  x->at = w->now + w->delay_ns;
  for (uint32_t i = 0; i < f->n_iov; i++) {
    memcpy(x->bytes + x->len, f->iov[i].base, f->iov[i].len);
    x->len += f->iov[i].len;
  }
  assert_int_equal(x->len, f->len);
  w->frames++;
  add_digest(w, &from, sizeof from);
  add_digest(w, &w->now, sizeof w->now);
  add_digest(w, x->bytes, x->len);
  if (w->lose != NULL && w->lose(w->ctx, from, x->bytes, x->len)) {
    free(x);
    return;
  }
  if (w->last == NULL)
    w->first = x;
  else
    w->last->next = x;
  w->last = x;
}

void world_flush(struct world *w) {
  tct_frame f[8];
  for (unsigned i = 0; i < 2; i++) {
    size_t n;
    while ((n = tct_output(w->s[i], w->ifc[i], f, 8, w->now)) > 0) {
      for (size_t k = 0; k < n; k++)
        put_on_wire(w, i, &f[k]);
    }
  }
}

/* What has arrived by now. */
static void deliver(struct world *w) {
  while (w->first != NULL && w->first->at <= w->now) {
    struct world_frame *x = w->first;
    tct_iov v = {x->bytes, x->len};
    tct_frame f;
    memset(&f, 0, sizeof f);
    f.iov = &v;
    f.n_iov = 1;
    f.len = (uint32_t)x->len;
    f.at = w->now;
    w->first = x->next;
    if (w->first == NULL)
      w->last = NULL;
    tct_input(w->s[x->to], w->ifc[x->to], &f, 1, w->now);
    tct_tcp_check_all(w->s[x->to]);
    free(x);
  }
}

static tct_time next_at(const struct world *w) {
  tct_time at = w->first != NULL ? w->first->at : TCT_NEVER;
  for (unsigned i = 0; i < 2; i++) {
    tct_time due = tct_deadline(w->s[i]);
    at = due < at ? due : at;
  }
  return at;
}

void world_run(struct world *w, tct_time until) {
  for (unsigned turns = 0;; turns++) {
    assert_true(turns < 2000000); /* something answers itself without end */
    deliver(w);
    for (unsigned i = 0; i < 2; i++)
      tct_advance(w->s[i], w->now);
    if (w->turn != NULL)
      w->turn(w->ctx);
    world_flush(w);
    tct_time at = next_at(w);
    if (at > until)
      break;
    w->now = at > w->now ? at : w->now;
  }
  if (until != TCT_NEVER && until > w->now)
    w->now = until;
}
