/* SPDX-License-Identifier: MIT */
/*
 * check_window.c - I9 and I12 about windows and what waits for them: whose segment sets the peer's
 * window, when our own has to be told, whether a shut one is asked after, whether the time-out
 * stays where it is. Called by check_conn.c after each step, for a socket that something happened
 * to. RFC 9293 sections 3.8.6 and 3.10.7.4, RFC 6298 section 5.
 */
#include "sim/check_conn.h"
#include "sim/check_wire.h"
#include "util/mem.h"
#include "util/time.h"

#define ASK(h, i) sim_check_asks((h)->check, TCT_SIM_I##i)
#define WRONG(h, i, ...) sim_check_wrong(h, TCT_SIM_I##i, __VA_ARGS__)

/* SND.WL1, SND.WL2: an older segment that acknowledges nothing new does not set the window. Where
 * several came in one step nobody can tell which it was. */
static void judge_old(struct sim_check_host *h, const struct sim_conn *c, const struct sim_wire *w,
                      const struct tct_probe_conn *p) {
  if (!c->seen || w->n_heard != 1 || !w->old_heard || !ASK(h, 9))
    return;
  if (p->snd_wnd != c->snd_wnd)
    WRONG(h, 9, "an old segment sets the window from %u to %u", c->snd_wnd, p->snd_wnd);
}

/* RFC 9293 3.8.6.2.2: a reader has made room that is worth telling: as much as the peer may still
 * send, and a segment or half the buffer. */
static void judge_told(struct sim_check_host *h, const struct sim_conn *c,
                       const struct tct_probe_conn *p) {
  uint32_t left = tct_seq_ahead(p->rcv_nxt, p->rcv_edge);
  uint32_t gain = tct_sub_floor_u32(p->rcv_free, left);
  uint32_t worth = tct_max_u32(left, tct_min_u32(p->rcv_limit / 2, p->rcv_mss));
  bool receives =
      p->state == TCT_ESTABLISHED || p->state == TCT_FIN_WAIT_1 || p->state == TCT_FIN_WAIT_2;
  if (!c->has_read || !receives || p->ready || p->closed || c->shut_rd || !ASK(h, 9))
    return;
  if (gain >= tct_max_u32(worth, 1))
    WRONG(h, 9, "the peer may send %u octets, there is room for %u, and it is not told", left,
          p->rcv_free);
}

/* RFC 9293 3.8.6.1 */
static void judge_asked(struct sim_check_host *h, const struct sim_conn *c,
                        const struct sim_wire *w, const struct tct_probe_conn *p) {
  bool waits = p->connected && p->snd_wnd == 0 && p->timer == TCT_TIMER_PERSIST && !p->done;
  if (!c->persisted || w->probed || c->heard || p->ready || !waits || !ASK(h, 12))
    return;
  if (p->unsent > 0 || p->flight > 0)
    WRONG(h, 12, "the persist timer fires, and nobody asks after the window");
}

/* RFC 6298 5.3: only what acknowledges new data puts the time-out off, and what is sent. */
static void judge_pushed(struct sim_check_host *h, const struct sim_conn *c,
                         const struct sim_wire *w, const struct tct_probe_conn *p) {
  bool same = c->timer == TCT_TIMER_REXMIT && p->timer == TCT_TIMER_REXMIT && p->una == c->una &&
              p->nxt == c->nxt && p->rto_ns == c->rto_ns && p->snd_wnd == c->snd_wnd;
  if (!c->seen || !same || c->fired || w->spoke || w->probed || w->sack_news || !ASK(h, 12))
    return;
  if (c->main_at != TCT_NEVER && p->main_at > tct_time_add(c->main_at, 1000000))
    WRONG(h, 12, "the time-out is put off from %.6f s to %.6f s, and nothing new was acknowledged",
          (double)c->main_at / 1e9, (double)p->main_at / 1e9);
}

void sim_window_judge(struct sim_check_host *h, const struct sim_conn *c, const struct sim_wire *w,
                      const struct tct_probe_conn *p) {
  judge_old(h, c, w, p);
  judge_told(h, c, p);
  judge_asked(h, c, w, p);
  judge_pushed(h, c, w, p);
}
