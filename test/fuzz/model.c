/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the stack against the model of RFC 9293 (model/). The input is a sequence of events,
 * each given to both; what they do may differ only where the table of test/model/judge.c says so.
 * Events have the values that test/model/events.c draws, chosen here by coverage and not by chance.
 */
#include "test/model/events.h"

#include <stdio.h>

#include "test/fuzz/fuzz.h"

/* So few that the limit on challenge ACKs, which the model has not, is not met. */
enum { EVENTS_MAX = 11 };

#define PICK(in, a) ((a)[fuzz_below((in), sizeof(a) / sizeof(a)[0])])

static const int32_t steps[] = {0,    1,     -1,    2,      -2,         10,          -10,       100,
                                1000, -1000, 70000, -70000, 0x40000000, -0x40000000, 0x7fffffff};
static const uint8_t mixes[] = {TCT_ACK,           TCT_ACK | TCT_FIN, TCT_SYN,
                                TCT_SYN | TCT_ACK, TCT_RST,           TCT_RST | TCT_ACK,
                                TCT_ACK | TCT_URG, TCT_FIN,           0,
                                TCT_URG,           TCT_SYN | TCT_FIN, TCT_SYN | TCT_RST,
                                TCT_ACK | TCT_PSH};
static const uint16_t windows[] = {65535, 10000, 1460, 500, 1, 0};
static const uint32_t lengths[] = {0, 1, 10, 100, 1000, 1460};
static const uint16_t sizes[] = {1460, 536, 0};
static const uint8_t calls[] = {EVENT_CONNECT, EVENT_LISTEN, EVENT_SHUT, EVENT_CLOSE,
                                EVENT_ABORT,   EVENT_READ,   EVENT_PASS, EVENT_READ_NOT};

/* As the peer would say it next, unless the byte says otherwise. */
static void take_segment(struct fuzz_in *in, const struct sequence *s, struct event *e) {
  uint8_t odd = fuzz_u8(in);
  e->kind = EVENT_SEGMENT;
  e->flags = PICK(in, mixes);
  e->seq_from = (e->flags & TCT_SYN) != 0 ? FROM_PEER_ISN : FROM_RCV_NXT;
  e->ack_from = FROM_SND_NXT;
  e->window = 65535;
  e->mss = 1460;
  if ((odd & 1) != 0)
    e->len = PICK(in, lengths);
  if ((odd & 2) != 0) {
    e->seq_from = (uint8_t)((odd & 64) != 0 ? FROM_PEER_ISN : fuzz_below(in, 3));
    e->seq = PICK(in, steps);
  }
  if ((odd & 4) != 0) {
    e->ack_from = (uint8_t)(FROM_SND_UNA + fuzz_below(in, 3));
    e->ack = PICK(in, steps);
  }
  if ((odd & 8) != 0)
    e->window = PICK(in, windows);
  if ((odd & 16) != 0)
    e->mss = PICK(in, sizes);
  if ((odd & 32) != 0 && s->timestamps)
    e->stamp = (uint8_t)fuzz_below(in, 3);
  e->urgent = (e->flags & TCT_URG) != 0 ? (uint16_t)fuzz_below(in, 20) : 0;
}

static void take_event(struct fuzz_in *in, struct sequence *s) {
  struct event *e = &s->at[s->n++];
  uint8_t op = fuzz_u8(in);
  *e = (struct event){0};
  if (op < 170) {
    take_segment(in, s, e);
  } else if (op < 210) {
    e->kind = EVENT_WRITE;
    e->len = 1 + fuzz_below(in, op < 200 ? 300 : 3000);
  } else {
    e->kind = PICK(in, calls);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint32_t isns[] = {1000,       0,          0xffffffff, 0xfffffffe,
                                  0x7fffffff, 0x80000000, 0xffffff00};
  static struct tally tally;
  struct fuzz_in in = {data, size};
  struct sequence s = {0};
  struct difference d = {0};
  uint8_t how = fuzz_u8(&in);
  s.ipv6 = (how & 1) != 0;
  s.timestamps = (how & 2) != 0;
  s.peer_isn = PICK(&in, isns);
  s.rcv_buffer = 65535;
  while (in.left > 0 && s.n < EVENTS_MAX)
    take_event(&in, &s);
  bool is_same = pair_run(&s, &tally, &d);
  if (!is_same) {
    events_shrink(&s, &d);
    events_print(stderr, &s, &d);
  }
  FUZZ_CHECK(is_same);
  return 0;
}
