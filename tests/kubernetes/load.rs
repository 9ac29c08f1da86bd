//! `kubernetes-load DIR`: load on Kefu in a cluster while a script does things to it, and afterwards
//! the account of it: what was sent and answered, and whether all of it is there in every service.
//!
//! DIR/phase holds a line about what the script is doing; with `end` the load ends. In a phase that
//! says `no grace` an answer may be lost (it is asked for again), otherwise that is a broken promise.
//! DIR/kills holds how many pods died without grace. Where everything is stands in the environment.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kefu_tests::{
    chaos::{
        client::{Balancer, Client, Count, Tally},
        field::{Deeds, Field},
        ledger::Ledger,
        load::{self, Load, Shape},
        quiet,
        reconcile::{self, Facts},
        report::Report,
    },
    cluster::{Cluster, Given},
    required,
    stack::SERVICES,
};

/// Whatever the script does, the load ends by itself.
const LIMIT: Duration = Duration::from_secs(3600);
const SEED: u64 = 6;

fn main() -> ExitCode {
    let Some(dir) = std::env::args().nth(1).map(PathBuf::from) else {
        eprintln!("usage: kubernetes-load DIR");
        return ExitCode::FAILURE;
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) if runtime.block_on(run(&dir)) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn given() -> Given {
    let url = |service: &str| required(&format!("KEFU_{}_URL", service.to_uppercase()));
    Given {
        issuer: required("KEFU_ISSUER_URL"),
        services: SERVICES.iter().map(|s| ((*s).to_owned(), url(s))).collect(),
        accounts: required("KEFU_ACCOUNTS").into(),
        postgres: required("KEFU_TEST_POSTGRES"),
        brokers: required("KEFU_TEST_KAFKA"),
        mails: required("KEFU_TEST_MAILDIR").into(),
    }
}

async fn run(dir: &Path) -> bool {
    let cluster = Cluster::given(given());
    load::prepare(&cluster.user("admin", 0).await).await;
    let (ledger, tally) = (Arc::new(Ledger::default()), Arc::new(Tally::default()));
    let balancer = Arc::new(Balancer::new(&cluster, 1));
    let admin = Client::login(&cluster, "admin", &balancer, &tally, &ledger).await;
    let inspector = Client::login(&cluster, "wu.jing", &balancer, &tally, &ledger).await;
    let mails = cluster.mails.dir().to_owned();
    let field = Field {
        cluster,
        replicas: 1,
        brokers: 1,
        ledger: ledger.clone(),
        tally: tally.clone(),
        balancer: balancer.clone(),
        deeds: Deeds::default(),
        tickets_only: Arc::default(),
        runtime: tokio::runtime::Handle::current(),
        env: vec![],
    };
    let stop = Arc::new(AtomicBool::new(false));
    let load = Load {
        ledger,
        mails: mails.clone(),
        seed: SEED,
        shape: Shape::default(),
        stop: stop.clone(),
        tickets_only: field.tickets_only.clone(),
    };
    let loading = tokio::spawn(load.run(admin, inspector));
    let phases = watch(dir, &balancer, &tally).await;
    // What is still under way has no phase that would excuse a lost answer.
    balancer.be_strict(true);
    stop.store(true, Ordering::SeqCst);
    loading.await.expect("the load");
    let kills = fs::read_to_string(dir.join("kills")).unwrap_or_default();
    field.deeds.kills.store(kills.trim().parse().unwrap_or(0), Ordering::SeqCst);
    let account = tokio::task::spawn_blocking(move || account(&field, &mails, &phases));
    account.await.expect("the account")
}

/// One thing that the script did, and how the load fared meanwhile.
struct Phase {
    name: String,
    begun: Instant,
    before: Count,
}

impl Phase {
    fn may_lose(&self) -> bool {
        self.name.contains("no grace")
    }
}

/// Follows DIR/phase until it says `end`.
async fn watch(dir: &Path, balancer: &Balancer, tally: &Tally) -> Vec<(Phase, Duration, Count)> {
    let begun = Instant::now();
    let mut over = vec![];
    let start = |name: String| {
        let phase = Phase { name, begun: Instant::now(), before: tally.now() };
        balancer.be_strict(!phase.may_lose());
        phase
    };
    let mut phase = start("start".to_owned());
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let name = fs::read_to_string(dir.join("phase")).unwrap_or_default().trim().to_owned();
        let late = begun.elapsed() > LIMIT;
        if late || (!name.is_empty() && name != phase.name) {
            let count = tally.now() - phase.before;
            let lasted = phase.begun.elapsed();
            over.push((std::mem::replace(&mut phase, start(name.clone())), lasted, count));
            if late || name == "end" {
                return over;
            }
        }
    }
}

fn account(field: &Field, mails: &Path, phases: &[(Phase, Duration, Count)]) -> bool {
    println!("\n| While | Seconds | 2xx and 4xx | 503 or 429, Retry-After | No answer | Failed |");
    println!("|---|---|---|---|---|---|");
    let mut beyond = 0;
    for (phase, lasted, count) in phases {
        let Count { ok, busy, lost, failed, .. } = count;
        let seconds = lasted.as_secs();
        println!("| {} | {seconds} | {ok} | {busy} | {lost} | {failed} |", phase.name);
        beyond += failed + if phase.may_lose() { 0 } else { *lost };
    }
    let Count { ok, busy, lost, failed, repeated } = field.tally.now();
    println!(
        "\nrequests sent: {}\nrepeated after 503 or no answer: {repeated}\nfailed beyond 503 + Retry-After (goal 0): {beyond}",
        ok + busy + lost + failed
    );
    let mut broken = vec![];
    match quiet::wait(field) {
        Ok(time) => println!("quiet after the load's end: {time:.1?}"),
        Err(error) => broken.push(error),
    }
    match Facts::load(field, mails) {
        Ok(mut facts) => {
            if ok == 0
                || facts.outbox.values().all(Vec::is_empty)
                || facts.events().next().is_none()
            {
                broken.push("nothing was answered, told or published: nothing is shown".to_owned());
            }
            let report = Report { kills: field.kills(), ..Report::default() };
            facts.duplicates_allowed = report.duplicates_allowed();
            let verdict = reconcile::judge(&facts);
            println!("\nreconciled:");
            verdict.lines.iter().for_each(|line| println!("  {line}"));
            broken.extend(verdict.broken);
            println!("events lost (goal 0): {}", lost_events(&facts));
        }
        Err(error) => broken.push(format!("not reconciled: {error}")),
    }
    broken.iter().for_each(|line| println!("BROKEN: {line}"));
    broken.is_empty() && beyond == 0
}

/// Events that an outbox has told and its topic has not.
fn lost_events(facts: &Facts) -> usize {
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    for event in facts.events() {
        *there.entry(event.id.as_deref().unwrap_or_default()).or_default() += 1;
    }
    facts.outbox.values().flatten().filter(|id| !there.contains_key(id.as_str())).count()
}
