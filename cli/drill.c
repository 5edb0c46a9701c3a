/* SPDX-License-Identifier: MIT */
/*
 * drill.c - `tercet drill`: plays packet scripts against the stack in this process and says which
 * pass. Called by main.c. The work is drill/'s.
 */
#define _GNU_SOURCE
#include "cli/plot/plot.h"
#include "cli/show/show.h"
#include "drill/compare.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "drill/drill.h"

int cmd_drill(int argc, char **argv);

enum { OVERRIDES_MAX = 64, DEPTH_MAX = 16, SECONDS_MAX = 240, TRIES_MAX = 5, PARALLEL_MAX = 256 };

struct drill_cli {
  const char *overrides[OVERRIDES_MAX];
  size_t n_overrides;
  const char *profile, *plot, *so;
  bool quiet, tap, parse_only, both, any_profile, diff, wants_log, wants_frames, is_wrong;
  unsigned passed, failed, skipped;
  enum drill_against against;
  unsigned parallel; /* scripts at a time, in real time */
  struct slot *slots;
  size_t n_slots, cap_slots, n_begun, n_told;
};

/* A script that is to be played in a process of its own. */
struct slot {
  char *path;
  enum drill_against against;
  const char *extra; /* a further override, or NULL */
  struct drill_task task;
  struct drill_result result;
  time_t begun;
  unsigned tries;
  bool is_running, is_done;
};

static const char help[] =
    "tercet drill - play packet scripts against the stack, in virtual time\n"
    "\n"
    "  tercet drill [OPTION]... FILE|DIR...\n"
    "\n"
    "A DIR is searched for *.pkt. One line a script: `ok PATH` or `FAIL PATH:LINE why`, then what "
    "was\n"
    "expected, what was seen, and the segments up to there. Exit 0: all passed; 1: one failed.\n"
    "\n"
    "  --against linux         this machine's kernel in place of the stack, in real time (root)\n"
    "  --diff                  both, and where they first part, whatever the script expects\n"
    "  --against PATH/X.so     a TCP in a shared object, driven as packetdrill drives it (root)\n"
    "  --any-profile           with --against linux: scripts for the strict profile, too\n"
    "  --parallel N            scripts at a time with --against linux (8)\n"
    "  --profile strict|linux  for scripts that name none (linux)\n"
    "  --plot FILE             one script's segments as a time-sequence graph (docs/plot.md)\n"
    "  --frames                after a failure: the segments in the script's notation, no ladder\n"
    "  --log                   play to the end whatever is expected, and list all that happened\n"
    "  --quiet                 only failures, one line each, and the sum\n"
    "  --tap                   Test Anything Protocol, for test runners\n"
    "  --both                  scripts that name no ip_version: over IPv4, then over IPv6\n"
    "  --parse                 read the scripts, play nothing\n"
    "  -D NAME=VALUE           replace a word in the scripts\n"
    "  --NAME[=VALUE]          any option line of the language, over the script's own\n"
    "\n"
    "The language is packetdrill's; docs/drill.md tells it and what is added.\n";

static void print_text(const char *text) {
  if (text)
    fputs(text, stdout);
}

static void print_commented(const char *details) {
  for (const char *p = details; p && *p;) {
    size_t n = strcspn(p, "\n");
    printf("# %.*s\n", (int)n, p);
    p += n + (p[n] == '\n');
  }
}

static void report(struct drill_cli *c, const char *path, const char *how,
                   const struct drill_result *res) {
  if (res->skipped) {
    c->skipped++;
    if (!c->quiet)
      printf("%s %s%s # SKIP %s\n", c->tap ? "ok -" : "skip", path, how, res->why);
    return;
  }
  c->is_wrong = c->is_wrong || res->is_refused;
  if (res->passed)
    c->passed++;
  else
    c->failed++;
  if (c->tap) {
    printf("%s - %s%s\n", res->passed ? "ok" : "not ok", path, how);
    if (!res->passed)
      printf("# %s:%d %s\n", path, res->line, res->why);
    print_commented(res->details);
    print_commented(res->frames);
  } else if (!res->passed) {
    printf("FAIL %s:%d%s %s\n", path, res->line, how, res->why);
    if (!c->quiet)
      print_text(res->details), print_text(res->frames);
  } else if (!c->quiet) {
    printf("ok %s%s\n", path, how);
  }
  if (c->wants_log)
    print_text(res->log);
  fflush(stdout); /* should a script bring the stack down, its predecessors are told */
}

