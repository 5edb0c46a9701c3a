/* SPDX-License-Identifier: MIT */
/* The conversation model and what no output may ever do: wrong widths, odd input, no input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/show/conv.h"
#include "cli/show/infer.h"
#include "cli/show/words.h"
#include "test/unit/show_story.h"

enum { TEXT_MAX = 2000000 };

static struct story story;
static char text[TEXT_MAX];

typedef void (*tell_fn)(struct story *y);
static const tell_fn tales[] = {story_normal, story_lossy,   story_crossing,
                                story_bulk,   story_refused, story_flood};

static struct show_outcome play(tell_fn tell, unsigned traced, const struct show_opts *opts) {
  char error[200];
  struct show_outcome outcome;
  struct show_opts o = *opts;
  FILE *out = tmpfile();
  assert_non_null(out);
  o.out = out;
  o.traced = traced;
  o.names[L] = "client";
  o.names[R] = "server";
  story_init(&story, traced);
  story.no_link = traced != 3;
  tell(&story);
  struct show *s = show_new(&o, error, sizeof error);
  assert_non_null(s);
  story_play(&story, s);
  assert_int_equal(show_finish(s, &outcome), 0);
  show_free(s);
  rewind(out);
  text[fread(text, 1, sizeof text - 1, out)] = '\0';
  fclose(out);
  return outcome;
}

static struct show_opts ladder_opts(unsigned width) {
  return (struct show_opts){.mode = SHOW_LADDER, .term = {.unicode = true, .width = width}};
}

/* ---- Outcomes -------------------------------------------------------------------------------- */

static void normal__outcome(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  for (unsigned traced = 1; traced <= 3; traced++) {
    struct show_outcome x = play(story_normal, traced, &o);
    assert_true(x.opened && x.closed && !x.refused && !x.reset && !x.no_answer);
    assert_int_equal(x.bytes[L], 77);
    assert_int_equal(x.bytes[R], 5792);
    assert_int_equal(x.segments, 14);
    assert_int_equal(x.lost + x.resent, 0);
    assert_int_equal(x.connections, 1);
  }
}

static void lossy__outcome(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  struct show_outcome x = play(story_lossy, 3, &o);
  assert_true(x.opened && x.reset && !x.closed);
  assert_int_equal(x.lost, 2);
  assert_int_equal(x.resent, 2);
  assert_int_equal(x.bytes[L], 10700);
}

static void refused__outcome(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  for (unsigned traced = 1; traced <= 3; traced += 2) {
    struct show_outcome x = play(story_refused, traced, &o);
    assert_true(x.refused && !x.opened && !x.no_answer);
  }
}

static void tell_no_answer(struct story *y) {
  story_state(y, L, 0, TCT_CLOSED, TCT_SYN_SENT);
  for (unsigned i = 0; i < 4; i++)
    story_send(y, L, 1000000u * ((1u << i) - 1), 0, SYN, 0, 0, 0,
               i == 0 ? TCT_WHY_SYN : TCT_WHY_SYN_REXMIT);
}

static void no_answer__outcome_and_words(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  for (unsigned traced = 1; traced <= 3; traced += 2) {
    struct show_outcome x = play(tell_no_answer, traced, &o);
    assert_true(x.no_answer && !x.refused && !x.opened);
    assert_int_equal(x.resent, 3);
    assert_non_null(strstr(text, "no answer to 4 SYNs in 7.00 s"));
  }
}

static void simultaneous__is_no_retransmission(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  struct show_outcome x = play(story_crossing, 3, &o);
  assert_true(x.opened && x.closed);
  assert_int_equal(x.resent, 0);
}

/* A probe of old data is a retransmission, one of new data is not; RACK's always are. */
static void tell_probes(struct story *y) {
  story_send(y, L, 0, 100, SYN, 0, 0, 0, TCT_WHY_SYN);
  story_send(y, R, 100, 200, SYN | ACK, 0, 1, 0, TCT_WHY_SYN_ACK);
  story_send(y, L, 200, 300, ACK, 1, 1, 1000, TCT_WHY_DATA);
  story_send(y, L, 500, 600, ACK, 1001, 1, 1000, TCT_WHY_TLP);
  story_send(y, L, 800, 850, ACK, 1001, 1, 1000, TCT_WHY_TLP);
  story_send(y, L, 900, 940, ACK, 1, 1, 1000, TCT_WHY_RACK);
  story_send(y, L, 950, 990, ACK, 1, 1, 1000, TCT_WHY_REORDER);
}

