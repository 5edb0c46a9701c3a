/* SPDX-License-Identifier: MIT */
/*
 * check_conn.c - I4, I6, I7, I9, I11, I12, I20 and I27: sockets, one by one, by what the stack says
 * of them after each step of their host. Only sockets that something happened to are looked at;
 * all of them now and then (sim_conn_sweep). RFC 9293 sections 3.3.2, 3.10; RFC 5681 section 3.1;
 * RFC 6298 sections 2, 3 and 5.
 */
#include "sim/check_conn.h"

#include <stdlib.h>

#include "sim/check_wire.h"
#include "util/mem.h"
#include "util/time.h"

#define ASK(h, i) sim_check_asks((h)->check, TCT_SIM_I##i)
#define WRONG(h, i, ...) sim_check_wrong(h, TCT_SIM_I##i, __VA_ARGS__)
#define CWND_MAX (UINT32_C(1) << 30)
#define MS(x) ((tct_time)(x)*1000000u)

/* ---- Life ---- */

static struct sim_conn *make(struct sim_check_host *h, tct_sock sock) {
  struct sim_conn *c = sim_world_alloc(sizeof *c);
  memset(c, 0, sizeof *c);
  c->host = h;
  c->sock = sock;
  c->told_readable = c->told_accept = true;
  c->older = h->all;
  h->all = c;
  return c;
}

static void make_room(struct sim_check_host *h, uint32_t index) {
  uint32_t cap = h->conns_cap ? h->conns_cap : 16;
  if (index < h->conns_cap)
    return;
  while (cap <= index)
    cap *= 2;
  const size_t each = sizeof(void *); /* an array of pointers */
  h->conns = sim_world_grow(h->conns, cap * each);
  memset(h->conns + h->conns_cap, 0, (cap - h->conns_cap) * each);
  h->conns_cap = cap;
}

/* I20: another has its place now, and must not be reached by the old handle. */
static void judge_stale(struct sim_check_host *h, tct_sock old) {
  if (ASK(h, 20) && tct_sock_ready(h->stack, old) >= 0)
    WRONG(h, 20, "the handle of socket %u.%u, which is gone, still reaches one", old.index,
          old.gen);
}

struct sim_conn *sim_conn_meet(struct sim_check_host *h, tct_sock sock) {
  struct sim_conn **at;
  if ((sock.gen & 1) == 0 || sock.index > (1u << 24))
    return NULL;
  if (sock.index >= h->conns_cap)
    make_room(h, sock.index);
  at = &h->conns[sock.index];
  if (*at != NULL && (*at)->sock.gen > sock.gen)
    return NULL; /* a stale handle: the stack refuses it, too */
  if (*at != NULL && (*at)->sock.gen != sock.gen)
    judge_stale(h, (*at)->sock);
  if (*at == NULL || (*at)->sock.gen != sock.gen)
    *at = make(h, sock);
  return *at;
}

void sim_conn_touch(struct sim_check_host *h, struct sim_conn *c) {
  if (c == NULL || c->touched)
    return;
  c->touched = true;
  c->next_touched = h->touched;
  h->touched = c;
}

void sim_conn_crash(struct sim_check_host *h) {
  for (struct sim_conn *c = h->all; c != NULL && !c->gone; c = c->older)
    c->gone = true;
  h->touched = NULL;
  free(h->conns);
  h->conns = NULL;
  h->conns_cap = 0;
}

void sim_conn_free(struct sim_check_host *h) {
  for (struct sim_conn *c = h->all, *older; c != NULL; c = older) {
    older = c->older;
    free(c->fifo.at);
    free(c);
  }
  free(h->conns);
  h->all = h->touched = NULL;
  h->conns = NULL;
}

/* ---- I6: figure 5 of RFC 9293, and what its text adds ---- */

/* Aborts and time-outs lead to CLOSED from anywhere, LISTEN may send, a passive SYN-RECEIVED
 * returns to LISTEN, a reused TIME-WAIT opens again, and an ACK with data and FIN may move two
 * states at once where the handshake's record becomes a socket. */
