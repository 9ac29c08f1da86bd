//! The program of a service, as an operator meets it.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Built together with the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples/notes")
}

fn command(dir: &Path, port: u16, args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(args)
        .env("KEFU__DATA__DIR", dir.join("data"))
        .env("KEFU__HTTP__LISTEN", format!("127.0.0.1:{port}"))
        .env("KEFU__TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("KEFU__SHUTDOWN__GRACE_SECS", "3")
        .current_dir(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(dir: &Path, port: u16, args: &[&str]) -> Output {
    command(dir, port, args).output().unwrap()
}

/// Ends the process with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop((self.0.kill(), self.0.wait()));
    }
}

impl Server {
    fn start(dir: &Path, port: u16) -> Self {
        let server = Self(command(dir, port, &["serve"]).spawn().unwrap());
        let began = Instant::now();
        while !run(dir, port, &["healthcheck"]).status.success() {
            assert!(began.elapsed() < Duration::from_secs(20), "the process does not become ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(done.success());
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = Server::start(dir.path(), port);
    // A second one says what is in the way.
    let second = run(dir.path(), free_port(), &["serve"]);
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && told.contains(&format!("in use by process {}", server.0.id())),
        "{told}"
    );

    // A crash leaves nothing in the way; a collector that is away hinders nothing.
    server.signal("-KILL");
    server.0.wait().unwrap();
    let mut server = Server::start(dir.path(), port);
    for nonsense in ["no http at all\r\n\r\n", "GET / HTTP/1.1\r\nhost test\r\n\r\n"] {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(nonsense.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    server.signal("-TERM");
    let began = Instant::now();
    let status = server.0.wait().unwrap();
    assert!(
        status.success() && began.elapsed() < Duration::from_secs(10),
        "{status} after {:?}",
        began.elapsed()
    );
    let mut log = String::new();
    server.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|l| l["message"] == "stopped" && l["level"] == "INFO"), "{log}");
    let errors = |l: &&serde_json::Value| l["level"] == "ERROR";
    assert_eq!(lines.iter().find(errors), None, "what a caller does wrong is no error of ours");
    assert!(!run(dir.path(), port, &["healthcheck"]).status.success());
}

#[test]
fn it_tells_of_bad_settings_and_prints_its_document() {
    let dir = tempfile::tempdir().unwrap();
    let bad = command(dir.path(), 0, &["serve"]).env("KEFU__HTTP__WORKERS", "0").output().unwrap();
    let told = String::from_utf8_lossy(&bad.stderr);
    assert!(
        !bad.status.success() && told.contains("http.workers (environment: KEFU__HTTP__WORKERS)"),
        "{told}"
    );
    assert!(!dir.path().join("data").exists(), "nothing was begun");
    // The service's own are judged as early, and names that nobody knows.
    for (name, value) in [
        ("KEFU__NOTES__LONGEST", "many"),
        ("KEFU__NOTES__LONGESST", "7"),
        ("KEFU__NOTTES__LONGEST", "7"),
        ("KEFU__HTTP__LISTENN", "127.0.0.1:0"),
    ] {
        let bad = command(dir.path(), 0, &["serve"]).env(name, value).output().unwrap();
        let told = String::from_utf8_lossy(&bad.stderr);
        assert!(!bad.status.success() && told.contains(name), "{name}: {told}");
        assert!(!dir.path().join("data").exists(), "{name}: nothing was begun");
    }

    let yaml = run(dir.path(), 0, &["openapi"]);
    let text = String::from_utf8(yaml.stdout).unwrap();
    assert!(
        yaml.status.success()
            && text.starts_with("openapi: 3.1.0")
            && text.contains("/api/v1/notes"),
        "{text}"
    );
    let json = run(dir.path(), 0, &["openapi", "--format", "json", "--service", "notes"]);
    assert!(
        serde_json::from_slice::<serde_json::Value>(&json.stdout).unwrap()["paths"].is_object()
    );
    let migrated = run(dir.path(), 0, &["migrate"]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    assert!(dir.path().join("data/notes.db").exists());
}

#[test]
fn it_prepares_its_topics() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = run(dir.path(), 0, &["topics"]);
    assert!(embedded.status.success(), "{}", String::from_utf8_lossy(&embedded.stderr));

    let brokers = std::env::var("KEFU_TEST_KAFKA")
        .expect("KEFU_TEST_KAFKA is unset: run the tests by `make test`, or set it to what `deploy/local/kafka.sh start` prints");
    let topics = |partitions: &str| {
        let output = command(dir.path(), 0, &["topics"])
            .env("KEFU__EVENTS__KIND", "kafka")
            .env("KEFU__EVENTS__BROKERS", &brokers)
            .env("KEFU__EVENTS__PARTITIONS", partitions)
            .env("KEFU__AUTH__MODE", "oidc")
            .env("KEFU__AUTH__ISSUER", "https://login.example.com")
            .env("KEFU__PII__ACTIVE", "k1")
            .env("KEFU__PII__KEYS__K1", "11".repeat(32))
            .env("KEFU__PII__INDEX_KEY", "22".repeat(32))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, told, errors) = topics("2");
    assert_eq!(code, Some(0), "{told}{errors}");
    assert_eq!(topics("2"), (Some(0), "kefu.notes.events: as wanted\n".into(), String::new()));
    let (code, told, errors) = topics("3");
    assert!(
        code == Some(1)
            && told.starts_with("kefu.notes.events: differs: 2 partitions, fewer than the 3")
            && errors.contains("not usable as they are: kefu.notes.events"),
        "{told}{errors}"
    );
}

/// Bodies that an OTLP/HTTP exporter posts.
fn collector() -> (String, std::sync::mpsc::Receiver<Vec<u8>>) {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map(Result::unwrap) {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut stream = stream;
                loop {
                    let mut length = 0;
                    let mut line = String::new();
                    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                        if let Some((name, value)) = line.split_once(':')
                            && name.eq_ignore_ascii_case("content-length")
                        {
                            length = value.trim().parse().unwrap();
                        }
                        line.clear();
                    }
                    if length == 0 {
                        return;
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                    drop(tell.send(body));
                }
            });
        }
    });
    (url, told)
}

