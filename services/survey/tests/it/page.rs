//! The public answer page, as a browser gets it.

use chrono::TimeDelta;
use contracts::{survey::SurveyAnswered, ticketing::TicketSnapshot};
use testkit::Reply;

use crate::support::{admin, apps, dump, invite, post_form, resolved, skips, ticket};

fn check_headers(page: &Reply) {
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let csp = page.header("content-security-policy").unwrap();
    assert!(
        csp.contains("default-src 'none'")
            && csp.contains("script-src 'self'")
            && !csp.contains("unsafe"),
        "{csp}"
    );
    assert!(
        !page.text.contains("style=")
            && !page.text.contains("onclick")
            && !page.text.contains("<script>")
    );
}

#[tokio::test]
async fn the_page_speaks_the_customers_language_and_writes_nothing() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let before = dump(&app).await;
        let page = app.anonymous().get(&format!("/s/{token}")).send().await.expect(200);
        check_headers(&page);
        for words in [
            "lang=\"zh-CN\"",
            "您对我们的服务满意吗",
            "必填",
            "提交评价",
            "非常满意",
            "T2026-000001",
            "<fieldset",
            "<legend",
        ] {
            assert!(page.text.contains(words), "{words}");
        }
        let page = app
            .anonymous()
            .get(&format!("/s/{token}?lang=en&utm_source=mail&q_csat=2"))
            .send()
            .await
            .expect(200);
        for words in [
            "lang=\"en\"",
            "How did we do?",
            "Send my answer",
            "Very satisfied",
            "value=\"2\" checked",
        ] {
            assert!(page.text.contains(words), "{words}");
        }
        assert_eq!(dump(&app).await, before);
        let style = app.anonymous().get("/s/static/answer.css").send().await.expect(200);
        assert!(style.header("cache-control").unwrap().contains("immutable"));
        app.anonymous().get("/s/static/answer.js").send().await.expect(200).done();
        app.anonymous().get("/s/static/other").send().await.expect_problem(404, "not-found").done();
    }
}

#[tokio::test]
async fn the_page_tells_what_the_matter_was_about() {
    for app in apps().await {
        let opened = "2026-02-28T16:30:00Z".parse().unwrap();
        let asked = TicketSnapshot {
            subject: "包裹 <b>破损</b>".into(),
            opened_at: opened,
            resolved_at: Some(opened + TimeDelta::days(3)),
            ..ticket(&app)
        };
        let token = invite(&app, &asked).await;
        let page = app.anonymous().get(&format!("/s/{token}")).send().await.expect(200);
        check_headers(&page);
        // The days are those of the service's time zone.
        for words in
            ["包裹 &lt;b&gt;破损", "T2026-000001", "受理日期", "2026年3月1日", "2026年3月4日"]
        {
            assert!(page.text.contains(words), "{words} in {}", page.text);
        }
        let page = app.anonymous().get(&format!("/s/{token}?lang=en")).send().await.expect(200);
        assert!(page.text.contains("1 March 2026"), "{}", page.text);
        let json =
            app.anonymous().get(&format!("/api/v1/answers/{token}")).send().await.expect(200);
        assert_eq!(json.body["matter"]["subject"], "包裹 <b>破损</b>");
        assert_eq!(json.body["matter"]["ticket_number"], "T2026-000001");
        // It is kept sealed, and shown to nobody once the ticket is somebody else's.
        for (column, values) in dump(&app).await {
            assert!(values.iter().all(|v| !v.contains("破损")), "the subject stands in {column}");
        }
        let corrected = TicketSnapshot { customer_id: Some(kernel::new_id()), version: 9, ..asked };
        app.deliver(resolved(&corrected)).await;
        let page = app.anonymous().get(&format!("/s/{token}")).send().await.expect(200);
        assert!(!page.text.contains("破损") && page.text.contains("T2026-000001"));
    }
}

