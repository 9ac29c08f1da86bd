//! A whole process: embedded log, relay, consumer, jobs, folder and port.

use std::time::{Duration, Instant};

use host::{Overrides, Running, Settings, settings::Sources};
use kernel::Role;
use serde_json::{Value, json};
use testkit::{AUDIENCE, Client, ISSUER, Mint};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::notes;

fn sources(dir: &std::path::Path) -> Sources {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Sources {
        overrides: vec![
            set("http.listen", "127.0.0.1:0"),
            set("http.workers", "1"),
            set("data.dir", &dir.display().to_string()),
            set("auth.issuer", ISSUER),
            set("auth.audience", AUDIENCE),
            set("shutdown.grace_secs", "5"),
        ],
        ..Sources::only("")
    }
}

async fn start(dir: &std::path::Path, mint: &Mint) -> Result<Running, host::Error> {
    let settings = Settings::load(&[notes::module()], &sources(dir)).unwrap();
    let overrides = Overrides { keys: Some(mint.keys()), ..Overrides::default() };
    host::start(vec![notes::module()], settings, overrides).await
}

async fn until(what: &str, mut probe: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !probe().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ticks(running: &Running) -> i64 {
    let row =
        store::sql::one(&running.services()[0].db, "SELECT n FROM tick", vec![]).await.unwrap();
    row.map_or(0, |row| row.try_get("", "n").unwrap())
}

async fn note(client: &Client, text: &str) -> String {
    let note = client.post("/api/v1/notes").json(&json!({ "text": text })).send().await.expect(201);
    format!("/api/v1/notes/{}", note.id())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_becomes_an_event_and_its_effect() {
    let dir = tempfile::tempdir().unwrap();
    let mint = Mint::new();
    let running = start(dir.path(), &mint).await.unwrap();
    let client = Client::new(running.base_url(), Some(mint.user("li.na", &[Role::Admin], "/acme")));
    client.get("/health/ready").send().await.expect(200).done();
    let path = note(&client, "one").await;
    until("the reaction", async || client.get(&path).send().await.body["seen"] == 1).await;
    until("the job", async || ticks(&running).await > 0).await;
    let metrics = client.get("/metrics").send().await.expect(200);
    assert!(metrics.text.contains("kefu_job_duration_seconds_count"), "{}", metrics.text);
    let docs = client.get("/docs/").send().await.expect(200);
    assert!(docs.text.contains("swagger"), "{}", docs.text);
    let bare = client.get("/").send().await.expect(307);
    assert_eq!(bare.header("location"), Some("/docs/"));
    client.get("/openapi/notes.json").send().await.expect(200).done();
    let letters = client.get("/api/v1/notes/dead-letters").send().await.expect(200);
    assert_eq!(letters.body, json!({ "items": Value::Array(vec![]) }));
    client.get("/api/v1/nothing/dead-letters").send().await.expect_problem(404, "not-found").done();
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_for_who_may_see_them() {
    let dir = tempfile::tempdir().unwrap();
    let up = async |more: &[(&str, &str)]| {
        let mut sources = sources(dir.path());
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        sources.overrides.extend(more);
        let settings = Settings::load(&[notes::module()], &sources).unwrap();
        host::start(vec![notes::module()], settings, Overrides::default()).await.unwrap()
    };
    let here = up(&[]).await;
    let client = Client::new(here.base_url(), None);
    client.get("/metrics").send().await.expect(200).done();
    // A proxy on this machine speaks for anybody.
    let outside = client.get("/metrics").header("x-forwarded-for", "1.1.1.1");
    outside.send().await.expect_problem(403, "forbidden").done();
    here.shutdown().await;

    let token = "0123456789abcdef";
    let secret = up(&[("metrics.token", token)]).await;
    let client = Client::new(secret.base_url(), None);
    client.get("/metrics").send().await.expect_problem(401, "unauthenticated").done();
    let guess = client.get("/metrics").header("authorization", "Bearer 0123456789abcdeF");
    guess.send().await.expect_problem(401, "unauthenticated").done();
    let shown = client.get("/metrics").header("authorization", format!("Bearer {token}"));
    shown.header("x-forwarded-for", "1.1.1.1").send().await.expect(200).done();
    secret.shutdown().await;

    let apart = up(&[("metrics.listen", "127.0.0.1:0")]).await;
    let client = Client::new(apart.base_url(), None);
    client.get("/metrics").send().await.expect_problem(404, "not-found").done();
    let figures = format!("http://{}", apart.figures_addr().unwrap());
    let scraper = Client::new(&figures, None);
    let text = scraper.get("/metrics").send().await.expect(200).text;
    assert!(text.contains("kefu_ready"), "{text}");
    scraper.get("/api/v1/notes").send().await.expect(404).done();
    apart.shutdown().await;
    assert!(scraper.get("/metrics").try_send().await.is_err(), "ended with the rest");
}

/// A proxy that keeps connections for a minute must not find one closed under its request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_kept_and_holds_up_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path(), &Mint::new()).await.unwrap();
    let mut connection = TcpStream::connect(running.addr()).await.unwrap();
    let mut ask = async || {
        connection.write_all(b"GET /health/live HTTP/1.1\r\nhost: kefu\r\n\r\n").await.unwrap();
        let mut answer = [0; 4_096];
        let length = connection.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    assert!(ask().await.starts_with("HTTP/1.1 200"));
    // Longer than servers keep connections that nobody has asked to keep them.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let answer = ask().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    let grace = Duration::from_secs(5);
    assert!(tokio::time::timeout(grace, running.shutdown()).await.is_ok(), "it waited for nothing");
    assert_eq!(connection.read(&mut [0; 64]).await.unwrap(), 0, "still open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_carried_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mint = Mint::new();
    let mut paths = vec![];
    for round in 0..3 {
        let running = start(dir.path(), &mint).await.unwrap();
        let client =
            Client::new(running.base_url(), Some(mint.user("li.na", &[Role::Admin], "/acme")));
        for _ in 0..5 {
            paths.push(note(&client, "n").await);
        }
        // At once: most events are still in the outbox.
        if round == 1 { running.shutdown().await } else { drop(running) }
    }
    let running = start(dir.path(), &mint).await.unwrap();
    let client = Client::new(running.base_url(), Some(mint.user("li.na", &[Role::Admin], "/acme")));
    for path in &paths {
        until("the reaction", async || client.get(path).send().await.body["seen"] != 0).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for path in &paths {
        assert_eq!(client.get(path).send().await.body["seen"], 1, "an event had its effect twice");
    }
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_folder_and_a_taken_port_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mint = Mint::new();
    let running = start(dir.path(), &mint).await.unwrap();
    let error = start(dir.path(), &mint).await.err().unwrap().to_string();
    assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");

    let other = tempfile::tempdir().unwrap();
    let mut taken = sources(other.path());
    taken.overrides.push(("http.listen".into(), running.addr().to_string()));
    let settings = Settings::load(&[notes::module()], &taken).unwrap();
    let error = host::start(vec![notes::module()], settings, Overrides::default())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("the port is taken") && error.contains("KEFU__HTTP__LISTEN"), "{error}");
    running.shutdown().await;
    // Everything was let go.
    start(dir.path(), &mint).await.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_built_in_issuer_serves_its_own_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let secret = "a-secret-of-the-test-0123456789abcdef";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let mut sources = sources(dir.path());
    sources.overrides.retain(|(name, _)| name != "auth.issuer");
    sources.preset = format!(
        "[[issuer.clients]]\nid = \"partner\"\nsecret_sha256 = \"{hex}\"\nscopes = [\"ticket:create\"]\norg = \"/acme\""
    );
    let settings = Settings::load(&[notes::module()], &sources).unwrap();
    let running = host::start(vec![notes::module()], settings, Overrides::default()).await.unwrap();
    let form = format!("grant_type=client_credentials&client_id=partner&client_secret={secret}");
    let anonymous = Client::new(running.base_url(), None);
    let answer = anonymous
        .post("/oauth2/token")
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await
        .expect(200);
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    note(&Client::new(running.base_url(), Some(token)), "by token").await;
    running.shutdown().await;
}
