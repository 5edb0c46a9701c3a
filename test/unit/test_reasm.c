/* SPDX-License-Identifier: MIT */
/* Fragments: every order, every lie, and a flood. RFC 791, 815, 1122 3.3.2, 5722, 8200 4.5. */
#include "test/unit/fake_stack.h"

static uint8_t pkt[70000];

struct whole { /* a datagram to be cut: UDP to a port that a socket reads */
  tct_addr src, dst;
  uint32_t id;
  uint8_t l4[65536];
  size_t len;
};

static void make_whole(struct whole *w, tct_addr src, tct_addr dst, size_t payload) {
  w->src = src;
  w->dst = dst;
  w->len = payload + 8;
  for (size_t i = 0; i < payload; i++)
    w->l4[8 + i] = (uint8_t)(i * 7 + i / 256);
  tct_iov v = {w->l4 + 8, payload};
  tct_wire_udp_emit(w->l4, 5000, 9, (uint16_t)payload);
  tct_wire_udp_finish(w->l4, &src, &dst, &v, 1);
}

static size_t make_frag(uint8_t *p, const struct whole *w, size_t off, size_t len, bool more) {
  struct tct_ip_hdr h = {.src = w->src,
                         .dst = w->dst,
                         .proto = 17,
                         .id = w->id,
                         .is_frag = true,
                         .frag_off_bytes = (uint16_t)off,
                         .frag_more = more};
  return make_ip(p, h, w->l4 + off, len);
}

static tct_verdict send_frag(struct fake *f, const struct whole *w, size_t off, size_t len) {
  size_t n = make_frag(pkt, w, off, len, off + len < w->len);
  return fake_in(f, 0, pkt, n);
}

static tct_sock open_reader(struct fake *f) {
  tct_sock k;
  tct_endpoint at = {.port = 9};
  assert_int_equal(tct_udp_open(&f->s, NULL, &k), TCT_OK);
  assert_int_equal(tct_udp_bind(&f->s, k, &at), TCT_OK);
  return k;
}

static void expect_payload(struct fake *f, tct_sock k, const struct whole *w) {
  static uint8_t got[66000];
  assert_int_equal(tct_udp_recv(&f->s, k, NULL, got, sizeof got, 0), (long)w->len - 8);
  assert_memory_equal(got, w->l4 + 8, w->len - 8);
}

static struct whole *new_whole(int family, size_t payload) {
  struct whole *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->id = 42;
  if (family == 4)
    make_whole(w, A4(10, 0, 0, 2), A4(10, 0, 0, 1), payload);
  else
    make_whole(w, A6(2), A6(1), payload);
  return w;
}

/* All 24 orders of four fragments, both families. */
static void four_fragments__any_order__one_datagram(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2)
    for (int perm = 0; perm < 24; perm++) {
      struct fake *f = fake_new();
      struct whole *w = new_whole(family, 72); /* 80 bytes: 24 + 24 + 24 + 8 */
      tct_sock k = open_reader(f);
      int left[4] = {0, 1, 2, 3}, code = perm;
      for (int n = 4; n > 0; n--) {
        int pick = code % n;
        code /= n;
        size_t off = (size_t)left[pick] * 24;
        left[pick] = left[n - 1];
        tct_verdict v = send_frag(f, w, off, off == 72 ? 8 : 24);
        assert_int_equal(v, n == 1 ? TCT_ACCEPTED : TCT_HELD_FRAGMENT);
        fake_check(f);
      }
      expect_payload(f, k, w);
      assert_int_equal(f->s.n.ReasmOKs, 1);
      assert_int_equal(tct_ip_next_deadline(&f->s), TCT_NEVER);
      free(w);
      fake_free(f);
    }
}

static void largest_datagram__65507_bytes__arrives(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(4, 65507);
  tct_sock k = open_reader(f);
  for (size_t off = 0; off < w->len; off += 1480)
    send_frag(f, w, off, w->len - off < 1480 ? w->len - off : 1480);
  expect_payload(f, k, w);
  free(w);
  fake_free(f);
}

