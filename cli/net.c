/* SPDX-License-Identifier: MIT */
/*
 * net.c - what serve, get, listen, connect and handshake share: --dev, --addr and friends, and the
 * host, ladder and capture made from them.
 *
 * Called by the verbs. Options are explained by args.c from the table here; segments are drawn by
 * cli/show; frames are written by drivers/tee_pcapng.
 */
#define _GNU_SOURCE
#include "cli/net.h"
#include "drivers/discard.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* ---- Options --------------------------------------------------------------------------------- */

static const char *take_addr(void *to, const char *value) {
  struct net_options *o = to;
  char text[64];
  uint32_t prefix;
  const char *slash = strchr(value, '/');
  if (o->n_addr == TCT_HOST_ADDRS)
    return "that is one address too many";
  if (slash == NULL || (size_t)(slash - value) >= sizeof text)
    return "write ADDRESS/PREFIX, as 10.7.0.2/24 or fd07::2/64";
  memcpy(text, value, (size_t)(slash - value));
  text[slash - value] = '\0';
  tct_host_addr *a = &o->addr[o->n_addr];
  if (tct_addr_parse(text, &a->addr) < 0)
    return "that is no IPv4 or IPv6 address";
  if (!args_number(slash + 1, 0, tct_addr_is_ipv4(a->addr) ? 32 : 128, &prefix))
    return "the prefix length must be a number up to 32 (IPv4) or 128 (IPv6)";
  a->prefix_len = prefix;
  o->n_addr++;
  return NULL;
}

static const char *take_peer(void *to, const char *value) {
  struct net_options *o = to;
  tct_addr a;
  if (tct_addr_parse(value, &a) < 0)
    return "that is no IPv4 or IPv6 address";
  o->peer[tct_addr_is_ipv4(a) ? 0 : 1] = a;
  return NULL;
}

static const char *take_dev(void *to, const char *value) {
  bool known = strncmp(value, "tun:", 4) == 0 || strncmp(value, "tap:", 4) == 0 ||
               strncmp(value, "xdp:", 4) == 0;
  if (!known || value[4] == '\0')
    return "use tun:NAME, tap:NAME or xdp:INTERFACE, as tun:tct0";
  *(const char **)to = value;
  return NULL;
}

static const char *take_color(void *to, const char *value) {
  if (strcmp(value, "always") != 0 && strcmp(value, "never") != 0 && strcmp(value, "auto") != 0)
    return "it is always, never or auto";
  *(const char **)to = value;
  return NULL;
}

static const char *take_profile(void *to, const char *value) {
  if (strcmp(value, "linux") != 0 && strcmp(value, "strict") != 0)
    return "it is linux or strict";
  *(bool *)to = strcmp(value, "strict") == 0;
  return NULL;
}

