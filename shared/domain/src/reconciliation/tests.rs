//! One small day, and what each missing or extra record of it makes of the report.

mod attribution;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::audit::{AuditRecord, Disposition, Receipt};
use crate::decision::{Decision, PackStamp, Reason, Verdict};
use crate::delivery::{Attempt, Delivery, DeliveryState, Exposure, FencingToken, Outcome, WAITS_FOR_REVIEW};
use crate::event::Event;
use crate::event::EventKind;
use crate::experiment::{Experiment, Variant};
use crate::id::*;
use crate::money::Fen;
use crate::order::{OrderEntry, OrderState};
use crate::progress::Assignment;
use crate::review::{Ballot, Opening, Panel, Review, ReviewerName, Says, Voter, Why};
use crate::sealed::DataKey;
use crate::tenant::TenantKeys;
use crate::time::{BusinessDay, DAY_MS, UnixMillis};

const MINUTE: i64 = 60_000;

fn day() -> BusinessDay {
    "2026-11-20".parse().unwrap()
}

/// 02:00 on the next day, when the schedule runs.
fn night() -> UnixMillis {
    day().end().plus_ms(120 * MINUTE)
}

fn tenant() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

fn at(number: u8) -> UnixMillis {
    day().start().plus_ms(i64::from(number) * 30 * MINUTE)
}

fn trace(number: u8) -> TraceId {
    TraceId::from_parts(at(number), [number; 10])
}

fn key(number: u8) -> EventKey {
    EventKey {
        tenant: tenant(),
        source: SourceId::new("open-platform").unwrap(),
        message: MessageId::new(format!("m{number}")).unwrap(),
    }
}

fn person(number: u8) -> PersonId {
    PersonId::new(format!("p{number}")).unwrap()
}

fn receipt(number: u8) -> Receipt {
    Receipt {
        key: key(number),
        trace_id: trace(number),
        kind: EventKind::FormSubmit,
        received_at: at(number),
    }
}

fn audit(number: u8, disposition: Disposition) -> AuditRecord {
    AuditRecord {
        key: key(number),
        trace_id: trace(number),
        kind: EventKind::FormSubmit,
        name: "im_receive_msg".into(),
        person: Some(person(number)),
        occurred_at: None,
        received_at: at(number),
        decided_at: at(number).plus_ms(40),
        payload_sha256: "00".repeat(32),
        disposition,
    }
}

fn decided(verdict: Verdict, code: &str, title: &str) -> Disposition {
    let reason = Reason {
        code: code.into(),
        title: title.into(),
        rule: RuleId::new("r1").unwrap(),
        exception: None,
        basis: vec![],
        evidence: vec![],
    };
    let pack =
        PackStamp { id: RulePackId::new("baseline").unwrap(), version: "1".into(), sha256: "ab".repeat(32) };
    Disposition::Decided { decision: Decision::of(verdict, vec![reason], pack) }
}

fn allow() -> Disposition {
    decided(Verdict::AllowMasked, "consent_stands", "同意有效")
}

fn exposure(number: u8, variant: &str) -> Exposure {
    Exposure {
        tenant: tenant(),
        experiment: ExperimentId::new("e1").unwrap(),
        person: person(number),
        bucket: Some(u32::from(number)),
        variant: Some(VariantId::new(variant).unwrap()),
        trace_id: trace(number),
        exposed_at: at(number).plus_ms(80),
    }
}

fn delivery(number: u8, state: DeliveryState) -> Delivery {
    let assignment = Assignment {
        experiment: Some(ExperimentId::new("e1").unwrap()),
        bucket: Some(u32::from(number)),
        variant: Some(VariantId::new("a").unwrap()),
        script: ScriptId::new("s1").unwrap(),
        script_version: 1,
        destination: DestinationId::new("wecom-sales").unwrap(),
    };
    let attempt = Attempt {
        started_at: at(number).plus_ms(120),
        ended_at: Some(at(number).plus_ms(300)),
        outcome: Some(Outcome::Unclear),
        code: Some("timeout".into()),
        message: None,
        provider_log_id: None,
        request_sha256: None,
        script_hash: None,
    };
    Delivery {
        payload_sha256: "00".repeat(32),
        key: key(number),
        trace_id: trace(number),
        person: person(number),
        assignment,
        fallback: None,
        opened_at: at(number).plus_ms(120),
        state,
        attempts: vec![attempt],
        forgotten: 0,
    }
}

