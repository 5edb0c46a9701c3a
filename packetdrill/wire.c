/* SPDX-License-Identifier: MIT */
/*
 * wire.c - the four functions of the interface that are no system calls, and gettimeofday: packets
 * in and out, and time. Put into the table by init.c.
 */
#define _GNU_SOURCE
#include "packetdrill/wire.h"

#include <stdlib.h>
#include <string.h>

int pd_wire_send(void *u, const void *packet, size_t len) {
  struct pd_machine *m = u;
  pthread_mutex_lock(&m->lock);
  pd_machine_await_reader(m);
  pd_sysctl_read(m);
  pd_machine_input(m, packet, len);
  pthread_mutex_unlock(&m->lock);
  return 0;
}

/* Until there is a packet, or none will come any more: the caller sets no limit, so we do. */
static struct pd_packet *await_packet(struct pd_machine *m) {
  uint64_t limit = m->now_ns + m->set.give_up_ns;
  pd_machine_await_reader(m);
  while (!m->out)
    if (!pd_machine_step_time(m, limit))
      return NULL;
  struct pd_packet *p = m->out;
  m->out = p->next;
  if (!m->out)
    m->out_end = &m->out;
  return p;
}

int pd_wire_receive(void *u, void *packet, size_t *len, long long *time_us) {
  struct pd_machine *m = u;
  pthread_mutex_lock(&m->lock);
  pd_sysctl_read(m);
  struct pd_packet *p = await_packet(m);
  size_t n = !p ? 0 : p->len < *len ? p->len : *len;
  if (p)
    memcpy(packet, p->bytes, n);
  *len = n;
  *time_us = pd_machine_wall_us(p ? p->at_ns : m->now_ns);
  free(p);
  pthread_mutex_unlock(&m->lock);
  return 0;
}

int pd_wire_usleep(void *u, useconds_t us) {
  struct pd_machine *m = u;
  pthread_mutex_lock(&m->lock);
  pd_machine_await_reader(m);
  pd_sysctl_read(m);
  pd_machine_to_time(m, m->now_ns + (uint64_t)us * 1000);
  pthread_mutex_unlock(&m->lock);
  return 0;
}

int pd_wire_gettimeofday(void *u, struct timeval *tv, struct timezone *tz) {
  struct pd_machine *m = u;
  (void)tz;
  pthread_mutex_lock(&m->lock);
  pd_machine_tick_time(m);
  long long us = pd_machine_wall_us(m->now_ns);
  tv->tv_sec = (time_t)(us / 1000000);
  tv->tv_usec = (suseconds_t)(us % 1000000);
  pthread_mutex_unlock(&m->lock);
  return 0;
}
