/* SPDX-License-Identifier: MIT */
/* http_response.h - what a request is answered with, and its way into a socket. See .c files. */
#ifndef TCT_CLI_HTTP_RESPONSE_H
#define TCT_CLI_HTTP_RESPONSE_H

#include "cli/http_file.h"
#include "cli/http_map.h"
#include "cli/http_request.h"
#include "tercet/record.h"

/* A growing text; failed: memory ran out and the text is short. */
struct http_text {
  char *buf;
  size_t len, cap;
  bool failed;
};
void http_text_add(struct http_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Bytes of our own, then bytes of the file. */
struct http_piece {
  struct http_text text;
  uint64_t from, count;
};

struct http_response {
  int status;
  bool keep_alive;
  int fd;                   /* the file, or -1 */
  struct http_map *map;     /* of its bytes; NULL: they are read */
  struct http_piece *piece; /* n of them; `one` unless the ranges are several */
  struct http_piece one;
  unsigned n, at;
  size_t text_at;      /* sent of piece[at].text */
  uint64_t body_bytes; /* for the log */
};

/* The answer to a request that parsed. */
void http_response_make(struct http_response *a, const struct http_request *r, int root_fd);
/* The answer to one that did not (or that came too slowly); the connection ends with it. */
void http_response_error(struct http_response *a, int status);
/* Moves as much as the socket takes. TCT_OK: all
   is in. TCT_EAGAIN: go on when it is writable. TCT_EPROTO: the file became shorter. */
int http_response_pump(struct http_response *a, tct_stack *s, tct_sock k);
void http_response_deinit(struct http_response *a);

#endif
