/* SPDX-License-Identifier: MIT */
/*
 * Pictures beside the ladder: header fields, payload, number rulers, two runs in two columns.
 * Called by stories after or between segments; draws from what was recorded and changes nothing.
 */
#include "cli/stories/view.h"

#include <stdio.h>
#include <string.h>

enum { IP4_HEADER = 20, RULER_COLUMNS = 36, WINDOW_COLUMNS = 72, WINDOW_LEVELS = 8 };

static bool is_drawn(const struct stage *st) {
  return stage_is_shown(st) &&
         (st->opts.show.mode == SHOW_LADDER || st->opts.show.mode == SHOW_PLAIN);
}

static uint32_t get(const uint8_t *p, unsigned n) {
  uint32_t v = 0;
  while (n-- > 0)
    v = v << 8 | *p++;
  return v;
}

/* ---- Header ---- */

static void row(struct stage *st, enum term_role role, const char *name, const uint8_t *p,
                unsigned n, const char *remark) {
  const struct term *t = stage_term(st);
  char hex[16] = "";
  for (unsigned i = 0; i < n; i++)
    snprintf(hex + 2 * i, sizeof hex - 2 * i, "%02x", p[i]);
  fprintf(st->opts.show.out, "  %s%-24s %10u   %-8s %3u bits   %s%s\n", term_on(t, role), name,
          get(p, n), hex, n * 8, remark, term_off(t, role));
}

static void flag_row(struct stage *st, uint8_t flags) {
  static const char *const names[8] = {"CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"};
  const struct term *t = stage_term(st);
  FILE *out = st->opts.show.out;
  fprintf(out, "  %-24s ", "control bits, one each");
  for (unsigned i = 0; i < 8; i++) {
    bool on = (flags >> (7 - i)) & 1;
    enum term_role role = !on ? TERM_DIM : i == 6 ? TERM_SYN : TERM_BOLD;
    fprintf(out, "%s%s=%d%s ", term_on(t, role), names[i], on, term_off(t, role));
  }
  fprintf(out, "%s\n", flags & TCT_SYN ? "  <- SYN is this one bit" : "");
}

static void mss_row(struct stage *st, const uint8_t *tcp, unsigned header_len) {
  for (unsigned at = 20; at + 1 < header_len;) {
    if (tcp[at] == 0)
      return;
    if (tcp[at] == 1) {
      at++;
      continue;
    }
    if (tcp[at + 1] < 2)
      return;
    if (tcp[at] == 2 && at + 4 <= header_len)
      row(st, TERM_PLAIN, "option 2, MSS", tcp + at + 2, 2, "octets of data in one segment");
    at += tcp[at + 1];
  }
}

void view_header(struct stage *st, const struct stage_frame *f) {
  const uint8_t *tcp;
  uint8_t flags;
  if (!is_drawn(st) || f->kept == NULL || f->f.len < IP4_HEADER + 20)
    return;
  if (f->kept[0] != 0x45)
    return;
  tcp = f->kept + IP4_HEADER;
  flags = tcp[13];
  fprintf(st->opts.show.out, " segment %u, sent by the %s: %-18s value   hex\n",
          (unsigned)f->f.number, st->now.names[f->f.dir], "");
  row(st, TERM_PLAIN, "source port", tcp, 2, "");
  row(st, TERM_PLAIN, "destination port", tcp + 2, 2, "");
  row(st, flags & TCT_SYN ? TERM_SYN : TERM_PLAIN, "sequence number", tcp + 4, 4,
      flags & TCT_SYN ? "<- the initial sequence number (ISN)" : "");
  row(st, flags & TCT_ACK ? TERM_PLAIN : TERM_DIM, "acknowledgment number", tcp + 8, 4,
      flags & TCT_ACK ? "the next octet expected" : "(no meaning: ACK=0)");
  flag_row(st, flags);
  row(st, TERM_PLAIN, "window", tcp + 14, 2, "octets the sender of this will take");
  mss_row(st, tcp, (unsigned)(tcp[12] >> 4) * 4);
  fputc('\n', st->opts.show.out);
}

/* ---- Payload ---- */

void view_payload(struct stage *st, const struct stage_frame *f) {
  const uint8_t *p;
  if (!is_drawn(st) || f->kept == NULL || f->f.seg.len > f->f.len)
    return;
  p = f->kept + f->f.len - f->f.seg.len;
  for (uint32_t at = 0; at < f->f.seg.len; at += 16) {
    uint32_t n = f->f.seg.len - at < 16 ? f->f.seg.len - at : 16;
    fprintf(st->opts.show.out, "  %04x  ", at);
    for (uint32_t i = 0; i < 16; i++)
      fprintf(st->opts.show.out, i < n ? "%02x " : "   ", i < n ? p[at + i] : 0u);
    fputc(' ', st->opts.show.out);
    for (uint32_t i = 0; i < n; i++)
      fputc(p[at + i] >= ' ' && p[at + i] < 127 ? p[at + i] : '.', st->opts.show.out);
    fputc('\n', st->opts.show.out);
  }
}

/* ---- Two runs ---- */

