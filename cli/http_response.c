/* SPDX-License-Identifier: MIT */
/*
 * http_response.c - decides what a request is answered with: status, fields, pieces of a file.
 *
 * Called by http_conn.c; finding files is http_file.c, sending is http_pump.c. RFC 9110 sections
 * 13 (conditions, in its order), 14 (ranges) and 15 (statuses).
 */
#define _GNU_SOURCE
#include "cli/http_response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/http_date.h"
#include "cli/http_range.h"

void http_text_add(struct http_text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = t->cap - t->len;
  int n = vsnprintf(t->buf != NULL ? t->buf + t->len : NULL, room, format, args);
  va_end(args);
  if (n < 0 || t->failed)
    return;
  if ((size_t)n >= room) {
    size_t cap = (t->cap + (size_t)n + 512) * 2;
    char *buf = realloc(t->buf, cap);
    if (buf == NULL) {
      t->failed = true;
      return;
    }
    t->buf = buf;
    t->cap = cap;
    va_start(args, format);
    vsnprintf(t->buf + t->len, t->cap - t->len, format, args);
    va_end(args);
  }
  t->len += (size_t)n;
}

static const char *reason_of(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 204:
    return "No Content";
  case 206:
    return "Partial Content";
  case 301:
    return "Moved Permanently";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 412:
    return "Precondition Failed";
  case 414:
    return "URI Too Long";
  case 416:
    return "Range Not Satisfiable";
  case 431:
    return "Request Header Fields Too Large";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Internal Server Error";
  }
}

static void begin_head(struct http_response *a) {
  char date[HTTP_DATE_LEN];
  http_date_format(time(NULL), date);
  http_text_add(&a->one.text, "HTTP/1.1 %d %s\r\nServer: tercet/" TCT_VERSION "\r\nDate: %s\r\n",
                a->status, reason_of(a->status), date);
}

static void end_head(struct http_response *a) {
  http_text_add(&a->one.text, "Connection: %s\r\n\r\n", a->keep_alive ? "keep-alive" : "close");
}

/* A short page of our own; `fields` go into the head, complete with line ends. */
static void answer_page(struct http_response *a, int status, bool head_only, const char *fields) {
  char body[128];
  int n = snprintf(body, sizeof body, "%d %s\n", status, reason_of(status));
  a->status = status;
  begin_head(a);
  http_text_add(&a->one.text, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n%s",
                n, fields);
  end_head(a);
  if (head_only)
    return;
  http_text_add(&a->one.text, "%s", body);
  a->body_bytes = (uint64_t)n;
}

/* ---- Conditions ------------------------------------------------------------------------------ */

static bool etag_listed(const char *list, const char *etag, bool weak) {
  size_t len = strlen(etag);
  if (strcmp(list, "*") == 0)
    return true;
  for (const char *p = strstr(list, etag); p != NULL; p = strstr(p + len, etag)) {
    bool is_weak = p >= list + 2 && p[-1] == '/' && p[-2] == 'W';
    if (weak || !is_weak)
      return true;
  }
  return false;
}

/* RFC 9110 13.2.2: 412, 304, or 200 to go on. */
static int check_conditions(const struct http_request *r, const struct http_file *f) {
  time_t t;
  if (r->if_match != NULL) {
    if (!etag_listed(r->if_match, f->etag, false))
      return 412;
  } else if (r->if_unmodified_since != NULL && http_date_parse(r->if_unmodified_since, &t) &&
             f->modified > t) {
    return 412;
  }
  if (r->if_none_match != NULL)
    return etag_listed(r->if_none_match, f->etag, true) ? 304 : 200;
  if (r->if_modified_since != NULL && http_date_parse(r->if_modified_since, &t) && f->modified <= t)
    return 304;
  return 200;
}

static bool range_applies(const struct http_request *r, const struct http_file *f) {
  time_t t;
  if (r->range == NULL || r->method != HTTP_GET)
    return false;
  if (r->if_range == NULL)
    return true;
  if (r->if_range[0] == '"')
    return strcmp(r->if_range, f->etag) == 0;
  return http_date_parse(r->if_range, &t) && t == f->modified;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void add_file_fields(struct http_response *a, const struct http_file *f) {
  char date[HTTP_DATE_LEN];
  http_date_format(f->modified, date);
  http_text_add(&a->one.text, "Last-Modified: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n", date,
                f->etag);
}

static void answer_slice(struct http_response *a, const struct http_file *f,
                         const struct http_range *slice, bool head_only) {
  begin_head(a);
  add_file_fields(a, f);
  if (a->status == 206)
    http_text_add(
        &a->one.text, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)slice->from,
        (unsigned long long)(slice->from + slice->count - 1), (unsigned long long)f->size);
  http_text_add(&a->one.text, "Content-Type: %s\r\nContent-Length: %llu\r\n", f->type,
                (unsigned long long)slice->count);
  end_head(a);
  if (head_only)
    return;
  a->one.from = slice->from;
  a->one.count = a->body_bytes = slice->count;
  a->map = http_map_get(f);
}