static void probes__only_old_data_is_sent_again(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  struct show_outcome x = play(tell_probes, 3, &o);
  assert_int_equal(x.resent, 3);
}

/* connect() is told of a little before its SYN; an answer that a segment fixes, before the segment.
 */
static void tell_as_a_real_loop_does(struct story *y) {
  story_state(y, L, 0, TCT_CLOSED, TCT_SYN_SENT);
  story_send(y, L, 200, 0, SYN, 0, 0, 0, TCT_WHY_SYN);
  story_state(y, L, 300, TCT_SYN_SENT, TCT_ESTABLISHED);
  story_send(y, R, 300, 300, SYN | ACK, 0, 1, 0, TCT_WHY_NONE);
  story_send(y, L, 350, 0, ACK, 1, 1, 0, TCT_WHY_HANDSHAKE_ACK);
  story_state(y, L, 400, TCT_ESTABLISHED, TCT_FIN_WAIT_1);
  story_send(y, L, 450, 0, FIN | ACK, 1, 1, 0, TCT_WHY_FIN);
  story_state(y, L, 500, TCT_FIN_WAIT_1, TCT_FIN_WAIT_2);
  story_state(y, L, 500, TCT_FIN_WAIT_2, TCT_TIME_WAIT);
  story_send(y, R, 500, 500, FIN | ACK, 1, 2, 0, TCT_WHY_NONE);
  story_send(y, L, 500, 0, ACK, 2, 2, 0, TCT_WHY_ACK_FIN);
}

static void one_end_on_a_real_clock__changes_join_their_segments(void **state) {
  (void)state;
  struct show_opts o = {.mode = SHOW_PLAIN, .term = {.width = 100}};
  struct show_outcome x = play(tell_as_a_real_loop_does, 1 << L, &o);
  assert_true(x.opened && x.closed);
  assert_non_null(strstr(text, "#1  C>S SYN     seq=0 win=64240 mss=1460 sack ts wscale=7 "
                               "C:>SYN-SENT S:>SYN-RECEIVED\n"));
  assert_non_null(strstr(text, "#4  C>S FIN,ACK seq=1 ack=1 win=64128 C:ESTABLISHED>FIN-WAIT-1"));
  assert_non_null(strstr(text, "#5  S>C FIN,ACK seq=1 ack=2"));
  assert_non_null(strstr(text, "C:>FIN-WAIT-2>TIME-WAIT"));
  assert_non_null(strstr(text, "#6  C>S ACK     seq=2 ack=2"));
  assert_null(strstr(text, " -- "));
}

static void tell_note_first(struct story *y) {
  story_note(y, 0, "the stage is set");
  story_normal(y);
}

static void note_before_the_first_segment__the_head_still_has_names(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  play(tell_note_first, 3, &o);
  const char *addr = strstr(text, "192.0.2.10:40112"), *note = strstr(text, "the stage is set");
  assert_true(addr != NULL && note != NULL && addr < note);
  assert_non_null(strstr(text, "LISTEN"));
}

/* ---- Drawing --------------------------------------------------------------------------------- */

static const char *next_line(const char *line, struct line *out) {
  size_t n = strcspn(line, "\n");
  line_clear(out);
  line_add(out, "%.*s", (int)n, line);
  return line[n] == '\0' ? line + n : line + n + 1;
}

/* The column of each rail in the line; 0: no such rail. */
static unsigned rails_of(const char *line, unsigned *columns) {
  unsigned n = 0, column = 0;
  for (; *line != '\0'; line++) {
    if ((*line & 0xc0) == 0x80)
      continue;
    column++;
    if (strncmp(line, "│", 3) == 0 && n < 8)
      columns[n++] = column;
  }
  return n;
}

