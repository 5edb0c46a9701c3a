/* SPDX-License-Identifier: MIT */
/* A stack and a scripted peer; see at.h. */
#include "test/lib/at.h"

#include <stdlib.h>

#include "wire/icmp.h"

void at_config(tct_config *c, struct failing_alloc *mem, bool strict) {
  tct_config_init(c, sizeof *c);
  c->alloc = mem->vtable;
  c->seed[0] = 42;
  c->deterministic = true;
  c->profile = strict ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX;
}

static tct_addr addr_of(bool ipv6, uint8_t last) {
  tct_addr v6 = {{0xfd, 7, [15] = last}};
  return ipv6 ? v6 : tct_addr_ipv4(10, 0, 0, last);
}

/* ---- making ---------------------------------------------------------------------------------- */

static bool make_stack(struct at *a) {
  tct_config c;
  int err = 0;
  at_config(&c, &a->mem, a->how.strict);
  c.no_timestamps = !a->how.ts;
  c.no_sack = !a->how.sack;
  c.no_wscale = a->how.wscale == 0;
  if (a->how.config != NULL)
    a->how.config(&c);
  a->s = tct_new(&c, &err);
  if (a->s == NULL) {
    assert_int_equal(err, TCT_ENOMEM);
    return false;
  }
  return true;
}

static bool make_interface(struct at *a) {
  tct_if_config ic;
  memset(&ic, 0, sizeof ic);
  ic.size = sizeof ic;
  ic.mtu = a->how.mtu != 0 ? a->how.mtu : 1500;
  return tct_if_add(a->s, &ic, &a->ifc) == TCT_OK &&
         tct_if_addr_add(a->s, a->ifc, a->local, a->how.ipv6 ? 64 : 24) == TCT_OK;
}

static void make_peer(struct at *a) {
  a->local = addr_of(a->how.ipv6, 1);
  a->lport = AT_PORT;
  a->peer.addr = addr_of(a->how.ipv6, 2);
  a->peer.port = AT_PEER_PORT;
  a->peer.iss = AT_PEER_ISN;
  a->peer.snd_nxt = AT_PEER_ISN;
  a->peer.window = a->how.window != 0 ? a->how.window : 65535;
  a->peer.mss = a->how.mss != 0 ? a->how.mss : 1000;
  a->peer.ts = a->how.ts;
  a->peer.sack = a->how.sack;
  a->peer.wscale = a->how.wscale;
}

static bool open_socket(struct at *a, tct_sock *k) {
  tct_endpoint e = {a->local, AT_PORT, {0, 0}};
  if (tct_sock_open(a->s, TCT_TCP, NULL, k) != TCT_OK)
    return false;
  a->k = *k;
  if (a->how.before != NULL)
    a->how.before(a);
  return tct_sock_bind(a->s, *k, &e) == TCT_OK;
}

/* ---- to each state --------------------------------------------------------------------------- */

static bool go_listen(struct at *a) {
  return open_socket(a, &a->listener) && tct_sock_listen(a->s, a->listener, 8) == TCT_OK;
}

static bool go_syn_sent(struct at *a) {
  tct_endpoint e = {a->peer.addr, a->peer.port, {0, 0}};
  if (!open_socket(a, &a->k) || tct_sock_connect(a->s, a->k, &e) != TCT_OK)
    return false;
  return at_out(a) != NULL && (a->got.flags & 0x3f) == TCT_SYN; /* whatever it asks as to ECN */
}

static bool peer_opens(struct at *a) {
  if (!go_listen(a))
    return false;
  AT_IN(a, .flags = TCT_SYN, .no_ack = true);
  return at_out(a) != NULL && a->got.flags == (TCT_SYN | TCT_ACK);
}

static bool both_open(struct at *a) {
  if (!go_syn_sent(a))
    return false;
  AT_IN(a, .flags = TCT_SYN, .no_ack = true);
  return at_out(a) != NULL && a->got.flags == (TCT_SYN | TCT_ACK);
}

static bool go_syn_received(struct at *a) {
  return a->how.passive ? peer_opens(a) : both_open(a);
}

static bool go_established_passive(struct at *a) {
  if (!peer_opens(a))
    return false;
  AT_IN(a, .len = 0);
  return tct_sock_accept(a->s, a->listener, NULL, &a->k) == TCT_OK;
}

static bool go_established(struct at *a) {
  if (a->how.passive)
    return go_established_passive(a);
  if (!go_syn_sent(a))
    return false;
  AT_IN(a, .flags = TCT_SYN);
  return at_out(a) != NULL && a->got.flags == TCT_ACK;
}

