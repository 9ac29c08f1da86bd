//! The middleware: limits, draining, health, metrics, headers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{RateLimits, RateSettings};
use kernel::Role;
use reqwest::Method;

use crate::bed::{self, Options, send};

#[actix_web::test]
async fn callers_are_limited_one_by_one() {
    let limits =
        RateLimits::new(RateSettings { per_second: 1, burst: 3, ..RateSettings::default() });
    let bed = bed::start_with(&bed::sqlite().await, Options { limits, ..Options::default() }).await;
    for left in ["2", "1", "0"] {
        let reply = send(bed.get("/api/v1/notes")).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("ratelimit-policy"), "\"default\";q=3;w=3");
        assert!(
            reply.header("ratelimit").starts_with(&format!("\"default\";r={left};t=")),
            "{reply:#?}"
        );
    }
    let refused = send(bed.get("/api/v1/notes").header("accept-language", "zh")).await;
    refused.is_problem(429, "too-many-requests");
    assert_eq!(refused.body["title"], "请求过于频繁");
    assert_eq!(
        (refused.header("retry-after"), refused.header("ratelimit")),
        ("1", "\"default\";r=0;t=1")
    );

    let other = bed.request(Method::GET, "/api/v1/notes").bearer_auth(bed.token(Role::Agent));
    assert_eq!(send(other).await.status, 200, "another caller has a quota of his own");
    for _ in 0..3 {
        send(bed.request(Method::GET, "/api/v1/notes").bearer_auth("guess"))
            .await
            .is_problem(401, "unauthenticated");
    }
    let guessed = bed.request(Method::GET, "/api/v1/notes").bearer_auth("another-guess");
    send(guessed).await.is_problem(429, "too-many-requests");
    let forwarded = bed.request(Method::GET, "/n/a").header("x-forwarded-for", "10.9.8.7");
    send(forwarded).await.is_problem(429, "too-many-requests");
    for _ in 0..5 {
        assert_eq!(send(bed.request(Method::GET, "/health/live")).await.status, 200);
        assert_eq!(send(bed.request(Method::GET, "/metrics")).await.status, 200);
    }
}

#[actix_web::test]
async fn behind_a_proxy_addresses_are_forwarded() {
    let limits = RateLimits::new(RateSettings {
        per_second: 1,
        burst: 1,
        trust_forwarded: true,
        ..RateSettings::default()
    });
    let bed = bed::start_with(&bed::sqlite().await, Options { limits, ..Options::default() }).await;
    let from = async |address: &str| {
        send(bed.request(Method::GET, "/n/a").header("x-forwarded-for", address)).await.status
    };
    assert_eq!(
        (from("10.0.0.1").await, from("10.0.0.1").await, from("10.0.0.2").await),
        (200, 429, 200)
    );
    let invented = "6.6.6.6, 10.0.0.2";
    assert_eq!(from(invented).await, 429, "what the caller wrote in front is not believed");
}

#[actix_web::test]
async fn leaving_goes_in_order() {
    let healthy = Arc::new(AtomicBool::new(true));
    let bed = bed::start_with(
        &bed::sqlite().await,
        Options { healthy: healthy.clone(), ..Options::default() },
    )
    .await;
    let ready = async || send(bed.request(Method::GET, "/health/ready")).await;
    assert_eq!(
        (ready().await.status, ready().await.body["checks"]["thing notes"].as_str()),
        (200, Some("ok"))
    );
    healthy.store(false, Ordering::SeqCst);
    let away = ready().await;
    assert_eq!((away.status, away.body["status"].as_str()), (503, Some("not ready")));
    assert_eq!(away.body["checks"]["thing notes"], "failed");
    assert!(!away.text.contains("secret-host"));
    healthy.store(true, Ordering::SeqCst);

    bed.drain.unready();
    assert_eq!(
        (ready().await.status, ready().await.body["status"].as_str()),
        (503, Some("draining"))
    );
    assert_eq!(send(bed.get("/api/v1/notes")).await.status, 200, "what comes is still served");
    bed.drain.refuse();
    let refused = send(bed.get("/api/v1/notes")).await;
    refused.is_problem(503, "unavailable");
    assert_eq!((refused.header("connection"), refused.header("ratelimit")), ("close", ""));
    assert_eq!(send(bed.request(Method::GET, "/health/live")).await.status, 200);
}

#[actix_web::test]
async fn requests_are_counted_by_route_template() {
    let bed = bed::start(&bed::sqlite().await).await;
    let id = kernel::new_id();
    send(bed.get(&format!("/api/v1/notes/{id}"))).await.is_problem(404, "not-found");
    send(bed.get("/wp-admin.php")).await.is_problem(404, "not-found");
    let brew = Method::from_bytes(b"BREW").unwrap();
    send(bed.request(brew, "/coffee")).await.is_problem(404, "not-found");
    let text = send(bed.request(Method::GET, "/metrics")).await.text;
    let labels = r#"{service="notes",http_request_method="GET",http_route="/api/v1/notes/{id}",http_response_status_code="404",url_scheme="http",error_type=""}"#;
    assert!(
        text.contains(&format!("http_server_request_duration_seconds_count{labels}")),
        "{text}"
    );
    assert!(text.contains(r#"http_request_method="_OTHER",http_route="""#));
    let active = r#"http_server_active_requests{service="notes",http_request_method="GET",url_scheme="http"} "#;
    assert!(text.contains(active), "{text}");
    assert!(text.contains(r#"kefu_ready{service="notes",check="thing"} 1"#), "{text}");
    assert!(
        !text.contains(&id.to_string()) && !text.contains("wp-admin") && !text.contains("BREW")
    );
}

#[actix_web::test]
async fn who_accepts_openmetrics_sees_which_trace_a_request_was() {
    let bed = bed::start(&bed::sqlite().await).await;
    let traceparent = "00-5bd7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    send(bed.get("/api/v1/notes").header("traceparent", traceparent)).await;
    let scrape = |accept| bed.request(Method::GET, "/metrics").header("accept", accept);
    let seen = send(scrape("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1")).await;
    assert!(seen.header("content-type").starts_with("application/openmetrics-text"));
    let exemplar = r#"# {trace_id="5bd7651916cd43dd8448eb211c80319c"}"#;
    assert!(seen.text.contains(exemplar), "{}", seen.text);
    let plain = send(scrape("text/plain")).await;
    assert!(plain.header("content-type").starts_with("text/plain"));
    assert!(!plain.text.contains("trace_id"));
}

#[actix_web::test]
async fn answers_are_safe_to_show_and_not_kept() {
    let bed = bed::start(&bed::sqlite().await).await;
    for path in ["/api/v1/notes", "/api/v1/nothing"] {
        let reply = send(bed.get(path)).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
    }
}