static void ladder__any_width__rails_stand_and_no_line_is_too_long(void **state) {
  (void)state;
  for (size_t t = 0; t < 5; t++)
    for (unsigned width = 0; width < 240; width += width < 120 ? 1 : 17) {
      struct show_opts o = ladder_opts(width);
      unsigned left = 0, right = 0, columns[8];
      struct line l;
      o.no_summary = true;
      play(tales[t], 3, &o);
      for (const char *at = text; *at != '\0';) {
        at = next_line(at, &l);
        unsigned n = rails_of(l.b, columns);
        if (n == 0)
          continue;
        assert_int_equal(n, 2);
        if (left == 0) {
          left = columns[0];
          right = columns[1];
        }
        assert_int_equal(columns[0], left);
        assert_int_equal(columns[1], right);
        assert_true(line_columns(&l) <= (width < 44 ? 44 : width));
      }
      assert_true(left != 0);
    }
}

static void ladder__ascii__has_only_ascii(void **state) {
  (void)state;
  for (size_t t = 0; t < 6; t++)
    for (unsigned width = 50; width < 120; width += 23) {
      struct show_opts o = ladder_opts(width);
      o.term.unicode = false;
      o.why = o.window = true;
      play(tales[t], 3, &o);
      for (const char *p = text; *p != '\0'; p++)
        if ((*p & 0x80) != 0)
          fail_msg("not ASCII: %.60s", p);
      assert_null(strchr(text, '?'));
    }
}

static void no_colour__no_escapes__colour__as_many_off_as_on(void **state) {
  (void)state;
  struct show_opts o = ladder_opts(100);
  play(story_lossy, 3, &o);
  assert_null(strchr(text, '\033'));
  o.term.colour = true;
  play(story_lossy, 3, &o);
  unsigned on = 0, off = 0;
  for (const char *p = text; (p = strstr(p, "\033[")) != NULL; p++) {
    bool is_off = strncmp(p, "\033[0m", 4) == 0;
    off += is_off;
    on += !is_off;
    assert_true(on == off || on == off + 1);
  }
  assert_true(on > 50 && on == off);
}

static void plain__is_ascii_and_one_event_a_line_within_100_columns(void **state) {
  (void)state;
  for (size_t t = 0; t < 6; t++) {
    struct show_opts o = {.mode = SHOW_PLAIN, .term = {.unicode = true, .width = 100}};
    struct line l;
    o.no_summary = true;
    play(tales[t], 3, &o);
    for (const char *at = text; *at != '\0';) {
      at = next_line(at, &l);
      assert_int_equal(line_columns(&l), l.n);
      assert_true(l.n <= 108); /* two changes of state on a SYN with all options */
    }
  }
}

static void json__every_line_is_an_object(void **state) {
  (void)state;
  for (size_t t = 0; t < 6; t++) {
    struct show_opts o = {.mode = SHOW_JSON, .term = {.width = 100}};
    play(tales[t], 3, &o);
    assert_true(strncmp(text, "{\"schema\":\"tercet.segments\",\"version\":1}\n", 41) == 0);
    for (const char *at = text; *at != '\0';) {
      int depth = 0;
      bool in_string = false;
      assert_int_equal(*at, '{');
      for (; *at != '\n'; at++) {
        if (*at == '"' && at[-1] != '\\')
          in_string = !in_string;
        else if (!in_string)
          depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
      }
      assert_int_equal(depth, 0);
      assert_false(in_string);
      at++;
    }
  }
}

static void no_events__every_mode_still_ends(void **state) {
  (void)state;
  for (int mode = SHOW_NONE; mode <= SHOW_JSON; mode++) {
    char error[200], path[] = "/tmp/tercet-empty.svg";
    struct show_opts o = ladder_opts(100);
    o.mode = (enum show_mode)mode;
    o.out = tmpfile();
    o.svg_path = path;
    struct show_outcome x;
    struct show *s = show_new(&o, error, sizeof error);
    assert_non_null(s);
    show_flush(s, 12345);
    assert_int_equal(show_finish(s, &x), 0);
    assert_int_equal(show_finish(s, &x), 0); /* twice does no harm */
    assert_false(x.opened || x.no_answer);
    show_free(s);
    fclose(o.out);
    remove(path);
  }
}

static void svg__cannot_be_made__says_so_and_unfinished__leaves_nothing(void **state) {
  (void)state;
  char error[200] = "";
  struct show_opts o = ladder_opts(100);
  o.mode = SHOW_NONE;
  o.svg_path = "/nonexistent/x.svg";
  assert_null(show_new(&o, error, sizeof error));
  assert_non_null(strstr(error, "/nonexistent/x.svg"));
  o.svg_path = "/tmp/tercet-unfinished.svg";
  struct show *s = show_new(&o, error, sizeof error);
  assert_non_null(s);
  show_free(s);
  assert_null(fopen(o.svg_path, "r"));
}

