//! [`Erasure`](crate::Erasure).

use std::collections::BTreeMap;

use sluice_domain::consent::{ConsentRecord, Evidence, Mark, Standing, standing};
use sluice_domain::contact::{Limit, Slot};
use sluice_domain::delivery::Outcome;
use sluice_domain::id::{ExperimentId, PersonId};

use super::Harness;
use super::samples::{
    NOON, attempt, audit, brand, claim, consent_key, day, event, every_page, exposure, grant, key, message,
    order, owner, person, withdrawal,
};
use crate::{
    AuditLog as _, Claim, ConsentStore as _, ContactLimits as _, Deliveries as _, Destroyed, Erasure as _,
    ErasureRequest, Exposures as _, OrderBook as _, Place, Settlement, Step, Written,
};

fn reference() -> PersonId {
    PersonId::reference([9; 16])
}

fn erase(number: u32) -> ErasureRequest {
    ErasureRequest {
        tenant: brand(),
        person: person(number),
        reference: reference(),
        at: NOON.plus_ms(1_000),
        keys: None,
    }
}

fn slot(number: u32) -> Slot {
    Slot {
        tenant: brand(),
        person: person(number),
        day: day(),
        channel: "wechat_custom".into(),
        event: key(brand(), number),
        limits: vec![Limit { channel: None, most: 1 }],
    }
}

fn proven(number: u32, recipient: &str) -> ConsentRecord {
    let payload_sha256 = format!("{number:064x}");
    let event = sluice_domain::event::Event { payload_sha256, ..event(brand(), number) };
    let key = consent_key(brand(), person(number), recipient);
    ConsentRecord { evidence: Evidence::of(&event), ..grant(&key, 0) }
}

/// Everything that a person leaves behind.
async fn live<H: Harness>(harness: &H, number: u32) {
    let store = harness.store();
    for recipient in ["wecom_sales", "feishu_leads"] {
        store.grant(proven(number, recipient)).await.unwrap();
    }
    let key = consent_key(brand(), person(number), "feishu_leads");
    store.withdraw(&brand(), &person(number), Some(&key), withdrawal(10)).await.unwrap();
    let mark = Mark::Unreachable("wechat_custom".into());
    store.mark(&brand(), &person(number), mark, NOON, withdrawal(0).evidence).await.unwrap();
    let step = Step { record: exposure(brand(), "greeting", number), next: Some(message(number)) };
    assert!(store.expose(vec![step]).await[0].is_ok());
    assert!(matches!(store.claim(claim(number, owner(1), 0)).await, Ok(Claim::Won(_))));
    let end = attempt(0, Outcome::Delivered { provider_id: None });
    store.settle(&super::samples::key(brand(), number), owner(1), end, Settlement::Delivered).await.unwrap();
    assert_eq!(store.enter(order(brand(), number)).await, Ok(Written::New));
    assert_eq!(store.take_place(&slot(number)).await, Ok(Place::Taken));
    let step = Step { record: audit(brand(), number), next: None };
    assert!(store.record(vec![step]).await[0].is_ok());
}

/// What law says to keep is kept, and answers to nobody's name.
pub async fn an_erased_person_is_known_under_the_reference_alone<H: Harness>(harness: H) {
    live(&harness, 1).await;
    let (store, tenant) = (harness.store(), brand());
    let done = store.erase(erase(1)).await.unwrap();
    let counts = |expected: &[(&'static str, u64)]| -> BTreeMap<&'static str, u64> {
        expected.iter().copied().collect()
    };
    assert_eq!(done.restricted, counts(&[("consents", 2), ("deliveries", 1), ("orders", 1)]));
    assert_eq!((done.destroyed["exposures"], done.destroyed["contact_counts"]), (1, 1));

    assert_eq!(store.consents_of(&brand(), &person(1)).await, Ok(vec![]));
    let kept = store.consents_of(&brand(), &reference()).await.unwrap();
    assert_eq!(kept.len(), 2);
    for record in &kept {
        assert_eq!(standing(Some(record), NOON.plus_ms(5_000)), Standing::Withdrawn);
        assert!(record.marks.is_empty() && record.key.person == reference());
    }
    let experiment = ExperimentId::new("greeting").unwrap();
    assert_eq!(store.exposure(&brand(), &experiment, &person(1)).await, Ok(None));
    assert_eq!(every_page(|cursor| store.exposures(&tenant, cursor)).await, []);
    let delivery = store.delivery(&key(brand(), 1)).await.unwrap().unwrap();
    assert_eq!((delivery.person, delivery.attempts.len()), (reference(), 1));
    let orders = every_page(|cursor| store.orders(&tenant, day(), cursor)).await;
    assert_eq!(orders[0].person, Some(reference()));
    assert_eq!(store.take_place(&slot(1)).await, Ok(Place::Taken), "the day's count is gone");
    // Evidence is not touched.
    assert_eq!(store.audit(&key(brand(), 1)).await, Ok(Some(audit(brand(), 1))));
}

/// However alike their names.
pub async fn another_person_keeps_everything<H: Harness>(harness: H) {
    live(&harness, 1).await;
    live(&harness, 2).await;
    let store = harness.store();
    store.erase(erase(1)).await.unwrap();
    assert_eq!(store.consents_of(&brand(), &person(2)).await.unwrap().len(), 2);
    let experiment = ExperimentId::new("greeting").unwrap();
    assert!(store.exposure(&brand(), &experiment, &person(2)).await.unwrap().is_some());
    assert_eq!(store.delivery(&key(brand(), 2)).await.unwrap().unwrap().person, person(2));
    let other = Slot { event: key(brand(), 99), ..slot(2) };
    assert_eq!(store.take_place(&other).await, Ok(Place::Full));
}

/// A worker that died in the middle, or an operator who is not sure.
pub async fn erasing_again_changes_nothing_more<H: Harness>(harness: H) {
    live(&harness, 1).await;
    let store = harness.store();
    assert!(!store.erase(erase(1)).await.unwrap().is_empty());
    let before = store.consents_of(&brand(), &reference()).await.unwrap();
    assert_eq!(store.erase(erase(1)).await, Ok(Destroyed::default()));
    assert_eq!(store.consents_of(&brand(), &reference()).await.unwrap(), before);
    assert_eq!(store.erase(erase(7)).await, Ok(Destroyed::default()), "nobody");
}

/// A late callback, or a captured one under another id and with a later time.
pub async fn what_was_granted_before_does_not_come_back<H: Harness>(harness: H) {
    live(&harness, 1).await;
    let store = harness.store();
    store.erase(erase(1)).await.unwrap();
    let key = consent_key(brand(), person(1), "wecom_sales");
    let captured = ConsentRecord { granted_at: NOON.plus_ms(2_000), ..proven(1, "wecom_sales") };
    let anew = ConsentRecord { granted_at: NOON.plus_ms(3_000), ..grant(&key, 0) };
    for (record, expected) in
        [(grant(&key, 500), Standing::Withdrawn), (captured, Standing::Withdrawn), (anew, Standing::Granted)]
    {
        store.grant(record).await.unwrap();
        let found = store.consents(std::slice::from_ref(&key)).await.unwrap().remove(0);
        assert_eq!(standing(found.as_ref(), NOON.plus_ms(9_000)), expected);
    }
}
