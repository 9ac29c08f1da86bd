//! Reading tickets at a hundred thousand and at millions: every kind of question through the REST
//! interface, in turn on both, and the plans of the statements behind it.

use std::{fmt::Write as _, fs, time::Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use sea_orm::{DbBackend, Statement};
use store::{Db, DbSettings};

use super::{
    data, error,
    postgres::{postmaster, psql, psql_file},
    quantile,
    report::{Goal, Line, Report, folder},
    server::Server,
    shapes::{NAMES, ask},
    watch::{self, Watch},
};

const SMALL: usize = 100_000;
const LARGE: usize = 2_100_000;
const WARM: usize = 150;
const REQUESTS: usize = 1_000;
/// Rows that one step of a plan may look at.
const ROWS: f64 = 10_000.0;

pub async fn run(report: &mut Report) -> Result<(), String> {
    let server = kefu_tests::required("KEFU_TEST_POSTGRES");
    let mut sides = vec![];
    for n in [SMALL, LARGE] {
        let url = data::tickets(&server, n).await?;
        // Into the system's cache, for both alike.
        psql(&url, "select count(*) from ticket where version < 0")?;
        psql(&url, "select count(*) from ticket_fts where tokens is null")?;
        sides.push((n, Server::ticketing(&url).await?, url));
    }
    let watched: Vec<_> = sides
        .iter()
        .map(|(n, server, _)| server.watched(&format!("ticketing {n}")))
        .chain([watch::postgres(postmaster(&server)?), watch::ourselves()])
        .collect();
    println!("reads: p99 at {LARGE} tickets against {SMALL}, {REQUESTS} random requests each");
    for shape in 0..=NAMES.len() {
        let watch = Watch::begin(&watched);
        let asked = measure(&sides, shape).await?;
        let ((small, few), (large, many)) = (&asked[0], &asked[1]);
        report.add(Line {
            what: NAMES.get(shape).map_or("get: one ticket", |n| *n).to_owned(),
            ours: quantile(large, 0.99),
            baseline: quantile(small, 0.99),
            unit: "ms p99",
            goal: Some(Goal::AtMost(1.5)),
            note: format!(
                "p50 {:.2} against {:.2} ms; {many:.1} against {few:.1} tickets in an answer",
                quantile(large, 0.5),
                quantile(small, 0.5)
            ),
            usage: watch.end(),
        });
    }
    let (n, _, url) = &sides[1];
    plans(url, *n).await
}

/// Sorted milliseconds of one kind of request, and how many tickets an answer had, per side.
async fn measure(
    sides: &[(usize, Server, String)],
    shape: usize,
) -> Result<Vec<(Vec<f64>, f64)>, String> {
    let mut ids = vec![];
    for (_, _, url) in sides {
        let some = "select id from ticket tablesample system (1) where root = '/acme' order by md5(id::text) limit 2000";
        ids.push(psql(url, some)?.lines().map(str::to_owned).collect::<Vec<_>>());
    }
    let mut asked = vec![(vec![], 0.0); sides.len()];
    let mut connections: Vec<_> = sides.iter().map(|(_, server, _)| server.connection()).collect();
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..WARM + REQUESTS {
        for (side, (n, _, _)) in sides.iter().enumerate() {
            let path = if shape < NAMES.len() {
                ask(shape, *n, &mut random)?.path
            } else {
                format!("/api/v1/tickets/{}", ids[side][random.random_range(0..ids[side].len())])
            };
            let begun = Instant::now();
            let reply = connections[side].get(&path).await?;
            let time = begun.elapsed().as_secs_f64() * 1_000.0;
            if reply.status != 200 {
                let text = String::from_utf8_lossy(&reply.body).into_owned();
                return Err(format!("{path}: {} {text}\n{}", reply.status, sides[side].1.log()));
            }
            if round >= WARM {
                let tickets = reply.json()?["items"].as_array().map_or(1, Vec::len);
                asked[side].0.push(time);
                #[allow(clippy::cast_precision_loss, reason = "a page")]
                let share = tickets as f64 / REQUESTS as f64;
                asked[side].1 += share;
            }
        }
    }
    for (times, _) in &mut asked {
        times.sort_by(f64::total_cmp);
    }
    Ok(asked)
}

/// Explains what stands behind every kind of question, as the server runs it once it has a plan for
/// any value; refuses one that reads a table as a whole or looks at too many rows.
async fn plans(url: &str, n: usize) -> Result<(), String> {
    let db = Db::connect(&DbSettings::new(url)).await.map_err(error)?;
    let mut random = StdRng::seed_from_u64(11);
    let (mut all, mut faults, mut count) = (String::new(), vec![], 0);
    for (shape, name) in NAMES.iter().enumerate() {
        for _ in 0..3 {
            let question = ask(shape, n, &mut random)?;
            for statement in question.statements(&db).await? {
                let plan = explain(url, &statement)?;
                let most = most_rows(&plan);
                let _ =
                    writeln!(all, "== {name}: {}\n{}\n\n{plan}\n", question.path, statement.sql);
                if plan.contains("Seq Scan") || plan.contains("JIT") || most > ROWS {
                    faults.push(format!("{name}: {} looks at {most} rows", question.path));
                }
                count += 1;
            }
        }
    }
    let file = folder()?.join("plans.txt");
    fs::write(&file, all).map_err(error)?;
    println!("plans at {n} tickets: {count} statements in {}", file.display());
    println!(
        "    {} of them read a table as a whole or look at more than {ROWS} rows in a step",
        faults.len()
    );
    for fault in faults {
        println!("    {fault}");
    }
    Ok(())
}

fn explain(url: &str, statement: &Statement) -> Result<String, String> {
    let values = statement.values.clone().map(|v| v.0).unwrap_or_default();
    let places: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
    let literals = Statement::from_sql_and_values(DbBackend::Postgres, places.join(", "), values);
    let script = format!(
        "set jit = off; set plan_cache_mode = force_generic_plan;\nprepare p as {};\nexplain (analyze, buffers) execute p({literals});\n",
        statement.sql
    );
    let file = tempfile::NamedTempFile::new().map_err(error)?;
    fs::write(file.path(), script).map_err(error)?;
    psql_file(url, file.path())
}

/// The most rows that any step of a plan gives or throws away, over all of its runs.
fn most_rows(plan: &str) -> f64 {
    let (mut most, mut loops) = (0.0_f64, 1.0);
    let number = |text: &str, behind: &str| -> Option<f64> {
        let rest = text.split_once(behind)?.1;
        rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.parse().ok()
    };
    for line in plan.lines() {
        if let Some((_, actual)) = line.split_once("(actual time=") {
            loops = number(actual, "loops=").unwrap_or(1.0);
            most = most.max(number(actual, "rows=").unwrap_or(0.0) * loops);
        }
        if let Some(removed) = number(line, "Rows Removed by Filter: ") {
            most = most.max(removed * loops);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_plan_are_counted_over_its_loops() {
        let plan = "Limit  (cost=1..2 rows=9 width=1) (actual time=0.1..0.2 rows=51 loops=1)\n\
                    ->  Index Scan  (cost=1..2 rows=9 width=1) (actual time=0.1..0.2 rows=3 loops=22)\n\
                          Rows Removed by Filter: 7\n";
        assert!((most_rows(plan) - 154.0).abs() < 1e-9);
    }
}
