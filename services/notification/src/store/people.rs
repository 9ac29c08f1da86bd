//! Customers and staff.

use ::store::{Tx, sql};
use chrono::{DateTime, Utc};
use contracts::customer::CustomerSnapshot;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, sea_query::SelectStatement,
};
use uuid::Uuid;

use super::entities::{customer, staff, staff_role};

/// Takes over a customer's state unless a newer one is here already.
pub async fn put_customer(
    tx: &Tx,
    snapshot: CustomerSnapshot,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let statement = "INSERT INTO customer (id, org, number, name, email, phone, locale, account_manager, version, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET org = excluded.org, number = excluded.number, name = excluded.name,
           email = excluded.email, phone = excluded.phone, locale = excluded.locale,
           account_manager = excluded.account_manager, version = excluded.version, updated_at = excluded.updated_at
         WHERE customer.version < excluded.version";
    let values = vec![
        snapshot.customer_id.into(),
        snapshot.org.into(),
        snapshot.number.into(),
        snapshot.name.0.into(),
        snapshot.email.map(|sealed| sealed.0).into(),
        snapshot.phone.map(|sealed| sealed.0).into(),
        snapshot.locale.into(),
        snapshot.account_manager.into(),
        snapshot.version.into(),
        now.into(),
    ];
    sql::execute(tx, statement, values).await.map(drop)
}

pub async fn customer(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<customer::Model>, DbErr> {
    customer::Entity::find_by_id(id).one(conn).await
}

/// Whether the customer was erased.
pub async fn forgotten(conn: &impl ConnectionTrait, id: Uuid) -> Result<bool, DbErr> {
    let query = "SELECT 1 AS one FROM customer WHERE id = $1 AND erased_at IS NOT NULL";
    Ok(sql::one(conn, query, vec![id.into()]).await?.is_some())
}

pub async fn customers(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<Vec<customer::Model>, DbErr> {
    customer::Entity::find().filter(customer::Column::Id.is_in(ids)).all(conn).await
}

pub async fn staff(
    conn: &impl ConnectionTrait,
    root: &str,
    user_id: &str,
) -> Result<Option<staff::Model>, DbErr> {
    staff::Entity::find_by_id((root.to_owned(), user_id.to_owned())).one(conn).await
}

pub async fn staff_of(
    conn: &impl ConnectionTrait,
    root: &str,
    user_ids: Vec<String>,
) -> Result<Vec<staff::Model>, DbErr> {
    staff::Entity::find()
        .filter(staff::Column::Root.eq(root))
        .filter(staff::Column::UserId.is_in(user_ids))
        .all(conn)
        .await
}

/// Active members of staff who hold `role` and whose org is one of `orgs`.
pub async fn with_role(
    conn: &impl ConnectionTrait,
    orgs: &[String],
    role: kernel::Role,
) -> Result<Vec<staff::Model>, DbErr> {
    let Some(root) = orgs.first() else { return Ok(vec![]) };
    staff::Entity::find()
        .filter(staff::Column::Root.eq(root))
        .filter(staff::Column::UserId.in_subquery(holders(root, role)))
        .filter(staff::Column::Org.is_in(orgs))
        .filter(staff::Column::Active.eq(true))
        .order_by_asc(staff::Column::UserId)
        .all(conn)
        .await
}

/// Subquery: user ids of an enterprise's holders of a role.
pub fn holders(root: &str, role: kernel::Role) -> SelectStatement {
    staff_role::Entity::find()
        .select_only()
        .column(staff_role::Column::UserId)
        .filter(staff_role::Column::Root.eq(root))
        .filter(staff_role::Column::Role.eq(role.as_str()))
        .into_query()
}

pub async fn roles_of(
    conn: &impl ConnectionTrait,
    root: &str,
    user_ids: Vec<String>,
) -> Result<Vec<staff_role::Model>, DbErr> {
    staff_role::Entity::find()
        .filter(staff_role::Column::Root.eq(root))
        .filter(staff_role::Column::UserId.is_in(user_ids))
        .order_by_asc(staff_role::Column::Role)
        .all(conn)
        .await
}

/// Replaces a member of staff and his roles.
pub async fn put_staff(tx: &Tx, row: staff::Model, roles: &[kernel::Role]) -> Result<(), DbErr> {
    let statement =
        "INSERT INTO staff (root, user_id, org, name, email, locale, active, version, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (root, user_id) DO UPDATE SET org = excluded.org, name = excluded.name,
           email = excluded.email, locale = excluded.locale, active = excluded.active,
           version = staff.version + 1, updated_at = excluded.updated_at";
    let values = vec![
        row.root.clone().into(),
        row.user_id.clone().into(),
        row.org.into(),
        row.name.into(),
        row.email.into(),
        row.locale.into(),
        row.active.into(),
        row.version.into(),
        row.updated_at.into(),
    ];
    sql::execute(tx, statement, values).await?;
    staff_role::Entity::delete_many()
        .filter(staff_role::Column::Root.eq(&row.root))
        .filter(staff_role::Column::UserId.eq(&row.user_id))
        .exec(tx)
        .await?;
    let rows: Vec<_> = roles
        .iter()
        .map(|role| staff_role::ActiveModel {
            root: Set(row.root.clone()),
            user_id: Set(row.user_id.clone()),
            role: Set(role.as_str().to_owned()),
        })
        .collect();
    if !rows.is_empty() {
        staff_role::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}
