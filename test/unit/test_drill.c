/* SPDX-License-Identifier: MIT */
/*
 * test_drill.c - the script runner itself: it must accept what is right, refuse what is not, and
 * say at which line. A runner that passes everything would prove nothing.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "drill/compare.h"
#include "drill/drill.h"

#define LISTENER                                                                                   \
  "--profile=strict\n"                                                                             \
  " 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"                                                 \
  "+0 bind(3, ..., ...) = 0\n"                                                                     \
  "+0 listen(3, 1) = 0\n"                                                                          \
  "+0 < S 0:0(0) win 65535 <mss 1000>\n"
#define OPEN                                                                                       \
  LISTENER "+0 > S. 0:0(0) ack 1 <mss 1460>\n"                                                     \
           "+0 < . 1:1(0) ack 1 win 65535\n"                                                       \
           "+0 accept(3, ..., ...) = 4\n"

static void write_script(char *path, const char *text) {
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

static struct drill_result play(const char *text, bool parse_only) {
  char path[] = "/tmp/drillXXXXXX";
  write_script(path, text);
  struct drill_options o = {.parse_only = parse_only};
  struct drill_result res;
  drill_play_file(path, &o, &res);
  unlink(path);
  return res;
}

static void expect_pass(const char *text) {
  struct drill_result res = play(text, false);
  if (!res.passed)
    print_error("line %d: %s\n%s%s", res.line, res.why, res.details ? res.details : "",
                res.frames ? res.frames : "");
  free(res.details);
  free(res.frames);
  assert_true(res.passed);
}

static void expect_fail(const char *text, int line, const char *why) {
  struct drill_result res = play(text, false);
  bool is_said = strstr(res.why, why) != NULL;
  if (res.passed || res.line != line || !is_said)
    print_error("wanted line %d \"%s\", have line %d \"%s\"\n", line, why, res.line, res.why);
  free(res.details);
  free(res.frames);
  assert_false(res.passed);
  assert_int_equal(res.line, line);
  assert_true(is_said);
}

static void expect_parses(const char *text) {
  struct drill_result res = play(text, true);
  if (!res.passed)
    print_error("line %d: %s\n", res.line, res.why);
  assert_true(res.passed);
}

static void right_script__passes(void **state) {
  (void)state;
  expect_pass(OPEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n");
}

static void wrong_number__is_seen_at_its_line(void **state) {
  (void)state;
  expect_fail(LISTENER "+0 > S. 0:0(0) ack 2 <mss 1460>\n", 6, "ack: expected 2, seen 1");
  expect_fail(OPEN "+0 write(4, ..., 100) = 100\n+0 > P. 2:102(100) ack 1\n", 10, "seq");
  expect_fail(OPEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:100(99) ack 1\n", 10, "payload length");
}

static void wrong_flags_options_window__are_seen(void **state) {
  (void)state;
  expect_fail(OPEN "+0 write(4, ..., 100) = 100\n+0 > . 1:101(100) ack 1\n", 10, "flags");
  expect_fail(LISTENER "+0 > S. 0:0(0) ack 1 <mss 1459>\n", 6, "option");
  expect_fail(LISTENER "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>\n", 6, "options differ");
  expect_fail(LISTENER "+0 > S. 0:0(0) ack 1\n", 6, "options differ");
  expect_fail(LISTENER "+0 > S. 0:0(0) ack 1 win 3 <mss 1460>\n", 6, "win");
  expect_fail(LISTENER "+0 > (ttl 9) S. 0:0(0) ack 1 <mss 1460>\n", 6, "ttl");
}

static void wrong_time__is_seen(void **state) {
  (void)state;
  /* packetdrill's own tolerance is 12.5 % of the time since the event before */
  expect_pass(
      OPEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+1.1 > P. 1:101(100) ack 1\n");
  expect_fail(LISTENER "+.1 > S. 0:0(0) ack 1 <mss 1460>\n", 6, "time");
  expect_fail("--exact\n" OPEN
              "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+1.1 > P. 1:101(100) ack 1\n",
              12, "time");
  expect_pass(OPEN
              "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+1 > P. 1:101(100) ack 1\n");
}

