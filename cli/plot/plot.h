/* SPDX-License-Identifier: MIT */
/*
 * plot.h - time-sequence graphs: segments in (from traces or from a capture), a picture out.
 *
 *   struct plot *p = plot_new();
 *   ... plot_trace(p, t) for each event of each stack, plot_lost(p, at, seg) for what a link ate,
 *       or plot_read(p, "x.pcapng", ...) for a capture ...
 *   plot_write_path(p, &view, "out.svg", error, sizeof error);
 *   plot_free(p);
 *
 * collect.c keeps what happened, read.c reads captures, measure.c turns one direction of one
 * connection into curves, draw.c (with page.c, panel.c, shape.c, label.c, scale.c) draws them, and
 * chart.c does so with characters. Used by the verbs with --plot and by `tercet plot`.
 */
#ifndef TCT_PLOT_PLOT_H
#define TCT_PLOT_PLOT_H

#include <stdio.h>

#include "cli/term.h"
#include "drivers/pcapng.h"
#include "tercet/tercet.h"

enum {
  PLOT_EVENTS_MAX = 4 * 1024 * 1024, /* what comes later is left out, and the picture says so */
  PLOT_FLOWS_MAX = 4096,
  PLOT_WIRE = 2 /* seen_at: by somebody between the ends */
};

enum plot_kind { PLOT_SEG, PLOT_LOST, PLOT_CC };

struct plot_event {
  tct_time at;
  uint32_t flow, number; /* number: of the packet, from 1 */
  uint8_t kind, flags;
  uint8_t from, seen_at; /* ends of the flow: 0 is the one that opened */
  uint16_t why, seg_size;
  bool is_ce; /* congestion experienced, RFC 3168 */
  uint8_t n_sack;
  uint32_t sack_at;         /* into plot.sack */
  uint32_t seq, ack, len;   /* CC: cwnd, ssthresh, srtt in us */
  uint32_t window, win_raw; /* bytes; the field */
};

struct plot_flow {
  tct_addr addr[2];
  uint16_t port[2];
  bool has_syn[2], seen[3], scale_known, has_cc[2], reset;
  uint8_t wscale[2]; /* 0xff: not offered */
  uint32_t isn[2];
  uint64_t bytes[2]; /* payload, what was sent again included */
  uint32_t segments[2], whys;
  tct_time first, last;
  uint32_t next; /* of the same hash, + 1 */
  char name[48]; /* "" unless plot_name_flow was called */
};

struct plot_sack {
  uint32_t from, to;
};

enum { PLOT_BUCKETS = 4096 };
struct plot {
  struct plot_event *event;
  size_t n_events, cap_events;
  struct plot_sack *sack;
  size_t n_sacks, cap_sacks;
  struct plot_flow *flow;
  size_t n_flows, cap_flows;
  uint32_t bucket[PLOT_BUCKETS]; /* index + 1 */
  uint64_t packets;              /* of a capture: looked at */
  uint64_t left_out;             /* beyond the bounds */
  bool no_memory;
};

/* What is to be drawn, and how large. All zero but size: the whole of the busiest direction. */
struct plot_view {
  const char *title;       /* NULL: made of the ends' names and addresses */
  const char *names[2];    /* of the opener, of the other; NULL: client, server */
  unsigned flow;           /* from 1; 0: the one that carried most */
  int from;                /* the sender of what is drawn: 0, 1; -1: who sent more */
  bool all;                /* all flows in one picture, to compare them */
  tct_time from_ns, to_ns; /* after the flow's first segment; to_ns 0: the end */
  uint32_t width, height;  /* pixels; 0: 1120, 820 */
};
void plot_view_init(struct plot_view *v);

struct plot *plot_new(void); /* NULL: no memory */
void plot_free(struct plot *p);

/* ---- collect.c ------------------------------------------------------------------------------- */
/* One event of a stack: which end it was is in its addresses. */
void plot_trace(struct plot *p, const tct_trace *t);
/* The same as a tct_trace_fn; ctx is the plot. */
void plot_trace_fn(void *ctx, const tct_trace *t);
/* A link did not deliver this segment. */
void plot_lost(struct plot *p, tct_time at, const tct_seg *seg);
/* The congestion window of the end that sent seg. */
void plot_cc(struct plot *p, tct_time at, const tct_seg *seg, const uint32_t cc[3]);
/* A segment that somebody between the ends saw; window_raw is scaled here. */
void plot_seen(struct plot *p, tct_time at, const tct_seg *seg, uint32_t number, uint16_t why);
/* Flows with this port at the opener's end are called so. */
void plot_name_flow(struct plot *p, uint16_t port, const char *name);
/* The flow that v means and the end whose data is drawn. False: there is none. */
bool plot_choose(const struct plot *p, const struct plot_view *v, size_t *flow, int *from);

/* ---- read.c ---------------------------------------------------------------------------------- */
/* The sender's window as a note in a packet's comment, so that a capture keeps it: "cwnd 14600,
 * ssthresh 7300, srtt 18000 us". */
enum { PLOT_NOTE_MAX = 96 };
void plot_note_cc(char note[PLOT_NOTE_MAX], uint32_t cwnd, uint32_t ssthresh, uint32_t srtt_us);
/* All TCP of a capture file. False: one sentence is in error. */
bool plot_read(struct plot *p, const char *path, char *error, size_t cap);
/* The same of a file that is open already; path is for messages. */
bool plot_read_from(struct plot *p, struct tct_pcapng_reader *file, const char *path, char *error,
                    size_t cap);

/* ---- draw.c, chart.c ------------------------------------------------------------------------- */
/* Both want plot_choose to have said yes. 0, or -1 with errno. */
int plot_write_svg(const struct plot *p, const struct plot_view *v, FILE *out);
int plot_write_text(const struct plot *p, const struct plot_view *v, const struct term *t,
                    FILE *out);
/* "-": standard output. False: one sentence is in error and no file is left. */
bool plot_write_path(const struct plot *p, const struct plot_view *v, const char *path, char *error,
                     size_t cap);

#endif
