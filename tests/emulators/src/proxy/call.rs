//! Which function calls which operation of which service on what: read from the request alone.

use std::fmt;

use http::{HeaderMap, Method, Uri, header};
use serde_json::Value;

use super::{action, resource};

/// A service of AWS, as far as the functions or the deployment use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// `dynamodb`.
    DynamoDb,
    /// `sqs`.
    Sqs,
    /// `kms`.
    Kms,
    /// `s3`.
    S3,
    /// `secretsmanager`.
    SecretsManager,
    /// `cloudformation`.
    CloudFormation,
    /// `lambda`.
    Lambda,
    /// Any other.
    Other,
}

impl Service {
    /// Its name in signatures, and before the colon of IAM's actions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Kms => "kms",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::CloudFormation => "cloudformation",
            Self::Lambda => "lambda",
            Self::Other => "other",
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "dynamodb" => Self::DynamoDb,
            "sqs" => Self::Sqs,
            "kms" => Self::Kms,
            "s3" => Self::S3,
            "secretsmanager" => Self::SecretsManager,
            "cloudformation" => Self::CloudFormation,
            "lambda" => Self::Lambda,
            _ => Self::Other,
        }
    }

    /// Of `X-Amz-Target`, for requests that carry no signature.
    fn of_target(target: &str) -> Self {
        match target.split_once('_').or_else(|| target.split_once('.')).map_or(target, |(prefix, _)| prefix) {
            "DynamoDB" => Self::DynamoDb,
            "AmazonSQS" => Self::Sqs,
            "TrentService" => Self::Kms,
            "secretsmanager" => Self::SecretsManager,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One call as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Whose: the `app/…` of the user agent, `-` when there is none.
    pub function: String,
    /// Of which service.
    pub service: Service,
    /// The operation, as AWS calls it: `PutItem`, `SendMessageBatch`, `GetObject`.
    pub operation: String,
    /// What it works on: table (`table/index/name` for an index), queue, key, secret or `bucket/key`; several for a batch over tables.
    pub resources: Vec<String>,
    /// How many items, keys or messages the request holds: 1 but for batches and transactions.
    pub items: usize,
    /// The names in a KMS encryption context.
    pub encryption_context: Vec<String>,
    /// The actions that IAM must allow for it.
    pub actions: Vec<String>,
}

impl Call {
    /// Reads a request.
    pub(super) fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let target = text("x-amz-target");
        let service = match signed_service(&text(header::AUTHORIZATION.as_str())) {
            Some(name) => Service::named(name),
            None => Service::of_target(&target),
        };
        let json = serde_json::from_slice(body).unwrap_or(Value::Null);
        let operation = match service {
            Service::S3 => resource::s3_operation(method, uri).to_owned(),
            Service::CloudFormation => form_value(body, "Action"),
            Service::Lambda => resource::lambda_operation(method, uri.path()).to_owned(),
            _ if target.is_empty() => form_value(body, "Action"),
            _ => target.rsplit_once('.').map_or(target.as_str(), |(_, operation)| operation).to_owned(),
        };
        Self {
            function: application(headers).unwrap_or("-").to_owned(),
            service,
            resources: resource::resources(service, &json, uri),
            items: resource::items(&operation, &json),
            encryption_context: match json.get("EncryptionContext") {
                Some(Value::Object(context)) => context.keys().cloned().collect(),
                _ => Vec::new(),
            },
            actions: action::actions(service, &operation, uri, headers),
            operation,
        }
    }
}

/// The service in the credential scope: `Credential=key/date/region/service/aws4_request`.
fn signed_service(authorization: &str) -> Option<&str> {
    let scope = authorization.split_once("Credential=")?.1.split(',').next()?;
    scope.split('/').nth(3)
}

/// The application in the user agent: the SDK writes `app/name`.
fn application(headers: &HeaderMap) -> Option<&str> {
    ["user-agent", "x-amz-user-agent"].into_iter().find_map(|name| {
        let agent = headers.get(name)?.to_str().ok()?;
        agent.split(' ').find_map(|part| part.strip_prefix("app/"))
    })
}

