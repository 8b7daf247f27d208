use sluice_domain::limit::Span;

use super::*;

const NOW: i64 = 1_795_255_200_000;

fn cap(spans: &[(u32, u32)]) -> Cap {
    let spans: Vec<Span> =
        spans.iter().map(|(most, seconds)| Span { most: *most, seconds: *seconds }).collect();
    Cap::new(&spans, false)
}

fn with_block(permits: u32, lanes: Option<u32>) -> Pool {
    let mut pool = Pool::default();
    let block = Block { permits, from: NOW, slack_ms: 60_000, lanes, spare: 0, spare_until: NOW };
    pool.open(block);
    pool
}

/// Takes a permit and leaves at its moment, which is returned with the ticket.
fn leaves(pool: &mut Pool, cap: &Cap, now: i64) -> (i64, u64) {
    let Found::Permit(permit) = pool.take(cap, now, 1) else { panic!("no permit") };
    let at = permit.from;
    assert_eq!(pool.may_depart(cap, permit, at), Ok(()));
    let ticket = pool.departed(cap, at).unwrap();
    pool.gone();
    (at, ticket)
}

#[test]
fn without_answers_a_span_and_a_margin_lie_between_messages_of_one_lane() {
    let (cap, mut pool) = (cap(&[(2, 1)]), with_block(10, Some(2)));
    let mut now = NOW;
    let moments = [(); 6].map(|()| {
        (now, _) = leaves(&mut pool, &cap, now);
        now - NOW
    });
    assert_eq!(moments, [0, 0, 1_050, 1_050, 2_100, 2_100]);
}

#[test]
fn an_answer_proves_that_the_platform_has_counted_a_message_already() {
    let (cap, mut pool) = (cap(&[(1, 1)]), with_block(10, Some(1)));
    let (_, first) = leaves(&mut pool, &cap, NOW);
    pool.answered(first, NOW + 20);
    let (second_at, second) = leaves(&mut pool, &cap, NOW + 30);
    assert_eq!(second_at, NOW + 1_020, "a span after the answer");
    pool.answered(second, second_at + 400);
    assert_eq!(leaves(&mut pool, &cap, second_at).0, second_at + 1_050, "a late answer delays nobody");
}

#[test]
fn an_answer_that_overtakes_another_frees_no_more_than_its_own_place() {
    let (cap, mut pool) = (cap(&[(2, 1)]), with_block(10, Some(2)));
    let (_, slow) = leaves(&mut pool, &cap, NOW);
    let (_, quick) = leaves(&mut pool, &cap, NOW);
    pool.answered(quick, NOW + 10);
    assert_eq!(leaves(&mut pool, &cap, NOW).0, NOW + 1_010);
    assert_eq!(leaves(&mut pool, &cap, NOW + 1_010).0, NOW + 1_050, "the slow one counts still");
    pool.answered(slow, NOW + 1_060);
}

#[test]
fn who_had_the_last_permits_comes_back_before_the_others() {
    let cap = cap(&[(20, 60)]);
    let (mut first, mut other) = (with_block(20, None), Pool::default());
    let until = NOW + 61_000;
    first.close(until);
    other.close(until);
    let come = |pool: &mut Pool| pool.line(&cap, until, 7) - until;
    assert!(come(&mut first) <= SPREAD_MS.0, "{first:?}");
    assert!((LATER_MS..=LATER_MS + SPREAD_MS.1).contains(&come(&mut other)), "{other:?}");
    // It came as it was told, and others had been there.
    first.close(until + 61_000);
    assert!(come(&mut first) >= LATER_MS);
}

#[test]
fn the_ledger_hears_until_when_a_kept_permit_may_still_be_used() {
    let (cap, mut pool) = (cap(&[(10, 1)]), Pool::default());
    pool.open(Block {
        permits: 0,
        from: NOW,
        slack_ms: 500,
        lanes: Some(10),
        spare: 5,
        spare_until: NOW + 120_000,
    });
    let Found::Permit(permit) = pool.take(&cap, NOW, 1) else { panic!("no permit") };
    assert_eq!(pool.may_depart(&cap, permit, permit.until + 1), Err(None), "it can not leave any later");
    assert_eq!(pool.settle(), Some((1, permit.until)), "it has not left yet");
    assert!(!matches!(pool.take(&cap, NOW, 1), Found::Permit(_)), "others may have the rest from now on");
    pool.give_back(permit);
    assert!(!matches!(pool.take(&cap, NOW, 1), Found::Permit(_)));
}
