//! Writes a member of staff into the directory. The directory mirrors one that is kept elsewhere,
//! so a record is replaced as a whole and the last writer wins.

use ::store::Tx;
use kernel::{Arg, Context, Fields, OrgPath, Problem, Role, limits, messages as shared};
use lettre::Address;
use serde::Deserialize;
use utoipa::ToSchema;

use super::staff::{self, StaffView};
use crate::{
    App,
    domain::rights,
    messages,
    store::{endpoints, entities::staff as row, people, root_of},
};

/// A member of staff, complete: what is absent is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffInput {
    #[schema(min_length = 1, max_length = 200, example = "Li Lei")]
    pub name: String,
    #[schema(max_length = 254, example = "li.lei@example.com")]
    pub email: Option<String>,
    /// The caller's own unit unless told.
    #[schema(max_length = 330, example = "/acme/north")]
    pub org: Option<String>,
    /// `agent`, `supervisor`, `director`, `inspector`, `steward`, `admin`, `operator`.
    #[schema(max_items = 7, example = json!(["agent"]))]
    pub roles: Vec<String>,
    /// `zh-CN` or `en`.
    #[schema(pattern = "^(zh-CN|en)$", example = "zh-CN")]
    pub locale: Option<String>,
    /// `true` unless told.
    pub active: Option<bool>,
}

/// Checked input.
struct Accepted {
    org: OrgPath,
    roles: Vec<Role>,
    email: Option<String>,
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    user_id: &str,
    input: StaffInput,
) -> Result<StaffView, Problem> {
    let accepted = check(ctx, user_id, &input)?;
    let root = root_of(ctx.actor.org.as_str());
    let known = people::staff(tx, &root, user_id).await?;
    if known.is_some_and(|known| !ctx.actor.org.covers(&known.org)) {
        return Err(Problem::not_found());
    }
    let default = app.settings.default_locale.tag().to_owned();
    let row = row::Model {
        root: root.clone(),
        user_id: user_id.to_owned(),
        org: accepted.org.to_string(),
        name: input.name.trim().to_owned(),
        email: accepted.email.map(|email| app.pii.seal(&email)),
        locale: input.locale.unwrap_or(default),
        active: input.active.unwrap_or(true),
        version: 1,
        updated_at: app.clock.now(),
    };
    if !row.active {
        endpoints::dispossess(tx, &ctx.actor.org, &rights::user(user_id)).await?;
    }
    people::put_staff(tx, row, &accepted.roles).await?;
    let row = people::staff(tx, &root, user_id).await?.ok_or_else(Problem::not_found)?;
    staff::views(app, ctx, tx, vec![row]).await?.pop().ok_or_else(Problem::not_found)
}

fn check(ctx: &Context, user_id: &str, input: &StaffInput) -> Result<Accepted, Problem> {
    let mut fields = Fields::new();
    let plain = !user_id.chars().any(char::is_control) && user_id.chars().count() <= limits::NAME;
    fields.check(plain, "/user_id", "malformed", messages::plain_id(1, limits::NAME));
    fields.text("/name", &input.name, 1, limits::NAME);
    let email = input.email.as_ref().map(|email| email.trim().to_owned());
    if let Some(email) = &email {
        let good = email.len() <= 254 && email.parse::<Address>().is_ok();
        fields.check(good, "/email", "malformed", shared::an_email());
    }
    let locale = input.locale.as_deref().is_none_or(|l| l == "zh-CN" || l == "en");
    fields.check(locale, "/locale", "unknown-locale", shared::one_of(["zh-CN", "en"]));
    let mut roles = Vec::new();
    for (i, word) in input.roles.iter().enumerate() {
        match word.parse::<Role>() {
            Ok(role) => roles.push(role),
            Err(()) => {
                let detail = messages::unknown_role(
                    word,
                    Arg::list(Role::ALL.iter().map(|role| role.as_str())),
                );
                fields.check(false, format!("/roles/{i}"), "unknown-role", detail);
            }
        }
    }
    roles.sort_unstable();
    roles.dedup();
    let org = inside(&mut fields, ctx, input.org.as_deref());
    fields.finish()?;
    Ok(Accepted { org, roles, email })
}

/// The unit that a new record shall belong to: one of the caller's subtree, his own unless told.
pub fn inside(fields: &mut Fields, ctx: &Context, org: Option<&str>) -> OrgPath {
    let own = &ctx.actor.org;
    let given = org.map(OrgPath::parse);
    let good = given.as_ref().is_none_or(|o| o.as_ref().is_ok_and(|o| own.covers(o.as_str())));
    fields.check(good, "/org", "outside", shared::foreign_org(own));
    given.and_then(Result::ok).unwrap_or_else(|| own.clone())
}
