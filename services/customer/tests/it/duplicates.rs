//! Who has a telephone number of somebody known is not that customer: two records stay two until
//! somebody who may says that they are one.

use contracts::ticketing::{TicketOpened, TicketSnapshot};
use futures::future::join_all;
use kernel::{Clock, Role};
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};
use uuid::Uuid;

use crate::support::*;

const PHONE: &str = "13800138000";

fn north(app: &TestApp) -> Client {
    app.as_role(Role::Agent, "/acme/north")
}

fn south(app: &TestApp) -> Client {
    app.as_role(Role::Agent, "/acme/south")
}

async fn suspicions(client: &Client, state: &str) -> Vec<Value> {
    let list = client.get(&format!("/api/v1/suspected-duplicates?state={state}&total=true"));
    let list = list.send().await.expect(200);
    let items = list.body["items"].as_array().unwrap().clone();
    assert_eq!(list.body["total"], items.len());
    items
}

async fn decide(client: &Client, suspicion: &Value, decision: &str) -> Reply {
    let path =
        format!("/api/v1/suspected-duplicates/{}/decision", suspicion["id"].as_str().unwrap());
    let version = suspicion["version"].as_i64().unwrap();
    client.post(&path).if_match(version).json(&json!({ "decision": decision })).send().await
}

fn path(reply: &Reply) -> String {
    format!("/api/v1/customers/{}", reply.id())
}

async fn opened(app: &TestApp, customer: Uuid) {
    let ticket: TicketSnapshot = serde_json::from_value(json!({
        "ticket_id": kernel::new_id(), "number": "T2026-000001", "org": "/acme", "kind": "complaint",
        "priority": "high", "status": "new", "subject": "x", "channel": "api", "locale": "zh-CN",
        "customer_id": customer, "opened_at": app.clock.now(), "reopen_count": 0, "urge_count": 0,
        "breached": false, "version": 1
    }))
    .unwrap();
    app.deliver(TicketOpened { ticket }).await;
}

#[tokio::test]
async fn a_known_phone_number_takes_nobody_over() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (north, south) = (north(&app), south(&app));
        let known = create(&north, person("张三", PHONE)).await.expect(201);
        // Another unit with the number of a northern customer, by every way in, and by their very
        // name as well.
        let by_source = south
            .put("/api/v1/customers/by-source/erp/S-1")
            .json(&person("骗子", PHONE))
            .send()
            .await
            .expect(201);
        let steward = app.as_role(Role::Steward, "/acme/south");
        let row = json!({ "source_key": "S-2", "name": "骗子", "phone": PHONE });
        let json = steward
            .post("/api/v1/customer-imports")
            .json(&json!({ "source": "crm", "rows": [row] }))
            .send()
            .await
            .expect(200);
        let csv = steward
            .post("/api/v1/customer-imports/csv?source=web")
            .body("text/csv", "key,name,phone\n1,张三,13800138000\n")
            .send()
            .await
            .expect(200);
        let rejecting =
            json!({ "kind": "person", "name": "骗", "phone": PHONE, "on_match": "reject" });
        let posts = [
            create(&south, person("张叁", PHONE)).await.expect(201),
            create(&south, rejecting).await.expect(201),
            by_source,
        ];
        let mut others: Vec<Uuid> = posts.iter().map(Reply::id).collect();
        for post in &posts {
            assert!(post.body.get("matched_on").is_none(), "{}", post.text);
            assert_eq!(post.body["identifiers"][0]["contested"], false, "{}", post.text);
        }
        for reply in [&json, &csv] {
            let row = &reply.body["rows"][0];
            assert!(row.get("remarks").is_none(), "{row}");
            others.push(row["customer_id"].as_str().unwrap().parse().unwrap());
        }
        assert!(!others.contains(&known.id()));
        // By hand, too: the number is taken, and nobody is told by whom.
        let own = create(&south, json!({ "kind": "person", "name": "钱七" })).await.expect(201);
        let entered = json!({ "email": "z3@example.com" });
        let mail = json!({ "kind": "person", "name": "赵六", "email": "z3@example.com" });
        create(&north, mail).await.expect(201).done();
        let patched = south.patch(&path(&own)).if_match(1).json(&entered).send().await.expect(200);
        assert_eq!(patched.body["identifiers"][0]["contested"], false);

        // The northern customer is untouched and nobody else's to see.
        let read = north.get(&path(&known)).send().await.expect(200);
        assert_eq!((&read.body["name"], read.version()), (&json!("张三"), 1));
        assert_eq!(read.body["identifiers"][0]["contested"], false);
        for what in ["", "/timeline", "/sources", "/assignments", "/contacts"] {
            let foreign = south.get(&format!("{}{what}", path(&known))).send().await;
            foreign.expect_problem(404, "not-found").done();
        }
        assert!(suspicions(&south, "open").await.is_empty());
        let found = south.get(&format!("/api/v1/customers?identifier={PHONE}")).send().await;
        assert!(!found.expect(200).text.contains(&known.id().to_string()));
        // Who keeps the northern customer learns of it, and of the other only what helps to judge.
        let seen = suspicions(&north, "open").await;
        assert_eq!(seen.len(), 5, "{seen:?}");
        for suspicion in seen {
            assert_eq!(suspicion["newcomer"]["org"], "/acme/south");
            assert!(suspicion["newcomer"].get("customer_id").is_none());
            assert!(suspicion["newcomer"]["name"].as_str().unwrap().ends_with("**"));
            assert!(suspicion["newcomer"]["phone"].is_null());
        }
    }
}

