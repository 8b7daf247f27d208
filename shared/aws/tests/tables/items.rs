//! What lies in the tables: sizes, units, names, more than one page.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest as _, Sha256};
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::delivery::Outcome;
use sluice_ports::conformance::samples::{
    NOON, assignment, attempt, audit, brand, claim, consent_key, day, event, every_page, grant, key, message,
    owner, person,
};
use sluice_ports::{
    AuditLog as _, Claim, ClaimRequest, ConsentStore as _, Deliveries as _, Intake as _, PortError, Queue,
    Settlement, Step, Written,
};

use crate::support::{World, fresh_on_dynoxide, fresh_on_ministack};

/// A record of so many hexadecimal digits without a pattern, which pack into half as many bytes.
fn large(number: u32, digits: usize) -> AuditRecord {
    let hashes = (0_u32..).map(|block| hex::encode(Sha256::digest(block.to_be_bytes())));
    let effect: String = hashes.take(digits / 64).collect();
    AuditRecord { disposition: Disposition::recorded(effect), ..audit(brand(), number) }
}

#[tokio::test]
async fn an_item_above_the_limit_is_refused_before_it_is_sent() {
    let (world, proxy) = fresh_on_dynoxide().await.behind_proxy().await;
    let steps = [large(1, 800 * 1024), large(2, 600 * 1024)];
    let steps = steps.map(|record| Step { record, next: Some(message(1)) }).to_vec();
    let written = world.store.record(steps).await;
    assert!(
        matches!(written[0], Err(PortError::TooLarge { what: "audit", limit: 409_600, .. })),
        "{:?}",
        written[0]
    );
    assert_eq!(written[1], Ok(Written::New));
    assert_eq!(proxy.recording().calls().len(), 1);
    assert_eq!(world.store.queues.drain(Queue::Cleared).len(), 1);
}

/// The longest attempts, twenty of them, still fit; a longer one is refused and leaves the claim as it was.
#[tokio::test]
async fn attempts_are_bounded_so_that_twenty_fit() {
    let world = fresh_on_dynoxide().await;
    let long = |length: usize| {
        let mut attempt = attempt(0, Outcome::Transient);
        attempt.message = Some("x".repeat(length));
        attempt
    };
    let key = key(brand(), 1);
    for round in 0..22 {
        let at = round * 10;
        assert!(matches!(world.store.claim(claim(1, owner(1), at)).await, Ok(Claim::Won(_))));
        let settlement = Settlement::Waiting { until: NOON.plus_ms(at + 5) };
        world.store.settle(&key, owner(1), long(16_000), settlement).await.unwrap();
    }
    assert!(matches!(world.store.claim(claim(1, owner(1), 1_000)).await, Ok(Claim::Won(_))));
    let settlement = Settlement::Waiting { until: NOON };
    let refused = world.store.settle(&key, owner(1), long(17_000), settlement).await;
    assert!(matches!(refused, Err(PortError::TooLarge { what: "attempt", .. })), "{refused:?}");
    assert_eq!(world.store.delivery(&key).await.unwrap().unwrap().attempts.len(), 20);
}

/// `DynamoDB` reads the attribute as seconds: milliseconds would lie 50 000 years ahead and never expire.
#[tokio::test]
async fn receipts_expire_35_days_after_they_arrived_in_seconds() {
    let world = fresh_on_dynoxide().await;
    world.store.arrived(&[event(brand(), 1)]).await.unwrap();
    let items = world.client.scan().table_name("test-receipts").send().await.unwrap();
    let expires = items.items()[0]["expires_at"].as_n().unwrap().parse::<i64>().unwrap();
    assert_eq!(expires, NOON.plus_ms(1).as_secs() + 35 * 86_400);
}

