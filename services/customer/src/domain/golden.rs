//! The golden record: for every field the winning statement among a party's source records and the
//! reason why it won; for identifiers the union. Pinned values will be one more reason on top.

use std::{cmp::Ordering, collections::BTreeMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    identifier::Identifier,
    record::{Field, Record, Statement},
};

/// One source's record of a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    pub source: String,
    pub source_key: String,
    pub record: Record,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nobody else says anything.
    OnlySource,
    /// All sources say the same; the first to say it is named.
    Agreed,
    MostRecent,
    /// A newer statement is not valid.
    ValidBeforeInvalid,
}

/// The statement that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winner {
    pub value: Option<String>,
    pub valid: bool,
    pub source: String,
    pub source_key: String,
    pub at: DateTime<Utc>,
    pub reason: Reason,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Golden {
    pub cells: BTreeMap<Field, Winner>,
    pub identifiers: Vec<Identifier>,
}

impl Golden {
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        self.cells.get(&field)?.value.as_deref()
    }

    /// The value, unless it is known to be unusable.
    #[must_use]
    pub fn usable(&self, field: Field) -> Option<&str> {
        self.cells.get(&field).filter(|w| w.valid)?.value.as_deref()
    }
}

/// Computes the golden record. The order of `sources` plays no part.
#[must_use]
pub fn survive(sources: &[SourceView]) -> Golden {
    let mut golden = Golden::default();
    let mut statements: BTreeMap<Field, Vec<(&SourceView, &Statement)>> = BTreeMap::new();
    for view in sources {
        for (field, statement) in &view.record.fields {
            statements.entry(*field).or_default().push((view, statement));
        }
    }
    for (field, candidates) in statements {
        if let Some(winner) = winner(&candidates) {
            golden.cells.insert(field, winner);
        }
    }
    for view in sources {
        for identifier in view.record.all_identifiers() {
            let same =
                |i: &&mut Identifier| i.kind == identifier.kind && i.value == identifier.value;
            match golden.identifiers.iter_mut().find(same) {
                Some(known) => {
                    known.valid |= identifier.valid;
                    known.problem = known.problem.take().or(identifier.problem);
                }
                None => golden.identifiers.push(identifier),
            }
        }
    }
    golden.identifiers.sort_by(|a, b| (a.kind, &a.value).cmp(&(b.kind, &b.value)));
    golden
}

fn winner(candidates: &[(&SourceView, &Statement)]) -> Option<Winner> {
    let best = candidates.iter().max_by(|a, b| rank(a, b))?;
    let newest = candidates.iter().map(|(_, s)| s.at).max()?;
    let agreed = candidates.iter().all(|(_, s)| s.value == best.1.value);
    let (view, statement) = match agreed {
        true => candidates.iter().min_by_key(|(v, s)| (s.at, &v.source, &v.source_key))?,
        false => best,
    };
    let reason = match candidates {
        [_] => Reason::OnlySource,
        _ if agreed => Reason::Agreed,
        _ if statement.at < newest => Reason::ValidBeforeInvalid,
        _ => Reason::MostRecent,
    };
    Some(Winner {
        value: statement.value.clone(),
        valid: statement.valid,
        source: view.source.clone(),
        source_key: view.source_key.clone(),
        at: statement.at,
        reason,
    })
}

/// Valid before invalid, then recent before old; the source's name decides between equals, so that
/// the result never depends on the order of rows.
fn rank(a: &(&SourceView, &Statement), b: &(&SourceView, &Statement)) -> Ordering {
    let key = |(view, s): &(&SourceView, &Statement)| {
        (s.valid, s.at, view.source.clone(), view.source_key.clone())
    };
    key(a).cmp(&key(b))
}

/// Names of the fields whose value differs.
#[must_use]
pub fn diff(old: &Golden, new: &Golden) -> Vec<&'static str> {
    use Field as F;
    let mut changed: Vec<&'static str> =
        [F::Name, F::LatinName, F::Locale, F::Phone, F::Email, F::Address]
            .into_iter()
            .filter(|f| old.get(*f) != new.get(*f) || old.usable(*f) != new.usable(*f))
            .map(Field::as_str)
            .collect();
    if old.identifiers != new.identifiers {
        changed.push("identifiers");
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{identifier::PartyKind, record::Draft};

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-03-01T{hour:02}:00:00Z").parse().unwrap()
    }

    fn view(source: &str, hour: u32, fields: &[(Field, Option<&str>)]) -> SourceView {
        let fields = fields.iter().map(|(f, v)| (*f, v.map(str::to_owned))).collect();
        let record = Record::empty(PartyKind::Person)
            .replaced(&Draft { fields, ..Draft::default() }, at(hour));
        SourceView { source: source.into(), source_key: "1".into(), record }
    }

    fn reason(golden: &Golden, field: Field) -> (Option<&str>, &str, Reason) {
        let cell = &golden.cells[&field];
        (cell.value.as_deref(), &cell.source, cell.reason)
    }

    #[test]
    fn the_most_recent_statement_wins_per_field() {
        let erp = view("erp", 1, &[(Field::Name, Some("张三")), (Field::Email, Some("a@x.cn"))]);
        let crm = view("crm", 2, &[(Field::Name, Some("张叁"))]);
        for sources in [[erp.clone(), crm.clone()], [crm, erp]] {
            let golden = survive(&sources);
            assert_eq!(reason(&golden, Field::Name), (Some("张叁"), "crm", Reason::MostRecent));
            assert_eq!(reason(&golden, Field::Email), (Some("a@x.cn"), "erp", Reason::OnlySource));
        }
    }

    #[test]
    fn an_invalid_value_never_outdoes_a_valid_one() {
        let good = view("erp", 1, &[(Field::Phone, Some("13800138000"))]);
        let bad = view("crm", 2, &[(Field::Phone, Some("unknown"))]);
        let golden = survive(&[good, bad.clone()]);
        assert_eq!(
            reason(&golden, Field::Phone),
            (Some("+8613800138000"), "erp", Reason::ValidBeforeInvalid)
        );
        assert_eq!(golden.identifiers.len(), 2);
        let alone = survive(&[bad]);
        assert_eq!(alone.get(Field::Phone), Some("unknown"));
        assert_eq!(alone.usable(Field::Phone), None);
    }

    #[test]
    fn a_cleared_field_stays_clear_until_somebody_says_more() {
        let erp = view("erp", 1, &[(Field::Email, Some("a@x.cn"))]);
        let desk = view("desk", 2, &[(Field::Email, None)]);
        assert_eq!(survive(&[erp.clone(), desk.clone()]).get(Field::Email), None);
        let web = view("web", 3, &[(Field::Email, Some("b@x.cn"))]);
        assert_eq!(survive(&[erp, desk, web]).get(Field::Email), Some("b@x.cn"));
    }

    #[test]
    fn a_difference_is_named_and_a_repetition_is_none() {
        let erp =
            view("erp", 1, &[(Field::Name, Some("张三")), (Field::Phone, Some("13800138000"))]);
        let same = view("crm", 2, &[(Field::Name, Some("张三"))]);
        let one = survive(std::slice::from_ref(&erp));
        let two = survive(&[erp.clone(), same]);
        assert!(diff(&one, &two).is_empty());
        assert_eq!(two.cells[&Field::Name].reason, Reason::Agreed);
        let three = survive(&[erp, view("crm", 2, &[(Field::Phone, Some("13900139000"))])]);
        assert_eq!(diff(&one, &three), ["phone", "identifiers"]);
    }
}
