/* SPDX-License-Identifier: MIT */
/*
 * What the stack and the model did of one event, compared; and the table of what may differ, each
 * row with the clause that lets it. Called by pair.c. The table is docs/model.md's.
 */
#include "test/model/judge.h"

/* ---- comparison ----------------------------------------------------------------------------- */

const char *judge_answers(const struct answer *c, const struct answer *m) {
  if (c->wrong_bytes)
    return "bytes sent";
  if (c->rst != m->rst)
    return "RST or none";
  if (c->rst && (c->rst_seq != m->rst_seq || c->rst_has_ack != m->rst_has_ack))
    return "SEQ of the RST";
  if (c->rst && c->rst_ack != m->rst_ack)
    return "ACK of the RST";
  if (c->state != m->state)
    return "state";
  if (c->syn != m->syn || c->syn_seq != m->syn_seq)
    return "SYN";
  if (c->ack != m->ack && !(m->ack && c->again && c->acked_again == m->acked))
    return "ACK or none";
  if (c->ack && c->acked != m->acked)
    return "number acknowledged";
  if (c->data != m->data || (c->data && (c->data_from != m->data_from || c->data_to != m->data_to)))
    return "new data sent";
  if (c->una != m->una && c->una != 0)
    return "SND.UNA";
  if (c->fin != m->fin || c->fin_seq != m->fin_seq)
    return "FIN sent";
  if (c->got != m->got || c->got_hash != m->got_hash)
    return "bytes delivered";
  if (c->eof != m->eof)
    return "end of stream";
  if (c->err != m->err)
    return "how it ended";
  if (c->urgent != m->urgent)
    return "urgent";
  return NULL;
}

bool judge_window(struct pair *p, model_pos edge_before) {
  struct model *m = &p->m;
  const struct answer *c = &p->core;
  if (c->syn || c->rst || m->rcv.irs == 0)
    return true;
  m->rcv.edge = edge_before;
  if (!c->ack && !c->again)
    return true;
  model_pos edge = model_bytes_near(m->rcv.nxt, c->ack ? c->acked : c->acked_again) + c->window;
  if (edge < edge_before || edge > m->rcv.read + (model_pos)p->s->rcv_buffer + 1)
    return false;
  m->rcv.edge = edge;
  return true;
}

const char *judge_after_time(const struct answer *c, const struct answer *m) {
  if (c->wrong_bytes)
    return "bytes sent";
  if (c->state != m->state)
    return "state after 250 s";
  if (c->err != m->err)
    return "how it ended after 250 s";
  return NULL;
}

typedef bool (*allowed_fn)(const struct pair *p, const struct event *e, const struct difference *d);

struct allowed {
  const char *name, *clause;
  allowed_fn is;
  bool stop; /* from here on they cannot be compared */
};

static bool has_flags(const struct event *e, uint8_t flags) {
  uint8_t bits = TCT_SYN | TCT_ACK | TCT_RST;
  return e->kind == EVENT_SEGMENT && (e->flags & bits) == flags;
}

static bool repeats_syn_ack(const struct pair *p, const struct event *e,
                            const struct difference *d) {
  (void)p;
  return d->before == TCT_SYN_RECEIVED && has_flags(e, TCT_SYN) && d->core.syn && !d->model.syn &&
         d->core.state == d->model.state && d->core.acked == d->model.acked;
}

static bool is_tw_with_old_ack(const struct pair *p, const struct event *e,
                               const struct difference *d) {
  return d->before == TCT_TIME_WAIT && (e->flags & TCT_ACK) &&
         !(p->m.ts.on && e->stamp == STAMP_OLD) && d->model.ack && !d->core.ack &&
         d->core.state == TCT_TIME_WAIT && e->kind == EVENT_SEGMENT;
}

/* RCV.NXT - 1, empty, with an ACK of something new. */
static bool is_tw_with_old_stamp(const struct pair *p, const struct event *e,
                                 const struct difference *d) {
  return d->before == TCT_TIME_WAIT && p->m.ts.on && e->kind == EVENT_SEGMENT &&
         e->stamp == STAMP_OLD && !d->core.ack && d->model.ack && d->core.state == TCT_TIME_WAIT;
}

static bool is_tw_without_stamp(const struct pair *p, const struct event *e,
                                const struct difference *d) {
  return d->before == TCT_TIME_WAIT && p->m.ts.on && e->kind == EVENT_SEGMENT &&
         e->stamp == STAMP_NONE && d->core.ack && !d->model.ack && d->core.state == TCT_TIME_WAIT;
}

static bool takes_ack_of_prober(const struct pair *p, const struct event *e,
                                const struct difference *d) {
  tct_info i = {.size = sizeof i};
  (void)d;
  return e->kind == EVENT_SEGMENT && e->len == 0 && (e->flags & ~(TCT_PSH | TCT_URG)) == TCT_ACK &&
         p->seq == (uint32_t)((p->m.rcv.nxt - 1) & 0xffffffff) &&
         (!p->has_k || tct_sock_info(p->stack, p->k, &i) != TCT_OK || i.snd_una == p->ack);
}

static bool keeps_error_for_later(const struct pair *p, const struct event *e,
                                  const struct difference *d) {
  (void)e;
  return (!p->reading || p->app_gone) && d->core.err == 0 && d->model.err != 0 &&
         d->core.state == d->model.state;
}

