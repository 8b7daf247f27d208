//! Links: the allow-list of domains, the filings, the bases of signed links.

use std::collections::BTreeSet;

use serde_saphyr::Spanned;
use sluice_domain::link::{
    DomainRule, LinkPolicy, is_public_suffix, is_short_link_service, parse_host, registrable,
};

use super::Findings;
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    let Some(links) = &tenant.links else { return };
    domains(links, findings);
    filings(links, findings);
    if links.value.lead_hours == 0 {
        findings.add(links, "lead_hours", "`lead_hours` must be at least 1");
    }
    if let Some(base) = &links.value.lead_base {
        base_of(links, "lead_base", base, findings);
    }
    if let Some(door) = &links.value.door {
        base_of(links, "door", door, findings);
    }
}

fn domains(links: &Spanned<LinkPolicy>, findings: &mut Findings<'_>) {
    for entry in &links.value.allowed_domains {
        let domain = &entry.domain;
        if is_public_suffix(domain) && entry.rule != DomainRule::Exact {
            findings.add(
                links,
                "public_suffix",
                format!(
                    "`{domain}` is a public suffix: anybody may register names below it; allow your own names"
                ),
            );
        } else if !is_domain(domain) {
            findings.add(
                links,
                "bad_domain",
                format!("`{domain}` is no plain lower-case domain as in `example.com`, with no scheme, port, path or `*`"),
            );
        } else if is_short_link_service(domain) {
            findings.add(
                links,
                "short_link_domain",
                format!("`{domain}` is a short-link service: what its links lead to can not be checked"),
            );
        }
    }
}

/// Each filing is of a domain as its owner registered it, once, and of one that is linked to.
fn filings(links: &Spanned<LinkPolicy>, findings: &mut Findings<'_>) {
    let Some(icp) = &links.value.icp else { return };
    if icp.subject.trim().is_empty() {
        findings.add(links, "icp_subject", "`icp.subject` must be the company's name as its filings have it");
    }
    let mut seen = BTreeSet::new();
    for filing in &icp.filings {
        let domain = &filing.domain;
        if !is_domain(domain) || registrable(domain) != Some(domain.as_str()) {
            findings.add(
                links,
                "filing_domain",
                format!("filing of `{domain}`: filings are of the registered domain, as in `example.com.cn`"),
            );
        } else if !seen.insert(domain) {
            findings.add(links, "duplicate_filing", format!("filing of `{domain}` is configured twice"));
        }
        if filing.subject.trim().is_empty() {
            findings.add(links, "filing_subject", format!("filing of `{domain}` names no `subject`"));
        }
    }
    for entry in
        links.value.allowed_domains.iter().filter(|entry| !entry.platform && is_domain(&entry.domain))
    {
        if let Err(refusal) = icp.check(&entry.domain) {
            let code = refusal.code();
            findings.add(
                links,
                "domain_without_filing",
                format!("`{}` is allowed, but its links would be refused ({code}): add its filing, or `platform: true` for a platform's page", entry.domain),
            );
        }
    }
}

fn base_of(links: &Spanned<LinkPolicy>, name: &'static str, base: &str, findings: &mut Findings<'_>) {
    match host_of(base) {
        None => findings.add(
            links,
            name,
            format!("`{name}` must be https:// with a domain and a path, without user, query or fragment"),
        ),
        Some(host) => {
            if !links.value.allows_host(host) {
                let code = if name == "door" { "door_not_allowed" } else { "lead_base_not_allowed" };
                findings.add(links, code, format!("`{host}` is missing in `allowed_domains`"));
            }
        }
    }
}

/// May links to this host be sent?
pub(crate) fn allows(tenant: &TenantFile, host: &str) -> bool {
    tenant.links.as_ref().is_some_and(|links| links.value.allows_host(host))
}

fn is_domain(text: &str) -> bool {
    parse_host(text).is_ok_and(|host| host == text)
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = !path.contains(['?', '#', '\\', ' ', '|']) && !path.split('/').any(|part| part == "..");
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
