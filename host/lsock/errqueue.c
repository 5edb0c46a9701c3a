/* SPDX-License-Identifier: MIT */
/*
 * errqueue.c - a socket's error queue (MSG_ERRQUEUE): time stamps of what was sent and acknowledged
 * (SO_TIMESTAMPING), notices that zero-copy memory is free again (MSG_ZEROCOPY), and ICMP errors
 * (IP_RECVERR). A send call leaves a note about the last of its bytes; when the core has sent or
 * had acknowledged that byte, the note becomes an entry. Called by transfer.c, message.c and
 * lsock.c.
 *
 * Bytes are copied into the core's queue, so a zero-copy notice always says COPIED, as Linux says
 * over loopback and TUN; it comes when Linux gives it, with the last byte's acknowledgement.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TX_FLAGS = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE };

enum note_kind { NOTE_SCHED, NOTE_SENT, NOTE_ACKED, NOTE_ZEROCOPY };

struct note {
  struct note *next;
  enum note_kind kind;
  uint64_t offset; /* one past the byte that it waits for */
  uint32_t id;
};

struct entry {
  struct entry *next;
  struct sock_extended_err ee;
  uint64_t at; /* stack time, of stamps */
};

struct lsock_queue {
  struct note *notes;
  struct entry *entries;
  uint32_t zerocopy_next; /* number of the next zero-copy send */
  uint64_t stamp_base;    /* stream offset that OPT_ID counts from */
};

static struct lsock_queue *queue_of(struct lsock_file *f) {
  if (!f->errors)
    f->errors = calloc(1, sizeof *f->errors);
  return f->errors;
}

void lsock_errqueue_free(struct lsock_file *f) {
  struct lsock_queue *q = f->errors;
  f->errors = NULL;
  if (!q)
    return;
  for (struct note *n = q->notes, *next; n; n = next) {
    next = n->next;
    free(n);
  }
  for (struct entry *e = q->entries, *next; e; e = next) {
    next = e->next;
    free(e);
  }
  free(q);
}

bool lsock_errqueue_is_empty(const struct lsock_file *f) {
  return !f->errors || !f->errors->entries;
}

/* ---- Notes ----------------------------------------------------------------------------------- */

/* Without memory there is no notice: the bytes go all the same. */
static void add_note(struct lsock_file *f, enum note_kind kind, uint32_t id) {
  struct note *n = calloc(1, sizeof *n), **end = &f->errors->notes;
  if (!n)
    return;
  *n = (struct note){.kind = kind, .offset = f->tx_bytes, .id = id};
  while (*end)
    end = &(*end)->next;
  *end = n;
}

void lsock_errqueue_on_sent(struct lsock *l, struct lsock_file *f, int flags, size_t n) {
  int stamps = f->own[LSOCK_OWN_TSFLAGS];
  bool is_zerocopy = (flags & MSG_ZEROCOPY) && f->own[LSOCK_OWN_ZEROCOPY];
  bool is_stamped = stamps & (TX_FLAGS | SOF_TIMESTAMPING_TX_ACK);
  (void)l;
  if (n == 0 || (!is_zerocopy && !is_stamped) || !queue_of(f))
    return;
  uint32_t key = (uint32_t)(f->tx_bytes - 1 - f->errors->stamp_base);
  if (stamps & SOF_TIMESTAMPING_TX_SCHED)
    add_note(f, NOTE_SCHED, key);
  if (stamps & SOF_TIMESTAMPING_TX_SOFTWARE)
    add_note(f, NOTE_SENT, key);
  if (stamps & SOF_TIMESTAMPING_TX_ACK)
    add_note(f, NOTE_ACKED, key);
  if (is_zerocopy)
    add_note(f, NOTE_ZEROCOPY, f->errors->zerocopy_next++);
}

/* OPT_ID counts from what is unacknowledged now, or with OPT_ID_TCP from what is written next. */
static uint64_t base_of(struct lsock *l, const struct lsock_file *f, int flags) {
  tct_info i = {.size = sizeof i};
  int from_next = 1 << 16; /* SOF_TIMESTAMPING_OPT_ID_TCP */
  if ((flags & from_next) || tct_sock_info(l->stack, f->handle, &i) < 0)
    return f->tx_bytes;
  uint32_t pending = (uint32_t)(i.iss + 1 + (uint32_t)f->tx_bytes - i.snd_una);
  return f->tx_bytes - (pending <= f->tx_bytes ? pending : 0);
}

