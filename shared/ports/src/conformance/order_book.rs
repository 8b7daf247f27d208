//! [`OrderBook`](crate::OrderBook).

use sluice_domain::order::OrderEntry;

use super::Harness;
use super::samples::{brand, brand2, day, every_page, order, trace};
use crate::{OrderBook as _, Written};

/// By its event, whatever its trace.
pub async fn an_entry_is_written_once<H: Harness>(harness: H) {
    let entry = order(brand(), 1);
    assert_eq!(harness.store().enter(entry.clone()).await, Ok(Written::New));
    let replay = OrderEntry { trace_id: trace(2), ..entry.clone() };
    assert_eq!(harness.store().enter(replay).await, Ok(Written::Existing(entry)));
    assert_eq!(harness.store().enter(order(brand2(), 1)).await, Ok(Written::New));
}

/// By the time they were recorded.
pub async fn a_day_lists_its_entries_in_order<H: Harness>(harness: H) {
    for number in [3, 1, 2] {
        let _new = harness.store().enter(order(brand(), number)).await.unwrap();
    }
    let yesterday = OrderEntry { recorded_at: day().start().plus_ms(-1), ..order(brand(), 4) };
    let _new = harness.store().enter(yesterday).await.unwrap();
    let tenant = brand();
    let listed = every_page(|cursor| harness.store().orders(&tenant, day(), cursor)).await;
    assert_eq!(listed, [1, 2, 3].map(|number| order(brand(), number)));
}
