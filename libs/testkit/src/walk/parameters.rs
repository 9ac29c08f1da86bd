//! Every operation × its parameters: what the server takes and what the document says are the same.

use std::collections::BTreeSet;

use http::taken;
use serde_json::Value;

use super::{bad_input::Walk, operations::Operation};

/// Headers whose extractors tell that they are read.
const HEADERS: [&str; 2] = ["if-match", "idempotency-key"];

impl Walk {
    /// Compares the document with the extractors, then asks with each parameter by itself.
    pub(super) async fn parameters(&mut self, op: &Operation) {
        let documented: BTreeSet<String> = op.names("query").collect();
        // Whatever is answered: extractors have told what they take.
        self.call(op, &[]).status_only().await;
        let taken = taken::by(op.method.as_str(), &op.template());
        if taken.query != documented {
            self.fault(
                op,
                format!(
                    "takes the query parameters {:?}, but its document lists {documented:?}",
                    taken.query
                ),
            );
        }
        let headers: BTreeSet<String> = op.names("header").map(|n| n.to_lowercase()).collect();
        for name in HEADERS {
            if taken.headers.contains(name) != headers.contains(name) {
                let verb = if headers.contains(name) { "documents" } else { "takes" };
                self.fault(op, format!("{verb} the header {name} and does not do the other"));
            }
        }
        for name in &documented {
            let value = op.sample_of(name);
            let reply = self.call(op, &[(name, &value)]).status_and_text().await;
            if reply.1.contains("unknown-field") {
                self.fault(op, format!("documents {name} and refuses it: {}", reply.1));
            }
        }
        for parameter in op.parameters("query") {
            self.length(op, parameter).await;
        }
    }

    /// Free text has a limit, which holds.
    async fn length(&mut self, op: &Operation, parameter: &Value) {
        let (name, schema) = (parameter["name"].as_str().unwrap_or_default(), &parameter["schema"]);
        let is_text = schema["type"] == "string"
            || schema["type"].as_array().is_some_and(|all| all.contains(&"string".into()));
        let bounded = ["format", "enum", "pattern"].iter().any(|key| schema[*key].is_string())
            || schema["enum"].is_array();
        let Some(most) = schema["maxLength"].as_u64() else {
            if is_text && !bounded {
                self.fault(op, format!("documents no maxLength, format or pattern of {name}"));
            }
            return;
        };
        let long = "x".repeat(usize::try_from(most).unwrap_or(0) + 1);
        let reply = self.call(op, &[(name, &long)]).status_and_text().await;
        if reply.0 != 400 || !reply.1.contains("too-long") {
            let text = format!("took {} characters as {name}: {} {}", most + 1, reply.0, reply.1);
            self.fault(op, text);
        }
    }

    fn fault(&mut self, op: &Operation, text: String) {
        self.faults.push(format!("{} {} {text}", op.method, op.path));
    }
}
