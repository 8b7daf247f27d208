//! Keys of tables: length-prefixed parts, so that no tenant's key is a prefix of another's, and times that sort.

use sluice_domain::id::{EventKey, MessageId, SourceId, TenantId};
use sluice_domain::time::UnixMillis;

/// Builds one key, part by part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Every key begins with its tenant, length first: `ab`+`c` and `a`+`bc` differ, and no range of one tenant meets another's.
    pub(crate) fn of(tenant: &TenantId) -> Self {
        Self(Vec::with_capacity(96)).part(tenant.as_str())
    }

    /// A part of at most 65 535 bytes with its length in front. Identifiers are at most 256 bytes by their types.
    pub(crate) fn part(mut self, text: &str) -> Self {
        self.0.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A moment, so that keys sort by it: big-endian with the sign flipped.
    pub(crate) fn time(mut self, at: UnixMillis) -> Self {
        self.0.extend_from_slice(&(at.0 ^ i64::MIN).to_be_bytes());
        self
    }

    /// Bytes of a fixed length, or the rest of the key.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The first key after every key that begins with this one; `None` when there is none (all bytes 255: never, for the
    /// first byte is the high byte of a short length).
    pub(crate) fn after_prefix(&self) -> Vec<u8> {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            if let Some(next) = last.checked_add(1) {
                end.push(next);
                break;
            }
        }
        end
    }
}

/// The key of everything that is written once per event.
pub(crate) fn of_event(event: &EventKey) -> Key {
    Key::of(&event.tenant).part(event.source.as_str()).part(event.message.as_str())
}

/// Takes keys apart again.
pub(crate) struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    pub(crate) fn of(key: &'a [u8]) -> Self {
        Self(key)
    }

    pub(crate) fn part(&mut self) -> Option<&'a str> {
        let length = u16::from_be_bytes(self.fixed::<2>()?);
        let (part, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        std::str::from_utf8(part).ok()
    }

    pub(crate) fn time(&mut self) -> Option<UnixMillis> {
        self.fixed::<8>().map(|bytes| UnixMillis(i64::from_be_bytes(bytes) ^ i64::MIN))
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (part, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*part)
    }

    /// The source and message that end a key.
    pub(crate) fn event_of(&mut self, tenant: &TenantId) -> Option<EventKey> {
        let source = SourceId::new(self.part()?).ok()?;
        let message = MessageId::new(self.part()?).ok()?;
        Some(EventKey { tenant: tenant.clone(), source, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    proptest! {
        #[test]
        fn no_key_of_one_tenant_lies_in_the_range_of_another(
            one in "[a-z]{1,6}", other in "[a-z]{1,6}", part in "[a-z]{0,6}", at: i64,
        ) {
            prop_assume!(one != other);
            let range = Key::of(&tenant(&one));
            let foreign = Key::of(&tenant(&other)).part(&part).time(UnixMillis(at));
            let inside = foreign.as_slice() >= range.as_slice()
                && foreign.as_slice() < range.after_prefix().as_slice();
            prop_assert!(!inside);
        }

        #[test]
        fn keys_sort_by_time(early: i64, late: i64) {
            let key = |at| Key::of(&tenant("t")).time(UnixMillis(at)).as_slice().to_vec();
            prop_assert_eq!(key(early).cmp(&key(late)), early.cmp(&late));
        }

        #[test]
        fn a_key_comes_apart_as_it_was_built(source in "[a-z]{1,9}", message in "[a-z:]{1,20}", at: i64) {
            let event = EventKey {
                tenant: tenant("t"),
                source: SourceId::new(source).unwrap(),
                message: MessageId::new(message).unwrap(),
            };
            let key = Key::of(&event.tenant).time(UnixMillis(at)).part(event.source.as_str()).part(event.message.as_str());
            let mut parts = Parts::of(key.as_slice());
            prop_assert_eq!(parts.part(), Some("t"));
            prop_assert_eq!(parts.time(), Some(UnixMillis(at)));
            prop_assert_eq!(parts.event_of(&event.tenant), Some(event));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes: Vec<u8>) {
            let mut parts = Parts::of(&bytes);
            let _ = (parts.part(), parts.time(), parts.event_of(&tenant("t")));
        }
    }
}
