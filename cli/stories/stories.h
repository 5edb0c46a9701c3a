/* SPDX-License-Identifier: MIT */
/*
 * stories.h - the table of stories and the functions behind it. Used by demo.c; each pair
 * play/check is in the file of its theme: opening, lost, numbers, window, closing, trouble,
 * sender, main_story.
 */
#ifndef CLI_STORIES_STORIES_H
#define CLI_STORIES_STORIES_H

#include "cli/stories/stage.h"

/* In the order of a lesson; the first is played when none is named. */
extern const struct story stories[];
extern const size_t n_stories;
/* NULL if there is none of that name. */
const struct story *stories_find(const char *name);
/* Plays and checks one. True: all held. What did not is in st->failed. st is the caller's to
 * deinit. */
bool stories_run(struct stage *st, const struct story *story, const struct stage_opts *opts);

#define STORY(name)                                                                                \
  void story_##name##_play(struct stage *st);                                                      \
  bool story_##name##_check(struct stage *st)

STORY(main);
STORY(open_close);
STORY(two_answers);
STORY(ten_segments);
STORY(header);
STORY(roles);
STORY(isn_clock);
STORY(wrap);
STORY(equal_isns);
STORY(mss);
STORY(no_mss);
STORY(window_scale);
STORY(doors);
STORY(lost_syn);
STORY(lost_syn_ack);
STORY(lost_ack);
STORY(wrong_ack);
STORY(early_data);
STORY(simultaneous_open);
STORY(close_four);
STORY(close_three);
STORY(close_simultaneous);
STORY(abort);
STORY(half_close);
STORY(late_close);
STORY(time_wait);
STORY(rulers);
STORY(lossy);
STORY(not_secret);
STORY(well_known_ports);
STORY(syn_flood);
STORY(crash);
STORY(fast_retransmit);
STORY(tail_loss);
STORY(false_alarm);
STORY(ecn);
STORY(race);

#endif
