/* SPDX-License-Identifier: MIT */
/*
 * Does the checker bite? For each invariant a situation in which it must fire: a stack whose inside
 * was turned against the rule, an application that reads what nobody wrote. An invariant that is
 * neither here nor in check_bites_wire.c and check_apart.c counts as not built.
 */
#include "test/sim/bites.h"

/* ---- I1, I2, I4, I5, I13: octets ---- */

static void i1__other_octet_than_was_written__bites(void **state) {
  struct rig r;
  uint8_t wrote[4] = {1, 2, 3, 4}, read[4] = {1, 2, 9, 4};
  (void)state;
  make_open(&r, 100);
  tct_sim_check_call(r.host[0], r.client.app.sock, TCT_SIM_WROTE, wrote, 4);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_READ, read, 4);
  assert_bites(&r, TCT_SIM_I1);
}

static void i2__more_than_was_written__bites(void **state) {
  struct rig r;
  uint8_t wrote[4] = {1, 2, 3, 4};
  (void)state;
  make_open(&r, 100);
  tct_sim_check_call(r.host[0], r.client.app.sock, TCT_SIM_WROTE, wrote, 3);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_READ, wrote, 4);
  assert_bites(&r, TCT_SIM_I2);
}

static void i2__end_that_nobody_wrote__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_READ, NULL, 0);
  assert_bites(&r, TCT_SIM_I2);
}

static void i2__end_before_the_last_octet__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_call(r.host[0], r.client.app.sock, TCT_SIM_WROTE, "x", 1);
  tct_sim_check_call(r.host[0], r.client.app.sock, TCT_SIM_SHUT_WR, NULL, 0);
  assert_content(&r);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_READ, NULL, 0);
  assert_bites(&r, TCT_SIM_I2);
}

static void tell(struct rig *r, uint32_t flags, int err, tct_why why) {
  tct_event ev = {.sock = r->server.app.sock, .flags = flags, .err = err, .why = (uint16_t)why};
  sim_check_event(r->node, &ev);
}

static void i4__two_ends__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tell(&r, TCT_EV_CLOSED, 0, TCT_WHY_CLOSED);
  assert_content(&r);
  tell(&r, TCT_EV_CLOSED, 0, TCT_WHY_CLOSED);
  assert_bites(&r, TCT_SIM_I4);
}

static void i4__octets_after_the_end__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tell(&r, TCT_EV_CLOSED, TCT_ECONNRESET, TCT_WHY_RESET);
  tct_sim_check_call(r.host[0], r.client.app.sock, TCT_SIM_WROTE, "x", 1);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_READ, "x", 1);
  assert_bites(&r, TCT_SIM_I4);
}

static void i5__graceful_end_with_unread_octets__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_call(r.host[0], r.client.app.sock, TCT_SIM_WROTE, "x", 1);
  tell(&r, TCT_EV_CLOSED, 0, TCT_WHY_CLOSED);
  assert_bites(&r, TCT_SIM_I5);
}

static void i13__closed_and_never_over__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_live(r.k);
  assert_content(&r);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_CLOSED, NULL, 0);
  tct_sim_check_live(r.k);
  assert_bites(&r, TCT_SIM_I13);
}

/* ---- I3, I24: what changes nothing ---- */

static uint32_t server_segment(struct rig *r, uint8_t *bytes, uint32_t cap) {
  static const uint8_t text[100];
  struct tct_tcp *c = conn_of(r);
  tct_seg g;
  memset(&g, 0, sizeof g);
  g.src = c->key.raddr;
  g.dst = c->key.laddr;
  g.sport = c->key.rport;
  g.dport = c->key.lport;
  g.seq = c->rcv.nxt;
  g.ack = c->snd.nxt;
  g.flags = TCT_ACK;
  g.len = sizeof text;
  g.window_raw = 1000;
  g.wscale = 0xff;
  g.has_ts = true;
  g.tsval = c->rcv.ts_recent + 1;
  g.tsecr = 0;
  return tct_sim_seg_emit(&g, text, bytes, cap);
}

