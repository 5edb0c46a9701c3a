/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - tercet doctor: what this machine lets tercet do, tried rather than guessed.
 *
 * The verb: a table of checks, each a function that answers yes, or no with a reason and a remedy.
 * Nothing is changed on the machine; the device made for the trial is gone when it returns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "drivers/af_xdp.h"

enum answer { YES, NO, UNKNOWN };

struct finding {
  enum answer answer;
  char because[160]; /* or a remark, after yes */
  const char *remedy;
};

static enum answer say(struct finding *f, enum answer answer, const char *because,
                       const char *remedy) {
  snprintf(f->because, sizeof f->because, "%s", because);
  f->remedy = remedy;
  f->answer = answer;
  return answer;
}

/* The first line of a file, or "" when there is none. */
static void read_line(const char *path, char *line, int cap) {
  FILE *f = fopen(path, "r");
  line[0] = '\0';
  if (f == NULL)
    return;
  if (fgets(line, cap, f) == NULL)
    line[0] = '\0';
  fclose(f);
  line[strcspn(line, "\n")] = '\0';
}

/* ---- Devices --------------------------------------------------------------------------------- */

static void check_tun_node(struct finding *f) {
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    say(f, YES, "/dev/net/tun opens", NULL);
    close(fd);
  } else if (errno == EACCES || errno == EPERM) {
    say(f, NO, "/dev/net/tun is not yours to open", "run as root, or chmod 666 /dev/net/tun");
  } else if (errno == ENOENT) {
    say(f, NO, "/dev/net/tun is not there", "modprobe tun; in a container: --device /dev/net/tun");
  } else {
    say(f, NO, strerror(errno), "modprobe tun");
  }
}

static void try_device(struct finding *f, int kind) {
  struct ifreq ifr = {.ifr_flags = (short)(kind | IFF_NO_PI), .ifr_name = "tctdoc%d"};
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    say(f, NO, "/dev/net/tun does not open", "see above");
  else if (ioctl(fd, TUNSETIFF, &ifr) == 0)
    say(f, YES, "made one and let it go", NULL);
  else if (errno == EPERM)
    say(f, NO, "no right to make network devices",
        "run as root or with CAP_NET_ADMIN; or once, as root: ip tuntap add tct0 mode tun user "
        "$USER");
  else
    say(f, NO, strerror(errno), "run as root");
  if (fd >= 0)
    close(fd);
}

static void check_tun_make(struct finding *f) {
  try_device(f, IFF_TUN);
}

static void check_tap_make(struct finding *f) {
  try_device(f, IFF_TAP);
}

static void check_tun_offload(struct finding *f) {
  struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, .ifr_name = "tctdoc%d"};
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
    say(f, NO, "no such device could be made", "see above");
  else if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) == 0)
    say(f, YES, "one read or write moves up to 64 KiB", NULL);
  else
    say(f, NO, strerror(errno), "use a newer kernel");
  if (fd >= 0)
    close(fd);
}

static void check_net_admin(struct finding *f) {
  char line[128];
  unsigned long long caps = 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "CapEff: %llx", &caps) == 1)
      break;
  if (status != NULL)
    fclose(status);
  if ((caps >> 12 & 1) != 0)
    say(f, YES, "addresses and routes may be set", NULL);
  else
    say(f, NO, "this process may not change the network",
        "run as root, or setcap cap_net_admin+ep on the tercet binary");
}

/* ---- Other ways in and out ------------------------------------------------------------------- */

static void check_user_namespaces(struct finding *f) {
  int status = 0;
  pid_t child = fork();
  if (child == 0)
    _exit(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno);
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) {
    say(f, UNKNOWN, "no child process could be made", NULL);
    return;
  }
  int err = WEXITSTATUS(status);
  if (err == 0)
    say(f, YES, "a network of one's own without root", NULL);
  else if (err == ENOSPC)
    say(f, NO, "user.max_user_namespaces is used up or 0",
        "sysctl -w user.max_user_namespaces=10000");
  else if (err == EPERM || err == EACCES)
    say(f, NO, "the kernel or its security module forbids them",
        "sysctl -w kernel.unprivileged_userns_clone=1, or "
        "kernel.apparmor_restrict_unprivileged_userns=0");
  else
    say(f, NO, strerror(err), "use a kernel with CONFIG_USER_NS");
}