static void duplicate__exact__ignored(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2) {
    struct fake *f = fake_new();
    struct whole *w = new_whole(family, 40);
    tct_sock k = open_reader(f);
    for (int i = 0; i < 3; i++)
      assert_int_equal(send_frag(f, w, 0, 24), TCT_HELD_FRAGMENT);
    assert_int_equal(send_frag(f, w, 24, 24), TCT_ACCEPTED);
    expect_payload(f, k, w);
    free(w);
    fake_free(f);
  }
}

/* A088, A107, RFC 5722: all overlaps on an 8-byte grid, before and after, and what comes later. */
static void overlap__any_shape__kills_the_datagram_for_good(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2)
    for (size_t off = 0; off <= 48; off += 8)
      for (size_t len = 8; off + len <= 72; len += 8) {
        if (off + len <= 24 || off >= 48 || (off == 24 && len == 24))
          continue; /* beside the one that is held, or the same */
        struct fake *f = fake_new();
        struct whole *w = new_whole(family, 72);
        tct_sock k = open_reader(f);
        assert_int_equal(send_frag(f, w, 24, 24), TCT_HELD_FRAGMENT);
        assert_int_equal(send_frag(f, w, off, len), TCT_DROP_FRAGMENT_OVERLAP);
        assert_int_equal(send_frag(f, w, 0, 24), TCT_DROP_FRAGMENT_OVERLAP);
        assert_int_equal(send_frag(f, w, 48, 32), TCT_DROP_FRAGMENT_OVERLAP);
        assert_int_equal(tct_udp_recv(&f->s, k, NULL, pkt, 10, 0), TCT_EAGAIN);
        clock_set(&f->s, f->s.now + TCT_S(60));
        tct_ip_advance(&f->s);
        assert_false(fake_out(f, 0)); /* silently: RFC 5722 4 */
        assert_int_equal(tct_ip_next_deadline(&f->s), TCT_NEVER);
        free(w);
        fake_free(f);
      }
}

static void duplicate__other_bytes__kills_the_datagram(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(6, 40);
  assert_int_equal(send_frag(f, w, 0, 24), TCT_HELD_FRAGMENT);
  w->l4[20] ^= 1;
  assert_int_equal(send_frag(f, w, 0, 24), TCT_DROP_FRAGMENT_OVERLAP);
  free(w);
  fake_free(f);
}

/* The end may be told once, and nothing may lie behind it. */
static void total__contradicted__kills_the_datagram(void **state) {
  (void)state;
  struct whole *w = new_whole(4, 192);
  const struct {
    size_t off, len;
    bool more;
  } rows[][2] = {
      {{96, 8, false}, {104, 8, true}},  /* behind the end */
      {{96, 8, false}, {88, 8, false}},  /* another end, before */
      {{96, 8, false}, {104, 8, false}}, /* another end, behind */
      {{104, 8, true}, {88, 8, false}},  /* an end before what is held */
  };
  for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct fake *f = fake_new();
    tct_verdict v = TCT_ACCEPTED;
    for (int k = 0; k < 2; k++) {
      size_t n = make_frag(pkt, w, rows[i][k].off, rows[i][k].len, rows[i][k].more);
      v = fake_in(f, 0, pkt, n);
    }
    assert_int_equal(v, TCT_DROP_FRAGMENT_OVERLAP);
    fake_free(f);
  }
  free(w);
}

/* A091 */
static void fragment_sizes__illegal__dropped_without_a_trace(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(4, 1000);
  assert_int_equal(fake_in(f, 0, pkt, make_frag(pkt, w, 0, 12, true)), TCT_DROP_FRAGMENT_SIZE);
  assert_int_equal(fake_in(f, 0, pkt, make_frag(pkt, w, 0, 0, true)), TCT_DROP_FRAGMENT_SIZE);
  assert_int_equal(fake_in(f, 0, pkt, make_frag(pkt, w, 8, 0, false)), TCT_DROP_FRAGMENT_SIZE);
  assert_int_equal(fake_in(f, 0, pkt, make_frag(pkt, w, 65528, 16, true)),
                   TCT_DROP_FRAGMENT_TOO_BIG);
  assert_int_equal(f->s.ip->reasm.bytes, 0);
  free(w);
  fake_free(f);
}

