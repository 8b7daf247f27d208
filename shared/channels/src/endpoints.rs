//! Where the platforms listen.

/// The base addresses of the platforms' APIs, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    feishu: String,
    wecom: String,
    wechat: String,
    douyin: String,
}

const DOUYIN: &str = "https://open.douyin.com";

/// A base address that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the base address of `{platform}` must be https (or http to a loopback address), without a path")]
pub struct InvalidEndpoint {
    platform: &'static str,
}

impl InvalidEndpoint {
    /// A person must mend the configuration.
    pub fn kind(&self) -> sluice_domain::failure::FailureKind {
        sluice_domain::failure::FailureKind::Configuration
    }
}

/// The platforms' own hosts in China.
impl Default for Endpoints {
    fn default() -> Self {
        Self {
            feishu: "https://open.feishu.cn".to_owned(),
            wecom: "https://qyapi.weixin.qq.com".to_owned(),
            wechat: "https://api.weixin.qq.com".to_owned(),
            douyin: DOUYIN.to_owned(),
        }
    }
}

impl Endpoints {
    /// Other hosts: Lark's (`https://open.larksuite.com`), or simulators on this machine.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] for anything but `https://host[:port]`, or `http://` to a loopback address: bodies carry credentials.
    pub fn new(
        feishu: impl Into<String>,
        wecom: impl Into<String>,
        wechat: impl Into<String>,
    ) -> Result<Self, InvalidEndpoint> {
        let wechat = base("wechat", wechat.into())?;
        // Simulators serve every platform at every address; real messages must not leave beside them.
        let douyin = if wechat.starts_with("http://") { wechat.clone() } else { DOUYIN.to_owned() };
        Ok(Self {
            feishu: base("feishu", feishu.into())?,
            wecom: base("wecom", wecom.into())?,
            wechat,
            douyin,
        })
    }

    /// Feishu's base address.
    pub fn feishu(&self) -> &str {
        &self.feishu
    }

    /// WeCom's base address.
    pub fn wecom(&self) -> &str {
        &self.wecom
    }

    /// WeChat's base address.
    pub fn wechat(&self) -> &str {
        &self.wechat
    }

    /// The base address of Douyin's Open Platform: a simulator's where WeChat's is one.
    pub fn douyin(&self) -> &str {
        &self.douyin
    }
}

fn base(platform: &'static str, mut address: String) -> Result<String, InvalidEndpoint> {
    if address.ends_with('/') {
        address.pop();
    }
    let invalid = InvalidEndpoint { platform };
    let Ok(uri) = address.parse::<http::Uri>() else { return Err(invalid) };
    let bare = uri.path() == "/" && uri.query().is_none() && !address.ends_with('/');
    if bare && may_be_called(&uri) { Ok(address) } else { Err(invalid) }
}

/// Credentials travel in addresses and bodies: nothing leaves this machine in the clear.
pub(crate) fn may_be_called(uri: &http::Uri) -> bool {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => is_loopback(host),
        _ => false,
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_goes_to_this_machine_only() {
        for (address, good) in [
            ("https://open.larksuite.com", true),
            ("https://open.larksuite.com/", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost:1", true),
            ("http://open.feishu.cn", false),
            ("http://127.0.0.1.example.com", false),
            ("http://10.0.0.1", false),
            ("https://open.feishu.cn/open-apis", false),
            ("ftp://127.0.0.1", false),
            ("open.feishu.cn", false),
            ("", false),
        ] {
            assert_eq!(base("feishu", address.to_owned()).is_ok(), good, "{address}");
        }
    }
}
