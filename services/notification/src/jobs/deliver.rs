//! Sends what is due, every lane at its own pace.
//!
//! Mail is one lane, every endpoint is another, each with a bound of its own, so that an endpoint
//! that hangs fills its own lane and delays nobody else. Rows are taken under a lease
//! (`FOR UPDATE SKIP LOCKED` on PostgreSQL), so several processes may deliver side by side. A new
//! mail for which there is room is taken in the very transaction that writes it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ::store::Tx;
use chrono::TimeDelta;
use kernel::Problem;
use tokio::{runtime::Handle, sync::Notify};
use uuid::Uuid;

use crate::{
    App,
    app::send,
    domain::workflow::Channel,
    settings::Settings,
    store::{endpoints, entities::delivery, ledger::state, queue},
};

/// Longest stretch of one turn; attempts that are under way then go on by themselves.
const TURN: Duration = Duration::from_secs(5);

/// What this process is sending.
pub struct Dispatcher {
    flying: Mutex<HashMap<String, usize>>,
    /// Told when an attempt has ended or new work may be there.
    changed: Notify,
    /// One turn at a time.
    turn: tokio::sync::Mutex<()>,
    /// Somebody waits for his turn already.
    waiting: AtomicBool,
    limits: Limits,
}

struct Limits {
    email: usize,
    endpoint: usize,
    failing: usize,
    webhooks: usize,
}

impl Dispatcher {
    pub fn new(settings: &Settings) -> Self {
        Self {
            flying: Mutex::default(),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            waiting: AtomicBool::new(false),
            limits: Limits {
                email: settings.email.concurrency,
                endpoint: settings.webhooks.per_endpoint,
                failing: settings.webhooks.per_failing_endpoint,
                webhooks: settings.webhooks.concurrency,
            },
        }
    }

    /// Takes and sends until nothing is due and nothing under way, or the turn's time is over.
    pub async fn drain(&self, app: &App) -> Result<(), Problem> {
        let _turn = self.turn.lock().await;
        self.waiting.store(false, Ordering::SeqCst);
        let began = Instant::now();
        loop {
            let taken = self.take(app).await?;
            if (taken == 0 && self.flying_total() == 0) || began.elapsed() > TURN {
                return Ok(());
            }
            if taken == 0 {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                }
            }
        }
    }

    /// Takes what is due into lanes that have room, and lets it go; answers how many.
    async fn take(&self, app: &App) -> Result<usize, Problem> {
        let now = app.clock.now();
        let lanes = queue::due_lanes(&app.db, now).await?;
        let rooms = self.rooms(app, lanes).await?;
        if rooms.is_empty() {
            return Ok(0);
        }
        let lease = (kernel::new_id(), now + TimeDelta::seconds(app.settings.lease_secs.into()));
        let tx = app.db.begin().await?;
        let mut taken = Vec::new();
        for (lane, room) in rooms {
            taken.extend(queue::take(&tx, &lane, room, now, lease).await?);
        }
        tx.commit().await?;
        let count = taken.len();
        for row in taken {
            let flight = app.dispatcher.enter(&row.lane);
            tokio::spawn(fly(app.clone(), row, flight));
        }
        Ok(count)
    }

    /// Lanes with room for more, and for how much.
    async fn rooms(&self, app: &App, lanes: Vec<String>) -> Result<Vec<(String, usize)>, Problem> {
        let now = app.clock.now();
        let ids = lanes.iter().filter_map(|lane| endpoint_of(lane)).collect();
        let troubled = endpoints::troubled(&app.db, ids).await?;
        let flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let under_way = |lane: &str| flying.get(lane).copied().unwrap_or(0);
        let webhooks: usize = flying.values().sum::<usize>() - under_way("email");
        let mut free = self.limits.webhooks.saturating_sub(webhooks);
        let mut rooms = Vec::new();
        for lane in lanes {
            let Some(id) = endpoint_of(&lane) else {
                rooms.push((lane.clone(), self.limits.email.saturating_sub(under_way(&lane))));
                continue;
            };
            let row = troubled.get(&id);
            if row.is_some_and(|r| r.paused_until.is_some_and(|until| until > now)) {
                continue;
            }
            let failing = row.is_some_and(|r| r.failing_since.is_some());
            let limit = if failing { self.limits.failing } else { self.limits.endpoint };
            let room = limit.saturating_sub(under_way(&lane)).min(free);
            free -= room;
            rooms.push((lane, room));
        }
        rooms.retain(|(_, room)| *room > 0);
        Ok(rooms)
    }

    fn flying_total(&self) -> usize {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn enter(self: &Arc<Self>, lane: &str) -> Flight {
        let mut flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner);
        *flying.entry(lane.to_owned()).or_default() += 1;
        Flight(self.clone(), lane.to_owned())
    }

    /// A place in the mail lane, if there is one.
    fn enter_mail(self: &Arc<Self>, lane: &str) -> Option<Flight> {
        let mut flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = flying.entry(lane.to_owned()).or_default();
        (*under_way < self.limits.email).then(|| {
            *under_way += 1;
            Flight(self.clone(), lane.to_owned())
        })
    }

    fn leave(&self, lane: &str) {
        let mut flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = flying.get_mut(lane) {
            *count -= 1;
            if *count == 0 {
                flying.remove(lane);
            }
        }
        self.changed.notify_one();
    }
}

/// Work for the dispatcher of this process once `tx` has committed. Without it the job's next turn
/// finds the work, in whichever process has it.
pub fn wake(app: &App, tx: &Tx) {
    if !app.settings.wake_on_event {
        return;
    }
    let (app, runtime) = (app.clone(), Handle::current());
    tx.after_commit(move || {
        let this = &app.dispatcher;
        this.changed.notify_one();
        if this.waiting.swap(true, Ordering::SeqCst) {
            return;
        }
        runtime.spawn(async move {
            if let Err(problem) = app.dispatcher.drain(&app).await {
                tracing::warn!(error = %problem, "deliveries wait for the next turn");
            }
        });
    });
}

/// A mail that is just being written down goes out with the commit where the lane has room,
/// without the way through the queue: the row says so from the start. Not so where this process
/// is told to wait for the job.
pub fn claim(app: &App, tx: &Tx, row: &mut delivery::Model) {
    if !app.settings.wake_on_event || row.channel != Channel::Email.as_str() {
        return;
    }
    let Some(flight) = app.dispatcher.enter_mail(&row.lane) else { return };
    row.state = state::SENDING.to_owned();
    row.attempts += 1;
    row.lease_token = Some(kernel::new_id());
    row.lease_until = Some(row.updated_at + TimeDelta::seconds(app.settings.lease_secs.into()));
    let (app, row, runtime) = (app.clone(), row.clone(), Handle::current());
    tx.after_commit(move || drop(runtime.spawn(fly(app, row, flight))));
}

fn endpoint_of(lane: &str) -> Option<Uuid> {
    lane.strip_prefix("webhook:").and_then(|id| id.parse().ok())
}

/// A place in a lane; it is left also when the attempt panics.
struct Flight(Arc<Dispatcher>, String);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.leave(&self.1);
    }
}

async fn fly(app: App, row: delivery::Model, flight: Flight) {
    let id = row.id;
    if let Err(problem) = send::run(&app, row).await {
        tracing::error!(delivery = %id, error = %problem, "an attempt was not settled; it is taken back when its lease runs out");
    }
    drop(flight);
}
