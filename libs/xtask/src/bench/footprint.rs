//! The suite on an existing database: time from start to ready, and memory once it idles.

use std::{fs, time::Duration};

use kefu_tests::stack::{Options, Stack};

const IDLE: Duration = Duration::from_secs(10);

pub async fn run() -> Result<(), String> {
    let mut stack = Stack::suite(Options::default()).await;
    let mut times = vec![];
    for _ in 0..5 {
        stack.stop_suite();
        times.push(stack.start_suite().await.as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    tokio::time::sleep(IDLE).await;
    let pid = stack.pid().ok_or("the suite does not run")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|e| e.to_string())?;
    let kilobytes = |name: &str| -> f64 {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
    };
    println!(
        "suite: start to ready on an existing database, median of 5: {:.0} ms (goal 1000)",
        times[2]
    );
    println!(
        "suite: idle memory {:.0} MB resident (goal 120), {} threads",
        kilobytes("VmRSS:") / 1_024.0,
        kilobytes("Threads:")
    );
    Ok(())
}
