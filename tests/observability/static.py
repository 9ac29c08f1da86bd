"""Without a running Prometheus: dashboards parse, every alert has its runbook entry and unit test,
every metric that is asked for is made by the code."""

import re
import sys

import queries

faults = []


def exposed():
    """Names as they are scraped, from where the code makes them."""
    found = set()
    sources = [p for part in ("libs", "services") for p in (queries.ROOT / part).glob("*/src/**/*.rs")]
    for path in sources:
        text = path.read_text().split("mod tests {")[0]
        made = re.findall(r'\b(counter|gauge|histogram)\b[^;"]*?\(\s*"([a-z_]+)"', text)
        if path.match("libs/meter/src/process.rs"):
            made += [("process", name) for name in re.findall(r'"(process_[a-z_]+)"', text)]
        for kind, name in made:
            ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(kind, [""])
            found.update(name + end for end in ends)
    # Made by Prometheus, by the registry itself, and as a counter by the process collector.
    return found | {"up", "kefu_build_info", "process_cpu_seconds_total"}


all_rules = list(queries.rules())
known = exposed() | {name for _, kind, name, _ in all_rules if kind == "record"}
for board, panel, query, _ in queries.panels():
    for name in queries.names(queries.plain(query)) - known:
        faults.append(f"dashboard {board}, panel {panel!r}: nothing exposes {name}")
for file, _, rule, expr in all_rules:
    for name in queries.names(expr) - known:
        faults.append(f"{file}, {rule}: nothing exposes {name}")

runbook = (queries.FOLDER / "RUNBOOK.md").read_text()
entries = set(re.findall(r"(?m)^### (\w+)$", runbook))
tests = "".join(p.read_text() for p in (queries.FOLDER / "rules/tests").glob("*.yaml"))
alerts = {name for _, kind, name, _ in all_rules if kind == "alert"}
for alert in sorted(alerts):
    text = "".join(p.read_text() for p in (queries.FOLDER / "rules").glob("*.yaml"))
    if alert not in entries:
        faults.append(f"{alert} has no entry in RUNBOOK.md")
    if f"RUNBOOK.md#{alert.lower()}\n" not in text:
        faults.append(f"{alert} does not lead to its entry in RUNBOOK.md")
    if f'alertname="{alert}"' not in tests:
        faults.append(f"{alert} has no test in rules/tests")
for entry in sorted(entries - alerts):
    faults.append(f"RUNBOOK.md: there is no alert {entry}")
for alert in re.findall(r"(?m)^### \w+\n\n((?:.+\n)+)", runbook):
    if not all(f"**{word}**" in alert or f"**{word.lower()}**" in alert for word in ("Means", "Look", "Mend")):
        faults.append(f"RUNBOOK.md: an entry says not all of Means, Look, Mend: {alert[:60]}…")

count = len(list(queries.panels()))
if count == 0 or not alerts:
    faults.append("no dashboards or no alerts were found")
for fault in faults:
    print(fault, file=sys.stderr)
print(f"{count} queries of panels, {len(all_rules)} rules, {len(alerts)} alerts with runbook entries: {len(faults)} faults")
sys.exit(bool(faults))
