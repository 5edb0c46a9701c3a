/* SPDX-License-Identifier: MIT */
/*
 * http_conn.c - one connection of the file server: read a head, answer it, next.
 *
 * Called by http_server.c with events and time-outs. Requests that come faster than answers go
 * out stay unread in the socket, so a client that pipelines is held back by its own window. A
 * connection ends by half-close and then reading on, so that the answer is not lost in a reset
 * (RFC 9112 section 9.6).
 */
#include <stdlib.h>
#include <string.h>

#include "cli/http_server.h"

enum {
  HEAD_FIRST = 2048,     /* most heads fit */
  SKIP_MAX = 1024 * 1024 /* a longer body ends the connection */
};

struct http_conn *http_conn_new(struct http_server *v, tct_sock listener) {
  struct http_conn *c = calloc(1, sizeof *c);
  if (c == NULL)
    return NULL;
  c->wait = HTTP_WAIT_COUNT;
  c->answer.fd = -1;
  if (tct_sock_accept(v->stack, listener, c, &c->sock) < 0) {
    free(c);
    return NULL;
  }
  tct_endpoint local;
  (void)tct_sock_name(v->stack, c->sock, &local, &c->remote);
  (void)!tct_sock_set(v->stack, c->sock, TCT_OPT_NODELAY, 1); /* MSG_MORE says what to hold */
  return c;
}

void http_conn_free(struct http_conn *c) {
  http_response_deinit(&c->answer);
  free(c->head);
  free(c);
}

static void abort_conn(struct http_server *v, struct http_conn *c) {
  (void)tct_sock_abort(v->stack, c->sock);
  http_server_forget(v, c);
}

/* After our half-close: throw away until the peer's end. */
static void read_out(struct http_server *v, struct http_conn *c) {
  tct_iov piece[8];
  unsigned n = 8;
  while (!c->seen_eof && tct_sock_rx_peek(v->stack, c->sock, piece, &n) == TCT_OK && n > 0) {
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
      len += piece[i].len;
    if (tct_sock_rx_consume(v->stack, c->sock, len) < 0)
      break;
    n = 8;
  }
  char byte;
  if (!c->seen_eof && tct_sock_recv(v->stack, c->sock, &byte, 1, TCT_MSG_PEEK) != 0)
    return;
  c->seen_eof = true;
  (void)tct_sock_close(v->stack, c->sock);
}

/* The last answer is in: no more from us, and the peer's rest goes unread into the void. */
static void begin_close(struct http_server *v, struct http_conn *c) {
  c->closing = true;
  http_server_set_wait(v, c, HTTP_WAIT_CLOSE);
  if (c->seen_eof)
    (void)tct_sock_close(v->stack, c->sock);
  else if (tct_sock_shutdown(v->stack, c->sock, TCT_SHUT_WR) == TCT_OK)
    read_out(v, c); /* what came before makes no new event */
}

/* ---- Answering ------------------------------------------------------------------------------- */

static void end_answer(struct http_server *v, struct http_conn *c) {
  bool keep = c->answer.keep_alive && !v->draining;
  http_server_log(v, c);
  http_response_deinit(&c->answer);
  c->responding = false;
  if (!keep)
    begin_close(v, c);
}

/* False: the connection is gone, or waits for room. */
static bool send_answer(struct http_server *v, struct http_conn *c) {
  int err = http_response_pump(&c->answer, v->stack, c->sock);
  if (err == TCT_EAGAIN) {
    http_server_set_wait(v, c, HTTP_WAIT_ROOM);
    return false;
  }
  if (err != TCT_OK) { /* the peer is gone, or the file became shorter: the length was a promise */
    abort_conn(v, c);
    return false;
  }
  end_answer(v, c);
  return !c->closing;
}

static void set_label(struct http_conn *c, const char *method, const char *target) {
  size_t n = strlen(method), room = sizeof c->label - 1;
  if (n > room - 1)
    n = room - 1;
  memcpy(c->label, method, n);
  c->label[n++] = ' ';
  size_t m = strlen(target);
  if (m > room - n)
    m = room - n;
  memcpy(c->label + n, target, m);
  c->label[n + m] = '\0';
}

static bool has_unacked(const struct http_server *v, const struct http_conn *c) {
  tct_info info = {.size = sizeof info};
  return tct_sock_info(v->stack, c->sock, &info) != TCT_OK || info.unacked > 0 ||
         info.notsent_bytes > 0;
}

