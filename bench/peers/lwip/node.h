/* SPDX-License-Identifier: MIT */
/*
 * node.h - one lwIP as a library that is loaded once a side: lwIP keeps its state in globals, so
 * two sides are two files. node.c is built with lwIP; bench/engine/lwip.c calls it.
 */
#ifndef TCT_BENCH_LWIP_NODE_H
#define TCT_BENCH_LWIP_NODE_H

#include <stdbool.h>
#include <stdint.h>

struct lwip_node_setup {
  uint32_t address, peer; /* host order */
  uint16_t mtu, port;
  uint64_t (*now_ns)(void);
  uint8_t *(*slot)(void); /* room for a packet of mtu bytes, or NULL */
  void (*commit)(uint32_t len);
  const uint8_t *(*source)(uint32_t len); /* bytes to send that may be referred to */
  uint32_t conns, write_bytes;
  bool copy;
};
struct lwip_node_counts {
  uint64_t connected, accepted, replies, received, ended;
};
struct lwip_node {
  bool (*start)(const struct lwip_node_setup *);
  void (*input)(uint8_t *packet, uint32_t len); /* stays readable for the call only */
  void (*tick)(void);
  bool (*listen)(void);
  bool (*connect)(uint32_t conn, bool then_close);
  void (*prefetch)(const uint32_t *conn, uint32_t n); /* requests on these come next */
  bool (*request)(uint32_t conn, uint32_t len);
  bool (*write)(uint32_t conn); /* false: no room now */
  void (*echo)(bool on);
  const struct lwip_node_counts *(*counts)(void);
  const char *(*version)(void);
  uint32_t (*pcb_bytes)(void); /* of a connection, in any state */
};
extern const struct lwip_node lwip_node; /* the one symbol that is looked up */

#endif
