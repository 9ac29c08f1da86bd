//! `/api/v1/answers/{token}`: the answer page's twin for programs, e.g. SurveyJS's own library
//! embedded in a customer's app. Whoever has the token may answer.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, get, post, web::Data};
use chrono::{DateTime, Utc};
use http::{Json, Path, Public};
use kernel::{Arg, Locale, Problem, codes};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    App,
    app::{answer, open_invitation},
    domain::{answers::Answers, definition::bounds},
    messages,
    store::tickets::Matter,
};

/// What it is asked about.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatterView {
    ticket_number: String,
    /// Absent where it was not kept, or forgotten.
    subject: Option<String>,
    opened_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
}

impl From<Matter> for MatterView {
    fn from(of: Matter) -> Self {
        Self {
            ticket_number: of.number,
            subject: of.subject,
            opened_at: of.opened_at,
            settled_at: of.settled_at,
        }
    }
}

/// What is asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Questions {
    survey: String,
    version: i32,
    locale: String,
    expires_at: Option<DateTime<Utc>>,
    matter: Option<MatterView>,
    /// SurveyJS JSON, as published.
    #[schema(value_type = Object)]
    definition: Value,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// Answers by question name.
    #[schema(value_type = Object)]
    answers: BTreeMap<String, Value>,
    /// Language in which it was answered; the invitation's unless told.
    #[schema(max_length = 35, nullable = false)]
    locale: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    response_id: Uuid,
    /// Answers that do not count, because the survey's logic hides their questions.
    dropped: Vec<String>,
}

/// The questions behind an invitation. Writes nothing.
#[utoipa::path(tag = "answers", security(()), params(("token" = String, Path, min_length = 43, max_length = 43)), 
    responses((status = 200, description = "the questions", body = Questions),
        (status = 410, description = "answered already, or too late")))]
#[get("/api/v1/answers/{token}")]
pub async fn get_questions(app: Data<App>, _caller: Public, token: Path<String>) -> http::Result {
    let open = open_invitation::run(&app, &token.0).await?;
    Ok(http::ok(&Questions {
        survey: open.invitation.survey_subject()?.survey_key,
        version: open.published.row.version,
        definition: serde_json::from_str(&open.published.row.definition)?,
        locale: open.invitation.locale,
        expires_at: open.invitation.expires_at,
        matter: open.matter.map(MatterView::from),
    }))
}

/// Answers an invitation, once.
#[utoipa::path(tag = "answers", security(()), params(("token" = String, Path, min_length = 43, max_length = 43)), request_body = NewAnswer,
    responses((status = 201, description = "taken", body = Taken),
        (status = 410, description = "answered already, or too late")))]
#[post("/api/v1/answers/{token}")]
pub async fn post_answer(
    app: Data<App>,
    _caller: Public,
    token: Path<String>,
    body: Json<NewAnswer>,
) -> http::Result {
    let open = open_invitation::run(&app, &token.0).await?;
    refuse_unknown(&open, &body.0.answers)?;
    let locale = body.0.locale.as_deref().map_or_else(|| open.locale(), Locale::negotiate);
    match answer::run(&app, &open, &body.0.answers, locale).await? {
        answer::Outcome::Taken { response_id, dropped } => {
            Ok(HttpResponse::Created().json(Taken { response_id, dropped }))
        }
        answer::Outcome::Refused(faults) => {
            let add = |problem: Problem, (name, fault): (&String, &_)| {
                problem.field(pointer(name), fault_code(fault), messages::fault(fault))
            };
            Err(faults.iter().fold(Problem::of(&codes::INVALID), add).into())
        }
    }
}

fn fault_code(fault: &crate::domain::answers::Fault) -> &'static str {
    fault.code()
}

fn refuse_unknown(open: &open_invitation::Open, given: &Answers) -> Result<(), Problem> {
    let known: BTreeSet<&str> =
        open.published.definition.questions().map(|q| q.name.as_str()).collect();
    let unknown: Vec<&String> =
        given.keys().filter(|name| !known.contains(name.as_str())).take(bounds::ELEMENTS).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let add = |problem: Problem, name: &&String| {
        problem.field(
            pointer(name),
            "unknown-question",
            messages::unknown_question(name.as_str(), Arg::list(known.iter().copied())),
        )
    };
    Err(unknown.iter().fold(Problem::of(&codes::INVALID), add))
}

fn pointer(name: &str) -> String {
    format!("/answers/{}", name.replace('~', "~0").replace('/', "~1"))
}
