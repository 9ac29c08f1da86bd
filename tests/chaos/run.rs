//! One run: cluster, load, blows by the plan, quiet, reconciliation, report.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    client::{Balancer, Client, Tally},
    field::{Deeds, Field, READY},
    ledger::Ledger,
    load::{self, Shape},
    plan::{Plan, Strike, Wish},
    quiet,
    reconcile::{self, Facts},
    report::{Blow, Report},
};
use crate::cluster::{self, Cluster};

/// What a run is made of.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub wish: Wish,
    pub shape: Shape,
    /// No blow is begun later than this after the first.
    pub limit: Option<Duration>,
    /// The load goes on at least so long.
    pub at_least: Duration,
    /// Further settings of all services, e.g. a mutation.
    pub env: Vec<(String, String)>,
    /// Whether outboxes keep what was sent, so that topics can be compared with them row by row.
    pub keep_outbox: bool,
}

fn settings(setup: &Setup) -> Vec<(String, String)> {
    let mut env = vec![
        // Tokens have to outlive a run, also for a process whose clock is an hour ahead.
        ("KEFU__ISSUER__TOKEN_TTL_SECS", "86400"),
        // Time for the balancer to notice.
        ("KEFU__SHUTDOWN__DELAY_SECS", "2"),
        ("KEFU__TELEMETRY__LOG_LEVEL", "warn"),
    ];
    if setup.keep_outbox {
        env.push(("KEFU__EVENTS__TUNING__KEEP_PUBLISHED_SECS", "86400"));
    }
    let own = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.chain(setup.env.iter().cloned()).collect()
}

/// Runs on a runtime of several threads; blows are struck from a thread of their own.
pub async fn run(setup: Setup) -> Report {
    let struck = setup.clone();
    under_load(setup, None, move |field, report| strike_all(field, &struck, report)).await
}

/// Load on a cluster while `work` is done on a thread of its own; then quiet, reconciliation, and
/// what they say. `bin_dir` is where the services' programs are, if not beside this one.
pub async fn under_load(
    setup: Setup,
    bin_dir: Option<PathBuf>,
    work: impl FnOnce(&Field, &mut Report) + Send + 'static,
) -> Report {
    let begun = Instant::now();
    let env = settings(&setup);
    let plan = cluster::Plan {
        replicas: setup.wish.replicas,
        brokers: setup.wish.brokers,
        fsync: false,
        env: env.clone(),
        bin_dir,
    };
    let cluster = Cluster::start(plan).await;
    load::prepare(&cluster.user("admin", 0).await).await;
    let (ledger, tally) = (Arc::new(Ledger::default()), Arc::new(Tally::default()));
    let balancer = Arc::new(Balancer::new(&cluster, setup.wish.replicas));
    let watching = tokio::spawn(balancer.clone().watch());
    let admin = Client::login(&cluster, "admin", &balancer, &tally, &ledger).await;
    let inspector = Client::login(&cluster, "wu.jing", &balancer, &tally, &ledger).await;
    let mails: PathBuf = cluster.mails.dir().to_owned();
    println!("seed {}: started in {:.1?}", setup.wish.seed, begun.elapsed());
    let (stop, tickets_only) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let load = load::Load {
        ledger: ledger.clone(),
        mails: mails.clone(),
        seed: setup.wish.seed,
        shape: setup.shape,
        stop: stop.clone(),
        tickets_only: tickets_only.clone(),
    };
    let loading = tokio::spawn(load.run(admin, inspector));
    let field = Field {
        cluster,
        replicas: setup.wish.replicas,
        brokers: setup.wish.brokers,
        ledger,
        tally,
        balancer,
        deeds: Deeds::default(),
        tickets_only,
        runtime: tokio::runtime::Handle::current(),
        env,
    };
    let seed = setup.wish.seed;
    let worked = tokio::task::spawn_blocking(move || {
        let mut report = Report { seed, ..Report::default() };
        work(&field, &mut report);
        (field, report)
    });
    let (field, mut report) = worked.await.expect("the work");
    stop.store(true, Ordering::SeqCst);
    loading.await.expect("the load");
    watching.abort();
    report.loaded = begun.elapsed();
    tokio::task::spawn_blocking(move || close(&field, report, &mails, begun))
        .await
        .expect("the end")
}

fn strike_all(field: &Field, setup: &Setup, report: &mut Report) {
    let begun = Instant::now();
    // Something must be there before the first blow.
    sleep(Duration::from_secs(5));
    for strike in Plan::of(&setup.wish).strikes {
        if setup.limit.is_some_and(|limit| begun.elapsed() > limit) {
            report.left_out.push(strike.kind);
            continue;
        }
        report.blows.push(one(field, strike));
    }
    sleep(setup.at_least.saturating_sub(begun.elapsed()));
}

fn one(field: &Field, strike: Strike) -> Blow {
    let Strike { pause, kind, mut fault } = strike;
    sleep(pause);
    let (begun, before, kills) = (Instant::now(), field.tally.now(), field.kills());
    let mut outcome = fault.inject(field);
    if outcome.is_ok() {
        while begun.elapsed() < fault.lasts() && !fault.is_over(field) {
            sleep(Duration::from_millis(200).min(fault.lasts()));
        }
    }
    let lasted = begun.elapsed();
    outcome = outcome.and(fault.heal(field));
    outcome = outcome.and(field.all_ready());
    let blow = Blow {
        kind,
        fault: format!("{fault:?}"),
        lasted,
        recovered: begun.elapsed().saturating_sub(lasted),
        count: field.tally.now() - before,
        kills: field.kills() - kills,
        error: outcome.err(),
    };
    println!("{blow}");
    blow
}

/// Quiet, reconciliation, and what they say.
fn close(field: &Field, mut report: Report, mails: &std::path::Path, begun: Instant) -> Report {
    report.total = field.tally.now();
    report.kills = field.kills();
    if let Err(error) = field.all_ready() {
        report.broken.push(format!("not all services are ready within {READY:?}: {error}"));
    }
    match quiet::wait(field) {
        Ok(time) => report.quiet = time,
        Err(error) => report.broken.push(error),
    }
    let blows = report.blows.len();
    match Facts::load(field, mails) {
        Ok(mut facts) => {
            facts.duplicates_allowed = report.duplicates_allowed();
            let verdict = reconcile::judge(&facts);
            report.duplicates = verdict.duplicates;
            report.lines.extend(verdict.lines);
            report.broken.extend(verdict.broken);
        }
        Err(error) => report.broken.push(format!("not reconciled: {error}")),
    }
    let failed = report
        .blows
        .iter()
        .filter_map(|b| Some(format!("{}: {}", b.kind.name(), b.error.as_ref()?)));
    report.broken.extend(failed.collect::<Vec<_>>());
    report.took = begun.elapsed();
    println!("seed {}: {blows} blows, {} kills, {:.0?}", report.seed, report.kills, report.took);
    if !report.broken.is_empty() {
        report.keep_logs(field);
    }
    report
}
