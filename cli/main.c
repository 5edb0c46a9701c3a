/* SPDX-License-Identifier: MIT */
/*
 * main.c - the `tercet` command: finds the verb and hands over.
 *
 * Every verb is a file of its own. Exit codes are an API: 0 as asked, 1 the network said no,
 * 2 wrong usage or missing rights, 3 a bug.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/verbs.h"
#include "tercet/tercet.h"

struct verb {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *about;
};

static const struct verb verbs[] = {
    {"demo", cmd_demo, "watch connections open, carry data and close; no root, no network"},
    {"serve", cmd_serve, "serve a directory by HTTP on a TCP of our own, over TUN"},
    {"get", cmd_get, "fetch a URL"},
    {"listen", cmd_listen, "accept a connection: it to stdout, stdin to it"},
    {"connect", cmd_connect, "open a connection: stdin to it, it to stdout"},
    {"handshake", cmd_handshake, "one connection, drawn segment by segment, and a verdict"},
    {"doctor", cmd_doctor, "what this machine allows, and what to do about the rest"},
    {"drill", cmd_drill, "run packet scripts against the stack in virtual time"},
    {"sim", cmd_sim, "random hostile worlds, every invariant checked; same seed, same frames"},
    {"plot", cmd_plot, "a capture as a time-sequence graph, with windows and round trips"},
    {"replay", cmd_replay, "run a recording again: the same frames, step by step if you like"},
};

enum { VERBS = sizeof verbs / sizeof verbs[0] };

static void print_help(FILE *to) {
  fprintf(to,
          "tercet " TCT_VERSION " - a TCP that you can watch\n\nUsage: tercet VERB [OPTIONS]\n\n");
  for (unsigned i = 0; i < VERBS; i++)
    fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].about);
  fprintf(to,
          "\ntercet VERB --help says more. Exit: 0 as asked; 1 the network said no; 2 wrong usage "
          "or\nmissing rights; 3 a bug.\n");
}

static const struct verb *find_verb(const char *name) {
  for (unsigned i = 0; i < VERBS; i++)
    if (strcmp(verbs[i].name, name) == 0)
      return &verbs[i];
  return NULL;
}

static int run_verb(int argc, char **argv) {
  const struct verb *v = find_verb(argv[1]);
  if (v != NULL)
    return v->run(argc - 1, argv + 1);
  fprintf(stderr, "tercet: there is no verb '%s'; see tercet --help\n", argv[1]);
  return ARGS_EXIT_USAGE;
}

static bool is_word(const char *arg, const char *a, const char *b) {
  return strcmp(arg, a) == 0 || strcmp(arg, b) == 0;
}

int main(int argc, char **argv) {
  char help[] = "--help";
  signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error of write(), not the end of us */
  if (argc < 2) {
    print_help(stderr);
    return ARGS_EXIT_USAGE;
  }
  if (is_word(argv[1], "--version", "-V")) {
    puts("tercet " TCT_VERSION);
    return ARGS_EXIT_OK;
  }
  if (argc == 3 && strcmp(argv[1], "help") == 0) {
    char *swapped[] = {argv[0], argv[2], help, NULL};
    return run_verb(3, swapped);
  }
  if (is_word(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
    print_help(stdout);
    return ARGS_EXIT_OK;
  }
  return run_verb(argc, argv);
}
