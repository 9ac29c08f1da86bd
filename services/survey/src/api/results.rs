//! `/api/v1/survey-results`: the figures.

use actix_web::{get, web::Data};
use chrono::{DateTime, Utc};
use http::{Allowed, Path, Query, may};
use kernel::{Problem, codes, messages};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{App, app::results, domain::figures::Figures, store::figures::By};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ResultsQuery {
    /// Start of the window; 30 days before its end unless told.
    #[param(nullable = false)]
    from: Option<DateTime<Utc>>,
    /// End of the window, not included; now unless told.
    #[param(nullable = false)]
    to: Option<DateTime<Utc>>,
    /// Split by this as well.
    #[param(nullable = false)]
    by: Option<By>,
}

/// Figures of one group.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    /// Unit, agent, kind or tier; absent for responses that have none.
    key: Option<String>,
    figures: Figures,
}

/// Figures of a survey over all its versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsView {
    survey_id: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    by: Option<By>,
    overall: Figures,
    groups: Vec<Group>,
}

/// Satisfaction, recommendation, response rate and what became of bad answers. Answers count by
/// when they were given, invitations by when they were sent. By `handler` not for whoever inspects
/// blind.
#[utoipa::path(tag = "survey results", security(("bearer" = ["survey:read"])), params(("survey_id" = Uuid, Path), ResultsQuery),
    responses((status = 200, description = "the figures", body = ResultsView)))]
#[get("/api/v1/survey-results/{survey_id}")]
pub async fn get_results(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    survey_id: Path<Uuid>,
    query: Query<ResultsQuery>,
) -> http::Result {
    let ResultsQuery { from, to, by } = query.0;
    if by == Some(By::Handler) && caller.actor().inspects_blind() {
        let refused = Problem::of(&codes::FORBIDDEN);
        return Err(refused.field("/by", "withheld", messages::not_by_staff()).into());
    }
    let found = results::run(&app, caller.org(), survey_id.0, from, to, by).await?;
    let groups = found.groups.into_iter().map(|(key, figures)| Group { key, figures }).collect();
    let view = ResultsView {
        survey_id: survey_id.0,
        from: found.from,
        to: found.to,
        by,
        overall: found.overall,
        groups,
    };
    Ok(http::ok(&view))
}
