/* SPDX-License-Identifier: MIT */
/*
 * parse.c - the shape of a script: option lines, events, times. Called by the runner. Leaves
 * packets to parse_packet.c, calls to parse_call.c, the meaning of options to parse_option.c. The
 * language is described in docs/drill.md.
 */
#include "drill/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool drill_parse_fail(struct drill_parser *p, const char *format, ...) {
  if (p->script->error)
    return false;
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  p->script->error = drill_arena_copy(p->arena, text, strlen(text));
  p->script->error_line = p->tokens.at[p->pos].line;
  return false;
}

struct drill_token *drill_parse_peek(struct drill_parser *p, size_t ahead) {
  size_t at = p->pos + ahead;
  return &p->tokens.at[at < p->tokens.n ? at : p->tokens.n - 1];
}

bool drill_parse_is_char(struct drill_parser *p, char c) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  return t->kind == DRILL_CHAR && t->text[0] == c;
}

bool drill_parse_is_word(struct drill_parser *p, const char *word) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  return t->kind == DRILL_WORD && strcmp(t->text, word) == 0;
}

bool drill_parse_take_char(struct drill_parser *p, char c) {
  bool is = drill_parse_is_char(p, c);
  p->pos += is;
  return is;
}

bool drill_parse_take_word(struct drill_parser *p, const char *word) {
  bool is = drill_parse_is_word(p, word);
  p->pos += is;
  return is;
}

static const char *shown(const struct drill_token *t) {
  return t->kind == DRILL_END ? "the end of the script" : t->text;
}

bool drill_parse_want_char(struct drill_parser *p, char c) {
  if (drill_parse_take_char(p, c))
    return true;
  return drill_parse_fail(p, "'%c' expected before '%s'", c, shown(drill_parse_peek(p, 0)));
}

bool drill_parse_want_int(struct drill_parser *p, int64_t min, int64_t max, int64_t *v) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  if (t->kind != DRILL_INT && t->kind != DRILL_HEX)
    return drill_parse_fail(p, "a number expected, not '%s'", shown(t));
  errno = 0;
  *v = strtoll(t->text, NULL, t->kind == DRILL_HEX ? 16 : 10);
  if (errno || *v < min || *v > max)
    return drill_parse_fail(p, "%s is out of range (%lld to %lld)", t->text, (long long)min,
                            (long long)max);
  p->pos++;
  return true;
}

static int hex_value(char c) {
  return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

bool drill_parse_want_hex(struct drill_parser *p, uint8_t *bytes, size_t cap, size_t *len) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  const char *text = t->kind == DRILL_HEX ? t->text + 2 : t->text;
  size_t digits = strlen(text);
  if (t->kind != DRILL_HEX && t->kind != DRILL_INT && t->kind != DRILL_WORD)
    return drill_parse_fail(p, "hex digits expected, not '%s'", shown(t));
  if (digits % 2 || digits / 2 > cap || strspn(text, "0123456789abcdefABCDEF") != digits)
    return drill_parse_fail(p, "'%s' is not an even number of hex digits, at most %zu", t->text,
                            cap * 2);
  for (size_t i = 0; i < digits; i += 2)
    bytes[i / 2] = (uint8_t)(hex_value(text[i]) * 16 + hex_value(text[i + 1]));
  *len = digits / 2;
  p->pos++;
  return true;
}

/* Seconds with up to nine decimals. */
bool drill_parse_time(struct drill_parser *p, uint64_t *ns) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  if ((t->kind != DRILL_INT && t->kind != DRILL_FLOAT) || t->text[0] == '-')
    return drill_parse_fail(p, "a time in seconds expected, not '%s'", shown(t));
  uint64_t whole = 0, part = 0, unit = 100000000;
  const char *c = t->text;
  for (; isdigit((unsigned char)*c); c++)
    whole = whole * 10 + (uint64_t)(*c - '0');
  if (*c == '.')
    for (c++; isdigit((unsigned char)*c); c++, unit /= 10)
      part += (uint64_t)(*c - '0') * unit;
  if (whole > 4000000000u)
    return drill_parse_fail(p, "%s s is too far in the future", t->text);
  *ns = whole * 1000000000u + part;
  p->pos++;
  return true;
}

