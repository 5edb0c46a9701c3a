/* SPDX-License-Identifier: MIT */
/* P7: the round-trip time's fixed point and the retransmission time-out. No operation of
 * tcp_rtt.c wraps and all results stay in bounds, for every sample and every state that such
 * samples lead to (the bounds on the state are shown to be kept). Configurations are those that
 * tct_stack_new lets pass. RFC 6298. */
#include "tcp/tcp_rtt.c"

#define SRTT_MAX (8u * SAMPLE_US_MAX)
#define VAR_MAX (4u * SAMPLE_US_MAX)
#define BACKOFF_MAX 16

static bool is_state(const struct tct_tcp_rtt *r) {
  return r->srtt_us8 <= SRTT_MAX && r->rttvar_us4 <= VAR_MAX;
}

bool lemma_sample_by_rfc_keeps_bounds(uint32_t srtt_us8, uint32_t rttvar_us4, uint32_t us) {
  struct tct_tcp_rtt r;
  r.srtt_us8 = srtt_us8;
  r.rttvar_us4 = rttvar_us4;
  if (!is_state(&r) || srtt_us8 == 0 || us == 0 || us > SAMPLE_US_MAX)
    return true;
  sample_by_rfc(&r, us);
  return is_state(&r) && r.srtt_us8 >= 8;
}

/* The smoothed value lies between what it was and the sample, but for what rounding takes. */
bool lemma_sample_by_rfc_moves_towards_it(uint32_t srtt_us8, uint32_t rttvar_us4, uint32_t us) {
  struct tct_tcp_rtt r;
  r.srtt_us8 = srtt_us8;
  r.rttvar_us4 = rttvar_us4;
  if (!is_state(&r) || srtt_us8 < 8 || us == 0 || us > SAMPLE_US_MAX)
    return true;
  sample_by_rfc(&r, us);
  uint32_t low = tct_min_u32(srtt_us8, us * 8), high = tct_max_u32(srtt_us8, us * 8 + 7);
  return r.srtt_us8 >= low && r.srtt_us8 <= high;
}

bool lemma_sample_like_linux_keeps_bounds(uint32_t srtt_us8, uint32_t rttvar_us4, uint32_t us) {
  struct tct_tcp_rtt r;
  r.srtt_us8 = srtt_us8;
  r.rttvar_us4 = rttvar_us4;
  if (!is_state(&r) || srtt_us8 == 0 || us == 0 || us > SAMPLE_US_MAX)
    return true;
  sample_like_linux(&r, us);
  return is_state(&r) && r.srtt_us8 >= 1;
}

/* Configurations as tct_stack_new takes them. */
static bool is_config(const tct_stack *s) {
  return s->cfg.rto_min_ms != 0 && s->cfg.rto_initial_ms != 0 &&
         s->cfg.rto_min_ms <= s->cfg.rto_max_ms && s->cfg.rto_max_ms <= TCT_RTO_LIMIT_MS &&
         s->cfg.rto_initial_ms <= TCT_RTO_LIMIT_MS;
}

static void configure(tct_stack *s, uint32_t min_ms, uint32_t max_ms, uint32_t initial_ms,
                      bool strict) {
  s->cfg.profile = strict ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX;
  s->cfg.rto_min_ms = min_ms;
  s->cfg.rto_max_ms = max_ms;
  s->cfg.rto_initial_ms = initial_ms;
}

/* The bounds are numbers in each lemma: those of the profiles, and the widest and the narrowest
 * that a configuration may have. (That a product grows with its factor is hard on bits.) */
static bool rto_is_in_bounds(uint32_t srtt_us8, uint32_t rttvar_us4, uint32_t dev_us,
                             uint32_t min_ms, uint32_t max_ms, uint8_t backoff, bool strict) {
  tct_stack s;
  struct tct_tcp c;
  struct tct_extra x;
  configure(&s, min_ms, max_ms, 1000, strict);
  c.extra = &x;
  x.dev_us = dev_us; /* 0: none is held */
  c.rtt.srtt_us8 = srtt_us8;
  c.rtt.rttvar_us4 = rttvar_us4;
  c.tmr.backoff = backoff;
  if (!is_state(&c.rtt) || srtt_us8 == 0 || !is_config(&s))
    return true;
  tct_time rto = tct_tcp_rtt_rto_ns(&s, &c);
  return rto >= TCT_MS(min_ms) && rto <= TCT_MS(max_ms);
}