static void check_socket(struct finding *f, int family, int protocol, const char *remedy) {
  int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd >= 0) {
    say(f, YES, "a socket was opened", NULL);
    close(fd);
  } else if (errno == EPERM || errno == EACCES) {
    say(f, NO, "no right to open one", "run as root or with CAP_NET_RAW");
  } else {
    say(f, NO, strerror(errno), remedy);
  }
}

static void check_af_xdp(struct finding *f) {
  if (tct_af_xdp_missing() != NULL)
    say(f, NO, tct_af_xdp_missing(), "apt-get install libxdp-dev libbpf-dev, and build it again");
  else
    check_socket(f, AF_XDP, 0, "use a kernel with CONFIG_XDP_SOCKETS");
}

static void check_raw(struct finding *f) {
  check_socket(f, AF_INET, IPPROTO_TCP, "use a kernel with CONFIG_INET");
}

static void check_seccomp(struct finding *f) {
  struct seccomp_notif_sizes sizes;
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0)
    say(f, YES, "system calls of others can be answered", NULL);
  else
    say(f, NO, strerror(errno), "use a kernel from 5.0 on with CONFIG_SECCOMP_FILTER");
}

static void check_ipv6(struct finding *f) {
  char line[16];
  read_line("/proc/sys/net/ipv6/conf/all/disable_ipv6", line, sizeof line);
  if (line[0] == '0')
    say(f, YES, "the kernel speaks it", NULL);
  else if (line[0] == '1')
    say(f, NO, "it is switched off", "sysctl -w net.ipv6.conf.all.disable_ipv6=0");
  else
    say(f, NO, "this kernel was built without it", "use IPv4 only: one --addr");
}

/* ---- Beyond the device ----------------------------------------------------------------------- */

static void check_forwarding(struct finding *f) {
  char line[16];
  read_line("/proc/sys/net/ipv4/ip_forward", line, sizeof line);
  if (line[0] == '1')
    say(f, YES, "packets from the device may leave", NULL);
  else
    say(f, NO, "the kernel forwards nothing", "sysctl -w net.ipv4.ip_forward=1");
}

/* 1: a rule is there, 0: none, -1: the tool is missing or has no right. */
static int rules_hold(const char *command, const char *word) {
  char line[512];
  int found = 0;
  FILE *rules = popen(command, "r");
  if (rules == NULL)
    return -1;
  while (fgets(line, sizeof line, rules) != NULL)
    if (strstr(line, word) != NULL)
      found = 1;
  return pclose(rules) == 0 ? found : -1;
}

static void check_masquerade(struct finding *f) {
  const char *remedy = "see tercet handshake --help";
  int nft = rules_hold("PATH=$PATH:/usr/sbin:/sbin nft list ruleset 2>/dev/null", "masquerade");
  int old = nft == 1 ? 0
                     : rules_hold("PATH=$PATH:/usr/sbin:/sbin iptables -t nat -S 2>/dev/null",
                                  "MASQUERADE");
  if (nft == 1 || old == 1)
    say(f, YES, "there is a rule; that it fits the device's addresses is not checked", NULL);
  else if (nft == 0 || old == 0)
    say(f, NO, "no rule gives tercet's packets an address that the world can answer", remedy);
  else
    say(f, UNKNOWN, "neither nft nor iptables could be asked", "install nftables, run as root");
}

/* ---- The table ------------------------------------------------------------------------------- */

