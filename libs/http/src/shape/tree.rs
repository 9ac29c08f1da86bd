//! An input before it has a type. Unlike `serde_json::Value` it keeps what is given twice.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Values in it, itself included.
    pub(super) fn size(&self) -> usize {
        match self {
            Tree::List(items) => 1 + items.iter().map(Tree::size).sum::<usize>(),
            Tree::Map(fields) => 1 + fields.iter().map(|(_, value)| value.size()).sum::<usize>(),
            _ => 1,
        }
    }

    /// Names in the object at `pointer`.
    pub(super) fn fields_at(&self, pointer: &str) -> Vec<&str> {
        let (mut tree, mut rest) = (self, pointer);
        while let Some(tail) = rest.strip_prefix('/') {
            let (token, behind) = tail.split_at(tail.find('/').unwrap_or(tail.len()));
            rest = behind;
            let next = match tree {
                Tree::List(items) => token.parse().ok().and_then(|i: usize| items.get(i)),
                Tree::Map(fields) => fields
                    .iter()
                    .find_map(|(key, value)| (super::escape(key) == token).then_some(value)),
                _ => None,
            };
            match next {
                Some(next) => tree = next,
                None => return vec![],
            }
        }
        match tree {
            Tree::Map(fields) => fields.iter().map(|(key, _)| key.as_str()).collect(),
            _ => vec![],
        }
    }

    /// Pointers of all names and texts with NUL, which PostgreSQL cannot store.
    pub(crate) fn with_nul(&self, at: &str, found: &mut Vec<String>) {
        match self {
            Tree::Text(text) if text.contains('\0') => found.push(at.to_owned()),
            Tree::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    item.with_nul(&format!("{at}/{i}"), found);
                }
            }
            Tree::Map(fields) => {
                for (key, value) in fields {
                    let name = super::escape(&key.replace('\0', "\u{fffd}"));
                    let below = format!("{at}/{name}");
                    match key.contains('\0') {
                        true => found.push(below),
                        false => value.with_nul(&below, found),
                    }
                }
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AsItIs)
    }
}

struct AsItIs;

impl<'de> Visitor<'de> for AsItIs {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(number).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = from.next_entry()? {
            fields.push(field);
        }
        Ok(Tree::Map(fields))
    }
}
