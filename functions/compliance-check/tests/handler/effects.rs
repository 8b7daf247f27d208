//! What events change besides their record.

use sluice_domain::audit::Disposition;
use sluice_domain::consent::{Standing, standing};
use sluice_domain::event::{EventKind, Subject};
use sluice_domain::id::TenantId;
use sluice_ports::OrderBook as _;

use crate::gate::Gate;
use crate::sample::{Made, RECEIVED, lead, order, unauthorize};

fn effect(name: &str) -> Disposition {
    Disposition::recorded(name)
}

async fn order_count(gate: &Gate) -> usize {
    let tenant = TenantId::new("demo-brand").unwrap();
    gate.store.orders(&tenant, RECEIVED.business_day(), None).await.unwrap().items.len()
}

#[tokio::test]
async fn unauthorize_withdraws_every_consent_of_the_person() {
    let gate = Gate::open();
    gate.take(Made { occurred_at: Some(RECEIVED.plus_ms(-9_000)), ..lead("lead-1") }).await;
    assert_eq!(gate.take(unauthorize("u-1")).await.disposition, effect("consent_withdrawn"));
    let consent = gate.consent("sales_contact", "wecom_sales").await;
    assert_eq!(standing(consent.as_ref(), RECEIVED.plus_ms(1_000)), Standing::Withdrawn);
}

#[tokio::test]
async fn unauthorize_of_a_merchant_withdraws_nobodys_consent() {
    let gate = Gate::open();
    gate.take(lead("lead-1")).await;
    let record = gate.take(Made { open_id: None, ..unauthorize("u-1") }).await;
    assert_eq!(record.disposition, effect("unauthorized"));
    assert!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn.is_none());
}

#[tokio::test]
async fn an_authorisation_is_no_consent() {
    let gate = Gate::open();
    let subject = Subject::Authorization { scopes: vec![], expires_at: None };
    let record = gate.take(Made { subject, ..Made::new("a-1", EventKind::Authorize, "authorize") }).await;
    assert_eq!(record.disposition, effect("authorized"));
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await, None);
}

#[tokio::test]
async fn orders_enter_the_book_whether_or_not_a_message_follows() {
    let gate = Gate::open();
    let changed = gate.take(order("o-1", EventKind::OrderChanged, "refund_success")).await;
    assert_eq!(changed.disposition, effect("order_book"));
    gate.decide(order("o-2", EventKind::OrderPaid, "pay_success")).await;
    assert_eq!(order_count(&gate).await, 2);
    gate.handle(vec![order("o-2", EventKind::OrderPaid, "pay_success").event()]).await[0].as_ref().unwrap();
    assert_eq!(order_count(&gate).await, 2);
}

#[tokio::test]
async fn a_replayed_form_does_not_revive_a_withdrawn_consent() {
    for occurred_at in [None, Some(RECEIVED.plus_ms(-9_000))] {
        let gate = Gate::open();
        gate.take(Made { occurred_at, ..lead("lead-1") }).await;
        // The withdrawal comes after the form; the replay of the form arrives after that.
        let mut withdrawal = unauthorize("u-1").event();
        withdrawal.received_at = RECEIVED.plus_ms(5_000);
        withdrawal.occurred_at = Some(RECEIVED.plus_ms(4_000));
        let mut replay = Made { occurred_at, trace: 2, ..lead("lead-1") }.event();
        replay.received_at = RECEIVED.plus_ms(8_000);
        assert_eq!(gate.handle(vec![withdrawal, replay]).await, [Ok(()), Ok(())]);
        let consent = gate.consent("sales_contact", "wecom_sales").await;
        assert_eq!(standing(consent.as_ref(), RECEIVED.plus_ms(9_000)), Standing::Withdrawn);
    }
}
