/* SPDX-License-Identifier: MIT */
/*
 * stack.c - the first file to read: the four calls that move frames and time, and who they go to.
 * Frames in go up through ip_input to TCP and UDP and change state; frames out are pulled, answers
 * first, then each connection that may have something to say in fair turns; tct_advance is the only
 * place where timers fire. Leaves birth and interfaces to stack_new.c, sockets to sock/. One stack
 * belongs to one thread.
 */
#include "stack.h"

#include "tcp/calls.h"
#include "util/rule.h"
#include "wire/eth.h"

/* Time never goes back: a caller whose clock does is taken at its latest word. */
static void see_time(tct_stack *s, tct_time now) {
  if (now <= s->now)
    return;
  s->now = now;
  s->now_ms = tct_time_ms32(now);
}

struct tct_iface *tct_stack_if(tct_stack *s, tct_if i) {
  if (i.index == 0 || i.index > s->n_ifs || s->ifs[i.index - 1].gen != i.gen)
    return NULL;
  return &s->ifs[i.index - 1];
}

tct_if tct_stack_if_handle(const tct_stack *s, uint32_t ifi) {
  return (tct_if){ifi + 1, s->ifs[ifi].gen};
}

/* ---- In -------------------------------------------------------------------------------------- */

static bool is_ethernet(const struct tct_iface *ifc) {
  return ifc->cfg.link == TCT_LINK_ETHERNET;
}

static __attribute__((noinline)) void trace_drop(tct_stack *s, uint32_t ifi, const tct_frame *f) {
  tct_trace t = {.kind = TCT_TRACE_DROP, .verdict = f->verdict};
  t.ifc = tct_stack_if_handle(s, ifi);
  t.sock = f->sock;
  tct_stack_trace(s, &t);
}

static void input_one(tct_stack *s, uint32_t ifi, tct_frame *f) {
  s->seg_told = false;
  tct_verdict v = TCT_DROP_IF_DOWN;
  if (s->ifs[ifi].up)
    v = is_ethernet(&s->ifs[ifi]) ? tct_link_input(s, ifi, f) : tct_ip_input(s, ifi, f);
  f->verdict = (uint16_t)v;
  s->verdicts[v]++;
  if (v != TCT_ACCEPTED && v != TCT_HELD_FRAGMENT && !s->seg_told && tct_stack_traces(s))
    trace_drop(s, ifi, f);
}

TCT_HOT size_t tct_input(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now) {
  struct tct_iface *ifc = tct_stack_if(s, i);
  see_time(s, now);
  for (size_t k = 0; k < n && ifc == NULL; k++)
    f[k].verdict = TCT_DROP_IF_DOWN;
  size_t guesses = 0;
  if (ifc != NULL && n > 1 && !is_ethernet(ifc)) /* it looks for IP headers */
    guesses = tct_tcp_demux_prefetch(s, f, n);
  for (size_t k = 0; k < n && ifc != NULL; k++) {
    if (k < guesses)
      tct_tcp_demux_expect(s, k);
    if (f[k].at > s->now || f[k].at == 0)
      f[k].at = s->now; /* no arrival stamp, or one from the future */
    input_one(s, i.index - 1, &f[k]);
  }
  return n;
}

/* ---- Out ------------------------------------------------------------------------------------- */

static size_t pull(tct_stack *s, uint32_t ifi, tct_frame *f, size_t n) {
  struct tct_iface *ifc = &s->ifs[ifi];
  size_t made = 0;
  if (!tct_ip_reply_is_idle(&ifc->replies))
    made += tct_ip_reply_output(s, ifi, f, s->out, n);
  if (!tct_list_is_empty(&ifc->tcp_ready))
    made += tct_tcp_output(s, ifi, f + made, s->out + made, n - made);
  made += tct_udp_output(s, ifi, f + made, s->out + made, n - made);
  if (made < n && tct_ip_reply_is_waiting(s, ifi)) /* fragments of what fits the path no more */
    made += tct_ip_reply_output(s, ifi, f + made, s->out + made, n - made);
  return made;
}

/* Of what was made, what has a neighbour to go to stays. True: nothing did, but there is more; or a
 * flow only began to ask for one, and the question waits with the answers: 0 is said when there is
 * nothing more. */
static __attribute__((noinline)) bool drops_all(tct_stack *s, uint32_t ifi, tct_frame *f,
                                                size_t *made) {
  size_t kept = tct_link_output(s, ifi, f, s->out, *made);
  bool more = kept == 0 && (*made > 0 || tct_ip_reply_is_waiting(s, ifi));
  *made = kept;
  return more;
}

TCT_HOT size_t tct_output(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now) {
  struct tct_iface *ifc = tct_stack_if(s, i);
  see_time(s, now);
  if (ifc == NULL || !ifc->up)
    return 0;
  size_t made, most = n > TCT_BURST_MAX ? TCT_BURST_MAX : n;
  do
    made = pull(s, i.index - 1, f, most);
  while (is_ethernet(ifc) && n > 0 && drops_all(s, i.index - 1, f, &made));
  s->n.OutRequests += made;
  return made;
}

/* A partial checksum is made whole, since the caller has nobody to finish it, while what it counts
 * is copied: it begins in the first piece, where the headers are. */
