/* SPDX-License-Identifier: MIT */
/*
 * tun_setup.c - makes a TUN or TAP device and configures the kernel's end of it by netlink.
 *
 * Called once by tct_tun_open's users; moving packets is tun.c. Sets MTU, queue length and the
 * kernel's addresses, brings the link up, and turns every failure into one sentence that names
 * the device and what to do. A device that somebody prepared beforehand (ip tuntap add ... user)
 * may be used without rights: then its configuration is taken as it is.
 */
#define _GNU_SOURCE
#include "drivers/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "drivers/vnet.h"
#include "wire/eth.h"

static int fail(struct tct_tun *t, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct tct_tun *t, int err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(t->error, sizeof t->error, format, args);
  va_end(args);
  return err < 0 ? err : -EINVAL;
}

/* ---- Addresses ---------------------------------------------------------------------------------
 */

static unsigned width_of(tct_addr a) {
  return tct_addr_is_ipv4(a) ? 32 : 128;
}

static void set_host_part(tct_addr *a, unsigned host_bits, uint8_t value) {
  for (unsigned i = 0; i < host_bits; i++)
    a->b[15 - i / 8] &= (uint8_t) ~(1u << (i % 8));
  a->b[15] = (uint8_t)(a->b[15] | value);
}

bool tct_tun_other_addr(tct_addr stack, unsigned prefix_len, tct_addr *other) {
  unsigned host_bits = width_of(stack) - prefix_len;
  tct_addr a = stack;
  if (host_bits == 0 || prefix_len > width_of(stack))
    return false;
  if (host_bits == 1) { /* a pair: RFC 3021, RFC 6164 */
    a.b[15] ^= 1;
  } else {
    set_host_part(&a, host_bits, 1);
    if (memcmp(&a, &stack, sizeof a) == 0)
      set_host_part(&a, host_bits, 2);
  }
  *other = a;
  return true;
}

/* ---- Netlink ------------------------------------------------------------------------------------
 */

struct request {
  _Alignas(8) char buf[512];
  struct nlmsghdr *head;
};

static void *begin_request(struct request *r, uint16_t type, uint16_t flags, size_t body_len) {
  memset(r->buf, 0, sizeof r->buf);
  r->head = mnl_nlmsg_put_header(r->buf);
  r->head->nlmsg_type = type;
  r->head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
  r->head->nlmsg_seq = 1;
  return mnl_nlmsg_put_extra_header(r->head, body_len);
}

/* 0, or the kernel's negated errno. */
static int ask_kernel(struct mnl_socket *nl, struct request *r) {
  char answer[4096];
  if (mnl_socket_sendto(nl, r->head, r->head->nlmsg_len) < 0)
    return -errno;
  ssize_t n = mnl_socket_recvfrom(nl, answer, sizeof answer);
  if (n < 0)
    return -errno;
  if (mnl_cb_run(answer, (size_t)n, 1, mnl_socket_get_portid(nl), NULL, NULL) < 0)
    return -errno;
  return 0;
}

/* No link-local address of its own: the kernel would chatter on a link that has only us. Kernels
   without IPv6 refuse; that is no harm. */
