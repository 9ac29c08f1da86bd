//! From replayed rows to tickets, timers and history.

use calendar::Pause;
use chrono::{DateTime, Utc};
use kernel::{Problem, new_id};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use store::Tx;
use uuid::Uuid;

use super::{
    super::{open_ticket::sla_facts, timers::several},
    Batch,
};
use crate::{
    domain::{
        lifecycle::Status,
        priority::Priority,
        replay::{self, Change, Cycle, Replayed},
        servicenow::Row,
        timer::{self as rules, State},
        words,
    },
    store::{
        configs::Config,
        entities::{customer, history, import_row, ticket, timer, timer_pause},
        facets,
    },
};

/// An incident that was taken over before, in part.
pub(super) struct Existing {
    pub ticket: ticket::Model,
    pub timers: Vec<timer::Model>,
    pub pauses: Vec<timer_pause::Model>,
}

/// One incident with its new rows replayed.
pub(super) struct Taken {
    pub ticket: ticket::Model,
    pub fresh: bool,
    timers: Vec<timer::Model>,
    pauses: Vec<timer_pause::Model>,
    history: Vec<history::Model>,
    fingerprints: Vec<String>,
}

impl Taken {
    /// `rows` are new and in order; there is at least one, or a customer for a ticket without one.
    pub fn of(
        batch: &Batch<'_>,
        config: &Config,
        (before, caller): (Option<Existing>, Option<&customer::Model>),
        rows: Vec<Row>,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let fingerprints = rows.iter().map(|row| row.fingerprint.clone()).collect();
        let mut changes: Vec<Change> = Vec::new();
        let mut state: Option<Replayed> = before.as_ref().map(resume);
        let mut ticket = before.map(|existing| existing.ticket);
        let fresh = ticket.is_none();
        for row in rows {
            match &mut state {
                Some(state) => changes.extend(replay::proceed(state, row)),
                None => {
                    let (first, all) = replay::begin(row);
                    changes.extend(all);
                    state = Some(first);
                }
            }
        }
        let state = state.ok_or_else(|| Problem::internal("an incident without rows"))?;
        let mut ticket = ticket.take().unwrap_or_else(|| blank(batch, &state.last));
        apply(&mut ticket, &state.last, now);
        if !fresh {
            ticket.version += 1;
        }
        if let Some(customer) = caller {
            link(&mut ticket, customer);
            // New tickets begin with what they are.
            changes.extend((!fresh).then(|| Change {
                at: now,
                by: batch.ctx.actor.id.clone(),
                field: "customer_id",
                old: None,
                new: Some(customer.id.to_string()),
            }));
        }
        let history = changes.into_iter().map(|change| history_row(ticket.id, change)).collect();
        let mut taken =
            Self { ticket, fresh, timers: vec![], pauses: vec![], history, fingerprints };
        taken.judge(config, &state.cycles, now)?;
        Ok(taken)
    }

    /// Makes a timer of each cycle, by the policies that fit its final priority, and tells met from
    /// breached. Steps that lie in the past pass in silence.
    fn judge(
        &mut self,
        config: &Config,
        cycles: &[Cycle],
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        self.ticket.breached = false;
        self.ticket.resolution_attained = None;
        for (cycle, number) in cycles.iter().zip(1..) {
            let facts = sla_facts(&self.ticket);
            let promise = config.promise(None, &facts, words::RESOLUTION, cycle.start)?;
            let Some(promise) = promise else { return Ok(()) };
            let calendar = config.calendar(&promise.calendar, promise.calendar_version)?;
            let plan = rules::plan(calendar, &promise.terms, cycle.start, &cycle.pauses)?;
            let due = rules::deadline(&plan);
            let late = due.is_some_and(|due| cycle.end.unwrap_or(now) > due);
            let waiting = cycle.pauses.iter().any(|pause| pause.to.is_none());
            let state = match (late, cycle.end.is_some()) {
                (true, _) => State::Breached,
                (false, true) => State::Met,
                (false, false) if waiting => State::Paused,
                (false, false) => State::Running,
            };
            let passed: Vec<String> = plan
                .iter()
                .filter(|p| p.at <= cycle.end.unwrap_or(now))
                .map(|p| p.step.to_string())
                .collect();
            let id = new_id();
            self.ticket.breached |= late;
            self.ticket.resolution_attained = cycle.end.map(|_| !late);
            self.timers.push(timer::Model {
                id,
                ticket_id: self.ticket.id,
                metric: words::RESOLUTION.into(),
                cycle: number,
                task_id: None,
                state: state.as_str().into(),
                policy: promise.policies.first().map(|p| p.key.clone()),
                policy_version: promise.policies.first().map(|p| p.version),
                policies: several(&promise.policies)?,
                calendar: promise.calendar,
                calendar_version: promise.calendar_version,
                target_us: promise.terms.target_us,
                terms: serde_json::to_value(&promise.terms)?,
                fired: serde_json::json!(passed),
                pause_count: i32::try_from(cycle.pauses.len())?,
                started_at: cycle.start,
                due_at: due,
                ended_at: cycle.end,
                next_fire_at: None,
            });
            self.pauses.extend(cycle.pauses.iter().map(|pause| timer_pause::Model {
                id: new_id(),
                timer_id: id,
                from_at: pause.from,
                to_at: pause.to,
                reason: None,
            }));
        }
        Ok(())
    }
}

