/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the capture-file reader on any bytes, then the writer: what was read is written, and
 * read again it is the same. Reading never costs more records than the file has room for.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/pcapng.h"

enum { OUT_MAX = 1 << 20 };

struct out {
  uint8_t *bytes;
  size_t len;
};

static int put(void *ctx, const void *bytes, size_t len) {
  struct out *o = ctx;
  if (len > OUT_MAX - o->len)
    return TCT_ENOBUFS;
  memcpy(o->bytes + o->len, bytes, len);
  o->len += len;
  return 0;
}

static uint64_t sum(uint64_t h, const void *p, size_t n) {
  const uint8_t *b = p;
  for (size_t i = 0; i < n; i++)
    h = (h ^ b[i]) * 0x100000001b3u;
  return h;
}

/* Over all packets; copied to w if there is one. */
static uint64_t read_all(const void *p, size_t n, struct tct_pcapng_writer *w, uint64_t *packets) {
  char error[200];
  uint64_t h = 7;
  struct tct_pcapng_record r;
  struct tct_pcapng_reader *reader = tct_pcapng_open_mem(p, n, "fuzz", error, sizeof error);
  *packets = 0;
  if (reader == NULL) {
    FUZZ_CHECK(memchr(error, 0, sizeof error) != NULL && error[0] != 0);
    return 0;
  }
  int got;
  while ((got = tct_pcapng_next(reader, &r)) > 0) {
    FUZZ_CHECK(r.number == ++*packets && *packets * 12 <= n);
    FUZZ_CHECK(r.len <= TCT_PCAPNG_PACKET_MAX && r.offset < n && r.comment != NULL);
    h = sum(h, r.bytes, r.len);
    h = sum(h, &r.len, sizeof r.len);
    h = sum(h, r.comment, strlen(r.comment));
    if (w == NULL)
      continue;
    tct_iov v[2] = {{r.bytes, r.len / 2}, {r.bytes + r.len / 2, r.len - r.len / 2}};
    tct_pcapng_put(
        w, &(struct tct_pcapng_packet){
               .at = r.at, .iov = v, .n_iov = 2, .len = r.len, .dir = r.dir, .comment = r.comment});
  }
  FUZZ_CHECK(got == 0 || tct_pcapng_error(reader)[0] != 0);
  FUZZ_CHECK(tct_pcapng_next(reader, &r) == got); /* it stays so */
  tct_pcapng_reader_free(reader);
  return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct tct_pcapng_writer w;
  struct out o = {malloc(OUT_MAX), 0};
  uint64_t n_first, n_again;
  FUZZ_CHECK(o.bytes != NULL);
  FUZZ_CHECK(tct_pcapng_create_fn(&w, put, &o) == 0);
  FUZZ_CHECK(tct_pcapng_add_if(&w, "fuzz", TCT_PCAPNG_RAW_IP) == 0);
  uint64_t first = read_all(data, size, &w, &n_first);
  if (tct_pcapng_close(&w) == 0 && n_first > 0) {
    FUZZ_CHECK(read_all(o.bytes, o.len, NULL, &n_again) == first);
    FUZZ_CHECK(n_again == n_first);
  }
  free(o.bytes);
  return 0;
}
