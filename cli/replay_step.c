/* SPDX-License-Identifier: MIT */
/*
 * replay_step.c - the calls of a recording one by one: each call, what the stack did in it, and
 * which of each socket's tct_info, and which counters, are other than before.
 *
 * Used by replay.c for --step. Looking changes nothing: the functions that are asked only read.
 */
#include "cli/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/show/words.h"

enum { STEP_SOCKS = 256, STEP_TEXT = 16384 };

/* Fields that say how long ago something was change with every call: they are left out. */
/* clang-format off */
#define INFO_FIELDS(X)                                                                             \
  X(state) X(ca_state) X(retransmits) X(probes) X(backoff) X(snd_wscale) X(rcv_wscale) X(options)  \
  X(rto) X(ato) X(snd_mss) X(rcv_mss) X(advmss) X(pmtu) X(rtt) X(rttvar) X(min_rtt) X(snd_cwnd)    \
  X(snd_ssthresh) X(snd_una) X(snd_nxt) X(snd_wnd) X(rcv_nxt) X(rcv_wnd) X(iss) X(irs) X(unacked)  \
  X(sacked) X(lost) X(retrans) X(notsent_bytes) X(unread_bytes) X(reordering) X(bytes_sent)        \
  X(bytes_acked) X(bytes_received) X(bytes_retrans) X(segs_out) X(segs_in) X(data_segs_out)        \
  X(data_segs_in) X(total_retrans) X(dsack_dups) X(challenge_acks) X(rcv_rtt) X(rcv_space)         \
  X(rcv_ssthresh) X(rcv_ooopack) X(ecn_mode) X(received_ce) X(delivered_ce) X(reord_seen)          \
  X(total_rto) X(total_rto_recoveries) X(pacing_rate) X(delivery_rate) X(delivered)                \
  X(delivery_rate_app_limited)
/* clang-format on */

struct field {
  const char *name;
  size_t at, size;
};
static const struct field fields[] = {
#define X(f) {#f, offsetof(tct_info, f), sizeof(((tct_info *)0)->f)},
    INFO_FIELDS(X)
#undef X
};
enum { FIELDS_N = sizeof fields / sizeof fields[0] };

/* What a socket was after the call before. */
struct known {
  tct_sock sock;
  tct_info info;
  bool seen; /* by the walk that is going on */
};

struct step {
  FILE *out;
  bool json, ascii;
  uint64_t from;
  struct known known[STEP_SOCKS];
  size_t n_known;
  char text[STEP_TEXT]; /* of events and changes of the call that is going on */
  size_t n_text;
  unsigned n_items;
};

struct step *step_new(FILE *out, bool json, bool ascii, uint64_t from) {
  struct step *s = calloc(1, sizeof *s);
  if (s == NULL)
    return NULL;
  s->out = out;
  s->json = json;
  s->ascii = ascii;
  s->from = from;
  if (json)
    fputs("{\"schema\":\"tercet.calls\",\"version\":1}\n", out);
  return s;
}

void step_free(struct step *s) {
  free(s);
}

static void add(struct step *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct step *s, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(s->text + s->n_text, sizeof s->text - s->n_text, format, args);
  va_end(args);
  if (n > 0 && s->n_text + (size_t)n < sizeof s->text)
    s->n_text += (size_t)n;
  else
    s->text[s->n_text] = '\0'; /* what does not fit is left out whole */
}

/* ---- What the stack said during the call ------------------------------------------------------
 */

static void say_seg(struct line *l, const tct_trace *t) {
  const tct_seg *g = &t->seg;
  line_add(l, "%s ", t->kind == TCT_TRACE_SEG_IN ? "in " : "out");
  words_flags(l, g->flags);
  line_add(l, " seq %" PRIu32, g->seq);
  if (g->len > 0)
    line_add(l, "–%" PRIu32 " %" PRIu32 " B", g->seq + g->len, g->len);
  if ((g->flags & TCT_ACK) != 0)
    line_add(l, " ack %" PRIu32, g->ack);
  line_add(l, " win %" PRIu32, g->window_bytes);
  for (unsigned i = 0; i < g->n_sack && i < 4; i++)
    line_add(l, " sack %" PRIu32 "–%" PRIu32, g->sack[i][0], g->sack[i][1]);
  if (t->kind == TCT_TRACE_SEG_OUT)
    line_add(l, ": %s", tct_why_text((tct_why)t->why));
  else if (t->verdict != TCT_ACCEPTED)
    line_add(l, ": %s", tct_verdict_name((tct_verdict)t->verdict));
}

static bool say_event(struct line *l, const tct_trace *t) {
  line_clear(l);
  switch (t->kind) {
  case TCT_TRACE_SEG_IN:
  case TCT_TRACE_SEG_OUT:
    say_seg(l, t);
    return true;
  case TCT_TRACE_STATE:
    line_add(l, "%s → %s", words_state(t->state_old), words_state(t->state_new));
    if (t->why != TCT_WHY_NONE)
      line_add(l, ": %s", tct_why_text((tct_why)t->why));
    return true;
  case TCT_TRACE_TIMER:
    line_add(l, "timer %s", tct_timer_name((tct_timer)t->value));
    return true;
  case TCT_TRACE_DROP:
    line_add(l, "dropped: %s", tct_verdict_name((tct_verdict)t->verdict));
    return true;
  default:
    return false; /* the congestion window is in tct_info, too */
  }
}

