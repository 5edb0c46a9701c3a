/* SPDX-License-Identifier: MIT */
/*
 * handshake.c - tercet handshake: one connection before your eyes, from the SYN to the last ACK,
 * and a verdict.
 *
 * The verb and its flow; drawing is cli/show, device and capture net.c. Exit 1 when the connection
 * was refused, got no answer or was reset.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/net.h"
#include "cli/verbs.h"

#define SECOND 1000000000ull
enum { SEND_MAX = 16 * 1024 * 1024 };

struct handshake {
  struct net net;
  struct url url;
  tct_endpoint server;
  tct_sock sock;
  const char *send_path;
  char *send;
  size_t send_len;
  uint32_t timeout_s, wait_s;
  bool interrupted;
};

static int load_file(struct handshake *h, const struct args_verb *verb) {
  FILE *f = fopen(h->send_path, "rb");
  h->send = f != NULL ? malloc(SEND_MAX + 1) : NULL;
  if (h->send == NULL) {
    int err = errno;
    if (f != NULL)
      fclose(f);
    return args_fail(verb, ARGS_EXIT_USAGE, "cannot send '%s': %s", h->send_path, strerror(err));
  }
  h->send_len = fread(h->send, 1, SEND_MAX + 1, f);
  bool failed = ferror(f) != 0;
  fclose(f);
  if (failed || h->send_len > SEND_MAX)
    return args_fail(verb, ARGS_EXIT_USAGE, "cannot send '%s': %s", h->send_path,
                     failed ? "reading it failed" : "it is larger than 16 MiB");
  return ARGS_GO;
}

static int network_says(struct handshake *h, int err) {
  tct_why why = TCT_WHY_NONE;
  (void)tct_host_ended(h->net.host, h->sock, &why);
  return args_fail(h->net.verb, ARGS_EXIT_NETWORK, "%s",
                   net_explain(&h->net, &h->server, err, why));
}

/* Sends the file and reads until the peer has closed or has been quiet for a while. */
static int exchange(struct handshake *h) {
  char trash[16384];
  int err = tct_host_send(h->net.host, h->sock, h->send, h->send_len, h->timeout_s * SECOND);
  if (err < 0)
    return network_says(h, err);
  for (;;) {
    long n = tct_host_recv(h->net.host, h->sock, trash, sizeof trash, h->wait_s * SECOND);
    if (n == 0 || n == TCT_ETIMEDOUT || n == TCT_EINTR)
      return ARGS_GO;
    if (n < 0)
      return network_says(h, (int)n);
  }
}

static void on_signal(void *ctx, int number) {
  struct handshake *h = ctx;
  (void)number;
  h->interrupted = true;
  tct_host_stop(h->net.host, 0);
}

static int shake(struct handshake *h) {
  int code = net_resolve(&h->net, &h->url, &h->server);
  if (code != ARGS_GO)
    return code;
  if (tct_host_on_signal(h->net.host, on_signal, h) < 0)
    return args_fail(h->net.verb, ARGS_EXIT_BUG, "signals can't be caught");
  int err = tct_host_connect(h->net.host, &h->server, h->timeout_s * SECOND, &h->sock);
  if (err < 0)
    return network_says(h, err);
  if (h->send != NULL)
    code = exchange(h);
  err = tct_host_close(h->net.host, h->sock, h->timeout_s * SECOND);
  if (code != ARGS_GO)
    return code;
  if (err < 0 && !h->interrupted)
    return network_says(h, err);
  return ARGS_EXIT_OK;
}

static int open_and_shake(struct handshake *h, const struct args_verb *verb, const char *target) {
  struct net_view view = {stdout, true, "client", "server", SHOW_LEFT};
  const char *wrong = url_parse_host_port(&h->url, target);
  if (wrong != NULL)
    return args_wrong(verb, "'%s': %s", target, wrong);
  int code = h->send_path != NULL ? load_file(h, verb) : ARGS_GO;
  if (code == ARGS_GO)
    code = net_open(&h->net, verb, &view);
  if (code == ARGS_GO) {
    code = shake(h);
    int closed = net_close(&h->net, NULL);
    code = code == ARGS_EXIT_OK ? closed : code;
  }
  free(h->send);
  return code;
}

int cmd_handshake(int argc, char **argv) {
  static struct handshake h = {.timeout_s = 10, .wait_s = 2};
  const struct args_option own[] = {{"send", 's', ARGS_TEXT, &h.send_path, "FILE",
                                     "send this when the connection is open", 0, 0, NULL},
                                    {"timeout", 0, ARGS_NUMBER, &h.timeout_s, "S",
                                     "seconds to wait for an answer (10)", 1, 86400, NULL},
                                    {"wait", 'w', ARGS_NUMBER, &h.wait_s, "S",
                                     "after --send, close after this much silence (2)", 1, 86400,
                                     NULL},
                                    {0}};
  const struct args_verb verb = {
      "handshake",
      "HOST:PORT",
      "Opens one connection, sends --send's file if there is one, closes, and draws every segment\n"
      "with its states, numbers and options. Exit 1: refused, no answer, or reset.",
      "  tercet handshake --dev tun:tct0 --addr 10.7.0.2/24 10.7.0.1:80\n\n"
      "HOST beyond this machine: packets from the device must be forwarded and given an address\n"
      "that the world can answer. As root, once (tercet doctor checks it):\n\n"
      "  sysctl -w net.ipv4.ip_forward=1\n"
      "  nft add table ip tercet\n"
      "  nft add chain ip tercet post '{ type nat hook postrouting priority 100; }'\n"
      "  nft add rule ip tercet post ip saddr 10.7.0.0/24 masquerade",
      {own, net_option_table(&h.net), NULL},
      1,
      1};
  struct args args;
  int code = args_parse(&verb, argc, argv, &args);
  return code == ARGS_GO ? open_and_shake(&h, &verb, args.operand[0]) : code;
}
