//! A timer with its pause ledger, as it is changed and saved within one transaction.

use std::collections::BTreeSet;

use calendar::Pause;
use chrono::{DateTime, Utc};
use kernel::{Problem, new_id};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr,
};
use store::{Row, Tx};
use uuid::Uuid;

use crate::{
    domain::timer::{self, Course, Planned, State, Step, Terms},
    store::{
        configs::{Config, PolicyVersion, Promise},
        entities::{timer as timer_row, timer_fire, timer_pause},
        tickets,
    },
};

#[derive(Debug)]
pub(super) struct Timer {
    pub row: timer_row::Model,
    pub terms: Terms,
    pauses: Vec<timer_pause::Model>,
    fired: BTreeSet<String>,
    plan: Vec<Planned>,
    /// Not in the database yet.
    fresh: bool,
    changed: bool,
    new_pauses: Vec<timer_pause::Model>,
    closed_pause: bool,
    new_fires: Vec<timer_fire::Model>,
}

/// What a new timer counts.
pub(super) struct Start<'a> {
    pub ticket: Uuid,
    pub metric: &'a str,
    pub cycle: i32,
    pub task: Option<Uuid>,
    pub at: DateTime<Utc>,
}

impl Timer {
    pub fn start(config: &Config, what: Start<'_>, promise: Promise) -> Result<Self, Problem> {
        let first = promise.policies.first();
        let row = timer_row::Model {
            id: new_id(),
            ticket_id: what.ticket,
            metric: what.metric.into(),
            cycle: what.cycle,
            task_id: what.task,
            state: State::Running.as_str().into(),
            policy: first.map(|p| p.key.clone()),
            policy_version: first.map(|p| p.version),
            policies: several(&promise.policies)?,
            calendar: promise.calendar,
            calendar_version: promise.calendar_version,
            target_us: promise.terms.target_us,
            terms: serde_json::to_value(&promise.terms)?,
            fired: serde_json::json!([]),
            pause_count: 0,
            started_at: what.at,
            due_at: None,
            ended_at: None,
            next_fire_at: None,
        };
        let mut timer = Self { fresh: true, ..Self::of(row, vec![])? };
        timer.replan(config)?;
        Ok(timer)
    }

    fn of(row: timer_row::Model, pauses: Vec<timer_pause::Model>) -> Result<Self, Problem> {
        Ok(Self {
            terms: serde_json::from_value(row.terms.clone())?,
            fired: serde_json::from_value(row.fired.clone())?,
            row,
            pauses,
            plan: vec![],
            fresh: false,
            changed: false,
            new_pauses: vec![],
            closed_pause: false,
            new_fires: vec![],
        })
    }

    /// Timers of a ticket that have not ended.
    pub async fn load_open(tx: &Tx, config: &Config, ticket: Uuid) -> Result<Vec<Self>, Problem> {
        let rows = tickets::open_timers(tx, ticket).await?;
        let paused: Vec<Uuid> = rows.iter().filter(|t| t.pause_count > 0).map(|t| t.id).collect();
        let pauses = tickets::pauses(tx, &paused).await?;
        let load = |row: timer_row::Model| {
            let own = pauses.iter().filter(|p| p.timer_id == row.id).cloned().collect();
            let mut timer = Self::of(row, own)?;
            timer.plan = timer.compute(config)?;
            Ok(timer)
        };
        rows.into_iter().map(load).collect()
    }

    pub fn state(&self) -> State {
        self.row.state.parse().unwrap_or(State::Running)
    }

    fn set_state(&mut self, state: State) {
        self.row.state = state.as_str().into();
        self.changed = true;
    }

    pub fn ended(&self) -> bool {
        self.row.ended_at.is_some()
    }

    fn compute(&self, config: &Config) -> Result<Vec<Planned>, Problem> {
        let calendar = config.calendar(&self.row.calendar, self.row.calendar_version)?;
        Ok(timer::plan(calendar, &self.terms, self.row.started_at, &self.pauses())?)
    }

