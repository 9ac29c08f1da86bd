//! The main job: one complaint through all five services, from intake to the mended defect.

use std::{collections::BTreeMap, time::Duration};

use kefu_tests::{
    api::{Caller, new_trace},
    eventually,
    partner::Partner,
    spans::Collector,
    stack::{Options, Stack},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::main_job_parts::{answer_page, figure, prepare, until_status};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_complaint_through_all_five_services_in_one_process() {
    let collector = Collector::start();
    let options = Options { otlp_endpoint: Some(collector.endpoint.clone()), ..Options::default() };
    run(&Stack::suite(options).await, &collector).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_complaint_through_all_five_services_split() {
    let collector = Collector::start();
    let options = Options { otlp_endpoint: Some(collector.endpoint.clone()), ..Options::default() };
    run(&Stack::split(options).await, &collector).await;
}

/// Everybody who takes part, each call in the complaint's trace.
struct Cast {
    partner: Caller,
    agent: Caller,
    supervisor: Caller,
    director: Caller,
    inspector: Caller,
    steward: Caller,
}

async fn run(stack: &Stack, collector: &Collector) {
    let hooks = Partner::start();
    let traceparent = new_trace();
    let trace_id = traceparent[3..35].to_owned();
    let mail = format!("zhang-{}@example.org", &trace_id[..12]);

    // 1. Customers come by CSV; one is VIP with an account manager.
    let customer = prepare(stack, &mail).await;
    let cast = Cast {
        partner: stack.client("partner-mall").await.in_trace(&traceparent),
        agent: stack.user("li.na").await.in_trace(&traceparent),
        supervisor: stack.user("sun.lei").await.in_trace(&traceparent),
        director: stack.user("zhou.tao").await.in_trace(&traceparent),
        inspector: stack.user("wu.jing").await.in_trace(&traceparent),
        steward: stack.user("he.yan").await.in_trace(&traceparent),
    };

    let ticket = intake(stack, &cast, &hooks, &customer, &mail).await;
    nobody_answers(stack, &cast, &ticket).await;
    handled(&cast, &ticket).await;
    asked_about(stack, &cast, &ticket, &mail).await;
    let (score, rectified) = inspected(&cast, &ticket).await;
    accounted_for(&cast, &customer, &ticket, score, rectified).await;
    one_trace(collector, &trace_id).await;
}

/// 2. A partner system posts the complaint twice with one key: one ticket, the tier's timers, an
///    acknowledgement, a signed event.
async fn intake(stack: &Stack, cast: &Cast, hooks: &Partner, customer: &str, mail: &str) -> String {
    let endpoint = json!({ "name": "mall", "url": hooks.url, "event_types": ["kefu.ticket.*"] });
    let endpoint = cast.partner.post("/api/v1/webhook-endpoints", endpoint).await.expect(201);
    let secret = endpoint["secret"].as_str().expect("the secret is told once").to_owned();

    let complaint = json!({
        "kind": "complaint", "complaint_level": "major", "subject": "包裹破损，要求赔偿", "body": "外箱破裂，内件损坏。",
        "customer_id": customer, "external_ref": format!("mall-{mail}"),
    });
    let first = cast.partner.post_once("/api/v1/tickets", mail, &complaint).await;
    let second = cast.partner.post_once("/api/v1/tickets", mail, &complaint).await;
    assert!(second.replayed, "the second answer is the first one again");
    let (first, second) = (first.expect(201), second.expect(201));
    assert_eq!(first, second);
    let ticket = first["id"].as_str().unwrap().to_owned();
    let listed = cast.partner.list(&format!("/api/v1/tickets?customer_id={customer}")).await;
    assert_eq!(listed.len(), 1, "one ticket: {listed:?}");
    assert_eq!(first["tier"], "vip");

    let timers = cast.agent.get(&format!("/api/v1/tickets/{ticket}/timers")).await.expect(200);
    let policies: Vec<_> =
        timers["items"].as_array().unwrap().iter().map(|t| t["policy"].clone()).collect();
    assert_eq!(policies, ["vip", "vip"], "first response and resolution by the tier's policy");

    let acknowledged = stack.mails.wait(mail, first["number"].as_str().unwrap(), SOON).await;
    assert!(acknowledged.text().contains("您"), "in the customer's language");
    let call = hooks
        .wait("the partner hears of the ticket", SOON, |e| e["type"] == "kefu.ticket.opened.v1")
        .await;
    assert!(call.verifies(&secret), "signed by the secret");
    assert!(!call.verifies("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "by no other");
    assert_eq!(call.event()["data"]["ticket"]["ticket_id"], json!(ticket));
    ticket
}

/// 3. Nobody answers: warning, breach, supervisor, director, each told once.
async fn nobody_answers(stack: &Stack, cast: &Cast, ticket: &str) {
    eventually("the director is told", SOON, || async {
        let history = cast.agent.get(&format!("/api/v1/tickets/{ticket}")).await.body;
        (history["escalation_level"].as_i64() >= Some(3)).then_some(())
    })
    .await;
    for (who, name, role) in
        [(&cast.supervisor, "sun.lei", "supervisor"), (&cast.director, "zhou.tao", "director")]
    {
        eventually(&format!("the {role}'s inbox"), SOON, || async {
            let items = escalations(who, ticket).await;
            (!items.is_empty()).then_some(())
        })
        .await;
        stack.mails.wait(&format!("{name}@example.org"), "T20", SOON).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(escalations(&cast.supervisor, ticket).await.len(), 1);
    assert_eq!(escalations(&cast.director, ticket).await.len(), 1);
    let notices = cast.supervisor.list(&format!("/api/v1/notices?ticket_id={ticket}")).await;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for notice in notices.iter().filter(|n| n["channel"] != "webhook") {
        let key = ["event_id", "workflow", "channel", "recipient"]
            .map(|f| notice[f].as_str().unwrap_or_default())
            .join(" ");
        *seen.entry(key).or_default() += 1;
    }
    assert!(seen.values().all(|n| *n == 1), "{seen:?}");
    let warned = notices
        .iter()
        .filter(|n| n["workflow"] == "timer_warned" && n["channel"] == "inbox")
        .count();
    let breached = notices
        .iter()
        .filter(|n| n["workflow"] == "timer_breached" && n["channel"] == "inbox")
        .count();
    assert_eq!(
        (warned, breached),
        (1, 1),
        "one warning and one breach of the first-response timer: {notices:#?}"
    );
}

async fn escalations(who: &Caller, ticket: &str) -> Vec<Value> {
    let items = who.list("/api/v1/inbox").await;
    items
        .into_iter()
        .filter(|i| i["ticket_id"] == ticket && i["workflow"] == "ticket_escalated")
        .collect()
}

/// 4. The handler replies, asks another department, waits for the customer, is urged, resolves.
async fn handled(cast: &Cast, ticket: &str) {
    let path = |action: &str| format!("/api/v1/tickets/{ticket}/{action}");
    let claimed = cast.agent.post(&path("claim"), json!({})).await.expect(200);
    assert_eq!(
        (&claimed["handler"], &claimed["first_responder"]),
        (&json!("li.na"), &json!("li.na"))
    );
    let reply = json!({ "direction": "outbound", "body": "非常抱歉，我们马上核查。", "then_status": "pending" });
    let replied = cast.agent.post(&path("articles"), reply).await.expect(201);
    assert_eq!(replied["ticket"]["status"], "pending");
    assert_eq!(replied["ticket"]["response_attained"], false, "the answer came after the deadline");
    let task = json!({ "department": "warehouse", "title": "查找外箱照片", "mandatory": true });
    let task = cast.agent.post(&path("tasks"), task).await.expect(201);
    let urged =
        cast.partner.post(&path("urge"), json!({ "note": "客户来电催办" })).await.expect(200);
    assert_eq!(urged["urge_count"], 1);
    let answer = json!({ "direction": "inbound", "body": "照片已发送。" });
    cast.agent.post(&path("articles"), answer).await.expect(201);
    let early = cast.agent.post(&path("resolve"), json!({ "resolution": "赔偿" })).await;
    assert_eq!(early.status, 409, "a mandatory task is open: {}", early.text);
    let end = format!("tasks/{}/done", task["id"].as_str().unwrap());
    cast.agent.post(&path(&end), json!({ "note": "照片已归档" })).await.expect(200);
    let resolved = cast
        .agent
        .post(&path("resolve"), json!({ "resolution": "按保价金额赔偿" }))
        .await
        .expect(200);
    assert_eq!(resolved["status"], "resolved");
    assert_eq!(resolved["resolution_attained"], true);
}

/// 5. The mail's link opens the page; the answer is 1 of 5 with a comment. 6a. A follow-up opens.
async fn asked_about(stack: &Stack, cast: &Cast, ticket: &str, mail: &str) {
    let invited = stack.mails.wait(mail, "/s/", SOON).await;
    let link = invited.link("/s/").expect("a link");
    answer_page(&link, "赔偿太慢，态度敷衍 <script>alert(1)</script>").await;
    let follow_up = eventually("a follow-up ticket", SOON, || async {
        cast.agent.list(&format!("/api/v1/tickets?parent_id={ticket}")).await.pop()
    })
    .await;
    assert_eq!(follow_up["first_responder"], "li.na");
    let again = reqwest::get(&link).await.unwrap();
    assert_eq!(again.status().as_u16(), 410, "the link worked once");
}

/// 6b. Drawn by the risk rule, a fatal item makes the score 0, the appeal is accepted in part, the
///     rectification is done and verified by somebody else.
async fn inspected(cast: &Cast, ticket: &str) -> (f64, String) {
    let inspection = eventually("the ticket is drawn by the low score", SOON, || async {
        let drawn = cast.director.list("/api/v1/inspections").await;
        drawn.into_iter().find(|i| {
            i["ticket_id"] == ticket
                && i["reasons"].as_array().unwrap().contains(&json!("risk:low_score"))
        })
    })
    .await;
    let id = inspection["id"].as_str().unwrap();
    cast.inspector.post(&format!("/api/v1/inspections/{id}/claim"), json!({})).await.expect(200);
    let answers = json!([
        { "item": "first_reply", "value": 3 }, { "item": "kept_informed", "na": true },
        { "item": "understood", "value": 5 }, { "item": "solution", "value": "right" },
        { "item": "cause", "value": true }, { "item": "promise", "na": true },
        { "item": "courtesy", "value": 3 }, { "item": "integrity", "value": false },
        { "item": "complete", "value": true },
    ]);
    let draft = cast
        .inspector
        .post(&format!("/api/v1/inspections/{id}/evaluations"), json!({ "answers": answers }))
        .await
        .expect(201);
    let evaluation = draft["id"].as_str().unwrap().to_owned();
    let published = cast
        .inspector
        .post(&format!("/api/v1/evaluations/{evaluation}/publish"), json!({}))
        .await
        .expect(200);
    assert_eq!((&published["score"], &published["fatal"]), (&json!(0.0), &json!(true)));

    let appeal = json!({ "items": [{ "item": "integrity", "reason": "没有推诿，录音可查" }] });
    let appeal = cast
        .agent
        .post(&format!("/api/v1/evaluations/{evaluation}/appeals"), appeal)
        .await
        .expect(201);
    let decision = json!({ "outcome": "partly", "reason": "无欺瞒，但回复不够主动", "changes": [{ "item": "integrity", "value": true }] });
    let path = format!("/api/v1/appeals/{}/decision", appeal["id"].as_str().unwrap());
    cast.director.post(&path, decision).await.expect(200);
    let after = cast.director.get(&format!("/api/v1/evaluations/{evaluation}")).await.expect(200);
    // Timeliness (3−1)/4 = 0.5 of 20; handling 1 of 50; conduct (0.5 + 1)/2 of 20; records 1 of 10.
    assert_eq!(after["score"], json!(85.0), "{after}");

    let order = eventually("a rectification order", SOON, || async {
        let orders = cast.supervisor.list("/api/v1/rectifications").await;
        orders.into_iter().find(|r| r["ticket_id"] == ticket)
    })
    .await;
    let order = order["id"].as_str().unwrap().to_owned();
    let path = |step: &str| format!("/api/v1/rectifications/{order}/{step}");
    cast.agent.post(&path("done"), json!({ "evidence": "已书面致歉并复训" })).await.expect(200);
    let own = cast.agent.post(&path("verify"), json!({ "passed": true })).await;
    assert!((400..500).contains(&own.status), "nobody verifies his own work: {}", own.text);
    let verified = cast
        .supervisor
        .post(&path("verify"), json!({ "passed": true, "note": "属实" }))
        .await
        .expect(200);
    assert_eq!(verified["state"], "verified");
    (85.0, order)
}

/// 7. Timeline in order; monthly figures equal those counted by hand.
async fn accounted_for(cast: &Cast, customer: &str, ticket: &str, score: f64, rectified: String) {
    let expected = [
        "kefu.customer.registered.v1",
        "kefu.ticket.opened.v1",
        "kefu.ticket.timer_warned.v1",
        "kefu.ticket.timer_breached.v1",
        "kefu.ticket.escalated.v1",
        "kefu.ticket.assigned.v1",
        "kefu.ticket.replied.v1",
        "kefu.ticket.task_opened.v1",
        "kefu.ticket.urged.v1",
        "kefu.ticket.task_ended.v1",
        "kefu.ticket.resolved.v1",
        "kefu.survey.invited.v1",
        "kefu.survey.answered.v1",
        "kefu.quality.evaluation_published.v1",
        "kefu.quality.appeal_lodged.v1",
        "kefu.quality.appeal_decided.v1",
        "kefu.quality.rectification_verified.v1",
    ];
    let timeline = eventually("the whole timeline", SOON, || async {
        let entries =
            cast.steward.list(&format!("/api/v1/customers/{customer}/timeline?order=asc")).await;
        let has = |ty: &&str| entries.iter().any(|e| e["type"] == **ty);
        expected.iter().all(has).then_some(entries)
    })
    .await;
    let first = |ty: &str| timeline.iter().position(|e| e["type"] == ty).unwrap();
    let order: Vec<usize> = expected.iter().map(|ty| first(ty)).collect();
    assert!(order.is_sorted(), "in order: {order:?}");
    // Drawn by the breach when it was resolved, again by the low score: one inspection, two reasons.
    let drawn = first("kefu.quality.inspection_drawn.v1");
    assert!(
        first("kefu.ticket.resolved.v1") < drawn
            && drawn < first("kefu.quality.evaluation_published.v1")
    );
    let once =
        |ty: &str| timeline.iter().filter(|e| e["type"] == ty && e["ticket_id"] == ticket).count();
    assert_eq!((once("kefu.ticket.opened.v1"), once("kefu.ticket.resolved.v1")), (1, 1));

    until_status(
        &cast.director,
        &format!("/api/v1/rectifications/{rectified}"),
        "state",
        "verified",
    )
    .await;
    let period = kefu_tests::now().format("%Y-%m").to_string();
    let report = eventually("a report with everything in it", SOON, || async {
        let report = cast
            .director
            .post("/api/v1/service-reports", json!({ "org": "/acme/north", "period": period }))
            .await
            .expect(201);
        (figure(&report, "satisfaction")["denominator"] == 1.0
            && figure(&report, "opened")["value"] == 2.0)
            .then_some(report)
    })
    .await;
    // Counted by hand: the complaint and its follow-up were opened, the complaint resolved in time
    // but answered late; one answer, 1 of 5; one evaluation, final by its appeal.
    for (key, value, numerator, denominator) in [
        ("opened", 2.0, json!(2.0), Value::Null),
        ("resolved", 1.0, json!(1.0), Value::Null),
        ("complaint_rate", 100.0, json!(2.0), json!(2.0)),
        ("satisfaction", 0.0, json!(0.0), json!(1.0)),
        ("nps", -100.0, json!(-1.0), json!(1.0)),
        ("inspection_score", score, json!(score), json!(1.0)),
        ("reopen_rate", 0.0, json!(0.0), json!(1.0)),
    ] {
        let found = figure(&report, key);
        assert_eq!(found["value"], json!(value), "{key}: {found}");
        assert_eq!(found["numerator"], numerator, "{key}: {found}");
        if denominator != Value::Null {
            assert_eq!(found["denominator"], denominator, "{key}: {found}");
        }
    }
    let refused =
        cast.partner.send(cast.partner.request(Method::GET, "/api/v1/service-reports")).await;
    assert_eq!(refused.problem(403), "forbidden", "the partner has his own rights only");
}

/// All of it after step 2 carries one trace id, shown by spans from all five services.
async fn one_trace(collector: &Collector, trace_id: &str) {
    let all = ["customer", "notification", "quality", "survey", "ticketing"];
    let services = eventually("spans of all five services in one trace", SOON, || async {
        let services = collector.services_of(trace_id);
        all.iter().all(|s| services.contains_key(*s)).then_some(services)
    })
    .await;
    for (service, names) in services {
        println!("{service}: {} kinds of spans in trace {trace_id}", names.len());
    }
}
