use proptest::prelude::*;
use sluice_domain::limit::Span;

use super::*;

const NOW: i64 = 1_795_255_200_000;

fn cap(spans: &[(u32, u32)]) -> Cap {
    let spans: Vec<Span> =
        spans.iter().map(|(most, seconds)| Span { most: *most, seconds: *seconds }).collect();
    Cap::new(&spans, false)
}

fn ask(now: i64, holder: &str, need: u32) -> Ask<'_> {
    Ask { now, holder, tenant: "", need, eager: 1, kept: None }
}

fn block(answer: (Answer, bool)) -> Block {
    match answer {
        (Answer::Block(block), true) => block,
        other => panic!("{other:?}"),
    }
}

fn wait(answer: (Answer, bool)) -> i64 {
    match answer {
        (Answer::Wait(until), _) => until,
        (Answer::Block(block), _) => panic!("{block:?}"),
    }
}

#[test]
fn a_limit_is_given_out_once_in_its_span() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(20, 60)]));
    assert_eq!(block(ledger.take(&cap, ask(NOW, "a", 10))).permits, 10);
    assert_eq!(block(ledger.take(&cap, ask(NOW, "b", 10))).permits, 10);
    let until = wait(ledger.take(&cap, ask(NOW + 200, "c", 10)));
    assert_eq!(until, NOW + USE_MS + 61_000, "a span and a margin after the last moment of use");
    assert_eq!(block(ledger.take(&cap, ask(until, "c", 10))).permits, 10);
}

#[test]
fn a_refusal_changes_nothing_and_costs_no_write() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(20, 60)]));
    let _given = ledger.take(&cap, ask(NOW, "a", 20));
    let before = ledger.clone();
    let (answer, changed) = ledger.take(&cap, ask(NOW + 1, "b", 5));
    assert!(matches!(answer, Answer::Wait(_)) && !changed);
    assert_eq!(ledger, before);
}

#[test]
fn with_room_enough_a_process_keeps_some_for_later_and_gives_them_back() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(20, 60)]));
    let first = block(ledger.take(&cap, ask(NOW, "a", 1)));
    assert_eq!((first.permits, first.spare), (1, 9));
    assert_eq!(block(ledger.take(&cap, ask(NOW, "b", 10))).permits, 10);
    let _none = wait(ledger.take(&cap, ask(NOW, "b", 1)));
    // It used two of the nine: seven are free again.
    let kept = Ask { kept: Some((2, NOW + 50)), ..ask(NOW + 60, "a", 7) };
    assert_eq!(block(ledger.take(&cap, kept)).permits, 7);
}

#[test]
fn a_process_that_died_takes_its_permits_with_it_for_a_while() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(20, 60)]));
    let given = block(ledger.take(&cap, ask(NOW, "dead", 1)));
    let all = ask(given.spare_until + 61_000, "b", 20);
    assert_eq!(block(ledger.clone().take(&cap, all)).permits, 20);
    let early = Ask { now: all.now - 1, ..all };
    assert!(ledger.take(&cap, early).0 != Answer::Block(block(Ledger::default().take(&cap, early))));
}

#[test]
fn processes_take_turns_in_spans_of_a_second() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(5, 1), (100, 60)]));
    let first = block(ledger.take(&cap, ask(NOW, "a", 60)));
    assert_eq!((first.permits, first.lanes), (40, Some(5)), "eight spans at most");
    assert_eq!(first.ends(&cap), NOW + 7 * 1_050 + USE_MS);
    let starts = first.ends(&cap) + 1_000 + GAP_MS;
    assert_eq!(wait(ledger.take(&cap, ask(NOW + 10, "b", 10))), starts, "the first is likely to go on");
    let second = block(ledger.take(&cap, ask(starts, "b", 10)));
    assert_eq!(second.from, starts);
}

#[test]
fn who_has_the_turn_goes_on_without_a_gap_while_there_is_something_to_send() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(5, 1)]));
    let first = block(ledger.take(&cap, ask(NOW, "a", 20)));
    let next = first.ends(&cap) - USE_MS + 1_050;
    let _none = wait(ledger.take(&cap, ask(next - AHEAD_MS + 10, "b", 10)));
    let second = block(ledger.take(&cap, ask(next - AHEAD_MS + 20, "a", 10)));
    assert_eq!(second.from, next, "a step after its own last span");
}

#[test]
fn a_turn_of_one_span_is_followed_by_another_process_ahead_of_time() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(5, 1)]));
    let first = block(ledger.take(&cap, ask(NOW, "a", 5)));
    let second = block(ledger.take(&cap, ask(NOW + 10, "b", 5)));
    assert_eq!(second.from, first.ends(&cap) + 1_000 + GAP_MS);
}

#[test]
fn permits_that_no_long_span_counts_are_good_for_the_whole_turn() {
    let short = cap(&[(5, 1)]);
    let turn = block(Ledger::default().take(&short, ask(NOW, "a", 20)));
    assert_eq!(turn.until(&short, 0), turn.ends(&short));
    let both = cap(&[(5, 1), (100, 60)]);
    let turn = block(Ledger::default().take(&both, ask(NOW, "a", 20)));
    assert_eq!(turn.until(&both, 0), NOW + USE_MS, "a minute feels it for as long again");
}

#[test]
fn a_clock_that_is_a_little_behind_takes_its_time_from_the_ledger() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(20, 60)]));
    let _given = ledger.take(&cap, ask(NOW, "a", 10));
    let behind = block(ledger.take(&cap, ask(NOW - 3_000, "b", 10)));
    assert_eq!(behind.ends(&cap), NOW - 3_000 + USE_MS, "by its own clock");
    assert_eq!(wait(ledger.take(&cap, ask(NOW, "c", 20))), NOW + USE_MS + 61_000);
}

