/* SPDX-License-Identifier: MIT */
/* Known attacks on closing, and on a connection's later life: A038 to A051. */
#include "test/attack/attack.h"

static struct lab l;
static struct lab_got g;

/* ---- Closings
 * --------------------------------------------------------------------------------------- */

/* STRICT's 2 MSL. */
#define TWO_MSL TCT_S(240)

ATTACK(a038_simultaneous_close) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    assert_int_equal(tct_sock_shutdown(l.s, p.sock, TCT_SHUT_WR), TCT_OK);
    expect_flags(&l, &g, TCT_FIN | TCT_ACK);
    send_flags(&l, &p, TCT_FIN | TCT_ACK); /* not knowing of the other */
    p.seq++;
    assert_int_equal(state_of(&l, p.sock), TCT_CLOSING);
    p.ack++;
    assert_true(lab_next(&l, 0, &g) && g.tcp.flags == TCT_ACK && g.tcp.ack == p.seq);
    lab_ack(&l, &p);
    assert_int_equal(l.s->n.TimeWaitNow, 1);
    lab_wait(&l, TWO_MSL - TCT_S(1));
    assert_int_equal(l.s->n.TimeWaitNow, 1);
    expect_silence(&l);
    lab_wait(&l, TCT_S(2));
    assert_int_equal(l.s->n.TimeWaitNow, 0);
    expect_silence(&l);
    lab_finish(&l);
  }
}

/* [RFC9293 EP-36] */
ATTACK(a039_fin_out_of_order) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t data[200], buf[201];
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    for (size_t i = 0; i < sizeof data; i++)
      data[i] = octet(i);
    struct lab_seg tail = {.flags = TCT_ACK | TCT_FIN,
                           .seq = p.seq + 100,
                           .ack = p.ack,
                           .window = 100,
                           .data = data + 100,
                           .len = 100};
    lab_send(&l, &p, &tail);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), TCT_EAGAIN);
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    send_data_at(&l, &p, p.seq, data, 100);
    assert_int_equal(lab_read(&l, p.sock, buf, 150), 150);
    assert_int_equal(lab_read(&l, p.sock, buf + 150, 51), 50);
    assert_memory_equal(buf, data, 200);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 0);
    assert_int_equal(state_of(&l, p.sock), TCT_CLOSE_WAIT);
    lab_finish(&l);
  }
}

/* [RFC9293 EP-35] */
ATTACK(a040_data_after_fin) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t buf[16];
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    send_flags(&l, &p, TCT_FIN | TCT_ACK);
    p.seq++;
    lab_drain(&l);
    send_data_at(&l, &p, p.seq, "late", 4);
    while (lab_out(&l, &g))
      assert_int_equal(g.tcp.ack, p.seq);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 0);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 0);
    lab_finish(&l);
  }
}

/* One segment in ten is not heard. */
ATTACK(a041_half_close_loses_data) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 1000000};
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, true);
    send_flags(&l, &p, TCT_FIN | TCT_ACK);
    p.seq++;
    unsigned n = 0;
    bool closed = false, fin = false;
    while (!fin) {
      write_more(&l, p.sock, &st);
      if (st.wrote == st.want && !closed) {
        assert_int_equal(tct_sock_close(l.s, p.sock), TCT_OK);
        closed = true;
      }
      assert_true(lab_next(&l, TCT_S(100), &g));
      if (++n % 10 == 3 || !g.is_tcp)
        continue;
      assert_int_equal(g.tcp.flags & TCT_RST, 0);
      if (g.tcp.seq == p.ack) {
        for (uint32_t i = 0; i < g.len; i++)
          assert_int_equal(g.data[i], octet(st.got + i));
        st.got += g.len;
        fin = (g.tcp.flags & TCT_FIN) != 0;
        lab_note(&p, &g);
      }
      p.tsval++;
      lab_ack(&l, &p);
    }
    assert_int_equal(st.got, st.want);
    lab_finish(&l);
  }
}

/* [RFC9293 SHLD-3] */
ATTACK(a042_close_with_unread_data) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    lab_data(&l, &p, "0123456789", 10);
    lab_drain(&l);
    assert_int_equal(tct_sock_close(l.s, p.sock), TCT_OK);
    assert_true(lab_out(&l, &g) && (g.tcp.flags & TCT_RST) != 0);
    assert_int_equal(g.tcp.seq, p.ack);
    expect_silence(&l);
    lab_finish(&l);
  }
}

ATTACK(a043_data_for_a_closed_receiver) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    assert_int_equal(tct_sock_close(l.s, p.sock), TCT_OK);
    expect_flags(&l, &g, TCT_FIN | TCT_ACK);
    p.ack++;
    lab_data(&l, &p, "still here", 10);
    assert_true(lab_out(&l, &g) && (g.tcp.flags & TCT_RST) != 0);
    expect_silence(&l);
    lab_data(&l, &p, "and again", 9);
    assert_true(lab_out(&l, &g) && (g.tcp.flags & TCT_RST) != 0);
    expect_silence(&l);
    lab_finish(&l);
  }
}

