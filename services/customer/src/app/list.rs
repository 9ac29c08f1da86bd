//! Finding customers: by words (Chinese, pinyin, Latin, number), by an exact identifier, by tier,
//! account manager, unit and kind.

use kernel::{Context, OrgPath, Page, PageQuery, Problem, codes, messages as shared};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::Deserialize;
use store::fts;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    App,
    view::{self, CustomerItem},
};
use crate::{
    domain::identifier::{self, PartyKind},
    store::{
        customers,
        entities::{customer, customer_org},
        identifiers,
    },
};

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomerQuery {
    /// Words, all of which must occur: names in Chinese, pinyin or Latin, customer number, names
    /// of contacts.
    #[param(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// A whole phone number, e-mail address or other identifier, in any way of writing it.
    #[param(min_length = 1, max_length = 254)]
    pub identifier: Option<String>,
    pub kind: Option<PartyKind>,
    #[param(min_length = 1, max_length = 40)]
    pub tier: Option<String>,
    #[param(min_length = 1, max_length = 100)]
    pub account_manager: Option<String>,
    /// Customers that this unit or one below it has brought in.
    #[param(max_length = 330, pattern = "^(/[a-z0-9_-]{1,40}){1,8}$")]
    pub org: Option<String>,
    /// `next_cursor` of the page before.
    #[param(max_length = 2000)]
    pub cursor: Option<String>,
    /// 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Whether to count all.
    pub total: Option<bool>,
}

/// Newest first.
pub async fn run(
    app: &App,
    ctx: &Context,
    query: CustomerQuery,
) -> Result<Page<CustomerItem>, Problem> {
    let paging = PageQuery { cursor: query.cursor.clone(), limit: query.limit, total: query.total };
    let limit = paging.limit()?;
    let filter = format!(
        "customers:{}:{:?}",
        ctx.actor.org,
        (&query.q, &query.identifier, query.kind, &query.tier, &query.account_manager, &query.org)
    );
    let after: Option<Uuid> = paging.after(&filter)?;
    let select = select(app, ctx, &query).await?;
    let total = match query.total {
        Some(true) => Some(select.clone().count(&app.db).await?),
        _ => None,
    };
    let mut page = select.order_by_desc(customer::Column::Id).limit(limit + 1);
    if let Some(after) = after {
        page = page.filter(customer::Column::Id.lt(after));
    }
    let rows = page.all(&app.db).await?;
    let show = |row| view::item(app, &ctx.actor, row);
    let page = Page::of(rows, limit, &filter, |row| row.id, show);
    let items: Result<Vec<CustomerItem>, Problem> = page.items.into_iter().collect();
    Ok(Page { items: items?, next_cursor: page.next_cursor, total })
}

async fn select(
    app: &App,
    ctx: &Context,
    query: &CustomerQuery,
) -> Result<Select<customer::Entity>, Problem> {
    let own = &ctx.actor.org;
    let mut select = customer::Entity::find().filter(customers::visible_to(own));
    if let Some(words) = &query.q {
        bounded("/q", words, 200)?;
        select = select.filter(fts::matches(&app.db, "customer", ("customer", "id"), words));
    }
    if let Some(text) = &query.identifier {
        bounded("/identifier", text, 254)?;
        let read = identifier::candidates(text, app.now().date_naive());
        let ids =
            identifiers::stated_by(&app.db, &app.pii, own.root().as_str(), &read, 200).await?;
        select = select.filter(customer::Column::Id.is_in(ids));
    }
    if let Some(kind) = query.kind {
        select = select.filter(customer::Column::Kind.eq(kind.as_str()));
    }
    if let Some(tier) = &query.tier {
        select = select.filter(customer::Column::Tier.eq(tier.as_str()));
    }
    if let Some(manager) = &query.account_manager {
        if ctx.actor.may_know(Some(manager.clone())).is_none() {
            let refused = Problem::of(&codes::FORBIDDEN);
            return Err(refused.field("/account_manager", "withheld", shared::not_by_staff()));
        }
        select = select.filter(customer::Column::AccountManager.eq(manager.as_str()));
    }
    if let Some(text) = &query.org {
        let org = OrgPath::parse(text).map_err(|_| {
            Problem::of(&codes::INVALID_QUERY).field("/org", "bad-org", shared::malformed_org())
        })?;
        let brought_in = {
            use sea_orm::QueryTrait;
            customer_org::Entity::find()
                .select_only()
                .column(customer_org::Column::CustomerId)
                .filter(http::org_filter(&org, customer_org::Column::Org))
                .into_query()
        };
        select = select.filter(customer::Column::Id.in_subquery(brought_in));
    }
    Ok(select)
}

fn bounded(pointer: &str, text: &str, max: usize) -> Result<(), Problem> {
    let length = text.chars().count();
    if (1..=max).contains(&length) && !text.contains('\0') {
        return Ok(());
    }
    let detail = shared::length_between(1, max);
    Err(Problem::of(&codes::INVALID_QUERY).field(pointer, "bad-length", detail))
}
