/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: plans of the simulator as text. Any text is a plan or is refused with words; what
 * was read is written and read again and is the same. Nothing is played here: `tercet sim` does.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trial.h"
#include "test/fuzz/fuzz.h"

static bool read_text(struct sim_trial_plan *p, const char *text, size_t n) {
  char error[200] = "";
  FILE *f = fmemopen((void *)(uintptr_t)text, n, "r");
  FUZZ_CHECK(f != NULL);
  bool ok = sim_trial_read(p, f, error, sizeof error);
  fclose(f);
  FUZZ_CHECK(ok || (error[0] != '\0' && memchr(error, '\0', sizeof error) != NULL));
  return ok;
}

static char *write_text(const struct sim_trial_plan *p, size_t *n) {
  char *text = NULL;
  FILE *f = open_memstream(&text, n);
  FUZZ_CHECK(f != NULL);
  sim_trial_print(p, f);
  fclose(f);
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct sim_trial_plan first, second;
  size_t n[2];
  if (size == 0 || !read_text(&first, (const char *)data, size))
    return 0;
  const char *wrong = sim_trial_judge(&first);
  char *once = write_text(&first, &n[0]);
  FUZZ_CHECK(read_text(&second, once, n[0]));
  char *twice = write_text(&second, &n[1]);
  FUZZ_CHECK(n[0] == n[1] && memcmp(once, twice, n[0]) == 0);
  FUZZ_CHECK((wrong == NULL) == (sim_trial_judge(&second) == NULL));
  free(once);
  free(twice);
  return 0;
}