/* A089: offset + length beyond what one packet can be. */
static void ping_of_death__last_fragment_too_far__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct tct_ip_hdr h = {.src = A4(10, 0, 0, 2),
                         .dst = A4(10, 0, 0, 1),
                         .proto = 1,
                         .id = 6,
                         .is_frag = true,
                         .frag_off_bytes = 65528};
  static const uint8_t zeros[1480];
  assert_int_equal(fake_in(f, 0, pkt, make_ip(pkt, h, zeros, 100)), TCT_DROP_FRAGMENT_TOO_BIG);
  /* 65535 of payload: one fragment's own sum is legal, but not with the header. */
  for (uint32_t off = 0; off < 65520; off += 1456) {
    h.frag_off_bytes = (uint16_t)off;
    h.frag_more = true;
    assert_int_equal(fake_in(f, 0, pkt, make_ip(pkt, h, zeros, 1456)), TCT_HELD_FRAGMENT);
  }
  h.frag_off_bytes = 65520;
  h.frag_more = false;
  assert_int_equal(fake_in(f, 0, pkt, make_ip(pkt, h, zeros, 15)), TCT_DROP_FRAGMENT_TOO_BIG);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

/* RFC 1122 3.3.2, RFC 8200 4.5, A090: after 60 s, told only if the front came. */
static void timeout__front_seen__time_exceeded(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2)
    for (int front = 0; front < 2; front++) {
      struct fake *f = fake_new();
      struct whole *w = new_whole(family, 100);
      assert_int_equal(send_frag(f, w, front ? 0 : 24, 24), TCT_HELD_FRAGMENT);
      assert_int_equal(tct_ip_next_deadline(&f->s), f->s.now + TCT_S(60));
      clock_set(&f->s, f->s.now + TCT_S(60) - 1);
      tct_ip_advance(&f->s);
      assert_int_not_equal(f->s.ip->reasm.bytes, 0);
      clock_set(&f->s, f->s.now + 1);
      tct_ip_advance(&f->s);
      assert_int_equal(f->s.ip->reasm.bytes, 0);
      assert_int_equal(f->s.verdicts[TCT_DROP_FRAGMENT_TIMEOUT], 1);
      assert_int_equal(f->s.n.ReasmFails, 1);
      if (front) {
        struct tct_icmp_hdr e = fake_icmp(f, 0);
        assert_int_equal(e.kind, TCT_ICMP_TIME_EXCEEDED_REASSEMBLY);
        struct tct_icmp_quote q;
        assert_true(tct_wire_icmp_parse_quote((uint8_t)family, e.body, e.body_len, &q));
        assert_int_equal(q.sport, 5000);
        assert_addr(q.dst, w->dst);
      }
      assert_false(fake_out(f, 0));
      assert_int_equal(send_frag(f, w, 24, 84), TCT_HELD_FRAGMENT); /* all anew */
      free(w);
      fake_free(f);
    }
}

/* A fixed 60 s from the first: later fragments do not prolong it. */
static void timeout__fragments_keep_coming__not_prolonged(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(4, 1000);
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(send_frag(f, w, i * 8, 8), TCT_HELD_FRAGMENT);
    clock_set(&f->s, f->s.now + TCT_S(10));
  }
  tct_ip_advance(&f->s);
  assert_int_equal(f->s.ip->reasm.bytes, 0);
  free(w);
  fake_free(f);
}

/* RFC 6946: handled alone, whatever is held under the same identification. */
static void atomic_fragment__same_id_is_held__both_arrive(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(6, 40);
  tct_sock k = open_reader(f);
  assert_int_equal(send_frag(f, w, 0, 24), TCT_HELD_FRAGMENT);
  assert_int_equal(send_frag(f, w, 0, w->len), TCT_ACCEPTED);
  assert_int_equal(send_frag(f, w, 24, 24), TCT_ACCEPTED);
  expect_payload(f, k, w);
  expect_payload(f, k, w);
  free(w);
  fake_free(f);
}

/* Work on one datagram is bounded: 128 pieces, then it is dropped. */
static void tiny_fragments__more_than_the_limit__datagram_dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(4, 4000);
  for (size_t i = 0; i < TCT_IP_REASM_FRAGS_MAX; i++)
    assert_int_equal(send_frag(f, w, i * 8, 8), TCT_HELD_FRAGMENT);
  assert_int_equal(send_frag(f, w, 2000, 8), TCT_DROP_FRAGMENT_LIMIT);
  assert_true(f->s.ip->reasm.bytes < 1000);
  free(w);
  fake_free(f);
}

