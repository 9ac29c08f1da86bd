#!/usr/bin/env python3
"""Dashboards, alerts and traces against running services: split mode under load, a Prometheus that scrapes
it, a trace store behind a collector, and faults. Called by `make test-observability`.

    live.py [--dir DIR] [--only TEXT] [--pictures FOLDER] [--keep]

--only runs the faults whose description contains TEXT. --pictures draws every dashboard and the trace
from the run's data. --keep leaves everything running. Rules are loaded with their durations shortened
(see queries.shortened); nothing else about them is changed."""

import argparse
import json
import pathlib
import sys
import time
import urllib.parse

import draw
import queries
import trace
from faults import FAULTS, NOT_INJECTED
from stack import Load, Stack, eventually, http

failures = []


def prometheus(stack, path, **parameters):
    status, answer = http("GET", f"{stack.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=60)
    assert status == 200 and answer["status"] == "success", f"{path} {parameters}: {answer}"
    return answer["data"]


def series(stack, query, begun, ended, points=240):
    """Series of a query over the run that have a number in them."""
    step = max(2, round((ended - begun) / points))
    found = prometheus(stack, "query_range", query=query, start=begun, end=ended, step=step)["result"]
    kept = []
    for one in found:
        values = [(float(t), float(v)) for t, v in one["values"] if v not in ("NaN", "+Inf", "-Inf")]
        if values:
            kept.append({"metric": one["metric"], "values": values})
    return kept


def firing(stack):
    found = prometheus(stack, "query", query='ALERTS{alertstate="firing"}')["result"]
    return {one["metric"]["alertname"] for one in found}


# How long an earlier fault's alerts may go on before a fault that has to bring them about, in seconds.
QUIET = 240


def inject(stack, load, only):
    """Alerts seen firing, by fault; the rest of the time is load alone."""
    shown = {}
    for what, fault, alerts, patience in FAULTS:
        if only and only not in what:
            continue
        begun, waiting = time.monotonic(), set(alerts)
        # What fires already would show nothing.
        while (before := waiting & firing(stack)) and time.monotonic() < begun + QUIET:
            time.sleep(1)
        failures.extend(f"{alert} fired before {what}" for alert in sorted(before))
        waited, begun = time.monotonic() - begun, time.monotonic()
        try:
            with fault(stack, load):
                until = begun + patience
                while waiting and time.monotonic() < until:
                    time.sleep(1)
                    waiting -= firing(stack)
        except Exception as error:
            failures.append(f"fault {what!r}: {type(error).__name__}: {error}")
        for alert in alerts:
            if alert not in waiting:
                shown[alert] = what
        for alert in sorted(waiting):
            failures.append(f"{alert} did not fire within {patience} s while {what}")
        print(f"{time.monotonic() - begun:6.0f} s  {what}: {', '.join(alerts)}"
              + (f"; begun {waited:.0f} s later, when they had ended" if waited > 5 else "")
              + (f"; NOT fired: {', '.join(sorted(waiting))}" if waiting else ""), flush=True)
    return shown


def every_panel(stack, begun, ended):
    boards, empty = {}, 0
    rows = {}
    for board, panel, query, shape in queries.panels():
        found = series(stack, queries.plain(query, "30s"), begun, ended)
        boards.setdefault(board, []).append((shape, query, found))
        total, with_data = rows.get(board, (0, 0))
        rows[board] = (total + 1, with_data + bool(found))
        if not found:
            empty += 1
            failures.append(f"dashboard {board}, panel {panel!r} has no data: {query}")
    print("\n| dashboard | queries | with data |\n|---|---|---|")
    for board, (total, with_data) in rows.items():
        print(f"| {board} | {total} | {with_data} |")
    return boards


def every_alert(stack, begun, ended, shown, only):
    fired = {one["metric"]["alertname"] for one in series(stack, 'ALERTS{alertstate="firing"}', begun, ended)}
    print("\n| alert | both sides return data | shown to fire |\n|---|---|---|")
    for _, kind, name, expr in queries.rules():
        if kind != "alert":
            continue
        parts = queries.operands(queries.shortened(expr))
        data = all(series(stack, part, begun, ended) for part in parts)
        how = shown.get(name) or (f"not injected: {NOT_INJECTED[name]}" if name in NOT_INJECTED else "")
        print(f"| {name} | {'yes' if data else 'NO'} | {how or ('fired meanwhile' if name in fired else 'NO')} |")
        if not data:
            failures.append(f"{name}: a side of its comparison returns no data: {parts}")
        # What fired for a moment may stand between two points of the range.
        if not only and not how and name not in fired:
            failures.append(f"{name} was not shown to fire, and says nowhere why")


def exemplar(stack, begun, ended):
    """A dot of a panel leads to a trace that the store has."""
    for metric in ("http_server_request_duration_seconds_bucket", "messaging_process_duration_seconds_bucket"):
        found = prometheus(stack, "query_exemplars", query=metric, start=begun, end=ended)
        ids = [e["labels"]["trace_id"] for one in found for e in one["exemplars"]]
        known = [i for i in ids[-20:] if http("GET", f"{stack.traces['KEFU_ZIPKIN']}/api/v2/trace/{i}")[0] == 200]
        print(f"{metric}: {len(ids)} exemplars; of the last {len(ids[-20:])} the store has {len(known)} traces")
        if not known:
            failures.append(f"no exemplar of {metric} leads to a trace")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dir", default=queries.ROOT / ".local/observability")
    arguments.add_argument("--only", default="")
    arguments.add_argument("--pictures")
    arguments.add_argument("--keep", action="store_true")
    given = arguments.parse_args()
    stack = Stack(given.dir)
    load = Load(stack)
    try:
        stack.clean()
        stack.start()
        load.prepare()
        load.start()
        begun = time.time()
        time.sleep(30)
        eventually("Prometheus scrapes all five", 60, lambda: prometheus(
            stack, "query", query='sum(up{job="kefu"}) == 5')["result"])
        whole = trace.check(stack, trace.complaint(stack))
        count = {}
        for span in whole:
            service = span["localEndpoint"]["serviceName"]
            count[service] = count.get(service, 0) + 1
        print(f"trace {whole[0]['traceId']}: {len(whole)} spans, one root, no orphan: "
              + ", ".join(f"{s} {n}" for s, n in sorted(count.items())), flush=True)
        exemplar(stack, begun, time.time())
        shown = inject(stack, load, given.only)
        time.sleep(20)
        ended = time.time()
        load.stop()
        print(f"{load.sent} requests in {ended - begun:.0f} s of load and faults")
        boards = every_panel(stack, begun, ended)
        every_alert(stack, begun, ended, shown, given.only)
        data = pathlib.Path(given.dir) / "data.json"
        data.write_text(json.dumps({"begun": begun, "ended": ended, "boards": boards, "trace": whole}))
        if given.pictures:
            draw.draw(data, pathlib.Path(given.pictures))
    finally:
        load.stopping.set()
        if not given.keep:
            stack.stop()
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"\n{len(failures)} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
