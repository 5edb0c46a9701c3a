/* SPDX-License-Identifier: MIT */
/* The intrusive list. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/expect_trap.h"
#include "util/list.h"

struct fixture {
  struct tct_list list;
  struct tct_list other;
  struct tct_list node[4];
};

static void set_up(struct fixture *f) {
  tct_list_init(&f->list);
  tct_list_init(&f->other);
  for (int i = 0; i < 4; i++)
    tct_list_init(&f->node[i]);
}

/* The list holds these nodes, in this order, both ways. */
static void expect(const struct fixture *f, const struct tct_list *list, const char *digits) {
  const struct tct_list *at = list;
  for (const char *d = digits; *d != 0; d++) {
    assert_ptr_equal(at->next, &f->node[*d - '0']);
    assert_ptr_equal(at->next->prev, at);
    at = at->next;
  }
  assert_ptr_equal(at->next, list);
  assert_ptr_equal(list->prev, at);
}

static void push__tail_and_head__keep_order(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f);
  assert_true(tct_list_is_empty(&f.list));
  assert_null(tct_list_first(&f.list));
  assert_null(tct_list_pop_head(&f.list));
  tct_list_push_tail(&f.list, &f.node[1]);
  tct_list_push_tail(&f.list, &f.node[2]);
  tct_list_push_head(&f.list, &f.node[0]);
  expect(&f, &f.list, "012");
  assert_false(tct_list_is_empty(&f.list));
  assert_ptr_equal(tct_list_first(&f.list), &f.node[0]);
  assert_ptr_equal(tct_list_pop_head(&f.list), &f.node[0]);
  assert_false(tct_list_is_linked(&f.node[0]));
  expect(&f, &f.list, "12");
}

static void remove__twice__is_harmless(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f);
  for (int i = 0; i < 3; i++)
    tct_list_push_tail(&f.list, &f.node[i]);
  assert_true(tct_list_is_linked(&f.node[1]));
  tct_list_remove(&f.node[1]);
  tct_list_remove(&f.node[1]);
  assert_false(tct_list_is_linked(&f.node[1]));
  expect(&f, &f.list, "02");
}

static void move_tail__from_here_there_or_nowhere(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f);
  tct_list_push_tail(&f.list, &f.node[0]);
  tct_list_push_tail(&f.list, &f.node[1]);
  tct_list_push_tail(&f.other, &f.node[2]);
  tct_list_move_tail(&f.list, &f.node[0]);
  tct_list_move_tail(&f.list, &f.node[2]);
  tct_list_move_tail(&f.list, &f.node[3]);
  expect(&f, &f.list, "1023");
  expect(&f, &f.other, "");
}

static void splice_tail__keeps_order_and_empties_the_source(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f);
  tct_list_splice_tail(&f.list, &f.other);
  expect(&f, &f.list, "");
  tct_list_push_tail(&f.other, &f.node[0]);
  tct_list_push_tail(&f.other, &f.node[1]);
  tct_list_splice_tail(&f.list, &f.other);
  expect(&f, &f.list, "01");
  expect(&f, &f.other, "");
  tct_list_push_tail(&f.other, &f.node[2]);
  tct_list_splice_tail(&f.list, &f.other);
  tct_list_splice_tail(&f.list, &f.other);
  expect(&f, &f.list, "012");
}

static void push_linked_node(void *arg) {
  struct fixture *f = arg;
  tct_list_push_tail(&f->other, &f->node[0]);
}

static void push__of_a_linked_node__traps(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f);
  tct_list_push_tail(&f.list, &f.node[0]);
  assert_true(call_traps(push_linked_node, &f));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(push__tail_and_head__keep_order),
      cmocka_unit_test(remove__twice__is_harmless),
      cmocka_unit_test(move_tail__from_here_there_or_nowhere),
      cmocka_unit_test(splice_tail__keeps_order_and_empties_the_source),
      cmocka_unit_test(push__of_a_linked_node__traps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
