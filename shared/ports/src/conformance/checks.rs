//! [`CheckedTexts`](crate::CheckedTexts).

use sluice_domain::id::TenantId;
use sluice_domain::safety::{Answer, CensorApi, LogId, ModelName, TextDigest};
use sluice_domain::tenant::TenantKeys;

use super::Harness;
use super::samples::{NOON, brand, brand2, day};
use crate::{CheckedTexts as _, Place};

fn digest(tenant: TenantId, text: &str) -> TextDigest {
    let keys = TenantKeys::new(tenant, zeroize::Zeroizing::new([7; 32]), Vec::new());
    TextDigest::of(text, CensorApi::OpenPlatform, "tt1", &keys)
}

fn clean() -> Answer {
    Answer { hits: Vec::new(), log_id: Some(LogId::new("log-1")), at: NOON }
}

fn hit() -> Answer {
    Answer { hits: vec![ModelName::new("short_content_antidirt")], ..clean() }
}

/// Not a moment longer, for no other text and no other tenant.
pub async fn an_answer_is_remembered_for_its_text_and_its_time<H: Harness>(harness: H) {
    let (store, tenant, text) = (harness.store(), brand(), digest(brand(), "one"));
    assert_eq!(store.checked(&tenant, &text, NOON).await, Ok(None));
    // Longer than a day: an adapter that sorts by days finds it on the last one, too.
    let until = NOON.plus_ms(40 * 3_600_000);
    assert_eq!(store.remember(&tenant, &text, hit(), until).await, Ok(()));
    assert_eq!(store.checked(&tenant, &text, NOON).await, Ok(Some(hit())));
    assert_eq!(store.checked(&tenant, &text, until.plus_ms(-1)).await, Ok(Some(hit())));
    assert_eq!(store.checked(&tenant, &text, until).await, Ok(None));
    assert_eq!(store.checked(&tenant, &digest(brand(), "two"), NOON).await, Ok(None));
    assert_eq!(store.checked(&brand2(), &text, NOON).await, Ok(None));
}

/// What the platform says now counts.
pub async fn a_later_answer_takes_the_place_of_an_earlier<H: Harness>(harness: H) {
    let (store, tenant, text) = (harness.store(), brand(), digest(brand(), "one"));
    for answer in [clean(), hit(), clean()] {
        let until = NOON.plus_ms(3_600_000);
        assert_eq!(store.remember(&tenant, &text, answer.clone(), until).await, Ok(()));
        assert_eq!(store.checked(&tenant, &text, NOON).await, Ok(Some(answer)));
    }
}

/// Neither one more nor one less.
pub async fn of_parallel_requests_as_many_are_made_as_the_budget_says<H: Harness>(harness: H) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = harness.store().clone();
        tasks.spawn(async move { store.take_request(&brand(), day(), 7).await.unwrap() });
    }
    let places = tasks.join_all().await;
    assert_eq!(places.iter().filter(|place| **place == Place::Taken).count(), 7);
    assert_eq!(harness.store().take_request(&brand(), day(), 8).await, Ok(Place::Taken), "a raised budget");
    assert_eq!(harness.store().take_request(&brand(), day(), 8).await, Ok(Place::Full));
}

/// Yesterday's requests are no longer counted.
pub async fn days_and_tenants_have_budgets_of_their_own<H: Harness>(harness: H) {
    let store = harness.store();
    for (tenant, day) in [(brand(), day()), (brand(), day().previous()), (brand2(), day())] {
        assert_eq!(store.take_request(&tenant, day, 1).await, Ok(Place::Taken));
        assert_eq!(store.take_request(&tenant, day, 1).await, Ok(Place::Full));
    }
    assert_eq!(store.take_request(&brand(), day(), 0).await, Ok(Place::Full));
}
