//! Rules that hold for every questionnaire and every answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use contracts::ticketing::TicketSnapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    answers::{Answers, Fault, accept, visible},
    definition::{Definition, Kind},
    expr::{Expr, Op},
    metrics::Metrics,
    templates::TEMPLATES,
    trigger::{Contact, Earlier, Filters, Rule, Skip, TriggerEvent, concerns, decide},
};

fn holds(text: &str, answers: &Value) -> bool {
    Expr::parse(text).unwrap().holds(&|name| answers.get(name).cloned())
}

#[test]
fn expressions_mean_what_they_mean_in_surveyjs() {
    let a = json!({ "n": 3, "t": "Slow", "many": ["a", "b"], "yes": true, "blank": "  ", "s": "7", "two words": 1 });
    for (text, expected) in [
        ("{n} = 3", true),
        ("{n} == '3'", true),
        ("{n} != 3", false),
        ("{n} <> 4", true),
        ("{n} > 2 and {n} >= 3 and {n} < 4 and {n} <= 3", true),
        ("{n} > 2.5", true),
        ("{n} > -1", true),
        ("{s} > 10", false),
        ("{s} less 10", true),
        ("{t} = 'slow'", true),
        ("{t} = slow", true),
        ("{t} contains 'lo'", true),
        ("{t} notcontains \"xx\"", true),
        ("{many} contains 'a'", true),
        ("{many} contains ['a', 'b']", true),
        ("{many} contains ['a', 'c']", false),
        ("{many} notcontains 'c'", true),
        ("{many} anyof ['c', 'b']", true),
        ("{many} anyof ['c']", false),
        ("{t} anyof ['fast', 'slow']", true),
        ("{many} allof ['a', 'b']", true),
        ("{many} allof ['a', 'z']", false),
        ("{many} = ['b', 'a']", true),
        ("{blank} empty", true),
        ("{nothing} empty and {n} notempty", true),
        ("{nothing} <= 3", false),
        ("{nothing} >= 3 or {nothing} < 3", false),
        ("{nothing} != 3", true),
        ("{yes}", true),
        ("!{yes}", false),
        ("not {yes}", false),
        ("{yes} = true AND not ({n} = 4)", true),
        ("{yes} = 'true'", true),
        // `and` binds closer than `or`.
        ("true or true and false", true),
        ("(true or true) and false", false),
        ("{n} = 1 || {n} = 3 && {yes} = true", true),
        ("{two words} = 1", true),
        ("! {nothing} empty", false),
        ("{t} = 'it\\'s'", false),
        ("{nothing} = null", true),
    ] {
        assert_eq!(holds(text, &a), expected, "{text}");
    }
}

#[test]
fn malformed_expressions_say_where() {
    for (text, at) in [
        ("", 1),
        ("{a} =", 6),
        ("{a = 1", 1),
        ("{a} = 1)", 8),
        ("({a} = 1", 9),
        ("{a} = 'x", 7),
        ("{a} ? 1", 5),
        ("{a} {b}", 5),
        ("{} = 1", 1),
        ("{a} = and", 7),
        ("[1, 2", 6),
        ("{a} = 1.2.3", 7),
        ("iif({a}, 1, 2)", 4),
        ("{a} + 1 = 2", 5),
    ] {
        let error = Expr::parse(text).expect_err(text);
        assert_eq!(error.at, at, "{text}: {error}");
    }
    assert!(Expr::parse(&"(".repeat(500)).is_err());
    assert!(Expr::parse(&"!".repeat(500)).is_err());
    assert!(Expr::parse(&"a ".repeat(5_000)).is_err());
}

fn expressions() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        (-100_i64..100).prop_map(|n| Expr::Const(json!(n))),
        any::<bool>().prop_map(|b| Expr::Const(json!(b))),
        "[ -~快递]{0,6}".prop_map(|s| Expr::Const(json!(s))),
        "[a-c]".prop_map(Expr::Ref),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let op = prop::sample::select(vec![
            Op::Or,
            Op::And,
            Op::Equal,
            Op::NotEqual,
            Op::Less,
            Op::LessOrEqual,
            Op::Greater,
            Op::GreaterOrEqual,
            Op::Contains,
            Op::NotContains,
            Op::AnyOf,
            Op::AllOf,
        ]);
        prop_oneof![
            (op, inner.clone(), inner.clone()).prop_map(|(op, l, r)| Expr::Binary(
                op,
                l.into(),
                r.into()
            )),
            inner.clone().prop_map(|e| Expr::Not(e.into())),
            inner.clone().prop_map(|e| Expr::Empty(e.into())),
            inner.clone().prop_map(|e| Expr::NotEmpty(e.into())),
            prop::collection::vec(inner, 0..3).prop_map(Expr::Array),
        ]
    })
}

