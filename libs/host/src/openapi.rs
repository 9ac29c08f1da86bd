//! The OpenAPI document of a module: its own routes and those that the host adds to every service.

use std::collections::HashMap;

use utoipa::openapi::{OpenApi, RefOr, path::ParameterIn};

use crate::{Error, Module, dead_letters};

/// The document of one service, as served under `/openapi/NAME.json` and committed to `openapi/`.
#[must_use]
pub fn openapi(module: &Module) -> OpenApi {
    let title = format!("Kefu {}", module.name);
    let mut api = http::openapi(&title, module.name, module.routes, module.codes);
    let host = http::openapi(&title, module.name, dead_letters::documented, module.codes);
    for (path, mut item) in host.paths.paths {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            if let Some(parameters) = &mut operation.parameters {
                parameters.retain(|p| !matches!(p, RefOr::T(p) if p.name == "service" && p.parameter_in == ParameterIn::Path));
            }
        }
        api.paths.paths.insert(path.replace("{service}", module.name), item);
    }
    if let (Some(own), Some(added)) = (&mut api.components, host.components) {
        let missing: HashMap<_, _> =
            added.schemas.into_iter().filter(|(name, _)| !own.schemas.contains_key(name)).collect();
        own.schemas.extend(missing);
    }
    api
}

/// How the document is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Yaml,
    Json,
}

/// The document as text.
pub fn text(module: &Module, format: Format) -> Result<String, Error> {
    let api = openapi(module);
    match format {
        Format::Yaml => api.to_yaml().map_err(|e| Error::other("writing the OpenAPI document", e)),
        Format::Json => {
            api.to_pretty_json().map_err(|e| Error::other("writing the OpenAPI document", e))
        }
    }
}