/* Tags open and close in order; nothing is loaded from elsewhere. */
static void svg__is_well_formed_and_self_contained(void **state) {
  (void)state;
  for (size_t t = 0; t < 6; t++) {
    const char *path = "/tmp/tercet-wellformed.svg";
    struct show_opts o = ladder_opts(100);
    o.mode = SHOW_NONE;
    o.svg_path = path;
    o.svg_animated = t % 2 == 0;
    o.title = "a <title> & \"more\"";
    play(tales[t], 3, &o);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    remove(path);
    char stack[32][16];
    int depth = 0;
    for (const char *p = text; (p = strchr(p, '<')) != NULL; p++) {
      size_t n = strcspn(p, ">");
      bool closes = p[1] == '/', is_empty = p[n - 1] == '/';
      char name[16] = "";
      snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1 + closes, " />"), p + 1 + closes);
      if (closes) {
        assert_true(depth > 0);
        assert_string_equal(stack[--depth], name);
      } else if (!is_empty) {
        assert_true(depth < 32);
        snprintf(stack[depth++], 16, "%s", name);
      }
    }
    assert_int_equal(depth, 0);
    assert_null(strstr(text, "href"));
    assert_null(strstr(text, "url("));
    assert_non_null(strstr(text, "a &lt;title&gt; &amp; &quot;more&quot;"));
  }
}

/* ---- Odd input ------------------------------------------------------------------------------- */

