/* SPDX-License-Identifier: MIT */
/*
 * sock_opt.c - options of a connection. What is not supported, or not on this socket, is
 * refused: nothing is accepted and ignored. Set on a listener, an option holds for what it accepts.
 * RFC 9293 sections 3.9.1.6, 3.9.1.8, 3.9.1.9. UDP's options are in udp/.
 */
#include "sock/sock.h"
#include "util/rule.h"

#define BUF_MAX (1 << 30)

/* One row for each option whose value is a number in `extra`: where, and from what to what. */
struct field {
  tct_opt opt;
  uint8_t offset, bytes;
  int64_t min, max;
  int64_t unset; /* what get says while nothing was set; -1: see get_default */
};

#define FIELD(opt, member, min, max, unset)                                                        \
  {                                                                                                \
    opt, (uint8_t)(offsetof(struct tct_extra, member) - offsetof(struct tct_extra, set)),          \
        sizeof(((struct tct_extra *)0)->member), min, max, unset                                   \
  }
_Static_assert(offsetof(struct tct_extra, ecn_n) - offsetof(struct tct_extra, set) < 256,
               "offsets fit a byte");

static const struct field fields[] = {
    FIELD(TCT_OPT_KEEPIDLE_S, keepidle_s, 1, 32767, 7200), /* [RFC9293 MUST-27] [RFC9293 MUST-28] */
    FIELD(TCT_OPT_KEEPINTVL_S, keepintvl_s, 1, 32767, 75),
    FIELD(TCT_OPT_KEEPCNT, keepcnt, 1, 127, 9),
    FIELD(TCT_OPT_KEEP_GARBAGE, keep_garbage, 0, 1, 0),                /* [RFC9293 MAY-6] */
    FIELD(TCT_OPT_USER_TIMEOUT_MS, user_timeout_ms, 0, UINT32_MAX, 0), /* [RFC9293 MUST-21] */
    FIELD(TCT_OPT_R1_RETRIES, r1_retries, 1, 255, 3),                  /* [RFC9293 SHLD-10] */
    FIELD(TCT_OPT_SYN_RETRIES, syn_retries, 0, 127, -1),
    FIELD(TCT_OPT_MAXSEG, maxseg, 1, 65535, -1),
    FIELD(TCT_OPT_SNDBUF, sndbuf, 1, BUF_MAX, -1),
    FIELD(TCT_OPT_RCVLOWAT, rcvlowat, 1, BUF_MAX, 1),
    FIELD(TCT_OPT_NOTSENT_LOWAT, notsent_lowat, 0, UINT32_MAX, 0),
    FIELD(TCT_OPT_WINDOW_CLAMP, window_clamp, 0, BUF_MAX, 0),
    FIELD(TCT_OPT_FIN_WAIT_2_MS, fin_wait_2_ms, 1, UINT32_MAX, -1),
    FIELD(TCT_OPT_DEFER_ACCEPT_S, defer_accept_s, 0, 255, 0),
    FIELD(TCT_OPT_MAX_PACING_RATE, max_pacing_rate, 0, INT64_MAX, 0),
    FIELD(TCT_OPT_MTU_PROBING, mtu_probing, 0, TCT_MTU_PROBING_ALWAYS, -1),
    FIELD(TCT_OPT_SYN_POLICY, syn_policy, 0, 1, TCT_SYN_ANSWER),
};

static const struct field *find_field(tct_opt o) {
  for (size_t i = 0; i < TCT_ARRAY_LEN(fields); i++) {
    if (fields[i].opt == o)
      return &fields[i];
  }
  return NULL;
}

static bool is_opened(const struct tct_tcp *c) {
  return c->state != TCT_CLOSED || (c->sockf & TCT_SOCKF_DONE) != 0;
}

/* ---- set ------------------------------------------------------------------------------------- */

static int set_flag16(uint16_t *flags, unsigned bit, int64_t value) {
  if (value != 0 && value != 1)
    return TCT_EINVAL;
  *flags = (uint16_t)(value != 0 ? *flags | bit : *flags & ~bit);
  return TCT_OK;
}

