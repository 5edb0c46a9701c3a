/* SPDX-License-Identifier: MIT */
/*
 * Applications for simulated hosts: a flow sends so many octets, reads what comes, checks that it
 * is what the other side wrote, and closes as told; a server hands its connections to flows. They
 * run outside the stack, on its events, as any program would. Content is a function of key and
 * position, so that an octet that is doubled, lost or moved is seen at once.
 */
#include "sim/content.h"
#include "sim/hash.h"
#include "tercet/sim_check.h"
#include "util/mem.h"
#include "util/time.h"

enum { FLOW_PIECE = 4096 };

static tct_stack *stack_of(const tct_sim_flow *f) {
  return tct_sim_host_stack(f->app.host);
}

static tct_time now_of(const tct_sim_flow *f) {
  return tct_sim_now(tct_sim_host_world(f->app.host));
}

/* ---- Sending ---- */

static void make_piece(const tct_sim_flow *f, uint8_t *to, size_t len) {
  if (f->tx_bytes != NULL)
    memcpy(to, f->tx_bytes + f->tx_done, len);
  else
    sim_content_fill(tct_sim_host_world(f->app.host), f->tx_key, f->tx_done, to, len);
}

static void send_some(tct_sim_flow *f) {
  uint8_t piece[FLOW_PIECE];
  if (f->waiting)
    return;
  while (f->tx_done < f->tx_total && !f->shut && !f->closed) {
    size_t want = (size_t)tct_min_u64(f->tx_total - f->tx_done, sizeof piece);
    long n;
    if (f->write_max)
      want = tct_min_size(want, f->write_max);
    make_piece(f, piece, want);
    n = tct_sock_send(stack_of(f), f->app.sock, piece, want, 0);
    tct_sim_check_call(f->app.host, f->app.sock, TCT_SIM_WROTE, piece, n);
    if (n <= 0) {
      if (n != TCT_EAGAIN && f->err == 0)
        f->err = (int)n;
      return;
    }
    f->tx_done += (uint64_t)n;
  }
}

/* ---- Receiving ---- */

static void take_piece(tct_sim_flow *f, const uint8_t *bytes, size_t len) {
  tct_sim *w = tct_sim_host_world(f->app.host);
  if (f->rx_done == 0)
    f->first_rx_at = now_of(f);
  if (!f->rx_any && !sim_content_is(w, f->rx_key, f->rx_done, bytes, len))
    f->rx_wrong = true;
  f->rx_hash = sim_hash(f->rx_hash, bytes, len);
  f->rx_done += len;
  if (f->on_data != NULL)
    f->on_data(f, bytes, len);
}

static void read_all(tct_sim_flow *f) {
  uint8_t piece[FLOW_PIECE];
  while (!f->rx_paused && !f->eof && !f->closed) {
    long n = tct_sock_recv(stack_of(f), f->app.sock, piece, sizeof piece, 0);
    tct_sim_check_call(f->app.host, f->app.sock, TCT_SIM_READ, piece, n);
    if (n < 0)
      return;
    if (n == 0) {
      f->eof = true;
      f->eof_at = now_of(f);
      return;
    }
    take_piece(f, piece, (size_t)n);
  }
}

/* ---- Closing ---- */

static void close_sock(tct_sim_flow *f) {
  int err;
  if (f->closed || f->close_done || f->app.sock.gen == 0)
    return;
  f->close_done = true;
  err = tct_sock_close(stack_of(f), f->app.sock);
  tct_sim_check_call(f->app.host, f->app.sock, TCT_SIM_CLOSED, NULL, err);
  if (err < 0 && f->err == 0)
    f->err = err;
}

static void shut_sending(tct_sim_flow *f) {
  int err;
  if (f->shut || f->closed)
    return;
  f->shut = true;
  err = tct_sock_shutdown(stack_of(f), f->app.sock, TCT_SHUT_WR);
  tct_sim_check_call(f->app.host, f->app.sock, TCT_SIM_SHUT_WR, NULL, err);
  if (err < 0 && f->err == 0)
    f->err = err;
}

static void close_now(void *ctx) {
  tct_sim_flow *f = ctx;
  if (stack_of(f) == NULL)
    return;
  if (f->close == TCT_SIM_CLOSE_AFTER_SEND)
    shut_sending(f);
  else
    close_sock(f);
}

