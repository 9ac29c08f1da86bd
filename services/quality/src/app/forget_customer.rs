//! Free text about the service that a person got is overwritten: quotations, comments, reasons,
//! causes and notes may name him. What it said in marks (answers, scores, outcomes) stays.

use contracts::{ERASED, customer::CustomerErased};
use kernel::Problem;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde_json::Value;
use store::{Tx, sql};
use uuid::Uuid;

use crate::store::entities::{appeal, evaluation, inspection, rectification};

pub async fn run(tx: &Tx, event: CustomerErased) -> Result<(), Problem> {
    let ids: Vec<Uuid> = event.ids().collect();
    let inspected = inspection::Entity::find()
        .filter(inspection::Column::CustomerId.is_in(ids.iter().copied()))
        .all(tx)
        .await?;
    for row in &inspected {
        evaluations(tx, row.id).await?;
    }
    for id in &ids {
        rectifications(tx, *id).await?;
    }
    events::dead_letters::forget(tx, &ids).await?;
    Ok(())
}

async fn evaluations(tx: &Tx, inspection: Uuid) -> Result<(), Problem> {
    let of = evaluation::Column::InspectionId.eq(inspection);
    for row in evaluation::Entity::find().filter(of).all(tx).await? {
        let (answers, comment) = (worn(&row.answers), row.comment.as_ref().map(|_| ERASED.into()));
        let mut row = row.into_active_model();
        (row.answers, row.comment) = (Set(answers), Set(comment));
        row.update(tx).await?;
    }
    let of = appeal::Column::InspectionId.eq(inspection);
    for row in appeal::Entity::find().filter(of).all(tx).await? {
        let (items, before) = (worn(&row.items), worn(&row.answers_before));
        let (changes, reason) =
            (row.changes.as_ref().map(worn), row.reason.as_ref().map(|_| ERASED.into()));
        let mut row = row.into_active_model();
        (row.items, row.answers_before) = (Set(items), Set(before));
        (row.changes, row.reason) = (Set(changes), Set(reason));
        row.update(tx).await?;
    }
    Ok(())
}

async fn rectifications(tx: &Tx, customer: Uuid) -> Result<(), Problem> {
    let of = rectification::Column::CustomerId.eq(customer);
    for row in rectification::Entity::find().filter(of).all(tx).await? {
        let overwrite = "UPDATE rectification_step SET note = $1
           WHERE note IS NOT NULL AND rectification_id = $2";
        sql::execute(tx, overwrite, vec![ERASED.into(), row.id.into()]).await?;
        let required = row.required_evidence.as_ref().map(|_| ERASED.to_owned());
        let evidence = row.evidence.as_ref().map(|_| ERASED.to_owned());
        let mut row = row.into_active_model();
        (row.title, row.cause) = (Set(ERASED.into()), Set(ERASED.into()));
        (row.required_evidence, row.evidence) = (Set(required), Set(evidence));
        row.update(tx).await?;
    }
    Ok(())
}

/// The same answers or disputed items without anybody's words.
fn worn(items: &Value) -> Value {
    let mut items = items.clone();
    for item in items.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        for word in ["comment", "evidence", "reason"] {
            if let Some(text) = item.get_mut(word).filter(|text| text.is_string()) {
                *text = ERASED.into();
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_stay_and_words_go() {
        let given =
            json!([{ "item": "a", "value": 3, "na": false, "comment": "张三", "evidence": null }]);
        let left =
            json!([{ "item": "a", "value": 3, "na": false, "comment": ERASED, "evidence": null }]);
        assert_eq!(worn(&given), left);
    }
}
