/* SPDX-License-Identifier: MIT */
/*
 * Makes a failing trial small. Cuts are tried one after the other, and kept if the same invariant
 * still fails and not much later: the end, flows, hosts, faults, acts, the topology itself, what
 * hosts can do, numbers (to 0, then by halves), the seed; then every choice of the run is put on a
 * tape, and the tape is cut in ever smaller pieces (delta debugging; choice 0 does no harm, so any
 * tape is a run). Called by `tercet sim --shrink` and tests.
 */
#include "sim/shrink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tercet/sim_check.h"
#include "util/mem.h"

enum { ROUNDS_MAX = 4, SEEDS_TRIED = 12 };

/* ---- One attempt ---- */

static void copy_tape(tct_sim_tape *to, const tct_sim_tape *from) {
  to->n = to->pos = 0;
  to->replaying = false;
  for (size_t i = 0; i < from->n; i++)
    tct_sim_tape_append(to, from->at[i].group, from->at[i].value);
}

static void play_by(sim_shrink *s, const struct sim_trial_plan *p, const struct sim_trial_run *run,
                    struct sim_trial_result *out) {
  s->plays++;
  if (s->play != NULL)
    s->play(s->ctx, p, run, out);
  else
    sim_trial_play(p, run, out);
}

/* A difference between two whole plays: trial_again.c. */
static bool is_of_two(const sim_shrink *s) {
  return s->result.invariant == TCT_SIM_I31 || s->result.invariant == TCT_SIM_I32;
}

static void play(sim_shrink *s, const struct sim_trial_plan *p, tct_sim_tape *tape,
                 struct sim_trial_result *out) {
  struct sim_trial_run run = {.tape = tape, .again = s->result.event == 0 || is_of_two(s)};
  if (tape != NULL) {
    tape->replaying = true;
    tape->pos = 0;
  }
  /* What does not fail in twice the time is taken not to fail: most attempts end early. */
  if (s->result.event != 0 && !is_of_two(s))
    run.until_event = 2 * s->result.event + 1000;
  play_by(s, p, &run, out);
}

static bool may_go_on(const sim_shrink *s) {
  return s->go_on == NULL || s->go_on(s->ctx);
}

/* The same failure, and not much later than the best. */
static bool is_as_good(const sim_shrink *s, const struct sim_trial_result *r) {
  return r->failed && r->invariant == s->result.invariant &&
         r->frame <= s->least + s->least / 4 + 4;
}

static void keep(sim_shrink *s, const struct sim_trial_result *r) {
  s->result = *r;
  if (r->frame < s->least)
    s->least = r->frame;
}

static bool try_plan(sim_shrink *s, const struct sim_trial_plan *p) {
  struct sim_trial_result r;
  if (!may_go_on(s) || sim_trial_judge(p) != NULL)
    return false;
  play(s, p, s->taped ? &s->tape : NULL, &r);
  if (!is_as_good(s, &r))
    return false;
  s->plan = *p;
  keep(s, &r);
  return true;
}

static bool try_tape(sim_shrink *s, tct_sim_tape *t) {
  struct sim_trial_result r;
  if (!may_go_on(s))
    return false;
  play(s, &s->plan, t, &r);
  if (!is_as_good(s, &r))
    return false;
  copy_tape(&s->tape, t);
  keep(s, &r);
  return true;
}

static void tell(const sim_shrink *s, const char *what) {
  if (s->tell != NULL)
    s->tell(s->ctx, what);
}

/* ---- The end ---- */

/* Faults and applications may stop right after the failure, if it is one of safety. */
static bool cut_end(sim_shrink *s) {
  struct sim_trial_plan p = s->plan;
  uint64_t ms = s->result.at / 1000000u + 1;
  if (ms >= p.heal_ms)
    return false;
  p.heal_ms = (uint32_t)ms;
  return try_plan(s, &p);
}

/* ---- Records ---- */

typedef void (*drop_fn)(struct sim_trial_plan *p, unsigned i);

