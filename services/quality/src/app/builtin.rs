//! Gives an enterprise the built-in scorecard when it first needs one.

use kernel::{OrgPath, Problem, new_id};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter,
    sea_query::OnConflict,
};
use store::Tx;
use uuid::Uuid;

use super::App;
use crate::{
    domain::builtin,
    store::{
        entities::{scorecard, scorecard_version},
        insert_unless, json,
    },
};

/// Id of the enterprise's built-in scorecard, which is published now if it was not yet.
pub async fn ensure(app: &App, tx: &Tx, org: &str) -> Result<Uuid, Problem> {
    let root = OrgPath::parse(org)?.root();
    if let Some(id) = find(tx, &root).await? {
        return Ok(id);
    }
    let (id, now) = (new_id(), app.clock.now());
    let card = scorecard::ActiveModel {
        id: Set(id),
        org: Set(root.to_string()),
        key: Set(builtin::KEY.to_owned()),
        title: Set(json(&builtin::title())?),
        latest_published: Set(Some(1)),
        created_at: Set(now),
        created_by: Set("system".to_owned()),
        version: Set(1),
    };
    let unique = OnConflict::columns([scorecard::Column::Org, scorecard::Column::Key]);
    if insert_unless(tx, card, unique).await? {
        let version = scorecard_version::ActiveModel {
            id: Set(new_id()),
            scorecard_id: Set(id),
            number: Set(1),
            state: Set("published".to_owned()),
            form: Set(json(&builtin::form())?),
            published_at: Set(Some(now)),
            published_by: Set(Some("system".to_owned())),
        };
        version.insert(tx).await?;
        return Ok(id);
    }
    let there = find(tx, &root).await?;
    there.ok_or_else(|| Problem::internal("the built-in scorecard is neither new nor there"))
}

async fn find(tx: &Tx, root: &OrgPath) -> Result<Option<Uuid>, Problem> {
    let found = scorecard::Entity::find()
        .filter(scorecard::Column::Org.eq(root.as_str()))
        .filter(scorecard::Column::Key.eq(builtin::KEY))
        .one(tx)
        .await?;
    Ok(found.map(|card| card.id))
}
