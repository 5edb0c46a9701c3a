/* SPDX-License-Identifier: MIT */
/*
 * replay_script.c - a recording of one TCP connection as a packet script for `tercet drill`: the
 * calls, what came in, what went out, each at its time.
 *
 * Used by replay.c for --script and by sim_shrink.c. A sketch, as far as the language reaches: one
 * connection, options of its SYN by sysctl, content as drill's pattern; what a host does at one
 * instant a script does one after the other. What is expected is what the recorded stack did, right
 * or wrong.
 */
#include "cli/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/show/words.h"

enum { SCRIPT_SOCKS = 64, FD_FIRST = 3 };

struct script {
  FILE *out;
  tct_time last; /* of the event before */
  bool begun, over;
  tct_sock sock[SCRIPT_SOCKS]; /* by descriptor - 3 */
  unsigned n_socks;
  uint32_t isn[2]; /* ours, the peer's */
  bool has_isn[2];
  uint16_t wscale;
  struct line pending[64]; /* segments of the call that is going on */
  unsigned n_pending;
};

struct script *script_new(FILE *out) {
  struct script *s = calloc(1, sizeof *s);
  if (s != NULL)
    s->out = out;
  return s;
}

void script_free(struct script *s) {
  free(s);
}

static void put(struct script *s, tct_time at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct script *s, tct_time at, const char *format, ...) {
  va_list args;
  double step = s->begun && at > s->last ? (double)(at - s->last) / 1e9 : 0;
  fprintf(s->out, s->begun ? "+%.6f " : "0 ", step);
  va_start(args, format);
  vfprintf(s->out, format, args);
  va_end(args);
  fputc('\n', s->out);
  s->begun = true;
  if (at > s->last)
    s->last = at;
}

/* ---- Segments -------------------------------------------------------------------------------- */

static uint32_t relative(const struct script *s, unsigned end, uint32_t number, bool syn) {
  return syn || !s->has_isn[end] ? 0 : number - s->isn[end];
}

static void add_flags(struct line *l, uint8_t flags) {
  static const char letters[] = "FSRP.UEW";
  size_t before = l->n;
  for (unsigned bit = 0; bit < 8; bit++)
    if (bit != 4 && (flags >> bit & 1) != 0)
      line_add(l, "%c", letters[bit]);
  if ((flags & TCT_ACK) != 0)
    line_add(l, ".");
  if (l->n == before)
    line_add(l, "-");
}

static void add_options(struct script *s, struct line *l, const tct_seg *g, unsigned from) {
  const char *comma = "";
  line_add(l, " <");
  if (g->mss != 0) {
    line_add(l, "mss %u", g->mss);
    comma = ",";
  }
  if (g->sack_permitted) {
    line_add(l, g->has_ts ? "%ssackOK" : "%snop,nop,sackOK", comma);
    comma = ",";
  }
  if (g->has_ts) {
    line_add(l, g->sack_permitted ? "%s" : "%snop,nop,", comma);
    line_add(l, "TS val %" PRIu32 " ecr %" PRIu32, g->tsval, g->tsecr);
    comma = ",";
  }
  if (g->wscale != 0xff) {
    line_add(l, "%snop,wscale %u", comma, g->wscale);
    comma = ",";
  }
  if (g->n_sack > 0) {
    line_add(l, "%snop,nop,sack", comma);
    for (unsigned i = 0; i < g->n_sack && i < 4; i++)
      line_add(l, " %" PRIu32 ":%" PRIu32, relative(s, 1 - from, g->sack[i][0], false),
               relative(s, 1 - from, g->sack[i][1], false));
  }
  line_add(l, ">");
}

static bool has_options(const tct_seg *g) {
  return g->mss != 0 || g->sack_permitted || g->has_ts || g->wscale != 0xff || g->n_sack > 0;
}

void script_trace(struct script *s, const tct_trace *t) {
  bool in = t->kind == TCT_TRACE_SEG_IN;
  const tct_seg *g = &t->seg;
  unsigned from = in ? 1 : 0;
  if ((!in && t->kind != TCT_TRACE_SEG_OUT) || s->n_pending == 64)
    return;
  bool syn = (g->flags & TCT_SYN) != 0;
  if (syn) {
    s->isn[from] = g->seq;
    s->has_isn[from] = true;
  }
  struct line *l = &s->pending[s->n_pending++];
  line_clear(l);
  line_add(l, in ? "< " : "> ");
  add_flags(l, g->flags);
  uint32_t seq = relative(s, from, g->seq, syn);
  line_add(l, " %" PRIu32 ":%" PRIu32 "(%" PRIu32 ")", seq, seq + g->len, g->len);
  if ((g->flags & TCT_ACK) != 0)
    line_add(l, " ack %" PRIu32, relative(s, 1 - from, g->ack, false));
  if (in)
    line_add(l, " win %u", g->window_raw);
  if (in && has_options(g))
    add_options(s, l, g, from);
  else if (!in)
    line_add(l, " <...>");
}

