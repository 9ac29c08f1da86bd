//! Surveys that come with the product.

use serde_json::Value;

use super::metrics::Metrics;

/// A built-in questionnaire.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    pub key: &'static str,
    pub title: &'static str,
    json: &'static str,
}

/// Asked after a ticket was resolved.
pub const CSAT_AFTER_SERVICE: Template = Template {
    key: "csat_after_service",
    title: "服务满意度调查 / Customer satisfaction after service",
    json: include_str!("../assets/csat_after_service.json"),
};

pub const TEMPLATES: [Template; 1] = [CSAT_AFTER_SERVICE];

impl Template {
    #[must_use]
    pub fn find(key: &str) -> Option<&'static Template> {
        TEMPLATES.iter().find(|t| t.key == key)
    }

    #[must_use]
    pub fn definition(&self) -> Value {
        serde_json::from_str(self.json).expect("built-in templates are JSON, which a test shows")
    }

    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let question = |name: &str| Some(name.to_owned());
        Metrics {
            csat: question("csat"),
            nps: question("nps"),
            comment: question("comment"),
            settled: question("settled"),
        }
    }
}
