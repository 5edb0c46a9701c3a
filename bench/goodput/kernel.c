/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - goodput of this machine's Linux in real time, over the same traces as memory.c: two
 * network namespaces, a TUN device in each, relay.c between them, plain sockets at the ends.
 *
 *   goodput_kernel ROW ALGO SEED SECONDS
 *
 * Needs root. The namespaces have no name and end with the process. Prints one line, fields with
 * tabs between (see print_result). Called by tools/goodput-linux.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/goodput/relay.h"

#define SEC UINT64_C(1000000000)

enum { PIECE = 1 << 16, TX_QUEUE = 10000, ENDS = 2 };

static const char *const addresses[ENDS] = {"10.9.0.1", "10.9.0.2"};

/* What the three processes tell each other. */
struct board {
  atomic_ullong started_ns; /* when the first SYN was asked for; 0: not yet */
  atomic_int ready, failed;
  uint64_t received[GOODPUT_FLOWS];
  uint64_t timeouts, undone;
};

struct bench {
  const struct goodput_row *row;
  const char *algo;
  uint64_t seed, seconds;
  int ns[ENDS];
  struct board *board;
};

static void die(const char *what) {
  fprintf(stderr, "goodput_kernel: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* ---- Two namespaces -------------------------------------------------------------------------- */

/* Equal to what memory.c gives this stack: buffers that are no limit, and no memory of the past. */
static const struct {
  const char *file, *value;
} settings[] = {
    {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
    {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
    {"/proc/sys/net/ipv4/tcp_rmem", "4096 67108864 67108864"},
    {"/proc/sys/net/ipv4/tcp_wmem", "4096 67108864 67108864"},
    {"/proc/sys/net/ipv4/tcp_no_metrics_save", "1"},
    {"/proc/sys/net/ipv4/tcp_timestamps", "1"},
    {"/proc/sys/net/ipv4/tcp_sack", "1"},
    {"/proc/sys/net/ipv4/tcp_ecn", "0"},
};

static void set_all(void) {
  for (unsigned i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    int fd = open(settings[i].file, O_WRONLY);
    size_t len = strlen(settings[i].value);
    if (fd < 0 && errno == ENOENT)
      continue; /* a kernel without IPv6 */
    if (fd < 0 || write(fd, settings[i].value, len) != (ssize_t)len)
      die(settings[i].file);
    close(fd);
  }
}

static void ask_device(int fd, unsigned long request, struct ifreq *r, const char *what) {
  if (ioctl(fd, request, r) < 0)
    die(what);
}

static void set_device_addr(int fd, struct ifreq *r, unsigned long request, const char *addr) {
  struct sockaddr_in in = {.sin_family = AF_INET};
  inet_pton(AF_INET, addr, &in.sin_addr);
  memcpy(&r->ifr_addr, &in, sizeof in);
  ask_device(fd, request, r, "address of the TUN device");
}

/* A queue too long to fill: the bottleneck is the path's, and a packet lost before it would be in
 * no trace. No offload: what the kernel sends is cut into segments of the MTU's size. */
static int make_tun(const char *addr) {
  struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || s < 0)
    die("/dev/net/tun");
  ask_device(fd, TUNSETIFF, &r, "making a TUN device");
  set_device_addr(s, &r, SIOCSIFADDR, addr);
  set_device_addr(s, &r, SIOCSIFNETMASK, "255.255.255.0");
  r.ifr_mtu = 1500;
  ask_device(s, SIOCSIFMTU, &r, "MTU");
  r.ifr_qlen = TX_QUEUE;
  ask_device(s, SIOCSIFTXQLEN, &r, "queue length");
  r.ifr_flags = IFF_UP | IFF_RUNNING;
  ask_device(s, SIOCSIFFLAGS, &r, "taking the device up");
  close(s);
  return fd;
}

static void make_ends(struct bench *b, struct goodput_relay *r) {
  for (unsigned i = 0; i < ENDS; i++) {
    if (unshare(CLONE_NEWNET) < 0)
      die("a network namespace (this needs root)");
    b->ns[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (b->ns[i] < 0)
      die("/proc/self/ns/net");
    set_all();
    r->tun[i] = make_tun(addresses[i]);
  }
}

/* Late wake-ups would be longer round trips: ask to run before all else, if that is granted. */
static void hurry(int priority) {
  struct sched_param p = {.sched_priority = priority};
  prctl(PR_SET_TIMERSLACK, 1);
  if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
    fprintf(stderr, "goodput_kernel: no SCHED_FIFO; times will be less exact\n");
}

/* ---- The receiver ---------------------------------------------------------------------------- */

static int listen_on(unsigned flow) {
  struct sockaddr_in in = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)(GOODPUT_PORT + flow))};
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (s < 0 || bind(s, (struct sockaddr *)&in, sizeof in) < 0 || listen(s, 4) < 0)
    die("listen");
  return s;
}

static void receive(const struct bench *b, const struct pollfd *fd, unsigned flow) {
  static uint8_t piece[16 * PIECE];
  ssize_t n = recv(fd->fd, piece, sizeof piece, MSG_DONTWAIT);
  if (n > 0)
    b->board->received[flow] += (uint64_t)n;
}

/* Takes each flow's connection, then reads until the time is over, each millisecond what is there:
 * woken for each packet it would need as much of the machine as all else here. */
static void run_receiver(const struct bench *b) {
  struct pollfd fd[GOODPUT_FLOWS];
  bool taken[GOODPUT_FLOWS] = {false};
  uint64_t until_ns = UINT64_MAX;
  for (unsigned i = 0; i < b->row->flows; i++)
    fd[i] = (struct pollfd){.fd = listen_on(i), .events = POLLIN};
  atomic_fetch_add(&b->board->ready, 1);
  while (goodput_monotonic_ns() < until_ns) {
    uint64_t started_ns = atomic_load(&b->board->started_ns);
    until_ns = started_ns != 0 ? started_ns + b->seconds * SEC : UINT64_MAX;
    usleep(1000);
    poll(fd, b->row->flows, 5);
    for (unsigned i = 0; i < b->row->flows; i++) {
      if (!(fd[i].revents & POLLIN))
        continue;
      if (taken[i])
        receive(b, &fd[i], i);
      else
        fd[i].fd = accept(fd[i].fd, NULL, NULL);
      taken[i] = true;
    }
  }
}

/* ---- The sender ------------------------------------------------------------------------------ */

static int connect_flow(const struct bench *b, unsigned flow) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)(GOODPUT_PORT + flow))};
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  inet_pton(AF_INET, addresses[1], &to.sin_addr);
  if (s < 0)
    die("socket");
  if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, b->algo, (socklen_t)strlen(b->algo)) < 0)
    die(b->algo);
  if (connect(s, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
    die("connect");
  return s;
}

/* /proc/net/netstat has pairs of lines, names and values in the same places. */
static uint64_t read_counter(const char *name) {
  static char names[8192], values[8192];
  FILE *f = fopen("/proc/self/net/netstat", "r");
  uint64_t found = 0;
  while (f != NULL && fgets(names, sizeof names, f) && fgets(values, sizeof values, f)) {
    char *in_names, *in_values;
    char *a = strtok_r(names, " \n", &in_names), *v = strtok_r(values, " \n", &in_values);
    for (; a != NULL && v != NULL;
         a = strtok_r(NULL, " \n", &in_names), v = strtok_r(NULL, " \n", &in_values))
      if (strcmp(a, name) == 0)
        found = strtoull(v, NULL, 10);
  }
  if (f != NULL)
    fclose(f);
  return found;
}

static void run_sender(const struct bench *b) {
  static uint8_t piece[PIECE];
  struct pollfd fd[GOODPUT_FLOWS];
  uint64_t started_ns = goodput_monotonic_ns();
  atomic_store(&b->board->started_ns, started_ns);
  for (unsigned i = 0; i < b->row->flows; i++)
    fd[i] = (struct pollfd){.fd = connect_flow(b, i), .events = POLLOUT};
  while (goodput_monotonic_ns() < started_ns + b->seconds * SEC) {
    poll(fd, b->row->flows, 50);
    for (unsigned i = 0; i < b->row->flows; i++) {
      if (!(fd[i].revents & POLLOUT))
        continue;
      while (send(fd[i].fd, piece, sizeof piece, MSG_NOSIGNAL) > 0) {
      }
    }
  }
  b->board->timeouts = read_counter("TCPTimeouts");
  b->board->undone = read_counter("TCPFullUndo") + read_counter("TCPDSACKUndo") +
                     read_counter("TCPLossUndo") + read_counter("TCPPartialUndo");
}

/* ---- One run --------------------------------------------------------------------------------- */

static pid_t start(const struct bench *b, unsigned end, void (*run)(const struct bench *)) {
  pid_t pid = fork();
  if (pid < 0)
    die("fork");
  if (pid > 0)
    return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (setns(b->ns[end], CLONE_NEWNET) < 0)
    die("setns");
  hurry(10);
  run(b);
  _exit(0);
}

static void print_numbers(const uint64_t *number, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    printf("\t%" PRIu64, number[i]);
  putchar('\n');
}

static void print_result(const struct bench *b, const struct goodput_relay *r) {
  double sum = 0, squares = 0;
  uint64_t data = 0, resent = 0, episodes = 0, mistakes = 0;
  for (unsigned i = 0; i < b->row->flows; i++) {
    double mbit_s = (double)b->board->received[i] * 8 / 1e6 / (double)b->seconds;
    sum += mbit_s;
    squares += mbit_s * mbit_s;
    data += r->path.count[i].data_segs;
    resent += r->path.count[i].resent_segs;
    episodes += r->path.count[i].episodes;
    mistakes += r->path.count[i].mistakes;
  }
  /* row algo seed | Mbit/s, Jain | resent permille, spells, time-outs, undone | relay's lateness in
   * us: median, 99 %, most | packets that a device refused | spells that began without a loss */
  printf("%s\t%s\t%" PRIu64 "\t%.2f\t%.3f\t%.1f", b->row->name, b->algo, b->seed, sum,
         squares > 0 ? sum * sum / (b->row->flows * squares) : 0,
         data ? (double)resent * 1000 / (double)data : 0);
  print_numbers((const uint64_t[]){episodes, b->board->timeouts, b->board->undone,
                                   goodput_relay_late_ns(r, 500) / 1000,
                                   goodput_relay_late_ns(r, 990) / 1000, r->late_max_ns / 1000,
                                   r->refused, mistakes},
                8);
}

static int run_bench(struct bench *b) {
  static struct goodput_relay r;
  pid_t receiver, sender;
  int status[2] = {0, 0}, err;
  goodput_path_init(&r.path, b->row, b->seed);
  make_ends(b, &r);
  receiver = start(b, 1, run_receiver);
  while (atomic_load(&b->board->ready) == 0) {
    if (waitpid(receiver, &status[0], WNOHANG) == receiver)
      return 1;
    usleep(1000);
  }
  sender = start(b, 0, run_sender);
  hurry(20);
  err = goodput_relay_run(&r, goodput_monotonic_ns() + b->seconds * SEC + SEC / 10);
  waitpid(sender, &status[0], 0);
  waitpid(receiver, &status[1], 0);
  if (err < 0 || status[0] != 0 || status[1] != 0)
    return 1;
  print_result(b, &r);
  return 0;
}

int main(int argc, char **argv) {
  struct bench b = {0};
  if (argc != 5 || (b.row = goodput_row_find(argv[1])) == NULL) {
    fprintf(stderr, "%s ROW ALGO SEED SECONDS; rows: see bench/goodput/row.c\n", argv[0]);
    return 2;
  }
  b.algo = argv[2];
  b.seed = strtoull(argv[3], NULL, 10);
  b.seconds = strtoull(argv[4], NULL, 10);
  b.board = mmap(NULL, sizeof *b.board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (b.board == MAP_FAILED)
    die("mmap");
  return run_bench(&b);
}
