//! From what a workflow means ("the handler") to whom that is.

use std::collections::BTreeMap;

use ::store::Tx;
use chrono::TimeDelta;
use events::Envelope;
use kernel::{Locale, Problem, Role};

use crate::{
    App, codes,
    domain::{
        endpoint,
        facts::Facts,
        rights::{self, Standing},
        workflow::{self, Target, Workflow},
    },
    messages,
    store::{
        endpoints::{self, DISABLED},
        entities::{customer, staff, webhook_endpoint},
        line_of, people, root_of,
    },
};

/// Why an endpoint is not told; words of the contract.
pub const ENDPOINT_DISABLED: &str = "endpoint_disabled";
pub const RIGHT_LAPSED: &str = "right_lapsed";

/// How an endpoint stands to events of type `ty`; one that is not on record yet keeps what it had.
pub fn standing(
    app: &App,
    row: &webhook_endpoint::Model,
    ty: &str,
) -> Result<Standing, serde_json::Error> {
    let now = app.clock.now();
    let rights = row.known_rights()?.unwrap_or_else(|| rights::unknown_owner(now));
    let confirm = TimeDelta::days(app.settings.webhooks.confirm_days.into());
    Ok(rights::holds(&rights, ty, now, confirm))
}

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
    /// Why an endpoint is not told: it is switched off, or its owner's right has lapsed.
    pub barred: Option<&'static str>,
    /// Told in the place of this role, which nobody holds.
    pub instead_of: Option<Role>,
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
            barred: None,
            instead_of: None,
        }
    }

    fn staff(row: staff::Model) -> Self {
        Self {
            kind: STAFF,
            locale: Locale::negotiate(&row.locale),
            name: row.name,
            has_email: row.email.is_some(),
            absent: !row.active,
            barred: None,
            instead_of: None,
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
            barred: None,
            instead_of: None,
        }
    }

    /// Somebody whom an event names and the directory does not know: they have an inbox all the same.
    fn unlisted(app: &App, id: String) -> Self {
        Self {
            kind: STAFF,
            locale: app.settings.default_locale,
            name: id.clone(),
            has_email: false,
            absent: false,
            barred: None,
            instead_of: None,
            id,
        }
    }

    pub fn endpoint(id: uuid::Uuid, barred: Option<&'static str>) -> Self {
        Self { id: id.to_string(), absent: false, barred, ..Self::absent(ENDPOINT, "") }
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
        Target::Responsible(id) => match people::staff(tx, &root_of(&event.org), &id).await? {
            Some(row) if row.active => vec![Recipient::staff(row)],
            Some(row) => {
                let mut told = holders(tx, event, Role::Supervisor).await?;
                told.push(Recipient::staff(row));
                told
            }
            None => vec![Recipient::unlisted(app, id)],
        },
        Target::Role(role) => holders(tx, event, role).await?,
        Target::Endpoints => {
            let mut told = vec![];
            for row in endpoints::covering(tx, &event.org).await? {
                if !endpoint::wants(&row.patterns(), &event.ty) {
                    continue;
                }
                let barred = match standing(app, &row, &event.ty)? {
                    Standing::Denied => continue,
                    Standing::Granted => None,
                    Standing::Lapsed => Some(RIGHT_LAPSED),
                };
                let off = (row.state == DISABLED).then_some(ENDPOINT_DISABLED);
                told.push(Recipient::endpoint(row.id, off.or(barred)));
            }
            told
        }
    })
}

/// Who holds `role` in the event's unit or above it. Where nobody does, that stands on record and
/// whoever is next above is told instead; see [`workflow::above`]. Only units that cover the event's
/// are asked: a sibling's administrators may not read what it says.
async fn holders(tx: &Tx, event: &Envelope, role: Role) -> Result<Vec<Recipient>, Problem> {
    let line = line_of(&event.org);
    let rows = people::with_role(tx, &line, role).await?;
    if !rows.is_empty() {
        return Ok(rows.into_iter().map(Recipient::staff).collect());
    }
    let mut told = vec![Recipient::absent(STAFF, format!("role:{}", role.as_str()))];
    for higher in workflow::above(role) {
        let rows = people::with_role(tx, &line, *higher).await?;
        if !rows.is_empty() {
            let instead = |row| Recipient { instead_of: Some(role), ..Recipient::staff(row) };
            told.extend(rows.into_iter().map(instead));
            break;
        }
    }
    Ok(told)
}

/// Whether a role was meant and nobody of the staff is there to be told, however far above.
pub fn nobody(told: &[Recipient]) -> bool {
    let mut staff = told.iter().filter(|to| to.kind == STAFF);
    let roles = told.iter().any(|to| to.kind == STAFF && to.id.starts_with("role:"));
    roles && staff.all(|to| to.absent)
}
