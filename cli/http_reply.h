/* SPDX-License-Identifier: MIT */
/* http_reply.h - the client's side of HTTP/1: a response's head and its body. See http_reply.c. */
#ifndef TCT_CLI_HTTP_REPLY_H
#define TCT_CLI_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_REPLY_MAX = 65536 };

struct http_reply {
  int status;
  bool chunked, has_length, is_text;
  uint64_t length;
  char location[512]; /* "": absent */
};

/* buf[0..len) is the head with its blank line; it is changed. NULL, or what is wrong. */
const char *http_reply_parse(struct http_reply *r, char *buf, size_t len);

enum http_body_kind { HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_TO_END };
struct http_body {
  enum http_body_kind kind;
  int step;      /* of a chunked body */
  uint64_t left; /* of the whole, or of this chunk */
  uint64_t got;  /* payload so far */
  unsigned line; /* bytes of the current chunk's line or trailer line */
  bool done;
};

void http_body_init(struct http_body *b, const struct http_reply *r);
/* Looks at in[0..len): how many bytes are framing (>= 0, to be thrown away) and how many payload
   bytes follow them at once. -1: it is no chunked body. Nothing is counted as payload until
   http_body_took. */
long http_body_next(struct http_body *b, const char *in, size_t len, size_t *payload);
void http_body_took(struct http_body *b, size_t payload);

#endif
