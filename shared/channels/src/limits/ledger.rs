//! What is spent of one limit, as every process that sends reads and writes it: pure values, no clock, no store.
//!
//! A process takes a block of permits at a time and spends them by itself. A permit counts against a span of time from the moment it is
//! given until a whole span (and a margin) after the last moment at which it may be used. So whatever its holder does, and wherever the
//! platform lets its spans begin, no span sees more than the limit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cap::{Cap, Window};

/// Permits for messages that are at hand are used within this time,
pub(crate) const USE_MS: i64 = 500;
/// and those that were taken for the messages right behind them within this.
pub(crate) const USE_EAGER_MS: i64 = 800;
/// Permits for messages that may still come, while there is room enough; longer, where they are hardly a part of the limit.
const SPARE_MS: i64 = 120_000;
const SPARE_LONG_MS: i64 = 900_000;
const HARDLY: u32 = 100;
/// The most of those, and where they are hardly a part of the limit.
const SPARE_MOST: u32 = 40;
const SPARE_LONG_MOST: u32 = 100;
/// The most permits of one block.
const BLOCK_MOST: u32 = 100;
/// Under pressure nobody writes for fewer than this, or an eighth of the limit (or half of one that is small).
const WORTHWHILE: u32 = 10;
/// A block that will be complete so soon is waited for: two small ones would cost two writes.
const COMPLETE_MS: i64 = 1_000;
/// Permits that are free are not left for longer than this because there are too few of them.
const LEFT_MS: i64 = 5_000;
/// A turn that begins later than this is not taken yet; one that another process is likely to go on with, not before it begins.
pub(crate) const AHEAD_MS: i64 = 3_000;
/// The longest turn, in spans.
const TURN_SPANS: u32 = 8;
/// Between the turns of two processes: their clocks, and their ways to the platform.
const GAP_MS: i64 = 350;
/// A clock that is behind by no more than this takes its time from whoever wrote last.
const BEHIND_MS: i64 = 5_000;
/// Nothing is given for later than this; what says so comes from a clock that is wrong.
const LATEST_MS: i64 = SPARE_LONG_MS + 10_000;
/// Permits of one moment are counted together, at its end: fresh ones by this part of the shortest long span, and those that it no
/// longer sees by a larger part of the longest.
const FRESH_MOMENTS: i64 = 240;
const OLD_MOMENTS: i64 = 64;

/// One limit's account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// When it was last written, by that writer's clock.
    #[serde(rename = "t", default)]
    stamp: i64,
    /// Permits that are used, or will be at once.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    spent: Vec<Spent>,
    /// Permits that somebody keeps for later.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<Held>,
    /// Whose turn it is in the short span, and until when it is felt.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    turn: Option<(String, i64)>,
    /// It was taken for more than one span: whoever has it is likely to go on.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    busy: bool,
    /// Who wanted some of a shared limit and got none: until when that counts, and how many.
    #[serde(rename = "w", default, skip_serializing_if = "BTreeMap::is_empty")]
    wants: BTreeMap<String, (i64, u32)>,
}

/// The last moment of use, how many, and whose where companies share the limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Spent(i64, u32, #[serde(default, skip_serializing_if = "String::is_empty")] String);

/// Who, until when, how many, and whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held(String, i64, u32, #[serde(default, skip_serializing_if = "String::is_empty")] String);

/// What a process asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// By its own clock.
    pub(crate) now: i64,
    /// Who asks.
    pub(crate) holder: &'a str,
    /// For which company; empty where it does not matter.
    pub(crate) tenant: &'a str,
    /// For how many messages at hand.
    pub(crate) need: u32,
    /// So many times as many: for those right behind them, which have a little longer.
    pub(crate) eager: u32,
    /// What became of the permits that it kept: how many were used, and until when the last one may be.
    pub(crate) kept: Option<(u32, i64)>,
}

/// What it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Permits.
    Block(Block),
    /// None before then.
    Wait(i64),
}

/// Permits, by the asker's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// So many,
    pub(crate) permits: u32,
    /// from this moment, spare ones too,
    pub(crate) from: i64,
    /// each so long after its time.
    pub(crate) slack_ms: i64,
    /// At most so many of them in the short span: their times are a step apart.
    pub(crate) lanes: Option<u32>,
    /// To keep for later, until then; in the short span at most [`spare_lanes`].
    pub(crate) spare: u32,
    pub(crate) spare_until: i64,
}

impl Block {
    /// Until when the permit of this number may be used: as early as it can be, where a long span counts it, for there it is felt for
    /// as long again. Where none does, any moment of the turn is as good.
    pub(crate) fn until(&self, cap: &Cap, number: u32) -> i64 {
        let number = if cap.long.is_empty() { self.permits.saturating_sub(1) } else { number };
        let step = cap.short.map_or(0, |short| short.step_ms());
        self.from + i64::from(number / self.lanes.unwrap_or(u32::MAX).max(1)) * step + self.slack_ms
    }

