//! Name–value pairs (query strings and forms) → value. Repeated names make a list; numbers,
//! booleans and enums are read from their text. Written here because `serde_urlencoded` neither
//! reads lists nor tells which parameter is at fault.

use std::{borrow::Cow, collections::BTreeMap};

use kernel::{Problem, Text};
use serde::de::DeserializeOwned;

use crate::{
    messages,
    shape::{self, Source, Tree},
};

/// Reads `text` (`a=1&b=2`); every fault is added to `refusal` as a field error.
pub(crate) fn read<T: DeserializeOwned>(text: &str, refusal: Problem) -> Result<T, Problem> {
    match pairs(text) {
        Ok(pairs) => read_pairs(pairs, refusal),
        Err(detail) => Err(refusal.detail(detail)),
    }
}

/// Names with their values, as texts.
pub(crate) fn texts(text: &str) -> Result<Vec<(String, Vec<String>)>, Text> {
    let texts = |tree| match tree {
        Tree::Text(text) => vec![text],
        Tree::List(items) => items
            .into_iter()
            .map(|item| match item {
                Tree::Text(text) => text,
                _ => String::new(),
            })
            .collect(),
        _ => vec![],
    };
    Ok(pairs(text)?.into_iter().map(|(name, tree)| (name, texts(tree))).collect())
}

/// The same for pairs that are decoded already.
pub(crate) fn read_pairs<T: DeserializeOwned>(
    pairs: Vec<(String, Tree)>,
    refusal: Problem,
) -> Result<T, Problem> {
    let tree = Tree::Map(pairs);
    let mut found = Vec::new();
    tree.with_nul("", &mut found);
    if found.is_empty() {
        return shape::read(&tree, Source::Pairs, refusal);
    }
    Err(found.into_iter().fold(refusal, |refusal, pointer| {
        refusal.field(pointer, "nul-character", kernel::messages::nul_character())
    }))
}

fn pairs(text: &str) -> Result<Vec<(String, Tree)>, Text> {
    let mut pairs = BTreeMap::<Cow<'_, str>, Vec<Tree>>::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Tree::Text(decode(value)?.into_owned());
        pairs.entry(decode(name)?).or_default().push(value);
    }
    let one_or_list = |mut values: Vec<Tree>| match values.len() {
        1 => values.remove(0),
        _ => Tree::List(values),
    };
    Ok(pairs.into_iter().map(|(name, values)| (name.into_owned(), one_or_list(values))).collect())
}

/// Percent-decoding of `application/x-www-form-urlencoded`.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Text> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(messages::bad_percent());
                };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            plain => bytes.push(plain),
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| messages::not_utf8())
}

#[cfg(test)]
mod tests {
    use kernel::codes;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        q: Option<String>,
        limit: Option<u32>,
        total: Option<bool>,
        #[serde(default)]
        state: Vec<State>,
        customer: Option<uuid::Uuid>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        New,
        Open,
    }

    fn filter(text: &str) -> Result<Filter, Problem> {
        read(text, Problem::of(&codes::INVALID_QUERY))
    }

    #[test]
    fn a_query_is_read_by_type() {
        let got = filter("q=%E6%8A%95+%E8%AF%89&limit=20&total=true&state=new&state=open").unwrap();
        assert_eq!(got.q.as_deref(), Some("投 诉"));
        assert_eq!((got.limit, got.total), (Some(20), Some(true)));
        assert_eq!(got.state, [State::New, State::Open]);
        assert_eq!(filter("").unwrap().limit, None);
    }

    #[test]
    fn every_fault_names_its_parameter() {
        let cases = [
            ("limit=x", "/limit", "wrong-type"),
            ("limit=-1", "/limit", "wrong-type"),
            ("limit=", "/limit", "wrong-type"),
            ("limit=1&limit=2", "/limit", "wrong-length"),
            ("total=yes", "/total", "wrong-type"),
            ("state=closed", "/state", "unknown-value"),
            ("customer=7", "/customer", "invalid-value"),
            ("colour=red", "/colour", "unknown-field"),
            ("q=a%00b", "/q", "nul-character"),
            ("state=new&state=x", "/state/1", "unknown-value"),
        ];
        for (text, pointer, code) in cases {
            let problem = filter(text).unwrap_err();
            assert_eq!(
                (problem.errors[0].pointer.as_str(), problem.errors[0].code),
                (pointer, code),
                "{text}"
            );
        }
        let all = filter("limit=x&total=yes&colour=red&state=closed").unwrap_err();
        assert_eq!(all.errors.len(), 4, "{all}");
        assert!(filter("q=%zz").is_err() && filter("q=%ff").is_err() && filter("q=%4").is_err());
    }
}
