//! Puts back what failed for passing reasons: once per message, and the queue keeps count.

use std::collections::BTreeSet;

use sluice_domain::reconciliation::DeadLetter;
use sluice_ports::Queue;

use crate::{ReconcileError, Records, gather};

/// Puts back every dead letter that may be, and gives them. A second run finds none of them: their redrives count.
pub(crate) async fn redrive(store: &impl Records) -> Result<Vec<DeadLetter>, ReconcileError> {
    let mut letters = gather::dead_letters(store).await?;
    letters.retain(DeadLetter::may_be_put_back);
    let mut back = Vec::new();
    for queue in Queue::ALL {
        let of_queue: Vec<&DeadLetter> =
            letters.iter().filter(|letter| letter.queue == queue.as_str()).collect();
        if of_queue.is_empty() {
            continue;
        }
        let ids: Vec<String> = of_queue.iter().map(|letter| letter.id.clone()).collect();
        let done = store.put_back(queue, &ids).await;
        let done: BTreeSet<String> =
            done.map_err(ReconcileError::port("putting dead letters back"))?.into_iter().collect();
        for letter in of_queue.into_iter().filter(|letter| done.contains(&letter.id)) {
            let trace = letter.trace_id.map(|trace| trace.to_string()).unwrap_or_default();
            tracing::info!(trace_id = %trace, queue = %queue, code = letter.code, "put back: a dead letter of queue {queue}");
            back.push(letter.clone());
        }
    }
    Ok(back)
}
