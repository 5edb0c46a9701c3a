/* SPDX-License-Identifier: MIT */
/*
 * node.c - one side of the benchmark on lwIP's raw interface: accepts, connects, echoes, writes,
 * closes. Built together with lwIP's sources by build.sh into a library; see node.h. Packets are
 * copied once, into the slot; what comes in is referred to, not copied; the receiver looks at
 * nothing.
 */
#include "bench/peers/lwip/node.h"

#include <stdlib.h>
#include <string.h>

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

static struct lwip_node_setup setup;
static struct lwip_node_counts count;
static struct netif netif;
static struct tcp_pcb **pcbs;
static bool echo;

u32_t sys_now(void) {
  return (u32_t)(setup.now_ns() / 1000000u);
}

/* ---- The link -------------------------------------------------------------------------------- */

static err_t output(struct netif *n, struct pbuf *p, const ip4_addr_t *to) {
  (void)n;
  (void)to;
  uint8_t *slot = setup.slot(), *at = slot;
  if (slot == NULL)
    return ERR_MEM;
  for (struct pbuf *q = p; q != NULL; q = q->next) {
    memcpy(at, q->payload, q->len);
    at += q->len;
  }
  setup.commit((uint32_t)(at - slot));
  return ERR_OK;
}

static err_t init_netif(struct netif *n) {
  n->name[0] = 'b';
  n->name[1] = 'n';
  n->mtu = setup.mtu;
  n->output = output;
  n->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
  return ERR_OK;
}

static void forget(struct pbuf *p) {
  (void)p; /* the slot is the ring's */
}

static void input(uint8_t *packet, uint32_t len) {
  static struct pbuf_custom ref; /* given back before the call returns */
  ref.custom_free_function = forget;
  struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &ref, packet, (u16_t)len);
  if (ip4_input(p, &netif) != ERR_OK)
    pbuf_free(p);
}

static bool start(const struct lwip_node_setup *s) {
  ip4_addr_t own, mask, gateway;
  setup = *s;
  pcbs = calloc(s->conns, sizeof *pcbs);
  lwip_init();
  own.addr = lwip_htonl(s->address);
  mask.addr = lwip_htonl(0xff000000u);
  gateway.addr = lwip_htonl(s->peer);
  return pcbs != NULL && netif_add(&netif, &own, &mask, &gateway, NULL, init_netif, ip4_input) &&
         (netif_set_default(&netif), true);
}

static void tick(void) {
  sys_check_timeouts();
}

/* ---- The server ------------------------------------------------------------------------------ */

static err_t serve(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e) {
  (void)arg;
  (void)e;
  if (p == NULL) {
    tcp_recv(pcb, NULL);
    return tcp_close(pcb);
  }
  u16_t len = p->tot_len;
  count.received += len;
  if (echo && tcp_write(pcb, p->payload, len, TCP_WRITE_FLAG_COPY) == ERR_OK)
    (void)tcp_output(pcb);
  tcp_recved(pcb, len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t accept_one(void *arg, struct tcp_pcb *pcb, err_t e) {
  (void)arg;
  if (e != ERR_OK || pcb == NULL)
    return ERR_VAL;
  count.accepted++;
  tcp_nagle_disable(pcb);
  tcp_recv(pcb, serve);
  return ERR_OK;
}

static bool listen_here(void) {
  struct tcp_pcb *pcb = tcp_new();
  if (pcb == NULL || tcp_bind(pcb, IP_ADDR_ANY, setup.port) != ERR_OK)
    return false;
  pcb = tcp_listen(pcb);
  if (pcb == NULL)
    return false;
  tcp_accept(pcb, accept_one);
  return true;
}

/* ---- The client ------------------------------------------------------------------------------ */

static err_t take_reply(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e) {
  (void)arg;
  (void)e;
  if (p == NULL) {
    count.ended++;
    return ERR_OK;
  }
  count.replies++;
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t e) {
  count.connected++;
  if (e != ERR_OK)
    return e;
  if (arg != NULL) /* the end is seen by the server's FIN; the callback goes with the close */
    return tcp_shutdown(pcb, 0, 1);
  return ERR_OK;
}

static err_t end_on_fin(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e) {
  (void)arg;
  (void)e;
  if (p != NULL) {
    pbuf_free(p);
    return ERR_OK;
  }
  count.ended++;
  return tcp_close(pcb);
}

static bool connect_one(uint32_t conn, bool then_close) {
  ip_addr_t to;
  struct tcp_pcb *pcb = tcp_new();
  if (pcb == NULL)
    return false;
  ip_addr_set_ip4_u32(&to, lwip_htonl(setup.peer));
  tcp_nagle_disable(pcb);
  tcp_arg(pcb, then_close ? &count : NULL);
  tcp_recv(pcb, then_close ? end_on_fin : take_reply);
  if (!then_close)
    pcbs[conn] = pcb;
  return tcp_connect(pcb, &to, setup.port, on_connected) == ERR_OK;
}

static void prefetch(const uint32_t *conn, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    for (size_t at = 0; at < sizeof(struct tcp_pcb); at += 64)
      __builtin_prefetch((const uint8_t *)pcbs[conn[i]] + at);
}

static bool request(uint32_t conn, uint32_t len) {
  if (tcp_write(pcbs[conn], setup.source(len), (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK)
    return false;
  return tcp_output(pcbs[conn]) == ERR_OK;
}

static bool write_some(uint32_t conn) {
  struct tcp_pcb *pcb = pcbs[conn];
  u16_t len = (u16_t)setup.write_bytes;
  bool took = false;
  while (tcp_sndbuf(pcb) >= len &&
         tcp_write(pcb, setup.source(len), len, setup.copy ? TCP_WRITE_FLAG_COPY : 0) == ERR_OK)
    took = true;
  (void)tcp_output(pcb);
  return took;
}

static void set_echo(bool on) {
  echo = on;
}

static const struct lwip_node_counts *counts(void) {
  return &count;
}

static const char *version(void) {
  return LWIP_VERSION_STRING;
}

static uint32_t pcb_bytes(void) {
  return (uint32_t)sizeof(struct tcp_pcb);
}

const struct lwip_node lwip_node = {start,       input,    tick,    listen_here,
                                    connect_one, prefetch, request, write_some,
                                    set_echo,    counts,   version, pcb_bytes};