/* From the last to the first, by halves and then one by one. */
static bool drop_rows(sim_shrink *s, const uint32_t *n, drop_fn drop) {
  size_t at = (size_t)((const unsigned char *)n - (const unsigned char *)&s->plan);
  bool any = false;
  for (uint32_t piece = *n; piece > 0; piece /= 2)
    for (uint32_t end = *n; end >= piece;) {
      struct sim_trial_plan p = s->plan;
      uint32_t left;
      for (uint32_t i = 0; i < piece; i++)
        drop(&p, end - 1 - i);
      any |= try_plan(s, &p);
      memcpy(&left, (const unsigned char *)&s->plan + at, sizeof left);
      end = end - piece < left ? end - piece : left;
    }
  return any;
}

static bool drop_records(sim_shrink *s) {
  bool any = drop_rows(s, &s->plan.n_flows, sim_trial_drop_flow);
  any |= drop_rows(s, &s->plan.n_faults, sim_trial_drop_fault);
  any |= drop_rows(s, &s->plan.n_acts, sim_trial_drop_act);
  any |= drop_rows(s, &s->plan.n_hosts, sim_trial_drop_host);
  return any;
}

/* ---- Topology ---- */

static bool is_of_link(const struct sim_trial_fault *f) {
  return tct_sim_fault_class_of(f->kind) == TCT_SIM_CLASS_LINK;
}

/* The two ends of the first flow and one link between them; every link's faults fall on it. */
static bool make_pair(sim_shrink *s) {
  struct sim_trial_plan p = s->plan;
  uint32_t a = p.n_flows > 0 ? p.flow[0].client : 0, b = p.n_flows > 0 ? p.flow[0].server : 1;
  if (p.n_hosts <= 2 || p.n_flows == 0)
    return false;
  struct sim_trial_link l = s->plan.link[0];
  l.a = 0;
  l.b = 1;
  p.n_hosts = 2;
  p.host[0] = s->plan.host[a];
  p.host[1] = s->plan.host[b];
  p.n_links = 1;
  p.link[0] = l;
  p.n_flows = p.n_faults = p.n_acts = 0;
  for (uint32_t i = 0; i < s->plan.n_flows; i++)
    if (s->plan.flow[i].client == a && s->plan.flow[i].server == b) {
      p.flow[p.n_flows] = s->plan.flow[i];
      p.flow[p.n_flows].client = 0;
      p.flow[p.n_flows++].server = 1;
    }
  for (uint32_t i = 0; i < s->plan.n_faults; i++) {
    struct sim_trial_fault f = s->plan.fault[i];
    if (!is_of_link(&f) && f.target != a && f.target != b)
      continue;
    f.target = is_of_link(&f) || f.target == a ? 0 : 1;
    p.fault[p.n_faults++] = f;
  }
  for (uint32_t i = 0; i < s->plan.n_acts; i++)
    if (s->plan.act[i].host == a || s->plan.act[i].host == b) {
      p.act[p.n_acts] = s->plan.act[i];
      p.act[p.n_acts++].host = s->plan.act[i].host == b;
    }
  return try_plan(s, &p);
}

/* ---- Features ---- */

static bool drop_features(sim_shrink *s) {
  bool any = false;
  for (uint32_t h = 0; h < s->plan.n_hosts; h++)
    for (unsigned bits = 32; bits > 0; bits /= 4)
      for (unsigned i = 0; i < 64; i += bits) {
        struct sim_trial_plan p = s->plan;
        uint64_t mask = (bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX) << i;
        mask &= ~SIM_FEATURE_BIT(IPV6);
        if ((p.host[h].features & mask) == 0)
          continue;
        p.host[h].features &= ~mask;
        any |= try_plan(s, &p);
      }
  return any;
}

/* ---- Numbers ---- */