static int set_flag8(uint8_t *flags, unsigned bit, int64_t value) {
  if (value != 0 && value != 1)
    return TCT_EINVAL;
  *flags = (uint8_t)(value != 0 ? *flags | bit : *flags & ~bit);
  return TCT_OK;
}

static struct tct_extra *mark_set(tct_stack *s, struct tct_tcp *c, tct_opt o) {
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  if (x != NULL)
    x->set |= (uint64_t)1 << o;
  return x;
}

static void write_field(struct tct_extra *x, const struct field *f, int64_t value) {
  uint8_t *at = (uint8_t *)x + offsetof(struct tct_extra, set) + f->offset;
  uint8_t v8 = (uint8_t)value;
  uint16_t v16 = (uint16_t)value;
  uint32_t v32 = (uint32_t)value;
  const void *from = f->bytes == 1   ? (const void *)&v8
                     : f->bytes == 2 ? (const void *)&v16
                     : f->bytes == 4 ? (const void *)&v32
                                     : (const void *)&value;
  memcpy(at, from, f->bytes);
}

static int64_t read_field(const struct tct_extra *x, const struct field *f) {
  const uint8_t *at = (const uint8_t *)x + offsetof(struct tct_extra, set) + f->offset;
  uint16_t v16;
  uint32_t v32;
  if (f->bytes == 1)
    return *at;
  memcpy(&v16, at, sizeof v16);
  if (f->bytes == 2)
    return v16;
  memcpy(&v32, at, sizeof v32);
  if (f->bytes == 4)
    return v32;
  int64_t v64;
  memcpy(&v64, at, sizeof v64);
  return v64;
}

/* What a running connection does differently from now on. */
static void apply_field(tct_stack *s, struct tct_tcp *c, tct_opt o) {
  if (c->state < TCT_SYN_SENT || (c->sockf & TCT_SOCKF_DONE) != 0)
    return;
  if (o == TCT_OPT_KEEPIDLE_S || o == TCT_OPT_KEEPINTVL_S || o == TCT_OPT_FIN_WAIT_2_MS) {
    if (c->tmr.kind == TCT_TIMER_KEEPALIVE || c->tmr.kind == TCT_TIMER_FIN_WAIT_2)
      tct_tcp_timer_stop(s, c);
    tct_tcp_timer_update(s, c);
  }
  if (o == TCT_OPT_SNDBUF || o == TCT_OPT_NOTSENT_LOWAT)
    tct_sock_event_writable(s, c);
  if (o == TCT_OPT_RCVLOWAT && tct_sock_io_unread(c) > 0)
    tct_sock_event_readable(s, c);
  if (o == TCT_OPT_WINDOW_CLAMP)
    tct_tcp_recv_on_app_read(s, c);
  if (o == TCT_OPT_MTU_PROBING)
    tct_tcp_mtu_on_option(s, c);
  if (o == TCT_OPT_MAXSEG)
    tct_tcp_mtu_set(s, c, tct_ip_pmtu(s, c->key.raddr, c->ifi));
}

static int set_field(tct_stack *s, struct tct_tcp *c, const struct field *f, int64_t value) {
  int64_t min = f->opt == TCT_OPT_MAXSEG ? s->cfg.mss_min : f->min;
  if (value < min || value > f->max)
    return TCT_EINVAL;
  struct tct_extra *x = mark_set(s, c, f->opt);
  if (x == NULL)
    return TCT_ENOMEM;
  write_field(x, f, value);
  apply_field(s, c, f->opt);
  return TCT_OK;
}

/* What the SYN offers: settled once it has gone. */
static int set_offer(tct_stack *s, struct tct_tcp *c, tct_opt o, int64_t value) {
  if ((value != 0 && value != 1) || is_opened(c))
    return TCT_EINVAL;
  struct tct_extra *x = mark_set(s, c, o);
  if (x == NULL)
    return TCT_ENOMEM;
  uint8_t off = value == 0;
  if (o == TCT_OPT_TIMESTAMPS)
    x->no_ts = off;
  else if (o == TCT_OPT_SACK)
    x->no_sack = off;
  else
    x->no_wscale = off;
  return TCT_OK;
}

