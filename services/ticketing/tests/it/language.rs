//! Refusals in the language of who asks, with what would have been known.

use serde_json::{Value, json};

use crate::support::{agent, on_every_database};

fn told(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap();
    let text = |e: &Value, key: &str| e[key].as_str().unwrap().to_owned();
    errors.iter().map(|e| format!("{} {}", text(e, "pointer"), text(e, "detail"))).collect()
}

#[tokio::test]
async fn a_refusal_names_what_is_known_in_the_callers_language() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let body = json!({ "kind": "fuss", "subject": " ", "priority": "asap", "queue": "attic" });
        let open = async |language: &str| {
            let call = amy.post("/api/v1/tickets").header("accept-language", language).json(&body);
            call.send().await.expect_problem(422, "invalid")
        };
        let zh = told(&open("zh-CN").await.body);
        assert_eq!(zh.len(), 4, "all at once: {zh:?}");
        assert_eq!(zh[0], "/subject 不能为空");
        assert!(zh[1].starts_with("/kind 没有工单类型“fuss”，可用类型："), "{zh:?}");
        assert!(zh[1].contains("complaint"), "{zh:?}");
        assert_eq!(zh[2], "/priority 只能是以下之一：low、normal、high、urgent");
        assert!(zh[3].starts_with("/queue 没有队列“attic”，可用队列："), "{zh:?}");
        let en = told(&open("en").await.body);
        assert!(en[1].starts_with("/kind there is no kind \"fuss\"; kinds: "), "{en:?}");
        assert_eq!(en[2], "/priority must be one of low, normal, high, urgent");
    });
}

#[tokio::test]
async fn the_state_of_a_ticket_is_told_in_words() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let open = json!({ "kind": "complaint", "subject": "包裹丢失" });
        let id = amy.post("/api/v1/tickets").json(&open).send().await.expect(201).id();
        let path = format!("/api/v1/tickets/{id}/close");
        let close = amy.post(&path).header("accept-language", "zh-CN").json(&json!({}));
        let refused = close.send().await.expect_problem(409, "invalid-transition");
        assert_eq!(refused.body["detail"], "工单当前状态：新建");
    });
}
