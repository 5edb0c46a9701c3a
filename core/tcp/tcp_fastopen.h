/* SPDX-License-Identifier: MIT */
/*
 * tcp_fastopen.h - what the three files of Fast Open offer to the others. The last part of calls.h,
 * which includes it; nobody else does.
 */
#ifndef TCT_TCP_TCP_FASTOPEN_H
#define TCT_TCP_TCP_FASTOPEN_H

#include "tcp/tcp.h"

/* ---- tcp_fastopen.c: RFC 7413, the listener's side ------------------------------------------- */
#define TCT_FASTOPEN_COOKIE_LEN 8u
struct tct_listen_syn;
/* The SYN in hand made a connection at once. False: y says which cookie its SYN,ACK shall carry. */
bool tct_tcp_fastopen_take_syn(tct_stack *s, struct tct_listen_syn *y);
void tct_tcp_fastopen_cookie(const uint64_t key[2], const struct tct_tuple *t,
                             uint8_t cookie[TCT_FASTOPEN_COOKIE_LEN]);
static inline bool tct_tcp_fastopen_has(const struct tct_tcp *c, unsigned flag) {
  return c->extra != NULL && c->extra->fastopen != NULL && (c->extra->fastopen->flags & flag) != 0;
}
/* A child whose handshake is not over: it may send and receive all the same. */
static inline bool tct_tcp_fastopen_is_early(const struct tct_tcp *c) {
  return tct_tcp_fastopen_has(c, TCT_FO_CHILD) && !tct_tcp_syn_acked(c);
}
struct tct_tcp_fastopen *tct_tcp_fastopen_of(tct_stack *s, struct tct_tcp *c); /* attach; NULL */
/* A child's handshake is over, or its life; by_rst: the peer says that it never asked for it. */
void tct_tcp_fastopen_release(tct_stack *s, struct tct_tcp *c, bool by_rst);
void tct_tcp_fastopen_on_syn_again(tct_stack *s, struct tct_tcp *c); /* the SYN of a child */
void tct_tcp_fastopen_option(const struct tct_tcp *c, struct tct_tcp_opts *o);
void tct_tcp_fastopen_on_syn_sent(struct tct_tcp *c); /* or SYN,ACK: options and data go once */
int tct_tcp_fastopen_set(tct_stack *s, struct tct_tcp *c, tct_opt o, int64_t value);
int64_t tct_tcp_fastopen_get(const struct tct_tcp *c, tct_opt o);

/* ---- tcp_fastopen_client.c: the opener's side -------------------------------------------------
 */
/* The SYN waits for the first data; false: it goes now, and perhaps asks for a cookie. */
bool tct_tcp_fastopen_client_defers(tct_stack *s, struct tct_tcp *c);
/* Bytes that would go with the SYN; 0: none may. */
uint32_t tct_tcp_fastopen_client_room(tct_stack *s, struct tct_tcp *c);
/* The SYN is due: what is queued goes with it as far as it may. */
void tct_tcp_fastopen_client_launch(tct_stack *s, struct tct_tcp *c);
static inline uint32_t tct_tcp_fastopen_syn_len(const struct tct_tcp *c) { /* of the SYN due now */
  return tct_tcp_fastopen_has(c, TCT_FO_FIRST) ? c->extra->fastopen->syn_len : 0;
}
void tct_tcp_fastopen_client_on_syn_ack(tct_stack *s, struct tct_tcp *c,
                                        const struct tct_tcp_opts *o);
void tct_tcp_fastopen_client_on_too_big(tct_stack *s, struct tct_tcp *c, uint32_t mtu);
void tct_tcp_fastopen_client_on_timeout(tct_stack *s, struct tct_tcp *c, bool gives_up);
void tct_tcp_fastopen_client_on_stray_rst(tct_stack *s, struct tct_tcp *c);
void tct_tcp_fastopen_client_on_end(tct_stack *s, struct tct_tcp *c);

/* ---- tcp_fastopen_cache.c: what servers told us, by address pair ------------------------------
 */
struct tct_fastopen_known {
  uint16_t mss;       /* 0: not known */
  uint8_t cookie_len; /* 0: none */
  uint8_t try_exp;    /* 1: the standard form was not answered; 2: nor was the experimental one */
  bool exp;           /* the cookie came in the experimental form */
  uint8_t cookie[TCT_TCP_OPT_COOKIE_MAX];
};
void tct_tcp_fastopen_cache_get(const tct_stack *s, const struct tct_tuple *t,
                                struct tct_fastopen_known *k); /* all zero: nothing is known */
void tct_tcp_fastopen_cache_set(tct_stack *s, const struct tct_tuple *t,
                                const struct tct_fastopen_known *k);
void tct_tcp_fastopen_cache_free(tct_stack *s);

#endif
