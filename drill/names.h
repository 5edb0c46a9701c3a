/* SPDX-License-Identifier: MIT */
/* names.h - the words that scripts use for numbers. */
#ifndef DRILL_NAMES_H
#define DRILL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Linux's constants and the core's TCT_OPT_*. */
bool drill_names_constant(const char *word, int64_t *value);
/* NULL if the number has no name. */
const char *drill_names_errno(int64_t number);
/* type, then code of that type; false: no such word. */
bool drill_names_icmp_type(bool is_v6, const char *word, uint8_t *type);
bool drill_names_icmp_code(bool is_v6, uint8_t type, const char *word, uint8_t *code);

#endif
