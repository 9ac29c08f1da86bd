//! Every operation × every kind of bad input.

use host::Module;
use kernel::Role;
use reqwest::Method;
use serde_json::Value;

use super::{language::not_chinese, operations::Operation, wrong_body::wrong_everywhere};
use crate::{Call, Client, TestApp, database};

/// Sends malformed bodies, ids, cursors and limits to every operation under `/api/`, as a caller
/// who may do everything: each must be a problem with the right code, in the caller's language, and
/// none a 5xx. A body in which everything is wrong is told of all of it. Compares the
/// parameters that each takes with those that its document lists, and sends one that it does not.
///
/// # Panics
/// With the list of what is wrong.
pub async fn bad_input_walk(module: Module) {
    let document = serde_json::to_value(host::openapi(&module)).expect("the document is JSON");
    let operations = Operation::all(&document);
    http::taken::watch();
    let app = TestApp::start(module, database::sqlite()).await;
    let mut walk = Walk { client: app.as_role(Role::Admin, "/acme"), faults: vec![] };
    for op in operations.iter().filter(|op| op.path.starts_with("/api/")) {
        walk.bodies(op).await;
        walk.wrong_fields(op, &document).await;
        walk.ids(op).await;
        walk.queries(op).await;
        walk.strangers(op, &app).await;
        walk.parameters(op).await;
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

pub(super) struct Walk {
    client: Client,
    pub(super) faults: Vec<String>,
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

    /// Every field wrong and one that does not exist: all are told at once.
    async fn wrong_fields(&mut self, op: &Operation, document: &Value) {
        let wrong = op.body_schema().and_then(|schema| wrong_everywhere(document, schema));
        let Some((body, pointers)) = wrong else { return };
        let call = self.call(op, &[]).header("accept-language", "zh-CN").json(&body);
        let reply = call.send().await;
        let told = reply.problem_pointers();
        // A tag or several shapes decide what is looked at; those bodies are few.
        let untold: Vec<&String> =
            pointers.iter().filter(|p| !told.contains(&p.as_str())).collect();
        if reply.status != 422 || !untold.is_empty() {
            self.faults.push(format!(
                "{} {} with {body} was answered {} and not told of {untold:?}: {:.600}",
                op.method, op.path, reply.status, reply.text
            ));
        }
        self.language(op, "every field wrong", &reply.body, &reply.text);
    }

    fn language(&mut self, op: &Operation, what: &str, body: &Value, text: &str) {
        let foreign = not_chinese(body);
        if !foreign.is_empty() {
            let (method, path) = (&op.method, &op.path);
            self.faults.push(format!(
                "{method} {path} with {what} told a Chinese reader {foreign:?}: {text:.600}"
            ));
        }
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
        let unknown = self.call(op, &[("no_such_parameter_", "1")]);
        self.check(op, "no_such_parameter_=1", unknown, exactly(&[400], "invalid-query")).await;
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

    /// Without a token, and in a role that lacks the right.
    async fn strangers(&mut self, op: &Operation, app: &TestApp) {
        let Some(needs) = op.needs else { return };
        let lacks = |role: &&Role| !role.permissions().contains(&needs);
        let others = Role::ALL.iter().find(lacks).map(|role| app.as_role(*role, "/acme"));
        for (client, status) in [(Some(app.anonymous()), 401), (others, 403)] {
            let Some(client) = client else { continue };
            let call = client.call(op.method.clone(), &op.url(&[])).if_match(1);
            let call = if op.json_body { call.json(&serde_json::json!({})) } else { call };
            let expect = Expect { statuses: &[status], code: None };
            self.check(op, "a stranger's token", call, expect).await;
        }
    }

    pub(super) fn call(&self, op: &Operation, query: &[(&str, &str)]) -> Call {
        self.client.call(op.method.clone(), &op.url(query)).if_match(1)
    }

    async fn check(&mut self, op: &Operation, what: &str, call: Call, expect: Expect<'_>) {
        let reply = match call.header("accept-language", "zh-CN").try_send().await {
            Ok(reply) => reply,
            // A server may close the connection on a body that it will not read to its end.
            Err(_) if expect.statuses.contains(&413) => return,
            Err(e) => {
                self.faults
                    .push(format!("{} {} with {what} was not answered: {e}", op.method, op.path));
                return;
            }
        };
        if reply.status >= 400 {
            self.language(op, what, &reply.body, &reply.text);
        }
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