/* Asked in the SYN: settled once it has gone. */
static int set_ecn(tct_stack *s, struct tct_tcp *c, int64_t value) {
  if (value < TCT_ECN_OFF || value > TCT_ECN_ACCURATE_PASSIVE || is_opened(c))
    return TCT_EINVAL;
  struct tct_extra *x = mark_set(s, c, TCT_OPT_ECN);
  if (x == NULL)
    return TCT_ENOMEM;
  x->ecn = (uint8_t)value;
  return TCT_OK;
}

static int set_isn(tct_stack *s, struct tct_tcp *c, int64_t value) {
  if (!s->cfg.deterministic) /* elsewhere it would be a way to be guessed */
    return TCT_ENOPROTOOPT;
  if (value < 0 || value > UINT32_MAX)
    return TCT_EINVAL;
  struct tct_extra *x = mark_set(s, c, TCT_OPT_ISN);
  if (x == NULL)
    return TCT_ENOMEM;
  x->fixed_isn = (uint32_t)value;
  return TCT_OK;
}

static int set_rcvbuf(tct_stack *s, struct tct_tcp *c, int64_t value) {
  if (value < 1 || value > BUF_MAX)
    return TCT_EINVAL;
  if (mark_set(s, c, TCT_OPT_RCVBUF) == NULL) /* it stays as it is set: no autotuning */
    return TCT_ENOMEM;
  tct_tcp_recv_init(s, c, (uint32_t)value);
  if (c->state >= TCT_ESTABLISHED)
    tct_tcp_recv_on_app_read(s, c);
  return TCT_OK;
}

static int set_keepalive(tct_stack *s, struct tct_tcp *c, int64_t value) {
  int e = set_flag16(&c->sockf, TCT_SOCKF_KEEPALIVE, value);
  if (e == TCT_OK && c->state >= TCT_ESTABLISHED && (c->sockf & TCT_SOCKF_DONE) == 0)
    tct_tcp_timer_update(s, c);
  return e;
}

/* Both let out at once what they held back. */
static int set_sending(tct_stack *s, struct tct_tcp *c, tct_opt o, int64_t value) {
  struct tct_tcp_active *a = c->active;
  int e = set_flag8(&c->snd.flags, o == TCT_OPT_CORK ? TCT_SND_CORK : TCT_SND_NODELAY, value);
  if (e == TCT_OK && o == TCT_OPT_CORK && value == 0 && a != NULL)
    a->cork_at = TCT_NEVER;
  if (e == TCT_OK && o == TCT_OPT_NODELAY && value != 0 && a != NULL && a->cork_at != TCT_NEVER)
    a->cork_at = s->now; /* what is corked goes, this once (Linux's way) */
  tct_tcp_timer_refresh(s, c);
  if (e == TCT_OK && c->state >= TCT_ESTABLISHED)
    tct_tcp_output_wake(s, c);
  return e;
}

/* Who shares a port is settled by bind. */
static int set_sharing(struct tct_tcp *c, tct_opt o, int64_t value) {
  if (o == TCT_OPT_V6ONLY && (is_opened(c) || (c->sockf & TCT_SOCKF_BOUND) != 0))
    return TCT_EINVAL;
  unsigned bit = o == TCT_OPT_V6ONLY      ? TCT_SOCKF_V6ONLY
                 : o == TCT_OPT_REUSEADDR ? TCT_SOCKF_REUSEADDR
                                          : TCT_SOCKF_REUSEPORT;
  return set_flag16(&c->sockf, bit, value);
}

static int set_byte(uint8_t *to, int64_t value, int64_t min, int64_t max, unsigned shift) {
  if (value < min || value > max)
    return TCT_EINVAL;
  *to = (uint8_t)(value << shift);
  return TCT_OK;
}

/* Unknown algorithms are told apart from unknown options, as in Linux. */
static int set_congestion(tct_stack *s, struct tct_tcp *c, int64_t value) {
  if (value < TCT_CC_NEWRENO || value > TCT_CC_DCTCP)
    return TCT_ENOENT;
  int e = tct_tcp_cc_choose(s, c, (tct_cc)value);
  if (e == TCT_OK)
    c->extra->set |= (uint64_t)1 << TCT_OPT_CONGESTION;
  return e;
}

