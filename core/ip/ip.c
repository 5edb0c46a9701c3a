/* SPDX-License-Identifier: MIT */
/*
 * ip.c - the IP layer's state as a whole: made, freed, and woken when something of it is due.
 * Called by stack.c. What the parts do is theirs.
 */
#include "ip/ip.h"

#include "util/siphash.h"

int tct_ip_new(tct_stack *s) {
  s->ip = tct_stack_alloc(s, sizeof *s->ip);
  if (s->ip == NULL)
    return TCT_ENOMEM;
  s->ip->key[0] = tct_prng_u64(&s->prng);
  s->ip->key[1] = tct_prng_u64(&s->prng);
  tct_ip_reasm_init(s);
  tct_pmtu_init(s);
  tct_icmp_init(s);
  return TCT_OK;
}

void tct_ip_free(tct_stack *s) {
  if (s->ip == NULL)
    return;
  tct_ip_reply_deinit(s);
  tct_ip_reasm_deinit(s);
  tct_pmtu_deinit(s);
  tct_route_deinit(s);
  tct_ip_addr_deinit(s);
  tct_stack_free(s, s->ip, sizeof *s->ip);
  s->ip = NULL;
}

tct_time tct_ip_next_deadline(const tct_stack *s) {
  return tct_time_min(tct_ip_reasm_next_deadline(s), tct_pmtu_next_deadline(s));
}

void tct_ip_advance(tct_stack *s) {
  tct_ip_reasm_advance(s);
  tct_pmtu_advance(s);
}

uint64_t tct_ip_hash(const tct_stack *s, enum tct_ip_hash use, tct_addr a, tct_addr b,
                     uint32_t more) {
  uint8_t in[37];
  memcpy(in, a.b, 16);
  memcpy(in + 16, b.b, 16);
  in[32] = (uint8_t)(more >> 24);
  in[33] = (uint8_t)(more >> 16);
  in[34] = (uint8_t)(more >> 8);
  in[35] = (uint8_t)more;
  in[36] = (uint8_t)use;
  return tct_siphash13(s->ip->key, in, sizeof in);
}