static bool go_fin_wait_1(struct at *a) {
  if (!go_established(a) || tct_sock_shutdown(a->s, a->k, TCT_SHUT_WR) != TCT_OK)
    return false;
  return at_out(a) != NULL && a->got.flags == (TCT_FIN | TCT_ACK);
}

static bool go_close_wait(struct at *a) {
  if (!go_established(a))
    return false;
  AT_IN(a, .flags = TCT_FIN);
  return at_out(a) != NULL && a->got.flags == TCT_ACK;
}

static bool go_fin_wait_2(struct at *a) {
  if (!go_fin_wait_1(a))
    return false;
  AT_IN(a, .len = 0);
  return true;
}

static bool go_closing(struct at *a) {
  if (!go_fin_wait_1(a))
    return false;
  AT_IN(a, .flags = TCT_FIN, .ack = -1);
  return at_out(a) != NULL && a->got.flags == TCT_ACK;
}

static bool go_last_ack(struct at *a) {
  if (!go_close_wait(a) || tct_sock_shutdown(a->s, a->k, TCT_SHUT_WR) != TCT_OK)
    return false;
  return at_out(a) != NULL && a->got.flags == (TCT_FIN | TCT_ACK);
}

static bool go_time_wait(struct at *a) {
  if (!go_fin_wait_2(a))
    return false;
  AT_IN(a, .flags = TCT_FIN);
  return at_out(a) != NULL && a->got.flags == TCT_ACK;
}

static bool go_closed(struct at *a) {
  return tct_sock_open(a->s, TCT_TCP, NULL, &a->k) == TCT_OK;
}

static bool (*const ways[TCT_STATE_COUNT])(struct at *a) = {
    [TCT_CLOSED] = go_closed,           [TCT_LISTEN] = go_listen,
    [TCT_SYN_SENT] = go_syn_sent,       [TCT_SYN_RECEIVED] = go_syn_received,
    [TCT_ESTABLISHED] = go_established, [TCT_FIN_WAIT_1] = go_fin_wait_1,
    [TCT_FIN_WAIT_2] = go_fin_wait_2,   [TCT_CLOSE_WAIT] = go_close_wait,
    [TCT_CLOSING] = go_closing,         [TCT_LAST_ACK] = go_last_ack,
    [TCT_TIME_WAIT] = go_time_wait,
};

static bool begin(struct at *a, struct at_how how) {
  a->how = how;
  a->now = TCT_S(1000);
  make_peer(a);
  return make_stack(a);
}

static bool go(struct at *a) {
  tct_advance(a->s, a->now);
  if (!make_interface(a) || !ways[a->how.state](a))
    return false;
  return true;
}

bool at_try_start(struct at *a, struct at_how how) {
  struct failing_alloc mem = a->mem;
  memset(a, 0, sizeof *a);
  a->mem = mem;
  a->mem.vtable.ctx = &a->mem;
  if (!begin(a, how))
    return false;
  return go(a);
}

void at_start(struct at *a, struct at_how how) {
  memset(a, 0, sizeof *a);
  failing_alloc_init(&a->mem);
  if (!begin(a, how) || !go(a))
    fail_msg("at_start: %s was not reached", at_name(how.state));
  bool record = how.state == TCT_SYN_RECEIVED && how.passive;
  if (how.state >= TCT_SYN_SENT && !record && at_state(a) != how.state)
    fail_msg("at_start: %s instead of %s", at_name(at_state(a)), at_name(how.state));
  a->read_at = a->peer.iss + 1;
  a->written = a->peer.irs + 1;
  if (how.state >= TCT_ESTABLISHED && how.state != TCT_TIME_WAIT) {
    (void)at_events(a);
    a->news = 0;
  }
}

void at_end(struct at *a) {
  if (a->s != NULL) {
    tct_tcp_check_all(a->s);
    tct_free(a->s);
  }
  a->s = NULL;
  failing_alloc_finish(&a->mem);
}

/* ---- in -------------------------------------------------------------------------------------- */

tct_seg at_template(const struct at *a) {
  const struct at_peer *p = &a->peer;
  tct_seg t;
  memset(&t, 0, sizeof t);
  t.src = p->addr;
  t.dst = a->local;
  t.sport = p->port;
  t.dport = a->lport;
  t.seq = p->snd_nxt;
  t.ack = p->rcv_nxt;
  t.window_raw = p->window;
  t.wscale = 0xff;
  t.has_ts = p->ts;
  t.tsval = 5000 + (uint32_t)(a->now / TCT_MS(1));
  t.tsecr = p->ts_recent;
  return t;
}

static void add_syn_options(const struct at_peer *p, tct_seg *t) {
  t->mss = p->mss;
  t->sack_permitted = p->sack;
  t->wscale = p->wscale != 0 ? (uint8_t)(p->wscale - 1) : 0xff;
}

