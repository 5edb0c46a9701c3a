/* SPDX-License-Identifier: MIT */
/*
 * tap_sock.c - the wrappers of the socket calls: each is written down before it is made, its
 * results after.
 *
 * Bytes to send stand with the results, since only so many as were taken matter; a caller may offer
 * a megabyte again and again. What is received is not kept: it came in by tct_input.
 */
#include <string.h>

#include "record/write.h"

#define TAP_ENDPOINT(e) (e)->port, (e)->ifc.index, (e)->ifc.gen

/* One number, and bytes with it if there are any. */
static void done_bytes(tct_record *r, long result, const void *bytes) {
  tct_iov v = {bytes, result > 0 ? (size_t)result : 0};
  record_write_result(r, &(int64_t){result}, 1, &v, v.len > 0);
}

static void done_sock(tct_record *r, int err, const tct_sock *k) {
  const int64_t outs[] = {err, err < 0 ? 0 : k->index, err < 0 ? 0 : k->gen};
  record_write_result(r, outs, 3, NULL, 0);
}

static void done_token(tct_record *r, bool found, const uint64_t *token) {
  const int64_t outs[] = {found, found ? (int64_t)*token : 0};
  record_write_result(r, outs, 2, NULL, 0);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

int tct_tap_sock_open(tct_stack *s, tct_proto p, void *user, tct_sock *out) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_open(s, p, user, out);
  TAP_CALL(r, RECORD_SOCK_OPEN, NULL, 0, p);
  int err = tct_sock_open(s, p, user, out);
  done_sock(r, err, out);
  return err;
}

int tct_tap_sock_bind(tct_stack *s, tct_sock k, const tct_endpoint *local) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_bind(s, k, local);
  tct_iov v = {local->addr.b, sizeof local->addr.b};
  TAP_CALL(r, RECORD_SOCK_BIND, &v, 1, TAP_SOCK(k), TAP_ENDPOINT(local));
  return tct_tap_done(r, tct_sock_bind(s, k, local));
}

int tct_tap_sock_connect(tct_stack *s, tct_sock k, const tct_endpoint *remote) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_connect(s, k, remote);
  tct_iov v = {remote->addr.b, sizeof remote->addr.b};
  TAP_CALL(r, RECORD_SOCK_CONNECT, &v, 1, TAP_SOCK(k), TAP_ENDPOINT(remote));
  return tct_tap_done(r, tct_sock_connect(s, k, remote));
}

long tct_tap_sock_connect_send(tct_stack *s, tct_sock k, const tct_endpoint *remote,
                               const void *buf, size_t len, unsigned flags) {
  static const tct_endpoint nowhere;
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_connect_send(s, k, remote, buf, len, flags);
  const tct_endpoint *to = remote != NULL ? remote : &nowhere;
  tct_iov v = {to->addr.b, sizeof to->addr.b};
  TAP_CALL(r, RECORD_SOCK_CONNECT_SEND, &v, 1, TAP_SOCK(k), len, flags, remote != NULL,
           TAP_ENDPOINT(to));
  long result = tct_sock_connect_send(s, k, remote, buf, len, flags);
  done_bytes(r, result, buf);
  return result;
}

int tct_tap_sock_fastopen_key_set(tct_stack *s, tct_sock k, const uint64_t keys[][2], unsigned n) {
  tct_record *r = tct_tap_of(s);
  uint8_t bytes[32] = {0};
  if (r == NULL)
    return tct_sock_fastopen_key_set(s, k, keys, n);
  for (unsigned i = 0; i < 4 && i < n * 2; i++)
    for (unsigned b = 0; b < 8; b++)
      bytes[i * 8 + b] = (uint8_t)(keys[i / 2][i % 2] >> 8 * b);
  tct_iov v = {bytes, sizeof bytes};
  TAP_CALL(r, RECORD_SOCK_FASTOPEN_KEY_SET, &v, 1, TAP_SOCK(k), n);
  return tct_tap_done(r, tct_sock_fastopen_key_set(s, k, keys, n));
}

int tct_tap_sock_listen(tct_stack *s, tct_sock k, unsigned backlog) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_listen(s, k, backlog);
  TAP_CALL(r, RECORD_SOCK_LISTEN, NULL, 0, TAP_SOCK(k), backlog);
  return tct_tap_done(r, tct_sock_listen(s, k, backlog));
}

