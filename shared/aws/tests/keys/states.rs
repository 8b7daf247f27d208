//! What becomes of tenants' keys when the KMS key can not be used.

use sluice_aws::keys::KEPT_MS;
use sluice_aws::{KeyPlace, KmsKeyRing, Making};
use sluice_domain::failure::FailureKind;
use sluice_ports::KeyRing as _;

use crate::support::{Stack, make_key, make_table, tenant};

async fn ring(stack: &Stack) -> (KmsKeyRing, aws_sdk_kms::Client, String) {
    let (kms, dynamodb) =
        (aws_sdk_kms::Client::new(&stack.config), aws_sdk_dynamodb::Client::new(&stack.config));
    make_table(&dynamodb).await;
    let key = make_key(&kms).await;
    let place = KeyPlace { table: "keys".into(), kms_key: key.clone(), retired: vec![] };
    (KmsKeyRing::new(kms.clone(), dynamodb, place, Making::OnFirstUse, stack.clock.clone()), kms, key)
}

#[tokio::test]
async fn a_disabled_key_ends_cached_keys_when_they_are_next_asked_for() {
    let stack = Stack::start().await;
    let (ring, kms, key) = ring(&stack).await;
    let _made = ring.keys(&tenant("brand")).await.unwrap();
    let _done = kms.disable_key().key_id(&key).send().await.unwrap();
    assert!(ring.keys(&tenant("brand")).await.is_ok());
    stack.clock.later(KEPT_MS - 60_000);
    let error = ring.keys(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert!(error.to_string().contains("the key is disabled"), "{error}");
    let _done = kms.enable_key().key_id(&key).send().await.unwrap();
    stack.clock.later(1_000);
    assert!(ring.keys(&tenant("brand")).await.is_ok());
}

#[tokio::test]
async fn a_key_that_waits_for_its_deletion_says_how_to_get_it_back() {
    let stack = Stack::start().await;
    let (ring, kms, key) = ring(&stack).await;
    let _done = kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    let error = ring.keys(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert!(error.to_string().contains("cancel its deletion"), "{error}");
}

#[tokio::test]
async fn a_key_or_table_that_does_not_exist_is_a_matter_of_configuration() {
    let stack = Stack::start().await;
    let (kms, dynamodb) =
        (aws_sdk_kms::Client::new(&stack.config), aws_sdk_dynamodb::Client::new(&stack.config));
    let arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000";
    let place = KeyPlace { table: "keys".into(), kms_key: arn.into(), retired: vec![] };
    let ring = |place: KeyPlace| {
        KmsKeyRing::new(kms.clone(), dynamodb.clone(), place, Making::OnFirstUse, stack.clock.clone())
    };
    let error = ring(place.clone()).keys(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration, "{error}");
    make_table(&dynamodb).await;
    let error = ring(place).keys(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration, "{error}");
    assert!(error.to_string().contains("SLUICE_KMS_KEY"), "{error}");
}
