//! A customer arrives by REST: as a new one, or as one more source of a known one.

use kernel::{Context, Fields, Permission, Problem, codes};
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::ToSchema;

use super::{
    App,
    input::{self, CustomerInput, IdentifierInput, OnMatch},
    intake::{self, Intake, Taken},
};
use crate::domain::{identifier::PartyKind, rows::Address};
use crate::messages;

/// A new customer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    pub kind: PartyKind,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(min_length = 1, max_length = 200)]
    pub latin_name: Option<String>,
    /// Preferred language, `zh-CN` or `en`; `zh-CN` when absent.
    #[schema(pattern = "^(zh-CN|en)$")]
    pub locale: Option<String>,
    /// Any way of writing it; one that is no number is kept and marked.
    #[schema(min_length = 1, max_length = 100)]
    pub phone: Option<String>,
    #[schema(min_length = 1, max_length = 254)]
    pub email: Option<String>,
    #[schema(max_items = 20)]
    pub identifiers: Option<Vec<IdentifierInput>>,
    pub address: Option<Address>,
    /// Unit that brings the customer in; the caller's own when absent.
    #[schema(max_length = 330, pattern = "^(/[a-z0-9_-]{1,40}){1,8}$")]
    pub org: Option<String>,
    /// Key of a tier; needs `customer:admin`.
    #[schema(min_length = 1, max_length = 40)]
    pub tier: Option<String>,
    /// User id; needs `customer:admin`.
    #[schema(min_length = 1, max_length = 100)]
    pub account_manager: Option<String>,
    /// Name of the system that the record comes from; `api` when absent.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_.-]+$")]
    pub source: Option<String>,
    /// The record's key there; made up when absent.
    #[schema(min_length = 1, max_length = 200)]
    pub source_key: Option<String>,
    pub on_match: Option<OnMatch>,
}

impl NewCustomer {
    fn split(self) -> (CustomerInput, Option<String>, Option<String>, OnMatch) {
        let input = CustomerInput {
            kind: self.kind,
            name: self.name,
            latin_name: self.latin_name,
            locale: self.locale,
            phone: self.phone,
            email: self.email,
            identifiers: self.identifiers,
            address: self.address,
            org: self.org,
            tier: self.tier,
            account_manager: self.account_manager,
        };
        (input, self.source, self.source_key, self.on_match.unwrap_or_default())
    }
}

/// `POST /customers`.
pub async fn run(app: &App, tx: &Tx, ctx: &Context, new: NewCustomer) -> Result<Taken, Problem> {
    let (input, source, source_key, on_match) = new.split();
    let source = source.unwrap_or_else(|| "api".to_owned());
    take(app, tx, ctx, input, (source, source_key), on_match).await
}

/// `PUT /customers/by-source/{source}/{key}`.
pub async fn upsert(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (source, key): (String, String),
    input: CustomerInput,
) -> Result<Taken, Problem> {
    take(app, tx, ctx, input, (source, Some(key)), OnMatch::Attach).await
}

async fn take(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    input: CustomerInput,
    (source, source_key): (String, Option<String>),
    on_match: OnMatch,
) -> Result<Taken, Problem> {
    let mut fields = Fields::new();
    input.check(&mut fields);
    input::source_name(&mut fields, "/source", &source);
    input::optional(&mut fields, "/source_key", source_key.as_deref(), 200);
    fields.finish()?;
    if (input.tier.is_some() || input.account_manager.is_some())
        && !ctx.actor.can(Permission::CustomerAdmin)
    {
        let detail = messages::assigning_needs(Permission::CustomerAdmin);
        return Err(Problem::of(&codes::FORBIDDEN).detail(detail));
    }
    let intake = Intake {
        source,
        source_key,
        kind: input.kind,
        draft: input.draft(),
        received: received(&input)?,
        org: input::unit(&ctx.actor.org, input.org.as_deref())?,
        on_match,
        dry_run: false,
    };
    intake::run(app, tx, ctx, intake).await
}

fn received(input: &impl Serialize) -> Result<String, Problem> {
    Ok(serde_json::to_string(input)?)
}
