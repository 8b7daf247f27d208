use std::fmt;

use sluice_domain::delivery::{Attempt, Delivery, DeliveryState, FencingToken, Outcome};
use sluice_domain::time::UnixMillis;

use crate::{Claim, ClaimRequest, PortError, Settlement};

/// What must hold in every interleaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// A claim has one owner at a time, it ends at most once, and what is settled stays so.
    OneOwner,
    /// Who lost the claim, or did not get it, changes nothing.
    Fenced,
    /// The person sees the message once at most, and the record doesn't say otherwise.
    Effect,
    /// Every claim and every accepted end is in the record, and nothing else.
    Books,
    /// When faults cease, the delivery is settled: no message is lost, no claim is a lock.
    Progress,
    /// The same schedule leads to the same state, and the adapter answers. Without it, exploring proves nothing.
    Repeatable,
}

/// A property that did not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub property: Property,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.property, self.what)
    }
}

/// Who may do what, by the answers the adapter gave: kept beside the adapter, and by the port's contract alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Free { from: UnixMillis },
    Held { owner: FencingToken, deadline: UnixMillis },
    Final,
}

/// The book that is kept of a delivery beside its adapter.
#[derive(Debug)]
pub(super) struct Ledger {
    standing: Standing,
    wins: usize,
    ends: usize,
    breach: Option<Breach>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { standing: Standing::Free { from: UnixMillis(i64::MIN) }, wins: 0, ends: 0, breach: None }
    }
}

impl Ledger {
    /// The first breach.
    pub(super) fn breach(&self) -> Option<&Breach> {
        self.breach.as_ref()
    }

    fn check(&mut self, holds: bool, property: Property, what: impl FnOnce() -> String) {
        if !holds && self.breach.is_none() {
            self.breach = Some(Breach { property, what: what() });
        }
    }

    /// A claim was answered; the record before and after it.
    pub(super) fn claimed(
        &mut self,
        request: &ClaimRequest,
        answer: &Result<Claim, PortError>,
        before: Option<&Delivery>,
        after: Option<&Delivery>,
    ) {
        let (standing, now) = (self.standing, request.now);
        let busy_until = match standing {
            Standing::Free { from: until } | Standing::Held { deadline: until, .. } => {
                (until > now).then_some(until)
            }
            Standing::Final => None,
        };
        match answer {
            Ok(Claim::Won(_)) => {
                let free = busy_until.is_none() && standing != Standing::Final;
                self.check(free, Property::OneOwner, || format!("a claim was won that was {standing:?}"));
                self.wins = self.wins.saturating_add(1);
                self.standing = Standing::Held { owner: request.owner, deadline: request.deadline };
            }
            Ok(Claim::Held { until }) => {
                let right = busy_until == Some(*until);
                self.check(right, Property::Progress, || {
                    format!("held until {until}, though it is {standing:?}")
                });
                self.unchanged("a claim that was held", before, after);
            }
            Ok(Claim::Settled(_)) => {
                let right = standing == Standing::Final;
                self.check(right, Property::Progress, || {
                    format!("settled already, though it is {standing:?}")
                });
                self.unchanged("a claim on a settled delivery", before, after);
            }
            Err(error) => {
                self.check(false, Property::Repeatable, || format!("the adapter does not claim: {error}"));
            }
        }
    }

    /// An end was answered; the record before and after it.
    pub(super) fn ended(
        &mut self,
        owner: FencingToken,
        end: (&Attempt, &Settlement),
        answer: &Result<(), PortError>,
        before: Option<&Delivery>,
        after: Option<&Delivery>,
    ) {
        let standing = self.standing;
        let owns = matches!(standing, Standing::Held { owner: holder, .. } if holder == owner);
        match answer {
            Ok(()) => {
                self.check(owns, Property::OneOwner, || {
                    format!("{owner:?} ended a claim that is {standing:?}")
                });
                let (attempt, settlement) = end;
                let written = after.is_some_and(|it| it.attempts.last() == Some(attempt));
                let state = after.map(|it| &it.state);
                self.check(written && state == Some(&state_of(settlement)), Property::Books, || {
                    format!("the end {settlement:?} was accepted, and the record says {state:?}")
                });
                self.ends = self.ends.saturating_add(1);
                self.standing = match settlement {
                    Settlement::Waiting { until } => Standing::Free { from: *until },
                    Settlement::FallBack(fallback) => Standing::Free { from: fallback.at },
                    Settlement::Delivered | Settlement::Refused | Settlement::InDoubt => Standing::Final,
                };
            }
            Err(PortError::Fenced) => {
                self.check(!owns, Property::Progress, || "the owner of the claim was fenced".to_owned());
                self.unchanged("a fenced worker", before, after);
            }
            Err(error) => {
                self.check(false, Property::Repeatable, || format!("the adapter does not settle: {error}"));
            }
        }
    }

    fn unchanged(&mut self, who: &str, before: Option<&Delivery>, after: Option<&Delivery>) {
        self.check(before == after, Property::Fenced, || {
            format!("{who} changed the record from {before:?} to {after:?}")
        });
    }

    /// What holds at any moment.
    pub(super) fn check_effects(&mut self, effects: usize) {
        self.check(effects <= 1, Property::Effect, || format!("the person sees the message {effects} times"));
    }

    /// What holds when all is over.
    pub(super) fn balance(&mut self, effects: usize, record: Option<&Delivery>) {
        let Some(record) = record.filter(|record| record.state.is_settled()) else {
            self.check(false, Property::Progress, || format!("never settled: {record:?}"));
            return;
        };
        self.check_effects(effects);
        let unclear = record.attempts.iter().any(is_unclear);
        let told = match record.state {
            DeliveryState::Delivered => effects == 1,
            DeliveryState::Refused => effects == 0,
            DeliveryState::InDoubt => unclear,
            DeliveryState::Claimed { .. } | DeliveryState::Waiting { .. } => false,
        };
        self.check(told, Property::Effect, || {
            format!(
                "the person sees the message {effects} times, the record says {:?}: {:?}",
                record.state, record.attempts
            )
        });
        let (wins, ends) = (self.wins, self.ends);
        let (attempts, ended) =
            (record.attempts.len(), record.attempts.iter().filter(|it| it.ended_at.is_some()).count());
        self.check((attempts, ended) == (wins, ends), Property::Books, || {
            format!(
                "{wins} claims were won and {ends} ended, the record has {attempts} attempts, {ended} ended"
            )
        });
    }

    /// As a part of a state's description.
    pub(super) fn shape(&self) -> String {
        format!("{:?} {} {}", self.standing, self.wins, self.ends)
    }
}

fn state_of(settlement: &Settlement) -> DeliveryState {
    match settlement {
        Settlement::Delivered => DeliveryState::Delivered,
        Settlement::Refused => DeliveryState::Refused,
        Settlement::InDoubt => DeliveryState::InDoubt,
        Settlement::Waiting { until } => DeliveryState::Waiting { until: *until },
        Settlement::FallBack(fallback) => DeliveryState::Waiting { until: fallback.at },
    }
}

/// Nobody knows whether this attempt's request was taken.
pub(super) fn is_unclear(attempt: &Attempt) -> bool {
    matches!(attempt.outcome, None | Some(Outcome::Unclear))
}
