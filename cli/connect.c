/* SPDX-License-Identifier: MIT */
/*
 * connect.c - tercet connect: an active open, then standard input to it and it to standard output.
 *
 * The verb; carrying is stream.c, device and ladder net.c.
 */
#include <string.h>

#include "cli/stream.h"
#include "cli/verbs.h"

#define SECOND 1000000000ull

struct connect {
  struct net net;
  struct stream stream;
  uint32_t timeout_s;
  bool quiet;
};

static int open_connection(struct connect *c) {
  struct stream *s = &c->stream;
  char to[NET_ENDPOINT_TEXT];
  int err = tct_host_connect(c->net.host, &s->peer, c->timeout_s * SECOND, &s->sock);
  if (err < 0) {
    tct_why why = TCT_WHY_NONE;
    (void)tct_host_ended(c->net.host, s->sock, &why);
    return args_fail(c->net.verb, ARGS_EXIT_NETWORK, "%s",
                     net_explain(&c->net, &s->peer, err, why));
  }
  net_endpoint_text(&s->peer, to);
  if (!c->quiet && !c->net.o.ladder)
    fprintf(stderr, "connected to %s\n", to);
  return ARGS_GO;
}

static int run(struct connect *c, const struct url *u) {
  int code = net_resolve(&c->net, u, &c->stream.peer);
  if (code == ARGS_GO && stream_catch_signals(&c->stream) < 0)
    code = args_fail(c->net.verb, ARGS_EXIT_BUG, "signals can't be caught");
  if (code == ARGS_GO)
    code = open_connection(c);
  return code == ARGS_GO ? stream_run(&c->stream) : code;
}

static int open_and_run(struct connect *c, const struct args_verb *verb, const struct url *u) {
  struct net_view view = {stderr, false, "client", "server", SHOW_LEFT};
  c->net.o.ladder = c->net.o.ladder || c->net.o.plain || c->net.o.json;
  int code = net_open(&c->net, verb, &view);
  if (code != ARGS_GO)
    return code;
  c->stream.net = &c->net;
  code = run(c, u);
  int closed = net_close(&c->net, NULL);
  return code == ARGS_EXIT_OK ? closed : code;
}

/* HOST PORT, or HOST:PORT in one word. */
static const char *parse_target(struct url *u, const struct args *args) {
  char text[300];
  if (args->n == 1)
    return url_parse_host_port(u, args->operand[0]);
  bool bare_v6 = strchr(args->operand[0], ':') != NULL && args->operand[0][0] != '[';
  int n = snprintf(text, sizeof text, bare_v6 ? "[%s]:%s" : "%s:%s", args->operand[0],
                   args->operand[1]);
  return n < (int)sizeof text ? url_parse_host_port(u, text) : "the host name is too long";
}

int cmd_connect(int argc, char **argv) {
  static struct connect c = {.timeout_s = 30};
  const struct args_option own[] = {
      {"no-input", 'd', ARGS_FLAG, &c.stream.no_input, NULL, "send nothing, only receive", 0, 0,
       NULL},
      {"timeout", 0, ARGS_NUMBER, &c.timeout_s, "S", "seconds to wait for an answer (30)", 1, 86400,
       NULL},
      {"quiet", 'q', ARGS_FLAG, &c.quiet, NULL, "no words", 0, 0, NULL},
      {0}};
  const struct args_verb verb = {
      "connect",
      "HOST PORT",
      "Opens a connection: standard input goes to it, what comes goes to standard output. The end\n"
      "of input closes our side only; it ends when the peer has closed, too.",
      "  echo hello | tercet connect --dev tun:tct0 --addr 10.7.0.2/24 10.7.0.1 7000\n\n"
      "Segments (--ladder, --plain, --json) are drawn on standard error.",
      {own, net_option_table(&c.net), NULL},
      1,
      2};
  struct args args;
  struct url u;
  int code = args_parse(&verb, argc, argv, &args);
  if (code != ARGS_GO)
    return code;
  const char *wrong = parse_target(&u, &args);
  if (wrong != NULL)
    return args_wrong(&verb, "'%s': %s", args.operand[args.n - 1], wrong);
  return open_and_run(&c, &verb, &u);
}
