//! Gives a [`Tree`] to serde, patched, and notes where faults are.

mod access;

use std::cell::RefCell;

use kernel::Text;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Expected, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};

use super::{
    Patch, Patches, Source, Tree, escape,
    faults::{Fault, What, fitting_text, text_for},
};
use crate::messages;
use access::{Choice, Items, List, Map};

/// One reading of a tree.
pub(super) struct Reader<'a> {
    tree: &'a Tree,
    source: Source,
    patches: &'a Patches,
    path: RefCell<Vec<Step<'a>>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// A value of the tree, or one that will do in its place.
#[derive(Clone, Copy)]
enum Node<'a> {
    Given(&'a Tree),
    Fitting,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tree: &'a Tree, source: Source, patches: &'a Patches) -> Self {
        Self { tree, source, patches, path: RefCell::default() }
    }

    pub(super) fn root(&self) -> Value<'a, '_> {
        self.child(Node::Given(self.tree))
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.path.borrow().iter() {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&escape(key)),
                Step::Index(i) => pointer.push_str(&i.to_string()),
            }
        }
        pointer
    }

    /// What was put right here.
    fn patch(&self) -> Option<Patch> {
        // Nothing was in a first reading, which is the only one when all is well.
        if self.patches.at.is_empty() {
            None
        } else {
            self.patches.at.get(&self.pointer()).copied()
        }
    }

    fn below<R>(&self, step: Step<'a>, work: impl FnOnce() -> R) -> R {
        self.path.borrow_mut().push(step);
        let result = work();
        self.path.borrow_mut().pop();
        result
    }

    /// What a type that looks at a copy finds wrong later lies here, too.
    fn read<'de, S: DeserializeSeed<'de>>(&self, seed: S, value: Value<'a, '_>) -> Read<S::Value> {
        seed.deserialize(value).map_err(|fault| fault.at(|| self.pointer(), || None))
    }

    fn child(&self, given: Node<'a>) -> Value<'a, '_> {
        let node = match self.patch() {
            Some(Patch::Fitting) => Node::Fitting,
            _ => given,
        };
        Value { node, reader: self }
    }
}

/// A value on its way to serde.
#[derive(Clone, Copy)]
pub(super) struct Value<'a, 'r> {
    node: Node<'a>,
    reader: &'r Reader<'a>,
}

type Read<T> = Result<T, Fault>;

impl<'a, 'r> Value<'a, 'r> {
    fn note<T>(&self, read: Read<T>, expected: impl FnOnce() -> Text) -> Read<T> {
        read.map_err(|fault| fault.at(|| self.reader.pointer(), || Some(expected())))
    }

    fn wrong<T>(&self, what: What, expected: Text) -> Read<T> {
        self.note(Err(Fault::of(what)), || expected)
    }

    /// The value, where pairs hold it as the one of its name.
    fn one(&self) -> Read<Node<'a>> {
        match (self.node, self.reader.source) {
            (Node::Given(Tree::List(_)), Source::Pairs) => {
                self.wrong(What::Length, messages::given_twice())
            }
            (node, _) => Ok(node),
        }
    }

    fn text(&self) -> Read<Option<&'a str>> {
        Ok(match self.one()? {
            Node::Given(Tree::Text(text)) => Some(text),
            _ => None,
        })
    }

    fn list<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        expected: Text,
        length: usize,
    ) -> Read<V::Value> {
        let pairs = self.reader.source == Source::Pairs;
        let rest = match self.node {
            Node::Given(Tree::List(items)) => Items::Given(items.iter(), 0),
            // The parts of a path.
            Node::Given(Tree::Map(parts)) if pairs => Items::Parts(parts.iter()),
            node @ Node::Given(Tree::Text(_)) if pairs => Items::One(Some(node)),
            Node::Fitting => Items::Fitting(length),
            Node::Given(_) => return self.wrong(What::Type, expected),
        };
        let read = visitor.visit_seq(List { reader: self.reader, rest });
        self.note(read, || expected)
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let fields = match self.node {
            Node::Given(Tree::Map(fields)) => fields.as_slice(),
            Node::Fitting => &[],
            Node::Given(_) => return self.wrong(What::Type, messages::an_object()),
        };
        let added = match self.reader.patches.added.is_empty() {
            true => None,
            false => self.reader.patches.added.get(&self.reader.pointer()),
        };
        let added = added.map(Vec::as_slice).unwrap_or_default();
        let read =
            visitor.visit_map(Map { reader: self.reader, fields, at: 0, added, value: None });
        // An object it is; what does not fit is something in it.
        read.map_err(|fault| {
            let tag = match &fault.what {
                What::UnknownValue(given, _) => fields
                    .iter()
                    .find(|(_, value)| matches!(value, Tree::Text(text) if text == given)),
                _ => None,
            };
            let tag = tag.map(|(key, _)| key.as_str());
            fault.told_at(tag).at(|| self.reader.pointer(), || None)
        })
    }
}