void step_trace(struct step *s, const tct_trace *t) {
  struct line l;
  if (!say_event(&l, t))
    return;
  if (s->json)
    add(s, "%s\"%s\"", s->n_items > 0 ? "," : "", l.b);
  else
    add(s, "          %s\n", l.b);
  s->n_items++;
}

/* ---- What is other than before --------------------------------------------------------------- */

static uint64_t value_of(const tct_info *i, const struct field *f) {
  const uint8_t *p = (const uint8_t *)i + f->at;
  uint32_t n32;
  uint64_t n64;
  if (f->size == 1)
    return *p;
  if (f->size == 4)
    return memcpy(&n32, p, 4), n32;
  return memcpy(&n64, p, 8), n64;
}

static void add_name(struct step *s, tct_sock k) {
  if (s->json)
    add(s, "%s\"%" PRIu32 ".%" PRIx32 "\":{", s->n_items > 0 ? "," : "", k.index, k.gen);
  else
    add(s, "          sock %" PRIu32 ".%" PRIx32 ":", k.index, k.gen);
  s->n_items++;
}

static void add_change(struct step *s, const struct field *f, uint64_t was, uint64_t is,
                       unsigned before) {
  const char *comma = before > 0 ? "," : "";
  if (s->json)
    add(s, "%s\"%s\":[%" PRIu64 ",%" PRIu64 "]", comma, f->name, was, is);
  else if (f->at == offsetof(tct_info, state))
    add(s, "%s state %s → %s", comma, words_state((uint8_t)was), words_state((uint8_t)is));
  else
    add(s, "%s %s %" PRIu64 " → %" PRIu64, comma, f->name, was, is);
}

static void compare(struct step *s, tct_sock k, const tct_info *was, const tct_info *is) {
  unsigned changes = 0;
  for (size_t i = 0; i < FIELDS_N; i++) {
    uint64_t a = value_of(was, &fields[i]), b = value_of(is, &fields[i]);
    if (a == b)
      continue;
    if (changes == 0)
      add_name(s, k);
    add_change(s, &fields[i], a, b, changes++);
  }
  if (changes > 0)
    add(s, s->json ? "}" : "\n");
}

static struct known *find_known(struct step *s, tct_sock k) {
  for (size_t i = 0; i < s->n_known; i++)
    if (s->known[i].sock.index == k.index && s->known[i].sock.gen == k.gen)
      return &s->known[i];
  if (s->n_known == STEP_SOCKS)
    return NULL;
  struct known *x = &s->known[s->n_known++];
  memset(x, 0, sizeof *x);
  x->sock = k;
  return x;
}

static void look_at(struct step *s, tct_stack *stack, tct_sock k) {
  struct known *x = find_known(s, k);
  tct_info is;
  memset(&is, 0, sizeof is);
  is.size = sizeof is;
  if (x == NULL || tct_sock_info(stack, k, &is) != TCT_OK)
    return;
  compare(s, k, &x->info, &is);
  x->info = is;
  x->seen = true;
}

static void say_gone(struct step *s, tct_sock k) {
  add_name(s, k);
  add(s, s->json ? "\"gone\":true}" : " gone\n");
}

static void look_around(struct step *s, tct_stack *stack) {
  tct_sock k = {0, 0};
  for (size_t i = 0; i < s->n_known; i++)
    s->known[i].seen = false;
  while (stack != NULL && tct_sock_next(stack, &k))
    look_at(s, stack, k);
  size_t kept = 0;
  for (size_t i = 0; i < s->n_known; i++) {
    if (!s->known[i].seen && s->known[i].info.size > 0)
      say_gone(s, s->known[i].sock);
    if (s->known[i].seen)
      s->known[kept++] = s->known[i];
  }
  s->n_known = kept;
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_json(struct step *s, const char *call, const struct record_call *c, double t,
                       size_t events) {
  fprintf(s->out, "{\"event\":\"call\",\"call\":%" PRIu64 ",\"t\":%.9f,\"text\":\"%s\"", c->number,
          t, call);
  if (events > 0)
    fprintf(s->out, ",\"trace\":[%.*s]", (int)events, s->text);
  if (s->n_text > events)
    fprintf(s->out, ",\"changes\":{%s}", s->text + events);
  fputs("}\n", s->out);
}

void step_call(struct step *s, const struct record_play *p, const struct record_call *c,
               tct_time start) {
  char call[400];
  size_t events = s->n_text;
  double t = c->now > start ? (double)(c->now - start) / 1e9 : 0;
  s->n_items = 0;
  look_around(s, p->stack);
  record_calls_text(c, call, sizeof call);
  if (s->ascii)
    words_to_ascii(s->text);
  if (c->number >= s->from && s->json)
    print_json(s, call, c, t, events);
  else if (c->number >= s->from)
    fprintf(s->out, "#%-7" PRIu64 " %12.6f  %s\n%s", c->number, t, call, s->text);
  s->n_text = 0;
  s->n_items = 0;
  s->text[0] = '\0';
}
