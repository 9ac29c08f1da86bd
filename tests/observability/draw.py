#!/usr/bin/env python3
"""Pictures of dashboards and of a trace, drawn from what live.py got from Prometheus and the trace store.

    draw.py DATA FOLDER        DATA: the data.json of a run; writes FOLDER/*.svg"""

import html
import json
import math
import pathlib
import re
import sys
import time

COLORS = ["#3b7dd8", "#e0752d", "#2f9e6e", "#b5479a", "#c9a227", "#6a5acd", "#d1495b", "#3aa6b9", "#7a8b2f", "#8d6e63"]
SERVICE_COLORS = {
    "customer": "#3b7dd8", "ticketing": "#e0752d", "quality": "#2f9e6e", "survey": "#b5479a", "notification": "#c9a227",
    "partner": "#667085",
}
INK, FAINT, LINE, PAPER, CARD = "#1f2933", "#667085", "#e4e7ec", "#f5f6f8", "#ffffff"
UNIT, ROW, GAP = 42, 26, 8  # pixels of a grid column, a grid row, and between panels
FONT = "font-family='Inter, Segoe UI, Noto Sans, Noto Sans CJK SC, sans-serif'"


def text(x, y, words, size=11, color=INK, anchor="start", weight="normal"):
    return (f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{color}' text-anchor='{anchor}' "
            f"font-weight='{weight}'>{html.escape(str(words))}</text>")


def rect(x, y, w, h, fill, radius=0, stroke=None):
    edge = f" stroke='{stroke}'" if stroke else ""
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(w, 0.6):.1f}' height='{h:.1f}' rx='{radius}' fill='{fill}'{edge}/>"


def said(value, unit):
    """A number as people read it."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value * 1e6:.2g} µs" if value else "0 s"
    if unit == "bytes":
        for size, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
    ends = {"reqps": "/s", "ops": "/s"}.get(unit, "")
    if abs(value) >= 1000:
        return f"{value / 1000:.3g}k{ends}"
    return f"{value:.3g}{ends}"


def nice(top):
    """The next round number above, for the end of an axis."""
    if top <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(top))
    return next(power * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10) if power * step >= top * 1.02 or step == 10)


def legend(pattern, metric):
    words = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: metric.get(m[1], ""), pattern or "")
    return re.sub(r"127\.0\.0\.1:\d+", "", words).strip() or metric.get("service") or "value"


def chart(x, y, w, h, panel, results, begun, ended):
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    lines = []
    for target, found in zip(panel["targets"], results):
        for one in found:
            lines.append((legend(target["legendFormat"], one["metric"]), one["values"]))
    lines.sort(key=lambda line: -max(v for _, v in line[1]))
    left, right, top, bottom = x + 46, x + w - 8, y + 8, y + h - 34
    high = max((v for _, values in lines for _, v in values), default=1)
    low = min((v for _, values in lines for _, v in values), default=0)
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    limit = next((s["value"] for s in steps if s["value"] is not None), None)
    ceiling = nice(max(high, 1e-9)) if high > 0 else 1.0
    floor = -nice(-low) if low < 0 else 0.0
    at = lambda t, v: (left + (t - begun) / (ended - begun) * (right - left),
                       bottom - (v - floor) / (ceiling - floor) * (bottom - top))
    out = []
    for part in range(5):
        value = floor + (ceiling - floor) * part / 4
        _, py = at(begun, value)
        out.append(f"<line x1='{left}' x2='{right}' y1='{py:.1f}' y2='{py:.1f}' stroke='{LINE}'/>")
        out.append(text(left - 5, py + 3, said(value, unit), 8.5, FAINT, "end"))
    for part in range(4):
        t = begun + (ended - begun) * part / 3
        px, _ = at(t, floor)
        out.append(text(px, bottom + 11, time.strftime("%H:%M", time.gmtime(t)), 8.5, FAINT, ("start", "middle", "middle", "end")[part]))
    if limit is not None and floor < limit < ceiling:
        _, py = at(begun, limit)
        out.append(f"<line x1='{left}' x2='{right}' y1='{py:.1f}' y2='{py:.1f}' stroke='#d1495b' stroke-dasharray='4 3'/>")
    for nth, (_, values) in reversed(list(enumerate(lines[:10]))):
        color = COLORS[nth % len(COLORS)]
        gap = max(6.0, 3.5 * (ended - begun) / 240)
        pieces, last = [], None
        for t, v in values:
            px, py = at(t, v)
            pieces.append(f"{'M' if last is None or t - last > gap else 'L'}{px:.1f} {py:.1f}")
            last = t
        out.append(f"<path d='{''.join(pieces)}' fill='none' stroke='{color}' stroke-width='1.3' stroke-linejoin='round'/>")
    px = left
    for nth, (words, _) in enumerate(lines[:10]):
        width = 15 + 5.0 * len(words)
        if px + width > right:
            if px < right - 12:
                out.append(text(px, y + h - 6, "…", 9, FAINT))
            break
        out.append(rect(px, y + h - 12, 8, 3, COLORS[nth % len(COLORS)]))
        out.append(text(px + 11, y + h - 8, words, 8.5, FAINT))
        px += width
    return out


def number(x, y, w, h, panel, results):
    """The panel's last value, or its worst in the run where that is another one."""
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults.get("unit", "short")
    values = [v for found in results for one in found for _, v in one["values"]]
    if not values:
        return [text(x + w / 2, y + h / 2 + 8, "–", 22, FAINT, "middle")]
    last = results[0][0]["values"][-1][1]
    color = INK
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is None or last >= step["value"]:
            color = {"green": "#2f9e6e", "red": "#d1495b"}.get(step["color"], INK)
    return [text(x + w / 2, y + h / 2 + 10, said(last, unit), 21, color, "middle", "600")]


