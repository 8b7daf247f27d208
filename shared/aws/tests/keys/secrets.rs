use secrecy::ExposeSecret as _;
use sluice_aws::ManagedSecrets;
use sluice_domain::failure::FailureKind;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::{PortError, SecretStore as _};

use crate::support::{Stack, tenant};

struct Bench {
    stack: Stack,
    client: aws_sdk_secretsmanager::Client,
    secrets: ManagedSecrets,
}

const ID: &str = "sluice/brand/app";

async fn bench() -> Bench {
    let stack = Stack::start().await;
    let client = aws_sdk_secretsmanager::Client::new(&stack.config);
    let secrets = ManagedSecrets::new(client.clone(), "sluice", stack.clock.clone());
    Bench { stack, client, secrets }
}

impl Bench {
    async fn create(&self, id: &str, value: &str) {
        let _made = self.client.create_secret().name(id).secret_string(value).send().await.unwrap();
    }

    async fn replace(&self, value: &str) {
        let _put = self.client.put_secret_value().secret_id(ID).secret_string(value).send().await.unwrap();
    }

    /// Current and previous.
    async fn get(&self) -> Result<(String, Option<String>), PortError> {
        let found = self.secrets.secret(&tenant("brand"), "app").await?;
        let text = |secret: &secrecy::SecretString| secret.expose_secret().to_owned();
        Ok((text(&found.current), found.previous.as_ref().map(text)))
    }

    fn calls(&self) -> usize {
        self.stack.calls("GetSecretValue")
    }
}

fn only(current: &str) -> (String, Option<String>) {
    (current.to_owned(), None)
}

fn both(current: &str, previous: &str) -> (String, Option<String>) {
    (current.to_owned(), Some(previous.to_owned()))
}

#[tokio::test]
async fn a_secret_without_a_previous_version_costs_two_calls_a_minute() {
    let bench = bench().await;
    bench.create(ID, "one").await;
    for _ in 0..100 {
        assert_eq!(bench.get().await, Ok(only("one")));
    }
    assert_eq!(bench.calls(), 2);
    bench.stack.clock.later(59_999);
    assert_eq!(bench.get().await, Ok(only("one")));
    assert_eq!(bench.calls(), 2);
    bench.stack.clock.later(1);
    assert_eq!(bench.get().await, Ok(only("one")));
    assert_eq!(bench.calls(), 4);
}

#[tokio::test]
async fn during_a_rotation_both_versions_are_live_within_a_minute() {
    let bench = bench().await;
    bench.create(ID, "one").await;
    assert_eq!(bench.get().await, Ok(only("one")));
    bench.replace("two").await;
    bench.stack.clock.later(60_000);
    assert_eq!(bench.get().await, Ok(both("two", "one")));
    bench.replace("three").await;
    bench.stack.clock.later(60_000);
    assert_eq!(bench.get().await, Ok(both("three", "two")));
}

#[tokio::test]
async fn an_object_may_name_both_versions_itself() {
    let bench = bench().await;
    bench.create(ID, r#"{"current": "two", "previous": "one"}"#).await;
    assert_eq!(bench.get().await, Ok(both("two", "one")));
    bench.replace(r#"{"current": "three"}"#).await;
    bench.stack.clock.later(60_000);
    assert_eq!(bench.get().await, Ok(both("three", "two")));
}

/// The secret of an encrypted push holds a token and a key.
#[tokio::test]
async fn an_object_that_names_no_version_is_the_secret_itself() {
    let bench = bench().await;
    let secret = r#"{"token": "t", "encoding_aes_key": "k"}"#;
    bench.create(ID, secret).await;
    assert_eq!(bench.get().await.unwrap(), only(secret));
}

#[tokio::test]
async fn a_missing_secret_is_named_and_its_absence_remembered_for_a_moment() {
    let bench = bench().await;
    for _ in 0..10 {
        let error = bench.get().await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Configuration);
        assert!(error.to_string().contains("`sluice/brand/app`: create it"), "{error}");
    }
    assert_eq!(bench.calls(), 2);
    bench.create(ID, "one").await;
    bench.stack.clock.later(5_000);
    assert_eq!(bench.get().await, Ok(only("one")));
}

#[tokio::test]
async fn what_is_no_secret_is_refused_without_being_quoted() {
    let bench = bench().await;
    bench.create(ID, r#"{"previous": "hunter2"}"#).await;
    for value in
        [r#"{"current": "hunter2", "next": "x"}"#, r#"{"current": ["hunter2"]}"#, r#"{"current": ""}"#]
    {
        let error = bench.get().await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Permanent);
        assert!(error.to_string().contains(ID) && !error.to_string().contains("hunter2"), "{error}");
        bench.replace(value).await;
        bench.stack.clock.later(5_000);
    }
    assert!(bench.get().await.unwrap_err().to_string().contains("is empty"));
    let binary = aws_sdk_secretsmanager::primitives::Blob::new(b"hunter2".to_vec());
    let _made =
        bench.client.create_secret().name("sluice/brand/binary").secret_binary(binary).send().await.unwrap();
    let error = bench.secrets.secret(&tenant("brand"), "binary").await.err().unwrap();
    assert!(error.to_string().contains("store it as text"), "{error}");
}

#[tokio::test]
async fn an_outage_is_bridged_for_fifteen_minutes() {
    let bench = bench().await;
    bench.create(ID, "one").await;
    assert_eq!(bench.get().await, Ok(only("one")));
    bench.stack.proxy.inject(Rule::new(Fault::Reset).operation("GetSecretValue"));
    bench.stack.clock.later(899_999);
    assert_eq!(bench.get().await, Ok(only("one")));
    bench.stack.clock.later(1);
    // The pause after the failure before is told as that failure.
    assert_eq!(bench.get().await.unwrap_err().kind(), FailureKind::Retry);
    bench.stack.proxy.heal();
    bench.stack.clock.later(5_000);
    assert_eq!(bench.get().await, Ok(only("one")));
}

#[tokio::test]
async fn a_deleted_secret_is_dropped_within_a_minute() {
    let bench = bench().await;
    bench.create(ID, "one").await;
    assert_eq!(bench.get().await, Ok(only("one")));
    let _gone = bench.client.delete_secret().secret_id(ID).recovery_window_in_days(7).send().await.unwrap();
    bench.stack.clock.later(60_000);
    assert_eq!(bench.get().await.unwrap_err().kind(), FailureKind::Configuration);
}

#[tokio::test]
async fn many_callers_make_one_question() {
    let bench = bench().await;
    bench.create(ID, "one").await;
    let found = futures_util::future::join_all((0..50).map(|_| bench.get())).await;
    assert!(found.into_iter().all(|found| found == Ok(only("one"))));
    assert_eq!(bench.calls(), 2);
}

#[tokio::test]
async fn no_tenant_reaches_the_secrets_of_another() {
    let bench = bench().await;
    bench.create("sluice/a/b/c", "one").await;
    assert!(bench.secrets.secret(&tenant("a"), "b/c").await.is_ok());
    let error = bench.secrets.secret(&tenant("a/b"), "c").await.err().unwrap();
    assert_eq!(error.kind(), FailureKind::Configuration);
}