static void input(struct rig *r, const uint8_t *bytes, uint32_t len, bool harmed, tct_csum csum) {
  static uint8_t room[4096];
  struct sim_packet *p = (struct sim_packet *)(void *)room;
  const uint8_t *payload;
  tct_iov iov = {p->bytes, len};
  tct_frame f = {.iov = &iov, .n_iov = 1, .len = len, .csum = (uint8_t)csum};
  memset(room, 0, sizeof *p);
  memcpy(p->bytes, bytes, len);
  p->frame.bytes = p->bytes;
  p->frame.len = len;
  p->frame.harmed = harmed;
  p->frame.is_tcp = tct_sim_seg_parse(bytes, len, &p->frame.seg, &payload);
  f.at = tct_sim_now(r->w);
  sim_check_input(r->node, &p, &f, 1, tct_sim_now(r->w));
}

static void i3__damaged_frame_that_is_taken__bites(void **state) {
  struct rig r;
  uint8_t bytes[400];
  (void)state;
  make_open(&r, 100);
  uint32_t len = server_segment(&r, bytes, sizeof bytes);
  bytes[len - 1] ^= 4;
  input(&r, bytes, len, true, TCT_CSUM_CHECK);
  assert_content(&r);
  input(&r, bytes, len, true, TCT_CSUM_GOOD); /* a device that says so, and lies */
  assert_bites(&r, TCT_SIM_I3);
}

/* "Fragmentation needed" about octet `seq` of the server's connection. */
static uint32_t too_big(struct rig *r, uint8_t *b, uint32_t seq) {
  struct tct_tcp *c = conn_of(r);
  struct tct_ip_hdr ip;
  uint8_t *q = b + 28;
  memset(b, 0, 64);
  memset(&ip, 0, sizeof ip);
  ip.family = 4;
  ip.proto = 1;
  ip.hop_limit = 64;
  ip.src = c->key.raddr;
  ip.dst = c->key.laddr;
  ip.payload_len = 8 + 28;
  tct_wire_ip_emit(b, &ip);
  ip.proto = 6;
  ip.src = c->key.laddr;
  ip.dst = c->key.raddr;
  ip.payload_len = 1000;
  ip.dont_frag = true;
  tct_wire_ip_emit(q, &ip);
  q[20] = (uint8_t)(c->key.lport >> 8);
  q[21] = (uint8_t)c->key.lport;
  q[22] = (uint8_t)(c->key.rport >> 8);
  q[23] = (uint8_t)c->key.rport;
  for (unsigned i = 0; i < 4; i++)
    q[24 + i] = (uint8_t)(seq >> (24 - 8 * i));
  b[20] = 3;
  b[21] = 4;
  b[26] = 600 >> 8;
  b[27] = 600 & 255;
  uint16_t field = tct_checksum_of(b + 20, 36);
  b[22] = (uint8_t)(field >> 8);
  b[23] = (uint8_t)field;
  return 56;
}

static void i24__icmp_about_nothing_in_flight_that_counts__bites(void **state) {
  struct rig r;
  uint8_t b[64];
  struct sim_wire *w;
  (void)state;
  make_open(&r, 100);
  struct tct_tcp *c = conn_of(&r);
  input(&r, b, too_big(&r, b, c->snd.nxt + 5), false, TCT_CSUM_CHECK);
  assert_content(&r);
  c->snd.una -= 50; /* the stack believes that these are in flight; the checker is told otherwise */
  w = sim_wire_find(r.h, &c->key.laddr, &c->key.raddr, c->key.lport, c->key.rport);
  w->sock = (tct_sock){0, 0};
  w->syn_sent = false;
  input(&r, b, too_big(&r, b, c->snd.una), false, TCT_CSUM_CHECK);
  assert_bites(&r, TCT_SIM_I24);
}

static void send_packet(struct rig *r, const uint8_t *bytes, uint32_t len) {
  tct_sim_frame f;
  memset(&f, 0, sizeof f);
  f.bytes = bytes;
  f.len = len;
  f.why = TCT_WHY_ICMP_ERROR;
  sim_stack_sent(r->h, &f);
}

static void i16__icmp_error_about_an_icmp_error__bites(void **state) {
  struct rig r;
  uint8_t b[128], quoted[64];
  (void)state;
  make_open(&r, 100);
  uint32_t len = too_big(&r, b, 1);
  send_packet(&r, b, len);
  assert_content(&r);
  too_big(&r, quoted, 1);
  memcpy(b + 28, quoted, 56);
  send_packet(&r, b, 84);
  assert_bites(&r, TCT_SIM_I16);
}

