//! What the 360° timeline keeps of an event: whom it concerns, which ticket, and the few facts that
//! its line shows. Free text of people never enters it.

use kernel::{Actor, Locale};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What an event says about a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    pub customer_id: Uuid,
    pub ticket_id: Option<Uuid>,
    pub summary: Value,
}

/// Parts of an event in which the customer's and the ticket's id may stand.
const SUBJECTS: [&str; 6] =
    ["ticket", "customer", "subject", "inspected", "rectification", "notice"];

/// Facts worth showing, wherever they stand: words from fixed lists, numbers, ids and times.
const FACTS: [&str; 41] = [
    "number",
    "ticket_number",
    "kind",
    "category",
    "priority",
    "status",
    "complaint_level",
    "channel",
    "queue",
    "handler",
    "tier",
    "account_manager",
    "changed",
    "fields",
    "from",
    "to",
    "direction",
    "first_response",
    "metric",
    "percent",
    "due_at",
    "level",
    "target",
    "department",
    "outcome",
    "on_time",
    "reason",
    "urge_count",
    "reopen_count",
    "csat",
    "nps",
    "score",
    "fatal",
    "survey_key",
    "score_before",
    "score_after",
    "state",
    "passed",
    "workflow",
    "recipient_kind",
    "attempts",
];

/// `reason` is a stable word in some events and a person's free text in the others.
const REASON_IS_A_WORD: [&str; 4] = [
    "kefu.ticket.closed.v1",
    "kefu.survey.skipped.v1",
    "kefu.quality.inspection_drawn.v1",
    "kefu.notification.suppressed.v1",
];

/// Nothing, where an event concerns no customer.
#[must_use]
pub fn note(ty: &str, data: &Value) -> Option<Noted> {
    let id = |part: &Value, name: &str| part.get(name)?.as_str()?.parse::<Uuid>().ok();
    let parts: Vec<&Value> =
        std::iter::once(data).chain(SUBJECTS.iter().filter_map(|name| data.get(name))).collect();
    if parts.iter().any(|part| id(part, "merged_into").is_some()) {
        // The same was told under the living id.
        return None;
    }
    let customer_id = parts.iter().find_map(|part| id(part, "customer_id"))?;
    let ticket_id = parts.iter().find_map(|part| id(part, "ticket_id"));
    let mut summary = Map::new();
    for part in parts {
        for name in FACTS {
            let Some(value) = part.get(name).filter(|v| is_fact(v)) else { continue };
            if name == "reason" && !REASON_IS_A_WORD.contains(&ty) {
                continue;
            }
            summary.entry(name).or_insert_with(|| value.clone());
        }
    }
    Some(Noted { customer_id, ticket_id, summary: Value::Object(summary) })
}

/// Facts that name a member of staff, whatever the event.
const STAFF: [&str; 2] = ["handler", "account_manager"];
/// In this event `from` and `to` do so too.
const ASSIGNED: &str = "kefu.ticket.assigned.v1";
/// Who acts without being anybody of the staff.
const NOBODY: [&str; 2] = ["system", "customer"];

/// The facts as `actor` may see them: who inspects blind learns of no member of staff.
#[must_use]
pub fn seen_by(actor: &Actor, ty: &str, mut summary: Value) -> Value {
    let known = |value: &Value| actor.may_know(value.as_str().map(str::to_owned)).is_some();
    if let Some(facts) = summary.as_object_mut() {
        let names = |fact: &str| {
            STAFF.contains(&fact) || (ty == ASSIGNED && ["from", "to"].contains(&fact))
        };
        facts.retain(|fact, value| !names(fact) || known(value));
    }
    summary
}

/// Who caused the event, as `actor` may see it.
#[must_use]
pub fn cause_seen_by(actor: &Actor, who: String) -> Option<String> {
    if NOBODY.contains(&who.as_str()) { Some(who) } else { actor.may_know(Some(who)) }
}

