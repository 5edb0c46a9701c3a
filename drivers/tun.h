/* SPDX-License-Identifier: MIT */
/*
 * tun.h - a Linux TUN or TAP device: made, configured, read and written. See tun.c.
 */
#ifndef TCT_TUN_H
#define TCT_TUN_H

#include "drivers/driver.h"

enum { TCT_TUN_BURST = 64, TCT_TUN_ADDRS = 8, TCT_TUN_MTU_MIN = 576, TCT_TUN_MTU_MAX = 65535 };

/* One address pair: ours on the far side of the device, the kernel's on the near one. */
struct tct_tun_addr {
  tct_addr stack, kernel;
  unsigned prefix_len; /* in the address's own family */
};

/* TUN carries bare IP packets; TAP Ethernet frames, from and to a MAC of the stack's own. */
enum tct_tun_kind { TCT_TUN, TCT_TAP };

struct tct_tun_config {
  enum tct_tun_kind kind;
  const char *name;    /* NULL: "tct%d", the first free number */
  uint32_t mtu;        /* 0: 1500 */
  uint32_t txqueuelen; /* frames that the kernel may queue towards us; 0: 10000 */
  struct tct_tun_addr addr[TCT_TUN_ADDRS];
  unsigned n_addr;
  bool queues; /* one queue of several; `join`: of a device that is made and configured already */
  bool join;
  bool offload; /* ask for segmentation and checksum offload; t->offload says what came of it */
};

struct tct_tun {
  int fd;
  unsigned ifindex;
  uint32_t mtu;
  char name[16];
  char error[240]; /* one sentence when tct_tun_open failed */
  uint64_t frames_in, frames_out, frames_lost;
  bool offload;      /* each packet stands behind a virtio header, and may be a super-segment */
  bool drained;      /* the last tct_tun_recv took all that there was */
  size_t head_len;   /* of that header, or 0 */
  size_t link_len;   /* of the Ethernet header, or 0 */
  uint8_t mac[6];    /* TAP: the stack's, drawn when the device is opened */
  bool fresh;        /* we made it: nobody but the kernel is on it */
  size_t packet_max; /* bytes, in */
  size_t buf_bytes;  /* as many packets as fit are taken at once */
  uint8_t *buf;
  tct_iov iov[TCT_TUN_BURST];
};

/* 0, or a negated errno with the sentence in t->error; then nothing is left behind. */
int tct_tun_open(struct tct_tun *t, const struct tct_tun_config *c);
/* The device vanishes with its descriptor, also when the process is killed. */
void tct_tun_close(struct tct_tun *t);
long tct_tun_recv(struct tct_tun *t, tct_frame *f, size_t n, tct_time now);
void tct_tun_send(struct tct_tun *t, const tct_frame *f, size_t n);
struct tct_driver tct_tun_driver(struct tct_tun *t);

/* The prefix's first host address that is not the stack's; false when the prefix has no other. */
bool tct_tun_other_addr(tct_addr stack, unsigned prefix_len, tct_addr *other);

#endif