static bool parse_when(struct drill_parser *p, struct drill_event *e) {
  if (drill_parse_take_char(p, '*')) {
    e->when = DRILL_ANYTIME;
    return true;
  }
  bool is_after = drill_parse_take_char(p, '+');
  e->when = is_after ? DRILL_AFTER : DRILL_AT;
  if (!drill_parse_time(p, &e->from_ns))
    return false;
  e->to_ns = e->from_ns;
  if (!drill_parse_take_char(p, '~'))
    return true;
  e->when = is_after ? DRILL_AFTER_RANGE : DRILL_AT_RANGE;
  if (is_after && !drill_parse_want_char(p, '+'))
    return false;
  if (!drill_parse_time(p, &e->to_ns))
    return false;
  return e->to_ns >= e->from_ns || drill_parse_fail(p, "a time range that ends before it begins");
}

static bool parse_what(struct drill_parser *p, struct drill_event *e) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  switch (t->kind) {
  case DRILL_SHELL:
  case DRILL_CODE:
    e->kind = t->kind == DRILL_SHELL ? DRILL_EVENT_SHELL : DRILL_EVENT_CODE;
    e->text = t->text;
    p->pos++;
    return true;
  case DRILL_WORD:
  case DRILL_ELLIPSIS:
    e->kind = DRILL_EVENT_CALL;
    return drill_parse_call(p, &e->call);
  default:
    e->kind = DRILL_EVENT_PACKET;
    if (drill_parse_is_char(p, '<') || drill_parse_is_char(p, '>'))
      return drill_parse_packet(p, &e->packet);
    return drill_parse_fail(p, "'<', '>', a call, `shell` or %%{ code }%% expected before '%s'",
                            shown(t));
  }
}

static bool parse_event(struct drill_parser *p, struct drill_event *e) {
  e->line = drill_parse_peek(p, 0)->line;
  if (!parse_when(p, e))
    return false;
  size_t at = p->pos;
  if (!parse_what(p, e))
    return false;
  bool is_expected = e->kind == DRILL_EVENT_PACKET && e->packet->is_out;
  if (is_expected || e->when == DRILL_AT || e->when == DRILL_AFTER)
    return true;
  p->pos = at;
  return drill_parse_fail(p, "'*' and time ranges are for expected packets only");
}

static bool parse_events(struct drill_parser *p) {
  struct drill_event **link = &p->script->events;
  uint64_t last_ns = 0;
  while (drill_parse_peek(p, 0)->kind != DRILL_END) {
    if (drill_parse_peek(p, 0)->kind == DRILL_SHELL && p->script->events) {
      p->script->cleanup_line = drill_parse_peek(p, 0)->line;
      p->script->cleanup = drill_parse_peek(p, 0)->text;
      p->pos++;
      if (drill_parse_peek(p, 0)->kind == DRILL_END)
        return true;
      return drill_parse_fail(p, "the shell step before has no time, so the script ends there");
    }
    struct drill_event *e = drill_arena_get(p->arena, sizeof *e);
    if (!parse_event(p, e))
      return false;
    if (e->when == DRILL_AT || e->when == DRILL_AT_RANGE) {
      if (e->from_ns < last_ns) {
        p->script->error_line = e->line;
        p->script->error = "absolute times go backwards";
        return false;
      }
      last_ns = e->from_ns;
    }
    *link = e;
    link = &e->next;
  }
  return p->script->events || drill_parse_fail(p, "a script without events");
}

