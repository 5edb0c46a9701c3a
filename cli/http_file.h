/* SPDX-License-Identifier: MIT */
/* http_file.h - from a request's target to an open file below the served directory. See .c. */
#ifndef TCT_CLI_HTTP_FILE_H
#define TCT_CLI_HTTP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { HTTP_PATH_MAX = 4096, HTTP_ETAG_LEN = 64 };

struct http_file {
  int fd; /* the caller closes it */
  bool is_dir;
  uint64_t size, device, inode;
  time_t modified;
  char etag[HTTP_ETAG_LEN];
  const char *type; /* "text/html; charset=utf-8" */
};

/* Decodes %XX, cuts the query, leaves a path relative to the root ("" is the root itself).
   0, or the status to answer: 400, 404 (it leads outside) or 414. */
int http_path_decode(const char *target, char *path, size_t cap);
/* 0, or the status to answer: 403, 404, 500, 503. A directory with an index.html is that file,
   when the path ends in '/'. */
int http_file_open(int root_fd, const char *path, struct http_file *f);
/* A page that lists the directory; malloc'ed, NULL without memory. */
char *http_listing(int dir_fd, const char *path, size_t *len);
/* Text made fit for HTML, or for a URL's path, appended to buf at *at; false when it is full. */
bool http_escape_html(char *buf, size_t cap, size_t *at, const char *text);
bool http_escape_url(char *buf, size_t cap, size_t *at, const char *text);

#endif
