/* SPDX-License-Identifier: MIT */
/*
 * Every story of `tercet demo` as a test: what it says must be in the trace of the stacks. Also
 * that the stories together cover each statement of the page, S1..S26, O1 and O2. [RFC9293 figures
 * 6-14]
 */
#include <stdio.h>
#include <string.h>

#include "cli/stories/stories.h"

static bool covers(const char *list, const char *statement) {
  size_t len = strlen(statement);
  for (const char *at = list; (at = strstr(at, statement)) != NULL; at += len)
    if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == 0))
      return true;
  return false;
}

static bool check_covered(const char *statement) {
  for (size_t i = 0; i < n_stories; i++)
    if (covers(stories[i].covers, statement))
      return true;
  printf("# no story covers %s\n", statement);
  return false;
}

static bool check_coverage(void) {
  bool ok = check_covered("O1") && check_covered("O2");
  char name[8];
  for (unsigned i = 1; i <= 26; i++) {
    snprintf(name, sizeof name, "S%u", i);
    ok = check_covered(name) && ok;
  }
  return ok;
}

static bool check_story(const struct story *y) {
  struct stage_opts o = {.silent = true, .seed = 1};
  struct stage st;
  bool ok = stories_run(&st, y, &o);
  if (!ok)
    printf("# %s (%s:%d)\n", st.failed, st.failed_file, st.failed_line);
  stage_deinit(&st);
  return ok;
}

int main(void) {
  bool all = check_coverage();
  printf("%s - page__each_statement__has_a_story\n", all ? "ok" : "not ok");
  for (size_t i = 0; i < n_stories; i++) {
    bool ok = check_story(&stories[i]);
    printf("%s - story__%s__goes_as_told\n", ok ? "ok" : "not ok", stories[i].name);
    all = all && ok;
  }
  return all ? 0 : 1;
}
