/* SPDX-License-Identifier: MIT */
/*
 * tcp_opt.c - the option walk, and options written in a layout's order.
 *
 * Called by wire/tcp.c and tcp_options.c. What a value means is TCP's business. The walk moves on
 * by one byte at least with each step and stops at the first impossible length.
 * RFC 9293 sections 3.1 and 3.2, RFC 7323, 2018, 5482, 7413, 6994, 9768.
 */
#include "wire/tcp_opt.h"

#include "util/mem.h"
#include "util/rule.h"
#include "wire/bytes.h"

enum { LEN_MSS = 4, LEN_WSCALE = 3, LEN_SACKOK = 2, LEN_TS = 10, LEN_UTO = 4, LEN_SACK_BLOCK = 8 };
enum { LEN_ACCECN_FIELD = 3, ACCECN_FIELDS = 3 };
enum { TFO_MAGIC = 0xf989 }; /* the experiment's identifier under kind 254, RFC 6994 */

/* ---- In ------------------------------------------------------------------------------------- */

static void read_sack(const uint8_t *p, size_t len, struct tct_tcp_opts *o) {
  size_t n = (len - 2) / LEN_SACK_BLOCK;
  if (len < 2 + LEN_SACK_BLOCK || (len - 2) % LEN_SACK_BLOCK != 0 || n > TCT_TCP_OPT_SACK_MAX)
    return;
  for (size_t i = 0; i < n; i++) {
    o->sack[i].begin = tct_bytes_get32(p + 2 + i * LEN_SACK_BLOCK);
    o->sack[i].end = tct_bytes_get32(p + 6 + i * LEN_SACK_BLOCK);
  }
  o->n_sack = (uint8_t)n;
}

/* The cookie of len bytes at p; RFC 7413 4.1.1 wants it even and 4 to 16 long, or absent. */
static void read_cookie(const uint8_t *p, size_t len, bool experimental, struct tct_tcp_opts *o) {
  bool fits = len >= TCT_TCP_OPT_COOKIE_MIN && len <= TCT_TCP_OPT_COOKIE_MAX && len % 2 == 0;
  if (len != 0 && !fits)
    return;
  o->has_tfo = true;
  o->tfo_exp = experimental;
  o->tfo_len = (uint8_t)len;
  memcpy(o->tfo_cookie, p, len);
}

static void read_experiment(const uint8_t *p, size_t len, struct tct_tcp_opts *o) {
  if (len >= 4 && tct_bytes_get16(p + 2) == TFO_MAGIC)
    read_cookie(p + 4, len - 4, true, o);
  else
    o->n_unknown++;
}

static void read_ts(const uint8_t *p, struct tct_tcp_opts *o) {
  o->has_ts = true;
  o->tsval = tct_bytes_get32(p);
  o->tsecr = tct_bytes_get32(p + 4);
}

static void read_mss(const uint8_t *p, struct tct_tcp_opts *o) {
  o->has_mss = TCT_RULE(MUST_4); /* [RFC9293 MUST-4] */
  o->mss = tct_bytes_get16(p);
}

static uint32_t get24(const uint8_t *p) {
  return (uint32_t)tct_bytes_get16(p) << 8 | p[2];
}

static void put24(uint8_t *p, uint32_t v) {
  tct_bytes_put16(p, (uint16_t)(v >> 8));
  p[2] = (uint8_t)v;
}

/* [RFC9768 3.2.3] None to three fields; any other length says nothing. */
static void read_accecn(const uint8_t *p, size_t len, struct tct_tcp_opts *o) {
  size_t n = (len - 2) / LEN_ACCECN_FIELD;
  struct tct_tcp_accecn *a = &o->accecn;
  if ((len - 2) % LEN_ACCECN_FIELD != 0 || n > ACCECN_FIELDS)
    return;
  bool one = p[0] == TCT_TOPT_ACCECN1;
  memset(a, 0, sizeof *a);
  a->kind = p[0];
  a->fields = (uint8_t)n;
  if (n >= 1)
    *(one ? &a->e1b : &a->e0b) = get24(p + 2);
  if (n >= 2)
    a->ceb = get24(p + 5);
  if (n == 3)
    *(one ? &a->e0b : &a->e1b) = get24(p + 8);
}

/* One option whose len >= 2 bytes are all there. A known kind of a wrong length is as if it were
 * not there. */
