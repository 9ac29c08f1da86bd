"""One complaint as one trace: a client that traces itself sends everything in one context, the collector
hands it on, and Zipkin's API gives it back whole."""

import secrets
import time

import stack as parts


def span(trace, identity, parent, name, begun, ended, kind=3):
    made = {
        "traceId": trace, "spanId": identity, "name": name, "kind": kind,
        "startTimeUnixNano": str(begun), "endTimeUnixNano": str(ended),
    }
    return {**made, "parentSpanId": parent} if parent else made


class Client:
    """A client with spans of its own: one for the matter, one for every call."""

    def __init__(self, stack):
        self.stack, self.trace, self.root = stack, secrets.token_hex(16), secrets.token_hex(8)
        self.begun, self.spans = time.time_ns(), []

    def call(self, user, method, path, body=None, **headers):
        own, begun = secrets.token_hex(8), time.time_ns()
        context = f"00-{self.trace}-{own}-01"
        answer = self.stack.must(user, method, path, body, traceparent=context, **headers)
        template = "/".join("{id}" if len(part) == 36 else "{token}" if len(part) > 24 else part for part in path.split("/"))
        self.spans.append(span(self.trace, own, self.root, f"{method} {template}", begun, time.time_ns()))
        return answer

    def send_spans(self):
        root = span(self.trace, self.root, None, "a complaint", self.begun, time.time_ns(), kind=1)
        body = {"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "partner"}}]},
            "scopeSpans": [{"scope": {"name": "partner"}, "spans": [root, *self.spans]}],
        }]}
        status, text = parts.http("POST", f"{self.stack.traces['KEFU_OTLP_ENDPOINT']}/v1/traces", body)
        assert status == 200, text


def complaint(stack):
    """From the customer's complaint to the supervisor's notice of his bad answer; answers the trace's id."""
    address = f"trace-{secrets.token_hex(4)}@example.org"
    person = {"kind": "person", "name": "王小明", "email": address, "org": "/acme/north", "locale": "zh-CN"}
    customer = stack.must("admin", "POST", "/api/v1/customers", person)["id"]
    ticket = {"subject": "包裹破损", "body": "外箱破裂。", "customer_id": customer, "org": "/acme/north"}
    parts.eventually("ticketing knows the customer", 90, lambda: stack.call(
        "admin", "POST", "/api/v1/tickets", {**ticket, "kind": "consultation"})[0] == 201)
    ticket |= {"kind": "complaint", "complaint_level": "major"}
    stack.token("li.na")  # logging in is no part of the matter
    client = Client(stack)
    opened = client.call("admin", "POST", "/api/v1/tickets", ticket)
    path = f"/api/v1/tickets/{opened['id']}"
    client.call("li.na", "POST", f"{path}/claim", {})
    client.call("li.na", "POST", f"{path}/articles", {"direction": "outbound", "body": "非常抱歉，我们马上核查。"})
    client.call("li.na", "POST", f"{path}/resolve", {"resolution": "按保价金额赔偿"})
    link = parts.eventually("the survey's mail", 120, lambda: link_to(stack, address))
    answers = {"answers": {"csat": 1, "nps": 0, "comment": "赔偿太慢"}}
    client.call(None, "POST", f"/api/v1/answers/{link}", answers)
    parts.eventually("a follow-up ticket", 120, lambda: stack.must("admin", "GET", f"/api/v1/tickets?parent_id={opened['id']}")["items"])
    parts.eventually("the last notice", 120, lambda: settled(stack, opened["id"]))
    client.send_spans()
    return client.trace


def link_to(stack, address):
    """The token of the survey's link in a mail to `address`."""
    import email
    import re
    for raw in stack.mails():
        if address not in raw.split("\n\n")[0]:
            continue
        for part in email.message_from_string(raw).walk():
            text = (part.get_payload(decode=True) or b"").decode(errors="replace")
            found = re.search(r"/s/([\w.~-]+)", text)
            if found:
                return found[1]
    return None


def settled(stack, ticket):
    notices = stack.must("admin", "GET", f"/api/v1/notices?ticket_id={ticket}&limit=200")["items"]
    return len(notices) >= 4 and all(n["state"] not in ("queued", "sending") for n in notices)


def check(stack, trace):
    """The trace's spans, once they are whole: every service is there, one root, no orphan."""
    zipkin = stack.traces["KEFU_ZIPKIN"]
    last = -1

    def whole():
        nonlocal last
        status, spans = parts.http("GET", f"{zipkin}/api/v2/trace/{trace}")
        if status != 200:
            return None
        # Late notices still come in: wait until nothing is new.
        grown, last = len(spans) != last, len(spans)
        if grown:
            time.sleep(4)
            return None
        return spans if not faults(spans) else None

    try:
        return parts.eventually("a whole trace", 120, whole)
    except AssertionError:
        status, spans = parts.http("GET", f"{zipkin}/api/v2/trace/{trace}")
        raise AssertionError(f"trace {trace}: {faults(spans) if status == 200 else spans}") from None


def faults(spans):
    found = []
    # Zipkin folds the two sides of a call into one id; there is none of that here.
    ids = {s["id"] for s in spans}
    services = {s["localEndpoint"]["serviceName"] for s in spans}
    missing = {f"kefu-{s}" for s in parts.SERVICES} - services
    if missing:
        found.append(f"no span of {sorted(missing)}")
    roots = [s for s in spans if "parentId" not in s]
    if [r["localEndpoint"]["serviceName"] for r in roots] != ["partner"]:
        found.append(f"roots: {[(r['name'], r['localEndpoint']['serviceName']) for r in roots]}")
    orphans = [s for s in spans if "parentId" in s and s["parentId"] not in ids]
    if orphans:
        found.append(f"{len(orphans)} orphans: {sorted({(s['name'], s['localEndpoint']['serviceName']) for s in orphans})}")
    sends = [s for s in spans if s.get("kind") == "PRODUCER"]
    takes = [s for s in spans if s.get("kind") == "CONSUMER"]
    for s in sends + takes:
        tags = s.get("tags", {})
        for tag in ("messaging.system", "messaging.destination.name", "messaging.operation.type", "messaging.message.id"):
            if tag not in tags:
                found.append(f"{s['name']} has no {tag}")
    if not sends or not takes:
        found.append("no event was sent or taken")
    if not any(s["name"].startswith("deliver") for s in spans):
        found.append("no notice was delivered")
    return found
