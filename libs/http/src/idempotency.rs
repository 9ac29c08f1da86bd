//! `Idempotency-Key`: a creating request that is sent again is carried out once. Key, request hash
//! and answer are saved in the transaction of the effect itself, so none of them exists without
//! the others; a failed request leaves nothing and may be sent again.

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header},
    web::Bytes,
};
use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use futures::future::LocalBoxFuture;
use kernel::{Clock, Context, Problem, SystemClock, codes};
use sea_orm::{DbErr, QueryResult};
use serde::{Serialize, de::DeserializeOwned};
use store::{Db, Pii, Row, SqlMigration, Tx, sql};

use crate::{Created, Done, Error, Result, Upserted, body, etag, json, messages, taken};

const DDL: &str = "
create table idempotency (
  scope text not null,
  key text not null,
  request_hash text not null,
  status integer not null,
  location text,
  etag text,
  body text not null,
  created_at {ts} not null,
  primary key (scope, key)
);
create index idempotency_created on idempotency (created_at);
";

/// Absent in rows that an older version writes, which knows the other one only.
const CANONICAL: &str = "alter table idempotency add column canonical_hash text;";

/// Columns of a saved answer; all of them absent where there is none.
const SAVED: &str = "i.request_hash, i.canonical_hash, i.status, i.location, i.etag, i.body";

/// Table of this library.
#[must_use]
pub fn migrations() -> Vec<SqlMigration> {
    vec![
        SqlMigration::new("m0003_idempotency", DDL),
        SqlMigration::new("m0004_idempotency_canonical", CANONICAL),
    ]
}

/// Forgets keys used before `before` (two days ago, say); answers how many.
pub async fn purge_idempotency(db: &Db, before: DateTime<Utc>) -> std::result::Result<u64, DbErr> {
    let tx = db.begin().await?;
    let done =
        sql::execute(&tx, "DELETE FROM idempotency WHERE created_at < $1", vec![before.into()])
            .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

/// Clock that stamps saved answers; registered as app data, the wall clock where it is not.
#[derive(Clone)]
pub struct RequestClock(pub Arc<dyn Clock>);

/// Cipher for saved answers, which may hold personal data; registered as app data. Where it is
/// not, answers are saved as they are.
#[derive(Clone)]
pub struct SealReplies(pub Pii);

/// The `Idempotency-Key` header, if any, with what it stands for. Use [`Idempotent`] for JSON.
pub struct IdempotencyKey {
    key: Option<String>,
    route: String,
    /// Path and query: the same key for another resource is another request.
    target: String,
    clock: Arc<dyn Clock>,
    seal: Option<Pii>,
}

/// A JSON body `T` together with the request's optional `Idempotency-Key`.
pub struct Idempotent<T> {
    key: IdempotencyKey,
    bytes: Bytes,
    body: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for Idempotent<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, std::result::Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = IdempotencyKey::of(req);
        let bytes = body::json_bytes(req, payload);
        Box::pin(async move {
            let key = key?;
            let bytes = bytes.await?;
            let body = json::read(&bytes)?;
            Ok(Self { key, bytes, body })
        })
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = std::future::Ready<std::result::Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(req).map_err(Error))
    }
}

impl<T> Idempotent<T> {
    #[must_use]
    pub fn body(&self) -> &T {
        &self.body
    }

    /// Runs `work` in one write transaction and answers 201; a request sent again gets the first
    /// answer, marked `Idempotency-Replayed: true`.
    pub async fn create<R: Serialize>(
        self,
        db: &Db,
        ctx: &Context,
        work: impl AsyncFnOnce(&Tx, T) -> std::result::Result<Created<R>, Problem>,
    ) -> Result {
        let Self { key, bytes, body } = self;
        key.create(db, ctx, &bytes, async |tx| work(tx, body).await).await
    }

    /// The same for an action that may find that the resource is there already: 201 or 200.
    pub async fn upsert<R: Serialize>(
        self,
        db: &Db,
        ctx: &Context,
        work: impl AsyncFnOnce(&Tx, T) -> std::result::Result<Upserted<R>, Problem>,
    ) -> Result {
        let Self { key, bytes, body } = self;
        key.run(db, ctx, &bytes, async |tx| Reply::upserted(&work(tx, body).await?)).await
    }

    /// The same for an action that creates nothing with an address: answers 200.
    pub async fn perform<R: Serialize>(
        self,
        db: &Db,
        ctx: &Context,
        work: impl AsyncFnOnce(&Tx, T) -> std::result::Result<Done<R>, Problem>,
    ) -> Result {
        let Self { key, bytes, body } = self;
        key.run(db, ctx, &bytes, async |tx| Reply::done(&work(tx, body).await?)).await
    }
}

