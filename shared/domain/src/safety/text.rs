use unicode_normalization::UnicodeNormalization as _;

use super::CensorApi;
use crate::tenant::{HashPurpose, TenantKeys};

/// A text as it is shown to the censor and remembered: composed (NFC), every run of white space and controls one space. Nothing else is
/// folded: what differs in a letter may differ in the answer.
pub fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc() {
        if !(c.is_whitespace() || c.is_control()) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

/// Names a text to the memory of answers: a keyed hash of the normalised text and of who was asked, as 64 lower-case hex digits. It tells
/// nobody without the tenant's key what the text was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextDigest(String);

impl TextDigest {
    /// The digest of a [`normalised`] text.
    pub fn of(normalised: &str, api: CensorApi, app_id: &str, keys: &TenantKeys) -> Self {
        let parts = [api.as_str(), app_id, normalised];
        Self(hex::encode(keys.keyed_hash(HashPurpose::CheckedText, &parts)))
    }

    /// As stores write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::id::TenantId;

    fn keys(tenant: &str, index: u8) -> TenantKeys {
        TenantKeys::new(TenantId::new(tenant).unwrap(), Zeroizing::new([index; 32]), Vec::new())
    }

    #[test]
    fn only_form_and_white_space_are_folded() {
        assert_eq!(normalised(" 加\u{3000}我\r\n\tok \u{0} "), "加 我 ok");
        assert_eq!(normalised("e\u{301}"), "é");
        for kept in ["ＶＸ", "V信", "v信", "1①", "a\u{200b}b"] {
            assert_eq!(normalised(kept), kept);
        }
        assert_eq!(normalised(" \n "), "");
    }

    #[test]
    fn a_digest_is_of_one_text_one_api_one_application_and_one_tenant() {
        let one = |text, api, app, keys: &TenantKeys| TextDigest::of(text, api, app, keys);
        let own = keys("a", 1);
        let digest = one("文", CensorApi::OpenPlatform, "tt1", &own);
        assert_eq!(digest, one("文", CensorApi::OpenPlatform, "tt1", &own));
        assert_eq!(digest.as_str().len(), 64);
        for other in [
            one("字", CensorApi::OpenPlatform, "tt1", &own),
            one("文", CensorApi::MiniApp, "tt1", &own),
            one("文", CensorApi::OpenPlatform, "tt2", &own),
            one("文", CensorApi::OpenPlatform, "tt1", &keys("b", 2)),
        ] {
            assert_ne!(digest, other);
        }
    }

    proptest! {
        #[test]
        fn normalising_again_changes_nothing(text: String) {
            let once = normalised(&text);
            prop_assert_eq!(normalised(&once), once.clone());
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' '));
        }
    }
}
