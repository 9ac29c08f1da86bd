//! What stands in the mails that customers get: the answer itself, who it comes from, until when
//! what is promised, and what things are called.

use contracts::{
    Sealed,
    ticketing::{Name, TicketOpened, TicketReplied, TicketResolved, TicketSnapshot},
};
use kernel::Role;
use serde_json::json;

use crate::bench::{self, Bench, ORG, mail_parts, start};

fn replied(bench: &Bench, ticket: TicketSnapshot, words: &str) -> TicketReplied {
    TicketReplied {
        ticket,
        article_id: kernel::new_id(),
        direction: "outbound".into(),
        author: "li".into(),
        first_response: true,
        body: Some(Sealed(bench.app.pii.seal(words))),
    }
}

fn resolved(bench: &Bench, ticket: TicketSnapshot, words: &str) -> TicketResolved {
    TicketResolved {
        ticket,
        resolution: "what old readers see".into(),
        sealed_resolution: Some(Sealed(bench.app.pii.seal(words))),
    }
}

/// Text and HTML of the only mail there is now.
async fn the_mail(bench: &Bench) -> (String, String) {
    bench.app.run_jobs().await;
    let mails = bench.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let parts = mail_parts(&mails[0]);
    for file in std::fs::read_dir(bench.mails.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    parts
}

#[tokio::test]
async fn the_answer_itself_reaches_the_customer() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let en = bench.customer("en", Some("a@example.com")).await;
        let words = "Dear Li,\nyour parcel is <b>here</b>: <script>alert(1)</script> {{ link }}";
        bench.app.deliver(replied(&bench, bench::ticket(Some(en)), words)).await;
        let (text, html) = the_mail(&bench).await;
        assert!(text.contains(words), "{text}");
        assert!(html.contains("Dear Li,<br>\nyour parcel is &lt;b&gt;here&lt;/b&gt;"), "{html}");
        assert!(!html.contains("<script>"), "{html}");

        bench.app.deliver(resolved(&bench, bench::ticket(Some(en)), "Delivered & refunded")).await;
        let (text, html) = the_mail(&bench).await;
        assert!(text.contains("The outcome:\n\nDelivered & refunded"), "{text}");
        assert!(html.contains("Delivered &amp; refunded"), "{html}");

        let zh = bench.customer("zh-CN", Some("b@example.com")).await;
        let long = "很抱歉给您带来不便。".repeat(1_000);
        bench.app.deliver(replied(&bench, bench::ticket(Some(zh)), &long)).await;
        let (text, _) = the_mail(&bench).await;
        assert!(text.contains("现答复如下：\n\n很抱歉给您带来不便。"), "{text}");
        assert!(text.contains("…\n\n（内容较长，此处未能全部列出"), "{text}");
        assert!(text.chars().count() < 8_500);
    }
}

#[tokio::test]
async fn events_of_the_last_release_still_make_mails() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let en = bench.customer("en", Some("a@example.com")).await;
        let old = TicketReplied { body: None, ..replied(&bench, bench::ticket(Some(en)), "") };
        bench.app.deliver(old).await;
        let (text, _) = the_mail(&bench).await;
        assert!(text.contains("You will find the answer where you made the request."), "{text}");
        let ticket = bench::ticket(Some(en));
        let old = TicketResolved { sealed_resolution: None, ..resolved(&bench, ticket, "") };
        bench.app.deliver(old).await;
        let (text, _) = the_mail(&bench).await;
        assert!(text.contains("The outcome:\n\nwhat old readers see"), "{text}");
    }
}

#[tokio::test]
async fn a_units_own_template_may_use_the_answer() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let en = bench.customer("en", Some("a@example.com")).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let own = json!({ "subject": "{{ ticket.kind_name }}", "text": "> {{ reply }} ({{ sender.company }})",
            "html": "<i>{{ reply|lines }}</i>" });
        let url = "/api/v1/templates/ticket_replied/email/en";
        admin.put(url).if_match(0).json(&own).send().await.expect(200).done();
        bench.app.deliver(replied(&bench, bench::ticket(Some(en)), "1 < 2\nyes")).await;
        let (text, html) = the_mail(&bench).await;
        assert_eq!(text.trim(), "> 1 < 2\nyes ()");
        assert_eq!(html.trim(), "<i>1 &lt; 2<br>\nyes</i>");
    }
}

