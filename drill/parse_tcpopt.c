/* SPDX-License-Identifier: MIT */
/*
 * parse_tcpopt.c - the list of TCP options in < >, and our own block in { } that says how a packet
 * departs from what would be built. Called by parse_packet.c. The written list is the wire content:
 * nothing is padded here.
 */
#include "drill/parse.h"

#include <string.h>

static void put16(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v) {
  put16(p, v >> 16);
  put16(p + 2, v);
}

static void set_head(struct drill_option *o, uint8_t kind, size_t len) {
  o->kind = kind;
  o->bytes[0] = kind;
  o->bytes[1] = (uint8_t)len;
  o->len = len;
}

static bool parse_nop(struct drill_parser *p, struct drill_option *o) {
  (void)p;
  o->kind = o->bytes[0] = 1;
  o->len = 1;
  return true;
}

static bool parse_eol(struct drill_parser *p, struct drill_option *o) {
  (void)p;
  o->len = 1;
  return true;
}

static bool parse_mss(struct drill_parser *p, struct drill_option *o) {
  int64_t v;
  if (!drill_parse_want_int(p, 0, 65535, &v))
    return false;
  set_head(o, 2, 4);
  put16(o->bytes + 2, (uint32_t)v);
  return true;
}

static bool parse_wscale(struct drill_parser *p, struct drill_option *o) {
  int64_t v;
  if (!drill_parse_want_int(p, 0, 255, &v))
    return false;
  set_head(o, 3, 3);
  o->bytes[2] = (uint8_t)v;
  return true;
}

static bool parse_sackok(struct drill_parser *p, struct drill_option *o) {
  (void)p;
  set_head(o, 4, 2);
  return true;
}

static bool parse_sack(struct drill_parser *p, struct drill_option *o) {
  while (drill_parse_peek(p, 0)->kind == DRILL_INT) {
    int64_t from, to;
    if (o->n_sack == 4)
      return drill_parse_fail(p, "more than four SACK blocks");
    if (!drill_parse_want_int(p, DRILL_SEQ_MIN, UINT32_MAX, &from) ||
        !drill_parse_want_char(p, ':') || !drill_parse_want_int(p, DRILL_SEQ_MIN, UINT32_MAX, &to))
      return false;
    o->sack[o->n_sack * 2] = (uint32_t)from;
    o->sack[o->n_sack * 2 + 1] = (uint32_t)to;
    o->n_sack++;
  }
  set_head(o, 5, 2 + 8 * (size_t)o->n_sack);
  return o->n_sack || drill_parse_fail(p, "sack wants at least one block, FROM:TO");
}

static bool parse_ts(struct drill_parser *p, struct drill_option *o) {
  int64_t val, ecr;
  if (!drill_parse_take_word(p, "val") || !drill_parse_want_int(p, 0, UINT32_MAX, &val) ||
      !drill_parse_take_word(p, "ecr") || !drill_parse_want_int(p, 0, UINT32_MAX, &ecr))
    return drill_parse_fail(p, "TS val N ecr N expected");
  set_head(o, 8, 10);
  o->has_ts = true;
  o->tsval = (uint32_t)val;
  o->tsecr = (uint32_t)ecr;
  put32(o->bytes + 2, o->tsval);
  put32(o->bytes + 6, o->tsecr);
  return true;
}

static bool is_list_end(struct drill_parser *p) {
  return drill_parse_is_char(p, ',') || drill_parse_is_char(p, '>');
}

static bool parse_cookie(struct drill_parser *p, struct drill_option *o, size_t head) {
  size_t len = 0;
  if (!is_list_end(p) && !drill_parse_want_hex(p, o->bytes + head, 40 - head, &len))
    return false;
  o->bytes[1] = (uint8_t)(head + len);
  o->len = head + len;
  return true;
}

static bool parse_fo(struct drill_parser *p, struct drill_option *o) {
  set_head(o, 34, 2);
  return parse_cookie(p, o, 2);
}

static bool parse_foexp(struct drill_parser *p, struct drill_option *o) {
  set_head(o, 254, 4);
  put16(o->bytes + 2, 0xf989);
  return parse_cookie(p, o, 4);
}

/* md5 HEX; "md5 valid" would want the digest of a shared secret. */
static bool parse_md5(struct drill_parser *p, struct drill_option *o) {
  set_head(o, 19, 2);
  if (drill_parse_take_word(p, "valid")) {
    o->len = 18;
    o->bytes[1] = 18;
    return true;
  }
  return parse_cookie(p, o, 2);
}

/* Accurate ECN: three 24-bit counters in one of two orders. */
static bool parse_ecn(struct drill_parser *p, struct drill_option *o) {
  set_head(o, drill_parse_is_word(p, "e1b") ? 174 : 172, 2);
  while (!is_list_end(p)) {
    int64_t v;
    p->pos++;
    if (o->len > 8)
      return drill_parse_fail(p, "more than three ECN counters");
    if (!drill_parse_want_int(p, 0, 0xffffff, &v))
      return false;
    o->bytes[o->len] = (uint8_t)(v >> 16);
    put16(o->bytes + o->len + 1, (uint32_t)v);
    o->len += 3;
  }
  o->bytes[1] = (uint8_t)o->len;
  return true;
}

/* Ours: any bytes at all, lengths as wrong as wanted. */
static bool parse_raw(struct drill_parser *p, struct drill_option *o) {
  if (!drill_parse_want_hex(p, o->bytes, 40, &o->len))
    return false;
  o->kind = o->bytes[0];
  return o->len > 0 || drill_parse_fail(p, "raw wants bytes");
}

