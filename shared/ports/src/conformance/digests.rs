//! [`Digests`](crate::Digests). The cases take the adapter itself, over a place that is empty.

use sluice_domain::audit::tree::Hash;

use super::samples::{brand, brand2, day};
use crate::{Digests, Written};

/// A second document of a day is not stored; the first comes back.
pub async fn a_day_is_sealed_once<D: Digests>(digests: D) {
    assert_eq!(digests.sealed(&brand(), day()).await, Ok(None));
    assert_eq!(digests.seal(&brand(), day(), b"one".to_vec()).await, Ok(Written::New));
    for document in ["one", "two"] {
        let again = digests.seal(&brand(), day(), document.into()).await;
        assert_eq!(again, Ok(Written::Existing(b"one".to_vec())), "{document}");
    }
    assert_eq!(digests.sealed(&brand(), day()).await, Ok(Some(b"one".to_vec())));
}

/// Each has its own.
pub async fn tenants_and_days_are_apart<D: Digests>(digests: D) {
    assert_eq!(digests.seal(&brand(), day(), b"one".to_vec()).await, Ok(Written::New));
    assert_eq!(digests.seal(&brand2(), day(), b"two".to_vec()).await, Ok(Written::New));
    assert_eq!(digests.seal(&brand(), day().previous(), b"three".to_vec()).await, Ok(Written::New));
    assert_eq!(digests.sealed(&brand2(), day()).await, Ok(Some(b"two".to_vec())));
    assert_eq!(digests.sealed(&brand(), day().previous()).await, Ok(Some(b"three".to_vec())));
    assert_eq!(digests.sealed(&brand2(), day().previous()).await, Ok(None));
}

/// Before the day, of the tenant, within a month.
pub async fn the_last_sealed_day_is_found<D: Digests>(digests: D) {
    assert_eq!(digests.last_sealed(&brand(), day()).await, Ok(None));
    let back = |count| crate::days_before(day(), count).last().unwrap();
    for sealed in [back(D::LOOKS_BACK_DAYS + 1), day()] {
        assert_eq!(digests.seal(&brand(), sealed, b"x".to_vec()).await, Ok(Written::New));
    }
    assert_eq!(digests.seal(&brand2(), back(1), b"x".to_vec()).await, Ok(Written::New));
    assert_eq!(digests.last_sealed(&brand(), day()).await, Ok(None));
    for count in [D::LOOKS_BACK_DAYS, 3, 2] {
        assert_eq!(digests.seal(&brand(), back(count), b"x".to_vec()).await, Ok(Written::New));
        assert_eq!(digests.last_sealed(&brand(), day()).await, Ok(Some(back(count))));
    }
}

/// One document, whoever comes first.
pub async fn of_parallel_seals_one_wins<D: Digests + Clone + 'static>(digests: D) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20_u8 {
        let digests = digests.clone();
        tasks.spawn(async move { (number, digests.seal(&brand(), day(), vec![number]).await.unwrap()) });
    }
    let answers = tasks.join_all().await;
    let winners: Vec<_> = answers.iter().filter(|(_, written)| *written == Written::New).collect();
    assert_eq!(winners.len(), 1);
    let winner = winners[0].0;
    for (number, written) in &answers {
        assert!(*number == winner || *written == Written::Existing(vec![winner]), "{number}: {written:?}");
    }
}

/// Each list comes back under its own hash, tenant and day; storing it again changes nothing.
pub async fn leaf_lists_are_kept_by_their_hash<D: Digests>(digests: D) {
    let (one, two) = (b"one".to_vec(), vec![7; 100_000]);
    assert_eq!(digests.leaves(&brand(), day(), Hash::of(&one)).await, Ok(None));
    for list in [&one, &two, &one] {
        assert_eq!(digests.keep_leaves(&brand(), day(), list.clone()).await, Ok(()));
    }
    for list in [&one, &two] {
        assert_eq!(digests.leaves(&brand(), day(), Hash::of(list)).await, Ok(Some(list.clone())));
    }
    assert_eq!(digests.leaves(&brand2(), day(), Hash::of(&one)).await, Ok(None));
    assert_eq!(digests.leaves(&brand(), day().previous(), Hash::of(&one)).await, Ok(None));
}

/// A night that died after its leaf list sealed nothing.
pub async fn a_leaf_list_is_no_sealed_day<D: Digests>(digests: D) {
    let before = day().previous();
    assert_eq!(digests.keep_leaves(&brand(), before, b"list".to_vec()).await, Ok(()));
    assert_eq!(digests.sealed(&brand(), before).await, Ok(None));
    assert_eq!(digests.last_sealed(&brand(), day()).await, Ok(None));
    assert_eq!(digests.seal(&brand(), before, b"one".to_vec()).await, Ok(Written::New));
    assert_eq!(digests.last_sealed(&brand(), day()).await, Ok(Some(before)));
}
