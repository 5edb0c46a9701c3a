/* SPDX-License-Identifier: MIT */
/*
 * leaf.h - a connection with nothing around it, for tests of the files that own one sub-struct: a
 * stack that is only configuration and memory, and a conn with its active block, both by value.
 * Tests of leaves may write into them; tests of behaviour use at.h.
 */
#ifndef TEST_LIB_LEAF_H
#define TEST_LIB_LEAF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/calls.h"
#include "test/lib/clock.h"
#include "test/lib/failing_alloc.h"

#define LEAF_ISS 1000u
#define LEAF_IRS 500000u

struct leaf {
  struct failing_alloc mem;
  tct_stack s;
  struct tct_iface ifc;
  struct tct_tcp_state tcp;
  struct tct_tcp c;
  struct tct_tcp_active a;
  struct tct_extra x;
};

static inline void leaf_config(struct leaf *f, bool strict) {
  const struct tct_tcp_profile *p =
      tct_tcp_profile(strict ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX);
  f->s.cfg.profile = strict ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX;
  f->s.cfg.rto_min_ms = p->rto_min_ms;
  f->s.cfg.rto_max_ms = p->rto_max_ms;
  f->s.cfg.rto_initial_ms = p->rto_initial_ms;
  f->s.cfg.initial_window_segs = 10;
  f->s.cfg.delack_ms = p->delack_ms;
  f->s.cfg.sndbuf_bytes = p->sndbuf_bytes;
  f->s.cfg.rcvbuf_bytes = p->rcvbuf_bytes;
  f->s.cfg.sndbuf_max_bytes = p->sndbuf_max_bytes;
  f->s.cfg.rcvbuf_max_bytes = p->rcvbuf_max_bytes;
  f->s.cfg.notsent_lowat_bytes = UINT32_MAX;
  f->s.cfg.mss_min = 48;
  f->s.cfg.min_tso_segs = p->min_tso_segs;
  f->s.cfg.data_retries = p->data_retries;
  f->s.cfg.syn_retries = p->syn_retries;
  f->s.cfg.congestion = TCT_CC_NEWRENO;
  f->s.cfg.slow_start_after_idle = TCT_ON;
  f->s.cfg.rack = f->s.cfg.tlp = f->s.cfg.frto = TCT_ON;
  f->s.cfg.reordering = 3;
  f->s.cfg.max_reordering = 300;
  f->tcp.profile = p;
}

/* ESTABLISHED, nothing in flight, MSS 1000, window 65535 both ways, cwnd 10 segments. */
static inline void leaf_init(struct leaf *f, bool strict) {
  memset(f, 0, sizeof *f);
  failing_alloc_init(&f->mem);
  leaf_config(f, strict);
  f->s.alloc = f->mem.vtable;
  clock_set(&f->s, TCT_S(100));
  f->s.tcp = &f->tcp;
  f->s.ifs = &f->ifc;
  f->s.n_ifs = 1;
  f->ifc.cfg.mtu = 1500;
  f->ifc.up = true;
  tct_list_init(&f->ifc.tcp_ready);
  tct_list_init(&f->s.events);
  tct_list_init(&f->tcp.quiet);
  tct_wheel_init(&f->s.wheel, f->s.now);
  tct_chunk_pool_init(&f->s.chunks, &f->s.alloc, 1u << 24, 1u << 20);
  struct tct_tcp *c = &f->c;
  c->state = TCT_ESTABLISHED;
  f->s.n.CurrEstab = 1;
  c->key.laddr = tct_addr_ipv4(10, 0, 0, 1);
  c->key.raddr = tct_addr_ipv4(10, 0, 0, 2);
  c->key.lport = 80;
  c->key.rport = 4000;
  c->open = TCT_OPEN_SYN_ACKED;
  c->iss = LEAF_ISS;
  c->irs = LEAF_IRS;
  c->snd.una = LEAF_ISS + 1;
  c->snd.nxt = LEAF_ISS + 1;
  c->snd.mss = 1000;
  c->peer_mss = 1000;
  c->snd.wnd = 65535;
  c->snd.wnd_max = 65535;
  c->rcv.nxt = LEAF_IRS + 1;
  c->rcv.edge = LEAF_IRS + 1 + 65535;
  c->rcv.ack_sent = c->rcv.nxt;
  c->rcv.buf_max = 65535;
  c->rcv.mss = 1000;
  c->cc.cwnd = 10000;
  c->cc.ssthresh = 0x7fffffff;
  c->extra = &f->x;
  tct_list_init(&c->ready);
  tct_list_init(&c->event);
  tct_tcp_timer_init(c);
  tct_tcp_rtt_init(c);
  tct_list_init(&f->a.quiet);
  f->a.conn = c;
  f->a.delack_at = TCT_NEVER;
  f->a.cork_at = TCT_NEVER;
  f->a.pace.wake_at = TCT_NEVER;
  tct_tcp_tune_init(&f->a.tune);
  f->a.rec.recover = LEAF_ISS;
  f->a.cc.used_end = c->snd.una;
  tct_queue_init(&f->a.tx, c->snd.una);
  tct_queue_init(&f->a.rx, c->rcv.nxt);
  tct_tcp_sack_init(&f->a.runs);
  tct_tcp_reasm_init(&f->a.ooo);
  c->active = &f->a;
}

static inline void leaf_end(struct leaf *f) {
  tct_queue_deinit(&f->a.tx, &f->s.chunks);
  tct_queue_deinit(&f->a.rx, &f->s.chunks);
  tct_tcp_sack_deinit(&f->s, &f->a.runs);
  tct_tcp_reasm_deinit(&f->s, &f->a.ooo);
  tct_chunk_pool_deinit(&f->s.chunks);
  failing_alloc_finish(&f->mem);
}

/* Queues len octets to send. */
static inline void leaf_queue(struct leaf *f, uint32_t len) {
  static const uint8_t zero[1000];
  while (len > 0) {
    uint32_t part = len < sizeof zero ? len : (uint32_t)sizeof zero;
    assert_int_equal(tct_queue_append(&f->a.tx, &f->s.chunks, zero, part), part);
    len -= part;
  }
}

/* One more new segment is out, as tcp_output tells the owners. */
static inline void leaf_sent(struct leaf *f, uint32_t len) {
  tct_seq begin = f->c.snd.nxt;
  if (tct_seq_ahead(begin, f->a.tx.end) < len)
    leaf_queue(f, len - tct_seq_ahead(begin, f->a.tx.end));
  tct_tcp_send_on_sent(&f->s, &f->c, begin, begin + len, false);
  tct_tcp_sack_on_sent(&f->s, &f->c, begin, begin + len, (uint16_t)len);
}

/* A pure ACK up to `ack` with the window field `window`; says what it meant. */
static inline struct tct_tcp_ack leaf_ack(struct leaf *f, tct_seq ack, uint16_t window) {
  struct tct_tcp_hdr h;
  struct tct_pkt p;
  struct tct_tcp_ack a;
  memset(&h, 0, sizeof h);
  memset(&p, 0, sizeof p);
  h.seq = f->c.rcv.nxt;
  h.ack = ack;
  h.flags = TCT_ACK;
  h.window = window;
  h.header_len = 20;
  p.l4_len = 20;
  p.at = f->s.now;
  tct_tcp_send_on_ack(&f->s, &f->c, &p, &h, &a);
  return a;
}

#endif
