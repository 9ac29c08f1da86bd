//! Settings: defaults in the binary ← file ← environment. Everything is checked before anything
//! starts, and every fault is told with its name and its mending.

mod check;
mod environment;
mod sections;

pub(crate) use sections::redacted;
pub use sections::{
    Auth, AuthMode, Data, Database, EventsKind, EventsSection, Http, LogFormat, Metrics,
    PiiSection, Runtime, Shutdown, Telemetry, Tristate,
};

use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat, Map};
use serde::de::DeserializeOwned;

use crate::{Error, Module, Section, lifecycle::Accounts};

const COMMON: &str = include_str!("defaults.toml");

/// Where settings come from besides the defaults in the binary.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file that must exist; without one `./kefu.toml` is read if it is there.
    pub file: Option<PathBuf>,
    /// Whether `./kefu.toml` is left alone.
    pub no_file: bool,
    /// Stands in for the process environment, for tests.
    pub environment: Option<Map<String, String>>,
    /// TOML between the defaults and the file: what a composition of services presets.
    pub preset: String,
    /// Last word, `("http.listen", "127.0.0.1:0")`: command line and tests.
    pub overrides: Vec<(String, String)>,
}

impl Sources {
    /// The preset alone: neither the process environment nor a file in the current folder.
    #[must_use]
    pub fn only(preset: &str) -> Self {
        Self {
            environment: Some(Map::new()),
            no_file: true,
            preset: preset.to_owned(),
            ..Self::default()
        }
    }
}

/// All settings of a process, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub http: Http,
    pub data: Data,
    pub database: Database,
    pub events: EventsSection,
    pub auth: Auth,
    pub pii: PiiSection,
    pub telemetry: Telemetry,
    pub metrics: Metrics,
    pub shutdown: Shutdown,
    pub runtime: Runtime,
    /// Sections that nobody reads: worth a warning.
    pub unknown: Vec<String>,
    tree: Config,
}

impl Settings {
    /// Reads and checks. All faults are reported at once, before anything is made.
    pub fn load(modules: &[Module], sources: &Sources) -> Result<Self, Error> {
        let mut faults = vec![];
        let tree = tree(modules, sources, &mut faults)?;
        let settings = Self {
            http: section(&tree, "http", &mut faults),
            data: section(&tree, "data", &mut faults),
            database: section(&tree, "database", &mut faults),
            events: section(&tree, "events", &mut faults),
            auth: section(&tree, "auth", &mut faults),
            pii: section(&tree, "pii", &mut faults),
            telemetry: section(&tree, "telemetry", &mut faults),
            metrics: section(&tree, "metrics", &mut faults),
            shutdown: section(&tree, "shutdown", &mut faults),
            runtime: section(&tree, "runtime", &mut faults),
            unknown: unknown_sections(&tree, modules, &sources.preset),
            tree,
        };
        // A section that could not be read stands at its default here and must not be judged.
        if faults.is_empty() {
            check::all(&settings, modules.len(), &mut faults);
        }
        faults.extend(read::<Accounts>(&settings.tree, "issuer").err());
        for module in modules {
            match (module.check)(&settings.section(module.name)) {
                Ok(()) => {}
                Err(Error::Settings(found)) => faults.extend(found),
                Err(other) => faults.push(other.to_string()),
            }
        }
        if faults.is_empty() { Ok(settings) } else { Err(Error::Settings(faults)) }
    }

    /// The part that belongs to one module or to the composition (e.g. `demo`).
    #[must_use]
    pub fn section(&self, name: &str) -> Section {
        Section::new(name, self.tree.clone())
    }

    /// Database of one service.
    #[must_use]
    pub fn database_of(&self, service: &str) -> store::DbSettings {
        let data = self.data.dir.display().to_string();
        store::DbSettings {
            name: service.to_owned(),
            url: self.database.url.replace("{data}", &data).replace("{service}", service),
            max_connections: self.database.max_connections,
            acquire_timeout_secs: self.database.acquire_timeout_secs,
        }
    }

    /// Whether anything of this process lives in the data folder.
    #[must_use]
    pub fn uses_data_folder(&self) -> bool {
        self.database.is_sqlite()
            || self.events.kind == EventsKind::Embedded
            || self.pii.keys.is_empty()
    }

    /// Whether `serve` applies missing migrations.
    #[must_use]
    pub fn auto_migrate(&self, modules: usize) -> bool {
        match self.database.auto_migrate {
            Tristate::True => true,
            Tristate::False => false,
            Tristate::Auto => self.database.is_sqlite() || modules > 1,
        }
    }
}

