//! What the scenarios have in common.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use contracts::{
    Sealed,
    customer::{CustomerRegistered, CustomerSnapshot},
    ticketing::{TicketOpened, TicketSnapshot},
};
use kernel::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{TestApp, TestDb};
use uuid::Uuid;

pub const ORG: &str = "/acme/north";

/// The service with its mails in a folder of its own, sending only when the test says so.
pub struct Bench {
    pub app: TestApp,
    pub mails: TempDir,
}

pub async fn start(db: TestDb) -> Bench {
    start_with(db, "").await
}

/// `more`: TOML below `[notification]`, with headers like `[notification.webhooks]`.
pub async fn start_with(db: TestDb, more: &str) -> Bench {
    let mails = tempfile::tempdir().unwrap();
    let email = format!("[notification.email]\nkind = \"file\"\nfolder = {:?}", mails.path());
    let email = if more.contains("[notification.email]") { String::new() } else { email };
    let settings = format!("[notification]\nwake_on_event = false\n{email}\n{more}");
    Bench { app: TestApp::start_with(notification::module(), db, &settings).await, mails }
}

/// Webhooks to this machine, which the guard would block.
pub const LOCAL_WEBHOOKS: &str =
    "[notification.webhooks]\nallow_http = true\nallow_cidrs = [\"127.0.0.0/8\"]";

impl Bench {
    pub fn mails(&self) -> Vec<String> {
        mails_in(self.mails.path())
    }

    /// A customer whom the service has heard of.
    pub async fn customer(&self, locale: &str, email: Option<&str>) -> Uuid {
        let customer = customer(&self.app, locale, email);
        let id = customer.customer_id;
        self.app.deliver(CustomerRegistered { customer }).await;
        id
    }

    pub async fn staff(&self, user: &str, org: &str, roles: &[&str]) {
        let admin = self.app.as_role(kernel::Role::Admin, "/acme");
        let body = json!({ "name": user, "org": org, "roles": roles, "locale": "en",
            "email": format!("{user}@acme.example") });
        admin.put(&format!("/api/v1/staff/{user}")).json(&body).send().await.expect(200).done();
    }

    /// Notices, the newest first, narrowed by a query string.
    pub async fn notices(&self, query: &str) -> Vec<Value> {
        let admin = self.app.as_role(kernel::Role::Admin, "/acme");
        let reply = admin.get(&format!("/api/v1/notices?{query}")).send().await.expect(200);
        reply.body["items"].as_array().unwrap().clone()
    }

    /// An endpoint of `/acme` for everything below `kefu.ticket.`; its id and secret.
    pub async fn endpoint(&self, url: &str) -> (Uuid, String) {
        let admin = self.app.as_role(kernel::Role::Admin, "/acme");
        let body = json!({ "name": "ERP", "url": url, "event_types": ["kefu.ticket.*"] });
        let reply = admin.post("/api/v1/webhook-endpoints").json(&body).send().await.expect(201);
        (reply.id(), reply.body["secret"].as_str().unwrap().to_owned())
    }

    pub async fn open_ticket(&self, customer: Option<Uuid>) -> TicketSnapshot {
        let ticket = ticket(customer);
        self.app.deliver(TicketOpened { ticket: ticket.clone() }).await;
        ticket
    }
}

pub fn mails_in(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.map(|e| e.unwrap().path()).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|e| e == "eml"));
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

pub fn customer(app: &TestApp, locale: &str, email: Option<&str>) -> CustomerSnapshot {
    let seal = |text: &str| Sealed(app.pii.seal(text));
    CustomerSnapshot {
        customer_id: kernel::new_id(),
        number: "C000001".into(),
        org: ORG.into(),
        orgs: vec![],
        kind: "person".into(),
        name: seal("李雷"),
        email: email.map(seal),
        phone: Some(seal("+8613800138000")),
        locale: locale.into(),
        tier: None,
        standard: None,
        account_manager: None,
        merged_into: None,
        version: 1,
    }
}

pub fn ticket(customer_id: Option<Uuid>) -> TicketSnapshot {
    TicketSnapshot {
        ticket_id: kernel::new_id(),
        number: "T2026-000123".into(),
        org: ORG.into(),
        kind: "complaint".into(),
        category: None,
        priority: "high".into(),
        status: "open".into(),
        complaint_level: None,
        subject: "包裹丢失 parcel lost".into(),
        channel: "web".into(),
        locale: "en".into(),
        customer_id,
        tier: None,
        account_manager: None,
        queue: None,
        first_responder: None,
        handler: None,
        parent_id: None,
        origin: None,
        opened_at: at("2026-03-02T01:00:00Z"),
        first_responded_at: None,
        resolved_at: None,
        closed_at: None,
        reopen_count: 0,
        urge_count: 0,
        breached: false,
        resolution_attained: None,
        response_attained: None,
        version: 1,
        kind_name: None,
        category_name: None,
        first_response_due_at: None,
        resolution_due_at: None,
    }
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Subject of a mail, with its encoded words read.
pub fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    let line = head.lines().find(|l| l.starts_with(&format!("{name}: "))).unwrap_or_default();
    let value = line.trim_start_matches(&format!("{name}: "));
    let mut out: Vec<u8> = vec![];
    let mut after_word = false;
    for part in value.split_inclusive(' ') {
        let word = part.trim_end().strip_prefix("=?utf-8?b?").and_then(|w| w.strip_suffix("?="));
        match word {
            Some(word) => {
                use base64::Engine;
                let decoded = base64::engine::general_purpose::STANDARD.decode(word).unwrap();
                if after_word && out.last() == Some(&b' ') {
                    out.pop();
                }
                out.extend(decoded);
                out.push(b' ');
                after_word = true;
            }
            None => {
                out.extend(part.as_bytes());
                after_word = false;
            }
        }
    }
    String::from_utf8(out).unwrap().trim().to_owned()
}

/// Text and HTML part of a mail, decoded, with `\n` as line end.
pub fn mail_parts(mail: &str) -> (String, String) {
    let boundary = mail.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let marker = format!("--{boundary}");
    let mut parts = mail.split(&marker).skip(1).map(|part| {
        let (head, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
        let bytes = if head.contains("base64") {
            use base64::Engine;
            let packed: String = body.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(packed).unwrap()
        } else if head.contains("quoted-printable") {
            unquoted(&body.replace("=\r\n", ""))
        } else {
            body.as_bytes().to_vec()
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

fn unquoted(text: &str) -> Vec<u8> {
    let mut out = vec![];
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    out
}

/// The machine's own time, by which the public webhook library judges timestamps.
pub fn real_time(app: &TestApp) {
    app.clock.set(kernel::SystemClock.now());
}

/// Waits for what comes about by itself, up to 10 s.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}