static uint32_t dice(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static tct_trace random_trace(uint32_t *seed, tct_time at) {
  tct_trace t = {.kind = (uint8_t)(dice(seed) % 6), .at = at};
  int end = (int)(dice(seed) & 1);
  t.state_old = (uint8_t)(dice(seed) % TCT_STATE_COUNT);
  t.state_new = (uint8_t)(dice(seed) % TCT_STATE_COUNT);
  t.why = (uint16_t)(dice(seed) % TCT_WHY_COUNT);
  t.verdict = (uint16_t)(dice(seed) % 4 == 0 ? dice(seed) % TCT_VERDICT_COUNT : 0);
  uint16_t port = (uint16_t)(dice(seed) % 5);
  t.local = tct_addr_ipv4(10, 0, 0, (uint8_t)end);
  t.remote = tct_addr_ipv4(10, 0, 0, (uint8_t)!end);
  t.lport = port;
  t.rport = port;
  t.seg = (tct_seg){.src = t.local, .dst = t.remote, .sport = port, .dport = port};
  t.seg.seq = dice(seed) % 8 == 0 ? dice(seed) : dice(seed) % 5000;
  t.seg.ack = dice(seed) % 5000;
  t.seg.len = dice(seed) % 3 == 0 ? dice(seed) % 100000 : 0;
  t.seg.seg_size = (uint16_t)(dice(seed) % 3 == 0 ? dice(seed) % 1500 : 0);
  t.seg.flags = (uint8_t)dice(seed);
  t.seg.wscale = (uint8_t)(dice(seed) % 2 == 0 ? 0xff : dice(seed));
  t.seg.mss = (uint16_t)(dice(seed) % 3);
  t.seg.n_sack = (uint8_t)(dice(seed) % 5);
  t.seg.window_raw = (uint16_t)(dice(seed) % 3 == 0 ? 0 : dice(seed));
  t.seg.window_bytes = dice(seed);
  return t;
}

static void random_events__no_output_breaks(void **state) {
  (void)state;
  for (uint32_t round = 0; round < 60; round++) {
    uint32_t seed = round * 7919 + 1;
    char error[200];
    struct show_opts o = ladder_opts(40 + round * 3);
    o.mode = (enum show_mode)(SHOW_LADDER + round % 3);
    o.out = tmpfile();
    o.svg_path = round % 2 == 0 ? "/tmp/tercet-random.svg" : NULL;
    o.traced = round % 4;
    o.why = round % 5 == 0;
    o.numbers = (enum show_numbers)(round % 3);
    struct show *s = show_new(&o, error, sizeof error);
    assert_non_null(s);
    tct_time at = 1000;
    for (int i = 0; i < 800; i++) {
      uint8_t junk[80];
      at += dice(&seed) % 4 == 0 ? dice(&seed) % 20000000 : 0;
      tct_trace t = random_trace(&seed, at);
      show_trace(s, (int)(dice(&seed) & 1), &t);
      for (size_t k = 0; k < sizeof junk; k++)
        junk[k] = (uint8_t)dice(&seed);
      junk[0] = 0x45;
      if (i % 7 == 0)
        show_link(s, i & 1, junk, sizeof junk, (enum show_fate)(dice(&seed) % 5), at);
      if (i % 11 == 0)
        show_note(s, at, "a note that is \"quoted\" and <tagged>");
    }
    assert_int_equal(show_finish(s, NULL), 0);
    show_free(s);
    fclose(o.out);
    remove("/tmp/tercet-random.svg");
  }
}

struct counter {
  size_t rows;
  tct_time last;
};

static void count_row(void *ctx, const struct show_row *r) {
  struct counter *c = ctx;
  (void)r;
  c->rows++;
}

static void rows_without_news__memory_stays_bounded(void **state) {
  (void)state;
  static struct conv v;
  struct counter counter = {0};
  assert_true(conv_init(&v, 3, (struct show_renderer){count_row, &counter}));
  tct_trace t = {.kind = TCT_TRACE_SEG_OUT, .at = 1000};
  t.seg = (tct_seg){.sport = 1, .dport = 2, .len = 1000, .flags = ACK, .wscale = 0xff};
  for (uint32_t i = 0; i < 40000; i++) {
    t.seg.seq += 1000;
    conv_trace(&v, L, &t); /* all at one instant: nothing can settle */
  }
  assert_true(v.cap <= CONV_RING_MAX);
  conv_finish(&v);
  assert_int_equal(counter.rows, 40000);
  conv_deinit(&v);
}

static void many_connections__the_oldest_are_forgotten_the_first_is_kept(void **state) {
  (void)state;
  static struct conv v;
  struct counter counter = {0};
  assert_true(conv_init(&v, 1, (struct show_renderer){count_row, &counter}));
  for (uint32_t i = 0; i < 3 * CONV_CONNS_MAX; i++) {
    tct_trace t = {.kind = TCT_TRACE_SEG_OUT, .at = 1000 + i};
    t.seg = (tct_seg){.sport = (uint16_t)i, .dport = (uint16_t)(i >> 16 | 1), .flags = SYN};
    conv_trace(&v, L, &t);
  }
  conv_finish(&v);
  assert_int_equal(counter.rows, 3 * CONV_CONNS_MAX);
  assert_int_equal(v.conns_seen, 3 * CONV_CONNS_MAX);
  assert_true(v.has_first && v.first.number == 1);
  conv_deinit(&v);
}

/* ---- Small things ---------------------------------------------------------------------------- */

static void infer__follows_the_state_diagram(void **state) {
  (void)state;
  struct infer_seg syn = {.flags = SYN}, syn_ack = {.flags = SYN | ACK, .acks_syn = true};
  struct infer_seg ack = {.flags = ACK, .acks_syn = true};
  struct infer_seg fin = {.flags = FIN | ACK, .acks_syn = true};
  struct infer_seg ack_fin = {.flags = ACK, .acks_syn = true, .acks_fin = true};
  struct infer_seg fin_ack_fin = {.flags = FIN | ACK, .acks_syn = true, .acks_fin = true};
  assert_int_equal(infer_receive(TCT_LISTEN, &syn), TCT_SYN_RECEIVED);
  assert_int_equal(infer_receive(TCT_SYN_SENT, &syn), TCT_SYN_RECEIVED);
  assert_int_equal(infer_receive(TCT_SYN_SENT, &syn_ack), TCT_ESTABLISHED);
  assert_int_equal(infer_receive(TCT_SYN_RECEIVED, &ack), TCT_ESTABLISHED);
  assert_int_equal(infer_receive(TCT_ESTABLISHED, &fin), TCT_CLOSE_WAIT);
  assert_int_equal(infer_receive(TCT_FIN_WAIT_1, &ack_fin), TCT_FIN_WAIT_2);
  assert_int_equal(infer_receive(TCT_FIN_WAIT_1, &fin), TCT_CLOSING);
  assert_int_equal(infer_receive(TCT_FIN_WAIT_1, &fin_ack_fin), TCT_TIME_WAIT);
  assert_int_equal(infer_receive(TCT_CLOSING, &ack_fin), TCT_TIME_WAIT);
  assert_int_equal(infer_receive(TCT_LAST_ACK, &ack_fin), TCT_CLOSED);
  assert_int_equal(infer_send(TCT_ESTABLISHED, FIN | ACK), TCT_FIN_WAIT_1);
  assert_int_equal(infer_send(TCT_CLOSE_WAIT, FIN | ACK), TCT_LAST_ACK);
  assert_int_equal(infer_send(TCT_ESTABLISHED, SYN | ACK), TCT_ESTABLISHED);
}

static void words__sizes_times_and_counts(void **state) {
  (void)state;
  static const struct {
    uint64_t n;
    const char *size;
  } sizes[] = {
      {0, "0 B"},           {999, "999 B"},     {1000, "1.0 kB"},        {5792, "5.8 kB"},
      {999949, "999.9 kB"}, {999999, "1.0 MB"}, {123456789, "123.5 MB"}, {5000000000u, "5.0 GB"}};
  static const struct {
    tct_time ns;
    const char *words;
  } times[] = {{0, "0 µs"},          {52400, "52 µs"},       {18300000, "18.3 ms"},
               {999400, "999 µs"},   {1020000000, "1.02 s"}, {10000000000u, "10.0 s"},
               {999960000, "1.00 s"}};
  struct line l;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    line_clear(&l);
    words_size(&l, sizes[i].n);
    assert_string_equal(l.b, sizes[i].size);
  }
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    line_clear(&l);
    words_duration(&l, times[i].ns);
    assert_string_equal(l.b, times[i].words);
  }
  line_clear(&l);
  words_count(&l, 1234567);
  assert_string_equal(l.b, "1 234 567");
}