#[tokio::test]
async fn husband_and_wife_share_a_phone_and_stay_two() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let husband = create(&agent, person("张三", PHONE)).await.expect(201);
        let wife = create(&agent, person("李四", PHONE)).await.expect(201);
        assert_ne!(husband.id(), wife.id());
        assert_eq!(wife.body["identifiers"][0]["contested"], true);
        // Each is found again by name and number.
        let again = create(&agent, person("Si LI", "+86 138 0013 8000")).await.expect(200);
        assert_eq!((again.id(), &again.body["matched_on"]), (wife.id(), &json!("phone")));
        assert_eq!(create(&agent, person("张三", PHONE)).await.expect(200).id(), husband.id());
        let open = suspicions(&agent, "open").await;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0]["matched_on"], json!(["phone"]));
        assert_eq!(
            (&open[0]["known"]["customer_id"], &open[0]["newcomer"]["customer_id"]),
            (&json!(husband.id()), &json!(wife.id()))
        );
        assert_eq!(open[0]["newcomer"]["phone"], "+86138****8000");
        let one = format!("/api/v1/suspected-duplicates/{}", open[0]["id"].as_str().unwrap());
        let read = agent.get(&one).send().await.expect(200);
        assert_eq!((&read.body, read.version()), (&open[0], 1));

        let stale = json!({ "id": open[0]["id"], "version": 7 });
        decide(&agent, &stale, "different").await.expect(412).done();
        decide(&app.as_role(Role::Inspector, "/acme"), &open[0], "different")
            .await
            .expect(403)
            .done();
        decide(&app.as_role(Role::Agent, "/other"), &open[0], "different").await.expect(404).done();
        let decided = decide(&agent, &open[0], "different").await.expect(200);
        assert_eq!(
            (&decided.body["state"], &decided.body["decided_by"], decided.version()),
            (&json!("different"), &json!("agent"), 2)
        );
        decide(&agent, &decided.body, "same").await.expect_problem(409, "already-decided").done();
        // For ever: whatever brings the two together again.
        let body = json!({ "kind": "person", "name": "李四", "phone": PHONE, "source": "crm" });
        create(&agent, body).await.expect(200).done();
        assert!(suspicions(&agent, "open").await.is_empty());
        assert_eq!(suspicions(&agent, "different").await.len(), 1);
    }
}

