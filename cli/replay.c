/* SPDX-License-Identifier: MIT */
/*
 * replay.c - tercet replay: runs a recording's calls again on a stack of its own and says whether
 * the same frames came out; with the views of the verbs that record.
 *
 * The verb; reading and playing are record/'s, ladder and files net.c's, single calls
 * replay_step.c's. Exit 2: no recording, or a damaged one; 3: this core does something else.
 */
#include "cli/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/show/words.h"
#include "cli/verbs.h"

struct replay {
  struct net net;
  uint32_t from, until; /* calls; 0: all */
  bool step, quiet;
  struct record_reader *reader;
  struct record_play play;
  struct step *steps;
  const char *script_path;
  struct script *script;
  FILE *script_file;
  struct term term;
  struct record_call last;
  char last_text[400];
  uint64_t frames[2]; /* in, out */
  tct_time start;     /* the first time that the stack was told */
  bool started;
  enum record_verdict verdict;
};

/* ---- What the stack says --------------------------------------------------------------------- */

static void on_trace(void *ctx, const tct_trace *t) {
  struct replay *r = ctx;
  if (net_wants_trace(&r->net))
    net_trace(&r->net, t);
  if (r->steps != NULL)
    step_trace(r->steps, t);
  if (r->script != NULL)
    script_trace(r->script, t);
}

