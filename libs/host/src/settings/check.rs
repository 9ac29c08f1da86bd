//! What the types cannot say about settings.

use std::net::ToSocketAddrs;

use tracing_subscriber::filter::LevelFilter;

use super::{AuthMode, EventsKind, Settings};

/// Adds one line per fault: the setting's name, what is wrong, what puts it right.
pub(super) fn all(s: &Settings, modules: usize, faults: &mut Vec<String>) {
    http(s, faults);
    database(s, modules, faults);
    events(s, faults);
    auth(s, faults);
    pii(s, faults);
    telemetry(s, faults);
    metrics(s, faults);
}

fn need(ok: bool, faults: &mut Vec<String>, name: &str, remedy: impl AsRef<str>) {
    if !ok {
        let variable = format!("KEFU__{}", name.to_uppercase().replace('.', "__"));
        faults.push(format!("{name} (environment: {variable}): {}", remedy.as_ref()));
    }
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
}

fn http(s: &Settings, faults: &mut Vec<String>) {
    let listen = &s.http.listen;
    let remedy =
        format!("{listen:?} is no address to listen on; write HOST:PORT, e.g. 127.0.0.1:8080");
    need(
        listen.to_socket_addrs().is_ok_and(|mut a| a.next().is_some()),
        faults,
        "http.listen",
        remedy,
    );
    let public = &s.http.public_url;
    let remedy = format!("{public:?} is no URL; write e.g. https://service.example.com");
    need(public.is_empty() || is_url(public), faults, "http.public_url", remedy);
    need((1..=64).contains(&s.http.workers), faults, "http.workers", "must be 1 to 64");
    need(
        (1..=3_600).contains(&s.http.keep_alive_secs),
        faults,
        "http.keep_alive_secs",
        "must be 1 to 3600 seconds",
    );
    need(
        (1024..=104_857_600).contains(&s.http.body_limit),
        faults,
        "http.body_limit",
        "must be 1024 to 104857600 bytes",
    );
    need(
        (1..=3_600).contains(&s.http.body_timeout_secs),
        faults,
        "http.body_timeout_secs",
        "must be 1 to 3600 seconds",
    );
    need(
        s.http.body_bytes_per_sec >= 1024,
        faults,
        "http.body_bytes_per_sec",
        "must be at least 1024",
    );
    need(s.http.rate_burst > 0, faults, "http.rate_burst", "must be at least 1");
    let remedy = "must be 1 to 10: the proxies that stand in a row before this process";
    need((1..=10).contains(&s.http.forwarded_hops), faults, "http.forwarded_hops", remedy);
}

fn database(s: &Settings, modules: usize, faults: &mut Vec<String>) {
    let url = &s.database.url;
    let known =
        ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    need(known, faults, "database.url", "must start with sqlite:// or postgres://");
    let remedy = "must contain {service}: every service has a database of its own, e.g. postgres://kefu@db/kefu_{service}";
    need(modules < 2 || url.contains("{service}"), faults, "database.url", remedy);
    need(
        (1..=1000).contains(&s.database.max_connections),
        faults,
        "database.max_connections",
        "must be 1 to 1000",
    );
    need(
        s.database.acquire_timeout_secs > 0,
        faults,
        "database.acquire_timeout_secs",
        "must be at least 1 second",
    );
}

fn events(s: &Settings, faults: &mut Vec<String>) {
    let kafka = s.events.kind == EventsKind::Kafka;
    let remedy =
        "must name the brokers, e.g. kafka-1:9092,kafka-2:9092, because events.kind is kafka";
    need(!kafka || !s.events.brokers.trim().is_empty(), faults, "events.brokers", remedy);
    need(
        (1..=1000).contains(&s.events.partitions),
        faults,
        "events.partitions",
        "must be 1 to 1000",
    );
    let copies = s.events.replication;
    need(
        copies == -1 || (1..=9).contains(&copies),
        faults,
        "events.replication",
        "must be 1 to 9, or -1 for the brokers' default",
    );
    need(s.events.keep_days > 0, faults, "events.keep_days", "must be at least 1");
}

