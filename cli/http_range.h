/* SPDX-License-Identifier: MIT */
/* http_range.h - the Range field against a file's size. See http_range.c. */
#ifndef TCT_CLI_HTTP_RANGE_H
#define TCT_CLI_HTTP_RANGE_H

#include <stdint.h>

enum { HTTP_RANGES_MAX = 16 };

struct http_range {
  uint64_t from, count; /* count >= 1 */
};

/* How many ranges to answer with; 0: ignore the field; -1: none can be satisfied (416). */
int http_range_parse(const char *field, uint64_t size, struct http_range out[HTTP_RANGES_MAX]);

#endif