struct number {
  size_t rows, size, at; /* where the rows of its kind are, and it in a row */
  size_t count;          /* of rows: a uint32_t of the plan */
};
#define NUMBER(list, type, name)                                                                   \
  {offsetof(struct sim_trial_plan, list), sizeof(struct type), offsetof(struct type, name),        \
   offsetof(struct sim_trial_plan, n_##list##s)},
#define HOST(name, about) NUMBER(host, sim_trial_host, name)
#define LINK(name, about) NUMBER(link, sim_trial_link, name)
#define FAULT(name, about) NUMBER(fault, sim_trial_fault, name)
#define FLOW(name, about) NUMBER(flow, sim_trial_flow, name)
#define ACT(name, about) NUMBER(act, sim_trial_act, name)
static const struct number numbers[] = {SIM_TRIAL_FLOW_FIELDS(FLOW) SIM_TRIAL_FAULT_FIELDS(
    FAULT) SIM_TRIAL_LINK_FIELDS(LINK) SIM_TRIAL_ACT_FIELDS(ACT) SIM_TRIAL_HOST_FIELDS(HOST)};
/* Who with whom, and what of what kind: not a question of size. */
static const struct number fixed[] = {FLOW(client, "") FLOW(server, "") FLOW(port, "") LINK(
    a, "") LINK(b, "") FAULT(target, "") HOST(kind, "") ACT(host, "")};
enum { NUMBERS = sizeof numbers / sizeof numbers[0], FIXED = sizeof fixed / sizeof fixed[0] };

static bool is_fixed(const struct number *n) {
  for (unsigned i = 0; i < FIXED; i++)
    if (fixed[i].rows == n->rows && fixed[i].at == n->at)
      return true;
  return false;
}

static uint32_t *place(struct sim_trial_plan *p, const struct number *n, uint32_t row) {
  return (uint32_t *)(void *)((unsigned char *)p + n->rows + row * n->size + n->at);
}

static bool try_number(sim_shrink *s, const struct number *n, uint32_t row, uint32_t value) {
  struct sim_trial_plan p = s->plan;
  *place(&p, n, row) = value;
  return try_plan(s, &p);
}

/* To 0 if that will do, else in ever smaller steps: by the half, the quarter, … */
static bool lower(sim_shrink *s, const struct number *n, uint32_t row) {
  bool any = false;
  uint32_t was = *place(&s->plan, n, row);
  if (was == 0)
    return false;
  if (try_number(s, n, row, 0))
    return true;
  for (uint32_t step = was / 2; step > 0; step /= 2)
    while (*place(&s->plan, n, row) > step &&
           try_number(s, n, row, *place(&s->plan, n, row) - step))
      any = true;
  return any;
}

static bool lower_numbers(sim_shrink *s) {
  bool any = false;
  for (unsigned i = 0; i < NUMBERS; i++) {
    uint32_t rows;
    memcpy(&rows, (unsigned char *)&s->plan + numbers[i].count, sizeof rows);
    for (uint32_t row = 0; row < rows && !is_fixed(&numbers[i]); row++)
      any |= lower(s, &numbers[i], row);
  }
  return any;
}

/* Other choices of the same plan may fail sooner. */
static void try_seeds(sim_shrink *s) {
  for (uint32_t i = 1; i <= SEEDS_TRIED; i++) {
    struct sim_trial_plan p = s->plan;
    uint64_t least = s->least;
    p.seed = i;
    if (try_plan(s, &p) && s->result.frame < least)
      return;
  }
}

/* ---- Tape ---- */

static bool record_tape(sim_shrink *s) {
  struct sim_trial_run run = {.tape = &s->tape};
  struct sim_trial_result r;
  s->tape.n = s->tape.pos = 0;
  s->tape.replaying = false;
  run.until_event = s->result.event;
  play_by(s, &s->plan, &run, &r);
  s->taped = true;
  play(s, &s->plan, &s->tape, &r);
  if (is_as_good(s, &r)) {
    keep(s, &r);
    return true;
  }
  s->taped = false;
  tct_sim_tape_free(&s->tape);
  return false;
}

size_t sim_shrink_choices(const tct_sim_tape *t) {
  size_t n = 0;
  for (size_t i = 0; i < t->n; i++)
    n += t->at[i].value != 0;
  return n;
}

static void end_at_last_choice(tct_sim_tape *t) {
  while (t->n > 0 && t->at[t->n - 1].value == 0)
    t->n--;
}

static bool zero_group(sim_shrink *s, tct_sim_tape *t, uint32_t group) {
  bool any = false;
  copy_tape(t, &s->tape);
  for (size_t i = 0; i < t->n; i++) {
    any |= t->at[i].group == group && t->at[i].value != 0;
    if (t->at[i].group == group)
      t->at[i].value = 0;
  }
  return any && try_tape(s, t);
}

/* All choices of one kind of fault. */
static void zero_groups(sim_shrink *s, tct_sim_tape *t) {
  for (uint32_t group = 1; group <= TCT_SIM_FAULT_COUNT; group++)
    (void)zero_group(s, t, group);
}

/* The n-th to the m-th of those that are not 0. False: there is nothing to try. */
static bool zero_some(tct_sim_tape *t, size_t first, size_t count) {
  size_t seen = 0, done = 0;
  for (size_t i = 0; i < t->n && done < count; i++) {
    if (t->at[i].value == 0 || seen++ < first)
      continue;
    t->at[i].value = 0;
    done++;
  }
  return done > 0;
}

static bool cut_tape(sim_shrink *s, tct_sim_tape *t) {
  bool any = false;
  for (size_t piece = sim_shrink_choices(&s->tape); piece > 0; piece /= 2)
    for (size_t first = 0; may_go_on(s);) {
      copy_tape(t, &s->tape);
      if (!zero_some(t, first, piece))
        break;
      end_at_last_choice(t);
      if (try_tape(s, t))
        any = true;
      else
        first += piece;
    }
  return any;
}

static void shrink_tape(sim_shrink *s) {
  tct_sim_tape t = {0};
  zero_groups(s, &t);
  for (unsigned round = 0; round < ROUNDS_MAX && cut_tape(s, &t); round++) {
  }
  tct_sim_tape_free(&t);
}

/* ---- All of it ---- */

static bool shrink_plan(sim_shrink *s) {
  bool any = cut_end(s);
  any |= drop_records(s);
  tell(s, "flows, hosts, faults");
  any |= make_pair(s);
  any |= drop_features(s);
  tell(s, "features");
  any |= lower_numbers(s);
  tell(s, "numbers");
  return any;
}

bool sim_shrink_run(sim_shrink *s) {
  s->plays = 0;
  s->taped = false;
  memset(&s->result, 0, sizeof s->result);
  play(s, &s->plan, NULL, &s->result);
  if (!s->result.failed || s->result.invariant == 0)
    return false;
  s->least = s->result.frame;
  for (unsigned round = 0; round < ROUNDS_MAX && shrink_plan(s); round++)
    try_seeds(s);
  if (!record_tape(s))
    return true;
  shrink_tape(s);
  tell(s, "choices");
  for (unsigned round = 0; round < ROUNDS_MAX && shrink_plan(s); round++) {
  }
  shrink_tape(s);
  tell(s, "choices");
  return true;
}

void sim_shrink_replay(sim_shrink *s, struct sim_trial_run *run, struct sim_trial_result *out) {
  s->tape.replaying = true;
  s->tape.pos = 0;
  run->tape = s->taped ? &s->tape : NULL;
  run->until_event = is_of_two(s) ? 0 : s->result.event;
  run->again = is_of_two(s);
  play_by(s, &s->plan, run, out);
}

/* ---- Tapes as text ---- */

void sim_shrink_print_tape(const tct_sim_tape *t, FILE *to) {
  enum { A_LINE = 16 };
  for (size_t i = 0; i < t->n; i++) {
    fputs(i % A_LINE == 0 ? "#tape" : "", to);
    fprintf(to, " %" PRIu32 ":%" PRIu32, t->at[i].group, t->at[i].value);
    if (i % A_LINE == A_LINE - 1 || i + 1 == t->n)
      fputc('\n', to);
  }
}

bool sim_shrink_read_tape(tct_sim_tape *t, FILE *from) {
  char line[4096];
  while (fgets(line, sizeof line, from) != NULL) {
    if (strncmp(line, "#tape ", 6) != 0)
      continue;
    char *at = line + 6, *end;
    while (*at != '\0' && *at != '\n') {
      unsigned long group = strtoul(at, &end, 10), value;
      if (end == at || *end != ':')
        return false;
      at = end + 1;
      value = strtoul(at, &end, 10);
      if (end == at || group > UINT32_MAX || value > UINT32_MAX)
        return false;
      tct_sim_tape_append(t, (uint32_t)group, (uint32_t)value);
      at = end + strspn(end, " ");
    }
  }
  return true;
}
