//! The actions of IAM that a call needs: not always the operation's own name.

use http::{HeaderMap, Uri};

use super::Service;

/// Every action that the caller's policy must allow (Service Authorization Reference).
pub(super) fn actions(service: Service, operation: &str, uri: &Uri, headers: &HeaderMap) -> Vec<String> {
    let name = |action: &str| format!("{}:{action}", service.as_str());
    let versioned = uri.query().unwrap_or_default().split('&').any(|part| part.starts_with("versionId="));
    match (service, operation) {
        (Service::Sqs, batch) if batch.ends_with("Batch") => vec![name(batch.trim_end_matches("Batch"))],
        (Service::DynamoDb, "TransactWriteItems") => {
            ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"].map(name).to_vec()
        }
        (Service::DynamoDb, "TransactGetItems") => vec![name("GetItem")],
        (Service::S3, "ListObjectsV2" | "HeadBucket") => vec![name("ListBucket")],
        (Service::S3, "ListObjectVersions") => vec![name("ListBucketVersions")],
        (Service::S3, "GetObject" | "HeadObject") if versioned => vec![name("GetObjectVersion")],
        (Service::S3, "HeadObject") => vec![name("GetObject")],
        (Service::S3, "PutObject") if headers.contains_key("x-amz-object-lock-mode") => {
            ["PutObject", "PutObjectRetention"].map(name).to_vec()
        }
        (Service::Lambda, "Invoke") => vec![name("InvokeFunction")],
        _ => vec![name(operation)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_not_always_the_operation() {
        let plain = Uri::from_static("/b/k");
        let mut locked = HeaderMap::new();
        locked.insert("x-amz-object-lock-mode", http::HeaderValue::from_static("COMPLIANCE"));
        let cases = [
            (Service::Sqs, "SendMessageBatch", &plain, HeaderMap::new(), "sqs:SendMessage"),
            (Service::DynamoDb, "PutItem", &plain, HeaderMap::new(), "dynamodb:PutItem"),
            (Service::S3, "PutObject", &plain, HeaderMap::new(), "s3:PutObject"),
            (Service::S3, "PutObject", &plain, locked, "s3:PutObject s3:PutObjectRetention"),
            (
                Service::S3,
                "GetObject",
                &Uri::from_static("/b/k?versionId=1"),
                HeaderMap::new(),
                "s3:GetObjectVersion",
            ),
            (Service::S3, "ListObjectVersions", &plain, HeaderMap::new(), "s3:ListBucketVersions"),
        ];
        for (service, operation, uri, headers, expected) in cases {
            assert_eq!(actions(service, operation, uri, &headers).join(" "), expected);
        }
    }
}
