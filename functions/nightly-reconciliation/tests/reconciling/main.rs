//! The handler over the embedded store, fed with the sample events.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

mod attribution;

use std::path::Path;
use std::sync::Arc;

use nightly_reconciliation::{NightlyReconciliation, Outcome, ReconcileError, ScheduledEvent};
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::decision::{Decision, PackStamp, Reason, Verdict};
use sluice_domain::delivery::{Attempt, Exposure, FencingToken, Outcome as Answer};
use sluice_domain::event::{Event, EventKind, Subject};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::*;
use sluice_domain::progress::Assignment;
use sluice_domain::reconciliation::{BreakClass, BreakState, Report};
use sluice_domain::review::{
    Ballot, Opening, Panel, Review, ReviewPolicy, ReviewerName, Says, StateName, Voter, Why,
};
use sluice_domain::sealed::DataKey;
use sluice_domain::settings::Settings;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_embedded::{FileReports, LocalHeadSigner, ManualClock, Options, Store};
use sluice_ports::{
    Advanced, AuditLog, BuriedMessage, Claim, ClaimRequest, Deliveries, Exposures, ForReview, Inbox, Intake,
    Queue, Reviews, Settlement, Step, Wake, Written,
};
use sluice_telemetry::Metrics;

const MINUTE: i64 = 60_000;

struct Night {
    store: Store,
    clock: Arc<ManualClock>,
    data: tempfile::TempDir,
    handler: NightlyReconciliation<Store, FileReports, LocalHeadSigner, Arc<ManualClock>>,
}

fn day() -> BusinessDay {
    "2026-11-20".parse().unwrap()
}

fn tenant() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

/// The shipped tenants.
fn settings() -> Settings {
    sluice_settings::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")).unwrap()
}

fn night() -> Night {
    let clock = Arc::new(ManualClock::at(day().start().plus_ms(600 * MINUTE)));
    let options = Options { clock: clock.clone(), ..Options::default() };
    let store = Store::in_memory(options).unwrap();
    let data = tempfile::tempdir().unwrap();
    let handler = NightlyReconciliation::new(
        Arc::new(settings()),
        store.clone(),
        FileReports::new(data.path()),
        LocalHeadSigner::open(&data.path().join("keys")).unwrap(),
        clock.clone(),
        Metrics::default(),
    );
    Night { store, clock, data, handler }
}

fn at(number: u8) -> UnixMillis {
    day().start().plus_ms(i64::from(number) * 30 * MINUTE)
}

fn event(number: u8) -> Event {
    Event {
        trace_id: TraceId::from_parts(at(number), [number; 10]),
        key: EventKey {
            tenant: tenant(),
            source: SourceId::new("open-platform").unwrap(),
            message: MessageId::new(format!("m{number}")).unwrap(),
        },
        kind: EventKind::FormSubmit,
        name: "im_receive_msg".into(),
        occurred_at: None,
        received_at: at(number),
        payload_sha256: "00".repeat(32),
        person: Some(PersonId::new(format!("p{number}")).unwrap()),
        account: None,
        subject: Subject::Nothing,
        personal: [].into(),
    }
}

fn audit(event: &Event, verdict: Verdict) -> AuditRecord {
    let reason = Reason {
        code: "consent_stands".into(),
        title: "同意有效".into(),
        rule: RuleId::new("r1").unwrap(),
        exception: None,
        basis: vec![],
        evidence: vec![],
    };
    let pack =
        PackStamp { id: RulePackId::new("baseline").unwrap(), version: "1".into(), sha256: "ab".repeat(32) };
    AuditRecord {
        key: event.key.clone(),
        trace_id: event.trace_id,
        kind: event.kind,
        name: event.name.clone(),
        person: event.person.clone(),
        occurred_at: None,
        received_at: event.received_at,
        decided_at: event.received_at.plus_ms(20),
        payload_sha256: event.payload_sha256.clone(),
        disposition: Disposition::Decided { decision: Decision::of(verdict, vec![reason], pack) },
    }
}

fn assignment() -> Assignment {
    Assignment {
        experiment: None,
        bucket: None,
        variant: None,
        script: ScriptId::new("s1").unwrap(),
        script_version: 1,
        destination: DestinationId::new("wecom-sales").unwrap(),
    }
}

