//! Deliveries. A claim carries a random owner and a deadline; only the owner may end it, and only once: a worker that was too
//! slow can neither overwrite nor release the claim of the one that took over.

use sluice_domain::delivery::{Attempt, Delivery, DeliveryState, FencingToken};
use sluice_domain::id::{EventKey, TenantId};
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{Claim, ClaimRequest, Deliveries, Page, PortError, Settlement};

use crate::fault::Fault;
use crate::key::{Key, of_event};
use crate::store::Store;
use crate::tables::{self, Name, Tables};

/// Until when nobody else may claim it; `None` when it is free.
fn busy_until(state: &DeliveryState, now: UnixMillis) -> Option<UnixMillis> {
    match state {
        DeliveryState::Claimed { deadline: until, .. } | DeliveryState::Waiting { until } => {
            (*until > now).then_some(*until)
        }
        DeliveryState::Delivered | DeliveryState::Refused | DeliveryState::InDoubt => None,
    }
}

fn claim(tables: &mut Tables<'_>, request: ClaimRequest) -> Result<Claim, Fault> {
    let key = of_event(&request.key);
    let ClaimRequest { key: event, trace_id, payload_sha256, person, assignment, owner, now, deadline } =
        request;
    let state = DeliveryState::Claimed { owner, deadline };
    let delivery = match tables.json::<Delivery>(Name::Deliveries, key.as_slice())? {
        Some(stored) if !stored.payload_sha256.is_empty() && stored.payload_sha256 != payload_sha256 => {
            return Err(Fault::Call(PortError::OtherPayload { what: "deliveries" }));
        }
        Some(stored) if stored.state.is_settled() => return Ok(Claim::Settled(stored)),
        Some(mut stored) => {
            if let Some(until) = busy_until(&stored.state, now) {
                return Ok(Claim::Held { until });
            }
            stored.state = state;
            stored.note(Attempt::begun(now));
            stored
        }
        None => {
            let attempts = vec![Attempt::begun(now)];
            let of_day = Key::of(&event.tenant).time(now).bytes(key.as_slice());
            let new = Delivery {
                key: event,
                trace_id,
                payload_sha256,
                person,
                assignment,
                fallback: None,
                opened_at: now,
                state,
                attempts,
                forgotten: 0,
            };
            let value = tables::json(Name::Deliveries, &new)?;
            tables.put(Name::DeliveryDays, of_day.as_slice(), key.as_slice())?;
            tables.put(Name::Deliveries, key.as_slice(), &value)?;
            return Ok(Claim::Won(new));
        }
    };
    tables.put(Name::Deliveries, key.as_slice(), &tables::json(Name::Deliveries, &delivery)?)?;
    Ok(Claim::Won(delivery))
}

fn settle(
    tables: &mut Tables<'_>,
    key: &Key,
    owner: FencingToken,
    attempt: Attempt,
    settlement: Settlement,
) -> Result<(), Fault> {
    let mut delivery =
        tables.json::<Delivery>(Name::Deliveries, key.as_slice())?.ok_or(Fault::Call(PortError::Fenced))?;
    match delivery.state {
        DeliveryState::Claimed { owner: holder, .. } if holder == owner => {}
        _ => return Err(Fault::Call(PortError::Fenced)),
    }
    delivery.state = match settlement {
        Settlement::Delivered => DeliveryState::Delivered,
        Settlement::Refused => DeliveryState::Refused,
        Settlement::InDoubt => DeliveryState::InDoubt,
        Settlement::Waiting { until } => DeliveryState::Waiting { until },
        Settlement::FallBack(fallback) => {
            let until = fallback.at;
            delivery.fallback = Some(fallback);
            DeliveryState::Waiting { until }
        }
    };
    match delivery.attempts.last_mut() {
        Some(open) if open.ended_at.is_none() => *open = attempt,
        _ => delivery.note(attempt),
    }
    tables.put(Name::Deliveries, key.as_slice(), &tables::json(Name::Deliveries, &delivery)?)
}

impl Deliveries for Store {
    async fn claim(&self, request: ClaimRequest) -> Result<Claim, PortError> {
        self.write(move |tables| claim(tables, request)).await
    }

    async fn settle(
        &self,
        key: &EventKey,
        owner: FencingToken,
        attempt: Attempt,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        let key = of_event(key);
        self.write(move |tables| settle(tables, &key, owner, attempt, settlement)).await
    }

    async fn delivery(&self, key: &EventKey) -> Result<Option<Delivery>, PortError> {
        self.lookup(Name::Deliveries, of_event(key).as_slice())
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, PortError> {
        self.of_day(Name::DeliveryDays, Name::Deliveries, tenant, day, cursor.as_deref())
    }
}
