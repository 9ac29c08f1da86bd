//! A service of one table, one event, one reaction and one job.

use std::{sync::Arc, time::Duration};

use actix_web::{
    get, post,
    web::{Data, ServiceConfig as ActixConfig},
};
use async_trait::async_trait;
use events::{React, Reactions};
use host::{Built, Job, Module, Parts};
use http::{Allowed, Created, Idempotent, Path, Public, Query, may};
use kernel::{Clock, Context, Fields, Page, PageQuery, Problem};
use schemars::JsonSchema;
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use store::{Db, Migrations, SqlMigration, Tx, sql};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Somebody wrote a note.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct NoteWritten {
    pub note_id: Uuid,
    pub org: String,
}

impl contracts::Event for NoteWritten {
    const TYPE: &'static str = "kefu.note.written.v1";
    const TOPIC: &'static str = "kefu.notes.events";
    fn key(&self) -> Uuid {
        self.note_id
    }
    fn org(&self) -> &str {
        &self.org
    }
}

#[derive(Clone)]
struct App {
    db: Db,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    longest: usize,
    tick_ms: u64,
}

pub fn module() -> Module {
    Module {
        name: "notes",
        defaults: "longest = 20\ntick_ms = 50",
        migrations,
        routes: |config: &mut ServiceConfig| {
            config.service(write).service(read).service(list).service(hello);
        },
        codes: &[],
        check: |section| section.get::<Settings>().map(drop),
        build,
    }
}

fn migrations() -> Migrations {
    let own = SqlMigration::new(
        "m0100_notes",
        "create table note (id uuid primary key, org text not null, text text not null, at {ts} not null, seen bigint not null);\n\
         create table tick (name text primary key, n bigint not null);",
    );
    Migrations::new([store::migrations(), events::migrations(), http::migrations(), vec![own]])
}

fn build(parts: Parts) -> Result<Built, host::Error> {
    let app = App { db: parts.db, clock: parts.clock, settings: parts.settings.get()? };
    let every = Duration::from_millis(app.settings.tick_ms);
    let (state, ticking) = (app.clone(), app.clone());
    Ok(Built {
        state: Box::new(move |config: &mut ActixConfig| {
            config.app_data(Data::new(state.clone()));
        }),
        reactions: Reactions::none().on(See),
        jobs: vec![Job::every("tick", every, move || tick(ticking.clone()))],
    })
}

async fn tick(app: App) -> Result<(), Problem> {
    let tx = app.db.begin().await?;
    sql::execute(&tx, "INSERT INTO tick (name, n) VALUES ('tick', 1) ON CONFLICT (name) DO UPDATE SET n = tick.n + 1", vec![]).await?;
    tx.commit().await?;
    Ok(())
}

struct See;

#[async_trait]
impl React<NoteWritten> for See {
    async fn react(&self, tx: &Tx, _: &Context, event: NoteWritten) -> Result<(), Problem> {
        let done = sql::execute(
            tx,
            "UPDATE note SET seen = seen + 1 WHERE id = $1",
            vec![event.note_id.into()],
        )
        .await?;
        if done.rows_affected() == 0 { Err(Problem::not_found()) } else { Ok(()) }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    #[schema(min_length = 1, max_length = 20)]
    text: String,
}

#[derive(Serialize, ToSchema, FromQueryResult)]
struct NoteView {
    id: Uuid,
    text: String,
    seen: i64,
}

#[derive(Serialize, ToSchema)]
struct NotePage {
    items: Vec<NoteView>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    #[param(max_length = 100)]
    cursor: Option<String>,
    limit: Option<u32>,
    total: Option<bool>,
}

#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:create"])), params(http::IdempotencyHeader), request_body = NewNote, responses((status = 201, description = "Written", body = NoteView)))]
#[post("/api/v1/notes")]
async fn write(
    app: Data<App>,
    caller: Allowed<may::TicketCreate>,
    input: Idempotent<NewNote>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body: NewNote| {
        let mut fields = Fields::new();
        fields.text("/text", &body.text, 1, app.settings.longest);
        fields.finish()?;
        let note = NoteView { id: kernel::new_id(), text: body.text, seen: 0 };
        let now = app.clock.now();
        let values = vec![
            note.id.into(),
            ctx.actor.org.as_str().into(),
            note.text.as_str().into(),
            now.into(),
        ];
        sql::execute(
            tx,
            "INSERT INTO note (id, org, text, at, seen) VALUES ($1, $2, $3, $4, 0)",
            values,
        )
        .await?;
        let event = NoteWritten { note_id: note.id, org: ctx.actor.org.to_string() };
        events::emit(tx, &ctx, now, &event).await?;
        Ok(Created { location: format!("/api/v1/notes/{}", note.id), version: None, body: note })
    };
    input.create(&app.db, &ctx, work).await
}

#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:read"])), params(("id" = Uuid, Path)), responses((status = 200, description = "The note", body = NoteView)))]
#[get("/api/v1/notes/{id}")]
async fn read(app: Data<App>, caller: Allowed<may::TicketRead>, id: Path<Uuid>) -> http::Result {
    let values = vec![id.0.into(), caller.org().as_str().into()];
    let rows: Vec<NoteView> =
        sql::rows(&app.db, "SELECT id, text, seen FROM note WHERE id = $1 AND org = $2", values)
            .await?;
    Ok(http::ok(&rows.into_iter().next().ok_or_else(Problem::not_found)?))
}

#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:read"])), params(ListQuery), responses((status = 200, description = "Notes", body = NotePage)))]
#[get("/api/v1/notes")]
async fn list(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    query: Query<ListQuery>,
) -> http::Result {
    let ListQuery { cursor, limit, total } = query.0;
    let paging = PageQuery { cursor, limit, total };
    let (limit, filter) = (paging.limit()?, caller.org().to_string());
    let after: Uuid = paging.after(&filter)?.unwrap_or(Uuid::nil());
    let statement = format!(
        "SELECT id, text, seen FROM note WHERE org = $1 AND id > $2 ORDER BY id LIMIT {}",
        limit + 1
    );
    let rows: Vec<NoteView> =
        sql::rows(&app.db, &statement, vec![filter.as_str().into(), after.into()]).await?;
    let Page { items, next_cursor, .. } = Page::of(rows, limit, &filter, |n| n.id, |n| n);
    Ok(http::ok(&NotePage { items, next_cursor }))
}

#[utoipa::path(tag = "notes", security(()), responses((status = 200, description = "A word", body = String)))]
#[get("/api/v1/notes-hello")]
async fn hello(caller: Public) -> http::Result {
    Ok(http::ok(&caller.locale().tag()))
}
