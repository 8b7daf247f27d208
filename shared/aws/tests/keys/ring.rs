use sluice_aws::Making;
use sluice_aws::keys::KEPT_MS;
use sluice_domain::failure::FailureKind;
use sluice_domain::tenant::TenantKeys;
use sluice_emulators::proxy::{Fault, Rule, Service};
use sluice_ports::{KeyRing as _, PortError};

use crate::support::{Keys, decrypt_refusal, tenant};

fn seal(keys: &TenantKeys) -> sluice_domain::sealed::Sealed {
    keys.seal("events", "phone", "r1", "13800138000", [7; 12]).unwrap()
}

fn opens(keys: &TenantKeys, sealed: &sluice_domain::sealed::Sealed) -> bool {
    keys.open("events", "phone", "r1", sealed).is_ok()
}

#[tokio::test]
async fn the_front_door_makes_a_tenants_keys_and_the_others_open_them() {
    let keys = Keys::start().await;
    let made = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    let opened = keys.ring(Making::Never).keys(&tenant("brand")).await.unwrap();
    assert!(opens(&opened, &seal(&made)));
    assert_eq!(opened.person("open-1"), made.person("open-1"));
    let other = keys.ring(Making::OnFirstUse).keys(&tenant("brand2")).await.unwrap();
    assert_ne!(other.person("open-1"), made.person("open-1"));
    assert!(!opens(&other, &seal(&made)));
}

