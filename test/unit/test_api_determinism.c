/* SPDX-License-Identifier: MIT */
/*
 * One seed, one history: the same calls give the same frames; and quiet `active` blocks that are
 * given back at random moments change none of them.
 */
#include "stack_probe.h"
#include "test/lib/at.h"
#include "test/lib/world.h"

#define EXCHANGES 40

struct end {
  tct_sock k;
  bool open, closed;
  uint32_t sent, got, to_send; /* to_send: total owed so far */
};

struct play {
  struct world w;
  struct tct_prng rng;  /* of the applications and the link */
  struct tct_prng drop; /* of the blocks that are taken away: apart, so that it disturbs nothing */
  bool drops;
  unsigned dropped;
  tct_sock listener;
  struct end end[2];
  uint32_t loss_percent;
};

static bool lose(void *ctx, unsigned from, const uint8_t *bytes, size_t len) {
  struct play *p = ctx;
  (void)from;
  (void)bytes;
  (void)len;
  return tct_prng_u32(&p->rng) % 100 < p->loss_percent;
}

/* Gives back some of the blocks that say they are quiet. */
static void drop_quiet(struct play *p, unsigned i) {
  tct_stack *s = p->w.s[i];
  struct tct_tcp *found[4];
  unsigned n = 0;
  for (uint32_t k = 0; k < tct_slab_index_end(&s->tcp->conns) && n < 4; k++) {
    struct tct_tcp *c = tct_slab_at(&s->tcp->conns, k);
    struct tct_tcp_active *a = tct_tcp_block_is_live(s, c) ? c->active : NULL;
    if (a == NULL || !tct_list_is_linked(&a->quiet))
      continue;
    tct_tcp_block_settle(s, c); /* it may be in use again since, as reclaim asks too */
    if (tct_tcp_block_may_drop_active(s, c) && tct_prng_u32(&p->drop) % 2 != 0)
      found[n++] = c;
  }
  for (unsigned k = 0; k < n; k++)
    tct_tcp_block_drop_active(s, found[k]);
  p->dropped += n;
}

static void read_write(struct play *p, unsigned i) {
  struct end *e = &p->end[i];
  uint8_t buf[2000];
  long n;
  while ((n = tct_sock_recv(p->w.s[i], e->k, buf, sizeof buf, 0)) > 0)
    e->got += (uint32_t)n;
  while (e->sent < e->to_send) {
    size_t want = e->to_send - e->sent < sizeof buf ? e->to_send - e->sent : sizeof buf;
    memset(buf, (int)e->sent, want);
    n = tct_sock_send(p->w.s[i], e->k, buf, want, 0);
    if (n <= 0)
      return;
    e->sent += (uint32_t)n;
  }
}

static void turn(void *ctx) {
  struct play *p = ctx;
  tct_event ev;
  if (!p->end[1].open)
    p->end[1].open = tct_sock_accept(p->w.s[1], p->listener, NULL, &p->end[1].k) == TCT_OK;
  for (unsigned i = 0; i < 2; i++) {
    struct end *e = &p->end[i];
    if (e->open && !e->closed)
      read_write(p, i);
    while (tct_event_next(p->w.s[i], &ev)) {
      if (ev.sock.index == e->k.index && ev.sock.gen == e->k.gen && (ev.flags & TCT_EV_CLOSED) != 0)
        e->closed = true;
    }
    if (p->drops)
      drop_quiet(p, i);
  }
}

static void open_both(struct play *p) {
  struct world *w = &p->w;
  tct_endpoint at = {w->addr[1], 80, {0, 0}};
  assert_int_equal(tct_sock_open(w->s[1], TCT_TCP, NULL, &p->listener), TCT_OK);
  assert_int_equal(tct_sock_bind(w->s[1], p->listener, &at), TCT_OK);
  assert_int_equal(tct_sock_listen(w->s[1], p->listener, 5), TCT_OK);
  assert_int_equal(tct_sock_open(w->s[0], TCT_TCP, NULL, &p->end[0].k), TCT_OK);
  if (tct_prng_u32(&p->rng) % 2 != 0) {
    assert_int_equal(tct_sock_set(w->s[0], p->end[0].k, TCT_OPT_KEEPALIVE, 1), TCT_OK);
    assert_int_equal(tct_sock_set(w->s[0], p->end[0].k, TCT_OPT_KEEPIDLE_S, 7), TCT_OK);
  }
  assert_int_equal(tct_sock_connect(w->s[0], p->end[0].k, &at), TCT_OK);
  p->end[0].open = true;
}

