//! Receipts of consents, in the shape of ISO/IEC TS 27560:2023: for each consent a record of four sections (header, processing, parties,
//! events), and around them the receipt's own head.
//!
//! Field names are the specification's (6.3.3 to 6.3.7), checked against the mapping that the W3C Data Privacy Vocabularies group publishes:
//! *Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV* (<https://w3id.org/dpv/guides/consent-27560>, tables of terms; w3c/dpv
//! f01a55c, `guides/consent-27560.html`). The four sections have no names there, and what else the specification leaves open (`separate_consents`,
//! `evidence`, the receipt's time and controller) is written in this program's words. A member that nobody recorded is absent rather than
//! guessed, mandatory or not: of the parties their `party_address` and `party_type`.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{ConsentRecord, Evidence, Notice, RecipientRole, Separate, is_sensitive, standing};
use crate::id::PersonId;
use crate::settings::Tenant;
use crate::time::UnixMillis;

/// What a receipt says of itself.
#[derive(Debug, Clone)]
pub struct ReceiptHead {
    /// Its name: random.
    pub id: String,
    /// Whose receipt.
    pub person: PersonId,
    /// When it was made; standings are of this moment.
    pub at: UnixMillis,
}

/// The receipt of a person's consents.
pub fn receipt(tenant: &Tenant, head: &ReceiptHead, records: &[ConsentRecord]) -> Value {
    json!({
        "schema_version": "ISO/IEC TS 27560:2023",
        "receipt_id": head.id,
        "receipt_timestamp": head.at.to_string(),
        "pii_principal_id": head.person,
        "pii_controller": { "party_id": tenant.id, "party_name": tenant.name },
        "records": records.iter().map(|record| one(tenant, head, record)).collect::<Vec<_>>(),
    })
}

/// What is signed: a word of its own, and the SHA-256 of the receipt as JSON after RFC 8785, null members left out.
pub fn receipt_message(receipt: &Value) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(2_048);
    crate::audit::canonical::write(receipt, &mut canonical);
    format!("sluice/consent-receipt/v1\n{}", hex::encode(Sha256::digest(canonical))).into_bytes()
}

fn one(tenant: &Tenant, head: &ReceiptHead, record: &ConsentRecord) -> Value {
    json!({
        "record_header": {
            "schema_version": "ISO/IEC TS 27560:2023",
            "record_id": format!("{}/{}/{}", record.key.person, record.key.purpose, record.key.recipient),
            "pii_principal_id": record.key.person,
        },
        "pii_processing": processing(tenant, record),
        "party_identification": parties(tenant, record),
        "consent_events": events(record, head.at),
    })
}

fn processing(tenant: &Tenant, record: &ConsentRecord) -> Value {
    let notice = record.notice.as_ref();
    let separate: Vec<_> = record
        .separate
        .iter()
        .map(|it| match it {
            Separate::Sharing => json!({ "about": "sharing", "basis": "个人信息保护法 第二十三条" }),
            Separate::CrossBorder => json!({ "about": "cross_border", "basis": "个人信息保护法 第三十九条" }),
            Separate::Sensitive => json!({ "about": "sensitive", "basis": "个人信息保护法 第二十九条" }),
        })
        .collect();
    json!({
        "privacy_notice": { "version": record.text.version, "sha256": record.text.sha256 },
        "language": "zh-CN",
        "jurisdiction": "CN",
        "purposes": [{
            "purpose": record.key.purpose,
            "lawful_basis": "consent",
            "pii_information": notice.map(kinds),
            "pii_controllers": [tenant.id],
            "processing_method": notice.map(|notice| &notice.methods),
            "recipient_third_parties": [record.key.recipient],
            "retention_period": notice.and_then(|notice| notice.retention_days).map(|days| format!("P{days}D")),
            "processing_locations": notice.and_then(|notice| notice.region.clone()).map(|region| vec![region]),
            "storage_locations": [tenant.region],
            "separate_consents": separate,
        }],
        "collection_method": method(&record.evidence),
        "withdrawal_method": withdrawal(tenant, notice),
        "privacy_rights": notice.and_then(|notice| notice.rights.clone()),
    })
}

fn kinds(notice: &Notice) -> Vec<Value> {
    let kind = |kind| json!({ "pii_type": kind, "sensitive_pii_category": is_sensitive(kind) });
    notice.kinds.iter().map(kind).collect()
}

fn method(evidence: &Evidence) -> Value {
    match evidence {
        Evidence::Event { channel, .. } | Evidence::Channel { channel, .. } => json!(channel),
        Evidence::Operator { .. } => json!("operator"),
        Evidence::Erasure { .. } => Value::Null,
    }
}

fn withdrawal(tenant: &Tenant, notice: Option<&Notice>) -> Value {
    let contact = notice.and_then(|notice| notice.receiver.as_ref()).map(|receiver| receiver.contact.clone());
    json!({ "by_message": tenant.opt_out.words(), "by_contact": contact })
}

fn parties(tenant: &Tenant, record: &ConsentRecord) -> Vec<Value> {
    let mut parties =
        vec![json!({ "party_id": tenant.id, "party_name": tenant.name, "party_role": "pii_controller" })];
    let told = record.notice.as_ref().and_then(|notice| notice.receiver.as_ref());
    let entry = tenant.recipients.get(&record.key.recipient);
    let role = entry.map(|entry| match entry.role {
        RecipientRole::Own => "part_of_controller",
        RecipientRole::Entrusted => "pii_processor",
        RecipientRole::Handler => "third_party",
    });
    parties.push(json!({
        "party_id": record.key.recipient,
        "party_name": told.map(|told| told.name.clone()),
        "party_contact": told.map(|told| told.contact.clone()),
        "party_role": role,
    }));
    parties
}

/// What happened to the consent, in order.
fn events(record: &ConsentRecord, at: UnixMillis) -> Vec<Value> {
    let event = |state: &str, at: UnixMillis, evidence: Option<&Evidence>| {
        let source = evidence.map(|evidence| match evidence {
            Evidence::Event { key, payload_sha256, address, .. } => {
                json!({ "message": key.to_string(), "payload_sha256": payload_sha256, "address": address })
            }
            Evidence::Operator { .. } => json!({ "operator": true }),
            Evidence::Channel { channel, code, .. } => json!({ "channel": channel, "code": code }),
            Evidence::Erasure { .. } => json!({ "erasure": true }),
        });
        json!({ "event_type": "explicit", "event_state": state, "event_time": at.to_string(),
                "entity_id": record.key.person, "evidence": source })
    };
    let mut given = event("given", record.granted_at, Some(&record.evidence));
    if let (Some(until), Some(given)) = (record.valid_until, given.as_object_mut()) {
        let mut duration = Map::new();
        duration.insert("valid_until".into(), json!(until.to_string()));
        given.insert("validity_duration".into(), Value::Object(duration));
    }
    let mut events = vec![given];
    match (&record.withdrawn, record.valid_until) {
        (Some(withdrawal), _) => events.push(event("withdrawn", withdrawal.at, Some(&withdrawal.evidence))),
        (None, Some(until)) if standing(Some(record), at) == super::Standing::Expired => {
            events.push(event("expired", until, None));
        }
        (None, _) => {}
    }
    events
}
