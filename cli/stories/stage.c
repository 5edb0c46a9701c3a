/* SPDX-License-Identifier: MIT */
/*
 * The stage's machinery: makes a world for each scene, passes what happens to the ladder, the
 * capture file and the record, and tidies up. Called by stories and by demo.c. What is drawn is
 * cli/show's; what is looked at afterwards, look.c's.
 */
#define _POSIX_C_SOURCE 200809L
#include "cli/stories/stage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/stories/grow.h"
#include "drivers/discard.h"

/* Virtual time is stretched until eyes can follow, but no gap is waited for longer than this. */
#define PACE_FACTOR 12u
#define PACE_MAX_NS 250000000u

/* Whether the picture can be written is said before anything else is, and leaves no file. */
static void check_picture(struct stage *st, const char *path) {
  bool was_there;
  FILE *f;
  if (path == NULL || st->error[0] != 0)
    return;
  was_there = access(path, F_OK) == 0;
  f = fopen(path, "ab");
  if (f == NULL) {
    snprintf(st->error, sizeof st->error, "cannot write %s: %s", path, strerror(errno));
    return;
  }
  fclose(f);
  if (!was_there)
    tct_discard(path);
}

void stage_init(struct stage *st, const struct story *story, const struct stage_opts *opts) {
  memset(st, 0, sizeof *st);
  st->story = story;
  st->opts = *opts;
  st->sinks[LEFT] = (struct stage_sink){st, LEFT};
  st->sinks[RIGHT] = (struct stage_sink){st, RIGHT};
  if (opts->silent)
    return;
  check_picture(st, opts->svg_path);
  check_picture(st, opts->plot_path);
  if (st->error[0] != 0 || opts->pcapng_path == NULL)
    return;
  int err = tct_pcapng_create(&st->pcapng, opts->pcapng_path);
  if (err < 0) {
    snprintf(st->error, sizeof st->error, "cannot write %s: %s", opts->pcapng_path, strerror(-err));
    return;
  }
  st->pcapng_open = true;
}

bool stage_finish(struct stage *st) {
  if (st->pcapng_open && tct_pcapng_close(&st->pcapng) < 0 && st->error[0] == 0)
    snprintf(st->error, sizeof st->error, "cannot write %s", st->opts.pcapng_path);
  st->pcapng_open = false;
  return st->error[0] == 0;
}

void stage_deinit(struct stage *st) {
  stage_finish(st);
  for (size_t i = 0; i < st->n_frames; i++)
    free(st->frames[i].kept);
  free(st->records);
  free(st->frames);
  st->records = NULL;
  st->frames = NULL;
  st->n_records = st->n_frames = 0;
}

bool stage_is_shown(const struct stage *st) {
  return !st->opts.silent;
}

const struct term *stage_term(const struct stage *st) {
  return &st->opts.show.term;
}

/* ---- What happens ---- */

static void pace(struct stage *st, tct_time at) {
  tct_time gap = at > st->shown ? at - st->shown : 0;
  if (st->opts.paced && gap > 0) {
    tct_time wait_ns = gap > PACE_MAX_NS / PACE_FACTOR ? PACE_MAX_NS : gap * PACE_FACTOR;
    struct timespec t = {.tv_nsec = (long)wait_ns};
    fflush(st->opts.show.out);
    nanosleep(&t, NULL);
  }
  if (at > st->shown)
    st->shown = at;
}

static bool is_of_port(uint16_t port, const tct_trace *t) {
  return port == 0 || t->lport == port || t->rport == port || t->seg.sport == port ||
         t->seg.dport == port;
}

static void on_trace(void *ctx, const tct_trace *t) {
  struct stage_sink *k = ctx;
  struct stage *st = k->stage;
  struct stage_record *r;
  st->records = stage_grow(st->records, &st->cap_records, st->n_records, sizeof *st->records);
  r = &st->records[st->n_records++];
  r->scene = st->scene;
  r->end = k->end;
  r->t = *t;
  if (t->kind == TCT_TRACE_CC)
    st->window[k->end] = *t;
  if (st->plot != NULL && is_of_port(st->now.only_port, t))
    plot_trace(st->plot, t);
  if (st->show == NULL || !is_of_port(st->now.only_port, t))
    return;
  pace(st, t->at);
  show_trace(st->show, k->end, t);
}

static enum show_fate show_fate_of(const tct_sim_frame *f) {
  switch ((tct_sim_fate)f->fate) {
  case TCT_SIM_LOST:
  case TCT_SIM_QUEUE_FULL:
    return SHOW_LOST;
  case TCT_SIM_DUPLICATED:
    return SHOW_DUPLICATED;
  case TCT_SIM_DELAYED:
    return SHOW_DELAYED;
  case TCT_SIM_CORRUPTED:
    return SHOW_CORRUPTED;
  case TCT_SIM_DELIVERED:
  case TCT_SIM_FATE_COUNT:
    break;
  }
  return SHOW_DELIVERED;
}

