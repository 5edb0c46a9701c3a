/* SPDX-License-Identifier: MIT */
/*
 * svg_page.c - what stands around the rows of the picture: style for light and dark, the two rails
 * in the colours of their states, title, closing sentence. Called by svg.c and show.c.
 */
#include "cli/show/svg_page.h"

#include <errno.h>
#include <string.h>

enum { SENTENCE_COLUMNS = 118 };

/* Control characters have no place in XML at all. */
void svg_escape(FILE *out, const char *text) {
  for (; *text != '\0'; text++) {
    switch (*text) {
    case '&':
      fputs("&amp;", out);
      break;
    case '<':
      fputs("&lt;", out);
      break;
    case '>':
      fputs("&gt;", out);
      break;
    case '"':
      fputs("&quot;", out);
      break;
    default:
      fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
      break;
    }
  }
}

size_t svg_break(const char *text, unsigned columns) {
  size_t at = 0, space = 0;
  for (unsigned n = 0; text[at] != '\0'; n++) {
    if (text[at] == ' ' && strncmp(text + at, " ·", 3) != 0)
      space = at;
    if (n == columns)
      return space != 0 ? space : at;
    at++;
    while (((unsigned char)text[at] & 0xc0) == 0x80)
      at++;
  }
  return at;
}

/* role: light, dark */
static const char style[] =
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
    ".page{fill:#fff}.edge{fill:none;stroke:#d0d7de}\n"
    ".facts,.name,.heading{fill:#1f2328}.name,.heading,.flags,.state{font-weight:700}\n"
    ".name{font-size:14px}.heading{font-size:16px}.small,.section{font-size:11px}\n"
    ".small,.note,.section{fill:#59636e}.note{font-size:11.5px}.section{letter-spacing:2px}\n"
    ".state{fill:#1f2328;font-size:11.5px}\n"
    ".shaft{fill:none;stroke-width:1.6}.cross{fill:none;stroke:#cf222e;stroke-width:2.4}\n"
    ".ghost{fill:none;stroke:#cf222e;stroke-width:1;stroke-dasharray:1 6;opacity:.7}\n"
    ".rule{fill:none;stroke:#d0d7de;stroke-dasharray:4 4}\n"
    ".gap{fill:none;stroke:#fff;stroke-width:6;stroke-dasharray:4 5}\n"
    ".dot{fill:#fff;stroke:#1f2328;stroke-width:1.6}\n"
    "text.syn,.flags.syn,.head.syn{fill:#1a7f37}.shaft.syn{stroke:#1a7f37}\n"
    "text.data,.flags.data,.head.data{fill:#0550ae}.shaft.data{stroke:#0550ae}\n"
    "text.ack,.flags.ack,.head.ack{fill:#6e7781}.shaft.ack{stroke:#8c959f}\n"
    "text.fin,.flags.fin,.head.fin{fill:#9a6700}.shaft.fin{stroke:#bf8700}\n"
    "text.rst,.flags.rst,.head.rst{fill:#cf222e}.shaft.rst{stroke:#cf222e}\n"
    "text.again,.flags.again,.head.again{fill:#a626a4}.shaft.again{stroke:#a626a4}\n"
    ".s-none{fill:#d8dee4}.s-wait{fill:#9be9a8}.s-open{fill:#2da44e}.s-close{fill:#e3b341}"
    ".s-quiet{fill:#b392f0}\n"
    "@media(prefers-color-scheme:dark){\n"
    ".page{fill:#0d1117}.edge{stroke:#30363d}.facts,.name,.heading,.state{fill:#e6edf3}\n"
    ".small,.note,.section{fill:#9198a1}.rule{stroke:#30363d}.gap{stroke:#0d1117}\n"
    ".dot{fill:#0d1117;stroke:#e6edf3}.cross{stroke:#ff7b72}.ghost{stroke:#ff7b72}\n"
    "text.syn,.flags.syn,.head.syn{fill:#56d364}.shaft.syn{stroke:#3fb950}\n"
    "text.data,.flags.data,.head.data{fill:#79c0ff}.shaft.data{stroke:#58a6ff}\n"
    "text.ack,.flags.ack,.head.ack{fill:#9198a1}.shaft.ack{stroke:#6e7681}\n"
    "text.fin,.flags.fin,.head.fin{fill:#e3b341}.shaft.fin{stroke:#d29922}\n"
    "text.rst,.flags.rst,.head.rst{fill:#ff7b72}.shaft.rst{stroke:#ff7b72}\n"
    "text.again,.flags.again,.head.again{fill:#f778ba}.shaft.again{stroke:#f778ba}\n"
    ".s-none{fill:#30363d}.s-wait{fill:#1f6f3a}.s-open{fill:#2ea043}.s-close{fill:#bb8009}"
    ".s-quiet{fill:#8957e5}}\n";

/* Without the wish for motion, and in programs that know none, the whole picture stands there. */
static const char motion[] =
    "@media(prefers-reduced-motion:no-preference){\n"
    ".row{animation:show .4s ease-out both}@keyframes show{from{opacity:0}}\n"
    ".row .shaft{stroke-dasharray:1;animation:draw .5s ease-out both;animation-delay:inherit}\n"
    "@keyframes draw{from{stroke-dashoffset:1}to{stroke-dashoffset:0}}}\n";