static void line__too_long__is_cut_at_a_character(void **state) {
  (void)state;
  struct line l;
  line_clear(&l);
  for (int i = 0; i < 1000; i++)
    line_add(&l, "→");
  assert_true(l.n < sizeof l.b && l.n % 3 == 0);
  char small[5];
  line_copy(&l, small, sizeof small);
  assert_string_equal(small, "→");
}

static void every_reason_and_verdict__has_words(void **state) {
  (void)state;
  for (uint16_t v = 0; v < TCT_VERDICT_COUNT; v++)
    assert_true(words_verdict(v)[0] != '\0');
  for (uint16_t w = 0; w < TCT_WHY_COUNT; w++)
    assert_true(tct_why_text((tct_why)w)[0] != '\0');
  assert_string_equal(words_rfc(TCT_WHY_RTO), "RFC 6298 5.4");
  assert_null(words_rfc(TCT_WHY_NONE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normal__outcome),
      cmocka_unit_test(lossy__outcome),
      cmocka_unit_test(refused__outcome),
      cmocka_unit_test(no_answer__outcome_and_words),
      cmocka_unit_test(probes__only_old_data_is_sent_again),
      cmocka_unit_test(simultaneous__is_no_retransmission),
      cmocka_unit_test(one_end_on_a_real_clock__changes_join_their_segments),
      cmocka_unit_test(note_before_the_first_segment__the_head_still_has_names),
      cmocka_unit_test(ladder__any_width__rails_stand_and_no_line_is_too_long),
      cmocka_unit_test(ladder__ascii__has_only_ascii),
      cmocka_unit_test(no_colour__no_escapes__colour__as_many_off_as_on),
      cmocka_unit_test(plain__is_ascii_and_one_event_a_line_within_100_columns),
      cmocka_unit_test(json__every_line_is_an_object),
      cmocka_unit_test(no_events__every_mode_still_ends),
      cmocka_unit_test(svg__cannot_be_made__says_so_and_unfinished__leaves_nothing),
      cmocka_unit_test(svg__is_well_formed_and_self_contained),
      cmocka_unit_test(random_events__no_output_breaks),
      cmocka_unit_test(rows_without_news__memory_stays_bounded),
      cmocka_unit_test(many_connections__the_oldest_are_forgotten_the_first_is_kept),
      cmocka_unit_test(infer__follows_the_state_diagram),
      cmocka_unit_test(words__sizes_times_and_counts),
      cmocka_unit_test(line__too_long__is_cut_at_a_character),
      cmocka_unit_test(every_reason_and_verdict__has_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
