/* SPDX-License-Identifier: MIT */
/* Capture files: what is written can be read, both byte orders, and no file can hurt the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/pcapng.h"
#include "drivers/tee_pcapng.h"

struct file {
  uint8_t b[20000];
  size_t len, room;
};

static struct file file;

static int put(void *ctx, const void *p, size_t n) {
  struct file *f = ctx;
  if (n > f->room - f->len)
    return -28; /* ENOSPC */
  memcpy(f->b + f->len, p, n);
  f->len += n;
  return 0;
}

static void put_number(bool big, uint32_t v, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++)
    file.b[file.len++] = (uint8_t)(v >> 8 * (big ? bytes - 1 - i : i));
}

/* A block of 32-bit words by hand. */
static void put_block(bool big, uint32_t type, const uint32_t *words, unsigned n) {
  put_number(big, type, 4);
  put_number(big, 12 + n * 4, 4);
  for (unsigned i = 0; i < n; i++)
    put_number(big, words[i], 4);
  put_number(big, 12 + n * 4, 4);
}

static void put_section(bool big) {
  put_number(big, 0x0a0d0d0a, 4);
  put_number(big, 28, 4);
  put_number(big, 0x1a2b3c4d, 4);
  put_number(big, 1, 2);
  put_number(big, 0, 2);
  put_number(big, UINT32_MAX, 4);
  put_number(big, UINT32_MAX, 4);
  put_number(big, 28, 4);
}

static void put_interface(bool big, uint16_t link, uint32_t snap) {
  put_number(big, 1, 4);
  put_number(big, 20, 4);
  put_number(big, link, 2);
  put_number(big, 0, 2);
  put_number(big, snap, 4);
  put_number(big, 20, 4);
}

static void restart(void) {
  memset(&file, 0, sizeof file);
  file.room = sizeof file.b;
}

static struct tct_pcapng_reader *open_it(size_t len) {
  char error[300] = "";
  struct tct_pcapng_reader *r =
      tct_pcapng_open_mem(file.b, len, "made.pcapng", error, sizeof error);
  if (r == NULL)
    assert_true(strncmp(error, "made.pcapng: ", 13) == 0);
  return r;
}

static void write_three(void) {
  struct tct_pcapng_writer w;
  restart();
  assert_int_equal(tct_pcapng_create_fn(&w, put, &file), 0);
  assert_int_equal(tct_pcapng_add_if(&w, "left", TCT_PCAPNG_RAW_IP), 0);
  assert_int_equal(tct_pcapng_add_if(&w, "right", TCT_PCAPNG_ETHERNET), 1);
  for (uint32_t i = 0; i < 3; i++) {
    tct_iov v[2] = {{"hello ", 6}, {"world!!", i + 4}};
    struct tct_pcapng_packet p = {.ifc = i % 2,
                                  .at = 1700000000123456789u + i,
                                  .iov = v,
                                  .n_iov = 2,
                                  .len = 10 + i,
                                  .dir = (enum tct_pcapng_dir)i,
                                  .comment = i == 1 ? NULL : "↻ fast retransmit"};
    tct_pcapng_put(&w, &p);
  }
  assert_int_equal(w.packets, 3);
  assert_int_equal(tct_pcapng_close(&w), 0);
}

static void written_file__is_read__all_comes_back(void **state) {
  (void)state;
  struct tct_pcapng_record p;
  write_three();
  struct tct_pcapng_reader *r = open_it(file.len);
  assert_non_null(r);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(tct_pcapng_next(r, &p), 1);
    assert_int_equal(p.number, i + 1);
    assert_int_equal(p.ifc, i % 2);
    assert_int_equal(p.link_type, i % 2 == 0 ? TCT_PCAPNG_RAW_IP : TCT_PCAPNG_ETHERNET);
    assert_true(p.has_time && p.at == 1700000000123456789u + i);
    assert_int_equal(p.len, 10 + i);
    assert_memory_equal(p.bytes, "hello world!!", 10 + i);
    assert_int_equal(p.dir, i);
    assert_string_equal(p.comment, i == 1 ? "" : "↻ fast retransmit");
  }
  assert_int_equal(tct_pcapng_next(r, &p), 0);
  assert_int_equal(tct_pcapng_next(r, &p), 0);
  tct_pcapng_reader_free(r);
}

