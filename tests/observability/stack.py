"""Split mode, Prometheus and the trace store, started and stopped by the scripts of deploy/local; a REST
caller; and load that uses every service."""

import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import queries

LOCAL = queries.ROOT / "deploy/local"
SERVICES = ["customer", "ticketing", "quality", "survey", "notification"]
# /api/v1/PART → service
PARTS = {
    "customers": "customer", "tickets": "ticketing", "sla-policies": "ticketing", "inspections": "quality",
    "evaluations": "quality", "answers": "survey", "staff": "notification", "notices": "notification",
    "webhook-endpoints": "notification", "inbox": "notification",
}


def script(name, *arguments, **environment):
    """Runs a script of deploy/local; answers the variables that it exports."""
    env = {**os.environ, **{k: str(v) for k, v in environment.items()}}
    done = subprocess.run([LOCAL / name, *map(str, arguments)], env=env, stdout=subprocess.PIPE, text=True, check=True)
    return dict(re.findall(r"(?m)^export (\w+)=(.*)$", done.stdout))


def http(method, url, body=None, headers=None, timeout=20.0):
    """(status, parsed JSON or text); 0 where nothing answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def eventually(what, seconds, check):
    until = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.5)


class Stack:
    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.env = {}
        self.traces = {}
        self.prometheus = ""
        self.tokens = {}

    def clean(self):
        """A run begins with nothing of an earlier one."""
        for name, folder in (("prometheus.sh", "prometheus"), ("split.sh", "split"), ("tracing.sh", "tracing")):
            script(name, "clean", "--dir", self.dir / folder)

    def start(self):
        self.traces = script("tracing.sh", "start", "--dir", self.dir / "tracing")
        self.env = {
            "KEFU_OTLP_ENDPOINT": self.traces["KEFU_OTLP_ENDPOINT"],
            "KEFU_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8",
            "KEFU_WEBHOOK_ALLOW_HTTP": "true",
            "KEFU__HTTP__RATE_PER_SECOND": "100000",
            "KEFU__HTTP__RATE_BURST": "100000",
            "KEFU_SPLIT_DIR": self.dir / "split",
        }
        self.exports = script("split.sh", "start", "--dir", self.dir / "split", **self.env)
        rules = self.dir / "rules"
        rules.mkdir(parents=True, exist_ok=True)
        for path in (queries.FOLDER / "rules").glob("*.yaml"):
            (rules / path.name).write_text(queries.shortened(path.read_text()))
        config = (queries.FOLDER / "prometheus.yaml").read_text()
        (self.dir / "prometheus.yaml").write_text(config.replace(": 15s", ": 2s"))
        own = self.dir / "prometheus"
        for folder in ("targets", "collector-targets"):
            (own / folder).mkdir(parents=True, exist_ok=True)
        one = lambda address, service: {"targets": [address], "labels": {"service": service}}
        targets = [one(self.url(s).removeprefix("http://"), s) for s in SERVICES]
        (own / "targets/split.json").write_text(json.dumps(targets))
        (own / "targets/split.yaml").write_text(json.dumps(targets))  # JSON is YAML too
        (own / "targets/split.json").unlink()
        collector = [one(self.traces[k], "collector") for k in ("KEFU_SPAN_METRICS", "KEFU_COLLECTOR_METRICS")]
        (own / "collector-targets/collector.yaml").write_text(json.dumps(collector))
        started = script("prometheus.sh", "start", "--dir", own,
                         KEFU_PROMETHEUS_CONFIG=self.dir / "prometheus.yaml", KEFU_PROMETHEUS_RULES=rules)
        self.prometheus = started["KEFU_PROMETHEUS"]

    def stop(self):
        for name, folder in (("prometheus.sh", "prometheus"), ("split.sh", "split"), ("tracing.sh", "tracing")):
            try:
                script(name, "stop", "--dir", self.dir / folder)
            except subprocess.CalledProcessError as error:
                print(f"{name} stop: {error}")

    def url(self, service):
        return self.exports[f"KEFU_{service.upper()}_URL"]

    def service(self, name, action, **environment):
        script("split.sh", "service", name, action, **self.env, **environment)

    def parts(self, name, action):
        """Kafka, PostgreSQL or the mail sink of split mode."""
        script(name, action, "--dir", self.dir / "split" / name.removesuffix(".sh"))

    def produce(self, topic, text):
        """One message straight into a topic, with Kafka's own producer."""
        jars = next(pathlib.Path(os.environ.get("KEFU_CACHE", pathlib.Path.home() / ".cache/kefu")).glob("kafka-*"))
        command = ["java", "-cp", f"{jars}/*", "org.apache.kafka.tools.ConsoleProducer",
                   "--bootstrap-server", self.exports["KEFU_TEST_KAFKA"].strip("'"), "--topic", topic]
        subprocess.run(command, input=f"{text}\n", text=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pid(self, service):
        return int((self.dir / f"split/{service}/pid").read_text())

    def sql(self, service, statement):
        server = self.exports["KEFU_TEST_POSTGRES"].strip("'").rsplit("/", 1)[0]
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", f"{server}/kefu_{service}", "-c", statement]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def sql_later(self, service, statement):
        """Runs beside; the process is given back."""
        server = self.exports["KEFU_TEST_POSTGRES"].strip("'").rsplit("/", 1)[0]
        return subprocess.Popen(["psql", "-qAtX", f"{server}/kefu_{service}", "-c", statement], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def token(self, user):
        known = self.tokens.get(user)
        if known and time.monotonic() < known[1]:
            return known[0]
        accounts = json.loads(pathlib.Path(self.exports["KEFU_ACCOUNTS"]).read_text())
        password = next(u["password"] for u in accounts["users"] if u["name"] == user)
        form = urllib.parse.urlencode({"grant_type": "password", "username": user, "password": password}).encode()
        with urllib.request.urlopen(f"{self.exports['KEFU_ISSUER_URL']}/oauth2/token", form, timeout=60) as answer:
            token = json.loads(answer.read())["access_token"]
        self.tokens[user] = (token, time.monotonic() + 600)
        return token

    def call(self, user, method, path, body=None, traceparent=None, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if user:
            headers["Authorization"] = f"Bearer {self.token(user)}"
        if traceparent:
            headers["traceparent"] = traceparent
        return http(method, self.url(PARTS[path.split("/")[3].split("?")[0]]) + path, body, headers)

    def must(self, *arguments, **options):
        status, body = self.call(*arguments, **options)
        assert 200 <= status < 300, f"{arguments[1:3]}: {status} {body}"
        return body

    def mails(self):
        folder = pathlib.Path(self.exports["KEFU_TEST_MAILDIR"].strip("'")) / "new"
        return [path.read_text(errors="replace") for path in folder.glob("*")]


class Load:
    """Customers, tickets, replies, lists; some tickets with deadlines that pass within seconds."""

    def __init__(self, stack, workers=4, pause=0.15):
        self.stack, self.workers, self.pause = stack, workers, pause
        self.stopping = threading.Event()
        self.threads = []
        self.sent = 0

    def prepare(self):
        s = self.stack
        for user, role in (("li.na", "agent"), ("sun.lei", "supervisor"), ("zhou.tao", "director")):
            staff = {"name": user, "email": f"{user}@example.org", "org": "/acme/north", "roles": [role], "locale": "zh-CN"}
            s.must("admin", "PUT", f"/api/v1/staff/{user}", staff)
        policy = {
            "name": {"zh": "限时", "en": "Quick"}, "order": 1, "exclusive": True, "when": {"kinds": ["repair"]}, "calendar": "always",
            "first_response_minutes": 0.1, "resolution_minutes": 0.2, "warn_percents": [50],
            "escalations": [{"after_minutes": 0.05, "target": "supervisor"}],
        }
        status, body = s.call("admin", "PUT", "/api/v1/sla-policies/quick", policy, if_match='"0"')
        assert status < 300, body

    def start(self):
        self.stopping.clear()
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(self.workers)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def work(self, number):
        customer, known, made = None, False, 0
        while not self.stopping.wait(self.pause):
            made += 1
            try:
                if customer is None or made % 40 == 0:
                    body = {"kind": "person", "name": f"客户{number}-{made}", "org": "/acme/north", "locale": "zh-CN",
                            "email": f"c{number}-{made}@example.org"}
                    status, answer = self.call("POST", "/api/v1/customers", body)
                    if status == 201:
                        customer, known = answer["id"], False
                    continue
                kind = ["repair", "complaint", "consultation"][made % 3]
                ticket = {"kind": kind, "subject": "包裹丢失", "body": "没有送到。", "customer_id": customer, "org": "/acme/north"}
                status, answer = self.call("POST", "/api/v1/tickets", ticket)
                if status != 201:
                    continue
                path = f"/api/v1/tickets/{answer['id']}"
                self.call("GET", path)
                if kind == "complaint":
                    self.call("POST", f"{path}/claim", {})
                    self.call("POST", f"{path}/articles", {"direction": "outbound", "body": "正在查找。"})
                    self.call("POST", f"{path}/resolve", {"resolution": "已重新派送"})
                for other in ("customers?limit=5", "inspections?limit=5", "notices?limit=5", "tickets?limit=20"):
                    self.call("GET", f"/api/v1/{other}")
                self.call("GET", "/api/v1/answers/none", user=None)
            except Exception as error:  # a fault is on: the load goes on
                if self.stopping.is_set():
                    return
                print(f"  load: {type(error).__name__}: {error}", flush=True)
                time.sleep(1)

    def call(self, method, path, body=None, user="admin"):
        self.sent += 1
        return self.stack.call(user, method, path, body)
