//! How serde walks through what a value holds: items, fields, a variant.

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
        Visitor,
        value::{StrDeserializer, StringDeserializer},
    },
};

use super::{
    super::{
        Patch, Tree,
        faults::{Fault, What},
    },
    Node, Read, Reader, Step, Value,
};

pub(super) struct List<'a, 'r> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) rest: Items<'a>,
}

pub(super) enum Items<'a> {
    Given(std::slice::Iter<'a, Tree>, usize),
    Parts(std::slice::Iter<'a, (String, Tree)>),
    One(Option<Node<'a>>),
    Fitting(usize),
}

impl<'de> SeqAccess<'de> for List<'_, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        let reader = self.reader;
        match &mut self.rest {
            Items::Given(items, at) => loop {
                let Some(item) = items.next() else { return Ok(None) };
                let step = Step::Index(*at);
                *at += 1;
                if reader.below(step, || reader.patch()) == Some(Patch::Nothing) {
                    continue;
                }
                return reader
                    .below(step, || reader.read(seed, reader.child(Node::Given(item))).map(Some));
            },
            Items::Parts(parts) => {
                let Some((name, part)) = parts.next() else { return Ok(None) };
                reader.below(Step::Key(name), || {
                    reader.read(seed, reader.child(Node::Given(part))).map(Some)
                })
            }
            // The value of a parameter that may be given more than once: its own name is the place.
            Items::One(node) => match node.take() {
                Some(node) => seed.deserialize(Value { node, reader }).map(Some),
                None => Ok(None),
            },
            Items::Fitting(0) => Ok(None),
            Items::Fitting(left) => {
                *left -= 1;
                seed.deserialize(Value { node: Node::Fitting, reader }).map(Some)
            }
        }
    }
}

pub(super) struct Map<'a, 'r> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) fields: &'a [(String, Tree)],
    pub(super) at: usize,
    pub(super) added: &'a [&'static str],
    pub(super) value: Option<(&'a str, Node<'a>)>,
}

impl<'a> Map<'a, '_> {
    fn next(&mut self) -> Option<(&'a str, Node<'a>)> {
        while let Some((key, value)) = self.fields.get(self.at) {
            self.at += 1;
            let given_before =
                || self.fields[..self.at - 1].iter().any(|(earlier, _)| earlier == key);
            match self.reader.below(Step::Key(key), || self.reader.patch()) {
                Some(Patch::Nothing) => continue,
                Some(Patch::First) if given_before() => continue,
                _ => return Some((key, Node::Given(value))),
            }
        }
        let (first, rest) = self.added.split_first()?;
        self.added = rest;
        Some((first, Node::Fitting))
    }
}

impl<'de> MapAccess<'de> for Map<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        let Some((key, value)) = self.next() else { return Ok(None) };
        self.value = Some((key, value));
        let name: StrDeserializer<'_, Fault> = key.into_deserializer();
        let read = seed.deserialize(name).map(Some);
        read.map_err(|fault| fault.at(|| self.reader.pointer(), || None))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<S::Value> {
        let reader = self.reader;
        let (key, node) = self.value.take().unwrap_or(("", Node::Fitting));
        reader.below(Step::Key(key), || reader.read(seed, reader.child(node)))
    }
}

/// A variant with its content.
pub(super) struct Choice<'a, 'r> {
    pub(super) name: &'a str,
    pub(super) content: Option<Node<'a>>,
    pub(super) reader: &'r Reader<'a>,
}

impl<'de, 'a, 'r> EnumAccess<'de> for Choice<'a, 'r> {
    type Error = Fault;
    type Variant = Content<'a, 'r>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<(S::Value, Self::Variant)> {
        let name: StringDeserializer<Fault> = self.name.to_owned().into_deserializer();
        let value = seed.deserialize(name)?;
        Ok((value, Content { content: self.content, reader: self.reader, name: self.name }))
    }
}

pub(super) struct Content<'a, 'r> {
    name: &'a str,
    content: Option<Node<'a>>,
    reader: &'r Reader<'a>,
}

impl<'a, 'r> Content<'a, 'r> {
    fn read<T>(self, work: impl FnOnce(Value<'a, 'r>) -> Read<T>) -> Read<T> {
        let reader = self.reader;
        match self.content {
            Some(node @ Node::Given(_)) => {
                reader.below(Step::Key(self.name), || work(reader.child(node)))
            }
            Some(Node::Fitting) => work(Value { node: Node::Fitting, reader }),
            None => Err(Fault::of(What::Type)),
        }
    }
}

impl<'de> VariantAccess<'de> for Content<'_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Read<()> {
        match self.content {
            None | Some(Node::Fitting | Node::Given(Tree::Null)) => Ok(()),
            Some(Node::Given(_)) => Err(Fault::of(What::Type)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<S::Value> {
        self.read(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Read<V::Value> {
        self.read(|content| content.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.read(|content| content.deserialize_struct("", fields, visitor))
    }
}
