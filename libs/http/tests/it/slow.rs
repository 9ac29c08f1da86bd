//! Bodies that dawdle, on real sockets.

use std::time::{Duration, Instant};

use http::BodyPatience;
use kernel::Role;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::bed::{self, Bed, Options};

const PATIENCE: BodyPatience =
    BodyPatience { limit: Duration::from_millis(800), bytes_per_sec: 1_000 };

/// Far beyond the patience, far below for ever.
const TOO_LONG: Duration = Duration::from_secs(15);

async fn bed() -> Bed {
    let options = Options { patience: PATIENCE, ..Options::default() };
    bed::start_with(&bed::sqlite().await, options).await
}

/// Sends the head, then `piece` again and again with pauses; what was answered until the server
/// closed the connection.
async fn trickle(bed: &Bed, head: String, piece: &[u8]) -> String {
    let address = bed.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (started, mut answer, mut buffer) = (Instant::now(), vec![], [0; 4096]);
    loop {
        assert!(started.elapsed() < TOO_LONG, "still open: {}", String::from_utf8_lossy(&answer));
        // Once the server has closed, writing fails; what it said is read all the same.
        let written = stream.write_all(piece).await;
        let read = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut buffer)).await;
        match read {
            Ok(Ok(0) | Err(_)) => return String::from_utf8(answer).unwrap(),
            Ok(Ok(n)) => answer.extend_from_slice(&buffer[..n]),
            Err(_) => assert!(written.is_ok(), "closed for writing only"),
        }
    }
}

fn head(bed: &Bed, request: &str, token: bool, more: &str) -> String {
    let authorization = if token {
        format!("authorization: Bearer {}\r\n", bed.token(Role::Admin))
    } else {
        String::new()
    };
    format!("{request} HTTP/1.1\r\nhost: test\r\n{authorization}{more}\r\n\r\n")
}

const LONG: &str = "content-length: 5000";
const CHUNKED: &str = "transfer-encoding: chunked";

#[actix_web::test]
async fn a_body_that_dawdles_is_answered_408_and_cut_off() {
    let bed = bed().await;
    let cases = [
        ("POST /api/v1/notes", true, "content-type: application/json"),
        ("POST /api/v1/note-imports", true, "content-type: text/csv"),
        ("POST /oauth2/token", false, "content-type: application/x-www-form-urlencoded"),
    ];
    for (request, token, kind) in cases {
        for (framing, piece) in [(LONG, &b" "[..]), (CHUNKED, &b"1\r\n \r\n"[..])] {
            let head = head(&bed, request, token, &format!("{kind}\r\n{framing}"));
            let answer = trickle(&bed, head, piece).await;
            assert!(answer.starts_with("HTTP/1.1 408 "), "{request}: {answer}");
            assert!(answer.contains("application/problem+json"), "{request}: {answer}");
            assert!(answer.contains("\"code\":\"request-timeout\""), "{request}: {answer}");
            assert!(answer.to_lowercase().contains("connection: close"), "{request}: {answer}");
        }
    }
}

#[actix_web::test]
async fn a_body_that_nobody_reads_keeps_no_connection() {
    let bed = bed().await;
    let json = "content-type: application/json";
    let cases = [
        ("POST /api/v1/notes", "401"),
        ("GET /n/a", "200"),
        ("GET /health/live", "200"),
        ("POST /nothing", "404"),
    ];
    for (request, status) in cases {
        for (framing, piece) in [(LONG, &b" "[..]), (CHUNKED, &b"1\r\n \r\n"[..])] {
            let head = head(&bed, request, false, &format!("{json}\r\n{framing}"));
            let answer = trickle(&bed, head, piece).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        }
    }
}

#[actix_web::test]
async fn a_large_body_has_its_time_while_it_keeps_coming() {
    let bed = bed().await;
    let head = head(
        &bed,
        "POST /api/v1/note-imports",
        true,
        "content-type: text/csv\r\nconnection: close\r\ncontent-length: 12000",
    );
    let address = bed.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let started = Instant::now();
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(&[b'x'; 1_000]).await.unwrap();
    }
    assert!(started.elapsed() > PATIENCE.limit);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"bytes\":12000"), "{answer}");
}

#[actix_web::test]
async fn a_connection_stays_open_after_a_body_that_came_whole() {
    let bed = bed().await;
    let address = bed.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let kind = "content-type: application/json";
    let refused = head(&bed, "POST /api/v1/notes", true, &format!("{kind}\r\ncontent-length: 2"));
    let good = head(&bed, "GET /n/a", false, "connection: close");
    stream.write_all(format!("{refused}{{}}").as_bytes()).await.unwrap();
    let (mut answer, mut buffer) = (vec![], [0; 4096]);
    while !answer.ends_with(b"}") {
        let n = stream.read(&mut buffer).await.unwrap();
        assert_ne!(n, 0, "closed: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..n]);
    }
    stream.write_all(good.as_bytes()).await.unwrap();
    let mut second = String::new();
    stream.read_to_string(&mut second).await.unwrap();
    assert!(second.starts_with("HTTP/1.1 200 "), "{second}");
}
