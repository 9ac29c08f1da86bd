//! Known answers computed by hand, and properties that hold for every form.

use proptest::prelude::*;

use super::*;
use crate::domain::{
    answers::{self, Value},
    scorecard::{Choice, Kind, Titles},
};

fn item(key: &str, weight: f64, answer: Kind) -> Item {
    Item {
        key: key.into(),
        title: Titles::new(key, key),
        answer,
        weight,
        na_allowed: true,
        fatal: Fatal::None,
        guidance: None,
        evidence_required: false,
    }
}

fn section(key: &str, weight: f64, items: Vec<Item>) -> Section {
    Section { key: key.into(), title: Titles::new(key, key), weight, items }
}

fn yes(item: &str) -> Answer {
    Answer::of(item, Value::Bool(true))
}

fn no(item: &str) -> Answer {
    Answer::of(item, Value::Bool(false))
}

fn num(item: &str, n: f64) -> Answer {
    Answer::of(item, Value::Number(n))
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.expect("a score");
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

/// Two items of a section of weight 40, one of a section of weight 20; the second one is missed.
fn two_sections(mode: Mode) -> Form {
    let a = section("a", 40.0, vec![item("a1", 1.0, Kind::YesNo), item("a2", 1.0, Kind::YesNo)]);
    Form { mode, sections: vec![a, section("b", 20.0, vec![item("b1", 1.0, Kind::YesNo)])] }
}

/// Seven items of 1 to 5 points in one section.
fn seven(mode: Mode) -> Form {
    let items =
        (1..=7).map(|n| item(&format!("i{n}"), 1.0, Kind::Scale { min: 0, max: 5 })).collect();
    Form { mode, sections: vec![section("s", 1.0, items)] }
}

#[test]
fn points_and_section_means_differ_as_published() {
    let answers = [yes("a1"), no("a2"), yes("b1")];
    close(score(&two_sections(Mode::Points), &answers).score, 60.0);
    close(score(&two_sections(Mode::Weighted), &answers).score, 200.0 / 3.0);
}

#[test]
fn an_item_that_is_not_applicable_leaves_both_sides_of_the_fraction() {
    let form = seven(Mode::Points);
    let values = [5.0, 4.0, 3.0, 3.0, 2.0, 2.0, 2.0];
    let mut answers: Vec<Answer> = (1..=7).map(|n| num(&format!("i{n}"), values[n - 1])).collect();
    close(score(&form, &answers).score, 60.0);
    answers[0] = Answer::na("i1");
    close(score(&form, &answers).score, 100.0 * 16.0 / 30.0);
}

#[test]
fn weighted_form_by_hand() {
    // S1 = (3·0.75 + 1·0)/4 = 0.5625, S2 = (2·0.5)/2 = 0.5: form = 100·(3·0.5625 + 1·0.5)/4.
    let options = vec![("low", 10.0), ("mid", 20.0), ("high", 30.0)];
    let options = options.into_iter().map(|(k, points)| Choice {
        key: k.into(),
        title: Titles::new(k, k),
        points,
    });
    let form = Form {
        mode: Mode::Weighted,
        sections: vec![
            section(
                "one",
                3.0,
                vec![
                    item("scale", 3.0, Kind::Scale { min: 1, max: 5 }),
                    item("yes", 1.0, Kind::YesNo),
                ],
            ),
            section(
                "two",
                1.0,
                vec![
                    item("choice", 2.0, Kind::Options { options: options.collect() }),
                    item("free", 7.0, Kind::Range { min: 0.0, max: 0.5 }),
                    item("words", 9.0, Kind::Text),
                ],
            ),
        ],
    };
    let choice = Answer::of("choice", Value::Text("mid".into()));
    let answers = [num("scale", 4.0), no("yes"), choice, Answer::na("free")];
    let result = score(&form, &answers);
    close(result.score, 54.6875);
    close(result.sections[0].score, 56.25);
    assert_eq!(result.sections[1].applied_weight, 0.25);
    let applied: f64 = result.trail.iter().map(|s| s.applied_weight).sum();
    assert!((applied - 1.0).abs() < 1e-12);
    let states: Vec<&str> = result.trail.iter().map(|s| s.state.as_str()).collect();
    assert_eq!(states, ["answered", "answered", "answered", "not_applicable", "not_scored"]);
}

#[test]
fn a_section_without_applicable_items_does_not_count_and_none_at_all_is_no_score() {
    let form = two_sections(Mode::Weighted);
    let answers = [yes("a1"), no("a2"), Answer::na("b1")];
    close(score(&form, &answers).score, 50.0);
    let nothing = [Answer::na("a1"), Answer::na("a2"), Answer::na("b1")];
    let result = score(&form, &nothing);
    assert_eq!((result.score, result.raw, result.fatal), (None, None, false));
    assert_eq!(score(&two_sections(Mode::Points), &nothing).score, None);
    assert_eq!(score(&form, &[]).score, None);
}

#[test]
fn fatal_items_take_their_section_before_and_the_form_after_aggregation() {
    for mode in [Mode::Weighted, Mode::Points] {
        let mut form = two_sections(mode);
        form.sections[0].items[1].fatal = Fatal::Section;
        let answers = [yes("a1"), no("a2"), yes("b1")];
        let result = score(&form, &answers);
        // Only b is left: 20/60 of the weights, 20/100 of the points.
        close(result.score, if mode == Mode::Weighted { 100.0 / 3.0 } else { 20.0 });
        close(result.raw, if mode == Mode::Weighted { 200.0 / 3.0 } else { 60.0 });
        let reason = result.fail_reason.expect("a reason");
        assert_eq!((reason.level, reason.items), (Fatal::Section, vec!["a2".to_owned()]));

        form.sections[0].items[1].fatal = Fatal::Form;
        let result = score(&form, &answers);
        assert_eq!((result.score, result.fatal), (Some(0.0), true));
        assert_eq!(result.fail_reason.map(|r| r.level), Some(Fatal::Form));

        let excused = [yes("a1"), Answer::na("a2"), yes("b1")];
        let result = score(&form, &excused);
        assert_eq!((result.score, result.fatal), (Some(100.0), false));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let form = seven(Mode::Weighted);
    let refused = |answer: Answer| answers::check(&form, &[answer], "/answers").unwrap_err();
    for wrong in [num("i1", 5.5), num("i1", 6.0), num("i1", -1.0), yes("i1"), num("nine", 1.0)] {
        assert_eq!(refused(wrong).code.code, "answer-out-of-range");
    }
    let mut strict = seven(Mode::Weighted);
    strict.sections[0].items[0].na_allowed = false;
    assert!(answers::check(&strict, &[Answer::na("i1")], "/answers").is_err());
    assert!(answers::check(&form, &[num("i1", 5.0), num("i1", 5.0)], "/answers").is_err());
    assert!(answers::check(&form, &[num("i1", 0.0), Answer::na("i2")], "/answers").is_ok());
}

#[test]
fn weights_that_sum_to_zero_are_refused() {
    let mut form = two_sections(Mode::Weighted);
    assert!(form.check_publishable().is_ok());
    form.sections[0].weight = 0.0;
    assert!(form.check_publishable().is_ok());
    form.sections[1].weight = 0.0;
    assert_eq!(form.check_publishable().unwrap_err().code.code, "weights-sum-to-zero");
    let mut form = two_sections(Mode::Weighted);
    form.sections[1].items[0].weight = 0.0;
    assert_eq!(form.check_publishable().unwrap_err().code.code, "weights-sum-to-zero");
    let words = section("w", 1.0, vec![item("w1", 1.0, Kind::Text)]);
    let form = Form { mode: Mode::Weighted, sections: vec![words] };
    assert!(form.check_publishable().is_err());
}

prop_compose! {
    fn any_form()(
        points in any::<bool>(),
        sections in prop::collection::vec((0.0..100.0f64, prop::collection::vec(
            (0.0..10.0f64, 1..10i32, 0..4u8, prop::option::of(0.0..=1.0f64)), 1..6)), 1..5),
    ) -> (Form, Vec<Answer>) {
        let mode = if points { Mode::Points } else { Mode::Weighted };
        let mut answers = vec![];
        let sections = sections.into_iter().enumerate().map(|(s, (weight, items))| {
            let items = items.into_iter().enumerate().map(|(i, (weight, max, fatal, q))| {
                let key = format!("s{s}i{i}");
                answers.push(match q {
                    Some(q) => num(&key, (f64::from(max) * q).round()),
                    None => Answer::na(&key),
                });
                let fatal = match fatal { 2 => Fatal::Section, 3 => Fatal::Form, _ => Fatal::None };
                Item { fatal, ..item(&key, weight, Kind::Scale { min: 0, max }) }
            }).collect();
            section(&format!("s{s}"), weight, items)
        }).collect();
        (Form { mode, sections }, answers)
    }
}

proptest! {
    #[test]
    fn a_score_lies_between_0_and_100_and_fatal_never_raises_it((form, answers) in any_form()) {
        let result = score(&form, &answers);
        for value in [result.score, result.raw].into_iter().flatten() {
            prop_assert!((-1e-9..=100.0 + 1e-9).contains(&value), "{value}");
        }
        if let (Some(score), Some(raw)) = (result.score, result.raw) {
            prop_assert!(score <= raw + 1e-9);
        }
        prop_assert_eq!(result.fatal, result.fail_reason.is_some());
        if !result.fatal {
            prop_assert_eq!(result.score, result.raw);
        }
        let applied: f64 = result.trail.iter().map(|s| s.applied_weight).sum();
        prop_assert!(applied < 1e-9 || (applied - 1.0).abs() < 1e-9, "{applied}");
    }

    #[test]
    fn the_order_of_answers_does_not_matter((form, answers) in any_form()) {
        let reversed: Vec<Answer> = answers.iter().rev().cloned().collect();
        prop_assert_eq!(score(&form, &answers), score(&form, &reversed));
    }

    #[test]
    fn scaling_all_weights_changes_nothing((form, answers) in any_form(), factor in 0.5..8.0f64) {
        let mut scaled = form.clone();
        for section in &mut scaled.sections {
            section.weight *= factor;
            section.items.iter_mut().for_each(|i| i.weight *= factor);
        }
        match (score(&form, &answers).score, score(&scaled, &answers).score) {
            (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-6),
            (a, b) => prop_assert_eq!(a, b),
        }
    }

    #[test]
    fn a_better_answer_never_lowers_the_score((form, answers) in any_form(), pick in any::<prop::sample::Index>()) {
        let before = score(&form, &answers);
        let mut better = answers.clone();
        let answer = pick.get(&answers);
        if !answer.na {
            let max = form.item(&answer.item).and_then(|i| i.answer.bounds()).map_or(0.0, |(_, max)| max);
            better = crate::domain::answers::replaced(&better, &[num(&answer.item, max)]);
            if let (Some(a), Some(b)) = (before.score, score(&form, &better).score) {
                prop_assert!(b >= a - 1e-9);
            }
        }
    }

    #[test]
    fn all_not_applicable_is_no_score((form, answers) in any_form()) {
        let none: Vec<Answer> = answers.iter().map(|a| Answer::na(&a.item)).collect();
        prop_assert_eq!(score(&form, &none).score, None);
    }
}
