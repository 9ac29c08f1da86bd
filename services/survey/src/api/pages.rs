//! `/s/{token}`: the public answer page and what it is made of.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, post, web::Data};
use http::{Form, Path, Public};
use kernel::{Locale, Problem};

use crate::{
    App,
    app::{answer, open_invitation, opt_out},
    page::{self, Notice, form},
};

type Fields = BTreeMap<String, Vec<String>>;

/// Style of the answer page.
#[utoipa::path(tag = "answer page", security(()), responses((status = 200, description = "the style sheet", content_type = "text/css", body = String)))]
#[get("/s/static/answer.css")]
pub async fn style() -> HttpResponse {
    page::asset("text/css; charset=utf-8", page::STYLE)
}

/// Script of the answer page; the page works without it.
#[utoipa::path(tag = "answer page", security(()), responses((status = 200, description = "the script", content_type = "text/javascript", body = String)))]
#[get("/s/static/answer.js")]
pub async fn script() -> HttpResponse {
    page::asset("text/javascript; charset=utf-8", page::SCRIPT)
}

/// The questions as a page for people. Writes nothing; `?lang=` changes the language, `?q_NAME=`
/// marks an answer beforehand.
#[utoipa::path(tag = "answer page", security(()), params(("token" = String, Path)),
    responses((status = 200, description = "the page", content_type = "text/html", body = String),
        (status = 404, description = "the link is not known", content_type = "text/html", body = String),
        (status = 410, description = "answered already, or too late", content_type = "text/html", body = String)))]
#[get("/s/{token}")]
pub async fn show(
    app: Data<App>,
    caller: Public,
    token: Path<String>,
    request: HttpRequest,
) -> HttpResponse {
    let fields = query_fields(&request);
    let shown = async {
        let open = open_invitation::run(&app, &token.0).await?;
        let locale = language(&fields).unwrap_or_else(|| open.locale());
        page::questions(
            &app,
            &open,
            &token.0,
            locale,
            &form::Filled::from_fields(&open, &fields),
            200,
        )
    };
    or_notice(&app, &token.0, shown.await, language(&fields), &caller).await
}

/// Answers the questions, once.
#[utoipa::path(tag = "answer page", security(()), params(("token" = String, Path)),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded", description = "`q_NAME` for every question, `lang`"),
    responses((status = 200, description = "thanks", content_type = "text/html", body = String),
        (status = 404, description = "the link is not known", content_type = "text/html", body = String),
        (status = 410, description = "answered already, or too late", content_type = "text/html", body = String),
        (status = 422, description = "the page again, with what is missing", content_type = "text/html", body = String)))]
#[post("/s/{token}")]
pub async fn submit(
    app: Data<App>,
    caller: Public,
    token: Path<String>,
    fields: Form<Fields>,
) -> HttpResponse {
    let fields = fields.0;
    let answered = async {
        let open = open_invitation::run(&app, &token.0).await?;
        let locale = language(&fields).unwrap_or_else(|| open.locale());
        let mut filled = form::Filled::from_fields(&open, &fields);
        match answer::run(&app, &open, &filled.answers, locale).await? {
            answer::Outcome::Taken { .. } => page::thanks(&app, &open, locale),
            answer::Outcome::Refused(faults) => {
                filled.faults = faults;
                page::questions(&app, &open, &token.0, locale, &filled, 422)
            }
        }
    };
    or_notice(&app, &token.0, answered.await, language(&fields), &caller).await
}

/// The customer does not want to be asked any more.
#[utoipa::path(tag = "answer page", security(()), params(("token" = String, Path)),
    responses((status = 200, description = "noted", content_type = "text/html", body = String),
        (status = 404, description = "the link is not known", content_type = "text/html", body = String)))]
#[post("/s/{token}/stop")]
pub async fn stop(
    app: Data<App>,
    caller: Public,
    token: Path<String>,
    request: HttpRequest,
) -> HttpResponse {
    let fields = query_fields(&request);
    let stopped = async {
        let invitation = open_invitation::find(&app.db, &token.0).await?;
        http::write(&app.db, async |tx| opt_out::by_link(&app, tx, &invitation).await)
            .await
            .map_err(|e| e.0)?;
        let locale = language(&fields).unwrap_or_else(|| Locale::negotiate(&invitation.locale));
        page::notice(&app, Notice::Stopped, locale, 200)
    };
    or_notice(&app, &token.0, stopped.await, language(&fields), &caller).await
}

/// A problem as a page: people do not read problem+json.
async fn or_notice(
    app: &App,
    token: &str,
    outcome: Result<HttpResponse, Problem>,
    asked: Option<Locale>,
    caller: &Public,
) -> HttpResponse {
    let problem = match outcome {
        Ok(page) => return page,
        Err(problem) => problem,
    };
    let known =
        open_invitation::find(&app.db, token).await.ok().map(|i| Locale::negotiate(&i.locale));
    let locale = asked.or(known).unwrap_or_else(|| caller.locale());
    let notice = Notice::of(&problem);
    // Renders the problem for its status, and logs it as every other one.
    let as_problem = HttpResponse::from(http::Error(problem));
    let status = as_problem.status().as_u16();
    page::notice(app, notice, locale, status).unwrap_or(as_problem)
}

fn language(fields: &Fields) -> Option<Locale> {
    match fields.get("lang")?.first()?.as_str() {
        "zh-CN" => Some(Locale::ZhCn),
        "en" => Some(Locale::En),
        _ => None,
    }
}

/// Whatever can be read of the query: a link mangled on its way still opens.
fn query_fields(request: &HttpRequest) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        fields.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    fields
}
