//! Leases: a named right that one process holds for a while, with a fence that grows at every
//! change of holder, so that work of a holder who slept past his time can be told apart.
//!
//! Time is the database's own, never the process's: a process whose clock is off neither keeps nor
//! steals a lease.

use std::time::Duration;

use sea_orm::DbErr;

use crate::{
    Db,
    fault::{Mutation, mutated},
    sql,
};

pub(crate) const DDL: &str = "
create table lease (
  name text primary key,
  holder text not null,
  fence bigint not null,
  until_ms bigint not null
);
create table counter (
  name text primary key,
  value bigint not null
);
";

/// Proof of a held lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    /// Grows by one whenever the holder changes.
    pub fence: i64,
}

/// Leases of one database, taken in the name of one process.
#[derive(Debug, Clone)]
pub struct Leases {
    db: Db,
    holder: String,
}

impl Leases {
    #[must_use]
    pub fn new(db: Db, holder: impl Into<String>) -> Self {
        Self { db, holder: holder.into() }
    }

    fn now(&self) -> &'static str {
        if self.db.is_postgres() {
            "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"
        } else {
            "cast(unixepoch('subsec') * 1000 as integer)"
        }
    }

    /// Takes or prolongs the lease; `None` while somebody else holds it.
    pub async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Lease>, DbErr> {
        if mutated(Mutation::Lease) {
            return Ok(Some(Lease { name: name.to_owned(), fence: 1 }));
        }
        let now = self.now();
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        let statement = format!(
            "INSERT INTO lease (name, holder, fence, until_ms) VALUES ($1, $2, 1, {now} + $3)
             ON CONFLICT (name) DO UPDATE SET
               fence = CASE WHEN lease.holder = excluded.holder THEN lease.fence ELSE lease.fence + 1 END,
               holder = excluded.holder, until_ms = excluded.until_ms
             WHERE lease.holder = excluded.holder OR lease.until_ms < {now}
             RETURNING fence"
        );
        let tx = self.db.begin().await?;
        let row = sql::one(
            &tx,
            &statement,
            vec![name.into(), self.holder.as_str().into(), ttl_ms.into()],
        )
        .await?;
        tx.commit().await?;
        row.map(|row| Ok(Lease { name: name.to_owned(), fence: row.try_get("", "fence")? }))
            .transpose()
    }

    /// Whether the lease is still held, seen from inside the caller's transaction: its row stays
    /// locked until that transaction ends, so nobody can take it over in between.
    pub async fn still_held(&self, tx: &crate::Tx, lease: &Lease) -> Result<bool, DbErr> {
        if mutated(Mutation::Lease) {
            return Ok(true);
        }
        let lock = if tx.is_postgres() { "FOR SHARE" } else { "" };
        let statement = format!(
            "SELECT 1 FROM lease WHERE name = $1 AND holder = $2 AND fence = $3 AND until_ms >= {} {lock}",
            self.now()
        );
        let values =
            vec![lease.name.as_str().into(), self.holder.as_str().into(), lease.fence.into()];
        Ok(sql::one(tx, &statement, values).await?.is_some())
    }

    /// SQL condition that holds while the database counts the lease as held; for statements that
    /// must do nothing for a holder who slept past his time.
    #[must_use]
    pub fn condition(&self, lease: &Lease) -> String {
        if mutated(Mutation::Lease) {
            return "1 = 1".to_owned();
        }
        format!(
            "EXISTS (SELECT 1 FROM lease WHERE name = '{}' AND holder = '{}' AND fence = {} AND until_ms >= {})",
            quoted(&lease.name),
            quoted(&self.holder),
            lease.fence,
            self.now()
        )
    }

    /// How many leases whose names begin so are held, by whomever.
    pub async fn alive(&self, prefix: &str) -> Result<usize, DbErr> {
        let statement = format!(
            "SELECT count(*) AS n FROM lease WHERE name LIKE $1 AND until_ms >= {}",
            self.now()
        );
        let row = sql::one(&self.db, &statement, vec![format!("{prefix}%").into()]).await?;
        let n: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
        Ok(usize::try_from(n).unwrap_or_default())
    }

    /// Removes the leases whose names begin so and which ran out; for leases that nobody else
    /// will ever ask for.
    pub async fn purge(&self, prefix: &str) -> Result<(), DbErr> {
        let statement =
            format!("DELETE FROM lease WHERE name LIKE $1 AND until_ms < {}", self.now());
        sql::execute(&self.db, &statement, vec![format!("{prefix}%").into()]).await.map(drop)
    }

    /// Gives the lease back at once, for a quick hand-over on shutdown.
    pub async fn release(&self, lease: &Lease) -> Result<(), DbErr> {
        sql::execute(
            &self.db,
            "UPDATE lease SET until_ms = 0 WHERE name = $1 AND holder = $2 AND fence = $3",
            vec![lease.name.as_str().into(), self.holder.as_str().into(), lease.fence.into()],
        )
        .await
        .map(drop)
    }
}

/// For a text between quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}