static void seg_text(char *to, size_t cap, const struct stage_frame *f) {
  const tct_seg *g = &f->f.seg;
  char ack[24] = "", flags[24] = "";
  static const struct {
    uint8_t bit;
    const char *name;
  } names[] = {{TCT_SYN, "SYN"}, {TCT_FIN, "FIN"}, {TCT_RST, "RST"}, {TCT_ACK, "ACK"}};
  to[0] = 0;
  if (f->f.len == 0)
    return;
  if (g->flags & TCT_ACK)
    snprintf(ack, sizeof ack, "ACK=%u", g->ack);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    size_t used = strlen(flags);
    if (g->flags & names[i].bit)
      snprintf(flags + used, sizeof flags - used, "%s%s", used ? "," : "", names[i].name);
  }
  snprintf(to, cap, "%c > %c  SEQ=%-5u %-9s %s", "AB"[f->f.dir], "BA"[f->f.dir], g -> seq, ack,
           flags);
}

void view_side_by_side(struct stage *st, unsigned left, unsigned right, unsigned n) {
  FILE *out = st->opts.show.out;
  if (!is_drawn(st))
    return;
  fprintf(out, "    %-42s%s\n", "right", "as printed on the page");
  for (unsigned i = 1; i <= n; i++) {
    char a[80], b[80];
    seg_text(a, sizeof a, stage_frame_nth(st, left, i));
    seg_text(b, sizeof b, stage_frame_nth(st, right, i));
    if (a[0] || b[0])
      fprintf(out, "    %-42s%s\n", a, b);
  }
  fprintf(out, "    A is %-37sA is %s\n", tct_state_name(stage_state(st, left, LEFT)),
          tct_state_name(stage_state(st, right, LEFT)));
}

/* ---- Rulers ---- */

static unsigned column(const struct view_ruler *r, uint32_t number) {
  uint32_t at = number > r->end ? r->end : number;
  return (unsigned)((uint64_t)at * (RULER_COLUMNS - 1) / r->end);
}

static void draw_ruler(struct stage *st, const char *name, const struct view_ruler *r) {
  bool unicode = stage_term(st)->unicode;
  fprintf(st->opts.show.out, "  %-16.16s ", name);
  for (unsigned i = 0; i < RULER_COLUMNS; i++) {
    bool acked = i < column(r, r->una), sent = i < column(r, r->nxt);
    const char *mark = acked  ? (unicode ? "━" : "=")
                       : sent ? (unicode ? "─" : "-")
                              : (unicode ? "·" : ".");
    fputs(i == column(r, r->rcv_nxt) ? (unicode ? "▲" : "^") : mark, st->opts.show.out);
  }
  fprintf(st->opts.show.out, "  SND.UNA +%-5u SND.NXT +%-5u RCV.NXT +%u\n", r->una, r->nxt,
          r->rcv_nxt);
}

void view_rulers(struct stage *st, tct_time at, const struct view_ruler r[2]) {
  char name[48];
  if (!is_drawn(st))
    return;
  fprintf(st->opts.show.out, " %.0f ms\n", (double)at / 1e6);
  snprintf(name, sizeof name, "%s's numbers", st->now.names[LEFT]);
  draw_ruler(st, name, &r[LEFT]);
  snprintf(name, sizeof name, "%s's numbers", st->now.names[RIGHT]);
  draw_ruler(st, name, &r[RIGHT]);
}

/* ---- Windows ---- */

static bool is_window(const struct stage_record *r, unsigned scene) {
  return r->scene == scene && r->end == LEFT && r->t.kind == TCT_TRACE_CC;
}

static uint32_t largest_window(const struct stage *st, unsigned scene) {
  uint32_t largest = 1;
  for (size_t i = 0; i < st->n_records; i++)
    if (is_window(&st->records[i], scene) && st->records[i].t.value > largest)
      largest = st->records[i].t.value;
  return largest;
}

/* The largest of each column; what is not told again stays. */
static void fill_columns(const struct stage *st, unsigned scene, uint16_t port, tct_time until,
                         uint32_t columns[WINDOW_COLUMNS]) {
  uint32_t now = 0;
  unsigned next = 0;
  memset(columns, 0, WINDOW_COLUMNS * sizeof columns[0]);
  for (size_t i = 0; i < st->n_records; i++) {
    const struct stage_record *r = &st->records[i];
    if (!is_window(r, scene) || r->t.lport != port || r->t.at >= until)
      continue;
    unsigned at = (unsigned)(r->t.at * WINDOW_COLUMNS / until);
    while (next <= at)
      columns[next++] = now;
    now = r->t.value;
    columns[at] = now > columns[at] ? now : columns[at];
  }
  while (next < WINDOW_COLUMNS)
    columns[next++] = now;
}

void view_windows(struct stage *st, unsigned scene, uint16_t port, tct_time until) {
  static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  uint32_t columns[WINDOW_COLUMNS], largest = largest_window(st, scene);
  if (!is_drawn(st))
    return;
  fill_columns(st, scene, port, until, columns);
  fputs(st->opts.show.mode == SHOW_PLAIN ? "#          " : "          ", st->opts.show.out);
  for (unsigned i = 0; i < WINDOW_COLUMNS; i++) {
    uint64_t level = (uint64_t)columns[i] * WINDOW_LEVELS / largest;
    level = level == 0 && columns[i] != 0 ? 1 : level;
    if (stage_term(st)->unicode)
      fputs(bars[level], st->opts.show.out);
    else
      fputc(" .:-=+*%#"[level], st -> opts.show.out);
  }
  fputc('\n', st->opts.show.out);
}
