//! Deliveries: the claim, its attempts and its end in one item.
//!
//! The attributes are those of Powertools' idempotency where it has them: `id`, `status` (`INPROGRESS`, `COMPLETED`),
//! `in_progress_expiration` (milliseconds), `validation` (the payload's hash), `data`. There is no `expiration`: what was delivered
//! must never be delivered again. Unlike there, a claim names its `owner`, every change is under a condition on it, and a
//! claim is one call, whatever it finds.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use serde::{Deserialize, Serialize};
use sluice_domain::delivery::{Attempt, Delivery, DeliveryState, FencingToken};
use sluice_domain::id::{EventKey, PersonId, TenantId, TraceId};
use sluice_domain::progress::Assignment;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{Claim, ClaimRequest, Deliveries, ErasureRequest, Outbox, Page, PortError, Settlement};

use super::item::{Attributes, WRITER, json, lacks, number, parse, read_number, read_text, text};
use super::key::{Place, of_event};
use super::schema::{AT, DAY_SHARD, ID, Table};
use super::write_once::Put;
use super::{Tables, is_own};
use crate::store::Store;

const TABLE: Table = Table::Deliveries;

/// The most bytes of one attempt: twenty of them stay below the 400 KB of an item.
const LARGEST_ATTEMPT: usize = 16 * 1_024;
/// How often a take-over that lost a race looks again. Whoever won holds the claim, so the second look nearly always ends it.
const LOOKS: usize = 4;

const STATUS: &str = "status";
const UNTIL: &str = "in_progress_expiration";
const VALIDATION: &str = "validation";
pub(super) const DATA: &str = "data";
/// The state in Sluice's words: `status` can not tell how a delivery ended.
const STATE: &str = "state";
const OWNER: &str = "owner";
/// The attempts that ended, or whose process died.
const PAST: &str = "attempts";
/// The attempt under way.
const OPEN: &str = "attempt";
/// The destination in place of the assigned one, where there is one.
const FALLBACK: &str = "fallback";
/// How many attempts are not kept any more, where there are any.
const FORGOTTEN: &str = "forgotten";

const IN_PROGRESS: &str = "INPROGRESS";
const COMPLETED: &str = "COMPLETED";

/// What a delivery is about; it never changes.
#[derive(Serialize, Deserialize)]
struct Data {
    key: EventKey,
    trace_id: TraceId,
    person: PersonId,
    assignment: Assignment,
    opened_at: UnixMillis,
}

fn attempt_json(attempt: &Attempt) -> Result<String, PortError> {
    let text = json(TABLE, attempt)?;
    if text.len() > LARGEST_ATTEMPT {
        return Err(PortError::TooLarge { what: "attempt", limit: LARGEST_ATTEMPT, got: text.len() });
    }
    Ok(text)
}

/// The item of a claimed delivery, whose last attempt is open.
fn claimed(delivery: &Delivery) -> Result<Attributes, PortError> {
    let DeliveryState::Claimed { owner, deadline } = delivery.state else { return Err(lacks(TABLE, OWNER)) };
    let place = Place::of(&delivery.key, delivery.trace_id, delivery.opened_at);
    let data = Data {
        key: delivery.key.clone(),
        trace_id: delivery.trace_id,
        person: delivery.person.clone(),
        assignment: delivery.assignment.clone(),
        opened_at: delivery.opened_at,
    };
    let (open, past) = delivery.attempts.split_last().ok_or_else(|| lacks(TABLE, OPEN))?;
    let past = past.iter().map(|attempt| attempt_json(attempt).map(text)).collect::<Result<_, _>>()?;
    let fallback = delivery.fallback.as_ref().map(|fallback| json(TABLE, fallback).map(text)).transpose()?;
    let mut item = Attributes::from([
        (ID.to_owned(), text(of_event(&delivery.key))),
        (DAY_SHARD.to_owned(), text(place.partition)),
        (AT.to_owned(), text(place.at)),
        (STATUS.to_owned(), text(IN_PROGRESS)),
        (UNTIL.to_owned(), number(deadline.0)),
        (VALIDATION.to_owned(), text(delivery.payload_sha256.as_str())),
        (DATA.to_owned(), text(json(TABLE, &data)?)),
        (STATE.to_owned(), text(delivery.state.as_str())),
        (OWNER.to_owned(), text(owner.0.to_string())),
        (PAST.to_owned(), AttributeValue::L(past)),
        (OPEN.to_owned(), text(attempt_json(open)?)),
    ]);
    item.extend(fallback.map(|fallback| (FALLBACK.to_owned(), fallback)));
    if delivery.forgotten > 0 {
        item.insert(FORGOTTEN.to_owned(), number(delivery.forgotten.into()));
    }
    Ok(item)
}

