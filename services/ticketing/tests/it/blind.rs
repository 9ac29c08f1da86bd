//! Who inspects blind does not learn from a ticket who has worked on it.

use kernel::Role;
use serde_json::json;

use crate::support::{ORG, act, agent, answer, lead, on_every_database, open, read};

/// Everything that can be read of a ticket.
const PARTS: [&str; 5] = ["", "/history", "/articles", "/tasks", "/timers"];

#[tokio::test]
async fn an_inspector_learns_no_name_from_a_ticket() {
    on_every_database!(async |app| {
        let (amy, lea) = (agent(&app, "amy.agent"), lead(&app));
        let new = json!({ "kind": "complaint", "subject": "lost", "body": "the parcel is lost" });
        let id = open(&amy, &new).await.id();
        act(&amy, id, "claim", json!({})).await.expect(200).done();
        answer(&amy, id, "we look for it").await.done();
        let task = json!({ "department": "warehouse", "title": "look for it" });
        let task = act(&amy, id, "tasks", task).await.expect(201).id();
        let end = agent(&app, "bob.agent");
        act(&end, id, &format!("tasks/{task}/done"), json!({})).await.expect(200).done();
        let assign = json!({ "handler": "bob.agent", "reason": "amy.agent is away" });
        act(&lea, id, "assign", assign).await.expect(200).done();

        // Who leads sees all names.
        let seen = read(&lea, id).await;
        assert_eq!(seen.body["handler"], "bob.agent");
        assert_eq!(seen.body["first_responder"], "amy.agent");
        for roles in [&[Role::Inspector][..], &[Role::Inspector, Role::Agent]] {
            let ian = app.as_user("ian", roles, ORG);
            let list = ian.get("/api/v1/tickets?q=parcel").send().await.expect(200);
            assert_eq!(list.body["items"][0]["id"], json!(id), "the work itself is seen");
            let mut told = list.text.clone();
            for part in PARTS {
                let path = format!("/api/v1/tickets/{id}{part}");
                told += &ian.get(&path).send().await.expect(200).text;
            }
            assert!(told.contains("we look for it"), "{told}");
            for name in ["amy.agent", "bob.agent", "\"lea\""] {
                assert!(!told.contains(name), "{name} in {told}");
            }
            // Nor by asking for them.
            for query in ["handler=bob.agent", "handler=amy.agent", "first_responder=amy.agent"] {
                let asked = ian.get(&format!("/api/v1/tickets?{query}")).send().await;
                asked.expect_problem(403, "forbidden").done();
            }
            ian.get("/api/v1/tickets?handler=none").send().await.expect(200).done();
            ian.get("/api/v1/tickets?handler=ian").send().await.expect(200).done();
        }
        // Who is an agent besides works on tickets of their own as ever.
        let ina = app.as_user("ina", &[Role::Inspector, Role::Agent], ORG);
        let own = open(&ina, &new).await.id();
        let claimed = act(&ina, own, "claim", json!({})).await.expect(200);
        assert_eq!(claimed.body["handler"], "ina");
    });
}
