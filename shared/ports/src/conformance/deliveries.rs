//! [`Deliveries`](crate::Deliveries).

use sluice_domain::delivery::{Delivery, DeliveryState, Fallback, Outcome};

use super::Harness;
use super::samples::{NOON, assignment, attempt, brand, brand2, claim, day, every_page, key, owner};
use crate::{Claim, ClaimRequest, Deliveries, PortError, Settlement};

async fn won<S: Deliveries>(store: &S, request: ClaimRequest) -> Delivery {
    match store.claim(request).await.unwrap() {
        Claim::Won(delivery) => delivery,
        other => panic!("expected to win, got {other:?}"),
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered { provider_id: None }
}

/// Whatever the interleaving, one sender sends.
pub async fn of_a_hundred_parallel_claims_one_wins<H: Harness>(harness: H) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let store = harness.store().clone();
        tasks.spawn(async move { (number, store.claim(claim(1, owner(number), 0)).await.unwrap()) });
    }
    let answers = tasks.join_all().await;
    let winners: Vec<_> = answers.iter().filter(|(_, claim)| matches!(claim, Claim::Won(_))).collect();
    assert_eq!(winners.len(), 1);
    let held = Claim::Held { until: NOON.plus_ms(1_000) };
    assert_eq!(answers.iter().filter(|(_, claim)| *claim == held).count(), 99);
    let stored = harness.store().delivery(&key(brand(), 1)).await.unwrap().unwrap();
    let state = DeliveryState::Claimed { owner: owner(winners[0].0), deadline: NOON.plus_ms(1_000) };
    assert_eq!((stored.state, stored.attempts.len()), (state, 1));
}

/// The attempt that never ended stays visible: nobody knows what became of it.
pub async fn a_claim_is_held_until_its_deadline_and_then_taken_over<H: Harness>(harness: H) {
    let first = won(harness.store(), claim(1, owner(1), 0)).await;
    assert_eq!((first.attempts.len(), first.attempts[0].ended_at), (1, None));
    let early = harness.store().claim(claim(1, owner(2), 999)).await;
    assert_eq!(early, Ok(Claim::Held { until: NOON.plus_ms(1_000) }));
    let second = won(harness.store(), claim(1, owner(2), 1_000)).await;
    let started: Vec<_> =
        second.attempts.iter().map(|attempt| (attempt.started_at, attempt.ended_at)).collect();
    assert_eq!(started, [(NOON, None), (NOON.plus_ms(1_000), None)]);
    assert_eq!(second.opened_at, NOON);
}

/// The slow worker may neither overwrite nor release what the next one does.
pub async fn a_stale_owner_is_fenced<H: Harness>(harness: H) {
    let store = harness.store();
    let key = key(brand(), 1);
    let _slow = won(store, claim(1, owner(1), 0)).await;
    let _next = won(store, claim(1, owner(2), 1_000)).await;
    for settlement in [Settlement::Delivered, Settlement::Waiting { until: NOON }] {
        let late = store.settle(&key, owner(1), attempt(0, delivered()), settlement).await;
        assert_eq!(late, Err(PortError::Fenced));
    }
    assert_eq!(
        store.settle(&key, owner(2), attempt(1_000, delivered()), Settlement::Delivered).await,
        Ok(())
    );
    let stored = store.delivery(&key).await.unwrap().unwrap();
    assert_eq!(stored.state, DeliveryState::Delivered);
    assert_eq!(stored.attempts[1], attempt(1_000, delivered()));
    assert_eq!((stored.attempts.len(), stored.attempts[0].ended_at), (2, None));
}

/// For good: by nobody, however late.
pub async fn what_is_settled_stays_settled<H: Harness>(harness: H) {
    let store = harness.store();
    let ends = [
        (1, Settlement::Delivered, DeliveryState::Delivered),
        (2, Settlement::Refused, DeliveryState::Refused),
        (3, Settlement::InDoubt, DeliveryState::InDoubt),
    ];
    for (number, settlement, state) in ends {
        let key = key(brand(), number);
        let _won = won(store, claim(number, owner(1), 0)).await;
        assert_eq!(store.settle(&key, owner(1), attempt(0, delivered()), settlement).await, Ok(()));
        let again = store.settle(&key, owner(1), attempt(0, delivered()), Settlement::Refused).await;
        assert_eq!(again, Err(PortError::Fenced));
        match store.claim(claim(number, owner(2), 1_000_000)).await.unwrap() {
            Claim::Settled(stored) => assert_eq!((stored.state, stored.attempts.len()), (state, 1)),
            other => panic!("expected it settled, got {other:?}"),
        }
    }
}

/// Not before, and then with a further attempt.
pub async fn a_waiting_delivery_is_free_at_its_time<H: Harness>(harness: H) {
    let store = harness.store();
    let key = key(brand(), 1);
    let _won = won(store, claim(1, owner(1), 0)).await;
    let until = NOON.plus_ms(5_000);
    let throttled = attempt(0, Outcome::Throttled { until });
    store.settle(&key, owner(1), throttled.clone(), Settlement::Waiting { until }).await.unwrap();
    assert_eq!(store.claim(claim(1, owner(2), 4_999)).await, Ok(Claim::Held { until }));
    let second = won(store, claim(1, owner(2), 5_000)).await;
    assert_eq!((second.attempts.len(), &second.attempts[0]), (2, &throttled));
}

