//! From the last release to this version and back, under load, with both serving side by side on
//! one database: no request fails, no event is lost, none has its effect twice.
#![allow(clippy::unwrap_used, reason = "test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use kefu_tests::{
    binary,
    chaos::{
        client::Count,
        field::{Field, service_of},
        load::Shape,
        plan::Wish,
        report::Report,
        run::{self, Setup},
    },
    root,
    stack::SERVICES,
};

const APPLIED: &str = "select count(*) from seaql_migrations";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "builds the previous version: make test-upgrade"]
async fn side_by_side_and_back() {
    let old = tokio::task::spawn_blocking(previous).await.unwrap();
    let new = binary("kefu").parent().unwrap().to_owned();
    for service in SERVICES {
        let program = |dir: &Path| fs::read(dir.join(format!("kefu-{service}"))).unwrap();
        assert_ne!(program(&old), program(&new), "{service} is the same in both versions");
    }
    let setup = Setup {
        wish: Wish { seed: 1, replicas: 2, brokers: 1, ..Wish::default() },
        shape: Shape { pause: Duration::from_millis(300), ..Shape::default() },
        ..Setup::default()
    };
    let first = old.clone();
    let report = run::under_load(setup, Some(first), move |field, report| {
        field.balancer.be_strict(true);
        let outcome = there_and_back(field, &old, &new, report);
        field.balancer.be_strict(false);
        report.broken.extend(outcome.err());
    })
    .await;
    println!("{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken);
}

/// Programs of the previous version, built if they are not yet.
fn previous() -> PathBuf {
    let script = root().join("tests/upgrade/previous.sh");
    let output =
        Command::new(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the previous version was not built");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn there_and_back(
    field: &Field,
    old: &Path,
    new: &Path,
    report: &mut Report,
) -> Result<(), String> {
    let mut phases = Phases { field, report, begun: Instant::now(), before: field.tally.now() };
    sleep(Duration::from_secs(15));
    phases.end("the old version");

    let mut applied = vec![];
    for service in SERVICES {
        let before = field.number(service, APPLIED)?;
        migrate(field, service, new)?;
        let steps = field.number(service, APPLIED)? - before;
        if steps > 0 {
            applied.push(format!("{steps} of {service}"));
        }
    }
    sleep(Duration::from_secs(5));
    phases.end(&format!("the old version on the new schema (migrations: {})", applied.join(", ")));
    if applied.is_empty() {
        return Err(
            "the new version has no migration that the old one has not: nothing is shown".into()
        );
    }

    let (firsts, seconds): (Vec<String>, Vec<String>) =
        field.processes().into_iter().partition(|process| service_of(process) == process);
    roll(field, &seconds, new)?;
    sleep(Duration::from_secs(15));
    phases.end("one replica of each service rolled, both versions side by side");
    roll(field, &firsts, new)?;
    sleep(Duration::from_secs(10));
    phases.end("the other replicas rolled, the new version alone");
    roll(field, &seconds, old)?;
    sleep(Duration::from_secs(10));
    phases.end("one replica rolled back, side by side again");
    roll(field, &firsts, old)?;
    sleep(Duration::from_secs(10));
    phases.end("all rolled back, the old version on the new schema");
    roll(field, &[seconds, firsts].concat(), new)?;
    sleep(Duration::from_secs(5));
    phases.end("and to the new version for good");
    Ok(())
}

/// What callers met in each phase, printed and reported.
struct Phases<'a> {
    field: &'a Field,
    report: &'a mut Report,
    begun: Instant,
    before: Count,
}

impl Phases<'_> {
    fn end(&mut self, what: &str) {
        let Count { ok, busy, lost, failed, .. } = self.field.tally.now() - self.before;
        let took = self.begun.elapsed();
        let line = format!(
            "{what}: {took:.0?}, {ok} 2xx, {busy} 503 with Retry-After or 429, {lost} without an answer, {failed} failed"
        );
        println!("{line}");
        self.report.lines.push(line);
        (self.begun, self.before) = (Instant::now(), self.field.tally.now());
    }
}

/// Restarts processes one by one with the programs of `bin_dir`; none of them migrates.
fn roll(field: &Field, processes: &[String], bin_dir: &Path) -> Result<(), String> {
    let bin_dir = bin_dir.to_string_lossy();
    let settings = [("KEFU_BIN_DIR", bin_dir.as_ref()), ("KEFU__DATABASE__AUTO_MIGRATE", "false")];
    for process in processes {
        field.cluster.terminate(process)?;
        field.cluster.start_service(process, &settings)?;
        field.cluster.wait_ready(process, Duration::from_secs(90))?;
        // The balancer has to see that it is back before the next one goes.
        sleep(Duration::from_millis(1_500));
    }
    Ok(())
}

/// `kefu-SERVICE migrate` with the settings of the running service.
fn migrate(field: &Field, service: &str, bin_dir: &Path) -> Result<(), String> {
    let settings =
        fs::read_to_string(field.cluster.settings_of(service)).map_err(|e| e.to_string())?;
    let output = Command::new(bin_dir.join(format!("kefu-{service}")))
        .arg("migrate")
        .envs(settings.lines().filter_map(|line| line.split_once('=')))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{service}: migrate: {}", said.concat()))
    }
}
