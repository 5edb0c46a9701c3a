/* SPDX-License-Identifier: MIT */
/*
 * af_xdp.c - moves Ethernet frames between a stack and a network interface through an AF_XDP
 * socket: rings shared with the kernel, no system call for what comes in, one for 32 that go out.
 *
 * Used by host/device.c and bench/xdp.c (through struct tct_driver). All frames of the interface
 * come here, so that its MAC can be ours too and the kernel's own stack never answers; xdp_prog.c
 * has the program that does it. Memory that the kernel has filled is lent to the stack as it is
 * until the next call; what goes out is gathered once. Everything goes with its descriptors.
 */
#define _GNU_SOURCE
#include "drivers/af_xdp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "drivers/segment.h"
#include "drivers/xdp_prog.h"
#include "wire/eth.h"

enum {
  QUEUE = 0,
  BURST = 64,
  RING = 2048, /* descriptors in each of the four rings, and frames of each direction */
  FRAMES = 2 * RING,
  HEADROOM = 256,                  /* that the kernel keeps before what it receives */
  TAG = 4,                         /* of a VLAN */
  GSO_SEGS_MAX = RING / BURST / 2, /* so that a burst of super-segments has room */
  CHUNK_SMALL = 2048,
  CHUNK_LARGE = 4096,
  KICKS_MAX = 16,
  BUSY_TRIES_MAX = 100,
  BUSY_WAIT_US = 10000
};
#define UMEM_BYTES(x) ((size_t)FRAMES * (x)->chunk)

struct tct_af_xdp {
  char name[IFNAMSIZ];
  unsigned ifindex;
  uint8_t mac[6];
  uint32_t mtu, chunk;
  struct tct_xdp_prog prog;
  uint8_t *area;
  struct xsk_umem *umem;
  struct xsk_socket *socket;
  int socket_fd, wait_fd, link_fd, group_fd;
  bool zero_copy, gone;
  bool stuck; /* the kernel has not taken all that is in the tx ring */
  struct xsk_ring_prod fill, tx;
  struct xsk_ring_cons done, rx;
  uint64_t lent[BURST], spare[RING];   /* lent: to the stack; spare: free to be sent */
  uint32_t n_lent, n_spare, n_waiting; /* n_waiting: in the tx ring, not told to the kernel */
  uint64_t frames_in, frames_out, frames_lost;
  tct_iov iov[BURST];
};

/* ---- Out ------------------------------------------------------------------------------------- */

static void take_back(struct tct_af_xdp *x) {
  uint32_t at = 0, n = xsk_ring_cons__peek(&x->done, RING, &at);
  for (uint32_t i = 0; i < n; i++)
    x->spare[x->n_spare++] = *xsk_ring_cons__comp_addr(&x->done, at + i);
  if (n > 0)
    xsk_ring_cons__release(&x->done, n);
}

/* In copy mode a call sends so many frames and says EAGAIN while there are more. What the device
   has no room for stays in the ring for the next call. */
