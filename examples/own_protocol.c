/* SPDX-License-Identifier: MIT */
/*
 * own_protocol.c - a protocol of your own, tested in the simulator: a counter server. A request is
 * a length and so many letters, the answer is how many letters it has had so far.
 *
 *   ./build/examples/example_own_protocol            200 bad networks, one a seed
 *   ./build/examples/example_own_protocol --wrong    the same with a mistake in the server
 *   ./build/examples/example_own_protocol --wrong 4  that one again: same seed, same segments
 *
 * The mistake is the commonest of all: to take what one recv returns for one message. On a good
 * network it works for years.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tercet/sim.h"

enum { REQUESTS = 50, LETTERS = 200 };

static bool wrong;

struct end {
  tct_sim_app app;  /* first: on_event is given this */
  uint8_t in[4096]; /* what has come and is not yet used */
  size_t n_in;
  uint32_t sent, letters; /* requests sent; letters counted */
  uint32_t answer[REQUESTS], answers;
};

static tct_stack *stack_of(struct end *e) {
  return tct_sim_host_stack(e->app.host);
}

/* ---- The server -------------------------------------------------------------------------------
 */

static size_t serve_one(struct end *s) {
  size_t len = s->n_in > 0 ? 1 + (size_t)s->in[0] : 1;
  if (s->n_in == 0 || (s->n_in < len && !wrong))
    return 0; /* not whole yet: wait for the rest */
  s->letters += (uint32_t)(wrong ? s->n_in : len) - 1;
  uint8_t reply[4] = {(uint8_t)s->letters, (uint8_t)(s->letters >> 8), 0, 0};
  if (tct_sock_send(stack_of(s), s->app.sock, reply, sizeof reply, 0) < 0)
    return 0;
  return wrong ? s->n_in : len; /* the mistake: all of it was one request */
}

static void on_server_event(tct_sim_app *app, const tct_event *ev) {
  struct end *s = (struct end *)(void *)app;
  tct_sock listener = app->sock;
  if (ev->flags & TCT_EV_ACCEPT && tct_sock_accept(stack_of(s), listener, app, &app->sock) < 0)
    return;
  for (long n; (n = tct_sock_recv(stack_of(s), app->sock, s->in + s->n_in, sizeof s->in - s->n_in,
                                  0)) > 0;) {
    s->n_in += (size_t)n;
    for (size_t used; (used = serve_one(s)) > 0;)
      memmove(s->in, s->in + used, s->n_in -= used);
  }
}

/* ---- The client -------------------------------------------------------------------------------
 */

static uint8_t length_of(uint32_t request) {
  return (uint8_t)(1 + request * 37 % LETTERS);
}

/* The next request, every 5 ms. */
static void send_next(void *ctx) {
  struct end *c = ctx;
  uint8_t request[1 + LETTERS];
  memset(request, 'x', sizeof request);
  request[0] = length_of(c->sent);
  if (tct_sock_send(stack_of(c), c->app.sock, request, 1 + (size_t)request[0], 0) > 0 &&
      ++c->sent < REQUESTS)
    tct_sim_at(tct_sim_host_world(c->app.host), tct_now(stack_of(c)) + 5000000, send_next, c);
}

static void on_client_event(tct_sim_app *app, const tct_event *ev) {
  struct end *c = (struct end *)(void *)app;
  uint8_t reply[4];
  if (ev->flags & TCT_EV_CONNECTED)
    send_next(c);
  while (c->answers < REQUESTS &&
         tct_sock_recv(stack_of(c), app->sock, reply, sizeof reply, 0) == sizeof reply)
    c->answer[c->answers++] = reply[0] | (uint32_t)reply[1] << 8;
}

/* ---- One world a seed -------------------------------------------------------------------------
 */

static tct_sim_host *make_host(tct_sim *w, uint8_t last_byte) {
  tct_sim_host_config c;
  tct_sim_config_init(w, &c);
  c.addr = tct_addr_ipv4(10, 0, 0, last_byte);
  c.prefix_len = 24;
  return tct_sim_host_new(w, &c);
}

/* True if every answer is right; else says which is not. Seed 0: nothing is ever lost. */
static bool play(uint64_t seed) {
  static struct end server, client;
  tct_sim *w = tct_sim_new(seed);
  tct_sim_path path = {.delay_ns = 20000000, .rate_bps = 1000000};
  tct_endpoint at = {.port = 7}, to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 7};
  path.loss_ppm = seed != 0 ? 20000 : 0;
  memset(&server, 0, sizeof server);
  memset(&client, 0, sizeof client);
  client.app = (tct_sim_app){on_client_event, make_host(w, 1), {0, 0}};
  server.app = (tct_sim_app){on_server_event, make_host(w, 2), {0, 0}};
  tct_sim_link_new(w, tct_sim_host_end(client.app.host), tct_sim_host_end(server.app.host), &path,
                   &path);
  if (tct_sock_open(stack_of(&server), TCT_TCP, &server.app, &server.app.sock) == TCT_OK &&
      tct_sock_bind(stack_of(&server), server.app.sock, &at) == TCT_OK &&
      tct_sock_listen(stack_of(&server), server.app.sock, 1) == TCT_OK &&
      tct_sock_open(stack_of(&client), TCT_TCP, &client.app, &client.app.sock) == TCT_OK &&
      tct_sock_set(stack_of(&client), client.app.sock, TCT_OPT_NODELAY, 1) == TCT_OK &&
      tct_sock_connect(stack_of(&client), client.app.sock, &to) == TCT_OK)
    tct_sim_run(w, UINT64_C(600) * 1000000000);
  tct_sim_free(w);
  for (uint32_t i = 0, letters = 0; i < REQUESTS; i++) {
    letters += length_of(i);
    if (i < client.answers && client.answer[i] == letters)
      continue;
    printf("seed %llu: answer %u is %s %u, not %u\n", (unsigned long long)seed, i,
           i < client.answers ? "wrong:" : "missing:", i < client.answers ? client.answer[i] : 0,
           letters);
    return false;
  }
  return true;
}

int main(int argc, char **argv) {
  wrong = argc > 1 && strcmp(argv[1], "--wrong") == 0;
  if (argc > 1 + wrong)
    return play(strtoull(argv[1 + wrong], NULL, 0)) ? 0 : 1;
  if (play(0))
    puts("a good network: every answer right");
  for (uint64_t seed = 1; seed <= 200; seed++)
    if (!play(seed))
      return 1;
  puts("200 bad networks: every answer right");
  return 0;
}
