/* SPDX-License-Identifier: MIT */
/*
 * tun.c - moves packets between a stack and the Linux kernel through a TUN or TAP device: bare IP
 * packets, or Ethernet frames, which lie 14 bytes further.
 *
 * Used by host/ (through struct tct_driver) and by programs that write their own loop. Making and
 * configuring the device is tun_setup.c, the header before each packet vnet.c, cutting what the
 * kernel cannot cut segment.c. The device is never persistent: it goes when its descriptor goes,
 * also after kill -9. One read or write moves one packet, with offload one of up to 64 KiB, so
 * everything here is about making few calls and no copies.
 */
#define _GNU_SOURCE
#include "drivers/tun.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "drivers/segment.h"
#include "drivers/vnet.h"
#include "wire/ip.h"
#include "wire/tcp.h"

enum { WRITE_IOV_MAX = 64, COPY_MAX = 2048, LINE = 64 };
enum { GSO_SEGS_MAX = 128 };

_Static_assert(sizeof(tct_iov) == sizeof(struct iovec), "tct_iov is handed to writev as it is");
_Static_assert(offsetof(tct_iov, base) == offsetof(struct iovec, iov_base), "same first member");
_Static_assert(offsetof(tct_iov, len) == offsetof(struct iovec, iov_len), "same second member");

/* ---- In -------------------------------------------------------------------------------------- */

/* Where the next packet's header goes, so that the packet itself begins a cache line. */
static uint8_t *place(const struct tct_tun *t, size_t used) {
  return t->buf + used + LINE - t->head_len;
}

/* False: the device has no more for now. A packet whose header makes no sense is passed on without
   a word about its checksum: the stack will say what is wrong with it. */
static bool read_one(struct tct_tun *t, size_t *used, tct_iov *v, tct_frame *f, ssize_t *error) {
  uint8_t *at = place(t, *used), *packet = at + t->head_len;
  ssize_t len;
  do
    len = read(t->fd, at, t->head_len + t->packet_max);
  while (len < 0 && errno == EINTR);
  *error = len < 0 && errno != EAGAIN ? -errno : 0;
  if (len <= (ssize_t)t->head_len)
    return false;
  len -= (ssize_t)t->head_len;
  *v = (tct_iov){packet, (size_t)len};
  *f = (tct_frame){.iov = v, .n_iov = 1, .len = (uint32_t)len};
  if (t->offload && !tct_vnet_read(at, packet, (size_t)len, t->link_len, f))
    f->seg_size = 0, f->csum = TCT_CSUM_CHECK;
  *used += (LINE + (size_t)len + LINE - 1) / LINE * LINE;
  return true;
}

long tct_tun_recv(struct tct_tun *t, tct_frame *f, size_t n, tct_time now) {
  size_t got = 0, used = 0;
  ssize_t error = 0;
  bool more = true;
  if (n > TCT_TUN_BURST)
    n = TCT_TUN_BURST;
  while (got < n && used + LINE + t->packet_max <= t->buf_bytes &&
         (more = read_one(t, &used, &t->iov[got], &f[got], &error)))
    f[got++].at = now;
  t->drained = !more;
  t->frames_in += got;
  return error < 0 && got == 0 ? (long)error : (long)got; /* EBADFD: the device was deleted */
}

/* ---- Out ------------------------------------------------------------------------------------- */

/* A packet that the kernel does not take (link down, no memory) is lost, as on any wire. */
static void count_write(struct tct_tun *t, ssize_t wrote) {
  if (wrote > 0)
    t->frames_out++;
  else
    t->frames_lost++;
}

static void write_pieces(struct tct_tun *t, const struct iovec *v, size_t n) {
  ssize_t wrote;
  do
    wrote = writev(t->fd, v, (int)n);
  while (wrote < 0 && errno == EINTR);
  count_write(t, wrote);
}

/* A finished packet, without a header yet. */
static void write_flat(void *ctx, const void *packet, size_t len) {
  static const uint8_t plain[TCT_VNET_HDR_LEN];
  struct tct_tun *t = ctx;
  struct iovec v[2] = {{(void *)(uintptr_t)plain, t->head_len}, {(void *)(uintptr_t)packet, len}};
  write_pieces(t, t->offload ? v : v + 1, t->offload ? 2 : 1);
}

/* Copying an ordinary packet together costs less than the kernel's handling of an iovec. */
static void write_copied(struct tct_tun *t, const uint8_t *head, const tct_frame *f) {
  uint8_t packet[TCT_VNET_HDR_LEN + COPY_MAX];
  size_t len = t->head_len;
  memcpy(packet, head, len);
  for (uint32_t i = 0; i < f->n_iov; i++) {
    memcpy(packet + len, f->iov[i].base, f->iov[i].len);
    len += f->iov[i].len;
  }
  ssize_t wrote;
  do
    wrote = write(t->fd, packet, len);
  while (wrote < 0 && errno == EINTR);
  count_write(t, wrote);
}

static void write_frame(struct tct_tun *t, const uint8_t *head, const tct_frame *f) {
  struct iovec v[1 + WRITE_IOV_MAX] = {{(void *)(uintptr_t)head, t->head_len}};
  if (f->len <= COPY_MAX) {
    write_copied(t, head, f);
    return;
  }
  memcpy(v + 1, f->iov, f->n_iov * sizeof *v);
  write_pieces(t, t->offload ? v : v + 1, f->n_iov + (t->offload ? 1u : 0u));
}

void tct_tun_send(struct tct_tun *t, const tct_frame *f, size_t n) {
  uint8_t head[TCT_VNET_HDR_LEN] = {0};
  for (size_t i = 0; i < n; i++) {
    bool whole =
        t->offload ? tct_vnet_write(&f[i], t->link_len, head) : tct_segment_is_plain(&f[i]);
    if (whole && f[i].n_iov <= WRITE_IOV_MAX)
      write_frame(t, head, &f[i]);
    else
      tct_segment_linked(&f[i], t->link_len, write_flat, t);
  }
}

/* ---- As a driver ----------------------------------------------------------------------------- */

static long driver_recv(void *ctx, tct_frame *f, size_t n, tct_time now, bool *drained) {
  struct tct_tun *t = ctx;
  long got = tct_tun_recv(t, f, n, now);
  *drained = t->drained;
  return got;
}

static void driver_send(void *ctx, const tct_frame *f, size_t n) {
  tct_tun_send(ctx, f, n);
}

static void driver_close(void *ctx) {
  tct_tun_close(ctx);
}

struct tct_driver tct_tun_driver(struct tct_tun *t) {
  static const struct tct_driver_ops ops = {driver_recv, driver_send, driver_close};
  struct tct_driver d = {.ops = &ops,
                         .ctx = t,
                         .fd = t->fd,
                         .name = t->name,
                         .link = t->link_len != 0 ? TCT_LINK_ETHERNET : TCT_LINK_IP,
                         .alone = t->fresh,
                         .mtu = t->mtu,
                         .csum_offload = t->offload,
                         .gso_max_bytes = TCT_SEGMENT_GSO_BYTES_MAX,
                         .gso_max_segs = GSO_SEGS_MAX};
  memcpy(d.mac, t->mac, sizeof d.mac);
  return d;
}
