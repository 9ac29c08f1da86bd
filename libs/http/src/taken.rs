//! What handlers take besides the body: query parameters and headers, told by their extractors.
//! Nothing is noted until somebody asks for it, as the walks over all operations do, which compare
//! it with the documents.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::HttpRequest;
use serde::{
    Deserializer,
    de::{DeserializeOwned, Visitor, value::Error},
    forward_to_deserialize_any,
};

static WATCHED: AtomicBool = AtomicBool::new(false);
static SEEN: Mutex<BTreeMap<(String, String), Taken>> = Mutex::new(BTreeMap::new());

/// What a handler takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    pub query: BTreeSet<String>,
    /// In lower case.
    pub headers: BTreeSet<String>,
}

/// From now on it is noted what handlers take.
pub fn watch() {
    WATCHED.store(true, Ordering::Relaxed);
}

/// What the handler of a method and a route template, as actix knows it, took so far.
#[must_use]
pub fn by(method: &str, template: &str) -> Taken {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.get(&(method.to_owned(), template.to_owned())).cloned().unwrap_or_default()
}

fn note(req: &HttpRequest, note: impl FnOnce(&mut Taken)) {
    if WATCHED.load(Ordering::Relaxed) {
        let key = (req.method().to_string(), req.match_pattern().unwrap_or_default());
        note(SEEN.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
    }
}

pub(crate) fn header(req: &HttpRequest, name: &str) {
    note(req, |taken| {
        taken.headers.insert(name.to_ascii_lowercase());
    });
}

pub(crate) fn query<T: DeserializeOwned>(req: &HttpRequest) {
    note(req, |taken| taken.query.extend(fields::<T>().into_iter().map(str::to_owned)));
}

/// Fields of a struct, by the names that serde reads.
fn fields<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut found = vec![];
    // Ends with an error once it knows the names: there is no value.
    let _ = T::deserialize(Asking(&mut found));
    found
}

struct Asking<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom(Nothing))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(fields);
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Nothing;

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no value")
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Filter {
        q: Option<String>,
        #[serde(rename = "type")]
        ty: u8,
    }

    #[test]
    fn names_are_those_that_serde_reads() {
        assert_eq!(fields::<Filter>(), ["q", "type"]);
        assert!(fields::<BTreeMap<String, String>>().is_empty());
    }
}
