/* SPDX-License-Identifier: MIT */
/*
 * tun.c - this stack behind a TUN or TAP device, for bench/tun.sh: port 9 drops what comes, port
 * 19 sends without end, port 7 sends back. Runs until it is killed.
 *
 *   bench_tun DEV ADDR/LEN [offload=1] [spin=US] [buffer=BYTES] [parity=0]
 *
 * The sink looks at the data in place; the source lends pieces of a set of 512 KiB, so that no
 * source is one hot page. buffer=0 leaves the stack's own defaults, which grow.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tercet/host.h"

enum { SOURCE_BYTES = 512 * 1024, LEND_BYTES = 64 * 1024, PIECES = 24, BACKLOG = 128 };

typedef void (*role_fn)(tct_stack *s, tct_sock k);

struct role {
  role_fn serve;
  uint16_t port;
};

static uint8_t source[SOURCE_BYTES];
static tct_host *host;

static int fail(const char *what) {
  fprintf(stderr, "bench_tun: %s\n", what);
  return 1;
}

/* ---- What the ports do ----------------------------------------------------------------------- */

static void drop(tct_stack *s, tct_sock k) {
  for (;;) {
    tct_iov v[PIECES];
    unsigned n = PIECES;
    size_t len = 0;
    if (tct_sock_rx_peek(s, k, v, &n) < 0 || n == 0)
      return;
    for (unsigned i = 0; i < n; i++)
      len += v[i].len;
    if (tct_sock_rx_consume(s, k, len) < 0)
      return;
  }
}

static void pour(tct_stack *s, tct_sock k) {
  static size_t at;
  while (tct_sock_tx_lend(s, k, source + at, LEND_BYTES, 1) == TCT_OK)
    at = (at + LEND_BYTES) % SOURCE_BYTES;
}

static void send_back(tct_stack *s, tct_sock k) {
  char buf[4096];
  long n;
  while ((n = tct_sock_recv(s, k, buf, sizeof buf, TCT_MSG_PEEK)) > 0) {
    long sent = tct_sock_send(s, k, buf, (size_t)n, 0);
    if (sent <= 0 || tct_sock_recv(s, k, buf, (size_t)sent, 0) < 0)
      return;
  }
}

static struct role roles[] = {{drop, 9}, {pour, 19}, {send_back, 7}};

static void on_event(void *ctx, const tct_event *ev) {
  tct_stack *s = ctx;
  struct role *role = ev->user;
  tct_sock child;
  uint64_t token;
  while (tct_returned_next(s, &token))
    continue; /* the source never changes: nobody waits for its pieces */
  if ((ev->flags & TCT_EV_CLOSED) != 0)
    return;
  if ((ev->flags & TCT_EV_ACCEPT) != 0) {
    while (tct_sock_accept(s, ev->sock, role, &child) == TCT_OK)
      role->serve(s, child);
    return;
  }
  role->serve(s, ev->sock);
  if ((ev->flags & TCT_EV_EOF) != 0)
    (void)tct_sock_close(s, ev->sock);
}

static bool listen_at(tct_stack *s, struct role *role) {
  tct_endpoint here = {.port = role->port};
  tct_sock k;
  return tct_sock_open(s, TCT_TCP, role, &k) == TCT_OK && tct_sock_bind(s, k, &here) == TCT_OK &&
         tct_sock_listen(s, k, BACKLOG) == TCT_OK;
}

/* ---- Arguments ------------------------------------------------------------------------------- */

/* What lwIP does, and no more: as in the engine rows. */
static void set_parity(tct_config *c) {
  c->info = TCT_INFO_BASIC;
  c->no_timestamps = true;
  c->ecn = TCT_ECN_OFF;
  c->congestion = TCT_CC_NEWRENO;
  c->rack = c->tlp = c->frto = TCT_OFF;
}

static bool read_option(tct_host_config *c, const char *word) {
  char name[16], *end;
  const char *eq = strchr(word, '=');
  if (eq == NULL || (size_t)(eq - word) >= sizeof name)
    return false;
  memcpy(name, word, (size_t)(eq - word));
  name[eq - word] = '\0';
  unsigned long value = strtoul(eq + 1, &end, 10);
  if (*end != '\0' || end == eq + 1 || value > 1u << 30)
    return false;
  if (strcmp(name, "offload") == 0)
    c->no_offload = value == 0;
  else if (strcmp(name, "spin") == 0)
    c->spin_ns = (tct_time)value * 1000;
  else if (strcmp(name, "parity") == 0 && value != 0)
    set_parity(&c->stack);
  else if (strcmp(name, "buffer") == 0)
    c->stack.sndbuf_bytes = c->stack.sndbuf_max_bytes = c->stack.rcvbuf_bytes =
        c->stack.rcvbuf_max_bytes = (uint32_t)value;
  else
    return strcmp(name, "parity") == 0;
  return true;
}

static bool read_args(tct_host_config *c, int argc, char **argv) {
  char text[INET_ADDRSTRLEN] = "", *end;
  const char *slash = argc > 2 ? strchr(argv[2], '/') : NULL;
  uint8_t b[4];
  if (slash == NULL || (size_t)(slash - argv[2]) >= sizeof text)
    return false;
  memcpy(text, argv[2], (size_t)(slash - argv[2]));
  unsigned long len = strtoul(slash + 1, &end, 10);
  if (inet_pton(AF_INET, text, b) != 1 || *end != '\0' || len > 32)
    return false;
  c->dev = argv[1];
  c->n_addr = 1;
  c->addr[0] =
      (tct_host_addr){.addr = tct_addr_ipv4(b[0], b[1], b[2], b[3]), .prefix_len = (unsigned)len};
  for (int i = 3; i < argc; i++)
    if (!read_option(c, argv[i]))
      return false;
  return true;
}

int main(int argc, char **argv) {
  tct_host_config c;
  char error[300];
  if (tct_host_config_init(&c, sizeof c) < 0)
    return fail("no random seed");
  if (!read_args(&c, argc, argv))
    return fail("usage: bench_tun DEV ADDR/LEN [offload=1] [spin=US] [buffer=BYTES] [parity=0]");
  for (size_t i = 0; i < sizeof source; i++)
    source[i] = (uint8_t)(i * 2654435761u >> 24);
  host = tct_host_new(&c, error, sizeof error);
  if (host == NULL)
    return fail(error);
  for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
    if (!listen_at(tct_host_stack(host), &roles[i]))
      return fail("no listener");
  tct_host_on_event(host, on_event, tct_host_stack(host));
  printf("ready, offload %s\n", tct_host_has_offload(host) ? "on" : "off");
  fflush(stdout);
  int err = tct_host_run(host);
  tct_host_free(host);
  return err < 0 ? fail(tct_strerror(err)) : 0;
}
