/* SPDX-License-Identifier: MIT */
/* scale.c - see scale.h. Called by draw.c, panel.c and chart.c. */
#include "cli/plot/scale.h"

#include <math.h>

static const double FAR = 100000; /* pixels; nobody sees more, and some viewers choke */

double scale_px(const struct scale *s, double v) {
  double span = s->to - s->from;
  if (span <= 0)
    return s->px_from;
  return s->px_from + (v - s->from) / span * (s->px_to - s->px_from);
}

double scale_step(double span, unsigned max) {
  static const double nice[] = {1, 2, 5, 10};
  double rough = span / (max == 0 ? 1 : max), ten = 1;
  if (!(rough > 0))
    return 1;
  while (ten * 10 <= rough)
    ten *= 10;
  while (ten > rough)
    ten /= 10;
  for (unsigned i = 0; i < 3; i++)
    if (nice[i] * ten >= rough)
      return nice[i] * ten;
  return 10 * ten;
}

double scale_tick(const struct scale *s, double step, unsigned n) {
  return (ceil(s->from / step - 1e-9) + n) * step;
}

struct named {
  double of;
  const char *name;
};

void scale_label(struct line *l, enum scale_unit unit, const struct scale *axis, double v,
                 double step) {
  static const struct named times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
  static const struct named sizes[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}};
  const struct named *n = unit == SCALE_TIME ? times : sizes;
  unsigned i = 0, decimals = 0;
  double size = fmax(fabs(axis->from), fabs(axis->to));
  if (fabs(v) < step / 2) {
    line_add(l, "0");
    return;
  }
  while (i < 3 && size < n[i].of)
    i++;
  for (double s = step / n[i].of; s < 0.999 && decimals < 3; s *= 10)
    decimals++;
  line_add(l, "%.*f %s", (int)decimals, v / n[i].of, n[i].name);
}

void scale_put(FILE *out, double px) {
  long tenths = lround(fmax(-FAR, fmin(FAR, px)) * 10);
  long whole = tenths / 10, part = tenths % 10;
  const char *sign = tenths < 0 ? "-" : "";
  whole = whole < 0 ? -whole : whole;
  part = part < 0 ? -part : part;
  if (part == 0)
    fprintf(out, "%s%ld", sign, whole);
  else
    fprintf(out, "%s%ld.%ld", sign, whole, part);
}
