/* SPDX-License-Identifier: MIT */
/*
 * words.c - the small words: numbers, sizes, flags, options, names. See words.h; whole remarks
 * about a row are remarks.c. Pure: from values to text.
 */
#include "cli/show/words.h"

#include <stdarg.h>
#include <string.h>

#include "util/mem.h"

void line_clear(struct line *l) {
  l->n = 0;
  l->b[0] = '\0';
}

void line_add(struct line *l, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(l->b + l->n, sizeof l->b - l->n, format, args);
  va_end(args);
  if (n < 0)
    return;
  l->n += (size_t)n;
  if (l->n < sizeof l->b)
    return;
  l->n = sizeof l->b - 1;
  while (l->n > 0 && ((unsigned char)l->b[l->n - 1] & 0xc0) == 0x80)
    l->n--; /* not half a character */
  l->b[l->n] = '\0';
}

void line_copy(const struct line *l, char *to, size_t cap) {
  size_t n = l->n < cap ? l->n : cap - 1;
  while (n < l->n && n > 0 && ((unsigned char)l->b[n] & 0xc0) == 0x80)
    n--;
  memcpy(to, l->b, n);
  to[n] = '\0';
}

unsigned line_columns(const struct line *l) {
  return term_columns(l->b);
}

void line_pad_to(struct line *l, unsigned column) {
  unsigned have = line_columns(l);
  if (have >= column && have != 0)
    line_add(l, "  ");
  else
    line_add(l, "%*s", (int)(column - have), "");
}

void line_repeat(struct line *l, const char *text, unsigned n) {
  while (n-- > 0)
    line_add(l, "%s", text);
}

/* The glyphs that this program uses, and one ASCII character for each. */
void words_to_ascii(char *text) {
  static const struct {
    const char *from;
    char to;
  } map[] = {
      {"─", '-'}, {"═", '='}, {"╌", '-'}, {"│", '|'}, {"┆", ':'}, {"▶", '>'}, {"◀", '<'},
      {"╳", 'X'}, {"✗", 'X'}, {"✓", '+'}, {"↻", '@'}, {"·", ','}, {"–", '-'}, {"×", 'x'},
      {"…", '.'}, {"→", '>'}, {"←", '<'}, {"⚠", '!'}, {"≥", '>'}, {"≤", '<'}, {"µ", 'u'},
  };
  char *to = text;
  while (*text != '\0') {
    size_t len = 1;
    if ((*text & 0x80) == 0) {
      *to++ = *text++;
      continue;
    }
    while (((unsigned char)text[len] & 0xc0) == 0x80)
      len++;
    char c = '?';
    for (size_t i = 0; i < TCT_ARRAY_LEN(map); i++)
      if (strlen(map[i].from) == len && memcmp(map[i].from, text, len) == 0)
        c = map[i].to;
    *to++ = c;
    text += len;
  }
  *to = '\0';
}

void words_flags(struct line *l, uint8_t flags) {
  static const struct {
    uint8_t bit;
    const char *name;
  } names[] = {{TCT_SYN, "SYN"}, {TCT_FIN, "FIN"}, {TCT_RST, "RST"}, {TCT_PSH, "PSH"},
               {TCT_ACK, "ACK"}, {TCT_URG, "URG"}, {TCT_ECE, "ECE"}, {TCT_CWR, "CWR"}};
  const char *comma = "";
  for (size_t i = 0; i < TCT_ARRAY_LEN(names); i++)
    if ((flags & names[i].bit) != 0) {
      line_add(l, "%s%s", comma, names[i].name);
      comma = ",";
    }
  if (flags == 0)
    line_add(l, "none");
}

void words_size(struct line *l, uint64_t bytes) {
  static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  uint64_t tenths;
  unsigned u = 0;
  if (bytes < 1000) {
    line_add(l, "%u B", (unsigned)bytes);
    return;
  }
  tenths = (bytes + 50) / 100;
  for (; tenths >= 10000; tenths = (tenths + 500) / 1000)
    u++;
  line_add(l, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[u]);
}

void words_count(struct line *l, uint64_t n) {
  char digits[24];
  int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
  for (int i = 0; i < len; i++)
    line_add(l, "%s%c", i != 0 && (len - i) % 3 == 0 && len > 3 ? " " : "", digits[i]);
}

static void add_decimal(struct line *l, uint64_t hundredths, bool both, const char *unit) {
  unsigned part = (unsigned)(hundredths % 100);
  if (both)
    line_add(l, "%llu.%02u %s", (unsigned long long)(hundredths / 100), part, unit);
  else
    line_add(l, "%llu.%u %s", (unsigned long long)(hundredths / 100), part / 10, unit);
}

void words_duration(struct line *l, tct_time ns) {
  if (ns < 999500)
    line_add(l, "%u µs", (unsigned)((ns + 500) / 1000));
  else if (ns < 999950000)
    add_decimal(l, (ns + 50000) / 100000 * 10, false, "ms");
  else if (ns < 10000000000u)
    add_decimal(l, (ns + 5000000) / 10000000, true, "s");
  else
    add_decimal(l, (ns + 50000000) / 100000000 * 10, false, "s");
}

void words_number(struct line *l, enum show_numbers how, uint32_t rel, uint32_t abs) {
  if (how == SHOW_ABSOLUTE)
    line_add(l, "%u", abs);
  else if (how == SHOW_RELATIVE)
    line_add(l, "%u", rel);
  else
    line_add(l, "%u (%u)", rel, abs);
}