/// Questions q0…q7; each may depend on earlier ones, so the logic has no circles.
fn questionnaires() -> impl Strategy<Value = Value> {
    let condition = (0_usize..8, 0_usize..4, prop::option::of(0_usize..8));
    prop::collection::vec(prop::option::of(condition), 1..8).prop_map(|conditions| {
        let elements: Vec<Value> = conditions
            .into_iter()
            .enumerate()
            .map(|(i, condition)| {
                let mut element = json!({ "type": "radiogroup", "name": format!("q{i}"), "choices": [0, 1, 2, 3] });
                if let Some((on, value, also)) = condition.filter(|_| i > 0) {
                    let also = also.map_or(String::new(), |n| format!(" or {{q{}}} notempty", n % i));
                    element["visibleIf"] = json!(format!("{{q{}}} = {value}{also}", on % i));
                }
                element
            })
            .collect();
        json!({ "elements": elements })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(expr in expressions()) {
        prop_assert_eq!(Expr::parse(&expr.text()).unwrap(), expr);
    }

    #[test]
    fn any_text_is_parsed_or_refused_without_harm(text in ".{0,200}") {
        if let Ok(expr) = Expr::parse(&text) {
            let _: bool = expr.holds(&|_| None);
        }
    }

    #[test]
    fn logic_and_its_negation_disagree(expr in expressions(), a in 0..5_i64) {
        let lookup = |name: &str| (name == "a").then(|| json!(a));
        prop_assert_ne!(expr.holds(&lookup), Expr::Not(expr.clone().into()).holds(&lookup));
    }

    #[test]
    fn visibility_is_a_fixpoint_and_hidden_answers_do_not_count(
        json in questionnaires(),
        given in prop::collection::btree_map("q[0-7]", (0..4_i64).prop_map(|n| json!(n)), 0..8),
    ) {
        let (definition, issues) = Definition::read(&json);
        prop_assert!(issues.is_empty(), "{:?}", issues);
        let accepted = accept(&definition, &given).unwrap();
        let shown = visible(&definition, &given);
        prop_assert!(accepted.answers.keys().all(|n| shown.contains(n.as_str())));
        prop_assert!(accepted.dropped.iter().all(|n| !shown.contains(n.as_str())));
        // Whatever a hidden question was answered makes no difference.
        prop_assert_eq!(&visible(&definition, &accepted.answers), &shown);
        let again = accept(&definition, &accepted.answers).unwrap();
        prop_assert_eq!(again.answers, accepted.answers);
        prop_assert!(again.dropped.is_empty());
    }

    #[test]
    fn no_definition_harms_the_reader(keys in prop::collection::vec(("[a-z]{1,8}", 0..6_u8), 0..6)) {
        let odd = |n: u8| match n { 0 => json!(null), 1 => json!([]), 2 => json!({}), 3 => json!(-1), 4 => json!("rating"), _ => json!([{"type": "rating"}]) };
        let element: Value = keys.iter().map(|(k, n)| (k.clone(), odd(*n))).collect::<serde_json::Map<_, _>>().into();
        for ty in ["rating", "radiogroup", "checkbox", "comment", "text", "boolean", "html", "panel", "matrix"] {
            let mut element = element.clone();
            element["type"] = json!(ty);
            Definition::read(&json!({ "pages": [{ "elements": [element.clone()] }], "elements": element }));
        }
    }
}

fn codes(json: &Value) -> Vec<(String, String)> {
    Definition::read(json).1.into_iter().map(|i| (i.pointer, i.code.to_owned())).collect()
}

#[test]
fn a_definition_is_checked_with_pointers() {
    let json = json!({ "pages": [{ "visibleIf": "{x} >", "elements": [
        { "type": "rating", "name": "a", "rateMin": 5, "rateMax": 1 },
        { "type": "checkbox", "name": "a" },
        { "type": "matrix", "name": "m" },
        { "type": "text", "name": "t", "visibleIf": "{a} + 1 > 2", "enableIf": "{a} = 1" },
        { "name": "x" },
        "no element",
    ]}]});
    let found = codes(&json);
    for (pointer, code) in [
        ("/pages/0/visibleIf", "bad-expression"),
        ("/pages/0/elements/0", "bad-rating"),
        ("/pages/0/elements/1/name", "duplicate-name"),
        ("/pages/0/elements/1/choices", "missing-choices"),
        ("/pages/0/elements/2/type", "unknown-element"),
        ("/pages/0/elements/3/visibleIf", "bad-expression"),
        ("/pages/0/elements/3/enableIf", "ignored-property"),
        ("/pages/0/elements/4/type", "missing-type"),
        ("/pages/0/elements/5", "not-an-object"),
    ] {
        assert!(found.contains(&(pointer.into(), code.into())), "{pointer} {code} in {found:?}");
    }
    let circle = json!({ "elements": [
        { "type": "boolean", "name": "a", "visibleIf": "{b} = true" },
        { "type": "boolean", "name": "b", "visibleIf": "{a} = true" },
    ]});
    assert_eq!(codes(&circle), [(String::new(), "circular-logic".into())]);
    let lost = json!({ "elements": [{ "type": "boolean", "name": "a", "visibleIf": "{c} = 1" }] });
    assert_eq!(codes(&lost), [(String::new(), "unknown-reference".into())]);
}

#[test]
fn answers_are_brought_into_type_or_refused() {
    let (definition, issues) = Definition::read(&json!({ "elements": [
        { "type": "rating", "name": "r", "isRequired": true },
        { "type": "checkbox", "name": "c", "choices": ["x", "y", "z"], "validators": [{ "type": "answercount", "maxCount": 2 }] },
        { "type": "comment", "name": "t", "maxLength": 5, "visibleIf": "{r} <= 2" },
        { "type": "boolean", "name": "b" },
        { "type": "text", "inputType": "number", "name": "n", "min": 1, "max": 9 },
        { "type": "ranking", "name": "u" },
    ]}));
    assert!(issues.iter().all(|i| !i.is_error()), "{issues:?}");
    let given = |v: Value| -> Answers { serde_json::from_value(v).unwrap() };
    let ok = accept(&definition, &given(json!({ "r": "2", "c": ["x", "x"], "t": " a\r\nb\u{0} ", "b": "false", "n": "4", "u": ["p"], "zz": 1 }))).unwrap();
    assert_eq!(
        ok.answers,
        given(json!({ "r": 2, "c": ["x"], "t": "a\nb", "b": false, "n": 4.0, "u": ["p"] }))
    );
    let hidden =
        accept(&definition, &given(json!({ "r": 5, "t": "far too long a text" }))).unwrap();
    assert_eq!(hidden.answers, given(json!({ "r": 5 })));
    let faults = accept(
        &definition,
        &given(json!({ "r": 1, "c": ["x", "y", "z"], "t": "too long", "b": 7, "n": 10 })),
    )
    .unwrap_err();
    let expected = BTreeMap::from([
        ("c".to_owned(), Fault::TooMany(2)),
        ("t".to_owned(), Fault::TooLong(5)),
        ("b".to_owned(), Fault::WrongType),
        ("n".to_owned(), Fault::TooLarge(9.0)),
    ]);
    assert_eq!(faults, expected);
    assert_eq!(accept(&definition, &given(json!({ "r": 6 }))).unwrap_err()["r"], Fault::NotAChoice);
    assert_eq!(accept(&definition, &Answers::new()).unwrap_err()["r"], Fault::Required);
}

#[test]
fn built_in_templates_are_complete_in_both_languages() {
    for template in &TEMPLATES {
        let (definition, issues) = Definition::read(&template.definition());
        assert_eq!(issues, [], "{}", template.key);
        template.metrics().check(&definition).unwrap();
        for question in definition.questions() {
            assert_ne!(
                question.title.get(kernel::Locale::En),
                question.title.get(kernel::Locale::ZhCn)
            );
        }
        assert!(
            definition
                .elements()
                .any(|e| matches!(e.kind, Kind::Checkbox { .. }) && !e.visible_if.is_empty())
        );
    }
}

#[test]
fn metrics_need_the_right_scale() {
    let (definition, _) = Definition::read(&json!({ "elements": [
        { "type": "rating", "name": "five" },
        { "type": "rating", "name": "ten", "rateMin": 0, "rateMax": 10 },
        { "type": "comment", "name": "words" },
    ]}));
    let metrics = |csat: &str, nps: &str, comment: &str| Metrics {
        csat: Some(csat.into()),
        nps: Some(nps.into()),
        comment: Some(comment.into()),
        settled: None,
    };
    assert!(metrics("five", "ten", "words").check(&definition).is_ok());
    let problem = metrics("ten", "five", "nobody").check(&definition).unwrap_err();
    let pointers: Vec<&str> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
    assert_eq!(pointers, ["/metrics/csat", "/metrics/nps", "/metrics/comment"]);
    let answers = Answers::from([("five".into(), json!(2)), ("ten".into(), json!(0))]);
    let metrics = metrics("five", "ten", "words");
    let measured = metrics.measure(&answers);
    assert_eq!((measured.csat, measured.nps, measured.comment), (Some(2), Some(0), None));
    assert_eq!(
        (metrics.score(&answers, "csat"), metrics.score(&answers, "ten")),
        (Some(2), Some(0))
    );
}

fn ticket(now: DateTime<Utc>) -> TicketSnapshot {
    serde_json::from_value(json!({
        "ticket_id": kernel::new_id(), "number": "T1", "org": "/acme/north", "kind": "complaint", "category": null,
        "priority": "normal", "status": "resolved", "complaint_level": null, "subject": "s", "channel": "phone",
        "locale": "zh-CN", "customer_id": kernel::new_id(), "tier": "vip", "account_manager": null, "queue": null,
        "first_responder": null, "handler": "anna", "parent_id": null, "origin": null, "opened_at": now,
        "first_responded_at": null, "resolved_at": now, "closed_at": null, "reopen_count": 0, "urge_count": 0,
        "breached": false, "resolution_attained": true, "response_attained": true, "version": 3
    }))
    .unwrap()
}

#[test]
fn a_trigger_invites_once_and_says_why_not() {
    let now = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
    let rule = Rule {
        trigger_id: kernel::new_id(),
        survey_id: kernel::new_id(),
        org: "/acme".into(),
        event: TriggerEvent::TicketResolved,
        filters: Filters { kinds: vec!["complaint".into()], ..Filters::default() },
        cool_down_days: 30,
        cool_down_across_days: 7,
    };
    let ticket = ticket(now);
    let resolved = TriggerEvent::TicketResolved;
    assert!(concerns(&rule, resolved, &ticket));
    assert!(!concerns(&rule, TriggerEvent::TicketClosed, &ticket));
    assert!(!concerns(
        &rule,
        resolved,
        &TicketSnapshot { channel: "import".into(), ..ticket.clone() }
    ));
    assert!(!concerns(
        &rule,
        resolved,
        &TicketSnapshot { kind: "repair".into(), ..ticket.clone() }
    ));
    assert!(!concerns(&rule, resolved, &TicketSnapshot { org: "/acmex".into(), ..ticket.clone() }));

    let plain = |t: &TicketSnapshot| decide(&rule, t, &[], &[], false, now);
    assert_eq!(plain(&ticket), None);
    assert_eq!(
        plain(&TicketSnapshot { customer_id: None, ..ticket.clone() }),
        Some(Skip::NoCustomer)
    );
    assert_eq!(
        plain(&TicketSnapshot { kind: "internal".into(), ..ticket.clone() }),
        Some(Skip::Internal)
    );
    assert_eq!(decide(&rule, &ticket, &[], &[], true, now), Some(Skip::OptedOut));
    let earlier =
        Earlier { trigger_id: rule.trigger_id, survey_id: kernel::new_id(), invited: false };
    assert_eq!(decide(&rule, &ticket, &[earlier], &[], false, now), Some(Skip::Duplicate));
    let other = Earlier { trigger_id: kernel::new_id(), survey_id: rule.survey_id, invited: true };
    assert_eq!(decide(&rule, &ticket, &[other], &[], false, now), Some(Skip::Duplicate));

    let asked = |survey_id, days| Contact { survey_id, at: now - TimeDelta::days(days) };
    let after = |contact| decide(&rule, &ticket, &[], &[contact], false, now);
    assert_eq!(after(asked(rule.survey_id, 29)), Some(Skip::CoolDown));
    assert_eq!(after(asked(rule.survey_id, 30)), None);
    assert_eq!(after(asked(kernel::new_id(), 6)), Some(Skip::CoolDown));
    assert_eq!(after(asked(kernel::new_id(), 7)), None);
}
