/* SPDX-License-Identifier: MIT */
/*
 * parse_packet.c - packets to inject and packets to expect: addresses' extras, TCP, UDP, ICMP.
 * Called by parse.c. Leaves TCP options and our own { } block to parse_tcpopt.c,
 * headers around a packet to parse_encap.c.
 */
#include "drill/parse.h"

#include <string.h>

#include "drill/names.h"

enum { BURST_MAX = 16 << 20 };

static bool parse_ecn_word(struct drill_parser *p, struct drill_packet *k, const char *word) {
  static const struct {
    const char *word;
    enum drill_ecn_word ecn;
  } words[] = {
      {"noecn", DRILL_ECN_NONE}, {"ect0", DRILL_ECN_ECT0},   {"ect1", DRILL_ECN_ECT1},
      {"ce", DRILL_ECN_CE},      {"ect01", DRILL_ECN_ECT01},
  };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(words[i].word, word) != 0)
      continue;
    k->ecn = words[i].ecn;
    if (k->ecn == DRILL_ECN_ECT01 && !k->is_out)
      return drill_parse_fail(p, "ect01 is for expected packets only");
    return true;
  }
  return drill_parse_fail(p,
                          "'%s' is no ECN word; there are noecn ect0 ect1 ce ect01 tos ttl "
                          "flowlabel",
                          word);
}

static bool parse_ip_item(struct drill_parser *p, struct drill_packet *k) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  int64_t v = 0;
  if (t->kind != DRILL_WORD)
    return drill_parse_fail(p, "an ECN word expected, not '%s'", t->text);
  p->pos++;
  if (strcmp(t->text, "tos") == 0) {
    if (!drill_parse_want_int(p, 0, 255, &v))
      return false;
    k->ecn = DRILL_ECN_TOS;
    k->tos = (uint8_t)v;
    return true;
  }
  if (strcmp(t->text, "ttl") == 0) {
    bool ok = drill_parse_want_int(p, 0, 255, &v);
    k->ttl = (int)v;
    return ok;
  }
  if (strcmp(t->text, "flowlabel") == 0)
    return drill_parse_want_int(p, 0, 0xfffff, &k->flowlabel);
  return parse_ecn_word(p, k, t->text);
}

bool drill_parse_ip_info(struct drill_parser *p, struct drill_packet *k) {
  char close = drill_parse_take_char(p, '[') ? ']' : drill_parse_take_char(p, '(') ? ')' : '\0';
  if (!close)
    return true;
  do {
    if (!parse_ip_item(p, k))
      return false;
  } while (drill_parse_take_char(p, ','));
  return drill_parse_want_char(p, close);
}

static bool parse_ports(struct drill_parser *p, struct drill_packet *k) {
  int64_t sport, dport;
  if (drill_parse_peek(p, 0)->kind != DRILL_INT || drill_parse_peek(p, 1)->kind != DRILL_CHAR ||
      drill_parse_peek(p, 1)->text[0] != '>')
    return true;
  if (!drill_parse_want_int(p, 0, 65535, &sport) || !drill_parse_want_char(p, '>') ||
      !drill_parse_want_int(p, 0, 65535, &dport))
    return false;
  k->sport = (uint16_t)sport;
  k->dport = (uint16_t)dport;
  return true;
}

static bool set_flag(struct drill_packet *k, char c) {
  static const char letters[] = "FSRPUEW";
  static const uint8_t bits[] = {TCT_FIN, TCT_SYN, TCT_RST, TCT_PSH, TCT_URG, TCT_ECE, TCT_CWR};
  const char *at = strchr(letters, c);
  if (at)
    k->flags |= bits[at - letters];
  if (c == 'A')
    k->ae = true;
  return at || c == 'A';
}

static bool set_ace(struct drill_packet *k, char c) {
  if (c < '0' || c > '7' || k->has_ace)
    return false;
  k->has_ace = true;
  k->ace = (uint8_t)(c - '0');
  return true;
}

/* The letters; an ACE digit may lex with them or with the dot. */
static bool parse_flags(struct drill_parser *p, struct drill_packet *k) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  size_t at = p->pos;
  if (drill_parse_take_char(p, '-'))
    return true;
  if (t->kind == DRILL_WORD) {
    for (const char *c = t->text; *c; c++)
      if (!set_flag(k, *c) && !set_ace(k, *c))
        return drill_parse_fail(p, "'%s' are no TCP flags; there are F S R P . U E W A -", t->text);
    p->pos++;
  }
  t = drill_parse_peek(p, 0);
  if (drill_parse_take_char(p, '.')) {
    k->flags |= TCT_ACK;
  } else if (t->kind == DRILL_FLOAT && t->text[0] == '.' && !t->text[2] && set_ace(k, t->text[1])) {
    k->flags |= TCT_ACK;
    p->pos++;
  }
  if (p->pos == at)
    return drill_parse_fail(p, "TCP flags expected, not '%s'", t->text);
  if (!k->has_ace)
    return true;
  if (k->ae || (k->flags & (TCT_ECE | TCT_CWR)))
    return drill_parse_fail(p, "an ACE digit excludes E, W and A");
  k->ae = k->ace & 4;
  k->flags |= (uint8_t)((k->ace & 2 ? TCT_CWR : 0) | (k->ace & 1 ? TCT_ECE : 0));
  return true;
}

