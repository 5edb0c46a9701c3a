/* SPDX-License-Identifier: MIT */
/*
 * read.c - the TCP segments of a capture file, ours or tcpdump's, handed to collect.c. Link layers:
 * bare IP, Ethernet with VLAN tags, Linux "any", loopback. The comments of our own captures tell
 * reasons and losses; others' comments are left alone.
 */
#include "cli/plot/plot.h"

#include <stdlib.h>
#include <string.h>

#include "wire/ip.h"
#include "wire/tcp.h"

enum {
  LINK_NULL = 0,
  LINK_ETHERNET = 1,
  LINK_RAW_BSD = 12,
  LINK_RAW = 101,
  LINK_LOOP = 108,
  LINK_SLL = 113,
  LINK_IPV4 = 228,
  LINK_IPV6 = 229,
  LINK_SLL2 = 276,
  VLAN_MAX = 4
};

static uint16_t get16(const uint8_t *p) {
  return (uint16_t)(p[0] << 8 | p[1]);
}

/* Behind MAC addresses and tags; 0: no IP. */
static size_t skip_ethernet(const uint8_t *p, size_t len) {
  size_t at = 12;
  for (unsigned i = 0; i < VLAN_MAX && at + 2 <= len; i++, at += 4) {
    uint16_t type = get16(p + at);
    if (type == 0x0800 || type == 0x86dd)
      return at + 2;
    if (type != 0x8100 && type != 0x88a8)
      return 0;
  }
  return 0;
}

/* Where the IP packet begins; false: there is none, or the link is strange to us. */
static bool find_ip(const struct tct_pcapng_record *r, size_t *at) {
  switch (r->link_type) {
  case LINK_RAW:
  case LINK_RAW_BSD:
  case LINK_IPV4:
  case LINK_IPV6:
    *at = 0;
    return r->len > 0;
  case LINK_ETHERNET:
    *at = skip_ethernet(r->bytes, r->len);
    return *at != 0;
  case LINK_NULL:
  case LINK_LOOP:
    *at = 4;
    return r->len > 4;
  case LINK_SLL:
    *at = 16;
    return r->len > 16;
  case LINK_SLL2:
    *at = 20;
    return r->len > 20;
  default:
    return false;
  }
}

static void fill_seg(tct_seg *seg, const struct tct_ip_hdr *ip, const struct tct_tcp_hdr *h) {
  *seg = (tct_seg){.src = ip->src, .dst = ip->dst, .sport = h->sport, .dport = h->dport};
  seg->seq = h->seq;
  seg->ack = h->ack;
  seg->len = (uint32_t)(ip->payload_len - h->header_len);
  seg->flags = h->flags;
  seg->tclass = ip->tclass;
  seg->wscale = h->opt.has_wscale ? h->opt.wscale : 0xff;
  seg->window_raw = h->window;
  seg->window_bytes = h->window;
  seg->n_sack = h->opt.n_sack;
  for (unsigned i = 0; i < h->opt.n_sack; i++) {
    seg->sack[i][0] = h->opt.sack[i].begin;
    seg->sack[i][1] = h->opt.sack[i].end;
  }
}

static bool parse(const struct tct_pcapng_record *r, tct_seg *seg) {
  struct tct_ip_hdr ip;
  struct tct_tcp_hdr h;
  size_t at, wire_len = r->wire_len > r->len ? r->wire_len : r->len;
  if (!find_ip(r, &at) ||
      tct_wire_ip_parse(r->bytes + at, r->len - at, wire_len - at, &ip) != TCT_ACCEPTED)
    return false;
  if (ip.proto != TCT_IPPROTO_TCP || ip.is_frag ||
      tct_wire_tcp_parse(ip.payload, ip.payload_have, &h) != TCT_ACCEPTED ||
      h.header_len > ip.payload_len)
    return false;
  fill_seg(seg, &ip, &h);
  return true;
}

/* The reason that a capture of ours begins its comment with. */
static uint16_t why_of(const char *comment) {
  size_t len = strcspn(comment, ";\n");
  for (unsigned w = 1; w < TCT_WHY_COUNT && len != 0; w++) {
    const char *text = tct_why_text((tct_why)w);
    if (strlen(text) == len && strncmp(text, comment, len) == 0)
      return (uint16_t)w;
  }
  return TCT_WHY_NONE;
}

static bool was_lost(const char *comment) {
  return strstr(comment, "; lost on the way") != NULL ||
         strstr(comment, "; lost: queue full") != NULL;
}

void plot_note_cc(char note[PLOT_NOTE_MAX], uint32_t cwnd, uint32_t ssthresh, uint32_t srtt_us) {
  snprintf(note, PLOT_NOTE_MAX, "cwnd %u, ssthresh %u, srtt %u us", cwnd, ssthresh, srtt_us);
}

static bool parse_note(const char *comment, uint32_t cc[3]) {
  static const char *const words[] = {"; cwnd ", ", ssthresh ", ", srtt "};
  const char *at = strstr(comment, words[0]);
  for (unsigned i = 0; i < 3; i++) {
    char *end;
    size_t len = strlen(words[i]);
    if (at == NULL || strncmp(at, words[i], len) != 0)
      return false;
    cc[i] = (uint32_t)strtoul(at + len, &end, 10);
    if (end == at + len)
      return false;
    at = end;
  }
  return strncmp(at, " us", 3) == 0;
}

static void take(struct plot *p, const struct tct_pcapng_record *r) {
  tct_seg seg;
  uint32_t cc[3];
  p->packets++;
  if (!parse(r, &seg))
    return;
  plot_seen(p, r->at, &seg, (uint32_t)r->number, why_of(r->comment));
  if (parse_note(r->comment, cc))
    plot_cc(p, r->at, &seg, cc);
  if (was_lost(r->comment))
    plot_lost(p, r->at, &seg);
}

bool plot_read_from(struct plot *p, struct tct_pcapng_reader *file, const char *path, char *error,
                    size_t cap) {
  struct tct_pcapng_record r;
  int got;
  while ((got = tct_pcapng_next(file, &r)) == 1 && !p->no_memory)
    take(p, &r);
  if (got < 0)
    snprintf(error, cap, "%s", tct_pcapng_error(file));
  else if (p->no_memory)
    snprintf(error, cap, "%s: no memory for so many packets", path);
  else if (p->n_flows == 0)
    snprintf(error, cap, "%s: no TCP in it (%llu packets)", path, (unsigned long long)p->packets);
  return got == 0 && !p->no_memory && p->n_flows != 0;
}

bool plot_read(struct plot *p, const char *path, char *error, size_t cap) {
  struct tct_pcapng_reader *file = tct_pcapng_open(path, error, cap);
  bool ok = file != NULL && plot_read_from(p, file, path, error, cap);
  tct_pcapng_reader_free(file);
  return ok;
}