def board_picture(name, board, panels, begun, ended):
    rows = {p["title"]: p for p in board["panels"] if p["type"] == "row"}
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"]) * ROW + 52
    width = 24 * UNIT + 2 * GAP
    out = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' {FONT}>",
           rect(0, 0, width, height, PAPER), text(GAP + 4, 27, board["title"], 17, INK, weight="600"),
           text(width - GAP - 4, 27, f"{time.strftime('%H:%M', time.gmtime(begun))}–{time.strftime('%H:%M', time.gmtime(ended))} UTC, load and faults", 11, FAINT, "end")]
    place = lambda g: (GAP + g["x"] * UNIT, 42 + g["y"] * ROW, g["w"] * UNIT, g["h"] * ROW)
    for row in rows.values():
        x, y, _, _ = place(row["gridPos"])
        out.append(text(x + 4, y + 18, row["title"], 12.5, FAINT, weight="600"))
    grouped = {}
    for panel, _, found in panels:
        grouped.setdefault(panel["id"], (panel, []))[1].append(found)
    for panel, results in grouped.values():
        x, y, w, h = place(panel["gridPos"])
        x, y, w, h = x + GAP / 2, y + GAP / 2, w - GAP, h - GAP
        out += [rect(x, y, w, h, CARD, 5, LINE), text(x + 9, y + 17, panel["title"], 10.5, INK, weight="600")]
        if panel["type"] == "stat":
            out += number(x, y, w, h, panel, results)
        else:
            out += chart(x, y + 20, w, h - 20, panel, results, begun, ended)
    return "\n".join([*out, "</svg>\n"])


