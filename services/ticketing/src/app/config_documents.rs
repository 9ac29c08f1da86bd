//! Reads and saves configuration. Documents belong to the whole enterprise; whoever may configure
//! must therefore belong to its root unit.

use std::collections::BTreeSet;

use calendar::{Calendar, CalendarError};
use kernel::{Arg, Context, Fields, OrgPath, Problem, codes, limits, messages as shared};
use serde::Serialize;
use store::Tx;

use super::{App, known};
use crate::{
    domain::{
        category::{self, Category},
        colleagues,
        config::{BusinessCalendar, Department, Queue, Text},
        escalation,
        kind::Kind,
        sla::{MAX_MINUTES, Policy},
    },
    messages,
    store::{
        configs::{self, Config, Document, Section},
        entities::config,
    },
};

/// A document that can be checked before it is saved.
pub trait Checked: Serialize {
    const SECTION: Section;
    fn check(&self, fields: &mut Fields, config: &Config);
}

/// Every current document of a section.
pub async fn list(app: &App, ctx: &Context, section: Section) -> Result<Vec<Document>, Problem> {
    ensure(app, &ctx.actor.org).await?;
    Ok(configs::list(&app.db, &ctx.actor.org.root(), section).await?)
}

pub async fn get(
    app: &App,
    ctx: &Context,
    section: Section,
    key: &str,
) -> Result<Document, Problem> {
    ensure(app, &ctx.actor.org).await?;
    let found = configs::find(&app.db, &ctx.actor.org.root(), section, key).await?;
    found.ok_or_else(Problem::not_found)
}