static void both_byte_orders_and_two_sections__are_read(void **state) {
  (void)state;
  struct tct_pcapng_record p;
  restart();
  for (int big = 0; big < 2; big++) {
    const uint32_t packet[] = {0, 0, 5000000, 4, 60, 0x01020304};
    const uint32_t unknown[] = {1, 2, 3};
    put_section(big);
    put_block(big, 0x0bad, unknown, 3);
    put_interface(big, 101, 0);
    put_block(big, 6, packet, 6);
  }
  struct tct_pcapng_reader *r = open_it(file.len);
  assert_non_null(r);
  for (int big = 0; big < 2; big++) {
    assert_int_equal(tct_pcapng_next(r, &p), 1);
    assert_true(p.at == 5000000000u); /* microseconds, as nothing else is said */
    assert_int_equal(p.len, 4);
    assert_int_equal(p.wire_len, 60);
    assert_int_equal(p.bytes[0], big ? 1 : 4);
  }
  assert_int_equal(tct_pcapng_next(r, &p), 0);
  tct_pcapng_reader_free(r);
}

static tct_time time_of(uint8_t resolution, uint32_t high, uint32_t low, int32_t offset_s) {
  struct tct_pcapng_record p = {0};
  const uint32_t iface[] = {101,
                            0,
                            1u << 16 | 9,
                            resolution,
                            8u << 16 | 14,
                            (uint32_t)offset_s,
                            offset_s < 0 ? UINT32_MAX : 0,
                            0};
  const uint32_t packet[] = {0, high, low, 0, 0};
  restart();
  put_section(false);
  put_block(false, 1, iface, 8);
  put_block(false, 6, packet, 5);
  struct tct_pcapng_reader *r = open_it(file.len);
  assert_non_null(r);
  assert_int_equal(tct_pcapng_next(r, &p), 1);
  tct_pcapng_reader_free(r);
  return p.at;
}

static void every_resolution__becomes_nanoseconds(void **state) {
  (void)state;
  assert_true(time_of(9, 1, 5, 0) == (1ull << 32) + 5);
  assert_true(time_of(3, 0, 1500, 0) == 1500000000u);
  assert_true(time_of(0, 0, 7, 0) == 7000000000u);
  assert_true(time_of(12, 0, 5000, 0) == 5);
  assert_true(time_of(0x80 | 10, 0, 1024 + 512, 0) == 1500000000u);
  assert_true(time_of(0x80 | 63, 0x80000000, 0, 0) == 1000000000u);
  assert_true(time_of(0x80 | 127, UINT32_MAX, UINT32_MAX, 0) == 0);
  assert_true(time_of(0, UINT32_MAX, 0, 0) == UINT64_MAX); /* stops at the top */
  assert_true(time_of(9, 0, 7, 3) == 3000000007u);
  assert_true(time_of(0, 0, 7, -3) == 4000000000u);
  assert_true(time_of(0, 0, 2, -3) == 0);
}

static void simple_packets__obey_the_snap_length(void **state) {
  (void)state;
  struct tct_pcapng_record p;
  const uint32_t simple[] = {100, 0x11111111, 0x22222222};
  restart();
  put_section(true);
  put_interface(true, 1, 8);
  put_block(true, 3, simple, 3);
  struct tct_pcapng_reader *r = open_it(file.len);
  assert_int_equal(tct_pcapng_next(r, &p), 1);
  assert_false(p.has_time);
  assert_int_equal(p.len, 8);
  assert_int_equal(p.wire_len, 100);
  tct_pcapng_reader_free(r);
}

/* Reads to the end; the verdict that ended it. */
static int read_all(size_t len, char *words, size_t cap) {
  struct tct_pcapng_record p;
  struct tct_pcapng_reader *r = open_it(len);
  int got = TCT_EPROTO;
  words[0] = '\0';
  if (r == NULL)
    return got;
  unsigned sum = 0;
  while ((got = tct_pcapng_next(r, &p)) == 1)
    for (uint32_t i = 0; i < p.len; i++)
      sum += p.bytes[i]; /* the sanitizer watches */
  snprintf(words, cap, "%s%s", tct_pcapng_error(r), sum == 1 ? "" : "");
  if (got < 0)
    assert_int_equal(tct_pcapng_next(r, &p), got); /* it stays so */
  tct_pcapng_reader_free(r);
  return got;
}

static void expect_error(size_t at, uint32_t value, const char *words) {
  char error[512];
  write_three();
  memcpy(file.b + at, &value, 4);
  assert_true(read_all(file.len, error, sizeof error) < 0);
  if (words != NULL && strstr(error, words) == NULL)
    fail_msg("\"%s\" does not say \"%s\"", error, words);
}

