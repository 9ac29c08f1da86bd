//! Finds the invitation behind a link and tells whether it may still be answered. Writes nothing.

use chrono::{DateTime, Utc};
use kernel::{Locale, Problem};
use sea_orm::ConnectionTrait;

use crate::{
    codes,
    domain::token::Token,
    store::{
        entities::invitation,
        invitations,
        surveys::{self, Published},
    },
};

/// An invitation that may be answered.
pub struct Open {
    pub invitation: invitation::Model,
    pub published: Published,
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

pub async fn run(
    conn: &impl ConnectionTrait,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Open, Problem> {
    let invitation = find(conn, token).await?;
    check(&invitation, now)?;
    let published =
        surveys::published(conn, invitation.survey_id, invitation.survey_version).await?;
    Ok(Open { invitation, published })
}