long lsock_errqueue_set_flags(struct lsock *l, struct lsock_file *f, int flags) {
  int before = f->own[LSOCK_OWN_TSFLAGS];
  if (flags < 0 || flags >= 1 << 19)
    return -EINVAL;
  if ((flags & SOF_TIMESTAMPING_OPT_ID) && !(before & SOF_TIMESTAMPING_OPT_ID) &&
      f->kind == LSOCK_TCP) {
    if (f->phase != LSOCK_CONNECTED && f->phase != LSOCK_CONNECTING)
      return -EINVAL;
    if (!queue_of(f))
      return -ENOMEM;
    f->errors->stamp_base = f->has_handle ? base_of(l, f, flags) : f->tx_bytes;
  }
  f->own[LSOCK_OWN_TSFLAGS] = flags;
  return 0;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static void push_entry(struct lsock_queue *q, const struct entry *from) {
  struct entry **end = &q->entries, *e = malloc(sizeof *e);
  if (!e)
    return;
  *e = *from;
  e->next = NULL;
  while (*end)
    end = &(*end)->next;
  *end = e;
}

/* Notices that follow one another become one, as long as nobody has read the first. */
static bool extend_last(struct lsock_queue *q, uint32_t id) {
  struct entry *last = q->entries;
  while (last && last->next)
    last = last->next;
  if (!last || last->ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY || last->ee.ee_data + 1 != id)
    return false;
  last->ee.ee_data = id;
  return true;
}

static void become_entry(struct lsock *l, const struct lsock_file *f, const struct note *n) {
  static const uint32_t infos[] = {
      [NOTE_SCHED] = SCM_TSTAMP_SCHED, [NOTE_SENT] = SCM_TSTAMP_SND, [NOTE_ACKED] = SCM_TSTAMP_ACK};
  struct entry e = {.at = tct_now(l->stack)};
  if (n->kind == NOTE_ZEROCOPY) {
    if (extend_last(f->errors, n->id))
      return;
    e.ee.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
    e.ee.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
    e.ee.ee_info = e.ee.ee_data = n->id;
  } else {
    e.ee.ee_errno = ENOMSG;
    e.ee.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
    e.ee.ee_info = infos[n->kind];
    e.ee.ee_data = f->own[LSOCK_OWN_TSFLAGS] & SOF_TIMESTAMPING_OPT_ID ? n->id : 0;
  }
  push_entry(f->errors, &e);
}

/* All notes of these kinds that wait for no byte beyond `upto`. */
static bool take_notes(struct lsock *l, struct lsock_file *f, bool is_ack, uint64_t upto) {
  bool any = false;
  for (struct note **at = &f->errors->notes; *at;) {
    struct note *n = *at;
    bool of_ack = n->kind == NOTE_ACKED || n->kind == NOTE_ZEROCOPY;
    if (of_ack != is_ack || n->offset > upto) {
      at = &n->next;
      continue;
    }
    become_entry(l, f, n);
    any = true;
    *at = n->next;
    free(n);
  }
  return any;
}

/* The stream offset that a sequence number stands for; the SYN before and the FIN behind it count
 * for nothing. */
static uint64_t offset_of(const struct lsock_file *f, const tct_info *i, uint32_t seq) {
  int32_t left = (int32_t)(i->iss + 1 + (uint32_t)f->tx_bytes - seq);
  if (left <= 0)
    return f->tx_bytes;
  return (uint64_t)left > f->tx_bytes ? 0 : f->tx_bytes - (uint64_t)left;
}

bool lsock_errqueue_on_news(struct lsock *l, struct lsock_file *f) {
  tct_info i = {.size = sizeof i};
  if (!f->errors || !f->errors->notes || !f->has_handle ||
      tct_sock_info(l->stack, f->handle, &i) < 0)
    return false;
  bool any = take_notes(l, f, false, offset_of(f, &i, i.snd_nxt));
  return take_notes(l, f, true, offset_of(f, &i, i.snd_una)) || any;
}

/* What was never acknowledged gives no stamp, but its memory is free. */
void lsock_errqueue_on_closed(struct lsock *l, struct lsock_file *f) {
  if (!f->errors)
    return;
  for (struct note **at = &f->errors->notes; *at;) {
    struct note *n = *at;
    *at = n->next;
    if (n->kind == NOTE_ZEROCOPY)
      become_entry(l, f, n);
    free(n);
  }
}

/* The core tells the error that Linux would make of it; type and code follow from that. */
bool lsock_errqueue_on_icmp(struct lsock *l, struct lsock_file *f, int err) {
  bool is_v6 = f->is_v6;
  (void)l;
  if (!f->own[is_v6 ? LSOCK_OWN_RECVERR6 : LSOCK_OWN_RECVERR] || !queue_of(f))
    return false;
  struct entry e = {.ee.ee_errno = (uint32_t)err};
  e.ee.ee_origin = is_v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
  e.ee.ee_type = is_v6 ? 1 : 3;
  e.ee.ee_code = (uint8_t)(err == ECONNREFUSED ? (is_v6 ? 4 : 3) : err == EHOSTUNREACH ? 1 : 0);
  push_entry(f->errors, &e);
  return true;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void put_error(const struct lsock_file *f, struct msghdr *m, size_t *used,
                      const struct sock_extended_err *ee) {
  struct {
    struct sock_extended_err ee;
    struct sockaddr_in offender;
  } v4 = {.ee = *ee};
  struct {
    struct sock_extended_err ee;
    struct sockaddr_in6 offender;
  } v6 = {.ee = *ee};
  struct lsock_cmsg c = {SOL_IP, IP_RECVERR, &v4, sizeof v4};
  if (f->is_v6)
    c = (struct lsock_cmsg){SOL_IPV6, IPV6_RECVERR, &v6, sizeof v6};
  lsock_cmsg_put(m, used, &c);
}

/* A stamp's entry holds the bytes that it is about unless OPT_TSONLY was set: they do not fit. */
long lsock_errqueue_recv(struct lsock *l, struct lsock_file *f, struct msghdr *m) {
  struct entry *e = f->errors ? f->errors->entries : NULL;
  size_t used = 0;
  int flags = f->own[LSOCK_OWN_TSFLAGS];
  if (!e)
    return -EAGAIN;
  f->errors->entries = e->next;
  m->msg_flags = MSG_ERRQUEUE;
  m->msg_namelen = 0;
  bool is_stamp = e->ee.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
  if (is_stamp && (flags & SOF_TIMESTAMPING_SOFTWARE))
    lsock_cmsg_put_stamp(l, m, &used, e->at);
  if (is_stamp && !(flags & SOF_TIMESTAMPING_OPT_TSONLY))
    m->msg_flags |= MSG_TRUNC;
  put_error(f, m, &used, &e->ee);
  m->msg_controllen = used;
  free(e);
  return 0;
}