/// With the next claims and for good, whatever became of it there.
pub async fn a_fall_back_stays<H: Harness>(harness: H) {
    let store = harness.store();
    let key = key(brand(), 1);
    let first = won(store, claim(1, owner(1), 0)).await;
    assert_eq!((first.destination(), &first.fallback), (&first.assignment.destination, &None));
    let destination = assignment("elsewhere").destination;
    let fallback = Fallback { destination: destination.clone(), code: "93000".into(), at: NOON.plus_ms(5) };
    let refused = attempt(0, Outcome::EndpointRefused);
    store.settle(&key, owner(1), refused.clone(), Settlement::FallBack(fallback.clone())).await.unwrap();
    let held = Claim::Held { until: fallback.at };
    assert_eq!(store.claim(claim(1, owner(2), 4)).await, Ok(held));
    for (round, at) in [(2, 5), (3, 15)] {
        let again = won(store, claim(1, owner(round), at)).await;
        assert_eq!((again.destination(), again.fallback.as_ref()), (&destination, Some(&fallback)));
        assert_eq!((&again.attempts[0], &again.assignment), (&refused, &first.assignment));
        let end = Settlement::Waiting { until: NOON.plus_ms(at + 10) };
        store.settle(&key, owner(round), attempt(at, Outcome::Transient), end).await.unwrap();
    }
    let last = won(store, claim(1, owner(4), 25)).await;
    store.settle(&key, owner(4), attempt(25, delivered()), Settlement::Delivered).await.unwrap();
    let stored = store.delivery(&key).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.fallback), (DeliveryState::Delivered, last.fallback));
}

/// A later configuration does not turn a delivery round.
pub async fn the_first_assignment_stays<H: Harness>(harness: H) {
    let _won = won(harness.store(), claim(1, owner(1), 0)).await;
    let turned = ClaimRequest { assignment: assignment("elsewhere"), ..claim(1, owner(2), 1_000) };
    assert_eq!(won(harness.store(), turned).await.assignment, assignment("sales-group"));
}

/// An id that the platform uses twice, or a message that somebody made: neither may pass for the other, at any time.
pub async fn another_payload_under_the_same_key_is_refused<H: Harness>(harness: H) {
    let store = harness.store();
    let other = |at| ClaimRequest { payload_sha256: "11".repeat(32), ..claim(1, owner(2), at) };
    let first = won(store, claim(1, owner(1), 0)).await;
    let refused = Err(PortError::OtherPayload { what: "deliveries" });
    assert_eq!(store.claim(other(1)).await, refused);
    assert_eq!(store.claim(other(1_000)).await, refused, "nor may it take over");
    assert_eq!(store.delivery(&key(brand(), 1)).await, Ok(Some(first)));
    store.settle(&key(brand(), 1), owner(1), attempt(0, delivered()), Settlement::Delivered).await.unwrap();
    assert_eq!(store.claim(other(2_000)).await, refused);
}

/// The newest ones; the record's size is bounded.
pub async fn the_last_twenty_attempts_are_kept<H: Harness>(harness: H) {
    let store = harness.store();
    for round in 0..25_i64 {
        let at = round * 10;
        let _won = won(store, claim(1, owner(1), at)).await;
        let settlement = Settlement::Waiting { until: NOON.plus_ms(at + 5) };
        store.settle(&key(brand(), 1), owner(1), attempt(at, Outcome::Transient), settlement).await.unwrap();
    }
    let stored = store.delivery(&key(brand(), 1)).await.unwrap().unwrap();
    let expected: Vec<_> = (5..25_i64).map(|round| attempt(round * 10, Outcome::Transient)).collect();
    assert_eq!((stored.attempts, stored.forgotten), (expected, 5));
}

/// What a repeat is decided by must not be forgotten, however often the delivery is held back.
pub async fn the_first_unclear_attempt_is_never_forgotten<H: Harness>(harness: H) {
    let store = harness.store();
    let outcome = |round| match round {
        3 | 7 => Outcome::Unclear,
        _ => Outcome::Transient,
    };
    for round in 0..60_i64 {
        let at = round * 10;
        let _won = won(store, claim(1, owner(1), at)).await;
        let settlement = Settlement::Waiting { until: NOON.plus_ms(at + 5) };
        store.settle(&key(brand(), 1), owner(1), attempt(at, outcome(round)), settlement).await.unwrap();
    }
    let stored = store.delivery(&key(brand(), 1)).await.unwrap().unwrap();
    let expected: Vec<_> =
        std::iter::once(3).chain(41..60).map(|round| attempt(round * 10, outcome(round))).collect();
    assert_eq!((stored.attempts, stored.forgotten), (expected, 40));
}

/// Nor what another tenant claimed.
pub async fn nothing_can_be_settled_that_was_never_claimed<H: Harness>(harness: H) {
    let _won = won(harness.store(), claim(1, owner(1), 0)).await;
    let end = attempt(0, delivered());
    let settled = harness.store().settle(&key(brand2(), 1), owner(1), end, Settlement::Delivered).await;
    assert_eq!(settled, Err(PortError::Fenced));
    assert_eq!(harness.store().delivery(&key(brand2(), 1)).await, Ok(None));
}

/// By the time they were opened, whatever happened later.
pub async fn a_day_lists_its_own_deliveries<H: Harness>(harness: H) {
    for number in 0..30_u32 {
        let _won = won(harness.store(), claim(number, owner(1), i64::from(30 - number))).await;
    }
    let tomorrow = day().end().since(NOON);
    let _late = won(harness.store(), claim(99, owner(1), tomorrow)).await;
    let tenant = brand();
    let listed = every_page(|cursor| harness.store().deliveries(&tenant, day(), cursor)).await;
    assert_eq!(listed.len(), 30);
    assert!(listed.is_sorted_by_key(|delivery| delivery.opened_at));
    assert!(listed.iter().all(|delivery| delivery.key != key(brand(), 99)));
}