bool lemma_rto_of_strict_is_in_bounds(uint32_t srtt_us8, uint32_t rttvar_us4, uint8_t backoff) {
  return rto_is_in_bounds(srtt_us8, rttvar_us4, 0, 1000, 60000, backoff, true);
}

bool lemma_rto_of_linux_is_in_bounds(uint32_t srtt_us8, uint32_t rttvar_us4, uint32_t dev_us,
                                     uint8_t backoff) {
  return rto_is_in_bounds(srtt_us8, rttvar_us4, dev_us, 200, 120000, backoff, false);
}

bool lemma_rto_of_widest_bounds(uint32_t srtt_us8, uint32_t rttvar_us4, uint8_t backoff) {
  return rto_is_in_bounds(srtt_us8, rttvar_us4, 0, 1, TCT_RTO_LIMIT_MS, backoff, true);
}

bool lemma_rto_of_widest_bounds_like_linux(uint32_t srtt_us8, uint32_t rttvar_us4, uint32_t dev_us,
                                           uint8_t backoff) {
  return rto_is_in_bounds(srtt_us8, rttvar_us4, dev_us, 1, TCT_RTO_LIMIT_MS, backoff, false);
}

bool lemma_rto_of_longest_bound_alone(uint32_t srtt_us8, uint32_t rttvar_us4, uint8_t backoff) {
  return rto_is_in_bounds(srtt_us8, rttvar_us4, 0, TCT_RTO_LIMIT_MS, TCT_RTO_LIMIT_MS, backoff,
                          true);
}

/* Before any sample: the initial value, never more than the largest, doubled likewise. */
bool lemma_first_rto_is_in_bounds(uint8_t backoff, uint8_t open) {
  tct_stack s;
  struct tct_tcp c;
  configure(&s, 1, TCT_RTO_LIMIT_MS, TCT_RTO_LIMIT_MS, true);
  c.extra = NULL;
  c.open = open;
  c.rtt.srtt_us8 = 0;
  c.rtt.rttvar_us4 = 0;
  c.tmr.backoff = backoff;
  if (!is_config(&s))
    return true;
  tct_time rto = tct_tcp_rtt_rto_ns(&s, &c);
  return rto > 0 && rto <= TCT_MS(TCT_RTO_LIMIT_MS);
}

/* One expiry more never makes it shorter. */
bool lemma_backoff_never_shortens(uint32_t srtt_us8, uint32_t rttvar_us4, uint8_t backoff) {
  tct_stack s;
  struct tct_tcp c;
  configure(&s, 200, 120000, 1000, true);
  c.extra = NULL;
  c.rtt.srtt_us8 = srtt_us8;
  c.rtt.rttvar_us4 = rttvar_us4;
  c.tmr.backoff = backoff;
  if (!is_state(&c.rtt) || srtt_us8 == 0 || !is_config(&s) || backoff == 255)
    return true;
  tct_time before = tct_tcp_rtt_rto_ns(&s, &c);
  c.tmr.backoff = (uint8_t)(backoff + 1);
  return tct_tcp_rtt_rto_ns(&s, &c) >= before;
}

bool lemma_deviation_is_held_within_bounds(uint32_t rttvar_us4, uint32_t dev_us,
                                           uint32_t dev_max_us, uint32_t min_ms, tct_seq una,
                                           tct_seq nxt, tct_seq dev_end, bool first) {
  tct_stack s;
  struct tct_tcp c;
  struct tct_extra x;
  uint32_t most = tct_max_u32(VAR_MAX, TCT_RTO_LIMIT_MS * 1000u);
  configure(&s, min_ms, TCT_RTO_LIMIT_MS, 1000, false);
  c.extra = &x;
  c.rtt.rttvar_us4 = rttvar_us4;
  c.snd.una = una;
  c.snd.nxt = nxt;
  x.dev_us = dev_us;
  x.dev_max_us = dev_max_us;
  x.dev_end = dev_end;
  if (!is_config(&s) || rttvar_us4 > VAR_MAX || dev_us > most || dev_max_us > most)
    return true;
  hold_deviation(&s, &c, first);
  return x.dev_us <= most && x.dev_max_us <= most;
}