static void read_option(const uint8_t *p, size_t len, struct tct_tcp_opts *o) {
  switch (p[0]) {
  case TCT_TOPT_MSS:
    if (len == LEN_MSS)
      read_mss(p + 2, o);
    break;
  case TCT_TOPT_WSCALE:
    if (len == LEN_WSCALE) {
      o->has_wscale = true;
      o->wscale = p[2];
    }
    break;
  case TCT_TOPT_SACKOK:
    o->sack_permitted |= len == LEN_SACKOK;
    break;
  case TCT_TOPT_SACK:
    read_sack(p, len, o);
    break;
  case TCT_TOPT_TS:
    if (len == LEN_TS)
      read_ts(p + 2, o);
    break;
  case TCT_TOPT_UTO:
    if (len == LEN_UTO) {
      o->has_uto = true;
      o->uto_raw = tct_bytes_get16(p + 2);
    }
    break;
  case TCT_TOPT_TFO:
    read_cookie(p + 2, len - 2, false, o);
    break;
  case TCT_TOPT_EXPERIMENT:
    read_experiment(p, len, o);
    break;
  case TCT_TOPT_ACCECN0:
  case TCT_TOPT_ACCECN1:
    read_accecn(p, len, o);
    break;
  default:
    o->n_unknown++;
    break;
  }
}

static bool is_known(uint8_t kind) {
  return kind == TCT_TOPT_MSS || kind == TCT_TOPT_WSCALE || kind == TCT_TOPT_SACKOK ||
         kind == TCT_TOPT_SACK || kind == TCT_TOPT_TS || kind == TCT_TOPT_UTO ||
         kind == TCT_TOPT_TFO || kind == TCT_TOPT_EXPERIMENT || kind == TCT_TOPT_ACCECN0 ||
         kind == TCT_TOPT_ACCECN1;
}

/* Every option but END and NOP has its length in the second byte, those to come too, so that
 * unknown ones can be stepped over. [RFC9293 MUST-6, MUST-68] */
static size_t option_len(const uint8_t *p, size_t room) {
  if (room < 2)
    return 0;
  if (!is_known(p[0]) && !TCT_RULE(MUST_6))
    return 0;
  return TCT_RULE(MUST_68) || is_known(p[0]) ? p[1] : 2;
}

static void walk(const uint8_t *p, size_t len, struct tct_tcp_opts *o) {
  size_t at = 0;
  while (at < len && p[at] != TCT_TOPT_END) { /* [RFC9293 MUST-4] */
    if (p[at] == TCT_TOPT_NOP) {
      at++;
      continue;
    }
    size_t n = option_len(p + at, len - at);
    if (n < 2 || n > len - at) { /* [RFC9293 MUST-7] */
      o->malformed = TCT_RULE(MUST_7);
      return;
    }
    if (TCT_RULE(MUST_64) || at % 4 == 0) /* any boundary will do [RFC9293 MUST-64] */
      read_option(p + at, n, o);
    at += n;
  }
}

static const uint8_t aligned_ts[4] = {TCT_TOPT_NOP, TCT_TOPT_NOP, TCT_TOPT_TS, LEN_TS};

void tct_wire_tcp_opt_parse(const uint8_t *p, size_t len, struct tct_tcp_opts *out) {
  memset(out, 0, sizeof *out);
  if (len == 0)
    return;
  if (len == 12 && memcmp(p, aligned_ts, 4) == 0) { /* what nearly all segments carry */
    read_ts(p + 4, out);
    return;
  }
  walk(p, len < TCT_TCP_OPT_BYTES_MAX ? len : TCT_TCP_OPT_BYTES_MAX, out);
}

/* ---- Out ------------------------------------------------------------------------------------ */

/* NOPs belong to the option behind them and go out only with it. Linux saves two bytes by letting
 * SACK-permitted align the timestamp, so its order depends on whether both are there. END ends. */
static const uint8_t linux_both[] = {TCT_TOPT_MSS,  TCT_TOPT_SACKOK, TCT_TOPT_TS,  TCT_TOPT_ACCECN1,
                                     TCT_TOPT_NOP,  TCT_TOPT_WSCALE, TCT_TOPT_NOP, TCT_TOPT_NOP,
                                     TCT_TOPT_SACK, TCT_TOPT_UTO,    TCT_TOPT_TFO, TCT_TOPT_END};
static const uint8_t linux_other[] = {
    TCT_TOPT_MSS,  TCT_TOPT_NOP,    TCT_TOPT_NOP, TCT_TOPT_TS,     TCT_TOPT_ACCECN1, TCT_TOPT_NOP,
    TCT_TOPT_NOP,  TCT_TOPT_SACKOK, TCT_TOPT_NOP, TCT_TOPT_WSCALE, TCT_TOPT_NOP,     TCT_TOPT_NOP,
    TCT_TOPT_SACK, TCT_TOPT_UTO,    TCT_TOPT_TFO, TCT_TOPT_END};
