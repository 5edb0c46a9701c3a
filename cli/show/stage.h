/* SPDX-License-Identifier: MIT */
/* stage.h - from rows to what a drawing shows: rules between sections, gaps, folded runs. */
#ifndef TCT_SHOW_STAGE_H
#define TCT_SHOW_STAGE_H

#include "cli/show/row.h"

enum { STAGE_LEAD_MAX = 4 };

/* Equal rows of one end that were not drawn yet. */
struct stage_fold {
  struct show_row row;
  bool active;
  uint32_t end; /* where the next one must start (data), or its ACK */
  bool has_limit;
  uint32_t limit;        /* ACKs beyond belong to the next round */
  tct_time round_end_at; /* 0: the first ACK for this round did not arrive yet */
};

struct show_stage {
  struct show_renderer out[2];
  unsigned n_out;
  bool no_fold, no_sections;
  const char *const *names;
  struct stage_fold fold[2];
  uint64_t births; /* which fold is older */
  uint64_t born[2];
  const struct show_conn *conn;
  struct show_row lead[STAGE_LEAD_MAX]; /* remarks before the first segment, which has the names */
  unsigned n_lead;
  tct_time last_at;
  bool any;
};

void stage_row(struct show_stage *s, const struct show_row *r);
/* Folded rows that began before `at` are drawn. */
void stage_flush(struct show_stage *s, tct_time at);

#endif
