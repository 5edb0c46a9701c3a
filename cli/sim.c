/* SPDX-License-Identifier: MIT */
/*
 * sim.c - tercet sim: random worlds, hostile by seed, in which every invariant is checked.
 *
 * The verb and its options; playing many seeds at once is sim_many.c's, captures sim_capture.c's,
 * the trials themselves are the simulator's (sim/trial.h). Exit 1: an invariant did not hold, or a
 * floor was missed.
 */
#define _POSIX_C_SOURCE 200809L
#include "cli/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/commit.h"
#include "cli/scenarios.h"
#include "cli/sim_view.h"
#include "cli/verbs.h"
#include "sim/shrink.h"

enum { SHRINK_SECONDS = 60 };

struct sim_verb {
  uint64_t first, last; /* seeds */
  uint64_t until, skip;
  const char *pcapng, *plan_file;
  uint32_t jobs, seconds;
  bool many, small, floors, counts, print_plan, quiet, shrink;
  const char *stem; /* of the files that --shrink writes */
  const struct scenario *scenario;
  struct sim_view_options view;
  bool list;
};

static bool take_u64(const char *text, const char **end, uint64_t *to) {
  char *stop;
  errno = 0;
  *to = strtoull(text, &stop, 0);
  *end = stop;
  return stop != text && errno == 0 && text[0] != '-';
}

static const char *take_seed(void *to, const char *value) {
  struct sim_verb *c = to;
  const char *end;
  if (!take_u64(value, &end, &c->first) || *end != '\0')
    return "a seed is a number";
  c->last = c->first;
  c->many = false;
  return NULL;
}

static const char *take_seeds(void *to, const char *value) {
  struct sim_verb *c = to;
  const char *end;
  if (!take_u64(value, &end, &c->first) || strncmp(end, "..", 2) != 0 ||
      !take_u64(end + 2, &end, &c->last) || *end != '\0' || c->last < c->first)
    return "give the first and the last, as 1..1000";
  c->many = true;
  return NULL;
}

static const char *take_scenario(void *to, const char *value) {
  struct sim_verb *c = to;
  c->scenario = scenarios_find(value);
  if (c->scenario == NULL)
    return "there is none of this name; --list names all";
  c->view.title = c->scenario->name;
  c->view.about = c->scenario->about;
  c->view.sees = c->scenario->sees;
  return NULL;
}

static const char *take_until(void *to, const char *value) {
  const char *end;
  return take_u64(value, &end, to) && *end == '\0' ? NULL : "give the number of an event";
}

static const char *take_skip(void *to, const char *value) {
  return sim_trial_skip(value, to) == NULL ? NULL : "give invariants, as I7,I13";
}

void sim_print_failure(const struct sim_trial_result *r, uint64_t seed, bool small, FILE *to) {
  fprintf(to, "tercet sim --seed %" PRIu64 "%s --until %" PRIu64 "  # " TCT_COMMIT, seed,
          small ? " --small" : "", r->event);
  if (r->invariant != 0)
    fprintf(to, " I%u %s (%s)", r->invariant,
            tct_sim_invariant_name((tct_sim_invariant)r->invariant),
            tct_sim_invariant_where((tct_sim_invariant)r->invariant));
  fprintf(to, " event %" PRIu64 " frame %" PRIu64 " at %.6f s: %s\n", r->event, r->frame,
          (double)r->at / 1e9, r->what);
}

/* ---- One seed ---- */

static int get_scenario(const struct args_verb *verb, const struct sim_verb *c,
                        struct sim_trial_plan *p) {
  char error[200];
  const char *text = c->scenario->plan;
  FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
  bool good = f != NULL && sim_trial_read(p, f, error, sizeof error);
  if (f != NULL)
    fclose(f);
  p->seed = c->first;
  return good ? ARGS_GO
              : args_fail(verb, ARGS_EXIT_BUG, "%s, %s", c->scenario->name,
                          f != NULL ? error : "out of memory");
}

