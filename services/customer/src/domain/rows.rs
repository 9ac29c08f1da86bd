//! Rows of a customer import, and what a row says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    identifier::{IdentifierKind, PartyKind},
    record::{Draft, Field, Wish},
    repair::{self, Damage},
};

/// One customer of an import. Empty text counts as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImportRow {
    /// Line in the caller's file; told back with the outcome. The row's position when absent.
    pub line: Option<u64>,
    /// Key of the record in its source; makes the import repeatable.
    #[schema(max_length = 200)]
    pub source_key: Option<String>,
    /// `person` (also 个人) or `organisation` (also 单位, 企业); a person when absent.
    pub kind: Option<String>,
    #[schema(max_length = 200)]
    pub name: Option<String>,
    #[schema(max_length = 200)]
    pub latin_name: Option<String>,
    /// `zh-CN` or `en`.
    pub locale: Option<String>,
    #[schema(max_length = 100)]
    pub phone: Option<String>,
    #[schema(max_length = 254)]
    pub email: Option<String>,
    #[schema(max_length = 100)]
    pub id_card: Option<String>,
    #[schema(max_length = 100)]
    pub uscc: Option<String>,
    #[schema(max_length = 100)]
    pub membership_no: Option<String>,
    #[schema(max_length = 100)]
    pub contract_no: Option<String>,
    #[schema(max_length = 100)]
    pub wecom: Option<String>,
    #[schema(max_length = 100)]
    pub wechat: Option<String>,
    /// Key of a tier, e.g. `vip`.
    pub tier: Option<String>,
    /// User id.
    #[schema(max_length = 100)]
    pub account_manager: Option<String>,
    /// Organisational unit; the caller's own when absent.
    pub org: Option<String>,
    #[schema(max_length = 100)]
    pub province: Option<String>,
    #[schema(max_length = 100)]
    pub city: Option<String>,
    #[schema(max_length = 100)]
    pub district: Option<String>,
    #[schema(max_length = 300)]
    pub street: Option<String>,
    #[schema(max_length = 20)]
    pub postal_code: Option<String>,
}

/// Numbers that are names, which spreadsheets take for quantities.
const NUMBERS: [&str; 8] =
    ["phone", "id_card", "uscc", "membership_no", "contract_no", "wecom", "wechat", "postal_code"];

/// Kind of party as people write it.
#[must_use]
pub fn kind_of(text: Option<&str>) -> Option<PartyKind> {
    match text.map(str::trim).unwrap_or_default().to_lowercase().as_str() {
        "" | "person" | "个人" | "自然人" => Some(PartyKind::Person),
        "organisation" | "organization" | "company" | "单位" | "企业" | "公司" | "机构" => {
            Some(PartyKind::Organisation)
        }
        _ => None,
    }
}

/// Simple postal address (省市区 and free rest).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Address {
    /// ISO 3166-1 alpha-2; `CN` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2)]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub province: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub district: Option<String>,
    /// Street, number, building and the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300)]
    pub street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    pub postal_code: Option<String>,
}

impl Address {
    /// One text for comparing and sealing; nothing, where every part is blank.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        let parts = [
            &self.country,
            &self.province,
            &self.city,
            &self.district,
            &self.street,
            &self.postal_code,
        ];
        let blank = parts.iter().all(|p| p.as_deref().is_none_or(|t| t.trim().is_empty()));
        if blank { None } else { serde_json::to_string(self).ok() }
    }

    /// What may be shown to everybody: where the customer is, not at which door.
    #[must_use]
    pub fn masked(&self) -> Self {
        let hide = |part: &Option<String>| part.as_ref().map(|_| "***".to_owned());
        Self { street: hide(&self.street), postal_code: hide(&self.postal_code), ..self.clone() }
    }
}

impl ImportRow {
    /// The cell of a field, by the field's name.
    pub fn cell(&mut self, field: &str) -> Option<&mut Option<String>> {
        Some(match field {
            "source_key" => &mut self.source_key,
            "kind" => &mut self.kind,
            "name" => &mut self.name,
            "latin_name" => &mut self.latin_name,
            "locale" => &mut self.locale,
            "phone" => &mut self.phone,
            "email" => &mut self.email,
            "id_card" => &mut self.id_card,
            "uscc" => &mut self.uscc,
            "membership_no" => &mut self.membership_no,
            "contract_no" => &mut self.contract_no,
            "wecom" => &mut self.wecom,
            "wechat" => &mut self.wechat,
            "tier" => &mut self.tier,
            "account_manager" => &mut self.account_manager,
            "org" => &mut self.org,
            "province" => &mut self.province,
            "city" => &mut self.city,
            "district" => &mut self.district,
            "street" => &mut self.street,
            "postal_code" => &mut self.postal_code,
            _ => return None,
        })
    }

