/* SPDX-License-Identifier: MIT */
/*
 * Plans as text and as something to cut: printing, reading back, judging, dropping records. Called
 * by `tercet sim`, by shrinkers and tests. Every record is a flat row of numbers, told by the field
 * lists of trial.h; what a number means is trial.c's business.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trial.h"
#include "sim/trial_words.h"
#include "util/mem.h"

struct field {
  const char *name;
  size_t offset, size; /* 4 or 8 octets */
};
struct record {
  const char *word;
  const struct field *fields; /* name NULL ends */
  size_t size, rows, count;   /* of a row; offsets in the plan */
  uint32_t max;
};

#define FIELD(type, name) {#name, offsetof(type, name), sizeof(((type *)0)->name)},
#define HEAD(name, about) FIELD(struct sim_trial_plan, name)
#define HOST(name, about) FIELD(struct sim_trial_host, name)
#define LINK(name, about) FIELD(struct sim_trial_link, name)
#define FAULT(name, about) FIELD(struct sim_trial_fault, name)
#define FLOW(name, about) FIELD(struct sim_trial_flow, name)
#define ACT(name, about) FIELD(struct sim_trial_act, name)
static const struct field head_fields[] = {SIM_TRIAL_HEAD_FIELDS(HEAD){0}};
static const struct field host_fields[] = {SIM_TRIAL_HOST_FIELDS(HOST){0}};
static const struct field link_fields[] = {SIM_TRIAL_LINK_FIELDS(LINK){0}};
static const struct field fault_fields[] = {SIM_TRIAL_FAULT_FIELDS(FAULT) FAULT(a, "")
                                                FAULT(b, ""){0}};
static const struct field flow_fields[] = {SIM_TRIAL_FLOW_FIELDS(FLOW){0}};
static const struct field act_fields[] = {SIM_TRIAL_ACT_FIELDS(ACT){0}};