static void i16__icmp_error_about_a_later_fragment__bites(void **state) {
  struct rig r;
  uint8_t b[64];
  (void)state;
  make_open(&r, 100);
  uint32_t len = too_big(&r, b, 1);
  b[28 + 7] = 8; /* the quoted packet's offset */
  send_packet(&r, b, len);
  assert_bites(&r, TCT_SIM_I16);
}

static void i24__path_wider_than_the_link__bites(void **state) {
  struct rig r;
  uint8_t b[64];
  (void)state;
  make_open(&r, 100);
  r.h->config.mtu = 1000; /* so the checker is told; the stack's link is of 1500 */
  input(&r, b, too_big(&r, b, conn_of(&r)->snd.nxt + 5), false, TCT_CSUM_CHECK);
  assert_bites(&r, TCT_SIM_I24);
}

/* ---- I6, I20: life ---- */

static void i6__from_fin_wait_2_back_to_established__bites(void **state) {
  struct rig r;
  tct_trace t;
  (void)state;
  make(&r);
  memset(&t, 0, sizeof t);
  t.kind = TCT_TRACE_STATE;
  t.state_old = TCT_FIN_WAIT_2;
  t.state_new = TCT_ESTABLISHED;
  r.h->config.stack.trace(r.h, &t);
  assert_int_equal(tct_sim_check_moves(r.k, TCT_FIN_WAIT_2, TCT_ESTABLISHED), 1);
  assert_bites(&r, TCT_SIM_I6);
}

static void i20__news_of_an_older_life__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_event ev = {.sock = r.server.app.sock, .flags = TCT_EV_READABLE};
  tct_sock younger = {ev.sock.index, ev.sock.gen + 2};
  sim_conn_at(r.h, younger);
  sim_check_event(r.node, &ev);
  assert_bites(&r, TCT_SIM_I20);
}

/* ---- I18, I19, I28: sums ---- */

static void i18__more_buffers_than_allowed__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_stack *s = tct_sim_host_stack(r.host[1]);
  uint64_t used = s->chunks.used_bytes;
  s->chunks.used_bytes = s->cfg.limits.buffer_bytes + 1;
  sim_stack_sweep(r.h);
  s->chunks.used_bytes = used;
  assert_bites(&r, TCT_SIM_I18);
}

static void i18__buffers_left_when_all_is_closed__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  tct_stack *s = tct_sim_host_stack(r.host[1]);
  tct_sim_check_end(r.k);
  assert_content(&r);
  s->chunks.used_bytes = 1;
  tct_sim_check_end(r.k);
  s->chunks.used_bytes = 0;
  assert_bites(&r, TCT_SIM_I18);
}

static void i19__timer_of_nobody__bites(void **state) {
  struct rig r;
  struct tct_list node;
  (void)state;
  make_open(&r, 100);
  tct_stack *s = tct_sim_host_stack(r.host[1]);
  tct_list_init(&node);
  tct_wheel_arm(&s->wheel, &node, SEC(100));
  sim_stack_sweep(r.h);
  tct_wheel_cancel(&s->wheel, &node);
  assert_bites(&r, TCT_SIM_I19);
}

static void i20__port_that_does_not_return__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_switch(r.k, TCT_SIM_I18, false);
  tct_sim_check_switch(r.k, TCT_SIM_I19, false);
  tct_sim_check_end(r.k);
  assert_bites(&r, TCT_SIM_I20);
}

static void i28__segment_that_was_not_counted__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_stack *s = tct_sim_host_stack(r.host[1]);
  sim_stack_sweep(r.h);
  assert_content(&r);
  s->n.OutSegs--;
  sim_stack_sweep(r.h);
  assert_bites(&r, TCT_SIM_I28);
}

static void i28__frame_without_a_verdict__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_stack *s = tct_sim_host_stack(r.host[1]);
  s->verdicts[TCT_ACCEPTED]--;
  sim_stack_sweep(r.h);
  assert_bites(&r, TCT_SIM_I28);
}

/* ---- I22, I23, I25, I27 ---- */