static const uint8_t strict[] = {TCT_TOPT_MSS,  TCT_TOPT_NOP,     TCT_TOPT_WSCALE, TCT_TOPT_NOP,
                                 TCT_TOPT_NOP,  TCT_TOPT_SACKOK,  TCT_TOPT_NOP,    TCT_TOPT_NOP,
                                 TCT_TOPT_TS,   TCT_TOPT_ACCECN1, TCT_TOPT_NOP,    TCT_TOPT_NOP,
                                 TCT_TOPT_SACK, TCT_TOPT_UTO,     TCT_TOPT_TFO,    TCT_TOPT_END};

static const uint8_t *find_layout(const struct tct_tcp_opts *o, enum tct_tcp_opt_layout layout) {
  if (layout == TCT_TCP_OPT_STRICT)
    return strict;
  return o->sack_permitted && o->has_ts ? linux_both : linux_other;
}

static size_t sack_len(const struct tct_tcp_opts *o, size_t room) {
  size_t n = o->n_sack < TCT_TCP_OPT_SACK_MAX ? o->n_sack : TCT_TCP_OPT_SACK_MAX;
  size_t fit = room > 2 ? (room - 2) / LEN_SACK_BLOCK : 0;
  n = n < fit ? n : fit;
  return n > 0 ? 2 + n * LEN_SACK_BLOCK : 0;
}

static size_t tfo_len(const struct tct_tcp_opts *o) {
  size_t cookie = o->tfo_len < TCT_TCP_OPT_COOKIE_MAX ? o->tfo_len : TCT_TCP_OPT_COOKIE_MAX;
  return cookie + (o->tfo_exp ? 4 : 2);
}

/* With the NOPs behind it that align what follows. */
static size_t accecn_room(const struct tct_tcp_opts *o) {
  size_t n = o->accecn.fields < ACCECN_FIELDS ? o->accecn.fields : ACCECN_FIELDS;
  return (2 + n * LEN_ACCECN_FIELD + 3) & ~(size_t)3;
}

/* 0: o does not have it, or it does not fit into room. */
static size_t token_len(const struct tct_tcp_opts *o, uint8_t token, size_t room) {
  size_t len = 0;
  switch (token) {
  case TCT_TOPT_MSS:
    len = o->has_mss ? LEN_MSS : 0;
    break;
  case TCT_TOPT_WSCALE:
    len = o->has_wscale ? LEN_WSCALE : 0;
    break;
  case TCT_TOPT_SACKOK:
    len = o->sack_permitted ? LEN_SACKOK : 0;
    break;
  case TCT_TOPT_SACK:
    len = sack_len(o, room);
    break;
  case TCT_TOPT_TS:
    len = o->has_ts ? LEN_TS : 0;
    break;
  case TCT_TOPT_UTO:
    len = o->has_uto ? LEN_UTO : 0;
    break;
  case TCT_TOPT_TFO:
    len = o->has_tfo ? tfo_len(o) : 0;
    break;
  case TCT_TOPT_ACCECN1:
    len = o->accecn.kind != 0 ? accecn_room(o) : 0;
    break;
  default:
    break;
  }
  return len <= room ? len : 0;
}

static void write_sack(uint8_t *p, size_t len, const struct tct_tcp_opts *o) {
  for (size_t i = 0; i < (len - 2) / LEN_SACK_BLOCK; i++) {
    tct_bytes_put32(p + 2 + i * LEN_SACK_BLOCK, o->sack[i].begin);
    tct_bytes_put32(p + 6 + i * LEN_SACK_BLOCK, o->sack[i].end);
  }
}

static void write_tfo(uint8_t *p, size_t len, const struct tct_tcp_opts *o) {
  size_t head = o->tfo_exp ? 4 : 2;
  if (o->tfo_exp) {
    p[0] = TCT_TOPT_EXPERIMENT;
    tct_bytes_put16(p + 2, TFO_MAGIC);
  }
  memcpy(p + head, o->tfo_cookie, len - head);
}

static void write_accecn(uint8_t *p, size_t len, const struct tct_tcp_accecn *a) {
  bool one = a->kind == TCT_TOPT_ACCECN1;
  size_t n = a->fields < ACCECN_FIELDS ? a->fields : ACCECN_FIELDS;
  memset(p, TCT_TOPT_NOP, len);
  p[0] = a->kind;
  p[1] = (uint8_t)(2 + n * LEN_ACCECN_FIELD);
  if (n >= 1)
    put24(p + 2, one ? a->e1b : a->e0b);
  if (n >= 2)
    put24(p + 5, a->ceb);
  if (n == 3)
    put24(p + 8, one ? a->e0b : a->e1b);
}