/* overrides has room for one more than the command line may give. */
static struct drill_options options_for(const struct drill_cli *c, const char **overrides,
                                        const char *extra) {
  struct drill_options o = {.overrides = overrides, .parse_only = c->parse_only};
  memcpy(overrides, c->overrides, c->n_overrides * sizeof overrides[0]);
  o.n_overrides = c->n_overrides;
  o.against = c->against;
  o.so = c->so;
  o.any_profile = c->any_profile;
  o.log = c->wants_log;
  if (extra)
    overrides[o.n_overrides++] = extra;
  return o;
}

/* A script without a segment has none. */
static void write_plot(struct drill_cli *c, struct plot *p) {
  char error[300];
  struct plot_view v;
  plot_view_init(&v);
  if (p != NULL && p->n_flows == 0)
    snprintf(error, sizeof error, "no plot: the script has no segment");
  else if (p != NULL && plot_write_path(p, &v, c->plot, error, sizeof error))
    return;
  fprintf(stderr, "tercet drill: %s\n", p != NULL ? error : "no memory for the plot");
  c->is_wrong = true;
}

/* The frames of a failed script as a ladder: its time is virtual, so it goes the same way again. */
static void draw_ladder(const char *path, const struct drill_options *o, struct drill_result *res) {
  char error[300], *text = NULL;
  size_t size;
  struct drill_options traced = *o;
  struct drill_result again;
  struct show_opts opts;
  FILE *to = open_memstream(&text, &size);
  if (!to)
    return;
  show_opts_init(&opts, to);
  opts.mode = SHOW_LADDER;
  opts.names[SHOW_LEFT] = "script";
  opts.names[SHOW_RIGHT] = "stack";
  opts.traced = 1u << SHOW_RIGHT;
  opts.why = opts.no_summary = true;
  struct show *show = show_new(&opts, error, sizeof error);
  if (show) {
    traced.trace = show_sink_fn;
    traced.trace_ctx = show_sink(show, SHOW_RIGHT);
    drill_play_file(path, &traced, &again);
    (void)show_finish(show, NULL);
    show_free(show);
    free(again.details);
    free(again.frames);
  }
  fclose(to);
  if (text && *text) {
    free(res->frames);
    res->frames = text;
  } else {
    free(text);
  }
}

/* Once; extra: a further override, or NULL. True: IPv6 would do as well. */
static bool play_once(struct drill_cli *c, const char *path, const char *extra) {
  struct drill_result res;
  const char *overrides[OVERRIDES_MAX + 1];
  struct drill_options o = options_for(c, overrides, extra);
  struct plot *plot = c->plot && !c->parse_only ? plot_new() : NULL;
  o.trace = plot ? plot_trace_fn : NULL;
  o.trace_ctx = plot;
  drill_play_file(path, &o, &res);
  if (c->plot && !c->parse_only)
    write_plot(c, plot);
  plot_free(plot);
  if (!res.passed && res.frames && !c->quiet && !c->wants_frames)
    draw_ladder(path, &o, &res);
  report(c, path, extra ? " (ipv6)" : "", &res);
  free(res.details);
  free(res.frames);
  free(res.log);
  return !res.names_ip_version;
}

/* ---- In processes of their own, several at a time ---------------------------------------------
 */

static void begin_slot(struct drill_cli *c, struct slot *s) {
  const char *overrides[OVERRIDES_MAX + 1];
  struct drill_options o = options_for(c, overrides, s->extra);
  o.against = s->against;
  o.so = c->so;
  o.log = c->diff || c->wants_log;
  fflush(stdout);
  s->tries++;
  s->is_running = drill_start(s->path, &o, &s->task);
  s->is_done = !s->is_running;
  s->begun = time(NULL);
  if (s->is_done)
    snprintf(s->result.why, sizeof s->result.why, "no process to play it in");
}

