//! An event about a person who was forgotten, fit to be kept: ids, numbers, times and fixed words
//! stay, whatever people wrote or are called goes.

use contracts::ERASED;
use serde_json::Value;

use super::sealed;

/// Where events carry what people wrote.
const WORDS: [&str; 9] =
    ["subject", "resolution", "note", "reason", "title", "cause", "evidence", "comment", "body"];

/// `data` of an event of type `ty` without words.
#[must_use]
pub fn of(ty: &str, data: &Value) -> Value {
    let mut data = sealed::veiled(ty, data);
    overwrite(&mut data);
    data
}

fn overwrite(data: &mut Value) {
    match data {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if WORDS.contains(&name.as_str()) => *text = ERASED.into(),
                    other => overwrite(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(overwrite),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_wrote_goes() {
        let data = json!({
            "ticket": { "number": "T1", "subject": "张三 13800138000", "status": "open" },
            "resolution": "paid", "subject": { "org": "/acme", "handler": "li.na" },
        });
        let left = json!({
            "ticket": { "number": "T1", "subject": ERASED, "status": "open" },
            "resolution": ERASED, "subject": { "org": "/acme", "handler": "li.na" },
        });
        assert_eq!(of("kefu.ticket.resolved.v1", &data), left);
    }
}
