//! [`ChannelState`](crate::ChannelState).

use super::Harness;
use super::samples::{NOON, brand, brand2};
use crate::{ChannelState, PortError, Replaced, StateDocument, StateKey};

fn key(name: &str) -> StateKey {
    StateKey { tenant: Some(brand()), kind: "limit", name: name.to_owned() }
}

async fn put<S: ChannelState>(store: &S, key: &StateKey, seen: Option<&str>, body: &str) -> Replaced {
    store.replace(key, seen, body.to_owned(), NOON.plus_ms(3_600_000)).await.unwrap()
}

async fn stored<S: ChannelState>(store: &S, key: &StateKey, seen: Option<&str>, body: &str) -> String {
    match put(store, key, seen, body).await {
        Replaced::Done { version } => version,
        Replaced::Overtaken(now) => panic!("overtaken by {now:?}"),
    }
}

/// And its version is the one that the write named.
pub async fn what_was_replaced_is_read_at_once<H: Harness>(harness: H) {
    let (store, key) = (harness.store(), key("a"));
    assert_eq!(store.document(&key).await, Ok(None));
    let first = stored(store, &key, None, r#"{"n":1}"#).await;
    let expected = StateDocument { body: r#"{"n":1}"#.to_owned(), version: first.clone() };
    assert_eq!(store.document(&key).await, Ok(Some(expected)));
    let second = stored(store, &key, Some(&first), r#"{"n":2}"#).await;
    assert_ne!(second, first);
    assert_eq!(store.document(&key).await.unwrap().unwrap().body, r#"{"n":2}"#);
}

/// Also one that writes the same text.
pub async fn an_older_version_replaces_nothing<H: Harness>(harness: H) {
    let (store, key) = (harness.store(), key("a"));
    let first = stored(store, &key, None, "1").await;
    let second = stored(store, &key, Some(&first), "1").await;
    let there = StateDocument { body: "1".to_owned(), version: second };
    for seen in [None, Some(first.as_str()), Some("never")] {
        assert_eq!(put(store, &key, seen, "3").await, Replaced::Overtaken(Some(there.clone())), "{seen:?}");
    }
    assert_eq!(store.document(&key).await, Ok(Some(there)));
}

/// A version of something that is not there.
pub async fn what_is_gone_is_not_replaced<H: Harness>(harness: H) {
    assert_eq!(put(harness.store(), &key("a"), Some("1"), "1").await, Replaced::Overtaken(None));
    assert_eq!(harness.store().document(&key("a")).await, Ok(None));
}

/// A counter that twenty processes raise by what they read: none is lost.
pub async fn of_parallel_replacements_none_is_lost<H: Harness>(harness: H) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = harness.store().clone();
        tasks.spawn(async move {
            let mut found = store.document(&key("a")).await.unwrap();
            loop {
                let count: u32 = found.as_ref().map_or(0, |found| found.body.parse().unwrap());
                let seen = found.as_ref().map(|found| found.version.as_str());
                match put(&store, &key("a"), seen, &(count + 1).to_string()).await {
                    Replaced::Done { .. } => return,
                    Replaced::Overtaken(newer) => found = newer,
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(harness.store().document(&key("a")).await.unwrap().unwrap().body, "20");
}

/// Shared state is nobody's.
pub async fn tenants_kinds_and_names_are_apart<H: Harness>(harness: H) {
    let store = harness.store();
    let keys = [
        key("a"),
        key("b"),
        StateKey { kind: "token", ..key("a") },
        StateKey { tenant: Some(brand2()), ..key("a") },
        StateKey { tenant: None, ..key("a") },
    ];
    for (number, key) in keys.iter().enumerate() {
        stored(store, key, None, &number.to_string()).await;
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(store.document(key).await.unwrap().unwrap().body, number.to_string());
    }
}

/// A document is small; one that grew has a fault.
pub async fn an_oversized_document_is_refused<H: Harness>(harness: H) {
    let limit = H::Store::LARGEST;
    let refused = harness.store().replace(&key("a"), None, "x".repeat(limit + 1), NOON).await;
    assert!(matches!(refused, Err(PortError::TooLarge { got, .. }) if got == limit + 1), "{refused:?}");
    assert_eq!(harness.store().document(&key("a")).await, Ok(None));
}
