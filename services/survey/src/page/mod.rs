//! The public answer page: rendered by the server, usable without script, in two languages.

pub mod form;
pub mod texts;

use std::sync::LazyLock;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use kernel::{Locale, Problem};
use minijinja::Environment;
use serde_json::{Value, json};

use crate::{App, app::open_invitation::Open, codes, domain::token::sha256};

pub const STYLE: &str = include_str!("../assets/answer.css");
pub const SCRIPT: &str = include_str!("../assets/answer.js");

/// Nothing but the page's own style and script; no inline code, no frames, no foreign forms.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Part of the assets' address, so that browsers may keep them for good.
static ASSET_VERSION: LazyLock<String> =
    LazyLock::new(|| sha256([STYLE, SCRIPT].concat().as_bytes())[..12].to_owned());

/// The page templates.
pub struct Renderer(Environment<'static>);

impl Renderer {
    pub fn new() -> Result<Self, minijinja::Error> {
        let mut env = Environment::new();
        env.add_template("layout.html", include_str!("../assets/layout.html"))?;
        env.add_template("questions.html", include_str!("../assets/questions.html"))?;
        env.add_template("notice.html", include_str!("../assets/notice.html"))?;
        Ok(Self(env))
    }

    fn render(&self, template: &str, context: &Value) -> Result<String, Problem> {
        Ok(self.0.get_template(template)?.render(template_value(context))?)
    }
}

/// Pages that tell one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Thanks,
    Used,
    Expired,
    Unknown,
    Stopped,
    Trouble,
}

impl Notice {
    #[must_use]
    pub fn of(problem: &Problem) -> Self {
        match problem {
            p if p.is(&codes::INVITATION_USED) => Notice::Used,
            p if p.is(&codes::INVITATION_EXPIRED) => Notice::Expired,
            p if p.is(&codes::INVITATION_UNKNOWN) => Notice::Unknown,
            _ => Notice::Trouble,
        }
    }

    const fn is_good(self) -> bool {
        matches!(self, Notice::Thanks | Notice::Used | Notice::Stopped)
    }
}

/// The form, empty or as it was filled in.
pub fn questions(
    app: &App,
    open: &Open,
    token: &str,
    locale: Locale,
    filled: &form::Filled,
    status: u16,
) -> Result<HttpResponse, Problem> {
    let mut view = form::view(open, app.zone, locale, filled);
    view["token"] = json!(token);
    html(app, "questions.html", view, locale, status)
}

/// Thanks, in the survey's own words where it has some.
pub fn thanks(app: &App, open: &Open, locale: Locale) -> Result<HttpResponse, Problem> {
    let own = crate::domain::words(open.published.definition.completed.get(locale));
    let (title, usual) = texts::notice(Notice::Thanks, locale);
    let text = if own.is_empty() { usual.to_owned() } else { own };
    html(app, "notice.html", json!({ "title": title, "text": text, "good": true }), locale, 200)
}

pub fn notice(
    app: &App,
    notice: Notice,
    locale: Locale,
    status: u16,
) -> Result<HttpResponse, Problem> {
    let (title, text) = texts::notice(notice, locale);
    // The page after an opt-out cannot be asked for again in another language.
    html(
        app,
        "notice.html",
        json!({ "title": title, "text": text, "good": notice.is_good(), "fixed": notice == Notice::Stopped }),
        locale,
        status,
    )
}

fn html(
    app: &App,
    template: &str,
    mut view: Value,
    locale: Locale,
    status: u16,
) -> Result<HttpResponse, Problem> {
    view["lang"] = json!(locale.tag());
    view["brand"] = json!(app.settings.brand);
    view["assets"] = json!(*ASSET_VERSION);
    view["t"] = texts::page(locale);
    let body = app.pages.render(template, &view)?;
    Ok(HttpResponse::build(StatusCode::from_u16(status)?)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP))
        .insert_header((header::CONTENT_LANGUAGE, locale.tag()))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-robots-tag", "noindex, nofollow"))
        .body(body))
}

/// A style sheet or script; its address changes with its content.
pub fn asset(content_type: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(body)
}

/// JSON as the template engine's value.
fn template_value(value: &Value) -> minijinja::Value {
    use minijinja::Value as T;
    match value {
        Value::Null => T::from(()),
        Value::Bool(b) => T::from(*b),
        Value::Number(n) => {
            n.as_i64().map_or_else(|| T::from(n.as_f64().unwrap_or_default()), T::from)
        }
        Value::String(s) => T::from(s.as_str()),
        Value::Array(items) => T::from(items.iter().map(template_value).collect::<Vec<_>>()),
        Value::Object(members) => T::from(
            members
                .iter()
                .map(|(k, v)| (k.clone(), template_value(v)))
                .collect::<std::collections::BTreeMap<_, _>>(),
        ),
    }
}