#[tokio::test]
async fn two_become_one_when_somebody_who_sees_both_says_so() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (north, south, steward) = (north(&app), south(&app), steward(&app));
        let known = create(&north, person("王小明", PHONE)).await.expect(201);
        let body = json!({ "kind": "person", "name": "王晓明", "phone": PHONE,
            "email": "xm@example.com", "source": "erp", "source_key": "S-1" });
        let newcomer = create(&south, body.clone()).await.expect(201);
        for id in [known.id(), newcomer.id()] {
            opened(&app, id).await;
        }
        let open = suspicions(&steward, "open").await;
        let same = decide(&steward, &open[0], "same").await.expect(200);
        assert_eq!(same.body["state"], "same");

        // One customer, under either id, seen by both units, with everything that either had.
        for client in [&north, &south] {
            for reply in [&known, &newcomer] {
                let read = client.get(&path(reply)).send().await.expect(200);
                assert_eq!(
                    (read.id(), &read.body["email"]),
                    (known.id(), &json!("x***@example.com"))
                );
                assert_eq!(read.body["number"], known.body["number"]);
                let line =
                    client.get(&format!("{}/timeline", path(reply))).send().await.expect(200);
                assert_eq!(line.body["items"].as_array().unwrap().len(), 2, "{}", line.text);
            }
            let all = client.get("/api/v1/customers").send().await.expect(200);
            assert_eq!(all.body["items"].as_array().unwrap().len(), 1, "{}", all.text);
            let number = newcomer.body["number"].as_str().unwrap();
            let found = client.get(&format!("/api/v1/customers?q={number}")).send().await;
            assert_eq!(found.expect(200).body["items"][0]["id"], json!(known.id()));
        }
        let sources = north.get(&format!("{}/sources", path(&known))).send().await.expect(200);
        assert_eq!(sources.body["records"].as_array().unwrap().len(), 2);
        assert_eq!(count(&app, "membership_move").await, 1);
        // The other services: the one customer under both ids.
        let told = changed(&app).await;
        let [living, former] = &told[..] else { panic!("{told:?}") };
        assert_eq!((living.customer.customer_id, living.customer.merged_into), (known.id(), None));
        assert_eq!(living.customer.orgs, ["/acme/north", "/acme/south"]);
        assert!(["merged", "orgs", "email"].iter().all(|c| living.changed.iter().any(|w| w == c)));
        assert_eq!(
            (former.customer.customer_id, former.customer.merged_into),
            (newcomer.id(), Some(known.id()))
        );
        assert_eq!((former.customer.version, &former.customer.orgs), (2, &living.customer.orgs));
        assert!(former.customer.email.is_some());

        // The source goes on under its key; the former id hears of every change.
        let put = south.put("/api/v1/customers/by-source/erp/S-1");
        let same_words = json!({ "kind": "person", "name": "王晓明", "phone": PHONE, "email": "new@example.com" });
        let updated = put.json(&same_words).send().await.expect(200);
        assert_eq!((updated.id(), updated.version()), (known.id(), 3));
        let told = changed(&app).await;
        assert_eq!(told.len(), 4);
        assert_eq!((told[3].customer.customer_id, told[3].customer.version), (newcomer.id(), 3));
        // A former id is as good as the living one, for changes too.
        let patch = south.patch(&path(&newcomer)).if_match(3).json(&json!({ "locale": "en" }));
        assert_eq!(patch.send().await.expect(200).id(), known.id());
        assert_eq!(create(&south, person("王晓明", PHONE)).await.expect(200).id(), known.id());
    }
}

