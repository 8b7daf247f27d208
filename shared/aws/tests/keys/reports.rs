use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use sluice_aws::{LockMode, ReportsPlace, S3Reports};
use sluice_domain::failure::FailureKind;
use sluice_domain::time::BusinessDay;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::{Digests as _, Reports as _, Written};

use crate::support::{Stack, tenant};

fn day() -> BusinessDay {
    "2026-11-20".parse().unwrap()
}

fn over(stack: &Stack) -> S3Reports {
    let place = ReportsPlace {
        reports: stack.bucket("reports"),
        digests: stack.bucket("digests"),
        lock: LockMode::Compliance,
        keep_days: 1_096,
    };
    S3Reports::new(stack.ours(), place, stack.clock.clone())
}

async fn bench() -> (S3Reports, Stack) {
    let stack = Stack::start().await;
    let s3 = stack.s3();
    let _made = s3.create_bucket().bucket(stack.bucket("reports")).send().await.unwrap();
    let _made = s3
        .create_bucket()
        .bucket(stack.bucket("digests"))
        .object_lock_enabled_for_bucket(true)
        .send()
        .await
        .unwrap();
    (over(&stack), stack)
}

sluice_ports::digests_conformance_tests!(digests, super::bench);

#[tokio::test]
async fn a_report_is_stored_with_type_and_checksum_and_replaced_whole() {
    let (reports, stack) = bench().await;
    for text in ["first, and longer", "second"] {
        reports.put(&tenant("a/b"), day(), "report.json", "application/json", text.into()).await.unwrap();
    }
    let get =
        stack.s3().get_object().bucket(stack.bucket("reports")).key("reports/a%2Fb/2026-11-20/report.json");
    let object = get.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(object.content_type(), Some("application/json"));
    // `printf second | sha256sum | xxd -r -p | base64`
    assert_eq!(object.checksum_sha256(), Some("FjZ6rLZ6SgF8jairlWgsyzkIY3gPcRTdoKDgxVZEx8Q="));
    assert_eq!(object.body.collect().await.unwrap().into_bytes(), "second");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_a_matter_of_configuration_and_an_outage_passes() {
    let stack = Stack::start().await;
    let put = async || {
        over(&stack).put(&tenant("brand"), day(), "report.json", "application/json", b"x".to_vec()).await
    };
    assert_eq!(put().await.unwrap_err().kind(), FailureKind::Configuration);
    stack.proxy.inject(Rule::new(Fault::Status(503)));
    assert_eq!(put().await.unwrap_err().kind(), FailureKind::Retry);
}

#[tokio::test]
async fn a_digest_is_locked_for_its_time_and_nobody_can_delete_it() {
    let (digests, stack) = bench().await;
    assert_eq!(digests.seal(&tenant("brand"), day(), b"one".to_vec()).await, Ok(Written::New));
    let key = "digests/brand/2026-11-20.json";
    let head = stack.s3().head_object().bucket(stack.bucket("digests")).key(key).send().await.unwrap();
    assert_eq!(head.object_lock_mode().map(aws_sdk_s3::types::ObjectLockMode::as_str), Some("COMPLIANCE"));
    let until = head.object_lock_retain_until_date().unwrap().secs();
    assert_eq!(until, crate::support::NOON.as_secs() + 1_096 * 86_400);
    let deletion =
        stack.s3().delete_object().bucket(stack.bucket("digests")).key(key).set_version_id(head.version_id);
    assert!(deletion.bypass_governance_retention(true).send().await.is_err());
}

#[tokio::test]
async fn a_document_put_over_a_sealed_one_or_a_deletion_does_not_count() {
    let (digests, stack) = bench().await;
    let brand = tenant("brand");
    assert_eq!(digests.seal(&brand, day(), b"one".to_vec()).await, Ok(Written::New));
    let key = "digests/brand/2026-11-20.json";
    for _ in 0..3 {
        let put = stack
            .s3()
            .put_object()
            .bucket(stack.bucket("digests"))
            .key(key)
            .body(ByteStream::from_static(b"forged"));
        let _put = put.send().await.unwrap();
    }
    assert_eq!(digests.sealed(&brand, day()).await, Ok(Some(b"one".to_vec())));
    assert_eq!(digests.seal(&brand, day(), b"two".to_vec()).await, Ok(Written::Existing(b"one".to_vec())));
    let _marker = stack.s3().delete_object().bucket(stack.bucket("digests")).key(key).send().await.unwrap();
    assert_eq!(digests.sealed(&brand, day()).await, Ok(Some(b"one".to_vec())));
}

#[tokio::test]
async fn a_seal_whose_answer_was_lost_stands() {
    let (digests, stack) = bench().await;
    stack.proxy.inject(Rule::new(Fault::LostAnswer).operation("PutObject").once(1));
    let written = digests.seal(&tenant("brand"), day(), b"one".to_vec()).await;
    assert_eq!(written, Ok(Written::Existing(b"one".to_vec())));
}
