/* SPDX-License-Identifier: MIT */
/*
 * link.c - Ethernet under IP: which frames are for us, and the header that each packet gets on its
 * way out.
 *
 * Called by stack.c with frames of Ethernet interfaces, by tcp/ and udp/ (through stack.h) before a
 * flow sends. Leaves the table of neighbours to neigh.c, the protocols to arp.c, nd.c and mld.c.
 * Packets do not wait here: a flow waits unsent; of answers the latest one is kept. RFC 894, RFC
 * 1122 sections 2.3 and 3.3.6.
 */
#include "link/link.h"

#include "ip/ip.h"
#include "wire/bytes.h"

static bool make_state(tct_stack *s) {
  if (s->link != NULL)
    return true;
  s->link = tct_stack_alloc(s, sizeof *s->link);
  if (s->link == NULL)
    return false;
  s->link->key[0] = tct_prng_u64(&s->prng);
  s->link->key[1] = tct_prng_u64(&s->prng);
  tct_neigh_init(s);
  tct_mld_init(s);
  return true;
}

int tct_link_if_add(tct_stack *s, const tct_if_config *c) {
  struct tct_mac mac;
  memcpy(mac.b, c->mac, sizeof mac.b);
  if (c->link == TCT_LINK_IP)
    return TCT_OK;
  if (c->link != TCT_LINK_ETHERNET || c->loopback || !tct_wire_eth_is_station(&mac))
    return TCT_EINVAL;
  if (s->cfg.cores > 1)
    return TCT_EOPNOTSUPP; /* whose of several stacks would an ARP answer be? */
  if (c->autoconf && c->mtu < TCT_PMTU_FLOOR6)
    return TCT_EINVAL;
  if (!make_state(s))
    return TCT_ENOMEM;
  return c->autoconf ? tct_ra_if_add(s, s->n_ifs) : TCT_OK;
}

void tct_link_free(tct_stack *s) {
  if (s->link == NULL)
    return;
  tct_neigh_deinit(s);
  tct_dad_deinit(s);
  tct_ra_deinit(s);
  tct_stack_free(s, s->link, sizeof *s->link);
  s->link = NULL;
}

tct_time tct_link_next_deadline(const tct_stack *s) {
  if (s->link == NULL)
    return TCT_NEVER;
  tct_time at = tct_time_min(tct_neigh_next_deadline(s), tct_dad_next_deadline(s));
  at = tct_time_min(at, s->link->mld_due);
  return tct_time_min(at, tct_ra_next_deadline(s));
}

void tct_link_advance(tct_stack *s) {
  if (s->link == NULL)
    return;
  tct_neigh_advance(s);
  tct_dad_advance(s);
  tct_ra_advance(s);
  tct_mld_advance(s);
}

void tct_link_check(const tct_stack *s) {
  if (s->link != NULL)
    tct_neigh_check(s);
}

/* ---- In -------------------------------------------------------------------------------------- */

enum { AT_DST4 = 16, AT_DST6 = 24, AT_SRC_END6 = 40 };

static bool read_dst(const uint8_t *p, size_t have, tct_addr *dst) {
  if (have >= TCT_IP4_HEADER_LEN && p[0] >> 4 == 4)
    tct_bytes_get_addr4(p + AT_DST4, dst);
  else if (have >= AT_SRC_END6 && p[0] >> 4 == 6)
    tct_bytes_get_addr6(p + AT_DST6, dst);
  else
    return false;
  return true;
}

static bool is_group(const tct_stack *s, tct_addr a) {
  return tct_ip_is_multicast(a) || tct_ip_is_broadcast(s, a);
}

/* RFC 1122 3.3.6: what was sent to all on the link must say so in its IP header too. */
static bool is_group_honest(const tct_stack *s, const tct_frame *f, const struct tct_eth_hdr *eth) {
  tct_addr dst;
  return !tct_wire_eth_is_group(&eth->dst) || !read_dst(f->iov[0].base, f->iov[0].len, &dst) ||
         is_group(s, dst);
}

/* f without its link header. */
static tct_verdict input_ip(tct_stack *s, uint32_t ifi, tct_frame *f,
                            const struct tct_eth_hdr *eth) {
  const uint8_t *p = f->iov[0].base;
  tct_verdict v;
  if (f->iov[0].len > 0 && p[0] >> 4 != (eth->type == TCT_ETH_IP4 ? 4 : 6))
    return TCT_DROP_IP_VERSION;
  if (!is_group_honest(s, f, eth))
    return TCT_DROP_ETH_GROUP;
  if (eth->type == TCT_ETH_IP6 && tct_nd_input(s, ifi, f, eth, &v)) {
    s->n.InReceives++;
    return v;
  }
  if (eth->type == TCT_ETH_IP6 && tct_mld_input(s, f)) {
    s->n.InReceives++;
    return TCT_ACCEPTED;
  }
  return tct_ip_input(s, ifi, f);
}