/// The data of a delivery under the reference of its erased person; `None` when it is another's.
pub(super) fn renamed_data(item: &Attributes, request: &ErasureRequest) -> Result<Option<String>, PortError> {
    let data: Data = parse(TABLE, read_text(TABLE, item, DATA)?)?;
    if data.person != request.person {
        return Ok(None);
    }
    json(TABLE, &Data { person: request.reference.clone(), ..data }).map(Some)
}

fn read(item: &Attributes) -> Result<Delivery, PortError> {
    let data: Data = parse(TABLE, read_text(TABLE, item, DATA)?)?;
    let Data { key, trace_id, person, assignment, opened_at } = data;
    let past = item.get(PAST).and_then(|past| past.as_l().ok()).ok_or_else(|| lacks(TABLE, PAST))?;
    let mut attempts = Vec::with_capacity(past.len() + 1);
    for attempt in past {
        attempts.push(parse(TABLE, attempt.as_s().map_err(|_| lacks(TABLE, PAST))?)?);
    }
    if item.contains_key(OPEN) {
        attempts.push(parse(TABLE, read_text(TABLE, item, OPEN)?)?);
    }
    let payload_sha256 = read_text(TABLE, item, VALIDATION)?.to_owned();
    let state = state(item)?;
    let fallback = if item.contains_key(FALLBACK) {
        Some(parse(TABLE, read_text(TABLE, item, FALLBACK)?)?)
    } else {
        None
    };
    let forgotten = if item.contains_key(FORGOTTEN) {
        u32::try_from(read_number(TABLE, item, FORGOTTEN)?).map_err(|_| lacks(TABLE, FORGOTTEN))?
    } else {
        0
    };
    Ok(Delivery {
        key,
        trace_id,
        payload_sha256,
        person,
        assignment,
        fallback,
        opened_at,
        state,
        attempts,
        forgotten,
    })
}

fn state(item: &Attributes) -> Result<DeliveryState, PortError> {
    let until = || read_number(TABLE, item, UNTIL).map(UnixMillis);
    Ok(match read_text(TABLE, item, STATE)? {
        "claimed" => {
            let owner = read_text(TABLE, item, OWNER)?.parse().map_err(|_| lacks(TABLE, OWNER))?;
            DeliveryState::Claimed { owner: FencingToken(owner), deadline: until()? }
        }
        "waiting" => DeliveryState::Waiting { until: until()? },
        "delivered" => DeliveryState::Delivered,
        "refused" => DeliveryState::Refused,
        "in_doubt" => DeliveryState::InDoubt,
        _ => return Err(lacks(TABLE, STATE)),
    })
}

/// Until when nobody else may claim it; `None` when it is free.
fn busy_until(state: &DeliveryState, now: UnixMillis) -> Option<UnixMillis> {
    match state {
        DeliveryState::Claimed { deadline: until, .. } | DeliveryState::Waiting { until } => {
            (*until > now).then_some(*until)
        }
        DeliveryState::Delivered | DeliveryState::Refused | DeliveryState::InDoubt => None,
    }
}

/// What a claim finds in an item that is there already.
enum Found {
    Answer(Claim),
    /// Free again: claim it in this form.
    Free(Delivery),
}

fn find(item: &Attributes, request: &ClaimRequest) -> Result<Found, PortError> {
    let mut stored = read(item)?;
    if stored.payload_sha256 != request.payload_sha256 {
        return Err(PortError::OtherPayload { what: TABLE.as_str() });
    }
    if stored.state.is_settled() {
        return Ok(Found::Answer(Claim::Settled(stored)));
    }
    if let Some(until) = busy_until(&stored.state, request.now) {
        return Ok(Found::Answer(Claim::Held { until }));
    }
    stored.state = DeliveryState::Claimed { owner: request.owner, deadline: request.deadline };
    stored.note(Attempt::begun(request.now));
    Ok(Found::Free(stored))
}

