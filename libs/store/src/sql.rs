//! Raw SQL for the few statements that the query builder cannot say. `$1` placeholders work on
//! both databases.

use sea_orm::{ConnectionTrait, DbErr, ExecResult, FromQueryResult, QueryResult, Statement, Value};

fn statement(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

/// Runs a statement; `rows_affected` tells what it did.
pub async fn execute(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<ExecResult, DbErr> {
    conn.execute_raw(statement(conn, sql, values)).await
}

pub async fn one(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>, DbErr> {
    conn.query_one_raw(statement(conn, sql, values)).await
}

pub async fn all(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    conn.query_all_raw(statement(conn, sql, values)).await
}

/// Rows as `T` (derive `FromQueryResult`).
pub async fn rows<T: FromQueryResult>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<T>, DbErr> {
    all(conn, sql, values).await?.iter().map(|row| T::from_query_result(row, "")).collect()
}

/// Next value of a named counter, from 1, unique under concurrency: the counter's row is locked
/// until the transaction ends. Table: `counter(name text primary key, value bigint)`.
pub async fn next_number(tx: &crate::Tx, counter: &str) -> Result<i64, DbErr> {
    let row = one(
        tx,
        "INSERT INTO counter (name, value) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
        vec![counter.into()],
    )
    .await?;
    row.ok_or_else(|| DbErr::RecordNotInserted)?.try_get("", "value")
}

/// Waits until nobody else holds the lock of this name, and holds it until the transaction ends. On
/// SQLite every write transaction is alone anyway.
pub async fn lock(tx: &crate::Tx, name: &str) -> Result<(), DbErr> {
    if !tx.is_postgres() {
        return Ok(());
    }
    let statement = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    execute(tx, statement, vec![name.into()]).await.map(drop)
}
