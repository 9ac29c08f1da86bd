//! What a service centre does all day, at a steady rate: tickets are opened, answered, resolved,
//! looked for; now and then a customer is new.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kefu_tests::{api::Caller, stack::Stack};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{http::Connection, load, split};

const WORKERS: usize = 8;

/// Answers by status; 0 counts requests that got none.
pub type Counts = BTreeMap<u16, usize>;

/// Load in the background.
pub struct Mixed {
    stop: Arc<AtomicBool>,
    counts: Arc<Mutex<Counts>>,
    workers: Vec<JoinHandle<()>>,
}

impl Mixed {
    /// `rate` rounds a second: each opens a ticket and goes on with it. `customers` are known to
    /// ticketing. New customers come only with `registering`.
    pub fn begin(
        stack: &Stack,
        caller: &Caller,
        customers: &[Value],
        rate: f64,
        registering: bool,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(Mutex::new(Counts::new()));
        #[allow(clippy::cast_precision_loss, reason = "a handful of workers")]
        let pause = Duration::from_secs_f64(WORKERS as f64 / rate);
        let workers = (0..WORKERS)
            .map(|n| {
                let mut worker = Worker {
                    ticketing: split::connection(stack, caller, "/api/v1/tickets"),
                    customer: split::connection(stack, caller, "/api/v1/customers"),
                    customers: customers.to_vec(),
                    counts: counts.clone(),
                    registering,
                    round: n,
                };
                let stop = stop.clone();
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        let next = Instant::now() + pause;
                        worker.round().await;
                        tokio::time::sleep_until(next.into()).await;
                    }
                })
            })
            .collect();
        Self { stop, counts, workers }
    }

    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn end(self) -> Result<Counts, String> {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.await.map_err(super::error)?;
        }
        Ok(self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

struct Worker {
    ticketing: Connection,
    customer: Connection,
    customers: Vec<Value>,
    counts: Arc<Mutex<Counts>>,
    registering: bool,
    round: usize,
}

impl Worker {
    async fn round(&mut self) {
        self.round += WORKERS;
        if self.registering && self.round % 20 < WORKERS {
            let person = json!({ "kind": "person", "name": format!("Mixed {}", self.round), "org": "/acme/north" });
            let ask = load::post("/api/v1/customers", &person);
            let reply = load::send(&mut self.customer, &ask).await;
            self.count(&reply);
        }
        let customer = &self.customers[self.round % self.customers.len()];
        let ticket = json!({ "kind": "complaint", "subject": format!("Mixed {} 包裹延误", self.round),
            "customer_id": customer, "body": "Where is it?" });
        let Some(ticket) = self.post("/api/v1/tickets", &ticket).await else { return };
        let Some(id) = ticket["id"].as_str() else { return };
        let path = format!("/api/v1/tickets/{id}");
        let answer = json!({ "direction": "outbound", "body": "We look into it. 我们正在查询" });
        self.post(&format!("{path}/articles"), &answer).await;
        self.get(&path).await;
        if self.round.is_multiple_of(2) {
            self.post(&format!("{path}/resolve"), &json!({ "resolution": "done" })).await;
        }
        self.get("/api/v1/tickets?status=active&limit=20").await;
        self.get("/api/v1/tickets?q=mixed&limit=20").await;
    }

    async fn post(&mut self, path: &str, body: &Value) -> Option<Value> {
        let reply = load::send(&mut self.ticketing, &load::post(path, body)).await;
        self.count(&reply);
        reply.ok()?.json().ok()
    }

    async fn get(&mut self, path: &str) {
        let reply = self.ticketing.get(path).await;
        self.count(&reply);
    }

    fn count(&self, reply: &Result<super::http::Reply, String>) {
        let status = reply.as_ref().map_or(0, |r| r.status);
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
    }
}

/// Persons with an address, known to ticketing.
pub async fn customers(admin: &Caller, n: usize) -> Vec<Value> {
    let mut all = vec![];
    for n in 0..n {
        let customer = json!({ "kind": "person", "name": format!("Bench {n}"), "org": "/acme/north",
            "email": format!("bench-{n}@example.org") });
        all.push(admin.post("/api/v1/customers", customer).await.expect(201)["id"].clone());
    }
    let last = all.last().cloned().unwrap_or_default();
    let ticket = json!({ "kind": "repair", "subject": "first", "customer_id": last });
    kefu_tests::eventually("ticketing knows the customers", Duration::from_secs(60), || async {
        (admin.post("/api/v1/tickets", ticket.clone()).await.status == 201).then_some(())
    })
    .await;
    all
}

/// Waits until no outbox has anything to send and no delivery is due.
pub async fn quiet(stack: &Stack, limit: Duration) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let due = "select count(*) from delivery where state in ('queued', 'sending')";
        let mut left: usize = super::postgres::psql(&stack.database("notification"), due)?
            .parse()
            .map_err(super::error)?;
        for service in kefu_tests::stack::SERVICES {
            left += backlog(stack, service)?;
        }
        if left == 0 {
            let brokers = super::split::brokers(stack.dir.path())?;
            let unread: i64 = kefu_tests::chaos::topics::lags(&brokers)?.values().sum();
            left = usize::try_from(unread).unwrap_or_default();
        }
        if left == 0 {
            return Ok(());
        }
        if begun.elapsed() > limit {
            return Err(format!("{left} events and deliveries are still under way"));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Events of a service that wait to be published.
pub fn backlog(stack: &Stack, service: &str) -> Result<usize, String> {
    let waiting = "select count(*) from outbox where published_at is null";
    super::postgres::psql(&stack.database(service), waiting)?.parse().map_err(super::error)
}
