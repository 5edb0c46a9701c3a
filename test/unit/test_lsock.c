/* SPDX-License-Identifier: MIT */
/*
 * test_lsock.c - Linux's sockets over a stack that talks to itself: what needs no script. Options
 * with a structure, time-outs, lingering, control messages that do not fit, pipes, descriptors
 * from outside, addresses, and the table of sysctls.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "host/lsock/lsock.h"
#include "host/lsock/sysctl.h"
#include "host/lsock/tcpinfo.h"

enum { MS = 1000000 };

static tct_stack *s;
static tct_if ifc;
static struct lsock *l;
static tct_time now;
static int server, near, far; /* a listener and an open connection */

static void *get_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  (void)align;
  return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void give_memory(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

/* What leaves comes back, for `ms` milliseconds. */
static void run(unsigned ms) {
  for (unsigned i = 0; i <= ms; i++, now += MS) {
    uint8_t buf[2000];
    size_t n;
    tct_advance(s, now);
    while ((n = tct_output_copy(s, ifc, buf, sizeof buf, now)) > 0) {
      tct_iov v = {buf, n};
      tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)n, .at = now};
      assert_int_equal(tct_input(s, ifc, &f, 1, now), 1);
    }
    lsock_on_news(l);
  }
}

static int setup(void **state) {
  int err;
  (void)state;
  tct_config c;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){get_memory, give_memory, NULL};
  c.deterministic = true;
  s = tct_new(&c, &err);
  assert_non_null(s);
  now = 1000 * (tct_time)MS;
  tct_if_config i = {.size = sizeof i, .mtu = 1500, .loopback = true};
  assert_int_equal(tct_if_add(s, &i, &ifc), TCT_OK);
  assert_int_equal(tct_if_addr_add(s, ifc, tct_addr_ipv4(127, 0, 0, 1), 8), TCT_OK);
  l = lsock_new(s);
  tct_endpoint at = {.addr = tct_addr_ipv4(127, 0, 0, 1), .port = 80};
  server = (int)lsock_socket(l, AF_INET, SOCK_STREAM, 0);
  assert_int_equal(lsock_bind(l, server, &at), 0);
  assert_int_equal(lsock_listen(l, server, 5), 0);
  near = (int)lsock_socket(l, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(lsock_connect(l, near, &at), -EINPROGRESS);
  run(1);
  assert_int_equal(lsock_connect(l, near, &at), 0);
  far = (int)lsock_accept(l, server, 0, NULL);
  assert_true(far > 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  lsock_free(l);
  tct_free(s);
  return 0;
}

static int get_int(int level, int name) {
  int v = -12345;
  size_t len = sizeof v;
  assert_int_equal(lsock_getsockopt(l, near, level, name, &v, &len), 0);
  return v;
}

static long set_int(int level, int name, int v) {
  return lsock_setsockopt(l, near, level, name, &v, sizeof v);
}

/* ---- Options --------------------------------------------------------------------------------- */

static void options__of_the_socket_alone__are_kept(void **state) {
  (void)state;
  static const int names[] = {SO_DEBUG, SO_DONTROUTE, SO_OOBINLINE, SO_BROADCAST, SO_TIMESTAMP};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    assert_int_equal(get_int(SOL_SOCKET, names[i]), 0);
    assert_int_equal(set_int(SOL_SOCKET, names[i], 7), 0);
    assert_int_equal(get_int(SOL_SOCKET, names[i]), 1);
  }
  assert_int_equal(set_int(SOL_SOCKET, SO_PRIORITY, 4), 0);
  assert_int_equal(get_int(SOL_SOCKET, SO_PRIORITY), 4);
  assert_int_equal(set_int(SOL_SOCKET, SO_ZEROCOPY, 2), -EINVAL);
  assert_int_equal(get_int(SOL_SOCKET, SO_SNDLOWAT), 1);
  assert_int_equal(set_int(SOL_SOCKET, SO_SNDLOWAT, 1), -ENOPROTOOPT);
}

