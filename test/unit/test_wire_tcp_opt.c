/* SPDX-License-Identifier: MIT */
/* TCP options: every impossible length, every layout, and a storm of nonsense. The numbers in
 * brackets behind RFC 9293's are those of the attacks that the test repeats. */
#include "test/unit/wire_test.h"

#include "wire/tcp_opt.h"

static struct tct_tcp_opts parse(const void *bytes, size_t len) {
  struct tct_tcp_opts o;
  uint8_t *p = exact_copy(bytes, len);
  memset(&o, 0xa5, sizeof o);
  tct_wire_tcp_opt_parse(p, len, &o);
  free(p);
  return o;
}
#define PARSE(...) parse((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* [RFC9293 MUST-4] */
static void parse__mss_nop_and_end__are_understood(void **state) {
  (void)state;
  struct tct_tcp_opts o = PARSE(1, 1, 2, 4, 0x05, 0xb4, 1, 0, 2, 4, 0, 1);
  assert_true(o.has_mss);
  assert_int_equal(o.mss, 1460);
  assert_false(o.malformed);
  assert_int_equal(o.n_unknown, 0);
}

static void parse__all_that_linux_sends_in_a_syn__is_understood(void **state) {
  (void)state;
  struct tct_tcp_opts o =
      PARSE(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0xff, 0, 0, 1, 1, 3, 3, 7);
  assert_true(o.has_mss && o.sack_permitted && o.has_ts && o.has_wscale);
  assert_int_equal(o.tsval, 9);
  assert_int_equal(o.tsecr, 0xff000001);
  assert_int_equal(o.wscale, 7);
  assert_false(o.has_uto || o.has_tfo || o.malformed);
  assert_int_equal(o.n_sack, 0);
}

