/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - a small client with blocking calls: HTTP/1.0 GET of / from 10.7.0.1, to stdout.
 *
 *   sudo ./build/examples/example_fetch [ADDRESS [PORT]]
 *
 * A tct_host holds stack, device, clock and loop; the calls below wait like those of a socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tercet/host.h"

#define SECOND 1000000000ull

static int talk(tct_host *h, const tct_endpoint *to) {
  static const char request[] = "GET / HTTP/1.0\r\n\r\n";
  char buf[16384];
  tct_sock k;
  long n;
  int err = tct_host_connect(h, to, 10 * SECOND, &k);
  if (err == TCT_OK)
    err = tct_host_send(h, k, request, sizeof request - 1, 10 * SECOND);
  if (err < 0)
    return err;
  while ((n = tct_host_recv(h, k, buf, sizeof buf, 10 * SECOND)) > 0)
    fwrite(buf, 1, (size_t)n, stdout);
  err = tct_host_close(h, k, 2 * SECOND);
  return n < 0 ? (int)n : err;
}

int main(int argc, char **argv) {
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 7, 0, 1), .port = 80};
  tct_host_config c;
  char error[300];
  if (argc > 1 && tct_addr_parse(argv[1], &to.addr) < 0)
    return fprintf(stderr, "fetch: '%s' is no address\n", argv[1]), 2;
  if (argc > 2)
    to.port = (uint16_t)strtoul(argv[2], NULL, 10);
  if (tct_host_config_init(&c, sizeof c) < 0)
    return 2;
  c.dev = "tun:tct%d";
  c.addr[0] = (tct_host_addr){.addr = tct_addr_ipv4(10, 7, 0, 2), .prefix_len = 24};
  c.n_addr = 1;
  tct_host *h = tct_host_new(&c, error, sizeof error);
  if (h == NULL)
    return fprintf(stderr, "fetch: %s\n", error), 2;
  int err = talk(h, &to);
  if (err < 0)
    fprintf(stderr, "fetch: %s\n", tct_strerror(err));
  tct_host_free(h);
  return err < 0 ? 1 : 0;
}
