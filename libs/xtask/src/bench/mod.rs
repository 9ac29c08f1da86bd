//! `cargo xtask bench`: figures that mean something on a shared machine, because each is printed as
//! a ratio to a baseline of the same run, with what every process used meanwhile.

mod data;
mod end_to_end;
mod footprint;
mod http;
mod imports;
mod load;
mod mixed;
mod outage;
mod postgres;
mod reads;
mod relay;
mod report;
mod server;
mod shapes;
mod soak;
mod split;
mod svg;
mod tickets;
mod watch;

use std::{fmt::Display, time::Duration};

use report::Report;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// POST /api/v1/tickets against pgbench running the same statements.
    Tickets,
    /// Get, list and search at 100 thousand and at 2.1 million tickets.
    Reads,
    /// Outbox relay against a bare rdkafka producer.
    Relay,
    /// Consumer with inbox against a bare rdkafka consumer.
    Consumer,
    /// Resolve → delivered notice against three bare produce–consume hops.
    EndToEnd,
    /// Customers and an incident log by `kefu import`, also killed and resumed.
    Imports,
    /// Time to ready and idle memory of the suite.
    Footprint,
    /// All of the above.
    All,
    /// Memory of every process under steady load (`--minutes`, 20 unless told).
    Soak,
    /// Kafka away under load (`--minutes`, 10 unless told).
    Outage,
}

pub fn run(what: What, minutes: Option<u64>) -> Result<(), String> {
    if cfg!(debug_assertions) {
        println!("NOTE: a debug build; `make bench` measures a release build");
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let mut report = Report::default();
    let wanted = |one: What| what == one || what == What::All;
    let work = async {
        if wanted(What::Footprint) {
            footprint::run(&mut report).await?;
        }
        if wanted(What::Relay) {
            relay::run(&mut report).await?;
        }
        if wanted(What::Consumer) {
            relay::consume(&mut report).await?;
        }
        if wanted(What::Tickets) {
            tickets::run(&mut report).await?;
        }
        if wanted(What::EndToEnd) {
            end_to_end::run(&mut report).await?;
        }
        if wanted(What::Reads) {
            reads::run(&mut report).await?;
        }
        if wanted(What::Imports) {
            imports::run(&mut report).await?;
        }
        if what == What::Soak {
            soak::run(minutes.unwrap_or(20)).await?;
        }
        if what == What::Outage {
            outage::run(minutes.unwrap_or(10)).await?;
        }
        Ok(())
    };
    let outcome = runtime.map_err(error)?.block_on(async {
        let interrupted = kefu_tests::interrupted();
        tokio::select! {
            outcome = work => outcome,
            why = interrupted => Err(why.to_owned()),
        }
    });
    report.write()?;
    outcome
}

fn error(e: impl Display) -> String {
    e.to_string()
}

/// `n` things in `time`, as things per second.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn rate(n: usize, time: Duration) -> f64 {
    n as f64 / time.as_secs_f64()
}

/// The `share` quantile of sorted values, 0 for none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index within the slice"
    )]
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}
