//! A group bot is switched off while orders come in: their notes go to the members, as the route allows.

use serde_json::json;
use sluice_channels::EndpointDesk;
use sluice_domain::consent::{ConsentKey, ConsentRecord, ConsentText, Evidence, Purpose, Recipient};
use sluice_domain::delivery::{Delivery, DeliveryState};
use sluice_domain::id::{DestinationId, EventKey, MessageId, SourceId, TenantId};
use sluice_ports::{ConsentStore as _, Deliveries as _, KeyRing as _};
use sluice_telemetry::{Counters, Metrics};

use crate::day::{Day, MIDNIGHT};

const BUYER: &str = "buyer-1";

/// Somebody who agreed to be served pays, while the group's bot is switched off by a person.
pub(crate) async fn an_order_falls_back(day: &Day) -> Delivery {
    let (tenant, group) =
        (TenantId::new("demo-brand").unwrap(), DestinationId::new("wecom-sales-group").unwrap());
    let keys = day.state.keys.keys(&tenant).await.unwrap();
    let key = ConsentKey {
        tenant: tenant.clone(),
        person: keys.person(BUYER),
        purpose: Purpose::new("after_sale").unwrap(),
        recipient: Recipient::new("wecom_sales").unwrap(),
    };
    let text = ConsentText::shown("day", "我同意就订单与我联系。");
    let notice = day.settings.tenants[&tenant].forms.values().find_map(|form| form.notice.clone());
    let evidence = Evidence::Operator { note: "day".into() };
    let record = ConsentRecord { notice, ..ConsentRecord::new(key, text, day.clock.now(), evidence) };
    day.state.store.grant(record).await.unwrap();

    let destination = &day.settings.tenants[&tenant].destinations[&group];
    let desk = || EndpointDesk::new(day.state.store.clone(), day.clock.now());
    desk().disable(&tenant, destination, "王芳", "the bot is being replaced").await.unwrap();
    // Senders look at an endpoint again after 200 ms.
    day.platforms.clock().advance_ms(1_000);
    let seconds = day.clock.now().as_secs();
    let paid = json!({ "action": "pay_success", "msg_time": seconds, "order": {
        "order_id": "7000277894522046999", "pay_amount": 2_990, "original_amount": 3_990, "account_id": "123", "create_time": seconds,
        "pay_time": seconds,
    }});
    let body = json!({
        "event": "life_trade_order_notify", "client_key": "awdemolife0000001", "from_user_id": BUYER, "content": paid.to_string(),
    });
    day.post("life-webhook", "order-1", &body, false).await;
    day.settle().await;
    assert!(desk().enable(&tenant, destination).await.unwrap());

    let (source, message) = (SourceId::new("life-webhook").unwrap(), MessageId::new("order-1").unwrap());
    day.state.store.delivery(&EventKey { tenant, source, message }).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_group_is_switched_off_reaches_the_members() {
    let data = tempfile::tempdir().unwrap();
    let day = Day::begin(data.path(), |_| Metrics::new(Counters::default())).await;
    day.platforms.clock().set_ms(MIDNIGHT + 10 * 3_600_000);
    let delivery = an_order_falls_back(&day).await;
    let fallback = delivery.fallback.unwrap();
    assert_eq!(
        (fallback.destination.as_str(), fallback.code.as_str()),
        ("wecom-sales-east", "endpoint_disabled")
    );
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let mut seen: Vec<String> = day.platforms.seen().into_iter().map(|seen| seen.recipient).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["sales.li", "sales.wang"], "the members, each once, and not the group");
}
