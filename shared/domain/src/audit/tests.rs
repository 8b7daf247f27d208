use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::id::{MessageId, TenantId};
use crate::time::BusinessDay;

/// `tests/vectors/audit_proof.json`, computed by the Python program beside it.
#[derive(Deserialize)]
struct Vector {
    records: Vec<AuditRecord>,
    public_key: String,
    documents: Vec<String>,
    leaf_list_hex: String,
    proven_trace: TraceId,
    inclusion: String,
    consistency: String,
}

fn vector() -> Vector {
    serde_json::from_str(include_str!("../../../../tests/vectors/audit_proof.json")).unwrap()
}

fn tenant() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

fn day() -> BusinessDay {
    "2026-11-20".parse().unwrap()
}

fn tree_of(records: &[AuditRecord]) -> DayTree {
    let mut day = DayRecords::new(tenant(), day());
    for record in records {
        day.add(record);
    }
    day.tree()
}

fn keys(vector: &Vector) -> TrustedKeys {
    TrustedKeys::new(vec![PublicKey::from_text(&vector.public_key).unwrap()])
}

fn document(vector: &Vector, place: usize) -> SignedHead {
    SignedHead::parse(vector.documents[place].as_bytes()).unwrap()
}

#[test]
fn a_head_is_what_another_program_computes() {
    let vector = vector();
    let (before, sealed) = (document(&vector, 0), document(&vector, 1));
    let tree = tree_of(&vector.records);
    let head = tree.head(Some(before.link()), before.log_after(), sealed.head.sealed_at);
    assert_eq!(head, sealed.head);
    assert_eq!(hex::encode(tree.leaves().to_bytes()), vector.leaf_list_hex);
    let empty = tree_of(&[]).head(Some(sealed.link()), sealed.log_after(), sealed.head.sealed_at);
    let after = document(&vector, 2).head;
    assert_eq!((empty.root, empty.chain, empty.log), (after.root, after.chain, after.log));
}

#[test]
fn what_another_program_signed_and_proved_holds() {
    let vector = vector();
    let keys = keys(&vector);
    for place in 0..3 {
        assert_eq!(document(&vector, place).verify(&keys), Ok(()));
    }
    for text in [&vector.inclusion, &vector.consistency] {
        let proof = ProofFile::parse(text.as_bytes()).unwrap();
        assert_eq!(proof.verify(&keys), Ok(()));
        assert_eq!(proof.to_text(), *text);
    }
}

#[test]
fn the_proofs_that_are_made_are_what_another_program_makes() {
    let vector = vector();
    let tree = tree_of(&vector.records);
    let record = vector.records.iter().find(|record| record.trace_id == vector.proven_trace).unwrap();
    let proof = Inclusion::of(document(&vector, 1), tree.leaves(), record, false).unwrap();
    assert_eq!(ProofFile::of_inclusion(proof).to_text(), vector.inclusion);
    let log = [document(&vector, 0).log_leaf(), document(&vector, 1).log_leaf()];
    let proof = Consistency::of(document(&vector, 1), document(&vector, 2), &log).unwrap();
    assert_eq!(ProofFile::of_consistency(proof).to_text(), vector.consistency);
}

#[test]
fn a_redacted_proof_holds_and_says_nothing_of_the_record() {
    let vector = vector();
    let tree = tree_of(&vector.records);
    let record = vector.records.iter().find(|record| record.trace_id == vector.proven_trace).unwrap();
    let proof =
        ProofFile::of_inclusion(Inclusion::of(document(&vector, 1), tree.leaves(), record, true).unwrap());
    assert_eq!(proof.verify(&keys(&vector)), Ok(()));
    let text = proof.to_text();
    assert!(
        !text.contains(record.key.message.as_str())
            && !text.contains(record.person.as_ref().unwrap().as_str())
    );
}

#[test]
fn the_first_day_of_all_is_consistent_with_every_later_one() {
    let vector = vector();
    let log = [document(&vector, 0).log_leaf(), document(&vector, 1).log_leaf()];
    for (to, log) in [(1, &log[..1]), (2, &log[..])] {
        let proof = Consistency::of(document(&vector, 0), document(&vector, to), log).unwrap();
        assert_eq!(ProofFile::of_consistency(proof).verify(&keys(&vector)), Ok(()), "{to}");
    }
}