#[test]
fn a_clock_that_is_hours_ahead_holds_nobody_up_for_hours() {
    let (mut ledger, cap) = (Ledger::default(), cap(&[(20, 60)]));
    let _given = ledger.take(&cap, ask(NOW + 7_200_000, "wrong", 20));
    let until = wait(ledger.take(&cap, ask(NOW, "a", 1)));
    assert!(until <= NOW + LATEST_MS + 61_000, "{}", until - NOW);
}

#[test]
fn companies_that_share_a_limit_get_equal_parts_when_one_floods() {
    let spans = [Span { most: 100, seconds: 60 }];
    let cap = Cap::new(&spans, true);
    let (mut ledger, mut got) = (Ledger::default(), [0_u32; 2]);
    // The flood comes first, and asks ten times as often.
    for tick in 0..3_000_i64 {
        let now = NOW + tick * 200;
        for (place, tenant) in [(0, "flood"), (1, "quiet")] {
            if place == 1 && tick % 10 != 9 {
                continue;
            }
            let ask = Ask { now, holder: tenant, tenant, need: 10, eager: 1, kept: None };
            if let (Answer::Block(block), _) = ledger.take(&cap, ask) {
                got[place] += block.permits;
            }
        }
    }
    let [flood, quiet] = got;
    assert!(quiet * 10 >= flood * 8, "flood {flood}, quiet {quiet}");
    assert!(flood + quiet >= 900, "what one leaves the other gets: {flood} and {quiet}");
}

#[test]
fn an_hour_of_traffic_stays_a_small_document() {
    let cap = cap(&[(30, 60), (1_000, 3_600)]);
    let (mut ledger, mut largest) = (Ledger::default(), 0);
    for tick in 0..7_200_i64 {
        let (_answer, changed) = ledger.take(&cap, ask(NOW + tick * 1_000, "a", 1));
        if changed {
            largest = largest.max(serde_json::to_string(&ledger).unwrap().len());
        }
    }
    assert!(largest < 4_096, "{largest} bytes");
}

/// When the permits of a block are used: as soon as they can be, or each as late as it can be.
fn uses_of(block: Block, cap: &Cap, late: bool) -> Vec<i64> {
    let step = cap.short.map_or(0, |short| short.step_ms());
    let spans = (0..block.permits).map(|number| i64::from(number / block.lanes.unwrap_or(u32::MAX)));
    spans.map(|span| block.from + span * step + if late { block.slack_ms } else { 0 }).collect()
}

/// When a process uses those that it kept, by now: as many as it can, in the last moment.
fn kept_uses(block: Block, cap: &Cap, now: i64) -> Vec<i64> {
    let step = cap.short.map_or(0, |short| short.step_ms());
    let last = (now - 1).min(block.spare_until);
    let first = block.from.max(if step > 0 { block.ends(cap) + step } else { 0 });
    (0..block.spare).map(|number| last - i64::from(number) * step).take_while(|at| *at >= first).collect()
}

proptest! {
    /// The law: whoever asks when, and whether permits are used at once or at the very last moment, no sliding span ever sees more than
    /// the limit, nor does a fixed one, wherever it begins.
    #[test]
    fn no_span_ever_sees_more_than_the_limit(
        asks in proptest::collection::vec((0..4_000_i64, 0..6_usize, 1..30_u32, any::<bool>(), any::<bool>()), 1..200),
        which in 0..4_usize,
    ) {
        let caps = [cap(&[(20, 60)]), cap(&[(5, 1), (100, 60)]), cap(&[(30, 60), (100, 300)]), cap(&[(5, 1)])];
        let cap = &caps[which];
        let step = cap.short.map_or(0, |short| short.step_ms());
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut blocks: [Option<Block>; 6] = [None; 6];
        let (mut ledger, mut now, mut uses) = (Ledger::default(), NOW, Vec::new());
        for (pause, who, need, late, eager) in asks {
            now += pause;
            // Its own pool would not ask before, nor send faster than the short span allows.
            if blocks[who].is_some_and(|block| now <= block.ends(cap) + step) {
                continue;
            }
            let kept = blocks[who].take().filter(|block| block.spare > 0).map(|block| {
                let mut used = kept_uses(block, cap, now);
                used.truncate(if late { used.len() } else { used.len() / 2 });
                uses.extend(&used);
                (u32::try_from(used.len()).unwrap(), used.first().copied().unwrap_or_default())
            });
            match ledger.take(cap, Ask { eager: if eager { 3 } else { 1 }, kept, ..ask(now, names[who], need) }).0 {
                Answer::Block(block) => {
                    // A process that keeps some sends the next ones a step after the last before it at the earliest.
                    uses.extend(uses_of(block, cap, late || step > 0));
                    blocks[who] = Some(block);
                }
                Answer::Wait(until) => prop_assert!(until > now),
            }
        }
        for block in blocks.into_iter().flatten() {
            uses.extend(kept_uses(block, cap, block.spare_until + 1));
        }
        uses.sort_unstable();
        for window in cap.long.iter().chain(&cap.short) {
            for (first, last) in uses.iter().zip(uses.iter().skip(usize::try_from(window.most).unwrap())) {
                prop_assert!(last - first >= window.span_ms, "{} in {} ms", window.most + 1, last - first);
            }
        }
    }

    #[test]
    fn a_ledger_is_what_was_stored(now in 0..4_000_000_000_000_i64, need in 1..50_u32) {
        let cap = cap(&[(5, 1), (100, 60)]);
        let mut ledger = Ledger::default();
        let _given = ledger.take(&cap, ask(now, "a", need));
        let text = serde_json::to_string(&ledger).unwrap();
        prop_assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }
}
