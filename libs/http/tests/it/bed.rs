//! Databases, server and client for the tests.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web::Data};
use http::{
    AuthSettings, Authenticator, BodyLimit, BodyPatience, Drain, Edge, Health, KeySource,
    RateLimits, RouteTable, SealReplies,
    issuer::{Issuer, IssuerClient, IssuerSettings, IssuerUser, SigningKey},
};
use kernel::{OrgPath, Permission, Role};
use reqwest::{Method, RequestBuilder};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use store::{Db, DbSettings, Migrations, Pii};
use utoipa_actix_web::AppExt;

use crate::notes;

pub const AUDIENCE: &str = "kefu";
pub const ISSUER: &str = "https://issuer.test";

/// An empty database with the tables of the application; removed with its last clone.
#[derive(Clone)]
pub struct TestDb {
    pub db: Db,
    pub url: String,
    _home: Arc<Home>,
}

struct Home {
    _folder: tempfile::TempDir,
    /// Server and name of a PostgreSQL database.
    database: Option<(String, String)>,
}

impl Drop for Home {
    /// From a thread of its own, for the test's runtime may be ending. What stays all the same is
    /// in a server that exists for tests.
    fn drop(&mut self) {
        let Some((server, name)) = self.database.take() else { return };
        let removal = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let admin = Db::connect(&DbSettings::new(&server)).await.unwrap();
                admin
                    .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
                    .await
                    .unwrap();
            });
        });
        if removal.join().is_err() {
            eprintln!("a test database is left behind");
        }
    }
}

impl TestDb {
    /// The same database as another process would see it.
    pub async fn elsewhere(&self) -> Self {
        Self { db: Db::connect(&DbSettings::new(&self.url)).await.unwrap(), ..self.clone() }
    }
}

/// SQLite and PostgreSQL.
pub async fn databases() -> Vec<TestDb> {
    vec![sqlite().await, postgres().await]
}

pub async fn sqlite() -> TestDb {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/notes.db", folder.path().display());
    migrated(url, Home { _folder: folder, database: None }).await
}

pub async fn postgres() -> TestDb {
    let server = std::env::var("KEFU_TEST_POSTGRES").expect(
        "KEFU_TEST_POSTGRES is not set: these tests need PostgreSQL. Run: eval \"$(deploy/local/postgres.sh start)\"",
    );
    let name = format!("kefu_http_{}", kernel::new_id().simple());
    let admin = Db::connect(&DbSettings::new(&server)).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    let base = server.rsplit_once('/').unwrap().0;
    let url = format!("{base}/{name}");
    migrated(url, Home { _folder: tempfile::tempdir().unwrap(), database: Some((server, name)) })
        .await
}

async fn migrated(url: String, home: Home) -> TestDb {
    let db = Db::connect(&DbSettings::new(&url)).await.unwrap();
    Migrations::new([store::migrations(), http::migrations(), vec![notes::migration()]])
        .run(&db)
        .await
        .unwrap();
    TestDb { db, url, _home: Arc::new(home) }
}

/// What a test may want otherwise.
pub struct Options {
    pub limits: RateLimits,
    pub keys: Option<KeySource>,
    pub issuer: String,
    pub slow: Duration,
    pub healthy: Arc<std::sync::atomic::AtomicBool>,
    pub patience: BodyPatience,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: RateLimits::new(http::RateSettings::default()),
            keys: None,
            issuer: ISSUER.into(),
            slow: Duration::from_millis(600),
            healthy: Arc::new(true.into()),
            patience: BodyPatience::default(),
        }
    }
}

/// A running application.
pub struct Bed {
    pub base: String,
    pub app: notes::App,
    pub issuer: Data<Issuer>,
    pub drain: Drain,
    handle: ServerHandle,
    _test: TestDb,
}

pub fn user(name: &str, password_hash: &str, role: Role) -> IssuerUser {
    IssuerUser {
        name: name.into(),
        display_name: "李雷".into(),
        password_hash: password_hash.into(),
        roles: vec![role],
        org: OrgPath::parse("/acme/north").unwrap(),
    }
}

/// `s3cret-of-the-shop` and `demo`, hashed with few iterations.
pub fn issuer_settings() -> IssuerSettings {
    let mut hash = [0; 32];
    let few = std::num::NonZeroU32::new(1_000).unwrap();
    aws_lc_rs::pbkdf2::derive(
        aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
        few,
        b"saltsalt",
        b"demo",
        &mut hash,
    );
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    let hash = format!(
        "pbkdf2-sha256$1000${}${}",
        STANDARD_NO_PAD.encode(b"saltsalt"),
        STANDARD_NO_PAD.encode(hash)
    );
    let secret = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"s3cret-of-the-shop");
    IssuerSettings {
        url: ISSUER.into(),
        audience: AUDIENCE.into(),
        token_ttl_secs: 3_600,
        users: vec![user("lilei", &hash, Role::Agent)],
        clients: vec![IssuerClient {
            id: "shop".into(),
            secret_sha256: hex::encode(secret),
            scopes: vec!["ticket:create".into(), "ticket:read".into()],
            org: OrgPath::parse("/acme").unwrap(),
        }],
    }
}

