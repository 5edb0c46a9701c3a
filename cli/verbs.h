/* SPDX-License-Identifier: MIT */
/* verbs.h - one function a verb: argv[0] is the verb; returns the exit code. See main.c. */
#ifndef TCT_CLI_VERBS_H
#define TCT_CLI_VERBS_H

int cmd_demo(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_listen(int argc, char **argv);
int cmd_connect(int argc, char **argv);
int cmd_handshake(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_drill(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_replay(int argc, char **argv);

#endif
