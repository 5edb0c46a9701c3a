/* SPDX-License-Identifier: MIT */
/*
 * json.c - JSON Lines for programs: schema tercet.segments, version 1 (docs/json.md).
 *
 * The first line names the schema; then one object per event, each with an "event" member: segment,
 * state, note, timer, drop, cwnd, again, and summary as the last of each connection. Members are
 * only ever added within a version. Always relative and absolute numbers.
 */
#include "cli/show/render.h"

static void put_string(FILE *out, const char *text) {
  fputc('"', out);
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      fprintf(out, "\\%c", c);
    else if (c < 0x20)
      fprintf(out, "\\u%04x", c);
    else
      fputc(c, out);
  }
  fputc('"', out);
}

void json_begin(struct render *x) {
  fprintf(x->out, "{\"schema\":\"tercet.segments\",\"version\":1}\n");
}

static void put_time(struct render *x, const char *name, tct_time at) {
  uint64_t ns = at > x->base ? at - x->base : 0;
  fprintf(x->out, "\"%s\":%llu.%09u", name, (unsigned long long)(ns / 1000000000),
          (unsigned)(ns % 1000000000));
}

static const char *end_name(const struct show_row *r, int end) {
  return end == show_client_end(r->conn) ? "client" : "server";
}

static void put_head(struct render *x, const struct show_row *r, const char *event) {
  fprintf(x->out, "{\"event\":\"%s\",", event);
  put_time(x, "t", r->at);
  if (r->kind == SHOW_SEG && r->frame_first != r->frame_last)
    fprintf(x->out, ",\"frame\":%u,\"frame_last\":%u", r->frame_first, r->frame_last);
  else if (r->frame_first != 0)
    fprintf(x->out, ",\"frame\":%u", r->frame_first);
  if (r->conn != NULL)
    fprintf(x->out, ",\"conn\":%u", r->conn->number);
}

static void put_flags(FILE *out, uint8_t flags) {
  static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  static const uint8_t order[] = {1, 0, 2, 3, 4, 5, 6, 7};
  const char *comma = "";
  fprintf(out, ",\"flags\":[");
  for (unsigned i = 0; i < 8; i++)
    if ((flags >> order[i] & 1) != 0) {
      fprintf(out, "%s\"%s\"", comma, names[order[i]]);
      comma = ",";
    }
  fputc(']', out);
}

static void put_sack(FILE *out, const struct show_row *r) {
  uint32_t isn = r->seg.ack - r->ack_rel;
  for (unsigned i = 0; i < r->seg.n_sack && i < 4; i++)
    fprintf(out, "%s[%u,%u]", i == 0 ? "" : ",", r->seg.sack[i][0] - isn, r->seg.sack[i][1] - isn);
}

static void put_options(FILE *out, const struct show_row *r) {
  const char *comma = "";
  fprintf(out, ",\"opt\":{");
  if (r->seg.mss != 0) {
    fprintf(out, "\"mss\":%u", r->seg.mss);
    comma = ",";
  }
  if (r->seg.sack_permitted) {
    fprintf(out, "%s\"sack_ok\":true", comma);
    comma = ",";
  }
  if (r->seg.has_ts) {
    fprintf(out, "%s\"ts\":[%u,%u]", comma, r->seg.tsval, r->seg.tsecr);
    comma = ",";
  }
  if (r->seg.wscale != 0xff) {
    fprintf(out, "%s\"wscale\":%u", comma, r->seg.wscale);
    comma = ",";
  }
  if (r->seg.n_sack != 0) {
    fprintf(out, "%s\"sack\":[", comma);
    put_sack(out, r);
    fputc(']', out);
  }
  fputc('}', out);
}

/* The steps of one end in this row; where there are none, the state that it is in. */
static void put_steps(FILE *out, const struct show_row *r, int end) {
  const struct show_path *paths[2] = {end == r->from ? &r->depart : &r->arrive,
                                      end == r->from ? &r->late : NULL};
  bool any = false;
  fputc('[', out);
  for (int k = 0; k < 2; k++)
    for (unsigned i = 0; paths[k] != NULL && i < paths[k]->n; i++) {
      if (i != 0 || !any)
        fprintf(out, "%s\"%s\"", any ? "," : "", words_state(paths[k]->state[i]));
      any = true;
    }
  if (!any && r->state_known[end])
    fprintf(out, "\"%s\"", words_state(r->state[end]));
  fputc(']', out);
}

static void put_states(struct render *x, const struct show_row *r) {
  bool inferred = false;
  const char *comma = "";
  if (r->conn == NULL)
    return;
  fprintf(x->out, ",\"state\":{");
  for (int i = 0; i < 2; i++) {
    int client = show_client_end(r->conn), end = i == 0 ? client : !client;
    if (!r->state_known[end])
      continue;
    fprintf(x->out, "%s\"%s\":", comma, end_name(r, end));
    put_steps(x->out, r, end);
    comma = ",";
    inferred = inferred || (x->traced >> end & 1) == 0;
  }
  fprintf(x->out, "},\"state_source\":\"%s\"", inferred ? "inferred" : "observed");
}

static void put_fate(struct render *x, const struct show_row *r) {
  static const char *const fates[] = {"delivered", "lost", "duplicated", "delayed", "corrupted"};
  if (r->has_link)
    fprintf(x->out, ",\"fate\":\"%s\"", fates[r->fate]);
  if (r->has_arrived && r->arrived_at != r->at) {
    fputc(',', x->out);
    put_time(x, "arrived", r->arrived_at);
  }
  if (r->has_arrived && r->verdict != TCT_ACCEPTED)
    fprintf(x->out, ",\"verdict\":\"%s\"", tct_verdict_name((tct_verdict)r->verdict));
  if (r->is_rexmit)
    fprintf(x->out, ",\"retransmission\":true");
  if (r->is_injected)
    fprintf(x->out, ",\"forged\":true");
}

