/* SPDX-License-Identifier: MIT */
/*
 * machine.h - a stack in virtual time for callers in several threads: what the files of
 * packetdrill/ share.
 */
#ifndef PACKETDRILL_MACHINE_H
#define PACKETDRILL_MACHINE_H

#include <pthread.h>

#include "drivers/pcapng.h"
#include "host/lsock/lsock.h"

enum { PD_BASE_NS = 1000000000 }; /* the stack's clock at the beginning */

struct pd_settings {
  tct_profile profile;
  uint32_t mtu4, mtu6;
  tct_addr local4, local6;
  bool is_local4_given, is_local6_given;
  uint64_t give_up_ns; /* netdev_receive waits no longer */
  char pcap[256];      /* "": none */
};
/* settings.c: defaults, then what packetdrill's own command line and scripts say, then `flags`. */
void pd_settings_read(struct pd_settings *s, const char *flags);

struct pd_packet { /* one that has left the stack */
  struct pd_packet *next;
  uint64_t at_ns;
  size_t len;
  uint8_t bytes[];
};

struct pd_call { /* a call that may sleep */
  long (*attempt)(struct lsock *l, void *arg);
  long (*at_end)(struct lsock *l, void *arg); /* its result when the time is over */
  void *arg;
  uint64_t deadline_ns; /* TCT_NEVER: none */
};

struct pd_sleeper {
  struct pd_sleeper *next;
  const struct pd_call *call;
  pthread_t thread;
  pthread_cond_t woken;
  bool is_done;
  long result;
};

struct pd_knob;

/* All fields are the lock's. Time moves only in the three functions named pd_machine_*_time below,
 * and not between the waking of a thread and its look at the clock: what that thread reads is when
 * its call ended. */
struct pd_machine {
  pthread_mutex_t lock;
  struct pd_settings set;
  tct_stack *stack;
  tct_if if4, if6;
  struct lsock *lsock;
  uint64_t now_ns;
  pthread_t driver; /* who moves packets and time */
  struct pd_packet *out, **out_end;
  struct pd_sleeper *sleepers;
  bool is_frozen;
  pthread_t frozen_for;
  pthread_cond_t thawed;
  struct pd_knob *knobs;         /* sysctl.c; in the order of lsock_sysctl_name */
  struct tct_pcapng_writer pcap; /* if has_pcap */
  int pcap_if;
  bool has_pcap;
};

/* The one that was made last; NULL: none. */
extern struct pd_machine *pd_machine_current;

struct pd_machine *pd_machine_new(const struct pd_settings *s);
void pd_machine_free(struct pd_machine *m);

/* Runs a call to its end, in this thread; sleeps as long as it must. Takes the lock. */
long pd_machine_call(struct pd_machine *m, const struct pd_call *c);
/* The lock is held for these. */
void pd_machine_settle(struct pd_machine *m);
void pd_machine_to_time(struct pd_machine *m, uint64_t to_ns);
/* One timer or time-out, none after `limit`. */
bool pd_machine_step_time(struct pd_machine *m, uint64_t limit_ns);
void pd_machine_tick_time(struct pd_machine *m);
/* Until a woken thread has read the clock. */
void pd_machine_await_reader(struct pd_machine *m);
void pd_machine_input(struct pd_machine *m, const void *packet, size_t len);
/* Wall time in microseconds. */
long long pd_machine_wall_us(uint64_t at_ns);
/* An address that somebody binds to is ours from now on, and connects use it. */
void pd_machine_learn(struct pd_machine *m, tct_addr local);

/* sysctl.c: what /proc/sys says now. */
void pd_sysctl_open(struct pd_machine *m);
void pd_sysctl_close(struct pd_machine *m);
void pd_sysctl_read(struct pd_machine *m);

#endif
