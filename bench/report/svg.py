# SPDX-License-Identifier: MIT
"""Plots as inline SVG: lines over a logarithmic scale, and bars."""
import html
import math

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 150, 34, 44
OURS = "#c2410c"
OURS_ALSO = "#f59e0b"
# One colour for each rival in all plots.
COLOURS = {
    "mutex_lifo": "#1d4ed8", "soci": "#0f766e", "apr_reslist": "#7c3aed",
    "poco_objectpool": "#4d7c0f", "poco_sessionpool": "#84cc16",
    "libzdb": "#be185d", "libzdb_no_ping": "#f472b6", "mysqlpp": "#92400e",
    "hikaricp": "#0891b2", "go_database_sql": "#0ea5e9",
    "r2d2": "#7f1d1d", "pymysql_pool": "#a3a300",
    "per_thread": "#111827", "per_query": "#9ca3af", "no_pool": "#111827",
    "mutex_lifo_reset": "#3b82f6", "mutex_lifo_ping": "#60a5fa",
}


def colour_of(name, rank):
    if name.startswith("dewpond"):
        return OURS if is_ours(name, rank) else OURS_ALSO
    return COLOURS.get(name.split(",")[0], "#64748b")


def is_ours(name, rank):
    return rank == 0 and name.startswith("dewpond")


def short(value):
    """1200000 as 1.2 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def told(value, unit):
    """With its unit: 12000 us is told as 12 ms."""
    if unit == " us":
        for size, name in ((1e6, "s"), (1e3, "ms"), (1, "us"), (1e-3, "ns")):
            if value >= size:
                return f"{value / size:.3g} {name}"
    return short(value) + unit


def tag(name, content="", **attributes):
    text = "".join(f' {key.replace("_", "-")}="{value}"'
                   for key, value in attributes.items())
    return f"<{name}{text}>{content}</{name}>"


def text(x, y, content, anchor="start", size=12, fill="#334155", weight=400):
    return tag("text", html.escape(str(content)), x=f"{x:.1f}", y=f"{y:.1f}",
               text_anchor=anchor, font_size=size, fill=fill,
               font_weight=weight)


def line(x1, y1, x2, y2, stroke="#e2e8f0", width=1):
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}",
               y2=f"{y2:.1f}", stroke=stroke, stroke_width=width)


def frame(body, title, height=HEIGHT):
    return tag("svg", text(0, 16, title, size=14, fill="#0f172a", weight=600)
               + body, viewBox=f"0 0 {WIDTH} {height}", role="img",
               xmlns="http://www.w3.org/2000/svg",
               font_family="system-ui, sans-serif")


def decades(low, high):
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0 ** power for power in range(first, max(last, first + 1) + 1)]


class LogAxis:
    """From a value to a place, whole decades."""

    def __init__(self, values, start, end):
        self.marks = decades(min(values), max(values))
        self.low = math.log10(self.marks[0])
        self.high = math.log10(self.marks[-1])
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def spaced(labels, least=13):
    """[(wanted y, ...)] moved apart so that the texts do not overlap."""
    placed, bottom = [], -1e9
    for wanted, *rest in sorted(labels):
        y = max(wanted, bottom + least)
        placed.append((y, *rest))
        bottom = y
    over = max(0.0, bottom - (HEIGHT - BOTTOM + 8))
    return [(y - over, *rest) for y, *rest in placed]


def lines_plot(title, xs, series, y_title, x_title):
    """series: [(name, {x: y})], ours first; x equidistant, y logarithmic."""
    series = [(name, {x: y for x, y in points.items() if y})
              for name, points in series]
    series = [(name, points) for name, points in series if points]
    if not series:
        return ""
    axis = LogAxis([y for _, points in series for y in points.values()],
                   HEIGHT - BOTTOM, TOP)
    step = (WIDTH - LEFT - RIGHT) / max(len(xs) - 1, 1)
    place = {x: LEFT + i * step for i, x in enumerate(xs)}
    body = [line(LEFT, axis.at(mark), WIDTH - RIGHT, axis.at(mark))
            + text(LEFT - 6, axis.at(mark) + 4, short(mark), "end", 11)
            for mark in axis.marks]
    body += [text(place[x], HEIGHT - BOTTOM + 18, short(x), "middle", 11)
             for x in xs]
    body += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_title, "middle"),
             text(LEFT, TOP - 4, y_title, "start", 11, "#64748b")]
    labels = []
    for rank, (name, points) in reversed(list(enumerate(series))):
        colour = colour_of(name, rank)
        places = [(place[x], axis.at(points[x])) for x in xs if x in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        body.append(tag("polyline", points=path, fill="none", stroke=colour,
                        stroke_width=3 if is_ours(name, rank) else 1.6))
        body += [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.6,
                     fill=colour) for x, y in places]
        labels.append((places[-1][1] + 4, name, colour, rank))
    body += [text(WIDTH - RIGHT + 10, y, name, "start", 11, colour,
                  700 if is_ours(name, rank) else 400)
             for y, name, colour, rank in spaced(labels)]
    return frame("".join(body), title)


def range_plot(title, rows, unit, note=""):
    """rows: [(name, [(label, value)...])]: dots on one logarithmic line each."""
    rows = [(name, [(label, v) for label, v in dots if v])
            for name, dots in rows]
    rows = [(name, dots) for name, dots in rows if dots]
    if not rows:
        return ""
    left, row_height = 160, 26
    height = TOP + len(rows) * row_height + 34
    axis = LogAxis([v for _, dots in rows for _, v in dots], left,
                   WIDTH - 40)
    bottom = height - 28
    body = [text(WIDTH, 16, note, "end", 11, "#64748b")]
    body += [line(axis.at(mark), TOP, axis.at(mark), bottom)
            + text(axis.at(mark), bottom + 16, told(mark, unit), "middle", 11)
             for mark in axis.marks]
    for rank, (name, dots) in enumerate(rows):
        y, colour = TOP + (rank + 0.6) * row_height, colour_of(name, rank)
        body.append(text(left - 12, y + 4, name, "end", 12, colour,
                         700 if is_ours(name, rank) else 400))
        body.append(line(axis.at(dots[0][1]), y, axis.at(dots[-1][1]), y,
                         colour, 2))
        for index, (label, v) in enumerate(dots):
            body.append(tag("circle", tag("title", f"{label} {told(v, unit)}"),
                            cx=f"{axis.at(v):.1f}", cy=y, r=3 + 1.2 * index,
                            fill=colour, fill_opacity=0.85))
    return frame("".join(body), title, height)


def bars_plot(title, rows, unit, note=""):
    """rows: [(name, value)], longest is best or worst as the title says."""
    rows = [(name, v) for name, v in rows if v]
    if not rows:
        return ""
    left, row_height = 200, 24
    height = TOP + len(rows) * row_height + 14
    longest = max(v for _, v in rows)
    body = [text(WIDTH, 16, note, "end", 11, "#64748b")]
    for rank, (name, v) in enumerate(rows):
        y, colour = TOP + rank * row_height, colour_of(name, rank)
        width = max(1.5, (WIDTH - left - 110) * v / longest)
        body.append(text(left - 12, y + 13, name, "end", 12, colour,
                         700 if is_ours(name, rank) else 400))
        body.append(tag("rect", x=left, y=y + 2, width=f"{width:.1f}",
                        height=row_height - 8, rx=2, fill=colour,
                        fill_opacity=1 if is_ours(name, rank) else 0.75))
        body.append(text(left + width + 6, y + 13, told(v, unit), "start", 11))
    return frame("".join(body), title, height)
