/* SPDX-License-Identifier: MIT */
/*
 * cli/plot's pictures: axes have round numbers, captures are read, and the picture of a long
 * transfer stays small. The whole picture of a short one is compared with test/unit/golden/plot/;
 * TCT_GOLDEN_UPDATE=1 writes it anew.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/plot/scale.h"
#include "cli/plot/shape.h"
#include "drivers/pcapng.h"
#include "tercet/sim.h"
#include "test/unit/plot_story.h"

enum { PICTURE_MAX = 2 * 1000 * 1000 };

/* ---- Axes ------------------------------------------------------------------------------------ */

static void scale__steps__are_1_2_or_5(void **state) {
  (void)state;
  assert_true(scale_step(100, 10) == 10);
  assert_true(scale_step(101, 10) == 20);
  assert_true(scale_step(1e9, 12) == 1e8);
  assert_true(scale_step(37, 10) == 5);
  assert_true(scale_step(0, 10) == 1);
}

static const char *label(enum scale_unit unit, double to, double v, double step) {
  static struct line l;
  struct scale axis = {0, to, 0, 1};
  line_clear(&l);
  scale_label(&l, unit, &axis, v, step);
  return l.b;
}

static void scale__labels__have_one_unit_an_axis(void **state) {
  (void)state;
  assert_string_equal(label(SCALE_TIME, 2.2e9, 200e6, 200e6), "0.2 s");
  assert_string_equal(label(SCALE_TIME, 2.2e9, 2e9, 200e6), "2.0 s");
  assert_string_equal(label(SCALE_TIME, 9e8, 2e8, 1e8), "200 ms");
  assert_string_equal(label(SCALE_BYTES, 80000, 20000, 20000), "20 kB");
  assert_string_equal(label(SCALE_BYTES, 900, 500, 100), "500 B");
  assert_string_equal(label(SCALE_BYTES, 900, 0, 100), "0");
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static char *text;
static size_t text_len;
static FILE *text_file;

static FILE *begin_text(void) {
  text_file = open_memstream(&text, &text_len);
  assert_non_null(text_file);
  return text_file;
}

static void expect_text(const char *want) {
  fclose(text_file);
  assert_string_equal(text, want);
  free(text);
}

static void shape__bars_of_one_column__become_one(void **state) {
  struct shape_bars b;
  (void)state;
  shape_bars_begin(&b, begin_text(), true);
  shape_bars_put(&b, 10.01, 50, 40);
  shape_bars_put(&b, 10.1, 40, 30);
  shape_bars_put(&b, 10.2, 10, 5);
  shape_bars_put(&b, 11, 9, 8);
  shape_bars_end(&b);
  expect_text("M10 50V30M10 10V5M11 9V8");
}

static void shape__steps_of_one_column__keep_their_extremes(void **state) {
  struct shape_steps s;
  (void)state;
  shape_steps_begin(&s, begin_text(), true);
  shape_steps_put(&s, 1, 50);
  shape_steps_put(&s, 2, 40);
  shape_steps_put(&s, 2.01, 10);
  shape_steps_put(&s, 2.02, 90);
  shape_steps_put(&s, 2.03, 45);
  shape_steps_end(&s, 5);
  expect_text("M1 50V50H2V10V90V45H5");
}

static void shape__dots_of_one_pixel__are_one(void **state) {
  struct shape_dots d;
  (void)state;
  shape_dots_begin(&d, begin_text(), true);
  shape_dots_put(&d, 3, 7);
  shape_dots_put(&d, 3.1, 7.1);
  shape_dots_put(&d, 3, 9);
  shape_dots_put(&d, 4, 7);
  expect_text("M3 7h0M3 9h0M4 7h0");
}

/* ---- Pictures -------------------------------------------------------------------------------- */

static void draw(struct plot_view *v) {
  assert_int_equal(plot_write_svg(plot, v, begin_text()), 0);
  fclose(text_file);
}

static void picture__recovery__is_as_reviewed(void **state) {
  static char want[200000];
  const char *path = "test/unit/golden/plot/recovery.svg";
  struct plot_view v;
  (void)state;
  tell_recovery();
  plot_view_init(&v);
  draw(&v);
  if (getenv("TCT_GOLDEN_UPDATE") != NULL) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
  }
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  want[fread(want, 1, sizeof want - 1, f)] = '\0';
  fclose(f);
  assert_string_equal(text, want);
  free(text);
}

