//! Records to write: all of tenant `brand` and of one business day unless said otherwise, numbered.

use std::collections::BTreeMap;

use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::consent::{
    ConsentKey, ConsentRecord, ConsentText, Evidence, Purpose, Recipient, Withdrawal,
};
use sluice_domain::delivery::{Attempt, Exposure, FencingToken, Outcome};
use sluice_domain::event::{Event, EventKind, Subject};
use sluice_domain::id::{
    DestinationId, EventKey, ExperimentId, MessageId, PersonId, ScriptId, SourceId, TenantId, TraceId,
};
use sluice_domain::order::{OrderEntry, OrderState};
use sluice_domain::progress::Assignment;
use sluice_domain::time::{BusinessDay, UnixMillis};

use crate::{ClaimRequest, OutboundMessage, Page, PortError};

/// 2026-11-21T08:00:00Z, 16:00 in China.
pub const NOON: UnixMillis = UnixMillis(1_795_248_000_000);

/// The day of [`NOON`].
pub fn day() -> BusinessDay {
    NOON.business_day()
}

/// `brand`.
pub fn brand() -> TenantId {
    TenantId::new("brand").unwrap()
}

/// Another tenant, whose name begins alike.
pub fn brand2() -> TenantId {
    TenantId::new("brand2").unwrap()
}

/// A person.
pub fn person(number: u32) -> PersonId {
    PersonId::new(format!("p-{number:032x}")).unwrap()
}

/// A trace of [`NOON`].
pub fn trace(number: u32) -> TraceId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    TraceId::from_parts(NOON, random)
}

/// An event's key.
pub fn key(tenant: TenantId, number: u32) -> EventKey {
    let message = MessageId::new(format!("message-{number}")).unwrap();
    EventKey { tenant, source: SourceId::new("open-platform").unwrap(), message }
}

/// An event that arrived `number` milliseconds after [`NOON`].
pub fn event(tenant: TenantId, number: u32) -> Event {
    Event {
        trace_id: trace(number),
        key: key(tenant, number),
        kind: EventKind::FormSubmit,
        name: "im_receive_msg".into(),
        occurred_at: None,
        received_at: NOON.plus_ms(number.into()),
        payload_sha256: "00".repeat(32),
        person: Some(person(number)),
        account: None,
        subject: Subject::Nothing,
        personal: BTreeMap::new(),
    }
}

/// An audit record of [`event`].
pub fn audit(tenant: TenantId, number: u32) -> AuditRecord {
    AuditRecord {
        key: key(tenant, number),
        trace_id: trace(number),
        kind: EventKind::FormSubmit,
        name: "im_receive_msg".into(),
        person: Some(person(number)),
        occurred_at: None,
        received_at: NOON.plus_ms(number.into()),
        decided_at: NOON.plus_ms(1_000),
        payload_sha256: "00".repeat(32),
        disposition: Disposition::recorded("test"),
    }
}

/// A small message.
pub fn message(number: u32) -> OutboundMessage {
    OutboundMessage { body: body(number), trace_id: trace(number), delay_seconds: 0 }
}

/// Its body.
pub fn body(number: u32) -> String {
    format!("{{\"number\":{number}}}")
}

/// A message above 256 KiB.
pub fn oversized(number: u32) -> OutboundMessage {
    OutboundMessage { body: "x".repeat(256 * 1024 + 1), trace_id: trace(number), delay_seconds: 0 }
}

/// A consent's key.
pub fn consent_key(tenant: TenantId, person: PersonId, recipient: &str) -> ConsentKey {
    let purpose = Purpose::new("sales_contact").unwrap();
    ConsentKey { tenant, person, purpose, recipient: Recipient::new(recipient).unwrap() }
}

/// A grant at so many milliseconds after [`NOON`], without an end.
pub fn grant(key: &ConsentKey, at: i64) -> ConsentRecord {
    let text = ConsentText { version: "1".into(), sha256: "00".repeat(32) };
    let evidence = Evidence::Operator { note: format!("granted at {at}") };
    ConsentRecord::new(key.clone(), text, NOON.plus_ms(at), evidence)
}

/// A withdrawal at so many milliseconds after [`NOON`].
pub fn withdrawal(at: i64) -> Withdrawal {
    Withdrawal { at: NOON.plus_ms(at), evidence: Evidence::Operator { note: format!("withdrawn at {at}") } }
}

/// An order's entry, recorded `number` milliseconds after [`NOON`].
pub fn order(tenant: TenantId, number: u32) -> OrderEntry {
    OrderEntry {
        key: key(tenant, number),
        trace_id: trace(number),
        person: Some(person(number)),
        state: OrderState {
            order_id: "6496679971677798670".into(),
            part_id: None,
            action: "pay_success".into(),
            status: Some(2),
            amount: Some(sluice_domain::money::Fen(2_990)),
            changed_at: None,
        },
        recorded_at: NOON.plus_ms(number.into()),
    }
}

/// An exposure to an experiment.
pub fn exposure(tenant: TenantId, experiment: &str, number: u32) -> Exposure {
    Exposure {
        tenant,
        experiment: ExperimentId::new(experiment).unwrap(),
        person: person(number),
        bucket: Some(number % 10_000),
        variant: None,
        trace_id: trace(number),
        exposed_at: NOON,
    }
}

/// A choice of a destination.
pub fn assignment(destination: &str) -> Assignment {
    Assignment {
        experiment: None,
        bucket: None,
        variant: None,
        script: ScriptId::new("welcome").unwrap(),
        script_version: 1,
        destination: DestinationId::new(destination).unwrap(),
    }
}

/// A fencing token.
pub fn owner(number: u8) -> FencingToken {
    FencingToken::from_random([number; 16])
}

/// A claim at `at` milliseconds after [`NOON`], for a second.
pub fn claim(number: u32, by: FencingToken, at: i64) -> ClaimRequest {
    ClaimRequest {
        key: key(brand(), number),
        trace_id: trace(number),
        payload_sha256: "00".repeat(32),
        person: person(number),
        assignment: assignment("sales-group"),
        owner: by,
        now: NOON.plus_ms(at),
        deadline: NOON.plus_ms(at + 1_000),
    }
}

/// An attempt that ended.
pub fn attempt(at: i64, outcome: Outcome) -> Attempt {
    Attempt {
        started_at: NOON.plus_ms(at),
        ended_at: Some(NOON.plus_ms(at + 1)),
        outcome: Some(outcome),
        code: Some("0".into()),
        message: None,
        provider_log_id: None,
        request_sha256: Some("00".repeat(32)),
        script_hash: None,
    }
}

/// Reads every page of a listing.
pub async fn every_page<T, F>(mut page: impl FnMut(Option<String>) -> F) -> Vec<T>
where
    F: Future<Output = Result<Page<T>, PortError>>,
{
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let read = page(cursor).await.unwrap();
        items.extend(read.items);
        match read.next {
            Some(next) => cursor = Some(next),
            None => return items,
        }
    }
}
