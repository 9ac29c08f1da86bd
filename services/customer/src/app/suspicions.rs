//! Suspected duplicates: who may know of them, and what becomes of them.

use chrono::{DateTime, Utc};
use kernel::{Context, OrgPath, Page, PageQuery, Problem};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{App, party, unite, view};
use crate::{
    codes,
    domain::{
        identifier::{IdentifierKind, PartyKind},
        name,
        record::Field,
        suspicion::{self, Opinion, Sight, State, Step},
    },
    store::{
        candidates,
        entities::{
            customer,
            suspected_duplicate::{Column, Entity, Model},
        },
        suspects,
    },
};

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuspicionQuery {
    #[param(inline)]
    pub state: Option<State>,
    /// `next_cursor` of the page before.
    #[param(max_length = 2000)]
    pub cursor: Option<String>,
    /// 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Whether to count all.
    pub total: Option<bool>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionInput {
    pub decision: Opinion,
}

/// Two customers who may be one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SuspicionView {
    pub id: Uuid,
    pub state: State,
    /// Kinds of the identifiers that both have.
    pub matched_on: Vec<IdentifierKind>,
    /// The one who was there first, and is left when both are the same.
    pub known: SideView,
    pub newcomer: SideView,
    pub suspected_at: DateTime<Utc>,
    /// Who of the known customer's unit has said `same`, where somebody of the newcomer's unit has
    /// to agree.
    pub agreed_by: Option<String>,
    pub agreed_at: Option<DateTime<Utc>>,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// One of the two; of another unit's customer only what helps to recognise them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SideView {
    /// Absent for a customer whom the caller does not see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub customer_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub number: Option<String>,
    pub org: String,
    pub kind: PartyKind,
    /// The first character only, for a customer whom the caller does not see.
    pub name: String,
    /// Masked.
    pub phone: Option<String>,
    /// Masked.
    pub email: Option<String>,
}

/// Newest first.
pub async fn list(
    app: &App,
    ctx: &Context,
    query: SuspicionQuery,
) -> Result<Page<SuspicionView>, Problem> {
    let paging = PageQuery { cursor: query.cursor.clone(), limit: query.limit, total: query.total };
    let limit = paging.limit()?;
    let own = &ctx.actor.org;
    let filter = format!("suspicions:{own}:{:?}", query.state);
    let after: Option<Uuid> = paging.after(&filter)?;
    let mut select = Entity::find().filter(suspects::visible_to(own));
    if let Some(state) = query.state {
        select = select.filter(Column::State.eq(state.as_str()));
    }
    let total = match query.total {
        Some(true) => Some(select.clone().count(&app.db).await?),
        _ => None,
    };
    let mut page = select.order_by_desc(Column::Id).limit(limit + 1);
    if let Some(after) = after {
        page = page.filter(Column::Id.lt(after));
    }
    let rows = page.all(&app.db).await?;
    let page = Page::of(rows, limit, &filter, |row| row.id, |row| row);
    let items = views(app, &app.db, own, page.items).await?;
    Ok(Page { items, next_cursor: page.next_cursor, total })
}

pub async fn read(app: &App, ctx: &Context, id: Uuid) -> Result<SuspicionView, Problem> {
    let own = &ctx.actor.org;
    let row = Entity::find_by_id(id).filter(suspects::visible_to(own)).one(&app.db).await?;
    one(app, &app.db, own, row.ok_or_else(Problem::not_found)?).await
}

