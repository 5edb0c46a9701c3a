/* SPDX-License-Identifier: MIT */
/*
 * check_stream.c - I1, I2, I4, I5 and I13: what one application reads is what the other wrote,
 * octet by octet, and the end comes after the last and only if there is one. Both ends of a
 * connection find each other by initial sequence number and addresses, so that a NAT between them
 * does no harm; behind something that rewrites numbers they do not meet, and position-coded content
 * (flow.c) must do. RFC 9293 sections 2.2, 3.4, 3.6.
 */
#include <stdlib.h>

#include "sim/check_conn.h"
#include "util/mem.h"

/* More than any pair of buffers holds: the reading application is one that tells nothing. */
#define FIFO_MAX ((size_t)64 << 20)

#define ASK(h, i) sim_check_asks((h)->check, TCT_SIM_I##i)
#define WRONG(h, i, ...) sim_check_wrong(h, TCT_SIM_I##i, __VA_ARGS__)

/* ---- Fifo ---- */

static void grow(struct sim_fifo *f, size_t want) {
  size_t cap = f->cap ? f->cap : 4096, first;
  uint8_t *at;
  while (cap < want)
    cap *= 2;
  if (cap == f->cap)
    return;
  at = sim_world_alloc(cap);
  first = tct_min_size(f->n, f->cap - f->head);
  if (f->n > 0) {
    memcpy(at, f->at + f->head, first);
    memcpy(at + first, f->at, f->n - first);
  }
  free(f->at);
  f->at = at;
  f->cap = cap;
  f->head = 0;
}

static void push(struct sim_fifo *f, const uint8_t *bytes, size_t n) {
  size_t at, first;
  if (n == 0)
    return;
  grow(f, f->n + n);
  at = (f->head + f->n) & (f->cap - 1);
  first = tct_min_size(n, f->cap - at);
  memcpy(f->at + at, bytes, first);
  memcpy(f->at, bytes + first, n - first);
  f->n += n;
}

/* How many octets from the front are these; takes them off. */
static size_t match(struct sim_fifo *f, const uint8_t *bytes, size_t n) {
  size_t first = tct_min_size(n, f->cap - f->head), i = 0;
  if (memcmp(f->at + f->head, bytes, first) == 0 && memcmp(f->at, bytes + first, n - first) == 0)
    i = n;
  while (i < n && f->at[(f->head + i) & (f->cap - 1)] == bytes[i])
    i++;
  f->head = (f->head + i) & (f->cap - 1);
  f->n -= i;
  return i;
}

/* ---- Meeting ---- */

