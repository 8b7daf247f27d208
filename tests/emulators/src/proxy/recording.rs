//! What was called, and its sums.

use std::collections::BTreeMap;
use std::fmt;

use super::{Call, Service};

/// One call and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What was asked.
    pub call: Call,
    /// Bytes of the request's body.
    pub bytes_in: usize,
    /// Bytes of the answer's body; 0 when no answer reached the caller.
    pub bytes_out: usize,
    /// The status that the caller saw; `None` when its connection was dropped.
    pub status: Option<u16>,
    /// The fault that struck it.
    pub fault: Option<&'static str>,
}

/// Every call, in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    calls: Vec<Recorded>,
}

/// Whose calls of what a [`Total`] sums.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum {
    /// The function.
    pub function: String,
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: String,
}

/// Sums of calls of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How many calls.
    pub calls: usize,
    /// Items, keys or messages in them.
    pub items: usize,
    /// Bytes of requests' bodies.
    pub bytes_in: usize,
    /// Bytes of answers' bodies.
    pub bytes_out: usize,
    /// Calls that were answered with another status than 2xx, or not at all.
    pub failed: usize,
}

impl Recording {
    pub(super) fn note(&mut self, recorded: Recorded) {
        self.calls.push(recorded);
    }

    /// Every call.
    pub fn calls(&self) -> &[Recorded] {
        &self.calls
    }

    /// How many calls that ended a fault struck; [`super::Proxy::struck`] counts those under way, too.
    pub fn faults(&self) -> usize {
        self.calls.iter().filter(|recorded| recorded.fault.is_some()).count()
    }

    /// Sums by function, service and operation.
    pub fn totals(&self) -> BTreeMap<Sum, Total> {
        let mut totals: BTreeMap<Sum, Total> = BTreeMap::new();
        for Recorded { call, bytes_in, bytes_out, status, .. } in &self.calls {
            let Call { function, service, operation, items, .. } = call.clone();
            let total = totals.entry(Sum { function, service, operation }).or_default();
            total.calls += 1;
            total.items += items;
            total.bytes_in += bytes_in;
            total.bytes_out += bytes_out;
            total.failed += usize::from(!status.is_some_and(|status| (200..300).contains(&status)));
        }
        totals
    }

    /// Every action of IAM and the resource it was used on by a function, each once, sorted.
    pub fn uses(&self, function: &str) -> Vec<(String, String)> {
        let mut uses: Vec<_> = self
            .calls
            .iter()
            .filter(|recorded| recorded.call.function == function)
            .flat_map(|Recorded { call, .. }| {
                let on = |resource: &String| {
                    let resource = resource.clone();
                    call.actions.iter().map(move |action| (action.clone(), resource.clone()))
                };
                call.resources.iter().flat_map(on)
            })
            .collect();
        uses.sort();
        uses.dedup();
        uses
    }
}

impl fmt::Display for Recording {
    /// One line a sum, for failure messages.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (Sum { function, service, operation }, total) in self.totals() {
            let Total { calls, items, bytes_in, bytes_out, failed } = total;
            writeln!(
                out,
                "{function} {service}:{operation} calls={calls} items={items} in={bytes_in} out={bytes_out} failed={failed}"
            )?;
        }
        Ok(())
    }
}
