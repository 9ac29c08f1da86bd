//! Responses and their answers.

use chrono::{DateTime, Utc};
use kernel::{OrgPath, PageQuery, Problem};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entities::{answer, response};

/// What a list may be narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub survey_id: Option<Uuid>,
    pub ticket_id: Option<Uuid>,
    pub low: Option<bool>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

pub async fn get(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<response::Model, Problem> {
    let found = response::Entity::find_by_id(id).one(conn).await?;
    found.filter(|r| org.covers(&r.org)).ok_or_else(Problem::not_found)
}

/// One more row than asked for, newest first; and how many there are, if asked.
pub async fn list(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    filter: &Filter,
    page: &PageQuery,
) -> Result<(Vec<response::Model>, Option<u64>), Problem> {
    let mut query = response::Entity::find().filter(http::org_filter(org, response::Column::Org));
    if let Some(id) = filter.survey_id {
        query = query.filter(response::Column::SurveyId.eq(id));
    }
    if let Some(id) = filter.ticket_id {
        query = query.filter(response::Column::TicketId.eq(id));
    }
    if let Some(low) = filter.low {
        query = query.filter(response::Column::Low.eq(low));
    }
    if let Some(from) = filter.from {
        query = query.filter(response::Column::AnsweredAt.gte(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(response::Column::AnsweredAt.lt(to));
    }
    let total = match page.total {
        Some(true) => Some(query.clone().count(conn).await?),
        _ => None,
    };
    if let Some(after) = page.after::<Uuid>(&format!("responses {filter:?}"))? {
        query = query.filter(response::Column::Id.lt(after));
    }
    Ok((query.order_by_desc(response::Column::Id).limit(page.limit()? + 1).all(conn).await?, total))
}

pub async fn answers(
    conn: &impl ConnectionTrait,
    response_id: Uuid,
) -> Result<Vec<answer::Model>, DbErr> {
    answer::Entity::find()
        .filter(answer::Column::ResponseId.eq(response_id))
        .order_by_asc(answer::Column::Name)
        .all(conn)
        .await
}

pub async fn by_follow_up(
    conn: &impl ConnectionTrait,
    ticket_id: Uuid,
) -> Result<Option<response::Model>, DbErr> {
    response::Entity::find().filter(response::Column::FollowUpId.eq(ticket_id)).one(conn).await
}
