/* SPDX-License-Identifier: MIT */
/*
 * `tercet demo`: plays stories of TCP on two real stacks over a simulated link, in virtual time; no
 * root, no network. The stories are cli/stories'; how they look is cli/show's. Each is also a test,
 * which --check runs without a word.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/stories/stories.h"
#include "cli/verbs.h"
#include "drivers/discard.h"

enum { DEFAULT_SEED = 1 };

struct demo {
  struct show_opts show;
  uint64_t seed;
  bool list, check, all, ladder, plain, json, ascii, absolute, why, fast, animate;
  const char *color, *svg, *pcapng, *plot;
};

static const char *set_seed(void *to, const char *value) {
  char *end;
  errno = 0;
  *(uint64_t *)to = strtoull(value, &end, 0);
  if (errno != 0 || end == value || *end != 0 || *value == '-')
    return "not a number; give one like 7 or 0x2a";
  return NULL;
}

static const char demo_more[] =
    "Without STORY the main one is played, and demo.pcapng and demo.svg are written to the "
    "current\n"
    "directory. --list names all stories; each shows one or more statements of a textbook page on\n"
    "the three-way handshake. The same seed gives the same segments at the same nanoseconds.";

static void describe(struct args_verb *v, struct args_option *o, struct demo *d) {
  const struct args_option table[] = {
      {"list", 'l', ARGS_FLAG, &d->list, NULL, "name all stories and what they cover", 0, 0, NULL},
      {"all", 0, ARGS_FLAG, &d->all, NULL, "play all stories, one after the other", 0, 0, NULL},
      {"check", 0, ARGS_FLAG, &d->check, NULL, "run all stories (or STORY) as tests, silently", 0,
       0, NULL},
      {"seed", 0, ARGS_CALL, &d->seed, "N", "another run of the same story (default 1)", 0, 0,
       set_seed},
      {"ladder", 0, ARGS_FLAG, &d->ladder, NULL, "draw the ladder, also when piped", 0, 0, NULL},
      {"plain", 0, ARGS_FLAG, &d->plain, NULL, "one line an event, as when piped", 0, 0, NULL},
      {"json", 0, ARGS_FLAG, &d->json, NULL, "JSON Lines", 0, 0, NULL},
      {"svg", 0, ARGS_TEXT, &d->svg, "FILE",
       "the ladder as a picture (more scenes: FILE-2 and so on)", 0, 0, NULL},
      {"animate", 0, ARGS_FLAG, &d->animate, NULL,
       "with --svg: arrows draw themselves, one after the other", 0, 0, NULL},
      {"plot", 0, ARGS_TEXT, &d->plot, "FILE",
       "sequence numbers over time, as a picture (more scenes: FILE-2 and so on)", 0, 0, NULL},
      {"pcapng", 0, ARGS_TEXT, &d->pcapng, "FILE", "a capture; each packet says why it was sent", 0,
       0, NULL},
      {"abs", 0, ARGS_FLAG, &d->absolute, NULL, "absolute sequence numbers, too", 0, 0, NULL},
      {"why", 0, ARGS_FLAG, &d->why, NULL, "the reason of each segment and the RFC's section", 0, 0,
       NULL},
      {"fast", 0, ARGS_FLAG, &d->fast, NULL, "do not wait between segments", 0, 0, NULL},
      {"ascii", 0, ARGS_FLAG, &d->ascii, NULL, "no Unicode", 0, 0, NULL},
      {"color", 0, ARGS_TEXT, &d->color, "WHEN", "always, never or auto", 0, 0, NULL},
      {NULL, 0, ARGS_FLAG, NULL, NULL, NULL, 0, 0, NULL}};
  memcpy(o, table, sizeof table);
  *v = (struct args_verb){
      .name = "demo",
      .operands = "[STORY]",
      .about = "Opens, uses and closes TCP connections before your eyes: two tercet stacks over a\n"
               "simulated link, in virtual time. No root, no network.",
      .more = demo_more,
      .tables = {o},
      .max_operands = 1};
}

/* ---- Listing and checking ---- */

static void list_stories(const struct demo *d) {
  for (size_t i = 0; i < n_stories; i++) {
    const struct story *y = &stories[i];
    if (d->json)
      printf("{\"event\":\"story\",\"story\":\"%s\",\"covers\":\"%s\",\"claim\":\"%s\",\"verdict\":"
             "\"%s\","
             "\"really\":\"%s\"}\n",
             y->name, y->covers, y->claim, y->verdict, y->really);
    else
      printf("%-19s %-21s %s\n", y->name, y->covers, y->about);
  }
}

static bool check_one(const struct story *y, const struct stage_opts *o) {
  struct stage st;
  bool ok = stories_run(&st, y, o);
  if (!ok)
    printf("FAIL %s: %s (%s:%d); see: tercet demo %s --seed %llu\n", y->name,
           st.failed ? st.failed : st.error, st.failed ? st.failed_file : "", st.failed_line,
           y->name, (unsigned long long)o->seed);
  stage_deinit(&st);
  return ok;
}

