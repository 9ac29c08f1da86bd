//! Answers, and the write transaction that comes before them.

use actix_web::{HttpResponse, http::header};
use kernel::{OrgPath, Problem};
use sea_orm::{Condition, ExprTrait, IntoSimpleExpr};
use serde::Serialize;
use store::{Db, Tx};

use crate::{Result, etag};

/// A new resource → 201 with `Location` and, when it is mutable, its ETag.
#[derive(Debug, Clone)]
pub struct Created<R> {
    /// Path of the new resource, like `/api/v1/tickets/{id}`.
    pub location: String,
    pub version: Option<i64>,
    pub body: R,
}

/// A change that was carried out → 200 and, when given, the resource's new ETag.
#[derive(Debug, Clone)]
pub struct Done<R> {
    pub version: Option<i64>,
    pub body: R,
}

/// What came of a request that creates a resource unless it is there already: 201 or 200.
#[derive(Debug, Clone)]
pub enum Upserted<R> {
    New(Created<R>),
    Known(Done<R>),
}

impl<R: Serialize> Upserted<R> {
    /// The answer, for handlers without an `Idempotency-Key`.
    pub fn into_response(self) -> Result {
        Ok(crate::idempotency::Reply::upserted(&self)?.into_response(false))
    }
}

/// 200 with a body.
pub fn ok<R: Serialize>(body: &R) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

/// 200 with a body and its version as ETag.
pub fn ok_versioned<R: Serialize>(version: i64, body: &R) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, etag::tag(version))).json(body)
}

/// 204.
#[must_use]
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// Runs `work` in one write transaction, which is rolled back when it fails.
pub async fn write<R>(
    db: &Db,
    work: impl AsyncFnOnce(&Tx) -> std::result::Result<R, Problem>,
) -> Result<R> {
    let tx = db.begin().await?;
    let outcome = work(&tx).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Rows of `org` and everything below it; both parts can use an ordinary index on the column.
///
/// The range holds in every collation that sorts `/` between `-`, `_` and the digits: C, SQLite's
/// BINARY, glibc since 2.28 and ICU; organisation paths have no other characters near it.
pub fn org_filter(org: &OrgPath, column: impl IntoSimpleExpr) -> Condition {
    let column = column.into_simple_expr();
    let (from, to) = org.below();
    Condition::any()
        .add(column.clone().eq(org.as_str()))
        .add(Condition::all().add(column.clone().gte(from)).add(column.lt(to)))
}