static uint32_t draw_size(struct play *p) {
  uint32_t kind = tct_prng_u32(&p->rng) % 4;
  return kind == 0 ? 1 : kind == 1 ? tct_prng_u32(&p->rng) % 3000 : tct_prng_u32(&p->rng) % 40000;
}

static tct_time draw_pause(struct play *p) {
  static const tct_time pauses[] = {TCT_MS(1), TCT_MS(30), TCT_MS(300), TCT_S(3), TCT_S(20)};
  return pauses[tct_prng_u32(&p->rng) % TCT_ARRAY_LEN(pauses)];
}

/* A talk with pauses of all lengths: requests one way or the other, options changed meanwhile. */
static void talk(struct play *p) {
  for (unsigned i = 0; i < EXCHANGES; i++) {
    unsigned who = tct_prng_u32(&p->rng) % 2;
    p->end[who].to_send += draw_size(p);
    world_run(&p->w, p->w.now + draw_pause(p));
    if (p->end[who].open && !p->end[who].closed && tct_prng_u32(&p->rng) % 4 == 0)
      (void)!tct_sock_set(p->w.s[who], p->end[who].k, TCT_OPT_NODELAY, tct_prng_u32(&p->rng) % 2);
  }
  world_run(&p->w, p->w.now + TCT_S(300));
  for (unsigned i = 0; i < 2; i++) {
    if (p->end[i].open && !p->end[i].closed)
      (void)tct_sock_shutdown(p->w.s[i], p->end[i].k, TCT_SHUT_WR);
    world_run(&p->w, p->w.now + draw_pause(p));
  }
  world_run(&p->w, p->w.now + TCT_S(1000));
}

/* No counters, nothing learnt on the side: NewReno needs no record. */
static void basic(tct_config *c) {
  c->info = TCT_INFO_BASIC;
  c->congestion = TCT_CC_NEWRENO;
}

/* And buffers that do not grow. */
static void basic_fixed(tct_config *c) {
  basic(c);
  c->rcvbuf_bytes = c->rcvbuf_max_bytes = 32768;
}

static uint64_t play(uint8_t seed, bool drops, uint8_t drop_seed, struct play *p) {
  uint8_t s[32] = {seed, 1}, d[32] = {drop_seed, 2};
  struct world_how how = {.seed = seed, .ipv6 = seed % 2 != 0, .linux_profile = seed % 4 < 2};
  how.config = seed <= 24 ? NULL : seed <= 48 ? basic : basic_fixed;
  memset(p, 0, sizeof *p);
  world_start(&p->w, how, false);
  tct_prng_init(&p->rng, s);
  tct_prng_init(&p->drop, d);
  p->drops = drops;
  p->loss_percent = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 2 : 10;
  p->w.lose = lose;
  p->w.turn = turn;
  p->w.ctx = p;
  open_both(p);
  talk(p);
  uint64_t digest = p->w.digest;
  assert_true(p->w.frames > 60);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(p->end[i].got, p->end[1 - i].sent);
  world_end(&p->w);
  return digest;
}

static void same_seed_same_calls__twice__same_frames(void **state) {
  (void)state;
  static struct play p;
  uint64_t last = 0;
  for (uint8_t seed = 1; seed <= 8; seed++) {
    uint64_t digest = play(seed, false, 0, &p);
    assert_true(digest == play(seed, false, 0, &p));
    assert_true(digest != last); /* and another seed, others */
    last = digest;
  }
}

static void quiet_blocks_given_back_at_random__no_frame_changes(void **state) {
  (void)state;
  static struct play p;
  for (uint8_t seed = 1; seed <= 72; seed++) {
    uint64_t digest = play(seed, false, 0, &p);
    unsigned frames = p.w.frames;
    for (uint8_t d = 1; d <= 2; d++) {
      uint64_t other = play(seed, true, d, &p);
      assert_true(p.dropped > 0);
      if (other != digest)
        fail_msg("seed %u, drops %u: %u frames instead of %u, or others", seed, d, p.w.frames,
                 frames);
    }
  }
}

/* ---- Very many connections --------------------------------------------------------------------
 */

