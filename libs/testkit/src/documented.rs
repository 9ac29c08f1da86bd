//! What a module's document says about answers, to hold them against.

use std::collections::{BTreeMap, BTreeSet};

use host::Module;
use serde_json::Value;

/// Segments of a path's template, and the statuses of its methods.
type Template = (Vec<String>, Methods);
type Methods = BTreeMap<String, BTreeSet<String>>;

/// Statuses of every operation.
#[derive(Debug)]
pub(crate) struct Documented(Vec<Template>);

impl Documented {
    pub(crate) fn of(module: &Module) -> Self {
        let document = serde_json::to_value(host::openapi(module)).expect("the document is JSON");
        let paths = document["paths"].as_object().expect("a document has paths");
        Self(paths.iter().map(|(path, item)| (segments(path), methods(item))).collect())
    }

    /// What is wrong with an answer, if its operation is documented.
    pub(crate) fn fault(&self, method: &str, path: &str, status: u16) -> Option<String> {
        let path = segments(path.split('?').next().unwrap_or_default());
        // Of several templates that fit, the router takes the more literal one.
        let fitting = self.0.iter().filter(|(template, _)| fits(template, &path));
        let (_, methods) = fitting.max_by_key(|(template, _)| literal(template))?;
        let statuses = methods.get(method)?;
        (!statuses.contains(&status.to_string()))
            .then(|| format!("was answered {status}, and its document lists {statuses:?} only"))
    }
}

fn methods(item: &Value) -> Methods {
    let item = item.as_object().expect("a path item is an object");
    let statuses = |operation: &Value| {
        let responses = operation["responses"].as_object();
        responses.into_iter().flat_map(|all| all.keys().cloned()).collect()
    };
    item.iter().map(|(method, op)| (method.to_uppercase(), statuses(op))).collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn literal(template: &[String]) -> usize {
    template.iter().filter(|segment| !segment.starts_with('{')).count()
}

fn fits(template: &[String], path: &[String]) -> bool {
    template.len() == path.len()
        && template.iter().zip(path).all(|(t, p)| t.starts_with('{') || t == p)
}
