//! The emulators start, answer, and leave nothing behind.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use sluice_emulators::{Account, Dynoxide, Ministack, Moto, until};

const PATIENCE: Duration = Duration::from_secs(10);

fn call(url: &str, access_key: &str, target: &str, body: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    let service = if target.starts_with("Dynamo") { "dynamodb" } else { "sqs" };
    let version = if service == "dynamodb" { "1.0" } else { "1.1" };
    write!(
        connection,
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-amz-json-{version}\r\n\
         X-Amz-Target: {target}\r\nX-Amz-Date: 20261121T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={access_key}/20261121/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=00\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn accounts_do_not_see_each_others_queues() {
    let ministack = Ministack::shared().unwrap();
    let (ours, theirs) = (Account::fresh(), Account::fresh());
    let made = call(ministack.url(), ours.number(), "AmazonSQS.CreateQueue", r#"{"QueueName":"events"}"#);
    assert!(made.contains(ours.number()), "{made}");
    let seen = |account: &Account| call(ministack.url(), account.number(), "AmazonSQS.ListQueues", "{}");
    assert!(seen(&ours).contains("/events"));
    assert!(!seen(&theirs).contains("/events"));
}

#[test]
fn an_emulator_ends_with_its_owner() {
    let ministack = Ministack::start(&[]).unwrap();
    let address = ministack.url().strip_prefix("http://").unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(ministack);
    assert!(until(PATIENCE, || TcpStream::connect(&address).err()).is_some());
}

#[test]
fn moto_answers() {
    let moto = Moto::shared().unwrap();
    let answer = call(moto.url(), "000000000000", "AmazonSQS.ListQueues", "{}");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn each_dynoxide_is_empty_and_ends_at_once() {
    const TABLE: &str = r#"{"TableName":"records","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],"KeySchema":[{"AttributeName":"p","KeyType":"HASH"}]}"#;
    let (first, second) = (Dynoxide::start().unwrap(), Dynoxide::start().unwrap());
    let made = call(first.url(), "1", "DynamoDB_20120810.CreateTable", TABLE);
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let tables = |of: &Dynoxide| call(of.url(), "1", "DynamoDB_20120810.ListTables", "{}");
    assert!(tables(&first).contains(r#"["records"]"#));
    assert!(tables(&second).contains("[]"));
    let address = first.url().strip_prefix("http://").unwrap().to_owned();
    drop(first);
    // A program that a parallel test starts holds a copy of the listener until its own code runs.
    assert!(until(PATIENCE, || TcpStream::connect(&address).err()).is_some());
}
