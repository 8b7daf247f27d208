//! Links: the allow-list of domains and the base of lead links.

use super::Findings;
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    let Some(links) = &tenant.links else { return };
    for domain in &links.value.allowed_domains {
        if !is_domain(domain) {
            findings.add(
                links,
                "bad_domain",
                format!("`{domain}` is no plain lower-case domain as in `example.com`, with no scheme, port, path or `*`"),
            );
        }
    }
    if links.value.lead_hours == 0 {
        findings.add(links, "lead_hours", "`lead_hours` must be at least 1");
    }
    let Some(base) = &links.value.lead_base else { return };
    match host_of(base) {
        None => findings.add(
            links,
            "lead_base",
            "`lead_base` must be https:// with a domain and a path, without user, query or fragment",
        ),
        Some(host) if !allows(tenant, host) => {
            findings.add(links, "lead_base_not_allowed", format!("`{host}` is missing in `allowed_domains`"));
        }
        Some(_) => {}
    }
}

/// May links to this host be sent?
pub(crate) fn allows(tenant: &TenantFile, host: &str) -> bool {
    let Some(links) = &tenant.links else { return false };
    links.value.allowed_domains.iter().any(|domain| {
        host == domain || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// RFC 1035 labels, at least two, the last one not a number (that would be an address).
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && text.rsplit('.').next().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()))
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = !path.contains(['?', '#', '\\', ' ']) && !path.split('/').any(|part| part == "..");
    (is_domain(host) && plain).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_plain_lower_case_names() {
        for good in ["example.com", "a.b.c.cn", "xn--fiq228c.com", "work.weixin.qq.com", "1688.com"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in [
            "",
            "com",
            "*.example.com",
            "https://example.com",
            "example.com/",
            "Example.com",
            "a..b",
            ".a.b",
            "a.b.",
            "-a.com",
            "10.0.0.1",
            "example.com:443",
            "exa mple.com",
            "例子.中国",
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
    }

    #[test]
    fn lead_bases_are_https_with_a_domain_and_a_plain_path() {
        assert_eq!(host_of("https://crm.example.com/leads"), Some("crm.example.com"));
        assert_eq!(host_of("https://crm.example.com"), Some("crm.example.com"));
        for bad in [
            "http://crm.example.com/",
            "https://u@crm.example.com/",
            "https://crm.example.com:8443/x",
            "https://crm.example.com/a?b=1",
            "https://crm.example.com/../x",
            "https://",
            "crm.example.com",
        ] {
            assert_eq!(host_of(bad), None, "{bad}");
        }
    }
}
