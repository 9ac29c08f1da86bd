//! Which column is which field: by its name, or by what the caller says.

use std::str::FromStr;

/// A field that a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub field: &'static str,
    /// Other names of the column, as people write them.
    pub names: &'static [&'static str],
    /// What stands in it, for help pages.
    pub about: &'static str,
    /// Whether a file without it is refused.
    pub needed: bool,
}

/// `HEADER=FIELD`; the field `-` has the column ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub header: String,
    pub field: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form COLUMN=FIELD")]
pub struct MappingFault(pub String);

impl FromStr for Mapping {
    type Err = MappingFault;
    fn from_str(text: &str) -> Result<Self, MappingFault> {
        let parts = text.rsplit_once('=').map(|(header, field)| (header.trim(), field.trim()));
        match parts {
            Some((header, field)) if !header.is_empty() && !field.is_empty() => {
                Ok(Self { header: header.to_owned(), field: field.to_owned() })
            }
            _ => Err(MappingFault(text.to_owned())),
        }
    }
}

/// Why the columns of a file cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    #[error("the columns {1:?} and {2:?} are both {0}; say which one counts, e.g. {2}={0}")]
    Twice(&'static str, String, String),
    #[error("a column {0:?} is needed; there are: {1}")]
    Missing(&'static str, String),
    #[error("there is no column {0:?} in the file; there are: {1}")]
    NoColumn(String, String),
    #[error("there is no field {0:?}; there are: {1}")]
    NoField(String, String),
}

/// What each column of a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    fields: Vec<Option<&'static str>>,
    /// Columns that are not read, as the file names them.
    pub ignored: Vec<String>,
}

impl Layout {
    /// Finds the field of each column of `header`. What `mappings` say comes first; a column that
    /// would be the same field by its name is then ignored.
    pub fn of(
        header: &[String],
        columns: &[Column],
        mappings: &[Mapping],
    ) -> Result<Self, HeaderFault> {
        let mut fields: Vec<Option<&'static str>> = vec![None; header.len()];
        let mut settled = vec![false; header.len()];
        for mapping in mappings {
            let wanted = plain(&mapping.header);
            let at = header.iter().position(|name| plain(name) == wanted);
            let no_column = || HeaderFault::NoColumn(mapping.header.clone(), header.join(", "));
            let at = at.ok_or_else(no_column)?;
            settled[at] = true;
            if mapping.field != "-" {
                let field = columns.iter().find(|c| plain(c.field) == plain(&mapping.field));
                let known: Vec<&str> = columns.iter().map(|c| c.field).collect();
                let no_field = || HeaderFault::NoField(mapping.field.clone(), known.join(", "));
                fields[at] = Some(field.ok_or_else(no_field)?.field);
            }
        }
        let said: Vec<&'static str> = fields.iter().flatten().copied().collect();
        for (at, name) in header.iter().enumerate().filter(|(at, _)| !settled[*at]) {
            fields[at] = by_name(name, columns).filter(|field| !said.contains(field));
        }
        let layout = Self { ignored: ignored(header, &fields), fields };
        layout.check(header, columns)?;
        Ok(layout)
    }

    fn check(&self, header: &[String], columns: &[Column]) -> Result<(), HeaderFault> {
        for column in columns {
            let mut holders = (0..header.len()).filter(|at| self.fields[*at] == Some(column.field));
            match (holders.next(), holders.next()) {
                (Some(one), Some(two)) => {
                    let (one, two) = (header[one].clone(), header[two].clone());
                    return Err(HeaderFault::Twice(column.field, one, two));
                }
                (None, _) if column.needed => {
                    return Err(HeaderFault::Missing(column.field, header.join(", ")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The fields of a row that say something.
    pub fn fields<'a>(
        &'a self,
        cells: &'a [String],
    ) -> impl Iterator<Item = (&'static str, &'a str)> {
        let pairs = self.fields.iter().zip(cells);
        pairs.filter_map(|(field, cell)| {
            Some(((*field)?, cell.as_str())).filter(|(_, cell)| !cell.is_empty())
        })
    }
}

fn ignored(header: &[String], fields: &[Option<&'static str>]) -> Vec<String> {
    let unread = header.iter().zip(fields).filter(|(_, field)| field.is_none());
    unread.map(|(name, _)| name.clone()).filter(|name| !name.is_empty()).collect()
}

fn by_name(name: &str, columns: &[Column]) -> Option<&'static str> {
    let name = plain(name);
    let is = |known: &&str| plain(known) == name;
    let found = columns.iter().find(|c| is(&c.field) || c.names.iter().any(&is));
    found.map(|column| column.field)
}

/// Names are compared without case, white space, `-`, `_` and what marks a required column.
fn plain(name: &str) -> String {
    let counts = |c: &char| !c.is_whitespace() && !"-_*＊:：".contains(*c);
    name.chars().filter(counts).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column {
            field: "source_key", names: &["key", "id", "客户编号"], about: "", needed: true
        },
        Column { field: "name", names: &["姓名"], about: "", needed: true },
        Column { field: "phone", names: &["手机", "电话"], about: "", needed: false },
    ];

    fn layout(header: &str, mappings: &[&str]) -> Result<(Vec<&'static str>, String), HeaderFault> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let mappings: Vec<Mapping> = mappings.iter().map(|m| m.parse().unwrap()).collect();
        let layout = Layout::of(&header, &COLUMNS, &mappings)?;
        let fields = layout.fields.iter().map(|field| field.unwrap_or("-")).collect();
        Ok((fields, layout.ignored.join("|")))
    }

    #[test]
    fn columns_are_found_by_name_or_as_told() {
        let told = |header, mappings: &[&str]| layout(header, mappings).unwrap();
        assert_eq!(
            told("客户编号*,备注,姓名,,Phone", &[]),
            (vec!["source_key", "-", "name", "-", "phone"], "备注".into())
        );
        assert_eq!(
            told("Source Key,全名,座机,手机", &["全名=name", "座机=phone"]),
            (vec!["source_key", "name", "phone", "-"], "手机".into())
        );
        assert_eq!(told("key,id,姓名", &["id=-"]), (vec!["source_key", "-", "name"], "id".into()));
        assert_eq!(told("a=b,姓名", &["a=b=source_key"]).0, ["source_key", "name"]);
    }

    #[test]
    fn what_cannot_be_told_is_named() {
        let fault = |header, mappings: &[&str]| layout(header, mappings).unwrap_err().to_string();
        assert!(fault("key,id,姓名", &[]).contains("\"key\" and \"id\" are both source_key"));
        assert!(
            fault("姓名,手机", &[]).contains("\"source_key\" is needed; there are: 姓名, 手机")
        );
        assert!(fault("key,姓名", &["电话=phone"]).contains("no column \"电话\""));
        assert!(fault("key,姓名", &["姓名=nome"]).contains("no field \"nome\""));
        assert!("姓名".parse::<Mapping>().is_err() && "=name".parse::<Mapping>().is_err());
    }

    #[test]
    fn empty_cells_say_nothing() {
        let header = ["key", "姓名"].map(str::to_owned);
        let layout = Layout::of(&header, &COLUMNS, &[]).unwrap();
        let cells = ["1", ""].map(str::to_owned);
        assert_eq!(layout.fields(&cells).collect::<Vec<_>>(), [("source_key", "1")]);
    }
}
