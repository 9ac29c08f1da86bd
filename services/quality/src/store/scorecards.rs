//! Scorecards and their versions.

use kernel::{OrgPath, Problem};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use store::Tx;
use uuid::Uuid;

use super::{
    entities::{scorecard, scorecard_version},
    read, readable,
};
use crate::domain::scorecard::Form;

/// A scorecard with its versions, the oldest first.
#[derive(Debug, Clone)]
pub struct Whole {
    pub card: scorecard::Model,
    pub versions: Vec<scorecard_version::Model>,
}

impl Whole {
    #[must_use]
    pub fn draft(&self) -> Option<&scorecard_version::Model> {
        self.versions.iter().find(|v| v.state == "draft")
    }

    #[must_use]
    pub fn number(&self, number: i32) -> Option<&scorecard_version::Model> {
        self.versions.iter().find(|v| v.number == number)
    }
}

/// A scorecard that holds for `org`: of the unit, below it or above it.
pub async fn readable_card(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<scorecard::Model, Problem> {
    let found = scorecard::Entity::find_by_id(id).filter(readable(org, scorecard::Column::Org));
    found.one(conn).await?.ok_or_else(Problem::not_found)
}

/// A scorecard with versions; see [`readable_card`].
pub async fn whole(conn: &impl ConnectionTrait, org: &OrgPath, id: Uuid) -> Result<Whole, Problem> {
    with_versions(conn, readable_card(conn, org, id).await?).await
}

/// A scorecard of the caller's own subtree, locked to be changed.
pub async fn to_change(tx: &Tx, org: &OrgPath, id: Uuid) -> Result<Whole, Problem> {
    let found = scorecard::Entity::find_by_id(id)
        .filter(http::org_filter(org, scorecard::Column::Org))
        .lock_exclusive()
        .one(tx)
        .await?;
    with_versions(tx, found.ok_or_else(Problem::not_found)?).await
}

async fn with_versions(
    conn: &impl ConnectionTrait,
    card: scorecard::Model,
) -> Result<Whole, Problem> {
    let versions = scorecard_version::Entity::find()
        .filter(scorecard_version::Column::ScorecardId.eq(card.id))
        .order_by_asc(scorecard_version::Column::Number)
        .all(conn)
        .await?;
    Ok(Whole { card, versions })
}

/// One version of a scorecard.
pub async fn version(
    conn: &impl ConnectionTrait,
    card: Uuid,
    number: i32,
) -> Result<Option<scorecard_version::Model>, Problem> {
    let found = scorecard_version::Entity::find()
        .filter(scorecard_version::Column::ScorecardId.eq(card))
        .filter(scorecard_version::Column::Number.eq(number));
    Ok(found.one(conn).await?)
}

/// The form of a version that an evaluation is pinned to.
pub async fn form(conn: &impl ConnectionTrait, card: Uuid, number: i32) -> Result<Form, Problem> {
    let version = version(conn, card, number).await?;
    read(
        &version
            .ok_or_else(|| Problem::internal("an evaluation's scorecard version is gone"))?
            .form,
    )
}
