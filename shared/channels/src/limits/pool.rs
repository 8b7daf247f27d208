//! The permits that this process holds of one limit, and the order in which it spends them.

use super::cap::Cap;
use super::ledger::{AHEAD_MS, Block, USE_MS, spare_lanes};

/// The most blocks' worth that are taken at once for messages that are not at hand yet.
const MOST_EAGER: u32 = 4;
/// Messages that wait come back in groups of this many: a group shares a write.
const GROUP: u32 = 10;
/// Processes come back spread over a time, so that they seldom meet at the ledger: the longer, the more of them there are.
const SPREAD_MS: (i64, i64) = (50, 2_000);
/// Whoever had the last permits comes back first, the others so much later: one who takes a whole limit writes once for it.
const LATER_MS: i64 = 1_500;

/// One limit in this process.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    block: Option<Block>,
    /// How many blocks there were.
    blocks: u64,
    /// How many of its permits were taken, or came too late.
    taken: u32,
    /// How many came too late.
    wasted: u32,
    /// The block brought some to keep: how many of those were used, and until when the last one may be.
    keeps: bool,
    lends: bool,
    kept: u32,
    last_kept: i64,
    /// Messages that left, as far as the short span sees.
    left: Vec<Left>,
    /// How many ever did.
    tickets: u64,
    /// How many have a permit and have not left.
    going: u32,
    /// Nobody asks the ledger before.
    closed_until: i64,
    /// How many were told to come back then or later.
    in_line: u32,
    /// How much more than what is at hand is taken: it grows while everything is used.
    eager: u32,
    /// Over how long this process spreads its returns: it grows while others are there first.
    spread_ms: i64,
    /// It had the last permits, as far as it knows.
    first: bool,
}

/// A message that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    ticket: u64,
    /// The platform has counted it by then: a margin after it left, or when the answer came, if that was earlier.
    counted_by: i64,
}

/// One message may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permit {
    /// Between these moments.
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// It was kept for later.
    spare: bool,
    /// Of which block of this pool.
    block: u64,
}

/// What a message finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A permit.
    Permit(Permit),
    /// Nothing before this moment.
    Wait(i64),
    /// Nothing here: the ledger is to be asked.
    Nothing,
}

impl Pool {
    /// Takes a permit, if there is one, for one of so many that wait for some.
    pub(crate) fn take(&mut self, cap: &Cap, now: i64, waiting: u32) -> Found {
        let Some(block) = self.block else { return self.closed(now) };
        while self.taken < block.permits {
            let (until, from) = (
                block.until(cap, self.taken),
                self.earliest(cap, block.lanes, now.max(block.from), self.going),
            );
            if now > until || from > until {
                // Too late for this one.
                self.taken += 1;
                self.wasted += 1;
                continue;
            }
            if from > now + AHEAD_MS {
                return Found::Wait(from);
            }
            self.taken += 1;
            self.going += 1;
            return Found::Permit(Permit { from, until, spare: false, block: self.blocks });
        }
        // What is kept is for one at a time, not for a crowd.
        let lanes = cap.short.as_ref().map(spare_lanes);
        if block.spare > 0 && now <= block.spare_until && lanes.is_none_or(|lanes| waiting <= 2 * lanes) {
            let from = self.earliest(cap, lanes, now.max(block.from), self.going);
            if from <= now + AHEAD_MS && from <= block.spare_until {
                self.block = Some(Block { spare: block.spare - 1, ..block });
                self.kept += 1;
                self.going += 1;
                // The ledger is told of it before it has left: so its last moment must be near, and known.
                let until = block.spare_until.min(from + USE_MS);
                self.last_kept = self.last_kept.max(until);
                return Found::Permit(Permit { from, until, spare: true, block: self.blocks });
            }
        }
        self.closed(now)
    }

    fn closed(&self, now: i64) -> Found {
        if self.closed_until > now { Found::Wait(self.closed_until) } else { Found::Nothing }
    }

    /// When the short span has room for one more of this process, after those that are about to leave.
    fn earliest(&self, cap: &Cap, lanes: Option<u32>, at: i64, going: u32) -> i64 {
        let (Some(short), Some(lanes)) = (&cap.short, lanes.filter(|lanes| *lanes > 0)) else { return at };
        let felt = |left: &Left| left.counted_by + short.span_ms;
        let mut felt: Vec<i64> = self.left.iter().map(felt).filter(|until| *until > at).collect();
        let behind = felt.len().checked_sub(usize::try_from(lanes).unwrap_or(usize::MAX));
        // As many as are too many must be felt no more.
        let free = behind.map_or(at, |place| *felt.select_nth_unstable(place).1);
        free + i64::from(going / lanes) * short.step_ms()
    }

    /// May a message with this permit leave now? If not: when, or never (`Err(None)`) when its permit is over.
    pub(crate) fn may_depart(&self, cap: &Cap, permit: Permit, now: i64) -> Result<(), Option<i64>> {
        let lanes = match &cap.short {
            Some(short) if permit.spare => Some(spare_lanes(short)),
            _ => self.block.and_then(|block| block.lanes),
        };
        let at = self.earliest(cap, lanes, now, 0);
        match at > permit.until {
            true => Err(None),
            false if at > now => Err(Some(at)),
            false => Ok(()),
        }
    }

