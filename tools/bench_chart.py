# SPDX-License-Identifier: MIT
"""The picture of tools/bench: one bar chart a question, one bar for each who answered it."""
import statistics

# By how a name begins, the first that fits.
COLORS = {"tercet, parity": "#5aa9c4", "tercet, by reference": "#8cc7da", "tercet, ": "#5aa9c4",
          "tercet": "#1f6f8b", "lwIP": "#c46d1f", "gVisor": "#8a6fb0", "slirp": "#8a6fb0",
          "Linux": "#7a7a7a", "veth": "#7a7a7a"}


def number(v):
    return f"{v:.3g}" if v < 1 else f"{v:.2f}"


def color_of(name):
    for start, color in COLORS.items():
        if name.startswith(start):
            return color
    return "#999"


def draw(pictures, path):
    width, left, bar, gap, y = 760, 190, 16, 5, 30
    parts = []
    for title, unit, rows in pictures:
        top = max(max(values) for values in rows.values())
        parts.append(f'<text x="10" y="{y}" font-weight="bold">{title}, {unit}</text>')
        y += 10
        for name, values in rows.items():
            m, low, high = statistics.median(values), min(values), max(values)
            scale = (width - left - 90) / top
            parts.append(f'<text x="{left - 8}" y="{y + bar - 4}" text-anchor="end">{name}</text>')
            parts.append(f'<rect x="{left}" y="{y}" width="{max(m * scale, 1):.1f}" height="{bar}" '
                         f'fill="{color_of(name)}"/>')
            parts.append(f'<path d="M{left + low * scale:.1f} {y + bar / 2}H{left + high * scale:.1f}" '
                         'stroke="#222" stroke-width="1.5"/>')
            parts.append(f'<text x="{left + high * scale + 6:.1f}" y="{y + bar - 4}">{number(m)}</text>')
            y += bar + gap
        y += 24
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
                f'viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="12">'
                f'<rect width="{width}" height="{y}" fill="#fff"/>' + "".join(parts) + "</svg>\n")