static void capture(struct stage *st, const tct_sim_frame *f) {
  static const char *const fates[] = {
      "",          "; lost on the way",     "; lost: queue full", "; duplicated",
      "; delayed", "; corrupted on the way"};
  char comment[240], note[PLOT_NOTE_MAX] = "";
  tct_iov iov = {f->bytes, f->len};
  struct tct_pcapng_packet p = {.ifc = (uint32_t)st->pcapng_if, .at = st->base + f->sent_at};
  const char *why = f->injected ? "injected by a third party"
                    : f->why    ? tct_why_text((tct_why)f->why)
                                : "scripted";
  if (!st->pcapng_open)
    return;
  tct_trace *cc = &st->window[f->dir];
  if (cc->value != 0 && cc->lport == f->seg.sport && f->is_tcp) {
    plot_note_cc(note, cc->value, cc->value2, cc->value3);
    cc->value = 0; /* told */
  }
  snprintf(comment, sizeof comment, "%s%s%s%s%s", why, fates[f->fate],
           f->marked ? "; marked on the way: congestion" : "", note[0] != 0 ? "; " : "", note);
  p.iov = &iov;
  p.n_iov = 1;
  p.len = f->len;
  p.dir = f->dir == 0 ? TCT_PCAPNG_OUTBOUND : TCT_PCAPNG_INBOUND;
  p.comment = comment;
  tct_pcapng_put(&st->pcapng, &p);
}

static void keep_frame(struct stage *st, const tct_sim_frame *f) {
  struct stage_frame *k;
  st->frames = stage_grow(st->frames, &st->cap_frames, st->n_frames, sizeof *st->frames);
  k = &st->frames[st->n_frames++];
  memset(k, 0, sizeof *k);
  k->scene = st->scene;
  k->f = *f;
  k->f.bytes = NULL;
  if (st->n_kept >= STAGE_BYTES_MAX)
    return;
  k->kept = malloc(f->len);
  if (k->kept == NULL)
    return;
  st->n_kept++;
  memcpy(k->kept, f->bytes, f->len);
  k->f.bytes = k->kept;
}

static void on_frame(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct stage *st = ctx;
  uint16_t port = st->now.only_port;
  if (arriving)
    return;
  keep_frame(st, f);
  capture(st, f);
  if (st->plot != NULL && f->is_tcp && show_fate_of(f) == SHOW_LOST)
    plot_lost(st->plot, f->sent_at, &f->seg);
  if (st->show == NULL)
    return;
  if (port != 0 && f->is_tcp && f->seg.sport != port && f->seg.dport != port)
    return;
  show_link(st->show, f->dir == 0 ? LEFT : RIGHT, f->bytes, f->len, show_fate_of(f), f->sent_at);
}

/* ---- Scenes ---- */

tct_endpoint stage_server(void) {
  return (tct_endpoint){.addr = tct_addr_ipv4(192, 0, 2, 80), .port = SERVER_PORT};
}

tct_endpoint stage_client(void) {
  return (tct_endpoint){.addr = tct_addr_ipv4(192, 0, 2, 10), .port = CLIENT_PORT};
}

struct scene stage_scene(struct stage *st, const char *title) {
  struct scene s;
  memset(&s, 0, sizeof s);
  st->scene++;
  st->world = tct_sim_new(st->opts.seed + st->scene - 1);
  s.title = title;
  s.names[LEFT] = "client";
  s.names[RIGHT] = "server";
  for (int end = LEFT; end <= RIGHT; end++) {
    tct_sim_config_init(st->world, &s.host[end]);
    s.host[end].prefix_len = 24;
    s.host[end].stack.no_timestamps = true;
    s.host[end].stack.no_sack = true;
    s.host[end].stack.no_wscale = true;
    s.path[end].delay_ns = MS(9);
  }
  s.host[LEFT].addr = stage_client().addr;
  s.host[RIGHT].addr = stage_server().addr;
  return s;
}