impl IdempotencyKey {
    fn of(req: &HttpRequest) -> std::result::Result<Self, Problem> {
        taken::header(req, "Idempotency-Key");
        let key = match req.headers().get("idempotency-key") {
            None => None,
            Some(value) => Some(readable_key(value)?),
        };
        let pattern = req.match_pattern().unwrap_or_else(|| req.path().to_owned());
        let clock = req
            .app_data::<RequestClock>()
            .map_or_else(|| Arc::new(SystemClock) as _, |c| c.0.clone());
        Ok(Self {
            key,
            route: format!("{} {pattern}", req.method()),
            target: req.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            clock,
            seal: req.app_data::<SealReplies>().map(|s| s.0.clone()),
        })
    }

    /// As [`Idempotent::create`], for bodies that are no JSON: `bytes` is what must be the same
    /// when the request is sent again.
    pub async fn create<R: Serialize>(
        self,
        db: &Db,
        ctx: &Context,
        bytes: &[u8],
        work: impl AsyncFnOnce(&Tx) -> std::result::Result<Created<R>, Problem>,
    ) -> Result {
        self.run(db, ctx, bytes, async |tx| Reply::created(&work(tx).await?)).await
    }

    async fn run(
        self,
        db: &Db,
        ctx: &Context,
        bytes: &[u8],
        work: impl AsyncFnOnce(&Tx) -> std::result::Result<Reply, Problem>,
    ) -> Result {
        let Some(key) = &self.key else {
            return Ok(crate::write(db, work).await?.into_response(false));
        };
        let scope = format!("{}|{}|{}", ctx.actor.org, ctx.actor.id, self.route);
        let hash = RequestHash::of(&self.target, bytes);
        let _in_flight = InFlight::enter(db, &scope, key)?;
        let tx = db.begin().await?;
        let done = async {
            if let Some(saved) = self.enter(&tx, &scope, key, &hash).await? {
                return Ok((saved, true));
            }
            let reply = work(&tx).await?;
            self.save(&tx, &scope, key, &hash, &reply);
            Ok((reply, false))
        };
        let failure = match done.await {
            Ok((reply, false)) => match tx.commit().await {
                Ok(()) => return Ok(reply.into_response(false)),
                Err(error) => Problem::from(error),
            },
            // Ended here and not when dropped, some time later: the next request with this key
            // must not find it locked.
            other => {
                if let Err(error) = tx.rollback().await {
                    tracing::warn!(%error, "a transaction was not rolled back");
                }
                match other {
                    Ok((reply, _)) => return Ok(reply.into_response(true)),
                    Err(problem) => problem,
                }
            }
        };
        // Another process may have been done with this key between our look for its answer and our
        // lock: then what failed here has been done there.
        let find = format!("SELECT {SAVED} FROM idempotency i WHERE scope = $1 AND key = $2");
        let row = sql::one(db, &find, vec![scope.into(), key.into()]).await?;
        match row.map(|row| self.saved(&row, &hash)).transpose()?.flatten() {
            Some(reply) => Ok(reply.into_response(true)),
            None => Err(Error(failure)),
        }
    }

    /// Has this transaction be the only one that works under the key; the answer that is saved
    /// already, if any. One round trip for both.
    async fn enter(
        &self,
        tx: &Tx,
        scope: &str,
        key: &str,
        hash: &RequestHash,
    ) -> std::result::Result<Option<Reply>, Problem> {
        let mut values = vec![scope.into(), key.into()];
        let lock = if tx.is_postgres() {
            values.push(lock_id(scope, key).into());
            "pg_try_advisory_xact_lock($3)"
        } else {
            "true"
        };
        let statement = format!(
            "SELECT {lock} AS taken, {SAVED} FROM (SELECT 1 AS one) o
             LEFT JOIN idempotency i ON i.scope = $1 AND i.key = $2"
        );
        let row = sql::one(tx, &statement, values).await?.ok_or_else(in_flight)?;
        if row.try_get("", "taken")? { self.saved(&row, hash) } else { Err(in_flight()) }
    }

    fn saved(
        &self,
        row: &QueryResult,
        hash: &RequestHash,
    ) -> std::result::Result<Option<Reply>, Problem> {
        let Some(exact) = row.try_get::<Option<String>>("", "request_hash")? else {
            return Ok(None);
        };
        let canonical: Option<String> = row.try_get("", "canonical_hash")?;
        if exact != hash.exact && (canonical.is_none() || canonical != hash.canonical) {
            return Err(Problem::of(&codes::IDEMPOTENCY_KEY_REUSED));
        }
        let body: String = row.try_get("", "body")?;
        Ok(Some(Reply {
            status: u16::try_from(row.try_get::<i32>("", "status")?)?,
            location: row.try_get("", "location")?,
            etag: row.try_get("", "etag")?,
            body: match &self.seal {
                Some(pii) => pii.open(&body)?,
                None => body,
            },
        }))
    }

