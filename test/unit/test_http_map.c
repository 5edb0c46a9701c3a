/* SPDX-License-Identifier: MIT */
/* Maps of the files that are served: shared, bounded, let go of, and files that become shorter. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/http_map.h"

enum { BYTES = 40000, FILES = 64, TICKS = 12 };

/* A file without a name; its number stands in for the device's and inode's. */
static struct http_file make(uint64_t number, char fill) {
  char name[] = "/tmp/tercet-map-XXXXXX", bytes[BYTES];
  struct http_file f = {.fd = mkstemp(name), .size = BYTES, .device = 1, .inode = number};
  assert_true(f.fd >= 0);
  unlink(name);
  memset(bytes, fill, sizeof bytes);
  assert_int_equal(write(f.fd, bytes, sizeof bytes), BYTES);
  return f;
}

static void let_all_go(void) {
  for (int i = 0; i < TICKS; i++)
    http_map_tick();
}

static void answers_of_one_file__share_its_map(void **state) {
  (void)state;
  struct http_file f = make(1, 'a');
  struct http_map *m = http_map_get(&f), *again = http_map_get(&f);
  assert_non_null(m);
  assert_ptr_equal(m, again);
  assert_int_equal(m->base[BYTES - 1], 'a');
  uint64_t token = http_map_lend(m);
  http_map_put(m);
  http_map_put(again);
  let_all_go();
  assert_non_null(m->base); /* what is lent stays */
  http_map_return(token);
  let_all_go();
  assert_null(m->base);
  close(f.fd);
}

static void small_file_or_no_memory_of_it__is_read_instead(void **state) {
  (void)state;
  struct http_file f = make(1, 'a');
  f.size = 1000;
  assert_null(http_map_get(&f));
  f.size = BYTES;
  close(f.fd); /* cannot be mapped any more */
  assert_null(http_map_get(&f));
}

static void other_file_of_the_same_number__or_another_length__has_its_own(void **state) {
  (void)state;
  struct http_file f = make(1, 'a'), g = make(1, 'b');
  g.device = 2;
  struct http_map *a = http_map_get(&f), *b = http_map_get(&g);
  assert_ptr_not_equal(a, b);
  f.size = BYTES - 1;
  struct http_map *c = http_map_get(&f);
  assert_true(c != a && c != b && c->size == BYTES - 1);
  http_map_put(a);
  http_map_put(b);
  http_map_put(c);
  let_all_go();
  close(f.fd);
  close(g.fd);
}

static void more_files_than_maps__the_oldest_unused_makes_way(void **state) {
  (void)state;
  struct http_file f = make(1, 'a');
  struct http_map *m[FILES];
  for (uint64_t i = 0; i < FILES; i++) {
    f.inode = i;
    m[i] = http_map_get(&f);
    assert_non_null(m[i]);
  }
  f.inode = FILES;
  assert_null(http_map_get(&f)); /* all are in use: it is read */
  http_map_put(m[9]);
  http_map_put(m[5]);
  f.inode = 9;
  assert_ptr_equal(http_map_get(&f), m[9]);
  http_map_put(m[9]);
  f.inode = FILES;
  assert_ptr_equal(http_map_get(&f), m[5]);
  for (size_t i = 0; i < FILES; i++)
    if (i != 9)
      http_map_put(m[i]);
  let_all_go();
  for (size_t i = 0; i < FILES; i++)
    assert_null(m[i]->base);
  close(f.fd);
}

static void file_that_became_shorter__reads_as_zeros__its_map_is_broken(void **state) {
  (void)state;
  struct http_file f = make(1, 'a');
  struct http_map *m = http_map_get(&f);
  assert_non_null(m);
  assert_int_equal(ftruncate(f.fd, 10), 0);
  assert_int_equal(*(const volatile uint8_t *)&m->base[BYTES - 1], 0);
  assert_int_equal(*(const volatile uint8_t *)&m->base[9], 'a');
  assert_true(m->broken && http_map_broke());
  assert_false(http_map_broke());
  assert_int_equal(ftruncate(f.fd, BYTES), 0); /* as long as it was, by another's bytes */
  struct http_map *anew = http_map_get(&f);
  assert_ptr_not_equal(anew, m);
  http_map_put(anew);
  http_map_put(m);
  let_all_go();
  close(f.fd);
}

/* Before a byte that is gone is read, and where none would be a SIGBUS: in the last page. */
static void lent_file_became_shorter__is_seen_before_its_bytes_leave(void **state) {
  (void)state;
  for (off_t to = 10; to < BYTES; to += BYTES - 11) {
    struct http_file f = make(1, 'a'), g = make(2, 'b');
    struct http_map *m = http_map_get(&f), *other = http_map_get(&g);
    uint64_t token = http_map_lend(m), kept = http_map_lend(other);
    http_map_look();
    assert_int_equal(http_map_broke(), 0);
    assert_int_equal(ftruncate(f.fd, to), 0);
    close(f.fd); /* the answer is all lent, and its file closed */
    http_map_look();
    assert_int_equal(http_map_broke(), http_map_bit(m));
    http_map_look();
    assert_true((http_map_broke() & http_map_bit(other)) == 0);
    http_map_put(m);
    http_map_put(other);
    http_map_return(token);
    http_map_return(kept);
    let_all_go();
    assert_true(m->base == NULL && other->base == NULL);
    close(g.fd);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_of_one_file__share_its_map),
      cmocka_unit_test(small_file_or_no_memory_of_it__is_read_instead),
      cmocka_unit_test(other_file_of_the_same_number__or_another_length__has_its_own),
      cmocka_unit_test(more_files_than_maps__the_oldest_unused_makes_way),
      cmocka_unit_test(file_that_became_shorter__reads_as_zeros__its_map_is_broken),
      cmocka_unit_test(lent_file_became_shorter__is_seen_before_its_bytes_leave),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
