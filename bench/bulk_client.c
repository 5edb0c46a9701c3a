/* SPDX-License-Identifier: MIT */
/*
 * bulk_client.c - bulk over the kernel's TCP, for bench/tun.sh: the client of all that is measured
 * there, and the server to compare with.
 *
 *   bench_bulk_client send ADDR PORT MS [own]   sends as fast as it goes
 *   bench_bulk_client recv ADDR PORT MS         reads as fast as it goes
 *   bench_bulk_client serve                     port 9 drops what comes, 19 and 29 send without end
 *
 * The first two print octets a second by wall clock, over MS milliseconds that begin half as long
 * after the connection did: slow start is over then. System calls are of 256 KiB, what is sent
 * comes from a set of 512 KiB. Congestion control is CUBIC, but the machine's own default with
 * `own` and at port 29.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { CALL_BYTES = 256 * 1024, SOURCE_BYTES = 512 * 1024 };

static uint8_t memory[SOURCE_BYTES];

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

/* A listener's children have what it has. */
static int open_socket(bool own) {
  static const char cubic[] = "cubic";
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && !own && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cubic, sizeof cubic - 1) < 0)
    perror("bench_bulk_client: no CUBIC");
  return fd;
}

/* One call; <= 0: the end, or nothing within the time-out. */
static ssize_t move_some(int fd, bool sends) {
  static size_t at;
  at = (at + CALL_BYTES) % SOURCE_BYTES;
  return sends ? send(fd, memory + at, CALL_BYTES, MSG_NOSIGNAL)
               : recv(fd, memory + at, CALL_BYTES, 0);
}

/* Octets that moved until `end`; negative: it came to a halt. */
static double move_until(int fd, bool sends, double end) {
  double moved = 0;
  while (now_s() < end) {
    ssize_t n = move_some(fd, sends);
    if (n <= 0)
      return -1;
    moved += (double)n;
  }
  return moved;
}

static int measure(const struct sockaddr_in *to, bool sends, double seconds, bool own) {
  const struct timeval patience = {2, 0};
  int fd = open_socket(own);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
      connect(fd, (const struct sockaddr *)to, sizeof *to) < 0)
    return fail("connect");
  if (move_until(fd, sends, now_s() + seconds / 2) < 0)
    return fail("warming up");
  double begin = now_s(), moved = move_until(fd, sends, begin + seconds);
  if (moved < 0)
    return fail("measuring");
  printf("%.0f\n", moved / (now_s() - begin));
  close(fd);
  return 0;
}

static int listen_at(uint16_t port, bool own) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
  int l = open_socket(own), on = 1;
  if (l < 0 || setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind(l, (struct sockaddr *)&here, sizeof here) < 0 || listen(l, 16) < 0)
    return -1;
  return l;
}

/* One connection after the other: clients come one at a time. */
static int serve(void) {
  enum { PORTS = 3 };
  struct pollfd l[PORTS] = {{.fd = listen_at(9, false), .events = POLLIN},
                            {.fd = listen_at(19, false), .events = POLLIN},
                            {.fd = listen_at(29, true), .events = POLLIN}};
  for (int i = 0; i < PORTS; i++)
    if (l[i].fd < 0)
      return fail("listen");
  for (;;) {
    int i = 0, fd;
    if (poll(l, PORTS, -1) < 0)
      return fail("poll");
    while (i < PORTS - 1 && (l[i].revents & POLLIN) == 0)
      i++;
    fd = accept4(l[i].fd, NULL, NULL, SOCK_CLOEXEC);
    while (fd >= 0 && move_some(fd, i > 0) > 0)
      continue;
    if (fd >= 0)
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
  for (size_t i = 0; i < sizeof memory; i++)
    memory[i] = (uint8_t)(i * 2654435761u >> 24);
  if (argc == 2 && strcmp(argv[1], "serve") == 0)
    return serve();
  bool own = argc == 6 && strcmp(argv[5], "own") == 0;
  bool named = argc == 5 || own, sends = named && strcmp(argv[1], "send") == 0;
  if (!named || (!sends && strcmp(argv[1], "recv") != 0) ||
      inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || read_number(argv[3]) == 0 ||
      read_number(argv[4]) == 0) {
    fputs("usage: bench_bulk_client send|recv ADDR PORT MS [own] | serve\n", stderr);
    return 2;
  }
  to.sin_port = htons((uint16_t)read_number(argv[3]));
  return measure(&to, sends, (double)read_number(argv[4]) / 1e3, own);
}
