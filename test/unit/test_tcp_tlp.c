/* SPDX-License-Identifier: MIT */
/* The tail loss probe: when, and what its answer means. [RFC8985 7.2] [RFC8985 7.4] */
#include "test/lib/leaf.h"

static void start(struct leaf *f, unsigned segments) {
  leaf_init(f, false);
  f->c.open |= TCT_OPEN_SACK;
  f->c.rtt.srtt_us8 = 8 * 100000;
  for (unsigned i = 0; i < segments; i++)
    leaf_sent(f, 1000);
}

static tct_time wait_of(const struct leaf *f, tct_time rto_ns) {
  tct_time rto_at = rto_ns == TCT_NEVER ? TCT_NEVER : f->s.now + rto_ns;
  tct_time at = tct_tcp_tlp_at(&f->s, &f->c, rto_at);
  return at == TCT_NEVER ? at : at - f->s.now;
}

static void several_out__two_round_trips(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 3);
  assert_true(wait_of(&f, TCT_NEVER) == TCT_MS(202));
  assert_true(wait_of(&f, TCT_MS(150)) == TCT_MS(150)); /* never behind the time-out */
  leaf_end(&f);
}

static void one_out__and_a_delayed_ack(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 1);
  assert_true(wait_of(&f, TCT_NEVER) == TCT_MS(400));
  f.s.cfg.profile = TCT_PROFILE_STRICT;
  f.s.cfg.rto_min_ms = 1000;
  assert_true(wait_of(&f, TCT_NEVER) ==
              TCT_MS(400)); /* the RFC's worst delay, not the RTO's floor */
  f.s.cfg.profile = TCT_PROFILE_LINUX;
  f.c.rtt.srtt_us8 = 0;
  assert_true(wait_of(&f, TCT_NEVER) == TCT_S(1));
  leaf_end(&f);
}

static void repair_or_no_sack_or_off__no_probe(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 3);
  f.a.rec.phase = TCT_REC_DISORDER;
  assert_true(wait_of(&f, TCT_NEVER) == TCT_NEVER);
  f.a.rec.phase = TCT_REC_CWR;
  assert_true(wait_of(&f, TCT_NEVER) != TCT_NEVER);
  f.s.cfg.tlp = TCT_OFF;
  assert_true(wait_of(&f, TCT_NEVER) == TCT_NEVER);
  f.s.cfg.tlp = TCT_ON;
  f.c.open &= (uint8_t)~TCT_OPEN_SACK;
  assert_true(wait_of(&f, TCT_NEVER) == TCT_NEVER);
  leaf_end(&f);
}

struct answer {
  const char *name;
  bool resent, repaired, settled;
  int32_t beyond; /* of the ACK, relative to the end of what was out */
  bool dsack, advanced;
};

static void answers__tell_loss_from_delay(void **state) {
  (void)state;
  static const struct answer answers[] = {
      {"new data, acknowledged", false, false, true, 0, false, true},
      {"below the probe's end", true, false, false, -1000, false, true},
      {"reported as duplicate", true, false, true, 0, true, true},
      {"all acknowledged: may be either copy", true, false, false, 0, false, true},
      {"the same ACK twice: both copies came", true, false, true, 0, false, false},
      {"more acknowledged, no duplicate: the probe repaired", true, true, true, 500, false, true},
  };
  for (unsigned i = 0; i < TCT_ARRAY_LEN(answers); i++) {
    const struct answer *w = &answers[i];
    struct leaf f;
    start(&f, 3);
    assert_true(tct_tcp_tlp_may_go(&f.c));
    tct_tcp_tlp_on_sent(&f.s, &f.c, w->resent);
    assert_false(tct_tcp_tlp_may_go(&f.c)); /* one at a time */
    struct tct_tcp_ack a = {
        .ack = f.c.snd.nxt + (tct_seq)w->beyond, .dsack_tlp = w->dsack, .advanced = w->advanced};
    if (tct_tcp_tlp_on_ack(&f.c, &a) != w->repaired || tct_tcp_tlp_may_go(&f.c) != w->settled)
      fail_msg("%s", w->name);
    leaf_end(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(several_out__two_round_trips),
      cmocka_unit_test(one_out__and_a_delayed_ack),
      cmocka_unit_test(repair_or_no_sack_or_off__no_probe),
      cmocka_unit_test(answers__tell_loss_from_delay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