#[tokio::test]
async fn the_nearest_units_sender_signs_and_its_clocks_count() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let en = bench.customer("en", Some("a@example.com")).await;
        let zh = bench.customer("zh-CN", Some("b@example.com")).await;
        let (top, north) =
            (bench.app.as_role(Role::Admin, "/acme"), bench.app.as_role(Role::Admin, ORG));
        let url = "/api/v1/sender";
        let empty = top.get(url).send().await.expect(200);
        assert_eq!((empty.version(), &empty.body["set_by"]), (0, &json!(null)));
        let block = json!({
            "company": { "zh": "顺达快递", "en": "Shunda <Express>" }, "telephone": "400-810-0000",
            "hours": { "zh": "每天 8:00–20:00", "en": "8 am to 8 pm every day" },
        });
        top.put(url).if_match(0).json(&block).send().await.expect(200).done();
        top.put(url)
            .if_match(0)
            .json(&block)
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        bench.open_ticket(Some(en)).await;
        let (text, html) = the_mail(&bench).await;
        let end = "Kind regards\nShunda <Express>\nTelephone: 400-810-0000\nService hours: 8 am to 8 pm every day";
        assert!(text.trim_end().ends_with(end), "{text}");
        assert!(html.contains("Shunda &lt;Express&gt;"), "{html}");
        assert!(text.contains("Received: 2 March 2026, 09:00 (UTC+8)"), "{text}");

        // The unit below has its own, and lies elsewhere.
        let own = json!({ "company": { "zh": "顺达新疆", "en": "Shunda Xinjiang" }, "timezone": "Asia/Urumqi" });
        let seen = north.get(url).send().await.expect(200);
        assert_eq!((seen.version(), &seen.body["set_by"]), (0, &json!("/acme")));
        north.put(url).if_match(0).json(&own).send().await.expect(200).done();
        bench.open_ticket(Some(zh)).await;
        let (text, _) = the_mail(&bench).await;
        assert!(text.trim_end().ends_with("\n\n顺达新疆"), "{text}");
        assert!(text.contains("受理时间：2026年3月2日 07:00（UTC+6）"), "{text}");
        north.delete(url).if_match(1).send().await.expect(204).done();
        bench.open_ticket(Some(zh)).await;
        let (text, _) = the_mail(&bench).await;
        assert!(
            text.trim_end().ends_with("服务热线：400-810-0000\n服务时间：每天 8:00–20:00"),
            "{text}"
        );
        assert!(text.contains("受理时间：2026年3月2日 09:00（北京时间）"), "{text}");

        let bad = json!({ "company": { "zh": "", "en": "x\ny" }, "timezone": "Mars" });
        let reply = top.put(url).if_match(1).json(&bad).send().await.expect_problem(422, "invalid");
        assert_eq!(reply.problem_pointers(), ["/company/zh", "/company/en", "/timezone"]);
    }
}

#[tokio::test]
async fn promised_times_are_told_while_they_lie_ahead() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let block = json!({ "timezone": "Europe/Berlin" });
        admin.put("/api/v1/sender").if_match(0).json(&block).send().await.expect(200).done();
        let en = bench.customer("en", Some("a@example.com")).await;
        let ticket = TicketSnapshot {
            first_response_due_at: Some(bench::at("2026-03-02T05:00:00Z")),
            resolution_due_at: Some(bench::at("2026-03-03T01:00:00Z")),
            ..bench::ticket(Some(en))
        };
        bench.app.deliver(TicketOpened { ticket: ticket.clone() }).await;
        let (text, _) = the_mail(&bench).await;
        assert!(text.contains("You will hear from us by: 2 March 2026, 06:00 (UTC+1)"), "{text}");
        assert!(text.contains("To be settled by: 3 March 2026, 02:00 (UTC+1)"), "{text}");
        bench.app.clock.advance(chrono::TimeDelta::hours(30));
        bench.app.deliver(replied(&bench, ticket, "sorry")).await;
        let (text, _) = the_mail(&bench).await;
        assert!(!text.contains("expect to settle"), "a promise that has passed is none: {text}");
    }
}

#[tokio::test]
async fn kinds_are_called_by_their_names_in_the_readers_language() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let zh = bench.customer("zh-CN", Some("a@example.com")).await;
        let en = bench.customer("en", Some("b@example.com")).await;
        let named = |zh: &str, en: &str| Some(Name { zh: zh.into(), en: en.into() });
        let of = |customer, kind: &str, name| TicketSnapshot {
            kind: kind.into(),
            kind_name: name,
            ..bench::ticket(Some(customer))
        };
        for (customer, kind, name, said) in [
            (zh, "return_exchange", named("退换货", "Return or exchange"), "事项类型：退换货\n"),
            (zh, "trade_in", named("以旧换新", "Trade-in"), "事项类型：以旧换新\n"),
            (en, "trade_in", named("以旧换新", "Trade-in"), "Type: Trade-in\n"),
            // Of a ticketing that does not tell names yet.
            (zh, "return_exchange", None, "事项类型：退换货\n"),
        ] {
            bench.app.deliver(TicketOpened { ticket: of(customer, kind, name) }).await;
            let (text, _) = the_mail(&bench).await;
            assert!(text.contains(said), "{said} in {text}");
            assert!(!text.contains("return exchange") && !text.contains("trade_in"), "{text}");
        }
    }
}
