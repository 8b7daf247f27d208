//! [`Acquaintances`](crate::Acquaintances).

use sluice_domain::contact::Acquaintance;
use sluice_domain::id::PersonId;

use super::Harness;
use super::samples::{NOON, brand, brand2, key, person, trace};
use crate::{Acquaintances as _, ConsentStore as _, Erasure as _, ErasureRequest};

fn contact(number: u32) -> PersonId {
    PersonId::new(format!("p-contact-{number}")).unwrap()
}

fn acquaintance(of: u32, with: u32) -> Acquaintance {
    Acquaintance {
        tenant: brand(),
        contact: contact(of),
        person: person(with),
        event: key(brand(), with),
        trace_id: trace(with),
        since: NOON,
    }
}

async fn names<H: Harness>(harness: &H, of: u32) -> Vec<PersonId> {
    let known = harness.store().known_as(&brand(), &contact(of)).await.unwrap();
    let mut names: Vec<_> = known.into_iter().map(|it| it.person).collect();
    names.sort();
    names
}

/// One contact may be several people, and the first event that told so stays.
pub async fn a_contact_is_known_as_everybody_it_was_acquainted_with<H: Harness>(harness: H) {
    let store = harness.store();
    assert_eq!(names(&harness, 1).await, []);
    store.acquaint(acquaintance(1, 1)).await.unwrap();
    store.acquaint(Acquaintance { trace_id: trace(99), ..acquaintance(1, 1) }).await.unwrap();
    store.acquaint(acquaintance(1, 2)).await.unwrap();
    store.acquaint(acquaintance(2, 2)).await.unwrap();
    assert_eq!(names(&harness, 1).await, [person(1), person(2)]);
    assert_eq!(names(&harness, 2).await, [person(2)]);
    assert_eq!(store.known_as(&brand(), &contact(2)).await, Ok(vec![acquaintance(2, 2)]));
    let first = store.known_as(&brand(), &contact(1)).await.unwrap();
    assert!(first.contains(&acquaintance(1, 1)), "{first:?}");
    assert_eq!(store.known_as(&brand2(), &contact(1)).await, Ok(vec![]), "another tenant's");
}

/// What is noted beside a person's consents is none of them.
pub async fn acquaintances_are_no_consents<H: Harness>(harness: H) {
    let store = harness.store();
    store.acquaint(acquaintance(1, 1)).await.unwrap();
    assert_eq!(store.consents_of(&brand(), &person(1)).await, Ok(vec![]));
    assert_eq!(store.consents_of(&brand(), &contact(1)).await, Ok(vec![]));
}

/// From both sides.
pub async fn an_erased_person_is_nobody_s_acquaintance<H: Harness>(harness: H) {
    let store = harness.store();
    for (of, with) in [(1, 1), (2, 1), (2, 2)] {
        store.acquaint(acquaintance(of, with)).await.unwrap();
    }
    let erase = |person| ErasureRequest {
        tenant: brand(),
        person,
        reference: PersonId::reference([9; 16]),
        at: NOON.plus_ms(1_000),
        keys: None,
    };
    let done = store.erase(erase(person(1))).await.unwrap();
    assert_eq!(done.destroyed.get("acquaintances"), Some(&2), "{done:?}");
    assert_eq!((names(&harness, 1).await, names(&harness, 2).await), (vec![], vec![person(2)]));
    let done = store.erase(erase(contact(2))).await.unwrap();
    assert_eq!(done.destroyed.get("acquaintances"), Some(&1), "{done:?}");
    assert_eq!(names(&harness, 2).await, []);
}
