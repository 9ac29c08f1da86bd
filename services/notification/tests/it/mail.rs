//! From an event to a mail.

use contracts::{
    Sealed,
    customer::CustomerChanged,
    notification::{NoticeDelivered, NoticeSuppressed},
    survey::{SurveyInvited, SurveySubject},
    ticketing::{Origin, TicketOpened, TicketReplied, TicketResolved},
};
use events::Outcome;

use crate::bench::{self, ORG, header, start};

#[tokio::test]
async fn an_acknowledgement_in_the_customers_language() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let zh = bench.customer("zh-CN", Some("lilei@example.com")).await;
        bench.open_ticket(Some(zh)).await;
        assert!(bench.mails().is_empty(), "sending is the job's work");
        bench.app.run_jobs().await;
        let mails = bench.mails();
        assert_eq!(mails.len(), 1);
        assert_eq!(
            header(&mails[0], "Subject"),
            "[T2026-000123] 您的诉求已受理：包裹丢失 parcel lost"
        );
        assert!(header(&mails[0], "To").contains("<lilei@example.com>"), "{}", mails[0]);
        assert_eq!(header(&mails[0], "Auto-Submitted"), "auto-generated");

        let en = bench.customer("en", Some("hanmeimei@example.com")).await;
        bench.open_ticket(Some(en)).await;
        bench.app.run_jobs().await;
        let mails = bench.mails();
        let english = mails.iter().find(|m| m.contains("hanmeimei")).unwrap();
        assert!(header(english, "Subject").starts_with("[T2026-000123] We have received"));

        let told = bench.app.emitted_of::<NoticeDelivered>().await;
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].notice.workflow, "ticket_acknowledged");
        assert_eq!(told[0].notice.recipient, zh.to_string());
        assert!(english.contains(&told[1].notice.delivery_id.to_string()), "stable Message-ID");
    }
}

#[tokio::test]
async fn a_duplicate_event_tells_once() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        let event = bench.app.envelope(TicketOpened { ticket: bench::ticket(Some(id)) });
        assert_eq!(bench.app.deliver_envelope(&event).await, Outcome::Done);
        assert_eq!(bench.app.deliver_envelope(&event).await, Outcome::Duplicate);
        bench.app.run_jobs().await;
        bench.app.run_jobs().await;
        assert_eq!(bench.mails().len(), 1);
        assert_eq!(bench.app.emitted_of::<NoticeDelivered>().await.len(), 1);
    }
}

#[tokio::test]
async fn a_customer_who_is_not_known_yet_parks_the_event() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let customer = bench::customer(&bench.app, "en", Some("a@example.com"));
        let ticket = bench::ticket(Some(customer.customer_id));
        let event = bench.app.envelope(TicketOpened { ticket });
        let problem = bench.app.try_deliver(&event).await.unwrap_err();
        assert_eq!(problem.code.code, "customer-unknown");
        assert!(bench.notices("").await.is_empty(), "nothing is half-written");
        bench.app.deliver(contracts::customer::CustomerRegistered { customer }).await;
        assert_eq!(bench.app.deliver_envelope(&event).await, Outcome::Done);
        bench.app.run_jobs().await;
        assert_eq!(bench.mails().len(), 1);
    }
}

#[tokio::test]
async fn what_is_not_sent_has_a_reason() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let without = bench.customer("en", None).await;
        bench.open_ticket(Some(without)).await;
        bench.open_ticket(None).await;
        let known = bench.customer("en", Some("a@example.com")).await;
        let mut old = bench.app.envelope(TicketOpened { ticket: bench::ticket(Some(known)) });
        old.time -= chrono::TimeDelta::hours(73);
        bench.app.deliver_envelope(&old).await;
        bench.app.run_jobs().await;
        assert!(bench.mails().is_empty());
        let told = bench.app.emitted_of::<NoticeSuppressed>().await;
        let reasons: Vec<&str> = told.iter().map(|e| e.reason.as_str()).collect();
        assert_eq!(reasons, ["no_address", "no_recipient", "stale"]);
        let rows = bench.notices("state=suppressed&channel=email").await;
        // Newest first, by the time of what they tell of.
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2]["reason"], "stale");
    }
}

#[tokio::test]
async fn imported_and_survey_tickets_are_not_acknowledged() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        let mut imported = bench::ticket(Some(id));
        imported.channel = "import".into();
        let mut follow_up = bench::ticket(Some(id));
        follow_up.origin = Some(Origin { kind: "survey_response".into(), id: kernel::new_id() });
        for ticket in [imported, follow_up] {
            bench.app.deliver(TicketOpened { ticket }).await;
        }
        assert!(bench.notices("").await.is_empty());
    }
}

#[tokio::test]
async fn replies_resolutions_and_invitations_are_mailed() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("zh-CN", Some("a@example.com")).await;
        let ticket = bench::ticket(Some(id));
        for direction in ["inbound", "outbound"] {
            let event = TicketReplied {
                ticket: ticket.clone(),
                article_id: kernel::new_id(),
                direction: direction.into(),
                author: "li".into(),
                first_response: true,
                body: None,
            };
            bench.app.deliver(event).await;
        }
        bench
            .app
            .deliver(TicketResolved {
                ticket: ticket.clone(),
                resolution: "done".into(),
                sealed_resolution: None,
            })
            .await;
        let link = "https://kefu.example.com/s/abc123";
        let subject = SurveySubject {
            org: ORG.into(),
            survey_key: "csat".into(),
            survey_version: 1,
            ticket_id: Some(ticket.ticket_id),
            ticket_number: Some(ticket.number.clone()),
            kind: None,
            customer_id: Some(id),
            tier: None,
            handler: None,
            first_responder: None,
            account_manager: None,
        };
        let invited = SurveyInvited {
            invitation_id: kernel::new_id(),
            subject,
            link: Sealed(bench.app.pii.seal(link)),
            locale: "en".into(),
            expires_at: bench::at("2026-03-09T01:00:00Z"),
            by_hand: false,
        };
        bench.app.deliver(invited).await;
        bench.app.run_jobs().await;
        let mails = bench.mails();
        let mut subjects: Vec<String> = mails.iter().map(|m| header(m, "Subject")).collect();
        subjects.sort();
        assert_eq!(subjects.len(), 3, "{subjects:?}");
        assert!(
            subjects[0].starts_with("How did we do?"),
            "the invitation speaks its page's language"
        );
        assert!(
            subjects[1].contains("诉求的答复") && subjects[2].contains("已办结"),
            "{subjects:?}"
        );
        let invitation = mails.iter().find(|m| m.contains("How did we do")).unwrap();
        assert!(invitation.replace("=\r\n", "").contains(link), "{invitation}");
    }
}

#[tokio::test]
async fn the_newest_state_of_a_customer_counts() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let mut customer = bench::customer(&bench.app, "en", Some("old@example.com"));
        let (seal, id) = (|t: &str| Sealed(bench.app.pii.seal(t)), customer.customer_id);
        let changed = |c: &contracts::customer::CustomerSnapshot| CustomerChanged {
            customer: c.clone(),
            changed: vec!["email".into()],
        };
        customer.version = 3;
        customer.email = Some(seal("new@example.com"));
        bench.app.deliver(changed(&customer)).await;
        customer.version = 2;
        customer.email = Some(seal("old@example.com"));
        bench.app.deliver(changed(&customer)).await;
        bench.open_ticket(Some(id)).await;
        bench.app.run_jobs().await;
        assert!(header(&bench.mails()[0], "To").contains("new@example.com"));
    }
}
