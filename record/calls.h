/* SPDX-License-Identifier: MIT */
/*
 * calls.h - the one list of what a recording holds: each call with its arguments and results.
 *
 * Tap (tap*.c), reader (read.c), player (play*.c) and words (calls.c) all go by it. Arguments are
 * unsigned, results signed numbers; `now` is kept as a difference. A new row goes to the end of its
 * group of numbers in docs/record.md; a changed one needs a new RECORD_VERSION.
 */
#ifndef RECORD_CALLS_H
#define RECORD_CALLS_H

#include <stdio.h>

#define TCT_RECORD_NO_TAP
#include "tercet/record.h"

#define RECORD_MAGIC "tercet record 1\n" /* the first 16 bytes of a file; 1 is the version */

enum {
  RECORD_MAGIC_LEN = 16,
  RECORD_HEADER_LEN = 16,       /* of a block: mark, length, check sum, number */
  RECORD_BLOCK_LEN = 64 * 1024, /* bytes of a block, unless one call needs more */
  RECORD_BLOB_MAX = 64 << 20,   /* of one call: beyond that nothing is recorded */
  RECORD_BLOCK_MAX = RECORD_BLOB_MAX + (1 << 20),
  RECORD_ARGS_MAX = 12,
  RECORD_OUTS_MAX = 6,
  RECORD_FRAMES_MAX = 4096 /* of one call */
};
#define RECORD_MARK 0x31425254u /* "TRB1" */

enum { RECORD_IF_LINK_BYTES = 8 }; /* of Ethernet interfaces: MAC, no_dad, autoconf */

