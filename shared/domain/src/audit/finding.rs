use std::fmt;

use serde::{Serialize, Serializer};

use super::head::InvalidHead;
use super::leaves::{Difference, Differing, InvalidLeaves};
use super::signature::SignatureError;
use super::tree::Hash;
use crate::id::TraceId;
use crate::time::BusinessDay;

/// One thing that is not as it was sealed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A day that was sealed has no document any more; the day after names it.
    HeadMissing(BusinessDay),
    /// A day's document is not one.
    HeadUnreadable(BusinessDay, InvalidHead),
    /// A day's document was not signed by a key that counts.
    HeadSignature(BusinessDay, SignatureError),
    /// A day's document is not the one that the day after names.
    HeadReplaced(BusinessDay),
    /// The log that a day's head was sealed on does not end with the day before it.
    LogBroken(BusinessDay),
    /// The day's leaf list is gone.
    LeavesMissing(BusinessDay),
    /// The day's leaf list can not be read.
    LeavesUnreadable(BusinessDay, InvalidLeaves),
    /// The day's leaf list is not the one that the head names. If the records are all there: at which of them first.
    LeavesReplaced(BusinessDay, Option<usize>),
    /// The head does not agree with its own leaf list.
    HeadDisagrees(BusinessDay),
    /// A record is not what was sealed.
    Record(BusinessDay, Differing),
    /// Records are not what was sealed, and which can not be told without the leaf list.
    Records {
        /// Of which day.
        day: BusinessDay,
        /// How many were sealed.
        sealed: u64,
        /// How many there are.
        now: u64,
        /// The root that was sealed.
        sealed_root: Hash,
        /// The root of those that are there.
        root: Hash,
    },
}

impl Finding {
    /// For scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HeadMissing(_) => "head_missing",
            Self::HeadUnreadable(..) => "head_unreadable",
            Self::HeadSignature(..) => "head_signature",
            Self::HeadReplaced(_) => "head_replaced",
            Self::LogBroken(_) => "log_broken",
            Self::LeavesMissing(_) => "leaves_missing",
            Self::LeavesUnreadable(..) => "leaves_unreadable",
            Self::LeavesReplaced(..) => "leaves_replaced",
            Self::HeadDisagrees(_) => "head_disagrees",
            Self::Record(_, Differing { difference: Difference::Changed, .. }) => "record_changed",
            Self::Record(_, Differing { difference: Difference::Added, .. }) => "record_added",
            Self::Record(_, Differing { difference: Difference::Removed, .. }) => "record_removed",
            Self::Records { .. } => "records_changed",
        }
    }

    /// Which day.
    pub fn day(&self) -> BusinessDay {
        match self {
            Self::HeadMissing(day)
            | Self::HeadUnreadable(day, _)
            | Self::HeadSignature(day, _)
            | Self::HeadReplaced(day)
            | Self::LogBroken(day)
            | Self::LeavesMissing(day)
            | Self::LeavesUnreadable(day, _)
            | Self::LeavesReplaced(day, _)
            | Self::HeadDisagrees(day)
            | Self::Record(day, _)
            | Self::Records { day, .. } => *day,
        }
    }

    /// Which record, if it is one.
    pub fn trace_id(&self) -> Option<TraceId> {
        match self {
            Self::Record(_, differing) => Some(differing.trace_id),
            _ => None,
        }
    }
}

/// In words, with everything that names the place.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, day) = (self.code(), self.day());
        write!(out, "{code} {day}: ")?;
        match self {
            Self::HeadMissing(_) => write!(out, "its sealed document is gone"),
            Self::HeadUnreadable(_, cause) => write!(out, "its document can not be read: {cause}"),
            Self::HeadSignature(_, cause) => write!(out, "{cause}"),
            Self::HeadReplaced(_) => {
                write!(out, "its document is not the one that was sealed: the day after names another")
            }
            Self::LogBroken(_) => {
                write!(out, "the log of days that it was sealed on does not end with the day before it")
            }
            Self::LeavesMissing(_) => write!(out, "its leaf list is gone"),
            Self::LeavesUnreadable(_, cause) => write!(out, "its leaf list can not be read: {cause}"),
            Self::LeavesReplaced(_, None) => write!(out, "its leaf list is not the one that was sealed"),
            Self::LeavesReplaced(_, Some(index)) => {
                write!(out, "its leaf list is not the one that was sealed, from record {index} on")
            }
            Self::HeadDisagrees(_) => write!(out, "the head does not agree with its own leaf list"),
            Self::Record(_, Differing { index, trace_id, difference }) => {
                let what = match difference {
                    Difference::Changed => "was changed",
                    Difference::Added => "was added",
                    Difference::Removed => "was removed",
                };
                write!(out, "record {index}, trace {trace_id}, {what}")
            }
            Self::Records { sealed, now, sealed_root, root, .. } => {
                write!(out, "sealed_records={sealed} records={now} sealed_root={sealed_root} root={root}")
            }
        }
    }
}

/// For scripts: code, day, trace (of a record) and the words.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut out = serializer.serialize_struct("Finding", 4)?;
        out.serialize_field("code", self.code())?;
        out.serialize_field("day", &self.day())?;
        out.serialize_field("trace_id", &self.trace_id())?;
        out.serialize_field("text", &self.to_string())?;
        out.end()
    }
}