static void other_protocol_or_source__same_id__not_mixed(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(4, 40), *x = new_whole(4, 40);
  tct_sock k = open_reader(f);
  make_whole(x, A4(10, 0, 0, 3), A4(10, 0, 0, 1), 40);
  assert_int_equal(send_frag(f, w, 0, 24), TCT_HELD_FRAGMENT);
  assert_int_equal(send_frag(f, x, 24, 24), TCT_HELD_FRAGMENT);
  size_t n = make_frag(pkt, w, 24, 24, false);
  pkt[9] = 6; /* the same in TCP */
  tct_bytes_put16(pkt + 10, 0);
  tct_bytes_put16(pkt + 10, tct_checksum_of(pkt, 20));
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_HELD_FRAGMENT);
  assert_int_equal(send_frag(f, w, 24, 24), TCT_ACCEPTED);
  expect_payload(f, k, w);
  free(w);
  free(x);
  fake_free(f);
}

/* An extension header behind the fragment header: the chain is read when all is there. */
static void ipv6__destination_options_behind_fragment_header__walked(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *w = new_whole(6, 40);
  tct_sock k = open_reader(f);
  uint8_t chain[8 + 48] = {17, 0, 1, 4};
  memcpy(chain + 8, w->l4, 48);
  struct tct_ip_hdr h = {
      .src = w->src, .dst = w->dst, .proto = 60, .id = 3, .is_frag = true, .frag_more = true};
  assert_int_equal(fake_in(f, 0, pkt, make_ip(pkt, h, chain, 24)), TCT_HELD_FRAGMENT);
  h.frag_more = false;
  h.frag_off_bytes = 24;
  assert_int_equal(fake_in(f, 0, pkt, make_ip(pkt, h, chain + 24, 32)), TCT_ACCEPTED);
  expect_payload(f, k, w);
  free(w);
  fake_free(f);
}

/* A108, RFC 7112: a first fragment without the upper header. */
static void ipv6__first_fragment_without_chain__refused_with_code_3(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct tct_ip_hdr h = {
      .src = A6(2), .dst = A6(1), .proto = 6, .id = 3, .is_frag = true, .frag_more = true};
  assert_int_equal(fake_in(f, 0, pkt, make_ip(pkt, h, "12345678", 8)), TCT_DROP_IP6_FRAGMENT_CHAIN);
  struct tct_icmp_hdr e = fake_icmp(f, 0);
  assert_int_equal(e.kind, TCT_ICMP_PARAM_PROBLEM);
  assert_int_equal(e.code, 3);
  fake_free(f);
}

/* The port is closed: what is quoted is the datagram as a whole. */
static void closed_port__reassembled__unreachable_quotes_the_whole(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2) {
    struct fake *f = fake_new();
    struct whole *w = new_whole(family, 40);
    assert_int_equal(send_frag(f, w, 24, 24), TCT_HELD_FRAGMENT);
    assert_int_equal(send_frag(f, w, 0, 24), TCT_DROP_UDP_NO_SOCKET);
    struct tct_icmp_hdr e = fake_icmp(f, 0);
    assert_int_equal(e.kind, TCT_ICMP_UNREACH_PORT);
    assert_int_equal(e.body_len, (family == 4 ? 20 : 40) + w->len);
    assert_memory_equal(e.body + e.body_len - w->len, w->l4, w->len);
    free(w);
    fake_free(f);
  }
}

