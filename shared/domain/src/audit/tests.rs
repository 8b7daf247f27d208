use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::id::TenantId;
use crate::time::BusinessDay;

/// `tests/vectors/audit_digest.json`, computed by the Python program beside it.
#[derive(Deserialize)]
struct Vector {
    records: Vec<AuditRecord>,
    previous: Link,
    document: String,
    document_sha256: String,
    empty_document: String,
    empty_document_sha256: String,
}

fn vector() -> Vector {
    serde_json::from_str(include_str!("../../../../tests/vectors/audit_digest.json")).unwrap()
}

fn tenant() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

fn day() -> BusinessDay {
    "2026-11-20".parse().unwrap()
}

fn digest(records: &[AuditRecord], previous: Option<Link>) -> DayDigest {
    let mut day = DayRecords::new(tenant(), day());
    for record in records {
        day.add(record);
    }
    day.digest(previous)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn a_document_is_what_another_program_computes() {
    let vector = vector();
    let full = digest(&vector.records, Some(vector.previous)).to_bytes();
    assert_eq!(String::from_utf8(full.clone()).unwrap(), vector.document);
    assert_eq!(sha256(&full), vector.document_sha256);
    let empty = digest(&[], None).to_bytes();
    assert_eq!(String::from_utf8(empty.clone()).unwrap(), vector.empty_document);
    assert_eq!(sha256(&empty), vector.empty_document_sha256);
}

#[test]
fn the_order_in_which_records_come_does_not_matter() {
    let mut records = vector().records;
    let forward = digest(&records, None);
    records.reverse();
    assert_eq!(digest(&records, None), forward);
}

#[test]
fn a_changed_added_or_missing_record_shows() {
    let records = vector().records;
    let sealed = digest(&records, None);
    assert_eq!(sealed.compare(&digest(&records, Some(vector().previous))), Comparison::Same);
    let counted: Vec<_> = (0..records.len())
        .filter(|place| records[*place].key.tenant == tenant() && day().contains(records[*place].decided_at))
        .collect();
    assert_eq!(counted.len(), 5);
    for place in counted {
        let mut missing = records.clone();
        let mut changed = records.clone();
        let mut added = records.clone();
        let record = missing.remove(place);
        changed[place].disposition = Disposition::Recorded { effect: "consent_withdrawn".into() };
        added.push(AuditRecord {
            key: EventKey { message: crate::id::MessageId::new("x").unwrap(), ..record.key },
            ..records[place].clone()
        });
        for altered in [missing, changed, added] {
            assert!(matches!(sealed.compare(&digest(&altered, None)), Comparison::Changed(_)), "{place}");
        }
    }
}

#[test]
fn a_document_reads_back_as_its_own_tenants_and_days_only() {
    let sealed = digest(&vector().records, Some(vector().previous));
    let bytes = sealed.to_bytes();
    assert_eq!(DayDigest::parse(&bytes, &tenant(), day()), Ok(sealed.clone()));
    assert!(DayDigest::parse(&bytes, &TenantId::new("demo-mcn").unwrap(), day()).is_err());
    assert!(DayDigest::parse(&bytes, &tenant(), day().previous()).is_err());
    let other = DayDigest { algorithm: "md5".into(), ..sealed };
    assert!(DayDigest::parse(&other.to_bytes(), &tenant(), day()).is_err());
    assert!(DayDigest::parse(b"{}", &tenant(), day()).is_err());
}

#[test]
fn a_days_decisions_came_on_it_or_the_three_days_before() {
    let days: Vec<_> = DayRecords::arrivals(day()).map(|day| day.to_string()).collect();
    assert_eq!(days, ["2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17"]);
}
