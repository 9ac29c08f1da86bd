//! Both replicas of ticketing are restarted in turn under load. A caller behind a balancer meets
//! nothing but 2xx, or 503 with `Retry-After`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kefu_tests::{api::Caller, cluster::Cluster};
use reqwest::{Client, Method};
use serde_json::json;
use tokio::time::sleep;

const WORKERS: usize = 8;
/// How often a balancer asks; the delay of a shutdown must be longer.
const PROBE: Duration = Duration::from_millis(200);

/// Which replica is ready, as a balancer knows it, and what came back how often.
struct Field {
    callers: [Caller; 2],
    ready: [AtomicBool; 2],
    stop: AtomicBool,
    outcomes: Mutex<BTreeMap<String, usize>>,
}

impl Field {
    fn pick(&self, n: usize) -> &Caller {
        let ready: Vec<&Caller> = (0..2)
            .filter(|i| self.ready[*i].load(Ordering::SeqCst))
            .map(|i| &self.callers[i])
            .collect();
        ready.get(n % ready.len().max(1)).copied().unwrap_or(&self.callers[n % 2])
    }

    fn count(&self, outcome: String) {
        *self.outcomes.lock().unwrap().entry(outcome).or_default() += 1;
    }
}

pub async fn restart(cluster: &Cluster) {
    let begun = Instant::now();
    let field = Arc::new(Field {
        callers: [cluster.user("admin", 0).await, cluster.user("admin", 1).await],
        ready: [const { AtomicBool::new(true) }; 2],
        stop: AtomicBool::new(false),
        outcomes: Mutex::default(),
    });
    let mut tasks = vec![];
    for replica in 0..2 {
        let url = cluster.urls(replica).service("ticketing").to_owned();
        tasks.push(tokio::spawn(probe(field.clone(), replica, url)));
    }
    for worker in 0..WORKERS {
        tasks.push(tokio::spawn(load(field.clone(), worker)));
    }
    sleep(Duration::from_secs(1)).await;
    for name in ["ticketing", "ticketing-2"] {
        let took = tokio::task::block_in_place(|| cluster.terminate(name)).unwrap();
        assert!(took < Duration::from_secs(15), "{name} took {took:?} to end");
        tokio::task::block_in_place(|| {
            cluster.start_service(name, &[])?;
            cluster.wait_ready(name, Duration::from_secs(60))
        })
        .unwrap();
        // The balancer has to see it before the other goes.
        sleep(3 * PROBE).await;
    }
    sleep(Duration::from_secs(1)).await;
    field.stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    let outcomes = field.outcomes.lock().unwrap().clone();
    println!("rolling: {:.1?}, {outcomes:?}", begun.elapsed());
    let fine = ["200", "201", "503 Retry-After"];
    assert!(outcomes.keys().all(|o| fine.contains(&o.as_str())), "{outcomes:?}");
    let opened = outcomes["201"];
    assert!(opened > 50, "{outcomes:?}");
    let there = "select count(*) from ticket where subject like 'rolling %'";
    assert_eq!(cluster.count("ticketing", there), opened);
}

async fn probe(field: Arc<Field>, replica: usize, url: String) {
    let http = Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
    while !field.stop.load(Ordering::SeqCst) {
        let answer = http.get(format!("{url}/health/ready")).send().await;
        let ready = answer.is_ok_and(|a| a.status().is_success());
        field.ready[replica].store(ready, Ordering::SeqCst);
        sleep(PROBE).await;
    }
}

async fn load(field: Arc<Field>, worker: usize) {
    let mut n = worker;
    while !field.stop.load(Ordering::SeqCst) {
        n += 1;
        let caller = field.pick(n);
        let request = if n.is_multiple_of(2) {
            caller.request(Method::GET, "/api/v1/tickets?limit=5")
        } else {
            let ticket = json!({ "kind": "consultation", "subject": format!("rolling {worker}-{n}"), "channel": "api" });
            caller.request(Method::POST, "/api/v1/tickets").json(&ticket)
        };
        match request.send().await {
            Err(e) => field.count(format!("no answer: {e:?}")),
            Ok(answer) => {
                let status = answer.status().as_u16();
                let retry =
                    if answer.headers().contains_key("retry-after") { " Retry-After" } else { "" };
                match answer.text().await {
                    Ok(text) if status >= 400 && status != 503 => {
                        field.count(format!("{status}: {text}"))
                    }
                    Ok(_) => field.count(format!("{status}{retry}")),
                    Err(e) => field.count(format!("cut off: {e:?}")),
                }
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
}
