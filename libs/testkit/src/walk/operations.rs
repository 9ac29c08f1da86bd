//! The operations of a document, with everything needed to call them.

use kernel::Permission;
use reqwest::Method;
use serde_json::Value;

/// One method of one path.
pub(super) struct Operation {
    pub method: Method,
    pub path: String,
    /// `None`: needs no token.
    pub needs: Option<Permission>,
    pub json_body: bool,
    doc: Value,
}

impl Operation {
    /// Operations of the document.
    ///
    /// # Panics
    /// When an operation states neither one known right nor that it is public.
    pub fn all(document: &Value) -> Vec<Self> {
        let paths = document["paths"].as_object().expect("a document has paths");
        let mut operations = vec![];
        for (path, item) in paths {
            for (method, doc) in item.as_object().expect("a path item is an object") {
                let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
                if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                    continue;
                }
                let needs = needs(doc).unwrap_or_else(|why| panic!("{method} {path}: {why}"));
                let json_body = doc.pointer("/requestBody/content/application~1json").is_some();
                operations.push(Self {
                    method,
                    path: path.clone(),
                    needs,
                    json_body,
                    doc: doc.clone(),
                });
            }
        }
        assert!(!operations.is_empty(), "the document has no operation");
        operations
    }

    /// Schema of the JSON body.
    pub fn body_schema(&self) -> Option<&Value> {
        self.doc.pointer("/requestBody/content/application~1json/schema")
    }

    /// The path as the router knows it: the host serves dead letters of every service by one route.
    pub fn template(&self) -> String {
        match self.path.strip_prefix("/api/v1/").and_then(|rest| rest.split_once('/')) {
            Some((_, rest)) if rest.starts_with("dead-letters") => {
                format!("/api/v1/{{service}}/{rest}")
            }
            _ => self.path.clone(),
        }
    }

    /// Names of the parameters in `query` or `header`.
    pub fn names(&self, place: &str) -> impl Iterator<Item = String> {
        self.parameters(place).map(|p| p["name"].as_str().unwrap_or_default().to_owned())
    }

    /// A value that a query parameter may have.
    pub fn sample_of(&self, name: &str) -> String {
        self.parameters("query")
            .find(|p| p["name"] == name)
            .map_or_else(String::new, |p| sample(&p["schema"]))
    }

    pub fn parameters(&self, place: &str) -> impl Iterator<Item = &Value> {
        let all = self.doc["parameters"].as_array().into_iter().flatten();
        let place = place.to_owned();
        all.filter(move |p| p["in"] == place.as_str())
    }

    pub fn has_query(&self, name: &str) -> bool {
        self.parameters("query").any(|p| p["name"] == name)
    }

    pub fn has_path_parameters(&self) -> bool {
        self.path.contains('{')
    }

    /// Whether an id of a record stands in the path.
    pub fn has_id(&self) -> bool {
        self.parameters("path").any(|p| p.pointer("/schema/format") == Some(&Value::from("uuid")))
    }

    /// The path with ids that no record has, and with the required query parameters.
    pub fn url(&self, more_query: &[(&str, &str)]) -> String {
        self.url_with_ids(&kernel::new_id().to_string(), more_query)
    }

    pub fn url_with_ids(&self, id: &str, more_query: &[(&str, &str)]) -> String {
        let mut path = self.path.clone();
        for p in self.parameters("path") {
            let name = p["name"].as_str().unwrap_or_default();
            let value = if p.pointer("/schema/format") == Some(&Value::from("uuid")) {
                id.to_owned()
            } else {
                sample(&p["schema"])
            };
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        let required = self.parameters("query").filter(|p| p["required"] == true);
        let mut query: Vec<(String, String)> = required
            .map(|p| (p["name"].as_str().unwrap_or_default().to_owned(), sample(&p["schema"])))
            .filter(|(name, _)| !more_query.iter().any(|(n, _)| n == name))
            .collect();
        query.extend(more_query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        if query.is_empty() {
            return path;
        }
        let encoded =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        format!("{path}?{encoded}")
    }
}

/// Some value that a parameter's schema allows.
fn sample(schema: &Value) -> String {
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.as_str().map_or_else(|| first.to_string(), str::to_owned);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    };
    match (kind, schema["format"].as_str()) {
        ("integer" | "number", _) => schema["minimum"].as_i64().unwrap_or(1).to_string(),
        ("boolean", _) => "true".into(),
        (_, Some("uuid")) => kernel::new_id().to_string(),
        (_, Some("date")) => "2026-03-02".into(),
        (_, Some("date-time")) => "2026-03-02T01:00:00Z".into(),
        _ => {
            let length = schema["minLength"].as_u64().unwrap_or(1).max(1);
            "x".repeat(usize::try_from(length).unwrap_or(1))
        }
    }
}

fn needs(doc: &Value) -> Result<Option<Permission>, String> {
    let security = doc["security"]
        .as_array()
        .ok_or("declares no security; write security((\"bearer\" = [\"…\"])) or security(())")?;
    let scopes: Vec<&str> = security
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|scheme| scheme.values())
        .flat_map(|scopes| scopes.as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    match scopes[..] {
        [] if security.iter().all(|scheme| scheme.as_object().is_some_and(|s| s.is_empty())) => {
            Ok(None)
        }
        [scope] => {
            scope.parse().map(Some).map_err(|()| format!("declares the unknown right {scope:?}"))
        }
        _ => Err(format!("must declare exactly one right or be public, but declares {security:?}")),
    }
}