static void list_scenarios(void) {
  for (size_t i = 0; i < n_scenarios; i++)
    printf("%-18s %s\n", scenarios[i].name, scenarios[i].about);
}

/* A plan that was shrunk has its choices behind it, in comments. */
static int get_plan(const struct args_verb *verb, const struct sim_verb *c,
                    struct sim_trial_plan *p, tct_sim_tape *tape) {
  char error[200];
  FILE *f;
  bool good;
  if (c->scenario != NULL)
    return get_scenario(verb, c, p);
  if (c->plan_file == NULL) {
    sim_trial_draw(p, c->first, c->small ? SIM_TRIAL_SMALL : 0);
    return ARGS_GO;
  }
  f = strcmp(c->plan_file, "-") == 0 ? stdin : fopen(c->plan_file, "r");
  if (f == NULL)
    return args_fail(verb, ARGS_EXIT_USAGE, "%s: %s", c->plan_file, strerror(errno));
  good = sim_trial_read(p, f, error, sizeof error);
  if (good && fseek(f, 0, SEEK_SET) == 0 && !sim_shrink_read_tape(tape, f)) {
    snprintf(error, sizeof error, "its tape cannot be read");
    good = false;
  }
  if (f != stdin)
    fclose(f);
  if (!good)
    return args_fail(verb, ARGS_EXIT_USAGE, "%s, %s", c->plan_file, error);
  return ARGS_GO;
}

static int capture(const struct args_verb *verb, const struct sim_trial_plan *p, tct_sim_tape *tape,
                   uint64_t until, const char *path) {
  int err = sim_capture(p, tape, until, path);
  if (err < 0)
    return args_fail(verb, ARGS_EXIT_USAGE, "%s: %s", path, tct_strerror(err));
  fprintf(stderr, "# capture with reasons: %s\n", path);
  return ARGS_GO;
}

static void print_failure(const struct sim_trial_result *r, const struct sim_verb *c,
                          const struct sim_trial_plan *p) {
  if (c->plan_file == NULL)
    sim_print_failure(r, p->seed, c->small, stdout);
  else
    printf("tercet sim --plan %s --until %" PRIu64 "  # " TCT_COMMIT " I%u at %.6f s: %s\n",
           c->plan_file, r->event, r->invariant, (double)r->at / 1e9, r->what);
}

static bool wants_view(const struct sim_verb *c) {
  const struct sim_view_options *v = &c->view;
  return c->scenario != NULL || v->svg != NULL || v->plot != NULL || v->html != NULL || v->ladder ||
         v->json;
}

static int play_plan(const struct args_verb *verb, const struct sim_verb *c,
                     struct sim_trial_plan *plan, tct_sim_tape *tape) {
  static struct sim_trial_counts counts;
  struct sim_trial_run run = {
      .counts = &counts, .until_event = c->until, .skip = c->skip, .again = !wants_view(c)};
  struct sim_trial_result r;
  struct sim_view *view = NULL;
  char path[60];
  int code = ARGS_GO;
  tape->replaying = true;
  run.tape = tape->n > 0 ? tape : NULL;
  if (wants_view(c)) {
    view = sim_view_new(verb, &c->view, plan);
    if (view == NULL)
      return ARGS_EXIT_USAGE;
    sim_view_attach(view, &run);
  }
  sim_trial_play(plan, &run, &r);
  snprintf(path, sizeof path, "sim-%" PRIu64 ".pcapng", plan->seed);
  int seen = view != NULL ? sim_view_finish(view, &r, &counts) : ARGS_EXIT_OK;
  if (c->pcapng != NULL || (r.failed && !c->quiet))
    code = capture(verb, plan, run.tape, c->until, c->pcapng != NULL ? c->pcapng : path);
  if (code != ARGS_GO || seen != ARGS_EXIT_OK)
    return code != ARGS_GO ? code : seen;
  if (c->view.json)
    return r.failed ? ARGS_EXIT_NETWORK : ARGS_EXIT_OK;
  if (r.failed)
    print_failure(&r, c, plan);
  if (!c->quiet && view == NULL)
    sim_trial_counts_print(&counts, c->counts, stdout);
  printf("digest %016" PRIx64 " of %" PRIu64 " frames, %" PRIu64 " events, %.3f s simulated\n",
         r.digest, r.frames, r.events, (double)r.ended_at / 1e9);
  return r.failed ? ARGS_EXIT_NETWORK : ARGS_EXIT_OK;
}

