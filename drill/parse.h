/* SPDX-License-Identifier: MIT */
/* parse.h - a script's text to struct drill_script, and what the parser's files share. */
#ifndef DRILL_PARSE_H
#define DRILL_PARSE_H

#include "drill/arena.h"
#include "drill/lex.h"
#include "drill/script.h"

enum { DRILL_DEFINES_MAX = 64 };
/* Scripts may write sequence numbers below 0; they wrap. */
#define DRILL_SEQ_MIN (-(int64_t)UINT32_MAX)

struct drill_define {
  const char *name, *value;
};

struct drill_parser {
  struct drill_arena *arena;
  struct drill_tokens tokens;
  size_t pos;
  struct drill_script *script;
  struct drill_define defines[DRILL_DEFINES_MAX];
  size_t n_defines;
};

/* An option given with this before its name yields to the script's own. */
#define DRILL_BEFORE ":"
/* Options of the command line, "name" or "name=value", win over the script's own. Never fails
 * but by script->error. text must end with a zero byte beyond len. */
void drill_parse(struct drill_arena *a, const char *text, size_t len, const char *const *overrides,
                 size_t n_overrides, struct drill_script *out);

/* ---- Between the parser's files ---------------------------------------------------------------
 */

/* The first error stays. Always false. */
bool drill_parse_fail(struct drill_parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct drill_token *drill_parse_peek(struct drill_parser *p, size_t ahead);
bool drill_parse_is_char(struct drill_parser *p, char c);
bool drill_parse_is_word(struct drill_parser *p, const char *word);
/* Take it if it is there. */
bool drill_parse_take_char(struct drill_parser *p, char c);
bool drill_parse_take_word(struct drill_parser *p, const char *word);
/* Take it or fail. */
bool drill_parse_want_char(struct drill_parser *p, char c);
bool drill_parse_want_int(struct drill_parser *p, int64_t min, int64_t max, int64_t *v);
/* An even number of hex digits, however they lex. */
bool drill_parse_want_hex(struct drill_parser *p, uint8_t *bytes, size_t cap, size_t *len);

bool drill_parse_packet(struct drill_parser *p, struct drill_packet **out);
bool drill_parse_ip_info(struct drill_parser *p, struct drill_packet *k);
bool drill_parse_encap(struct drill_parser *p, struct drill_packet *k);
bool drill_parse_tcp_options(struct drill_parser *p, struct drill_packet *k);
bool drill_parse_twist(struct drill_parser *p, struct drill_packet *k);
bool drill_parse_call(struct drill_parser *p, struct drill_call **out);
bool drill_parse_time(struct drill_parser *p, uint64_t *ns);
/* name and value (NULL: none) of one option line. */
bool drill_parse_option(struct drill_parser *p, const char *name, char *value);

#endif