#[tokio::test]
async fn where_nobody_sees_both_each_side_is_asked_and_the_owner_first() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (north, south) = (north(&app), south(&app));
        let known = create(&north, person("王小明", PHONE)).await.expect(201);
        let newcomer = create(&south, person("王小明", PHONE)).await.expect(201);
        assert_ne!(known.id(), newcomer.id());
        let open = suspicions(&north, "open").await;
        assert!(suspicions(&south, "open").await.is_empty());
        decide(&south, &open[0], "same").await.expect_problem(404, "not-found").done();
        let agreed = decide(&north, &open[0], "same").await.expect(200);
        assert_eq!(
            (&agreed.body["state"], &agreed.body["agreed_by"]),
            (&json!("agreed"), &json!("agent"))
        );
        // Neither has got anything yet.
        north.get(&path(&newcomer)).send().await.expect(404).done();
        south.get(&path(&known)).send().await.expect(404).done();
        let asked = suspicions(&south, "agreed").await;
        assert_eq!(
            (&asked[0]["known"]["name"], &asked[0]["newcomer"]["name"]),
            (&json!("王**"), &json!("王小明"))
        );
        decide(&north, &agreed.body, "same").await.expect(200).done();
        assert_eq!(decide(&south, &asked[0], "same").await.expect(200).body["state"], "same");
        for client in [&north, &south] {
            assert_eq!(client.get(&path(&newcomer)).send().await.expect(200).id(), known.id());
        }
        assert!(suspicions(&north, "open").await.is_empty());
    }
}

#[tokio::test]
async fn a_strong_identifier_gives_a_foreign_unit_nothing_either() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (north, south) = (north(&app), south(&app));
        let card = |name: &str| {
            json!({ "kind": "person", "name": name,
                "identifiers": [{ "kind": "id_card", "value": "11010519491231002X" }] })
        };
        let known = create(&north, card("张三")).await.expect(201);
        assert_eq!(create(&north, card("张叁")).await.expect(200).id(), known.id());
        let newcomer = create(&south, card("张三")).await.expect(201);
        assert_ne!(newcomer.id(), known.id());
        assert_eq!(newcomer.body["identifiers"][0]["contested"], false);
        // Sent again it is the unit's own, and no third.
        assert_eq!(create(&south, card("张三")).await.expect(200).id(), newcomer.id());
        assert_eq!(count(&app, "customer").await, 2);
        assert_eq!(suspicions(&north, "open").await.len(), 1);
        // Who sees both finds the one who is found by it.
        let both = create(&agent(&app), card("张三")).await.expect(200);
        assert_eq!((both.id(), &both.body["matched_on"]), (known.id(), &json!("id_card")));
    }
}

#[tokio::test]
async fn an_erased_person_leaves_no_suspicion_and_no_former_self() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let known = create(&steward, person("王小明", PHONE)).await.expect(201);
        let newcomer = create(&steward, person("汪小明", PHONE)).await.expect(201);
        let open = suspicions(&steward, "open").await;
        decide(&steward, &open[0], "same").await.expect(200).done();
        create(&steward, person("李雷", PHONE)).await.expect(201).done();
        assert_eq!(count(&app, "suspected_duplicate").await, 2);
        let erase = steward.post(&format!("{}/erasure", path(&newcomer)));
        erase.json(&json!({ "reason": "requested" })).send().await.expect(201).done();
        for table in ["suspected_duplicate", "membership_move"] {
            assert_eq!(count(&app, table).await, 0, "{table}");
        }
        let names = "SELECT name FROM customer WHERE name LIKE '%小明%'";
        assert!(store::sql::one(&app.db, names, vec![]).await.unwrap().is_none());
        let told = app.emitted_of::<contracts::customer::CustomerErased>().await;
        assert_eq!((told[0].customer_id, &told[0].former_ids), (known.id(), &vec![newcomer.id()]));
        let versions = changed(&app).await.into_iter().filter(|c| c.customer.merged_into.is_some());
        assert!(versions.map(|c| c.customer.version).all(|v| v < told[0].version));
    }
}

#[tokio::test]
async fn four_who_share_a_phone_and_come_at_once_are_four() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let calls = (0..20).map(|i| {
            let agent = agent.clone();
            async move { create(&agent, person(&format!("同屋{}", i % 4), PHONE)).await }
        });
        let replies = join_all(calls).await;
        let statuses: Vec<u16> = replies.iter().map(|r| r.status).collect();
        assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 4, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 16, "{statuses:?}");
        for (i, reply) in replies.iter().enumerate() {
            assert_eq!(reply.id(), replies[i % 4].id());
        }
        // Each of the others beside the one who is found by the number.
        assert_eq!(suspicions(&agent, "open").await.len(), 3);
    }
}