/* Each of four offsets, by NOPs before it [RFC9293 MUST-64]. */
static void parse__timestamp_at_any_boundary__is_read(void **state) {
  (void)state;
  for (size_t nops = 0; nops < 4; nops++) {
    uint8_t b[14] = {1, 1, 1, 1};
    static const uint8_t ts[] = {8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    memcpy(b + nops, ts, sizeof ts);
    struct tct_tcp_opts o = parse(b, nops + sizeof ts);
    assert_true(o.has_ts);
    assert_int_equal(o.tsval, 0x01020304);
    assert_int_equal(o.tsecr, 0x05060708);
  }
}

/* A014: kinds 200 and 254 before, MSS after [RFC9293 MUST-6] [RFC9293 MUST-68]. */
static void parse__unknown_kinds__are_stepped_over(void **state) {
  (void)state;
  struct tct_tcp_opts o = PARSE(200, 6, 2, 4, 9, 9, 254, 4, 2, 4, 1, 2, 4, 2, 0);
  assert_int_equal(o.n_unknown, 2);
  assert_true(o.has_mss);
  assert_int_equal(o.mss, 0x0200);
  assert_false(o.malformed);
}

/* Whatever kind is invented tomorrow [RFC9293 MUST-68]. */
static void parse__every_other_kind__has_a_length_byte(void **state) {
  (void)state;
  for (unsigned kind = 2; kind < 256; kind++) {
    uint8_t b[] = {(uint8_t)kind, 7, 0, 0, 0, 0, 0, 2, 4, 0x11, 0x22};
    struct tct_tcp_opts o = parse(b, sizeof b);
    assert_true(o.has_mss);
    assert_int_equal(o.mss, 0x1122);
    assert_false(o.malformed);
  }
}

/* A014 */
static void parse__after_end__nothing_counts(void **state) {
  (void)state;
  struct tct_tcp_opts o = PARSE(1, 0, 2, 4, 0, 1, 99, 0);
  assert_false(o.has_mss || o.malformed);
  uint8_t nops[40];
  memset(nops, 1, sizeof nops);
  o = parse(nops, sizeof nops);
  assert_false(o.malformed);
}

/* A001, A002: of every kind; what came before is kept [RFC9293 MUST-7]. */
static void parse__length_0_or_1__stops_there(void **state) {
  (void)state;
  for (unsigned kind = 2; kind < 256; kind++)
    for (unsigned len = 0; len < 2; len++) {
      uint8_t b[40] = {2, 4, 0x05, 0xb4, (uint8_t)kind, (uint8_t)len, 3, 3, 5};
      struct tct_tcp_opts o = parse(b, sizeof b);
      assert_true(o.malformed);
      assert_true(o.has_mss);
      assert_int_equal(o.mss, 1460);
      assert_false(o.has_wscale);
    }
}

/* A003 [RFC9293 MUST-7] */
static void parse__length_past_the_header__stops_there(void **state) {
  (void)state;
  struct tct_tcp_opts o = PARSE(1, 3, 3, 5, 2, 4, 9);
  assert_true(o.malformed && o.has_wscale);
  assert_false(o.has_mss);
  o = PARSE(1, 1, 5, 0xff);
  assert_true(o.malformed);
  assert_int_equal(o.n_sack, 0);
  o = PARSE(1, 1, 1, 2);
  assert_true(o.malformed);
  assert_false(o.has_mss);
}

/* A010, A012, A013: known kinds, any length but theirs */
static void parse__known_kind_of_wrong_length__is_ignored(void **state) {
  (void)state;
  for (unsigned len = 2; len <= 40; len++) {
    static const uint8_t kinds[] = {2, 3, 4, 5, 8, 28, 34};
    for (size_t k = 0; k < sizeof kinds; k++) {
      uint8_t b[40];
      memset(b, 1, sizeof b);
      b[0] = kinds[k];
      b[1] = (uint8_t)len;
      struct tct_tcp_opts o = parse(b, sizeof b);
      assert_false(o.malformed);
      assert_int_equal(o.has_mss, kinds[k] == 2 && len == 4);
      assert_int_equal(o.has_wscale, kinds[k] == 3 && len == 3);
      assert_int_equal(o.sack_permitted, kinds[k] == 4 && len == 2);
      bool whole = len == 10 || len == 18 || len == 26 || len == 34;
      assert_int_equal(o.n_sack, kinds[k] == 5 && whole ? (len - 2) / 8 : 0);
      assert_int_equal(o.has_ts, kinds[k] == 8 && len == 10);
      assert_int_equal(o.has_uto, kinds[k] == 28 && len == 4);
      bool cookie = len == 2 || (len >= 6 && len <= 18 && len % 2 == 0);
      assert_int_equal(o.has_tfo, kinds[k] == 34 && cookie);
    }
  }
}

/* A008, A011: TCP judges them, the parser does not */
static void parse__strange_values__come_through_unchanged(void **state) {
  (void)state;
  struct tct_tcp_opts o = PARSE(2, 4, 0, 0, 3, 3, 255);
  assert_true(o.has_mss && o.has_wscale);
  assert_int_equal(o.mss, 0);
  assert_int_equal(o.wscale, 255);
}

static void parse__fast_open__both_forms(void **state) {
  (void)state;
  struct tct_tcp_opts o = PARSE(34, 6, 1, 2, 3, 4);
  assert_true(o.has_tfo && !o.tfo_exp);
  assert_int_equal(o.tfo_len, 4);
  assert_memory_equal(o.tfo_cookie, "\1\2\3\4", 4);
  o = PARSE(254, 8, 0xf9, 0x89, 5, 6, 7, 8);
  assert_true(o.has_tfo && o.tfo_exp);
  assert_memory_equal(o.tfo_cookie, "\5\6\7\10", 4);
  o = PARSE(254, 4, 0xf9, 0x89);
  assert_true(o.has_tfo);
  assert_int_equal(o.tfo_len, 0);
  o = PARSE(254, 8, 0xf9, 0x88, 5, 6, 7, 8);
  assert_false(o.has_tfo);
  assert_int_equal(o.n_unknown, 1);
}

/* [RFC9768 3.2.3] Both orders, cut behind any field; other lengths say nothing. */
static void parse__accurate_ecn__each_order_and_length(void **state) {
  (void)state;
  for (unsigned one = 0; one < 2; one++) {
    for (uint8_t len = 2; len <= 14; len++) {
      uint8_t b[14] = {one ? 174 : 172, len, 0, 0, 1, 0, 2, 0, 3, 0, 0};
      struct tct_tcp_opts o = parse(b, len);
      unsigned fields = (len - 2u) / 3;
      bool right = (len - 2) % 3 == 0 && fields <= 3;
      assert_int_equal(o.accecn.kind, right ? b[0] : 0);
      if (!right)
        continue;
      assert_int_equal(o.accecn.fields, fields);
      assert_int_equal(tct_tcp_accecn_has_ceb(&o.accecn), fields >= 2);
      assert_int_equal(tct_tcp_accecn_has_e0b(&o.accecn), fields >= (one ? 3 : 1));
      assert_int_equal(tct_tcp_accecn_has_e1b(&o.accecn), fields >= (one ? 1 : 3));
      assert_int_equal(one ? o.accecn.e1b : o.accecn.e0b, fields >= 1 ? 1 : 0);
      assert_int_equal(o.accecn.ceb, fields >= 2 ? 0x200 : 0);
      assert_int_equal(one ? o.accecn.e0b : o.accecn.e1b, fields >= 3 ? 0x30000 : 0);
    }
  }
}

static void parse__more_than_40_bytes__the_rest_is_not_looked_at(void **state) {
  (void)state;
  uint8_t b[44];
  memset(b, 1, sizeof b);
  memcpy(b + 40, "\2\4\5\264", 4);
  assert_false(parse(b, sizeof b).has_mss);
}

static void parse__every_truncation_of_a_full_set__never_reads_on(void **state) {
  (void)state;
  static const uint8_t b[] = {2, 4,  5, 0xb4, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, 4, 2,
                              5, 18, 0, 0,    0, 1,  0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 1, 0};
  for (size_t len = 0; len <= sizeof b; len++) {
    struct tct_tcp_opts o = parse(b, len);
    assert_int_equal(o.has_mss, len >= 4);
    assert_int_equal(o.has_ts, len >= 14);
    assert_int_equal(o.has_wscale, len >= 18);
    assert_int_equal(o.sack_permitted, len >= 20);
    assert_int_equal(o.n_sack, len >= 38 ? 2 : 0);
  }
}

static void parse__storm_of_nonsense__stays_in_bounds(void **state) {
  (void)state;
  static const uint8_t likely[] = {0, 1, 2, 3, 4, 5, 8, 28, 34, 254, 10, 18, 26, 40};
  uint64_t seed = 20250101;
  unsigned malformed = 0, whole = 0;
  for (int round = 0; round < 100000; round++) {
    uint8_t b[40];
    size_t len = next_random(&seed) % 41;
    for (size_t i = 0; i < len; i++)
      b[i] = next_random(&seed) % 3 ? likely[next_random(&seed) % sizeof likely]
                                    : (uint8_t)next_random(&seed);
    struct tct_tcp_opts o = parse(b, len);
    assert_true(o.n_sack <= TCT_TCP_OPT_SACK_MAX && o.tfo_len <= TCT_TCP_OPT_COOKIE_MAX);
    assert_true(o.n_unknown <= 20);
    malformed += o.malformed;
    whole += !o.malformed;
  }
  assert_true(malformed > 1000 && whole > 1000);
}

/* ---- Out ------------------------------------------------------------------------------------ */

static void expect_bytes(const struct tct_tcp_opts *o, enum tct_tcp_opt_layout layout,
                         const uint8_t *want, size_t len) {
  uint8_t p[TCT_TCP_OPT_BYTES_MAX];
  memset(p, 0xa5, sizeof p);
  assert_int_equal(tct_wire_tcp_opt_len(o, layout), len);
  assert_int_equal(tct_wire_tcp_opt_emit(p, sizeof p, o, layout), len);
  assert_memory_equal(p, want, len);
}
#define EXPECT(o, layout, ...)                                                                     \
  expect_bytes(o, layout, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void emit__linux_syns__in_its_order(void **state) {
  (void)state;
  struct tct_tcp_opts o = {.has_mss = true,
                           .mss = 1460,
                           .sack_permitted = true,
                           .has_ts = true,
                           .tsval = 1,
                           .tsecr = 2,
                           .has_wscale = true,
                           .wscale = 7};
  EXPECT(&o, TCT_TCP_OPT_LINUX, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7);
  o.has_ts = false;
  EXPECT(&o, TCT_TCP_OPT_LINUX, 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7);
  o.sack_permitted = false;
  EXPECT(&o, TCT_TCP_OPT_LINUX, 2, 4, 5, 0xb4, 1, 3, 3, 7);
  o.has_ts = true;
  EXPECT(&o, TCT_TCP_OPT_LINUX, 2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7);
}

static void emit__linux_data__aligned_by_nops(void **state) {
  (void)state;
  struct tct_tcp_opts o = {.has_ts = true, .tsval = 1, .tsecr = 2, .n_sack = 1, .sack = {{3, 4}}};
  EXPECT(&o, TCT_TCP_OPT_LINUX, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0,
         0, 4);
  o.has_ts = false;
  EXPECT(&o, TCT_TCP_OPT_LINUX, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4);
  o = (struct tct_tcp_opts){0};
  assert_int_equal(tct_wire_tcp_opt_len(&o, TCT_TCP_OPT_LINUX), 0);
}

static void emit__strict_syn__in_its_order(void **state) {
  (void)state;
  struct tct_tcp_opts o = {.has_mss = true,
                           .mss = 1460,
                           .sack_permitted = true,
                           .has_ts = true,
                           .tsval = 1,
                           .tsecr = 2,
                           .has_wscale = true,
                           .wscale = 7};
  EXPECT(&o, TCT_TCP_OPT_STRICT, 2, 4, 5, 0xb4, 1, 3, 3, 7, 1, 1, 4, 2, 1, 1, 8, 10, 0, 0, 0, 1, 0,
         0, 0, 2);
}

/* [RFC9293 MUST-69] */
static void emit__odd_total__is_padded_with_zeros(void **state) {
  (void)state;
  struct tct_tcp_opts o = {.has_tfo = true, .tfo_len = 8, .tfo_cookie = {1, 2, 3, 4, 5, 6, 7, 8}};
  EXPECT(&o, TCT_TCP_OPT_STRICT, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0);
  EXPECT(&o, TCT_TCP_OPT_LINUX, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1); /* with NOPs */
  o = (struct tct_tcp_opts){.has_tfo = true};
  EXPECT(&o, TCT_TCP_OPT_STRICT, 34, 2, 0, 0);
  o.tfo_exp = true;
  EXPECT(&o, TCT_TCP_OPT_LINUX, 254, 4, 0xf9, 0x89);
}

/* Non-zero padding in what arrives is no trouble [RFC9293 MUST-69]. */
static void parse__nonzero_padding__is_not_read(void **state) {
  (void)state;
  struct tct_tcp_opts o = PARSE(4, 2, 0, 0x55);
  assert_true(o.sack_permitted && !o.malformed);
}

static void emit__sack__trimmed_to_what_fits(void **state) {
  (void)state;
  struct tct_tcp_opts o = {.n_sack = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}};
  assert_int_equal(tct_wire_tcp_opt_len(&o, TCT_TCP_OPT_LINUX), 36);
  o.has_ts = true;
  assert_int_equal(tct_wire_tcp_opt_len(&o, TCT_TCP_OPT_LINUX), 40);
  uint8_t p[40];
  assert_int_equal(tct_wire_tcp_opt_emit(p, 40, &o, TCT_TCP_OPT_LINUX), 40);
  struct tct_tcp_opts back = parse(p, 40);
  assert_int_equal(back.n_sack, 3);
  assert_int_equal(back.sack[2].end, 6);
  for (size_t cap = 0; cap <= 44; cap++) {
    uint8_t *exact = exact_copy(p, cap < 40 ? cap : 40);
    size_t n = tct_wire_tcp_opt_emit(exact, cap, &o, TCT_TCP_OPT_LINUX);
    assert_true(n <= cap && n % 4 == 0);
    assert_false(parse(exact, n).malformed);
    free(exact);
  }
}

/* The padding counts too: 10 bytes of option need a cap of 12. */
static void emit__any_cap__is_never_exceeded_by_padding(void **state) {
  (void)state;
  struct tct_tcp_opts o = {.has_mss = true, .has_tfo = true, .tfo_len = 8};
  for (size_t cap = 0; cap <= 20; cap++) {
    uint8_t *exact = malloc(cap);
    assert_non_null(exact);
    size_t want = cap < 4 ? 0 : cap < 16 ? 4 : 16;
    assert_int_equal(tct_wire_tcp_opt_emit(exact, cap, &o, TCT_TCP_OPT_LINUX), want);
    free(exact);
  }
}

static void draw(uint64_t *seed, struct tct_tcp_opts *o) {
  uint32_t bits = next_random(seed);
  memset(o, 0, sizeof *o);
  o->has_mss = bits & 1;
  o->has_wscale = bits >> 1 & 1;
  o->sack_permitted = bits >> 2 & 1;
  o->has_ts = bits >> 3 & 1;
  o->has_uto = bits >> 4 & 1;
  o->n_sack = bits >> 5 & 1;
  o->has_tfo = bits >> 6 & 1;
  o->tfo_exp = o->has_tfo && (bits >> 7 & 1);
  o->mss = o->has_mss ? (uint16_t)next_random(seed) : 0;
  o->wscale = o->has_wscale ? (uint8_t)next_random(seed) : 0;
  o->tsval = o->has_ts ? next_random(seed) : 0;
  o->tsecr = o->has_ts ? next_random(seed) : 0;
  o->uto_raw = o->has_uto ? (uint16_t)next_random(seed) : 0;
  for (size_t i = 0; i < o->n_sack; i++)
    o->sack[i] = (struct tct_tcp_sack_block){next_random(seed), next_random(seed)};
  if (bits >> 9 & 1) {
    o->accecn.kind = bits >> 10 & 1 ? 172 : 174;
    o->accecn.fields = bits >> 11 & 3;
    o->accecn.ceb = o->accecn.fields >= 2 ? next_random(seed) & 0xffffff : 0;
    o->accecn.e0b = tct_tcp_accecn_has_e0b(&o->accecn) ? next_random(seed) & 0xffffff : 0;
    o->accecn.e1b = tct_tcp_accecn_has_e1b(&o->accecn) ? next_random(seed) & 0xffffff : 0;
  }
  o->tfo_len = o->has_tfo && (bits >> 8 & 1) ? 4 : 0;
  for (size_t i = 0; i < o->tfo_len; i++)
    o->tfo_cookie[i] = (uint8_t)next_random(seed);
}

/* What fits comes back as it was; what did not fit (only the last of a crowd) is gone whole. */
static void emit_then_parse__any_set_in_any_layout__is_the_same(void **state) {
  (void)state;
  uint64_t seed = 5;
  for (int round = 0; round < 40000; round++) {
    struct tct_tcp_opts o;
    draw(&seed, &o);
    enum tct_tcp_opt_layout layout = round % 2 ? TCT_TCP_OPT_LINUX : TCT_TCP_OPT_STRICT;
    uint8_t p[TCT_TCP_OPT_BYTES_MAX];
    size_t len = tct_wire_tcp_opt_emit(p, sizeof p, &o, layout);
    assert_int_equal(len, tct_wire_tcp_opt_len(&o, layout));
    assert_int_equal(len % 4, 0);
    struct tct_tcp_opts back = parse(p, len);
    if (!back.n_sack && o.n_sack) {
      assert_true(len > 28);
      o.n_sack = 0;
      memset(o.sack, 0, sizeof o.sack);
    }
    if (!back.has_uto && o.has_uto) {
      assert_true(len > 36);
      o.has_uto = false;
      o.uto_raw = 0;
    }
    if (!back.has_tfo && o.has_tfo) {
      assert_true(len > 32);
      o.has_tfo = o.tfo_exp = false;
      o.tfo_len = 0;
      memset(o.tfo_cookie, 0, sizeof o.tfo_cookie);
    }
    assert_memory_equal(&back, &o, offsetof(struct tct_tcp_opts, n_unknown));
    assert_true(back.has_mss == o.has_mss && back.has_wscale == o.has_wscale);
    assert_true(back.sack_permitted == o.sack_permitted && back.has_ts == o.has_ts);
    assert_true(back.tfo_exp == o.tfo_exp && !back.malformed && !back.n_unknown);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parse__mss_nop_and_end__are_understood),
      cmocka_unit_test(parse__all_that_linux_sends_in_a_syn__is_understood),
      cmocka_unit_test(parse__timestamp_at_any_boundary__is_read),
      cmocka_unit_test(parse__unknown_kinds__are_stepped_over),
      cmocka_unit_test(parse__every_other_kind__has_a_length_byte),
      cmocka_unit_test(parse__after_end__nothing_counts),
      cmocka_unit_test(parse__length_0_or_1__stops_there),
      cmocka_unit_test(parse__length_past_the_header__stops_there),
      cmocka_unit_test(parse__known_kind_of_wrong_length__is_ignored),
      cmocka_unit_test(parse__strange_values__come_through_unchanged),
      cmocka_unit_test(parse__fast_open__both_forms),
      cmocka_unit_test(parse__accurate_ecn__each_order_and_length),
      cmocka_unit_test(parse__more_than_40_bytes__the_rest_is_not_looked_at),
      cmocka_unit_test(parse__every_truncation_of_a_full_set__never_reads_on),
      cmocka_unit_test(parse__storm_of_nonsense__stays_in_bounds),
      cmocka_unit_test(emit__linux_syns__in_its_order),
      cmocka_unit_test(emit__linux_data__aligned_by_nops),
      cmocka_unit_test(emit__strict_syn__in_its_order),
      cmocka_unit_test(emit__odd_total__is_padded_with_zeros),
      cmocka_unit_test(parse__nonzero_padding__is_not_read),
      cmocka_unit_test(emit__sack__trimmed_to_what_fits),
      cmocka_unit_test(emit__any_cap__is_never_exceeded_by_padding),
      cmocka_unit_test(emit_then_parse__any_set_in_any_layout__is_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