/* X(NAME, function, arguments, bytes before, results, bytes after). "" stands for none. */
/* clang-format off */
#define RECORD_CALLS(X)                                                                            \
  X(ABOUT, "about", "", "text", "", "")                                                            \
  X(NEW, "tct_new", "", "config", "err", "")                                                       \
  X(NO_MEMORY, "allocation refused", "number", "", "", "")                                         \
  X(RESULT, "result", "", "", "", "")                                                              \
  X(END, "end", "digest frames calls", "", "", "")                                                 \
  X(FREE, "tct_free", "", "", "", "")                                                              \
  X(INPUT, "tct_input", "now if.index if.gen n", "frames", "n", "verdicts")                        \
  X(OUTPUT, "tct_output", "now if.index if.gen n", "", "n", "frames")                              \
  X(OUTPUT_COPY, "tct_output_copy", "now if.index if.gen cap", "", "len", "frames")                \
  X(ADVANCE, "tct_advance", "now", "", "", "")                                                     \
  X(RETURNED_NEXT, "tct_returned_next", "", "", "found token", "")                                 \
  X(EVENT_NEXT, "tct_event_next", "", "", "found sock.index sock.gen flags err why", "")           \
  X(CONFIG_SET, "tct_config_set", "like", "config", "err", "")                                     \
  X(KEYS_SET, "tct_keys_set", "", "keys", "err", "")                                               \
  X(IF_ADD, "tct_if_add", "link mtu gso_bytes gso_segs offload any_dst loopback", "mac+flags",     \
    "err if.index if.gen", "")                                                                     \
  X(IF_SET, "tct_if_set", "if.index if.gen what value", "", "err", "")                             \
  X(IF_ADDR_ADD, "tct_if_addr_add", "if.index if.gen prefix", "addr", "err", "")                   \
  X(IF_ADDR_DEL, "tct_if_addr_del", "if.index if.gen", "addr", "err", "")                          \
  X(ROUTE_ADD, "tct_route_add", "prefix if.index if.gen", "addr+gateway", "err", "")               \
  X(ROUTE_DEL, "tct_route_del", "prefix", "addr", "err", "")                                       \
  X(FASTOPEN_FORGET, "tct_fastopen_forget", "", "", "", "")                                        \
  X(DRAIN, "tct_drain", "deadline", "", "", "")                                                    \
  X(SOCK_OPEN, "tct_sock_open", "proto", "", "err sock.index sock.gen", "")                        \
  X(SOCK_BIND, "tct_sock_bind", "sock.index sock.gen port if.index if.gen", "addr", "err", "")     \
  X(SOCK_CONNECT, "tct_sock_connect", "sock.index sock.gen port if.index if.gen", "addr", "err",   \
    "")                                                                                            \
  X(SOCK_CONNECT_SEND, "tct_sock_connect_send",                                                    \
    "sock.index sock.gen len flags has_remote port if.index if.gen", "addr", "result", "bytes")    \
  X(SOCK_FASTOPEN_KEY_SET, "tct_sock_fastopen_key_set", "sock.index sock.gen n", "keys", "err",    \
    "")                                                                                            \
  X(SOCK_LISTEN, "tct_sock_listen", "sock.index sock.gen backlog", "", "err", "")                  \
  X(SOCK_ACCEPT, "tct_sock_accept", "sock.index sock.gen", "", "err child.index child.gen", "")    \
  X(SOCK_SHUTDOWN, "tct_sock_shutdown", "sock.index sock.gen how", "", "err", "")                  \
  X(SOCK_CLOSE, "tct_sock_close", "sock.index sock.gen", "", "err", "")                            \
  X(SOCK_ABORT, "tct_sock_abort", "sock.index sock.gen", "", "err", "")                            \
  X(SOCK_SEND, "tct_sock_send", "sock.index sock.gen len flags", "", "result", "bytes")            \
  X(SOCK_RECV, "tct_sock_recv", "sock.index sock.gen len flags", "", "result", "")                 \
  X(SOCK_TX_SPACE, "tct_sock_tx_space", "sock.index sock.gen n", "", "err n room", "")             \
  X(SOCK_TX_COMMIT, "tct_sock_tx_commit", "sock.index sock.gen len flags pieces", "", "err",       \
    "bytes")                                                                                       \
  X(SOCK_RX_CONSUME, "tct_sock_rx_consume", "sock.index sock.gen len", "", "err", "")              \
  X(SOCK_TX_LEND, "tct_sock_tx_lend", "sock.index sock.gen token", "bytes", "err", "")             \
  X(SOCK_MARK, "tct_sock_mark", "sock.index sock.gen offset what token", "", "err", "")            \
  X(SOCK_MARK_NEXT, "tct_sock_mark_next", "sock.index sock.gen", "", "found token", "")            \
  X(SOCK_SET, "tct_sock_set", "sock.index sock.gen option value", "", "err", "")                   \
  X(SOCK_GET, "tct_sock_get", "sock.index sock.gen option", "", "err value", "")                   \
  X(SYN_NEXT, "tct_syn_next", "sock.index sock.gen", "", "found syn.index syn.gen", "")            \
  X(SYN_ANSWER, "tct_syn_answer", "syn.index syn.gen word icmp_code", "", "err", "")               \
  X(DGRAM_SEND, "tct_dgram_send",                                                                  \
    "sock.index sock.gen local.port local.if.index local.if.gen remote.port remote.if.index "      \
    "remote.if.gen hop_limit tclass seg_size",                                                     \
    "local+remote+bytes", "result", "")                                                            \
  X(DGRAM_RECV, "tct_dgram_recv", "sock.index sock.gen len flags", "", "result", "")
/* clang-format on */

enum record_op {
  RECORD_NOTHING, /* 0: the file ends here */
#define X(name, function, args, before, outs, after) RECORD_##name,
  RECORD_CALLS(X)
#undef X
      RECORD_OPS
};

struct record_shape {
  const char *function, *args, *before, *outs, *after;
};

