//! Sample events, by which templates are checked and previewed.

use chrono::DateTime;
use kernel::Locale;
use serde_json::{Value, json};

use super::{
    sender::Sender,
    vars::{self, Opened, Surroundings},
    workflow,
};

/// Data of a sample event of the workflow with this key, all optional fields filled in.
#[must_use]
pub fn of(key: &str) -> Value {
    match key {
        "ticket_assigned" => with_ticket(json!({ "from": "wang", "to": "li", "reason": "skill" })),
        "ticket_replied" => with_ticket(json!({
            "article_id": ID, "direction": "outbound", "author": "li", "first_response": true,
            "body": "k1.sample",
        })),
        "ticket_urged" => with_ticket(json!({ "note": "Still no answer" })),
        "timer_warned" => with_ticket(json!({
            "timer_id": ID, "metric": "first_response", "percent": 80, "due_at": "2026-03-02T10:00:00Z",
        })),
        "timer_breached" => with_ticket(json!({
            "timer_id": ID, "metric": "resolution", "due_at": "2026-03-02T10:00:00Z",
        })),
        "ticket_escalated" => with_ticket(json!({
            "timer_id": ID, "metric": "resolution", "level": 1, "target": "supervisor",
            "due_at": "2026-03-02T10:00:00Z", "reason": "breached",
        })),
        "task_opened" => with_ticket(json!({
            "task_id": ID, "department": "warehouse", "title": "Find the parcel",
            "due_at": "2026-03-02T10:00:00Z", "mandatory": true,
            "department_name": { "zh": "仓储部", "en": "Warehouse" },
        })),
        "ticket_resolved" => with_ticket(json!({
            "resolution": "refunded", "sealed_resolution": "k1.sample",
        })),
        "ticket_reopened" => with_ticket(json!({ "reason": "not solved" })),
        "survey_invited" => json!({
            "invitation_id": ID, "link": "https://kefu.example.com/s/token", "locale": "en",
            "expires_at": "2026-03-09T10:00:00Z",
            "subject": {
                "org": "/acme", "survey_key": "csat", "survey_version": 1, "ticket_id": ID,
                "ticket_number": "T2026-000123", "kind": "complaint", "customer_id": ID,
                "tier": "vip", "handler": "li", "first_responder": "wang", "account_manager": "zhao",
            },
        }),
        "evaluation_published" => inspected(json!({
            "evaluation_id": ID, "score": 86.5, "fatal": false, "appeal_until": "2026-03-09T10:00:00Z",
        })),
        "appeal_lodged" => inspected(json!({ "appeal_id": ID, "evaluation_id": ID })),
        "appeal_decided" => inspected(json!({
            "appeal_id": ID, "evaluation_id": ID, "outcome": "partly", "score_before": 60.0,
            "score_after": 82.0,
        })),
        "rectification_opened" => json!({ "rectification": rectification() }),
        "rectification_verified" => {
            json!({ "rectification": rectification(), "verifier": "chen", "passed": true })
        }
        "report_published" => {
            json!({ "report_id": ID, "org": "/acme", "period": "2026-03", "version": 1 })
        }
        // ticket_acknowledged, ticket_opened_staff and whatever has no template.
        _ => with_ticket(json!({})),
    }
}

/// The variables that a text of this workflow has, by which it is checked and previewed.
#[must_use]
pub fn vars(key: &str, locale: Locale, sender: &Sender, public_url: &str) -> Value {
    let event = workflow::find(key).map_or("", |workflow| workflow.event);
    let (reply, resolution) = match locale {
        Locale::En => ("We have found your parcel.\nIt comes tomorrow.", "Delivered and refunded."),
        Locale::ZhCn => ("您的包裹已找到。\n预计明日送达。", "已送达并退还运费。"),
    };
    let only = |wanted: &str, text: &str| (key == wanted).then(|| text.to_owned());
    let opened = Opened {
        link: only("survey_invited", "https://kefu.example.com/s/token"),
        reply: only("ticket_replied", reply),
        resolution: only("ticket_resolved", resolution),
    };
    let around = Surroundings {
        locale,
        recipient: "李雷",
        public_url,
        sender,
        now: DateTime::UNIX_EPOCH,
        instead_of: (key == "ticket_escalated").then_some("supervisor"),
    };
    vars::of(event, &of(key), around, opened)
}

const ID: &str = "01890000-0000-7000-8000-000000000001";

fn with_ticket(mut data: Value) -> Value {
    data["ticket"] = json!({
        "ticket_id": ID, "number": "T2026-000123", "org": "/acme/north", "kind": "complaint",
        "category": "delivery", "priority": "high", "status": "open", "complaint_level": "major",
        "subject": "Parcel lost", "channel": "web", "locale": "en", "customer_id": ID, "tier": "vip",
        "account_manager": "zhao", "queue": "complaints", "first_responder": "wang", "handler": "li",
        "parent_id": null, "origin": null, "opened_at": "2026-03-02T08:00:00Z",
        "first_responded_at": null, "resolved_at": null, "closed_at": null, "reopen_count": 0,
        "urge_count": 1, "breached": false, "resolution_attained": null, "response_attained": null,
        "version": 1, "kind_name": { "zh": "投诉", "en": "Complaint" },
        "category_name": { "zh": "配送", "en": "Delivery" },
        "first_response_due_at": "2026-03-02T09:00:00Z", "resolution_due_at": "2026-03-03T08:00:00Z",
    });
    data
}

fn inspected(mut data: Value) -> Value {
    data["inspected"] = json!({
        "inspection_id": ID, "org": "/acme/north", "ticket_id": ID, "ticket_number": "T2026-000123",
        "customer_id": ID, "agent": "li",
    });
    data
}

fn rectification() -> Value {
    json!({
        "rectification_id": ID, "org": "/acme/north", "evaluation_id": ID, "ticket_id": ID,
        "customer_id": ID, "title": "Call back within the hour", "owner": "li",
        "due_at": "2026-03-09T10:00:00Z", "state": "open",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::WORKFLOWS;

    #[test]
    fn every_sample_is_a_real_event() {
        let known = contracts::all();
        for workflow in WORKFLOWS.iter().filter(|w| w.event != "*") {
            let event = known.iter().find(|e| e.ty == workflow.event).unwrap();
            let parsed = (event.round_trip)(&of(workflow.key).to_string());
            assert!(parsed.is_ok(), "{}: {parsed:?}", workflow.key);
        }
    }
}
