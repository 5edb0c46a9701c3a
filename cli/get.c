/* SPDX-License-Identifier: MIT */
/*
 * get.c - tercet get: one URL to a file or to standard output, on a TCP of our own.
 *
 * The verb and its flow, written with the blocking calls of host.h. HTTP is http_reply.c, the
 * output sink.c. A file appears only when it is complete; a short or broken answer leaves nothing.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/http_reply.h"
#include "cli/http_request.h"
#include "cli/net.h"
#include "cli/sink.h"
#include "cli/verbs.h"

enum { PEEK_PIECES = 16 };
#define SECOND 1000000000ull

struct get {
  struct net net;
  struct url url;
  struct sink sink;
  tct_endpoint server;
  tct_sock sock;
  const char *output;
  uint32_t timeout_s;
  bool quiet, remote_name, interrupted;
  char name[256]; /* of --remote-name */
  struct http_reply reply;
  struct http_body body;
  char *head;
  size_t head_len; /* of what was read beyond the head: at head + head_end */
  size_t head_end;
  tct_time began, shown;
};

static int give_up(struct get *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int give_up(struct get *g, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return args_fail(g->net.verb, ARGS_EXIT_NETWORK, "%s", text);
}

static int network_says(struct get *g, int err) {
  tct_why why = TCT_WHY_NONE;
  (void)tct_host_ended(g->net.host, g->sock, &why);
  return give_up(g, "%s", net_explain(&g->net, &g->server, err, why));
}

/* ---- Progress -------------------------------------------------------------------------------- */

static void show_progress(struct get *g, bool last) {
  tct_time now = tct_host_now(g->net.host);
  if (g->quiet || (!last && (g->net.show != NULL || now - g->shown < SECOND / 10)))
    return;
  g->shown = now;
  double s = (double)(now - g->began) / 1e9, mb = (double)g->body.got / 1e6;
  bool tty = isatty(STDERR_FILENO);
  if (!tty && !last)
    return;
  fprintf(stderr, "%s%.1f MB", tty ? "\r\033[K" : "", mb);
  if (!last && g->body.kind == HTTP_BODY_LENGTH)
    fprintf(stderr, " of %.1f MB (%d %%)", (double)g->reply.length / 1e6,
            (int)(100.0 * (double)g->body.got / ((double)g->reply.length + 1.0)));
  fprintf(stderr, "  %.1f MB/s", s > 0 ? mb / s : 0.0);
  if (last)
    fprintf(stderr, "  %" PRIu64 " bytes in %.3f s\n", g->body.got, s);
}

/* ---- The head -------------------------------------------------------------------------------- */

static int send_request(struct get *g) {
  char text[sizeof g->url.target + 512], port[8] = "";
  if (g->url.port != 80)
    snprintf(port, sizeof port, ":%u", g->url.port);
  int n = snprintf(text, sizeof text,
                   "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nUser-Agent: tercet/" TCT_VERSION
                   "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                   g->url.target, g->url.is_ipv6 ? "[" : "", g->url.host, g->url.is_ipv6 ? "]" : "",
                   port);
  int err = tct_host_send(g->net.host, g->sock, text, (size_t)n, g->timeout_s * SECOND);
  return err < 0 ? network_says(g, err) : ARGS_GO;
}

static int read_head(struct get *g) {
  while ((g->head_end = http_head_end(g->head, g->head_len)) == 0) {
    if (g->head_len == HTTP_REPLY_MAX)
      return give_up(g, "the head of the answer is longer than 64 KiB");
    long n = tct_host_recv(g->net.host, g->sock, g->head + g->head_len,
                           HTTP_REPLY_MAX - g->head_len, g->timeout_s * SECOND);
    if (n < 0)
      return network_says(g, (int)n);
    if (n == 0)
      return give_up(g, "%s closed the connection before it had answered", g->url.host);
    g->head_len += (size_t)n;
  }
  return ARGS_GO;
}

/* Heads with 1xx are only greetings. */
static int read_reply(struct get *g) {
  for (;;) {
    int code = read_head(g);
    if (code != ARGS_GO)
      return code;
    const char *wrong = http_reply_parse(&g->reply, g->head, g->head_end);
    if (wrong != NULL)
      return give_up(g, "%s answered, but %s", g->url.host, wrong);
    g->head_len -= g->head_end;
    memmove(g->head, g->head + g->head_end, g->head_len);
    if (g->reply.status >= 200)
      break;
  }
  if (g->reply.status >= 300 && g->reply.location[0] != '\0')
    return give_up(g, "http://%s%s has moved to %s (status %d)", g->url.host, g->url.target,
                   g->reply.location, g->reply.status);
  if (g->reply.status >= 300)
    return give_up(g, "http://%s%s: the server says %d", g->url.host, g->url.target,
                   g->reply.status);
  http_body_init(&g->body, &g->reply);
  return ARGS_GO;
}

/* ---- The body -------------------------------------------------------------------------------- */

/* Bytes of in[] that are dealt with; fewer than len when the output is full. -1: it is over. */
static long take_bytes(struct get *g, const char *in, size_t len, int *code) {
  size_t at = 0, payload;
  while (at < len && !g->body.done) {
    long frame = http_body_next(&g->body, in + at, len - at, &payload);
    if (frame < 0) {
      *code = give_up(g, "the chunks of the answer are malformed");
      return -1;
    }
    at += (size_t)frame;
    if (payload == 0)
      continue;
    long n = sink_write(&g->sink, g->net.host, in + at, payload);
    if (n < 0) {
      *code = args_fail(g->net.verb, ARGS_EXIT_USAGE, "%s", g->sink.error);
      return -1;
    }
    http_body_took(&g->body, (size_t)n);
    at += (size_t)n;
    if ((size_t)n < payload)
      break;
  }
  return g->body.done ? (long)len : (long)at;
}

/* What came with the head. */
static int take_rest_of_head(struct get *g) {
  size_t at = 0;
  int code = ARGS_GO;
  while (at < g->head_len && !g->body.done) {
    long n = take_bytes(g, g->head + at, g->head_len - at, &code);
    if (n < 0)
      return code;
    at += (size_t)n;
    if (at < g->head_len && tct_host_turn(g->net.host, TCT_NEVER) < 0)
      return network_says(g, TCT_ENODEV);
  }
  return ARGS_GO;
}

/* Everything that lies ready; *stuck: the output takes no more now. */
static int take_ready(struct get *g, bool *stuck) {
  tct_iov v[PEEK_PIECES];
  unsigned n = PEEK_PIECES;
  int code = ARGS_GO;
  size_t used = 0;
  *stuck = false;
  if (tct_sock_rx_peek(g->net.stack, g->sock, v, &n) < 0)
    return ARGS_GO;
  for (unsigned i = 0; i < n && !*stuck; i++) {
    long took = take_bytes(g, v[i].base, v[i].len, &code);
    if (took < 0)
      return code;
    used += (size_t)took;
    *stuck = (size_t)took < v[i].len;
  }
  if (used > 0 && tct_sock_rx_consume(g->net.stack, g->sock, used) < 0)
    return network_says(g, TCT_ECONNABORTED);
  return ARGS_GO;
}

static int explain_short(struct get *g, int err) {
  if (err < 0)
    return network_says(g, err);
  if (g->body.kind == HTTP_BODY_TO_END) {
    g->body.done = true;
    return ARGS_GO;
  }
  if (g->body.kind == HTTP_BODY_CHUNKED)
    return give_up(g, "the connection ended in the middle, after %" PRIu64 " bytes", g->body.got);
  return give_up(g, "the connection ended after %" PRIu64 " of %" PRIu64 " bytes", g->body.got,
                 g->reply.length);
}

static int read_body(struct get *g) {
  int code = take_rest_of_head(g);
  while (code == ARGS_GO && !g->body.done) {
    bool stuck;
    code = take_ready(g, &stuck);
    show_progress(g, false);
    if (code != ARGS_GO || g->body.done)
      break;
    if (g->interrupted)
      return network_says(g, TCT_EINTR);
    if (stuck) {
      if (tct_host_turn(g->net.host, tct_host_now(g->net.host) + SECOND) < 0)
        return network_says(g, TCT_ENODEV);
      continue;
    }
    int ready = tct_host_wait(g->net.host, g->sock, TCT_EV_READABLE | TCT_EV_EOF | TCT_EV_CLOSED,
                              g->timeout_s * SECOND);
    char byte;
    long n = ready < 0 ? ready : tct_sock_recv(g->net.stack, g->sock, &byte, 1, TCT_MSG_PEEK);
    if (n <= 0 && n != TCT_EAGAIN)
      code = explain_short(g, (int)n);
  }
  return code;
}

/* ---- The verb -------------------------------------------------------------------------------- */

static void on_signal(void *ctx, int number) {
  struct get *g = ctx;
  (void)number;
  g->interrupted = true;
  tct_host_stop(g->net.host, 0);
}

static int transfer(struct get *g) {
  int code = send_request(g);
  if (code == ARGS_GO)
    code = read_reply(g);
  if (code != ARGS_GO)
    return code;
  if (g->sink.path == NULL && isatty(STDOUT_FILENO) && !g->reply.is_text)
    return args_fail(g->net.verb, ARGS_EXIT_USAGE,
                     "the answer is not text and standard output is a terminal; use -o FILE");
  code = read_body(g);
  if (code != ARGS_GO)
    return code;
  if (!sink_commit(&g->sink))
    return args_fail(g->net.verb, ARGS_EXIT_USAGE, "%s", g->sink.error);
  return ARGS_EXIT_OK;
}

static int fetch(struct get *g) {
  int code = net_resolve(&g->net, &g->url, &g->server);
  if (code != ARGS_GO)
    return code;
  if (tct_host_on_signal(g->net.host, on_signal, g) < 0)
    return args_fail(g->net.verb, ARGS_EXIT_BUG, "signals can't be caught");
  g->began = tct_host_now(g->net.host);
  int err = tct_host_connect(g->net.host, &g->server, g->timeout_s * SECOND, &g->sock);
  if (err < 0)
    return network_says(g, err);
  code = transfer(g);
  if (code == ARGS_EXIT_OK)
    show_progress(g, true);
  /* The bytes are here and counted; how the goodbye goes changes nothing. */
  (void)tct_host_close(g->net.host, g->sock, 2 * SECOND);
  return code;
}

static int open_and_fetch(struct get *g, const struct args_verb *verb, const char *text) {
  const char *wrong = url_parse(&g->url, text);
  if (wrong != NULL)
    return args_wrong(verb, "'%s' can't be fetched: %s", text, wrong);
  if (g->remote_name)
    url_file_name(&g->url, g->name, sizeof g->name);
  if (g->remote_name && g->name[0] == '\0')
    return args_wrong(verb, "'%s' ends in no file name; use -o FILE", text);
  if (g->remote_name)
    g->output = g->name;
  struct net_view view = {g->output != NULL ? stdout : stderr, false, "client", "server",
                          SHOW_LEFT};
  g->net.o.ladder = g->net.o.ladder || g->net.o.plain || g->net.o.json;
  if (!sink_open(&g->sink, g->output))
    return args_fail(verb, ARGS_EXIT_USAGE, "%s", g->sink.error);
  int code = net_open(&g->net, verb, &view);
  if (code == ARGS_GO) {
    code = fetch(g);
    int closed = net_close(&g->net, NULL);
    code = code == ARGS_EXIT_OK ? closed : code;
  }
  sink_abandon(&g->sink);
  return code;
}

int cmd_get(int argc, char **argv) {
  static struct get g = {.timeout_s = 30};
  static char head[HTTP_REPLY_MAX];
  g.head = head;
  const struct args_option own[] = {
      {"output", 'o', ARGS_TEXT, &g.output, "FILE", "write here (standard output)", 0, 0, NULL},
      {"remote-name", 'O', ARGS_FLAG, &g.remote_name, NULL, "write to the URL's own file name", 0,
       0, NULL},
      {"timeout", 0, ARGS_NUMBER, &g.timeout_s, "S", "seconds without any progress (30)", 1, 86400,
       NULL},
      {"quiet", 'q', ARGS_FLAG, &g.quiet, NULL, "no progress", 0, 0, NULL},
      {0}};
  const struct args_verb verb = {
      "get",
      "URL",
      "Fetches http://HOST[:PORT]/PATH on a TCP of tercet's own, through a TUN device that is "
      "made\n"
      "here. The file appears when it is complete, and not before.",
      "  tercet get -o page.html --dev tun:tct0 --addr 10.7.0.2/24 http://10.7.0.1/\n\n"
      "Hosts beyond this machine need forwarding and masquerade: tercet handshake --help says how.",
      {own, net_option_table(&g.net), NULL},
      1,
      1};
  struct args args;
  int code = args_parse(&verb, argc, argv, &args);
  return code == ARGS_GO ? open_and_fetch(&g, &verb, args.operand[0]) : code;
}
