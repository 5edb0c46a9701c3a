/* SPDX-License-Identifier: MIT */
/*
 * Two stacks over a path that does something to packets: one that marks instead of losing (ECN,
 * RFC 3168 and RFC 9768), and one that swallows what is larger than it says, without a word
 * (RFC 4821).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tercet/sim.h"
#include "test/lib/failing_alloc.h"

#define MS(x) ((tct_time)(x)*1000000u)

/* ---- Marks ----------------------------------------------------------------------------------- */

struct end {
  tct_sim_host *host;
  tct_info info;
};

static tct_sim_host *host_new(tct_sim *w, unsigned n, bool v6, tct_ecn ecn, tct_profile profile) {
  tct_sim_host_config c;
  tct_sim_config_init(w, &c);
  c.addr = v6 ? (tct_addr){{0xfd, 7, [15] = (uint8_t)n}} : tct_addr_ipv4(10, 0, 0, (uint8_t)n);
  c.prefix_len = v6 ? 64 : 24;
  c.stack.ecn = (uint8_t)ecn;
  c.stack.profile = profile;
  tct_sim_host *h = tct_sim_host_new(w, &c);
  assert_non_null(h);
  return h;
}

static tct_info info_of(tct_sim_host *h, tct_sock k) {
  tct_info i = {.size = sizeof i};
  assert_int_equal(tct_sock_info(tct_sim_host_stack(h), k, &i), TCT_OK);
  return i;
}

enum { BYTES = 4000000 };

/* A queue that marks beyond 30000 bytes and holds 200000: nothing is lost, nothing sent again, the
 * window is cut, and both ends have counted the same marks. */
static void marks(tct_ecn ecn, tct_profile profile, bool v6) {
  tct_sim *w = tct_sim_new(7);
  tct_sim_host *a = host_new(w, 1, v6, ecn, profile), *b = host_new(w, 2, v6, ecn, profile);
  tct_sim_path forth = {
      .delay_ns = MS(10), .rate_bps = 20000000, .queue_bytes = 400000, .mark_bytes = 30000};
  tct_sim_path back = {.delay_ns = MS(10)};
  tct_sim_link_new(w, tct_sim_host_end(a), tct_sim_host_end(b), &forth, &back);
  tct_sim_flow from = {.tx_total = BYTES, .tx_key = 1};
  tct_sim_flow to = {.rx_key = 1};
  tct_sim_server v = {.flows = &to, .n_flows = 1};
  assert_int_equal(tct_sim_server_open(&v, b), TCT_OK);
  assert_int_equal(tct_sim_server_start(&v, 80, 4), TCT_OK);
  tct_endpoint e = {.addr = tct_sim_host_addr(b), .port = 80};
  assert_int_equal(tct_sim_flow_open(&from, a), TCT_OK);
  assert_int_equal(tct_sim_flow_connect_sock(&from, &e), TCT_OK);
  (void)tct_sim_run(w, MS(20000));
  assert_int_equal(to.rx_done, BYTES);
  assert_false(to.rx_wrong);
  tct_info ia = info_of(a, from.app.sock), ib = info_of(b, to.app.sock);
  assert_int_equal(ia.total_retrans, 0);
  assert_true(ia.snd_ssthresh < BYTES); /* it was cut */
  assert_true(ib.received_ce > 0);
  assert_int_equal(ia.ecn_mode,
                   ecn == TCT_ECN_ACCURATE ? TCT_INFO_ECN_ACCURATE : TCT_INFO_ECN_CLASSIC);
  if (ecn == TCT_ECN_ACCURATE) {
    assert_int_equal(ia.delivered_ce, ib.received_ce);
    assert_int_equal(ia.delivered_ce_bytes, ib.received_ce_bytes);
    assert_int_equal(ia.delivered_e0_bytes, ib.received_e0_bytes);
    assert_int_equal(ib.received_ce_bytes + ib.received_e0_bytes, BYTES);
  }
  tct_sim_free(w);
}

static void bottleneck__marks_instead_of_losses__all_arrives_once(void **state) {
  (void)state;
  for (unsigned i = 0; i < 8; i++)
    marks(i & 1 ? TCT_ECN_ACCURATE : TCT_ECN_ON, i & 2 ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX,
          (i & 4) != 0);
}