fn contains(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|w| *w == part).count()
}

#[tokio::test]
async fn request_and_consequence_are_one_trace_at_the_collector() {
    let dir = tempfile::tempdir().unwrap();
    let (port, secret) = (free_port(), "0123456789abcdef0123456789abcdef");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let (url, spans) = collector();
    let file = format!(
        "[telemetry]\notlp_endpoint = \"{url}\"\n[[issuer.clients]]\nid = \"partner\"\nsecret_sha256 = \"{hex}\"\nscopes = [\"ticket:create\"]\norg = \"/acme\""
    );
    std::fs::write(dir.path().join("kefu.toml"), file).unwrap();
    let mut child = command(dir.path(), port, &["serve"]);
    let mut server = Server(child.env_remove("KEFU__TELEMETRY__OTLP_ENDPOINT").spawn().unwrap());
    let base = format!("http://127.0.0.1:{port}");
    let anonymous = testkit::Client::new(&base, None);
    let began = Instant::now();
    while anonymous.get("/health/ready").try_send().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let form = format!("grant_type=client_credentials&client_id=partner&client_secret={secret}");
    let answer = anonymous
        .post("/oauth2/token")
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await
        .expect(200);
    let client =
        testkit::Client::new(&base, Some(answer.body["access_token"].as_str().unwrap().to_owned()));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let call = client.post("/api/v1/notes").json(&serde_json::json!({ "text": "traced" }));
    call.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .send()
        .await
        .expect(201)
        .done();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // What is queued is sent on the way out.
    server.signal("-TERM");
    assert!(server.0.wait().unwrap().success());
    let all: Vec<u8> = spans.try_iter().flatten().collect();
    let id: Vec<u8> =
        (0..16).map(|i| u8::from_str_radix(&trace[2 * i..2 * i + 2], 16).unwrap()).collect();
    assert!(
        contains(&all, b"kefu-notes") > 0 && contains(&all, b"POST /api/v1/notes") > 0,
        "{}",
        String::from_utf8_lossy(&all)
    );
    assert!(contains(&all, &id) >= 3, "request, sending and processing: {}", contains(&all, &id));
}