/// Numbers: of JSON as they are, of pairs read from their text, within the bounds of their type.
macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $expected:expr;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            let text = if self.reader.source == Source::Pairs { self.text()? } else { None };
            let read = match (self.node, text) {
                (_, Some(text)) => match text.parse::<$type>() {
                    Ok(number) => visitor.$visit(number),
                    Err(_) => return self.wrong(What::Type, $expected),
                },
                (Node::Fitting, _) => visitor.visit_u64(1),
                (Node::Given(Tree::Number(number)), _) => visit_number(number, visitor),
                // The one part of a path.
                (Node::Given(Tree::Map(parts)), _) if self.reader.source == Source::Pairs => {
                    return match parts.as_slice() {
                        [(name, part)] => self.reader.below(Step::Key(name), || {
                            self.reader.child(Node::Given(part)).$method(visitor)
                        }),
                        _ => self.wrong(What::Type, $expected),
                    };
                }
                (Node::Given(_), _) => return self.wrong(What::Type, $expected),
            };
            self.note(read, || $expected)
        })+
    };
}

fn visit_number<'de, V: Visitor<'de>>(number: &serde_json::Number, visitor: V) -> Read<V::Value> {
    if let Some(n) = number.as_u64() {
        visitor.visit_u64(n)
    } else if let Some(n) = number.as_i64() {
        visitor.visit_i64(n)
    } else {
        visitor.visit_f64(number.as_f64().unwrap_or_default())
    }
}

impl<'de> Deserializer<'de> for Value<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let read = match self.one()? {
            Node::Given(Tree::Null) => visitor.visit_unit(),
            Node::Fitting => visitor.visit_str(fitting_text("")),
            Node::Given(Tree::Flag(flag)) => visitor.visit_bool(*flag),
            Node::Given(Tree::Number(number)) => visit_number(number, visitor),
            Node::Given(Tree::Text(text)) => visitor.visit_str(text),
            Node::Given(Tree::List(_)) => return self.deserialize_seq(visitor),
            Node::Given(Tree::Map(_)) => return self.deserialize_map(visitor),
        };
        read.map_err(|fault| fault.at(|| self.reader.pointer(), || None))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let text = if self.reader.source == Source::Pairs { self.text()? } else { None };
        let flag = match (self.node, text) {
            (_, Some("true")) | (Node::Given(Tree::Flag(true)), _) => true,
            (_, Some("false")) | (Node::Given(Tree::Flag(false)) | Node::Fitting, _) => false,
            _ => return self.wrong(What::Type, messages::a_flag()),
        };
        self.note(visitor.visit_bool(flag), messages::a_flag)
    }

    numbers! {
        deserialize_i8 visit_i8 i8, messages::whole_number(i8::MIN, i8::MAX);
        deserialize_i16 visit_i16 i16, messages::whole_number(i16::MIN, i16::MAX);
        deserialize_i32 visit_i32 i32, messages::whole_number(i32::MIN, i32::MAX);
        deserialize_i64 visit_i64 i64, messages::a_whole_number();
        deserialize_u8 visit_u8 u8, messages::whole_number(0, u8::MAX);
        deserialize_u16 visit_u16 u16, messages::whole_number(0, u16::MAX);
        deserialize_u32 visit_u32 u32, messages::whole_number(0, u32::MAX);
        deserialize_u64 visit_u64 u64, messages::whole_number(0, u64::MAX);
        deserialize_f32 visit_f32 f32, messages::a_number();
        deserialize_f64 visit_f64 f64, messages::a_number();
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let wanted = (&visitor as &dyn Expected).to_string();
        let text = match (self.node, self.text()?) {
            (_, Some(text)) => text,
            (Node::Fitting, _) => fitting_text(&wanted),
            // The one part of a path.
            (Node::Given(Tree::Map(parts)), _) if self.reader.source == Source::Pairs => {
                return match parts.as_slice() {
                    [(name, part)] => self.reader.below(Step::Key(name), || {
                        self.reader.child(Node::Given(part)).deserialize_str(visitor)
                    }),
                    _ => self.wrong(What::Type, text_for(&wanted)),
                };
            }
            _ => return self.wrong(What::Type, text_for(&wanted)),
        };
        self.note(visitor.visit_str(text), || text_for(&wanted))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.node {
            Node::Given(Tree::Null) | Node::Fitting => visitor.visit_none(),
            Node::Given(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.node {
            Node::Given(Tree::Null) | Node::Fitting => visitor.visit_unit(),
            Node::Given(_) => self.wrong(What::Type, messages::must_be_null()),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        let read = visitor.visit_newtype_struct(self);
        read.map_err(|fault| fault.at(|| self.reader.pointer(), || None))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.list(visitor, messages::a_list(), 0)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Read<V::Value> {
        self.list(visitor, messages::a_list_of(length), length)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Read<V::Value> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        let expected = || kernel::messages::one_of(variants);
        let (name, content) = match self.one()? {
            Node::Given(Tree::Text(name)) => (name.as_str(), None),
            Node::Given(Tree::Map(fields)) => match fields.as_slice() {
                [(name, content)] => (name.as_str(), Some(Node::Given(content))),
                _ => return self.wrong(What::Type, expected()),
            },
            Node::Fitting => (variants.first().copied().unwrap_or_default(), Some(Node::Fitting)),
            Node::Given(_) => return self.wrong(What::Type, expected()),
        };
        self.note(visitor.visit_enum(Choice { name, content, reader: self.reader }), expected)
    }

    forward_to_deserialize_any! {
        char bytes byte_buf unit_struct identifier ignored_any i128 u128
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Value<'_, '_> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}
