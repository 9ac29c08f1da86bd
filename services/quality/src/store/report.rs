//! Reads what a monthly report is made from.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{OrgPath, Problem};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};

use super::entities::{appeal, evaluation, rectification, serviced_ticket, survey_answer};
use crate::domain::{
    appeal::EvaluationState,
    report::{Evaluated, Inputs, Mended, REPEAT_DAYS, SurveyScore, Ticket},
};

type Instant = DateTime<Utc>;

/// Everything of `org`'s subtree that concerns `[from, to)`, as known at `now`.
pub async fn inputs(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    (from, to): (Instant, Instant),
    now: Instant,
) -> Result<Inputs, Problem> {
    Ok(Inputs {
        from,
        to,
        now,
        tickets: tickets(conn, org, from, to).await?,
        answers: answers(conn, org, from, to).await?,
        evaluations: evaluations(conn, org, from, to).await?,
        rectifications: rectifications(conn, org, from, to).await?,
    })
}

/// Whether anything was ever heard of a unit or one below it. Units are nobody's master data: one
/// exists where work is done.
pub async fn knows(conn: &impl ConnectionTrait, org: &OrgPath) -> Result<bool, Problem> {
    let ticket =
        serviced_ticket::Entity::find().filter(http::org_filter(org, serviced_ticket::Column::Org));
    let evaluation =
        evaluation::Entity::find().filter(http::org_filter(org, evaluation::Column::Org));
    Ok(ticket.one(conn).await?.is_some() || evaluation.one(conn).await?.is_some())
}

fn within(column: impl ColumnTrait, from: Instant, to: Instant) -> Condition {
    Condition::all().add(column.gte(from)).add(column.lt(to))
}

async fn tickets(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    from: Instant,
    to: Instant,
) -> Result<Vec<Ticket>, Problem> {
    use serviced_ticket::Column as C;
    let touched = Condition::any()
        .add(within(C::OpenedAt, from, to + TimeDelta::days(REPEAT_DAYS)))
        .add(within(C::FirstRespondedAt, from, to))
        .add(within(C::ResolvedAt, from, to))
        .add(within(C::ClosedAt, from, to));
    let rows = serviced_ticket::Entity::find()
        .filter(http::org_filter(org, C::Org))
        .filter(touched)
        .all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|t| Ticket {
            kind: t.kind,
            customer_id: t.customer_id,
            follow_up: t.parent_id.is_some(),
            opened_at: t.opened_at,
            first_responded_at: t.first_responded_at,
            resolved_at: t.resolved_at,
            closed_at: t.closed_at,
            reopen_count: t.reopen_count,
            response_attained: t.response_attained,
            resolution_attained: t.resolution_attained,
        })
        .collect())
}

async fn answers(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    from: Instant,
    to: Instant,
) -> Result<Vec<SurveyScore>, Problem> {
    use survey_answer::Column as C;
    let rows = survey_answer::Entity::find()
        .filter(http::org_filter(org, C::Org))
        .filter(within(C::AnsweredAt, from, to))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|a| SurveyScore { csat: a.csat, nps: a.nps }).collect())
}

async fn evaluations(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    from: Instant,
    to: Instant,
) -> Result<Vec<Evaluated>, Problem> {
    use evaluation::Column as C;
    let rows = evaluation::Entity::find()
        .filter(http::org_filter(org, C::Org))
        .filter(within(C::PublishedAt, from, to))
        .find_also_related(appeal::Entity)
        .all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(e, appeal)| Evaluated {
            score: e.score,
            fatal: e.fatal,
            state: EvaluationState::parse(&e.state),
            appeal_until: e.appeal_until,
            appeal: appeal.map(|a| a.outcome),
        })
        .collect())
}

async fn rectifications(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    from: Instant,
    to: Instant,
) -> Result<Vec<Mended>, Problem> {
    use rectification::Column as C;
    let rows = rectification::Entity::find()
        .filter(http::org_filter(org, C::Org))
        .filter(C::State.ne("withdrawn"))
        .filter(within(C::FirstDueAt, from, to))
        .all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|r| Mended { first_due_at: r.first_due_at, done_at: r.done_at })
        .collect())
}
