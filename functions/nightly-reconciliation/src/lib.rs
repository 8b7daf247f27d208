//! nightly-reconciliation: proves for each tenant's day that nothing was lost, sent twice or sent without a decision.
//!
//! A scheduled event asks for the day before (in China Standard Time) of every tenant; its `detail` may name one day and one
//! tenant instead. For each, dead letters that failed for passing reasons are put back once, the day's records are gathered,
//! [`sluice_domain::reconciliation`] compares them, and the report is stored as `report.json` and `report.html`.
//!
//! The day's audit records are sealed under a signed head that stands on the one before it (`sluice_evidence`); a day that was sealed before
//! and is not the same any more is a break: evidence was changed after the fact.
//!
//! Before that, reviews that nobody decided in time are ended, which is a block, and approved events that have not gone on are sent to the
//! engine once more.
//!
//! At the end, on AWS, the people whose events of the day say so are erased (`erase_on`); one process does that by itself, for there messages on queues
//! can be emptied, too, which wants the tenants' keys.
//!
//! What can't be re-driven is only listed. A callback without a decision that is on no queue can't be sent again: receipts hold no
//! body. A claim past its deadline is taken over by its own message when that comes back; without a message it is a break.

mod error;
mod gather;
mod redrive;
mod request;
mod run;

pub use error::ReconcileError;
pub use request::{Request, ScheduledEvent};
pub use run::{NightlyReconciliation, Outcome, TenantOutcome};

/// Everything that reconciliation reads and re-drives.
pub trait Records:
    sluice_ports::Intake
    + sluice_ports::AuditLog
    + sluice_ports::Exposures
    + sluice_ports::Deliveries
    + sluice_ports::OrderBook
    + sluice_ports::Backlog
    + sluice_ports::Reviews
    + sluice_ports::Outbox
{
}

impl<T> Records for T where
    T: sluice_ports::Intake
        + sluice_ports::AuditLog
        + sluice_ports::Exposures
        + sluice_ports::Deliveries
        + sluice_ports::OrderBook
        + sluice_ports::Backlog
        + sluice_ports::Reviews
        + sluice_ports::Outbox
{
}
