//! Reviews: one item each, replaced version by version (`docs/adr/0042-reviews.md`).

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use sluice_domain::audit::AuditRecord;
use sluice_domain::id::TenantId;
use sluice_domain::review::{Review, ReviewId, StateName, Wakes};
use sluice_ports::{
    Advanced, ForReview, OutboundMessage, Outbox, Page, PortError, Queue, Reviews, Wake, Written,
};

use super::item::{self, Attributes, RECORD, WRITER, fits, json, number, read_text, text};
use super::key::{Place, of_review, shard_of_trace, state_partition, state_partitions};
use super::schema::{AT, ID, STATE_SHARD, Table};
use super::write_once::Put;
use super::{Tables, audits, is_own};
use crate::store::{Store, small_enough};

const TABLE: Table = Table::Reviews;
/// Counts the changes of a review: the condition under which it is replaced.
const VERSION: &str = "version";

fn item(review: &Review) -> Result<Attributes, PortError> {
    let shard = shard_of_trace(review.trace_id);
    let place = Place::of(&review.key, review.trace_id, review.opened_at);
    let item = Attributes::from([
        (ID.to_owned(), text(of_review(&review.id()))),
        (STATE_SHARD.to_owned(), text(state_partition(&review.key.tenant, review.state.name(), shard))),
        // An event may wait at both points: their places must differ.
        (AT.to_owned(), text(format!("{}#{}", place.at, review.point))),
        (VERSION.to_owned(), number(review.version.into())),
        (RECORD.to_owned(), text(json(TABLE, review)?)),
    ]);
    fits(TABLE, &item)?;
    Ok(item)
}

/// The item of a review that can be woken one day: what it would send fits its queue.
fn openable(review: &Review) -> Result<Attributes, PortError> {
    if let Some(work) = &review.work {
        let (Wakes::Event(body) | Wakes::Message(body)) = Wakes::of(work);
        small_enough(&OutboundMessage { body, trace_id: review.trace_id, delay_seconds: 0 })?;
    }
    item(review)
}

impl<Q: Outbox> Store<Q> {
    async fn open_new(&self, item: Attributes) -> Result<Written<Review>, PortError> {
        match self.tables.put_new(TABLE, item).await? {
            Put::New => Ok(Written::New),
            Put::Old(old) => item::record(TABLE, &old).map(Written::Existing),
        }
    }
}

impl<Q: Outbox> Reviews for Store<Q> {
    async fn record_for_review(&self, batch: Vec<ForReview>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        let (mut records, mut items) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        let checks: Vec<_> = batch.iter().map(|one| ForReview::check_of(&one.review)).collect();
        for ForReview { record, review } in batch {
            let ready = openable(&review).and_then(|item| Ok((item, audits::item(&record)?)));
            let (item, entry) = ready
                .map_or_else(|error| (None, Err(error)), |(item, audit)| (Some(item), Ok((record, audit))));
            items.push(item);
            records.push(entry);
        }
        let mut written = self.tables.write_all(Table::Audit, records).await;
        // A record whose review is not written makes its slot an error: its event comes back, finds the record, and opens the review.
        let opened = written.iter().zip(items).map(async |(written, item)| match (written, item) {
            (Ok(Written::New), Some(item)) => self.open_new(item).await.map(|_| ()),
            _ => Ok(()),
        });
        let opened = futures_util::future::join_all(opened).await;
        let (mut places, mut messages) = (Vec::new(), Vec::new());
        for (place, ((slot, opened), check)) in written.iter_mut().zip(opened).zip(checks).enumerate() {
            match (opened, check) {
                (Err(error), _) => *slot = Err(error),
                (Ok(()), Some(check)) if matches!(slot, Ok(Written::New)) => {
                    places.push(place);
                    messages.push(check);
                }
                (Ok(()), _) => {}
            }
        }
        if messages.is_empty() {
            return written;
        }
        // A request that is not taken makes its slot an error, too: the event comes back and sends it again.
        for failure in self.queues.send(Queue::Checks, messages).await {
            if let Some(slot) = places.get(failure.index).and_then(|place| written.get_mut(*place)) {
                *slot = Err(failure.error);
            }
        }
        written
    }

    async fn open_review(&self, review: Review) -> Result<Written<Review>, PortError> {
        self.open_new(openable(&review)?).await
    }

    async fn review(&self, id: &ReviewId) -> Result<Option<Review>, PortError> {
        self.tables.record(TABLE, &of_review(id)).await
    }

    /// The index follows its table, mostly within milliseconds; each review is read as it is now, and left out if it is no longer in the state.
    async fn reviews(
        &self,
        tenant: &TenantId,
        state: StateName,
        cursor: Option<String>,
    ) -> Result<Page<Review>, PortError> {
        let partitions = state_partitions(tenant, state);
        let page = self.tables.listed(TABLE, partitions, cursor.as_deref()).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for item in &page.items {
            let review: Review = item::record(TABLE, item)?;
            if review.state.name() == state {
                items.push(review);
            }
        }
        Ok(Page { items, next: page.next })
    }

    async fn advance_review(&self, next: Review, wake: Option<Wake>) -> Result<Advanced, PortError> {
        wake.as_ref().map_or(Ok(()), |wake| small_enough(&wake.message))?;
        let advanced = self.tables.replace_review(&next).await?;
        if advanced == Advanced::Done
            && let Some(Wake { queue, message }) = wake
            && let Some(failure) = self.queues.send(queue, vec![message]).await.into_iter().next()
        {
            return Err(failure.error);
        }
        Ok(advanced)
    }
}

impl Tables {
    /// One call: the next version in place of the one before it.
    async fn replace_review(&self, next: &Review) -> Result<Advanced, PortError> {
        let writer = self.writer();
        let mut item = item(next)?;
        item.insert(WRITER.to_owned(), text(writer.as_str()));
        let seen = i64::from(next.version).saturating_sub(1);
        let put = self
            .client()
            .put_item()
            .table_name(self.name(TABLE)?)
            .set_item(Some(item))
            .condition_expression("#version = :seen")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":seen", number(seen))
            .return_values_on_condition_check_failure(AllOld);
        match put.send().await {
            Ok(_) => Ok(Advanced::Done),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                    // The first answer was lost; the change is ours.
                    Some(old) if is_own(TABLE, old, &writer)? => Ok(Advanced::Done),
                    Some(old) => Ok(Advanced::Overtaken(Box::new(item::record(TABLE, old)?))),
                    None => Ok(Advanced::Unknown),
                },
                _ => Err(self.fault(TABLE, &error)),
            },
        }
    }

    /// A page of a table whose index holds keys alone: the items are read by their keys, strongly consistent. So a listed
    /// record is as it is now; only whether it is listed yet follows the index, some milliseconds behind.
    pub(crate) async fn listed(
        &self,
        table: Table,
        partitions: Vec<String>,
        cursor: Option<&str>,
    ) -> Result<Page<Attributes>, PortError> {
        let page = self.list(table, partitions, cursor).await?;
        let key = |entry: &Attributes| Some((ID.to_owned(), entry.get(ID)?.clone()));
        let keys = page.items.iter().filter_map(key).map(|key| Attributes::from([key])).collect();
        let mut items = self.get_many(table, keys).await?;
        let mut sorted = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            sorted.push((read_text(table, &item, AT)?.to_owned(), item));
        }
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Page { items: sorted.into_iter().map(|(_, item)| item).collect(), next: page.next })
    }
}
