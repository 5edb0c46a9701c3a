/* SPDX-License-Identifier: MIT */
/* The TUN driver against the real kernel, in a network namespace of its own (root; else skipped).
 */
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
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/tun.h"

static bool in_namespace;

static void need_namespace(void) {
  if (!in_namespace)
    skip();
}

static tct_addr addr(const char *text) {
  tct_addr a = {{0}};
  assert_int_equal(tct_addr_parse(text, &a), 0);
  return a;
}

static struct tct_tun_config config(void) {
  struct tct_tun_config c = {.name = "tctu0", .mtu = 1400, .n_addr = 2};
  c.addr[0] = (struct tct_tun_addr){addr("10.7.0.2"), addr("10.7.0.1"), 24};
  c.addr[1] = (struct tct_tun_addr){addr("fd07::2"), addr("fd07::1"), 64};
  return c;
}

static void check_other(const char *stack, unsigned prefix, const char *want) {
  tct_addr other;
  bool any = tct_tun_other_addr(addr(stack), prefix, &other);
  assert_int_equal(any, want != NULL);
  if (want != NULL) {
    tct_addr expected = addr(want);
    assert_memory_equal(&other, &expected, sizeof other);
  }
}

static void other_addr__each_prefix__is_its_first_other_host(void **state) {
  (void)state;
  check_other("10.7.0.2", 24, "10.7.0.1");
  check_other("10.7.0.1", 24, "10.7.0.2");
  check_other("10.7.3.200", 16, "10.7.0.1");
  check_other("192.0.2.77", 28, "192.0.2.65");
  check_other("192.0.2.4", 31, "192.0.2.5");
  check_other("192.0.2.4", 32, NULL);
  check_other("fd07::2", 64, "fd07::1");
  check_other("fd07::1", 64, "fd07::2");
  check_other("fd07::6", 127, "fd07::7");
  check_other("fd07::6", 128, NULL);
}

static int interface_mtu(const char *name) {
  struct ifreq ifr = {0};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  strcpy(ifr.ifr_name, name);
  int err = ioctl(fd, SIOCGIFMTU, &ifr);
  close(fd);
  return err == 0 ? ifr.ifr_mtu : -1;
}

static void open__then_close__device_comes_and_goes(void **state) {
  struct tct_tun_config c;
  struct tct_tun t;
  (void)state;
  need_namespace();
  c = config();
  assert_int_equal(tct_tun_open(&t, &c), 0);
  assert_string_equal(t.name, "tctu0");
  assert_int_equal(interface_mtu("tctu0"), 1400);
  tct_tun_close(&t);
  assert_int_equal(if_nametoindex("tctu0"), 0);
}

static void open__no_name__takes_the_first_free(void **state) {
  struct tct_tun_config c;
  struct tct_tun a, b;
  (void)state;
  need_namespace();
  c = config();
  c.name = NULL;
  c.n_addr = 0;
  assert_int_equal(tct_tun_open(&a, &c), 0);
  assert_int_equal(tct_tun_open(&b, &c), 0);
  assert_string_equal(a.name, "tct0");
  assert_string_equal(b.name, "tct1");
  tct_tun_close(&a);
  tct_tun_close(&b);
}

/* Reads until a packet of this version and protocol comes; its length, or 0 after a second. */
static size_t wait_for(struct tct_tun *t, unsigned version, unsigned protocol, uint8_t *copy) {
  for (int tries = 0; tries < 100; tries++) {
    tct_frame f[4];
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    long n = tct_tun_recv(t, f, 4, 0);
    for (long i = 0; i < n; i++) {
      const uint8_t *b = f[i].iov[0].base;
      if (b[0] >> 4 != version || (version == 4 ? b[9] : b[6]) != protocol)
        continue;
      memcpy(copy, b, f[i].len);
      return f[i].len;
    }
    poll(&p, 1, 10);
  }
  return 0;
}

