//! Reconciliation of one tenant's day: every accepted callback has a decision, every allow an exposure and a delivery outcome,
//! every delivery an allow; what does not fit is a [`Break`].
//!
//! Pure: [`reconcile`] takes the records and gives a [`Report`]. A finished day gives the same report whenever it is run again;
//! unfinished work of the last minutes is *in progress*, older one is a break.

mod attribution;
mod breaks;
mod deviation;
mod gamma;
mod html;
mod input;
mod ledger;
mod matching;
mod report;
mod reviewing;

pub use attribution::{Attribution, VariantYield, Yield, adds_contact, brought_by};
pub use breaks::{Break, BreakClass, BreakState};
pub use deviation::{Arm, Deviation, SRM_THRESHOLD, deviation};
pub use gamma::chi_square_tail;
pub use html::page;
pub use input::{DeadLetter, Evidence, QueueDepth, Seal, Subject};
pub use matching::reconcile;
pub use report::{DecisionCount, DestinationCount, Identity, OrderTotal, Report, Totals};
pub use reviewing::ReviewCounts;

#[cfg(test)]
mod tests;
