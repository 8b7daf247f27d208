//! Somebody changes what is stored: each byte of it is noticed, and where it was is told.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod support;

use sluice_domain::audit::{AuditRecord, Disposition, Finding, SignatureAlgorithm};
use sluice_domain::id::{MessageId, TraceId};
use sluice_evidence::{EvidenceError, Standing};

use support::{Vault, day, number_of, overwrite};

fn codes(standing: &Standing) -> Vec<&'static str> {
    match standing {
        Standing::Broken(findings) => findings.iter().map(Finding::code).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn days_that_nobody_touched_are_intact() {
    let vault = Vault::sealed(&[3, 0, 5]).await;
    for at in 0..3 {
        assert!(matches!(vault.verify(day(at)).await, Standing::Intact(_)), "{at}");
    }
    assert_eq!(vault.verify(day(3)).await, Standing::Absent);
}

#[tokio::test]
async fn a_changed_added_or_removed_record_is_named() {
    let vault = Vault::sealed(&[4, 4]).await;
    let records = vault.records();
    let second: Vec<_> = (0..records.len()).filter(|at| day(1).contains(records[*at].decided_at)).collect();
    for (index, at) in second.into_iter().enumerate() {
        let record = &records[at];
        let told = async |altered: Vec<AuditRecord>| {
            vault.replace(altered);
            assert!(matches!(vault.verify(day(0)).await, Standing::Intact(_)));
            let Standing::Broken(findings) = vault.verify(day(1)).await else { panic!("not noticed") };
            findings.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let mut altered = records.clone();
        altered[at].disposition = Disposition::recorded("consent_granted");
        let trace = record.trace_id;
        assert_eq!(
            told(altered).await,
            [format!("record_changed 2026-11-21: record {index}, trace {trace}, was changed")]
        );
        let mut altered = records.clone();
        altered.remove(at);
        assert_eq!(
            told(altered).await,
            [format!("record_removed 2026-11-21: record {index}, trace {trace}, was removed")]
        );
        let mut altered = records.clone();
        let new = TraceId::from_bytes([9; 16]).unwrap();
        let mut added = record.clone();
        (added.trace_id, added.key.message) = (new, MessageId::new("zz").unwrap());
        altered.push(added);
        let place = index + 1;
        assert_eq!(
            told(altered).await,
            [format!("record_added 2026-11-21: record {place}, trace {new}, was added")]
        );
    }
}

/// Every field of a record is covered, the erasure of a person's fields elsewhere touches none of them.
#[tokio::test]
async fn no_field_of_a_record_can_change_unnoticed() {
    let vault = Vault::sealed(&[2]).await;
    let records = vault.records();
    let json = serde_json::to_value(&records[0]).unwrap();
    let mut tried = 0;
    for (name, value) in json.as_object().unwrap() {
        let other = match value {
            serde_json::Value::String(text) if name == "trace_id" => text.replace('0', "1").into(),
            serde_json::Value::String(text) if name == "kind" => text.replace("form_submit", "follow").into(),
            serde_json::Value::String(text) if name != "disposition" && name != "tenant" => {
                format!("{text}0").into()
            }
            serde_json::Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
            _ => continue,
        };
        let mut altered = json.clone();
        altered[name] = other;
        let mut all = records.clone();
        all[0] = serde_json::from_value(altered).unwrap();
        vault.replace(all);
        assert!(matches!(vault.verify(day(0)).await, Standing::Broken(_)), "{name}");
        tried += 1;
    }
    assert!(tried >= 9, "{tried}");
}

#[tokio::test]
async fn every_byte_of_a_head_counts_and_is_located_at_its_day() {
    let vault = Vault::sealed(&[1, 2, 1]).await;
    // The last day too, which no later one vouches for.
    for at in [1, 2] {
        let path = vault.head_path(day(at));
        let document = std::fs::read(&path).unwrap();
        for place in 0..document.len() {
            let mut altered = document.clone();
            altered[place] ^= 1;
            overwrite(&path, &altered);
            let Standing::Broken(findings) = vault.verify(day(at)).await else {
                panic!("byte {place} of {at}")
            };
            assert_eq!(findings[0].day(), day(at), "byte {place}: {findings:?}");
        }
        overwrite(&path, &document);
        assert!(matches!(vault.verify(day(at)).await, Standing::Intact(_)));
    }
}

#[tokio::test]
async fn every_byte_of_a_leaf_list_counts_and_the_record_is_located() {
    let vault = Vault::sealed(&[3]).await;
    let path = vault.leaves_path(day(0));
    let list = std::fs::read(&path).unwrap();
    assert_eq!(list.len(), 16 + 3 * 48);
    for place in 0..list.len() {
        let mut altered = list.clone();
        altered[place] ^= 1;
        overwrite(&path, &altered);
        let index = place.checked_sub(16).map(|place| place / 48);
        assert_eq!(
            vault.verify(day(0)).await,
            Standing::Broken(vec![Finding::LeavesReplaced(day(0), index)]),
            "{place}"
        );
    }
    overwrite(&path, &list[..list.len() - 48]);
    assert_eq!(vault.verify(day(0)).await, Standing::Broken(vec![Finding::LeavesReplaced(day(0), Some(2))]));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(codes(&vault.verify(day(0)).await), ["leaves_missing"]);
    // Without the list it is still noticed, if not which.
    vault.replace(vault.records().split_off(1));
    assert_eq!(codes(&vault.verify(day(0)).await), ["leaves_missing", "records_changed"]);
}

#[tokio::test]
async fn a_head_that_is_gone_or_exchanged_is_noticed_from_both_sides() {
    let vault = Vault::sealed(&[1, 1, 1]).await;
    let path = vault.head_path(day(1));
    let document = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(vault.verify(day(1)).await, Standing::Broken(vec![Finding::HeadMissing(day(1))]));
    assert_eq!(vault.verify(day(2)).await, Standing::Broken(vec![Finding::HeadMissing(day(1))]));
    // Sealed anew over other records, with the genuine key: only the day after it knows.
    let mut records = vault.records();
    records.remove(1);
    vault.replace(records);
    let _anew = vault.seal(day(1)).await;
    assert_eq!(codes(&vault.verify(day(1)).await), ["head_replaced"]);
    assert_eq!(vault.verify(day(2)).await, Standing::Broken(vec![Finding::HeadReplaced(day(1))]));
    overwrite(&path, &document);
    assert_eq!(codes(&vault.verify(day(1)).await), ["record_removed"]);
}

/// Whoever rewrites all days from one on, without the key.
#[tokio::test]
async fn a_history_that_was_signed_by_somebody_else_does_not_count() {
    let vault = Vault::sealed(&[2, 1]).await;
    let forger = Vault::sealed(&[2, 2]).await;
    for at in 0..2 {
        std::fs::create_dir_all(vault.leaves_path(day(at)).parent().unwrap()).unwrap();
        overwrite(&vault.head_path(day(at)), &std::fs::read(forger.head_path(day(at))).unwrap());
        overwrite(&vault.leaves_path(day(at)), &std::fs::read(forger.leaves_path(day(at))).unwrap());
    }
    vault.replace(forger.records());
    for at in 0..2 {
        assert_eq!(codes(&vault.verify(day(at)).await), ["head_signature"], "{at}");
    }
}

/// Nobody's head is built on: the next night says so, and every later look at it.
#[tokio::test]
async fn a_night_after_a_forged_head_begins_a_new_log_and_says_why() {
    let vault = Vault::sealed(&[1]).await;
    overwrite(&vault.head_path(day(0)), b"{}");
    vault.add(1, 1).await;
    assert_eq!(codes(&vault.seal(day(1)).await), ["head_unreadable"]);
    assert_eq!(codes(&vault.verify(day(1)).await), ["head_unreadable"]);
    let refused = vault.prove_days(day(0), day(1)).await.unwrap_err();
    assert!(matches!(refused, EvidenceError::Head(at, _) if at == day(0)), "{refused}");
}

#[tokio::test]
async fn after_a_rotation_older_heads_still_count_and_the_log_goes_on() {
    let vault = Vault::sealed(&[1]).await;
    let new = vault.signer.rotate(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
    vault.add(1, 1).await;
    let _sealed = vault.seal(day(1)).await;
    assert!(matches!(vault.verify(day(0)).await, Standing::Intact(_)));
    assert!(matches!(vault.verify(day(1)).await, Standing::Intact(_)));
    let proof = vault.prove_days(day(0), day(1)).await.unwrap();
    assert_eq!(proof.consistency.unwrap().to.signature.key, new.id());
}

/// A night that died between the leaf list and the head, and others at once: one head, over what is there.
#[tokio::test]
async fn of_nights_at_once_one_seals_and_a_list_without_head_is_no_harm() {
    let vault = Vault::sealed(&[2]).await;
    vault.add(1, 3).await;
    let (one, two) = tokio::join!(vault.seal(day(1)), vault.seal(day(1)));
    assert_eq!(one, two);
    assert!(matches!(one, Standing::Intact(_)));
    std::fs::remove_file(vault.head_path(day(1))).unwrap();
    vault.add(1, 1).await;
    assert!(matches!(vault.seal(day(1)).await, Standing::Intact(_)));
    assert!(matches!(vault.verify(day(1)).await, Standing::Intact(_)));
}

#[tokio::test]
async fn what_was_proved_holds_and_what_was_changed_can_not_be_proved() {
    let vault = Vault::sealed(&[1, 7, 2, 0, 1]).await;
    let keys = vault.trusted().await;
    for record in vault.records() {
        for redacted in [false, true] {
            let proof = vault.prove(&record, redacted).await.unwrap();
            assert_eq!(proof.verify(&keys), Ok(()), "{}", number_of(&record));
        }
        let changed = AuditRecord { name: "other".into(), ..record.clone() };
        let refused = vault.prove(&changed, false).await.unwrap_err();
        assert_eq!(refused, EvidenceError::NotAsSealed(record.decided_at.business_day()));
    }
    for from in 0..5 {
        for to in 0..5 {
            let proof = vault.prove_days(day(from), day(to)).await;
            match proof {
                Ok(proof) if from < to => assert_eq!(proof.verify(&keys), Ok(()), "{from} {to}"),
                Err(EvidenceError::NotInLog { .. }) if from >= to => {}
                other => panic!("{from} {to}: {other:?}"),
            }
        }
    }
    assert_eq!(vault.prove_days(day(0), day(5)).await, Err(EvidenceError::NotSealed(day(5))));
}