/// `faults`: variables of the environment that nobody reads.
fn tree(modules: &[Module], sources: &Sources, faults: &mut Vec<String>) -> Result<Config, Error> {
    let mut builder = Config::builder().add_source(File::from_str(COMMON, FileFormat::Toml));
    for module in modules {
        builder = builder.add_source(under(module.name, module.defaults)?);
    }
    builder = builder.add_source(File::from_str(&sources.preset, FileFormat::Toml));
    builder = match &sources.file {
        Some(path) if path.is_file() => builder.add_source(toml_file(path)),
        Some(path) => {
            let detail =
                format!("{} is not a file; name an existing one or leave it away", path.display());
            return Err(Error::setting("--config or KEFU_CONFIG", detail));
        }
        None if sources.no_file => builder,
        None => builder.add_source(toml_file(Path::new("kefu.toml")).required(false)),
    };
    let fault = |e: config::ConfigError| Error::Settings(vec![e.to_string()]);
    let below = builder.build_cloned().map_err(fault)?;
    let known = known_sections(modules, &sources.preset);
    let given = environment::read(&below, &known, sources.environment.clone(), faults)?;
    builder = builder.add_source(given);
    for (name, value) in &sources.overrides {
        builder = builder
            .set_override(name, value.as_str())
            .map_err(|e| Error::setting(name, e.to_string()))?;
    }
    builder.build().map_err(fault)
}

fn toml_file(path: &Path) -> File<config::FileSourceFile, FileFormat> {
    File::from(path.to_owned()).format(FileFormat::Toml)
}

/// A module's defaults moved under its name.
pub(crate) fn under(name: &str, text: &str) -> Result<Config, Error> {
    let fault =
        |e: config::ConfigError| Error::setting(name, format!("the defaults in the binary: {e}"));
    let inner = Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .build()
        .map_err(fault)?;
    let table: Map<String, config::Value> = inner.try_deserialize().map_err(fault)?;
    Config::builder().set_override(name, table).and_then(|builder| builder.build()).map_err(fault)
}

fn section<T: DeserializeOwned + Default>(
    tree: &Config,
    name: &str,
    faults: &mut Vec<String>,
) -> T {
    read(tree, name).unwrap_or_else(|fault| {
        faults.push(fault);
        T::default()
    })
}

/// Reads a section; the fault names the setting and, unless it may be a secret, shows its value.
pub(crate) fn read<T: DeserializeOwned>(tree: &Config, name: &str) -> Result<T, String> {
    let table = match tree.get_table(name) {
        Ok(table) => table,
        Err(config::ConfigError::NotFound(_)) => Map::new(),
        Err(_) => return Err(format!("{name}: must be a section, [{name}]")),
    };
    let table = config::Value::new(None, config::ValueKind::Table(table));
    serde_path_to_error::deserialize(table).map_err(|e| {
        let path = e.path().to_string();
        let place = if path == "." { name.to_owned() } else { format!("{name}.{path}") };
        let text = e.inner().to_string();
        if let Some(rest) = text.strip_prefix("unknown field `") {
            return unknown_field(&place, rest);
        }
        let place = format!("{place} (environment: {})", environment::variable(&place));
        if ["key", "password", "secret", "token"].iter().any(|word| place.contains(word)) {
            return format!("{place}: cannot be read as what belongs there");
        }
        format!("{place}: {text}")
    })
}

/// `rest` is what serde says after "unknown field": the name, and those that it knows.
fn unknown_field(place: &str, rest: &str) -> String {
    let (field, known) = rest.split_once('`').unwrap_or((rest, ""));
    let place = match place.rsplit('.').next() {
        Some(last) if last == field => place.to_owned(),
        _ => format!("{place}.{field}"),
    };
    let known = known.split_once("expected ").map_or(known, |(_, known)| known);
    let known = known.trim_start_matches("one of ").replace('`', "");
    let known = if known.contains("no fields") { "none" } else { known.trim_start_matches(", ") };
    format!(
        "{place} (environment: {}): there is no such setting; known here: {known}",
        environment::variable(&place)
    )
}

/// Sections that somebody in this process reads.
fn known_sections(modules: &[Module], preset: &str) -> Vec<String> {
    let names = |text: &str| -> Vec<String> {
        let parsed = Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build();
        let table = parsed.and_then(Config::try_deserialize::<Map<String, config::Value>>);
        table.map(|t| t.into_keys().collect()).unwrap_or_default()
    };
    [names(COMMON), names(preset), modules.iter().map(|m| m.name.to_owned()).collect()].concat()
}

fn unknown_sections(tree: &Config, modules: &[Module], preset: &str) -> Vec<String> {
    let known = known_sections(modules, preset);
    let all = tree.clone().try_deserialize::<Map<String, config::Value>>().unwrap_or_default();
    let mut unknown: Vec<String> = all.into_keys().filter(|name| !known.contains(name)).collect();
    unknown.sort();
    unknown
}

#[cfg(test)]
mod tests;