enum { MANY = 800 };
struct many {
  struct world w;
  tct_sock listener, client[MANY], server[MANY];
  uint32_t accepted, got;
};

static void echo_all(void *ctx) {
  struct many *m = ctx;
  uint8_t buf[100];
  long n;
  tct_event ev;
  for (unsigned i = 0; i < 2; i++)
    while (tct_event_next(m->w.s[i], &ev))
      continue;
  while (m->accepted < MANY &&
         tct_sock_accept(m->w.s[1], m->listener, NULL, &m->server[m->accepted]) == TCT_OK)
    m->accepted++;
  for (unsigned i = 0; i < m->accepted; i++) {
    if ((n = tct_sock_recv(m->w.s[1], m->server[i], buf, sizeof buf, 0)) > 0)
      assert_int_equal(tct_sock_send(m->w.s[1], m->server[i], buf, (size_t)n, 0), n);
    if ((n = tct_sock_recv(m->w.s[0], m->client[i], buf, sizeof buf, 0)) > 0)
      m->got += (uint32_t)n;
  }
}

static void ask_all(struct many *m) {
  for (unsigned i = 0; i < MANY; i++) {
    assert_int_equal(tct_sock_send(m->w.s[0], m->client[i], "0123456789", 10, 0), 10);
    world_run(&m->w, m->w.now + TCT_MS(1));
  }
  world_run(&m->w, m->w.now + TCT_MS(200));
}

/* Keeping all is what a probe asks for. */
static uint64_t talk_to_many(void (*config)(tct_config *c), bool keep, tct_info info[2],
                             struct many *m) {
  tct_endpoint at = {.port = 80};
  tct_counters n[2];
  memset(m, 0, sizeof *m);
  world_start(&m->w,
              (struct world_how){.seed = 9, .linux_profile = config != NULL, .config = config},
              false);
  m->w.turn = echo_all;
  m->w.ctx = m;
  for (unsigned i = 0; i < 2 && keep; i++)
    tct_stack_probe_keep(m->w.s[i], TCT_NEVER);
  assert_int_equal(tct_sock_open(m->w.s[1], TCT_TCP, NULL, &m->listener), TCT_OK);
  assert_int_equal(tct_sock_bind(m->w.s[1], m->listener, &at), TCT_OK);
  assert_int_equal(tct_sock_listen(m->w.s[1], m->listener, MANY), TCT_OK);
  at.addr = m->w.addr[1];
  for (unsigned i = 0; i < MANY; i++) {
    assert_int_equal(tct_sock_open(m->w.s[0], TCT_TCP, NULL, &m->client[i]), TCT_OK);
    assert_int_equal(tct_sock_connect(m->w.s[0], m->client[i], &at), TCT_OK);
    world_run(&m->w, m->w.now + TCT_MS(1));
  }
  world_run(&m->w, m->w.now + TCT_MS(100));
  ask_all(m);
  ask_all(m);
  assert_int_equal(m->got, 2 * 10 * MANY);
  for (unsigned i = 0; i < 2; i++) {
    info[i].size = sizeof info[i];
    assert_int_equal(tct_sock_info(m->w.s[i], i == 0 ? m->client[7] : m->server[7], &info[i]),
                     TCT_OK);
    tct_stack_counters(m->w.s[i], &n[i]);
    assert_int_equal(n[i].ActiveNow > MANY / 2, keep);
  }
  uint64_t digest = m->w.digest;
  world_end(&m->w);
  return digest;
}

static void quiet_among_many__block_makes_way__no_frame_and_no_figure_changes(void **state) {
  (void)state;
  static struct many m;
  tct_info kept[2], gone[2];
  void (*const configs[])(tct_config *) = {NULL, basic_fixed};
  for (unsigned k = 0; k < TCT_ARRAY_LEN(configs); k++) {
    uint64_t digest = talk_to_many(configs[k], true, kept, &m);
    assert_true(digest == talk_to_many(configs[k], false, gone, &m));
    for (unsigned i = 0; i < 2; i++) {
      assert_true(kept[i].rcv_rtt != 0);
      assert_memory_equal(&kept[i], &gone[i], sizeof kept[i]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_seed_same_calls__twice__same_frames),
      cmocka_unit_test(quiet_blocks_given_back_at_random__no_frame_changes),
      cmocka_unit_test(quiet_among_many__block_makes_way__no_frame_and_no_figure_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