static void lying_lengths__are_named_with_their_place(void **state) {
  (void)state;
  write_three();
  size_t section = file.b[4], iface = section, second = iface + file.b[iface + 4];
  size_t packet = second + file.b[second + 4];
  char where[64];
  snprintf(where, sizeof where, "block at byte %zu", packet);
  expect_error(packet + 4, 30, where);
  expect_error(packet + 4, 29, "impossible");
  expect_error(packet + 4, 0x7ffffff0, "more than");
  expect_error(packet + 20, 4000, "room for");
  expect_error(packet + 8, 9, "interface 9");
  expect_error(packet + file.b[packet + 4] - 4, 44, "at its end");
  expect_error(8, 0x12345678, NULL);
}

static void other_files__are_refused_in_words(void **state) {
  (void)state;
  char error[300];
  assert_null(tct_pcapng_open_mem("", 0, "x", error, sizeof error));
  assert_non_null(strstr(error, "empty"));
  assert_null(tct_pcapng_open_mem("GIF89a......", 12, "x", error, sizeof error));
  assert_non_null(strstr(error, "no capture file"));
  assert_null(tct_pcapng_open("/nonexistent/x.pcapng", error, sizeof error));
  assert_non_null(strstr(error, "/nonexistent/x.pcapng"));
}

/* The format that tcpdump writes, in both byte orders and both resolutions. */
static size_t put_old(uint8_t *to, bool big, bool nano) {
  static const uint32_t header[] = {0, 0, 65535, TCT_PCAPNG_ETHERNET};
  static const uint32_t record[] = {1700000000, 123456, 3, 60};
  restart();
  put_number(big, nano ? 0xa1b23c4d : 0xa1b2c3d4, 4);
  put_number(big, 2, 2);
  put_number(big, 4, 2);
  for (unsigned i = 0; i < 4; i++)
    put_number(big, header[i], 4);
  for (unsigned i = 0; i < 4; i++)
    put_number(big, record[i], 4);
  for (uint32_t i = 0; i < 3; i++)
    put_number(big, 'a' + i, 1);
  memcpy(to, file.b, file.len);
  return file.len;
}

static void old_format__is_read_too(void **state) {
  char error[300];
  uint8_t bytes[100];
  struct tct_pcapng_record r;
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    bool nano = (i & 2) != 0;
    size_t len = put_old(bytes, (i & 1) != 0, nano);
    struct tct_pcapng_reader *p = tct_pcapng_open_mem(bytes, len, "x", error, sizeof error);
    assert_non_null(p);
    assert_int_equal(tct_pcapng_next(p, &r), 1);
    assert_int_equal(r.at, 1700000000000000000u + (nano ? 123456u : 123456000u));
    assert_int_equal(r.link_type, TCT_PCAPNG_ETHERNET);
    assert_true(r.len == 3 && r.wire_len == 60 && memcmp(r.bytes, "abc", 3) == 0);
    assert_true(r.number == 1 && r.comment[0] == '\0');
    assert_int_equal(tct_pcapng_next(p, &r), 0);
    tct_pcapng_reader_free(p);
  }
}

static void old_format__cut_or_lying__is_an_error(void **state) {
  char error[300];
  uint8_t bytes[100];
  struct tct_pcapng_record r;
  size_t whole = put_old(bytes, false, false);
  (void)state;
  for (size_t len = 4; len < whole; len++) {
    struct tct_pcapng_reader *p = tct_pcapng_open_mem(bytes, len, "x", error, sizeof error);
    int got = p != NULL ? tct_pcapng_next(p, &r) : TCT_EPROTO;
    assert_int_equal(got, len == 24 ? 0 : TCT_EPROTO);
    tct_pcapng_reader_free(p);
  }
  bytes[24 + 11] = 0x7f; /* a packet of 2 GB */
  struct tct_pcapng_reader *p = tct_pcapng_open_mem(bytes, whole, "x", error, sizeof error);
  assert_int_equal(tct_pcapng_next(p, &r), TCT_EPROTO);
  assert_non_null(strstr(tct_pcapng_error(p), "more than the"));
  tct_pcapng_reader_free(p);
}

static void cut_anywhere__ends_in_an_error_or_between_blocks(void **state) {
  (void)state;
  char error[512];
  write_three();
  for (size_t len = 0; len < file.len; len++) {
    int got = read_all(len, error, sizeof error);
    assert_true(got <= 0);
    if (got < 0 && error[0] != '\0')
      assert_non_null(strstr(error, "middle of a block"));
  }
}

static void random_damage__never_reads_past(void **state) {
  (void)state;
  char error[512];
  uint32_t seed = 12345;
  for (int round = 0; round < 20000; round++) {
    if (round % 8 == 0)
      write_three();
    for (int k = 0; k < 3; k++) {
      seed = seed * 1664525u + 1013904223u;
      file.b[(seed >> 8) % file.len] = (uint8_t)(seed >> 24 & (seed & 1 ? 0xff : 0x07));
    }
    read_all(file.len, error, sizeof error);
  }
}

