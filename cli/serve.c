/* SPDX-License-Identifier: MIT */
/*
 * serve.c - tercet serve: a directory over HTTP/1.1 on a TCP of our own, through a TUN device.
 *
 * The verb: options, greeting, signals, drain; with --cores one worker a core, each with a stack
 * and a server of its own, of which the first runs in the main thread and hears the signals.
 * Serving is http_server.c, the device net.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/http_server.h"
#include "cli/net.h"
#include "cli/verbs.h"
#include "drivers/tun.h"

enum { CORES_MAX = 64 };

struct worker {
  struct serve *serve;
  unsigned core;
  tct_host *host;
  struct http_server server;
  pthread_t thread;
  unsigned signals; /* of the main one, as far as this one has acted on them */
  int err;
};

struct serve {
  struct net net;
  uint32_t port, max_conns, drain_s, cores;
  bool quiet;
  _Atomic unsigned signals;
  struct worker worker[CORES_MAX];
};

static void flush_all(void *ctx) {
  struct serve *s = ctx;
  if (s->net.show != NULL)
    show_flush(s->net.show, tct_host_now(s->net.host));
  fflush(stdout);
}

/* Finishes what was begun, ends it, or stops at once: by how often somebody asked. */
static void act_on_signals(void *ctx) {
  struct worker *w = ctx;
  unsigned asked = w->serve->signals;
  if (asked == w->signals)
    return;
  w->signals = asked;
  tct_time now = tct_host_now(w->host);
  if (asked > 2)
    tct_host_stop(w->host, 0);
  http_server_drain(&w->server, now + (asked == 1 ? w->serve->drain_s * 1000000000ull : 0));
}

static void on_signal(void *ctx, int number) {
  struct serve *s = ctx;
  (void)number;
  if (++s->signals == 1 && !s->quiet)
    fprintf(stderr,
            "tercet serve: finishing %u connections%s, at most %u s; once more ends at once\n",
            s->worker[0].server.conns, s->cores > 1 ? " on the first core" : "", s->drain_s);
  for (unsigned i = 1; i < s->cores; i++)
    tct_host_mesh_poke(s->net.mesh, i);
  act_on_signals(&s->worker[0]);
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

/* ---- Workers --------------------------------------------------------------------------------- */

static int start(struct worker *w, int root_fd) {
  static const tct_addr any;
  struct serve *s = w->serve;
  http_server_init(&w->server, w->host, root_fd);
  w->server.conns_max = s->max_conns / s->cores + 1;
  w->server.log = s->quiet || s->net.o.ladder ? NULL : stdout;
  w->server.log_json = s->net.o.json;
  tct_host_on_poke(w->host, act_on_signals, w);
  tct_host_on_idle(w->host, flush_all, s);
  int err = http_server_listen(&w->server, any, (uint16_t)s->port);
  if (err < 0)
    return args_fail(s->net.verb, ARGS_EXIT_USAGE, "cannot listen on port %u: %s", s->port,
                     tct_strerror(err));
  return ARGS_EXIT_OK;
}

static void *work(void *ctx) {
  struct worker *w = ctx;
  w->err = tct_host_run(w->host);
  http_server_deinit(&w->server); /* its maps are this thread's */
  return NULL;
}

/* Hosts are made before any thread runs; from then on each is its thread's alone. */
static int open_workers(struct serve *s, int root_fd) {
  int code = ARGS_EXIT_OK;
  for (unsigned i = 0; i < s->cores && code == ARGS_EXIT_OK; i++) {
    struct worker *w = &s->worker[i];
    w->serve = s;
    w->core = i;
    code = i == 0 ? ARGS_EXIT_OK : net_open_other(&s->net, i, &w->host);
    if (i == 0)
      w->host = s->net.host;
    if (code == ARGS_EXIT_OK)
      code = start(w, root_fd);
  }
  return code;
}

static void close_workers(struct serve *s) {
  for (unsigned i = 1; i < s->cores; i++)
    tct_host_free(s->worker[i].host);
}

/* Those that could not be started are missed by nobody: their queues would be, so all end. */
static bool run_workers(struct serve *s) {
  unsigned started = 1;
  for (; started < s->cores; started++)
    if (pthread_create(&s->worker[started].thread, NULL, work, &s->worker[started]) != 0)
      break;
  bool all = started == s->cores;
  if (all)
    (void)work(&s->worker[0]);
  if (!all || s->worker[0].err < 0)
    s->signals = 3;
  for (unsigned i = 1; i < started; i++) {
    if (s->signals == 3)
      tct_host_mesh_poke(s->net.mesh, i);
    pthread_join(s->worker[i].thread, NULL);
  }
  return all;
}

static int run(struct serve *s, const char *dir, int root_fd) {
  int code = open_workers(s, root_fd);
  if (code == ARGS_EXIT_OK && tct_host_on_signal(s->net.host, on_signal, s) < 0)
    code = args_fail(s->net.verb, ARGS_EXIT_USAGE, "signals cannot be caught");
  if (code != ARGS_EXIT_OK) {
    close_workers(s);
    return code;
  }
  if (s->worker[0].server.log != NULL && s->net.o.json)
    fputs("{\"schema\":\"tercet.requests\",\"version\":1}\n", stdout);
  greet(s, dir);
  bool all = run_workers(s);
  int err = s->worker[0].err;
  close_workers(s);
  flush_all(s);
  if (!all)
    return args_fail(s->net.verb, ARGS_EXIT_USAGE, "the system has no threads for %u cores",
                     s->cores);
  if (s->cores > 1 && !s->quiet)
    fprintf(stderr, "tercet serve: %llu frames were handed to the core whose they were\n",
            (unsigned long long)tct_host_mesh_strays(s->net.mesh));
  if (err < 0)
    return args_fail(s->net.verb, ARGS_EXIT_NETWORK, "device %s was removed under us",
                     tct_host_dev_name(s->net.host));
  return ARGS_EXIT_OK;
}

/* Each answer takes and gives back what its connection buffers: given to the system every time,
 * page faults were a third of all work. Up to so much stays with us. */
static void keep_heap(void) {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
#endif
}

static int open_and_run(struct serve *s, const struct args_verb *verb, const char *dir) {
  static char log_buffer[65536];
  struct net_view view = {stdout, false, "client", "server", SHOW_RIGHT};
  int root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root_fd < 0)
    return args_fail(verb, ARGS_EXIT_USAGE, "cannot serve '%s': %s", dir, strerror(errno));
  s->net.o.cores = s->cores;
  setvbuf(stdout, log_buffer, _IOFBF, sizeof log_buffer);
  raise_file_limit();
  keep_heap();
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
  static struct serve s = {.port = 80, .max_conns = 10000, .drain_s = 10, .cores = 1};
  const struct args_option own[] = {
      {"port", 'p', ARGS_NUMBER, &s.port, "N", "port (80)", 1, 65535, NULL},
      {"max-conns", 0, ARGS_NUMBER, &s.max_conns, "N", "connections at a time (10000)", 1, 1000000,
       NULL},
      {"cores", 0, ARGS_NUMBER, &s.cores, "N", "one stack and thread a core (1)", 1, CORES_MAX,
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