impl Tables {
    /// One call for a delivery that is new, held or settled; a second one takes over what is free again.
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, PortError> {
        let new = Delivery {
            key: request.key.clone(),
            trace_id: request.trace_id,
            payload_sha256: request.payload_sha256.clone(),
            person: request.person.clone(),
            assignment: request.assignment.clone(),
            fallback: None,
            opened_at: request.now,
            state: DeliveryState::Claimed { owner: request.owner, deadline: request.deadline },
            attempts: vec![Attempt::begun(request.now)],
            forgotten: 0,
        };
        let mut old = match self.put_new(TABLE, claimed(&new)?).await? {
            Put::New => return Ok(Claim::Won(new)),
            Put::Old(old) => old,
        };
        for _ in 0..LOOKS {
            let free = match find(&old, request)? {
                Found::Answer(claim) => return Ok(claim),
                Found::Free(free) => free,
            };
            // The last writer's nonce is the item's version: whoever changed it since wins.
            let seen = read_text(TABLE, &old, WRITER)?.to_owned();
            old = match self.put_if(TABLE, claimed(&free)?, Some(&seen)).await? {
                Put::New => return Ok(Claim::Won(free)),
                Put::Old(newer) => newer,
            };
        }
        let cause = "the delivery changed hands several times while it was claimed".to_owned();
        Err(PortError::Unavailable { what: TABLE.as_str(), cause })
    }

    /// One call: the attempt ends, the owner goes.
    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: &Attempt,
        settlement: &Settlement,
    ) -> Result<(), PortError> {
        let waiting = |until| (IN_PROGRESS, DeliveryState::Waiting { until }, Some(until));
        let mut fallback = None;
        let (status, state, until) = match settlement {
            Settlement::Delivered => (COMPLETED, DeliveryState::Delivered, None),
            Settlement::Refused => (COMPLETED, DeliveryState::Refused, None),
            Settlement::InDoubt => (COMPLETED, DeliveryState::InDoubt, None),
            Settlement::Waiting { until } => waiting(*until),
            Settlement::FallBack(instead) => {
                fallback = Some(json(TABLE, instead)?);
                waiting(instead.at)
            }
        };
        let writer = self.writer();
        let mut update = "SET #status = :status, #state = :state, #writer = :writer, \
                          #past = list_append(#past, :attempt)"
            .to_owned();
        update.push_str(if until.is_some() { ", #until = :until" } else { "" });
        update.push_str(if fallback.is_some() { ", #fallback = :fallback" } else { "" });
        update.push_str(" REMOVE #owner, #open");
        update.push_str(if until.is_some() { "" } else { ", #until" });
        let mut call = self
            .client()
            .update_item()
            .table_name(self.name(TABLE)?)
            .key(ID, text(of_event(key)))
            // The owner is there only while the delivery is claimed; `status` is what Powertools would look at.
            .condition_expression("#owner = :owner AND #status = :claimed")
            .update_expression(update)
            .expression_attribute_names("#owner", OWNER)
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_names("#state", STATE)
            .expression_attribute_names("#writer", WRITER)
            .expression_attribute_names("#past", PAST)
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_names("#until", UNTIL)
            .expression_attribute_values(":owner", text(owner.0.to_string()))
            .expression_attribute_values(":claimed", text(IN_PROGRESS))
            .expression_attribute_values(":status", text(status))
            .expression_attribute_values(":state", text(state.as_str()))
            .expression_attribute_values(":writer", text(writer.as_str()))
            .expression_attribute_values(":attempt", AttributeValue::L(vec![text(attempt_json(attempt)?)]))
            .return_values_on_condition_check_failure(AllOld);
        if let Some(until) = until {
            call = call.expression_attribute_values(":until", number(until.0));
        }
        if let Some(fallback) = fallback {
            call = call
                .expression_attribute_names("#fallback", FALLBACK)
                .expression_attribute_values(":fallback", text(fallback));
        }
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                    // The first answer was lost; the settlement is ours.
                    Some(old) if is_own(TABLE, old, &writer)? => Ok(()),
                    // Nothing was ever claimed under this key, or somebody else holds it.
                    _ => Err(PortError::Fenced),
                },
                _ => Err(self.fault(TABLE, &error)),
            },
        }
    }
}

impl<Q: Outbox> Deliveries for Store<Q> {
    async fn claim(&self, request: ClaimRequest) -> Result<Claim, PortError> {
        self.tables.claim(&request).await
    }

    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        self.tables.settle(key, owner, &attempt, &settlement).await
    }

    async fn delivery(&self, key: &EventKey) -> Result<Option<Delivery>, PortError> {
        self.tables.get(TABLE, &of_event(key)).await?.map(|item| read(&item)).transpose()
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, PortError> {
        let page = self.tables.day(TABLE, tenant, day, cursor.as_deref()).await?;
        let items = page.items.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}