static tct_verdict input_payload(tct_stack *s, uint32_t ifi, tct_frame *f,
                                 const struct tct_eth_hdr *eth) {
  const tct_iov whole = f->iov[0];
  const uint32_t len = f->len;
  f->iov[0].base = (const uint8_t *)whole.base + TCT_ETH_HEADER_LEN;
  f->iov[0].len -= TCT_ETH_HEADER_LEN;
  f->len -= TCT_ETH_HEADER_LEN;
  tct_verdict v;
  if (eth->type == TCT_ETH_ARP)
    v = tct_arp_input(s, ifi, f->iov[0].base, tct_min_size(f->iov[0].len, f->len));
  else
    v = input_ip(s, ifi, f, eth);
  f->iov[0] = whole;
  f->len = len;
  return v;
}

tct_verdict tct_link_input(tct_stack *s, uint32_t ifi, tct_frame *f) {
  struct tct_eth_hdr eth;
  struct tct_mac own = tct_link_mac(s, ifi);
  if (f->n_iov == 0)
    return TCT_DROP_ETH_SHORT;
  tct_verdict v = tct_wire_eth_parse(f->iov[0].base, tct_min_size(f->iov[0].len, f->len), &eth);
  if (v == TCT_ACCEPTED && !tct_wire_eth_is_group(&eth.dst) && !tct_wire_eth_equal(&eth.dst, &own))
    v = TCT_DROP_ETH_NOT_FOR_US; /* others' frames, from a device that shows them */
  return v == TCT_ACCEPTED ? input_payload(s, ifi, f, &eth) : v;
}

/* ---- Out ------------------------------------------------------------------------------------- */

bool tct_link_may_send(tct_stack *s, uint32_t ifi, tct_addr dst, struct tct_list *node,
                       enum tct_link_flow kind) {
  if (is_group(s, dst))
    return true;
  struct tct_neigh *n = tct_neigh_next_hop(s, ifi, dst, true);
  if (n == NULL || n->state != TCT_NEIGH_INCOMPLETE)
    return true;
  tct_list_push_tail(&n->flows[kind], node);
  return false;
}

static struct tct_mac map_group(tct_addr dst) {
  return tct_ip_is_multicast(dst) ? tct_wire_eth_multicast(&dst) : tct_wire_eth_broadcast();
}

/* Into the room before the header, where it lies in `out`; else as a piece of its own. */
static void put_header(tct_frame *f, struct tct_out *out, const struct tct_eth_hdr *eth) {
  uint8_t *at = out->room + TCT_OUT_LINK_MAX - TCT_ETH_HEADER_LEN;
  tct_wire_eth_emit(at, eth);
  if (f->iov[0].base == out->header) {
    f->iov[0].base = at;
    f->iov[0].len += TCT_ETH_HEADER_LEN;
  } else {
    memmove(f->iov + 1, f->iov, f->n_iov * sizeof *f->iov);
    f->iov[0] = (tct_iov){at, TCT_ETH_HEADER_LEN};
    f->n_iov++;
  }
  f->len += TCT_ETH_HEADER_LEN;
  if (f->csum == TCT_CSUM_PARTIAL)
    f->csum_start = (uint16_t)(f->csum_start + TCT_ETH_HEADER_LEN);
}

/* The MAC that the packet goes to. False: it does not leave now. */
static bool find_mac(tct_stack *s, uint32_t ifi, const tct_frame *f, struct tct_mac *mac) {
  tct_addr dst;
  if (TCT_NEVER_HAPPENS(!read_dst(f->iov[0].base, f->iov[0].len, &dst)))
    return false;
  if (is_group(s, dst)) {
    *mac = map_group(dst);
    return true;
  }
  struct tct_neigh *n = tct_neigh_next_hop(s, ifi, dst, false);
  if (n == NULL || n->state == TCT_NEIGH_FAILED) {
    s->verdicts[TCT_DROP_NO_NEIGHBOUR]++;
    return false;
  }
  if (n->state == TCT_NEIGH_INCOMPLETE) {
    tct_neigh_hold(s, n, f);
    return false;
  }
  tct_neigh_on_use(s, n);
  *mac = n->mac;
  return true;
}

size_t tct_link_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out, size_t n) {
  size_t kept = 0;
  for (size_t k = 0; k < n; k++) {
    struct tct_eth_hdr eth = {.src = tct_link_mac(s, ifi)};
    bool is_whole = f[k].why == TCT_WHY_ARP;
    if (!is_whole && !find_mac(s, ifi, &f[k], &eth.dst))
      continue;
    const uint8_t *p = f[k].iov[0].base;
    eth.type = p[0] >> 4 == 4 ? TCT_ETH_IP4 : TCT_ETH_IP6;
    if (!is_whole)
      put_header(&f[k], &out[k], &eth);
    f[kept++] = f[k];
  }
  return kept;
}
