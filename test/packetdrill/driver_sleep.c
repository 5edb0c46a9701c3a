/* SPDX-License-Identifier: MIT */
/* driver_sleep.c - calls that sleep in a second thread, and when they end. Called by driver.c. */
#define _GNU_SOURCE
#include "test/packetdrill/driver.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sleeper {
  pthread_t thread;
  long (*call)(void);
  volatile long tid;
  long result;
  int error;
  long long end_us;
};
static struct sleeper S;
static int sleeper_fd;

static void *sleep_in_call(void *arg) {
  struct sleeper *s = arg;
  s->tid = syscall(SYS_gettid);
  s->result = s->call();
  s->error = errno;
  s->end_us = peer_now(&P);
  return NULL;
}

/* As packetdrill does it: go on only when /proc says that the thread sleeps. */
static bool is_asleep(long tid) {
  char path[64], text[512] = {0};
  (void)snprintf(path, sizeof path, "/proc/self/task/%ld/stat", tid);
  FILE *f = fopen(path, "r");
  if (!f)
    return false;
  size_t n = fread(text, 1, sizeof text - 1, f);
  (void)fclose(f);
  const char *end = n ? strrchr(text, ')') : NULL;
  return end && end[2] == 'S';
}

static bool begin_sleeping(long (*call)(void)) {
  S = (struct sleeper){.call = call};
  if (pthread_create(&S.thread, NULL, sleep_in_call, &S) != 0)
    return false;
  for (int i = 0; i < 2000; i++) {
    if (S.tid && is_asleep(S.tid) && i > 20)
      return true;
    usleep(1000);
  }
  return false;
}

static long do_read(void) {
  char buf[100];
  return I.read(U, sleeper_fd, buf, sizeof buf);
}
static long do_accept(void) {
  return I.accept(U, sleeper_fd, NULL, NULL);
}
static long do_connect(void) {
  struct sockaddr_in to = peer_address();
  return I.connect(U, sleeper_fd, (struct sockaddr *)&to, sizeof to);
}
static long do_poll(void) {
  struct pollfd p = {.fd = sleeper_fd, .events = POLLIN};
  return I.poll(U, &p, 1, 70);
}
static long do_epoll_wait(void) {
  struct epoll_event ev;
  return I.epoll_wait(U, sleeper_fd, &ev, 1, -1);
}
static long do_big_write(void) {
  static char big[300000];
  return I.write(U, sleeper_fd, big, sizeof big);
}

void blocking_read__ends_when_data_comes(void) {
  int l;
  sleeper_fd = make_open(&l);
  long long before = peer_now(&P);
  EXPECT(begin_sleeping(do_read));
  I.usleep(U, 50000);
  peer_send(&P, ACK | PSH, 10);
  long long after = peer_now(&P);
  pthread_join(S.thread, NULL);
  EXPECT(S.result == 10 && S.end_us == before + 50000 && after == S.end_us + 1);
}

void blocking_accept__ends_with_the_handshake(void) {
  sleeper_fd = make_listener(AF_INET);
  long long before = peer_now(&P);
  EXPECT(begin_sleeping(do_accept));
  I.usleep(U, 1000);
  peer_connect(&P);
  I.usleep(U, 1000);
  pthread_join(S.thread, NULL);
  EXPECT(S.result > 0 && S.end_us == before + 1000);
}

void blocking_connect__ends_with_the_handshake_or_fails(void) {
  struct segment s;
  sleeper_fd = I.socket(U, AF_INET, SOCK_STREAM, 0);
  EXPECT(begin_sleeping(do_connect));
  EXPECT(peer_receive(&P, &s) && s.flags == SYN);
  P.port = LOCAL_PORT;
  P.local_port = s.sport;
  peer_send(&P, SYN | ACK, 0);
  (void)peer_now(&P);
  pthread_join(S.thread, NULL);
  EXPECT(S.result == 0);
  sleeper_fd = I.socket(U, AF_INET, SOCK_STREAM, 0);
  EXPECT(begin_sleeping(do_connect));
  int n = 0;
  while (peer_receive(&P, &s))
    n++;
  pthread_join(S.thread, NULL);
  EXPECT(n >= 11 && S.result == -1 && S.error == ETIMEDOUT);
}

void blocking_poll__ends_at_its_time(void) {
  int l;
  sleeper_fd = make_open(&l);
  long long before = peer_now(&P);
  EXPECT(begin_sleeping(do_poll));
  I.usleep(U, 500000);
  pthread_join(S.thread, NULL);
  EXPECT(S.result == 0 && S.end_us == before + 70000);
  EXPECT(peer_now(&P) == before + 500001);
}

void blocking_epoll_wait__ends_with_news(void) {
  int l, fd = make_open(&l);
  struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
  sleeper_fd = I.epoll_create(U, 1);
  EXPECT(I.epoll_ctl(U, sleeper_fd, EPOLL_CTL_ADD, fd, &ev) == 0);
  EXPECT(begin_sleeping(do_epoll_wait));
  peer_send(&P, ACK | PSH, 1);
  (void)peer_now(&P);
  pthread_join(S.thread, NULL);
  EXPECT(S.result == 1);
}

void blocking_write__ends_when_all_is_taken(void) {
  struct segment s;
  int l, small = 5000;
  sleeper_fd = make_open(&l);
  EXPECT(I.setsockopt(U, sleeper_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  EXPECT(begin_sleeping(do_big_write));
  size_t got = 0;
  for (int i = 0; i < 2000 && got < 250000; i++) {
    EXPECT(peer_receive(&P, &s));
    got += s.len;
    peer_send(&P, ACK, 0);
  }
  while (got < 300000 && peer_receive(&P, &s)) {
    got += s.len;
    peer_send(&P, ACK, 0);
  }
  pthread_join(S.thread, NULL);
  EXPECT(got == 300000 && S.result == 300000);
}

void receive_timeout__wakes_a_read(void) {
  struct timeval tv = {.tv_usec = 30000};
  int l;
  sleeper_fd = make_open(&l);
  EXPECT(I.setsockopt(U, sleeper_fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
  long long before = peer_now(&P);
  EXPECT(begin_sleeping(do_read));
  I.usleep(U, 100000);
  pthread_join(S.thread, NULL);
  EXPECT(S.result == -1 && S.error == EAGAIN && S.end_us == before + 30000);
}
