/* SPDX-License-Identifier: MIT */
/*
 * tcp_fastopen.c - Fast Open, the listener's side, and the options of both: a SYN with a cookie of
 * ours makes its connection at once, data and all; the application may answer before the handshake
 * is over. Alone writes extra->fastopen (with tcp_fastopen_client) and a listener's fastopen.
 * Called by tcp_listen (SYNs), tcp_input, tcp_state (the handshake's end, or the connection's),
 * tcp_output, sock/ (options). Leaves making the connection to tcp_child. RFC 7413 sections 4.1,
 * 4.2, 5.1; bits, limits and the form of a cookie are Linux's.
 *
 * A cookie says that the peer was seen at its address; it is a keyed hash of both addresses and
 * stays good until the key changes. Data that came with a SYN may come twice, which is why nobody
 * gets Fast Open who did not ask for it [RFC7413 2.1].
 */
#include "tcp/tcp_listen.h"
#include "util/siphash.h"

#define SYN_AGAIN_MS 500u /* answers to repeats of a child's SYN are this far apart */

static struct tct_tcp_fastopen *own(const struct tct_tcp *c) {
  return c->extra != NULL ? c->extra->fastopen : NULL;
}

struct tct_tcp_fastopen *tct_tcp_fastopen_of(tct_stack *s, struct tct_tcp *c) {
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  if (x != NULL && x->fastopen == NULL)
    x->fastopen = tct_stack_alloc(s, sizeof *x->fastopen);
  return x != NULL ? x->fastopen : NULL;
}

/* ---- Cookies --------------------------------------------------------------------------------- */

/* Over the addresses as the client's packet has them, source first. [RFC7413 4.1.2] */
void tct_tcp_fastopen_cookie(const uint64_t key[2], const struct tct_tuple *t,
                             uint8_t cookie[TCT_FASTOPEN_COOKIE_LEN]) {
  uint8_t b[32];
  size_t len = tct_addr_is_ipv4(t->raddr) ? 4 : 16, skip = 16 - len;
  memcpy(b, t->raddr.b + skip, len);
  memcpy(b + len, t->laddr.b + skip, len);
  uint64_t hash = tct_siphash24(key, b, 2 * len);
  for (unsigned i = 0; i < TCT_FASTOPEN_COOKIE_LEN; i++)
    cookie[i] = (uint8_t)(hash >> 8 * i);
}

/* The listener's own keys, or the stack's: the first makes cookies, the second is still taken. */
static unsigned keys_of(const tct_stack *s, const struct tct_tcp *l, const uint64_t (**keys)[2]) {
  const struct tct_tcp_fastopen *f = own(l);
  bool has_own = f != NULL && f->n_keys > 0;
  *keys = has_own ? f->key : s->keys.fastopen;
  return has_own ? f->n_keys : TCT_ARRAY_LEN(s->keys.fastopen);
}

static bool is_same(const uint8_t *a, const uint8_t *b) {
  uint8_t differs = 0;
  for (unsigned i = 0; i < TCT_FASTOPEN_COOKIE_LEN; i++)
    differs |= a[i] ^ b[i]; /* in the same time wherever they differ */
  return differs == 0;
}

enum word { REFUSED, GOOD, GOOD_BY_OLD_KEY };

/* Also leaves the cookie of the first key in y, to be told where it is wanted. */
static enum word judge(const tct_stack *s, struct tct_listen_syn *y) {
  const uint64_t(*keys)[2];
  const struct tct_tcp_opts *o = &y->h->opt;
  uint8_t old[TCT_FASTOPEN_COOKIE_LEN];
  unsigned n = keys_of(s, y->l, &keys);
  tct_tcp_fastopen_cookie(keys[0], y->t, y->cookie);
  if (!o->has_tfo || o->tfo_len != TCT_FASTOPEN_COOKIE_LEN)
    return REFUSED;
  if (is_same(o->tfo_cookie, y->cookie))
    return GOOD;
  if (n < 2)
    return REFUSED;
  tct_tcp_fastopen_cookie(keys[1], y->t, old);
  return is_same(o->tfo_cookie, old) ? GOOD_BY_OLD_KEY : REFUSED;
}

