/* SPDX-License-Identifier: MIT */
/*
 * linux_net.c - a network namespace of this process's own, one TUN device in it with the script's
 * addresses and a default route, and a packet socket that sees what leaves. Called by linux.c. The
 * namespace ends with the process.
 */
#define _GNU_SOURCE
#include "drill/linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>

#define DEVICE "tun0"
enum { AWAIT_TRIES_MAX = 4000 };

/* <linux/ipv6.h> and <netinet/in.h> do not go together. */
struct in6_ifreq_here {
  struct in6_addr addr;
  uint32_t prefix_len;
  int ifindex;
};

static bool fail_errno(struct drill_run *r, const char *what) {
  r->is_refused = true;
  return drill_run_fail(r, "%s: %s", what, strerror(errno));
}

static void name_device(struct ifreq *q, const char *name) {
  memset(q, 0, sizeof *q);
  (void)snprintf(q->ifr_name, sizeof q->ifr_name, "%s", name);
}

static bool make_device(struct drill_run *r) {
  struct ifreq q;
  name_device(&q, DEVICE);
  q.ifr_flags = IFF_TUN | IFF_NO_PI;
  r->linux->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (r->linux->tun < 0)
    return fail_errno(r, "cannot open /dev/net/tun");
  return ioctl(r->linux->tun, TUNSETIFF, &q) == 0 || fail_errno(r, "cannot make a TUN device");
}

static bool set_up(struct drill_run *r, int sock, const char *name) {
  struct ifreq q;
  name_device(&q, name);
  if (ioctl(sock, SIOCGIFFLAGS, &q) < 0)
    return fail_errno(r, "cannot read a device's flags");
  q.ifr_flags = (short)(q.ifr_flags | IFF_UP | IFF_RUNNING);
  return ioctl(sock, SIOCSIFFLAGS, &q) == 0 || fail_errno(r, "cannot bring a device up");
}

static bool set_mtu(struct drill_run *r, int sock) {
  struct ifreq q;
  name_device(&q, DEVICE);
  q.ifr_mtu = (int)(r->set->mtu ? r->set->mtu : r->set->ip == DRILL_IP6 ? 1520 : 1500);
  return ioctl(sock, SIOCSIFMTU, &q) == 0 || fail_errno(r, "cannot set the MTU");
}

static bool add_ipv4(struct drill_run *r, int sock, const tct_addr *a, unsigned prefix_len,
                     const char *label) {
  struct ifreq q;
  struct sockaddr_in in = {.sin_family = AF_INET};
  name_device(&q, label);
  memcpy(&in.sin_addr, a->b + 12, 4);
  memcpy(&q.ifr_addr, &in, sizeof in);
  if (ioctl(sock, SIOCSIFADDR, &q) < 0)
    return fail_errno(r, "cannot set the address");
  in.sin_addr.s_addr = htonl(prefix_len ? ~0u << (32 - prefix_len) : 0);
  memcpy(&q.ifr_netmask, &in, sizeof in);
  return ioctl(sock, SIOCSIFNETMASK, &q) == 0 || fail_errno(r, "cannot set the netmask");
}

static bool add_ipv6(struct drill_run *r, int sock, const tct_addr *a, unsigned prefix_len) {
  struct in6_ifreq_here q = {.prefix_len = prefix_len, .ifindex = (int)if_nametoindex(DEVICE)};
  memcpy(&q.addr, a->b, 16);
  return ioctl(sock, SIOCSIFADDR, &q) == 0 || fail_errno(r, "cannot set the IPv6 address");
}

/* "address" or "address/length" */
static bool add_address(struct drill_run *r, int sock, const char *text, const char *label) {
  bool is_v6 = r->set->ip == DRILL_IP6;
  char host[64];
  const char *slash = strchr(text, '/');
  unsigned prefix_len = slash ? (unsigned)strtoul(slash + 1, NULL, 10) : is_v6 ? 48 : 16;
  snprintf(host, sizeof host, "%.*s", (int)(slash ? slash - text : (long)strlen(text)), text);
  tct_addr a = drill_conn_address(host);
  return is_v6 ? add_ipv6(r, sock, &a, prefix_len) : add_ipv4(r, sock, &a, prefix_len, label);
}