#[test]
fn a_rewritten_day_and_a_swapped_pair_are_not_consistent() {
    let vector = vector();
    let (one, two, three) = (document(&vector, 0), document(&vector, 1), document(&vector, 2));
    let log = [one.log_leaf(), two.log_leaf()];
    assert_eq!(Consistency::of(three.clone(), two.clone(), &log), None);
    assert_eq!(Consistency::of(two.clone(), three.clone(), &log[..1]), None);
    let good = Consistency::of(two.clone(), three.clone(), &log).unwrap();
    let verify = |proof: Consistency| ProofFile::of_consistency(proof).verify(&keys(&vector));
    let swapped = Consistency { from: three, to: two, ..good.clone() };
    assert_eq!(verify(swapped), Err(InvalidProof::Heads));
    // Another genuine head of the same day as `from`, of a history that was given to somebody else.
    let other = Consistency { from: one, ..good.clone() };
    assert!(matches!(verify(other), Err(InvalidProof::Log(..) | InvalidProof::Place(..))));
    let unknown = ProofFile::of_consistency(good).verify(&TrustedKeys::default());
    assert!(matches!(unknown, Err(InvalidProof::Signature { cause: SignatureError::UnknownKey(_), .. })));
}

#[test]
fn the_order_in_which_records_come_does_not_matter() {
    let mut records = vector().records;
    let forward = tree_of(&records);
    records.reverse();
    assert_eq!(tree_of(&records), forward);
}

#[test]
fn a_changed_added_or_missing_record_is_found_at_its_place() {
    let records = vector().records;
    let sealed = tree_of(&records);
    let counted: Vec<_> = (0..records.len())
        .filter(|place| records[*place].key.tenant == tenant() && day().contains(records[*place].decided_at))
        .collect();
    assert_eq!(counted.len(), 5);
    let told = |altered: &[AuditRecord]| {
        let found = sealed.leaves().differences(tree_of(altered).leaves());
        found.into_iter().map(|it| (it.trace_id, it.difference)).collect::<Vec<_>>()
    };
    for place in counted {
        let mut missing = records.clone();
        let mut changed = records.clone();
        let mut added = records.clone();
        let record = missing.remove(place);
        let trace_id = record.trace_id;
        changed[place].disposition = Disposition::recorded("consent_withdrawn");
        let new = TraceId::from_bytes([7; 16]).unwrap();
        added.push(AuditRecord {
            key: EventKey { message: MessageId::new("x").unwrap(), ..record.key },
            trace_id: new,
            ..records[place].clone()
        });
        assert_eq!(told(&missing), [(trace_id, Difference::Removed)]);
        assert_eq!(told(&changed), [(trace_id, Difference::Changed)]);
        assert_eq!(told(&added), [(new, Difference::Added)]);
    }
}

#[test]
fn a_document_reads_back_as_its_own_tenants_and_days_only() {
    let vector = vector();
    let (bytes, sealed) = (vector.documents[1].as_bytes(), document(&vector, 1));
    assert_eq!(SignedHead::parse_of(bytes, &tenant(), day()), Ok(sealed.clone()));
    let other = TenantId::new("demo-mcn").unwrap();
    assert!(matches!(SignedHead::parse_of(bytes, &other, day()), Err(InvalidHead::Elsewhere(..))));
    assert!(matches!(
        SignedHead::parse_of(bytes, &tenant(), day().previous()),
        Err(InvalidHead::Elsewhere(..))
    ));
    let mut older = sealed;
    older.head.format = "sha256-rfc6962-rfc8785".into();
    assert_eq!(SignedHead::parse(&older.to_bytes()), Err(InvalidHead::Format));
    assert!(matches!(SignedHead::parse(b"{}"), Err(InvalidHead::Shape { line: 1, .. })));
    let spaced = vector.documents[1].replacen(':', ": ", 1);
    assert_eq!(SignedHead::parse(spaced.as_bytes()), Err(InvalidHead::NotCanonical));
}

#[test]
fn a_days_decisions_came_on_it_or_the_three_days_before() {
    let days: Vec<_> = DayRecords::arrivals(day()).map(|day| day.to_string()).collect();
    assert_eq!(days, ["2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17"]);
}

