//! Switches of workflows.

use std::collections::HashMap;

use ::store::{Tx, sql};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::{entities::workflow_setting, line_of};

/// The switches that count for `org`, by workflow; of several the nearest.
pub async fn effective(
    conn: &impl ConnectionTrait,
    org: &str,
) -> Result<HashMap<String, workflow_setting::Model>, DbErr> {
    let rows = workflow_setting::Entity::find()
        .filter(workflow_setting::Column::Org.is_in(line_of(org)))
        .all(conn)
        .await?;
    let mut nearest: HashMap<String, workflow_setting::Model> = HashMap::new();
    for row in rows {
        match nearest.get(&row.workflow) {
            // Of two units of one line the longer path is the nearer.
            Some(known) if known.org.len() > row.org.len() => {}
            _ => {
                nearest.insert(row.workflow.clone(), row);
            }
        }
    }
    Ok(nearest)
}

/// `org`'s own switch.
pub async fn own(
    conn: &impl ConnectionTrait,
    org: &str,
    workflow: &str,
) -> Result<Option<workflow_setting::Model>, DbErr> {
    workflow_setting::Entity::find_by_id((org.to_owned(), workflow.to_owned())).one(conn).await
}

/// Sets `org`'s switch if its version is still `old` (0: there is none); answers whether it was.
pub async fn put(
    tx: &Tx,
    (org, workflow): (&str, &str),
    enabled: bool,
    old: i64,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let statement =
        "INSERT INTO workflow_setting (org, workflow, enabled, version, updated_by, updated_at)
         VALUES ($1, $2, $3, 1, $4, $5)
         ON CONFLICT (org, workflow) DO UPDATE SET enabled = excluded.enabled,
           version = workflow_setting.version + 1, updated_by = excluded.updated_by,
           updated_at = excluded.updated_at
         WHERE workflow_setting.version = $6";
    let values =
        vec![org.into(), workflow.into(), enabled.into(), by.into(), now.into(), old.into()];
    Ok(sql::execute(tx, statement, values).await?.rows_affected() == 1)
}
