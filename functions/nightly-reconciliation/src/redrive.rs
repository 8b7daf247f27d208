//! Puts back what failed for passing reasons: once per message, and the queue keeps count.

use sluice_domain::reconciliation::DeadLetter;
use sluice_ports::Queue;

use crate::{ReconcileError, Records, gather};

/// Puts back every dead letter that may be, and gives them. A second run finds none of them: their redrives count.
pub(crate) async fn redrive(store: &impl Records) -> Result<Vec<DeadLetter>, ReconcileError> {
    let mut back = Vec::new();
    for letter in gather::dead_letters(store).await? {
        let Some(queue) = Queue::ALL.into_iter().find(|queue| queue.as_str() == letter.queue) else {
            continue;
        };
        if !letter.may_be_put_back() {
            continue;
        }
        let done = store.put_back(queue, &letter.id).await;
        if done.map_err(ReconcileError::port("putting a dead letter back"))? {
            let trace = letter.trace_id.map(|trace| trace.to_string()).unwrap_or_default();
            tracing::info!(trace_id = %trace, queue = %queue, code = letter.code, "put back: a dead letter of queue {queue}");
            back.push(letter);
        }
    }
    Ok(back)
}