static void silence__is_seen(void **state) {
  (void)state;
  expect_fail(OPEN "+0 > . 1:1(0) ack 1\n", 9, "nothing was sent");
}

static void leftover__is_seen(void **state) {
  (void)state;
  expect_fail("--exact\n" LISTENER, 6, "no line of the script expects");
  expect_pass("--exact\n--allow_leftovers\n" LISTENER);
  expect_pass(LISTENER);
}

static void wrong_why__is_seen(void **state) {
  (void)state;
  expect_fail(LISTENER "+0 > {why RTO} S. 0:0(0) ack 1 <mss 1460>\n", 6,
              "expected RTO, seen SYN_ACK");
}

static void call_results__are_compared(void **state) {
  (void)state;
  expect_fail("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = -1 EACCES\n", 1, "expected -1 EACCES");
  expect_fail(OPEN "+0 write(4, ..., 100) = 99\n", 9, "expected 99, seen 100");
  expect_fail(OPEN "+0 fcntl(4, F_SETFL, O_NONBLOCK) = 0\n+0 read(4, ..., 1) = -1 EPIPE\n", 10,
              "seen -1 EAGAIN");
  expect_fail(OPEN "+0 read(9, ..., 1) = 0\n", 9, "9 is no open descriptor");
  expect_fail(OPEN "+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0\n", 9,
              "should be 1 and is 0");
  expect_fail(OPEN "+0 frobnicate(4) = 0\n", 9, "no call frobnicate");
  expect_fail(OPEN "+0 setsockopt(4, SOL_TCP, TCP_WONDER, [1], 4) = 0\n", 9, "unknown constant");
}

static void blocking_call__must_wake_on_time(void **state) {
  (void)state;
  expect_pass(
      OPEN "+0...0.1 read(4, ..., 9) = 9\n+.1 < P. 1:10(9) ack 1 win 9\n+.2 > . 1:1(0) ack 10\n");
  expect_fail(
      OPEN "+0...0.2 read(4, ..., 9) = 9\n+.1 < P. 1:10(9) ack 1 win 9\n+1 read(4, ..., 1) = 0\n",
      9, "should return at");
  expect_fail(OPEN "+0 read(4, ..., 9) = 9\n", 9, "nothing wakes it");
}

static void payload__is_compared(void **state) {
  (void)state;
  expect_pass(OPEN "+0 < {payload \"abc\"} P. 1:4(3) ack 1 win 9\n+0 read(4, \"abc\", 3) = 3\n"
                   "+.2 > . 1:1(0) ack 4\n");
  expect_fail(OPEN "+0 < {payload \"abc\"} P. 1:4(3) ack 1 win 9\n+0 read(4, \"abd\", 3) = 3\n", 10,
              "not what is written here");
}

static void code__is_evaluated(void **state) {
  (void)state;
  expect_pass(OPEN
              "+0 %{ x = 2 + 3 * 4\nassert x == 14, 'no'; assert 1 < x <= 14 and not x == 3 }%\n"
              "+0 %{ x += 1; assert x & 1 and (x | 16) == 31 }%\n");
  expect_fail(OPEN "+0 %{ assert tcpi_snd_cwnd == 11 }%\n", 9, "the left side is 10");
  expect_fail(OPEN "+0 %{ assert nonsense }%\n", 9, "unknown name nonsense");
}

static void shell__is_never_run(void **state) {
  (void)state;
  expect_fail("0 `touch /tmp/drill-was-here`\n", 1, "needs a host");
  expect_fail("`sysctl net.ipv4.tcp_wonder=1`\n0 `true`\n", 1, "tcp_wonder=1' failed");
  expect_pass("`sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0`\n0 `true`\n`true`\n");
}

static void shell__has_statuses(void **state) {
  (void)state;
  expect_pass("`false || sysctl -q net.ipv4.tcp_sack=0 && true`\n0 `false; true`\n");
  expect_fail("`true && false`\n0 `true`\n", 1, "failed");
  expect_pass("`sysctl -e -q net.ipv4.tcp_wonder=1`\n0 `true > /dev/null 2>&1`\n");
  expect_pass("`sysctl -q net.ipv4.tcp_wonder=1 || true`\n0 `true`\n");
  expect_pass("`../common/defaults.sh\n ip tcp_metrics flush all > /dev/null 2>&1`\n 0 `true`\n");
}