static uint64_t hash_of(uint32_t iss) {
  return (uint64_t)iss * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

/* A cookie that comes back when its connection is over opens another with the same numbers (RFC
 * 4987 3.6): whose octets the other end reads, it cannot tell, nor can we. */
static void learn_twins(struct sim_conn *c) {
  struct sim_conn *w;
  size_t at = SIZE_MAX;
  while ((w = sim_table_next(&c->host->check->streams, hash_of(c->iss), &at)) != NULL)
    if (w != c && w->host == c->host && w->iss == c->iss && w->irs_known && w->irs == c->irs &&
        w->lport == c->lport && w->rport == c->rport)
      w->twin = c->twin = true;
}

void sim_stream_learn(struct sim_check_host *h, struct sim_conn *c) {
  struct tct_probe_conn p;
  if (c->known && c->irs_known)
    return;
  if (!tct_stack_probe_conn(h->stack, c->sock, &p) || p.state < TCT_SYN_SENT)
    return;
  c->laddr = p.laddr;
  c->raddr = p.raddr;
  c->lport = p.lport;
  c->rport = p.rport;
  c->iss = p.iss;
  c->irs = p.irs;
  c->irs_known = p.state != TCT_SYN_SENT;
  if (!c->known && (p.nxt != p.iss || c->irs_known)) {
    c->known = true;
    sim_table_add(&h->check->streams, hash_of(c->iss), c);
    if (c->irs_known)
      learn_twins(c);
  }
}

static bool has_twins(const struct sim_check_host *h, const struct sim_conn *c) {
  struct sim_conn *w;
  size_t at = SIZE_MAX;
  while ((w = sim_table_next(&h->check->streams, hash_of(c->irs), &at)) != NULL)
    if (c->irs_known && w->twin && w->iss == c->irs && w->irs == c->iss)
      return true;
  return false;
}

bool sim_stream_is_anybodys(struct sim_check_host *h, tct_sock sock) {
  const struct sim_conn *c = sim_conn_at(h, sock);
  return c != NULL && (c->forged || has_twins(h, c));
}

static bool is_mirror(const struct sim_conn *a, const struct sim_conn *b) {
  return a->lport == b->rport && a->rport == b->lport &&
         memcmp(&a->laddr, &b->raddr, sizeof a->laddr) == 0 &&
         memcmp(&a->raddr, &b->laddr, sizeof a->raddr) == 0;
}

/* Who wrote what c reads. Numbers may be preset, and thus be another's too: then nobody. Who opens
 * the same tuple twice within one tick of the clock has the same number: the later one counts. */
static struct sim_conn *meet(struct sim_conn *c) {
  struct sim_conn *w, *mirror = NULL, *other = NULL;
  unsigned others = 0;
  size_t at = SIZE_MAX;
  while ((w = sim_table_next(&c->host->check->streams, hash_of(c->irs), &at)) != NULL) {
    if (w->iss == c->irs && !w->irs_known && !w->gone)
      sim_stream_learn(w->host, w);
    if (w == c || w->iss != c->irs || (w->irs_known && w->irs != c->iss))
      continue;
    if (is_mirror(w, c) && !w->gone)
      mirror = w;
    other = w;
    others++;
  }
  if (mirror != NULL)
    return mirror;
  return others == 1 && !other->gone && other->irs_known ? other : NULL;
}

static struct sim_conn *writer_of(struct sim_check_host *h, struct sim_conn *c) {
  if (c->forged || (c->writer == NULL && c->read > 0))
    return NULL; /* not met when it began to read: what was read since is not known */
  sim_stream_learn(h, c);
  if (c->writer == NULL && c->irs_known)
    c->writer = meet(c);
  /* a replayed handshake (cookies remember nothing) makes a second reader of old segments */
  if (c->writer != NULL && c->writer->reader == NULL)
    c->writer->reader = c;
  if (c->writer != NULL && (c->writer->reader != c || c->writer->twin))
    c->writer = NULL;
  return c->writer != NULL && !c->writer->untold ? c->writer : NULL;
}

/* ---- Calls ---- */

static void judge_read(struct sim_check_host *h, struct sim_conn *c, const uint8_t *bytes,
                       size_t n) {
  struct sim_conn *w = writer_of(h, c);
  size_t have, same;
  if (ASK(h, 4) && c->ended)
    WRONG(h, 4, "socket %u reads %zu octets after its end", c->sock.index, n);
  if (ASK(h, 2) && c->eof)
    WRONG(h, 2, "socket %u reads %zu octets after the end of the stream", c->sock.index, n);
  c->read += n;
  if (w == NULL)
    return;
  have = tct_min_size(w->fifo.n, n);
  same = have > 0 ? match(&w->fifo, bytes, have) : 0;
  if (ASK(h, 1) && same < have)
    WRONG(h, 1, "socket %u reads another octet at %llu than was written", c->sock.index,
          (unsigned long long)(c->read - n + same));
  if (ASK(h, 2) && have < n)
    WRONG(h, 2, "socket %u has read %llu octets, and %llu were written", c->sock.index,
          (unsigned long long)c->read, (unsigned long long)w->written);
}

static void judge_eof(struct sim_check_host *h, struct sim_conn *c) {
  struct sim_conn *w = writer_of(h, c);
  c->eof = true;
  if (c->shut_rd || c->closed || w == NULL || !ASK(h, 2))
    return;
  if (!w->shut_wr && !w->closed)
    WRONG(h, 2, "socket %u comes to the end of a stream that nobody has ended", c->sock.index);
  else if (w->fifo.n > 0)
    WRONG(h, 2, "socket %u comes to the end %zu octets too early", c->sock.index, w->fifo.n);
}

static void write_on(struct sim_conn *c, const uint8_t *bytes, size_t n) {
  c->written += n;
  if (!c->untold)
    push(&c->fifo, bytes, n);
  if (c->fifo.n <= FIFO_MAX)
    return;
  free(c->fifo.at);
  memset(&c->fifo, 0, sizeof c->fifo);
  c->untold = true;
}

void sim_stream_call(struct sim_check_host *h, tct_sock sock, tct_sim_doing what, const void *bytes,
                     long n) {
  struct sim_conn *c = sim_conn_at(h, sock);
  if (c == NULL || n < 0)
    return;
  if (what == TCT_SIM_WROTE) {
    sim_stream_learn(h, c);
    write_on(c, bytes, (size_t)n);
  } else if (what == TCT_SIM_READ && n > 0) {
    judge_read(h, c, bytes, (size_t)n);
  } else if (what == TCT_SIM_READ) {
    judge_eof(h, c);
  }
}

void sim_stream_forged(struct sim_check_host *h, tct_sock sock) {
  struct sim_conn *c = sim_conn_at(h, sock);
  if (c != NULL)
    c->forged = true;
}

/* I5: it ended in order, and this end had not closed before it read the end. */
void sim_stream_event(struct sim_check_host *h, const tct_event *ev) {
  struct sim_conn *c = sim_conn_at(h, ev->sock);
  bool in_order = (ev->flags & TCT_EV_CLOSED) != 0 && ev->err == 0 && ev->why == TCT_WHY_CLOSED;
  if (c == NULL || (ev->flags & TCT_EV_CLOSED) == 0)
    return;
  if (in_order && c->writer != NULL && !c->writer->twin && !c->forged && ASK(h, 5) &&
      c->writer->fifo.n > 0 && !c->shut_rd && !(c->closed && !c->eof))
    WRONG(h, 5, "socket %u ended in order, and %zu octets were not read", c->sock.index,
          c->writer->fifo.n);
  if (c->writer == NULL)
    return;
  free(c->writer->fifo.at); /* nobody will read it any more */
  memset(&c->writer->fifo, 0, sizeof c->writer->fifo);
}

/* ---- Liveness ---- */

static bool wants_end(const struct sim_conn *c) {
  return c->closed || c->shut_wr;
}

static void judge_live(struct sim_check_host *h, const struct sim_conn *c) {
  const struct sim_conn *w = c->writer;
  if (sim_conn_is_over(c) || (w != NULL && sim_conn_is_over(w)))
    return; /* whose peer has gone ends by an RST or at R2, which may be later */
  if (c->forged || (w != NULL && w->forged))
    return; /* a window right in all its numbers was taken, and newer numbers than the peer's */
  if (c->closed)
    WRONG(h, 13, "socket %u was closed and has not ended", c->sock.index);
  else if (w != NULL && wants_end(c) && wants_end(w))
    WRONG(h, 13, "socket %u and its peer have sent all, and it has not ended: %llu octets unread",
          c->sock.index, (unsigned long long)w->fifo.n);
}

void sim_stream_live(struct tct_sim_check *k) {
  for (unsigned i = 0; i < k->n_hosts; i++)
    for (struct sim_conn *c = k->host[i]->all; c != NULL; c = c->older)
      if (ASK(k->host[i], 13))
        judge_live(k->host[i], c);
}

void sim_stream_free(struct tct_sim_check *k) {
  sim_table_free(&k->streams, NULL);
}
