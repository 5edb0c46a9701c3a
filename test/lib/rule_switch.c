/* SPDX-License-Identifier: MIT */
/*
 * Tells the core which numbered rule is off, the one named by TCT_RULE_OFF ("MUST-13"), and which
 * mistake is planted, the one named by TCT_PLANT ("rst-in-window"). Linked into
 * the core by probe builds only (meson option `probe`), so that test programs and the command obey.
 */
#include "util/plant.h"
#include "util/rule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct level {
  const char *name;
  int first, count;
};

static const struct level levels[] = {
    {"MUST", TCT_RULE_ID_MUST_1, TCT_RULE_ID_SHLD_1 - TCT_RULE_ID_MUST_1},
    {"SHLD", TCT_RULE_ID_SHLD_1, TCT_RULE_ID_MAY_1 - TCT_RULE_ID_SHLD_1},
    {"MAY", TCT_RULE_ID_MAY_1, TCT_RULE_ID_REC_1 - TCT_RULE_ID_MAY_1},
    {"REC", TCT_RULE_ID_REC_1, TCT_RULE_ID_EP_1 - TCT_RULE_ID_REC_1},
    {"EP", TCT_RULE_ID_EP_1, TCT_RULE_COUNT - TCT_RULE_ID_EP_1},
};

static int find_rule_off(void) {
  const char *asked = getenv("TCT_RULE_OFF");
  if (!asked || !*asked)
    return TCT_RULE_COUNT;
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    size_t len = strlen(levels[i].name);
    if (strncmp(asked, levels[i].name, len) != 0 || (asked[len] != '-' && asked[len] != '_'))
      continue;
    char *end;
    long n = strtol(asked + len + 1, &end, 10);
    if (*end == '\0' && n >= 1 && n <= levels[i].count)
      return levels[i].first + (int)n - 1;
  }
  fprintf(stderr, "TCT_RULE_OFF=%s names no rule; give one like MUST-13\n", asked);
  exit(2);
}

bool tct_rule_on(enum tct_rule rule) {
  static int off = -1;
  if (off < 0)
    off = find_rule_off();
  return (int)rule != off;
}

/* ---- Planted faults: TCT_PLANT names one, like rst-in-window --------------------------------- */

static const char *const plants[TCT_PLANT_COUNT] = {
#define X(name) #name,
    TCT_PLANTS(X)
#undef X
};

/* RST_IN_WINDOW is also called rst-in-window. */
static bool is_name(const char *name, const char *asked) {
  for (; *name != '\0' && *asked != '\0'; name++, asked++) {
    char c = *name == '_' ? '-' : (char)tolower((unsigned char)*name);
    if (c != *asked)
      return false;
  }
  return *name == *asked;
}

static int find_plant(void) {
  const char *asked = getenv("TCT_PLANT");
  if (!asked || !*asked)
    return TCT_PLANT_COUNT;
  for (int i = 0; i < TCT_PLANT_COUNT; i++)
    if (is_name(plants[i], asked))
      return i;
  fprintf(stderr, "TCT_PLANT=%s names no planted fault; docs/planted.tsv has them all\n", asked);
  exit(2);
}

bool tct_plant_is(enum tct_plant which) {
  static int planted = -1;
  if (planted < 0)
    planted = find_plant();
  return (int)which == planted;
}