#[test]
fn a_public_key_reads_from_pem_and_from_what_kms_prints() {
    let pem = vector().public_key;
    let key = PublicKey::from_text(&pem).unwrap();
    assert_eq!(key.to_pem(), pem);
    let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(PublicKey::from_text(&bare), Ok(key));
    assert_eq!(PublicKey::from_text("-----BEGIN PUBLIC KEY-----"), Err(InvalidKey::Encoding));
    let private = pem.replace("PUBLIC", "PRIVATE");
    assert_eq!(PublicKey::from_text(&private), Err(InvalidKey::Kind));
    assert_eq!(PublicKey::from_text("AAAA"), Err(InvalidKey::Kind));
}

#[test]
fn a_proof_of_both_or_neither_or_of_another_format_is_none() {
    let vector = vector();
    let one = ProofFile::parse(vector.inclusion.as_bytes()).unwrap();
    let two = ProofFile::parse(vector.consistency.as_bytes()).unwrap();
    let both = ProofFile { consistency: two.consistency, ..one.clone() };
    let neither = ProofFile { inclusion: None, ..one.clone() };
    let other = ProofFile { format: "sluice-audit-proof-2".into(), ..one };
    for file in [both, neither, other] {
        assert!(matches!(ProofFile::parse(file.to_text().as_bytes()), Err(InvalidProof::Shape { .. })));
    }
    let large = vec![b' '; LARGEST_PROOF + 1];
    assert_eq!(ProofFile::parse(&large), Err(InvalidProof::TooLarge(LARGEST_PROOF + 1)));
}

/// GB/T 32918.5-2017, annex A.2: the signature over `message digest` with the standard's own key.
#[cfg(feature = "sm2")]
#[test]
fn the_signature_of_gb_t_32918_5_holds_and_no_other() {
    let point = hex::decode(
        "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
    )
    .unwrap();
    let value = hex::decode(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
    )
    .unwrap();
    let key = PublicKey::from_point(SignatureAlgorithm::Sm2Sm3, &point).unwrap();
    assert_eq!(PublicKey::from_text(&key.to_pem()), Ok(key));
    let keys = TrustedKeys::new(vec![key]);
    let signature =
        |value| HeadSignature { algorithm: key.algorithm(), key: key.id(), value: SignatureBytes(value) };
    assert_eq!(keys.verify(&signature(value.clone()), b"message digest"), Ok(()));
    let wrong = Err(SignatureError::Wrong(key.id()));
    assert_eq!(keys.verify(&signature(value.clone()), b"message digesu"), wrong);
    for place in 0..value.len() {
        let mut altered = value.clone();
        altered[place] ^= 1;
        assert_eq!(keys.verify(&signature(altered), b"message digest"), wrong, "{place}");
    }
}

#[cfg(not(feature = "sm2"))]
#[test]
fn a_build_without_sm2_says_that_it_can_not_tell() {
    let mut point = [1; 65];
    point[0] = 4;
    let key = PublicKey::from_point(SignatureAlgorithm::Sm2Sm3, &point).unwrap();
    let signature =
        HeadSignature { algorithm: key.algorithm(), key: key.id(), value: SignatureBytes(vec![0; 64]) };
    let error = TrustedKeys::new(vec![key]).verify(&signature, b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "it is signed with sm2-sm3, which this build can not verify: build it with `--features sm2`"
    );
}

/// Everything in the file that says something, one character at a time.
#[test]
fn no_changed_character_of_a_proof_goes_unnoticed() {
    let vector = vector();
    let keys = keys(&vector);
    for text in [vector.inclusion.trim_end(), vector.consistency.trim_end()] {
        for (place, character) in text.char_indices().filter(|(_, character)| character.is_ascii()) {
            let other = if character == '0' { '1' } else { '0' };
            let mut altered = text.to_owned();
            altered.replace_range(place..=place, &other.to_string());
            let holds = ProofFile::parse(altered.as_bytes()).is_ok_and(|proof| proof.verify(&keys).is_ok());
            assert!(!holds, "byte {place} of {text}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_none_are_a_proof(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(ProofFile::parse(&bytes).is_err());
        prop_assert!(SignedHead::parse(&bytes).is_err());
        prop_assert!(PublicKey::from_der(&bytes).is_err());
    }
}
