//! `cargo xtask bench`: figures that mean something on a shared machine, because each is printed as
//! a ratio to a baseline of the same run.

mod end_to_end;
mod footprint;
mod relay;
mod tickets;

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// POST /api/v1/tickets against pgbench running the same statements.
    Tickets,
    /// Outbox relay and consumer against a bare rdkafka producer and consumer.
    Relay,
    /// Resolve → delivered mail.
    EndToEnd,
    /// Time to ready and idle memory of the suite.
    Footprint,
    All,
}

pub fn run(what: What) -> Result<(), String> {
    if cfg!(debug_assertions) {
        println!("NOTE: a debug build; `make bench` measures a release build");
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|e| e.to_string())?.block_on(async {
        if matches!(what, What::Footprint | What::All) {
            footprint::run().await?;
        }
        if matches!(what, What::Relay | What::All) {
            relay::run().await?;
        }
        if matches!(what, What::Tickets | What::All) {
            tickets::run().await?;
        }
        if matches!(what, What::EndToEnd | What::All) {
            end_to_end::run().await?;
        }
        Ok(())
    })
}

/// `n` things in `time`, as things per second.
fn rate(n: usize, time: Duration) -> f64 {
    n as f64 / time.as_secs_f64()
}

/// The `share` quantile of sorted values, 0 for none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index within the slice"
    )]
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

fn line(what: &str, ours: f64, baseline: f64, unit: &str) {
    println!(
        "{what:<34} {ours:>10.0} {unit:<9} baseline {baseline:>10.0}   ratio {:.2}",
        ours / baseline
    );
}