static void put_segments(struct script *s, tct_time at) {
  for (unsigned i = 0; i < s->n_pending; i++)
    put(s, at, "%s", s->pending[i].b);
  s->n_pending = 0;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static unsigned fd_of(struct script *s, uint64_t index, uint64_t gen) {
  for (unsigned i = 0; i < s->n_socks; i++)
    if (s->sock[i].index == index && s->sock[i].gen == gen)
      return FD_FIRST + i;
  if (s->n_socks == SCRIPT_SOCKS)
    return 0;
  s->sock[s->n_socks] = (tct_sock){(uint32_t)index, (uint32_t)gen};
  return FD_FIRST + s->n_socks++;
}

static void put_open(struct script *s, const struct record_call *c) {
  unsigned fd = fd_of(s, (uint64_t)c->out[1], (uint64_t)c->out[2]);
  put(s, c->now, "socket(..., SOCK_STREAM, IPPROTO_TCP) = %u", fd);
  put(s, c->now, "fcntl(%u, F_SETFL, O_RDWR|O_NONBLOCK) = 0", fd);
}

static void put_call(struct script *s, const struct record_call *c) {
  unsigned fd = fd_of(s, c->arg[0], c->arg[1]);
  switch (c->op) {
  case RECORD_SOCK_BIND:
    put(s, c->now, "bind(%u, ..., ...) = 0", fd);
    break;
  case RECORD_SOCK_LISTEN:
    put(s, c->now, "listen(%u, %" PRIu64 ") = 0", fd, c->arg[2]);
    break;
  case RECORD_SOCK_CONNECT:
    put(s, c->now, "connect(%u, ..., ...) = -1 EINPROGRESS (in progress)", fd);
    break;
  case RECORD_SOCK_ACCEPT:
    put(s, c->now, "accept(%u, ..., ...) = %u", fd,
        fd_of(s, (uint64_t)c->out[1], (uint64_t)c->out[2]));
    break;
  case RECORD_SOCK_SEND:
    put(s, c->now, "write(%u, ..., %" PRId64 ") = %" PRId64, fd, c->out[0], c->out[0]);
    break;
  case RECORD_SOCK_RECV:
    put(s, c->now, "read(%u, ..., %" PRIu64 ") = %" PRId64, fd, c->arg[2], c->out[0]);
    break;
  case RECORD_SOCK_SHUTDOWN:
    put(s, c->now, "shutdown(%u, %s) = 0", fd,
        c->arg[2] == TCT_SHUT_WR   ? "SHUT_WR"
        : c->arg[2] == TCT_SHUT_RD ? "SHUT_RD"
                                   : "SHUT_RDWR");
    break;
  case RECORD_SOCK_CLOSE:
    put(s, c->now, "close(%u) = 0", fd);
    break;
  case RECORD_SOCK_ABORT:
    put(s, c->now, "tct_abort(%u) = 0", fd);
    break;
  default:
    break;
  }
}

/* As sysctls: what a script can say of a configuration. */
static void put_config(struct script *s, const tct_stack *stack) {
  tct_config c;
  tct_config_get(stack, &c);
  fprintf(s->out, "--profile=%s\n--hold_output\n\n",
          c.profile == TCT_PROFILE_LINUX ? "linux" : "strict");
  put(s, 0,
      "`sysctl -q net.ipv4.tcp_timestamps=%d net.ipv4.tcp_sack=%d net.ipv4.tcp_window_scaling=%d "
      "net.ipv4.tcp_ecn=%d`",
      !c.no_timestamps, !c.no_sack, !c.no_wscale, c.ecn - TCT_ECN_OFF);
}

void script_call(struct script *s, const struct record_play *p, const struct record_call *c) {
  bool sock = c->op >= RECORD_SOCK_OPEN && c->op <= RECORD_SOCK_ABORT;
  bool bytes = c->op == RECORD_SOCK_SEND || c->op == RECORD_SOCK_RECV;
  if (c->op == RECORD_NEW && s->begun)
    s->over = true; /* the host restarted: a script has one stack */
  if (s->over)
    return;
  if (c->op == RECORD_NEW && p->stack != NULL)
    put_config(s, p->stack);
  if (c->op == RECORD_SOCK_OPEN && c->out[0] == TCT_OK && c->arg[0] == TCT_TCP)
    put_open(s, c);
  else if (((sock || bytes) && c->out[0] >= 0))
    put_call(s, c);
  put_segments(s, c->now);
}

/* ---- A whole recording ------------------------------------------------------------------------
 */

static void on_trace(void *ctx, const tct_trace *t) {
  script_trace(ctx, t);
}

static void play_into(struct script *s, struct record_reader *r) {
  struct record_play p;
  struct record_call c;
  record_play_init(&p);
  p.trace = on_trace;
  p.trace_ctx = s;
  while (record_read_next(r, &c) > 0 && record_play_call(&p, &c) == RECORD_SAME)
    script_call(s, &p, &c);
  record_play_deinit(&p);
}

bool script_write(const char *recording, const char *path, const char *comment) {
  char error[300];
  struct record_reader *r = record_read_open(recording, error, sizeof error);
  FILE *f = r != NULL ? fopen(path, "w") : NULL;
  struct script *s = f != NULL ? script_new(f) : NULL;
  if (s != NULL) {
    fprintf(f, "// %s\n", comment);
    play_into(s, r);
  }
  bool good = s != NULL && ferror(f) == 0;
  script_free(s);
  record_read_free(r);
  return f != NULL && fclose(f) == 0 && good;
}
