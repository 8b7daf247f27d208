use sluice_aws::keys::{KEPT_MS, Rewrapped};
use sluice_aws::{KeyPlace, Making};
use sluice_domain::failure::FailureKind;
use sluice_domain::sealed::Sealed;
use sluice_domain::tenant::TenantKeys;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::KeyRing as _;

use crate::support::{Keys, make_key, tenant};

fn seal(keys: &TenantKeys) -> Sealed {
    keys.seal("events", "phone", "r1", "13800138000", [7; 12]).unwrap()
}

fn opens(keys: &TenantKeys, sealed: &Sealed) -> bool {
    keys.open("events", "phone", "r1", sealed).is_ok()
}

#[tokio::test]
async fn after_a_rotation_new_values_get_the_new_key_and_old_ones_still_open() {
    let keys = Keys::start().await;
    let (door, step) = (keys.ring(Making::OnFirstUse), keys.ring(Making::Never));
    let old = seal(&door.keys(&tenant("brand")).await.unwrap());
    assert_eq!(keys.operator(keys.place()).rotate(&tenant("brand")).await, Ok(2));
    // Until every function knows the new key, nobody seals with it; whoever asks now opens with it already.
    let fresh = keys.ring(Making::Never).keys(&tenant("brand")).await.unwrap();
    assert_eq!(seal(&fresh).key_number(), Some(1));
    // At every moment from the rotation on, what the one seals the other opens, whenever either last asked.
    let mut numbers = std::collections::BTreeSet::new();
    for _ in 0..20 {
        keys.clock.later(47_000);
        let sealed = seal(&door.keys(&tenant("brand")).await.unwrap());
        numbers.insert(sealed.key_number());
        let opened = step.keys(&tenant("brand")).await.unwrap();
        assert!(opens(&opened, &sealed) && opens(&opened, &old));
    }
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), [Some(1), Some(2)]);
    let step = step.keys(&tenant("brand")).await.unwrap();
    assert_eq!(seal(&step).key_number(), Some(2));
    assert_eq!(step.person("open-1"), door.keys(&tenant("brand")).await.unwrap().person("open-1"));
}

#[tokio::test]
async fn no_function_seals_with_a_key_that_another_may_lack() {
    let keys = Keys::start().await;
    let (door, step) = (keys.ring(Making::OnFirstUse), keys.ring(Making::Never));
    let _made = door.keys(&tenant("brand")).await.unwrap();
    // The step asks in the last moment before the rotation, and again as late as it may.
    let _known = step.keys(&tenant("brand")).await.unwrap();
    assert_eq!(keys.operator(keys.place()).rotate(&tenant("brand")).await, Ok(2));
    keys.clock.later(KEPT_MS - 60_001);
    let lagging = step.keys(&tenant("brand")).await.unwrap();
    let sealed = seal(&keys.ring(Making::Never).keys(&tenant("brand")).await.unwrap());
    assert!(opens(&lagging, &sealed));
}

#[tokio::test]
async fn two_rotations_at_once_make_one_key() {
    let keys = Keys::start().await;
    let _made = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    let (one, other) = (keys.operator(keys.place()), keys.operator(keys.place()));
    let brand = tenant("brand");
    let numbers = tokio::join!(one.rotate(&brand), other.rotate(&brand));
    let rows = one.list(&brand).await.unwrap();
    let versions: Vec<_> = rows.iter().map(|row| row.version.as_str()).collect();
    match numbers {
        (Ok(2), Ok(2)) => assert_eq!(versions, ["data-0000000001", "data-0000000002", "index"]),
        // One was done before the other looked.
        (Ok(first), Ok(second)) => {
            assert_eq!((first.min(second), first.max(second), versions.len()), (2, 3, 4));
        }
        failed => panic!("{failed:?}"),
    }
}

#[tokio::test]
async fn a_tenant_without_keys_has_nothing_to_rotate() {
    let keys = Keys::start().await;
    let error = keys.operator(keys.place()).rotate(&tenant("brand")).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert_eq!(keys.rows().await, 0);
}

#[tokio::test]
async fn wrapped_anew_everything_opens_under_the_new_key_alone() {
    let keys = Keys::start().await;
    let old = keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap();
    let sealed = seal(&old);
    assert_eq!(keys.operator(keys.place()).rotate(&tenant("brand")).await, Ok(2));
    let place = KeyPlace { kms_key: make_key(&keys.kms).await, ..keys.place() };
    let moving = KeyPlace { retired: vec![keys.kms_key.clone()], ..place.clone() };
    assert!(keys.ring_at(place.clone(), Making::Never).keys(&tenant("brand")).await.is_err());
    assert!(keys.ring_at(moving.clone(), Making::Never).keys(&tenant("brand")).await.is_ok());

    let operator = keys.operator(moving);
    assert_eq!(operator.tenants().await.unwrap(), [tenant("brand")]);
    // An answer that is lost is not taken for somebody else's work.
    keys.proxy.inject(Rule::new(Fault::LostAnswer).operation("UpdateItem").once(1));
    assert_eq!(operator.rewrap(&tenant("brand")).await, Ok(Rewrapped { done: 3, overtaken: 0 }));
    assert!(operator.list(&tenant("brand")).await.unwrap().iter().all(|row| row.wrapped_by == place.kms_key));
    let new = keys.ring_at(place, Making::Never).keys(&tenant("brand")).await.unwrap();
    assert!(opens(&new, &sealed));
    assert_eq!(new.person("open-1"), old.person("open-1"));
}

#[tokio::test]
async fn wrapping_anew_under_the_same_key_changes_the_rows_and_nothing_else() {
    let keys = Keys::start().await;
    let sealed = seal(&keys.ring(Making::OnFirstUse).keys(&tenant("brand")).await.unwrap());
    let before = keys.wrapped("brand", "data-0000000001").await;
    let done = keys.operator(keys.place()).rewrap(&tenant("brand")).await;
    assert_eq!(done, Ok(Rewrapped { done: 2, overtaken: 0 }));
    assert_ne!(keys.wrapped("brand", "data-0000000001").await, before);
    assert!(opens(&keys.ring(Making::Never).keys(&tenant("brand")).await.unwrap(), &sealed));
}

#[tokio::test]
async fn destroyed_keys_are_gone_and_nobody_makes_new_ones() {
    let keys = Keys::start().await;
    let ring = keys.ring(Making::OnFirstUse);
    let _made = ring.keys(&tenant("brand")).await.unwrap();
    let _kept = keys.ring(Making::OnFirstUse).keys(&tenant("brand2")).await.unwrap();
    assert_eq!(keys.operator(keys.place()).destroy(&tenant("brand")).await, Ok(2));
    assert_eq!(keys.operator(keys.place()).destroy(&tenant("brand")).await, Ok(0));
    // Warm functions forget them at the latest now.
    keys.clock.later(KEPT_MS);
    for ring in [ring, keys.ring(Making::OnFirstUse)] {
        let error = ring.keys(&tenant("brand")).await.unwrap_err();
        assert!(error.to_string().contains("were destroyed at"), "{error}");
    }
    let rows = keys.operator(keys.place()).list(&tenant("brand")).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.version.as_str()).collect::<Vec<_>>(), ["destroyed"]);
    assert!(keys.ring(Making::Never).keys(&tenant("brand2")).await.is_ok());
}
