/* SPDX-License-Identifier: MIT */
/*
 * sim_view.c - what a played world looked like: a few lines of figures, a ladder and a graph of its
 * first flow, or one page with all of them.
 *
 * Called by sim.c, fed by the trial's taps and traces. Drawing is cli/show's and cli/plot's.
 */
#define _GNU_SOURCE
#include "cli/sim_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/plot/plot.h"
#include "cli/show/show.h"
#include "cli/show/words.h"
#include "sim/trial_run.h"

struct sim_view {
  const struct args_verb *verb;
  struct sim_view_options o;
  tct_addr addr[2]; /* of the first flow's client and server */
  uint16_t port;    /* its server's */
  struct plot *plot;
  struct show *show;
  char svg_temp[64]; /* the ladder's file, if it is only for the page */
  uint64_t sent[TCT_WHY_COUNT], data_octets, dropped, lost, marked;
  uint64_t opened, closed, reset;
  tct_time last_data_at;
  struct term term;
};

/* ---- Watching -------------------------------------------------------------------------------- */

static bool is_of_flow(const struct sim_view *v, const tct_trace *t) {
  uint16_t sport = t->lport, dport = t->rport;
  return sport == v->port || dport == v->port || t->seg.sport == v->port || t->seg.dport == v->port;
}

static int end_of(const struct sim_view *v, const tct_trace *t) {
  const tct_addr *local = &t->local;
  if (t->kind == TCT_TRACE_SEG_OUT)
    local = &t->seg.src;
  if (t->kind == TCT_TRACE_SEG_IN)
    local = &t->seg.dst;
  for (int end = 0; end < 2; end++)
    if (memcmp(local, &v->addr[end], sizeof *local) == 0)
      return end;
  return -1;
}

static void count(struct sim_view *v, const tct_trace *t) {
  if (t->kind == TCT_TRACE_SEG_OUT && t->why < TCT_WHY_COUNT)
    v->sent[t->why]++;
  if (t->kind == TCT_TRACE_SEG_IN && t->verdict == TCT_ACCEPTED && t->seg.len > 0) {
    v->data_octets += t->seg.len;
    v->last_data_at = t->at;
  }
  if (t->kind == TCT_TRACE_SEG_IN && t->verdict != TCT_ACCEPTED)
    v->dropped++;
  if (t->kind != TCT_TRACE_STATE)
    return;
  v->opened += t->state_new == TCT_ESTABLISHED;
  v->closed += t->state_new == TCT_CLOSED && t->why == TCT_WHY_CLOSED;
  v->reset += t->state_new == TCT_CLOSED && t->why == TCT_WHY_RESET;
}

static void on_trace(void *ctx, const tct_trace *t) {
  struct sim_view *v = ctx;
  int end = end_of(v, t);
  count(v, t);
  if (v->plot != NULL)
    plot_trace(v->plot, t);
  if (v->show != NULL && end >= 0 && is_of_flow(v, t))
    show_trace(v->show, end, t);
}

static bool is_lost(const tct_sim_frame *f) {
  return f->fate == TCT_SIM_LOST || f->fate == TCT_SIM_QUEUE_FULL;
}

static enum show_fate show_fate_of(const tct_sim_frame *f) {
  if (is_lost(f))
    return SHOW_LOST;
  if (f->fate == TCT_SIM_DUPLICATED)
    return SHOW_DUPLICATED;
  if (f->fate == TCT_SIM_DELAYED)
    return SHOW_DELAYED;
  return f->fate == TCT_SIM_CORRUPTED ? SHOW_CORRUPTED : SHOW_DELIVERED;
}

