/* SPDX-License-Identifier: MIT */
/* The ring of answers: order, wrapping, growing while frames are out, and the limit. */
#include "test/unit/fake_stack.h"

static struct tct_ip_tx to_peer(void) {
  return (struct tct_ip_tx){
      .src = A4(10, 0, 0, 1), .dst = A4(10, 0, 0, 2), .proto = 6, .hop_limit = 64};
}

static bool push(struct fake *f, uint32_t number, uint32_t len) {
  uint8_t l4[2000];
  struct tct_ip_tx tx = to_peer();
  memset(l4, (int)(number & 0xff), sizeof l4);
  tct_bytes_put32(l4, number);
  bool queued = tct_ip_reply(&f->s, &tx, l4, len, TCT_WHY_RST_NO_SOCKET);
  tct_ip_reply_check(&f->ifs[0].replies);
  return queued;
}

static void expect(const tct_frame *frame, uint32_t number, uint32_t len) {
  struct tct_ip_hdr h;
  const uint8_t *p = frame->iov[0].base;
  assert_int_equal(frame->len, 20 + len);
  assert_int_equal(frame->why, TCT_WHY_RST_NO_SOCKET);
  assert_int_equal(tct_wire_ip_parse(p, frame->len, frame->len, &h), TCT_ACCEPTED);
  assert_int_equal(tct_bytes_get32(h.payload), number);
  for (uint32_t i = 4; i < len; i++)
    assert_int_equal(h.payload[i], number & 0xff);
}

static void replies__pushed__come_out_in_order(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_frame frames[8];
  for (uint32_t i = 0; i < 5; i++)
    assert_true(push(f, i, 20 + i * 3));
  assert_int_equal(tct_ip_reply_output(&f->s, 0, frames, f->out, 8), 5);
  for (uint32_t i = 0; i < 5; i++)
    expect(&frames[i], i, 20 + i * 3);
  assert_int_equal(tct_ip_reply_output(&f->s, 0, frames, f->out, 8), 0);
  fake_free(f);
}

/* The frames of one output stay readable while more is pushed, also when the ring must grow. */
static void replies__pushed_while_frames_are_out__frames_stay(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_frame frames[8];
  for (uint32_t i = 0; i < 6; i++)
    assert_true(push(f, i, 600)); /* 4 KiB: nearly full */
  assert_int_equal(tct_ip_reply_output(&f->s, 0, frames, f->out, 4), 4);
  for (uint32_t i = 6; i < 200; i++)
    assert_true(push(f, i, 600));
  for (uint32_t i = 0; i < 4; i++)
    expect(&frames[i], i, 600);
  for (uint32_t i = 4; i < 200; i++) {
    assert_int_equal(tct_ip_reply_output(&f->s, 0, frames, f->out, 1), 1);
    expect(&frames[0], i, 600);
  }
  fake_free(f);
}

/* A second call in the same tct_output (further along in `out`) adds frames, and frees none. */
static void output__second_part_of_a_burst__first_frames_stay(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_frame frames[8];
  for (uint32_t i = 0; i < 6; i++)
    assert_true(push(f, i, 100));
  assert_int_equal(tct_ip_reply_output(&f->s, 0, frames, f->out, 3), 3);
  assert_int_equal(tct_ip_reply_output(&f->s, 0, frames + 3, f->out + 3, 3), 3);
  for (uint32_t i = 0; i < 30; i++)
    push(f, 100 + i, 100);
  for (uint32_t i = 0; i < 6; i++)
    expect(&frames[i], i, 100);
  fake_free(f);
}

static void ring__full__refused_and_counted(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_frame frame;
  uint32_t queued = 0;
  f->s.cfg.limits.reply_bytes = 10001; /* no multiple of anything */
  while (queued < 1000 && push(f, queued, 100))
    queued++;
  assert_in_range(queued, 70, 78);
  assert_int_equal(f->s.verdicts[TCT_DROP_REPLY_QUEUE_FULL], 1);
  assert_int_equal(tct_ip_reply_output(&f->s, 0, &frame, f->out, 1), 1);
  expect(&frame, 0, 100);
  for (uint32_t i = 1; i < queued; i++)
    assert_int_equal(tct_ip_reply_output(&f->s, 0, &frame, f->out, 1), 1);
  assert_int_equal(tct_ip_reply_output(&f->s, 0, &frame, f->out, 1), 0);
  assert_true(push(f, 7, 100));
  fake_free(f);
}

static void ring__empty_after_a_burst__memory_given_back(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_frame frame;
  size_t before = f->mem.bytes_out;
  for (uint32_t i = 0; i < 300; i++)
    assert_true(push(f, i, 500));
  assert_true(f->mem.bytes_out > before + 150000);
  while (tct_ip_reply_output(&f->s, 0, &frame, f->out, 1) == 1)
    ;
  assert_true(f->mem.bytes_out <= before + 5000);
  fake_free(f);
}

