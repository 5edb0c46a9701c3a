/* SPDX-License-Identifier: MIT */
/* sink.h - where received bytes go: standard output or a file that appears only when whole. */
#ifndef TCT_CLI_SINK_H
#define TCT_CLI_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "tercet/host.h"

struct sink {
  int fd;
  const char *path; /* NULL: standard output */
  char temp[4200];  /* the name in which the file grows; "": none yet, or not needed */
  bool plain;       /* a regular file: writing never waits */
  bool nonblocking;
  bool nameless; /* the file has no name before the end */
  bool watched;
  char error[300];
};

/* Where it goes: path, or standard output when NULL or "-". False: one sentence in error. */
bool sink_open(struct sink *k, const char *path);
/* Bytes taken: 0 means not now (the loop wakes when it can), -1 an error. */
long sink_write(struct sink *k, tct_host *h, const void *buf, size_t len);
/* The file gets its name. False: one sentence in error, and no file. */
bool sink_commit(struct sink *k);
/* Nothing half-made is left behind. */
void sink_abandon(struct sink *k);

#endif