static int set_other(tct_stack *s, struct tct_tcp *c, tct_opt o, int64_t value) {
  switch (o) {
  case TCT_OPT_NODELAY: /* [RFC9293 MUST-17] */
  case TCT_OPT_CORK:
    return set_sending(s, c, o, value);
  case TCT_OPT_QUICKACK:
    if (value != 0 && value != 1)
      return TCT_EINVAL;
    tct_tcp_recv_set_quickack(s, c, value != 0);
    return TCT_OK;
  case TCT_OPT_KEEPALIVE: /* [RFC9293 MUST-24] */
    return set_keepalive(s, c, value);
  case TCT_OPT_RCVBUF:
    return set_rcvbuf(s, c, value);
  case TCT_OPT_DSCP: /* [RFC9293 MUST-48] [RFC9293 SHLD-21] */
    return set_byte(&c->tclass, value, 0, 63, 2);
  case TCT_OPT_HOP_LIMIT: /* [RFC9293 MUST-49] */
    return set_byte(&c->hop_limit, value, 1, 255, 0);
  case TCT_OPT_SOFT_ERRORS: /* [RFC9293 SHLD-20] */
    return value == 0 || value == 1 ? set_flag16(&c->sockf, TCT_SOCKF_NO_SOFT, !value) : TCT_EINVAL;
  case TCT_OPT_PMTU_DISCOVER:
    return value == 0 || value == 1 ? set_flag16(&c->sockf, TCT_SOCKF_NO_DF, !value) : TCT_EINVAL;
  case TCT_OPT_V6ONLY:
  case TCT_OPT_REUSEADDR:
  case TCT_OPT_REUSEPORT:
    return set_sharing(c, o, value);
  case TCT_OPT_TIMESTAMPS:
  case TCT_OPT_SACK:
  case TCT_OPT_WSCALE:
    return set_offer(s, c, o, value);
  case TCT_OPT_CONGESTION:
    return set_congestion(s, c, value);
  case TCT_OPT_ECN: /* [RFC9293 SHLD-8] */
    return set_ecn(s, c, value);
  case TCT_OPT_FASTOPEN:
  case TCT_OPT_FASTOPEN_CONNECT:
  case TCT_OPT_FASTOPEN_NO_COOKIE:
    return tct_tcp_fastopen_set(s, c, o, value);
  case TCT_OPT_ISN:
    return set_isn(s, c, value);
  default:
    return TCT_ENOPROTOOPT;
  }
}

int tct_sock_set(tct_stack *s, tct_sock k, tct_opt o, int64_t value) {
  if (tct_sock_is_udp(k))
    return tct_udp_set(s, k, o, value);
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  const struct field *f = find_field(o);
  int e = f != NULL ? set_field(s, c, f, value) : set_other(s, c, o, value);
  tct_sock_finish(s, c);
  return e;
}

/* ---- get ------------------------------------------------------------------------------------- */

static int64_t get_default(const tct_stack *s, const struct tct_tcp *c, tct_opt o) {
  switch (o) {
  case TCT_OPT_SYN_RETRIES:
    return s->cfg.syn_retries;
  case TCT_OPT_SNDBUF:
    return tct_tcp_send_limit(s, c);
  case TCT_OPT_FIN_WAIT_2_MS:
    return s->cfg.fin_wait_2_ms;
  case TCT_OPT_MTU_PROBING:
    return s->cfg.mtu_probing;
  default: /* MAXSEG */
    return c->snd.mss != 0 ? c->snd.mss : 536;
  }
}

static int64_t get_field(const tct_stack *s, const struct tct_tcp *c, const struct field *f) {
  if (f->opt == TCT_OPT_MAXSEG && c->state >= TCT_ESTABLISHED)
    return tct_tcp_send_mss(s, c);
  if (tct_tcp_is_set(c, f->opt))
    return read_field(c->extra, f);
  return f->unset >= 0 ? f->unset : get_default(s, c, f->opt);
}

