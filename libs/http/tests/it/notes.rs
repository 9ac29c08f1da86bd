//! The application under test: notes.

use std::{sync::Arc, time::Duration};

use actix_web::{
    get, post, put,
    web::{self, Data},
};
use http::{
    Allowed, Created, IdempotencyHeader, Idempotent, IfMatch, IfMatchHeader, Json, Path, Public,
    Query, Raw, may,
};
use kernel::{Actor, ErrorCode, Fields, OrgPath, PageQuery, Problem, codes};
use sea_orm::{DbErr, FromQueryResult};
use serde::{Deserialize, Serialize};
use store::{Db, SqlMigration, sql};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub static NOTE_LOCKED: ErrorCode =
    ErrorCode::new(409, "note-locked", "the note is locked", "便签已锁定");
pub const CODES: &[&ErrorCode] = &[&NOTE_LOCKED];

pub fn migration() -> SqlMigration {
    SqlMigration::new(
        "m0100_notes",
        "create table note (id uuid primary key, org text not null, text text not null, version bigint not null);",
    )
}

#[derive(Clone)]
pub struct App {
    pub db: Db,
    /// How long a note "slow" takes to write.
    pub slow: Duration,
    pub seen: Arc<std::sync::Mutex<Option<kernel::Context>>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    #[schema(min_length = 1, max_length = 200)]
    text: String,
    #[serde(default)]
    #[allow(dead_code)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tag {
    #[allow(dead_code)]
    weight: u8,
}

#[derive(Debug, Serialize, ToSchema, FromQueryResult)]
struct Note {
    id: Uuid,
    text: String,
    version: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[param(max_length = 100)]
    cursor: Option<String>,
    limit: Option<u32>,
    total: Option<bool>,
}

/// Writes a note.
#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:create"])), params(IdempotencyHeader), request_body = NewNote,
    responses((status = 201, description = "The note", body = Note)))]
#[post("/api/v1/notes")]
async fn create_note(
    app: Data<App>,
    caller: Allowed<may::TicketCreate>,
    input: Idempotent<NewNote>,
) -> http::Result {
    let ctx = caller.context();
    let org = caller.org().clone();
    *app.seen.lock().unwrap() = Some(ctx.clone());
    input
        .create(&app.db, &ctx, async |tx, new| {
            let mut fields = Fields::new();
            fields.text("/text", &new.text, 1, 200);
            fields.finish()?;
            let note = Note { id: kernel::new_id(), text: new.text, version: 1 };
            let insert = "INSERT INTO note (id, org, text, version) VALUES ($1, $2, $3, 1)";
            sql::execute(
                tx,
                insert,
                vec![note.id.into(), org.as_str().into(), note.text.as_str().into()],
            )
            .await?;
            if note.text == "slow" {
                tokio::time::sleep(app.slow).await;
            }
            if note.text == "locked" {
                return Err(Problem::of(&NOTE_LOCKED).detail(kernel::messages::changed_meanwhile()));
            }
            Ok(Created {
                location: format!("/api/v1/notes/{}", note.id),
                version: Some(1),
                body: note,
            })
        })
        .await
}

/// Lists notes.
#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:read"])), params(ListQuery), responses((status = 200, description = "Notes")))]
#[get("/api/v1/notes")]
async fn list_notes(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    query: Query<ListQuery>,
) -> http::Result {
    let page = PageQuery { cursor: query.0.cursor, limit: query.0.limit, total: query.0.total };
    let (limit, after) = (page.limit()?, page.after::<Uuid>("")?);
    let (from, to) = caller.org().below();
    let select = "SELECT id, text, version FROM note WHERE (org = $1 OR (org >= $2 AND org < $3)) AND id > $4 ORDER BY id LIMIT $5";
    let values = vec![
        caller.org().as_str().into(),
        from.into(),
        to.into(),
        after.unwrap_or(Uuid::nil()).into(),
        i64::try_from(limit + 1).unwrap().into(),
    ];
    let rows: Vec<Note> = sql::rows(&app.db, select, values).await?;
    Ok(http::ok(&kernel::Page::of(rows, limit, "", |n| n.id, |n| n)))
}

