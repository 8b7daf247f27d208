//! The proxy before a real DynamoDB engine (dynoxide, in this process), spoken to in raw HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use sluice_emulators::proxy::{Fault, Proxy, Rule, Service, Sum};

struct Stage {
    proxy: Proxy,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Stage {
    /// A proxy before an empty database with the table `tab` of key `k`.
    async fn set() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = format!("http://{}", listener.local_addr().unwrap());
        let database = dynoxide::Database::memory().unwrap();
        tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
        let stage = Self {
            proxy: Proxy::start(upstream).await.unwrap(),
            http: Client::builder(TokioExecutor::new()).build_http(),
        };
        let table = json!({
            "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "k", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "k", "KeyType": "HASH" }],
        });
        let (status, answer) = stage.call("CreateTable", &table).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        stage.proxy.forget();
        stage
    }

    async fn call(
        &self,
        operation: &str,
        body: &Value,
    ) -> Result<(u16, Value), hyper_util::client::legacy::Error> {
        self.call_from("compliance-check", operation, body).await
    }

    async fn call_from(
        &self,
        function: &str,
        operation: &str,
        body: &Value,
    ) -> Result<(u16, Value), hyper_util::client::legacy::Error> {
        let request = http::Request::post(self.proxy.url())
            .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0")
            .header("x-amz-date", "20261121T000000Z")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("user-agent", format!("aws-sdk-rust/1.3.9 lang/rust/1.95.0 app/{function}"))
            .body(Full::new(Bytes::from(body.to_string())));
        let response = self.http.request(request.unwrap()).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    async fn put(&self, key: &str) -> Result<(u16, Value), hyper_util::client::legacy::Error> {
        let condition = "attribute_not_exists(k)";
        self.call(
            "PutItem",
            &json!({ "TableName": "tab", "Item": { "k": { "S": key } }, "ConditionExpression": condition }),
        )
        .await
    }

    /// How many items the table holds, past the rules.
    async fn count(&self) -> u64 {
        self.proxy.heal();
        let (status, answer) =
            self.call("Scan", &json!({ "TableName": "tab", "Select": "COUNT" })).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        answer["Count"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn calls_pass_and_are_summed_by_function_service_and_operation() {
    let stage = Stage::set().await;
    assert_eq!(stage.put("a").await.unwrap().0, 200);
    assert_eq!(stage.put("a").await.unwrap().0, 400, "the condition fails");
    let get = json!({ "TableName": "tab", "Key": { "k": { "S": "a" } } });
    let (status, answer) = stage.call_from("channel-dispatch", "GetItem", &get).await.unwrap();
    assert_eq!((status, answer["Item"]["k"]["S"].as_str()), (200, Some("a")));

    let totals = stage.proxy.recording().totals();
    let sum = |function: &str, operation: &str| Sum {
        function: function.to_owned(),
        service: Service::DynamoDb,
        operation: operation.to_owned(),
    };
    let puts = totals[&sum("compliance-check", "PutItem")];
    assert_eq!((puts.calls, puts.items, puts.failed), (2, 2, 1));
    assert!(puts.bytes_in > 100 && puts.bytes_out > 0, "{puts:?}");
    assert_eq!(totals[&sum("channel-dispatch", "GetItem")].calls, 1);
    assert_eq!(
        stage.proxy.recording().uses("channel-dispatch"),
        [("dynamodb:GetItem".to_owned(), "tab".to_owned())]
    );
}

#[tokio::test]
async fn what_is_throttled_failed_or_reset_is_not_carried_out() {
    let stage = Stage::set().await;
    stage.proxy.inject(Rule::new(Fault::Throttle).operation("PutItem").once(1));
    stage.proxy.inject(Rule::new(Fault::Status(500)).operation("PutItem").once(2));
    stage.proxy.inject(Rule::new(Fault::Status(503)).operation("PutItem").once(3));
    stage.proxy.inject(Rule::new(Fault::Reset).operation("PutItem").once(4));
    let (status, answer) = stage.put("a").await.unwrap();
    assert_eq!(status, 400);
    assert!(answer["__type"].as_str().unwrap().ends_with("#ProvisionedThroughputExceededException"));
    let (status, answer) = stage.put("a").await.unwrap();
    assert_eq!(status, 500);
    assert!(answer["__type"].as_str().unwrap().ends_with("#InternalServerError"));
    assert_eq!(stage.put("a").await.unwrap().0, 503);
    assert!(stage.put("a").await.is_err(), "the connection is dropped");
    let recording = stage.proxy.recording();
    let seen: Vec<_> = recording.calls().iter().map(|call| (call.status, call.fault)).collect();
    assert_eq!(
        seen,
        [
            (Some(400), Some("throttle")),
            (Some(500), Some("status")),
            (Some(503), Some("status")),
            (None, Some("reset"))
        ]
    );
    assert_eq!(stage.count().await, 0);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_write_behind() {
    let stage = Stage::set().await;
    stage.proxy.inject(Rule::new(Fault::LostAnswer).operation("PutItem").once(1));
    assert!(stage.put("a").await.is_err());
    let (status, answer) = stage.put("a").await.unwrap();
    assert_eq!(status, 400);
    assert!(answer["__type"].as_str().unwrap().ends_with("#ConditionalCheckFailedException"));
    assert_eq!(stage.count().await, 1);
}

#[tokio::test]
async fn a_late_call_is_carried_out_even_when_the_caller_has_gone() {
    let stage = Stage::set().await;
    let late = Duration::from_millis(150);
    stage.proxy.inject(Rule::new(Fault::Delay(late)).operation("PutItem"));
    let began = Instant::now();
    assert_eq!(stage.put("a").await.unwrap().0, 200);
    assert!(began.elapsed() >= late);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), stage.put("b")).await.is_err(),
        "the caller gives up"
    );
    let deadline = Instant::now() + Duration::from_secs(10);
    while stage.count().await < 2 {
        assert!(Instant::now() < deadline, "the call that was given up was never carried out");
    }
}

#[tokio::test]
async fn a_conflict_names_a_reason_for_every_item() {
    let stage = Stage::set().await;
    stage.proxy.inject(Rule::new(Fault::TransactionConflict).operation("TransactWriteItems"));
    let put = |key: &str| json!({ "Put": { "TableName": "tab", "Item": { "k": { "S": key } } } });
    let (status, answer) =
        stage.call("TransactWriteItems", &json!({ "TransactItems": [put("a"), put("b")] })).await.unwrap();
    assert_eq!(status, 400);
    let codes: Vec<_> = answer["CancellationReasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["Code"].as_str())
        .collect();
    assert_eq!(codes, [Some("TransactionConflict"); 2]);
    assert_eq!(stage.count().await, 0);
}

#[tokio::test]
async fn half_a_batch_is_left_unprocessed() {
    let stage = Stage::set().await;
    stage.proxy.inject(Rule::new(Fault::Unprocessed).once(1));
    let put = |key: &str| json!({ "PutRequest": { "Item": { "k": { "S": key } } } });
    let batch = json!({ "RequestItems": { "tab": [put("a"), put("b"), put("c")] } });
    let (status, answer) = stage.call("BatchWriteItem", &batch).await.unwrap();
    assert_eq!((status, &answer["UnprocessedItems"]), (200, &json!({ "tab": [put("b"), put("c")] })));
    assert_eq!(stage.count().await, 1);
    let (_, answer) =
        stage.call("BatchWriteItem", &json!({ "RequestItems": answer["UnprocessedItems"] })).await.unwrap();
    assert_eq!(answer["UnprocessedItems"], json!({}));
    assert_eq!(stage.count().await, 3);

    stage.proxy.inject(Rule::new(Fault::Unprocessed).once(1));
    let key = |key: &str| json!({ "k": { "S": key } });
    let batch = json!({ "RequestItems": { "tab": { "Keys": [key("a"), key("b")] } } });
    let (status, answer) = stage.call("BatchGetItem", &batch).await.unwrap();
    assert_eq!((status, answer["Responses"]["tab"].as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!(answer["UnprocessedKeys"]["tab"]["Keys"], json!([key("b")]));
}

#[tokio::test]
async fn an_emulator_that_is_gone_is_a_bad_gateway() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stage = Stage {
        proxy: Proxy::start(gone).await.unwrap(),
        http: Client::builder(TokioExecutor::new()).build_http(),
    };
    assert_eq!(stage.put("a").await.unwrap().0, 502);
}
