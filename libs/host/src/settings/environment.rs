//! Variables `KEFU__SECTION__NAME`. Values stay text and are read as what the setting needs: guessing
//! types would turn a key of digits into a floating-point number. Where the default is a list, the
//! text is one: items parted by commas, or JSON where it begins with `[`.

use config::{Config, ConfigError, Environment, Map, Source, Value, ValueKind};

use crate::Error;

/// Sections of other programs of the suite: processes often share one environment.
const ELSEWHERE: [&str; 5] = ["customer", "ticketing", "quality", "survey", "notification"];

/// The variables as a layer over `below`, whose lists say what is a list. `faults` gets a line for every
/// variable of a section that nobody reads, and every list that cannot be read; a name within a section
/// is judged by whoever reads it.
///
/// # Errors
/// When the environment cannot be read.
pub(super) fn read(
    below: &Config,
    known: &[String],
    stand_in: Option<Map<String, String>>,
    faults: &mut Vec<String>,
) -> Result<Layer, Error> {
    let environment = Environment::with_prefix("KEFU").prefix_separator("__").separator("__");
    let found = environment.source(stand_in).collect();
    let found = found.map_err(|e| Error::Settings(vec![e.to_string()]))?;
    let mut layer = Map::new();
    for (path, value) in found {
        let section = path.split('.').next().unwrap_or_default();
        if !known.iter().any(|name| name == section) && !ELSEWHERE.contains(&section) {
            faults.push(format!(
                "{}: there is no section {section} of the settings; known are {}",
                variable(&path),
                known.join(", ")
            ));
        } else if below.get_array(&path).is_ok() {
            match list(&value.to_string()) {
                Ok(items) => drop(layer.insert(path, items)),
                Err(e) => faults.push(format!("{}: {e}", variable(&path))),
            }
        } else {
            layer.insert(path, value);
        }
    }
    faults.sort();
    Ok(Layer(layer))
}

/// The name of a setting in the environment.
pub(super) fn variable(path: &str) -> String {
    format!("KEFU__{}", path.to_uppercase().replace('.', "__"))
}

fn list(text: &str) -> Result<Value, String> {
    let items: Vec<Value> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|e| format!("cannot be read as a list in JSON: {e}"))?
    } else {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(Value::from).collect()
    };
    Ok(Value::new(None, ValueKind::Array(items)))
}

/// What was read.
#[derive(Debug, Clone)]
pub(super) struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}
