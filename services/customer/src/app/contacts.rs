//! Contact persons of an organisation.

use chrono::{DateTime, Utc};
use kernel::{Context, Fields, Problem};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, input, party, view};
use crate::{
    codes,
    domain::{
        identifier::{Identifier, IdentifierKind, PartyKind},
        name,
        record::Field,
    },
    messages,
    store::{
        customers,
        entities::{contact, customer},
    },
};

/// Contacts that one organisation may have.
pub const MOST: u64 = 200;

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactInput {
    /// What the person is for: `buyer`, `invoice`, 采购, 财务, …
    #[schema(min_length = 1, max_length = 100)]
    pub role: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(min_length = 1, max_length = 100)]
    pub phone: Option<String>,
    #[schema(min_length = 1, max_length = 254)]
    pub email: Option<String>,
    #[schema(pattern = "^(zh-CN|en)$")]
    pub locale: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContactView {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub role: String,
    pub name: String,
    /// E.164 when valid, else as received; masked unless revealed.
    pub phone: Option<String>,
    pub phone_valid: bool,
    pub email: Option<String>,
    pub email_valid: bool,
    pub locale: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ContactInput {
    fn check(&self) -> Result<(), Problem> {
        let mut fields = Fields::new();
        fields.text("/role", &name::normalise(&self.role), 1, 100);
        input::name(&mut fields, "/name", Some(&self.name));
        input::reach(&mut fields, "/phone", self.phone.as_deref(), 100);
        input::reach(&mut fields, "/email", self.email.as_deref(), 254);
        input::locale(&mut fields, self.locale.as_deref());
        fields.finish()
    }

    fn write(self, app: &App, row: &mut contact::Model) {
        let today = app.now().date_naive();
        let sealed = |kind: IdentifierKind, raw: Option<String>| {
            let read = raw.map(|raw| Identifier::read(kind, &raw, today));
            let valid = read.as_ref().is_some_and(|i| i.valid);
            (read.map(|i| app.pii.seal(&i.value)), valid)
        };
        row.role = name::normalise(&self.role);
        row.name = name::normalise(&self.name);
        (row.phone_sealed, row.phone_valid) = sealed(IdentifierKind::Phone, self.phone);
        (row.email_sealed, row.email_valid) = sealed(IdentifierKind::Email, self.email);
        row.locale = self.locale;
        row.updated_at = app.now();
    }
}

fn shown(app: &App, row: contact::Model, reveal: bool) -> Result<ContactView, Problem> {
    Ok(ContactView {
        phone: view::opened(app, row.phone_sealed.as_ref(), Field::Phone, reveal)?,
        email: view::opened(app, row.email_sealed.as_ref(), Field::Email, reveal)?,
        id: row.id,
        customer_id: row.customer_id,
        role: row.role,
        name: row.name,
        phone_valid: row.phone_valid,
        email_valid: row.email_valid,
        locale: row.locale,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The organisation, locked: its contacts and search words change together.
async fn organisation(tx: &Tx, ctx: &Context, id: Uuid) -> Result<customer::Model, Problem> {
    let seen = customers::find(tx, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let row = customers::lock(tx, seen.id).await?.ok_or_else(Problem::not_found)?;
    match party::kind_of(&row) {
        PartyKind::Organisation => Ok(row),
        PartyKind::Person => Err(Problem::of(&codes::NOT_AN_ORGANISATION)),
    }
}

/// Contacts of a customer, those from before a merge too.
async fn all_of(
    conn: &impl ConnectionTrait,
    customer: Uuid,
) -> Result<Select<contact::Entity>, Problem> {
    let ids = customers::all_ids(conn, customer).await?;
    Ok(contact::Entity::find().filter(contact::Column::CustomerId.is_in(ids)))
}

async fn one(
    conn: &impl ConnectionTrait,
    customer: Uuid,
    id: Uuid,
) -> Result<contact::Model, Problem> {
    all_of(conn, customer)
        .await?
        .filter(contact::Column::Id.eq(id))
        .one(conn)
        .await?
        .ok_or_else(Problem::not_found)
}

pub async fn create(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    customer: Uuid,
    input: ContactInput,
) -> Result<ContactView, Problem> {
    input.check()?;
    let row = organisation(tx, ctx, customer).await?;
    let count = all_of(tx, row.id).await?.count(tx).await?;
    if count >= MOST {
        let detail = messages::most_contacts(MOST);
        return Err(Problem::of(&kernel::codes::CONFLICT).detail(detail));
    }
    let now = app.now();
    let mut new = contact::Model {
        id: kernel::new_id(),
        customer_id: row.id,
        role: String::new(),
        name: String::new(),
        phone_sealed: None,
        phone_valid: false,
        email_sealed: None,
        email_valid: false,
        locale: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    input.write(app, &mut new);
    let new = new.into_active_model().insert(tx).await?;
    party::index(tx, &row).await?;
    shown(app, new, false)
}

pub async fn replace(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (customer, id, version): (Uuid, Uuid, i64),
    input: ContactInput,
) -> Result<ContactView, Problem> {
    input.check()?;
    let row = organisation(tx, ctx, customer).await?;
    let mut contact = one(tx, row.id, id).await?;
    http::check_version(version, contact.version)?;
    input.write(app, &mut contact);
    contact.version += 1;
    let contact = contact.into_active_model().reset_all().update(tx).await?;
    party::index(tx, &row).await?;
    shown(app, contact, false)
}

pub async fn remove(
    tx: &Tx,
    ctx: &Context,
    (customer, id, version): (Uuid, Uuid, i64),
) -> Result<(), Problem> {
    let row = organisation(tx, ctx, customer).await?;
    let contact = one(tx, row.id, id).await?;
    http::check_version(version, contact.version)?;
    contact.delete(tx).await?;
    party::index(tx, &row).await
}

/// All contacts of a customer, oldest first; a person has none.
pub async fn list(
    app: &App,
    conn: &impl ConnectionTrait,
    ctx: &Context,
    customer: Uuid,
    reveal: bool,
) -> Result<(Uuid, Vec<ContactView>), Problem> {
    let row =
        customers::find(conn, &ctx.actor.org, customer).await?.ok_or_else(Problem::not_found)?;
    let rows =
        all_of(conn, row.id).await?.order_by_asc(contact::Column::Id).limit(MOST).all(conn).await?;
    let views: Result<Vec<ContactView>, Problem> =
        rows.into_iter().map(|contact| shown(app, contact, reveal)).collect();
    Ok((row.id, views?))
}

pub async fn read(
    app: &App,
    ctx: &Context,
    customer: Uuid,
    id: Uuid,
) -> Result<ContactView, Problem> {
    let row =
        customers::find(&app.db, &ctx.actor.org, customer).await?.ok_or_else(Problem::not_found)?;
    shown(app, one(&app.db, row.id, id).await?, false)
}
