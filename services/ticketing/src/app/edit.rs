//! One ticket being worked on: loaded under its lock, changed, saved with its history, its timers
//! and its events. What the caller changes in [`Edit::ticket`] becomes history by itself.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use contracts::Sealed;
use kernel::{Actor, ActorKind, Context, OrgPath, Problem, codes, new_id};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use store::{Row, Tx, fts::Content};
use uuid::Uuid;

use super::{
    App,
    facts::{self, Escalation, Fact},
    snapshot::Surroundings,
    timers::Timer,
    tracked::tracked,
};
use crate::{
    codes::{INVALID_TRANSITION, TICKET_FINAL},
    domain::{
        escalation::level_of,
        lifecycle::{self, Action, Refused, Status},
        timer::{Planned, Step},
        words,
    },
    messages,
    store::{
        configs::Config,
        entities::{article, history, ticket},
        facets, tickets,
    },
};

pub(super) struct Edit<'a> {
    pub app: &'a App,
    pub tx: &'a Tx,
    pub ctx: &'a Context,
    pub config: Arc<Config>,
    pub now: DateTime<Utc>,
    pub ticket: ticket::Model,
    pub timers: Vec<Timer>,
    /// Why all of this happens; goes with every history row.
    pub reason: Option<String>,
    /// How the caller reached us: `api` or `system`.
    pub channel: &'static str,
    /// The ticket as it was read; absent for one that is being opened.
    before: Option<ticket::Model>,
    notes: Vec<history::Model>,
    facts: Vec<Fact>,
    articles: Vec<article::Model>,
}

impl<'a> Edit<'a> {
    /// Loads a ticket that the caller may see, under its lock. Timer steps that are due by now
    /// fire first, so that what the caller does cannot overtake a deadline.
    pub async fn load(
        app: &'a App,
        tx: &'a Tx,
        ctx: &'a Context,
        id: Uuid,
    ) -> Result<Self, Problem> {
        let ticket = tickets::locked(tx, &ctx.actor.org, id).await?;
        let mut edit = Self::of(app, tx, ctx, ticket).await?;
        edit.fire_due();
        Ok(edit)
    }

    /// A ticket whose row the caller has locked.
    pub async fn of(
        app: &'a App,
        tx: &'a Tx,
        ctx: &'a Context,
        ticket: ticket::Model,
    ) -> Result<Self, Problem> {
        let now = app.clock.now();
        let config = app.configs.get(tx, &OrgPath::parse(&ticket.root)?, now).await?;
        let timers = Timer::load_open(tx, &config, ticket.id).await?;
        let before = Some(ticket.clone());
        Ok(Self { before, timers, ..Self::fresh(app, tx, ctx, config, now, ticket) })
    }

    /// A ticket that does not exist yet.
    pub fn fresh(
        app: &'a App,
        tx: &'a Tx,
        ctx: &'a Context,
        config: Arc<Config>,
        now: DateTime<Utc>,
        ticket: ticket::Model,
    ) -> Self {
        let channel = if ctx.actor.kind == ActorKind::System { "system" } else { "api" };
        Self {
            app,
            tx,
            ctx,
            config,
            now,
            ticket,
            timers: vec![],
            reason: None,
            channel,
            before: None,
            notes: vec![],
            facts: vec![],
            articles: vec![],
        }
    }

    pub fn status(&self) -> Status {
        self.ticket.status.parse().unwrap_or(Status::New)
    }

    /// Refuses, or moves the ticket to its next status; answers the one before.
    pub fn act(&mut self, action: Action) -> Result<Status, Problem> {
        let from = self.status();
        let to = lifecycle::next(from, action).map_err(refusal)?;
        self.enter(to)?;
        Ok(from)
    }

