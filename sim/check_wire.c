/* SPDX-License-Identifier: MIT */
/*
 * check_wire.c - I7 to I10 and I14 to I17 on the wire: what an end sends must fit what it has said
 * and heard before. Fed with each frame that a watched host sends and with each segment that its
 * stack was given, with the stack's verdict on it. RFC 9293 sections 3.3.2, 3.4, 3.8.6, RFC 2018
 * section 5, RFC 7323 sections 2.2 and 3.2.
 */
#include "sim/check_wire.h"

#include <stdlib.h>

#include "sim/check_conn.h"
#include "util/mem.h"
#include "util/time.h"

enum {
  CREDIT_MAX = 2 * TCT_BURST_MAX + 8, /* replies to one burst may be pulled at once */
  ACK_ROW_MAX = 1000,
  CHALLENGES_MAX = 32 /* RFC 5961 7: 10 a second; other ACKs that are owed may go by their name */
};

#define ROW_PAUSE_NS UINT64_C(10000000000)
#define ASK(h, i) sim_check_asks((h)->check, TCT_SIM_I##i)
#define WRONG(h, i, ...) sim_check_wrong(h, TCT_SIM_I##i, __VA_ARGS__)

/* ---- Finding ---- */

static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

static uint64_t hash_of(const struct sim_check_host *h, const tct_addr *local,
                        const tct_addr *remote, uint16_t lport, uint16_t rport) {
  uint64_t a[4];
  uint64_t hash = mix(h->number, (uint64_t)lport << 16 | rport);
  memcpy(a, local, 16);
  memcpy(a + 2, remote, 16);
  return mix(mix(mix(mix(hash, a[0]), a[1]), a[2]), a[3]);
}

static bool is_it(const struct sim_wire *w, const tct_addr *local, const tct_addr *remote,
                  uint16_t lport, uint16_t rport) {
  return w->lport == lport && w->rport == rport && memcmp(&w->local, local, 16) == 0 &&
         memcmp(&w->remote, remote, 16) == 0;
}

static struct sim_wire *search(const struct sim_check_host *h, uint64_t hash, const tct_addr *local,
                               const tct_addr *remote, uint16_t lport, uint16_t rport) {
  size_t at = SIZE_MAX;
  struct sim_wire *w;
  while ((w = sim_table_next(&h->check->wires, hash, &at)) != NULL)
    if (is_it(w, local, remote, lport, rport))
      return w;
  return NULL;
}

static void forget(struct sim_wire *w, uint32_t boot) {
  struct sim_wire kept = *w;
  if (w->sack != NULL)
    w->sack->n = 0;
  memset(w, 0, sizeof *w);
  w->local = kept.local;
  w->remote = kept.remote;
  w->lport = kept.lport;
  w->rport = kept.rport;
  w->sack = kept.sack;
  w->digest = kept.digest;
  w->ack_digest = kept.ack_digest;
  w->acks = kept.acks;
  w->boot = boot;
  w->wscale_in = w->wscale_out = w->syn_wscale = 0xff;
}

struct sim_wire *sim_wire_find(struct sim_check_host *h, const tct_addr *local,
                               const tct_addr *remote, uint16_t lport, uint16_t rport) {
  struct sim_wire *w = h->newest;
  uint64_t hash;
  if (w != NULL && w->boot == h->boot && is_it(w, local, remote, lport, rport))
    return w;
  hash = hash_of(h, local, remote, lport, rport);
  w = search(h, hash, local, remote, lport, rport);
  if (w == NULL) {
    w = sim_world_alloc(sizeof *w);
    memset(w, 0, sizeof *w);
    w->local = *local;
    w->remote = *remote;
    w->lport = lport;
    w->rport = rport;
    sim_table_add(&h->check->wires, hash, w);
    forget(w, h->boot);
  }
  if (w->boot != h->boot)
    forget(w, h->boot);
  h->newest = w;
  return w;
}

static void free_wire(void *item) {
  struct sim_wire *w = item;
  free(w->sack);
  free(w);
}

void sim_wire_free(struct tct_sim_check *k) {
  sim_table_free(&k->wires, free_wire);
}