static bool may_move(tct_state from, tct_state to) {
  static const uint16_t next[TCT_STATE_COUNT] = {
      [TCT_CLOSED] = 1 << TCT_LISTEN | 1 << TCT_SYN_SENT,
      [TCT_LISTEN] = 1 << TCT_SYN_RECEIVED | 1 << TCT_SYN_SENT | 1 << TCT_ESTABLISHED,
      [TCT_SYN_SENT] = 1 << TCT_SYN_RECEIVED | 1 << TCT_ESTABLISHED,
      [TCT_SYN_RECEIVED] = 1 << TCT_TIME_WAIT | /* a record that it was to reopen comes back */
                           1 << TCT_ESTABLISHED | 1 << TCT_FIN_WAIT_1 | 1 << TCT_LISTEN |
                           1 << TCT_CLOSE_WAIT,
      [TCT_ESTABLISHED] = 1 << TCT_FIN_WAIT_1 | 1 << TCT_CLOSE_WAIT,
      [TCT_FIN_WAIT_1] = 1 << TCT_FIN_WAIT_2 | 1 << TCT_CLOSING,
      [TCT_FIN_WAIT_2] = 1 << TCT_TIME_WAIT,
      [TCT_CLOSE_WAIT] = 1 << TCT_LAST_ACK,
      [TCT_CLOSING] = 1 << TCT_TIME_WAIT,
      [TCT_TIME_WAIT] = 1 << TCT_SYN_RECEIVED};
  return to == TCT_CLOSED || (next[from] >> to & 1) != 0;
}

/* I24, RFC 9293 3.9.2.2 and RFC 5927 5: no ICMP error ends what is open. */
static void judge_icmp_end(struct sim_check_host *h, const tct_trace *t) {
  bool open = t->state_old >= TCT_ESTABLISHED && t->state_old < TCT_TIME_WAIT;
  if (ASK(h, 24) && open && t->state_new == TCT_CLOSED && t->why == TCT_WHY_ICMP_UNREACHABLE)
    WRONG(h, 24, "an ICMP error ends a connection in %s", tct_state_name((tct_state)t->state_old));
}

void sim_conn_moved(struct sim_check_host *h, const tct_trace *t) {
  struct sim_conn *c = sim_conn_at(h, t->sock);
  struct sim_wire *w;
  h->check->moves[t->state_old][t->state_new]++;
  if (ASK(h, 6) && !may_move((tct_state)t->state_old, (tct_state)t->state_new))
    WRONG(h, 6, "from %s to %s (%s)", tct_state_name((tct_state)t->state_old),
          tct_state_name((tct_state)t->state_new), tct_why_name((tct_why)t->why));
  w = sim_wire_find(h, &t->local, &t->remote, t->lport, t->rport);
  w->reborn = w->reborn || t->state_new == TCT_SYN_SENT ||
              (t->state_new == TCT_SYN_RECEIVED && t->state_old != TCT_SYN_SENT);
  w->reopens = t->state_old == TCT_TIME_WAIT && t->state_new == TCT_SYN_RECEIVED;
  w->reset = t->state_new == TCT_CLOSED && t->why == TCT_WHY_RESET;
  judge_icmp_end(h, t);
  if (t->state_old == TCT_SYN_RECEIVED && t->state_new == TCT_TIME_WAIT)
    sim_heard_wakes(w);
  w->by_cookie = w->by_cookie || t->why == TCT_WHY_SYN_ACK_COOKIE;
  if (c == NULL)
    return;
  c->wire = w;
  w->sock = t->sock;
  sim_conn_touch(h, c);
}

void sim_conn_timer(struct sim_check_host *h, const tct_trace *t) {
  struct sim_conn *c = sim_conn_at(h, t->sock);
  if (c == NULL)
    return;
  c->timed_out = c->timed_out || t->value == TCT_TIMER_REXMIT;
  c->persisted = c->persisted || t->value == TCT_TIMER_PERSIST;
  c->fired = true;
  sim_conn_touch(h, c);
}

/* ---- I4, I20: news ---- */

