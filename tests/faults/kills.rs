//! 2,000 complaints while every service is killed with -9 at least five times.
//!
//! The load is accounted by what was answered 2xx. A request that got no answer is repeated with
//! the same Idempotency-Key, as a partner system would.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use kefu_tests::{
    api::{Answer, Caller},
    stack::{Options, SERVICES, Stack},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;

const COMPLAINTS: usize = 2_000;
const CUSTOMERS: usize = 500;
const KILLS_EACH: usize = 5;
const WORKERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_happens_twice_under_kill_9() {
    let seed =
        std::env::var("KEFU_FAULT_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_260_302);
    println!("seed {seed} (KEFU_FAULT_SEED)");
    let stack = Arc::new(Stack::split(Options::default()).await);
    let admin = stack.user("admin").await;
    let customers = register(&admin).await;
    known_to_ticketing(&stack).await;

    let begun = Instant::now();
    let done = Arc::new(AtomicUsize::new(0));
    let resolved = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let killer = {
        let (stack, stop) = (stack.clone(), stop.clone());
        std::thread::spawn(move || kill_at_random(&stack, seed, &stop))
    };
    let agent = stack.user("admin").await;
    let mut workers = vec![];
    for worker in 0..WORKERS {
        let (agent, customers) = (agent.clone(), customers.clone());
        let (done, resolved) = (done.clone(), resolved.clone());
        workers.push(tokio::spawn(async move {
            for n in (worker..COMPLAINTS).step_by(WORKERS) {
                let ticket = complain(&agent, n, &customers[n % CUSTOMERS]).await;
                // Two of each customer's four complaints are settled: one asks, one meets the cool-down.
                if n < 2 * CUSTOMERS {
                    resolve(&agent, &ticket).await;
                    resolved.fetch_add(1, Ordering::Relaxed);
                }
                done.fetch_add(1, Ordering::Relaxed);
                // Stretches the load over the whole row of kills.
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let loaded = begun.elapsed();
    let kills = killer.join().unwrap();
    stop.store(true, Ordering::Relaxed);
    println!("{} complaints in {loaded:.1?} under kills {kills:?}", done.load(Ordering::Relaxed));
    assert!(kills.values().all(|n| *n >= KILLS_EACH), "{kills:?}");

    let quiet = wait_for_quiet(&stack).await;
    println!("quiet {quiet:.1?} after the last kill");
    reconcile(&stack, resolved.load(Ordering::Relaxed));
}

async fn register(admin: &Caller) -> Vec<String> {
    let mut ids = vec![];
    for n in 0..CUSTOMERS {
        let customer = json!({
            "kind": "person", "name": format!("客户{n}"), "org": "/acme/north", "locale": if n % 2 == 0 { "zh-CN" } else { "en" },
            "email": format!("customer-{n}{}", domain()),
        });
        let body = admin
            .post_once("/api/v1/customers", &format!("customer-{n}"), &customer)
            .await
            .expect(201);
        ids.push(body["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn known_to_ticketing(stack: &Stack) {
    kefu_tests::eventually("ticketing knows every customer", Duration::from_secs(120), || async {
        (count(stack, "ticketing", "select count(*) from customer") == CUSTOMERS).then_some(())
    })
    .await;
}

async fn complain(agent: &Caller, n: usize, customer: &str) -> String {
    let ticket = json!({
        "kind": "complaint", "subject": format!("投诉 {n}: parcel late"), "customer_id": customer,
        "channel": "api", "external_ref": format!("fault-{n}"), "body": "Where is it?",
    });
    let key = format!("complaint-{n}");
    let answer = insist(agent, || {
        agent
            .request(reqwest::Method::POST, "/api/v1/tickets")
            .header("idempotency-key", &key)
            .json(&ticket)
    })
    .await;
    let body = answer.expect(201);
    body["id"].as_str().unwrap().to_owned()
}

async fn resolve(agent: &Caller, ticket: &str) {
    let path = format!("/api/v1/tickets/{ticket}/resolve");
    let answer = insist(agent, || {
        agent.request(reqwest::Method::POST, &path).json(&json!({ "resolution": "delivered" }))
    })
    .await;
    // A repeated resolve whose first answer was lost meets a resolved ticket.
    assert!(answer.status < 300 || answer.status == 409, "{}", answer.text);
}

/// Sends until there is an answer other than 409 in flight, 429 or 503.
async fn insist(agent: &Caller, request: impl Fn() -> reqwest::RequestBuilder) -> Answer {
    let begun = Instant::now();
    loop {
        match agent.try_send(request()).await {
            Ok(answer)
                if !matches!(answer.status, 429 | 503)
                    && answer.body["code"] != "request-in-flight" =>
            {
                return answer;
            }
            Ok(answer) => assert!(begun.elapsed() < Duration::from_secs(120), "{}", answer.text),
            Err(e) => assert!(begun.elapsed() < Duration::from_secs(120), "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn kill_at_random(stack: &Stack, seed: u64, stop: &AtomicBool) -> BTreeMap<&'static str, usize> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut order: Vec<&'static str> = SERVICES.iter().flat_map(|s| vec![*s; KILLS_EACH]).collect();
    order.shuffle(&mut random);
    let mut kills = BTreeMap::new();
    for service in order {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(Duration::from_millis(random.random_range(200..1_200)));
        stack.kill_service(service);
        std::thread::sleep(Duration::from_millis(random.random_range(0..500)));
        stack.start_service(service);
        *kills.entry(service).or_default() += 1;
    }
    kills
}

/// Waits until nothing is on its way any more: outboxes empty, nothing parked, figures standing
/// still.
async fn wait_for_quiet(stack: &Stack) -> Duration {
    let begun = Instant::now();
    let mut last = String::new();
    let mut still = 0;
    while still < 8 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut now = String::new();
        let mut busy = 0;
        for service in SERVICES {
            busy += count(stack, service, "select count(*) from outbox where published_at is null");
            busy += count(stack, service, "select count(*) from parked");
            now += &format!("{} ", count(stack, service, "select count(*) from inbox"));
        }
        busy += count(
            stack,
            "notification",
            "select count(*) from delivery where state in ('queued', 'sending')",
        );
        still = if busy == 0 && now == last { still + 1 } else { 0 };
        last = now;
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "no quiet: {busy} on their way, {last}"
        );
    }
    begun.elapsed()
}

fn reconcile(stack: &Stack, resolved: usize) {
    let is = |what: &str, service: &str, sql: &str, expected: usize| {
        let found = count(stack, service, sql);
        println!("{what}: {found}");
        assert_eq!(found, expected, "{what} ({service}: {sql})");
    };
    is("tickets", "ticketing", "select count(*) from ticket", COMPLAINTS);
    is("ticket numbers", "ticketing", "select count(distinct number) from ticket", COMPLAINTS);
    is(
        "external references",
        "ticketing",
        "select count(distinct external_ref) from ticket",
        COMPLAINTS,
    );
    is(
        "resolved tickets",
        "ticketing",
        "select count(*) from ticket where status = 'resolved'",
        resolved,
    );
    is(
        "first-response timers",
        "ticketing",
        "select count(*) from timer where metric = 'first_response'",
        COMPLAINTS,
    );
    is(
        "resolution timers",
        "ticketing",
        "select count(*) from timer where metric = 'resolution'",
        COMPLAINTS,
    );
    is(
        "resolution timers ended",
        "ticketing",
        "select count(*) from timer where metric = 'resolution' and state in ('met', 'breached')",
        resolved,
    );
    is("invitations and skips", "survey", "select count(*) from invitation", resolved);
    is(
        "invitations sent",
        "survey",
        "select count(*) from invitation where skip_reason is null",
        CUSTOMERS,
    );
    is(
        "cool-down skips",
        "survey",
        "select count(*) from invitation where skip_reason = 'cool_down'",
        resolved - CUSTOMERS,
    );
    let delivered = |workflow: &str| {
        format!(
            "select count(*) from delivery where workflow = '{workflow}' and channel = 'email' and state = 'delivered'"
        )
    };
    is("acknowledgements", "notification", &delivered("ticket_acknowledged"), COMPLAINTS);
    is("resolution notices", "notification", &delivered("ticket_resolved"), resolved);
    is("survey mails", "notification", &delivered("survey_invited"), CUSTOMERS);
    let entries = |ty: &str| format!("select count(*) from timeline where type = '{ty}'");
    is("timeline: opened", "customer", &entries("kefu.ticket.opened.v1"), COMPLAINTS);
    is("timeline: resolved", "customer", &entries("kefu.ticket.resolved.v1"), resolved);
    is("timeline: invited", "customer", &entries("kefu.survey.invited.v1"), CUSTOMERS);
    let notices = count(
        stack,
        "notification",
        "select count(*) from delivery where state = 'delivered' and customer_id is not null",
    );
    assert!(notices >= COMPLAINTS + resolved + CUSTOMERS, "{notices}");
    is("timeline: delivered", "customer", &entries("kefu.notification.delivered.v1"), notices);
    is(
        "notices double",
        "notification",
        "select count(*) from (select 1 from delivery group by event_id, workflow, channel, recipient having count(*) > 1) d",
        0,
    );
    for service in SERVICES {
        is("dead letters", service, "select count(*) from dead_letter", 0);
    }
    let domain = domain();
    let mails = stack.mails.all().iter().filter(|mail| mail.is_to(&domain)).count();
    let expected = COMPLAINTS + resolved + CUSTOMERS;
    assert!(mails >= expected, "{mails} mails for {expected} notices");
    println!(
        "mails at the SMTP server: {mails} for {expected} notices ({} sent again after a crash, same Message-ID)",
        mails - expected
    );
}

/// Mail domain of this run alone: the mail sink may have seen others.
fn domain() -> String {
    format!("@run-{}.example.org", std::process::id())
}

fn count(stack: &Stack, service: &str, sql: &str) -> usize {
    let url = stack.database(service);
    let output = Command::new("psql").args(["-qAt", &url, "-c", sql]).output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}
