/* SPDX-License-Identifier: MIT */
/*
 * ip_addr.c - what kind of address one is, and which are ours.
 *
 * Asked by every file that sees an address; tct_if_addr_add and tct_if_addr_del are public. Looking
 * up is a binary search: it is on the path of every packet. Which source to use is ip_path.c's.
 * RFC 1122 section 3.2.1.3, RFC 6890, RFC 4291 section 2.
 */
#include "ip/ip.h"

#include "wire/bytes.h"

enum { GROW_FROM = 8 };

static const tct_addr loopback6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

static bool is_zero(const uint8_t *p, size_t len) {
  uint8_t any = 0;
  for (size_t i = 0; i < len; i++)
    any |= p[i];
  return any == 0;
}

bool tct_ip_is_any(tct_addr a) {
  return is_zero(a.b, 16) || (tct_bytes_addr_is_ipv4(&a) && is_zero(a.b + 12, 4));
}

bool tct_ip_is_multicast(tct_addr a) {
  return tct_bytes_addr_is_ipv4(&a) ? a.b[12] >> 4 == 14 : a.b[0] == 0xff;
}

bool tct_ip_addr_is_loopback(tct_addr a) {
  return tct_bytes_addr_is_ipv4(&a) ? a.b[12] == 127 : tct_ip_equal(a, loopback6);
}

bool tct_ip_addr_is_link_local(tct_addr a) {
  return !tct_bytes_addr_is_ipv4(&a) && a.b[0] == 0xfe && (a.b[1] & 0xc0) == 0x80;
}

bool tct_ip_addr_is_all_nodes(tct_addr a) {
  if (tct_bytes_addr_is_ipv4(&a))
    return tct_bytes_get32(a.b + 12) == 0xe0000001u;
  return a.b[0] == 0xff && (a.b[1] == 1 || a.b[1] == 2) && is_zero(a.b + 2, 13) && a.b[15] == 1;
}

bool tct_ip_addr_is_unicast(tct_addr a) {
  if (tct_bytes_addr_is_ipv4(&a))
    return a.b[12] != 0 && a.b[12] < 224;
  return !is_zero(a.b, 16) && a.b[0] != 0xff;
}

tct_addr tct_ip_addr_mask(tct_addr a, unsigned bits) {
  TCT_ASSERT(bits <= 128);
  unsigned whole = bits / 8;
  if (bits % 8 != 0) {
    a.b[whole] = (uint8_t)(a.b[whole] & (0xff00u >> (bits % 8)));
    whole++;
  }
  memset(a.b + whole, 0, 16 - whole);
  return a;
}

unsigned tct_ip_addr_common_bits(tct_addr a, tct_addr b) {
  uint64_t high = tct_bytes_get64(a.b) ^ tct_bytes_get64(b.b);
  uint64_t low = tct_bytes_get64(a.b + 8) ^ tct_bytes_get64(b.b + 8);
  if (high != 0)
    return (unsigned)__builtin_clzll(high);
  return low != 0 ? 64 + (unsigned)__builtin_clzll(low) : 128;
}