static bool add_route_ipv4(struct drill_run *r, int sock) {
  struct rtentry e;
  struct sockaddr_in any = {.sin_family = AF_INET};
  char device[] = DEVICE;
  memset(&e, 0, sizeof e);
  memcpy(&e.rt_dst, &any, sizeof any);
  memcpy(&e.rt_genmask, &any, sizeof any);
  e.rt_flags = RTF_UP;
  e.rt_dev = device;
  return ioctl(sock, SIOCADDRT, &e) == 0 || fail_errno(r, "cannot set the route");
}

static bool add_route_ipv6(struct drill_run *r, int sock) {
  /* The layout of struct in6_rtmsg. */
  struct {
    struct in6_addr dst, src, gateway;
    uint32_t type;
    uint16_t dst_len, src_len;
    uint32_t metric;
    unsigned long info;
    uint32_t flags;
    int ifindex;
  } e;
  memset(&e, 0, sizeof e);
  e.metric = 1;
  e.flags = RTF_UP;
  e.ifindex = (int)if_nametoindex(DEVICE);
  return ioctl(sock, SIOCADDRT, &e) == 0 || fail_errno(r, "cannot set the IPv6 route");
}

/* No packets of the kernel's own. */
static void keep_quiet(void) {
  drill_linux_sysctl("net.ipv6.conf.all.accept_dad", "0");
  drill_linux_sysctl("net.ipv6.conf.default.accept_dad", "0");
  drill_linux_sysctl("net.ipv6.conf.tun0.accept_dad", "0");
  drill_linux_sysctl("net.ipv6.conf.tun0.dad_transmits", "0");
  drill_linux_sysctl("net.ipv6.conf.tun0.router_solicitations", "0");
  drill_linux_sysctl("net.ipv6.conf.tun0.addr_gen_mode", "1");
  drill_linux_sysctl("net.ipv4.conf.all.rp_filter", "0");
  drill_linux_sysctl("net.ipv4.conf.tun0.rp_filter", "0");
}

static bool configure(struct drill_run *r) {
  bool is_v6 = r->set->ip == DRILL_IP6;
  int sock = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const char *local = r->set->local_ip ? r->set->local_ip
                      : is_v6          ? "fd3d:0a0b:17d6::1"
                                       : "192.168.0.1";
  if (sock < 0)
    return fail_errno(r, "cannot make a socket");
  keep_quiet();
  bool ok = set_up(r, sock, "lo") && set_mtu(r, sock) && set_up(r, sock, DEVICE) &&
            add_address(r, sock, local, DEVICE) &&
            (!r->set->extra_ip || add_address(r, sock, r->set->extra_ip, DEVICE ":1")) &&
            (is_v6 ? add_route_ipv6(r, sock) : add_route_ipv4(r, sock));
  close(sock);
  return ok;
}

/* An IPv6 address may be used only when a worker of the kernel has looked at it. */
static void await_address(const struct drill_run *r) {
  struct sockaddr_storage name;
  tct_endpoint local = {.addr = r->local};
  socklen_t len = (socklen_t)drill_call_sockaddr(r, &local, &name);
  int sock = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (int i = 0; i < AWAIT_TRIES_MAX && sock >= 0; i++) {
    if (bind(sock, (struct sockaddr *)&name, len) == 0 || errno != EADDRNOTAVAIL)
      break;
    usleep(500);
  }
  if (sock >= 0)
    close(sock);
}

static bool open_tap(struct drill_run *r) {
  int on = 1, room = 8 << 20;
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0003)};
  r->linux->tap = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(0x0003));
  if (r->linux->tap < 0)
    return fail_errno(r, "cannot open a packet socket");
  at.sll_ifindex = (int)if_nametoindex(DEVICE);
  (void)setsockopt(r->linux->tap, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  if (setsockopt(r->linux->tap, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
    return fail_errno(r, "cannot have packets stamped");
  return bind(r->linux->tap, (struct sockaddr *)&at, sizeof at) == 0 ||
         fail_errno(r, "cannot watch the device");
}

bool drill_linux_net(struct drill_run *r) {
  if (unshare(CLONE_NEWNET) < 0)
    return fail_errno(r, "cannot make a network namespace");
  if (!make_device(r) || !configure(r))
    return false;
  drill_linux_defaults();
  (void)snprintf(r->linux->congestion, sizeof r->linux->congestion, "cubic");
  await_address(r);
  return open_tap(r);
}