static void picture__reasons__stand_beside_what_was_sent_again(void **state) {
  struct plot_view v;
  (void)state;
  tell_recovery();
  plot_view_init(&v);
  draw(&v);
  assert_non_null(strstr(text, ">RACK</text>"));
  assert_non_null(strstr(text, ">TLP</text>"));
  assert_non_null(strstr(text, "2 sent again (1 TLP, 1 RACK)"));
  assert_non_null(strstr(text, ">lost on the way</text>"));
  assert_non_null(strstr(text, "D-SACK: arrived twice"));
  assert_non_null(strstr(text, "prefers-color-scheme:dark"));
  free(text);
  v.to_ns = MS(30); /* before all that */
  draw(&v);
  assert_null(strstr(text, ">TLP</text>"));
  free(text);
}

/* A million segments, every thousandth sent again: all losses to be seen, in a small file. */
static void picture__long_transfer__stays_small_and_shows_losses(void **state) {
  struct plot_view v;
  (void)state;
  for (uint32_t i = 0; i < 700000; i++) {
    tct_time at = MS(1) + (tct_time)i * 10000 + i % 7 * 900;
    tct_seg s = segment(0, TCT_ACK, 1 + i * 1448, 1448, 1);
    tell(at, true, TCT_WHY_DATA, &s);
    s = segment(1, TCT_ACK, 1, 0, 1 + (i > 40 ? i - 40 : 0) * 1448);
    s.window_bytes = 60000 + i % 13 * 1448;
    tell(at + 5000, false, TCT_WHY_NONE, &s);
    if (i % 1000 == 999) {
      s = segment(0, TCT_ACK, 1 + (i - 20) * 1448, 1448, 1);
      tell(at + 6000, true, TCT_WHY_RACK, &s);
    }
  }
  plot_view_init(&v);
  draw(&v);
  assert_true(text_len < PICTURE_MAX);
  assert_non_null(strstr(text, "700 sent again (700 RACK)"));
  assert_non_null(strstr(text, "<path class=\"bar again\" d=\"M"));
  free(text);
}

static void picture__two_flows__stand_side_by_side(void **state) {
  struct plot_view v;
  (void)state;
  for (uint16_t f = 0; f < 2; f++)
    for (uint32_t i = 0; i < 20; i++) {
      tct_seg s = segment(0, TCT_ACK, 1 + i * MSS, MSS, 1),
              a = segment(1, TCT_ACK, 1, 0, 1 + i * MSS);
      s.sport = a.dport = (uint16_t)(1000 + f);
      tell(MS(10 + i), true, TCT_WHY_DATA, &s);
      tell(MS(11 + i), false, TCT_WHY_NONE, &a);
    }
  plot_view_init(&v);
  v.all = true;
  plot_name_flow(plot, 1000, "CUBIC");
  draw(&v);
  assert_non_null(strstr(text, ">CUBIC</text>"));
  assert_non_null(strstr(text, ">192.0.2.10:1001</text>"));
  free(text);
}

