//! Jobs: each is run again and again by the one process that holds its lease, or by every process.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use kernel::Clock;
use meter::{Gauge, Histogram};
use prometheus_client::encoding::EncodeLabelSet;
use store::{Lease, Leases};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::Job;

/// Not `job`: that label is Prometheus' own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Run {
    service: &'static str,
    job_name: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    service: &'static str,
    job_name: &'static str,
}

static DURATION: LazyLock<Histogram<Run>> = LazyLock::new(|| {
    meter::histogram(
        "kefu_job_duration_seconds",
        "How long a job ran, by outcome: ok, failed",
        &[0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0],
    )
});
static LAST_OK: LazyLock<Gauge<Of>> = LazyLock::new(|| {
    meter::gauge(
        "kefu_job_last_success_timestamp_seconds",
        "When a job last ended well in this process, since 1970",
    )
});
static INTERVAL: LazyLock<Gauge<Of>> = LazyLock::new(|| {
    meter::gauge("kefu_job_interval_seconds", "How often a job is to run, in whichever process")
});

/// A job whose holder died is taken over after this time, or after a good turn of slow jobs.
const TAKE_OVER: Duration = Duration::from_secs(15);

/// Starts the loop of every job; they end soon after `stop`.
pub(super) fn start(
    service: &'static str,
    jobs: Vec<Job>,
    leases: &Leases,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let turn = |job: Job| Turn {
        service,
        ttl: TAKE_OVER + job.every + job.every / 4,
        leases: leases.clone(),
        held: None,
        job,
        clock: clock.clone(),
        stop: stop.clone(),
    };
    for job in &jobs {
        let of = Of { service, job_name: job.name };
        INTERVAL.get_or_create(&of).set(job.every.as_secs_f64());
        for outcome in ["ok", "failed"] {
            meter::declare(&DURATION, &Run { service, job_name: job.name, outcome });
        }
    }
    jobs.into_iter().map(|job| tokio::spawn(turn(job).run())).collect()
}

struct Turn {
    service: &'static str,
    job: Job,
    leases: Leases,
    ttl: Duration,
    held: Option<(Lease, Instant)>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
}

impl Turn {
    async fn run(mut self) {
        // The first turns of a process come soon, for there may be work left over, but spread.
        let mut pause = self.job.every.min(Duration::from_secs(1)).mul_f64(share(self.job.name));
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            match self.hold().await {
                Ok(true) => self.once().await,
                Ok(false) => {}
                Err(e) => {
                    tracing::warn!(service = self.service, job = self.job.name, error = %e, "the job's lease cannot be read")
                }
            }
            pause = self.job.every.mul_f64(0.9 + 0.2 * jitter());
        }
        if let Some((lease, _)) = &self.held
            && let Err(e) = self.leases.release(lease).await
        {
            tracing::warn!(service = self.service, job = self.job.name, error = %e, "the job's lease is left to run out");
        }
    }

    /// Whether this process is the one to run the job. A fresh lease is not prolonged at every
    /// turn, which would be a write per second for nothing.
    async fn hold(&mut self) -> Result<bool, sea_orm::DbErr> {
        if !self.job.leased {
            return Ok(true);
        }
        if self.held.as_ref().is_some_and(|(_, since)| since.elapsed() < self.ttl / 3) {
            return Ok(true);
        }
        let before = Instant::now();
        let lease = self.leases.acquire(&lease_name(&self.job), self.ttl).await?;
        self.held = lease.map(|lease| (lease, before));
        Ok(self.held.is_some())
    }

    async fn once(&mut self) {
        let job = self.job.clone();
        let span = tracing::info_span!(parent: None, "job", otel.name = format!("job {}", job.name), service = self.service, job = job.name);
        let began = Instant::now();
        let mut work = tokio::spawn(async move { (job.run)().await }.instrument(span.clone()));
        let outcome = loop {
            tokio::select! {
                outcome = &mut work => break outcome,
                () = tokio::time::sleep(self.ttl / 3) => self.prolong().await,
            }
        };
        let took = began.elapsed().as_secs_f64();
        let failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(problem.to_string()),
            Err(panic) => Some(panic.to_string()),
        };
        let outcome = if failure.is_none() { "ok" } else { "failed" };
        let run = Run { service: self.service, job_name: self.job.name, outcome };
        DURATION.get_or_create(&run).observe(took);
        match failure {
            None => {
                let of = Of { service: self.service, job_name: self.job.name };
                LAST_OK.get_or_create(&of).set(self.clock.now().timestamp() as f64);
            }
            Some(error) => span.in_scope(|| {
                tracing::error!(
                    service = self.service,
                    job = self.job.name,
                    error,
                    "the job failed; it is tried again at its next turn"
                )
            }),
        }
    }

    async fn prolong(&mut self) {
        if !self.job.leased {
            return;
        }
        let before = Instant::now();
        match self.leases.acquire(&lease_name(&self.job), self.ttl).await {
            Ok(Some(lease)) => self.held = Some((lease, before)),
            Ok(None) => {
                self.held = None;
                tracing::warn!(
                    service = self.service,
                    job = self.job.name,
                    "the job outlived its lease and goes on beside another process"
                );
            }
            Err(e) => {
                tracing::warn!(service = self.service, job = self.job.name, error = %e, "the job's lease cannot be prolonged")
            }
        }
    }
}

fn lease_name(job: &Job) -> String {
    format!("job-{}", job.name)
}

/// 0.0 to 1.0, different at every call: random bits of a new id.
fn jitter() -> f64 {
    f64::from(kernel::new_id().as_u128() as u16) / f64::from(u16::MAX)
}

/// 0.0 to 1.0, the same for the same name.
fn share(name: &str) -> f64 {
    f64::from(name.bytes().fold(7_u8, |h, b| h.wrapping_mul(31).wrapping_add(b))) / 255.0
}