static void options__with_a_structure__come_back(void **state) {
  (void)state;
  struct linger g = {1, 5}, g2;
  struct timeval tv = {2, 500000}, tv2;
  size_t len = sizeof g2;
  assert_int_equal(lsock_setsockopt(l, near, SOL_SOCKET, SO_LINGER, &g, sizeof g), 0);
  assert_int_equal(lsock_getsockopt(l, near, SOL_SOCKET, SO_LINGER, &g2, &len), 0);
  assert_memory_equal(&g, &g2, sizeof g);
  assert_int_equal(lsock_setsockopt(l, near, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), 0);
  len = sizeof tv2;
  assert_int_equal(lsock_getsockopt(l, near, SOL_SOCKET, SO_SNDTIMEO, &tv2, &len), 0);
  assert_memory_equal(&tv, &tv2, sizeof tv);
  assert_int_equal(lsock_timeout_ns(l, near, LSOCK_WAIT_SEND), 2500000000u);
  assert_int_equal(lsock_timeout_ns(l, near, LSOCK_WAIT_RECV), 0);
  tv.tv_usec = 1000000;
  assert_int_equal(lsock_setsockopt(l, near, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), -EDOM);
  assert_int_equal(lsock_setsockopt(l, near, SOL_SOCKET, SO_LINGER, &g, 4), -EINVAL);
}

static void option__congestion__by_name(void **state) {
  (void)state;
  char name[16];
  size_t len = sizeof name;
  assert_int_equal(lsock_setsockopt(l, near, SOL_TCP, TCP_CONGESTION, "reno", 4), 0);
  assert_int_equal(lsock_getsockopt(l, near, SOL_TCP, TCP_CONGESTION, name, &len), 0);
  assert_string_equal(name, "reno");
  assert_int_equal(lsock_setsockopt(l, near, SOL_TCP, TCP_CONGESTION, "none", 4), -ENOENT);
  assert_int_equal(lsock_setsockopt(l, near, SOL_TCP, TCP_CONGESTION, "", 0), -EINVAL);
}

static void option__buffers__are_doubled_within_bounds(void **state) {
  (void)state;
  assert_int_equal(set_int(SOL_SOCKET, SO_SNDBUF, 1), 0);
  assert_int_equal(get_int(SOL_SOCKET, SO_SNDBUF), 4608);
  assert_int_equal(set_int(SOL_SOCKET, SO_RCVBUF, 1), 0);
  assert_int_equal(get_int(SOL_SOCKET, SO_RCVBUF), 2304);
  assert_int_equal(set_int(SOL_SOCKET, SO_SNDBUF, 100000000), 0);
  assert_int_equal(get_int(SOL_SOCKET, SO_SNDBUF), 8388608);
}

