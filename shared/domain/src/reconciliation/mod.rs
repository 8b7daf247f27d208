//! Reconciliation (under construction).

mod deviation;
mod gamma;

pub use deviation::{Arm, Deviation, SRM_THRESHOLD, deviation};
pub use gamma::chi_square_tail;
