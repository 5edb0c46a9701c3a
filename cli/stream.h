/* SPDX-License-Identifier: MIT */
/* stream.h - one connection joined to standard input and output. See stream.c. */
#ifndef TCT_CLI_STREAM_H
#define TCT_CLI_STREAM_H

#include "cli/net.h"
#include "cli/sink.h"

struct stream {
  struct net *net;
  tct_sock sock;
  tct_endpoint peer;
  struct sink sink;
  bool no_input; /* -d: nothing is read from standard input */
  bool interrupted;
  /* private */
  bool in_plain, in_done, in_ready, in_watched, out_done;
};

/* Carries bytes both ways until both have ended. An exit code; errors were told. */
int stream_run(struct stream *s);
/* SIGINT and friends end whatever waits. */
int stream_catch_signals(struct stream *s);

#endif
