//! A partner system's webhook receiver, verifying with the public Standard Webhooks library.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;

use crate::eventually;

/// One call that arrived.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    #[must_use]
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Whether the signature is right for `secret` (`whsec_…`).
    #[must_use]
    pub fn verifies(&self, secret: &str) -> bool {
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<reqwest::header::HeaderName>(), value.parse())
            {
                headers.insert(name, value);
            }
        }
        let webhook = standardwebhooks::Webhook::new(secret).expect("a whsec_ secret");
        webhook.verify(&self.body, &headers).is_ok()
    }
}

/// A receiver on a loopback port, answering 204.
#[derive(Debug, Clone)]
pub struct Partner {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Partner {
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("address"));
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let data = web::Data::from(calls.clone());
        std::thread::spawn(move || {
            let server = HttpServer::new(move || {
                App::new().app_data(data.clone()).default_service(web::to(take))
            })
            .workers(1)
            .listen(listener)
            .expect("listening")
            .disable_signals()
            .run();
            actix_web::rt::System::new().block_on(server)
        });
        Self { url, calls }
    }

    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no panic while held").clone()
    }

    /// Waits for a call whose event fits.
    pub async fn wait(&self, what: &str, limit: Duration, fits: impl Fn(&Value) -> bool) -> Call {
        eventually(what, limit, || async { self.calls().into_iter().find(|c| fits(&c.event())) })
            .await
    }
}

async fn take(
    request: HttpRequest,
    body: web::Bytes,
    calls: web::Data<Mutex<Vec<Call>>>,
) -> HttpResponse {
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let id =
        headers.iter().find(|(n, _)| n == "webhook-id").map(|(_, v)| v.clone()).unwrap_or_default();
    calls.lock().expect("no panic while held").push(Call { id, headers, body: body.to_vec() });
    HttpResponse::NoContent().finish()
}