static const struct sim_wire *any_wire(const tct_sim_check *k, const tct_sim_host *host,
                                       uint16_t lport, uint16_t rport) {
  const struct sim_check_host *h = NULL;
  for (unsigned i = 0; i < k->n_hosts; i++)
    if (k->host[i]->host == host)
      h = k->host[i];
  for (size_t i = 0; h != NULL && i < k->wires.cap; i++) {
    const struct sim_wire *w = k->wires.slot[i].item;
    if (w != NULL && w->lport == lport && w->rport == rport &&
        k->wires.slot[i].hash == hash_of(h, &w->local, &w->remote, lport, rport))
      return w;
  }
  return NULL;
}

uint64_t tct_sim_check_digest(const tct_sim_check *k, const tct_sim_host *h, uint16_t lport,
                              uint16_t rport) {
  const struct sim_wire *w = any_wire(k, h, lport, rport);
  return w == NULL ? 0 : w->digest;
}

uint64_t tct_sim_check_acks(const tct_sim_check *k, const tct_sim_host *h, uint16_t lport,
                            uint16_t rport, uint64_t *n) {
  const struct sim_wire *w = any_wire(k, h, lport, rport);
  *n = w == NULL ? 0 : w->acks;
  return w == NULL ? 0 : w->ack_digest;
}

/* ---- What a segment says ---- */

static bool is_bare(const tct_seg *g) {
  return g->len == 0 && (g->flags & (TCT_SYN | TCT_FIN | TCT_RST)) == 0;
}

static uint32_t numbers_of(const tct_seg *g) {
  return g->len + ((g->flags & TCT_SYN) != 0) + ((g->flags & TCT_FIN) != 0);
}

static unsigned shift_of(const struct sim_wire *w, const tct_seg *g, uint8_t wscale) {
  return (g->flags & TCT_SYN) == 0 && w->scaled ? (wscale < 14 ? wscale : 14) : 0;
}

static tct_seq edge_of(const struct sim_wire *w, const tct_seg *g, uint8_t wscale) {
  return tct_seq_add(g->ack, (uint32_t)g->window_raw << shift_of(w, g, wscale));
}

/* ---- Sent: numbers ---- */

static uint64_t refused_now(const struct sim_check_host *h) {
  return tct_sim_fault_count(h->check->w, TCT_SIM_FAULT_ALLOC_FAILURE);
}

static void begin_life(struct sim_check_host *h, struct sim_wire *w, tct_seq isn) {
  struct sim_wire before = *w;
  forget(w, h->boot);
  w->sock = before.sock;
  w->syn_heard = before.syn_heard;
  w->syn_ts = before.syn_ts;
  w->syn_wscale = before.syn_wscale;
  w->syn_seq = before.syn_seq;
  w->syn_len = before.syn_len;
  w->syn_window = before.syn_window;
  w->syns = before.syns;
  w->syn_acks = before.syn_acks;
  w->cookies = before.cookies;
  w->credit = before.credit;
  w->resets = before.resets;
  w->quiet_in = before.quiet_in;
  w->slept = before.slept;
  w->refused = refused_now(h);
  w->syn_sent = true;
  w->isn = isn;
  w->nxt = tct_seq_add(w->isn, 1);
  w->una_before = w->isn;
}

/* An ACK with a cookie. Cookies remember nothing (RFC 4987 3.6): an older one may come back, or the
 * same again, delayed or resent, when what it opened is over. Each time a connection begins, with
 * the numbers that the ACK tells; which SYN's options it has nobody says. */
static void begin_by_cookie(struct sim_check_host *h, struct sim_wire *w, const tct_seg *g) {
  struct sim_wire before = *w;
  begin_life(h, w, tct_seq_sub(g->ack, 1));
  w->passive = true;
  w->reborn = true; /* this one sends no SYN: the next is another's */
  w->ts = g->has_ts;
  w->scaled = before.scaled;
  w->wscale_in = before.wscale_in;
  w->wscale_out = before.wscale_out;
  w->any_in = true;
  w->rcv_max = g->seq;
}

/* I17: what a spoofed SYN can make us send. */
static void count_syn_ack(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  tct_config c;
  uint32_t drew = (tct_addr_is_ipv4(w->remote) ? 40 : 60) + w->syn_len;
  w->syn_acks++;
  w->cookies += f->why == TCT_WHY_SYN_ACK_COOKIE;
  if (!ASK(h, 17))
    return;
  tct_config_get(h->stack, &c);
  if (w->cookies > w->syns)
    WRONG(h, 17, "%u cookies for %u SYNs", w->cookies, w->syns);
  if (w->syn_acks > w->syns * (1u + c.syn_ack_retries) + 1)
    WRONG(h, 17, "%u SYN,ACKs for %u SYNs", w->syn_acks, w->syns);
  if (f->len > 3 * drew)
    WRONG(h, 17, "%u octets answer a SYN of %u", (unsigned)f->len, (unsigned)drew);
}