const struct args_option *net_option_table(struct net *n) {
  static struct args_option table[20];
  struct net_options *o = &n->o;
  const struct args_option all[] = {
      {"dev", 0, ARGS_CALL, &o->dev, "KIND:NAME",
       "tun: or tap: the device to make (tun:tctN); xdp: an interface to take over", 0, 0,
       take_dev},
      {"addr", 0, ARGS_CALL, o, "A/P", "tercet's address; once more for the other family", 0, 0,
       take_addr},
      {"peer-addr", 0, ARGS_CALL, o, "A", "the kernel's end (the prefix's other first address)", 0,
       0, take_peer},
      {"mtu", 0, ARGS_NUMBER, &o->mtu, "N", "largest IP packet on the device (1500)", 576, 65535,
       NULL},
      {"no-offload", 0, ARGS_FLAG, &o->no_offload, NULL,
       "one packet a call, no merging by the kernel", 0, 0, NULL},
      {"spin", 0, ARGS_NUMBER, &o->spin_us, "US",
       "watch the device so many microseconds before sleeping (0)", 0, 1000000, NULL},
      {"profile", 0, ARGS_CALL, &o->strict, "P",
       "linux (as Linux does) or strict (as the RFC says)", 0, 0, take_profile},
      {"pcapng", 0, ARGS_TEXT, &o->pcapng, "FILE", "write every packet, with its reason", 0, 0,
       NULL},
      {"svg", 0, ARGS_TEXT, &o->svg, "FILE", "draw the ladder as a picture", 0, 0, NULL},
      {"plot", 0, ARGS_TEXT, &o->plot, "FILE", "draw sequence numbers over time, windows, RTT", 0,
       0, NULL},
      {"record", 0, ARGS_TEXT, &o->record, "FILE",
       "everything that the stack is told, for tercet replay; with keys and payload", 0, 0, NULL},
      {"ladder", 0, ARGS_FLAG, &o->ladder, NULL, "draw each segment as it passes", 0, 0, NULL},
      {"plain", 0, ARGS_FLAG, &o->plain, NULL, "one event a line", 0, 0, NULL},
      {"json", 0, ARGS_FLAG, &o->json, NULL, "JSON Lines", 0, 0, NULL},
      {"abs", 0, ARGS_FLAG, &o->abs, NULL, "absolute sequence numbers, too", 0, 0, NULL},
      {"why", 0, ARGS_FLAG, &o->why, NULL, "the reason of each segment, with its RFC", 0, 0, NULL},
      {"ascii", 0, ARGS_FLAG, &o->ascii, NULL, "no Unicode", 0, 0, NULL},
      {"color", 0, ARGS_CALL, &o->color, "WHEN", "always, never or auto", 0, 0, take_color},
  };
  memset(table, 0, sizeof table);
  memcpy(table, all, sizeof all);
  return table;
}

/* ---- Defaults -------------------------------------------------------------------------------- */

/* True when some interface of this machine lives in 10.7.`third`.0/24. */
static bool is_taken(const struct ifaddrs *list, unsigned third) {
  for (; list != NULL; list = list->ifa_next) {
    struct sockaddr_in in;
    uint8_t b[4];
    if (list->ifa_addr == NULL || list->ifa_addr->sa_family != AF_INET)
      continue;
    memcpy(&in, list->ifa_addr, sizeof in);
    memcpy(b, &in.sin_addr, sizeof b);
    if (b[0] == 10 && b[1] == 7 && b[2] == third)
      return true;
  }
  return false;
}

/* Nothing said: 10.7.N.2/24 and fd07:0:0:N::2/64, the first N that is free here. */
static void choose_addrs(struct net_options *o) {
  struct ifaddrs *list = NULL;
  uint8_t n = 0;
  if (getifaddrs(&list) != 0)
    list = NULL;
  while (n < 255 && is_taken(list, n))
    n++;
  freeifaddrs(list);
  o->addr[0] = (tct_host_addr){.addr = tct_addr_ipv4(10, 7, n, 2), .prefix_len = 24};
  o->n_addr = 1;
  if (o->mtu != 0 && o->mtu < 1280)
    return;
  o->addr[1] = (tct_host_addr){.addr = {{0xfd, 0x07, 0, 0, 0, 0, 0, n, 0, 0, 0, 0, 0, 0, 0, 2}},
                               .prefix_len = 64};
  o->n_addr = 2;
}

