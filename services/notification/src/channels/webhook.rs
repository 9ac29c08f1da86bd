//! Webhooks by the Standard Webhooks specification.
//!
//! Every name is resolved by [`Guard`], which refuses unless all its addresses may be dialled, and
//! only those addresses are: a name that changes its mind between check and call gains nothing.
//! Redirects are not followed and no proxy of the environment is used.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use url::{Host, Url};
use uuid::Uuid;

use super::told;
use crate::{
    app::send::Outcome,
    domain::{
        address::one_line,
        signature,
        ssrf::{self, Cidr},
        verdict,
    },
    settings,
};

/// Bytes of an answer that are kept for the attempt log.
const KEPT: usize = 1_024;

/// One call.
pub struct Call {
    /// Of the delivery, the same at every attempt: `webhook-id`.
    pub id: Uuid,
    pub url: String,
    /// Opened secrets, `whsec_…`.
    pub secrets: Vec<String>,
    pub body: String,
    /// Unix seconds.
    pub timestamp: i64,
    pub traceparent: Option<String>,
}

/// Calls partners' endpoints. Connections are pooled per host.
pub struct Webhooks {
    client: Client,
    allow_http: bool,
    allow: Arc<[Cidr]>,
}

impl Webhooks {
    pub fn new(settings: &settings::Webhooks) -> Result<Self, reqwest::Error> {
        let allow: Arc<[Cidr]> = settings.allow_cidrs.clone().into();
        let limit = Duration::from_secs(settings.timeout_secs);
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(limit.min(Duration::from_secs(5)))
            .timeout(limit)
            .pool_max_idle_per_host(settings.per_endpoint)
            .user_agent(concat!("Kefu-Webhooks/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guard(allow.clone()))
            .build()?;
        Ok(Self { client, allow_http: settings.allow_http, allow })
    }

    pub async fn send(&self, call: Call) -> Outcome {
        let url = match self.checked(&call.url) {
            Ok(url) => url,
            Err(why) => return Outcome::retry(why),
        };
        let id = call.id.to_string();
        let signature = signature::sign(&call.secrets, &id, call.timestamp, &call.body);
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", &id)
            .header("webhook-timestamp", call.timestamp)
            .header("webhook-signature", signature)
            .body(call.body);
        if let Some(parent) = call.traceparent {
            request = request.header("traceparent", parent);
        }
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => Outcome::retry(told(&error.without_url())),
        }
    }

    /// Settings may have become stricter since the endpoint was made, and a literal address is
    /// never resolved.
    fn checked(&self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|e| e.to_string())?;
        if url.scheme() != "https" && !self.allow_http {
            return Err("plain http is not allowed".into());
        }
        let open = match url.host() {
            Some(Host::Ipv4(ip)) => ssrf::may_dial(ip.into(), &self.allow),
            Some(Host::Ipv6(ip)) => ssrf::may_dial(ip.into(), &self.allow),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if open { Ok(url) } else { Err(Blocked.to_string()) }
    }
}

async fn answer(mut response: reqwest::Response) -> Outcome {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse::<i64>().ok());
    let mut body = Vec::new();
    let mut cut = None;
    while body.len() < KEPT {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(KEPT - body.len())]),
            Ok(None) => break,
            // The status has been received and decides; the rest is only for the log.
            Err(error) => {
                cut = Some(told(&error.without_url()));
                break;
            }
        }
    }
    let text = one_line(&String::from_utf8_lossy(&body), KEPT);
    let verdict = verdict::of_webhook(status, retry_after);
    let error = (verdict != verdict::Verdict::Delivered)
        .then(|| cut.map_or(format!("answered {status}"), |c| format!("answered {status}: {c}")));
    Outcome {
        status: Some(status),
        error,
        response: (!text.is_empty()).then_some(text),
        ..Outcome::of(verdict)
    }
}

#[derive(Debug)]
struct Blocked;

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the endpoint's address is not a public one")
    }
}

impl std::error::Error for Blocked {}

/// Resolves names; a name with any address that may not be dialled is refused as a whole.
struct Guard(Arc<[Cidr]>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.0.clone();
        Box::pin(async move {
            // Port 0 stands for the port of the URL.
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !found.iter().all(|addr| ssrf::may_dial(addr.ip(), &allow)) {
                return Err(Blocked.into());
            }
            let addrs: Addrs = Box::new(found.into_iter());
            Ok(addrs)
        })
    }
}
