//! A bad survey answer opens a follow-up ticket, once.

use async_trait::async_trait;
use contracts::survey::LowScoreRaised;
use events::React;
use kernel::{Context, Locale, OrgPath, Problem};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::Tx;

use crate::{
    app::{
        App,
        open_ticket::{self, Draft},
    },
    domain::{customer::sees, words},
    store::{entities::ticket, tickets},
};

const ORIGIN: &str = "survey_response";

pub(super) struct FollowUpLowScore(pub App);

#[async_trait]
impl React<LowScoreRaised> for FollowUpLowScore {
    async fn react(&self, tx: &Tx, ctx: &Context, event: LowScoreRaised) -> Result<(), Problem> {
        let app = &self.0;
        let org = OrgPath::parse(&event.subject.org)?;
        let opened = ticket::Entity::find()
            .filter(ticket::Column::Root.eq(org.root().as_str()))
            .filter(ticket::Column::OriginKind.eq(ORIGIN))
            .filter(ticket::Column::OriginId.eq(event.response_id));
        if opened.one(tx).await?.is_some() {
            return Ok(());
        }
        let parent = match event.subject.ticket_id {
            Some(id) => ticket::Entity::find_by_id(id).one(tx).await?,
            None => None,
        };
        let customer = match event.subject.customer_id {
            Some(id) => tickets::customer(tx, id).await?,
            None => None,
        };
        let forgotten = customer.as_ref().is_some_and(|c| c.erased_at.is_some());
        // Whoever asked may have named anybody; the follow-up shows the tier and writes to them.
        let own = parent.as_ref().is_some_and(|p| p.customer_id == event.subject.customer_id);
        let seen = own || customer.as_ref().is_none_or(|c| sees(&org, c.units()));
        let customer_id = event.subject.customer_id.filter(|_| seen);
        let customer = customer.filter(|_| seen);
        let responsible = match &parent {
            Some(parent) => parent.first_responder.clone().or_else(|| parent.handler.clone()),
            None => event.subject.first_responder.clone().or_else(|| event.subject.handler.clone()),
        };
        let config = app.configs.get(tx, &org, app.clock.now()).await?;
        let draft = Draft {
            subject: subject(&event, parent.as_ref()),
            body: comment(app, &event).filter(|_| !forgotten),
            org,
            kind: words::COMPLAINT.into(),
            category: parent.as_ref().and_then(|p| p.category.clone()),
            priority: "high".into(),
            complaint_level: None,
            channel: words::SURVEY.into(),
            locale: event.locale.clone(),
            customer_id,
            customer,
            queue: None,
            reference: None,
            parent_id: event.subject.ticket_id,
            origin: Some((ORIGIN.into(), event.response_id)),
            first_responder: responsible.clone(),
            handler: responsible,
            said_by: Some(("customer", "customer".into())),
        };
        open_ticket::open(app, tx, ctx, config, draft).await.map(drop)
    }
}

fn subject(event: &LowScoreRaised, parent: Option<&ticket::Model>) -> String {
    let number = parent.map(|p| p.number.as_str()).or(event.subject.ticket_number.as_deref());
    let (score, number) = (event.score, number.unwrap_or("-"));
    match Locale::negotiate(&event.locale) {
        Locale::ZhCn => format!("低分回访:工单 {number} 评分 {score}"),
        Locale::En => format!("Low score: ticket {number} was rated {score}"),
    }
}

/// What the customer wrote. Words that cannot be opened must not keep the follow-up from opening.
fn comment(app: &App, event: &LowScoreRaised) -> Option<String> {
    let sealed = event.comment.as_ref()?;
    match app.pii.open(&sealed.0) {
        Ok(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Err(error) => {
            tracing::warn!(%error, response = %event.response_id, "the comment of a survey answer cannot be opened");
            None
        }
    }
}
