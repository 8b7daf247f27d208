//! A store that takes what arrives and answers nothing else.

use sluice_domain::audit::{AuditRecord, Receipt};
use sluice_domain::consent::{ConsentKey, ConsentRecord, Evidence, Mark, Withdrawal};
use sluice_domain::contact::Acquaintance;
use sluice_domain::event::Event;
use sluice_domain::id::{EventKey, PersonId, TenantId, TraceId};
use sluice_domain::order::OrderEntry;
use sluice_domain::review::{Review, ReviewId, StateName};
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{
    Acquaintances, Advanced, AuditLog, ConsentStore, ForReview, Intake, OrderBook, OutboundMessage, Outbox,
    Page, PortError, Queue, Reviews, SendFailure, Step, Wake, Written,
};

pub(crate) struct NoConsents;

fn silent<T>() -> Result<T, PortError> {
    Err(PortError::Unavailable { what: "consents", cause: "no answer".into() })
}

impl Intake for NoConsents {
    async fn accept(&self, _: Vec<Event>) -> Result<(), PortError> {
        Ok(())
    }
    async fn arrived(&self, _: &[Event]) -> Result<(), PortError> {
        Ok(())
    }
    async fn receipts(
        &self,
        _: &TenantId,
        _: BusinessDay,
        _: Option<String>,
    ) -> Result<Page<Receipt>, PortError> {
        silent()
    }
}

impl ConsentStore for NoConsents {
    async fn consents(&self, _: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        silent()
    }
    async fn consents_of(&self, _: &TenantId, _: &PersonId) -> Result<Vec<ConsentRecord>, PortError> {
        silent()
    }
    async fn grant(&self, _: ConsentRecord) -> Result<bool, PortError> {
        silent()
    }
    async fn withdraw(
        &self,
        _: &TenantId,
        _: &PersonId,
        _: Option<&ConsentKey>,
        _: Withdrawal,
    ) -> Result<usize, PortError> {
        silent()
    }
    async fn mark(
        &self,
        _: &TenantId,
        _: &PersonId,
        _: Mark,
        _: UnixMillis,
        _: Evidence,
    ) -> Result<bool, PortError> {
        silent()
    }
}

impl Acquaintances for NoConsents {
    async fn acquaint(&self, _: Acquaintance) -> Result<(), PortError> {
        silent()
    }
    async fn known_as(&self, _: &TenantId, _: &PersonId) -> Result<Vec<Acquaintance>, PortError> {
        silent()
    }
}

impl OrderBook for NoConsents {
    async fn enter(&self, _: OrderEntry) -> Result<Written<OrderEntry>, PortError> {
        silent()
    }
    async fn orders(
        &self,
        _: &TenantId,
        _: BusinessDay,
        _: Option<String>,
    ) -> Result<Page<OrderEntry>, PortError> {
        silent()
    }
}

impl AuditLog for NoConsents {
    async fn record(&self, steps: Vec<Step<AuditRecord>>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        steps.iter().map(|_| silent()).collect()
    }
    async fn audit(&self, _: &EventKey) -> Result<Option<AuditRecord>, PortError> {
        silent()
    }
    async fn audit_of_trace(&self, _: &TenantId, _: TraceId) -> Result<Option<AuditRecord>, PortError> {
        silent()
    }
    async fn audits(
        &self,
        _: &TenantId,
        _: BusinessDay,
        _: Option<String>,
    ) -> Result<Page<AuditRecord>, PortError> {
        silent()
    }
}

impl Outbox for NoConsents {
    async fn send(&self, _: Queue, _: Vec<OutboundMessage>) -> Vec<SendFailure> {
        Vec::new()
    }
}

impl Reviews for NoConsents {
    async fn record_for_review(&self, batch: Vec<ForReview>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        batch.iter().map(|_| silent()).collect()
    }
    async fn open_review(&self, _: Review) -> Result<Written<Review>, PortError> {
        silent()
    }
    async fn review(&self, _: &ReviewId) -> Result<Option<Review>, PortError> {
        silent()
    }
    async fn reviews(
        &self,
        _: &TenantId,
        _: StateName,
        _: Option<String>,
    ) -> Result<Page<Review>, PortError> {
        silent()
    }
    async fn advance_review(&self, _: Review, _: Option<Wake>) -> Result<Advanced, PortError> {
        silent()
    }
}