ATTACK(a044_reset_answered) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p, q;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    lab_peer_init(&l, &q, 81);
    for (unsigned ack = 0; ack <= TCT_ACK; ack += TCT_ACK) {
      send_at(&l, &p, TCT_RST | ack, p.seq - 1000, p.ack);
      send_at(&l, &q, TCT_RST | ack, q.seq, 7);
      q.dport = 80;
      send_at(&l, &q, TCT_RST | ack, q.seq, 7);
      q.dport = 81;
      expect_silence(&l);
    }
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    lab_finish(&l);
  }
}

/* ---- TIME-WAIT
 * -------------------------------------------------------------------------------------- */

/* D closed first, P's FIN came, D's last ACK left. */
static void reach_time_wait(struct lab_peer *p, tct_sock k, bool ts) {
  lab_establish(&l, p, k, 80, ts);
  assert_int_equal(tct_sock_close(l.s, p->sock), TCT_OK);
  expect_flags(&l, &g, TCT_FIN | TCT_ACK);
  lab_note(p, &g);
  p->tsval++;
  lab_ack(&l, p);
  send_flags(&l, p, TCT_FIN | TCT_ACK);
  p->seq++;
  expect_bare_ack(&l, p, &g);
  lab_note(p, &g);
  assert_int_equal(l.s->n.TimeWaitNow, 1);
}

ATTACK(a045_time_wait_assassination) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (int ts = 0; ts < 2; ts++) {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    reach_time_wait(&p, k, ts);
    lab_wait(&l, TCT_S(2));
    send_data_at(&l, &p, p.seq - 500, "old", 3);
    expect_bare_ack(&l, &p, &g);
    send_at(&l, &p, TCT_RST, g.tcp.ack, 0);
    send_at(&l, &p, TCT_RST | TCT_ACK, p.seq, p.ack);
    send_at(&l, &p, TCT_RST, p.seq + 10, 0);
    expect_silence(&l);
    lab_wait(&l, TCT_S(1)); /* no limit is in the way of an answer to this one */
    send_at(&l, &p, TCT_RST, p.seq - 1000, 0);
    expect_silence(&l);
    assert_int_equal(l.s->n.TimeWaitNow, 1);
    lab_wait(&l, TWO_MSL - TCT_S(5));
    assert_int_equal(l.s->n.TimeWaitNow, 1);
    lab_finish(&l);
  }
}

/* [RFC9293 EP-31] */
ATTACK(a046_duplicate_fin_in_time_wait) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    reach_time_wait(&p, k, false);
    for (int i = 0; i < 3; i++) {
      lab_wait(&l, TCT_S(100));
      send_at(&l, &p, TCT_FIN | TCT_ACK, p.seq - 1, p.ack);
      expect_bare_ack(&l, &p, &g);
      assert_int_equal(g.tcp.seq, p.ack);
    }
    lab_wait(&l, TWO_MSL - TCT_S(1)); /* from the last of them */
    assert_int_equal(l.s->n.TimeWaitNow, 1);
    lab_wait(&l, TCT_S(2));
    assert_int_equal(l.s->n.TimeWaitNow, 0);
    lab_finish(&l);
  }
}

static void tweak_linux(tct_config *c) {
  c->profile = TCT_PROFILE_LINUX;
}

/* [RFC9293 MAY-2] [RFC9293 SHLD-4] */
ATTACK(a047_time_wait_reuse) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (unsigned how = 0; how < 4; how++) {
    bool ts = (how & 1) != 0, linux_like = (how & 2) != 0;
    struct lab_peer p;
    lab_init(&l, v6, linux_like ? tweak_linux : NULL);
    tct_sock k = lab_listen(&l, 80);
    reach_time_wait(&p, k, ts);
    lab_wait(&l, TCT_S(2));
    uint8_t old_ts[12] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0}, new_ts[12] = {1, 1, 8, 10, 0x20};
    struct lab_seg old = {.flags = TCT_SYN,
                          .seq = p.seq - 100000,
                          .window = 1000,
                          .no_ts = true,
                          .opt = old_ts,
                          .opt_len = ts ? 12 : 0};
    lab_send(&l, &p, &old);
    if (linux_like)
      expect_bare_ack(&l, &p, &g);
    expect_silence(&l);
    assert_int_equal(l.s->n.TimeWaitNow, 1);
    assert_int_equal(l.s->n.HalfOpenNow, 0);
    struct lab_seg fresh = {.flags = TCT_SYN,
                            .seq = p.seq + 100000,
                            .window = 1000,
                            .no_ts = true,
                            .opt = new_ts,
                            .opt_len = ts ? 12 : 0};
    lab_send(&l, &p, &fresh);
    expect_flags(&l, &g, TCT_SYN | TCT_ACK);
    assert_int_equal(g.tcp.ack, fresh.seq + 1);
    assert_true((int32_t)(g.tcp.seq - p.ack) > 0); /* above all that was */
    lab_finish(&l);
  }
}

/* ---- Oddities
 * --------------------------------------------------------------------------------------- */

