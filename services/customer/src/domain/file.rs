//! A customer file → rows.

use sheet::{HeaderFault, Layout, Mapping, NoHeader, RowFault, Table, Undecodable};

use super::{columns::COLUMNS, rows::ImportRow};

/// Why a whole file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    Encoding(#[from] Undecodable),
    #[error(transparent)]
    NoHeader(#[from] NoHeader),
    #[error(transparent)]
    Header(#[from] HeaderFault),
}

/// A row, or why a line is none.
pub type ReadRow = Result<ImportRow, RowFault>;

#[derive(Debug, Clone)]
pub struct CustomerFile {
    /// Lines are counted from 1, the header's.
    pub rows: Vec<ReadRow>,
    /// Columns that are not read.
    pub ignored: Vec<String>,
    pub encoding: sheet::Encoding,
}

/// Reads a CSV file as [`sheet`] understands it.
pub fn read(bytes: &[u8], mappings: &[Mapping]) -> Result<CustomerFile, Unreadable> {
    let (text, encoding) = sheet::decode(bytes)?;
    let table = Table::read(&text)?;
    let layout = Layout::of(&table.header, &COLUMNS, mappings)?;
    let rows = table.map(|row| row.map(|row| import_row(&layout, &row))).collect();
    Ok(CustomerFile { rows, ignored: layout.ignored, encoding })
}

fn import_row(layout: &Layout, row: &sheet::Row) -> ImportRow {
    let mut read = ImportRow { line: Some(row.line), ..ImportRow::default() };
    for (field, text) in layout.fields(&row.cells) {
        if let Some(cell) = read.cell(field) {
            *cell = Some(text.to_owned());
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::Field;

    fn read(text: &str) -> CustomerFile {
        super::read(text.as_bytes(), &[]).unwrap()
    }

    #[test]
    fn chinese_and_english_headers_are_understood() {
        let zh = "\u{feff}客户编号,姓名,手机号,客户等级,客户经理,地址\nK1,张三,13800138000,vip,li.si,幸福路 1 号\n";
        let en = "Source Key;Name;Mobile;Tier;account_manager;Address\nK1;张三;13800138000;vip;li.si;幸福路 1 号\n";
        assert_eq!(read(zh).rows, read(en).rows);
        let row = read(zh).rows[0].clone().unwrap();
        assert_eq!((row.line, row.tier.as_deref()), (Some(2), Some("vip")));
        assert_eq!(
            row.draft().fields[&Field::Address].as_deref(),
            Some("{\"street\":\"幸福路 1 号\"}")
        );
    }

    #[test]
    fn further_columns_are_listed_and_not_read() {
        let file = read("客户编号,姓名,备注,鞋码\nK1,张三,老客户,43\n");
        assert_eq!(file.ignored, ["备注", "鞋码"]);
        assert_eq!(file.rows[0].as_ref().unwrap().name.as_deref(), Some("张三"));
    }

    #[test]
    fn a_file_that_is_none_is_refused_as_a_whole() {
        let refused = |bytes: &[u8]| super::read(bytes, &[]).unwrap_err();
        assert!(matches!(
            refused(b"name,phone\n"),
            Unreadable::Header(HeaderFault::Missing("source_key", _))
        ));
        assert!(matches!(
            refused(b"key,name,id\n"),
            Unreadable::Header(HeaderFault::Twice("source_key", ..))
        ));
        assert_eq!(refused(b""), Unreadable::NoHeader(NoHeader));
        assert_eq!(refused(b"key,name\n1,M\xfcller\n"), Unreadable::Encoding(Undecodable));
    }
}
