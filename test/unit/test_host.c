/* SPDX-License-Identifier: MIT */
/* The event loop and the blocking calls against the kernel's TCP, in a network namespace of its own
 * (root; else skipped). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tercet/host.h"

#define MS 1000000ull

static bool in_namespace;

static tct_host_config config(void) {
  tct_host_config c;
  assert_int_equal(tct_host_config_init(&c, sizeof c), 0);
  c.dev = "tun:tcth0";
  c.addr[0] = (tct_host_addr){.addr = tct_addr_ipv4(10, 7, 0, 2), .prefix_len = 24};
  c.n_addr = 1;
  return c;
}

static tct_host *new_host(void) {
  char error[300] = "";
  if (!in_namespace)
    skip();
  tct_host_config c = config();
  tct_host *h = tct_host_new(&c, error, sizeof error);
  if (h == NULL)
    fail_msg("%s", error);
  return h;
}

static void expect_refusal(const tct_host_config *c, const char *word) {
  char error[300] = "";
  assert_null(tct_host_new(c, error, sizeof error));
  if (strstr(error, word) == NULL)
    fail_msg("'%s' does not say '%s'", error, word);
  assert_int_equal(if_nametoindex("tcth0"), 0);
}

static void new__wrong_configuration__one_sentence_and_nothing_left(void **state) {
  (void)state;
  tct_host_config c = config();
  c.dev = "eth0";
  expect_refusal(&c, "eth0");
  c = config();
  c.n_addr = 0;
  expect_refusal(&c, "address");
  c = config();
  c.addr[0].prefix_len = 33;
  expect_refusal(&c, "10.7.0.2/33");
  c = config();
  c.addr[0].addr = tct_addr_ipv4(10, 7, 0, 255);
  expect_refusal(&c, "10.7.0.255");
  c = config();
  c.addr[0].addr = tct_addr_ipv4(224, 0, 0, 1);
  expect_refusal(&c, "224.0.0.1");
  c = config();
  c.addr[0].peer = c.addr[0].addr;
  expect_refusal(&c, "peer");
  c = config();
  c.size = 1;
  expect_refusal(&c, "init");
  if (!in_namespace)
    return;
  c = config();
  memset(c.stack.seed, 0, sizeof c.stack.seed); /* the device is there already when this fails */
  expect_refusal(&c, "stack");
}

/* ---- Blocking calls -----------------------------------------------------------------------------
 */

static int kernel_listener(uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(fd, 8), 0);
  return fd;
}

static tct_endpoint kernel_at(uint16_t port) {
  return (tct_endpoint){.addr = tct_addr_ipv4(10, 7, 0, 1), .port = port};
}

static void connect__send_recv_close__like_a_socket(void **state) {
  char buf[16];
  tct_sock k;
  tct_why why;
  (void)state;
  tct_host *h = new_host();
  int fd = kernel_listener(7001);
  tct_endpoint to = kernel_at(7001);
  assert_int_equal(tct_host_connect(h, &to, 2000 * MS, &k), 0);
  int peer = accept(fd, NULL, NULL);
  assert_true(peer >= 0);
  assert_int_equal(tct_host_recv(h, k, buf, sizeof buf, 20 * MS), TCT_ETIMEDOUT);
  assert_int_equal(tct_host_send(h, k, "ping", 4, 1000 * MS), 0);
  assert_int_equal(tct_host_turn(h, tct_host_now(h) + 10 * MS), 0);
  assert_int_equal(read(peer, buf, sizeof buf), 4);
  assert_int_equal(write(peer, "pong!", 5), 5);
  assert_true((tct_host_wait(h, k, TCT_EV_READABLE, 1000 * MS) & TCT_EV_READABLE) != 0);
  assert_int_equal(tct_host_recv(h, k, buf, sizeof buf, 1000 * MS), 5);
  close(peer);
  assert_int_equal(tct_host_recv(h, k, buf, sizeof buf, 1000 * MS), 0);
  assert_int_equal(tct_host_ended(h, k, &why), 0);
  assert_int_equal(tct_host_close(h, k, 2000 * MS), 0);
  assert_int_equal(tct_host_close(h, k, 0), TCT_EBADF);
  close(fd);
  tct_host_free(h);
}