/* One call, as read; what it points to is the reader's until the next call is read. */
struct record_call {
  uint64_t number; /* from 1; what is no call (ABOUT, END) has that of the call before */
  uint64_t offset; /* in the file, of its block */
  tct_time now;    /* of the stack, after the call was made */
  enum record_op op;
  uint64_t arg[RECORD_ARGS_MAX]; /* a time (`now`) is absolute here */
  const uint8_t *before, *after;
  size_t before_len, after_len;
  bool has_result; /* false: the recording program ended inside this call */
  int64_t out[RECORD_OUTS_MAX];
  const uint64_t *refused; /* which allocations failed during the call, by number */
  size_t n_refused;
};

/* ---- calls.c --------------------------------------------------------------------------------- */
const struct record_shape *record_calls_shape(unsigned op); /* NULL: there is no such call */
bool record_calls_has_result(const struct record_shape *h);
unsigned record_calls_count(const char *list); /* of words */
/* "tct_sock_send(sock 3.17, len 100, flags 0) = 100", cut at cap. */
void record_calls_text(const struct record_call *c, char *text, size_t cap);
/* The i-th word of a list such as shape->args, copied; "" beyond the end. */
void record_calls_word(const char *list, unsigned i, char word[24]);

/* ---- Numbers ----------------------------------------------------------------------------------
 */
enum { RECORD_VARINT_MAX = 10 };

static inline uint64_t record_zigzag(int64_t v) {
  return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}
static inline int64_t record_unzigzag(uint64_t v) {
  return (int64_t)(v >> 1 ^ ((v & 1) != 0 ? UINT64_MAX : 0));
}
static inline uint8_t *record_put(uint8_t *p, uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    *p++ = (uint8_t)(v | 0x80);
  *p++ = (uint8_t)v;
  return p;
}

struct record_cursor {
  const uint8_t *p, *end;
  bool bad; /* something was read that is not there */
};
static inline struct record_cursor record_cursor_at(const uint8_t *p, size_t len) {
  return (struct record_cursor){p, len > 0 ? p + len : p, false};
}
static inline uint64_t record_get(struct record_cursor *c) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70 && c->p < c->end; shift += 7) {
    uint8_t b = *c->p++;
    v |= shift < 63 ? (uint64_t)(b & 0x7f) << shift : (uint64_t)(b & 1) << 63;
    if (b < 0x80)
      return v;
  }
  c->bad = true;
  return 0;
}

/* ---- check.c --------------------------------------------------------------------------------- */
uint32_t record_check_crc(const void *bytes, size_t len); /* CRC-32 (IEEE 802.3) */
/* A digest of bytes in pieces; the same however they are cut. */
uint64_t record_check_hash(const tct_iov *v, uint32_t n);

/* Over everything that left a stack: what recording and replay must agree on. */
struct record_digest {
  uint64_t sum, frames, calls;
};
/* What is kept of a frame that went out. */
struct record_frame {
  uint32_t len, hash; /* hash: the low half of record_check_hash */
  uint16_t why, seg_size;
  uint8_t csum;
};
void record_check_frame(struct record_digest *d, const tct_frame *f, tct_time now,
                        struct record_frame *out);
enum { RECORD_FRAME_MAX = 5 + 4 + 3 + 3 + 2 };
uint8_t *record_check_put(uint8_t *p, const struct record_frame *f);
void record_check_get(struct record_cursor *c, struct record_frame *f);

/* ---- config.c -------------------------------------------------------------------------------- */
enum { RECORD_CONFIG_MAX = 8192 };
/* All of a configuration but allocator and trace, as lines NAME=VALUE. Returns the length. */
size_t record_config_text(const tct_config *c, char text[RECORD_CONFIG_MAX]);
/* False: one sentence is in error. Names that are not in the text keep what *c has. */
bool record_config_parse(const char *text, size_t len, tct_config *c, char *error, size_t cap);
void record_config_put_keys(const tct_keys *k, uint8_t to[sizeof(tct_keys)]);
bool record_config_get_keys(const uint8_t *from, size_t len, tct_keys *k);

#endif