fn is_fact(value: &Value) -> bool {
    match value {
        Value::Null | Value::Object(_) => false,
        Value::String(text) => text.chars().count() <= 200,
        Value::Array(items) => items.iter().all(|v| v.is_string() && is_fact(v)),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// The trace id within a `traceparent` (W3C Trace Context).
#[must_use]
pub fn trace_id(traceparent: Option<&str>) -> Option<String> {
    let id = traceparent?.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// The line's heading, in the reader's language; an event unknown here is named by its type.
#[must_use]
pub fn title(ty: &str, locale: Locale) -> String {
    let (en, zh) = match ty {
        "kefu.customer.registered.v1" => ("customer registered", "客户建档"),
        "kefu.customer.changed.v1" => ("customer data changed", "客户资料变更"),
        "kefu.customer.erased.v1" => ("personal data erased", "个人信息删除"),
        "kefu.ticket.opened.v1" => ("ticket opened", "工单受理"),
        "kefu.ticket.changed.v1" => ("ticket changed", "工单信息变更"),
        "kefu.ticket.assigned.v1" => ("ticket assigned", "工单派发"),
        "kefu.ticket.replied.v1" => ("ticket answered", "工单回复"),
        "kefu.ticket.status_changed.v1" => ("ticket status changed", "工单状态变更"),
        "kefu.ticket.urged.v1" => ("customer urged", "客户催办"),
        "kefu.ticket.timer_warned.v1" => ("deadline approaching", "时限预警"),
        "kefu.ticket.timer_breached.v1" => ("deadline missed", "时限超期"),
        "kefu.ticket.escalated.v1" => ("ticket escalated", "工单升级"),
        "kefu.ticket.task_opened.v1" => ("department asked", "协办下发"),
        "kefu.ticket.task_ended.v1" => ("department answered", "协办办结"),
        "kefu.ticket.resolved.v1" => ("ticket resolved", "工单办结"),
        "kefu.ticket.closed.v1" => ("ticket closed", "工单关闭"),
        "kefu.ticket.reopened.v1" => ("ticket reopened", "工单重开"),
        "kefu.ticket.imported.v1" => ("ticket taken over from history", "历史工单导入"),
        "kefu.survey.invited.v1" => ("survey invitation", "发出满意度调查邀请"),
        "kefu.survey.skipped.v1" => ("survey not sent", "未发出满意度调查"),
        "kefu.survey.answered.v1" => ("survey answered", "客户完成满意度调查"),
        "kefu.survey.low_score_raised.v1" => ("low score", "低分预警"),
        "kefu.quality.inspection_drawn.v1" => ("service drawn for inspection", "服务抽检"),
        "kefu.quality.evaluation_published.v1" => ("inspection published", "质检结果发布"),
        "kefu.quality.appeal_lodged.v1" => ("appeal lodged", "质检申诉"),
        "kefu.quality.appeal_decided.v1" => ("appeal decided", "申诉裁定"),
        "kefu.quality.rectification_opened.v1" => ("rectification opened", "整改下发"),
        "kefu.quality.rectification_done.v1" => ("rectification done", "整改完成"),
        "kefu.quality.rectification_verified.v1" => ("rectification verified", "整改验收"),
        "kefu.quality.rectification_withdrawn.v1" => ("rectification withdrawn", "整改撤销"),
        "kefu.notification.delivered.v1" => ("notice delivered", "通知送达"),
        "kefu.notification.failed.v1" => ("notice failed", "通知失败"),
        "kefu.notification.suppressed.v1" => ("notice not sent", "通知未发送"),
        other => return other.to_owned(),
    };
    match locale {
        Locale::En => en.to_owned(),
        Locale::ZhCn => zh.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_are_found_where_each_service_puts_them() {
        let (customer, ticket) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for part in SUBJECTS {
            let data = json!({ part: { "customer_id": customer, "ticket_id": ticket } });
            let noted = note("x", &data).unwrap();
            assert_eq!((noted.customer_id, noted.ticket_id), (customer, Some(ticket)), "{part}");
        }
        assert_eq!(
            note("x", &json!({ "ticket": { "ticket_id": ticket, "customer_id": null } })),
            None
        );
        assert_eq!(note("kefu.quality.report_published.v1", &json!({ "period": "2026-03" })), None);
    }

    #[test]
    fn what_is_told_again_under_a_former_id_is_no_second_line() {
        let (former, living) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let data = json!({ "customer": { "customer_id": former, "merged_into": living } });
        assert_eq!(note("kefu.customer.changed.v1", &data), None);
    }

    #[test]
    fn free_text_stays_out() {
        let data = json!({
            "ticket": { "customer_id": Uuid::from_u128(1), "number": "T1", "subject": "张三 13800138000", "status": "open" },
            "resolution": "called 13800138000", "reason": "张三 asked again", "note": "x", "level": 2
        });
        let noted = note("kefu.ticket.reopened.v1", &data).unwrap();
        assert_eq!(noted.summary, json!({ "number": "T1", "status": "open", "level": 2 }));
        let data = json!({ "ticket": { "customer_id": Uuid::from_u128(1) }, "reason": "auto" });
        assert_eq!(
            note("kefu.ticket.closed.v1", &data).unwrap().summary,
            json!({ "reason": "auto" })
        );
    }

    #[test]
    fn every_event_that_may_concern_a_customer_has_a_title() {
        for event in contracts::all() {
            if event.ty == "kefu.quality.report_published.v1" {
                continue;
            }
            assert_ne!(title(event.ty, Locale::En), event.ty);
            assert_ne!(title(event.ty, Locale::ZhCn), title(event.ty, Locale::En), "{}", event.ty);
        }
    }

    #[test]
    fn the_trace_id_is_the_second_part() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace_id(Some(parent)).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(trace_id(Some("nonsense")), None);
        assert_eq!(trace_id(None), None);
    }
}
