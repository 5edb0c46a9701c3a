/* SPDX-License-Identifier: MIT */
/*
 * http_range.c - RFC 9110 section 14.2: which bytes of a file a client wants.
 *
 * Called by the file server. A field that is not understood, or that asks for more pieces than is
 * sane, is ignored, as the RFC allows; then the whole file is sent.
 */
#include "cli/http_range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Digits into *n, clamped; *any: there was at least one. */
static const char *parse_digits(const char *p, uint64_t *n, bool *any) {
  *n = 0;
  *any = *p >= '0' && *p <= '9';
  for (; *p >= '0' && *p <= '9'; p++)
    *n = *n > (UINT64_MAX - 9) / 10 ? UINT64_MAX / 10 : *n * 10 + (uint64_t)(*p - '0');
  return p;
}

/* One "a-b", "a-" or "-n". NULL: not understood. count 0: outside the file. */
static const char *parse_one(const char *p, uint64_t size, struct http_range *r) {
  uint64_t first, last;
  bool has_first, has_last;
  p = parse_digits(p, &first, &has_first);
  if (*p != '-')
    return NULL;
  p = parse_digits(p + 1, &last, &has_last);
  if ((!has_first && !has_last) || (has_first && has_last && last < first))
    return NULL;
  if (!has_first) {
    r->count = last < size ? last : size;
    r->from = size - r->count;
    return p;
  }
  if (!has_last || last >= size)
    last = size - 1; /* size 0: first >= size below */
  r->from = first;
  r->count = first < size ? last - first + 1 : 0;
  return p;
}

int http_range_parse(const char *field, uint64_t size, struct http_range out[HTTP_RANGES_MAX]) {
  int n = 0, seen = 0;
  uint64_t total = 0;
  if (strncasecmp(field, "bytes=", 6) != 0)
    return 0;
  for (const char *p = field + 6;;) {
    struct http_range r = {0};
    p += strspn(p, " \t");
    p = parse_one(p, size, &r);
    if (p == NULL || ++seen > HTTP_RANGES_MAX)
      return 0;
    if (r.count > 0)
      out[n++] = r;
    total += r.count;
    p += strspn(p, " \t");
    if (*p == '\0')
      break;
    if (*p++ != ',')
      return 0;
  }
  if (n > 1 && total > size)
    return 0; /* overlapping pieces would send more than the file */
  return n > 0 ? n : -1;
}