static void connect__refused_or_unanswered__says_which(void **state) {
  tct_sock k;
  tct_why why = TCT_WHY_NONE;
  (void)state;
  tct_host *h = new_host();
  tct_endpoint to = kernel_at(7002);
  assert_int_equal(tct_host_connect(h, &to, 2000 * MS, &k), TCT_ECONNREFUSED);
  assert_int_equal(tct_host_ended(h, k, &why), TCT_ECONNREFUSED);
  assert_int_equal(why, TCT_WHY_REFUSED);
  assert_int_equal(tct_host_close(h, k, 0), TCT_ECONNREFUSED);
  to.addr = tct_addr_ipv4(10, 9, 9, 9); /* the kernel forwards nothing */
  assert_int_equal(tct_host_connect(h, &to, 100 * MS, &k), TCT_ETIMEDOUT);
  tct_host_free(h);
}

static void connect__many_that_fail__slots_come_back(void **state) {
  tct_sock k;
  (void)state;
  tct_host *h = new_host();
  tct_endpoint to = kernel_at(7002);
  for (int i = 0; i < 200; i++) {
    assert_int_equal(tct_host_connect(h, &to, 2000 * MS, &k), TCT_ECONNREFUSED);
    (void)tct_host_close(h, k, 0);
  }
  tct_host_free(h);
}

static void peer_resets__recv__says_so(void **state) {
  char buf[16];
  tct_sock k;
  struct linger hard = {1, 0};
  (void)state;
  tct_host *h = new_host();
  int fd = kernel_listener(7003);
  tct_endpoint to = kernel_at(7003);
  assert_int_equal(tct_host_connect(h, &to, 2000 * MS, &k), 0);
  int peer = accept(fd, NULL, NULL);
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(peer);
  assert_int_equal(tct_host_recv(h, k, buf, sizeof buf, 1000 * MS), TCT_ECONNRESET);
  assert_true(tct_host_send(h, k, "x", 1, 1000 * MS) < 0);
  (void)tct_host_close(h, k, 0);
  close(fd);
  tct_host_free(h);
}

static void listen__kernel_connects__accepted(void **state) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(7004)};
  tct_endpoint here = {.port = 7004};
  tct_sock l, k;
  char buf[4];
  (void)state;
  tct_host *h = new_host();
  assert_int_equal(tct_host_listen(h, &here, 8, &l), 0);
  assert_int_equal(tct_host_accept(h, l, 20 * MS, &k), TCT_ETIMEDOUT);
  inet_pton(AF_INET, "10.7.0.2", &a.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), -1);
  assert_int_equal(tct_host_accept(h, l, 2000 * MS, &k), 0);
  assert_int_equal(tct_host_send(h, k, "hey", 3, 1000 * MS), 0);
  for (int i = 0; i < 100 && read(fd, buf, 4) < 0; i++)
    assert_int_equal(tct_host_turn(h, tct_host_now(h) + 10 * MS), 0);
  assert_memory_equal(buf, "hey", 3);
  close(fd);
  assert_int_equal(tct_host_close(h, k, 2000 * MS), 0);
  tct_host_free(h);
}

/* ---- The loop -----------------------------------------------------------------------------------
 */

struct seen {
  tct_host *host;
  unsigned alarms, readable, signals, idles, outputs;
};

static void on_alarm(void *ctx) {
  struct seen *s = ctx;
  s->alarms++;
  if (s->alarms < 3)
    tct_host_set_alarm(s->host, tct_host_now(s->host) + 5 * MS);
  else
    tct_host_stop(s->host, 42);
}

static void on_readable(void *ctx, int fd, uint32_t ready) {
  struct seen *s = ctx;
  char c;
  assert_true((ready & EPOLLIN) != 0);
  assert_int_equal(read(fd, &c, 1), 1);
  s->readable++;
}

static void on_signal(void *ctx, int number) {
  struct seen *s = ctx;
  assert_int_equal(number, SIGTERM);
  s->signals++;
  tct_host_stop(s->host, 7);
}

static void on_idle(void *ctx) {
  ((struct seen *)ctx)->idles++;
}

static void on_output(void *ctx) {
  ((struct seen *)ctx)->outputs++;
}

