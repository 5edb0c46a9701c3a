/* SPDX-License-Identifier: MIT */
/*
 * config.c - a tct_config as lines of text and back: NAME=VALUE, numbers in decimal, keys and seed
 * in hexadecimal.
 *
 * Written by name so that recordings outlive new fields and a person can read them. A field that is
 * added to tct_config is added to FIELDS here; test/unit/test_record.c finds the one that is not.
 */
#include "record/calls.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* X(field, largest value allowed): a number of 1, 2, 4 or 8 bytes. */
/* clang-format off */
#define FIELDS(X)                                                                                  \
  X(deterministic, 1) X(epoch_ns, UINT64_MAX) X(profile, TCT_PROFILE_STRICT)                       \
  X(info, TCT_INFO_BASIC) X(cookies, TCT_COOKIES_ALWAYS)                                           \
  X(limits.conns, UINT32_MAX) X(limits.half_open, UINT32_MAX) X(limits.held, UINT32_MAX)           \
  X(limits.time_wait, UINT32_MAX) X(limits.udp, UINT32_MAX) X(limits.orphans, UINT32_MAX)          \
  X(limits.buffer_bytes, UINT64_MAX) X(limits.reasm_bytes, UINT32_MAX)                             \
  X(limits.reply_bytes, UINT32_MAX) X(limits.routes, UINT32_MAX) X(limits.addrs, UINT32_MAX)       \
  X(limits.ifs, UINT32_MAX) X(limits.neighbours, UINT32_MAX)                                       \
  X(sndbuf_bytes, UINT32_MAX) X(rcvbuf_bytes, UINT32_MAX) X(sndbuf_max_bytes, UINT32_MAX)          \
  X(rcvbuf_max_bytes, UINT32_MAX) X(notsent_lowat_bytes, UINT32_MAX) X(msl_ms, UINT32_MAX)         \
  X(fin_wait_2_ms, UINT32_MAX) X(rto_min_ms, UINT32_MAX) X(rto_max_ms, UINT32_MAX)                 \
  X(rto_initial_ms, UINT32_MAX) X(r2_ms, UINT32_MAX) X(syn_retries, UINT8_MAX)                     \
  X(syn_ack_retries, UINT8_MAX) X(data_retries, UINT8_MAX) X(initial_window_segs, UINT8_MAX)       \
  X(min_tso_segs, UINT8_MAX) X(delack_ms, UINT32_MAX) X(mss_min, UINT16_MAX)                       \
  X(no_timestamps, 1) X(no_sack, 1) X(no_wscale, 1) X(no_quickack, 1)                              \
  X(rack, TCT_ON) X(tlp, TCT_ON) X(frto, TCT_ON) X(rack_static_window, 1)                          \
  X(rack_no_dupthresh, 1) X(reordering, UINT16_MAX) X(max_reordering, UINT16_MAX)                  \
  X(port_first, UINT16_MAX) X(port_last, UINT16_MAX) X(hop_limit, UINT8_MAX)                       \
  X(ecn, TCT_ECN_ACCURATE_PASSIVE) X(ecn_fallback, TCT_ON) X(congestion, UINT8_MAX)                \
  X(pacing, TCT_ON) X(slow_start_after_idle, TCT_ON) X(ecn_option, TCT_ECN_OPTION_ALWAYS)          \
  X(fastopen, UINT32_MAX) X(fastopen_blackhole_s, UINT32_MAX) X(pacing_ss_percent, UINT16_MAX)     \
  X(pacing_ca_percent, UINT16_MAX) X(mtu_probing, TCT_MTU_PROBING_ALWAYS)                          \
  X(mtu_base_mss, UINT16_MAX) X(mtu_probe_floor, UINT16_MAX) X(mtu_probe_threshold, UINT16_MAX)    \
  X(mtu_probe_interval_s, UINT32_MAX) X(cores, UINT16_MAX) X(core, UINT16_MAX)   \
  X(no_fast_path, 1)
/* X(field): bytes, or words of 8 bytes */
#define KEYS(X) X(table) X(isn) X(port) X(ts) X(cookie) X(fastopen)
/* clang-format on */

struct field {
  const char *name;
  size_t at, size;
  uint64_t max;
};
#define SIZE_OF(f) sizeof(((tct_config *)0)->f)
static const struct field fields[] = {
#define X(f, max) {#f, offsetof(tct_config, f), SIZE_OF(f), max},
    FIELDS(X)
#undef X
};
static const struct field arrays[] = {
    {"seed", offsetof(tct_config, seed), SIZE_OF(seed), 1}, /* max: bytes of a word */
#define X(f) {"keys." #f, offsetof(tct_config, keys.f), SIZE_OF(keys.f), 8},
    KEYS(X)
#undef X
};
enum { FIELDS_N = sizeof fields / sizeof fields[0], ARRAYS_N = sizeof arrays / sizeof arrays[0] };

static uint64_t load(const tct_config *c, size_t at, size_t size) {
  const uint8_t *p = (const uint8_t *)c + at;
  uint8_t n8;
  uint16_t n16;
  uint32_t n32;
  uint64_t n64;
  switch (size) {
  case 1:
    return memcpy(&n8, p, 1), n8;
  case 2:
    return memcpy(&n16, p, 2), n16;
  case 4:
    return memcpy(&n32, p, 4), n32;
  default:
    return memcpy(&n64, p, 8), n64;
  }
}

