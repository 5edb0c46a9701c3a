/* SPDX-License-Identifier: MIT */
/*
 * lwip_tun.c - lwIP behind a TUN device, for bench/tun.sh, built by bench/peers/lwip/build.sh with
 * the options of the engine rows: raw calls, no threads, software checksums, 256 KiB each way.
 *
 *   lwip_tun DEV ADDR [SPIN_US]
 *
 * Port 9 drops what comes, port 19 sends without end. One read is one pbuf, given to lwIP where it
 * lies; what goes out is copied together and written by one call, as this project's driver does
 * it; reads go on until there is nothing more, at most 64 in a row, then timers, then poll(2). With
 * SPIN_US it looks at the device for so long after the last packet before it sleeps. Addresses and
 * queue length of the device are set by the caller. Runs until it is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

enum {
  TUN_MTU = 1500,
  BURST = 64,
  SLOTS = 2048, /* more than two windows, for what is kept out of order */
  SOURCE_BYTES = 512 * 1024,
  WRITE_BYTES = 22 * TCP_MSS /* whole segments: no small one at the end of each */
};

/* One packet that came in; lwIP may keep it for a while. */
struct slot {
  struct pbuf_custom pbuf; /* first: what is freed is the slot */
  struct slot *next;
  uint8_t data[TUN_MTU];
};

static struct slot slots[SLOTS], *free_slots;
static uint8_t source[SOURCE_BYTES];
static struct netif netif;
static int device;

static uint64_t clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

u32_t sys_now(void) {
  return (u32_t)(clock_ns() / 1000000u);
}

/* ---- The device ------------------------------------------------------------------------------ */

static int open_device(const char *name) {
  struct ifreq r;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  memset(&r, 0, sizeof r);
  snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
  r.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (fd >= 0 && ioctl(fd, TUNSETIFF, &r) == 0)
    return fd;
  perror("lwip_tun: the device");
  return -1;
}

static err_t output(struct netif *n, struct pbuf *p, const ip4_addr_t *to) {
  uint8_t packet[TUN_MTU];
  (void)n;
  (void)to;
  u16_t len = pbuf_copy_partial(p, packet, sizeof packet, 0);
  ssize_t wrote;
  do
    wrote = write(device, packet, len);
  while (wrote < 0 && errno == EINTR);
  return ERR_OK; /* what the kernel did not take is lost, as on any wire */
}

static err_t init_netif(struct netif *n) {
  n->name[0] = 't';
  n->name[1] = 'n';
  n->mtu = TUN_MTU;
  n->output = output;
  n->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
  return ERR_OK;
}

static void give_back(struct pbuf *p) {
  struct slot *s = (struct slot *)(void *)p;
  s->next = free_slots;
  free_slots = s;
}

/* 0: nothing there. */
static int read_one(void) {
  struct slot *s = free_slots;
  if (s == NULL)
    return 0;
  ssize_t len = read(device, s->data, sizeof s->data);
  if (len <= 0)
    return 0;
  free_slots = s->next;
  s->pbuf.custom_free_function = give_back;
  struct pbuf *p =
      pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &s->pbuf, s->data, sizeof s->data);
  if (ip4_input(p, &netif) != ERR_OK)
    pbuf_free(p);
  return 1;
}

/* ---- What the ports do ----------------------------------------------------------------------- */

static err_t drop(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e) {
  (void)arg;
  (void)e;
  if (p == NULL)
    return tcp_close(pcb);
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

/* tcp_input sends what was written here. */
static err_t pour(void *arg, struct tcp_pcb *pcb, u16_t acked) {
  static size_t at;
  (void)arg;
  (void)acked;
  while (tcp_sndbuf(pcb) >= WRITE_BYTES && tcp_write(pcb, source + at, WRITE_BYTES, 0) == ERR_OK)
    at = at + 2u * WRITE_BYTES <= SOURCE_BYTES ? at + WRITE_BYTES : 0;
  return ERR_OK;
}

static err_t accept_sink(void *arg, struct tcp_pcb *pcb, err_t e) {
  (void)arg;
  if (e != ERR_OK || pcb == NULL)
    return ERR_VAL;
  tcp_recv(pcb, drop);
  return ERR_OK;
}

static err_t accept_source(void *arg, struct tcp_pcb *pcb, err_t e) {
  if (accept_sink(arg, pcb, e) != ERR_OK)
    return ERR_VAL;
  tcp_nagle_disable(pcb);
  tcp_sent(pcb, pour);
  return pour(arg, pcb, 0);
}

static int listen_at(u16_t port, tcp_accept_fn on_accept) {
  struct tcp_pcb *pcb = tcp_new();
  if (pcb == NULL || tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK)
    return 0;
  pcb = tcp_listen(pcb);
  if (pcb != NULL)
    tcp_accept(pcb, on_accept);
  return pcb != NULL;
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void wait_for_news(void) {
  struct pollfd p = {.fd = device, .events = POLLIN};
  u32_t ms = sys_timeouts_sleeptime();
  if (ms != 0)
    poll(&p, 1, ms < 1000 ? (int)ms : 1000);
}

static void loop(uint64_t spin_ns) {
  uint64_t worked_at = 0;
  for (;;) {
    unsigned n = 0;
    while (n < BURST && read_one())
      n++;
    sys_check_timeouts();
    if (spin_ns != 0 && n > 0)
      worked_at = clock_ns();
    if (n == 0 && (spin_ns == 0 || clock_ns() - worked_at >= spin_ns))
      wait_for_news();
  }
}

int main(int argc, char **argv) {
  ip4_addr_t own, mask, gateway;
  if (argc < 3 || !ip4addr_aton(argv[2], &own)) {
    fputs("usage: lwip_tun DEV ADDR [SPIN_US]\n", stderr);
    return 2;
  }
  device = open_device(argv[1]);
  if (device < 0)
    return 1;
  for (size_t i = 0; i < SLOTS; i++)
    give_back(&slots[i].pbuf.pbuf);
  for (size_t i = 0; i < sizeof source; i++)
    source[i] = (uint8_t)(i * 2654435761u >> 24);
  lwip_init();
  mask.addr = lwip_htonl(0xffffff00u);
  gateway.addr = (own.addr & mask.addr) | lwip_htonl(1);
  if (netif_add(&netif, &own, &mask, &gateway, NULL, init_netif, ip4_input) == NULL ||
      (netif_set_default(&netif), !listen_at(9, accept_sink)) || !listen_at(19, accept_source)) {
    fputs("lwip_tun: lwIP did not start\n", stderr);
    return 1;
  }
  printf("ready, lwIP %s\n", LWIP_VERSION_STRING);
  fflush(stdout);
  loop(argc > 3 ? strtoull(argv[3], NULL, 10) * 1000 : 0);
}
