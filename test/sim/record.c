/* SPDX-License-Identifier: MIT */
/*
 * Recordings: what a stack was told, written and played again. The same calls must give the same
 * frames; a file that was cut, bent or forged must be seen as such and hurt nobody.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tercet/sim.h" /* first: this file's own calls are to be recorded */

#include "record/play.h"
#include "record/write.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

enum { TEXT_MAX = 800 };

static char dir[] = "/tmp/tercet-record-XXXXXX";
static char path[2][64];

static tct_record *open_record(unsigned i) {
  char error[TEXT_MAX];
  snprintf(path[i], sizeof path[i], "%s/%u.rec", dir, i);
  tct_record *r = tct_record_open(path[i], "program=test\nside=left\n", error, sizeof error);
  if (r == NULL)
    fail_msg("%s", error);
  return r;
}

/* ---- Playing ---- */

struct outcome {
  int read; /* of the last record_read_next: 0 is the end */
  enum record_verdict verdict;
  uint64_t calls, results, seen[RECORD_OPS];
  unsigned ended;
  bool cut;
  char text[TEXT_MAX];
};

static void play_reader(struct record_reader *r, struct outcome *o) {
  struct record_play p;
  struct record_call c;
  record_play_init(&p);
  p.memory_max = 1u << 30;
  while ((o->read = record_read_next(r, &c)) == 1 && o->verdict == RECORD_SAME) {
    o->calls = c.number;
    o->results += c.has_result;
    o->seen[c.op]++;
    o->verdict = record_play_call(&p, &c);
    if (o->verdict != RECORD_SAME) {
      char call[200];
      record_calls_text(&c, call, sizeof call);
      snprintf(o->text, sizeof o->text, "call %u, %s: %s", (unsigned)c.number, call, p.why);
      break;
    }
  }
  if (o->read < 0)
    snprintf(o->text, sizeof o->text, "%s", record_read_error(r));
  o->ended = p.ended;
  o->cut = record_read_is_cut(r);
  record_play_deinit(&p);
}

static struct outcome play_file(const char *name) {
  struct outcome o = {.read = -1};
  struct record_reader *r = record_read_open(name, o.text, sizeof o.text);
  if (r == NULL)
    return o;
  play_reader(r, &o);
  record_read_free(r);
  return o;
}

static struct outcome play_bytes(const uint8_t *bytes, size_t len) {
  struct outcome o = {.read = -1};
  FILE *f = fmemopen((void *)(uintptr_t)bytes, len, "rb");
  assert_non_null(f);
  struct record_reader *r = record_read_stream(f, "bytes", o.text, sizeof o.text);
  if (r == NULL)
    return o;
  play_reader(r, &o);
  record_read_free(r);
  return o;
}

static void assert_plays(const char *name) {
  struct outcome o = play_file(name);
  if (o.read != 0 || o.verdict != RECORD_SAME)
    fail_msg("%s: %s", name, o.text);
  assert_false(o.cut);
  assert_int_equal(o.ended, 1);
}

static uint8_t *load(const char *name, size_t *len) {
  static uint8_t bytes[1 << 20];
  FILE *f = fopen(name, "rb");
  assert_non_null(f);
  *len = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  assert_true(*len < sizeof bytes);
  return bytes;
}

/* ---- A transfer over a bad link, both ends recorded ---- */

static tct_sim_host *make_host(tct_sim *w, uint8_t number, tct_record *r, uint32_t gso) {
  tct_sim_host_config c;
  tct_sim_config_init(w, &c);
  c.stack.profile = number == 1 ? TCT_PROFILE_LINUX : TCT_PROFILE_STRICT;
  c.addr = tct_addr_ipv4(10, 0, 0, number);
  c.prefix_len = 24;
  c.burst = number * 3u;
  c.gso_max_bytes = gso;
  c.csum_offload = gso > 0;
  c.record = r;
  return tct_sim_host_new(w, &c);
}