/* An exact copy on the heap: a read too far is seen. */
static tct_verdict hand_in(struct at *a, const void *p, size_t len, uint16_t seg_size) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, p, len);
  tct_iov v = {copy, len};
  tct_frame f;
  memset(&f, 0, sizeof f);
  f.iov = &v;
  f.n_iov = 1;
  f.len = (uint32_t)len;
  f.at = a->now;
  f.seg_size = seg_size;
  assert_int_equal(tct_input(a->s, a->ifc, &f, 1, a->now), 1);
  tct_tcp_check_all(a->s);
  free(copy);
  a->verdict = f.verdict;
  return (tct_verdict)f.verdict;
}

tct_verdict at_packet(struct at *a, const void *p, size_t len) {
  return hand_in(a, p, len, 0);
}

tct_verdict at_raw(struct at *a, const tct_seg *t, struct seg_diff d) {
  static uint8_t buf[SEG_PACKET_MAX];
  size_t len = seg_make(t, &d, buf);
  return hand_in(a, buf, len, d.seg_size);
}

tct_verdict at_in(struct at *a, struct seg_diff d) {
  tct_seg t = at_template(a);
  if ((d.flags & TCT_SYN) != 0)
    add_syn_options(&a->peer, &t);
  if (d.no_ack)
    t.tsecr = 0;
  if (d.seq == 0 && !d.ghost && !d.bad_checksum && (d.flags & TCT_RST) == 0) {
    a->peer.snd_nxt += d.len;
    a->peer.snd_nxt += ((d.flags & TCT_SYN) != 0 ? 1u : 0u) + ((d.flags & TCT_FIN) != 0 ? 1u : 0u);
  }
  return at_raw(a, &t, d);
}

tct_verdict at_icmp(struct at *a, unsigned kind, uint32_t mtu) {
  static uint8_t buf[2048];
  uint8_t family = a->how.ipv6 ? 6 : 4;
  struct tct_icmp_error e = {tct_wire_icmp_problem(family, (enum tct_icmp_kind)kind), a->frame,
                             a->frame_len < 500 ? a->frame_len : 500};
  struct tct_ip_hdr ip;
  e.what.pointer = mtu;
  memset(&ip, 0, sizeof ip);
  ip.src = a->peer.addr;
  ip.dst = a->local;
  ip.family = family;
  ip.proto = a->how.ipv6 ? TCT_IPPROTO_ICMP6 : TCT_IPPROTO_ICMP;
  ip.hop_limit = 64;
  size_t head = tct_wire_ip_emit_len(&ip);
  size_t len = tct_wire_icmp_emit_error(buf + head, sizeof buf - head, &ip.src, &ip.dst, &e);
  assert_true(len > 0);
  ip.payload_len = (uint16_t)len;
  tct_wire_ip_emit(buf, &ip);
  return hand_in(a, buf, head + len, 0);
}

/* ---- out ------------------------------------------------------------------------------------- */

static bool is_to_peer(const struct at *a) {
  return a->got.sport == a->lport && a->got.dport == a->peer.port &&
         memcmp(&a->got.dst, &a->peer.addr, sizeof a->got.dst) == 0;
}

static void peer_takes(struct at *a) {
  struct at_peer *p = &a->peer;
  const tct_seg *g = &a->got;
  uint32_t end = g->seq + g->len + ((g->flags & TCT_FIN) != 0 ? 1u : 0u);
  if ((g->flags & TCT_SYN) != 0) {
    p->irs = g->seq;
    p->rcv_nxt = g->seq + 1;
  } else if ((g->flags & TCT_RST) == 0 && (int32_t)(end - p->rcv_nxt) > 0 &&
             (int32_t)(g->seq - p->rcv_nxt) <= 0) {
    p->rcv_nxt = end;
  }
  if (g->has_ts)
    p->ts_recent = g->tsval;
}

static const tct_seg *pull(struct at *a) {
  tct_frame f;
  size_t at = 0;
  if (tct_output(a->s, a->ifc, &f, 1, a->now) == 0)
    return NULL;
  tct_tcp_check_all(a->s);
  for (uint32_t i = 0; i < f.n_iov; i++) {
    assert_true(at + f.iov[i].len <= sizeof a->frame);
    memcpy(a->frame + at, f.iov[i].base, f.iov[i].len);
    at += f.iov[i].len;
  }
  assert_int_equal(at, f.len);
  a->frame_len = at;
  a->why = f.why;
  (void)seg_read(a->frame, at, &a->got, &a->payload);
  return &a->got;
}

const tct_seg *at_lose(struct at *a) {
  return pull(a);
}