#[tokio::test]
async fn the_words_for_the_ends_of_a_scale_stand_at_its_ends() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let page = app.anonymous().get(&format!("/s/{token}")).send().await.expect(200);
        // Eleven steps are two rows on a phone, five stars one.
        let answers: Vec<&str> = page.text.split("<div class=\"answers").skip(1).collect();
        let of = |name: &str| {
            let field = format!("name=\"q_{name}\"");
            *answers.iter().find(|a| a.contains(&field)).unwrap()
        };
        assert!(of("nps").starts_with(" rows\""), "{}", of("nps"));
        assert!(of("csat").starts_with("\""), "{}", of("csat"));
        for (name, low, high) in
            [("nps", "完全不可能", "非常可能"), ("csat", "非常不满意", "非常满意")]
        {
            let end = |which: &str, words: &str| {
                format!("<span class=\"end {which}\" aria-hidden=\"true\">{words}<")
            };
            assert!(of(name).contains(&end("low", low)), "{}", of(name));
            assert!(of(name).contains(&end("high", high)), "{}", of(name));
        }
    }
}

#[tokio::test]
async fn free_text_is_data_and_never_markup() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let attack = "</textarea><script>alert(1)</script>\"'";
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("q_comment", attack)
            .append_pair("lang", attack)
            .finish();
        let page = app.anonymous().get(&format!("/s/{token}?{query}")).send().await.expect(200);
        check_headers(&page);
        assert!(page.text.contains("&lt;script&gt;alert(1)"), "{}", page.text);
        // Sent back because the required answer is missing, with everything that was filled in.
        let again = post_form(
            &app,
            &format!("/s/{token}"),
            &[("q_comment", attack), ("q_nps", "7"), ("lang", "en")],
        )
        .await
        .expect(422);
        check_headers(&again);
        for words in [
            "Please check these questions",
            "Please answer this question.",
            "role=\"alert\"",
            "value=\"7\" checked",
            "&lt;script&gt;alert(1)",
        ] {
            assert!(again.text.contains(words), "{words}");
        }
    }
}

#[tokio::test]
async fn a_form_is_taken_once_and_thanked_for() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let url = format!("/s/{token}");
        let fields = [
            ("lang", "zh-CN"),
            ("q_csat", "2"),
            ("q_reasons", "slow"),
            ("q_reasons", "other"),
            ("q_settled", "false"),
            ("q_nps", "0"),
            ("q_comment", "一\r\n二"),
            ("q_unknown", "x"),
        ];
        let thanks = post_form(&app, &url, &fields).await.expect(200);
        check_headers(&thanks);
        assert!(thanks.text.contains("感谢您的评价"));
        let responses = admin(&app).get("/api/v1/responses").send().await.expect(200);
        let id = responses.body["items"][0]["id"].as_str().unwrap().to_owned();
        let seen = admin(&app).get(&format!("/api/v1/responses/{id}")).send().await.expect(200);
        let expected = serde_json::json!({ "csat": 2, "reasons": ["slow", "other"], "settled": false, "nps": 0, "comment": "一\n二" });
        assert_eq!(seen.body["answers"], expected);
        let again = post_form(&app, &url, &fields).await.expect(410);
        check_headers(&again);
        assert!(again.text.contains("您已完成评价"));
        app.anonymous().get(&url).send().await.expect(410).done();
        assert_eq!(app.emitted_of::<SurveyAnswered>().await.len(), 1);
    }
}

#[tokio::test]
async fn dead_links_get_a_page_of_their_own() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        app.clock.advance(TimeDelta::days(15));
        let late = app.anonymous().get(&format!("/s/{token}")).send().await.expect(410);
        check_headers(&late);
        assert!(late.text.contains("链接已过期"));
        let unknown = format!("/s/{}", "A".repeat(43));
        let page =
            app.anonymous().get(&unknown).header("accept-language", "en").send().await.expect(404);
        check_headers(&page);
        assert!(page.text.contains("We do not know this link"));
        post_form(&app, &unknown, &[("q_csat", "5")]).await.expect(404).done();
    }
}

#[tokio::test]
async fn a_customer_can_stop_being_asked() {
    for app in apps().await {
        let ticket = ticket(&app);
        let token = invite(&app, &ticket).await;
        app.anonymous().get(&format!("/s/{token}/stop")).send().await.expect(405).done();
        let page = post_form(&app, &format!("/s/{token}/stop?lang=en"), &[]).await.expect(200);
        assert!(page.text.contains("We will not ask again"));
        app.clock.advance(TimeDelta::days(60));
        app.deliver(resolved(&TicketSnapshot { ticket_id: kernel::new_id(), ..ticket })).await;
        assert_eq!(skips(&app).await, ["opted_out"]);
    }
}
