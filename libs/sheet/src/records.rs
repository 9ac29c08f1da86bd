//! Text → rows (RFC 4180), each with the line of the file on which it begins. `\n`, `\r\n` and `\r`
//! end a line; blank ones are passed over; a quotation mark that is never closed spoils its own line
//! and not the rest of the file.

use std::fmt;

use super::unescape;

/// A row with as many cells as the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1, the file's first.
    pub line: u64,
    /// Without white space around them.
    pub cells: Vec<String>,
}

/// A line that is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    pub line: u64,
    pub fault: Fault,
    /// What could be read of it.
    pub cells: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// As many cells as these, where the header has others.
    Cells { found: usize, expected: usize },
    /// A quotation mark is opened and not closed.
    OpenQuote,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cells { found, expected } => {
                write!(f, "the line has {found} cells, the header {expected}")
            }
            Self::OpenQuote => f.write_str("a quotation mark is opened and not closed"),
        }
    }
}

/// There is no line, or the first one names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the first line names no columns")]
pub struct NoHeader;

/// The rows of a text below its header.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    pub header: Vec<String>,
    records: Records<'a>,
}

impl<'a> Table<'a> {
    /// `,`, `;` and tabs are understood as separators: what is most frequent in the first line.
    pub fn read(text: &'a str) -> Result<Self, NoHeader> {
        let start = text.trim_start_matches(['\r', '\n']);
        let first = start.split(['\r', '\n']).next().unwrap_or_default();
        let separator = [b',', b';', b'\t']
            .into_iter()
            .max_by_key(|s| (first.bytes().filter(|b| b == s).count(), *s == b','))
            .unwrap_or(b',');
        let mut records = Records { rest: text, line: 1, separator };
        match records.next() {
            Some(Ok(row)) if row.cells.iter().any(|name| !name.is_empty()) => {
                Ok(Self { header: row.cells, records })
            }
            _ => Err(NoHeader),
        }
    }
}

impl Iterator for Table<'_> {
    type Item = Result<Row, RowFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut row = match self.records.next()? {
                Ok(row) => row,
                Err(fault) => return Some(Err(fault)),
            };
            // Spreadsheets leave rows of nothing behind, and separators at the ends of lines.
            if row.cells.iter().all(String::is_empty) {
                continue;
            }
            let expected = self.header.len();
            while row.cells.len() > expected && row.cells.last().is_some_and(String::is_empty) {
                row.cells.pop();
            }
            let found = row.cells.len();
            let fault = Fault::Cells { found, expected };
            return Some(match found == expected {
                true => Ok(row),
                false => Err(RowFault { line: row.line, fault, cells: row.cells }),
            });
        }
    }
}

#[derive(Debug, Clone)]
struct Records<'a> {
    rest: &'a str,
    /// Of the first character of `rest`.
    line: u64,
    separator: u8,
}

impl<'a> Records<'a> {
    /// Takes the first `bytes` bytes away and counts their lines.
    fn pass(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += line_ends(passed);
        self.rest = rest;
    }

    /// One cell of `text` and what follows it: a separator, a line end or nothing.
    fn cell(&self, text: &'a str) -> Result<(String, &'a str), Fault> {
        let separator = char::from(self.separator);
        let ends = [separator, '\r', '\n'];
        let Some(mut quoted) = text.strip_prefix('"') else {
            let end = text.find(ends).unwrap_or(text.len());
            return Ok((text[..end].to_owned(), &text[end..]));
        };
        let mut cell = String::new();
        loop {
            let end = quoted.find('"').ok_or(Fault::OpenQuote)?;
            cell.push_str(&quoted[..end]);
            quoted = &quoted[end + 1..];
            match quoted.strip_prefix('"') {
                Some(rest) => {
                    cell.push('"');
                    quoted = rest;
                }
                None => break,
            }
        }
        // What follows the closing mark belongs to the cell, as spreadsheets have it.
        let end = quoted.find(ends).unwrap_or(quoted.len());
        cell.push_str(&quoted[..end]);
        Ok((cell, &quoted[end..]))
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Row, RowFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let blank = self.rest.len() - self.rest.trim_start_matches(['\r', '\n']).len();
        self.pass(blank);
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut cells = vec![];
        let mut text = self.rest;
        loop {
            match self.cell(text) {
                Ok((cell, rest)) => {
                    cells.push(unescape(cell.trim()).to_owned());
                    match rest.as_bytes().first() {
                        Some(b) if *b == self.separator => text = &rest[1..],
                        _ => {
                            self.pass(self.rest.len() - rest.len());
                            return Some(Ok(Row { line, cells }));
                        }
                    }
                }
                Err(fault) => {
                    let end = self.rest.find(['\r', '\n']).unwrap_or(self.rest.len());
                    self.pass(end);
                    return Some(Err(RowFault { line, fault, cells }));
                }
            }
        }
    }
}

