/* SPDX-License-Identifier: MIT */
/*
 * The short way out says and remembers what the general one would: the same talk, between stacks
 * that take it and stacks that do not, gives the same frames at the same times, the same news and
 * the same windows. (That each single plan and frame is the same is asserted in all check builds.)
 */
#include "test/lib/at.h"
#include "test/lib/world.h"

#define EXCHANGES 30
#define SEEDS 100

struct end {
  tct_sock k;
  bool open, closed;
  uint32_t sent, got, to_send;
};

struct play {
  struct world w;
  struct tct_prng rng; /* of the applications and the link */
  tct_sock listener;
  struct end end[2];
  uint32_t loss_percent;
  uint64_t plain_n, news;
  uint32_t windows[6];
};

static uint64_t mood; /* bits that choose the configuration, the same on both sides */

static void configure(tct_config *c) {
  c->info = (mood & 1) != 0 ? TCT_INFO_BASIC : TCT_INFO_FULL;
  c->no_timestamps = (mood & 2) != 0;
  c->no_sack = (mood & 4) != 0;
  c->pacing = (mood & 0x70) == 0 ? TCT_ON : TCT_OFF;
  c->congestion = (mood & 8) != 0 ? TCT_CC_NEWRENO : TCT_CC_CUBIC;
  c->ecn = (mood & 0x700) == 0 ? TCT_ECN_ON : TCT_ECN_OFF;
  c->tlp = (mood & 0x1000) != 0 ? TCT_ON : TCT_OFF;
}

static uint32_t draw(struct play *p, uint32_t n) {
  return tct_prng_u32(&p->rng) % n;
}

static bool lose(void *ctx, unsigned from, const uint8_t *bytes, size_t len) {
  struct play *p = ctx;
  (void)from;
  (void)bytes;
  (void)len;
  return draw(p, 100) < p->loss_percent;
}

static unsigned draw_flags(struct play *p) {
  uint32_t kind = draw(p, 200);
  return kind == 0 ? TCT_MSG_MORE : kind == 1 ? TCT_MSG_EOR : kind == 2 ? TCT_MSG_URGENT : 0;
}

static void read_write(struct play *p, unsigned i) {
  struct end *e = &p->end[i];
  uint8_t buf[3000];
  long n;
  while ((n = tct_sock_recv(p->w.s[i], e->k, buf, 1 + draw(p, sizeof buf), 0)) > 0)
    e->got += (uint32_t)n;
  while (e->sent < e->to_send) {
    size_t want = e->to_send - e->sent < sizeof buf ? e->to_send - e->sent : sizeof buf;
    memset(buf, (int)e->sent, want);
    n = tct_sock_send(p->w.s[i], e->k, buf, want, e->closed ? 0 : draw_flags(p));
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
      p->news = p->news * 31 + ev.flags + i;
      if (ev.sock.index == e->k.index && ev.sock.gen == e->k.gen && (ev.flags & TCT_EV_CLOSED) != 0)
        e->closed = true;
    }
  }
}

static void open_both(struct play *p) {
  struct world *w = &p->w;
  tct_endpoint at = {w->addr[1], 80, {0, 0}};
  assert_int_equal(tct_sock_open(w->s[1], TCT_TCP, NULL, &p->listener), TCT_OK);
  assert_int_equal(tct_sock_bind(w->s[1], p->listener, &at), TCT_OK);
  assert_int_equal(tct_sock_listen(w->s[1], p->listener, 5), TCT_OK);
  assert_int_equal(tct_sock_open(w->s[0], TCT_TCP, NULL, &p->end[0].k), TCT_OK);
  assert_int_equal(tct_sock_connect(w->s[0], p->end[0].k, &at), TCT_OK);
  p->end[0].open = true;
}