impl Night {
    /// Accepts an event and takes it off its queue, as compliance-check does.
    async fn receive(&self, number: u8) -> Event {
        let event = event(number);
        self.store.accept(vec![event.clone()]).await.unwrap();
        self.drain(Queue::Events).await;
        event
    }

    async fn drain(&self, queue: Queue) {
        loop {
            let messages = self.store.receive(queue, 10, 30_000).await.unwrap();
            if messages.is_empty() {
                return;
            }
            let handles = messages.into_iter().map(|message| message.receipt_handle).collect();
            self.store.delete(queue, handles).await.unwrap();
        }
    }

    async fn decide(&self, event: &Event, verdict: Verdict) {
        let written = self.store.record(vec![Step { record: audit(event, verdict), next: None }]).await;
        assert!(matches!(written.as_slice(), [Ok(Written::New)]));
    }

    async fn expose(&self, event: &Event) {
        let exposure = Exposure {
            tenant: tenant(),
            experiment: ExperimentId::new("none").unwrap(),
            person: event.person.clone().unwrap(),
            bucket: None,
            variant: None,
            trace_id: event.trace_id,
            exposed_at: event.received_at.plus_ms(40),
        };
        let written = self.store.expose(vec![Step { record: exposure, next: None }]).await;
        assert!(matches!(written.as_slice(), [Ok(Written::New)]));
    }

    async fn deliver(&self, event: &Event, settlement: Option<Settlement>) {
        let owner = FencingToken::from_random([9; 16]);
        let now = event.received_at.plus_ms(60);
        let request = ClaimRequest {
            payload_sha256: "00".repeat(32),
            key: event.key.clone(),
            trace_id: event.trace_id,
            person: event.person.clone().unwrap(),
            assignment: assignment(),
            owner,
            now,
            deadline: now.plus_ms(MINUTE),
        };
        assert!(matches!(self.store.claim(request).await.unwrap(), Claim::Won(_)));
        let Some(settlement) = settlement else { return };
        let attempt = Attempt {
            started_at: now,
            ended_at: Some(now.plus_ms(5)),
            outcome: Some(Answer::Delivered { provider_id: None }),
            code: None,
            message: None,
            provider_log_id: None,
            request_sha256: None,
            script_hash: None,
        };
        self.store.settle(&event.key, owner, attempt, settlement).await.unwrap();
    }

    /// One delivered, one blocked, one in doubt.
    async fn ordinary_day(&self) {
        let delivered = self.receive(1).await;
        self.decide(&delivered, Verdict::Allow).await;
        self.expose(&delivered).await;
        self.deliver(&delivered, Some(Settlement::Delivered)).await;
        let blocked = self.receive(2).await;
        self.decide(&blocked, Verdict::Block).await;
        let doubtful = self.receive(3).await;
        self.decide(&doubtful, Verdict::Allow).await;
        self.expose(&doubtful).await;
        self.deliver(&doubtful, Some(Settlement::InDoubt)).await;
    }

    async fn run(&self, sample: &str) -> Outcome {
        self.handler.handle(scheduled(sample)).await.unwrap()
    }

    fn stored(&self, tenant: &str, name: &str) -> Vec<u8> {
        let path = self.data.path().join("reports").join(tenant).join("2026-11-20").join(name);
        std::fs::read(path).unwrap()
    }

    async fn report(&self) -> Report {
        let now = day().end().plus_ms(120 * MINUTE);
        self.handler.reconcile(&tenant(), day(), now).await.unwrap()
    }

    fn sleep_until_two(&self) {
        self.clock.set(day().end().plus_ms(120 * MINUTE));
    }
}

fn scheduled(sample: &str) -> ScheduledEvent {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/nightly-reconciliation");
    serde_json::from_slice(&std::fs::read(folder.join(sample)).unwrap()).unwrap()
}

#[tokio::test]
async fn the_schedule_reconciles_the_day_before_for_every_tenant_and_stores_both_reports() {
    let night = night();
    night.ordinary_day().await;
    night.sleep_until_two();
    let outcome = night.run("scheduled.json").await;
    assert_eq!(outcome.day, day());
    assert_eq!(outcome.open_breaks, 1);
    let tenants: Vec<_> =
        outcome.tenants.iter().map(|one| (one.tenant.as_str(), one.received, one.balanced)).collect();
    assert_eq!(tenants, [("demo-brand", 3, true), ("demo-mcn", 0, true)]);
    let json: serde_json::Value = serde_json::from_slice(&night.stored("demo-brand", "report.json")).unwrap();
    assert_eq!(json["totals"]["delivered"], 1);
    assert_eq!(json["breaks"][0]["class"], "in_doubt");
    let html = String::from_utf8(night.stored("demo-mcn", "report.html")).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.contains("账平"));
}