void sim_conn_event(struct sim_check_host *h, const tct_event *ev) {
  struct sim_conn *now, *c;
  if ((ev->sock.gen & 1) == 0 || ev->sock.index > (1u << 24))
    return;
  now = ev->sock.index < h->conns_cap ? h->conns[ev->sock.index] : NULL;
  if (ASK(h, 20) && now != NULL && now->sock.gen > ev->sock.gen) {
    WRONG(h, 20, "news of socket %u.%u, which is %u.%u now", ev->sock.index, ev->sock.gen,
          ev->sock.index, now->sock.gen);
    return;
  }
  c = sim_conn_at(h, ev->sock);
  if (ASK(h, 4) && c->ended)
    WRONG(h, 4, "news %x of socket %u after its end", (unsigned)ev->flags, ev->sock.index);
  c->told_readable =
      c->told_readable ||
      (ev->flags & (TCT_EV_READABLE | TCT_EV_EOF | TCT_EV_CONNECTED | TCT_EV_CLOSED)) != 0;
  c->told_accept = c->told_accept || (ev->flags & TCT_EV_ACCEPT) != 0;
  if ((ev->flags & (TCT_EV_WRITABLE | TCT_EV_CONNECTED | TCT_EV_CLOSED)) != 0)
    c->wants_room = false;
  c->ended = c->ended || (ev->flags & TCT_EV_CLOSED) != 0;
  sim_conn_touch(h, c);
}

void sim_conn_call(struct sim_check_host *h, tct_sock sock, tct_sim_doing what, long n) {
  struct sim_conn *c = sim_conn_at(h, sock);
  if (c == NULL)
    return;
  if (c->wire != NULL)
    sim_wire_pay(c->wire);
  if (what == TCT_SIM_READ && n == TCT_EAGAIN)
    c->told_readable = false;
  c->has_read = c->has_read || (what == TCT_SIM_READ && n > 0);
  if (what == TCT_SIM_WROTE)
    c->wants_room = n == TCT_EAGAIN;
  c->shut_wr = c->shut_wr || (what == TCT_SIM_SHUT_WR && n >= 0);
  c->shut_rd = c->shut_rd || (what == TCT_SIM_SHUT_RD && n >= 0);
  c->closed = c->closed || (what == TCT_SIM_CLOSED && n >= 0);
  c->ended = c->ended || (what == TCT_SIM_ABORTED && n >= 0);
  sim_conn_touch(h, c);
}

/* ---- I7: numbers ---- */

static bool has_heard_fin(uint8_t state) {
  return state == TCT_CLOSE_WAIT || state == TCT_CLOSING || state == TCT_LAST_ACK;
}

static void judge_numbers(struct sim_check_host *h, const struct sim_conn *c,
                          const struct tct_probe_conn *p) {
  if (!ASK(h, 7))
    return;
  if (tct_seq_gt(p->una, p->nxt))
    WRONG(h, 7, "SND.UNA %u is beyond SND.NXT %u", p->una, p->nxt);
  if (tct_seq_gt(p->rcv_nxt, p->rcv_edge))
    WRONG(h, 7, "RCV.NXT %u is beyond the edge offered, %u", p->rcv_nxt, p->rcv_edge);
  if (p->connected && p->flight > tct_add_sat_u32(p->wnd_max, 1))
    WRONG(h, 7, "%u octets in flight, and the largest window was %u", p->flight, p->wnd_max);
  if (!c->seen)
    return;
  if (tct_seq_lt(p->una, c->una))
    WRONG(h, 7, "SND.UNA went back from %u to %u", c->una, p->una);
  if (has_heard_fin(c->state) && p->rcv_nxt != c->rcv_nxt)
    WRONG(h, 7, "RCV.NXT moved from %u to %u, and the peer's FIN was taken", c->rcv_nxt,
          p->rcv_nxt);
  if (tct_seq_lt(p->rcv_nxt, c->rcv_nxt))
    WRONG(h, 7, "RCV.NXT went back from %u to %u", c->rcv_nxt, p->rcv_nxt);
}

/* ---- I9, I11: the congestion window ---- */

/* Allowed beyond cwnd: limited transmit's two segments (RFC 3042), and one for rounding. LINUX
 * counts segments, and one may be an MTU probe, larger than all others. Without SACK nobody knows
 * what is in the network, and RFC 6582 3.2 sends the first hole again whatever cwnd says. */
static void judge_flight(struct sim_check_host *h, const struct sim_wire *w,
                         const struct tct_probe_conn *p) {
  bool counts = h->resolved.profile == TCT_PROFILE_LINUX;
  uint32_t sent = p->sack || counts ? w->sent_bytes - w->forced_bytes : w->new_bytes;
  if (!p->connected || sent == 0 || !ASK(h, 9))
    return;
  if (counts ? p->pipe_segs > p->cwnd / p->mss + 3 : p->pipe > tct_add_sat_u32(p->cwnd, 3 * p->mss))
    WRONG(h, 9, "%u octets in the network after sending %u, and cwnd is %u (MSS %u)", p->pipe,
          w->sent_bytes, p->cwnd, p->mss);
}

