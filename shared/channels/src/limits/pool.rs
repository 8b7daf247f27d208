//! The permits that this process holds of one limit, and the order in which it spends them.

use std::collections::VecDeque;

use super::cap::{Cap, Window};
use super::ledger::{AHEAD_MS, Block, spare_lanes};

/// The most blocks' worth that are taken at once for messages that are not at hand yet.
const MOST_EAGER: u32 = 4;
/// Messages that wait come back in groups of this many: a group shares a write.
const GROUP: u32 = 10;
/// Processes come back spread over a time, so that they seldom meet at the ledger: the longer, the more of them there are.
const SPREAD_MS: (i64, i64) = (50, 2_000);

/// One limit in this process.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    block: Option<Block>,
    /// How many of its permits were taken, or came too late.
    taken: u32,
    /// How many came too late.
    wasted: u32,
    /// The block brought some to keep: how many of those were used, and when the last one.
    keeps: bool,
    kept: u32,
    last_kept: i64,
    /// When messages left, as far as the short span sees.
    left: VecDeque<i64>,
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
}

/// One message may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permit {
    /// Between these moments.
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// It was kept for later.
    spare: bool,
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
            return Found::Permit(Permit { from, until, spare: false });
        }
        // What is kept is for one at a time, not for a crowd.
        let lanes = cap.short.as_ref().map(spare_lanes);
        if block.spare > 0 && now <= block.spare_until && lanes.is_none_or(|lanes| waiting <= 2 * lanes) {
            let from = self.earliest(cap, lanes, now.max(block.from), self.going);
            if from <= now + AHEAD_MS && from <= block.spare_until {
                self.block = Some(Block { spare: block.spare - 1, ..block });
                self.kept += 1;
                self.going += 1;
                return Found::Permit(Permit { from, until: block.spare_until, spare: true });
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
        let behind = usize::try_from(lanes).unwrap_or(usize::MAX);
        let oldest = self.left.len().checked_sub(behind).and_then(|place| self.left.get(place));
        let free = oldest.map_or(at, |oldest| at.max(oldest + short.step_ms()));
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

    /// It leaves.
    pub(crate) fn departed(&mut self, cap: &Cap, permit: Permit, now: i64) {
        if permit.spare {
            self.last_kept = self.last_kept.max(now);
        }
        if let Some(short) = &cap.short {
            self.left.push_back(now);
            while self.left.len() > most(short) {
                self.left.pop_front();
            }
        }
    }

    /// The message with this permit has left, or will not.
    pub(crate) fn gone(&mut self) {
        self.going = self.going.saturating_sub(1);
    }

    /// A permit that is not used after all: another message may have it, if its block is still there.
    pub(crate) fn give_back(&mut self, permit: Permit) {
        let Some(block) = &mut self.block else { return };
        if permit.spare && permit.until == block.spare_until {
            block.spare += 1;
            self.kept = self.kept.saturating_sub(1);
        } else if !permit.spare && block.lanes.is_none() && permit.until == block.from + block.slack_ms {
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

    /// What became of the spare permits of the block before.
    pub(crate) fn kept(&self) -> Option<(u32, i64)> {
        self.block.filter(|_| self.keeps).map(|_| (self.kept, self.last_kept))
    }

    /// A new block takes the place of the one before.
    pub(crate) fn open(&mut self, block: Block) {
        let (least, _) = SPREAD_MS;
        if self.closed_until > 0 {
            self.spread_ms = (self.spread_ms / 2).max(least);
        }
        (self.block, self.taken, self.wasted) = (Some(block), 0, 0);
        (self.keeps, self.kept, self.last_kept) = (block.spare > 0, 0, block.from);
        (self.closed_until, self.in_line) = (0, 0);
    }

    /// There are none before this moment. What was kept has been given back.
    pub(crate) fn close(&mut self, until: i64) {
        if let Some(block) = &mut self.block {
            (block.spare, block.spare_until) = (0, block.from);
        }
        (self.keeps, self.kept) = (false, 0);
        let (least, most) = SPREAD_MS;
        if self.closed_until > 0 {
            // It came when it was told to, and others had been there.
            self.spread_ms = (self.spread_ms * 2).clamp(least, most);
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
        until + group * pace + spread
    }
}

fn most(short: &Window) -> usize {
    usize::try_from(short.most).unwrap_or(usize::MAX)
}
