//! OpenAPI 3.1 documents: what the handlers declare, completed with what holds for all of them.

use std::collections::BTreeMap;

use actix_web::App;
use kernel::{ErrorCode, codes};
use serde_json::json;
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        Components, Content, Info, License, OpenApi, Ref, RefOr, Response, Server,
        extensions::Extensions,
        path::{Operation, Parameter, ParameterIn, PathItem},
        response::ResponseBuilder,
        schema::{AdditionalProperties, Object, ObjectBuilder, Schema, Type},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

use crate::error::{PROBLEM_JSON, ProblemBody, ProblemField};

/// Lists the header in an operation's `params(...)`; [`crate::Idempotent`] reads it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "read by the derive")]
pub struct IdempotencyHeader {
    /// Any text of your own; sent again with the same body, the request is carried out once and
    /// answered alike for at least 48 hours.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 200,
        pattern = "^[ -~]+$",
        nullable = false
    )]
    idempotency_key: Option<String>,
}

/// Lists the header in an operation's `params(...)`; [`crate::IfMatch`] reads it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "read by the derive")]
pub struct IfMatchHeader {
    /// ETag of the version that the change is based on. One, as it was answered: neither `*` nor a
    /// list, by which a caller would overwrite what they have not read.
    #[param(rename = "If-Match", pattern = "^\"[0-9]{1,18}\"$", example = "\"7\"")]
    if_match: String,
}

/// Lists the header in an operation's `params(...)`, and 304 among its answers: of reading
/// operations whose answer has an ETag. [`crate::edge`] sees to it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "read by the derive")]
pub struct IfNoneMatchHeader {
    /// ETags that the caller has: when the resource's is among them the answer is 304, without a body.
    #[param(rename = "If-None-Match", max_length = 1000, example = "\"7\"", nullable = false)]
    if_none_match: Option<String>,
}

/// One operation of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDoc {
    /// Upper case.
    pub method: String,
    pub path: String,
    /// Permissions asked for: `None` where nothing is declared, empty for public endpoints.
    pub scopes: Option<Vec<String>>,
}

/// The document of one service: its routes, completed with problem answers, security schemes, the
/// permission in words, and the table of its codes (shared ones included).
pub fn openapi(
    title: &str,
    service: &str,
    routes: fn(&mut ServiceConfig),
    service_codes: &[&'static ErrorCode],
) -> OpenApi {
    let (_, mut api) = App::new().into_utoipa_app().configure(routes).split_for_parts();
    api.info = Info::builder()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(format!(
            "The {service} service of Kefu. Errors are `application/problem+json` (RFC 9457) with a stable `code`."
        )))
        .license(Some(License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    api.servers = Some(vec![Server::new("/")]);
    let table: Vec<&ErrorCode> = codes::ALL.iter().chain(service_codes).copied().collect();
    let components = api.components.get_or_insert_with(Components::new);
    complete_components(components, &table);
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations_mut(item) {
            complete_operation(method, path, operation);
        }
    }
    let listed: Vec<_> = table
        .iter()
        .map(|c| json!({"code": c.code, "status": c.status, "title": c.en, "title_zh": c.zh}))
        .collect();
    api.extensions =
        Some(Extensions::from_iter([("x-error-codes", serde_json::Value::from(listed))]));
    api
}

/// Every operation with its declared permissions.
#[must_use]
pub fn routes_of(api: &OpenApi) -> Vec<RouteDoc> {
    operations(api).into_iter().map(|operation| operation.route).collect()
}

/// One operation with what is asked of requests before their handler sees them.
pub(crate) struct OperationDoc {
    pub(crate) route: RouteDoc,
    pub(crate) query: Vec<QueryParam>,
    /// Whether 304 is answered. Not where the answer may change while the version does not.
    pub(crate) if_none_match: bool,
}

#[derive(Debug)]
pub(crate) struct QueryParam {
    pub(crate) name: String,
    /// Characters.
    pub(crate) max_length: Option<usize>,
}

pub(crate) fn operations(api: &OpenApi) -> Vec<OperationDoc> {
    let mut all = Vec::new();
    for (path, item) in &api.paths.paths {
        let mut item = item.clone();
        for (method, operation) in operations_mut(&mut item) {
            let scopes = scopes(operation);
            let route = RouteDoc { method: method.to_owned(), path: path.clone(), scopes };
            let query = parameters(operation, &ParameterIn::Query).map(query_param).collect();
            let if_none_match = has_header(operation, "If-None-Match");
            all.push(OperationDoc { route, query, if_none_match });
        }
    }
    all
}

fn parameters<'a>(
    operation: &'a Operation,
    place: &'a ParameterIn,
) -> impl Iterator<Item = &'a Parameter> {
    let all = operation.parameters.iter().flatten();
    all.filter_map(move |parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == *place => Some(parameter),
        _ => None,
    })
}

fn query_param(parameter: &Parameter) -> QueryParam {
    let max_length = match &parameter.schema {
        Some(RefOr::T(Schema::Object(object))) => object.max_length,
        _ => None,
    };
    QueryParam { name: parameter.name.clone(), max_length }
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("PATCH", &mut item.patch),
        ("HEAD", &mut item.head),
        ("OPTIONS", &mut item.options),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|o| (method, o)))
}

/// utoipa keeps requirements private; their JSON is public.
fn scopes(operation: &Operation) -> Option<Vec<String>> {
    let requirements = serde_json::to_value(operation.security.as_ref()?).ok()?;
    let scopes =
        requirements.as_array()?.iter().filter_map(|r| r.get("bearer")?.as_array().cloned());
    Some(scopes.flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect())
}

