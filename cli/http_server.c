/* SPDX-License-Identifier: MIT */
/*
 * http_server.c - the file server's frame: listeners, bounded connections, time-outs, log, drain.
 *
 * Called by serve.c; what happens on a connection is http_conn.c. Time-outs are looked at once a
 * second: each kind of waiting has its own queue, and a connection goes to its end when it begins
 * to wait, so only the front of a queue can be overdue.
 */
#include "cli/http_server.h"

#include <string.h>

enum { TICK_NS = 1000000000 };

static const tct_time patience_ns[HTTP_WAIT_COUNT] = {
    [HTTP_WAIT_HEAD] = 15u * 1000000000ull,
    [HTTP_WAIT_NEXT] = 60u * 1000000000ull,
    [HTTP_WAIT_ROOM] = 60u * 1000000000ull,
    [HTTP_WAIT_CLOSE] = 20u * 1000000000ull,
};

/* ---- Queues ---------------------------------------------------------------------------------- */

static void unlink_conn(struct http_server *v, struct http_conn *c) {
  if (c->wait == HTTP_WAIT_COUNT)
    return;
  struct http_queue *q = &v->waiting[c->wait];
  *(c->prev != NULL ? &c->prev->next : &q->first) = c->next;
  *(c->next != NULL ? &c->next->prev : &q->last) = c->prev;
  c->wait = HTTP_WAIT_COUNT;
}

void http_server_set_wait(struct http_server *v, struct http_conn *c, enum http_wait wait) {
  struct http_queue *q = &v->waiting[wait];
  unlink_conn(v, c);
  c->due = tct_host_now(v->host) + patience_ns[wait];
  c->wait = (uint8_t)wait;
  c->next = NULL;
  c->prev = q->last;
  *(q->last != NULL ? &q->last->next : &q->first) = c;
  q->last = c;
}

void http_server_forget(struct http_server *v, struct http_conn *c) {
  unlink_conn(v, c);
  http_conn_free(c);
  v->conns--;
  if (v->draining && v->conns == 0)
    tct_host_stop(v->host, 0);
}

/* ---- Accepting ------------------------------------------------------------------------------- */

static void accept_all(struct http_server *v, tct_sock listener) {
  while (v->conns < v->conns_max) {
    struct http_conn *c = http_conn_new(v, listener);
    if (c == NULL)
      return;
    v->conns++;
    http_server_set_wait(v, c, HTTP_WAIT_HEAD);
    /* Its request may be here already. */
    http_conn_event(v, c, &(tct_event){.sock = c->sock, .flags = TCT_EV_READABLE});
  }
  v->accept_later = true; /* the rest waits in the accept queue, and then in the backlog */
}

static void accept_waiting(struct http_server *v) {
  if (!v->accept_later || v->conns >= v->conns_max)
    return;
  v->accept_later = false;
  for (unsigned i = 0; i < v->n_listeners; i++)
    accept_all(v, v->listener[i]);
}

static void end_broken(struct http_server *v, uint64_t broken) {
  for (unsigned i = 0; i < HTTP_WAIT_COUNT; i++)
    for (struct http_conn *c = v->waiting[i].first, *next; c != NULL; c = next) {
      next = c->next;
      http_conn_check_maps(v, c, broken);
    }
}

/* What was lent and is acknowledged, or whose connection is gone, is taken back; what goes out next
 * is looked at. */
static void on_output(void *ctx) {
  struct http_server *v = ctx;
  uint64_t token;
  while (tct_returned_next(v->stack, &token))
    http_map_return(token);
  http_map_look();
  uint64_t broken = http_map_broke();
  if (broken != 0)
    end_broken(v, broken);
}

static void on_event(void *ctx, const tct_event *ev) {
  struct http_server *v = ctx;
  if (ev->user != v)
    http_conn_event(v, ev->user, ev);
  else if ((ev->flags & TCT_EV_ACCEPT) != 0)
    accept_all(v, ev->sock);
  accept_waiting(v);
}

/* Patience is over: the stack resets what is left; should even that fail, leave. */
static void end_drain(struct http_server *v, tct_time now) {
  tct_drain(v->stack, now);
  if (now >= v->drain_by + 2 * (tct_time)TICK_NS)
    tct_host_stop(v->host, 0);
}

