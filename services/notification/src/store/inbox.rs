//! Inbox items. Numbers count per user, under the lock of his counter, so that they become
//! visible in their order and a reader who knows the last one misses nothing.

use ::store::{Db, Row, Tx, sql};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::entities::inbox_item::{Column, Entity, Model};

/// Whose inbox: enterprise and user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub root: String,
    pub user_id: String,
}

fn counter(owner: &Owner) -> String {
    format!("inbox:{}:{}", owner.root, owner.user_id)
}

/// Adds an item under the owner's next number, just before the commit: whoever supervises many gets
/// items from many transactions at once. `make` gets that number.
pub fn add(tx: &Tx, owner: &Owner, make: impl FnOnce(i64) -> Model + Send + 'static) {
    let counter = counter(owner);
    tx.before_commit(counter.clone(), move |tx| {
        Box::pin(async move {
            let seq = sql::next_number(tx, &counter).await?;
            tx.insert_later(Row::of::<Entity>(&make(seq)));
            Ok(())
        })
    });
}

/// Newest number, 0 for an empty inbox.
pub async fn last_seq(db: &Db, owner: &Owner) -> Result<i64, DbErr> {
    let row =
        sql::one(db, "SELECT value FROM counter WHERE name = $1", vec![counter(owner).into()]);
    row.await?.map_or(Ok(0), |row| row.try_get("", "value"))
}

/// Up to `limit` items: older than `before` first, the newest of them at the front.
pub async fn page(
    db: &Db,
    owner: &Owner,
    before: Option<i64>,
    unread: bool,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut query = of(owner);
    if let Some(seq) = before {
        query = query.filter(Column::Seq.lt(seq));
    }
    if unread {
        query = query.filter(Column::ReadAt.is_null());
    }
    query.order_by_desc(Column::Seq).limit(limit).all(db).await
}

/// Items after number `after`, oldest first.
pub async fn after(db: &Db, owner: &Owner, after: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    of(owner).filter(Column::Seq.gt(after)).order_by_asc(Column::Seq).limit(limit).all(db).await
}

pub async fn count(db: &Db, owner: &Owner, unread: bool) -> Result<u64, DbErr> {
    let query = of(owner);
    let query = if unread { query.filter(Column::ReadAt.is_null()) } else { query };
    query.count(db).await
}

/// Marks an item as read, once; answers it, or `None` if there is no such item.
pub async fn read(
    tx: &Tx,
    owner: &Owner,
    seq: i64,
    now: DateTime<Utc>,
) -> Result<Option<Model>, DbErr> {
    let update = "UPDATE inbox_item SET read_at = $4
         WHERE root = $1 AND user_id = $2 AND seq = $3 AND read_at IS NULL";
    let values =
        vec![owner.root.as_str().into(), owner.user_id.as_str().into(), seq.into(), now.into()];
    sql::execute(tx, update, values).await?;
    of(owner).filter(Column::Seq.eq(seq)).one(tx).await
}

fn of(owner: &Owner) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::Root.eq(&owner.root)).filter(Column::UserId.eq(&owner.user_id))
}
