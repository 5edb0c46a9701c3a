/* SPDX-License-Identifier: MIT */
/*
 * device.c - from "tun:NAME" and a list of addresses to an open driver: which kind it is, whether
 * the addresses make sense, who is at the other end.
 *
 * Called once by host.c. Making the device is the driver's; telling the stack of it is host.c's.
 */
#include "host/host.h"

#include <stdio.h>
#include <string.h>

/* ---- Addresses ------------------------------------------------------------------------------- */

static bool is_any(tct_addr a) {
  static const tct_addr zero;
  return memcmp(&a, &zero, sizeof a) == 0;
}

static bool is_multicast(tct_addr a) {
  return tct_addr_is_ipv4(a) ? a.b[12] >= 224 : a.b[0] == 0xff;
}

/* All host bits 0 or (IPv4) all 1, on a prefix that has room for such names. */
static bool is_not_a_host(tct_addr a, unsigned prefix_len) {
  unsigned width = tct_addr_is_ipv4(a) ? 32 : 128, bits = width - prefix_len;
  bool all_0 = true, all_1 = true;
  if (bits < 2)
    return false;
  for (unsigned i = 0; i < bits; i++) {
    bool one = (a.b[15 - i / 8] >> (i % 8) & 1) != 0;
    all_0 = all_0 && !one;
    all_1 = all_1 && one;
  }
  return all_0 || (all_1 && width == 32);
}

static bool check_addr(const tct_host_addr *in, struct tct_host_complaint *e) {
  char text[46];
  tct_addr_text(in->addr, text, sizeof text);
  unsigned width = tct_addr_is_ipv4(in->addr) ? 32 : 128;
  if (in->prefix_len > width)
    return tct_host_complain(e, "%s/%u: a prefix has at most %u bits here", text, in->prefix_len,
                             width);
  if (is_any(in->addr) || is_multicast(in->addr) || is_not_a_host(in->addr, in->prefix_len))
    return tct_host_complain(
        e, "%s/%u is no address of a host; use one inside the prefix, as 10.7.0.2/24", text,
        in->prefix_len);
  return true;
}

static bool choose_peer(const tct_host_addr *in, struct tct_tun_addr *out,
                        struct tct_host_complaint *e) {
  char text[46];
  *out = (struct tct_tun_addr){in->addr, in->peer, in->prefix_len};
  if (!check_addr(in, e))
    return false;
  tct_addr_text(in->addr, text, sizeof text);
  if (is_any(in->peer) && !tct_tun_other_addr(in->addr, in->prefix_len, &out->kernel))
    return tct_host_complain(
        e, "%s/%u has no other address for the kernel's end; say it with --peer-addr", text,
        in->prefix_len);
  if (memcmp(&out->kernel, &in->addr, sizeof in->addr) == 0 || is_multicast(out->kernel) ||
      tct_addr_is_ipv4(out->kernel) != tct_addr_is_ipv4(in->addr))
    return tct_host_complain(
        e, "the peer address of %s must be another host address of the same family", text);
  return true;
}

static bool choose_addrs(tct_host *h, const tct_host_config *c, struct tct_host_complaint *e) {
  if (c->n_addr == 0 || c->n_addr > TCT_HOST_ADDRS)
    return tct_host_complain(e, "an address is needed, as 10.7.0.2/24 (at most %d)",
                             TCT_HOST_ADDRS);
  h->n_addr = c->n_addr;
  for (unsigned i = 0; i < c->n_addr; i++)
    if (!choose_peer(&c->addr[i], &h->addr[i], e))
      return false;
  for (unsigned i = 0; i < c->n_addr; i++)
    if (!tct_addr_is_ipv4(c->addr[i].addr) && c->mtu != 0 && c->mtu < 1280)
      return tct_host_complain(e, "IPv6 needs an MTU of at least 1280, not %u", c->mtu);
  return true;
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

static bool open_tun_kind(tct_host *h, const tct_host_config *c, const char *name,
                          enum tct_tun_kind kind, struct tct_host_complaint *e) {
  struct tct_tun_config t = {.kind = kind,
                             .name = name,
                             .mtu = c->mtu,
                             .n_addr = h->n_addr,
                             .queues = c->mesh != NULL,
                             .join = c->mesh != NULL && c->core > 0,
                             .offload = !c->no_offload};
  memcpy(t.addr, h->addr, sizeof t.addr);
  if (tct_tun_open(&h->tun, &t) < 0)
    return tct_host_complain(e, "%s", h->tun.error);
  h->drv = tct_tun_driver(&h->tun);
  return true;
}

static bool open_tun(tct_host *h, const tct_host_config *c, const char *name,
                     struct tct_host_complaint *e) {
  if (!open_tun_kind(h, c, name, TCT_TUN, e))
    return false;
  if (c->mesh != NULL)
    snprintf(c->mesh->dev, sizeof c->mesh->dev, "tun:%s", h->tun.name);
  return true;
}

static bool open_tap(tct_host *h, const tct_host_config *c, const char *name,
                     struct tct_host_complaint *e) {
  return open_tun_kind(h, c, name, TCT_TAP, e);
}

static bool open_xdp(tct_host *h, const tct_host_config *c, const char *name,
                     struct tct_host_complaint *e) {
  const struct tct_af_xdp_config x = {name, c->mtu};
  struct tct_af_xdp *opened = tct_af_xdp_open(&x, e->text, e->cap);
  if (opened != NULL)
    h->drv = tct_af_xdp_driver(opened);
  return opened != NULL;
}

static const struct {
  const char *prefix;
  bool (*open)(tct_host *h, const tct_host_config *c, const char *name,
               struct tct_host_complaint *e);
} kinds[] = {{"tun:", open_tun}, {"tap:", open_tap}, {"xdp:", open_xdp}};

bool tct_host_device_open(tct_host *h, const tct_host_config *c, struct tct_host_complaint *e) {
  const char *dev = c->mesh != NULL && c->core > 0 ? c->mesh->dev : c->dev;
  size_t i = 0, n = sizeof kinds / sizeof *kinds;
  while (dev != NULL && i < n && strncmp(dev, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
    i++;
  if (dev == NULL || i == n)
    return tct_host_complain(
        e, "'%s' is no device; use tun:NAME, tap:NAME or xdp:INTERFACE, as tun:tct0",
        dev != NULL ? dev : "");
  if (c->mesh != NULL && kinds[i].open != open_tun)
    return tct_host_complain(e, "%s: several cores share a tun: device only", dev);
  return choose_addrs(h, c, e) && kinds[i].open(h, c, dev + strlen(kinds[i].prefix), e);
}
