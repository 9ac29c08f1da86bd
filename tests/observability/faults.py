"""Faults, each with the alerts that it must bring about. A fault is injected, waited for in Prometheus,
and healed, whatever happens."""

import contextlib
import http.server
import os
import pathlib
import subprocess
import threading
import time


@contextlib.contextmanager
def kafka_away(stack, load):
    stack.parts("kafka.sh", "stop")
    try:
        yield
    finally:
        stack.parts("kafka.sh", "start")


@contextlib.contextmanager
def service_stopped(stack, load):
    stack.service("quality", "stop")
    try:
        yield
    finally:
        stack.service("quality", "start")


@contextlib.contextmanager
def service_dies(stack, load):
    """Three deaths within the window."""
    for _ in range(3):
        stack.service("survey", "kill")
        stack.service("survey", "start")
        time.sleep(3)
    yield


@contextlib.contextmanager
def few_files(stack, load):
    pid = stack.pid("survey")
    before = pathlib.Path(f"/proc/{pid}/limits").read_text().split("Max open files")[1].split()[0]
    used = len(os.listdir(f"/proc/{pid}/fd"))
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={used + 5}:"], check=True)
    try:
        yield
    finally:
        subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={before}:"], check=True)


@contextlib.contextmanager
def clock_off(stack, load):
    stack.service("quality", "stop")
    stack.service("quality", "start", KEFU_FAKETIME="+1h")
    try:
        yield
    finally:
        stack.service("quality", "stop")
        stack.service("quality", "start")


@contextlib.contextmanager
def database_blocked(stack, load):
    """Somebody locks the table of tickets for good."""
    many = type(load)(stack, workers=24, pause=0.05)
    lock = stack.sql_later("ticketing", "begin; lock table ticket in access exclusive mode; select pg_sleep(600)")
    many.start()
    try:
        yield
    finally:
        stack.sql("ticketing", "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()")
        lock.wait(30)
        many.stop()


@contextlib.contextmanager
def database_slow(stack, load):
    """Every write takes a second, as on an overrun disk. (Statements that hang, as behind a lock, are not
    measured before they end; connections and readiness tell of those.)"""
    many = type(load)(stack, workers=24, pause=0.05)
    tables = ("ticket", "article", "outbox")
    stack.sql("ticketing", "create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return null; end $$")
    # One table at a time: the locks of several would be taken in another order than the writers take theirs.
    for table in tables:
        stack.sql("ticketing", f"create trigger dawdle after insert or update on {table} for each statement execute function dawdle()")
    many.start()
    try:
        yield
    finally:
        many.stop()
        for table in tables:
            stack.sql("ticketing", f"drop trigger dawdle on {table}")
        stack.sql("ticketing", "drop function dawdle()")


@contextlib.contextmanager
def table_gone(stack, load):
    """A migration went wrong: requests fail with 500, and so does the job."""
    stack.sql("ticketing", "alter table timer rename to timer_away")
    try:
        yield
    finally:
        stack.sql("ticketing", "alter table timer_away rename to timer")


@contextlib.contextmanager
def connections_cut(stack, load):
    """The relay's connections are cut again and again."""
    stop = threading.Event()

    def cut():
        while not stop.wait(0.3):
            stack.sql("customer", "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = 'kefu_customer' and pid <> pg_backend_pid()")

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def shards_elsewhere(stack, load):
    """A process that nobody knows holds the relay's leases."""
    hold = "update lease set holder = 'nobody', fence = fence + 1, until_ms = until_ms + 600000 where name ~ '^relay-[0-9]'"
    stack.sql("quality", hold)
    try:
        yield
    finally:
        stack.sql("quality", "update lease set until_ms = 0 where holder = 'nobody'")


@contextlib.contextmanager
def timers_held(stack, load):
    """The job's lease is held by somebody who does nothing; then the backlog is fired, late."""
    stack.sql("ticketing", "update lease set holder = 'nobody', fence = fence + 1, until_ms = until_ms + 600000 where name = 'job-timers'")
    try:
        yield
    finally:
        stack.sql("ticketing", "update lease set until_ms = 0 where holder = 'nobody'")


@contextlib.contextmanager
def nothing(stack, load):
    yield


@contextlib.contextmanager
def poison(stack, load):
    """Bytes that are no event, in ticketing's topic."""
    stack.produce("kefu.ticketing.events", "this is no event")
    yield


@contextlib.contextmanager
def reaction_fails(stack, load):
    """The customer service cannot write its timeline."""
    stack.sql("customer", """create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
      create trigger refuse before insert on timeline for each row execute function refuse()""")
    try:
        yield
    finally:
        stack.sql("customer", "drop function refuse() cascade")


