//! Dead letters back onto their queue.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeSet;
use std::slice::from_ref;

use sluice_aws::Resource;
use sluice_domain::reconciliation::DeadLetter;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::conformance::samples::{body, message, trace};
use sluice_ports::{Backlog as _, Outbox as _, PortError, Queue};

use crate::support::{World, text};

const LIVE: Resource = Resource::Queue(Queue::Assigned);
const DEAD: Resource = Resource::DeadLetters(Queue::Assigned);

async fn letters(world: &World) -> Vec<DeadLetter> {
    world.queues.given_up(Queue::Assigned, None).await.unwrap().items
}

async fn id_of(world: &World, number: u32) -> String {
    let found = letters(world).await.into_iter().find(|letter| letter.trace_id == Some(trace(number)));
    found.unwrap().id
}

#[tokio::test]
async fn exactly_one_letter_moves() {
    let world = World::fresh().await;
    world.bury(Queue::Assigned, 0..23).await;
    let id = id_of(&world, 17).await;
    assert_eq!(world.queues.put_back(Queue::Assigned, from_ref(&id)).await, Ok(vec![id.clone()]));
    assert_eq!(world.counts(DEAD).await, (22, 0));
    assert!(letters(&world).await.iter().all(|letter| letter.id != id));
    let [moved] = world.drain(LIVE).await.try_into().unwrap();
    assert_eq!(moved.body(), Some(body(17).as_str()));
    assert_eq!(text(&moved, "trace_id"), Some(trace(17).to_string().as_str()));
    assert_eq!((text(&moved, "code"), text(&moved, "detail")), (None, None), "no letter any more");
    assert_eq!(world.queues.put_back(Queue::Assigned, &[id]).await, Ok(Vec::new()));
}

/// One look for all of them: a night after an outage has thousands.
#[tokio::test]
async fn many_letters_move_at_once_each_once() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Assigned, 0..35).await;
    let mut ids: Vec<String> = letters(&world).await.into_iter().map(|letter| letter.id).collect();
    let mut left = ids.split_off(32);
    proxy.forget();
    let asked = [ids.clone(), vec!["unknown".to_owned()]].concat();
    let mut moved = world.queues.put_back(Queue::Assigned, &asked).await.unwrap();
    moved.sort();
    ids.sort();
    assert_eq!(moved, ids);
    let receives = proxy.recording().totals().into_iter().find(|(sum, _)| sum.operation == "ReceiveMessage");
    assert!(receives.unwrap().1.calls <= 6, "{}", proxy.recording());
    let arrived = world.bodies(Queue::Assigned).await;
    assert_eq!((arrived.len(), arrived.iter().collect::<BTreeSet<_>>().len()), (32, 32));
    assert_eq!(world.counts(DEAD).await, (3, 0));
    let mut there: Vec<String> = letters(&world).await.into_iter().map(|letter| letter.id).collect();
    there.sort();
    left.sort();
    assert_eq!(there, left);
}

/// Those that went are on their queue and no letters; those that did not are letters still.
#[tokio::test]
async fn when_some_sends_fail_nothing_is_lost() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Assigned, 0..10).await;
    let ids: Vec<String> = letters(&world).await.into_iter().map(|letter| letter.id).collect();
    // The SDK repeats each: all calls from the fourth on fail.
    proxy.inject(Rule::new(Fault::Status(500)).operation("SendMessage").times(4, 1_000));
    let error = world.queues.put_back(Queue::Assigned, &ids).await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert_eq!((world.counts(DEAD).await, world.counts(LIVE).await), ((7, 0), (3, 0)));
    proxy.heal();
    assert_eq!(world.queues.put_back(Queue::Assigned, &ids).await.map(|moved| moved.len()), Ok(7));
    assert_eq!(world.bodies(Queue::Assigned).await.len(), 10);
}

#[tokio::test]
async fn an_unknown_letter_is_told_and_the_others_stay_visible() {
    let world = World::fresh().await;
    world.bury(Queue::Assigned, 0..12).await;
    assert_eq!(world.queues.put_back(Queue::Assigned, &["unknown".to_owned()]).await, Ok(Vec::new()));
    assert_eq!((world.counts(DEAD).await, world.counts(LIVE).await), ((12, 0), (0, 0)));
}

