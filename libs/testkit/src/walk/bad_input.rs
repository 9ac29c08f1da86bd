//! Every operation × every kind of bad input.

use host::Module;
use kernel::Role;
use reqwest::Method;

use super::operations::Operation;
use crate::{Call, Client, TestApp, database};

/// Sends malformed bodies, ids, cursors and limits to every operation under `/api/`, as a caller
/// who may do everything: each must be a problem with the right code, and none a 5xx.
///
/// # Panics
/// With the list of what is wrong.
pub async fn bad_input_walk(module: Module) {
    let document = serde_json::to_value(host::openapi(&module)).expect("the document is JSON");
    let operations = Operation::all(&document);
    let app = TestApp::start(module, database::sqlite()).await;
    let mut walk = Walk { client: app.as_role(Role::Admin, "/acme"), faults: vec![] };
    for op in operations.iter().filter(|op| op.path.starts_with("/api/")) {
        walk.bodies(op).await;
        walk.ids(op).await;
        walk.queries(op).await;
    }
    assert!(walk.faults.is_empty(), "{} faults:\n{}", walk.faults.len(), walk.faults.join("\n"));
}

/// What an answer must be: one of the statuses, and the code, if it matters.
struct Expect<'a> {
    statuses: &'a [u16],
    code: Option<&'a str>,
}

const REFUSED: Expect<'_> = Expect { statuses: &[400, 404, 409, 412, 415, 422], code: None };

const fn exactly<'a>(status: &'a [u16; 1], code: &'a str) -> Expect<'a> {
    Expect { statuses: status, code: Some(code) }
}

struct Walk {
    client: Client,
    faults: Vec<String>,
}

impl Walk {
    async fn bodies(&mut self, op: &Operation) {
        if !op.json_body {
            return;
        }
        let json = "application/json";
        for text in [&b"{\""[..], b"{", b"", b"not json", b"{a: 1}", b"\xff\xfe{}"] {
            let shown = format!("the body {:?}", String::from_utf8_lossy(text));
            self.check(
                op,
                &shown,
                self.call(op, &[]).body(json, text),
                exactly(&[400], "malformed-body"),
            )
            .await;
        }
        let form = self.call(op, &[]).body("text/plain", "{}");
        self.check(op, "a text/plain body", form, exactly(&[415], "unsupported-media-type")).await;
        // What is wrong first may be told first.
        for text in [&b"{\"a\":"[..], b"{\"a\":\"\xff\"}", b"{} {}"] {
            let shown = format!("the body {:?}", String::from_utf8_lossy(text));
            self.check(op, &shown, self.call(op, &[]).body(json, text), REFUSED).await;
        }
        for text in
            ["[]", "\"x\"", "7", "null", "{\"no_such_field_\":1}", "{\"\\u0000\":\"\\u0000\"}"]
        {
            self.check(
                op,
                &format!("the body {text}"),
                self.call(op, &[]).body(json, text),
                REFUSED,
            )
            .await;
        }
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        self.check(op, "a body nested 5000 deep", self.call(op, &[]).body(json, deep), REFUSED)
            .await;
        // Few endpoints take more than the usual 2 MB, and to them this is just no JSON.
        let huge = vec![b' '; 3 << 20];
        let too_large = Expect { statuses: &[413, 400], code: None };
        self.check(op, "a body of 3 MB", self.call(op, &[]).body(json, huge), too_large).await;
    }

    async fn ids(&mut self, op: &Operation) {
        if !op.has_id() {
            return;
        }
        let url = op.url_with_ids("not-an-id", &[]);
        let call = self.client.call(op.method.clone(), &url).if_match(1);
        let call = if op.json_body { call.json(&serde_json::json!({})) } else { call };
        self.check(op, "a malformed id", call, exactly(&[400], "invalid-path")).await;
        let unknown = self.call(op, &[]);
        if [Method::GET, Method::DELETE].contains(&op.method) || !op.json_body {
            self.check(op, "an unknown id", unknown, Expect { statuses: &[404], code: None }).await;
        } else {
            self.check(
                op,
                "an unknown id and an empty object",
                unknown.json(&serde_json::json!({})),
                REFUSED,
            )
            .await;
        }
    }

    async fn queries(&mut self, op: &Operation) {
        if !op.has_query("cursor") {
            return;
        }
        // Below a record that does not exist, that is what the caller may hear first.
        let statuses: &[u16] = if op.has_path_parameters() { &[400, 404] } else { &[400] };
        for (name, value, code) in [
            ("cursor", "%%%", "invalid-cursor"),
            ("cursor", "e30", "invalid-cursor"),
            ("limit", "0", "invalid-query"),
            ("limit", "100000", "invalid-query"),
            ("limit", "-1", "invalid-query"),
            ("limit", "many", "invalid-query"),
            ("total", "perhaps", "invalid-query"),
            ("no_such_parameter_", "1", "invalid-query"),
        ] {
            let code = (!op.has_path_parameters()).then_some(code);
            self.check(
                op,
                &format!("{name}={value}"),
                self.call(op, &[(name, value)]),
                Expect { statuses, code },
            )
            .await;
        }
    }

    fn call(&self, op: &Operation, query: &[(&str, &str)]) -> Call {
        self.client.call(op.method.clone(), &op.url(query)).if_match(1)
    }

    async fn check(&mut self, op: &Operation, what: &str, call: Call, expect: Expect<'_>) {
        let reply = match call.try_send().await {
            Ok(reply) => reply,
            // A server may close the connection on a body that it will not read to its end.
            Err(_) if expect.statuses.contains(&413) => return,
            Err(e) => {
                self.faults
                    .push(format!("{} {} with {what} was not answered: {e}", op.method, op.path));
                return;
            }
        };
        let kind = reply.header("content-type").unwrap_or_default();
        let code = reply.body["code"].as_str().unwrap_or_default();
        let right = expect.statuses.contains(&reply.status)
            && kind.starts_with("application/problem+json")
            && !code.is_empty()
            && expect.code.is_none_or(|c| c == code);
        if !right {
            let wanted = expect.code.unwrap_or("any code");
            self.faults.push(format!(
                "{} {} with {what} was answered {} {kind} {code:?}; must be a problem of {:?} with {wanted}: {:.200}",
                op.method, op.path, reply.status, expect.statuses, reply.text
            ));
        }
    }
}