static void answer_head(struct http_server *v, struct http_conn *c, size_t head_len) {
  struct http_request r;
  int status = http_request_parse(&r, c->head, head_len);
  c->responding = true;
  http_server_set_wait(v, c, HTTP_WAIT_ROOM);
  if (status != 0) {
    set_label(c, "-", "-");
    http_response_error(&c->answer, status);
    return;
  }
  set_label(c, r.method_name, r.target);
  c->skip = r.content_length;
  if (c->skip > SKIP_MAX || v->draining)
    r.keep_alive = false;
  if (c->lent != 0 && !has_unacked(v, c))
    c->lent = 0;
  http_response_make(&c->answer, &r, v->root_fd);
  if (c->answer.map != NULL)
    c->lent |= http_map_bit(c->answer.map);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool make_room(struct http_conn *c) {
  if (c->head_len < c->head_cap)
    return true;
  size_t cap = c->head_cap == 0 ? HEAD_FIRST : HTTP_HEAD_MAX;
  char *head = realloc(c->head, cap);
  if (head == NULL)
    return false;
  c->head = head;
  c->head_cap = cap;
  return true;
}

static void drop_front(struct http_conn *c, size_t n) {
  c->head_len -= n;
  if (c->head_len > 0) {
    memmove(c->head, c->head + n, c->head_len);
    return;
  }
  free(c->head); /* an idle connection keeps no buffer */
  c->head = NULL;
  c->head_cap = 0;
}

static void skip_body(struct http_conn *c) {
  size_t n = c->skip < c->head_len ? (size_t)c->skip : c->head_len;
  c->skip -= n;
  if (n > 0)
    drop_front(c, n);
}

/* More of a head into the buffer. False: nothing came now (or never will). */
static bool read_more(struct http_server *v, struct http_conn *c) {
  if (c->seen_eof || !make_room(c))
    return false;
  long n = tct_sock_recv(v->stack, c->sock, c->head + c->head_len, c->head_cap - c->head_len, 0);
  if (n == 0)
    c->seen_eof = true;
  if (n <= 0)
    return false;
  if (c->head_len == 0)
    c->began = tct_host_now(v->host);
  c->head_len += (size_t)n;
  return true;
}

/* Nothing more to read now: wait for it, or end. */
static void rest(struct http_server *v, struct http_conn *c) {
  if (c->seen_eof) {
    begin_close(v, c);
    return;
  }
  if (c->head_len == 0)
    drop_front(c, 0);
  if (c->head_len == 0 && v->draining)
    begin_close(v, c);
  else if (c->head_len == 0)
    http_server_set_wait(v, c, HTTP_WAIT_NEXT);
  else if (c->wait != HTTP_WAIT_HEAD) /* one byte now and then must not win time */
    http_server_set_wait(v, c, HTTP_WAIT_HEAD);
}

/* One request, if it is all there. */
static bool take_request(struct http_server *v, struct http_conn *c) {
  for (;;) {
    skip_body(c);
    size_t len = c->skip == 0 ? http_head_end(c->head, c->head_len) : 0;
    if (len > 0) {
      answer_head(v, c, len);
      drop_front(c, len);
      return true;
    }
    if (c->head_len == HTTP_HEAD_MAX) {
      c->responding = true;
      set_label(c, "-", "-");
      http_response_error(&c->answer, 431);
      return true;
    }
    if (!read_more(v, c))
      return false;
  }
}

/* Bounded by the room to send, and by what the receive window let in. */
static void serve_requests(struct http_server *v, struct http_conn *c) {
  while (take_request(v, c))
    if (!send_answer(v, c))
      return;
  rest(v, c);
}

/* ---- From outside ---------------------------------------------------------------------------- */

void http_conn_event(struct http_server *v, struct http_conn *c, const tct_event *ev) {
  if ((ev->flags & TCT_EV_CLOSED) != 0) {
    http_server_forget(v, c);
    return;
  }
  if (c->closing) {
    read_out(v, c);
    return;
  }
  if (c->responding && !send_answer(v, c))
    return;
  serve_requests(v, c);
}

void http_conn_timeout(struct http_server *v, struct http_conn *c) {
  if (c->wait == HTTP_WAIT_HEAD) {
    c->responding = true;
    set_label(c, "-", "-");
    http_response_error(&c->answer, 408);
    (void)send_answer(v, c);
  } else if (c->wait == HTTP_WAIT_NEXT) {
    begin_close(v, c);
  } else {
    abort_conn(v, c);
  }
}

void http_conn_check_maps(struct http_server *v, struct http_conn *c, uint64_t broken) {
  bool sends = c->answer.map != NULL && c->answer.map->broken;
  if (sends || ((c->lent & broken) != 0 && has_unacked(v, c)))
    abort_conn(v, c);
}

void http_conn_drain(struct http_server *v, struct http_conn *c) {
  if (!c->responding && !c->closing && c->head_len == 0)
    begin_close(v, c);
}