#[tokio::test]
async fn running_the_same_day_again_gives_the_same_bytes() {
    let night = night();
    night.ordinary_day().await;
    night.sleep_until_two();
    night.run("scheduled.json").await;
    let first = (night.stored("demo-brand", "report.json"), night.stored("demo-brand", "report.html"));
    night.clock.advance_ms(5 * 24 * 60 * MINUTE);
    let outcome = night.run("one-day.json").await;
    assert_eq!(outcome.tenants.len(), 1);
    assert!(first == (night.stored("demo-brand", "report.json"), night.stored("demo-brand", "report.html")));
}

#[tokio::test]
async fn a_callback_whose_message_is_gone_is_an_open_break() {
    let night = night();
    night.receive(4).await;
    night.sleep_until_two();
    let report = night.report().await;
    assert_eq!((report.totals.missing, report.identity.holds), (1, false));
    assert!(report.breaks.iter().any(|found| found.class == BreakClass::DecisionMissing));
}

#[tokio::test]
async fn a_callback_that_is_still_on_its_queue_is_in_progress() {
    let night = night();
    night.store.accept(vec![event(4)]).await.unwrap();
    night.sleep_until_two();
    let report = night.report().await;
    assert_eq!((report.totals.in_progress, report.open_breaks()), (1, 0));
    assert_eq!(report.breaks[0].state, BreakState::Waiting);
}

#[tokio::test]
async fn a_claim_that_nobody_finished_is_an_open_break() {
    let night = night();
    let event = night.receive(5).await;
    night.decide(&event, Verdict::Allow).await;
    night.expose(&event).await;
    night.deliver(&event, None).await;
    night.sleep_until_two();
    let report = night.report().await;
    let found = report.breaks.iter().find(|found| found.class == BreakClass::StuckClaim).unwrap();
    assert_eq!((found.state, found.trace_id), (BreakState::Open, Some(event.trace_id)));
}

#[tokio::test]
async fn work_that_crosses_midnight_belongs_to_the_day_of_its_callback() {
    let night = night();
    let mut late = event(1);
    late.received_at = day().end().plus_ms(-10);
    night.store.accept(vec![late.clone()]).await.unwrap();
    night.drain(Queue::Events).await;
    night.decide(&late, Verdict::Allow).await;
    night.expose(&late).await;
    night.deliver(&late, Some(Settlement::Delivered)).await;
    night.sleep_until_two();
    let report = night.report().await;
    assert_eq!((report.totals.received, report.totals.delivered, report.breaks.len()), (1, 1, 0));
    let now = night.clock_now();
    let next = night.handler.reconcile(&tenant(), day().end().business_day(), now).await.unwrap();
    assert_eq!((next.totals.received, next.breaks.len()), (0, 0));
}

#[tokio::test]
async fn what_ran_out_of_receives_is_put_back_once_and_what_was_buried_is_not() {
    let night = night();
    let event = event(6);
    night.store.accept(vec![event.clone()]).await.unwrap();
    night.run_out_of_receives().await;
    let buried = BuriedMessage {
        body: "{}".into(),
        trace_id: Some(event.trace_id),
        code: "clearance_forged".into(),
        detail: "test".into(),
    };
    night.store.bury(Queue::Cleared, buried).await.unwrap();
    night.sleep_until_two();

    let outcome = night.run("one-day.json").await;
    assert_eq!((outcome.redriven, outcome.open_breaks), (1, 1));
    let report: serde_json::Value =
        serde_json::from_slice(&night.stored("demo-brand", "report.json")).unwrap();
    let states: Vec<_> = report["breaks"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert!(states.contains(&&"redriven".into()) && states.contains(&&"open".into()), "{states:?}");

    night.run_out_of_receives().await;
    let outcome = night.run("one-day.json").await;
    assert_eq!((outcome.redriven, outcome.open_breaks), (0, 2));
}

impl Night {
    fn clock_now(&self) -> UnixMillis {
        sluice_ports::Clock::now(&self.clock)
    }

    async fn run_out_of_receives(&self) {
        for _ in 0..20 {
            let _ = self.store.receive(Queue::Events, 10, 1_000).await.unwrap();
            self.clock.advance_ms(MINUTE);
        }
        assert_eq!(self.store.depth(Queue::Events).unwrap().dead, 1);
    }
}

#[tokio::test]
async fn an_unknown_tenant_is_a_matter_of_configuration() {
    let night = night();
    let mut event = scheduled("one-day.json");
    event.detail.tenant = Some(TenantId::new("nobody").unwrap());
    let error = night.handler.handle(event).await.unwrap_err();
    assert_eq!(error, ReconcileError::UnknownTenant(TenantId::new("nobody").unwrap()));
    assert_eq!(
        (error.kind(), error.to_string()),
        (FailureKind::Configuration, "tenant `nobody` is not configured".into())
    );
}

/// The head of a day.
fn sealed(night: &Night, day: BusinessDay) -> Option<serde_json::Value> {
    let path = FileReports::new(night.data.path()).digest_path(&tenant(), day);
    let document: Option<serde_json::Value> =
        std::fs::read(path).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap());
    document.and_then(|document| document.get("head").cloned())
}

