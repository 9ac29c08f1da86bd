//! What is meant for a role that nobody holds reaches whoever stands above, and if there is nobody at
//! all, that is counted.

use contracts::{
    notification::NoticeSuppressed,
    ticketing::{TicketEscalated, TicketUrged},
};
use kernel::Role;
use serde_json::{Value, json};

use crate::bench::{self, Bench, ORG, mail_parts, start};

fn urged_three_times() -> TicketEscalated {
    let mut ticket = bench::ticket(None);
    ticket.complaint_level = Some("critical".into());
    ticket.urge_count = 3;
    TicketEscalated {
        ticket,
        timer_id: None,
        metric: None,
        level: 1,
        target: "supervisor".into(),
        due_at: None,
        reason: "urged".into(),
    }
}

async fn inbox(bench: &Bench, user: &str) -> Vec<Value> {
    let client = bench.app.as_user(user, &[Role::Agent], ORG);
    let body = client.get("/api/v1/inbox").send().await.expect(200).body;
    body["items"].as_array().unwrap().clone()
}

/// How often a notice of the workflow reached nobody, in this process.
fn to_nobody(workflow: &str) -> f64 {
    let (_, text) = meter::exposition("text/plain").unwrap();
    let wanted = format!("workflow=\"{workflow}\"");
    let line = text
        .lines()
        .find(|l| l.starts_with("kefu_notices_to_nobody_total{") && l.contains(&wanted))
        .unwrap_or_else(|| panic!("there is no series for {workflow}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_escalation_climbs_until_somebody_is_there() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        // Of another unit: not theirs to read.
        bench.staff("zhou", "/acme/south", &["supervisor", "director", "admin"]).await;
        bench.staff("ada", "/acme", &["admin"]).await;
        bench.app.deliver(urged_three_times()).await;
        assert!(inbox(&bench, "zhou").await.is_empty());
        let seen = inbox(&bench, "ada").await;
        assert_eq!(seen.len(), 1, "at last the administrators");
        let body = seen[0]["body"].as_str().unwrap();
        assert!(body.contains("Nobody in the directory holds the role “supervisor”"), "{body}");
        bench.app.run_jobs().await;
        let (text, _) = mail_parts(&bench.mails()[0]);
        assert!(
            text.contains("the directory lists nobody with the role “supervisor” for /acme/north"),
            "{text}"
        );
        let rows = bench.notices("recipient=ada&channel=inbox").await;
        assert_eq!(rows[0]["instead_of"], "supervisor");
        let told = bench.app.emitted_of::<NoticeSuppressed>().await;
        assert_eq!(told[0].notice.recipient, "role:supervisor", "the gap stays on record");

        bench.staff("deng", "/acme", &["director"]).await;
        bench.app.deliver(urged_three_times()).await;
        assert_eq!(inbox(&bench, "deng").await.len(), 1, "the rank above comes first");
        assert_eq!(inbox(&bench, "ada").await.len(), 1);

        bench.staff("sun", ORG, &["supervisor"]).await;
        bench.app.deliver(urged_three_times()).await;
        assert_eq!(inbox(&bench, "sun").await.len(), 1);
        assert_eq!((inbox(&bench, "deng").await.len(), inbox(&bench, "ada").await.len()), (1, 1));
        let rows = bench.notices("recipient=sun&channel=inbox").await;
        assert_eq!(rows[0]["instead_of"], Value::Null);
    }
}

#[tokio::test]
async fn a_handler_who_has_left_is_stood_in_for() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        bench.staff("sun", ORG, &["supervisor"]).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let gone = json!({ "name": "Li", "roles": ["agent"], "active": false, "org": ORG });
        admin.put("/api/v1/staff/li").json(&gone).send().await.expect(200).done();
        let mut ticket = bench::ticket(None);
        ticket.handler = Some("li".into());
        bench.app.deliver(TicketUrged { ticket, note: None }).await;
        assert_eq!(inbox(&bench, "sun").await.len(), 1);
        assert!(inbox(&bench, "li").await.is_empty());
        assert_eq!(bench.notices("recipient=li").await[0]["reason"], "no_recipient");
    }
}

#[tokio::test]
async fn what_reaches_nobody_at_all_is_counted() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let before = to_nobody("ticket_escalated");
        bench.app.deliver(urged_three_times()).await;
        assert!(to_nobody("ticket_escalated") >= before + 1.0);
        let told = bench.app.emitted_of::<NoticeSuppressed>().await;
        assert_eq!(told[0].reason, "no_recipient");
    }
}
