/* SPDX-License-Identifier: MIT */
/*
 * play_sock.c - the socket calls of a recording, made again. Called by play.c's table.
 *
 * Handles are those of the file: the same calls draw the same handles, and a wrong one is the
 * core's to refuse. Buffers are as large as the caller's were, so that a stack that takes more than
 * it did reads zeros and not somebody's memory.
 */
#include <stdlib.h>
#include <string.h>

#include "record/play.h"

static enum record_verdict too_long(struct record_play *p) {
  return record_play_wrong(p, "it moves more bytes at once than a recording may have");
}

static bool take_endpoint(struct record_play *p, const struct record_call *c, size_t before_at,
                          unsigned arg, tct_endpoint *e) {
  bool whole = c->before_len >= before_at + sizeof e->addr;
  memset(e, 0, sizeof *e);
  if (!whole) {
    (void)record_play_wrong(p, "an address is not whole");
    return false;
  }
  memcpy(&e->addr, c->before + before_at, sizeof e->addr);
  e->port = (uint16_t)c->arg[arg];
  e->ifc = record_play_if_at(c, arg + 1);
  return true;
}

/* The caller's bytes as far as they are known, and zeros up to len. */
static uint8_t *buffer_of(struct record_play *p, const struct record_call *c, uint64_t len) {
  uint64_t room = len > c->after_len ? len : c->after_len;
  uint8_t *buf = record_play_buffer(p, room);
  if (buf != NULL && c->after_len > 0)
    memcpy(buf, c->after, c->after_len);
  return buf;
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static void put_sock(int64_t *out, tct_sock k) {
  out[1] = out[0] < 0 ? 0 : k.index;
  out[2] = out[0] < 0 ? 0 : k.gen;
}

static enum record_verdict do_open(struct record_play *p, const struct record_call *c,
                                   int64_t *out) {
  tct_sock k = {0, 0};
  out[0] = tct_sock_open(p->stack, (tct_proto)c->arg[0], NULL, &k);
  put_sock(out, k);
  return RECORD_SAME;
}

static enum record_verdict do_bind(struct record_play *p, const struct record_call *c,
                                   int64_t *out) {
  tct_endpoint e;
  if (!take_endpoint(p, c, 0, 2, &e))
    return RECORD_BAD;
  out[0] = c->op == RECORD_SOCK_BIND ? tct_sock_bind(p->stack, record_play_sock_at(c), &e)
                                     : tct_sock_connect(p->stack, record_play_sock_at(c), &e);
  return RECORD_SAME;
}

static enum record_verdict do_connect_send(struct record_play *p, const struct record_call *c,
                                           int64_t *out) {
  tct_endpoint e;
  uint8_t *buf = buffer_of(p, c, c->arg[2]);
  if (buf == NULL)
    return too_long(p);
  if (!take_endpoint(p, c, 0, 5, &e))
    return RECORD_BAD;
  out[0] = tct_sock_connect_send(p->stack, record_play_sock_at(c), c->arg[4] != 0 ? &e : NULL, buf,
                                 (size_t)c->arg[2], (unsigned)c->arg[3]);
  return RECORD_SAME;
}

static enum record_verdict do_fastopen_key_set(struct record_play *p, const struct record_call *c,
                                               int64_t *out) {
  uint64_t keys[2][2] = {{0}};
  if (c->before_len != 32 || c->arg[2] > 2)
    return record_play_wrong(p, "keys are not whole");
  for (unsigned i = 0; i < 32; i++)
    keys[i / 16][i / 8 % 2] |= (uint64_t)c->before[i] << i % 8 * 8;
  out[0] = tct_sock_fastopen_key_set(p->stack, record_play_sock_at(c), (const uint64_t(*)[2])keys,
                                     (unsigned)c->arg[2]);
  return RECORD_SAME;
}

static enum record_verdict do_listen(struct record_play *p, const struct record_call *c,
                                     int64_t *out) {
  out[0] = tct_sock_listen(p->stack, record_play_sock_at(c), (unsigned)c->arg[2]);
  return RECORD_SAME;
}

static enum record_verdict do_accept(struct record_play *p, const struct record_call *c,
                                     int64_t *out) {
  tct_sock k = {0, 0};
  out[0] = tct_sock_accept(p->stack, record_play_sock_at(c), NULL, &k);
  put_sock(out, k);
  return RECORD_SAME;
}

static enum record_verdict do_shutdown(struct record_play *p, const struct record_call *c,
                                       int64_t *out) {
  out[0] = tct_sock_shutdown(p->stack, record_play_sock_at(c), (tct_how)c->arg[2]);
  return RECORD_SAME;
}

static enum record_verdict do_close(struct record_play *p, const struct record_call *c,
                                    int64_t *out) {
  out[0] = c->op == RECORD_SOCK_CLOSE ? tct_sock_close(p->stack, record_play_sock_at(c))
                                      : tct_sock_abort(p->stack, record_play_sock_at(c));
  return RECORD_SAME;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static enum record_verdict do_send(struct record_play *p, const struct record_call *c,
                                   int64_t *out) {
  uint8_t *buf = buffer_of(p, c, c->arg[2]);
  if (buf == NULL)
    return too_long(p);
  out[0] =
      tct_sock_send(p->stack, record_play_sock_at(c), buf, (size_t)c->arg[2], (unsigned)c->arg[3]);
  return RECORD_SAME;
}

static enum record_verdict do_recv(struct record_play *p, const struct record_call *c,
                                   int64_t *out) {
  uint8_t *buf = record_play_buffer(p, c->arg[2]);
  if (buf == NULL)
    return too_long(p);
  out[0] =
      tct_sock_recv(p->stack, record_play_sock_at(c), buf, (size_t)c->arg[2], (unsigned)c->arg[3]);
  p->dirty = out[0] > 0 ? (size_t)out[0] : 0;
  return RECORD_SAME;
}

enum { PIECES_MAX = 64 };

static enum record_verdict do_tx_space(struct record_play *p, const struct record_call *c,
                                       int64_t *out) {
  tct_iov v[PIECES_MAX];
  unsigned n = c->arg[2] < PIECES_MAX ? (unsigned)c->arg[2] : PIECES_MAX;
  out[0] = tct_sock_tx_space(p->stack, record_play_sock_at(c), v, &n);
  out[1] = n;
  for (unsigned i = 0; i < n && out[0] == TCT_OK; i++)
    out[2] += (int64_t)v[i].len;
  return RECORD_SAME;
}

/* Where the bytes go is asked again, with the number of pieces that the caller had: the answer is
 * the same, and no pointer has to be trusted that a hostile file let go stale. */
static void write_in_place(struct record_play *p, const struct record_call *c) {
  tct_iov v[PIECES_MAX];
  unsigned n = c->arg[4] < PIECES_MAX ? (unsigned)c->arg[4] : PIECES_MAX;
  size_t at = 0;
  if (n == 0 || tct_sock_tx_space(p->stack, record_play_sock_at(c), v, &n) != TCT_OK)
    return;
  for (unsigned i = 0; i < n && at < c->after_len; i++) {
    size_t piece = v[i].len < c->after_len - at ? v[i].len : c->after_len - at;
    memcpy((void *)(uintptr_t)v[i].base, c->after + at, piece);
    at += piece;
  }
}

static enum record_verdict do_tx_commit(struct record_play *p, const struct record_call *c,
                                        int64_t *out) {
  if (c->has_result && c->after_len > 0)
    write_in_place(p, c);
  out[0] =
      tct_sock_tx_commit(p->stack, record_play_sock_at(c), (size_t)c->arg[2], (unsigned)c->arg[3]);
  return RECORD_SAME;
}

static enum record_verdict do_rx_consume(struct record_play *p, const struct record_call *c,
                                         int64_t *out) {
  out[0] = tct_sock_rx_consume(p->stack, record_play_sock_at(c), (size_t)c->arg[2]);
  return RECORD_SAME;
}

/* The memory stays until its token comes back, or the stack ends. */
static enum record_verdict do_tx_lend(struct record_play *p, const struct record_call *c,
                                      int64_t *out) {
  struct record_lent *l = malloc(sizeof *l + c->before_len);
  if (l == NULL)
    return record_play_wrong(p, "out of memory");
  l->number = ++p->lends;
  l->token = c->arg[2];
  if (c->before_len > 0)
    memcpy(l->bytes, c->before, c->before_len);
  out[0] = tct_sock_tx_lend(p->stack, record_play_sock_at(c), l->bytes, c->before_len, l->number);
  if (out[0] < 0) {
    free(l);
    return RECORD_SAME;
  }
  l->next = p->lent;
  p->lent = l;
  return RECORD_SAME;
}

static enum record_verdict do_mark(struct record_play *p, const struct record_call *c,
                                   int64_t *out) {
  out[0] =
      tct_sock_mark(p->stack, record_play_sock_at(c), c->arg[2], (tct_mark)c->arg[3], c->arg[4]);
  return RECORD_SAME;
}

static enum record_verdict do_mark_next(struct record_play *p, const struct record_call *c,
                                        int64_t *out) {
  uint64_t token = 0;
  out[0] = tct_sock_mark_next(p->stack, record_play_sock_at(c), &token);
  out[1] = (int64_t)token;
  return RECORD_SAME;
}

/* ---- Options, SYNs that wait, datagrams -------------------------------------------------------
 */

static enum record_verdict do_set(struct record_play *p, const struct record_call *c,
                                  int64_t *out) {
  out[0] = tct_sock_set(p->stack, record_play_sock_at(c), (tct_opt)c->arg[2], (int64_t)c->arg[3]);
  return RECORD_SAME;
}

static enum record_verdict do_get(struct record_play *p, const struct record_call *c,
                                  int64_t *out) {
  int64_t value = 0;
  out[0] = tct_sock_get(p->stack, record_play_sock_at(c), (tct_opt)c->arg[2], &value);
  out[1] = out[0] < 0 ? 0 : value;
  return RECORD_SAME;
}

static enum record_verdict do_syn_next(struct record_play *p, const struct record_call *c,
                                       int64_t *out) {
  tct_syn_info info = {.syn = {0, 0}};
  out[0] = tct_syn_next(p->stack, record_play_sock_at(c), &info);
  out[1] = out[0] != 0 ? info.syn.index : 0;
  out[2] = out[0] != 0 ? info.syn.gen : 0;
  return RECORD_SAME;
}

static enum record_verdict do_syn_answer(struct record_play *p, const struct record_call *c,
                                         int64_t *out) {
  tct_syn y = {(uint32_t)c->arg[0], (uint32_t)c->arg[1]};
  out[0] = tct_syn_answer(p->stack, y, (tct_syn_word)c->arg[2], (unsigned)c->arg[3]);
  return RECORD_SAME;
}

static enum record_verdict do_dgram_send(struct record_play *p, const struct record_call *c,
                                         int64_t *out) {
  tct_dgram d = {.len = 0};
  if (!take_endpoint(p, c, 0, 2, &d.local) || !take_endpoint(p, c, 16, 5, &d.remote))
    return RECORD_BAD;
  d.hop_limit = (uint8_t)c->arg[8];
  d.tclass = (uint8_t)c->arg[9];
  d.seg_size = (uint16_t)c->arg[10];
  out[0] = tct_dgram_send(p->stack, record_play_sock_at(c), &d, c->before + 32, c->before_len - 32);
  return RECORD_SAME;
}

static enum record_verdict do_dgram_recv(struct record_play *p, const struct record_call *c,
                                         int64_t *out) {
  tct_dgram d = {.len = 0};
  uint8_t *buf = record_play_buffer(p, c->arg[2]);
  if (buf == NULL)
    return too_long(p);
  out[0] = tct_dgram_recv(p->stack, record_play_sock_at(c), &d, buf, (size_t)c->arg[2],
                          (unsigned)c->arg[3]);
  p->dirty = (size_t)(c->arg[2] < 65536 ? c->arg[2] : 65536); /* no datagram is longer */
  return RECORD_SAME;
}

const record_play_fn record_play_sock[RECORD_OPS] = {
    [RECORD_SOCK_OPEN] = do_open,
    [RECORD_SOCK_BIND] = do_bind,
    [RECORD_SOCK_CONNECT] = do_bind,
    [RECORD_SOCK_CONNECT_SEND] = do_connect_send,
    [RECORD_SOCK_FASTOPEN_KEY_SET] = do_fastopen_key_set,
    [RECORD_SOCK_LISTEN] = do_listen,
    [RECORD_SOCK_ACCEPT] = do_accept,
    [RECORD_SOCK_SHUTDOWN] = do_shutdown,
    [RECORD_SOCK_CLOSE] = do_close,
    [RECORD_SOCK_ABORT] = do_close,
    [RECORD_SOCK_SEND] = do_send,
    [RECORD_SOCK_RECV] = do_recv,
    [RECORD_SOCK_TX_SPACE] = do_tx_space,
    [RECORD_SOCK_TX_COMMIT] = do_tx_commit,
    [RECORD_SOCK_RX_CONSUME] = do_rx_consume,
    [RECORD_SOCK_TX_LEND] = do_tx_lend,
    [RECORD_SOCK_MARK] = do_mark,
    [RECORD_SOCK_MARK_NEXT] = do_mark_next,
    [RECORD_SOCK_SET] = do_set,
    [RECORD_SOCK_GET] = do_get,
    [RECORD_SYN_NEXT] = do_syn_next,
    [RECORD_SYN_ANSWER] = do_syn_answer,
    [RECORD_DGRAM_SEND] = do_dgram_send,
    [RECORD_DGRAM_RECV] = do_dgram_recv,
};