/* A line to expect may be a burst, so its length is no packet's. */
static bool parse_seq(struct drill_parser *p, uint32_t *seq, uint32_t *len, int64_t max) {
  int64_t from, to, n;
  if (!drill_parse_want_int(p, DRILL_SEQ_MIN, UINT32_MAX, &from) ||
      !drill_parse_want_char(p, ':') ||
      !drill_parse_want_int(p, DRILL_SEQ_MIN, 2ll * UINT32_MAX, &to) ||
      !drill_parse_want_char(p, '(') || !drill_parse_want_int(p, 0, max, &n) ||
      !drill_parse_want_char(p, ')'))
    return false;
  if ((uint32_t)(from + n) != (uint32_t)to)
    return drill_parse_fail(p, "%lld and %lld do not add up to %lld", (long long)from, (long long)n,
                            (long long)to);
  *seq = (uint32_t)from;
  *len = (uint32_t)n;
  return true;
}

static bool parse_tcp(struct drill_parser *p, struct drill_packet *k) {
  int64_t v;
  k->proto = DRILL_TCP;
  if (!parse_ports(p, k) || !parse_flags(p, k) ||
      !parse_seq(p, &k->seq, &k->len, k->is_out ? BURST_MAX : 65535))
    return false;
  k->is_absolute = drill_parse_take_char(p, '!');
  if (drill_parse_take_word(p, "ack")) {
    if (!drill_parse_want_int(p, DRILL_SEQ_MIN, UINT32_MAX, &v))
      return false;
    k->has_ack = true;
    k->ack = (uint32_t)v;
  }
  if (drill_parse_take_word(p, "win")) {
    if (!drill_parse_want_int(p, 0, 65535, &v))
      return false;
    k->has_win = true;
    k->win = (uint16_t)v;
  } else if (!k->is_out) {
    p->pos--; /* the line of what is there, not of what follows */
    return drill_parse_fail(p, "a packet to inject wants its window: win N");
  }
  if (drill_parse_take_word(p, "urg")) {
    if (!drill_parse_want_int(p, 0, 65535, &v))
      return false;
    k->has_urg = true;
    k->urg = (uint16_t)v;
  }
  return drill_parse_tcp_options(p, k);
}

static bool parse_length(struct drill_parser *p, uint32_t *len) {
  int64_t v;
  if (!drill_parse_want_char(p, '(') || !drill_parse_want_int(p, 0, 65535, &v) ||
      !drill_parse_want_char(p, ')'))
    return false;
  *len = (uint32_t)v;
  return true;
}

static bool parse_udp(struct drill_parser *p, struct drill_packet *k) {
  k->proto = DRILL_UDP;
  return parse_ports(p, k) && parse_length(p, &k->len);
}

static bool parse_quote(struct drill_parser *p, struct drill_packet *k) {
  if (drill_parse_take_word(p, "udp")) {
    k->quoted = DRILL_UDP;
    return parse_length(p, &k->quoted_len);
  }
  if (drill_parse_take_word(p, "raw")) {
    k->quoted = DRILL_RAW;
    return parse_length(p, &k->quoted_len);
  }
  return parse_seq(p, &k->quoted_seq, &k->quoted_len, 65535);
}

static bool parse_icmp(struct drill_parser *p, struct drill_packet *k) {
  bool is_v6 = p->script->set.ip == DRILL_IP6;
  const struct drill_token *t = drill_parse_peek(p, 0);
  int64_t v;
  k->proto = DRILL_ICMP;
  if (t->kind != DRILL_WORD || !drill_names_icmp_type(is_v6, t->text, &k->icmp_type))
    return drill_parse_fail(p, "'%s' is no ICMP type", t->text);
  p->pos++;
  t = drill_parse_peek(p, 0);
  if (t->kind == DRILL_WORD && !drill_parse_is_word(p, "mtu") && !drill_parse_is_word(p, "id")) {
    if (!drill_names_icmp_code(is_v6, k->icmp_type, t->text, &k->icmp_code))
      return drill_parse_fail(p, "'%s' is no code of this ICMP type", t->text);
    p->pos++;
  }
  if (drill_parse_take_word(p, "mtu")) {
    if (!drill_parse_want_int(p, 0, UINT32_MAX, &v))
      return false;
    k->has_mtu = true;
    k->mtu = (uint32_t)v;
  }
  if (drill_parse_take_word(p, "id")) {
    if (!drill_parse_want_int(p, 0, 65535, &v))
      return false;
    k->icmp_id = (uint16_t)v;
  }
  if (!drill_parse_take_char(p, '['))
    return true;
  return parse_quote(p, k) && drill_parse_want_char(p, ']');
}

static bool parse_raw(struct drill_parser *p, struct drill_packet *k) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  k->proto = DRILL_RAW;
  if (k->is_out)
    return drill_parse_fail(p, "raw is for packets to inject");
  if (t->kind == DRILL_STRING) {
    k->raw = t->text;
    k->raw_len = t->len;
    p->pos++;
    return true;
  }
  uint8_t *bytes = drill_arena_get(p->arena, 4096);
  k->raw = (const char *)bytes;
  return drill_parse_want_hex(p, bytes, 4096, &k->raw_len);
}

bool drill_parse_packet(struct drill_parser *p, struct drill_packet **out) {
  struct drill_packet *k = drill_arena_get(p->arena, sizeof *k);
  *out = k;
  k->ttl = -1;
  k->flowlabel = -1;
  k->is_out = drill_parse_is_char(p, '>');
  p->pos++;
  if (!drill_parse_encap(p, k) || !drill_parse_ip_info(p, k) || !drill_parse_twist(p, k))
    return false;
  if (drill_parse_take_word(p, "udp"))
    return parse_udp(p, k);
  if (drill_parse_take_word(p, "icmp"))
    return parse_icmp(p, k);
  if (drill_parse_take_word(p, "raw"))
    return parse_raw(p, k);
  return parse_tcp(p, k);
}
