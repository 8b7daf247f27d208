//! [`Exposures`](crate::Exposures).

use sluice_domain::delivery::Exposure;
use sluice_domain::id::VariantId;

use super::Harness;
use super::samples::{body, brand, brand2, every_page, exposure, message};
use crate::{Exposures as _, Queue, Step, Written};

/// Whatever a later configuration would choose.
pub async fn the_first_exposure_sticks<H: Harness>(harness: H) {
    let first = exposure(brand(), "greeting", 1);
    let written = harness.store().expose(vec![Step { record: first.clone(), next: Some(message(1)) }]).await;
    assert_eq!(written, [Ok(Written::New)]);
    let later = Exposure { variant: Some(VariantId::new("b").unwrap()), ..first.clone() };
    let written = harness.store().expose(vec![Step { record: later, next: Some(message(2)) }]).await;
    assert_eq!(written, [Ok(Written::Existing(first.clone()))]);
    assert_eq!(harness.drain(Queue::Assigned).await, [body(1)]);
    let found = harness.store().exposure(&brand(), &first.experiment, &first.person).await;
    assert_eq!(found, Ok(Some(first)));
}

/// Each has a first exposure of its own.
pub async fn experiments_people_and_tenants_are_apart<H: Harness>(harness: H) {
    let all = [
        exposure(brand(), "greeting", 1),
        exposure(brand(), "offer", 1),
        exposure(brand(), "greeting", 2),
        exposure(brand2(), "greeting", 1),
    ];
    let steps = all.iter().map(|record| Step { record: record.clone(), next: None }).collect();
    let written = harness.store().expose(steps).await;
    assert!(written.into_iter().all(|written| written == Ok(Written::New)));
    for record in &all {
        let found = harness.store().exposure(&record.tenant, &record.experiment, &record.person).await;
        assert_eq!(found, Ok(Some(record.clone())));
    }
    assert_eq!(harness.store().exposures(&brand2(), None).await.unwrap().items, all[3..]);
}

/// Across pages.
pub async fn all_of_a_tenant_are_listed_once<H: Harness>(harness: H) {
    let numbers: Vec<u32> = (0..1_020).collect();
    for chunk in numbers.chunks(100) {
        let step = |number: &u32| Step { record: exposure(brand(), "greeting", *number), next: None };
        assert!(
            harness.store().expose(chunk.iter().map(step).collect()).await.into_iter().all(|one| one.is_ok())
        );
    }
    let tenant = brand();
    let listed = every_page(|cursor| harness.store().exposures(&tenant, cursor)).await;
    let mut people: Vec<_> = listed.into_iter().map(|exposure| exposure.person).collect();
    people.sort();
    let expected: Vec<_> = numbers.into_iter().map(super::samples::person).collect();
    assert_eq!(people, expected);
}