/* Once more, and again as long as only the time was wrong: the machine may have been busy. */
static void end_slot(struct drill_cli *c, struct slot *s) {
  drill_finish(&s->task, &s->result);
  s->is_running = false;
  s->is_done = true;
  bool is_final = s->result.passed || s->result.skipped || s->result.is_refused;
  unsigned tries = s->result.is_timing ? TRIES_MAX : 2;
  if (is_final || s->against == DRILL_AGAINST_OURS || s->tries >= tries)
    return;
  free(s->result.details);
  free(s->result.frames);
  free(s->result.log);
  begin_slot(c, s);
}

static void wait_slots(struct drill_cli *c) {
  struct pollfd p[PARALLEL_MAX];
  struct slot *of[PARALLEL_MAX];
  nfds_t n = 0;
  for (size_t i = c->n_told; i < c->n_begun && n < PARALLEL_MAX; i++) {
    if (!c->slots[i].is_running)
      continue;
    of[n] = &c->slots[i];
    p[n++] = (struct pollfd){.fd = c->slots[i].task.pipe, .events = POLLIN};
  }
  (void)poll(p, n, 1000);
  for (nfds_t i = 0; i < n; i++)
    if (p[i].revents || time(NULL) - of[i]->begun > SECONDS_MAX)
      end_slot(c, of[i]);
}

static unsigned count_running(const struct drill_cli *c) {
  unsigned n = 0;
  for (size_t i = c->n_told; i < c->n_begun; i++)
    n += c->slots[i].is_running;
  return n;
}

/* Where the two runs of one script part. */
static void report_difference(struct drill_cli *c, struct slot *ours, struct slot *theirs) {
  struct drill_difference d;
  const char *how = theirs->extra ? " (ipv6)" : "";
  if (theirs->result.skipped || !theirs->result.passed || !ours->result.passed) {
    struct drill_result *which = ours->result.passed ? &theirs->result : &ours->result;
    report(c, ours->path, how, which);
    return;
  }
  bool differs = drill_compare(ours->result.log ? ours->result.log : "",
                               theirs->result.log ? theirs->result.log : "", &d);
  if (!differs) {
    c->passed++;
    if (!c->quiet)
      printf("same %s%s\n", ours->path, how);
    return;
  }
  c->failed++;
  printf("DIFF %s:%d%s %s\n", ours->path, d.line, how, d.what);
  if (!c->quiet)
    printf("    ours  %s\n    linux %s\n", d.ours, d.theirs);
}

static void tell_slots(struct drill_cli *c) {
  for (; c->n_told < c->n_begun && c->slots[c->n_told].is_done; c->n_told++) {
    struct slot *s = &c->slots[c->n_told];
    if (!c->diff)
      report(c, s->path, s->extra ? " (ipv6)" : "", &s->result);
    else if (s->against == DRILL_AGAINST_LINUX)
      report_difference(c, s - 1, s);
  }
}

static void free_slots(struct drill_cli *c) {
  for (size_t i = 0; i < c->n_slots; i++) {
    free(c->slots[i].result.details);
    free(c->slots[i].result.frames);
    free(c->slots[i].result.log);
    free(c->slots[i].path);
  }
}

static void play_slots(struct drill_cli *c) {
  while (c->n_told < c->n_slots) {
    while (c->n_begun < c->n_slots && count_running(c) < c->parallel)
      begin_slot(c, &c->slots[c->n_begun++]);
    if (count_running(c) > 0)
      wait_slots(c);
    tell_slots(c);
  }
  free_slots(c);
  free(c->slots);
}

static void add_slot(struct drill_cli *c, const char *path, const char *extra,
                     enum drill_against against) {
  if (c->n_slots == c->cap_slots) {
    c->cap_slots = c->cap_slots ? c->cap_slots * 2 : 64;
    struct slot *more = realloc(c->slots, c->cap_slots * sizeof *more);
    if (!more)
      abort();
    c->slots = more;
  }
  c->slots[c->n_slots++] = (struct slot){.path = strdup(path), .extra = extra, .against = against};
}