const tct_seg *at_out(struct at *a) {
  const tct_seg *g = pull(a);
  if (g != NULL && g->sport != 0 && is_to_peer(a))
    peer_takes(a);
  return g;
}

void at_quiet(struct at *a) {
  if (pull(a) != NULL)
    fail_msg("%s was sent: flags %#x seq +%d len %u", tct_why_name((tct_why)a->why), a->got.flags,
             (int)(a->got.seq - a->peer.irs), a->got.len);
}

unsigned at_drain(struct at *a) {
  unsigned n = 0;
  while (at_out(a) != NULL)
    n++;
  return n;
}

/* To the next deadline, but not beyond `end`. */
static void step(struct at *a, tct_time end) {
  tct_time due = tct_deadline(a->s);
  a->now = due < a->now ? a->now : due < end ? due : end;
  tct_advance(a->s, a->now);
  tct_tcp_check_all(a->s);
}

const tct_seg *at_wait(struct at *a, tct_time max_ns) {
  tct_time end = a->now + max_ns;
  for (unsigned turns = 0; turns < 100000; turns++) {
    const tct_seg *g = at_out(a);
    if (g != NULL)
      return g;
    if (a->now >= end)
      break;
    step(a, end);
  }
  fail_msg("nothing was sent within %llu ms", (unsigned long long)(max_ns / TCT_MS(1)));
  return NULL;
}

void at_silent(struct at *a, tct_time ns) {
  tct_time end = a->now + ns;
  at_quiet(a);
  while (a->now < end) {
    step(a, end);
    at_quiet(a);
  }
}

void at_pass(struct at *a, tct_time ns) {
  tct_time end = a->now + ns;
  while (pull(a) != NULL)
    ;
  while (a->now < end) {
    step(a, end);
    while (pull(a) != NULL)
      ;
  }
}

void at_is(const struct at *a, const tct_seg *g, uint8_t flags, int32_t ack, uint32_t len) {
  assert_non_null(g);
  assert_int_equal(g->flags, flags);
  assert_int_equal((int32_t)(g->ack - a->peer.snd_nxt), ack);
  assert_int_equal(g->len, len);
}

/* ---- the application ------------------------------------------------------------------------- */

static void note_event(struct at *a, const tct_event *ev) {
  a->news |= ev->flags;
  if ((ev->flags & (TCT_EV_CLOSED | TCT_EV_SOFT_ERROR)) != 0)
    a->err = ev->err;
  if ((ev->flags & TCT_EV_CLOSED) == 0)
    return;
  a->closed_why = ev->why;
  a->closed++;
}

uint32_t at_events(struct at *a) {
  tct_event ev;
  a->news = 0;
  while (tct_event_next(a->s, &ev)) {
    if (ev.sock.index == a->k.index && ev.sock.gen == a->k.gen)
      note_event(a, &ev);
  }
  return a->news;
}

long at_write(struct at *a, size_t len) {
  uint8_t *buf = malloc(len > 0 ? len : 1);
  assert_non_null(buf);
  for (size_t i = 0; i < len; i++)
    buf[i] = seg_octet(a->written + (uint32_t)i);
  long took = tct_sock_send(a->s, a->k, buf, len, 0);
  if (took > 0)
    a->written += (uint32_t)took;
  free(buf);
  return took;
}

long at_read(struct at *a, size_t max) {
  uint8_t buf[4096];
  long total = 0;
  while ((size_t)total < max) {
    size_t want = max - (size_t)total < sizeof buf ? max - (size_t)total : sizeof buf;
    long n = tct_sock_recv(a->s, a->k, buf, want, 0);
    if (n <= 0)
      return total > 0 ? total : n;
    for (long i = 0; i < n; i++)
      assert_int_equal(buf[i], seg_octet(a->read_at++));
    total += n;
  }
  return total;
}

tct_info at_info(struct at *a) {
  tct_info i;
  memset(&i, 0, sizeof i);
  i.size = sizeof i;
  assert_int_equal(tct_sock_info(a->s, a->k, &i), TCT_OK);
  return i;
}

tct_state at_state(struct at *a) {
  return (tct_state)at_info(a).state;
}

int64_t at_get(struct at *a, tct_opt o) {
  int64_t value = -1;
  assert_int_equal(tct_sock_get(a->s, a->k, o, &value), TCT_OK);
  return value;
}

void at_set(struct at *a, tct_opt o, int64_t value) {
  assert_int_equal(tct_sock_set(a->s, a->k, o, value), TCT_OK);
}

struct tct_tcp *at_conn(struct at *a) {
  struct tct_tcp *c = tct_tcp_block_at(a->s, a->k);
  assert_non_null(c);
  return c;
}

const char *at_name(tct_state st) {
  return tct_state_name(st);
}