/* ---- The limit: [RFC7413 5.1] ---------------------------------------------------------------- */

static uint32_t limit_of(const tct_stack *s, const struct tct_tcp *l) {
  const struct tct_tcp_fastopen *f = own(l);
  if (f != NULL && f->limit != 0)
    return f->limit;
  return (s->cfg.fastopen & TCT_FASTOPEN_ALL_LISTENERS) != 0 ? l->listener->backlog : 0;
}

/* A RST holds its place for a minute: who spoofs addresses that hold cookies fills the limit by
 * the victims' RSTs, and finds Fast Open closed. */
static void forget_resets(const tct_stack *s, struct tct_fastopen_queue *q) {
  uint32_t now_s = (uint32_t)(s->now / TCT_S(1));
  uint32_t passed = tct_min_u32(now_s - q->at_s, TCT_FASTOPEN_RESET_S);
  for (uint32_t i = 0; i < passed; i++) {
    uint16_t *n = &q->reset_of[(now_s - i) % TCT_FASTOPEN_RESET_S];
    q->reset_n -= *n;
    *n = 0;
  }
  q->at_s = now_s;
}

static void count_reset(const tct_stack *s, struct tct_fastopen_queue *q) {
  forget_resets(s, q);
  uint16_t *n = &q->reset_of[q->at_s % TCT_FASTOPEN_RESET_S];
  if (*n == UINT16_MAX)
    return;
  (*n)++;
  q->reset_n++;
}

static bool has_room(tct_stack *s, struct tct_tcp *l) {
  struct tct_fastopen_queue *q = &l->listener->fastopen;
  uint32_t limit = limit_of(s, l);
  if (limit == 0)
    return false;
  forget_resets(s, q);
  if (q->pending_n + q->reset_n < limit)
    return true;
  s->n.TCPFastOpenListenOverflow++;
  return false;
}

void tct_tcp_fastopen_release(tct_stack *s, struct tct_tcp *c, bool by_rst) {
  struct tct_tcp_fastopen *f = own(c);
  if (f == NULL || (f->flags & TCT_FO_PENDING) == 0)
    return;
  f->flags &= (uint16_t)~TCT_FO_PENDING;
  struct tct_tcp *l =
      tct_tcp_block_at(s, (tct_sock){(uint32_t)f->parent, (uint32_t)(f->parent >> 32)});
  if (l == NULL || l->state != TCT_LISTEN)
    return;
  l->listener->fastopen.pending_n--;
  /* one that was not accepted yet holds a place in the accept queue anyway */
  if (by_rst && (c->sockf & TCT_SOCKF_IN_ACCEPT) == 0)
    count_reset(s, &l->listener->fastopen);
}

/* ---- A SYN ----------------------------------------------------------------------------------- */

static bool needs_no_cookie(const tct_stack *s, const struct tct_tcp *l) {
  return (s->cfg.fastopen & TCT_FASTOPEN_SERVER_NO_COOKIE) != 0 ||
         tct_tcp_fastopen_has(l, TCT_FO_NO_COOKIE);
}

/* The text of the SYN, as far as the window told in the SYN,ACK would have let it. */
static void take_text(tct_stack *s, const struct tct_listen_syn *y, struct tct_tcp *c) {
  uint32_t text_len = y->p->l4_len - y->h->header_len;
  struct tct_text t = {.seq = c->rcv.nxt,
                       .skip = y->h->header_len,
                       .pkt = y->p,
                       .len = tct_min_u32(text_len, tct_tcp_recv_window(c))};
  c->extra->segs_in++;
  if (t.len == 0 || tct_tcp_reasm_input(s, c, &t) != TCT_ACCEPTED)
    return; /* the SYN,ACK leaves it out and the peer sends it again */
  c->extra->data_segs_in++;
  c->extra->last_recv_ms = s->now_ms;
  c->extra->fastopen->flags |= TCT_FO_TAKEN;
  tct_sock_event_readable(s, c);
}