/// Writes the built-in documents on an enterprise's first use.
async fn ensure(app: &App, org: &OrgPath) -> Result<(), Problem> {
    if configs::exists(&app.db, &org.root()).await? {
        return Ok(());
    }
    let tx = app.db.begin().await?;
    app.configs.get(&tx, org, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Saves a new version. `if_match` is the version that the caller read; 0 adds a new key.
pub async fn put<T: Checked>(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (key, if_match): (&str, i64),
    document: &T,
) -> Result<Document, Problem> {
    let root = ctx.actor.org.root();
    if root != ctx.actor.org {
        return Err(Problem::of(&codes::FORBIDDEN).detail(messages::only_root_configures(root)));
    }
    let now = app.clock.now();
    let config = app.configs.get(tx, &root, now).await?;
    let mut fields = Fields::new();
    document.check(&mut fields, &config);
    fields.check(is_key(key), "/key", "malformed", messages::key_form());
    fields.finish()?;
    configs::advance(tx, &root).await?;
    let current = configs::find(tx, &root, T::SECTION, key).await?;
    http::check_version(if_match, current.map_or(0, |document| document.version))?;
    let row = config::Model {
        org: root.to_string(),
        section: T::SECTION.as_str().into(),
        key: key.into(),
        version: if_match + 1,
        data: serde_json::to_value(document)?,
        saved_at: now,
        saved_by: ctx.actor.id.clone(),
    };
    configs::add(tx, row.clone()).await?;
    Ok(Document {
        key: row.key,
        version: row.version,
        data: row.data,
        saved_at: now,
        saved_by: row.saved_by,
    })
}

fn is_key(key: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=64).contains(&key.len()) && key.bytes().all(allowed)
}

fn check_name(fields: &mut Fields, name: &Text) {
    fields.text("/name/zh", &name.zh, 1, limits::NAME);
    fields.text("/name/en", &name.en, 1, limits::NAME);
}

fn check_org(fields: &mut Fields, org: Option<&str>) {
    let well_formed = org.is_none_or(|org| OrgPath::parse(org).is_ok());
    fields.check(well_formed, "/org", "malformed", shared::malformed_org());
}

fn check_short(fields: &mut Fields, pointer: &str, text: Option<&str>) {
    fields.text(pointer, text.unwrap_or("-"), 1, limits::NAME);
}

fn check_calendar(fields: &mut Fields, config: &Config, key: &str) {
    known::calendar(fields, config, key);
}

fn check_kinds(fields: &mut Fields, pointer: &str, config: &Config, kinds: &[String]) {
    fields.check(kinds.len() <= 100, pointer, "too-many", shared::too_many_items(100));
    for (index, kind) in kinds.iter().enumerate() {
        let known = config.kinds.contains_key(kind);
        known::kind(fields, &format!("{pointer}/{index}"), config, kind, known);
    }
}

impl Checked for Kind {
    const SECTION: Section = Section::Kinds;

    fn check(&self, fields: &mut Fields, config: &Config) {
        check_name(fields, &self.name);
        known::priority(fields, "/default_priority", &self.default_priority);
        fields.check(
            self.reopen_days <= 365,
            "/reopen_days",
            "out-of-range",
            shared::between(0, 365),
        );
        let days = self.auto_close_days.is_none_or(|days| (1..=365).contains(&days));
        fields.check(days, "/auto_close_days", "out-of-range", messages::days_or_null(1, 365));
        check_calendar(fields, config, &self.calendar);
        check_categories(fields, &self.categories);
        let few = self.act_on_claimed.as_ref().is_none_or(|w| w.len() <= colleagues::ALL.len());
        fields.check(
            few,
            "/act_on_claimed",
            "too-many",
            shared::too_many_items(colleagues::ALL.len()),
        );
        for (index, word) in self.act_on_claimed.iter().flatten().enumerate() {
            fields.check(
                colleagues::ALL.contains(&word.as_str()),
                format!("/act_on_claimed/{index}"),
                "unknown-value",
                shared::one_of(colleagues::ALL),
            );
        }
    }
}

fn check_categories(fields: &mut Fields, categories: &[Category]) {
    let keys = category::keys(categories);
    let unique: BTreeSet<&&str> = keys.iter().collect();
    let count = |key: &str| keys.iter().filter(|k| **k == key).count();
    let twice = unique.iter().map(|key| **key).filter(|key| count(key) > 1);
    fields.check(keys.len() <= 500, "/categories", "too-many", shared::too_many_items(500));
    fields.check(
        unique.len() == keys.len(),
        "/categories",
        "duplicate",
        messages::keys_stand_once(Arg::list(twice)),
    );
    fields.check(keys.iter().all(|k| is_key(k)), "/categories", "malformed", messages::key_form());
    let flat = category::depth(categories) <= category::DEPTH;
    fields.check(flat, "/categories", "too-deep", messages::most_levels(category::DEPTH));
    check_category_names(fields, categories);
}

fn check_category_names(fields: &mut Fields, categories: &[Category]) {
    for category in categories {
        let pointer = format!("/categories/{}/name", category.key);
        fields.text(&pointer, &category.name.zh, 1, limits::NAME);
        fields.text(&pointer, &category.name.en, 1, limits::NAME);
        check_category_names(fields, &category.children);
    }
}

impl Checked for Queue {
    const SECTION: Section = Section::Queues;

    fn check(&self, fields: &mut Fields, config: &Config) {
        check_name(fields, &self.name);
        check_kinds(fields, "/kinds", config, &self.kinds);
        check_org(fields, self.org.as_deref());
        check_short(fields, "/supervisor", self.supervisor.as_deref());
        let known = self.department.as_ref().is_none_or(|key| config.departments.contains_key(key));
        known::department(fields, config, self.department.as_deref().unwrap_or_default(), known);
    }
}

impl Checked for Department {
    const SECTION: Section = Section::Departments;

    fn check(&self, fields: &mut Fields, _: &Config) {
        check_name(fields, &self.name);
        check_org(fields, self.org.as_deref());
        check_short(fields, "/head", self.head.as_deref());
    }
}

impl Checked for BusinessCalendar {
    const SECTION: Section = Section::Calendars;

    fn check(&self, fields: &mut Fields, _: &Config) {
        check_name(fields, &self.name);
        let spec = &self.spec;
        let dates = spec.holidays.len() + spec.partial_days.len() + spec.makeup_workdays.len();
        fields.check(dates <= 5_000, "/spec", "too-many", shared::too_many_items(5_000));
        let names =
            spec.holidays.iter().map(|d| &d.name).chain(spec.partial_days.iter().map(|d| &d.name));
        for name in names.chain(spec.makeup_workdays.iter().map(|d| &d.name)) {
            fields.text("/spec", name, 0, limits::NAME);
        }
        match Calendar::new(spec.clone()) {
            Ok(_) => {}
            Err(CalendarError::Invalid { path, message }) => {
                fields.check(false, format!("/spec{path}"), "invalid-calendar", message);
            }
            // Questions that a calendar cannot answer; a specification asks none.
            Err(CalendarError::Unreachable { .. } | CalendarError::OutOfRange { .. }) => {
                fields.check(false, "/spec", "invalid-calendar", http::messages::unsuitable());
            }
        }
    }
}

impl Checked for Policy {
    const SECTION: Section = Section::Policies;

    fn check(&self, fields: &mut Fields, config: &Config) {
        check_name(fields, &self.name);
        check_calendar(fields, config, &self.calendar);
        let in_range =
            |minutes: f64| minutes.is_finite() && minutes > 0.0 && minutes <= MAX_MINUTES;
        let text = messages::minutes_above_zero(MAX_MINUTES);
        let ok = |minutes: Option<f64>| minutes.is_none_or(in_range);
        fields.check(
            ok(self.first_response_minutes),
            "/first_response_minutes",
            "out-of-range",
            text.clone(),
        );
        fields.check(ok(self.resolution_minutes), "/resolution_minutes", "out-of-range", text);
        let percents = self.warn_percents.iter().all(|p| (1..=99).contains(p));
        fields.check(percents, "/warn_percents", "out-of-range", messages::each_between(1, 99));
        let unique: BTreeSet<&u32> = self.warn_percents.iter().collect();
        fields.check(
            unique.len() == self.warn_percents.len(),
            "/warn_percents",
            "duplicate",
            messages::each_stands_once(),
        );
        fields.check(
            self.warn_percents.len() <= 10,
            "/warn_percents",
            "too-many",
            shared::too_many_items(10),
        );
        fields.check(
            self.escalations.len() <= 10,
            "/escalations",
            "too-many",
            shared::too_many_items(10),
        );
        for (index, level) in self.escalations.iter().enumerate() {
            let after = level.after_minutes == 0.0 || in_range(level.after_minutes);
            let pointer = |field: &str| format!("/escalations/{index}/{field}");
            fields.check(
                after,
                pointer("after_minutes"),
                "out-of-range",
                messages::minutes_from_zero(MAX_MINUTES),
            );
            let known = escalation::TARGETS.contains(&level.target.as_str());
            fields.check(
                known,
                pointer("target"),
                "unknown-target",
                shared::one_of(escalation::TARGETS),
            );
        }
        check_kinds(fields, "/when/kinds", config, &self.when.kinds);
        for priority in &self.when.priorities {
            known::priority(fields, "/when/priorities", priority);
        }
        for (pointer, list) in [
            ("/when/categories", &self.when.categories),
            ("/when/priorities", &self.when.priorities),
            ("/when/tiers", &self.when.tiers),
            ("/when/orgs", &self.when.orgs),
            ("/when/channels", &self.when.channels),
        ] {
            fields.check(list.len() <= 100, pointer, "too-many", shared::too_many_items(100));
            list.iter().for_each(|item| fields.text(pointer, item, 1, 327));
        }
    }
}
