//! Arms, destinations and their memory.

use std::sync::atomic::Ordering;

use sluice_domain::bucket::bucket;
use sluice_domain::delivery::Exposure;
use sluice_domain::event::EventKind::{Follow, FormSubmit, LiveComment};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::{ExperimentId, VariantId};
use sluice_domain::progress::{Assigned, Cleared};
use sluice_ports::{Exposures as _, Step, Written};

use crate::support::*;

const EXPERIMENT: &str = "lead-card-2026q4";

fn arm(assigned: &Assigned) -> &str {
    assigned.assignment.variant.as_ref().unwrap().as_str()
}

/// The arm that nobody has told this person about.
fn other_arm(arm: &str) -> VariantId {
    VariantId::new(if arm == "plain" { "guided" } else { "plain" }).unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn an_event_gets_bucket_arm_script_and_destination_and_goes_on() {
    let desk = desk();
    let cleared = cleared(1, FormSubmit, "open-1");
    assert_eq!(desk.assign(std::slice::from_ref(&cleared)).await, [Ok(())]);
    let next = desk.next().await;
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].cleared, cleared);
    let assignment = &next[0].assignment;
    let expected = bucket(EXPERIMENT, cleared.person().as_str());
    assert_eq!(assignment.bucket, Some(expected));
    assert_eq!(arm(&next[0]), if expected < 5_000 { "plain" } else { "guided" });
    assert_eq!(assignment.script.as_str(), format!("lead-card-{}", arm(&next[0])));
    assert!(["wecom-sales-east", "wecom-sales-group"].contains(&assignment.destination.as_str()));
    let exposures = desk.exposures().await;
    assert_eq!(exposures.len(), 1);
    assert_eq!(exposures[0].experiment.as_str(), EXPERIMENT);
    assert_eq!((exposures[0].bucket, &exposures[0].variant), (assignment.bucket, &assignment.variant));
}

#[tokio::test(flavor = "current_thread")]
async fn a_batch_of_many_people_costs_one_write_and_spreads_over_arms_and_destinations() {
    let desk = desk();
    let batch: Vec<Cleared> =
        (0..200).map(|number| cleared(number, FormSubmit, &format!("open-{number}"))).collect();
    for part in batch.chunks(100) {
        assert!(desk.assign(part).await.iter().all(Result::is_ok));
    }
    assert_eq!((desk.store.exposes.load(Ordering::SeqCst), desk.store.sends.load(Ordering::SeqCst)), (2, 0));
    let next = [desk.next().await, desk.next().await].concat();
    assert_eq!(next.len(), 200);
    let plain = next.iter().filter(|assigned| arm(assigned) == "plain").count();
    let east =
        next.iter().filter(|assigned| assigned.assignment.destination.as_str() == "wecom-sales-east").count();
    // Even arms and weights 3 : 1, within four standard deviations of 200 throws.
    assert!((72..=128).contains(&plain), "{plain} of 200 plain");
    assert!((126..=174).contains(&east), "{east} of 200 east");
}

/// Weights change, people stay.
#[tokio::test(flavor = "current_thread")]
async fn a_person_stays_in_the_arm_of_the_first_exposure() {
    let desk = desk();
    let (first, second) = (cleared(1, FormSubmit, "open-1"), cleared(2, FormSubmit, "open-1"));
    desk.assign(&[first]).await;
    let before = desk.next().await.remove(0);
    let settings = settings_with(|tenant| {
        for variant in &mut tenant.experiments.values_mut().next().unwrap().variants {
            variant.weight = if variant.id.as_str() == arm(&before) { 0 } else { 10_000 };
        }
    });
    let later = desk_over(desk.store.clone(), settings);
    assert_eq!(later.assign(&[second, cleared(3, FormSubmit, "open-3")]).await, [Ok(()), Ok(())]);
    let mut next = later.next().await;
    next.sort_by_key(|assigned| assigned.cleared.event().trace_id);
    assert_eq!(arm(&next[0]), arm(&before));
    assert_eq!(next[0].assignment.script, before.assignment.script);
    assert_eq!(next[1].assignment.variant, Some(other_arm(arm(&before))));
    assert_eq!(later.exposures().await.len(), 2);
}

#[tokio::test(flavor = "current_thread")]
async fn an_arm_that_is_gone_is_chosen_anew() {
    let desk = desk();
    desk.assign(&[cleared(1, FormSubmit, "open-1")]).await;
    let before = desk.next().await.remove(0);
    let settings = settings_with(|tenant| {
        let experiment = tenant.experiments.values_mut().next().unwrap();
        experiment.variants.retain(|variant| variant.id.as_str() != arm(&before));
        experiment.variants[0].weight = 10_000;
    });
    let later = desk_over(desk.store.clone(), settings);
    assert_eq!(later.assign(&[cleared(2, FormSubmit, "open-1")]).await, [Ok(())]);
    assert_eq!(later.next().await[0].assignment.variant, Some(other_arm(arm(&before))));
}