/* ---- A black hole ---------------------------------------------------------------------------- */

enum { FLYING_MAX = 4096, FRAME_MAX = 1600 };

struct flying {
  tct_time at;
  uint32_t len;
  uint8_t bytes[FRAME_MAX];
};
struct side {
  tct_stack *s;
  tct_if ifc;
  struct failing_alloc mem;
  struct flying *in; /* on their way to it, a ring */
  unsigned head, n;
};
struct hole {
  struct side side[2];
  tct_time now;
  uint32_t limit; /* bytes of an IP packet that get through from side 0 */
  unsigned swallowed;
};

static void side_init(struct hole *h, unsigned i, bool v6, tct_mtu_probing mode) {
  struct side *d = &h->side[i];
  tct_config c;
  int err;
  failing_alloc_init(&d->mem);
  tct_config_init(&c, sizeof c);
  c.alloc = d->mem.vtable;
  c.deterministic = true;
  c.seed[0] = (uint8_t)(i + 1);
  c.profile = mode == TCT_MTU_PROBING_ALWAYS ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX;
  c.mtu_probing = (uint8_t)mode;
  c.mtu_probe_interval_s = 10;
  c.rcvbuf_bytes = c.rcvbuf_max_bytes = 60000;
  d->s = tct_new(&c, &err);
  assert_non_null(d->s);
  tct_if_config ic = {.size = sizeof ic, .mtu = 1500};
  assert_int_equal(tct_if_add(d->s, &ic, &d->ifc), TCT_OK);
  tct_addr a = v6 ? (tct_addr){{0xfd, 7, [15] = (uint8_t)(i + 1)}}
                  : tct_addr_ipv4(10, 0, 0, (uint8_t)(i + 1));
  assert_int_equal(tct_if_addr_add(d->s, d->ifc, a, v6 ? 64 : 24), TCT_OK);
  d->in = calloc(FLYING_MAX, sizeof *d->in);
  assert_non_null(d->in);
}

static void pull(struct hole *h, unsigned i) {
  struct side *other = &h->side[1 - i];
  tct_frame f;
  while (tct_output(h->side[i].s, h->side[i].ifc, &f, 1, h->now) == 1) {
    if (i == 0 && f.len > h->limit) {
      h->swallowed++;
      continue;
    }
    assert_true(other->n < FLYING_MAX && f.len <= FRAME_MAX);
    struct flying *to = &other->in[(other->head + other->n++) % FLYING_MAX];
    to->at = h->now + MS(10);
    to->len = 0;
    for (uint32_t k = 0; k < f.n_iov; k++) {
      memcpy(to->bytes + to->len, f.iov[k].base, f.iov[k].len);
      to->len += (uint32_t)f.iov[k].len;
    }
  }
}

static void push(struct hole *h, unsigned i) {
  struct side *d = &h->side[i];
  while (d->n > 0 && d->in[d->head].at <= h->now) {
    struct flying *from = &d->in[d->head];
    tct_iov v = {from->bytes, from->len};
    tct_frame f = {.iov = &v, .n_iov = 1, .len = from->len};
    d->head = (d->head + 1) % FLYING_MAX;
    d->n--;
    tct_input(d->s, d->ifc, &f, 1, h->now);
  }
}

static void step(struct hole *h) {
  h->now += MS(1);
  for (unsigned i = 0; i < 2; i++) {
    tct_advance(h->side[i].s, h->now);
    push(h, i);
  }
  for (unsigned i = 0; i < 2; i++)
    pull(h, i);
}

struct flow { /* from side 0 to side 1, as much as goes */
  struct hole *h;
  tct_sock l, k, child;
  uint64_t got;
};

static void flow_for(struct flow *f, unsigned ms) {
  static uint8_t data[65536];
  tct_stack *from = f->h->side[0].s, *to = f->h->side[1].s;
  while (ms-- > 0) {
    step(f->h);
    if (f->child.gen == 0 && tct_sock_accept(to, f->l, NULL, &f->child) != TCT_OK)
      f->child.gen = 0;
    long n = tct_sock_send(from, f->k, data, sizeof data, 0);
    assert_true(n > 0 || n == TCT_EAGAIN);
    n = f->child.gen != 0 ? tct_sock_recv(to, f->child, data, sizeof data, 0) : 0;
    f->got += n > 0 ? (uint64_t)n : 0;
  }
}

