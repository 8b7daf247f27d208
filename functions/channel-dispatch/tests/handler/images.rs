//! Messages that are an image: sent alone, judged by what can be read on them, and approved as the very picture.

use std::path::Path;

use sluice_domain::decision::Verdict;
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::id::ScriptId;
use sluice_domain::progress::{Assigned, UncheckedAssigned};
use sluice_domain::review::{Ballot, Point, Review, ReviewId, ReviewerName, Says, Voter, Why};
use sluice_domain::sealed::exposed;
use sluice_domain::settings::Settings;
use sluice_ports::{Advanced, Queue, Reviews as _, Wake};
use sluice_settings::Bundle;
use sluice_steps::Stage as _;

use crate::support::*;

const PNG: &[u8] = include_bytes!("../../../../tests/vectors/images/card.png");
const OTHER: &[u8] = include_bytes!("../../../../docs/img/simulators.png");
/// What a rule wants to have reviewed.
const CULTURE: &str = "【示例品牌】我们追求最佳服务,这是我们的经营理念。客户表示拒绝的,请停止联系";
const PLAIN: &str = "【示例品牌】到店有礼，客户表示拒绝的，请停止联系";

/// The shipped configuration with a script that is an image; no route leads to it but the tests' own.
fn with(words: &str, picture: &[u8]) -> Settings {
    let bundle = Bundle::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config"));
    let files = bundle.files().map(|(name, bytes)| {
        let bytes = if name == "sluice.yaml" {
            let text = std::str::from_utf8(bytes).unwrap();
            let script = format!(
                "    scripts:\n      - {{ id: promo, version: 1, image: card.png, image_text: '{words}' }}\n"
            );
            text.replacen("    scripts:\n", &script, 1).into_bytes()
        } else {
            bytes.to_vec()
        };
        (name.to_owned(), bytes)
    });
    let image = ("images/card.png".to_owned(), picture.to_vec());
    sluice_settings::load_bundle(&files.chain([image]).collect()).unwrap()
}

fn lead(destination: &str) -> Assigned {
    let promo = ScriptId::new("promo").unwrap();
    reassigned(assigned(1, destination, Verdict::AllowMasked), |assignment| assignment.script = promo)
}

async fn review(desk: &Desk) -> Review {
    let event = lead(BOT).cleared.event().clone();
    let id = ReviewId { tenant: event.key.tenant, trace: event.trace_id, point: Point::Message };
    desk.store.review(&id).await.unwrap().unwrap()
}

async fn approve(desk: &Desk) {
    let review = review(desk).await;
    let by = Voter::Person { name: ReviewerName::new("王芳").unwrap() };
    let ballot = Ballot { by, says: Says::Approve, why: Why::new("看过").unwrap() };
    let moved = review.vote(ballot, desk.now(), &keys(&review.key.tenant)).unwrap();
    let advanced = desk.store.advance_review(moved.review.clone(), Wake::of(&moved)).await;
    assert_eq!(advanced, Ok(Advanced::Done));
}

async fn resume(desk: &Desk) {
    let received = desk.store.inner.receive(Queue::Assigned, 10, 60_000).await.unwrap();
    let woken: Vec<UncheckedAssigned> =
        received.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
    assert_eq!(woken.len(), 1);
    assert_eq!(desk.dispatch.handle(woken).await, [Ok(())]);
}

async fn ended(desk: &Desk) -> (DeliveryState, Option<Outcome>) {
    let delivery = desk.delivery(&lead(BOT)).await;
    (delivery.state.clone(), delivery.attempts.last().unwrap().outcome.clone())
}

#[tokio::test(flavor = "current_thread")]
async fn an_image_leaves_alone() {
    let desk = desk_with(with(PLAIN, PNG));
    assert_eq!(desk.deliver(&lead(BOT)).await, Ok(()));
    let (_, message) = desk.platform.taken().remove(0);
    assert!(message.image.unwrap().is(PNG));
    assert_eq!((message.text.as_str(), message.title, message.link), ("", None, None));
    assert_eq!(desk.delivery(&lead(BOT)).await.state, DeliveryState::Delivered);
}

/// A rule can not read a picture: what it says of the words on it holds for it.
#[tokio::test(flavor = "current_thread")]
async fn an_image_whose_words_may_not_leave_stays() {
    let desk = desk_with(with("加我薇信 abc12345", PNG));
    assert_eq!(desk.deliver(&lead(BOT)).await, Ok(()));
    assert!(desk.platform.taken().is_empty());
    let withheld = Outcome::Withheld { code: "contact_diversion".into() };
    assert_eq!(ended(&desk).await, (DeliveryState::Refused, Some(withheld)));
}

#[tokio::test(flavor = "current_thread")]
async fn the_picture_that_was_approved_is_sent() {
    let desk = desk_with(with(CULTURE, PNG));
    assert_eq!(desk.deliver(&lead(BOT)).await, Ok(()));
    assert!(desk.platform.taken().is_empty());
    let texts = review(&desk).await.texts(&keys(&lead(BOT).cleared.event().key.tenant)).unwrap();
    let shown: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), exposed(text))).collect();
    let [("image", image), ("image_text", words)] = shown.as_slice() else { panic!("{shown:?}") };
    assert!(image.starts_with("card.png: image/png, 64 × 40, 124 bytes, sha256 69060f40"), "{image}");
    assert_eq!(*words, CULTURE);

    approve(&desk).await;
    // Other words by now; the approved ones are with the review.
    let desk = reconfigured(&desk, with(&format!("{CULTURE}!"), PNG));
    resume(&desk).await;
    let (_, message) = desk.platform.taken().remove(0);
    assert!(message.image.unwrap().is(PNG));
    assert_eq!(ended(&desk).await.0, DeliveryState::Delivered);
}

/// Its bytes may be gone with the configuration that had it, and another picture is not what anybody approved.
#[tokio::test(flavor = "current_thread")]
async fn a_picture_that_was_exchanged_after_its_approval_is_not_sent() {
    let desk = desk_with(with(CULTURE, PNG));
    assert_eq!(desk.deliver(&lead(BOT)).await, Ok(()));
    approve(&desk).await;
    let desk = reconfigured(&desk, with(CULTURE, OTHER));
    resume(&desk).await;
    assert!(desk.platform.taken().is_empty());
    let withheld = Outcome::Withheld { code: "image_changed".into() };
    assert_eq!(ended(&desk).await, (DeliveryState::Refused, Some(withheld)));
}

/// A text to WeCom's members is remembered for hours; an image is not, for its body is the same for everybody.
#[tokio::test(flavor = "current_thread")]
async fn an_unclear_image_to_members_is_not_repeated_where_a_text_would_be() {
    for (message, state, sent) in [
        (lead(APP), DeliveryState::InDoubt, 1),
        (assigned(1, APP, Verdict::AllowMasked), DeliveryState::Delivered, 2),
    ] {
        let desk = desk_with(with(PLAIN, PNG));
        desk.platform.answers(Outcome::Unclear);
        let _unclear = desk.deliver(&message).await;
        desk.clock.advance_ms(10 * MINUTE);
        let _again = desk.deliver(&message).await;
        assert_eq!((desk.delivery(&message).await.state, desk.platform.taken().len()), (state, sent));
    }
}
