//! Answers where no handler is: 404, or 405 with `Allow` where the path exists for other methods.
//! (Each handler is a resource of its own, so actix sees no difference between the two.)

use actix_web::{
    HttpRequest, HttpResponse, ResponseError, Route, dev::ResourceDef, http::header, web,
};
use kernel::{Problem, codes};
use utoipa::openapi::OpenApi;

use crate::{Error, routes_of};

/// Every documented path with its methods; registered as `web::Data<RouteTable>`.
#[derive(Debug, Default)]
pub struct RouteTable(Vec<(ResourceDef, Vec<String>)>);

impl RouteTable {
    #[must_use]
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a OpenApi>) -> Self {
        let mut table = std::collections::BTreeMap::<String, Vec<String>>::new();
        for route in documents.into_iter().flat_map(routes_of) {
            table.entry(route.path).or_default().push(route.method);
        }
        Self(table.into_iter().map(|(path, methods)| (ResourceDef::new(path), methods)).collect())
    }

    fn methods(&self, path: &str) -> Vec<&str> {
        let matching = self.0.iter().filter(|(def, _)| def.is_match(path));
        let mut methods: Vec<&str> =
            matching.flat_map(|(_, methods)| methods).map(String::as_str).collect();
        methods.sort_unstable();
        methods.dedup();
        methods
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