async fn decide(night: &Night, number: u8) {
    let step = Step { record: audit(&event(number), Verdict::Block), next: None };
    assert_eq!(night.store.record(vec![step]).await, [Ok(Written::New)]);
}

#[tokio::test]
async fn a_day_is_sealed_when_it_is_over_and_stays_sealed() {
    let night = night();
    decide(&night, 1).await;
    let _too_early = night.run("one-day.json").await;
    assert_eq!(sealed(&night, day()), None);
    night.clock.set(day().end().plus_ms(120 * MINUTE));
    for _ in 0..2 {
        let _outcome = night.run("one-day.json").await;
        assert_eq!(sealed(&night, day()).unwrap()["records"], 1);
    }
    assert!(night.report().await.breaks.iter().all(|found| found.class != BreakClass::AuditChanged));
    assert_eq!(night.report().await.audit_digest.map(|sha256| sha256.len()), Some(64));
}

#[tokio::test]
async fn a_record_that_was_added_to_a_sealed_day_is_a_break() {
    let night = night();
    decide(&night, 1).await;
    night.clock.set(day().end().plus_ms(120 * MINUTE));
    let _outcome = night.run("one-day.json").await;
    decide(&night, 2).await;
    let _outcome = night.run("one-day.json").await;
    let report = night.report().await;
    let found = report.breaks.iter().find(|found| found.class == BreakClass::AuditChanged).unwrap();
    assert_eq!(found.state, BreakState::Open);
    let trace_id = event(2).trace_id;
    assert_eq!(found.detail, format!("record_added 2026-11-20: record 1, trace {trace_id}, was added"));
    assert_eq!(sealed(&night, day()).unwrap()["records"], 1);
}

#[tokio::test]
async fn a_missed_night_is_made_up_for_and_the_days_form_a_chain() {
    let night = night();
    decide(&night, 1).await;
    let first: BusinessDay = "2026-11-17".parse().unwrap();
    for (day, named) in [(first, None), (day(), Some("2026-11-19"))] {
        night.clock.set(day.end().plus_ms(120 * MINUTE));
        let mut event = scheduled("one-day.json");
        event.detail.day = Some(day);
        let _outcome = night.handler.handle(event).await.unwrap();
        let previous = sealed(&night, day).unwrap()["previous"]["day"].as_str().map(str::to_owned);
        assert_eq!(previous.as_deref(), named);
        assert_eq!(sealed(&night, day).unwrap()["log"]["size"], if named.is_none() { 0 } else { 3 });
    }
    for missed in ["2026-11-18", "2026-11-19"] {
        assert_eq!(sealed(&night, missed.parse().unwrap()).unwrap()["records"], 0, "{missed}");
    }
    // Whoever exchanges a document breaks the link of the one after it.
    let path = FileReports::new(night.data.path()).digest_path(&tenant(), "2026-11-19".parse().unwrap());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "{}").unwrap();
    let _outcome = night.run("one-day.json").await;
    let broken =
        night.report().await.breaks.into_iter().find(|found| found.class == BreakClass::AuditChanged);
    let expected =
        "head_replaced 2026-11-19: its document is not the one that was sealed: the day after names another";
    assert_eq!(broken.unwrap().detail, expected);
}