/* As `sysctl` does on a kernel: the next SYN-ACK is without SACK. */
static void setting__holds_from_the_middle_on(void **state) {
  (void)state;
  static const char script[] = "--profile=linux\n 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
                               "+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
                               "+0 `sysctl -q net.ipv4.tcp_sack=%d`\n"
                               "+0 < S 0:0(0) win 65535 <mss 1000,nop,nop,sackOK>\n"
                               "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>\n";
  char text[sizeof script + 8];
  snprintf(text, sizeof text, script, 1);
  expect_pass(text);
  snprintf(text, sizeof text, script, 0);
  expect_fail(text, 7, "options differ");
}

static void counter__rose_since_nstat(void **state) {
  (void)state;
  expect_pass(OPEN "+0 `nstat > /dev/null`\n"
                   "+0 < . 11:21(10) ack 1 win 9\n+0 `nstat | grep -q TcpExtTCPOFOQueue`\n");
  expect_fail(OPEN "+0 `nstat | grep TcpRetransSegs`\n", 9, "failed");
}

static void play_aside(const char *text, struct drill_options o, struct drill_result *res) {
  char path[] = "/tmp/drillXXXXXX";
  struct drill_task task;
  struct pollfd p = {.events = POLLIN};
  write_script(path, text);
  assert_true(drill_start(path, &o, &task));
  p.fd = task.pipe;
  assert_int_equal(poll(&p, 1, 20000), 1);
  drill_finish(&task, res);
  unlink(path);
}

static void process_of_its_own__hands_over_the_result(void **state) {
  (void)state;
  struct drill_result res;
  play_aside(OPEN "+0 write(4, ..., 100) = 99\n", (struct drill_options){.log = false}, &res);
  assert_false(res.passed);
  assert_int_equal(res.line, 9);
  assert_non_null(strstr(res.details, "expected 99"));
  assert_non_null(strstr(res.frames, "> S. 0:0(0) ack 1"));
  assert_null(res.log);
  free(res.details);
  free(res.frames);
  /* With a log it goes on to the end, whatever is expected. */
  play_aside(OPEN "+0 write(4, ..., 100) = 99\n+0 > . 5:9(4) ack 1\n",
             (struct drill_options){.log = true}, &res);
  assert_true(res.passed);
  assert_non_null(strstr(res.log, "C 9 0 write() = 100\n"));
  assert_non_null(strstr(res.log, " > P. 1:101(100) ack 1\n"));
  free(res.log);
}

/* As root with a TUN device; elsewhere there is no kernel to ask. */
static void kernel__plays_the_same_script(void **state) {
  (void)state;
  struct drill_result res;
  if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0)
    skip();
  struct drill_options o = {.against = DRILL_AGAINST_LINUX};
  play_aside("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n"
             "+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 65535 <mss 1000>\n"
             "+0 > S. 0:0(0) ack 1 <mss 1460>\n+0 < . 1:1(0) ack 1 win 65535\n"
             "+0 accept(3, ..., ...) = 4\n+0 %{ assert tcpi_snd_cwnd == 11 }%\n",
             o, &res);
  bool is_refused = res.is_refused;
  if (!is_refused && (res.passed || res.line != 8))
    print_error("line %d: %s\n", res.line, res.why);
  free(res.details);
  free(res.frames);
  if (is_refused)
    skip();
  assert_false(res.passed);
  assert_int_equal(res.line, 8);
  assert_non_null(strstr(res.why, "the left side is 10"));
}

