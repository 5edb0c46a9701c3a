/* SPDX-License-Identifier: MIT */
/*
 * echo.c - the whole loop: a TCP echo server on a TUN device, with nothing but the core's calls.
 *
 *   sudo ./build/examples/example_echo        then, elsewhere:  nc 10.7.0.2 7
 *
 * Shows who owns what: this program the clock, the waiting and the device; the stack the protocol.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "drivers/tun.h"
#include "tercet/host.h" /* only for the default allocator */

static tct_time clock_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (tct_time)ts.tv_sec * 1000000000u + (tct_time)ts.tv_nsec;
}

/* What arrived goes back; what does not fit now stays unread until there is room again. */
static void echo(tct_stack *s, tct_sock k) {
  char buf[4096];
  long n;
  while ((n = tct_sock_recv(s, k, buf, sizeof buf, TCT_MSG_PEEK)) > 0) {
    long sent = tct_sock_send(s, k, buf, (size_t)n, 0);
    if (sent <= 0 || tct_sock_recv(s, k, buf, (size_t)sent, 0) < 0)
      return;
  }
  if (n == 0) /* the peer has said all: so have we */
    tct_sock_close(s, k);
}

static void app(tct_stack *s, const tct_event *ev) {
  tct_sock k;
  if ((ev->flags & TCT_EV_CLOSED) != 0)
    return;
  if ((ev->flags & TCT_EV_ACCEPT) == 0)
    echo(s, ev->sock);
  else
    while (tct_sock_accept(s, ev->sock, NULL, &k) == TCT_OK)
      echo(s, k);
}

static void loop(tct_stack *s, tct_if i, struct tct_tun *tun) {
  static tct_frame frames[TCT_TUN_BURST];
  struct pollfd wait = {.fd = tun->fd, .events = POLLIN};
  tct_event ev;
  for (;;) {
    long n;
    for (int turn = 0; turn < 4 && (n = tct_tun_recv(tun, frames, 64, clock_now())) > 0; turn++)
      tct_input(s, i, frames, (size_t)n, clock_now());
    tct_advance(s, clock_now());
    while (tct_event_next(s, &ev))
      app(s, &ev);
    while ((n = (long)tct_output(s, i, frames, 64, clock_now())) > 0)
      tct_tun_send(tun, frames, (size_t)n);
    tct_time now = clock_now(), at = tct_deadline(s);
    poll(&wait, 1, at == TCT_NEVER ? -1 : at <= now ? 0 : (int)((at - now) / 1000000 + 1));
  }
}

int main(void) {
  struct tct_tun tun;
  struct tct_tun_config dev = {.name = "tct0", .n_addr = 1};
  dev.addr[0] = (struct tct_tun_addr){tct_addr_ipv4(10, 7, 0, 2), tct_addr_ipv4(10, 7, 0, 1), 24};
  if (tct_tun_open(&tun, &dev) < 0)
    return fprintf(stderr, "echo: %s\n", tun.error), 2;

  tct_config config;
  tct_config_init(&config, sizeof config);
  config.alloc = tct_host_alloc();
  if (getrandom(config.seed, sizeof config.seed, 0) != sizeof config.seed)
    return 2;
  int err = 0;
  tct_stack *s = tct_new(&config, &err);
  tct_if_config link = {.size = sizeof link, .link = TCT_LINK_IP, .mtu = tun.mtu};
  tct_endpoint here = {.port = 7};
  tct_sock listener;
  tct_if i;
  if (s == NULL || tct_if_add(s, &link, &i) < 0 || tct_if_set(s, i, TCT_IF_UP, 1) < 0 ||
      tct_if_addr_add(s, i, dev.addr[0].stack, 24) < 0 ||
      tct_sock_open(s, TCT_TCP, NULL, &listener) < 0 || tct_sock_bind(s, listener, &here) < 0 ||
      tct_sock_listen(s, listener, 128) < 0)
    return fprintf(stderr, "echo: the stack could not be set up\n"), 3;
  printf("echo at 10.7.0.2 port 7; try: nc 10.7.0.2 7\n");
  fflush(stdout);
  loop(s, i, &tun);
}
