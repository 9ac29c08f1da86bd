//! Surveys and their versions.

use kernel::{OrgPath, PageQuery, Problem};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entities::{survey, survey_version};
use crate::domain::{definition::Definition, metrics::Metrics};

/// A published version, read.
#[derive(Debug, Clone)]
pub struct Published {
    pub row: survey_version::Model,
    pub definition: Definition,
    pub metrics: Metrics,
}

/// The survey, if the caller's unit covers it.
pub async fn get(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<survey::Model, Problem> {
    let found = survey::Entity::find_by_id(id).one(conn).await?;
    found.filter(|s| org.covers(&s.org)).ok_or_else(Problem::not_found)
}

/// A survey that the unit may ask its customers with: its own, one of a unit below, or one of a unit
/// above that lets it down to all of its own; not a neighbour's.
pub async fn usable(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<survey::Model, Problem> {
    let found = survey::Entity::find_by_id(id).one(conn).await?.ok_or_else(Problem::not_found)?;
    let above = OrgPath::parse(&found.org)?.covers(org.as_str());
    if above || org.covers(&found.org) { Ok(found) } else { Err(Problem::not_found()) }
}

/// One more row than asked for, in the order of creation; and how many there are, if asked.
pub async fn list(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    page: &PageQuery,
) -> Result<(Vec<survey::Model>, Option<u64>), Problem> {
    let mut query = survey::Entity::find().filter(http::org_filter(org, survey::Column::Org));
    let total = match page.total {
        Some(true) => Some(query.clone().count(conn).await?),
        _ => None,
    };
    if let Some(after) = page.after::<Uuid>("surveys")? {
        query = query.filter(survey::Column::Id.gt(after));
    }
    Ok((query.order_by_asc(survey::Column::Id).limit(page.limit()? + 1).all(conn).await?, total))
}

pub async fn version(
    conn: &impl ConnectionTrait,
    survey_id: Uuid,
    version: i32,
) -> Result<Option<survey_version::Model>, DbErr> {
    survey_version::Entity::find_by_id((survey_id, version)).one(conn).await
}

/// A version that rows refer to; absent only if the database was altered by hand.
pub async fn published(
    conn: &impl ConnectionTrait,
    survey_id: Uuid,
    number: i32,
) -> Result<Published, Problem> {
    let row = version(conn, survey_id, number).await?.ok_or_else(|| {
        Problem::internal(format!("version {number} of survey {survey_id} is missing"))
    })?;
    let json = serde_json::from_str(&row.definition)?;
    let metrics = serde_json::from_value(row.metrics.clone())?;
    Ok(Published { definition: Definition::published(&json), metrics, row })
}

pub async fn versions(
    conn: &impl ConnectionTrait,
    survey_id: Uuid,
) -> Result<Vec<survey_version::Model>, DbErr> {
    survey_version::Entity::find()
        .filter(survey_version::Column::SurveyId.eq(survey_id))
        .order_by_desc(survey_version::Column::Version)
        .all(conn)
        .await
}