    /// It leaves. Where a short span counts it, the answer to it is of use: [`Pool::answered`].
    pub(crate) fn departed(&mut self, cap: &Cap, now: i64) -> Option<u64> {
        let short = cap.short.as_ref()?;
        self.tickets += 1;
        // Not the oldest: an answer may have freed a later one before it.
        self.left.retain(|left| left.counted_by + short.span_ms > now);
        self.left.push(Left { ticket: self.tickets, counted_by: now + short.margin_ms() });
        Some(self.tickets)
    }

    /// The platform has answered it: it counted it before. That is sure, where the margin only allows for a way that is usual.
    pub(crate) fn answered(&mut self, ticket: u64, now: i64) {
        if let Some(left) = self.left.iter_mut().find(|left| left.ticket == ticket) {
            left.counted_by = left.counted_by.min(now);
        }
    }

    /// The message with this permit has left, or will not.
    pub(crate) fn gone(&mut self) {
        self.going = self.going.saturating_sub(1);
    }

    /// A permit that is not used after all: another message may have it, if its block is still there.
    pub(crate) fn give_back(&mut self, permit: Permit) {
        let Some(block) = &mut self.block else { return };
        if permit.block != self.blocks {
            return;
        }
        if permit.spare && self.lends {
            block.spare += 1;
            self.kept = self.kept.saturating_sub(1);
        } else if !permit.spare && block.lanes.is_none() {
            self.taken = self.taken.saturating_sub(1);
        }
    }

    /// Nothing in it matters any more.
    pub(crate) fn is_over(&self, cap: &Cap, now: i64) -> bool {
        let over =
            |block: Block| block.ends(cap).max(if block.spare > 0 { block.spare_until } else { 0 }) < now;
        self.going == 0 && self.closed_until < now && self.block.is_none_or(over)
    }

    /// How many times what is at hand is taken: more and more while everything is used in time.
    pub(crate) fn eager(&mut self) -> u32 {
        self.eager = match (self.eager.max(1), self.block, self.wasted) {
            (eager, None, _) => eager,
            (eager, Some(_), 0) => (eager * 2).min(MOST_EAGER),
            (eager, Some(_), _) => (eager / 2).max(1),
        };
        self.eager
    }

    /// What became of the spare permits of the block before. From now on none of them is used: the ledger gives them to others.
    pub(crate) fn settle(&mut self) -> Option<(u32, i64)> {
        self.lends = false;
        if let Some(block) = &mut self.block {
            block.spare = 0;
        }
        self.keeps.then_some((self.kept, self.last_kept))
    }

    /// Did it have the last permits, as far as it knows?
    pub(crate) fn is_first(&self) -> bool {
        self.first
    }

    /// A new block takes the place of the one before.
    pub(crate) fn open(&mut self, block: Block) {
        let (least, _) = SPREAD_MS;
        if self.closed_until > 0 {
            self.spread_ms = (self.spread_ms / 2).max(least);
        }
        (self.block, self.taken, self.wasted) = (Some(block), 0, 0);
        self.blocks += 1;
        (self.keeps, self.kept, self.last_kept) = (block.spare > 0, 0, block.from);
        self.lends = self.keeps;
        (self.closed_until, self.in_line, self.first) = (0, 0, true);
    }

    /// There are none before this moment. What was kept has been given back.
    pub(crate) fn close(&mut self, until: i64) {
        (self.keeps, self.lends, self.kept) = (false, false, 0);
        let (least, most) = SPREAD_MS;
        if self.closed_until > 0 {
            // It came when it was told to, and others had been there.
            self.spread_ms = (self.spread_ms * 2).clamp(least, most);
            self.first = false;
        }
        if until > self.closed_until {
            (self.closed_until, self.in_line) = (until, 0);
        }
    }

    /// When a message that found nothing comes back: in groups, one after the other as fast as the limit allows. `offset` is a number
    /// of this process's own.
    pub(crate) fn line(&mut self, cap: &Cap, until: i64, offset: u16) -> i64 {
        let group = i64::from(self.in_line / GROUP);
        self.in_line = self.in_line.saturating_add(1);
        let slowest =
            cap.long.iter().map(|window| window.step_ms() * i64::from(GROUP) / i64::from(window.most));
        let pace = slowest.max().unwrap_or_default();
        // Not always the same process first.
        let turn = u64::from(offset).wrapping_add(until.unsigned_abs().wrapping_mul(40_503)) % 65_536;
        let spread = self.spread_ms.max(SPREAD_MS.0) * i64::try_from(turn).unwrap_or_default() / 65_536;
        // Where a second is kept by turns, whoever has the turn is first anyway.
        let later = if self.first || cap.short.is_some() { 0 } else { LATER_MS };
        until + group * pace + spread + later
    }
}

#[cfg(test)]
mod tests;
