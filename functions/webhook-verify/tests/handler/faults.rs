//! A store that fails or hangs: nothing is acknowledged.

use std::future::pending;
use std::sync::Arc;

use sluice_domain::event::Event;
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_embedded::SystemEntropy;
use sluice_ports::{Intake, Page, PortError};
use sluice_telemetry::Metrics;
use webhook_verify::{RawRequest, WebhookVerify};

use crate::gate::{Gate, Handler, code};
use crate::welcome::Greets;

/// An intake with a fault injected.
enum Broken {
    Fails,
    Hangs,
}

impl Intake for Broken {
    async fn accept(&self, _events: Vec<Event>) -> Result<(), PortError> {
        match self {
            Self::Fails => Err(PortError::Unavailable { what: "events", cause: "disk is full".to_owned() }),
            Self::Hangs => pending().await,
        }
    }

    async fn arrived(&self, _events: &[Event]) -> Result<(), PortError> {
        Ok(())
    }

    async fn receipts(
        &self,
        _tenant: &TenantId,
        _day: BusinessDay,
        _cursor: Option<String>,
    ) -> Result<Page<sluice_domain::audit::Receipt>, PortError> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

async fn answered(broken: Broken) -> (u16, String, String) {
    let gate = Gate::open().await;
    let signed = gate.signed("doudian-101");
    let Handler { settings, keys, secrets, clock, .. } = gate.handler;
    let handler = WebhookVerify {
        settings,
        intake: broken,
        keys,
        secrets,
        clock,
        entropy: SystemEntropy,
        greeter: Greets::default(),
        metrics: Metrics::default(),
    };
    let headers: Vec<_> =
        signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = RawRequest {
        method: "POST",
        path: "/callbacks/doudian",
        query: "",
        headers: &headers,
        body: &signed.body,
        source_ip: None,
    };
    let answer = Arc::new(handler).handle_raw(request).await;
    (answer.status, code(&answer), answer.body)
}

#[tokio::test]
async fn a_failing_store_is_told_in_the_schemes_own_words_and_not_in_ours() {
    let (status, code, body) = answered(Broken::Fails).await;
    assert_eq!((status, code.as_str()), (503, "store_unavailable"));
    assert!(body.contains(r#""code":1"#) && body.contains(r#""msg":"fail""#));
    assert!(!body.contains("disk"));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_store_is_given_up_before_the_platform_does() {
    let (status, code, _) = answered(Broken::Hangs).await;
    assert_eq!((status, code.as_str()), (503, "deadline_exceeded"));
}
