//! The split stack as the benches use it: its processes, a token, topics.

use std::path::Path;

use kefu_tests::{
    api::Caller,
    stack::{Options, SERVICES, Stack},
};

use super::{
    http::Connection,
    postgres::postmaster,
    watch::{self, Watched},
};

/// Five services on PostgreSQL that syncs and Kafka, nobody's rate limited.
pub async fn start() -> Stack {
    let env = [("KEFU__HTTP__RATE_PER_SECOND", "0"), ("KEFU_POSTGRES_FSYNC", "on")];
    let env = env.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    Stack::split(Options { env, ..Options::default() }).await
}

/// Every process of the stack, and this one.
pub fn watched(stack: &Stack) -> Result<Vec<Watched>, String> {
    let dir = stack.dir.path();
    let mut all: Vec<Watched> = SERVICES
        .iter()
        .filter_map(|name| watch::of_pid_file(name, &dir.join(name).join("pid")))
        .collect();
    all.extend(watch::of_pid_file("kafka", &dir.join("kafka/pid")));
    all.push(watch::postgres(postmaster(&stack.database("ticketing"))?));
    all.push(watch::ourselves());
    Ok(all)
}

/// A lean connection to the service that owns `path`.
pub fn connection(stack: &Stack, caller: &Caller, path: &str) -> Connection {
    let url = stack.urls.of(path);
    let base = url.strip_suffix(path).unwrap_or(&url);
    Connection::new(base, caller.token())
}

/// `host:port` of the stack's Kafka.
pub fn brokers(dir: &Path) -> Result<String, String> {
    let port = std::fs::read_to_string(dir.join("kafka/port")).map_err(super::error)?;
    Ok(format!("127.0.0.1:{}", port.trim()))
}
