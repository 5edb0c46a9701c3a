/* SPDX-License-Identifier: MIT */
/*
 * check_form.c - I22: is what an end sends a packet at all? Lengths, checksums, options, reserved
 * bits, read by a parser of its own: the core's would agree with the core's mistakes. Also the
 * other way round for I3: is this frame, as it arrives, plainly damaged? RFC 791 3.1, RFC 8200 3,
 * RFC 9293 3.1, RFC 768, RFC 792, RFC 4443.
 */
#include "sim/check.h"
#include "util/mem.h"

enum { HOP = 0, ICMP4 = 1, TCP = 6, UDP = 17, FRAGMENT = 44, ICMP6 = 58 };

static unsigned get16(const uint8_t *p) {
  return (unsigned)p[0] << 8 | p[1];
}

static inline uint64_t get64(const uint8_t *p) {
  uint64_t w;
  memcpy(&w, p, sizeof w);
  return w;
}

static uint64_t fold32(uint64_t sum) {
  return (sum & UINT32_MAX) + (sum >> 32);
}

/* Ones' complement does not mind in which order the words are added, or how wide they are: 64 bits
 * at once, and the carries beside them. At most 2^33, so that several may be added. */
static uint64_t sum_of(const uint8_t *p, size_t len) {
  uint64_t a = 0, b = 0, carries = 0, tail[2] = {0, 0};
  for (; len >= 32; len -= 32, p += 32) {
    carries += __builtin_add_overflow(a, get64(p), &a);
    carries += __builtin_add_overflow(b, get64(p + 8), &b);
    carries += __builtin_add_overflow(a, get64(p + 16), &a);
    carries += __builtin_add_overflow(b, get64(p + 24), &b);
  }
  if (len >= 16) {
    carries += __builtin_add_overflow(a, get64(p), &a);
    carries += __builtin_add_overflow(b, get64(p + 8), &b);
    len -= 16;
    p += 16;
  }
  if (len > 0)
    memcpy(tail, p, len);
  return fold32(fold32(a) + fold32(b) + fold32(tail[0]) + fold32(tail[1]) + carries);
}