/* What the template and the plan depend on changes in the middle of it. */
static void change_option(struct play *p, unsigned who) {
  static const struct {
    tct_opt o;
    int64_t value[3];
  } choice[] = {{TCT_OPT_NODELAY, {0, 1, 1}},
                {TCT_OPT_CORK, {0, 1, 0}},
                {TCT_OPT_HOP_LIMIT, {64, 17, 255}},
                {TCT_OPT_DSCP, {0, 10, 46}},
                {TCT_OPT_QUICKACK, {0, 1, 1}},
                {TCT_OPT_WINDOW_CLAMP, {0, 5000, 30000}},
                {TCT_OPT_NOTSENT_LOWAT, {0, 4000, 100000}},
                {TCT_OPT_USER_TIMEOUT_MS, {0, 60000, 0}},
                {TCT_OPT_PMTU_DISCOVER, {0, 1, 1}},
                {TCT_OPT_KEEPALIVE, {0, 1, 1}},
                {TCT_OPT_MAX_PACING_RATE, {0, 2000000, 0}}};
  uint32_t i = draw(p, TCT_ARRAY_LEN(choice));
  (void)!tct_sock_set(p->w.s[who], p->end[who].k, choice[i].o, choice[i].value[draw(p, 3)]);
}

static uint32_t draw_size(struct play *p) {
  uint32_t kind = draw(p, 4);
  return kind == 0 ? 1 : draw(p, kind == 1 ? 3000 : 60000);
}

static void talk(struct play *p) {
  static const tct_time pauses[] = {TCT_MS(1), TCT_MS(15), TCT_MS(45), TCT_MS(300), TCT_S(3)};
  for (unsigned i = 0; i < EXCHANGES; i++) {
    unsigned who = draw(p, 2);
    p->end[who].to_send += draw_size(p);
    world_run(&p->w, p->w.now + pauses[draw(p, TCT_ARRAY_LEN(pauses))]);
    if (p->end[who].open && !p->end[who].closed && draw(p, 5) == 0)
      change_option(p, who);
  }
}

static void look(struct play *p) {
  for (unsigned i = 0; i < 2; i++) {
    const struct tct_tcp_state *t = p->w.s[i]->tcp;
    p->plain_n += t->plain_n;
    struct tct_tcp *c = tct_tcp_block_at(p->w.s[i], p->end[i].k);
    if (c == NULL)
      continue;
    p->windows[3 * i] = c->cc.cwnd;
    p->windows[3 * i + 1] = c->cc.ssthresh;
    p->windows[3 * i + 2] = c->rtt.srtt_us8;
  }
}

static void play(struct play *p, uint8_t seed, bool general) {
  uint8_t key[32] = {seed};
  memset(p, 0, sizeof *p);
  tct_prng_init(&p->rng, key);
  mood = tct_prng_u32(&p->rng);
  struct world_how how = {.ipv6 = seed % 3 == 0,
                          .linux_profile = seed % 4 != 0,
                          .ethernet = seed % 7 == 0 && seed % 3 != 0,
                          .seed = seed,
                          .delay_ns = seed % 5 == 0 ? TCT_US(20) : TCT_MS(10),
                          .config = configure};
  (void)world_start(&p->w, how, false);
  for (unsigned i = 0; i < 2; i++)
    p->w.s[i]->cfg.no_fast_path = general;
  p->w.ctx = p;
  p->w.turn = turn;
  p->w.lose = lose;
  p->loss_percent = seed % 2 == 0 ? 0 : draw(p, 4);
  open_both(p);
  world_run(&p->w, p->w.now + TCT_MS(100));
  talk(p);
  look(p);
  world_end(&p->w);
}

static void same_talk__short_way_or_general__same_frames(void **state) {
  (void)state;
  static struct play a, b;
  uint64_t plain_n = 0, frames = 0;
  for (uint8_t seed = 1; seed <= SEEDS; seed++) {
    play(&a, seed, false);
    play(&b, seed, true);
    assert_int_equal(b.plain_n, 0);
    if (a.w.digest != b.w.digest || a.news != b.news)
      fail_msg("seed %u: %u frames instead of %u, or others, or other news", seed, a.w.frames,
               b.w.frames);
    assert_memory_equal(a.windows, b.windows, sizeof a.windows);
    plain_n += a.plain_n;
    frames += a.w.frames;
  }
  assert_true(plain_n > frames / 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_talk__short_way_or_general__same_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
