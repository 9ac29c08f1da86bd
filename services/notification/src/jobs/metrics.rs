//! Figures for Prometheus.

use std::sync::LazyLock;

use kernel::Problem;
use meter::{Counter, Gauge, Histogram};
use prometheus_client::encoding::EncodeLabelSet;

use crate::{
    App,
    domain::workflow::{Channel, WORKFLOWS},
    settings::{MailKind, Settings},
    store::queue,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    service: &'static str,
    channel: &'static str,
    /// Mail: the server it goes by, or `file`. Elsewhere the channel says it all.
    provider: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    service: &'static str,
    channel: &'static str,
}

static DELIVERIES: LazyLock<Counter<Delivery>> = LazyLock::new(|| {
    meter::counter(
        "kefu_deliveries",
        "Deliveries by outcome: delivered, retried, failed, suppressed, lost",
    )
});
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Nobody {
    service: &'static str,
    workflow: &'static str,
}

static NOBODY: LazyLock<Counter<Nobody>> = LazyLock::new(|| {
    meter::counter(
        "kefu_notices_to_nobody",
        "Notices to staff for which the directory has nobody, not even an administrator",
    )
});
static ATTEMPTS: LazyLock<Histogram<Attempt>> = LazyLock::new(|| {
    meter::histogram(
        "kefu_delivery_duration_seconds",
        "How long an attempt to deliver took",
        meter::QUICK,
    )
});
static QUEUED: LazyLock<Gauge<Attempt>> =
    LazyLock::new(|| meter::gauge("kefu_deliveries_queued", "Deliveries that wait for an attempt"));
static OVERDUE: LazyLock<Gauge<Attempt>> = LazyLock::new(|| {
    meter::gauge(
        "kefu_delivery_overdue_seconds",
        "How long the delivery that is due longest has waited for its attempt",
    )
});

const OUTCOMES: [&str; 5] = ["delivered", "retried", "failed", "suppressed", "lost"];

/// What deliveries are counted under: known to a process from its settings.
#[derive(Debug)]
pub struct Meters {
    mail: String,
}

impl Meters {
    /// Makes every series exist from the start.
    pub fn new(settings: &Settings) -> Self {
        let mail = match settings.email.kind {
            MailKind::Smtp => settings.email.host.clone(),
            MailKind::File => "file".to_owned(),
            MailKind::None => String::new(),
        };
        let this = Self { mail };
        for channel in Channel::ALL {
            for outcome in OUTCOMES {
                meter::declare(&DELIVERIES, &this.labels(channel.as_str(), outcome));
            }
            this.queue(channel.as_str(), 0, 0.0);
        }
        for workflow in WORKFLOWS {
            let labels = Nobody { service: "notification", workflow: workflow.key };
            meter::declare(&NOBODY, &labels);
        }
        this
    }

    fn labels(&self, channel: &str, outcome: &'static str) -> Delivery {
        let channel = known(channel);
        let provider = if channel == "email" { self.mail.clone() } else { String::new() };
        Delivery { service: "notification", channel, provider, outcome }
    }

    /// Counts one outcome.
    pub fn count(&self, channel: &str, outcome: &'static str) {
        DELIVERIES.get_or_create(&self.labels(channel, outcome)).inc();
    }

    /// Counts a notice that reaches nobody; `workflow` is a key of [`WORKFLOWS`].
    pub fn nobody(&self, workflow: &'static str) {
        NOBODY.get_or_create(&Nobody { service: "notification", workflow }).inc();
    }

    pub fn attempt(&self, channel: &str, seconds: f64, traceparent: Option<&str>) {
        let labels = Attempt { service: "notification", channel: known(channel) };
        ATTEMPTS.get_or_create(&labels).observe_in(seconds, traceparent);
    }

    pub fn queue(&self, channel: &str, waiting: i64, overdue_seconds: f64) {
        let labels = Attempt { service: "notification", channel: known(channel) };
        QUEUED.get_or_create(&labels).set(waiting as f64);
        OVERDUE.get_or_create(&labels).set(overdue_seconds);
    }
}

/// Asks the ledger how many deliveries wait, and for how long.
pub async fn measure(app: &App) -> Result<(), Problem> {
    let now = app.clock.now();
    let mut waiting = queue::waiting(&app.db).await?;
    for channel in Channel::ALL {
        let (count, due) = waiting.remove(channel.as_str()).unwrap_or_default();
        let overdue = due.map_or(0.0, |due| (now - due).as_seconds_f64().max(0.0));
        app.meters.queue(channel.as_str(), count, overdue);
    }
    Ok(())
}

fn known(channel: &str) -> &'static str {
    Channel::parse(channel).map_or("other", |channel| channel.as_str())
}