static void plan_once(struct drill_cli *c, const char *path, const char *extra) {
  if (c->diff)
    add_slot(c, path, extra, DRILL_AGAINST_OURS);
  add_slot(c, path, extra, DRILL_AGAINST_LINUX);
}

static void plan_file(struct drill_cli *c, const char *path) {
  struct drill_result res;
  const char *overrides[OVERRIDES_MAX + 1];
  struct drill_options o = options_for(c, overrides, NULL);
  o.parse_only = true;
  drill_play_file(path, &o, &res);
  free(res.details);
  plan_once(c, path, NULL);
  if (c->both && !res.names_ip_version)
    plan_once(c, path, "default_ip_version=ipv6");
}

static void play_file(struct drill_cli *c, const char *path) {
  if (c->against == DRILL_AGAINST_LINUX && !c->parse_only) {
    plan_file(c, path);
    return;
  }
  bool is_either = play_once(c, path, NULL);
  if (c->both && is_either)
    (void)play_once(c, path, "default_ip_version=ipv6");
}

static int is_script_or_dir(const struct dirent *d) {
  size_t n = strlen(d->d_name);
  if (d->d_name[0] == '.')
    return 0;
  return d->d_type == DT_DIR || d->d_type == DT_UNKNOWN || d->d_type == DT_LNK ||
         (n > 4 && strcmp(d->d_name + n - 4, ".pkt") == 0);
}

static void play_path(struct drill_cli *c, const char *path, int depth);

static void play_entry(struct drill_cli *c, const char *dir, const char *name, int depth) {
  size_t n = strlen(dir) + strlen(name) + 2, len = strlen(name);
  struct stat st = {0};
  char *path = malloc(n);
  if (!path)
    return;
  snprintf(path, n, "%s/%s", dir, name);
  bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  if (is_dir || (len > 4 && strcmp(name + len - 4, ".pkt") == 0))
    play_path(c, path, depth + 1);
  free(path);
}

static void play_dir(struct drill_cli *c, const char *dir, int depth) {
  struct dirent **entries;
  int n = scandir(dir, &entries, is_script_or_dir, alphasort);
  if (n < 0) {
    fprintf(stderr, "tercet drill: cannot read %s: %s\n", dir, strerror(errno));
    c->is_wrong = true;
    return;
  }
  for (int i = 0; i < n; i++) {
    if (depth < DEPTH_MAX)
      play_entry(c, dir, entries[i]->d_name, depth);
    free(entries[i]);
  }
  free(entries);
}

static void play_path(struct drill_cli *c, const char *path, int depth) {
  struct stat st = {0};
  if (stat(path, &st) < 0) {
    fprintf(stderr, "tercet drill: cannot read %s: %s\n", path, strerror(errno));
    c->is_wrong = true;
  } else if (S_ISDIR(st.st_mode)) {
    size_t n = strlen(path);
    char *dir = strdup(path);
    while (dir && n > 1 && dir[n - 1] == '/')
      dir[--n] = '\0';
    if (dir)
      play_dir(c, dir, depth);
    free(dir);
  } else {
    play_file(c, path);
  }
}

static bool add_override(struct drill_cli *c, const char *text) {
  if (c->n_overrides == OVERRIDES_MAX)
    return false;
  c->overrides[c->n_overrides++] = text;
  return true;
}

/* -D NAME=value and --define NAME=value are the language's --define=NAME=value. */
static bool add_define(struct drill_cli *c, const char *value) {
  static char texts[OVERRIDES_MAX][256];
  if (c->n_overrides == OVERRIDES_MAX)
    return false;
  char *text = texts[c->n_overrides];
  int n = snprintf(text, sizeof texts[0], "define=%s", value);
  return n > 0 && (size_t)n < sizeof texts[0] && add_override(c, text);
}

static bool set_parallel(struct drill_cli *c, const char *value) {
  c->parallel = (unsigned)strtoul(value, NULL, 10);
  return c->parallel > 0 && c->parallel <= PARALLEL_MAX;
}

