//! Every operation × every role.

use host::Module;
use kernel::Role;
use serde_json::json;

use super::operations::Operation;
use crate::{Client, TestApp, database};

/// Calls every operation without a token and in every role: 401 and 403 must come exactly where
/// the document says.
///
/// # Panics
/// With the list of what is wrong.
pub async fn permission_walk(module: Module) {
    let document = serde_json::to_value(host::openapi(&module)).expect("the document is JSON");
    let operations = Operation::all(&document);
    let app = TestApp::start(module, database::sqlite()).await;
    let mut faults = vec![];
    for op in &operations {
        let status = call(&app.anonymous(), op).await;
        let expected = op.needs.is_some();
        if (status == 401) != expected {
            let text =
                if expected { "must be 401" } else { "must not be 401, for it is declared public" };
            faults.push(format!(
                "{} {} without a token was answered {status}; {text}",
                op.method, op.path
            ));
        }
        for role in Role::ALL {
            let status = call(&app.as_role(*role, "/acme"), op).await;
            let lacks = op.needs.is_some_and(|p| !role.permissions().contains(&p));
            if (status == 403) != lacks {
                let text = if lacks { "must be 403" } else { "must not be 403" };
                let needs = op.needs.map_or("nothing", |p| p.as_str());
                faults.push(format!(
                    "{} {} (needs {needs}) as {} was answered {status}; {text}",
                    op.method,
                    op.path,
                    role.as_str()
                ));
            }
            if status >= 500 {
                faults.push(format!(
                    "{} {} as {} was answered {status}",
                    op.method,
                    op.path,
                    role.as_str()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

async fn call(client: &Client, op: &Operation) -> u16 {
    let call = client.call(op.method.clone(), &op.url(&[])).if_match(1);
    let call = if op.json_body { call.json(&json!({})) } else { call };
    call.status_only().await
}