fn order(number: u8, action: &str, fen: Option<i64>) -> OrderEntry {
    let state = OrderState {
        order_id: format!("o{number}"),
        part_id: None,
        action: action.into(),
        status: None,
        amount: fen.map(Fen),
        changed_at: None,
    };
    OrderEntry {
        key: key(number),
        trace_id: trace(number),
        person: None,
        state,
        recorded_at: at(number).plus_ms(50),
    }
}

fn letter(number: u8, queue: &str) -> DeadLetter {
    DeadLetter {
        id: format!("d{number}"),
        queue: queue.into(),
        trace_id: Some(trace(number)),
        code: DeadLetter::RECEIVES_USED_UP.into(),
        at: at(number).plus_ms(10 * MINUTE),
        redrives: 0,
    }
}

fn claimed(deadline: UnixMillis) -> DeliveryState {
    DeliveryState::Claimed { owner: FencingToken::from_random([7; 16]), deadline }
}

/// 1, 2 delivered; 3 refused; 4 in doubt; 5 blocked; 6 review; 7 recorded; 8 unhandled; 9 dead letter; 10 repeated, delivered.
fn evidence() -> Evidence {
    let recorded = Disposition::recorded("order_book");
    Evidence {
        receipts: (1..=10).chain([10]).map(receipt).collect(),
        audits: vec![
            audit(1, allow()),
            audit(2, allow()),
            audit(3, allow()),
            audit(4, allow()),
            audit(5, decided(Verdict::Block, "contact_diversion", "站外导流 <b>联系方式</b>")),
            audit(6, decided(Verdict::Review, "phone_number", "文本含电话号码")),
            audit(7, recorded),
            audit(8, Disposition::Unhandled),
            audit(10, allow()),
        ],
        exposures: vec![
            exposure(1, "a"),
            exposure(2, "b"),
            exposure(3, "a"),
            exposure(4, "b"),
            exposure(10, "a"),
        ],
        deliveries: vec![
            delivery(1, DeliveryState::Delivered),
            delivery(2, DeliveryState::Delivered),
            delivery(3, DeliveryState::Refused),
            delivery(4, DeliveryState::InDoubt),
            delivery(10, DeliveryState::Delivered),
        ],
        came_by: vec![],
        dead_letters: vec![letter(9, "events")],
        redriven: BTreeSet::new(),
        queues: ["events", "cleared", "assigned"]
            .map(|queue| QueueDepth { queue: queue.into(), messages: 0 })
            .into(),
        orders: vec![
            order(7, "pay_success", Some(2_990)),
            order(8, "pay_success", Some(1)),
            order(6, "refund_success", None),
        ],
        seal: Seal::Absent,
        reviews: vec![review(6)],
    }
}

