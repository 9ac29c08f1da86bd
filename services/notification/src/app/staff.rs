//! The directory of staff, as it is read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{Arg, Context, Page, PageQuery, Permission, Problem, Role, codes};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    App,
    domain::address::masked,
    messages,
    store::{
        entities::staff::{Column, Entity, Model},
        people, root_of,
    },
};

/// A member of staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffView {
    /// `sub` of his tokens.
    pub user_id: String,
    pub org: String,
    pub name: String,
    /// Masked unless the caller has `pii:read`.
    pub email: Option<String>,
    pub roles: Vec<String>,
    /// `zh-CN` or `en`.
    pub locale: String,
    /// Whoever has left gets nothing.
    pub active: bool,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StaffQuery {
    /// Only who holds this role.
    #[param(max_length = 64, example = "supervisor")]
    pub role: Option<String>,
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub total: Option<bool>,
}

/// Members of the caller's subtree by user id.
pub async fn list(app: &App, ctx: &Context, query: StaffQuery) -> Result<Page<StaffView>, Problem> {
    let role = query.role.as_deref().map(role).transpose()?;
    let paging = PageQuery { cursor: query.cursor, limit: query.limit, total: query.total };
    let fingerprint = format!("staff {} {:?}", ctx.actor.org, query.role);
    let limit = paging.limit()?;
    let root = ctx.actor.org.root();
    let mut select = Entity::find()
        .filter(Column::Root.eq(root.as_str()))
        .filter(http::org_filter(&ctx.actor.org, Column::Org));
    if let Some(role) = role {
        select = select.filter(Column::UserId.in_subquery(people::holders(root.as_str(), role)));
    }
    let total = match query.total {
        Some(true) => Some(select.clone().count(&app.db).await?),
        _ => None,
    };
    if let Some(after) = paging.after::<String>(&fingerprint)? {
        select = select.filter(Column::UserId.gt(after));
    }
    let rows = select.order_by_asc(Column::UserId).limit(limit + 1).all(&app.db).await?;
    let views = views(app, ctx, &app.db, rows).await?;
    let page = Page::of(views, limit, &fingerprint, |view| view.user_id.clone(), |view| view);
    Ok(Page { total, ..page })
}

fn role(word: &str) -> Result<Role, Problem> {
    word.parse().map_err(|()| {
        let detail =
            messages::unknown_role(word, Arg::list(Role::ALL.iter().map(|role| role.as_str())));
        Problem::of(&codes::INVALID_QUERY).field("/role", "unknown-role", detail)
    })
}

pub async fn one(app: &App, ctx: &Context, user_id: &str) -> Result<StaffView, Problem> {
    let root = root_of(ctx.actor.org.as_str());
    let row = people::staff(&app.db, &root, user_id).await?;
    let row = row.filter(|r| ctx.actor.org.covers(&r.org)).ok_or_else(Problem::not_found)?;
    views(app, ctx, &app.db, vec![row]).await?.pop().ok_or_else(Problem::not_found)
}

/// Rows with their roles, as the caller may see them.
pub async fn views(
    app: &App,
    ctx: &Context,
    conn: &impl ConnectionTrait,
    rows: Vec<Model>,
) -> Result<Vec<StaffView>, Problem> {
    let Some(first) = rows.first() else { return Ok(vec![]) };
    let ids = rows.iter().map(|row| row.user_id.clone()).collect();
    let mut roles: HashMap<String, Vec<String>> = HashMap::new();
    for row in people::roles_of(conn, &first.root, ids).await? {
        roles.entry(row.user_id).or_default().push(row.role);
    }
    let clear = ctx.actor.can(Permission::PiiRead);
    rows.into_iter()
        .map(|row| {
            let email = row.email.map(|sealed| app.pii.open(&sealed)).transpose()?;
            Ok(StaffView {
                roles: roles.remove(&row.user_id).unwrap_or_default(),
                email: email.map(|email| if clear { email } else { masked(&email) }),
                user_id: row.user_id,
                org: row.org,
                name: row.name,
                locale: row.locale,
                active: row.active,
                version: row.version,
                updated_at: row.updated_at,
            })
        })
        .collect()
}
