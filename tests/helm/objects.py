"""What schemas do not see: that objects fit together, and that every pod is a restricted one."""

import json
import pathlib
import re
import tomllib

import yaml

SERVICES = ["customer", "ticketing", "quality", "survey", "notification"]
SECRET_NAME = re.compile(r"PASSWORD|SECRET|DATABASE__URL|PII__KEYS|INDEX_KEY")
URL_WITH_PASSWORD = re.compile(r"://[^/\s:]+:[^/\s@]+@")


def name(o):
    return f"{o['kind']}/{o['metadata']['name']}"


def of(found, *kinds):
    return [o for o in found if o["kind"] in kinds]


def pods(found):
    """(object, labels, pod spec) of everything that makes pods."""
    for o in of(found, "Deployment", "Job"):
        template = o["spec"]["template"]
        yield o, template["metadata"]["labels"], template["spec"]
    for o in of(found, "Pod"):
        yield o, o["metadata"]["labels"], o["spec"]


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


def covers(selector, labels):
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def is_hook(o):
    return "helm.sh/hook" in o["metadata"].get("annotations", {})


def events(o):
    return set(o["metadata"].get("annotations", {}).get("helm.sh/hook", "").split(",")) - {""}


def weight(o):
    return int(o["metadata"]["annotations"].get("helm.sh/hook-weight", "0"))


def faults(found):
    """(name, fault) of each check on one rendered example; fault is empty where it holds."""
    names = [(o["kind"], o["metadata"]["name"]) for o in found]
    yield "names", {n for n in names if names.count(n) > 1} and f"twice: {names}"
    yield "every service", set(SERVICES) ^ {o["metadata"]["labels"]["app.kubernetes.io/component"] for o in of(found, "Deployment")}
    for o in found:
        yield f"{name(o)}: labels", "app.kubernetes.io/instance" not in o["metadata"].get("labels", {}) and "none"
        yield f"{name(o)}: namespace", o["metadata"].get("namespace") and "is fixed"
    for o, labels, spec in pods(found):
        yield f"{name(o)}: pod", "; ".join(pod_faults(spec))
        yield f"{name(o)}: account", account_fault(found, o, spec)
        yield f"{name(o)}: under a NetworkPolicy", not policies_of(found, labels) and "no policy selects it"
    for o in of(found, "Deployment"):
        yield name(o), "; ".join(deployment_faults(o))
        yield f"{name(o)}: settings", "; ".join(setting_faults(o))
    for o in of(found, "Job"):
        yield name(o), "; ".join(job_faults(found, o))
    for o in of(found, "Service"):
        yield name(o), "; ".join(service_faults(found, o))
    for o in of(found, "PodDisruptionBudget"):
        yield name(o), exactly_one_deployment(found, o["spec"]["selector"]["matchLabels"])
    for o in of(found, "HorizontalPodAutoscaler", "ScaledObject"):
        yield name(o), "; ".join(scaler_faults(found, o))
    for o in of(found, "NetworkPolicy"):
        yield name(o), "; ".join(policy_faults(found, o))
    for o in of(found, "ServiceMonitor"):
        labels = o["spec"]["selector"]["matchLabels"]
        served = [s for s in of(found, "Service") if covers(labels, s["metadata"]["labels"])]
        # Figures have a port of the pods that no Service gives on.
        found_pods = [spec for _, pod_labels, spec in pods(found) if covers(labels, pod_labels)]
        ports = [p["name"] for spec in found_pods for p in spec["containers"][0].get("ports", [])]
        wanted = o["spec"]["endpoints"][0]["targetPort"]
        yield name(o), (len(served) != 1 or wanted not in ports) and "finds no port"
    for o in of(found, "Ingress", "HTTPRoute"):
        yield name(o), "; ".join(f"{s}:{p} is no Service" for s, p in backends(o) if not has_port(found, s, p))
    yield "no secret in plain text", "; ".join(secret_faults(found))


