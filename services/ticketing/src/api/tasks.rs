//! `/api/v1/tickets/{id}/tasks`: what other departments are asked (协办单).

use actix_web::{get, post, web::Data};
use http::{Allowed, Created, IdempotencyHeader, Idempotent, Json, Path, may, ok, write};
use store::Tx;
use uuid::Uuid;

use super::views::{TaskList, TaskView};
use crate::app::{
    App,
    tasks::{self, NewTask, TaskEnd},
};

/// Asks another department.
#[utoipa::path(tag = "tasks", security(("bearer" = ["ticket:write"])),
    params(("id" = Uuid, Path), IdempotencyHeader), request_body = NewTask,
    responses((status = 201, description = "The task.", body = TaskView)))]
#[post("/api/v1/tickets/{id}/tasks")]
pub async fn open_task(
    app: Data<App>,
    caller: Allowed<may::TicketWrite>,
    id: Path<Uuid>,
    input: Idempotent<NewTask>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body| {
        let task = tasks::open(&app, tx, &ctx, id.0, body).await?;
        let location = format!("/api/v1/tickets/{}/tasks", task.ticket_id);
        Ok(Created { location, version: None, body: TaskView::of(task, &ctx.actor) })
    };
    input.create(&app.db, &ctx, work).await
}

/// Every task of a ticket, oldest first.
#[utoipa::path(tag = "tasks", security(("bearer" = ["ticket:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "All tasks.", body = TaskList)))]
#[get("/api/v1/tickets/{id}/tasks")]
pub async fn list_tasks(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    id: Path<Uuid>,
) -> http::Result {
    let tasks = tasks::list(&app, &caller.context(), id.0).await?;
    let items = tasks.into_iter().map(|task| TaskView::of(task, caller.actor())).collect();
    Ok(ok(&TaskList { items }))
}

/// The department has done it.
#[utoipa::path(tag = "tasks", security(("bearer" = ["ticket:write"])),
    params(("id" = Uuid, Path), ("task_id" = Uuid, Path)), request_body = TaskEnd,
    responses((status = 200, description = "The task as it is now.", body = TaskView)))]
#[post("/api/v1/tickets/{id}/tasks/{task_id}/done")]
pub async fn task_done(
    app: Data<App>,
    caller: Allowed<may::TicketWrite>,
    ids: Path<(Uuid, Uuid)>,
    input: Json<TaskEnd>,
) -> http::Result {
    let ctx = caller.context();
    let task = write(&app.db, async |tx| tasks::done(&app, tx, &ctx, ids.0, input.0).await).await?;
    Ok(ok(&TaskView::of(task, caller.actor())))
}

/// The department says that it is not its business.
#[utoipa::path(tag = "tasks", security(("bearer" = ["ticket:write"])),
    params(("id" = Uuid, Path), ("task_id" = Uuid, Path)), request_body = TaskEnd,
    responses((status = 200, description = "The task as it is now.", body = TaskView)))]
#[post("/api/v1/tickets/{id}/tasks/{task_id}/refuse")]
pub async fn task_refused(
    app: Data<App>,
    caller: Allowed<may::TicketWrite>,
    ids: Path<(Uuid, Uuid)>,
    input: Json<TaskEnd>,
) -> http::Result {
    let ctx = caller.context();
    let task =
        write(&app.db, async |tx| tasks::refuse(&app, tx, &ctx, ids.0, input.0).await).await?;
    Ok(ok(&TaskView::of(task, caller.actor())))
}