    fn pauses(&self) -> Vec<Pause> {
        self.pauses.iter().map(|p| Pause { from: p.from_at, to: p.to_at }).collect()
    }

    fn replan(&mut self, config: &Config) -> Result<(), Problem> {
        self.plan = self.compute(config)?;
        self.row.due_at = timer::deadline(&self.plan);
        self.row.next_fire_at = timer::next(&self.plan, &self.fired).map(|next| next.at);
        self.changed = true;
        Ok(())
    }

    /// Steps that are due and have not fired, in order.
    pub fn due(&self, now: DateTime<Utc>) -> Vec<Planned> {
        if self.ended() || self.row.next_fire_at.is_none_or(|at| at > now) {
            return vec![];
        }
        timer::due_by(&self.plan, &self.fired, now).collect()
    }

    /// Marks a step as fired; `told` is false where nobody hears of it.
    pub fn fire(&mut self, planned: Planned, now: DateTime<Utc>, told: bool) {
        let step = planned.step.to_string();
        self.new_fires.push(timer_fire::Model {
            timer_id: self.row.id,
            step: step.clone(),
            planned_at: planned.at,
            fired_at: now,
            told,
        });
        self.fired.insert(step);
        self.row.fired = serde_json::json!(self.fired);
        if planned.step == Step::Breach {
            self.set_state(State::Breached);
        }
        self.row.next_fire_at = timer::next(&self.plan, &self.fired).map(|next| next.at);
        self.changed = true;
    }

    /// Stops counting. A breached timer stays breached; it only counts on later.
    pub fn pause(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
        reason: Option<&str>,
    ) -> Result<(), Problem> {
        if self.ended() || self.pauses.iter().any(|p| p.to_at.is_none()) {
            return Ok(());
        }
        let pause = timer_pause::Model {
            id: new_id(),
            timer_id: self.row.id,
            from_at: now,
            to_at: None,
            reason: reason.map(str::to_owned),
        };
        self.pauses.push(pause.clone());
        self.new_pauses.push(pause);
        self.row.pause_count += 1;
        if self.state() == State::Running {
            self.set_state(State::Paused);
        }
        self.replan(config)
    }

    /// Counts on.
    pub fn resume(&mut self, config: &Config, now: DateTime<Utc>) -> Result<(), Problem> {
        if self.ended() || !self.close_pause(now) {
            return Ok(());
        }
        if self.state() == State::Paused {
            self.set_state(State::Running);
        }
        self.replan(config)
    }

    fn close_pause(&mut self, now: DateTime<Utc>) -> bool {
        let Some(open) = self.pauses.iter_mut().find(|p| p.to_at.is_none()) else { return false };
        open.to_at = Some(now);
        let id = open.id;
        match self.new_pauses.iter_mut().find(|p| p.id == id) {
            Some(fresh) => fresh.to_at = Some(now),
            None => self.closed_pause = true,
        }
        true
    }

    /// The thing was done; steps due before must have fired. Answers whether it was in time.
    pub fn fulfil(&mut self, config: &Config, now: DateTime<Utc>) -> Result<bool, Problem> {
        let in_time = self.state() != State::Breached;
        if in_time {
            self.set_state(State::Met);
        }
        self.end(config, now)?;
        Ok(in_time)
    }

    /// The thing need not be done any more.
    pub fn cancel(&mut self, config: &Config, now: DateTime<Utc>) -> Result<(), Problem> {
        if self.state() != State::Breached {
            self.set_state(State::Cancelled);
        }
        self.end(config, now)
    }

    fn end(&mut self, config: &Config, now: DateTime<Utc>) -> Result<(), Problem> {
        self.close_pause(now);
        self.replan(config)?;
        self.row.ended_at = Some(now);
        self.row.next_fire_at = None;
        Ok(())
    }