/// Whoever knows Powertools' idempotency table can read this one.
#[tokio::test]
async fn a_claim_has_the_attributes_of_powertools_and_an_owner() {
    let world = fresh_on_dynoxide().await;
    let item = || async {
        let found = world.client.get_item().table_name("test-deliveries");
        let id = AttributeValue::S("brand#open-platform#message-1".to_owned());
        found.key("id", id).send().await.unwrap().item.unwrap()
    };
    assert!(matches!(world.store.claim(claim(1, owner(1), 0)).await, Ok(Claim::Won(_))));
    let claimed = item().await;
    assert_eq!(claimed["status"].as_s().unwrap(), "INPROGRESS");
    assert_eq!(claimed["in_progress_expiration"].as_n().unwrap(), &NOON.plus_ms(1_000).0.to_string());
    assert_eq!(claimed["validation"].as_s().unwrap(), &"00".repeat(32));
    assert_eq!(claimed["owner"].as_s().unwrap(), &owner(1).0.to_string());
    assert!(claimed.contains_key("data") && !claimed.contains_key("expiration"));
    let end = attempt(0, Outcome::Delivered { provider_id: None });
    world.store.settle(&key(brand(), 1), owner(1), end, Settlement::Delivered).await.unwrap();
    let settled = item().await;
    assert_eq!(settled["status"].as_s().unwrap(), "COMPLETED");
    assert!(!settled.contains_key("owner") && !settled.contains_key("in_progress_expiration"));
}

async fn of_a_hundred_clients_one_wins(world: World) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100_u8 {
        // A client each, as a hundred functions have: no connection, no counter in common.
        let store = world.another_store();
        tasks.spawn(async move {
            let request =
                ClaimRequest { assignment: assignment("sales-group"), ..claim(1, owner(number), 0) };
            matches!(store.claim(request).await.unwrap(), Claim::Won(_))
        });
    }
    let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_clients_one_wins_on_dynoxide() {
    of_a_hundred_clients_one_wins(fresh_on_dynoxide().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_clients_one_wins_on_ministack() {
    of_a_hundred_clients_one_wins(fresh_on_ministack().await).await;
}

/// A page of a query ends at 1 MB, a batch of reads at 16 MB: 60 records of 300 KB are more than both.
#[tokio::test]
async fn a_day_of_large_records_pages_without_gap_or_repeat() {
    let world = fresh_on_dynoxide().await;
    let records: Vec<_> = (0..60).map(|number| large(number, 300 * 1024)).collect();
    for chunk in records.chunks(10) {
        let steps = chunk.iter().map(|record| Step { record: record.clone(), next: None }).collect();
        assert!(world.store.record(steps).await.into_iter().all(|written| written == Ok(Written::New)));
    }
    let tenant = brand();
    let listed = every_page(|cursor| world.store.audits(&tenant, day(), cursor)).await;
    assert!(listed == records, "{} of 60", listed.len());
}

/// A person with many recipients: a query of several pages.
#[tokio::test]
async fn every_consent_of_a_person_is_found_beyond_a_page() {
    let world = fresh_on_dynoxide().await;
    let keys: Vec<_> = (0..8).map(|n| consent_key(brand(), person(1), &format!("recipient_{n}"))).collect();
    for key in &keys {
        let mut record = grant(key, 0);
        record.text.version = "x".repeat(190 * 1024);
        assert_eq!(world.store.grant(record).await, Ok(true));
    }
    assert_eq!(world.store.consents_of(&brand(), &person(1)).await.unwrap().len(), 8);
}

/// A cursor of one day is none of another, and tells nothing.
#[tokio::test]
async fn cursors_belong_to_their_listing() {
    let world = fresh_on_dynoxide().await;
    for chunk in (0..700).collect::<Vec<u32>>().chunks(100) {
        let events: Vec<_> = chunk.iter().map(|number| event(brand(), *number)).collect();
        world.store.arrived(&events).await.unwrap();
    }
    let page = world.store.receipts(&brand(), day(), None).await.unwrap();
    let cursor = page.next.unwrap();
    assert!(cursor.len() < 1_024 && !cursor.contains("brand"));
    assert!(world.store.receipts(&brand(), day(), Some(cursor.clone())).await.is_ok());
    let refused = world.store.receipts(&brand(), day().previous(), Some(cursor.clone())).await;
    assert!(matches!(refused, Err(PortError::Corrupt { what: "page cursor", .. })), "{refused:?}");
    assert!(world.store.audits(&brand(), day(), Some(cursor)).await.is_err());
}
