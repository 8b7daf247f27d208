//! Several instances over one shared state, judged by the platforms' own limiters, in simulated time.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]
#![allow(dead_code, clippy::allow_attributes, reason = "the measurement uses more of it")]

#[path = "../examples/limits/instances.rs"]
mod instances;

use instances::{Came, Run, channels, run};
use proptest::prelude::*;
use sluice_domain::destination::Channel;

fn came(run_of: &Run) -> Came {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run(run_of))
}

fn told(channel: &Channel, instances: usize) -> Run {
    Run { channel: channel.clone(), instances, minutes: 10, skew_ms: 100, dies: 0, seed: 7 }
}

/// Neither a refusal of the platform, nor a message dropped without a word, nor a call in a block window.
fn assert_within(came: &Came) {
    assert_eq!(came.over_limit, 0, "{came:?}");
    assert_eq!(came.counters.dropped_silently, 0, "{came:?}");
    assert_eq!(came.counters.calls_while_blocked, 0, "{came:?}");
}

/// The aims: 95 % of the limit, a write of the shared state for ten messages.
#[test]
fn ten_minutes_of_each_channel_use_the_limit_and_never_exceed_it() {
    for seed in [7, 8, 9] {
        for (channel, per_minute) in channels() {
            for instances in [1, 4, 16] {
                let came = came(&Run { seed, ..told(&channel, instances) });
                assert_within(&came);
                let row = format!("{} {instances} {seed}: {came:?}", channel.as_str());
                assert!(came.seen * 100 >= per_minute * 10 * 95, "{row}");
                assert!(came.writes * 10 <= came.seen, "{row}");
            }
        }
    }
}

/// The lease goes with the process: fewer messages, but never one too many.
#[test]
fn instances_that_die_between_lease_and_use_never_lead_over_the_limit() {
    for (channel, per_minute) in channels() {
        let came = came(&Run { dies: 4, ..told(&channel, 4) });
        assert_within(&came);
        assert!(came.seen * 3 >= per_minute * 10, "{}: {came:?}", channel.as_str());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever the order of things, with clocks that differ by up to two fifths of a second.
    #[test]
    fn no_order_of_things_leads_over_a_limit_of_minutes(
        seed: u64, instances in 1..17_usize, which in 2..4_usize, skew_ms in 0..200_i64, dies in 0..6_u64,
    ) {
        let [.., bot, member] = channels();
        let (channel, _) = if which == 2 { bot } else { member };
        let came = came(&Run { channel, instances, minutes: 5, skew_ms, dies, seed });
        prop_assert_eq!(
            (came.over_limit, came.counters.dropped_silently, came.counters.calls_while_blocked),
            (0, 0, 0)
        );
    }

    /// Spans of a second are kept too while clocks and ways differ by no more than turns are apart.
    #[test]
    fn no_order_of_things_leads_over_a_limit_of_seconds(
        seed: u64, instances in 1..17_usize, which in 0..2_usize, skew_ms in 0..100_i64,
    ) {
        let [hook, chat, ..] = channels();
        let (channel, _) = if which == 0 { hook } else { chat };
        let came = came(&Run { channel, instances, minutes: 2, skew_ms, dies: 0, seed });
        prop_assert_eq!(came.over_limit, 0);
    }
}
