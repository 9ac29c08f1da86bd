//! Tables as people hand them over: CSV files of whatever encoding, separator and line end, with
//! column names of their own. The API's CSV route and `kefu import` read them by the same code.
//!
//! [`decode`] makes text of bytes, [`Table`] rows of text, [`Layout`] tells which column is what.

mod columns;
mod decode;
mod records;

pub use columns::{Column, HeaderFault, Layout, Mapping, MappingFault};
pub use decode::{Encoding, Undecodable, decode};
pub use records::{Fault, NoHeader, Row, RowFault, Table};

/// What a spreadsheet would take for the beginning of a formula.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// A cell that a spreadsheet shows as it is: a text mark stands before what would be a formula.
#[must_use]
pub fn escape(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

/// What [`escape`] was given. (A cell that begins like that by itself loses its text mark.)
#[must_use]
pub fn unescape(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_shown_and_come_back() {
        for (cell, shown) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+8613800138000", "'+8613800138000"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'\t=1"),
            ("张三", "张三"),
            ("a=1", "a=1"),
            ("'13800138000", "'13800138000"),
            ("", ""),
        ] {
            assert_eq!(escape(cell), shown);
            assert_eq!(unescape(shown), cell);
        }
    }
}
