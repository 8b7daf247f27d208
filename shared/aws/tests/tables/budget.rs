//! How often each port calls `DynamoDB`: DESIGN's budget, counted at the wire.

use std::collections::BTreeMap;

use sluice_domain::delivery::Outcome;
use sluice_domain::review::{Says, StateName};
use sluice_emulators::proxy::Proxy;
use sluice_ports::conformance::reviews::{review, vote, waiting};
use sluice_ports::conformance::samples::{
    attempt, audit, brand, claim, consent_key, event, exposure, grant, key, message, order, owner, person,
    trace, withdrawal,
};
use sluice_ports::{
    Advanced, AuditLog as _, Claim, ConsentStore as _, Deliveries as _, Exposures as _, Intake as _,
    OrderBook as _, Reviews as _, Settlement, Step,
};

use crate::support::fresh_on_dynoxide;

/// What was called since the last look.
struct Meter {
    proxy: Proxy,
    seen: usize,
}

impl Meter {
    fn read(&mut self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let recording = self.proxy.recording();
        for recorded in recording.calls().iter().skip(self.seen) {
            *counts.entry(recorded.call.operation.clone()).or_default() += 1;
        }
        self.seen = recording.calls().len();
        counts
    }

    #[track_caller]
    fn expect(&mut self, expected: &[(&str, usize)]) {
        let expected = expected.iter().map(|(operation, count)| ((*operation).to_owned(), *count)).collect();
        assert_eq!(self.read(), expected);
    }
}

fn steps<R>(records: impl Iterator<Item = R>) -> Vec<Step<R>> {
    records.zip(0..).map(|(record, number)| Step { record, next: Some(message(number)) }).collect()
}

/// A batch of ten through each step, and what people and the night ask.
#[tokio::test]
async fn every_port_keeps_its_budget() {
    let (world, proxy) = fresh_on_dynoxide().await.behind_proxy().await;
    let (store, mut meter) = (&world.store, Meter { proxy, seen: 0 });

    // webhook-verify: SQS alone.
    let events: Vec<_> = (0..10).map(|number| event(brand(), number)).collect();
    store.accept(events.clone()).await.unwrap();
    meter.expect(&[]);

    // compliance-check.
    store.arrived(&events).await.unwrap();
    meter.expect(&[("BatchWriteItem", 1)]);
    let keys: Vec<_> = (0..10).map(|number| consent_key(brand(), person(number), "wecom_sales")).collect();
    store.consents(&keys).await.unwrap();
    meter.expect(&[("BatchGetItem", 1)]);
    assert!(
        store.record(steps((0..10).map(|number| audit(brand(), number)))).await.iter().all(Result::is_ok)
    );
    meter.expect(&[("PutItem", 10)]);
    store.grant(grant(&keys[0], 0)).await.unwrap();
    meter.expect(&[("UpdateItem", 1)]);
    store.grant(grant(&keys[0], 1)).await.unwrap();
    meter.expect(&[("BatchGetItem", 1), ("UpdateItem", 2)]);
    store.withdraw(&brand(), &person(0), Some(&keys[0]), withdrawal(1)).await.unwrap();
    meter.expect(&[("BatchGetItem", 1), ("UpdateItem", 1)]);
    store.withdraw(&brand(), &person(0), None, withdrawal(2)).await.unwrap();
    meter.expect(&[("Query", 1), ("UpdateItem", 1)]);
    assert!(store.enter(order(brand(), 1)).await.is_ok());
    meter.expect(&[("PutItem", 1)]);

    // bucket-assignment.
    let exposures = steps((0..10).map(|number| exposure(brand(), "greeting", number)));
    assert!(store.expose(exposures).await.iter().all(Result::is_ok));
    meter.expect(&[("PutItem", 10)]);

    // channel-dispatch: two writes a delivery; one call for what is held or settled.
    assert!(matches!(store.claim(claim(1, owner(1), 0)).await, Ok(Claim::Won(_))));
    meter.expect(&[("PutItem", 1)]);
    assert!(matches!(store.claim(claim(1, owner(2), 1)).await, Ok(Claim::Held { .. })));
    meter.expect(&[("PutItem", 1)]);
    let end = attempt(0, Outcome::Delivered { provider_id: None });
    store.settle(&key(brand(), 1), owner(1), end, Settlement::Delivered).await.unwrap();
    meter.expect(&[("UpdateItem", 1)]);
    assert!(matches!(store.claim(claim(1, owner(2), 1)).await, Ok(Claim::Settled(_))));
    meter.expect(&[("PutItem", 1)]);

    // One record each, and a day of listings: a query a shard, and the items of the two indexes of keys alone.
    store.audit(&key(brand(), 1)).await.unwrap();
    store.delivery(&key(brand(), 1)).await.unwrap();
    meter.expect(&[("GetItem", 2)]);
    let day = sluice_ports::conformance::samples::day();
    store.receipts(&brand(), day, None).await.unwrap();
    store.orders(&brand(), day, None).await.unwrap();
    store.exposures(&brand(), None).await.unwrap();
    meter.expect(&[("Query", 24)]);
    store.audits(&brand(), day, None).await.unwrap();
    store.deliveries(&brand(), day, None).await.unwrap();
    meter.expect(&[("Query", 16), ("BatchGetItem", 2)]);

    // Reviews: a second write when a decision waits, one for each voice, a query a shard for a listing.
    let batch = (100..103).map(waiting).collect();
    assert!(store.record_for_review(batch).await.iter().all(Result::is_ok));
    meter.expect(&[("PutItem", 6)]);
    store.review(&review(100).id()).await.unwrap();
    meter.expect(&[("GetItem", 1)]);
    let rejected = vote(&review(100), "wang", Says::Reject);
    assert_eq!(store.advance_review(rejected.review, None).await, Ok(Advanced::Done));
    meter.expect(&[("PutItem", 1)]);
    store.reviews(&brand(), StateName::Open, None).await.unwrap();
    meter.expect(&[("Query", 8), ("BatchGetItem", 1)]);

    // A trace id as the door makes it tells where its record is.
    let arrived = sluice_domain::audit::AuditRecord { received_at: trace(77).at(), ..audit(brand(), 77) };
    assert!(store.record(steps([arrived.clone()].into_iter())).await.iter().all(Result::is_ok));
    meter.read();
    assert_eq!(store.audit_of_trace(&brand(), trace(77)).await, Ok(Some(arrived)));
    meter.expect(&[("Query", 1), ("GetItem", 1)]);
}
