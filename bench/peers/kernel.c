/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - this machine's kernel over loopback, in a network namespace of its own: client and
 * server in one thread, so that nobody waits for a wake-up. System calls are part of what is
 * measured. Called by tools/bench; arguments and output as bench_engine's, as far as they apply.
 *
 *   bench_kernel WHAT [conns=N] [ms=N] [reps=N] [write=BYTES]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in here;
static int listener, *client, *server;
static uint32_t conns = 1, ms = 300, reps = 1, write_bytes = 65536;
static uint8_t *buffer;

static void stop(const char *what) {
  fprintf(stderr, "bench_kernel: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void own_namespace(void) {
  struct ifreq r;
  if (unshare(CLONE_NEWNET) != 0)
    stop("unshare (root is needed)");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  memset(&r, 0, sizeof r);
  memcpy(r.ifr_name, "lo", 3);
  r.ifr_flags = IFF_UP | IFF_RUNNING;
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r) != 0)
    stop("loopback");
  close(fd);
  FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
  if (f == NULL || fputs("1024 65535", f) < 0 || fclose(f) != 0)
    stop("port range");
}

static void start(void) {
  own_namespace();
  struct rlimit files = {1 << 20, 1 << 20};
  (void)setrlimit(RLIMIT_NOFILE, &files);
  socklen_t len = sizeof here;
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&here, sizeof here) != 0 ||
      listen(listener, 4096) != 0 || getsockname(listener, (struct sockaddr *)&here, &len) != 0)
    stop("listen");
  client = calloc(conns, sizeof *client);
  server = calloc(conns, sizeof *server);
  buffer = calloc(1, 1 << 20);
}

static void connect_pair(int *a, int *b) {
  int one = 1;
  *a = socket(AF_INET, SOCK_STREAM, 0);
  if (*a < 0 || connect(*a, (struct sockaddr *)&here, sizeof here) != 0)
    stop("connect");
  *b = accept(listener, NULL, NULL);
  if (*b < 0)
    stop("accept");
  setsockopt(*a, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(*b, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void connect_close(uint64_t n) {
  while (n-- > 0) {
    int a, b;
    connect_pair(&a, &b);
    close(a);
    if (read(b, buffer, 1) != 0)
      stop("read");
    close(b);
  }
}

static void round_trips(uint64_t n) {
  static uint64_t x = 88172645463325252u;
  while (n-- > 0) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    uint32_t i = (uint32_t)(x % conns);
    if (write(client[i], buffer, 64) != 64 || read(server[i], buffer, 64) != 64 ||
        write(server[i], buffer, 64) != 64 || read(client[i], buffer, 64) != 64)
      stop("round trip");
  }
}

static void bulk(uint64_t n) {
  for (uint64_t done = 0; done < n;) {
    ssize_t took = send(client[0], buffer, write_bytes, MSG_DONTWAIT);
    if (took < 0 && errno != EAGAIN)
      stop("send");
    ssize_t got = recv(server[0], buffer, 1 << 20, MSG_DONTWAIT);
    if (got < 0 && errno != EAGAIN)
      stop("recv");
    done += got > 0 ? (uint64_t)got : 0;
  }
}

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  for (int i = 2; i < argc; i++) {
    const char *eq = strchr(argv[i], '=');
    uint32_t v = eq != NULL ? (uint32_t)strtoul(eq + 1, NULL, 0) : 0;
    if (strncmp(argv[i], "conns=", 6) == 0)
      conns = v;
    else if (strncmp(argv[i], "ms=", 3) == 0)
      ms = v;
    else if (strncmp(argv[i], "reps=", 5) == 0)
      reps = v;
    else if (strncmp(argv[i], "write=", 6) == 0)
      write_bytes = v;
  }
  void (*run)(uint64_t) = strcmp(argv[1], "connect-close") == 0 ? connect_close
                          : strcmp(argv[1], "bulk") == 0        ? bulk
                                                                : round_trips;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET((unsigned)sched_getcpu(), &one);
  (void)sched_setaffinity(0, sizeof one, &one);
  start();
  for (uint32_t i = 0; i < conns && run != connect_close; i++)
    connect_pair(&client[i], &server[i]);
  struct utsname u;
  uname(&u);
  printf("# Linux %s, loopback, system calls included, one thread; its own defaults\n", u.release);
  uint64_t n = run == bulk ? 64u << 20 : 500, began = cpu_ns();
  run(n);
  n = (uint64_t)((double)n * ms * 1e6 / (double)(cpu_ns() - began + 1)) + 1;
  if (run == connect_close && n > 6000)
    n = 6000; /* TIME-WAIT fills the port range otherwise */
  for (uint32_t i = 0; i < reps; i++) {
    began = cpu_ns();
    run(n);
    uint64_t took = cpu_ns() - began;
    printf("n=%" PRIu64 " cpu_ns=%" PRIu64 " wall_ns=0 packets=0\n", n, took);
  }
  return 0;
}
