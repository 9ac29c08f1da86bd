//! Triggers.

use kernel::{OrgPath, PageQuery, Problem};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entities::{survey, survey_trigger};
use crate::domain::trigger::{LowScore, Rule, TriggerEvent};

impl survey_trigger::Model {
    /// The trigger as the rule needs it.
    pub fn rule(&self) -> Result<Rule, Problem> {
        let event = TriggerEvent::parse(&self.event).ok_or_else(|| {
            Problem::internal(format!("trigger {} has the unknown event {:?}", self.id, self.event))
        })?;
        Ok(Rule {
            trigger_id: self.id,
            survey_id: self.survey_id,
            org: self.org.clone(),
            event,
            filters: serde_json::from_value(self.filters.clone())?,
            cool_down_days: self.cool_down_days,
            cool_down_across_days: self.cool_down_across_days,
        })
    }

    #[must_use]
    pub fn low_score(&self) -> Option<LowScore> {
        Some(LowScore { question: self.low_score_question.clone()?, max: self.low_score_max? })
    }
}

pub async fn get(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<survey_trigger::Model, Problem> {
    let found = survey_trigger::Entity::find_by_id(id).one(conn).await?;
    found.filter(|t| org.covers(&t.org)).ok_or_else(Problem::not_found)
}

/// One more row than asked for, in the order of creation; and how many there are, if asked.
pub async fn list(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    page: &PageQuery,
) -> Result<(Vec<survey_trigger::Model>, Option<u64>), Problem> {
    let mut query =
        survey_trigger::Entity::find().filter(http::org_filter(org, survey_trigger::Column::Org));
    let total = match page.total {
        Some(true) => Some(query.clone().count(conn).await?),
        _ => None,
    };
    if let Some(after) = page.after::<Uuid>("survey-triggers")? {
        query = query.filter(survey_trigger::Column::Id.gt(after));
    }
    Ok((
        query.order_by_asc(survey_trigger::Column::Id).limit(page.limit()? + 1).all(conn).await?,
        total,
    ))
}

/// Enabled triggers of an enterprise for an event, oldest first, each with its published survey.
pub async fn active(
    conn: &impl ConnectionTrait,
    root: &OrgPath,
    event: TriggerEvent,
) -> Result<Vec<(survey_trigger::Model, survey::Model)>, Problem> {
    let triggers = survey_trigger::Entity::find()
        .filter(survey_trigger::Column::Root.eq(root.as_str()))
        .filter(survey_trigger::Column::Event.eq(event.as_str()))
        .filter(survey_trigger::Column::Enabled.eq(true))
        .order_by_asc(survey_trigger::Column::Id)
        .all(conn)
        .await?;
    let surveys = survey::Entity::find()
        .filter(survey::Column::Id.is_in(triggers.iter().map(|t| t.survey_id)))
        .filter(survey::Column::CurrentVersion.is_not_null())
        .all(conn)
        .await?;
    let with_survey = |t: survey_trigger::Model| {
        let survey = surveys.iter().find(|s| s.id == t.survey_id)?.clone();
        Some((t, survey))
    };
    Ok(triggers.into_iter().filter_map(with_survey).collect())
}

/// The oldest enabled trigger that sends this survey.
pub async fn on_survey(
    conn: &impl ConnectionTrait,
    survey_id: Uuid,
) -> Result<Option<survey_trigger::Model>, Problem> {
    let query = survey_trigger::Entity::find()
        .filter(survey_trigger::Column::SurveyId.eq(survey_id))
        .filter(survey_trigger::Column::Enabled.eq(true));
    Ok(query.order_by_asc(survey_trigger::Column::Id).one(conn).await?)
}