/* RFC 3168 5.3 */
static void ecn__ce_on_one_fragment__on_the_whole_or_dropped(void **state) {
  (void)state;
  for (int other = 0; other < 4; other++) {
    struct fake *f = fake_new();
    struct whole *w = new_whole(4, 40);
    tct_sock k = open_reader(f);
    tct_dgram d;
    struct tct_ip_hdr h = {.src = w->src,
                           .dst = w->dst,
                           .proto = 17,
                           .id = 1,
                           .is_frag = true,
                           .frag_more = true,
                           .tclass = (uint8_t)other};
    fake_in(f, 0, pkt, make_ip(pkt, h, w->l4, 24));
    h.frag_more = false;
    h.frag_off_bytes = 24;
    h.tclass = 3;
    tct_verdict v = fake_in(f, 0, pkt, make_ip(pkt, h, w->l4 + 24, 24));
    assert_int_equal(v, other == 0 ? TCT_DROP_FRAGMENT_OVERLAP : TCT_ACCEPTED);
    if (other != 0) {
      assert_int_equal(tct_udp_recv(&f->s, k, &d, pkt, 100, 0), 40);
      assert_int_equal(d.tclass, 3);
    }
    free(w);
    fake_free(f);
  }
}

/* A077: 100000 datagrams that never become whole, then an honest one each second. The flood is from
 * one source, then from as many as it has datagrams. */
static void flood__honest_datagrams_after_it__arrive(void **state) {
  (void)state;
  for (int spoofed = 0; spoofed < 2; spoofed++) {
    struct fake *f = fake_new();
    struct whole *bad = new_whole(4, 1400), *good = new_whole(4, 3000);
    tct_sock k = open_reader(f);
    size_t peak = 0;
    unsigned arrived = 0;
    make_whole(good, A4(10, 0, 0, 77), A4(10, 0, 0, 1), 3000);
    for (uint32_t i = 0; i < 100000; i++) {
      bad->id = i;
      if (spoofed)
        bad->src = A4(10, (uint8_t)(1 + i % 200), (uint8_t)(i / 200), (uint8_t)(1 + i % 250));
      send_frag(f, bad, 0, 512);
      send_frag(f, bad, 1024, 256);
      peak = f->mem.bytes_out > peak ? f->mem.bytes_out : peak;
      if (i % 1000 == 0) { /* and some while it lasts */
        good->id++;
        send_frag(f, good, 0, 1480);
        send_frag(f, good, 1480, 1480);
        arrived += send_frag(f, good, 2960, 48) == TCT_ACCEPTED;
        tct_udp_recv(&f->s, k, NULL, pkt, sizeof pkt, 0);
      }
    }
    assert_true(arrived >= 99);
    for (unsigned i = 0; i < 100; i++) {
      clock_set(&f->s, f->s.now + TCT_S(1));
      tct_ip_advance(&f->s);
      good->id++;
      send_frag(f, good, 0, 1480);
      send_frag(f, good, 1480, 1480);
      assert_int_equal(send_frag(f, good, 2960, 48), TCT_ACCEPTED);
      expect_payload(f, k, good);
    }
    assert_true(f->s.ip->reasm.bytes <= f->s.cfg.limits.reasm_bytes);
    assert_true(peak < f->s.cfg.limits.reasm_bytes + (100 << 10)); /* all else of a stack */
    free(bad);
    free(good);
    fake_free(f);
  }
}

/* A flood from one place must not push out what others hold. */
static void flood__one_source__slow_peer_keeps_his_place(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct whole *bad = new_whole(4, 1400), *good = new_whole(4, 3000);
  tct_sock k = open_reader(f);
  make_whole(good, A4(10, 0, 0, 77), A4(10, 0, 0, 1), 3000);
  assert_int_equal(send_frag(f, good, 0, 1480), TCT_HELD_FRAGMENT);
  for (uint32_t i = 0; i < 20000; i++) {
    bad->id = i;
    assert_int_equal(send_frag(f, bad, 0, 1024), TCT_HELD_FRAGMENT);
  }
  assert_int_equal(send_frag(f, good, 1480, 1480), TCT_HELD_FRAGMENT);
  assert_int_equal(send_frag(f, good, 2960, 48), TCT_ACCEPTED);
  expect_payload(f, k, good);
  free(bad);
  free(good);
  fake_free(f);
}

