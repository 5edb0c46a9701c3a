/* SPDX-License-Identifier: MIT */
/* http_request.h - one HTTP/1 request head, taken apart in place. See http_request.c. */
#ifndef TCT_CLI_HTTP_REQUEST_H
#define TCT_CLI_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 16384, HTTP_FIELDS_MAX = 100 };
enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OPTIONS, HTTP_OTHER_METHOD };

struct http_request {
  enum http_method method;
  const char *method_name, *target; /* target: origin form, begins with '/', or "*" */
  unsigned minor;                   /* HTTP/1.minor */
  bool keep_alive;                  /* what the client asks for, after the version's default */
  const char *host, *range, *if_range, *if_match, *if_none_match; /* NULL: absent */
  const char *if_modified_since, *if_unmodified_since;
  uint64_t content_length;
  bool has_length;
};

/* Bytes of the head with its blank line, 0: not complete yet. Leading blank lines belong to it. */
size_t http_head_end(const char *buf, size_t len);
/* buf[0..len) is the head; it is changed. 0, or the status code to answer with (then the
   connection can't be kept). */
int http_request_parse(struct http_request *r, char *buf, size_t len);
/* A comma-separated list holds this word, letters of any case. */
bool http_has_token(const char *list, const char *token);

#endif