def pod_faults(spec):
    """Pod Security "restricted", and the house's own rules."""
    context = spec.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") != 65532:
        yield "runs as root or as another user than 65532"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "no seccomp profile"
    if spec.get("automountServiceAccountToken") is not False:
        yield "has the API's token"
    if spec.get("enableServiceLinks") is not False:
        yield "has environment variables of every Service"
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key
    volumes = {v["name"] for v in spec.get("volumes", [])}
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= {"configMap", "secret", "emptyDir", "projected", "downwardAPI", "csi", "ephemeral", "persistentVolumeClaim"}:
            yield f"volume {volume['name']} is not allowed"
    for c in containers(spec):
        own = c.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged") or own.get("runAsUser") == 0:
            yield f"{c['name']}: may get more rights"
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{c['name']}: keeps capabilities"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{c['name']}: writes to its root"
        resources = c.get("resources", {})
        if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
            yield f"{c['name']}: resources are not set"
        if c["image"].endswith(":latest") or not re.search(r"/[^/]+(:[^/:]+|@sha256:[0-9a-f]{64})$", c["image"]):
            yield f"{c['name']}: image {c['image']} is not pinned"
        names = [e["name"] for e in c.get("env", [])]
        if len(names) != len(set(names)):
            yield f"{c['name']}: a variable twice"
        yield from (f"{c['name']}: mounts {m['name']}, which is no volume" for m in c.get("volumeMounts", []) if m["name"] not in volumes)


def account_fault(found, o, spec):
    account = spec.get("serviceAccountName")
    if account is None:
        return o["kind"] != "Pod" and "none of its own"
    matching = [a for a in of(found, "ServiceAccount") if a["metadata"]["name"] == account]
    if not matching:
        return f"{account} is not in the chart"
    if events(o) and (events(matching[0]) != events(o) or weight(matching[0]) >= weight(o)):
        return f"{account} is not there before the hook runs"
    return matching[0].get("automountServiceAccountToken") is not False and f"{account} mounts tokens"


