//! Public suffixes: under which names anybody may register (<https://publicsuffix.org>), both of registries (`com.cn`) and of hosts
//! (`github.io`).
//!
//! The list is compiled in (crate `psl`, made anew from the list with every release): nothing is read or parsed at the start.

use psl::Psl as _;

/// The part of a host that one owner registered: `example.com.cn` of `a.b.example.com.cn`. `None` for a public suffix itself.
///
/// `host` is lower-case. Below an ending that the list does not know, the last two labels (the list's own rule `*`).
pub fn registrable(host: &str) -> Option<&str> {
    let domain = psl::List.domain(host.as_bytes())?;
    host.get(host.len().checked_sub(domain.as_bytes().len())?..)
}

/// May anybody register names below this one? `com`, `com.cn`, `github.io`.
pub fn is_public_suffix(host: &str) -> bool {
    !host.is_empty() && registrable(host).is_none()
}

/// Does the host end in a name of the list? `index.html` does not.
pub(super) fn has_known_ending(host: &str) -> bool {
    psl::List.suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known())
}

#[cfg(test)]
mod tests {
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
}