int tct_tap_sock_accept(tct_stack *s, tct_sock k, void *user, tct_sock *child) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_accept(s, k, user, child);
  TAP_CALL(r, RECORD_SOCK_ACCEPT, NULL, 0, TAP_SOCK(k));
  int err = tct_sock_accept(s, k, user, child);
  done_sock(r, err, child);
  return err;
}

int tct_tap_sock_shutdown(tct_stack *s, tct_sock k, tct_how how) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_shutdown(s, k, how);
  TAP_CALL(r, RECORD_SOCK_SHUTDOWN, NULL, 0, TAP_SOCK(k), how);
  return tct_tap_done(r, tct_sock_shutdown(s, k, how));
}

int tct_tap_sock_close(tct_stack *s, tct_sock k) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_close(s, k);
  TAP_CALL(r, RECORD_SOCK_CLOSE, NULL, 0, TAP_SOCK(k));
  return tct_tap_done(r, tct_sock_close(s, k));
}

int tct_tap_sock_abort(tct_stack *s, tct_sock k) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_abort(s, k);
  TAP_CALL(r, RECORD_SOCK_ABORT, NULL, 0, TAP_SOCK(k));
  return tct_tap_done(r, tct_sock_abort(s, k));
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

long tct_tap_sock_send(tct_stack *s, tct_sock k, const void *buf, size_t len, unsigned flags) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_send(s, k, buf, len, flags);
  TAP_CALL(r, RECORD_SOCK_SEND, NULL, 0, TAP_SOCK(k), len, flags);
  long result = tct_sock_send(s, k, buf, len, flags);
  done_bytes(r, result, buf);
  return result;
}

long tct_tap_sock_recv(tct_stack *s, tct_sock k, void *buf, size_t len, unsigned flags) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_recv(s, k, buf, len, flags);
  TAP_CALL(r, RECORD_SOCK_RECV, NULL, 0, TAP_SOCK(k), len, flags);
  long result = tct_sock_recv(s, k, buf, len, flags);
  record_write_result(r, &(int64_t){result}, 1, NULL, 0);
  return result;
}

static struct record_space *find_space(tct_record *r, tct_sock k) {
  struct record_space *x = &r->space[k.index % RECORD_SPACES];
  return x->sock.index == k.index && x->sock.gen == k.gen ? x : NULL;
}

/* More pieces than we can remember are not offered: that is as legal as having less room. */
int tct_tap_sock_tx_space(tct_stack *s, tct_sock k, tct_iov *v, unsigned *n) {
  tct_record *r = tct_tap_of(s);
  int64_t room = 0;
  if (r == NULL)
    return tct_sock_tx_space(s, k, v, n);
  struct record_space *x = &r->space[k.index % RECORD_SPACES];
  unsigned cap = sizeof x->v / sizeof x->v[0];
  *n = *n < cap ? *n : cap;
  TAP_CALL(r, RECORD_SOCK_TX_SPACE, NULL, 0, TAP_SOCK(k), *n);
  int err = tct_sock_tx_space(s, k, v, n);
  x->sock = k;
  x->n = err < 0 ? 0 : *n;
  for (unsigned i = 0; i < x->n; i++) {
    x->v[i] = v[i];
    room += (int64_t)v[i].len;
  }
  const int64_t outs[] = {err, *n, room};
  record_write_result(r, outs, 3, NULL, 0);
  return err;
}

/* What was written is looked at after the commit has said that the room is still there. */
int tct_tap_sock_tx_commit(tct_stack *s, tct_sock k, size_t len, unsigned flags) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_tx_commit(s, k, len, flags);
  struct record_space *x = find_space(r, k);
  tct_iov v[16];
  unsigned n = 0;
  TAP_CALL(r, RECORD_SOCK_TX_COMMIT, NULL, 0, TAP_SOCK(k), len, flags, x != NULL ? x->n : 0);
  int err = tct_sock_tx_commit(s, k, len, flags);
  for (size_t left = err < 0 ? 0 : len; x != NULL && n < x->n && left > 0; n++) {
    v[n] = (tct_iov){x->v[n].base, x->v[n].len < left ? x->v[n].len : left};
    left -= v[n].len;
  }
  record_write_result(r, &(int64_t){err}, 1, n > 0 ? v : NULL, n);
  if (x == NULL && err == TCT_OK && len > 0 && r->err == 0)
    r->err = TCT_ENOBUFS; /* the room was offered too long ago: its bytes can't be told */
  if (x != NULL)
    x->sock = (tct_sock){0, 0};
  return err;
}