#define ROWS(one, list)                                                                            \
  sizeof(struct sim_trial_##one), offsetof(struct sim_trial_plan, list),                           \
      offsetof(struct sim_trial_plan, n_##one##s)
static const struct record records[] = {
    {"host", host_fields, ROWS(host, host), SIM_TRIAL_HOSTS_MAX},
    {"link", link_fields, ROWS(link, link), SIM_TRIAL_LINKS_MAX},
    {"fault", fault_fields, ROWS(fault, fault), SIM_TRIAL_FAULTS_MAX},
    {"flow", flow_fields, ROWS(flow, flow), SIM_TRIAL_FLOWS_MAX},
    {"act", act_fields, ROWS(act, act), SIM_TRIAL_ACTS_MAX},
};
enum { RECORDS = sizeof records / sizeof records[0], IS_HOST = 0, IS_FAULT = 2 };

static uint32_t *number_at(void *base, size_t offset) {
  return (uint32_t *)(void *)((unsigned char *)base + offset);
}

static uint64_t get(const void *base, const struct field *f) {
  uint32_t n;
  uint64_t wide;
  memcpy(&wide, (const unsigned char *)base + f->offset, f->size == sizeof wide ? sizeof wide : 0);
  memcpy(&n, (const unsigned char *)base + f->offset, sizeof n);
  return f->size == sizeof wide ? wide : n;
}

static void put(void *base, const struct field *f, uint64_t value) {
  uint32_t n = (uint32_t)value;
  if (f->size == sizeof value)
    memcpy((unsigned char *)base + f->offset, &value, sizeof value);
  else
    memcpy((unsigned char *)base + f->offset, &n, sizeof n);
}

static void *row_of(struct sim_trial_plan *p, const struct record *r, uint32_t i) {
  return (unsigned char *)p + r->rows + i * r->size;
}

/* ---- Words ---- */

static const char *const feature_words[] = {
#define X(name, word) word,
    SIM_FEATURES(X)
#undef X
};

const char *sim_feature_name(sim_feature f) {
  return f < SIM_FEATURE_COUNT ? feature_words[f] : "?";
}

/* ---- Printing ---- */

static void print_fields(const void *row, const struct field *f, FILE *to) {
  for (; f->name != NULL; f++) {
    uint64_t n = get(row, f);
    const char *word = sim_trial_word(f->name, n);
    if (word != NULL)
      fprintf(to, " %s=%s", f->name, word);
    else if (n != 0)
      fprintf(to, " %s=%" PRIu64, f->name, n);
  }
}

static void print_features(uint64_t features, FILE *to) {
  const char *comma = "";
  fputs(" features=", to);
  for (unsigned i = 0; i < SIM_FEATURE_COUNT; i++) {
    if ((features >> i & 1) == 0)
      continue;
    fprintf(to, "%s%s", comma, feature_words[i]);
    comma = ",";
  }
}

static void print_row(const struct record *r, const void *row, unsigned i, FILE *to) {
  fputs(r->word, to);
  if (r == &records[IS_FAULT])
    fprintf(to, " %s", tct_sim_fault_name(((const struct sim_trial_fault *)row)->kind));
  else
    fprintf(to, " %u", i);
  print_fields(row, r->fields, to);
  if (r == &records[IS_HOST])
    print_features(((const struct sim_trial_host *)row)->features, to);
  fputc('\n', to);
}

void sim_trial_print(const struct sim_trial_plan *p, FILE *to) {
  fprintf(to, "plan 1\nseed %" PRIu64 "\nhead", p->seed);
  print_fields(p, head_fields, to);
  fputc('\n', to);
  for (unsigned k = 0; k < RECORDS; k++) {
    const struct record *r = &records[k];
    for (uint32_t i = 0; i < *number_at((void *)(uintptr_t)p, r->count); i++)
      print_row(r, (const unsigned char *)p + r->rows + i * r->size, i, to);
  }
}

/* ---- Reading ---- */

/* The next run of octets outside of `between`, ended by a zero; NULL at the end. */
static char *next_word(char **rest, const char *between) {
  char *word = *rest + strspn(*rest, between), *end = word + strcspn(word, between);
  *rest = *end == '\0' ? end : end + 1;
  *end = '\0';
  return *word == '\0' ? NULL : word;
}

struct reader {
  unsigned line;
  char *error;
  size_t cap;
};

static bool complain(struct reader *r, const char *what, const char *word) {
  snprintf(r->error, r->cap, "line %u: %s%s%s", r->line, what, word ? ": " : "", word ? word : "");
  return false;
}

static bool read_features(struct reader *r, char *list, uint64_t *to) {
  char *rest = list;
  *to = 0;
  for (char *w = next_word(&rest, ","); w != NULL; w = next_word(&rest, ",")) {
    unsigned i = 0;
    while (i < SIM_FEATURE_COUNT && strcmp(w, feature_words[i]) != 0)
      i++;
    if (i == SIM_FEATURE_COUNT)
      return complain(r, "there is no such feature", w);
    *to |= UINT64_C(1) << i;
  }
  return true;
}

static bool read_value(struct reader *r, const struct field *f, const char *value, void *row) {
  char *end;
  uint64_t n = strtoull(value, &end, 10);
  bool is_number = end != value && *end == '\0' && (f->size == sizeof n || n <= UINT32_MAX);
  if (!is_number && !sim_trial_number(f->name, value, &n))
    return complain(r, "neither a number nor a word", value);
  put(row, f, n);
  return true;
}

static bool read_pair(struct reader *r, const struct record *rec, const struct field *f, void *row,
                      char *pair) {
  char *value = strchr(pair, '=');
  if (value == NULL)
    return complain(r, "name=value is missing", pair);
  *value++ = '\0';
  if (rec == &records[IS_HOST] && strcmp(pair, "features") == 0)
    return read_features(r, value, &((struct sim_trial_host *)row)->features);
  for (; f->name != NULL; f++)
    if (strcmp(f->name, pair) == 0)
      return read_value(r, f, value, row);
  return complain(r, "there is no such field", pair);
}

static bool read_pairs(struct reader *r, const struct record *rec, const struct field *f, void *row,
                       char **rest) {
  for (char *w = next_word(rest, " \n"); w != NULL; w = next_word(rest, " \n"))
    if (!read_pair(r, rec, f, row, w))
      return false;
  return true;
}

static bool find_fault(const char *word, struct sim_trial_fault *f) {
  int kind = tct_sim_fault_find(word);
  f->kind = kind < 0 ? 0 : (uint32_t)kind;
  return kind >= 0;
}

static bool read_record(struct reader *r, struct sim_trial_plan *p, const char *word, char **rest) {
  for (unsigned k = 0; k < RECORDS; k++) {
    const struct record *rec = &records[k];
    uint32_t *n = number_at(p, rec->count);
    char *name;
    void *row;
    if (strcmp(word, rec->word) != 0)
      continue;
    if (*n == rec->max)
      return complain(r, "too many of them", word);
    row = row_of(p, rec, (*n)++);
    name = next_word(rest, " \n");
    if (name == NULL)
      return complain(r, "its number is missing", word);
    if (k == IS_FAULT && !find_fault(name, row))
      return complain(r, "there is no such fault", name);
    return read_pairs(r, rec, rec->fields, row, rest);
  }
  return complain(r, "there is no such record", word);
}

static bool read_line(struct reader *r, struct sim_trial_plan *p, char *line) {
  char *rest = line, *word = next_word(&rest, " \n"), *value;
  if (word == NULL || word[0] == '#' || strcmp(word, "plan") == 0)
    return true;
  if (strcmp(word, "head") == 0)
    return read_pairs(r, NULL, head_fields, p, &rest);
  if (strcmp(word, "seed") != 0)
    return read_record(r, p, word, &rest);
  value = next_word(&rest, " \n");
  if (value == NULL)
    return complain(r, "seed has no number", NULL);
  p->seed = strtoull(value, NULL, 0);
  return true;
}

bool sim_trial_read(struct sim_trial_plan *p, FILE *from, char *error, size_t cap) {
  char line[4096];
  struct reader r = {0, error, cap};
  const char *wrong;
  memset(p, 0, sizeof *p);
  while (fgets(line, sizeof line, from) != NULL) {
    r.line++;
    if (strchr(line, '\n') == NULL && !feof(from))
      return complain(&r, "it is too long", NULL);
    if (!read_line(&r, p, line))
      return false;
  }
  wrong = sim_trial_judge(p);
  return wrong == NULL || complain(&r, wrong, NULL);
}

/* ---- Judging ---- */

static const char *judge_flow(const struct sim_trial_plan *p, const struct sim_trial_flow *f) {
  if (f->client >= p->n_hosts || f->server >= p->n_hosts || f->client == f->server)
    return "a flow's host is not there";
  if (p->host[f->client].kind != SIM_TRIAL_STACK || p->host[f->server].kind != SIM_TRIAL_STACK)
    return "a flow's host is no stack";
  if (f->conns > SIM_TRIAL_CONNS_MAX)
    return "a flow has too many connections";
  if (f->talk >= SIM_TALK_COUNT || f->client_end >= SIM_END_COUNT || f->server_end >= SIM_END_COUNT)
    return "a flow talks in no known way";
  if (f->client_deed >= SIM_DEED_FORGE || f->server_deed >= SIM_DEED_FORGE)
    return "a flow's deed is none of an application";
  return NULL;
}

static const char *judge_fault(const struct sim_trial_plan *p, const struct sim_trial_fault *f) {
  bool of_link;
  if (f->kind >= TCT_SIM_FAULT_COUNT)
    return "a fault is of no kind";
  of_link = tct_sim_fault_class_of(f->kind) == TCT_SIM_CLASS_LINK;
  return f->target < (of_link ? p->n_links : p->n_hosts) ? NULL : "a fault has no target";
}

static const char *judge_act(const struct sim_trial_plan *p, const struct sim_trial_act *a) {
  if (a->host >= p->n_hosts || p->host[a->host].kind != SIM_TRIAL_STACK)
    return "an act's host is no stack";
  if (a->state >= TCT_STATE_COUNT || a->deed >= SIM_DEED_COUNT || a->where >= SIM_WHERE_COUNT)
    return "an act is none";
  return NULL;
}

const char *sim_trial_judge(const struct sim_trial_plan *p) {
  const char *wrong = NULL;
  if (p->n_hosts < 2)
    return "fewer than two hosts";
  for (uint32_t i = 0; i < p->n_links; i++)
    if (p->link[i].a >= p->n_hosts || p->link[i].b >= p->n_hosts || p->link[i].a == p->link[i].b)
      return "a link's host is not there";
  for (uint32_t i = 0; i < p->n_flows && wrong == NULL; i++)
    wrong = judge_flow(p, &p->flow[i]);
  for (uint32_t i = 0; i < p->n_faults && wrong == NULL; i++)
    wrong = judge_fault(p, &p->fault[i]);
  for (uint32_t i = 0; i < p->n_acts && wrong == NULL; i++)
    wrong = judge_act(p, &p->act[i]);
  return wrong;
}

/* ---- Dropping ---- */

static void drop_row(struct sim_trial_plan *p, unsigned kind, unsigned i) {
  const struct record *r = &records[kind];
  uint32_t *n = number_at(p, r->count);
  if (i >= *n)
    return;
  memmove(row_of(p, r, i), row_of(p, r, i + 1), (*n - i - 1) * r->size);
  (*n)--;
  memset(row_of(p, r, *n), 0, r->size);
}

void sim_trial_drop_flow(struct sim_trial_plan *p, unsigned i) {
  drop_row(p, 3, i);
}

void sim_trial_drop_fault(struct sim_trial_plan *p, unsigned i) {
  drop_row(p, IS_FAULT, i);
}

void sim_trial_drop_act(struct sim_trial_plan *p, unsigned i) {
  drop_row(p, 4, i);
}

/* Its target counts hosts of the plan, not links. */
static bool is_of_host(const struct sim_trial_fault *f) {
  return tct_sim_fault_class_of(f->kind) != TCT_SIM_CLASS_LINK;
}

static void close_up(uint32_t *index, unsigned gone) {
  if (*index > gone)
    (*index)--;
}

static void drop_link(struct sim_trial_plan *p, unsigned gone) {
  drop_row(p, 1, gone);
  for (unsigned i = p->n_faults; i-- > 0;) {
    if (is_of_host(&p->fault[i]))
      continue;
    if (p->fault[i].target == gone)
      sim_trial_drop_fault(p, i);
    else
      close_up(&p->fault[i].target, gone);
  }
}

void sim_trial_drop_host(struct sim_trial_plan *p, unsigned gone) {
  drop_row(p, IS_HOST, gone);
  for (unsigned i = p->n_flows; i-- > 0;)
    if (p->flow[i].client == gone || p->flow[i].server == gone)
      sim_trial_drop_flow(p, i);
  for (unsigned i = p->n_acts; i-- > 0;)
    if (p->act[i].host == gone)
      sim_trial_drop_act(p, i);
  for (unsigned i = p->n_links; i-- > 0;)
    if (p->link[i].a == gone || p->link[i].b == gone)
      drop_link(p, i);
  for (unsigned i = p->n_faults; i-- > 0;)
    if (is_of_host(&p->fault[i]) && p->fault[i].target == gone)
      sim_trial_drop_fault(p, i);
  for (unsigned i = 0; i < p->n_flows; i++) {
    close_up(&p->flow[i].client, gone);
    close_up(&p->flow[i].server, gone);
  }
  for (unsigned i = 0; i < p->n_acts; i++)
    close_up(&p->act[i].host, gone);
  for (unsigned i = 0; i < p->n_links; i++) {
    close_up(&p->link[i].a, gone);
    close_up(&p->link[i].b, gone);
  }
  for (unsigned i = 0; i < p->n_faults; i++)
    if (is_of_host(&p->fault[i]))
      close_up(&p->fault[i].target, gone);
}
