//! Callers of an incident log → customers. The customer service knows a caller as a source record
//! `(source, caller_id)`; it is asked which of them are known, and takes in the others where that is
//! wanted. What it knows of a caller already is never overwritten by the log.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, accept};

const PATH: &str = "/api/v1/customer-imports";

/// What becomes of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Customers {
    /// Callers whom the source has brought in are found; tickets of others stay without customer.
    Match,
    /// Callers who are not known become customers under their `caller_id`.
    Create,
}

pub struct Callers {
    client: Client,
    source: String,
    how: Customers,
    /// By caller; none for those who are no customers.
    known: HashMap<String, Option<String>>,
    found: u64,
    created: u64,
    /// Why callers were refused, by code, and who.
    refused: BTreeMap<String, u64>,
    refusals: BTreeSet<String>,
}

impl Callers {
    pub fn new(client: Client, source: String, how: Customers) -> Self {
        Self {
            client,
            source,
            how,
            known: HashMap::new(),
            found: 0,
            created: 0,
            refused: BTreeMap::new(),
            refusals: BTreeSet::new(),
        }
    }

    /// What has come of it, in words.
    pub fn text(&self) -> String {
        let unknown = self.known.values().filter(|id| id.is_none()).count();
        let mut text = format!(
            "{} callers found, {} created, {unknown} not known\n",
            self.found, self.created
        );
        for (code, count) in &self.refused {
            let _ = writeln!(text, "{count} callers were refused: {code}");
        }
        text
    }

    /// Gives each row with a caller the id of the customer.
    pub async fn link(&mut self, rows: &mut [Value]) -> Result<(), String> {
        let new: BTreeSet<String> = rows
            .iter()
            .filter_map(caller)
            .filter(|name| !self.known.contains_key(*name))
            .map(str::to_owned)
            .collect();
        let mut new: Vec<String> = new.into_iter().collect();
        if !new.is_empty() {
            self.ask(&new, true).await?;
            let open = |name: &String| self.known.get(name).is_some_and(Option::is_none);
            new.retain(|name| open(name) && !self.refusals.contains(name));
        }
        if !new.is_empty() && self.how == Customers::Create {
            self.ask(&new, false).await?;
        }
        for row in rows {
            let id = caller(row).and_then(|name| self.known.get(name)?.clone());
            if let Some(id) = id {
                row["customer_id"] = json!(id);
            }
        }
        Ok(())
    }

    async fn ask(&mut self, names: &[String], dry_run: bool) -> Result<(), String> {
        let rows: Vec<Value> =
            names.iter().map(|name| json!({ "source_key": name, "name": name })).collect();
        let body = json!({ "source": self.source, "dry_run": dry_run, "rows": rows });
        let (status, answer) = self.client.send(Method::POST, PATH, None, &body).await?;
        let answer = accept(status, answer, PATH)?;
        for row in answer["rows"].as_array().into_iter().flatten() {
            let Some(name) = row["source_key"].as_str() else { continue };
            // Whom a rehearsal would create has no id.
            let id = row["customer_id"].as_str().map(str::to_owned);
            match (&id, dry_run) {
                (Some(_), true) => self.found += 1,
                (Some(_), false) => self.created += 1,
                (None, _) if row["outcome"] == "error" => {
                    let code = row["code"].as_str().unwrap_or("unknown").to_owned();
                    *self.refused.entry(code).or_default() += 1;
                    self.refusals.insert(name.to_owned());
                }
                (None, _) => {}
            }
            self.known.insert(name.to_owned(), id);
        }
        Ok(())
    }
}

/// `?` and blank mean unknown.
fn caller(row: &Value) -> Option<&str> {
    row["caller_id"].as_str().map(str::trim).filter(|name| !name.is_empty() && *name != "?")
}
