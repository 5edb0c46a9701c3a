/* SPDX-License-Identifier: MIT */
/* Intrusive circular doubly linked list. A list is its head node; an element embeds a node and is
 * found again with TCT_CONTAINER_OF. A node that is on no list points to itself, so removing it
 * again is harmless. The list owns nothing: lifetimes are the business of whoever embeds the node.
 */
#ifndef TCT_UTIL_LIST_H
#define TCT_UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "util/assert.h"

struct tct_list {
  struct tct_list *prev;
  struct tct_list *next;
};

static inline void tct_list_init(struct tct_list *list) {
  list->prev = list;
  list->next = list;
}

static inline bool tct_list_is_empty(const struct tct_list *list) {
  return list->next == list;
}

static inline bool tct_list_is_linked(const struct tct_list *node) {
  return node->next != node;
}

/* The node must not be on a list: a node on two lists corrupts both. */
static inline void tct_list_push_tail(struct tct_list *list, struct tct_list *node) {
  TCT_ASSERT(!tct_list_is_linked(node));
  node->prev = list->prev;
  node->next = list;
  list->prev->next = node;
  list->prev = node;
}

static inline void tct_list_push_head(struct tct_list *list, struct tct_list *node) {
  tct_list_push_tail(list->next, node);
}

static inline void tct_list_remove(struct tct_list *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  tct_list_init(node);
}

static inline struct tct_list *tct_list_first(const struct tct_list *list) {
  return tct_list_is_empty(list) ? NULL : list->next;
}

static inline struct tct_list *tct_list_pop_head(struct tct_list *list) {
  struct tct_list *node = tct_list_first(list);
  if (node != NULL)
    tct_list_remove(node);
  return node;
}

/* From wherever it is, if anywhere, to the tail of this list. */
static inline void tct_list_move_tail(struct tct_list *list, struct tct_list *node) {
  tct_list_remove(node);
  tct_list_push_tail(list, node);
}

/* All nodes of `from` to the tail of `to`, in order; `from` is empty afterwards. */
static inline void tct_list_splice_tail(struct tct_list *to, struct tct_list *from) {
  if (tct_list_is_empty(from))
    return;
  from->next->prev = to->prev;
  to->prev->next = from->next;
  from->prev->next = to;
  to->prev = from->prev;
  tct_list_init(from);
}

#endif