/* First entry that is not before (a, ifi). */
static uint32_t find_place(const struct tct_ip_addrs *own, tct_addr a, uint32_t ifi) {
  uint32_t low = 0, high = own->n;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    int order = memcmp(own->at[mid].addr.b, a.b, 16);
    if (order < 0 || (order == 0 && own->at[mid].ifi < ifi))
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

bool tct_ip_is_local(const tct_stack *s, tct_addr a) {
  const struct tct_ip_addrs *own = &s->ip->addrs;
  uint32_t i = find_place(own, a, 0);
  return i < own->n && tct_ip_equal(own->at[i].addr, a);
}

bool tct_ip_addr_is_on(const tct_stack *s, tct_addr a, uint32_t ifi) {
  const struct tct_ip_addrs *own = &s->ip->addrs;
  uint32_t i = find_place(own, a, ifi);
  return i < own->n && own->at[i].ifi == ifi && tct_ip_equal(own->at[i].addr, a);
}

static uint32_t find_broadcast(const struct tct_ip_addrs *own, uint32_t value) {
  uint32_t low = 0, high = own->n_broadcast;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (own->broadcast[mid] < value)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

bool tct_ip_is_broadcast(const tct_stack *s, tct_addr a) {
  if (!tct_bytes_addr_is_ipv4(&a))
    return false;
  uint32_t value = tct_bytes_get32(a.b + 12);
  if (value == UINT32_MAX)
    return true;
  const struct tct_ip_addrs *own = &s->ip->addrs;
  uint32_t i = find_broadcast(own, value);
  return i < own->n_broadcast && own->broadcast[i] == value;
}

bool tct_ip_is_bad_source(const tct_stack *s, uint32_t ifi, tct_addr a) {
  bool loopback_if = s->ifs[ifi].cfg.loopback;
  if (!tct_ip_addr_is_unicast(a) || tct_ip_is_broadcast(s, a))
    return true;
  if (loopback_if)
    return false;
  return tct_ip_addr_is_loopback(a) || tct_ip_is_local(s, a);
}

void tct_ip_addr_forget_pairs(tct_stack *s) {
  memset(s->ip->pairs, 0, sizeof s->ip->pairs);
  tct_ip_path_forget(s);
}

/* ---- adding and removing --------------------------------------------------------------------- */

void *tct_ip_addr_regrow(tct_stack *s, void *old, size_t old_bytes, size_t new_bytes) {
  void *grown = tct_stack_alloc(s, new_bytes);
  if (grown == NULL)
    return NULL;
  if (old_bytes > 0)
    memcpy(grown, old, old_bytes);
  tct_stack_free(s, old, old_bytes);
  return grown;
}

static bool make_room(tct_stack *s) {
  struct tct_ip_addrs *own = &s->ip->addrs;
  if (own->n < own->cap)
    return true;
  uint32_t cap = own->cap == 0 ? GROW_FROM : own->cap * 2;
  struct tct_ip_addr *at = tct_stack_alloc(s, cap * sizeof *at);
  uint32_t *broadcast = tct_stack_alloc(s, cap * sizeof *broadcast);
  if (at == NULL || broadcast == NULL) {
    tct_stack_free(s, at, cap * sizeof *at);
    tct_stack_free(s, broadcast, cap * sizeof *broadcast);
    return false;
  }
  if (own->cap > 0) {
    memcpy(at, own->at, own->n * sizeof *at);
    memcpy(broadcast, own->broadcast, own->n_broadcast * sizeof *broadcast);
  }
  uint32_t n = own->n, n_broadcast = own->n_broadcast, order = own->order;
  tct_ip_addr_deinit(s);
  *own = (struct tct_ip_addrs){at, broadcast, n, n_broadcast, cap, order};
  return true;
}

void tct_ip_addr_deinit(tct_stack *s) {
  struct tct_ip_addrs *own = &s->ip->addrs;
  tct_stack_free(s, own->at, own->cap * sizeof *own->at);
  tct_stack_free(s, own->broadcast, own->cap * sizeof *own->broadcast);
  memset(own, 0, sizeof *own);
}

/* A /31 has no broadcast (RFC 3021), nor has a /32. False: there is none. */
static bool get_subnet_broadcast(tct_addr a, unsigned bits, uint32_t *value) {
  if (!tct_bytes_addr_is_ipv4(&a) || bits > 126 || tct_ip_addr_is_loopback(a))
    return false;
  *value = tct_bytes_get32(a.b + 12) | (UINT32_MAX >> (bits - 96));
  return true;
}

static void add_broadcast(struct tct_ip_addrs *own, tct_addr a, unsigned bits) {
  uint32_t value;
  if (bits == 96 || !get_subnet_broadcast(a, bits, &value))
    return;
  uint32_t i = find_broadcast(own, value);
  memmove(own->broadcast + i + 1, own->broadcast + i, (own->n_broadcast - i) * sizeof value);
  own->broadcast[i] = value;
  own->n_broadcast++;
}

static void del_broadcast(struct tct_ip_addrs *own, tct_addr a, unsigned bits) {
  uint32_t value;
  if (bits == 96 || !get_subnet_broadcast(a, bits, &value))
    return;
  uint32_t i = find_broadcast(own, value);
  TCT_ASSERT(i < own->n_broadcast && own->broadcast[i] == value);
  own->n_broadcast--;
  memmove(own->broadcast + i, own->broadcast + i + 1, (own->n_broadcast - i) * sizeof value);
}

static int check_new(const tct_stack *s, const struct tct_iface *ifc, tct_addr a,
                     unsigned prefix_len) {
  bool v4 = tct_bytes_addr_is_ipv4(&a);
  if (!tct_ip_addr_is_unicast(a) || prefix_len > (v4 ? 32u : 128u))
    return TCT_EINVAL;
  if (tct_ip_addr_is_loopback(a) && !ifc->cfg.loopback)
    return TCT_EINVAL;
  if (!v4 && ifc->cfg.mtu < TCT_PMTU_FLOOR6)
    return TCT_EINVAL;
  return s->ip->addrs.n >= s->cfg.limits.addrs ? TCT_ENOBUFS : TCT_OK;
}

int tct_if_addr_add(tct_stack *s, tct_if i, tct_addr a, unsigned prefix_len) {
  struct tct_iface *ifc = tct_stack_if(s, i);
  if (ifc == NULL)
    return TCT_EBADF;
  int err = check_new(s, ifc, a, prefix_len);
  if (err != TCT_OK)
    return err;
  uint32_t ifi = (uint32_t)(ifc - s->ifs);
  if (tct_ip_addr_is_on(s, a, ifi))
    return TCT_EEXIST;
  if (tct_link_addr_must_wait(s, ifi, a, prefix_len, &err))
    return err;
  return tct_ip_addr_install(s, ifi, a, prefix_len);
}

int tct_ip_addr_install(tct_stack *s, uint32_t ifi, tct_addr a, unsigned prefix_len) {
  uint8_t bits = (uint8_t)(tct_bytes_addr_is_ipv4(&a) ? prefix_len + 96 : prefix_len);
  if (!make_room(s) || !tct_route_link_add(s, a, bits, ifi))
    return TCT_ENOMEM;

  tct_ip_addr_forget_pairs(s);
  struct tct_ip_addrs *own = &s->ip->addrs;
  uint32_t at = find_place(own, a, ifi);
  memmove(own->at + at + 1, own->at + at, (own->n - at) * sizeof *own->at);
  own->at[at] = (struct tct_ip_addr){a, ifi, own->order++, bits};
  own->n++;
  add_broadcast(own, a, bits);
  tct_link_on_addr_added(s, ifi, a);
  return TCT_OK;
}

int tct_if_addr_state(const tct_stack *s, tct_if i, tct_addr a) {
  uint32_t ifi = i.index - 1; /* as stack.c's handles are; the same check, of a const stack */
  if (i.index == 0 || i.index > s->n_ifs || s->ifs[ifi].gen != i.gen)
    return TCT_EBADF;
  return tct_ip_addr_is_on(s, a, ifi) ? TCT_OK : tct_link_addr_state(s, ifi, a);
}

int tct_if_addr_del(tct_stack *s, tct_if i, tct_addr a) {
  struct tct_iface *ifc = tct_stack_if(s, i);
  if (ifc == NULL)
    return TCT_EBADF;
  uint32_t ifi = (uint32_t)(ifc - s->ifs);
  if (tct_link_addr_forget(s, ifi, a))
    return TCT_OK;
  if (!tct_ip_addr_is_on(s, a, ifi))
    return TCT_EADDRNOTAVAIL;

  tct_ip_addr_forget_pairs(s);
  struct tct_ip_addrs *own = &s->ip->addrs;
  uint32_t at = find_place(own, a, ifi);
  uint8_t bits = own->at[at].prefix_bits;
  own->n--;
  memmove(own->at + at, own->at + at + 1, (own->n - at) * sizeof *own->at);
  del_broadcast(own, a, bits);
  tct_route_link_del(s, a, bits, ifi);
  if (!tct_ip_is_local(s, a))
    tct_tcp_on_addr_removed(s, a);
  return TCT_OK;
}
