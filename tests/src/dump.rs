//! Everything that stands in a database, as text: to find what must not be there.

use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use store::{Db, DbSettings};

/// One value and where it stands.
#[derive(Debug, Clone)]
pub struct Cell {
    /// `TABLE.COLUMN`.
    pub place: String,
    pub text: String,
}

/// All values of all tables, search indexes included. Binary values, SQLite's search index
/// among them, show as hexadecimal digits.
pub async fn of(url: &str) -> Vec<Cell> {
    let db = Db::connect(&DbSettings::new(url)).await.expect("the database answers");
    let backend = db.get_database_backend();
    let postgres = backend == DbBackend::Postgres;
    let columns = if postgres {
        "SELECT table_name::text AS t, column_name::text AS c FROM information_schema.columns WHERE table_schema = 'public'"
    } else {
        "SELECT m.name AS t, p.name AS c FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'"
    };
    let all = |sql: String| db.query_all_raw(Statement::from_string(backend, sql));
    let mut cells = vec![];
    for row in all(columns.to_owned()).await.expect("columns") {
        let (table, column): (String, String) =
            (row.try_get("", "t").expect("table"), row.try_get("", "c").expect("column"));
        let text = if postgres {
            format!("\"{column}\"::text")
        } else {
            format!(
                "CASE typeof(\"{column}\") WHEN 'blob' THEN hex(\"{column}\") ELSE cast(\"{column}\" AS text) END"
            )
        };
        let query = format!("SELECT {text} AS v FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
        // The virtual table of a contentless index has no values of its own; its shadow tables do.
        let Ok(rows) = all(query).await else {
            assert!(!postgres, "{table}.{column} cannot be read");
            continue;
        };
        cells.extend(rows.iter().filter_map(|row| {
            let text: Option<String> = row.try_get("", "v").expect("text");
            Some(Cell { place: format!("{table}.{column}"), text: text? })
        }));
    }
    db.close().await.expect("closed");
    cells
}

/// URL of a SQLite file.
#[must_use]
pub fn file(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// Where `word` stands, as text or as the hexadecimal digits of its bytes.
#[must_use]
pub fn places(cells: &[Cell], word: &str) -> Vec<String> {
    let hex: String = word.bytes().map(|b| format!("{b:02x}")).collect();
    let holds = |cell: &&Cell| cell.text.contains(word) || cell.text.to_lowercase().contains(&hex);
    let mut places: Vec<String> =
        cells.iter().filter(holds).map(|cell| cell.place.clone()).collect();
    places.sort();
    places.dedup();
    places
}