    /// Sets the status, with what it means for the resolution timer.
    pub fn enter(&mut self, to: Status) -> Result<(), Problem> {
        let from = self.status();
        if from == to {
            return Ok(());
        }
        self.ticket.status = to.to_string();
        let (config, now) = (self.config.clone(), self.now);
        for timer in self.timers.iter_mut().filter(|t| t.row.metric == words::RESOLUTION) {
            match (from.pauses(), to.pauses()) {
                (false, true) => timer.pause(&config, now, Some(to.as_str()))?,
                (true, false) => timer.resume(&config, now)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Tells of a change of status that has no event of its own.
    pub fn tell_status(&mut self, from: Status) {
        let to = self.status();
        if from != to {
            let reason = self.reason.clone();
            self.tell(Fact::StatusChanged { from: from.to_string(), to: to.to_string(), reason });
        }
    }

    /// Words for the customer, as they travel in an event.
    pub fn sealed(&self, words: &str) -> Sealed {
        Sealed(self.app.pii.seal(words))
    }

    pub fn tell(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// The one who acts takes a ticket that nobody has, and is its first responder if it has none.
    /// Partner systems and the suite take nothing.
    pub fn take_if_free(&mut self, why: &str) {
        let Some(me) = self.staff() else { return };
        self.ticket.first_responder.get_or_insert_with(|| me.clone());
        if self.ticket.handler.is_none() {
            self.ticket.handler = Some(me.clone());
            self.tell(Fact::Assigned { from: None, to: Some(me), reason: Some(why.to_owned()) });
        }
    }

    /// The acting member of staff.
    pub fn staff(&self) -> Option<String> {
        (self.ctx.actor.kind == ActorKind::User).then(|| self.ctx.actor.id.clone())
    }

    /// Ends the open timers of a metric as fulfilled; answers whether the last was in time.
    pub fn fulfil(&mut self, metric: &str) -> Result<Option<bool>, Problem> {
        let (config, now) = (self.config.clone(), self.now);
        let mut in_time = None;
        for index in 0..self.timers.len() {
            let timer = &mut self.timers[index];
            if timer.row.metric == metric && !timer.ended() {
                in_time = Some(timer.fulfil(&config, now)?);
                let state = timer.row.state.clone();
                self.note(&format!("timer.{metric}"), None, Some(state));
            }
        }
        Ok(in_time)
    }

    /// Ends the open timers of a metric as no longer owed.
    pub fn cancel_metric(&mut self, metric: &str) -> Result<(), Problem> {
        let (config, now) = (self.config.clone(), self.now);
        let mut open = self.timers.iter_mut().filter(|t| t.row.metric == metric && !t.ended());
        open.try_for_each(|t| t.cancel(&config, now))
    }

    /// Ends every open timer: nothing is owed any more.
    pub fn cancel_timers(&mut self) -> Result<(), Problem> {
        let (config, now) = (self.config.clone(), self.now);
        self.timers.iter_mut().filter(|t| !t.ended()).try_for_each(|t| t.cancel(&config, now))
    }

    /// Fires every step that is due, oldest first; answers how late each was.
    pub fn fire_due(&mut self) -> Vec<chrono::TimeDelta> {
        let mut due: Vec<(Planned, usize)> = Vec::new();
        for (index, timer) in self.timers.iter().enumerate() {
            due.extend(timer.due(self.now).into_iter().map(|planned| (planned, index)));
        }
        due.sort_by_key(|(planned, index)| (planned.at, planned.step, *index));
        due.into_iter().map(|(planned, index)| self.fire(planned, index)).collect()
    }

    fn fire(&mut self, planned: Planned, index: usize) -> chrono::TimeDelta {
        let now = self.now;
        let timer = &mut self.timers[index];
        timer.fire(planned, now, true);
        let (timer_id, metric) = (timer.row.id, timer.row.metric.clone());
        let due_at = timer.row.due_at;
        match planned.step {
            Step::Warn(percent) => self.facts.push(Fact::Warned {
                timer_id,
                metric: metric.clone(),
                percent: i32::try_from(percent).unwrap_or(i32::MAX),
                due_at: due_at.unwrap_or(planned.at),
            }),
            Step::Breach => {
                self.ticket.breached = true;
                self.facts.push(Fact::Breached {
                    timer_id,
                    metric: metric.clone(),
                    due_at: planned.at,
                });
            }
            Step::Escalate(level) => {
                let target = timer.terms.target_of(level).unwrap_or("supervisor").to_owned();
                let level = level_of(&target);
                self.ticket.escalation_level = self.ticket.escalation_level.max(level);
                self.facts.push(Fact::Escalated(Escalation {
                    timer_id: Some(timer_id),
                    metric: Some(metric.clone()),
                    level,
                    target,
                    due_at,
                    reason: "deadline",
                }));
            }
        }
        let system = Actor::system(self.ctx.actor.org.clone());
        let row = self.row(
            &system,
            "system",
            &format!("timer.{metric}"),
            None,
            Some(planned.step.to_string()),
        );
        self.notes.push(row);
        now - planned.at
    }

    /// Adds a history row that is no column of the ticket.
    pub fn note(&mut self, field: &str, old: Option<String>, new: Option<String>) {
        let row = self.row(&self.ctx.actor, self.channel, field, old, new);
        self.notes.push(row);
    }

    fn row(
        &self,
        actor: &Actor,
        channel: &str,
        field: &str,
        old_value: Option<String>,
        new_value: Option<String>,
    ) -> history::Model {
        history::Model {
            id: new_id(),
            ticket_id: self.ticket.id,
            happened_at: self.now,
            actor_kind: actor_kind(actor.kind).into(),
            actor: actor.id.clone(),
            channel: channel.into(),
            field: field.into(),
            old_value,
            new_value,
            reason: self.reason.clone(),
        }
    }

    /// Files an article; it is written when the edit is saved.
    pub fn file(&mut self, article: article::Model) {
        self.note(&format!("article.{}", article.direction), None, Some(article.id.to_string()));
        self.articles.push(article);
    }

    /// Names of columns that differ from what was read.
    pub fn changed_fields(&self) -> Vec<String> {
        let Some(before) = &self.before else { return vec![] };
        tracked(before)
            .into_iter()
            .zip(tracked(&self.ticket))
            .filter(|(a, b)| a != b)
            .map(|(a, _)| a.0.to_owned())
            .collect()
    }

    /// Whose ticket it was, where it has become somebody else's.
    pub fn customer_before(&self) -> Option<Uuid> {
        let before = self.before.as_ref()?.customer_id;
        before.filter(|_| before != self.ticket.customer_id)
    }

    /// Writes everything and answers the ticket as it now stands. Nothing changed: nothing written,
    /// nothing told.
    pub async fn save(mut self) -> Result<ticket::Model, Problem> {
        let created = self.before.is_none();
        let found_by_other = self.before.as_ref().is_some_and(|b| {
            b.subject != self.ticket.subject || facets::of(b) != facets::of(&self.ticket)
        });
        if let Some(before) = self.before.take() {
            for ((field, old), (_, new)) in tracked(&before).into_iter().zip(tracked(&self.ticket))
            {
                if old != new {
                    self.note(field, old, new);
                }
            }
            if before != self.ticket {
                self.ticket.version = before.version + 1;
                self.ticket.updated_at = self.now;
                self.update(before.version).await?;
            }
        } else {
            self.tx.insert_later(Row::of::<ticket::Entity>(&self.ticket));
        }
        for article in &self.articles {
            self.tx.insert_later(Row::of::<article::Entity>(article));
        }
        match (created, self.articles.is_empty()) {
            (true, _) => {
                let text = searched(&self.ticket, &self.articles);
                let content = Content::new(&text, facets::of(&self.ticket));
                store::fts::add(self.tx, "ticket", self.ticket.id, content).await?;
            }
            (false, unspoken) if found_by_other || !unspoken => {
                let articles = tickets::articles(self.tx, self.ticket.id).await?;
                let text = searched(&self.ticket, &articles);
                let content = Content::new(&text, facets::of(&self.ticket));
                store::fts::put(self.tx, "ticket", self.ticket.id, content).await?;
            }
            _ => {}
        }
        for note in &self.notes {
            self.tx.insert_later(Row::of::<history::Entity>(note));
        }
        let config = self.config.clone();
        let around = Surroundings::of(&config, &self.timers);
        for timer in std::mem::take(&mut self.timers) {
            timer.save(self.tx).await?;
        }
        for fact in std::mem::take(&mut self.facts) {
            facts::emit(self.tx, self.ctx, self.now, (&self.ticket, &around), fact).await?;
        }
        Ok(self.ticket)
    }

    async fn update(&self, version: i64) -> Result<(), Problem> {
        let row = self.ticket.clone().into_active_model().reset_all();
        let done = ticket::Entity::update_many()
            .set(row)
            .filter(ticket::Column::Id.eq(self.ticket.id))
            .filter(ticket::Column::Version.eq(version))
            .exec(self.tx)
            .await?;
        if done.rows_affected == 1 { Ok(()) } else { Err(Problem::of(&codes::CONFLICT)) }
    }
}

/// What a search finds a ticket by: number, subject, foreign numbers and every article.
fn searched(ticket: &ticket::Model, articles: &[article::Model]) -> String {
    let mut text = format!("{} {}", ticket.number, ticket.subject);
    let foreign = [&ticket.external_ref, &ticket.import_number].into_iter().flatten();
    for part in foreign.chain(articles.iter().map(|article| &article.body)) {
        text.push('\n');
        text.push_str(part);
    }
    text
}

pub(super) fn actor_kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::User => "user",
        ActorKind::Client => "client",
        ActorKind::Customer => "customer",
        ActorKind::System => "system",
    }
}

pub(super) fn refusal(refused: Refused) -> Problem {
    match refused {
        Refused::Final(status) => {
            Problem::of(&TICKET_FINAL).detail(messages::ticket_is(messages::state(status.as_str())))
        }
        Refused::NotNow(status) => Problem::of(&INVALID_TRANSITION)
            .detail(messages::ticket_is(messages::state(status.as_str()))),
    }
}
