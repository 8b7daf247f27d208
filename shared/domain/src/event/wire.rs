//! What platforms vary, read without loss: texts that come as numbers, numbers that come as texts, objects that come as text.
//!
//! Nothing here goes through a float: 抖店 ids exceed 2^53, order item ids exceed 2^64.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::time::UnixMillis;

/// A scalar: the text of a string, the digits of a number exactly as they came; absent for `null` and for containers.
#[derive(Clone, Default)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The text, unless it is absent or empty: platforms send `""` for "none".
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The text, even an empty one.
    pub(crate) fn into_inner(self) -> Option<Cow<'a, str>> {
        self.0
    }

    /// The same as a value of its own.
    pub(crate) fn into_owned(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }

    /// The text or `""`.
    pub(crate) fn or_empty(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// As a string of its own, unless absent or empty.
    pub(crate) fn owned(&self) -> Option<String> {
        self.get().map(str::to_owned)
    }

    /// As an integer, if it is one.
    pub(crate) fn int(&self) -> Option<i64> {
        self.get()?.trim().parse().ok()
    }

    /// As a moment, given in seconds or milliseconds. Zero is what platforms send for "not yet".
    pub(crate) fn moment(&self) -> Option<UnixMillis> {
        self.int().filter(|value| *value > 0).map(UnixMillis::from_platform)
    }
}

/// Texts may be personal.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() { "Text(…)" } else { "Text(absent)" })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        scalar(raw).map(Self).map_err(serde::de::Error::custom)
    }
}

fn scalar(raw: &str) -> Result<Option<Cow<'_, str>>, serde_json::Error> {
    match raw.as_bytes().first() {
        Some(b'"') => string(raw).map(Some),
        Some(b'n' | b'{' | b'[') | None => Ok(None),
        Some(_) => Ok(Some(Cow::Borrowed(raw))),
    }
}

/// The text of a JSON string; borrowed when nothing in it is escaped.
fn string(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    let inside = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str::<String>(raw).map(Cow::Owned),
    }
}

/// Reads a JSON object. Derived readers would take an array for the fields in their order, too.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    if text.trim_ascii_start().starts_with('{') {
        serde_json::from_str(text)
    } else {
        Err(serde::de::Error::custom("no object"))
    }
}

/// The JSON text of a value that comes as an object, or as a string that holds the object.
pub(crate) fn embedded(raw: Option<&RawValue>) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.map(RawValue::get) {
        None | Some("null" | "\"\"") => Ok(Cow::Borrowed("{}")),
        Some(text) if text.starts_with('"') => string(text),
        Some(text) => Ok(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(json: &str) -> Option<String> {
        serde_json::from_str::<Text<'_>>(json).unwrap().owned()
    }

    #[test]
    fn ids_survive_as_numbers_and_as_strings() {
        assert_eq!(text("4705288465508532862").as_deref(), Some("4705288465508532862"));
        assert_eq!(text("710525525737414864913240082").as_deref(), Some("710525525737414864913240082"));
        assert_eq!(text("\"@9Vx/+==\"").as_deref(), Some("@9Vx/+=="));
        assert_eq!(text("\"\\u4f60\\\"\"").as_deref(), Some("你\""));
        assert_eq!(text("null"), None);
        assert_eq!(text("{\"a\":1}"), None);
    }

    proptest! {
        #[test]
        fn every_text_and_number_round_trips(value in ".*", number: i64) {
            let json = serde_json::to_string(&value).unwrap();
            let read: Text<'_> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read.or_empty(), &value);
            prop_assert_eq!(serde_json::from_str::<Text<'_>>(&number.to_string()).unwrap().int(), Some(number));
        }
    }
}