pub async fn start(test: &TestDb) -> Bed {
    start_with(test, Options::default()).await
}

pub async fn start_with(test: &TestDb, options: Options) -> Bed {
    let issuer =
        Data::new(Issuer::new(issuer_settings(), SigningKey::ephemeral().unwrap()).unwrap());
    let keys = options.keys.unwrap_or(KeySource::Static(issuer.jwks()));
    let auth = AuthSettings::new(&options.issuer, AUDIENCE, keys);
    let drain = Drain::default();
    let edge = Data::new(Edge {
        authenticator: Arc::new(Authenticator::new(auth).unwrap()),
        limits: options.limits,
        drain: drain.clone(),
        service_of: Arc::new(
            |route| if route.starts_with("/api/v1/note") { "notes" } else { "test" },
        ),
    });
    let app = notes::App { db: test.db.clone(), slow: options.slow, seen: Arc::default() };
    let documents =
        [http::openapi("Notes", "notes", notes::routes, notes::CODES), http::issuer::openapi()];
    let table = Data::new(RouteTable::of(&documents));
    let healthy = options.healthy;
    let health = Health::new(drain.clone()).check("thing", "notes", move || {
        let well = healthy.load(std::sync::atomic::Ordering::SeqCst);
        async move { if well { Ok(()) } else { Err("secret-host is away".to_owned()) } }
    });
    let pii = Pii::from_secret(b"test").unwrap();
    let (state, issuer_state) = (app.clone(), issuer.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(state.clone()))
            .app_data(issuer_state.clone())
            .app_data(edge.clone())
            .app_data(table.clone())
            .app_data(BodyLimit(10_000))
            .app_data(options.patience)
            .app_data(SealReplies(pii.clone()))
            .configure(|config| health.configure(config))
            .into_utoipa_app()
            .configure(notes::routes)
            .configure(http::issuer::routes)
            .into_app()
            .default_service(http::default_service())
            .wrap(from_fn(http::edge))
    })
    .workers(2)
    .disable_signals()
    .shutdown_timeout(1)
    .bind("127.0.0.1:0")
    .unwrap();
    let base = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Bed { base, app, issuer, drain, handle, _test: test.clone() }
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// An answer, read.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Asserts a problem of this status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:#?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], format!("urn:kefu:problem:{code}"));
        assert_eq!(self.body["trace_id"], self.header("x-trace-id"));
        assert!(!self.text.contains("secret-host"), "a cause leaked: {}", self.text);
        self
    }

    /// Asserts the place of the first field error.
    #[track_caller]
    pub fn at(&self, pointer: &str, code: &str) {
        let first = &self.body["errors"][0];
        assert_eq!(
            (first["pointer"].as_str(), first["code"].as_str()),
            (Some(pointer), Some(code)),
            "{self:#?}"
        );
    }
}

pub async fn send(request: RequestBuilder) -> Reply {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status, headers, text, body }
}

impl Bed {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // No connection is kept: each belongs to the runtime of the test that opened it.
        static CLIENT: LazyLock<reqwest::Client> =
            LazyLock::new(|| reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap());
        CLIENT.request(method, format!("{}{path}", self.base))
    }

    pub fn token(&self, role: Role) -> String {
        let org = OrgPath::parse("/acme/north").unwrap();
        self.issuer
            .mint(role.as_str(), role.as_str(), &[role], &[], &org, Duration::from_secs(600))
            .unwrap()
    }

    pub fn scoped(&self, scopes: &[Permission]) -> String {
        let org = OrgPath::parse("/acme/north").unwrap();
        self.issuer.mint("shop", "shop", &[], scopes, &org, Duration::from_secs(600)).unwrap()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(self.token(Role::Admin))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(self.token(Role::Admin))
    }

    pub fn put(&self, path: &str) -> RequestBuilder {
        self.request(Method::PUT, path).bearer_auth(self.token(Role::Admin))
    }

    pub async fn note(&self, text: &str) -> Reply {
        let reply = send(self.post("/api/v1/notes").json(&serde_json::json!({"text": text}))).await;
        assert_eq!(reply.status, 201, "{reply:#?}");
        reply
    }

    /// Posts `n` chunks of 1,000 bytes without telling the length, and never ends; gives the
    /// answer as it is on the wire.
    pub async fn chunked(&self, path: &str, n: usize) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(self.base.strip_prefix("http://").unwrap())
            .await
            .unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
            self.token(Role::Admin)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..n {
            stream.write_all(format!("3e8\r\n{}\r\n", "x".repeat(1_000)).as_bytes()).await.unwrap();
        }
        let mut answer = vec![];
        while !answer.ends_with(b"}") {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert_ne!(read, 0, "closed without an answer");
        }
        String::from_utf8(answer).unwrap()
    }

    pub async fn count(&self, table: &str) -> i64 {
        let row =
            store::sql::one(&self.app.db, &format!("SELECT count(*) AS n FROM {table}"), vec![])
                .await;
        row.unwrap().unwrap().try_get("", "n").unwrap()
    }
}