/* On a way over several links a frame is on its way again at each: only what ends it counts. */
static void on_frame(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct sim_view *v = ctx;
  if (arriving)
    return;
  v->lost += is_lost(f);
  v->marked += f->marked;
  if (!f->is_tcp)
    return;
  if (v->plot != NULL && is_lost(f))
    plot_lost(v->plot, f->sent_at, &f->seg);
  if (v->show == NULL || (f->seg.sport != v->port && f->seg.dport != v->port))
    return;
  for (int end = 0; end < 2; end++)
    if (memcmp(&f->seg.src, &v->addr[end], sizeof f->seg.src) == 0 &&
        (is_lost(f) || f->fate != TCT_SIM_DELIVERED))
      show_link(v->show, end, f->bytes, f->len, show_fate_of(f), f->sent_at);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool open_show(struct sim_view *v) {
  struct show_opts s;
  char error[300];
  if (!v->o.ladder && v->o.svg == NULL && v->o.html == NULL)
    return true;
  show_opts_init(&s, stdout);
  s.term = v->term;
  s.mode = v->o.ladder ? SHOW_LADDER : SHOW_NONE;
  s.names[SHOW_LEFT] = "client";
  s.names[SHOW_RIGHT] = "server";
  s.title = v->o.title;
  s.svg_path = v->o.svg;
  if (v->o.svg == NULL && v->o.html != NULL) {
    snprintf(v->svg_temp, sizeof v->svg_temp, "/tmp/tercet-sim-%ld.svg", (long)getpid());
    s.svg_path = v->svg_temp;
  }
  v->show = show_new(&s, error, sizeof error);
  if (v->show == NULL)
    args_fail(v->verb, ARGS_EXIT_USAGE, "%s", error);
  return v->show != NULL;
}

struct sim_view *sim_view_new(const struct args_verb *verb, const struct sim_view_options *o,
                              const struct sim_trial_plan *p) {
  struct sim_view *v = calloc(1, sizeof *v);
  if (v == NULL) {
    args_fail(verb, ARGS_EXIT_USAGE, "out of memory");
    return NULL;
  }
  v->verb = verb;
  v->o = *o;
  term_init(&v->term, stdout);
  if (o->ascii)
    term_set_ascii(&v->term);
  if (o->color != NULL)
    (void)term_set_colour(&v->term, o->color);
  if (p->n_flows > 0) {
    v->addr[0] = sim_trial_addr(p, p->flow[0].client);
    v->addr[1] = sim_trial_addr(p, p->flow[0].server);
    v->port = (uint16_t)p->flow[0].port;
  }
  if (o->plot != NULL || o->html != NULL)
    v->plot = plot_new();
  if (open_show(v))
    return v;
  plot_free(v->plot);
  free(v);
  return NULL;
}

void sim_view_attach(struct sim_view *v, struct sim_trial_run *run) {
  run->tap = on_frame;
  run->tap_ctx = v;
  run->trace = on_trace;
  run->trace_ctx = v;
}

/* ---- Words ----------------------------------------------------------------------------------- */

static const uint16_t again[] = {TCT_WHY_SYN_REXMIT, TCT_WHY_SYN_ACK_REXMIT, TCT_WHY_FIN_REXMIT,
                                 TCT_WHY_RTO,        TCT_WHY_FAST_REXMIT,    TCT_WHY_PARTIAL_ACK,
                                 TCT_WHY_RACK,       TCT_WHY_REORDER,        TCT_WHY_RESCUE,
                                 TCT_WHY_TLP,        TCT_WHY_MTU_REDUCED,    TCT_WHY_REOPENED};
static const uint16_t notable[] = {TCT_WHY_PROBE,     TCT_WHY_ACK_CHALLENGE, TCT_WHY_SYN_ACK_COOKIE,
                                   TCT_WHY_MTU_PROBE, TCT_WHY_FRTO,          TCT_WHY_RST_NO_SOCKET,
                                   TCT_WHY_ACK_ECN,   TCT_WHY_KEEPALIVE};

static uint64_t sum_of(const struct sim_view *v, const uint16_t *why, size_t n) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += v->sent[why[i]];
  return sum;
}

static void put(const struct sim_view *v, struct line *l, FILE *to) {
  if (!v->term.unicode && to == stdout)
    words_to_ascii(l->b);
  fprintf(to, "%s\n", l->b);
  line_clear(l);
}

