//! The JSON of a calendar: what is accepted, what is refused and where the fault is shown.

use calendar::{Calendar, CalendarSpec, Weekday};

fn path_of(json: &str) -> String {
    let spec: CalendarSpec = serde_json::from_str(json).expect("a readable specification");
    let error = Calendar::new(spec).expect_err(json);
    error.path().unwrap_or_else(|| panic!("{error} has no path")).to_owned()
}

#[test]
fn reads_back_unchanged() {
    let json = r#"{"zone":"Asia/Shanghai","week":{"mon":["13:30-18:00","09:00-12:00"],"fri":["22:00-06:00"],"sun":["00:00-24:00"]},"holidays":[{"date":"2026-10-01","name":"国庆节"}],"partial_days":[{"date":"2026-02-16","intervals":["09:00-12:00"],"name":"除夕"}],"makeup_workdays":[{"date":"2026-10-10","like":"mon","name":"调休"}]}"#;
    let spec: CalendarSpec = serde_json::from_str(json).unwrap();
    let calendar = Calendar::new(spec).unwrap();
    assert_eq!(serde_json::to_string(calendar.spec()).unwrap(), json);
}

#[test]
fn weekdays_are_written_from_monday_to_sunday() {
    let spec: CalendarSpec =
        serde_json::from_str(r#"{"zone":"UTC","week":{"sun":[],"wed":[],"mon":[]}}"#).unwrap();
    let days: Vec<Weekday> = spec.week.into_keys().collect();
    assert_eq!(days, [Weekday::Mon, Weekday::Wed, Weekday::Sun]);
    for day in Weekday::ALL {
        assert_eq!(serde_json::to_string(&day).unwrap(), format!("\"{}\"", day.as_str()));
    }
}

#[test]
fn faults_are_shown_where_they_are() {
    let cases = [
        (r#"{"zone":"Asia/Peking","week":{"mon":["09:00-18:00"]}}"#, "/zone"),
        (r#"{"zone":"","week":{"mon":["09:00-18:00"]}}"#, "/zone"),
        (r#"{"zone":"UTC","week":{"tue":["09:00-12:00","13:00-25:00"]}}"#, "/week/tue/1"),
        (r#"{"zone":"UTC","week":{"tue":["09:00-09:00"]}}"#, "/week/tue/0"),
        (
            r#"{"zone":"UTC","week":{"mon":["09:00-18:00"]},
                "partial_days":[{"date":"2026-01-01","intervals":["9-12"]}]}"#,
            "/partial_days/0/intervals/0",
        ),
        (
            r#"{"zone":"UTC","week":{"mon":["09:00-18:00"]},
                "partial_days":[{"date":"2026-01-01","intervals":[]}]}"#,
            "/partial_days/0/intervals",
        ),
        (
            r#"{"zone":"UTC","week":{"mon":["09:00-18:00"]},
                "partial_days":[{"date":"2026-01-01","intervals":["09:00-10:00"]},
                                {"date":"2026-01-01","intervals":["11:00-12:00"]}]}"#,
            "/partial_days/1/date",
        ),
        (
            r#"{"zone":"UTC","week":{"mon":["09:00-18:00"]},
                "makeup_workdays":[{"date":"2026-01-03","like":"sun"}]}"#,
            "/makeup_workdays/0/like",
        ),
        (
            r#"{"zone":"UTC","week":{"mon":["09:00-18:00"]},
                "makeup_workdays":[{"date":"2026-01-03","like":"mon"},
                                   {"date":"2026-01-03","like":"mon"}]}"#,
            "/makeup_workdays/1/date",
        ),
        (
            r#"{"zone":"UTC","week":{"mon":["09:00-18:00"]},"holidays":[{"date":"0206-01-01"}]}"#,
            "/holidays/0/date",
        ),
    ];
    for (json, path) in cases {
        assert_eq!(path_of(json), path, "{json}");
    }
}

#[test]
fn a_calendar_that_never_opens_is_refused() {
    assert_eq!(path_of(r#"{"zone":"UTC"}"#), "/week");
    assert_eq!(path_of(r#"{"zone":"UTC","week":{"mon":[],"sun":[]}}"#), "/week");
    assert_eq!(path_of(r#"{"zone":"UTC","holidays":[{"date":"2026-01-01"}]}"#), "/week");
}

#[test]
fn a_feast_shared_by_two_holidays_is_accepted() {
    let json = r#"{"zone":"Asia/Shanghai","week":{"thu":["09:00-18:00"]},
        "holidays":[{"date":"2020-10-01","name":"国庆节"},{"date":"2020-10-01","name":"中秋节"}]}"#;
    assert!(Calendar::new(serde_json::from_str(json).unwrap()).is_ok());
}

#[test]
fn misspelt_fields_and_days_are_refused() {
    for json in [
        r#"{"zone":"UTC","week":{"monday":["09:00-18:00"]}}"#,
        r#"{"zone":"UTC","week":{},"holiday":[]}"#,
        r#"{"zone":"UTC","holidays":[{"date":"2026-02-30"}]}"#,
        r#"{"zone":"UTC","makeup_workdays":[{"date":"2026-01-03"}]}"#,
        r#"{"week":{"mon":["09:00-18:00"]}}"#,
    ] {
        assert!(serde_json::from_str::<CalendarSpec>(json).is_err(), "{json}");
    }
}
