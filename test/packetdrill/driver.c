/* SPDX-License-Identifier: MIT */
/*
 * driver.c - drives libtercet-packetdrill.so as packetdrill does: loads it, finds its one function,
 * and makes each of its 32 calls. Prints TAP. Usage: driver LIBRARY. Calls that sleep are tested in
 * driver_sleep.c, messages in driver_message.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "test/packetdrill/driver.h"

static const char *library, *self;
static void (*init)(const char *flags, struct packetdrill_interface *out);
struct packetdrill_interface I;
struct peer P;
const char *why;

static void start(const char *flags) {
  init(flags, &I);
  P = (struct peer){.i = &I, .port = PEER_PORT, .local_port = LOCAL_PORT};
  why = NULL;
}

/* ---- Sockets --------------------------------------------------------------------------------- */

static struct sockaddr_in address(const char *text, uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, text, &a.sin_addr);
  return a;
}

struct sockaddr_in peer_address(void) {
  return address("192.0.2.1", LOCAL_PORT);
}

int make_listener(int domain) {
  int fd = I.socket(U, domain, SOCK_STREAM, IPPROTO_TCP), on = 1;
  struct sockaddr_in in4 = address("192.168.0.1", LOCAL_PORT);
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(LOCAL_PORT)};
  I.setsockopt(U, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (domain == AF_INET)
    I.bind(U, fd, (struct sockaddr *)&in4, sizeof in4);
  else
    I.bind(U, fd, (struct sockaddr *)&in6, sizeof in6);
  I.listen(U, fd, 5);
  return fd;
}

int make_open(int *at) {
  *at = make_listener(AF_INET);
  peer_connect(&P);
  return I.accept(U, *at, NULL, NULL);
}

