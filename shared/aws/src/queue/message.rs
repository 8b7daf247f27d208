//! What goes along with a body.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue,
};
use sluice_domain::id::TraceId;
use sluice_telemetry::trace::{self, attribute};

/// Why a letter was buried, as a stable code.
pub(super) const CODE: &str = "code";
/// The same in words.
pub(super) const DETAIL: &str = "detail";
/// The queue that a letter was on.
pub(super) const QUEUE: &str = "queue";
/// How often a message has come back from the dead letters.
pub(super) const REDRIVES: &str = "redrives";

/// Words of a reason beyond this are cut: attributes count into a message's size.
const LONGEST_DETAIL: usize = 1_000;

/// Attributes of a message, and what they add to its size.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// Ours.
    pub(super) own: HashMap<String, MessageAttributeValue>,
    /// X-Ray's, which does not count into the size.
    pub(super) system: HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>,
    /// In bytes.
    pub(super) size: usize,
}

impl Attributes {
    /// With the trace that the message belongs to.
    pub(super) fn of_trace(id: TraceId) -> Self {
        let context = trace::outgoing(id);
        let mut attributes = Self::default();
        attributes.put(attribute::TRACE_ID, &id.to_string());
        attributes.put(attribute::TRACEPARENT, &context.traceparent.to_string());
        if let Some(xray) = context.xray {
            attributes.put_xray(xray.as_str());
        }
        attributes
    }

    /// With the trace that a letter carries: it goes on as if it had never been a letter.
    pub(super) fn of_letter(letter: &Message) -> Self {
        let mut attributes = Self::default();
        for name in [attribute::TRACE_ID, attribute::TRACEPARENT] {
            attributes.put(name, text(letter, name).unwrap_or_default());
        }
        let known = letter.attributes();
        if let Some(xray) = known.and_then(|known| known.get(&MessageSystemAttributeName::AwsTraceHeader)) {
            attributes.put_xray(xray);
        }
        attributes
    }

    fn put_xray(&mut self, header: &str) {
        let value = MessageSystemAttributeValue::builder().data_type("String").string_value(header).build();
        // Fails only without a data type.
        if let Ok(value) = value {
            self.system.insert(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
        }
    }

    /// Adds one; an empty value is left out, for SQS takes none.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        const TYPE: &str = "String";
        let value = sendable(cut(value, LONGEST_DETAIL));
        let built = MessageAttributeValue::builder().data_type(TYPE).string_value(&*value).build();
        if let (false, Ok(built)) = (value.is_empty(), built) {
            self.size += name.len() + TYPE.len() + value.len();
            self.own.insert(name.to_owned(), built);
        }
    }

    /// None of ours is there: SQS wants no empty map.
    pub(super) fn own(self) -> Option<HashMap<String, MessageAttributeValue>> {
        (!self.own.is_empty()).then_some(self.own)
    }
}

/// The text of a received message's attribute.
pub(super) fn text<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.message_attributes()?.get(name).and_then(MessageAttributeValue::string_value)
}

/// Without the characters that SQS refuses a message for. In JSON they can only stand inside a string, where the escape means the same.
pub(super) fn sendable(body: &str) -> Cow<'_, str> {
    let refused =
        |at: char| matches!(at, '\u{fffe}' | '\u{ffff}') || (at < ' ' && !matches!(at, '\t' | '\n' | '\r'));
    if !body.contains(refused) {
        return Cow::Borrowed(body);
    }
    let mut out = String::with_capacity(body.len() + 16);
    for at in body.chars() {
        if refused(at) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{:04x}", u32::from(at));
        } else {
            out.push(at);
        }
    }
    Cow::Owned(out)
}

fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn json_means_the_same_when_it_was_made_sendable(text: String) {
            let text = format!("{text}\u{ffff}\u{fffe}");
            let json = serde_json::to_string(&text).unwrap();
            let sent = sendable(&json);
            let refused = ['\u{fffe}', '\u{ffff}', '\u{1}'];
            prop_assert!(!sent.contains(refused));
            prop_assert_eq!(serde_json::from_str::<String>(&sent).unwrap(), text);
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let mut attributes = Attributes::default();
        attributes.put(DETAIL, &"闸".repeat(1_000));
        let value = attributes.own[DETAIL].string_value().unwrap();
        assert!(value.len() <= LONGEST_DETAIL && value.chars().all(|at| at == '闸'));
        attributes.put(CODE, "");
        assert_eq!(attributes.own.len(), 1);
    }
}
