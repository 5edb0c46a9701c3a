/* SPDX-License-Identifier: MIT */
/* driver_message.c - options, messages, error queue, epoll and pipes. Called by driver.c. */
#define _GNU_SOURCE
#include "test/packetdrill/driver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

enum { INQ_NAME = 36 };

void options__linuxs_numbers_and_errors(void) {
  int l, fd = make_open(&l), v = 1;
  socklen_t len = sizeof v;
  EXPECT(I.setsockopt(U, fd, SOL_TCP, TCP_NODELAY, &v, sizeof v) == 0);
  v = 0;
  EXPECT(I.getsockopt(U, fd, SOL_TCP, TCP_NODELAY, &v, &len) == 0 && v == 1 && len == 4);
  v = 20000;
  EXPECT(I.setsockopt(U, fd, SOL_SOCKET, SO_SNDBUF, &v, sizeof v) == 0);
  EXPECT(I.getsockopt(U, fd, SOL_SOCKET, SO_SNDBUF, &v, &len) == 0 && v == 40000);
  EXPECT(FAILS(I.setsockopt(U, fd, SOL_TCP, 99, &v, sizeof v), ENOPROTOOPT));
  EXPECT(FAILS(I.setsockopt(U, fd, SOL_TCP, TCP_NODELAY, NULL, sizeof v), EFAULT));
  EXPECT(FAILS(I.setsockopt(U, fd, SOL_TCP, TCP_NODELAY, &v, 2), EINVAL));
  EXPECT(FAILS(I.setsockopt(U, fd, SOL_TCP, TCP_MAXSEG, &(int){10}, sizeof v), EINVAL));
}

void info__is_linuxs_structure_cut_to_the_callers_room(void) {
  int l, fd = make_open(&l);
  uint8_t info[512];
  socklen_t len = sizeof info;
  EXPECT(I.getsockopt(U, fd, SOL_TCP, TCP_INFO, info, &len) == 0 && len == 280 && info[0] == 1);
  len = 104;
  EXPECT(I.getsockopt(U, fd, SOL_TCP, TCP_INFO, info, &len) == 0 && len == 104);
  uint32_t cwnd;
  memcpy(&cwnd, info + offsetof(struct tcp_info, tcpi_snd_cwnd), sizeof cwnd);
  EXPECT(cwnd == 10);
  len = 0;
  EXPECT(I.getsockopt(U, fd, SOL_TCP, 26, info, &len) == 0 && len == 0);
  len = sizeof info;
  EXPECT(I.getsockopt(U, fd, SOL_SOCKET, 55, info, &len) == 0 && len == 36);
}

void pieces__readv_writev_and_kin(void) {
  struct segment s;
  int l, fd = make_open(&l);
  char a[10], b[20];
  struct iovec v[2] = {{a, sizeof a}, {b, sizeof b}};
  peer_send(&P, ACK | PSH, 100);
  EXPECT(I.readv(U, fd, v, 2) == 30);
  EXPECT(I.recv(U, fd, a, 10, MSG_PEEK) == 10 && I.recv(U, fd, a, 10, MSG_TRUNC) == 10);
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  EXPECT(I.recvfrom(U, fd, a, 10, 0, (struct sockaddr *)&from, &len) == 10 && len == 0);
  struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_flags = -1};
  EXPECT(I.recvmsg(U, fd, &m, 0) == 30 && m.msg_flags == 0);
  EXPECT(I.recv(U, fd, b, sizeof b, MSG_DONTWAIT) == 20);
  EXPECT(FAILS(I.recv(U, fd, b, sizeof b, MSG_DONTWAIT), EAGAIN));
  EXPECT(peer_receive(&P, &s) && s.flags == ACK);
  EXPECT(I.writev(U, fd, v, 2) == 30 && peer_receive(&P, &s) && s.len == 30);
  peer_send(&P, ACK, 0);
  EXPECT(I.send(U, fd, a, 10, 0) == 10 && peer_receive(&P, &s) && s.len == 10);
  peer_send(&P, ACK, 0);
  EXPECT(I.sendto(U, fd, b, 20, 0, NULL, 0) == 20 && peer_receive(&P, &s) && s.len == 20);
  peer_send(&P, ACK, 0);
  EXPECT(I.sendmsg(U, fd, &m, 0) == 30 && peer_receive(&P, &s) && s.len == 30);
  peer_send(&P, ACK, 0);
  EXPECT(I.shutdown(U, fd, SHUT_WR) == 0 && peer_receive(&P, &s) && (s.flags & FIN));
  EXPECT(FAILS(I.send(U, fd, a, 10, MSG_NOSIGNAL), EPIPE));
}

void inq__says_what_is_left(void) {
  int l, fd = make_open(&l), on = 1;
  char buf[60], control[64];
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  EXPECT(I.setsockopt(U, fd, SOL_TCP, INQ_NAME, &on, sizeof on) == 0);
  peer_send(&P, ACK | PSH, 100);
  EXPECT(I.recvmsg(U, fd, &m, 0) == 60 && m.msg_controllen == CMSG_SPACE(sizeof(int)));
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  int left;
  memcpy(&left, CMSG_DATA(c), sizeof left);
  EXPECT(c->cmsg_level == SOL_TCP && c->cmsg_type == INQ_NAME && left == 40);
}

/* One entry of the error queue: its control messages in `control`, which holds 256 bytes. */
static long read_error(int fd, struct msghdr *m, char *control) {
  *m = (struct msghdr){.msg_control = control, .msg_controllen = 256};
  return I.recvmsg(U, fd, m, MSG_ERRQUEUE);
}