/// The state in which the last request left an incident.
fn resume(existing: &Existing) -> Replayed {
    let t = &existing.ticket;
    let last = Row {
        number: t.import_number.clone().unwrap_or_default(),
        status: t.status.parse().unwrap_or(Status::New),
        updated_at: t.updated_at,
        updated_by: String::new(),
        opened_at: t.opened_at,
        opened_by: t.opened_by.clone(),
        resolved_at: t.resolved_at,
        closed_at: t.closed_at,
        reopen_count: t.reopen_count,
        reassignment_count: t.transfer_count,
        priority: t.priority.parse().unwrap_or(Priority::Normal),
        channel: "phone",
        category: t.category.clone(),
        subject: t.subject.clone(),
        group: t.queue.clone(),
        assignee: t.handler.clone(),
        close_code: t.resolution.clone(),
        customer_id: None,
        fingerprint: String::new(),
    };
    let mut cycles: Vec<Cycle> = existing
        .timers
        .iter()
        .map(|timer| {
            let own = existing.pauses.iter().filter(|p| p.timer_id == timer.id);
            let pauses = own.map(|p| Pause { from: p.from_at, to: p.to_at }).collect();
            Cycle { start: timer.started_at, end: timer.ended_at, pauses }
        })
        .collect();
    if cycles.is_empty() {
        cycles.push(Cycle { start: t.opened_at, end: t.resolved_at, pauses: vec![] });
    }
    Replayed { last, cycles }
}

fn blank(batch: &Batch<'_>, row: &Row) -> ticket::Model {
    ticket::Model {
        id: new_id(),
        org: batch.org.to_string(),
        root: batch.org.root().to_string(),
        number: String::new(),
        kind: batch.kind.clone(),
        category: None,
        priority: String::new(),
        status: String::new(),
        status_reason: None,
        complaint_level: None,
        subject: String::new(),
        channel: row.channel.into(),
        locale: "en".into(),
        customer_id: None,
        tier: None,
        sla_policy: None,
        account_manager: None,
        queue: None,
        department: None,
        first_responder: None,
        handler: None,
        parent_id: None,
        repeat_of: None,
        origin_kind: None,
        origin_id: None,
        external_ref: None,
        external_source: None,
        import_source: Some(batch.source.clone()),
        import_number: Some(row.number.clone()),
        opened_by: row.opened_by.clone(),
        opened_at: row.opened_at,
        first_responded_at: None,
        resolved_at: None,
        closed_at: None,
        auto_close_at: None,
        resolution: None,
        reopen_count: 0,
        transfer_count: 0,
        urge_count: 0,
        escalation_level: 0,
        breached: false,
        resolution_attained: None,
        response_attained: None,
        traceparent: events::current_trace(batch.ctx).traceparent,
        updated_at: row.updated_at,
        version: 1,
    }
}

/// Whose matter it is, and the service that they are promised.
fn link(t: &mut ticket::Model, customer: &customer::Model) {
    t.customer_id = Some(customer.id);
    t.locale.clone_from(&customer.locale);
    t.tier.clone_from(&customer.tier);
    t.sla_policy.clone_from(&customer.sla_policy);
    t.account_manager.clone_from(&customer.account_manager);
}