static void say_syn(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  const tct_seg *g = &f->seg;
  bool answers = (g->flags & TCT_ACK) != 0;
  if (!w->syn_sent || w->reborn || w->isn != g->seq || f->why == TCT_WHY_SYN_ACK_COOKIE) {
    begin_life(h, w, g->seq);
    w->passive = answers && w->syn_heard;
  }
  w->ts_out = g->has_ts;
  w->wscale_out = g->wscale;
  if (!answers)
    return;
  if (!w->any_in && w->syn_heard) {
    w->any_in = true;
    w->rcv_max = tct_seq_add(w->syn_seq, 1 + w->syn_len);
  }
  /* a SYN,ACK has an option only if the SYN had it: it says what was agreed */
  w->agreed = true;
  w->ts = g->has_ts && (w->passive || w->syn_ts);
  w->scaled = g->wscale != 0xff && w->syn_wscale != 0xff;
  w->wscale_in = w->syn_wscale;
  if (w->passive)
    count_syn_ack(h, w, f);
  /* crossing SYNs: Linux repeats its own options, whatever the peer's SYN offered */
  if (!w->passive && h->config.stack.profile == TCT_PROFILE_LINUX)
    return;
  if (ASK(h, 22) && w->syn_heard &&
      ((g->has_ts && !w->syn_ts) || (g->wscale != 0xff && w->syn_wscale == 0xff)))
    WRONG(h, 22, "a SYN,ACK has an option that the SYN had not");
}

static void say_ack(struct sim_check_host *h, struct sim_wire *w, const tct_seg *g) {
  unsigned shift = shift_of(w, g, w->wscale_out);
  tct_seq edge = edge_of(w, g, w->wscale_out);
  if (ASK(h, 7) && w->acked && tct_seq_lt(g->ack, w->ack))
    WRONG(h, 7, "acknowledges %u after %u", g->ack, w->ack);
  if (ASK(h, 7) && w->any_in && tct_seq_gt(g->ack, w->rcv_max))
    WRONG(h, 7, "acknowledges %u, and only %u has come", g->ack, w->rcv_max);
  if (ASK(h, 10) && w->acked && tct_seq_lt(tct_seq_add(edge, (1u << shift) - 1), w->edge))
    WRONG(h, 10, "takes the window's right edge back from %u to %u", w->edge, edge);
  if (!w->acked || tct_seq_gt(edge, w->edge))
    w->edge = edge;
  w->ack = g->ack;
  w->acked = true;
}

/* Probes and keep-alives ask without regard to windows. */
static bool is_probe(uint16_t why) {
  return why == TCT_WHY_PROBE || why == TCT_WHY_KEEPALIVE;
}

/* I8. A time-out may send anything again: it forgets what was SACKed (RFC 2018 8). Who was refused
 * memory may not have room for all that is SACKed. */
static void judge_again(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f,
                        tct_seq end) {
  const tct_seg *g = &f->seg;
  if (!ASK(h, 8) || is_probe(f->why))
    return;
  if (w->heard && tct_seq_leq(end, w->una))
    WRONG(h, 8, "sends %u..%u again (%s), and %u is acknowledged", g->seq, end,
          tct_why_name((tct_why)f->why), w->una);
  if (w->sack != NULL && w->refused == refused_now(h) && sim_sack_holds(w->sack, g->seq, end))
    WRONG(h, 8, "sends %u..%u again (%s), and it is SACKed", g->seq, end,
          tct_why_name((tct_why)f->why));
}

static void say_again(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f,
                      tct_seq end) {
  h->resent_out++;
  judge_again(h, w, f, end);
  if (w->again_to == f->seg.seq && w->again_from != w->again_to) {
    w->again_to = end;
  } else {
    w->again_from = f->seg.seq;
    w->again_to = end;
  }
}

