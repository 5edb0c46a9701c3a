/* SPDX-License-Identifier: MIT */
/*
 * init.c - the two symbols of libtercet-packetdrill.so: the function that packetdrill finds by
 * dlsym, and a getsockopt for LD_PRELOAD. packetdrill's code blocks ask libc for TCP_INFO with our
 * descriptors: preloaded, this one answers for them and passes all others on.
 */
#define _GNU_SOURCE
#include "packetdrill/calls.h"
#include "packetdrill/wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_machine(void *u) {
  pd_machine_free(u);
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *out) {
  struct pd_settings set;
  pd_settings_read(&set, flags);
  struct pd_machine *m = pd_machine_new(&set);
  if (!m) {
    fputs("libtercet-packetdrill: no memory for a stack\n", stderr);
    exit(1);
  }
  *out = (struct packetdrill_interface){
      .userdata = m,
      .free = free_machine,
      .socket = pd_call_socket,
      .bind = pd_call_bind,
      .listen = pd_call_listen,
      .accept = pd_call_accept,
      .connect = pd_call_connect,
      .read = pd_call_read,
      .readv = pd_call_readv,
      .recv = pd_call_recv,
      .recvfrom = pd_call_recvfrom,
      .recvmsg = pd_call_recvmsg,
      .write = pd_call_write,
      .writev = pd_call_writev,
      .send = pd_call_send,
      .sendto = pd_call_sendto,
      .sendmsg = pd_call_sendmsg,
      .fcntl = pd_call_fcntl,
      .ioctl = pd_call_ioctl,
      .close = pd_call_close,
      .shutdown = pd_call_shutdown,
      .getsockopt = pd_call_getsockopt,
      .setsockopt = pd_call_setsockopt,
      .poll = pd_call_poll,
      .netdev_send = pd_wire_send,
      .netdev_receive = pd_wire_receive,
      .usleep = pd_wire_usleep,
      .gettimeofday = pd_wire_gettimeofday,
      .epoll_create = pd_call_epoll_create,
      .epoll_ctl = pd_call_epoll_ctl,
      .epoll_wait = pd_call_epoll_wait,
      .pipe = pd_call_pipe,
      .splice = pd_call_splice,
  };
}

typedef int getsockopt_fn(int fd, int level, int name, void *value, socklen_t *len);

/* ISO C has no way from an object pointer to a function; dlsym promises that the bytes fit. */
static getsockopt_fn *next_getsockopt(void) {
  void *symbol = dlsym(RTLD_NEXT, "getsockopt");
  getsockopt_fn *fn = NULL;
  memcpy(&fn, &symbol, sizeof fn);
  return fn;
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len) {
  struct pd_machine *m = pd_machine_current;
  if (m) {
    pthread_mutex_lock(&m->lock);
    bool is_ours = lsock_has(m->lsock, fd);
    pthread_mutex_unlock(&m->lock);
    if (is_ours)
      return pd_call_getsockopt(m, fd, level, name, value, len);
  }
  getsockopt_fn *libc = next_getsockopt();
  if (libc)
    return libc(fd, level, name, value, len);
  errno = ENOSYS;
  return -1;
}
