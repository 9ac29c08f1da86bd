//! One row → an [`Intake`], and what is worth a look in it.

use kernel::{Context, Fields, Locale, Problem, Text, limits};

use super::{messages, report::Remark};
use crate::{
    app::{
        App,
        input::{self, OnMatch},
        intake::Intake,
    },
    domain::{
        identifier::IdentifierKind,
        record::Record,
        repair::{self, Damage},
        rows::{self, ImportRow},
    },
};

pub fn check(
    app: &App,
    ctx: &Context,
    (source, dry_run): (&str, bool),
    received: &ImportRow,
) -> Result<(Intake, Vec<Remark>), Problem> {
    let (row, damages) = received.repaired();
    let mut fields = Fields::new();
    fields.text("/source_key", row.source_key.as_deref().unwrap_or_default(), 1, 200);
    let key_damage = row.source_key.as_deref().and_then(repair::number).map(|(_, damage)| damage);
    let whole = key_damage != Some(Damage::DigitsLost);
    fields.check(whole, "/source_key", "damaged-key", messages::digits_lost());
    input::name(&mut fields, "/name", Some(row.name.as_deref().unwrap_or_default()));
    let kind = rows::kind_of(row.kind.as_deref());
    fields.check(kind.is_some(), "/kind", "unknown-kind", messages::person_or_organisation());
    let blank_is_absent = |cell: &Option<String>| cell.clone().filter(|v| !v.trim().is_empty());
    input::locale(&mut fields, blank_is_absent(&row.locale).as_deref());
    for (name, cell, max) in [
        ("latin_name", &row.latin_name, limits::NAME),
        ("phone", &row.phone, 100),
        ("email", &row.email, 254),
        ("id_card", &row.id_card, 100),
        ("uscc", &row.uscc, 100),
        ("membership_no", &row.membership_no, 100),
        ("contract_no", &row.contract_no, 100),
        ("wecom", &row.wecom, 100),
        ("wechat", &row.wechat, 100),
        ("tier", &row.tier, 40),
        ("account_manager", &row.account_manager, 100),
        ("province", &row.province, 100),
        ("city", &row.city, 100),
        ("district", &row.district, 100),
        ("street", &row.street, 300),
        ("postal_code", &row.postal_code, 20),
    ] {
        if let Some(text) = cell {
            let pointer = format!("/{name}");
            fields.text(&pointer, text, 0, max);
            if name.parse::<IdentifierKind>().is_ok() {
                input::unmasked(&mut fields, &pointer, text);
            }
        }
    }
    fields.finish()?;
    let kind = kind.ok_or_else(|| Problem::internal("a kind that was checked"))?;
    let draft = row.draft();
    let mut remarks = of_damages(&damages, key_damage, ctx.locale);
    let record = Record::empty(kind).replaced(&draft, app.now());
    for identifier in record.all_identifiers().into_iter().filter(|i| !i.valid) {
        let field = identifier.kind.as_str();
        let told = |remark: &Remark| {
            remark.pointer.strip_prefix('/') == Some(field) && remark.code != REPAIRED
        };
        if !remarks.iter().any(told) {
            let code = identifier.problem.unwrap_or_default();
            remarks.push(Remark::new(field, &code, &messages::kept_and_marked(), ctx.locale));
        }
    }
    // What was repaired counts as said anew, so that an import of old finds of it.
    let mut words = received.canonical();
    if !damages.is_empty() {
        let fields: Vec<&str> = damages.iter().map(|(field, _)| *field).collect();
        words.insert("repaired".to_owned(), fields.join(","));
    }
    let intake = Intake {
        source: source.to_owned(),
        source_key: row.source_key.as_deref().map(|key| key.trim().to_owned()),
        kind,
        draft,
        received: serde_json::to_string(&words)?,
        org: input::unit(&ctx.actor.org, row.org.as_deref().map(str::trim))?,
        on_match: OnMatch::Attach,
        dry_run,
    };
    Ok((intake, remarks))
}

/// Code of a remark on a value that was read otherwise than it stands there.
const REPAIRED: &str = "repaired";

fn of_damages(
    damages: &[(&'static str, Damage)],
    key: Option<Damage>,
    locale: Locale,
) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = damages
        .iter()
        .map(|(field, damage)| {
            let code = if *damage == Damage::DigitsLost { "digits-lost" } else { REPAIRED };
            Remark::new(field, code, &about(*damage), locale)
        })
        .collect();
    if key.is_some() {
        remarks.push(Remark::new("source_key", "odd-key", &messages::odd_key(), locale));
    }
    remarks
}

fn about(damage: Damage) -> Text {
    match damage {
        Damage::TextMark => messages::text_mark(),
        Damage::Formula => messages::formula(),
        Damage::Decimals => messages::decimals(),
        Damage::Scientific => messages::scientific(),
        Damage::Wrapping => messages::wrapping(),
        Damage::DigitsLost => messages::digits_lost(),
    }
}
