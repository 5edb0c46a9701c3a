/* SPDX-License-Identifier: MIT */
/*
 * tun.c - moves bare IP packets between a stack and the Linux kernel through a TUN device.
 *
 * Used by host/ (through struct tct_driver) and by programs that write their own loop. Making and
 * configuring the device is tun_setup.c; cutting super-segments is segment.c. The device is never
 * persistent: it goes when its descriptor goes, also after kill -9. One read or write moves one
 * packet (no virtio header yet), so everything here is about making few calls and no copies.
 */
#define _GNU_SOURCE
#include "drivers/tun.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "drivers/segment.h"

enum { WRITE_IOV_MAX = 64, COPY_MAX = 2048 };

_Static_assert(sizeof(tct_iov) == sizeof(struct iovec), "tct_iov is handed to writev as it is");
_Static_assert(offsetof(tct_iov, base) == offsetof(struct iovec, iov_base), "same first member");
_Static_assert(offsetof(tct_iov, len) == offsetof(struct iovec, iov_len), "same second member");

long tct_tun_recv(struct tct_tun *t, tct_frame *f, size_t n, tct_time now) {
  size_t got = 0;
  if (n > TCT_TUN_BURST)
    n = TCT_TUN_BURST;
  while (got < n) {
    uint8_t *buf = t->buf + got * t->stride;
    ssize_t len = read(t->fd, buf, t->stride);
    if (len <= 0) {
      if (len < 0 && errno == EINTR)
        continue;
      if (len < 0 && errno != EAGAIN && got == 0)
        return -errno; /* EBADFD: someone deleted the device under us */
      break;
    }
    t->iov[got] = (tct_iov){buf, (size_t)len};
    f[got] = (tct_frame){.iov = &t->iov[got], .n_iov = 1, .len = (uint32_t)len, .at = now};
    got++;
  }
  t->frames_in += got;
  return (long)got;
}

/* A packet that the kernel does not take (link down, no memory) is lost, as on any wire. */
static void count_write(struct tct_tun *t, ssize_t wrote) {
  if (wrote > 0)
    t->frames_out++;
  else
    t->frames_lost++;
}

static void write_flat(void *ctx, const void *packet, size_t len) {
  struct tct_tun *t = ctx;
  ssize_t wrote;
  do
    wrote = write(t->fd, packet, len);
  while (wrote < 0 && errno == EINTR);
  count_write(t, wrote);
}

static void write_pieces(struct tct_tun *t, const tct_frame *f) {
  ssize_t wrote;
  do
    wrote = writev(t->fd, (const struct iovec *)(const void *)f->iov, (int)f->n_iov);
  while (wrote < 0 && errno == EINTR);
  count_write(t, wrote);
}

/* Copying an ordinary packet together costs less than the kernel's handling of an iovec. */
static void write_copied(struct tct_tun *t, const tct_frame *f) {
  uint8_t packet[COPY_MAX];
  size_t len = 0;
  for (uint32_t i = 0; i < f->n_iov; i++) {
    memcpy(packet + len, f->iov[i].base, f->iov[i].len);
    len += f->iov[i].len;
  }
  write_flat(t, packet, len);
}

void tct_tun_send(struct tct_tun *t, const tct_frame *f, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!tct_segment_is_plain(&f[i]) || f[i].n_iov > WRITE_IOV_MAX)
      tct_segment(&f[i], write_flat, t);
    else if (f[i].n_iov == 1)
      write_flat(t, f[i].iov[0].base, f[i].iov[0].len);
    else if (f[i].len <= COPY_MAX)
      write_copied(t, &f[i]);
    else
      write_pieces(t, &f[i]);
  }
}

static long driver_recv(void *ctx, tct_frame *f, size_t n, tct_time now) {
  return tct_tun_recv(ctx, f, n, now);
}

static void driver_send(void *ctx, const tct_frame *f, size_t n) {
  tct_tun_send(ctx, f, n);
}

static void driver_close(void *ctx) {
  tct_tun_close(ctx);
}

struct tct_driver tct_tun_driver(struct tct_tun *t) {
  static const struct tct_driver_ops ops = {driver_recv, driver_send, driver_close};
  return (struct tct_driver){&ops, t, t->fd};
}
