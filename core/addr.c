/* SPDX-License-Identifier: MIT */
/*
 * addr.c - addresses as text and back, for whoever talks to people. Stateless. RFC 4291 section 2.2
 * for what is read, RFC 5952 for what is written; IPv4 stands as ::ffff:a.b.c.d inside and as
 * a.b.c.d outside.
 */
#include "tercet/tercet.h"
#include "util/mem.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

tct_addr tct_addr_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  tct_addr out = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  return out;
}

bool tct_addr_is_ipv4(tct_addr a) {
  return memcmp(a.b, mapped, sizeof mapped) == 0;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

static size_t put_number(char *p, unsigned value, unsigned base) {
  char digits[8];
  size_t n = 0, len;
  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  len = n;
  while (n > 0)
    *p++ = digits[--n];
  return len;
}

static size_t put_ipv4(char *p, const uint8_t *b) {
  size_t at = 0;
  for (int i = 0; i < 4; i++) {
    if (i > 0)
      p[at++] = '.';
    at += put_number(p + at, b[i], 10);
  }
  return at;
}

static unsigned group(const tct_addr *a, unsigned i) {
  return (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1];
}

/* The longest run of zero groups, two at the least; the first of equal ones (RFC 5952 4.2). */
static unsigned find_gap(const tct_addr *a, unsigned *len) {
  unsigned best = 8;
  *len = 1;
  for (unsigned i = 0; i < 8; i++) {
    unsigned n = 0;
    while (i + n < 8 && group(a, i + n) == 0)
      n++;
    if (n > *len) {
      best = i;
      *len = n;
    }
  }
  return best;
}

static size_t put_ipv6(char *p, const tct_addr *a) {
  unsigned gap_len;
  unsigned gap = find_gap(a, &gap_len);
  size_t at = 0;
  for (unsigned i = 0; i < 8; i++) {
    if (i == gap) {
      p[at++] = ':';
      p[at++] = ':';
      i += gap_len - 1;
      continue;
    }
    if (at > 0 && p[at - 1] != ':')
      p[at++] = ':';
    at += put_number(p + at, group(a, i), 16);
  }
  return at;
}

size_t tct_addr_text(tct_addr a, char *buf, size_t cap) {
  char text[48];
  size_t n = tct_addr_is_ipv4(a) ? put_ipv4(text, a.b + 12) : put_ipv6(text, &a);
  if (cap == 0)
    return n;
  size_t fits = tct_min_size(n, cap - 1);
  memcpy(buf, text, fits);
  buf[fits] = 0;
  return n;
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return 16;
}

/* Up to max_digits digits of base; *p behind them; -1: none, or too many. */
static int take_number(const char **p, int base, int max_digits, int max) {
  int value = 0, n = 0;
  while (digit(**p) < base && n <= max_digits) {
    value = value * base + digit(**p);
    (*p)++;
    n++;
  }
  return n == 0 || n > max_digits || value > max ? -1 : value;
}

static bool parse_ipv4(const char **p, uint8_t *b) {
  for (int i = 0; i < 4; i++) {
    if (i > 0 && *(*p)++ != '.')
      return false;
    bool leading_zero =
        **p == '0' && digit((*p)[1]) < 10; /* octal to some readers: RFC 6943 3.1.1 */
    int v = take_number(p, 10, 3, 255);
    if (v < 0 || leading_zero)
      return false;
    b[i] = (uint8_t)v;
  }
  return true;
}

static bool looks_ipv4(const char *p) {
  while (digit(*p) < 10)
    p++;
  return *p == '.';
}

struct groups {
  uint8_t b[16];
  int n, gap;
}; /* bytes so far; where "::" stood, -1: nowhere */

static bool take_group(const char **p, struct groups *g) {
  if (g->n <= 12 && looks_ipv4(*p)) {
    bool ok = parse_ipv4(p, g->b + g->n);
    g->n += 4;
    return ok && **p == 0;
  }
  int v = take_number(p, 16, 4, 0xffff);
  if (v < 0 || g->n > 14)
    return false;
  g->b[g->n++] = (uint8_t)(v >> 8);
  g->b[g->n++] = (uint8_t)v;
  return true;
}

static bool take_gap(const char **p, struct groups *g) {
  if ((*p)[0] != ':' || (*p)[1] != ':')
    return false;
  *p += 2;
  g->gap = g->n;
  return true;
}

static bool parse_ipv6(const char *p, struct groups *g) {
  (void)take_gap(&p, g);
  while (*p != 0) {
    if (!take_group(&p, g))
      return false;
    if (*p == 0)
      break;
    if (g->gap < 0 && take_gap(&p, g))
      continue;
    if (*p++ != ':' || *p == 0)
      return false;
  }
  return g->gap < 0 ? g->n == 16 : g->n < 16;
}

int tct_addr_parse(const char *text, tct_addr *a) {
  struct groups g = {.gap = -1};
  const char *p = text;
  if (looks_ipv4(text)) {
    uint8_t b[4];
    if (!parse_ipv4(&p, b) || *p != 0)
      return TCT_EINVAL;
    *a = tct_addr_ipv4(b[0], b[1], b[2], b[3]);
    return TCT_OK;
  }
  if (!parse_ipv6(text, &g))
    return TCT_EINVAL;
  memset(a, 0, sizeof *a);
  if (g.gap < 0)
    g.gap = g.n;
  int tail = g.n - g.gap;
  memcpy(a->b, g.b, (size_t)g.gap);
  memcpy(a->b + 16 - tail, g.b + g.gap, (size_t)tail);
  return TCT_OK;
}
