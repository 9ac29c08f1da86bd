//! `kefu import` of 100,000 made customers and of a real incident log, on SQLite and PostgreSQL: rows
//! per second through command line and public API, and what is left of an import that is killed
//! twice, first the client, then the service.
//!
//! `KEFU_BENCH_CUSTOMERS` is another number of customers, to try the bench itself.
//! `KEFU_BENCH_BINARIES` names the folder of another version's `kefu`, `kefu-customer` and
//! `kefu-ticketing`, to measure that one in the same way.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use store::{Db, DbSettings, sql};
use tempfile::TempDir;

use super::{
    error,
    postgres::{database_url, psql},
    rate,
    report::{Goal, Line, Report, folder},
    server::{Server, binary},
    watch::Watch,
};

const CUSTOMERS: u32 = 100_000;
const LOG: &str = "servicenow-incidents/incident_event_log.csv";
/// Rows per second that an import should come to.
const GOAL: f64 = 1_000.0;

/// What is imported, where it goes, and what is counted afterwards.
struct Subject {
    format: &'static str,
    service: &'static str,
    file: PathBuf,
    rows: usize,
    tables: &'static [&'static str],
}

pub async fn run(report: &mut Report) -> Result<(), String> {
    let wanted = std::env::var("KEFU_BENCH_CUSTOMERS").ok();
    let rows: u32 = wanted.map_or(Ok(CUSTOMERS), |n| n.parse()).map_err(error)?;
    let mut subjects = vec![Subject {
        format: "customers",
        service: "customer",
        file: customers(rows)?,
        rows: rows as usize,
        tables: &["customer", "source_record", "membership", "identifier", "identity"],
    }];
    match kefu_tests::data(LOG) {
        Some(file) => {
            let text = fs::read_to_string(&file).map_err(error)?;
            let rows = text.lines().count() - 1;
            let tables = &["ticket", "import_row", "history", "timer", "timer_pause"];
            let (format, service) = ("servicenow", "ticketing");
            subjects.push(Subject { format, service, file, rows, tables });
        }
        None => println!("no incident log on this machine: its import is not measured"),
    }
    for subject in &subjects {
        for on_postgres in [false, true] {
            measure(report, subject, on_postgres).await?;
        }
    }
    Ok(())
}

async fn measure(report: &mut Report, subject: &Subject, on_postgres: bool) -> Result<(), String> {
    let on = if on_postgres { "PostgreSQL" } else { "SQLite" };
    let (format, rows) = (subject.format, subject.rows);
    let place = Place::new(&format!("{format}_whole"), on_postgres)?;
    let server = Server::of(subject.service, &place.url).await?;
    let mut whole = BTreeMap::new();
    for (what, again) in [("", false), (", all of it there already", true)] {
        let watch = Watch::begin(&[server.watched(subject.service)]);
        let begun = Instant::now();
        let said = finish(import(&server, subject)?)?;
        let took = begun.elapsed();
        let now = place.counts(subject.tables).await?;
        if again && now != whole {
            return Err(format!("a second import has changed {whole:?} to {now:?}"));
        }
        whole = now;
        report.add(Line {
            what: format!("import {format}, {on}{what}"),
            ours: rate(rows, took),
            baseline: GOAL,
            unit: "rows/s",
            goal: Some(Goal::AtLeast(1.0)),
            note: format!("{rows} rows; {}; baseline: the goal", said.replace('\n', "; ")),
            usage: watch.end(),
        });
    }
    drop(server);
    let resumed = killed_twice(subject, on_postgres, whole[subject.tables[0]]).await?;
    if resumed.counts != whole {
        return Err(format!("killed and resumed: {:?} instead of {whole:?}", resumed.counts));
    }
    println!(
        "import {format}, {on}: client killed at {}, service killed at {} of {} {}s; resumed, the \
         tables have the same numbers of rows: {whole:?}",
        resumed.client_killed_at,
        resumed.service_killed_at,
        whole[subject.tables[0]],
        subject.tables[0]
    );
    Ok(())
}

struct Resumed {
    client_killed_at: i64,
    service_killed_at: i64,
    counts: BTreeMap<&'static str, i64>,
}

/// Imports into a database of its own; `all` is how many rows its first table will have.
async fn killed_twice(subject: &Subject, on_postgres: bool, all: i64) -> Result<Resumed, String> {
    let place = Place::new(&format!("{}_killed", subject.format), on_postgres)?;
    let mut server = Server::of(subject.service, &place.url).await?;
    let table = subject.tables[0];
    let mut first = import(&server, subject)?;
    let client_killed_at = place.until(table, all * 3 / 10, &mut first).await?;
    first.kill().and_then(|()| first.wait()).map_err(error)?;
    let mut second = import(&server, subject)?;
    let service_killed_at = place.until(table, all * 6 / 10, &mut second).await?;
    server.kill()?;
    second.kill().and_then(|()| second.wait()).map_err(error)?;
    server.restart().await?;
    finish(import(&server, subject)?)?;
    let counts = place.counts(subject.tables).await?;
    Ok(Resumed { client_killed_at, service_killed_at, counts })
}

