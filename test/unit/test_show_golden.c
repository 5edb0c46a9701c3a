/* SPDX-License-Identifier: MIT */
/*
 * Made-up conversations drawn in every format and compared with test/unit/golden/show/, which are
 * to be read in review like code. TCT_GOLDEN_UPDATE=1 writes them anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/show_story.h"

enum { TEXT_MAX = 400000 };

static struct story story;
static char got[TEXT_MAX], want[TEXT_MAX];

struct golden {
  const char *name;
  void (*tell)(struct story *y);
  unsigned traced;
  enum show_mode mode;
  enum show_numbers numbers;
  unsigned width;
  bool why, ascii, colour, no_link, svg;
};

static size_t read_stream(FILE *f, char *to) {
  rewind(f);
  size_t n = fread(to, 1, TEXT_MAX - 1, f);
  to[n] = '\0';
  return n;
}

static void draw(const struct golden *g) {
  char error[200], svg[] = "/tmp/tercet-golden-XXXXXX";
  struct show_opts o;
  FILE *out = tmpfile();
  assert_non_null(out);
  show_opts_init(&o, out);
  o.mode = g->mode;
  o.term = (struct term){.unicode = !g->ascii, .colour = g->colour, .width = g->width};
  o.numbers = g->numbers;
  o.why = g->why;
  o.names[L] = "client";
  o.names[R] = "server";
  o.title = g->name;
  o.traced = g->traced;
  if (g->svg) {
    snprintf(svg, sizeof svg, "/tmp/tercet-golden-%06u", (unsigned)rand() % 1000000);
    o.svg_path = svg;
  }
  story_init(&story, g->traced);
  story.no_link = g->no_link;
  g->tell(&story);
  struct show *s = show_new(&o, error, sizeof error);
  assert_non_null(s);
  story_play(&story, s);
  assert_int_equal(show_finish(s, NULL), 0);
  show_free(s);
  if (g->svg) {
    fclose(out);
    out = fopen(svg, "r");
    assert_non_null(out);
    remove(svg);
  }
  read_stream(out, got);
  fclose(out);
}

static void compare(const struct golden *g) {
  char path[200];
  snprintf(path, sizeof path, "test/unit/golden/show/%s", g->name);
  draw(g);
  if (getenv("TCT_GOLDEN_UPDATE") != NULL) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(got, f);
    fclose(f);
  }
  FILE *f = fopen(path, "r");
  if (f == NULL)
    fail_msg("no %s: run from the top of the source tree", path);
  read_stream(f, want);
  fclose(f);
  if (strcmp(got, want) != 0)
    fail_msg("%s differs; see what is new with TCT_GOLDEN_UPDATE=1 and git diff\n%s", path, got);
}

static const struct golden goldens[] = {
    {.name = "normal.ladder", .tell = story_normal, .traced = 3, .mode = SHOW_LADDER, .width = 100},
    {.name = "normal-abs.ladder",
     .tell = story_normal,
     .traced = 3,
     .mode = SHOW_LADDER,
     .width = 110,
     .numbers = SHOW_BOTH},
    {.name = "normal-80.ladder",
     .tell = story_normal,
     .traced = 3,
     .mode = SHOW_LADDER,
     .width = 80,
     .numbers = SHOW_BOTH},
    {.name = "normal-50.ladder",
     .tell = story_normal,
     .traced = 3,
     .mode = SHOW_LADDER,
     .width = 50},
    {.name = "normal-ascii.ladder",
     .tell = story_normal,
     .traced = 3,
     .mode = SHOW_LADDER,
     .width = 100,
     .ascii = true,
     .why = true},
    {.name = "normal-colour.ladder",
     .tell = story_normal,
     .traced = 3,
     .mode = SHOW_LADDER,
     .width = 100,
     .colour = true},
    {.name = "normal-client-only.ladder",
     .tell = story_normal,
     .traced = 1,
     .mode = SHOW_LADDER,
     .width = 100,
     .no_link = true},
    {.name = "normal-server-only.ladder",
     .tell = story_normal,
     .traced = 2,
     .mode = SHOW_LADDER,
     .width = 100,
     .no_link = true},
    {.name = "normal.plain", .tell = story_normal, .traced = 3, .mode = SHOW_PLAIN, .width = 100},
    {.name = "normal.json", .tell = story_normal, .traced = 3, .mode = SHOW_JSON, .width = 100},
    {.name = "normal-client-only.json",
     .tell = story_normal,
     .traced = 1,
     .mode = SHOW_JSON,
     .width = 100,
     .no_link = true},
    {.name = "normal.svg",
     .tell = story_normal,
     .traced = 3,
     .mode = SHOW_NONE,
     .width = 100,
     .svg = true},
    {.name = "lossy.ladder", .tell = story_lossy, .traced = 3, .mode = SHOW_LADDER, .width = 100},
    {.name = "lossy.plain", .tell = story_lossy, .traced = 3, .mode = SHOW_PLAIN, .width = 100},
    {.name = "lossy.json", .tell = story_lossy, .traced = 3, .mode = SHOW_JSON, .width = 100},
    {.name = "crossing.ladder",
     .tell = story_crossing,
     .traced = 3,
     .mode = SHOW_LADDER,
     .width = 100},
    {.name = "crossing.plain",
     .tell = story_crossing,
     .traced = 3,
     .mode = SHOW_PLAIN,
     .width = 100},
    {.name = "bulk.ladder", .tell = story_bulk, .traced = 3, .mode = SHOW_LADDER, .width = 100},
    {.name = "refused.ladder",
     .tell = story_refused,
     .traced = 3,
     .mode = SHOW_LADDER,
     .width = 100},
    {.name = "flood.ladder", .tell = story_flood, .traced = 2, .mode = SHOW_LADDER, .width = 100},
};

#define GOLDEN(n, name)                                                                            \
  static void name(void **state) {                                                                 \
    (void)state;                                                                                   \
    compare(&goldens[n]);                                                                          \
  }
GOLDEN(0, normal__ladder)
GOLDEN(1, normal__ladder_with_absolute_numbers)
GOLDEN(2, normal__ladder_of_80_columns__drops_absolute_numbers)
GOLDEN(3, normal__ladder_of_50_columns__states_move_inside)
GOLDEN(4, normal__ladder_in_ascii_with_reasons)
GOLDEN(5, normal__ladder_in_colour)
GOLDEN(6, normal__only_the_client_traced__server_is_inferred)
GOLDEN(7, normal__only_the_server_traced__client_is_inferred)
GOLDEN(8, normal__plain)
GOLDEN(9, normal__json)
GOLDEN(10, normal__json_of_one_end__says_inferred)
GOLDEN(11, normal__svg)
GOLDEN(12, lossy__ladder)
GOLDEN(13, lossy__plain)
GOLDEN(14, lossy__json)
GOLDEN(15, simultaneous__ladder_draws_crossings)
GOLDEN(16, simultaneous__plain)
GOLDEN(17, bulk__ladder_folds_by_round_trip)
GOLDEN(18, refused__ladder)
GOLDEN(19, flood__ladder_folds_connections)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normal__ladder),
      cmocka_unit_test(normal__ladder_with_absolute_numbers),
      cmocka_unit_test(normal__ladder_of_80_columns__drops_absolute_numbers),
      cmocka_unit_test(normal__ladder_of_50_columns__states_move_inside),
      cmocka_unit_test(normal__ladder_in_ascii_with_reasons),
      cmocka_unit_test(normal__ladder_in_colour),
      cmocka_unit_test(normal__only_the_client_traced__server_is_inferred),
      cmocka_unit_test(normal__only_the_server_traced__client_is_inferred),
      cmocka_unit_test(normal__plain),
      cmocka_unit_test(normal__json),
      cmocka_unit_test(normal__json_of_one_end__says_inferred),
      cmocka_unit_test(normal__svg),
      cmocka_unit_test(lossy__ladder),
      cmocka_unit_test(lossy__plain),
      cmocka_unit_test(lossy__json),
      cmocka_unit_test(simultaneous__ladder_draws_crossings),
      cmocka_unit_test(simultaneous__plain),
      cmocka_unit_test(bulk__ladder_folds_by_round_trip),
      cmocka_unit_test(refused__ladder),
      cmocka_unit_test(flood__ladder_folds_connections),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
