//! Mixed load by several workers: customers, complaints, replies, notes, urges, resolves; customers
//! who answer the survey they were mailed; an inspector who scores what the risk rules drew.
//!
//! Each ticket belongs to one worker, so that the order in which it was changed is known.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{Client, Settled},
    ledger::{Answered, Book, Customer, Evaluated, Ledger, Ticket},
};
use crate::{api::Caller, mail::Mail};

/// What a run's load is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub workers: usize,
    /// Pause of a worker between two requests.
    pub pause: Duration,
    /// Open tickets that a worker has in hand at most.
    pub in_hand: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { workers: 6, pause: Duration::from_millis(200), in_hand: 12 }
    }
}

/// Mail domain of this run alone: the mail sink may have seen others.
#[must_use]
pub fn domain() -> String {
    format!("@chaos-{}.example.org", std::process::id())
}

/// Staff who are told of things, and a policy whose deadlines pass within seconds.
pub async fn prepare(admin: &Caller) {
    for (user, role, org) in [
        ("li.na", "agent", "/acme/north"),
        ("sun.lei", "supervisor", "/acme/north"),
        ("zhou.tao", "director", "/acme"),
        ("wu.jing", "inspector", "/acme"),
    ] {
        let staff = json!({ "name": user, "org": org, "roles": [role], "locale": "en" });
        admin.put(&format!("/api/v1/staff/{user}"), staff).await.expect(200);
    }
    let policy = json!({
        "name": { "zh": "限时", "en": "Quick" }, "order": 1, "when": { "kinds": ["repair"] }, "calendar": "always",
        "first_response_minutes": 0.1, "resolution_minutes": 0.2, "warn_percents": [50],
        "escalations": [{ "after_minutes": 0.05, "target": "supervisor" }, { "after_minutes": 0.1, "target": "director" }],
    });
    let request = admin.request(Method::PUT, "/api/v1/sla-policies/quick");
    let answer = admin.send(request.header("if-match", "\"0\"").json(&policy)).await;
    assert!(answer.status < 300, "{}", answer.text);
}

/// Everything that load is told.
#[derive(Debug)]
pub struct Load {
    pub ledger: Arc<Ledger>,
    pub mails: PathBuf,
    pub seed: u64,
    pub shape: Shape,
    pub stop: Arc<AtomicBool>,
    /// While true no customer is registered, no survey answered, nothing inspected.
    pub tickets_only: Arc<AtomicBool>,
}