/* How many words were used; 0: it is no option of ours. */
static int take_option(struct drill_cli *c, int left, char **argv) {
  const char *a = argv[0];
  if (strcmp(a, "--quiet") == 0 || strcmp(a, "-q") == 0)
    return c->quiet = true, 1;
  if (strcmp(a, "--tap") == 0)
    return c->tap = true, 1;
  if (strcmp(a, "--both") == 0)
    return c->both = true, 1;
  if (strcmp(a, "--parse") == 0)
    return c->parse_only = true, 1;
  if (strcmp(a, "--log") == 0)
    return c->wants_log = true, 1;
  if (strcmp(a, "--frames") == 0)
    return c->wants_frames = true, 1;
  if (strcmp(a, "--diff") == 0)
    return c->diff = true, c->against = DRILL_AGAINST_LINUX, 1;
  if (strcmp(a, "--any-profile") == 0)
    return c->any_profile = true, 1;
  bool is_define = strcmp(a, "-D") == 0 || strcmp(a, "--define") == 0;
  if (is_define)
    return left > 1 && add_define(c, argv[1]) ? 2 : 0;
  bool is_against = strcmp(a, "--against") == 0;
  if (is_against && left > 1 && strcmp(argv[1], "linux") == 0)
    return c->against = DRILL_AGAINST_LINUX, 2;
  if (is_against && left > 1 && strchr(argv[1], '/'))
    return c->against = DRILL_AGAINST_LINUX, c->so = argv[1], 2;
  if (strcmp(a, "--parallel") == 0 && left > 1)
    return set_parallel(c, argv[1]) ? 2 : 0;
  if (is_against)
    return 0;
  if (strcmp(a, "--plot") == 0)
    return left > 1 ? (c->plot = argv[1], 2) : 0;
  if (strcmp(a, "--profile") == 0 && left > 1)
    return c->profile = argv[1], 2;
  if (strncmp(a, "--profile=", 10) == 0)
    return c->profile = a + 10, 1;
  return strncmp(a, "--", 2) == 0 && a[2] && add_override(c, a + 2) ? 1 : 0;
}

static bool set_profile(struct drill_cli *c) {
  if (!c->profile)
    return true;
  if (strcmp(c->profile, "strict") != 0 && strcmp(c->profile, "linux") != 0) {
    fprintf(stderr, "tercet drill: --profile %s: give strict or linux\n", c->profile);
    return false;
  }
  return add_override(c, c->profile[0] == 's' ? "default_profile=strict" : "default_profile=linux");
}

static bool check_overrides(const struct drill_cli *c) {
  char why[256];
  for (size_t i = 0; i < c->n_overrides; i++) {
    if (drill_check_option(c->overrides[i], why, sizeof why))
      continue;
    fprintf(stderr, "tercet drill: %s; see tercet drill --help\n", why);
    return false;
  }
  return true;
}

static bool is_one_of_ours(const struct drill_cli *c, char **paths, int n) {
  struct stat st = {0};
  return n == 1 && !c->both && c->against == DRILL_AGAINST_OURS &&
         (stat(paths[0], &st) < 0 || !S_ISDIR(st.st_mode));
}

int cmd_drill(int argc, char **argv) {
  struct drill_cli c = {.parallel = 8};
  int i = 1;
  while (i < argc && argv[i][0] == '-') {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
      return fputs(help, stdout), 0;
    int used = take_option(&c, argc - i, argv + i);
    if (!used) {
      fprintf(stderr, "tercet drill: cannot use %s; see tercet drill --help\n", argv[i]);
      return 2;
    }
    i += used;
  }
  if (!set_profile(&c) || !check_overrides(&c))
    return 2;
  if (i >= argc) {
    fputs("tercet drill: give scripts or directories of them; see tercet drill --help\n", stderr);
    return 2;
  }
  if (c.plot && !is_one_of_ours(&c, argv + i, argc - i)) {
    fputs("tercet drill: --plot takes one script, without --against and --both\n", stderr);
    return 2;
  }
  for (; i < argc; i++)
    play_path(&c, argv[i], 0);
  play_slots(&c);
  printf("%s%u passed, %u failed", c.tap ? "# " : "", c.passed, c.failed);
  printf(c.skipped ? ", %u skipped\n" : "\n", c.skipped);
  return c.is_wrong ? 2 : c.failed ? 1 : 0;
}
