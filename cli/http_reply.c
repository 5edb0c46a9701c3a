/* SPDX-License-Identifier: MIT */
/*
 * http_reply.c - parses what a server answers: status, the few fields that matter, and how the
 * body is framed (RFC 9112 sections 4, 6 and 7.1).
 *
 * Called by get.c. Payload is never copied here: the caller is told which bytes are payload.
 */
#include "cli/http_reply.h"

#include <string.h>
#include <strings.h>

#include "cli/http_request.h"

enum { CHUNK_LINE_MAX = 4096, CHUNK_TRAILER_MAX = 65536 };
enum { STEP_SIZE, STEP_EXTENSION, STEP_DATA, STEP_DATA_END, STEP_TRAILER, STEP_TRAILER_LINE };

static const char *parse_length(struct http_reply *r, const char *value) {
  uint64_t n = 0;
  for (const char *p = value; *p != '\0' || p == value; p++) {
    if (*p < '0' || *p > '9' || n > (UINT64_MAX - 9) / 10)
      return "its Content-Length is no number";
    n = n * 10 + (uint64_t)(*p - '0');
  }
  if (r->has_length && r->length != n)
    return "it has two Content-Lengths that differ";
  r->has_length = true;
  r->length = n;
  return NULL;
}

static bool looks_like_text(const char *type) {
  return strncasecmp(type, "text/", 5) == 0 || strncasecmp(type, "application/json", 16) == 0 ||
         strncasecmp(type, "application/xml", 15) == 0;
}

static const char *take_field(struct http_reply *r, const char *name, const char *value) {
  if (strcasecmp(name, "content-length") == 0)
    return parse_length(r, value);
  if (strcasecmp(name, "content-type") == 0)
    r->is_text = looks_like_text(value);
  if (strcasecmp(name, "location") == 0 && strlen(value) < sizeof r->location)
    memcpy(r->location, value, strlen(value) + 1);
  if (strcasecmp(name, "transfer-encoding") != 0)
    return NULL;
  if (strcasecmp(value, "chunked") != 0)
    return "it uses a transfer coding other than chunked";
  r->chunked = true;
  return NULL;
}

static const char *parse_status(struct http_reply *r, const char *line) {
  if (strncmp(line, "HTTP/1.", 7) != 0 || strlen(line) < 12 || line[8] != ' ')
    return "it does not speak HTTP/1";
  for (int i = 9; i < 12; i++) {
    if (line[i] < '0' || line[i] > '9')
      return "its status is no number";
    r->status = r->status * 10 + (line[i] - '0');
  }
  return r->status >= 100 ? NULL : "its status is no number";
}

static char *cut_line(char **at, char *end) {
  char *line = *at, *nl = memchr(line, '\n', (size_t)(end - line));
  if (nl == NULL)
    return NULL;
  *at = nl + 1;
  if (nl > line && nl[-1] == '\r')
    nl--;
  *nl = '\0';
  return line;
}

const char *http_reply_parse(struct http_reply *r, char *buf, size_t len) {
  char *at = buf, *end = buf + len;
  memset(r, 0, sizeof *r);
  char *line = cut_line(&at, end);
  const char *wrong = line != NULL ? parse_status(r, line) : "its answer has no first line";
  while (wrong == NULL && (line = cut_line(&at, end)) != NULL && *line != '\0') {
    char *value = strchr(line, ':');
    if (value == NULL)
      return "a line of its answer has no colon";
    *value++ = '\0';
    value += strspn(value, " \t");
    size_t n = strlen(value);
    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
      value[--n] = '\0';
    wrong = take_field(r, line, value);
  }
  return wrong;
}

/* ---- The body -------------------------------------------------------------------------------- */

void http_body_init(struct http_body *b, const struct http_reply *r) {
  memset(b, 0, sizeof *b);
  b->kind = r->chunked ? HTTP_BODY_CHUNKED : r->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_TO_END;
  b->left = b->kind == HTTP_BODY_LENGTH ? r->length : 0;
  b->done = b->kind == HTTP_BODY_LENGTH && r->length == 0;
  if (r->status == 204 || r->status == 304)
    b->done = true;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static bool end_size_line(struct http_body *b) {
  b->step = b->left > 0 ? STEP_DATA : STEP_TRAILER;
  b->line = 0;
  return true;
}

static bool take_size_char(struct http_body *b, char c) {
  int digit = hex_digit(c);
  if (digit >= 0 && b->line <= 15) {
    b->left = b->left * 16 + (uint64_t)digit;
    return true;
  }
  if (b->line < 2) /* no digit at all */
    return false;
  if (c == '\n')
    return end_size_line(b);
  b->step = STEP_EXTENSION;
  return digit < 0 && (c == '\r' || c == ';' || c == ' ' || c == '\t');
}

/* One byte of framing. False: no chunked body looks like this. */
static bool take_frame_char(struct http_body *b, char c) {
  b->line++;
  switch (b->step) {
  case STEP_SIZE:
    return take_size_char(b, c);
  case STEP_EXTENSION:
    return c == '\n' ? end_size_line(b) : b->line < CHUNK_LINE_MAX;
  case STEP_DATA_END:
    if (c == '\n') {
      b->step = STEP_SIZE;
      b->line = 0;
    }
    return c == '\n' || (c == '\r' && b->line == 1);
  case STEP_TRAILER: /* at the start of a line */
    b->done = c == '\n';
    if (c != '\r' && c != '\n')
      b->step = STEP_TRAILER_LINE;
    return b->line < CHUNK_TRAILER_MAX;
  default:
    if (c == '\n')
      b->step = STEP_TRAILER;
    return b->line < CHUNK_TRAILER_MAX;
  }
}

static size_t at_most(uint64_t left, size_t len) {
  return left < len ? (size_t)left : len;
}

long http_body_next(struct http_body *b, const char *in, size_t len, size_t *payload) {
  size_t at = 0;
  *payload = 0;
  if (b->kind == HTTP_BODY_TO_END) {
    *payload = len;
    return 0;
  }
  while (b->kind == HTTP_BODY_CHUNKED && !b->done && b->step != STEP_DATA && at < len)
    if (!take_frame_char(b, in[at++]))
      return -1;
  if (!b->done && (b->kind == HTTP_BODY_LENGTH || b->step == STEP_DATA))
    *payload = at_most(b->left, len - at);
  return (long)at;
}

void http_body_took(struct http_body *b, size_t payload) {
  b->got += payload;
  if (b->kind == HTTP_BODY_TO_END)
    return;
  b->left -= payload;
  if (b->left > 0 || payload == 0)
    return;
  if (b->kind == HTTP_BODY_LENGTH)
    b->done = true;
  else
    b->step = STEP_DATA_END;
}
