/* SPDX-License-Identifier: MIT */
/* P5: what the receiver takes of a segment. tct_tcp_recv_is_acceptable, tct_tcp_recv_trim and the
 * place of FIN, for every segment (any SEG.SEQ, up to 2^30 long) and every window up to 2^30, which
 * is more than 65535 << 14. Numbers are given by their distance from rcv.nxt, which is any: so the
 * solver sees at once that it cancels. Quantified over a number x: "x is in the segment" is by the
 * book. RFC 9293 section 3.10.7.4; [RFC9293 EP-13] [RFC9293 EP-16]. */
#include "tcp/tcp_recv.c"

#define MOST 0x40000000u

static uint32_t ahead(tct_seq a, tct_seq b) {
  return tct_seq_sub(b, a);
}

/* That this is the definition by remainders is prove/lemmas/seq.c's. */
static bool is_in(tct_seq x, tct_seq begin, uint32_t len) {
  return ahead(begin, x) < len;
}

static void fill(struct tct_tcp *c, tct_seq nxt, uint32_t window) {
  c->rcv.nxt = nxt;
  c->rcv.edge = tct_seq_add(nxt, window);
}

/* The four cases of the standard. */
static bool has_edge_inside(tct_seq nxt, uint32_t window, tct_seq seq, uint32_t len) {
  if (len == 0)
    return window == 0 ? seq == nxt : is_in(seq, nxt, window);
  return window != 0 && (is_in(seq, nxt, window) || is_in(tct_seq_add(seq, len - 1), nxt, window));
}

bool lemma_acceptable_is_the_rfcs_or_spans(tct_seq nxt, uint32_t window, uint32_t ahead_seq,
                                           uint32_t len) {
  struct tct_tcp c;
  tct_seq seq = tct_seq_add(nxt, ahead_seq);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST)
    return true;
  bool spans = window != 0 && len != 0 && is_in(nxt, seq, len) &&
               is_in(tct_seq_add(nxt, window - 1), seq, len);
  return tct_tcp_recv_is_acceptable(&c, seq, len) ==
         (has_edge_inside(nxt, window, seq, len) || spans);
}

/* Nothing that holds a wanted number is turned away ... */
bool lemma_acceptable_if_any_number_is_wanted(tct_seq nxt, uint32_t window, uint32_t ahead_seq,
                                              uint32_t len, uint32_t ahead_x) {
  struct tct_tcp c;
  tct_seq seq = tct_seq_add(nxt, ahead_seq), x = tct_seq_add(nxt, ahead_x);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST || !is_in(x, seq, len) || !is_in(x, nxt, window))
    return true;
  return tct_tcp_recv_is_acceptable(&c, seq, len);
}

/* ... which the standard's own four cases do. */
bool refuted_four_cases_are_enough(tct_seq nxt, uint32_t window, tct_seq seq, uint32_t len,
                                   tct_seq x) {
  if (window > MOST || len > MOST || !is_in(x, seq, len) || !is_in(x, nxt, window))
    return true;
  return has_edge_inside(nxt, window, seq, len);
}

bool lemma_zero_window_takes_no_number(tct_seq nxt, tct_seq seq, uint32_t len) {
  struct tct_tcp c;
  fill(&c, nxt, 0);
  return tct_tcp_recv_is_acceptable(&c, seq, len) == (len == 0 && seq == nxt);
}

/* Exactly the numbers that are in the segment and in the window: nothing wanted is cut ... */
bool lemma_trim_cuts_nothing_wanted(tct_seq nxt, uint32_t window, uint32_t ahead_begin,
                                    uint32_t len, uint32_t ahead_x) {
  struct tct_tcp c;
  struct tct_range part;
  tct_seq begin = tct_seq_add(nxt, ahead_begin), x = tct_seq_add(nxt, ahead_x);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST || !is_in(x, begin, len) || !is_in(x, nxt, window))
    return true;
  return tct_tcp_recv_trim(&c, begin, len, &part) &&
         is_in(x, part.begin, tct_seq_sub(part.end, part.begin));
}

