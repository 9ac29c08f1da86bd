//! How a text would come out, without sending anything.

use kernel::{Context, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{put_template::TemplateInput, sender, templates, texts};
use crate::{
    App,
    domain::{
        samples,
        template::{self, Texts},
    },
    messages,
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewInput {
    /// `email` or `inbox`.
    #[schema(min_length = 1, max_length = 20, example = "email")]
    pub channel: String,
    /// `zh-CN` or `en`.
    #[schema(min_length = 1, max_length = 20, example = "zh-CN")]
    pub locale: String,
    /// A draft; the live text unless told.
    pub draft: Option<TemplateInput>,
    /// Fields that replace those of the sample event.
    #[schema(value_type = Option<Object>)]
    pub data: Option<serde_json::Map<String, Value>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
}

pub async fn run(
    app: &App,
    ctx: &Context,
    key: &str,
    input: PreviewInput,
) -> Result<Preview, Problem> {
    let (channel, locale) = templates::slot(key, &input.channel, &input.locale)?;
    let sender = sender::nearest(&app.db, ctx.actor.org.as_str()).await?;
    let mut vars = samples::vars(key, locale, &sender, &app.public_url);
    for (name, value) in input.data.unwrap_or_default() {
        vars[name] = value;
    }
    let reader = texts::reader(app, &sender, locale);
    let out = match input.draft {
        Some(draft) => template::check(&Texts::from(draft), channel, &vars, reader)
            .map_err(|problem| below("/draft", problem))?,
        None => {
            let chosen = texts::choose(&app.db, ctx.actor.org.as_str(), key, channel, locale);
            let chosen = chosen.await?.ok_or_else(Problem::not_found)?;
            template::render(&chosen.texts, &vars, reader, false)
                .map_err(|e| Problem::invalid("/data", "template", messages::template(&e.cause)))?
        }
    };
    Ok(Preview { subject: out.subject, text: out.text, html: out.html })
}

fn below(parent: &str, mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        error.pointer = format!("{parent}{}", error.pointer);
    }
    problem
}
