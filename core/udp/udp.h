/* SPDX-License-Identifier: MIT */
/*
 * udp.h - UDP sockets: the struct, the layer's state, and what its four files ask of each other.
 * udp.c owns lives, options and news; udp_bind.c addresses, ports and the tables; udp_input.c the
 * receive queue; udp_output.c the send queue.
 */
#ifndef TCT_UDP_UDP_H
#define TCT_UDP_UDP_H

#include "stack.h"

#define TCT_UDP_NO_IF UINT32_MAX
#define TCT_UDP_BUFFER_BYTES 212992u /* where the configuration says nothing: as Linux */

/* A datagram that waits, either way; or several of seg_size bytes, to be cut on the way out. */
struct tct_udp_dgram {
  struct tct_list node;
  tct_addr local, remote;
  uint16_t lport, rport;
  uint16_t seg_size;
  uint8_t hop_limit, tclass;
  bool dont_frag;
  uint32_t ifi;
  uint32_t len;
  uint32_t cut; /* out: bytes of data that have left */
  uint8_t data[];
};

enum tct_udp_life {
  TCT_UDP_FREE,
  TCT_UDP_OPEN,
  TCT_UDP_CLOSING,  /* closed, CLOSED not pulled yet */
  TCT_UDP_DRAINING, /* CLOSED was pulled: no handle, but datagrams that still have to leave */
};

struct tct_udp {
  uint32_t link;  /* of free ones, by slab */
  uint32_t index; /* without TCT_SOCK_UDP_BIT */
  uint32_t gen;
  uint8_t life;            /* enum tct_udp_life */
  uint8_t hop_limit, dscp; /* hop_limit 0: the stack's */
  uint8_t recv_tclass;
  bool v6only, reuse_addr, reuse_port, broadcast, frag_always, soft_errors_off; /* options */
  bool connected;
  bool wants_room;     /* a send was short: WRITABLE is owed */
  uint32_t bound_ifi;  /* bound to this interface, or TCT_UDP_NO_IF */
  uint32_t ifi;        /* the same, or the one that connect named */
  tct_addr bound_addr; /* as bound; any until then */
  tct_addr laddr;      /* as connected: any while it is not and bound_addr is any */
  tct_addr raddr;
  uint16_t lport, rport; /* lport 0: in no table */
  uint16_t last_rport;   /* last peer sent to: the only one whose too-big is believed */
  tct_addr last_raddr;
  uint64_t hash; /* in the demux table */
  struct tct_list on_port;
  struct tct_list event; /* in tct_udp_state.events */
  struct tct_list ready; /* in tct_iface.udp_ready of the interface of tx's head */
  uint32_t news;         /* TCT_EV_* not pulled yet */
  int soft_err, pending_err;
  struct tct_list rx, tx;
  uint32_t rx_bytes, tx_bytes; /* charged: headers included */
  uint32_t rcvbuf_bytes, sndbuf_bytes;
  void *user;
};

/* A local port in use, with all sockets on it: asked when somebody else wants it. */
struct tct_udp_port {
  uint32_t link, index;
  uint32_t port;
  uint32_t n;
  struct tct_list socks;
};

struct tct_udp_state {
  struct tct_slab socks, ports;
  struct tct_table by_tuple, by_port;
  struct tct_list events;
  struct tct_list sent;  /* datagrams that the last frames still point into */
  uint64_t queued_bytes; /* all datagrams, sent ones included */
  uint64_t key[2];       /* of both tables: keys.table as it was when they were empty */
};

/* ---- udp.c ----------------------------------------------------------------------------------- */

/* The open socket of a handle; NULL if there is none. */
struct tct_udp *tct_udp_find(const tct_stack *s, tct_sock k);
tct_sock tct_udp_handle(const struct tct_udp *u);
void tct_udp_note(tct_stack *s, struct tct_udp *u, uint32_t news);
/* The pending error, cleared; TCT_OK if none. */
int tct_udp_take_error(struct tct_udp *u);
/* NULL at a limit: limits.buffer_bytes is for all queues together. */
struct tct_udp_dgram *tct_udp_dgram_new(tct_stack *s, uint32_t len);
void tct_udp_dgram_free(tct_stack *s, struct tct_udp_dgram *d);
static inline uint32_t tct_udp_dgram_cost(uint32_t len) {
  return (uint32_t)sizeof(struct tct_udp_dgram) + len;
}
/* The last datagram of a closed socket has left. */
void tct_udp_on_drained(tct_stack *s, struct tct_udp *u);
void tct_udp_check(const tct_stack *s);

/* ---- udp_bind.c ------------------------------------------------------------------------------ */

struct tct_udp_tuple { /* as a packet for us has it: local is its destination */
  tct_addr local, remote;
  uint16_t lport, rport;
  uint32_t ifi;
};
struct tct_udp *tct_udp_lookup(const tct_stack *s, const struct tct_udp_tuple *t);
/* A port for a socket that sends without having one. */
int tct_udp_autobind(tct_stack *s, struct tct_udp *u);
void tct_udp_unbind(tct_stack *s, struct tct_udp *u);
/* The interface that an endpoint names, TCT_UDP_NO_IF for none; TCT_ENODEV for a stale one. */
int tct_udp_get_if(tct_stack *s, const tct_endpoint *e, uint32_t *ifi);
/* May this socket talk to that family and kind of address at all? */
int tct_udp_check_peer(const tct_stack *s, const struct tct_udp *u, tct_addr a, uint16_t port);

/* ---- udp_output.c ---------------------------------------------------------------------------- */

void tct_udp_drop_tx(tct_stack *s, struct tct_udp *u);
void tct_udp_release_sent(tct_stack *s);

#endif