static void place_peers(struct net_options *o) {
  for (unsigned i = 0; i < o->n_addr; i++)
    o->addr[i].peer = o->peer[tct_addr_is_ipv4(o->addr[i].addr) ? 0 : 1];
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int fail(struct net *n, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct net *n, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(n->error, sizeof n->error, format, args);
  va_end(args);
  return args_fail(n->verb, ARGS_EXIT_USAGE, "%s", n->error);
}

static enum show_mode choose_mode(const struct net_options *o, const struct show_opts *s) {
  if (o->json)
    return SHOW_JSON;
  if (o->plain)
    return SHOW_PLAIN;
  return s->mode; /* a ladder on a terminal, plain lines else */
}

static int open_show(struct net *n, const struct net_view *view) {
  struct show_opts s;
  char error[200];
  bool draw = view->always || n->o.ladder;
  if (!draw && n->o.svg == NULL)
    return ARGS_GO;
  show_opts_init(&s, view->out);
  s.mode = draw ? choose_mode(&n->o, &s) : SHOW_NONE;
  if (n->o.ladder && !n->o.plain && !n->o.json)
    s.mode = SHOW_LADDER;
  if (n->o.color != NULL)
    (void)term_set_colour(&s.term, n->o.color);
  if (n->o.ascii)
    term_set_ascii(&s.term);
  s.numbers = n->o.abs ? SHOW_BOTH : SHOW_RELATIVE;
  s.why = n->o.why;
  s.names[SHOW_LEFT] = view->left;
  s.names[SHOW_RIGHT] = view->right;
  s.traced = 1u << view->our_end;
  s.svg_path = n->o.svg;
  n->show = show_new(&s, error, sizeof error);
  return n->show != NULL ? ARGS_GO : fail(n, "%s", error);
}

/* The sender's window, if it has changed since the last note; else NULL. */
static const char *note_window(struct net *n, char note[PLOT_NOTE_MAX]) {
  if (n->window.value == 0)
    return NULL;
  plot_note_cc(note, n->window.value, n->window.value2, n->window.value3);
  n->window.value = 0;
  return note;
}

/* A frame whose socket is not the one that the word is about is left alone. */
static bool is_of_window(const struct net *n, const tct_frame *f) {
  return f->sock.index == n->window.sock.index && f->sock.gen == n->window.sock.gen;
}

void net_frame(void *ctx, const tct_frame *f, bool outbound, tct_time now) {
  struct net *n = ctx;
  char note[PLOT_NOTE_MAX];
  if (!n->teeing)
    return;
  if (outbound)
    tct_tee_pcapng_out(&n->tee, f, now, is_of_window(n, f) ? note_window(n, note) : NULL);
  else
    tct_tee_pcapng_in(&n->tee, f, now, NULL);
}

static int open_tee(struct net *n, const char *if_name) {
  if (n->o.pcapng == NULL)
    return ARGS_GO;
  int err = tct_tee_pcapng_open(&n->tee, n->o.pcapng, if_name, n->link);
  if (err < 0)
    return fail(n, "cannot write %s: %s", n->o.pcapng, strerror(-err));
  n->teeing = true;
  return ARGS_GO;
}

static void draw_waiting(void *ctx) {
  struct net *n = ctx;
  if (n->show == NULL)
    return;
  show_flush(n->show, tct_host_now(n->host));
  fflush(n->out); /* live also through a pipe */
}

static int open_plot(struct net *n) {
  if (n->o.plot == NULL)
    return ARGS_GO;
  bool was_there = access(n->o.plot, F_OK) == 0;
  FILE *f = fopen(n->o.plot, "a"); /* to complain now, not after the transfer */
  if (f == NULL)
    return fail(n, "cannot write %s: %s", n->o.plot, strerror(errno));
  fclose(f);
  if (!was_there)
    tct_discard(n->o.plot);
  n->plot = plot_new();
  return n->plot != NULL ? ARGS_GO : fail(n, "no memory for the plot");
}

static int close_plot(struct net *n) {
  char error[300];
  struct plot_view v;
  plot_view_init(&v);
  bool ok = n->plot == NULL || plot_write_path(n->plot, &v, n->o.plot, error, sizeof error);
  plot_free(n->plot);
  n->plot = NULL;
  return ok ? ARGS_EXIT_OK : fail(n, "%s", error);
}

bool net_wants_trace(const struct net *n) {
  return n->show != NULL || n->plot != NULL || n->teeing;
}

void net_trace(void *ctx, const tct_trace *t) {
  struct net *n = ctx;
  if (t->kind == TCT_TRACE_CC)
    n->window = *t;
  if (n->show != NULL)
    show_sink_fn(n->sink, t);
  if (n->plot != NULL)
    plot_trace(n->plot, t);
}

/* What the capture calls the device; its own name may not be known yet. */
static const char *capture_if(const tct_host_config *c) {
  return strchr(c->dev, '%') == NULL ? c->dev + 4 : "tct";
}

/* What a reader of the recording will want to know; the configuration is in it anyway. */
static int open_record(struct net *n, const struct net_view *view, const char *if_name) {
  char about[400], error[300];
  if (n->o.record == NULL)
    return ARGS_GO;
  snprintf(about, sizeof about,
           "program=tercet %s\nversion=%s\nside=%s\nleft=%s\nright=%s\nif=%s\nlink=%s\n",
           n->verb->name, TCT_VERSION, view->our_end == SHOW_LEFT ? "left" : "right", view->left,
           view->right, if_name, n->link == TCT_LINK_ETHERNET ? "ethernet" : "ip");
  n->record = tct_record_open(n->o.record, about, error, sizeof error);
  return n->record != NULL ? ARGS_GO : fail(n, "%s", error);
}

static int close_record(struct net *n) {
  int err = tct_record_close(n->record);
  n->record = NULL;
  return err < 0 ? fail(n, "recording to %s stopped early: %s", n->o.record, strerror(-err))
                 : ARGS_EXIT_OK;
}

static int open_host(struct net *n, tct_host_config *c, const struct net_view *view) {
  char error[300];
  c->stack.profile = n->o.strict ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX;
  if (net_wants_trace(n)) {
    c->stack.trace = net_trace;
    c->stack.trace_ctx = n;
  }
  if (n->teeing) {
    c->frame_fn = net_frame;
    c->frame_ctx = n;
    n->tee.w.epoch_ns = c->stack.epoch_ns;
  }
  if (open_record(n, view, capture_if(c)) != ARGS_GO)
    return ARGS_EXIT_USAGE;
  c->record = n->record;
  c->mtu = n->o.mtu;
  c->no_offload = n->o.no_offload;
  c->spin_ns = (tct_time)n->o.spin_us * 1000;
  c->n_addr = n->o.n_addr;
  memcpy(c->addr, n->o.addr, sizeof c->addr);
  c->mesh = n->mesh;
  n->config = *c;
  n->host = tct_host_new(c, error, sizeof error);
  if (n->host == NULL) {
    (void)close_record(n);
    return fail(n, "%s", error);
  }
  n->stack = tct_host_stack(n->host);
  tct_host_on_idle(n->host, draw_waiting, n);
  return ARGS_GO;
}

/* A picture or a capture is of one stack. */
static int open_mesh(struct net *n) {
  if (n->o.cores < 2)
    return ARGS_GO;
  if (n->show != NULL || n->plot != NULL || n->teeing || n->o.record != NULL)
    return fail(n, "--cores goes without --ladder, --svg, --plot, --pcapng and --record: they are "
                   "of one stack");
  n->mesh = tct_host_mesh_new(n->o.cores);
  return n->mesh != NULL ? ARGS_GO : fail(n, "no memory for %u cores", n->o.cores);
}

int net_open_other(struct net *n, unsigned core, tct_host **out) {
  char error[300];
  tct_host_config c = n->config, fresh;
  if (tct_host_config_init(&fresh, sizeof fresh) < 0)
    return fail(n, "the system gives no random numbers");
  memcpy(c.stack.seed, fresh.stack.seed, sizeof c.stack.seed); /* keys are shared, lots are not */
  c.core = core;
  *out = tct_host_new(&c, error, sizeof error);
  return *out != NULL ? ARGS_EXIT_OK : fail(n, "%s", error);
}

static void drop_views(struct net *n) {
  if (n->teeing) {
    (void)tct_tee_pcapng_close(&n->tee);
    tct_discard(n->o.pcapng); /* nothing half-made is left */
  }
  show_free(n->show);
  if (n->show != NULL && n->o.svg != NULL)
    tct_discard(n->o.svg);
  plot_free(n->plot);
}

int net_open_views(struct net *n, const struct args_verb *verb, const struct net_view *view,
                   const char *if_name) {
  n->verb = verb;
  n->out = view->out;
  int code = open_show(n, view);
  if (code == ARGS_GO && n->show != NULL)
    n->sink = show_sink(n->show, view->our_end);
  if (code == ARGS_GO)
    code = open_tee(n, if_name);
  if (code == ARGS_GO)
    code = open_plot(n);
  if (code != ARGS_GO)
    drop_views(n);
  return code;
}

int net_open(struct net *n, const struct args_verb *verb, const struct net_view *view) {
  tct_host_config c;
  n->verb = verb;
  if (tct_host_config_init(&c, sizeof c) < 0)
    return fail(n, "the system gives no random numbers");
  if (n->o.n_addr == 0 && n->o.dev != NULL && strncmp(n->o.dev, "xdp:", 4) == 0)
    return fail(n, "%s needs --addr: an address of that network which nobody has", n->o.dev);
  if (n->o.n_addr == 0)
    choose_addrs(&n->o);
  place_peers(&n->o);
  c.dev = n->o.dev != NULL ? n->o.dev : "tun:tct%d";
  n->link = strncmp(c.dev, "tun:", 4) == 0 ? TCT_LINK_IP : TCT_LINK_ETHERNET;
  int code = net_open_views(n, verb, view, capture_if(&c));
  if (code != ARGS_GO)
    return code;
  code = open_mesh(n);
  if (code == ARGS_GO)
    code = open_host(n, &c, view);
  if (code != ARGS_GO)
    drop_views(n);
  return code;
}

int net_close(struct net *n, struct show_outcome *outcome) {
  int code = ARGS_EXIT_OK, err;
  tct_host_free(n->host);
  tct_host_mesh_free(n->mesh);
  n->host = NULL;
  n->mesh = NULL;
  if ((err = close_record(n)) != ARGS_EXIT_OK)
    code = err;
  if (n->show != NULL && show_finish(n->show, outcome) < 0)
    code = fail(n, "%s", show_error(n->show));
  show_free(n->show);
  n->show = NULL;
  if ((err = close_plot(n)) != ARGS_EXIT_OK)
    code = err;
  if (n->teeing && (err = tct_tee_pcapng_close(&n->tee)) < 0)
    code = fail(n, "writing %s failed: %s", n->o.pcapng, strerror(-err));
  n->teeing = false;
  return code;
}

/* ---- Names and words ------------------------------------------------------------------------- */

bool net_has_family(const struct net *n, bool v4) {
  for (unsigned i = 0; i < n->o.n_addr; i++)
    if (tct_addr_is_ipv4(n->o.addr[i].addr) == v4)
      return true;
  return false;
}

int net_resolve(struct net *n, const struct url *u, tct_endpoint *out) {
  const char *wrong = url_resolve(u, net_has_family(n, true), net_has_family(n, false), out);
  if (wrong == NULL)
    return ARGS_GO;
  bool literal = tct_addr_parse(u->host, &out->addr) == TCT_OK;
  return args_fail(n->verb, literal ? ARGS_EXIT_USAGE : ARGS_EXIT_NETWORK, "%s: %s", u->host,
                   wrong);
}

void net_endpoint_text(const tct_endpoint *e, char text[NET_ENDPOINT_TEXT]) {
  char addr[46];
  bool v4 = tct_addr_is_ipv4(e->addr);
  tct_addr_text(e->addr, addr, sizeof addr);
  snprintf(text, NET_ENDPOINT_TEXT, v4 ? "%s:%u" : "[%s]:%u", addr, e->port);
}

const char *net_explain(struct net *n, const tct_endpoint *peer, int err, tct_why why) {
  char to[NET_ENDPOINT_TEXT];
  net_endpoint_text(peer, to);
  switch (err) {
  case TCT_ECONNREFUSED:
    snprintf(n->error, sizeof n->error, "%s refused: the host is up, nothing listens on that port",
             to);
    break;
  case TCT_ETIMEDOUT:
    snprintf(n->error, sizeof n->error, "%s gave no answer: filtered, or the host is down%s%s", to,
             why != TCT_WHY_NONE ? "; " : "", why != TCT_WHY_NONE ? tct_why_text(why) : "");
    break;
  case TCT_ECONNRESET:
    snprintf(n->error, sizeof n->error, "%s reset the connection", to);
    break;
  case TCT_EINTR:
    snprintf(n->error, sizeof n->error, "interrupted");
    break;
  case TCT_ENODEV:
    snprintf(n->error, sizeof n->error, "the device was removed under us");
    break;
  default:
    snprintf(n->error, sizeof n->error, "%s: %s%s%s", to, tct_strerror(err),
             why != TCT_WHY_NONE ? "; " : "", why != TCT_WHY_NONE ? tct_why_text(why) : "");
  }
  return n->error;
}
