use std::sync::Arc;

use sluice_aws::KmsHeadSigner;
use sluice_domain::audit::{SignatureError, TrustedKeys};
use sluice_domain::failure::FailureKind;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::HeadSigner as _;

use crate::support::{Keys, Stack, make_key, make_signing_key};

async fn on_moto() -> (KmsHeadSigner, Keys) {
    let keys = Keys::start().await;
    let key = make_signing_key(&keys.kms).await;
    keys.proxy.forget();
    (KmsHeadSigner::new(keys.kms.clone(), key, Vec::new(), keys.clock.clone()), keys)
}

async fn on_ministack() -> (KmsHeadSigner, Stack) {
    let stack = Stack::start().await;
    let kms = aws_sdk_kms::Client::new(&stack.config);
    let key = make_signing_key(&kms).await;
    (KmsHeadSigner::new(kms, key, Vec::new(), stack.clock.clone()), stack)
}

sluice_ports::head_signer_conformance_tests!(head_signer_on_moto, super::on_moto);
sluice_ports::head_signer_conformance_tests!(head_signer_on_ministack, super::on_ministack);

#[tokio::test]
async fn the_public_key_is_asked_for_once() {
    let (signer, keys) = on_moto().await;
    for _ in 0..3 {
        let _signature = signer.clone().sign(b"head").await.unwrap();
        let _keys = signer.trusted().await.unwrap();
    }
    assert_eq!((keys.calls("GetPublicKey"), keys.calls("Sign")), (1, 3));
}

#[tokio::test]
async fn what_a_retired_key_signed_counts_as_long_as_it_is_named() {
    let (old, keys) = on_moto().await;
    let signature = old.sign(b"head").await.unwrap();
    let public = old.trusted().await.unwrap();
    let new = make_signing_key(&keys.kms).await;
    let signer = |retired| KmsHeadSigner::new(keys.kms.clone(), new.clone(), retired, keys.clock.clone());
    let trusted: TrustedKeys = signer(public.all().to_vec()).trusted().await.unwrap();
    assert_eq!(trusted.verify(&signature, b"head"), Ok(()));
    let trusted = signer(Vec::new()).trusted().await.unwrap();
    assert_eq!(trusted.verify(&signature, b"head"), Err(SignatureError::UnknownKey(signature.key)));
}

#[tokio::test]
async fn a_key_that_can_not_sign_is_a_matter_of_configuration_and_an_outage_passes() {
    let (signer, keys) = on_moto().await;
    let symmetric = make_key(&keys.kms).await;
    for key in
        [symmetric, "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000".into()]
    {
        let unfit = KmsHeadSigner::new(keys.kms.clone(), key, Vec::new(), Arc::clone(&keys.clock) as _);
        assert_eq!(unfit.sign(b"head").await.unwrap_err().kind(), FailureKind::Configuration);
    }
    keys.proxy.inject(Rule::new(Fault::Status(503)));
    assert_eq!(signer.sign(b"head").await.unwrap_err().kind(), FailureKind::Retry);
}

#[test]
fn retired_keys_are_a_list_and_one_that_is_none_is_refused() {
    assert_eq!(KmsHeadSigner::retired(""), Ok(vec![]));
    assert!(KmsHeadSigner::retired("AAAA").is_err());
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHyK+F9ByGnXA/ZmW830=";
    assert!(KmsHeadSigner::retired(key).is_err(), "a point that is cut off");
}
