//! Keys: identifiers joined by `#`, which no identifier may hold, so that different parts never make the same key.

use sluice_domain::consent::ConsentKey;
use sluice_domain::id::{EventKey, ExperimentId, MessageId, PersonId, SourceId, TenantId, TraceId};
use sluice_domain::review::{ReviewId, StateName};
use sluice_domain::safety::TextDigest;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::StateKey;

/// Over how many partitions a tenant's day, or a tenant's exposures, are spread: each takes 1 000 writes a second.
///
/// It may be raised at any time, for listings ask every shard; it must never be lowered.
pub(crate) const SHARDS: u8 = 8;

/// Stands in the place of `purpose#recipient` for the withdrawal of everything; no purpose holds an asterisk.
pub(crate) const EVERYTHING: &str = "*";

/// Before the other's name in the place of `purpose#recipient`, where an item says who knows whom; no purpose holds an equals sign.
pub(crate) const ACQUAINTANCE: &str = "=";

const SEPARATOR: char = '#';
/// Digits of a time: enough until the year 33 658, and all of them, so that keys sort as times do.
const DIGITS: usize = 15;

fn join<const N: usize>(parts: [&str; N]) -> String {
    parts.join("#")
}

/// `tenant#source#message`: at most 386 bytes of the 2 048 that a hash key may have.
pub(crate) fn of_event(key: &EventKey) -> String {
    join([key.tenant.as_str(), key.source.as_str(), key.message.as_str()])
}

/// `tenant#experiment#person`.
pub(crate) fn of_exposure(tenant: &TenantId, experiment: &ExperimentId, person: &PersonId) -> String {
    join([tenant.as_str(), experiment.as_str(), person.as_str()])
}

/// `tenant#trace#point`.
pub(crate) fn of_review(id: &ReviewId) -> String {
    join([id.tenant.as_str(), &id.trace.to_string(), id.point.as_str()])
}

/// One partition of a tenant's reviews in a state.
pub(crate) fn state_partition(tenant: &TenantId, state: StateName, shard: u8) -> String {
    join([tenant.as_str(), state.as_str(), &shard.to_string()])
}

/// Every partition of a tenant's reviews in a state.
pub(crate) fn state_partitions(tenant: &TenantId, state: StateName) -> Vec<String> {
    (0..SHARDS).map(|shard| state_partition(tenant, state, shard)).collect()
}

/// `tenant#person`.
pub(crate) fn of_person(tenant: &TenantId, person: &PersonId) -> String {
    join([tenant.as_str(), person.as_str()])
}

/// `=person`.
pub(crate) fn of_acquaintance(other: &PersonId) -> String {
    format!("{ACQUAINTANCE}{other}")
}

/// `purpose#recipient`.
pub(crate) fn of_purpose(key: &ConsentKey) -> String {
    join([key.purpose.as_str(), key.recipient.as_str()])
}

/// Where an event stands in its tenant's day: partition and place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) partition: String,
    pub(crate) at: String,
}

impl Place {
    /// By a moment, then the trace, then the event: no two records of a table have the same place.
    pub(crate) fn of(key: &EventKey, trace: TraceId, at: UnixMillis) -> Self {
        let partition = day_partition(&key.tenant, at.business_day(), shard_of_trace(trace));
        let at = join([&time(at), &trace.to_string(), key.source.as_str(), key.message.as_str()]);
        Self { partition, at }
    }
}

/// `tenant#day#contacts#person`: a partition of its own among those of the day, whose others end in a number.
pub(crate) fn of_contacts(tenant: &TenantId, day: BusinessDay, person: &PersonId) -> String {
    join([tenant.as_str(), &day.to_string(), "contacts", person.as_str()])
}

/// `tenant#checked#digest`: a partition of its own, for no day is called so.
pub(crate) fn of_checked(tenant: &TenantId, text: &TextDigest) -> String {
    join([tenant.as_str(), "checked", text.as_str()])
}

/// `tenant#day#checks`: a partition of its own among those of the day, whose others end in a number or a person.
pub(crate) fn of_checks(tenant: &TenantId, day: BusinessDay) -> String {
    join([tenant.as_str(), &day.to_string(), "checks"])
}

/// `tenant#channels#kind#name`: no day is called `channels`. What tenants share begins with `#`, as no tenant's key does.
pub(crate) fn of_channel_state(key: &StateKey) -> String {
    join([key.tenant.as_ref().map_or("", TenantId::as_str), "channels", key.kind, &key.name])
}

/// One partition of a day.
pub(crate) fn day_partition(tenant: &TenantId, day: BusinessDay, shard: u8) -> String {
    join([tenant.as_str(), &day.to_string(), &shard.to_string()])
}

/// Every partition of a day.
pub(crate) fn day_partitions(tenant: &TenantId, day: BusinessDay) -> Vec<String> {
    (0..SHARDS).map(|shard| day_partition(tenant, day, shard)).collect()
}

/// One partition of a tenant's exposures.
pub(crate) fn tenant_partition(tenant: &TenantId, shard: u8) -> String {
    join([tenant.as_str(), &shard.to_string()])
}

/// Every partition of a tenant's exposures.
pub(crate) fn tenant_partitions(tenant: &TenantId) -> Vec<String> {
    (0..SHARDS).map(|shard| tenant_partition(tenant, shard)).collect()
}

/// The last byte of a trace is random, and made by us: nobody outside can aim at a partition.
pub(crate) fn shard_of_trace(trace: TraceId) -> u8 {
    let [.., last] = trace.as_bytes();
    last % SHARDS
}

