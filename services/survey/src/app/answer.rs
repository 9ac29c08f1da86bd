//! Takes an answer: spends the token, keeps the response, tells the others. All of it happens in
//! one transaction and in the trace of the ticket that was asked about.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::{
    Sealed,
    survey::{LowScoreRaised, SurveyAnswered, SurveySubject},
};
use kernel::{Actor, Context, Locale, OrgPath, Problem};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use store::Tx;
use tracing::Instrument;
use uuid::Uuid;

use super::open_invitation::{self, Open};
use crate::{
    App, codes,
    domain::{
        answers::{Accepted, Answers, Fault, accept},
        definition::Kind,
        metrics::Measured,
    },
    store::entities::{answer, invitation, response},
};

/// What became of it.
pub enum Outcome {
    Taken {
        response_id: Uuid,
        dropped: Vec<String>,
    },
    /// Nothing was kept; the link still works.
    Refused(BTreeMap<String, Fault>),
}

pub async fn run(
    app: &App,
    open: &Open,
    given: &Answers,
    locale: Locale,
) -> Result<Outcome, Problem> {
    let accepted = match accept(&open.published.definition, given) {
        Ok(accepted) => accepted,
        Err(faults) => return Ok(Outcome::Refused(faults)),
    };
    if accepted.answers.is_empty() {
        // Mail scanners post empty forms; nobody means an answer without any answer.
        let first =
            open.published.definition.questions().find(|q| !matches!(q.kind, Kind::Unknown(_)));
        let name = first.map(|q| q.name.clone()).unwrap_or_default();
        return Ok(Outcome::Refused(BTreeMap::from([(name, Fault::Required)])));
    }
    let span = events::resume_span("answer survey", &open.invitation.trace());
    keep(app, open, accepted, locale).instrument(span).await
}

async fn keep(
    app: &App,
    open: &Open,
    accepted: Accepted,
    locale: Locale,
) -> Result<Outcome, Problem> {
    let invitation = &open.invitation;
    let now = app.clock.now();
    let ctx = Context {
        correlation_id: invitation.correlation_id,
        causation_id: invitation.event_id,
        trace: invitation.trace(),
        ..Context::of(Actor::customer(OrgPath::parse(&invitation.org)?))
    };
    let measured = open.published.metrics.measure(&accepted.answers);
    let low = low_score(open, &accepted);
    let subject = invitation.survey_subject()?;
    let comment = measured.comment.as_deref().map(|text| app.pii.seal(text));
    let tx = app.db.begin().await?;
    spend(&tx, invitation, now).await?;
    let row = row(open, &measured, comment.clone(), low.is_some(), locale, now);
    let response_id = row.id;
    response::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
    answer::Entity::insert_many(answer_rows(app, open, response_id, &accepted))
        .exec_without_returning(&tx)
        .await?;
    tell(
        &tx,
        &ctx,
        Told { response_id, invitation, subject, measured: &measured, comment, low, locale, now },
    )
    .await?;
    tx.commit().await?;
    Ok(Outcome::Taken { response_id, dropped: accepted.dropped })
}

/// One of any number of simultaneous answers gets past here.
async fn spend(tx: &Tx, invitation: &invitation::Model, now: DateTime<Utc>) -> Result<(), Problem> {
    use invitation::{Column, Entity};
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value("answered"))
        .col_expr(Column::AnsweredAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(invitation.id))
        .filter(Column::State.eq("sent"))
        .filter(Column::ExpiresAt.gt(now))
        .exec(tx)
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    let current = Entity::find_by_id(invitation.id).one(tx).await?;
    let current = current.ok_or_else(|| Problem::of(&codes::INVITATION_UNKNOWN))?;
    open_invitation::check(&current, now)?;
    Err(Problem::internal("an open invitation could not be spent"))
}

fn low_score(open: &Open, accepted: &Accepted) -> Option<i32> {
    let question = open.invitation.low_score_question.as_deref()?;
    let max = open.invitation.low_score_max?;
    open.published.metrics.score(&accepted.answers, question).filter(|score| *score <= max)
}

fn row(
    open: &Open,
    measured: &Measured,
    comment: Option<String>,
    low: bool,
    locale: Locale,
    now: DateTime<Utc>,
) -> response::Model {
    let invitation = &open.invitation;
    response::Model {
        id: kernel::new_id(),
        org: invitation.org.clone(),
        root: invitation.root.clone(),
        survey_id: invitation.survey_id,
        survey_version: invitation.survey_version,
        invitation_id: invitation.id,
        state: "complete".to_owned(),
        ticket_id: Some(invitation.ticket_id),
        customer_id: invitation.customer_id,
        handler: invitation.handler.clone(),
        kind: invitation.kind.clone(),
        tier: invitation.tier.clone(),
        subject: invitation.subject.clone(),
        locale: locale.tag().to_owned(),
        csat: measured.csat,
        nps: measured.nps,
        settled: measured.settled,
        comment,
        low,
        follow_up_id: None,
        follow_up_number: None,
        follow_up_state: None,
        follow_up_at: None,
        answered_at: now,
    }
}

/// Chosen values are kept as they are, the respondent's own words sealed.
fn answer_rows(
    app: &App,
    open: &Open,
    response_id: Uuid,
    accepted: &Accepted,
) -> Vec<answer::ActiveModel> {
    let row = |(name, value): (&String, &serde_json::Value)| {
        let question = open.published.definition.question(name);
        let sealed =
            question.is_none_or(|q| matches!(q.kind, Kind::Comment { .. } | Kind::Unknown(_)));
        let text = value.to_string();
        let value = if sealed { app.pii.seal(&text) } else { text };
        answer::Model { response_id, name: name.clone(), value, sealed }.into_active_model()
    };
    accepted.answers.iter().map(row).collect()
}

struct Told<'a> {
    response_id: Uuid,
    invitation: &'a invitation::Model,
    subject: SurveySubject,
    measured: &'a Measured,
    comment: Option<String>,
    low: Option<i32>,
    locale: Locale,
    now: DateTime<Utc>,
}

async fn tell(tx: &Tx, ctx: &Context, told: Told<'_>) -> Result<(), Problem> {
    let answered = SurveyAnswered {
        response_id: told.response_id,
        invitation_id: told.invitation.id,
        subject: told.subject.clone(),
        csat: told.measured.csat,
        nps: told.measured.nps,
        comment: told.comment.clone().map(Sealed),
        answered_at: told.now,
    };
    let answered_id = events::emit(tx, ctx, told.now, &answered).await?;
    let Some(score) = told.low else { return Ok(()) };
    let ctx = Context { causation_id: Some(answered_id), ..ctx.clone() };
    let raised = LowScoreRaised {
        response_id: told.response_id,
        subject: told.subject,
        score,
        comment: told.comment.map(Sealed),
        locale: told.locale.tag().to_owned(),
    };
    events::emit(tx, &ctx, told.now, &raised).await?;
    Ok(())
}