static void expect_size(struct flow *f, bool v6, uint32_t limit) {
  tct_info i = {.size = sizeof i};
  assert_int_equal(tct_sock_info(f->h->side[0].s, f->k, &i), TCT_OK);
  uint32_t packet = i.snd_mss + 12 + (v6 ? 60 : 40);
  assert_true(packet <= limit && packet + 16 > limit);
}

/* No loss was taken for congestion. */
static bool uncut(struct flow *f) {
  tct_info i = {.size = sizeof i};
  assert_int_equal(tct_sock_info(f->h->side[0].s, f->k, &i), TCT_OK);
  return i.snd_ssthresh >= 0x3fffffff && i.total_rto == 0;
}

static struct flow open_flow(struct hole *h, bool v6, tct_mtu_probing mode) {
  struct flow f = {.h = h};
  for (unsigned i = 0; i < 2; i++)
    side_init(h, i, v6, mode);
  tct_addr to = v6 ? (tct_addr){{0xfd, 7, [15] = 2}} : tct_addr_ipv4(10, 0, 0, 2);
  tct_endpoint e = {.addr = to, .port = 80};
  assert_int_equal(tct_sock_open(h->side[1].s, TCT_TCP, NULL, &f.l), TCT_OK);
  assert_int_equal(tct_sock_bind(h->side[1].s, f.l, &e), TCT_OK);
  assert_int_equal(tct_sock_listen(h->side[1].s, f.l, 4), TCT_OK);
  assert_int_equal(tct_sock_open(h->side[0].s, TCT_TCP, NULL, &f.k), TCT_OK);
  assert_int_equal(tct_sock_connect(h->side[0].s, f.k, &e), TCT_OK);
  return f;
}

static void end_flow(struct hole *h) {
  for (unsigned n = 0; n < 2; n++) {
    tct_free(h->side[n].s);
    failing_alloc_finish(&h->side[n].mem);
    free(h->side[n].in);
  }
}

/* The search ends within the threshold below what passes, no window was cut on the way, and what
 * was lost is what was tried. */
static void search(bool v6, uint32_t limit) {
  struct hole h = {.now = MS(1000), .limit = limit};
  struct flow f = open_flow(&h, v6, TCT_MTU_PROBING_ALWAYS);
  flow_for(&f, 8000);
  expect_size(&f, v6, limit);
  assert_int_equal(uncut(&f), true);
  assert_true(f.got > 1000000);
  assert_true(h.swallowed > 0);
  h.limit = 1500; /* another path: found at the next search */
  flow_for(&f, 8000);
  expect_size(&f, v6, 1500);
  assert_int_equal(uncut(&f), true);
  end_flow(&h);
}

/* The path narrows in silence, far below where the search begins: down by halves, then up again. */
static void survive(bool v6, uint32_t limit) {
  struct hole h = {.now = MS(1000), .limit = 1500};
  struct flow f = open_flow(&h, v6, TCT_MTU_PROBING_BLACK_HOLE);
  flow_for(&f, 2000);
  uint64_t before = f.got;
  assert_int_equal(h.swallowed, 0);
  h.limit = limit;
  flow_for(&f, 30000);
  assert_true(f.got > before + 1000000);
  expect_size(&f, v6, limit);
  end_flow(&h);
}

static void black_hole__probing_from_the_start__finds_what_passes(void **state) {
  (void)state;
  for (uint32_t limit = 1280; limit < 1500; limit += 53)
    for (unsigned v6 = 0; v6 < 2; v6++)
      search(v6 != 0, limit);
}

static void black_hole__in_the_midst_of_a_transfer__goes_on_smaller(void **state) {
  (void)state;
  for (unsigned v6 = 0; v6 < 2; v6++) {
    survive(v6 != 0, 1300);
    survive(v6 != 0, 900);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bottleneck__marks_instead_of_losses__all_arrives_once),
      cmocka_unit_test(black_hole__probing_from_the_start__finds_what_passes),
      cmocka_unit_test(black_hole__in_the_midst_of_a_transfer__goes_on_smaller),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