    fn save(&self, tx: &Tx, scope: &str, key: &str, hash: &RequestHash, reply: &Reply) {
        let body = match &self.seal {
            Some(pii) => pii.seal(&reply.body),
            None => reply.body.clone(),
        };
        tx.insert_later(Row::new(
            "idempotency (scope, key, request_hash, canonical_hash, status, location, etag, body, created_at)",
            "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vec![
                scope.into(),
                key.into(),
                hash.exact.clone().into(),
                hash.canonical.clone().into(),
                i32::from(reply.status).into(),
                reply.location.clone().into(),
                reply.etag.clone().into(),
                body.into(),
                self.clock.now().into(),
            ],
        ));
    }
}

fn readable_key(value: &header::HeaderValue) -> std::result::Result<String, Problem> {
    value
        .to_str()
        .ok()
        .filter(|key| {
            (1..=200).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b))
        })
        .map(str::to_owned)
        .ok_or_else(|| Problem::of(&codes::INVALID_HEADER).detail(messages::idempotency_key_form()))
}

/// By what a request is known again.
struct RequestHash {
    /// Of the bytes.
    exact: String,
    /// Of what they say, where they are JSON: programs that write the same object anew may order its
    /// fields otherwise.
    canonical: Option<String>,
}

impl RequestHash {
    fn of(target: &str, bytes: &[u8]) -> Self {
        let canonical = serde_json::from_slice::<serde_json::Value>(bytes).ok().map(|value| {
            let mut text = String::new();
            json::write_canonical(&value, &mut text);
            request_hash(target, text.as_bytes())
        });
        Self { exact: request_hash(target, bytes), canonical }
    }
}

fn request_hash(target: &str, bytes: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(target.as_bytes());
    context.update(b"\n");
    context.update(bytes);
    hex::encode(context.finish())
}

/// An answer as it is saved.
pub(crate) struct Reply {
    status: u16,
    location: Option<String>,
    etag: Option<String>,
    body: String,
}

impl Reply {
    fn created<R: Serialize>(created: &Created<R>) -> std::result::Result<Self, Problem> {
        Ok(Self {
            status: 201,
            location: Some(created.location.clone()),
            etag: created.version.map(etag::tag),
            body: serde_json::to_string(&created.body)?,
        })
    }

    fn done<R: Serialize>(done: &Done<R>) -> std::result::Result<Self, Problem> {
        Ok(Self {
            status: 200,
            location: None,
            etag: done.version.map(etag::tag),
            body: serde_json::to_string(&done.body)?,
        })
    }

    pub(crate) fn upserted<R: Serialize>(
        upserted: &Upserted<R>,
    ) -> std::result::Result<Self, Problem> {
        match upserted {
            Upserted::New(created) => Self::created(created),
            Upserted::Known(done) => Self::done(done),
        }
    }

    pub(crate) fn into_response(self, replayed: bool) -> HttpResponse {
        let mut response =
            HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK));
        response.content_type("application/json");
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(etag) = self.etag {
            response.insert_header((header::ETAG, etag));
        }
        if replayed {
            response.insert_header(("idempotency-replayed", "true"));
        }
        response.body(self.body)
    }
}

/// Requests of this process that are being handled under a key, per database. On SQLite the one
/// writing process needs no more; on PostgreSQL it spares a connection.
static IN_FLIGHT: LazyLock<Mutex<HashSet<(usize, String)>>> = LazyLock::new(Mutex::default);

struct InFlight((usize, String));

impl InFlight {
    fn enter(db: &Db, scope: &str, key: &str) -> std::result::Result<Self, Problem> {
        let entry = (db.id(), format!("{scope}\n{key}"));
        let mut set = IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner);
        if set.insert(entry.clone()) { Ok(Self(entry)) } else { Err(in_flight()) }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

fn in_flight() -> Problem {
    Problem::of(&codes::REQUEST_IN_FLIGHT).retry_after(1)
}

/// Name of the lock under which, on PostgreSQL, one process at a time works under a key, until its
/// transaction ends.
fn lock_id(scope: &str, key: &str) -> i64 {
    let hash = digest::digest(&digest::SHA256, format!("{scope}\n{key}").as_bytes());
    let mut id = [0; 8];
    id.copy_from_slice(&hash.as_ref()[..8]);
    i64::from_be_bytes(id)
}