/* len is token_len's, so there is room. */
static void write_token(uint8_t *p, uint8_t token, size_t len, const struct tct_tcp_opts *o) {
  p[0] = token;
  p[1] = (uint8_t)len; /* [RFC9293 MUST-68] */
  switch (token) {
  case TCT_TOPT_MSS:
    tct_bytes_put16(p + 2, o->mss);
    break;
  case TCT_TOPT_WSCALE:
    p[2] = o->wscale;
    break;
  case TCT_TOPT_SACK:
    write_sack(p, len, o);
    break;
  case TCT_TOPT_TS:
    tct_bytes_put32(p + 2, o->tsval);
    tct_bytes_put32(p + 6, o->tsecr);
    break;
  case TCT_TOPT_UTO:
    tct_bytes_put16(p + 2, o->uto_raw);
    break;
  case TCT_TOPT_TFO:
    write_tfo(p, len, o);
    break;
  case TCT_TOPT_ACCECN1:
    write_accecn(p, len, &o->accecn);
    break;
  default:
    break;
  }
}

/* Walks the layout; p NULL: only counts. */
static size_t lay_out(uint8_t *p, size_t cap, const struct tct_tcp_opts *o, const uint8_t *token) {
  size_t at = 0;
  size_t nops = 0;
  for (; *token != TCT_TOPT_END; token++) {
    if (*token == TCT_TOPT_NOP) {
      nops++;
      continue;
    }
    size_t len = at + nops <= cap ? token_len(o, *token, cap - at - nops) : 0;
    if (len > 0 && p != NULL) {
      memset(p + at, TCT_TOPT_NOP, nops);
      write_token(p + at + nops, *token, len, o);
    }
    if (len > 0)
      at += nops + len;
    nops = 0;
  }
  return at;
}

/* Options end on a multiple of 4, which both the cap and the header's length field count in. */
static size_t round_cap(size_t cap) {
  return (cap < TCT_TCP_OPT_BYTES_MAX ? cap : TCT_TCP_OPT_BYTES_MAX) & ~(size_t)3;
}

size_t tct_wire_tcp_opt_len(const struct tct_tcp_opts *o, enum tct_tcp_opt_layout layout) {
  return (lay_out(NULL, TCT_TCP_OPT_BYTES_MAX, o, find_layout(o, layout)) + 3) & ~(size_t)3;
}

/* Those that few segments have. */
static bool has_rare(const struct tct_tcp_opts *o) {
  return o->has_uto || o->has_tfo || o->n_sack != 0 || o->accecn.kind != 0;
}

/* Nothing but a timestamp: every layout writes it alike. */
static bool has_only_ts(const struct tct_tcp_opts *o) {
  bool others = o->has_mss || o->has_wscale || o->sack_permitted;
  return o->has_ts && !others && !has_rare(o);
}

static bool has_usual_syn(const struct tct_tcp_opts *o) {
  return o->has_mss && o->sack_permitted && o->has_ts && o->has_wscale && !has_rare(o);
}

/* What nearly all SYNs carry, in Linux's order: four options in 20 bytes, the values' left 0. */
enum { SYN_BYTES = 20 };
static const uint8_t usual_syn[SYN_BYTES] = {
    [0] = TCT_TOPT_MSS,  LEN_MSS,         [4] = TCT_TOPT_SACKOK,
    LEN_SACKOK,          TCT_TOPT_TS,     LEN_TS,
    [16] = TCT_TOPT_NOP, TCT_TOPT_WSCALE, LEN_WSCALE};

static void write_usual_syn(uint8_t *p, const struct tct_tcp_opts *o) {
  memcpy(p, usual_syn, SYN_BYTES);
  tct_bytes_put16(p + 2, o->mss);
  tct_bytes_put32(p + 8, o->tsval);
  tct_bytes_put32(p + 12, o->tsecr);
  p[19] = o->wscale;
}

size_t tct_wire_tcp_opt_emit(uint8_t *p, size_t cap, const struct tct_tcp_opts *o,
                             enum tct_tcp_opt_layout layout) {
  if (cap >= 12 && has_only_ts(o)) {
    memcpy(p, aligned_ts, 4);
    tct_bytes_put32(p + 4, o->tsval);
    tct_bytes_put32(p + 8, o->tsecr);
    return 12;
  }
  if (cap >= SYN_BYTES && layout == TCT_TCP_OPT_LINUX && has_usual_syn(o)) {
    write_usual_syn(p, o);
    return SYN_BYTES;
  }
  size_t at = lay_out(p, round_cap(cap), o, find_layout(o, layout));
  /* behind a Fast Open cookie, the only option of Linux's order that ends unevenly, stand NOPs */
  uint8_t fill = layout == TCT_TCP_OPT_LINUX ? TCT_TOPT_NOP : TCT_TOPT_END;
  while (at % 4 != 0)
    p[at++] = TCT_RULE_ELSE(MUST_69, fill, 0x55); /* else zeros [RFC9293 MUST-69] */
  return at;
}
