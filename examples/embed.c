/* SPDX-License-Identifier: MIT */
/*
 * embed.c - two stacks in one process, joined by a function call: no system call, no clock, no
 * thread. What a microcontroller, a simulator or a test does with the core.
 *
 *   ./build/examples/example_embed
 *
 * Time is a number that this program counts up; frames go from one tct_output_copy to the other's
 * tct_input. The C library is needed only for malloc and printf.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tercet/tercet.h"

struct node {
  tct_stack *stack;
  tct_if ifc;
};

static void *get_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  if (align < 16)
    align = 16;
  return aligned_alloc(align, (size + align - 1) / align * align);
}

static void give_back(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static bool make_node(struct node *n, uint8_t last_byte) {
  tct_config c;
  tct_if_config link = {.size = sizeof link, .link = TCT_LINK_IP, .mtu = 1500};
  int err;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){get_memory, give_back, NULL};
  memset(c.seed, last_byte, sizeof c.seed); /* a product must use real randomness */
  n->stack = tct_new(&c, &err);
  return n->stack != NULL && tct_if_add(n->stack, &link, &n->ifc) == TCT_OK &&
         tct_if_set(n->stack, n->ifc, TCT_IF_UP, 1) == TCT_OK &&
         tct_if_addr_add(n->stack, n->ifc, tct_addr_ipv4(192, 0, 2, last_byte), 24) == TCT_OK;
}

/* All that `from` wants to send, into `to`. */
static void carry(struct node *from, struct node *to, tct_time now) {
  uint8_t packet[1500];
  size_t len;
  while ((len = tct_output_copy(from->stack, from->ifc, packet, sizeof packet, now)) > 0) {
    tct_iov piece = {packet, len};
    tct_frame f = {.iov = &piece, .n_iov = 1, .len = (uint32_t)len, .at = now};
    tct_input(to->stack, to->ifc, &f, 1, now);
  }
}

static void step(struct node *a, struct node *b, tct_time now) {
  tct_advance(a->stack, now);
  tct_advance(b->stack, now);
  carry(a, b, now);
  carry(b, a, now);
}

int main(void) {
  struct node client, server;
  tct_endpoint to = {.addr = tct_addr_ipv4(192, 0, 2, 80), .port = 80};
  tct_endpoint here = {.port = 80};
  tct_sock listener, k, child = {0, 0};
  char text[64];
  long n = 0;
  if (!make_node(&client, 10) || !make_node(&server, 80) ||
      tct_sock_open(server.stack, TCT_TCP, NULL, &listener) < 0 ||
      tct_sock_bind(server.stack, listener, &here) < 0 ||
      tct_sock_listen(server.stack, listener, 8) < 0 ||
      tct_sock_open(client.stack, TCT_TCP, NULL, &k) < 0 ||
      tct_sock_connect(client.stack, k, &to) < 0)
    return fprintf(stderr, "embed: set-up failed\n"), 3;

  for (tct_time now = 0; now < 5000000000u && n <= 0; now += 10000000) {
    step(&client, &server, now);
    if (child.gen == 0 && tct_sock_accept(server.stack, listener, NULL, &child) == TCT_OK)
      (void)!tct_sock_send(server.stack, child, "hello from the other stack", 26, 0);
    n = tct_sock_recv(client.stack, k, text, sizeof text, 0);
  }
  if (n > 0)
    printf("the client read: %.*s\n", (int)n, text);
  tct_free(client.stack);
  tct_free(server.stack);
  return n > 0 ? 0 : 1;
}
