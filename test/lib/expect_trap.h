/* SPDX-License-Identifier: MIT */
/*
 * Does this call trap? Runs it in a child process and reports whether the child died of it. For
 * tests of assertions in the core: a check that never fires is no check.
 */
#ifndef TEST_LIB_EXPECT_TRAP_H
#define TEST_LIB_EXPECT_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool call_traps(void (*call)(void *arg), void *arg) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    signal(SIGILL, SIG_DFL); /* neither the sanitizer's report nor cmocka's handler */
    signal(SIGTRAP, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    call(arg);
    _exit(0);
  }
  if (child < 0 || waitpid(child, &status, 0) != child)
    return false;
  return WIFSIGNALED(status);
}

#endif
