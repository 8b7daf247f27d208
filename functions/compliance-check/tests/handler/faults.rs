//! What fails, fails closed.

use std::sync::Arc;

use compliance_check::ComplianceCheck;
use sluice_domain::event::{Event, PersonalField};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_domain::tenant::TenantKeys;
use sluice_embedded::{ManualClock, Store};
use sluice_ports::{AuditLog as _, KeyRing, PortError, Queue};
use sluice_steps::{Stage as _, StageError};

use crate::gate::Gate;
use crate::sample::{lead, message};

/// A key ring out of reach.
struct NoKeys;

impl KeyRing for NoKeys {
    async fn keys(&self, _: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        Err(PortError::Unavailable { what: "key ring", cause: "test".into() })
    }
}

fn kind_and_code(results: &[Result<(), StageError>]) -> Vec<(FailureKind, &'static str)> {
    results
        .iter()
        .map(|result| result.as_ref().map_err(|error| (error.kind, error.code)).unwrap_err())
        .collect()
}

async fn nothing_is_left(gate: &Gate, event: &Event) {
    assert_eq!(gate.store.audit(&event.key).await.unwrap(), None);
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await, None);
    assert!(gate.cleared().await.is_empty());
}

#[tokio::test]
async fn an_unknown_tenant_waits_for_its_configuration() {
    let gate = Gate::open();
    let mut event = lead("lead-1").event();
    event.key.tenant = TenantId::new("nobody").unwrap();
    let results = gate.handle(vec![event.clone(), message("m-1", "你好").event()]).await;
    assert_eq!(kind_and_code(&results[..1]), [(FailureKind::Configuration, "unknown_tenant")]);
    assert_eq!(results[1], Ok(()), "the others of the batch go on");
    nothing_is_left(&gate, &event).await;
}

#[tokio::test]
async fn a_field_that_does_not_open_is_buried_and_leaves_no_consent() {
    let gate = Gate::open();
    let mut event = lead("lead-1").event();
    // Sealed for another field: its place does not match.
    let other = event.personal.get(&PersonalField::Phone).unwrap().clone();
    event.personal.insert(PersonalField::Form("城市".into()), other);
    let body = serde_json::to_string(&event).unwrap();
    assert!(gate.run(&[&body]).await.batch_item_failures.is_empty());
    let dead = gate.store.dead_letters(Queue::Events, None).unwrap().items;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].code, "unsealable");
    nothing_is_left(&gate, &event).await;
}

#[tokio::test]
async fn keys_out_of_reach_are_retried() {
    let gate = Gate::open();
    let handler: ComplianceCheck<Store, NoKeys, Arc<ManualClock>> = ComplianceCheck {
        settings: Arc::clone(&gate.handler.settings),
        store: gate.store.clone(),
        keys: NoKeys,
        clock: Arc::clone(&gate.clock),
        metrics: gate.handler.metrics.clone(),
    };
    let event = lead("lead-1").event();
    assert_eq!(kind_and_code(&handler.handle(vec![event.clone()]).await), [(FailureKind::Retry, "store")]);
    nothing_is_left(&gate, &event).await;
}

#[tokio::test]
async fn an_empty_batch_is_nothing() {
    assert!(Gate::open().handle(vec![]).await.is_empty());
}
