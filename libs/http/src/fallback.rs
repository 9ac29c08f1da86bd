//! What the documents know of every route. Where no handler is: 404, or 405 with `Allow` where the
//! path exists for other methods. (Each handler is a resource of its own, so actix sees no
//! difference between the two.) And before handlers: query parameters are the documented ones, and
//! not longer than documented.

use std::collections::{BTreeMap, HashMap};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError, Route, dev::ResourceDef, http::header, web,
};
use kernel::{Problem, codes};
use utoipa::openapi::OpenApi;

use crate::{
    Error, messages,
    openapi::{QueryParam, operations},
    params, shape,
};

/// Every documented path with its methods; registered as `web::Data<RouteTable>`.
#[derive(Debug, Default)]
pub struct RouteTable {
    paths: Vec<(ResourceDef, Vec<Known>)>,
    by_template: HashMap<String, usize>,
}

/// One method of a path.
#[derive(Debug)]
struct Known {
    method: String,
    needs_token: bool,
    if_none_match: bool,
    query: Vec<QueryParam>,
}

impl RouteTable {
    #[must_use]
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a OpenApi>) -> Self {
        let mut table = BTreeMap::<String, Vec<Known>>::new();
        for operation in documents.into_iter().flat_map(operations) {
            let route = operation.route;
            table.entry(route.path).or_default().push(Known {
                method: route.method,
                needs_token: route.scopes.is_none_or(|scopes| !scopes.is_empty()),
                if_none_match: operation.if_none_match,
                query: operation.query,
            });
        }
        let by_template = table.keys().enumerate().map(|(i, path)| (path.clone(), i)).collect();
        let paths = table.into_iter().map(|(path, known)| (ResourceDef::new(path), known));
        Self { paths: paths.collect(), by_template }
    }

    fn methods(&self, path: &str) -> Vec<&str> {
        let matching = self.paths.iter().filter(|(def, _)| def.is_match(path));
        let mut methods: Vec<&str> =
            matching.flat_map(|(_, known)| known).map(|known| known.method.as_str()).collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    /// `template` is actix's; where one handler serves several documented paths it is in none of
    /// the documents.
    fn find(&self, method: &str, template: &str, path: &str) -> Option<&Known> {
        let known = match self.by_template.get(template) {
            Some(index) => self.paths.get(*index),
            None => self.paths.iter().find(|(def, _)| def.is_match(path)),
        };
        known?.1.iter().find(|known| known.method == method)
    }

    /// Whether an operation's document says that `If-None-Match` is looked at.
    pub(crate) fn knows_if_none_match(&self, req: &HttpRequest, template: &str) -> bool {
        let known = self.find(req.method().as_str(), template, req.path());
        known.is_some_and(|known| known.if_none_match)
    }

    /// 400 for query parameters that are not documented, or too long; of pages for people, whose
    /// links get mangled on their way, nothing is asked. Without the token that is needed, the
    /// handler says so first.
    pub(crate) fn check_query(
        &self,
        req: &actix_web::dev::ServiceRequest,
        template: &str,
        has_caller: bool,
    ) -> Result<(), Problem> {
        let query = req.query_string();
        if query.is_empty() || !template.starts_with("/api/") {
            return Ok(());
        }
        match self.find(req.method().as_str(), template, req.path()) {
            Some(known) if has_caller || !known.needs_token => known.check(query),
            _ => Ok(()),
        }
    }
}

impl Known {
    fn check(&self, query: &str) -> Result<(), Problem> {
        let mut refusal = Problem::of(&codes::INVALID_QUERY);
        let pairs = match params::texts(query) {
            Ok(pairs) => pairs,
            Err(detail) => return Err(refusal.detail(detail)),
        };
        for (name, values) in pairs {
            let pointer = format!("/{}", shape::escape(&name));
            let Some(known) = self.query.iter().find(|known| known.name == name) else {
                // Where there are some, their reader tells of this and of all else at once.
                if self.query.is_empty() {
                    refusal = refusal.field(pointer, "unknown-field", messages::no_parameters());
                }
                continue;
            };
            let longest = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
            if let Some(most) = known.max_length.filter(|most| longest > *most) {
                refusal = refusal.field(pointer, "too-long", kernel::messages::too_long(most));
            }
        }
        if refusal.errors.is_empty() { Ok(()) } else { Err(refusal) }
    }
}

/// For `App::default_service`.
#[must_use]
pub fn default_service() -> Route {
    web::to(answer)
}

async fn answer(req: HttpRequest) -> HttpResponse {
    let table = req.app_data::<web::Data<RouteTable>>();
    let allowed = table.map(|table| table.methods(req.path())).unwrap_or_default();
    if allowed.is_empty() {
        return Error(Problem::not_found()).error_response();
    }
    let mut response = Error(Problem::of(&codes::METHOD_NOT_ALLOWED)).error_response();
    if let Ok(allow) = header::HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