static void runs__are_compared(void **state) {
  (void)state;
  struct drill_difference d;
  static const char log[] = "C 3 10 read() = 5\nP 4 100 > . 1:1(0) ack 6\nP 9 300000 > F. 1:1(0)\n";
  assert_false(drill_compare(log, log, &d));
  assert_false(drill_compare(log,
                             "P 4 900 > . 1:1(0) ack 6\nC 3 10 read() = 5\n"
                             "P 9 320000 > F. 1:1(0)\n",
                             &d));
  assert_true(drill_compare(log, "C 3 10 read() = 5\nP 4 100 > . 1:1(0) ack 6\n", &d));
  assert_int_equal(d.line, 9);
  assert_string_equal(d.theirs, "nothing");
  assert_true(drill_compare(log, "C 3 10 read() = 4\nP 4 100 > . 1:1(0) ack 7\n", &d));
  assert_int_equal(d.line, 3);
  assert_string_equal(d.what, "a result differs");
  assert_true(drill_compare(log,
                            "C 3 10 read() = 5\nP 4 100 > . 1:1(0) ack 6\n"
                            "P 9 500000 > F. 1:1(0)\n",
                            &d));
  assert_string_equal(d.what, "what left time differs");
}

static void language__is_read_whole(void **state) {
  (void)state;
  expect_parses(
      "--ip_version=ipv4\n--define=N=\"text\"\n`../common/defaults.sh`\n"
      " 0 `true`\n+0 < SEW 0:0(0) win 1 <mss 1,nop,wscale 3,FO 12ab>\n"
      "+0~+1 > [ect01] P.6 1:1(0) ack 1 <...>\n* > F. 1:1(0)! ack 1\n"
      "1 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=MSG_TRUNC,\n"
      "   msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=17}]}, 0) = 10\n"
      "+0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]\n"
      "+0 < (tos 0x10) udp 9 > 10 (0)\n/* end */ +0 close(3) = ? (any)\n`true`\n");
}

