//! Rendered messages that wait, over the adapters of AWS: for people, for the platform's text censor, and whatever call breaks meanwhile.

use std::collections::BTreeSet;

use sluice::demo::callbacks::{self, Callback};
use sluice_domain::review::{Point, Says};
use sluice_domain::settings::Settings;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::Clock as _;
use sluice_review::View;

use crate::gate::Gate;
use crate::workload::sum;

/// Words of a company's culture in the demo's note about members: the exemptions of absolute words leave them to a person.
pub(crate) const CULTURE: &str = "我们追求最佳服务,这是我们的经营理念。";

/// The members' note is shown to the text censor before it leaves.
const CHECKED: &str = "
rules:
  - id: member-note-checked
    title: 会员话术发送前由平台内容安全检测
    code: text_to_check
    stages: [outbound]
    when: censor.available and script.id == 'member-note'
    then: review
    remote_check: true
    basis: [{ document: 网络信息内容生态治理规定, article: 第六条 }]
";

/// The demo's configuration, where members' notes are left to the text censor in place of people.
fn checked() -> Settings {
    sluice_settings::load_bundle(&checked_files().collect()).unwrap()
}

/// Its files, by relative path.
pub(crate) fn checked_files() -> impl Iterator<Item = (&'static str, String)> {
    sluice::builtin::FILES.iter().map(|(name, text)| {
        let text = match *name {
            "sluice.yaml" => text.replacen(CULTURE, "", 1),
            "rules/baseline.yaml" => format!("{text}{CHECKED}"),
            _ => (*text).to_owned(),
        };
        (*name, text)
    })
}

/// Somebody becomes a member, and a note about it would go to the group.
pub(crate) fn member(now_ms: i64) -> Callback {
    callbacks::all(now_ms).into_iter().find(|callback| callback.title == "membership joined").unwrap()
}

fn of_messages(says: Says) -> impl Fn(&View) -> Option<Says> {
    move |view| (view.point == Point::Message).then_some(says)
}

#[tokio::test]
async fn a_message_waits_for_a_person_and_leaves_as_it_was_read_or_not_at_all() {
    for (says, delivered, rejected) in [(Says::Approve, 1, 0), (Says::Reject, 0, 1)] {
        let (gate, account) = Gate::set_without_consents().await;
        gate.grant_standing_consents(&account).await;
        gate.call(&member(gate.clock.now().0)).await;
        gate.settle().await;
        assert!(gate.simulators.seen().is_empty());
        let read = gate.review(&account, of_messages(says)).await;
        let [view] = read.as_slice() else { panic!("{read:?}") };
        assert!(view.genuine && view.reasons.iter().all(|reason| reason.code == "absolute_word_exempt"));
        let text = &view.texts.iter().find(|text| text.field == "message").unwrap().text;
        assert!(text.contains("追求⟦最佳⟧服务") && text.contains("186****9323"), "{text}");
        gate.settle().await;
        let seen = gate.simulators.seen();
        assert_eq!(seen.len(), delivered, "{seen:?}");
        for seen in &seen {
            assert!(seen.text.contains(&text.replace(['⟦', '⟧'], "")), "{} is not {text}", seen.text);
        }
        let reports = gate.reconcile().await;
        let totals = sum(&reports);
        let counted = [totals["delivered"], totals["rejected"], totals["review"], totals["missing"]];
        assert_eq!(counted, [u64::try_from(delivered).unwrap(), rejected, 0, 0], "{reports:#?}");
        assert!(reports.iter().all(|report| report["breaks"].as_array().unwrap().is_empty()), "{reports:#?}");
    }
}

#[tokio::test]
async fn nobody_answers_and_the_night_counts_it_as_expired() {
    let (gate, _account) = Gate::set_without_consents().await;
    gate.call(&member(gate.clock.now().0)).await;
    gate.settle().await;
    let day = gate.clock.now().business_day();
    gate.clock.reach(gate.clock.now().plus_ms(73 * 3_600_000));
    let reports = gate.reconcile_day(day).await;
    assert_eq!(sum(&reports)["expired"], 1, "{reports:#?}");
    // What the night woke ends the delivery.
    gate.settle().await;
    assert!(gate.simulators.seen().is_empty());
    assert!(reports.iter().all(|report| report["breaks"].as_array().unwrap().is_empty()), "{reports:#?}");
}

/// An SDK's attempts at one call: as many faults in a row and the call fails for good.
const ATTEMPTS: u64 = 3;

/// Every call of the review's own, broken before it is carried out and after, once and for good: the note arrives, once.
#[tokio::test]
async fn a_message_that_was_checked_arrives_once_whatever_breaks() {
    let calls = [
        ("channel-dispatch", "PutItem", "ReviewsTable", 1),
        // The second one closes it.
        ("channel-dispatch", "PutItem", "ReviewsTable", 2),
        ("channel-dispatch", "GetItem", "ReviewsTable", 1),
        ("channel-dispatch", "SendMessageBatch", "ChecksQueue", 1),
        ("content-safety", "PutItem", "ReviewsTable", 1),
        ("content-safety", "SendMessageBatch", "AssignedQueue", 1),
    ];
    for (function, operation, resource, first) in calls {
        for (fault, times) in
            [(Fault::Status(500), ATTEMPTS), (Fault::LostAnswer, 1), (Fault::LostAnswer, ATTEMPTS)]
        {
            let what = format!("{fault:?} × {times} of {operation} {first} on {resource} by {function}");
            let (gate, _account) = Gate::set_with(checked()).await;
            let rule = Rule::new(fault).function(function).operation(operation).resource(resource);
            gate.proxy.inject(rule.times(first, times));
            gate.call(&member(gate.clock.now().0)).await;
            gate.settle().await;
            assert!(gate.proxy.struck() > 0, "{what} struck nothing\n{}", gate.proxy.recording());
            // Title and text; a request that was sent twice may ask twice.
            let asked: BTreeSet<_> = gate.simulators.checked_texts().into_iter().collect();
            assert_eq!(asked.len(), 2, "{what}");
            assert_eq!(gate.simulators.seen().len(), 1, "{what}\n{}", gate.proxy.recording());
            let reports = gate.reconcile().await;
            let totals = sum(&reports);
            assert_eq!((totals["delivered"], totals["in_doubt"]), (1, 0), "{what}\n{reports:#?}");
            for queue in ["AssignedDeadLetters", "ChecksDeadLetters"] {
                assert_eq!(gate.depth(queue).await, 0, "{what}");
            }
        }
    }
}