static const char *state_class(uint8_t state) {
  switch (state) {
  case TCT_CLOSED:
    return "s-none";
  case TCT_LISTEN:
  case TCT_SYN_SENT:
  case TCT_SYN_RECEIVED:
    return "s-wait";
  case TCT_ESTABLISHED:
    return "s-open";
  case TCT_TIME_WAIT:
    return "s-quiet";
  default:
    return "s-close";
  }
}

static void write_rail(const struct svg *s, FILE *out, int end, unsigned bottom) {
  int x = end == SHOW_LEFT ? SVG_LEFT : SVG_RIGHT;
  unsigned y = s->top;
  const char *css = "s-none";
  for (size_t i = 0; i <= s->n_change; i++) {
    if (i < s->n_change && s->change[i].end != end)
      continue;
    unsigned to = i < s->n_change ? s->change[i].y : bottom;
    if (to > y)
      fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%u\" width=\"6\" height=\"%u\"/>\n", css, x - 3,
              y, to - y);
    if (i < s->n_change)
      css = state_class(s->change[i].state);
    y = to > y ? to : y;
  }
}

static void write_dots(const struct svg *s, FILE *out) {
  for (size_t i = 0; i < s->n_change; i++)
    if (s->change[i].is_event)
      fprintf(out, "<circle class=\"dot\" cx=\"%d\" cy=\"%u\" r=\"4\"/>\n",
              s->change[i].end == SHOW_LEFT ? SVG_LEFT : SVG_RIGHT, s->change[i].y);
}

static unsigned write_sentence(const struct svg *s, FILE *out, unsigned y) {
  const char *text = s->sentence.b;
  fprintf(out, "<text class=\"flags %s\" x=\"28\" y=\"%u\">%s</text>\n", s->good ? "syn" : "rst",
          y + 12, s->good ? "✓" : "✗");
  while (*text != '\0') {
    size_t n = svg_break(text, SENTENCE_COLUMNS - 10);
    fprintf(out, "<text class=\"facts\" x=\"46\" y=\"%u\">", y + 12);
    struct line l;
    line_clear(&l);
    line_add(&l, "%.*s", (int)n, text);
    svg_escape(out, l.b);
    fprintf(out, "</text>\n");
    for (text += n; *text == ' ';)
      text++;
    y += 17;
  }
  return y;
}

static unsigned count_lines(const struct svg *s) {
  unsigned lines = 0;
  for (const char *text = s->sentence.b; *text != '\0'; lines++) {
    text += svg_break(text, SENTENCE_COLUMNS - 10);
    while (*text == ' ')
      text++;
  }
  return lines;
}

static void write_head(const struct svg *s, FILE *out, unsigned height) {
  const char *title = s->r.title != NULL ? s->r.title : "TCP conversation";
  fprintf(out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
          "viewBox=\"0 0 %d %u\" role=\"graphics-document document\" "
          "aria-labelledby=\"title summary\">\n<title id=\"title\">",
          SVG_WIDTH, height, SVG_WIDTH, height);
  svg_escape(out, title);
  fprintf(out, "</title>\n<desc id=\"summary\">Sequence diagram, time runs down. ");
  svg_escape(out, s->sentence.b);
  fprintf(out, "</desc>\n<style>\n%s%s</style>\n", style, s->animated ? motion : "");
  fprintf(out,
          "<rect class=\"page\" width=\"%d\" height=\"%u\" rx=\"8\"/>\n"
          "<rect class=\"edge\" x=\".5\" y=\".5\" width=\"%d\" height=\"%u\" rx=\"8\"/>\n",
          SVG_WIDTH, height, SVG_WIDTH - 1, height - 1);
  if (s->r.title == NULL)
    return;
  fprintf(out, "<text class=\"heading\" x=\"28\" y=\"32\">");
  svg_escape(out, title);
  fprintf(out, "</text>\n");
}

int svg_write(struct svg *s, FILE *out) {
  unsigned bottom, height;
  if (!s->began)
    s->y = s->top = 60;
  if (s->left_out != 0) {
    fprintf(s->body, "<text class=\"note\" x=\"%d\" y=\"%u\">%u more rows are not drawn</text>\n",
            SVG_LEFT + 14, s->y + 12, s->left_out);
    s->y += 20;
  }
  if (s->failed || fclose(s->body) != 0) {
    s->body = NULL;
    errno = ENOMEM;
    return -1;
  }
  s->body = NULL;
  bottom = s->y + 4;
  height = bottom + 22 + count_lines(s) * 17 + 14;
  write_head(s, out, height);
  write_rail(s, out, SHOW_LEFT, bottom);
  write_rail(s, out, SHOW_RIGHT, bottom);
  fwrite(s->text, 1, s->text_len, out);
  write_dots(s, out);
  if (s->sentence.n != 0)
    write_sentence(s, out, bottom + 22);
  fprintf(out, "</svg>\n");
  return ferror(out) ? -1 : 0;
}
