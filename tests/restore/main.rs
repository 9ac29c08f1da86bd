//! Two services lose their databases under load and are restored from backups that were taken under
//! load. They catch up from the log, and the reconciliation finds what it would have found without
//! the loss: nothing missing, nothing twice, the same figures in every service.
//!
//! Between backup and loss other services' events are all that reaches the two (tickets are opened
//! and worked on): what callers wrote to the two themselves after the backup no log could give back.
#![allow(clippy::unwrap_used, reason = "test")]

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::atomic::Ordering,
    thread::sleep,
    time::{Duration, Instant},
};

use kefu_tests::{
    binary,
    chaos::{
        field::Field,
        load::Shape,
        plan::Wish,
        report::Report,
        run::{self, Setup},
    },
    root,
};

/// Quality draws inspections and tells of them; customer writes the timeline of everything.
const LOST: [&str; 2] = ["quality", "customer"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "three minutes: make test-restore"]
async fn restored_services_catch_up_from_the_log() {
    let setup = Setup {
        wish: Wish { seed: 1, replicas: 2, brokers: 1, ..Wish::default() },
        shape: Shape { pause: Duration::from_millis(300), ..Shape::default() },
        ..Setup::default()
    };
    let report = run::under_load(setup, None, |field, report| {
        if let Err(error) = lose_and_restore(field, report) {
            report.broken.push(error);
        }
    })
    .await;
    println!("{}", report.markdown());
    assert!(report.is_green(), "{:#?}", report.broken);
}

fn lose_and_restore(field: &Field, report: &mut Report) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    sleep(Duration::from_secs(30));
    field.tickets_only.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(12)); // whatever callers had begun is answered
    let mut figures = vec![];
    for service in LOST {
        let begun = Instant::now();
        script(field, "backup.sh", service, folder.path(), &[])?;
        figures.push(format!("{service}: backed up under load in {:.1?}", begun.elapsed()));
    }
    let before: Vec<i64> =
        LOST.map(|service| inbox(field, service)).into_iter().collect::<Result<_, _>>()?;
    let tickets = field.number("ticketing", "select count(*) from ticket")?;
    sleep(Duration::from_secs(40));

    for (service, before) in LOST.into_iter().zip(before) {
        let since = inbox(field, service)? - before;
        for process in [service.to_owned(), format!("{service}-2")] {
            field.kill(&process);
        }
        field.cluster.psql("ticketing", &format!("drop database kefu_{service} with (force)"))?;
        figures
            .push(format!("{service}: lost the effects of {since} events that it had read since"));
        if since < 50 {
            return Err(format!("only {since} events came after the backup: nothing is shown"));
        }
    }
    sleep(Duration::from_secs(5)); // events go on
    refuses_what_is_in_use(field, folder.path())?;
    for service in LOST {
        let begun = Instant::now();
        wait_until_left(field, service, folder.path())?;
        figures.push(format!("{service}: restored in {:.1?}", begun.elapsed()));
        let begun = Instant::now();
        for process in [service.to_owned(), format!("{service}-2")] {
            field.start(&process)?;
        }
        figures.push(format!("{service}: ready after {:.1?}", begun.elapsed()));
    }
    sleep(Duration::from_secs(10));
    let more = field.number("ticketing", "select count(*) from ticket")? - tickets;
    figures.push(format!("{more} tickets were opened after the backups"));
    for line in &figures {
        println!("{line}");
    }
    report.lines.extend(figures);
    Ok(())
}

/// Events that a service has taken over.
fn inbox(field: &Field, service: &str) -> Result<i64, String> {
    field.number(service, "select count(*) from inbox")
}

/// A database that holds something is not replaced unasked, and a damaged backup not used.
fn refuses_what_is_in_use(field: &Field, folder: &Path) -> Result<(), String> {
    script(field, "backup.sh", "survey", folder, &[])?;
    let refused = script(field, "restore.sh", "survey", folder, &[]).err().unwrap_or_default();
    if !refused.contains("--force replaces them") {
        return Err(format!("a database in use was not spared: {refused:?}"));
    }
    let dump = folder.join("survey/database.dump");
    let mut bytes = std::fs::read(&dump).map_err(|e| e.to_string())?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dump, bytes).map_err(|e| e.to_string())?;
    let refused =
        script(field, "restore.sh", "survey", folder, &["--force"]).err().unwrap_or_default();
    if !refused.contains("is damaged") {
        return Err(format!("a damaged backup was used: {refused:?}"));
    }
    Ok(())
}

/// Killed members stay in their group for a session's time, and while they do nothing is rewound.
fn wait_until_left(field: &Field, service: &str, folder: &Path) -> Result<(), String> {
    let more: &[&str] = if service == "customer" { &["--skip-numbers", "10000"] } else { &[] };
    let begun = Instant::now();
    loop {
        let forced = [more, &["--force"]].concat();
        match script(field, "restore.sh", service, folder, &forced) {
            Err(error)
                if error.contains("is being read") && begun.elapsed() < Duration::from_secs(60) =>
            {
                sleep(Duration::from_secs(2));
            }
            outcome => return outcome,
        }
    }
}

fn script(
    field: &Field,
    name: &str,
    service: &str,
    folder: &Path,
    more: &[&str],
) -> Result<(), String> {
    let bin = binary(&format!("kefu-{service}"));
    let output = Command::new(root().join("deploy").join(name))
        .arg(service)
        .arg(folder.join(service))
        .arg("--env")
        .arg(field.cluster.settings_of(service))
        .args(more)
        .env("KEFU_BIN_DIR", bin.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    print!("{said}");
    if output.status.success() { Ok(()) } else { Err(format!("{name} {service}: {said}")) }
}
