//! What reconciliation asks of the queues.

use sluice_domain::reconciliation::DeadLetter as GivenUp;
use sluice_ports::{Backlog, Page, PortError, Queue};

use crate::store::Store;

impl Backlog for Store {
    async fn given_up(&self, queue: Queue, cursor: Option<String>) -> Result<Page<GivenUp>, PortError> {
        let page = self.dead_letters(queue, cursor)?;
        let items = page.items.into_iter().map(|letter| GivenUp {
            id: letter.id,
            queue: queue.as_str().to_owned(),
            trace_id: letter.trace_id,
            code: letter.code,
            at: letter.buried_at,
            redrives: letter.redrives,
        });
        Ok(Page { items: items.collect(), next: page.next })
    }

    async fn unfinished(&self, queue: Queue) -> Result<u64, PortError> {
        let depth = self.depth(queue)?;
        Ok(depth.visible.saturating_add(depth.in_flight).saturating_add(depth.delayed))
    }

    async fn put_back(&self, queue: Queue, ids: &[String]) -> Result<Vec<String>, PortError> {
        self.redrive_these(queue, ids.to_vec()).await
    }
}
