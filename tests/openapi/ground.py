"""Gives schemathesis firm ground: a running suite with the example data gets one matter of every
kind, and a schemathesis.toml is written that knows the ids of what is there. Without them nearly
every call would end at 404, and nothing but error answers would be checked.

Usage: ground.py URL DATA_FOLDER KEFU OPENAPI_FOLDER OUTPUT    (needs PyYAML, which schemathesis brings)
"""

import email
import email.policy
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

url, data, kefu, documents, output = sys.argv[1:]
tokens = {}


def token(user):
    if user not in tokens:
        command = [kefu, "token", user, "--url", url, "--data", data]
        tokens[user] = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return tokens[user]


def call(method, path, body=None, user="admin", headers=None):
    """The JSON answer; an error answer ends the script, because the ground would be missing."""
    sent = {"authorization": f"Bearer {token(user)}", **(headers or {})}
    if body is not None:
        sent["content-type"] = "application/json"
    request = urllib.request.Request(url + path, method=method, headers=sent)
    request.data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        sys.exit(f"{user}: {method} {path}: {refused.code} {refused.read().decode()}")


def items(path):
    return call("GET", path)["items"]


def until(what, look):
    for _ in range(300):
        found = look()
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"timed out waiting for {what}: {look()}")


def links():
    """Tokens of invitations, from the mails."""
    found = []
    for path in sorted(pathlib.Path(data, "mail").glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = mail.get_body(("plain",))
        found += re.findall(r"/s/([A-Za-z0-9_-]{43})", body.get_content() if body else "")
    return list(dict.fromkeys(found))


def prepare():
    """One matter on its way through all services, and what else a list may be empty without."""
    invited = until("three invitations", lambda: links()[2:] and links())
    spent = invited[0]
    call("POST", f"/api/v1/answers/{spent}", {"answers": {"csat": 1, "nps": 0, "comment": "太慢"}})
    inspection = until("an inspection", lambda: items("/api/v1/inspections"))[0]["id"]
    call("POST", f"/api/v1/inspections/{inspection}/claim", {}, "wu.jing")
    answers = [
        {"item": "first_reply", "value": 3}, {"item": "kept_informed", "na": True}, {"item": "understood", "value": 5},
        {"item": "solution", "value": "right"}, {"item": "cause", "value": True}, {"item": "promise", "na": True},
        {"item": "courtesy", "value": 3}, {"item": "integrity", "value": False}, {"item": "complete", "value": True},
    ]
    draft = call("POST", f"/api/v1/inspections/{inspection}/evaluations", {"answers": answers}, "wu.jing")
    evaluation = call("POST", f"/api/v1/evaluations/{draft['id']}/publish", {}, "wu.jing")
    appeal = {"items": [{"item": "integrity", "reason": "录音可查"}]}
    call("POST", f"/api/v1/evaluations/{draft['id']}/appeals", appeal, evaluation["agent"])
    order = {"title": "Apologise in writing", "owner": "li.na", "org": "/acme/north"}
    call("POST", "/api/v1/rectifications", order)
    month = time.strftime("%Y-%m", time.gmtime())
    call("POST", "/api/v1/service-reports", {"period": month})
    form = {"mode": "weighted", "sections": [{
        "key": "conduct", "title": {"en": "Conduct"}, "weight": 1,
        "items": [{"key": "polite", "title": {"en": "Polite"}, "answer": {"type": "yes_no"}}],
    }]}
    card = call("POST", "/api/v1/scorecards", {"key": "chat", "title": {"en": "Chat"}, "form": form})
    call("POST", f"/api/v1/scorecards/{card['id']}/publish", headers={"if-match": f'"{card["version"]}"'})
    plan = {"title": {"en": "Monthly"}, "quota_per_agent": 2, "scorecard_id": card["id"], "inspectors": ["wu.jing"]}
    plan = call("POST", "/api/v1/sampling-plans", plan)
    call("POST", f"/api/v1/sampling-plans/{plan['id']}/draw", {"period": month})

    handled = next(t for t in items("/api/v1/tickets") if t["status"] == "open")
    call("POST", f"/api/v1/tickets/{handled['id']}/tasks", {"department": "warehouse", "title": "查找照片"})
    customer = items("/api/v1/customers?kind=organisation")[0]["id"]
    call("POST", f"/api/v1/customers/{customer}/contacts", {"role": "buyer", "name": "王经理", "phone": "13800138001"})
    call("POST", "/api/v1/webhook-endpoints", {"name": "ERP", "url": "https://example.com/hooks"})
    return invited[1:] + [spent]


# Lists of the records that a path is about, where the path does not continue a list of its own.
ELSEWHERE = {
    "/api/v1/survey-opt-outs": "/api/v1/customers",
    "/api/v1/survey-results": "/api/v1/surveys",
    "/api/v1/templates/{key}": "/api/v1/templates",
    "/api/v1/templates/{key}/{channel}": "/api/v1/templates",
}


def values(path, invited):
    """For each parameter of a path what may stand there, from the list that the path continues."""
    fixed = {"token": invited, "version": [1, 2], "number": [1, 2], "source": ["demo"]}
    if "/by-source/" in path:
        fixed["key"] = ["1", "2", "3"]
    found, template, address = {}, "", ""
    parts = path.strip("/").split("/")
    for place, part in enumerate(parts):
        if part.startswith("{"):
            name = part[1:-1]
            rows = []
            if name not in fixed and ELSEWHERE.get(template, template) in LISTS:
                rows = items(ELSEWHERE.get(template, address))
            keys = fixed.get(name) or [row.get(name, row.get("id")) for row in rows]
            # Where a list follows below the record, only one with something in it helps.
            below = f"{template}/{part}/" + "".join(parts[place + 1:place + 2])
            if len(parts) > place + 2 and below in LISTS:
                keys = [key for key in keys if items(f"{address}/{key}/{parts[place + 1]}")][:1]
            keys = list(dict.fromkeys(key for key in keys if key is not None))[:8]
            if keys:
                found[name] = keys
        template += "/" + part
        address += "/" + (str(found[part[1:-1]][0]) if part[1:-1] in found else part)
    return found


def main():
    invited = prepare()
    dictionaries, operations = {}, []

    def dictionary(rows):
        name = f"d{len(dictionaries)}"
        dictionaries[name] = rows
        return f'{{ dictionary = "{name}", probability = 0.8 }}'

    bodies = {
        "customer_id": [row["id"] for row in items("/api/v1/customers")],
        "ticket_id": [row["id"] for row in items("/api/v1/tickets")],
        "survey_id": [row["id"] for row in items("/api/v1/surveys")],
        "evaluation_id": [row["id"] for row in items("/api/v1/evaluations")],
        "scorecard_id": [row["id"] for row in items("/api/v1/scorecards")],
        "queue": [row["key"] for row in items("/api/v1/queues")],
        "calendar": [row["key"] for row in items("/api/v1/calendars")],
        "department": ["warehouse"],
        "tier": ["vip", "standard"],
        "handler": ["li.na", "wang.wei"],
        "owner": ["li.na"],
        "inspector": ["wu.jing"],
        "account_manager": ["zhao.min"],
        "org": ["/acme", "/acme/north", "/acme/south"],
    }
    bound = {f"body.{name}": dictionary(rows) for name, rows in bodies.items() if rows}
    bound["header.If-Match"] = dictionary([f'"{version}"' for version in range(3)])
    for document in DOCUMENTS:
        for path, methods in document["paths"].items():
            parameters = {f"path.{name}": dictionary(rows) for name, rows in values(path, invited).items()}
            if path == "/api/v1/tickets":
                parameters["body.kind"] = dictionary([row["key"] for row in items("/api/v1/ticket-kinds")])
            if parameters:
                operations.append((path, parameters))

    lines = ["[parameters]", *(f'"{name}" = {value}' for name, value in bound.items())]
    for path, parameters in operations:
        lines += ["[[operations]]", f'include-path = "{path}"', "[operations.parameters]"]
        lines += [f'"{name}" = {value}' for name, value in parameters.items()]
    for name, rows in dictionaries.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(rows)}"]
    pathlib.Path(output).write_text("\n".join(lines) + "\n")
    print(f"{len(operations)} paths stand on known ids")


DOCUMENTS = [yaml.safe_load(path.read_text()) for path in sorted(pathlib.Path(documents).glob("*.yaml"))]
DOCUMENTS = [document for document in DOCUMENTS if "openapi" in document]
LISTS = {path for document in DOCUMENTS for path, methods in document["paths"].items() if "get" in methods}
main()