impl Load {
    /// Runs until told to stop; then everything that was begun is brought to its end.
    pub async fn run(self, admin: Client, inspector: Client) {
        let Self { ledger, mails, seed, shape, stop, tickets_only } = self;
        let working = Arc::new(AtomicUsize::new(shape.workers));
        let mut tasks = vec![];
        for number in 0..shape.workers {
            let worker = Worker {
                number,
                shape,
                client: admin.clone(),
                ledger: ledger.clone(),
                random: StdRng::seed_from_u64(seed ^ ((number as u64 + 1) << 32)),
                made: 0,
                customers: vec![],
                in_hand: vec![],
                tickets_only: tickets_only.clone(),
            };
            let (stop, working) = (stop.clone(), working.clone());
            tasks.push(tokio::spawn(async move {
                worker.run(&stop).await;
                working.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        let answering =
            answer_mails(admin, ledger.clone(), mails, stop.clone(), tickets_only.clone());
        let inspecting = inspect(inspector, ledger, stop, tickets_only);
        tokio::join!(futures::future::join_all(tasks), answering, inspecting);
    }
}

struct Worker {
    number: usize,
    shape: Shape,
    client: Client,
    ledger: Arc<Ledger>,
    random: StdRng,
    made: usize,
    /// Ids of customers, the oldest first.
    customers: Vec<String>,
    /// Ids of unfinished tickets.
    in_hand: Vec<String>,
    tickets_only: Arc<AtomicBool>,
}

impl Worker {
    async fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::SeqCst) {
            self.step().await;
            tokio::time::sleep(self.shape.pause).await;
        }
    }

    async fn step(&mut self) {
        let full = self.in_hand.len() >= self.shape.in_hand;
        if self.customers.len() < 3 || (!full && self.random.random_ratio(1, 10)) {
            if !self.tickets_only.load(Ordering::SeqCst) {
                self.register().await;
            }
        } else if self.in_hand.is_empty() || (!full && self.random.random_ratio(3, 10)) {
            self.open().await;
        } else {
            let at = self.random.random_range(0..self.in_hand.len());
            self.go_on(at).await;
        }
    }

    fn next(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.number, self.made)
    }

    async fn register(&mut self) {
        let name = self.next();
        let email = format!("c{name}{}", domain());
        let locale = if self.random.random() { "zh-CN" } else { "en" };
        let customer = json!({
            "kind": "person", "name": format!("客户{name}"), "org": "/acme/north",
            "locale": locale, "email": email,
        });
        let answer = self
            .client
            .post("/api/v1/customers", Some(&format!("customer-{name}")), &customer)
            .await;
        if self.expected(&answer, "a customer") {
            self.ledger.book().customers.insert(answer.id(), Customer { email });
            self.customers.push(answer.id());
        }
    }

    async fn open(&mut self) {
        let name = self.next();
        let kind = *["complaint", "complaint", "consultation", "repair"]
            .choose(&mut self.random)
            .expect("kinds");
        // The newest may not be known to ticketing yet.
        let known = self.customers.len().saturating_sub(1).max(1);
        let customer = self.customers[self.random.random_range(0..known)].clone();
        let external_ref = format!("chaos-{name}");
        let ticket = json!({
            "kind": kind, "subject": format!("投诉 {name}: parcel late"), "customer_id": customer,
            "channel": "api", "external_ref": external_ref, "body": "Where is it?", "org": "/acme/north",
        });
        let answer =
            self.client.post("/api/v1/tickets", Some(&format!("ticket-{name}")), &ticket).await;
        // "Not yet", or a version that did not say it so.
        let on_the_way = ["customer-not-yet-known", "unknown-customer"];
        if on_the_way.iter().any(|code| answer.text.contains(code)) {
            return;
        }
        if self.expected(&answer, "a ticket") {
            let number = answer.body["number"].as_str().unwrap_or_default().to_owned();
            let ticket = Ticket {
                number,
                customer,
                kind: kind.to_owned(),
                external_ref,
                ..Ticket::default()
            };
            self.ledger.book().tickets.insert(answer.id(), ticket);
            self.in_hand.push(answer.id());
        }
    }

    async fn go_on(&mut self, at: usize) {
        let id = self.in_hand[at].clone();
        match self.random.random_range(0..100) {
            0..30 => self.write(&id, "outbound").await,
            30..45 => self.write(&id, "internal").await,
            45..55 => self.write(&id, "inbound").await,
            55..65 => self.urge(&id).await,
            _ => {
                self.move_to(&id, "resolve", json!({ "resolution": "delivered" })).await;
                if self.random.random_ratio(1, 10) {
                    self.move_to(&id, "reopen", json!({ "reason": "still broken" })).await;
                }
                if self.ledger.book().tickets.get(&id).is_some_and(Ticket::is_resolved) {
                    self.in_hand.remove(at);
                }
            }
        }
    }

    async fn write(&mut self, id: &str, direction: &str) {
        let key = format!("article-{}", self.next());
        let article = json!({ "direction": direction, "body": format!("{key}: we look into it") });
        let answer =
            self.client.post(&format!("/api/v1/tickets/{id}/articles"), Some(&key), &article).await;
        if self.expected(&answer, "an article") {
            let article = answer.body["article"]["id"].as_str().unwrap_or_default().to_owned();
            self.ledger.ticket(id, |t| t.articles.push((article, direction.to_owned())));
        }
    }

    async fn urge(&mut self, id: &str) {
        let key = format!("urge-{}", self.next());
        let answer =
            self.client.post(&format!("/api/v1/tickets/{id}/urge"), Some(&key), &json!({})).await;
        if self.expected(&answer, "an urge") {
            self.ledger.ticket(id, |t| t.urges += 1);
        }
    }

    /// A change of status has no key: repeated after a lost answer it meets its own effect.
    async fn move_to(&mut self, id: &str, action: &str, body: Value) {
        let answer = self.client.post(&format!("/api/v1/tickets/{id}/{action}"), None, &body).await;
        if self.expected(&answer, action) {
            self.ledger.ticket(id, |t| match action {
                "resolve" => t.resolved += 1,
                _ => t.reopened += 1,
            });
        }
    }

    fn expected(&self, answer: &Settled, what: &str) -> bool {
        expected(&self.ledger, answer, what)
    }
}

/// Whether the request was carried out; what is neither done nor excused is a complaint.
fn expected(ledger: &Ledger, answer: &Settled, what: &str) -> bool {
    if !answer.is_done() && answer.status != 0 {
        ledger.complain(format!("{what} was refused with {}: {}", answer.status, answer.text));
    }
    answer.is_done()
}

/// Customers open their mails: four of five answer, each link once.
async fn answer_mails(
    client: Client,
    ledger: Arc<Ledger>,
    mails: PathBuf,
    stop: Arc<AtomicBool>,
    rest: Arc<AtomicBool>,
) {
    let mut seen: HashSet<PathBuf> = HashSet::new();
    let mut used: HashSet<String> = HashSet::new();
    while !stop.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (token, email) in new_links(&mails, &mut seen) {
            if [&stop, &rest].iter().any(|s| s.load(Ordering::SeqCst))
                || !used.insert(token.clone())
            {
                continue;
            }
            let score = token.bytes().map(i64::from).sum::<i64>() % 6;
            if score > 0 {
                answer_one(&client, &ledger, &token, &email, score).await;
            }
        }
    }
}

