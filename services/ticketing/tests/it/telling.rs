//! What events tell besides the ticket: words for the customer, names, promised times.

use chrono::TimeDelta;
use contracts::ticketing::{Name, TaskOpened, TicketOpened, TicketReplied, TicketResolved};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn words_for_the_customer_travel_sealed_and_only_those() {
    on_every_database!(async |app| {
        let anna = agent(&app, "anna");
        let id = open(&anna, &matter("complaint", "parcel lost")).await.id();
        hear(&anna, id, "it is mine").await.done();
        answer(&anna, id, "Dear <b>Li</b>,\nwe found it.").await.done();
        act(&anna, id, "resolve", json!({ "resolution": "brought to the door" }))
            .await
            .expect(200)
            .done();
        let replied = app.emitted_of::<TicketReplied>().await;
        assert_eq!(replied.len(), 2);
        assert_eq!((replied[0].direction.as_str(), &replied[0].body), ("inbound", &None));
        let body = replied[1].body.as_ref().unwrap();
        assert!(!body.0.contains("found"), "nobody without the key reads it");
        assert_eq!(app.pii.open(&body.0).unwrap(), "Dear <b>Li</b>,\nwe found it.");
        let resolved = app.emitted_of::<TicketResolved>().await.remove(0);
        let sealed = resolved.sealed_resolution.unwrap();
        assert_eq!(app.pii.open(&sealed.0).unwrap(), "brought to the door");
        assert_eq!(resolved.resolution, "brought to the door", "what the last release reads");
    });
}

#[tokio::test]
async fn names_and_promised_times_go_with_the_ticket() {
    on_every_database!(async |app| {
        let named = |zh: &str, en: &str| Some(Name { zh: zh.into(), en: en.into() });
        let kind = json!({
            "name": { "zh": "以旧换新", "en": "Trade-in" }, "default_priority": "normal", "reopen_days": 3,
            "categories": [{ "key": "home", "name": { "zh": "家电", "en": "Home" }, "children": [
                { "key": "fridge", "name": { "zh": "冰箱", "en": "Refrigerator" } }] }],
        });
        configure(&app, "ticket-kinds/trade_in", 0, &kind).await.done();
        let department = json!({ "name": { "zh": "仓储部", "en": "Warehouse" } });
        configure(&app, "departments/warehouse", 0, &department).await.done();
        let anna = agent(&app, "anna");
        let mut body = matter("trade_in", "old fridge");
        body["category"] = json!("fridge");
        let id = open(&anna, &body).await.id();
        let opened = app.emitted_of::<TicketOpened>().await.remove(0).ticket;
        assert_eq!(opened.kind_name, named("以旧换新", "Trade-in"));
        assert_eq!(opened.category_name, named("冰箱", "Refrigerator"));
        // The built-in policy for normal priority: four hours, a day.
        assert_eq!(opened.first_response_due_at, Some(now(&app) + TimeDelta::hours(4)));
        assert_eq!(opened.resolution_due_at, Some(now(&app) + TimeDelta::hours(24)));

        let task = json!({ "department": "warehouse", "title": "fetch it", "mandatory": false });
        act(&anna, id, "tasks", task).await.expect(201).done();
        let task = app.emitted_of::<TaskOpened>().await.remove(0);
        assert_eq!(task.department_name, named("仓储部", "Warehouse"));

        answer(&anna, id, "on our way").await.done();
        let replied = app.emitted_of::<TicketReplied>().await.remove(0).ticket;
        assert_eq!(replied.first_response_due_at, None, "it has been given");
        assert_eq!(replied.resolution_due_at, opened.resolution_due_at);
        resolve(&anna, id).await.done();
        let resolved = app.emitted_of::<TicketResolved>().await.remove(0).ticket;
        assert_eq!(resolved.resolution_due_at, None);
    });
}

#[tokio::test]
async fn a_clock_that_stands_still_promises_nothing() {
    on_every_database!(async |app| {
        let anna = agent(&app, "anna");
        let id = open(&anna, &matter("complaint", "parcel lost")).await.id();
        act(&anna, id, "claim", json!({})).await.expect(200).done();
        let asked =
            json!({ "direction": "outbound", "body": "which parcel?", "then_status": "pending" });
        act(&anna, id, "articles", asked).await.expect(201).done();
        let replied = app.emitted_of::<TicketReplied>().await.remove(0).ticket;
        assert_eq!((replied.status.as_str(), replied.resolution_due_at), ("pending", None));
    });
}