/* After an undo the next cut is a new one; a retransmission that is lost is a new congestion (RFC
 * 3168 6.1.2). Linux's cut for what a tail loss probe has repaired is over at once: RFC 8985 7.4.2
 * asks for the cut, and says nothing of what is lost behind it. */
static void judge_cut(struct sim_check_host *h, struct sim_conn *c,
                      const struct tct_probe_conn *p) {
  if (!c->seen || p->mss != c->mss || p->ssthresh > c->ssthresh || p->recuts != c->recuts)
    c->cut = false;
  if (!c->seen || p->mss != c->mss || p->ssthresh >= c->ssthresh || p->ssthresh >= c->cwnd)
    return; /* the last: slow start ends where it has come to (RFC 9406), which is no cut */
  if (c->cut && !c->timed_out && tct_seq_lt(p->una, c->cut_nxt))
    WRONG(h, 11, "ssthresh is cut from %u to %u, and the last cut was for the window up to %u",
          c->ssthresh, p->ssthresh, c->cut_nxt);
  c->cut = h->resolved.profile != TCT_PROFILE_LINUX || p->tlp_cuts == c->tlp_cuts;
  c->cut_nxt = c->nxt; /* what was sent when it was made: the answer went out since */
}

/* RFC 5681 3.1: one segment. Where RACK tells what is lost, what left less than a round trip ago is
 * not, and is counted beside (RFC 8985 6.3); several short ones may have gone again as one since.
 */
static void judge_expiry(struct sim_check_host *h, const struct sim_conn *c,
                         const struct tct_probe_conn *p) {
  uint32_t segs = h->resolved.profile == TCT_PROFILE_LINUX ? p->pipe_segs : 0;
  if (!c->timed_out || c->heard || p->opening || p->flight == 0)
    return;
  if (segs > 0 && p->una == c->una)
    segs += tct_sub_floor_u32(c->segs, p->segs);
  if (p->cwnd > (segs + 1) * p->mss)
    WRONG(h, 11, "cwnd is %u after a time-out (MSS %u, and %u segments are not given up for lost)",
          p->cwnd, p->mss, segs);
}

/* RFC 5681 3.1 (4): what has gone again after a time-out and is lost once more cuts nothing, unless
 * the cut was taken back in between. */
static void judge_expiry_again(struct sim_check_host *h, const struct sim_conn *c,
                               const struct tct_probe_conn *p) {
  bool again = c->timed_out && c->rto_wait != 0 && c->rto_una == p->una && p->una == c->una &&
               p->tries >= 2 && p->tries == c->rto_tries + 1 && !c->heard && !p->opening;
  if (again && p->mss == c->mss && c->ssthresh <= c->rto_ssthresh && p->ssthresh < c->ssthresh)
    WRONG(h, 11, "expiry %u cuts ssthresh from %u to %u", p->tries, c->ssthresh, p->ssthresh);
}

static void judge_window(struct sim_check_host *h, struct sim_conn *c,
                         const struct tct_probe_conn *p) {
  if (!p->connected || !ASK(h, 11))
    return;
  if (p->cwnd < p->mss || p->cwnd > CWND_MAX)
    WRONG(h, 11, "cwnd is %u (MSS %u)", p->cwnd, p->mss);
  if (p->lost + p->sacked > p->sent + p->resent)
    WRONG(h, 11, "%u octets lost and %u SACKed of %u sent and %u resent", p->lost, p->sacked,
          p->sent, p->resent);
  judge_expiry(h, c, p);
  judge_expiry_again(h, c, p);
  judge_cut(h, c, p);
}

/* ---- I12: timers ---- */

static bool is_watched(const struct tct_probe_conn *p) {
  return p->main_at != TCT_NEVER && p->in_wheel && p->wheel_at <= p->main_at &&
         (p->timer == TCT_TIMER_REXMIT || p->timer == TCT_TIMER_TLP ||
          p->timer == TCT_TIMER_REORDER || p->timer == TCT_TIMER_PERSIST);
}