static bool open_child(tct_stack *s, struct tct_listen_syn *y, bool tell_cookie) {
  struct tct_half_open r;
  memset(&r, 0, sizeof r);
  r.key = *y->t;
  tct_tcp_listen_fill_record(s, y, &r);
  struct tct_tcp *c = tct_tcp_child_open_early(s, y, &r);
  if (c == NULL)
    return false;
  struct tct_tcp_fastopen *f = c->extra->fastopen;
  f->flags = TCT_FO_CHILD | TCT_FO_PENDING | TCT_FO_FIRST;
  f->parent = (uint64_t)y->l->gen << 32 | y->l->index;
  y->l->listener->fastopen.pending_n++;
  if (tell_cookie) {
    f->flags |= TCT_FO_OPTION | (y->h->opt.tfo_exp ? TCT_FO_EXP : 0);
    f->cookie_len = TCT_FASTOPEN_COOKIE_LEN;
    memcpy(f->cookie, y->cookie, sizeof y->cookie);
  }
  if (y->reopens)
    tct_tcp_timewait_drop(s, y->t);
  tct_tcp_cc_init(s, c);
  take_text(s, y, c);
  tct_tcp_timer_set_due(s, c, TCT_DUE_SYN);
  tct_tcp_block_settle(s, c);
  tct_tcp_check(s, c);
  tct_sock_event_post(s, y->l, TCT_EV_ACCEPT);
  return true;
}

/* [RFC7413 4.2.2] A cookie is wanted, or given back, or data alone hopes that none is needed. FIN
 * on a SYN is for nobody: its data waits for the handshake. */
bool tct_tcp_fastopen_take_syn(tct_stack *s, struct tct_listen_syn *y) {
  const struct tct_tcp_opts *o = &y->h->opt;
  bool has_text = y->p->l4_len > y->h->header_len;
  bool asks = o->has_tfo && o->tfo_len == 0;
  if (asks)
    s->n.TCPFastOpenCookieReqd++;
  if ((s->cfg.fastopen & TCT_FASTOPEN_SERVER) == 0 || !(has_text || o->has_tfo) ||
      (y->h->flags & TCT_FIN) != 0 || !has_room(s, y->l))
    return false;
  enum word word = needs_no_cookie(s, y->l) ? GOOD : judge(s, y);
  if (word != REFUSED && open_child(s, y, word == GOOD_BY_OLD_KEY)) {
    s->n.TCPFastOpenPassive++;
    s->n.TCPFastOpenPassiveAltKey += word == GOOD_BY_OLD_KEY ? 1 : 0;
    return true;
  }
  if (!asks && o->has_tfo)
    s->n.TCPFastOpenPassiveFail++;
  y->has_cookie = o->has_tfo && !needs_no_cookie(s, y->l);
  y->cookie_exp = o->tfo_exp; /* in the form in which it was asked for */
  return false;
}

/* The peer has not heard our SYN,ACK. */
void tct_tcp_fastopen_on_syn_again(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_fastopen *f = own(c);
  uint32_t now_ms = s->now_ms;
  if ((f->flags & TCT_FO_AGAIN) != 0 && tct_ms32_since(now_ms, f->again_ms) < SYN_AGAIN_MS)
    return;
  f->flags |= TCT_FO_AGAIN;
  f->again_ms = now_ms;
  tct_tcp_timer_set_due(s, c, TCT_DUE_SYN);
}

/* ---- Options on the wire --------------------------------------------------------------------- */