static void transfer(tct_record *left, tct_record *right, uint64_t octets) {
  static const tct_sim_path bad = {.delay_ns = MS(10),
                                   .jitter_ns = MS(1),
                                   .rate_bps = 20000000,
                                   .queue_bytes = 60000,
                                   .loss_ppm = 20000,
                                   .duplicate_ppm = 10000,
                                   .reorder_ppm = 20000,
                                   .corrupt_ppm = 10000,
                                   .reorder_ns = MS(15)};
  tct_sim *w = tct_sim_new(5);
  tct_sim_host *a = make_host(w, 1, left, 0), *b = make_host(w, 2, right, 60000);
  tct_sim_flow client = {.tx_total = octets, .close = TCT_SIM_CLOSE_AFTER_SEND};
  tct_sim_flow server = {.tx_total = octets / 2, .close = TCT_SIM_CLOSE_AFTER_SEND};
  tct_sim_server listener = {.flows = &server, .n_flows = 1};
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  tct_sim_link_new(w, tct_sim_host_end(a), tct_sim_host_end(b), &bad, &bad);
  assert_int_equal(tct_sim_server_listen(&listener, b, 80, 16), TCT_OK);
  assert_int_equal(tct_sim_flow_connect(&client, a, &to), TCT_OK);
  tct_sim_run(w, SEC(2000));
  assert_true(server.rx_done == octets && client.closed);
  tct_sim_free(w);
}

static void transfer_over_a_bad_link__both_recordings_replay(void **state) {
  tct_record *left = open_record(0), *right = open_record(1);
  (void)state;
  transfer(left, right, 300000);
  assert_int_equal(tct_record_close(left), 0);
  assert_int_equal(tct_record_close(right), 0);
  assert_plays(path[0]);
  assert_plays(path[1]);
}

/* ---- Every call ---- */

struct tour {
  tct_stack *a, *b;
  tct_if ia, ib;
  tct_time now;
};

static void *alloc_some(void *ctx, size_t size, size_t align) {
  uint32_t *until = ctx;
  if (until != NULL && *until > 0 && --*until == 0) {
    *until = 40;
    return NULL;
  }
  return aligned_alloc(align, (size + align - 1) / align * align);
}

static void free_some(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static tct_stack *make_stack(tct_record *r, uint8_t number, tct_if *i, uint32_t *fail_in) {
  tct_config c;
  tct_if_config ifc = {.size = sizeof ifc, .link = TCT_LINK_IP, .mtu = 1500};
  int err;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){alloc_some, free_some, fail_in};
  c.deterministic = true;
  c.fastopen = 3;
  c.seed[0] = number;
  tct_stack *s = tct_record_new(r, &c, &err);
  if (s == NULL)
    return NULL;
  tct_advance(s, SEC(1));
  if (tct_if_add(s, &ifc, i) == TCT_OK)
    (void)tct_if_addr_add(s, *i, tct_addr_ipv4(10, 0, 0, number), 24);
  return s;
}

static bool carry(tct_stack *from, tct_if i, tct_stack *to, tct_if j, tct_time now) {
  tct_frame f[8];
  memset(f, 0, sizeof f);
  size_t n = tct_output(from, i, f, 8, now);
  for (size_t k = 0; k < n; k++)
    f[k].at = 0;
  if (n > 0)
    tct_input(to, j, f, n, now);
  return n > 0;
}

static void drop_events(tct_stack *s) {
  tct_event ev;
  while (tct_event_next(s, &ev)) {
  }
}

static void settle(struct tour *t) {
  for (unsigned i = 0; i < 20; i++) {
    t->now += MS(50);
    while (carry(t->a, t->ia, t->b, t->ib, t->now) || carry(t->b, t->ib, t->a, t->ia, t->now)) {
    }
    tct_advance(t->a, t->now);
    tct_advance(t->b, t->now);
  }
}

static void tour_configuration(struct tour *t) {
  tct_config c;
  tct_keys keys = {.table = {1, 2}};
  tct_addr other = tct_addr_ipv4(10, 0, 0, 9), net = tct_addr_ipv4(192, 168, 0, 0);
  tct_config_get(t->b, &c);
  c.delack_ms = 77;
  (void)!tct_config_set(t->b, &c);
  (void)tct_keys_set(t->b, &keys);
  (void)tct_if_set(t->b, t->ib, TCT_IF_MTU, 1400);
  (void)tct_if_addr_add(t->b, t->ib, other, 24);
  (void)tct_if_addr_del(t->b, t->ib, other);
  (void)tct_route_add(t->b, net, 16, tct_addr_ipv4(10, 0, 0, 1), t->ib);
  (void)tct_route_del(t->b, net, 16);
  tct_fastopen_forget(t->b);
}

