//! How PostgreSQL answers lists and searches: by the indexes meant for them, looking at little more
//! than a page, while the planner is left to itself.

use kernel::{Context, OrgPath, TraceContext};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use testkit::TestApp;
use ticketing::{
    app::list_tickets::{TicketQuery, wanted},
    store::{
        finding::{After, page, statements},
        wanted::Wanted,
    },
};

const ROWS: usize = 30_000;

/// Three years of tickets of two enterprises, as an import would leave them.
async fn fill(app: &TestApp) {
    let tickets = format!(
        "INSERT INTO ticket (id, org, root, number, kind, category, priority, status, subject, channel, locale, customer_id, queue,
           first_responder, handler, external_ref, parent_id, opened_by, opened_at, reopen_count, transfer_count, urge_count,
           escalation_level, breached, updated_at, version)
         SELECT md5(g::text)::uuid, org, CASE WHEN org LIKE '/acme%' THEN '/acme' ELSE org END, 'T2026-' || g,
           (ARRAY['repair','complaint','demand'])[1 + g % 3], 'cat' || g % 97, (ARRAY['low','normal','high'])[1 + g % 3],
           CASE WHEN g % 50 = 0 THEN 'on_hold' WHEN g > {ROWS} * 0.97 THEN 'open' ELSE 'closed' END, 's', 'api', 'en',
           md5((g % 4000)::text)::uuid, 'q' || g % 7, 'a' || g % 40, CASE WHEN g % 11 > 0 THEN 'a' || g % 41 END, CASE WHEN g % 10 = 0 THEN 'e' || g END,
           CASE WHEN g % 100 = 0 THEN md5((g - 1)::text)::uuid END, 'x', at, 0, 0, 0, 0, g % 20 = 0, at, 1
         FROM (SELECT g, timestamptz '2026-03-01Z' - (interval '1096 days') * (({ROWS} - g) / {ROWS}.0) AS at,
                 CASE WHEN g % 25 = 0 THEN '/globex' ELSE '/acme/r' || g % 5 || '/s' || g % 200 END AS org
               FROM generate_series(1, {ROWS}) g) s"
    );
    // Tokens as `facets` makes them; the first words are in every, every 50th and one ticket.
    let tokens = "INSERT INTO ticket_fts (id, tokens)
         SELECT id, ARRAY['late', '@k' || kind, '@c' || category, '@p' || priority, '@r' || first_responder,
             '@0.' || (extract(epoch FROM opened_at)::bigint >> 14), '@1.' || (extract(epoch FROM opened_at)::bigint >> 18),
             '@2.' || (extract(epoch FROM opened_at)::bigint >> 22), '@o' || root, '@o' || org,
             '@o' || regexp_replace(org, '/s.*', ''), 'n' || substr(number, 7)]
             || CASE WHEN status = 'on_hold' THEN ARRAY['rare'] ELSE '{}' END
         FROM ticket";
    for sql in [&tickets, tokens, "VACUUM ANALYZE ticket", "VACUUM ANALYZE ticket_fts"] {
        app.db.execute_unprepared(sql).await.unwrap();
    }
}

fn asked(query: &Value) -> Wanted {
    let query: TicketQuery = serde_json::from_value(query.clone()).unwrap();
    let ctx = Context::system(OrgPath::parse("/acme").unwrap(), TraceContext::default());
    wanted(&ctx, &query).unwrap().unwrap()
}

/// Numbers of the tickets that the query is for, by reading all of them.
async fn plainly(app: &TestApp, query: &Value, after: After) -> Vec<String> {
    let mut conditions = vec!["t.root = '/acme'".to_owned()];
    for (name, value) in query.as_object().unwrap() {
        let text = value.as_str().unwrap_or("true");
        conditions.push(match name.as_str() {
            "org" => format!("(org = '{text}' OR starts_with(org, '{text}/'))"),
            "handler" if text == "none" => "handler IS NULL".to_owned(),
            "status" if text == "active" => "status IN ('open', 'on_hold')".to_owned(),
            "status" => format!("status = ANY (string_to_array('{text}', ','))"),
            "q" => format!("f.tokens @> string_to_array('{text}', ' ')"),
            name => format!("{name}::text = '{text}'"),
        });
    }
    if let Some((at, id)) = after {
        conditions.push(format!("(opened_at, t.id) < ('{}', '{id}')", at.to_rfc3339()));
    }
    let sql = format!(
        "SELECT number FROM ticket t JOIN ticket_fts f ON f.id = t.id WHERE {} ORDER BY opened_at DESC, t.id DESC LIMIT 51",
        conditions.join(" AND ")
    );
    let rows = app.db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    rows.unwrap().iter().map(|row| row.try_get("", "number").unwrap()).collect()
}

async fn explain(app: &TestApp, query: &Value, after: After) -> Vec<Value> {
    let mut plans = vec![];
    for statement in statements(&app.db, &asked(query), after, 51).await.unwrap() {
        let sql = format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", statement.sql);
        let explain = Statement { sql, values: statement.values, db_backend: DbBackend::Postgres };
        let row = app.db.query_one_raw(explain).await.unwrap().unwrap();
        let plan: Value = row.try_get("", "QUERY PLAN").unwrap();
        plans.push(plan[0]["Plan"].clone());
    }
    plans
}

