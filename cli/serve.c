/* SPDX-License-Identifier: MIT */
/*
 * serve.c - tercet serve: a directory over HTTP/1.1 on a TCP of our own, through a TUN device.
 *
 * The verb: options, greeting, signals, drain. Serving is http_server.c, the device net.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/http_server.h"
#include "cli/net.h"
#include "cli/verbs.h"
#include "drivers/tun.h"

struct serve {
  struct net net;
  struct http_server server;
  uint32_t port, max_conns, drain_s;
  bool quiet;
  unsigned signals;
};

static void flush_all(void *ctx) {
  struct serve *s = ctx;
  if (s->net.show != NULL)
    show_flush(s->net.show, tct_host_now(s->net.host));
  fflush(stdout);
}

static void on_signal(void *ctx, int number) {
  struct serve *s = ctx;
  tct_time now = tct_host_now(s->net.host);
  tct_time patience = s->signals++ == 0 ? s->drain_s * 1000000000ull : 0;
  (void)number;
  if (s->signals == 1 && !s->quiet)
    fprintf(stderr,
            "tercet serve: finishing %u connections, at most %u s; once more ends at once\n",
            s->server.conns, s->drain_s);
  if (s->signals > 2)
    tct_host_stop(s->net.host, 0);
  http_server_drain(&s->server, now + patience);
}

static void print_url(const struct serve *s, const tct_host_addr *a) {
  char text[46];
  tct_addr_text(a->addr, text, sizeof text);
  fprintf(stderr, tct_addr_is_ipv4(a->addr) ? " http://%s" : " http://[%s]", text);
  if (s->port != 80)
    fprintf(stderr, ":%u", s->port);
  fputc('/', stderr);
}

static void greet(struct serve *s, const char *dir) {
  if (s->quiet)
    return;
  fprintf(stderr, "tercet serves %s at", dir);
  for (unsigned i = 0; i < s->net.o.n_addr; i++)
    print_url(s, &s->net.o.addr[i]);
  fprintf(stderr, "  (device %s; Ctrl-C ends)\n", tct_host_dev_name(s->net.host));
}

/* A file a request: as many as the system lets us have. */
static void raise_file_limit(void) {
  struct rlimit r;
  if (getrlimit(RLIMIT_NOFILE, &r) != 0)
    return;
  r.rlim_cur = r.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &r);
}

static int run(struct serve *s, const char *dir, int root_fd) {
  static const tct_addr any;
  http_server_init(&s->server, s->net.host, root_fd);
  s->server.conns_max = s->max_conns;
  s->server.log = s->quiet || s->net.o.ladder ? NULL : stdout;
  s->server.log_json = s->net.o.json;
  int err = http_server_listen(&s->server, any, (uint16_t)s->port);
  if (err == TCT_OK)
    err = tct_host_on_signal(s->net.host, on_signal, s);
  if (err < 0)
    return args_fail(s->net.verb, ARGS_EXIT_USAGE, "cannot listen on port %u: %s", s->port,
                     tct_strerror(err));
  tct_host_on_idle(s->net.host, flush_all, s);
  if (s->server.log != NULL && s->server.log_json)
    fputs("{\"schema\":\"tercet.requests\",\"version\":1}\n", stdout);
  greet(s, dir);
  err = tct_host_run(s->net.host);
  http_server_deinit(&s->server);
  flush_all(s);
  if (err < 0)
    return args_fail(s->net.verb, ARGS_EXIT_NETWORK, "device %s was removed under us",
                     tct_host_dev_name(s->net.host));
  return ARGS_EXIT_OK;
}

static int open_and_run(struct serve *s, const struct args_verb *verb, const char *dir) {
  static char log_buffer[65536];
  struct net_view view = {stdout, false, "client", "server", SHOW_RIGHT};
  int root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root_fd < 0)
    return args_fail(verb, ARGS_EXIT_USAGE, "cannot serve '%s': %s", dir, strerror(errno));
  setvbuf(stdout, log_buffer, _IOFBF, sizeof log_buffer);
  raise_file_limit();
  int code = net_open(&s->net, verb, &view);
  if (code == ARGS_GO) {
    code = run(s, dir, root_fd);
    int closed = net_close(&s->net, NULL);
    code = code == ARGS_EXIT_OK ? closed : code;
  }
  close(root_fd);
  return code;
}

int cmd_serve(int argc, char **argv) {
  static struct serve s = {.port = 80, .max_conns = 10000, .drain_s = 10};
  const struct args_option own[] = {
      {"port", 'p', ARGS_NUMBER, &s.port, "N", "port (80)", 1, 65535, NULL},
      {"max-conns", 0, ARGS_NUMBER, &s.max_conns, "N", "connections at a time (10000)", 1, 1000000,
       NULL},
      {"drain", 0, ARGS_NUMBER, &s.drain_s, "S", "seconds to finish after SIGTERM (10)", 0, 86400,
       NULL},
      {"quiet", 'q', ARGS_FLAG, &s.quiet, NULL, "no log", 0, 0, NULL},
      {0}};
  const struct args_verb verb = {
      "serve",
      "DIR",
      "Serves the files of DIR by HTTP/1.1: GET, HEAD, ranges, keep-alive, listings. The TCP is\n"
      "tercet's, in this process; the kernel reaches it through a TUN device, which is made and\n"
      "configured here and vanishes with the process.",
      "  tercet serve --dev tun:tct0 --addr 10.7.0.2/24 --port 80 /srv/files\n"
      "  curl http://10.7.0.2/                                     (the kernel has 10.7.0.1)\n\n"
      "One line per request; --json makes it JSON Lines. With --ladder the segments are drawn\n"
      "instead. SIGTERM and Ctrl-C finish what was begun.",
      {own, net_option_table(&s.net), NULL},
      1,
      1};
  struct args args;
  int code = args_parse(&verb, argc, argv, &args);
  return code == ARGS_GO ? open_and_run(&s, &verb, args.operand[0]) : code;
}