static void push(struct tct_af_xdp *x) {
  ssize_t sent = 0;
  if (x->n_waiting > 0)
    xsk_ring_prod__submit(&x->tx, x->n_waiting);
  x->n_waiting = 0;
  for (int i = 0; i < KICKS_MAX && xsk_ring_prod__needs_wakeup(&x->tx); i++) {
    sent = sendto(x->socket_fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
    if (sent >= 0 || (errno != EAGAIN && errno != EINTR))
      break;
    take_back(x);
  }
  x->stuck = sent < 0;
}

/* NULL: the kernel still has all frames; this one is lost, as on any wire. */
static uint8_t *next_chunk(struct tct_af_xdp *x, size_t len) {
  uint32_t at = 0;
  if (x->n_spare == 0)
    take_back(x);
  if (x->n_spare == 0) {
    push(x);
    take_back(x);
  }
  if (x->n_spare == 0 || len > x->chunk || xsk_ring_prod__reserve(&x->tx, 1, &at) != 1) {
    x->frames_lost++;
    return NULL;
  }
  uint64_t addr = x->spare[--x->n_spare];
  *xsk_ring_prod__tx_desc(&x->tx, at) = (struct xdp_desc){.addr = addr, .len = (uint32_t)len};
  x->n_waiting++;
  x->frames_out++;
  return x->area + addr;
}

static void put_flat(void *ctx, const void *packet, size_t len) {
  uint8_t *to = next_chunk(ctx, len);
  if (to != NULL)
    memcpy(to, packet, len);
}

static void put_frame(struct tct_af_xdp *x, const tct_frame *f) {
  uint8_t *to = next_chunk(x, f->len);
  for (uint32_t i = 0; to != NULL && i < f->n_iov; i++) {
    memcpy(to, f->iov[i].base, f->iov[i].len);
    to += f->iov[i].len;
  }
}

static void transmit(void *ctx, const tct_frame *f, size_t n) {
  struct tct_af_xdp *x = ctx;
  for (size_t i = 0; i < n; i++)
    if (tct_segment_is_plain(&f[i]))
      put_frame(x, &f[i]);
    else
      tct_segment_linked(&f[i], TCT_ETH_HEADER_LEN, put_flat, x);
  push(x);
  take_back(x);
}

/* ---- In -------------------------------------------------------------------------------------- */

/* Ring sizes make that there is always room. */
static void give_to_kernel(struct tct_af_xdp *x, const uint64_t *addr, uint32_t n) {
  uint32_t at = 0;
  if (n == 0 || xsk_ring_prod__reserve(&x->fill, n, &at) != n)
    return;
  for (uint32_t i = 0; i < n; i++)
    *xsk_ring_prod__fill_addr(&x->fill, at + i) = addr[i];
  xsk_ring_prod__submit(&x->fill, n);
  if (xsk_ring_prod__needs_wakeup(&x->fill))
    (void)recvfrom(x->socket_fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* The kernel says that interfaces have changed: was ours deleted? */
static bool is_deleted(const struct tct_af_xdp *x) {
  _Alignas(8) char news[8192];
  ssize_t got;
  while ((got = recv(x->link_fd, news, sizeof news, MSG_DONTWAIT)) > 0) {
    size_t left = (size_t)got;
    for (struct nlmsghdr *m = (void *)news; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
      const struct ifinfomsg *link = NLMSG_DATA(m);
      if (m->nlmsg_type == RTM_DELLINK && link->ifi_index == (int)x->ifindex)
        return true;
    }
  }
  return false;
}

static long receive(void *ctx, tct_frame *f, size_t n, tct_time now, bool *drained) {
  struct tct_af_xdp *x = ctx;
  uint32_t at = 0, want = n < BURST ? (uint32_t)n : BURST;
  give_to_kernel(x, x->lent, x->n_lent);
  x->n_lent = xsk_ring_cons__peek(&x->rx, want, &at);
  *drained = x->n_lent < want;
  if (x->stuck)
    push(x);
  for (uint32_t i = 0; i < x->n_lent; i++) {
    const struct xdp_desc *d = xsk_ring_cons__rx_desc(&x->rx, at + i);
    x->lent[i] = d->addr;
    x->iov[i] = (tct_iov){x->area + d->addr, d->len};
    f[i] = (tct_frame){.iov = &x->iov[i], .n_iov = 1, .len = d->len, .at = now};
  }
  if (x->n_lent > 0)
    xsk_ring_cons__release(&x->rx, x->n_lent);
  else if (x->gone || (x->gone = is_deleted(x)))
    return -ENODEV;
  x->frames_in += x->n_lent;
  return (long)x->n_lent;
}

/* ---- The interface --------------------------------------------------------------------------- */

struct complaint {
  char *text;
  size_t cap;
};

static bool refuse(struct complaint *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct complaint *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(e->text, e->cap, format, args);
  va_end(args);
  return false;
}

static unsigned count_queues(const struct tct_af_xdp *x, int fd) {
  struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
  struct ifreq ifr = {.ifr_data = (void *)&c};
  memcpy(ifr.ifr_name, x->name, sizeof x->name);
  if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
    return 1; /* drivers that cannot tell have one */
  return c.combined_count + c.rx_count;
}

static bool look_with(struct tct_af_xdp *x, int fd, uint32_t mtu, struct complaint *e) {
  struct ifreq ifr = {0};
  memcpy(ifr.ifr_name, x->name, sizeof x->name);
  if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
    return refuse(e, "cannot look at %s: %s", x->name, strerror(errno));
  if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
    return refuse(e, "%s is no Ethernet interface; AF_XDP needs one here", x->name);
  memcpy(x->mac, ifr.ifr_hwaddr.sa_data, sizeof x->mac);
  if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0 || (ifr.ifr_flags & IFF_UP) == 0)
    return refuse(e, "%s is down; run ip link set %s up", x->name, x->name);
  uint32_t if_mtu = ioctl(fd, SIOCGIFMTU, &ifr) == 0 ? (uint32_t)ifr.ifr_mtu : 1500;
  x->mtu = mtu != 0 ? mtu : if_mtu < TCT_AF_XDP_MTU_MAX ? if_mtu : TCT_AF_XDP_MTU_MAX;
  if (x->mtu > TCT_AF_XDP_MTU_MAX)
    return refuse(e, "MTU %u is too large for AF_XDP; use up to %d", x->mtu, TCT_AF_XDP_MTU_MAX);
  if (x->mtu > if_mtu)
    return refuse(e, "%s has MTU %u, less than %u; run ip link set %s mtu %u", x->name, if_mtu,
                  x->mtu, x->name, x->mtu);
  uint32_t frame_max = if_mtu + TCT_ETH_HEADER_LEN + TAG + HEADROOM;
  x->chunk = frame_max <= CHUNK_SMALL ? CHUNK_SMALL : CHUNK_LARGE;
  unsigned queues = count_queues(x, fd);
  return queues <= 1 ||
         refuse(e, "%s spreads what it receives over %u queues; run ethtool -L %s combined 1",
                x->name, queues, x->name);
}

/* Taking the frames of an address that the kernel uses would cut the machine off. */
static bool is_free(const struct tct_af_xdp *x, struct complaint *e) {
  struct ifaddrs *list = NULL;
  bool taken = false;
  if (getifaddrs(&list) < 0)
    return refuse(e, "cannot look at the addresses of %s: %s", x->name, strerror(errno));
  for (const struct ifaddrs *a = list; a != NULL && !taken; a = a->ifa_next) {
    if (a->ifa_addr == NULL || strcmp(a->ifa_name, x->name) != 0)
      continue;
    const struct sockaddr_in6 *in6 = (const void *)a->ifa_addr;
    taken = a->ifa_addr->sa_family == AF_INET ||
            (a->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr));
  }
  freeifaddrs(list);
  return !taken ||
         refuse(e,
                "the kernel has an address on %s, and all its frames would come here; use "
                "another interface or run ip addr flush dev %s",
                x->name, x->name);
}

static bool look_at(struct tct_af_xdp *x, const struct tct_af_xdp_config *c, struct complaint *e) {
  size_t len = strlen(c->name);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  memcpy(x->name, c->name, len < sizeof x->name ? len : sizeof x->name - 1);
  x->ifindex = len < sizeof x->name ? if_nametoindex(x->name) : 0;
  bool ok = x->ifindex != 0 ? fd >= 0 && look_with(x, fd, c->mtu, e)
                            : refuse(e, "there is no interface %s; ip link lists them", c->name);
  if (fd >= 0)
    close(fd);
  return ok && is_free(x, e);
}

/* ---- Making and ending ----------------------------------------------------------------------- */

static bool explain(const struct tct_af_xdp *x, int err, struct complaint *e) {
  switch (err) {
  case -EPERM:
  case -EACCES:
    return refuse(e,
                  "cannot use %s by AF_XDP: run as root or with CAP_NET_ADMIN, CAP_NET_RAW and "
                  "CAP_BPF",
                  x->name);
  case -EBUSY:
  case -EEXIST:
    return refuse(e, "cannot use %s by AF_XDP: another program has it; ip link shows which",
                  x->name);
  case -ENOBUFS:
    return refuse(e, "cannot use %s by AF_XDP: no right to %zu KiB of locked memory; ulimit -l",
                  x->name, UMEM_BYTES(x) / 1024);
  case -EAFNOSUPPORT:
    return refuse(e, "cannot use %s by AF_XDP: this kernel was built without CONFIG_XDP_SOCKETS",
                  x->name);
  default:
    return refuse(e, "cannot use %s by AF_XDP: the kernel says '%s'", x->name, strerror(-err));
  }
}

/* The kernel lets go of a queue some time after its last socket was closed. */
static int open_socket(struct tct_af_xdp *x, uint16_t bind_flags) {
  const struct xsk_socket_config c = {.rx_size = RING,
                                      .tx_size = RING,
                                      .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
                                      .bind_flags = bind_flags};
  int err, tries = BUSY_TRIES_MAX;
  while ((err = xsk_socket__create(&x->socket, x->name, QUEUE, x->umem, &x->rx, &x->tx, &c)) ==
             -EBUSY &&
         --tries > 0)
    usleep(BUSY_WAIT_US);
  return err;
}

/* Without a word about copying the kernel takes the better way that the driver has. */
static int open_rings(struct tct_af_xdp *x) {
  const struct xsk_umem_config c = {
      .fill_size = RING, .comp_size = RING, .frame_size = x->chunk, .frame_headroom = 0};
  x->area = mmap(NULL, UMEM_BYTES(x), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (x->area == MAP_FAILED)
    return -ENOMEM;
  (void)madvise(x->area, UMEM_BYTES(x), MADV_HUGEPAGE);
  int err = xsk_umem__create(&x->umem, x->area, UMEM_BYTES(x), &x->fill, &x->done, &c);
  if (err < 0)
    return err;
  err = x->prog.generic ? -EOPNOTSUPP : open_socket(x, XDP_USE_NEED_WAKEUP);
  if (err < 0)
    err = open_socket(x, XDP_USE_NEED_WAKEUP | XDP_COPY);
  if (err < 0)
    return err;
  struct xdp_options options = {0};
  socklen_t len = sizeof options;
  x->socket_fd = xsk_socket__fd(x->socket);
  x->zero_copy = getsockopt(x->socket_fd, SOL_XDP, XDP_OPTIONS, &options, &len) == 0 &&
                 (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
  return 0;
}

static void share_out_frames(struct tct_af_xdp *x) {
  uint64_t addr[RING];
  for (uint32_t i = 0; i < RING; i++) {
    addr[i] = (uint64_t)i * x->chunk;
    x->spare[i] = (uint64_t)(RING + i) * x->chunk;
  }
  x->n_spare = RING;
  give_to_kernel(x, addr, RING);
}

/* Neighbour discovery asks by multicast to groups that the kernel has not joined for us. */
static int join_groups(struct tct_af_xdp *x) {
  struct packet_mreq all = {.mr_ifindex = (int)x->ifindex, .mr_type = PACKET_MR_ALLMULTI};
  x->group_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (x->group_fd < 0)
    return -errno;
  return setsockopt(x->group_fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0 ? -errno
                                                                                          : 0;
}

static int wait_for(struct tct_af_xdp *x, int fd) {
  struct epoll_event ev = {.events = EPOLLIN};
  return epoll_ctl(x->wait_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* One descriptor for the loop: readable for frames, and when an interface comes or goes. */
static int open_wait(struct tct_af_xdp *x) {
  struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
  x->wait_fd = epoll_create1(EPOLL_CLOEXEC);
  x->link_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (x->wait_fd < 0 || x->link_fd < 0 || bind(x->link_fd, (void *)&to, sizeof to) < 0)
    return -errno;
  int err = wait_for(x, x->link_fd);
  return err < 0 ? err : wait_for(x, x->socket_fd);
}

static int build(struct tct_af_xdp *x) {
  int err = tct_xdp_prog_attach(&x->prog, x->ifindex);
  if (err == 0)
    err = open_rings(x);
  if (err == 0)
    err = open_wait(x);
  if (err == 0)
    err = join_groups(x);
  if (err < 0)
    return err;
  share_out_frames(x);
  return tct_xdp_prog_direct(&x->prog, QUEUE, x->socket_fd);
}

struct tct_af_xdp *tct_af_xdp_open(const struct tct_af_xdp_config *c, char *error, size_t cap) {
  struct complaint e = {error, cap};
  struct tct_af_xdp *x = calloc(1, sizeof *x);
  if (x == NULL) {
    refuse(&e, "out of memory");
    return NULL;
  }
  x->prog = (struct tct_xdp_prog){-1, -1, -1, false};
  x->socket_fd = x->wait_fd = x->link_fd = x->group_fd = -1;
  x->area = MAP_FAILED;
  bool ok = look_at(x, c, &e);
  int err = ok ? build(x) : 0;
  if (ok && (err == 0 || explain(x, err, &e)))
    return x;
  tct_af_xdp_close(x);
  return NULL;
}

static void drop(int fd) {
  if (fd >= 0)
    close(fd);
}

void tct_af_xdp_close(struct tct_af_xdp *x) {
  if (x == NULL)
    return;
  tct_xdp_prog_detach(&x->prog);
  drop(x->wait_fd);
  drop(x->link_fd);
  drop(x->group_fd);
  xsk_socket__delete(x->socket);
  (void)xsk_umem__delete(x->umem);
  if (x->area != MAP_FAILED)
    munmap(x->area, UMEM_BYTES(x));
  free(x);
}

/* ---- As a driver ----------------------------------------------------------------------------- */

static void close_driver(void *ctx) {
  tct_af_xdp_close(ctx);
}

struct tct_driver tct_af_xdp_driver(struct tct_af_xdp *x) {
  static const struct tct_driver_ops ops = {receive, transmit, close_driver};
  struct tct_driver d = {.ops = &ops,
                         .ctx = x,
                         .fd = x->wait_fd,
                         .name = x->name,
                         .link = TCT_LINK_ETHERNET,
                         .mtu = x->mtu,
                         .gso_max_bytes = TCT_SEGMENT_GSO_BYTES_MAX,
                         .gso_max_segs = GSO_SEGS_MAX};
  memcpy(d.mac, x->mac, sizeof d.mac);
  return d;
}

const char *tct_af_xdp_mode(const struct tct_af_xdp *x) {
  return x->prog.generic ? "generic, copy" : x->zero_copy ? "native, zero-copy" : "native, copy";
}

void tct_af_xdp_stats_get(const struct tct_af_xdp *x, struct tct_af_xdp_stats *out) {
  struct xdp_statistics k = {0};
  socklen_t len = sizeof k;
  (void)getsockopt(x->socket_fd, SOL_XDP, XDP_STATISTICS, &k, &len);
  *out = (struct tct_af_xdp_stats){.frames_in = x->frames_in,
                                   .frames_out = x->frames_out,
                                   .lost_in = k.rx_dropped + k.rx_ring_full,
                                   .lost_out = x->frames_lost};
}

const char *tct_af_xdp_missing(void) {
  return NULL;
}
