//! Figures equal what is counted by hand.

use chrono::TimeDelta;
use contracts::{
    notification::Notice,
    notification::NoticeSuppressed,
    survey::SurveyAnswered,
    survey::SurveyInvited,
    ticketing::{TicketResolved, TicketSnapshot},
};
use kernel::Clock;
use serde_json::{Value, json};

use crate::support::{admin, apps, builtin_survey, follow_up, invite, ticket};

#[tokio::test]
async fn figures_equal_the_count_by_hand() {
    for app in apps().await {
        // (handler, csat, nps); none: invited, not answered.
        let people = [
            ("anna", Some((5, Some(10)))),
            ("anna", Some((4, Some(9)))),
            ("anna", Some((1, Some(0)))),
            ("anna", None),
            ("ben", Some((3, Some(8)))),
            ("ben", Some((2, None))),
            ("ben", None),
            ("ben", None),
        ];
        for (handler, answer) in people {
            let token =
                invite(&app, &TicketSnapshot { handler: Some(handler.into()), ..ticket(&app) })
                    .await;
            let Some((csat, nps)) = answer else { continue };
            let mut answers = json!({ "csat": csat });
            if let Some(nps) = nps {
                answers["nps"] = json!(nps);
            }
            app.anonymous()
                .post(&format!("/api/v1/answers/{token}"))
                .json(&json!({ "answers": answers }))
                .send()
                .await
                .expect(201)
                .done();
        }
        // The last one could not be reached; the first bad answer was followed up and settled.
        let emitted = app.emitted().await;
        let last = emitted.iter().rfind(|e| e.is::<SurveyInvited>()).unwrap();
        let notice = Notice {
            delivery_id: kernel::new_id(),
            org: "/acme/north".into(),
            workflow: "w".into(),
            channel: "email".into(),
            recipient_kind: "customer".into(),
            recipient: "c".into(),
            customer_id: None,
            ticket_id: None,
            cause_id: last.id,
        };
        app.deliver(NoticeSuppressed { notice, reason: "no_address".into() }).await;
        let bad = app
            .emitted_of::<SurveyAnswered>()
            .await
            .into_iter()
            .find(|a| a.csat == Some(1))
            .unwrap();
        let opened = follow_up(&app, bad.response_id);
        app.deliver(opened.clone()).await;
        let unsurveyed = TicketSnapshot { customer_id: None, ..opened.ticket };
        app.deliver(TicketResolved {
            ticket: unsurveyed,
            resolution: "sorry".into(),
            sealed_resolution: None,
        })
        .await;

        let survey = builtin_survey(&app).await;
        app.clock.advance(TimeDelta::hours(1));
        let url = format!("/api/v1/survey-results/{survey}?by=handler");
        let body = admin(&app).get(&url).send().await.expect(200).body;
        let all = &body["overall"];
        assert_eq!(
            (&all["responses"], &all["csat"]["count"], &all["csat"]["n"], &all["csat"]["value"]),
            (&json!(5), &json!(2), &json!(5), &json!(0.4))
        );
        assert_eq!(all["csat_mean"], json!(3.0));
        let nps = &all["nps"];
        assert_eq!(
            (&nps["n"], &nps["promoters"], &nps["passives"], &nps["detractors"]),
            (&json!(4), &json!(2), &json!(1), &json!(1))
        );
        assert_eq!(nps["value"], json!(25.0));
        // s = 0.25, SE = √((3/4 − 1/16)/4) = 0.41458
        assert!((nps["standard_error"].as_f64().unwrap() - 41.458).abs() < 1e-3, "{nps}");
        assert_eq!(
            (&all["response_rate"]["count"], &all["response_rate"]["n"]),
            (&json!(5), &json!(7))
        );
        assert_eq!(
            (&all["bad_answers_closed"]["count"], &all["bad_answers_closed"]["n"]),
            (&json!(1), &json!(2))
        );
        assert!(all["csat"]["too_few"].as_bool().unwrap() && all["csat"]["method"].is_string());
        let group = |name: &str| -> Value {
            let groups = body["groups"].as_array().unwrap();
            groups.iter().find(|g| g["key"] == name).unwrap()["figures"].clone()
        };
        assert_eq!(
            (&group("anna")["csat"]["count"], &group("anna")["csat"]["n"]),
            (&json!(2), &json!(3))
        );
        assert_eq!(
            (&group("ben")["csat"]["count"], &group("ben")["response_rate"]["n"]),
            (&json!(0), &json!(3))
        );
        assert_eq!(group("ben")["nps"]["standard_error"], json!(0.0));

        // Nothing in the window: no figure, not zero.
        let (from, to) =
            (app.clock.now() - TimeDelta::days(9), app.clock.now() - TimeDelta::days(8));
        let query = [
            ("from", from.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            ("to", to.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        ];
        let none = admin(&app)
            .get(&format!("/api/v1/survey-results/{survey}"))
            .query(&query)
            .send()
            .await
            .expect(200)
            .body;
        assert_eq!(
            (&none["overall"]["csat"]["value"], &none["overall"]["csat"]["n"]),
            (&Value::Null, &json!(0))
        );
        assert_eq!((&none["overall"]["nps"]["value"], &none["groups"]), (&Value::Null, &json!([])));
        let backwards = [("from", query[1].1.clone()), ("to", query[0].1.clone())];
        admin(&app)
            .get(&format!("/api/v1/survey-results/{survey}"))
            .query(&backwards)
            .send()
            .await
            .expect_problem(400, "invalid-query")
            .done();
    }
}