static bool resets_at_the_edge(const struct pair *p, const struct event *e,
                               const struct difference *d) {
  model_pos edge = p->m.snd.una + p->m.snd.wnd;
  (void)e;
  return d->core.rst && d->model.rst && edge < p->m.snd.nxt &&
         d->core.rst_seq == (uint32_t)(edge & 0xffffffff) && d->core.state == d->model.state;
}

static bool tells_no_reset_after_all_was_said(const struct pair *p, const struct event *e,
                                              const struct difference *d) {
  (void)e;
  return d->before == TCT_CLOSE_WAIT && p->m.snd.fin_asked && d->core.err == 0 &&
         d->model.err == TCT_ECONNRESET && d->core.state == d->model.state;
}

static bool is_held_by_congestion_window(const struct pair *p, const struct event *e,
                                         const struct difference *d) {
  tct_info i = {.size = sizeof i};
  uint32_t una = (uint32_t)(p->m.snd.una & 0xffffffff);
  (void)e;
  return d->model.data && (!d->core.data || pair_is_before(d->core.data_to, d->model.data_to)) &&
         tct_sock_info(p->stack, p->k, &i) == TCT_OK && d->model.data_to - una > i.snd_cwnd;
}

static bool tells_window_later(const struct pair *p, const struct event *e,
                               const struct difference *d) {
  (void)p;
  return e->kind == EVENT_READ && d->core.ack != d->model.ack && d->core.state == d->model.state &&
         d->core.got == d->model.got && !d->core.data && !d->core.fin;
}

/* Half-open records have no room for the window that the SYN told. */
static bool knows_no_window_of_syn(const struct pair *p, const struct event *e,
                                   const struct difference *d) {
  bool refuses = e->kind == EVENT_SEGMENT && p->verdict == TCT_DROP_ACK_TOO_OLD;
  bool may_send = e->kind == EVENT_WRITE || e->kind == EVENT_SEGMENT;
  bool sends = may_send && d->core.data && !d->model.data &&
               d->core.data_to == (uint32_t)((p->m.snd.una + p->m.snd.wnd) & 0xffffffff);
  return p->m.from_listen && (refuses || sends);
}

/* The model sends the old bytes again alone, when its timer says so. */
static bool resends_with_new(const struct pair *p, const struct event *e,
                             const struct difference *d) {
  (void)e;
  uint32_t edge = (uint32_t)((p->m.snd.una + p->m.snd.wnd) & 0xffffffff);
  return d->core.data && d->core.data_joins && !pair_is_before(edge, d->core.data_to) &&
         d->core.state == d->model.state;
}

static bool sends_fin_of_syn_received(const struct pair *p, const struct event *e,
                                      const struct difference *d) {
  return (e->kind == EVENT_SHUT || e->kind == EVENT_CLOSE) && d->before == TCT_SYN_RECEIVED &&
         d->core.fin && p->m.snd.wnd <= 1;
}

static const struct allowed allowed[ALLOWED_MAX] = {
    {"a SYN again draws the SYN,ACK again, which says what the ACK would", "RFC 9293 3.8.1",
     repeats_syn_ack, false},
    {"TIME-WAIT does not ask how old an ACK is", "RFC 9293 MAY-12", is_tw_with_old_ack, false},
    {"TIME-WAIT looks at the timestamps of SYNs only", "RFC 7323 5.3", is_tw_with_old_stamp, false},
    {"TIME-WAIT answers also what comes without the agreed timestamp", "RFC 7323 3.2 SHOULD",
     is_tw_without_stamp, false},
    {"an ACK from a peer that has not seen its probe taken counts", "RFC 9293 3.8.6.1",
     takes_ack_of_prober, true},
    {"what had arrived can be read before the reset is told", "RFC 9293 3.9.1.3",
     keeps_error_for_later, false},
    {"a RST's SEQ is no further than the window that the peer has shrunk", "RFC 9293 3.8.6",
     resets_at_the_edge, false},
    {"the FIN is waiting for the window, all bytes are acknowledged: a RST is no error",
     "RFC 9293 3.10.7.4, LAST-ACK", tells_no_reset_after_all_was_said, true},
    {"a lost SYN,ACK leaves a congestion window of one segment", "RFC 5681 3.1",
     is_held_by_congestion_window, true},
    {"how far the window must grow to be told is the receiver's guess of the peer's MSS",
     "RFC 9293 3.8.6.2.2", tells_window_later, false},
    {"the largest window seen leaves that of a listener's SYN out", "RFC 9293 3.8.6.2.1, MAY-12",
     knows_no_window_of_syn, true},
    {"what goes again takes new bytes along, as many as segment and window hold",
     "RFC 9293 3.8.6.2.1, of new segments", resends_with_new, true},
    {"CLOSE in SYN-RECEIVED forms a FIN at once, whatever the SYN's window", "RFC 9293 3.10.4",
     sends_fin_of_syn_received, true},
    {NULL, NULL, NULL, false},
};

const char *judge_row(unsigned i, const char **clause) {
  *clause = allowed[i].clause;
  return allowed[i].name;
}

unsigned judge_allowed(const struct pair *p, const struct event *e, const struct difference *d,
                       struct tally *t) {
  for (unsigned i = 0; i < ALLOWED_MAX && allowed[i].name != NULL; i++)
    if (allowed[i].is(p, e, d)) {
      t->allowed[i]++;
      return allowed[i].stop ? 2 : 1;
    }
  return 0;
}
