//! Headers and keys as they stand in rows.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// Relay shards of one outbox. Rows carry theirs, so changing it needs an empty outbox.
pub(crate) const SHARDS: u64 = 8;

/// Headers as a JSON object; a value that is no UTF-8 becomes `{"base64": …}`. Of a name that
/// occurs twice the last value stays.
pub(crate) fn headers_to_json(headers: &[(String, Vec<u8>)]) -> String {
    let object: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| {
            let value = match std::str::from_utf8(value) {
                Ok(text) => Value::from(text),
                Err(_) => json!({ "base64": STANDARD.encode(value) }),
            };
            (name.clone(), value)
        })
        .collect();
    Value::Object(object).to_string()
}

/// The inverse of [`headers_to_json`].
pub(crate) fn headers_from_json(text: &str) -> Result<Headers, serde_json::Error> {
    let object: Map<String, Value> = serde_json::from_str(text)?;
    let bytes = |value: Value| match &value {
        Value::String(text) => text.clone().into_bytes(),
        other => other
            .get("base64")
            .and_then(Value::as_str)
            .and_then(|text| STANDARD.decode(text).ok())
            .unwrap_or_else(|| other.to_string().into_bytes()),
    };
    Ok(object.into_iter().map(|(name, value)| (name, bytes(value))).collect())
}

/// Text of a payload for the outbox, and whether it had to be written in base64.
pub(crate) fn payload_to_text(payload: &[u8]) -> (String, bool) {
    match std::str::from_utf8(payload) {
        // PostgreSQL's text cannot hold U+0000.
        Ok(text) if !text.contains('\0') => (text.to_owned(), false),
        _ => (STANDARD.encode(payload), true),
    }
}

/// A header's value as text.
pub(crate) fn header<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(n, _)| n == name)?;
    std::str::from_utf8(value).ok()
}

/// Shard of a key: the same in every process and version (FNV-1a).
pub(crate) fn shard_of(key: &str) -> i32 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    i32::try_from((hash ^ (hash >> 32)) % SHARDS).unwrap_or_default()
}

/// An id made of content (FNV-1a, 128 bit), for a message that brings none: the same message read
/// again gets the same id.
pub(crate) fn content_id(parts: &[&[u8]]) -> uuid::Uuid {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }
    uuid::Uuid::from_u128(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_row() {
        let headers =
            vec![("a".to_owned(), "文".as_bytes().to_vec()), ("b".to_owned(), vec![0xff, 0])];
        assert_eq!(headers_from_json(&headers_to_json(&headers)).unwrap(), headers);
    }

    #[test]
    fn shards_are_stable_and_all_used() {
        assert_eq!(shard_of("a"), shard_of("a"));
        let used: std::collections::BTreeSet<i32> =
            (0..200).map(|n| shard_of(&n.to_string())).collect();
        assert_eq!(used, (0..8).collect());
    }

    #[test]
    fn content_ids_differ_by_part() {
        assert_eq!(content_id(&[b"a", b"b"]), content_id(&[b"a", b"b"]));
        assert_ne!(content_id(&[b"ab", b""]), content_id(&[b"a", b"b"]));
    }
}
