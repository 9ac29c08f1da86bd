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
    fn sealed_answers_and_resolutions_go_too() {
        let data = json!({ "body": "k1.x", "direction": "outbound", "ticket": { "number": "T1" } });
        let left = of("kefu.ticket.replied.v1", &data);
        assert!(!left.to_string().contains("k1.x"), "{left}");
        assert_eq!(left["direction"], "outbound");
        let data = json!({ "resolution": "paid", "sealed_resolution": "k1.x", "ticket": {} });
        let left = of("kefu.ticket.resolved.v1", &data);
        assert!(!left.to_string().contains("k1.x") && !left.to_string().contains("paid"), "{left}");
    }

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
