//! Cursors of listings: where the last page ended, bound to the listing it came from.

use sha2::{Digest as _, Sha256};
use sluice_ports::PortError;

/// Of a range key.
const LONGEST: usize = 1_024;
/// Bytes of the listing's hash in front.
const BOUND: usize = 8;

/// Which listing a cursor belongs to: by its table and its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope([u8; BOUND]);

impl Scope {
    pub(crate) fn of(table: &str, first_partition: &str) -> Self {
        let digest =
            Sha256::new().chain_update(table).chain_update([0]).chain_update(first_partition).finalize();
        let mut bound = [0; BOUND];
        bound.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(bound)
    }

    /// The cursor after a range key.
    pub(crate) fn after(self, sort: &str) -> String {
        hex::encode([self.0.as_slice(), sort.as_bytes()].concat())
    }

    /// The range key that a cursor stands after. One of another listing is refused: it would silently skip entries of this one.
    pub(crate) fn parse(self, cursor: &str) -> Result<String, PortError> {
        let refused = || PortError::Corrupt {
            what: "page cursor",
            cause: "it is not one that a page of this listing was returned with".to_owned(),
        };
        if cursor.len() > 2 * (BOUND + LONGEST) {
            return Err(refused());
        }
        let bytes = hex::decode(cursor).map_err(|_| refused())?;
        let sort = bytes.strip_prefix(self.0.as_slice()).ok_or_else(refused)?;
        let sort = std::str::from_utf8(sort).ok().filter(|sort| !sort.is_empty());
        sort.filter(|sort| sort.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(str::to_owned)
            .ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_opens_its_own_listing_alone(sort in "[!-~]{1,80}", one in "[a-z#]{1,9}", other in "[a-z#]{1,9}") {
            let cursor = Scope::of("audit", &one).after(&sort);
            prop_assert_eq!(Scope::of("audit", &one).parse(&cursor), Ok(sort));
            prop_assert!(Scope::of("orders", &one).parse(&cursor).is_err());
            prop_assert_eq!(Scope::of("audit", &other).parse(&cursor).is_ok(), one == other);
        }

        #[test]
        fn any_other_text_is_refused_without_quoting_it(text in "\\PC{0,60}") {
            let error = Scope::of("audit", "t#1#0").parse(&text).unwrap_err();
            prop_assert_eq!(
                error.to_string(),
                "page cursor holds a record that can not be read: \
                 it is not one that a page of this listing was returned with"
            );
        }
    }

    #[test]
    fn a_long_cursor_is_refused() {
        let scope = Scope::of("audit", "t#1#0");
        assert!(scope.parse(&scope.after(&"x".repeat(LONGEST))).is_ok());
        assert!(scope.parse(&scope.after(&"x".repeat(LONGEST + 1))).is_err());
    }
}
