use serde_json::Value;

use super::AuditRecord;

/// The bytes of an audit record that its digest covers: JSON after RFC 8785 (members sorted by name, no white space, the shortest
/// escapes), **without members that are null**. So a record reads back to the same bytes whatever order a store keeps, and a later
/// version may add optional fields without changing what earlier records digest to. A new field must therefore be absent or null
/// in records that were written before it.
///
/// Audit records hold integers and texts only: RFC 8785's rules for fractions are not needed, and a number that is no integer of
/// 64 bits is written as `serde_json` writes it.
pub(super) fn canonical(record: &AuditRecord) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    // A record of texts, integers and maps with text keys has a JSON value always.
    if let Ok(value) = serde_json::to_value(record) {
        write(&value, &mut out);
    }
    out
}

/// As [`canonical`], of any JSON value.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
            // Not trusted to the map: a dependency may switch on the one that keeps the order of insertion.
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            out.push(b'{');
            for (place, (name, value)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                text(name, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::String(value) => text(value, out),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(_) | Value::Number(_) => out.extend_from_slice(value.to_string().as_bytes()),
    }
}

/// `serde_json` escapes as RFC 8785 asks: `\b \t \n \f \r \" \\`, other controls as `\u00xx` in lower case, nothing else.
fn text(value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(Value::from(value).to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        let mut out = Vec::new();
        write(&serde_json::from_str(json).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_are_sorted_and_nulls_left_out() {
        assert_eq!(
            of(r#"{ "b": [1, null, {"z": null}], "a": "x", "c": null }"#),
            r#"{"a":"x","b":[1,null,{}]}"#
        );
    }

    #[test]
    fn texts_are_escaped_as_rfc_8785_asks() {
        // From RFC 8785, 3.2.2.2 and 3.2.3.
        let written = of(
            "{\"\u{20ac}\": 1, \"\\r\": 2, \"\u{fb33}\": 3, \"1\": 4, \"\u{1f600}\": 5, \"\u{80}\": 6, \"\u{f6}\": 7}",
        );
        let names =
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(written, names);
        assert_eq!(
            of(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#),
            "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""
        );
    }
}