static const struct {
  const char *name, *for_what;
  void (*run)(struct finding *f);
} checks[] = {
    {"TUN node", "serve get listen connect handshake", check_tun_node},
    {"TUN device", "serve get listen connect handshake", check_tun_make},
    {"TUN offload", "speed", check_tun_offload},
    {"TAP device", "--dev tap:NAME", check_tap_make},
    {"CAP_NET_ADMIN", "setting the kernel's end", check_net_admin},
    {"IPv6", "addresses like fd07::2", check_ipv6},
    {"IP forwarding", "handshake HOST beyond this machine", check_forwarding},
    {"masquerade", "handshake HOST beyond this machine", check_masquerade},
    {"user namespaces", "trying all this without root", check_user_namespaces},
    {"raw sockets", "not needed yet", check_raw},
    {"AF_XDP", "--dev xdp:INTERFACE", check_af_xdp},
    {"seccomp notify", "not needed yet", check_seccomp},
};

static const char *word_of(enum answer a) {
  return a == YES ? "yes" : a == NO ? "no" : "cannot tell";
}

static void print_finding(const struct term *t, unsigned i, const struct finding *f) {
  enum term_role role = f->answer == YES ? TERM_GOOD : f->answer == NO ? TERM_BAD : TERM_WARN;
  printf("%-16s %s%s%s", checks[i].name, term_on(t, role), word_of(f->answer), term_off(t, role));
  printf(f->answer == YES ? "  (%s)\n" : ", because %s", f->because);
  if (f->answer != YES)
    printf("%s%s\n", f->remedy != NULL ? "\n                 do: " : "",
           f->remedy != NULL ? f->remedy : "");
  if (f->answer != YES)
    printf("                 %sneeded for: %s%s\n", term_on(t, TERM_DIM), checks[i].for_what,
           term_off(t, TERM_DIM));
}

static void print_plain(unsigned i, const struct finding *f) {
  printf("%s: %s: %s%s%s\n", checks[i].name, word_of(f->answer), f->because,
         f->remedy != NULL ? "; do: " : "", f->remedy != NULL ? f->remedy : "");
}

static void print_json(unsigned i, const struct finding *f) {
  printf("{\"check\":\"%s\",\"answer\":\"%s\",\"because\":\"%s\",\"do\":\"%s\"}\n", checks[i].name,
         word_of(f->answer), f->because, f->remedy != NULL ? f->remedy : "");
}

int cmd_doctor(int argc, char **argv) {
  static bool plain, json, ascii;
  static const char *color;
  static const struct args_option own[] = {
      {"plain", 0, ARGS_FLAG, &plain, NULL, "one check a line", 0, 0, NULL},
      {"json", 0, ARGS_FLAG, &json, NULL, "JSON Lines", 0, 0, NULL},
      {"ascii", 0, ARGS_FLAG, &ascii, NULL, "no Unicode", 0, 0, NULL},
      {"color", 0, ARGS_TEXT, &color, "WHEN", "always, never or auto", 0, 0, NULL},
      {0}};
  const struct args_verb verb = {
      "doctor",
      "",
      "Says what this machine allows tercet to do, and what to do about the rest.",
      "tercet demo needs none of it.",
      {own, NULL, NULL},
      0,
      0};
  struct term term;
  struct args args;
  int code = args_parse(&verb, argc, argv, &args);
  if (code != ARGS_GO)
    return code;
  term_init(&term, stdout);
  if (color != NULL && !term_set_colour(&term, color))
    return args_wrong(&verb, "--color '%s': it is always, never or auto", color);
  if (json)
    printf("{\"schema\":\"tercet.doctor\",\"version\":1}\n");
  for (unsigned i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    struct finding f = {.answer = UNKNOWN};
    checks[i].run(&f);
    if (json)
      print_json(i, &f);
    else if (plain)
      print_plain(i, &f);
    else
      print_finding(&term, i, &f);
    fflush(stdout); /* the children of later checks must not inherit it */
  }
  return ARGS_EXIT_OK;
}
