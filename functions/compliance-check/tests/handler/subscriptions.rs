//! Templates of a WeChat account that people subscribe to, and what became of a subscribe message.

use sluice_domain::audit::Disposition;
use sluice_domain::consent::Evidence;
use sluice_domain::contact::{Acquaintance, message_contact};
use sluice_domain::event::{EventKind, SUBSCRIPTION_FAILED, Subject};
use sluice_domain::id::{FormId, PersonId, SourceId, TenantId, TraceId};
use sluice_domain::settings::Tenant;
use sluice_domain::source::{Form, SchemeName};
use sluice_ports::{Acquaintances as _, AuditLog as _};

use crate::gate::Gate;
use crate::sample::{CARD, Made, RECEIVED, keys, lead};

const READER: &str = "wechat:wx00demo00000000:o1";
const SOURCE: &str = "wechat-push";
const TEMPLATE: &str = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc";

fn brand() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

/// A WeChat account calls back, and the company wrote down what its template agrees to.
fn templated(tenant: &mut Tenant) {
    let (wecom, wechat) = (SourceId::new("wecom-contacts").unwrap(), SourceId::new(SOURCE).unwrap());
    let mut source = tenant.sources[&wecom].clone();
    (source.id, source.scheme) = (wechat.clone(), SchemeName::WechatPush);
    tenant.sources.insert(wechat, source);
    let card = tenant.forms[&FormId::new(CARD).unwrap()].clone();
    let form = Form { id: FormId::new(format!("scope:{TEMPLATE}")).unwrap(), ..card };
    tenant.forms.insert(form.id.clone(), form);
}

fn subscription(message: &'static str, kind: EventKind, template: &str, at: i64) -> Made {
    let subject = Subject::Authorization { scopes: vec![template.to_owned()], expires_at: None };
    let occurred_at = Some(RECEIVED.plus_ms(at));
    let name = "subscribe_msg_popup_event";
    Made { open_id: Some(READER), subject, trace: 9, occurred_at, ..Made::new(message, kind, name) }
}

async fn acquaint(gate: &Gate, contact: PersonId) {
    let acquaintance = Acquaintance {
        tenant: brand(),
        contact,
        person: keys(&brand()).person("open-1"),
        event: lead("lead-1").event().key,
        trace_id: TraceId::from_parts(RECEIVED, [1; 10]),
        since: RECEIVED,
    };
    gate.store.acquaint(acquaintance).await.unwrap();
}

/// A gate where the reader is known to be the person of the lead.
async fn acquainted() -> Gate {
    let gate = Gate::open_with(templated);
    acquaint(&gate, keys(&brand()).person(READER)).await;
    gate
}

async fn take(gate: &Gate, made: Made) -> Disposition {
    let event = made.event_of(SOURCE);
    let key = event.key.clone();
    assert_eq!(gate.handle(vec![event]).await, [Ok(())]);
    gate.store.audit(&key).await.unwrap().unwrap().disposition
}

#[tokio::test]
async fn who_subscribes_has_agreed_and_who_takes_it_back_has_withdrawn() {
    let gate = acquainted().await;
    let told = take(&gate, subscription("s-1", EventKind::Authorize, TEMPLATE, -5_000)).await;
    assert_eq!(told, Disposition::recorded("consent_granted"));
    let consent = gate.consent("sales_contact", "wecom_sales").await.unwrap();
    assert_eq!((consent.granted_at, consent.withdrawn), (RECEIVED.plus_ms(-5_000), None));
    assert!(matches!(consent.evidence, Evidence::Event { kind: EventKind::Authorize, .. }));

    let told = take(&gate, subscription("s-2", EventKind::Unauthorize, TEMPLATE, -1_000)).await;
    assert_eq!(told, Disposition::recorded("consent_withdrawn"));
    assert!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn.is_some());
}

#[tokio::test]
async fn a_template_that_nobody_wrote_down_changes_nothing_whoever_says_no_to_it() {
    let gate = acquainted().await;
    gate.decide(lead("lead-1")).await;
    for (message, kind, effect) in
        [("s-1", EventKind::Authorize, "authorized"), ("s-2", EventKind::Unauthorize, "unauthorized")]
    {
        let told = take(&gate, subscription(message, kind, "another", 0)).await;
        assert_eq!(told, Disposition::recorded(effect));
    }
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn, None);
}

#[tokio::test]
async fn a_reader_whom_nobody_knows_changes_nothing() {
    let gate = Gate::open_with(templated);
    gate.decide(lead("lead-1")).await;
    let told = take(&gate, subscription("s-1", EventKind::Unauthorize, TEMPLATE, 0)).await;
    assert_eq!(told, Disposition::recorded("unauthorized"));
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn, None);
}

#[tokio::test]
async fn a_late_no_does_not_end_a_newer_yes() {
    let gate = acquainted().await;
    take(&gate, subscription("s-1", EventKind::Authorize, TEMPLATE, -1_000)).await;
    take(&gate, subscription("s-2", EventKind::Unauthorize, TEMPLATE, -5_000)).await;
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn, None);
}

#[tokio::test]
async fn a_message_that_did_not_arrive_leads_back_to_its_event() {
    let gate = Gate::open_with(templated);
    acquaint(&gate, message_contact(&keys(&brand()), "wechat", "1864323726461255680")).await;
    let failed = |message, id: &str| {
        let (what, messages) = (SUBSCRIPTION_FAILED.to_owned(), vec![id.to_owned()]);
        let subject = Subject::Activity { what, state: None, messages };
        let name = "subscribe_msg_sent_event 1000";
        Made { subject, trace: 9, ..Made::new(message, EventKind::ChannelActivity, name) }
    };
    let told = take(&gate, failed("f-1", "1864323726461255680")).await;
    let about = Some(TraceId::from_parts(RECEIVED, [1; 10]));
    assert_eq!(told, Disposition::Recorded { effect: SUBSCRIPTION_FAILED.into(), about });
    let nobodys = take(&gate, failed("f-2", "1")).await;
    assert_eq!(nobodys, Disposition::recorded(SUBSCRIPTION_FAILED));
}