static void check_fault(struct rig *r, unsigned at, uint8_t value) {
  uint8_t bytes[100];
  tct_seg g = to_peer(TCT_ACK, ISS + 1, IRS + 1, 0);
  tct_sim_frame f;
  g.has_ts = true;
  memset(&f, 0, sizeof f);
  f.len = tct_sim_seg_emit(&g, NULL, bytes, sizeof bytes);
  f.bytes = bytes;
  assert_null(sim_form_fault(bytes, f.len));
  bytes[at] = value;
  if (at > 20 && at != 37) /* a fault of its own, and not the checksum's */
    tct_wire_tcp_finish(bytes + 20, &g.src, &g.dst, NULL, 0);
  assert_non_null(sim_form_fault(bytes, f.len));
  sim_form_sent(r->h, &f);
}

static void i22__wrong_octets__bite(void **state) {
  static const struct {
    unsigned at;
    uint8_t value;
  } wrong[] = {{0, 0x46}, {3, 99}, {8, 0}, {11, 77}, {32, 0x8f}, {33, 0}, {37, 1}, {42, 99}};
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct rig r;
    make(&r);
    check_fault(&r, wrong[i].at, wrong[i].value);
    assert_bites(&r, TCT_SIM_I22);
  }
}

static void i22__timestamp_that_was_not_agreed__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  tct_seg g = to_peer(TCT_ACK, ISS + 1, IRS + 1, 0);
  g.has_ts = true;
  send_seg(&r, &g, TCT_WHY_WINDOW);
  assert_bites(&r, TCT_SIM_I22);
}

static void send_syns(struct rig *r, uint32_t step_isn, uint32_t step_port) {
  uint64_t x = 88172645463325252u;
  for (uint32_t i = 0; i < 200; i++) {
    tct_seg g = to_peer(TCT_SYN, 0, 0, 0);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    g.dst = tct_addr_ipv4(10, 1, (uint8_t)(i >> 8), (uint8_t)i);
    g.seq = step_isn != 0 ? i * step_isn : (uint32_t)(x >> 16);
    g.sport = (uint16_t)(step_port != 0 ? 1024 + i * step_port : 1024 + (x & 0x7fff));
    send_seg(r, &g, TCT_WHY_SYN);
  }
}

static void i23__isn_by_a_counter__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  send_syns(&r, 64000, 0);
  sim_numbers_end(r.h);
  assert_bites(&r, TCT_SIM_I23);
}

static void i23__ports_one_by_one__bite(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  send_syns(&r, 0, 1);
  sim_numbers_end(r.h);
  assert_bites(&r, TCT_SIM_I23);
}

/* Identifications towards `peers` peers in turn. */
static void send_ids(struct rig *r, unsigned peers, bool one_counter) {
  for (unsigned i = 0; i < 600; i++) {
    unsigned peer = i * (i / peers + 1) % peers, id = one_counter ? i : i / peers + peer * 100;
    uint8_t ip[20] = {0x45, 0, 0, 20, (uint8_t)((id + 1) >> 8), (uint8_t)(id + 1), 0, 0, 64, 17};
    ip[19] = (uint8_t)(peer + 1);
    sim_numbers_sent(r->h, &(tct_sim_frame){.bytes = ip, .len = sizeof ip});
  }
  sim_numbers_end(r->h);
}

static void i23__one_counter_for_all_identifications__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  send_ids(&r, 13, true);
  assert_bites(&r, TCT_SIM_I23);
}

static void i23__two_peers_with_near_counters__pass(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  send_ids(&r, 2, false);
  assert_content(&r);
  tct_sim_free(r.w);
}

static void i23__random_numbers__pass(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  send_syns(&r, 0, 0);
  sim_numbers_end(r.h);
  assert_content(&r);
  tct_sim_free(r.w);
}

static void i25__datagram_that_nobody_sent__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  tct_sim_check_dgram(r.host[0], true, "abc", 3);
  tct_sim_check_dgram(r.host[1], false, "abc", 3);
  assert_content(&r);
  tct_sim_check_dgram(r.host[1], false, "abd", 3);
  assert_bites(&r, TCT_SIM_I25);
}

static void i27__readable_and_not_told__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  r.server.rx_paused = true;
  r.client.tx_total += 50;
  tct_sim_flow_poke(&r.client);
  tct_sim_host_kick(r.host[0]);
  tct_sim_run(r.w, SEC(7));
  assert_content(&r);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_READ, NULL, TCT_EAGAIN);
  step(&r);
  assert_bites(&r, TCT_SIM_I27);
}

