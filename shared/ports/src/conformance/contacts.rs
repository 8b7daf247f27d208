//! [`ContactLimits`](crate::ContactLimits).

use sluice_domain::contact::{Limit, Slot};

use super::Harness;
use super::samples::{brand, brand2, day, key, person};
use crate::{ContactLimits as _, Place};

fn slot(number: u32, most: u32) -> Slot {
    Slot {
        tenant: brand(),
        person: person(1),
        day: day(),
        channel: "wechat_custom".into(),
        event: key(brand(), number),
        limits: vec![Limit { channel: None, most }],
    }
}

/// Neither one more nor one less, whoever asks at the same moment.
pub async fn of_parallel_messages_as_many_have_a_place_as_the_cap_says<H: Harness>(harness: H) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let store = harness.store().clone();
        tasks.spawn(async move { store.take_place(&slot(number, 7)).await.unwrap() });
    }
    let places = tasks.join_all().await;
    assert_eq!(places.iter().filter(|place| **place == Place::Taken).count(), 7);
}

/// At-least-once: a message that comes back is the same message.
pub async fn an_event_has_one_place_however_often_it_asks<H: Harness>(harness: H) {
    let store = harness.store();
    for _ in 0..3 {
        assert_eq!(store.take_place(&slot(1, 2)).await, Ok(Place::Taken));
    }
    assert_eq!(store.take_place(&slot(2, 2)).await, Ok(Place::Taken));
    assert_eq!(store.take_place(&slot(3, 2)).await, Ok(Place::Full));
    assert_eq!(store.take_place(&slot(1, 2)).await, Ok(Place::Taken));
}

/// A cap of a channel counts that channel alone, one of all counts all; other people and days have their own.
pub async fn people_days_channels_and_tenants_are_counted_apart<H: Harness>(harness: H) {
    let store = harness.store();
    let limits = |channel: &str| {
        vec![Limit { channel: None, most: 2 }, Limit { channel: Some(channel.to_owned()), most: 1 }]
    };
    let on =
        |number, channel: &str| Slot { channel: channel.into(), limits: limits(channel), ..slot(number, 0) };
    assert_eq!(store.take_place(&on(1, "wechat_custom")).await, Ok(Place::Taken));
    assert_eq!(store.take_place(&on(2, "wechat_custom")).await, Ok(Place::Full));
    assert_eq!(store.take_place(&on(3, "feishu_app")).await, Ok(Place::Taken));
    assert_eq!(store.take_place(&on(4, "wecom_bot")).await, Ok(Place::Full), "two of all");
    let others = [
        Slot { person: person(2), ..on(5, "wechat_custom") },
        Slot { day: day().previous(), ..on(6, "wechat_custom") },
        Slot { tenant: brand2(), event: key(brand2(), 7), ..on(7, "wechat_custom") },
    ];
    for other in others {
        assert_eq!(store.take_place(&other).await, Ok(Place::Taken), "{other:?}");
    }
}
