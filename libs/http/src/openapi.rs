//! OpenAPI 3.1 documents: what the handlers declare, completed with what holds for all of them.

use std::collections::BTreeMap;

use actix_web::App;
use kernel::{ErrorCode, Permission, codes};
use serde_json::json;
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        Components, Content, Info, License, OpenApi, Ref, RefOr, Response, Server,
        extensions::Extensions,
        path::{Operation, PathItem},
        response::ResponseBuilder,
        schema::{AdditionalProperties, Object, ObjectBuilder, Schema, Type},
        security::{ClientCredentials, Flow, Http, HttpAuthScheme, OAuth2, Scopes, SecurityScheme},
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
    /// ETag of the version that the change is based on.
    #[param(rename = "If-Match", pattern = "^\"[0-9]{1,18}\"$", example = "\"7\"")]
    if_match: String,
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
    for item in api.paths.paths.values_mut() {
        for (_, operation) in operations_mut(item) {
            complete_operation(operation, &table);
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
    let mut routes = Vec::new();
    for (path, item) in &api.paths.paths {
        let mut item = item.clone();
        for (method, operation) in operations_mut(&mut item) {
            let scopes = scopes(operation);
            routes.push(RouteDoc { method: method.to_owned(), path: path.clone(), scopes });
        }
    }
    routes
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

fn complete_operation(operation: &mut Operation, table: &[&ErrorCode]) {
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
    for status in statuses(table) {
        let shared = || RefOr::Ref(Ref::new(format!("#/components/responses/Problem{status}")));
        let declared =
            operation.responses.responses.entry(status.to_string()).or_insert_with(shared);
        // An error of the handler's own shape: the middleware may still answer a problem.
        if let RefOr::T(response) = declared {
            let problem = || Content::new(Some(Ref::from_schema_name("Problem"))).into();
            response.content.entry(PROBLEM_JSON.into()).or_insert_with(problem);
        }
    }
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
    let scopes = || Scopes::from_iter(Permission::ALL.iter().map(|p| (p.as_str(), p.as_str())));
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "Access token of an OIDC provider; rights come from its roles and scopes.",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let flow = Flow::ClientCredentials(ClientCredentials::new("/oauth2/token", scopes()));
    components.add_security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([flow])));
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
