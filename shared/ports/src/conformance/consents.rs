//! [`ConsentStore`](crate::ConsentStore).

use std::collections::BTreeSet;

use sluice_domain::consent::{ConsentKey, ConsentRecord, Evidence, Mark, Standing, Withdrawal, standing};

use super::Harness;
use super::samples::{NOON, brand, brand2, consent_key, event, grant, person, withdrawal};
use crate::ConsentStore;

/// Another person, purpose, recipient or tenant has not agreed.
pub async fn a_grant_is_found_by_its_key_alone<H: Harness>(harness: H) {
    let key = consent_key(brand(), person(1), "wecom_sales");
    assert_eq!(harness.store().grant(grant(&key, 0)).await, Ok(true));
    let others = [
        consent_key(brand(), person(2), "wecom_sales"),
        consent_key(brand(), person(1), "feishu_leads"),
        consent_key(brand2(), person(1), "wecom_sales"),
    ];
    assert_eq!(harness.store().consents(&others).await, Ok(vec![None, None, None]));
    assert_eq!(harness.store().consents(std::slice::from_ref(&key)).await, Ok(vec![Some(grant(&key, 0))]));
    assert_eq!(harness.store().consents_of(&brand(), &person(1)).await, Ok(vec![grant(&key, 0)]));
    assert_eq!(harness.store().consents_of(&brand2(), &person(1)).await, Ok(vec![]));
}

/// Missing ones and repeated ones included.
pub async fn answers_come_in_the_order_of_the_keys<H: Harness>(harness: H) {
    let key = |number| consent_key(brand(), person(number), "wecom_sales");
    for number in [1, 3] {
        harness.store().grant(grant(&key(number), 0)).await.unwrap();
    }
    let found = harness.store().consents(&[key(3), key(2), key(1), key(3)]).await.unwrap();
    let people: Vec<_> = found.into_iter().map(|record| record.map(|record| record.key.person)).collect();
    assert_eq!(people, [Some(person(3)), None, Some(person(1)), Some(person(3))]);
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Grant(i64),
    Withdraw(i64),
    WithdrawAll(i64),
}

async fn apply<S: ConsentStore>(store: &S, key: &ConsentKey, change: Change) {
    match change {
        Change::Grant(at) => {
            store.grant(grant(key, at)).await.unwrap();
        }
        Change::Withdraw(at) => {
            store.withdraw(&key.tenant, &key.person, Some(key), withdrawal(at)).await.unwrap();
        }
        Change::WithdrawAll(at) => {
            store.withdraw(&key.tenant, &key.person, None, withdrawal(at)).await.unwrap();
        }
    }
}

/// Every order of the changes, by Heap's algorithm.
fn orders(mut changes: Vec<Change>) -> Vec<Vec<Change>> {
    fn permute(size: usize, changes: &mut Vec<Change>, out: &mut Vec<Vec<Change>>) {
        if size <= 1 {
            out.push(changes.clone());
            return;
        }
        for index in 0..size {
            permute(size - 1, changes, out);
            changes.swap(if size.is_multiple_of(2) { index } else { 0 }, size - 1);
        }
    }
    let mut out = Vec::new();
    let size = changes.len();
    permute(size, &mut changes, &mut out);
    let distinct: std::collections::BTreeSet<_> = out.iter().map(|order| format!("{order:?}")).collect();
    assert_eq!(distinct.len(), (1..=size).product::<usize>());
    out
}

async fn every_order_ends<H: Harness>(harness: &H, changes: Vec<Change>, expected: Standing) {
    for (number, order) in (1_u32..).zip(orders(changes)) {
        let key = consent_key(brand(), person(number), "wecom_sales");
        for change in &order {
            apply(harness.store(), &key, *change).await;
        }
        let found = harness.store().consents(std::slice::from_ref(&key)).await.unwrap().remove(0);
        assert_eq!(standing(found.as_ref(), NOON.plus_ms(1_000)), expected, "{order:?}");
    }
}

/// Platforms deliver late and out of order; a withdrawal may even come before the grant it ends.
pub async fn the_order_of_grants_and_withdrawals_does_not_matter<H: Harness>(harness: H) {
    let changes = vec![Change::Grant(10), Change::Withdraw(20), Change::Grant(15), Change::WithdrawAll(25)];
    every_order_ends(&harness, changes, Standing::Withdrawn).await;
}

/// A person may agree again.
pub async fn a_later_grant_stands_again_in_every_order<H: Harness>(harness: H) {
    let changes = vec![Change::Grant(10), Change::Withdraw(20), Change::WithdrawAll(25), Change::Grant(30)];
    every_order_ends(&harness, changes, Standing::Granted).await;
}