static void put_why(struct render *x, const struct show_row *r) {
  const char *rfc = words_rfc(r->why);
  if (r->why == TCT_WHY_NONE)
    return;
  fprintf(x->out, ",\"why\":\"%s\",\"why_text\":", tct_why_name((tct_why)r->why));
  put_string(x->out, tct_why_text((tct_why)r->why));
  if (rfc != NULL)
    fprintf(x->out, ",\"rfc\":\"%s\"", rfc);
}

static void put_acks(FILE *out, const struct show_row *r) {
  if (r->acks_first == 0)
    return;
  fprintf(out, ",\"acks\":[%u,%u]", r->acks_first, r->acks_last);
  if (r->rtt_ns != 0)
    fprintf(out, ",\"rtt\":%llu.%09u", (unsigned long long)(r->rtt_ns / 1000000000),
            (unsigned)(r->rtt_ns % 1000000000));
}

static void put_segment(struct render *x, const struct show_row *r) {
  const tct_seg *seg = &r->seg;
  put_head(x, r, "segment");
  fprintf(x->out, ",\"dir\":\"%s\"", r->from == show_client_end(r->conn) ? "c>s" : "s>c");
  if (r->proto == SHOW_TCP && r->conn != NULL) {
    put_flags(x->out, seg->flags);
    fprintf(x->out, ",\"seq\":{\"rel\":%u,\"abs\":%u}", r->seq_rel, seg->seq);
    if ((seg->flags & TCT_ACK) != 0)
      fprintf(x->out, ",\"ack\":{\"rel\":%u,\"abs\":%u}", r->ack_rel, seg->ack);
    fprintf(x->out, ",\"len\":%u,\"win\":{\"raw\":%u,\"bytes\":%u}", seg->len, seg->window_raw,
            seg->window_bytes);
    if ((seg->flags & TCT_URG) != 0)
      fprintf(x->out, ",\"urg\":%u", seg->urgent);
    put_options(x->out, r);
    put_acks(x->out, r);
  } else {
    static const char *const names[] = {"icmp", "udp", "other"};
    unsigned n = r->proto == SHOW_ICMP ? 0 : r->proto == SHOW_UDP ? 1 : 2;
    fprintf(x->out, ",\"proto\":\"%s\",\"len\":%u,\"text\":", names[n], seg->len);
    put_string(x->out, r->text);
  }
  put_states(x, r);
  put_fate(x, r);
  put_why(x, r);
}

static void put_event(struct render *x, const struct show_row *r) {
  static const char *const names[] = {
      [SHOW_STATE] = "state", [SHOW_NOTE] = "note", [SHOW_TIMER] = "timer",
      [SHOW_DROP] = "drop",   [SHOW_CC] = "cwnd",   [SHOW_AGAIN] = "again"};
  struct line text;
  put_head(x, r, names[r->kind]);
  if (r->kind != SHOW_NOTE)
    fprintf(x->out, ",\"at\":\"%s\"", end_name(r, r->from));
  if (r->kind == SHOW_TIMER)
    fprintf(x->out, ",\"timer\":\"%s\"", tct_timer_name((tct_timer)r->value));
  if (r->kind == SHOW_DROP || r->kind == SHOW_AGAIN)
    fprintf(x->out, ",\"verdict\":\"%s\"", tct_verdict_name((tct_verdict)r->verdict));
  if (r->kind == SHOW_CC)
    fprintf(x->out, ",\"cwnd\":%u,\"ssthresh\":%u,\"srtt_us\":%u", r->value, r->value2, r->value3);
  if (r->kind == SHOW_NOTE) {
    fprintf(x->out, ",\"text\":");
    put_string(x->out, r->text);
  }
  if (r->kind == SHOW_STATE) {
    line_clear(&text);
    words_event(&text, r, &x->words);
    put_states(x, r);
    put_why(x, r);
    fprintf(x->out, ",\"text\":");
    put_string(x->out, text.b);
  }
}

void json_row(void *ctx, const struct show_row *r) {
  struct render *x = ctx;
  if (r->kind == SHOW_SEG)
    put_segment(x, r);
  else
    put_event(x, r);
  fprintf(x->out, "}\n");
}

void json_summary(struct render *x, const struct show_conn *c, const struct line *sentence) {
  const struct show_tally *t = &c->tally;
  int client = show_client_end(c);
  fprintf(x->out, "{\"event\":\"summary\",\"conn\":%u,\"opened\":%s,\"reset\":%s,", c->number,
          t->opened ? "true" : "false", t->rst ? "true" : "false");
  fprintf(x->out, "\"closed\":%s,\"bytes\":{\"up\":%u,\"down\":%u},",
          t->fin_acked[0] && t->fin_acked[1] ? "true" : "false",
          t->data_end[client] != 0 ? t->data_end[client] - 1 : 0,
          t->data_end[!client] != 0 ? t->data_end[!client] - 1 : 0);
  fprintf(x->out, "\"segments\":%u,\"lost\":%u,\"resent\":%u,\"text\":", t->segs[0] + t->segs[1],
          t->lost, t->resent);
  put_string(x->out, sentence->b);
  fprintf(x->out, "}\n");
}
