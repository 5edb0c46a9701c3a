/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: time-sequence graphs of any capture (first byte even) or of any order of segments,
 * traced or seen (odd). What comes out is one whole picture of bounded size, and a chart.
 */
#define _POSIX_C_SOURCE 200809L
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cli/plot/plot.h"
#include "drivers/pcapng.h"

enum { PICTURE_MAX = 3000000 };

static void read_capture(struct plot *p, struct fuzz_in *in) {
  char error[600];
  struct tct_pcapng_reader *r = tct_pcapng_open_mem(in->p, in->left, "fuzz", error, sizeof error);
  if (r != NULL && !plot_read_from(p, r, "fuzz", error, sizeof error))
    FUZZ_CHECK(error[0] != '\0');
  tct_pcapng_reader_free(r);
}

/* Mostly near what came before, now and then anywhere. */
static uint32_t move(struct fuzz_in *in, uint32_t from) {
  uint16_t how = fuzz_u16(in);
  if ((how & 0x1f) == 0x1f)
    return fuzz_u32(in);
  return from + (how >> 2) - ((how & 1) != 0 ? 8000u : 0);
}

static void tell_one(struct plot *p, struct fuzz_in *in, tct_seg seg[2], tct_time *at) {
  uint8_t how = fuzz_u8(in);
  tct_seg *s = &seg[how & 1];
  *at = (how & 2) != 0 ? *at + fuzz_u16(in) * 1000u : *at;
  if ((how & 0xe0) == 0xe0)
    *at = (tct_time)fuzz_u32(in) << (how & 31); /* clocks jump */
  s->flags = fuzz_u8(in);
  s->seq = move(in, s->seq);
  s->ack = move(in, s->ack);
  s->len = (how & 4) != 0 ? fuzz_u16(in) : 0;
  s->seg_size = (how & 8) != 0 ? fuzz_u16(in) : 0;
  s->window_bytes = s->window_raw = fuzz_u16(in);
  s->wscale = fuzz_u8(in);
  s->tclass = s->wscale;
  s->n_sack = (uint8_t)(fuzz_u8(in) % 6); /* one more than there may be, too */
  for (unsigned i = 0; i < 4 && i < s->n_sack; i++) {
    s->sack[i][0] = move(in, seg[!(how & 1)].seq);
    s->sack[i][1] = move(in, s->sack[i][0]);
  }
  tct_trace t = {.at = *at, .seg = *s, .why = (uint16_t)(fuzz_u8(in) % TCT_WHY_COUNT)};
  t.kind = (how & 16) != 0 ? TCT_TRACE_SEG_IN : TCT_TRACE_SEG_OUT;
  if ((how & 32) == 0)
    plot_trace(p, &t);
  else
    plot_seen(p, *at, s, 1, t.why);
  if ((how & 0x60) == 0x40)
    plot_lost(p, *at, s);
  const uint32_t cc[3] = {s->seq, s->ack, s->window_bytes};
  if ((how & 0x90) == 0x90)
    plot_cc(p, *at, s, cc);
}

static void tell_all(struct plot *p, struct fuzz_in *in) {
  tct_addr a[2] = {tct_addr_ipv4(10, 0, 0, 1), tct_addr_ipv4(10, 0, 0, 2)};
  tct_seg seg[2] = {{.src = a[0], .dst = a[1], .sport = 9, .dport = 80},
                    {.src = a[1], .dst = a[0], .sport = 80, .dport = 9}};
  tct_time at = 1000;
  while (in->left > 8)
    tell_one(p, in, seg, &at);
}

static void draw(const struct plot *p, const struct plot_view *v) {
  char *text = NULL;
  size_t len = 0, flow;
  int from;
  struct term t = {.width = 90, .unicode = true};
  if (!plot_choose(p, v, &flow, &from))
    return;
  FILE *f = open_memstream(&text, &len);
  FUZZ_CHECK(f != NULL && plot_write_svg(p, v, f) == 0);
  fclose(f);
  FUZZ_CHECK(len > 100 && len < PICTURE_MAX && strncmp(text, "<svg ", 5) == 0);
  FUZZ_CHECK(strcmp(text + len - 7, "</svg>\n") == 0);
  FUZZ_CHECK(strstr(text, "nan ") == NULL && strstr(text, "nan\"") == NULL);
  FUZZ_CHECK(strstr(text, "inf ") == NULL && strstr(text, "inf\"") == NULL);
  free(text);
  f = open_memstream(&text, &len);
  FUZZ_CHECK(f != NULL && plot_write_text(p, v, &t, f) == 0);
  fclose(f);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_in in = {data, size};
  struct plot *p = plot_new();
  struct plot_view v;
  FUZZ_CHECK(p != NULL);
  plot_view_init(&v);
  uint8_t how = fuzz_u8(&in);
  v.from = (how & 2) != 0 ? (how >> 2 & 1) : -1;
  v.all = (how & 8) != 0;
  v.from_ns = (how & 16) != 0 ? fuzz_u32(&in) : 0;
  v.to_ns = (how & 32) != 0 ? v.from_ns + 1 + fuzz_u32(&in) : 0;
  if ((how & 1) != 0)
    tell_all(p, &in);
  else
    read_capture(p, &in);
  draw(p, &v);
  plot_free(p);
  return 0;
}