/* A listener that asks, its answer, options, and a child that is written to in three ways. */
static void tour_listener(struct tour *t) {
  static const char lent[] = "lent";
  uint64_t keys[1][2] = {{3, 4}}, token;
  tct_endpoint at = {.port = 80}, to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  tct_sock l = {0, 0}, k = {0, 0}, child = {0, 0};
  tct_syn_info info;
  tct_iov v[4];
  unsigned n = 4;
  uint8_t buf[100];
  int64_t value;
  (void)!tct_sock_open(t->b, TCT_TCP, NULL, &l);
  (void)!tct_sock_bind(t->b, l, &at);
  (void)!tct_sock_set(t->b, l, TCT_OPT_SYN_POLICY, TCT_SYN_ASK);
  (void)!tct_sock_fastopen_key_set(t->b, l, (const uint64_t(*)[2])keys, 1);
  (void)!tct_sock_listen(t->b, l, 5);
  (void)!tct_sock_open(t->a, TCT_TCP, NULL, &k);
  (void)!tct_sock_connect(t->a, k, &to);
  settle(t);
  if (tct_syn_next(t->b, l, &info))
    (void)!tct_syn_answer(t->b, info.syn, TCT_SYN_ACCEPT, 0);
  settle(t);
  if (tct_sock_accept(t->b, l, NULL, &child) < 0)
    return;
  (void)!tct_sock_get(t->b, child, TCT_OPT_ERROR, &value);
  (void)!tct_sock_mark(t->b, child, 5, TCT_MARK_ACKED, 99);
  (void)!tct_sock_send(t->b, child, "copied", 6, TCT_MSG_MORE);
  if (tct_sock_tx_space(t->b, child, v, &n) == TCT_OK) {
    memcpy((void *)(uintptr_t)v[0].base, "in place", 8);
    (void)!tct_sock_tx_commit(t->b, child, 8, TCT_MSG_MORE);
  }
  (void)!tct_sock_tx_lend(t->b, child, lent, 4, 1234);
  (void)!tct_sock_send(t->a, k, "request", 7, 0);
  settle(t);
  (void)!tct_sock_rx_consume(t->b, child, 3);
  (void)!tct_sock_recv(t->b, child, buf, sizeof buf, 0);
  (void)tct_sock_mark_next(t->b, child, &token);
  while (tct_returned_next(t->b, &token)) {
  }
  (void)tct_sock_shutdown(t->b, child, TCT_SHUT_WR);
  (void)tct_sock_close(t->a, k);
  settle(t);
  (void)tct_sock_close(t->b, child);
  drop_events(t->b);
}

static void tour_rest(struct tour *t) {
  tct_endpoint at = {.port = 53}, to = {.addr = tct_addr_ipv4(10, 0, 0, 1), .port = 53};
  tct_dgram d = {.remote = to};
  tct_sock u = {0, 0}, x = {0, 0};
  uint8_t buf[1500];
  (void)!tct_sock_open(t->b, TCT_UDP, NULL, &u);
  (void)!tct_sock_bind(t->b, u, &at);
  (void)!tct_dgram_send(t->b, u, &d, "datagram", 8);
  settle(t);
  (void)!tct_dgram_recv(t->b, u, &d, buf, sizeof buf, 0);
  (void)tct_sock_abort(t->b, u);
  (void)!tct_sock_open(t->b, TCT_TCP, NULL, &x);
  (void)!tct_sock_connect_send(t->b, x, &to, "early", 5, 0);
  (void)tct_output_copy(t->b, t->ib, buf, sizeof buf, t->now);
  (void)!tct_sock_open(t->b, TCT_TCP, NULL, &x);
  (void)!tct_sock_connect(t->b, x, &to);
  tct_drain(t->b, t->now + SEC(1));
  settle(t);
  settle(t);
  drop_events(t->b);
}

/* False: there was no memory for the stacks themselves. */
static bool take_tour(tct_record *r, uint32_t *fail_in) {
  struct tour t = {.now = SEC(2)};
  t.a = make_stack(NULL, 1, &t.ia, NULL);
  t.b = make_stack(r, 2, &t.ib, fail_in);
  bool there = t.b != NULL;
  if (there) {
    tour_configuration(&t);
    tour_listener(&t);
    tour_rest(&t);
  }
  tct_free(t.a);
  tct_free(t.b);
  return there;
}

static void every_call__replays(void **state) {
  tct_record *r = open_record(0);
  (void)state;
  assert_true(take_tour(r, NULL));
  assert_int_equal(tct_record_close(r), 0);
  assert_plays(path[0]);
  struct outcome o = play_file(path[0]);
  for (unsigned op = RECORD_NEW; op < RECORD_OPS; op++)
    if (o.seen[op] == 0 && op != RECORD_RESULT && op != RECORD_NO_MEMORY)
      fail_msg("%s was never recorded", record_calls_shape(op)->function);
}

