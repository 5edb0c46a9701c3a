/* SPDX-License-Identifier: MIT */
/*
 * The model's time-outs: RFC 9293 sections 3.8.1, 3.8.3 and 3.10.8, RFC 6298. Retransmission,
 * window probes, TIME-WAIT, and FIN-WAIT-2 when nobody reads any more.
 */
#include "model/model.h"

#define MS ((tct_time)1000000)
#define RTO_FIRST (1000 * MS)
#define RTO_MAX (60000 * MS)
#define R2_DATA (100000 * MS) /* [RFC9293 SHLD-11] */
#define R2_SYN (240000 * MS)  /* [RFC9293 MUST-23] */
#define R2_SYN_ACK_TRIES 5

void model_timer_init(struct model *m) {
  m->tmr = (struct model_timers){.rexmit = TCT_NEVER,
                                 .persist = TCT_NEVER,
                                 .time_wait = TCT_NEVER,
                                 .fin_wait_2 = TCT_NEVER,
                                 .rto = RTO_FIRST};
}

static tct_time earlier(tct_time a, tct_time b) {
  return a < b ? a : b;
}

tct_time model_timer_deadline(const struct model *m) {
  return earlier(earlier(m->tmr.rexmit, m->tmr.persist),
                 earlier(m->tmr.time_wait, m->tmr.fin_wait_2));
}

/* RFC 6298 2.2, 2.3. */
static void take_sample(struct model *m, tct_time rtt) {
  struct model_timers *t = &m->tmr;
  tct_time off = rtt > t->srtt ? rtt - t->srtt : t->srtt - rtt;
  if (!t->measured) {
    t->srtt = rtt;
    t->rttvar = rtt / 2;
  } else {
    t->rttvar = (3 * t->rttvar + off) / 4;
    t->srtt = (7 * t->srtt + rtt) / 8;
  }
  t->measured = true;
  t->rto = t->srtt + 4 * t->rttvar;
  t->rto = t->rto < RTO_FIRST ? RTO_FIRST : earlier(t->rto, RTO_MAX);
}

/* Karn: what went twice measures nothing [RFC9293 MUST-18]. */
void model_timer_on_sent(struct model *m, model_pos end, bool again) {
  struct model_timers *t = &m->tmr;
  t->persist = TCT_NEVER;
  if (again) {
    t->timed = 0;
  } else if (t->timed == 0) {
    t->timed = end;
    t->timed_at = m->now;
  }
  if (t->rexmit != TCT_NEVER && !again)
    return;
  if (!again)
    t->since = m->now;
  t->rexmit = m->now + t->rto;
}

void model_timer_on_ack(struct model *m) {
  struct model_timers *t = &m->tmr;
  if (t->timed != 0 && m->snd.una >= t->timed) {
    take_sample(m, m->now - t->timed_at);
    t->timed = 0;
  }
  t->tries = 0;
  t->since = m->now; /* the peer lives [RFC9293 MUST-37] */
  t->rexmit = m->snd.una < m->snd.nxt ? m->now + t->rto : TCT_NEVER;
}

void model_timer_time_wait(struct model *m) {
  m->state = TCT_TIME_WAIT;
  m->tmr.rexmit = m->tmr.persist = m->tmr.fin_wait_2 = TCT_NEVER;
  m->tmr.time_wait = m->now + 2 * m->cfg.msl_ns;
}

static bool is_hopeless(const struct model *m) {
  tct_time spent = m->now - m->tmr.since;
  if (m->state == TCT_SYN_RECEIVED && m->from_listen)
    return m->tmr.tries >= R2_SYN_ACK_TRIES;
  if (m->state == TCT_SYN_SENT || m->state == TCT_SYN_RECEIVED)
    return spent >= R2_SYN;
  return spent >= R2_DATA;
}

static void fire_rexmit(struct model *m) {
  if (is_hopeless(m)) { /* [RFC9293 MUST-20] */
    model_user_gone(m, m->from_listen && m->state == TCT_SYN_RECEIVED ? 0 : MODEL_TIMEOUT);
    return;
  }
  m->tmr.tries++;
  m->tmr.rto = earlier(2 * m->tmr.rto, RTO_MAX);
  model_send_again(m);
}

static void fire(struct model *m) {
  struct model_timers *t = &m->tmr;
  if (t->time_wait <= m->now || t->fin_wait_2 <= m->now) {
    model_user_gone(m, 0);
  } else if (t->rexmit <= m->now) {
    fire_rexmit(m);
  } else if (t->persist <= m->now) {
    t->persist = TCT_NEVER;
    model_send_probe(m);
  }
}

void model_timer_advance(struct model *m, tct_time now) {
  while (model_timer_deadline(m) <= now) {
    tct_time at = model_timer_deadline(m);
    m->now = at > m->now ? at : m->now;
    fire(m);
  }
  m->now = now > m->now ? now : m->now;
}
