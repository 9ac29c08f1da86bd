//! Department tasks (协办单): another department is asked, with a deadline of its own.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Context, Fields, Problem, limits, new_id};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, colleagues,
    edit::Edit,
    facts::Fact,
    hand_over::check_department,
    timers::{Start, Timer},
};
use crate::{
    codes::TASK_ENDED,
    domain::{lifecycle::Action, timer::Terms, words},
    messages,
    store::{
        entities::{task, ticket},
        tickets,
    },
};

pub const OPEN: &str = "open";

/// What another department shall do.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// Key of the department.
    #[schema(min_length = 1, max_length = 64)]
    pub department: String,
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    #[schema(max_length = 20000)]
    pub body: Option<String>,
    /// Its own deadline; warned of and breached like the ticket's.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether the ticket cannot be resolved before it ends; true without it.
    pub mandatory: Option<bool>,
}

/// How the task ended.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskEnd {
    /// What was found; why it is refused.
    #[schema(max_length = 20000)]
    pub note: Option<String>,
}

pub async fn open(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: NewTask,
) -> Result<task::Model, Problem> {
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    let mut fields = Fields::new();
    fields.text("/title", &input.title, 1, limits::NAME);
    fields.text("/body", input.body.as_deref().unwrap_or_default(), 0, limits::TEXT);
    fields.text("/department", &input.department, 1, 64);
    check_department(&mut fields, &edit.config, Some(&input.department));
    let later =
        input.due_at.is_none_or(|due| due > edit.now && due - edit.now <= TimeDelta::days(5 * 366));
    fields.check(later, "/due_at", "out-of-range", messages::ahead_within_years(5));
    fields.finish()?;
    edit.act(Action::Edit)?;
    let task = task::Model {
        id: new_id(),
        ticket_id: id,
        department: input.department,
        title: input.title.trim().to_owned(),
        body: input.body,
        mandatory: input.mandatory.unwrap_or(true),
        state: OPEN.into(),
        due_at: input.due_at,
        opened_at: edit.now,
        opened_by: ctx.actor.id.clone(),
        ended_at: None,
        ended_by: None,
        note: None,
    };
    task::Entity::insert(task.clone().into_active_model()).exec_without_returning(tx).await?;
    if let Some(due) = task.due_at {
        start_timer(&mut edit, &task, due).await?;
    }
    edit.note("task.opened", None, Some(format!("{}: {}", task.department, task.title)));
    let head = edit.config.departments.get(&task.department).and_then(|d| d.head.clone());
    edit.tell(Fact::TaskOpened {
        task_id: task.id,
        department: task.department.clone(),
        title: task.title.clone(),
        due_at: task.due_at,
        mandatory: task.mandatory,
        head,
    });
    edit.save().await?;
    Ok(task)
}

/// The deadline is an instant, so its timer counts round the clock.
async fn start_timer(
    edit: &mut Edit<'_>,
    task: &task::Model,
    due: DateTime<Utc>,
) -> Result<(), Problem> {
    let target_us = (due - edit.now).num_microseconds().unwrap_or(i64::MAX);
    let terms = Terms { target_us, warn: vec![50, 75, 90], levels: vec![] };
    let earlier = tickets::all_timers(edit.tx, task.ticket_id).await?;
    let cycle =
        earlier.iter().filter(|t| t.metric == words::TASK).map(|t| t.cycle).max().unwrap_or(0) + 1;
    let start = Start {
        ticket: task.ticket_id,
        metric: words::TASK,
        cycle,
        task: Some(task.id),
        at: edit.now,
    };
    let promise = edit.config.by_calendar("always", terms);
    let timer = Timer::start(&edit.config, start, promise)?;
    edit.timers.push(timer);
    Ok(())
}

pub async fn done(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    ids: (Uuid, Uuid),
    input: TaskEnd,
) -> Result<task::Model, Problem> {
    end(app, tx, ctx, ids, input, "done").await
}

pub async fn refuse(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    ids: (Uuid, Uuid),
    input: TaskEnd,
) -> Result<task::Model, Problem> {
    end(app, tx, ctx, ids, input, "refused").await
}

async fn end(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (ticket_id, task_id): (Uuid, Uuid),
    input: TaskEnd,
    outcome: &str,
) -> Result<task::Model, Problem> {
    let mut fields = Fields::new();
    fields.text("/note", input.note.as_deref().unwrap_or_default(), 0, limits::TEXT);
    fields.finish()?;
    let mut edit = Edit::load(app, tx, ctx, ticket_id).await?;
    let found = task::Entity::find_by_id(task_id).one(tx).await?;
    let task = found.filter(|task| task.ticket_id == ticket_id).ok_or_else(Problem::not_found)?;
    if task.state != OPEN {
        return Err(
            Problem::of(&TASK_ENDED).detail(messages::task_is(messages::state(&task.state)))
        );
    }
    edit.act(Action::Edit)?;
    let task = end_now(&mut edit, task, outcome, input.note).await?;
    edit.save().await?;
    Ok(task)
}

async fn end_now(
    edit: &mut Edit<'_>,
    mut task: task::Model,
    outcome: &str,
    note: Option<String>,
) -> Result<task::Model, Problem> {
    task.state = outcome.into();
    task.ended_at = Some(edit.now);
    task.ended_by = Some(edit.ctx.actor.id.clone());
    task.note = note;
    let mut on_time = None;
    let (config, now) = (edit.config.clone(), edit.now);
    for timer in edit.timers.iter_mut().filter(|t| t.row.task_id == Some(task.id) && !t.ended()) {
        if outcome == "done" {
            on_time = Some(timer.fulfil(&config, now)?);
        } else {
            timer.cancel(&config, now)?;
        }
    }
    let row = task.clone().into_active_model().reset_all();
    task::Entity::update_many().set(row).filter(task::Column::Id.eq(task.id)).exec(edit.tx).await?;
    edit.note(
        &format!("task.{outcome}"),
        None,
        Some(format!("{}: {}", task.department, task.title)),
    );
    edit.tell(Fact::TaskEnded {
        task_id: task.id,
        department: task.department.clone(),
        outcome: outcome.into(),
        on_time,
    });
    Ok(task)
}

/// Ends every open task of a ticket that is cancelled.
pub(super) async fn cancel_open(edit: &mut Edit<'_>) -> Result<(), Problem> {
    for task in tickets::tasks(edit.tx, edit.ticket.id).await? {
        if task.state == OPEN {
            end_now(edit, task, "cancelled", None).await?;
        }
    }
    Ok(())
}

/// Tasks of a ticket that the caller may see.
pub async fn list(app: &App, ctx: &Context, id: Uuid) -> Result<Vec<task::Model>, Problem> {
    let ticket: ticket::Model = tickets::visible(&app.db, &ctx.actor.org, id).await?;
    tickets::tasks(&app.db, ticket.id).await
}