#[test]
fn the_handlers_work_can_move_between_threads() {
    fn movable<T: Send>(_: T) {}
    let night = night();
    movable(night.handler.handle(scheduled("scheduled.json")));
}

/// Decided as `review`, three days before it ends.
async fn waiting(night: &Night, number: u8) -> Review {
    let event = night.receive(number).await;
    let record = audit(&event, Verdict::Review);
    let Disposition::Decided { decision } = record.disposition.clone() else { unreachable!() };
    let keys = TenantKeys::new(tenant(), zeroize::Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])]);
    let opened_at = record.decided_at;
    let deadline = ReviewPolicy::default().deadline(opened_at);
    let panel = Panel { people: 1, machine: None, advises: false };
    let review = Review::of_event(event, Opening { decision, panel, opened_at, deadline }, &keys);
    let written = night.store.record_for_review(vec![ForReview { record, review: review.clone() }]).await;
    assert!(matches!(written.as_slice(), [Ok(Written::New)]));
    review
}

async fn approve(night: &Night, review: &Review, at: UnixMillis) -> Review {
    let keys = TenantKeys::new(tenant(), zeroize::Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])]);
    let by = Voter::Person { name: ReviewerName::new("王芳").unwrap() };
    let ballot = Ballot { by, says: Says::Approve, why: Why::new("看过").unwrap() };
    let moved = review.vote(ballot, at, &keys).unwrap();
    let advanced = night.store.advance_review(moved.review.clone(), Wake::of(&moved)).await;
    assert_eq!(advanced, Ok(Advanced::Done));
    moved.review
}

#[tokio::test]
async fn a_review_that_nobody_decided_in_time_is_ended_by_the_night_and_balanced() {
    let night = night();
    let review = waiting(&night, 7).await;
    night.sleep_until_two();
    assert_eq!(night.run("scheduled.json").await.open_breaks, 0);
    let report = night.report().await;
    assert_eq!((report.totals.review, report.reviews.open, report.identity.holds), (1, 1, true));
    night.clock.set(review.deadline);
    night.run("one-day.json").await;
    let stored = night.store.review(&review.id()).await.unwrap().unwrap();
    assert_eq!((stored.state.name(), stored.work), (StateName::Expired, None));
    let json: serde_json::Value = serde_json::from_slice(&night.stored("demo-brand", "report.json")).unwrap();
    assert_eq!((&json["totals"]["expired"], &json["totals"]["review"]), (&1.into(), &0.into()));
    assert_eq!(json["identity"]["holds"], true);
    night.run("one-day.json").await;
    assert_eq!(night.store.review(&review.id()).await.unwrap().unwrap().version, 1, "once");
}

#[tokio::test]
async fn an_approved_event_whose_message_was_lost_is_sent_to_the_engine_again() {
    let night = night();
    let review = waiting(&night, 8).await;
    approve(&night, &review, at(9)).await;
    night.drain(Queue::Events).await;
    night.sleep_until_two();
    night.run("one-day.json").await;
    let again = night.store.receive(Queue::Events, 10, 30_000).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(serde_json::from_str::<Event>(&again[0].body).unwrap(), event(8));
}

/// Approved two days later, delivered then: the books of both days hold.
#[tokio::test]
async fn what_people_let_go_on_is_counted_where_it_arrived() {
    let night = night();
    let review = waiting(&night, 9).await;
    let later = day().end().plus_ms(30 * 60 * MINUTE);
    let approved = approve(&night, &review, later).await;
    night.drain(Queue::Events).await;
    let cleared = approved.clear(Verdict::AllowMasked, review.decision.clone(), later).unwrap();
    assert_eq!(night.store.advance_review(cleared.review, None).await, Ok(Advanced::Done));
    let mut sent = event(9);
    night.expose(&sent).await;
    sent.received_at = later;
    night.deliver(&sent, Some(Settlement::Delivered)).await;
    let now = later.plus_ms(2_000 * MINUTE);
    for (day, delivered) in [(day(), 1), (later.business_day(), 0)] {
        let report = night.handler.reconcile(&tenant(), day, now).await.unwrap();
        assert_eq!((report.totals.delivered, report.identity.holds), (delivered, true), "{day}");
        assert!(report.breaks.is_empty(), "{:?}", report.breaks);
    }
}