async fn answer_one(client: &Client, ledger: &Ledger, token: &str, email: &str, csat: i64) {
    let answers = json!({ "answers": { "csat": csat, "nps": csat * 2, "comment": "so it was" } });
    let answer = client.post(&format!("/api/v1/answers/{token}"), None, &answers).await;
    if !expected(ledger, &answer, "an answer to a survey") {
        return;
    }
    let mut book = ledger.book();
    if let Some(customer) = customer_of(&book, email) {
        book.answers.insert(customer, Answered { csat });
    }
}

fn customer_of(book: &Book, email: &str) -> Option<String> {
    book.customers.iter().find(|(_, c)| c.email == email).map(|(id, _)| id.clone())
}

/// Tokens of survey links in mails that came since the last time, with the mails' addressees.
fn new_links(mails: &Path, seen: &mut HashSet<PathBuf>) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(mails.join("new")) else { return vec![] };
    let fresh =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|path| seen.insert(path.clone()));
    let paths: Vec<PathBuf> = fresh.collect();
    paths.iter().filter_map(|path| link_in(path)).collect()
}

fn link_in(path: &Path) -> Option<(String, String)> {
    let raw = fs::read(path).ok()?;
    let mail = Mail { raw: String::from_utf8_lossy(&raw).into_owned() };
    let line = mail.raw.lines().find(|l| l.to_ascii_lowercase().starts_with("to:"))?.to_owned();
    let ours = domain();
    let end = line.find(&ours)? + ours.len();
    let start = line[..end].rfind(['<', ' ', ':']).map_or(0, |n| n + 1);
    let link = mail.link("/s/")?;
    let token = link.rsplit_once("/s/")?.1.to_owned();
    Some((token, line[start..end].to_owned()))
}

/// The inspector scores what is open.
async fn inspect(
    client: Client,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    rest: Arc<AtomicBool>,
) {
    let mut begun: HashMap<String, String> = HashMap::new();
    while !stop.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_secs(4)).await;
        if rest.load(Ordering::SeqCst) {
            continue;
        }
        let open = client.get("/api/v1/inspections?state=open&limit=20").await;
        let items = open.body["items"].as_array().cloned().unwrap_or_default();
        for item in items.iter().filter_map(|i| i["id"].as_str()) {
            if [&stop, &rest].iter().any(|s| s.load(Ordering::SeqCst)) {
                break;
            }
            if !begun.contains_key(item) {
                evaluate(&client, &ledger, item, &mut begun).await;
            }
        }
    }
}

async fn evaluate(
    client: &Client,
    ledger: &Ledger,
    inspection: &str,
    begun: &mut HashMap<String, String>,
) {
    let answers = json!([
        { "item": "first_reply", "value": 5 }, { "item": "kept_informed", "na": true },
        { "item": "understood", "value": 5 }, { "item": "solution", "value": "right" },
        { "item": "cause", "value": true }, { "item": "promise", "na": true },
        { "item": "courtesy", "value": 4 }, { "item": "integrity", "value": true },
        { "item": "complete", "value": true },
    ]);
    let path = format!("/api/v1/inspections/{inspection}/evaluations");
    let key = format!("evaluation-{inspection}");
    let draft = client.post(&path, Some(&key), &json!({ "answers": answers })).await;
    if !expected(ledger, &draft, "an evaluation") {
        return;
    }
    let id = draft.id();
    begun.insert(inspection.to_owned(), id.clone());
    let entry = Evaluated { evaluation: Some(id.clone()), published: false };
    ledger.book().evaluations.insert(inspection.to_owned(), entry);
    let published =
        client.post(&format!("/api/v1/evaluations/{id}/publish"), None, &json!({})).await;
    if expected(ledger, &published, "a publication")
        && let Some(entry) = ledger.book().evaluations.get_mut(inspection)
    {
        entry.published = true;
    }
}