fn auth(s: &Settings, faults: &mut Vec<String>) {
    need(s.auth.leeway_secs <= 600, faults, "auth.leeway_secs", "must be at most 600");
    let age = s.auth.keys_max_age_secs;
    need((5..=86_400).contains(&age), faults, "auth.keys_max_age_secs", "must be 5 to 86400");
    let claims = s.auth.claims();
    let remedy = "must name a claim, or the way to one: /realm_access/roles";
    need(!claims.roles.is_empty(), faults, "auth.roles_claim", remedy);
    need(!claims.org.is_empty(), faults, "auth.org_claim", remedy);
    need(!claims.id.is_empty(), faults, "auth.id_claim", remedy);
    let kafka = s.events.kind == EventsKind::Kafka;
    match s.auth.mode {
        AuthMode::Oidc => {
            let remedy =
                "must be the URL of the OpenID Connect provider, because auth.mode is oidc";
            need(is_url(&s.auth.issuer), faults, "auth.issuer", remedy);
            let jwks = &s.auth.jwks_url;
            need(
                jwks.is_empty() || is_url(jwks),
                faults,
                "auth.jwks_url",
                "must be a URL, or empty for discovery",
            );
            need(
                !s.auth.audience.is_empty(),
                faults,
                "auth.audience",
                "must name the audience that tokens carry for Kefu",
            );
        }
        AuthMode::Builtin => {
            let remedy = "the built-in issuer serves one process only; with events.kind kafka set auth.mode to oidc";
            need(!kafka, faults, "auth.mode", remedy);
        }
    }
}

fn pii(s: &Settings, faults: &mut Vec<String>) {
    let shared = s.events.kind == EventsKind::Kafka || !s.database.is_sqlite();
    if s.pii.keys.is_empty() {
        let remedy = "must hold at least one key (openssl rand -hex 32), the same for all services, \
                    because databases or events are shared";
        need(!shared, faults, "pii.keys", remedy);
        let remedy = "is given without any pii.keys; give the keys too, or none of both";
        need(
            s.pii.index_key.is_empty() && s.pii.active.is_empty(),
            faults,
            "pii.index_key",
            remedy,
        );
        return;
    }
    if let Err(e) = store::Pii::new(&s.pii.keys, &s.pii.active, &s.pii.index_key) {
        need(
            false,
            faults,
            "pii",
            format!(
                "{e}; pii.active names one of pii.keys, pii.index_key has the same form as a key"
            ),
        );
    }
}

fn metrics(s: &Settings, faults: &mut Vec<String>) {
    let listen = &s.metrics.listen;
    let remedy =
        format!("{listen:?} is no address to listen on; write HOST:PORT, e.g. 0.0.0.0:9464");
    let usable = || listen.to_socket_addrs().is_ok_and(|mut a| a.next().is_some());
    need(listen.is_empty() || usable(), faults, "metrics.listen", remedy);
    let token = &s.metrics.token;
    let remedy = "must have at least 16 characters that a header can carry (openssl rand -hex 32)";
    let fits = token.len() >= 16 && token.bytes().all(|b| b.is_ascii_graphic());
    need(token.is_empty() || fits, faults, "metrics.token", remedy);
}

fn telemetry(s: &Settings, faults: &mut Vec<String>) {
    let endpoint = &s.telemetry.otlp_endpoint;
    let remedy =
        format!("{endpoint:?} is no URL; write e.g. http://127.0.0.1:4318, or leave it empty");
    need(endpoint.is_empty() || is_url(endpoint), faults, "telemetry.otlp_endpoint", remedy);
    need(
        (0.0..=1.0).contains(&s.telemetry.sample_ratio),
        faults,
        "telemetry.sample_ratio",
        "must be 0.0 to 1.0",
    );
    let level = &s.telemetry.log_level;
    let remedy = format!(
        "{level:?} is no filter; write off, error, warn, info, debug or trace, or directives: \
         warn,ticketing=debug"
    );
    let fits = tracing_subscriber::EnvFilter::try_new(level).is_ok()
        && level.trim_end_matches(',').split(',').all(is_directive);
    need(fits, faults, "telemetry.log_level", remedy);
}

/// A word by itself must be a level: the filter takes any other for a target, and all else is silent.
fn is_directive(text: &str) -> bool {
    text.contains(['=', '[']) || (!text.is_empty() && text.parse::<LevelFilter>().is_ok())
}