#[tokio::test(flavor = "current_thread")]
async fn two_events_of_one_person_in_a_batch_share_one_exposure_and_both_go_on() {
    let desk = desk();
    let batch = [cleared(1, FormSubmit, "open-1"), cleared(2, FormSubmit, "open-1")];
    assert_eq!(desk.assign(&batch).await, [Ok(()), Ok(())]);
    let next = desk.next().await;
    assert_eq!(next.len(), 2);
    assert_eq!(next[0].assignment, next[1].assignment);
    assert_eq!(desk.exposures().await.len(), 1);
}

/// The process may have died between the record and the next message.
#[tokio::test(flavor = "current_thread")]
async fn an_event_whose_exposure_is_written_already_is_sent_on_again() {
    let desk = desk();
    let cleared = cleared(1, FormSubmit, "open-1");
    let record = Exposure {
        tenant: keys().tenant().clone(),
        experiment: ExperimentId::new(EXPERIMENT).unwrap(),
        person: cleared.person().clone(),
        bucket: Some(17),
        variant: Some(VariantId::new("guided").unwrap()),
        trace_id: cleared.event().trace_id,
        exposed_at: NOON,
    };
    let written = desk.store.inner.expose(vec![Step { record, next: None }]).await;
    assert_eq!(written, [Ok(Written::New)]);
    assert_eq!(desk.assign(&[cleared]).await, [Ok(())]);
    let next = desk.next().await;
    assert_eq!((next.len(), arm(&next[0]), next[0].assignment.bucket), (1, "guided", Some(17)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_that_is_not_taken_fails_alone() {
    let desk = desk();
    let people: Vec<Cleared> =
        (1..4).map(|number| cleared(number, FormSubmit, &format!("open-{number}"))).collect();
    desk.assign(&people).await;
    assert_eq!(desk.next().await.len(), 3);
    desk.store.refused_place.store(2, Ordering::SeqCst);
    let results = desk.assign(&people).await;
    let kinds: Vec<_> = results.iter().map(|result| result.as_ref().err().map(|error| error.kind)).collect();
    assert_eq!(kinds, [None, Some(FailureKind::Retry), None]);
    assert_eq!(desk.next().await.len(), 2);
    assert_eq!(desk.store.sends.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_route_without_experiment_is_exposed_to_none() {
    let desk = desk();
    assert_eq!(desk.assign(&[cleared(1, Follow, "open-1")]).await, [Ok(())]);
    let next = desk.next().await.remove(0);
    assert_eq!(
        (next.assignment.experiment, next.assignment.bucket, next.assignment.variant),
        (None, None, None)
    );
    assert_eq!(next.assignment.script.as_str(), "behaviour-note");
    let exposures = desk.exposures().await;
    assert_eq!((exposures[0].experiment.as_str(), &exposures[0].variant), ("none", &None));
}

#[tokio::test(flavor = "current_thread")]
async fn faults_of_the_set_up_keep_the_message() {
    let no_weight = settings_with(|tenant| tenant.destinations.values_mut().for_each(|it| it.weight = 0));
    let foreign = settings_with(|tenant| {
        let elsewhere = sluice_domain::consent::Recipient::new("elsewhere").unwrap();
        tenant.destinations.values_mut().for_each(|it| it.recipient = elsewhere.clone());
    });
    let no_script = settings_with(|tenant| tenant.scripts.clear());
    let uneven =
        settings_with(|tenant| tenant.experiments.values_mut().next().unwrap().variants[0].weight = 1);
    let rows = [
        (settings(), LiveComment, "no_route"),
        (no_weight, FormSubmit, "no_destination"),
        (foreign, FormSubmit, "no_destination"),
        (no_script, FormSubmit, "no_script"),
        (uneven, FormSubmit, "experiment_unusable"),
        (sluice_domain::settings::Settings::default(), FormSubmit, "unknown_tenant"),
    ];
    for (settings, kind, code) in rows {
        let desk = desk_over(desk().store, settings);
        let error = desk.assign(&[cleared(1, kind, "open-1")]).await.remove(0).unwrap_err();
        assert_eq!((error.code, error.kind), (code, FailureKind::Configuration));
        assert!(desk.exposures().await.is_empty() && desk.next().await.is_empty(), "{code}");
    }
}
