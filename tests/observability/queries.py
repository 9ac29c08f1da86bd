"""What deploy/observability asks of Prometheus: every panel's query, every rule, every metric name."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/observability"

FUNCTIONS = set(
    "abs avg count histogram_quantile increase max min min_over_time changes rate sum time topk vector".split()
)
WORDS = set("and or unless by without on ignoring group_left group_right bool offset".split())


def panels():
    """(dashboard, panel, query, panel's JSON) of every query of every dashboard."""
    for path in sorted((FOLDER / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield path.stem, panel["title"], target["expr"], panel


def rules():
    """(file, 'alert' or 'record', name, expression) of every rule. Our files are written in one way
    only, which promtool reads too; anything that does not fit is an error here."""
    for path in sorted((FOLDER / "rules").glob("*.yaml")):
        lines = path.read_text().splitlines()
        at = 0
        while at < len(lines):
            head = re.match(r"      - (alert|record): (\S+)$", lines[at])
            if head:
                expr = re.match(r"        expr: (.*)$", lines[at + 1])
                assert expr, f"{path.name}: {head[2]} is not followed by its expression"
                text = expr[1]
                if text == "|":
                    block = []
                    at += 2
                    while at < len(lines) and lines[at].startswith("          "):
                        block.append(lines[at].strip())
                        at += 1
                    text = " ".join(block)
                    at -= 1
                yield path.name, head[1], head[2], text
            at += 1


def plain(query, rate_interval="1m"):
    """A panel's query as Prometheus takes it: Grafana's variables replaced."""
    query = query.replace("$__rate_interval", rate_interval).replace("$service", ".*")
    assert "$" not in query, query
    return query


def names(query):
    """Metric names in a query."""
    query = re.sub(r'"[^"]*"', "", query)
    query = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", query)
    query = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", query)
    found = re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*", query)
    return {name for name in found if name not in FUNCTIONS and name not in WORDS}


def operands(expr):
    """The parts of an alert's expression that must return data also while all is well: what stands
    left of each comparison, with `and` between comparisons."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(expr):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and expr[at:].startswith(" and "):
            parts.append(expr[start:at])
            start = at + 5
    parts.append(expr[start:])
    lefts = []
    for part in parts:
        depth = 0
        for at, char in enumerate(part):
            depth += (char in "([{") - (char in ")]}")
            if depth == 0 and re.match(r" (>|<|==|>=|<=) ", part[at:]):
                lefts.append(part[:at].strip())
                break
        else:
            raise AssertionError(f"no comparison in {part}")
    return lefts


def shortened(text):
    """A rules file with every duration shortened, so that minutes show what takes days: windows,
    `for`, and thresholds that are waits in seconds. Everything else stays as it is."""
    windows = {"3d": "4m", "6h": "3m", "1h": "2m", "30m": "90s", "15m": "1m", "10m": "40s", "5m": "30s"}
    text = re.sub(r"\[(\w+?)(:\w+)?\]", lambda m: f"[{windows[m[1]]}{':5s' if m[2] else ''}]", text)
    text = re.sub(r"(?m)^(        for: )(?!0m)\w+$", r"\g<1>4s", text)
    text = re.sub(r"(_seconds\) > )(60|120)\b", r"\g<1>10", text)
    text = text.replace("kefu_job_interval_seconds) + 60", "kefu_job_interval_seconds) + 10")
    return re.sub(r"(?m)^    interval: 30s$", "    interval: 2s", text)
