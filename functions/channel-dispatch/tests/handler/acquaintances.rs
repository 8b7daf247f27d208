//! Whom a delivery makes known to the channel's callbacks.

use std::sync::atomic::Ordering;

use sluice_domain::contact::{contact_id, message_contact};
use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::destination::{Channel, SubscribeAccount};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_ports::Acquaintances as _;

use crate::support::*;

const OPENID: &str = "oPerson00000000000000000000001";

async fn known(desk: &Desk) -> Vec<sluice_domain::contact::Acquaintance> {
    let tenant = TenantId::new("demo-mcn").unwrap();
    let contact = contact_id(&keys(&tenant), "wechat", "wx00demo00000000", OPENID);
    desk.store.known_as(&tenant, &contact).await.unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn who_was_written_to_is_known_by_the_channels_name_of_them() {
    let desk = desk();
    let assigned = assigned(1, PERSON, Verdict::Allow);
    assert_eq!(known(&desk).await, []);
    desk.deliver(&assigned).await.unwrap();
    let known = known(&desk).await;
    assert_eq!(known.len(), 1);
    let event = assigned.cleared.event();
    assert_eq!((&known[0].person, known[0].trace_id), (assigned.cleared.person(), event.trace_id));
    assert!(!format!("{known:?}").contains(OPENID), "pseudonyms only");
}

#[tokio::test(flavor = "current_thread")]
async fn nobody_is_noted_where_the_channel_does_not_call_back() {
    let mut settings = settings();
    let tenant = settings.tenants.get_mut(&TenantId::new("demo-mcn").unwrap()).unwrap();
    std::sync::Arc::get_mut(tenant).unwrap().sources.retain(|_, source| !source.scheme.is_of_channel());
    let desk = desk_with(settings);
    desk.deliver(&assigned(1, PERSON, Verdict::Allow)).await.unwrap();
    assert_eq!(known(&desk).await, []);
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_that_was_taken_is_delivered_whether_or_not_that_can_be_noted() {
    let desk = desk();
    desk.store.failing_acquaintances.store(1, Ordering::SeqCst);
    let assigned = assigned(1, PERSON, Verdict::Allow);
    desk.deliver(&assigned).await.unwrap();
    assert_eq!(desk.delivery(&assigned).await.state, DeliveryState::Delivered);
    assert_eq!(known(&desk).await, []);
}

#[tokio::test(flavor = "current_thread")]
async fn a_subscribe_message_is_known_by_the_platforms_name_of_it_too() {
    let mut settings = settings();
    let id = TenantId::new("demo-mcn").unwrap();
    let tenant = std::sync::Arc::get_mut(settings.tenants.get_mut(&id).unwrap()).unwrap();
    let destination = tenant.destinations.get_mut(&DestinationId::new(PERSON).unwrap()).unwrap();
    destination.channel = Channel::WechatSubscribe {
        app_id: "wx00demo00000000".into(),
        secret: "demo-mcn/wechat".into(),
        openid_field: "wechat_openid".into(),
        template_id: "t".into(),
        account: SubscribeAccount::MiniProgram,
        page: None,
    };
    let desk = desk_with(settings);
    desk.platform.answers(Outcome::Delivered { provider_id: Some("1864323726461255680".into()) });
    let assigned = assigned(1, PERSON, Verdict::Allow);
    desk.deliver(&assigned).await.unwrap();
    let message = message_contact(&keys(&id), "wechat", "1864323726461255680");
    let named = desk.store.known_as(&id, &message).await.unwrap();
    assert_eq!((named.len(), known(&desk).await.len()), (1, 1));
    assert_eq!(named[0].event, assigned.cleared.event().key);
}
