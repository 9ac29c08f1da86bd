//! One small month, counted by hand.

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn ticket(kind: &str, opened: &str, answered: Option<i64>, resolved: Option<i64>) -> Ticket {
    let opened_at = at(opened);
    let after = |minutes: Option<i64>| minutes.map(|m| opened_at + TimeDelta::minutes(m));
    Ticket {
        kind: kind.into(),
        customer_id: None,
        follow_up: false,
        opened_at,
        first_responded_at: after(answered),
        resolved_at: after(resolved),
        closed_at: None,
        reopen_count: 0,
        response_attained: answered.map(|m| m <= 30),
        resolution_attained: resolved.map(|m| m <= 480),
    }
}

fn inputs() -> Inputs {
    let customer = Some(Uuid::from_u128(1));
    let evaluated = |score, fatal, state, appeal| Evaluated {
        score,
        fatal,
        state,
        appeal_until: Some(at("2026-03-20T10:00:00Z")),
        appeal,
    };
    Inputs {
        from: at("2026-02-28T16:00:00Z"),
        to: at("2026-03-31T16:00:00Z"),
        now: at("2026-04-02T00:00:00Z"),
        tickets: vec![
            Ticket {
                customer_id: customer,
                ..ticket("complaint", "2026-03-02T01:00:00Z", Some(10), Some(100))
            },
            Ticket {
                reopen_count: 1,
                ..ticket("complaint", "2026-03-03T01:00:00Z", Some(20), Some(500))
            },
            ticket("consultation", "2026-03-04T01:00:00Z", Some(60), Some(300)),
            ticket("consultation", "2026-03-05T01:00:00Z", None, None),
            // The customer of the first one, three days after it was resolved.
            Ticket {
                customer_id: customer,
                ..ticket("complaint", "2026-03-05T01:00:00Z", None, None)
            },
            // Opened before, resolved within the month: 2,880 minutes, too late.
            ticket("repair", "2026-02-27T16:00:00Z", Some(5), Some(2_880)),
            // After the month.
            ticket("complaint", "2026-03-31T16:00:00Z", Some(1), Some(2)),
        ],
        answers: [
            (Some(5), Some(10)),
            (Some(4), Some(9)),
            (Some(1), Some(0)),
            (Some(3), Some(8)),
            (None, None),
        ]
        .map(|(csat, nps)| SurveyScore { csat, nps })
        .to_vec(),
        evaluations: vec![
            evaluated(Some(80.0), false, EvaluationState::Final, Some(Some("partly".into()))),
            evaluated(Some(0.0), true, EvaluationState::Published, None),
            evaluated(Some(10.0), true, EvaluationState::Appealed, Some(None)),
            evaluated(None, false, EvaluationState::Final, Some(Some("rejected".into()))),
        ],
        rectifications: vec![
            Mended {
                first_due_at: at("2026-03-10T00:00:00Z"),
                done_at: Some(at("2026-03-10T00:00:00Z")),
            },
            Mended {
                first_due_at: at("2026-03-10T00:00:00Z"),
                done_at: Some(at("2026-03-11T00:00:00Z")),
            },
            Mended { first_due_at: at("2026-03-10T00:00:00Z"), done_at: None },
        ],
    }
}

#[test]
fn the_figures_equal_a_count_by_hand() {
    let figures = figures(&inputs());
    let expected: [(&str, f64, Option<f64>, Option<f64>); 19] = [
        ("opened", 5.0, Some(5.0), None),
        ("resolved", 4.0, Some(4.0), None),
        ("closed", 0.0, Some(0.0), None),
        ("complaint_rate", 60.0, Some(3.0), Some(5.0)),
        ("reopen_rate", 25.0, Some(1.0), Some(4.0)),
        ("repeat_rate", 25.0, Some(1.0), Some(4.0)),
        // 10, 20, 60: the repair ticket was first answered in February.
        ("first_response_median", 20.0, None, Some(3.0)),
        ("first_response_p90", 52.0, None, Some(3.0)),
        // 100, 300, 500, 2880.
        ("resolution_median", 400.0, None, Some(4.0)),
        ("resolution_p90", 2_166.0, None, Some(4.0)),
        ("sla_response", 200.0 / 3.0, Some(2.0), Some(3.0)),
        ("sla_resolution", 50.0, Some(2.0), Some(4.0)),
        ("satisfaction", 50.0, Some(2.0), Some(4.0)),
        ("nps", 25.0, Some(1.0), Some(4.0)),
        ("inspection_score", 40.0, Some(80.0), Some(2.0)),
        ("fatal_rate", 100.0 / 3.0, Some(1.0), Some(3.0)),
        ("appeal_rate", 75.0, Some(3.0), Some(4.0)),
        ("appeal_success", 50.0, Some(1.0), Some(2.0)),
        ("rectification_on_time", 100.0 / 3.0, Some(1.0), Some(3.0)),
    ];
    assert_eq!(figures.len(), expected.len());
    for (figure, (key, value, numerator, denominator)) in figures.iter().zip(expected) {
        assert_eq!(figure.key, key);
        let found = figure.value.expect(key);
        assert!((found - value).abs() < 1e-9, "{key}: {found} is not {value}");
        assert_eq!((figure.numerator, figure.denominator), (numerator, denominator), "{key}");
        assert!(!figure.definition.any().is_empty() && !figure.title.any().is_empty(), "{key}");
    }
}

#[test]
fn an_empty_month_has_counts_of_zero_and_no_other_value() {
    let empty = Inputs {
        tickets: vec![],
        answers: vec![],
        evaluations: vec![],
        rectifications: vec![],
        ..inputs()
    };
    for figure in figures(&empty) {
        let expected = (figure.unit == "count").then_some(0.0);
        assert_eq!(figure.value, expected, "{}", figure.key);
    }
}
