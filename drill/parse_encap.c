/* SPDX-License-Identifier: MIT */
/*
 * parse_encap.c - the headers that a script puts around a packet: IPv4, IPv6, GRE, MPLS, each with
 * a colon behind. Called by parse_packet.c; build_encap.c makes bytes of them.
 */
#include "drill/parse.h"

#include <string.h>

static bool want_word(struct drill_parser *p, const char *word) {
  return drill_parse_take_word(p, word) || drill_parse_fail(p, "'%s' expected", word);
}

static bool want_number(struct drill_parser *p, const char *word, int64_t max, uint32_t *v) {
  int64_t n;
  if (!want_word(p, word) || !drill_parse_want_int(p, 0, max, &n))
    return false;
  *v = (uint32_t)n;
  return true;
}

static bool want_address(struct drill_parser *p, enum drill_tok kind, tct_addr *a) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  if (t->kind != kind || tct_addr_parse(t->text, a) != TCT_OK)
    return drill_parse_fail(p, "an address expected, not '%s'", t->text);
  p->pos++;
  return true;
}

static bool parse_ip(struct drill_parser *p, struct drill_packet *k, struct drill_layer *l) {
  enum drill_tok kind = l->kind == DRILL_LAYER_IPV4 ? DRILL_IPV4 : DRILL_IPV6;
  struct drill_packet outer = {.is_out = k->is_out, .ttl = -1, .flowlabel = -1};
  if (!drill_parse_ip_info(p, &outer))
    return false;
  l->ecn = outer.ecn;
  l->tos = outer.tos;
  l->ttl = outer.ttl;
  return want_address(p, kind, &l->src) && drill_parse_want_char(p, '>') &&
         want_address(p, kind, &l->dst);
}

/* `flags N` or `flags [checksum present, key present, seq present]` */
static bool parse_gre_flags(struct drill_parser *p, struct drill_layer *l) {
  int64_t v;
  if (!drill_parse_take_char(p, '[')) {
    bool ok = drill_parse_want_int(p, 0, 65535, &v);
    l->gre_flags = (uint16_t)v;
    return ok;
  }
  while (!drill_parse_is_char(p, ']')) {
    if (drill_parse_take_word(p, "checksum"))
      l->gre_flags |= 0x8000;
    else if (drill_parse_take_word(p, "key"))
      l->gre_flags |= 0x2000;
    else if (drill_parse_take_word(p, "seq"))
      l->gre_flags |= 0x1000;
    else
      return drill_parse_fail(p, "GRE has checksum, key and seq");
    (void)drill_parse_take_word(p, "present");
    (void)drill_parse_take_char(p, ',');
  }
  return drill_parse_want_char(p, ']');
}

static bool parse_gre_field(struct drill_parser *p, struct drill_layer *l) {
  uint32_t v;
  if (drill_parse_take_word(p, "flags"))
    return parse_gre_flags(p, l);
  if (drill_parse_is_word(p, "sum"))
    return want_number(p, "sum", 65535, &v);
  if (drill_parse_is_word(p, "off"))
    return want_number(p, "off", 65535, &v);
  if (drill_parse_is_word(p, "key"))
    return want_number(p, "key", UINT32_MAX, &l->key);
  return want_number(p, "seq", UINT32_MAX, &l->seq);
}

static bool parse_gre(struct drill_parser *p, struct drill_layer *l) {
  bool in_braces = drill_parse_take_char(p, '{');
  if (drill_parse_is_char(p, ':'))
    return true;
  do {
    if (!parse_gre_field(p, l))
      return false;
  } while (drill_parse_take_char(p, ','));
  return !in_braces || drill_parse_want_char(p, '}');
}

/* (label 3, tc 0, [S], ttl 9) */
static bool parse_label(struct drill_parser *p, uint32_t *entry) {
  uint32_t label, tc, ttl, bottom = 0;
  if (!drill_parse_want_char(p, '(') || !want_number(p, "label", 0xfffff, &label) ||
      !drill_parse_want_char(p, ',') || !want_number(p, "tc", 7, &tc) ||
      !drill_parse_want_char(p, ','))
    return false;
  if (drill_parse_take_char(p, '[')) {
    bottom = 1;
    if (!want_word(p, "S") || !drill_parse_want_char(p, ']') || !drill_parse_want_char(p, ','))
      return false;
  }
  if (!want_number(p, "ttl", 255, &ttl))
    return false;
  *entry = label << 12 | tc << 9 | bottom << 8 | ttl;
  return drill_parse_want_char(p, ')');
}

static bool parse_mpls(struct drill_parser *p, struct drill_layer *l) {
  bool in_braces = drill_parse_take_char(p, '{');
  do {
    if (l->n_labels == DRILL_LABELS_MAX)
      return drill_parse_fail(p, "more than %d labels", DRILL_LABELS_MAX);
    if (!parse_label(p, &l->labels[l->n_labels++]))
      return false;
    (void)drill_parse_take_char(p, ',');
  } while (drill_parse_is_char(p, '('));
  return !in_braces || drill_parse_want_char(p, '}');
}

static bool parse_layer(struct drill_parser *p, struct drill_packet *k, struct drill_layer *l) {
  switch (l->kind) {
  case DRILL_LAYER_GRE:
    return parse_gre(p, l);
  case DRILL_LAYER_MPLS:
    return parse_mpls(p, l);
  default:
    return parse_ip(p, k, l);
  }
}

bool drill_parse_encap(struct drill_parser *p, struct drill_packet *k) {
  static const char *const words[] = {[DRILL_LAYER_IPV4] = "ipv4",
                                      [DRILL_LAYER_IPV6] = "ipv6",
                                      [DRILL_LAYER_GRE] = "gre",
                                      [DRILL_LAYER_MPLS] = "mpls"};
  for (size_t i = 0; i < sizeof words / sizeof words[0];) {
    if (!drill_parse_take_word(p, words[i])) {
      i++;
      continue;
    }
    if (k->n_layers == DRILL_LAYERS_MAX)
      return drill_parse_fail(p, "more than %d headers around a packet", DRILL_LAYERS_MAX);
    struct drill_layer *l = &k->layers[k->n_layers++];
    *l = (struct drill_layer){.kind = (enum drill_layer_kind)i, .ttl = -1};
    if (!parse_layer(p, k, l) || !drill_parse_want_char(p, ':'))
      return false;
    i = 0; /* one may stand in another */
  }
  return true;
}