static void print_heading(struct stage *st) {
  const struct story *y = st->story;
  const struct term *t = stage_term(st);
  const char *lead = st->opts.show.mode == SHOW_PLAIN ? "#" : " ";
  FILE *out = st->opts.show.out;
  if (st->header_shown || st->opts.silent || st->opts.show.mode == SHOW_NONE)
    return;
  st->header_shown = true;
  if (st->opts.show.mode == SHOW_JSON) {
    fprintf(out,
            "{\"event\":\"story\",\"story\":\"%s\",\"covers\":\"%s\",\"claim\":\"%s\",\"verdict\":"
            "\"%s\","
            "\"really\":\"%s\"}\n",
            y->name, y->covers, y->claim, y->verdict, y->really);
    return;
  }
  fputs(st->opts.show.mode == SHOW_PLAIN ? "# " : "", out);
  fprintf(out, "%s%s%s  %s%s%s\n", term_on(t, TERM_BOLD), y->name, term_off(t, TERM_BOLD),
          term_on(t, TERM_DIM), y->covers, term_off(t, TERM_DIM));
  fprintf(out, "%s the page: %s  [%s]\n", lead, y->claim, y->verdict);
  fprintf(out, "%s in truth: %s\n\n", lead, y->really);
}

/* Pictures of several scenes get numbers: demo.svg, demo-2.svg, … */
static const char *picture_name(const struct stage *st, const char *path, char *to, size_t cap) {
  const char *dot;
  if (path == NULL || st->scene == 1)
    return path;
  dot = strrchr(path, '.');
  if (dot == NULL)
    dot = path + strlen(path);
  snprintf(to, cap, "%.*s-%u%s", (int)(dot - path), path, st->scene, dot);
  return to;
}

static void open_show(struct stage *st, char *svg_name, size_t cap) {
  struct show_opts o = st->opts.show;
  if (st->opts.silent || st->error[0] != 0 || st->now.hidden)
    return;
  o.title = st->now.title;
  o.names[LEFT] = st->now.names[LEFT];
  o.names[RIGHT] = st->now.names[RIGHT];
  o.traced = 3;
  o.window = o.window || st->now.show_window;
  if (o.numbers == SHOW_RELATIVE && !st->now.relative)
    o.numbers = SHOW_ABSOLUTE; /* the small numbers of a story are what it is about */
  o.svg_path = picture_name(st, st->opts.svg_path, svg_name, cap);
  st->show = show_new(&o, st->error, sizeof st->error);
  st->shown = 0;
}

static void open_plot(struct stage *st) {
  if (st->opts.silent || st->error[0] != 0 || st->opts.plot_path == NULL)
    return;
  plot_view_init(&st->plot_view);
  for (int end = LEFT; end <= RIGHT; end++)
    st->plot_view.names[end] = st->now.names[end];
  st->plot = plot_new();
  if (st->plot == NULL)
    snprintf(st->error, sizeof st->error, "no memory for the plot");
}

/* A scene without TCP has none; that is no failure. */
static void close_plot(struct stage *st) {
  char name[512];
  const char *path = picture_name(st, st->opts.plot_path, name, sizeof name);
  if (st->plot != NULL && st->plot->n_flows != 0 && st->error[0] == 0)
    (void)plot_write_path(st->plot, &st->plot_view, path, st->error, sizeof st->error);
  plot_free(st->plot);
  st->plot = NULL;
}

static void make_end(struct stage *st, int end, tct_sim_end *e) {
  struct scene *s = &st->now;
  if (s->is_peer[end]) {
    st->peer = tct_sim_peer_new(st->world, s->script, s->script_ctx, on_trace, &st->sinks[end]);
    *e = tct_sim_peer_end(st->peer);
    return;
  }
  s->host[end].stack.trace = on_trace;
  s->host[end].stack.trace_ctx = &st->sinks[end];
  st->host[end] = tct_sim_host_new(st->world, &s->host[end]);
  if (st->host[end] != NULL) {
    *e = tct_sim_host_end(st->host[end]);
    return;
  }
  fprintf(stderr, "tercet: story %s: the stack refused its configuration\n", st->story->name);
  abort();
}

void stage_begin(struct stage *st, const struct scene *s) {
  static char svg_name[512]; /* show keeps the pointer until the scene ends */
  tct_sim_end ends[2] = {{NULL}, {NULL}};
  st->now = *s;
  if (st->opts.show.mode != SHOW_JSON)
    print_heading(st);
  open_show(st, svg_name, sizeof svg_name);
  open_plot(st);
  if (st->opts.show.mode == SHOW_JSON) /* the schema comes first */
    print_heading(st);
  if (st->pcapng_open)
    st->pcapng_if =
        tct_pcapng_add_if(&st->pcapng, s->title ? s->title : st->story->name, TCT_PCAPNG_RAW_IP);
  make_end(st, LEFT, &ends[LEFT]);
  make_end(st, RIGHT, &ends[RIGHT]);
  st->link = tct_sim_link_new(st->world, ends[LEFT], ends[RIGHT], &s->path[LEFT], &s->path[RIGHT]);
  tct_sim_link_tap(st->link, on_frame, st);
}