    /// And the last one of all.
    pub(crate) fn ends(&self, cap: &Cap) -> i64 {
        self.until(cap, self.permits.saturating_sub(1))
    }
}

/// How many of the permits that a process keeps it may use in the short span.
pub(crate) fn spare_lanes(short: &Window) -> u32 {
    (short.most / 10).max(1)
}

impl Ledger {
    /// Takes a block of permits, or says when to come back. Says whether the ledger changed: only then it is to be written.
    pub(crate) fn take(&mut self, cap: &Cap, ask: Ask<'_>) -> (Answer, bool) {
        let now = self.begin(cap, ask.now);
        // Between the ledger's time and the asker's own.
        let shift = now - ask.now;
        let settled = self.settle(cap, ask, now);
        let (answer, changed) = match self.room(cap, ask, now) {
            Ok(permits) => (Answer::Block(self.give(cap, ask, now, permits)), true),
            Err(until) => (Answer::Wait(until.max(now + 1)), self.want(cap, ask, now)),
        };
        if settled || changed {
            self.stamp = now;
        }
        let answer = match answer {
            Answer::Wait(until) => Answer::Wait(until - shift),
            Answer::Block(block) => Answer::Block(Block {
                from: block.from - shift,
                spare_until: block.spare_until - shift,
                ..block
            }),
        };
        (answer, settled || changed)
    }

    /// Until when it says anything.
    pub(crate) fn forget_at(&self, cap: &Cap) -> i64 {
        self.stamp + LATEST_MS + cap.longest_ms()
    }

    /// Forgets what no span sees any more; the moment that counts as now.
    fn begin(&mut self, cap: &Cap, now: i64) -> i64 {
        let now = if (1..=BEHIND_MS).contains(&(self.stamp - now)) { self.stamp } else { now };
        let latest = now + LATEST_MS;
        self.spent.iter_mut().for_each(|spent| spent.0 = spent.0.min(latest));
        self.held.iter_mut().for_each(|held| held.1 = held.1.min(latest));
        if let Some((_, ends)) = &mut self.turn {
            *ends = (*ends).min(latest);
        }
        let gone = now - cap.longest_ms();
        self.spent.retain(|spent| spent.0 > gone);
        self.held.retain(|held| held.1 > gone);
        self.wants.retain(|_, (until, _)| *until > now);
        self.compact(cap, now);
        now
    }

    /// Counts together what only the longest spans still see: the latest moment of each part stands for the part.
    fn compact(&mut self, cap: &Cap, now: i64) {
        let Some(shortest) = cap.long.first() else { return };
        let (seen, part) = (now - shortest.step_ms(), (cap.longest_ms() / OLD_MOMENTS).max(1));
        let mut old: BTreeMap<(i64, String), (i64, u32)> = BTreeMap::new();
        self.spent.retain(|Spent(at, count, whose)| {
            if *at <= seen {
                let (latest, sum) = old.entry((at.div_euclid(part), whose.clone())).or_default();
                (*latest, *sum) = ((*latest).max(*at), sum.saturating_add(*count));
            }
            *at > seen
        });
        self.spent.extend(old.into_iter().map(|((_, whose), (at, count))| Spent(at, count, whose)));
    }

    /// What the asker kept is now known exactly.
    fn settle(&mut self, cap: &Cap, ask: Ask<'_>, now: i64) -> bool {
        let before = self.held.len();
        self.held.retain(|held| held.0 != ask.holder);
        let (Some((used, last)), true) = (ask.kept, before != self.held.len()) else {
            return before != self.held.len();
        };
        let last = last.clamp(ask.now - LATEST_MS, ask.now + AHEAD_MS + USE_MS) + (now - ask.now);
        if used > 0 && cap.short.is_some() {
            // Nobody's any more, but the short span may still feel its last one.
            self.held.push(Held(String::new(), last, used, ask.tenant.to_owned()));
        } else if used > 0 {
            self.spend(cap, last, used, ask.tenant);
        }
        true
    }

    fn spend(&mut self, cap: &Cap, at: i64, count: u32, tenant: &str) {
        let part = (cap.shortest_long_ms() / FRESH_MOMENTS).max(1);
        let near = |spent: &&mut Spent| spent.0.div_euclid(part) == at.div_euclid(part) && spent.2 == tenant;
        match self.spent.iter_mut().find(near) {
            // The later moment counts for both: never too early.
            Some(spent) => (spent.0, spent.1) = (spent.0.max(at), spent.1.saturating_add(count)),
            None => self.spent.push(Spent(at, count, tenant.to_owned())),
        }
    }