/* [RFC9293 EP-5] */
ATTACK(a048_syn_carrying_data) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t data[100], buf[201];
    tct_sock child;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    memset(data, 'd', sizeof data);
    lab_peer_init(&l, &p, 80);
    struct lab_seg syn = {
        .flags = TCT_SYN, .seq = p.iss, .window = 65535, .data = data, .len = sizeof data};
    assert_int_equal(lab_send(&l, &p, &syn), TCT_ACCEPTED);
    expect_flags(&l, &g, TCT_SYN | TCT_ACK);
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &child), TCT_EAGAIN);
    uint32_t has = g.tcp.ack - p.iss - 1;
    assert_true(has == 0 || has == sizeof data);
    p.ack = g.tcp.seq + 1;
    p.seq = p.iss + 1 + has;
    lab_ack(&l, &p);
    send_data_at(&l, &p, p.iss + 1, data, sizeof data); /* again, to be sure */
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &child), TCT_OK);
    assert_int_equal(lab_read(&l, child, buf, sizeof buf), sizeof data);
    assert_int_equal(lab_read(&l, child, buf, sizeof buf), TCT_EAGAIN);
    lab_finish(&l);
  }
}

ATTACK(a049_keepalive_probe_as_data) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t buf[16];
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    for (size_t n = 0; n < 2; n++)
      for (int i = 0; i < 20; i++) { /* never withheld by a limit */
        send_data_at(&l, &p, p.seq - 1, "g", n);
        expect_bare_ack(&l, &p, &g);
      }
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), TCT_EAGAIN);
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-34] [RFC9293 SHLD-14] */
ATTACK(a050_window_shrunk_by_the_peer) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 200000};
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    p.window = 65535;
    write_more(&l, p.sock, &st);
    uint32_t high = p.ack;
    while (lab_out(&l, &g))
      high = g.tcp.seq + g.len;
    assert_true(high - p.ack > 10000);
    p.window = 1000; /* far inside of what is in flight */
    lab_ack(&l, &p);
    for (int i = 0; i < 20 && lab_next(&l, TCT_S(10), &g); i++)
      assert_true((int32_t)(g.tcp.seq + g.len - high) <= 0); /* no new byte */
    lab_check(&l);
    p.window = 65535;
    lab_ack(&l, &p);
    assert_true(read_stream(&l, &p, &st, TCT_S(60)));
    lab_finish(&l);
  }
}

/* WL1, WL2: a reordered ACK says nothing new. */
ATTACK(a051_old_ack_changes_the_window) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 3000};
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    write_more(&l, p.sock, &st);
    lab_drain(&l);
    struct lab_seg newer = {.flags = TCT_ACK, .seq = p.seq, .ack = p.ack + 2000, .window = 5000};
    lab_send(&l, &p, &newer);
    assert_int_equal(info_of(&l, p.sock).snd_wnd, 5000);
    struct lab_seg older = {.flags = TCT_ACK, .seq = p.seq, .ack = p.ack + 1000, .window = 0};
    lab_send(&l, &p, &older);
    assert_int_equal(info_of(&l, p.sock).snd_wnd, 5000);
    older.window = 60000;
    lab_send(&l, &p, &older);
    assert_int_equal(info_of(&l, p.sock).snd_wnd, 5000);
    p.ack += 2000;
    lab_data(&l, &p, "x", 1);
    struct lab_seg old_seq = {.flags = TCT_ACK, .seq = p.seq - 1, .ack = p.ack, .window = 1};
    lab_send(&l, &p, &old_seq);
    assert_int_equal(info_of(&l, p.sock).snd_wnd, 65535); /* of the one byte of data */
    struct lab_seg ahead = {
        .flags = TCT_ACK, .seq = p.seq + 100, .ack = p.ack, .window = 7000, .data = "b", .len = 1};
    lab_send(&l, &p, &ahead);
    assert_int_equal(info_of(&l, p.sock).snd_wnd, 7000);
    struct lab_seg behind = {
        .flags = TCT_ACK, .seq = p.seq, .ack = p.ack, .window = 1, .data = "a", .len = 1};
    assert_int_equal(lab_send(&l, &p, &behind), TCT_ACCEPTED); /* in order, but sent before it */
    assert_int_equal(info_of(&l, p.sock).snd_wnd, 7000);
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a038_simultaneous_close),
      cmocka_unit_test(a039_fin_out_of_order),
      cmocka_unit_test(a040_data_after_fin),
      cmocka_unit_test(a041_half_close_loses_data),
      cmocka_unit_test(a042_close_with_unread_data),
      cmocka_unit_test(a043_data_for_a_closed_receiver),
      cmocka_unit_test(a044_reset_answered),
      cmocka_unit_test(a045_time_wait_assassination),
      cmocka_unit_test(a046_duplicate_fin_in_time_wait),
      cmocka_unit_test(a047_time_wait_reuse),
      cmocka_unit_test(a048_syn_carrying_data),
      cmocka_unit_test(a049_keepalive_probe_as_data),
      cmocka_unit_test(a050_window_shrunk_by_the_peer),
      cmocka_unit_test(a051_old_ack_changes_the_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