static void option__of_ip__one_byte_will_do(void **state) {
  (void)state;
  uint8_t byte = 0xb9, got = 0;
  size_t len = 1;
  assert_int_equal(lsock_setsockopt(l, near, SOL_IP, IP_TOS, &byte, 1), 0);
  assert_int_equal(lsock_getsockopt(l, near, SOL_IP, IP_TOS, &got, &len), 0);
  assert_int_equal(got, 0xb8); /* a stream keeps the ECN bits to itself */
  assert_int_equal(set_int(SOL_IP, IP_TTL, 0), -EINVAL);
  assert_int_equal(set_int(SOL_IP, IP_TTL, -1), 0);
  assert_int_equal(get_int(SOL_IP, IP_TTL), 64);
  assert_int_equal(get_int(SOL_IP, IP_MTU), 1500);
  assert_int_equal(set_int(SOL_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);
}

static void option__timestamping__wants_a_connection_for_ids(void **state) {
  (void)state;
  int fresh = (int)lsock_socket(l, AF_INET, SOCK_STREAM, 0), flags = SOF_TIMESTAMPING_OPT_ID;
  assert_int_equal(lsock_setsockopt(l, fresh, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags),
                   -EINVAL);
  assert_int_equal(set_int(SOL_SOCKET, SO_TIMESTAMPING, flags), 0);
  assert_int_equal(get_int(SOL_SOCKET, SO_TIMESTAMPING), flags);
  assert_int_equal(set_int(SOL_SOCKET, SO_TIMESTAMPING, 1 << 30), -EINVAL);
}

static void info__in_linuxs_units_and_cut(void **state) {
  (void)state;
  struct lsock_tcp_info i;
  static char buf[5000];
  size_t len = sizeof i, done = 0;
  assert_int_equal(lsock_send(l, near, buf, sizeof buf, 0, &done), sizeof buf);
  run(200);
  assert_int_equal(lsock_getsockopt(l, near, SOL_TCP, TCP_INFO, &i, &len), 0);
  assert_int_equal(len, 280);
  assert_int_equal(i.state, 1);
  assert_int_equal(i.snd_cwnd, 10);
  assert_int_equal(i.snd_ssthresh, 0x7fffffff);
  assert_int_equal(i.bytes_acked, 5001); /* Linux counts the SYN */
  assert_int_equal(i.bytes_sent, 5000);
  assert_int_equal(i.data_segs_out, 4);
  assert_int_equal(i.delivered, 5);
  len = 2;
  assert_int_equal(lsock_getsockopt(l, near, SOL_TCP, TCP_INFO, &i, &len), 0);
  assert_int_equal(len, 2);
  uint32_t words[9];
  len = sizeof words;
  assert_int_equal(lsock_getsockopt(l, near, SOL_SOCKET, 55, words, &len), 0);
  assert_int_equal(len, 36);
  assert_int_equal(words[5], 0);
  assert_int_equal(words[3], get_int(SOL_SOCKET, SO_SNDBUF));
}

static void accepted_socket__inherits(void **state) {
  (void)state;
  int mark = 9;
  tct_endpoint at = {.addr = tct_addr_ipv4(127, 0, 0, 1), .port = 80};
  assert_int_equal(lsock_setsockopt(l, server, SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
  int fd = (int)lsock_socket(l, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(lsock_connect(l, fd, &at), -EINPROGRESS);
  run(1);
  near = (int)lsock_accept(l, server, SOCK_NONBLOCK, NULL);
  assert_int_equal(get_int(SOL_SOCKET, SO_MARK), 9);
  assert_int_equal(lsock_fcntl(l, near, F_GETFL, 0), O_RDWR | O_NONBLOCK);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void receive__whole_or_above_the_mark(void **state) {
  (void)state;
  char buf[100] = {0};
  size_t done = 0;
  assert_int_equal(lsock_send(l, near, buf, 40, 0, &done), 40);
  run(1);
  assert_int_equal(lsock_recv(l, far, buf, 100, MSG_WAITALL), LSOCK_SLEEP);
  assert_int_equal(lsock_recv(l, far, buf, 100, MSG_WAITALL | MSG_DONTWAIT), 40);
  int lowat = 50;
  assert_int_equal(lsock_setsockopt(l, far, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof lowat), 0);
  done = 0;
  assert_int_equal(lsock_send(l, near, buf, 30, 0, &done), 30);
  run(1);
  struct pollfd p = {.fd = far, .events = POLLIN};
  assert_int_equal(lsock_poll(l, &p, 1), 0);
  assert_int_equal(lsock_recv(l, far, buf, 100, 0), LSOCK_SLEEP);
  done = 0;
  assert_int_equal(lsock_send(l, near, buf, 30, 0, &done), 30);
  run(1);
  assert_int_equal(lsock_poll(l, &p, 1), 1);
  assert_int_equal(lsock_recv(l, far, buf, 100, MSG_TRUNC), 60);
}

static void control__without_room__is_told(void **state) {
  (void)state;
  char buf[10] = {0}, control[CMSG_SPACE(sizeof(int))];
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 8};
  size_t done = 0;
  int on = 1;
  assert_int_equal(lsock_setsockopt(l, far, SOL_TCP, 36, &on, sizeof on), 0);
  assert_int_equal(lsock_send(l, near, buf, 10, 0, &done), 10);
  run(1);
  assert_int_equal(lsock_recvmsg(l, far, &m, MSG_PEEK), 10);
  assert_int_equal(m.msg_flags, MSG_CTRUNC);
  assert_int_equal(m.msg_controllen, 0);
  m.msg_controllen = sizeof control;
  assert_int_equal(lsock_recvmsg(l, far, &m, 0), 10);
  assert_int_equal(m.msg_flags, 0);
  assert_int_equal(m.msg_controllen, sizeof control);
}

static void messages__wrong_ones__are_refused(void **state) {
  (void)state;
  struct msghdr m = {.msg_iovlen = 1};
  size_t done = 0;
  assert_int_equal(lsock_sendmsg(l, near, &m, 0, &done), -EFAULT);
  assert_int_equal(lsock_sendmsg(l, near, NULL, 0, &done), -EFAULT);
  m.msg_iovlen = 2000;
  assert_int_equal(lsock_sendmsg(l, near, &m, 0, &done), -EMSGSIZE);
  assert_int_equal(lsock_recvmsg(l, 99, &m, 0), -EBADF);
  int ep = (int)lsock_epoll_create(l);
  assert_int_equal(lsock_recvmsg(l, ep, &m, 0), -ENOTSOCK);
}

static void write__counts_as_linux_does(void **state) {
  (void)state;
  static char big[200000];
  size_t done = 0;
  assert_int_equal(set_int(SOL_SOCKET, SO_SNDBUF, 5000), 0);
  long took = lsock_send(l, near, big, sizeof big, 0, &done);
  assert_true(took >= 10000 && took < 100000); /* a buffer is filled whole, then there is none */
  done = 0;
  assert_int_equal(lsock_send(l, near, big, sizeof big, 0, &done), -EAGAIN);
  struct pollfd p = {.fd = near, .events = POLLOUT};
  assert_int_equal(lsock_poll(l, &p, 1), 0);
  run(300);
  assert_int_equal(lsock_poll(l, &p, 1), 1);
  int left = -1;
  assert_int_equal(lsock_ioctl(l, near, SIOCOUTQ, &left), 0);
  assert_true(left < 5000);
}

/* ---- The ends -------------------------------------------------------------------------------- */

static void close__lingering__sleeps_until_all_is_acknowledged(void **state) {
  (void)state;
  struct linger g = {1, 5};
  char buf[100] = {0};
  size_t done = 0;
  assert_int_equal(lsock_setsockopt(l, near, SOL_SOCKET, SO_LINGER, &g, sizeof g), 0);
  assert_int_equal(lsock_send(l, near, buf, 100, 0, &done), 100);
  assert_int_equal(lsock_close(l, near), LSOCK_SLEEP);
  run(100);
  assert_int_equal(lsock_close(l, near), 0);
  assert_int_equal(lsock_close(l, near), -EBADF);
}

static void close__lingering__gives_up_in_time(void **state) {
  (void)state;
  struct linger g = {1, 1};
  char buf[100] = {0};
  size_t done = 0;
  assert_int_equal(lsock_setsockopt(l, near, SOL_SOCKET, SO_LINGER, &g, sizeof g), 0);
  assert_int_equal(lsock_send(l, near, buf, 100, 0, &done), 100);
  assert_int_equal(lsock_close(l, near), LSOCK_SLEEP);
  tct_advance(s, now + 2000 * (tct_time)MS);
  assert_int_equal(lsock_give_up(l, near, LSOCK_WAIT_CLOSE, 0), 0);
}

static void sleep__given_up__tells_what_was_done(void **state) {
  (void)state;
  assert_int_equal(lsock_give_up(l, near, LSOCK_WAIT_SEND, 10), 10);
  assert_int_equal(lsock_give_up(l, near, LSOCK_WAIT_SEND, 0), -EAGAIN);
  assert_int_equal(lsock_give_up(l, near, LSOCK_WAIT_CONNECT, 0), -EINPROGRESS);
  assert_int_equal(lsock_give_up(l, near, LSOCK_WAIT_RECV, 0), -EAGAIN);
}

static void listener__shut__may_listen_again(void **state) {
  (void)state;
  assert_int_equal(lsock_shutdown(l, server, SHUT_WR), 0);
  assert_int_equal(lsock_shutdown(l, server, SHUT_RD), 0);
  assert_int_equal(lsock_accept(l, server, 0, NULL), -EINVAL);
  assert_int_equal(lsock_listen(l, server, 1), 0);
  assert_int_equal(lsock_shutdown(l, server, 9), -EINVAL);
}

/* ---- Pipes and descriptors ------------------------------------------------------------------- */

static void pipe__both_ends(void **state) {
  (void)state;
  int fds[2];
  char buf[8] = {0};
  size_t done = 0;
  assert_int_equal(lsock_pipe(l, fds), 0);
  assert_int_equal(lsock_read(l, fds[0], buf, 8), LSOCK_SLEEP);
  assert_int_equal(lsock_write(l, fds[0], "ab", 2, &done), -EBADF);
  assert_int_equal(lsock_write(l, fds[1], "ab", 2, &done), 2);
  struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLOUT}};
  assert_int_equal(lsock_poll(l, p, 2), 2);
  assert_int_equal(lsock_splice(l, fds[0], near, 10, 0), 2);
  assert_int_equal(lsock_splice(l, fds[0], near, 10, SPLICE_F_NONBLOCK), -EAGAIN);
  assert_int_equal(lsock_splice(l, near, far, 10, 0), -EINVAL);
  assert_int_equal(lsock_close(l, fds[0]), 0);
  assert_int_equal(lsock_write(l, fds[1], "ab", 2, &done), -EPIPE);
  assert_int_equal(lsock_close(l, fds[1]), 0);
}

static int next_fd, dropped;
static int make_fd(void *ctx) {
  (void)ctx;
  return next_fd;
}
static void drop_fd(void *ctx, int fd) {
  (void)ctx;
  dropped = fd;
}

static void descriptors__from_outside__may_come_again(void **state) {
  (void)state;
  lsock_set_fds(l, &(struct lsock_fds){make_fd, drop_fd, NULL});
  next_fd = 77;
  assert_int_equal(lsock_socket(l, AF_INET, SOCK_STREAM, 0), 77);
  assert_int_equal(lsock_socket(l, AF_INET6, SOCK_STREAM, 0), 77); /* closed behind our back */
  assert_true(lsock_is_v6(l, 77));
  assert_int_equal(lsock_close(l, 77), 0);
  assert_int_equal(dropped, 77);
  assert_false(lsock_has(l, 77));
  next_fd = 100000;
  assert_int_equal(lsock_socket(l, AF_INET, SOCK_STREAM, 0), -EMFILE);
  assert_int_equal(dropped, 100000);
  next_fd = -ENFILE;
  assert_int_equal(lsock_socket(l, AF_INET, SOCK_STREAM, 0), -ENFILE);
}

static void addresses__there_and_back(void **state) {
  (void)state;
  struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(99)};
  struct sockaddr_in6 in6;
  tct_endpoint e;
  inet_pton(AF_INET, "192.0.2.7", &in4.sin_addr);
  assert_int_equal(lsock_address_read(&in4, sizeof in4, &e), 0);
  assert_int_equal(e.port, 99);
  assert_int_equal(lsock_address_write(&e, true, &in6, sizeof in6), sizeof in6);
  assert_true(IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr));
  assert_int_equal(lsock_address_read(&in4, 4, &e), -EINVAL);
  assert_int_equal(lsock_address_read(NULL, 16, &e), -EFAULT);
  in4.sin_family = AF_UNIX;
  assert_int_equal(lsock_address_read(&in4, sizeof in4, &e), -EAFNOSUPPORT);
}

