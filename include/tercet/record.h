/* SPDX-License-Identifier: MIT */
/*
 * record.h - every call into a stack, written to one file, from which `tercet replay` runs the
 * core again to the same frames. The file is described in docs/record.md; it holds keys and
 * payload.
 *
 *   tct_record *r = tct_record_open("bug.rec", "program=mine\n", error, sizeof error);
 *   config.record = r;             (tct_host_config; or tct_record_new instead of tct_new)
 *   …
 *   tct_host_free(h);
 *   if (tct_record_close(r) < 0) …the disk was full…
 *
 * How it sees the calls: host.h and sim.h include this header, which gives the core's functions
 * that change something other names, those of thin wrappers. A wrapper of a stack that is not
 * recorded costs a load and a branch. Files that include tercet.h alone are not seen: include this
 * header there, too. A recorder belongs to the thread of its stack.
 */
#ifndef TERCET_RECORD_H
#define TERCET_RECORD_H

#include "tercet/tercet.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tct_record tct_record;

/* A new file, readable by its owner alone; about: lines KEY=VALUE for whoever reads it. NULL: one
 * sentence is in error. */
TCT_API tct_record *tct_record_open(const char *path, const char *about, char *error,
                                    size_t cap) TCT_MUST_CHECK;
/* After its stack was freed. 0, or the first failure of the file (a negated errno): what came after
 * that is missing. NULL is allowed. */
TCT_API int tct_record_close(tct_record *r);
/* tct_new, recorded from birth; r NULL: not recorded. One stack at a time. */
TCT_API tct_stack *tct_record_new(tct_record *r, const tct_config *c, int *err) TCT_MUST_CHECK;
TCT_API uint64_t tct_record_bytes(const tct_record *r); /* written so far */

/* ---- The wrappers: as the functions of tercet.h that they are named after ---------------------
 */

TCT_API void tct_tap_free(tct_stack *s);
TCT_API size_t tct_tap_input(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now);
TCT_API size_t tct_tap_output(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now);
TCT_API size_t tct_tap_output_copy(tct_stack *s, tct_if i, void *buf, size_t cap, tct_time now);
TCT_API void tct_tap_advance(tct_stack *s, tct_time now);
TCT_API bool tct_tap_returned_next(tct_stack *s, uint64_t *token);
TCT_API bool tct_tap_event_next(tct_stack *s, tct_event *ev);
TCT_API int tct_tap_config_set(tct_stack *s, const tct_config *c) TCT_MUST_CHECK;
TCT_API int tct_tap_keys_set(tct_stack *s, const tct_keys *k);
TCT_API int tct_tap_if_add(tct_stack *s, const tct_if_config *c, tct_if *out) TCT_MUST_CHECK;
TCT_API int tct_tap_if_set(tct_stack *s, tct_if i, tct_if_what what, uint32_t value);
TCT_API int tct_tap_if_addr_add(tct_stack *s, tct_if i, tct_addr a, unsigned prefix_len);
TCT_API int tct_tap_if_addr_del(tct_stack *s, tct_if i, tct_addr a);
TCT_API int tct_tap_route_add(tct_stack *s, tct_addr dst, unsigned prefix_len, tct_addr gateway,
                              tct_if i);
TCT_API int tct_tap_route_del(tct_stack *s, tct_addr dst, unsigned prefix_len);
TCT_API void tct_tap_fastopen_forget(tct_stack *s);
TCT_API void tct_tap_drain(tct_stack *s, tct_time deadline);

TCT_API int tct_tap_sock_open(tct_stack *s, tct_proto p, void *user, tct_sock *out) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_bind(tct_stack *s, tct_sock k, const tct_endpoint *local) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_connect(tct_stack *s, tct_sock k,
                                 const tct_endpoint *remote) TCT_MUST_CHECK;
TCT_API long tct_tap_sock_connect_send(tct_stack *s, tct_sock k, const tct_endpoint *remote,
                                       const void *buf, size_t len, unsigned flags) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_fastopen_key_set(tct_stack *s, tct_sock k, const uint64_t keys[][2],
                                          unsigned n) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_listen(tct_stack *s, tct_sock k, unsigned backlog) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_accept(tct_stack *s, tct_sock k, void *user,
                                tct_sock *child) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_shutdown(tct_stack *s, tct_sock k, tct_how how);
