/* SPDX-License-Identifier: MIT */
/*
 * build_encap.c - the headers around a packet that is injected, innermost first. Called by build.c.
 * Neither subject sends any, so there is nothing that takes them off.
 */
#include "drill/run.h"

#include <string.h>

enum { PROTO_IPV4 = 4, PROTO_IPV6 = 41, PROTO_GRE = 47, PROTO_MPLS = 137 };

static size_t put_ipv4(uint8_t *p, const struct drill_layer *l, uint8_t proto, size_t payload) {
  memset(p, 0, 20);
  p[0] = 0x45;
  p[1] = drill_build_tos(l->ecn, l->tos);
  drill_build_put16(p + 2, (uint32_t)(20 + payload));
  p[8] = l->ttl >= 0 ? (uint8_t)l->ttl : 255;
  p[9] = proto;
  memcpy(p + 12, l->src.b + 12, 4);
  memcpy(p + 16, l->dst.b + 12, 4);
  drill_build_put16(p + 10, drill_frame_fold(drill_frame_sum(p, 20, 0)));
  return 20;
}

static size_t put_ipv6(uint8_t *p, const struct drill_layer *l, uint8_t proto, size_t payload) {
  drill_build_put32(p, 6u << 28 | (uint32_t)drill_build_tos(l->ecn, l->tos) << 20);
  drill_build_put16(p + 4, (uint32_t)payload);
  p[6] = proto;
  p[7] = l->ttl >= 0 ? (uint8_t)l->ttl : 255;
  memcpy(p + 8, l->src.b, 16);
  memcpy(p + 24, l->dst.b, 16);
  return 40;
}

static size_t put_gre(uint8_t *p, const struct drill_layer *l, uint8_t inner) {
  size_t n = 4;
  drill_build_put16(p, l->gre_flags);
  drill_build_put16(p + 2, inner == PROTO_IPV6 ? 0x86dd : inner == PROTO_MPLS ? 0x8847 : 0x0800);
  if (l->gre_flags & 0x8000)
    drill_build_put32(p + n, 0), n += 4;
  if (l->gre_flags & 0x2000)
    drill_build_put32(p + n, l->key), n += 4;
  if (l->gre_flags & 0x1000)
    drill_build_put32(p + n, l->seq), n += 4;
  return n;
}

static size_t put_mpls(uint8_t *p, const struct drill_layer *l) {
  for (unsigned i = 0; i < l->n_labels; i++)
    drill_build_put32(p + 4 * i, l->labels[i]);
  return 4 * (size_t)l->n_labels;
}

size_t drill_build_encap(struct drill_run *r, const struct drill_packet *k, uint8_t **bytes,
                         size_t len) {
  static const uint8_t protos[] = {[DRILL_LAYER_IPV4] = PROTO_IPV4,
                                   [DRILL_LAYER_IPV6] = PROTO_IPV6,
                                   [DRILL_LAYER_GRE] = PROTO_GRE,
                                   [DRILL_LAYER_MPLS] = PROTO_MPLS};
  uint8_t inner = r->set->ip == DRILL_IP6 ? PROTO_IPV6 : PROTO_IPV4;
  for (unsigned i = k->n_layers; i-- > 0;) {
    const struct drill_layer *l = &k->layers[i];
    uint8_t header[64];
    size_t n = l->kind == DRILL_LAYER_IPV4   ? put_ipv4(header, l, inner, len)
               : l->kind == DRILL_LAYER_IPV6 ? put_ipv6(header, l, inner, len)
               : l->kind == DRILL_LAYER_GRE  ? put_gre(header, l, inner)
                                             : put_mpls(header, l);
    uint8_t *whole = drill_arena_get(r->arena, len + n);
    memcpy(whole, header, n);
    memcpy(whole + n, *bytes, len);
    *bytes = whole;
    len += n;
    inner = protos[l->kind];
  }
  return len;
}
