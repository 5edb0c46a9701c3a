/* SPDX-License-Identifier: MIT */
/*
 * script.h - a parsed script: what parse*.c make and run.c plays. All of it lies in one arena.
 * docs/drill.md tells the language.
 */
#ifndef DRILL_SCRIPT_H
#define DRILL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/record.h"

/* ---- Options ------------------------------------------------------------------------------- */

enum drill_ip { DRILL_IP4, DRILL_IP4_MAPPED, DRILL_IP6 };

struct drill_settings {
  enum drill_ip ip;
  tct_profile profile;
  uint16_t bind_port, connect_port;
  uint32_t mtu; /* 0: 1500, IPv6 1520 */
  uint64_t tolerance_ns;
  double tolerance_percent;
  uint64_t ts_tick_us; /* 0: TSval is not compared */
  bool ts_ecr_scaled, strict_segments, allow_leftovers, non_fatal_packet, non_fatal_syscall;
  bool parse_only, epoch_set, profile_named, ip_named;
  bool hold_output; /* what leaves at one instant leaves after all else that happens then */
  uint64_t epoch_ns;
  const char *local_ip, *remote_ip; /* NULL: by ip */
  const char *extra_ip;             /* a second local address, or NULL */
};

/* ---- Expressions --------------------------------------------------------------------------- */

enum drill_expr_kind {
  DRILL_EXPR_ANY, /* ... */
  DRILL_EXPR_INT,
  DRILL_EXPR_STRING,
  DRILL_EXPR_WORD,
  DRILL_EXPR_OR,     /* kids joined by | */
  DRILL_EXPR_LIST,   /* [ kids ] */
  DRILL_EXPR_STRUCT, /* { kids } */
  DRILL_EXPR_FIELD,  /* text = kids[0] */
  DRILL_EXPR_CALL    /* text ( kids ): inet_addr, htons … */
};

struct drill_expr {
  enum drill_expr_kind kind;
  int line;
  int64_t number;
  const char *text; /* WORD, STRING, FIELD, CALL */
  size_t len;
  struct drill_expr **kids;
  size_t n;
};

/* ---- Packets ------------------------------------------------------------------------------- */

enum drill_ecn_word {
  DRILL_ECN_UNSAID,
  DRILL_ECN_NONE,
  DRILL_ECN_ECT0,
  DRILL_ECN_ECT1,
  DRILL_ECN_CE,
  DRILL_ECN_ECT01,
  DRILL_ECN_TOS
};
enum drill_proto { DRILL_TCP, DRILL_UDP, DRILL_ICMP, DRILL_RAW };

struct drill_option {
  uint8_t kind; /* as on the wire; DRILL_OPT_RAW: bytes only */
  bool has_ts;
  uint8_t bytes[44];
  size_t len; /* of bytes, kind and length byte included */
  uint32_t tsval, tsecr;
  uint32_t sack[8];
  unsigned n_sack;
};
enum { DRILL_OPTIONS_MAX = 40 };

/* What our { } block says: how a packet departs from what would be built, or what it must be. */
struct drill_twist {
  bool bad_sum, bad_ip_sum, is_new, is_again, is_more, absolute, has_src, has_dst;
  bool has_psh_any, no_options_check;
  int reserved, doff, trunc, urg_any, conn; /* -1: unsaid; conn: 1-based, 0 unsaid */
  int sport, dport, iplen, ttl;
  const char *src, *dst;
  const char *ip_options; /* bytes */
  size_t ip_options_len;
  const char *why, *verdict; /* names without the prefix, or NULL */
  const char *payload;       /* bytes in place of the pattern, or NULL */
  size_t payload_len;
};

enum drill_layer_kind { DRILL_LAYER_IPV4, DRILL_LAYER_IPV6, DRILL_LAYER_GRE, DRILL_LAYER_MPLS };
enum { DRILL_LAYERS_MAX = 4, DRILL_LABELS_MAX = 8 };

struct drill_layer { /* a header around a packet */
  enum drill_layer_kind kind;
  tct_addr src, dst;
  enum drill_ecn_word ecn;
  uint8_t tos;
  int ttl;
  uint16_t gre_flags;
  uint32_t key, seq;
  uint32_t labels[DRILL_LABELS_MAX];
  unsigned n_labels;
};

struct drill_packet {
  enum drill_proto proto;
  bool is_out; /* '>' */
  enum drill_ecn_word ecn;
  uint8_t tos;
  int ttl;               /* -1: unsaid */
  int64_t flowlabel;     /* -1: unsaid */
  uint16_t sport, dport; /* 0: mapped */
  /* TCP */
  uint8_t flags;
  bool ae, has_ace, has_ack, has_win, has_urg, is_absolute, any_options, md5;
  uint8_t ace;
  uint32_t seq, ack;
  uint32_t len;
  uint16_t win, urg;
  struct drill_option options[DRILL_OPTIONS_MAX];
  unsigned n_options;
  /* ICMP */
  uint8_t icmp_type, icmp_code;
  uint32_t mtu;
  bool has_mtu;
  uint16_t icmp_id;
  enum drill_proto quoted;
  uint32_t quoted_seq, quoted_len;
  struct drill_twist twist;
  struct drill_layer layers[DRILL_LAYERS_MAX]; /* outermost first */
  unsigned n_layers;
  const char *raw; /* RAW: all bytes from the IP header on */
  size_t raw_len;
};

/* ---- Events -------------------------------------------------------------------------------- */

struct drill_call {
  const char *name;
  struct drill_expr **args;
  size_t n_args;
  bool blocks; /* '...' and an end time */
  uint64_t end_ns;
  bool any_result; /* = ? */
  int64_t result;
  const char *error; /* the errno's name, or NULL */
};

enum drill_when { DRILL_AT, DRILL_AFTER, DRILL_ANYTIME, DRILL_AT_RANGE, DRILL_AFTER_RANGE };
enum drill_event_kind { DRILL_EVENT_PACKET, DRILL_EVENT_CALL, DRILL_EVENT_SHELL, DRILL_EVENT_CODE };

struct drill_event {
  struct drill_event *next;
  int line;
  enum drill_when when;
  uint64_t from_ns, to_ns;
  enum drill_event_kind kind;
  struct drill_packet *packet;
  struct drill_call *call;
  const char *text; /* SHELL, CODE */
};

struct drill_script {
  struct drill_settings set;
  const char *init, *cleanup; /* NULL: none */
  int init_line, cleanup_line;
  struct drill_event *events;
  int error_line;
  const char *error; /* NULL: parsed */
};

#endif
