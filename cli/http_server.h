/* SPDX-License-Identifier: MIT */
/*
 * http_server.h - a file server over a tct_host: listeners and their connections.
 *
 * http_server.c owns the server, its time-out lists and its log; http_conn.c owns a connection.
 */
#ifndef TCT_CLI_HTTP_SERVER_H
#define TCT_CLI_HTTP_SERVER_H

#include <stdio.h>

#include "cli/http_response.h"
#include "tercet/host.h"

enum { HTTP_LISTENERS_MAX = TCT_HOST_ADDRS, HTTP_BACKLOG = 4096, HTTP_LABEL_MAX = 120 };

/* What a connection waits for; each has one time-out, so that a list is a queue ordered by time. */
enum http_wait {
  HTTP_WAIT_HEAD,  /* the rest of a request */
  HTTP_WAIT_NEXT,  /* the next request, or never */
  HTTP_WAIT_ROOM,  /* room to send */
  HTTP_WAIT_CLOSE, /* the peer's end, after ours */
  HTTP_WAIT_COUNT
};

struct http_conn {
  struct http_conn *prev, *next; /* in server->waiting[wait] */
  tct_time due;
  tct_sock sock;
  uint8_t wait;
  bool responding, closing, seen_eof;
  char *head; /* what was read of the next request; NULL when nothing was */
  size_t head_len, head_cap;
  uint64_t skip; /* bytes of a request's body still to be thrown away */
  struct http_response answer;
  uint64_t lent;              /* bits of maps: their bytes may be on their way */
  tct_time began;             /* of this request */
  char label[HTTP_LABEL_MAX]; /* "GET /path", for the log */
  tct_endpoint remote;
};

struct http_queue {
  struct http_conn *first, *last;
};

struct http_server {
  tct_host *host;
  tct_stack *stack;
  int root_fd;
  FILE *log; /* NULL: none */
  bool log_json;
  uint32_t conns, conns_max;
  bool draining, accept_later;
  tct_time drain_by;
  uint64_t requests, bytes_sent;
  tct_sock listener[HTTP_LISTENERS_MAX];
  unsigned n_listeners;
  struct http_queue waiting[HTTP_WAIT_COUNT];
};

/* http_server.c */
/* Takes over the host's events and alarm. */
void http_server_init(struct http_server *v, tct_host *host, int root_fd);
int http_server_listen(struct http_server *v, tct_addr addr, uint16_t port) TCT_MUST_CHECK;
/* No new connections; idle ones are closed, busy ones after their answer. The host stops when the
   last one is gone. What is left at `deadline` is reset. */
void http_server_drain(struct http_server *v, tct_time deadline);
void http_server_deinit(struct http_server *v);
/* For http_conn.c. */
void http_server_set_wait(struct http_server *v, struct http_conn *c, enum http_wait wait);
void http_server_forget(struct http_server *v, struct http_conn *c);
void http_server_log(struct http_server *v, const struct http_conn *c);

/* http_conn.c */
struct http_conn *http_conn_new(struct http_server *v, tct_sock listener);
void http_conn_event(struct http_server *v, struct http_conn *c, const tct_event *ev);
void http_conn_timeout(struct http_server *v, struct http_conn *c);
/* Maps have broken: if it sends one of them, no more. */
void http_conn_check_maps(struct http_server *v, struct http_conn *c, uint64_t broken);
/* Stop as soon as is polite. */
void http_conn_drain(struct http_server *v, struct http_conn *c);
void http_conn_free(struct http_conn *c);

#endif
