//! Customers as they are shown: masked, unless the caller may see more, asks for it, and it is
//! written down.

use chrono::{DateTime, Utc};
use kernel::{Actor, OrgPath, Problem};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, party};
use crate::{
    domain::{
        golden::Reason,
        identifier::{self, IdentifierKind, PartyKind},
        record::Field,
        rows::Address,
    },
    store::{
        entities::{customer, tier},
        identifiers, tiers,
    },
};

/// A customer with everything that is known of him.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustomerView {
    pub id: Uuid,
    /// 客户服务编号.
    pub number: String,
    pub org: String,
    pub kind: PartyKind,
    pub name: String,
    pub latin_name: Option<String>,
    pub locale: String,
    /// E.164 when valid, else as received; masked unless revealed.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub address: Option<Address>,
    pub identifiers: Vec<IdentifierView>,
    /// Whether personal data is masked here.
    pub masked: bool,
    pub tier: Option<String>,
    pub tier_until: Option<DateTime<Utc>>,
    pub standard: Option<StandardView>,
    /// Withheld from whoever inspects blind: an account manager handles the customer's matters.
    pub account_manager: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Answer to a creation only: by what the customer was found to be a known one (`source_key`
    /// or the kind of an identifier).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub matched_on: Option<String>,
}

impl CustomerView {
    /// As `actor` may see it.
    #[must_use]
    pub fn seen_by(self, actor: &Actor) -> Self {
        Self { account_manager: actor.may_know(self.account_manager), ..self }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IdentifierView {
    pub kind: IdentifierKind,
    pub value: String,
    pub valid: bool,
    /// Stable word: why it is not valid, or a warning (`inner-check-digit`).
    pub problem: Option<String>,
    /// Another customer, whom the caller sees, has it too, and is the one who is found by it.
    pub contested: bool,
}

/// What the tier promises (服务标准).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StandardView {
    pub sla_policy: Option<String>,
    pub channel: Option<String>,
    /// Days.
    pub revisit_days: Option<i32>,
}

impl From<&tier::Model> for StandardView {
    fn from(tier: &tier::Model) -> Self {
        Self {
            sla_policy: tier.sla_policy.clone(),
            channel: tier.channel.clone(),
            revisit_days: tier.revisit_days,
        }
    }
}

/// A customer in a list; always masked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustomerItem {
    pub id: Uuid,
    pub number: String,
    pub org: String,
    pub kind: PartyKind,
    pub name: String,
    pub latin_name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub tier: Option<String>,
    pub account_manager: Option<String>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

/// Where a customer's data comes from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SourcesView {
    /// Winner per field of the golden record.
    pub fields: Vec<WinnerView>,
    pub records: Vec<SourceRecordView>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WinnerView {
    pub field: Field,
    pub source: String,
    pub source_key: String,
    /// When the source said so.
    pub at: DateTime<Utc>,
    /// Why this statement counts.
    pub reason: Reason,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SourceRecordView {
    pub id: Uuid,
    pub source: String,
    pub source_key: String,
    pub org: String,
    /// Why it belongs to this customer: `created`, the kind of identifier that was equal, or
    /// `same_customer` where two were found to be one.
    pub reason: String,
    pub since: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub fields: Vec<StatementView>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementView {
    pub field: Field,
    /// Masked; `null`: the source says that there is none.
    pub value: Option<String>,
    pub valid: bool,
    pub at: DateTime<Utc>,
}

/// A field's value as everybody may see it.
#[must_use]
pub fn shown(field: Field, value: &str, reveal: bool) -> String {
    match field {
        _ if reveal => value.to_owned(),
        Field::Phone => identifier::mask(IdentifierKind::Phone, value),
        Field::Email => identifier::mask(IdentifierKind::Email, value),
        Field::Address => serde_json::from_str::<Address>(value)
            .ok()
            .and_then(|a| a.masked().to_text())
            .unwrap_or_else(|| "***".to_owned()),
        Field::Name | Field::LatinName | Field::Locale => value.to_owned(),
    }
}

/// Opens a sealed column and masks it.
pub fn opened(
    app: &App,
    sealed: Option<&String>,
    field: Field,
    reveal: bool,
) -> Result<Option<String>, Problem> {
    let Some(sealed) = sealed else { return Ok(None) };
    Ok(Some(shown(field, &app.pii.open(sealed)?, reveal)))
}

/// Shows a customer to a member of `viewer`. The caller of this function answers for `reveal`.
pub async fn customer(
    app: &App,
    conn: &impl ConnectionTrait,
    viewer: &OrgPath,
    row: &customer::Model,
    reveal: bool,
) -> Result<CustomerView, Problem> {
    let golden = party::golden_of(&party::sources_of(app, conn, row.id).await?);
    let scope = (viewer, row.root_org.as_str(), party::kind_of(row));
    let contested =
        identifiers::contested(conn, &app.pii, scope, row.id, &golden.identifiers).await?;
    let tier = match &row.tier {
        Some(key) => tiers::find(conn, &row.root_org, key).await?,
        None => None,
    };
    let identifiers = golden.identifiers.into_iter().map(|i| IdentifierView {
        contested: contested.iter().any(|(c, _)| c.kind == i.kind && c.value == i.value),
        value: if reveal { i.value.clone() } else { identifier::mask(i.kind, &i.value) },
        kind: i.kind,
        valid: i.valid,
        problem: i.problem,
    });
    let address = opened(app, row.address_sealed.as_ref(), Field::Address, reveal)?;
    Ok(CustomerView {
        id: row.id,
        number: row.number.clone(),
        org: row.org.clone(),
        kind: party::kind_of(row),
        name: row.name.clone(),
        latin_name: row.latin_name.clone(),
        locale: row.locale.clone(),
        phone: opened(app, row.phone_sealed.as_ref(), Field::Phone, reveal)?,
        email: opened(app, row.email_sealed.as_ref(), Field::Email, reveal)?,
        address: address.and_then(|text| serde_json::from_str(&text).ok()),
        identifiers: identifiers.collect(),
        masked: !reveal,
        tier: row.tier.clone(),
        tier_until: row.tier_until,
        standard: tier.as_ref().map(StandardView::from),
        account_manager: row.account_manager.clone(),
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        matched_on: None,
    })
}

/// Shows a customer in a list.
pub fn item(app: &App, actor: &Actor, row: customer::Model) -> Result<CustomerItem, Problem> {
    Ok(CustomerItem {
        phone: opened(app, row.phone_sealed.as_ref(), Field::Phone, false)?,
        email: opened(app, row.email_sealed.as_ref(), Field::Email, false)?,
        kind: party::kind_of(&row),
        id: row.id,
        number: row.number,
        org: row.org,
        name: row.name,
        latin_name: row.latin_name,
        tier: row.tier,
        account_manager: actor.may_know(row.account_manager),
        version: row.version,
        updated_at: row.updated_at,
    })
}