static void sysctls__by_any_path(void **state) {
  (void)state;
  tct_config c;
  tct_config_get(s, &c);
  assert_int_equal(lsock_sysctl_set(&c, "net.ipv4.tcp_timestamps", "0"), 0);
  assert_true(c.no_timestamps);
  assert_int_equal(lsock_sysctl_set(&c, "/proc/sys/net/ipv4/tcp_rmem", "4096 540000 15728640"), 0);
  assert_int_equal(c.rcvbuf_bytes, 270000); /* half is for bookkeeping */
  assert_int_equal(c.rcvbuf_max_bytes, 15728640);
  assert_int_equal(lsock_sysctl_set(&c, "net.ipv4.tcp_no_such_thing", "1"), -ENOENT);
  assert_int_equal(lsock_sysctl_set(&c, "tcp_syncookies", "7"), -EINVAL);
  assert_true(lsock_sysctl_is_known("net/ipv4/tcp_sack"));
  assert_false(lsock_sysctl_is_known("tcp_sac"));
  size_t n = 0;
  while (lsock_sysctl_name(n))
    assert_true(lsock_sysctl_is_known(lsock_sysctl_name(n++)));
  assert_true(n > 20);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(options__of_the_socket_alone__are_kept),
      T(options__with_a_structure__come_back),
      T(option__congestion__by_name),
      T(option__buffers__are_doubled_within_bounds),
      T(option__of_ip__one_byte_will_do),
      T(option__timestamping__wants_a_connection_for_ids),
      T(info__in_linuxs_units_and_cut),
      T(accepted_socket__inherits),
      T(receive__whole_or_above_the_mark),
      T(control__without_room__is_told),
      T(messages__wrong_ones__are_refused),
      T(write__counts_as_linux_does),
      T(close__lingering__sleeps_until_all_is_acknowledged),
      T(close__lingering__gives_up_in_time),
      T(sleep__given_up__tells_what_was_done),
      T(listener__shut__may_listen_again),
      T(pipe__both_ends),
      T(descriptors__from_outside__may_come_again),
      T(addresses__there_and_back),
      T(sysctls__by_any_path),
  };
  return cmocka_run_group_tests_name("lsock", tests, NULL, NULL);
}