/* Against a plain queue: pushes and pulls of all sizes, some while frames are out. */
static void ring__random_use__as_a_plain_queue(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct tct_prng r;
  static uint32_t len_of[200000];
  uint32_t in = 0, out = 0;
  tct_prng_init(&r, (const uint8_t[32]){1});
  f->s.cfg.limits.reply_bytes = 30000;
  for (int step = 0; step < 20000; step++) {
    for (uint32_t n = tct_prng_below(&r, 12); n > 0; n--) {
      uint32_t len = 20 + tct_prng_below(&r, 1400);
      len_of[in] = len;
      in += push(f, in, len) ? 1 : 0;
    }
    tct_frame frames[16];
    uint32_t want = tct_prng_below(&r, 16);
    uint32_t got = (uint32_t)tct_ip_reply_output(&f->s, 0, frames, f->out, want);
    assert_int_equal(got, tct_min_u32(want, in - out));
    for (uint32_t i = 0; i < got; i++)
      expect(&frames[i], out + i, len_of[out + i]);
    out += got;
  }
  assert_true(out > 10000);
  fake_free(f);
}

static void fragments__no_room_for_all__none_is_queued(void **state) {
  (void)state;
  struct fake *f = fake_new();
  static uint8_t l4[20000];
  struct tct_ip_tx tx = to_peer();
  f->s.cfg.limits.reply_bytes = 16384;
  assert_false(tct_ip_reply(&f->s, &tx, l4, sizeof l4, TCT_WHY_ECHO_REPLY));
  assert_false(fake_out(f, 0));
  tx.dont_frag = true; /* may not be cut */
  assert_false(tct_ip_reply(&f->s, &tx, l4, 1481, TCT_WHY_ECHO_REPLY));
  assert_true(tct_ip_reply(&f->s, &tx, l4, 1480, TCT_WHY_ECHO_REPLY));
  assert_int_equal(f->s.verdicts[TCT_DROP_REPLY_QUEUE_FULL], 2);
  fake_free(f);
}

/* RFC 6864: no ID on what cannot be a fragment; on others none that repeats or can be guessed. */
static void ipv4_id__dont_frag_or_not__zero_or_unpredictable(void **state) {
  (void)state;
  struct fake *f = fake_new();
  static bool seen[65536];
  struct tct_ip_tx tx = to_peer();
  uint8_t header[20];
  tx.dont_frag = true;
  tct_ip_output_header(&f->s, &tx, 100, header);
  assert_int_equal(tct_bytes_get16(header + 4), 0);
  tx.dont_frag = false;
  uint32_t last = 0, same_step = 0, last_step = 0;
  for (int i = 0; i < 7000; i++) { /* of 65536 / 8 that are certain */
    tct_ip_output_header(&f->s, &tx, 100, header);
    uint32_t id = tct_bytes_get16(header + 4);
    assert_false(seen[id]);
    seen[id] = true;
    same_step += id - last == last_step;
    last_step = id - last;
    last = id;
  }
  assert_true(same_step < 1500); /* one in 8 by chance */
  tct_addr other = A4(10, 0, 0, 3);
  tx.dst = other;
  tct_ip_output_header(&f->s, &tx, 100, header);
  uint32_t far = (uint32_t)tct_bytes_get16(header + 4) - last;
  assert_true((far & 0xffff) > 16); /* elsewhere for another pair */
  fake_free(f);
}

static void flow_label__tuple__constant_and_not_zero(void **state) {
  (void)state;
  struct fake *f = fake_new();
  uint32_t one = tct_ip_flow_label(&f->s, A6(1), A6(2), 5, 6);
  assert_int_equal(one, tct_ip_flow_label(&f->s, A6(1), A6(2), 5, 6));
  assert_int_not_equal(one, tct_ip_flow_label(&f->s, A6(1), A6(2), 6, 5));
  for (uint16_t i = 0; i < 1000; i++)
    assert_in_range(tct_ip_flow_label(&f->s, A6(1), A6(2), 5, i), 1, 0xfffff);
  fake_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(replies__pushed__come_out_in_order),
      cmocka_unit_test(replies__pushed_while_frames_are_out__frames_stay),
      cmocka_unit_test(output__second_part_of_a_burst__first_frames_stay),
      cmocka_unit_test(ring__full__refused_and_counted),
      cmocka_unit_test(ring__empty_after_a_burst__memory_given_back),
      cmocka_unit_test(ring__random_use__as_a_plain_queue),
      cmocka_unit_test(fragments__no_room_for_all__none_is_queued),
      cmocka_unit_test(ipv4_id__dont_frag_or_not__zero_or_unpredictable),
      cmocka_unit_test(flow_label__tuple__constant_and_not_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