/* From b to a, which reads now and then. */
static void lend_twice(struct tour *t) {
  static uint8_t load_room[65536];
  static uint8_t lent[2][100000];
  tct_endpoint at = {.port = 80}, to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  tct_sock l = {0, 0}, k = {0, 0}, child = {0, 0};
  uint64_t token, back = 0;
  memset(lent[1], 1, sizeof lent[1]);
  assert_int_equal(tct_sock_open(t->b, TCT_TCP, NULL, &l), TCT_OK);
  assert_int_equal(tct_sock_bind(t->b, l, &at), TCT_OK);
  assert_int_equal(tct_sock_listen(t->b, l, 5), TCT_OK);
  assert_int_equal(tct_sock_open(t->a, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_set(t->a, k, TCT_OPT_RCVBUF, 20000), TCT_OK);
  assert_int_equal(tct_sock_connect(t->a, k, &to), TCT_OK);
  settle(t);
  assert_int_equal(tct_sock_accept(t->b, l, NULL, &child), TCT_OK);
  assert_int_equal(tct_sock_set(t->b, child, TCT_OPT_SNDBUF, 1 << 20), TCT_OK);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(tct_sock_tx_lend(t->b, child, lent[i], sizeof lent[i], 7), TCT_OK);
  for (unsigned i = 0; i < 40; i++) {
    settle(t);
    while (tct_sock_recv(t->a, k, load_room, sizeof load_room, 0) > 0) {
    }
    while (tct_returned_next(t->b, &token))
      back++;
  }
  assert_int_equal(back, 2);
}

static void lent_twice_under_one_token__each_stays_until_it_is_back(void **state) {
  struct tour t = {.now = SEC(2)};
  tct_record *r = open_record(0);
  (void)state;
  t.a = make_stack(NULL, 1, &t.ia, NULL);
  t.b = make_stack(r, 2, &t.ib, NULL);
  lend_twice(&t);
  tct_free(t.a);
  tct_free(t.b);
  assert_int_equal(tct_record_close(r), 0);
  assert_plays(path[0]);
}

static void refused_allocations__are_refused_again(void **state) {
  unsigned whole = 0;
  (void)state;
  for (uint32_t first = 1; first < 120; first++) {
    uint32_t fail_in = first;
    tct_record *r = open_record(0);
    bool there = take_tour(r, &fail_in);
    assert_int_equal(tct_record_close(r), 0);
    struct outcome o = play_file(path[0]);
    if (o.read != 0 || o.verdict != RECORD_SAME)
      fail_msg("first refusal %u: %s", first, o.text);
    whole += there;
  }
  assert_true(whole > 50);
}

/* ---- Files that are not as they were ---- */

static size_t small_recording(uint8_t **bytes) {
  size_t len;
  tct_record *r = open_record(0);
  assert_true(take_tour(r, NULL));
  assert_int_equal(tct_record_close(r), 0);
  *bytes = load(path[0], &len);
  return len;
}

static void any_byte_changed__is_noticed(void **state) {
  uint8_t *bytes;
  size_t len = small_recording(&bytes);
  (void)state;
  for (size_t i = 0; i < len; i += i < 200 ? 1 : 37) {
    bytes[i] ^= (uint8_t)(1u << i % 8);
    struct outcome o = play_bytes(bytes, len);
    if (o.read == 0 && o.verdict == RECORD_SAME && !o.cut)
      fail_msg("byte %zu", i);
    assert_true(o.cut || o.text[0] != '\0');
    bytes[i] ^= (uint8_t)(1u << i % 8);
  }
}

static void cut_anywhere__what_is_left_replays(void **state) {
  uint8_t *bytes;
  size_t len = small_recording(&bytes);
  uint64_t calls = 0;
  (void)state;
  for (size_t n = 60; n < len; n += n < 3000 ? 11 : 97) {
    struct outcome o = play_bytes(bytes, n);
    if (o.verdict != RECORD_SAME)
      fail_msg("cut at %zu: %s", n, o.text);
    if (o.read < 0)
      continue; /* not even its beginning is whole */
    assert_true(o.cut && o.calls >= calls);
    calls = o.calls;
  }
  assert_true(calls > 100);
}

/* The whole file is one block: its check sum can be made right again. */
static void reseal(uint8_t *bytes, size_t len) {
  size_t body = RECORD_MAGIC_LEN + RECORD_HEADER_LEN;
  uint32_t crc = record_check_crc(bytes + body, len - body);
  for (unsigned i = 0; i < 4; i++)
    bytes[RECORD_MAGIC_LEN + 8 + i] = (uint8_t)(crc >> 8 * i);
}

static void another_payload__differs_at_the_frame_that_carries_it(void **state) {
  uint8_t *bytes, *at;
  size_t len = small_recording(&bytes);
  (void)state;
  assert_true(len < RECORD_BLOCK_LEN);
  at = memmem(bytes, len, "in place", 8);
  assert_non_null(at);
  *at = 'X';
  reseal(bytes, len);
  struct outcome o = play_bytes(bytes, len);
  assert_int_equal(o.verdict, RECORD_DIFFERENT);
  assert_non_null(strstr(o.text, "tct_output("));
  assert_non_null(strstr(o.text, "has other bytes"));
}

static void any_byte_forged__hurts_nobody(void **state) {
  uint8_t *bytes;
  size_t len = small_recording(&bytes), first = RECORD_MAGIC_LEN + RECORD_HEADER_LEN;
  (void)state;
  for (size_t i = first; i < len; i += 13) {
    uint8_t was = bytes[i];
    bytes[i] = (uint8_t)(was + 1 + i % 254);
    reseal(bytes, len);
    struct outcome o = play_bytes(bytes, len);
    assert_true(o.read >= 0 || o.text[0] != '\0');
    bytes[i] = was;
  }
}

/* ---- The program dies ---- */

static void killed_in_a_call__all_before_is_there_and_the_call(void **state) {
  int status;
  (void)state;
  tct_record *r = open_record(0);
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    tct_if i;
    tct_stack *s = make_stack(r, 2, &i, NULL);
    const uint64_t args[] = {0, i.index, i.gen, 1};
    tct_advance(s, SEC(7));
    record_write_call(r, RECORD_OUTPUT, args, 4, NULL, 0); /* as a crash inside of it leaves it */
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  struct outcome o = play_file(path[0]);
  assert_int_equal(o.read, 0);
  assert_int_equal(o.verdict, RECORD_SAME);
  assert_true(o.cut);
  assert_int_equal(o.seen[RECORD_ADVANCE], 2);
  assert_int_equal(o.seen[RECORD_OUTPUT], 1);
  (void)!tct_record_close(r);
}

/* ---- Configuration ---- */

static bool is_pointer(size_t at) {
  return at < offsetof(tct_config, seed) ||
         (at >= offsetof(tct_config, trace) && at < offsetof(tct_config, cookies)) ||
         (at >= offsetof(tct_config, sum) && at < offsetof(tct_config, no_fast_path));
}

/* A changed byte must change the text, but where a pointer, the size or nothing lies. */
static void config__every_field_is_in_the_text(void **state) {
  enum { NOTHING = 24 }; /* bytes between fields, on 64-bit machines */
  tct_config c, back;
  char was[RECORD_CONFIG_MAX], text[RECORD_CONFIG_MAX], was_again[RECORD_CONFIG_MAX], error[100];
  size_t unseen = 0, n_allowed = 0;
  (void)state;
  tct_config_init(&c, sizeof c);
  size_t was_len = record_config_text(&c, was);
  for (size_t i = 0; i < sizeof c; i++) {
    if (is_pointer(i))
      continue;
    ((uint8_t *)&c)[i] = 1;
    size_t len = record_config_text(&c, text);
    unseen += len == was_len && memcmp(text, was, len) == 0;
    tct_config_init(&back, sizeof back);
    bool allowed = record_config_parse(text, len, &back, error, sizeof error);
    assert_true(!allowed || record_config_text(&back, was_again) == len);
    assert_true(!allowed || memcmp(was_again, text, len) == 0);
    n_allowed += allowed;
    ((uint8_t *)&c)[i] = 0;
  }
  assert_true(n_allowed > 300);
  if (sizeof(void *) == 8 && unseen != NOTHING)
    fail_msg("%zu bytes of tct_config are not recorded, not %d: add the new field to "
             "record/config.c; if it is there, correct the number here",
             unseen, NOTHING);
}

static int make_dir(void **state) {
  (void)state;
  return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state) {
  (void)state;
  unlink(path[0]);
  unlink(path[1]);
  return rmdir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transfer_over_a_bad_link__both_recordings_replay),
      cmocka_unit_test(every_call__replays),
      cmocka_unit_test(lent_twice_under_one_token__each_stays_until_it_is_back),
      cmocka_unit_test(refused_allocations__are_refused_again),
      cmocka_unit_test(any_byte_changed__is_noticed),
      cmocka_unit_test(cut_anywhere__what_is_left_replays),
      cmocka_unit_test(another_payload__differs_at_the_frame_that_carries_it),
      cmocka_unit_test(any_byte_forged__hurts_nobody),
      cmocka_unit_test(killed_in_a_call__all_before_is_there_and_the_call),
      cmocka_unit_test(config__every_field_is_in_the_text),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
