//! What the channels' own callbacks change.

use sluice_domain::audit::Disposition;
use sluice_domain::contact::{Acquaintance, message_contact};
use sluice_domain::event::{EventKind, Subject};
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::link::customer_channel;
use sluice_ports::Acquaintances as _;

use crate::gate::Gate;
use crate::sample::{Made, RECEIVED, keys, lead, message};

/// A contact of WeCom, under the pseudonym that the door would give.
const CONTACT: &str = "wecom:ww00demo00000000:wo1";

fn brand() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

/// The trace of the sample events.
fn sample_trace() -> TraceId {
    TraceId::from_parts(RECEIVED, [1; 10])
}

fn of_wecom(message: &'static str, kind: EventKind, name: &'static str, subject: Subject) -> Made {
    Made { open_id: Some(CONTACT), subject, trace: 9, ..Made::new(message, kind, name) }
}

fn contact(state: Option<String>, by_person: bool) -> Subject {
    Subject::Contact { state, member: Some("sales.wang".into()), by_person }
}

fn added(message: &'static str, state: Option<String>) -> Made {
    of_wecom(message, EventKind::ContactAdded, "add_external_contact", contact(state, true))
}

fn lost(message: &'static str, by_person: bool) -> Made {
    of_wecom(message, EventKind::ContactLost, "del_follow_user", contact(None, by_person))
}

/// Takes an event that came through the WeCom source.
async fn take(gate: &Gate, made: Made) -> Disposition {
    let event = made.event_of("wecom-contacts");
    let key = event.key.clone();
    assert_eq!(gate.handle(vec![event]).await, [Ok(())]);
    sluice_ports::AuditLog::audit(&gate.store, &key).await.unwrap().unwrap().disposition
}

fn recorded(effect: &str, about: Option<TraceId>) -> Disposition {
    Disposition::Recorded { effect: effect.into(), about }
}

fn our_state() -> String {
    customer_channel(&keys(&brand()), sample_trace())
}

async fn withdrawn(gate: &Gate, recipient: &str) -> bool {
    gate.consent("sales_contact", recipient).await.unwrap().withdrawn.is_some()
}

#[tokio::test]
async fn a_contact_who_comes_by_our_link_is_told_to_be_the_person_of_the_lead() {
    let gate = Gate::open();
    gate.decide(lead("lead-1")).await;
    let told = take(&gate, added("a-1", Some(our_state()))).await;
    assert_eq!(told, recorded("contact_added", Some(sample_trace())));
    let known = gate.store.known_as(&brand(), &keys(&brand()).person(CONTACT)).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((&known[0].person, known[0].trace_id), (&keys(&brand()).person("open-1"), sample_trace()));
    assert_eq!((gate.counters.total("ContactAttributed"), gate.counters.total("ChannelEvent")), (1, 1));
}

#[tokio::test]
async fn a_state_that_leads_nowhere_attributes_nothing() {
    let stranger = customer_channel(&keys(&brand()), TraceId::from_parts(RECEIVED, [77; 10]));
    for state in [None, Some("CHANNEL_A".into()), Some(stranger)] {
        let gate = Gate::open();
        gate.decide(lead("lead-1")).await;
        assert_eq!(
            take(&gate, added("a-1", state.clone())).await,
            recorded("contact_added", None),
            "{state:?}"
        );
        assert_eq!(gate.store.known_as(&brand(), &keys(&brand()).person(CONTACT)).await, Ok(vec![]));
        assert_eq!(gate.counters.total("ContactAttributed"), 0);
    }
}

#[tokio::test]
async fn whoever_leaves_has_taken_back_their_consent_to_that_recipient_alone() {
    let gate = Gate::open();
    gate.decide(lead("lead-1")).await;
    let subject =
        Subject::Form { form_id: sluice_domain::id::FormId::new("life_member").unwrap(), labels: vec![] };
    gate.decide(Made { subject, ..lead("join-1") }).await;
    take(&gate, added("a-1", Some(our_state()))).await;
    let told = take(&gate, Made { occurred_at: Some(RECEIVED), ..lost("l-1", true) }).await;
    assert_eq!(told, recorded("consent_withdrawn", None));
    assert!(withdrawn(&gate, "wecom_sales").await);
    assert!(!withdrawn(&gate, "feishu_leads").await, "another recipient's");
}

#[tokio::test]
async fn a_contact_whom_staff_removed_or_nobody_knows_takes_nothing_back() {
    let gate = Gate::open();
    gate.decide(lead("lead-1")).await;
    assert_eq!(take(&gate, lost("l-1", true)).await, recorded("contact_lost", None), "never acquainted");
    take(&gate, added("a-1", Some(our_state()))).await;
    assert_eq!(take(&gate, lost("l-2", false)).await, recorded("contact_lost", None));
    assert!(!withdrawn(&gate, "wecom_sales").await);
}

#[tokio::test]
async fn a_late_callback_of_an_earlier_leave_does_not_end_a_newer_consent() {
    let gate = Gate::open();
    gate.decide(lead("lead-1")).await;
    take(&gate, added("a-1", Some(our_state()))).await;
    take(&gate, Made { occurred_at: Some(RECEIVED.plus_ms(-60_000)), ..lost("l-1", true) }).await;
    assert!(!withdrawn(&gate, "wecom_sales").await);
}

#[tokio::test]
async fn who_writes_to_stop_on_the_channel_has_stopped_everything_of_it() {
    let gate = Gate::open();
    gate.decide(lead("lead-1")).await;
    take(&gate, added("a-1", Some(our_state()))).await;
    let asked =
        Made { open_id: Some(CONTACT), trace: 9, occurred_at: Some(RECEIVED), ..message("m-1", "退订") };
    assert_eq!(take(&gate, asked).await, recorded("opted_out", None));
    assert!(withdrawn(&gate, "wecom_sales").await);
}

#[tokio::test]
async fn what_people_write_on_a_channel_is_no_lead() {
    let gate = Gate::open();
    let asked = Made { open_id: Some(CONTACT), ..message("m-1", "有现货吗") };
    assert_eq!(take(&gate, asked).await, recorded("channel_message", None));
    assert!(gate.cleared().await.is_empty());
}

#[tokio::test]
async fn a_read_message_leads_back_to_its_event() {
    let gate = Gate::open();
    let acquaintance = Acquaintance {
        tenant: brand(),
        contact: message_contact(&keys(&brand()), "feishu", "om_1"),
        person: keys(&brand()).person("open-1"),
        event: lead("lead-1").event().key,
        trace_id: sample_trace(),
        since: RECEIVED,
    };
    gate.store.acquaint(acquaintance).await.unwrap();
    let read = |messages: &[&str]| Subject::Activity {
        what: "message_read".into(),
        state: None,
        messages: messages.iter().map(|id| (*id).to_owned()).collect(),
    };
    let activity = |message, subject| {
        of_wecom(message, EventKind::ChannelActivity, "im.message.message_read_v1", subject)
    };
    let told = take(&gate, activity("r-1", read(&["om_0", "om_1", "om_2"]))).await;
    assert_eq!(told, recorded("message_read", Some(sample_trace())));
    assert_eq!(take(&gate, activity("r-2", read(&["om_9"]))).await, recorded("message_read", None));
}

#[tokio::test]
async fn a_warning_is_recorded_and_rings() {
    let gate = Gate::open();
    let subject = Subject::Notice { what: "balance_low".into() };
    let told = take(&gate, of_wecom("n-1", EventKind::ChannelNotice, "balance_low", subject)).await;
    assert_eq!(told, recorded("balance_low", None));
    assert_eq!(gate.counters.total("ChannelNotice"), 1);
}
