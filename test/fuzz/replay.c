/* SPDX-License-Identifier: MIT */
/*
 * replay.c - plays files to a fuzz target, for compilers without libFuzzer. `make check` gives it
 * the committed corpus: every seed, and every input that once broke something.
 *
 *   replay_NAME FILE-OR-DIRECTORY...        one TAP line a file; a crash is the target's own
 */
#define _POSIX_C_SOURCE 200809L
#include "test/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20 };

static unsigned played;

static void play_file(const char *path) {
  static uint8_t buf[INPUT_MAX];
  FILE *f = fopen(path, "rb");
  if (f == NULL) {
    printf("not ok %u - %s (cannot be opened)\n", ++played, path);
    return;
  }
  size_t n = fread(buf, 1, sizeof buf, f);
  fclose(f);
  printf("playing %s\n", path); /* what a crash leaves as the last line */
  fflush(stdout);
  uint8_t *exact = fuzz_copy(buf, n);
  LLVMFuzzerTestOneInput(exact, n);
  free(exact);
  printf("ok %u - %s\n", ++played, path);
}

static int is_visible(const struct dirent *e) {
  return e->d_name[0] != '.';
}

static void play_path(const char *path) {
  struct stat st = {0}; /* clang 14's MSan does not know stat() */
  struct dirent **names;
  if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
    play_file(path);
    return;
  }
  int n = scandir(path, &names, is_visible, alphasort);
  for (int i = 0; i < n; i++) {
    char file[4096];
    snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
    play_file(file);
    free(names[i]);
  }
  if (n >= 0)
    free(names);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    play_path(argv[i]);
  printf("1..%u\n", played);
  if (played == 0)
    fprintf(stderr, "replay: nothing to play; name files or directories\n");
  return played == 0;
}