/// One value of a form body; the ones asked for need no decoding.
fn form_value(body: &[u8], name: &str) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let pair = text.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
    pair.map_or_else(|| "-".to_owned(), |(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Call {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            map.insert(name, value.parse().unwrap());
        }
        Call::read(&method.parse().unwrap(), &uri.parse().unwrap(), &map, body.as_bytes())
    }

    fn signed(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIA/20261121/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    #[test]
    fn reads_the_calling_function_the_operation_and_the_table() {
        let agent = "aws-sdk-rust/1.3 ua/2.1 api/dynamodb/1.1 os/linux lang/rust/1.95.0 app/compliance-check";
        let call = read(
            "POST",
            "/",
            &[
                ("authorization", &signed("dynamodb")),
                ("x-amz-target", "DynamoDB_20120810.PutItem"),
                ("user-agent", agent),
            ],
            r#"{"TableName":"audits","Item":{}}"#,
        );
        assert_eq!((call.function.as_str(), call.service), ("compliance-check", Service::DynamoDb));
        assert_eq!((call.operation.as_str(), call.resources), ("PutItem", vec!["audits".to_owned()]));
    }

    #[test]
    fn reads_each_service() {
        let cases = [
            (
                "sqs",
                "AmazonSQS.SendMessageBatch",
                r#"{"QueueUrl":"http://h/1/events","Entries":[{},{}]}"#,
                "events",
                2,
            ),
            ("kms", "TrentService.Decrypt", r#"{"KeyId":"k","EncryptionContext":{"tenant":"t"}}"#, "k", 1),
            ("secretsmanager", "secretsmanager.GetSecretValue", r#"{"SecretId":"sluice/a"}"#, "sluice/a", 1),
            ("dynamodb", "DynamoDB_20120810.Query", r#"{"TableName":"t","IndexName":"i"}"#, "t/index/i", 1),
            (
                "dynamodb",
                "DynamoDB_20120810.BatchGetItem",
                r#"{"RequestItems":{"t":{"Keys":[{},{},{}]}}}"#,
                "t",
                3,
            ),
            (
                "dynamodb",
                "DynamoDB_20120810.TransactWriteItems",
                r#"{"TransactItems":[{"Put":{"TableName":"a"}},{"Update":{"TableName":"b"}}]}"#,
                "a b",
                2,
            ),
        ];
        for (service, target, body, resources, items) in cases {
            for authorization in [signed(service), String::new()] {
                let call =
                    read("POST", "/", &[("authorization", &authorization), ("x-amz-target", target)], body);
                assert_eq!(call.service.as_str(), service, "{target}");
                assert_eq!(call.resources.join(" "), resources, "{target}");
                assert_eq!(call.items, items, "{target}");
                assert!(target.ends_with(&call.operation), "{target}");
            }
        }
        let decrypt = read(
            "POST",
            "/",
            &[("x-amz-target", "TrentService.Decrypt")],
            r#"{"EncryptionContext":{"tenant":"t"}}"#,
        );
        assert_eq!(decrypt.encryption_context, ["tenant"]);
    }

    #[test]
    fn reads_the_operation_of_a_rest_call_from_method_and_path() {
        let cases = [
            ("GET", "/bucket/a/b.json?x-id=GetObject", "GetObject", "bucket/a/b.json"),
            ("PUT", "/bucket/a/b.json?x-id=PutObject", "PutObject", "bucket/a/b.json"),
            ("HEAD", "/bucket/a", "HeadObject", "bucket/a"),
            ("GET", "/bucket?list-type=2&prefix=a", "ListObjectsV2", "bucket"),
            ("PUT", "/bucket", "CreateBucket", "bucket"),
            ("PUT", "/bucket/a?retention", "PutObjectRetention", "bucket/a"),
        ];
        for (method, uri, operation, resource) in cases {
            let call = read(method, uri, &[("authorization", &signed("s3"))], "");
            assert_eq!((call.operation.as_str(), call.resources.join(" ").as_str()), (operation, resource));
        }
        let call = read(
            "POST",
            "/2015-03-31/functions/f/invocations",
            &[("authorization", &signed("lambda"))],
            "{}",
        );
        assert_eq!((call.operation.as_str(), call.resources), ("Invoke", vec!["f".to_owned()]));
        let call = read(
            "POST",
            "/",
            &[("authorization", &signed("cloudformation"))],
            "Version=1&Action=CreateStack",
        );
        assert_eq!(call.operation, "CreateStack");
    }

    #[test]
    fn nonsense_is_recorded_as_such() {
        let call = read("GET", "/", &[], "\u{0}");
        assert_eq!(
            (call.service, call.operation.as_str(), call.function.as_str()),
            (Service::Other, "-", "-")
        );
    }
}