static void say_data(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  const tct_seg *g = &f->seg;
  tct_seq end = tct_seq_add(g->seq, g->len);
  bool probe = is_probe(f->why);
  if (ASK(h, 9) && w->heard && tct_seq_gt(end, tct_seq_add(w->limit, probe ? 1 : 0)))
    WRONG(h, 9, "sends up to %u, and %u was offered", end, w->limit);
  if (ASK(h, 7) && tct_seq_gt(g->seq, w->nxt))
    WRONG(h, 7, "sends from %u on, and leaves out what follows %u", g->seq, w->nxt);
  if (ASK(h, 7) && w->fin_sent && tct_seq_gt(tct_seq_add(end, 1), w->nxt))
    WRONG(h, 7, "sends up to %u after its FIN", end);
  if (tct_seq_lt(g->seq, w->nxt))
    say_again(h, w, f, end);
  else if (!probe)
    w->new_bytes += g->len;
  w->sent_bytes += g->len;
  if (probe || f->why == TCT_WHY_TLP)
    w->forced_bytes += g->len;
}

static void say_fin(struct sim_check_host *h, struct sim_wire *w, const tct_seg *g) {
  tct_seq end = tct_seq_add(g->seq, numbers_of(g));
  if (ASK(h, 7) && w->fin_sent && end != w->nxt)
    WRONG(h, 7, "its FIN is before %u now, and was before %u", end, w->nxt);
  w->fin_sent = true;
}

/* RFC 7323 3.2: on every segment, or on none. */
static void judge_options(struct sim_check_host *h, const struct sim_wire *w, const tct_seg *g) {
  if (!ASK(h, 22) || !w->agreed || (g->flags & TCT_SYN) != 0)
    return;
  if (g->has_ts != w->ts)
    WRONG(h, 22, "%s", g->has_ts ? "a timestamp that was not agreed" : "no timestamp");
  for (unsigned i = 0; i < g->n_sack; i++)
    if (!tct_seq_lt(g->sack[i][0], g->sack[i][1]) ||
        (w->any_in && tct_seq_gt(g->sack[i][1], w->rcv_max)))
      WRONG(h, 22, "SACK block %u..%u of what has not come", g->sack[i][0], g->sack[i][1]);
}

/* What belongs to a connection that this end has opened and not forgotten. */
static void say_segment(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  const tct_seg *g = &f->seg;
  judge_options(h, w, g);
  if ((g->flags & TCT_ACK) != 0)
    say_ack(h, w, g);
  sim_heard_said(h, w, f);
  if (g->len > 0)
    say_data(h, w, f);
  else if (ASK(h, 7) && tct_seq_gt(g->seq, w->nxt))
    WRONG(h, 7, "has the number %u, and has sent up to %u", g->seq, w->nxt);
  if ((g->flags & TCT_FIN) != 0)
    say_fin(h, w, g);
  w->nxt = tct_seq_max(w->nxt, tct_seq_add(g->seq, numbers_of(g)));
}

/* ---- Sent: replies ---- */

static bool is_reset_reply(uint16_t why) {
  return why == TCT_WHY_RST_NO_SOCKET || why == TCT_WHY_RST_LISTEN || why == TCT_WHY_RST_BAD_ACK;
}

/* I16: each segment that comes pays for two, each timer and each call for two. */
static void judge_reply(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  bool rst = (f->seg.flags & TCT_RST) != 0;
  if (!rst && !is_bare(&f->seg)) {
    w->ack_row = 0;
    return;
  }
  if (ASK(h, 16) && w->credit == 0)
    WRONG(h, 16, "one reply too many (%s)", tct_why_name((tct_why)f->why));
  w->credit -= w->credit > 0;
  if (rst && is_reset_reply(f->why)) {
    if (w->resets == 0)
      WRONG(h, 16, "an RST answers an RST");
    w->resets -= w->resets > 0;
  }
  if (tct_time_sub(f->sent_at, w->ack_row_at) > ROW_PAUSE_NS)
    w->ack_row = 0; /* answers to the probes of a shut window, for days */
  w->ack_row_at = f->sent_at;
  if (ASK(h, 15) && ++w->ack_row > ACK_ROW_MAX)
    WRONG(h, 15, "%u bare ACKs in a row, to bare ACKs", w->ack_row);
}

static void count_challenge(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  uint64_t second = tct_now(h->stack) / 1000000000u;
  if (f->why != TCT_WHY_ACK_CHALLENGE || !ASK(h, 15))
    return;
  w->challenges = w->challenge_s == second ? w->challenges + 1 : 1;
  w->challenge_s = second;
  if (w->challenges > CHALLENGES_MAX)
    WRONG(h, 15, "%u challenge ACKs within a second", w->challenges);
}