TCT_API int tct_tap_sock_close(tct_stack *s, tct_sock k);
TCT_API int tct_tap_sock_abort(tct_stack *s, tct_sock k);
TCT_API long tct_tap_sock_send(tct_stack *s, tct_sock k, const void *buf, size_t len,
                               unsigned flags) TCT_MUST_CHECK;
TCT_API long tct_tap_sock_recv(tct_stack *s, tct_sock k, void *buf, size_t len,
                               unsigned flags) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_tx_space(tct_stack *s, tct_sock k, tct_iov *v, unsigned *n) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_tx_commit(tct_stack *s, tct_sock k, size_t len,
                                   unsigned flags) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_rx_consume(tct_stack *s, tct_sock k, size_t len) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_tx_lend(tct_stack *s, tct_sock k, const void *base, size_t len,
                                 uint64_t token) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_mark(tct_stack *s, tct_sock k, uint64_t offset, tct_mark what,
                              uint64_t token) TCT_MUST_CHECK;
TCT_API bool tct_tap_sock_mark_next(tct_stack *s, tct_sock k, uint64_t *token);
TCT_API int tct_tap_sock_set(tct_stack *s, tct_sock k, tct_opt o, int64_t value) TCT_MUST_CHECK;
TCT_API int tct_tap_sock_get(tct_stack *s, tct_sock k, tct_opt o, int64_t *value) TCT_MUST_CHECK;
TCT_API bool tct_tap_syn_next(tct_stack *s, tct_sock listener, tct_syn_info *info);
TCT_API int tct_tap_syn_answer(tct_stack *s, tct_syn y, tct_syn_word word,
                               unsigned icmp_code) TCT_MUST_CHECK;
TCT_API long tct_tap_dgram_send(tct_stack *s, tct_sock k, const tct_dgram *d, const void *buf,
                                size_t len) TCT_MUST_CHECK;
TCT_API long tct_tap_dgram_recv(tct_stack *s, tct_sock k, tct_dgram *d, void *buf, size_t len,
                                unsigned flags) TCT_MUST_CHECK;

#ifdef __cplusplus
}
#endif

/* The functions that only look (tct_deadline, tct_sock_ready, _info, _name, _user, _next, _rx_peek,
 * counters, words) keep their names: they change no frame. */
#ifndef TCT_RECORD_NO_TAP
#define tct_free tct_tap_free
#define tct_input tct_tap_input
#define tct_output tct_tap_output
#define tct_output_copy tct_tap_output_copy
#define tct_advance tct_tap_advance
#define tct_returned_next tct_tap_returned_next
#define tct_event_next tct_tap_event_next
#define tct_config_set tct_tap_config_set
#define tct_keys_set tct_tap_keys_set
#define tct_if_add tct_tap_if_add
#define tct_if_set tct_tap_if_set
#define tct_if_addr_add tct_tap_if_addr_add
#define tct_if_addr_del tct_tap_if_addr_del
#define tct_route_add tct_tap_route_add
#define tct_route_del tct_tap_route_del
#define tct_fastopen_forget tct_tap_fastopen_forget
#define tct_drain tct_tap_drain
#define tct_sock_open tct_tap_sock_open
#define tct_sock_bind tct_tap_sock_bind
#define tct_sock_connect tct_tap_sock_connect
#define tct_sock_connect_send tct_tap_sock_connect_send
#define tct_sock_fastopen_key_set tct_tap_sock_fastopen_key_set
#define tct_sock_listen tct_tap_sock_listen
#define tct_sock_accept tct_tap_sock_accept
#define tct_sock_shutdown tct_tap_sock_shutdown
#define tct_sock_close tct_tap_sock_close
#define tct_sock_abort tct_tap_sock_abort
#define tct_sock_send tct_tap_sock_send
#define tct_sock_recv tct_tap_sock_recv
#define tct_sock_tx_space tct_tap_sock_tx_space
#define tct_sock_tx_commit tct_tap_sock_tx_commit
#define tct_sock_rx_consume tct_tap_sock_rx_consume
#define tct_sock_tx_lend tct_tap_sock_tx_lend
#define tct_sock_mark tct_tap_sock_mark
#define tct_sock_mark_next tct_tap_sock_mark_next
#define tct_sock_set tct_tap_sock_set
#define tct_sock_get tct_tap_sock_get
#define tct_syn_next tct_tap_syn_next
#define tct_syn_answer tct_tap_syn_answer
#define tct_dgram_send tct_tap_dgram_send
#define tct_dgram_recv tct_tap_dgram_recv
#endif

#endif
