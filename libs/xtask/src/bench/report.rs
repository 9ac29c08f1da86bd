//! What was measured: printed as it comes, written to `target/bench/` as a table and as a drawing.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::{Value, json};

use super::{error, watch::Usage};

/// Whether more or less is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The ratio should be at least this.
    AtLeast(f64),
    /// The ratio should be at most this.
    AtMost(f64),
}

#[derive(Debug, Clone)]
pub struct Line {
    pub what: String,
    pub ours: f64,
    pub baseline: f64,
    pub unit: &'static str,
    pub goal: Option<Goal>,
    /// What else is worth knowing, e.g. quantiles.
    pub note: String,
    pub usage: Vec<Usage>,
}

impl Line {
    pub fn ratio(&self) -> f64 {
        if self.baseline == 0.0 { 0.0 } else { self.ours / self.baseline }
    }

    /// Whether the goal is met; a line without goal always is.
    pub fn met(&self) -> bool {
        match self.goal {
            Some(Goal::AtLeast(goal)) => self.ratio() >= goal,
            Some(Goal::AtMost(goal)) => self.ratio() <= goal,
            None => true,
        }
    }
}

#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
}

/// `target/bench`, made if need be.
pub fn folder() -> Result<PathBuf, String> {
    let folder = crate::root().join("target/bench");
    fs::create_dir_all(&folder).map_err(error)?;
    Ok(folder)
}

impl Report {
    /// Prints a line and keeps it.
    pub fn add(&mut self, line: Line) {
        let goal = match line.goal {
            Some(Goal::AtLeast(goal)) => format!("goal ≥ {goal}"),
            Some(Goal::AtMost(goal)) => format!("goal ≤ {goal}"),
            None => String::new(),
        };
        let met = if line.met() { "" } else { "  MISSED" };
        println!(
            "{:<44} {:>9.2} {:<9} baseline {:>9.2}  ratio {:.2}  {goal}{met}",
            line.what,
            line.ours,
            line.unit,
            line.baseline,
            line.ratio()
        );
        if !line.note.is_empty() {
            println!("    {}", line.note);
        }
        if !line.usage.is_empty() {
            println!("    {}", used(&line.usage));
        }
        self.lines.push(line);
    }

    /// Writes `results.json`, `results.md` and `results.svg`; lines of earlier runs stay until they
    /// are measured again.
    pub fn write(&self) -> Result<(), String> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let folder = folder()?;
        let file = folder.join("results.json");
        let known = fs::read_to_string(&file).ok().and_then(|t| serde_json::from_str(&t).ok());
        let mut all: Vec<Value> = known.unwrap_or_default();
        for line in &self.lines {
            let entry = entry(line);
            match all.iter_mut().find(|known| known["what"] == entry["what"]) {
                Some(known) => *known = entry,
                None => all.push(entry),
            }
        }
        let text = serde_json::to_string_pretty(&all).map_err(error)?;
        fs::write(&file, text).map_err(error)?;
        fs::write(folder.join("results.md"), table(&all)).map_err(error)?;
        fs::write(folder.join("results.svg"), super::svg::bars(&all)).map_err(error)?;
        println!("written to {}/results.md, .json and .svg", folder.display());
        Ok(())
    }
}

fn used(usage: &[Usage]) -> String {
    let each = usage.iter().filter(|u| u.cpu_seconds > 0.0 || u.peak_megabytes > 0.0);
    let each: Vec<String> = each
        .map(|u| format!("{} {:.1} s CPU {:.0} MB", u.name, u.cpu_seconds, u.peak_megabytes))
        .collect();
    each.join(", ")
}

fn entry(line: &Line) -> Value {
    let (goal, at_least) = match line.goal {
        Some(Goal::AtLeast(goal)) => (Some(goal), true),
        Some(Goal::AtMost(goal)) => (Some(goal), false),
        None => (None, true),
    };
    json!({
        "what": line.what, "ours": line.ours, "baseline": line.baseline, "unit": line.unit,
        "ratio": line.ratio(), "goal": goal, "at_least": at_least, "met": line.met(), "note": line.note,
        "usage": line.usage.iter().map(|u| json!({
            "process": u.name, "cpu_seconds": u.cpu_seconds, "peak_megabytes": u.peak_megabytes,
        })).collect::<Vec<_>>(),
    })
}

fn table(all: &[Value]) -> String {
    let mut text = String::from(
        "| What | Ours | Baseline | Unit | Ratio | Goal | Met | Notes | CPU and peak memory |\n|---|--:|--:|---|--:|---|---|---|---|\n",
    );
    for line in all {
        let number = |name: &str| line[name].as_f64().unwrap_or_default();
        let goal = line["goal"].as_f64().map_or(String::new(), |goal| {
            format!("{} {goal}", if line["at_least"] == true { "≥" } else { "≤" })
        });
        let met = match (goal.is_empty(), line["met"] == true) {
            (true, _) => "",
            (_, true) => "yes",
            _ => "no",
        };
        let usage: Vec<String> = line["usage"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|u| {
                format!(
                    "{} {:.1} s {:.0} MB",
                    u["process"].as_str().unwrap_or_default(),
                    u["cpu_seconds"].as_f64().unwrap_or_default(),
                    u["peak_megabytes"].as_f64().unwrap_or_default()
                )
            })
            .collect();
        let _ = writeln!(
            text,
            "| {} | {:.2} | {:.2} | {} | {:.2} | {goal} | {met} | {} | {} |",
            line["what"].as_str().unwrap_or_default(),
            number("ours"),
            number("baseline"),
            line["unit"].as_str().unwrap_or_default(),
            number("ratio"),
            line["note"].as_str().unwrap_or_default(),
            usage.join("; ")
        );
    }
    text
}