static void full_disk__is_reported_once_and_writing_stops(void **state) {
  (void)state;
  struct tct_pcapng_writer w;
  restart();
  file.room = 150;
  assert_int_equal(tct_pcapng_create_fn(&w, put, &file), 0);
  assert_int_equal(tct_pcapng_add_if(&w, "x", TCT_PCAPNG_RAW_IP), 0);
  tct_iov v = {"0123456789", 10};
  struct tct_pcapng_packet p = {.iov = &v, .n_iov = 1, .len = 10};
  for (int i = 0; i < 10; i++)
    tct_pcapng_put(&w, &p);
  assert_int_equal(tct_pcapng_close(&w), -28);
}

static void packet_with_wrong_length__is_refused(void **state) {
  (void)state;
  struct tct_pcapng_writer w;
  restart();
  assert_int_equal(tct_pcapng_create_fn(&w, put, &file), 0);
  assert_int_equal(tct_pcapng_add_if(&w, "x", TCT_PCAPNG_RAW_IP), 0);
  tct_iov v = {"0123456789", 10};
  struct tct_pcapng_packet p = {.iov = &v, .n_iov = 1, .len = 11};
  tct_pcapng_put(&w, &p);
  assert_int_equal(tct_pcapng_close(&w), TCT_EINVAL);
}

static void tee__comments_say_why_and_what_the_verdict_was(void **state) {
  (void)state;
  struct tct_tee_pcapng tee = {0};
  struct tct_pcapng_record p;
  char packet[20] = "E";
  tct_iov v = {packet, sizeof packet};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = sizeof packet, .why = TCT_WHY_RTO};
  restart();
  assert_int_equal(tct_pcapng_create_fn(&tee.w, put, &file), 0);
  assert_int_equal(tct_pcapng_add_if(&tee.w, "tct0", TCT_PCAPNG_RAW_IP), 0);
  tct_tee_pcapng_out(&tee, &f, 1, NULL);
  tct_tee_pcapng_out(&tee, &f, 2, "lost on the way");
  f.verdict = TCT_DROP_TCP_CHECKSUM;
  tct_tee_pcapng_in(&tee, &f, 3, NULL);
  f.verdict = TCT_ACCEPTED;
  tct_tee_pcapng_in(&tee, &f, 4, NULL);
  f.seg_size = 1; /* a super-segment with broken headers is kept as it is */
  tct_tee_pcapng_in(&tee, &f, 5, NULL);
  assert_int_equal(tct_tee_pcapng_close(&tee), 0);
  struct tct_pcapng_reader *r = open_it(file.len);
  static const char *const words[] = {"retransmission time-out",
                                      "retransmission time-out; lost on the way",
                                      "not accepted: DROP_TCP_CHECKSUM", "", ""};
  for (int i = 0; i < 5; i++) {
    assert_int_equal(tct_pcapng_next(r, &p), 1);
    assert_string_equal(p.comment, words[i]);
    assert_int_equal(p.dir, i < 2 ? TCT_PCAPNG_OUTBOUND : TCT_PCAPNG_INBOUND);
    assert_int_equal(p.len, sizeof packet);
  }
  assert_int_equal(tct_pcapng_next(r, &p), 0);
  tct_pcapng_reader_free(r);
}

static void tee__cannot_create__error(void **state) {
  (void)state;
  struct tct_tee_pcapng tee = {0};
  assert_int_equal(tct_tee_pcapng_open(&tee, "/nonexistent/x.pcapng", "tct0", TCT_LINK_IP),
                   TCT_ENOENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(written_file__is_read__all_comes_back),
      cmocka_unit_test(both_byte_orders_and_two_sections__are_read),
      cmocka_unit_test(every_resolution__becomes_nanoseconds),
      cmocka_unit_test(simple_packets__obey_the_snap_length),
      cmocka_unit_test(lying_lengths__are_named_with_their_place),
      cmocka_unit_test(other_files__are_refused_in_words),
      cmocka_unit_test(old_format__is_read_too),
      cmocka_unit_test(old_format__cut_or_lying__is_an_error),
      cmocka_unit_test(cut_anywhere__ends_in_an_error_or_between_blocks),
      cmocka_unit_test(random_damage__never_reads_past),
      cmocka_unit_test(full_disk__is_reported_once_and_writing_stops),
      cmocka_unit_test(packet_with_wrong_length__is_refused),
      cmocka_unit_test(tee__comments_say_why_and_what_the_verdict_was),
      cmocka_unit_test(tee__cannot_create__error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
