//! Remembered answers of remote checks, and how many requests a tenant made on a day.
//!
//! Answers lie by the day on which their time ends, so that those of earlier days can be taken away in one range.

use redb::ReadableTable as _;
use serde::{Deserialize, Serialize};
use sluice_domain::id::TenantId;
use sluice_domain::safety::{Answer, SafetyPolicy, TextDigest};
use sluice_domain::time::{BusinessDay, DAY_MS, UnixMillis};
use sluice_ports::{CheckedTexts, Place, PortError};

use crate::fault::Fault;
use crate::key::Key;
use crate::store::Store;
use crate::tables::{self, Name, Tables};

/// Each write takes away a few of what serves nobody any more.
const TAKEN_AWAY: usize = 64;

/// The last day that an answer may lie on: a week from now, and one for the rest of the day.
const LAST_DAY: i64 = 8;
const _: () = assert!(SafetyPolicy::MOST_HOURS <= 7 * 24, "an answer lies on one of these days");

#[derive(Serialize, Deserialize)]
struct Kept {
    answer: Answer,
    until: UnixMillis,
}

fn of_day(tenant: &TenantId, day: BusinessDay) -> Key {
    Key::of(tenant).time(day.start())
}

fn answer_key(tenant: &TenantId, day: BusinessDay, text: &TextDigest) -> Key {
    of_day(tenant, day).part(text.as_str())
}

/// Where an answer for a text may lie now: one key for each day on which its time may end.
fn places(tenant: &TenantId, text: &TextDigest, now: UnixMillis) -> impl Iterator<Item = Key> {
    let day = move |ahead: i64| now.plus_ms(ahead.saturating_mul(DAY_MS)).business_day();
    (0..=LAST_DAY).map(move |ahead| answer_key(tenant, day(ahead), text))
}

fn forget(tables: &mut Tables<'_>, name: Name, tenant: &TenantId, before: BusinessDay) -> Result<(), Fault> {
    let (from, to) = (Key::of(tenant), of_day(tenant, before));
    let mut old = Vec::new();
    for entry in tables
        .table(name)?
        .range::<&[u8]>(from.as_slice()..to.as_slice())
        .map_err(Fault::store)?
        .take(TAKEN_AWAY)
    {
        old.push(entry.map_err(Fault::store)?.0.value().to_vec());
    }
    for key in old {
        tables.remove(name, &key)?;
    }
    Ok(())
}

fn take(tables: &mut Tables<'_>, tenant: &TenantId, day: BusinessDay, most: u32) -> Result<Place, Fault> {
    let key = of_day(tenant, day);
    let made: u32 = tables.json(Name::CheckBudgets, key.as_slice())?.unwrap_or_default();
    if made >= most {
        return Ok(Place::Full);
    }
    let value = tables::json(Name::CheckBudgets, &made.saturating_add(1))?;
    tables.put(Name::CheckBudgets, key.as_slice(), &value)?;
    forget(tables, Name::CheckBudgets, tenant, day.previous())?;
    Ok(Place::Taken)
}

impl CheckedTexts for Store {
    async fn checked(
        &self,
        tenant: &TenantId,
        text: &TextDigest,
        now: UnixMillis,
    ) -> Result<Option<Answer>, PortError> {
        let mut newest: Option<Kept> = None;
        for key in places(tenant, text, now) {
            let found = self.lookup::<Kept>(Name::CheckedTexts, key.as_slice())?;
            let newer = |kept: &Kept| newest.as_ref().is_none_or(|before| before.answer.at <= kept.answer.at);
            if let Some(kept) = found.filter(|kept| kept.until > now).filter(newer) {
                newest = Some(kept);
            }
        }
        Ok(newest.map(|kept| kept.answer))
    }

    async fn remember(
        &self,
        tenant: &TenantId,
        text: &TextDigest,
        answer: Answer,
        until: UnixMillis,
    ) -> Result<(), PortError> {
        let (tenant, text, now) = (tenant.clone(), text.clone(), self.now());
        let value = tables::json(Name::CheckedTexts, &Kept { answer, until })?;
        self.write(move |tables| {
            // One text has one answer.
            for key in places(&tenant, &text, now) {
                tables.remove(Name::CheckedTexts, key.as_slice())?;
            }
            tables.put(
                Name::CheckedTexts,
                answer_key(&tenant, until.business_day(), &text).as_slice(),
                &value,
            )?;
            forget(tables, Name::CheckedTexts, &tenant, now.business_day())
        })
        .await
    }

    async fn take_request(&self, tenant: &TenantId, day: BusinessDay, most: u32) -> Result<Place, PortError> {
        let tenant = tenant.clone();
        self.write(move |tables| take(tables, &tenant, day, most)).await
    }
}
