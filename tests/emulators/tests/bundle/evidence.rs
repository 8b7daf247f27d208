//! The audit log as evidence over AWS: sealed by the night, proved, and found out when an administrator changes the table or the bucket.

use http::Method;
use serde_json::json;
use sluice_domain::id::TenantId;
use sluice_evidence::{Evidence, Standing};
use sluice_ports::{AuditLog as _, Clock as _, HeadSigner as _};

use crate::gate::Gate;
use crate::workload::play;

/// A day and an hour: a day is sealed only when nothing of it can still be under way.
const NEXT_DAY_MS: i64 = 90_000_000;

#[tokio::test]
async fn a_sealed_day_is_proved_and_a_change_of_table_or_bucket_is_named() {
    let (gate, account) = Gate::set_without_consents().await;
    play(&gate).await;
    let day = gate.clock.now().business_day();
    let next = day.end().business_day();
    for day in [day, next] {
        gate.clock.reach(gate.clock.now().plus_ms(NEXT_DAY_MS));
        gate.reconcile_day(day).await;
    }
    let (log, digests, signer) = gate.auditor(&account);
    let evidence = Evidence { log: &log, digests: &digests, signer: &signer };
    let tenant = TenantId::new("demo-brand").unwrap();
    assert!(matches!(evidence.verify(&tenant, day).await.unwrap(), Standing::Intact(_)));
    let keys = signer.trusted().await.unwrap();
    let record = log.audits(&tenant, day, None).await.unwrap().items.swap_remove(0);
    for proof in [evidence.prove_record(&record, true).await, evidence.prove_days(&tenant, day, next).await] {
        assert_eq!(proof.unwrap().verify(&keys), Ok(()));
    }

    let table = &gate.stack.physical["AuditTable"];
    let key = json!({ "id": { "S": format!("{}#{}#{}", tenant, record.key.source, record.key.message) } });
    let delete = json!({ "TableName": table, "Key": key });
    gate.tables().json("dynamodb", "DynamoDB_20120810.DeleteItem", &delete).await.unwrap();
    let Standing::Broken(findings) = evidence.verify(&tenant, day).await.unwrap() else {
        panic!("not noticed")
    };
    let told: Vec<_> = findings.iter().map(|found| (found.code(), found.trace_id())).collect();
    assert_eq!(told, [("record_removed", Some(record.trace_id))]);

    // Over the head that is locked: the first version is the one that counts.
    let head = format!("/{}/digests/{tenant}/{next}.json", gate.stack.physical["DigestsBucket"]);
    gate.wire.rest("s3", &Method::PUT, &head, &[], "{}").await.unwrap();
    assert!(matches!(evidence.verify(&tenant, next).await.unwrap(), Standing::Intact(_)));
}