/// Begins an import.
fn import(server: &Server, subject: &Subject) -> Result<Child, String> {
    let errors = folder()?.join(format!("{}.errors.csv", subject.format));
    Command::new(binary("kefu"))
        .args(["import", subject.format])
        .arg(&subject.file)
        .args(["--source", "bench", "--chunk", "1000", "--errors"])
        .arg(errors)
        .env("KEFU_URL", &server.url)
        .env("KEFU_TOKEN", &server.token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(error)
}

/// Waits for its end; answers what it said.
fn finish(import: Child) -> Result<String, String> {
    let output = import.wait_with_output().map_err(error)?;
    if !output.status.success() {
        return Err(format!("the import failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A fresh database.
struct Place {
    url: String,
    _dir: TempDir,
}

impl Place {
    fn new(name: &str, on_postgres: bool) -> Result<Self, String> {
        let dir = tempfile::tempdir_in(folder()?).map_err(error)?;
        let url = match on_postgres {
            true => {
                let server = kefu_tests::required("KEFU_TEST_POSTGRES");
                let name = format!("kefu_bench_imports_{name}");
                psql(&server, &format!("drop database if exists {name} with (force)"))?;
                psql(
                    &server,
                    &format!(
                        "create database {name} template template0 lc_collate 'C' lc_ctype 'C'"
                    ),
                )?;
                database_url(&server, &name)
            }
            false => format!("sqlite://{}", dir.path().join(format!("{name}.db")).display()),
        };
        Ok(Self { url, _dir: dir })
    }

    async fn counts(
        &self,
        tables: &'static [&'static str],
    ) -> Result<BTreeMap<&'static str, i64>, String> {
        let db = Db::connect(&DbSettings::new(&self.url)).await.map_err(error)?;
        let mut counts = BTreeMap::new();
        for table in tables {
            counts.insert(*table, count(&db, table).await?);
        }
        db.close().await.map_err(error)?;
        Ok(counts)
    }

    /// Waits until there are so many rows; answers how many there are then.
    async fn until(&self, table: &str, rows: i64, import: &mut Child) -> Result<i64, String> {
        let db = Db::connect(&DbSettings::new(&self.url)).await.map_err(error)?;
        let begun = Instant::now();
        let found = loop {
            let found = count(&db, table).await?;
            if found >= rows {
                break found;
            }
            if import.try_wait().map_err(error)?.is_some() {
                return Err(format!("the import ended at {found} of {rows} {table}s"));
            }
            if begun.elapsed() > Duration::from_secs(3_600) {
                return Err(format!("{found} of {rows} {table}s after an hour"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        db.close().await.map_err(error)?;
        Ok(found)
    }
}

async fn count(db: &Db, table: &str) -> Result<i64, String> {
    let row = sql::one(db, &format!("SELECT COUNT(*) AS n FROM {table}"), vec![]).await;
    let row = row.map_err(error)?.ok_or("no count")?;
    row.try_get("", "n").map_err(error)
}

const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁";
const GIVEN: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰";

/// The file of customers, the same every time: nine in ten people with mobile, seven in ten with
/// e-mail, one in ten a company, some with tier and account manager; one row in a hundred somebody
/// who stood there before under another key, one in a hundred damaged by a spreadsheet.
fn customers(count: u32) -> Result<PathBuf, String> {
    let path = folder()?.join(format!("customers-{count}.csv"));
    let mut dice = StdRng::seed_from_u64(15);
    let pick = |dice: &mut StdRng, from: &str| -> String {
        let all: Vec<char> = from.chars().collect();
        all.choose(dice).map(char::to_string).unwrap_or_default()
    };
    let mut text = String::from("source_key,kind,name,phone,email,tier,account_manager,city\n");
    let mut people: Vec<String> = vec![];
    for i in 0..count {
        if i > 100 && dice.random_ratio(1, 100) {
            let before = people.choose(&mut dice).cloned().unwrap_or_default();
            let _ = writeln!(text, "K{i},{before}");
            continue;
        }
        let name = pick(&mut dice, SURNAMES) + &pick(&mut dice, GIVEN) + &pick(&mut dice, GIVEN);
        let company = dice.random_ratio(1, 10);
        let (kind, name) = match company {
            true => ("organisation", format!("{name}贸易有限公司")),
            false => ("person", name),
        };
        let phone = format!("1{}{:08}", 30 + i % 70, u64::from(i) * 37 % 100_000_000);
        let damaged = match dice.random_range(0..300) {
            0 => format!("'{phone}"),
            1 => format!("{phone}.0"),
            2 => "1.78E+10".to_owned(),
            _ => phone,
        };
        let email =
            if dice.random_ratio(7, 10) { format!("c{i}@example.cn") } else { String::new() };
        let tier = ["vip", "key", "", "", "", "", "", "", "", ""].choose(&mut dice).copied();
        let manager = if dice.random_ratio(1, 20) { "li.si" } else { "" };
        let tier = tier.unwrap_or_default();
        let row = format!("{kind},{name},{damaged},{email},{tier},{manager},上海");
        let _ = writeln!(text, "K{i},{row}");
        people.push(row);
    }
    write(&path, &text)?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{} is made", path.display());
    Ok(())
}