/// The ticket as its last row says. An incident that is not resolved has no time of resolution,
/// though the log knows it in advance.
fn apply(t: &mut ticket::Model, row: &Row, now: DateTime<Utc>) {
    let resolved = matches!(row.status, Status::Resolved | Status::Closed);
    t.status = row.status.to_string();
    t.priority = row.priority.as_str().into();
    t.category.clone_from(&row.category);
    t.subject.clone_from(&row.subject);
    t.queue.clone_from(&row.group);
    t.handler.clone_from(&row.assignee);
    t.opened_at = row.opened_at;
    t.resolved_at = row.resolved_at.filter(|_| resolved);
    t.closed_at = row.closed_at.filter(|_| row.status == Status::Closed);
    t.resolution = row.close_code.clone().filter(|_| resolved);
    t.reopen_count = row.reopen_count;
    t.transfer_count = row.reassignment_count;
    t.updated_at = row.updated_at.min(now);
}

fn history_row(ticket_id: Uuid, change: Change) -> history::Model {
    history::Model {
        id: new_id(),
        ticket_id,
        happened_at: change.at,
        actor_kind: "user".into(),
        actor: change.by,
        channel: "import".into(),
        field: change.field.into(),
        old_value: change.old,
        new_value: change.new,
        reason: None,
    }
}

/// Writes everything with few statements.
pub(super) async fn write(
    tx: &Tx,
    batch: &Batch<'_>,
    taken: &mut [Taken],
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let again: Vec<Uuid> = taken.iter().filter(|one| !one.fresh).map(|one| one.ticket.id).collect();
    if !again.is_empty() {
        forget_timers(tx, &again).await?;
    }
    let fresh: Vec<ticket::Model> =
        taken.iter().filter(|one| one.fresh).map(|one| one.ticket.clone()).collect();
    insert::<ticket::Entity>(tx, fresh).await?;
    for one in taken.iter().filter(|one| !one.fresh) {
        let row = one.ticket.clone().into_active_model().reset_all();
        ticket::Entity::update_many()
            .set(row)
            .filter(ticket::Column::Id.eq(one.ticket.id))
            .exec(tx)
            .await?;
    }
    for one in taken.iter().filter(|one| one.fresh) {
        let t = &one.ticket;
        let text = format!(
            "{} {} {}",
            t.number,
            t.import_number.as_deref().unwrap_or_default(),
            t.subject
        );
        let content = store::fts::Content::new(&text, facets::of(t));
        store::fts::put(tx, "ticket", t.id, content).await?;
    }
    insert::<timer::Entity>(tx, collect(taken, |one| &mut one.timers)).await?;
    insert::<timer_pause::Entity>(tx, collect(taken, |one| &mut one.pauses)).await?;
    insert::<history::Entity>(tx, collect(taken, |one| &mut one.history)).await?;
    let root = batch.org.root();
    let mut marks = Vec::new();
    for one in taken.iter_mut() {
        let number = one.ticket.import_number.clone().unwrap_or_default();
        for fingerprint in std::mem::take(&mut one.fingerprints) {
            marks.push(import_row::Model {
                root: root.to_string(),
                source: batch.source.clone(),
                number: number.clone(),
                fingerprint,
                ticket_id: one.ticket.id,
                taken_at: now,
            });
        }
    }
    insert::<import_row::Entity>(tx, marks).await
}

fn collect<M>(taken: &mut [Taken], rows: impl Fn(&mut Taken) -> &mut Vec<M>) -> Vec<M> {
    taken.iter_mut().flat_map(|one| std::mem::take(rows(one))).collect()
}

/// Rows of one INSERT; below the parameter limits of both databases.
const ROWS: usize = 500;

async fn insert<E>(tx: &Tx, rows: Vec<E::Model>) -> Result<(), Problem>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: sea_orm::ActiveModelTrait<Entity = E> + Send,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        let part: Vec<E::ActiveModel> = rows.by_ref().take(ROWS).collect();
        E::insert_many(part).exec_without_returning(tx).await?;
    }
    Ok(())
}

async fn forget_timers(tx: &Tx, tickets: &[Uuid]) -> Result<(), Problem> {
    let ids: Vec<Uuid> = timer::Entity::find()
        .filter(timer::Column::TicketId.is_in(tickets.iter().copied()))
        .all(tx)
        .await?
        .into_iter()
        .map(|t| t.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let pauses = timer_pause::Column::TimerId.is_in(ids.iter().copied());
    timer_pause::Entity::delete_many().filter(pauses).exec(tx).await?;
    timer::Entity::delete_many().filter(timer::Column::Id.is_in(ids)).exec(tx).await?;
    Ok(())
}