static void on_frame(void *ctx, const tct_frame *f, bool outbound, tct_time now) {
  struct replay *r = ctx;
  r->frames[outbound]++;
  net_frame(&r->net, f, outbound, now);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static void put(struct replay *r, FILE *out, struct line *l) {
  if (!r->term.unicode)
    words_to_ascii(l->b);
  fprintf(out, "%s\n", l->b);
}

static void say_what(struct replay *r, FILE *out, const char *path) {
  char program[80], version[40], when[40];
  struct line l;
  tct_config c;
  line_clear(&l);
  record_read_about(r->reader, "program", program, sizeof program);
  record_read_about(r->reader, "version", version, sizeof version);
  line_add(&l, "%s: %s", path, program[0] != '\0' ? program : "some program");
  if (version[0] != '\0')
    line_add(&l, ", tercet %s", version);
  if (version[0] != '\0' && strcmp(version, TCT_VERSION) != 0)
    line_add(&l, " (this is %s)", TCT_VERSION);
  if (r->play.stack != NULL) {
    tct_config_get(r->play.stack, &c);
    time_t at = (time_t)((c.epoch_ns + r->start) / 1000000000u);
    if (at > 0 && strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", gmtime(&at)) > 0)
      line_add(&l, ", %s", when);
  }
  put(r, out, &l);
}

static void say_count(struct replay *r, FILE *out) {
  struct line l;
  line_clear(&l);
  words_count(&l, r->last.number);
  line_add(&l, " calls in ");
  words_duration(&l, r->last.now > r->start ? r->last.now - r->start : 0);
  line_add(&l, ": ");
  words_count(&l, r->frames[0]);
  line_add(&l, " frames in, ");
  words_count(&l, r->frames[1]);
  line_add(&l, " out");
  put(r, out, &l);
}

/* The whole recording, or as far as it goes. */
static void say_same(struct replay *r, FILE *out) {
  struct line l;
  line_clear(&l);
  line_add(&l, "✓ the same frames, byte for byte and reason for reason: digest %016" PRIx64,
           r->play.digest.sum);
  put(r, out, &l);
  line_clear(&l);
  if (!r->last.has_result && record_calls_has_result(record_calls_shape(r->last.op)))
    line_add(&l, "⚠ the recording ends inside of call %" PRIu64 ", %s", r->last.number,
             r->last_text);
  else if (r->until != 0 && r->last.number >= r->until)
    line_add(&l, "stopped at call %" PRIu64 ", as --until says", r->last.number);
  else if (record_read_is_cut(r->reader))
    line_add(&l, "⚠ the recording was not finished: it ends after call %" PRIu64 ", %s",
             r->last.number, r->last_text);
  if (l.n > 0)
    put(r, out, &l);
}

static void say_different(struct replay *r, FILE *out, const char *path) {
  struct line l;
  uint64_t n = r->last.number;
  line_clear(&l);
  line_add(&l, "✗ it differs at call %" PRIu64 ", ", n);
  words_duration(&l, r->last.now > r->start ? r->last.now - r->start : 0);
  line_add(&l, " after the start: %s", r->last_text);
  put(r, out, &l);
  line_clear(&l);
  line_add(&l, "  %s", r->play.why);
  put(r, out, &l);
  fprintf(out, "  Try: tercet replay --step --from %" PRIu64 " --until %" PRIu64 " %s\n",
          n > 20 ? n - 20 : 1, n, path);
}

static void say_json(const struct replay *r, FILE *out) {
  fprintf(out,
          "{\"event\":\"replay\",\"same\":%s,\"calls\":%" PRIu64 ",\"frames_in\":%" PRIu64
          ",\"frames_out\":%" PRIu64 ",\"digest\":\"%016" PRIx64 "\",\"finished\":%s",
          r->verdict == RECORD_SAME ? "true" : "false", r->last.number, r->frames[0], r->frames[1],
          r->play.digest.sum, r->play.ended > 0 ? "true" : "false");
  if (r->verdict != RECORD_SAME)
    fprintf(out, ",\"differs_in\":\"%s\",\"text\":\"%s\"", r->last_text, r->play.why);
  fputs("}\n", out);
}

static int say_verdict(struct replay *r, const char *path) {
  FILE *out = stdout;
  if (r->verdict == RECORD_BAD)
    return args_fail(r->net.verb, ARGS_EXIT_USAGE,
                     "%s: call %" PRIu64 ", %s, cannot have been made: %s", path, r->last.number,
                     r->last_text, r->play.why);
  if (r->net.o.json)
    say_json(r, out);
  else if (!r->quiet)
    say_count(r, out);
  if (!r->net.o.json && r->verdict == RECORD_DIFFERENT)
    say_different(r, out, path);
  else if (!r->net.o.json && !r->quiet)
    say_same(r, out);
  return r->verdict == RECORD_SAME ? ARGS_EXIT_OK : ARGS_EXIT_BUG;
}

/* ---- Playing --------------------------------------------------------------------------------- */

static void note_start(struct replay *r, const struct record_call *c, const char *path) {
  tct_config config;
  if (r->started || c->now == 0)
    return;
  r->started = true;
  r->start = c->now;
  tct_config_get(r->play.stack, &config);
  r->net.tee.w.epoch_ns = config.epoch_ns;
  if (!r->net.o.json && !r->quiet)
    say_what(r, stdout, path);
}

static bool play_one(struct replay *r, const struct record_call *c, const char *path) {
  if (c->op != RECORD_END) { /* which is no call, but what all of them came to */
    r->last = *c;
    record_calls_text(c, r->last_text, sizeof r->last_text);
  }
  r->verdict = record_play_call(&r->play, c);
  if (r->play.stack != NULL)
    note_start(r, c, path);
  if (r->steps != NULL && c->op != RECORD_END)
    step_call(r->steps, &r->play, c, r->start);
  if (r->script != NULL && r->verdict == RECORD_SAME)
    script_call(r->script, &r->play, c);
  return r->verdict == RECORD_SAME && (r->until == 0 || c->number < r->until);
}

static int play_all(struct replay *r, const char *path) {
  struct record_call c;
  int got;
  do {
    got = record_read_next(r->reader, &c);
  } while (got > 0 && play_one(r, &c, path));
  if (got < 0)
    return args_fail(r->net.verb, ARGS_EXIT_USAGE, "%s%s", record_read_error(r->reader),
                     r->last.number > 0 ? "; --until shows what is before" : "");
  if (r->last.number == 0)
    return args_fail(r->net.verb, ARGS_EXIT_USAGE, "%s: no call is in it", path);
  return ARGS_GO;
}

static int open_views(struct replay *r, const struct args_verb *verb) {
  static char left[40], right[40];
  char side[8], if_name[40], link[16];
  struct net_view view = {stdout, false, left, right, SHOW_LEFT};
  record_read_about(r->reader, "left", left, sizeof left);
  record_read_about(r->reader, "right", right, sizeof right);
  record_read_about(r->reader, "side", side, sizeof side);
  record_read_about(r->reader, "if", if_name, sizeof if_name);
  record_read_about(r->reader, "link", link, sizeof link);
  r->net.link = strcmp(link, "ethernet") == 0 ? TCT_LINK_ETHERNET : TCT_LINK_IP;
  view.left = left[0] != '\0' ? left : "left";
  view.right = right[0] != '\0' ? right : "right";
  view.our_end = strcmp(side, "right") == 0 ? SHOW_RIGHT : SHOW_LEFT;
  r->net.o.ladder = r->net.o.ladder || r->net.o.plain || (r->net.o.json && !r->step && !r->quiet);
  if (r->step) {
    r->steps = step_new(stdout, r->net.o.json, !r->term.unicode, r->from);
    r->net.o.ladder = false;
  }
  return net_open_views(&r->net, verb, &view, if_name[0] != '\0' ? if_name : "tct");
}

static bool open_script(struct replay *r) {
  if (r->script_path == NULL)
    return true;
  r->script_file = fopen(r->script_path, "w");
  r->script = r->script_file != NULL ? script_new(r->script_file) : NULL;
  return r->script != NULL;
}

static bool close_script(struct replay *r) {
  script_free(r->script);
  return r->script_file == NULL || fclose(r->script_file) == 0;
}

static int replay(struct replay *r, const struct args_verb *verb, const char *path) {
  char error[500];
  term_init(&r->term, stdout);
  if (r->net.o.ascii)
    term_set_ascii(&r->term);
  r->reader = record_read_open(path, error, sizeof error);
  if (r->reader == NULL)
    return args_fail(verb, ARGS_EXIT_USAGE, "%s", error);
  int code = open_script(r) ? open_views(r, verb)
                            : args_fail(verb, ARGS_EXIT_USAGE, "cannot write %s: %s",
                                        r->script_path, strerror(errno));
  if (code == ARGS_GO) {
    record_play_init(&r->play);
    r->play.trace =
        net_wants_trace(&r->net) || r->steps != NULL || r->script != NULL ? on_trace : NULL;
    r->play.trace_ctx = r;
    r->play.frame = on_frame;
    r->play.frame_ctx = r;
    code = play_all(r, path);
    int closed = net_close(&r->net, NULL);
    if (code == ARGS_GO)
      code = say_verdict(r, path);
    code = code == ARGS_EXIT_OK ? closed : code;
    record_play_deinit(&r->play);
  }
  step_free(r->steps);
  if (!close_script(r))
    code = args_fail(verb, ARGS_EXIT_USAGE, "writing %s failed", r->script_path);
  record_read_free(r->reader);
  return code;
}

static const char replay_more[] =
    "  sudo tercet get --record slow.rec http://192.0.2.1/file     then, anywhere, without root:\n"
    "  tercet replay --plot slow.svg slow.rec\n"
    "  tercet replay --step --from 800 --until 820 slow.rec\n\n"
    "A recording holds the configuration with its keys, and all that was received and sent; it "
    "is\n"
    "as confidential as what was transferred. One that a crash has cut short can be replayed, "
    "too.";

int cmd_replay(int argc, char **argv) {
  static struct replay r;
  struct net_options *o = &r.net.o;
  const struct args_option own[] = {
      {"step", 0, ARGS_FLAG, &r.step, NULL, "each call, and what it changed", 0, 0, NULL},
      {"from", 0, ARGS_NUMBER, &r.from, "N", "with --step: from call N on", 1, UINT32_MAX, NULL},
      {"until", 0, ARGS_NUMBER, &r.until, "N", "stop after call N", 1, UINT32_MAX, NULL},
      {"ladder", 0, ARGS_FLAG, &o->ladder, NULL, "draw each segment", 0, 0, NULL},
      {"plain", 0, ARGS_FLAG, &o->plain, NULL, "one event a line", 0, 0, NULL},
      {"json", 0, ARGS_FLAG, &o->json, NULL, "JSON Lines", 0, 0, NULL},
      {"svg", 0, ARGS_TEXT, &o->svg, "FILE", "draw the ladder as a picture", 0, 0, NULL},
      {"plot", 0, ARGS_TEXT, &o->plot, "FILE", "draw sequence numbers over time, windows, RTT", 0,
       0, NULL},
      {"pcapng", 0, ARGS_TEXT, &o->pcapng, "FILE", "write every packet, with its reason", 0, 0,
       NULL},
      {"script", 0, ARGS_TEXT, &r.script_path, "FILE",
       "one connection as a packet script, for tercet drill", 0, 0, NULL},
      {"abs", 0, ARGS_FLAG, &o->abs, NULL, "absolute sequence numbers, too", 0, 0, NULL},
      {"why", 0, ARGS_FLAG, &o->why, NULL, "the reason of each segment, with its RFC", 0, 0, NULL},
      {"quiet", 'q', ARGS_FLAG, &r.quiet, NULL, "only say where it differs", 0, 0, NULL},
      {"ascii", 0, ARGS_FLAG, &o->ascii, NULL, "no Unicode", 0, 0, NULL},
      {"color", 0, ARGS_TEXT, &o->color, "WHEN", "always, never or auto", 0, 0, NULL},
      {0}};
  const struct args_verb verb = {
      "replay",
      "FILE",
      "Runs a recording of --record again: the same calls at the same times on a stack of its "
      "own,\n"
      "without a network. Says whether the same frames came out, or where the first difference is\n"
      "(exit 3).",
      replay_more,
      {own, NULL},
      1,
      1};
  struct args args;
  int code = args_parse(&verb, argc, argv, &args);
  return code == ARGS_GO ? replay(&r, &verb, args.operand[0]) : code;
}