static void on_alarm(void *ctx) {
  struct http_server *v = ctx;
  tct_time now = tct_host_now(v->host);
  for (unsigned i = 0; i < HTTP_WAIT_COUNT; i++) {
    struct http_queue *q = &v->waiting[i];
    while (q->first != NULL && q->first->due <= now)
      http_conn_timeout(v, q->first);
  }
  accept_waiting(v);
  http_map_tick();
  if (v->draining && now >= v->drain_by)
    end_drain(v, now);
  tct_host_set_alarm(v->host, now + TICK_NS);
}

void http_server_init(struct http_server *v, tct_host *host, int root_fd) {
  memset(v, 0, sizeof *v);
  v->host = host;
  v->stack = tct_host_stack(host);
  v->root_fd = root_fd;
  v->conns_max = 10000;
  tct_host_on_event(host, on_event, v);
  tct_host_on_alarm(host, on_alarm, v);
  tct_host_on_output(host, on_output, v);
  tct_host_set_alarm(host, tct_host_now(host) + TICK_NS);
}

int http_server_listen(struct http_server *v, tct_addr addr, uint16_t port) {
  tct_endpoint local = {.addr = addr, .port = port};
  tct_sock k;
  if (v->n_listeners == HTTP_LISTENERS_MAX)
    return TCT_ENOBUFS;
  int err = tct_sock_open(v->stack, TCT_TCP, v, &k);
  if (err < 0)
    return err;
  err = tct_sock_bind(v->stack, k, &local);
  if (err == TCT_OK)
    err = tct_sock_listen(v->stack, k, HTTP_BACKLOG);
  if (err < 0) {
    (void)tct_sock_abort(v->stack, k);
    return err;
  }
  v->listener[v->n_listeners++] = k;
  return TCT_OK;
}

void http_server_drain(struct http_server *v, tct_time deadline) {
  for (unsigned i = 0; i < v->n_listeners; i++) {
    accept_all(v, v->listener[i]); /* whoever is connected gets his answer */
    (void)tct_sock_close(v->stack, v->listener[i]);
  }
  v->n_listeners = 0;
  v->draining = true;
  v->drain_by = deadline;
  for (unsigned i = 0; i < HTTP_WAIT_CLOSE; i++)
    for (struct http_conn *c = v->waiting[i].first, *next; c != NULL; c = next) {
      next = c->next;
      http_conn_drain(v, c);
    }
  if (v->conns == 0)
    tct_host_stop(v->host, 0);
  else if (deadline <= tct_host_now(v->host))
    tct_drain(v->stack, deadline);
}

void http_server_deinit(struct http_server *v) {
  for (unsigned i = 0; i < HTTP_WAIT_COUNT; i++)
    while (v->waiting[i].first != NULL) {
      struct http_conn *c = v->waiting[i].first;
      (void)tct_sock_abort(v->stack, c->sock);
      unlink_conn(v, c);
      http_conn_free(c);
    }
}

/* ---- The log --------------------------------------------------------------------------------- */

/* The label is printable ASCII by the parser's rules; only these two need care. */
static void put_quoted(FILE *to, const char *text) {
  fputc('"', to);
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\')
      fputc('\\', to);
    fputc(*text, to);
  }
  fputc('"', to);
}

void http_server_log(struct http_server *v, const struct http_conn *c) {
  char from[46];
  double ms = (double)(tct_host_now(v->host) - c->began) / 1e6;
  v->requests++;
  v->bytes_sent += c->answer.body_bytes;
  if (v->log == NULL)
    return;
  tct_addr_text(c->remote.addr, from, sizeof from);
  if (v->log_json) {
    fprintf(v->log, "{\"from\":\"%s\",\"port\":%u,\"request\":", from, c->remote.port);
    put_quoted(v->log, c->label);
    fprintf(v->log, ",\"status\":%d,\"bytes\":%llu,\"ms\":%.3f}\n", c->answer.status,
            (unsigned long long)c->answer.body_bytes, ms);
    return;
  }
  fprintf(v->log, "%s:%u  ", from, c->remote.port);
  put_quoted(v->log, c->label);
  fprintf(v->log, "  %d  %llu B  %.1f ms\n", c->answer.status,
          (unsigned long long)c->answer.body_bytes, ms);
}
