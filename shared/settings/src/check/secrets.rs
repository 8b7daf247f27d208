//! Secrets are named in the configuration, never written into it.

use serde_saphyr::Spanned;
use sluice_domain::destination::Channel;

use super::Findings;
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for source in &tenant.sources {
        name(source, &source.value.secret, &format!("`secret` of source `{}`", source.value.id), findings);
        if let Some(welcome) = &source.value.welcome {
            let what = format!("`secret` of `welcome` of source `{}`", source.value.id);
            name(source, &welcome.secret, &what, findings);
        }
    }
    for destination in &tenant.destinations {
        let id = &destination.value.id;
        for (field, secret) in fields(&destination.value.channel) {
            name(destination, secret, &format!("`{field}` of destination `{id}`"), findings);
        }
    }
    if let Some(safety) = &tenant.safety {
        name(safety, &safety.value.secret, "`secret` of `safety`", findings);
    }
}

fn fields(channel: &Channel) -> Vec<(&'static str, &str)> {
    match channel {
        Channel::FeishuBot { hook, signing, uploads } => {
            let signing = signing.as_deref().map(|name| ("signing", name));
            let uploads = uploads.as_ref().map(|it| ("uploads.secret", it.secret.as_str()));
            std::iter::once(("hook", hook.as_str())).chain(signing).chain(uploads).collect()
        }
        Channel::WecomBot { key } => vec![("key", key)],
        Channel::FeishuApp { secret, .. }
        | Channel::WecomApp { secret, .. }
        | Channel::WechatCustom { secret, .. }
        | Channel::WechatTemplate { secret, .. }
        | Channel::WechatSubscribe { secret, .. }
        | Channel::Webhook { secret, .. } => vec![("secret", secret)],
        Channel::DouyinMessage { refresh_token, .. } | Channel::DouyinComment { refresh_token, .. } => {
            vec![("refresh_token", refresh_token)]
        }
    }
}

fn name<T>(at: &Spanned<T>, value: &str, what: &str, findings: &mut Findings<'_>) {
    let problem = if looks_like_credential(value) {
        "looks like a credential; write the *name* of a secret and keep the value in the secret store"
    } else if !is_name(value) {
        "must be the name of a secret: 1 to 128 characters of [a-z0-9._/-], beginning with a letter"
    } else {
        return;
    };
    findings.add(at, "secret_not_a_name", format!("{what} {problem}"));
}

fn is_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._/-".contains(&b))
}

/// Hex digests, UUIDs (bot keys) and long runs without a separator (application secrets); web addresses (hooks).
fn looks_like_credential(text: &str) -> bool {
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let only_hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let longest_run = text.split(['.', '_', '/', '-']).map(str::len).max().unwrap_or(0);
    (only_hex && hex >= 16) || longest_run >= 28 || text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_pass_and_credentials_do_not() {
        for good in ["demo-brand/open-platform", "demo_mcn.feishu.signing", "a"] {
            assert!(is_name(good) && !looks_like_credential(good), "{good}");
        }
        for bad in [
            "693a91f6-7bcd-4bc4-97a0-0ec2sifa5aaa",
            "0123456789abcdef0123456789abcdef",
            "dskLLdkasdjlasdKK1234567890abcdEFGHxyz",
            "https://open.feishu.cn/open-apis/bot/v2/hook/x",
        ] {
            assert!(looks_like_credential(bad) || !is_name(bad), "{bad}");
        }
        assert!(!is_name("") && !is_name("Has Space") && !is_name("7starts-with-digit"));
    }
}