static void stop_link_local(struct mnl_socket *nl, unsigned ifindex) {
  struct request r;
  struct ifinfomsg *link = begin_request(&r, RTM_NEWLINK, 0, sizeof *link);
  link->ifi_index = (int)ifindex;
  struct nlattr *spec = mnl_attr_nest_start(r.head, IFLA_AF_SPEC);
  struct nlattr *inet6 = mnl_attr_nest_start(r.head, AF_INET6);
  mnl_attr_put_u8(r.head, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end(r.head, inet6);
  mnl_attr_nest_end(r.head, spec);
  (void)ask_kernel(nl, &r);
}

static int set_link(struct mnl_socket *nl, const struct tct_tun *t, uint32_t txqueuelen) {
  struct request r;
  struct ifinfomsg *link = begin_request(&r, RTM_NEWLINK, 0, sizeof *link);
  link->ifi_index = (int)t->ifindex;
  link->ifi_flags = IFF_UP;
  link->ifi_change = IFF_UP;
  mnl_attr_put_u32(r.head, IFLA_MTU, t->mtu);
  mnl_attr_put_u32(r.head, IFLA_TXQLEN, txqueuelen);
  return ask_kernel(nl, &r);
}

static void put_addr(struct nlmsghdr *head, uint16_t type, tct_addr a) {
  if (tct_addr_is_ipv4(a))
    mnl_attr_put(head, type, 4, a.b + 12);
  else
    mnl_attr_put(head, type, 16, a.b);
}

static int add_addr(struct mnl_socket *nl, const struct tct_tun *t, const struct tct_tun_addr *a) {
  struct request r;
  bool v4 = tct_addr_is_ipv4(a->kernel);
  bool point_to_point = a->prefix_len == width_of(a->stack);
  struct ifaddrmsg *m = begin_request(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof *m);
  m->ifa_family = v4 ? AF_INET : AF_INET6;
  m->ifa_prefixlen = (uint8_t)a->prefix_len;
  m->ifa_flags = v4 ? 0 : IFA_F_NODAD; /* usable at once: nobody else is on this link */
  m->ifa_index = t->ifindex;
  put_addr(r.head, IFA_LOCAL, a->kernel);
  put_addr(r.head, IFA_ADDRESS, point_to_point ? a->stack : a->kernel);
  return ask_kernel(nl, &r);
}

/* ---- Making the device ----------------------------------------------------------------------- */

static int open_node(struct tct_tun *t, const char *name) {
  t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (t->fd >= 0)
    return 0;
  int err = -errno;
  if (err == -EACCES || err == -EPERM)
    return fail(t, err,
                "cannot create %s: no right to /dev/net/tun; run as root or with CAP_NET_ADMIN",
                name);
  if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
    return fail(t, err, "cannot create %s: there is no /dev/net/tun; run modprobe tun", name);
  return fail(t, err, "cannot create %s: opening /dev/net/tun gave '%s'", name, strerror(-err));
}

static int explain_create(struct tct_tun *t, const char *name, int err) {
  switch (err) {
  case -EPERM:
  case -EACCES:
    return fail(t, err,
                "cannot create %s: no right to make network devices; run as root or with "
                "CAP_NET_ADMIN",
                name);
  case -EBUSY:
    return fail(t, err, "cannot create %s: another program holds that device; choose another name",
                name);
  case -EINVAL:
    return fail(t, err,
                "cannot create %s: that name is taken by a device of another kind, or is no device "
                "name; choose another",
                name);
  default:
    return fail(t, err, "cannot create %s: the kernel says '%s'", name, strerror(-err));
  }
}

/* The header is there once the device is made with it; what the kernel then merges is a request
   that an old one may refuse, and all goes on without. */
static void start_offload(struct tct_tun *t) {
  int header = TCT_VNET_HDR_LEN;
  t->offload = true;
  t->head_len = TCT_VNET_HDR_LEN;
  (void)ioctl(t->fd, TUNSETVNETHDRSZ,
              &header); /* a device made beforehand may have the long form */
  if (ioctl(t->fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0)
    (void)ioctl(t->fd, TUNSETOFFLOAD, TUN_F_CSUM);
}

static int create_device(struct tct_tun *t, const char *name, const struct tct_tun_config *c) {
  int kind = c->kind == TCT_TAP ? IFF_TAP : IFF_TUN;
  struct ifreq ifr = {.ifr_flags = (short)(kind | IFF_NO_PI | (c->offload ? IFF_VNET_HDR : 0) |
                                           (c->queues ? IFF_MULTI_QUEUE : 0))};
  if (name[0] == '\0' || strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t:") != NULL)
    return fail(t, -EINVAL, "'%s' is no device name; use up to 15 letters and digits, as tct0",
                name);
  int err = open_node(t, name);
  if (err < 0)
    return err;
  memcpy(ifr.ifr_name, name, strlen(name));
  t->fresh = if_nametoindex(name) == 0;
  if (ioctl(t->fd, TUNSETIFF, &ifr) < 0)
    return explain_create(t, name, -errno);
  memcpy(t->name, ifr.ifr_name, sizeof t->name);
  if (c->offload)
    start_offload(t);
  t->ifindex = if_nametoindex(t->name);
  return t->ifindex != 0 ? 0 : fail(t, -errno, "%s vanished while it was made", t->name);
}

static int configure_addrs(struct mnl_socket *nl, struct tct_tun *t,
                           const struct tct_tun_config *c) {
  char text[46];
  for (unsigned i = 0; i < c->n_addr; i++) {
    int err = add_addr(nl, t, &c->addr[i]);
    if (err == 0)
      continue;
    tct_addr_text(c->addr[i].kernel, text, sizeof text);
    if (err == -EACCES || err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
      return fail(t, err, "cannot give %s to %s: this machine has that address family off", text,
                  t->name);
    return fail(t, err, "cannot give %s/%u to %s: the kernel says '%s'", text,
                c->addr[i].prefix_len, t->name, strerror(-err));
  }
  return 0;
}

static bool is_up(const struct tct_tun *t) {
  struct ifreq ifr = {0};
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  memcpy(ifr.ifr_name, t->name, sizeof t->name);
  bool up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) != 0;
  if (fd >= 0)
    close(fd);
  return up;
}

static int configure_with(struct mnl_socket *nl, struct tct_tun *t,
                          const struct tct_tun_config *c) {
  stop_link_local(nl, t->ifindex);
  int err = set_link(nl, t, c->txqueuelen != 0 ? c->txqueuelen : 10000);
  if (err == -EPERM && is_up(t))
    return 0; /* prepared by somebody who had the right */
  if (err == -EPERM)
    return fail(t, err, "cannot configure %s: run as root or with CAP_NET_ADMIN", t->name);
  if (err < 0)
    return fail(t, err, "cannot bring %s up with MTU %u: the kernel says '%s'", t->name, t->mtu,
                strerror(-err));
  return configure_addrs(nl, t, c);
}

static int configure(struct tct_tun *t, const struct tct_tun_config *c) {
  struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (nl == NULL)
    return fail(t, -errno, "cannot configure %s: no netlink socket: %s", t->name, strerror(errno));
  int err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0
                ? fail(t, -errno, "cannot configure %s: %s", t->name, strerror(errno))
                : configure_with(nl, t, c);
  mnl_socket_close(nl);
  return err;
}

/* Packets lie one behind the other in one buffer, which with offload stays well inside a core's
   second cache: room for a full burst of plain packets, or for eight of the largest. */
static int make_buffers(struct tct_tun *t) {
  t->packet_max = (t->offload ? 65536 : t->mtu) + t->link_len;
  t->buf_bytes = (t->packet_max + 191) / 64 * 64 * (t->offload ? 8 : TCT_TUN_BURST);
  t->buf = aligned_alloc(64, t->buf_bytes);
  return t->buf != NULL ? 0 : fail(t, -ENOMEM, "no memory for the buffers of %s", t->name);
}

/* Locally administered, one station's. */
static bool draw_mac(struct tct_tun *t) {
  bool ok = getrandom(t->mac, sizeof t->mac, 0) == sizeof t->mac;
  t->mac[0] = (uint8_t)((t->mac[0] & 0xfc) | 2);
  return ok;
}

int tct_tun_open(struct tct_tun *t, const struct tct_tun_config *c) {
  *t = (struct tct_tun){.fd = -1, .mtu = c->mtu != 0 ? c->mtu : 1500};
  t->link_len = c->kind == TCT_TAP ? TCT_ETH_HEADER_LEN : 0;
  uint32_t mtu_max = (uint32_t)(TCT_TUN_MTU_MAX - t->link_len);
  if (t->mtu < TCT_TUN_MTU_MIN || t->mtu > mtu_max)
    return fail(t, -EINVAL, "MTU %u is out of range; use %d to %u", t->mtu, TCT_TUN_MTU_MIN,
                mtu_max);
  if (!draw_mac(t))
    return fail(t, -EIO, "the system gives no random numbers");
  int err = create_device(t, c->name != NULL ? c->name : "tct%d", c);
  if (err == 0 && !c->join)
    err = configure(t, c);
  if (err == 0)
    err = make_buffers(t);
  if (err < 0)
    tct_tun_close(t);
  return err;
}

void tct_tun_close(struct tct_tun *t) {
  if (t->fd >= 0)
    close(t->fd);
  free(t->buf);
  t->fd = -1;
  t->buf = NULL;
}