static void run__alarms__until_stopped(void **state) {
  (void)state;
  struct seen s = {.host = new_host()};
  tct_host_on_alarm(s.host, on_alarm, &s);
  tct_host_on_idle(s.host, on_idle, &s);
  tct_host_on_output(s.host, on_output, &s);
  tct_time began = tct_host_now(s.host);
  tct_host_set_alarm(s.host, began + 50 * MS);
  assert_int_equal(tct_host_run(s.host), 42);
  assert_int_equal(s.alarms, 3);
  assert_true(s.outputs >= s.alarms); /* each turn, and each alarm is another's */
  assert_true(s.idles >= 1);          /* on a busy machine the later alarms are due at once */
  assert_true(tct_host_now(s.host) - began >= 60 * MS);
  tct_host_free(s.host);
}

static void watch__pipe__wakes_the_loop(void **state) {
  int pipes[2];
  (void)state;
  struct seen s = {.host = new_host()};
  assert_int_equal(pipe(pipes), 0);
  assert_int_equal(tct_host_watch(s.host, pipes[0], EPOLLIN, on_readable, &s), 0);
  assert_int_equal(write(pipes[1], "a", 1), 1);
  tct_time end = tct_host_now(s.host) + 1000 * MS;
  while (s.readable == 0 && tct_host_now(s.host) < end)
    assert_int_equal(tct_host_turn(s.host, end), 0);
  assert_int_equal(s.readable, 1);
  assert_int_equal(tct_host_watch(s.host, pipes[0], 0, NULL, NULL), 0);
  assert_int_equal(write(pipes[1], "b", 1), 1);
  assert_int_equal(tct_host_turn(s.host, tct_host_now(s.host) + 5 * MS), 0);
  assert_int_equal(s.readable, 1);
  int file = open("/proc/self/exe", O_RDONLY);
  assert_int_equal(tct_host_watch(s.host, file, EPOLLIN, on_readable, &s), TCT_EOPNOTSUPP);
  close(file);
  close(pipes[0]);
  close(pipes[1]);
  tct_host_free(s.host);
}

static void signal__sigterm__is_a_call(void **state) {
  (void)state;
  struct seen s = {.host = new_host()};
  assert_int_equal(tct_host_on_signal(s.host, on_signal, &s), 0);
  raise(SIGTERM);
  assert_int_equal(tct_host_run(s.host), 7);
  assert_int_equal(s.signals, 1);
  tct_host_free(s.host);
}

static void stopped__blocking_call__is_interrupted(void **state) {
  tct_sock k;
  (void)state;
  struct seen s = {.host = new_host()};
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 9, 9, 9), .port = 1};
  assert_int_equal(tct_host_on_signal(s.host, on_signal, &s), 0);
  raise(SIGTERM);
  assert_int_equal(tct_host_connect(s.host, &to, 5000 * MS, &k), TCT_EINTR);
  tct_host_free(s.host);
}

static void device__set_down__nothing_breaks(void **state) {
  struct ifreq ifr = {.ifr_name = "tcth0"};
  tct_sock k;
  (void)state;
  tct_host *h = new_host();
  tct_endpoint to = kernel_at(7005);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
  close(fd);
  assert_int_equal(tct_host_connect(h, &to, 100 * MS, &k), TCT_ETIMEDOUT);
  tct_host_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new__wrong_configuration__one_sentence_and_nothing_left),
      cmocka_unit_test(connect__send_recv_close__like_a_socket),
      cmocka_unit_test(connect__refused_or_unanswered__says_which),
      cmocka_unit_test(connect__many_that_fail__slots_come_back),
      cmocka_unit_test(peer_resets__recv__says_so),
      cmocka_unit_test(listen__kernel_connects__accepted),
      cmocka_unit_test(run__alarms__until_stopped),
      cmocka_unit_test(watch__pipe__wakes_the_loop),
      cmocka_unit_test(signal__sigterm__is_a_call),
      cmocka_unit_test(stopped__blocking_call__is_interrupted),
      cmocka_unit_test(device__set_down__nothing_breaks),
  };
  in_namespace = unshare(CLONE_NEWNET) == 0 && access("/dev/net/tun", R_OK | W_OK) == 0;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