static int check_all(const struct demo *d, const struct story *only) {
  struct stage_opts o = {.silent = true, .seed = d->seed, .show = d->show};
  unsigned passed = 0, failed = 0;
  for (size_t i = 0; i < n_stories; i++) {
    if (only != NULL && only != &stories[i])
      continue;
    if (check_one(&stories[i], &o))
      passed++;
    else
      failed++;
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed ? ARGS_EXIT_BUG : ARGS_EXIT_OK;
}

/* ---- Playing ---- */

static void remove_half_made(const struct stage_opts *o) {
  if (o->pcapng_path != NULL)
    tct_discard(o->pcapng_path);
}

static int play_one(const struct args_verb *v, const struct story *y, const struct stage_opts *o) {
  struct stage st;
  int code = ARGS_EXIT_OK;
  stories_run(&st, y, o);
  if (st.error[0] != 0) {
    remove_half_made(o);
    code = args_fail(v, ARGS_EXIT_USAGE, "%s", st.error);
  } else if (st.failed != NULL) {
    code =
        args_fail(v, ARGS_EXIT_BUG, "the story %s did not go as told: %s (%s:%d, seed %llu)",
                  y->name, st.failed, st.failed_file, st.failed_line, (unsigned long long)o->seed);
  }
  stage_deinit(&st);
  return code;
}

static void say_next(const struct stage_opts *o) {
  FILE *out = o->show.out;
  fputs("That was a real TCP connection between two tercet stacks, in this process, in virtual "
        "time.\n",
        out);
  if (o->pcapng_path != NULL)
    fprintf(out, "  pcapng   %-13s open it in Wireshark: every packet has a comment\n",
            o->pcapng_path);
  if (o->svg_path != NULL)
    fprintf(out, "  picture  %s\n", o->svg_path);
  if (o->pcapng_path == NULL && o->svg_path == NULL)
    fputs("  (this directory cannot be written to: no demo.pcapng, no demo.svg)\n", out);
  fputs("Next:  tercet demo lost-syn-ack     lose the SYN,ACK and watch it heal\n"
        "       tercet demo two-answers      501 against 5001\n"
        "       tercet demo --list           all stories\n"
        "       sudo tercet serve DIR        let curl download from tercet over TUN\n"
        "       sudo tercet handshake HOST:PORT\n"
        "       tercet doctor                what this machine allows\n",
        out);
}

static int play_main(const struct args_verb *v, const struct demo *d, struct stage_opts *o) {
  bool writable = access(".", W_OK) == 0;
  int code;
  if (o->svg_path == NULL && writable)
    o->svg_path = "demo.svg";
  if (o->pcapng_path == NULL && writable)
    o->pcapng_path = "demo.pcapng";
  code = play_one(v, &stories[0], o);
  if (code == ARGS_EXIT_OK && !d->json)
    say_next(o);
  return code;
}

static int play_all(const struct args_verb *v, const struct stage_opts *o) {
  int worst = ARGS_EXIT_OK;
  for (size_t i = 0; i < n_stories; i++) {
    int code = play_one(v, &stories[i], o);
    if (code > worst)
      worst = code;
    if (o->show.mode != SHOW_JSON)
      fputc('\n', o->show.out);
  }
  return worst;
}

static bool set_show(struct demo *d) {
  show_opts_init(&d->show, stdout);
  if (d->color != NULL && !term_set_colour(&d->show.term, d->color))
    return false;
  if (d->ascii)
    term_set_ascii(&d->show.term);
  if (d->ladder)
    d->show.mode = SHOW_LADDER;
  if (d->plain)
    d->show.mode = SHOW_PLAIN;
  if (d->json)
    d->show.mode = SHOW_JSON;
  if (d->absolute)
    d->show.numbers = SHOW_BOTH;
  d->show.why = d->why;
  return true;
}

static int find_wrong(const struct args_verb *v, const struct demo *d, const struct args *a) {
  if (d->plain + d->json + d->ladder > 1)
    return args_wrong(v, "--ladder, --plain and --json exclude each other");
  if (d->all && a->n > 0)
    return args_wrong(v, "--all plays every story; leave out '%s'", a->operand[0]);
  if ((d->all || d->check || d->list) && (d->svg != NULL || d->pcapng != NULL || d->plot != NULL))
    return args_wrong(v, "--svg, --plot and --pcapng take one story");
  bool picture = d->svg != NULL || (a->n == 0 && !d->all && !d->check && !d->list);
  if (d->animate && !picture) /* the main story draws demo.svg by itself */
    return args_wrong(v, "--animate needs --svg FILE");
  return ARGS_GO;
}

static int play(const struct args_verb *v, const struct demo *d, const struct args *a) {
  const struct story *y = a->n > 0 ? stories_find(a->operand[0]) : NULL;
  struct stage_opts o = {.seed = d->seed, .show = d->show, .svg_path = d->svg};
  o.pcapng_path = d->pcapng;
  o.plot_path = d->plot;
  o.paced = d->show.mode == SHOW_LADDER && d->show.term.tty && !d->fast;
  o.ask = d->show.mode == SHOW_LADDER && d->show.term.tty && isatty(STDIN_FILENO) && !d->fast;
  if (a->n > 0 && y == NULL)
    return args_fail(v, ARGS_EXIT_USAGE, "there is no story '%s'; tercet demo --list names them",
                     a->operand[0]);
  if (d->check)
    return check_all(d, y);
  if (d->all)
    return play_all(v, &o);
  return y == NULL ? play_main(v, d, &o) : play_one(v, y, &o);
}

int cmd_demo(int argc, char **argv) {
  struct demo d = {.seed = DEFAULT_SEED};
  struct args_option table[20];
  struct args_verb v;
  struct args a;
  int code;
  describe(&v, table, &d);
  code = args_parse(&v, argc, argv, &a);
  if (code == ARGS_GO)
    code = find_wrong(&v, &d, &a);
  if (code != ARGS_GO)
    return code;
  if (!set_show(&d))
    return args_wrong(&v, "--color takes always, never or auto, not '%s'", d.color);
  d.show.svg_animated = d.animate;
  if (d.list) {
    list_stories(&d);
    return ARGS_EXIT_OK;
  }
  return play(&v, &d, &a);
}
