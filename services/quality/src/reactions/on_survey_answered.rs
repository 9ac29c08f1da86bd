//! A customer's answer: kept for the report; a low score makes an inspection mandatory.

use async_trait::async_trait;
use contracts::survey::{SurveyAnswered, SurveySubject};
use events::React;
use kernel::{Context, Problem};
use sea_orm::{ActiveValue::Set, EntityTrait};
use store::Tx;
use uuid::Uuid;

use crate::{
    App,
    app::{
        draw::subject,
        inspect::{self, Occasion, Subject},
    },
    store::{
        entities::{serviced_ticket, survey_answer},
        insert_new, inspections,
    },
};

/// Reaction to an answer.
pub struct Inspect(pub App);

#[async_trait]
impl React<SurveyAnswered> for Inspect {
    async fn react(&self, tx: &Tx, ctx: &Context, event: SurveyAnswered) -> Result<(), Problem> {
        let about = &event.subject;
        let row = survey_answer::ActiveModel {
            response_id: Set(event.response_id),
            org: Set(about.org.clone()),
            ticket_id: Set(about.ticket_id),
            agent: Set(about.handler.clone()),
            csat: Set(event.csat),
            nps: Set(event.nps),
            answered_at: Set(event.answered_at),
        };
        insert_new(tx, row, survey_answer::Column::ResponseId).await?;
        let Some(ticket_id) = about.ticket_id else { return Ok(()) };
        let known = serviced_ticket::Entity::find_by_id(ticket_id).one(tx).await?;
        if known.as_ref().is_some_and(|ticket| ticket.imported) {
            return Ok(());
        }
        // The ticket's own events may come later than the answer; then the answer's copy serves.
        let served = known.filter(|ticket| ticket.agent.is_some());
        let subject = served.map_or_else(|| copied(ticket_id, about), subject);
        let (plan, rules) = inspections::risk_rules(tx, &subject.org).await?;
        let Some(reason) = rules.of_answer(event.csat) else { return Ok(()) };
        let occasion =
            Occasion { reasons: vec![reason], plan: plan.as_ref(), ..Occasion::default() };
        inspect::open(&self.0, tx, ctx, subject, occasion).await.map(drop)
    }
}

fn copied(ticket_id: Uuid, about: &SurveySubject) -> Subject {
    Subject {
        ticket_id,
        number: about.ticket_number.clone(),
        org: about.org.clone(),
        customer_id: about.customer_id,
        kind: about.kind.clone(),
        tier: about.tier.clone(),
        complaint_level: None,
        agent: about.handler.clone(),
    }
}