void stage_run(struct stage *st, tct_time until) {
  stage_run_while(st, until, NULL, NULL);
}

void stage_run_while(struct stage *st, tct_time until, bool (*done)(void *), void *ctx) {
  tct_sim_outcome o = tct_sim_run_while(st->world, until, done, ctx);
  st->ended[st->scene] = o;
  if (o == TCT_SIM_STUCK)
    stage_fail(st, "the world moves on", __FILE__, __LINE__);
}

void stage_curtain(struct stage *st) {
  if (st->show == NULL)
    return;
  if (show_finish(st->show, &st->outcome[st->scene]) < 0 && st->error[0] == 0)
    snprintf(st->error, sizeof st->error, "%s", show_error(st->show));
  show_free(st->show);
  st->show = NULL;
  if (st->opts.show.mode == SHOW_LADDER || st->opts.show.mode == SHOW_PLAIN)
    fputc('\n', st->opts.show.out);
}

void stage_end(struct stage *st) {
  st->base += tct_sim_now(st->world) + SEC(1);
  stage_curtain(st);
  close_plot(st);
  /* Stacks that are being freed tell nothing of interest. */
  tct_sim_free(st->world);
  st->world = NULL;
  st->host[LEFT] = st->host[RIGHT] = NULL;
  st->peer = NULL;
  st->link = NULL;
}

tct_stack *stage_stack(struct stage *st, int end) {
  return tct_sim_host_stack(st->host[end]);
}

/* ---- Words ---- */

void stage_note(struct stage *st, const char *format, ...) {
  char text[200];
  va_list ap;
  if (st->show == NULL)
    return;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  show_note(st->show, tct_sim_now(st->world), text);
}

static void note_later(void *ctx) {
  struct stage_later *l = ctx;
  stage_note(l->stage, "%s", l->text);
}

void stage_note_at(struct stage *st, tct_time when, const char *text) {
  struct stage_later *l;
  if (st->n_later == STAGE_NOTES_MAX)
    return;
  l = &st->later[st->n_later++];
  *l = (struct stage_later){st, text};
  tct_sim_at(st->world, when, note_later, l);
}

static void put_json_text(FILE *out, const char *text) {
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      fputc('\\', out);
    if ((unsigned char)*text >= ' ')
      fputc(*text, out);
  }
}

void stage_say(struct stage *st, const char *format, ...) {
  char text[512];
  FILE *out = st->opts.show.out;
  va_list ap;
  if (!stage_is_shown(st) || st->opts.show.mode == SHOW_NONE)
    return;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  if (st->opts.show.mode != SHOW_JSON) {
    fprintf(out, "%s%s\n", st->opts.show.mode == SHOW_PLAIN ? "#" : "", text);
    return;
  }
  fputs("{\"event\":\"remark\",\"text\":\"", out);
  put_json_text(out, text);
  fputs("\"}\n", out);
}

/* ---- Two ends that talk ---- */

void stage_must(struct stage *st, long result, const char *what) {
  if (result < 0)
    stage_fail(st, what, tct_strerror((int)result), 0);
}

void talk_set_isn(struct stage *st, int end, tct_sock k, int64_t isn) {
  if (isn >= 0)
    MUST(st, tct_sock_set(stage_stack(st, end), k, TCT_OPT_ISN, isn));
}

void talk_listen(struct stage *st, struct talk *t, int end, int64_t isn) {
  t->listener.flows = &t->server;
  t->listener.n_flows = 1;
  MUST(st, tct_sim_server_open(&t->listener, st->host[end]));
  talk_set_isn(st, end, t->listener.app.sock, isn);
  MUST(st, tct_sim_server_start(&t->listener, SERVER_PORT, 16));
}

void talk_connect(struct stage *st, struct talk *t, int end, int64_t isn) {
  tct_endpoint local = {.addr = st->now.host[end].addr, .port = CLIENT_PORT};
  tct_endpoint remote = {.addr = st->now.host[1 - end].addr, .port = SERVER_PORT};
  MUST(st, tct_sim_flow_open(&t->client, st->host[end]));
  MUST(st, tct_sock_bind(stage_stack(st, end), t->client.app.sock, &local));
  talk_set_isn(st, end, t->client.app.sock, isn);
  MUST(st, tct_sim_flow_connect_sock(&t->client, &remote));
}

void talk_start(struct stage *st, struct talk *t, int64_t client_isn, int64_t server_isn) {
  talk_listen(st, t, RIGHT, server_isn);
  talk_connect(st, t, LEFT, client_isn);
}