/// Reconciliation puts a message back once; a second time is a person's decision.
#[tokio::test]
async fn a_message_that_comes_again_is_known_to_have_been_put_back() {
    let world = World::fresh().await;
    assert_eq!(world.queues.send(Queue::Assigned, vec![message(1)]).await, []);
    let [letter] = world.use_receives_up(Queue::Assigned, 1).await.try_into().unwrap();
    for redrives in 1..3 {
        let id = id_of(&world, 1).await;
        assert_eq!(world.queues.put_back(Queue::Assigned, from_ref(&id)).await, Ok(vec![id]));
        let [again] = world.use_receives_up(Queue::Assigned, 1).await.try_into().unwrap();
        assert_eq!((again.redrives, again.code.as_str()), (redrives, letter.code.as_str()));
        assert!(!again.may_be_put_back());
    }
}

#[tokio::test]
async fn one_of_two_at_once_wins_in_one_process() {
    let world = World::fresh().await;
    world.bury(Queue::Assigned, 0..12).await;
    let id = id_of(&world, 5).await;
    let put_back = || world.queues.put_back(Queue::Assigned, from_ref(&id));
    let (one, other) = tokio::join!(put_back(), put_back());
    assert_eq!([one.unwrap(), other.unwrap()].concat(), [id]);
    assert_eq!(world.bodies(Queue::Assigned).await, [body(5)]);
    assert_eq!(world.counts(DEAD).await, (11, 0));
}

#[tokio::test]
async fn one_of_two_at_once_wins_in_two_processes() {
    let world = World::fresh().await;
    world.bury(Queue::Assigned, 0..12).await;
    let id = id_of(&world, 5).await;
    let another = world.another(&world.endpoint.url);
    let (one, other) = tokio::join!(
        world.queues.put_back(Queue::Assigned, from_ref(&id)),
        another.put_back(Queue::Assigned, from_ref(&id))
    );
    assert_eq!([one.unwrap(), other.unwrap()].concat(), [id]);
    assert_eq!(world.bodies(Queue::Assigned).await, [body(5)]);
    assert_eq!(world.counts(DEAD).await, (11, 0));
}

/// A process that dies between sending and deleting: from then on, none of its calls gets through.
#[tokio::test]
async fn a_crash_between_sending_and_deleting_doubles_and_loses_nothing() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Assigned, 0..1).await;
    let id = id_of(&world, 0).await;
    proxy.inject(Rule::new(Fault::Reset).operation("DeleteMessage"));
    proxy.inject(Rule::new(Fault::Reset).operation("ChangeMessageVisibilityBatch"));
    assert_eq!(world.queues.put_back(Queue::Assigned, from_ref(&id)).await, Ok(vec![id]));
    assert_eq!(world.bodies(Queue::Assigned).await, [body(0)]);
    // It comes up again when its time is over.
    assert_eq!(world.counts(DEAD).await, (0, 1));
}

#[tokio::test]
async fn a_send_whose_answers_are_lost_doubles_and_loses_nothing() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Assigned, 0..2).await;
    let id = id_of(&world, 0).await;
    proxy.inject(Rule::new(Fault::LostAnswer).operation("SendMessage"));
    let error = world.queues.put_back(Queue::Assigned, from_ref(&id)).await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { what: "queue `assigned`", .. }), "{error}");
    let sent = world.bodies(Queue::Assigned).await;
    assert!(!sent.is_empty() && sent.iter().all(|sent| *sent == body(0)), "{sent:?}");
    assert_eq!(world.counts(DEAD).await, (2, 0), "the letter is there, and can be put back at once");
    proxy.heal();
    assert_eq!(world.queues.put_back(Queue::Assigned, from_ref(&id)).await, Ok(vec![id]));
    assert_eq!((world.bodies(Queue::Assigned).await, world.counts(DEAD).await), (vec![body(0)], (1, 0)));
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_moves_the_letter_once() {
    let (world, proxy) = World::behind_proxy().await;
    world.bury(Queue::Assigned, 0..2).await;
    let id = id_of(&world, 0).await;
    proxy.inject(Rule::new(Fault::LostAnswer).operation("DeleteMessage").once(1));
    assert_eq!(world.queues.put_back(Queue::Assigned, from_ref(&id)).await, Ok(vec![id]));
    assert_eq!(proxy.recording().faults(), 1);
    assert_eq!((world.bodies(Queue::Assigned).await, world.counts(DEAD).await), (vec![body(0)], (1, 0)));
}

#[tokio::test]
async fn a_letter_whose_queue_refuses_it_stays_where_it_is() {
    let world = World::fresh().await;
    world.bury(Queue::Assigned, 0..1).await;
    let id = id_of(&world, 0).await;
    world.delete_queue(LIVE).await;
    let error = world.queues.put_back(Queue::Assigned, from_ref(&id)).await.unwrap_err();
    assert!(matches!(error, PortError::Missing { what: "queue `assigned`", .. }), "{error}");
    assert_eq!(world.counts(DEAD).await, (1, 0));
}