static int play_one(const struct args_verb *verb, const struct sim_verb *c) {
  static struct sim_trial_plan plan;
  tct_sim_tape tape = {0};
  char stem[60];
  int code = get_plan(verb, c, &plan, &tape);
  snprintf(stem, sizeof stem, "sim-%" PRIu64, plan.seed);
  if (code == ARGS_GO && c->print_plan) {
    sim_trial_print(&plan, stdout);
    code = ARGS_EXIT_OK;
  } else if (code == ARGS_GO && c->shrink) {
    code = sim_shrink_verb(verb, &plan, c->seconds != 0 ? c->seconds : SHRINK_SECONDS,
                           c->stem != NULL ? c->stem : stem);
  } else if (code == ARGS_GO) {
    code = play_plan(verb, c, &plan, &tape);
  }
  tct_sim_tape_free(&tape);
  return code;
}

/* ---- Many ---- */

static int play_many(const struct args_verb *verb, const struct sim_verb *c) {
  struct sim_many m = {.first = c->first,
                       .last = c->last,
                       .jobs = c->jobs,
                       .seconds = c->seconds,
                       .skip = c->skip,
                       .small = c->small};
  static struct sim_trial_counts counts;
  uint64_t digest;
  unsigned failed, missed = 0;
  if (!sim_many_play(&m, &counts, &digest, &failed))
    return args_fail(verb, ARGS_EXIT_BUG, "cannot start: %s", strerror(errno));
  sim_trial_counts_print(&counts, c->counts, stdout);
  if (m.cpu_seconds > 0)
    printf("%.0f packets/s of processor time, %.1f s on %u jobs\n",
           (double)(counts.packets + counts.packets_twice) / m.cpu_seconds, m.wall_seconds,
           (unsigned)m.jobs);
  if (c->floors)
    missed = sim_trial_counts_floors(&counts, stdout);
  printf("digest %016" PRIx64 " of %" PRIu64 " seeds, %u failed%s\n", digest, counts.trials, failed,
         missed ? ", floors missed" : "");
  return failed != 0 || missed != 0 ? ARGS_EXIT_NETWORK : ARGS_EXIT_OK;
}

static const char sim_more[] =
    "  tercet sim --scenario lossy-wifi --plot wifi.svg\n"
    "  tercet sim --seed 17\n"
    "  tercet sim --seeds 1..1000 --jobs 2\n"
    "  tercet sim --seed 17 --until 4711 --pcapng trouble.pcapng\n\n"
    "A trial is a world drawn from its seed: hosts, links, faults, applications. After the faults\n"
    "everything must end in bounded time, then there must be silence. What did not hold is said "
    "in\n"
    "one line that can be pasted, and a capture with the reason of each packet is written beside.";