static void recv__kernel_sends_both_families__packets_come_whole(void **state) {
  struct tct_tun_config c;
  struct tct_tun t;
  static uint8_t packet[65536];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
  (void)state;
  need_namespace();
  c = config();
  assert_int_equal(tct_tun_open(&t, &c), 0);
  int fd = socket(AF_INET, SOCK_DGRAM, 0), fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
  inet_pton(AF_INET, "10.7.0.2", &to.sin_addr);
  inet_pton(AF_INET6, "fd07::2", &to6.sin6_addr);
  assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
  assert_int_equal(wait_for(&t, 4, 17, packet), 33);
  assert_memory_equal(packet + 28, "hello", 5);
  /* At once: the kernel's IPv6 address must not wait for duplicate address detection. */
  assert_int_equal(sendto(fd6, "hello", 5, 0, (struct sockaddr *)&to6, sizeof to6), 5);
  assert_int_equal(wait_for(&t, 6, 17, packet), 53);
  assert_memory_equal(packet + 48, "hello", 5);
  close(fd);
  close(fd6);
  tct_tun_close(&t);
}

static void put_checksum(uint8_t *at, const uint8_t *from, size_t len) {
  uint32_t sum = 0;
  at[0] = at[1] = 0;
  for (size_t i = 0; i < len; i += 2)
    sum += (uint32_t)from[i] << 8 | from[i + 1];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  at[0] = (uint8_t)(~sum >> 8);
  at[1] = (uint8_t)~sum;
}

static void send__echo_request_in_pieces__kernel_answers(void **state) {
  struct tct_tun_config c;
  struct tct_tun t;
  static uint8_t answer[65536];
  uint8_t p[32] = {0x45, 0, 0, 32, 0, 1, 0x40, 0, 64, 1, 0, 0, 10,  7,   0,   2,
                   10,   7, 0, 1,  8, 0, 0,    0, 0,  7, 0, 1, 't', 'c', 't', '!'};
  (void)state;
  need_namespace();
  c = config();
  assert_int_equal(tct_tun_open(&t, &c), 0);
  put_checksum(p + 10, p, 20);
  put_checksum(p + 22, p + 20, 12);
  tct_iov v[3] = {{p, 20}, {p + 20, 9}, {p + 29, 3}};
  tct_frame f = {.iov = v, .n_iov = 3, .len = 32};
  tct_tun_send(&t, &f, 1);
  assert_int_equal(t.frames_out, 1);
  assert_int_equal(wait_for(&t, 4, 1, answer), 32);
  assert_int_equal(answer[20], 0);
  assert_memory_equal(answer + 28, "tct!", 4);
  tct_tun_close(&t);
}

static void send__link_down__is_a_loss_not_an_error(void **state) {
  struct tct_tun_config c;
  struct tct_tun t;
  struct ifreq ifr = {.ifr_name = "tctu0"};
  uint8_t p[20] = {0x45};
  tct_iov v = {p, sizeof p};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = sizeof p}, in;
  (void)state;
  need_namespace();
  c = config();
  assert_int_equal(tct_tun_open(&t, &c), 0);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
  close(fd);
  tct_tun_send(&t, &f, 1);
  assert_int_equal(t.frames_lost, 1);
  assert_true(tct_tun_recv(&t, &in, 1, 0) >= 0);
  tct_tun_close(&t);
}

static void delete_device(unsigned ifindex) {
  char buf[256], answer[4096];
  struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
  assert_non_null(nl);
  assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
  struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
  head->nlmsg_type = RTM_DELLINK;
  head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  struct ifinfomsg *link = mnl_nlmsg_put_extra_header(head, sizeof *link);
  link->ifi_index = (int)ifindex;
  assert_true(mnl_socket_sendto(nl, head, head->nlmsg_len) > 0);
  ssize_t n = mnl_socket_recvfrom(nl, answer, sizeof answer);
  assert_true(n > 0 &&
              mnl_cb_run(answer, (size_t)n, 0, mnl_socket_get_portid(nl), NULL, NULL) >= 0);
  mnl_socket_close(nl);
}

static void recv__device_deleted__is_an_error(void **state) {
  struct tct_tun_config c;
  struct tct_tun t;
  tct_frame in[TCT_TUN_BURST];
  long n = 0;
  (void)state;
  need_namespace();
  c = config();
  assert_int_equal(tct_tun_open(&t, &c), 0);
  delete_device(t.ifindex);
  for (int i = 0; i < 100 && n >= 0; i++)
    n = tct_tun_recv(&t, in, TCT_TUN_BURST, 0);
  assert_true(n < 0);
  tct_tun_close(&t);
}

