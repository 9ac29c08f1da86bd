//! From the answer to `resolve` until the mail of it is with the SMTP server, in split mode, one
//! after the other and with some load in between.

use std::time::Duration;

use kefu_tests::stack::{Options, Stack};
use serde_json::{Value, json};

use super::quantile;

const TICKETS: usize = 200;

pub async fn run() -> Result<(), String> {
    println!("end to end: resolve → delivered mail, split mode, {TICKETS} tickets");
    let stack = Stack::split(Options::default()).await;
    let admin = stack.user("admin").await;
    let mut tickets = vec![];
    for n in 0..TICKETS {
        let customer = json!({ "kind": "person", "name": format!("Bench {n}"), "org": "/acme/north", "email": format!("bench-{n}@example.org") });
        let id = admin.post("/api/v1/customers", customer).await.expect(201)["id"].clone();
        tickets.push(open(&admin, n, &id).await);
    }
    let mut waits = vec![];
    for ticket in &tickets {
        let resolved = admin
            .post(&format!("/api/v1/tickets/{ticket}/resolve"), json!({ "resolution": "done" }))
            .await
            .expect(200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        waits.push((ticket.clone(), resolved["resolved_at"].clone()));
    }
    let mut milliseconds = vec![];
    for (ticket, resolved_at) in waits {
        let path =
            format!("/api/v1/notices?ticket_id={ticket}&workflow=ticket_resolved&channel=email");
        let notice =
            kefu_tests::eventually("the notice is delivered", Duration::from_secs(60), || async {
                admin.list(&path).await.into_iter().find(|n| n["state"] == "delivered")
            })
            .await;
        milliseconds.push(between(&resolved_at, &notice["delivered_at"])?);
    }
    milliseconds.sort_by(f64::total_cmp);
    println!(
        "{:<34} p50 {:.0} ms, p99 {:.0} ms",
        "resolve → mail accepted by SMTP",
        quantile(&milliseconds, 0.5),
        quantile(&milliseconds, 0.99)
    );
    Ok(())
}

/// The customer's own event may still be on its way to ticketing.
async fn open(admin: &kefu_tests::api::Caller, n: usize, customer: &Value) -> String {
    let ticket = json!({ "kind": "complaint", "subject": format!("Bench {n}"), "customer_id": customer, "body": "late" });
    let body =
        kefu_tests::eventually("ticketing knows the customer", Duration::from_secs(30), || async {
            let answer = admin.post("/api/v1/tickets", ticket.clone()).await;
            (answer.status == 201).then_some(answer.body)
        })
        .await;
    body["id"].as_str().unwrap_or_default().to_owned()
}

fn between(from: &Value, to: &Value) -> Result<f64, String> {
    let at = |v: &Value| {
        chrono::DateTime::parse_from_rfc3339(v.as_str().unwrap_or_default())
            .map_err(|e| format!("{v}: {e}"))
    };
    Ok((at(to)? - at(from)?).num_microseconds().unwrap_or_default() as f64 / 1_000.0)
}
