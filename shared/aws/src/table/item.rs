//! Items: attributes in, attributes out, and how large they are.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_ports::PortError;

use super::packed;
use super::schema::Table;

/// `DynamoDB` refuses larger items; so do we, before anything is sent.
pub(crate) const LARGEST: usize = 400 * 1_024;

/// Whoever wrote an item last, at random: tells one's own write whose answer was lost, and serves as the item's version.
pub(crate) const WRITER: &str = "writer";
/// A record: as JSON, or packed.
pub(crate) const RECORD: &str = "record";

/// An item as the SDK has it.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// A string.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number.
pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A record as it is stored.
pub(crate) fn json<R: Serialize>(table: Table, record: &R) -> Result<String, PortError> {
    serde_json::to_string(record).map_err(|error| unreadable(table, &error))
}

/// A stored record. The parser's own words may quote a value, so only the place is told.
pub(crate) fn parse<R: DeserializeOwned>(table: Table, text: &str) -> Result<R, PortError> {
    serde_json::from_str(text).map_err(|error| unreadable(table, &error))
}

fn unreadable(table: Table, error: &serde_json::Error) -> PortError {
    let cause = format!("unexpected JSON at line {} column {}", error.line(), error.column());
    PortError::Corrupt { what: table.as_str(), cause }
}

/// The string in an attribute.
pub(crate) fn read_text<'a>(table: Table, item: &'a Attributes, name: &str) -> Result<&'a str, PortError> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or_else(|| lacks(table, name))
}

/// The number in an attribute.
pub(crate) fn read_number(table: Table, item: &Attributes, name: &str) -> Result<i64, PortError> {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    value.and_then(|digits| digits.parse().ok()).ok_or_else(|| lacks(table, name))
}

/// The record of an item, whichever way it was stored.
pub(crate) fn record<R: DeserializeOwned>(table: Table, item: &Attributes) -> Result<R, PortError> {
    match item.get(RECORD) {
        Some(AttributeValue::B(bytes)) => {
            let json = packed::unpack(table, bytes.as_ref())?;
            serde_json::from_slice(&json).map_err(|error| unreadable(table, &error))
        }
        _ => parse(table, read_text(table, item, RECORD)?),
    }
}

/// A record as it is stored where its bulk would cost a write unit for each KB.
pub(crate) fn packed<R: Serialize>(table: Table, record: &R) -> Result<AttributeValue, PortError> {
    packed::pack(table, json(table, record)?.as_bytes()).map(|bytes| AttributeValue::B(Blob::new(bytes)))
}

/// An item is not one that this version writes.
pub(crate) fn lacks(table: Table, name: &str) -> PortError {
    PortError::Corrupt { what: table.as_str(), cause: format!("an item lacks its attribute `{name}`") }
}

/// Refuses what `DynamoDB` would.
pub(crate) fn fits(table: Table, item: &Attributes) -> Result<(), PortError> {
    let got = size(item);
    if got > LARGEST {
        return Err(PortError::TooLarge { what: table.as_str(), limit: LARGEST, got });
    }
    Ok(())
}

/// As `DynamoDB` counts: names and values in UTF-8, numbers about a byte for two digits, lists and maps with their overhead.
pub(crate) fn size(item: &Attributes) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => 3 + values.iter().map(|value| 1 + size_of_value(value)).sum::<usize>(),
        AttributeValue::M(values) => 3 + size(values) + values.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_counts_names_and_values() {
        let item = Attributes::from([
            ("id".to_owned(), text("abc")),
            ("n".to_owned(), number(12_345)),
            ("list".to_owned(), AttributeValue::L(vec![text("ab"), text("c")])),
        ]);
        assert_eq!(size(&item), (2 + 3) + (1 + 4) + (4 + 3 + 3 + 2));
    }

    #[test]
    fn an_item_above_the_limit_is_refused_with_its_size() {
        let item = |length: usize| Attributes::from([("r".to_owned(), text("x".repeat(length)))]);
        assert_eq!(fits(Table::Audit, &item(LARGEST - 1)), Ok(()));
        let refused = PortError::TooLarge { what: "audit", limit: LARGEST, got: LARGEST + 1 };
        assert_eq!(fits(Table::Audit, &item(LARGEST)), Err(refused));
    }

    #[test]
    fn what_does_not_parse_is_told_without_its_content() {
        let error = parse::<i64>(Table::Audit, "\"13800138000\"").unwrap_err();
        assert!(!error.to_string().contains("138"), "{error}");
    }
}