static void add_whys(const struct sim_view *v, struct line *l, const uint16_t *why, size_t n) {
  const char *comma = "";
  for (size_t i = 0; i < n; i++) {
    if (v->sent[why[i]] == 0)
      continue;
    line_add(l, "%s%" PRIu64 " %s", comma, v->sent[why[i]], tct_why_text((tct_why)why[i]));
    comma = ", ";
  }
}

static void say_traffic(const struct sim_view *v, const struct sim_trial_result *r,
                        const struct sim_trial_counts *c, FILE *to) {
  struct line l;
  double s = (double)v->last_data_at / 1e9;
  line_clear(&l);
  words_count(&l, c->connections);
  line_add(&l, c->connections == 1 ? " connection, " : " connections, ");
  words_count(&l, r->frames);
  line_add(&l, " frames; ");
  words_size(&l, v->data_octets);
  line_add(&l, " arrived in ");
  words_duration(&l, v->last_data_at);
  if (s > 0)
    line_add(&l, " (%.2f Mbit/s)", (double)v->data_octets * 8 / s / 1e6);
  put(v, &l, to);
}

static void say_repair(const struct sim_view *v, FILE *to) {
  struct line l;
  size_t n = sizeof again / sizeof again[0], m = sizeof notable / sizeof notable[0];
  line_clear(&l);
  line_add(&l, "lost %" PRIu64 ", marked %" PRIu64 "; sent again %" PRIu64, v->lost, v->marked,
           sum_of(v, again, n));
  if (sum_of(v, again, n) > 0)
    line_add(&l, ": ");
  add_whys(v, &l, again, n);
  put(v, &l, to);
  if (sum_of(v, notable, m) == 0)
    return;
  line_add(&l, "also sent: ");
  add_whys(v, &l, notable, m);
  put(v, &l, to);
}

static void say_harm(const struct sim_view *v, const struct sim_trial_counts *c, FILE *to) {
  struct line l;
  const char *comma = "done to it: ";
  line_clear(&l);
  for (unsigned i = 0; i < TCT_SIM_FAULT_COUNT; i++) {
    if (c->fault[i] == 0)
      continue;
    line_add(&l, "%s%s %" PRIu64, comma, tct_sim_fault_name(i), c->fault[i]);
    comma = ", ";
  }
  if (l.n > 0)
    put(v, &l, to);
}

static void say_verdict(const struct sim_view *v, const struct sim_trial_result *r, FILE *to) {
  struct line l;
  line_clear(&l);
  if (r->failed)
    line_add(&l, "✗ I%u does not hold: %s", r->invariant, r->what);
  else
    line_add(&l, "✓ every invariant held; all ended, then there was silence");
  put(v, &l, to);
}

static void say_all(const struct sim_view *v, const struct sim_trial_result *r,
                    const struct sim_trial_counts *c, FILE *to) {
  if (v->o.title != NULL)
    fprintf(to, "%s: %s\n", v->o.title, v->o.about);
  say_traffic(v, r, c, to);
  say_repair(v, to);
  say_harm(v, c, to);
  say_verdict(v, r, to);
  if (v->o.sees != NULL)
    fprintf(to, "Look for: %s.\n", v->o.sees);
}

static void say_json(const struct sim_view *v, const struct sim_trial_result *r,
                     const struct sim_trial_counts *c) {
  const char *comma = "";
  printf("{\"schema\":\"tercet.sim\",\"version\":1}\n{\"event\":\"world\",\"holds\":%s",
         r->failed ? "false" : "true");
  if (v->o.title != NULL)
    printf(",\"scenario\":\"%s\"", v->o.title);
  printf(",\"connections\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"octets\":%" PRIu64
         ",\"seconds\":%.9f,\"lost\":%" PRIu64 ",\"marked\":%" PRIu64 ",\"digest\":\"%016" PRIx64
         "\",\"sent\":{",
         c->connections, r->frames, v->data_octets, (double)v->last_data_at / 1e9, v->lost,
         v->marked, r->digest);
  for (unsigned i = 0; i < TCT_WHY_COUNT; i++)
    if (v->sent[i] > 0) {
      printf("%s\"%s\":%" PRIu64, comma, tct_why_name((tct_why)i), v->sent[i]);
      comma = ",";
    }
  comma = "";
  printf("},\"faults\":{");
  for (unsigned i = 0; i < TCT_SIM_FAULT_COUNT; i++)
    if (c->fault[i] > 0) {
      printf("%s\"%s\":%" PRIu64, comma, tct_sim_fault_name(i), c->fault[i]);
      comma = ",";
    }
  printf("}");
  if (r->failed)
    printf(",\"invariant\":%u,\"text\":\"%s\"", r->invariant, r->what);
  printf("}\n");
}