int cmd_sim(int argc, char **argv) {
  static struct sim_verb c;
  c.first = c.last = 1;
  c.jobs = 1;
  const struct args_option own[] = {
      {"seed", 's', ARGS_CALL, &c, "S", "play one world (1)", 0, 0, take_seed},
      {"seeds", 0, ARGS_CALL, &c, "A..B", "play all from A to B", 0, 0, take_seeds},
      {"jobs", 'j', ARGS_NUMBER, &c.jobs, "N", "processes, with --seeds (1)", 1, SIM_JOBS_MAX,
       NULL},
      {"seconds", 0, ARGS_NUMBER, &c.seconds, "N", "begin no more seeds after so long", 1, 1000000,
       NULL},
      {"small", 0, ARGS_FLAG, &c.small, NULL, "small worlds, of some hundred frames", 0, 0, NULL},
      {"plan", 0, ARGS_TEXT, &c.plan_file, "FILE", "play this plan instead of a seed's", 0, 0,
       NULL},
      {"scenario", 0, ARGS_CALL, &c, "NAME", "play a world with a name", 0, 0, take_scenario},
      {"list", 'l', ARGS_FLAG, &c.list, NULL, "name all scenarios", 0, 0, NULL},
      {"plot", 0, ARGS_TEXT, &c.view.plot, "FILE", "the busiest flow over time, as SVG", 0, 0,
       NULL},
      {"svg", 0, ARGS_TEXT, &c.view.svg, "FILE", "the first flow as a ladder", 0, 0, NULL},
      {"html", 0, ARGS_TEXT, &c.view.html, "FILE", "figures, graph and ladder on one page", 0, 0,
       NULL},
      {"ladder", 0, ARGS_FLAG, &c.view.ladder, NULL, "draw the first flow as it goes", 0, 0, NULL},
      {"json", 0, ARGS_FLAG, &c.view.json, NULL, "what happened, as JSON Lines", 0, 0, NULL},
      {"ascii", 0, ARGS_FLAG, &c.view.ascii, NULL, "no Unicode", 0, 0, NULL},
      {"color", 0, ARGS_TEXT, &c.view.color, "WHEN", "always, never or auto", 0, 0, NULL},
      {"print-plan", 0, ARGS_FLAG, &c.print_plan, NULL, "say what would be played, as text", 0, 0,
       NULL},
      {"shrink", 0, ARGS_FLAG, &c.shrink, NULL,
       "make a failing world small, and write what is left (60 s, or --seconds)", 0, 0, NULL},
      {"output", 'o', ARGS_TEXT, &c.stem, "STEM",
       "with --shrink: STEM.plan, .rec, .pkt, .pcapng (sim-SEED)", 0, 0, NULL},
      {"until", 0, ARGS_CALL, &c.until, "N", "stop after event N", 0, 0, take_until},
      {"skip", 0, ARGS_CALL, &c.skip, "I7,...", "do not judge these invariants", 0, 0, take_skip},
      {"pcapng", 0, ARGS_TEXT, &c.pcapng, "FILE", "every frame, with its reason and fate", 0, 0,
       NULL},
      {"counts", 0, ARGS_FLAG, &c.counts, NULL, "tables: states x events, transitions, ...", 0, 0,
       NULL},
      {"floors", 0, ARGS_FLAG, &c.floors, NULL, "fail if a count is below what a long run owes", 0,
       0, NULL},
      {"quiet", 'q', ARGS_FLAG, &c.quiet, NULL, "no counts and no capture, with one seed", 0, 0,
       NULL},
      {0}};
  const struct args_verb verb = {
      "sim",
      "",
      "Plays random worlds: two to sixteen stacks, routers, NATs, faults, attackers, in virtual\n"
      "time. Every invariant is checked after every event. Same seed, same frames.",
      sim_more,
      {own, NULL},
      0,
      0};
  struct args args;
  int code = args_parse(&verb, argc, argv, &args);
  if (code != ARGS_GO)
    return code;
  if (c.list) {
    list_scenarios();
    return ARGS_EXIT_OK;
  }
  if (c.many && wants_view(&c))
    return args_wrong(&verb, "scenarios and pictures go with one seed");
  if (c.many &&
      (c.until != 0 || c.pcapng != NULL || c.plan_file != NULL || c.print_plan || c.shrink))
    return args_wrong(&verb, "--until, --pcapng, --shrink and plans go with one seed");
  return c.many ? play_many(&verb, &c) : play_one(&verb, &c);
}