/* I14 */
static void judge_quiet(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  bool answer = w->quiet_in > 0 && (is_bare(&f->seg) || (f->seg.flags & TCT_RST) != 0);
  if (!h->check->quiet || !ASK(h, 14))
    return;
  if (h->check->silent)
    WRONG(h, 14, "sends %u+%u (%s), and all is closed", f->seg.seq, f->seg.len,
          tct_why_name((tct_why)f->why));
  else if (f->why != TCT_WHY_KEEPALIVE && !answer)
    WRONG(h, 14, "sends %u+%u (%s), and nothing is to be done", f->seg.seq, f->seg.len,
          tct_why_name((tct_why)f->why));
  w->quiet_in -= w->quiet_in > 0 && answer;
}

/* ---- Sent ---- */

static uint64_t digest_acks(uint64_t d, const tct_seg *g) {
  d = mix(d, (uint64_t)g->seq << 32 | g->ack);
  for (unsigned i = 0; i < g->n_sack; i++)
    d = mix(d, (uint64_t)g->sack[i][0] << 32 | g->sack[i][1]);
  return d;
}

static void add_to_digests(struct sim_wire *w, const tct_sim_frame *f) {
  const tct_seg *g = &f->seg;
  w->digest = mix(digest_acks(mix(w->digest, f->sent_at), g), (uint64_t)g->tsval << 32 | g->tsecr);
  w->digest = mix(w->digest, (uint64_t)g->len << 32 | (uint64_t)g->window_raw << 8 | g->flags);
  if (!is_bare(g))
    return;
  w->acks++;
  w->ack_digest = digest_acks(w->ack_digest, g);
}

void sim_wire_sent(struct sim_check_host *h, const tct_sim_frame *f) {
  const tct_seg *g = &f->seg;
  struct sim_wire *w = sim_wire_find(h, &g->src, &g->dst, g->sport, g->dport);
  h->tcp_out++;
  w->probed = w->probed || f->why == TCT_WHY_PROBE;
  w->spoke = w->spoke || numbers_of(g) > 0;
  add_to_digests(w, f);
  judge_quiet(h, w, f);
  judge_reply(h, w, f);
  count_challenge(h, w, f);
  if ((g->flags & TCT_RST) != 0) {
    h->rst_out++;
    return;
  }
  if ((g->flags & TCT_SYN) != 0)
    say_syn(h, w, f);
  if (w->syn_sent) /* else: of a connection that its end has forgotten */
    say_segment(h, w, f);
  sim_conn_touch(h, sim_conn_at(h, w->sock));
}

void sim_wire_other_sent(struct sim_check_host *h, const tct_sim_frame *f) {
  (void)f;
  if (h->check->silent && ASK(h, 14))
    WRONG(h, 14, "sends a packet of %u octets, and all is closed", (unsigned)f->len);
}

/* ---- Heard ---- */

static void hear_syn(struct sim_wire *w, const tct_seg *g, bool accepted) {
  w->syns++;
  if (w->syn_sent && !accepted)
    return; /* somebody's that changes nothing here */
  w->syn_heard = true;
  w->syn_seq = g->seq;
  w->syn_len = g->len;
  w->syn_window = g->window_raw;
  w->syn_ts = g->has_ts;
  w->syn_wscale = g->wscale;
  if (!w->syn_sent || !accepted || w->any_in)
    return;
  w->any_in = true; /* it answers ours, or crosses it */
  w->rcv_max = tct_seq_add(g->seq, numbers_of(g));
  w->agreed = true;
  w->ts = w->ts_out && g->has_ts;
  w->scaled = w->wscale_out != 0xff && g->wscale != 0xff;
  w->wscale_in = g->wscale;
}

/* The first block may tell of a duplicate (RFC 2883): below the ACK, or within the second. */
static bool is_dsack(const tct_seg *g) {
  if (tct_seq_lt(g->sack[0][0], g->ack))
    return true;
  return g->n_sack > 1 && tct_seq_leq(g->sack[1][0], g->sack[0][0]) &&
         tct_seq_leq(g->sack[0][1], g->sack[1][1]);
}

