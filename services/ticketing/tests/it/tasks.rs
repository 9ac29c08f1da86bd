//! Department tasks, transfers between departments.

use contracts::ticketing::{TaskEnded, TimerBreached};
use serde_json::{Value, json};

use crate::support::{
    act, advance, agent, configure, lead, matter, now, on_every_database, open, read, resolve,
    timers, told_times,
};

#[tokio::test]
async fn mandatory_tasks_keep_a_ticket_from_being_resolved() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        let due = (now(&app) + chrono::TimeDelta::minutes(100)).to_rfc3339();
        let ask = async |body: Value| act(&amy, id, "tasks", body).await.expect(201);
        let first =
            ask(json!({ "department": "it", "title": "check the line", "due_at": due })).await.id();
        let second = ask(json!({ "department": "finance", "title": "refund" })).await.id();
        let optional =
            ask(json!({ "department": "pr", "title": "flowers", "mandatory": false })).await;
        assert_eq!(optional.body["state"], "open");
        let resolution = json!({ "resolution": "done" });
        act(&amy, id, "resolve", resolution.clone()).await.expect_problem(409, "tasks-open").done();
        let done = act(&amy, id, &format!("tasks/{first}/done"), json!({ "note": "mended" }))
            .await
            .expect(200);
        assert_eq!(
            (&done.body["state"], &done.body["ended_by"], &done.body["note"]),
            (&json!("done"), &json!("amy"), &json!("mended"))
        );
        act(&amy, id, "resolve", resolution).await.expect_problem(409, "tasks-open").done();
        act(&amy, id, &format!("tasks/{second}/refuse"), json!({ "note": "not ours" }))
            .await
            .expect(200)
            .done();
        for end in ["done", "refuse"] {
            act(&amy, id, &format!("tasks/{second}/{end}"), json!({}))
                .await
                .expect_problem(409, "task-ended")
                .done();
        }
        resolve(&amy, id).await.done();
        let ended: Vec<_> = app
            .emitted_of::<TaskEnded>()
            .await
            .into_iter()
            .map(|e| (e.outcome, e.on_time))
            .collect();
        assert_eq!(ended, [("done".to_owned(), Some(true)), ("refused".to_owned(), None)]);
        // A task of another ticket is not found under this one.
        let other = open(&amy, &matter("repair", "y")).await.id();
        act(&amy, other, &format!("tasks/{first}/done"), json!({}))
            .await
            .expect_problem(404, "not-found")
            .done();
        let list = amy.get(&format!("/api/v1/tickets/{id}/tasks")).send().await.expect(200);
        let states: Vec<_> = list.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["state"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["done", "refused", "open"]);
    });
}

#[tokio::test]
async fn a_task_has_a_deadline_of_its_own() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("demand", "x")).await.id();
        let past = json!({ "department": "it", "title": "x", "due_at": now(&app).to_rfc3339() });
        let refused = act(&amy, id, "tasks", past).await.expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/due_at"]);
        let mut tasks = vec![];
        for minutes in [100, 200] {
            let due = (now(&app) + chrono::TimeDelta::minutes(minutes)).to_rfc3339();
            let task = json!({ "department": "it", "title": "x", "due_at": due });
            tasks.push(act(&amy, id, "tasks", task).await.expect(201).id());
        }
        // The ticket waits, the department does not.
        act(&amy, id, "pending", json!({})).await.expect(200).done();
        advance(&app, 100);
        app.run_jobs().await;
        let breached = app.emitted_of::<TimerBreached>().await;
        assert_eq!((breached.len(), breached[0].metric.as_str()), (1, "task"));
        assert_eq!(
            told_times(&app, id, "timer_warned").await,
            4,
            "three for the first, one for the second"
        );
        act(&amy, id, &format!("tasks/{}/done", tasks[0]), json!({})).await.expect(200).done();
        assert_eq!(
            app.emitted_of::<TaskEnded>().await[0].on_time,
            Some(false),
            "as its timer says"
        );
        // Cancelling the ticket ends the other one.
        act(&amy, id, "cancel", json!({ "reason": "mistake" })).await.expect(200).done();
        let states: Vec<_> = timers(&amy, id)
            .await
            .iter()
            .filter(|t| t["metric"] == "task")
            .map(|t| t["state"].clone())
            .collect();
        assert_eq!(states, ["breached", "cancelled"]);
        advance(&app, 1_000);
        app.run_jobs().await;
        assert_eq!(app.emitted_of::<TimerBreached>().await.len(), 1);
    });
}

#[tokio::test]
async fn a_transfer_keeps_the_first_responder() {
    on_every_database!(async |app| {
        let department = json!({ "name": { "zh": "网络部", "en": "Network" } });
        configure(&app, "departments/network", 0, &department).await.done();
        let queue = json!({ "name": { "zh": "网络", "en": "Network" }, "kinds": ["demand"], "department": "network" });
        configure(&app, "queues/network", 0, &queue).await.done();
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        act(&amy, id, "claim", json!({})).await.expect(200).done();
        let to = json!({ "department": "network", "reason": "not a repair" });
        let moved = act(&amy, id, "transfer", to.clone()).await.expect(200);
        for (field, value) in [
            ("queue", json!("network")),
            ("department", json!("network")),
            ("handler", Value::Null),
            ("first_responder", json!("amy")),
            ("transfer_count", json!(1)),
        ] {
            assert_eq!(moved.body[field], value, "{field}");
        }
        // Moved to where it is: nothing happens.
        let again = act(&amy, id, "transfer", to).await.expect(200);
        assert_eq!(again.body["transfer_count"], 1);
        for bad in [
            json!({ "reason": "x" }),
            json!({ "queue": "nowhere", "reason": "x" }),
            json!({ "department": "nowhere", "reason": "x" }),
            json!({ "queue": "general", "reason": " " }),
        ] {
            act(&amy, id, "transfer", bad).await.expect_problem(422, "invalid").done();
        }
        let task = json!({ "department": "nowhere", "title": "x" });
        act(&amy, id, "tasks", task).await.expect_problem(422, "invalid").done();
        let assign = json!({ "handler": "cem", "queue": "general" });
        act(&amy, id, "assign", assign.clone()).await.expect_problem(403, "forbidden").done();
        let back = act(&lead(&app), id, "assign", assign).await.expect(200);
        assert_eq!(
            (&back.body["handler"], &back.body["queue"], &back.body["department"]),
            (&json!("cem"), &json!("general"), &Value::Null)
        );
        assert_eq!(read(&amy, id).await.body["first_responder"], "amy");
        assert_eq!(told_times(&app, id, "assigned").await, 3);
    });
}
