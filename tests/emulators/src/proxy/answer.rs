//! The error answers of each service, as the SDK must see them to act as it would on AWS.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Call, Service};

/// An answer with its body in one piece.
pub(super) type Answer = Response<Bytes>;

/// The service's own words for "too often".
pub(super) fn throttled(service: Service) -> Answer {
    let message = "Rate exceeded";
    match service {
        Service::DynamoDb => json_error(
            400,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            message,
        ),
        Service::Sqs => json_error(400, "com.amazonaws.sqs#RequestThrottled", message),
        Service::S3 => xml_error(503, "SlowDown", "Please reduce your request rate."),
        Service::Kms | Service::SecretsManager => json_error(400, "ThrottlingException", message),
        Service::Lambda => json_error(429, "TooManyRequestsException", message),
        Service::CloudFormation | Service::Other => xml_error(400, "Throttling", message),
    }
}

/// The service's own words for a failure of its own.
pub(super) fn failed(service: Service, status: u16) -> Answer {
    let message = "The request failed due to an internal error. Try again.";
    let code = match (service, status) {
        (_, 503) => "ServiceUnavailable",
        (Service::DynamoDb, _) => "com.amazonaws.dynamodb.v20120810#InternalServerError",
        (Service::Sqs, _) => "com.amazonaws.sqs#InternalFailure",
        (Service::Kms, _) => "KMSInternalException",
        (Service::SecretsManager, _) => "InternalServiceError",
        (Service::Lambda, _) => "ServiceException",
        (Service::S3 | Service::CloudFormation | Service::Other, _) => "InternalError",
    };
    match service {
        Service::S3 | Service::CloudFormation | Service::Other => xml_error(status, code, message),
        _ => json_error(status, code, message),
    }
}

/// A transaction that met another one: a reason for each of its items, in order.
pub(super) fn transaction_conflict(call: &Call) -> Answer {
    let reason = json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" });
    let codes = vec!["TransactionConflict"; call.items].join(", ");
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"),
        "CancellationReasons": vec![reason; call.items],
    });
    json_answer(400, &body)
}

/// What the proxy says of itself when the emulator does not answer.
pub(super) fn bad_gateway(cause: &str) -> Answer {
    xml_error(502, "BadGateway", cause)
}

/// An answer in JSON.
pub(super) fn json_answer(status: u16, body: &Value) -> Answer {
    answer(status, "application/x-amz-json-1.0", body.to_string())
}

fn json_error(status: u16, code: &str, message: &str) -> Answer {
    let mut answer = json_answer(status, &json!({ "__type": code, "message": message }));
    // SQS tells its older codes in a header; clients of the query protocol know those only.
    let short = code.rsplit('#').next().unwrap_or(code);
    if let Ok(value) = format!("{short};Sender").parse() {
        answer.headers_mut().insert("x-amzn-query-error", value);
    }
    answer
}

fn xml_error(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"
    );
    answer(status, "application/xml", body)
}

fn answer(status: u16, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers
        .insert("x-amzn-requestid", http::HeaderValue::from_static("00000000-0000-0000-0000-000000000000"));
    answer
}
