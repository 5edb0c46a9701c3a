/* SPDX-License-Identifier: MIT */
/* peer.c - see peer.h. Called by driver.c. */
#define _GNU_SOURCE
#include "test/packetdrill/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t add_up(const uint8_t *b, size_t len, uint32_t sum) {
  for (size_t i = 0; i < len; i++)
    sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
  return sum;
}

static uint16_t fold(uint32_t sum) {
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static void put16(uint8_t *to, uint32_t v) {
  to[0] = (uint8_t)(v >> 8);
  to[1] = (uint8_t)v;
}

static void put32(uint8_t *to, uint32_t v) {
  put16(to, v >> 16);
  put16(to + 2, v);
}

static uint32_t get16(const uint8_t *b) {
  return (uint32_t)b[0] << 8 | b[1];
}

static uint32_t get32(const uint8_t *b) {
  return get16(b) << 16 | get16(b + 2);
}

/* Source and destination; returns the header's length. */
static size_t put_ip(const struct peer *p, uint8_t *b, size_t payload) {
  if (p->is_v6) {
    b[0] = 0x60;
    put16(b + 4, (uint32_t)payload);
    b[6] = 6;
    b[7] = 64;
    inet_pton(AF_INET6, "fd3d:fa7b:d17d::1", b + 8);
    inet_pton(AF_INET6, "fd3d:0a0b:17d6::1", b + 24);
    return 40;
  }
  b[0] = 0x45;
  put16(b + 2, (uint32_t)payload + 20);
  b[8] = 64;
  b[9] = 6;
  inet_pton(AF_INET, "192.0.2.1", b + 12);
  inet_pton(AF_INET, "192.168.0.1", b + 16);
  put16(b + 10, fold(add_up(b, 20, 0)));
  return 20;
}

void peer_send(struct peer *p, uint8_t flags, size_t len) {
  static const uint8_t mss[] = {2, 4, 0x05, 0xb4};
  uint8_t packet[2048] = {0};
  size_t options = flags & SYN ? sizeof mss + p->n_more : 0, tcp_len = 20 + options + len;
  size_t at = put_ip(p, packet, tcp_len);
  uint8_t *t = packet + at;
  put16(t, p->port);
  put16(t + 2, p->local_port);
  put32(t + 4, p->snd_nxt);
  put32(t + 8, flags & ACK ? p->rcv_nxt : 0);
  t[12] = (uint8_t)((20 + options) / 4 << 4);
  t[13] = flags;
  put16(t + 14, 60000);
  memcpy(t + 20, mss, options ? sizeof mss : 0);
  if (options && p->n_more)
    memcpy(t + 20 + sizeof mss, p->more, p->n_more);
  uint32_t sum = add_up(packet + (p->is_v6 ? 8 : 12), p->is_v6 ? 32 : 8, 6 + (uint32_t)tcp_len);
  put16(t + 16, fold(add_up(t, tcp_len, sum)));
  if (p->i->netdev_send(p->i->userdata, packet, at + tcp_len) != 0)
    abort();
  p->snd_nxt += (uint32_t)len + (flags & (SYN | FIN) ? 1 : 0);
}

bool peer_receive(struct peer *p, struct segment *out) {
  uint8_t packet[65536];
  size_t n = sizeof packet;
  memset(out, 0, sizeof *out);
  if (p->i->netdev_receive(p->i->userdata, packet, &n, &out->at_us) != 0)
    abort();
  if (n == 0)
    return false;
  const uint8_t *t = packet + (packet[0] >> 4 == 6 ? 40 : 20);
  size_t header = (size_t)(t[12] >> 4) * 4;
  out->sport = (uint16_t)get16(t);
  out->dport = (uint16_t)get16(t + 2);
  out->seq = get32(t + 4);
  out->ack = get32(t + 8);
  out->flags = t[13];
  out->window = (uint16_t)get16(t + 14);
  out->n_options = header - 20;
  memcpy(out->options, t + 20, out->n_options);
  out->len = n - (size_t)(t - packet) - header;
  p->rcv_nxt = out->seq + (uint32_t)out->len + (out->flags & (SYN | FIN) ? 1 : 0);
  return true;
}

long long peer_now(const struct peer *p) {
  struct timeval tv;
  p->i->gettimeofday(p->i->userdata, &tv, NULL);
  return tv.tv_sec * 1000000LL + tv.tv_usec;
}

void peer_connect(struct peer *p) {
  struct segment s;
  p->snd_nxt = PEER_ISN;
  peer_send(p, SYN, 0);
  if (!peer_receive(p, &s) || s.flags != (SYN | ACK))
    abort();
  peer_send(p, ACK, 0);
}
