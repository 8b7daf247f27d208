use sha2::{Digest as _, Sha256};

use crate::event::unsealed::DIGEST_ID;
use crate::id::MessageId;

/// Gives each event of one callback an id of its own.
///
/// The platform's id is taken where it gives one. Where it doesn't, the id is the digest of the raw body: the same bytes pushed
/// again are the same event, and that digest is the only replay protection there is. Sealing the event makes it a commitment.
pub(super) struct MessageIds<'a> {
    payload_sha256: &'a str,
    given: Vec<MessageId>,
}

impl<'a> MessageIds<'a> {
    pub(super) fn new(payload_sha256: &'a str) -> Self {
        Self { payload_sha256, given: Vec::new() }
    }

    /// The id of the next event; the same callback gives the same ids in the same order.
    pub(super) fn next(&mut self, platform_id: Option<&str>) -> MessageId {
        let id = match platform_id.filter(|id| !id.is_empty()) {
            Some(id) => MessageId::new(id).unwrap_or_else(|_| digest(&hex::encode(Sha256::digest(id)))),
            None => digest(self.payload_sha256),
        };
        let id = if self.given.contains(&id) {
            // Two events under one id in one callback: neither may hide the other.
            digest(&hex::encode(Sha256::digest(format!("{}/{id}/{}", self.payload_sha256, self.given.len()))))
        } else {
            id
        };
        self.given.push(id.clone());
        id
    }
}

fn digest(hex: &str) -> MessageId {
    #[expect(clippy::expect_used, reason = "71 characters of [a-z0-9:] are always a message id")]
    MessageId::new(format!("{DIGEST_ID}{hex}")).expect("prefix and hex")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_of_one_callback_are_distinct_and_stable(ids in proptest::collection::vec(proptest::option::of("[a-c ]{0,2}"), 0..8)) {
            let give = || {
                let mut giver = MessageIds::new("00");
                ids.iter().map(|id| giver.next(id.as_deref())).collect::<Vec<_>>()
            };
            let given = give();
            prop_assert_eq!(&given, &give());
            let distinct: std::collections::BTreeSet<_> = given.iter().collect();
            prop_assert_eq!(distinct.len(), given.len());
        }
    }

    #[test]
    fn an_id_that_can_not_be_one_becomes_its_digest() {
        let mut ids = MessageIds::new("00");
        assert!(ids.next(Some("a b")).as_str().starts_with("sha256:"));
        assert_eq!(ids.next(Some("@m==")).as_str(), "@m==");
        assert_eq!(ids.next(None).as_str(), "sha256:00");
    }
}