int tct_tap_sock_rx_consume(tct_stack *s, tct_sock k, size_t len) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_rx_consume(s, k, len);
  TAP_CALL(r, RECORD_SOCK_RX_CONSUME, NULL, 0, TAP_SOCK(k), len);
  return tct_tap_done(r, tct_sock_rx_consume(s, k, len));
}

int tct_tap_sock_tx_lend(tct_stack *s, tct_sock k, const void *base, size_t len, uint64_t token) {
  tct_record *r = tct_tap_of(s);
  tct_iov v = {base, base != NULL ? len : 0};
  if (r == NULL)
    return tct_sock_tx_lend(s, k, base, len, token);
  TAP_CALL(r, RECORD_SOCK_TX_LEND, &v, 1, TAP_SOCK(k), token);
  return tct_tap_done(r, tct_sock_tx_lend(s, k, base, len, token));
}

int tct_tap_sock_mark(tct_stack *s, tct_sock k, uint64_t offset, tct_mark what, uint64_t token) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_mark(s, k, offset, what, token);
  TAP_CALL(r, RECORD_SOCK_MARK, NULL, 0, TAP_SOCK(k), offset, what, token);
  return tct_tap_done(r, tct_sock_mark(s, k, offset, what, token));
}

bool tct_tap_sock_mark_next(tct_stack *s, tct_sock k, uint64_t *token) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_mark_next(s, k, token);
  TAP_CALL(r, RECORD_SOCK_MARK_NEXT, NULL, 0, TAP_SOCK(k));
  bool found = tct_sock_mark_next(s, k, token);
  done_token(r, found, token);
  return found;
}

/* ---- Options, SYNs that wait, datagrams -------------------------------------------------------
 */

int tct_tap_sock_set(tct_stack *s, tct_sock k, tct_opt o, int64_t value) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_set(s, k, o, value);
  TAP_CALL(r, RECORD_SOCK_SET, NULL, 0, TAP_SOCK(k), o, (uint64_t)value);
  return tct_tap_done(r, tct_sock_set(s, k, o, value));
}

int tct_tap_sock_get(tct_stack *s, tct_sock k, tct_opt o, int64_t *value) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_sock_get(s, k, o, value);
  TAP_CALL(r, RECORD_SOCK_GET, NULL, 0, TAP_SOCK(k), o);
  int err = tct_sock_get(s, k, o, value);
  const int64_t outs[] = {err, err < 0 ? 0 : *value};
  record_write_result(r, outs, 2, NULL, 0);
  return err;
}

bool tct_tap_syn_next(tct_stack *s, tct_sock listener, tct_syn_info *info) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_syn_next(s, listener, info);
  TAP_CALL(r, RECORD_SYN_NEXT, NULL, 0, TAP_SOCK(listener));
  bool found = tct_syn_next(s, listener, info);
  const int64_t outs[] = {found, found ? info->syn.index : 0, found ? info->syn.gen : 0};
  record_write_result(r, outs, 3, NULL, 0);
  return found;
}

int tct_tap_syn_answer(tct_stack *s, tct_syn y, tct_syn_word word, unsigned icmp_code) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_syn_answer(s, y, word, icmp_code);
  TAP_CALL(r, RECORD_SYN_ANSWER, NULL, 0, TAP_SOCK(y), word, icmp_code);
  return tct_tap_done(r, tct_syn_answer(s, y, word, icmp_code));
}

long tct_tap_dgram_send(tct_stack *s, tct_sock k, const tct_dgram *d, const void *buf, size_t len) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_dgram_send(s, k, d, buf, len);
  tct_iov v[] = {
      {d->local.addr.b, sizeof d->local.addr.b},
      {d->remote.addr.b, sizeof d->remote.addr.b},
      {buf, len},
  };
  TAP_CALL(r, RECORD_DGRAM_SEND, v, 3, TAP_SOCK(k), TAP_ENDPOINT(&d->local),
           TAP_ENDPOINT(&d->remote), d->hop_limit, d->tclass, d->seg_size);
  long result = tct_dgram_send(s, k, d, buf, len);
  record_write_result(r, &(int64_t){result}, 1, NULL, 0);
  return result;
}

long tct_tap_dgram_recv(tct_stack *s, tct_sock k, tct_dgram *d, void *buf, size_t len,
                        unsigned flags) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_dgram_recv(s, k, d, buf, len, flags);
  TAP_CALL(r, RECORD_DGRAM_RECV, NULL, 0, TAP_SOCK(k), len, flags);
  long result = tct_dgram_recv(s, k, d, buf, len, flags);
  record_write_result(r, &(int64_t){result}, 1, NULL, 0);
  return result;
}
