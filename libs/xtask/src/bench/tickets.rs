//! POST /api/v1/tickets against pgbench running the same statements on the same server with the same
//! number of connections; the load generator is included in our figure, and so are the relay and Kafka.
//!
//! The goal is for the service that takes the request. What follows from its events happens in four
//! others, on other machines where a cluster has them; here they would take most of the two cores, so
//! they are stopped, and a line of its own says what is left with all five at work.
//!
//! The statements are not written down here, where they would grow stale: one create is recorded in
//! the server's log and turned into a pgbench script, with fresh ids in the places of fresh ids.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use kefu_tests::{
    api::Caller,
    stack::{SERVICES, Stack},
};
use serde_json::{Value, json};

use super::{
    load,
    postgres::{pgbench, psql, server_log},
    rate,
    report::{Goal, Line, Report},
    split,
    watch::Watch,
};

const SECONDS: u64 = 10;
/// The most first: the broker's virtual machine compiles while there is enough to do.
const CLIENTS: [usize; 4] = [MOST, 32, 8, 1];
const MOST: usize = 64;

pub async fn run(report: &mut Report) -> Result<(), String> {
    println!("tickets: POST /api/v1/tickets, {SECONDS} s each");
    let stack = split::start().await;
    let admin = stack.user("admin").await;
    let customer = json!({ "kind": "person", "name": "Bench", "org": "/acme/north" });
    let customer = admin.post("/api/v1/customers", customer).await.expect(201)["id"].clone();
    kefu_tests::eventually("ticketing knows the customer", Duration::from_secs(30), || async {
        (create(&admin, &customer).await == 201).then_some(())
    })
    .await;
    let database = stack.database("ticketing");
    let script = record(&database, &admin, &customer).await?;
    let all = format!("create ticket, {MOST} clients, the other four services at work beside it");
    report.add(measure(&stack, &admin, &customer, &script, MOST, all, None).await?);
    for service in SERVICES.iter().filter(|name| **name != "ticketing") {
        stack.kill_service(service);
    }
    for clients in CLIENTS {
        let what = format!("create ticket, {clients} clients");
        let goal = Some(Goal::AtLeast(0.5));
        report.add(measure(&stack, &admin, &customer, &script, clients, what, goal).await?);
    }
    Ok(())
}

async fn measure(
    stack: &Stack,
    admin: &Caller,
    customer: &Value,
    script: &str,
    clients: usize,
    what: String,
    goal: Option<Goal>,
) -> Result<Line, String> {
    let watch = Watch::begin(&split::watched(stack)?);
    let connection = || split::connection(stack, admin, "/api/v1/tickets");
    let done = load::closed(clients, Duration::from_secs(SECONDS), connection, |_| {
        load::post("/api/v1/tickets", &ticket(customer))
    })
    .await?;
    let usage = watch.end();
    Ok(Line {
        what,
        ours: rate(done.times.len(), done.time),
        baseline: pgbench(&stack.database("ticketing"), script, clients, SECONDS)?,
        unit: "tickets/s",
        goal,
        note: format!("{}; baseline: pgbench, same statements and connections", done.quantiles()),
        usage,
    })
}

fn ticket(customer: &Value) -> Value {
    json!({ "kind": "complaint", "subject": "Parcel late 包裹延误", "customer_id": customer, "body": "Where is it?" })
}

async fn create(admin: &Caller, customer: &Value) -> u16 {
    let key = kefu_tests::api::new_trace();
    admin.post_once("/api/v1/tickets", &key, &ticket(customer)).await.status
}

/// Records the statements of one create as a pgbench script.
async fn record(database: &str, admin: &Caller, customer: &Value) -> Result<String, String> {
    let log = PathBuf::from(server_log(database)?);
    psql(database, "alter database kefu_ticketing set log_min_duration_statement = 0")?;
    // Connections made before keep their settings; new ones log.
    psql(
        database,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'kefu_ticketing' and pid <> pg_backend_pid()",
    )?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..20 {
        create(admin, customer).await;
    }
    let from = fs::metadata(&log).map_err(|e| format!("{}: {e}", log.display()))?.len();
    let status = create(admin, customer).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let text = fs::read(&log).map_err(|e| e.to_string())?;
    psql(database, "alter database kefu_ticketing reset log_min_duration_statement")?;
    psql(
        database,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'kefu_ticketing' and pid <> pg_backend_pid()",
    )?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..40 {
        create(admin, customer).await;
    }
    if status != 201 {
        return Err(format!("the recorded create answered {status}"));
    }
    let text =
        String::from_utf8_lossy(&text[usize::try_from(from).unwrap_or_default()..]).into_owned();
    let script = script(&text, customer.as_str().unwrap_or_default());
    fs::write(super::report::folder()?.join("tickets.sql"), &script).map_err(|e| e.to_string())?;
    if !script.contains("INSERT INTO") {
        return Err("nothing was recorded".into());
    }
    Ok(script)
}