/* Each later word that is a defined name becomes what it stands for. */
static void replace_word(struct drill_parser *p, struct drill_token *t, const char *value) {
  char *end;
  t->text = drill_arena_copy(p->arena, value, strlen(value));
  t->len = strlen(value);
  if (value[0] == '"' || value[0] == '`') {
    t->kind = value[0] == '"' ? DRILL_STRING : DRILL_SHELL;
    t->len = t->len >= 2 ? t->len - 2 : 0;
    t->text = drill_arena_copy(p->arena, value + 1, t->len);
    return;
  }
  long long number = strtoll(value, &end, 0);
  if (*value && !*end) {
    t->kind = DRILL_INT;
    t->text = drill_arena_printf(p->arena, "%lld", number);
  }
}

static const char *find_define(const struct drill_parser *p, const char *name) {
  for (size_t i = p->n_defines; i-- > 0;)
    if (strcmp(p->defines[i].name, name) == 0)
      return p->defines[i].value;
  return NULL;
}

static void apply_defines(struct drill_parser *p) {
  for (size_t i = p->pos; i < p->tokens.n; i++) {
    struct drill_token *t = &p->tokens.at[i];
    const char *value = t->kind == DRILL_WORD ? find_define(p, t->text) : NULL;
    if (value)
      replace_word(p, t, value);
  }
}

/* What packetdrill's own driver passes on its command line. */
static void add_usual_defines(struct drill_parser *p) {
  bool is_v6 = p->script->set.ip == DRILL_IP6;
  const struct drill_define usual[] = {
      {"TFO_COOKIE", is_v6 ? "c1d1e9742a47a9bc" : "3021b9d889017eeb"},
      {"CODE", is_v6 ? "address_unreachable" : "host_unreachable"},
      {"CMSG_LEVEL_IP", p->script->set.ip == DRILL_IP4 ? "SOL_IP" : "SOL_IPV6"},
      {"CMSG_TYPE_RECVERR", p->script->set.ip == DRILL_IP4 ? "IP_RECVERR" : "IPV6_RECVERR"}};
  for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
    if (!find_define(p, usual[i].name) && p->n_defines < DRILL_DEFINES_MAX)
      p->defines[p->n_defines++] = usual[i];
}

/* "name" or "name=value" */
static bool give_option(struct drill_parser *p, const char *text) {
  char *name = drill_arena_copy(p->arena, text, strlen(text));
  char *eq = strchr(name, '=');
  if (eq)
    *eq = '\0';
  return drill_parse_option(p, name, eq ? eq + 1 : NULL);
}

static bool parse_options(struct drill_parser *p, const char *const *overrides, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (overrides[i][0] == DRILL_BEFORE[0] && !give_option(p, overrides[i] + 1))
      return false;
  for (; drill_parse_peek(p, 0)->kind == DRILL_OPTION; p->pos++) {
    const struct drill_token *t = drill_parse_peek(p, 0);
    if (!drill_parse_option(p, t->text, t->value))
      return false;
  }
  for (size_t i = 0; i < n; i++)
    if (overrides[i][0] != DRILL_BEFORE[0] && !give_option(p, overrides[i]))
      return false;
  return true;
}

static void parse_script(struct drill_parser *p, const char *const *overrides, size_t n) {
  if (!parse_options(p, overrides, n))
    return;
  add_usual_defines(p);
  apply_defines(p);
  const struct drill_token *t = drill_parse_peek(p, 0);
  if (t->kind == DRILL_SHELL) {
    p->script->init = t->text;
    p->script->init_line = t->line;
    p->pos++;
  }
  (void)parse_events(p);
}

void drill_parse(struct drill_arena *a, const char *text, size_t len, const char *const *overrides,
                 size_t n_overrides, struct drill_script *out) {
  struct drill_parser p = {.arena = a, .script = out};
  *out = (struct drill_script){0};
  out->set.bind_port = out->set.connect_port = 8080;
  out->set.tolerance_ns = 4000000;
  out->set.tolerance_percent = 12.5;
  out->set.allow_leftovers = true;
  drill_lex(a, text, len, &p.tokens);
  if (p.tokens.error) {
    out->error = p.tokens.error;
    out->error_line = p.tokens.error_line;
    return;
  }
  parse_script(&p, overrides, n_overrides);
}
