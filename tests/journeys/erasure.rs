//! A person is forgotten: afterwards no table of any service holds a word about him.
//!
//! The log itself is not searched for what tickets say: subjects and resolutions travel in it in
//! the clear and go with its retention; names and addresses are sealed there and are searched for.

use std::time::Duration;

use kefu_tests::{
    api::Caller,
    dump::{self, Cell},
    eventually,
    stack::{Options, SERVICES, Stack},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::main_job_parts::answer_page;

const SOON: Duration = Duration::from_secs(60);
const ERASED: &str = "已删除 erased";

/// What identifies the person, and what was written about him. No word of it occurs elsewhere.
struct Marks {
    name: &'static str,
    latin: &'static str,
    phone: &'static str,
    mail: &'static str,
    licence: &'static str,
    street: &'static str,
    words: [&'static str; 12],
}

const MARKS: Marks = Marks {
    name: "欧阳灭迹",
    latin: "Ouyangmieji",
    phone: "13911112222",
    mail: "mieji.ouyang@example.org",
    licence: "mieji-member-774411",
    street: "消失胡同七十七号",
    words: [
        "qsubject",
        "qbody",
        "qreply",
        "qinternal",
        "qtask",
        "qtasknote",
        "qurge",
        "qresolution",
        "qcomment",
        "qevidence",
        "qappeal",
        "qdone",
    ],
};

impl Marks {
    /// As given, and in the pieces in which search keeps them.
    fn personal(&self) -> [&'static str; 8] {
        let Self { name, latin, phone, mail, licence, street, .. } = *self;
        [name, "灭迹", latin, "ouyangmieji", phone, mail, licence, street]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_forgotten_in_one_process() {
    let stack = Stack::suite(Options::default()).await;
    let mut urls: Vec<(&str, String)> = SERVICES
        .iter()
        .map(|s| (*s, dump::file(&stack.data_dir().join(format!("{s}.db")))))
        .collect();
    urls.push(("events", dump::file(&stack.data_dir().join("events.db"))));
    run(&stack, &urls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_forgotten_split() {
    let stack = Stack::split(Options::default()).await;
    let urls: Vec<_> = SERVICES.iter().map(|s| (*s, stack.database(s))).collect();
    run(&stack, &urls).await;
}

async fn run(stack: &Stack, urls: &[(&str, String)]) {
    let admin = stack.user("admin").await;
    let agent = stack.user("li.na").await;
    let customer = known(&admin).await;
    let (ticket, open) = complained(stack, &agent, &customer).await;
    let evaluation = judged(stack, &ticket).await;
    let response = eventually("the response", SOON, || async {
        admin.list(&format!("/api/v1/responses?ticket_id={ticket}")).await.pop()
    })
    .await;
    let response = response["id"].as_str().unwrap().to_owned();

    // The search finds what is there.
    let before = searched(urls).await;
    for (service, place, mark) in [
        ("customer", "customer.name", MARKS.name),
        ("ticketing", "ticket.subject", "qsubject"),
        ("ticketing", "article.body", "qbody"),
        ("ticketing", "task.note", "qtasknote"),
        ("quality", "evaluation.comment", "qcomment"),
        ("quality", "appeal.items", "qappeal"),
        ("notification", "request.data", "qsubject"),
    ] {
        assert!(places(&before, service, mark).contains(&place.to_owned()), "{mark} in {place}");
    }
    let hashes = blind_hashes(&before);
    assert!(hashes.len() >= 3, "{hashes:?}");

    let path = format!("/api/v1/customers/{customer}/erasure");
    let body = json!({ "reason": "requested" });
    assert_eq!(agent.post_once(&path, "no", &body).await.problem(403), "forbidden");
    let proof = admin.post_once(&path, "erase-1", &body).await.expect(201);
    assert_eq!(admin.post_once(&path, "erase-1", &body).await.expect(201), proof);
    assert_eq!(admin.get(&path).await.expect(200)["erased_by"], "admin");

    let gone = |path: String, pointer: &'static str| {
        let admin = &admin;
        async move {
            eventually(&format!("{path} {pointer} is erased"), SOON, || async {
                let seen = admin.get(&path).await.body;
                let value = seen.pointer(pointer).cloned().unwrap_or_default();
                (value.is_null() || value == ERASED).then_some(())
            })
            .await;
        }
    };
    gone(format!("/api/v1/tickets/{ticket}"), "/resolution").await;
    gone(format!("/api/v1/tickets/{open}"), "/subject").await;
    gone(format!("/api/v1/responses/{response}"), "/comment").await;
    gone(format!("/api/v1/evaluations/{evaluation}"), "/comment").await;
    // Consequences of what was under way.
    eventually("no table holds a mark", SOON, || async {
        let after = searched(urls).await;
        let left = remains(&after, &hashes);
        if !left.is_empty() {
            eprintln!("still there: {left:?}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        left.is_empty().then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        remains(&searched(urls).await, &hashes),
        Vec::<String>::new(),
        "and none comes back"
    );

    anonymous(&admin, &customer, &ticket, &response).await;
}

/// A person with everything that can be known of one.
async fn known(admin: &Caller) -> String {
    let body = json!({
        "kind": "person", "name": MARKS.name, "phone": MARKS.phone, "email": MARKS.mail,
        "locale": "zh-CN", "org": "/acme/north", "source": "crm", "source_key": "mieji-1",
        "identifiers": [{ "kind": "membership_no", "value": MARKS.licence }],
        "address": { "street": MARKS.street, "city": "北京" },
    });
    let made = admin.post("/api/v1/customers", body).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/customers/{id}");
    admin.change(Method::PATCH, &path, json!({ "latin_name": MARKS.latin })).await.expect(200);
    let reveal = format!("{path}?reveal=true&purpose=call+{}", MARKS.phone);
    assert_eq!(admin.get(&reveal).await.expect(200)["email"], MARKS.mail);
    id
}

/// A complaint from intake to a bad answer, and a ticket that stays open.
async fn complained(stack: &Stack, agent: &Caller, customer: &str) -> (String, String) {
    let ticket = |subject: &str| {
        json!({
            "kind": "complaint", "subject": format!("{subject} {}", MARKS.name), "customer_id": customer,
            "body": format!("qbody {} {} {}", MARKS.phone, MARKS.mail, MARKS.latin),
            "external_ref": format!("{subject}-{}", MARKS.mail),
        })
    };
    let first = ticket("qsubject");
    let made = eventually("ticketing knows the customer", SOON, || async {
        let answer = agent.post("/api/v1/tickets", first.clone()).await;
        (answer.status != 409).then(|| answer.expect(201))
    })
    .await;
    let id = made["id"].as_str().unwrap().to_owned();
    let open = agent.post("/api/v1/tickets", ticket("qsubject2")).await.expect(201);
    let open = open["id"].as_str().unwrap().to_owned();
    let post = async |id: &str, action: &str, body: Value, status: u16| {
        agent.post(&format!("/api/v1/tickets/{id}/{action}"), body).await.expect(status)
    };
    for id in [&id, &open] {
        post(id, "claim", json!({}), 200).await;
        post(id, "urge", json!({ "note": format!("qurge {}", MARKS.name) }), 200).await;
    }
    for (direction, word) in [("outbound", "qreply"), ("internal", "qinternal")] {
        let article = json!({ "direction": direction, "body": format!("{word} {}", MARKS.name) });
        post(&id, "articles", article, 201).await;
    }
    let task = json!({ "department": "warehouse", "title": format!("qtask {}", MARKS.name), "mandatory": false });
    let admin = stack.user("admin").await;
    let department = json!({ "name": { "zh": "仓储部", "en": "Warehouse" } });
    let put =
        admin.request(Method::PUT, "/api/v1/departments/warehouse").header("if-match", "\"0\"");
    admin.send(put.json(&department)).await.expect(200);
    let task = post(&id, "tasks", task, 201).await;
    let end = format!("tasks/{}/done", task["id"].as_str().unwrap());
    post(&id, &end, json!({ "note": format!("qtasknote {}", MARKS.name) }), 200).await;
    post(&id, "resolve", json!({ "resolution": format!("qresolution {}", MARKS.name) }), 200).await;
    // The mail server is shared: an earlier run's mails to the same person stand there too.
    let page = format!("{}/s/", stack.urls.service("survey"));
    let invited = stack.mails.wait(MARKS.mail, &page, SOON).await;
    answer_page(&invited.link("/s/").expect("a link"), &format!("qcomment {}", MARKS.phone)).await;
    (id, open)
}

/// Inspected, appealed against, put right: with the person named at every step.
async fn judged(stack: &Stack, ticket: &str) -> String {
    let inspector = stack.user("wu.jing").await;
    let director = stack.user("zhou.tao").await;
    let agent = stack.user("li.na").await;
    let inspection = eventually("the ticket is drawn by the low score", SOON, || async {
        let drawn = director.list("/api/v1/inspections").await;
        drawn.into_iter().find(|i| i["ticket_id"] == ticket)
    })
    .await;
    let id = inspection["id"].as_str().unwrap();
    inspector.post(&format!("/api/v1/inspections/{id}/claim"), json!({})).await.expect(200);
    let answers = json!([
        { "item": "first_reply", "value": 3 }, { "item": "kept_informed", "na": true },
        { "item": "understood", "value": 5 }, { "item": "solution", "value": "right" },
        { "item": "cause", "value": true }, { "item": "promise", "na": true },
        { "item": "courtesy", "value": 3 }, { "item": "complete", "value": true },
        { "item": "integrity", "value": false, "evidence": format!("qevidence {}", MARKS.name), "comment": format!("qcomment {}", MARKS.name) },
    ]);
    let draft = json!({ "answers": answers, "comment": format!("qcomment {}", MARKS.name) });
    let path = format!("/api/v1/inspections/{id}/evaluations");
    let draft = inspector.post(&path, draft).await.expect(201);
    let evaluation = draft["id"].as_str().unwrap().to_owned();
    let path = |step: &str| format!("/api/v1/evaluations/{evaluation}/{step}");
    inspector.post(&path("publish"), json!({})).await.expect(200);
    let appeal =
        json!({ "items": [{ "item": "integrity", "reason": format!("qappeal {}", MARKS.name) }] });
    let appeal = agent.post(&path("appeals"), appeal).await.expect(201);
    let decision = json!({ "outcome": "rejected", "reason": format!("qappeal {}", MARKS.name), "changes": [] });
    let decide = format!("/api/v1/appeals/{}/decision", appeal["id"].as_str().unwrap());
    director.post(&decide, decision).await.expect(200);
    let supervisor = stack.user("sun.lei").await;
    let order = eventually("a rectification order", SOON, || async {
        let orders = supervisor.list("/api/v1/rectifications").await;
        orders.into_iter().find(|r| r["ticket_id"] == ticket)
    })
    .await;
    let done = format!("/api/v1/rectifications/{}/done", order["id"].as_str().unwrap());
    let evidence = json!({ "evidence": format!("qdone {}", MARKS.name) });
    agent.post(&done, evidence).await.expect(200);
    evaluation
}

type Found = Vec<(String, Vec<Cell>)>;

async fn searched(urls: &[(&str, String)]) -> Found {
    let mut found = vec![];
    for (service, url) in urls {
        found.push(((*service).to_owned(), dump::of(url).await));
    }
    found
}

fn places(found: &Found, service: &str, mark: &str) -> Vec<String> {
    let cells = found.iter().find(|(name, _)| name == service).map(|(_, cells)| cells);
    dump::places(cells.expect("the service"), mark)
}

/// Keyed hashes by which the person could be looked up.
fn blind_hashes(found: &Found) -> Vec<String> {
    let cells = found.iter().filter(|(name, _)| name == "customer").flat_map(|(_, cells)| cells);
    let blind =
        |cell: &&Cell| ["identity.blind", "identifier.blind"].contains(&cell.place.as_str());
    let mut all: Vec<String> = cells.filter(blind).map(|c| c.text.trim().to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

/// Every place where a mark or a hash still stands.
fn remains(found: &Found, hashes: &[String]) -> Vec<String> {
    let mut left = vec![];
    for (service, cells) in found {
        let words: &[&str] = if service == "events" { &[] } else { &MARKS.words };
        let marks = words.iter().copied().chain(hashes.iter().map(String::as_str));
        // Written into tickets, the person's marks travel with the tickets' events.
        let personal = MARKS.personal();
        let personal = personal.iter().copied().filter(|_| service != "events");
        for mark in marks.chain(personal) {
            left.extend(
                dump::places(cells, mark).into_iter().map(|p| format!("{service}.{p}: {mark}")),
            );
        }
    }
    left
}

/// What the APIs tell afterwards.
async fn anonymous(admin: &Caller, customer: &str, ticket: &str, response: &str) {
    let path = format!("/api/v1/customers/{customer}");
    let stub = admin.get(&format!("{path}?reveal=true&purpose=check")).await.expect(200);
    assert_eq!(
        (&stub["name"], &stub["phone"], &stub["email"]),
        (&json!(ERASED), &Value::Null, &Value::Null)
    );
    assert_eq!(stub["identifiers"], json!([]));
    assert!(
        stub["number"].as_str().is_some_and(|n| !n.is_empty()),
        "figures know him by his number"
    );
    let patched = admin.change(Method::PATCH, &path, json!({ "phone": MARKS.phone })).await;
    assert_eq!(patched.problem(409), "customer-erased");
    for (list, word) in [("customers", MARKS.name), ("tickets", MARKS.name), ("tickets", "qbody")] {
        let query = reqwest::Url::parse_with_params("http://x/", [("q", word)]).unwrap();
        let found = admin.list(&format!("/api/v1/{list}?{}", query.query().unwrap())).await;
        assert!(found.is_empty(), "{list} by {word}: {found:?}");
    }
    let ticket_now = admin.get(&format!("/api/v1/tickets/{ticket}")).await.expect(200);
    assert_eq!(
        (&ticket_now["subject"], &ticket_now["status"]),
        (&json!(ERASED), &json!("resolved"))
    );
    let response = admin.get(&format!("/api/v1/responses/{response}")).await.expect(200);
    assert_eq!(
        (&response["csat"], &response["comment"]),
        (&json!(1), &Value::Null),
        "the figure stays"
    );
    let refused = json!({ "kind": "consultation", "subject": "x", "customer_id": customer });
    assert_eq!(admin.post("/api/v1/tickets", refused).await.status, 422);
    let accesses = admin.get(&format!("{path}/pii-accesses")).await.expect(200);
    assert!(accesses["items"].as_array().unwrap().iter().any(|a| a["what"] == "erasure"));
}