static void expect_failure(const struct tct_tun_config *c, const char *word) {
  struct tct_tun t;
  assert_true(tct_tun_open(&t, c) < 0);
  if (strstr(t.error, word) == NULL)
    fail_msg("'%s' does not say '%s'", t.error, word);
  assert_int_equal(t.fd, -1);
}

static void open__wrong_configuration__says_what_and_leaves_nothing(void **state) {
  struct tct_tun_config c;
  struct tct_tun t;
  (void)state;
  need_namespace();
  c = config();
  c.mtu = 100;
  expect_failure(&c, "MTU 100");
  c = config();
  c.name = "much-too-long-a-name";
  expect_failure(&c, "no device name");
  c.name = "a/b";
  expect_failure(&c, "no device name");
  c.name = "lo";
  expect_failure(&c, "lo");
  c = config();
  assert_int_equal(tct_tun_open(&t, &c), 0);
  expect_failure(&c, "another program");
  tct_tun_close(&t);
  c.addr[1].prefix_len = 129;
  expect_failure(&c, "fd07::1/129");
  assert_int_equal(if_nametoindex("tctu0"), 0);
}

static void open__no_rights__one_sentence(void **state) {
  int status;
  (void)state;
  need_namespace();
  struct tct_tun_config c = config();
  pid_t child = fork();
  if (child == 0) {
    struct tct_tun t;
    bool ok = setgid(65534) == 0 && setuid(65534) == 0 && tct_tun_open(&t, &c) < 0 &&
              strstr(t.error, "CAP_NET_ADMIN") != NULL;
    _exit(ok ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void tap__kernel_looks_for_us__asks_by_arp_on_its_ethernet(void **state) {
  struct tct_tun_config c;
  struct tct_tun t;
  tct_frame f[4];
  long n = 0;
  bool asked = false;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
  (void)state;
  need_namespace();
  c = config();
  c.kind = TCT_TAP;
  c.name = "tctv0";
  c.mtu = 65522; /* with its header a frame would be longer than any */
  expect_failure(&c, "MTU 65522");
  c.mtu = 1400;
  assert_int_equal(tct_tun_open(&t, &c), 0);
  struct tct_driver d = tct_tun_driver(&t);
  assert_int_equal(d.link, TCT_LINK_ETHERNET);
  assert_true(d.alone);
  assert_int_equal(d.mac[0] & 3, 2);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  inet_pton(AF_INET, "10.7.0.2", &to.sin_addr);
  assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
  for (int tries = 0; tries < 100 && !asked; tries++) {
    struct pollfd p = {.fd = t.fd, .events = POLLIN};
    poll(&p, 1, 10);
    n = tct_tun_recv(&t, f, 4, 0);
    for (long i = 0; i < n; i++)
      asked = asked || memcmp((const uint8_t *)f[i].iov[0].base + 12, "\x08\x06", 2) == 0;
  }
  assert_true(asked);
  close(fd);
  tct_tun_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(other_addr__each_prefix__is_its_first_other_host),
      cmocka_unit_test(open__then_close__device_comes_and_goes),
      cmocka_unit_test(open__no_name__takes_the_first_free),
      cmocka_unit_test(recv__kernel_sends_both_families__packets_come_whole),
      cmocka_unit_test(send__echo_request_in_pieces__kernel_answers),
      cmocka_unit_test(send__link_down__is_a_loss_not_an_error),
      cmocka_unit_test(recv__device_deleted__is_an_error),
      cmocka_unit_test(open__wrong_configuration__says_what_and_leaves_nothing),
      cmocka_unit_test(open__no_rights__one_sentence),
      cmocka_unit_test(tap__kernel_looks_for_us__asks_by_arp_on_its_ethernet),
  };
  in_namespace = unshare(CLONE_NEWNET) == 0 && access("/dev/net/tun", R_OK | W_OK) == 0;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