async fn find(app: &App, id: Uuid) -> Result<Note, Problem> {
    let rows =
        sql::rows(&app.db, "SELECT id, text, version FROM note WHERE id = $1", vec![id.into()])
            .await?;
    rows.into_iter().next().ok_or_else(Problem::not_found)
}

/// Reads a note.
#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:read"])), params(("id" = Uuid, Path), http::IfNoneMatchHeader), responses((status = 200, description = "The note", body = Note)))]
#[get("/api/v1/notes/{id}")]
async fn get_note(
    app: Data<App>,
    _caller: Allowed<may::TicketRead>,
    id: Path<Uuid>,
) -> http::Result {
    let note = find(&app, id.0).await?;
    Ok(http::ok_versioned(note.version, &note))
}

/// Changes a note.
#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:write"])), params(("id" = Uuid, Path), IfMatchHeader), request_body = NewNote,
    responses((status = 200, description = "The note", body = Note)))]
#[put("/api/v1/notes/{id}")]
async fn change_note(
    app: Data<App>,
    _caller: Allowed<may::TicketWrite>,
    id: Path<Uuid>,
    version: IfMatch,
    input: Json<NewNote>,
) -> http::Result {
    let note = find(&app, id.0).await?;
    http::check_version(version.0, note.version)?;
    let note = http::write(&app.db, async |tx| {
        let update =
            "UPDATE note SET text = $1, version = version + 1 WHERE id = $2 AND version = $3";
        let values = vec![input.0.text.as_str().into(), id.0.into(), version.0.into()];
        let done = sql::execute(tx, update, values).await?;
        if done.rows_affected() == 0 {
            return Err(Problem::of(&codes::PRECONDITION_FAILED));
        }
        Ok(Note { id: id.0, text: input.0.text, version: version.0 + 1 })
    })
    .await?;
    Ok(http::ok_versioned(note.version, &note))
}

/// Reads a note by a link.
#[utoipa::path(tag = "notes", security(()), params(("token" = String, Path)), responses((status = 200, description = "Who asks")))]
#[get("/n/{token}")]
async fn public_note(public: Public, token: Path<String>) -> http::Result {
    let ctx = public.context(OrgPath::parse("/acme")?);
    let Actor { id, .. } = ctx.actor;
    Ok(http::ok(
        &serde_json::json!({"actor": id, "token": token.0, "locale": public.locale().tag()}),
    ))
}

/// Takes a file.
#[utoipa::path(tag = "notes", security(("bearer" = ["ticket:import"])), responses((status = 200, description = "Its size")))]
#[post("/api/v1/note-imports")]
async fn import(_caller: Allowed<may::TicketImport>, file: Raw) -> http::Result {
    Ok(http::ok(&serde_json::json!({"bytes": file.bytes.len(), "media_type": file.media_type})))
}

/// Fails in the way that is asked for.
#[utoipa::path(tag = "notes", security(()), params(("how" = String, Path)), responses((status = 200, description = "Never")))]
#[get("/fail/{how}")]
async fn fail(how: Path<String>) -> http::Result {
    match how.0.as_str() {
        "busy" => {
            Err(DbErr::Conn(sea_orm::RuntimeErr::Internal("secret-host refused".into())).into())
        }
        "actix" => Ok(actix_web::error::ErrorInternalServerError("secret-host said no").into()),
        _ => Err(std::io::Error::other("secret-host is on fire").into()),
    }
}

/// An extractor of actix's own.
#[utoipa::path(tag = "notes", security(()), request_body = Object, responses((status = 200, description = "Never")))]
#[post("/plain-actix")]
async fn plain_actix(_body: web::Json<serde_json::Value>) -> http::Result {
    Ok(http::no_content())
}

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(create_note)
        .service(list_notes)
        .service(get_note)
        .service(change_note)
        .service(public_note)
        .service(import)
        .service(fail)
        .service(plain_actix);
}