    /// Whether another promise, or none any more, would rescue this timer from breaking.
    pub fn rescued_by(
        &self,
        config: &Config,
        new: Option<&Promise>,
        now: DateTime<Utc>,
    ) -> Result<bool, Problem> {
        let calendar = config.calendar(&self.row.calendar, self.row.calendar_version)?;
        let old = Course { calendar, terms: &self.terms };
        let new = match new {
            Some(promise) => {
                let calendar = config.calendar(&promise.calendar, promise.calendar_version)?;
                Some(Course { calendar, terms: &promise.terms })
            }
            None => None,
        };
        Ok(timer::rescues(new, old, self.row.started_at, &self.pauses(), now)?)
    }

    /// The policies it counts by, first the one that gave target and calendar.
    pub fn policies(&self) -> Result<Vec<PolicyVersion>, Problem> {
        policies_of(&self.row)
    }

    /// Applies other terms back to the start, pauses included. Answers the steps that passed in
    /// silence.
    pub fn rebase(
        &mut self,
        config: &Config,
        promise: Promise,
        now: DateTime<Utc>,
    ) -> Result<Vec<Planned>, Problem> {
        let first = promise.policies.first();
        self.row.policy = first.map(|p| p.key.clone());
        self.row.policy_version = first.map(|p| p.version);
        self.row.policies = several(&promise.policies)?;
        self.row.calendar = promise.calendar;
        self.row.calendar_version = promise.calendar_version;
        self.row.target_us = promise.terms.target_us;
        self.row.terms = serde_json::to_value(&promise.terms)?;
        self.terms = promise.terms;
        self.replan(config)?;
        Ok(self.pass_in_silence(now))
    }

    /// Marks what has passed without anybody being told; answers these steps.
    pub fn pass_in_silence(&mut self, now: DateTime<Utc>) -> Vec<Planned> {
        let silent = timer::silent(&self.plan, &self.fired, now);
        for planned in &silent {
            self.fire(*planned, now, false);
        }
        silent
    }

    /// Writes what has changed.
    pub async fn save(self, tx: &Tx) -> Result<(), Problem> {
        if self.closed_pause {
            timer_pause::Entity::update_many()
                .col_expr(
                    timer_pause::Column::ToAt,
                    Expr::value(self.pauses.last().and_then(|p| p.to_at)),
                )
                .filter(timer_pause::Column::TimerId.eq(self.row.id))
                .filter(timer_pause::Column::ToAt.is_null())
                .exec(tx)
                .await?;
        }
        if self.fresh {
            tx.insert_later(Row::of::<timer_row::Entity>(&self.row));
        } else if self.changed {
            let row = self.row.clone().into_active_model().reset_all();
            timer_row::Entity::update_many()
                .set(row)
                .filter(timer_row::Column::Id.eq(self.row.id))
                .exec(tx)
                .await?;
        }
        for pause in &self.new_pauses {
            tx.insert_later(Row::of::<timer_pause::Entity>(pause));
        }
        for fire in &self.new_fires {
            tx.insert_later(Row::of::<timer_fire::Entity>(fire));
        }
        Ok(())
    }
}

/// The policies as a timer keeps them; a single one stands in columns of its own.
pub(super) fn several(
    policies: &[PolicyVersion],
) -> Result<Option<serde_json::Value>, serde_json::Error> {
    (policies.len() > 1).then(|| serde_json::to_value(policies)).transpose()
}

/// The policies that a timer counts by, first the one that gave target and calendar.
pub(crate) fn policies_of(row: &timer_row::Model) -> Result<Vec<PolicyVersion>, Problem> {
    let one = row.policy.clone().zip(row.policy_version);
    let one = one.map(|(key, version)| PolicyVersion { key, version });
    let several: Vec<PolicyVersion> = match &row.policies {
        Some(several) => serde_json::from_value(several.clone())?,
        None => vec![],
    };
    // A version of this program that knows one policy only may have chosen another since.
    if several.first() == one.as_ref() && one.is_some() {
        return Ok(several);
    }
    Ok(one.into_iter().collect())
}