/// PIPL art. 15: whatever the purpose and recipient.
pub async fn withdrawing_everything_ends_each_consent_of_the_person_alone<H: Harness>(harness: H) {
    let keys = [
        consent_key(brand(), person(1), "wecom_sales"),
        consent_key(brand(), person(1), "feishu_leads"),
        consent_key(brand(), person(2), "wecom_sales"),
        consent_key(brand2(), person(1), "wecom_sales"),
    ];
    for key in &keys {
        harness.store().grant(grant(key, 0)).await.unwrap();
    }
    assert_eq!(harness.store().withdraw(&brand(), &person(1), None, withdrawal(10)).await, Ok(2));
    assert_eq!(harness.store().withdraw(&brand(), &person(1), None, withdrawal(11)).await, Ok(0));
    let found = harness.store().consents(&keys).await.unwrap();
    let stand: Vec<_> = found.iter().map(|record| standing(record.as_ref(), NOON.plus_ms(20))).collect();
    assert_eq!(stand, [Standing::Withdrawn, Standing::Withdrawn, Standing::Granted, Standing::Granted]);
}

/// The count says who ended it.
pub async fn parallel_withdrawals_end_a_consent_once<H: Harness>(harness: H) {
    let key = consent_key(brand(), person(1), "wecom_sales");
    harness.store().grant(grant(&key, 0)).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, key) = (harness.store().clone(), key.clone());
        tasks.spawn(async move {
            store.withdraw(&key.tenant, &key.person, Some(&key), withdrawal(5)).await.unwrap()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 1);
}

fn unreachable(channel: &str) -> Mark {
    Mark::Unreachable(channel.to_owned())
}

/// What is known of a person counts for whatever they agreed to, before or after.
pub async fn a_mark_is_on_every_consent_of_the_person_alone<H: Harness>(harness: H) {
    let (store, evidence) = (harness.store(), withdrawal(0).evidence);
    let keys = [
        consent_key(brand(), person(1), "wecom_sales"),
        consent_key(brand(), person(1), "feishu_leads"),
        consent_key(brand(), person(2), "wecom_sales"),
        consent_key(brand2(), person(1), "wecom_sales"),
    ];
    store.grant(grant(&keys[0], 0)).await.unwrap();
    let marked = store.mark(&brand(), &person(1), Mark::Under14, NOON, evidence.clone()).await;
    assert_eq!(marked, Ok(true));
    let marked = store.mark(&brand(), &person(1), unreachable("wechat_custom"), NOON, evidence.clone()).await;
    assert_eq!(marked, Ok(true));
    for key in &keys[1..] {
        store.grant(grant(key, 5)).await.unwrap();
    }
    let found = store.consents(&keys).await.unwrap();
    let marks: Vec<_> = found
        .iter()
        .flatten()
        .map(|record| {
            (record.marks.under_14.is_some(), record.marks.unreachable.contains_key("wechat_custom"))
        })
        .collect();
    assert_eq!(marks, [(true, true), (true, true), (false, false), (false, false)]);
    let listed = store.consents_of(&brand(), &person(1)).await.unwrap();
    assert!(listed.len() == 2 && listed.iter().all(|record| record.marks.under_14.is_some()));
    // A mark is no consent and ends none.
    assert_eq!(standing(found[0].as_ref(), NOON.plus_ms(10)), Standing::Granted);
    assert_eq!(store.withdraw(&brand(), &person(1), None, withdrawal(10)).await, Ok(2));
    let found = store.consents(&keys[..1]).await.unwrap().remove(0).unwrap();
    assert!(found.withdrawn.is_some() && found.marks.under_14.is_some());
}

/// At-least-once: the same refusal is told more than once, and in any order.
pub async fn only_a_later_mark_replaces_one<H: Harness>(harness: H) {
    let (store, key) = (harness.store(), consent_key(brand(), person(1), "wecom_sales"));
    store.grant(grant(&key, 0)).await.unwrap();
    for (at, changed) in [(10, true), (10, false), (5, false), (20, true)] {
        let evidence = withdrawal(at).evidence;
        let marked =
            store.mark(&brand(), &person(1), unreachable("wechat_custom"), NOON.plus_ms(at), evidence).await;
        assert_eq!(marked, Ok(changed), "{at}");
    }
    let found = store.consents(&[key]).await.unwrap().remove(0).unwrap();
    let mark = &found.marks.unreachable["wechat_custom"];
    assert_eq!((mark.at, &mark.evidence), (NOON.plus_ms(20), &withdrawal(20).evidence));
}

/// Whoever captured a callback could otherwise bring an erased person back by sending it under another id.
pub async fn bytes_that_were_erased_prove_nothing_any_more<H: Harness>(harness: H) {
    let (store, key) = (harness.store(), consent_key(brand(), person(1), "wecom_sales"));
    let by = |payload: &str, at| {
        let event = sluice_domain::event::Event { payload_sha256: payload.to_owned(), ..event(brand(), 1) };
        ConsentRecord { evidence: Evidence::of(&event), ..grant(&key, at) }
    };
    let erased = Withdrawal {
        at: NOON.plus_ms(10),
        evidence: Evidence::Erasure { payloads: BTreeSet::from(["aa".to_owned()]) },
    };
    store.withdraw(&brand(), &person(1), None, erased).await.unwrap();
    for (payload, at, expected) in
        [("bb", 5, Standing::Withdrawn), ("aa", 20, Standing::Withdrawn), ("bb", 30, Standing::Granted)]
    {
        store.grant(by(payload, at)).await.unwrap();
        let found = store.consents(std::slice::from_ref(&key)).await.unwrap().remove(0);
        assert_eq!(standing(found.as_ref(), NOON.plus_ms(40)), expected, "{payload} at {at}");
    }
}
