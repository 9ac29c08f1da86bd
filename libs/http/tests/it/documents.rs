//! The OpenAPI document.

use actix_web::{get, post};
use http::{RouteDoc, routes_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::notes;

fn document() -> Value {
    serde_json::to_value(http::openapi("Notes", "notes", notes::routes, notes::CODES)).unwrap()
}

#[test]
fn operations_are_completed() {
    let api = document();
    assert_eq!(api["openapi"], "3.1.0");
    assert_eq!(
        (&api["info"]["title"], &api["info"]["license"]["identifier"]),
        (&"Notes".into(), &"Apache-2.0".into())
    );
    let notes = &api["paths"]["/api/v1/notes"];
    let create = &notes["post"];
    assert!(notes["get"].is_object(), "two handlers of one path are merged");
    let statuses = |operation: &Value| -> Vec<String> {
        operation["responses"].as_object().unwrap().keys().cloned().collect()
    };
    let refusals = ["400", "401", "403", "408", "409", "413", "415", "422", "429", "500", "503"];
    assert_eq!(statuses(create), [&["201"][..], &refusals].concat());
    assert_eq!(statuses(&notes["get"]), ["200", "400", "401", "403", "429", "500", "503"]);
    let one = &api["paths"]["/api/v1/notes/{id}"];
    let reading = ["200", "304", "400", "401", "403", "404", "429", "500", "503"];
    assert_eq!(statuses(&one["get"]), reading);
    for status in ["404", "412", "428"] {
        assert!(statuses(&one["put"]).iter().any(|s| s == status), "{status}");
    }
    assert_eq!(
        statuses(&api["paths"]["/n/{token}"]["get"]),
        ["200", "400", "404", "429", "500", "503"]
    );
    for status in refusals {
        assert_eq!(
            create["responses"][status]["$ref"],
            format!("#/components/responses/Problem{status}")
        );
        let content = &api["components"]["responses"][format!("Problem{status}")]["content"];
        assert_eq!(
            content["application/problem+json"]["schema"]["$ref"],
            "#/components/schemas/Problem"
        );
    }
    assert!(create["responses"]["201"]["content"]["application/json"].is_object());
    assert!(create["description"].as_str().unwrap().ends_with("Requires `ticket:create`."));
    assert_eq!(
        (&create["parameters"][0]["name"], &create["parameters"][0]["in"]),
        (&"Idempotency-Key".into(), &"header".into())
    );
    assert_eq!(create["parameters"][0]["required"], false);
    let change = &api["paths"]["/api/v1/notes/{id}"]["put"];
    let names: Vec<&str> = change["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["name"].as_str())
        .collect();
    assert!(names.contains(&"If-Match"), "{names:?}");
    assert_eq!(api["components"]["securitySchemes"]["bearer"]["bearerFormat"], "JWT");
    let schemes = api["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.len(), 1, "what no operation asks for is not declared");
}

/// What a note is made from: unknown fields are refused.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    text: String,
}

#[derive(Serialize, ToSchema)]
struct Saved {
    id: String,
    #[serde(flatten)]
    draft: Draft,
}

#[utoipa::path(security(()), request_body = Draft, responses((status = 200, description = "Saved", body = Saved)))]
#[post("/api/v1/drafts")]
async fn save_draft(draft: http::Json<Draft>) -> http::Result {
    Ok(http::ok(&Saved { id: "1".to_owned(), draft: draft.0 }))
}

#[test]
fn a_closed_object_is_open_as_part_of_a_larger_one() {
    let routes = |config: &mut ServiceConfig| {
        config.service(save_draft);
    };
    let api = http::openapi("Drafts", "drafts", routes, &[]);
    let api = serde_json::to_value(api).unwrap();
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["Draft"]["additionalProperties"], false);
    let parts = schemas["Saved"]["allOf"].as_array().unwrap();
    let part = parts.iter().find(|part| part["properties"]["text"].is_object()).unwrap();
    assert_eq!(part["additionalProperties"], Value::Null, "{part}");
}

#[test]
fn every_code_is_listed() {
    let api = document();
    let codes: Vec<&str> = api["x-error-codes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|c| c["code"].as_str())
        .collect();
    for code in kernel::codes::ALL.iter().chain(notes::CODES) {
        assert!(codes.contains(&code.code), "{}", code.code);
    }
    let conflict = api["components"]["responses"]["Problem409"]["description"].as_str().unwrap();
    assert!(conflict.contains("`note-locked`") && conflict.contains("`request-in-flight`"));
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|v| references(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }
    for api in [document(), serde_json::to_value(http::issuer::openapi()).unwrap()] {
        let mut found = vec![];
        references(&api, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(api.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn routes_tell_their_rights() {
    let routes = routes_of(&http::openapi("Notes", "notes", notes::routes, notes::CODES));
    let route = |method: &str, path: &str, scopes: &[&str]| RouteDoc {
        method: method.into(),
        path: path.into(),
        scopes: Some(scopes.iter().map(|s| (*s).to_owned()).collect()),
    };
    assert!(routes.contains(&route("POST", "/api/v1/notes", &["ticket:create"])));
    assert!(routes.contains(&route("PUT", "/api/v1/notes/{id}", &["ticket:write"])));
    assert!(routes.contains(&route("GET", "/n/{token}", &[])));
    assert!(routes.iter().all(|r| r.scopes.is_some()));
    assert_eq!(routes.len(), 8);
}

#[test]
fn a_route_without_a_declared_right_stands_out() {
    #[utoipa::path(responses((status = 200, description = "x")))]
    #[get("/forgotten")]
    async fn forgotten() -> http::Result {
        Ok(http::no_content())
    }
    fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig) {
        config.service(forgotten);
    }
    assert_eq!(routes_of(&http::openapi("x", "x", routes, &[]))[0].scopes, None);
}