/* Errors are told once. */
static int64_t take_error(struct tct_tcp *c) {
  if ((c->sockf & TCT_SOCKF_ERR_TOLD) != 0)
    return 0;
  if ((c->sockf & TCT_SOCKF_DONE) != 0)
    c->sockf |= TCT_SOCKF_ERR_TOLD;
  return -(int64_t)c->err;
}

static int64_t take_soft_error(struct tct_tcp *c) {
  int64_t err = -(int64_t)c->soft_err;
  c->soft_err = 0;
  return err;
}

static bool get_flag(const tct_stack *s, const struct tct_tcp *c, tct_opt o, int64_t *value) {
  switch (o) {
  case TCT_OPT_NODELAY:
    *value = (c->snd.flags & TCT_SND_NODELAY) != 0;
    return true;
  case TCT_OPT_CORK:
    *value = (c->snd.flags & TCT_SND_CORK) != 0;
    return true;
  case TCT_OPT_QUICKACK:
    *value = (c->rcv.flags & TCT_RCV_QUICKACK) != 0;
    return true;
  case TCT_OPT_KEEPALIVE:
    *value = (c->sockf & TCT_SOCKF_KEEPALIVE) != 0;
    return true;
  case TCT_OPT_SOFT_ERRORS:
    *value = (c->sockf & TCT_SOCKF_NO_SOFT) == 0;
    return true;
  case TCT_OPT_PMTU_DISCOVER:
    *value = (c->sockf & TCT_SOCKF_NO_DF) == 0;
    return true;
  case TCT_OPT_V6ONLY:
    *value = (c->sockf & TCT_SOCKF_V6ONLY) != 0;
    return true;
  case TCT_OPT_REUSEADDR:
    *value = (c->sockf & TCT_SOCKF_REUSEADDR) != 0;
    return true;
  case TCT_OPT_REUSEPORT:
    *value = (c->sockf & TCT_SOCKF_REUSEPORT) != 0;
    return true;
  case TCT_OPT_TIMESTAMPS:
  case TCT_OPT_SACK:
  case TCT_OPT_WSCALE:
    *value = tct_tcp_options_offers(s, c, o);
    return true;
  default:
    return false;
  }
}

static int get_other(tct_stack *s, struct tct_tcp *c, tct_opt o, int64_t *value) {
  if (get_flag(s, c, o, value))
    return TCT_OK;
  switch (o) {
  case TCT_OPT_RCVBUF:
    *value = c->rcv.buf_max;
    return TCT_OK;
  case TCT_OPT_DSCP:
    *value = c->tclass >> 2;
    return TCT_OK;
  case TCT_OPT_RECV_DSCP: /* [RFC9293 MAY-9] */
    *value = c->recv_tclass >> 2;
    return TCT_OK;
  case TCT_OPT_HOP_LIMIT:
    *value = c->hop_limit;
    return TCT_OK;
  case TCT_OPT_ERROR:
    *value = take_error(c);
    return TCT_OK;
  case TCT_OPT_SOFT_ERROR: /* [RFC9293 MUST-47] */
    *value = take_soft_error(c);
    return TCT_OK;
  case TCT_OPT_URGENT_UNREAD: /* [RFC9293 MUST-33] */
    *value = tct_tcp_recv_urgent_unread(c);
    return TCT_OK;
  case TCT_OPT_ECN:
    *value = tct_tcp_ecn_mode(s, c);
    return TCT_OK;
  case TCT_OPT_FASTOPEN:
  case TCT_OPT_FASTOPEN_CONNECT:
  case TCT_OPT_FASTOPEN_NO_COOKIE:
    *value = tct_tcp_fastopen_get(c, o);
    return TCT_OK;
  case TCT_OPT_CONGESTION:
    *value = tct_tcp_cc_algorithm(s, c);
    return TCT_OK;
  default:
    return TCT_ENOPROTOOPT;
  }
}

int tct_sock_get(tct_stack *s, tct_sock k, tct_opt o, int64_t *value) {
  if (tct_sock_is_udp(k))
    return tct_udp_get(s, k, o, value);
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  const struct field *f = find_field(o);
  if (f == NULL)
    return get_other(s, c, o, value);
  *value = get_field(s, c, f);
  return TCT_OK;
}