/* ---- The page -------------------------------------------------------------------------------- */

static bool can_plot(const struct sim_view *v, struct plot_view *view) {
  size_t flow;
  int from;
  plot_view_init(view);
  view->title = v->o.title;
  return v->plot != NULL && plot_choose(v->plot, view, &flow, &from);
}

static void copy_svg(const char *path, FILE *to) {
  char piece[4096];
  size_t n;
  FILE *f = fopen(path, "r");
  while (f != NULL && (n = fread(piece, 1, sizeof piece, f)) > 0)
    fwrite(piece, 1, n, to);
  if (f != NULL)
    fclose(f);
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<style>body{font:16px/1.5 "
    "system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;background:#fff;color:#"
    "222}pre{background:#f4f4f4;padding:1rem;white-space:pre-wrap}svg{max-width:100%;height:auto}"
    "</style>\n";

static int write_page(struct sim_view *v, const struct sim_trial_result *r,
                      const struct sim_trial_counts *c) {
  struct plot_view view;
  const char *title = v->o.title != NULL ? v->o.title : "a simulated world";
  FILE *f = fopen(v->o.html, "w");
  if (f == NULL)
    return args_fail(v->verb, ARGS_EXIT_USAGE, "cannot write %s: %s", v->o.html, strerror(errno));
  fprintf(f, "%s<title>%s</title>\n<h1>%s</h1>\n<pre>", head, title, title);
  say_all(v, r, c, f);
  fputs("</pre>\n", f);
  if (can_plot(v, &view)) {
    fputs("<h2>The busiest flow over time</h2>\n", f);
    plot_write_svg(v->plot, &view, f);
  }
  if (v->o.svg != NULL || v->svg_temp[0] != '\0') {
    fputs("<h2>The first flow, segment by segment</h2>\n", f);
    copy_svg(v->o.svg != NULL ? v->o.svg : v->svg_temp, f);
  }
  fputs("</html>\n", f);
  bool bad = ferror(f) != 0;
  if (fclose(f) != 0 || bad)
    return args_fail(v->verb, ARGS_EXIT_USAGE, "writing %s failed", v->o.html);
  return ARGS_EXIT_OK;
}

static int write_plot(struct sim_view *v) {
  struct plot_view view;
  char error[300];
  if (v->o.plot == NULL)
    return ARGS_EXIT_OK;
  if (!can_plot(v, &view))
    return args_fail(v->verb, ARGS_EXIT_USAGE, "no flow to plot");
  if (plot_write_path(v->plot, &view, v->o.plot, error, sizeof error))
    return ARGS_EXIT_OK;
  return args_fail(v->verb, ARGS_EXIT_USAGE, "%s", error);
}

int sim_view_finish(struct sim_view *v, const struct sim_trial_result *r,
                    const struct sim_trial_counts *c) {
  int code = ARGS_EXIT_OK, err;
  if (v->show != NULL && show_finish(v->show, NULL) < 0)
    code = args_fail(v->verb, ARGS_EXIT_USAGE, "%s", show_error(v->show));
  show_free(v->show);
  if (v->o.json)
    say_json(v, r, c);
  else
    say_all(v, r, c, stdout);
  if ((err = write_plot(v)) != ARGS_EXIT_OK)
    code = err;
  if (v->o.html != NULL && (err = write_page(v, r, c)) != ARGS_EXIT_OK)
    code = err;
  if (v->svg_temp[0] != '\0')
    unlink(v->svg_temp);
  plot_free(v->plot);
  free(v);
  return code;
}