/* ... and nothing else is taken. */
bool lemma_trimmed_lies_in_window_and_segment(tct_seq nxt, uint32_t window, uint32_t ahead_begin,
                                              uint32_t len) {
  struct tct_tcp c;
  struct tct_range part;
  tct_seq begin = tct_seq_add(nxt, ahead_begin);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST || !tct_tcp_recv_is_acceptable(&c, begin, len) ||
      !tct_tcp_recv_trim(&c, begin, len, &part))
    return true;
  uint32_t n = tct_seq_len(part.begin, part.end), skip = tct_seq_len(begin, part.begin);
  return n > 0 && (uint64_t)ahead(nxt, part.begin) + n <= window && (uint64_t)skip + n <= len;
}

/* In order exactly when the segment reaches back to rcv.nxt. */
bool lemma_trimmed_is_in_order_when_it_can_be(tct_seq nxt, uint32_t window, uint32_t ahead_begin,
                                              uint32_t len) {
  struct tct_tcp c;
  struct tct_range part;
  tct_seq begin = tct_seq_add(nxt, ahead_begin);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST || !tct_tcp_recv_is_acceptable(&c, begin, len) ||
      !tct_tcp_recv_trim(&c, begin, len, &part))
    return true;
  return (part.begin == nxt) == is_in(nxt, begin, len);
}

/* FIN's number is that behind the last byte of text; step 8 takes it if that is rcv.nxt once the
 * text is in. Then it lies in the window or just behind it: never was text cut before it ... */
bool lemma_fin_is_taken_only_behind_all_text(tct_seq nxt, uint32_t window, uint32_t ahead_seq,
                                             uint32_t len) {
  struct tct_tcp c;
  struct tct_range part;
  tct_seq seq = tct_seq_add(nxt, ahead_seq);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST - 1 || !tct_tcp_recv_is_acceptable(&c, seq, len + 1))
    return true;
  tct_seq fin_seq = tct_seq_sub(tct_seq_add(seq, len + 1), 1);
  bool any = tct_tcp_recv_trim(&c, seq, len, &part);
  tct_seq after = any && part.begin == nxt ? part.end : nxt;
  return fin_seq != after || ahead(nxt, fin_seq) <= window;
}

/* ... and it is taken if the segment reaches back to rcv.nxt and ends in the window. */
bool lemma_fin_is_taken_when_all_text_is_in(tct_seq nxt, uint32_t window, uint32_t ahead_seq,
                                            uint32_t len) {
  struct tct_tcp c;
  struct tct_range part;
  tct_seq seq = tct_seq_add(nxt, ahead_seq);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST - 1 || ahead(seq, nxt) > len ||
      ahead(nxt, tct_seq_add(seq, len)) > window)
    return true;
  tct_seq fin_seq = tct_seq_sub(tct_seq_add(seq, len + 1), 1);
  bool any = tct_tcp_recv_trim(&c, seq, len, &part);
  tct_seq after = any && part.begin == nxt ? part.end : nxt;
  return fin_seq == after;
}

bool refuted_trim_needs_no_acceptance(tct_seq nxt, uint32_t window, uint32_t ahead_begin,
                                      uint32_t len) {
  struct tct_tcp c;
  struct tct_range part;
  tct_seq begin = tct_seq_add(nxt, ahead_begin);
  fill(&c, nxt, window);
  if (window > MOST || len > MOST || !tct_tcp_recv_trim(&c, begin, len, &part))
    return true;
  return (uint64_t)tct_seq_sub(part.begin, begin) + tct_seq_sub(part.end, part.begin) <= len;
}

bool lemma_window_field_never_tells_more(tct_seq nxt, uint32_t window, uint8_t wscale, bool syn) {
  struct tct_tcp c;
  fill(&c, nxt, window);
  c.wscale = wscale;
  if (window > MOST)
    return true;
  uint32_t told = tct_tcp_recv_window_field(&c, c.rcv.edge, syn);
  return ((uint64_t)told << (syn ? 0 : tct_tcp_rcv_shift(&c))) <= window;
}
