//! Decisions that wait for the platform's text censor.

use sluice_domain::decision::Verdict;
use sluice_domain::review::{Panel, Point, Review, ReviewId, State};
use sluice_domain::safety::{Answer, CHECK, CheckRequest, DecidedBy, Finding, LogId, ModelName, Unanswered};
use sluice_domain::time::DAY_MS;
use sluice_ports::{Advanced, Clock as _, Queue, Reviews as _, Wake};

use crate::gate::Gate;
use crate::reviews::{agreed, woken};
use crate::sample::{Made, keys, message};

/// More than 200 characters, and nothing that a rule minds.
const LONG: &str = "你好,我上周在直播间看到你们的新款空气净化器,想先了解一下再决定。我家客厅大约三十平方米,层高两米八,平时窗户开得不多,\
    家里还养了一只猫,掉毛比较厉害,所以比较在意滤网多久要换一次、换一次大概多少钱、能不能自己换。另外想问一下晚上睡觉时开着噪音大不大,有没有\
    睡眠模式,遥控和定时是不是都支持。安装的话需不需要师傅上门,如果不合适七天之内能不能退,退货的运费由谁承担。还有就是最近有没有活动,如果\
    一次买两台送给父母一台,有没有优惠,发货大概要几天,能不能指定下午送到。麻烦方便的时候回复我一下,不着急,谢谢啦,辛苦了。";

fn long() -> Made {
    message("m-1", LONG)
}

async fn requests(gate: &Gate) -> Vec<CheckRequest> {
    let received = gate.store.receive(Queue::Checks, 100, 60_000).await.unwrap();
    let handles = received.iter().map(|message| message.receipt_handle.clone()).collect();
    gate.store.delete(Queue::Checks, handles).await.unwrap();
    received.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

async fn review(gate: &Gate, made: Made) -> Review {
    let event = made.event();
    let id = ReviewId { tenant: event.key.tenant, trace: event.trace_id, point: Point::Event };
    gate.store.review(&id).await.unwrap().unwrap()
}

fn finding(hits: &[&str], at: sluice_domain::time::UnixMillis) -> Finding {
    let hits = hits.iter().map(|name| ModelName::new(name)).collect();
    Finding::answered(Answer { hits, log_id: Some(LogId::new("L1")), at }, DecidedBy::Remote, 1)
}

/// content-safety answers.
async fn answered(gate: &Gate, hits: &[&str]) {
    let review = review(gate, long()).await;
    let now = gate.clock.now();
    let moved = review.found(finding(hits, now), Unanswered::Review, now, &keys(&review.key.tenant)).unwrap();
    assert_eq!(gate.store.advance_review(moved.review.clone(), Wake::of(&moved)).await, Ok(Advanced::Done));
}

#[tokio::test]
async fn a_long_text_waits_for_the_censor_alone() {
    let gate = agreed().await;
    let record = gate.take(long()).await;
    let review = review(&gate, long()).await;
    assert_eq!(review.decision.main_code(), "text_to_check");
    assert_eq!(review.panel, Panel { people: 1, machine: Some(CHECK.into()), advises: false });
    assert_eq!(review.deadline, record.decided_at.plus_ms(3 * DAY_MS));
    let request = CheckRequest { tenant: review.key.tenant, trace: review.trace_id, point: Point::Event };
    assert_eq!(requests(&gate).await, std::slice::from_ref(&request));
    assert_eq!(gate.handle(vec![long().event()]).await, [Ok(())]);
    assert_eq!(requests(&gate).await, [request], "the first request may have been lost");
    assert!(gate.cleared().await.is_empty());
}

#[tokio::test]
async fn a_grey_word_makes_a_short_text_wait_too() {
    let gate = agreed().await;
    let decision = gate.decide(message("m-1", "能代开发票吗")).await;
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::Review, "text_to_check"));
    assert!(decision.reasons[0].evidence.iter().any(|span| span.category == "grey_word"));
    assert_eq!(requests(&gate).await.len(), 1);
}

#[tokio::test]
async fn a_clean_text_goes_on_by_a_fresh_look_and_its_decision_has_the_evidence() {
    let gate = agreed().await;
    gate.take(long()).await;
    answered(&gate, &[]).await;
    let events = woken(&gate).await;
    assert_eq!(gate.handle(events).await, [Ok(())]);
    let State::Cleared { verdict, decision, .. } = review(&gate, long()).await.state else {
        panic!("it must go on")
    };
    assert_eq!(verdict, Verdict::AllowMasked);
    let kept = decision.finding.unwrap();
    assert_eq!((kept.decided_by, kept.log_id), (DecidedBy::Remote, Some(LogId::new("L1"))));
    assert_eq!(gate.cleared().await.len(), 1);
}

#[tokio::test]
async fn a_violation_goes_nowhere() {
    let gate = agreed().await;
    gate.take(long()).await;
    answered(&gate, &["short_content_antidirt"]).await;
    assert!(woken(&gate).await.is_empty());
    assert_eq!(gate.handle(vec![long().event()]).await, [Ok(())]);
    assert!(gate.cleared().await.is_empty());
    let State::Blocked { code, .. } = review(&gate, long()).await.state else { panic!("it must be blocked") };
    assert_eq!(code, "content_unsafe");
    requests(&gate).await;
    assert_eq!(gate.handle(vec![long().event()]).await, [Ok(())]);
    assert!(requests(&gate).await.is_empty(), "what is answered is not asked again");
}

#[tokio::test]
async fn a_number_in_a_long_text_wants_a_person_as_well() {
    let gate = agreed().await;
    let text: &'static str = Box::leak(format!("{LONG}13912345678").into_boxed_str());
    gate.take(message("m-1", text)).await;
    let panel = review(&gate, message("m-1", text)).await.panel;
    assert_eq!(panel, Panel { people: 1, machine: Some(CHECK.into()), advises: true });
    assert_eq!(requests(&gate).await.len(), 1);
}

#[tokio::test]
async fn what_is_blocked_anyway_is_shown_to_nobody() {
    let gate = Gate::open();
    let decision = gate.decide(long()).await;
    assert_eq!(decision.verdict, Verdict::Block);
    assert!(requests(&gate).await.is_empty());
}

#[tokio::test]
async fn a_tenant_without_a_censor_waits_for_nothing() {
    let gate = Gate::open_with(|tenant| tenant.safety = None);
    let consent = agreed().await.consent("sales_contact", "feishu_leads").await.unwrap();
    assert!(sluice_ports::ConsentStore::grant(&gate.store, consent).await.unwrap());
    let decision = gate.decide(long()).await;
    assert_eq!((decision.verdict, decision.main_code()), (Verdict::AllowMasked, "consented_behaviour"));
}