static size_t copy_flat(const tct_stack *s, const tct_frame *f, uint8_t *buf) {
  struct tct_checksum sum;
  bool partial = f->csum == TCT_CSUM_PARTIAL;
  size_t at = f->iov[0].len;
  memcpy(buf, f->iov[0].base, at);
  tct_checksum_init_with(&sum, s->cfg.sum);
  sum.fast_copy = s->cfg.copy_sum;
  if (partial)
    tct_checksum_feed(&sum, buf + f->csum_start, at - f->csum_start);
  for (uint32_t k = 1; k < f->n_iov; k++) {
    if (partial)
      tct_checksum_copy(&sum, buf + at, f->iov[k].base, f->iov[k].len);
    else
      memcpy(buf + at, f->iov[k].base, f->iov[k].len);
    at += f->iov[k].len;
  }
  uint16_t field = tct_checksum_field(&sum);
  if (partial) {
    buf[f->csum_start + f->csum_offset] = (uint8_t)(field >> 8);
    buf[f->csum_start + f->csum_offset + 1] = (uint8_t)field;
  }
  return at;
}

size_t tct_output_copy(tct_stack *s, tct_if i, void *buf, size_t cap, tct_time now) {
  tct_frame f;
  struct tct_iface *ifc = tct_stack_if(s, i);
  size_t link = ifc != NULL && is_ethernet(ifc) ? TCT_ETH_HEADER_LEN : 0;
  if (ifc == NULL || cap < ifc->cfg.mtu + link || ifc->cfg.gso_max_segs > 1)
    return 0; /* a buffer that cannot take every frame would lose some */
  s->copies = !TCT_RULES_VARY;
  size_t n = tct_output(s, i, &f, 1, now);
  s->copies = false;
  return n == 0 ? 0 : copy_flat(s, &f, buf);
}

/* ---- Time ------------------------------------------------------------------------------------ */

tct_time tct_deadline(const tct_stack *s) {
  tct_time at = tct_wheel_next(&s->wheel);
  at = tct_time_min(at, tct_ip_next_deadline(s));
  at = tct_time_min(at, tct_link_next_deadline(s));
  return tct_time_min(at, tct_tcp_next_deadline(s));
}

tct_time tct_now(const tct_stack *s) {
  return s->now;
}

void tct_advance(tct_stack *s, tct_time now) {
  see_time(s, now);
  tct_tcp_advance(s);
  tct_ip_advance(s);
  tct_link_advance(s);
}

/* ---- News, memory that comes back ------------------------------------------------------------ */

bool tct_returned_next(tct_stack *s, uint64_t *token) {
  if (s->tokens_n == 0)
    return false;
  *token = s->tokens[s->tokens_head];
  s->tokens_head = (s->tokens_head + 1) & (s->tokens_cap - 1);
  s->tokens_n--;
  return true;
}

/* Room was made when the memory was lent (tct_stack_expect_token), so that a token is never lost.
 */
void tct_stack_return_token(tct_stack *s, uint64_t token) {
  TCT_ASSERT(s->tokens_n < s->tokens_cap);
  s->tokens[(s->tokens_head + s->tokens_n) & (s->tokens_cap - 1)] = token;
  s->tokens_n++;
  s->tokens_lent--;
}

bool tct_stack_expect_token(tct_stack *s) {
  if (s->tokens_n + s->tokens_lent == s->tokens_cap) {
    uint32_t cap = s->tokens_cap == 0 ? 16 : 2 * s->tokens_cap;
    uint64_t *at = tct_stack_alloc(s, cap * sizeof *at);
    if (at == NULL)
      return false;
    for (uint32_t k = 0; k < s->tokens_n; k++)
      at[k] = s->tokens[(s->tokens_head + k) & (s->tokens_cap - 1)];
    tct_stack_free(s, s->tokens, s->tokens_cap * sizeof *at);
    s->tokens = at;
    s->tokens_cap = cap;
    s->tokens_head = 0;
  }
  s->tokens_lent++;
  return true;
}

/* ---- Trace, memory, counters ----------------------------------------------------------------- */

void tct_stack_trace(tct_stack *s, tct_trace *t) {
  t->at = s->now;
  s->cfg.trace(s->cfg.trace_ctx, t);
}

void *tct_stack_alloc_front(tct_stack *s, size_t size, size_t zeroed) {
  void *p = s->alloc.alloc(s->alloc.ctx, size, 16);
  if (p != NULL)
    memset(p, 0, zeroed);
  return p;
}

void *tct_stack_alloc(tct_stack *s, size_t size) {
  return tct_stack_alloc_front(s, size, size);
}

void tct_stack_free(tct_stack *s, void *p, size_t size) {
  if (p != NULL)
    s->alloc.free(s->alloc.ctx, p, size);
}

void *tct_stack_alloc_kept(tct_stack *s, void **kept, size_t size, size_t zeroed) {
  void *p = *kept;
  if (p == NULL)
    return tct_stack_alloc_front(s, size, zeroed);
  *kept = NULL;
  s->memory_bytes += size;
  memset(p, 0, zeroed);
  return p;
}

void tct_stack_keep(tct_stack *s, void **kept, void *p, size_t size) {
  if (TCT_CHECKS || *kept != NULL) { /* checks: a sanitizer shall see who uses what is gone */
    tct_stack_free(s, p, size);
    return;
  }
  *kept = p;
  s->memory_bytes -= size;
}

void tct_stack_end_kept(tct_stack *s, void **kept, size_t size) {
  if (*kept != NULL)
    tct_stack_free(s, tct_stack_alloc_kept(s, kept, size, 0), size);
}

void tct_stack_counters(const tct_stack *s, tct_counters *c) {
  *c = s->n;
  c->BufferBytesNow = s->chunks.used_bytes;
  c->MemoryBytesNow = s->memory_bytes;
}

uint64_t tct_verdict_count(const tct_stack *s, tct_verdict v) {
  return (unsigned)v < TCT_VERDICT_COUNT ? s->verdicts[v] : 0;
}
