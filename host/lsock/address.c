/* SPDX-License-Identifier: MIT */
/*
 * address.c - Linux's struct sockaddr to the core's endpoints and back. Called through lsock.h and
 * by message.c. Leaves families that are neither IPv4 nor IPv6 to errors.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

long lsock_address_read(const void *addr, size_t len, tct_endpoint *out) {
  const struct sockaddr *sa = addr;
  struct sockaddr_in in4;
  struct sockaddr_in6 in6;
  memset(out, 0, sizeof *out);
  if (!addr)
    return -EFAULT;
  if (len < sizeof sa->sa_family)
    return -EINVAL;
  if (sa->sa_family == AF_INET && len >= sizeof in4) {
    memcpy(&in4, addr, sizeof in4);
    uint8_t b[4];
    memcpy(b, &in4.sin_addr, 4);
    out->addr = tct_addr_ipv4(b[0], b[1], b[2], b[3]);
    out->port = ntohs(in4.sin_port);
    return 0;
  }
  if (sa->sa_family == AF_INET6 && len >= sizeof in6) {
    memcpy(&in6, addr, sizeof in6);
    memcpy(out->addr.b, &in6.sin6_addr, 16);
    out->port = ntohs(in6.sin6_port);
    return 0;
  }
  return sa->sa_family == AF_INET || sa->sa_family == AF_INET6 ? -EINVAL : -EAFNOSUPPORT;
}

static size_t put(void *to, size_t cap, const void *from, size_t len) {
  memcpy(to, from, len < cap ? len : cap);
  return len;
}

size_t lsock_address_write(const tct_endpoint *e, bool is_v6, void *addr, size_t cap) {
  if (!is_v6) {
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(e->port)};
    if (tct_addr_is_ipv4(e->addr))
      memcpy(&in4.sin_addr, e->addr.b + 12, 4);
    return put(addr, cap, &in4, sizeof in4);
  }
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
  memcpy(&in6.sin6_addr, e->addr.b, 16);
  return put(addr, cap, &in6, sizeof in6);
}