static bool is_handshake_ack(const struct show_row *r) {
  return r->seg.flags == TCT_ACK && r->seg.len == 0 && r->seq_rel == 1 && r->ack_rel == 1;
}

enum show_numbers words_seq_how(enum show_numbers how, const struct show_row *r) {
  bool matters = (r->seg.flags & (TCT_SYN | TCT_FIN | TCT_RST)) != 0 || is_handshake_ack(r);
  return how == SHOW_BOTH && !matters ? SHOW_RELATIVE : how;
}

enum show_numbers words_ack_how(enum show_numbers how, const struct show_row *r) {
  const struct show_conn *c = r->conn;
  bool acks_fin = c != NULL && c->has_fin[!r->from] && r->seg.ack == c->fin_end[!r->from];
  bool matters = (r->seg.flags & (TCT_SYN | TCT_RST)) != 0 || is_handshake_ack(r) || acks_fin;
  return how == SHOW_BOTH && !matters ? SHOW_RELATIVE : how;
}

/* First and last number that the segment takes up; of data only, the flags say the rest. */
void words_range(struct line *l, enum show_numbers how, const struct show_row *r) {
  uint32_t len = r->fold == SHOW_FOLD_DATA ? r->fold_bytes : r->seg.len;
  bool has_syn = (r->seg.flags & TCT_SYN) != 0;
  words_number(l, words_seq_how(how, r), r->seq_rel, r->seg.seq);
  if (len <= 1 && !(has_syn && len == 1))
    return;
  uint32_t last = len - 1 + has_syn;
  line_add(l, "–%u", how == SHOW_ABSOLUTE ? r->seg.seq + last : r->seq_rel + last);
}

void words_facts(struct line *l, const struct show_row *r, enum show_numbers how, bool wide) {
  unsigned len_end = how == SHOW_BOTH ? 27 : 26;
  uint32_t bytes = r->fold == SHOW_FOLD_DATA ? r->fold_bytes : r->seg.len;
  struct line size;
  line_clear(l);
  line_clear(&size);
  words_flags(l, r->seg.flags);
  line_pad_to(l, 9);
  line_add(l, "seq ");
  words_range(l, how, r);
  if (bytes != 0)
    words_size(&size, bytes);
  if (wide && line_columns(l) + 2 <= len_end - line_columns(&size))
    line_pad_to(l, len_end - line_columns(&size));
  else if (bytes != 0)
    line_add(l, "  ");
  line_add(l, "%s", size.b);
  if ((r->seg.flags & TCT_ACK) == 0)
    return;
  line_add(l, "  ack ");
  words_number(l, words_ack_how(how, r), r->ack_rel, r->seg.ack);
}

void words_frames(struct line *l, uint32_t first, uint32_t last, bool contiguous) {
  if (first == last)
    line_add(l, "%u", first);
  else
    line_add(l, "%u%s%u", first, contiguous ? "–" : "…", last);
}

void words_options(struct line *l, const tct_seg *seg, unsigned brevity) {
  const char *dot = "";
  if (seg->mss != 0) {
    line_add(l, "MSS %u", seg->mss);
    dot = " · ";
  }
  if (seg->sack_permitted) {
    line_add(l, "%sSACK", dot);
    dot = " · ";
  }
  if (seg->has_ts) {
    line_add(l, brevity > 0 ? "%sTS" : "%stimestamps", dot);
    dot = " · ";
  }
  if (seg->wscale == 0xff)
    return;
  line_add(l, "%swscale %u", dot, seg->wscale);
  if (brevity < 2)
    line_add(l, " (×%u)", 1u << (seg->wscale & 15));
}

void words_endpoint(struct line *l, const tct_addr *a, uint16_t port) {
  char text[48] = "";
  tct_addr_text(*a, text, sizeof text);
  line_add(l, tct_addr_is_ipv4(*a) ? "%s:%u" : "[%s]:%u", text, port);
}

void words_window(struct line *l, const struct show_row *r) {
  uint32_t raw = r->seg.window_raw, real = r->seg.window_bytes;
  line_add(l, "win %u", raw);
  if (raw != 0 && real > raw)
    line_add(l, " ×%u = %u", real / raw, real);
}

void words_sack(struct line *l, const struct show_row *r, enum show_numbers how) {
  /* Relative to the ISN of the side that is acknowledged. */
  uint32_t isn = how == SHOW_ABSOLUTE ? 0 : r->seg.ack - r->ack_rel;
  for (unsigned i = 0; i < r->seg.n_sack && i < 4; i++)
    line_add(l, "%s%u–%u", i == 0 ? "" : " · ", r->seg.sack[i][0] - isn,
             r->seg.sack[i][1] - isn - 1);
}

const char *words_state(uint8_t state) {
  return state < TCT_STATE_COUNT ? tct_state_name((tct_state)state) : "?";
}

enum term_role words_role(const struct show_row *r) {
  uint8_t flags = r->seg.flags;
  if (r->proto != SHOW_TCP)
    return TERM_WARN;
  if ((flags & TCT_RST) != 0)
    return TERM_RST;
  if (r->is_rexmit)
    return TERM_REXMIT;
  if ((flags & TCT_SYN) != 0)
    return TERM_SYN;
  if ((flags & TCT_FIN) != 0)
    return TERM_FIN;
  return r->seg.len != 0 ? TERM_DATA : TERM_ACK;
}