static void hear_sack(struct sim_wire *w, const tct_seg *g) {
  unsigned first = g->n_sack > 0 && is_dsack(g) ? 1 : 0;
  if (w->sack == NULL && g->n_sack > 0) {
    w->sack = sim_world_alloc(sizeof *w->sack);
    w->sack->n = 0;
  }
  for (unsigned i = first; i < g->n_sack; i++)
    if (tct_seq_gt(g->sack[i][0], g->ack) && tct_seq_lt(g->sack[i][0], g->sack[i][1]) &&
        tct_seq_leq(g->sack[i][1], w->nxt))
      sim_sack_add(w->sack, g->sack[i][0], g->sack[i][1]);
  w->sack_news = w->sack_news || g->n_sack > 0;
}

/* What an end took: a segment that it had to refuse tells it nothing, whatever it says. */
static void hear_ack(struct sim_wire *w, const tct_seg *g, bool accepted) {
  tct_seq edge = edge_of(w, g, w->wscale_in);
  if (tct_seq_gt(g->ack, w->nxt))
    return;
  /* a SYN's window is exact, and data may answer it at once (RFC 7413 4.2.2); the next is rounded
   */
  if (!w->heard && w->passive && w->syn_heard)
    edge = tct_seq_max(edge, tct_seq_add(w->isn, 1 + w->syn_window));
  if (!w->heard || tct_seq_gt(edge, w->limit))
    w->limit = edge;
  if (!w->heard || tct_seq_gt(g->ack, w->una))
    w->una = g->ack;
  w->heard = true;
  if (w->sack != NULL)
    sim_sack_drop_below(w->sack, w->una);
  if (accepted && g->ack == w->una)
    hear_sack(w, g);
}

static void mark_heard(struct sim_check_host *h, struct sim_conn *c) {
  if (c != NULL)
    c->heard = true;
  sim_conn_touch(h, c);
}

/* What it has acknowledged may be less than what it has: ACKs are delayed. */
static bool is_at_edge(const struct sim_check_host *h, const struct sim_wire *w, tct_seq seq) {
  struct tct_probe_conn p;
  return seq == w->ack && (!tct_stack_probe_conn(h->stack, w->sock, &p) ||
                           p.state < TCT_SYN_RECEIVED || seq == p.rcv_nxt);
}

void sim_wire_heard(struct sim_check_host *h, const tct_trace *t) {
  const tct_seg *g = &t->seg;
  struct sim_wire *w = sim_wire_find(h, &t->local, &t->remote, t->lport, t->rport);
  bool accepted = t->verdict == TCT_ACCEPTED;
  bool rst = (g->flags & TCT_RST) != 0;
  if (t->sock.gen != 0)
    w->sock = t->sock;
  w->credit = tct_min_u32(w->credit + 2, CREDIT_MAX);
  w->resets = tct_min_u32(w->resets + !rst, CREDIT_MAX);
  w->quiet_in += h->check->quiet;
  if (rst || !is_bare(g))
    w->ack_row = 0;
  sim_heard_judge(h, w, t);
  if (rst)
    return;
  sim_heard_learn(w, t);
  if ((g->flags & TCT_SYN) != 0)
    hear_syn(w, g, accepted);
  else if (w->by_cookie && w->syn_sent) /* else: of before its host crashed, and not known */
    begin_by_cookie(h, w, g);
  w->by_cookie = false;
  /* without memory for all of a segment, what comes first of it may have been kept */
  if ((accepted || t->verdict == TCT_DROP_NO_MEMORY) && w->any_in && numbers_of(g) > 0)
    w->rcv_max = tct_seq_max(w->rcv_max, tct_seq_add(g->seq, numbers_of(g)));
  /* With its window shut an end refuses what is at its edge, but hears the ACK in it [EP-15]; and
   * so it does without memory for what the segment brings. */
  if ((g->flags & TCT_ACK) != 0 && w->syn_sent &&
      (accepted || is_at_edge(h, w, g->seq) || (w->heard && t->verdict == TCT_DROP_NO_MEMORY)))
    hear_ack(w, g, accepted);
  mark_heard(h, sim_conn_at(h, w->sock));
}

void sim_wire_pay(struct sim_wire *w) {
  w->credit = tct_min_u32(w->credit + 2, CREDIT_MAX);
  w->ack_row = 0;
}

void sim_wire_timer(struct sim_check_host *h, const tct_trace *t) {
  struct sim_wire *w = sim_wire_find(h, &t->local, &t->remote, t->lport, t->rport);
  sim_wire_pay(w);
  if (t->value == TCT_TIMER_REXMIT && w->sack != NULL)
    w->sack->n = 0;
}