static void passive__handshake_data_and_close(void) {
  struct segment s;
  struct sockaddr_in peer;
  socklen_t len = sizeof peer;
  char buf[100];
  int l = make_listener(AF_INET);
  EXPECT(l > 2 && fcntl(l, F_GETFD) >= 0);
  P.snd_nxt = PEER_ISN;
  peer_send(&P, SYN, 0);
  EXPECT(peer_receive(&P, &s) && s.flags == (SYN | ACK) && s.ack == PEER_ISN + 1);
  EXPECT(s.n_options == 4 && s.options[0] == 2 && s.options[2] == 5 && s.options[3] == 0xb4);
  peer_send(&P, ACK, 0);
  int fd = I.accept(U, l, (struct sockaddr *)&peer, &len);
  EXPECT(fd > 2 && fd != l && fcntl(fd, F_GETFD) >= 0);
  EXPECT(len == sizeof peer && peer.sin_family == AF_INET && peer.sin_port == htons(PEER_PORT));
  EXPECT(peer.sin_addr.s_addr == inet_addr("192.0.2.1"));
  EXPECT(I.fcntl(U, fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
  EXPECT(I.fcntl(U, fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
  EXPECT(FAILS(I.read(U, fd, buf, sizeof buf), EAGAIN));
  peer_send(&P, ACK | PSH, 50);
  int left = 0;
  EXPECT(I.ioctl(U, fd, SIOCINQ, &left) == 0 && left == 50);
  EXPECT(FAILS(I.read(U, fd, NULL, 10), EFAULT));
  EXPECT(I.read(U, fd, buf, sizeof buf) == 50);
  EXPECT(peer_receive(&P, &s) && s.flags == ACK && s.ack == PEER_ISN + 51);
  EXPECT(I.write(U, fd, buf, 30) == 30 && FAILS(I.write(U, fd, NULL, 30), EFAULT));
  EXPECT(peer_receive(&P, &s) && s.flags == (ACK | PSH) && s.len == 30);
  EXPECT(I.close(U, fd) == 0 && FAILS(I.read(U, fd, buf, 1), EBADF));
  EXPECT(peer_receive(&P, &s) && s.flags == (FIN | ACK));
  peer_send(&P, FIN | ACK, 0);
  EXPECT(peer_receive(&P, &s) && s.flags == ACK);
  EXPECT(I.close(U, l) == 0);
}

static void active__connect_tells_each_outcome_once(void) {
  struct segment s;
  struct sockaddr_in to = peer_address();
  int fd = I.socket(U, AF_INET, SOCK_STREAM, IPPROTO_TCP), err = -1;
  socklen_t len = sizeof err;
  I.fcntl(U, fd, F_SETFL, O_RDWR | O_NONBLOCK);
  EXPECT(FAILS(I.connect(U, fd, (struct sockaddr *)&to, sizeof to), EINPROGRESS));
  EXPECT(FAILS(I.connect(U, fd, (struct sockaddr *)&to, sizeof to), EALREADY));
  EXPECT(peer_receive(&P, &s) && s.flags == SYN && s.dport == LOCAL_PORT);
  P.port = LOCAL_PORT;
  P.local_port = s.sport;
  peer_send(&P, SYN | ACK, 0);
  EXPECT(I.getsockopt(U, fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0 && len == 4);
  EXPECT(I.connect(U, fd, (struct sockaddr *)&to, sizeof to) == 0);
  EXPECT(FAILS(I.connect(U, fd, (struct sockaddr *)&to, sizeof to), EISCONN));
  EXPECT(peer_receive(&P, &s) && s.flags == ACK);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  EXPECT(I.connect(U, fd, &none, sizeof none) == 0);
  EXPECT(peer_receive(&P, &s) && (s.flags & RST));
}

static void active__refused_connect_is_told(void) {
  struct segment s;
  struct sockaddr_in to = peer_address();
  int fd = I.socket(U, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  EXPECT(FAILS(I.connect(U, fd, (struct sockaddr *)&to, sizeof to), EINPROGRESS));
  EXPECT(peer_receive(&P, &s));
  P.port = LOCAL_PORT;
  P.local_port = s.sport;
  peer_send(&P, RST | ACK, 0);
  struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
  EXPECT(I.poll(U, &p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
  EXPECT(FAILS(I.connect(U, fd, (struct sockaddr *)&to, sizeof to), ECONNREFUSED));
  EXPECT(FAILS(I.write(U, fd, "x", 1), EPIPE));
}

static void ipv6__handshake_has_the_same_mss(void) {
  struct segment s;
  struct sockaddr_in6 peer;
  socklen_t len = sizeof peer;
  int l = make_listener(AF_INET6);
  P.is_v6 = true;
  P.snd_nxt = PEER_ISN;
  peer_send(&P, SYN, 0);
  EXPECT(peer_receive(&P, &s) && s.flags == (SYN | ACK));
  EXPECT(s.options[0] == 2 && s.options[2] == 5 && s.options[3] == 0xb4);
  peer_send(&P, ACK, 0);
  EXPECT(I.accept(U, l, (struct sockaddr *)&peer, &len) > 0);
  EXPECT(len == sizeof peer && peer.sin6_family == AF_INET6 && peer.sin6_addr.s6_addr[0] == 0xfd);
}

static void mapped__ipv6_listener_takes_ipv4(void) {
  struct sockaddr_in6 peer;
  socklen_t len = sizeof peer;
  int l = make_listener(AF_INET6);
  peer_connect(&P);
  EXPECT(I.accept(U, l, (struct sockaddr *)&peer, &len) > 0);
  EXPECT(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr) && peer.sin6_addr.s6_addr[12] == 192);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void clock__moves_when_it_is_read_and_slept_upon(void) {
  long long a = peer_now(&P), b = peer_now(&P);
  EXPECT(b == a + 1);
  EXPECT(I.usleep(U, 5000) == 0);
  EXPECT(peer_now(&P) == b + 5001);
}

static void receive__nothing_to_come_gives_up(void) {
  struct segment s;
  EXPECT(!peer_receive(&P, &s));
  int l = make_listener(AF_INET);
  EXPECT(l > 0 && !peer_receive(&P, &s));
}

static void receive__waits_for_a_retransmission_in_virtual_time(void) {
  struct segment s;
  int l, fd = make_open(&l);
  char buf[100] = {0};
  EXPECT(I.write(U, fd, buf, 100) == 100);
  EXPECT(peer_receive(&P, &s) && s.len == 100);
  long long at = s.at_us;
  EXPECT(peer_receive(&P, &s) && s.len == 100 && s.at_us > at + 1000 && s.at_us < at + 3000000);
  EXPECT(peer_now(&P) == s.at_us + 1);
}

static void deadline__flag_bounds_the_wait(void) {
  struct segment s;
  struct sockaddr_in to = peer_address();
  int fd = I.socket(U, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  EXPECT(FAILS(I.connect(U, fd, (struct sockaddr *)&to, sizeof to), EINPROGRESS));
  int n = 0;
  while (peer_receive(&P, &s) && n < 50)
    n++;
  EXPECT(n == 8); /* SYNs at 0, 1, 2, 3, 4, 5, 7, 11 s; the next comes 8 s later */
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

static void libc_close__behind_our_back_does_no_harm(void) {
  struct segment s;
  int l, fd = make_open(&l);
  EXPECT(close(fd) == 0 && close(l) == 0);
  peer_send(&P, RST | ACK, 0);
  int again = I.socket(U, AF_INET, SOCK_STREAM, 0);
  EXPECT(again == l || again == fd);
  EXPECT(FAILS(I.accept(U, again, NULL, NULL), EINVAL));
  peer_send(&P, RST | ACK, 0);
  (void)peer_receive(&P, &s);
}

static void foreign_descriptors__go_to_libc(void) {
  int fds[2];
  char c = 'x';
  EXPECT(pipe(fds) == 0);
  EXPECT(I.write(U, fds[1], &c, 1) == 1 && I.read(U, fds[0], &c, 1) == 1);
  EXPECT(I.fcntl(U, fds[0], F_GETFL) == O_RDONLY);
  EXPECT(I.close(U, fds[0]) == 0 && I.close(U, fds[1]) == 0);
  EXPECT(FAILS(I.close(U, fds[0]), EBADF));
  EXPECT(FAILS(I.listen(U, 1000, 1), EBADF));
}

/* ---- What the kernel's side has to say ------------------------------------------------------- */

/* In a child with the library preloaded: libc's getsockopt knows our descriptors, and others. */
static int preloaded(void) {
  int fd = I.socket(U, AF_INET, SOCK_STREAM, 0), type = 0, real = socket(AF_INET, SOCK_DGRAM, 0);
  uint8_t info[280];
  socklen_t len = sizeof info;
  bool ours = getsockopt(fd, SOL_TCP, TCP_INFO, info, &len) == 0 && len == 280 && info[0] == 7;
  len = sizeof type;
  bool theirs =
      real < 0 || (getsockopt(real, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM);
  return ours && theirs ? 0 : 1;
}

static void preload__getsockopt_knows_our_descriptors(void) {
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    const char *asan = getenv("ASAN_OPTIONS");
    char options[512];
    (void)snprintf(options, sizeof options, "%s:verify_asan_link_order=0:detect_leaks=0",
                   asan ? asan : "");
    (void)setenv("ASAN_OPTIONS", options, 1);
    (void)setenv("LD_PRELOAD", library, 1);
    execl(self, self, library, "preloaded", (char *)NULL);
    _exit(9);
  }
  EXPECT(child > 0 && waitpid(child, &status, 0) == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool write_file(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  bool good = f && fputs(text, f) >= 0;
  return f && fclose(f) == 0 && good;
}

static bool offers_timestamps(void) {
  struct segment s;
  struct sockaddr_in to = peer_address();
  int fd = I.socket(U, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  (void)I.connect(U, fd, (struct sockaddr *)&to, sizeof to);
  return peer_receive(&P, &s) && memchr(s.options, 8, s.n_options) != NULL && s.n_options == 20;
}

static int turn_a_knob(void) {
  const char *knob = "/proc/sys/net/ipv4/tcp_timestamps";
  if (!write_file(knob, "1\n") || !offers_timestamps())
    return 1;
  return !write_file(knob, "0\n") || offers_timestamps();
}

/* Under this key everybody's server gives 192.0.2.1 this cookie [RFC7413 4.1.2]. */
static int ask_for_a_cookie(void) {
  static const uint8_t request[] = {34, 2, 1, 1};
  static const uint8_t cookie[] = {34, 10, 0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb};
  struct segment s;
  if (!write_file("/proc/sys/net/ipv4/tcp_fastopen", "0x70403\n") ||
      !write_file("/proc/sys/net/ipv4/tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\n"))
    return 1;
  make_listener(AF_INET);
  P.snd_nxt = PEER_ISN;
  P.more = request;
  P.n_more = sizeof request;
  peer_send(&P, SYN, 0);
  return !peer_receive(&P, &s) || !memmem(s.options, s.n_options, cookie, sizeof cookie);
}

/* 77: this machine lets nobody make a namespace. */
static int in_namespace(int (*what)(void)) {
  if (unshare(CLONE_NEWNET) != 0)
    return 77;
  start("");
  int status = what();
  I.free(U);
  return status;
}

static bool is_skipped;
static void try_in_namespace(int (*what)(void)) {
  int status = -1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0)
    _exit(in_namespace(what));
  EXPECT(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
  is_skipped = WEXITSTATUS(status) == 77;
  EXPECT(is_skipped || WEXITSTATUS(status) == 0);
}

static void sysctl__a_knob_turned_in_the_middle_holds(void) {
  try_in_namespace(turn_a_knob);
}

static void sysctl__fast_open_key_makes_the_known_cookie(void) {
  try_in_namespace(ask_for_a_cookie);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void table__has_every_function(void) {
  void *slots[sizeof I / sizeof(void *)];
  memcpy(slots, &I, sizeof slots);
  EXPECT(sizeof slots / sizeof slots[0] == 33);
  for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
    EXPECT(slots[i]);
}

static const struct test {
  const char *name;
  void (*run)(void);
  const char *flags;
} tests[] = {
#define TEST(name, flags)                                                                          \
  { #name, name, flags }
    TEST(table__has_every_function, ""),
    TEST(passive__handshake_data_and_close, ""),
    TEST(active__connect_tells_each_outcome_once, ""),
    TEST(active__refused_connect_is_told, ""),
    TEST(ipv6__handshake_has_the_same_mss, ""),
    TEST(mapped__ipv6_listener_takes_ipv4, ""),
    TEST(clock__moves_when_it_is_read_and_slept_upon, NULL),
    TEST(receive__nothing_to_come_gives_up, ""),
    TEST(receive__waits_for_a_retransmission_in_virtual_time, ""),
    TEST(deadline__flag_bounds_the_wait, "deadline=5"),
    TEST(blocking_read__ends_when_data_comes, ""),
    TEST(blocking_accept__ends_with_the_handshake, ""),
    TEST(blocking_connect__ends_with_the_handshake_or_fails, ""),
    TEST(blocking_poll__ends_at_its_time, ""),
    TEST(blocking_epoll_wait__ends_with_news, ""),
    TEST(blocking_write__ends_when_all_is_taken, ""),
    TEST(receive_timeout__wakes_a_read, ""),
    TEST(libc_close__behind_our_back_does_no_harm, ""),
    TEST(foreign_descriptors__go_to_libc, ""),
    TEST(options__linuxs_numbers_and_errors, ""),
    TEST(info__is_linuxs_structure_cut_to_the_callers_room, ""),
    TEST(pieces__readv_writev_and_kin, ""),
    TEST(inq__says_what_is_left, ""),
    TEST(zerocopy__notices_are_merged, ""),
    TEST(timestamping__stamps_of_sent_and_acknowledged, ""),
    TEST(epoll__edges_and_one_shots, ""),
    TEST(pipe_and_splice__move_bytes_round, ""),
    TEST(preload__getsockopt_knows_our_descriptors, ""),
    TEST(sysctl__a_knob_turned_in_the_middle_holds, ""),
    TEST(sysctl__fast_open_key_makes_the_known_cookie, ""),
};

static bool load(void) {
  void *so = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void *symbol = so ? dlsym(so, "packetdrill_interface_init") : NULL;
  memcpy(&init, &symbol, sizeof init);
  if (!symbol)
    (void)fprintf(stderr, "%s\n", dlerror());
  return symbol != NULL;
}

int main(int argc, char **argv) {
  int failed = 0;
  if (argc < 2)
    return 2;
  self = argv[0];
  library = argv[1];
  if (!load())
    return 2;
  if (argc > 2) {
    start("");
    int r = preloaded();
    I.free(U);
    return r;
  }
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    start(tests[i].flags);
    is_skipped = false;
    tests[i].run();
    I.free(U);
    printf("%s - %s%s\n", why ? "not ok" : "ok", tests[i].name,
           is_skipped ? " # SKIP no right to make a network namespace" : "");
    if (why)
      printf("# %s\n", why);
    failed += why != NULL;
  }
  return failed != 0;
}