/// Lines that end in `text`, which ends in no middle of a `\r\n`.
fn line_ends(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(i, b)| match b {
        b'\n' => *i == 0 || bytes[i - 1] != b'\r',
        b'\r' => true,
        _ => false,
    });
    ends.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines and cells, or the fault.
    fn read(text: &str) -> Vec<(u64, Result<Vec<String>, Fault>)> {
        Table::read(text)
            .unwrap()
            .map(|row| match row {
                Ok(row) => (row.line, Ok(row.cells)),
                Err(fault) => (fault.line, Err(fault.fault)),
            })
            .collect()
    }

    fn cells(all: &[&str]) -> Result<Vec<String>, Fault> {
        Ok(all.iter().map(|&cell| cell.to_owned()).collect())
    }

    #[test]
    fn every_line_end_counts_the_same() {
        let text = "key,name\n\nK1,张三\nK2\nK3,\"多\n\n行\"\n\n\nK4,x\n,\nK5,y";
        let expected = [
            (3, cells(&["K1", "张三"])),
            (4, Err(Fault::Cells { found: 1, expected: 2 })),
            (5, cells(&["K3", "多\n\n行"])),
            (10, cells(&["K4", "x"])),
            (12, cells(&["K5", "y"])),
        ];
        assert_eq!(read(text), expected);
        for end in ["\r\n", "\r"] {
            let lines: Vec<_> = read(&text.replace('\n', end));
            let same = lines.into_iter().map(|(line, row)| {
                (line, row.map(|c| c.iter().map(|c| c.replace(end, "\n")).collect()))
            });
            assert_eq!(same.collect::<Vec<_>>(), expected, "{end:?}");
        }
    }

    #[test]
    fn separators_quotes_and_blanks() {
        assert_eq!(
            read("a;b,c;d\n 1 ;\"x; \"\"y\"\"\";z\"\n"),
            [(2, cells(&["1", "x; \"y\"", "z\""]))]
        );
        assert_eq!(read("a\tb\n1\t\"2\"3\n"), [(2, cells(&["1", "23"]))]);
        assert_eq!(read("a,b\n1,2,,\n"), [(2, cells(&["1", "2"]))]);
        assert_eq!(read("a,b\n1,'+86 10\n"), [(2, cells(&["1", "+86 10"]))]);
        assert_eq!(read("\r\n\r\na,b\r\n1,2"), [(4, cells(&["1", "2"]))]);
    }

    #[test]
    fn an_open_quote_spoils_its_own_line() {
        assert_eq!(
            read("a,b\n1,2\n2,\"open\n3,4\n5,6\n"),
            [
                (2, cells(&["1", "2"])),
                (3, Err(Fault::OpenQuote)),
                (4, cells(&["3", "4"])),
                (5, cells(&["5", "6"])),
            ]
        );
    }

    #[test]
    fn a_file_without_header_is_none() {
        for text in ["", "\n\n", ",,\n1,2,3\n", "\"open\n"] {
            assert!(Table::read(text).is_err(), "{text:?}");
        }
    }
}
