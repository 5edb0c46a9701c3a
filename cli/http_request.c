/* SPDX-License-Identifier: MIT */
/*
 * http_request.c - parses the head of an HTTP/1 request, in place and without allocating.
 *
 * Called by the file server (http_conn.c) for each head; knows nothing of sockets or files. What
 * could be read in two ways is refused, since that is how requests are smuggled. RFC 9110, 9112.
 */
#include "cli/http_request.h"

#include <string.h>
#include <strings.h>

size_t http_head_end(const char *buf, size_t len) {
  size_t i = 0;
  while (i < len && (buf[i] == '\r' || buf[i] == '\n'))
    i++; /* RFC 9112 2.2: blank lines before a request are to be ignored */
  for (; i < len; i++) {
    const char *nl = memchr(buf + i, '\n', len - i);
    if (nl == NULL)
      return 0;
    i = (size_t)(nl - buf);
    if (i + 1 < len && buf[i + 1] == '\n')
      return i + 2;
    if (i + 2 < len && buf[i + 1] == '\r' && buf[i + 2] == '\n')
      return i + 3;
  }
  return 0;
}

static bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
    return true;
  return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(const char *s) {
  if (*s == '\0')
    return false;
  for (; *s != '\0'; s++)
    if (!is_token_char(*s))
      return false;
  return true;
}

bool http_has_token(const char *list, const char *token) {
  size_t want = strlen(token);
  while (list != NULL && *list != '\0') {
    list += strspn(list, " \t,");
    size_t len = strcspn(list, ",");
    size_t trimmed = len;
    while (trimmed > 0 && (list[trimmed - 1] == ' ' || list[trimmed - 1] == '\t'))
      trimmed--;
    if (trimmed == want && strncasecmp(list, token, want) == 0)
      return true;
    list += len;
  }
  return false;
}

/* ---- The request line ------------------------------------------------------------------------ */

static int parse_version(struct http_request *r, const char *v) {
  if (strncmp(v, "HTTP/", 5) != 0 || strlen(v) != 8 || v[6] != '.')
    return 400;
  if (v[5] != '1' || v[7] < '0' || v[7] > '9')
    return 505;
  r->minor = (unsigned)(v[7] - '0');
  r->keep_alive = r->minor >= 1;
  return 0;
}

static enum http_method find_method(const char *name) {
  if (strcmp(name, "GET") == 0)
    return HTTP_GET;
  if (strcmp(name, "HEAD") == 0)
    return HTTP_HEAD;
  if (strcmp(name, "OPTIONS") == 0)
    return HTTP_OPTIONS;
  return HTTP_OTHER_METHOD;
}

/* RFC 9112 3.2: origin form, absolute form, or '*' for OPTIONS. */
static int parse_target(struct http_request *r, char *target) {
  for (const char *p = target; *p != '\0'; p++)
    if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
      return 400;
  if (strncasecmp(target, "http://", 7) == 0) {
    target += 7 + strcspn(target + 7, "/?");
    if (*target != '/')
      target = (char *)(uintptr_t) "/"; /* "http://host" and "http://host?q" name the root */
  }
  bool asterisk = r->method == HTTP_OPTIONS && strcmp(target, "*") == 0;
  if (*target != '/' && !asterisk)
    return 400;
  r->target = target;
  return 0;
}

static int parse_line(struct http_request *r, char *line) {
  char *target = strchr(line, ' ');
  char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
  if (version == NULL)
    return 400;
  *target++ = '\0';
  *version++ = '\0';
  if (!is_token(line))
    return 400;
  r->method_name = line;
  r->method = find_method(line);
  int status = parse_version(r, version);
  return status != 0 ? status : parse_target(r, target);
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static int set_once(const char **to, const char *value) {
  if (*to != NULL)
    return 400;
  *to = value;
  return 0;
}

static int set_length(struct http_request *r, const char *value) {
  uint64_t n = 0;
  if (*value == '\0')
    return 400;
  for (const char *p = value; *p != '\0'; p++) {
    if (*p < '0' || *p > '9' || n > (UINT64_MAX - 9) / 10)
      return 400;
    n = n * 10 + (uint64_t)(*p - '0');
  }
  if (r->has_length && n != r->content_length)
    return 400;
  r->has_length = true;
  r->content_length = n;
  return 0;
}

static void set_connection(struct http_request *r, const char *value) {
  if (http_has_token(value, "close"))
    r->keep_alive = false;
  else if (http_has_token(value, "keep-alive"))
    r->keep_alive = true;
}

static int take_field(struct http_request *r, const char *name, const char *value) {
  const struct {
    const char *name;
    const char **to;
  } texts[] = {{"host", &r->host},
               {"range", &r->range},
               {"if-range", &r->if_range},
               {"if-match", &r->if_match},
               {"if-none-match", &r->if_none_match},
               {"if-modified-since", &r->if_modified_since},
               {"if-unmodified-since", &r->if_unmodified_since}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (strcasecmp(name, texts[i].name) == 0)
      return set_once(texts[i].to, value);
  if (strcasecmp(name, "content-length") == 0)
    return set_length(r, value);
  if (strcasecmp(name, "transfer-encoding") == 0)
    return 501; /* no body is ever wanted here, least of all one of unknown length */
  if (strcasecmp(name, "connection") == 0)
    set_connection(r, value);
  return 0;
}

static int parse_field(struct http_request *r, char *line) {
  char *value = strchr(line, ':');
  if (value == NULL)
    return 400;
  *value++ = '\0';
  if (!is_token(line)) /* also a blank before the colon, and folded lines */
    return 400;
  value += strspn(value, " \t");
  size_t len = strlen(value);
  while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
    value[--len] = '\0';
  return take_field(r, line, value);
}

/* Cuts the next line off; false at the blank one. A NUL or a bare CR inside makes it unreadable. */
static bool next_line(char **at, char *end, char **line, int *status) {
  char *nl = memchr(*at, '\n', (size_t)(end - *at));
  char *last = nl;
  if (nl == NULL)
    return false;
  if (last > *at && last[-1] == '\r')
    last--;
  *last = '\0';
  *line = *at;
  *at = nl + 1;
  if (strlen(*line) != (size_t)(last - *line) || strchr(*line, '\r') != NULL)
    *status = 400;
  return last != *line;
}

int http_request_parse(struct http_request *r, char *buf, size_t len) {
  char *at = buf, *end = buf + len, *line;
  int status = 0;
  unsigned fields = 0;
  memset(r, 0, sizeof *r);
  while (at < end && (*at == '\r' || *at == '\n'))
    at++;
  if (!next_line(&at, end, &line, &status) || status != 0)
    return 400;
  status = parse_line(r, line);
  while (status == 0 && next_line(&at, end, &line, &status)) {
    if (status == 0 && ++fields > HTTP_FIELDS_MAX)
      status = 431;
    if (status == 0)
      status = parse_field(r, line);
  }
  if (status == 0 && r->minor >= 1 && r->host == NULL)
    status = 400; /* RFC 9112 3.2 */
  return status;
}
