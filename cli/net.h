/* SPDX-License-Identifier: MIT */
/*
 * net.h - what all verbs over a device share: options, the host, the ladder, the capture. See .c.
 */
#ifndef TCT_CLI_NET_H
#define TCT_CLI_NET_H

#include "cli/args.h"
#include "cli/plot/plot.h"
#include "cli/show/show.h"
#include "cli/term.h"
#include "cli/url.h"
#include "drivers/tee_pcapng.h"
#include "tercet/host.h"

struct net_options {
  const char *dev; /* "tun:NAME", "tap:NAME", "xdp:INTERFACE" */
  tct_host_addr addr[TCT_HOST_ADDRS];
  unsigned n_addr;
  tct_addr peer[2]; /* --peer-addr: IPv4, IPv6 */
  uint32_t mtu, spin_us;
  uint32_t cores; /* hosts on the device; 0: 1 */
  bool no_offload;
  const char *pcapng, *svg, *plot, *record, *color;
  bool ladder, plain, json, ascii, abs, why, strict;
};

struct net {
  struct net_options o;
  const struct args_verb *verb;
  tct_host *host;
  tct_host_mesh *mesh;    /* NULL: one core */
  tct_host_config config; /* of the host, and of those of other cores */
  tct_stack *stack;
  FILE *out;         /* where the ladder goes */
  struct show *show; /* NULL: nothing is drawn */
  struct show_sink *sink;
  struct plot *plot; /* NULL: no graph is wanted */
  struct tct_tee_pcapng tee;
  bool teeing;
  tct_link link;      /* of the frames in the capture */
  tct_record *record; /* NULL: nothing is recorded */
  tct_trace window;   /* the last word about a congestion window, not yet in the capture */
  char error[320];
};

/* The verb's table of shared options; one net at a time. */
const struct args_option *net_option_table(struct net *n);

struct net_view {
  FILE *out;                /* where the ladder goes */
  bool always;              /* without --ladder, too */
  const char *left, *right; /* what the two ends are called */
  int our_end;              /* SHOW_LEFT or SHOW_RIGHT */
};

/* Makes device, stack, ladder and capture. ARGS_GO, or the exit code after one sentence. */
int net_open(struct net *n, const struct args_verb *verb, const struct net_view *view);
/* The host of one more core, on the device of the first. */
int net_open_other(struct net *n, unsigned core, tct_host **out);
/* Ends the drawing, the capture and the device. ARGS_EXIT_OK, or 2 when a file failed. */
int net_close(struct net *n, struct show_outcome *outcome);
/* The same without device and stack, for frames and events that come from elsewhere (replay):
 * ladder, capture (its interface is called so) and graph; net_close ends them. */
int net_open_views(struct net *n, const struct args_verb *verb, const struct net_view *view,
                   const char *if_name);
bool net_wants_trace(const struct net *n);
void net_trace(void *ctx, const tct_trace *t);                              /* ctx: the net */
void net_frame(void *ctx, const tct_frame *f, bool outbound, tct_time now); /* the same */
bool net_has_family(const struct net *n, bool v4);
/* The endpoint of u, in a family that we have. ARGS_GO, or the exit code after one sentence. */
int net_resolve(struct net *n, const struct url *u, tct_endpoint *out);
/* What err and why mean, for a person: "10.7.0.1:81 refused the connection (...)". */
const char *net_explain(struct net *n, const tct_endpoint *peer, int err, tct_why why);
/* "10.7.0.1:80", "[fd07::1]:80" */
enum { NET_ENDPOINT_TEXT = 64 };
void net_endpoint_text(const tct_endpoint *e, char text[NET_ENDPOINT_TEXT]);

#endif
