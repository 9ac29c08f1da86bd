//! Finds the invitation behind a link and tells whether it may still be answered. Writes nothing.

use chrono::{DateTime, Utc};
use kernel::{Locale, Problem};
use sea_orm::ConnectionTrait;

use crate::{
    App, codes,
    domain::token::Token,
    store::{
        entities::invitation,
        invitations,
        surveys::{self, Published},
        tickets::{self, Matter},
    },
};

/// An invitation that may be answered.
pub struct Open {
    pub invitation: invitation::Model,
    pub published: Published,
    /// What it asks about.
    pub matter: Option<Matter>,
}

impl Open {
    /// Language in which the customer is written to.
    #[must_use]
    pub fn locale(&self) -> Locale {
        Locale::negotiate(&self.invitation.locale)
    }
}

/// The invitation, whatever its state; 404 for a token that nobody was given.
pub async fn find(conn: &impl ConnectionTrait, token: &str) -> Result<invitation::Model, Problem> {
    let unknown = || Problem::of(&codes::INVITATION_UNKNOWN);
    let token = Token::parse(token).ok_or_else(unknown)?;
    invitations::by_token_hash(conn, &token.hash()).await?.ok_or_else(unknown)
}

/// 410 once it is answered or its time is over.
pub fn check(invitation: &invitation::Model, now: DateTime<Utc>) -> Result<(), Problem> {
    if invitation.state == "answered" {
        return Err(Problem::of(&codes::INVITATION_USED));
    }
    if invitation.state != "sent" || invitation.expires_at.is_none_or(|at| at <= now) {
        return Err(Problem::of(&codes::INVITATION_EXPIRED));
    }
    Ok(())
}

pub async fn run(app: &App, token: &str) -> Result<Open, Problem> {
    let db = &app.db;
    let invitation = find(db, token).await?;
    check(&invitation, app.clock.now())?;
    let published = surveys::published(db, invitation.survey_id, invitation.survey_version).await?;
    let (ticket, customer) = (invitation.ticket_id, invitation.customer_id);
    let matter = tickets::matter(db, &app.pii, ticket, customer).await?;
    Ok(Open { invitation, published, matter })
}