fn keys() -> TenantKeys {
    TenantKeys::new(tenant(), zeroize::Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
}

fn event(number: u8) -> Event {
    Event {
        trace_id: trace(number),
        key: key(number),
        kind: EventKind::FormSubmit,
        name: "im_receive_msg".into(),
        occurred_at: None,
        received_at: at(number),
        payload_sha256: "00".repeat(32),
        person: Some(person(number)),
        account: None,
        subject: crate::event::Subject::Nothing,
        personal: [].into(),
    }
}

fn reviewed_decision() -> Decision {
    match decided(Verdict::Review, "phone_number", "文本含电话号码") {
        Disposition::Decided { decision } => decision,
        other => panic!("{other:?}"),
    }
}

fn opening(opened_at: UnixMillis) -> Opening {
    let panel = Panel { people: 1, machine: None, advises: false };
    Opening { decision: reviewed_decision(), panel, opened_at, deadline: opened_at.plus_ms(60 * DAY_MS) }
}

/// Waits for two months.
fn review(number: u8) -> Review {
    Review::of_event(event(number), opening(at(number).plus_ms(40)), &keys())
}

fn message_review(number: u8) -> Review {
    let opening = opening(at(number).plus_ms(200));
    Review::of_message(&event(number), "{}".into(), &[], opening, &keys(), || [1; 12]).unwrap()
}

fn voted(review: &Review, says: Says) -> Review {
    let by = Voter::Person { name: ReviewerName::new("王芳").unwrap() };
    let ballot = Ballot { by, says, why: Why::new("看过").unwrap() };
    review.vote(ballot, review.opened_at.plus_ms(MINUTE), &keys()).unwrap().review
}

fn experiment() -> Experiment {
    let arm = |id: &str| Variant {
        id: VariantId::new(id).unwrap(),
        weight: 5_000,
        script: ScriptId::new("s1").unwrap(),
    };
    Experiment { id: ExperimentId::new("e1").unwrap(), salt: "e1".into(), variants: vec![arm("a"), arm("b")] }
}

fn report_at(evidence: &Evidence, now: UnixMillis) -> Report {
    let (tenant, experiment) = (tenant(), experiment());
    let subject =
        Subject { tenant: &tenant, name: "示例品牌", day: day(), experiments: vec![&experiment], now };
    reconcile(&subject, evidence)
}

fn codes(report: &Report) -> Vec<(&'static str, BreakState)> {
    report.breaks.iter().map(|found| (found.class.code(), found.state)).collect()
}

#[test]
fn every_event_of_the_day_is_accounted_for_once() {
    let report = report_at(&evidence(), night());
    let expected = Totals {
        received: 10,
        replays: 1,
        delivered: 3,
        refused: 1,
        blocked: 1,
        review: 1,
        rejected: 0,
        expired: 0,
        recorded: 1,
        unhandled: 1,
        in_doubt: 1,
        dead_lettered: 1,
        waiting: 0,
        in_progress: 0,
        missing: 0,
    };
    assert_eq!(report.totals, expected);
    assert!(report.identity.holds);
    assert_eq!(codes(&report), [("dead_letter", BreakState::Open), ("in_doubt", BreakState::Open)]);
    assert_eq!(report.orders["pay_success"].fen, 2_991);
    assert_eq!(report.orders["refund_success"].without_amount, 1);
}

#[test]
fn the_report_reads_well_as_json_and_as_a_page() {
    let report = report_at(&evidence(), night());
    insta::assert_json_snapshot!("small_day", report);
    insta::assert_snapshot!("small_day_page", page(&report));
}

#[test]
fn the_page_carries_no_markup_from_outside_and_needs_nothing_from_outside() {
    let html = page(&report_at(&evidence(), night()));
    assert!(html.contains("站外导流 &lt;b&gt;联系方式&lt;/b&gt;") && !html.contains("<b>"));
    for outside in ["http://", "https://", "src=", "<script", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn a_finished_day_gives_the_same_bytes_whenever_and_in_whatever_order() {
    let evidence = evidence();
    let first = report_at(&evidence, night());
    let mut turned = evidence.clone();
    turned.receipts.reverse();
    turned.audits.reverse();
    turned.exposures.reverse();
    turned.deliveries.reverse();
    turned.orders.reverse();
    turned.queues.reverse();
    let second = report_at(&turned, night().plus_ms(30 * 86_400_000));
    assert_eq!(serde_json::to_vec(&first).unwrap(), serde_json::to_vec(&second).unwrap());
    assert_eq!(page(&first), page(&second));
}

#[test]
fn each_missing_or_extra_record_is_a_break_of_its_class() {
    type Change = fn(&mut Evidence);
    let without = |classes: &[(&'static str, BreakState)]| {
        let mut all = classes.to_vec();
        all.extend([("dead_letter", BreakState::Open), ("in_doubt", BreakState::Open)]);
        all.sort();
        all
    };
    let table: [(Change, &[&'static str]); 10] = [
        (|day| day.reviews.clear(), &["totals_mismatch", "review_missing"]),
        (|day| day.audits.retain(|one| one.key != key(5)), &["totals_mismatch", "decision_missing"]),
        (|day| day.receipts.retain(|one| one.key != key(5)), &["receipt_missing"]),
        (|day| day.exposures.retain(|one| one.person != person(1)), &["exposure_missing"]),
        (|day| day.deliveries.retain(|one| one.key != key(1)), &["totals_mismatch", "delivery_missing"]),
        (|day| day.deliveries.push(delivery(5, DeliveryState::Delivered)), &["delivery_without_allow"]),
        (|day| day.deliveries[0].state = claimed(at(2)), &["totals_mismatch", "stuck_claim"]),
        (
            |day| day.deliveries[0].state = DeliveryState::Waiting { until: at(2) },
            &["totals_mismatch", "overdue_retry"],
        ),
        (|day| day.orders.retain(|one| one.key != key(7)), &["order_missing"]),
        (
            |day| day.exposures.extend((20..60).map(|number| exposure(number, "a"))),
            &["sample_ratio_mismatch"],
        ),
    ];
    for (change, classes) in table {
        let mut day = evidence();
        change(&mut day);
        let report = report_at(&day, night());
        let expected: Vec<_> = classes.iter().map(|class| (*class, BreakState::Open)).collect();
        let mut got = codes(&report);
        got.sort();
        assert_eq!(got, without(&expected), "{classes:?}");
        assert_eq!(report.identity.holds, !classes.contains(&"totals_mismatch"), "{classes:?}");
        assert_eq!(report.open_breaks(), expected.len() + 2);
    }
}

#[test]
fn unfinished_work_is_in_progress_while_it_is_young_or_its_queue_is_not_empty() {
    let mut day = evidence();
    day.audits.retain(|one| one.key != key(5));
    let young = report_at(&day, at(5).plus_ms(14 * MINUTE));
    assert_eq!((young.totals.in_progress, young.totals.missing), (1, 0));
    assert!(young.identity.holds);

    day.queues[0].messages = 3;
    let queued = report_at(&day, night());
    assert_eq!((queued.totals.in_progress, queued.totals.missing), (1, 0));
    assert!(codes(&queued).contains(&("decision_missing", BreakState::Waiting)));
    assert_eq!(queued.open_breaks(), 2);
}

#[test]
fn a_claim_before_its_deadline_and_a_retry_before_its_time_are_not_breaks() {
    let mut day = evidence();
    day.deliveries[0].state = claimed(night().plus_ms(1));
    day.deliveries[1].state = DeliveryState::Waiting { until: night().plus_ms(MINUTE) };
    let report = report_at(&day, night());
    assert_eq!((report.totals.in_progress, report.totals.waiting), (1, 1));
    assert!(report.identity.holds);
    assert_eq!(report.open_breaks(), 2);
}

#[test]
fn a_dead_letter_that_was_put_back_is_in_progress() {
    let mut day = evidence();
    day.redriven.insert("d9".into());
    let report = report_at(&day, night());
    assert_eq!((report.totals.in_progress, report.totals.dead_lettered), (1, 0));
    assert_eq!(codes(&report)[0], ("dead_letter", BreakState::Redriven));
    assert!(report.identity.holds);
}

#[test]
fn a_dead_letter_of_a_settled_event_or_of_nobody_changes_no_total() {
    let mut day = evidence();
    let nobody = DeadLetter { trace_id: Some(trace(200)), ..letter(1, "events") };
    let unread = DeadLetter { trace_id: None, ..letter(1, "events") };
    day.dead_letters.extend([letter(1, "assigned"), nobody, unread]);
    let report = report_at(&day, night());
    assert_eq!(report.totals, report_at(&evidence(), night()).totals);
    assert_eq!(report.open_breaks(), 3);
}

#[test]
fn a_repeat_of_an_earlier_days_event_is_a_replay_and_not_received() {
    let mut day = evidence();
    let mut earlier = audit(30, allow());
    earlier.received_at = day_before();
    day.audits.push(earlier);
    day.receipts.push(receipt(30));
    let report = report_at(&day, night());
    assert_eq!((report.totals.received, report.totals.replays), (10, 2));
    assert!(report.identity.holds);
}

fn day_before() -> UnixMillis {
    day().start().plus_ms(-MINUTE)
}

proptest! {
    /// Whatever records are lost, each received event is counted exactly once, and what is missing is a break.
    #[test]
    fn lost_records_never_lose_an_event_from_the_totals(lost in prop::collection::vec(any::<bool>(), 26)) {
        let mut day = evidence();
        let mut lost = lost.into_iter();
        day.audits.retain(|_| lost.next() != Some(true));
        day.exposures.retain(|_| lost.next() != Some(true));
        day.deliveries.retain(|_| lost.next() != Some(true));
        day.dead_letters.retain(|_| lost.next() != Some(true));
        let report = report_at(&day, night());
        prop_assert_eq!(report.identity.accounted + report.totals.missing, report.totals.received);
        prop_assert_eq!(report.identity.holds, report.totals.missing == 0);
        let kinds: u64 = report.kinds.values().sum();
        prop_assert_eq!(kinds, report.totals.received);
    }
}

#[test]
fn a_broken_seal_is_a_break_and_an_intact_one_is_named() {
    let sealed = |seal| report_at(&Evidence { seal, ..evidence() }, night());
    let broken = sealed(Seal::Broken("sealed_records=1 records=2".into()));
    let found = broken.breaks.iter().find(|found| found.class.code() == "audit_changed").unwrap();
    assert_eq!((found.state, found.detail.as_str()), (BreakState::Open, "sealed_records=1 records=2"));
    assert_eq!(broken.audit_digest, None);
    let intact = sealed(Seal::Intact { sha256: "ab".repeat(32) });
    assert_eq!(codes(&intact), codes(&sealed(Seal::Absent)));
    assert_eq!(intact.audit_digest, Some("ab".repeat(32)));
}

type Part = fn(&Totals) -> u64;

/// Everything that may become of the one event that waits, told apart and counted once.
#[test]
fn each_end_of_a_review_is_a_part_of_the_books() {
    let approved = voted(&review(6), Says::Approve);
    let cleared = approved.clear(Verdict::AllowMasked, reviewed_decision(), at(8)).unwrap().review;
    let blocked = approved.block("consent_withdrawn", None, at(8)).unwrap().review;
    let far = review(6).deadline;
    let rows: [(Review, UnixMillis, Part); 6] = [
        (review(6), night(), |totals| totals.review),
        (voted(&review(6), Says::Reject), night(), |totals| totals.rejected),
        (review(6), far, |totals| totals.expired),
        (review(6).expire(far).unwrap().review, night(), |totals| totals.expired),
        (blocked, night(), |totals| totals.blocked - 1),
        (approved, at(6).plus_ms(10 * MINUTE), |totals| totals.in_progress),
    ];
    for (review, now, part) in rows {
        let name = review.state.name();
        let report = report_at(&Evidence { reviews: vec![review], ..evidence() }, now);
        assert_eq!((part(&report.totals), report.identity.holds), (1, true), "{name}");
        assert_eq!(report.breaks.len(), 2, "{name}");
    }
    let mut day = evidence();
    day.reviews = vec![cleared];
    day.exposures.push(exposure(6, "a"));
    day.deliveries.push(delivery(6, DeliveryState::Delivered));
    let report = report_at(&day, night());
    assert_eq!((report.totals.delivered, report.totals.review, report.reviews.cleared), (4, 0, 1));
    assert!(report.identity.holds && report.breaks.len() == 2, "{:?}", codes(&report));
    assert!(page(&report).contains("已通过并放行"));
}

#[test]
fn a_delivery_of_what_was_not_approved_is_a_break() {
    for review in [review(6), voted(&review(6), Says::Approve), voted(&review(6), Says::Reject)] {
        let mut day = Evidence { reviews: vec![review], ..evidence() };
        day.exposures.push(exposure(6, "a"));
        day.deliveries.push(delivery(6, DeliveryState::Delivered));
        let report = report_at(&day, at(6).plus_ms(10 * MINUTE));
        assert!(codes(&report).contains(&("delivery_without_allow", BreakState::Open)));
    }
}

#[test]
fn an_approved_event_that_has_not_gone_on_is_a_break_by_the_night() {
    let report =
        report_at(&Evidence { reviews: vec![voted(&review(6), Says::Approve)], ..evidence() }, night());
    assert_eq!((report.totals.missing, report.identity.holds), (1, false));
    assert!(codes(&report).contains(&("review_not_resumed", BreakState::Open)));
}

/// A rendered message that waits is no overdue retry, and one that was withheld is told from a platform's refusal.
#[test]
fn a_message_that_waits_for_people_is_counted_with_them() {
    let waiting = DeliveryState::Waiting { until: at(2) };
    let rejected = voted(&message_review(1), Says::Reject);
    let rows: [(DeliveryState, Review, Part); 3] = [
        (waiting.clone(), message_review(1), |totals| totals.review - 1),
        (DeliveryState::Refused, rejected.clone(), |totals| totals.rejected),
        (waiting, rejected, |totals| totals.rejected),
    ];
    for (state, review, part) in rows {
        let mut day = evidence();
        day.deliveries[0].state = state;
        day.reviews.push(review);
        let report = report_at(&day, night());
        assert_eq!((part(&report.totals), report.identity.holds), (1, true), "{:?}", report.totals);
        assert_eq!((report.totals.delivered, report.breaks.len()), (2, 2));
    }
}

/// An approved message that nobody took up is lost; one that waits for its platform since is told by its delivery.
#[test]
fn an_approved_message_is_missing_only_while_it_waits_for_its_answer() {
    let approved = voted(&message_review(1), Says::Approve);
    let soon = DeliveryState::Waiting { until: night().plus_ms(MINUTE) };
    for (code, part) in
        [(WAITS_FOR_REVIEW, (|totals| totals.missing) as Part), ("throttled", |totals| totals.waiting)]
    {
        let mut day = evidence();
        day.deliveries[0].state = soon.clone();
        day.deliveries[0].attempts[0].code = Some(code.to_owned());
        day.reviews.push(approved.clone());
        let report = report_at(&day, night());
        assert_eq!(part(&report.totals) - part(&report_at(&evidence(), night()).totals), 1, "{code}");
        let lost = codes(&report).contains(&("review_not_resumed", BreakState::Open));
        assert_eq!(lost, code == WAITS_FOR_REVIEW, "{code}");
    }
}
