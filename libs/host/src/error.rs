//! What keeps a process from starting, told to the person who started it.

use std::{error::Error as StdError, path::PathBuf};

/// Why a module, a setting or the process could not be brought up. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Settings are missing, malformed or contradictory; one line per setting.
    #[error("the settings are not usable:\n{}", bullets(.0))]
    Settings(Vec<String>),
    /// The data folder cannot be used as it is.
    #[error("{reason}: {}\n  {mend}", .folder.display())]
    DataFolder { folder: PathBuf, reason: String, mend: String },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}\n  {mend}")]
    Listen { address: String, cause: std::io::Error, mend: String },
    /// A database cannot be reached or migrated.
    #[error("the database of {service} is not usable: {cause}\n  {mend}")]
    Database { service: String, cause: String, mend: String },
    /// Anything else, with what was being done.
    #[error("{doing}: {cause}")]
    Other { doing: String, cause: Box<dyn StdError + Send + Sync> },
}

impl Error {
    /// One unusable setting; `name` as in the file, e.g. `ticketing.close_after_days`.
    pub fn setting(name: impl AsRef<str>, detail: impl AsRef<str>) -> Self {
        Self::Settings(vec![format!("{}: {}", name.as_ref(), detail.as_ref())])
    }

    /// A failure while `doing` something, e.g. "reading the templates".
    pub fn other(
        doing: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Other { doing: doing.into(), cause: cause.into() }
    }
}

fn bullets(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n")
}