static void judge_armed(struct sim_check_host *h, const struct sim_conn *c,
                        const struct tct_probe_conn *p) {
  bool waits = p->una != p->nxt;
  if (p->ready || p->done || p->state < TCT_SYN_SENT || p->state >= TCT_TIME_WAIT)
    return;
  if (waits && !is_watched(p))
    WRONG(h, 12, "socket %u waits for an answer to %u..%u, and no timer does (%s)", c->sock.index,
          p->una, p->nxt, tct_timer_name((tct_timer)p->timer));
  if (p->connected && p->unsent > 0 && (p->next_at == TCT_NEVER || !p->in_wheel))
    WRONG(h, 12, "socket %u has %u octets to send, and neither sends nor waits", c->sock.index,
          p->unsent);
}

/* A user time-out may cut the wait short [RFC9293 EP-42]. */
static bool has_user_timeout(struct sim_check_host *h, const struct sim_conn *c) {
  int64_t ms = 0;
  return tct_sock_get(h->stack, c->sock, TCT_OPT_USER_TIMEOUT_MS, &ms) == TCT_OK && ms != 0;
}

/* Linux's first SYNs go a second apart. */
static bool is_linear(const struct sim_check_host *h, const struct tct_probe_conn *p) {
  return p->state == TCT_SYN_SENT && h->resolved.profile == TCT_PROFILE_LINUX;
}

static void judge_backoff(struct sim_check_host *h, struct sim_conn *c,
                          const struct tct_probe_conn *p) {
  tct_time max_ns = MS(h->resolved.rto_max_ms), wait, want;
  bool again = c->rto_wait != 0 && c->rto_una == p->una && p->tries == c->rto_tries + 1 &&
               !c->rto_sacked && /* a sample, too: and it may be what the mean was */
               c->rto_srtt_us8 == p->srtt_us8 && /* RFC 6298 5.7: a new sample starts anew */
               c->rto_rttvar_us4 == p->rttvar_us4;
  if (!c->timed_out || c->heard || p->timer != TCT_TIMER_REXMIT || p->main_at == TCT_NEVER)
    return;
  wait = tct_time_sub(p->main_at, tct_now(h->stack));
  want = tct_min_u64(2 * c->rto_wait, max_ns);
  if (again && wait + MS(1) < want && !is_linear(h, p) && !has_user_timeout(h, c))
    WRONG(h, 12, "expiry %u waits %.3f s, after %.3f s", p->tries, (double)wait / 1e9,
          (double)c->rto_wait / 1e9);
  c->rto_wait = wait;
  c->rto_sacked = false;
  c->rto_una = p->una;
  c->rto_ssthresh = p->ssthresh;
  c->rto_tries = p->tries;
  c->rto_srtt_us8 = p->srtt_us8;
  c->rto_rttvar_us4 = p->rttvar_us4;
}

/* What is acknowledged had all gone more than once, and no timestamp tells which one came. */
static void judge_karn(struct sim_check_host *h, const struct sim_conn *c, const struct sim_wire *w,
                       const struct tct_probe_conn *p) {
  bool again = w->again_from != w->again_to && tct_seq_leq(w->again_from, c->una) &&
               tct_seq_leq(p->una, w->again_to);
  if (!c->seen || w->ts || w->sack_news || p->srtt_us8 == c->srtt_us8 || p->una == c->una)
    return;
  if (again && c->srtt_us8 != 0)
    WRONG(h, 12, "an RTT sample of %u..%u, which went more than once (Karn)", c->una, p->una);
}

static void judge_timers(struct sim_check_host *h, struct sim_conn *c, const struct sim_wire *w,
                         const struct tct_probe_conn *p) {
  if (!ASK(h, 12))
    return;
  if (p->rto_ns < MS(h->resolved.rto_min_ms) || p->rto_ns > MS(h->resolved.rto_max_ms))
    WRONG(h, 12, "the RTO is %.6f s", (double)p->rto_ns / 1e9);
  judge_armed(h, c, p);
  judge_backoff(h, c, p);
  if (w != NULL)
    judge_karn(h, c, w, p);
}

/* ---- I27: readiness, from scratch ---- */

static void judge_room(struct sim_check_host *h, const struct sim_conn *c) {
  uint32_t room, limit;
  if (!tct_stack_probe_room(h->stack, c->sock, &room, &limit))
    return;
  if (room > 0 && room >= limit / 3)
    WRONG(h, 27, "socket %u has room for %u octets, and its application waits", c->sock.index,
          room);
}

