//! What a request works on.

use http::{Method, Uri};
use serde_json::Value;

use super::Service;

/// Every resource that a request names.
pub(super) fn resources(service: Service, json: &Value, uri: &Uri) -> Vec<String> {
    let named = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    match service {
        Service::DynamoDb => tables(json),
        Service::Sqs => named("QueueUrl")
            .map(|url| url.rsplit('/').next().unwrap_or_default().to_owned())
            .or_else(|| named("QueueName"))
            .into_iter()
            .collect(),
        Service::Kms => named("KeyId").into_iter().collect(),
        Service::SecretsManager => named("SecretId").into_iter().collect(),
        Service::S3 => Some(uri.path().trim_matches('/').to_owned())
            .filter(|path| !path.is_empty())
            .into_iter()
            .collect(),
        Service::Lambda => lambda_function(uri.path()).map(str::to_owned).into_iter().collect(),
        Service::CloudFormation | Service::Other => Vec::new(),
    }
}

/// Table names; `table/index/name` where a query names an index.
fn tables(json: &Value) -> Vec<String> {
    if let Some(table) = json.get("TableName").and_then(Value::as_str) {
        let index = json.get("IndexName").and_then(Value::as_str);
        return vec![index.map_or_else(|| table.to_owned(), |index| format!("{table}/index/{index}"))];
    }
    let mut found: Vec<String> = match (json.get("RequestItems"), json.get("TransactItems")) {
        (Some(Value::Object(tables)), _) => tables.keys().cloned().collect(),
        (_, Some(Value::Array(items))) => items
            .iter()
            .filter_map(Value::as_object)
            .flat_map(serde_json::Map::values)
            .filter_map(|action| Some(action.get("TableName")?.as_str()?.to_owned()))
            .collect(),
        _ => Vec::new(),
    };
    found.sort();
    found.dedup();
    found
}

/// How many items a request holds.
pub(super) fn items(operation: &str, json: &Value) -> usize {
    let length = |value: &Value| value.as_array().map_or(0, Vec::len);
    match operation {
        "BatchGetItem" => sum_of_tables(json, |table| table.get("Keys").map_or(0, length)),
        "BatchWriteItem" => sum_of_tables(json, length),
        "TransactWriteItems" | "TransactGetItems" => json.get("TransactItems").map_or(0, length),
        "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
            json.get("Entries").map_or(0, length)
        }
        _ => 1,
    }
}

fn sum_of_tables(json: &Value, count: impl Fn(&Value) -> usize) -> usize {
    json.get("RequestItems").and_then(Value::as_object).map_or(0, |tables| tables.values().map(count).sum())
}

/// S3 says what it does by method, path depth and the query's flags.
pub(super) fn s3_operation(method: &Method, uri: &Uri) -> &'static str {
    let object = uri.path().trim_matches('/').contains('/');
    let query = uri.query().unwrap_or_default();
    let flag = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
    match (method.as_str(), object) {
        ("PUT", true) if flag("retention") => "PutObjectRetention",
        ("GET", true) if flag("retention") => "GetObjectRetention",
        ("PUT", true) => "PutObject",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("DELETE", true) => "DeleteObject",
        ("GET", false) if flag("list-type") => "ListObjectsV2",
        ("GET", false) if flag("versions") => "ListObjectVersions",
        ("GET", false) if flag("object-lock") => "GetObjectLockConfiguration",
        ("HEAD", false) => "HeadBucket",
        ("PUT", false) if query.is_empty() => "CreateBucket",
        _ => "-",
    }
}

/// Lambda's operations that a test uses.
pub(super) fn lambda_operation(method: &Method, path: &str) -> &'static str {
    match method.as_str() {
        "POST" if path.ends_with("/invocations") => "Invoke",
        "GET" if path.contains("/functions/") => "GetFunction",
        _ => "-",
    }
}

fn lambda_function(path: &str) -> Option<&str> {
    path.split_once("/functions/")?.1.split('/').next()
}