@contextlib.contextmanager
def inbox_locked(stack, load):
    """Nobody gets at notification's inbox: messages pile up."""
    lock = stack.sql_later("notification", "begin; lock table inbox in access exclusive mode; select pg_sleep(601)")
    try:
        yield
    finally:
        stack.sql("notification", "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(601)%' and pid <> pg_backend_pid()")
        lock.wait(30)


@contextlib.contextmanager
def mail_away(stack, load):
    stack.parts("smtp.sh", "stop")
    try:
        yield
    finally:
        stack.parts("smtp.sh", "start")


@contextlib.contextmanager
def nobody_delivers(stack, load):
    """Mail is away, and then nobody takes up what was to be tried again."""
    stack.parts("smtp.sh", "stop")
    time.sleep(5)
    load.stop()
    stack.sql("notification", "update lease set holder = 'nobody', fence = fence + 1, until_ms = until_ms + 600000 where name = 'job-deliver'")
    try:
        yield
    finally:
        stack.sql("notification", "update lease set until_ms = 0 where holder = 'nobody'")
        stack.parts("smtp.sh", "start")
        load.start()


class Gone(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(410)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def receiver_gone(stack, load):
    """A webhook's receiver says 410: given up at once."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gone)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = {"name": "gone", "url": f"http://127.0.0.1:{server.server_port}/hook", "event_types": ["kefu.ticket.opened.v1"], "org": "/acme/north"}
    stack.must("admin", "POST", "/api/v1/webhook-endpoints", hook)
    try:
        yield
    finally:
        server.shutdown()


@contextlib.contextmanager
def nobody_above(stack, load):
    """Everybody whom an escalation could climb to has left the directory; the load's deadlines go on passing."""
    roles = {"sun.lei": "supervisor", "zhou.tao": "director"}

    def put(active):
        for user, role in roles.items():
            staff = {"name": user, "email": f"{user}@example.org", "org": "/acme/north", "roles": [role],
                     "locale": "zh-CN", "active": active}
            stack.must("admin", "PUT", f"/api/v1/staff/{user}", staff)

    put(False)
    try:
        yield
    finally:
        put(True)


# Fault, alerts that must fire while it is on (or just after), seconds to wait for them.
FAULTS = [
    ("a service is stopped", service_stopped, ["KefuTargetDown"], 60),
    ("a service dies three times", service_dies, ["KefuRestarting"], 60),
    ("hardly any file may be opened", few_files, ["KefuFileDescriptorsRunOut"], 60),
    ("a machine's clock is an hour off", clock_off, ["KefuClockOff"], 90),
    ("bytes that are no event", poison, ["KefuDeadLetters"], 90),
    ("a reaction fails", reaction_fails, ["KefuEventsParked"], 120),
    ("the mail server is away", mail_away, ["KefuDeliveriesFailing"], 120),
    ("nobody sends what is due", nobody_delivers, ["KefuDeliveriesOverdue"], 180),
    ("a webhook's receiver is gone", receiver_gone, ["KefuDeliveriesGivenUp"], 90),
    ("nobody is left to escalate to", nobody_above, ["KefuNoticesReachNobody"], 90),
    ("the relay's leases are held elsewhere", shards_elsewhere, ["KefuRelayWithoutHolder"], 90),
    ("database connections are cut", connections_cut, ["KefuRelayFailing"], 120),
    ("the timers' lease is held elsewhere", timers_held, ["KefuTimersOverdue", "KefuJobStalled"], 150),
    ("and the backlog is fired", nothing, ["KefuTimersLate"], 90),
    ("Kafka is away", kafka_away, ["KefuOutboxStuck", "KefuKafkaUnreachable"], 180),
    ("a consumer's table is locked", inbox_locked, ["KefuConsumerLags"], 240),
    ("the database is slow", database_slow, ["KefuDatabaseSlow"], 180),
    ("a table is gone", table_gone,
     ["KefuJobFailing", "KefuErrorBudgetBurnsFast", "KefuErrorBudgetBurns", "KefuErrorBudgetLeaks"], 240),
    ("a table is locked", database_blocked,
     ["KefuConnectionsExhausted", "KefuConnectionTimeouts", "KefuNotReady", "KefuSlowBudgetBurnsFast",
      "KefuSlowBudgetBurns", "KefuSlowBudgetLeaks"], 300),
]
# Alerts whose fault is not injected here: both sides of their comparison must return data, and
# rules/tests shows them firing.
NOT_INJECTED = {"KefuConsumerRebalances": "wants six rebalances of one group within the window"}