/// A person's name is a keyed hash already; its bytes are folded once more, whatever alphabet it is written in (FNV-1a).
pub(crate) fn shard_of_person(person: &PersonId) -> u8 {
    let hash = person.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let folded = hash ^ (hash >> 32) ^ (hash >> 16);
    u8::try_from(folded % u64::from(SHARDS)).unwrap_or_default()
}

/// Milliseconds as digits that sort; times before 1970 count as 1970.
pub(crate) fn time(at: UnixMillis) -> String {
    format!("{:0width$}", at.as_u64(), width = DIGITS)
}

/// The parts of a place: time, trace and event.
pub(crate) fn parse_place(tenant: &TenantId, at: &str) -> Option<(UnixMillis, TraceId, EventKey)> {
    let mut parts = at.splitn(4, SEPARATOR);
    let time = UnixMillis(parts.next()?.parse().ok()?);
    let trace = parts.next()?.parse().ok()?;
    let source = SourceId::new(parts.next()?).ok()?;
    let message = MessageId::new(parts.next()?).ok()?;
    Some((time, trace, EventKey { tenant: tenant.clone(), source, message }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sluice_domain::consent::{Purpose, Recipient};

    /// Everything an identifier may hold, separators of other programs among it.
    const ID: &str = "[a-z0-9._:@/+=-]{1,8}";

    fn event(parts: &(String, String, String)) -> EventKey {
        EventKey {
            tenant: TenantId::new(parts.0.as_str()).unwrap(),
            source: SourceId::new(parts.1.as_str()).unwrap(),
            message: MessageId::new(parts.2.as_str()).unwrap(),
        }
    }

    #[test]
    fn no_identifier_holds_what_separates_or_stands_for_everything() {
        for text in ["a#b", "#", "a*", "*"] {
            assert!(
                TenantId::new(text).is_err() && SourceId::new(text).is_err() && MessageId::new(text).is_err()
            );
            assert!(PersonId::new(text).is_err() && ExperimentId::new(text).is_err());
            assert!(Purpose::new(text).is_err() && Recipient::new(text).is_err());
        }
    }

    #[test]
    fn keys_stay_within_the_limits_of_a_hash_and_a_range_key() {
        let key = event(&("t".repeat(64), "s".repeat(64), "m".repeat(256)));
        let trace = TraceId::from_parts(UnixMillis(i64::MAX), [0xff; 10]);
        assert!(of_event(&key).len() <= 2_048);
        assert!(Place::of(&key, trace, UnixMillis(1)).at.len() <= 1_024);
    }

    proptest! {
        #[test]
        fn different_events_have_different_keys(one in (ID, ID, ID), other in (ID, ID, ID)) {
            prop_assert_eq!(of_event(&event(&one)) == of_event(&event(&other)), one == other);
        }

        /// The same letters, cut at other places.
        #[test]
        fn no_tenant_gets_the_key_of_another(text in "[a-z:/]{4,12}", cut in 1_usize..3, other in 1_usize..3) {
            prop_assume!(cut != other);
            let key = |at: usize| {
                let (tenant, rest) = text.split_at(at);
                let (source, message) = rest.split_at(1);
                event(&(tenant.into(), source.into(), message.into()))
            };
            prop_assert_ne!(of_event(&key(cut)), of_event(&key(other)));
            let person = |at: usize| {
                let (tenant, person) = text.split_at(at);
                of_person(&TenantId::new(tenant).unwrap(), &PersonId::new(person).unwrap())
            };
            prop_assert_ne!(person(cut), person(other));
        }

        #[test]
        fn no_partition_belongs_to_two_tenants(one in ID, other in ID, days in 0_i64..40_000) {
            prop_assume!(one != other);
            let day = UnixMillis(days * sluice_domain::time::DAY_MS).business_day();
            let (one, other) = (TenantId::new(one).unwrap(), TenantId::new(other).unwrap());
            let theirs = day_partitions(&other, day);
            prop_assert!(day_partitions(&one, day).iter().all(|partition| !theirs.contains(partition)));
            let theirs = tenant_partitions(&other);
            prop_assert!(tenant_partitions(&one).iter().all(|partition| !theirs.contains(partition)));
        }

        #[test]
        fn places_sort_by_time_and_come_apart(
            parts in (ID, ID, ID), early in 0_i64..4_000_000_000_000, late in 0_i64..4_000_000_000_000,
            random: [u8; 10],
        ) {
            let key = event(&parts);
            let trace = TraceId::from_parts(UnixMillis(early), random);
            let place = |at| Place::of(&key, trace, UnixMillis(at)).at;
            prop_assert_eq!(place(early).cmp(&place(late)), early.cmp(&late));
            prop_assert_eq!(parse_place(&key.tenant, &place(late)), Some((UnixMillis(late), trace, key.clone())));
            let begins = format!("{}#{}#", key.tenant, UnixMillis(late).business_day());
            let partition = Place::of(&key, trace, UnixMillis(late)).partition;
            prop_assert!(partition.starts_with(&begins));
        }

        #[test]
        fn foreign_places_never_panic(text: String) {
            let _ = parse_place(&TenantId::new("t").unwrap(), &text);
        }
    }

    #[test]
    fn people_are_spread_evenly() {
        let mut counts = [0_u32; SHARDS as usize];
        for number in 0..8_000 {
            counts[usize::from(shard_of_person(&PersonId::new(format!("p-{number:032x}")).unwrap()))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }
}
