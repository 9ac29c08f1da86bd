//! What an enterprise has before it configures anything.

use calendar::CalendarSpec;

use super::{
    config::{BusinessCalendar, Queue, Text},
    kind::Kind,
    sla::{Level, Policy, When},
};

/// Keys and kinds.
#[must_use]
pub fn kinds() -> Vec<(&'static str, Kind)> {
    // key, zh, en, priority, reopen days, auto-close days, survey
    type Row = (&'static str, &'static str, &'static str, &'static str, u32, u32, bool);
    let rows: [Row; 10] = [
        ("consultation", "咨询", "Consultation", "normal", 3, 3, true),
        ("complaint", "投诉", "Complaint", "high", 5, 5, true),
        ("repair", "故障报修", "Repair", "normal", 5, 5, true),
        ("suggestion", "建议", "Suggestion", "low", 3, 3, false),
        ("service_request", "业务办理", "Service request", "normal", 3, 3, true),
        ("return_exchange", "退换货", "Return or exchange", "normal", 5, 5, true),
        ("claim", "理赔/赔偿", "Claim", "high", 10, 10, true),
        ("demand", "新需求", "New demand", "low", 3, 5, false),
        ("incident", "重大故障", "Major incident", "urgent", 5, 5, false),
        ("director_hotline", "总裁热线", "Director's hotline", "urgent", 10, 10, true),
    ];
    let kind = |(key, zh, en, priority, reopen, close, survey): Row| {
        let kind = Kind {
            name: Text::new(zh, en),
            default_priority: priority.into(),
            reopen_days: reopen,
            auto_close_days: Some(close),
            survey,
            calendar: "weekdays".into(),
            categories: vec![],
            act_on_claimed: None,
            enabled: true,
        };
        (key, kind)
    };
    rows.map(kind).into()
}

#[must_use]
pub fn calendars() -> Vec<(&'static str, BusinessCalendar)> {
    let always = BusinessCalendar {
        name: Text::new("全天候", "Around the clock"),
        spec: CalendarSpec::always(),
    };
    let weekdays = BusinessCalendar {
        name: Text::new("工作日", "Weekdays"),
        spec: CalendarSpec::weekdays("Asia/Shanghai", "09:00-18:00"),
    };
    vec![("always", always), ("weekdays", weekdays)]
}

#[must_use]
pub fn queues() -> Vec<(&'static str, Queue)> {
    let general = Queue {
        name: Text::new("综合受理", "General"),
        kinds: vec![],
        org: None,
        department: None,
        supervisor: None,
        enabled: true,
    };
    vec![("general", general)]
}

/// For key accounts and by priority; round the clock. The stricter one counts where both fit.
#[must_use]
pub fn policies() -> Vec<(&'static str, Policy)> {
    let level = |after_minutes: f64, target: &str| Level { after_minutes, target: target.into() };
    let policy = |order, zh, en, when, response: f64, resolution: f64| Policy {
        name: Text::new(zh, en),
        order,
        exclusive: false,
        when,
        calendar: "always".into(),
        first_response_minutes: Some(response),
        resolution_minutes: Some(resolution),
        warn_percents: vec![50, 75, 90],
        escalations: vec![
            level(0.0, "supervisor"),
            level(60.0, "department_head"),
            level(240.0, "director"),
        ],
        enabled: true,
    };
    let tier = |tier: &str| When { tiers: vec![tier.into()], ..When::default() };
    let priority = |priority: &str| When { priorities: vec![priority.into()], ..When::default() };
    vec![
        ("vip", policy(10, "重点客户", "Key accounts", tier("vip"), 30.0, 480.0)),
        ("urgent", policy(100, "特急", "Urgent", priority("urgent"), 15.0, 240.0)),
        ("high", policy(110, "紧急", "High", priority("high"), 60.0, 480.0)),
        ("normal", policy(120, "普通", "Normal", priority("normal"), 240.0, 1_440.0)),
        ("low", policy(130, "一般", "Low", priority("low"), 480.0, 4_320.0)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        for (_, calendar) in calendars() {
            calendar::Calendar::new(calendar.spec).unwrap();
        }
        for (key, policy) in policies() {
            assert!(!policy.adds_only() && !policy.exclusive, "{key}");
        }
        assert_eq!(kinds().len(), 10);
    }
}
