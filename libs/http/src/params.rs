//! Name–value pairs (query strings and forms) → value. Repeated names make a list; numbers,
//! booleans and enums are read from their text. Written here because `serde_urlencoded` neither
//! reads lists nor tells which parameter is at fault.

use std::{borrow::Cow, collections::BTreeMap};

use kernel::Problem;
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, Error as _, IntoDeserializer, Visitor,
        value::{Error, MapDeserializer, SeqDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_path_to_error::Segment;

use crate::json::{Fault, escape};

/// Reads `text` (`a=1&b=2`); faults are added to `refusal` as field errors.
pub(crate) fn read<T: DeserializeOwned>(text: &str, refusal: Problem) -> Result<T, Problem> {
    let pairs = match pairs(text) {
        Ok(pairs) => pairs,
        Err(detail) => return Err(refusal.detail(detail)),
    };
    if let Some((name, _)) = pairs.iter().find(|(name, Values(values))| {
        name.contains('\0') || values.iter().any(|value| value.contains('\0'))
    }) {
        let pointer = format!("/{}", escape(&name.replace('\0', "\u{fffd}")));
        return Err(refusal.field(pointer, "nul-character", "may not contain the NUL character"));
    }
    let map = MapDeserializer::<_, Error>::new(pairs.into_iter().map(|(k, v)| (k.into_owned(), v)));
    serde_path_to_error::deserialize(map).map_err(|e| {
        let name = e.path().iter().find_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        let text = e.into_inner().to_string();
        let fault = Fault::of(&text);
        let name = name.or_else(|| fault.field.map(str::to_owned)).unwrap_or_default();
        refusal.field(format!("/{}", escape(&name)), fault.code, text.clone())
    })
}

fn pairs(text: &str) -> Result<BTreeMap<Cow<'_, str>, Values>, &'static str> {
    let mut pairs = BTreeMap::<Cow<'_, str>, Values>::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(decode(name)?).or_default().0.push(decode(value)?.into_owned());
    }
    Ok(pairs)
}

/// Percent-decoding of `application/x-www-form-urlencoded`.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, &'static str> {
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
                    return Err("a percent sign must be followed by two hexadecimal digits");
                };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            }
            plain => bytes.push(plain),
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| "the text is not UTF-8")
}

/// Every value given for one name.
#[derive(Debug, Default)]
struct Values(Vec<String>);

impl Values {
    fn one(self) -> Result<String, Error> {
        let mut values = self.0.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Error::custom("invalid length: may be given only once")),
        }
    }
}

impl<'de> IntoDeserializer<'de, Error> for Values {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parse_into {
    ($($method:ident $visit:ident $type:ty, $what:literal;)+) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                let text = self.one()?;
                match text.parse::<$type>() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(Error::custom(concat!("invalid type: must be ", $what))),
                }
            }
        )+
    };
}

impl<'de> Deserializer<'de> for Values {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.one()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter().map(|value| Values(vec![value]))))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let text = self.one()?;
        let unit: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
        unit.deserialize_enum(name, variants, visitor)
    }

    parse_into! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i8 i8, "a whole number in range";
        deserialize_i16 visit_i16 i16, "a whole number in range";
        deserialize_i32 visit_i32 i32, "a whole number in range";
        deserialize_i64 visit_i64 i64, "a whole number in range";
        deserialize_u8 visit_u8 u8, "a whole number in range";
        deserialize_u16 visit_u16 u16, "a whole number in range";
        deserialize_u32 visit_u32 u32, "a whole number in range";
        deserialize_u64 visit_u64 u64, "a whole number in range";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier
        ignored_any i128 u128
    }
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
        ];
        for (text, pointer, code) in cases {
            let problem = filter(text).unwrap_err();
            assert_eq!(
                (problem.errors[0].pointer.as_str(), problem.errors[0].code),
                (pointer, code),
                "{text}"
            );
        }
        assert!(filter("q=%zz").is_err() && filter("q=%ff").is_err() && filter("q=%4").is_err());
    }
}
