/* SPDX-License-Identifier: MIT */
/*
 * sock_event.c - news for the application: one set of bits a socket, queued at most once, pulled by
 * tct_event_next. Called by tcp/ where things happen and by sock/. Leaves UDP's news to udp/, and
 * takes turns with it.
 *
 * CLOSED comes once and last: alone when something else is to be told, and held back until what was
 * received has been read. Pulling it frees the connection's block. A child says nothing before it
 * is accepted.
 */
#include "tcp/calls.h"
#include "util/plant.h"

static uint32_t unread_of(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a == NULL ? 0 : tct_seq_ahead(a->rx.begin, tct_tcp_reasm_data_end(c));
}

/* [RFC9293 MUST-32] */
void tct_sock_event_post(tct_stack *s, struct tct_tcp *c, uint32_t flags) {
  if ((c->sockf & TCT_SOCKF_CLOSED) != 0)
    flags &= TCT_EV_CLOSED; /* nobody asks any more */
  if (flags == 0)
    return;
  c->news |= (uint16_t)flags;
  if ((c->sockf & TCT_SOCKF_IN_ACCEPT) == 0 && !tct_list_is_linked(&c->event))
    tct_list_push_tail(&s->events, &c->event);
}

/* A mark beyond the buffer would never be reached. */
static __attribute__((noinline)) void post_if_full(tct_stack *s, struct tct_tcp *c) {
  if (tct_tcp_recv_free(c) == 0)
    tct_sock_event_post(s, c, TCT_EV_READABLE);
}

TCT_HOT void tct_sock_event_readable(tct_stack *s, struct tct_tcp *c) {
  uint32_t lowat = c->extra != NULL ? c->extra->rcvlowat : 0;
  uint32_t least = tct_max_u32(lowat, 1) + (TCT_PLANT(LAST_OCTET_UNTOLD) ? 1u : 0u);
  if (unread_of(c) >= least)
    tct_sock_event_post(s, c, TCT_EV_READABLE);
  else
    post_if_full(s, c);
}

/* Only when a send came up short, and when it is worth a call: a third of the buffer. */
void tct_sock_event_writable(tct_stack *s, struct tct_tcp *c) {
  if ((c->sockf & TCT_SOCKF_WANTS_ROOM) == 0 || TCT_PLANT(LOST_WAKE_UP))
    return;
  uint32_t limit = tct_tcp_send_limit(s, c), room = tct_tcp_send_room_of(s, c, limit);
  if (room == 0 || room < limit / 3)
    return;
  c->sockf &= (uint16_t)~TCT_SOCKF_WANTS_ROOM;
  tct_sock_event_post(s, c, TCT_EV_WRITABLE);
}

/* [RFC9293 MUST-47] [RFC9293 SHLD-20] */
void tct_sock_event_soft(tct_stack *s, struct tct_tcp *c, int err) {
  c->soft_err = (uint8_t)-err;
  if ((c->sockf & TCT_SOCKF_NO_SOFT) == 0)
    tct_sock_event_post(s, c, TCT_EV_SOFT_ERROR);
}

/* May be told twice: when the protocol is through, and when the application closes what is through.
 */
void tct_sock_event_done(tct_stack *s, struct tct_tcp *c, int err, tct_why why) {
  if ((c->sockf & TCT_SOCKF_DONE) == 0) {
    c->sockf |= TCT_SOCKF_DONE;
    c->err = (uint8_t)-err;
    c->why = (uint8_t)(why == TCT_WHY_NONE ? TCT_WHY_CLOSED_LOCAL : why);
  }
  tct_sock_event_on_drained(s, c);
}

