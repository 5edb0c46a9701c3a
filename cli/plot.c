/* SPDX-License-Identifier: MIT */
/*
 * plot.c - tercet plot: a capture file as a time-sequence graph with windows and round trips.
 *
 * The verb; reading, measuring and drawing are cli/plot's. Without -o a small graph in characters
 * is printed. Exit 2: the file cannot be read, or has no TCP.
 */
#include "cli/plot/plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/show/words.h"
#include "cli/verbs.h"

struct plot_verb {
  struct plot_view view;
  const char *output, *flow, *color;
  bool list, text, ascii;
};

static const char *take_end(void *to, const char *value) {
  if (strcmp(value, "client") != 0 && strcmp(value, "server") != 0)
    return "it is client or server";
  *(int *)to = value[0] == 's';
  return NULL;
}

/* "1.5", "1.5s", "250ms", "40us" */
static const char *take_time(void *to, const char *value) {
  char *end;
  double n = strtod(value, &end);
  double unit = *end == '\0' || strcmp(end, "s") == 0 ? 1e9
                : strcmp(end, "ms") == 0              ? 1e6
                : strcmp(end, "us") == 0              ? 1e3
                                                      : 0;
  if (end == value || unit == 0 || !(n >= 0) || n > 1e9)
    return "give a time like 1.5, 250ms or 40us";
  *(tct_time *)to = (tct_time)(n * unit);
  return NULL;
}

static const char *take_flow(void *to, const char *value) {
  struct plot_view *v = to;
  uint32_t n;
  v->all = strcmp(value, "all") == 0;
  if (v->all)
    return NULL;
  if (!args_number(value, 1, PLOT_FLOWS_MAX, &n))
    return "give a number of --list, or all";
  v->flow = n;
  return NULL;
}

static void list_flows(const struct plot *p, bool unicode) {
  for (size_t i = 0; i < p->n_flows; i++) {
    const struct plot_flow *f = &p->flow[i];
    struct line l;
    line_clear(&l);
    line_add(&l, "%3zu  ", i + 1);
    words_endpoint(&l, &f->addr[0], f->port[0]);
    line_add(&l, " → ");
    words_endpoint(&l, &f->addr[1], f->port[1]);
    line_pad_to(&l, 54);
    words_size(&l, f->bytes[0]);
    line_add(&l, " up, ");
    words_size(&l, f->bytes[1]);
    line_add(&l, " down in ");
    words_duration(&l, f->last - f->first);
    line_add(&l, f->has_syn[0] ? "" : ", opening not captured");
    if (!unicode)
      words_to_ascii(l.b);
    puts(l.b);
  }
}

static int draw(const struct args_verb *verb, struct plot_verb *c, const struct plot *p) {
  struct term t;
  char error[300];
  size_t flow;
  int from;
  term_init(&t, stdout);
  if (c->color != NULL && !term_set_colour(&t, c->color))
    return args_wrong(verb, "--color takes always, never or auto, not '%s'", c->color);
  if (c->ascii)
    term_set_ascii(&t);
  if (c->list) {
    list_flows(p, t.unicode);
    return ARGS_EXIT_OK;
  }
  if (!plot_choose(p, &c->view, &flow, &from))
    return args_fail(verb, ARGS_EXIT_USAGE, "there is no flow %u; --list names all %zu",
                     c->view.flow, p->n_flows);
  if (c->output != NULL && !plot_write_path(p, &c->view, c->output, error, sizeof error))
    return args_fail(verb, ARGS_EXIT_USAGE, "%s", error);
  if ((c->output == NULL || c->text) && plot_write_text(p, &c->view, &t, stdout) < 0)
    return args_fail(verb, ARGS_EXIT_USAGE, "cannot draw: %s", strerror(errno));
  return ARGS_EXIT_OK;
}

static int read_and_draw(const struct args_verb *verb, struct plot_verb *c, const char *path) {
  char error[600];
  struct plot *p = plot_new();
  int code;
  if (p == NULL)
    return args_fail(verb, ARGS_EXIT_USAGE, "no memory");
  if (!plot_read(p, path, error, sizeof error))
    code = args_fail(verb, ARGS_EXIT_USAGE, "%s", error);
  else
    code = draw(verb, c, p);
  plot_free(p);
  return code;
}

static const char plot_more[] =
    "  tercet plot -o transfer.svg transfer.pcapng\n"
    "  tercet plot --from-time 200ms --to-time 600ms -o zoom.svg transfer.pcapng\n\n"
    "Segments are bars from their first to their last octet; the green line below is what has "
    "been\n"
    "acknowledged, the brown one above what the receiver has room for. Captures made by --pcapng\n"
    "say why each segment was sent; for others the reason is guessed and has a question mark.";

int cmd_plot(int argc, char **argv) {
  static struct plot_verb c;
  plot_view_init(&c.view);
  const struct args_option own[] = {
      {"output", 'o', ARGS_TEXT, &c.output, "FILE", "draw into this SVG file; - for stdout", 0, 0,
       NULL},
      {"text", 't', ARGS_FLAG, &c.text, NULL, "draw with characters (as without -o)", 0, 0, NULL},
      {"list", 'l', ARGS_FLAG, &c.list, NULL, "name the connections of the file", 0, 0, NULL},
      {"flow", 'n', ARGS_CALL, &c.view, "N", "a connection of --list, or all side by side", 0, 0,
       take_flow},
      {"from", 0, ARGS_CALL, &c.view.from, "END", "whose data: client or server (who sent more)", 0,
       0, take_end},
      {"from-time", 0, ARGS_CALL, &c.view.from_ns, "T", "begin here, as 1.5, 250ms or 40us", 0, 0,
       take_time},
      {"to-time", 0, ARGS_CALL, &c.view.to_ns, "T", "end here", 0, 0, take_time},
      {"width", 0, ARGS_NUMBER, &c.view.width, "N", "pixels (1120)", 480, 8000, NULL},
      {"height", 0, ARGS_NUMBER, &c.view.height, "N", "pixels (820)", 480, 8000, NULL},
      {"ascii", 0, ARGS_FLAG, &c.ascii, NULL, "no Unicode", 0, 0, NULL},
      {"color", 0, ARGS_TEXT, &c.color, "WHEN", "always, never or auto", 0, 0, NULL},
      {0}};
  const struct args_verb verb = {
      "plot",
      "FILE",
      "Draws the time-sequence graph of a connection in a capture (pcapng, pcap): segments, ACKs,\n"
      "windows, SACK blocks, what was sent again and why; below, bytes in flight, congestion "
      "window,\n"
      "round trips.",
      plot_more,
      {own, NULL},
      1,
      1};
  struct args args;
  int code = args_parse(&verb, argc, argv, &args);
  if (code != ARGS_GO)
    return code;
  if (c.view.to_ns != 0 && c.view.to_ns <= c.view.from_ns)
    return args_wrong(&verb, "--to-time must be after --from-time");
  return read_and_draw(&verb, &c, args.operand[0]);
}
