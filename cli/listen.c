/* SPDX-License-Identifier: MIT */
/*
 * listen.c - tercet listen: waits for a connection, then it to standard output and input to it.
 *
 * The verb; carrying is stream.c, device and ladder net.c.
 */
#include <string.h>

#include "cli/stream.h"
#include "cli/verbs.h"

enum { BACKLOG = 16 };

struct listen {
  struct net net;
  struct stream stream;
  tct_endpoint local;
  bool quiet, keep;
};

static void say_listening(const struct listen *l) {
  static const tct_addr any;
  char at[NET_ENDPOINT_TEXT];
  tct_endpoint local = l->local;
  if (memcmp(&local.addr, &any, sizeof any) == 0)
    local.addr = l->net.o.addr[0].addr;
  net_endpoint_text(&local, at);
  if (!l->quiet)
    fprintf(stderr, "listening on %s, device %s\n", at, tct_host_dev_name(l->net.host));
}

/* One connection from accept to close. */
static int serve_one(struct listen *l, tct_sock listener) {
  struct stream *s = &l->stream;
  char from[NET_ENDPOINT_TEXT];
  tct_endpoint local;
  int err = tct_host_accept(l->net.host, listener, TCT_NEVER, &s->sock);
  if (err == TCT_EINTR)
    return ARGS_EXIT_OK;
  if (err < 0)
    return args_fail(l->net.verb, ARGS_EXIT_NETWORK, "accepting failed: %s", tct_strerror(err));
  (void)tct_sock_name(l->net.stack, s->sock, &local, &s->peer);
  net_endpoint_text(&s->peer, from);
  if (!l->quiet && !l->net.o.ladder)
    fprintf(stderr, "connection from %s\n", from);
  if (!l->keep) /* nobody else is let in */
    (void)tct_sock_close(l->net.stack, listener);
  return stream_run(s);
}

static int run(struct listen *l) {
  tct_sock listener;
  if (stream_catch_signals(&l->stream) < 0)
    return args_fail(l->net.verb, ARGS_EXIT_BUG, "signals can't be caught");
  int err = tct_host_listen(l->net.host, &l->local, BACKLOG, &listener);
  if (err < 0)
    return args_fail(l->net.verb, ARGS_EXIT_USAGE, "cannot listen on port %u: %s", l->local.port,
                     tct_strerror(err));
  say_listening(l);
  int code = serve_one(l, listener);
  while (l->keep && !l->stream.interrupted) {
    l->stream = (struct stream){.net = &l->net, .no_input = true};
    code = serve_one(l, listener);
  }
  return code;
}

static int open_and_run(struct listen *l, const struct args_verb *verb) {
  struct net_view view = {stderr, false, "client", "server", SHOW_RIGHT};
  l->net.o.ladder = l->net.o.ladder || l->net.o.plain || l->net.o.json;
  int code = net_open(&l->net, verb, &view);
  if (code != ARGS_GO)
    return code;
  l->stream.net = &l->net;
  code = run(l);
  int closed = net_close(&l->net, NULL);
  return code == ARGS_EXIT_OK ? closed : code;
}

int cmd_listen(int argc, char **argv) {
  static struct listen l;
  const struct args_option own[] = {
      {"no-input", 'd', ARGS_FLAG, &l.stream.no_input, NULL, "send nothing, only receive", 0, 0,
       NULL},
      {"keep", 'k', ARGS_FLAG, &l.keep, NULL, "wait for the next one afterwards (receiving only)",
       0, 0, NULL},
      {"quiet", 'q', ARGS_FLAG, &l.quiet, NULL, "no words", 0, 0, NULL},
      {0}};
  const struct args_verb verb = {
      "listen",
      "[ADDR] PORT",
      "Waits for one connection: what comes goes to standard output, standard input goes to it.\n"
      "The end of input closes our side only; it ends when the peer has closed, too.",
      "  tercet listen --dev tun:tct0 --addr 10.7.0.2/24 7000\n"
      "  nc 10.7.0.2 7000                                          (the kernel's side)\n\n"
      "Segments (--ladder, --plain, --json) are drawn on standard error.",
      {own, net_option_table(&l.net), NULL},
      1,
      2};
  struct args args;
  uint32_t port;
  int code = args_parse(&verb, argc, argv, &args);
  if (code != ARGS_GO)
    return code;
  if (!args_number(args.operand[args.n - 1], 1, 65535, &port))
    return args_wrong(&verb, "the port must be a number from 1 to 65535, not '%s'",
                      args.operand[args.n - 1]);
  l.local.port = (uint16_t)port;
  if (args.n == 2 && tct_addr_parse(args.operand[0], &l.local.addr) < 0)
    return args_wrong(&verb, "'%s' is no IPv4 or IPv6 address", args.operand[0]);
  return open_and_run(&l, &verb);
}