void zerocopy__notices_are_merged(void) {
  struct segment s;
  char buf[1000] = {0}, control[256];
  struct sock_extended_err ee;
  struct msghdr m;
  int l, fd = make_open(&l), on = 1;
  EXPECT(I.setsockopt(U, fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) == 0);
  EXPECT(I.send(U, fd, buf, 1000, MSG_ZEROCOPY) == 1000);
  EXPECT(peer_receive(&P, &s));
  EXPECT(FAILS(read_error(fd, &m, control), EAGAIN));
  peer_send(&P, ACK, 0);
  EXPECT(I.send(U, fd, buf, 1000, MSG_ZEROCOPY) == 1000);
  EXPECT(peer_receive(&P, &s));
  peer_send(&P, ACK, 0);
  struct pollfd p = {.fd = fd};
  EXPECT(I.poll(U, &p, 1, 0) == 1 && p.revents == POLLERR);
  EXPECT(read_error(fd, &m, control) == 0 && m.msg_flags == MSG_ERRQUEUE);
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  EXPECT(c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR && c->cmsg_len == CMSG_LEN(32));
  memcpy(&ee, CMSG_DATA(c), sizeof ee);
  EXPECT(ee.ee_origin == SO_EE_ORIGIN_ZEROCOPY && ee.ee_code == SO_EE_CODE_ZEROCOPY_COPIED);
  EXPECT(ee.ee_info == 0 && ee.ee_data == 1 && ee.ee_errno == 0);
  EXPECT(I.poll(U, &p, 1, 0) == 0);
}

void timestamping__stamps_of_sent_and_acknowledged(void) {
  struct segment s;
  char buf[500] = {0}, control[256];
  struct msghdr m;
  int l, fd = make_open(&l);
  int want = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK |
             SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID;
  EXPECT(I.setsockopt(U, fd, SOL_SOCKET, SO_TIMESTAMPING, &want, sizeof want) == 0);
  long long sent = peer_now(&P);
  EXPECT(I.send(U, fd, buf, 500, 0) == 500 && peer_receive(&P, &s));
  I.usleep(U, 20000);
  peer_send(&P, ACK, 0);
  static const uint32_t kinds[] = {SCM_TSTAMP_SCHED, SCM_TSTAMP_SND, SCM_TSTAMP_ACK};
  for (int i = 0; i < 3; i++) {
    struct timespec ts;
    struct sock_extended_err ee;
    EXPECT(read_error(fd, &m, control) == 0 && m.msg_flags == (MSG_ERRQUEUE | MSG_TRUNC));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    EXPECT(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING);
    memcpy(&ts, CMSG_DATA(c), sizeof ts);
    EXPECT(ts.tv_sec * 1000000LL + ts.tv_nsec / 1000 == sent + (i == 2 ? 20000 : 0));
    c = CMSG_NXTHDR(&m, c);
    memcpy(&ee, CMSG_DATA(c), sizeof ee);
    EXPECT(ee.ee_errno == ENOMSG && ee.ee_origin == SO_EE_ORIGIN_TIMESTAMPING);
    EXPECT(ee.ee_info == kinds[i] && ee.ee_data == 499);
  }
  EXPECT(FAILS(read_error(fd, &m, control), EAGAIN));
}

void epoll__edges_and_one_shots(void) {
  char buf[100];
  int l, fd = make_open(&l), ep = I.epoll_create(U, 1);
  struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = fd}, got;
  EXPECT(ep > 2 && I.epoll_ctl(U, ep, EPOLL_CTL_ADD, fd, &ev) == 0);
  EXPECT(FAILS(I.epoll_ctl(U, ep, EPOLL_CTL_ADD, fd, &ev), EEXIST));
  EXPECT(I.epoll_wait(U, ep, &got, 1, 0) == 0);
  peer_send(&P, ACK | PSH, 10);
  EXPECT(I.epoll_wait(U, ep, &got, 1, 0) == 1 && got.events == EPOLLIN && got.data.fd == fd);
  EXPECT(I.epoll_wait(U, ep, &got, 1, 0) == 0);
  ev.events = EPOLLIN | EPOLLONESHOT;
  EXPECT(I.epoll_ctl(U, ep, EPOLL_CTL_MOD, fd, &ev) == 0);
  EXPECT(I.epoll_wait(U, ep, &got, 1, 0) == 1 && I.epoll_wait(U, ep, &got, 1, 0) == 0);
  EXPECT(I.read(U, fd, buf, sizeof buf) == 10);
  EXPECT(I.epoll_ctl(U, ep, EPOLL_CTL_DEL, fd, NULL) == 0 && I.close(U, ep) == 0);
}

void pipe_and_splice__move_bytes_round(void) {
  struct segment s;
  int l, fd = make_open(&l), fds[2];
  EXPECT(I.pipe(U, fds) == 0 && fcntl(fds[0], F_GETFD) >= 0);
  peer_send(&P, ACK | PSH, 1000);
  EXPECT(I.splice(U, fd, NULL, fds[1], NULL, 5000, 0) == 1000);
  EXPECT(peer_receive(&P, &s) && s.flags == ACK);
  EXPECT(I.splice(U, fds[0], NULL, fd, NULL, 5000, 0) == 1000);
  EXPECT(peer_receive(&P, &s) && s.len == 1000);
  EXPECT(I.close(U, fds[0]) == 0 && I.close(U, fds[1]) == 0);
}
