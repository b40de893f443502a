//! JSON as npm meets it: text is borrowed, and a member of the wrong type is passed over and told, never fatal.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// What to make of one JSON value. Every kind of value that a shape does not expect ends in `other`.
pub(super) trait Shape<'a>: Sized {
    /// What it becomes.
    type Out;
    /// A value of an unexpected kind.
    fn other(self) -> Self::Out;
    /// `null` and `false`: old versions of npm write them for "there is none".
    fn absent(self) -> Self::Out {
        self.other()
    }
    /// `true`.
    fn yes(self) -> Self::Out {
        self.other()
    }
    /// A string.
    fn text(self, _text: Cow<'a, str>) -> Self::Out {
        self.other()
    }
    /// An object.
    fn object<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Out, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.other())
    }
}

/// Reads `json`, all of it, as `shape`.
pub(super) fn read<'a, S: Shape<'a>>(json: &'a str, shape: S) -> Result<S::Out, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let out = As(shape).deserialize(&mut reader)?;
    reader.end()?;
    Ok(out)
}

/// The next member's name.
pub(super) fn next_key<'a, M: MapAccess<'a>>(map: &mut M) -> Result<Option<Cow<'a, str>>, M::Error> {
    Ok(map.next_key_seed(As(AnyText))?.map(|key| match key {
        Text::Is(key) => key,
        Text::Absent | Text::Odd => Cow::Borrowed(""),
    }))
}

/// The value of the member whose name was just read.
pub(super) fn value<'a, M: MapAccess<'a>, S: Shape<'a>>(map: &mut M, shape: S) -> Result<S::Out, M::Error> {
    map.next_value_seed(As(shape))
}

/// Passes over the value of the member whose name was just read.
pub(super) fn skip<'a, M: MapAccess<'a>>(map: &mut M) -> Result<(), M::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// A value that should be a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// It is.
    Is(Cow<'a, str>),
    /// `null` or `false`.
    Absent,
    /// It is something else.
    Odd,
}

/// Reads a [`Text`].
pub(super) struct AnyText;

impl<'a> Shape<'a> for AnyText {
    type Out = Text<'a>;
    fn other(self) -> Text<'a> {
        Text::Odd
    }
    fn absent(self) -> Text<'a> {
        Text::Absent
    }
    fn text(self, text: Cow<'a, str>) -> Text<'a> {
        Text::Is(text)
    }
}

/// Reads whether a value is `true`.
pub(super) struct Flag;

impl<'a> Shape<'a> for Flag {
    type Out = bool;
    fn other(self) -> bool {
        false
    }
    fn yes(self) -> bool {
        true
    }
}

/// The adapter between [`Shape`] and serde.
struct As<S>(S);

impl<'a, S: Shape<'a>> DeserializeSeed<'a> for As<S> {
    type Value = S::Out;
    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<S::Out, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a, S: Shape<'a>> Visitor<'a> for As<S> {
    type Value = S::Out;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<S::Out, E> {
        Ok(if value { self.0.yes() } else { self.0.absent() })
    }
    fn visit_i64<E>(self, _: i64) -> Result<S::Out, E> {
        Ok(self.0.other())
    }
    fn visit_u64<E>(self, _: u64) -> Result<S::Out, E> {
        Ok(self.0.other())
    }
    fn visit_f64<E>(self, _: f64) -> Result<S::Out, E> {
        Ok(self.0.other())
    }
    fn visit_unit<E>(self) -> Result<S::Out, E> {
        Ok(self.0.absent())
    }
    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<S::Out, E> {
        Ok(self.0.text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<S::Out, E> {
        Ok(self.0.text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<S::Out, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.0.other())
    }
    fn visit_map<M: MapAccess<'a>>(self, map: M) -> Result<S::Out, M::Error> {
        self.0.object(map)
    }
}
