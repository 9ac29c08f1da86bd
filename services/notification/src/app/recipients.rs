//! From what a workflow means ("the handler") to whom that is.

use std::collections::BTreeMap;

use ::store::Tx;
use events::Envelope;
use kernel::{Locale, Problem};

use crate::{
    App, codes,
    domain::{
        endpoint,
        facts::Facts,
        workflow::{Target, Workflow},
    },
    messages,
    store::{
        endpoints::{self, DISABLED},
        entities::{customer, staff},
        line_of, people, root_of,
    },
};

/// Kinds of recipients.
pub const CUSTOMER: &str = "customer";
pub const STAFF: &str = "staff";
pub const ENDPOINT: &str = "endpoint";

/// One recipient.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub kind: &'static str,
    /// Id of the customer, user or endpoint; for an empty place its role.
    pub id: String,
    pub locale: Locale,
    /// For inbox texts; a customer's name is opened only when something is sent.
    pub name: String,
    pub has_email: bool,
    /// Nobody is there: recorded, not sent.
    pub absent: bool,
    /// An endpoint that is switched off.
    pub disabled: bool,
}

impl Recipient {
    fn absent(kind: &'static str, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            locale: Locale::En,
            name: String::new(),
            has_email: false,
            absent: true,
            disabled: false,
        }
    }

    fn staff(row: staff::Model) -> Self {
        Self {
            kind: STAFF,
            locale: Locale::negotiate(&row.locale),
            name: row.name,
            has_email: row.email.is_some(),
            absent: !row.active,
            disabled: false,
            id: row.user_id,
        }
    }

    fn customer(row: customer::Model) -> Self {
        Self {
            kind: CUSTOMER,
            id: row.id.to_string(),
            locale: Locale::negotiate(&row.locale),
            name: String::new(),
            has_email: row.email.is_some(),
            absent: false,
            disabled: false,
        }
    }

    /// Somebody whom an event names and the directory does not know: he has an inbox all the same.
    fn unlisted(app: &App, id: String) -> Self {
        Self {
            kind: STAFF,
            locale: app.settings.default_locale,
            name: id.clone(),
            has_email: false,
            absent: false,
            disabled: false,
            id,
        }
    }

    pub fn endpoint(id: uuid::Uuid, disabled: bool) -> Self {
        Self { id: id.to_string(), absent: false, disabled, ..Self::absent(ENDPOINT, "") }
    }
}

/// Everyone whom `workflow` tells of `event`, each once, in a fixed order.
///
/// A customer whose own event has not arrived yet is an error: the event is parked and tried again.
pub async fn of(
    app: &App,
    tx: &Tx,
    event: &Envelope,
    workflow: &Workflow,
    facts: &Facts,
) -> Result<Vec<Recipient>, Problem> {
    let mut told: BTreeMap<(&'static str, String), Recipient> = BTreeMap::new();
    for target in workflow.targets(facts) {
        for recipient in resolve(app, tx, event, target).await? {
            told.entry((recipient.kind, recipient.id.clone())).or_insert(recipient);
        }
    }
    Ok(told.into_values().collect())
}

async fn resolve(
    app: &App,
    tx: &Tx,
    event: &Envelope,
    target: Target,
) -> Result<Vec<Recipient>, Problem> {
    Ok(match target {
        Target::NoCustomer => vec![Recipient::absent(CUSTOMER, "none")],
        Target::Customer(id) => {
            let row = people::customer(tx, id).await?;
            let row = row.ok_or_else(|| {
                Problem::of(&codes::CUSTOMER_UNKNOWN).detail(messages::customer(id))
            })?;
            vec![Recipient::customer(row)]
        }
        Target::User(id) => vec![match people::staff(tx, &root_of(&event.org), &id).await? {
            Some(row) => Recipient::staff(row),
            None => Recipient::unlisted(app, id),
        }],
        Target::Role(role) => {
            let rows = people::with_role(tx, &line_of(&event.org), role).await?;
            if rows.is_empty() {
                return Ok(vec![Recipient::absent(STAFF, format!("role:{}", role.as_str()))]);
            }
            rows.into_iter().map(Recipient::staff).collect()
        }
        Target::Endpoints => endpoints::covering(tx, &event.org)
            .await?
            .into_iter()
            .filter(|row| endpoint::wants(&row.patterns(), &event.ty))
            .map(|row| Recipient::endpoint(row.id, row.state == DISABLED))
            .collect(),
    })
}