/* Every form of the language, in the order of docs/drill.md. */
static const char *const forms[] = {
    "--ip_version=ipv4\n"
    "--local_ip=192.168.0.1\n"
    "--remote_ip=192.0.2.1\n"
    "--gateway_ip=192.168.0.1\n"
    "--netmask_ip=255.255.0.0\n"
    "0 `true`\n",
    "--bind_port=99\n"
    "--connect_port=98\n"
    "--tolerance_usecs=9000\n"
    "--tolerance_percent=\"12.5\"\n"
    "--tcp_ts_tick_usecs=1000\n"
    "--tcp_ts_ecr_scaled\n"
    "--strict_segments\n"
    "--mtu=1500\n"
    "--mss=1000\n"
    "--non_fatal=packet,syscall\n"
    "0 `true`\n",
    "--non_fatal=\"packet,syscall\"\n"
    "--define=A=B\n"
    "--define=C=\"text\"\n"
    "--define=D=`cmd`\n"
    "--init_scripts=/x/y.sh\n"
    "--speed=100\n"
    "--verbose\n"
    "--is_anyip\n"
    "--send_omit_free\n"
    "--code_command=python3\n"
    "--code_format=x\n"
    "--code_sockopt=TCP_INFO\n"
    "0 `true`\n",
    "--so_filename=x.so\n"
    "--so_flags=y\n"
    "--wire_client\n"
    "--wire_server\n"
    "--wire_client_device=eth0\n"
    "--wire_server_device=eth0\n"
    "--wire_server_ip=1.2.3.4\n"
    "--wire_server_port=1\n"
    "--tcp_md5_secret=abc\n"
    "--dry_run\n"
    "--debug\n"
    "0 `true`\n",
    "0 `true`\n"
    "+0 < S 0:0(0) win 1 <mss 1,nop,nop,sackOK,nop,wscale 0,eol,eol,TS val 1 ecr 0>\n",
    "0 `true`\n"
    "+0 < . 1:1(0) ack 1 win 1 <sack 5:9 20:30,nop,nop>\n",
    "0 `true`\n"
    "+0 < . 1:1(0) ack 1 win 1 <nop,nop,md5 00112233445566778899aabbccddeeff>\n",
    "0 `true`\n"
    "+0 < S 0:0(0) win 1 <FO,nop,nop>\n"
    "+0 > S. 0:0(0) ack 1 <FO 0123456789abcdef,nop,nop>\n"
    "+0 < S 0:0(0) win 1 <FO TFO_COOKIE,nop,nop>\n"
    "+0 < S 0:0(0) win 1 <FOEXP>\n"
    "+0 < S 0:0(0) win 1 <FOEXP 1234,nop,nop>\n",
    "0 `true`\n"
    "+0 < S 0:0(0) win 1 <FO 998877,nop,nop,nop>\n"
    "+0 < S 0:0(0) win 1 <FO 9fa2c0,nop,nop,nop>\n",
    "0 `true`\n"
    "+0 > . 1:1(0) ack 1 <ECN e0b 1 ceb 2 e1b 3,nop>\n"
    "+0 > . 1:1(0) ack 1 <ECN e1b 1,nop,nop,nop>\n"
    "+0 > . 1:1(0) ack 1 <ECN e1b 1 ceb 5 e0b 7,nop>\n"
    "+0 > . 1:1(0) ack 1 <ECN e0b 1 ceb 2>\n",
    "0 `true`\n"
    "+0 < [ect0] . 1:1(0) ack 1 win 1\n"
    "+0 < [ce] P. 1:2(1) ack 1 win 1\n"
    "+0 > [noecn] . 1:1(0) ack 1\n"
    "+0 > [ect01] . 1:1(0) ack 1\n"
    "+0 < [tos 0x10] . 1:1(0) ack 1 win 1\n"
    "+0 < (tos 0x10) . 1:1(0) ack 1 win 1\n"
    "+0 < (ttl 9) . 1:1(0) ack 1 win 1\n"
    "+0 > [ect0, flowlabel 0x1] . 1:1(0) ack 1\n"
    "+0 > [flowlabel 0x12] . 1:1(0) ack 1\n"
    "+0 > (tos 0x2, flowlabel 7) . 1:1(0) ack 1\n",
    "0 `true`\n"
    "+0 < 9000 > 8080 S 0:0(0) win 1\n"
    "+0 > 8080 > 9000 S. 0:0(0) ack 1\n",
    "0 `true`\n"
    "+0 < SF 0:0(0) win 1\n"
    "+0 < SEW 0:0(0) win 1\n"
    "+0 < SEWA 0:0(0) win 1\n"
    "+0 > SE. 0:0(0) ack 1\n"
    "+0 < - 0:0(0) win 1\n"
    "+0 < FSRPUEWA. 0:0(0) win 1 urg 4\n"
    "+0 < U. 0:0(0) ack 1 win 1 urg 1\n"
    "+0 > P.5 1:2(1) ack 1\n"
    "+0 > .7 1:2(1) ack 1\n"
    "+0 > S.0 1:2(1) ack 1\n"
    "+0 < S3 0:0(0) win 1\n",
    "0 `true`\n"
    "+0 < F. 1:1(0)! ack 1 win 1\n"
    "* > R. 1:1(0) ack 1\n"
    "+0~+.5 > . 1:1(0) ack 1\n"
    "1~2 > . 1:1(0) ack 1\n"
    "+.1~+.2 > . 1:1(0) ack 1 win 100 urg 0\n",
    "0 `true`\n"
    "+0 < udp (100)\n"
    "+0 > udp 9 > 10 (1)\n"
    "+0 < udp 9 > 10 (1)\n",
    "0 `true`\n"
    "+0 < icmp unreachable host_unreachable [0:0(0)]\n"
    "+0 < icmp unreachable CODE [1:1(0)]\n"
    "+0 < icmp unreachable frag_needed mtu 900 [1:1001(1000)]\n"
    "+0 < icmp source_quench [1:2(1)]\n"
    "+0 < icmp redirect code_5\n",
    "0 `true`\n"
    "+0 < icmp redirect redirect_for_host [1:2(1)]\n"
    "+0 < icmp time_exceeded ttl_exceeded_in_transit [1:2(1)]\n"
    "+0 < icmp time_exceeded frag_reass_exceeded\n"
    "+0 < icmp parameter_problem code_2 [1:2(1)]\n"
    "+0 < icmp type_3 code_1 [udp (10)]\n"
    "+0 < icmp echo_request id 5\n"
    "+0 > icmp echo_reply id 5\n"
    "+0 < icmp unreachable [raw (5)]\n"
    "+0 < icmp timestamp_request\n"
    "+0 > icmp timestamp_reply\n",
    "--ip_version=ipv6\n"
    "0 `true`\n"
    "+0 < icmp packet_too_big mtu 1280 [1:1001(1000)]\n"
    "+0 < icmp unreachable address_unreachable [0:0(0)]\n"
    "+0 < icmp time_exceeded exceeded_hop_limit [1:1(0)]\n"
    "+0 < icmp parameter_problem unknown_option [1:1(0)]\n"
    "+0 < icmp echo_request id 7\n",
    "0 `true`\n"
    "+0 < ipv4 1.1.1.1 > 2.2.2.2: . 1:1(0) ack 1 win 1\n"
    "+0 < ipv6 fd00::1 > fd00::2: ipv4 [ect0] 1.2.3.4 > 5.6.7.8: S 0:0(0) win 1\n"
    "+0 < gre: S 0:0(0) win 1\n"
    "+0 > ipv4 1.1.1.1 > 2.2.2.2: gre flags 0x2000, key 0x7: . 1:1(0) ack 1\n"
    "+0 < mpls (label 3, tc 0, [S], ttl 9): S 0:0(0) win 1\n"
    "+0 < ipv4 1.1.1.1 > 2.2.2.2: gre: mpls (label 3, tc 0, ttl 9) (label 4, tc 1, [S], ttl 9): "
    "S 0:0(0) win 1\n",
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, {sa_family=AF_INET, sin_port=htons(99), sin_addr=inet_addr(\"10.1.2.3\")}, ...) "
    "= 0\n"
    "+0 bind(3, {sa_family=AF_INET6, sin6_port=htons(99), sin6_addr=inet6_addr(\"fd00::1\")}, "
    "...) = 0\n",
    "0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n"
    "+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, \"abc\\x01\" \"def\", 16) = 0\n"
    "+0 setsockopt(3, SOL_IP, IP_TOS, [4], 4) = 0\n"
    "+0 getsockopt(3, SOL_TCP, TCP_MAXSEG, [1460], [4]) = 0\n"
    "+0 getsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, \"x\", [16]) = -1 EINVAL (Invalid argument "
    "(really))\n",
    "0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}, {fd=5, events=POLLERR}], 2, 100) = "
    "1\n"
    "+0...0.5 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 100) = 1\n",
    "0 epoll_create(1) = 5\n"
    "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, ptr=4}) = 0\n"
    "+0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLIN|EPOLLONESHOT, u32=4}) = 0\n"
    "+0 epoll_ctl(5, EPOLL_CTL_DEL, 4, {events=0, u64=4}) = 0\n"
    "+0 epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0\n"
    "+0 epoll_wait(5, [{events=EPOLLIN, fd=4}], 1, 0) = 1\n",
    "0 recvmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=MSG_TRUNC, "
    "msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=17}]}, 0) = 10\n"
    "+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, MSG_FASTOPEN) = "
    "10\n",
    "0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=MSG_ERRQUEUE|MSG_TRUNC, "
    "msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, "
    "scm_nsec=12}}, {cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR, "
    "cmsg_data={ee_errno=ENOMSG, ee_origin=SO_EE_ORIGIN_TIMESTAMPING, ee_type=0, ee_code=0, "
    "ee_info=SCM_TSTAMP_SND, ee_data=1}}, {cmsg_level=SOL_SOCKET, "
    "cmsg_type=SCM_TIMESTAMPING_OPT_STATS, cmsg_data={TCP_NLA_SND_CWND=10, "
    "TCP_NLA_MIN_RTT=...}}]}, MSG_ERRQUEUE) = 0\n",
    "0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)\n"
    "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0 (words, are free)\n"
    "+0 ioctl(4, SIOCINQ, [1000]) = 0\n"
    "+0 pipe([5, 6]) = 0\n"
    "+0 splice(4, NULL, 6, NULL, 99, 0) = 99\n"
    "+0 open(\"/tmp/x\", O_RDONLY) = 7\n"
    "+0 sendfile(4, 7, [0], 5) = 5\n"
    "+0 readv(4, [{..., 1}, {..., 2}], 2) = 3\n"
    "+0 writev(4, [{..., 1}], 1) = 1\n"
    "+0 recvfrom(4, ..., 9, 0, ..., ...) = 9\n"
    "+0 sendto(4, ..., 9, MSG_FASTOPEN, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
    "+0 sendto(4, ..., 9, 0, AF_UNSPEC, ...) = 9\n"
    "+0 connect(3, AF_UNSPEC, ...) = 0\n"
    "+0 cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR) = 0\n",
    "0 read(4, NULL, 0x10) = -1 EFAULT\n"
    "+.5...0.6 connect(3, ..., ...) = 0\n"
    ".5 close(3) = 0\n"
    "+0 shutdown(4, SHUT_WR) = 0\n"
    "1.000000 %{ assert 1 }%\n"
    "+0 %{\n"
    "assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd\n"
    "}%\n"
    "+0 `sh -c 'x' \\` y`\n",
    "/* a\n"
    " comment */ 0 `true` // tail\n"
    "\t+.1\n"
    "\t<\tS 0:0(0)\n"
    "\twin 5\n"
    "`true`\n",
    "0 `true`\n"
    "+0 > P. 1:100001(100000) ack 1\n",
};

static void form__is_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
    expect_parses(forms[i]);
}

static void encapsulated_packet__is_injected_whole(void **state) {
  (void)state;
  expect_pass("--exact\n" LISTENER "+0 > S. 0:0(0) ack 1 <mss 1460>\n"
              "+0 < ipv4 192.0.2.1 > 192.168.0.1: . 1:1(0) ack 1 win 65535\n"
              "+0 > icmp unreachable protocol_unreachable\n");
  expect_fail(OPEN "+0 write(4, ..., 9) = 9\n+0 > ipv4 192.168.0.1 > 192.0.2.1: P. 1:10(9) ack 1\n",
              10, "nothing sends");
}

static void wrong_script__names_its_line(void **state) {
  (void)state;
  expect_fail("0 socket(... = 3\n", 1, "')' expected");
  expect_fail("0 `true`\n+0 < S 0:0(1) win 1\n", 2, "do not add up");
  expect_fail("0 `true`\n+0 < S 0:0(0)\n", 2, "win");
  expect_fail("0 `true`\n+0 < Q 0:0(0) win 1\n", 2, "no TCP flags");
  expect_fail("0 `true`\n+0 < S 0:0(0) win 1 <wscale 3>\n", 2, "not a multiple of 4");
  expect_fail("0 `true`\n* < S 0:0(0) win 1\n", 2, "expected packets only");
  expect_fail("1 `true`\n0 `true`\n", 2, "go backwards");
  expect_fail("0 \"open\n", 1, "closing quote");
  expect_fail("--wonder=1\n0 `true`\n", 1, "no option --wonder");
  expect_fail("", 1, "without events");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(right_script__passes),
      cmocka_unit_test(wrong_number__is_seen_at_its_line),
      cmocka_unit_test(wrong_flags_options_window__are_seen),
      cmocka_unit_test(wrong_time__is_seen),
      cmocka_unit_test(silence__is_seen),
      cmocka_unit_test(leftover__is_seen),
      cmocka_unit_test(wrong_why__is_seen),
      cmocka_unit_test(call_results__are_compared),
      cmocka_unit_test(blocking_call__must_wake_on_time),
      cmocka_unit_test(payload__is_compared),
      cmocka_unit_test(code__is_evaluated),
      cmocka_unit_test(shell__is_never_run),
      cmocka_unit_test(shell__has_statuses),
      cmocka_unit_test(setting__holds_from_the_middle_on),
      cmocka_unit_test(counter__rose_since_nstat),
      cmocka_unit_test(process_of_its_own__hands_over_the_result),
      cmocka_unit_test(kernel__plays_the_same_script),
      cmocka_unit_test(runs__are_compared),
      cmocka_unit_test(language__is_read_whole),
      cmocka_unit_test(form__is_read),
      cmocka_unit_test(encapsulated_packet__is_injected_whole),
      cmocka_unit_test(wrong_script__names_its_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