static void judge_bits(struct sim_check_host *h, const struct sim_conn *c,
                       const struct tct_probe_conn *p, int ready) {
  if (p->news != 0 && !p->accepting)
    WRONG(h, 27, "news %x of socket %u are not told", p->news, c->sock.index);
  if ((ready & TCT_EV_READABLE) != 0 && !c->told_readable && !c->closed && !c->shut_rd)
    WRONG(h, 27, "socket %u is readable (%u octets), and its application was not told",
          c->sock.index, p->unread);
  if ((ready & TCT_EV_WRITABLE) != 0 && c->wants_room && !c->closed && !c->shut_wr)
    judge_room(h, c);
  if ((ready & TCT_EV_ACCEPT) != 0 && !c->told_accept && !c->closed)
    WRONG(h, 27, "listener %u has a connection, and its application was not told", c->sock.index);
}

static void judge_ready(struct sim_check_host *h, struct sim_conn *c,
                        const struct tct_probe_conn *p) {
  int ready;
  if (!ASK(h, 27) || c->ended)
    return;
  ready = tct_sock_ready(h->stack, c->sock);
  if (ready < 0)
    return;
  judge_bits(h, c, p, ready);
  if ((ready & TCT_EV_READABLE) == 0)
    c->told_readable = false;
  if ((ready & TCT_EV_ACCEPT) == 0)
    c->told_accept = false;
}

/* ---- Steps ---- */

static void remember(struct sim_conn *c, struct sim_wire *w, const struct tct_probe_conn *p) {
  c->seen = p->state >= TCT_SYN_RECEIVED;
  c->una = p->una;
  c->nxt = p->nxt;
  c->rcv_nxt = p->rcv_nxt;
  c->ssthresh = p->ssthresh;
  c->cwnd = p->cwnd;
  c->mss = p->mss;
  c->recuts = p->recuts;
  c->tlp_cuts = p->tlp_cuts;
  c->segs = p->segs;
  c->srtt_us8 = p->srtt_us8;
  c->timed_out = c->heard = c->persisted = c->fired = c->has_read = false;
  c->state = p->state;
  c->timer = p->timer;
  c->main_at = p->main_at;
  c->rto_ns = p->rto_ns;
  c->snd_wnd = p->snd_wnd;
  if (w == NULL)
    return;
  c->rto_sacked = c->rto_sacked || w->sack_news;
  w->n_heard = 0;
  w->probed = w->spoke = false;
  w->sent_bytes = w->forced_bytes = w->new_bytes = 0;
  w->sack_news = false;
}

static void judge_conn(struct sim_check_host *h, struct sim_conn *c) {
  struct tct_probe_conn p;
  struct sim_wire *w;
  if (!tct_stack_probe_conn(h->stack, c->sock, &p))
    return;
  judge_ready(h, c, &p);
  if (p.state < TCT_SYN_SENT)
    return;
  if (!c->known || !c->irs_known)
    sim_stream_learn(h, c);
  if (c->wire == NULL && c->known)
    c->wire = sim_wire_find(h, &p.laddr, &p.raddr, p.lport, p.rport);
  w = c->wire;
  judge_numbers(h, c, &p);
  judge_window(h, c, &p);
  judge_timers(h, c, w, &p);
  if (w != NULL)
    judge_flight(h, w, &p);
  if (w != NULL)
    sim_window_judge(h, c, w, &p);
  remember(c, w, &p);
}

void sim_conn_step(struct sim_check_host *h) {
  struct sim_conn *c = h->touched;
  h->touched = NULL;
  for (; c != NULL; c = c->next_touched) {
    c->touched = false;
    judge_conn(h, c);
  }
}

void sim_conn_sweep(struct sim_check_host *h) {
  for (uint32_t i = 0; i < h->conns_cap; i++)
    if (h->conns[i] != NULL && !h->conns[i]->ended)
      judge_conn(h, h->conns[i]);
}

/* Every socket that its application has closed has had its one end. */
void sim_conn_end(struct sim_check_host *h) {
  for (struct sim_conn *c = h->all; c != NULL; c = c->older)
    if (ASK(h, 4) && c->closed && !sim_conn_is_over(c))
      WRONG(h, 4, "socket %u was closed and never told its end", c->sock.index);
}