static bool is_all_ones(uint64_t sum) {
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

/* What IP says, of either family; l4 NULL: nothing above it can be judged. */
struct view {
  const uint8_t *l4;
  uint32_t l4_len;
  uint8_t proto;
  bool v6;
  uint64_t addresses; /* their sum */
};

static bool sums_up(const struct view *v) {
  const uint8_t rest[8] = {0, 0, (uint8_t)(v->l4_len >> 8), (uint8_t)v->l4_len, 0, 0, 0, v->proto};
  uint64_t pseudo = v->proto == ICMP4 ? 0 : v->addresses + sum_of(rest, sizeof rest);
  return is_all_ones(pseudo + sum_of(v->l4, v->l4_len));
}

/* ---- As it is sent ---- */

static const char *option_fault(const uint8_t *o, unsigned kind, unsigned len, bool syn) {
  (void)o;
  switch (kind) {
  case 2:
    return len != 4 ? "MSS option of a wrong length" : syn ? NULL : "MSS option without SYN";
  case 3:
    return len != 3 ? "window scale of a wrong length" : syn ? NULL : "window scale without SYN";
  case 4:
    return len != 2 ? "SACK-permitted of a wrong length"
           : syn    ? NULL
                    : "SACK-permitted without SYN";
  case 5:
    return len % 8 != 2 || len < 10 || len > 34 ? "SACK option of a wrong length"
           : syn                                ? "SACK blocks on a SYN"
                                                : NULL;
  case 8:
    return len != 10 ? "timestamp of a wrong length" : NULL;
  case 28:
    return len != 4 ? "user time-out of a wrong length" : NULL;
  case 34:
    return len > 18 ? "Fast Open cookie too long" : syn ? NULL : "Fast Open option without SYN";
  case 172:
  case 174:
    return len % 3 != 2 || len > 11 ? "accurate ECN option of a wrong length" : NULL;
  case 254:
    return len < 4 || get16(o + 2) != 0xf989 ? "an experiment that is not ours" : NULL;
  default:
    return "an option of an unknown kind";
  }
}

static const char *options_fault(const uint8_t *o, unsigned len, bool syn) {
  uint64_t seen[4] = {0};
  for (unsigned i = 0; i < len;) {
    unsigned kind = o[i], size = i + 1 < len ? o[i + 1] : 0;
    if (kind == 0) {
      for (; i < len; i++)
        if (o[i] != 0)
          return "padding after the end of options";
      return NULL;
    }
    if (kind == 1) {
      i++;
      continue;
    }
    if (size < 2 || i + size > len)
      return "an option with an impossible length";
    if (seen[kind / 64] >> kind % 64 & 1)
      return "an option twice";
    seen[kind / 64] |= UINT64_C(1) << kind % 64;
    const char *fault = option_fault(o + i, kind, size, syn);
    if (fault != NULL)
      return fault;
    i += size;
  }
  return NULL;
}

static const char *tcp_fault(const struct view *v) {
  const uint8_t *t = v->l4;
  unsigned header = v->l4_len < 20 ? 0 : (unsigned)(t[12] >> 4) * 4, flags;
  if (header < 20 || header > v->l4_len)
    return "a TCP header of an impossible length";
  flags = t[13];
  if ((t[12] & 14) != 0)
    return "reserved bits of the TCP header";
  if (get16(t) == 0 || get16(t + 2) == 0)
    return "port 0";
  if ((flags & TCT_URG) == 0 && get16(t + 18) != 0)
    return "an urgent pointer without URG";
  if ((flags & TCT_ACK) == 0 && (get16(t + 8) | get16(t + 10)) != 0)
    return "an acknowledgment number without ACK";
  if ((flags & (TCT_ACK | TCT_SYN | TCT_RST)) == 0)
    return "none of ACK, SYN and RST";
  if ((flags & TCT_SYN) != 0 && (flags & (TCT_FIN | TCT_RST)) != 0)
    return "SYN with FIN or RST";
  if (!sums_up(v))
    return "a wrong TCP checksum";
  return header > 20 ? options_fault(t + 20, header - 20, (flags & TCT_SYN) != 0) : NULL;
}

static const char *udp_fault(const struct view *v) {
  if (v->l4_len < 8 || get16(v->l4 + 4) != v->l4_len)
    return "a wrong UDP length";
  if (get16(v->l4 + 6) == 0)
    return "no UDP checksum";
  return sums_up(v) ? NULL : "a wrong UDP checksum";
}

static const char *icmp_fault(const struct view *v) {
  if (v->l4_len < 8)
    return "a short ICMP message";
  return sums_up(v) ? NULL : "a wrong ICMP checksum";
}

static const char *upper_fault(const struct view *v) {
  switch (v->proto) {
  case TCP:
    return tcp_fault(v);
  case UDP:
    return udp_fault(v);
  case ICMP4:
    return v->v6 ? "ICMP for IPv4 in IPv6" : icmp_fault(v);
  case ICMP6:
    return v->v6 ? icmp_fault(v) : "ICMPv6 in IPv4";
  default:
    return "an unknown protocol";
  }
}

static const char *v4_fault(const uint8_t *p, uint32_t len, struct view *v) {
  if (len < 20 || p[0] != 0x45)
    return "an IPv4 header of another length than 20";
  if (get16(p + 2) != len)
    return "an IPv4 total length that is not the frame's";
  if (!is_all_ones(sum_of(p, 20)))
    return "a wrong IPv4 header checksum";
  if ((p[6] & 0x80) != 0)
    return "IPv4's reserved bit";
  if (p[8] == 0)
    return "a time to live of 0";
  v->proto = p[9];
  v->addresses = sum_of(p + 12, 8);
  if ((get16(p + 6) & 0x3fff) == 0) { /* no fragment */
    v->l4 = p + 20;
    v->l4_len = len - 20;
  }
  return NULL;
}

static const char *v6_fault(const uint8_t *p, uint32_t len, struct view *v) {
  if (len < 40 || get16(p + 4) + 40 != len)
    return "an IPv6 payload length that is not the frame's";
  if (p[7] == 0)
    return "a hop limit of 0";
  v->v6 = true;
  v->proto = p[6];
  v->addresses = sum_of(p + 8, 32);
  if (v->proto != FRAGMENT) {
    v->l4 = p + 40;
    v->l4_len = len - 40;
  }
  return NULL;
}

const char *sim_form_fault(const uint8_t *p, uint32_t len) {
  struct view v = {0};
  const char *fault;
  if (len == 0 || (p[0] >> 4 != 4 && p[0] >> 4 != 6))
    return "neither IPv4 nor IPv6";
  fault = p[0] >> 4 == 4 ? v4_fault(p, len, &v) : v6_fault(p, len, &v);
  if (fault != NULL || v.l4 == NULL)
    return fault;
  return upper_fault(&v);
}

void sim_form_sent(struct sim_check_host *h, const tct_sim_frame *f) {
  const char *fault;
  if (!sim_check_asks(h->check, TCT_SIM_I22))
    return;
  fault = sim_form_fault(f->bytes, f->len);
  if (fault == NULL && f->len > h->config.mtu)
    fault = "more than the link's MTU";
  if (fault != NULL)
    sim_check_wrong(h, TCT_SIM_I22, "frame of %u octets has %s", (unsigned)f->len, fault);
}

/* ---- As it arrives ---- */

/* True: damaged. Else v has what is above, if that can be judged. */
static bool v4_is_damaged(const uint8_t *p, uint32_t len, struct view *v) {
  uint32_t header = (uint32_t)(p[0] & 15) * 4, total;
  if (len < 20 || header < 20 || header > len)
    return true;
  total = get16(p + 2);
  if (total < header || total > len || !is_all_ones(sum_of(p, header)))
    return true;
  v->proto = p[9];
  v->addresses = sum_of(p + 12, 8);
  if ((get16(p + 6) & 0x3fff) == 0) {
    v->l4 = p + header;
    v->l4_len = total - header;
  }
  return false;
}

static bool v6_is_damaged(const uint8_t *p, uint32_t len, struct view *v) {
  if (len < 40 || get16(p + 4) + 40 > len)
    return true;
  v->v6 = true;
  v->proto = p[6];
  v->addresses = sum_of(p + 8, 32);
  v->l4 = p + 40;
  v->l4_len = get16(p + 4);
  return false;
}

bool sim_form_is_damaged(const uint8_t *p, uint32_t len) {
  struct view v = {0};
  if (len == 0 || (p[0] >> 4 != 4 && p[0] >> 4 != 6))
    return true;
  if (p[0] >> 4 == 4 ? v4_is_damaged(p, len, &v) : v6_is_damaged(p, len, &v))
    return true;
  if (v.l4 == NULL)
    return false;
  if (v.proto == TCP)
    return v.l4_len < 20 || !sums_up(&v);
  if (v.proto == UDP)
    return v.l4_len < 8 || (get16(v.l4 + 6) != 0 && !sums_up(&v));
  if (v.proto == (v.v6 ? ICMP6 : ICMP4))
    return v.l4_len < 8 || !sums_up(&v);
  return false; /* what it was cannot be told any more */
}