    /// Every count with the moment from which a window no longer sees it, soonest first.
    fn seen_by(&self, window: &Window, now: i64) -> Vec<(i64, u32)> {
        let spent = self.spent.iter().map(|spent| (spent.0, spent.1));
        let held = self.held.iter().map(|held| (held.1, held.2));
        let mut seen: Vec<_> = spent
            .chain(held)
            .map(|(at, count)| (at + window.span_ms + window.margin_ms(), count))
            .filter(|(until, _)| *until > now)
            .collect();
        seen.sort_unstable();
        seen
    }

    fn used(&self, window: &Window, now: i64) -> u32 {
        self.seen_by(window, now).iter().fold(0_u32, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// How many permits there are for this asker now, or when there are enough to be worth a write.
    fn room(&self, cap: &Cap, ask: Ask<'_>, now: i64) -> Result<u32, i64> {
        let starts = self.turn_starts(cap, ask.holder, now);
        let ahead = if self.busy && !self.is_turn_of(ask.holder) { 0 } else { AHEAD_MS };
        if starts > now + ahead {
            return Err(starts - ahead / 2);
        }
        let most = cap.long.iter().map(|window| window.most).min();
        let want = ask.need.saturating_mul(ask.eager).clamp(1, BLOCK_MOST).min(most.unwrap_or(BLOCK_MOST));
        // Nobody writes for a handful when more are at hand.
        let least =
            |most: u32| if cap.short.is_some() { want.min(most / 4) } else { WORTHWHILE.min(most / 2) };
        let enough = most
            .map_or(1, |most| least(most).min(if ask.need < WORTHWHILE { ask.need } else { want }).max(1));
        let (enough_at, complete_at) = (self.begins(cap, enough, starts), self.begins(cap, want, starts));
        let begins = if complete_at <= enough_at + COMPLETE_MS { complete_at } else { enough_at };
        // But what is here and worth a write does not lie about for long.
        let left = begins > starts + LEFT_MS && self.grantable(cap, want, starts) >= WORTHWHILE;
        if begins > starts && !left {
            return Err(begins);
        }
        match self.fair(cap, ask.tenant, self.grantable(cap, want, starts), now) {
            // Others were here before; their wants end within the span.
            0 => Err(now + cap.shortest_long_ms() / 8),
            fair => Ok(fair),
        }
    }

    /// The first moment from which so many can be given.
    fn begins(&self, cap: &Cap, count: u32, from: i64) -> i64 {
        if self.grantable(cap, count, from) >= count {
            return from;
        }
        let mut moments: Vec<i64> =
            cap.long.iter().flat_map(|window| self.seen_by(window, from)).map(|(until, _)| until).collect();
        moments.sort_unstable();
        let last = moments.last().copied().unwrap_or(from);
        moments.into_iter().find(|moment| self.grantable(cap, count, *moment) >= count).unwrap_or(last)
    }

    /// How many of so many can be given from a moment on: those of each short span must fit into the long ones at their time.
    fn grantable(&self, cap: &Cap, want: u32, from: i64) -> u32 {
        let lanes = self.lanes(cap, from).unwrap_or(want).max(1);
        let (step, spans) = cap.short.map_or((0, 1), |short| (short.step_ms(), TURN_SPANS));
        let mut given = 0;
        for span in 0..i64::from(spans) {
            let at = from + span * step;
            let free = cap.long.iter().map(|window| window.most.saturating_sub(self.used(window, at))).min();
            let free = free.map_or(want, |free| free.saturating_sub(given));
            let more = free.min(lanes).min(want - given);
            given += more;
            if more < lanes {
                break;
            }
        }
        given
    }

    /// How many may leave in the short span: those who keep some may use them in the same one.
    fn lanes(&self, cap: &Cap, now: i64) -> Option<u32> {
        let short = cap.short.as_ref()?;
        let keepers = self.held.iter().filter(|held| held.1 + short.step_ms() > now).count();
        let theirs = u32::try_from(keepers).unwrap_or(u32::MAX).saturating_mul(spare_lanes(short));
        Some(short.most.saturating_sub(theirs).max(1))
    }

    /// Of what is free, how much this company may have: all of it up to its equal share; beyond that, what nobody with less than
    /// an equal share has asked for in vain.
    fn fair(&self, cap: &Cap, tenant: &str, free: u32, now: i64) -> u32 {
        let Some(window) = cap.long.first().filter(|_| cap.shared && !self.wants.is_empty()) else {
            return free;
        };
        let mut used: BTreeMap<&str, u32> = self.wants.keys().map(|name| (name.as_str(), 0)).collect();
        used.entry(tenant).or_default();
        let held = self.held.iter().map(|held| (held.1, held.2, held.3.as_str()));
        for (at, count, whose) in
            self.spent.iter().map(|spent| (spent.0, spent.1, spent.2.as_str())).chain(held)
        {
            if at + window.span_ms + window.margin_ms() > now {
                *used.entry(whose).or_default() += count;
            }
        }
        let share = window.most / u32::try_from(used.len()).unwrap_or(u32::MAX).max(1);
        let own = used.get(tenant).copied().unwrap_or_default();
        let reserved: u32 = self
            .wants
            .iter()
            .filter(|(name, _)| name.as_str() != tenant)
            .map(|(name, (_, count))| {
                // Never more than was asked for: what nobody wants is not kept free.
                share.saturating_sub(used.get(name.as_str()).copied().unwrap_or_default()).min(*count)
            })
            .sum();
        let total = window.most.saturating_sub(self.used(window, now));
        let left = total.saturating_sub(reserved);
        free.min(share.saturating_sub(own).max(left))
    }

    /// Notes what a company asked for in vain of a limit that it shares.
    fn want(&mut self, cap: &Cap, ask: Ask<'_>, now: i64) -> bool {
        let Some(window) = cap.long.first().filter(|_| cap.shared) else { return false };
        let until = now + window.span_ms;
        let (ends, count) = self.wants.entry(ask.tenant.to_owned()).or_default();
        let wanted = count.saturating_add(ask.need.min(BLOCK_MOST)).min(window.most / 2);
        if *count == wanted && *ends > now + window.span_ms / 2 {
            return false;
        }
        (*ends, *count) = (until, wanted);
        true
    }

    /// And what it has got of it since.
    fn got(&mut self, tenant: &str, permits: u32) {
        if let Some((_, count)) = self.wants.get_mut(tenant) {
            *count = count.saturating_sub(permits);
        }
        self.wants.retain(|_, (_, count)| *count > 0);
    }

    /// After another's turn, once it is felt no more; after one's own, a step after its last span. So whoever has the turn goes on
    /// without the gap between two processes for as long as it has messages, and the others find it free when it has none.
    fn turn_starts(&self, cap: &Cap, holder: &str, now: i64) -> i64 {
        let (Some(short), Some((_, ends))) = (&cap.short, &self.turn) else { return now };
        let own = ends - short.span_ms - GAP_MS - USE_MS + short.step_ms();
        now.max(if self.is_turn_of(holder) { own } else { *ends })
    }

    fn is_turn_of(&self, holder: &str) -> bool {
        self.turn.as_ref().is_some_and(|(whose, _)| whose == holder)
    }

    fn give(&mut self, cap: &Cap, ask: Ask<'_>, now: i64, permits: u32) -> Block {
        let mut block = Block {
            permits,
            from: self.turn_starts(cap, ask.holder, now),
            slack_ms: if ask.eager > 1 && cap.short.is_none() { USE_EAGER_MS } else { USE_MS },
            lanes: self.lanes(cap, now),
            spare: 0,
            spare_until: now,
        };
        if let Some(short) = &cap.short {
            self.turn = Some((ask.holder.to_owned(), block.ends(cap) + short.span_ms + GAP_MS));
            self.busy = block.lanes.is_some_and(|lanes| block.permits > lanes);
        }
        let mut number = 0;
        while number < block.permits {
            let count = block.lanes.unwrap_or(u32::MAX).min(block.permits - number);
            self.spend(cap, block.until(cap, number), count, ask.tenant);
            number += count;
        }
        self.got(ask.tenant, block.permits);
        block.spare = self.spare(cap, now);
        if block.spare > 0 {
            let hardly = cap.long.iter().all(|window| block.spare <= window.most / HARDLY);
            block.spare_until = now + if hardly { SPARE_LONG_MS } else { SPARE_MS };
            self.held.push(Held(
                ask.holder.to_owned(),
                block.spare_until,
                block.spare,
                ask.tenant.to_owned(),
            ));
        }
        block
    }

    /// While less than half of a limit is used, a process may keep up to that half for what comes next: it saves the writes.
    fn spare(&self, cap: &Cap, now: i64) -> u32 {
        let crowded = cap.short.is_some_and(|short| {
            let keepers = self.held.iter().filter(|held| !held.0.is_empty() && held.1 > now).count();
            let kept = u32::try_from(keepers).unwrap_or(u32::MAX);
            kept.saturating_add(1).saturating_mul(spare_lanes(&short)) > short.most / 2
        });
        let half = cap.long.iter().map(|window| (window.most / 2).saturating_sub(self.used(window, now)));
        let hardly = cap.long.iter().map(|window| window.most / HARDLY).min().unwrap_or(0);
        let most = hardly.clamp(SPARE_MOST, SPARE_LONG_MOST);
        if crowded { 0 } else { half.min().unwrap_or(0).min(most) }
    }
}

#[cfg(test)]
mod tests;