void tct_sock_event_on_drained(tct_stack *s, struct tct_tcp *c) {
  bool reads = (c->rcv.flags & TCT_RCV_SHUT) == 0 || s->tcp->profile->shut_keeps_text;
  bool wanted = (c->sockf & TCT_SOCKF_CLOSED) == 0 && reads;
  if ((c->sockf & TCT_SOCKF_DONE) == 0)
    return;
  bool waits = wanted && unread_of(c) > 0 && !TCT_PLANT(CLOSED_BEFORE_READ);
  tct_sock_event_post(s, c, waits ? TCT_EV_READABLE : TCT_EV_CLOSED);
}

/* ---- Marks: places of the stream that the application wants to hear of ----------------------- */

static bool is_reached(const struct tct_tcp *c, const struct tct_tcp_mark *m) {
  tct_seq at = c->iss + 1 + (uint32_t)m->offset;
  tct_seq upto = m->what == TCT_MARK_SENT ? c->snd.nxt : c->snd.una;
  return c->snd.una != c->iss && tct_seq_leq(at, upto);
}

/* Reached ones stand in front, in the order in which they were reached. */
void tct_sock_event_marks_told(tct_stack *s, struct tct_tcp *c) {
  struct tct_extra *x = c->extra;
  bool news = false;
  if (x->notsent_lowat != 0)
    tct_sock_event_writable(s, c);
  for (uint8_t i = x->n_reached; i < x->n_marks; i++) {
    struct tct_tcp_mark m = x->marks[i];
    if (!is_reached(c, &m))
      continue;
    memmove(x->marks + x->n_reached + 1, x->marks + x->n_reached,
            (size_t)(i - x->n_reached) * sizeof m);
    x->marks[x->n_reached++] = m;
    news = true;
  }
  if (news)
    tct_sock_event_post(s, c, TCT_EV_MARK);
}

/* ---- Pulling --------------------------------------------------------------------------------- */

static void fill(const struct tct_tcp *c, uint32_t flags, tct_event *ev) {
  *ev = (tct_event){.sock = tct_tcp_block_handle(c), .flags = flags, .user = c->ctx.user};
  if ((flags & TCT_EV_SOFT_ERROR) != 0)
    ev->err = -(int)c->soft_err;
  if ((flags & TCT_EV_CLOSED) != 0) {
    ev->err = -(int)c->err;
    ev->why = c->why;
  }
}

/* False: what was queued is of no interest to a socket that the application has closed since. */
static bool take_news(tct_stack *s, struct tct_tcp *c, tct_event *ev) {
  uint32_t flags = c->news;
  if ((c->sockf & TCT_SOCKF_CLOSED) != 0)
    flags &= TCT_EV_CLOSED;
  uint32_t others = flags & ~(uint32_t)TCT_EV_CLOSED;
  c->news = 0;
  if (flags == 0)
    return false;
  if (others != 0 && others != flags) {
    tct_sock_event_post(s, c, TCT_EV_CLOSED); /* an event of its own, later */
    flags = others;
  }
  fill(c, flags, ev);
  if ((flags & TCT_EV_CLOSED) != 0)
    tct_tcp_block_free(s, c);
  return true;
}

static inline bool next_of_tcp(tct_stack *s, tct_event *ev) {
  struct tct_list *node;
  while ((node = tct_list_pop_head(&s->events)) != NULL) {
    if (take_news(s, TCT_CONTAINER_OF(node, struct tct_tcp, event), ev))
      return true;
  }
  return false;
}

TCT_HOT static __attribute__((noinline)) bool next_of_both(tct_stack *s, tct_event *ev,
                                                           bool udp_first) {
  if (udp_first && tct_udp_event_next(s, ev))
    return true;
  if (next_of_tcp(s, ev))
    return true;
  return !udp_first && tct_udp_event_next(s, ev);
}

TCT_HOT bool tct_event_next(tct_stack *s, tct_event *ev) {
  bool udp_first = s->tcp->udp_turn;
  s->tcp->udp_turn = !udp_first;
  if (tct_list_is_empty(&s->events))
    return tct_udp_event_next(s, ev);
  return next_of_both(s, ev, udp_first);
}
