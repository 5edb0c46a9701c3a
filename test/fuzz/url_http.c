/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: what the command reads from people and from HTTP peers: URLs, HOST:PORT, request and
 * response heads, chunked bodies, ranges, dates, paths. The first byte chooses.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cli/http_date.h"
#include "cli/http_file.h"
#include "cli/http_range.h"
#include "cli/http_reply.h"
#include "cli/http_request.h"
#include "cli/url.h"

static void fuzz_url(char *text, size_t n) {
  struct url u;
  char name[64];
  (void)n;
  if (url_parse(&u, text) == NULL) {
    FUZZ_CHECK(u.host[0] != 0 && u.target[0] == '/' && u.port != 0);
    FUZZ_CHECK(strpbrk(u.target, " \r\n\t") == NULL); /* it goes into a request line */
    FUZZ_CHECK(strpbrk(u.host, " \r\n\t/") == NULL);
    url_file_name(&u, name, sizeof name);
    FUZZ_CHECK(strchr(name, '/') == NULL && strcmp(name, "..") != 0 && strlen(name) < 64);
  }
  if (url_parse_host_port(&u, text) == NULL)
    FUZZ_CHECK(u.host[0] != 0 && u.port != 0);
}

static void inside(const char *field, const char *buf, size_t n) {
  FUZZ_CHECK(field == NULL || (field >= buf && field < buf + n));
}

static void fuzz_request(char *text, size_t n) {
  struct http_request r;
  size_t end = http_head_end(text, n);
  FUZZ_CHECK(end <= n);
  if (end == 0)
    return;
  int status = http_request_parse(&r, text, end);
  FUZZ_CHECK(status == 0 || (status >= 400 && status < 600));
  if (status != 0)
    return;
  inside(r.host, text, end);
  inside(r.range, text, end);
  inside(r.if_none_match, text, end);
  FUZZ_CHECK(r.target != NULL && (r.target[0] == '/' || strcmp(r.target, "*") == 0));
}

static void fuzz_reply(char *text, size_t n) {
  struct http_reply r;
  size_t end = http_head_end(text, n), payload;
  if (end == 0 || http_reply_parse(&r, text, end) != NULL)
    return;
  FUZZ_CHECK(r.status >= 100 && r.status <= 999);
  FUZZ_CHECK(memchr(r.location, 0, sizeof r.location) != NULL);
  struct http_body b;
  http_body_init(&b, &r);
  while (end < n && !b.done) {
    size_t part = n - end < 7 ? n - end : 7; /* in small pieces, as a network would */
    long framing = http_body_next(&b, text + end, part, &payload);
    if (framing < 0)
      return;
    FUZZ_CHECK((size_t)framing + payload <= part);
    FUZZ_CHECK(framing > 0 || payload > 0 || b.done);
    http_body_took(&b, payload);
    end += (size_t)framing + payload;
  }
}

static void fuzz_range(char *text, size_t n) {
  struct http_range range[HTTP_RANGES_MAX];
  uint64_t size = n >= 8 ? (uint64_t)text[0] << (text[1] & 63) : n;
  int got = http_range_parse(text, size, range);
  FUZZ_CHECK(got >= -1 && got <= HTTP_RANGES_MAX);
  for (int i = 0; i < got; i++) {
    FUZZ_CHECK(range[i].count >= 1 && range[i].from < size);
    FUZZ_CHECK(range[i].count <= size - range[i].from);
  }
}

static void fuzz_date(char *text, size_t n) {
  time_t t, again;
  char out[HTTP_DATE_LEN];
  (void)n;
  if (!http_date_parse(text, &t))
    return;
  http_date_format(t, out);
  FUZZ_CHECK(http_date_parse(out, &again) && again == t);
}

/* Nothing that leads out of the directory, and no surprise for open(). */
static void fuzz_path(char *text, size_t n) {
  char path[HTTP_PATH_MAX], out[300];
  size_t at = 0;
  (void)n;
  int status = http_path_decode(text, path, sizeof path);
  FUZZ_CHECK(status == 0 || status == 400 || status == 404 || status == 414);
  if (status == 0) {
    FUZZ_CHECK(path[0] != '/' && strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0);
    size_t len = strlen(path);
    FUZZ_CHECK(strstr(path, "/../") == NULL && (len < 3 || strcmp(path + len - 3, "/..") != 0));
  }
  if (http_escape_html(out, sizeof out, &at, text))
    FUZZ_CHECK(at < sizeof out && memchr(out, '<', at) == NULL && memchr(out, '"', at) == NULL);
  at = 0;
  if (http_escape_url(out, sizeof out, &at, text))
    FUZZ_CHECK(at < sizeof out && memchr(out, ' ', at) == NULL && memchr(out, '\n', at) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const what[])(char *, size_t) = {fuzz_url,   fuzz_request, fuzz_reply,
                                                 fuzz_range, fuzz_date,    fuzz_path};
  if (size < 1 || size > 20000)
    return 0;
  char *text = malloc(size);
  FUZZ_CHECK(text != NULL);
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  what[data[0] % 6](text, size - 1);
  free(text);
  return 0;
}
