//! Which calls break, and how.

use std::time::Duration;

use super::{Call, Service};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The service's own throttling error; nothing is carried out.
    Throttle,
    /// The service's own answer of this status, 500 or 503; nothing is carried out.
    Status(u16),
    /// It is carried out, but later.
    Delay(Duration),
    /// The connection is dropped; nothing is carried out.
    Reset,
    /// It is carried out, then the connection is dropped: the caller can not know.
    LostAnswer,
    /// `TransactionCanceledException` with a `TransactionConflict` for every item; nothing is carried out.
    TransactionConflict,
    /// The latter half of a batch is not carried out: `UnprocessedKeys`, `UnprocessedItems`, or `Failed` entries. Other calls pass.
    Unprocessed,
}

impl Fault {
    /// Its name in recordings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Status(_) => "status",
            Self::Delay(_) => "delay",
            Self::Reset => "reset",
            Self::LostAnswer => "lost_answer",
            Self::TransactionConflict => "transaction_conflict",
            Self::Unprocessed => "unprocessed",
        }
    }
}

/// A fault, the calls it may strike, and which of them it strikes. Without further words: all calls, always.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    function: Option<String>,
    service: Option<Service>,
    operation: Option<String>,
    resource: Option<String>,
    when: When,
    matched: u64,
}

#[derive(Debug, Clone)]
enum When {
    /// Strikes the matching calls of these numbers, counted from 1.
    Numbers { first: u64, count: u64 },
    /// Strikes this share of the matching calls.
    Share { share: f64, random: SplitMix },
}

impl Rule {
    /// This fault on every call.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            function: None,
            service: None,
            operation: None,
            resource: None,
            when: When::Numbers { first: 1, count: u64::MAX },
            matched: 0,
        }
    }

    /// Only calls of functions whose name ends so: `channel-dispatch` is also `sluice-channel-dispatch`.
    #[must_use]
    pub fn function(mut self, name: impl Into<String>) -> Self {
        self.function = Some(name.into());
        self
    }

    /// Only calls of this service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only this operation.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only calls that work on this resource.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// Strikes only the `number`th matching call from now, counted from 1.
    #[must_use]
    pub fn once(self, number: u64) -> Self {
        self.times(number, 1)
    }

    /// Strikes `count` matching calls, beginning with the `first`th. An SDK's retries are calls like any other.
    #[must_use]
    pub fn times(mut self, first: u64, count: u64) -> Self {
        self.when = When::Numbers { first, count };
        self
    }

    /// Strikes this share (0 to 1) of the matching calls, by a generator with this seed.
    #[must_use]
    pub fn share(mut self, share: f64, seed: u64) -> Self {
        self.when = When::Share { share, random: SplitMix(seed) };
        self
    }

    fn strikes(&mut self, call: &Call) -> bool {
        let matches = self.function.as_ref().is_none_or(|name| call.function.ends_with(name.as_str()))
            && self.service.is_none_or(|service| call.service == service)
            && self.operation.as_ref().is_none_or(|operation| call.operation == *operation)
            && self.resource.as_ref().is_none_or(|resource| call.resources.contains(resource));
        if !matches {
            return false;
        }
        self.matched += 1;
        match &mut self.when {
            When::Numbers { first, count } => self.matched >= *first && self.matched - *first < *count,
            When::Share { share, random } => random.next_unit() < *share,
        }
    }
}

/// The rules in force, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    /// The fault of the first rule that strikes. Every rule counts every call that it matches.
    pub(super) fn strike(&mut self, call: &Call) -> Option<Fault> {
        let mut struck = None;
        for rule in &mut self.0 {
            if rule.strikes(call) && struck.is_none() {
                struck = Some(rule.fault);
            }
        }
        struck
    }
}

/// `SplitMix64`: small, and the same on every machine.
#[derive(Debug, Clone)]
struct SplitMix(u64);

impl SplitMix {
    /// In [0, 1).
    fn next_unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from(u32::try_from(mixed >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(function: &str, operation: &str, resource: &str) -> Call {
        Call {
            function: function.to_owned(),
            service: Service::DynamoDb,
            operation: operation.to_owned(),
            resources: vec![resource.to_owned()],
            items: 1,
            encryption_context: Vec::new(),
            actions: Vec::new(),
        }
    }

    fn struck(rule: Rule, calls: &[Call]) -> Vec<bool> {
        let mut rules = Rules::default();
        rules.add(rule);
        calls.iter().map(|call| rules.strike(call).is_some()).collect()
    }

    #[test]
    fn strikes_only_what_it_names() {
        let calls = [
            call("sluice-compliance-check", "PutItem", "audits"),
            call("channel-dispatch", "PutItem", "audits"),
            call("compliance-check", "GetItem", "audits"),
            call("compliance-check", "PutItem", "orders"),
        ];
        let rule = || Rule::new(Fault::Throttle);
        assert_eq!(struck(rule(), &calls), [true; 4]);
        assert_eq!(struck(rule().function("compliance-check"), &calls), [true, false, true, true]);
        assert_eq!(
            struck(rule().operation("PutItem").resource("audits"), &calls),
            [true, true, false, false]
        );
        assert_eq!(struck(rule().service(Service::Sqs), &calls), [false; 4]);
    }

    #[test]
    fn counts_matching_calls_from_one() {
        let calls = vec![call("f", "PutItem", "t"); 5];
        assert_eq!(struck(Rule::new(Fault::Reset).once(2), &calls), [false, true, false, false, false]);
        assert_eq!(struck(Rule::new(Fault::Reset).times(2, 3), &calls), [false, true, true, true, false]);
    }

    #[test]
    fn a_share_is_kept_and_repeats_with_its_seed() {
        let calls = vec![call("f", "PutItem", "t"); 4_000];
        let run = |seed| struck(Rule::new(Fault::Reset).share(0.25, seed), &calls);
        let count = run(7).into_iter().filter(|struck| *struck).count();
        assert!((900..1_100).contains(&count), "{count} of 4000");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn the_first_rule_that_strikes_decides() {
        let mut rules = Rules::default();
        rules.add(Rule::new(Fault::Throttle).once(2));
        rules.add(Rule::new(Fault::Reset).once(2));
        rules.add(Rule::new(Fault::LostAnswer).once(3));
        let call = call("f", "PutItem", "t");
        let faults: Vec<_> = (0..4).map(|_| rules.strike(&call)).collect();
        assert_eq!(faults, [None, Some(Fault::Throttle), Some(Fault::LostAnswer), None]);
    }
}
