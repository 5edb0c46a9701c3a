/* SPDX-License-Identifier: MIT */
/*
 * machine.c - a stack in virtual time, and the threads that sleep in its calls. Called by calls.c
 * (sockets) and wire.c (packets and the clock).
 *
 * One thread drives: it hands packets in, takes them out and lets time pass. Another may sleep in a
 * blocking call, on a condition and never spinning, since packetdrill looks into /proc for its
 * state. The driver tries sleeping calls again whenever something happened. A call that ends so
 * freezes time until its thread has read the clock: that reading is the end of the call.
 */
#define _GNU_SOURCE
#include "packetdrill/machine.h"
#include "tercet/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
  STEPS_AT_ONE_TIME_MAX = 100000,
  READER_PATIENCE_S = 1, /* real time */
  WALL_BASE_S = 1600000000
};

struct pd_machine *pd_machine_current;

long long pd_machine_wall_us(uint64_t at_ns) {
  return WALL_BASE_S * 1000000LL + (long long)((at_ns - PD_BASE_NS) / 1000);
}

/* ---- Birth ----------------------------------------------------------------------------------- */

/* Descriptors are real: packetdrill closes with libc what a script leaves open. */
static int make_fd(void *ctx) {
  (void)ctx;
  int fd = eventfd(0, EFD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static void drop_fd(void *ctx, int fd) {
  (void)ctx;
  (void)close(fd);
}

/* Nobody tells us our addresses: the interface takes every packet. Two, since the MTU that gives
 * the same MSS differs between the families. */
static bool add_interfaces(struct pd_machine *m) {
  tct_addr any = {{0}};
  tct_if_config c = {.size = sizeof c, .link = TCT_LINK_IP, .mtu = m->set.mtu4, .any_dst = true};
  bool good = tct_if_add(m->stack, &c, &m->if4) == TCT_OK;
  c.mtu = m->set.mtu6;
  good = good && tct_if_add(m->stack, &c, &m->if6) == TCT_OK;
  good = good && tct_if_addr_add(m->stack, m->if4, m->set.local4, 16) == TCT_OK;
  good = good && tct_if_addr_add(m->stack, m->if6, m->set.local6, 48) == TCT_OK;
  good = good && tct_route_add(m->stack, tct_addr_ipv4(0, 0, 0, 0), 0, any, m->if4) == TCT_OK;
  return good && tct_route_add(m->stack, any, 0, any, m->if6) == TCT_OK;
}

static bool make_stack(struct pd_machine *m) {
  int err;
  tct_config c;
  tct_config_init(&c, sizeof c);
  c.alloc = tct_host_alloc();
  memcpy(c.seed, "packetdrill wants one history...", sizeof c.seed);
  c.deterministic = true;
  c.profile = m->set.profile;
  m->stack = tct_new(&c, &err);
  if (!m->stack)
    return false;
  tct_advance(m->stack, m->now_ns);
  pd_sysctl_open(m);
  pd_sysctl_read(m);
  m->lsock = lsock_new(m->stack);
  return m->lsock && add_interfaces(m);
}

static void open_pcap(struct pd_machine *m) {
  if (!m->set.pcap[0] || tct_pcapng_create(&m->pcap, m->set.pcap) != 0)
    return;
  m->has_pcap = true;
  m->pcap.epoch_ns = (uint64_t)WALL_BASE_S * 1000000000u - PD_BASE_NS;
  m->pcap_if = tct_pcapng_add_if(&m->pcap, "packetdrill", TCT_PCAPNG_RAW_IP);
}

struct pd_machine *pd_machine_new(const struct pd_settings *s) {
  struct pd_machine *m = calloc(1, sizeof *m);
  if (!m)
    return NULL;
  m->set = *s;
  m->now_ns = PD_BASE_NS;
  m->out_end = &m->out;
  m->driver = pthread_self();
  pthread_mutex_init(&m->lock, NULL);
  pthread_cond_init(&m->thawed, NULL);
  if (!make_stack(m)) {
    pd_machine_free(m);
    return NULL;
  }
  lsock_set_fds(m->lsock, &(struct lsock_fds){make_fd, drop_fd, NULL});
  lsock_set_epoch(m->lsock, (int64_t)WALL_BASE_S * 1000000000 - PD_BASE_NS);
  open_pcap(m);
  pd_machine_current = m;
  return m;
}

void pd_machine_free(struct pd_machine *m) {
  if (pd_machine_current == m)
    pd_machine_current = NULL;
  if (m->has_pcap)
    (void)tct_pcapng_close(&m->pcap);
  for (struct pd_packet *p = m->out, *next; p; p = next) {
    next = p->next;
    free(p);
  }
  lsock_free(m->lsock);
  if (m->stack)
    tct_free(m->stack);
  pd_sysctl_close(m);
  pthread_cond_destroy(&m->thawed);
  pthread_mutex_destroy(&m->lock);
  free(m);
}

static bool is_zero(tct_addr a) {
  static const tct_addr zero = {{0}};
  return memcmp(a.b, zero.b, sizeof a.b) == 0 ||
         (tct_addr_is_ipv4(a) && !memcmp(a.b + 12, zero.b, 4));
}

void pd_machine_learn(struct pd_machine *m, tct_addr local) {
  bool is_v4 = tct_addr_is_ipv4(local);
  tct_addr *ours = is_v4 ? &m->set.local4 : &m->set.local6;
  bool *is_given = is_v4 ? &m->set.is_local4_given : &m->set.is_local6_given;
  tct_if i = is_v4 ? m->if4 : m->if6;
  if (*is_given || is_zero(local))
    return;
  *is_given = true;
  if (memcmp(ours->b, local.b, sizeof local.b) == 0)
    return;
  (void)tct_if_addr_del(m->stack, i, *ours);
  (void)tct_if_addr_add(m->stack, i, local, is_v4 ? 16 : 48);
  *ours = local;
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void note(struct pd_machine *m, const struct tct_pcapng_packet *p) {
  if (m->has_pcap)
    tct_pcapng_put(&m->pcap, p);
}

static void keep(struct pd_machine *m, const tct_frame *f) {
  struct pd_packet *p = malloc(sizeof *p + f->len);
  size_t at = 0;
  if (!p)
    return; /* lost on the way, as packets may be */
  for (uint32_t i = 0; i < f->n_iov; at += f->iov[i++].len)
    memcpy(p->bytes + at, f->iov[i].base, f->iov[i].len);
  p->next = NULL;
  p->len = at;
  p->at_ns = m->now_ns;
  *m->out_end = p;
  m->out_end = &p->next;
  note(m, &(struct tct_pcapng_packet){.ifc = (uint32_t)m->pcap_if,
                                      .at = m->now_ns,
                                      .iov = f->iov,
                                      .n_iov = f->n_iov,
                                      .len = f->len,
                                      .dir = TCT_PCAPNG_OUTBOUND,
                                      .comment = tct_why_text((tct_why)f->why)});
}

static size_t pull(struct pd_machine *m, tct_if i) {
  tct_frame frames[TCT_BURST_MAX];
  memset(frames, 0, sizeof frames);
  size_t n = tct_output(m->stack, i, frames, TCT_BURST_MAX, m->now_ns);
  for (size_t k = 0; k < n; k++)
    keep(m, &frames[k]);
  return n;
}

void pd_machine_input(struct pd_machine *m, const void *packet, size_t len) {
  bool is_v4 = len > 0 && (*(const uint8_t *)packet >> 4) == 4;
  tct_iov piece = {packet, len};
  tct_frame f = {.iov = &piece, .n_iov = 1, .len = (uint32_t)len, .at = m->now_ns};
  note(m, &(struct tct_pcapng_packet){.ifc = (uint32_t)m->pcap_if,
                                      .at = m->now_ns,
                                      .iov = &piece,
                                      .n_iov = 1,
                                      .len = (uint32_t)len,
                                      .dir = TCT_PCAPNG_INBOUND});
  (void)tct_input(m->stack, is_v4 ? m->if4 : m->if6, &f, 1, m->now_ns);
  pd_machine_settle(m);
}

/* ---- Sleeping and waking --------------------------------------------------------------------- */

static void wake(struct pd_machine *m, struct pd_sleeper *s, long result) {
  struct pd_sleeper **at = &m->sleepers;
  while (*at != s)
    at = &(*at)->next;
  *at = s->next;
  s->result = result;
  s->is_done = true;
  m->is_frozen = true;
  m->frozen_for = s->thread;
  pthread_cond_signal(&s->woken);
}

/* One call more that could end; the others wait until its thread has read the clock. */
static bool retry(struct pd_machine *m) {
  for (struct pd_sleeper *s = m->sleepers; s && !m->is_frozen; s = s->next) {
    long r = s->call->attempt(m->lsock, s->call->arg);
    if (r == LSOCK_SLEEP && s->call->deadline_ns <= m->now_ns)
      r = s->call->at_end(m->lsock, s->call->arg);
    if (r == LSOCK_SLEEP)
      continue;
    wake(m, s, r);
    return true;
  }
  return false;
}

void pd_machine_settle(struct pd_machine *m) {
  for (int turn = 0; turn < STEPS_AT_ONE_TIME_MAX; turn++) {
    lsock_on_news(m->lsock);
    size_t n = pull(m, m->if4) + pull(m, m->if6);
    if (n == 0 && !retry(m))
      return;
  }
}

void pd_machine_await_reader(struct pd_machine *m) {
  struct timespec end;
  (void)clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += READER_PATIENCE_S;
  while (m->is_frozen && !pthread_equal(m->frozen_for, pthread_self()))
    if (pthread_cond_timedwait(&m->thawed, &m->lock, &end) == ETIMEDOUT)
      m->is_frozen = false; /* it will not ask */
  pd_machine_settle(m);
}

/* The thread that drives the world must not wait for the world: it lets time pass itself. */
static long drive(struct pd_machine *m, const struct pd_call *c) {
  uint64_t limit = m->now_ns + m->set.give_up_ns;
  if (limit > c->deadline_ns)
    limit = c->deadline_ns;
  for (;;) {
    long r = c->attempt(m->lsock, c->arg);
    if (r != LSOCK_SLEEP)
      return r;
    pd_machine_settle(m);
    pd_machine_await_reader(m);
    if (pd_machine_step_time(m, limit))
      continue;
    if (c->deadline_ns != TCT_NEVER)
      pd_machine_to_time(m, c->deadline_ns);
    return c->at_end(m->lsock, c->arg);
  }
}

static long sleep_in(struct pd_machine *m, const struct pd_call *c) {
  struct pd_sleeper s = {.call = c, .thread = pthread_self()}, **end = &m->sleepers;
  pthread_cond_init(&s.woken, NULL);
  while (*end)
    end = &(*end)->next;
  *end = &s;
  while (!s.is_done)
    pthread_cond_wait(&s.woken, &m->lock);
  pthread_cond_destroy(&s.woken);
  return s.result;
}

long pd_machine_call(struct pd_machine *m, const struct pd_call *c) {
  pthread_mutex_lock(&m->lock);
  pd_sysctl_read(m);
  long r = c->attempt(m->lsock, c->arg);
  pd_machine_settle(m);
  if (r == LSOCK_SLEEP && c->deadline_ns <= m->now_ns)
    r = c->at_end(m->lsock, c->arg);
  if (r == LSOCK_SLEEP)
    r = pthread_equal(m->driver, pthread_self()) ? drive(m, c) : sleep_in(m, c);
  pthread_mutex_unlock(&m->lock);
  return r;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static uint64_t next_due(const struct pd_machine *m) {
  uint64_t due = tct_deadline(m->stack);
  for (const struct pd_sleeper *s = m->sleepers; s; s = s->next)
    if (s->call->deadline_ns < due)
      due = s->call->deadline_ns;
  return due;
}

bool pd_machine_step_time(struct pd_machine *m, uint64_t limit_ns) {
  uint64_t due = next_due(m);
  if (due == TCT_NEVER || due > limit_ns)
    return false;
  if (due > m->now_ns)
    m->now_ns = due;
  tct_advance(m->stack, m->now_ns);
  pd_machine_settle(m);
  pd_machine_await_reader(m);
  return true;
}

void pd_machine_to_time(struct pd_machine *m, uint64_t to_ns) {
  uint64_t before = 0;
  for (int same = 0; same < STEPS_AT_ONE_TIME_MAX; same = m->now_ns == before ? same + 1 : 0) {
    before = m->now_ns;
    if (!pd_machine_step_time(m, to_ns))
      break;
  }
  if (to_ns <= m->now_ns)
    return;
  m->now_ns = to_ns;
  tct_advance(m->stack, m->now_ns);
  pd_machine_settle(m);
}

/* Looking at the clock takes a microsecond; but who was woken sees the moment of its waking. */
void pd_machine_tick_time(struct pd_machine *m) {
  if (m->is_frozen && pthread_equal(m->frozen_for, pthread_self())) {
    m->is_frozen = false;
    pthread_cond_broadcast(&m->thawed);
    return;
  }
  pd_machine_await_reader(m);
  pd_machine_to_time(m, m->now_ns + 1000);
}