    /// The row with what a spreadsheet did to it undone, and what that was. The source's key stays
    /// as it is, because another key is another record.
    #[must_use]
    pub fn repaired(&self) -> (Self, Vec<(&'static str, Damage)>) {
        let (mut row, mut damages) = (self.clone(), vec![]);
        for field in NUMBERS.into_iter().chain(["email"]) {
            let Some(cell) = row.cell(field) else { continue };
            let read = if field == "email" { repair::address } else { repair::number };
            if let Some((text, damage)) = cell.as_deref().and_then(read) {
                *cell = Some(text);
                damages.push((field, damage));
            }
        }
        (row, damages)
    }

    /// What the row says, not yet normalised.
    #[must_use]
    pub fn draft(&self) -> Draft {
        let address = Address {
            country: None,
            province: self.province.clone(),
            city: self.city.clone(),
            district: self.district.clone(),
            street: self.street.clone(),
            postal_code: self.postal_code.clone(),
        };
        let mut draft = Draft::default()
            .with(Field::Name, self.name.as_deref())
            .with(Field::LatinName, self.latin_name.as_deref())
            .with(Field::Locale, self.locale.as_deref())
            .with(Field::Phone, self.phone.as_deref())
            .with(Field::Email, self.email.as_deref())
            .with(Field::Address, address.to_text().as_deref());
        let identifiers = [
            (IdentifierKind::IdCard, &self.id_card),
            (IdentifierKind::Uscc, &self.uscc),
            (IdentifierKind::MembershipNo, &self.membership_no),
            (IdentifierKind::ContractNo, &self.contract_no),
            (IdentifierKind::Wecom, &self.wecom),
            (IdentifierKind::Wechat, &self.wechat),
        ];
        draft.identifiers = Some(
            identifiers
                .into_iter()
                .filter_map(|(kind, cell)| {
                    Some((kind, cell.clone().filter(|v| !v.trim().is_empty())?))
                })
                .collect(),
        );
        let text = |cell: &Option<String>| {
            cell.as_deref().map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned)
        };
        draft.wish = Wish { tier: text(&self.tier), account_manager: text(&self.account_manager) };
        draft
    }

    /// The row without its place in the file, for telling whether it has changed.
    #[must_use]
    pub fn canonical(&self) -> BTreeMap<String, String> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => map
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.trim().to_owned())))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            _ => BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_cell() {
        let mut row = ImportRow::default();
        for column in crate::domain::columns::COLUMNS {
            let cell = row.cell(column.field).expect(column.field);
            assert_eq!(cell.replace(column.field.to_owned()), None, "{}", column.field);
        }
        // All of them, beside the line.
        assert_eq!(
            row.canonical().len() + 1,
            serde_json::to_value(&row).unwrap().as_object().unwrap().len()
        );
    }

    #[test]
    fn a_damaged_row_is_repaired_but_for_its_key() {
        let row = ImportRow {
            source_key: Some("1001.0".into()),
            phone: Some("'13800138000".into()),
            email: Some("mailto:a@x.cn".into()),
            id_card: Some("1.10101199003077E+17".into()),
            ..ImportRow::default()
        };
        let (whole, damages) = row.repaired();
        assert_eq!(
            (whole.source_key.as_deref(), whole.phone.as_deref(), whole.email.as_deref()),
            (Some("1001.0"), Some("13800138000"), Some("a@x.cn"))
        );
        assert_eq!(
            damages,
            [
                ("phone", Damage::TextMark),
                ("id_card", Damage::DigitsLost),
                ("email", Damage::Wrapping)
            ]
        );
    }

    #[test]
    fn where_a_row_stands_does_not_change_it() {
        let row = ImportRow {
            line: Some(1),
            name: Some("张三 ".into()),
            email: Some(String::new()),
            ..ImportRow::default()
        };
        let moved =
            ImportRow { line: Some(9), name: Some("张三".into()), ..ImportRow::default() };
        assert_eq!(row.canonical(), moved.canonical());
    }
}