static void i27__room_and_a_waiting_writer__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_call(r.host[1], r.server.app.sock, TCT_SIM_WROTE, NULL, TCT_EAGAIN);
  step(&r);
  assert_bites(&r, TCT_SIM_I27);
}

/* ---- I26: work ---- */

#if defined(TCT_CHECK) && TCT_CHECK /* no other build counts steps */
static void i26__more_steps_than_allowed__bites(void **state) {
  struct rig r;
  uint8_t bytes[400];
  (void)state;
  make_open(&r, 100);
  uint32_t len = server_segment(&r, bytes, sizeof bytes);
  input(&r, bytes, len, false, TCT_CSUM_CHECK);
  assert_content(&r);
  r.k->steps_limit = 0; /* that nobody has this tuple takes some steps to find out */
  bytes[21] ^= 1;
  input(&r, bytes, len, false, TCT_CSUM_GOOD);
  assert_bites(&r, TCT_SIM_I26);
}
#endif

/* ---- The line that is printed ---- */

static void line__has_number_name_place_event_and_text(void **state) {
  struct rig r;
  char line[400];
  (void)state;
  make(&r);
  tct_sim_check_fail(r.k, TCT_SIM_I10, 1, "went back");
  tct_sim_check_fail(r.k, TCT_SIM_I11, 1, "too late");
  tct_sim_check_line(tct_sim_check_failed(r.k), line, sizeof line);
  assert_non_null(strstr(line, "I10 RIGHT_EDGE (RFC 9293 3.8.6): event 0"));
  assert_non_null(strstr(line, "went back"));
  assert_int_equal(tct_sim_run(r.w, SEC(1)), TCT_SIM_WRONG);
  tct_sim_free(r.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(i1__other_octet_than_was_written__bites),
    cmocka_unit_test(i2__more_than_was_written__bites),
    cmocka_unit_test(i2__end_that_nobody_wrote__bites),
    cmocka_unit_test(i2__end_before_the_last_octet__bites),
    cmocka_unit_test(i4__two_ends__bites),
    cmocka_unit_test(i4__octets_after_the_end__bites),
    cmocka_unit_test(i5__graceful_end_with_unread_octets__bites),
    cmocka_unit_test(i13__closed_and_never_over__bites),
    cmocka_unit_test(i3__damaged_frame_that_is_taken__bites),
    cmocka_unit_test(i24__icmp_about_nothing_in_flight_that_counts__bites),
    cmocka_unit_test(i16__icmp_error_about_an_icmp_error__bites),
    cmocka_unit_test(i16__icmp_error_about_a_later_fragment__bites),
    cmocka_unit_test(i24__path_wider_than_the_link__bites),
    cmocka_unit_test(i6__from_fin_wait_2_back_to_established__bites),
    cmocka_unit_test(i20__news_of_an_older_life__bites),
    cmocka_unit_test(i18__more_buffers_than_allowed__bites),
    cmocka_unit_test(i18__buffers_left_when_all_is_closed__bites),
    cmocka_unit_test(i19__timer_of_nobody__bites),
    cmocka_unit_test(i20__port_that_does_not_return__bites),
    cmocka_unit_test(i28__segment_that_was_not_counted__bites),
    cmocka_unit_test(i28__frame_without_a_verdict__bites),
    cmocka_unit_test(i22__wrong_octets__bite),
    cmocka_unit_test(i22__timestamp_that_was_not_agreed__bites),
    cmocka_unit_test(i23__isn_by_a_counter__bites),
    cmocka_unit_test(i23__ports_one_by_one__bite),
    cmocka_unit_test(i23__one_counter_for_all_identifications__bites),
    cmocka_unit_test(i23__two_peers_with_near_counters__pass),
    cmocka_unit_test(i23__random_numbers__pass),
    cmocka_unit_test(i25__datagram_that_nobody_sent__bites),
    cmocka_unit_test(i27__readable_and_not_told__bites),
    cmocka_unit_test(i27__room_and_a_waiting_writer__bites),
#if defined(TCT_CHECK) && TCT_CHECK
    cmocka_unit_test(i26__more_steps_than_allowed__bites),
#endif
    cmocka_unit_test(line__has_number_name_place_event_and_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