static const struct {
  const char *word;
  bool (*parse)(struct drill_parser *p, struct drill_option *o);
} kinds[] = {
    {"nop", parse_nop},       {"eol", parse_eol},   {"mss", parse_mss}, {"wscale", parse_wscale},
    {"sackOK", parse_sackok}, {"sack", parse_sack}, {"TS", parse_ts},   {"FO", parse_fo},
    {"FOEXP", parse_foexp},   {"md5", parse_md5},   {"ECN", parse_ecn}, {"raw", parse_raw},
};

static bool parse_one(struct drill_parser *p, struct drill_option *o) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  for (size_t i = 0; t->kind == DRILL_WORD && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(kinds[i].word, t->text) != 0)
      continue;
    p->pos++;
    return kinds[i].parse(p, o);
  }
  return drill_parse_fail(p,
                          "'%s' is no TCP option; there are mss wscale sackOK sack TS nop eol FO "
                          "FOEXP md5 ECN raw",
                          t->text);
}

bool drill_parse_tcp_options(struct drill_parser *p, struct drill_packet *k) {
  size_t total = 0;
  if (!drill_parse_take_char(p, '<'))
    return true;
  if (drill_parse_peek(p, 0)->kind == DRILL_ELLIPSIS) {
    p->pos++;
    k->any_options = true;
    if (!k->is_out)
      return drill_parse_fail(p, "<...> is for expected packets only");
    return drill_parse_want_char(p, '>');
  }
  if (drill_parse_take_char(p, '>'))
    return true;
  do {
    if (k->n_options == DRILL_OPTIONS_MAX)
      return drill_parse_fail(p, "too many TCP options");
    if (!parse_one(p, &k->options[k->n_options]))
      return false;
    total += k->options[k->n_options++].len;
  } while (drill_parse_take_char(p, ','));
  if (total % 4 || total > 40)
    return drill_parse_fail(p, "the options take %zu bytes: not a multiple of 4 up to 40", total);
  return drill_parse_want_char(p, '>');
}

/* ---- { } ---------------------------------------------------------------------------------------
 */

static bool twist_flag(struct drill_twist *t, const char *word) {
  const struct {
    const char *word;
    bool *flag;
  } flags[] = {
      {"badsum", &t->bad_sum}, {"badipsum", &t->bad_ip_sum}, {"new", &t->is_new},
      {"again", &t->is_again}, {"more", &t->is_more},
  };
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    if (strcmp(flags[i].word, word) == 0)
      return *flags[i].flag = true;
  return false;
}

static bool twist_number(struct drill_parser *p, struct drill_twist *t, const char *word,
                         bool *found) {
  const struct {
    const char *word;
    int *to;
    int min, max;
  } numbers[] = {
      {"reserved", &t->reserved, 0, 15}, {"doff", &t->doff, 0, 15},
      {"trunc", &t->trunc, 0, 65535},    {"conn", &t->conn, 1, 1000},
      {"sport", &t->sport, 0, 65535},    {"dport", &t->dport, 0, 65535},
      {"iplen", &t->iplen, 0, 65535},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    if (strcmp(numbers[i].word, word) != 0)
      continue;
    int64_t v = 0;
    *found = true;
    bool ok = drill_parse_want_int(p, numbers[i].min, numbers[i].max, &v);
    *numbers[i].to = (int)v;
    return ok;
  }
  return true;
}

/* The word after `why` or `verdict`, an address, bytes. */
static bool twist_text(struct drill_parser *p, struct drill_twist *t, const char *word) {
  const struct drill_token *v = drill_parse_peek(p, 0);
  p->pos++;
  if (strcmp(word, "why") == 0 && v->kind == DRILL_WORD)
    return t->why = v->text, true;
  if (strcmp(word, "verdict") == 0 && v->kind == DRILL_WORD)
    return t->verdict = v->text, true;
  bool is_addr = v->kind == DRILL_IPV4 || v->kind == DRILL_IPV6;
  if (strcmp(word, "src") == 0 && is_addr)
    return t->src = v->text, true;
  if (strcmp(word, "dst") == 0 && is_addr)
    return t->dst = v->text, true;
  if (strcmp(word, "payload") == 0 && v->kind == DRILL_STRING) {
    t->payload = v->text;
    t->payload_len = v->len;
    return true;
  }
  p->pos--;
  if (strcmp(word, "ipopt") == 0) {
    uint8_t *bytes = drill_arena_get(p->arena, 40);
    t->ip_options = (const char *)bytes;
    return drill_parse_want_hex(p, bytes, 40, &t->ip_options_len);
  }
  return drill_parse_fail(p, "'%s %s' means nothing in { }", word, v->text);
}

static bool twist_one(struct drill_parser *p, struct drill_twist *t) {
  const struct drill_token *w = drill_parse_peek(p, 0);
  bool found = false;
  if (w->kind != DRILL_WORD)
    return drill_parse_fail(p, "a word expected in { }, not '%s'", w->text);
  p->pos++;
  if (twist_flag(t, w->text))
    return true;
  if (!twist_number(p, t, w->text, &found))
    return false;
  return found || twist_text(p, t, w->text);
}

bool drill_parse_twist(struct drill_parser *p, struct drill_packet *k) {
  struct drill_twist *t = &k->twist;
  t->reserved = t->doff = t->trunc = t->sport = t->dport = t->iplen = -1;
  if (!drill_parse_take_char(p, '{'))
    return true;
  do {
    if (!twist_one(p, t))
      return false;
  } while (drill_parse_take_char(p, ','));
  return drill_parse_want_char(p, '}');
}