def trace_picture(spans):
    """A waterfall: who caused whom, indented, against time. The waiting between steps is folded, or the
    spans, which take milliseconds, could not be seen beside the minutes between them."""
    children = {}
    for span in spans:
        children.setdefault(span.get("parentId"), []).append(span)
    for some in children.values():
        some.sort(key=lambda s: s["timestamp"])
    order = []

    def walk(span, depth):
        order.append((span, depth))
        for child in children.get(span["id"], []):
            walk(child, depth + 1)

    root = children[None][0]
    walk(root, 0)
    # Time as it is drawn: stretches in which nothing but the root goes on become 12 ms.
    busy = sorted((s["timestamp"], s["timestamp"] + s.get("duration", 0)) for s in spans if s is not root)
    points = [(busy[0][0], 0)]
    marks, position, until = [], 0, busy[0][0]
    for start, end in busy:
        if start > until + 12_000:
            marks.append((position + 6_000, start - until))
            points.append((until, position))
            position += 12_000
            points.append((start, position))
            until = start
        if end > until:
            position += end - until
            until = end
    points.append((until, position))
    total = position or 1

    def drawn(moment):
        for (t0, p0), (t1, p1) in zip(points, points[1:]):
            if moment <= t1:
                return p0 + (p1 - p0) * max(0, moment - t0) / max(1, t1 - t0)
        return points[-1][1]

    names, bars, line, top = 320, 760, 15, 74
    width, height = names + bars + 24, top + line * len(order) + 14
    services = [s for s in SERVICE_COLORS if any(o["localEndpoint"]["serviceName"].removeprefix("kefu-") == s for o, _ in order)]
    out = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' {FONT}>",
           rect(0, 0, width, height, CARD),
           text(12, 24, "One complaint, one trace", 17, INK, weight="600"),
           text(width - 12, 24, f"{root['traceId']} · {len(spans)} spans · {root.get('duration', 0) / 1e6:.1f} s", 11, FAINT, "end")]
    px = 12
    for service in services:
        out += [rect(px, 37, 10, 10, SERVICE_COLORS[service], 2), text(px + 14, 46, service, 11, FAINT)]
        px += 30 + 6.6 * len(service)
    at = lambda p: names + p / total * bars
    labelled = 0
    for position, waited in marks:
        out.append(rect(at(position) - at(0) + names - 2, top - 8, 4, height - top, PAPER))
        if at(position) > labelled + 24:  # else it would run into the one before
            out.append(text(at(position), top - 12, f"{waited / 1e3:.0f} ms", 7.5, FAINT, "middle"))
            labelled = at(position)
    for nth, (span, depth) in enumerate(order):
        y = top + nth * line
        service = span["localEndpoint"]["serviceName"].removeprefix("kefu-")
        color = SERVICE_COLORS.get(service, FAINT)
        name = span["name"]
        kind = span.get("tags", {}).get("kefu.event.type")
        if kind:
            name = f"{name.split()[0]} {kind.removeprefix('kefu.').removesuffix('.v1')}"
        indent = 12 + min(depth, 14) * 9
        room = int((names - indent - 8) / 5.4)
        out.append(text(indent, y + 10, name if len(name) <= room else name[: room - 1] + "…", 9.5))
        begin, end = drawn(span["timestamp"]), drawn(span["timestamp"] + span.get("duration", 0))
        if span is root:
            begin, end = 0, total
        failed = "error" in span.get("tags", {})
        out.append(rect(at(begin), y + 3, at(end) - at(begin), line - 6, "#d1495b" if failed else color, 1.5))
    return "\n".join([*out, "</svg>\n"])


def draw(data, folder):
    told = json.loads(pathlib.Path(data).read_text())
    folder.mkdir(parents=True, exist_ok=True)
    boards = pathlib.Path(__file__).resolve().parents[2] / "deploy/observability/dashboards"
    for name, panels in told["boards"].items():
        board = json.loads((boards / f"{name}.json").read_text())
        (folder / f"{name}.svg").write_text(board_picture(name, board, panels, told["begun"], told["ended"]))
    (folder / "trace.svg").write_text(trace_picture(told["trace"]))
    for path in sorted(folder.glob("*.svg")):
        print(f"{path} {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    draw(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