/// Somebody says whether the two are one. Who decided what stays written, and `different` holds
/// for ever: the same pair is not suspected again.
pub async fn decide(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (id, version): (Uuid, i64),
    input: DecisionInput,
) -> Result<SuspicionView, Problem> {
    let own = &ctx.actor.org;
    let mut row = suspects::lock(tx, own, id).await?.ok_or_else(Problem::not_found)?;
    http::check_version(version, row.version)?;
    let seen = candidates::seen_by(tx, own, &[row.known_id, row.newcomer_id]).await?;
    let sight =
        Sight { known: seen.contains(&row.known_id), newcomer: seen.contains(&row.newcomer_id) };
    if !sight.suffices(row.agreed_at.is_some()) {
        return Err(Problem::not_found());
    }
    let step = suspicion::step(state_of(&row)?, input.decision, sight)
        .ok_or_else(|| Problem::of(&codes::ALREADY_DECIDED))?;
    let (by, now) = (Some(ctx.actor.id.clone()), Some(app.now()));
    let state = match step {
        Step::Nothing => return one(app, tx, own, row).await,
        Step::Agree => {
            (row.agreed_by, row.agreed_at) = (by, now);
            State::Agreed
        }
        Step::Part => {
            (row.decided_by, row.decided_at) = (by, now);
            State::Different
        }
        Step::Unite => {
            unite::run(app, tx, ctx, (row.newcomer_id, row.known_id)).await?;
            (row.decided_by, row.decided_at) = (by, now);
            State::Same
        }
    };
    row.state = state.as_str().to_owned();
    row.version += 1;
    let row = row.into_active_model().reset_all().update(tx).await?;
    one(app, tx, own, row).await
}

fn state_of(row: &Model) -> Result<State, Problem> {
    State::parse(&row.state).ok_or_else(|| Problem::internal("an unknown state of a suspicion"))
}

async fn one(
    app: &App,
    conn: &impl ConnectionTrait,
    own: &OrgPath,
    row: Model,
) -> Result<SuspicionView, Problem> {
    views(app, conn, own, vec![row]).await?.pop().ok_or_else(Problem::not_found)
}

/// Shows suspicions with both customers; one of whom nothing is left is passed over.
async fn views(
    app: &App,
    conn: &impl ConnectionTrait,
    own: &OrgPath,
    rows: Vec<Model>,
) -> Result<Vec<SuspicionView>, Problem> {
    let ids: Vec<Uuid> = rows.iter().flat_map(|row| [row.known_id, row.newcomer_id]).collect();
    let customers =
        customer::Entity::find().filter(customer::Column::Id.is_in(ids.clone())).all(conn).await?;
    let seen = candidates::seen_by(conn, own, &ids).await?;
    let find = |id: Uuid| customers.iter().find(|row| row.id == id);
    let mut views = vec![];
    for row in rows {
        let (Some(known), Some(newcomer)) = (find(row.known_id), find(row.newcomer_id)) else {
            continue;
        };
        let state = state_of(&row)?;
        let sees_known = seen.contains(&row.known_id);
        // A former customer is seen by whoever sees the one that they are now.
        let sees_newcomer = seen.contains(&row.newcomer_id) || (state == State::Same && sees_known);
        views.push(SuspicionView {
            id: row.id,
            state,
            matched_on: row.matched_on.split(',').filter_map(|kind| kind.parse().ok()).collect(),
            known: side(app, known, sees_known)?,
            newcomer: side(app, newcomer, sees_newcomer)?,
            suspected_at: row.suspected_at,
            agreed_by: row.agreed_by,
            agreed_at: row.agreed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            version: row.version,
        });
    }
    Ok(views)
}

fn side(app: &App, row: &customer::Model, seen: bool) -> Result<SideView, Problem> {
    let shown = |sealed: &Option<String>, field| match seen {
        true => view::opened(app, sealed.as_ref(), field, false),
        false => Ok(None),
    };
    Ok(SideView {
        customer_id: seen.then_some(row.id),
        number: seen.then(|| row.number.clone()),
        org: row.org.clone(),
        kind: party::kind_of(row),
        name: if seen { row.name.clone() } else { name::mask(&row.name) },
        phone: shown(&row.phone_sealed, Field::Phone)?,
        email: shown(&row.email_sealed, Field::Email)?,
    })
}
