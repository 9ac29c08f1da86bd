//! Documents made from the code: one OpenAPI file per service, the AsyncAPI file of the topics and
//! a JSON Schema per event. They are committed, so that a change of the contract shows in review.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Writes every document, or with `check` compares them with what is committed.
pub fn run(root: &Path, check: bool) -> Result<(), String> {
    let documents = documents(root)?;
    let mut stale = vec![];
    for (path, text) in &documents {
        if fs::read_to_string(path).is_ok_and(|old| old == *text) {
            continue;
        }
        stale.push(path.display().to_string());
        if !check {
            let dir = path.parent().unwrap_or(root);
            fs::create_dir_all(dir)
                .and_then(|()| fs::write(path, text))
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    match (check, stale.is_empty()) {
        (true, false) => Err(format!(
            "generated documents are stale; run `cargo xtask docs`:\n{}",
            stale.join("\n")
        )),
        _ => {
            println!("{} documents, {} changed", documents.len(), stale.len());
            Ok(())
        }
    }
}

fn documents(root: &Path) -> Result<BTreeMap<PathBuf, String>, String> {
    let mut documents = BTreeMap::new();
    for module in modules() {
        let yaml = host::openapi(&module).to_yaml().map_err(|e| e.to_string())?;
        documents.insert(root.join(format!("openapi/{}.yaml", module.name)), yaml);
    }
    let asyncapi = serde_yaml_ng::to_string(&contracts::asyncapi()).map_err(|e| e.to_string())?;
    documents.insert(root.join("openapi/asyncapi.yaml"), asyncapi);
    for event in contracts::all() {
        let schema = serde_json::to_string_pretty(&event.schema).map_err(|e| e.to_string())?;
        documents
            .insert(root.join(format!("libs/contracts/schema/{}.json", event.ty)), schema + "\n");
    }
    Ok(documents)
}

/// The five services, in the order in which a matter passes them.
pub fn modules() -> Vec<host::Module> {
    vec![
        customer::module(),
        ticketing::module(),
        quality::module(),
        survey::module(),
        notification::module(),
    ]
}