def deployment_faults(o):
    spec = o["spec"]
    pod = spec["template"]["spec"]
    if not covers(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]):
        yield "its selector does not find its pods"
    if "app.kubernetes.io/version" in spec["selector"]["matchLabels"]:
        yield "its selector changes with the version"
    if spec["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
        yield "a rolling update takes a pod away before the next is ready"
    main = pod["containers"][0]
    env = {e["name"]: e.get("value") for e in main["env"]}
    wait = main.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if pod["terminationGracePeriodSeconds"] <= wait + int(env["KEFU__SHUTDOWN__GRACE_SECS"]) + int(env.get("KEFU__SHUTDOWN__DELAY_SECS", 0)):
        yield "is killed before it has drained"
    if main["args"] != ["serve"] or env["KEFU__DATABASE__AUTO_MIGRATE"] != "false":
        yield "migrates by itself"
    ports = {p["name"]: p["containerPort"] for p in main["ports"]}
    if ports.get("http") != int(env["KEFU__HTTP__LISTEN"].rsplit(":", 1)[1]):
        yield "listens on another port than it says"
    if ports.get("metrics") != int(env["KEFU__METRICS__LISTEN"].rsplit(":", 1)[1]):
        yield "has its figures on another port than it says"
    probes = {"startupProbe": "/health/live", "livenessProbe": "/health/live", "readinessProbe": "/health/ready"}
    for probe, path in probes.items():
        get = main.get(probe, {}).get("httpGet", {})
        if get.get("path") != path or get.get("port") not in ports:
            yield f"{probe} asks {get}"
    for constraint in pod.get("topologySpreadConstraints", []):
        if not covers(constraint["labelSelector"]["matchLabels"], spec["template"]["metadata"]["labels"]):
            yield "topology spread does not count its pods"


def setting_faults(o):
    """Every KEFU__SECTION__KEY is a setting of that service's binary."""
    service = o["metadata"]["labels"]["app.kubernetes.io/component"]
    known = tomllib.loads(pathlib.Path("libs/host/src/defaults.toml").read_text(encoding="utf-8"))
    own = next(pathlib.Path(f"services/{service}").rglob("defaults.toml"), None)
    known[service] = tomllib.loads(own.read_text(encoding="utf-8")) if own else {}
    for e in o["spec"]["template"]["spec"]["containers"][0]["env"]:
        path = e["name"].lower().split("__")[1:]
        if path[:2] in (["pii", "keys"], ["events", "kafka"], ["events", "tuning"]):
            continue  # free names
        inner = known
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if inner is None and e["name"].startswith("KEFU__"):
            yield f"{e['name']} is no setting of {service}"


def job_faults(found, o):
    if not {"pre-install", "pre-upgrade"} <= events(o):
        yield "is no hook before install and upgrade"
    commands = [c["args"] for c in containers(o["spec"]["template"]["spec"])]
    # One container, for that is whose log Helm prints when it fails; topics before migrations.
    weights = {"topics": "-15", "migrate": "-10"}
    if len(commands) != 1 or weights.get(commands[0][0]) != o["metadata"]["annotations"].get("helm.sh/hook-weight"):
        yield f"runs {commands}"
    if "before-hook-creation" not in o["metadata"]["annotations"].get("helm.sh/hook-delete-policy", ""):
        yield "the next upgrade would meet the old one"
    service = o["metadata"]["labels"]["kefu/service"]
    deployment = next(d for d in of(found, "Deployment") if d["metadata"]["labels"]["app.kubernetes.io/component"] == service)
    serving = deployment["spec"]["template"]["spec"]["containers"][0]
    for c in containers(o["spec"]["template"]["spec"]):
        if (c["image"], c["env"]) != (serving["image"], serving["env"]):
            yield f"{c['name']} is another program or has other settings than {service}"


def selected(found, selector):
    return [o for o in of(found, "Deployment") if covers(selector, o["spec"]["template"]["metadata"]["labels"])]


def exactly_one_deployment(found, selector):
    hits = selected(found, selector)
    return len(hits) != 1 and f"selects {[name(o) for o in hits]}"


def service_faults(found, o):
    hits = selected(found, o["spec"]["selector"])
    if len(hits) != 1:
        yield f"selects {[name(h) for h in hits]}"
        return
    ports = hits[0]["spec"]["template"]["spec"]["containers"][0]["ports"]
    for port in o["spec"]["ports"]:
        if port["targetPort"] not in [p["name"] for p in ports] + [p["containerPort"] for p in ports]:
            yield f"port {port['targetPort']} is not the pod's"
        yield from (f"port {port[key]} is out of range" for key in ("port", "nodePort") if key in port and not 0 < port[key] < 65536)
    yield from (f"port {p['containerPort']} is out of range" for p in ports if not 0 < p["containerPort"] < 65536)


def scaler_faults(found, o):
    spec = o["spec"]
    targets = [d for d in of(found, "Deployment") if d["metadata"]["name"] == spec["scaleTargetRef"]["name"]]
    if not targets:
        yield "scales nothing"
    elif "replicas" in targets[0]["spec"]:
        yield "is undone by the Deployment's replicas"
    if o["kind"] == "ScaledObject":
        env = {e["name"]: e.get("value") for e in targets[0]["spec"]["template"]["spec"]["containers"][0]["env"]}
        if spec["maxReplicaCount"] > int(env["KEFU__EVENTS__PARTITIONS"]):
            yield "more replicas than partitions"
        if spec["minReplicaCount"] > spec["maxReplicaCount"]:
            yield "more at least than at most"


def policies_of(found, labels):
    return [p for p in of(found, "NetworkPolicy") if covers(p["spec"]["podSelector"]["matchLabels"], labels)]


def policy_faults(found, o):
    spec = o["spec"]
    if set(spec["policyTypes"]) != {"Ingress", "Egress"}:
        yield "denies one way only"
    mine = [(p, pod) for p, labels, pod in pods(found) if covers(spec["podSelector"]["matchLabels"], labels)]
    if not mine:
        yield "selects no pod"
    for rule in spec.get("ingress", []) + spec.get("egress", []):
        if not rule.get("ports") or any(not p.get("port") for p in rule["ports"]):
            yield "opens every port"
    for rule in spec.get("ingress", []):
        if not rule.get("from"):
            yield "lets everybody in"
        for peer in rule.get("from", []):
            if set(peer) == {"podSelector"} and not peer["podSelector"].get("matchLabels"):
                yield "lets the whole namespace in"
    dns = {(p["protocol"], p["port"]) for rule in spec["egress"] for p in rule["ports"]}
    if not {("UDP", 53), ("TCP", 53)} <= dns:
        yield "does not let names be looked up"
    for job, _ in mine:
        if events(job) and events(job) != {"test"} and weight(o) >= weight(job):
            yield f"is not there before {name(job)}"


def backends(o):
    if o["kind"] == "Ingress":
        services = [p["backend"]["service"] for rule in o["spec"]["rules"] for p in rule["http"]["paths"]]
        return [(s["name"], s["port"]["name"]) for s in services]
    return [(b["name"], b["port"]) for rule in o["spec"]["rules"] for b in rule["backendRefs"]]


def has_port(found, service, port):
    return any(
        o["metadata"]["name"] == service and port in (p["name"], p["port"])
        for o in of(found, "Service") for p in o["spec"]["ports"]
    )


def secret_faults(found):
    if of(found, "Secret"):
        yield "the chart makes a Secret"
    for o in of(found, "ConfigMap"):
        if URL_WITH_PASSWORD.search(json.dumps(o.get("data", {}))):
            yield f"{name(o)} holds a URL with a password"
    for o, _, spec in pods(found):
        for c in containers(spec):
            for e in c.get("env", []):
                if "value" in e and (SECRET_NAME.search(e["name"]) or URL_WITH_PASSWORD.search(e["value"])):
                    yield f"{name(o)}: {e['name']} has its value in plain text"
            if c["args"] not in (["serve"], ["migrate"], ["topics"], ["smoke"]):
                yield f"{name(o)}: arguments {c['args']}"


def example_faults(helm, chart):
    """Checks on what the chart carries: routes and the files of deploy/observability."""
    routes = yaml.safe_load((chart / "files/routes.yaml").read_text(encoding="utf-8"))
    prefixes = [(service, prefix) for service, paths in routes.items() for prefix in paths]
    used = set()
    for service in SERVICES:
        document = yaml.safe_load(pathlib.Path(f"openapi/{service}.yaml").read_text(encoding="utf-8"))
        for path in document["paths"]:
            hits = {(s, p) for s, p in prefixes if path == p or path.startswith(p + "/")}
            used |= hits
            yield f"route of {path}", {s for s, _ in hits} != {service} and f"leads to {hits}, not to {service}"
    yield "routes of nothing", set(prefixes) - used
    yield from carried(helm, chart)


def carried(helm, chart):
    """Every dashboard and rule file arrives as it is, with its {{ }} untouched; alerts link to the runbook of the values."""
    example = chart / "examples/production.yaml"
    found = helm.render([example])
    dashboards = sorted(pathlib.Path("deploy/observability/dashboards").glob("*.json"))
    bodies = {file: body for o in of(found, "ConfigMap") for file, body in o["data"].items()}
    yield "dashboards in the chart", bodies.keys() ^ {f.name for f in dashboards}
    for file in dashboards:
        text = file.read_text(encoding="utf-8")
        yield f"dashboard {file.name}", json.loads(bodies.get(file.name, "null")) != json.loads(text) and "differs"
        yield f"size of {file.name}", len(text.encode()) > 1_000_000 and "too large for a ConfigMap"
    rules = sorted(pathlib.Path("deploy/observability/rules").glob("*.yaml"))
    runbook = yaml.safe_load(example.read_text(encoding="utf-8"))["metrics"]["prometheusRule"]["runbookUrl"]
    rules = {
        f.stem: yaml.safe_load(f.read_text(encoding="utf-8").replace("deploy/observability/RUNBOOK.md", runbook))["groups"]
        for f in rules
    }
    made = {o["metadata"]["name"].removeprefix("kefu-"): o["spec"]["groups"] for o in of(found, "PrometheusRule")}
    yield "rules in the chart", rules.keys() ^ made.keys()
    for stem in rules.keys() & made.keys():
        yield f"rules {stem}", rules[stem] != made[stem] and "differ"
    print(f"carried as they are: {len(dashboards)} dashboards, {len(rules)} rule files")
