/* SPDX-License-Identifier: MIT */
/*
 * A client, and a server to compare with, on the kernel's TCP, for bench/serve.sh.
 *
 *   bench_echo_client ping ADDR PORT MS       round trips of one octet over one connection
 *   bench_echo_client connect ADDR PORT MS    connect, one octet there and back, close; again
 *   bench_echo_client serve PORT              echo, one connection after the other
 *
 * The first two print how often a second, by wall clock.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

static void set_nodelay(int fd) {
  int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int dial(const struct sockaddr_in *to) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof *to) < 0) {
    close(fd);
    return -1;
  }
  if (fd >= 0)
    set_nodelay(fd);
  return fd;
}

static bool trip(int fd) {
  char octet = 'x';
  return send(fd, &octet, 1, MSG_NOSIGNAL) == 1 && recv(fd, &octet, 1, 0) == 1;
}

static bool dial_trip_close(const struct sockaddr_in *to) {
  int fd = dial(to);
  bool ok = fd >= 0 && trip(fd);
  if (fd >= 0)
    close(fd);
  return ok;
}

static int measure(bool pings, const struct sockaddr_in *to, double seconds) {
  int fd = pings ? dial(to) : -1;
  unsigned long n = 0;
  if (pings && fd < 0)
    return fail("connect");
  for (unsigned i = 0; i < 200; i++) /* warm */
    if (!(pings ? trip(fd) : dial_trip_close(to)))
      return fail("warming up");
  double begin = now_s(), end = begin + seconds;
  for (; now_s() < end; n++)
    if (!(pings ? trip(fd) : dial_trip_close(to)))
      return fail("a round trip");
  printf("%.0f\n", (double)n / (now_s() - begin));
  if (fd >= 0)
    close(fd);
  return 0;
}

static void echo(int fd) {
  char buf[4096];
  long n;
  set_nodelay(fd);
  while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
    if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
      return;
}

static int serve(uint16_t port) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
  int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (l < 0 || setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind(l, (struct sockaddr *)&here, sizeof here) < 0 || listen(l, 128) < 0)
    return fail("listen");
  for (;;) {
    int fd = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
      continue;
    echo(fd);
    close(fd);
  }
}

/* 0 if it is none. */
static unsigned long read_number(const char *word) {
  char *end;
  unsigned long n = strtoul(word, &end, 10);
  return *end == '\0' && n <= 65535 ? n : 0;
}

int main(int argc, char **argv) {
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (argc == 3 && strcmp(argv[1], "serve") == 0)
    return serve((uint16_t)read_number(argv[2]));
  bool pings = argc == 5 && strcmp(argv[1], "ping") == 0;
  if (argc != 5 || (!pings && strcmp(argv[1], "connect") != 0) ||
      inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || read_number(argv[3]) == 0 ||
      read_number(argv[4]) == 0) {
    fputs("usage: bench_echo_client ping|connect ADDR PORT MS | serve PORT\n", stderr);
    return 2;
  }
  to.sin_port = htons((uint16_t)read_number(argv[3]));
  return measure(pings, &to, (double)read_number(argv[4]) / 1e3);
}