/// Calls `see` for every node.
fn walk(plan: &Value, see: &mut impl FnMut(&Value)) {
    see(plan);
    for child in plan["Plans"].as_array().into_iter().flatten() {
        walk(child, see);
    }
}

#[tokio::test]
async fn lists_and_searches_use_their_indexes() {
    let app = TestApp::start(ticketing::module(), testkit::postgres().await).await;
    fill(&app).await;
    let customer = "c4ca4238-a0b9-2382-0dcc-509a6f75849b"; // md5('1')
    let late = ("2025-03-01T00:00:00Z".parse().unwrap(), kernel::new_id());
    let shapes: [(Value, &[&str]); 31] = [
        (json!({}), &["ticket_newest"]),
        (json!({ "status": "open" }), &["ticket_status"]),
        (json!({ "status": "active" }), &["ticket_status"]),
        (json!({ "queue": "q1" }), &["ticket_queue"]),
        (json!({ "queue": "q1", "status": "on_hold" }), &["ticket_queue"]),
        (json!({ "handler": "a1" }), &["ticket_handler"]),
        (json!({ "handler": "a1", "status": "open,on_hold" }), &["ticket_handler"]),
        (json!({ "handler": "none" }), &["ticket_unassigned"]),
        (json!({ "handler": "none", "status": "active" }), &["ticket_unassigned"]),
        (json!({ "customer_id": customer }), &["ticket_customer"]),
        (json!({ "parent_id": customer }), &["ticket_parent"]),
        (json!({ "number": "T2026-77" }), &["ticket_number"]),
        (json!({ "external_ref": "e70" }), &["ticket_external_scope"]),
        (json!({ "breached": true }), &["ticket_breached"]),
        (json!({ "org": "/acme/r1" }), &["ticket_fts_tokens"]),
        (json!({ "category": "cat5", "priority": "high" }), &["ticket_fts_tokens"]),
        (json!({ "kind": "repair", "category": "cat6", "priority": "low" }), &["ticket_class"]),
        (json!({ "kind": "repair", "category": "cat6", "priority": "high" }), &["ticket_class"]),
        (
            json!({ "kind": "repair", "category": "cat6", "priority": "low", "status": "closed" }),
            &["ticket_class"],
        ),
        (json!({ "org": "/acme/r2/s2", "status": "on_hold" }), &["ticket_org"]),
        (json!({ "org": "/acme/r2", "status": "on_hold,open" }), &["ticket_org"]),
        (json!({ "org": "/acme/r2/s2", "status": "active" }), &["ticket_org"]),
        (
            json!({ "org": "/acme/r2", "status": "closed", "breached": true }),
            &["ticket_org", "ticket_fts_tokens"],
        ),
        (
            json!({ "org": "/acme/r2", "status": "open,pending,on_hold,resolved,closed", "breached": true }),
            &["ticket_status", "ticket_fts_tokens"],
        ),
        (json!({ "q": "late" }), &["ticket_fts_tokens"]),
        (json!({ "q": "n77" }), &["ticket_fts_tokens"]),
        (json!({ "q": "late rare" }), &["ticket_fts_tokens"]),
        (json!({ "q": "rare", "status": "open" }), &["ticket_status", "ticket_fts_tokens"]),
        (json!({ "org": "/acme/r2/s2", "queue": "q3" }), &["ticket_org_queue"]),
        (json!({ "org": "/acme/r2/s2", "queue": "q3", "q": "late" }), &["ticket_org_queue"]),
        (json!({ "org": "/acme/r2", "queue": "q3", "q": "rare" }), &["ticket_queue", "ticket_fts"]),
    ];
    for (query, expected) in &shapes {
        for after in [None, Some(late)] {
            let (mut used, mut faults) = (String::new(), vec![]);
            for plan in explain(&app, query, after).await {
                walk(&plan, &mut |node| {
                    let kind = node["Node Type"].as_str().unwrap_or_default();
                    let rows = node["Actual Rows"].as_f64().unwrap_or_default();
                    let looked = (rows + node["Rows Removed by Filter"].as_f64().unwrap_or(0.0))
                        * node["Actual Loops"].as_f64().unwrap_or(1.0);
                    used += node["Index Name"].as_str().unwrap_or_default();
                    used += " ";
                    if kind == "Seq Scan" || looked > 6_000.0 {
                        faults.push(format!("{kind} of {looked} rows"));
                    }
                });
            }
            let found = page(&app.db, &asked(query), after, 51).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|t| t.number).collect();
            assert_eq!(found, plainly(&app, query, after).await, "{query} {after:?}");
            assert!(faults.is_empty(), "{query}: {faults:?}");
            assert!(expected.iter().all(|i| used.contains(i)), "{query} {after:?} used {used}");
        }
    }
}
