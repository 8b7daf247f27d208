//! Public suffixes: under which names anybody may register (<https://publicsuffix.org>), both of registries (`com.cn`) and of hosts
//! (`github.io`).
//!
//! The list is carried as a table of 137 KB that is read in place ([ADR 32](../../../../docs/adr/0032-public-suffixes.md)): nothing is
//! parsed at the start.

mod table;

use table::{Node, Table};

/// How a host ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ending {
    /// Bytes of its public suffix, a final dot included.
    length: usize,
    /// Does the list name it? Otherwise it is the last label, by the list's own rule `*`.
    is_known: bool,
}

impl Ending {
    /// The longest rule that fits decides, but an exception before all others. `None` without a label.
    fn of(host: &str) -> Option<Self> {
        let table = Table::get();
        let bare = host.strip_suffix('.').unwrap_or(host);
        let mut seen = host.len() - bare.len();
        let mut node = table.root()?;
        let mut ending = None;
        for (depth, label) in bare.rsplit('.').enumerate() {
            let above = seen;
            seen += label.len() + usize::from(depth > 0);
            let child = table.child(node, label);
            if child.is_some_and(Node::is_exception) {
                return Some(Self { length: above, is_known: true });
            }
            let is_known = child.is_some_and(Node::is_rule) || node.has_wildcard();
            if is_known || depth == 0 {
                ending = Some(Self { length: seen, is_known });
            }
            let Some(child) = child else { break };
            node = child;
        }
        ending.filter(|ending| ending.length > 0)
    }
}

/// The part of a host that one owner registered: `example.com.cn` of `a.b.example.com.cn`. `None` for a public suffix itself.
///
/// `host` is lower-case. Below an ending that the list does not know, the last two labels (the list's own rule `*`).
pub fn registrable(host: &str) -> Option<&str> {
    let Ending { length, .. } = Ending::of(host)?;
    let own = host.get(..host.len().checked_sub(length)?)?.strip_suffix('.')?;
    let label = own.rsplit('.').next().filter(|_| !own.is_empty())?;
    host.get(own.len().checked_sub(label.len())?..)
}

/// May anybody register names below this one? `com`, `com.cn`, `github.io`.
pub fn is_public_suffix(host: &str) -> bool {
    !host.is_empty() && registrable(host).is_none()
}

/// Does the host end in a name of the list? `index.html` does not.
pub(super) fn has_known_ending(host: &str) -> bool {
    Ending::of(host).is_some_and(|ending| ending.is_known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use psl::Psl as _;

    use super::*;

    #[test]
    fn the_lists_own_test_rows_give_their_registrable_domains() {
        let rows = include_str!("../../../../tests/vectors/public_suffix.csv");
        let mut seen = 0;
        for row in rows.lines().skip(1) {
            let (host, expected) = row.split_once(',').unwrap();
            let expected = Some(expected).filter(|expected| !expected.is_empty());
            assert_eq!(registrable(&host.to_lowercase()), expected, "{host}");
            seen += 1;
        }
        assert_eq!(seen, 73);
    }

    #[test]
    fn what_hosts_give_out_is_public_too() {
        for suffix in ["com", "cn", "com.cn", "gov.cn", "github.io", "co.uk", "vercel.app"] {
            assert!(is_public_suffix(suffix), "{suffix}");
        }
        for name in ["example.com", "example.com.cn", "work.weixin.qq.com", ""] {
            assert!(!is_public_suffix(name), "{name}");
        }
        assert!(has_known_ending("a.example.shop") && !has_known_ending("index.html"));
    }

    /// Does the crate `psl`, which has the list compiled in, say the same?
    fn is_as_psl_says(host: &str) -> bool {
        let domain = psl::List.domain(host.as_bytes());
        let expected = domain.as_ref().map(|domain| std::str::from_utf8(domain.as_bytes()).unwrap());
        let is_known = psl::List.suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known());
        registrable(host) == expected && has_known_ending(host) == is_known
    }

    #[test]
    fn every_name_of_the_table_ends_as_the_list_says() {
        let names = Table::get().names();
        assert!(names.len() > 10_000, "{}", names.len());
        let below = |name: &String| {
            [name.clone(), format!("a.{name}"), format!("b.a.{name}"), format!("c.b.a.{name}")]
        };
        let others = names.iter().flat_map(below).filter(|host| !is_as_psl_says(host));
        for host in others {
            // `*.replit.dev` holds for every label, `teams` too; the crate forgets it where `*.teams.replit.dev` is a rule of its own.
            let (_, above) = host.split_once('.').unwrap();
            assert!(is_public_suffix(&host) && is_public_suffix(&format!("any-label.{above}")), "{host}");
            assert!(
                names.contains(&host)
                    && psl::List.suffix(host.as_bytes()).unwrap().as_bytes().len() < above.len()
            );
        }
        assert!(is_public_suffix("teams.replit.dev"));
    }

    proptest! {
        #[test]
        fn any_host_ends_as_the_list_says(
            labels in proptest::collection::vec("[a-z]{0,3}|www|com|cn|uk|co|ck|jp|kobe|amazonaws|s3|compute|github|xn--55qx5d|公司", 0..6),
            dot in any::<bool>(),
        ) {
            let host = format!("{}{}", labels.join("."), if dot { "." } else { "" });
            prop_assert!(is_as_psl_says(&host), "{host}: {:?}", registrable(&host));
        }
    }
}
