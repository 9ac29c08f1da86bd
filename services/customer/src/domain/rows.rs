//! Rows of a customer import: column names in Chinese and English, and what a row says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    identifier::{IdentifierKind, PartyKind},
    record::{Draft, Field, Wish},
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

/// A way to reach one cell of a row.
type Cell = fn(&mut ImportRow) -> &mut Option<String>;

/// Column names → cells. Names are compared without case, spaces, `-` and `_`.
fn columns() -> [(&'static [&'static str], &'static str, Cell); 20] {
    [
        (
            &[
                "sourcekey",
                "key",
                "externalid",
                "id",
                "customerid",
                "客户编号",
                "源系统编号",
                "客户号",
            ],
            "source_key",
            |r| &mut r.source_key,
        ),
        (&["kind", "type", "客户类型", "类型"], "kind", |r| &mut r.kind),
        (
            &["name", "fullname", "姓名", "名称", "客户名称", "客户姓名", "单位名称"],
            "name",
            |r| &mut r.name,
        ),
        (&["latinname", "englishname", "英文名", "拼音名"], "latin_name", |r| {
            &mut r.latin_name
        }),
        (&["locale", "language", "语言"], "locale", |r| &mut r.locale),
        (
            &[
                "phone",
                "mobile",
                "tel",
                "telephone",
                "手机",
                "手机号",
                "手机号码",
                "电话",
                "联系电话",
            ],
            "phone",
            |r| &mut r.phone,
        ),
        (&["email", "mail", "邮箱", "电子邮箱", "电子邮件"], "email", |r| &mut r.email),
        (&["idcard", "idcardno", "身份证", "身份证号", "身份证号码"], "id_card", |r| {
            &mut r.id_card
        }),
        (&["uscc", "统一社会信用代码", "信用代码"], "uscc", |r| &mut r.uscc),
        (&["membershipno", "memberno", "会员号", "会员卡号"], "membership_no", |r| {
            &mut r.membership_no
        }),
        (&["contractno", "合同号", "合同编号"], "contract_no", |r| &mut r.contract_no),
        (&["wecom", "wecomid", "企业微信"], "wecom", |r| &mut r.wecom),
        (&["wechat", "wechatid", "微信", "微信号"], "wechat", |r| &mut r.wechat),
        (&["tier", "level", "客户等级", "等级", "客户分层"], "tier", |r| &mut r.tier),
        (&["accountmanager", "manager", "客户经理"], "account_manager", |r| {
            &mut r.account_manager
        }),
        (&["org", "organisation", "organization", "机构", "所属机构"], "org", |r| &mut r.org),
        (&["province", "省", "省份"], "province", |r| &mut r.province),
        (&["city", "市", "城市"], "city", |r| &mut r.city),
        (&["district", "区", "区县"], "district", |r| &mut r.district),
        (&["street", "address", "地址", "详细地址", "通讯地址"], "street", |r| {
            &mut r.street
        }),
    ]
}

const POSTAL_CODE: [&str; 4] = ["postalcode", "zip", "邮编", "邮政编码"];

/// Why a whole file cannot be read; text for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the file is not UTF-8; save it as \"CSV UTF-8\"")]
    Encoding,
    #[error("the first line names no columns")]
    NoHeader,
    #[error("the column {0:?} is not known")]
    UnknownColumn(String),
    #[error("the column {0:?} stands twice")]
    TwiceNamed(&'static str),
    #[error("a column {0:?} is needed")]
    Missing(&'static str),
}

/// A row, or the line and the reason why it could not be read.
pub type ReadRow = Result<ImportRow, (u64, String)>;

/// Reads a CSV file (RFC 4180; a byte order mark, `;` and tabs as separators are understood).
/// Lines are counted from 1, the header's.
pub fn read_csv(bytes: &[u8]) -> Result<Vec<ReadRow>, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Encoding)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let separator = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|s| (first.bytes().filter(|b| b == s).count(), *s == b','))
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| Unreadable::NoHeader)?.clone();
    let cells = cells_of(&header)?;
    let mut rows = vec![];
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let mut row = ImportRow { line: Some(line), ..ImportRow::default() };
                for (cell, text) in cells.iter().zip(record.iter()) {
                    if !text.trim().is_empty() {
                        *cell(&mut row) = Some(text.trim().to_owned());
                    }
                }
                rows.push(Ok(row));
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                rows.push(Err((line, reason(&error))));
            }
        }
    }
    Ok(rows)
}

fn cells_of(header: &csv::StringRecord) -> Result<Vec<Cell>, Unreadable> {
    if header.iter().all(|name| name.trim().is_empty()) {
        return Err(Unreadable::NoHeader);
    }
    let mut seen: Vec<&'static str> = vec![];
    let mut cells: Vec<Cell> = vec![];
    for name in header {
        let plain: String = name
            .chars()
            .filter(|c| !c.is_whitespace() && !"-_".contains(*c))
            .flat_map(char::to_lowercase)
            .collect();
        let known = columns();
        let (field, cell): (&'static str, Cell) =
            match known.iter().find(|(names, ..)| names.contains(&plain.as_str())) {
                Some((_, field, cell)) => (field, *cell),
                None if POSTAL_CODE.contains(&plain.as_str()) => {
                    ("postal_code", |r| &mut r.postal_code)
                }
                None => return Err(Unreadable::UnknownColumn(name.to_owned())),
            };
        if seen.contains(&field) {
            return Err(Unreadable::TwiceNamed(field));
        }
        seen.push(field);
        cells.push(cell);
    }
    for needed in ["source_key", "name"] {
        if !seen.contains(&needed) {
            return Err(Unreadable::Missing(needed));
        }
    }
    Ok(cells)
}

fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the line has {len} cells, the header {expected_len}")
        }
        _ => "the line cannot be read".to_owned(),
    }
}

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
    fn chinese_and_english_headers_are_understood() {
        let zh = "\u{feff}客户编号,姓名,手机号,客户等级,客户经理,地址\nK1,张三,13800138000,vip,li.si,幸福路 1 号\n";
        let en = "Source Key;Name;Mobile;Tier;account_manager;Address\nK1;张三;13800138000;vip;li.si;幸福路 1 号\n";
        let rows = |text: &str| read_csv(text.as_bytes()).unwrap();
        assert_eq!(rows(zh), rows(en));
        let row = rows(zh)[0].clone().unwrap();
        assert_eq!((row.line, row.tier.as_deref()), (Some(2), Some("vip")));
        assert_eq!(
            row.draft().fields[&Field::Address].as_deref(),
            Some("{\"street\":\"幸福路 1 号\"}")
        );
    }

    #[test]
    fn a_broken_line_does_not_break_the_others() {
        let rows = read_csv("key,name\nK1,张三\nK2\nK3,\"多\n行\"\nK4,x\n".as_bytes()).unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[1], Err((3, "the line has 1 cells, the header 2".into())));
        assert_eq!(rows[3].as_ref().unwrap().line, Some(6));
    }

    #[test]
    fn an_unknown_file_is_refused_as_a_whole() {
        assert_eq!(read_csv(b"key,shoe\n"), Err(Unreadable::UnknownColumn("shoe".into())));
        assert_eq!(read_csv(b"name,phone\n"), Err(Unreadable::Missing("source_key")));
        assert_eq!(read_csv(b"key,name,id\n"), Err(Unreadable::TwiceNamed("source_key")));
        assert_eq!(read_csv(b""), Err(Unreadable::NoHeader));
        assert_eq!(read_csv(&[0xd5, 0xc5]), Err(Unreadable::Encoding));
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