#[tokio::test]
async fn a_verdict_goes_with_those_who_become_one() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let customer = async |name: &str, mail: Option<&str>| {
            let body = json!({ "kind": "person", "name": name, "phone": PHONE, "email": mail });
            create(&steward, body).await.expect(201)
        };
        let first = customer("甲", None).await;
        let second = customer("乙", Some("b@example.com")).await;
        let apart = suspicions(&steward, "open").await;
        decide(&steward, &apart[0], "different").await.expect(200).done();
        // Suspected to be the first by the phone, and then the second by the mail as well.
        let put = async |body: Value| {
            steward.put("/api/v1/customers/by-source/erp/3").json(&body).send().await
        };
        let third = put(person("丙", PHONE)).await.expect(201);
        let more =
            json!({ "kind": "person", "name": "丙", "phone": PHONE, "email": "b@example.com" });
        assert_eq!(put(more).await.expect(200).id(), third.id());
        let open = suspicions(&steward, "open").await;
        assert_eq!(open.len(), 2);
        let with_second = |s: &&Value| s["known"]["customer_id"] == json!(second.id());
        let second_too = open.iter().find(with_second).expect("by the mail");
        decide(&steward, second_too, "same").await.expect(200).done();
        assert_eq!(steward.get(&path(&third)).send().await.expect(200).id(), second.id());
        // The first and the second stay two, whatever became one with the second.
        assert!(suspicions(&steward, "open").await.is_empty());
        assert_eq!(suspicions(&steward, "different").await.len(), 1);
        assert_eq!(steward.get(&path(&first)).send().await.expect(200).id(), first.id());
    }
}

#[tokio::test]
async fn decisions_and_arrivals_at_once_end_well() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let names: Vec<String> = (0..6).map(|i| format!("同名{i}")).collect();
        for name in &names {
            create(&steward, person(name, PHONE)).await.expect(201).done();
        }
        let open = suspicions(&steward, "open").await;
        assert_eq!(open.len(), 5);
        let arrivals = names.iter().cycle().take(24).map(|name| {
            let steward = steward.clone();
            async move { create(&steward, person(name, PHONE)).await }
        });
        let decisions = open.iter().map(|s| decide(&steward, s, "same"));
        let (arrived, decided) = futures::join!(join_all(arrivals), join_all(decisions));
        // A record whose customer has become another's in that very moment is asked for again.
        let arrived: Vec<u16> = arrived.iter().map(|r| r.status).collect();
        assert!(arrived.iter().all(|s| [200, 201, 409].contains(s)), "{arrived:?}");
        let decided: Vec<u16> = decided.iter().map(|r| r.status).collect();
        assert!(decided.iter().all(|s| *s == 200), "{decided:?}");
        // Nothing hangs on a former customer.
        for left in [
            "SELECT 1 AS n FROM membership m JOIN customer c ON c.id = m.customer_id WHERE c.merged_at IS NOT NULL",
            "SELECT 1 AS n FROM identity i JOIN customer c ON c.id = i.customer_id WHERE c.merged_at IS NOT NULL",
        ] {
            assert!(store::sql::one(&app.db, left, vec![]).await.unwrap().is_none(), "{left}");
        }
    }
}

#[tokio::test]
async fn what_was_never_told_is_told_once() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let made = create(&agent(&app), person("张三", PHONE)).await.expect(201);
        let insert = "INSERT INTO untold_units (customer_id) VALUES ($1)";
        store::sql::execute(&app.db, insert, vec![made.id().into()]).await.unwrap();
        for _ in 0..2 {
            app.run_job("tell_units").await;
            let told = changed(&app).await;
            assert_eq!((told.len(), &told[0].changed), (1, &vec!["orgs".to_owned()]));
        }
    }
}