static void limit__smaller_than_a_datagram__refused_and_nothing_leaks(void **state) {
  (void)state;
  tct_limits l = {.udp = 4,
                  .buffer_bytes = 100000,
                  .reasm_bytes = 1000,
                  .reply_bytes = 5000,
                  .routes = 8,
                  .addrs = 8};
  struct fake *f = fake_new_with(&l);
  struct whole *w = new_whole(4, 3000);
  assert_int_equal(send_frag(f, w, 0, 1480), TCT_DROP_FRAGMENT_LIMIT);
  fake_check(f);
  assert_int_equal(send_frag(f, w, 1480, 8), TCT_DROP_FRAGMENT_OVERLAP); /* the datagram is dead */
  w->id++;
  assert_int_equal(send_frag(f, w, 1480, 8), TCT_HELD_FRAGMENT);
  free(w);
  fake_free(f);
}

static void no_memory_body(struct failing_alloc *a, void *arg) {
  struct whole *w = arg;
  struct fake *f = calloc(1, sizeof *f);
  fake_start(f, NULL);
  f->s.alloc = a->vtable;
  if (tct_ip_new(&f->s) == TCT_OK && tct_udp_new(&f->s) == TCT_OK &&
      tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 1), 24) == TCT_OK) {
    for (size_t off = 0; off < w->len; off += 24)
      send_frag(f, w, off, w->len - off < 24 ? w->len - off : 24);
    fake_check(f);
  }
  tct_udp_free(&f->s);
  tct_ip_free(&f->s);
  free(f);
}

static void memory_fails__each_time__nothing_leaks(void **state) {
  (void)state;
  struct whole *w = new_whole(4, 100);
  assert_true(failing_alloc_each(no_memory_body, w) > 8);
  free(w);
}

/* Random fragments of a few datagrams, honest and not: what is delivered is what was sent. */
static void random_fragments__invariants_hold(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = open_reader(f);
  struct whole *w = new_whole(6, 504);
  struct tct_prng r;
  unsigned delivered = 0;
  tct_prng_init(&r, (const uint8_t[32]){9});
  for (int i = 0; i < 60000; i++) {
    w->id = (uint32_t)i / 200 * 4 + tct_prng_below(&r, 4);
    size_t off = (size_t)tct_prng_below(&r, 4) * 128, len = 128;
    if (tct_prng_below(&r, 60) == 0)
      len = 64; /* then overlaps follow */
    if (send_frag(f, w, off, len) == TCT_ACCEPTED) {
      expect_payload(f, k, w);
      delivered++;
    }
    if (i % 64 == 0)
      fake_check(f);
    if (i % 1000 == 0) {
      clock_set(&f->s, f->s.now + TCT_S(20));
      tct_ip_advance(&f->s);
      while (fake_out(f, 0))
        ;
    }
  }
  assert_true(delivered > 500);
  free(w);
  fake_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(four_fragments__any_order__one_datagram),
      cmocka_unit_test(largest_datagram__65507_bytes__arrives),
      cmocka_unit_test(duplicate__exact__ignored),
      cmocka_unit_test(overlap__any_shape__kills_the_datagram_for_good),
      cmocka_unit_test(duplicate__other_bytes__kills_the_datagram),
      cmocka_unit_test(total__contradicted__kills_the_datagram),
      cmocka_unit_test(fragment_sizes__illegal__dropped_without_a_trace),
      cmocka_unit_test(ping_of_death__last_fragment_too_far__dropped),
      cmocka_unit_test(timeout__front_seen__time_exceeded),
      cmocka_unit_test(timeout__fragments_keep_coming__not_prolonged),
      cmocka_unit_test(atomic_fragment__same_id_is_held__both_arrive),
      cmocka_unit_test(tiny_fragments__more_than_the_limit__datagram_dropped),
      cmocka_unit_test(other_protocol_or_source__same_id__not_mixed),
      cmocka_unit_test(ipv6__destination_options_behind_fragment_header__walked),
      cmocka_unit_test(ipv6__first_fragment_without_chain__refused_with_code_3),
      cmocka_unit_test(closed_port__reassembled__unreachable_quotes_the_whole),
      cmocka_unit_test(ecn__ce_on_one_fragment__on_the_whole_or_dropped),
      cmocka_unit_test(flood__honest_datagrams_after_it__arrive),
      cmocka_unit_test(flood__one_source__slow_peer_keeps_his_place),
      cmocka_unit_test(limit__smaller_than_a_datagram__refused_and_nothing_leaks),
      cmocka_unit_test(memory_fails__each_time__nothing_leaks),
      cmocka_unit_test(random_fragments__invariants_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
