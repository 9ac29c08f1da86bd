//! Load from this process: closed (each client asks again when it is answered) or open (at a rate).

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    http::{Connection, Reply},
    quantile,
};

/// A request.
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub headers: String,
    pub body: Vec<u8>,
}

/// POST with a fresh idempotency key.
pub fn post(path: &str, body: &Value) -> Ask {
    Ask {
        method: "POST",
        path: path.into(),
        headers: format!("idempotency-key: {}\r\n", kefu_tests::api::new_trace()),
        body: body.to_string().into_bytes(),
    }
}

/// What a load came to.
pub struct Done {
    pub time: Duration,
    /// Milliseconds of each request, sorted.
    pub times: Vec<f64>,
}

impl Done {
    pub fn quantiles(&self) -> String {
        format!(
            "p50 {:.1} ms, p99 {:.1} ms",
            quantile(&self.times, 0.5),
            quantile(&self.times, 0.99)
        )
    }
}

pub async fn send(connection: &mut Connection, ask: &Ask) -> Result<Reply, String> {
    connection.send(ask.method, &ask.path, &ask.headers, &ask.body).await
}

/// As many requests as `clients` get answered within `time`; the first that is no 2xx ends it.
pub async fn closed(
    clients: usize,
    time: Duration,
    connection: impl Fn() -> Connection,
    ask: impl Fn(usize) -> Ask,
) -> Result<Done, String> {
    let begun = Instant::now();
    let end = begun + time;
    let one = async |n: usize| {
        let (mut connection, mut times) = (connection(), vec![]);
        while Instant::now() < end {
            let ask = ask(n);
            let asked = Instant::now();
            let reply = send(&mut connection, &ask).await?;
            if !(200..300).contains(&reply.status) {
                let text = String::from_utf8_lossy(&reply.body).into_owned();
                return Err(format!("{} {}: {} {text}", ask.method, ask.path, reply.status));
            }
            times.push(asked.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok(times)
    };
    let all = futures::future::try_join_all((0..clients).map(one)).await?;
    let time = begun.elapsed();
    let mut times: Vec<f64> = all.into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    Ok(Done { time, times })
}
