/* SPDX-License-Identifier: MIT */
/* trial_words.h - the words that plans use for some of their numbers. See trial_words.c. */
#ifndef SIM_TRIAL_WORDS_H
#define SIM_TRIAL_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* The word for `n` in this field; NULL: the field has numbers only. */
const char *sim_trial_word(const char *field, uint64_t n);
/* The number of a word; false: this field has no such word. */
bool sim_trial_number(const char *field, const char *word, uint64_t *n);

#endif