#[tokio::test]
async fn a_function_that_makes_no_keys_says_who_does() {
    let keys = Keys::start().await;
    let error = keys.ring(Making::Never).keys(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert!(error.to_string().contains("webhook-verify makes them"), "{error}");
    assert_eq!(keys.rows().await, 0);
}

#[tokio::test]
async fn of_twenty_functions_that_race_to_make_the_first_keys_all_use_the_same() {
    let keys = Keys::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let ring = keys.ring(Making::OnFirstUse);
        tasks.spawn(async move { ring.keys(&tenant("brand")).await.unwrap() });
    }
    let found = tasks.join_all().await;
    assert_eq!(keys.rows().await, 2);
    let sealed = seal(&found[0]);
    for one in &found {
        assert_eq!(one.person("open-1"), found[0].person("open-1"));
        assert!(opens(one, &sealed));
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognised() {
    let keys = Keys::start().await;
    keys.proxy.inject(Rule::new(Fault::LostAnswer).operation("PutItem").once(1));
    let made = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    let opened = keys.ring(Making::Never).keys(&tenant("brand")).await.unwrap();
    assert_eq!(opened.person("open-1"), made.person("open-1"));
    assert_eq!((keys.rows().await, keys.proxy.recording().faults()), (2, 1));
}

#[tokio::test]
async fn keys_half_made_by_a_function_that_died_are_completed() {
    let keys = Keys::start().await;
    keys.proxy.inject(Rule::new(Fault::Status(500)).operation("PutItem").times(2, 100));
    let ring = keys.ring(Making::OnFirstUse);
    assert_eq!(ring.keys(&tenant("brand")).await.unwrap_err().kind(), FailureKind::Retry);
    assert_eq!(keys.rows().await, 1);
    keys.proxy.heal();
    assert!(keys.ring(Making::Never).keys(&tenant("brand")).await.is_err());
    keys.clock.later(1_000);
    assert!(ring.keys(&tenant("brand")).await.is_ok());
    assert_eq!(keys.rows().await, 2);
}

#[tokio::test]
async fn cached_keys_cost_no_call_and_many_callers_one_load() {
    let keys = Keys::start().await;
    let _made = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    keys.proxy.forget();
    let ring = keys.ring(Making::Never);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let ring = ring.clone();
        tasks.spawn(async move { ring.keys(&tenant("brand")).await.is_ok() });
    }
    assert!(tasks.join_all().await.into_iter().all(|found| found));
    assert_eq!((keys.calls("Query"), keys.calls("Decrypt")), (1, 2));
    for _ in 0..1_000 {
        assert!(ring.keys(&tenant("brand")).await.is_ok());
    }
    assert_eq!(keys.proxy.recording().calls().len(), 3);
}

#[tokio::test]
async fn keys_are_asked_for_again_by_time_and_by_uses() {
    let keys = Keys::start().await;
    let ring = keys.ring(Making::OnFirstUse);
    let _made = ring.keys(&tenant("brand")).await.unwrap();
    keys.proxy.forget();
    keys.clock.later(KEPT_MS - 60_001);
    let _cached = ring.keys(&tenant("brand")).await.unwrap();
    assert_eq!(keys.calls("Query"), 0);
    keys.clock.later(1);
    let _renewed = ring.keys(&tenant("brand")).await.unwrap();
    assert_eq!(keys.calls("Query"), 1);
    for _ in 1..100_000 {
        let _cached = ring.keys(&tenant("brand")).await.unwrap();
    }
    assert_eq!(keys.calls("Query"), 1);
    let _renewed = ring.keys(&tenant("brand")).await.unwrap();
    assert_eq!(keys.calls("Query"), 2);
}

#[tokio::test]
async fn with_kms_down_keys_end_with_their_time_and_not_before() {
    let keys = Keys::start().await;
    let ring = keys.ring(Making::OnFirstUse);
    let _made = ring.keys(&tenant("brand")).await.unwrap();
    keys.proxy.inject(Rule::new(Fault::Reset).service(Service::Kms));
    keys.clock.later(KEPT_MS - 1);
    assert!(ring.keys(&tenant("brand")).await.is_ok());
    keys.clock.later(1);
    let error = ring.keys(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Retry, "{error}");
    keys.proxy.heal();
    keys.clock.later(1_000);
    assert!(ring.keys(&tenant("brand")).await.is_ok());
}

#[tokio::test]
async fn a_throttled_kms_says_when_to_come_back() {
    let keys = Keys::start().await;
    keys.proxy.inject(Rule::new(Fault::Throttle).service(Service::Kms));
    let error = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap_err();
    assert!(matches!(error.kind(), FailureKind::ThrottledUntil(_)), "{error}");
}

#[tokio::test]
async fn every_flipped_byte_of_a_wrapped_key_is_rejected() {
    let keys = Keys::start().await;
    let _made = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    let wrapped = keys.wrapped("brand", "data-0000000001").await;
    for place in 0..wrapped.len() {
        let mut altered = wrapped.clone();
        altered[place] ^= 1;
        keys.forge("brand", "data-0000000001", &altered).await;
        let error = keys.ring(Making::Never).keys(&tenant("brand")).await.unwrap_err();
        assert!(!matches!(error.kind(), FailureKind::Retry), "byte {place}: {error}");
    }
    keys.forge("brand", "data-0000000001", &wrapped).await;
    assert!(keys.ring(Making::Never).keys(&tenant("brand")).await.is_ok());
}

#[tokio::test]
async fn a_wrapped_key_opens_in_its_own_place_only() {
    let keys = Keys::start().await;
    for name in ["brand", "brand2"] {
        let _made = keys.ring(Making::OnFirstUse).keys(&tenant(name)).await.unwrap();
    }
    let (index, data) =
        (keys.wrapped("brand", "index").await, keys.wrapped("brand", "data-0000000001").await);
    // Another tenant's row, and another version's.
    for (name, version, wrapped) in [
        ("brand2", "data-0000000001", &data),
        ("brand", "index", &data),
        ("brand", "data-0000000001", &index),
    ] {
        let own = keys.wrapped(name, version).await;
        keys.forge(name, version, wrapped).await;
        let error = keys.ring(Making::Never).keys(&tenant(name)).await.unwrap_err();
        assert!(matches!(error, PortError::Corrupt { .. }), "{name} {version}: {error}");
        keys.forge(name, version, &own).await;
        assert!(keys.ring(Making::Never).keys(&tenant(name)).await.is_ok());
    }
}

#[tokio::test]
async fn kms_itself_refuses_a_wrong_or_missing_context() {
    let keys = Keys::start().await;
    let _made = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    let wrapped = keys.wrapped("brand", "index").await;
    let contexts: [&[(&str, &str)]; 5] = [
        &[],
        &[("tenant", "brand")],
        &[("version", "index")],
        &[("tenant", "brand2"), ("version", "index")],
        &[("tenant", "brand"), ("version", "data-0000000001")],
    ];
    for context in contexts {
        assert_eq!(
            decrypt_refusal(&keys.kms, &wrapped, context).await,
            "InvalidCiphertextException",
            "{context:?}"
        );
    }
}

#[tokio::test]
async fn a_row_can_not_choose_which_key_is_asked() {
    let keys = Keys::start().await;
    let _made = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    let place = sluice_aws::KeyPlace { kms_key: "arn:aws:kms:us-east-1:1:key/other".into(), ..keys.place() };
    keys.proxy.forget();
    let error = keys.ring_at(place, Making::Never).keys(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert_eq!(keys.calls("Decrypt"), 0);
}

#[tokio::test]
async fn nothing_about_a_key_is_printed() {
    let keys = Keys::start().await;
    let ring = keys.ring(Making::OnFirstUse);
    let found = ring.keys(&tenant("brand")).await.unwrap();
    assert_eq!(format!("{ring:?} {found:?}"), "KmsKeyRing TenantKeys(brand, 1 data keys)");
}
