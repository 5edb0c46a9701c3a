/* SPDX-License-Identifier: MIT */
/*
 * sock_syn.c - the public calls of a listener with policy ASK: which SYN waits, and our word on it.
 * Leaves the records to tcp_ask.
 */
#include "sock/sock.h"
#include "tcp/tcp_listen.h"

bool tct_syn_next(tct_stack *s, tct_sock listener, tct_syn_info *info) {
  struct tct_tcp *l = tct_sock_is_udp(listener) ? NULL : tct_tcp_block_at(s, listener);
  return l != NULL && l->state == TCT_LISTEN && tct_tcp_ask_next(s, l, info);
}

int tct_syn_answer(tct_stack *s, tct_syn y, tct_syn_word word, unsigned icmp_code) {
  return tct_tcp_ask_answer(s, y, word, icmp_code);
}
