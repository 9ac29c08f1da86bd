//! A collector that takes spans by OTLP over HTTP and keeps what a test asks about.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message;

/// One span as received.
#[derive(Debug, Clone)]
pub struct Span {
    pub trace_id: String,
    pub name: String,
    /// `kefu.service`, else the resource's `service.name`.
    pub service: String,
}

/// A collector on a loopback port.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Value for the setting `telemetry.otlp_endpoint`.
    pub endpoint: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("address"));
        let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
        let data = web::Data::from(spans.clone());
        std::thread::spawn(move || {
            let server = HttpServer::new(move || {
                App::new()
                    .app_data(data.clone())
                    .app_data(web::PayloadConfig::new(64 << 20))
                    .default_service(web::to(take))
            })
            .workers(1)
            .listen(listener)
            .expect("listening")
            .disable_signals()
            .run();
            actix_web::rt::System::new().block_on(server)
        });
        Self { endpoint, spans }
    }

    /// Services that sent spans of a trace, with the spans' names.
    #[must_use]
    pub fn services_of(&self, trace_id: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for span in self
            .spans
            .lock()
            .expect("no panic while held")
            .iter()
            .filter(|s| s.trace_id == trace_id)
        {
            services.entry(span.service.clone()).or_default().insert(span.name.clone());
        }
        services
    }
}

async fn take(body: web::Bytes, spans: web::Data<Mutex<Vec<Span>>>) -> HttpResponse {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return HttpResponse::BadRequest().finish();
    };
    let mut taken = spans.lock().expect("no panic while held");
    for resource in request.resource_spans {
        let process = attribute(
            resource.resource.map(|r| r.attributes).unwrap_or_default().as_slice(),
            "service.name",
        );
        for span in resource.scope_spans.into_iter().flat_map(|s| s.spans) {
            let service = attribute(&span.attributes, "kefu.service").or_else(|| process.clone());
            taken.push(Span {
                trace_id: span.trace_id.iter().map(|b| format!("{b:02x}")).collect(),
                name: span.name,
                service: service.unwrap_or_default().trim_start_matches("kefu-").to_owned(),
            });
        }
    }
    HttpResponse::Ok().finish()
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|a| a.key == key)?.value.clone()?.value?;
    match value {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}
