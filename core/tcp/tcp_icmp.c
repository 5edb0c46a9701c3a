/* SPDX-License-Identifier: MIT */
/*
 * tcp_icmp.c - ICMP errors for connections. Called by ip/icmp with what the error quotes. An error
 * counts only if the number it quotes is in flight (RFC 5927 section 4); soft errors never end a
 * connection, hard ones only an attempt to open (RFC 5927 section 5). Leaves half-open records to
 * tcp_listen. RFC 9293 section 3.9.2.2.
 */
#include "tcp/calls.h"
#include "util/rule.h"
#include "wire/icmp.h"

static bool is_in_flight(const struct tct_tcp *c, const struct tct_icmp_event *e) {
  return e->has_seq && c->snd.una != c->snd.nxt && tct_seq_between(c->snd.una, e->seq, c->snd.nxt);
}

static bool is_too_big(const struct tct_icmp_event *e) {
  return e->kind == TCT_ICMP_UNREACH_FRAG_NEEDED || e->kind == TCT_ICMP_PACKET_TOO_BIG;
}

/* A child of Fast Open that nobody has accepted is given up for any error, as Linux does; one that
 * was accepted is a connection. */
static bool ends_opening(const tct_stack *s, const struct tct_tcp *c,
                         const struct tct_icmp_event *e) {
  bool opening = c->state == TCT_SYN_SENT || c->state == TCT_SYN_RECEIVED;
  if (tct_tcp_fastopen_is_early(c))
    return opening && (c->sockf & TCT_SOCKF_IN_ACCEPT) != 0;
  return opening && (e->hard || s->tcp->profile->icmp_ends_opening);
}

/* [RFC9293 SHLD-26]: hard errors end an attempt to open; [RFC9293 MUST-56] soft ones end nothing.
 */
static void on_error(tct_stack *s, struct tct_tcp *c, const struct tct_icmp_event *e) {
  if ((ends_opening(s, c, e) && TCT_RULE(SHLD_26)) || !TCT_RULE(MUST_56)) {
    tct_tcp_state_end(s, c, e->err, TCT_WHY_ICMP_UNREACHABLE);
    return;
  }
  if (TCT_RULE(MUST_47))
    tct_sock_event_soft(s, c, e->err); /* [RFC9293 MUST-47] [RFC9293 SHLD-25] */
}

/* What a neighbour's silence says is what a router would say of it: host unreachable. */
void tct_tcp_on_no_neighbour(tct_stack *s, struct tct_list *flows) {
  const struct tct_icmp_event e = {.kind = TCT_ICMP_UNREACH_HOST, .err = TCT_EHOSTUNREACH};
  struct tct_list *node;
  while ((node = tct_list_pop_head(flows)) != NULL) {
    struct tct_tcp *c = TCT_CONTAINER_OF(node, struct tct_tcp, ready);
    tct_tcp_output_wake(s, c);
    on_error(s, c, &e);
  }
}

/* [RFC9293 MUST-54] */
tct_verdict tct_tcp_icmp_input(tct_stack *s, const struct tct_icmp_event *e) {
  struct tct_tuple t = {e->local, e->remote, e->lport, e->rport};
  struct tct_tcp *c = tct_tcp_demux_find(s, &t);
  if (c == NULL)
    return tct_tcp_listen_icmp(s, e, &t) && TCT_RULE(MUST_54) ? TCT_ACCEPTED
                                                              : TCT_DROP_ICMP_NO_SOCKET;
  if (!is_in_flight(c, e) && TCT_RULE(MUST_54))
    return TCT_DROP_ICMP_SEQUENCE;
  if (is_too_big(e)) {
    tct_tcp_mtu_set(s, c, e->mtu);
    tct_tcp_fastopen_client_on_too_big(s, c, e->mtu);
  } else {
    on_error(s, c, e);
  }
  return TCT_ACCEPTED;
}