static void store(tct_config *c, size_t at, size_t size, uint64_t v) {
  uint8_t *p = (uint8_t *)c + at;
  uint8_t n8 = (uint8_t)v;
  uint16_t n16 = (uint16_t)v;
  uint32_t n32 = (uint32_t)v;
  switch (size) {
  case 1:
    memcpy(p, &n8, 1);
    break;
  case 2:
    memcpy(p, &n16, 2);
    break;
  case 4:
    memcpy(p, &n32, 4);
    break;
  default:
    memcpy(p, &v, 8);
  }
}

/* ---- To text --------------------------------------------------------------------------------- */

static size_t put_array(char *to, const struct field *f, const tct_config *c) {
  size_t n = (size_t)sprintf(to, "%s=", f->name), word = (size_t)f->max;
  for (size_t i = 0; i < f->size; i += word)
    n += (size_t)sprintf(to + n, "%0*" PRIx64, (int)word * 2, load(c, f->at + i, word));
  to[n++] = '\n';
  return n;
}

size_t record_config_text(const tct_config *c, char text[RECORD_CONFIG_MAX]) {
  size_t n = 0;
  for (size_t i = 0; i < ARRAYS_N; i++)
    n += put_array(text + n, &arrays[i], c);
  for (size_t i = 0; i < FIELDS_N; i++)
    n += (size_t)sprintf(text + n, "%s=%" PRIu64 "\n", fields[i].name,
                         load(c, fields[i].at, fields[i].size));
  return n;
}

/* ---- From text ------------------------------------------------------------------------------- */

struct line {
  const char *name, *value;
  size_t name_len, value_len;
};

static bool is_named(const struct line *l, const char *name) {
  return strlen(name) == l->name_len && memcmp(name, l->name, l->name_len) == 0;
}

static bool parse_number(const struct line *l, uint64_t max, uint64_t *out) {
  uint64_t n = 0;
  for (size_t i = 0; i < l->value_len; i++) {
    uint64_t digit = (uint8_t)(l->value[i] - '0');
    if (digit > 9 || digit > max || n > (max - digit) / 10)
      return false;
    n = n * 10 + digit;
  }
  *out = n;
  return l->value_len > 0;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_array(const struct line *l, const struct field *f, tct_config *c) {
  size_t word = (size_t)f->max;
  if (l->value_len != f->size * 2)
    return false;
  for (size_t i = 0; i < f->size; i += word) {
    uint64_t v = 0;
    for (size_t k = 0; k < word * 2; k++) {
      int digit = hex_digit(l->value[i * 2 + k]);
      if (digit < 0)
        return false;
      v = v << 4 | (uint64_t)digit;
    }
    store(c, f->at + i, word, v);
  }
  return true;
}

/* NULL, or what is wrong with the line. */
static const char *take(const struct line *l, tct_config *c) {
  uint64_t v;
  for (size_t i = 0; i < ARRAYS_N; i++)
    if (is_named(l, arrays[i].name))
      return parse_array(l, &arrays[i], c) ? NULL : "is not the hexadecimal number that it must be";
  for (size_t i = 0; i < FIELDS_N; i++) {
    const struct field *f = &fields[i];
    if (!is_named(l, f->name))
      continue;
    if (!parse_number(l, f->max, &v))
      return "has a value that it cannot have";
    store(c, f->at, f->size, v);
    return NULL;
  }
  return "is a setting that this tercet does not know; a newer one has recorded it";
}

bool record_config_parse(const char *text, size_t len, tct_config *c, char *error, size_t cap) {
  const char *end = text + len;
  while (text < end) {
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    stop = stop != NULL ? stop : end;
    const char *equals = memchr(text, '=', (size_t)(stop - text));
    if (equals == NULL) {
      snprintf(error, cap, "its configuration has a line without '='");
      return false;
    }
    struct line l = {text, equals + 1, (size_t)(equals - text), (size_t)(stop - equals - 1)};
    const char *wrong = take(&l, c);
    if (wrong != NULL) {
      snprintf(error, cap, "its configuration: %.*s %s", (int)(l.name_len < 60 ? l.name_len : 60),
               l.name, wrong);
      return false;
    }
    text = stop + (stop < end);
  }
  return true;
}

/* ---- Keys alone ------------------------------------------------------------------------------ */

void record_config_put_keys(const tct_keys *k, uint8_t to[sizeof(tct_keys)]) {
  const uint64_t *word = &k->table[0];
  for (size_t i = 0; i < sizeof *k / 8; i++)
    for (unsigned b = 0; b < 8; b++)
      to[i * 8 + b] = (uint8_t)(word[i] >> 8 * b);
}

bool record_config_get_keys(const uint8_t *from, size_t len, tct_keys *k) {
  uint64_t *word = &k->table[0];
  if (len != sizeof *k)
    return false;
  for (size_t i = 0; i < sizeof *k / 8; i++) {
    word[i] = 0;
    for (unsigned b = 0; b < 8; b++)
      word[i] |= (uint64_t)from[i * 8 + b] << 8 * b;
  }
  return true;
}