void tct_tcp_fastopen_option(const struct tct_tcp *c, struct tct_tcp_opts *o) {
  const struct tct_tcp_fastopen *f = own(c);
  unsigned both = TCT_FO_FIRST | TCT_FO_OPTION;
  if (f != NULL && f->syn_mss != 0 && o->has_mss)
    o->mss = (uint16_t)tct_min_u32(o->mss, f->syn_mss);
  if (f == NULL || (f->flags & both) != both)
    return;
  o->has_tfo = true;
  o->tfo_exp = (f->flags & TCT_FO_EXP) != 0;
  o->tfo_len = f->cookie_len;
  memcpy(o->tfo_cookie, f->cookie, f->cookie_len);
}

void tct_tcp_fastopen_on_syn_sent(struct tct_tcp *c) {
  struct tct_tcp_fastopen *f = own(c);
  if (f != NULL)
    f->flags &= (uint16_t)~TCT_FO_FIRST;
}

/* ---- Options of a socket --------------------------------------------------------------------- */

static int set_flag(tct_stack *s, struct tct_tcp *c, unsigned flag, int64_t value) {
  if (value != 0 && value != 1)
    return TCT_EINVAL;
  struct tct_tcp_fastopen *f = tct_tcp_fastopen_of(s, c);
  if (f == NULL)
    return TCT_ENOMEM;
  f->flags = (uint16_t)(value != 0 ? f->flags | flag : f->flags & ~flag);
  return TCT_OK;
}

static int set_limit(tct_stack *s, struct tct_tcp *c, int64_t value) {
  if (value < 0 || value > INT32_MAX)
    return TCT_EINVAL;
  struct tct_tcp_fastopen *f = tct_tcp_fastopen_of(s, c);
  if (f == NULL)
    return TCT_ENOMEM;
  f->limit = (uint32_t)value;
  return TCT_OK;
}

/* Before the socket is opened, or on a listener. */
int tct_tcp_fastopen_set(tct_stack *s, struct tct_tcp *c, tct_opt o, int64_t value) {
  bool fresh = c->state == TCT_CLOSED && (c->sockf & TCT_SOCKF_DONE) == 0;
  if (o == TCT_OPT_FASTOPEN_CONNECT) {
    if ((s->cfg.fastopen & TCT_FASTOPEN_CLIENT) == 0 && (value == 0 || value == 1))
      return TCT_EOPNOTSUPP;
    return fresh ? set_flag(s, c, TCT_FO_CONNECT, value) : TCT_EINVAL;
  }
  if (!fresh && c->state != TCT_LISTEN)
    return TCT_EINVAL;
  return o == TCT_OPT_FASTOPEN ? set_limit(s, c, value) : set_flag(s, c, TCT_FO_NO_COOKIE, value);
}

int64_t tct_tcp_fastopen_get(const struct tct_tcp *c, tct_opt o) {
  const struct tct_tcp_fastopen *f = own(c);
  if (o == TCT_OPT_FASTOPEN)
    return f != NULL ? f->limit : 0;
  return tct_tcp_fastopen_has(c, o == TCT_OPT_FASTOPEN_CONNECT ? TCT_FO_CONNECT : TCT_FO_NO_COOKIE);
}

int tct_sock_fastopen_key_set(tct_stack *s, tct_sock k, const uint64_t keys[][2], unsigned n) {
  struct tct_tcp *c = tct_tcp_block_at(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (n == 0 || n > 2)
    return TCT_EINVAL;
  struct tct_tcp_fastopen *f = tct_tcp_fastopen_of(s, c);
  if (f == NULL)
    return TCT_ENOMEM;
  memcpy(f->key, keys, n * sizeof f->key[0]);
  f->n_keys = (uint8_t)n;
  return TCT_OK;
}

int tct_sock_fastopen_key_get(tct_stack *s, tct_sock k, uint64_t keys[2][2]) {
  const struct tct_tcp *c = tct_tcp_block_at(s, k);
  const uint64_t(*from)[2];
  if (c == NULL)
    return TCT_EBADF;
  unsigned n = keys_of(s, c, &from);
  memcpy(keys, from, n * sizeof from[0]);
  return (int)n;
}