fn complete_operation(method: &str, path: &str, operation: &mut Operation) {
    match scopes(operation) {
        Some(scopes) if !scopes.is_empty() => {
            let needs = format!("Requires `{}`.", scopes.join("`, `"));
            operation.description = Some(match operation.description.take() {
                Some(text) if !text.is_empty() => format!("{text}\n\n{needs}"),
                _ => needs,
            });
        }
        _ => {}
    }
    let reads_known = has_header(operation, "If-None-Match");
    let possible = refusals(method, path, operation);
    let responses = &mut operation.responses.responses;
    for status in possible {
        let shared = || RefOr::Ref(Ref::new(format!("#/components/responses/Problem{status}")));
        responses.entry(status.to_string()).or_insert_with(shared);
    }
    // An error of the handler's own shape: the middleware may still answer a problem.
    for (status, declared) in responses.iter_mut() {
        if let RefOr::T(response) = declared
            && status.as_str() >= "400"
        {
            let problem = || Content::new(Some(Ref::from_schema_name("Problem"))).into();
            response.content.entry(PROBLEM_JSON.into()).or_insert_with(problem);
        }
    }
    if reads_known {
        let text = "The caller has it already: its ETag is among those of `If-None-Match`.";
        let known = || RefOr::T(ResponseBuilder::new().description(text).build());
        responses.entry("304".to_owned()).or_insert_with(known);
    }
}

fn has_header(operation: &Operation, name: &str) -> bool {
    parameters(operation, &ParameterIn::Header).any(|header| header.name == name)
}

/// Statuses of problems that follow from an operation's shape. Others are its own and stand in its
/// `responses(…)`: a reading operation that is 422 for what its query says, a page that is 410.
fn refusals(method: &str, path: &str, operation: &Operation) -> Vec<u16> {
    let needs_token = scopes(operation).is_none_or(|scopes| !scopes.is_empty());
    let changes = !matches!(method, "GET" | "HEAD" | "OPTIONS");
    let has_body = operation.request_body.is_some();
    // Below /api/ a query parameter that is not documented is refused.
    let can_be_unreadable = has_body || path.starts_with("/api/") || operation.parameters.is_some();
    let versioned = has_header(operation, "If-Match");
    let cases: [(bool, &[u16]); 8] = [
        (true, &[429, 500, 503]),
        (can_be_unreadable, &[400]),
        (needs_token, &[401, 403]),
        (path.contains('{'), &[404]),
        (has_body, &[408, 413, 415]),
        (changes && needs_token, &[409]),
        (has_body && changes, &[422]),
        (versioned, &[412, 428]),
    ];
    cases.into_iter().filter(|(holds, _)| *holds).flat_map(|(_, all)| all).copied().collect()
}

fn statuses(table: &[&ErrorCode]) -> Vec<u16> {
    let mut all: Vec<u16> = table.iter().map(|code| code.status).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn complete_components(components: &mut Components, table: &[&ErrorCode]) {
    components.schemas.insert("Problem".into(), ProblemBody::schema());
    components.schemas.insert("ProblemField".into(), ProblemField::schema());
    open_composed(&mut components.schemas);
    for status in statuses(table) {
        components
            .responses
            .insert(format!("Problem{status}"), RefOr::T(problem_response(status, table)));
    }
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "Access token of an OpenID Connect provider, or of the built-in issuer (POST \
             /oauth2/token); rights come from its roles and scopes.",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
}

/// `deny_unknown_fields`.
fn is_closed(object: &Object) -> bool {
    matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false)))
}

/// A closed object that is part of a larger one (`flatten`) would forbid the
/// larger one's fields: as a part, it is open.
fn open_composed(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let opened: BTreeMap<String, Schema> = schemas
        .iter()
        .filter_map(|(name, schema)| match schema {
            RefOr::T(Schema::Object(object)) if is_closed(object) => {
                let mut object = object.clone();
                object.additional_properties = None;
                Some((format!("#/components/schemas/{name}"), Schema::Object(object)))
            }
            _ => None,
        })
        .collect();
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::AllOf(composed)) = schema else { continue };
        for part in &mut composed.items {
            if let RefOr::Ref(reference) = part
                && let Some(object) = opened.get(&reference.ref_location)
            {
                *part = RefOr::T(object.clone());
            }
        }
    }
}

fn problem_response(status: u16, table: &[&ErrorCode]) -> Response {
    let of_status: Vec<&&ErrorCode> = table.iter().filter(|code| code.status == status).collect();
    let lines: Vec<String> =
        of_status.iter().map(|code| format!("`{}`: {}", code.code, code.en)).collect();
    let mut response = ResponseBuilder::new()
        .description(lines.join("; "))
        .content(PROBLEM_JSON, Content::new(Some(Ref::from_schema_name("Problem"))));
    let header = |ty: Type, text: &str| {
        utoipa::openapi::header::HeaderBuilder::new()
            .schema(Some(Schema::Object(ObjectBuilder::new().schema_type(ty).build())))
            .description(Some(text))
            .build()
    };
    if matches!(status, 429 | 503) {
        response = response.header("Retry-After", header(Type::Integer, "Seconds to wait."));
    }
    if status == 401 {
        response = response
            .header("WWW-Authenticate", header(Type::String, "The Bearer challenge (RFC 6750)."));
    }
    response.build()
}
