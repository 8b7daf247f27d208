//! A batch of which the service carries out the first half only.

use serde_json::{Map, Value, json};

/// A batch request, split.
#[derive(Debug)]
pub(super) struct Split {
    /// What goes to the service; `None` when nothing does.
    pub(super) forward: Option<Value>,
    left: Left,
}

#[derive(Debug)]
enum Left {
    /// For `UnprocessedKeys` or `UnprocessedItems`.
    Tables(&'static str, Value),
    /// For `Failed`.
    Entries(Vec<Value>),
}

impl Split {
    /// Splits a request of these operations; `None` for any other.
    pub(super) fn of(operation: &str, request: &Value) -> Option<Self> {
        match operation {
            "BatchGetItem" => tables(request, "UnprocessedKeys", Some("Keys")),
            "BatchWriteItem" => tables(request, "UnprocessedItems", None),
            "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => entries(request),
            _ => None,
        }
    }

    /// The service's answer to the first half (an empty object when nothing was forwarded), completed.
    pub(super) fn complete(self, answer: Value) -> Value {
        let mut answer = if let Value::Object(answer) = answer { answer } else { Map::new() };
        match self.left {
            Left::Tables(name, left) => {
                answer.insert(name.to_owned(), left);
                if name == "UnprocessedKeys" {
                    answer.entry("Responses").or_insert_with(|| json!({}));
                }
            }
            Left::Entries(left) => {
                answer.entry("Successful").or_insert_with(|| json!([]));
                let failed = answer.entry("Failed").or_insert_with(|| json!([]));
                if let Value::Array(failed) = failed {
                    failed.extend(left);
                }
            }
        }
        Value::Object(answer)
    }
}

/// Halves of the items of all tables together; `list` names the array inside a table's value.
fn tables(request: &Value, name: &'static str, list: Option<&str>) -> Option<Split> {
    let all = request.get("RequestItems")?.as_object()?;
    let items = |value: &Value| -> Vec<Value> {
        list.map_or(Some(value), |list| value.get(list))
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let count: usize = all.values().map(|value| items(value).len()).sum();
    let mut keep = count / 2;
    let (mut forward, mut left) = (Map::new(), Map::new());
    for (table, value) in all {
        let mut kept = items(value);
        let rest = kept.split_off(keep.min(kept.len()));
        keep -= kept.len();
        let with = |part: Vec<Value>| match list {
            None => Value::Array(part),
            Some(list) => {
                let mut value = value.clone();
                if let Some(value) = value.as_object_mut() {
                    value.insert(list.to_owned(), Value::Array(part));
                }
                value
            }
        };
        if !kept.is_empty() {
            forward.insert(table.clone(), with(kept));
        }
        if !rest.is_empty() {
            left.insert(table.clone(), with(rest));
        }
    }
    let forward = (!forward.is_empty()).then(|| replaced(request, "RequestItems", Value::Object(forward)));
    Some(Split { forward, left: Left::Tables(name, Value::Object(left)) })
}

fn entries(request: &Value) -> Option<Split> {
    let mut kept = request.get("Entries")?.as_array()?.clone();
    let rest = kept.split_off(kept.len() / 2);
    let failed = rest.iter().map(|entry| {
        let id = entry.get("Id").cloned().unwrap_or_default();
        json!({ "Id": id, "Code": "InternalError", "Message": "try again", "SenderFault": false })
    });
    let left = Left::Entries(failed.collect());
    let forward = (!kept.is_empty()).then(|| replaced(request, "Entries", Value::Array(kept)));
    Some(Split { forward, left })
}

fn replaced(request: &Value, name: &str, with: Value) -> Value {
    let mut request = request.clone();
    if let Some(request) = request.as_object_mut() {
        request.insert(name.to_owned(), with);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_halved_over_tables_and_keep_their_projection() {
        let request = json!({ "RequestItems": {
            "a": { "Keys": [1, 2, 3], "ConsistentRead": true }, "b": { "Keys": [4] },
        }});
        let split = Split::of("BatchGetItem", &request).unwrap();
        assert_eq!(
            split.forward,
            Some(json!({ "RequestItems": { "a": { "Keys": [1, 2], "ConsistentRead": true } } }))
        );
        let answer = split.complete(json!({ "Responses": { "a": [7] }, "UnprocessedKeys": {} }));
        let left = json!({ "a": { "Keys": [3], "ConsistentRead": true }, "b": { "Keys": [4] } });
        assert_eq!(answer, json!({ "Responses": { "a": [7] }, "UnprocessedKeys": left }));
    }

    #[test]
    fn a_single_item_is_not_forwarded() {
        let request = json!({ "RequestItems": { "a": [{ "PutRequest": {} }] } });
        let split = Split::of("BatchWriteItem", &request).unwrap();
        assert_eq!(split.forward, None);
        assert_eq!(split.complete(json!({})), json!({ "UnprocessedItems": request["RequestItems"] }));
    }

    #[test]
    fn messages_fail_by_their_ids() {
        let request = json!({ "QueueUrl": "q", "Entries": [{ "Id": "0" }, { "Id": "1" }, { "Id": "2" }] });
        let split = Split::of("SendMessageBatch", &request).unwrap();
        assert_eq!(split.forward, Some(json!({ "QueueUrl": "q", "Entries": [{ "Id": "0" }] })));
        let answer = split.complete(json!({ "Successful": [{ "Id": "0" }] }));
        let ids: Vec<_> =
            answer["Failed"].as_array().unwrap().iter().map(|failed| failed["Id"].clone()).collect();
        assert_eq!(ids, ["1", "2"]);
        assert_eq!(answer["Successful"], json!([{ "Id": "0" }]));
    }

    #[test]
    fn other_operations_are_left_alone() {
        assert!(Split::of("PutItem", &json!({ "TableName": "t" })).is_none());
    }
}