static bool wants_close(const tct_sim_flow *f) {
  bool sent = f->connected && !f->waiting && f->tx_done == f->tx_total;
  switch (f->close) {
  case TCT_SIM_CLOSE_AFTER_SEND:
  case TCT_SIM_CLOSE_ABRUPTLY:
    return sent;
  case TCT_SIM_CLOSE_ON_EOF:
    return sent && f->eof;
  case TCT_SIM_KEEP_OPEN:
    break;
  }
  return false;
}

static void close_if_due(tct_sim_flow *f) {
  if (!f->close_asked && wants_close(f)) {
    f->close_asked = true;
    if (f->close_after_ns == 0)
      close_now(f);
    else
      tct_sim_at(tct_sim_host_world(f->app.host), now_of(f) + f->close_after_ns, close_now, f);
  }
  if (f->close == TCT_SIM_CLOSE_AFTER_SEND && f->shut && f->eof)
    close_sock(f);
}

/* ---- Events ---- */

void tct_sim_flow_poke(tct_sim_flow *f) {
  if (f->closed || f->close_done || f->app.sock.gen == 0 || stack_of(f) == NULL)
    return;
  send_some(f);
  read_all(f);
  close_if_due(f);
}

static void start_now(void *ctx) {
  tct_sim_flow *f = ctx;
  f->waiting = false;
  tct_sim_flow_poke(f);
}

static void become_connected(tct_sim_flow *f) {
  f->connected = true;
  f->connected_at = now_of(f);
  if (f->start_after_ns == 0)
    return;
  f->waiting = true;
  tct_sim_at(tct_sim_host_world(f->app.host), now_of(f) + f->start_after_ns, start_now, f);
}

static void on_flow_event(tct_sim_app *app, const tct_event *ev) {
  tct_sim_flow *f = TCT_CONTAINER_OF(app, tct_sim_flow, app);
  if (ev->flags & TCT_EV_CONNECTED)
    become_connected(f);
  if (!(ev->flags & TCT_EV_CLOSED)) {
    tct_sim_flow_poke(f);
    return;
  }
  f->closed = true;
  f->closed_at = now_of(f);
  f->why = ev->why;
  if (ev->err != 0)
    f->err = ev->err;
}

int tct_sim_flow_open(tct_sim_flow *f, tct_sim_host *h) {
  f->app.on_event = on_flow_event;
  f->app.host = h;
  return tct_sock_open(tct_sim_host_stack(h), TCT_TCP, &f->app, &f->app.sock);
}

int tct_sim_flow_connect_sock(tct_sim_flow *f, const tct_endpoint *remote) {
  return tct_sock_connect(stack_of(f), f->app.sock, remote);
}

int tct_sim_flow_connect(tct_sim_flow *f, tct_sim_host *h, const tct_endpoint *remote) {
  int err = tct_sim_flow_open(f, h);
  return err < 0 ? err : tct_sim_flow_connect_sock(f, remote);
}

/* ---- Servers ---- */

static bool accept_one(tct_sim_server *v, tct_sim_flow *f) {
  tct_sim_host *h = v->app.host;
  f->app.on_event = on_flow_event;
  f->app.host = h;
  if (tct_sock_accept(tct_sim_host_stack(h), v->app.sock, &f->app, &f->app.sock) < 0)
    return false;
  v->n_taken++;
  become_connected(f);
  tct_sim_flow_poke(f);
  return true;
}

void tct_sim_server_poke(tct_sim_server *v) {
  while (v->n_taken < v->n_flows && accept_one(v, &v->flows[v->n_taken])) {
  }
}

static void on_server_event(tct_sim_app *app, const tct_event *ev) {
  if (ev->flags & TCT_EV_ACCEPT)
    tct_sim_server_poke(TCT_CONTAINER_OF(app, tct_sim_server, app));
}

int tct_sim_server_open(tct_sim_server *v, tct_sim_host *h) {
  v->app.on_event = on_server_event;
  v->app.host = h;
  return tct_sock_open(tct_sim_host_stack(h), TCT_TCP, &v->app, &v->app.sock);
}

int tct_sim_server_start(tct_sim_server *v, uint16_t port, unsigned backlog) {
  tct_endpoint any = {.port = port};
  tct_stack *s = tct_sim_host_stack(v->app.host);
  int err = tct_sock_bind(s, v->app.sock, &any);
  return err < 0 ? err : tct_sock_listen(s, v->app.sock, backlog);
}

int tct_sim_server_listen(tct_sim_server *v, tct_sim_host *h, uint16_t port, unsigned backlog) {
  int err = tct_sim_server_open(v, h);
  return err < 0 ? err : tct_sim_server_start(v, port, backlog);
}