static void chart__recovery__has_its_signs(void **state) {
  struct plot_view v;
  struct term t = {.width = 80};
  (void)state;
  tell_recovery();
  plot_view_init(&v);
  assert_int_equal(plot_write_text(plot, &v, &t, begin_text()), 0);
  fclose(text_file);
  assert_non_null(strchr(text, 'X'));
  assert_non_null(strstr(text, "R"));
  assert_non_null(strstr(text, "2 sent again (1 TLP, 1 RACK)"));
  for (const char *p = text; *p != '\0'; p++)
    assert_true((unsigned char)*p < 128);
  free(text);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void write_capture(const char *path, uint16_t link_type, const char *comment, bool tcp) {
  struct tct_pcapng_writer w;
  uint8_t packet[2000] = {0};
  tct_seg s = segment(0, TCT_ACK, 1, 100, 1);
  uint32_t at = link_type == TCT_PCAPNG_ETHERNET ? 18 : 0;
  uint32_t len = at + tct_sim_seg_emit(&s, packet + 1000, packet + at, sizeof packet - at);
  if (at != 0) {
    packet[12] = 0x81; /* one VLAN tag */
    packet[16] = 0x08;
  }
  if (!tcp)
    packet[at + 9] = 17;
  tct_iov v = {packet, len};
  assert_int_equal(tct_pcapng_create(&w, path), 0);
  struct tct_pcapng_packet p = {.ifc = (uint32_t)tct_pcapng_add_if(&w, "x", link_type), .iov = &v};
  p.n_iov = 1;
  p.len = len;
  p.comment = comment;
  tct_pcapng_put(&w, &p);
  assert_int_equal(tct_pcapng_close(&w), 0);
}

static const char path[] = "/tmp/tercet-test-plot.pcapng";

static void read__our_capture__tells_reason_and_loss(void **state) {
  char error[600];
  (void)state;
  write_capture(path, TCT_PCAPNG_RAW_IP, "tail loss probe; lost on the way", true);
  assert_true(plot_read(plot, path, error, sizeof error));
  remove(path);
  assert_int_equal(plot->n_events, 2);
  assert_int_equal(plot->event[0].why, TCT_WHY_TLP);
  assert_int_equal(plot->event[0].len, 100);
  assert_int_equal(plot->event[1].kind, PLOT_LOST);
}

static void read__our_capture__tells_the_window(void **state) {
  char error[600], note[PLOT_NOTE_MAX], comment[200];
  (void)state;
  plot_note_cc(note, 14600, 7300, 18000);
  snprintf(comment, sizeof comment, "new data; %s", note);
  write_capture(path, TCT_PCAPNG_RAW_IP, comment, true);
  assert_true(plot_read(plot, path, error, sizeof error));
  remove(path);
  assert_int_equal(plot->event[0].why, TCT_WHY_DATA);
  assert_int_equal(plot->event[1].kind, PLOT_CC);
  assert_int_equal(plot->event[1].seq, 14600);
  assert_int_equal(plot->event[1].ack, 7300);
  assert_int_equal(plot->event[1].len, 18000);
}

static void read__ethernet_with_a_tag__is_found(void **state) {
  char error[600];
  (void)state;
  write_capture(path, TCT_PCAPNG_ETHERNET, "somebody's words", true);
  assert_true(plot_read(plot, path, error, sizeof error));
  remove(path);
  assert_int_equal(plot->event[0].why, TCT_WHY_NONE);
  assert_int_equal(plot->flow[0].port[1], 80);
}

static void read__no_tcp__is_one_sentence(void **state) {
  char error[600];
  (void)state;
  write_capture(path, TCT_PCAPNG_RAW_IP, "", false);
  assert_false(plot_read(plot, path, error, sizeof error));
  remove(path);
  assert_string_equal(error, "/tmp/tercet-test-plot.pcapng: no TCP in it (1 packets)");
}

static void read__bad_file__is_one_sentence(void **state) {
  char error[600];
  (void)state;
  assert_false(plot_read(plot, "docs/STYLE.md", error, sizeof error));
  assert_non_null(strstr(error, "this is no capture file"));
  assert_false(plot_read(plot, "/nonexistent/x", error, sizeof error));
  assert_non_null(strstr(error, "cannot open"));
}

static void write__nothing_seen__leaves_no_file(void **state) {
  char error[300];
  struct plot_view v;
  (void)state;
  plot_view_init(&v);
  assert_false(plot_write_path(plot, &v, "/tmp/tercet-test-plot.svg", error, sizeof error));
  assert_non_null(strstr(error, "nothing to plot"));
  assert_null(fopen("/tmp/tercet-test-plot.svg", "r"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(scale__steps__are_1_2_or_5),
      TEST(scale__labels__have_one_unit_an_axis),
      TEST(shape__bars_of_one_column__become_one),
      TEST(shape__steps_of_one_column__keep_their_extremes),
      TEST(shape__dots_of_one_pixel__are_one),
      TEST(picture__recovery__is_as_reviewed),
      TEST(picture__reasons__stand_beside_what_was_sent_again),
      TEST(picture__long_transfer__stays_small_and_shows_losses),
      TEST(picture__two_flows__stand_side_by_side),
      TEST(chart__recovery__has_its_signs),
      TEST(read__our_capture__tells_reason_and_loss),
      TEST(read__our_capture__tells_the_window),
      TEST(read__ethernet_with_a_tag__is_found),
      TEST(read__no_tcp__is_one_sentence),
      TEST(read__bad_file__is_one_sentence),
      TEST(write__nothing_seen__leaves_no_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
