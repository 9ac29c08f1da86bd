//! Rules of ARCHITECTURE.md that a compiler cannot check.

use std::{
    fs,
    path::{Path, PathBuf},
};

const SERVICES: [&str; 5] = ["customer", "ticketing", "quality", "survey", "notification"];
/// What a pure rule must not know: storage, transport, run time, the clock.
const IMPURE: [&str; 9] = [
    "sea_orm",
    "actix_web",
    "rdkafka",
    "tokio::",
    "store::",
    "SystemTime",
    "Utc::now",
    "Instant::now",
    "std::env",
];
const MAX_LINES: usize = 450;

/// Prints every breach; fails when there is one.
pub fn run(root: &Path) -> Result<(), String> {
    let files = rust_files(&root.join("services"))
        .into_iter()
        .chain(rust_files(&root.join("libs")))
        .chain(rust_files(&root.join("tests")))
        .collect::<Vec<_>>();
    let mut breaches = vec![];
    for path in &files {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
        breaches
            .extend(of_file(&name, &text).into_iter().map(|breach| format!("{name}: {breach}")));
    }
    for service in SERVICES {
        let manifest = root.join(format!("services/{service}/Cargo.toml"));
        let text =
            fs::read_to_string(&manifest).map_err(|e| format!("{}: {e}", manifest.display()))?;
        for other in SERVICES.iter().filter(|other| **other != service) {
            if text.lines().any(|line| line.starts_with(other)) {
                breaches.push(format!(
                    "services/{service} depends on {other}: services share only contracts"
                ));
            }
        }
    }
    if breaches.is_empty() {
        println!("{} files keep the rules", files.len());
        return Ok(());
    }
    Err(breaches.join("\n"))
}

fn of_file(name: &str, text: &str) -> Vec<String> {
    let mut breaches = vec![];
    // Unit tests may call what the rule itself must not know.
    let code = || {
        text.lines()
            .take_while(|line| *line != "mod tests {")
            .filter(|line| !line.trim_start().starts_with("//"))
    };
    if name.contains("/domain/") || name.ends_with("/domain.rs") {
        for word in IMPURE {
            if code().any(|line| line.contains(word)) {
                breaches.push(format!("domain/ must not know {word}"));
            }
        }
    }
    if !text.trim_start().starts_with("//!") && !text.trim_start().starts_with("#!") {
        breaches.push("no `//!` header that says what the file is for".to_owned());
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        breaches.push(format!("{lines} lines: more than one idea? (limit {MAX_LINES})"));
    }
    breaches
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return vec![] };
    let mut files = vec![];
    for path in entries.filter_map(|entry| entry.ok().map(|e| e.path())) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaches_are_seen() {
        assert!(
            of_file("services/x/src/domain/a.rs", "//! Rules.\nuse kernel::OrgPath;\n").is_empty()
        );
        assert_eq!(
            of_file("services/x/src/domain/a.rs", "//! Rules.\nuse sea_orm::Value;\n").len(),
            1
        );
        assert_eq!(of_file("services/x/src/app/a.rs", "use sea_orm::Value;\n").len(), 1);
        assert_eq!(
            of_file("libs/x/src/a.rs", &format!("//! Long.\n{}", "x\n".repeat(500))).len(),
            1
        );
    }
}
