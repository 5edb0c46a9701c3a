/* SPDX-License-Identifier: MIT */
/*
 * Segments and ICMP errors that no end of the connection has sent. Called by attacker.c and
 * link_fault.c, which decide when, to whom, and how much the forger knows. RFC 5961, RFC 5927.
 */
#include "sim/ip.h"
#include "util/mem.h"

static tct_seg segment(const struct sim_forgery *f, uint8_t flags) {
  tct_seg s;
  memset(&s, 0, sizeof s);
  s.src = f->aim.src;
  s.dst = f->aim.dst;
  s.sport = f->aim.sport;
  s.dport = f->aim.dport;
  s.seq = f->seq;
  s.ack = (flags & TCT_ACK) != 0 ? f->ack : 0;
  s.flags = flags;
  s.window_raw = 8192;
  s.wscale = 0xff;
  s.mss = (flags & TCT_SYN) != 0 ? 1460 : 0;
  return s;
}

static uint32_t forge_segment(const struct sim_forgery *f, uint8_t *to, uint32_t cap) {
  static const uint8_t flags[] = {TCT_RST, TCT_SYN, TCT_ACK | TCT_PSH, TCT_ACK, TCT_ACK | TCT_FIN};
  static const uint8_t payload[256] = "forged";
  tct_seg s = segment(f, flags[f->shot]);
  if (f->shot == TCT_SIM_SHOT_DATA)
    s.len = tct_clamp_u32(f->payload_len, 1, sizeof payload);
  return tct_sim_seg_emit(&s, payload, to, cap);
}

/* About a segment that dst is said to have sent to src. */
static uint32_t forge_error(const struct sim_forgery *f, uint8_t *to, uint32_t cap) {
  static const tct_addr any;
  bool is_v4 = tct_wire_ip_family(&f->aim.dst) == 4;
  enum tct_icmp_kind kind = TCT_ICMP_UNREACH_PORT;
  uint8_t quoted[128];
  uint32_t len;
  tct_seg s = segment(f, TCT_ACK);
  s.src = f->aim.dst;
  s.dst = f->aim.src;
  s.sport = f->aim.dport;
  s.dport = f->aim.sport;
  len = tct_sim_seg_emit(&s, NULL, quoted, sizeof quoted);
  if (f->shot == TCT_SIM_SHOT_ICMP_TOO_BIG)
    kind = is_v4 ? TCT_ICMP_UNREACH_FRAG_NEEDED : TCT_ICMP_PACKET_TOO_BIG;
  if (f->shot == TCT_SIM_SHOT_ICMP_QUENCH)
    kind = is_v4 ? TCT_ICMP_SOURCE_QUENCH : TCT_ICMP_TIME_EXCEEDED_TRANSIT;
  return sim_icmp_error(quoted, len, kind, f->mtu_bytes, &any, to, cap);
}

uint32_t sim_forge(const struct sim_forgery *f, uint8_t *to, uint32_t cap) {
  return f->shot < TCT_SIM_SHOT_ICMP_UNREACH ? forge_segment(f, to, cap) : forge_error(f, to, cap);
}

struct sim_forgery sim_forge_draw(struct tct_sim *w, unsigned group, const tct_sim_aim *aim,
                                  tct_sim_shot shot) {
  struct sim_forgery f = {.aim = *aim, .shot = shot};
  f.seq = sim_world_draw(w, group, UINT32_MAX);
  f.ack = sim_world_draw(w, group, UINT32_MAX);
  f.mtu_bytes = 68 + sim_world_draw(w, group, 1400);
  f.payload_len = 1 + sim_world_draw(w, group, 100);
  return f;
}

unsigned sim_forge_pick(struct tct_sim *w, unsigned group, uint32_t mask) {
  unsigned n = 0, bit = 0;
  for (unsigned i = 0; i < 32; i++)
    n += mask >> i & 1;
  n = n ? sim_world_draw(w, group, n) : 0;
  for (; bit < 31; bit++) {
    bool set = (mask >> bit & 1) != 0;
    if (set && n == 0)
      break;
    n -= set;
  }
  return bit;
}
