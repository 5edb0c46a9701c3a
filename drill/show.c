/* SPDX-License-Identifier: MIT */
/*
 * show.c - packets as a script would write them, for messages: a line that was expected, a frame
 * that was seen. Called by match.c and drill.c.
 */
#include "drill/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
  char at[1024];
  size_t len;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->at + t->len, sizeof t->at - t->len, format, args);
  va_end(args);
  if (n > 0)
    t->len += (size_t)n;
  if (t->len >= sizeof t->at)
    t->len = sizeof t->at - 1;
}

static void add_flags(struct text *t, uint8_t flags, bool ae) {
  static const struct {
    uint8_t bit;
    char letter;
  } letters[] = {{TCT_FIN, 'F'}, {TCT_SYN, 'S'}, {TCT_RST, 'R'}, {TCT_PSH, 'P'},
                 {TCT_URG, 'U'}, {TCT_ECE, 'E'}, {TCT_CWR, 'W'}};
  size_t before = t->len;
  for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
    if (flags & letters[i].bit)
      add(t, "%c", letters[i].letter);
  if (ae)
    add(t, "A");
  if (flags & TCT_ACK)
    add(t, ".");
  if (t->len == before)
    add(t, "-");
}

static uint32_t get16(const uint8_t *p) {
  return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p) {
  return get16(p) << 16 | get16(p + 2);
}

/* Edges as the script counts them. */
static void add_sack(struct text *t, const struct drill_frame *f, const uint8_t *o, size_t len) {
  add(t, "sack");
  for (size_t i = 2; i + 8 <= len; i += 8) {
    uint32_t from = get32(o + i), to = get32(o + i + 4);
    if (f->is_out && f->conn) {
      from -= f->conn->isn_remote;
      to -= f->conn->isn_remote;
    } else if (f->conn) {
      from -= f->conn->isn_live;
      to -= f->conn->isn_live;
    }
    add(t, " %u:%u", from, to);
  }
}

static void add_option(struct text *t, const struct drill_frame *f, const uint8_t *o, size_t len) {
  switch (o[0]) {
  case 2:
    if (len == 4) {
      add(t, "mss %u", get16(o + 2));
      return;
    }
    break;
  case 3:
    if (len == 3) {
      add(t, "wscale %u", o[2]);
      return;
    }
    break;
  case 4:
    if (len == 2) {
      add(t, "sackOK");
      return;
    }
    break;
  case 5:
    add_sack(t, f, o, len);
    return;
  case 8:
    if (len == 10) {
      add(t, "TS val %u ecr %u", get32(o + 2), get32(o + 6));
      return;
    }
    break;
  default:
    break;
  }
  add(t, "raw 0x");
  for (size_t i = 0; i < len; i++)
    add(t, "%02x", o[i]);
}

static void add_options(struct text *t, const struct drill_frame *f) {
  if (f->options_len == 0)
    return;
  add(t, " <");
  for (size_t i = 0; i < f->options_len;) {
    const uint8_t *o = f->options + i;
    size_t left = f->options_len - i, len = o[0] < 2 ? 1 : left > 1 ? o[1] : 1;
    if (len == 0 || len > left)
      len = left;
    if (i)
      add(t, ",");
    if (o[0] < 2)
      add(t, "%s", o[0] ? "nop" : "eol");
    else
      add_option(t, f, o, len);
    i += len;
  }
  add(t, ">");
}

static void add_tcp(struct text *t, const struct drill_frame *f) {
  const struct drill_conn *c = f->conn;
  uint32_t seq = f->seq, ack = f->ack;
  bool is_syn = f->flags & TCT_SYN;
  if (f->is_out) {
    seq = drill_conn_seq_out(c, f);
    ack = drill_conn_ack_out(c, f, ack);
  } else if (c) {
    seq -= is_syn ? 0 : c->isn_remote;
    ack -= c->isn_live - (is_syn ? c->isn_script : 0);
  }
  add_flags(t, f->flags, f->ae);
  add(t, " %u:%u(%zu)", seq, seq + (uint32_t)f->payload_len, f->payload_len);
  if (f->flags & TCT_ACK)
    add(t, " ack %u", ack);
  add(t, " win %u", f->win);
  if (f->urg || (f->flags & TCT_URG))
    add(t, " urg %u", f->urg);
  add_options(t, f);
}

char *drill_show_frame(struct drill_run *r, const struct drill_frame *f) {
  struct text t = {.len = 0};
  add(&t, "%.6f %c ", (double)f->at_ns / 1e9, f->is_out ? '>' : '<');
  if (f->proto == 6)
    add_tcp(&t, f);
  else if (f->proto == 17)
    add(&t, "udp (%zu)", f->payload_len);
  else if (f->proto == 1 || f->proto == 58)
    add(&t, "icmp type_%u code_%u", f->icmp_type, f->icmp_code);
  else
    add(&t, "%zu bytes, protocol %u", f->len, f->proto);
  if (r->linux)
    return drill_arena_copy(r->arena, t.at, t.len); /* the kernel gives no reasons */
  if (f->is_out)
    add(&t, "   (%s)", tct_why_name((tct_why)f->why));
  else
    add(&t, "   (%s)", tct_verdict_name((tct_verdict)f->verdict));
  return drill_arena_copy(r->arena, t.at, t.len);
}

static void add_wanted_option(struct text *t, const struct drill_option *o) {
  static const struct drill_frame alone;
  if (o->kind == 5) {
    add(t, "sack");
    for (unsigned i = 0; i < o->n_sack; i++)
      add(t, " %u:%u", o->sack[i * 2], o->sack[i * 2 + 1]);
  } else if (o->kind < 2) {
    add(t, "%s", o->kind ? "nop" : "eol");
  } else {
    add_option(t, &alone, o->bytes, o->len);
  }
}

static void add_wanted_tcp(struct text *t, const struct drill_packet *k) {
  add_flags(t, k->flags, k->ae);
  add(t, " %u:%u(%u)", k->seq, k->seq + k->len, k->len);
  if (k->has_ack)
    add(t, " ack %u", k->ack);
  if (k->has_win)
    add(t, " win %u", k->win);
  if (k->has_urg)
    add(t, " urg %u", k->urg);
  if (k->any_options) {
    add(t, " <...>");
    return;
  }
  for (unsigned i = 0; i < k->n_options; i++) {
    add(t, i ? "," : " <");
    add_wanted_option(t, &k->options[i]);
  }
  if (k->n_options)
    add(t, ">");
}

char *drill_show_packet(struct drill_run *r, const struct drill_packet *k) {
  struct text t = {.len = 0};
  add(&t, "%c ", k->is_out ? '>' : '<');
  if (k->proto == DRILL_TCP)
    add_wanted_tcp(&t, k);
  else if (k->proto == DRILL_UDP)
    add(&t, "udp (%u)", k->len);
  else
    add(&t, "icmp type_%u code_%u", k->icmp_type, k->icmp_code);
  if (k->twist.why)
    add(&t, "   (%s)", k->twist.why);
  return drill_arena_copy(r->arena, t.at, t.len);
}
