//! The suite on an existing database: time from start to ready, and memory once it idles.

use std::time::Duration;

use kefu_tests::stack::{Options, Stack};

use super::{
    report::{Goal, Line, Report},
    watch::{self, Watch},
};

const IDLE: Duration = Duration::from_secs(10);

pub async fn run(report: &mut Report) -> Result<(), String> {
    let mut stack = Stack::suite(Options::default()).await;
    let mut times = vec![];
    for _ in 0..5 {
        stack.stop_suite();
        times.push(stack.start_suite().await.as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    tokio::time::sleep(IDLE).await;
    let pid = stack.pid().ok_or("the suite does not run")?;
    let usage = Watch::begin(&[watch::process("suite", pid)]).end();
    report.add(Line {
        what: "suite: start to ready".into(),
        ours: times[2],
        baseline: 1_000.0,
        unit: "ms",
        goal: Some(Goal::AtMost(1.0)),
        note: "median of 5 starts on an existing database; baseline: the goal".into(),
        usage: vec![],
    });
    report.add(Line {
        what: "suite: memory once it idles".into(),
        ours: usage.iter().map(|u| u.peak_megabytes).sum(),
        baseline: 120.0,
        unit: "MB",
        goal: Some(Goal::AtMost(1.0)),
        note: "resident, 10 s after the start; baseline: the goal".into(),
        usage: vec![],
    });
    Ok(())
}