/// The statements of the transaction that inserted a ticket. What else its session did before and
/// after, say for the relay, is no part of a create.
fn script(log: &str, customer: &str) -> String {
    let mut sessions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last: Option<(String, String)> = None;
    // The server marks further lines of an entry, of its statement or of a parameter, by a tab.
    let entries = log.replace("\n\t", "\u{1}");
    for raw in entries.lines().map(|line| line.replace('\u{1}', "\n")) {
        let session =
            raw.split('[').nth(1).and_then(|r| r.split(']').next()).unwrap_or_default().to_owned();
        if let Some((_, statement)) =
            raw.split_once("LOG:  duration: ").and_then(|(_, r)| r.split_once("ms  "))
        {
            let kind = statement.split([':', ' ']).next().unwrap_or_default();
            if let Some((session, statement)) = last.take() {
                sessions.entry(session).or_default().push(statement);
            }
            if matches!(kind, "execute" | "statement") {
                let (_, sql) = statement.split_once(": ").unwrap_or_default();
                last = Some((session, sql.to_owned()));
            }
        } else if let (Some((_, parameters)), Some((_, sql))) =
            (raw.split_once("DETAIL:  parameters: "), last.as_mut())
        {
            *sql = bind(sql, parameters);
        }
    }
    if let Some((session, statement)) = last {
        sessions.entry(session).or_default().push(statement);
    }
    let inserts = |sql: &String| {
        sql.contains("INSERT INTO \"ticket\"") || sql.contains("INSERT INTO ticket ")
    };
    let ours = sessions.into_values().find_map(|statements| {
        let at = statements.iter().position(inserts)?;
        let begin = statements[..at].iter().rposition(|sql| sql.starts_with("BEGIN"))?;
        let end = at + statements[at..].iter().position(|sql| sql.starts_with("COMMIT"))?;
        Some(statements[begin..=end].to_vec())
    });
    let statements: Vec<String> =
        ours.unwrap_or_default().into_iter().map(|s| freshen(&s, customer) + ";").collect();
    format!("\\set id random(1, 9000000000000000000)\n{}\n", statements.join("\n"))
}

/// Puts logged parameters (`$1 = 'a', $2 = NULL`) into their statement.
fn bind(sql: &str, parameters: &str) -> String {
    let mut values = BTreeMap::new();
    let mut rest = parameters;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        let Some((number, value)) = rest.split_once(" = ") else { break };
        let Ok(number) = number.parse::<usize>() else { break };
        let end = match value.strip_prefix('\'') {
            Some(text) => 2 + quoted_len(text),
            None => value.find(',').unwrap_or(value.len()),
        };
        // Without its closing quote the line was read while the server still wrote it.
        let Some((value, after)) = value.split_at_checked(end) else { break };
        values.insert(number, value.to_owned());
        rest = after;
    }
    let mut bound = sql.to_owned();
    for (number, value) in values.iter().rev() {
        bound = bound.replace(&format!("${number}"), value);
    }
    bound
}

/// Length of a quoted text up to its closing quote; doubled quotes belong to it.
fn quoted_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return at,
            _ => at += 1,
        }
    }
    at
}

/// Literals that were fresh in the recorded request are fresh in every run of the script.
fn freshen(sql: &str, customer: &str) -> String {
    let mut out = String::new();
    for (n, part) in sql.split('\'').enumerate() {
        let is_uuid = part.len() == 36
            && part.bytes().filter(|b| *b == b'-').count() == 4
            && part != customer;
        let is_number = part.starts_with('T')
            && part.contains('-')
            && part.len() < 20
            && part[1..].bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let is_key = part.starts_with("00-") && part.len() == 55;
        match (n % 2 == 1, is_uuid, is_number || is_key) {
            (true, true, _) => out += &format!("(md5(:id::text || '{}')::uuid)", &part[28..]),
            (true, false, true) => out += "('B' || :id::text)",
            (true, ..) => out += &literal(part),
            _ => out += part,
        }
    }
    out
}

/// A text without the colon, which pgbench would take for the beginning of a variable.
fn literal(text: &str) -> String {
    if !text.contains(':') {
        return format!("'{text}'");
    }
    format!("E'{}'", text.replace('\\', "\\\\").replace(':', "\\x3a"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_are_no_variables() {
        assert_eq!(literal("a"), "'a'");
        assert_eq!(literal("05:09 \\n"), "E'05\\x3a09 \\\\n'");
    }

    #[test]
    fn recorded_statements_become_a_script() {
        let log = "2026-03-02 [77] LOG:  duration: 0.1 ms  statement: SELECT 1 FROM lease\n\
                   2026-03-02 [77] LOG:  duration: 0.1 ms  statement: BEGIN\n\
                   2026-03-02 [77] LOG:  duration: 0.1 ms  execute s1: INSERT INTO \"ticket\" VALUES ($1, $2, $10)\n\
                   2026-03-02 [77] DETAIL:  parameters: $1 = '01890000-0000-7000-8000-000000000001', $2 = 'it''s', $10 = NULL\n\
                   2026-03-02 [77] LOG:  duration: 0.1 ms  statement: COMMIT\n\
                   2026-03-02 [77] LOG:  duration: 0.1 ms  statement: BEGIN\n\
                   2026-03-02 [77] LOG:  duration: 0.1 ms  statement: UPDATE lease\n\
                   2026-03-02 [77] LOG:  duration: 0.1 ms  statement: COMMIT\n";
        let script = script(log, "c");
        assert!(script.contains("BEGIN;\nINSERT INTO \"ticket\" VALUES ((md5(:id::text || '00000001')::uuid), 'it''s', NULL);\nCOMMIT;"), "{script}");
        assert!(!script.contains("lease"), "{script}");
    }
}
