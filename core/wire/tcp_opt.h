/* SPDX-License-Identifier: MIT */
/*
 * tcp_opt.h - TCP options: bytes to values and back, in the order of a layout.
 *
 * Called by wire/tcp and by tcp_options, which decides what is offered. Leaves to TCP what a value
 * means: an MSS of 0 or a window scale of 200 comes through as it is. RFC 9293 section 3.2, 7323,
 * 2018, 5482, 7413, 6994, 9768.
 */
#ifndef TCT_WIRE_TCP_OPT_H
#define TCT_WIRE_TCP_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"

enum {
  TCT_TCP_OPT_BYTES_MAX = 40,
  TCT_TCP_OPT_SACK_MAX = 4,
  TCT_TCP_OPT_COOKIE_MIN = 4, /* Fast Open cookie, RFC 7413 4.1.1 */
  TCT_TCP_OPT_COOKIE_MAX = 16
};

/* Option kinds; also the tokens of a layout. */
enum {
  TCT_TOPT_END = 0,
  TCT_TOPT_NOP = 1,
  TCT_TOPT_MSS = 2,
  TCT_TOPT_WSCALE = 3,
  TCT_TOPT_SACKOK = 4,
  TCT_TOPT_SACK = 5,
  TCT_TOPT_TS = 8,
  TCT_TOPT_UTO = 28,
  TCT_TOPT_TFO = 34,
  TCT_TOPT_ACCECN0 = 172, /* accurate ECN: E0B, CEB, E1B */
  TCT_TOPT_ACCECN1 = 174, /* E1B, CEB, E0B */
  TCT_TOPT_EXPERIMENT = 254
};

/* In which order options stand and what goes before each to align it. */
enum tct_tcp_opt_layout { TCT_TCP_OPT_LINUX, TCT_TCP_OPT_STRICT, TCT_TCP_OPT_LAYOUT_COUNT };

struct tct_tcp_sack_block {
  uint32_t begin, end;
};

/* Accurate ECN's byte counters, 24 bits each; the last ones of the order may be missing. */
struct tct_tcp_accecn {
  uint32_t e1b, e0b, ceb;
  uint8_t kind;   /* TCT_TOPT_ACCECN0 or 1: the order; 0: no such option */
  uint8_t fields; /* 0..3 of them are there */
};
static inline bool tct_tcp_accecn_has_e1b(const struct tct_tcp_accecn *a) {
  return a->fields >= (a->kind == TCT_TOPT_ACCECN1 ? 1 : 3);
}
static inline bool tct_tcp_accecn_has_e0b(const struct tct_tcp_accecn *a) {
  return a->fields >= (a->kind == TCT_TOPT_ACCECN0 ? 1 : 3);
}
static inline bool tct_tcp_accecn_has_ceb(const struct tct_tcp_accecn *a) {
  return a->fields >= 2;
}

struct tct_tcp_opts {
  uint32_t tsval, tsecr;
  struct tct_tcp_sack_block sack[TCT_TCP_OPT_SACK_MAX];
  struct tct_tcp_accecn accecn;
  uint16_t mss;
  uint16_t uto_raw; /* granularity bit and 15 bits, RFC 5482 2 */
  uint8_t wscale;   /* unclamped */
  uint8_t n_sack;
  uint8_t tfo_len; /* 0: asks for a cookie */
  uint8_t tfo_cookie[TCT_TCP_OPT_COOKIE_MAX];
  uint8_t n_unknown;
  bool has_mss, has_wscale, sack_permitted, has_ts, has_uto, has_tfo;
  bool tfo_exp;   /* Fast Open came, or is to be sent, in its older experimental form */
  bool malformed; /* a length was impossible: the rest was left unread */
};

/* Never fails and never reads past len (at most 40 are looked at). Of an option that occurs twice
 * the later counts. */
void tct_wire_tcp_opt_parse(const uint8_t *p, size_t len, struct tct_tcp_opts *out);
/* Bytes that the emit below will write for cap = 40. */
size_t tct_wire_tcp_opt_len(const struct tct_tcp_opts *o, enum tct_tcp_opt_layout layout);
/* Writes a multiple of 4 bytes, at most cap (and 40). What does not fit is left out; of SACK, the
 * last blocks. */
size_t tct_wire_tcp_opt_emit(uint8_t *p, size_t cap, const struct tct_tcp_opts *o,
                             enum tct_tcp_opt_layout layout);

#endif