/* Several ranges: multipart/byteranges. The last piece is the closing boundary. */
static void answer_parts(struct http_response *a, const struct http_file *f,
                         const struct http_range *slice, unsigned n) {
  const char *boundary = "tercet-part-7d1c0a94e6b3";
  struct http_piece *piece = calloc(n + 1, sizeof *piece);
  if (piece == NULL) {
    answer_page(a, 503, false, "");
    return;
  }
  for (unsigned i = 0; i < n; i++) {
    http_text_add(&piece[i].text,
                  "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
                  boundary, f->type, (unsigned long long)slice[i].from,
                  (unsigned long long)(slice[i].from + slice[i].count - 1),
                  (unsigned long long)f->size);
    piece[i].from = slice[i].from;
    piece[i].count = slice[i].count;
    a->body_bytes += piece[i].text.len + slice[i].count;
  }
  http_text_add(&piece[n].text, "\r\n--%s--\r\n", boundary);
  a->body_bytes += piece[n].text.len;
  begin_head(a);
  add_file_fields(a, f);
  http_text_add(&a->one.text,
                "Content-Type: multipart/byteranges; boundary=%s\r\nContent-Length: %llu\r\n",
                boundary, (unsigned long long)a->body_bytes);
  end_head(a);
  http_text_add(&a->one.text, "%.*s", (int)piece[0].text.len, piece[0].text.buf);
  free(piece[0].text.buf);
  piece[0].text = a->one.text;
  a->one.text = (struct http_text){0};
  a->piece = piece;
  a->n = n + 1;
}

static void answer_not_modified(struct http_response *a, const struct http_file *f) {
  a->status = 304;
  begin_head(a);
  add_file_fields(a, f);
  end_head(a);
}

static void answer_file(struct http_response *a, const struct http_request *r,
                        const struct http_file *f) {
  struct http_range slice[HTTP_RANGES_MAX] = {{0, f->size}};
  char fields[64];
  bool head_only = r->method == HTTP_HEAD;
  int condition = check_conditions(r, f);
  if (condition == 304) {
    answer_not_modified(a, f);
    return;
  }
  if (condition != 200) {
    answer_page(a, condition, head_only, "");
    return;
  }
  int n = range_applies(r, f) ? http_range_parse(r->range, f->size, slice) : 0;
  if (n < 0) {
    snprintf(fields, sizeof fields, "Content-Range: bytes */%llu\r\n", (unsigned long long)f->size);
    answer_page(a, 416, head_only, fields);
    return;
  }
  if (n == 0)
    slice[0] = (struct http_range){0, f->size};
  a->status = n > 0 ? 206 : 200;
  if (n > 1)
    answer_parts(a, f, slice, (unsigned)n);
  else
    answer_slice(a, f, &slice[0], head_only);
}

/* ---- Directories ----------------------------------------------------------------------------- */

static void answer_redirect(struct http_response *a, const char *path, bool head_only) {
  char fields[3 * HTTP_PATH_MAX + 32] = "Location: /";
  size_t at = strlen(fields);
  if (!http_escape_url(fields, sizeof fields - 8, &at, path)) {
    answer_page(a, 414, head_only, "");
    return;
  }
  memcpy(fields + at, "/\r\n", 4);
  answer_page(a, 301, head_only, fields);
}

static void answer_listing(struct http_response *a, const char *path, int dir_fd, bool head_only) {
  size_t len;
  char *page = http_listing(dir_fd, path, &len);
  if (page == NULL) {
    answer_page(a, 503, head_only, "");
    return;
  }
  a->status = 200;
  begin_head(a);
  http_text_add(&a->one.text, "Content-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n",
                len);
  end_head(a);
  if (!head_only)
    http_text_add(&a->one.text, "%s", page);
  a->body_bytes = head_only ? 0 : len;
  free(page);
}

/* ---- The answer ------------------------------------------------------------------------------ */

static void answer_path(struct http_response *a, const struct http_request *r, int root_fd) {
  char path[HTTP_PATH_MAX];
  struct http_file f;
  bool head_only = r->method == HTTP_HEAD;
  int status = http_path_decode(r->target, path, sizeof path);
  if (status == 0)
    status = http_file_open(root_fd, path, &f);
  if (status != 0) {
    answer_page(a, status, head_only, "");
    return;
  }
  a->fd = f.fd;
  size_t len = strlen(path);
  if (!f.is_dir)
    answer_file(a, r, &f);
  else if (len > 0 && path[len - 1] != '/')
    answer_redirect(a, path, head_only);
  else
    answer_listing(a, path, f.fd, head_only);
}

static void reset(struct http_response *a, bool keep_alive) {
  memset(a, 0, sizeof *a);
  a->fd = -1;
  a->piece = &a->one;
  a->n = 1;
  a->keep_alive = keep_alive;
}

static bool is_known_method(const char *name) {
  static const char *const known[] = {"POST", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(name, known[i]) == 0)
      return true;
  return false;
}

void http_response_make(struct http_response *a, const struct http_request *r, int root_fd) {
  reset(a, r->keep_alive);
  if (r->method == HTTP_OPTIONS) {
    a->status = 204;
    begin_head(a);
    http_text_add(&a->one.text, "Allow: GET, HEAD, OPTIONS\r\n");
    end_head(a);
  } else if (r->method == HTTP_OTHER_METHOD) {
    answer_page(a, is_known_method(r->method_name) ? 405 : 501, false,
                "Allow: GET, HEAD, OPTIONS\r\n");
  } else {
    answer_path(a, r, root_fd);
  }
}

void http_response_error(struct http_response *a, int status) {
  reset(a, false);
  answer_page(a, status, false, "");
}

void http_response_deinit(struct http_response *a) {
  for (unsigned i = 0; i < a->n; i++)
    free(a->piece[i].text.buf);
  if (a->n > 1) {
    free(a->piece);
    free(a->one.text.buf);
  }
  if (a->n > 0 && a->fd >= 0)
    close(a->fd);
  if (a->map != NULL)
    http_map_put(a->map);
  *a = (struct http_response){.fd = -1}; /* may be called again */
}
