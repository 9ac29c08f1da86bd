//! Texts: built in, a unit's own, previews.

use kernel::Role;
use serde_json::json;

use crate::bench::{ORG, header, start};

const URL: &str = "/api/v1/templates/ticket_acknowledged/email/en";

#[tokio::test]
async fn a_units_own_text_is_used_from_its_next_mail_on() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        let top = bench.app.as_role(Role::Admin, "/acme");
        let north = bench.app.as_role(Role::Admin, ORG);
        let builtin = top.get(URL).send().await.expect(200);
        assert_eq!((builtin.version(), &builtin.body["org"]), (0, &json!(null)));
        let own = |subject: &str| json!({ "subject": subject, "text": "{{ recipient.name }}", "html": "<i>{{ ticket.subject }}</i>" });
        top.put(URL)
            .if_match(0)
            .json(&own("Acme {{ ticket.number }}"))
            .send()
            .await
            .expect(200)
            .done();
        let second = top
            .put(URL)
            .if_match(1)
            .json(&own("ACME {{ ticket.number }}"))
            .send()
            .await
            .expect(200);
        assert_eq!(second.version(), 2);
        top.put(URL)
            .if_match(1)
            .json(&own("late"))
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        bench.open_ticket(Some(id)).await;
        north.put(URL).if_match(0).json(&own("North")).send().await.expect(200).done();
        assert_eq!(
            top.get(URL).send().await.expect(200).body["subject"],
            "ACME {{ ticket.number }}"
        );
        bench.app.run_jobs().await;
        assert_eq!(header(&bench.mails()[0], "Subject"), "North", "the nearest unit's");
        assert_eq!(bench.notices("").await[0]["template_version"], 1);
        let list =
            north.get("/api/v1/templates?key=ticket_acknowledged").send().await.expect(200).body;
        let orgs: Vec<_> =
            list["items"].as_array().unwrap().iter().map(|t| t["org"].clone()).collect();
        assert_eq!(orgs, [json!(null), json!(ORG)], "Chinese is still the built-in");
    }
}

#[tokio::test]
async fn a_bad_text_is_refused_with_its_place() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let put =
            async |body: serde_json::Value| admin.put(URL).if_match(0).json(&body).send().await;
        for (body, pointer) in [
            (json!({ "subject": "{{ ticket.numbr }}", "text": "x", "html": "x" }), "/subject"),
            (json!({ "subject": "x", "text": "{% for %}", "html": "x" }), "/text"),
            (json!({ "subject": "x", "text": "x", "html": "{{ ticket.subject|safe }}" }), "/html"),
            (
                json!({ "subject": "x", "text": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}" }),
                "/text",
            ),
            (json!({ "subject": "", "text": "x" }), "/subject"),
        ] {
            let reply = put(body).await.expect_problem(422, "invalid");
            assert_eq!(reply.problem_pointers(), [pointer]);
        }
        for path in [
            "nothing/email/en",
            "ticket_acknowledged/webhook/en",
            "ticket_acknowledged/email/fr",
            "partner_webhook/webhook/en",
        ] {
            admin
                .get(&format!("/api/v1/templates/{path}"))
                .send()
                .await
                .expect_problem(404, "not-found")
                .done();
        }
    }
}

#[tokio::test]
async fn previews_send_nothing() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let client = bench.app.as_role(Role::Supervisor, ORG);
        let url = "/api/v1/templates/ticket_resolved/preview";
        let live = client
            .post(url)
            .json(&json!({ "channel": "email", "locale": "zh-CN" }))
            .send()
            .await
            .expect(200)
            .body;
        assert!(live["subject"].as_str().unwrap().contains("已办结"), "{live}");
        let draft = json!({ "channel": "email", "locale": "en",
            "draft": { "subject": "{{ ticket.number }}", "text": "a", "html": "<p>{{ ticket.subject }}</p>" },
            "data": { "ticket": { "number": "T1", "subject": "<script>" } } });
        let out = client.post(url).json(&draft).send().await.expect(200).body;
        assert_eq!(
            (&out["subject"], &out["html"]),
            (&json!("T1"), &json!("<p>&lt;script&gt;</p>"))
        );
        let bad = json!({ "channel": "email", "locale": "en", "draft": { "subject": "{{ nope }}", "text": "a" } });
        let reply = client.post(url).json(&bad).send().await.expect_problem(422, "invalid");
        assert_eq!(reply.problem_pointers(), ["/draft/subject"]);
        assert!(bench.mails().is_empty() && bench.notices("").await.is_empty());
    }
}
